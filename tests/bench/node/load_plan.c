/* tests/bench/node/load_plan.c */
#include "tests/bench/node/load_plan.h"

#include <stdlib.h>
#include <time.h>

#include "node/base/hash.h"
#include "node/base/rlp.h"
#include "tests/bench/node/load_json.h"

#define MAX_REQUEST    ((size_t)64 << 20)
#define NONCES_AT_ONCE 100
#define TX_CAP         512
#define DATA_CAP       68
#define MAX_QUANTITY   67

uint64_t load_now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void load_sender_make(struct load_sender *s, size_t i)
{
    uint8_t seed[24] = "gatehouse load sender";
    store_be32(seed + 20, (uint32_t)i);
    struct b256 h = keccak256(seed, sizeof(seed));
    memcpy(s->key.secret, h.b, 32);
    s->nonce = 0;
    CHECK(crypto_key_address(&s->addr, &s->key));
}

static bool nonces_of_some(struct load_sender *s, size_t n, struct load_http *h,
                           const struct load_target *t, struct buf *body, struct err *err)
{
    struct bytes answer;
    size_t at = 0;
    buf_reset(body);
    for (size_t i = 0; i < n; i++) {
        buf_printf(body,
                   "%s{\"jsonrpc\":\"2.0\",\"id\":%zu,\"method\":\"eth_getTransactionCount\","
                   "\"params\":[\"",
                   i ? "," : "[", i);
        buf_append_hex(body, s[i].addr.b, 20);
        buf_append_str(body, "\",\"latest\"]}");
    }
    buf_append_str(body, "]");
    if (!load_http_call(h, t, bytes_of(body->p, body->len), &answer, err))
        return false;
    for (size_t i = 0; i < n; i++) {
        size_t id_at = at;
        const char *id = load_json_next(answer, &id_at, "id");
        if (!id || strtoul(id, NULL, 10) != i ||
            !load_json_u64(answer, &at, "result", &s[i].nonce)) {
            char why[160];
            load_json_error(answer, why, sizeof(why));
            return err_set(err, ERR_REJECTED, "eth_getTransactionCount: %s", why);
        }
        at = at > id_at ? at : id_at;
    }
    return true;
}

bool load_nonces_fetch(struct load_sender *s, size_t n, struct load_http *h,
                       const struct load_target *t, struct err *err)
{
    struct buf body;
    bool ok = true;
    buf_init(&body, MAX_REQUEST);
    for (size_t i = 0; ok && i < n; i += NONCES_AT_ONCE)
        ok = nonces_of_some(s + i, n - i < NONCES_AT_ONCE ? n - i : NONCES_AT_ONCE, h, t, &body,
                            err);
    buf_clear(&body);
    return ok;
}

bool load_plan_init(struct load_plan *p, const struct load_settings *set, size_t txs,
                    struct err *err)
{
    size_t slots = 64;
    memset(p, 0, sizeof(*p));
    while (slots < 2 * txs)
        slots *= 2;
    p->set = set;
    p->tx_cap = p->req_cap = txs;
    p->slot_mask = slots - 1;
    p->hash = calloc(txs, sizeof(*p->hash));
    p->included = calloc(txs, sizeof(*p->included));
    p->req = calloc(txs, sizeof(*p->req));
    p->slot = calloc(slots, sizeof(*p->slot));
    buf_init(&p->json, MAX_REQUEST);
    return (p->hash && p->included && p->req && p->slot) ||
           err_set(err, ERR_LOCAL, "out of memory");
}

void load_plan_clear(struct load_plan *p)
{
    for (size_t i = 0; i < p->req_cnt; i++)
        buf_clear(&p->req[i].http);
    buf_clear(&p->json);
    free(p->hash);
    free(p->included);
    free(p->req);
    free(p->slot);
}

static size_t field_u64(uint8_t *out, uint64_t v)
{
    return rlp_write_u64(out, v);
}

/* Type 2 without an access list; the three numbers of the signature are left out when sig is NULL. */
static size_t encode(uint8_t out[TX_CAP], const struct load_plan *p, uint64_t nonce,
                     const struct addr *to, const struct u256 *value, struct bytes data,
                     const struct crypto_signature *sig)
{
    uint8_t fields[TX_CAP];
    size_t n = field_u64(fields, p->set->chain_id);
    n += field_u64(fields + n, nonce);
    n += field_u64(fields + n, 0);
    n += field_u64(fields + n, p->set->max_fee_wei);
    n += field_u64(fields + n, p->set->gas_limit);
    n += rlp_write_string(fields + n, bytes_of(to->b, 20));
    n += rlp_write_u256(fields + n, value);
    n += rlp_write_string(fields + n, data);
    n += rlp_write_list_header(fields + n, 0);
    if (sig) {
        n += field_u64(fields + n, sig->y_parity);
        n += rlp_write_u256(fields + n, &sig->r);
        n += rlp_write_u256(fields + n, &sig->s);
    }
    out[0] = 2;
    size_t at = 1 + rlp_write_list_header(out + 1, n);
    CHECK(at + n <= TX_CAP);
    memcpy(out + at, fields, n);
    return at + n;
}

static size_t sign(uint8_t out[TX_CAP], struct b256 *hash, const struct load_plan *p,
                   struct load_sender *from, const struct addr *to, const struct u256 *amount)
{
    static const uint8_t transfer[4] = { 0xa9, 0x05, 0x9c, 0xbb };
    struct crypto_signature sig;
    struct u256 value = *amount;
    uint8_t data[DATA_CAP];
    size_t data_len = 0;
    if (p->set->kind == LOAD_ERC20) {
        struct b256 who = addr_pad32(to);
        memcpy(data, transfer, 4);
        memcpy(data + 4, who.b, 32);
        u256_to_be32(data + 36, amount);
        data_len = DATA_CAP;
        value = U256_ZERO;
        to = &p->set->token;
    }
    struct bytes call = bytes_of(data, data_len);
    size_t n = encode(out, p, from->nonce, to, &value, call, NULL);
    struct b256 digest = keccak256(out, n);
    CHECK(crypto_sign(&sig, &digest, &from->key));
    n = encode(out, p, from->nonce++, to, &value, call, &sig);
    *hash = keccak256(out, n);
    return n;
}

static void remember(struct load_plan *p, uint32_t position)
{
    size_t i = (size_t)load_le64(p->hash[position].b) & p->slot_mask;
    while (p->slot[i])
        i = (i + 1) & p->slot_mask;
    p->slot[i] = position + 1;
}

bool load_plan_mark(struct load_plan *p, const struct b256 *hash, uint32_t *position)
{
    size_t i = (size_t)load_le64(hash->b) & p->slot_mask;
    for (; p->slot[i]; i = (i + 1) & p->slot_mask) {
        uint32_t at = p->slot[i] - 1;
        if (!b256_eq(&p->hash[at], hash))
            continue;
        bool fresh = !p->included[at];
        p->included[at] = true;
        *position = at;
        return fresh;
    }
    return false;
}

void load_plan_add(struct load_plan *p, struct load_sender *from, const struct addr *to,
                   const struct u256 *amount, size_t per_request)
{
    uint8_t raw[TX_CAP];
    CHECK(p->tx_cnt < p->tx_cap);
    uint32_t position = (uint32_t)p->tx_cnt++;
    size_t len = sign(raw, &p->hash[position], p, from, to, amount);
    remember(p, position);
    if (per_request)
        buf_append_str(&p->json, p->in_json ? "," : "[");
    buf_printf(
        &p->json,
        "{\"jsonrpc\":\"2.0\",\"id\":%u,\"method\":\"eth_sendRawTransaction\",\"params\":[\"",
        p->in_json);
    buf_append_hex(&p->json, raw, len);
    buf_append_str(&p->json, "\"]}");
    p->in_json++;
    if (p->in_json >= per_request) {
        if (per_request)
            buf_append_str(&p->json, "]");
        load_plan_end_request(p);
    }
}

void load_plan_end_request(struct load_plan *p)
{
    if (!p->in_json)
        return;
    struct load_request *r = &p->req[p->req_cnt++];
    if (p->json.p[0] == '[' && p->json.p[p->json.len - 1] != ']')
        buf_append_str(&p->json, "]");
    r->cnt = p->in_json;
    r->first = (uint32_t)p->tx_cnt - p->in_json;
    buf_init(&r->http, MAX_REQUEST);
    load_http_wrap(&r->http, &p->set->target, bytes_of(p->json.p, p->json.len));
    CHECK(!r->http.failed && !p->json.failed);
    buf_reset(&p->json);
    p->in_json = 0;
}
