/* node/rpc/notices.c
 *
 * Telling subscribers, from the loop and never for long. What is to be told, a block or some pending transactions, is a notice; notices
 * stand in one row for all clients, and each client goes along it at its own speed, item by item, while it takes what it gets. The text of an
 * item is made once, when somebody wants it first. A client that falls behind the row is cut off, so that it asks again. */
#include <stdlib.h>

#include "node/base/hex.h"
#include "node/rpc/encode.h"
#include "node/rpc/sockets.h"

#define NOTICES_MAX   1024u        /* in the row (spec 50 §5.7) */
#define AHEAD_MAX     (256u << 10) /* bytes unsent, beyond which a client has to take some first */
#define TEXT_MAX      (16u << 20)  /* bytes of an item */
#define NOTICE_HEAD   256u         /* what a notification has around it, at most */
#define WORK_PER_TURN (1u << 20)   /* about bytes copied; then others of the loop have a turn */
#define WORK_ITEM     64u /* what an item costs beside its bytes, for each subscription looked at */
#define WORK_BLOOM    256u /* for each address and topic of a filter */

struct item {
    const struct stf_event *event; /* NULL: the head */
    uint32_t tx;
    uint64_t tx_log_index;
    uint8_t *text; /* owned; NULL until wanted */
    size_t len;
};
struct notice {
    STAILQ_ENTRY(notice) link;
    uint64_t number;                 /* in the row */
    size_t readers;                  /* clients that are at it */
    size_t held;                     /* of the memory budget */
    size_t cnt;                      /* items, or pending transactions */
    const struct chain_block *block; /* owned reference; NULL: pending transactions */
    struct item *items;              /* owned: the head and the logs */
    struct pending_tx *pending;      /* owned */
};

/* ---- the row ---- */

static void free_notice(struct rpc *r, struct notice *n)
{
    for (size_t i = 0; i < n->cnt; i++)
        free(n->block ? n->items[i].text : (uint8_t *)n->pending[i].json);
    if (n->block)
        chain_block_release(r->d.chain, n->block);
    rpc_sockets_give_back(r, n->held);
    free(n->items);
    free(n->pending);
    free(n);
}

/* Clients only go forward: what stands first and has no readers is done with. */
static void trim(struct rpc *r)
{
    struct rpc_sockets *s = r->sockets;
    struct notice *n;
    while ((n = STAILQ_FIRST(&s->notices)) && n->readers == 0) {
        STAILQ_REMOVE_HEAD(&s->notices, link);
        s->notice_cnt--;
        free_notice(r, n);
    }
}

static void stand_at(struct rpc_client *c, struct notice *n)
{
    if (c->at)
        c->at->readers--;
    c->at = n;
    c->item = 0;
    if (n)
        n->readers++;
}

static void leave_ready(struct rpc_client *c)
{
    if (c->is_ready)
        TAILQ_REMOVE(&c->rpc->sockets->ready, c, ready);
    c->is_ready = false;
}

void notices_leave(struct rpc_client *c)
{
    stand_at(c, NULL);
    leave_ready(c);
    trim(c->rpc);
}

void notices_go_on(struct rpc_client *c)
{
    struct rpc_sockets *s = c->rpc->sockets;
    struct timeval now = { 0, 0 };
    if (!c->at || c->is_ready)
        return;
    TAILQ_INSERT_TAIL(&s->ready, c, ready);
    c->is_ready = true;
    /* a timer, because an event made active from within the loop would run before sockets are looked at */
    event_add(s->tell, &now);
}

/* trim follows */
static void cut_off(struct rpc_client *c)
{
    ws_cut_off(c->ws);
    stand_at(c, NULL);
    leave_ready(c);
}

/* Those that would miss something. */
static void cut_off_subscribers(struct rpc *r)
{
    struct rpc_client *c;
    LIST_FOREACH(c, &r->sockets->clients, link)
    {
        pthread_mutex_lock(&c->mutex);
        bool any = c->sub_cnt > 0;
        pthread_mutex_unlock(&c->mutex);
        if (any)
            cut_off(c);
    }
    trim(r);
}

/* Those that are furthest behind make way, unless that is at `but`. false: nobody does. */
static bool drop_first(struct rpc *r, const struct notice *but)
{
    const struct notice *first = STAILQ_FIRST(&r->sockets->notices);
    struct rpc_client *c;
    if (!first || first == but)
        return false;
    LIST_FOREACH(c, &r->sockets->clients, link)
    if (c->at == first)
        cut_off(c);
    trim(r);
    return true;
}

static bool reserve(struct rpc *r, size_t len, const struct notice *but)
{
    while (!rpc_sockets_reserve(r, len))
        if (!drop_first(r, but))
            return false;
    return true;
}

/* For one more. */
static bool make_room(struct rpc *r, size_t len)
{
    while (r->sockets->notice_cnt >= NOTICES_MAX)
        (void)drop_first(r, NULL);
    return reserve(r, len, NULL);
}

static void append(struct rpc *r, struct notice *n)
{
    struct rpc_sockets *s = r->sockets;
    struct rpc_client *c;
    n->number = s->next_notice++;
    s->notice_cnt++;
    STAILQ_INSERT_TAIL(&s->notices, n, link);
    LIST_FOREACH(c, &s->clients, link)
    {
        if (!c->at)
            stand_at(c, n);
        if (ws_unsent(c->ws) <= AHEAD_MAX) /* otherwise when it has taken that */
            notices_go_on(c);
    }
    trim(r);
}

static void list_items(struct notice *n, const struct chain_block *b)
{
    size_t at = 1;
    for (uint32_t i = 0; i < b->r.tx_cnt; i++)
        for (size_t k = 0; k < b->r.txs[i].event_cnt; k++)
            n->items[at++] = (struct item){ &b->r.txs[i].events[k], i, k, NULL, 0 };
}

void notices_add_block(struct rpc *r, const struct chain_block *b)
{
    struct err err = { 0 };
    size_t cnt = 1;
    if (LIST_EMPTY(&r->sockets->clients))
        return;
    for (uint32_t i = 0; i < b->r.tx_cnt; i++)
        cnt += b->r.txs[i].event_cnt;
    size_t len = sizeof(struct notice) + cnt * sizeof(struct item) + b->encoded_len;
    struct notice *n = make_room(r, len) ? calloc(1, sizeof(*n)) : NULL;
    if (!n) {
        cut_off_subscribers(r);
        return;
    }
    n->held = len;
    n->items = calloc(cnt, sizeof(*n->items));
    /* it is being told of, so it is published and in memory: no reader is needed */
    n->block = chain_block_acquire(r->d.chain, NULL, b->r.header.number, &err);
    if (!n->items || !n->block) {
        free_notice(r, n);
        cut_off_subscribers(r);
        return;
    }
    n->cnt = cnt;
    list_items(n, b);
    append(r, n);
}

void notices_add_pending(struct rpc *r, struct pending_tx *all, size_t cnt, size_t held)
{
    struct notice *n = calloc(1, sizeof(*n));
    if (n && !LIST_EMPTY(&r->sockets->clients) && make_room(r, sizeof(*n))) {
        *n = (struct notice){ .held = held + sizeof(*n), .cnt = cnt, .pending = all };
        append(r, n);
        return;
    }
    for (size_t i = 0; i < cnt; i++)
        free(all[i].json);
    free(all);
    free(n);
    rpc_sockets_give_back(r, held);
    cut_off_subscribers(r);
}

/* ---- going along it ---- */

static bool make_text(struct rpc *r, struct notice *n, size_t i)
{
    struct item *x = &n->items[i];
    struct tx_place at = { n->block, x->tx, NULL };
    struct buf b;
    if (x->text)
        return true;
    buf_init(&b, TEXT_MAX);
    if (x->event) {
        encode_log(&b, x->event, &at, i - 1, x->tx_log_index);
    } else {
        js_open(&b, '{');
        encode_header_fields(&b, n->block, NULL);
        js_close(&b, '}');
    }
    if (!b.failed && reserve(r, b.len, n)) {
        n->held += b.len;
        x->text = buf_take(&b, &x->len);
    }
    buf_clear(&b);
    return x->text != NULL;
}

static bool wants(const struct subscription *x, const struct notice *n, size_t i)
{
    if (!n->block)
        return x->kind == SUBSCRIBED_PENDING && (!x->full || n->pending[i].json);
    if (i == 0)
        return x->kind == SUBSCRIBED_HEADS;
    return x->kind == SUBSCRIBED_LOGS && criteria_match(x->criteria, n->items[i].event);
}

/* The item as this subscription wants it; p NULL: out of memory. hash: room for one. */
static struct bytes text_for(struct rpc *r, const struct subscription *x, struct notice *n,
                             size_t i, char hash[70])
{
    if (n->block)
        return make_text(r, n, i) ? bytes_of(n->items[i].text, n->items[i].len) : bytes_of(NULL, 0);
    if (x->full)
        return bytes_of(n->pending[i].json, n->pending[i].len);
    hash[0] = '"';
    size_t len = 1 + hex_encode0x(hash + 1, n->pending[i].hash.b, 32);
    hash[len++] = '"';
    return bytes_of(hash, len);
}

/* As reserve, for what the connection will hold itself. */
static bool room_to_send(struct rpc *r, size_t len, const struct notice *but)
{
    bool ok = reserve(r, len, but);
    if (ok)
        rpc_sockets_give_back(r, len);
    return ok;
}

/* false: a notification could not be sent. */
static bool tell_item(struct rpc_client *c, size_t *work)
{
    struct notice *n = c->at;
    char hash[70];
    bool ok = true;
    pthread_mutex_lock(&c->mutex);
    for (struct subscription *x = c->subs; x && ok; x = x->next) {
        *work += WORK_ITEM;
        if (!x->active || n->number < x->from || !wants(x, n, c->item))
            continue;
        struct bytes text = text_for(c->rpc, x, n, c->item, hash);
        ok = text.p && room_to_send(c->rpc, text.len + NOTICE_HEAD, n) &&
             subscription_notify(c, x, text);
        *work += text.len;
    }
    pthread_mutex_unlock(&c->mutex);
    return ok;
}

/* Whether any subscription may want more of the notice than its first item. */
static bool wants_rest(struct rpc_client *c, size_t *work)
{
    const struct notice *n = c->at;
    bool any = false;
    pthread_mutex_lock(&c->mutex);
    for (const struct subscription *x = c->subs; x && !any; x = x->next) {
        if (n->block && x->kind == SUBSCRIBED_LOGS) {
            *work += WORK_BLOOM * criteria_size(x->criteria);
            any = criteria_bloom(x->criteria, n->block->bloom);
        } else {
            any = !n->block && x->kind == SUBSCRIBED_PENDING;
        }
    }
    pthread_mutex_unlock(&c->mutex);
    return any;
}

/* Some of what is there for a client, then it is the next one's turn. */
static void tell_client(struct rpc_client *c, size_t *work)
{
    size_t enough = *work + WORK_PER_TURN / 16;
    while (c->at && *work < enough) {
        if (ws_unsent(c->ws) > AHEAD_MAX)
            return; /* goes on when that is taken */
        *work += WORK_ITEM;
        if (!tell_item(c, work)) {
            cut_off(c);
            return;
        }
        if (c->item + 1 < c->at->cnt && (c->item > 0 || wants_rest(c, work)))
            c->item++;
        else
            stand_at(c, STAILQ_NEXT(c->at, link));
    }
    notices_go_on(c);
}

void notices_tell(struct rpc *r)
{
    struct rpc_sockets *s = r->sockets;
    struct rpc_client *c;
    struct timeval now = { 0, 0 };
    size_t work = 0;
    while (work < WORK_PER_TURN && (c = TAILQ_FIRST(&s->ready))) {
        leave_ready(c);
        tell_client(c, &work);
    }
    trim(r);
    if (!TAILQ_EMPTY(&s->ready))
        event_add(s->tell, &now);
}
