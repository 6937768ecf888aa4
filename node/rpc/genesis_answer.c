/* node/rpc/genesis_answer.c
 *
 * The answer of zks_getGenesis, made once from the genesis file: either shape of file (node/state/genesis.h) to the
 * one shape other nodes read. */
#include <stdlib.h>

#include "node/rpc/encode.h"
#include "node/rpc/rpc_internal.h"

#define MAX_ANSWER (128u << 20)

static void contract(struct buf *b, const char *addr, const char *code)
{
    js_open(b, '[');
    js_text(b, addr);
    js_text(b, code);
    js_close(b, ']');
}

/* { address: { nonce, balance, code, storage: { slot: value } } } */
static void from_alloc(struct buf *b, const json_t *alloc)
{
    const char *addr, *slot;
    json_t *account, *value;
    js_key(b, "initial_contracts");
    js_open(b, '[');
    json_object_foreach(json_unconst(alloc), addr, account)
    {
        const char *code = json_string_value(json_object_get(account, "code"));
        if (code && strcmp(code, "0x") != 0)
            contract(b, addr, code);
    }
    js_close(b, ']');
    js_key(b, "additional_storage");
    js_open(b, '{');
    json_object_foreach(json_unconst(alloc), addr, account)
    {
        json_t *storage = json_object_get(account, "storage");
        if (json_object_size(storage) == 0)
            continue;
        js_key(b, addr);
        js_open(b, '{');
        json_object_foreach(storage, slot, value)
            jm_text(b, slot, json_is_string(value) ? json_string_value(value) : "0x0");
        js_close(b, '}');
    }
    js_close(b, '}');
}

static void dumped(struct buf *b, const char *key, const json_t *v, const char *otherwise)
{
    char *text = v ? json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    jm_raw(b, key, text ? text : otherwise);
    free(text);
}

static const json_t *either(const json_t *o, const char *a, const char *b)
{
    const json_t *v = json_object_get(o, a);
    return v ? v : json_object_get(o, b);
}

char *rpc_genesis_answer(struct bytes genesis_json, uint32_t execution_version)
{
    json_t *file = genesis_json.len
                       ? json_loadb((const char *)genesis_json.p, genesis_json.len, 0, NULL)
                       : NULL;
    if (!json_is_object(file)) {
        json_decref(file);
        return NULL;
    }
    struct buf b;
    buf_init(&b, MAX_ANSWER);
    js_open(&b, '{');
    const json_t *alloc = json_object_get(file, "alloc");
    if (alloc) {
        from_alloc(&b, alloc);
        jm_raw(&b, "additional_storage_raw", "[]");
    } else {
        dumped(&b, "initial_contracts", json_object_get(file, "initial_contracts"), "[]");
        dumped(&b, "additional_storage", json_object_get(file, "additional_storage"), "{}");
        dumped(&b, "additional_storage_raw", json_object_get(file, "additional_storage_raw"), "[]");
    }
    const json_t *version = json_object_get(file, "execution_version");
    jm_number(&b, "execution_version",
              json_is_integer(version) ? (uint64_t)json_integer_value(version) : execution_version);
    dumped(&b, "genesis_root", either(file, "genesis_root", "genesisRoot"), "null");
    js_close(&b, '}');
    buf_append(&b, "", 1);
    json_decref(file);
    size_t len;
    char *text = b.failed ? NULL : (char *)buf_take(&b, &len);
    buf_clear(&b);
    return text;
}
