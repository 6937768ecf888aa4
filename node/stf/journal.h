/* node/stf/journal.h   (inside stf)
 *
 * The block being executed: caches, undo log, outputs, totals. Shared by journal*.c, hooks.c, block*.c and
 * bootloader*.c; environments see only system.h.
 *
 * Entries are allocated once per block in the arena and never move. A transaction is numbered by tx_id, which also
 * counts refused ones: a stamp equal to tx_id means "in this transaction", so nothing is swept between transactions.
 * What a transaction wrote is listed in tx_accounts and tx_slots; per-transaction work walks only these. */
#ifndef GH_STF_JOURNAL_H
#define GH_STF_JOURNAL_H

#include "node/base/map.h"
#include "node/stf/rules.h"
#include "node/stf/system.h"

struct slot_entry;

struct account_entry {
    struct addr addr;
    bool loaded;
    bool has_leaf;             /* the 0x8003 slot is in the tree */
    bool code_unpublished;     /* code last set by force deployment: pubdata format 4 */
    bool balance_uncompressed; /* fee path of a simulation: charged at full length */
    uint32_t warm_tx;          /* first access paid in this transaction */
    uint32_t write_tx;         /* listed in tx_accounts, tx_start valid */
    uint32_t created_tx;       /* EIP-6780 */
    uint32_t destroyed_tx;     /* deleted at the end of this transaction */
    struct b256 flat_key;      /* of its 0x8003 slot */
    struct b256 initial_value; /* of its 0x8003 slot; zero: absent */
    struct account_record initial, tx_start, current;
    struct slot_entry *slots;   /* every cached slot of this address */
    struct account_entry *next; /* all entries of the block, newest first */
};

struct slot_entry {
    struct addr addr;
    struct b256 slot, flat_key;
    bool loaded, has_leaf;
    uint32_t warm_tx, write_tx;
    struct b256 initial, tx_start, current;
    struct slot_entry *next_of_account, *next;
};

struct transient_entry { /* pooled; valid in one transaction */
    struct b256 value;
};

enum undo_kind {
    UNDO_BALANCE,
    UNDO_NONCE,
    UNDO_RECORD, /* whole record and the code flag */
    UNDO_ACCOUNT_WARM,
    UNDO_CREATED,
    UNDO_DESTROYED,
    UNDO_UNCOMPRESSED,
    UNDO_SLOT,
    UNDO_SLOT_WARM,
    UNDO_TRANSIENT,
    UNDO_CODE_PREIMAGE,
    UNDO_SL_CHAIN_ID
};
struct undo {
    enum undo_kind kind;
    void *target;
    union {
        struct u256 balance;
        struct b256 value;
        uint64_t nonce;
        uint32_t tx;
        bool flag;
        struct {
            const struct account_record *record; /* arena */
            bool code_unpublished;
        } rec;
        struct {
            const struct u256 *value; /* arena */
            bool has;
        } sl;
    } old;
};

/* A vector in the arena: growing leaves the old array behind, so sizes double. */
struct vec {
    void *p;
    size_t cnt, cap;
};

struct code_preimage {
    struct b256 hash;
    struct bytes blob;
};

enum block_kind { BLOCK_EMPTY, BLOCK_UPGRADE, BLOCK_SERVICE, BLOCK_NORMAL };

struct stf_block {
    struct arena *arena;
    const struct stf_rules *rules;
    const struct stf_block_context *ctx;
    const struct stf_oracle *oracle;
    const struct stf_crypto *crypto;
    struct stf_options options;
    struct stf_fault fault; /* code other than STF_OK: the block is lost */

    /* caches */
    struct map accounts, slots, transients, preimages;
    struct account_entry *account_list;
    struct slot_entry *slot_list;
    struct account_entry *last_account; /* of the last lookup */
    struct slot_entry *last_slot;

    /* the running transaction */
    uint32_t tx_id;
    struct vec undo;        /* struct undo */
    struct vec tx_accounts; /* struct account_entry * */
    struct vec tx_slots;    /* struct slot_entry * */
    struct vec transient_pool;
    size_t transient_used;
    int64_t refund;
    struct addr origin;
    struct u256 gas_price;
    const struct b256 *blob_hashes;
    size_t blob_cnt;
    size_t tx_first_event, tx_first_log;

    /* outputs */
    struct vec events;         /* struct stf_event */
    struct vec l2_logs;        /* struct stf_l2_log */
    struct vec interop_roots;  /* struct stf_interop_root */
    struct vec code_preimages; /* struct code_preimage */
    bool has_sl_chain_id;
    struct u256 sl_chain_id;

    /* totals over included transactions */
    struct b256 tx_rolling_hash, upgrade_tx_hash;
    uint32_t tx_cnt, l1_tx_cnt;
    uint64_t gas_used, native_used, pubdata_used;
    enum block_kind kind;

    void *frame_pool; /* frame.c */
};

/* Room for one more element; NULL after recording out of memory. */
void *journal_vec_push(struct stf_block *b, struct vec *v, size_t elem_len);
enum stf_halt journal_out_of_memory(struct stf_block *b);
void journal_init(struct stf_block *b, uint64_t seed);
void journal_tx_begin(struct stf_block *b);
/* Deletes what self-destructed (EIP-6780); no undo after this. */
void journal_tx_commit(struct stf_block *b);

/* Loaded entries; NULL after recording the fault. Free of charge, warm nothing. */
struct account_entry *journal_account(struct stf_block *b, const struct addr *a);
struct slot_entry *journal_slot(struct stf_block *b, const struct addr *a, const struct b256 *slot);
/* As one access: charges (res may be NULL: free), marks warm. self_destruct: gas 2600 if cold, else 0. */
enum account_gas { ACCOUNT_GAS_NONE, ACCOUNT_GAS_ACCESS, ACCOUNT_GAS_SELFDESTRUCT };
enum stf_halt journal_access(struct stf_block *b, struct stf_res *res, const struct addr *a,
                             enum account_gas gas, struct account_entry **out);
MUST_USE bool journal_warm_account(struct stf_block *b, struct account_entry *e);
MUST_USE bool journal_warm_slot(struct stf_block *b, struct slot_entry *s);
/* Writes with undo; false after recording out of memory. */
MUST_USE bool journal_set_balance(struct stf_block *b, struct account_entry *e,
                                  const struct u256 *v);
MUST_USE bool journal_set_nonce(struct stf_block *b, struct account_entry *e, uint64_t nonce);
MUST_USE bool journal_set_record(struct stf_block *b, struct account_entry *e,
                                 const struct account_record *rec, bool code_unpublished);
MUST_USE bool journal_set_slot(struct stf_block *b, struct slot_entry *s, const struct b256 *v);
MUST_USE bool journal_mark_created(struct stf_block *b, struct account_entry *e);
MUST_USE bool journal_mark_destroyed(struct stf_block *b, struct account_entry *e);
MUST_USE bool journal_mark_uncompressed(struct stf_block *b, struct account_entry *e);
MUST_USE bool journal_set_sl_chain_id(struct stf_block *b, const struct u256 *id);
/* New code of this block: remembered and published. The blob lives in the arena. */
MUST_USE bool journal_add_code(struct stf_block *b, const struct b256 *hash, struct bytes blob);
/* The preimage from cache or oracle; NULL p after recording the fault. */
struct bytes journal_preimage(struct stf_block *b, const struct b256 *hash);
MUST_USE bool journal_cache_preimage(struct stf_block *b, const struct b256 *hash,
                                     struct bytes data);
/* Delegation designator of EIP-7702; zero target clears. */
MUST_USE bool journal_set_delegation(struct stf_block *b, struct account_entry *e,
                                     const struct addr *target);
/* Force deployment (spec 10 §9.5): charges native, sets code from a bare preimage. */
enum stf_halt journal_force_code(struct stf_block *b, struct stf_res *res, const struct addr *a,
                                 const struct b256 *bare_hash, uint32_t len,
                                 const struct b256 *observable_hash);

/* Is the address in the rules' precompile list? */
bool journal_is_precompile(const struct stf_block *b, const struct addr *a);
/* Event hooks (hooks.c), after the event was charged. */
enum stf_halt hooks_on_event(struct stf_block *b, struct stf_res *res, const struct addr *emitter,
                             const struct b256 *topics, unsigned topic_cnt, struct bytes data);
/* Result log of an L1 transaction */
MUST_USE bool journal_add_l1_log(struct stf_block *b, const struct b256 *tx_hash, bool success);

/* ---- pubdata.c ---- */
size_t pubdata_value_diff(uint8_t out[33], const struct u256 *old, const struct u256 *now);
struct pubdata_account {
    const struct account_record *old, *now;
    bool code_unpublished, balance_uncompressed;
    struct bytes blob; /* code blob of `now`, needed when code is published */
};
/* NULL out measures. */
size_t pubdata_account_diff(uint8_t *out, const struct pubdata_account *a);
/* What the running transaction would be charged, spec 20 §6.5. */
uint64_t pubdata_of_tx(const struct stf_block *b);

/* Prices of native (spec 10 §7.7) */
#define NATIVE_STORAGE_WARM        4000u
#define NATIVE_STORAGE_COLD        121120u
#define NATIVE_STORAGE_COLD_NEW    242240u
#define NATIVE_STORAGE_WRITE       50560u
#define NATIVE_STORAGE_WRITE_NEW   120800u
#define NATIVE_ACCOUNT             4000u
#define NATIVE_ACCOUNT_WRITE       1000u
#define NATIVE_PREIMAGE            500u
#define NATIVE_PREPROCESS_PER_BYTE 6u
#define NATIVE_HOOK                1000u

#endif
