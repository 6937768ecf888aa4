/* Batches of a chain on a small genesis verify, from their witness alone, to what the node settles. */
#include <stdio.h>

#include "tests/unit/witness/witness_world.h"

static struct chain_world w;

static int setup(void **state)
{
    (void)state;
    world_create(&w, false);
    world_open_ok(&w);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_remove(&w);
    return 0;
}

static void one_transfer(void **state)
{
    (void)state;
    struct wallet a = wallet_of(1);
    world_transfer(&w, &a, 0, 12345);
    world_run_to_ok(&w, 1);
    printf("one transfer: %zu bytes\n", batch_check(&w, 1, 1, 1, DA_EMPTY_NO_DA));
    (void)batch_check(&w, 1, 1, 1, DA_BLOBS_AND_PUBDATA_KECCAK);
}

/* Creations, new and changed and emptied slots, slots of one block read in the next: each block alone, each pair, and all. */
static void contracts_over_many_blocks(void **state)
{
    (void)state;
    uint64_t last = busy_chain(&w);
    assert_true(last >= 4);
    for (uint64_t first = 1; first <= last; first++)
        for (uint64_t end = first; end <= last; end++)
            (void)batch_check(&w, first, first, end, DA_BLOBS_AND_PUBDATA_KECCAK);
    printf("%u blocks of contracts: %zu bytes\n", (unsigned)last,
           batch_check(&w, 1, 1, last, DA_BLOBS_AND_PUBDATA_KECCAK));
}

/* More than 256 blocks behind the first: the ring of hashes is full and moves. */
static void beyond_the_ring_of_hashes(void **state)
{
    (void)state;
    struct wallet a = wallet_of(1);
    for (uint64_t n = 1; n <= 270; n++) {
        world_transfer(&w, &a, n - 1, n);
        world_run_to_ok(&w, n);
    }
    (void)batch_check(&w, 1, 1, 270, DA_EMPTY_NO_DA);
    (void)batch_check(&w, 9, 250, 260, DA_EMPTY_NO_DA);
    (void)batch_check(&w, 9, 265, 270, DA_EMPTY_NO_DA);
}

/* The maker reads the past: a batch's witness is the same whatever came after it. */
static void an_old_batch_has_the_same_witness(void **state)
{
    (void)state;
    struct wallet a = wallet_of(1);
    struct buf then, now;
    buf_init(&then, WITNESS_MAX_LEN);
    buf_init(&now, WITNESS_MAX_LEN);
    uint64_t last = busy_chain(&w), nonce = world_nonce(&w, &a.addr);
    batch_witness_ok(&w, 3, 2, last - 1, DA_EMPTY_NO_DA, &then);
    struct addr c = tx_create_address(&a.addr, 0);
    for (uint64_t i = 0; i < 30; i++)
        send_store(&w, &a, nonce++, &c, i, i);
    run_all(&w, &a.addr, nonce);
    batch_witness_ok(&w, 3, 2, last - 1, DA_EMPTY_NO_DA, &now);
    assert_int_equal(then.len, now.len);
    assert_memory_equal(then.p, now.p, now.len);
    buf_clear(&then);
    buf_clear(&now);
}

/* Decoding and encoding again gives the same bytes. */
static void encoding_is_canonical(void **state)
{
    (void)state;
    struct buf out;
    struct arena arena;
    struct witness witness;
    arena_init_growing(&arena, 1 << 16, 64 << 20);
    buf_init(&out, WITNESS_MAX_LEN);
    uint64_t last = busy_chain(&w);
    batch_witness_ok(&w, 1, 1, last, DA_EMPTY_NO_DA, &out);
    assert_int_equal(witness_decode(&witness, bytes_of(out.p, out.len), &arena), WITNESS_OK);
    assert_int_equal(witness_encoded_len(&witness), out.len);
    uint8_t *again = arena_alloc(&arena, out.len);
    assert_non_null(again);
    witness_encode(again, &witness);
    assert_memory_equal(again, out.p, out.len);
    buf_clear(&out);
    arena_clear(&arena);
}

/* A block whose hash does not come out again gives no witness, nor does one whose state is not there. */
static void the_maker_refuses(void **state)
{
    (void)state;
    struct buf out;
    struct err err = { .kind = ERR_NONE };
    struct wallet a = wallet_of(1);
    world_transfer(&w, &a, 0, 1);
    world_run_to_ok(&w, 1);
    buf_init(&out, 100);
    assert_false(batch_witness(&w, 1, 1, 1, DA_EMPTY_NO_DA, &out, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    buf_clear(&out);
}

/* Too little memory in either arena is an answer, never a crash: every size from nothing up. */
static void short_of_memory(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, WITNESS_MAX_LEN);
    struct wallet a = wallet_of(1);
    world_transfer(&w, &a, 0, 1);
    world_run_to_ok(&w, 1);
    batch_witness_ok(&w, 1, 1, 1, DA_EMPTY_NO_DA, &out);
    size_t cap = 8 << 20, refused = 0, verified = 0;
    uint8_t *mem[2] = { malloc(cap), malloc(cap) };
    assert_true(mem[0] && mem[1]);
    for (int which = 0; which < 2; which++) {
        for (size_t len = 0; len < cap; len = len * 9 / 8 + 512) {
            struct arena arenas[2];
            struct verify_result r;
            struct verify_fault fault;
            arena_init(&arenas[0], mem[0], which == 0 ? len : cap);
            arena_init(&arenas[1], mem[1], which == 1 ? len : cap);
            enum verify_code e = verify_batch(&r, &fault, bytes_of(out.p, out.len), crypto_host(),
                                              &arenas[0], &arenas[1]);
            assert_true(e == VERIFY_OK || e == VERIFY_NO_MEMORY ||
                        fault.stf.code == STF_E_OUT_OF_MEMORY);
            *(e == VERIFY_OK ? &verified : &refused) += 1;
        }
    }
    assert_true(verified > 2 && refused > 10);
    free(mem[0]);
    free(mem[1]);
    buf_clear(&out);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(one_transfer),
        T(contracts_over_many_blocks),
        T(beyond_the_ring_of_hashes),
        T(encoding_is_canonical),
        T(an_old_batch_has_the_same_witness),
        T(the_maker_refuses),
        T(short_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
