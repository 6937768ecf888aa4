/* Reading contracts: everything at one block, answers checked, reverts by name, a refusing node is not a contract. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "contracts-abi/gen/bridgehub.h"
#include "contracts-abi/gen/ctm.h"
#include "contracts-abi/gen/getters.h"
#include "tests/unit/settlement/settle_world.h"

struct reader {
    struct world *w;
    struct eth_client *eth;
    struct arena arena;
    struct contract_call calls[3];
    unsigned done;
    bool ok;
    struct err err;
    struct discovery_result r;
};

static int setup(void **state)
{
    struct reader *r = calloc(1, sizeof(*r));
    struct err err;
    r->w = world_new();
    arena_init_growing(&r->arena, 4096, 1u << 20);
    const char *url = fake_sl_url(r->w->sl);
    struct eth_client_deps d = { r->w->base, &r->w->clock };
    struct eth_client_config c = {
        .urls = &url, .url_cnt = 1, .deadline_ms = 300, .backoff_min_ms = 10, .backoff_max_ms = 20
    };
    r->eth = eth_client_create(&d, &c, &err);
    assert_non_null(r->eth);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    struct reader *r = *state;
    eth_client_destroy(r->eth);
    arena_clear(&r->arena);
    world_free(r->w);
    free(r);
    return 0;
}

static void note(struct reader *r, const struct err *err)
{
    r->done++;
    r->ok = err == NULL;
    if (err)
        r->err = *err;
}

static void on_read(void *arg, const struct err *err)
{
    note(arg, err);
}

static void on_discovery(void *arg, const struct discovery_result *res, const struct err *err)
{
    struct reader *r = arg;
    note(r, err);
    if (res)
        r->r = *res;
}

static void await(struct reader *r)
{
    for (int i = 0; i < 200 && !r->done; i++)
        world_spin(r->w, 10);
    assert_int_equal(r->done, 1);
    r->done = 0;
}

static void discover(struct reader *r)
{
    struct err err;
    assert_non_null(discovery_start(r->eth, &r->w->sl->bridgehub, 10, on_discovery, r, &err));
    await(r);
}

static void fails(struct reader *r, enum err_kind kind, const char *text)
{
    discover(r);
    assert_false(r->ok);
    if (r->err.kind != kind || !strstr(r->err.msg, text))
        fail_msg("'%s' of kind %d was not expected", r->err.msg, (int)r->err.kind);
}

static void add(struct reader *r, size_t i, const char *name, const struct addr *to,
                uint32_t selector)
{
    r->calls[i] = (struct contract_call){ .name = name,
                                          .to = *to,
                                          .data = contract_calldata(&r->arena, selector, NULL, 0) };
}

static void read_calls(struct reader *r, size_t n)
{
    struct err err;
    assert_non_null(
        contract_read_start(r->eth, ETH_AT_LATEST, r->calls, n, &r->arena, on_read, r, &err));
    await(r);
}

/* ---- contract_read ---- */

static void calls_answer_as_one(void **state)
{
    struct reader *r = *state;
    struct err err;
    struct addr a;
    uint64_t v = 0;
    add(r, 0, "getChainId", &r->w->sl->diamond, ABI_V31_GET_CHAIN_ID_SELECTOR);
    add(r, 1, "getAdmin", &r->w->sl->diamond, ABI_V31_GET_ADMIN_SELECTOR);
    read_calls(r, 2);
    assert_true(r->ok);
    assert_true(contract_u64(&r->calls[0], &v, &err));
    assert_int_equal(v, 10);
    assert_true(contract_addr(&r->calls[1], &a, &err));
    assert_memory_equal(&a, &r->w->sl->bridgehub, 20);
}

static void a_revert_is_named_and_may_be_an_answer(void **state)
{
    struct reader *r = *state;
    struct addr a;
    struct err err;
    add(r, 0, "getChainId", &r->w->sl->diamond, ABI_V31_GET_CHAIN_ID_SELECTOR);
    add(r, 1, "serverNotifierAddress", &r->w->sl->ctm, ABI_V31_SERVER_NOTIFIER_ADDRESS_SELECTOR);
    read_calls(r, 2);
    assert_false(r->ok);
    assert_int_equal(r->err.kind, ERR_REJECTED);
    assert_non_null(strstr(r->err.msg, "serverNotifierAddress"));
    assert_true(r->calls[0].ok && r->calls[1].reverted);
    r->calls[1].may_revert = true;
    read_calls(r, 2);
    assert_true(r->ok);
    assert_false(r->calls[1].ok);
    assert_false(contract_addr(&r->calls[1], &a, &err));
}

static void a_custom_error_is_told_by_its_name(void **state)
{
    struct reader *r = *state;
    struct world *w = r->w;
    assert_true(world_start(w));
    w->head = 3;
    UNTIL(w, world_all_at(w, 1));
    const struct sl_tx *execute = NULL; /* a second execution of batch 1 */
    for (size_t i = 0; i < w->sl->tx_cnt; i++)
        if (w->sl->txs[i].lane == LANE_EXECUTE)
            execute = &w->sl->txs[i];
    if (!execute)
        fail_msg("nothing was executed");
    r->calls[0] = (struct contract_call){ .name = "executeBatches",
                                          .to = w->sl->timelock,
                                          .data = bytes_of(execute->data, execute->len),
                                          .may_revert = true };
    read_calls(r, 1);
    assert_true(r->ok && r->calls[0].reverted);
    assert_non_null(strstr(r->calls[0].err.msg, "NonSequentialBatch"));
}

static void a_node_that_refuses_is_not_a_revert(void **state)
{
    struct reader *r = *state;
    add(r, 0, "getChainId", &r->w->sl->diamond, ABI_V31_GET_CHAIN_ID_SELECTOR);
    r->calls[0].may_revert = true;
    r->w->sl->lags = true;
    read_calls(r, 1);
    assert_false(r->ok);
    assert_false(r->calls[0].reverted);
    assert_non_null(strstr(r->err.msg, "header not found"));
}

static void a_dead_node_is_a_transient_error(void **state)
{
    struct reader *r = *state;
    add(r, 0, "getChainId", &r->w->sl->diamond, ABI_V31_GET_CHAIN_ID_SELECTOR);
    r->w->sl->dead = true;
    read_calls(r, 1);
    assert_false(r->ok);
    assert_int_equal(r->err.kind, ERR_TRANSIENT);
}

static void a_cancelled_read_does_not_call_back(void **state)
{
    struct reader *r = *state;
    struct err err;
    add(r, 0, "getChainId", &r->w->sl->diamond, ABI_V31_GET_CHAIN_ID_SELECTOR);
    add(r, 1, "getAdmin", &r->w->sl->diamond, ABI_V31_GET_ADMIN_SELECTOR);
    for (unsigned ms = 0; ms < 40; ms += 5) { /* before, during and after the exchange */
        struct contract_read *c =
            contract_read_start(r->eth, ETH_AT_LATEST, r->calls, 2, &r->arena, on_read, r, &err);
        r->done = 0;
        if (ms)
            world_spin(r->w, ms);
        if (!r->done)
            contract_read_cancel(c);
        unsigned before = r->done;
        world_spin(r->w, 20);
        assert_int_equal(r->done, before);
    }
    contract_read_cancel(NULL);
}

static void words_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    uint8_t w[64] = { 0 };
    struct contract_call c = { .name = "f", .ok = true, .output = bytes_of(w, 31) };
    struct err err;
    struct b256 word;
    struct addr a;
    uint64_t v = 0;
    bool b = false;
    memset(w, 0, sizeof(w));
    assert_false(contract_word(&c, &word, &err));
    c.output.len = 32;
    assert_true(contract_word(&c, &word, &err));
    w[23] = 1;
    assert_false(contract_u64(&c, &v, &err));
    assert_true(contract_addr(&c, &a, &err));
    w[23] = 0;
    memset(w + 24, 0xff, 8);
    assert_true(contract_u64(&c, &v, &err));
    assert_true(v == UINT64_MAX);
    assert_false(contract_bool(&c, &b, &err));
    w[11] = 1;
    assert_false(contract_addr(&c, &a, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    memset(w, 0, sizeof(w));
    w[31] = 1;
    assert_true(contract_bool(&c, &b, &err) && b);
    c.ok = false;
    assert_false(contract_word(&c, &word, &err));
}

/* ---- discovery ---- */

static void everything_is_found_from_the_bridgehub(void **state)
{
    struct reader *r = *state;
    r->w->sl->delay_s = 77;
    discover(r);
    assert_true(r->ok);
    assert_int_equal(r->r.chain_id, 31337);
    assert_int_equal(r->r.sl_chain_id, 31337);
    assert_true(r->r.sl_is_whitelisted);
    assert_int_equal(r->r.execution_delay_s, 77);
    assert_int_equal(r->r.da_scheme, DA_EMPTY_NO_DA);
    assert_int_equal(discovery_protocol_minor(&r->r), 31);
    assert_true(r->r.is_testnet_verifier && r->r.is_zksync_os);
    assert_true(addr_eq(&r->r.diamond, &r->w->sl->diamond));
    assert_true(addr_eq(&r->r.timelock, &r->w->sl->timelock));
    assert_true(addr_eq(&r->r.verifier, &r->w->sl->verifier));
    assert_true(addr_is_zero(&r->r.server_notifier)); /* the manager does not know it */
    assert_memory_equal(&r->r.stored_batch_hash_0, &fake_sl_state(r->w->sl)->batch[0].stored_hash,
                        32);
    assert_true(r->r.at_block > 0);
}

static void a_production_verifier_is_not_the_testnet_one(void **state)
{
    struct reader *r = *state;
    r->w->sl->production_verifier = true;
    discover(r);
    assert_true(r->ok);
    assert_false(r->r.is_testnet_verifier);
}

static void a_chain_that_is_not_registered_is_said_so(void **state)
{
    struct reader *r = *state;
    r->w->sl->registered = false;
    fails(r, ERR_INVALID, "chain 10 is not registered on this Bridgehub");
}

static void another_chain_id_is_said_so(void **state)
{
    struct reader *r = *state;
    r->w->sl->chain_id = 11;
    fails(r, ERR_INVALID, "says it is chain 11, the configuration says 10");
}

static void a_word_that_is_no_address_is_refused(void **state)
{
    struct reader *r = *state;
    r->w->sl->bad_address = true;
    fails(r, ERR_INVALID, "getVerifier answered a word that is no address");
}

static void an_address_that_is_no_bridgehub_is_said_so(void **state)
{
    struct reader *r = *state;
    r->w->sl->no_bridgehub = true;
    fails(r, ERR_INVALID, "does not answer as a Bridgehub that knows chain 10");
}

static void answers_out_of_range_are_refused(void **state)
{
    struct reader *r = *state;
    r->w->sl->da_word = 256 + 3;
    fails(r, ERR_INVALID, "getDAValidatorPair answered scheme 259");
    r->w->sl->da_word = 0;
    r->w->sl->pricing = 256;
    fails(r, ERR_INVALID, "getPubdataPricingMode answered 256");
    r->w->sl->pricing = 0;
    r->w->sl->testnet_word = 2;
    fails(r, ERR_INVALID, "IS_TESTNET_VERIFIER answered 2");
}

static void a_node_behind_is_asked_again_later(void **state)
{
    struct reader *r = *state;
    r->w->sl->lags = true;
    fails(r, ERR_TRANSIENT, "header not found");
    r->w->sl->dead = true;
    fails(r, ERR_TRANSIENT, "");
}

static void a_cancelled_discovery_does_not_call_back(void **state)
{
    struct reader *r = *state;
    struct err err;
    for (unsigned ms = 0; ms < 60; ms += 5) {
        r->done = 0;
        struct discovery *d =
            discovery_start(r->eth, &r->w->sl->bridgehub, 10, on_discovery, r, &err);
        if (ms)
            world_spin(r->w, ms);
        if (!r->done)
            discovery_cancel(d);
        unsigned before = r->done;
        world_spin(r->w, 15);
        assert_int_equal(r->done, before);
    }
    discovery_cancel(NULL);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(calls_answer_as_one),
        T(a_revert_is_named_and_may_be_an_answer),
        T(a_custom_error_is_told_by_its_name),
        T(a_node_that_refuses_is_not_a_revert),
        T(a_dead_node_is_a_transient_error),
        T(a_cancelled_read_does_not_call_back),
        cmocka_unit_test(words_that_do_not_fit_are_refused),
        T(everything_is_found_from_the_bridgehub),
        T(a_production_verifier_is_not_the_testnet_one),
        T(a_chain_that_is_not_registered_is_said_so),
        T(another_chain_id_is_said_so),
        T(a_word_that_is_no_address_is_refused),
        T(an_address_that_is_no_bridgehub_is_said_so),
        T(answers_out_of_range_are_refused),
        T(a_node_behind_is_asked_again_later),
        T(a_cancelled_discovery_does_not_call_back),
    };
    return cmocka_run_group_tests_name("discovery", tests, NULL, NULL);
}
