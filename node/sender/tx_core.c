#include "node/sender/tx_core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/sender/sidecar.h"

#define GWEI                UINT64_C(1000000000)
#define PUT_RETRY_MS        1000
#define MAX_STRANGERS       1000
#define VIEW_BACKOFF_MAX_MS 30000

static const char *const state_names[] = {
    [TX_INTENT] = "intent",     [TX_SIGNED] = "signed",     [TX_BROADCAST] = "broadcast",
    [TX_ACCEPTED] = "accepted", [TX_MINED] = "mined",       [TX_CONFIRMED] = "confirmed",
    [TX_REPLACED] = "replaced", [TX_REVERTED] = "reverted", [TX_ABANDONED] = "abandoned",
};
_Static_assert(sizeof(state_names) / sizeof(state_names[0]) == TX_STATE_CNT, "a name for each");
static const char *const wait_names[] = {
    [TX_WAIT_NONE] = "none",
    [TX_WAIT_STORE] = "store",
    [TX_WAIT_SLOT] = "slot",
    [TX_WAIT_NODE] = "node",
    [TX_WAIT_REVERT] = "revert",
    [TX_WAIT_PREDECESSOR] = "predecessor",
    [TX_WAIT_FEE_CAPPED] = "fee_capped",
    [TX_WAIT_BLOB_FEE_CAPPED] = "blob_fee_capped",
    [TX_WAIT_LOW_FUNDS] = "low_funds",
    [TX_WAIT_PAUSED] = "paused",
    [TX_WAIT_MINING] = "mining",
    [TX_WAIT_CONFIRMATIONS] = "confirmations",
    [TX_WAIT_FOREIGN] = "foreign",
};
_Static_assert(sizeof(wait_names) / sizeof(wait_names[0]) == TX_WAIT_CNT, "a name for each");

const char *tx_state_name(enum tx_state s)
{
    return state_names[s];
}

const char *tx_wait_name(enum tx_wait w)
{
    return wait_names[w];
}

/* --- commands --- */

struct tx_cmd *tx_core_command(struct tx_core *c, enum tx_cmd_kind kind, const struct tx_item *it)
{
    if (c->cmd_cnt == c->cmd_cap) {
        size_t cap = c->cmd_cap ? 2 * c->cmd_cap : 64;
        struct tx_cmd *ring = calloc(cap, sizeof(*ring));
        CHECK(ring != NULL);
        for (size_t i = 0; i < c->cmd_cnt; i++)
            ring[i] = c->cmds[(c->cmd_head + i) % c->cmd_cap];
        free(c->cmds);
        c->cmds = ring;
        c->cmd_cap = cap;
        c->cmd_head = 0;
    }
    struct tx_cmd *cmd = &c->cmds[(c->cmd_head + c->cmd_cnt++) % c->cmd_cap];
    *cmd = (struct tx_cmd){ .kind = kind, .id = it ? it->id : 0 };
    return cmd;
}

bool tx_core_next(struct tx_core *c, struct tx_cmd *out)
{
    if (c->cmd_cnt == 0)
        return false;
    *out = c->cmds[c->cmd_head];
    c->cmd_head = (c->cmd_head + 1) % c->cmd_cap;
    c->cmd_cnt--;
    return true;
}

/* --- items --- */

struct tx_item *tx_core_find(const struct tx_core *c, uint64_t id)
{
    struct tx_item *it;
    TAILQ_FOREACH(it, &c->items, link)
    if (it->id == id)
        return it;
    return NULL;
}

struct tx_item *tx_core_find_key(const struct tx_core *c, const char *key)
{
    struct tx_item *it, *last = NULL;
    TAILQ_FOREACH(it, &c->items, link)
    if (strcmp(it->key, key) == 0)
        last = it;
    return last;
}

bool tx_item_in_flight(const struct tx_item *it)
{
    return it->nonce != TX_NO_NONCE && it->state >= TX_SIGNED && it->state <= TX_ACCEPTED;
}

static void item_free(struct tx_core *c, struct tx_item *it)
{
    TAILQ_REMOVE(&c->items, it, link);
    c->item_cnt--;
    for (size_t i = 0; i < it->variant_cnt; i++)
        free(it->variants[i].raw);
    free(it->variants);
    free(it->data);
    sidecar_unref(it->sidecar);
    free(it);
}

/* Empty, in order of id. */
struct tx_item *tx_core_new_item(struct tx_core *c)
{
    struct tx_item *it = calloc(1, sizeof(*it));
    if (!it)
        return NULL;
    it->nonce = TX_NO_NONCE;
    it->found = SIZE_MAX;
    it->created_ms = c->wall_ms;
    it->verdict = TX_SEND_UNCLEAR;
    TAILQ_INSERT_TAIL(&c->items, it, link);
    c->item_cnt++;
    return it;
}

static bool item_set_payload(struct tx_item *it, const struct addr *to, const struct u256 *value,
                             struct bytes data)
{
    it->to = *to;
    it->value = *value;
    it->data = malloc(data.len ? data.len : 1);
    if (!it->data)
        return false;
    if (data.len)
        memcpy(it->data, data.p, data.len);
    it->data_len = data.len;
    return true;
}

bool tx_core_add_variant(struct tx_core *c, struct tx_item *it, const struct tx_variant_row *row,
                         struct bytes raw)
{
    (void)c;
    struct tx_variant *grown = realloc(it->variants, (it->variant_cnt + 1) * sizeof(*grown));
    if (!grown)
        return false;
    it->variants = grown;
    uint8_t *copy = NULL;
    if (raw.len > 0) {
        copy = malloc(raw.len);
        if (!copy)
            return false;
        memcpy(copy, raw.p, raw.len);
    }
    struct tx_variant *v = &it->variants[it->variant_cnt++];
    v->row = *row;
    v->row.index = (uint32_t)(it->variant_cnt - 1);
    v->raw = copy;
    v->row.raw = bytes_of(copy, raw.len);
    return true;
}

/* --- the journal --- */

static void put_now(struct tx_core *c, struct tx_item *it)
{
    it->dirty = false;
    it->put_busy = true;
    it->put_ticket = c->next_ticket++;
    it->put_variants = it->variant_cnt;
    tx_core_command(c, TX_CMD_PUT, it)->ticket = it->put_ticket;
}

void tx_core_dirty(struct tx_core *c, struct tx_item *it)
{
    it->dirty = true;
    if (!it->put_busy && c->now_ms >= it->put_retry_ms)
        put_now(c, it);
}

static void notify(struct tx_core *c, const struct tx_item *it, const struct err *err)
{
    if (it->is_fill)
        return;
    struct tx_cmd *cmd = tx_core_command(c, TX_CMD_NOTIFY, it);
    cmd->state = it->state;
    cmd->has_err = err != NULL;
    if (err)
        cmd->err = *err;
}

/* The only place where a state changes. A final state is told when it is durable, any other at once. */
void tx_core_set_state(struct tx_core *c, struct tx_item *it, enum tx_state s,
                       const struct err *err)
{
    CHECK(!tx_state_is_final(it->state));
    it->state = s;
    if (err)
        it->err = *err;
    else
        it->err.kind = ERR_NONE;
    if (tx_state_is_final(s))
        it->wait = TX_WAIT_STORE;
    else
        notify(c, it, err);
    tx_core_dirty(c, it);
}

static void count_final(struct tx_core *c, const struct tx_item *it)
{
    switch (it->state) {
    case TX_CONFIRMED:
    case TX_REPLACED:
        c->stats.confirmed += !it->is_fill;
        break;
    case TX_REVERTED:
        c->stats.reverted++;
        break;
    case TX_ABANDONED:
        c->stats.abandoned++;
        break;
    case TX_INTENT:
    case TX_SIGNED:
    case TX_BROADCAST:
    case TX_ACCEPTED:
    case TX_MINED:
    case TX_STATE_CNT:
        CHECK(false);
    }
}

void tx_core_on_put(struct tx_core *c, uint64_t ticket, const struct err *err)
{
    struct tx_item *it;
    TAILQ_FOREACH(it, &c->items, link)
    if (it->put_busy && it->put_ticket == ticket)
        break;
    if (!it)
        return;
    it->put_busy = false;
    if (err) {
        it->dirty = true;
        it->put_retry_ms = c->now_ms + PUT_RETRY_MS;
        it->err = *err;
        tx_core_wait(c, it, TX_WAIT_STORE);
        return;
    }
    it->put_retry_ms = 0;
    it->durable = true;
    it->durable_variants = it->put_variants;
    if (it->dirty) {
        put_now(c, it);
    } else if (tx_state_is_final(it->state)) {
        count_final(c, it);
        notify(c, it, it->err.kind == ERR_NONE ? NULL : &it->err);
        item_free(c, it);
        tx_core_pump(c);
        return;
    }
    tx_core_try_send(c, it);
    tx_core_pump(c);
}

/* --- waiting --- */

void tx_core_wait(struct tx_core *c, struct tx_item *it, enum tx_wait w)
{
    if ((w == TX_WAIT_FEE_CAPPED || w == TX_WAIT_BLOB_FEE_CAPPED) && it->wait != w)
        c->stats.fee_cap_waits++;
    it->wait = w;
}

void tx_core_view_soon(struct tx_core *c)
{
    c->view_wanted = true;
}

/* --- lifecycle --- */

static void fill_defaults(struct tx_manager_config *g)
{
#define DEFAULT(field, v)                                                                          \
    if (g->field == 0)                                                                             \
    g->field = (v)
    DEFAULT(max_in_flight, 16);
    DEFAULT(required_confirmations, 3);
    DEFAULT(min_tip_wei, 1);
    DEFAULT(base_fee_headroom_percent, 200);
    DEFAULT(bump_percent, 10);
    DEFAULT(bump_after_blocks, 3);
    DEFAULT(bump_after_ms, 120000);
    DEFAULT(gas_margin_percent, 25);
    DEFAULT(gas_fallback, 15000000);
    DEFAULT(poll_ms, 1000);
    DEFAULT(revert_retry_ms, 10000);
    DEFAULT(resend_ms, 60000);
    DEFAULT(max_requests, 1024);
#undef DEFAULT
    if (u256_is_zero(&g->caps.max_fee))
        g->caps.max_fee = u256_of_u64(200 * GWEI);
    if (u256_is_zero(&g->caps.max_tip))
        g->caps.max_tip = u256_of_u64(GWEI);
    if (u256_is_zero(&g->caps.max_blob_fee))
        g->caps.max_blob_fee = u256_of_u64(2 * GWEI);
    if (g->caps.base_fee_max_percent == 0)
        g->caps.base_fee_max_percent = 1000;
}

static bool check_caps(const struct tx_core *c, const struct tx_fee_caps *caps, struct err *err)
{
    if (u256_is_zero(&caps->max_fee) || u256_is_zero(&caps->max_tip))
        return err_set(err, ERR_INVALID, "a fee cap is zero");
    if (u256_lt(&caps->max_fee, &caps->max_tip))
        return err_set(err, ERR_INVALID, "the tip's cap is above the fee's cap");
    if (u256_lt(&caps->max_tip, &c->fees.min_tip))
        return err_set(err, ERR_INVALID, "the tip's cap is below the lowest tip");
    if (caps->base_fee_max_percent && caps->base_fee_max_percent < c->fees.headroom_percent)
        return err_set(err, ERR_INVALID, "base_fee_max_percent is below the headroom");
    return true;
}

bool tx_core_init(struct tx_core *c, const struct tx_manager_config *cfg, const struct addr *self,
                  tx_sign_fn *sign, void *sign_ctx, struct err *err)
{
    *c = (struct tx_core){ .cfg = *cfg, .self = *self, .sign = sign, .sign_ctx = sign_ctx };
    TAILQ_INIT(&c->items);
    fill_defaults(&c->cfg);
    c->fees.min_tip = u256_of_u64(c->cfg.min_tip_wei);
    c->fees.headroom_percent = c->cfg.base_fee_headroom_percent;
    c->next_id = 1;
    c->next_ticket = 1;
    if (c->cfg.chain_id == 0)
        return err_set(err, ERR_INVALID, "sender: chain id missing");
    if (c->cfg.bump_percent < 10 || c->cfg.bump_percent > 1000)
        return err_set(err, ERR_INVALID, "sender: bump_percent must be between 10 and 1000");
    if (c->cfg.base_fee_headroom_percent < 100)
        return err_set(err, ERR_INVALID, "sender: base_fee_headroom_percent must be at least 100");
    if (c->cfg.no_replacement && c->cfg.max_in_flight != 1)
        return err_set(err, ERR_INVALID, "sender: without replacement one transaction at a time");
    if (!check_caps(c, &c->cfg.caps, err))
        return err_wrap(err, "sender");
    c->fees.caps = c->cfg.caps;
    return true;
}

void tx_core_clear(struct tx_core *c)
{
    while (!TAILQ_EMPTY(&c->items))
        /* it unlinks itself: NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
        item_free(c, TAILQ_FIRST(&c->items));
    free(c->cmds);
    c->cmds = NULL;
    c->cmd_cnt = c->cmd_cap = 0;
}

bool tx_core_adopt(struct tx_core *c, const struct tx_row *row)
{
    CHECK(!c->started && !tx_state_is_final(row->state));
    struct tx_item *it = tx_core_new_item(c);
    if (!it)
        return false;
    if (!item_set_payload(it, &row->to, &row->value, row->data))
        return false;
    it->id = row->id;
    snprintf(it->key, sizeof(it->key), "%s", row->key);
    snprintf(it->label, sizeof(it->label), "%s", row->label);
    it->state = row->state;
    it->gas_hint = row->gas_hint;
    it->sidecar = sidecar_ref(row->sidecar);
    it->is_fill = row->is_fill;
    it->cancel_wanted = row->cancel_wanted;
    it->nonce = row->nonce;
    it->created_ms = row->created_ms;
    it->sent_wall_ms = row->sent_ms;
    it->block_number = row->block_number;
    it->block_hash = row->block_hash;
    it->mined_hash = row->mined_hash;
    for (size_t i = 0; i < row->variant_cnt; i++)
        if (!tx_core_add_variant(c, it, &row->variants[i], row->variants[i].raw))
            return false;
    it->durable = true;
    it->durable_variants = it->variant_cnt;
    while (it->variant_base < it->variant_cnt &&
           it->variants[it->variant_base].row.nonce != it->nonce)
        it->variant_base++;
    if (it->nonce != TX_NO_NONCE && it->variant_base == it->variant_cnt) {
        it->nonce = TX_NO_NONCE; /* a nonce counts only together with a signed version */
        it->state = TX_INTENT;
    }
    if (it->nonce == TX_NO_NONCE) {
        it->state = TX_INTENT;
        it->variant_base = it->variant_cnt;
    } else {
        /* It may have been sent just before the end: watch first, send again when the first round finds nothing. */
        it->ever_sent = true;
        it->ever_accepted = row->state >= TX_ACCEPTED;
        it->gas_limit = it->variants[it->variant_cnt - 1].row.gas_limit;
        it->send_wanted = row->state != TX_MINED;
        it->send_to_all = true;
    }
    return true;
}

void tx_core_start(struct tx_core *c, uint64_t next_id, uint64_t nonce_floor, uint64_t now_ms,
                   uint64_t wall_ms)
{
    if (nonce_floor > c->nonce_floor)
        c->nonce_floor = nonce_floor;
    c->now_ms = now_ms;
    c->wall_ms = wall_ms;
    c->started = true;
    if (next_id > c->next_id)
        c->next_id = next_id;
    c->view_wanted = true;
    struct tx_item *it;
    TAILQ_FOREACH(it, &c->items, link)
    {
        if (it->dirty && !it->put_busy)
            put_now(c, it);
        if (it->nonce == TX_NO_NONCE || it->last_sign_ms != 0)
            continue;
        uint64_t signed_ms = it->variants[it->variant_cnt - 1].row.signed_ms;
        uint64_t age = wall_ms > signed_ms ? wall_ms - signed_ms : 0;
        it->last_sign_ms =
            now_ms > age ? now_ms - age : 1; /* waiting does not start over with us */
    }
    tx_core_tick(c, now_ms, wall_ms);
}

void tx_core_stop(struct tx_core *c)
{
    struct tx_item *it;
    c->started = false;
    c->view_busy = c->view_ok = false;
    c->cmd_cnt = 0;
    TAILQ_FOREACH(it, &c->items, link)
    {
        it->dirty |= it->put_busy;
        it->put_busy = it->prepare_busy = it->lookup_busy = it->replay_busy = false;
        it->round_left = 0;
        it->put_retry_ms = 0;
        if (it->send_busy) {
            it->send_busy = false;
            it->verdict = TX_SEND_UNCLEAR;
        }
    }
}

/* --- requests --- */

struct tx_item *tx_core_submit(struct tx_core *c, const struct tx_request *r)
{
    struct tx_item *it = tx_core_new_item(c);
    if (!it)
        return NULL;
    it->id = c->next_id++;
    if (!item_set_payload(it, &r->to, &r->value, r->data)) {
        item_free(c, it);
        return NULL;
    }
    snprintf(it->key, sizeof(it->key), "%s", r->key);
    snprintf(it->label, sizeof(it->label), "%s", r->label ? r->label : "");
    it->sidecar = sidecar_ref(r->sidecar);
    it->gas_hint = r->gas_hint;
    it->wait = TX_WAIT_STORE;
    c->stats.submitted++;
    tx_core_dirty(c, it);
    return it;
}

bool tx_core_cancel(struct tx_core *c, uint64_t id, struct err *err)
{
    struct tx_item *it = tx_core_find(c, id);
    struct err why;
    if (!it || tx_state_is_final(it->state) || it->state == TX_MINED)
        return err_set(err, ERR_INVALID, "request %llu is unknown, mined or finished",
                       (unsigned long long)id);
    if (it->nonce == TX_NO_NONCE) {
        err_set(&why, ERR_INVALID, "cancelled before it was sent");
        tx_core_set_state(c, it, TX_ABANDONED, &why);
        return true;
    }
    if (c->cfg.no_replacement)
        return err_set(err, ERR_INVALID, "this layer has no replacement: a sent request stays");
    it->cancel_wanted = true;
    it->bump_wanted = true;
    tx_core_dirty(c, it);
    return true;
}

void tx_core_pause(struct tx_core *c, bool paused)
{
    c->paused = paused;
    tx_core_view_soon(c);
}

bool tx_core_set_caps(struct tx_core *c, const struct tx_fee_caps *caps, struct err *err)
{
    if (!check_caps(c, caps, err))
        return false;
    struct u256 blob_fee = c->fees.caps.max_blob_fee;
    c->fees.caps = *caps;
    if (u256_is_zero(&caps->max_blob_fee))
        c->fees.caps.max_blob_fee = blob_fee;
    tx_core_view_soon(c);
    return true;
}

/* --- time and views --- */

void tx_core_tick(struct tx_core *c, uint64_t now_ms, uint64_t wall_ms)
{
    c->now_ms = now_ms;
    c->wall_ms = wall_ms;
    if (!c->started)
        return;
    struct tx_item *it;
    TAILQ_FOREACH(it, &c->items, link)
    if (it->dirty && !it->put_busy && now_ms >= it->put_retry_ms)
        put_now(c, it);
    if (!c->view_busy && (c->view_wanted || now_ms >= c->next_view_ms)) {
        c->view_busy = true;
        c->view_wanted = false;
        tx_core_command(c, TX_CMD_VIEW, NULL);
    }
    tx_core_pump(c);
}

uint64_t tx_core_next_wake_ms(const struct tx_core *c)
{
    uint64_t at = c->view_busy ? UINT64_MAX : c->view_wanted ? c->now_ms : c->next_view_ms;
    const struct tx_item *it;
    TAILQ_FOREACH(it, &c->items, link)
    {
        if (it->dirty && !it->put_busy && it->put_retry_ms < at)
            at = it->put_retry_ms;
        if (it->nonce == TX_NO_NONCE && it->retry_at_ms > c->now_ms && it->retry_at_ms < at)
            at = it->retry_at_ms;
    }
    return at;
}

/* A view from a node that is a little behind must not make a used nonce look free. If it stays low while blocks go by, the chain
 * itself went back. */
/* Used nonces that no request of ours holds: somebody else has the key (spec 90 row 5). Nothing of ours is lost by them, but the
 * operator must know. The first view only says where the account stands. */
static void count_strangers(struct tx_core *c)
{
    uint64_t n = c->nonce_floor, end = c->view.latest_nonce;
    if (c->floor_is_known && end - n <= MAX_STRANGERS) {
        for (; n < end; n++) {
            if (tx_core_nonce_is_held(c, n))
                continue;
            c->stats.foreign++;
            snprintf(c->stats.last_error, sizeof(c->stats.last_error),
                     "another sender uses this key: foreign transaction with nonce %llu",
                     (unsigned long long)n);
        }
    }
    c->floor_is_known = true;
}

static void raise_floor(struct tx_core *c)
{
    if (c->view.latest_nonce >= c->nonce_floor) {
        count_strangers(c);
        c->nonce_floor = c->view.latest_nonce;
        c->floor_head = c->view.head;
        c->floor_low_rounds = 0;
        return;
    }
    c->floor_low_rounds++;
    if (c->floor_low_rounds >= 5 && c->view.head >= c->floor_head + c->cfg.required_confirmations) {
        c->nonce_floor = c->view.latest_nonce;
        c->floor_low_rounds = 0;
    }
}

void tx_core_on_view(struct tx_core *c, const struct tx_view *v, const struct err *err)
{
    c->view_busy = false;
    if (err) {
        uint64_t wait = c->cfg.poll_ms;
        for (uint64_t i = 0; i < c->view_failures && wait < VIEW_BACKOFF_MAX_MS; i++)
            wait *= 2;
        c->view_failures++;
        c->view_ok = false;
        c->next_view_ms = c->now_ms + (wait < VIEW_BACKOFF_MAX_MS ? wait : VIEW_BACKOFF_MAX_MS);
        snprintf(c->stats.last_error, sizeof(c->stats.last_error), "%.250s", err->msg);
        tx_core_pump(c);
        return;
    }
    c->view = *v;
    c->view_ok = true;
    c->view_failures = 0;
    c->next_view_ms = c->now_ms + c->cfg.poll_ms;
    raise_floor(c);
    struct tx_item *it;
    TAILQ_FOREACH(it, &c->items, link)
    if (it->last_sign_head == 0)
        it->last_sign_head = v->head;
    tx_core_mind_gap(c);
    tx_core_begin_rounds(c);
    tx_core_pump(c);
}
