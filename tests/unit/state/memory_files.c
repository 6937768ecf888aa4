#include "tests/unit/state/memory_files.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/state/model.h"

static bool step(struct mem_folder *f, struct err *err)
{
    f->ops++;
    return f->fail_after == 0 || f->ops <= f->fail_after ||
           err_set(err, ERR_LOCAL, "the power is gone");
}

static struct mem_entry *entry(struct mem_entry *list, const char *name)
{
    for (unsigned i = 0; i < MEM_FILES; i++)
        if (list[i].content >= 0 && strcmp(list[i].name, name) == 0)
            return &list[i];
    return NULL;
}

static void set_entry(struct mem_entry *list, const char *name, int content)
{
    struct mem_entry *e = entry(list, name);
    for (unsigned i = 0; !e && i < MEM_FILES; i++)
        if (list[i].content < 0)
            e = &list[i];
    if (!e)
        abort();
    snprintf(e->name, sizeof(e->name), "%s", name);
    e->content = content;
}

static int new_content(struct mem_folder *f)
{
    for (int i = 0; i < (int)GH_COUNT(f->content); i++)
        if (!f->content[i].used) {
            f->content[i] = (struct mem_content){ .used = true };
            return i;
        }
    fail_msg("too many files");
    return -1;
}

static bool list(void *ctx, void (*each)(void *arg, const char *name), void *arg, struct err *err)
{
    struct mem_folder *f = ctx;
    if (!step(f, err))
        return false;
    for (unsigned i = 0; i < MEM_FILES; i++)
        if (f->now[i].content >= 0)
            each(arg, f->now[i].name);
    return true;
}

static void *create(void *ctx, const char *name, struct err *err)
{
    struct mem_folder *f = ctx;
    if (!step(f, err))
        return NULL;
    int c = new_content(f);
    set_entry(f->now, name, c);
    return &f->content[c];
}

static void *open_file(void *ctx, const char *name, uint64_t *size, struct err *err)
{
    struct mem_folder *f = ctx;
    if (!step(f, err))
        return NULL;
    const struct mem_entry *e = entry(f->now, name);
    if (!e) {
        (void)err_set(err, ERR_LOCAL, "no such file");
        return NULL;
    }
    *size = f->content[e->content].len;
    return &f->content[e->content];
}

static void append(struct mem_content *c, const void *data, size_t len)
{
    if (c->len + len > c->cap) {
        c->cap = 2 * (c->len + len);
        c->data = realloc(c->data, c->cap);
        assert_non_null(c->data);
    }
    if (len)
        memcpy(c->data + c->len, data, len);
    c->len += len;
}

static bool write_file(void *ctx, void *file, const void *data, size_t len, struct err *err)
{
    struct mem_folder *f = ctx;
    if (!step(f, err)) {
        append(file, data, len / 2); /* the power goes in the middle of it */
        return false;
    }
    append(file, data, len);
    return true;
}

static bool sync_file(void *ctx, void *file, struct err *err)
{
    struct mem_content *c = file;
    if (!step(ctx, err))
        return false;
    c->synced = c->len;
    return true;
}

static bool read_file(void *ctx, void *file, uint64_t offset, void *out, size_t len,
                      struct err *err)
{
    const struct mem_content *c = file;
    if (!step(ctx, err))
        return false;
    if (offset > c->len || len > c->len - offset)
        return err_set(err, ERR_LOCAL, "read behind the end");
    memcpy(out, c->data + offset, len);
    return true;
}

static void close_file(void *ctx, void *file)
{
    (void)ctx;
    (void)file;
}

static bool rename_file(void *ctx, const char *from, const char *to, struct err *err)
{
    struct mem_folder *f = ctx;
    if (!step(f, err))
        return false;
    struct mem_entry *e = entry(f->now, from);
    if (!e)
        return err_set(err, ERR_LOCAL, "no such file");
    int c = e->content;
    e->content = -1;
    set_entry(f->now, to, c);
    return true;
}

static bool remove_file(void *ctx, const char *name, struct err *err)
{
    struct mem_folder *f = ctx;
    if (!step(f, err))
        return false;
    struct mem_entry *e = entry(f->now, name);
    if (!e)
        return err_set(err, ERR_LOCAL, "no such file");
    e->content = -1;
    return true;
}

static bool sync_folder(void *ctx, struct err *err)
{
    struct mem_folder *f = ctx;
    if (!step(f, err))
        return false;
    memcpy(f->disk, f->now, sizeof(f->disk));
    return true;
}

void mem_folder_init(struct mem_folder *f)
{
    *f = (struct mem_folder){ .files = { .ctx = f,
                                         .list = list,
                                         .create = create,
                                         .open = open_file,
                                         .write = write_file,
                                         .sync = sync_file,
                                         .read = read_file,
                                         .close = close_file,
                                         .rename = rename_file,
                                         .remove = remove_file,
                                         .sync_folder = sync_folder } };
    for (unsigned i = 0; i < MEM_FILES; i++)
        f->now[i].content = f->disk[i].content = -1;
}

void mem_folder_clear(struct mem_folder *f)
{
    for (unsigned i = 0; i < GH_COUNT(f->content); i++)
        free(f->content[i].data);
    mem_folder_init(f);
}

void mem_folder_power_cut(struct mem_folder *f, uint64_t *seed)
{
    /* every name by itself: as it was when the folder was synced, or as it was at the end */
    struct mem_entry found[MEM_FILES];
    for (unsigned i = 0; i < MEM_FILES; i++)
        found[i].content = -1;
    for (unsigned i = 0; i < 2 * MEM_FILES; i++) {
        const struct mem_entry *e = i < MEM_FILES ? &f->now[i] : &f->disk[i - MEM_FILES];
        if (e->content < 0 || entry(found, e->name))
            continue;
        const struct mem_entry *was = entry(f->disk, e->name), *is = entry(f->now, e->name);
        const struct mem_entry *pick = random_u64(seed) % 2 ? is : was;
        if (pick)
            set_entry(found, e->name, pick->content);
    }
    memcpy(f->now, found, sizeof(found));
    memcpy(f->disk, found, sizeof(found));
    for (unsigned i = 0; i < GH_COUNT(f->content); i++) {
        struct mem_content *c = &f->content[i];
        if (!c->used || c->synced == c->len)
            continue;
        size_t unsynced = c->len - c->synced;
        c->len = c->synced + random_u64(seed) % (unsynced + 1);
        for (size_t j = c->synced; j < c->len; j++)
            if (random_u64(seed) % 512 == 0) { /* a sector that never arrived */
                size_t end = j + 512 < c->len ? j + 512 : c->len;
                memset(c->data + j, 0, end - j);
                j = end;
            }
        c->synced = c->len;
    }
    f->ops = f->fail_after = 0;
}

struct mem_content *mem_folder_file(struct mem_folder *f, const char *name)
{
    const struct mem_entry *e = entry(f->now, name);
    return e ? &f->content[e->content] : NULL;
}

void mem_folder_put(struct mem_folder *f, const char *name, const void *data, size_t len)
{
    int c = new_content(f);
    append(&f->content[c], data, len);
    f->content[c].synced = len;
    set_entry(f->now, name, c);
    set_entry(f->disk, name, c);
}

unsigned mem_folder_count(const struct mem_folder *f)
{
    unsigned n = 0;
    for (unsigned i = 0; i < MEM_FILES; i++)
        n += f->now[i].content >= 0;
    return n;
}
