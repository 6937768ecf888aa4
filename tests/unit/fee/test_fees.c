/* The feed of the fee model (spec 50 §4.3): medians of the layer's base fees, the tip the node itself offers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "node/topology_internal.h"
#include "tests/unit/loop.h"

#define GWEI 1000000000u

static struct {
    eth_fee_history_fn *cb;
    void *arg;
    struct u256 base_fee, native, pubdata;
    unsigned asked, set, cancelled, percentile;
} world;

struct chain_head chain_head_get(struct chain *c)
{
    (void)c;
    return (struct chain_head){ .number = 0 };
}

void chain_set_fees(struct chain *c, const struct u256 *base_fee, const struct u256 *native,
                    const struct u256 *pubdata)
{
    (void)c;
    world.base_fee = *base_fee;
    world.native = *native;
    world.pubdata = *pubdata;
    world.set++;
}

const struct chain_block *chain_block_acquire(struct chain *c, struct store_reader *r,
                                              uint64_t number, struct err *err)
{
    (void)c, (void)r, (void)number, (void)err;
    return NULL;
}

void chain_block_release(struct chain *c, const struct chain_block *b)
{
    (void)c, (void)b;
}

struct eth_request *eth_fee_history(struct eth_client *c, uint64_t blocks, unsigned percentile,
                                    const struct eth_opts *opts, eth_fee_history_fn *cb, void *arg,
                                    struct err *err)
{
    (void)c, (void)blocks, (void)opts, (void)err;
    world.percentile = percentile;
    world.cb = cb;
    world.arg = arg;
    world.asked++;
    return (struct eth_request *)&world;
}

void eth_cancel(struct eth_request *r)
{
    if (r)
        world.cancelled++;
}

static struct config config_of(uint64_t tip)
{
    struct config c = { .fee = { .native_price_usd = 3e-9,
                                 .base_token_usd = 3000,
                                 .sl_token_usd = 3000,
                                 .native_per_gas = 100 } };
    c.l1_sender.pubdata_mode = PUBDATA_CALLDATA;
    c.l1_sender.max_priority_fee_per_gas = u256_of_u64(tip);
    return c;
}

static void begin(struct node *n, const struct config *c)
{
    memset(&world, 0, sizeof(world));
    *n = (struct node){ .cfg = c, .base = event_base_new(), .have_contracts = true };
    assert_non_null(n->base);
    fees_init(n);
    fees_start(n);
    fees_layer_known(n);
    loop_run_ms(n->base, 5);
    assert_int_equal(world.asked, 1);
}

static void end(struct node *n)
{
    fees_stop(n);
    event_base_free(n->base);
}

/* An answer of three blocks at `gwei`. */
static void answer(const uint64_t gwei[3])
{
    struct u256 fees[3];
    for (int i = 0; i < 3; i++)
        fees[i] = u256_of_u64(gwei[i] * GWEI);
    struct eth_fee_history h = { .base_fees = fees, .base_fee_cnt = 3 };
    struct eth_reply reply = { .err = NULL };
    world.cb(world.arg, &reply, &h);
}

static void expect_pubdata(uint64_t gwei)
{
    assert_int_equal(u256_sat_u64(&world.pubdata), gwei * GWEI);
}

/* what others paid does not matter, and is not asked */
static void test_calldata_costs_the_median_base_fee_and_our_own_tip(void **state)
{
    (void)state;
    struct config c = config_of(1ull * GWEI);
    struct node n;
    begin(&n, &c);
    assert_int_equal(world.percentile, ETH_NO_REWARDS);
    answer((const uint64_t[3]){ 30, 10, 9 });
    assert_int_equal(world.set, 1);
    expect_pubdata((10 + 1) * 17);
    end(&n);
}

static void test_without_a_tip_it_is_the_base_fee_alone(void **state)
{
    (void)state;
    struct config c = config_of(0);
    struct node n;
    begin(&n, &c);
    answer((const uint64_t[3]){ 10, 10, 10 });
    expect_pubdata(10 * 17);
    end(&n);
}

static void test_in_validium_pubdata_is_free(void **state)
{
    (void)state;
    struct config c = config_of(1ull * GWEI);
    c.l1_sender.pubdata_mode = PUBDATA_VALIDIUM;
    struct node n;
    begin(&n, &c);
    answer((const uint64_t[3]){ 10, 10, 10 });
    expect_pubdata(0);
    end(&n);
}

static void test_prices_stay_when_the_layer_does_not_answer(void **state)
{
    (void)state;
    struct config c = config_of(1ull * GWEI);
    struct node n;
    begin(&n, &c);
    struct err err = { .kind = ERR_REJECTED };
    struct eth_reply reply = { .err = &err };
    world.cb(world.arg, &reply, NULL);
    assert_int_equal(world.set, 0);
    fees_layer_known(&n);
    loop_run_ms(n.base, 5);
    assert_int_equal(world.asked, 2);
    end(&n);
    assert_int_equal(world.cancelled, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calldata_costs_the_median_base_fee_and_our_own_tip),
        cmocka_unit_test(test_without_a_tip_it_is_the_base_fee_alone),
        cmocka_unit_test(test_in_validium_pubdata_is_free),
        cmocka_unit_test(test_prices_stay_when_the_layer_does_not_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
