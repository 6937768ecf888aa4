/* settlement/submit.c
 *
 * Sealed batches into requests for the three senders. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contracts-abi/gen/errors.h"
#include "contracts-abi/revert.h"
#include "node/base/log.h"
#include "node/store/l1_tx.h"
#include "settlement/da/da.h"
#include "settlement/internal.h"

#define MAX_CALLDATA  (8u << 20)
#define RETRY_MIN_MS  1000
#define RETRY_MAX_MS  60000
#define PRIORITY_PAGE 1000

const char *settlement_lane_name(enum settlement_lane l)
{
    static const char *const names[LANE_CNT] = { "commit", "prove", "execute" };
    return names[l];
}

/* ---- keys: "commit:12", "prove:3-7"; "commit:12/2" the second time ---- */

static void make_key(char out[TX_KEY_CAP], enum settlement_lane lane, uint64_t from, uint64_t to,
                     unsigned attempt)
{
    size_t n = 0;
    if (lane == LANE_COMMIT)
        n = (size_t)snprintf(out, TX_KEY_CAP, "commit:%" PRIu64, to);
    else
        n = (size_t)snprintf(out, TX_KEY_CAP, "%s:%" PRIu64 "-%" PRIu64, settlement_lane_name(lane),
                             from, to);
    if (attempt > 1)
        snprintf(out + n, TX_KEY_CAP - n, "/%u", attempt);
}

/* last batch of a key; 0 when it is not one of ours */
static uint64_t key_last(const char *key)
{
    const char *p = strrchr(key, '-');
    if (!p)
        p = strrchr(key, ':');
    return p ? strtoull(p + 1, NULL, 10) : 0;
}

/* ---- what the senders report ---- */

struct lane_arg {
    struct settlement *s;
    enum settlement_lane lane;
};

/* A failure may pass quickly (a reorganisation took the commit away under a proof) or not at all. Requests that fail with the first one, because they
 * were built on it, are the same failure. */
static void pause_lane(struct settlement *s, struct lane *l)
{
    if (clock_mono_ms(s->deps.clock) < l->retry_at_ms)
        return;
    uint64_t ms = (uint64_t)RETRY_MIN_MS << (l->failures < 6 ? l->failures : 6);
    l->failures++;
    l->retry_at_ms = clock_mono_ms(s->deps.clock) + (ms < RETRY_MAX_MS ? ms : RETRY_MAX_MS);
}

/* The verifier contract said so: by one of its errors, or by a sentence of the PLONK verifier about the proof (those of the contract deployed
 * with v31). Its sentences about precompiles are not among them: points are checked before a proof is taken, so what is left is
 * a lack of gas. err: the sender's, code is the selector of the revert data. */
static bool is_verifiers_verdict(const struct err *err)
{
    static const uint32_t selectors[] = { ABI_V31_INVALID_PROOF_ERROR,
                                          ABI_V31_INVALID_PROOF_FORMAT_ERROR,
                                          ABI_V31_UNKNOWN_VERIFIER_TYPE_ERROR,
                                          ABI_V31_UNKNOWN_VERIFIER_VERSION_ERROR,
                                          ABI_V31_EMPTY_PROOF_LENGTH_ERROR,
                                          ABI_V31_INVALID_MOCK_PROOF_LENGTH_ERROR,
                                          ABI_V31_MOCK_VERIFIER_NOT_SUPPORTED_ERROR };
    static const char *const sentences[] = { "Error(\"loadProof: Proof is invalid",
                                             "Error(\"invalid quotient evaluation",
                                             "Error(\"invalid vanishing polynomial",
                                             "Error(\"pointNegate: invalid point",
                                             "Error(\"finalPairing: pairing failure" };
    for (size_t i = 0; i < GH_COUNT(selectors); i++)
        if (err->code == selectors[i])
            return true;
    for (size_t i = 0; err->code == ABI_ERROR_STRING && i < GH_COUNT(sentences); i++)
        if (strstr(err->msg, sentences[i]))
            return true;
    return false;
}

/* A verdict on a proof is final; any other failure may have nothing to do with it. */
static void reject_proof(struct settlement *s, const char *key, const struct err *err)
{
    uint64_t to = key_last(key), from = to;
    const char *colon = strchr(key, ':');
    if (colon)
        from = strtoull(colon + 1, NULL, 10);
    if (is_verifiers_verdict(err))
        prover_on_rejected(s->prover, from, to, err->msg);
}

static void lane_failed(struct settlement *s, enum settlement_lane lane, const char *key,
                        const char *how, const struct err *err)
{
    struct lane *l = &s->lanes[lane];
    char text[HOLD_TEXT_CAP];
    l->sent_to = 0;
    if (lane == LANE_COMMIT)
        s->next_commit = s->frontier[BATCH_COMMIT] + 1;
    if (key_last(key) <= s->frontier[lane]) { /* the layer has it by another transaction */
        log_info(LOG_SETTLEMENT, "a settlement transaction was not needed any more",
                 LOG_STR("request", key), LOG_STR("error", err ? err->msg : ""));
        return;
    }
    pause_lane(s, l);
    pthread_mutex_lock(&s->mutex);
    s->stats.reverted_txs++;
    pthread_mutex_unlock(&s->mutex);
    if (lane == LANE_PROVE && s->prover && err)
        reject_proof(s, key, err);
    snprintf(text, sizeof(text), "%s %s: %.250s", key, how, err ? err->msg : "no reason given");
    snprintf(l->trouble, sizeof(l->trouble), "%.150s", text);
    log_error(LOG_SETTLEMENT, "settlement transaction failed", LOG_STR("request", key),
              LOG_STR("how", how), LOG_STR("error", err ? err->msg : ""));
    hold_set(s, HOLD_SENDING, text,
             "it is tried again by itself once the contracts look right; see the reason above");
    s->deps.ask_contracts(s->deps.arg);
}

static void on_tx_change(void *arg, uint64_t id, enum tx_state state, const struct err *err)
{
    struct lane_arg *a = arg;
    struct settlement *s = a->s;
    struct lane *l = &s->lanes[a->lane];
    struct tx_info info;
    if (s->stopped || !tx_manager_get(l->manager, id, &info))
        return;
    if (state == TX_REVERTED)
        lane_failed(s, a->lane, info.key, "reverted", err);
    else if (state == TX_ABANDONED)
        lane_failed(s, a->lane, info.key, "was not sent", err);
    else if (state == TX_BROADCAST && a->lane == LANE_COMMIT && s->commit_sealed_at_ms) {
        uint64_t now = clock_wall_ms(s->deps.clock);
        pthread_mutex_lock(&s->mutex);
        s->stats.sealed_to_broadcast_ms =
            now > s->commit_sealed_at_ms ? now - s->commit_sealed_at_ms : 0;
        pthread_mutex_unlock(&s->mutex);
        s->commit_sealed_at_ms = 0;
    }
    snapshot_refresh(s);
}

bool submit_create(struct settlement *s, struct err *err)
{
    s->tree = priority_tree_create();
    if (!s->tree)
        return err_set(err, ERR_LOCAL, "out of memory");
    for (int i = 0; i < LANE_CNT; i++) {
        if (!s->deps.signers[i])
            continue;
        struct lane_arg *a = malloc(sizeof(*a));
        if (!a)
            return err_set(err, ERR_LOCAL, "out of memory");
        *a = (struct lane_arg){ .s = s, .lane = (enum settlement_lane)i };
        s->lane_args[i] = a;
        struct tx_manager_deps deps = { .base = s->deps.base,
                                        .clock = s->deps.clock,
                                        .eth = s->deps.sl,
                                        .signer = s->deps.signers[i],
                                        .journal = s->deps.journal };
        struct tx_manager_config cfg = s->cfg.sender;
        cfg.name = settlement_lane_name((enum settlement_lane)i);
        cfg.chain_id = s->cfg.layer.chain_id;
        s->lanes[i].manager = tx_manager_create(&deps, &cfg, on_tx_change, a, err);
        if (!s->lanes[i].manager)
            return err_wrap(err, "%s sender", cfg.name);
    }
    return true;
}

/* Requests of an earlier run that are still on their way hold their lane. */
static void adopt_live(struct settlement *s, enum settlement_lane lane)
{
    struct lane *l = &s->lanes[lane];
    struct tx_info live[64];
    size_t n = tx_manager_list(l->manager, live, GH_COUNT(live));
    for (size_t i = 0; i < n && i < GH_COUNT(live); i++) {
        uint64_t last = key_last(live[i].key);
        if (last > l->sent_to)
            l->sent_to = last;
    }
}

bool submit_start(struct settlement *s, struct err *err)
{
    for (int i = 0; i < LANE_CNT; i++) {
        if (!s->lanes[i].manager)
            continue;
        if (!tx_manager_start(s->lanes[i].manager, err))
            return err_wrap(err, "%s sender", settlement_lane_name((enum settlement_lane)i));
        adopt_live(s, (enum settlement_lane)i);
    }
    s->next_commit = s->frontier[BATCH_COMMIT] + 1;
    s->sending = true;
    return true;
}

void submit_on_taken_back(struct settlement *s)
{
    if (!s->sending)
        return;
    for (int i = 0; i < LANE_CNT; i++)
        if (s->lanes[i].manager)
            adopt_live(s, (enum settlement_lane)i);
    submit_on_frontier(s);
    s->next_commit = s->frontier[BATCH_COMMIT] + 1;
}

void submit_destroy(struct settlement *s)
{
    for (int i = 0; i < LANE_CNT; i++) {
        tx_manager_destroy(s->lanes[i].manager);
        free(s->lane_args[i]);
    }
    priority_tree_destroy(s->tree);
}

void submit_on_frontier(struct settlement *s)
{
    for (int i = 0; i < LANE_CNT; i++)
        if (s->lanes[i].sent_to && s->lanes[i].sent_to <= s->frontier[i]) {
            s->lanes[i].sent_to = 0;
            s->lanes[i].failures = 0;
            s->lanes[i].trouble[0] = 0;
        }
    if (s->next_commit <= s->frontier[BATCH_COMMIT])
        s->next_commit = s->frontier[BATCH_COMMIT] + 1;
}

/* ---- loading what a request is made of ---- */

static bool load_row(struct settlement *s, uint64_t n, struct batch_row *row, struct err *err)
{
    bool found = false;
    if (!batch_load(s->reader, n, row, &found, err))
        return false;
    return found || err_set(err, ERR_LOCAL, "batch %" PRIu64 " is missing", n);
}

static void row_to_batch(const struct settlement *s, const struct batch_row *r, struct batch *b)
{
    *b = (struct batch){ .chain_id = s->cfg.chain_id,
                         .sl_chain_id = r->sl_chain_id,
                         .first_block = r->first_block,
                         .last_block = r->last_block,
                         .first_timestamp = r->first_timestamp,
                         .last_timestamp = r->last_timestamp,
                         .l2_tx_cnt = r->l2_tx_cnt,
                         .protocol_minor = r->protocol_minor,
                         .execution_version = r->execution_version,
                         .upgrade_tx_hash = r->upgrade_tx_hash,
                         .logs_root = r->logs_root,
                         .multichain_root = r->multichain_root,
                         .da_commitment = r->da_commitment,
                         .da_scheme = r->da_scheme,
                         .pubdata_len = r->pubdata_len,
                         .l2_log_cnt = r->l2_log_cnt };
    row_to_stored(r, &b->stored);
}

bool pubdata_load(struct settlement *s, uint64_t first_block, uint64_t last_block,
                  struct arena *arena, struct buf *out, struct err *err)
{
    for (uint64_t n = first_block; n <= last_block; n++) {
        struct batch_block blk;
        struct arena_mark mark = arena_save(arena);
        if (!s->deps.load_block(s->deps.arg, n, arena, &blk, err))
            return false;
        buf_append(out, blk.pubdata.p, blk.pubdata.len);
        arena_restore(arena, mark);
    }
    return !out->failed ||
           err_set(err, ERR_LOCAL, "pubdata of blocks %" PRIu64 "-%" PRIu64 " is too large",
                   first_block, last_block);
}

static bool commit_data(struct settlement *s, uint64_t n, struct arena *arena, struct buf *out,
                        uint64_t *sealed_at_ms, struct err *err)
{
    struct batch_row row;
    struct batch b;
    struct stored_batch prev;
    if (!load_row(s, n, &row, err) || !stored_of(s, n - 1, &prev, err))
        return false;
    *sealed_at_ms = row.sealed_at_ms;
    row_to_batch(s, &row, &b);
    struct buf pubdata, input;
    buf_init(&pubdata, MAX_CALLDATA);
    buf_init(&input, MAX_CALLDATA);
    bool ok = row.da_scheme == DA_EMPTY_NO_DA ||
              pubdata_load(s, row.first_block, row.last_block, arena, &pubdata, err);
    if (ok &&
        !(da_operator_input(&input, row.da_scheme, bytes_of(pubdata.p, pubdata.len)) &&
          s->proto->commit(out, &s->contracts.diamond, &prev, &b, bytes_of(input.p, input.len))))
        ok = err_set(err, ERR_LOCAL, "commit of batch %" PRIu64 " cannot be encoded", n);
    buf_clear(&pubdata);
    buf_clear(&input);
    return ok;
}

static bool prove_data(struct settlement *s, uint64_t from, uint64_t to, struct arena *arena,
                       struct buf *out, struct err *err)
{
    size_t n = (size_t)(to - from + 1);
    struct stored_batch prev, *batches = arena_alloc(arena, n * sizeof(*batches));
    struct b256 *inputs = arena_alloc(arena, n * sizeof(*inputs));
    if (!batches || !inputs)
        return err_set(err, ERR_LOCAL, "out of memory");
    if (!stored_of(s, from - 1, &prev, err))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!stored_of(s, from + i, &batches[i], err))
            return false;
        inputs[i] = batch_public_input(
            i ? &batches[i - 1].state_commitment : &prev.state_commitment, &batches[i]);
    }
    struct u256 proof[SNARK_WORDS_MAX];
    size_t cnt = 4;
    if (!s->prover)
        proto_mock_proof(proof, inputs, n);
    else if (!prover_words(s->prover, from, to, proof, &cnt, err))
        return false;
    return s->proto->prove(out, arena, &s->contracts.diamond, &prev, batches, n, proof, cnt) ||
           err_set(err, ERR_LOCAL, "proof of batches %" PRIu64 "-%" PRIu64 " cannot be encoded",
                   from, to);
}

/* The mirror follows the journal; `upto` leaves are needed. */
static bool fill_tree(struct settlement *s, uint64_t upto, struct err *err)
{
    while (priority_tree_count(s->tree) < upto) {
        struct arena arena;
        const struct l1_tx_row *rows = NULL;
        size_t n = 0;
        uint64_t first = s->contracts.priority_tree_start_index + priority_tree_count(s->tree);
        arena_init_growing(&arena, PUBDATA_ARENA_CHUNK, PUBDATA_ARENA_LIMIT);
        bool ok = l1_priority_load(s->reader, first, PRIORITY_PAGE, &arena, &rows, &n, err);
        for (size_t i = 0; ok && i < n; i++)
            ok = rows[i].id == first + i && priority_tree_append(s->tree, &rows[i].hash);
        arena_clear(&arena);
        if (!ok || n == 0)
            return err->kind != ERR_NONE
                       ? false
                       : err_set(err, ERR_LOCAL,
                                 "priority operation %" PRIu64 " is not in the journal", first);
    }
    return true;
}

static bool fill_ops(struct settlement *s, const struct batch_row *row, struct arena *arena,
                     struct proto_priority_ops *ops, struct err *err)
{
    *ops = (struct proto_priority_ops){ 0 };
    if (row->l1_tx_cnt == 0)
        return true;
    if (row->first_priority_id < s->contracts.priority_tree_start_index)
        return err_set(err, ERR_INVALID,
                       "the diamond's priority tree starts at %" PRIu64 ", batch %" PRIu64
                       " takes operation %" PRIu64,
                       s->contracts.priority_tree_start_index, row->number, row->first_priority_id);
    uint64_t start = row->first_priority_id - s->contracts.priority_tree_start_index,
             n = start + row->l1_tx_cnt;
    struct b256 *left = arena_zalloc(arena, PRIORITY_TREE_MAX_DEPTH * sizeof(*left));
    struct b256 *right = arena_zalloc(arena, PRIORITY_TREE_MAX_DEPTH * sizeof(*right));
    struct b256 *items = arena_alloc(arena, (size_t)row->l1_tx_cnt * sizeof(*items));
    if (!left || !right || !items)
        return err_set(err, ERR_LOCAL, "out of memory");
    if (!fill_tree(s, n, err))
        return false;
    const struct l1_tx_row *rows = NULL;
    size_t cnt = 0;
    if (!l1_priority_load(s->reader, row->first_priority_id, (size_t)row->l1_tx_cnt, arena, &rows,
                          &cnt, err))
        return false;
    if (cnt != row->l1_tx_cnt)
        return err_set(err, ERR_LOCAL, "operations of batch %" PRIu64 " are not in the journal",
                       row->number);
    for (size_t i = 0; i < cnt; i++)
        items[i] = rows[i].hash;
    unsigned depth = 0;
    priority_tree_paths(s->tree, start, row->l1_tx_cnt, n, left, right, &depth);
    *ops = (struct proto_priority_ops){
        .left = left, .right = right, .items = items, .depth = depth, .cnt = cnt
    };
    return true;
}

bool submit_fill_roots(struct settlement *s, const struct batch_row *row, struct arena *arena,
                       struct proto_execute_batch *out, struct err *err)
{
    out->roots = NULL;
    out->root_cnt = 0;
    if (b256_is_zero(&row->dependency_roots_hash))
        return true;
    for (uint64_t n = row->first_block; n <= row->last_block; n++) {
        struct batch_block blk;
        if (!s->deps.load_block(s->deps.arg, n, arena, &blk, err))
            return false;
        if (blk.interop_root_cnt == 0)
            continue;
        struct stf_interop_root *all =
            arena_alloc(arena, (out->root_cnt + blk.interop_root_cnt) * sizeof(*all));
        if (!all)
            return err_set(err, ERR_LOCAL, "out of memory");
        if (out->root_cnt)
            memcpy(all, out->roots, out->root_cnt * sizeof(*all));
        memcpy(all + out->root_cnt, blk.interop_roots, blk.interop_root_cnt * sizeof(*all));
        out->roots = all;
        out->root_cnt += blk.interop_root_cnt;
    }
    return true;
}

static bool execute_data(struct settlement *s, uint64_t from, uint64_t to, struct arena *arena,
                         struct buf *out, struct err *err)
{
    size_t n = (size_t)(to - from + 1);
    struct proto_execute_batch *batches = arena_zalloc(arena, n * sizeof(*batches));
    if (!batches)
        return err_set(err, ERR_LOCAL, "out of memory");
    for (size_t i = 0; i < n; i++) {
        struct batch_row row;
        if (!load_row(s, from + i, &row, err) || !fill_ops(s, &row, arena, &batches[i].ops, err) ||
            !submit_fill_roots(s, &row, arena, &batches[i], err) ||
            (s->cfg.layer.is_gateway && !gateway_fill_logs(s, &row, arena, &batches[i], err)))
            return false;
        row_to_stored(&row, &batches[i].stored);
    }
    const struct addr payer = gateway_fee_payer(s);
    return s->proto->execute(out, arena, &s->contracts.diamond, batches, n, s->cfg.layer.is_gateway,
                             &payer) ||
           err_set(err, ERR_LOCAL, "execution of batches %" PRIu64 "-%" PRIu64 " cannot be encoded",
                   from, to);
}

/* ---- the lanes ---- */

/* Batches with that step, as the contracts say. */
static uint64_t counter(const struct settlement *s, enum settlement_lane lane)
{
    const struct discovery_result *c = &s->contracts;
    return lane == LANE_COMMIT ? c->committed : lane == LANE_PROVE ? c->proved : c->executed;
}

/* The key to send under. false: such a request went through, so its event is on the way; or it was taken back on the layer, which only contracts
 * read at a later block than the request's can tell. */
static bool pick_key(struct settlement *s, enum settlement_lane lane, uint64_t from, uint64_t to,
                     char key[TX_KEY_CAP])
{
    for (unsigned attempt = 1;; attempt++) {
        struct tx_info info;
        make_key(key, lane, from, to, attempt);
        if (!tx_manager_find(s->lanes[lane].manager, key, &info) ||
            (info.state != TX_CONFIRMED && info.state != TX_REPLACED))
            return true;
        if (counter(s, lane) >= to || s->contracts.at_block <= info.block_number) {
            s->wants_contracts = true;
            return false;
        }
    }
}

/* The blobs of a commit. A request that is on its way has its own, from the journal. false: an error, or (kind ERR_NONE) they are being made. */
static bool commit_blobs(struct settlement *s, uint64_t number, const char *key,
                         struct sidecar **out, struct err *err)
{
    struct batch_row row;
    struct tx_info info;
    *out = NULL;
    if (!load_row(s, number, &row, err))
        return false;
    if (row.da_scheme != DA_BLOBS_ZKSYNC_OS ||
        (tx_manager_find(s->lanes[LANE_COMMIT].manager, key, &info) &&
         !tx_state_is_final(info.state)))
        return true;
    return da_blobs_of(s, &row, out, err) && *out;
}

static bool submit(struct settlement *s, enum settlement_lane lane, uint64_t from, uint64_t to)
{
    struct arena arena;
    struct buf data;
    struct err err = { .kind = ERR_NONE };
    struct sidecar *blobs = NULL;
    uint64_t sealed_at = 0, id = 0;
    bool is_new = false;
    char key[TX_KEY_CAP];
    if (!pick_key(s, lane, from, to, key))
        return false;
    bool have_blobs = lane != LANE_COMMIT || commit_blobs(s, to, key, &blobs, &err);
    if (!have_blobs && err.kind == ERR_NONE)
        return false;
    arena_init_growing(&arena, PUBDATA_ARENA_CHUNK, PUBDATA_ARENA_LIMIT);
    buf_init(&data, MAX_CALLDATA);
    bool ok = !have_blobs           ? false
              : lane == LANE_COMMIT ? commit_data(s, to, &arena, &data, &sealed_at, &err)
              : lane == LANE_PROVE  ? prove_data(s, from, to, &arena, &data, &err)
                                    : execute_data(s, from, to, &arena, &data, &err);
    if (ok) {
        struct tx_request r = { .key = key,
                                .label = settlement_lane_name(lane),
                                .to = s->contracts.timelock,
                                .data = bytes_of(data.p, data.len),
                                .sidecar = blobs };
        ok = tx_manager_submit(s->lanes[lane].manager, &r, &id, &is_new, &err);
    }
    buf_clear(&data);
    arena_clear(&arena);
    if (!ok) {
        if (err.kind == ERR_TRANSIENT) {
            s->lanes[lane].retry_at_ms = clock_mono_ms(s->deps.clock) + RETRY_MIN_MS;
        } else {
            err_wrap(&err, "%s", key);
            snprintf(s->lanes[lane].trouble, sizeof(s->lanes[lane].trouble), "%.150s", err.msg);
            hold_set(s, HOLD_SENDING, err.msg, "see the reason; it is tried again by itself");
            pause_lane(s, &s->lanes[lane]);
        }
        return false;
    }
    if (blobs)
        da_drop(s); /* the sender has them */
    if (lane == LANE_COMMIT && is_new)
        s->commit_sealed_at_ms = sealed_at;
    if (to > s->lanes[lane].sent_to)
        s->lanes[lane].sent_to = to;
    return true;
}

/* Where the contracts are ahead of the events, the step is done: its event has not the confirmations yet. */
static bool lane_is_open(const struct settlement *s, enum settlement_lane lane, uint64_t from)
{
    return s->lanes[lane].manager && clock_mono_ms(s->deps.clock) >= s->lanes[lane].retry_at_ms &&
           from > counter(s, lane);
}

static void run_commits(struct settlement *s)
{
    while (lane_is_open(s, LANE_COMMIT, s->next_commit) && s->next_commit <= s->sealed &&
           s->next_commit <= s->frontier[BATCH_COMMIT] + s->cfg.sender.max_in_flight &&
           s->expected.cnt == 0 && verification_lets_commit(s->verification, s->next_commit) &&
           gateway_lets_commit(s, s->next_commit) &&
           submit(s, LANE_COMMIT, s->next_commit, s->next_commit))
        s->next_commit++;
}

static void run_range(struct settlement *s, enum settlement_lane lane, uint64_t below)
{
    uint64_t from = s->frontier[lane] + 1, to = below;
    if (to >= from + s->cfg.max_range)
        to = from + s->cfg.max_range - 1;
    if (to < from || s->lanes[lane].sent_to || !lane_is_open(s, lane, from))
        return;
    if (lane == LANE_EXECUTE)
        to = gateway_execution_end(s, from, to);
    (void)submit(s, lane, from, to);
}

/* With the prover API: how long a range is, the one who proved it decided. */
static void run_proof(struct settlement *s, uint64_t provable)
{
    uint64_t from = s->frontier[BATCH_PROVE] + 1, to = provable;
    if (to < from || s->lanes[LANE_PROVE].sent_to || !lane_is_open(s, LANE_PROVE, from) ||
        !prover_range(s->prover, from, &to))
        return;
    (void)submit(s, LANE_PROVE, from, to);
}

/* Last batch whose step is as deep as the senders' own transactions must be: a later step built on a shallower one would be left
 * hanging by a reorganisation, and sent again (spec 30 §11.3). */
static uint64_t deep_frontier(struct settlement *s, enum batch_step step)
{
    uint64_t depth =
        s->cfg.sender.required_confirmations ? s->cfg.sender.required_confirmations : 1;
    for (uint64_t n = s->frontier[step]; n > s->frontier[step + 1]; n--) {
        struct batch_row row;
        struct err err;
        bool found = false;
        if (batch_load(s->reader, n, &row, &found, &err) && found && row.step[step].done &&
            row.step[step].sl_block + depth <= s->sl_head + 1)
            return n;
    }
    return s->frontier[step + 1];
}

/* The timelock lets a batch be executed only so long after its commit (spec 30 §4.2). */
static uint64_t executable_to(struct settlement *s)
{
    uint64_t to = deep_frontier(s, BATCH_PROVE), next_at = 0;
    uint64_t now = clock_wall_ms(s->deps.clock) / 1000;
    bool waits = s->contracts.execution_delay_s > 0 || s->cfg.layer.is_gateway;
    for (uint64_t n = s->frontier[BATCH_EXECUTE] + 1; waits && n <= to; n++) {
        struct batch_row row;
        struct err err;
        bool found = false;
        if (!batch_load(s->reader, n, &row, &found, &err) || !found ||
            !gateway_lets_execute(s, &row)) {
            to = n - 1;
            break;
        }
        if (s->contracts.execution_delay_s == 0)
            continue;
        uint64_t at = row.step[BATCH_COMMIT].sl_timestamp;
        if (at == 0) /* without it the delay is not known: it is asked for until it comes */
            asks_time(s, n, BATCH_COMMIT, &row.step[BATCH_COMMIT]);
        if (at == 0 || at + s->contracts.execution_delay_s > now) {
            next_at = n == s->frontier[BATCH_EXECUTE] + 1 && at
                          ? (at + s->contracts.execution_delay_s) * 1000
                          : 0;
            to = n - 1;
            break;
        }
    }
    pthread_mutex_lock(&s->mutex);
    s->execute_at_ms = next_at;
    pthread_mutex_unlock(&s->mutex);
    return to;
}

void submit_run(struct settlement *s)
{
    if (!s->started || s->stopped || !s->caught_up || !s->roles_known || hold_any(s))
        return;
    run_commits(s);
    uint64_t provable = deep_frontier(s, BATCH_COMMIT);
    if (s->prover) {
        run_proof(s, provable);
    } else if (s->cfg.mock_proofs && s->contracts.is_testnet_verifier) {
        run_range(s, LANE_PROVE, provable);
    }
    run_range(s, LANE_EXECUTE, executable_to(s));
}
