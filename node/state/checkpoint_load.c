#include <stdio.h>

#include "node/base/hash.h"
#include "node/base/log.h"
#include "node/state/checkpoint.h"
#include "node/state/checkpoint_format.h"
#include "node/state/mem.h"
#include "node/state/state_impl.h"

#define BUFFER_LEN (1u << 20)

/* Reads forward over everything before the trailer. */
struct reader {
    const struct state_files *files;
    void *file;
    uint64_t at, end; /* file offsets; end: the trailer */
    struct blake2s sum;
    uint8_t *buf; /* owned */
    size_t pos, fill;
    struct err *err;
};

static bool damaged(struct reader *r, const char *what)
{
    return err_set(r->err, ERR_INVALID, "%s", what);
}

static uint64_t left(const struct reader *r)
{
    return r->end - r->at + (r->fill - r->pos);
}

static bool take(struct reader *r, void *out, size_t len)
{
    if (len > left(r))
        return damaged(r, "the content ends early");
    for (size_t done = 0; done < len;) {
        if (r->pos == r->fill) {
            size_t n = r->end - r->at < BUFFER_LEN ? r->end - r->at : BUFFER_LEN;
            if (!r->files->read(r->files->ctx, r->file, r->at, r->buf, n, r->err))
                return false;
            blake2s_update(&r->sum, r->buf, n);
            r->at += n;
            r->pos = 0;
            r->fill = n;
        }
        size_t n = len - done < r->fill - r->pos ? len - done : r->fill - r->pos;
        memcpy((uint8_t *)out + done, r->buf + r->pos, n);
        r->pos += n;
        done += n;
    }
    return true;
}

static bool decode_header(struct reader *r, struct checkpoint_info *info)
{
    uint8_t h[CKPT_HEADER_LEN] = { 0 };
    if (!take(r, h, sizeof(h)))
        return false;
    struct b256 sum = blake2s(h, CKPT_HEADER_SUM);
    if (memcmp(h, CKPT_MAGIC, sizeof(CKPT_MAGIC)) != 0)
        return damaged(r, "not a checkpoint");
    if (memcmp(h + CKPT_HEADER_SUM, sum.b, 32) != 0)
        return damaged(r, "the header checksum is wrong");
    if (load_le32(h + 8) != CKPT_VERSION || load_le32(h + 12) != CKPT_HEADER_LEN)
        return err_set(r->err, ERR_INVALID, "format version %u is not known here",
                       load_le32(h + 8));
    info->block = load_le64(h + 16);
    info->leaf_count = load_le64(h + 24);
    info->timestamp = load_le64(h + 32);
    info->chain_id = load_le64(h + 40);
    memcpy(info->root.b, h + 48, 32);
    memcpy(info->block_hash.b, h + 80, 32);
    if (info->block >= UINT32_MAX)
        return damaged(r, "the block number is too large");
    if (info->leaf_count < 2 || info->leaf_count > left(r) / CKPT_LEAF_LEN)
        return damaged(r, "the leaf count does not fit the file");
    return true;
}

static bool decode_leaf(struct reader *r, struct flat *f, uint64_t i,
                        const uint8_t raw[CKPT_LEAF_LEN])
{
    struct leaf l = { 0 };
    memcpy(l.key.b, raw, 32);
    memcpy(l.value.b, raw + 32, 32);
    l.next = load_le64(raw + 64);
    uint64_t flags = load_le64(raw + 72);
    if (flags > 1)
        return damaged(r, "a leaf has unknown flags");
    if (i < 2) { /* a guard, already there */
        if (!b256_eq(&l.key, &f->leaves[i].key) || !b256_is_zero(&l.value) || flags ||
            (i == 1 && l.next != 1))
            return damaged(r, "a guard leaf is wrong");
        f->leaves[i].next = l.next;
        return true;
    }
    uint64_t other;
    if (key_index_find(&f->index, flat_keys(f), &l.key, &other))
        return damaged(r, "a key has two leaves");
    f->leaves[i] = l;
    f->counted[i] = (uint8_t)flags;
    f->leaf_count = i + 1;
    key_index_insert(&f->index, flat_keys(f), &l.key, i);
    return true;
}

static bool read_leaves(struct reader *r, struct flat *f, uint64_t leaf_count)
{
    f->leaves = mem_grow(f->leaves, &f->leaf_cap, leaf_count, sizeof(*f->leaves));
    f->counted = mem_grow(f->counted, &f->counted_cap, leaf_count, 1);
    uint8_t raw[CKPT_LEAF_LEN] = { 0 };
    for (uint64_t i = 0; i < leaf_count; i++)
        if (!take(r, raw, sizeof(raw)) || !decode_leaf(r, f, i, raw))
            return false;
    uint64_t at = 0, seen = 1;
    for (; at != 1; seen++) {
        uint64_t next = f->leaves[at].next;
        if (next >= leaf_count || memcmp(f->leaves[at].key.b, f->leaves[next].key.b, 32) >= 0)
            return damaged(r, "the leaf list is broken");
        at = next;
    }
    return seen == leaf_count || damaged(r, "the leaf list leaves leaves out");
}

static bool read_preimages(struct reader *r, struct preimages *p)
{
    uint8_t *data = NULL;
    uint64_t cap = 0;
    bool ok = false;
    for (;;) {
        uint8_t head[8] = { 0 };
        if (!take(r, head, 1))
            break;
        if (head[0] == 0) {
            ok = left(r) == 0 || damaged(r, "there is more behind the end");
            break;
        }
        if (!take(r, head + 1, 7))
            break;
        uint32_t len = load_le32(head + 4);
        if (head[0] != 1 || head[1] > 1 || head[2] || head[3]) {
            (void)damaged(r, "a preimage has unknown flags");
            break;
        }
        if (len > left(r)) {
            (void)damaged(r, "a preimage is longer than the file");
            break;
        }
        data = mem_more(data, &cap, (uint64_t)len + 1, 1);
        if (!take(r, data, len))
            break;
        struct b256 hash = blake2s(data, len);
        preimages_add(p, &hash, bytes_of(data, len), head[1]);
    }
    free(data);
    return ok;
}

/* References of account records, and no others stay. */
static bool link_records(struct reader *r, struct flat *f)
{
    for (uint64_t i = 2; i < f->leaf_count; i++) {
        if (!f->counted[i])
            continue;
        const struct preimage *p = preimages_find(&f->preimages, &f->leaves[i].value);
        if (!p || p->len != ACCOUNT_RECORD_LEN)
            return damaged(r, "an account record is missing");
        preimages_ref(&f->preimages, &f->leaves[i].value);
    }
    preimages_collect(&f->preimages);
    return true;
}

static bool check_sum(struct reader *r)
{
    uint8_t want[CKPT_TRAILER];
    struct b256 got = blake2s_final(&r->sum);
    if (!r->files->read(r->files->ctx, r->file, r->end, want, sizeof(want), r->err))
        return false;
    return memcmp(want, got.b, 32) == 0 || damaged(r, "the checksum is wrong");
}

static bool read_all(struct reader *r, struct state *s, struct checkpoint_info *info)
{
    if (!decode_header(r, info) || !read_leaves(r, &s->flat, info->leaf_count) ||
        !read_preimages(r, &s->flat.preimages) || !check_sum(r) || !link_records(r, &s->flat))
        return false;
    state_adopt(s, info->block);
    struct state_mark mark;
    CHECK(state_mark_at(s, info->block, &mark));
    return b256_eq(&mark.root, &info->root) ||
           damaged(r, "the leaves do not give the tree root in the header");
}

struct state *checkpoint_load_file(const struct state_files *files, const char *name,
                                   const struct state_config *cfg, struct checkpoint_info *info,
                                   struct err *err)
{
    *info = (struct checkpoint_info){ 0 };
    uint64_t size;
    void *file = files->open(files->ctx, name, &size, err);
    if (!file)
        return NULL;
    struct state *s = NULL;
    if (size < CKPT_HEADER_LEN + 1 + CKPT_TRAILER) {
        (void)err_set(err, ERR_INVALID, "the file is too short");
    } else {
        struct reader r = { .files = files,
                            .file = file,
                            .end = size - CKPT_TRAILER,
                            .buf = mem_alloc(BUFFER_LEN, 1),
                            .err = err };
        blake2s_init(&r.sum);
        s = state_create(cfg);
        if (!read_all(&r, s, info)) {
            state_destroy(s);
            s = NULL;
        }
        free(r.buf);
    }
    files->close(files->ctx, file);
    if (!s)
        (void)err_wrap(err, "checkpoint %s", name);
    return s;
}

/* ---- choosing ---- */

struct found {       /* checkpoint blocks, and leftovers */
    uint64_t *block; /* owned */
    uint64_t count, cap;
    char (*leftover)[CKPT_NAME_MAX]; /* owned */
    uint64_t leftover_cnt, leftover_cap;
};

static bool ends_with(const char *s, size_t len, const char *suffix, size_t suffix_len)
{
    return len >= suffix_len && memcmp(s + len - suffix_len, suffix, suffix_len) == 0;
}

/* "state-<20 digits>.ckpt" */
static bool parse_name(const char *name, size_t len, uint64_t *block)
{
    struct u256 v;
    const size_t prefix = sizeof(CKPT_PREFIX) - 1, suffix = sizeof(CKPT_SUFFIX) - 1;
    if (len != prefix + 20 + suffix || memcmp(name, CKPT_PREFIX, prefix) != 0 ||
        !ends_with(name, len, CKPT_SUFFIX, suffix) || !u256_parse_dec(&v, name + prefix, 20) ||
        !u256_fits_u64(&v))
        return false;
    *block = v.w[0];
    return true;
}

static void note_file(void *arg, const char *name)
{
    struct found *f = arg;
    size_t len = 0;
    while (name[len] && len < CKPT_NAME_MAX)
        len++;
    uint64_t block;
    if (len >= CKPT_NAME_MAX)
        return;
    if (parse_name(name, len, &block)) {
        f->block = mem_more(f->block, &f->cap, f->count + 1, sizeof(*f->block));
        f->block[f->count++] = block;
    } else if (memcmp(name, CKPT_PREFIX, len < 6 ? len : 6) == 0 &&
               ends_with(name, len, CKPT_TMP, sizeof(CKPT_TMP) - 1)) {
        f->leftover =
            mem_more(f->leftover, &f->leftover_cap, f->leftover_cnt + 1, sizeof(*f->leftover));
        memcpy(f->leftover[f->leftover_cnt++], name, len + 1);
    }
}

static int newest_first(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x > y ? -1 : x < y ? 1 : 0;
}

static bool find_files(struct found *f, const struct state_files *files, struct err *err)
{
    *f = (struct found){ 0 };
    if (!files->list(files->ctx, note_file, f, err)) {
        free(f->block);
        free(f->leftover);
        return false;
    }
    if (f->count)
        qsort(f->block, f->count, sizeof(*f->block), newest_first);
    return true;
}

static void name_of(char out[CKPT_NAME_MAX], uint64_t block)
{
    snprintf(out, CKPT_NAME_MAX, CKPT_PREFIX "%020llu" CKPT_SUFFIX, (unsigned long long)block);
}

struct state *checkpoint_load(const struct state_files *files, const struct state_config *cfg,
                              uint64_t chain_id, uint64_t max_block, struct checkpoint_info *info,
                              struct err *err)
{
    struct found f;
    *info = (struct checkpoint_info){ 0 };
    *err = (struct err){ 0 };
    if (!find_files(&f, files, err))
        return NULL;
    struct state *s = NULL;
    for (uint64_t i = 0; !s && i < f.count; i++) {
        char name[CKPT_NAME_MAX];
        struct err why = { 0 };
        if (f.block[i] > max_block)
            continue;
        name_of(name, f.block[i]);
        s = checkpoint_load_file(files, name, cfg, info, &why);
        if (s && (info->chain_id != chain_id || info->block != f.block[i])) {
            (void)err_set(&why, ERR_INVALID, "checkpoint %s: of another chain or block", name);
            state_destroy(s);
            s = NULL;
        }
        if (!s)
            log_warn(LOG_STATE, "checkpoint passed over", LOG_STR("why", why.msg));
    }
    free(f.block);
    free(f.leftover);
    if (!s)
        *info = (struct checkpoint_info){ 0 };
    return s;
}

static void remove_file(const struct state_files *files, const char *name)
{
    struct err err = { 0 };
    if (!files->remove(files->ctx, name, &err))
        log_warn(LOG_STATE, "old checkpoint not removed", LOG_STR("why", err.msg));
}

bool checkpoint_drop_above(const struct state_files *files, uint64_t block, struct err *err)
{
    struct found f;
    if (!find_files(&f, files, err))
        return false;
    bool ok = true, any = false;
    for (uint64_t i = 0; ok && i < f.count; i++) {
        char name[CKPT_NAME_MAX];
        if (f.block[i] <= block)
            continue;
        name_of(name, f.block[i]);
        ok = files->remove(files->ctx, name, err);
        any = true;
    }
    free(f.block);
    free(f.leftover);
    return ok && (!any || files->sync_folder(files->ctx, err));
}

void checkpoint_prune(const struct state_files *files, unsigned keep, uint64_t needed_block)
{
    struct found f;
    struct err err = { 0 };
    if (!find_files(&f, files, &err)) {
        log_warn(LOG_STATE, "checkpoints not listed", LOG_STR("why", err.msg));
        return;
    }
    bool have_needed = false;
    for (uint64_t i = 0; i < f.count; i++) {
        char name[CKPT_NAME_MAX];
        name_of(name, f.block[i]);
        bool needed = !have_needed && f.block[i] <= needed_block;
        have_needed = have_needed || needed;
        if (i >= keep && !needed)
            remove_file(files, name);
    }
    for (uint64_t i = 0; i < f.leftover_cnt; i++)
        remove_file(files, f.leftover[i]);
    free(f.block);
    free(f.leftover);
}
