/* node/stf/stf.h
 *
 * THE STATE TRANSITION FUNCTION. Freestanding: no malloc, files, clock or globals. Memory comes from
 * the arena given to stf_block_begin; the outside world through an oracle and a table of primitives.
 *
 *   struct stf_block *b = stf_block_begin(...);
 *   for each transaction: stf_tx_run(b, tx, &result)   -> included, invalid, or seal
 *   stf_block_end(b, &output)                          -> header, diffs, logs, pubdata
 *
 * Stepped, not looped: the block builder, replay, eth_call, tracing and the verifier all drive these three.
 * A block that is not ended is simply dropped with its arena (that is how calls are simulated).
 *
 * Rule sets are data: ZKsync OS v31 (spec 10), and Ethereum Cancun, Prague and Osaka (for the public suites). */
#ifndef GH_STF_STF_H
#define GH_STF_STF_H

#include "node/base/arena.h"
#include "node/base/bytes.h"
#include "node/base/u256.h"
#include "node/stf/account.h"
#include "node/stf/errors.h"
#include "node/stf/tx.h"

/* ---- what the caller supplies ---- */

/* Block-initial state. Both return false only when the answer is not to be had (pruned, damaged): the
 * block then fails with STF_E_ORACLE. Absent slot: value zero, exists false. Preimages are borrowed
 * and stay valid until the block is dropped. */
struct stf_oracle {
    void *ctx;
    bool (*read_slot)(void *ctx, const struct b256 *flat_key, struct b256 *value, bool *exists);
    bool (*read_preimage)(void *ctx, const struct b256 *hash, struct bytes *out);
    /* May be NULL. Whether any slot of the account is not zero: asked at creations under rule sets that examine storage
     * (EIP-7610), never under ZKsync OS rules. */
    bool (*has_storage)(void *ctx, const struct addr *a);
};

/* Primitives. A NULL entry is a precompile this build does not have: an L2 transaction that reaches
 * it is refused with STF_E_PRECOMPILE_MISSING, an L1 one fails the block with it.
 * All are total; inputs and outputs are in the precompile's own wire form. */
struct stf_crypto {
    /* rs: r || s; recovery id 0 or 1. false: no such key. */
    bool (*ecrecover)(struct addr *out, const struct b256 *hash, const uint8_t rs[64],
                      unsigned recid);
    void (*sha256)(struct b256 *out, const void *data, size_t len);
    void (*ripemd160)(uint8_t out[20], const void *data, size_t len);
    /* out has mod_len bytes; mod_len > 0. scratch for big numbers. false: out of memory. */
    bool (*modexp)(uint8_t *out, const uint8_t *base, size_t base_len, const uint8_t *exp,
                   size_t exp_len, const uint8_t *mod, size_t mod_len, struct arena *scratch);
    bool (*bn254_add)(uint8_t out[64], const uint8_t in[128]); /* false: not on the curve */
    bool (*bn254_mul)(uint8_t out[64], const uint8_t in[96]);
    /* -1: invalid input, 0: product is not one, 1: it is. in: 192 bytes a pair */
    int (*bn254_pairing)(const uint8_t *in, size_t pair_cnt);
    void (*blake2f)(uint8_t out[64], const uint8_t in[213]); /* final flag already checked */
    /* EIP-4844, 192 bytes in; false: invalid */
    bool (*point_evaluation)(uint8_t out[64], const uint8_t in[192]);
    /* Commitment to a blob of BATCH_BLOB_LEN bytes. NULL where there is none: batches in blobs are not verified then. false: a
     * scalar is not below the order. */
    bool (*blob_commitment)(uint8_t out[48], const uint8_t *blob);
    bool (*p256_verify)(const uint8_t in[160]);
    /* EIP-2537. false or -1: invalid input; the sums of n multiples: 0 done, -1 invalid, -2 out of
     * memory */
    bool (*bls_g1_add)(uint8_t out[128], const uint8_t in[256]);
    int (*bls_g1_msm)(uint8_t out[128], const uint8_t *in, size_t n, struct arena *scratch);
    bool (*bls_g2_add)(uint8_t out[256], const uint8_t in[512]);
    int (*bls_g2_msm)(uint8_t out[256], const uint8_t *in, size_t n, struct arena *scratch);
    int (*bls_pairing)(const uint8_t *in, size_t pair_cnt); /* 384 bytes a pair; 1: it is one */
    bool (*bls_map_g1)(uint8_t out[128], const uint8_t in[64]);
    bool (*bls_map_g2)(uint8_t out[256], const uint8_t in[128]);
};

struct stf_block_context { /* spec 10 §2.1 */
    uint64_t chain_id, number, timestamp;
    struct b256 block_hashes[256]; /* index 255 = parent; unknown = 0 */
    struct u256 base_fee, pubdata_price, native_price, blob_fee;
    struct addr coinbase;
    uint64_t gas_limit, pubdata_limit;
    struct u256 mix_hash; /* carried only; Ethereum rules: PREVRANDAO */
    uint32_t execution_version;
};

struct stf_rules; /* see rules.h */
const struct stf_rules *stf_rules_zksync_os_v31(void);
const struct stf_rules *stf_rules_ethereum_cancun(void);
const struct stf_rules *stf_rules_ethereum_prague(void);
const struct stf_rules *stf_rules_ethereum_osaka(void);
/* by the block context's execution version; NULL when this build does not know it */
const struct stf_rules *stf_rules_of_execution_version(uint32_t v);
#define STF_EXECUTION_VERSION_V31 6u

struct stf_options {
    bool verify_signatures; /* recover every sender again; otherwise tx->from is trusted */
    /* eth_call and estimation: no signature, nonce, EIP-3607 and balance checks; max_fee 0 means price 0 with
     * native_per_gas from the base fee (spec 10 §4.1, §5) */
    bool simulate;
    bool unlimited_native; /* as the builds that made the reference blocks */
    /* called before each opcode; NULL normally. Read-only view, see ee.h */
    const struct stf_tracer *tracer;
    /* EVM code is translated before it is hot: results never depend on it, tests compare both ways */
    bool translates_at_once;
    size_t
        translation_limit; /* bytes of translated code in the block; 0: what is usual. Tests take less */
};

/* ---- a transaction's outcome ---- */

struct stf_event { /* EVM log */
    struct addr addr;
    uint32_t topic_cnt;
    struct b256 topics[4];
    struct bytes data;
};
struct stf_l2_log { /* L2->L1 log, spec 10 §10.1 */
    uint16_t tx_number;
    bool
        is_message; /* sender 0x8008 with a message; otherwise the result of an L1 transaction, sender 0x8001 */
    struct b256 key, value;
    struct bytes message;
};
void stf_l2_log_encode(uint8_t out[88], const struct stf_l2_log *log);

enum stf_verdict {
    STF_INCLUDED,
    STF_INVALID, /* everything rolled back, nonce included; fault says why */
    STF_SEAL,    /* a block limit: rolled back; seal the block and try again in the next */
    STF_FATAL,   /* the block cannot be continued; only drop it */
};

struct stf_tx_result { /* pointers live in the block's arena until it is dropped */
    enum stf_verdict verdict;
    struct stf_fault fault;
    bool success;
    bool short_of_pubdata; /* failed only because the body could not pay for its pubdata */
    bool has_created;
    struct addr created;
    struct bytes output; /* return or revert data; deployed code of a creation */
    const struct stf_event *events;
    size_t event_cnt;
    const struct stf_l2_log *l2_logs; /* messages of the body, then the L1-transaction log */
    size_t l2_log_cnt;
    uint64_t gas_used, gas_refunded;
    uint64_t native_used, computational_native_used, pubdata_used;
    struct u256 effective_gas_price;
    uint16_t tx_number;
};

/* ---- a block's outcome ---- */

struct stf_diff { /* net change, in consensus order (spec 20 §5.2) */
    struct addr addr;
    struct b256 slot, flat_key, old_value, new_value;
    bool is_new; /* the key had no leaf */
};
struct stf_preimage {
    struct b256 hash;
    struct bytes data;
    bool is_code; /* otherwise an account record */
};
struct stf_interop_root {
    struct u256 chain_id, block_or_batch;
    struct b256 root;
};
struct stf_header {
    struct b256 parent_hash, transactions_root;
    struct addr coinbase;
    uint64_t number, gas_limit, gas_used, timestamp;
    struct u256 base_fee;
    struct b256 mix_hash;
};
/* RLP of the 16 fields (spec 10 §2.2) and its hash. out needs 700 bytes; returns the length. */
size_t stf_header_encode(uint8_t out[700], const struct stf_header *h);
struct b256 stf_header_hash(const struct stf_header *h);

struct stf_block_output {
    struct stf_header header;
    struct b256 block_hash;
    const struct stf_diff *diffs;
    size_t diff_cnt;
    const struct stf_preimage *preimages;
    size_t preimage_cnt;
    const struct stf_l2_log *l2_logs; /* of the whole block, emission order */
    size_t l2_log_cnt;
    const struct stf_interop_root *interop_roots;
    size_t interop_root_cnt;
    bool has_sl_chain_id; /* SettlementLayerChainIdUpdated seen */
    struct u256 sl_chain_id;
    struct bytes pubdata;        /* one block stream, spec 20 §6.1 */
    struct b256 upgrade_tx_hash; /* zero without one */
    uint32_t tx_cnt, l1_tx_cnt;  /* l1: 0x7f only */
    uint64_t gas_used, computational_native_used, pubdata_used;
};

/* Running totals, for sealing decisions between transactions. */
struct stf_totals {
    uint64_t gas_used, computational_native_used, pubdata_used;
    uint32_t tx_cnt, l2_log_cnt;
};

/* ---- the three steps ---- */

struct stf_block;
/* NULL with *fault filled: unknown rules, bad context, or out of memory. Everything passed by pointer
 * is borrowed until the block is dropped. */
struct stf_block *stf_block_begin(struct arena *arena, const struct stf_rules *rules,
                                  const struct stf_block_context *ctx,
                                  const struct stf_oracle *oracle, const struct stf_crypto *crypto,
                                  const struct stf_options *options, struct stf_fault *fault);
/* What an L2 transaction of ZKsync OS pays before its body: native, and bytes of pubdata (spec 10 §7.2). */
void stf_l2_intrinsics(const struct stf_tx *tx, const struct stf_rules *rules, uint64_t *native,
                       uint64_t *pubdata);
/* Ethereum rules: the calls of EIP-4788 and EIP-2935, before the first transaction. Whoever runs whole blocks makes them;
 * state tests are of single transactions and do not. false: the block is lost. */
MUST_USE bool stf_block_run_start_calls(struct stf_block *b, const struct b256 *parent_beacon_root,
                                        struct stf_fault *fault);
/* tx is borrowed during the call only, except that its data may be referenced by the results. */
enum stf_verdict stf_tx_run(struct stf_block *b, const struct stf_tx *tx,
                            struct stf_tx_result *result);
struct stf_totals stf_block_totals(const struct stf_block *b);
/* Makes bare code known that is not in the state yet: factory dependencies of an upgrade transaction (spec 10 §13.3),
 * keyed by blake2s(code). Borrowed. false: out of memory. */
MUST_USE bool stf_block_add_preimage(struct stf_block *b, struct bytes code);
MUST_USE bool stf_block_end(struct stf_block *b, struct stf_block_output *out,
                            struct stf_fault *fault);

/* Visits the final value of every account touched (statetest post-state, traces): order unspecified. */
typedef void stf_account_visit_fn(void *arg, const struct addr *a, const struct account_record *rec,
                                  struct bytes code);
void stf_block_visit_accounts(const struct stf_block *b, stf_account_visit_fn *fn, void *arg);
typedef void stf_slot_visit_fn(void *arg, const struct addr *a, const struct b256 *slot,
                               const struct b256 *value);
void stf_block_visit_slots(const struct stf_block *b, stf_slot_visit_fn *fn, void *arg);

/* For tracers (ee.h), while a transaction runs or after it: what was there before that transaction, and what is now. Free
 * of charge, warms nothing. false: the state cannot be read and the block is lost. */
MUST_USE bool stf_block_account(struct stf_block *b, const struct addr *a,
                                struct account_record *before, struct account_record *now);
MUST_USE bool stf_block_slot(struct stf_block *b, const struct addr *a, const struct b256 *slot,
                             struct b256 *before, struct b256 *now);
/* Code of such a record, without padding; valid until the block is dropped. */
MUST_USE bool stf_block_code(struct stf_block *b, const struct account_record *rec,
                             struct bytes *code);
/* Accounts (slot NULL) and slots that the transaction wrote, also where it was undone or nothing changed. */
typedef void stf_write_visit_fn(void *arg, const struct addr *a, const struct b256 *slot);
void stf_block_visit_writes(const struct stf_block *b, stf_write_visit_fn *fn, void *arg);

#endif
