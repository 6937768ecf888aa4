/* The heap of tails against looking through all of them: random entries, moves and removals. */
#include "node/chain/tails.h"
#include "tests/unit/base/testing.h"

#define MEMBERS 300
#define STEPS   60000

static struct tail members[MEMBERS];

static bool is_worse(const struct tail *x, const struct tail *y)
{
    int c = u256_cmp(&x->tip, &y->tip);
    return c != 0 ? c < 0 : x->sequence > y->sequence;
}

static struct tail *worst_but(const struct tail *except)
{
    struct tail *worst = NULL;
    for (size_t i = 0; i < MEMBERS; i++)
        if (members[i].place && &members[i] != except && (!worst || is_worse(&members[i], worst)))
            worst = &members[i];
    return worst;
}

static size_t count(void)
{
    size_t n = 0;
    for (size_t i = 0; i < MEMBERS; i++)
        n += members[i].place > 0;
    return n;
}

/* few different tips: order among equals matters, too */
static void the_worst_is_always_on_top(void **state)
{
    (void)state;
    struct tails h = { .cnt = 0 };
    uint64_t seed = 5, most = 0;
    for (uint64_t i = 0; i < STEPS; i++) {
        struct tail *t = &members[test_random(&seed) % MEMBERS];
        struct u256 tip = u256_of_u64(test_random(&seed) % 50);
        bool fills = i / 5000 % 2 == 0;
        if (test_random(&seed) % 10 < (fills ? 8u : 3u))
            assert_true(tails_set(&h, t, &tip, i));
        else
            tails_remove(&h, t);
        assert_int_equal(h.cnt, count());
        assert_ptr_equal(tails_worst(&h, NULL), worst_but(NULL));
        assert_ptr_equal(tails_worst(&h, h.cnt ? h.items[0] : NULL),
                         worst_but(h.cnt ? h.items[0] : NULL));
        assert_ptr_equal(tails_worst(&h, t), worst_but(t));
        most = h.cnt > most ? h.cnt : most;
    }
    assert_true(most > 200);
    tails_empty(&h);
    assert_int_equal(count(), 0);
    assert_null(tails_worst(&h, NULL));
}

static void one_and_none(void **state)
{
    (void)state;
    struct tails h = { .cnt = 0 };
    struct tail t = { .place = 0 };
    tails_remove(&h, &t);
    assert_null(tails_worst(&h, NULL));
    assert_true(tails_set(&h, &t, &U256_ONE, 1));
    assert_ptr_equal(tails_worst(&h, NULL), &t);
    assert_null(tails_worst(&h, &t));
    tails_remove(&h, &t);
    assert_int_equal(h.cnt, 0);
    tails_empty(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_worst_is_always_on_top),
        cmocka_unit_test(one_and_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
