/* tests/vectors/state/reference_blocks.c
 *
 * Blocks executed by a production build of the protocol: the leaves before, the changes in pubdata order, the tree
 * root and the state commitment after. The order is taken from the pubdata, the values from the leaves after. */
#include "node/state/proof.h"
#include "tests/vectors/state/vector_json.h"

static json_t *blocks;
static const struct state_config config = { 16, 16 };

struct images {
    struct stf_preimage p[256];
    uint8_t *data[256];
    size_t n;
};

static void load_images(struct images *out, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *j = json_array_get(list, i);
        size_t len;
        assert_true(out->n < GH_COUNT(out->p));
        out->data[out->n] = bytes_text(json_need(j, "bytes"), &len);
        out->p[out->n] =
            (struct stf_preimage){ json_b256(json_need(j, "hash")),
                                   bytes_of(out->data[out->n], len), len != ACCOUNT_RECORD_LEN };
        out->n++;
    }
}

static void free_images(struct images *im)
{
    for (size_t i = 0; i < im->n; i++)
        free(im->data[i]);
    im->n = 0;
}

/* Leaf of this key after the block. */
static const json_t *leaf_of(const json_t *leaves, const struct b256 *key)
{
    for (size_t i = 0; i < json_array_size(leaves); i++) {
        struct b256 k = json_b256(json_need(json_array_get(leaves, i), "key"));
        if (b256_eq(&k, key))
            return json_array_get(leaves, i);
    }
    return NULL;
}

/* Length of one diff of the stream, after its key (spec 20 §6.2, §6.3). */
static size_t value_diff_len(const uint8_t *p)
{
    return p[0] == 0 ? 33 : 1 + (size_t)(p[0] >> 3);
}

static size_t diff_len(const uint8_t *p)
{
    if ((p[0] & 7) != 4)
        return value_diff_len(p);
    size_t n = 1;
    switch (p[0] >> 3) {
    case 1:
    case 2:
        return n + value_diff_len(p + n);
    case 3:
        n += value_diff_len(p + n);
        return n + value_diff_len(p + n);
    case 0: {
        n += 8;
        n += value_diff_len(p + n);
        n += value_diff_len(p + n);
        size_t code = load_be32(p + n), artifacts = load_be32(p + n + 4);
        return n + 8 + code_padded_len(code) + artifacts + 4;
    }
    default:
        fail_msg("account format %d", p[0] >> 3);
        return 0;
    }
}

static struct state *state_before(const json_t *b, struct images *im)
{
    static struct stf_diff d[256];
    struct state *s = state_create(&config);
    const json_t *pre = json_need(b, "pre"), *leaves = json_need(pre, "leaves");
    struct err err = { 0 };
    size_t n = 0;
    for (size_t i = 2; i < json_array_size(leaves); i++, n++) {
        const json_t *l = json_array_get(leaves, i);
        assert_int_equal(json_u64(json_need(l, "index")), i);
        d[n] = (struct stf_diff){ .flat_key = json_b256(json_need(l, "key")),
                                  .new_value = json_b256(json_need(l, "value")) };
    }
    load_images(im, json_need(pre, "preimages"));
    struct state_mark mark;
    assert_fine(state_start(s, 0, d, n, im->p, im->n, &mark, &err), &err);
    struct b256 want = json_b256(json_need(b, "tree_root_before"));
    assert_word(&mark.root, &want, "root before");
    assert_int_equal(mark.leaf_count, json_u64(json_need(b, "leaf_count_before")));
    struct b256 last = json_b256(json_need(b, "block_hashes_blake_before"));
    struct b256 c = state_commitment(&mark, &last, 0);
    want = json_b256(json_need(b, "native_state_before"));
    assert_word(&c, &want, "commitment before");
    return s;
}

static size_t block_diffs(struct stf_diff *d, const json_t *b)
{
    size_t len, n;
    uint8_t *pub = bytes_text(json_need(b, "pubdata"), &len);
    const json_t *before = json_need(json_need(b, "pre"), "leaves");
    const json_t *after = json_need(json_need(b, "post"), "leaves");
    assert_true(len > 45 && pub[0] == 1);
    n = load_be32(pub + 41);
    size_t pos = 45;
    for (size_t i = 0; i < n; i++) {
        d[i] = (struct stf_diff){ 0 };
        memcpy(d[i].flat_key.b, pub + pos, 32);
        pos += 32;
        if ((pub[pos] & 7) == 4)
            d[i].addr = account_storage_addr();
        pos += diff_len(pub + pos);
        assert_true(pos <= len);
        const json_t *old = leaf_of(before, &d[i].flat_key), *now = leaf_of(after, &d[i].flat_key);
        assert_non_null(now);
        d[i].is_new = old == NULL;
        if (old)
            d[i].old_value = json_b256(json_need(old, "value"));
        d[i].new_value = json_b256(json_need(now, "value"));
    }
    assert_int_equal(pos + 8, len); /* no logs, no messages */
    free(pub);
    return n;
}

static void check_after(struct state *s, const json_t *b, const struct state_mark *mark)
{
    struct b256 want = json_b256(json_need(b, "tree_root_after"));
    assert_word(&mark->root, &want, "root after");
    assert_int_equal(mark->leaf_count, json_u64(json_need(b, "leaf_count_after")));
    struct stf_block_context ctx = { 0 };
    ctx.block_hashes[255] = json_b256(json_need(b, "previous_block_hashes_last"));
    struct state_ring ring;
    struct b256 own = json_b256(json_need(b, "block_header_hash"));
    state_ring_after(&ring, &ctx, &own);
    struct b256 last = state_ring_hash(&ring);
    struct b256 c =
        state_commitment(mark, &last, json_u64(json_need(json_need(b, "block"), "timestamp")));
    want = json_b256(json_need(b, "native_state_after"));
    assert_word(&c, &want, "commitment after");
    const json_t *leaves = json_need(json_need(b, "post"), "leaves");
    for (size_t i = 2; i < json_array_size(leaves); i++) {
        static struct state_proof p;
        const json_t *l = json_array_get(leaves, i);
        struct b256 key = json_b256(json_need(l, "key")), value = json_b256(json_need(l, "value")),
                    got;
        struct err err = { 0 };
        assert_fine(state_prove(s, 1, &key, &p, &err), &err);
        assert_int_equal(p.leaf.index, json_u64(json_need(l, "index")));
        assert_int_equal(p.leaf.next, json_u64(json_need(l, "next")));
        assert_true(state_proof_verify(&p, &key, &mark->root, &got));
        assert_word(&got, &value, "proved value");
    }
}

static void reference_blocks(void **unused)
{
    (void)unused;
    assert_true(json_array_size(blocks) >= 5);
    for (size_t i = 0; i < json_array_size(blocks); i++) {
        static struct images im;
        static struct stf_diff d[256];
        const json_t *b = json_array_get(blocks, i);
        struct state *s = state_before(b, &im);
        size_t n = block_diffs(d, b);
        free_images(&im);
        load_images(&im, json_need(json_need(b, "post"), "preimages"));
        struct state_mark mark, before;
        struct err err = { 0 };
        assert_true(state_mark_at(s, 0, &before));
        assert_fine(state_apply(s, 1, d, n, im.p, im.n, &mark, &err), &err);
        check_after(s, b, &mark);
        assert_fine(state_check(s, &err), &err);
        assert_fine(state_rollback(s, 0, &err), &err);
        struct state_mark again;
        assert_true(state_mark_at(s, 0, &again));
        assert_word(&again.root, &before.root, "root after going back");
        assert_fine(state_check(s, &err), &err);
        free_images(&im);
        state_destroy(s);
    }
}

int main(void)
{
    if (!recorded_present("reference blocks"))
        return 77;
    json_t *file = recorded_load("vectors/state/reference_blocks_v31.json", 0);
    blocks = json_need(file, "blocks");
    const struct CMUnitTest tests[] = { cmocka_unit_test(reference_blocks) };
    int bad = cmocka_run_group_tests(tests, NULL, NULL);
    json_decref(file);
    return bad;
}
