#include "interop/layer_batches.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "contracts-abi/gen/message_root.h"
#include "node/base/hash.h"
#include "node/base/hex.h"
#include "node/base/log.h"
#include "node/sender/contract_read/contract_read.h"

struct layer_batches {
    struct layer_batches_deps deps;
    struct layer_batches_config cfg;
    struct event *timer;
    struct eth_request *request; /* at most one of these */
    struct contract_read *read;
    struct contract_call call;
    struct arena arena;
    struct layer_batch_row row; /* in work */
    struct layer_batches_status status;
    uint64_t next_block;
    uint64_t take_from;  /* number of the first row that is being taken back */
    uint64_t rewound_to; /* the mirror's last rewind that was not looked at; UINT64_MAX: none */
    bool stopped, storing;
};

static void step(struct layer_batches *b);

static void later(struct layer_batches *b, uint64_t ms)
{
    struct timeval tv = { (time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000) };
    if (!b->stopped)
        evtimer_add(b->timer, &tv);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    step(arg);
}

static void say(struct layer_batches *b, const char *text)
{
    if (b->status.problem[0] == 0)
        log_warn(LOG_L1, "batches of the Gateway cannot be followed", LOG_STR("reason", text));
    snprintf(b->status.problem, sizeof(b->status.problem), "%.250s", text);
}

static void trouble(struct layer_batches *b, const char *text)
{
    say(b, text);
    later(b, b->cfg.poll_ms);
}

static void idle(struct layer_batches *b)
{
    b->status.problem[0] = 0;
    later(b, b->cfg.poll_ms);
}

/* ---- taking back: what L1 does not have, or will not have, is asked for again ---- */

static bool load(struct layer_batches *b, struct err *err)
{
    struct layer_batch_row last, pending;
    bool any = false, waits = false;
    struct store_reader *r = store_reader_open(b->deps.store, err);
    bool ok = r && layer_batch_last(r, b->cfg.layer, &last, &any, err) &&
              layer_batch_first_pending(r, b->cfg.layer, &pending, &waits, err);
    store_reader_close(r);
    if (!ok)
        return false;
    b->next_block = any ? last.last_block + 1 : 1;
    b->status.known = any ? last.number : 0;
    b->status.on_l1 = waits ? pending.number - 1 : b->status.known;
    return true;
}

static bool take_if_rewound(struct layer_batches *b);

static bool drop_rows(struct store_txn *t, void *arg, struct err *err)
{
    const struct layer_batches *b = arg;
    return layer_batch_truncate(t, b->cfg.layer, b->take_from, err);
}

static void on_dropped(void *arg, const struct err *failed)
{
    struct layer_batches *b = arg;
    struct err err = { .kind = ERR_NONE };
    b->storing = false;
    if (failed || !load(b, &err))
        trouble(b, failed ? failed->msg : err.msg);
    else if (!take_if_rewound(b))
        later(b, b->cfg.poll_ms);
}

static void take_back(struct layer_batches *b, uint64_t number, const char *why)
{
    struct err err = { .kind = ERR_NONE };
    say(b, why);
    b->take_from = number;
    b->storing = true;
    if (!store_write(b->deps.store, STORE_JOURNAL, drop_rows, on_dropped, b, &err)) {
        b->storing = false;
        trouble(b, err.msg);
    }
}

/* A batch that L1 has stays: its root says which history of the Gateway it closes. */
static bool take_if_rewound(struct layer_batches *b)
{
    uint64_t from = b->rewound_to;
    char why[160];
    b->rewound_to = UINT64_MAX;
    if (from >= b->next_block || b->status.on_l1 == b->status.known)
        return false;
    snprintf(why, sizeof(why),
             "the Gateway went back to before block %" PRIu64
             ": batches that are not on L1 are asked for again",
             from);
    take_back(b, b->status.on_l1 + 1, why);
    return true;
}

void layer_batches_on_rewind(struct layer_batches *b, uint64_t from)
{
    if (from < b->rewound_to)
        b->rewound_to = from;
    if (b->storing || b->stopped) /* it is looked at when the store is done */
        return;
    eth_cancel(b->request);
    b->request = NULL;
    contract_read_cancel(b->read);
    b->read = NULL;
    if (!take_if_rewound(b))
        later(b, 0);
}

/* ---- storing ---- */

static bool store_row(struct store_txn *t, void *arg, struct err *err)
{
    const struct layer_batches *b = arg;
    return layer_batch_put(t, b->cfg.layer, &b->row, err);
}

static void on_stored(void *arg, const struct err *err)
{
    struct layer_batches *b = arg;
    b->storing = false;
    if (err) {
        trouble(b, err->msg);
        return;
    }
    if (b->row.number > b->status.known) {
        b->status.known = b->row.number;
        b->next_block = b->row.last_block + 1;
    }
    if (b->row.on_l1)
        b->status.on_l1 = b->row.number;
    if (!b->stopped && !take_if_rewound(b))
        step(b);
}

static void store(struct layer_batches *b)
{
    struct err err = { .kind = ERR_NONE };
    b->storing = true;
    if (!store_write(b->deps.store, STORE_JOURNAL, store_row, on_stored, b, &err)) {
        b->storing = false;
        trouble(b, err.msg);
    }
}

/* ---- the next batch, as the Gateway's node tells it ---- */

static void on_local_root(void *arg, const struct eth_reply *reply)
{
    struct layer_batches *b = arg;
    struct b256 aggregated;
    b->request = NULL;
    const char *text = reply->result ? json_string_value(reply->result) : NULL;
    if (!text || !hex_decode_exact(b->row.logs_root.b, 32, text, strlen(text))) {
        trouble(b, reply->err ? reply->err->msg : "unstable_getLocalRoot gives no root");
        return;
    }
    if (!mirror_root_at(b->deps.mirror, b->row.last_block, &aggregated)) {
        later(b, b->cfg.poll_ms); /* the mirror is behind */
        return;
    }
    struct b256 root = keccak256_pair(&b->row.logs_root, &aggregated);
    if (!b256_eq(&root, &b->row.root)) {
        char why[160];
        snprintf(why, sizeof(why),
                 "batch %" PRIu64 " of the Gateway: its logs and our mirror give another root than "
                 "its node says",
                 b->row.number);
        trouble(b, why);
        return;
    }
    store(b);
}

static bool number(const json_t *object, const char *key, uint64_t *out)
{
    const json_t *v = json_object_get(object, key);
    if (!json_is_integer(v) || json_integer_value(v) < 0)
        return false;
    *out = (uint64_t)json_integer_value(v);
    return true;
}

static bool read_batch(struct layer_batches *b, const json_t *j)
{
    const json_t *info = json_object_get(j, "batch_info"),
                 *range = json_object_get(j, "block_range");
    const char *root = json_string_value(json_object_get(info, "l2_to_l1_logs_root_hash"));
    b->row = (struct layer_batch_row){ 0 };
    return number(info, "batch_number", &b->row.number) &&
           number(range, "start", &b->row.first_block) &&
           number(range, "end", &b->row.last_block) && root &&
           hex_decode_exact(b->row.root.b, 32, root, strlen(root));
}

static void ask_l1(struct layer_batches *b);

/* The node's next batch does not go on where our last one ends. One of the two is wrong: of those that L1 did not have yet, ours, which were
 * sealed anew; of the others L1 says it. */
static void doubt(struct layer_batches *b)
{
    struct err err = { .kind = ERR_NONE };
    char why[160];
    bool any = false;
    snprintf(why, sizeof(why),
             "the Gateway's node tells of a batch %" PRIu64
             " that does not go on where batch %" PRIu64 " ends",
             b->row.number, b->status.known);
    if (b->status.on_l1 < b->status.known) {
        take_back(b, b->status.on_l1 + 1, why);
        return;
    }
    say(b, why);
    struct store_reader *r = store_reader_open(b->deps.store, &err);
    bool ok = r && layer_batch_last(r, b->cfg.layer, &b->row, &any, &err);
    store_reader_close(r);
    if (ok && any)
        ask_l1(b);
    else
        trouble(b, ok ? why : err.msg);
}

static void on_batch(void *arg, const struct eth_reply *reply)
{
    struct layer_batches *b = arg;
    struct err err = { .kind = ERR_NONE };
    b->request = NULL;
    if (reply->err && reply->err->kind == ERR_REJECTED) { /* not there yet */
        idle(b);
        return;
    }
    if (reply->err || !read_batch(b, reply->result)) {
        trouble(b, reply->err ? reply->err->msg : "unstable_getBatchByBlockNumber gives no batch");
        return;
    }
    if (b->row.number != b->status.known + 1 || b->row.first_block != b->next_block ||
        b->row.last_block < b->row.first_block) {
        doubt(b);
        return;
    }
    b->request =
        eth_client_call(b->deps.layer, "unstable_getLocalRoot",
                        json_pack("[I]", (json_int_t)b->row.number), NULL, on_local_root, b, &err);
    if (!b->request)
        trouble(b, err.msg);
}

static void ask_next(struct layer_batches *b)
{
    struct err err = { .kind = ERR_NONE };
    b->request =
        eth_client_call(b->deps.layer, "unstable_getBatchByBlockNumber",
                        json_pack("[I]", (json_int_t)b->next_block), NULL, on_batch, b, &err);
    if (!b->request)
        trouble(b, err.msg);
}

/* ---- is it on L1? The oldest of which that is not known, or the last, once it is doubted ---- */

static void on_l1_root(void *arg, const struct err *failed)
{
    struct layer_batches *b = arg;
    struct err err = { .kind = ERR_NONE };
    struct b256 there;
    b->read = NULL;
    if (failed || !contract_word(&b->call, &there, &err)) {
        trouble(b, failed ? failed->msg : err.msg);
        return;
    }
    if (b256_is_zero(&there) && !b->row.on_l1) {
        ask_next(b);
    } else if (!b256_eq(&there, &b->row.root)) {
        char why[160];
        snprintf(why, sizeof(why), "L1 has %s of the Gateway's batch %" PRIu64,
                 b256_is_zero(&there) ? "no root any more" : "another root", b->row.number);
        take_back(b, b->row.number, why);
    } else if (b->row.on_l1) { /* so the node is wrong; what it said is in the status */
        later(b, b->cfg.poll_ms);
    } else {
        b->row.on_l1 = true;
        store(b);
    }
}

static void on_l1_head(void *arg, const struct eth_reply *reply, uint64_t head)
{
    struct layer_batches *b = arg;
    struct err err = { .kind = ERR_NONE };
    b->request = NULL;
    if (reply->err) {
        trouble(b, reply->err->msg);
        return;
    }
    struct b256 words[2] = { b256_of_u64(b->cfg.layer), b256_of_u64(b->row.number) };
    uint64_t at = head > b->cfg.l1_confirmations ? head - b->cfg.l1_confirmations : 0;
    arena_reset(&b->arena);
    b->call = (struct contract_call){
        .name = "chainBatchRoots",
        .to = b->cfg.l1_message_root,
        .data = contract_calldata(&b->arena, ABI_V31_CHAIN_BATCH_ROOTS_SELECTOR, words, 2)
    };
    b->read = contract_read_start(b->deps.l1, ETH_AT_NUMBER(at), &b->call, 1, &b->arena, on_l1_root,
                                  b, &err);
    if (!b->read)
        trouble(b, err.msg);
}

static void ask_l1(struct layer_batches *b)
{
    struct err err = { .kind = ERR_NONE };
    b->request = eth_block_number(b->deps.l1, NULL, on_l1_head, b, &err);
    if (!b->request)
        trouble(b, err.msg);
}

static void step(struct layer_batches *b)
{
    struct err err = { .kind = ERR_NONE };
    bool found = false;
    if (b->stopped || b->request || b->read || b->storing)
        return;
    struct store_reader *r = store_reader_open(b->deps.store, &err);
    bool ok = r && layer_batch_first_pending(r, b->cfg.layer, &b->row, &found, &err);
    store_reader_close(r);
    if (!ok) {
        trouble(b, err.msg);
        return;
    }
    if (found)
        ask_l1(b);
    else
        ask_next(b);
}

/* ---- life ---- */

struct layer_batches *layer_batches_create(const struct layer_batches_deps *deps,
                                           const struct layer_batches_config *cfg, struct err *err)
{
    struct layer_batches *b = calloc(1, sizeof(*b));
    if (!b) {
        err_set(err, ERR_LOCAL, "out of memory");
        return NULL;
    }
    b->deps = *deps;
    b->cfg = *cfg;
    b->rewound_to = UINT64_MAX;
    arena_init_growing(&b->arena, 4096, 1u << 20);
    b->timer = evtimer_new(deps->base, on_timer, b);
    if (!b->timer || !load(b, err)) {
        if (!b->timer)
            err_set(err, ERR_LOCAL, "out of memory");
        layer_batches_destroy(b);
        return NULL;
    }
    later(b, 0);
    return b;
}

void layer_batches_stop(struct layer_batches *b)
{
    b->stopped = true;
    if (b->timer)
        evtimer_del(b->timer);
    eth_cancel(b->request);
    b->request = NULL;
    contract_read_cancel(b->read);
    b->read = NULL;
    if (b->storing) /* the row belongs to the store thread until its callback has run */
        store_drain(b->deps.store);
}

void layer_batches_destroy(struct layer_batches *b)
{
    if (!b)
        return;
    layer_batches_stop(b);
    if (b->timer)
        event_free(b->timer);
    arena_clear(&b->arena);
    free(b);
}

void layer_batches_status_get(const struct layer_batches *b, struct layer_batches_status *out)
{
    *out = b->status;
}
