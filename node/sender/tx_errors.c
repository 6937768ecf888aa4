#include "node/sender/tx_errors.h"

#include <string.h>
#include <strings.h>

static const char *const verdict_names[] = {
    [TX_SEND_ACCEPTED] = "accepted",
    [TX_SEND_KNOWN] = "known",
    [TX_SEND_UNCLEAR] = "unclear",
    [TX_SEND_NONCE_LOW] = "nonce_low",
    [TX_SEND_NONCE_HIGH] = "nonce_high",
    [TX_SEND_REPLACE_LOW] = "replacement_underpriced",
    [TX_SEND_UNDERPRICED] = "underpriced",
    [TX_SEND_BELOW_BASE] = "below_base_fee",
    [TX_SEND_LOW_FUNDS] = "low_funds",
    [TX_SEND_POOL_FULL] = "pool_full",
    [TX_SEND_WRONG_KIND] = "other_kind_in_pool",
    [TX_SEND_SIDECAR] = "sidecar_form",
    [TX_SEND_NODE_FEE_CAP] = "node_fee_cap",
    [TX_SEND_BAD_GAS] = "bad_gas",
    [TX_SEND_BAD_TX] = "bad_transaction",
};
_Static_assert(sizeof(verdict_names) / sizeof(verdict_names[0]) == TX_SEND_CNT, "a name for each");

const char *tx_verdict_name(enum tx_verdict v)
{
    return verdict_names[v];
}

/* First match wins: "replacement transaction underpriced" stands before "underpriced". The comment names who says it. */
static const struct {
    const char *text;
    enum tx_verdict verdict;
} send_table[] = {
    { "already known", TX_SEND_KNOWN },                             /* geth, reth, erigon */
    { "already imported", TX_SEND_KNOWN },                          /* anvil, parity */
    { "alreadyknown", TX_SEND_KNOWN },                              /* nethermind */
    { "known transaction", TX_SEND_KNOWN },                         /* besu, old geth */
    { "already exists", TX_SEND_KNOWN },                            /* era */
    { "existing tx with same hash", TX_SEND_KNOWN },                /* erigon */
    { "sidecar version", TX_SEND_SIDECAR },                         /* geth */
    { "sidecar after osaka", TX_SEND_SIDECAR },                     /* reth */
    { "sidecar before osaka", TX_SEND_SIDECAR },                    /* reth */
    { "kzgcommitments must match", TX_SEND_SIDECAR },               /* erigon */
    { "max fee per blob gas", TX_SEND_BELOW_BASE },                 /* anvil, geth, reth */
    { "maxfeeperblobgas", TX_SEND_BELOW_BASE },                     /* nethermind */
    { "replacement transaction underpriced", TX_SEND_REPLACE_LOW }, /* geth, anvil, reth, besu */
    { "could not replace existing tx", TX_SEND_REPLACE_LOW },       /* erigon */
    { "replacementnotallowed", TX_SEND_REPLACE_LOW },               /* nethermind */
    { "future transaction tries to replace pending", TX_SEND_POOL_FULL }, /* geth */
    { "nonce too low", TX_SEND_NONCE_LOW }, /* geth, anvil, reth, era */
    { "nonce is too low", TX_SEND_NONCE_LOW },
    { "oldnonce", TX_SEND_NONCE_LOW },                  /* nethermind */
    { "nonce_too_low", TX_SEND_NONCE_LOW },             /* besu */
    { "nonce too high", TX_SEND_NONCE_HIGH },           /* geth, era */
    { "nonce gap", TX_SEND_NONCE_HIGH },                /* reth, geth blob pool */
    { "noncegap", TX_SEND_NONCE_HIGH },                 /* nethermind */
    { "gapped-nonce", TX_SEND_NONCE_HIGH },             /* geth, delegated accounts */
    { "nonce too distant", TX_SEND_NONCE_HIGH },        /* besu */
    { "already reserved", TX_SEND_WRONG_KIND },         /* geth: other pool of the account */
    { "conflictingtype", TX_SEND_WRONG_KIND },          /* nethermind */
    { "less than block base fee", TX_SEND_BELOW_BASE }, /* geth, anvil, reth, era */
    { "lower than the current base fee", TX_SEND_BELOW_BASE },
    { "exceeds the configured cap", TX_SEND_NODE_FEE_CAP }, /* geth, reth: --rpc.txfeecap */
    { "insufficient funds", TX_SEND_LOW_FUNDS },            /* geth, anvil, reth */
    { "insufficientfunds", TX_SEND_LOW_FUNDS },             /* nethermind */
    { "insufficient balance", TX_SEND_LOW_FUNDS },
    { "not enough balance", TX_SEND_LOW_FUNDS },   /* era */
    { "upfront cost exceeds", TX_SEND_LOW_FUNDS }, /* besu */
    { "exceeds account balance", TX_SEND_LOW_FUNDS },
    { "overshot", TX_SEND_LOW_FUNDS },       /* geth: queued transactions overdraw */
    { "txpool is full", TX_SEND_POOL_FULL }, /* geth, reth */
    { "pool is full", TX_SEND_POOL_FULL },
    { "pool size constraints", TX_SEND_POOL_FULL },       /* reth */
    { "feetoolowtocompete", TX_SEND_POOL_FULL },          /* nethermind */
    { "account limit exceeded", TX_SEND_POOL_FULL },      /* geth blob pool */
    { "spammer", TX_SEND_POOL_FULL },                     /* reth: too many of one sender */
    { "in-flight transaction limit", TX_SEND_POOL_FULL }, /* geth, delegated accounts */
    { "underpriced", TX_SEND_UNDERPRICED },               /* geth, erigon, besu */
    { "feetoolow", TX_SEND_UNDERPRICED },                 /* nethermind */
    { "gas price below", TX_SEND_UNDERPRICED },
    { "gas tip cap", TX_SEND_UNDERPRICED },
    { "intrinsic gas", TX_SEND_BAD_GAS },           /* geth, anvil, reth */
    { "floor data gas", TX_SEND_BAD_GAS },          /* EIP-7623 */
    { "exceeds block gas limit", TX_SEND_BAD_GAS }, /* geth, reth */
    { "gas limit too high", TX_SEND_BAD_GAS },      /* EIP-7825 */
    { "gaslimitexceeded", TX_SEND_BAD_GAS },        /* nethermind */
    { "invalid chain id", TX_SEND_BAD_TX },
    { "invalid sender", TX_SEND_BAD_TX },
    { "invalid signature", TX_SEND_BAD_TX },
    { "oversized data", TX_SEND_BAD_TX },
    { "transaction type not supported", TX_SEND_BAD_TX },
    { "higher than max fee", TX_SEND_BAD_TX },
    { "max initcode size", TX_SEND_BAD_TX },
    { "rlp:", TX_SEND_BAD_TX },
};

static bool text_has(const char *haystack, const char *needle)
{
    size_t n = strlen(needle);
    for (; *haystack; haystack++)
        if (strncasecmp(haystack, needle, n) == 0)
            return true;
    return false;
}

enum tx_verdict tx_classify_send(const struct err *e)
{
    if (e->kind != ERR_REJECTED)
        return TX_SEND_UNCLEAR;
    for (size_t i = 0; i < GH_COUNT(send_table); i++)
        if (text_has(e->msg, send_table[i].text))
            return send_table[i].verdict;
    return TX_SEND_UNCLEAR;
}

/* spec 30 §14 */
static const struct {
    uint32_t selector;
    enum tx_revert_class class_;
    const char *remedy;
} revert_table[] = {
    { 0x08753982, TX_REVERT_WAIT,
      "TimeNotReached: the timelock's execution delay has not passed yet; for a commit: the "
      "batch's first block "
      "is older than the layer accepts" },
    { 0xa7050bf6, TX_REVERT_WAIT,
      "NotHistoricalRoot: the settlement layer does not have the priority requests yet (on a "
      "Gateway: not relayed)" },
    { 0x00c6ead2, TX_REVERT_WAIT, "CantExecuteUnprovenBatches: the prove step is not mined yet" },
    { 0xe1022469, TX_REVERT_WAIT,
      "VerifiedBatchesExceedsCommittedBatches: the commit is not mined yet" },
    { 0xfb5c22e6, TX_REVERT_WAIT,
      "L2TimestampTooBig: the batch's time is ahead of the settlement layer; check this machine's "
      "clock" },
    { 0x55ad3fd3, TX_REVERT_FINAL,
      "BatchHashMismatch: somebody else committed, or a revert happened; the layer's state is to "
      "be read again" },
    { 0xbd4455ff, TX_REVERT_FINAL,
      "BatchNumberMismatch: the layer is at another batch; its state is to be read again" },
    { 0x0105f9c0, TX_REVERT_FINAL,
      "NonSequentialBatch: this batch is not the next one to execute" },
    { 0xfe0aa4f2, TX_REVERT_FINAL,
      "RoleAccessDenied: grant the validator role to this key on the ValidatorTimelock" },
    { 0x8e4a23d6, TX_REVERT_FINAL,
      "Unauthorized: the call must go through the ValidatorTimelock, and it must be a validator of "
      "the chain" },
    { 0xd0266e26, TX_REVERT_FINAL, "NotSettlementLayer: the chain settles on another layer now" },
    { 0x5428eae7, TX_REVERT_FINAL,
      "InvalidProtocolVersion: the chain's protocol version is not the active one; finish the "
      "upgrade on the layer" },
    { 0x32fff278, TX_REVERT_FINAL,
      "MismatchL2DACommitmentScheme: the configured DA mode is not the chain's DA pair "
      "(setDAValidatorPair)" },
    { 0x89935a14, TX_REVERT_FINAL,
      "SettlementLayerChainIdMismatch: the batch was sealed for another layer" },
    { 0x09bde339, TX_REVERT_FINAL, "InvalidProof: the verifier refuses the proof" },
    { 0xaad86dcd, TX_REVERT_FINAL,
      "SettlementFeePayerNotAgreed: the fee payer must call setSettlementFeePayerAgreement on the "
      "Gateway" },
    { 0x9d7bb13f, TX_REVERT_FINAL, "OnlyNormalMode: the chain is in priority mode" },
    { 0x5e361ef9, TX_REVERT_FINAL,
      "ChainRequiresValidatorsSignaturesForCommit: the chain asks for validators' signatures" },
    { 0x230f9d11, TX_REVERT_FINAL, "NotEnoughSigners: fewer signatures than the threshold" },
};

enum tx_revert_class tx_classify_revert(struct bytes d, const char **remedy)
{
    *remedy = "";
    if (d.len < 4)
        return TX_REVERT_FINAL;
    uint32_t selector = load_be32(d.p);
    for (size_t i = 0; i < GH_COUNT(revert_table); i++)
        if (revert_table[i].selector == selector) {
            *remedy = revert_table[i].remedy;
            return revert_table[i].class_;
        }
    return TX_REVERT_FINAL;
}
