/* settlement/prover/messages.c */
#include "settlement/prover/messages.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "node/base/hex.h"
#include "settlement/prover/base64.h"

static bool refuse(int *status, int code, char reason[160], const char *text, const char *what)
{
    *status = code;
    snprintf(reason, 160, "%s%.100s", text, what);
    return false;
}

static bool member_number(const json_t *o, const char *name, uint64_t *out)
{
    const json_t *v = json_object_get(o, name);
    json_int_t n = json_is_integer(v) ? json_integer_value(v) : 0;
    if (n <= 0)
        return false;
    *out = (uint64_t)n;
    return true;
}

static bool read_members(struct prover_submission *out, bool is_snark, const json_t *o, int *status,
                         char reason[160])
{
    const char *first = is_snark ? "from_batch_number" : "batch_number";
    if (!json_is_object(o))
        return refuse(status, 422, reason, "not an object", "");
    if (!member_number(o, first, &out->from))
        return refuse(status, 422, reason, "no batch number in ", first);
    out->to = out->from;
    if (is_snark && !member_number(o, "to_batch_number", &out->to))
        return refuse(status, 422, reason, "no batch number in ", "to_batch_number");
    const json_t *vk = json_object_get(o, "vk_hash"), *proof = json_object_get(o, "proof");
    if (!json_is_string(vk))
        return refuse(status, 422, reason, "no text in ", "vk_hash");
    if (!json_is_string(proof))
        return refuse(status, 422, reason, "no text in ", "proof");
    if (out->from > out->to)
        return refuse(status, 400, reason, "from_batch_number is above to_batch_number", "");
    if (!prover_read_key(&out->vk, json_string_value(vk), json_string_length(vk)))
        return refuse(status, 400, reason, "vk_hash is not 32 bytes in hexadecimal", "");
    if (!base64_decode(&out->proof, json_string_value(proof), json_string_length(proof)))
        return refuse(status, 400, reason, "invalid base64 in proof", "");
    return out->proof.len > 0 || refuse(status, 400, reason, "the proof is empty", "");
}

bool prover_read_submission(struct prover_submission *out, bool is_snark, struct bytes body,
                            int *status, char reason[160])
{
    json_error_t why;
    memset(out, 0, sizeof(*out));
    buf_init(&out->proof, PROVER_BODY_MAX);
    if (body.len == 0 || body.len > PROVER_BODY_MAX)
        return refuse(status, 400, reason, "no body, or too long", "");
    json_t *o =
        json_loadb((const char *)body.p, body.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
    if (!o)
        return refuse(status, 400, reason, "not JSON: ", why.text);
    bool ok = read_members(out, is_snark, o, status, reason);
    json_decref(o);
    return ok;
}

bool prover_read_key(struct b256 *out, const char *text, size_t len)
{
    return hex_decode_exact(out->b, 32, text, len);
}

bool prover_read_number(uint64_t *out, const char *text, size_t len)
{
    uint64_t n = 0;
    if (len == 0 || len > 18)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        n = n * 10 + (uint64_t)(text[i] - '0');
    }
    *out = n;
    return n > 0;
}

bool prover_keys_allow(const char *list, const struct b256 *vk)
{
    bool any = false;
    while (*list) {
        size_t len = strcspn(list, ", ");
        struct b256 k;
        any = any || len > 0;
        if (len > 0 && prover_read_key(&k, list, len) && b256_eq(&k, vk))
            return true;
        list += len + strspn(list + len, ", ");
    }
    return !any;
}

bool prover_write_input(struct buf *out, struct bytes witness)
{
    struct buf words;
    uint8_t len[4];
    static const uint8_t zeros[3];
    buf_init(&words, witness.len + 8);
    store_le32(len, (uint32_t)witness.len);
    bool ok = buf_append(&words, len, 4) && buf_append(&words, witness.p, witness.len) &&
              buf_append(&words, zeros, (4 - witness.len % 4) % 4) &&
              base64_encode(out, bytes_of(words.p, words.len));
    buf_clear(&words);
    return ok;
}
