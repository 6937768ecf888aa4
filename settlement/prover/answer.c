/* settlement/prover/answer.c
 *
 * Jobs and proofs as JSON, made on the worker: a witness has up to 256 MiB, a range up to max_fris_per_snark proofs. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "settlement/prover/base64.h"
#include "settlement/prover/internal.h"

struct answering {
    struct prover *p;
    struct http_exchange *x;
    struct leases *lease; /* the work was taken under; NULL: it was only looked at */
    uint64_t leased_ms;
    struct settlement_witness *witness; /* reference, the loop's; NULL: the proofs of a range */
    uint64_t from, to;
    struct buf out;
    int status;
    char text[96]; /* when the status is not 200 */
};

void prover_put_key(struct buf *out, const struct b256 *vk)
{
    buf_append_str(out, "\"vk_hash\":\"");
    buf_append_hex(out, vk->b, 32);
    buf_append_str(out, "\"");
}

/* ---- on the worker ---- */

static void fail(struct answering *a, int status, const char *text)
{
    a->status = status;
    snprintf(a->text, sizeof(a->text), "%s\n", text);
}

static void write_job(struct answering *a)
{
    const struct settlement_witness *w = a->witness;
    buf_printf(&a->out, "{\"batch_number\":%" PRIu64 ",", a->from);
    prover_put_key(&a->out, &a->p->cfg.vk);
    buf_append_str(&a->out, ",\"prover_input\":\"");
    if (!prover_write_input(&a->out, bytes_of(w->data.p, w->data.len)))
        a->out.failed = true;
    buf_append_str(&a->out, "\"}");
}

static void write_proofs(struct answering *a, struct buf *proofs, struct b256 *vk)
{
    struct arena arena;
    arena_init_growing(&arena, 1u << 16, PROVER_PROOFS_MAX);
    for (uint64_t n = a->from; n <= a->to && !a->status; n++) {
        struct fri_proof_row row;
        struct err err = { .kind = ERR_NONE };
        char text[80];
        bool found = false;
        arena_reset(&arena);
        if (!fri_proof_load(a->p->worker_reader, n, &arena, &row, &found, &err)) {
            fail(a, 500, "the proofs could not be read");
        } else if (!found) {
            snprintf(text, sizeof(text), "No FRI proof found for batch %" PRIu64, n);
            fail(a, 404, text);
        } else {
            *vk = row.vk;
            buf_append_str(proofs, n == a->from ? "\"" : ",\"");
            if (!base64_encode(proofs, row.proof) || !buf_append_str(proofs, "\""))
                fail(a, 500, "the answer is too large");
        }
    }
    arena_clear(&arena);
}

static void write_range(struct answering *a)
{
    struct buf proofs;
    struct b256 vk = a->p->cfg.vk;
    buf_init(&proofs, PROVER_REPLY_MAX);
    write_proofs(a, &proofs, &vk);
    if (!a->status) {
        buf_printf(&a->out, "{\"from_batch_number\":%" PRIu64 ",\"to_batch_number\":%" PRIu64 ",",
                   a->from, a->to);
        prover_put_key(&a->out, &vk);
        buf_append_str(&a->out, ",\"fri_proofs\":[");
        buf_append(&a->out, proofs.p, proofs.len);
        buf_append_str(&a->out, "]}");
    }
    buf_clear(&proofs);
}

static void run(void *arg)
{
    struct answering *a = arg;
    if (a->witness)
        write_job(a);
    else
        write_range(a);
    if (!a->status && a->out.failed)
        fail(a, 500, "the answer is too large");
}

/* ---- on the loop ---- */

/* A prover that did not get its work does not work on it. */
static void give_back(const struct answering *a)
{
    const struct lease *l = a->lease ? leases_find(a->lease, a->from) : NULL;
    if (l && l->from == a->from && l->to == a->to && l->since_ms == a->leased_ms)
        leases_drop(a->lease, a->from, a->to);
}

static void done(void *arg)
{
    struct answering *a = arg;
    if (a->status || http_is_gone(a->x))
        give_back(a);
    if (a->status)
        http_reply_text(a->x, a->status, a->text);
    else
        http_reply_buf(a->x, 200, PROVER_JSON_TYPE, &a->out);
    settlement_witness_unref(a->witness);
    buf_clear(&a->out);
    free(a);
}

void prover_answer(struct prover *p, struct http_exchange *x, struct leases *lease, uint64_t from,
                   uint64_t to, struct settlement_witness *witness)
{
    struct answering *a = malloc(sizeof(*a));
    if (!a) {
        if (lease)
            leases_drop(lease, from, to);
        http_reply_text(x, 503, "out of memory\n");
        return;
    }
    const struct lease *l = lease ? leases_find(lease, from) : NULL;
    *a = (struct answering){ .p = p,
                             .x = x,
                             .lease = lease,
                             .leased_ms = l ? l->since_ms : 0,
                             .witness = witness ? settlement_witness_ref(witness) : NULL,
                             .from = from,
                             .to = to };
    buf_init(&a->out, PROVER_REPLY_MAX);
    if (p->deps.run_job(p->deps.job_arg, run, done, a))
        return;
    fail(a, 503, "the worker takes no more jobs");
    done(a);
}
