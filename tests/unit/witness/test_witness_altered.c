/* Altered witnesses. No byte of a witness can be changed without the verification failing or stating something else; nor can a
 * field when everything that depends on it inside the witness (order, siblings, root) is put right again.
 *
 * Two fields are different by protocol: the prices of pubdata and of native. No header or commitment holds them; they are bound
 * by what they do to gas and fees (spec 10 §2.1). A small change may do nothing, and then the statement is the same and
 * true. A change that does something must be seen. */
#include <stdio.h>

#include "node/base/hash.h"
#include "node/crypto/portable.h"
#include "tests/unit/witness/witness_world.h"

static struct chain_world w;
static struct buf original;
static struct verify_result truth;
static struct arena arena;
static struct witness decoded; /* of the original, in the arena */

static int setup(void **state)
{
    (void)state;
    struct verify_fault fault;
    world_create(&w, false);
    world_open_ok(&w);
    uint64_t last = busy_chain(&w);
    buf_init(&original, WITNESS_MAX_LEN);
    /* the first block stays outside: the state before has a contract, the block hashes are two */
    batch_witness_ok(&w, 7, 2, last, DA_BLOBS_AND_PUBDATA_KECCAK, &original);
    struct bytes in = bytes_of(original.p, original.len);
    assert_int_equal(verify(&truth, &fault, in, crypto_host()), VERIFY_OK);
    arena_init_growing(&arena, 1 << 16, 256 << 20);
    assert_int_equal(witness_decode(&decoded, in, &arena), WITNESS_OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_clear(&arena);
    buf_clear(&original);
    world_remove(&w);
    return 0;
}

/* OK: it states something else. Fails the test when it states the same. */
static enum verify_code expect_no_witness_of_this(struct bytes in, const char *what, size_t place)
{
    struct verify_result r;
    struct verify_fault fault;
    enum verify_code e = verify(&r, &fault, in, crypto_host());
    if (e == VERIFY_OK && b256_eq(&r.public_input, &truth.public_input) &&
        b256_eq(&r.stored_hash, &truth.stored_hash))
        fail_msg("%s %zu: accepted as a witness of the same batch", what, place);
    return e;
}

/* Whether a byte of the encoding belongs to the two prices of a block. */
static bool is_price(size_t at)
{
    size_t block = 8 + 4 + 8 + 8 + 1 + 8 + 8 + 8 + 32 + 2 + 32 * decoded.hash_cnt + 4;
    for (size_t i = 0; i < decoded.block_cnt; i++) {
        size_t first = block + 8 + 32;
        if (at >= first && at < first + 64)
            return true;
        block = first + 64 + 20 + 8 + 4 + 4;
        for (uint32_t k = 0; k < decoded.blocks[i].tx_cnt; k++)
            block += 4 + decoded.blocks[i].txs[k].len;
    }
    return false;
}

static void every_byte(void **state)
{
    (void)state;
    size_t price_cnt = 0;
    size_t by_code[VERIFY_CODE_CNT] = { 0 };
    uint8_t *copy = malloc(original.len);
    assert_non_null(copy);
    for (size_t i = 0; i < original.len; i++) {
        memcpy(copy, original.p, original.len);
        copy[i] ^= (uint8_t)(1u << (i % 8));
        if (is_price(i)) {
            price_cnt++;
            continue;
        }
        by_code[expect_no_witness_of_this(bytes_of(copy, original.len), "byte", i)]++;
    }
    free(copy);
    assert_int_equal(price_cnt, 64 * decoded.block_cnt);
    for (unsigned i = 0; i < VERIFY_CODE_CNT; i++)
        if (by_code[i])
            printf("%6zu  %s\n", by_code[i],
                   i == VERIFY_OK ? "another batch" : verify_code_text((enum verify_code)i));
}

static void every_length(void **state)
{
    (void)state;
    struct verify_result r;
    struct verify_fault fault;
    uint8_t *copy = malloc(original.len + 1);
    assert_non_null(copy);
    memcpy(copy, original.p, original.len);
    copy[original.len] = 0;
    for (size_t len = 0; len <= original.len + 1; len++) {
        enum verify_code e = verify(&r, &fault, bytes_of(copy, len), crypto_host());
        assert_int_equal(e, len == original.len ? VERIFY_OK : VERIFY_WITNESS);
        if (len != original.len)
            assert_int_equal(fault.witness, len < original.len ? WITNESS_CUT : WITNESS_TRAILING);
    }
    free(copy);
}

/* ---- fields, with the rest put right ---- */

/* A copy of the original that may be changed; lists are copies too. */
static struct witness fresh(void)
{
    struct witness v = decoded;
    struct witness_block *blocks = arena_copy(&arena, v.blocks, v.block_cnt * sizeof(*blocks));
    assert_non_null(blocks);
    for (size_t i = 0; i < v.block_cnt; i++)
        blocks[i].txs = arena_copy(&arena, blocks[i].txs, blocks[i].tx_cnt * sizeof(struct bytes));
    v.blocks = blocks;
    v.leaves = arena_copy(&arena, v.leaves, v.leaf_cnt * sizeof(*v.leaves));
    v.siblings = arena_copy(&arena, v.siblings, v.sibling_cnt * sizeof(*v.siblings));
    v.hashes = arena_copy(&arena, v.hashes, v.hash_cnt * sizeof(*v.hashes));
    v.preimages = arena_copy(&arena, v.preimages, v.preimage_cnt * sizeof(*v.preimages));
    assert_true(v.leaves && v.siblings && v.hashes && v.preimages);
    return v;
}

/* The lists of `fresh` are ours to write. */
#define WRITABLE(type, list) ((type *)(uintptr_t)(list))

/* Root put right when the leaves and siblings fold at all; then it has to be another statement. */
static enum verify_code expect_other(struct witness *v, const char *what, size_t place)
{
    struct b256 root;
    bool no_memory;
    if (witness_fold(&root, v->leaves, v->leaf_cnt, v->leaf_count, v->siblings, v->sibling_cnt,
                     &arena, &no_memory))
        v->root = root;
    size_t len = witness_encoded_len(v);
    uint8_t *p = malloc(len);
    assert_non_null(p);
    witness_encode(p, v);
    enum verify_code e = expect_no_witness_of_this(bytes_of(p, len), what, place);
    free(p);
    return e;
}

static void leaves_with_the_root_put_right(void **state)
{
    (void)state;
    size_t others = 0;
    for (size_t i = 0; i < decoded.leaf_cnt; i++) {
        for (int field = 0; field < 3; field++) {
            struct witness v = fresh();
            struct witness_leaf *leaf = &WRITABLE(struct witness_leaf, v.leaves)[i];
            if (field == 0)
                leaf->value.b[31] ^= 1;
            else if (field == 1)
                leaf->key.b[31] ^= 1;
            else
                leaf->next ^= 1;
            others += expect_other(&v,
                                   field == 0   ? "value"
                                   : field == 1 ? "key"
                                                : "next",
                                   i) == VERIFY_OK;
        }
        struct witness v = fresh(); /* left out: its siblings are one level short */
        struct witness_leaf *leaves = WRITABLE(struct witness_leaf, v.leaves);
        memmove(&leaves[i], &leaves[i + 1], (v.leaf_cnt - i - 1) * sizeof(*leaves));
        v.leaf_cnt--;
        assert_int_not_equal(expect_other(&v, "left out", i), VERIFY_OK);
    }
    /* some of them are batches on another state, and say so */
    assert_true(others > 0);
    for (size_t i = 0; i < decoded.sibling_cnt; i++) {
        struct witness v = fresh();
        WRITABLE(struct b256, v.siblings)[i].b[0] ^= 1;
        assert_int_equal(expect_other(&v, "sibling", i), VERIFY_OK); /* another state before */
    }
}

static void state_before(void **state)
{
    (void)state;
    struct witness v = fresh();
    v.chain_id++;
    (void)expect_other(&v, "chain id", 0);
    v = fresh();
    v.batch_number++;
    assert_int_equal(expect_other(&v, "batch number", 0), VERIFY_OK); /* of another number */
    v = fresh();
    v.da_scheme = DA_EMPTY_NO_DA;
    assert_int_equal(expect_other(&v, "scheme", 0), VERIFY_OK);
    v = fresh();
    v.da_scheme = DA_BLOBS_ZKSYNC_OS;
    assert_int_equal(expect_other(&v, "scheme", 0), VERIFY_OK);
    v = fresh();
    v.da_scheme = DA_PUBDATA_KECCAK; /* no chain of ours uses it */
    assert_int_equal(expect_other(&v, "scheme", 0), VERIFY_DA_SCHEME);
    v = fresh();
    v.last_block++;
    assert_int_equal(expect_other(&v, "last block", 0), VERIFY_OK);
    v = fresh();
    v.last_timestamp--;
    assert_int_equal(expect_other(&v, "last timestamp", 0), VERIFY_OK);
    v = fresh();
    v.leaf_count++;
    assert_int_not_equal(expect_other(&v, "leaf count", 0), VERIFY_OK);
    for (size_t i = 0; i < decoded.hash_cnt; i++) {
        v = fresh();
        WRITABLE(struct b256, v.hashes)[i].b[9] ^= 1;
        assert_int_equal(expect_other(&v, "block hash", i), VERIFY_OK);
    }
    v = fresh();
    v.hashes++;
    v.hash_cnt--;
    assert_int_equal(expect_other(&v, "hash left out", 0), VERIFY_OK);
}

static void change_block(struct witness_block *b, int field)
{
    b->timestamp += field == 0;
    b->gas_limit += field == 1;
    b->base_fee.w[0] -= field == 2;
    b->pubdata_price.w[0] += field == 3 ? 100000000 : 0; /* gas pays for pubdata now */
    b->native_price.w[0] += field == 4 ? 1000000 : 0;    /* native runs out before gas does */
    b->coinbase.b[0] ^= (uint8_t)(field == 5);
    b->execution_version += field == 6;
}

static void blocks_and_transactions(void **state)
{
    (void)state;
    for (size_t i = 0; i < decoded.block_cnt; i++) {
        for (int field = 0; field < 7; field++) {
            struct witness v = fresh();
            change_block(&WRITABLE(struct witness_block, v.blocks)[i], field);
            (void)expect_other(&v, "block field", (size_t)field);
        }
        struct witness v = fresh();
        struct witness_block *b = &WRITABLE(struct witness_block, v.blocks)[i];
        b->tx_cnt--;
        (void)expect_other(&v, "last transaction left out of block", i);
        v = fresh();
        b = &WRITABLE(struct witness_block, v.blocks)[i];
        struct bytes *txs = arena_alloc(&arena, (b->tx_cnt + 1) * sizeof(*txs));
        assert_non_null(txs);
        memcpy(txs, b->txs, b->tx_cnt * sizeof(*txs));
        txs[b->tx_cnt] = txs[b->tx_cnt - 1];
        b->txs = txs;
        b->tx_cnt++;
        assert_int_equal(expect_other(&v, "transaction twice in block", i), VERIFY_TX);
    }
    struct witness v = fresh();
    v.block_cnt--;
    (void)expect_other(&v, "last block left out", 0);
    v = fresh();
    v.blocks++;
    v.block_cnt--;
    (void)expect_other(&v, "first block left out", 0);
    v = fresh();
    struct witness_block *b = &WRITABLE(struct witness_block, v.blocks)[0];
    b->timestamp = v.last_timestamp - 1;
    assert_int_equal(expect_other(&v, "time goes back", 0), VERIFY_WITNESS);
}

static void preimages(void **state)
{
    (void)state;
    for (size_t i = 0; i < decoded.preimage_cnt; i++) {
        struct witness v = fresh();
        struct bytes *list = WRITABLE(struct bytes, v.preimages);
        memmove(&list[i], &list[i + 1], (v.preimage_cnt - i - 1) * sizeof(*list));
        v.preimage_cnt--;
        (void)expect_other(&v, "preimage left out", i);
    }
    /* one more, in its place in the order: never read */
    static const uint8_t extra[] = "nobody asks for this";
    struct witness v = fresh();
    struct b256 hash = blake2s(extra, sizeof(extra));
    struct bytes *list = arena_alloc(&arena, (v.preimage_cnt + 1) * sizeof(*list));
    assert_non_null(list);
    size_t at = 0;
    for (; at < v.preimage_cnt; at++) {
        struct b256 h = blake2s(v.preimages[at].p, v.preimages[at].len);
        if (memcmp(h.b, hash.b, 32) > 0)
            break;
    }
    memcpy(list, v.preimages, at * sizeof(*list));
    list[at] = bytes_of(extra, sizeof(extra));
    memcpy(&list[at + 1], &v.preimages[at], (v.preimage_cnt - at) * sizeof(*list));
    v.preimages = list;
    v.preimage_cnt++;
    assert_int_equal(expect_other(&v, "preimage too many", at), VERIFY_UNUSED);
    v = fresh();
    list = WRITABLE(struct bytes, v.preimages);
    struct bytes first = list[0];
    list[0] = list[1];
    list[1] = first;
    assert_int_equal(expect_other(&v, "order of preimages", 0), VERIFY_ORDER);
}

/* Portable and library-backed primitives say the same. */
static void both_tables_of_primitives(void **state)
{
    (void)state;
    struct verify_result r;
    struct verify_fault fault;
    assert_int_equal(verify(&r, &fault, bytes_of(original.p, original.len), crypto_portable()),
                     VERIFY_OK);
    assert_memory_equal(r.public_input.b, truth.public_input.b, 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte),
        cmocka_unit_test(every_length),
        cmocka_unit_test(leaves_with_the_root_put_right),
        cmocka_unit_test(state_before),
        cmocka_unit_test(blocks_and_transactions),
        cmocka_unit_test(preimages),
        cmocka_unit_test(both_tables_of_primitives),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
