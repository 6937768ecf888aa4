#include "contracts-abi/codec.h"

#include "contracts-abi/cursor.h"
#include "contracts-abi/writer.h"

/* The recursion of both walkers follows the descriptor, which is constant and finite: its depth
 * does not depend on the data. */

static const void *at_offset(const void *p, size_t offset)
{
    return (const uint8_t *)p + offset;
}

static struct abi_list load_list(const void *p)
{
    struct abi_list l;
    memcpy(&l, p, sizeof l);
    return l;
}

static struct bytes load_bytes(const void *p)
{
    struct bytes b;
    memcpy(&b, p, sizeof b);
    return b;
}

static void encode_into(struct buf *out, size_t at, size_t base, const struct abi_type *t,
                        const void *v);

static void encode_fields(struct buf *out, size_t at, size_t base, const struct abi_type *t,
                          const void *v)
{
    for (size_t i = 0; i < t->cnt; i++) {
        const struct abi_field *f = &t->fields[i];
        encode_into(out, at, base, f->type, at_offset(v, f->offset));
        at += f->type->head_len;
    }
}

static void encode_items(struct buf *out, size_t at, size_t base, const struct abi_type *item,
                         const void *items, size_t cnt)
{
    for (size_t i = 0; i < cnt && !out->failed; i++) {
        encode_into(out, at, base, item, at_offset(items, i * item->size));
        at += item->head_len;
    }
}

/* A dynamic value at the end of the buffer. */
static void encode_tail(struct buf *out, const struct abi_type *t, const void *v)
{
    size_t base;
    switch (t->kind) {
    case ABI_BYTES:
    case ABI_STRING:
        abi_write_bytes(out, load_bytes(v));
        break;
    case ABI_LIST: {
        struct abi_list l = load_list(v);
        abi_write_u64(out, l.cnt);
        if (l.cnt > SIZE_MAX / t->item->head_len) {
            out->failed = true;
            break;
        }
        base = abi_write_reserve(out, l.cnt * t->item->head_len);
        encode_items(out, base, base, t->item, l.items, l.cnt);
        break;
    }
    case ABI_ARRAY:
        base = abi_write_reserve(out, t->body_len);
        encode_items(out, base, base, t->item, v, t->cnt);
        break;
    case ABI_TUPLE:
        base = abi_write_reserve(out, t->body_len);
        encode_fields(out, base, base, t, v);
        break;
    case ABI_UINT:
    case ABI_INT:
    case ABI_BOOL:
    case ABI_ADDRESS:
    case ABI_FIXED_BYTES:
        gh_check_failed("a word has no tail", __FILE__, __LINE__);
    }
}

/* A word value at a reserved place. */
static void encode_word(struct buf *out, size_t at, const struct abi_type *t, const void *v)
{
    switch (t->kind) {
    case ABI_UINT:
        if (t->bits <= 64)
            abi_write_u64_at(out, at, *(const uint64_t *)v, t->bits);
        else
            abi_write_u256_at(out, at, v, t->bits, false);
        break;
    case ABI_INT:
        if (t->bits <= 64)
            abi_write_i64_at(out, at, *(const int64_t *)v, t->bits);
        else
            abi_write_u256_at(out, at, v, t->bits, true);
        break;
    case ABI_BOOL:
        abi_write_bool_at(out, at, *(const bool *)v);
        break;
    case ABI_ADDRESS:
        abi_write_addr_at(out, at, v);
        break;
    case ABI_FIXED_BYTES:
        abi_write_fixed_bytes_at(out, at, v, t->bits / 8);
        break;
    case ABI_BYTES:
    case ABI_STRING:
    case ABI_LIST:
    case ABI_ARRAY:
    case ABI_TUPLE:
        gh_check_failed("not a word", __FILE__, __LINE__);
    }
}

static void encode_into(struct buf *out, size_t at, size_t base, const struct abi_type *t,
                        const void *v)
{
    if (out->failed)
        return;
    if (t->dynamic) {
        abi_write_u64_at(out, at, out->len - base, 64);
        encode_tail(out, t, v);
    } else if (t->kind == ABI_TUPLE) {
        encode_fields(out, at, base, t, v);
    } else if (t->kind == ABI_ARRAY) {
        encode_items(out, at, base, t->item, v, t->cnt);
    } else {
        encode_word(out, at, t, v);
    }
}

bool abi_encode_params(struct buf *out, const struct abi_type *t, const void *v)
{
    CHECK(t->kind == ABI_TUPLE);
    size_t base = abi_write_reserve(out, t->body_len);
    encode_fields(out, base, base, t, v);
    return !out->failed;
}

bool abi_encode_value(struct buf *out, const struct abi_type *t, const void *v)
{
    size_t base = abi_write_reserve(out, t->head_len);
    encode_into(out, base, base, t, v);
    return !out->failed;
}

bool abi_encode_call(struct buf *out, uint32_t selector, const struct abi_type *t, const void *v)
{
    abi_write_selector(out, selector);
    return t ? abi_encode_params(out, t, v) : !out->failed;
}

/* An indexed field: one word, or the hash of a dynamic value (a b256 in the C struct). */
static void encode_topic(struct b256 *topic, const struct abi_type *t, const void *v,
                         struct buf *scratch)
{
    if (t->dynamic || t->kind == ABI_TUPLE || t->kind == ABI_ARRAY) {
        memcpy(topic->b, v, sizeof topic->b);
        return;
    }
    size_t at = abi_write_reserve(scratch, 32);
    encode_word(scratch, at, t, v);
    if (!scratch->failed) {
        memcpy(topic->b, scratch->p + at, sizeof topic->b);
        scratch->len = at;
    }
}

bool abi_encode_event(struct abi_log_parts *out, const struct abi_event *e, const void *v)
{
    out->topics[0] = e->topic;
    out->topic_cnt = 1;
    for (size_t i = 0; i < e->field_cnt; i++) {
        const struct abi_field *f = &e->fields[i];
        if (f->indexed)
            encode_topic(&out->topics[out->topic_cnt++], f->type, at_offset(v, f->offset),
                         out->data);
    }
    size_t base = abi_write_reserve(out->data, e->data_head_len), at = base;
    for (size_t i = 0; i < e->field_cnt; i++) {
        const struct abi_field *f = &e->fields[i];
        if (f->indexed)
            continue;
        encode_into(out->data, at, base, f->type, at_offset(v, f->offset));
        at += f->type->head_len;
    }
    return !out->data->failed;
}

static void decode_from(struct abi_cursor *c, size_t at, size_t base, const struct abi_type *t,
                        void *out);

static void decode_fields(struct abi_cursor *c, size_t at, size_t base, const struct abi_type *t,
                          void *out)
{
    for (size_t i = 0; i < t->cnt; i++) {
        const struct abi_field *f = &t->fields[i];
        decode_from(c, at, base, f->type, (uint8_t *)out + f->offset);
        at += f->type->head_len;
    }
}

static void decode_items(struct abi_cursor *c, size_t at, size_t base, const struct abi_type *item,
                         void *items, size_t cnt)
{
    for (size_t i = 0; i < cnt && abi_cursor_ok(c); i++) {
        decode_from(c, at, base, item, (uint8_t *)items + i * item->size);
        at += item->head_len;
    }
}

static void decode_tail(struct abi_cursor *c, size_t at, const struct abi_type *t, void *out)
{
    switch (t->kind) {
    case ABI_BYTES:
    case ABI_STRING: {
        struct bytes b = abi_cursor_bytes(c, at);
        memcpy(out, &b, sizeof b);
        break;
    }
    case ABI_LIST: {
        size_t cnt = abi_cursor_count(c, at, t->item->head_len);
        void *items = abi_cursor_alloc(c, cnt, t->item->size);
        struct abi_list l = { items, items ? cnt : 0 };
        if (items)
            decode_items(c, at + 32, at + 32, t->item, items, cnt);
        memcpy(out, &l, sizeof l);
        break;
    }
    case ABI_ARRAY:
        decode_items(c, at, at, t->item, out, t->cnt);
        break;
    case ABI_TUPLE:
        decode_fields(c, at, at, t, out);
        break;
    case ABI_UINT:
    case ABI_INT:
    case ABI_BOOL:
    case ABI_ADDRESS:
    case ABI_FIXED_BYTES:
        gh_check_failed("a word has no tail", __FILE__, __LINE__);
    }
}

static void decode_word(struct abi_cursor *c, size_t at, const struct abi_type *t, void *out)
{
    switch (t->kind) {
    case ABI_UINT:
        if (t->bits <= 64)
            *(uint64_t *)out = abi_cursor_u64(c, at, t->bits);
        else
            *(struct u256 *)out = abi_cursor_u256(c, at, t->bits, false);
        break;
    case ABI_INT:
        if (t->bits <= 64)
            *(int64_t *)out = abi_cursor_i64(c, at, t->bits);
        else
            *(struct u256 *)out = abi_cursor_u256(c, at, t->bits, true);
        break;
    case ABI_BOOL:
        *(bool *)out = abi_cursor_bool(c, at);
        break;
    case ABI_ADDRESS:
        *(struct addr *)out = abi_cursor_addr(c, at);
        break;
    case ABI_FIXED_BYTES:
        abi_cursor_fixed_bytes(c, out, at, t->bits / 8);
        break;
    case ABI_BYTES:
    case ABI_STRING:
    case ABI_LIST:
    case ABI_ARRAY:
    case ABI_TUPLE:
        gh_check_failed("not a word", __FILE__, __LINE__);
    }
}

static void decode_from(struct abi_cursor *c, size_t at, size_t base, const struct abi_type *t,
                        void *out)
{
    if (!abi_cursor_ok(c))
        return;
    if (t->dynamic) {
        size_t tail = abi_cursor_offset(c, at, base);
        if (abi_cursor_ok(c))
            decode_tail(c, tail, t, out);
    } else if (t->kind == ABI_TUPLE) {
        decode_fields(c, at, base, t, out);
    } else if (t->kind == ABI_ARRAY) {
        decode_items(c, at, base, t->item, out, t->cnt);
    } else {
        decode_word(c, at, t, out);
    }
}

/* The one place where a fault becomes an error; half-read values never leave. */
static bool finish(const struct abi_cursor *c, void *out, size_t size, const char *what,
                   struct err *err)
{
    if (abi_cursor_ok(c))
        return true;
    memset(out, 0, size);
    return err_set(err, ERR_INVALID, "%s: %s (at byte %zu of %zu)", what, c->fault, c->fault_at,
                   c->in.len);
}

bool abi_decode_params(struct bytes in, const struct abi_type *t, void *out, struct arena *arena,
                       const char *what, struct err *err)
{
    CHECK(t->kind == ABI_TUPLE);
    struct abi_cursor c;
    abi_cursor_init(&c, in, arena);
    memset(out, 0, t->size);
    decode_fields(&c, 0, 0, t, out);
    return finish(&c, out, t->size, what, err);
}

bool abi_decode_value(struct bytes in, const struct abi_type *t, void *out, struct arena *arena,
                      const char *what, struct err *err)
{
    struct abi_cursor c;
    abi_cursor_init(&c, in, arena);
    memset(out, 0, t->size);
    decode_from(&c, 0, 0, t, out);
    return finish(&c, out, t->size, what, err);
}

bool abi_selector_of(struct bytes data, uint32_t *selector)
{
    *selector = 0;
    if (data.len < 4)
        return false;
    *selector = load_be32(data.p);
    return true;
}

bool abi_decode_call(struct bytes in, uint32_t selector, const struct abi_type *t, void *out,
                     struct arena *arena, const char *what, struct err *err)
{
    uint32_t got;
    memset(out, 0, t->size);
    if (!abi_selector_of(in, &got))
        return err_set(err, ERR_INVALID, "%s: calldata of %zu bytes has no selector", what, in.len);
    if (got != selector)
        return err_set(err, ERR_INVALID, "%s: selector 0x%08x instead of 0x%08x", what,
                       (unsigned)got, (unsigned)selector);
    return abi_decode_params(bytes_of(in.p + 4, in.len - 4), t, out, arena, what, err);
}

static void decode_topic(const struct b256 *topic, const struct abi_type *t, struct abi_cursor *c,
                         void *out)
{
    if (t->dynamic || t->kind == ABI_TUPLE || t->kind == ABI_ARRAY) {
        memcpy(out, topic->b, sizeof topic->b);
        return;
    }
    struct abi_cursor word;
    abi_cursor_init(&word, bytes_of(topic->b, sizeof topic->b), NULL);
    decode_word(&word, 0, t, out);
    if (!abi_cursor_ok(&word))
        abi_cursor_fail(c, word.fault, 0);
}

bool abi_decode_event(const struct abi_log_view *log, const struct abi_event *e, void *out,
                      struct arena *arena, struct err *err)
{
    memset(out, 0, e->size);
    if (!abi_log_has_topic(log, &e->topic))
        return err_set(err, ERR_INVALID, "%s: the log is of another event", e->name);
    if (log->topic_cnt != e->indexed_cnt + 1)
        return err_set(err, ERR_INVALID, "%s: %zu topics instead of %zu", e->name, log->topic_cnt,
                       e->indexed_cnt + 1);
    struct abi_cursor c;
    abi_cursor_init(&c, log->data, arena);
    size_t topic = 1, at = 0;
    for (size_t i = 0; i < e->field_cnt; i++) {
        const struct abi_field *f = &e->fields[i];
        void *dst = (uint8_t *)out + f->offset;
        if (f->indexed) {
            decode_topic(&log->topics[topic++], f->type, &c, dst);
        } else {
            decode_from(&c, at, 0, f->type, dst);
            at += f->type->head_len;
        }
    }
    return finish(&c, out, e->size, e->name, err);
}
