/* node/chain/worker.c */
#include "node/chain/worker.h"

#include <pthread.h>
#include <stdlib.h>

struct job {
    struct job *next;
    worker_fn *run, *done;
    void *arg;
};

struct worker_pool {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    struct job *head, **tail;
    struct job *done_head, **done_tail;
    size_t queue_len;
    bool stopping;
    struct event *wake; /* owned */
    unsigned thread_cnt;
    pthread_t threads[];
};

static void *worker_main(void *arg)
{
    struct worker_pool *p = arg;
    pthread_mutex_lock(&p->mutex);
    for (;;) {
        while (!p->head && !p->stopping)
            pthread_cond_wait(&p->cond, &p->mutex);
        struct job *j = p->head;
        if (!j)
            break;
        p->head = j->next;
        if (!p->head)
            p->tail = &p->head;
        p->queue_len--;
        pthread_mutex_unlock(&p->mutex);
        j->run(j->arg);
        pthread_mutex_lock(&p->mutex);
        j->next = NULL;
        *p->done_tail = j;
        p->done_tail = &j->next;
        event_active(p->wake, EV_READ, 0);
    }
    pthread_mutex_unlock(&p->mutex);
    return NULL;
}

static void run_done(struct worker_pool *p)
{
    pthread_mutex_lock(&p->mutex);
    struct job *list = p->done_head;
    p->done_head = NULL;
    p->done_tail = &p->done_head;
    pthread_mutex_unlock(&p->mutex);
    while (list) {
        struct job *j = list;
        list = j->next;
        if (j->done)
            j->done(j->arg);
        free(j);
    }
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    run_done(arg);
}

struct worker_pool *worker_pool_create(struct event_base *base, unsigned threads, const char *name,
                                       struct err *err)
{
    struct worker_pool *p = calloc(1, sizeof(*p) + threads * sizeof(p->threads[0]));
    if (!p) {
        err_set(err, ERR_LOCAL, "out of memory");
        return NULL;
    }
    p->tail = &p->head;
    p->done_tail = &p->done_head;
    pthread_mutex_init(&p->mutex, NULL);
    pthread_cond_init(&p->cond, NULL);
    p->wake = event_new(base, -1, EV_PERSIST, on_wake, p);
    while (p->wake && p->thread_cnt < threads) {
        if (pthread_create(&p->threads[p->thread_cnt], NULL, worker_main, p) != 0)
            break;
        (void)pthread_setname_np(p->threads[p->thread_cnt], name);
        p->thread_cnt++;
    }
    if (p->thread_cnt < threads || !p->wake) {
        err_set(err, ERR_LOCAL, "cannot start the %s threads", name);
        worker_pool_destroy(p);
        return NULL;
    }
    return p;
}

bool worker_submit(struct worker_pool *p, worker_fn *run, worker_fn *done, void *arg)
{
    struct job *j = malloc(sizeof(*j));
    if (!j)
        return false;
    *j = (struct job){ .run = run, .done = done, .arg = arg };
    pthread_mutex_lock(&p->mutex);
    bool ok = !p->stopping;
    if (ok) {
        *p->tail = j;
        p->tail = &j->next;
        p->queue_len++;
        pthread_cond_signal(&p->cond);
    }
    pthread_mutex_unlock(&p->mutex);
    if (!ok)
        free(j);
    return ok;
}

void worker_pool_stop(struct worker_pool *p)
{
    pthread_mutex_lock(&p->mutex);
    p->stopping = true;
    pthread_cond_broadcast(&p->cond);
    pthread_mutex_unlock(&p->mutex);
    for (unsigned i = 0; i < p->thread_cnt; i++)
        pthread_join(p->threads[i], NULL);
    p->thread_cnt = 0;
    run_done(p);
}

void worker_pool_destroy(struct worker_pool *p)
{
    if (!p)
        return;
    worker_pool_stop(p);
    if (p->wake)
        event_free(p->wake);
    pthread_cond_destroy(&p->cond);
    pthread_mutex_destroy(&p->mutex);
    free(p);
}
