/* settlement/prover/internal.h   (inside settlement/prover) */
#ifndef GH_SETTLEMENT_PROVER_INTERNAL_H
#define GH_SETTLEMENT_PROVER_INTERNAL_H

#include "node/net/http_server.h"
#include "node/sender/contract_read/contract_read.h"
#include "node/store/batch_table.h"
#include "node/store/proof_table.h"
#include "settlement/prover/leases.h"
#include "settlement/prover/messages.h"
#include "settlement/prover/prover.h"

#define PROVER_JOBS_MAX   256u /* batches above the proved frontier that are looked at */
#define PROVER_REPLY_MAX  ((size_t)512 << 20)
#define PROVER_PROOFS_MAX ((size_t)256 << 20)
#define PROVER_JSON_TYPE  "application/json"

struct prover_job {
    uint64_t number, sealed_at_ms, last_timestamp;
    struct b256 state_commitment, stored_hash, input /* P(number) */;
    uint64_t fri_at_ms;                 /* wall clock of the durable proof; 0: none */
    uint64_t snark_from;                /* first batch of the durable proof of a range; 0: none */
    bool storing;                       /* a proof is on its way to the disk */
    struct settlement_witness *witness; /* reference; NULL: not made, or not needed any more */
};

struct prover {
    struct prover_deps deps;
    struct prover_config cfg;
    struct store_reader *reader, *worker_reader; /* owned; the loop's, the worker's */
    struct http_server *http;                    /* owned */
    bool started, stopped;
    struct prover_view view;
    struct leases fri, snark;
    struct prover_job jobs[PROVER_JOBS_MAX]; /* consecutive from first; index number - first */
    uint64_t first;
    size_t cnt;
    uint64_t making;        /* batch whose witness is asked for; 0: none */
    uint64_t make_again_ms; /* monotonic */
    char make_trouble[160]; /* why the witness of the next batch is not there; "" */
    uint64_t forgotten;     /* proofs up to here are removed */

    struct addr verifier;
    struct contract_read *key_read;
    struct contract_call key_call;
    struct arena key_arena;
    bool key_known;
    struct b256 chain_key;
    struct prover_stats stats;
};

struct prover_job *prover_job_find(struct prover *p, uint64_t number); /* NULL: none */
/* The folded public input of a run of jobs. false: one of them is not known. */
MUST_USE bool prover_fold(struct prover *p, uint64_t from, uint64_t to, struct b256 *out);
/* Next range a prover of ranges may have: false: none. */
MUST_USE bool prover_next_range(struct prover *p, uint64_t *from, uint64_t *to);
/* Next batch a prover may have, with its witness; 0: none. */
uint64_t prover_next_fri(struct prover *p);
/* Keeps a refused proof; nothing waits for it. */
void prover_keep_refused(struct prover *p, bool is_snark, const struct prover_submission *s,
                         const char *prover, const char *reason);

/* submit.c: answer the exchange, now or when the proof is durable */
void prover_take_fri(struct prover *p, struct http_exchange *x, struct prover_submission *s,
                     const char *prover);
void prover_take_snark(struct prover *p, struct http_exchange *x, struct prover_submission *s,
                       const char *prover);

/* answer.c: the job of a batch (with its witness), or the proofs of a range (NULL), made on the worker. An answer that does not come gives the
 * lease (NULL: none) back. */
void prover_answer(struct prover *p, struct http_exchange *x, struct leases *lease, uint64_t from,
                   uint64_t to, struct settlement_witness *witness);
void prover_put_key(struct buf *out, const struct b256 *vk);

/* http.c */
void prover_on_request(void *arg, struct http_exchange *x);

#endif
