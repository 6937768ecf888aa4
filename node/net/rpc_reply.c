#include "node/net/rpc_reply.h"

#include <string.h>
#include <strings.h>

#include "node/base/hex.h"

json_t *rpc_reply_parse(struct bytes body, bool *is_array, size_t *cnt, struct err *err)
{
    json_error_t je;
    json_t *doc = json_loadb((const char *)body.p, body.len, JSON_REJECT_DUPLICATES, &je);
    if (!doc) {
        err_set(err, ERR_INVALID, "reply is not JSON: %s", je.text);
        return NULL;
    }
    *is_array = json_is_array(doc);
    *cnt = *is_array ? json_array_size(doc) : 1;
    return doc;
}

static bool answer_id(const json_t *id, struct rpc_answer *out, struct err *err)
{
    if (!id || json_is_null(id))
        return true;
    if (!json_is_integer(id) || json_integer_value(id) < 0)
        return err_set(err, ERR_INVALID, "JSON-RPC reply with a foreign id");
    out->has_id = true;
    out->id = (uint64_t)json_integer_value(id);
    return true;
}

bool rpc_reply_answer(const json_t *doc, bool is_array, size_t i, struct rpc_answer *out,
                      struct err *err)
{
    const json_t *o = is_array ? json_array_get(doc, i) : doc;
    *out = (struct rpc_answer){ .message = "" };
    if (!json_is_object(o))
        return err_set(err, ERR_INVALID, "JSON-RPC reply is not an object");
    if (!answer_id(json_object_get(o, "id"), out, err))
        return false;
    const json_t *error = json_object_get(o, "error");
    if (error && !json_is_null(error)) {
        out->is_error = true;
        if (json_is_object(error)) {
            const json_t *code = json_object_get(error, "code");
            const char *message = json_string_value(json_object_get(error, "message"));
            out->code = json_is_integer(code) ? json_integer_value(code) : 0;
            out->message = message ? message : "";
            out->error_data = json_object_get(error, "data");
        } else if (json_is_string(error)) {
            out->message = json_string_value(error);
        }
        return true;
    }
    out->result = json_object_get(o, "result");
    if (!out->result)
        return err_set(err, ERR_INVALID, "JSON-RPC reply with neither result nor error");
    return true;
}

static bool append_hex_text(const char *s, struct buf *out)
{
    size_t digits = strspn(s + 2, "0123456789abcdefABCDEF");
    if (s[2 + digits] != '\0' || digits % 2 != 0)
        return false;
    if (digits == 0)
        return true;
    size_t n = 0;
    uint8_t *p = buf_extend(out, digits / 2);
    return p && hex_decode(p, digits / 2, &n, s, digits + 2);
}

static bool data_of(const json_t *d, int depth, struct buf *out)
{
    if (json_is_string(d)) {
        const char *s = json_string_value(d);
        if (strncmp(s, "0x", 2) == 0)
            return append_hex_text(s, out);
        if (strncasecmp(s, "reverted 0x", 11) == 0)
            return append_hex_text(s + 9, out);
        return false;
    }
    if (!json_is_object(d) || depth >= 3)
        return false;
    static const char *const inner[] = { "data", "result", "originalError" };
    for (size_t i = 0; i < GH_COUNT(inner); i++) {
        const json_t *v = json_object_get(d, inner[i]);
        if (v && data_of(v, depth + 1, out))
            return true;
    }
    return false;
}

bool rpc_revert_data(const struct rpc_answer *a, struct buf *out)
{
    return a->error_data && data_of(a->error_data, 0, out);
}

bool rpc_text_has(const char *haystack, const char *needle)
{
    size_t n = strlen(needle);
    for (; *haystack; haystack++)
        if (strncasecmp(haystack, needle, n) == 0)
            return true;
    return n == 0;
}

bool rpc_is_rate_limit(const struct rpc_answer *a)
{
    if (!a->is_error)
        return false;
    if (a->code == 429 || a->code == -32029)
        return true;
    static const char *const words[] = {
        "rate limit",
        "rate-limit",
        "too many requests",
        "compute units per",
        "request limit",
        "requests per second",
        "exceeded its throughput",
        "daily limit",
        "capacity exceeded",
        "throttle",
    };
    for (size_t i = 0; i < GH_COUNT(words); i++)
        if (rpc_text_has(a->message, words[i]))
            return true;
    return false;
}
