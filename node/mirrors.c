/* node/mirrors.c
 *
 * The settlement layer's message roots: a watcher of its own, the mirror behind it, what is final, and where importable roots go. Where the layer is
 * a Gateway its batches are followed too, because proofs for L1 lead through them. */
#include <inttypes.h>
#include <stdio.h>

#include "node/base/log.h"
#include "node/topology_internal.h"

#define MESSAGE_ROOT    0x10005u
#define FINALITY_POLL_S 1

/* ---- what is final ---- */

static void on_final_block(void *arg, const struct eth_reply *reply, const struct eth_block *b)
{
    struct node *n = arg;
    n->mirror.request = NULL;
    if (!reply->err && b) /* a layer that does not answer is asked again after the next poll */
        mirror_set_final(n->mirror.trees, b->number);
}

/* So deep, or the head itself once it has stayed a while. */
static void final_by_depth(struct node *n)
{
    struct node_mirror *m = &n->mirror;
    uint64_t depth = n->cfg->interop.root_confirmations;
    if (clock_mono_ms(n->clock) - m->head_since_ms >= n->cfg->interop.root_quiet_ms)
        mirror_set_final(m->trees, m->head);
    else if (m->head >= depth)
        mirror_set_final(m->trees, m->head - depth);
}

static void look_for_finality(struct node *n)
{
    struct node_mirror *m = &n->mirror;
    struct err err = { .kind = ERR_NONE };
    enum config_root_finality by = n->cfg->interop.root_finality;
    if (by == ROOT_FINAL_BLOCKS) {
        final_by_depth(n);
        return;
    }
    struct eth_block_id at = { .tag = by == ROOT_FINAL_SAFE ? ETH_SAFE : ETH_FINALIZED };
    if (!m->request)
        m->request = eth_get_block(node_sl(n), at, NULL, on_final_block, n, &err);
}

/* What is final moves also while the layer makes no blocks, and then nothing else tells of it. */
static void on_finality_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct node *n = arg;
    if (n->mirror.head_since_ms)
        look_for_finality(n);
}

static bool start_finality_timer(struct node *n, struct err *err)
{
    struct timeval tv = { .tv_sec = FINALITY_POLL_S };
    n->mirror.timer = event_new(n->base, -1, EV_PERSIST, on_finality_timer, n);
    if (!n->mirror.timer)
        return err_set(err, ERR_LOCAL, "out of memory");
    evtimer_add(n->mirror.timer, &tv);
    return true;
}

/* ---- callbacks ---- */

static bool on_roots(void *arg, const struct message_root_row *rows, size_t cnt,
                     uint64_t covered_to, struct err *err)
{
    struct node *n = arg;
    return mirror_on_roots(n->mirror.trees, rows, cnt, covered_to, err);
}

static struct b256 expected_root(void *arg)
{
    return mirror_expected_root(((struct node *)arg)->mirror.trees);
}

static void on_root_checked(void *arg, uint64_t block)
{
    struct node *n = arg;
    if (block != n->mirror.head) {
        n->mirror.head = block;
        n->mirror.head_since_ms = clock_mono_ms(n->clock);
    }
    mirror_on_checked(n->mirror.trees, block);
    look_for_finality(n);
}

static void on_rewind(void *arg, uint64_t from)
{
    struct node *n = arg;
    mirror_on_rewind(n->mirror.trees, from);
    if (n->mirror.batches)
        layer_batches_on_rewind(n->mirror.batches, from);
}

static void on_caught_up(void *arg, uint64_t upper)
{
    struct node *n = arg;
    (void)upper;
    if (n->mirror.head_since_ms)
        look_for_finality(n);
}

static void on_stopped(void *arg, const struct err *why)
{
    struct node *n = arg;
    n->mirror.stopped = true;
    mirror_hold(n->mirror.trees, why->msg);
}

/* Only roots of a Gateway are imported (spec 40 §5.3), and only those that somebody may need: an import is a block, so a batch, so another
 * root. Chains that took every root would keep each other busy for ever; a batch of imports alone has no logs, and ends it. */
static bool on_importable_root(void *arg, uint64_t chain_id, const struct mirror_root *r)
{
    if (!r->has_logs)
        return true;
    struct chain_interop_root root = {
        .chain_id = chain_id, .block = r->block, .log_id = r->log_id, .root = r->root
    };
    return node_offer_root(arg, &root);
}

static bool is_imported(void *arg, const struct mirror_root *r)
{
    struct node *n = arg;
    struct chain_interop_root root = {
        .chain_id = n->sl_chain_id, .block = r->block, .log_id = r->log_id, .root = r->root
    };
    struct err err = { .kind = ERR_NONE };
    bool yes = false; /* in doubt it is offered again, which does no harm */
    return chain_root_is_imported(n->chain, &root, &yes, &err) && yes;
}

/* ---- life ---- */

static bool start_batches(struct node *n, struct err *err)
{
    struct layer_batches_deps deps = { .base = n->base,
                                       .store = n->store,
                                       .layer = n->gateway,
                                       .l1 = n->l1,
                                       .mirror = n->mirror.trees };
    struct layer_batches_config cfg = { .layer = n->sl_chain_id,
                                        .l1_message_root = n->contracts.message_root,
                                        .l1_confirmations = n->cfg->l1_watcher.confirmations,
                                        .poll_ms = n->cfg->l1_watcher.poll_interval_ms };
    n->mirror.batches = layer_batches_create(&deps, &cfg, err);
    return n->mirror.batches != NULL;
}

bool mirrors_start(struct node *n, struct err *err)
{
    struct node_mirror *m = &n->mirror;
    snprintf(m->name, sizeof(m->name), "%s", n->gateway ? "the Gateway" : "L1");
    snprintf(m->cursor, sizeof(m->cursor), "roots-%" PRIu64, n->sl_chain_id);
    struct addr contract = n->gateway ? addr_of_u32(MESSAGE_ROOT) : n->contracts.message_root;
    if (addr_is_zero(&contract)) /* an ecosystem without one */
        return true;
    struct mirror_config mc = { .layer = n->sl_chain_id, .name = m->name };
    struct mirror_callbacks mcb = { .arg = n, .on_importable_root = on_importable_root };
    m->trees = mirror_create(n->store, &mc, &mcb, m->cursor, err);
    if (!m->trees)
        return false;
    if (n->gateway)
        mirror_skip_imported(m->trees, is_imported, n);
    struct watcher_deps deps = {
        .base = n->base, .clock = n->clock, .eth = node_sl(n), .store = n->store
    };
    struct watcher_config cfg = { .name = m->name,
                                  .cursor = m->cursor,
                                  .families = WATCH_ROOTS,
                                  .chain_id = n->sl_chain_id,
                                  .diamond = contract,
                                  .poll_ms = n->cfg->l1_watcher.poll_interval_ms,
                                  .max_blocks = n->cfg->l1_watcher.max_blocks_to_process,
                                  .silence_alarm_ms = UINT64_MAX };
    struct watcher_callbacks cb = { .arg = n,
                                    .on_roots = on_roots,
                                    .expected_root = expected_root,
                                    .on_root_checked = on_root_checked,
                                    .on_rewind = on_rewind,
                                    .on_caught_up = on_caught_up,
                                    .on_stopped = on_stopped };
    m->watcher = watcher_create(&deps, &cfg, &cb, err);
    if (!m->watcher || !watcher_start(m->watcher, err))
        return false;
    if (!start_finality_timer(n, err))
        return false;
    rpc_set_mirror(n->rpc, m->trees);
    return !n->gateway || start_batches(n, err);
}

void mirrors_stop(struct node *n)
{
    struct node_mirror *m = &n->mirror;
    if (m->watcher)
        watcher_stop(m->watcher);
    if (m->batches)
        layer_batches_stop(m->batches);
    eth_cancel(m->request);
    m->request = NULL;
    if (m->timer)
        event_free(m->timer);
    m->timer = NULL;
}

void mirrors_destroy(struct node *n)
{
    watcher_destroy(n->mirror.watcher);
    layer_batches_destroy(n->mirror.batches);
    mirror_destroy(n->mirror.trees);
    n->mirror.watcher = NULL;
    n->mirror.batches = NULL;
    n->mirror.trees = NULL;
}

/* ---- status ---- */

bool mirrors_status_json(const struct node *n, struct buf *out)
{
    const struct node_mirror *m = &n->mirror;
    struct mirror_status s;
    struct watcher_status w;
    struct layer_batches_status b = { 0 };
    if (!m->watcher)
        return true;
    mirror_status_get(m->trees, &s);
    watcher_status_get(m->watcher, &w);
    buf_printf(out,
               "\"mirror\":{\"layer\":%" PRIu64 ",\"read_to\":%" PRIu64 ",\"checked_to\":%" PRIu64
               ",\"final_to\":%" PRIu64 ",\"chains\":%" PRIu64 ",\"batches\":%" PRIu64
               ",\"last_log_id\":%" PRIu64 ",\"last_change\":%" PRIu64 ",\"rewinds\":%" PRIu64
               ",\"memory_bytes\":%zu,\"root\":\"",
               s.layer, s.read_to, s.checked_to, s.final_to, s.chains, s.batches, s.last_log_id,
               s.last_change, s.rewinds, s.memory);
    buf_append_hex(out, s.root.b, 32);
    buf_append_str(out, "\",\"held\":");
    buf_append_json_str(out, s.held);
    buf_append_str(out, ",\"problem\":");
    buf_append_json_str(out, w.error);
    if (m->batches) {
        layer_batches_status_get(m->batches, &b);
        buf_printf(out,
                   ",\"layer_batches\":{\"known\":%" PRIu64 ",\"on_l1\":%" PRIu64 ",\"problem\":",
                   b.known, b.on_l1);
        buf_append_json_str(out, b.problem);
        buf_append_str(out, "}");
    }
    return buf_append_str(out, "},");
}

void mirrors_metrics(const struct node *n, struct metrics *m)
{
    struct mirror_status s;
    if (!n->mirror.trees)
        return;
    mirror_status_get(n->mirror.trees, &s);
    metrics_put_u64(m, METRIC_MIRROR_BLOCK, "stage=\"read\"", s.read_to);
    metrics_put_u64(m, METRIC_MIRROR_BLOCK, "stage=\"checked\"", s.checked_to);
    metrics_put_u64(m, METRIC_MIRROR_BLOCK, "stage=\"final\"", s.final_to);
    metrics_put_u64(m, METRIC_MIRROR_CHAINS, NULL, s.chains);
    metrics_put_u64(m, METRIC_MIRROR_BATCHES, NULL, s.batches);
    metrics_put_u64(m, METRIC_MIRROR_BYTES, NULL, s.memory);
    metrics_put_u64(m, METRIC_MIRROR_HELD, NULL, s.held[0] != 0);
}
