/* node/store/store.c
 *
 * The store thread: one queue of write jobs, each in its own transaction. */
#include "node/store/store.h"

#include <event2/event.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/base/file.h"
#include "node/base/log.h"
#include "node/store/sql.h"
#include "node/store/store_internal.h"

#define DEFAULT_MAX_QUEUE 1024

static void run_job(struct store *s, struct store_job *j)
{
    struct sqlite3 *db = s->db[j->file];
    struct store_txn txn = { .db = db, .file = j->file, .store = s };
    j->ok = sql_exec(db, "BEGIN IMMEDIATE", &j->err);
    if (!j->ok)
        return;
    j->ok = j->fn(&txn, j->arg, &j->err);
    if (j->ok)
        j->ok = sql_exec(db, "COMMIT", &j->err);
    if (!j->ok)
        (void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
}

static void *store_thread(void *arg)
{
    struct store *s = arg;
    pthread_mutex_lock(&s->mutex);
    for (;;) {
        while (!s->head && !s->stopping)
            pthread_cond_wait(&s->cond, &s->mutex);
        struct store_job *j = s->head;
        if (!j)
            break; /* stopping, and nothing is left */
        s->head = j->next;
        if (!s->head)
            s->tail = &s->head;
        pthread_mutex_unlock(&s->mutex);
        run_job(s, j);
        pthread_mutex_lock(&s->mutex);
        s->queue_len--;
        pthread_cond_broadcast(&s->cond);
        if (j->sync) {
            j->finished = true;
            continue;
        }
        j->next = NULL;
        *s->done_tail = j;
        s->done_tail = &j->next;
        event_active(s->wake, EV_READ, 0);
    }
    pthread_mutex_unlock(&s->mutex);
    return NULL;
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct store *s = arg;
    pthread_mutex_lock(&s->mutex);
    struct store_job *list = s->done_head;
    s->done_head = NULL;
    s->done_tail = &s->done_head;
    pthread_mutex_unlock(&s->mutex);
    while (list) {
        struct store_job *j = list;
        list = j->next;
        if (j->done)
            j->done(j->arg, j->ok ? NULL : &j->err);
        else if (!j->ok)
            log_error(LOG_STORE, "write failed", LOG_STR("error", j->err.msg));
        free(j);
    }
}

static void enqueue(struct store *s, struct store_job *j)
{
    j->next = NULL;
    *s->tail = j;
    s->tail = &j->next;
    s->queue_len++;
    pthread_cond_broadcast(&s->cond);
}

bool store_write(struct store *s, enum store_file file, store_job_fn *fn, store_done_fn *done,
                 void *arg, struct err *err)
{
    struct store_job *j = calloc(1, sizeof(*j));
    if (!j)
        return err_set(err, ERR_LOCAL, "out of memory");
    j->file = file;
    j->fn = fn;
    j->done = done;
    j->arg = arg;
    pthread_mutex_lock(&s->mutex);
    bool full = s->queue_len >= s->max_queue;
    if (!full)
        enqueue(s, j);
    pthread_mutex_unlock(&s->mutex);
    if (full) {
        free(j);
        return err_set(err, ERR_TRANSIENT, "the store is %zu writes behind", s->max_queue);
    }
    return true;
}

bool store_write_sync(struct store *s, enum store_file file, store_job_fn *fn, void *arg,
                      struct err *err)
{
    struct store_job j = { .file = file, .fn = fn, .arg = arg, .sync = true };
    pthread_mutex_lock(&s->mutex);
    enqueue(s, &j);
    while (!j.finished)
        pthread_cond_wait(&s->cond, &s->mutex);
    pthread_mutex_unlock(&s->mutex);
    if (!j.ok && err)
        *err = j.err;
    return j.ok;
}

size_t store_queue_len(struct store *s)
{
    pthread_mutex_lock(&s->mutex);
    size_t n = s->queue_len;
    pthread_mutex_unlock(&s->mutex);
    return n;
}

void store_drain(struct store *s)
{
    pthread_mutex_lock(&s->mutex);
    while (s->queue_len > 0 || s->done_head) {
        while (s->queue_len > 0)
            pthread_cond_wait(&s->cond, &s->mutex);
        pthread_mutex_unlock(&s->mutex);
        on_wake(-1, 0, s);
        pthread_mutex_lock(&s->mutex);
    }
    pthread_mutex_unlock(&s->mutex);
}

static bool open_all(struct store *s, struct err *err)
{
    if (!file_mkdir_all(s->dir, err) || !store_lock(s, err))
        return false;
    for (int f = 0; f < STORE_FILE_CNT; f++) {
        s->db[f] = store_open_file(s->dir, s->vfs, (enum store_file)f, false, err);
        if (!s->db[f])
            return false;
    }
    s->wake = event_new(s->base, -1, EV_PERSIST, on_wake, s);
    if (!s->wake)
        return err_set(err, ERR_LOCAL, "out of memory");
    if (pthread_create(&s->thread, NULL, store_thread, s) != 0)
        return err_set(err, ERR_LOCAL, "cannot start the store thread");
    s->thread_started = true;
    return true;
}

struct store *store_open(struct event_base *base, const struct store_config *cfg, struct err *err)
{
    struct store *s = calloc(1, sizeof(*s));
    if (!s) {
        err_set(err, ERR_LOCAL, "out of memory");
        return NULL;
    }
    s->base = base;
    s->dir = strdup(cfg->dir);
    s->vfs = cfg->vfs ? strdup(cfg->vfs) : NULL;
    s->lock_fd = -1;
    s->tail = &s->head;
    s->done_tail = &s->done_head;
    s->max_queue = cfg->max_queue ? cfg->max_queue : DEFAULT_MAX_QUEUE;
    pthread_mutex_init(&s->mutex, NULL);
    pthread_cond_init(&s->cond, NULL);
    bool ok = s->dir != NULL && (!cfg->vfs || s->vfs);
    if (!ok)
        err_set(err, ERR_LOCAL, "out of memory");
    if (!ok || !open_all(s, err)) {
        store_close(s);
        return NULL;
    }
    return s;
}

void store_close(struct store *s)
{
    if (!s)
        return;
    if (s->thread_started) {
        pthread_mutex_lock(&s->mutex);
        s->stopping = true;
        pthread_cond_broadcast(&s->cond);
        pthread_mutex_unlock(&s->mutex);
        pthread_join(s->thread, NULL);
    }
    while (s->done_head) { /* durable, but nobody is told any more */
        struct store_job *j = s->done_head;
        s->done_head = j->next;
        free(j);
    }
    for (int f = 0; f < STORE_FILE_CNT; f++)
        sqlite3_close(s->db[f]);
    if (s->wake)
        event_free(s->wake);
    if (s->lock_fd >= 0)
        close(s->lock_fd);
    pthread_cond_destroy(&s->cond);
    pthread_mutex_destroy(&s->mutex);
    free(s->dir);
    free(s->vfs);
    free(s);
}
