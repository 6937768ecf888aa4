/* interop/relay/relay.c: the component (relay.h). */
#include "interop/relay/relay.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "contracts-abi/gen/bridge.h"
#include "contracts-abi/gen/bridgehub.h"
#include "interop/relay/relay_internal.h"
#include "node/base/log.h"
#include "node/sender/signer.h"

const struct relay_chain *relay_chain_find(const struct relay *r, uint64_t id)
{
    for (size_t i = 0; i < r->cfg.chain_cnt; i++)
        if (r->cfg.chains[i].id == id)
            return &r->cfg.chains[i];
    return NULL;
}

const struct relay_route *relay_route_find(const struct relay *r, uint64_t src, uint64_t dst)
{
    for (size_t i = 0; i < r->cfg.route_cnt; i++)
        if (r->cfg.routes[i].src == src && r->cfg.routes[i].dst == dst)
            return &r->cfg.routes[i];
    return NULL;
}

struct tx_manager *relay_sender(const struct relay *r, uint64_t chain)
{
    for (size_t i = 0; i < r->cfg.chain_cnt; i++)
        if (r->cfg.chains[i].id == chain)
            return r->senders[i];
    return NULL;
}

/* ---- messages ---- */

static bool own_blob(struct bytes *b)
{
    uint8_t *copy = malloc(b->len + 1);
    if (!copy)
        return false;
    if (b->len)
        memcpy(copy, b->p, b->len);
    b->p = copy;
    return true;
}

static void message_free(struct relay_message *m)
{
    eth_cancel(m->req);
    free((void *)(uintptr_t)m->row.message.p);
    free((void *)(uintptr_t)m->row.calldata.p);
    free(m);
}

struct relay_message *relay_message_add(struct relay *r, const struct relay_row *row)
{
    struct relay_message *m = calloc(1, sizeof(*m));
    if (!m)
        return NULL;
    m->relay = r;
    m->row = *row;
    m->row.message.p = m->row.calldata.p = NULL;
    struct bytes message = row->message, calldata = row->calldata;
    if (!own_blob(&message) || !own_blob(&calldata)) {
        free((void *)(uintptr_t)(message.p == row->message.p ? NULL : message.p));
        free(m);
        return NULL;
    }
    m->row.message = message;
    m->row.calldata = calldata;
    *r->tail = m;
    r->tail = &m->next;
    r->stats.open++;
    return m;
}

struct save_job {
    struct relay_row row; /* calldata owned, when it is to be written; message never changes */
    bool with_calldata;
};

static bool run_save(struct store_txn *t, void *arg, struct err *err)
{
    struct save_job *j = arg;
    return relay_update(t, &j->row, err) &&
           (!j->with_calldata || relay_set_calldata(t, &j->row, err));
}

static void save_free(struct save_job *j)
{
    if (j && j->with_calldata)
        free((void *)(uintptr_t)j->row.calldata.p);
    free(j);
}

static void save_done(void *arg, const struct err *err)
{
    struct save_job *j = arg;
    if (err)
        log_error(LOG_INTEROP,
                  "a message's state could not be stored; it is derived again after a restart",
                  LOG_HASH("id", &j->row.id), LOG_STR("error", err->msg));
    save_free(j);
}

void relay_message_save(struct relay_message *m)
{
    struct err err = { .kind = ERR_LOCAL, .msg = "out of memory" };
    struct save_job *j = malloc(sizeof(*j));
    bool ok = j != NULL;
    if (ok) {
        *j = (struct save_job){ .row = m->row };
        ok = !m->must_save_calldata || (j->with_calldata = own_blob(&j->row.calldata));
    }
    if (ok && store_write(m->relay->deps.store, STORE_JOURNAL, run_save, save_done, j, &err)) {
        m->must_save = m->must_save_calldata = false;
        return;
    }
    save_free(j);
    if (!m->must_save)
        log_error(LOG_INTEROP, "a message's state could not be stored yet",
                  LOG_HASH("id", &m->row.id), LOG_STR("error", err.msg));
    m->must_save = true; /* the next turn tries again */
}

static void forget_finished(struct relay *r)
{
    struct relay_message **at = &r->messages;
    while (*at) {
        struct relay_message *m = *at;
        if (relay_state_is_open(m->row.state) || m->req || m->must_save) {
            at = &m->next;
            continue;
        }
        *at = m->next;
        r->stats.open--;
        message_free(m);
    }
    r->tail = at;
}

/* ---- L1's nullifier: Bridgehub -> asset router -> nullifier ---- */

static void ask_l1(struct relay *r, struct addr to, bool (*encode)(struct buf *out),
                   eth_bytes_fn *cb)
{
    struct buf data;
    struct err err;
    buf_init(&data, 64);
    if (encode(&data)) {
        struct eth_call_msg msg = { .has_to = true, .to = to, .data = bytes_of(data.p, data.len) };
        r->nullifier_req = eth_call(r->l1->client, &msg, ETH_AT_LATEST, NULL, NULL, cb, r, &err);
    }
    buf_clear(&data);
}

static void on_nullifier(void *arg, const struct eth_reply *reply, struct bytes v)
{
    struct relay *r = arg;
    struct abi_v31_l1_nullifier_return a;
    struct err err;
    r->nullifier_req = NULL;
    if (!reply->err && abi_v31_decode_l1_nullifier_return(v, &a, NULL, &err)) {
        r->nullifier = a.value;
        log_info(LOG_INTEROP, "withdrawals are finalized by L1's nullifier",
                 LOG_ADDR("nullifier", &r->nullifier));
    }
}

static void on_router(void *arg, const struct eth_reply *reply, struct bytes v)
{
    struct relay *r = arg;
    struct abi_v31_asset_router_return a;
    struct err err;
    r->nullifier_req = NULL;
    if (!reply->err && abi_v31_decode_asset_router_return(v, &a, NULL, &err))
        ask_l1(r, a.value, abi_v31_encode_l1_nullifier_call, on_nullifier);
}

/* ---- the turn ---- */

static bool is_paused(struct relay *r)
{
    bool paused = r->cfg.pause_file && access(r->cfg.pause_file, F_OK) == 0;
    if (paused != r->stats.paused || (paused && !r->said_paused)) {
        if (paused)
            log_error(LOG_INTEROP,
                      "relaying is paused by the operator: nothing is discovered or sent",
                      LOG_STR("until_removed", r->cfg.pause_file));
        else
            log_info(LOG_INTEROP, "relaying goes on");
        for (size_t i = 0; i < r->cfg.chain_cnt; i++) {
            if (r->senders[i] && paused)
                tx_manager_pause(r->senders[i]);
            else if (r->senders[i])
                tx_manager_resume(r->senders[i]);
        }
    }
    r->said_paused = paused;
    r->stats.paused = paused;
    return paused;
}

static size_t chain_place(const struct relay *r, const struct relay_chain *c)
{
    return (size_t)(c - r->cfg.chains);
}

/* Everybody who is due gets his turn, in a circle, with so many calls at once to each chain: neither many that wait nor an endpoint that
 * hangs keep others from theirs. */
static void turn_messages(struct relay *r)
{
    size_t calls[RELAY_MAX_CHAINS] = { 0 }, left = r->stats.open;
    for (const struct relay_message *m = r->messages; m; m = m->next)
        if (m->req)
            calls[chain_place(r, m->asked)]++;
    struct relay_message **at = &r->messages;
    while (*at && left-- > 0) {
        struct relay_message *m = *at;
        bool of_source = m->row.state <= RELAY_WAITS_ROOT;
        size_t *busy =
            &calls[chain_place(r, relay_chain_find(r, of_source ? m->row.src : m->row.dst))];
        if (m->must_save)
            relay_message_save(m);
        if (m->req || *busy >= r->cfg.max_in_work || !relay_message_turn(m)) {
            at = &m->next;
            continue;
        }
        *busy += m->req != NULL;
        if (m->next) { /* to the end */
            *at = m->next;
            m->next = NULL;
            *r->tail = m;
            r->tail = &m->next;
        } else {
            at = &m->next;
        }
    }
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct relay *r = arg;
    if (is_paused(r))
        return;
    for (size_t i = 0; i < r->source_cnt; i++)
        relay_source_turn(&r->sources[i]);
    if (r->l1 && addr_is_zero(&r->nullifier) && !r->nullifier_req)
        ask_l1(r, r->l1->bridgehub, abi_v31_encode_asset_router_call, on_router);
    forget_finished(r);
    turn_messages(r);
}

static void on_tx_change(void *arg, uint64_t id, enum tx_state state, const struct err *err)
{
    struct relay *r = arg;
    (void)err;
    if (!tx_state_is_final(state))
        return;
    for (struct relay_message *m = r->messages; m; m = m->next)
        if (m->tx_id == id)
            relay_message_on_tx(m);
}

/* ---- life ---- */

bool relay_config_check(const struct relay_config *c, struct err *err)
{
    for (size_t i = 0; i < c->chain_cnt; i++)
        for (size_t j = 0; j < i; j++)
            if (c->chains[i].id == c->chains[j].id || (c->chains[i].is_l1 && c->chains[j].is_l1))
                return err_set(err, ERR_INVALID, "chains %s and %s are the same", c->chains[j].name,
                               c->chains[i].name);
    for (size_t i = 0; i < c->route_cnt; i++) {
        const struct relay_route *route = &c->routes[i];
        const struct relay_chain *src = NULL, *dst = NULL;
        for (size_t k = 0; k < c->chain_cnt; k++) {
            src = c->chains[k].id == route->src ? &c->chains[k] : src;
            dst = c->chains[k].id == route->dst ? &c->chains[k] : dst;
        }
        if (!src || !dst || src == dst)
            return err_set(err, ERR_INVALID,
                           "a route from chain %" PRIu64 " to chain %" PRIu64
                           ": both must be among the chains, and differ",
                           route->src, route->dst);
        if (src->is_l1 || (dst->is_l1 && route->bundles) || (!dst->is_l1 && route->withdrawals))
            return err_set(err, ERR_INVALID,
                           "a route from %s to %s: bundles go between chains, withdrawals to L1",
                           src->name, dst->name);
        for (size_t k = 0; k < i; k++)
            if (c->routes[k].src == route->src && c->routes[k].dst == route->dst)
                return err_set(err, ERR_INVALID, "two routes from %s to %s", src->name, dst->name);
        if (!dst->signer)
            return err_set(err, ERR_INVALID, "a route leads to %s, which has no key", dst->name);
    }
    return true;
}

struct relay *relay_create(const struct relay_deps *deps, const struct relay_config *cfg,
                           struct err *err)
{
    if (!relay_config_check(cfg, err))
        return NULL;
    struct relay *r = calloc(1, sizeof(*r));
    if (!r) {
        err_set(err, ERR_LOCAL, "out of memory");
        return NULL;
    }
    r->deps = *deps;
    r->cfg = *cfg;
    r->tail = &r->messages;
    r->reader = store_reader_open(deps->store, err);
    r->timer = event_new(deps->base, -1, EV_PERSIST, on_timer, r);
    bool ok = r->reader && (r->timer || err_set(err, ERR_LOCAL, "out of memory"));
    for (size_t i = 0; ok && i < cfg->chain_cnt; i++) {
        const struct relay_chain *c = &r->cfg.chains[i];
        if (c->is_l1)
            r->l1 = c;
        if (!c->signer)
            continue;
        struct tx_manager_deps d = { .base = deps->base,
                                     .clock = deps->clock,
                                     .eth = c->client,
                                     .signer = c->signer,
                                     .journal = deps->journal };
        struct tx_manager_config sc = cfg->sender;
        sc.name = c->name;
        sc.chain_id = c->id;
        sc.independent = true;
        r->senders[i] = tx_manager_create(&d, &sc, on_tx_change, r, err);
        ok = r->senders[i] != NULL;
    }
    if (!ok) {
        relay_destroy(r);
        return NULL;
    }
    return r;
}

/* Rules may have changed: whoever has not been sent is judged again, also who was skipped. */
static bool load_message(void *arg, const struct relay_row *stored, struct err *err)
{
    struct relay *r = arg;
    struct relay_row row = *stored;
    if (row.state == RELAY_PARKED)
        row.attempts = 0;
    if (row.state == RELAY_PARKED || row.state == RELAY_SKIPPED)
        row.state = RELAY_WAITS_PROOF; /* what the proof gave before is not believed */
    if (row.state <= RELAY_READY && !relay_judge(r, &row))
        row.state = RELAY_SKIPPED;
    bool changed = row.state != stored->state;
    if (!relay_state_is_open(row.state) && !changed)
        return true;
    if (relay_state_is_open(row.state) &&
        (!relay_chain_find(r, row.src) || !relay_sender(r, row.dst))) {
        log_warn(LOG_INTEROP,
                 "a message of a chain that the configuration does not have any more is left alone",
                 LOG_HASH("id", &row.id), LOG_U64("from", row.src), LOG_U64("to", row.dst));
        return true;
    }
    if (changed)
        row.next_try_ms = row.changed_ms = clock_wall_ms(r->deps.clock);
    struct relay_message *m = relay_message_add(r, &row);
    if (!m)
        return err_set(err, ERR_LOCAL, "out of memory for the messages in work");
    m->must_save = changed;
    return true;
}

bool relay_start(struct relay *r, struct err *err)
{
    struct arena arena;
    arena_init_growing(&arena, 256u << 10, RELAY_ARENA_MAX);
    uint32_t states = RELAY_OPEN_STATES | RELAY_STATE_BIT(RELAY_SKIPPED);
    if (r->cfg.retry_parked)
        states |= RELAY_STATE_BIT(RELAY_PARKED);
    bool ok = relay_each(r->reader, states, &arena, load_message, r, err);
    arena_clear(&arena);
    for (size_t i = 0; ok && i < r->cfg.chain_cnt; i++) {
        bool is_source = false;
        if (r->senders[i])
            ok = tx_manager_start(r->senders[i], err);
        for (size_t k = 0; k < r->cfg.route_cnt; k++)
            is_source = is_source || r->cfg.routes[k].src == r->cfg.chains[i].id;
        if (ok && is_source)
            ok = relay_source_start(r, &r->cfg.chains[i], err);
    }
    if (!ok)
        return false;
    r->started = true;
    struct timeval tv = { .tv_sec = (time_t)(r->cfg.poll_ms / 1000),
                          .tv_usec = (suseconds_t)(r->cfg.poll_ms % 1000 * 1000) };
    event_add(r->timer, &tv);
    on_timer(-1, 0, r);
    log_info(LOG_INTEROP, "relaying", LOG_U64("routes", r->cfg.route_cnt),
             LOG_U64("open_messages", r->stats.open));
    return true;
}

void relay_stop(struct relay *r)
{
    r->started = false;
    if (r->timer)
        event_del(r->timer);
    eth_cancel(r->nullifier_req);
    r->nullifier_req = NULL;
    for (size_t i = 0; i < r->source_cnt; i++)
        relay_source_stop(&r->sources[i]);
    for (struct relay_message *m = r->messages; m; m = m->next) {
        eth_cancel(m->req);
        m->req = NULL;
    }
    for (size_t i = 0; i < r->cfg.chain_cnt; i++)
        if (r->senders[i])
            tx_manager_stop(r->senders[i]);
    store_drain(r->deps.store); /* writes that still point here */
}

void relay_destroy(struct relay *r)
{
    if (!r)
        return;
    relay_stop(r);
    while (r->messages) {
        struct relay_message *m = r->messages;
        r->messages = m->next;
        message_free(m);
    }
    for (size_t i = 0; i < r->source_cnt; i++)
        arena_clear(&r->sources[i].arena);
    for (size_t i = 0; i < r->cfg.chain_cnt; i++)
        tx_manager_destroy(r->senders[i]);
    if (r->timer)
        event_free(r->timer);
    store_reader_close(r->reader);
    free(r);
}

void relay_stats_get(const struct relay *r, struct relay_stats *out)
{
    *out = r->stats;
}
