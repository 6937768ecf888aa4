/* Checkpoint files in a real folder. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/base/file.h"
#include "node/state/checkpoint.h"
#include "node/state/mem.h"

struct folder {
    struct state_files files; /* ctx points back here */
    int fd;
};
struct handle {
    int fd;
};

static bool failed(struct err *err, const char *what, const char *name)
{
    char text[128]; /* strerror_r of GNU: the text may stand elsewhere */
    return err_set(err, ERR_LOCAL, "%s %s: %s", what, name, strerror_r(errno, text, sizeof(text)));
}

static bool folder_list(void *ctx, void (*each)(void *arg, const char *name), void *arg,
                        struct err *err)
{
    struct folder *f = ctx;
    int fd = openat(f->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        bool r = failed(err, "list", "checkpoint folder");
        if (fd >= 0)
            close(fd);
        return r;
    }
    errno = 0;
    /* the stream is ours alone: NOLINTNEXTLINE(concurrency-mt-unsafe) */
    for (const struct dirent *e; (e = readdir(d)) != NULL; errno = 0)
        each(arg, e->d_name);
    bool ok = errno == 0 || failed(err, "list", "checkpoint folder");
    closedir(d);
    return ok;
}

static void *handle_of(int fd)
{
    struct handle *h = mem_alloc(1, sizeof(*h));
    h->fd = fd;
    return h;
}

static void *folder_create(void *ctx, const char *name, struct err *err)
{
    struct folder *f = ctx;
    int fd = openat(f->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) {
        (void)failed(err, "create", name);
        return NULL;
    }
    return handle_of(fd);
}

static void *folder_open(void *ctx, const char *name, uint64_t *size, struct err *err)
{
    struct folder *f = ctx;
    struct stat st;
    int fd = openat(f->fd, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0) {
        (void)failed(err, "open", name);
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    *size = (uint64_t)st.st_size;
    return handle_of(fd);
}

static bool folder_write(void *ctx, void *file, const void *data, size_t len, struct err *err)
{
    (void)ctx;
    const struct handle *h = file;
    for (size_t done = 0; done < len;) {
        ssize_t n = write(h->fd, (const uint8_t *)data + done, len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return failed(err, "write", "checkpoint");
        done += (size_t)n;
    }
    return true;
}

static bool folder_sync(void *ctx, void *file, struct err *err)
{
    (void)ctx;
    const struct handle *h = file;
    return fsync(h->fd) == 0 || failed(err, "sync", "checkpoint");
}

static bool folder_read(void *ctx, void *file, uint64_t offset, void *out, size_t len,
                        struct err *err)
{
    (void)ctx;
    const struct handle *h = file;
    for (size_t done = 0; done < len;) {
        ssize_t n = pread(h->fd, (uint8_t *)out + done, len - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            return err_set(err, ERR_LOCAL, "read checkpoint: the file ends early");
        if (n < 0)
            return failed(err, "read", "checkpoint");
        done += (size_t)n;
    }
    return true;
}

static void folder_close(void *ctx, void *file)
{
    (void)ctx;
    struct handle *h = file;
    close(h->fd);
    free(h);
}

static bool folder_rename(void *ctx, const char *from, const char *to, struct err *err)
{
    struct folder *f = ctx;
    return renameat(f->fd, from, f->fd, to) == 0 || failed(err, "rename", from);
}

static bool folder_remove(void *ctx, const char *name, struct err *err)
{
    struct folder *f = ctx;
    return unlinkat(f->fd, name, 0) == 0 || failed(err, "remove", name);
}

static bool folder_sync_folder(void *ctx, struct err *err)
{
    struct folder *f = ctx;
    return fsync(f->fd) == 0 || failed(err, "sync", "checkpoint folder");
}

struct state_files *state_files_open(const char *path, struct err *err)
{
    struct state_files *f = file_mkdir_all(path, err) ? state_files_open_existing(path, err) : NULL;
    if (!f && err->kind == ERR_NONE) /* removed in between */
        (void)failed(err, "open", path);
    return f;
}

struct state_files *state_files_open_existing(const char *path, struct err *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    err->kind = ERR_NONE;
    if (fd < 0) {
        if (errno != ENOENT)
            (void)failed(err, "open", path);
        return NULL;
    }
    struct folder *f = mem_zalloc(1, sizeof(*f));
    f->fd = fd;
    f->files = (struct state_files){ .ctx = f,
                                     .list = folder_list,
                                     .create = folder_create,
                                     .open = folder_open,
                                     .write = folder_write,
                                     .sync = folder_sync,
                                     .read = folder_read,
                                     .close = folder_close,
                                     .rename = folder_rename,
                                     .remove = folder_remove,
                                     .sync_folder = folder_sync_folder };
    return &f->files;
}

void state_files_close(struct state_files *files)
{
    if (!files)
        return;
    struct folder *f = files->ctx;
    close(f->fd);
    free(f);
}
