/* Checkpoints: what is written comes back, anything damaged is passed over in words, and no power cut at any step of a
 * write leaves less than the checkpoint before it. */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/base/hash.h"
#include "node/base/log.h"
#include "node/state/checkpoint_format.h"
#include "node/state/state_impl.h"
#include "tests/unit/state/memory_files.h"
#include "tests/unit/state/model.h"

static const struct state_config config = { 64, 64 };
#define CHAIN_ID 270u

struct chain {
    struct state *s;
    struct model m;
    uint64_t seed, latest;
};
static struct block block;

static void chain_init(struct chain *c, uint64_t seed)
{
    struct err err = { 0 };
    *c = (struct chain){ .s = state_create(&config), .seed = seed };
    model_init(&c->m);
    static const uint8_t code[] = { 0x5b, 0x60, 0x01 };
    struct stf_preimage p = { blake2s(code, sizeof(code)), bytes_of(code, sizeof(code)), true };
    assert_fine(state_start(c->s, 0, NULL, 0, &p, 1, NULL, &err), &err);
}

static void chain_next(struct chain *c, size_t inserts, size_t accounts)
{
    struct err err = { 0 };
    block_random(&block, &c->m, &c->seed, inserts, inserts, accounts);
    model_apply(&c->m, block.diffs, block.diff_cnt);
    c->latest++;
    assert_fine(state_apply(c->s, c->latest, block.diffs, block.diff_cnt, block.preimages,
                            block.preimage_cnt, NULL, &err),
                &err);
}

static void chain_clear(struct chain *c)
{
    model_clear(&c->m);
    state_destroy(c->s);
}

static struct checkpoint_info info_of(uint64_t block_number)
{
    struct checkpoint_info info = { .timestamp = 1000 + block_number, .chain_id = CHAIN_ID };
    memset(info.block_hash.b, (int)block_number, 32);
    return info;
}

static void name_of(char out[CKPT_NAME_MAX], uint64_t n)
{
    snprintf(out, CKPT_NAME_MAX, CKPT_PREFIX "%020llu" CKPT_SUFFIX, (unsigned long long)n);
}

static void write_at(struct chain *c, const struct state_files *files, uint64_t at)
{
    struct checkpoint_info info = info_of(at);
    struct err err = { 0 };
    assert_fine(checkpoint_write(c->s, files, at, &info, &err), &err);
    assert_int_equal(info.block, at);
}

/* Everything a model says about block `at` is in s. */
static void same_as_model(struct state *s, const struct model *m, uint64_t at)
{
    struct err err = { 0 };
    struct state_mark mark;
    struct b256 root = model_root(m);
    assert_int_equal(state_latest(s), at);
    assert_true(state_mark_at(s, at, &mark));
    assert_word(&mark.root, &root, "root");
    assert_int_equal(mark.leaf_count, m->count);
    assert_fine(state_check(s, &err), &err);
    struct state_view *v = state_view_open(s, at, &err);
    for (size_t i = 2; i < m->count; i++) {
        struct b256 value;
        bool exists;
        assert_true(state_view_slot(v, &m->leaves[i].key, &value, &exists));
        assert_true(exists);
        assert_word(&value, &m->leaves[i].value, "value");
    }
    for (uint32_t a = 1; a <= 200; a++) {
        struct addr addr = addr_of_u32(a);
        struct account_record rec;
        bool exists;
        assert_true(state_view_account(v, &addr, &rec, &exists));
    }
    state_view_close(v);
}

static void round_trip(void **unused)
{
    (void)unused;
    struct mem_folder folder;
    mem_folder_init(&folder);
    struct chain c;
    chain_init(&c, 1);
    struct model at[31];
    for (unsigned i = 1; i <= 30; i++) {
        chain_next(&c, 40, 10);
        model_copy(&at[i], &c.m);
    }
    /* an older block as well as the newest: the writer reads through a view */
    write_at(&c, &folder.files, 12);
    write_at(&c, &folder.files, 30);
    for (unsigned i = 12; i <= 30; i += 18) {
        struct checkpoint_info info;
        struct err err;
        struct state *s = checkpoint_load(&folder.files, &config, CHAIN_ID, i, &info, &err);
        if (!s)
            fail_msg("%s", err.msg);
        assert_int_equal(info.block, i);
        assert_int_equal(info.timestamp, 1000 + i);
        assert_int_equal(info.block_hash.b[5], i);
        same_as_model(s, &at[i], i);
        struct state_view *v = state_view_open(s, i, &err);
        static const uint8_t code[] = { 0x5b, 0x60, 0x01 };
        struct b256 hash = blake2s(code, sizeof(code));
        struct bytes got;
        assert_true(state_view_preimage(v, &hash, &got));
        assert_true(bytes_eq(got, bytes_of(code, sizeof(code))));
        state_view_close(v);
        state_destroy(s);
    }
    for (unsigned i = 1; i <= 30; i++)
        model_clear(&at[i]);
    chain_clear(&c);
    mem_folder_clear(&folder);
}

/* Loaded, then brought forward by the same blocks: the same roots as without the restart. */
static void goes_on_after_loading(void **unused)
{
    (void)unused;
    struct mem_folder folder;
    mem_folder_init(&folder);
    struct chain c;
    chain_init(&c, 2);
    for (unsigned i = 0; i < 20; i++)
        chain_next(&c, 20, 10);
    write_at(&c, &folder.files, 20);
    struct checkpoint_info info;
    struct err err;
    struct state *s = checkpoint_load(&folder.files, &config, CHAIN_ID, UINT64_MAX, &info, &err);
    assert_non_null(s);
    for (unsigned i = 0; i < 100; i++) {
        struct state_mark mark, want;
        chain_next(&c, 10, 10);
        assert_fine(state_apply(s, c.latest, block.diffs, block.diff_cnt, block.preimages,
                                block.preimage_cnt, &mark, &err),
                    &err);
        assert_true(state_mark_at(c.s, c.latest, &want));
        assert_word(&mark.root, &want.root, "root");
    }
    struct state_usage a, b;
    state_usage(c.s, &a);
    state_usage(s, &b);
    assert_int_equal(a.preimage_count, b.preimage_count); /* records are dropped alike */
    same_as_model(s, &c.m, c.latest);
    state_destroy(s);
    chain_clear(&c);
    mem_folder_clear(&folder);
}

static struct state *load_bytes(const uint8_t *data, size_t len, struct err *err)
{
    struct mem_folder folder;
    mem_folder_init(&folder);
    mem_folder_put(&folder, "x", data, len);
    struct checkpoint_info info;
    *err = (struct err){ 0 };
    struct state *s = checkpoint_load_file(&folder.files, "x", &config, &info, err);
    mem_folder_clear(&folder);
    return s;
}

static void every_damage_is_seen(void **unused)
{
    (void)unused;
    struct mem_folder folder;
    mem_folder_init(&folder);
    struct chain c;
    chain_init(&c, 3);
    for (unsigned i = 0; i < 4; i++)
        chain_next(&c, 5, 4);
    write_at(&c, &folder.files, 4);
    char name[CKPT_NAME_MAX];
    name_of(name, 4);
    struct mem_content *f = mem_folder_file(&folder, name);
    assert_non_null(f);
    uint8_t *copy = malloc(f->len + 1);
    assert_non_null(copy);
    struct err err;
    memcpy(copy, f->data, f->len);
    struct state *s = load_bytes(copy, f->len, &err);
    assert_non_null(s);
    state_destroy(s);
    for (size_t i = 0; i < f->len; i++) { /* every byte of every region */
        copy[i] ^= (uint8_t)(1u << i % 8);
        s = load_bytes(copy, f->len, &err);
        assert_null(s);
        assert_true(err.kind == ERR_INVALID && strlen(err.msg) > 10);
        copy[i] = f->data[i];
    }
    for (size_t len = 0; len < f->len; len++) { /* every length */
        assert_null(load_bytes(copy, len, &err));
        assert_int_equal(err.kind, ERR_INVALID);
    }
    copy[f->len] = 0;
    assert_null(load_bytes(copy, f->len + 1, &err));
    free(copy);
    chain_clear(&c);
    mem_folder_clear(&folder);
}

/* Recomputes both checksums, so that only the content can give the fault away. */
static void seal(uint8_t *data, size_t len)
{
    struct b256 sum = blake2s(data, CKPT_HEADER_SUM);
    memcpy(data + CKPT_HEADER_SUM, sum.b, 32);
    sum = blake2s(data, len - CKPT_TRAILER);
    memcpy(data + len - CKPT_TRAILER, sum.b, 32);
}

static void content_is_checked_too(void **unused)
{
    (void)unused;
    struct mem_folder folder;
    mem_folder_init(&folder);
    struct chain c;
    chain_init(&c, 4);
    for (unsigned i = 0; i < 3; i++)
        chain_next(&c, 3, 2);
    write_at(&c, &folder.files, 3);
    char name[CKPT_NAME_MAX];
    name_of(name, 3);
    struct mem_content *f = mem_folder_file(&folder, name);
    size_t leaves_end = CKPT_HEADER_LEN + c.m.count * CKPT_LEAF_LEN;
    uint8_t *copy = malloc(f->len);
    assert_non_null(copy);
    struct err err;
    unsigned refused = 0;
    for (size_t i = 16; i < leaves_end; i++) {
        if (i >= 16 && i < 24) /* block number and the caller's fields are only labels */
            continue;
        if (i >= 32 && i < 48)
            continue;
        if (i >= 80 && i < CKPT_HEADER_LEN)
            continue;
        memcpy(copy, f->data, f->len);
        copy[i] ^= 1;
        seal(copy, f->len);
        struct state *s = load_bytes(copy, f->len, &err);
        size_t in_leaf = (i - CKPT_HEADER_LEN) % CKPT_LEAF_LEN;
        if (i >= CKPT_HEADER_LEN && in_leaf == 72 && s) { /* the account flag: not in the root */
            state_destroy(s);
            continue;
        }
        if (s)
            fail_msg("byte %zu changed and nobody noticed", i);
        refused++;
    }
    assert_true(refused > 1000);
    free(copy);
    chain_clear(&c);
    mem_folder_clear(&folder);
}

static void newest_valid_wins(void **unused)
{
    (void)unused;
    struct mem_folder folder;
    mem_folder_init(&folder);
    struct chain c;
    chain_init(&c, 5);
    char name[CKPT_NAME_MAX];
    struct checkpoint_info info;
    struct err err;
    assert_null(checkpoint_load(&folder.files, &config, CHAIN_ID, UINT64_MAX, &info, &err));
    assert_int_equal(err.kind, ERR_NONE);
    for (unsigned i = 1; i <= 4; i++) {
        chain_next(&c, 5, 2);
        write_at(&c, &folder.files, i);
    }
    mem_folder_put(&folder, "notes.txt", "x", 1);
    mem_folder_put(&folder, "state-12.ckpt", "x", 1);
    name_of(name, 4);
    mem_folder_file(&folder, name)->data[200] ^= 1;
    struct state *s = checkpoint_load(&folder.files, &config, CHAIN_ID, UINT64_MAX, &info, &err);
    assert_non_null(s);
    assert_int_equal(info.block, 3);
    state_destroy(s);
    s = checkpoint_load(&folder.files, &config, CHAIN_ID, 2, &info, &err);
    assert_non_null(s);
    assert_int_equal(info.block, 2);
    state_destroy(s);
    assert_null(checkpoint_load(&folder.files, &config, CHAIN_ID + 1, UINT64_MAX, &info, &err));
    assert_int_equal(err.kind, ERR_NONE);

    /* keep one, and the one that block 2 needs */
    mem_folder_put(&folder, CKPT_PREFIX "00000000000000000009" CKPT_SUFFIX CKPT_TMP, "x", 1);
    checkpoint_prune(&folder.files, 1, 2);
    assert_non_null(mem_folder_file(&folder, name));
    name_of(name, 2);
    assert_non_null(mem_folder_file(&folder, name));
    assert_int_equal(mem_folder_count(&folder), 4); /* with the two foreign files */
    assert_fine(checkpoint_drop_above(&folder.files, 2, &err), &err);
    uint64_t cut = 1;
    mem_folder_power_cut(&folder, &cut); /* gone for good */
    assert_int_equal(mem_folder_count(&folder), 3);
    assert_non_null(mem_folder_file(&folder, name));
    chain_clear(&c);
    mem_folder_clear(&folder);
}

/* The power goes after every possible number of operations, and whatever the disk then shows is tried. */
static void power_cuts(void **unused)
{
    (void)unused;
    struct chain c;
    chain_init(&c, 6);
    struct model old;
    chain_next(&c, 300, 8);
    chain_next(&c, 300, 8);
    model_copy(&old, &c.m);
    chain_next(&c, 30, 3);
    unsigned finished = 0, lost = 0;
    uint64_t seed = 77;
    for (unsigned ops = 1; finished < 20; ops++) {
        for (unsigned variant = 0; variant < 20; variant++) {
            struct mem_folder folder;
            mem_folder_init(&folder);
            write_at(&c, &folder.files, 2);
            folder.ops = 0;
            folder.fail_after = ops;
            struct checkpoint_info info = info_of(3);
            struct err err = { 0 };
            bool done = checkpoint_write(c.s, &folder.files, 3, &info, &err);
            mem_folder_power_cut(&folder, &seed);
            struct state *s =
                checkpoint_load(&folder.files, &config, CHAIN_ID, UINT64_MAX, &info, &err);
            assert_non_null(s);
            if (done) /* it said so, so it is there */
                assert_int_equal(info.block, 3);
            same_as_model(s, info.block == 3 ? &c.m : &old, info.block);
            finished += done;
            lost += info.block == 2;
            state_destroy(s);
            mem_folder_clear(&folder);
        }
        assert_true(ops < 100);
    }
    assert_true(lost > 20);
    model_clear(&old);
    chain_clear(&c);
}

static void real_folder(void **unused)
{
    (void)unused;
    char path[] = "/tmp/gh-checkpoint-XXXXXX";
    assert_non_null(mkdtemp(path));
    char sub[64];
    snprintf(sub, sizeof(sub), "%s/a/b", path);
    struct err err = { 0 };
    struct state_files *files = state_files_open(sub, &err);
    if (!files)
        fail_msg("%s", err.msg);
    struct chain c;
    chain_init(&c, 7);
    for (unsigned i = 1; i <= 3; i++) {
        chain_next(&c, 2000, 20);
        write_at(&c, files, i);
    }
    checkpoint_prune(files, 2, UINT64_MAX);
    struct checkpoint_info info;
    struct state *s = checkpoint_load(files, &config, CHAIN_ID, UINT64_MAX, &info, &err);
    assert_non_null(s);
    same_as_model(s, &c.m, 3);
    state_destroy(s);
    assert_null(checkpoint_load(files, &config, CHAIN_ID, 1, &info, &err));
    chain_clear(&c);
    checkpoint_prune(files, 0, 0);
    state_files_close(files);
    assert_int_equal(rmdir(sub), 0); /* empty again */
    snprintf(sub, sizeof(sub), "%s/a", path);
    assert_int_equal(rmdir(sub), 0);
    assert_int_equal(rmdir(path), 0);
}

static void refusals(void **unused)
{
    (void)unused;
    struct mem_folder folder;
    mem_folder_init(&folder);
    struct chain c;
    chain_init(&c, 8);
    chain_next(&c, 5, 0);
    struct err err = { 0 };
    block_random(&block, &c.m, &c.seed, 3, 0, 0);
    assert_fine(state_apply_flat(c.s, 2, block.diffs, block.diff_cnt, NULL, 0, &err), &err);
    struct checkpoint_info info = info_of(2);
    assert_false(checkpoint_write(c.s, &folder.files, 2, &info, &err)); /* not hashed */
    assert_false(checkpoint_write(c.s, &folder.files, 3, &info, &err)); /* not there */
    assert_int_equal(mem_folder_count(&folder), 0);
    assert_fine(checkpoint_write(c.s, &folder.files, STATE_LATEST, &info, &err), &err);
    assert_int_equal(info.block, 1);
    struct state_usage u;
    state_usage(c.s, &u);
    assert_int_equal(u.open_views, 0);
    chain_clear(&c);
    mem_folder_clear(&folder);
}

int main(void)
{
    log_configure(LOG_ERROR, false); /* damaged files are warned about, on purpose */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),           cmocka_unit_test(goes_on_after_loading),
        cmocka_unit_test(every_damage_is_seen), cmocka_unit_test(content_is_checked_too),
        cmocka_unit_test(newest_valid_wins),    cmocka_unit_test(power_cuts),
        cmocka_unit_test(real_folder),          cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
