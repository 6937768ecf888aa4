#include "tests/statetest/fixture.h"

#include "node/base/hex.h"

#include <string.h>

#define BIGINT_PREFIX "0x:bigint "

const struct fixture_fork fixture_forks[FIXTURE_FORK_CNT] = {
    { "Cancun", stf_rules_ethereum_cancun },
    { "Prague", stf_rules_ethereum_prague },
    { "Osaka", stf_rules_ethereum_osaka },
};

static void *take(struct arena *arena, size_t n)
{
    void *p = arena_zalloc(arena, n);
    CHECK(p);
    return p;
}

/* "0x0a", "0x" and "0x:bigint 0x0a"; false when it needs more than 256 bits. */
static bool parse_number(struct u256 *out, const char *s)
{
    if (!s)
        return false;
    if (strncmp(s, BIGINT_PREFIX, strlen(BIGINT_PREFIX)) == 0)
        s += strlen(BIGINT_PREFIX);
    if (strncmp(s, "0x", 2) == 0)
        s += 2;
    while (*s == '0')
        s++;
    size_t len = strlen(s);
    if (len > 64)
        return false;
    char digits[65];
    uint8_t word[32];
    memset(digits, '0', 64);
    memcpy(digits + 64 - len, s, len);
    digits[64] = 0;
    if (!hex_decode_exact(word, 32, digits, 64))
        return false;
    *out = u256_of_be32(word);
    return true;
}

static bool get_u256(struct u256 *out, const json_t *obj, const char *key)
{
    return parse_number(out, json_string_value(json_object_get(obj, key)));
}

static bool get_u64(uint64_t *out, const json_t *obj, const char *key)
{
    struct u256 v;
    if (!get_u256(&v, obj, key) || !u256_fits_u64(&v))
        return false;
    *out = v.w[0];
    return true;
}

static bool parse_bytes(struct bytes *out, const char *s, struct arena *arena)
{
    if (!s)
        return false;
    size_t len = strlen(s), n;
    uint8_t *p = take(arena, len / 2 + 1);
    if (!hex_decode(p, len / 2 + 1, &n, s, len))
        return false;
    *out = bytes_of(p, n);
    return true;
}

static bool parse_addr(struct addr *out, const char *s)
{
    return s && hex_decode_exact(out->b, 20, s, strlen(s));
}

static bool parse_b256(struct b256 *out, const char *s)
{
    struct u256 v;
    if (!parse_number(&v, s))
        return false;
    *out = u256_to_b256(&v);
    return true;
}

static bool load_env(struct fixture_env *e, const json_t *env)
{
    const char *coinbase = json_string_value(json_object_get(env, "currentCoinbase"));
    if (!get_u64(&e->excess_blob_gas, env, "currentExcessBlobGas"))
        e->excess_blob_gas = 0;
    if (!get_u256(&e->random, env, "currentRandom"))
        e->random = U256_ZERO;
    if (!get_u256(&e->base_fee, env, "currentBaseFee"))
        return false;
    struct u256 limit;
    /* a few tests name a limit beyond 64 bits: "no limit" */
    if (!get_u256(&limit, env, "currentGasLimit"))
        return false;
    e->gas_limit = u256_sat_u64(&limit);
    return parse_addr(&e->coinbase, coinbase) && get_u64(&e->number, env, "currentNumber") &&
           get_u64(&e->timestamp, env, "currentTimestamp");
}

static bool load_account(struct fixture_account *a, const char *addr, const json_t *acc,
                         struct arena *arena)
{
    const json_t *storage = json_object_get(acc, "storage");
    if (!parse_addr(&a->addr, addr) || !get_u64(&a->nonce, acc, "nonce") ||
        !get_u256(&a->balance, acc, "balance") ||
        !parse_bytes(&a->code, json_string_value(json_object_get(acc, "code")), arena))
        return false;
    struct fixture_slot *slots = take(arena, json_object_size(storage) * sizeof(*slots) + 1);
    const char *key;
    json_t *value;
    json_t *mutable_storage = json_object_get(acc, "storage");
    json_object_foreach(mutable_storage, key, value)
    {
        if (!parse_b256(&slots[a->slot_cnt].slot, key) ||
            !parse_b256(&slots[a->slot_cnt].value, json_string_value(value)))
            return false;
        a->slot_cnt++;
    }
    a->slots = slots;
    return true;
}

static bool load_pre(struct fixture *f, json_t *pre, struct arena *arena)
{
    struct fixture_account *accounts = take(arena, json_object_size(pre) * sizeof(*accounts) + 1);
    const char *key;
    json_t *value;
    json_object_foreach(pre, key, value)
    {
        if (!load_account(&accounts[f->pre_cnt], key, value, arena))
            return false;
        f->pre_cnt++;
    }
    f->pre = accounts;
    return true;
}

static bool get_index(size_t *out, const json_t *obj, const char *key)
{
    const json_t *v = json_object_get(obj, key);
    if (!json_is_integer(v) || json_integer_value(v) < 0)
        return false;
    *out = (size_t)json_integer_value(v);
    return true;
}

static bool load_case(struct fixture_case *c, const json_t *post, struct arena *arena)
{
    const json_t *indexes = json_object_get(post, "indexes");
    const char *txbytes = json_string_value(json_object_get(post, "txbytes"));
    c->expects_rejection = json_object_get(post, "expectException") != NULL;
    if (txbytes && !parse_bytes(&c->txbytes, txbytes, arena))
        return false;
    return get_index(&c->data, indexes, "data") && get_index(&c->gas, indexes, "gas") &&
           get_index(&c->value, indexes, "value") &&
           parse_b256(&c->root, json_string_value(json_object_get(post, "hash"))) &&
           parse_b256(&c->logs, json_string_value(json_object_get(post, "logs")));
}

static bool load_cases(struct fixture *out, const json_t *post, struct arena *arena)
{
    size_t n = 0;
    for (size_t f = 0; f < FIXTURE_FORK_CNT; f++)
        n += json_array_size(json_object_get(post, fixture_forks[f].name));
    struct fixture_case *cases = take(arena, n * sizeof(*cases) + 1);
    for (size_t f = 0; f < FIXTURE_FORK_CNT; f++) {
        const json_t *list = json_object_get(post, fixture_forks[f].name);
        for (size_t i = 0; i < json_array_size(list); i++) {
            struct fixture_case *c = &cases[out->case_cnt++];
            c->fork = fixture_forks[f].name;
            c->rules = fixture_forks[f].rules();
            if (!load_case(c, json_array_get(list, i), arena))
                return false;
        }
    }
    out->cases = cases;
    return true;
}

bool fixture_load(struct fixture *out, const char *name, const json_t *test, struct arena *arena,
                  const char **why)
{
    *out = (struct fixture){ .name = name };
    const json_t *post = json_object_get(test, "post");
    out->tx = json_object_get(test, "transaction");
    *why = "no transaction or post-state";
    if (!out->tx || !post)
        return false;
    *why = "environment";
    if (!load_env(&out->env, json_object_get(test, "env")))
        return false;
    *why = "pre-state";
    if (!load_pre(out, json_object_get(test, "pre"), arena))
        return false;
    *why = "post-state";
    if (!load_cases(out, post, arena))
        return false;
    *why = "no fork this build knows";
    return out->case_cnt > 0;
}

/* ---- the transaction ---- */

static const char *choice(const json_t *tx, const char *key, size_t index)
{
    return json_string_value(json_array_get(json_object_get(tx, key), index));
}

static bool load_access(struct stf_tx *out, const json_t *list, struct arena *arena)
{
    size_t n = json_array_size(list);
    struct tx_access *access = take(arena, n * sizeof(*access) + 1);
    for (size_t i = 0; i < n; i++) {
        const json_t *entry = json_array_get(list, i);
        const json_t *keys = json_object_get(entry, "storageKeys");
        struct b256 *k = take(arena, json_array_size(keys) * sizeof(*k) + 1);
        if (!parse_addr(&access[i].addr, json_string_value(json_object_get(entry, "address"))))
            return false;
        for (size_t j = 0; j < json_array_size(keys); j++) {
            if (!parse_b256(&k[j], json_string_value(json_array_get(keys, j))))
                return false;
        }
        access[i].keys = k;
        access[i].key_cnt = json_array_size(keys);
    }
    out->access = access;
    out->access_cnt = n;
    return true;
}

static bool load_blobs(struct stf_tx *out, const json_t *hashes, struct arena *arena)
{
    size_t n = json_array_size(hashes);
    struct b256 *h = take(arena, n * sizeof(*h) + 1);
    for (size_t i = 0; i < n; i++) {
        const char *s = json_string_value(json_array_get(hashes, i));
        if (!s || !hex_decode_exact(h[i].b, 32, s, strlen(s)))
            return false;
    }
    out->blob_hashes = h;
    out->blob_cnt = n;
    return true;
}

static bool load_auths(struct stf_tx *out, const json_t *list, struct arena *arena)
{
    size_t n = json_array_size(list);
    struct tx_authorization *auths = take(arena, n * sizeof(*auths) + 1);
    for (size_t i = 0; i < n; i++) {
        const json_t *a = json_array_get(list, i);
        if (!get_u256(&auths[i].chain_id, a, "chainId") ||
            !parse_addr(&auths[i].target, json_string_value(json_object_get(a, "address"))) ||
            !get_u64(&auths[i].nonce, a, "nonce") || !get_u256(&auths[i].y_parity, a, "v") ||
            !get_u256(&auths[i].r, a, "r") || !get_u256(&auths[i].s, a, "s"))
            return false;
    }
    out->auths = auths;
    out->auth_cnt = n;
    return true;
}

static bool load_fees(struct stf_tx *out, const json_t *tx, bool has_access)
{
    if (json_object_get(tx, "gasPrice")) {
        out->type = has_access ? TX_ACCESS_LIST : TX_LEGACY;
        if (!get_u256(&out->max_fee, tx, "gasPrice"))
            return false;
        out->max_priority_fee = out->max_fee;
        return true;
    }
    out->type = TX_DYNAMIC_FEE;
    return get_u256(&out->max_fee, tx, "maxFeePerGas") &&
           get_u256(&out->max_priority_fee, tx, "maxPriorityFeePerGas");
}

bool fixture_tx(struct stf_tx *out, const struct fixture *f, const struct fixture_case *c,
                struct arena *arena)
{
    const json_t *tx = f->tx;
    struct u256 gas;
    *out = (struct stf_tx){ .from_is_set = true, .has_chain_id = true, .chain_id = 1 };
    const json_t *access = json_array_get(json_object_get(tx, "accessLists"), c->data);
    bool has_access = json_is_array(access);
    const char *to = json_string_value(json_object_get(tx, "to"));
    out->is_create = !to || !*to;
    if (!out->is_create && !parse_addr(&out->to, to))
        return false;
    if (!load_fees(out, tx, has_access) || (has_access && !load_access(out, access, arena)))
        return false;
    const json_t *blobs = json_object_get(tx, "blobVersionedHashes");
    if (blobs || json_object_get(tx, "maxFeePerBlobGas")) {
        out->type = TX_BLOB;
        if (!load_blobs(out, blobs, arena) ||
            !get_u256(&out->max_fee_per_blob_gas, tx, "maxFeePerBlobGas"))
            return false;
    }
    const json_t *auths = json_object_get(tx, "authorizationList");
    if (auths) {
        out->type = TX_SET_CODE;
        if (!load_auths(out, auths, arena))
            return false;
    }
    if (!parse_number(&gas, choice(tx, "gasLimit", c->gas)) || !u256_fits_u64(&gas))
        return false;
    out->gas_limit = gas.w[0];
    return parse_addr(&out->from, json_string_value(json_object_get(tx, "sender"))) &&
           get_u64(&out->nonce, tx, "nonce") &&
           parse_number(&out->value, choice(tx, "value", c->value)) &&
           parse_bytes(&out->data, choice(tx, "data", c->data), arena);
}
