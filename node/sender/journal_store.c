/* The journal over the node's store: writes are jobs of the store thread, handed over by value; reads use a connection of our
 * own. */
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "node/sender/journal_sql.h"
#include "node/sender/sidecar.h"
#include "node/store/store.h"

struct put_job {
    struct store_journal *j;
    struct tx_journal_name name;
    struct tx_row
        row; /* every pointer in it is into `block`; the sidecar is a reference, and never changes */
    uint64_t ticket;
    tx_journal_done_fn *done; /* NULL: forgotten */
    void *arg;
    LIST_ENTRY(put_job) link;
    uint8_t block[];
};
struct store_journal {
    struct store *store;         /* borrowed */
    struct store_reader *reader; /* owned */
    LIST_HEAD(, put_job) jobs;
    bool closing; /* destroyed, but jobs still come back */
};

/* Copies behind the struct, moving the place forward. */
static const void *pack(uint8_t **at, const void *p, size_t len)
{
    uint8_t *here = *at;
    if (len > 0)
        memcpy(here, p, len);
    *at += (len + 15) & ~(size_t)15;
    return here;
}

static size_t packed_len(const struct tx_row *r)
{
    size_t n = r->data.len + strlen(r->key) + strlen(r->label) + strlen(r->error) + 3 +
               r->variant_cnt * sizeof(struct tx_variant_row) + r->blob_cnt * sizeof(struct b256) +
               16 * (8 + r->variant_cnt);
    for (size_t i = 0; i < r->variant_cnt; i++)
        n += r->variants[i].raw.len;
    return n;
}

static struct put_job *job_new(const struct tx_row *r)
{
    struct put_job *job = calloc(1, sizeof(*job) + 16 + packed_len(r));
    if (!job)
        return NULL;
    uint8_t *at = (uint8_t *)(((uintptr_t)job->block + 15) & ~(uintptr_t)15);
    job->row = *r;
    struct tx_variant_row *v =
        (struct tx_variant_row *)(uintptr_t)pack(&at, r->variants, r->variant_cnt * sizeof(*v));
    for (size_t i = 0; i < r->variant_cnt; i++)
        v[i].raw.p = pack(&at, r->variants[i].raw.p, r->variants[i].raw.len);
    job->row.variants = v;
    job->row.key = pack(&at, r->key, strlen(r->key) + 1);
    job->row.label = pack(&at, r->label, strlen(r->label) + 1);
    job->row.error = pack(&at, r->error, strlen(r->error) + 1);
    job->row.data.p = pack(&at, r->data.p, r->data.len);
    job->row.blob_hashes = pack(&at, r->blob_hashes, r->blob_cnt * sizeof(*r->blob_hashes));
    sidecar_ref(r->sidecar);
    return job;
}

static bool run_job(struct store_txn *t, void *arg, struct err *err)
{
    struct put_job *job = arg;
    return tx_journal_put_here(t->db, &job->name, &job->row, err);
}

static void free_if_done(struct store_journal *j)
{
    if (!j->closing || !LIST_EMPTY(&j->jobs))
        return;
    free(j);
}

static void job_done(void *arg, const struct err *err)
{
    struct put_job *job = arg;
    struct store_journal *j = job->j;
    LIST_REMOVE(job, link);
    if (job->done)
        job->done(job->arg, job->ticket, err);
    sidecar_unref(job->row.sidecar);
    free(job);
    free_if_done(j);
}

static bool store_put(void *ctx, const struct addr *sender, uint64_t chain_id,
                      const struct tx_row *row, uint64_t ticket, tx_journal_done_fn *done,
                      void *arg, struct err *err)
{
    struct store_journal *j = ctx;
    struct put_job *job = job_new(row);
    if (!job)
        return err_set(err, ERR_LOCAL, "out of memory");
    job->j = j;
    job->name = (struct tx_journal_name){ *sender, chain_id };
    job->ticket = ticket;
    job->done = done;
    job->arg = arg;
    LIST_INSERT_HEAD(&j->jobs, job, link);
    if (store_write(j->store, STORE_JOURNAL, run_job, job_done, job, err))
        return true;
    LIST_REMOVE(job, link);
    sidecar_unref(job->row.sidecar);
    free(job);
    return false;
}

static bool nothing_job(struct store_txn *t, void *arg, struct err *err)
{
    (void)t;
    (void)arg;
    (void)err;
    return true;
}

/* At start: writes that an earlier manager left in the queue are waited for, so that they are read. */
static bool store_load(void *ctx, const struct addr *sender, uint64_t chain_id,
                       tx_journal_visit_fn *visit, void *arg, uint64_t *next_id,
                       uint64_t *nonce_floor, struct err *err)
{
    struct store_journal *j = ctx;
    struct tx_journal_name n = { *sender, chain_id };
    if (!store_write_sync(j->store, STORE_JOURNAL, nothing_job, NULL, err))
        return false;
    return tx_journal_load_here(store_reader_db(j->reader, STORE_JOURNAL), &n, visit, arg, next_id,
                                nonce_floor, err);
}

static bool store_find(void *ctx, const struct addr *sender, uint64_t chain_id, const char *key,
                       uint64_t id, tx_journal_visit_fn *visit, void *arg, struct err *err)
{
    struct store_journal *j = ctx;
    struct tx_journal_name n = { *sender, chain_id };
    return tx_journal_find_here(store_reader_db(j->reader, STORE_JOURNAL), &n, key, id, visit, arg,
                                err);
}

static void store_forget(void *ctx, void *arg)
{
    struct store_journal *j = ctx;
    struct put_job *job;
    LIST_FOREACH(job, &j->jobs, link)
    if (job->arg == arg)
        job->done = NULL;
}

static void store_destroy(void *ctx)
{
    struct store_journal *j = ctx;
    struct put_job *job;
    LIST_FOREACH(job, &j->jobs, link)
    job->done = NULL;
    store_reader_close(j->reader);
    j->closing = true;
    free_if_done(j);
}

static const struct tx_journal_ops store_ops = { store_put, store_load, store_find, store_forget,
                                                 store_destroy };

static bool migrate_job(struct store_txn *t, void *arg, struct err *err)
{
    (void)arg;
    return tx_journal_migrate_here(t->db, err);
}

struct tx_journal *tx_journal_store(struct store *s, struct err *err)
{
    struct tx_journal *j = malloc(sizeof(*j));
    struct store_journal *sj = calloc(1, sizeof(*sj));
    bool ok = j && sj;
    if (!ok)
        err_set(err, ERR_LOCAL, "out of memory");
    ok = ok && store_write_sync(s, STORE_JOURNAL, migrate_job, NULL, err);
    if (ok) {
        LIST_INIT(&sj->jobs);
        sj->store = s;
        sj->reader = store_reader_open(s, err);
        ok = sj->reader != NULL;
    }
    if (!ok) {
        free(j);
        free(sj);
        return NULL;
    }
    *j = (struct tx_journal){ &store_ops, sj };
    return j;
}
