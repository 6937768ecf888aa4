/* node/cli/make_witness.c
 *
 * A batch's witness from the data folder: newest checkpoint before the batch or genesis, the diffs of the records on top, then the
 * maker (node/state/witness_maker.h). Reads only, so it works beside a running node. */
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/base/file.h"
#include "node/chain/block_record.h"
#include "node/cli/cli.h"
#include "node/crypto/crypto.h"
#include "node/state/checkpoint.h"
#include "node/state/genesis.h"
#include "node/state/witness_maker.h"
#include "node/stf/witness.h"
#include "node/store/batch_table.h"
#include "node/store/sql.h"

#define RECORD_ARENA_LIMIT ((size_t)4 << 30)

static const char usage[] = "usage: gatehouse make-witness --config FILE --batch N OUT\n"
                            "\n"
                            "Writes the witness of sealed batch N for 'gatehouse verify-batch', "
                            "from the data folder and the genesis file of the\n"
                            "configuration. A node may be running on the folder.\n";

struct job {
    const struct config *cfg;
    struct store_reader *reader;
    struct state *state;
    struct batch_row batch;
    struct arena arena; /* records of the batch's blocks */
    struct witness_source_block *blocks;
    struct witness_source src;
};

static bool load_batch(struct job *j, uint64_t number, struct err *err)
{
    bool found = false;
    if (!batch_load(j->reader, number, &j->batch, &found, err))
        return false;
    if (!found)
        return err_set(err, ERR_INVALID, "batch %" PRIu64 " is not sealed", number);
    if (j->batch.first_block == 0 || j->batch.last_block < j->batch.first_block)
        return err_set(err, ERR_LOCAL, "batch %" PRIu64 " has no blocks", number);
    return true;
}

/* The state at or below the block before the batch, which stays provable. */
static bool load_state(struct job *j, struct err *err)
{
    const struct config *c = j->cfg;
    uint64_t before = j->batch.first_block - 1;
    struct state_config cfg = { .history_blocks = 0, .proof_blocks = 0 };
    struct checkpoint_info info;
    char dir[4096];
    snprintf(dir, sizeof(dir), "%s/checkpoints", c->general.data_dir);
    struct state_files *files = state_files_open_existing(dir, err);
    if (files)
        j->state = checkpoint_load(files, &cfg, c->genesis.chain_id, before, &info, err);
    state_files_close(files);
    if (!j->state && err->kind != ERR_NONE)
        return false;
    if (!j->state) {
        struct genesis g;
        if (!genesis_load(&g, c->genesis.genesis_input_path, err))
            return false;
        j->state = state_create(&cfg);
        bool ok = genesis_apply(j->state, &g, NULL, NULL, err);
        genesis_clear(&g);
        if (!ok)
            return false;
    }
    return true;
}

static bool read_record(struct job *j, struct block_record *r, uint64_t number, struct arena *arena,
                        struct err *err)
{
    struct sql q = sql_prepare(store_reader_db(j->reader, STORE_CHAIN),
                               "SELECT record FROM block WHERE number = ?");
    bool found = false;
    sql_bind_u64(&q, number);
    if (!sql_step(&q, &found, "block record", err))
        return sqlite3_finalize(q.stmt), false;
    struct bytes raw = { NULL, 0 };
    if (found)
        raw = sql_blob(&q, arena);
    if (!sql_finish(&q, "block record", err))
        return false;
    if (!found || !raw.p)
        return err_set(err, ERR_LOCAL, "the record of block %" PRIu64 " is missing", number);
    return block_record_decode(r, raw, arena, err);
}

static bool apply_record(struct job *j, const struct block_record *r, struct err *err)
{
    if (r->ctx.number <= state_latest(j->state))
        return true;
    for (size_t i = 0; i < r->forced_code_cnt; i++)
        state_add_preimage(j->state, r->forced_codes[i]);
    return state_apply(j->state, r->ctx.number, r->diffs, r->diff_cnt, r->preimages,
                       r->preimage_cnt, NULL, err);
}

static bool bring_forward(struct job *j, struct err *err)
{
    uint64_t before = j->batch.first_block - 1;
    struct arena scratch;
    arena_init_growing(&scratch, 1u << 20, RECORD_ARENA_LIMIT);
    bool ok = true;
    for (uint64_t n = state_latest(j->state) + 1; ok && n <= before; n++) {
        struct block_record r = { 0 };
        arena_reset(&scratch);
        ok = read_record(j, &r, n, &scratch, err) && apply_record(j, &r, err);
    }
    arena_clear(&scratch);
    if (ok)
        state_keep_from(j->state, before);
    return ok;
}

static bool take_block(struct job *j, size_t i, struct err *err)
{
    struct block_record *r = arena_alloc(&j->arena, sizeof(*r));
    if (!r)
        return err_set(err, ERR_LOCAL, "out of memory");
    if (!read_record(j, r, j->batch.first_block + i, &j->arena, err) || !apply_record(j, r, err))
        return false;
    struct bytes *txs = arena_alloc(&j->arena, r->tx_cnt * sizeof(*txs));
    if (!txs)
        return err_set(err, ERR_LOCAL, "out of memory");
    for (size_t k = 0; k < r->tx_cnt; k++)
        txs[k] = r->txs[k].envelope;
    if (i == 0)
        j->src.last_timestamp = r->previous_timestamp;
    j->blocks[i] = (struct witness_source_block){ .ctx = &r->ctx,
                                                  .txs = txs,
                                                  .tx_cnt = r->tx_cnt,
                                                  .forced_codes = r->forced_codes,
                                                  .forced_code_cnt = r->forced_code_cnt,
                                                  .block_hash = r->block_hash };
    return true;
}

static bool make(struct job *j, uint64_t number, const char *out_path, struct err *err)
{
    if (!load_batch(j, number, err) || !load_state(j, err) || !bring_forward(j, err))
        return false;
    uint64_t n = j->batch.last_block - j->batch.first_block + 1;
    if (n > WITNESS_MAX_BLOCKS)
        return err_set(err, ERR_INVALID, "a batch of %" PRIu64 " blocks", n);
    j->blocks = arena_zalloc(&j->arena, (size_t)n * sizeof(*j->blocks));
    if (!j->blocks)
        return err_set(err, ERR_LOCAL, "out of memory");
    for (size_t i = 0; i < n; i++)
        if (!take_block(j, i, err))
            return false;
    j->src.batch_number = number;
    j->src.da_scheme = j->batch.da_scheme;
    j->src.blocks = j->blocks;
    j->src.block_cnt = (size_t)n;
    struct buf out;
    buf_init(&out, WITNESS_MAX_LEN);
    bool ok = witness_make(&out, j->state, &j->src, crypto_host(), err) &&
              file_replace(out_path, bytes_of(out.p, out.len), err);
    if (ok)
        printf("batch %" PRIu64 ", %" PRIu64 " blocks: %zu bytes\n", number, n, out.len);
    buf_clear(&out);
    return ok;
}

static bool parse_number(const char *s, uint64_t *out)
{
    char *end = NULL;
    *out = *s >= '0' && *s <= '9' ? strtoull(s, &end, 10) : 0;
    return end && *end == 0 && *out > 0 && *out < INT64_MAX;
}

int cli_make_witness(int argc, char **argv)
{
    static struct config cfg;
    struct cli_config_args args = { .file_cnt = 0 };
    const char *out_path = NULL;
    uint64_t number = 0;
    for (int i = 0; i < argc;) {
        if (strcmp(argv[i], "--help") == 0) {
            fputs(usage, stdout);
            return 0;
        }
        int used = cli_config_arg(&args, argc, argv, i);
        if (used < 0)
            return 2;
        if (used == 0 && strcmp(argv[i], "--batch") == 0 && i + 1 < argc &&
            parse_number(argv[i + 1], &number)) {
            used = 2;
        } else if (used == 0 && argv[i][0] != '-' && !out_path) {
            out_path = argv[i];
            used = 1;
        }
        if (used == 0) {
            fprintf(stderr, "gatehouse make-witness: wrong argument %s\n%s", argv[i], usage);
            return 2;
        }
        i += used;
    }
    if (!out_path || number == 0) {
        fputs(usage, stderr);
        return 2;
    }
    if (!cli_config_load(&cfg, &args))
        return 1;
    struct err err = { .kind = ERR_NONE };
    struct job j = { .cfg = &cfg };
    arena_init_growing(&j.arena, 1u << 20, RECORD_ARENA_LIMIT);
    j.reader = store_reader_open_dir(cfg.general.data_dir, &err);
    bool ok = j.reader && make(&j, number, out_path, &err);
    state_destroy(j.state);
    store_reader_close(j.reader);
    arena_clear(&j.arena);
    config_clear(&cfg);
    if (!ok)
        fprintf(stderr, "gatehouse make-witness: %s\n", err.msg);
    return ok ? 0 : 1;
}
