/* The journal's tables: what goes in comes out, rows of other senders stay out, damage is an error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/sender/sidecar.h"
#include "node/sender/tx_journal.h"

static const struct addr alice = { { 1 } }, bob = { { 2 } };

static int setup(void **state)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    *state = db;
    return 0;
}

static int teardown(void **state)
{
    sqlite3_close(*state);
    return 0;
}

static void count_done(void *arg, uint64_t ticket, const struct err *err)
{
    assert_null(err);
    *(uint64_t *)arg = ticket;
}

static void put(struct tx_journal *j, const struct addr *who, uint64_t chain,
                const struct tx_row *r)
{
    struct err e;
    uint64_t ticket = 0;
    assert_true(j->ops->put(j->ctx, who, chain, r, 77, count_done, &ticket, &e));
    assert_int_equal(ticket, 77);
}

struct seen {
    unsigned cnt;
    uint64_t ids[8];
    struct tx_row last;
    char key[TX_KEY_CAP];
    uint8_t data[8], raw[2][8];
    struct tx_variant_row variants[2];
};

static bool visit(void *arg, const struct tx_row *r)
{
    struct seen *s = arg;
    s->ids[s->cnt++] = r->id;
    s->last = *r;
    snprintf(s->key, sizeof(s->key), "%s", r->key);
    memcpy(s->data, r->data.p, r->data.len);
    for (size_t i = 0; i < r->variant_cnt && i < 2; i++) {
        s->variants[i] = r->variants[i];
        if (r->variants[i].raw.len)
            memcpy(s->raw[i], r->variants[i].raw.p, r->variants[i].raw.len);
    }
    return true;
}

static struct seen load(struct tx_journal *j, const struct addr *who, uint64_t chain,
                        uint64_t *next, uint64_t *floor)
{
    struct seen s = { .cnt = 0 };
    struct err e;
    assert_true(j->ops->load(j->ctx, who, chain, visit, &s, next, floor, &e));
    return s;
}

static struct tx_row row(uint64_t id, const char *key, enum tx_state st)
{
    return (struct tx_row){ .id = id,
                            .key = key,
                            .label = "commit",
                            .state = st,
                            .to = { { 9 } },
                            .value = u256_of_u64(5),
                            .data = bytes_of("\1\2\3", 3),
                            .nonce = TX_NO_NONCE,
                            .created_ms = 11,
                            .error = "" };
}

static void rows_come_back_whole(void **state)
{
    struct err e;
    uint64_t next, floor;
    struct tx_journal *j = tx_journal_sqlite(*state, &e);
    assert_non_null(j);
    struct tx_row r = row(1, "commit:1", TX_INTENT);
    put(j, &alice, 1, &r);
    struct tx_variant_row v[2] = {
        { .index = 0,
          .nonce = 7,
          .gas_limit = 21000,
          .max_fee = U256_MAX,
          .max_tip = U256_ONE,
          .hash = { { 3 } },
          .raw = bytes_of("abc", 3),
          .signed_ms = 12 },
        { .index = 1, .nonce = 7, .gas_limit = 21000, .is_cancel = true, .hash = { { 4 } } },
    };
    r.state = TX_ACCEPTED;
    r.nonce = 7;
    r.error = "trouble";
    r.data = bytes_of("zzz", 3); /* the payload is written once */
    r.variants = v;
    r.variant_cnt = 2;
    put(j, &alice, 1, &r);
    v[0].gas_limit = 1; /* versions never change either */
    put(j, &alice, 1, &r);
    struct seen s = load(j, &alice, 1, &next, &floor);
    assert_int_equal(s.cnt, 1);
    assert_int_equal(next, 2);
    assert_int_equal(floor, 0);
    assert_string_equal(s.key, "commit:1");
    assert_int_equal(s.last.state, TX_ACCEPTED);
    assert_int_equal(s.last.nonce, 7);
    assert_memory_equal(s.data, "\1\2\3", 3);
    assert_int_equal(s.last.variant_cnt, 2);
    assert_int_equal(s.variants[0].gas_limit, 21000);
    assert_true(u256_eq(&s.variants[0].max_fee, &U256_MAX));
    assert_memory_equal(s.raw[0], "abc", 3);
    assert_true(s.variants[1].is_cancel);
    assert_int_equal(s.variants[1].raw.len, 0);
    tx_journal_destroy(j);
}

static void senders_chains_and_final_rows_are_kept_apart(void **state)
{
    struct err e;
    uint64_t next, floor;
    struct tx_journal *j = tx_journal_sqlite(*state, &e);
    struct tx_row r = row(1, "a", TX_INTENT);
    put(j, &alice, 1, &r);
    put(j, &bob, 1, &r);
    put(j, &alice, 2, &r);
    r = row(2, "b", TX_CONFIRMED);
    r.nonce = 41;
    r.block_number = 9;
    put(j, &alice, 1, &r);
    r = row(3, "b", TX_ABANDONED);
    r.nonce = 99; /* never mined: says nothing about used nonces */
    put(j, &alice, 1, &r);
    struct seen s = load(j, &alice, 1, &next, &floor);
    assert_int_equal(s.cnt, 1);
    assert_int_equal(s.ids[0], 1);
    assert_int_equal(next, 4);
    assert_int_equal(floor, 42);
    s = (struct seen){ .cnt = 0 };
    assert_true(j->ops->find(j->ctx, &alice, 1, "b", 0, visit, &s, &e));
    assert_int_equal(s.last.id, 3); /* the newest */
    s.cnt = 0;
    assert_true(j->ops->find(j->ctx, &alice, 1, NULL, 2, visit, &s, &e));
    assert_int_equal(s.last.state, TX_CONFIRMED);
    s.cnt = 0;
    assert_true(j->ops->find(j->ctx, &bob, 1, "b", 0, visit, &s, &e));
    assert_int_equal(s.cnt, 0);
    tx_journal_destroy(j);
}

static void opening_again_keeps_everything_and_newer_files_are_refused(void **state)
{
    struct err e;
    uint64_t next, floor;
    struct tx_journal *j = tx_journal_sqlite(*state, &e);
    struct tx_row r = row(1, "a", TX_INTENT);
    put(j, &alice, 1, &r);
    tx_journal_destroy(j);
    j = tx_journal_sqlite(*state, &e);
    assert_int_equal(load(j, &alice, 1, &next, &floor).cnt, 1);
    tx_journal_destroy(j);
    assert_int_equal(
        sqlite3_exec(*state, "UPDATE sender_journal_version SET version = 1000", NULL, NULL, NULL),
        SQLITE_OK);
    assert_null(tx_journal_sqlite(*state, &e));
    assert_int_equal(e.kind, ERR_INVALID);
}

static void damage_is_an_error(void **state)
{
    static const char *const harm[] = {
        "UPDATE sender_tx SET state = -1",      "UPDATE sender_tx SET to_addr = x'00'",
        "UPDATE sender_tx SET value = x'00'",   "UPDATE sender_tx_version SET hash = x'00'",
        "UPDATE sender_tx_version SET idx = 5",
    };
    for (size_t i = 0; i < GH_COUNT(harm); i++) {
        sqlite3 *db;
        struct err e;
        uint64_t next, floor;
        struct seen s = { .cnt = 0 };
        assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
        struct tx_journal *j = tx_journal_sqlite(db, &e);
        struct tx_variant_row v = { .raw = bytes_of("abc", 3) };
        struct tx_row r = row(1, "a", TX_SIGNED);
        r.variants = &v;
        r.variant_cnt = 1;
        put(j, &alice, 1, &r);
        assert_int_equal(sqlite3_exec(db, harm[i], NULL, NULL, NULL), SQLITE_OK);
        assert_false(j->ops->load(j->ctx, &alice, 1, visit, &s, &next, &floor, &e));
        assert_int_equal(e.kind, ERR_LOCAL);
        tx_journal_destroy(j);
        sqlite3_close(db);
    }
    (void)state;
}

static void a_failed_write_is_told_and_leaves_nothing_half(void **state)
{
    struct err e;
    uint64_t ticket = 0, next, floor;
    struct tx_journal *j = tx_journal_sqlite(*state, &e);
    struct tx_variant_row v = { .raw = bytes_of("abc", 3) };
    struct tx_row r = row(1, "a", TX_SIGNED);
    r.variants = &v;
    r.variant_cnt = 1;
    assert_int_equal(sqlite3_exec(*state, "DROP TABLE sender_tx_version", NULL, NULL, NULL),
                     SQLITE_OK);
    assert_false(j->ops->put(j->ctx, &alice, 1, &r, 1, count_done, &ticket, &e));
    assert_int_equal(ticket, 0);
    struct seen s = { .cnt = 0 };
    assert_true(j->ops->load(j->ctx, &alice, 1, visit, &s, &next, &floor, &e));
    assert_int_equal(s.cnt, 0);
    tx_journal_destroy(j);
}

/* ---- blobs ---- */

struct kept {
    unsigned cnt;
    size_t blob_cnt;
    struct b256 hashes[SIDECAR_BLOBS_MAX];
    struct sidecar *sidecar; /* a reference */
    uint64_t blob_fee;
};

static bool keep(void *arg, const struct tx_row *r)
{
    struct kept *k = arg;
    k->cnt++;
    k->blob_cnt = r->blob_cnt;
    memcpy(k->hashes, r->blob_hashes, r->blob_cnt * sizeof(struct b256));
    k->sidecar = sidecar_ref(r->sidecar);
    k->blob_fee = r->variant_cnt ? r->variants[0].max_blob_fee.w[0] : 0;
    return true;
}

static struct sidecar *some_blobs(void)
{
    struct sidecar *s = sidecar_new(2);
    assert_non_null(s);
    for (unsigned i = 0; i < 40; i++)
        sidecar_blob(s, 0)[32 * i + 5] = (uint8_t)(i + 1);
    sidecar_blob(s, 1)[77] = 9;
    assert_true(sidecar_commit(s) && sidecar_prove(s));
    return s;
}

static void wrapped(struct buf *out, const struct sidecar *s, enum sidecar_form f)
{
    static const uint8_t tx[] = { 3, 0xc1, 5 };
    buf_init(out, (size_t)1 << 20);
    assert_true(sidecar_wrap(out, s, f, bytes_of(tx, sizeof(tx))));
}

/* What is read back goes out as the same bytes in either form; only hashes stay of a request that is final. */
static void blobs_are_kept_until_the_end(void **state)
{
    struct err e;
    struct tx_journal *j = tx_journal_sqlite(*state, &e);
    struct sidecar *s = some_blobs();
    const uint8_t raw[] = { 3, 0xc0 };
    struct tx_variant_row v = { .nonce = 4,
                                .raw = bytes_of(raw, sizeof(raw)),
                                .max_blob_fee = u256_of_u64(12345) };
    struct tx_row r = { .id = 1,
                        .key = "commit:1",
                        .label = "",
                        .error = "",
                        .state = TX_INTENT,
                        .nonce = TX_NO_NONCE,
                        .sidecar = s,
                        .blob_hashes = sidecar_hashes(s),
                        .blob_cnt = 2 };
    put(j, &alice, 1, &r);
    r.state = TX_SIGNED;
    r.nonce = 4;
    r.variants = &v;
    r.variant_cnt = 1;
    r.sidecar = NULL; /* was written already */
    put(j, &alice, 1, &r);
    struct kept k = { 0 };
    uint64_t next, floor;
    assert_true(j->ops->load(j->ctx, &alice, 1, keep, &k, &next, &floor, &e));
    assert_int_equal(k.cnt, 1);
    assert_int_equal(k.blob_fee, 12345);
    assert_non_null(k.sidecar);
    assert_memory_equal(sidecar_hashes(k.sidecar), sidecar_hashes(s), 64);
    for (int f = SIDECAR_EIP4844; f <= SIDECAR_EIP7594; f++) {
        struct buf a, b;
        wrapped(&a, s, (enum sidecar_form)f);
        wrapped(&b, k.sidecar, (enum sidecar_form)f);
        assert_int_equal(a.len, b.len);
        assert_memory_equal(a.p, b.p, a.len);
        buf_clear(&a);
        buf_clear(&b);
    }
    sidecar_unref(k.sidecar);

    /* others' bytes under the hashes that were signed */
    assert_int_equal(sqlite3_exec(*state,
                                  "UPDATE sender_tx_blobs SET sidecar = zeroblob(length(sidecar))",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_false(j->ops->load(j->ctx, &alice, 1, keep, &k, &next, &floor, &e));
    assert_non_null(strstr(e.msg, "not the ones that were signed"));
    assert_int_equal(
        sqlite3_exec(*state, "UPDATE sender_tx_blobs SET sidecar = x'00'", NULL, NULL, NULL),
        SQLITE_OK);
    assert_false(j->ops->load(j->ctx, &alice, 1, keep, &k, &next, &floor, &e));
    assert_non_null(strstr(e.msg, "damaged blobs"));

    r.state = TX_CONFIRMED;
    put(j, &alice, 1, &r);
    k = (struct kept){ 0 };
    assert_true(j->ops->find(j->ctx, &alice, 1, "commit:1", 0, keep, &k, &e));
    assert_int_equal(k.blob_cnt, 2);
    assert_null(k.sidecar);
    assert_memory_equal(k.hashes, sidecar_hashes(s), 64);
    sqlite3_stmt *st;
    assert_int_equal(
        sqlite3_prepare_v2(*state, "SELECT length(sidecar) FROM sender_tx_blobs", -1, &st, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int(st, 0), 0);
    sqlite3_finalize(st);
    sidecar_unref(s);
    tx_journal_destroy(j);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(rows_come_back_whole),
        T(senders_chains_and_final_rows_are_kept_apart),
        T(opening_again_keeps_everything_and_newer_files_are_refused),
        T(damage_is_an_error),
        T(a_failed_write_is_told_and_leaves_nothing_half),
        T(blobs_are_kept_until_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
