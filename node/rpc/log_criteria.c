#include "node/rpc/log_criteria.h"

#include <stdlib.h>

#include "node/base/hash.h"
#include "node/rpc/handlers.h"
#include "node/rpc/params.h"

#define MAX_ALTERNATIVES 1024u /* addresses, or topics at one place */

const json_t *criteria_member(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    return json_is_null(v) ? NULL : v;
}

static bool read_alternatives(struct rpc_call *c, const json_t *v, const char *name, bool is_addr,
                              struct alternatives *out)
{
    size_t n = json_is_array(v) ? json_array_size(v) : 1;
    if (!v || json_is_null(v))
        return true;
    if (n > MAX_ALTERNATIVES)
        return rpc_fail(c, RPC_PARAMS, "invalid params: more than %u alternatives for %s",
                        MAX_ALTERNATIVES, name);
    struct b256 *items = arena_alloc(&c->s->arena, n * sizeof(*items));
    if (!items)
        return rpc_no_memory(c);
    for (size_t i = 0; i < n; i++) {
        const json_t *x = json_is_array(v) ? json_array_get(v, i) : v;
        struct addr a;
        if (json_is_null(x)) /* one alternative is anything */
            return true;
        if (!(is_addr ? value_addr(c, x, name, &a) : value_hash(c, x, name, &items[i])))
            return false;
        if (is_addr)
            items[i] = addr_pad32(&a);
    }
    *out = (struct alternatives){ items, n };
    return true;
}

bool criteria_read(struct rpc_call *c, const json_t *o, struct criteria *k)
{
    *k = (struct criteria){ 0 };
    if (!json_is_object(o))
        return rpc_fail(c, RPC_PARAMS, "invalid params: filter: expected an object");
    const json_t *topics = criteria_member(o, "topics");
    if (topics && (!json_is_array(topics) || json_array_size(topics) > 4))
        return rpc_fail(c, RPC_PARAMS, "invalid params: topics: expected an array of at most 4");
    k->topic_cnt = json_array_size(topics);
    for (size_t i = 0; i < k->topic_cnt; i++)
        if (!read_alternatives(c, json_array_get(topics, i), "topics", false, &k->topics[i]))
            return false;
    return read_alternatives(c, criteria_member(o, "address"), "address", true, &k->addrs);
}

static bool has_alternative(const struct alternatives *a, const struct b256 *word)
{
    for (size_t i = 0; i < a->cnt; i++)
        if (b256_eq(&a->items[i], word))
            return true;
    return a->cnt == 0;
}

bool criteria_match(const struct criteria *k, const struct stf_event *e)
{
    struct b256 a = addr_pad32(&e->addr);
    if (!has_alternative(&k->addrs, &a) || e->topic_cnt < k->topic_cnt)
        return false;
    for (size_t i = 0; i < k->topic_cnt; i++)
        if (!has_alternative(&k->topics[i], &e->topics[i]))
            return false;
    return true;
}

static bool bloom_has(const uint8_t bloom[256], const void *item, size_t len)
{
    struct b256 h = keccak256(item, len);
    for (int i = 0; i < 6; i += 2) {
        unsigned bit = ((unsigned)h.b[i] << 8 | h.b[i + 1]) & 2047;
        if (!(bloom[255 - bit / 8] & 1u << (bit % 8)))
            return false;
    }
    return true;
}

static bool bloom_has_any(const uint8_t bloom[256], const struct alternatives *a, bool is_addr)
{
    for (size_t i = 0; i < a->cnt; i++)
        if (is_addr ? bloom_has(bloom, a->items[i].b + 12, 20)
                    : bloom_has(bloom, a->items[i].b, 32))
            return true;
    return a->cnt == 0;
}

bool criteria_bloom(const struct criteria *k, const uint8_t bloom[256])
{
    if (!bloom_has_any(bloom, &k->addrs, true))
        return false;
    for (size_t i = 0; i < k->topic_cnt; i++)
        if (!bloom_has_any(bloom, &k->topics[i], false))
            return false;
    return true;
}

size_t criteria_size(const struct criteria *k)
{
    size_t n = k->addrs.cnt;
    for (size_t i = 0; i < 4; i++)
        n += k->topics[i].cnt;
    return n;
}

struct criteria *criteria_copy(const struct criteria *k)
{
    const struct alternatives *from[5] = { &k->addrs, &k->topics[0], &k->topics[1], &k->topics[2],
                                           &k->topics[3] };
    struct criteria *copy = malloc(sizeof(*copy) + criteria_size(k) * sizeof(struct b256));
    if (!copy)
        return NULL;
    *copy = *k;
    uint8_t *at = (uint8_t *)(copy + 1);
    struct alternatives *to[5] = { &copy->addrs, &copy->topics[0], &copy->topics[1],
                                   &copy->topics[2], &copy->topics[3] };
    for (size_t i = 0; i < 5; i++) {
        size_t n = from[i]->cnt * sizeof(struct b256);
        if (n)
            memcpy(at, from[i]->items, n);
        to[i]->items = (const struct b256 *)at;
        at += n;
    }
    return copy;
}
