/* node/sender/contract_read/discovery.c
 *
 * Four rounds, each at the same block: bridgehub, diamond, chain type manager, timelock and verifier. */
#include "node/sender/contract_read/discovery.h"

#include <inttypes.h>
#include <stdlib.h>

#include "contracts-abi/gen/bridgehub.h"
#include "contracts-abi/gen/ctm.h"
#include "contracts-abi/gen/executor.h"
#include "contracts-abi/gen/getters.h"
#include "contracts-abi/gen/timelock.h"
#include "node/base/hex.h"
#include "node/sender/contract_read/contract_read.h"

#define MAX_CALLS 24

struct discovery {
    struct eth_client *l1; /* borrowed */
    uint64_t chain_id;
    discovery_fn *done;
    void *arg;
    struct eth_request *request; /* one of the two is open */
    struct contract_read *read;
    struct arena arena;
    struct contract_call calls[MAX_CALLS];
    size_t call_cnt;
    struct discovery_result r;
};

static void end(struct discovery *d, const struct err *err)
{
    discovery_fn *done = d->done;
    void *arg = d->arg;
    struct discovery_result r = d->r;
    struct err copy = { .kind = ERR_NONE };
    if (err)
        copy = *err;
    arena_clear(&d->arena);
    free(d);
    if (err)
        err_wrap(&copy, "reading the chain's contracts");
    done(arg, err ? NULL : &r, err ? &copy : NULL);
}

void discovery_cancel(struct discovery *d)
{
    if (!d)
        return;
    eth_cancel(d->request);
    contract_read_cancel(d->read);
    arena_clear(&d->arena);
    free(d);
}

static struct contract_call *add(struct discovery *d, const char *name, const struct addr *to,
                                 uint32_t selector, const struct b256 *word)
{
    CHECK(d->call_cnt < MAX_CALLS);
    struct contract_call *c = &d->calls[d->call_cnt++];
    *c = (struct contract_call){
        .name = name, .to = *to, .data = contract_calldata(&d->arena, selector, word, word ? 1 : 0)
    };
    return c;
}

static void run(struct discovery *d, contract_read_fn *next)
{
    struct err err = { .kind = ERR_NONE };
    d->read = contract_read_start(d->l1, ETH_AT_NUMBER(d->r.at_block), d->calls, d->call_cnt,
                                  &d->arena, next, d, &err);
    if (!d->read)
        end(d, &err);
}

static void optional_addr(const struct contract_call *c, struct addr *out)
{
    struct err ignored;
    if (!c->ok || !contract_addr(c, out, &ignored))
        *out = (struct addr){ { 0 } };
}

/* A read that failed. A node that refuses to answer (a block it does not have yet, too much traffic) is to be asked again; only what a contract says
 * is an answer. */
static void end_failed(struct discovery *d, const struct err *failed)
{
    struct err err = *failed;
    bool reverted = false;
    for (size_t i = 0; i < d->call_cnt; i++)
        reverted |= d->calls[i].reverted && !d->calls[i].may_revert;
    if (err.kind == ERR_REJECTED && !reverted)
        err.kind = ERR_TRANSIENT;
    end(d, &err);
}

/* ---- round 4: timelock and verifier ---- */

static void on_round4(void *arg, const struct err *failed)
{
    struct discovery *d = arg;
    struct err err = { .kind = ERR_NONE };
    d->read = NULL;
    if (failed) {
        end_failed(d, failed);
        return;
    }
    bool ok = contract_u64(&d->calls[0], &d->r.execution_delay_s, &err);
    if (ok && d->calls[1].ok) /* the production verifier does not have the function */
        ok = contract_bool(&d->calls[1], &d->r.is_testnet_verifier, &err);
    end(d, ok ? NULL : &err);
}

/* ---- round 3: chain type manager ---- */

static void on_round3(void *arg, const struct err *failed)
{
    struct discovery *d = arg;
    struct err err = { .kind = ERR_NONE };
    d->read = NULL;
    if (failed) {
        end_failed(d, failed);
        return;
    }
    if (!contract_addr(&d->calls[0], &d->r.timelock, &err) ||
        !contract_bool(&d->calls[1], &d->r.is_zksync_os, &err) ||
        !contract_u64(&d->calls[4], &d->r.ctm_protocol_version, &err)) {
        end(d, &err);
        return;
    }
    optional_addr(&d->calls[2], &d->r.bytecodes_supplier);
    optional_addr(&d->calls[3], &d->r.server_notifier);
    d->call_cnt = 0;
    add(d, "executionDelay", &d->r.timelock, ABI_V31_EXECUTION_DELAY_SELECTOR, NULL);
    add(d, "IS_TESTNET_VERIFIER", &d->r.verifier, ABI_V31_IS_TESTNET_VERIFIER_SELECTOR, NULL)
        ->may_revert = true;
    run(d, on_round4);
}

/* ---- round 2: the diamond ---- */

enum diamond_call {
    D_COMMITTED,
    D_PROVED,
    D_EXECUTED,
    D_STORED_0,
    D_VERSION,
    D_PRIORITY_TOTAL,
    D_PRIORITY_FIRST,
    D_PRIORITY_START,
    D_DA_PAIR,
    D_PRICING,
    D_UPGRADE,
    D_SL,
    D_ADMIN,
    D_VERIFIER,
    D_BASE_TOKEN,
    D_CHAIN_ID,
    D_GETTER_CNT,
    D_WHITELISTED = D_GETTER_CNT, /* of the Bridgehub */
    D_CNT
};

static bool read_da_pair(const struct contract_call *c, struct discovery_result *r, struct err *err)
{
    if (c->output.len < 64)
        return err_set(err, ERR_INVALID, "getDAValidatorPair answered %zu bytes", c->output.len);
    struct contract_call scheme = { .name = "getDAValidatorPair",
                                    .ok = true,
                                    .output = bytes_of(c->output.p + 32, 32) };
    uint64_t v = 0;
    if (!contract_addr(c, &r->da_validator, err) || !contract_u64(&scheme, &v, err))
        return false;
    if (v > UINT8_MAX)
        return err_set(err, ERR_INVALID, "getDAValidatorPair answered scheme %" PRIu64, v);
    r->da_scheme = (uint8_t)v;
    return true;
}

static bool read_diamond(struct discovery *d, struct err *err)
{
    struct discovery_result *r = &d->r;
    const struct contract_call *c = d->calls;
    uint64_t pricing = 0, chain_id = 0;
    bool ok = contract_u64(&c[D_COMMITTED], &r->committed, err) &&
              contract_u64(&c[D_PROVED], &r->proved, err) &&
              contract_u64(&c[D_EXECUTED], &r->executed, err) &&
              contract_word(&c[D_STORED_0], &r->stored_batch_hash_0, err) &&
              contract_u64(&c[D_VERSION], &r->protocol_version, err) &&
              contract_u64(&c[D_PRIORITY_TOTAL], &r->total_priority_txs, err) &&
              contract_u64(&c[D_PRIORITY_FIRST], &r->first_unprocessed_priority_tx, err) &&
              contract_u64(&c[D_PRIORITY_START], &r->priority_tree_start_index, err) &&
              read_da_pair(&c[D_DA_PAIR], r, err) && contract_u64(&c[D_PRICING], &pricing, err) &&
              contract_word(&c[D_UPGRADE], &r->upgrade_tx_hash, err) &&
              contract_addr(&c[D_SL], &r->settlement_layer, err) &&
              contract_addr(&c[D_ADMIN], &r->admin, err) &&
              contract_addr(&c[D_VERIFIER], &r->verifier, err) &&
              contract_addr(&c[D_BASE_TOKEN], &r->base_token, err) &&
              contract_u64(&c[D_CHAIN_ID], &chain_id, err) &&
              contract_bool(&c[D_WHITELISTED], &r->sl_is_whitelisted, err);
    if (ok && pricing > UINT8_MAX)
        return err_set(err, ERR_INVALID, "getPubdataPricingMode answered %" PRIu64, pricing);
    r->pubdata_pricing_mode = (uint8_t)pricing;
    if (ok && chain_id != d->chain_id)
        return err_set(err, ERR_INVALID,
                       "the diamond says it is chain %" PRIu64 ", the configuration says %" PRIu64,
                       chain_id, d->chain_id);
    return ok;
}

static void on_round2(void *arg, const struct err *failed)
{
    struct discovery *d = arg;
    struct err err = { .kind = ERR_NONE };
    d->read = NULL;
    if (failed) {
        end_failed(d, failed);
        return;
    }
    if (!read_diamond(d, &err)) {
        end(d, &err);
        return;
    }
    d->call_cnt = 0;
    add(d, "validatorTimelockPostV29", &d->r.ctm, ABI_V31_VALIDATOR_TIMELOCK_POST_V29_SELECTOR,
        NULL);
    add(d, "isZKsyncOS", &d->r.ctm, ABI_V31_IS_ZKSYNC_OS_SELECTOR, NULL);
    add(d, "L1_BYTECODES_SUPPLIER", &d->r.ctm, ABI_V31_L1_BYTECODES_SUPPLIER_SELECTOR, NULL)
        ->may_revert = true;
    add(d, "serverNotifierAddress", &d->r.ctm, ABI_V31_SERVER_NOTIFIER_ADDRESS_SELECTOR, NULL)
        ->may_revert = true;
    add(d, "protocolVersion", &d->r.ctm, ABI_V31_PROTOCOL_VERSION_SELECTOR, NULL);
    run(d, on_round3);
}

static void ask_diamond(struct discovery *d)
{
    static const struct {
        const char *name;
        uint32_t selector;
    } getters[D_GETTER_CNT] = {
        [D_COMMITTED] = { "getTotalBatchesCommitted",
                          ABI_V31_GET_TOTAL_BATCHES_COMMITTED_SELECTOR },
        [D_PROVED] = { "getTotalBatchesVerified", ABI_V31_GET_TOTAL_BATCHES_VERIFIED_SELECTOR },
        [D_EXECUTED] = { "getTotalBatchesExecuted", ABI_V31_GET_TOTAL_BATCHES_EXECUTED_SELECTOR },
        [D_STORED_0] = { "storedBatchHash", ABI_V31_STORED_BATCH_HASH_SELECTOR },
        [D_VERSION] = { "getProtocolVersion", ABI_V31_GET_PROTOCOL_VERSION_SELECTOR },
        [D_PRIORITY_TOTAL] = { "getTotalPriorityTxs", ABI_V31_GET_TOTAL_PRIORITY_TXS_SELECTOR },
        [D_PRIORITY_FIRST] = { "getFirstUnprocessedPriorityTx",
                               ABI_V31_GET_FIRST_UNPROCESSED_PRIORITY_TX_SELECTOR },
        [D_PRIORITY_START] = { "getPriorityTreeStartIndex",
                               ABI_V31_GET_PRIORITY_TREE_START_INDEX_SELECTOR },
        [D_DA_PAIR] = { "getDAValidatorPair", ABI_V31_GET_DA_VALIDATOR_PAIR_SELECTOR },
        [D_PRICING] = { "getPubdataPricingMode", ABI_V31_GET_PUBDATA_PRICING_MODE_SELECTOR },
        [D_UPGRADE] = { "getL2SystemContractsUpgradeTxHash",
                        ABI_V31_GET_L2_SYSTEM_CONTRACTS_UPGRADE_TX_HASH_SELECTOR },
        [D_SL] = { "getSettlementLayer", ABI_V31_GET_SETTLEMENT_LAYER_SELECTOR },
        [D_ADMIN] = { "getAdmin", ABI_V31_GET_ADMIN_SELECTOR },
        [D_VERIFIER] = { "getVerifier", ABI_V31_GET_VERIFIER_SELECTOR },
        [D_BASE_TOKEN] = { "getBaseToken", ABI_V31_GET_BASE_TOKEN_SELECTOR },
        [D_CHAIN_ID] = { "getChainId", ABI_V31_GET_CHAIN_ID_SELECTOR },
    };
    const struct b256 zero = { { 0 } };
    d->call_cnt = 0;
    for (int i = 0; i < D_GETTER_CNT; i++)
        add(d, getters[i].name, &d->r.diamond, getters[i].selector, i == D_STORED_0 ? &zero : NULL);
    const struct b256 sl = b256_of_u64(d->r.sl_chain_id);
    add(d, "whitelistedSettlementLayers", &d->r.bridgehub,
        ABI_V31_WHITELISTED_SETTLEMENT_LAYERS_SELECTOR, &sl);
    run(d, on_round2);
}

/* ---- round 1: bridgehub ---- */

static void on_round1(void *arg, const struct err *failed)
{
    struct discovery *d = arg;
    struct err err = { .kind = ERR_NONE };
    d->read = NULL;
    bool ok = !failed && contract_addr(&d->calls[0], &d->r.diamond, &err) &&
              contract_addr(&d->calls[1], &d->r.ctm, &err) &&
              contract_addr(&d->calls[2], &d->r.message_root, &err) &&
              contract_addr(&d->calls[3], &d->r.asset_router, &err) &&
              contract_u64(&d->calls[4], &d->r.sl_chain_id, &err);
    if (ok && (addr_is_zero(&d->r.diamond) || addr_is_zero(&d->r.ctm)))
        ok = err_set(&err, ERR_INVALID,
                     "chain %" PRIu64 " is not registered on this Bridgehub: check "
                     "genesis.chain_id and genesis.bridgehub_address",
                     d->chain_id);
    if (failed && !d->calls[0].reverted && !d->calls[1].reverted) {
        end_failed(d, failed);
        return;
    }
    if (!ok) {
        if (failed)
            err = *failed;
        if (err.kind == ERR_INVALID || err.kind == ERR_REJECTED) {
            char hex[43];
            hex_encode0x(hex, d->r.bridgehub.b, 20);
            err.kind = ERR_INVALID;
            err_wrap(&err, "%s does not answer as a Bridgehub that knows chain %" PRIu64, hex,
                     d->chain_id);
        }
        end(d, &err);
        return;
    }
    optional_addr(&d->calls[5], &d->r.chain_asset_handler);
    ask_diamond(d);
}

static void on_head(void *arg, const struct eth_reply *reply, const struct eth_block *b)
{
    struct discovery *d = arg;
    d->request = NULL;
    if (reply->err || !b) {
        struct err none = { .kind = ERR_TRANSIENT, .msg = "L1 has no latest block" };
        end(d, reply->err ? reply->err : &none);
        return;
    }
    d->r.at_block = b->number;
    d->r.at_timestamp = b->timestamp;
    struct b256 id = b256_of_u64(d->chain_id);
    d->call_cnt = 0;
    add(d, "getZKChain", &d->r.bridgehub, ABI_V31_GET_ZK_CHAIN_SELECTOR, &id);
    add(d, "chainTypeManager", &d->r.bridgehub, ABI_V31_CHAIN_TYPE_MANAGER_SELECTOR, &id);
    add(d, "messageRoot", &d->r.bridgehub, ABI_V31_MESSAGE_ROOT_SELECTOR, NULL);
    add(d, "assetRouter", &d->r.bridgehub, ABI_V31_ASSET_ROUTER_SELECTOR, NULL);
    add(d, "settlementLayer", &d->r.bridgehub, ABI_V31_SETTLEMENT_LAYER_SELECTOR, &id);
    add(d, "chainAssetHandler", &d->r.bridgehub, ABI_V31_CHAIN_ASSET_HANDLER_SELECTOR, NULL)
        ->may_revert = true;
    run(d, on_round1);
}

static void on_chain_id(void *arg, const struct eth_reply *reply, uint64_t v)
{
    struct discovery *d = arg;
    struct err err = { .kind = ERR_NONE };
    d->request = NULL;
    if (reply->err) {
        end(d, reply->err);
        return;
    }
    d->r.chain_id = v;
    d->request = eth_get_block(d->l1, ETH_AT_LATEST, NULL, on_head, d, &err);
    if (!d->request)
        end(d, &err);
}

struct discovery *discovery_start(struct eth_client *l1, const struct addr *bridgehub,
                                  uint64_t chain_id, discovery_fn *done, void *arg, struct err *err)
{
    struct discovery *d = calloc(1, sizeof(*d));
    if (!d) {
        err_set(err, ERR_LOCAL, "out of memory");
        return NULL;
    }
    d->l1 = l1;
    d->chain_id = chain_id;
    d->done = done;
    d->arg = arg;
    d->r.bridgehub = *bridgehub;
    arena_init_growing(&d->arena, 16384, 4u << 20);
    d->request = eth_chain_id(l1, NULL, on_chain_id, d, err);
    if (!d->request) {
        discovery_cancel(d);
        return NULL;
    }
    return d;
}
