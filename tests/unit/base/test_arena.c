/* tests/unit/base/test_arena.c */
#include "tests/unit/base/testing.h"

#include "node/base/arena.h"

static bool is_aligned(const void *p)
{
    return ((uintptr_t)p & 15) == 0;
}

static void a_fixed_arena_has_a_limit(void **state)
{
    (void)state;
    _Alignas(16) uint8_t mem[1024];
    for (size_t shift = 0; shift < 16; shift++) {
        struct arena a;
        arena_init(&a, mem + shift, sizeof(mem) - shift);
        size_t got = 0;
        uint8_t *last = NULL;
        for (uint8_t *p; (p = arena_alloc(&a, 17)) != NULL; got++) {
            assert_true(is_aligned(p));
            assert_true(p >= mem + shift && p + 17 <= mem + sizeof(mem));
            assert_true(!last || p >= last + 17);
            memset(p, (int)got, 17);
            last = p;
        }
        size_t room = sizeof(mem) - (shift ? 16 : 0);
        assert_int_equal(got, (room + 15) / 32);
        assert_non_null(arena_alloc(&a, 0));
        assert_null(arena_alloc(&a, SIZE_MAX));
        assert_null(arena_alloc(&a, SIZE_MAX - 14));
        arena_reset(&a);
        assert_non_null(arena_alloc(&a, room));
        assert_null(arena_alloc(&a, 1));
    }
    struct arena tiny;
    arena_init(&tiny, mem + 1, 5); /* no aligned byte at all */
    assert_null(arena_alloc(&tiny, 1));
}

static void marks_give_memory_back(void **state)
{
    (void)state;
    _Alignas(16) uint8_t mem[256];
    struct arena a;
    arena_init(&a, mem, sizeof(mem));
    uint8_t *kept = arena_copy(&a, "kept", 5);
    struct arena_mark m = arena_save(&a);
    uint8_t *p = arena_alloc(&a, 64);
    memset(p, 0xff, 64);
    arena_restore(&a, m);
    uint8_t *again = arena_zalloc(&a, 64);
    assert_ptr_equal(p, again);
    for (int i = 0; i < 64; i++)
        assert_int_equal(again[i], 0);
    assert_string_equal((char *)kept, "kept");
}

static void a_growing_arena_adds_chunks_to_its_limit(void **state)
{
    (void)state;
    struct arena a;
    arena_init_growing(&a, 100, 1000);
    assert_non_null(arena_alloc(&a, 0));
    size_t got = 0;
    for (uint8_t *p; (p = arena_alloc(&a, 40)) != NULL; got++) {
        assert_true(is_aligned(p));
        memset(p, (int)got, 40);
    }
    /* chunks of 100 bytes hold two blocks of 48 (the last one rounds down to its chunk) */
    assert_int_equal(got, 20);
    assert_true(a.total + a.cap <= 1000);
    arena_reset(&a);
    assert_int_equal(a.total, 0);
    assert_null(arena_alloc(&a, 1001));
    assert_null(arena_alloc(&a, 901)); /* the kept chunk counts */
    assert_non_null(arena_alloc(&a, 900));
    arena_clear(&a);
    assert_non_null(arena_alloc(&a, 1000)); /* usable again, and now all of it at once */
    assert_null(arena_alloc(&a, 1));
    arena_clear(&a);
    arena_clear(&a);
}

static void marks_free_newer_chunks(void **state)
{
    (void)state;
    struct arena a;
    arena_init_growing(&a, 64, 1 << 20);
    struct arena_mark start = arena_save(&a);
    char *kept = arena_copy(&a, "kept", 5);
    struct arena_mark m = arena_save(&a);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 1; i < 200; i++)
            assert_non_null(arena_zalloc(&a, i * 3));
        arena_restore(&a, m);
        assert_int_equal(a.total, 0);
        assert_int_equal(a.cap, 64);
        assert_string_equal(kept, "kept");
    }
    arena_restore(&a, start);
    assert_null(a.chunk);
    assert_int_equal(a.total + a.cap, 0);
    assert_non_null(arena_alloc(&a, 10));
    arena_clear(&a);
}

/* A mark in the third chunk: the two before it still count against the limit afterwards. */
static void the_limit_holds_after_a_restore(void **state)
{
    (void)state;
    struct arena a;
    arena_init_growing(&a, 100, 450);
    for (int i = 0; i < 3; i++)
        assert_non_null(arena_alloc(&a, 90));
    struct arena_mark m = arena_save(&a);
    assert_int_equal(a.total, 200);
    assert_non_null(arena_alloc(&a, 120));
    assert_null(arena_alloc(&a, 31));     /* 420 held: the last chunk would be too small */
    assert_non_null(arena_alloc(&a, 30)); /* and here it is smaller than chunk_len */
    assert_int_equal(a.cap, 30);
    arena_restore(&a, m);
    assert_int_equal(a.total, 200);
    assert_int_equal(a.cap, 100);
    assert_null(arena_alloc(&a, 151));
    assert_non_null(arena_alloc(&a, 150));
    arena_clear(&a);
}

/* Blocks never overlap and keep their content while others come and go. */
static void blocks_keep_their_content(void **state)
{
    (void)state;
    struct arena a;
    uint64_t rng = 11;
    uint8_t *block[300];
    size_t len[300];
    arena_init_growing(&a, 4096, 8 << 20);
    for (int i = 0; i < 300; i++) {
        len[i] = test_random(&rng) % (i % 50 == 0 ? 20000 : 300);
        block[i] = arena_alloc(&a, len[i]);
        assert_non_null(block[i]);
        memset(block[i], i & 0xff, len[i]);
    }
    for (int i = 0; i < 300; i++) {
        for (size_t j = 0; j < len[i]; j++)
            assert_int_equal(block[i][j], i & 0xff);
    }
    arena_clear(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fixed_arena_has_a_limit),
        cmocka_unit_test(marks_give_memory_back),
        cmocka_unit_test(a_growing_arena_adds_chunks_to_its_limit),
        cmocka_unit_test(marks_free_newer_chunks),
        cmocka_unit_test(the_limit_holds_after_a_restore),
        cmocka_unit_test(blocks_keep_their_content),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
