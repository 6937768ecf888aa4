/* The shell around tx_core.h: carries its commands out on the event loop and brings the answers back. */
#include "node/sender/tx_manager.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/base/log.h"
#include "node/sender/sidecar.h"
#include "node/sender/signer.h"
#include "node/sender/tx_manager_internal.h"

/* --- journal and owner --- */

static void on_put(void *arg, uint64_t ticket, const struct err *err)
{
    struct tx_manager *m = arg;
    if (err)
        log_error(LOG_SENDER, "journal write failed", LOG_STR("sender", m->name),
                  LOG_STR("error", err->msg));
    tx_core_on_put(&m->core, ticket, err);
    tx_manager_drain(m);
}

static void do_put(struct tx_manager *m, const struct tx_cmd *cmd, const struct tx_item *it)
{
    struct tx_variant_row *variants = calloc(it->variant_cnt + 1, sizeof(*variants));
    const struct tx_journal *j = m->deps.journal;
    struct tx_row row;
    struct err e;
    CHECK(variants != NULL);
    tx_core_row(it, variants, &row);
    row.updated_ms = clock_wall_ms(m->deps.clock);
    if (!j->ops->put(j->ctx, &m->core.self, m->core.cfg.chain_id, &row, cmd->ticket, on_put, m, &e))
        on_put(m, cmd->ticket, &e);
    free(variants);
}

/* What was offered and what it cost, side by side. */
static void log_mined(const struct tx_manager *m, const struct tx_item *it)
{
    const struct tx_variant_row *v = &it->variants[it->mined_variant].row;
    log_info(LOG_SENDER, "mined", LOG_STR("sender", m->name), LOG_STR("key", it->key),
             LOG_U64("nonce", it->nonce), LOG_HASH("tx", &it->mined_hash),
             LOG_U64("block", it->block_number), LOG_BOOL("status", it->mined_status),
             LOG_U64("gas_limit", v->gas_limit), LOG_U64("gas_used", it->gas_used),
             LOG_WEI("max_fee", &v->max_fee), LOG_WEI("paid", &it->paid));
}

static void do_notify(struct tx_manager *m, const struct tx_cmd *cmd, const struct tx_item *it)
{
    if (it && cmd->state == TX_MINED && it->state == TX_MINED)
        log_mined(m, it);
    const struct err *err = cmd->has_err ? &cmd->err : NULL;
    enum log_level level = err ? LOG_WARN : cmd->state == TX_CONFIRMED ? LOG_INFO : LOG_DEBUG;
    LOG_AT(level, LOG_SENDER, "request", LOG_STR("sender", m->name), LOG_U64("id", cmd->id),
           LOG_STR("state", tx_state_name(cmd->state)), LOG_STR("error", err ? err->msg : ""));
    m->on_change(m->arg, cmd->id, cmd->state, err);
}

static void carry_out(struct tx_manager *m, const struct tx_cmd *cmd)
{
    const struct tx_item *it = tx_core_find(&m->core, cmd->id);
    if (cmd->kind == TX_CMD_NOTIFY)
        do_notify(m, cmd, it);
    else if (cmd->kind == TX_CMD_PUT && it)
        do_put(m, cmd, it);
    else if (it || cmd->kind == TX_CMD_VIEW)
        tx_manager_ask(m, cmd, it);
}

static void arm_timer(struct tx_manager *m)
{
    uint64_t now = clock_mono_ms(m->deps.clock), at = tx_core_next_wake_ms(&m->core);
    if (!m->started || at == UINT64_MAX)
        return;
    uint64_t ms = at > now ? at - now : 0;
    struct timeval tv = { (time_t)(ms / 1000), (suseconds_t)(ms % 1000) * 1000 };
    event_add(m->timer, &tv);
}

/* Commands may bring answers at once (a journal that writes on the spot), which make new commands. */
void tx_manager_drain(struct tx_manager *m)
{
    struct tx_cmd cmd;
    if (m->draining)
        return;
    m->draining = true;
    while (m->started && tx_core_next(&m->core, &cmd))
        carry_out(m, &cmd);
    m->draining = false;
    arm_timer(m);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct tx_manager *m = arg;
    if (!m->started)
        return;
    tx_core_tick(&m->core, clock_mono_ms(m->deps.clock), clock_wall_ms(m->deps.clock));
    tx_manager_drain(m);
}

/* --- lifecycle --- */

static bool sign(void *ctx, const struct tx_item *item, const struct tx_variant_row *v,
                 const struct addr *to, const struct u256 *value, struct bytes data,
                 struct buf *raw, struct b256 *hash, struct err *err)
{
    const struct tx_manager *m = ctx;
    struct signer_tx tx = { .kind = item->sidecar ? SIGNER_TX_BLOB : SIGNER_TX_EIP1559,
                            .chain_id = m->core.cfg.chain_id,
                            .nonce = v->nonce,
                            .gas_limit = v->gas_limit,
                            .max_fee = v->max_fee,
                            .max_tip = v->max_tip,
                            .has_to = true,
                            .to = *to,
                            .value = *value,
                            .data = data };
    if (item->sidecar) {
        tx.max_blob_fee = v->max_blob_fee;
        tx.blob_hashes = sidecar_hashes(item->sidecar);
        tx.blob_cnt = sidecar_blob_cnt(item->sidecar);
    }
    return signer_sign_tx(m->deps.signer, &tx, raw, hash, err);
}

struct tx_manager *tx_manager_create(const struct tx_manager_deps *deps,
                                     const struct tx_manager_config *cfg, tx_change_fn *on_change,
                                     void *arg, struct err *err)
{
    struct tx_manager *m = calloc(1, sizeof(*m));
    if (!m) {
        err_set(err, ERR_LOCAL, "out of memory");
        return NULL;
    }
    struct addr self = signer_addr(deps->signer);
    m->deps = *deps;
    m->on_change = on_change;
    m->arg = arg;
    TAILQ_INIT(&m->calls);
    m->name = strdup(cfg->name ? cfg->name : "sender");
    m->timer = evtimer_new(deps->base, on_timer, m);
    m->kick = event_new(deps->base, -1, 0, on_timer, m);
    m->form = SIDECAR_EIP7594; /* until the chain or a refusal says otherwise */
    bool ok = tx_core_init(&m->core, cfg, &self, sign, m, err);
    if (ok && (!m->name || !m->timer || !m->kick))
        ok = err_set(err, ERR_LOCAL, "out of memory");
    if (!ok) {
        tx_manager_destroy(m);
        return NULL;
    }
    return m;
}

static bool adopt(void *arg, const struct tx_row *row)
{
    struct tx_manager *m = arg;
    log_info(LOG_SENDER, "adopted from the journal", LOG_STR("sender", m->name),
             LOG_U64("id", row->id), LOG_STR("key", row->key),
             LOG_STR("state", tx_state_name(row->state)), LOG_U64("versions", row->variant_cnt));
    return tx_core_adopt(&m->core, row);
}

bool tx_manager_start(struct tx_manager *m, struct err *err)
{
    uint64_t next_id = 1, floor = 0;
    const struct tx_journal *j = m->deps.journal;
    if (m->started)
        return true;
    if (!m->loaded && !j->ops->load(j->ctx, &m->core.self, m->core.cfg.chain_id, adopt, m, &next_id,
                                    &floor, err)) {
        tx_core_clear(&m->core);
        return err_wrap(err, "sender %s: journal", m->name);
    }
    m->loaded = true;
    m->started = true;
    tx_core_start(&m->core, next_id, floor, clock_mono_ms(m->deps.clock),
                  clock_wall_ms(m->deps.clock));
    event_active(m->kick, EV_READ, 0);
    log_info(LOG_SENDER, "started", LOG_STR("sender", m->name), LOG_ADDR("address", &m->core.self),
             LOG_U64("chain", m->core.cfg.chain_id), LOG_U64("adopted", m->core.item_cnt));
    return true;
}

void tx_manager_stop(struct tx_manager *m)
{
    if (!m->started)
        return;
    m->started = false;
    while (!TAILQ_EMPTY(&m->calls))
        tx_call_cancel(TAILQ_FIRST(&m->calls));
    m->deps.journal->ops->forget(m->deps.journal->ctx, m);
    tx_core_stop(&m->core);
    event_del(m->timer);
    event_del(m->kick);
}

void tx_manager_destroy(struct tx_manager *m)
{
    if (!m)
        return;
    tx_manager_stop(m);
    tx_core_clear(&m->core);
    if (m->timer)
        event_free(m->timer);
    if (m->kick)
        event_free(m->kick);
    free(m->name);
    free(m);
}

/* --- requests --- */

/* The loop carries on: no callback runs inside the owner's call. */
static void carry_on_later(struct tx_manager *m)
{
    if (m->started)
        event_active(m->kick, EV_READ, 0);
}

struct found {
    bool any, same_payload;
    const struct tx_request *want;
    struct tx_info info;
};

static bool same_payload(const struct tx_row *row, const struct tx_request *r)
{
    size_t cnt = r->sidecar ? sidecar_blob_cnt(r->sidecar) : row->blob_cnt;
    return addr_eq(&row->to, &r->to) && u256_eq(&row->value, &r->value) &&
           bytes_eq(row->data, r->data) && row->blob_cnt == cnt &&
           (!r->sidecar || cnt == 0 ||
            memcmp(row->blob_hashes, sidecar_hashes(r->sidecar), cnt * sizeof(struct b256)) == 0);
}

static bool on_found(void *arg, const struct tx_row *row)
{
    struct found *f = arg;
    f->any = true;
    if (f->want)
        f->same_payload = same_payload(row, f->want);
    tx_row_info(row, &f->info);
    return true;
}

static bool look_up(struct tx_manager *m, const char *key, uint64_t id, struct found *f,
                    struct err *err)
{
    const struct tx_journal *j = m->deps.journal;
    struct tx_item *it = key ? tx_core_find_key(&m->core, key) : tx_core_find(&m->core, id);
    if (!it)
        return j->ops->find(j->ctx, &m->core.self, m->core.cfg.chain_id, key, id, on_found, f, err);
    struct tx_item bare = *it;
    struct tx_row row;
    f->any = true;
    bare.variant_cnt = 0;
    tx_core_row(&bare, NULL, &row);
    if (f->want)
        f->same_payload = same_payload(&row, f->want);
    tx_core_info(it, &f->info);
    return true;
}

bool tx_manager_submit(struct tx_manager *m, const struct tx_request *r, uint64_t *id, bool *is_new,
                       struct err *err)
{
    struct found f = { .want = r };
    CHECK(m->loaded);
    if (!r->key || !*r->key || strlen(r->key) >= TX_KEY_CAP ||
        (r->label && strlen(r->label) >= TX_LABEL_CAP))
        return err_set(err, ERR_INVALID, "key or label missing or too long");
    if (!look_up(m, r->key, 0, &f, err))
        return err_wrap(err, "%s", r->key);
    bool failed = f.info.state == TX_REVERTED || f.info.state == TX_ABANDONED;
    if (f.any && !failed) {
        if (!f.same_payload)
            return err_set(err, ERR_INVALID, "%s was submitted with another payload", r->key);
        *id = f.info.id;
        *is_new = false;
        return true;
    }
    if (m->core.item_cnt >= m->core.cfg.max_requests)
        return err_set(err, ERR_TRANSIENT, "%zu requests are waiting already", m->core.item_cnt);
    struct tx_item *it = tx_core_submit(&m->core, r);
    if (!it)
        return err_set(err, ERR_LOCAL, "out of memory");
    *id = it->id;
    *is_new = true;
    carry_on_later(m);
    return true;
}

bool tx_manager_cancel(struct tx_manager *m, uint64_t id, struct err *err)
{
    bool ok = tx_core_cancel(&m->core, id, err);
    carry_on_later(m);
    return ok;
}

bool tx_manager_get(struct tx_manager *m, uint64_t id, struct tx_info *out)
{
    struct found f = { .want = NULL };
    struct err e;
    if (!look_up(m, NULL, id, &f, &e) || !f.any)
        return false;
    *out = f.info;
    return true;
}

bool tx_manager_find(struct tx_manager *m, const char *key, struct tx_info *out)
{
    struct found f = { .want = NULL };
    struct err e;
    if (!look_up(m, key, 0, &f, &e) || !f.any)
        return false;
    *out = f.info;
    return true;
}

size_t tx_manager_list(const struct tx_manager *m, struct tx_info *out, size_t cap)
{
    size_t n = 0;
    const struct tx_item *it;
    TAILQ_FOREACH(it, &m->core.items, link)
    {
        if (n < cap)
            tx_core_info(it, &out[n]);
        n++;
    }
    return n;
}

void tx_manager_pause(struct tx_manager *m)
{
    tx_core_pause(&m->core, true);
    carry_on_later(m);
}

void tx_manager_resume(struct tx_manager *m)
{
    tx_core_pause(&m->core, false);
    carry_on_later(m);
}

bool tx_manager_set_caps(struct tx_manager *m, const struct tx_fee_caps *caps, struct err *err)
{
    bool ok = tx_core_set_caps(&m->core, caps, err);
    carry_on_later(m);
    return ok;
}

struct tx_fee_caps tx_manager_caps(const struct tx_manager *m)
{
    return m->core.fees.caps;
}

void tx_manager_get_status(const struct tx_manager *m, struct tx_manager_status *out)
{
    tx_core_status(&m->core, out);
    out->sidecar_form =
        m->form_is_used || tx_core_has_blobs(&m->core) ? sidecar_form_name(m->form) : "";
}
