/* node/base/file.c */
#include "node/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST_READ 4096u

static const char *errno_text(char *buf, size_t cap)
{
    /* the GNU form: returns its own string or buf */
    return strerror_r(errno, buf, cap);
}

static bool fail_errno(struct err *err, const char *what, const char *path)
{
    char text[128];
    enum err_kind kind = errno == ENOENT || errno == ENOTDIR ? ERR_INVALID : ERR_LOCAL;
    return err_set_code(err, kind, errno, "%s %s: %s", what, path, errno_text(text, sizeof(text)));
}

/* Reads to the end of the file into malloc'ed memory with one spare byte. */
static bool read_all(uint8_t **out, size_t *len, int fd, const char *path, size_t max, size_t hint,
                     struct err *err)
{
    size_t cap = (hint < max ? hint : max) + 1, n = 0;
    uint8_t *p = malloc(cap + 1);
    if (!p)
        return err_set(err, ERR_LOCAL, "read %s: out of memory", path);
    for (;;) {
        /* up to max + 1 bytes are read, to tell a file that is too long from one that fits */
        ssize_t got = read(fd, p + n, cap - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            (void)fail_errno(err, "read", path);
            free(p);
            return false;
        }
        n += (size_t)got;
        if (got == 0)
            break;
        if (n > max) {
            free(p);
            return err_set(err, ERR_INVALID, "read %s: longer than %zu bytes", path, max);
        }
        if (n < cap)
            continue;
        cap = cap > max / 2 ? max + 1 : cap * 2;
        uint8_t *q = realloc(p, cap + 1);
        if (!q) {
            free(p);
            return err_set(err, ERR_LOCAL, "read %s: out of memory", path);
        }
        p = q;
    }
    p[n] = '\0';
    *out = p;
    *len = n;
    return true;
}

bool file_read(uint8_t **out, size_t *len, const char *path, size_t max, struct err *err)
{
    struct stat st;
    if (max > SIZE_MAX / 4)
        max = SIZE_MAX / 4;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail_errno(err, "open", path);
    size_t hint = FIRST_READ;
    if (fstat(fd, &st) == 0 && st.st_size > 0)
        hint = (size_t)st.st_size;
    bool ok = read_all(out, len, fd, path, max, hint, err);
    close(fd);
    return ok;
}

static bool write_all(int fd, struct bytes data)
{
    while (data.len) {
        ssize_t n = write(fd, data.p, data.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        data.p += n;
        data.len -= (size_t)n;
    }
    return true;
}

/* The folder of a path: "a/b" -> "a", "b" -> ".", "/b" -> "/". Freed by the caller. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return strdup(".");
    return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

static bool sync_folder(const char *path, struct err *err)
{
    char *folder = folder_of(path);
    if (!folder)
        return err_set(err, ERR_LOCAL, "out of memory");
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    if (!ok)
        (void)fail_errno(err, "sync folder", folder);
    if (fd >= 0)
        close(fd);
    free(folder);
    return ok;
}

static bool write_temporary(const char *tmp, mode_t mode, struct bytes data, struct err *err)
{
    int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return fail_errno(err, "create", tmp);
    bool ok = fchmod(fd, mode) == 0 && write_all(fd, data) && fsync(fd) == 0;
    if (!ok)
        (void)fail_errno(err, "write", tmp);
    if (close(fd) != 0 && ok)
        ok = fail_errno(err, "close", tmp);
    return ok;
}

bool file_replace(const char *path, struct bytes data, struct err *err)
{
    struct stat st;
    /* a file keeps its mode; a new one is readable by others */
    mode_t mode = stat(path, &st) == 0 ? st.st_mode & 0777 : 0644;
    size_t n = strlen(path);
    char *tmp = malloc(n + sizeof(".tmp"));
    if (!tmp)
        return err_set(err, ERR_LOCAL, "replace %s: out of memory", path);
    memcpy(tmp, path, n);
    memcpy(tmp + n, ".tmp", sizeof(".tmp"));
    bool ok = write_temporary(tmp, mode, data, err);
    if (ok && rename(tmp, path) != 0)
        ok = fail_errno(err, "rename to", path);
    if (!ok)
        (void)unlink(tmp);
    free(tmp);
    return ok && sync_folder(path, err);
}

bool file_mkdir_all(const char *path, struct err *err)
{
    struct stat st;
    char *p = strdup(path);
    if (!p)
        return err_set(err, ERR_LOCAL, "make folder %s: out of memory", path);
    bool ok = true;
    for (size_t i = 1; ok && p[0]; i++) {
        char c = p[i];
        if (c != '/' && c != '\0')
            continue;
        p[i] = '\0';
        if (mkdir(p, 0755) != 0 && (errno != EEXIST || stat(p, &st) != 0 || !S_ISDIR(st.st_mode)))
            ok = fail_errno(err, "make folder", p);
        p[i] = c;
        if (c == '\0')
            break;
    }
    free(p);
    return ok;
}

bool file_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}
