/* node/stf/rules.c: the rule sets this build knows (rules.h). */
#include "node/stf/rules.h"

#include "node/stf/ee.h"

/* spec 10 §8.2: 0x09 and 0x0a are absent and behave as accounts without code */
static const struct rules_precompile zksync_os_v31_precompiles[] = {
    { 0x01, PRE_ECRECOVER }, { 0x02, PRE_SHA256 },     { 0x03, PRE_RIPEMD160 },
    { 0x04, PRE_IDENTITY },  { 0x05, PRE_MODEXP },     { 0x06, PRE_BN_ADD },
    { 0x07, PRE_BN_MUL },    { 0x08, PRE_BN_PAIRING }, { 0x100, PRE_P256 },
};

static const struct rules_precompile cancun_precompiles[] = {
    { 0x01, PRE_ECRECOVER },        { 0x02, PRE_SHA256 },     { 0x03, PRE_RIPEMD160 },
    { 0x04, PRE_IDENTITY },         { 0x05, PRE_MODEXP },     { 0x06, PRE_BN_ADD },
    { 0x07, PRE_BN_MUL },           { 0x08, PRE_BN_PAIRING }, { 0x09, PRE_BLAKE2F },
    { 0x0a, PRE_POINT_EVALUATION },
};

static const struct rules_precompile prague_precompiles[] = {
    { 0x01, PRE_ECRECOVER },        { 0x02, PRE_SHA256 },     { 0x03, PRE_RIPEMD160 },
    { 0x04, PRE_IDENTITY },         { 0x05, PRE_MODEXP },     { 0x06, PRE_BN_ADD },
    { 0x07, PRE_BN_MUL },           { 0x08, PRE_BN_PAIRING }, { 0x09, PRE_BLAKE2F },
    { 0x0a, PRE_POINT_EVALUATION }, { 0x0b, PRE_BLS_G1_ADD }, { 0x0c, PRE_BLS_G1_MSM },
    { 0x0d, PRE_BLS_G2_ADD },       { 0x0e, PRE_BLS_G2_MSM }, { 0x0f, PRE_BLS_PAIRING },
    { 0x10, PRE_BLS_MAP_G1 },       { 0x11, PRE_BLS_MAP_G2 },
};

static const struct rules_precompile osaka_precompiles[] = {
    { 0x01, PRE_ECRECOVER },        { 0x02, PRE_SHA256 },     { 0x03, PRE_RIPEMD160 },
    { 0x04, PRE_IDENTITY },         { 0x05, PRE_MODEXP },     { 0x06, PRE_BN_ADD },
    { 0x07, PRE_BN_MUL },           { 0x08, PRE_BN_PAIRING }, { 0x09, PRE_BLAKE2F },
    { 0x0a, PRE_POINT_EVALUATION }, { 0x0b, PRE_BLS_G1_ADD }, { 0x0c, PRE_BLS_G1_MSM },
    { 0x0d, PRE_BLS_G2_ADD },       { 0x0e, PRE_BLS_G2_MSM }, { 0x0f, PRE_BLS_PAIRING },
    { 0x10, PRE_BLS_MAP_G1 },       { 0x11, PRE_BLS_MAP_G2 }, { 0x100, PRE_P256 },
};

#define MODEXP_EIP2565                                                                             \
    {                                                                                              \
        .max_len = UINT64_MAX, .min_gas = 200, .divisor = 3, .limb_factor = 1,                     \
        .exp_byte_iterations = 8                                                                   \
    }
/* with the bound of EIP-7823 */
#define MODEXP_EIP7883                                                                             \
    {                                                                                              \
        .max_len = 1024, .min_gas = 500, .divisor = 1, .short_len = 32, .short_complexity = 16,    \
        .limb_factor = 2, .exp_byte_iterations = 16                                                \
    }

/* EIP-4788 keeps beacon roots, EIP-2935 block hashes */
#define BEACON_ROOTS                                                                               \
    {                                                                                              \
        { { 0x00, 0x0f, 0x3d, 0xf6, 0xd7, 0x32, 0x80, 0x7e, 0xf1, 0x31,                            \
            0x9f, 0xb7, 0xb8, 0xbb, 0x85, 0x22, 0xd0, 0xbe, 0xac, 0x02 } },                        \
            START_CALL_PARENT_BEACON_ROOT                                                          \
    }
#define BLOCK_HASHES                                                                               \
    {                                                                                              \
        { { 0x00, 0x00, 0xf9, 0x08, 0x27, 0xf1, 0xc5, 0x3a, 0x10, 0xcb,                            \
            0x7a, 0x02, 0x33, 0x5b, 0x17, 0x53, 0x20, 0x00, 0x29, 0x35 } },                        \
            START_CALL_PARENT_HASH                                                                 \
    }
static const struct rules_start_call cancun_start_calls[] = { BEACON_ROOTS };
static const struct rules_start_call prague_start_calls[] = { BEACON_ROOTS, BLOCK_HASHES };

static const struct stf_ee *const environments[] = { &stf_ee_evm };

#define CODE_LEN_MAX     24576u /* EIP-170 */
#define INITCODE_LEN_MAX 49152u /* EIP-3860 */
#define DEPTH_MAX        1024u
#define HEAP_LEN_MAX     (128u << 20) /* spec 10 §8.1 */
/* Ours, not a rule: 1,024 frames of 2 MiB. Blocks have no gas for more, unless a chain gives a transaction billions. */
#define HEAP_LEN_MAX_ETHEREUM (2u << 30)
#define RETURN_LEN_MAX        (256u << 20) /* zksync-os: MAX_RETURN_BUFFER_SIZE */

static const struct stf_rules zksync_os_v31 = {
    .name = "zksync-os v31",
    .execution_version = STF_EXECUTION_VERSION_V31,
    .is_zksync_os = true,
    .precompiles = zksync_os_v31_precompiles,
    .precompile_cnt = GH_COUNT(zksync_os_v31_precompiles),
    .environments = environments,
    .environment_cnt = GH_COUNT(environments),
    .modexp = MODEXP_EIP2565,
    .opcodes = OPCODES_CANCUN,
    .max_code_len = CODE_LEN_MAX,
    .max_initcode_len = INITCODE_LEN_MAX,
    .max_depth = DEPTH_MAX,
    .max_heap_len = HEAP_LEN_MAX,
    .full_heap_is_out_of_gas = true,
    .runs_empty_contracts = true,
    .reads_create_target_first = true,
    .marks_created_at_start = false,
    .charges_own_reads = true,
    .is_free_at_no_base_fee = true,
    .max_return_len = RETURN_LEN_MAX,
    .block_native_limit = 1ull << 35,
    .tx_native_limit = 1ull << 35,
    .block_l2_log_limit = 16384,
    .l1_intrinsic_native = 2875420,
    .l1_intrinsic_pubdata = 351,
    .l2_intrinsic_pubdata = 134,
    .p256_gas = 6900,
    .tx_gas_limit_max = UINT64_MAX,
    .burns_base_fee = false,
    .prevrandao_is_one = true,
    .blob_hash_is_zero = true,
    .tx_blob = false,
    .tx_set_code = true,
    .has_system_txs = true,
    .refund_before_native_delta = true,
    .create_checks_storage = false,
};

/* What the Ethereum rule sets share: one resource, base fee burned, all of EIP-4844. */
#define ETHEREUM_COMMON                                                                            \
    .execution_version = 0, .is_zksync_os = false, .environments = environments,                   \
    .environment_cnt = GH_COUNT(environments), .max_code_len = CODE_LEN_MAX,                       \
    .max_initcode_len = INITCODE_LEN_MAX, .max_depth = DEPTH_MAX,                                  \
    .max_heap_len = HEAP_LEN_MAX_ETHEREUM, .full_heap_is_out_of_gas = false,                       \
    .runs_empty_contracts = false, .reads_create_target_first = false,                             \
    .marks_created_at_start = true, .charges_own_reads = false, .is_free_at_no_base_fee = false,   \
    .max_return_len = UINT64_MAX, .block_native_limit = UINT64_MAX, .tx_native_limit = UINT64_MAX, \
    .block_l2_log_limit = UINT32_MAX, .burns_base_fee = true, .prevrandao_is_one = false,          \
    .blob_hash_is_zero = false, .tx_blob = true, .has_system_txs = false,                          \
    .refund_before_native_delta = false, .create_checks_storage = true

#define BLOB_FEE_FRACTION_CANCUN 3338477u /* EIP-4844 */
#define BLOB_FEE_FRACTION_PRAGUE 5007716u /* EIP-7691 */

static const struct stf_rules ethereum_cancun = {
    .name = "ethereum cancun",
    ETHEREUM_COMMON,
    .precompiles = cancun_precompiles,
    .precompile_cnt = GH_COUNT(cancun_precompiles),
    .start_calls = cancun_start_calls,
    .start_call_cnt = GH_COUNT(cancun_start_calls),
    .modexp = MODEXP_EIP2565,
    .opcodes = OPCODES_CANCUN,
    .tx_gas_limit_max = UINT64_MAX,
    .tx_blob_max = 6,
    .blob_fee_fraction = BLOB_FEE_FRACTION_CANCUN,
    .tx_set_code = false,
};

static const struct stf_rules ethereum_prague = {
    .name = "ethereum prague",
    ETHEREUM_COMMON,
    .precompiles = prague_precompiles,
    .precompile_cnt = GH_COUNT(prague_precompiles),
    .start_calls = prague_start_calls,
    .start_call_cnt = GH_COUNT(prague_start_calls),
    .modexp = MODEXP_EIP2565,
    .opcodes = OPCODES_CANCUN,
    .tx_gas_limit_max = UINT64_MAX,
    .calldata_floor_per_token = 10,
    .tx_blob_max = 9,
    .blob_fee_fraction = BLOB_FEE_FRACTION_PRAGUE,
    .tx_set_code = true,
};

static const struct stf_rules ethereum_osaka = {
    .name = "ethereum osaka",
    ETHEREUM_COMMON,
    .precompiles = osaka_precompiles,
    .precompile_cnt = GH_COUNT(osaka_precompiles),
    .start_calls = prague_start_calls,
    .start_call_cnt = GH_COUNT(prague_start_calls),
    .modexp = MODEXP_EIP7883,
    .opcodes = OPCODES_OSAKA,
    .p256_gas = 6900, /* EIP-7951 */
    .tx_gas_limit_max = 1u << 24,
    .calldata_floor_per_token = 10,
    .tx_blob_max = 6, /* EIP-7594: a block carries more, a transaction does not */
    .blob_fee_fraction = BLOB_FEE_FRACTION_PRAGUE,
    .tx_set_code = true,
};

const struct stf_rules *stf_rules_zksync_os_v31(void)
{
    return &zksync_os_v31;
}

const struct stf_rules *stf_rules_ethereum_cancun(void)
{
    return &ethereum_cancun;
}

const struct stf_rules *stf_rules_ethereum_prague(void)
{
    return &ethereum_prague;
}

const struct stf_rules *stf_rules_ethereum_osaka(void)
{
    return &ethereum_osaka;
}

const struct stf_rules *stf_rules_of_execution_version(uint32_t v)
{
    return v == STF_EXECUTION_VERSION_V31 ? &zksync_os_v31 : NULL;
}
