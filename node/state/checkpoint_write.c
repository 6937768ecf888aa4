#include <stdio.h>

#include "node/base/hash.h"
#include "node/state/checkpoint.h"
#include "node/state/checkpoint_format.h"
#include "node/state/mem.h"
#include "node/state/state_impl.h"

#define BUFFER_LEN (1u << 20)
#define SLICE      2048u /* leaves or preimages read under one lock */

struct writer {
    const struct state_files *files;
    void *file;
    struct blake2s sum;
    uint8_t *buf; /* owned */
    size_t fill;
    struct err *err;
    bool ok;
};

static void flush(struct writer *w)
{
    if (!w->ok || w->fill == 0)
        return;
    blake2s_update(&w->sum, w->buf, w->fill);
    w->ok = w->files->write(w->files->ctx, w->file, w->buf, w->fill, w->err);
    w->fill = 0;
}

static void put(struct writer *w, const void *data, size_t len)
{
    for (size_t done = 0; w->ok && done < len;) {
        if (w->fill == BUFFER_LEN)
            flush(w);
        size_t n = len - done < BUFFER_LEN - w->fill ? len - done : BUFFER_LEN - w->fill;
        memcpy(w->buf + w->fill, (const uint8_t *)data + done, n);
        w->fill += n;
        done += n;
    }
}

static void put_header(struct writer *w, const struct checkpoint_info *info)
{
    uint8_t h[CKPT_HEADER_LEN] = { 0 };
    memcpy(h, CKPT_MAGIC, sizeof(CKPT_MAGIC));
    store_le32(h + 8, CKPT_VERSION);
    store_le32(h + 12, CKPT_HEADER_LEN);
    store_le64(h + 16, info->block);
    store_le64(h + 24, info->leaf_count);
    store_le64(h + 32, info->timestamp);
    store_le64(h + 40, info->chain_id);
    memcpy(h + 48, info->root.b, 32);
    memcpy(h + 80, info->block_hash.b, 32);
    struct b256 sum = blake2s(h, CKPT_HEADER_SUM);
    memcpy(h + CKPT_HEADER_SUM, sum.b, 32);
    put(w, h, sizeof(h));
}

/* A rollback in the middle leaves records behind that nobody counts; flat lock held. */
static bool still_there(struct writer *w, const struct state_view *v)
{
    if (w->ok && v->dead)
        w->ok = err_set(w->err, ERR_INVALID, "the block was rolled back");
    return w->ok;
}

/* The lock is held while a slice is copied out; the file is written without it. */
static void put_leaves(struct writer *w, const struct state_view *v,
                       const struct checkpoint_info *info)
{
    const struct state *s = v->s;
    uint8_t *slice = mem_alloc(SLICE, CKPT_LEAF_LEN);
    for (uint64_t i = 0; w->ok && i < info->leaf_count;) {
        uint64_t n = info->leaf_count - i < SLICE ? info->leaf_count - i : SLICE;
        state_lock_flat_read(s);
        (void)still_there(w, v);
        for (uint64_t j = 0; w->ok && j < n; j++) {
            uint8_t *p = slice + j * CKPT_LEAF_LEN;
            struct b256 value;
            uint64_t next;
            bool counted;
            flat_leaf_at(&s->flat, i + j, info->block, &value, &next, &counted);
            memcpy(p, s->flat.leaves[i + j].key.b, 32);
            memcpy(p + 32, value.b, 32);
            store_le64(p + 64, next);
            store_le64(p + 72, counted);
        }
        state_unlock_flat(s);
        put(w, slice, n * CKPT_LEAF_LEN);
        i += n;
    }
    free(slice);
}

/* Preimages of the view keep their place as long as it is open; later ones may come along and do no harm: the
 * loader drops what nothing names. Data is borrowed from the view only where a value of its block holds it, so other
 * records are copied under the lock. */
static void put_preimages(struct writer *w, const struct state_view *v)
{
    const struct state *s = v->s;
    uint8_t *copy = NULL;
    uint64_t cap = 0;
    state_lock_flat_read(s);
    uint64_t count = s->flat.preimages.count;
    state_unlock_flat(s);
    for (uint64_t i = 0; w->ok && i < count;) {
        size_t len = 0;
        state_lock_flat_read(s);
        for (uint64_t end = i + SLICE;
             still_there(w, v) && i < count && i < end && len < BUFFER_LEN; i++) {
            const struct preimage *p = &s->flat.preimages.items[i];
            if (!p->data || (!p->keep && p->refs == 0))
                continue;
            copy = mem_more(copy, &cap, len + 8 + p->len, 1);
            uint8_t *q = copy + len;
            memset(q, 0, 4);
            q[0] = 1;
            q[1] = p->keep;
            store_le32(q + 4, p->len);
            memcpy(q + 8, p->data, p->len);
            len += 8 + p->len;
        }
        state_unlock_flat(s);
        put(w, copy, len);
    }
    free(copy);
    static const uint8_t end = 0;
    put(w, &end, 1);
}

static bool write_body(const struct state_files *files, void *file, const struct state_view *v,
                       const struct checkpoint_info *info, struct err *err)
{
    struct writer w = {
        .files = files, .file = file, .buf = mem_alloc(BUFFER_LEN, 1), .err = err, .ok = true
    };
    blake2s_init(&w.sum);
    put_header(&w, info);
    put_leaves(&w, v, info);
    put_preimages(&w, v);
    flush(&w);
    struct b256 sum = blake2s_final(&w.sum);
    w.ok = w.ok && files->write(files->ctx, file, sum.b, 32, err) &&
           files->sync(files->ctx, file, err);
    free(w.buf);
    return w.ok;
}

static bool write_file(const struct state_files *files, const struct state_view *v,
                       const struct checkpoint_info *info, struct err *err)
{
    char name[CKPT_NAME_MAX], tmp[CKPT_NAME_MAX];
    snprintf(name, sizeof(name), CKPT_PREFIX "%020llu" CKPT_SUFFIX,
             (unsigned long long)info->block);
    snprintf(tmp, sizeof(tmp), CKPT_PREFIX "%020llu" CKPT_SUFFIX CKPT_TMP,
             (unsigned long long)info->block);
    void *file = files->create(files->ctx, tmp, err);
    if (!file)
        return false;
    bool ok = write_body(files, file, v, info, err);
    files->close(files->ctx, file);
    if (!ok) {
        (void)files->remove(files->ctx, tmp, NULL);
        return false;
    }
    return files->rename(files->ctx, tmp, name, err) && files->sync_folder(files->ctx, err);
}

bool checkpoint_write(struct state *s, const struct state_files *files, uint64_t block,
                      struct checkpoint_info *info, struct err *err)
{
    if (block == STATE_LATEST)
        block = state_tree_block(s);
    struct state_view *v = state_view_open(s, block, err);
    if (!v)
        return err_wrap(err, "checkpoint");
    struct state_mark mark;
    bool ok = state_mark_at(s, block, &mark) ||
              err_set(err, ERR_INVALID, "block %llu is not hashed yet", (unsigned long long)block);
    if (ok) {
        info->block = block;
        info->leaf_count = mark.leaf_count;
        info->root = mark.root;
        ok = write_file(files, v, info, err);
    }
    state_view_close(v);
    return ok || err_wrap(err, "checkpoint of block %llu", (unsigned long long)block);
}
