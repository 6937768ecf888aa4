/* settlement/verification.c */
#include "settlement/verification_internal.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/base/hex.h"
#include "node/base/log.h"
#include "node/net/http_client.h"
#include "node/stf/batch.h"
#include "node/store/batch_table.h"
#include "node/store/proof_table.h"

#define AGAIN_MIN_MS 1000
#define AGAIN_MAX_MS 60000
#define ANSWER_MAX   65536

static uint64_t pause_ms(unsigned failures)
{
    uint64_t ms = (uint64_t)AGAIN_MIN_MS << (failures < 7 ? failures : 7);
    return ms < AGAIN_MAX_MS ? ms : AGAIN_MAX_MS;
}

static void drop_batch(struct verification *v)
{
    for (size_t i = 0; i < v->cfg.url_cnt; i++) {
        struct question *q = &v->questions[i];
        if (q->post)
            http_post_cancel(q->post);
        q->post = NULL;
        q->state = ANSWER_NONE;
        q->trouble[0] = 0;
        q->again_at_ms = 0;
    }
    settlement_witness_unref(v->witness);
    v->witness = NULL;
    v->number = 0;
    v->trouble[0] = 0;
}

static void lift_hold(struct verification *v)
{
    bool was_held = v->held;
    v->held = false;
    if (was_held && !v->stopped)
        v->deps.on_mismatch(v->deps.arg, NULL, NULL);
}

/* ---- the record ---- */

struct record {
    struct verification *v;
    struct batch_verified_row row;
};

static bool store_record(struct store_txn *t, void *arg, struct err *err)
{
    return batch_verified_put(t, &((const struct record *)arg)->row, err);
}

static void record_stored(void *arg, const struct err *err)
{
    struct record *r = arg;
    struct verification *v = r->v;
    v->storing = false;
    if (err) {
        log_error(LOG_SETTLEMENT, "a verification could not be stored", LOG_STR("error", err->msg));
    } else if (v->number == r->row.number && b256_eq(&v->stored_hash, &r->row.stored_hash)) {
        if (v->passed + 1 == v->number)
            v->passed = v->number;
        v->stats.verified++;
        v->stats.last_batch = v->number;
        v->stats.last_took_ms = r->row.took_ms;
        v->stats.last_witness_ms = v->witness->made_in_ms;
        v->stats.last_witness_bytes = v->witness->data.len;
        log_info(LOG_SETTLEMENT, "batch verified", LOG_U64("batch", v->number),
                 LOG_U64("witness_bytes", v->witness->data.len),
                 LOG_U64("witness_ms", v->witness->made_in_ms), LOG_U64("ms", r->row.took_ms),
                 LOG_U64("answers", r->row.answers));
        drop_batch(v);
        lift_hold(v);
        if (!v->stopped)
            v->deps.on_verified(v->deps.arg);
    }
    free(r);
}

static void record(struct verification *v, uint64_t answers, uint64_t took_ms)
{
    struct err err = { .kind = ERR_NONE };
    struct record *r = malloc(sizeof(*r));
    if (!r || v->storing) {
        free(r);
        return;
    }
    *r = (struct record){ .v = v,
                          .row = { .number = v->number,
                                   .at_ms = clock_wall_ms(v->deps.clock),
                                   .took_ms = took_ms,
                                   .stored_hash = v->stored_hash,
                                   .answers = answers } };
    v->storing = true;
    if (store_write(v->deps.store, STORE_JOURNAL, store_record, record_stored, r, &err))
        return;
    v->storing = false;
    free(r);
}

/* ---- answers ---- */

static bool is_equal(const struct verification *v, const struct settlement_verdict *d)
{
    return d->verified && b256_eq(&d->public_input, &v->input) &&
           b256_eq(&d->stored_hash, &v->stored_hash);
}

static void describe_difference(const struct verification *v, const struct settlement_verdict *d,
                                char *out, size_t cap)
{
    char ours[67], theirs[67];
    if (!d->verified) {
        snprintf(out, cap, "it does not verify: %s", d->reason);
        return;
    }
    bool input = !b256_eq(&d->public_input, &v->input);
    hex_encode0x(ours, input ? v->input.b : v->stored_hash.b, 32);
    hex_encode0x(theirs, input ? d->public_input.b : d->stored_hash.b, 32);
    snprintf(out, cap, "%s %.18s.. instead of %.18s..",
             input ? "public input" : "stored batch hash", theirs, ours);
}

static void hold(struct verification *v, const char *who, const char *what, const char *remedy)
{
    char reason[384];
    snprintf(reason, sizeof(reason), "batch %" PRIu64 " is not committed: %s says %.180s",
             v->number, who, what);
    v->held = true;
    v->deps.on_mismatch(v->deps.arg, reason, remedy);
}

static void mismatch(struct verification *v, const char *who, const char *what)
{
    hold(v, who, what,
         "find out who is right before anything is committed: gatehouse make-witness and "
         "verify-batch on another machine; restart to verify again");
}

/* ---- local ---- */

static void on_local(void *arg, const struct settlement_verdict *d)
{
    struct verification *v = arg;
    char what[200];
    v->asked = false;
    if (v->stopped || !v->number)
        return;
    if (is_equal(v, d)) {
        record(v, 1, d->took_ms);
        return;
    }
    v->stats.mismatches++;
    describe_difference(v, d, what, sizeof(what));
    mismatch(v, "the stateless verification", what);
}

/* ---- remote ---- */

static bool read_hash(const json_t *o, const char *name, struct b256 *out)
{
    const json_t *s = json_object_get(o, name);
    return json_is_string(s) &&
           hex_decode_exact(out->b, 32, json_string_value(s), json_string_length(s));
}

/* false: this is no answer of a verifier */
static bool read_verdict(struct settlement_verdict *d, struct bytes body)
{
    memset(d, 0, sizeof(*d));
    json_t *o =
        body.len ? json_loadb((const char *)body.p, body.len, JSON_REJECT_DUPLICATES, NULL) : NULL;
    const json_t *verified = json_object_get(o, "verified"), *why = json_object_get(o, "reason");
    bool ok = json_is_boolean(verified);
    d->verified = json_is_true(verified);
    if (d->verified)
        ok = read_hash(o, "public_input", &d->public_input) &&
             read_hash(o, "stored_batch_hash", &d->stored_hash);
    else
        snprintf(d->reason, sizeof(d->reason), "%.150s",
                 json_is_string(why) ? json_string_value(why) : "no reason given");
    json_decref(o);
    return ok;
}

static void hold_for(struct verification *v, enum answer_state state)
{
    size_t i = 0;
    char who[160];
    while (v->questions[i].state != state)
        i++;
    const struct question *q = &v->questions[i];
    snprintf(who, sizeof(who), "verifier %s", q->name);
    if (state == ANSWER_DIFFERS)
        mismatch(v, who, q->trouble);
    else
        hold(v, who, q->trouble,
             "let the verifier, and what stands before it, take bodies of that size (gatehouse "
             "verifier takes every witness that can be made); it is asked again by itself");
}

static void count_answers(struct verification *v)
{
    size_t equal = verification_count(v, ANSWER_EQUAL),
           differ = verification_count(v, ANSWER_DIFFERS),
           too_large = verification_count(v, ANSWER_TOO_LARGE);
    if (equal >= v->cfg.threshold) {
        record(v, equal, clock_mono_ms(v->deps.clock) - v->began_ms);
        return;
    }
    if (v->cfg.url_cnt - differ - too_large >= v->cfg.threshold || v->held)
        return; /* the others may still do */
    hold_for(v, differ ? ANSWER_DIFFERS : ANSWER_TOO_LARGE);
}

static void no_answer(struct question *q, const char *why)
{
    struct verification *v = q->v;
    q->state = ANSWER_NONE;
    q->again_at_ms = clock_mono_ms(v->deps.clock) + pause_ms(q->failures++);
    v->stats.failures++;
    snprintf(q->trouble, sizeof(q->trouble), "%.150s", why);
    if (q->failures % 10 == 1)
        log_warn(LOG_SETTLEMENT, "a verifier does not answer", LOG_STR("verifier", q->name),
                 LOG_U64("batch", v->number), LOG_STR("error", q->trouble));
}

static void on_remote(void *arg, const struct http_result *r)
{
    struct question *q = arg;
    struct verification *v = q->v;
    struct settlement_verdict d;
    q->post = NULL;
    if (v->stopped || !v->number)
        return;
    if (!r->ok) {
        no_answer(q, r->err.msg);
        return;
    }
    if (r->status == 413) {
        q->failures = 0;
        q->state = ANSWER_TOO_LARGE;
        q->again_at_ms = clock_mono_ms(v->deps.clock) + AGAIN_MAX_MS;
        v->stats.failures++;
        snprintf(q->trouble, sizeof(q->trouble), "the witness of %zu bytes is too large for it",
                 v->witness->data.len);
        log_error(LOG_SETTLEMENT, "a verifier does not take the witness",
                  LOG_STR("verifier", q->name), LOG_U64("batch", v->number),
                  LOG_STR("answer", q->trouble));
        count_answers(v);
        return;
    }
    if (r->status != 200 || !read_verdict(&d, r->body)) {
        char text[96];
        snprintf(text, sizeof(text), "HTTP status %d, not a verifier's answer", r->status);
        no_answer(q, text);
        return;
    }
    q->failures = 0;
    q->trouble[0] = 0;
    q->state = is_equal(v, &d) ? ANSWER_EQUAL : ANSWER_DIFFERS;
    if (q->state == ANSWER_DIFFERS) {
        q->again_at_ms = clock_mono_ms(v->deps.clock) + AGAIN_MAX_MS;
        v->stats.mismatches++;
        describe_difference(v, &d, q->trouble, sizeof(q->trouble));
        log_error(LOG_SETTLEMENT, "a verifier disagrees", LOG_STR("verifier", q->name),
                  LOG_U64("batch", v->number), LOG_STR("answer", q->trouble));
    }
    count_answers(v);
}

static void ask_remote(struct verification *v, struct question *q, const char *url)
{
    struct err err = { .kind = ERR_NONE };
    struct buf body;
    char at[600], token[96], hex[67];
    const char *headers[1] = { token };
    hex_encode(hex, v->cfg.token, 32);
    snprintf(token, sizeof(token), "Authorization: Bearer %s", hex);
    size_t len = strlen(url);
    snprintf(at, sizeof(at), "%s%sverify", url, len && url[len - 1] == '/' ? "" : "/");
    buf_init(&body, v->witness->data.len);
    (void)buf_append(&body, v->witness->data.p, v->witness->data.len);
    struct http_post_args a = { .url = at,
                                .content_type = "application/octet-stream",
                                .headers = headers,
                                .header_cnt = v->cfg.has_token ? 1 : 0,
                                .body = &body,
                                .timeout_ms = v->cfg.timeout_ms,
                                .max_len = ANSWER_MAX };
    q->state = ANSWER_ASKED;
    if (body.failed)
        no_answer(q, "out of memory");
    else if (!(q->post = http_client_post(v->http, &a, on_remote, q, &err)))
        no_answer(q, err.msg);
    buf_clear(&body);
    explicit_bzero(token, sizeof(token));
    explicit_bzero(hex, sizeof(hex));
}

static void ask_remotes(struct verification *v)
{
    uint64_t now = clock_mono_ms(v->deps.clock);
    for (size_t i = 0; i < v->cfg.url_cnt && v->number; i++) {
        struct question *q = &v->questions[i];
        /* one that differed may be repaired by now, and its answer may be the one that is missing */
        bool ask = q->state != ANSWER_ASKED && q->state != ANSWER_EQUAL;
        if (ask && now >= q->again_at_ms)
            ask_remote(v, q, v->cfg.urls[i]);
    }
}

/* ---- the batch in work ---- */

static void on_witness(void *arg, struct settlement_witness *w, const struct err *err)
{
    struct verification *v = arg;
    v->asked = false;
    if (v->stopped || !v->number)
        return;
    if (err) {
        v->again_at_ms = clock_mono_ms(v->deps.clock) + pause_ms(v->failures++);
        snprintf(v->trouble, sizeof(v->trouble), "its witness: %.180s", err->msg);
        if (err->kind != ERR_TRANSIENT)
            log_error(LOG_SETTLEMENT, "a batch cannot be verified", LOG_U64("batch", v->number),
                      LOG_STR("error", err->msg));
        if (err->kind == ERR_INVALID && !v->held)
            hold(
                v, "the maker of its witness", err->msg,
                "it is tried again by itself; a batch whose witness is too large or whose state is "
                "pruned is committed only with verification.mode: none");
        return;
    }
    v->failures = 0;
    v->trouble[0] = 0;
    lift_hold(v);
    if (w->batch == v->number && b256_eq(&w->stored_hash, &v->stored_hash) && !v->witness) {
        v->witness = settlement_witness_ref(w);
        v->began_ms = clock_mono_ms(v->deps.clock);
    }
}

static bool state_before(struct verification *v, uint64_t number, struct b256 *out)
{
    struct batch_row row;
    struct err err = { .kind = ERR_NONE };
    bool found = false;
    if (number == 1)
        *out = v->cfg.genesis_state_commitment;
    else if (!batch_load(v->reader, number - 1, &row, &found, &err) || !found)
        return false;
    else
        *out = row.state_commitment;
    return true;
}

static bool load_batch(struct verification *v, uint64_t number, struct b256 *input,
                       struct b256 *stored_hash)
{
    struct batch_row row;
    struct b256 before;
    struct err err = { .kind = ERR_NONE };
    bool found = false;
    if (!batch_load(v->reader, number, &row, &found, &err) || !found ||
        !state_before(v, number, &before))
        return false;
    struct stored_batch s = { .state_commitment = row.state_commitment,
                              .commitment = row.commitment };
    *input = batch_public_input(&before, &s);
    *stored_hash = row.stored_hash;
    return true;
}

static bool is_recorded(struct verification *v, uint64_t number, const struct b256 *stored_hash)
{
    struct batch_verified_row row;
    struct err err = { .kind = ERR_NONE };
    bool found = false;
    return batch_verified_load(v->reader, number, &row, &found, &err) && found &&
           b256_eq(&row.stored_hash, stored_hash);
}

static void next_step(struct verification *v)
{
    if (v->asked || v->storing || clock_mono_ms(v->deps.clock) < v->again_at_ms)
        return;
    const struct settlement_witness_ops *ops = &v->deps.witness;
    if (!v->witness)
        v->asked = ops->make(ops->ctx, v->number, &v->stored_hash, on_witness, v);
    else if (v->cfg.mode == VERIFICATION_LOCAL && !v->held)
        v->asked = ops->verify(ops->ctx, v->witness, on_local, v);
}

void verification_run(struct verification *v, uint64_t sealed, uint64_t committed)
{
    struct b256 input, hash;
    if (v->stopped || v->cfg.mode == VERIFICATION_NONE || v->storing)
        return;
    if (v->passed > sealed)
        v->passed = sealed; /* taken back */
    if (v->passed < committed)
        v->passed = committed;
    while (v->passed < sealed && load_batch(v, v->passed + 1, &input, &hash) &&
           is_recorded(v, v->passed + 1, &hash))
        v->passed++;
    uint64_t want = v->passed < sealed ? v->passed + 1 : 0;
    bool same = want && v->number == want && load_batch(v, want, &input, &hash) &&
                b256_eq(&hash, &v->stored_hash);
    if (v->number && !same) {
        drop_batch(v);
        lift_hold(v);
    }
    if (!want)
        return;
    if (!v->number && !v->asked) { /* an answer about another batch may still be on its way */
        if (!load_batch(v, want, &input, &hash))
            return;
        v->number = want;
        v->input = input;
        v->stored_hash = hash;
    }
    if (!v->number)
        return;
    next_step(v);
    if (v->cfg.mode == VERIFICATION_REMOTE && v->witness) {
        ask_remotes(v);
        count_answers(v); /* also when the record could not be stored the first time */
    }
}

bool verification_lets_commit(struct verification *v, uint64_t number)
{
    struct b256 input, hash;
    if (v->cfg.mode == VERIFICATION_NONE)
        return true;
    if (number > v->passed)
        return false;
    if (load_batch(v, number, &input, &hash) && is_recorded(v, number, &hash))
        return true;
    /* It was met on the settlement layer and taken back there, or is sealed anew: the next run walks the records from here. */
    v->passed = number - 1;
    return false;
}

/* ---- life ---- */

struct verification *verification_create(const struct verification_deps *deps,
                                         const struct verification_config *cfg, struct err *err)
{
    struct verification *v = calloc(1, sizeof(*v));
    if (!v) {
        err_set(err, ERR_LOCAL, "out of memory");
        return NULL;
    }
    v->deps = *deps;
    v->cfg = *cfg;
    if (cfg->mode != VERIFICATION_REMOTE)
        v->cfg.url_cnt = 0;
    bool ok = true;
    for (size_t i = 0; i < v->cfg.url_cnt; i++) {
        bool loopback;
        v->questions[i].v = v;
        ok = ok && http_url_public_name(v->questions[i].name, sizeof(v->questions[i].name),
                                        cfg->urls[i], &loopback, err);
    }
    v->reader = ok ? store_reader_open(deps->store, err) : NULL;
    if (v->reader && v->cfg.mode == VERIFICATION_REMOTE) {
        v->http = http_client_create(deps->base, deps->clock, "gatehouse", err);
        ok = v->http != NULL;
    }
    if (!v->reader || !ok) {
        verification_destroy(v);
        return NULL;
    }
    return v;
}

void verification_stop(struct verification *v)
{
    if (v->stopped)
        return;
    drop_batch(v);
    v->stopped = true;
}

void verification_destroy(struct verification *v)
{
    if (!v)
        return;
    verification_stop(v);
    http_client_destroy(v->http);
    store_reader_close(v->reader);
    explicit_bzero(v->cfg.token, sizeof(v->cfg.token));
    free(v);
}
