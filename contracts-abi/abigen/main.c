/* contracts-abi/abigen/main.c
 *
 * abigen VERSION OUT_DIR FILE.abi...
 *
 * Reads signature files and writes OUT_DIR/<stem>.h and .c for each and OUT_DIR/VERSION.h and .c.
 * Files are read in the given order: a struct must be defined before it is used. A file whose
 * content would not change is left alone, so nothing is rebuilt for it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contracts-abi/abigen/emit.h"
#include "node/base/file.h"

#define MAX_INPUT  ((size_t)1 << 20)
#define MAX_OUTPUT ((size_t)16 << 20)
#define MAX_MODEL  ((size_t)64 << 20)

static bool load(struct model *m, const char *path, struct err *err)
{
    uint8_t *text;
    size_t len;
    if (!file_read(&text, &len, path, MAX_INPUT, err))
        return false;
    /* names point into the text: it lives as long as the model */
    const char *kept = name_format(m, "%.*s", (int)len, (const char *)text);
    free(text);
    return model_parse(m, path, kept, err);
}

static bool store(struct buf *b, const char *path, struct err *err)
{
    if (b->failed)
        return err_set(err, ERR_LOCAL, "%s: output is too large", path);
    uint8_t *old = NULL;
    size_t old_len = 0;
    struct err ignored;
    bool same = file_exists(path) && file_read(&old, &old_len, path, MAX_OUTPUT, &ignored) &&
                old_len == b->len && memcmp(old, b->p, b->len) == 0;
    free(old);
    return same || file_replace(path, bytes_of(b->p, b->len), err);
}

static bool generate(struct model *m, const char *dir, struct err *err)
{
    struct buf b;
    buf_init(&b, MAX_OUTPUT);
    bool ok = file_mkdir_all(dir, err);
    for (const struct source *src = m->sources; src && ok; src = src->next) {
        emit_header(&b, m, src);
        ok = store(&b, name_format(m, "%s/%s.h", dir, src->stem), err);
        buf_reset(&b);
        if (ok) {
            emit_source(&b, m, src);
            ok = store(&b, name_format(m, "%s/%s.c", dir, src->stem), err);
            buf_reset(&b);
        }
    }
    if (ok) {
        emit_index_header(&b, m);
        ok = store(&b, name_format(m, "%s/%s.h", dir, m->version), err);
        buf_reset(&b);
    }
    if (ok) {
        emit_index_source(&b, m);
        ok = store(&b, name_format(m, "%s/%s.c", dir, m->version), err);
    }
    buf_clear(&b);
    return ok;
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        (void)fprintf(stderr, "usage: abigen VERSION OUT_DIR FILE.abi...\n");
        return 2;
    }
    struct arena arena;
    struct err err;
    arena_init_growing(&arena, (size_t)1 << 20, MAX_MODEL);
    struct model m = { .arena = &arena, .version = argv[1] };
    bool ok = true;
    for (int i = 3; i < argc && ok; i++)
        ok = load(&m, argv[i], &err);
    ok = ok && generate(&m, argv[2], &err);
    if (!ok)
        (void)fprintf(stderr, "abigen: %s\n", err.msg);
    arena_clear(&arena);
    return ok ? 0 : 1;
}
