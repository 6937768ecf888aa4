/* node/stf/errors.h
 *
 * Why a transaction or a block was refused (spec 10 §4.4). Codes with up to three words; the text is
 * made outside stf from this one list. */
#ifndef GH_STF_ERRORS_H
#define GH_STF_ERRORS_H

#include "node/base/u256.h"

/* name as the reference spells it, what the builder does: P purge, K skip and keep, S seal and retry,
 * F the block as a whole fails */
#define STF_ERRORS(X)                                                                              \
    X(STF_OK, "Ok", 'K')                                                                           \
    X(STF_E_INVALID_ENCODING, "InvalidEncoding", 'P')                                              \
    X(STF_E_INVALID_STRUCTURE, "InvalidStructure", 'P')                                            \
    X(STF_E_INVALID_CHAIN_ID, "InvalidChainId", 'P')                                               \
    X(STF_E_TX_TYPE_OFF, "TransactionTypeNotSupported", 'P')                                       \
    X(STF_E_PRIORITY_FEE_GREATER_THAN_MAX_FEE, "PriorityFeeGreaterThanMaxFee", 'P')                \
    X(STF_E_BASE_FEE_GREATER_THAN_MAX_FEE, "BaseFeeGreaterThanMaxFee", 'P')                        \
    X(STF_E_GAS_LIMIT_TOO_HIGH, "CallerGasLimitTooHigh", 'P')                                      \
    X(STF_E_GAS_LIMIT_MORE_THAN_BLOCK, "CallerGasLimitMoreThanBlock", 'P')                         \
    X(STF_E_BLOCK_GAS_LIMIT_TOO_HIGH, "BlockGasLimitTooHigh", 'F')                                 \
    X(STF_E_REJECT_CALLER_WITH_CODE, "RejectCallerWithCode", 'P')                                  \
    X(STF_E_LACK_OF_FUND, "LackOfFundForMaxFee", 'K')                                              \
    X(STF_E_OVERFLOW_PAYMENT, "OverflowPaymentInTransaction", 'P')                                 \
    X(STF_E_NONCE_OVERFLOW, "NonceOverflowInTransaction", 'P')                                     \
    X(STF_E_NONCE_TOO_HIGH, "NonceTooHigh", 'K')                                                   \
    X(STF_E_NONCE_TOO_LOW, "NonceTooLow", 'P')                                                     \
    X(STF_E_MALLEABLE_SIGNATURE, "MalleableSignature", 'P')                                        \
    X(STF_E_INCORRECT_FROM, "IncorrectFrom", 'P')                                                  \
    X(STF_E_INITCODE_SIZE, "CreateInitCodeSizeLimit", 'P')                                         \
    X(STF_E_OUT_OF_GAS_VALIDATION, "OutOfGasDuringValidation", 'P')                                \
    X(STF_E_OUT_OF_NATIVE_VALIDATION, "OutOfNativeResourcesDuringValidation", 'P')                 \
    X(STF_E_AUTH_LIST_EMPTY, "AuthListIsEmpty", 'P')                                               \
    X(STF_E_BLOB_INVALID, "BlobElementIsNotSupported", 'P')                                        \
    X(STF_E_BLOB_FEE, "BlobBaseFeeGreaterThanMaxFeePerBlobGas", 'P')                               \
    X(STF_E_NATIVE_TOO_EXPENSIVE, "NativeResourcesAreTooExpensive", 'P')                           \
    X(STF_E_PUBDATA_PRICE_TOO_HIGH, "PubdataPriceTooHigh", 'P')                                    \
    X(STF_E_PRECOMPILE_MISSING, "PrecompileNotAvailable", 'P')                                     \
    X(STF_E_BLOCK_GAS_LIMIT, "BlockGasLimitReached", 'S')                                          \
    X(STF_E_BLOCK_NATIVE_LIMIT, "BlockNativeLimitReached", 'S')                                    \
    X(STF_E_BLOCK_PUBDATA_LIMIT, "BlockPubdataLimitReached", 'S')                                  \
    X(STF_E_BLOCK_LOGS_LIMIT, "BlockL2ToL1LogsLimitReached", 'S')                                  \
    X(STF_E_UPGRADE_TX_NOT_FIRST, "UpgradeTxNotFirst", 'F')                                        \
    X(STF_E_UPGRADE_TX_FAILED, "UpgradeTxFailed", 'F')                                             \
    X(STF_E_SERVICE_TX_ORDER, "ServiceTransactionOutOfPlace", 'F')                                 \
    X(STF_E_L1_TX_MALFORMED, "MalformedL1Transaction", 'F')                                        \
    X(STF_E_L1_TX_DEPOSIT, "InsufficientL1Deposit", 'F')                                           \
    X(STF_E_MINT_FAILED, "BaseTokenMintFailed", 'F')                                               \
    X(STF_E_EVENT_HOOK_MALFORMED, "MalformedSystemEvent", 'F')                                     \
    X(STF_E_CONTEXT, "InvalidBlockContext", 'F')                                                   \
    X(STF_E_ORACLE, "StateUnavailable", 'F')                                                       \
    X(STF_E_OUT_OF_MEMORY, "OutOfMemory", 'F')                                                     \
    X(STF_E_CANCELLED, "Cancelled", 'F')
#define STF_ERROR_ENUM(id, name, policy) id,
enum stf_error { STF_ERRORS(STF_ERROR_ENUM) STF_ERROR_CNT };

struct stf_fault {
    enum stf_error code;
    struct u256 words[3]; /* e.g. NonceTooHigh: given, expected; zero when unused */
};
const char *stf_error_name(enum stf_error e);
char stf_error_policy(enum stf_error e);

#endif
