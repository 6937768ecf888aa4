/* tests/integration/powercut/powercut_vfs.c */
#include "tests/integration/powercut/powercut_vfs.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/base/defs.h"

#define MAX_FILES 16

enum change_kind { CHANGE_WRITE, CHANGE_TRUNCATE, CHANGE_REMOVE };
struct change {
    enum change_kind kind;
    uint64_t offset; /* CHANGE_TRUNCATE: the new size */
    uint8_t *data;   /* owned */
    size_t len;
};
struct content {
    uint8_t *p; /* owned */
    size_t len, cap;
};
struct disk_file {
    char path[256];
    bool exists; /* on the disk for certain, with this content */
    struct content synced;
    struct change *changes; /* owned; since then, in order */
    size_t change_cnt, change_cap;
};

static struct {
    pthread_mutex_t mutex;
    struct disk_file files[MAX_FILES];
    size_t file_cnt;
    uint64_t calls, cut_at;
    bool dead;
} disk = { .mutex = PTHREAD_MUTEX_INITIALIZER };

/* ---- contents ---- */

static void content_resize(struct content *c, size_t len)
{
    if (len > c->cap) {
        c->cap = len * 2;
        c->p = realloc(c->p, c->cap);
        CHECK(c->p != NULL);
    }
    if (len > c->len)
        memset(c->p + c->len, 0, len - c->len);
    c->len = len;
}

static void content_apply(struct content *c, const struct change *x, size_t len)
{
    if (x->kind == CHANGE_TRUNCATE) {
        content_resize(c, (size_t)x->offset);
        return;
    }
    if (x->offset + len > c->len)
        content_resize(c, (size_t)x->offset + len);
    memcpy(c->p + x->offset, x->data, len);
}

static void changes_clear(struct disk_file *f)
{
    for (size_t i = 0; i < f->change_cnt; i++)
        free(f->changes[i].data);
    f->change_cnt = 0;
}

static void change_add(struct disk_file *f, enum change_kind kind, uint64_t offset,
                       const void *data, size_t len)
{
    if (f->change_cnt == f->change_cap) {
        f->change_cap = f->change_cap ? f->change_cap * 2 : 64;
        f->changes = realloc(f->changes, f->change_cap * sizeof(*f->changes));
        CHECK(f->changes != NULL);
    }
    struct change *x = &f->changes[f->change_cnt++];
    *x = (struct change){ .kind = kind, .offset = offset, .len = len };
    if (len > 0) {
        x->data = malloc(len);
        CHECK(x->data != NULL);
        memcpy(x->data, data, len);
    }
}

/* Index behind the last removal, 0 when there is none. */
static size_t after_removal(const struct disk_file *f)
{
    size_t i = f->change_cnt;
    while (i > 0 && f->changes[i - 1].kind != CHANGE_REMOVE)
        i--;
    return i;
}

static void file_synced(struct disk_file *f)
{
    size_t i = after_removal(f);
    if (i > 0)
        f->synced.len = 0;
    for (; i < f->change_cnt; i++)
        content_apply(&f->synced, &f->changes[i], f->changes[i].len);
    f->exists = true;
    changes_clear(f);
}

static struct disk_file *file_of(const char *path, bool add)
{
    for (size_t i = 0; i < disk.file_cnt; i++)
        if (strcmp(disk.files[i].path, path) == 0)
            return &disk.files[i];
    if (!add)
        return NULL;
    CHECK(disk.file_cnt < MAX_FILES && strlen(path) < sizeof(disk.files[0].path));
    struct disk_file *f = &disk.files[disk.file_cnt++];
    *f = (struct disk_file){ 0 };
    snprintf(f->path, sizeof(f->path), "%s", path);
    return f;
}

/* true: the power is gone, by this call or before */
static bool power_gone(void)
{
    if (disk.dead)
        return true;
    disk.calls++;
    if (disk.calls == disk.cut_at)
        disk.dead = true;
    return disk.dead;
}

/* ---- the file methods that change something ---- */

struct cut_file {
    sqlite3_file base;
    struct disk_file *disk; /* NULL: a file that is not watched */
    sqlite3_file *real;     /* behind this struct */
};

static sqlite3_vfs *real_vfs;

static sqlite3_file *real_of(sqlite3_file *f)
{
    return ((struct cut_file *)f)->real;
}

static int cut_write(sqlite3_file *f, const void *data, int len, sqlite3_int64 offset)
{
    struct cut_file *c = (struct cut_file *)f;
    pthread_mutex_lock(&disk.mutex);
    bool was_dead = disk.dead, gone = power_gone();
    if (!was_dead) /* the call in which the power goes may have reached the disk */
        change_add(c->disk, CHANGE_WRITE, (uint64_t)offset, data, (size_t)len);
    int rc = gone ? SQLITE_IOERR_WRITE : c->real->pMethods->xWrite(c->real, data, len, offset);
    pthread_mutex_unlock(&disk.mutex);
    return rc;
}

static int cut_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    struct cut_file *c = (struct cut_file *)f;
    pthread_mutex_lock(&disk.mutex);
    bool was_dead = disk.dead, gone = power_gone();
    if (!was_dead)
        change_add(c->disk, CHANGE_TRUNCATE, (uint64_t)size, NULL, 0);
    int rc = gone ? SQLITE_IOERR_TRUNCATE : c->real->pMethods->xTruncate(c->real, size);
    pthread_mutex_unlock(&disk.mutex);
    return rc;
}

/* The real file is not synced: its fate is decided here. */
static int cut_sync(sqlite3_file *f, int flags)
{
    (void)flags;
    struct cut_file *c = (struct cut_file *)f;
    pthread_mutex_lock(&disk.mutex);
    bool gone = power_gone();
    if (!gone)
        file_synced(c->disk);
    pthread_mutex_unlock(&disk.mutex);
    return gone ? SQLITE_IOERR_FSYNC : SQLITE_OK;
}

/* ---- and those that do not ---- */

static int cut_close(sqlite3_file *f)
{
    return real_of(f)->pMethods->xClose(real_of(f));
}
static int cut_read(sqlite3_file *f, void *out, int len, sqlite3_int64 offset)
{
    return real_of(f)->pMethods->xRead(real_of(f), out, len, offset);
}
static int cut_size(sqlite3_file *f, sqlite3_int64 *size)
{
    return real_of(f)->pMethods->xFileSize(real_of(f), size);
}
static int cut_lock(sqlite3_file *f, int level)
{
    return real_of(f)->pMethods->xLock(real_of(f), level);
}
static int cut_unlock(sqlite3_file *f, int level)
{
    return real_of(f)->pMethods->xUnlock(real_of(f), level);
}
static int cut_check_lock(sqlite3_file *f, int *out)
{
    return real_of(f)->pMethods->xCheckReservedLock(real_of(f), out);
}
static int cut_control(sqlite3_file *f, int op, void *arg)
{
    return real_of(f)->pMethods->xFileControl(real_of(f), op, arg);
}
static int cut_sector(sqlite3_file *f)
{
    return real_of(f)->pMethods->xSectorSize(real_of(f));
}
static int cut_device(sqlite3_file *f)
{
    return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f));
}
static int cut_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
    return real_of(f)->pMethods->xShmMap(real_of(f), page, size, extend, out);
}
static int cut_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
    return real_of(f)->pMethods->xShmLock(real_of(f), offset, n, flags);
}
static void cut_shm_barrier(sqlite3_file *f)
{
    real_of(f)->pMethods->xShmBarrier(real_of(f));
}
static int cut_shm_unmap(sqlite3_file *f, int remove)
{
    return real_of(f)->pMethods->xShmUnmap(real_of(f), remove);
}

static const sqlite3_io_methods methods = { .iVersion = 2, /* no memory mapping of files */
                                            .xClose = cut_close,
                                            .xRead = cut_read,
                                            .xWrite = cut_write,
                                            .xTruncate = cut_truncate,
                                            .xSync = cut_sync,
                                            .xFileSize = cut_size,
                                            .xLock = cut_lock,
                                            .xUnlock = cut_unlock,
                                            .xCheckReservedLock = cut_check_lock,
                                            .xFileControl = cut_control,
                                            .xSectorSize = cut_sector,
                                            .xDeviceCharacteristics = cut_device,
                                            .xShmMap = cut_shm_map,
                                            .xShmLock = cut_shm_lock,
                                            .xShmBarrier = cut_shm_barrier,
                                            .xShmUnmap = cut_shm_unmap };

static int cut_open(sqlite3_vfs *v, const char *path, sqlite3_file *f, int flags, int *out_flags)
{
    (void)v;
    struct cut_file *c = (struct cut_file *)f;
    *c = (struct cut_file){ .real = (sqlite3_file *)(void *)(c + 1) };
    CHECK(path != NULL); /* temporary files are not used here */
    pthread_mutex_lock(&disk.mutex);
    int rc =
        disk.dead ? SQLITE_CANTOPEN : real_vfs->xOpen(real_vfs, path, c->real, flags, out_flags);
    if (rc == SQLITE_OK) {
        c->disk = file_of(path, true);
        c->base.pMethods = &methods;
    }
    pthread_mutex_unlock(&disk.mutex);
    return rc;
}

static int cut_delete(sqlite3_vfs *v, const char *path, int sync_folder)
{
    (void)v;
    pthread_mutex_lock(&disk.mutex);
    bool was_dead = disk.dead, gone = power_gone();
    struct disk_file *f = file_of(path, false);
    if (f && !was_dead)
        change_add(f, CHANGE_REMOVE, 0, NULL, 0);
    if (f && !gone && sync_folder) {
        changes_clear(f);
        f->exists = false;
        f->synced.len = 0;
    }
    int rc = gone ? SQLITE_IOERR_DELETE : real_vfs->xDelete(real_vfs, path, 0);
    pthread_mutex_unlock(&disk.mutex);
    return rc;
}

bool powercut_register(void)
{
    static sqlite3_vfs vfs;
    real_vfs = sqlite3_vfs_find(NULL);
    if (!real_vfs)
        return false;
    vfs = *real_vfs;
    vfs.zName = POWERCUT_VFS;
    vfs.pNext = NULL;
    vfs.szOsFile = (int)sizeof(struct cut_file) + real_vfs->szOsFile;
    vfs.xOpen = cut_open;
    vfs.xDelete = cut_delete;
    return sqlite3_vfs_register(&vfs, 0) == SQLITE_OK;
}

/* ---- the power ---- */

void powercut_arm(uint64_t n)
{
    pthread_mutex_lock(&disk.mutex);
    disk.calls = 0;
    disk.cut_at = n;
    pthread_mutex_unlock(&disk.mutex);
}

bool powercut_happened(void)
{
    pthread_mutex_lock(&disk.mutex);
    bool dead = disk.dead;
    pthread_mutex_unlock(&disk.mutex);
    return dead;
}

uint64_t powercut_calls(void)
{
    pthread_mutex_lock(&disk.mutex);
    uint64_t n = disk.calls;
    pthread_mutex_unlock(&disk.mutex);
    return n;
}

static uint64_t draw(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* mode 0: nothing pending arrived; 1: all of it; otherwise each change by itself: whole, torn, or not at all. */
static void apply_some(struct content *c, const struct disk_file *f, size_t from, size_t to,
                       unsigned mode, uint64_t *seed)
{
    for (size_t i = from; i < to && mode > 0; i++) {
        const struct change *x = &f->changes[i];
        unsigned fate = mode == 1 ? 0 : (unsigned)(draw(seed) % 3);
        if (x->kind == CHANGE_REMOVE || fate == 2)
            continue;
        size_t len = x->len;
        if (fate == 1 && len > 1)
            len = 1 + (size_t)(draw(seed) % (len - 1));
        content_apply(c, x, len);
    }
}

static void file_restore(struct disk_file *f, uint64_t *seed)
{
    unsigned mode = (unsigned)(draw(seed) % 4);
    size_t fresh = after_removal(f);
    bool removed = fresh > 0 && draw(seed) % 2, lost = false;
    if (removed) {
        f->synced.len = 0;
        f->exists = false;
        apply_some(&f->synced, f, fresh, f->change_cnt, mode, seed);
    } else { /* changes before the first removal are those of the old file */
        size_t old = 0;
        while (old < f->change_cnt && f->changes[old].kind != CHANGE_REMOVE)
            old++;
        apply_some(&f->synced, f, 0, old, mode, seed);
    }
    if (!f->exists) /* created, but neither it nor its folder was synced */
        lost = mode == 0 || draw(seed) % 2;
    changes_clear(f);
    if (lost) {
        f->synced.len = 0;
        (void)unlink(f->path);
        return;
    }
    FILE *out = fopen(f->path, "wb");
    CHECK(out != NULL);
    CHECK(f->synced.len == 0 || fwrite(f->synced.p, 1, f->synced.len, out) == f->synced.len);
    CHECK(fclose(out) == 0);
    f->exists = true;
}

void powercut_restore(uint64_t *seed)
{
    pthread_mutex_lock(&disk.mutex);
    for (size_t i = 0; i < disk.file_cnt; i++) {
        char shm[300];
        file_restore(&disk.files[i], seed);
        snprintf(shm, sizeof(shm), "%s-shm", disk.files[i].path);
        (void)unlink(shm);
    }
    disk.dead = false;
    disk.cut_at = 0;
    disk.calls = 0;
    pthread_mutex_unlock(&disk.mutex);
}

void powercut_forget(void)
{
    pthread_mutex_lock(&disk.mutex);
    for (size_t i = 0; i < disk.file_cnt; i++) {
        changes_clear(&disk.files[i]);
        free(disk.files[i].changes);
        free(disk.files[i].synced.p);
    }
    disk.file_cnt = 0;
    disk.dead = false;
    disk.cut_at = 0;
    pthread_mutex_unlock(&disk.mutex);
}
