/* The batches of a Gateway, told by a scripted node of it that seals anew or lies, and compared with a scripted L1 that may go back. */
#include <stdio.h>
#include <string.h>

#include "interop/layer_batches.h"
#include "node/base/hash.h"
#include "node/base/hex.h"
#include "tests/unit/loop.h"
#include "tests/unit/net/fake_node.h"
#include "tests/unit/store/store_case.h"
#include "tests/vectors/recorded/recorded.h"

#define GATEWAY  506
#define MAX      8
#define READ_TO  20
#define L1_HEAD  100
#define NO_BATCH (-32602)

struct told { /* by the Gateway's node */
    uint64_t first, last;
    struct b256 logs_root, root;
};
static struct b256 aggregated; /* of a Gateway that knows only itself, as the contract gave it */
static struct told batch[MAX]; /* by number; last 0: not sealed */
static struct b256 on_l1[MAX]; /* chainBatchRoots */
static struct fake_node *gateway_node, *l1_node;
static struct eth_client *gateway, *l1;
static struct mirror *mirror;
static struct layer_batches *batches;

/* ---- the two layers ---- */

static json_t *quantity(uint64_t v)
{
    char t[32];
    snprintf(t, sizeof(t), "0x%llx", (unsigned long long)v);
    return json_string(t);
}

static json_t *hex(const struct b256 *h)
{
    char t[67];
    hex_encode0x(t, h->b, 32);
    return json_string(t);
}

static json_t *batch_of_block(uint64_t block)
{
    for (size_t i = 1; i < MAX; i++)
        if (batch[i].first <= block && block <= batch[i].last)
            return json_pack("{s:{s:i,s:o},s:{s:I,s:I}}", "batch_info", "batch_number", (int)i,
                             "l2_to_l1_logs_root_hash", hex(&batch[i].root), "block_range", "start",
                             (json_int_t)batch[i].first, "end", (json_int_t)batch[i].last);
    return NULL;
}

static json_t *gateway_answer(void *arg, const char *method, const json_t *params, json_t **error)
{
    (void)arg;
    json_t *out = NULL;
    uint64_t n = (uint64_t)json_integer_value(json_array_get(params, 0));
    if (strcmp(method, "eth_chainId") == 0)
        out = quantity(GATEWAY);
    else if (strcmp(method, "eth_blockNumber") == 0)
        out = quantity(READ_TO);
    else if (strcmp(method, "unstable_getBatchByBlockNumber") == 0)
        out = batch_of_block(n);
    else if (strcmp(method, "unstable_getLocalRoot") == 0 && n > 0 && n < MAX && batch[n].last)
        out = hex(&batch[n].logs_root);
    if (!out)
        *error = fake_error(NO_BATCH, "no such batch", NULL);
    return out;
}

static json_t *l1_answer(void *arg, const char *method, const json_t *params, json_t **error)
{
    (void)arg;
    if (strcmp(method, "eth_chainId") == 0)
        return quantity(1);
    if (strcmp(method, "eth_blockNumber") == 0)
        return quantity(L1_HEAD);
    if (strcmp(method, "eth_call") == 0) { /* chainBatchRoots(chain, batch) */
        const json_t *call = json_array_get(params, 0);
        const json_t *input = json_object_get(call, "input");
        const char *data = json_string_value(input ? input : json_object_get(call, "data"));
        assert_non_null(data);
        assert_int_equal(strlen(data), 2 + 2 * 68);
        uint64_t n = strtoull(data + 2 + 8 + 64, NULL, 16);
        assert_true(n > 0 && n < MAX);
        return hex(&on_l1[n]);
    }
    *error = fake_error(-32601, "the method does not exist", NULL);
    return NULL;
}

static void on_gateway_post(void *arg, const json_t *doc, struct fake_reply *out)
{
    out->body = fake_answers(doc, gateway_answer, arg);
}
static void on_l1_post(void *arg, const json_t *doc, struct fake_reply *out)
{
    out->body = fake_answers(doc, l1_answer, arg);
}

/* Sealed with these blocks; `variant` makes other logs. */
static void seal(size_t number, uint64_t first, uint64_t last, uint64_t variant)
{
    struct b256 logs_root = b256_of_u64(number * 1000 + variant);
    batch[number] = (struct told){ .first = first,
                                   .last = last,
                                   .logs_root = logs_root,
                                   .root = keccak256_pair(&logs_root, &aggregated) };
}

static void execute(size_t number)
{
    on_l1[number] = batch[number].root;
}

/* ---- ours ---- */

static struct eth_client *client(const struct fake_node *node, const char *name)
{
    struct err err;
    const char *urls[] = { fake_node_url(node) };
    struct eth_client_deps deps = { .base = sc.base, .clock = clock_system() };
    struct eth_client_config cfg = { .name = name,
                                     .urls = urls,
                                     .url_cnt = 1,
                                     .attempt_timeout_ms = 2000,
                                     .deadline_ms = 3000,
                                     .backoff_min_ms = 2,
                                     .backoff_max_ms = 10 };
    struct eth_client *c = eth_client_create(&deps, &cfg, &err);
    assert_non_null(c);
    return c;
}

static void start(void)
{
    struct err err;
    struct layer_batches_deps deps = {
        .base = sc.base, .store = sc.store, .layer = gateway, .l1 = l1, .mirror = mirror
    };
    struct layer_batches_config cfg = { .layer = GATEWAY, .poll_ms = 2 };
    batches = layer_batches_create(&deps, &cfg, &err);
    assert_non_null(batches);
}

static void read_to(uint64_t block)
{
    struct err err;
    assert_true(mirror_on_roots(mirror, NULL, 0, block, &err));
}

static int setup(void **state)
{
    struct err err;
    if (store_case_setup(state) != 0)
        return -1;
    memset(batch, 0, sizeof(batch));
    memset(on_l1, 0, sizeof(on_l1));
    gateway_node = fake_node_start(sc.base, on_gateway_post, NULL);
    l1_node = fake_node_start(sc.base, on_l1_post, NULL);
    gateway = client(gateway_node, "gateway");
    l1 = client(l1_node, "l1");
    struct mirror_config mc = { .layer = GATEWAY, .name = "the Gateway" };
    struct mirror_callbacks none = { .arg = NULL };
    mirror = mirror_create(sc.store, &mc, &none, "roots-506", &err);
    assert_non_null(mirror);
    read_to(READ_TO);
    return 0;
}

static int teardown(void **state)
{
    layer_batches_destroy(batches);
    batches = NULL;
    mirror_destroy(mirror);
    eth_client_destroy(gateway);
    eth_client_destroy(l1);
    fake_node_stop(gateway_node);
    fake_node_stop(l1_node);
    return store_case_teardown(state);
}

static struct layer_batches_status status(void)
{
    struct layer_batches_status s;
    layer_batches_status_get(batches, &s);
    return s;
}

static bool is(uint64_t known, uint64_t there)
{
    struct layer_batches_status s = status();
    return s.known == known && s.on_l1 == there;
}

#define UNTIL(cond)                                                                                \
    do {                                                                                           \
        uint64_t end_ = clock_mono_ms(clock_system()) + 5000;                                      \
        while (!(cond) && clock_mono_ms(clock_system()) < end_)                                    \
            loop_turn(sc.base, 5);                                                                 \
        if (!(cond))                                                                               \
            fail_msg("%s: known %llu, on L1 %llu, %s", #cond, (unsigned long long)status().known,  \
                     (unsigned long long)status().on_l1, status().problem);                        \
    } while (0)

/* What proofs are made of. */
static void expect_row(uint64_t block, size_t number)
{
    struct layer_batch_row row;
    struct err err;
    bool found = false;
    assert_true(layer_batch_of_block(sc.reader, GATEWAY, block, &row, &found, &err));
    assert_true(found && row.on_l1);
    assert_int_equal(row.number, number);
    assert_int_equal(row.first_block, batch[number].first);
    assert_int_equal(row.last_block, batch[number].last);
    assert_memory_equal(&row.logs_root, &batch[number].logs_root, 32);
    assert_memory_equal(&row.root, &batch[number].root, 32);
}

static void two_batches_one_on_l1(void)
{
    seal(1, 1, 3, 0);
    seal(2, 4, 6, 0);
    execute(1);
    start();
    UNTIL(is(2, 1));
}

static void batches_are_followed_until_l1_has_them(void **state)
{
    (void)state;
    two_batches_one_on_l1();
    UNTIL(status().problem[0] == 0);
    execute(2);
    UNTIL(is(2, 2));
    expect_row(3, 1);
    expect_row(4, 2);
    seal(3, 7, 7, 0);
    execute(3);
    UNTIL(is(3, 3));
    expect_row(7, 3);
    assert_string_equal(status().problem, "");
}

/* The node told of a batch too early: with other blocks, it is another one on L1. */
static void a_batch_sealed_anew_replaces_the_first(void **state)
{
    (void)state;
    two_batches_one_on_l1();
    seal(2, 4, 5, 1);
    seal(3, 6, 8, 1);
    execute(2);
    execute(3);
    UNTIL(is(3, 3));
    expect_row(3, 1);
    expect_row(5, 2);
    expect_row(6, 3);
    UNTIL(status().problem[0] == 0);
}

/* It is seen even before L1 has any of it. */
static void a_batch_sealed_anew_is_asked_for_again_at_once(void **state)
{
    (void)state;
    two_batches_one_on_l1();
    seal(2, 4, 7, 1);
    seal(3, 8, 8, 1);
    UNTIL(is(3, 1));
    execute(2);
    execute(3);
    UNTIL(is(3, 3));
    expect_row(7, 2);
    expect_row(8, 3);
}

static void a_lying_node_is_followed_again_once_it_tells_the_truth(void **state)
{
    (void)state;
    two_batches_one_on_l1();
    struct told lie = batch[2];
    seal(2, 4, 6, 1);
    execute(2); /* L1 has the true one */
    batch[2] = lie;
    UNTIL(strstr(status().problem, "L1 has another root of the Gateway's batch 2") != NULL);
    assert_int_equal(status().on_l1, 1);
    seal(2, 4, 6, 1);
    UNTIL(is(2, 2));
    expect_row(6, 2);
    UNTIL(status().problem[0] == 0);
}

static void l1_may_lose_batches_it_had(void **state)
{
    (void)state;
    two_batches_one_on_l1();
    execute(2);
    seal(3, 7, 9, 0);
    execute(3);
    UNTIL(is(3, 3));
    memset(&on_l1[2], 0, 2 * sizeof(on_l1[2]));
    seal(2, 4, 4, 1);
    seal(3, 5, 10, 1);
    seal(4, 11, 12, 1);
    UNTIL(is(4, 1));
    for (size_t i = 2; i <= 4; i++)
        execute(i);
    UNTIL(is(4, 4));
    expect_row(3, 1);
    expect_row(4, 2);
    expect_row(10, 3);
    expect_row(12, 4);
}

/* What L1 has is not given up because of a node's word. */
static void what_l1_has_outlives_a_node_that_contradicts_it(void **state)
{
    (void)state;
    two_batches_one_on_l1();
    execute(2);
    UNTIL(is(2, 2));
    seal(3, 5, 9, 0); /* begins within batch 2 */
    UNTIL(strstr(status().problem, "batch 3 that does not go on where batch 2 ends") != NULL);
    loop_run_ms(sc.base, 50);
    assert_true(is(2, 2));
    expect_row(5, 2);
    seal(3, 7, 9, 0);
    execute(3);
    UNTIL(is(3, 3));
    expect_row(9, 3);
    UNTIL(status().problem[0] == 0);
}

/* The Gateway itself went back: what L1 does not have of it is asked for again. */
static void a_rewind_of_the_mirror_takes_back_what_is_not_on_l1(void **state)
{
    (void)state;
    two_batches_one_on_l1();
    mirror_on_rewind(mirror, 7);
    layer_batches_on_rewind(batches, 7); /* behind both */
    loop_run_ms(sc.base, 50);
    assert_true(is(2, 1));
    mirror_on_rewind(mirror, 2);
    layer_batches_on_rewind(batches, 2);
    UNTIL(is(1, 1)); /* the mirror has not read block 6 again */
    loop_run_ms(sc.base, 50);
    assert_true(is(1, 1));
    seal(2, 4, 5, 1);
    seal(3, 6, 6, 1);
    read_to(READ_TO);
    UNTIL(is(3, 1));
    execute(2);
    execute(3);
    UNTIL(is(3, 3));
    expect_row(3, 1);
    expect_row(5, 2);
    expect_row(6, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        T(batches_are_followed_until_l1_has_them),
        T(a_batch_sealed_anew_replaces_the_first),
        T(a_batch_sealed_anew_is_asked_for_again_at_once),
        T(a_lying_node_is_followed_again_once_it_tells_the_truth),
        T(l1_may_lose_batches_it_had),
        T(what_l1_has_outlives_a_node_that_contradicts_it),
        T(a_rewind_of_the_mirror_takes_back_what_is_not_on_l1),
#undef T
    };
    if (!recorded_present("interop vectors"))
        return 77;
    json_t *logs = recorded_load("vectors/interop/logs_tree.json", JSON_ALLOW_NUL);
    aggregated = json_b256(json_need(json_need(logs, "emptyMultichainBatchRoot"), "506"));
    json_decref(logs);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
