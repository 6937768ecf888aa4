/* node/roots.c
 *
 * From an offered root to an imported one. A batch that depends on a root which the Gateway does not keep for that block can never be executed,
 * so the last word before the import is the Gateway's own historicalRoot (spec 40 §5.3). Offers wait here until it answers. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "contracts-abi/gen/message_root.h"
#include "node/sender/contract_read/contract_read.h"
#include "node/topology_internal.h"

#define MESSAGE_ROOT  0x10005u
#define RETRY_S       2
#define ARENA_MAX     (1u << 20)
#define OFFERS_A_TURN NODE_ROOT_CALLS

static void ask(struct node *n);

static void later(struct node *n)
{
    struct timeval tv = { .tv_sec = RETRY_S };
    if (n->roots.timer && n->roots.cnt > 0)
        evtimer_add(n->roots.timer, &tv);
}

static void drop(struct node *n, size_t k)
{
    struct node_roots *q = &n->roots;
    q->cnt -= k;
    memmove(&q->items[0], &q->items[k], q->cnt * sizeof(q->items[0]));
}

static bool is_stopped(const struct node *n)
{
    struct chain_roots_status s;
    chain_roots_status(n->chain, &s);
    return s.stopped;
}

/* false: nothing more can be done now. */
static bool take_answer(struct node *n, size_t i, const struct contract_call *call)
{
    const struct chain_interop_root *r = &n->roots.items[i];
    struct b256 there;
    struct err err = { .kind = ERR_NONE };
    if (!contract_word(call, &there, &err) || b256_is_zero(&there)) {
        /* zero: this endpoint is behind the one that told of the root */
        snprintf(n->roots.problem, sizeof(n->roots.problem),
                 "the Gateway has no root of its block %" PRIu64 " yet", r->block);
        return false;
    }
    if (!b256_eq(&there, &r->root)) {
        char text[256];
        snprintf(text, sizeof(text),
                 "the root computed for block %" PRIu64 " of chain %" PRIu64
                 " is not the one the Gateway keeps",
                 r->block, r->chain_id);
        chain_stop_roots(n->chain, text);
        return false;
    }
    if (chain_import_root(n->chain, r, &err))
        return true;
    if (err.kind != ERR_TRANSIENT)
        chain_stop_roots(n->chain, err.msg);
    return false;
}

static void on_answers(void *arg, const struct err *failed)
{
    struct node *n = arg;
    struct node_roots *q = &n->roots;
    size_t done = 0, asked = q->asked;
    q->read = NULL;
    if (failed) {
        snprintf(q->problem, sizeof(q->problem), "%.250s", failed->msg);
        later(n);
        return;
    }
    q->problem[0] = 0;
    while (done < asked && take_answer(n, done, &q->calls[done]))
        done++;
    drop(n, is_stopped(n) ? q->cnt : done);
    if (done == asked)
        ask(n);
    else
        later(n);
}

static void ask(struct node *n)
{
    struct node_roots *q = &n->roots;
    struct err err = { .kind = ERR_NONE };
    if (q->read || q->cnt == 0 || n->stopping)
        return;
    arena_reset(&q->arena);
    q->asked = q->cnt < OFFERS_A_TURN ? q->cnt : OFFERS_A_TURN;
    for (size_t i = 0; i < q->asked; i++) {
        struct b256 block = b256_of_u64(q->items[i].block);
        q->calls[i] = (struct contract_call){
            .name = "historicalRoot",
            .to = addr_of_u32(MESSAGE_ROOT),
            .data = contract_calldata(&q->arena, ABI_V31_HISTORICAL_ROOT_SELECTOR, &block, 1)
        };
    }
    q->read = contract_read_start(n->gateway, ETH_AT_LATEST, q->calls, q->asked, &q->arena,
                                  on_answers, n, &err);
    if (!q->read)
        later(n);
}

bool node_offer_root(struct node *n, const struct chain_interop_root *r)
{
    struct node_roots *q = &n->roots;
    if (!n->gateway || r->chain_id != n->sl_chain_id || is_stopped(n))
        return true; /* not for this chain: nothing to remember */
    if (q->cnt == NODE_ROOTS_MAX)
        return false;
    q->items[q->cnt++] = *r;
    ask(n);
    return true;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    ask(arg);
}

void roots_start(struct node *n)
{
    arena_init_growing(&n->roots.arena, 1u << 14, ARENA_MAX);
    n->roots.timer = evtimer_new(n->base, on_timer, n);
    CHECK(n->roots.timer != NULL);
}

void roots_stop(struct node *n)
{
    contract_read_cancel(n->roots.read);
    n->roots.read = NULL;
    if (n->roots.timer)
        event_free(n->roots.timer);
    n->roots.timer = NULL;
    arena_clear(&n->roots.arena);
}

bool roots_status_json(const struct node *n, struct buf *out)
{
    struct chain_roots_status s;
    chain_roots_status(n->chain, &s);
    buf_printf(out,
               "\"interop_roots\":{\"offered\":%zu,\"waiting\":%" PRIu64 ",\"imported\":%" PRIu64
               ",\"last_block\":%" PRIu64 ",\"last_log_id\":%" PRIu64
               ",\"stopped\":%s,\"problem\":",
               n->roots.cnt, s.waiting, s.imported, s.last_block, s.last_log_id,
               s.stopped ? "true" : "false");
    buf_append_json_str(out, s.stopped ? s.why : n->roots.problem);
    return buf_append_str(out, "},");
}
