/* tests/unit/rpc/rpc_world.c */
#include "tests/unit/rpc/rpc_world.h"

#include <dirent.h>
#include <event2/thread.h>
#include <stdio.h>
#include <unistd.h>

#include "node/base/hash.h"
#include "node/base/hex.h"
#include "node/state/genesis.h"
#include "tests/unit/base/testing.h"
#include "tests/unit/loop.h"

#define RICH "0x3635c9adc5dea00000" /* 1000 ether */

/* What each is does is said in the header; offsets of jump destinations are counted by hand. */
static const char *const contracts[][2] = {
    { COUNTER, "0x36600c575f545f5260205ff35b5f5460010180"
               "5f555f525f3560205fa100" },
    { REVERTER, "0x365f5f37365ffd" },
    { INVALID, "0xfe" },
    { SPINNER, "0x5f355b600190036020"
               "5f20508060025700" },
    { FILLER, "0x5f355b80805560019003806002"
              "5700" },
    { MESSENGER, "0x3360601b5f52365f601437"
                 "5f5f366014015f5f6170015af100" },
};

static char *genesis_text(void)
{
    json_t *alloc = json_object(), *root = json_object();
    for (size_t i = 0; i < GH_COUNT(contracts); i++)
        json_object_set_new(alloc, contracts[i][0],
                            json_pack("{s:s,s:s,s:s,s:{}}", "nonce", "0x1", "balance", "0x0",
                                      "code", contracts[i][1], "storage"));
    for (uint64_t i = 1; i < 8; i++) {
        char addr[43];
        struct wallet w = wallet_of(i);
        hex_encode0x(addr, w.addr.b, 20);
        json_object_set_new(
            alloc, addr, json_pack("{s:s,s:s,s:{}}", "nonce", "0x0", "balance", RICH, "storage"));
    }
    json_object_set_new(root, "alloc", alloc);
    json_object_set_new(root, "protocolVersion", json_pack("[i,i,i]", 0, 31, 0));
    char *text = json_dumps(root, 0);
    json_decref(root);
    assert_non_null(text);
    return text;
}

static void give_frontiers(void *ctx, struct rpc_frontiers *out)
{
    *out = ((struct rpc_world *)ctx)->frontiers;
}

static void give_wait(void *ctx, uint64_t batch, char *text, size_t cap, uint64_t *eta_ms)
{
    (void)ctx;
    snprintf(text, cap, "the test, batch %u", (unsigned)batch);
    *eta_ms = 1500;
}

static void open_chain(struct rpc_world *w)
{
    struct err err = { 0 };
    struct genesis g;
    struct mempool_config pool;
    struct state_config sc = { w->cfg.general.history_blocks, STATE_PROOF_BLOCKS_DEFAULT };
    struct store_config st = { .dir = w->dir };
    w->store = store_open(w->base, &st, &err);
    assert_true(w->store != NULL);
    mempool_config_default(&pool);
    w->pool = mempool_create(&pool, clock_system());
    w->state = state_create(&sc);
    w->genesis_json = genesis_text();
    assert_true(genesis_parse(&g, bytes_of(w->genesis_json, strlen(w->genesis_json)), &err));
    assert_true(genesis_apply(w->state, &g, NULL, NULL, &err));
    genesis_clear(&g);
    struct chain_config cc = { .chain_id = w->cfg.genesis.chain_id,
                               .l1_chain_id = 1,
                               .sl_chain_id = 1,
                               .protocol_minor = 0, /* no upgrade transaction to wait for */
                               .block_time_ms = 5,
                               .max_txs_in_block = 1000,
                               .block_gas_limit = w->cfg.sequencer.block_gas_limit,
                               .block_pubdata_limit = w->cfg.sequencer.block_pubdata_limit_bytes,
                               .fee_collector = w->cfg.sequencer.fee_collector_address,
                               .native_price = U256_ONE,
                               .base_fee = u256_of_u64(1000),
                               .pubdata_price = U256_ONE,
                               .checkpoint_every_blocks = 1000000,
                               .min_blocks_to_replay = 10,
                               .cached_blocks = 128,
                               .data_dir = w->dir };
    if (w->cfg.sequencer.has_base_fee_override)
        cc.base_fee = w->cfg.sequencer.base_fee_override;
    if (w->cfg.sequencer.has_native_price_override)
        cc.native_price = w->cfg.sequencer.native_price_override;
    if (w->cfg.sequencer.has_pubdata_price_override)
        cc.pubdata_price = w->cfg.sequencer.pubdata_price_override;
    struct chain_deps cd = { .base = w->base,
                             .store = w->store,
                             .crypto = crypto_host(),
                             .clock = clock_system(),
                             .mempool = w->pool,
                             .state = w->state };
    w->chain = chain_create(&cd, &cc, &err);
    assert_true(w->chain != NULL);
}

struct rpc_world *world_open(void (*adjust)(struct config *cfg))
{
    struct rpc_world *w = calloc(1, sizeof(*w));
    struct err err = { 0 };
    assert_non_null(w);
    snprintf(w->dir, sizeof(w->dir), "%s", "/tmp/gatehouse-rpc-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    arena_init_growing(&w->arena, 1u << 16, 1u << 30);
    config_defaults(&w->cfg);
    w->cfg.genesis.chain_id = 270;
    w->cfg.rpc.finalized_mode = FINALIZED_EXECUTED;
    snprintf(w->cfg.rpc.address, sizeof(w->cfg.rpc.address), "127.0.0.1:0");
    snprintf(w->cfg.status_server.address, sizeof(w->cfg.status_server.address), "127.0.0.1:0");
    snprintf(w->cfg.prometheus.address, sizeof(w->cfg.prometheus.address), "127.0.0.1");
    w->cfg.prometheus.port = 0;
    w->cfg.general.workers = 2;
    if (adjust)
        adjust(&w->cfg);
    evthread_use_pthreads();
    w->base = event_base_new();
    assert_non_null(w->base);
    open_chain(w);
    struct rpc_deps rd = { .base = w->base,
                           .clock = clock_system(),
                           .cfg = &w->cfg,
                           .chain = w->chain,
                           .mempool = w->pool,
                           .store = w->store,
                           .crypto = crypto_host(),
                           .settlement = { w, give_frontiers, NULL, give_wait },
                           .genesis_json = bytes_of(w->genesis_json, strlen(w->genesis_json)),
                           .version = "1.2.3" };
    rd.contracts.l1_chain_id = 1;
    w->rpc = rpc_create(&rd, &err);
    assert_true(w->rpc != NULL);
    if (!chain_start(w->chain, &err))
        fail_msg("chain_start: %s", err.msg);
    rpc_set_ready(w->rpc);
    return w;
}

static void with_debug(struct config *cfg)
{
    cfg->rpc.debug_namespace = true;
}

struct rpc_world *world_open_debug(void)
{
    return world_open(with_debug);
}

static void remove_dir(const char *dir)
{
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d));) {
        char path[400];
        snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
        if (e->d_name[0] != '.' && unlink(path) != 0)
            remove_dir(path);
    }
    if (d)
        closedir(d);
    rmdir(dir);
}

void world_close(struct rpc_world *w)
{
    rpc_stop(w->rpc);
    chain_stop(w->chain);
    rpc_destroy(w->rpc);
    chain_destroy(w->chain);
    store_close(w->store);
    mempool_destroy(w->pool);
    state_destroy(w->state);
    event_base_free(w->base);
    config_clear(&w->cfg);
    arena_clear(&w->arena);
    free(w->genesis_json);
    remove_dir(w->dir);
    free(w);
}

/* ---- calls ---- */

const char *world_format(struct rpc_world *w, const char *fmt, ...)
{
    char *text = NULL;
    va_list ap;
    va_start(ap, fmt);
    int n = vasprintf(&text, fmt, ap);
    va_end(ap);
    assert_true(n >= 0);
    const char *kept = arena_copy(&w->arena, text, (size_t)n + 1);
    free(text);
    assert_non_null(kept);
    return kept;
}

json_t *world_post(struct rpc_world *w, const char *body)
{
    struct buf out;
    json_error_t fault;
    buf_init(&out, w->cfg.rpc.max_response_size + (1u << 20));
    rpc_dispatch(w->rpc, bytes_of(body, strlen(body)), &out);
    json_t *v = out.len ? json_loadb((const char *)out.p, out.len, 0, &fault) : NULL;
    if (out.len && !v)
        fail_msg("not JSON (%s): %.*s", fault.text, (int)out.len, (const char *)out.p);
    assert_false(out.failed);
    buf_clear(&out);
    return v;
}

static json_t *post_call(struct rpc_world *w, const char *method, const char *params)
{
    const char *body = world_format(
        w, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":%s}", method, params);
    json_t *v = world_post(w, body);
    assert_non_null(v);
    return v;
}

json_t *world_call(struct rpc_world *w, const char *method, const char *params)
{
    json_t *v = post_call(w, method, params), *result = json_object_get(v, "result");
    if (!result) {
        char *text = json_dumps(v, 0);
        fail_msg("%s%s: %s", method, params, text);
    }
    json_incref(result);
    json_decref(v);
    return result;
}

json_t *world_error(struct rpc_world *w, const char *method, const char *params)
{
    json_t *v = post_call(w, method, params), *e = json_object_get(v, "error");
    if (!e) {
        char *text = json_dumps(v, 0);
        fail_msg("%s%s was accepted: %s", method, params, text);
    }
    json_incref(e);
    json_decref(v);
    return e;
}

const char *json_text(const json_t *object, const char *key)
{
    const char *s = json_string_value(json_object_get(object, key));
    if (!s)
        fail_msg("no text %s", key);
    return s;
}

static uint64_t parse_quantity(const char *s)
{
    struct u256 v;
    if (!hex_parse_quantity(&v, s, strlen(s), false) || !u256_fits_u64(&v))
        fail_msg("not a quantity: %s", s);
    return v.w[0];
}

uint64_t json_quantity(const json_t *object, const char *key)
{
    return parse_quantity(json_text(object, key));
}

const char *world_text(struct rpc_world *w, const char *method, const char *params)
{
    json_t *v = world_call(w, method, params);
    if (!json_is_string(v))
        fail_msg("%s%s: not a string", method, params);
    const char *s = world_format(w, "%s", json_string_value(v));
    json_decref(v);
    return s;
}

uint64_t world_quantity(struct rpc_world *w, const char *method, const char *params)
{
    return parse_quantity(world_text(w, method, params));
}

/* ---- transactions and blocks ---- */

const char *world_send(struct rpc_world *w, unsigned from, const char *to, const char *data_hex,
                       uint64_t value, uint64_t gas)
{
    struct wallet k = wallet_of(from);
    struct wallet_tx t = { .chain_id = w->cfg.genesis.chain_id,
                           .nonce = w->nonce[from]++,
                           .gas_limit = gas,
                           .max_fee = chain_head_get(w->chain).base_fee.w[0],
                           .value = u256_of_u64(value),
                           .is_create = to == NULL };
    size_t len = 0, n = strlen(data_hex);
    uint8_t *data = arena_alloc(&w->arena, n);
    assert_true(hex_decode(data, n, &len, data_hex, n));
    t.data = bytes_of(data, len);
    if (to)
        assert_true(hex_decode_exact(t.to.b, 20, to + 2, 40));
    struct bytes raw = wallet_sign(&k, &t, &w->arena);
    char *text = arena_alloc(&w->arena, 3 + 2 * raw.len);
    hex_encode0x(text, raw.p, raw.len);
    struct b256 hash = keccak256(raw.p, raw.len);
    char expected[67];
    hex_encode0x(expected, hash.b, 32);
    const char *got = world_text(w, "eth_sendRawTransaction", world_format(w, "[\"%s\"]", text));
    assert_string_equal(got, expected);
    return got;
}

json_t *world_receipt(struct rpc_world *w, const char *hash)
{
    for (int i = 0; i < 3000; i++) {
        json_t *r = world_call(w, "eth_getTransactionReceipt", world_format(w, "[\"%s\"]", hash));
        if (!json_is_null(r))
            return r;
        json_decref(r);
        loop_turn(w->base, 5);
    }
    fail_msg("%s was not included", hash);
    return NULL;
}

void world_wait_block(struct rpc_world *w, uint64_t number)
{
    for (int i = 0; i < 3000 && (chain_head_get(w->chain).number < number ||
                                 chain_tree_head(w->chain) < number);
         i++)
        loop_turn(w->base, 5);
    assert_true(chain_tree_head(w->chain) >= number);
}

struct batch_job {
    struct batch_row row;
    int done;
};

static bool write_batch(struct store_txn *t, void *arg, struct err *err)
{
    const struct batch_job *j = arg;
    bool ok = batch_put(t, &j->row, err);
    for (int step = 0; ok && step < j->done; step++) {
        struct batch_step_row s = { .done = true,
                                    .tx_hash = b256_of_u64(j->row.number * 10 + (uint64_t)step),
                                    .sl_block = 1000 + j->row.number,
                                    .sl_timestamp = 1700000000 };
        ok = batch_step_put(t, j->row.number, (enum batch_step)step, &s, err);
    }
    return ok;
}

void world_batch(struct rpc_world *w, uint64_t number, uint64_t first, uint64_t last, int done)
{
    struct err err = { 0 };
    struct batch_accumulator acc;
    struct batch b;
    struct batch_block blk;
    memset(&blk, 0, sizeof(blk));
    struct store_reader *r = store_reader_open(w->store, &err);
    assert_non_null(r);
    world_wait_block(w, last);
    batch_accumulator_init(&acc, &w->arena, number, w->cfg.genesis.chain_id, DA_EMPTY_NO_DA);
    for (uint64_t n = first; n <= last; n++) {
        if (!chain_batch_block_load(w->chain, r, n, &w->arena, &blk, &err))
            fail_msg("batch block %u: %s", (unsigned)n, err.msg);
        assert_true(batch_accumulator_add(&acc, &blk));
    }
    batch_accumulator_finish(&acc, &b, NULL);
    struct batch_job j = { .done = done };
    j.row = (struct batch_row){ .number = number,
                                .first_block = first,
                                .last_block = last,
                                .first_timestamp = b.first_timestamp,
                                .last_timestamp = b.last_timestamp,
                                .state_commitment = b.stored.state_commitment,
                                .stored_hash = stored_batch_hash(&b.stored),
                                .commitment = b.stored.commitment,
                                .l2_logs_tree_root = b.stored.l2_logs_tree_root,
                                .logs_root = b.logs_root,
                                .multichain_root = b.multichain_root,
                                .priority_ops_hash = b.stored.priority_ops_hash,
                                .dependency_roots_hash = b.stored.dependency_roots_hash,
                                .l1_tx_cnt = b.stored.l1_tx_cnt,
                                .l2_tx_cnt = b.l2_tx_cnt,
                                .sl_chain_id = 1,
                                .l2_log_cnt = b.l2_log_cnt,
                                .protocol_minor = 31,
                                .tree_root = blk.tree_root,
                                .last_256_hashes = blk.last_256_hashes,
                                .leaf_count = blk.leaf_count };
    if (!store_write_sync(w->store, STORE_JOURNAL, write_batch, &j, &err))
        fail_msg("batch: %s", err.msg);
    store_reader_close(r);
    w->frontiers.sealed_batch = number;
    w->frontiers.sealed_block = last;
    if (done > 0)
        w->frontiers.committed_batch = number, w->frontiers.committed_block = last;
    if (done > 1)
        w->frontiers.proved_batch = number, w->frontiers.proved_block = last;
    if (done > 2)
        w->frontiers.executed_batch = number, w->frontiers.executed_block = last;
}

void world_expect_equal(const char *name, const char *what, const json_t *ours, const json_t *want)
{
    if (json_equal(ours, want))
        return;
    char *a = json_dumps(ours, JSON_INDENT(1) | JSON_SORT_KEYS),
         *b = json_dumps(want, JSON_INDENT(1) | JSON_SORT_KEYS);
    (void)fprintf(stderr, "%s, %s: ours\n%s\nanvil's\n%s\n", name, what, a, b);
    free(a);
    free(b);
    fail();
}
