/* settlement/prover/http.c
 *
 * Routes of the prover API. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "node/base/hex.h"
#include "settlement/prover/base64.h"
#include "settlement/prover/internal.h"

#define PREFIX      "/prover-jobs/v1/"
#define VK_LIST_MAX 4096

/* ---- who may ask ---- */

static bool is_token(const struct prover *p, const char *text, size_t len)
{
    uint8_t given[32];
    unsigned match = 0;
    if (!hex_decode_exact(given, 32, text, len))
        return false;
    for (size_t i = 0; i < p->cfg.token_cnt; i++) {
        unsigned diff = 0; /* every byte of every token is looked at, whatever came before */
        for (size_t k = 0; k < 32; k++)
            diff |= (unsigned)(given[k] ^ p->cfg.tokens[i][k]);
        match |= (diff - 1) >> 31;
    }
    return match != 0;
}

/* Bearer TOKEN, or Basic with the token as password (the peer's client takes it from its URL). */
static bool is_allowed(const struct prover *p, const struct http_exchange *x)
{
    const char *h = http_header(x, "Authorization");
    if (p->cfg.token_cnt == 0)
        return p->cfg.allow_anonymous;
    if (!h)
        return false;
    if (strncasecmp(h, "Bearer ", 7) == 0)
        return is_token(p, h + 7, strlen(h + 7));
    if (strncasecmp(h, "Basic ", 6) != 0 || strlen(h) > 1024)
        return false;
    struct buf plain;
    buf_init(&plain, 1024);
    bool ok = base64_decode(&plain, h + 6, strlen(h + 6));
    const uint8_t *colon = ok && plain.len ? memchr(plain.p, ':', plain.len) : NULL;
    ok = colon && is_token(p, (const char *)colon + 1, plain.len - (size_t)(colon + 1 - plain.p));
    if (plain.p)
        explicit_bzero(plain.p, plain.len);
    buf_clear(&plain);
    return ok;
}

/* ---- answers ---- */

static void reply_json(struct http_exchange *x, struct buf *out)
{
    if (out->failed)
        http_reply_text(x, 500, "the answer is too large\n");
    else
        http_reply_buf(x, 200, PROVER_JSON_TYPE, out);
    buf_clear(out);
}

static void reply_none(struct http_exchange *x)
{
    http_reply(x, 204, NULL, bytes_of(NULL, 0));
}

/* ---- provers ---- */

/* The prover's name; false: answered. */
static bool prover_name(struct http_exchange *x, char out[PROOF_PROVER_CAP])
{
    bool ok = http_query_param(x, "id", out, PROOF_PROVER_CAP) && out[0];
    for (const char *c = out; ok && *c; c++)
        ok = *c > ' ' && *c < 0x7f;
    if (!ok)
        http_reply_text(x, 400,
                        "the query parameter id must name the prover, in at most 64 "
                        "printable characters\n");
    return ok;
}

static bool key_wanted(const struct prover *p, struct http_exchange *x)
{
    char list[VK_LIST_MAX];
    return !http_query_param(x, "supported_vk_hashes", list, sizeof(list)) ||
           prover_keys_allow(list, &p->cfg.vk);
}

static void pick_fri(struct prover *p, struct http_exchange *x, const char *name)
{
    uint64_t n = key_wanted(p, x) ? prover_next_fri(p) : 0;
    if (!n || !leases_take(&p->fri, n, n, name, clock_mono_ms(p->deps.clock)))
        reply_none(x);
    else
        prover_answer(p, x, &p->fri, n, n, prover_job_find(p, n)->witness);
}

static void pick_snark(struct prover *p, struct http_exchange *x, const char *name)
{
    uint64_t from = 0, to = 0;
    if (!key_wanted(p, x) || !prover_next_range(p, &from, &to) ||
        !leases_take(&p->snark, from, to, name, clock_mono_ms(p->deps.clock)))
        reply_none(x);
    else
        prover_answer(p, x, &p->snark, from, to, NULL);
}

static void submit(struct prover *p, struct http_exchange *x, bool is_snark, const char *name)
{
    struct prover_submission s;
    const char *type = http_header(x, "Content-Type");
    char reason[160];
    int status = 400;
    if (!type || strncasecmp(type, PROVER_JSON_TYPE, strlen(PROVER_JSON_TYPE)) != 0) {
        http_reply_text(x, 415, "the body must be application/json\n");
        return;
    }
    if (!prover_read_submission(&s, is_snark, http_body(x), &status, reason)) {
        http_reply_text(x, status, reason);
        p->stats.refused++;
    } else if (is_snark) {
        prover_take_snark(p, x, &s, name);
    } else {
        prover_take_fri(p, x, &s, name);
    }
    buf_clear(&s.proof);
}

static bool post_route(struct prover *p, struct http_exchange *x, const char *path)
{
    static const char *const paths[] = { "FRI/pick", "FRI/submit", "SNARK/pick", "SNARK/submit" };
    char name[PROOF_PROVER_CAP];
    size_t i = 0;
    while (i < GH_COUNT(paths) && strcmp(path, paths[i]) != 0)
        i++;
    if (i == GH_COUNT(paths))
        return false;
    if (http_method(x) != HTTP_POST)
        http_reply_text(x, 405, "this path takes POST\n");
    else if (!prover_name(x, name))
        return true;
    else if (i == 0)
        pick_fri(p, x, name);
    else if (i == 2)
        pick_snark(p, x, name);
    else
        submit(p, x, i == 3, name);
    return true;
}

/* ---- operators ---- */

static void put_words(struct buf *out, const struct b256 *v)
{
    for (size_t i = 0; i < 8; i++)
        buf_printf(out, "%s%u", i ? "," : "", load_le32(v->b + 4 * i));
}

static void failed(struct prover *p, struct http_exchange *x, bool is_snark, uint64_t from)
{
    struct failed_proof_row row;
    struct arena arena;
    struct buf out;
    struct err err = { .kind = ERR_NONE };
    bool found = false;
    arena_init_growing(&arena, 1u << 16, PROVER_PROOFS_MAX);
    if (!failed_proof_load(p->reader, is_snark, from, &arena, &row, &found, &err)) {
        http_reply_text(x, 500, "the refused proofs cannot be read\n");
    } else if (!found) {
        http_reply_text(x, 404, "no refused proof of that batch\n");
    } else {
        const struct prover_job *j = prover_job_find(p, from);
        uint64_t at = j ? j->last_timestamp : 0;
        buf_init(&out, PROVER_REPLY_MAX);
        if (is_snark)
            buf_printf(&out, "{\"from_batch_number\":%" PRIu64 ",\"to_batch_number\":%" PRIu64,
                       row.from, row.to);
        else
            buf_printf(&out,
                       "{\"batch_number\":%" PRIu64 ",\"last_batch_timestamp\":%" PRIu64
                       ",\"last_block_timestamp\":%" PRIu64,
                       row.from, at, at);
        buf_append_str(&out, ",\"expected_hash_u32s\":[");
        put_words(&out, &row.input);
        /* which registers an opaque proof ends with is not known here */
        buf_append_str(&out, "],\"proof_final_register_values\":[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0"
                             "],\"reason\":");
        buf_append_json_str(&out, row.reason);
        buf_append_str(&out, ",\"prover\":");
        buf_append_json_str(&out, row.prover);
        buf_append_str(&out, ",");
        prover_put_key(&out, &row.vk);
        buf_append_str(&out, ",\"proof\":\"");
        if (!base64_encode(&out, row.proof))
            out.failed = true;
        buf_append_str(&out, "\"}");
        reply_json(x, &out);
    }
    arena_clear(&arena);
}

static void status(struct prover *p, struct http_exchange *x)
{
    struct buf out;
    uint64_t now = clock_mono_ms(p->deps.clock);
    buf_init(&out, PROVER_REPLY_MAX);
    buf_append_str(&out, "[");
    for (size_t i = 0; i < p->fri.cnt; i++) {
        const struct lease *l = &p->fri.items[i];
        buf_printf(&out, "%s{\"fri_job\":{\"batch_number\":%" PRIu64 ",", i ? "," : "", l->from);
        prover_put_key(&out, &p->cfg.vk);
        buf_printf(&out, "},\"assigned_seconds_ago\":%" PRIu64 ",\"assigned_to\":",
                   (now - l->since_ms) / 1000);
        buf_append_json_str(&out, l->prover);
        buf_append_str(&out, "}");
    }
    buf_append_str(&out, "]");
    reply_json(x, &out);
}

/* "12/peek" -> 12 and "peek". false: not of that form. */
static bool take_number(const char **path, uint64_t *n)
{
    size_t len = strcspn(*path, "/");
    if (!prover_read_number(n, *path, len) || (*path)[len] != '/')
        return false;
    *path += len + 1;
    return true;
}

static bool fri_route(struct prover *p, struct http_exchange *x, const char *path)
{
    uint64_t n = 0;
    if (!take_number(&path, &n))
        return false;
    if (strcmp(path, "failed") == 0) {
        failed(p, x, false, n);
        return true;
    }
    if (strcmp(path, "peek") != 0)
        return false;
    const struct prover_job *j = prover_job_find(p, n);
    if (j && j->witness)
        prover_answer(p, x, NULL, n, n, j->witness);
    else
        reply_none(x);
    return true;
}

static bool snark_route(struct prover *p, struct http_exchange *x, const char *path)
{
    uint64_t from = 0, to = 0;
    if (!take_number(&path, &from) || !take_number(&path, &to))
        return false;
    if (strcmp(path, "failed") == 0)
        failed(p, x, true, from);
    else if (strcmp(path, "peek") != 0)
        return false;
    else if (from > to || to - from >= p->cfg.max_fris_per_snark)
        http_reply_text(x, 400, "invalid range, or more batches than max_fris_per_snark\n");
    else
        prover_answer(p, x, NULL, from, to, NULL);
    return true;
}

static bool get_route(struct prover *p, struct http_exchange *x, const char *path)
{
    if (strcmp(path, "status/") == 0 || strcmp(path, "status") == 0) {
        status(p, x);
        return true;
    }
    if (strncmp(path, "FRI/", 4) == 0)
        return fri_route(p, x, path + 4);
    return strncmp(path, "SNARK/", 6) == 0 && snark_route(p, x, path + 6);
}

void prover_on_request(void *arg, struct http_exchange *x)
{
    struct prover *p = arg;
    const char *path = http_path(x);
    if (!is_allowed(p, x)) {
        p->stats.unauthorized++;
        (void)http_add_header(x, "WWW-Authenticate", "Basic realm=\"prover-jobs\"");
        http_reply_text(x, 401, "a prover's token is needed\n");
        return;
    }
    bool ours = strncmp(path, PREFIX, sizeof(PREFIX) - 1) == 0;
    if (ours)
        path += sizeof(PREFIX) - 1;
    if (!ours ||
        (!post_route(p, x, path) && (http_method(x) != HTTP_GET || !get_route(p, x, path))))
        http_reply_text(x, 404, "no such path\n");
}
