/* node/sender/contract_read/contract_read.c */
#include "node/sender/contract_read/contract_read.h"

#include <stdlib.h>

#include "contracts-abi/revert.h"

struct slot {
    struct contract_read *read;
    size_t index;
    struct eth_request *request; /* NULL once answered */
};

struct contract_read {
    struct contract_call *calls; /* borrowed */
    size_t cnt, pending;
    struct arena *arena; /* borrowed */
    contract_read_fn *done;
    void *arg;
    struct err err; /* first failure that counts */
    struct slot slots[];
};

static void finish(struct contract_read *r)
{
    contract_read_fn *done = r->done;
    void *arg = r->arg;
    struct err err = r->err;
    free(r);
    done(arg, err.kind == ERR_NONE ? NULL : &err);
}

static void note_failure(struct contract_read *r, struct contract_call *c,
                         const struct eth_reply *reply)
{
    c->err = *reply->err;
    if (reply->has_revert_data && reply->revert_data.len > 0) {
        char text[ABI_REVERT_TEXT_CAP];
        abi_format_revert(text, sizeof(text), reply->revert_data);
        err_set_code(&c->err, ERR_REJECTED, reply->err->code, "reverted: %s", text);
    }
    err_wrap(&c->err, "%s", c->name);
    c->reverted = eth_is_revert(reply);
    if (!(c->may_revert && c->reverted) && r->err.kind == ERR_NONE)
        r->err = c->err;
}

static void on_reply(void *arg, const struct eth_reply *reply, struct bytes output)
{
    struct slot *s = arg;
    struct contract_read *r = s->read;
    struct contract_call *c = &r->calls[s->index];
    s->request = NULL;
    if (reply->err) {
        note_failure(r, c, reply);
    } else {
        uint8_t *copy = arena_copy(r->arena, output.p, output.len);
        c->ok = copy != NULL;
        c->output = bytes_of(copy, copy ? output.len : 0);
        if (!copy && r->err.kind == ERR_NONE)
            err_set(&r->err, ERR_LOCAL, "out of memory for %s", c->name);
    }
    if (--r->pending == 0)
        finish(r);
}

void contract_read_cancel(struct contract_read *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->cnt; i++)
        eth_cancel(r->slots[i].request);
    free(r);
}

struct contract_read *contract_read_start(struct eth_client *eth, struct eth_block_id at,
                                          struct contract_call *calls, size_t n,
                                          struct arena *arena, contract_read_fn *done, void *arg,
                                          struct err *err)
{
    CHECK(n > 0);
    struct contract_read *r = calloc(1, sizeof(*r) + n * sizeof(r->slots[0]));
    if (!r) {
        err_set(err, ERR_LOCAL, "out of memory");
        return NULL;
    }
    *r = (struct contract_read){
        .calls = calls, .cnt = n, .pending = n, .arena = arena, .done = done, .arg = arg
    };
    for (size_t i = 0; i < n; i++) {
        struct eth_call_msg msg = { .has_to = true, .to = calls[i].to, .data = calls[i].data };
        calls[i].ok = calls[i].reverted = false;
        calls[i].output = bytes_of(NULL, 0);
        calls[i].err.kind = ERR_NONE;
        r->slots[i] = (struct slot){ .read = r, .index = i };
        r->slots[i].request = eth_call(eth, &msg, at, NULL, NULL, on_reply, &r->slots[i], err);
        if (!r->slots[i].request) {
            contract_read_cancel(r);
            return NULL;
        }
    }
    return r;
}

bool contract_word(const struct contract_call *c, struct b256 *out, struct err *err)
{
    if (!c->ok || c->output.len < 32)
        return err_set(err, ERR_INVALID, "%s answered %zu bytes, a word was expected", c->name,
                       c->output.len);
    memcpy(out->b, c->output.p, 32);
    return true;
}

bool contract_u64(const struct contract_call *c, uint64_t *out, struct err *err)
{
    struct b256 w;
    if (!contract_word(c, &w, err))
        return false;
    struct u256 v = u256_of_b256(&w);
    if (!u256_fits_u64(&v))
        return err_set(err, ERR_INVALID, "%s answered a number above 64 bits", c->name);
    *out = v.w[0];
    return true;
}

bool contract_bool(const struct contract_call *c, bool *out, struct err *err)
{
    uint64_t v = 0;
    if (!contract_u64(c, &v, err))
        return false;
    if (v > 1)
        return err_set(err, ERR_INVALID, "%s answered %llu, a boolean was expected", c->name,
                       (unsigned long long)v);
    *out = v == 1;
    return true;
}

bool contract_addr(const struct contract_call *c, struct addr *out, struct err *err)
{
    static const uint8_t zeros[12] = { 0 };
    struct b256 w;
    if (!contract_word(c, &w, err))
        return false;
    if (memcmp(w.b, zeros, sizeof(zeros)) != 0)
        return err_set(err, ERR_INVALID, "%s answered a word that is no address", c->name);
    *out = b256_low_addr(&w);
    return true;
}

struct bytes contract_calldata(struct arena *arena, uint32_t selector, const struct b256 *words,
                               size_t n)
{
    uint8_t *p = arena_alloc(arena, 4 + 32 * n);
    if (!p)
        return bytes_of(NULL, 0);
    store_be32(p, selector);
    for (size_t i = 0; i < n; i++)
        memcpy(p + 4 + 32 * i, words[i].b, 32);
    return bytes_of(p, 4 + 32 * n);
}
