/* node/store/proof_table.h
 *
 * Proofs that provers handed in, proofs that were refused, and the record of which batches were verified before their commit. Tables
 * fri_proof, snark_proof, failed_proof, batch_verified in the journal database; written on the store thread.
 *
 * A proof belongs to a public input, not to a number: a batch that was taken back and sealed anew under the same number finds none.
 *
 * Retention: fri_proof and snark_proof until their batches are executed (proof_forget); failed_proof the newest FAILED_PROOF_KEEP, each
 * no longer than FAILED_PROOF_MAX_LEN (longer ones are kept cut); batch_verified until executed. */
#ifndef GH_STORE_PROOF_TABLE_H
#define GH_STORE_PROOF_TABLE_H

#include "node/store/store.h"

#define FAILED_PROOF_KEEP    64u
#define FAILED_PROOF_MAX_LEN (4u << 20)
#define PROOF_PROVER_CAP     65 /* a prover's name and its NUL */

struct fri_proof_row {
    uint64_t number, at_ms; /* wall clock */
    struct b256 input, vk;  /* P(number), key hash it was made for */
    char prover[PROOF_PROVER_CAP];
    struct bytes proof;
};
struct snark_proof_row {
    uint64_t from, to, at_ms;
    struct b256 input, vk; /* the folded public input of the range */
    char prover[PROOF_PROVER_CAP];
    struct bytes proof;
};
struct failed_proof_row {
    uint64_t from, to, at_ms; /* a batch alone: from == to */
    bool is_snark;
    struct b256 input, vk;
    char prover[PROOF_PROVER_CAP];
    char reason[256];
    struct bytes proof;
};

MUST_USE bool fri_proof_put(struct store_txn *t, const struct fri_proof_row *p, struct err *err);
/* Proof bytes are copied into the arena; arena NULL: without them. */
MUST_USE bool fri_proof_load(struct store_reader *r, uint64_t number, struct arena *arena,
                             struct fri_proof_row *out, bool *found, struct err *err);
MUST_USE bool snark_proof_put(struct store_txn *t, const struct snark_proof_row *p,
                              struct err *err);
/* The one whose range holds the batch. */
MUST_USE bool snark_proof_load(struct store_reader *r, uint64_t number, struct arena *arena,
                               struct snark_proof_row *out, bool *found, struct err *err);
MUST_USE bool snark_proof_remove(struct store_txn *t, uint64_t from, struct err *err);
/* Keeps it among the newest. */
MUST_USE bool failed_proof_put(struct store_txn *t, const struct failed_proof_row *p,
                               struct err *err);
/* The newest of that kind whose range holds the batch. */
MUST_USE bool failed_proof_load(struct store_reader *r, bool is_snark, uint64_t number,
                                struct arena *arena, struct failed_proof_row *out, bool *found,
                                struct err *err);
/* Removes proofs and records of batches up to that one. */
MUST_USE bool proof_forget(struct store_txn *t, uint64_t upto, struct err *err);

struct batch_verified_row {
    uint64_t number, at_ms, took_ms;
    struct b256 stored_hash; /* of the batch that was verified */
    uint64_t answers;        /* equal answers that were needed and came */
};
MUST_USE bool batch_verified_put(struct store_txn *t, const struct batch_verified_row *v,
                                 struct err *err);
MUST_USE bool batch_verified_load(struct store_reader *r, uint64_t number,
                                  struct batch_verified_row *out, bool *found, struct err *err);

#endif
