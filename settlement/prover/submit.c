/* settlement/prover/submit.c
 *
 * A proof that was handed in: checked, made durable, then answered. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/base/hex.h"
#include "node/base/log.h"
#include "settlement/prover/internal.h"

/* A FRI proof carries its 16 final registers, at least a byte each, whatever its encoding. */
#define FRI_MIN_LEN 16u

struct taking { /* one submission on its way to the disk */
    struct prover *p;
    struct http_exchange *x; /* NULL: nobody waits */
    bool is_snark;
    struct fri_proof_row fri;
    struct snark_proof_row snark;
    struct buf proof;
};

static void answer(struct http_exchange *x, int status, const char *text)
{
    http_reply_text(x, status, text);
}

static void free_taking(struct taking *t)
{
    buf_clear(&t->proof);
    free(t);
}

/* ---- refused ones ---- */

struct refusal {
    struct failed_proof_row row;
    struct buf proof;
    uint64_t drop_from; /* proof of a range to remove; 0: none */
};

static bool store_refusal(struct store_txn *t, void *arg, struct err *err)
{
    const struct refusal *r = arg;
    return failed_proof_put(t, &r->row, err) &&
           (!r->drop_from || snark_proof_remove(t, r->drop_from, err));
}

static void refusal_stored(void *arg, const struct err *err)
{
    struct refusal *r = arg;
    if (err)
        log_warn(LOG_SETTLEMENT, "a refused proof is not kept", LOG_STR("error", err->msg));
    buf_clear(&r->proof);
    free(r);
}

static void keep_refusal(struct prover *p, struct refusal *r)
{
    struct err err = { .kind = ERR_NONE };
    p->stats.refused++;
    log_warn(LOG_SETTLEMENT, "proof refused", LOG_U64("from", r->row.from),
             LOG_U64("to", r->row.to), LOG_STR("prover", r->row.prover),
             LOG_STR("reason", r->row.reason));
    if (!store_write(p->deps.store, STORE_JOURNAL, store_refusal, refusal_stored, r, &err))
        refusal_stored(r, &err);
}

void prover_keep_refused(struct prover *p, bool is_snark, const struct prover_submission *s,
                         const char *prover, const char *reason)
{
    struct refusal *r = calloc(1, sizeof(*r));
    if (!r)
        return;
    size_t len = s->proof.len < FAILED_PROOF_MAX_LEN ? s->proof.len : FAILED_PROOF_MAX_LEN;
    buf_init(&r->proof, FAILED_PROOF_MAX_LEN);
    (void)buf_append(&r->proof, s->proof.p, len);
    r->row = (struct failed_proof_row){ .from = s->from,
                                        .to = s->to,
                                        .at_ms = clock_wall_ms(p->deps.clock),
                                        .is_snark = is_snark,
                                        .vk = s->vk,
                                        .proof = bytes_of(r->proof.p, r->proof.len) };
    const struct prover_job *j = prover_job_find(p, s->from);
    if (is_snark)
        (void)!prover_fold(p, s->from, s->to, &r->row.input);
    else if (j)
        r->row.input = j->input;
    snprintf(r->row.prover, sizeof(r->row.prover), "%s", prover);
    snprintf(r->row.reason, sizeof(r->row.reason), "%.250s", reason);
    keep_refusal(p, r);
}

void prover_on_rejected(struct prover *p, uint64_t from, uint64_t to, const char *reason)
{
    struct snark_proof_row row;
    struct arena arena;
    struct err err = { .kind = ERR_NONE };
    bool found = false;
    arena_init_growing(&arena, 1u << 14, 64u << 20);
    struct refusal *r = calloc(1, sizeof(*r));
    if (r && snark_proof_load(p->reader, from, &arena, &row, &found, &err) && found &&
        row.from == from && row.to == to) {
        buf_init(&r->proof, FAILED_PROOF_MAX_LEN);
        (void)buf_append(&r->proof, row.proof.p, row.proof.len);
        r->row = (struct failed_proof_row){ .from = from,
                                            .to = to,
                                            .at_ms = clock_wall_ms(p->deps.clock),
                                            .is_snark = true,
                                            .input = row.input,
                                            .vk = row.vk,
                                            .proof = bytes_of(r->proof.p, r->proof.len) };
        r->drop_from = from;
        memcpy(r->row.prover, row.prover, sizeof(r->row.prover));
        snprintf(r->row.reason, sizeof(r->row.reason), "the settlement layer: %.230s", reason);
        for (uint64_t n = from; n <= to; n++) {
            struct prover_job *j = prover_job_find(p, n);
            if (j && j->snark_from == from)
                j->snark_from = 0;
        }
        keep_refusal(p, r);
        r = NULL;
    }
    free(r);
    arena_clear(&arena);
}

/* ---- durable, then answered ---- */

static bool store_taking(struct store_txn *s, void *arg, struct err *err)
{
    const struct taking *t = arg;
    return t->is_snark ? snark_proof_put(s, &t->snark, err) : fri_proof_put(s, &t->fri, err);
}

static void fri_done(struct prover *p, const struct taking *t)
{
    struct prover_job *j = prover_job_find(p, t->fri.number);
    if (!j || !b256_eq(&j->input, &t->fri.input))
        return; /* proved, or sealed anew, meanwhile */
    j->fri_at_ms = t->fri.at_ms;
    if (j->witness)
        p->stats.witness_bytes -= j->witness->data.len;
    settlement_witness_unref(j->witness);
    j->witness = NULL;
    leases_drop(&p->fri, t->fri.number, t->fri.number);
    p->stats.fri_accepted++;
}

static void snark_done(struct prover *p, const struct taking *t)
{
    struct b256 input;
    if (!prover_fold(p, t->snark.from, t->snark.to, &input) || !b256_eq(&input, &t->snark.input))
        return;
    for (uint64_t n = t->snark.from; n <= t->snark.to; n++)
        prover_job_find(p, n)->snark_from = t->snark.from;
    leases_drop(&p->snark, t->snark.from, t->snark.to);
    p->stats.snark_accepted++;
}

static void set_storing(struct prover *p, const struct taking *t, bool on)
{
    uint64_t to = t->is_snark ? t->snark.to : t->fri.number;
    for (uint64_t n = t->is_snark ? t->snark.from : t->fri.number; n <= to; n++) {
        struct prover_job *j = prover_job_find(p, n);
        if (j)
            j->storing = on;
    }
}

static void taken(void *arg, const struct err *err)
{
    struct taking *t = arg;
    struct prover *p = t->p;
    set_storing(p, t, false);
    if (err) {
        log_error(LOG_SETTLEMENT, "a proof could not be stored", LOG_STR("error", err->msg));
        answer(t->x, 500, "the proof could not be stored: hand it in again\n");
    } else {
        if (t->is_snark)
            snark_done(p, t);
        else
            fri_done(p, t);
        log_info(LOG_SETTLEMENT, "proof accepted", LOG_STR("kind", t->is_snark ? "SNARK" : "FRI"),
                 LOG_U64("from", t->is_snark ? t->snark.from : t->fri.number),
                 LOG_U64("to", t->is_snark ? t->snark.to : t->fri.number),
                 LOG_STR("prover", t->is_snark ? t->snark.prover : t->fri.prover));
        http_reply(t->x, 204, NULL, bytes_of(NULL, 0));
        if (!p->stopped)
            p->deps.on_proof(p->deps.arg);
    }
    free_taking(t);
}

static void begin(struct prover *p, struct taking *t)
{
    struct err err = { .kind = ERR_NONE };
    set_storing(p, t, true);
    if (store_write(p->deps.store, STORE_JOURNAL, store_taking, taken, t, &err))
        return;
    set_storing(p, t, false);
    answer(t->x, 503, "the store does not keep up: hand it in again\n");
    free_taking(t);
}

static struct taking *new_taking(struct prover *p, struct http_exchange *x,
                                 struct prover_submission *s)
{
    struct taking *t = calloc(1, sizeof(*t));
    if (!t) {
        answer(x, 503, "out of memory\n");
        return NULL;
    }
    t->p = p;
    t->x = x;
    t->proof = s->proof; /* moved */
    memset(&s->proof, 0, sizeof(s->proof));
    return t;
}

/* ---- one batch ---- */

/* The prover did not hear the answer to its first try: the same proof is accepted again. */
static bool is_known_fri(struct prover *p, const struct prover_submission *s)
{
    struct fri_proof_row row;
    struct arena arena;
    struct err err = { .kind = ERR_NONE };
    bool found = false;
    arena_init_growing(&arena, 1u << 14, 64u << 20);
    bool same = fri_proof_load(p->reader, s->from, &arena, &row, &found, &err) && found &&
                bytes_eq(row.proof, bytes_of(s->proof.p, s->proof.len));
    arena_clear(&arena);
    return same;
}

static bool wrong_key(const struct prover *p, const struct prover_submission *s, char text[256])
{
    char ours[67], theirs[67];
    if (b256_eq(&s->vk, &p->cfg.vk))
        return false;
    hex_encode0x(ours, p->cfg.vk.b, 32);
    hex_encode0x(theirs, s->vk.b, 32);
    snprintf(text, 256, "verification key mismatch: the job's is %s, the proof's %s", ours, theirs);
    return true;
}

void prover_take_fri(struct prover *p, struct http_exchange *x, struct prover_submission *s,
                     const char *prover)
{
    char why[256];
    const struct prover_job *j = prover_job_find(p, s->from);
    if (!j || j->fri_at_ms || j->storing || j->snark_from) {
        if (is_known_fri(p, s))
            http_reply(x, 204, NULL, bytes_of(NULL, 0));
        else
            answer(x, 404, "unknown batch: no proof of it is wanted\n");
        return;
    }
    bool wrong = wrong_key(p, s, why);
    if (!wrong && s->proof.len < FRI_MIN_LEN) {
        snprintf(why, sizeof(why), "%zu bytes are no FRI proof", s->proof.len);
        wrong = true;
    }
    if (wrong) {
        prover_keep_refused(p, false, s, prover, why);
        answer(x, 400, why);
        return;
    }
    struct taking *t = new_taking(p, x, s);
    if (!t)
        return;
    t->fri = (struct fri_proof_row){ .number = s->from,
                                     .at_ms = clock_wall_ms(p->deps.clock),
                                     .input = j->input,
                                     .vk = s->vk,
                                     .proof = bytes_of(t->proof.p, t->proof.len) };
    snprintf(t->fri.prover, sizeof(t->fri.prover), "%s", prover);
    begin(p, t);
}

/* ---- a range ---- */

static bool is_known_snark(struct prover *p, const struct prover_submission *s)
{
    struct snark_proof_row row;
    struct arena arena;
    struct err err = { .kind = ERR_NONE };
    bool found = false;
    arena_init_growing(&arena, 1u << 14, 64u << 20);
    bool same = snark_proof_load(p->reader, s->from, &arena, &row, &found, &err) && found &&
                row.from == s->from && row.to == s->to &&
                bytes_eq(row.proof, bytes_of(s->proof.p, s->proof.len));
    arena_clear(&arena);
    return same;
}

/* Why no proof of that range is wanted; NULL: it is. */
static const char *unwanted(struct prover *p, const struct prover_submission *s)
{
    if (s->to - s->from >= p->cfg.max_fris_per_snark)
        return "more batches than max_fris_per_snark";
    for (uint64_t n = s->from; n <= s->to; n++) {
        const struct prover_job *j = prover_job_find(p, n);
        if (!j || n <= p->view.proved || n <= p->view.sent_to)
            return "some batches are proved already, or not known";
        if (j->snark_from || j->storing)
            return "some batches are in a range that has a proof";
        if (!j->fri_at_ms)
            return "some batches have no FRI proof";
        if (n > p->view.committed)
            return "some batches are not committed";
    }
    return NULL;
}

/* What the chain's verifier would say of such a proof. NULL: it may take it. */
static const char *unacceptable(const struct prover *p, enum snark_kind kind, int *status,
                                char text[256])
{
    char ours[67], theirs[67];
    *status = 400;
    if (kind == SNARK_MOCK) {
        if (!p->view.is_testnet_verifier)
            return "a mock proof: the chain's verifier is not the testnet verifier";
        return p->cfg.fake_snark ? NULL
                                 : "a mock proof: prover_api.fake_snark_provers.enabled is off";
    }
    if (!p->key_known) {
        *status = 503;
        return "the key of the chain's verifier is not read yet: hand it in again";
    }
    if (b256_eq(&p->chain_key, &p->cfg.vk))
        return NULL;
    hex_encode0x(ours, p->cfg.vk.b, 32);
    hex_encode0x(theirs, p->chain_key.b, 32);
    snprintf(text, 256, "the chain's verifier has the key %s, the proof is for %s", theirs, ours);
    return text;
}

void prover_take_snark(struct prover *p, struct http_exchange *x, struct prover_submission *s,
                       const char *prover)
{
    struct u256 words[SNARK_WORDS_MAX];
    struct b256 input;
    char why[256], reason[300];
    size_t cnt;
    int status = 400;
    enum snark_kind kind = SNARK_PLONK;
    const char *no = unwanted(p, s);
    if (no && is_known_snark(p, s)) {
        http_reply(x, 204, NULL, bytes_of(NULL, 0));
        return;
    }
    bool keep = false;
    if (!no && wrong_key(p, s, why)) {
        no = why;
        keep = true;
    }
    if (!no && (!prover_fold(p, s->from, s->to, &input) ||
                !snark_words(words, &cnt, &kind, bytes_of(s->proof.p, s->proof.len), &input,
                             p->cfg.slot, why))) {
        no = why;
        keep = true;
    }
    if (!no) {
        no = unacceptable(p, kind, &status, why);
        keep = no != NULL && status == 400;
    }
    if (no) {
        if (keep)
            prover_keep_refused(p, true, s, prover, no);
        snprintf(reason, sizeof(reason), "proof rejected: %.270s\n", no);
        answer(x, status, reason);
        return;
    }
    struct taking *t = new_taking(p, x, s);
    if (!t)
        return;
    t->is_snark = true;
    t->snark = (struct snark_proof_row){ .from = s->from,
                                         .to = s->to,
                                         .at_ms = clock_wall_ms(p->deps.clock),
                                         .input = input,
                                         .vk = s->vk,
                                         .proof = bytes_of(t->proof.p, t->proof.len) };
    snprintf(t->snark.prover, sizeof(t->snark.prover), "%s", prover);
    begin(p, t);
}
