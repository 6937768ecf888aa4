/* node/store/store_internal.h   (inside store) */
#ifndef GH_STORE_INTERNAL_H
#define GH_STORE_INTERNAL_H

#include <pthread.h>

#include "node/store/store.h"

struct store_job {
    struct store_job *next;
    enum store_file file;
    store_job_fn *fn;
    store_done_fn *done;
    void *arg;
    bool sync;     /* the caller waits on `cond` instead of a callback */
    bool finished; /* sync only */
    bool ok;
    struct err err;
};

struct store {
    struct event_base *base; /* borrowed */
    char *dir;
    char *vfs;
    int lock_fd;
    struct sqlite3 *db[STORE_FILE_CNT]; /* owned; used by the store thread once it runs */
    pthread_t thread;
    bool thread_started;
    pthread_mutex_t mutex;
    pthread_cond_t cond;            /* work for the thread; also signals finished sync jobs */
    struct store_job *head, **tail; /* waiting */
    struct store_job *done_head, **done_tail;
    size_t queue_len, max_queue;
    bool stopping;
    struct event *wake; /* owned: runs the done callbacks on the loop */
};

MUST_USE struct sqlite3 *store_open_file(const char *dir, const char *vfs, enum store_file file,
                                         bool read_only, struct err *err);
MUST_USE bool store_lock(struct store *s, struct err *err);

#endif
