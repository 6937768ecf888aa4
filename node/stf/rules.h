/* node/stf/rules.h   (inside stf)
 *
 * Rule sets as data: no `if (fork)` in bodies. */
#ifndef GH_STF_RULES_H
#define GH_STF_RULES_H

#include "node/stf/stf.h"

enum precompile_id {
    PRE_NONE,
    PRE_ECRECOVER,
    PRE_SHA256,
    PRE_RIPEMD160,
    PRE_IDENTITY,
    PRE_MODEXP,
    PRE_BN_ADD,
    PRE_BN_MUL,
    PRE_BN_PAIRING,
    PRE_BLAKE2F,
    PRE_POINT_EVALUATION,
    PRE_P256,
    PRE_BLS_G1_ADD, /* EIP-2537 */
    PRE_BLS_G1_MSM,
    PRE_BLS_G2_ADD,
    PRE_BLS_G2_MSM,
    PRE_BLS_PAIRING,
    PRE_BLS_MAP_G1,
    PRE_BLS_MAP_G2
};
struct rules_precompile {
    uint32_t addr; /* low 32 bits; the rest of the address is zero */
    enum precompile_id id;
};

/* Calls of the protocol before the first transaction. */
enum rules_start_input { START_CALL_PARENT_BEACON_ROOT, START_CALL_PARENT_HASH };
struct rules_start_call {
    struct addr to;
    enum rules_start_input input;
};

enum rules_opcode_set { /* opcodes.def */
                        OPCODES_CANCUN,
                        OPCODES_OSAKA,
                        OPCODES_CNT
};
/* MODEXP: gas = max(min_gas, complexity * iterations / divisor). The longer of base and modulus has
 * `longest` bytes; up to short_len of them the complexity is short_complexity, above it is
 * limb_factor * ceil(longest / 8)^2. Each exponent byte behind the first 32 is worth
 * exp_byte_iterations. A length above max_len burns the call's gas. */
struct rules_modexp {
    uint64_t max_len, min_gas, divisor;
    uint64_t short_len, short_complexity, limb_factor, exp_byte_iterations;
};

struct stf_ee; /* ee.h */

struct stf_rules {
    const char *name;
    uint32_t execution_version; /* 0: Ethereum */
    bool is_zksync_os;
    const struct rules_precompile *precompiles; /* all pre-warmed */
    size_t precompile_cnt;
    const struct stf_ee *const *environments; /* the first runs the initcode of transactions */
    size_t environment_cnt;
    const struct rules_start_call *start_calls; /* in their order */
    size_t start_call_cnt;
    struct rules_modexp modexp;
    enum rules_opcode_set opcodes;
    /* limits */
    uint32_t max_code_len, max_initcode_len, max_depth, max_heap_len;
    uint64_t max_return_len; /* outputs of all frames of a transaction together */
    uint64_t block_native_limit, tx_native_limit; /* 2^35 */
    uint32_t block_l2_log_limit;
    /* ZKsync OS: constants of spec 10 §7.2 */
    uint64_t l1_intrinsic_native, l1_intrinsic_pubdata, l2_intrinsic_pubdata;
    uint64_t p256_gas;
    /* Ethereum: limits and floors of transactions */
    uint64_t tx_gas_limit_max;         /* EIP-7825; UINT64_MAX: none */
    uint64_t calldata_floor_per_token; /* EIP-7623; 0: no floor */
    uint32_t tx_blob_max;
    uint64_t blob_fee_fraction; /* BLOB_BASE_FEE_UPDATE_FRACTION, for whoever makes the context */
    /* behaviours that differ */
    bool runs_empty_contracts;      /* a contract of no code runs, for a step */
    bool reads_create_target_first; /* before anything is checked, so it is warm when refused */
    bool marks_created_at_start;    /* for EIP-6780; otherwise at the deployment */
    bool charges_own_reads;         /* native for reads of the flow itself: caller, deployed code */
    bool is_free_at_no_base_fee;
    bool full_heap_is_out_of_gas; /* otherwise the block is lost, with STF_E_OUT_OF_MEMORY */
    bool burns_base_fee;          /* Ethereum: yes; ZKsync OS: coinbase gets the whole price */
    bool prevrandao_is_one;
    bool blob_hash_is_zero;
    bool tx_blob, tx_set_code; /* accepted types beyond 0, 1, 2 */
    bool has_system_txs;       /* 0x7d-0x7f */
    bool refund_before_native_delta;
    bool create_checks_storage; /* EIP-7610; ZKsync OS does not examine storage (spec 10 §8.1) */
};

#endif
