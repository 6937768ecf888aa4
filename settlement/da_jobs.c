/* settlement/da_jobs.c
 *
 * Commitments to blobs, and proofs, on a worker: tens of milliseconds a blob for the first, half a second for all. One job at a
 * time for each purpose. A job that comes back to a world that has changed is dropped, and what needed it asks again. */
#include <inttypes.h>
#include <stdlib.h>

#include "node/base/log.h"
#include "settlement/da/da.h"
#include "settlement/internal.h"

struct da_job {
    struct settlement *s;
    struct sidecar *blobs; /* owned */
    bool prove, ok;
    uint64_t number, epoch;
};

static void run_job(void *arg)
{
    struct da_job *j = arg;
    j->ok = sidecar_commit(j->blobs) && (!j->prove || sidecar_prove(j->blobs));
}

static void free_job(struct da_job *j)
{
    sidecar_unref(j->blobs);
    free(j);
}

/* Blobs hold 31 bytes a scalar, so only memory can fail: the next tick asks for it again. */
static void end_job(struct da_job *j)
{
    struct settlement *s = j->s;
    bool ok = j->ok;
    if (!ok)
        log_warn(LOG_SETTLEMENT, "the blobs of a batch could not be worked out yet",
                 LOG_U64("batch", j->number));
    free_job(j);
    if (ok && !s->stopped)
        settlement_run(s);
}

static bool start(struct settlement *s, struct da_job *want, uint64_t first, uint64_t last,
                  void (*done)(void *), struct err *err)
{
    struct arena arena;
    struct buf pubdata;
    struct da_job *j = malloc(sizeof(*j));
    if (!j)
        return err_set(err, ERR_LOCAL, "out of memory");
    *j = *want;
    arena_init_growing(&arena, PUBDATA_ARENA_CHUNK, PUBDATA_ARENA_LIMIT);
    buf_init(&pubdata, (size_t)da_capacity(DA_BLOBS_ZKSYNC_OS));
    bool ok = pubdata_load(s, first, last, &arena, &pubdata, err);
    j->blobs = ok ? da_blobs_pack(bytes_of(pubdata.p, pubdata.len)) : NULL;
    buf_clear(&pubdata);
    arena_clear(&arena);
    if (ok && !j->blobs)
        ok = err_set(err, ERR_LOCAL, "out of memory");
    if (ok && !s->deps.run_job(s->deps.arg, run_job, done, j))
        ok = err_set(err, ERR_TRANSIENT, "the worker takes no more jobs");
    if (!ok)
        free_job(j);
    return ok;
}

/* ---- sealing ---- */

static void seal_done(void *arg)
{
    struct da_job *j = arg;
    struct settlement *s = j->s;
    s->da.sealing = false;
    if (j->ok && !s->stopped && j->epoch == s->da.epoch) {
        struct b256 commitment = da_blobs_commitment(j->blobs);
        batcher_on_blobs(s, &commitment);
    }
    end_job(j);
}

bool da_start_seal(struct settlement *s, struct err *err)
{
    struct da_job j = { .s = s, .number = s->open.b.stored.number, .epoch = s->da.epoch };
    CHECK(!s->da.sealing);
    s->da.sealing = start(s, &j, s->open.b.first_block, s->open.b.last_block, seal_done, err);
    return s->da.sealing;
}

/* ---- committing ---- */

static void commit_done(void *arg)
{
    struct da_job *j = arg;
    struct settlement *s = j->s;
    s->da.proving = false;
    if (j->ok && !s->stopped) {
        da_drop(s);
        s->da.ready = sidecar_ref(j->blobs);
        s->da.ready_number = j->number;
        log_debug(LOG_SETTLEMENT, "blobs are ready", LOG_U64("batch", j->number),
                  LOG_U64("blobs", sidecar_blob_cnt(j->blobs)));
    }
    end_job(j);
}

void da_drop(struct settlement *s)
{
    sidecar_unref(s->da.ready);
    s->da.ready = NULL;
    s->da.ready_number = 0;
}

bool da_blobs_of(struct settlement *s, const struct batch_row *row, struct sidecar **out,
                 struct err *err)
{
    struct da_job j = { .s = s, .prove = true, .number = row->number };
    *out = NULL;
    if (s->da.ready_number != row->number) {
        if (!s->da.proving)
            s->da.proving = start(s, &j, row->first_block, row->last_block, commit_done, err);
        return s->da.proving;
    }
    struct b256 commitment = da_blobs_commitment(s->da.ready);
    if (!b256_eq(&commitment, &row->da_commitment)) {
        da_drop(s);
        return err_set(err, ERR_LOCAL,
                       "the blobs of batch %" PRIu64 " are not the ones it was sealed with",
                       row->number);
    }
    *out = s->da.ready;
    return true;
}
