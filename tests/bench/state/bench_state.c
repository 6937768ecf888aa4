/* tests/bench/state/bench_state.c
 *
 * Blocks on a tree of 2^20 leaves against the least work possible (spec 20 §10.1), reads, proofs, rollback,
 * checkpoints, and memory after a million accounts.
 *   bench_state [log2 of the leaves]   default 20 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "node/base/hash.h"
#include "node/state/checkpoint.h"
#include "node/state/proof.h"
#include "node/state/state_impl.h"

static uint64_t seed = 1;
static volatile uint64_t sink;

/* Time of this thread on a processor: other load on the machine does not count. */
static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t random_u64(void)
{
    uint64_t z = (seed += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static struct b256 random_word(void)
{
    struct b256 w;
    for (size_t i = 0; i < 32; i += 8)
        store_be64(w.b + i, random_u64());
    return w;
}

static uint64_t resident_kib(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    unsigned long all = 0, resident = 0;
    if (f) {
        if (fscanf(f, "%lu %lu", &all, &resident) != 2)
            resident = 0;
        fclose(f);
    }
    return resident * (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
}

static void *need(void *p)
{
    CHECK(p != NULL);
    return p;
}

static void must(bool ok, const struct err *err)
{
    if (!ok) {
        fprintf(stderr, "%s\n", err->msg);
        exit(1);
    }
}

/* Nanoseconds of one compression when many are done at once. */
static double compression_ns(void)
{
    enum { N = 4096 };
    static struct b256 in[2 * N], out[N];
    static const struct b256 *left[N], *right[N];
    for (size_t i = 0; i < N; i++) {
        in[2 * i] = random_word();
        in[2 * i + 1] = random_word();
        left[i] = &in[2 * i];
        right[i] = &in[2 * i + 1];
    }
    uint64_t best = UINT64_MAX;
    for (int round = 0; round < 50; round++) {
        uint64_t t = now_ns();
        blake2s_nodes(out, left, right, N);
        t = now_ns() - t;
        best = t < best ? t : best;
    }
    sink += out[0].b[0];
    return (double)best / N;
}

/* ---- blocks ---- */

static void make_diffs(const struct state *s, struct stf_diff *d, size_t updates, size_t inserts)
{
    uint64_t count = s->flat.leaf_count;
    uint64_t stride = (count - 2) / (updates ? updates : 1);
    for (size_t i = 0; i < updates; i++) { /* distinct, spread at random */
        uint64_t at = 2 + i * stride + random_u64() % stride;
        const struct leaf *l = &s->flat.leaves[at];
        d[i] = (struct stf_diff){ .flat_key = l->key,
                                  .old_value = l->value,
                                  .new_value = random_word() };
    }
    for (size_t i = updates; i < updates + inserts; i++)
        d[i] = (struct stf_diff){ .flat_key = random_word(),
                                  .new_value = random_word(),
                                  .is_new = true };
}

/* C_min of spec 20 §10.1 for this block. */
static uint64_t least_compressions(const struct state *s, const struct stf_diff *d, size_t n)
{
    struct flat_plan p;
    struct err err = { 0 };
    must(flat_plan_make(&p, &s->flat, d, n, NULL, 0, true, &err), &err);
    uint64_t total = 0;
    for (size_t i = 0; i < p.touch_cnt; i++)
        total += p.touches[i].flags & TOUCH_VALUE ? 2 : 1;
    for (unsigned level = 1; level <= 64; level++)
        for (size_t i = 0; i < p.touch_cnt; i++) {
            uint64_t at = level < 64 ? p.touches[i].index >> level : 0;
            uint64_t before = i == 0       ? UINT64_MAX
                              : level < 64 ? p.touches[i - 1].index >> level
                                           : 0;
            total += i == 0 || at != before;
        }
    flat_plan_clear(&p);
    return total;
}

static void bench_blocks(struct state *s, size_t updates, size_t inserts, double t_c)
{
    const unsigned blocks = updates > 5000 ? 10 : 40;
    struct stf_diff *d = need(malloc((updates + inserts) * sizeof(*d)));
    struct err err = { 0 };
    uint64_t flat_ns = 0, tree_ns = 0, least = 0;
    struct state_usage before, after;
    state_usage(s, &before);
    for (unsigned i = 0; i < blocks; i++) {
        uint64_t n = state_latest(s) + 1;
        make_diffs(s, d, updates, inserts);
        least += least_compressions(s, d, updates + inserts);
        uint64_t t0 = now_ns();
        must(state_apply_flat(s, n, d, updates + inserts, NULL, 0, &err), &err);
        uint64_t t1 = now_ns();
        must(state_tree_advance(s, n, NULL, &err), &err);
        flat_ns += t1 - t0;
        tree_ns += now_ns() - t1;
    }
    state_usage(s, &after);
    double changes = (double)(updates + inserts) * blocks;
    double work = (double)(after.tree_compressions - before.tree_compressions);
    printf(
        "%6zu + %5zu new   flat %7.0f ns   tree %7.0f ns a changed leaf   compressions / C_min %.3f"
        "   time / (C_min t_c) %.2f\n",
        updates, inserts, (double)flat_ns / changes, (double)tree_ns / changes,
        work / (double)least, (double)tree_ns / ((double)least * t_c));
    free(d);
}

/* ---- reading ---- */

static void bench_reads(struct state *s)
{
    enum { N = 200000 };
    struct b256 *keys = need(malloc(N * sizeof(*keys)));
    for (size_t i = 0; i < N; i++)
        keys[i] = s->flat.leaves[2 + random_u64() % (s->flat.leaf_count - 2)].key;
    struct err err = { 0 };
    uint64_t at[2] = { state_latest(s), state_floor(s) };
    for (unsigned k = 0; k < 2; k++) {
        struct state_view *v = need(state_view_open(s, at[k], &err));
        uint64_t t = now_ns();
        for (size_t i = 0; i < N; i++) {
            struct b256 value;
            bool exists;
            CHECK(state_view_slot(v, &keys[i], &value, &exists));
            sink += value.b[0];
        }
        printf("slot, %4" PRIu64 " blocks ago   %7.0f ns\n", at[0] - at[k],
               (double)(now_ns() - t) / N);
        state_view_close(v);
    }
    static struct state_proof p;
    at[1] = state_proof_floor(s);
    for (unsigned k = 0; k < 2; k++) {
        uint64_t t = now_ns();
        for (size_t i = 0; i < 2000; i++)
            must(state_prove(s, at[k], &keys[i], &p, &err), &err);
        printf("proof, %3" PRIu64 " blocks ago   %7.0f ns\n", at[0] - at[k],
               (double)(now_ns() - t) / 2000);
    }
    free(keys);
}

static void bench_checkpoint(struct state *s)
{
    char path[] = "/tmp/gh-bench-state-XXXXXX";
    struct err err = { 0 };
    CHECK(mkdtemp(path) != NULL);
    struct state_files *files = need(state_files_open(path, &err));
    struct checkpoint_info info = { .chain_id = 1 };
    uint64_t t = now_ns();
    must(checkpoint_write(s, files, STATE_LATEST, &info, &err), &err);
    printf("checkpoint written   %6.0f ms\n", (double)(now_ns() - t) / 1e6);
    t = now_ns();
    struct state *again = checkpoint_load(files, &s->cfg, 1, UINT64_MAX, &info, &err);
    CHECK(again != NULL);
    printf("checkpoint loaded    %6.0f ms\n", (double)(now_ns() - t) / 1e6);
    state_destroy(again);
    checkpoint_prune(files, 0, 0);
    state_files_close(files);
    CHECK(rmdir(path) == 0);
}

static void bench_rollback(struct state *s)
{
    struct err err = { 0 };
    uint64_t to = state_floor(s), from = state_latest(s);
    uint64_t t = now_ns();
    must(state_rollback(s, to, &err), &err);
    printf("rollback of %" PRIu64 " blocks   %6.0f ms\n", from - to, (double)(now_ns() - t) / 1e6);
}

static void print_usage(const struct state *s)
{
    struct state_usage u;
    state_usage(s, &u);
    double n = (double)u.leaf_count;
    printf("bytes a leaf: leaves %.0f  index %.1f  hashes %.0f  preimages %.0f; history %.1f MB\n",
           (double)u.leaf_bytes / n, (double)u.index_bytes / n, (double)u.tree_bytes / n,
           (double)u.preimage_bytes / n, (double)u.history_bytes / 1e6);
}

static void tree_numbers(unsigned log2_leaves)
{
    size_t n = ((size_t)1 << log2_leaves) - 2;
    struct err err = { 0 };
    struct state *s = state_create(&(struct state_config){ 64, 64 });
    struct stf_diff *d = need(malloc(n * sizeof(*d)));
    for (size_t i = 0; i < n; i++)
        d[i] = (struct stf_diff){ .flat_key = random_word(), .new_value = random_word() };
    uint64_t t = now_ns();
    must(state_start(s, 0, d, n, NULL, 0, NULL, &err), &err);
    printf("2^%u leaves made      %6.0f ms\n", log2_leaves, (double)(now_ns() - t) / 1e6);
    free(d);
    double t_c = compression_ns();
    printf("t_c %.1f ns with %u lanes\n", t_c, blake2s_lanes());
    bench_blocks(s, 1, 1, t_c); /* arrays grow once */
    bench_blocks(s, 10, 3, t_c);
    bench_blocks(s, 200, 50, t_c);
    bench_blocks(s, 2000, 500, t_c);
    bench_blocks(s, 16000, 4000, t_c);
    print_usage(s);
    bench_reads(s);
    bench_checkpoint(s);
    bench_rollback(s);
    state_destroy(s);
}

/* A million accounts come in blocks of 1 000, as on a busy chain. */
static void account_memory(void)
{
    enum { PER_BLOCK = 1000, BLOCKS = 1000 };
    struct err err = { 0 };
    uint64_t before = resident_kib();
    struct state *s = state_create(&(struct state_config){ 16, 16 });
    static struct stf_diff d[PER_BLOCK];
    static struct stf_preimage p[PER_BLOCK];
    static uint8_t raw[PER_BLOCK][ACCOUNT_RECORD_LEN];
    must(state_start(s, 0, NULL, 0, NULL, 0, NULL, &err), &err);
    uint64_t t = now_ns();
    for (uint32_t b = 1; b <= BLOCKS; b++) {
        for (uint32_t i = 0; i < PER_BLOCK; i++) {
            uint32_t id = b * PER_BLOCK + i;
            struct addr a = addr_of_u32(id);
            struct account_record rec = { .nonce = 1, .balance = u256_of_u64(id) };
            account_encode(raw[i], &rec);
            p[i] = (struct stf_preimage){ account_value(&rec), bytes_of(raw[i], ACCOUNT_RECORD_LEN),
                                          false };
            d[i] = (struct stf_diff){ .addr = account_storage_addr(),
                                      .flat_key = account_flat_key(&a),
                                      .new_value = p[i].hash,
                                      .is_new = true };
        }
        must(state_apply(s, b, d, PER_BLOCK, p, PER_BLOCK, NULL, &err), &err);
    }
    printf("a million accounts: %.0f MB resident, %.2f s\n",
           (double)(resident_kib() - before) / 1024, (double)(now_ns() - t) / 1e9);
    print_usage(s);
    state_destroy(s);
}

int main(int argc, char **argv)
{
    unsigned long log2_leaves = argc > 1 ? strtoul(argv[1], NULL, 10) : 20;
    if (log2_leaves < 16 || log2_leaves > 26) {
        fprintf(stderr, "usage: bench_state [16..26]\n");
        return 2;
    }
    account_memory();
    tree_numbers((unsigned)log2_leaves);
    return 0;
}
