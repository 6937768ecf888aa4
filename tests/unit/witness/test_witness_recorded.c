/* A recorded chain from its genesis on: the batch of the genesis upgrade and SetSLChainId (factory dependencies, force deployments,
 * hundreds of new leaves), one with a deposit, one with transfers, and all in one, verify to what the node settles. */
#include <stdio.h>

#include "node/base/hash.h"
#include "node/store/l1_tx.h"
#include "node/store/sql.h"
#include "tests/unit/witness/witness_world.h"
#include "tests/vectors/recorded/recorded.h"

#define SKIP 77
/* the public first key of the anvil development mnemonic */
#define DEPOSITOR "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"

static struct chain_world w;
static struct arena arena;
static struct l1_tx_row upgrade, deposit;

/* The tuple between two offsets of the event's head, behind its type byte. */
static struct l1_tx_row row_of(const char *file, const char *hash_name, uint8_t type, unsigned slot)
{
    struct l1_tx_row row = { .id = type == TX_UPGRADE ? 31 : 0, .l1_block = 335 };
    json_t *list = recorded_load(file, 0), *x, *found = NULL;
    size_t i;
    json_array_foreach(list, i, x) if (!found && json_integer_value(json_object_get(
                                                     x, "chainId")) == WORLD_CHAIN_ID) found = x;
    assert_non_null(found);
    struct bytes data = json_hex(&arena, json_object_get(json_object_get(found, "log"), "data"));
    struct bytes hash = json_hex(&arena, json_object_get(found, hash_name));
    memcpy(row.hash.b, hash.p, 32);
    size_t from = (size_t)load_be64(data.p + 32 * (size_t)slot + 24);
    size_t to = (size_t)load_be64(data.p + 32 * (size_t)slot + 56);
    uint8_t *out = arena_alloc(&arena, to - from + 1);
    assert_non_null(out);
    out[0] = type;
    memcpy(out + 1, data.p + from, to - from);
    row.envelope = bytes_of(out, to - from + 1);
    json_decref(list);
    return row;
}

static bool put_upgrade(struct store_txn *t, void *arg, struct err *err)
{
    (void)arg;
    return l1_upgrade_put(t, &upgrade, err);
}
static bool put_deposit(struct store_txn *t, void *arg, struct err *err)
{
    (void)arg;
    return l1_priority_append(t, &deposit, 1, err);
}

static void the_whole_story(void **state)
{
    (void)state;
    struct wallet user = wallet_of_hex(DEPOSITOR);
    arena_init_growing(&arena, 1 << 16, 64 << 20);
    upgrade = row_of("vectors/l1/genesis-upgrade-txs.json", "onChainHash", TX_UPGRADE, 0);
    deposit = row_of("vectors/l1/priority-requests.json", "txHash", TX_PRIORITY, 3);
    world_create(&w, true);
    world_open_ok(&w);
    world_write(&w, STORE_JOURNAL, put_upgrade, NULL);
    chain_l1_txs_arrived(w.chain);
    world_run_to_ok(&w, 1);
    world_write(&w, STORE_JOURNAL, put_deposit, NULL);
    chain_l1_txs_arrived(w.chain);
    world_run_to_ok(&w, 2);
    for (uint64_t n = 0; n < 20; n++)
        world_transfer(&w, &user, n, 1000 + n);
    uint64_t last = run_all(&w, &user.addr, 20);
    printf("genesis upgrade: %zu bytes\n", batch_check(&w, 1, 1, 1, DA_BLOBS_AND_PUBDATA_KECCAK));
    printf("deposit: %zu bytes\n", batch_check(&w, 2, 2, 2, DA_BLOBS_AND_PUBDATA_KECCAK));
    printf("20 transfers: %zu bytes\n", batch_check(&w, 3, 3, last, DA_EMPTY_NO_DA));
    (void)batch_check(&w, 1, 1, last, DA_BLOBS_AND_PUBDATA_KECCAK);
    (void)batch_check(&w, 1, 1, last, DA_EMPTY_NO_DA);
    world_remove(&w);
    arena_clear(&arena);
}

int main(void)
{
    if (!recorded_present("witnesses of a recorded chain"))
        return SKIP;
    const struct CMUnitTest tests[] = { cmocka_unit_test(the_whole_story) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
