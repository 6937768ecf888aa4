/* tests/fuzz/checkpoint/fuzz_checkpoint.c
 *
 * The checkpoint loader on any bytes: as they are, and with both checksums made right, so that the content is what is
 * looked at. What loads must hold together and, written again, give the same state. */
#include <stdlib.h>

#include "node/base/hash.h"
#include "node/state/checkpoint.h"
#include "node/state/checkpoint_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct one_file {
    uint8_t *data;
    size_t len, cap;
};

static void *open_file(void *ctx, const char *name, uint64_t *size, struct err *err)
{
    struct one_file *f = ctx;
    (void)name;
    (void)err;
    *size = f->len;
    return f;
}

static void *create_file(void *ctx, const char *name, struct err *err)
{
    struct one_file *f = ctx;
    (void)name;
    (void)err;
    f->len = 0;
    return f;
}

static bool read_file(void *ctx, void *file, uint64_t offset, void *out, size_t n, struct err *err)
{
    const struct one_file *f = file;
    (void)ctx;
    if (offset > f->len || n > f->len - offset)
        return err_set(err, ERR_LOCAL, "read behind the end");
    memcpy(out, f->data + offset, n);
    return true;
}

static bool write_file(void *ctx, void *file, const void *p, size_t n, struct err *err)
{
    struct one_file *f = file;
    (void)ctx;
    (void)err;
    if (f->len + n > f->cap) {
        f->cap = 2 * (f->len + n);
        f->data = realloc(f->data, f->cap);
        if (!f->data)
            abort();
    }
    memcpy(f->data + f->len, p, n);
    f->len += n;
    return true;
}

static bool sync_file(void *ctx, void *file, struct err *err)
{
    (void)ctx;
    (void)file;
    (void)err;
    return true;
}

static bool sync_folder(void *ctx, struct err *err)
{
    (void)ctx;
    (void)err;
    return true;
}

static bool rename_file(void *ctx, const char *from, const char *to, struct err *err)
{
    (void)ctx;
    (void)from;
    (void)to;
    (void)err;
    return true;
}

static void close_file(void *ctx, void *file)
{
    (void)ctx;
    (void)file;
}

static struct state *load(struct one_file *f, struct checkpoint_info *info)
{
    const struct state_files files = {
        .ctx = f, .open = open_file, .read = read_file, .close = close_file
    };
    struct err err = { 0 };
    struct state *s = checkpoint_load_file(&files, "x", &(struct state_config){ 1, 1 }, info, &err);
    if (!s && err.msg[0] == 0)
        abort(); /* refused without a word */
    return s;
}

static void write_and_compare(struct state *s, const struct checkpoint_info *info)
{
    struct one_file out = { 0 };
    const struct state_files files = { .ctx = &out,
                                       .create = create_file,
                                       .write = write_file,
                                       .sync = sync_file,
                                       .rename = rename_file,
                                       .close = close_file,
                                       .sync_folder = sync_folder };
    struct checkpoint_info again = *info, back;
    struct err err = { 0 };
    if (!state_check(s, &err) || !checkpoint_write(s, &files, info->block, &again, &err))
        abort();
    struct state *t = load(&out, &back);
    if (!t || back.leaf_count != info->leaf_count || !b256_eq(&back.root, &info->root))
        abort();
    state_destroy(t);
    free(out.data);
}

static void try_bytes(const uint8_t *data, size_t len, bool seal)
{
    struct one_file f = { malloc(len ? len : 1), len, len };
    if (!f.data)
        return;
    if (len)
        memcpy(f.data, data, len);
    if (seal && len >= CKPT_HEADER_LEN + CKPT_TRAILER) {
        struct b256 sum = blake2s(f.data, CKPT_HEADER_SUM);
        memcpy(f.data + CKPT_HEADER_SUM, sum.b, 32);
        sum = blake2s(f.data, len - CKPT_TRAILER);
        memcpy(f.data + len - CKPT_TRAILER, sum.b, 32);
    }
    struct checkpoint_info info;
    struct state *s = load(&f, &info);
    if (s)
        write_and_compare(s, &info);
    state_destroy(s);
    free(f.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    try_bytes(data, len, false);
    try_bytes(data, len, true);
    return 0;
}
