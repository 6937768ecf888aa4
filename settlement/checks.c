/* settlement/checks.c
 *
 * What must be true of the contracts before anything is sent; each failure says its remedy. */
#include <inttypes.h>
#include <stdio.h>

#include "contracts-abi/gen/timelock.h"
#include "node/base/hex.h"
#include "node/base/log.h"
#include "node/sender/contract_read/contract_read.h"
#include "node/sender/signer.h"
#include "settlement/internal.h"

bool checks_at_start(struct settlement *s, struct err *err)
{
    const struct discovery_result *c = &s->contracts;
    struct stored_batch genesis = stored_batch_genesis(&s->cfg.genesis_state_commitment);
    struct b256 hash = stored_batch_hash(&genesis);
    if (!b256_eq(&hash, &c->stored_batch_hash_0)) {
        char ours[67], theirs[67];
        hex_encode0x(ours, hash.b, 32);
        hex_encode0x(theirs, c->stored_batch_hash_0.b, 32);
        return err_set(err, ERR_DIVERGED,
                       "the genesis file gives batch 0 the hash %s, the diamond stores %s: the "
                       "file is not this chain's genesis (genesis.genesis_input_path)",
                       ours, theirs);
    }
    if (c->executed < s->frontier[BATCH_EXECUTE] && !s->cfg.accept_history)
        return err_set(err, ERR_DIVERGED,
                       "this L1 has another history: it says %" PRIu64
                       " batches are executed, this data folder saw %" PRIu64
                       " executed. Point general.l1_rpc_url at the right L1; after a "
                       "reorganisation that deep, start once with l1_watcher.accept_history: true",
                       c->executed, s->frontier[BATCH_EXECUTE]);
    if (!c->is_zksync_os)
        return err_set(err, ERR_INVALID,
                       "the chain type manager says this is not a ZKsync OS chain");
    s->proto = settlement_proto_find(s->cfg.protocol_minor);
    if (!s->proto)
        return err_set(err, ERR_INVALID,
                       "batches of protocol version 0.%u cannot be settled by this binary",
                       s->cfg.protocol_minor);
    if (discovery_protocol_minor(c) != s->cfg.protocol_minor)
        return err_set(err, ERR_INVALID,
                       "the chain's contracts are at protocol version 0.%u; this binary runs 0.%u: "
                       "use the gatehouse release made for it",
                       discovery_protocol_minor(c), s->cfg.protocol_minor);
    return true;
}

struct finding {
    char reason[HOLD_TEXT_CAP], remedy[HOLD_TEXT_CAP];
};

static bool find_da(const struct settlement *s, struct finding *f)
{
    const struct discovery_result *c = &s->contracts;
    if (addr_is_zero(&c->da_validator) || c->da_scheme == 0) {
        snprintf(f->reason, sizeof(f->reason),
                 "the chain's DA validator pair is not set: every commit would fail");
        snprintf(f->remedy, sizeof(f->remedy),
                 "the chain admin calls setDAValidatorPair(validator, %u) on the diamond",
                 s->cfg.da_scheme);
        return true;
    }
    if (c->da_scheme != s->cfg.da_scheme) {
        snprintf(f->reason, sizeof(f->reason),
                 "the diamond expects DA scheme %u, l1_sender.pubdata_mode gives %u", c->da_scheme,
                 s->cfg.da_scheme);
        snprintf(
            f->remedy, sizeof(f->remedy),
            "change l1_sender.pubdata_mode (Validium is 1, Calldata 3, Blobs 4), or the pair with "
            "setDAValidatorPair");
        return true;
    }
    return false;
}

static bool find_roles(const struct settlement *s, struct finding *f)
{
    static const char *const roles[LANE_CNT] = { "COMMITTER_ROLE", "PROVER_ROLE", "EXECUTOR_ROLE" };
    for (int i = 0; i < LANE_CNT; i++) {
        if (!s->deps.signers[i] || s->roles_ok[i])
            continue;
        char key[43], timelock[43];
        struct addr a = signer_addr(s->deps.signers[i]);
        hex_encode0x(key, a.b, 20);
        hex_encode0x(timelock, s->contracts.timelock.b, 20);
        snprintf(f->reason, sizeof(f->reason), "the %s key %s lacks %s on the validator timelock",
                 settlement_lane_name((enum settlement_lane)i), key, roles[i]);
        snprintf(f->remedy, sizeof(f->remedy),
                 "the chain admin calls addValidatorRoles(chain, %s, ...) on %s", key, timelock);
        return true;
    }
    return false;
}

/* The chain settles where it did when this run began; batches already sealed carry that layer in their hash. */
static bool find_layer(const struct settlement *s, struct finding *f)
{
    const struct discovery_result *c = &s->contracts;
    if (c->sl_chain_id != s->cfg.layer.chain_id) {
        snprintf(f->reason, sizeof(f->reason),
                 "the chain settles on chain %" PRIu64 " now, says the Bridgehub; this node "
                 "settles on %s, chain %" PRIu64,
                 c->sl_chain_id, s->cfg.layer.name, s->cfg.layer.chain_id);
        snprintf(f->remedy, sizeof(f->remedy),
                 "a move of a running chain is not followed: move the chain back, or start from a "
                 "data folder of the new layer");
        return true;
    }
    if (!addr_is_zero(&c->settlement_layer)) {
        snprintf(f->reason, sizeof(f->reason),
                 "the chain is leaving its settlement layer: the diamond on %s takes no batches",
                 s->cfg.layer.name);
        snprintf(f->remedy, sizeof(f->remedy),
                 "complete the migration, or take it back; nothing is sent until then");
        return true;
    }
    if (!c->sl_is_whitelisted) {
        snprintf(f->reason, sizeof(f->reason),
                 "chain %" PRIu64 " is not a settlement layer any more, says the Bridgehub",
                 s->cfg.layer.chain_id);
        snprintf(f->remedy, sizeof(f->remedy),
                 "the ecosystem's owner registers it again (registerSettlementLayer), or the chain "
                 "moves");
        return true;
    }
    return false;
}

static bool find_rest(const struct settlement *s, struct finding *f)
{
    const struct discovery_result *c = &s->contracts;
    if (find_layer(s, f))
        return true;
    if (c->protocol_version >> 32 != s->cfg.protocol_minor) {
        snprintf(f->reason, sizeof(f->reason),
                 "the contracts were upgraded to protocol version 0.%u, our batches are 0.%u",
                 discovery_protocol_minor(c), s->cfg.protocol_minor);
        snprintf(f->remedy, sizeof(f->remedy),
                 "install the gatehouse release made for that version");
        return true;
    }
    if (c->ctm_protocol_version > c->protocol_version) {
        snprintf(f->reason, sizeof(f->reason),
                 "an upgrade to protocol version 0.%u.%u is pending for the chain",
                 (uint32_t)(c->ctm_protocol_version >> 32), (uint32_t)c->ctm_protocol_version);
        snprintf(f->remedy, sizeof(f->remedy),
                 "install the gatehouse release made for it; this one settles batches of 0.%u only "
                 "while no upgrade waits",
                 s->cfg.protocol_minor);
        return true;
    }
    if (s->cfg.mock_proofs && !c->is_testnet_verifier && s->deps.signers[LANE_PROVE]) {
        snprintf(f->reason, sizeof(f->reason),
                 "fake provers are configured, but the chain's verifier is not the testnet "
                 "verifier: it would refuse mock proofs");
        snprintf(f->remedy, sizeof(f->remedy), "turn prover_api.fake_*_provers off");
        return true;
    }
    return false;
}

void checks_run(struct settlement *s)
{
    struct finding f;
    if (!s->roles_known)
        return;
    if (find_rest(s, &f) || find_da(s, &f) || find_roles(s, &f)) {
        hold_set(s, HOLD_CONTRACTS, f.reason, f.remedy);
        return;
    }
    hold_clear(s, HOLD_CONTRACTS);
    /* a request that failed is tried again once the contracts look right; the lane's own delay keeps it from spinning */
    hold_clear(s, HOLD_SENDING);
}

static void on_roles(void *arg, const struct err *failed)
{
    struct settlement *s = arg;
    s->role_read = NULL;
    if (failed) {
        log_warn(LOG_SETTLEMENT, "roles could not be read", LOG_STR("error", failed->msg));
        checks_run(
            s); /* the contracts may tell something new; roles are asked again with the next check */
        return;
    }
    for (int i = 0; i < LANE_CNT; i++) {
        struct err err;
        uint64_t yes = 0;
        s->roles_ok[i] = contract_u64(&s->role_calls[i], &yes, &err) && yes == 1;
    }
    s->roles_known = true;
    checks_run(s);
    settlement_run(s);
}

void checks_ask_roles(struct settlement *s)
{
    const struct b256 roles[LANE_CNT] = { ABI_V31_COMMITTER_ROLE, ABI_V31_PROVER_ROLE,
                                          ABI_V31_EXECUTOR_ROLE };
    struct err err = { .kind = ERR_NONE };
    if (!s->deps.signers[0] || s->role_read)
        return;
    arena_reset(&s->role_arena);
    for (int i = 0; i < LANE_CNT; i++) {
        struct addr a = signer_addr(s->deps.signers[i]);
        struct b256 words[3] = { b256_of_u64(s->cfg.chain_id), roles[i], addr_pad32(&a) };
        s->role_calls[i] = (struct contract_call){
            .name = "hasRoleForChainId",
            .to = s->contracts.timelock,
            .data =
                contract_calldata(&s->role_arena, ABI_V31_HAS_ROLE_FOR_CHAIN_ID_SELECTOR, words, 3)
        };
    }
    s->role_read = contract_read_start(s->deps.sl, ETH_AT_LATEST, s->role_calls, LANE_CNT,
                                       &s->role_arena, on_roles, s, &err);
    if (!s->role_read)
        log_warn(LOG_SETTLEMENT, "roles could not be asked", LOG_STR("error", err.msg));
}
