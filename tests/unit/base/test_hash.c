/* tests/unit/base/test_hash.c
 *
 * BLAKE2s and SHA-256 against OpenSSL for all lengths and all vector widths. OpenSSL has SHA3-256 but
 * not the original Keccak padding, so a plain model of the sponge, written from FIPS 202, is checked
 * against OpenSSL with SHA3's padding first and then stands in with Keccak's. */
#include "tests/unit/base/testing.h"

#include <openssl/evp.h>
#include <stdio.h>

#include "node/base/hash.h"
#include "node/base/hex.h"
#include "node/base/sha256_blocks.h"

#define MAX_LEN 1100

static uint8_t sample[MAX_LEN];

static void model_permute(uint64_t a[5][5])
{
    uint8_t lfsr = 1;
    for (int round = 0; round < 24; round++) {
        uint64_t c[5], b[5][5];
        for (int x = 0; x < 5; x++)
            c[x] = a[x][0] ^ a[x][1] ^ a[x][2] ^ a[x][3] ^ a[x][4];
        for (int x = 0; x < 5; x++) {
            uint64_t next = c[(x + 1) % 5];
            for (int y = 0; y < 5; y++)
                a[x][y] ^= c[(x + 4) % 5] ^ (next << 1 | next >> 63);
        }
        memcpy(b, a, sizeof(b));
        for (int t = 0, x = 1, y = 0; t < 24; t++) { /* rho */
            unsigned n = (unsigned)((t + 1) * (t + 2) / 2) % 64;
            b[x][y] = n ? a[x][y] << n | a[x][y] >> (64 - n) : a[x][y];
            int next_y = (2 * x + 3 * y) % 5;
            x = y;
            y = next_y;
        }
        for (int x = 0; x < 5; x++) { /* pi */
            for (int y = 0; y < 5; y++)
                a[x][y] = b[(x + 3 * y) % 5][x];
        }
        memcpy(b, a, sizeof(b));
        for (int x = 0; x < 5; x++) { /* chi */
            for (int y = 0; y < 5; y++)
                a[x][y] = b[x][y] ^ (~b[(x + 1) % 5][y] & b[(x + 2) % 5][y]);
        }
        for (int j = 0; j < 7; j++) { /* iota */
            if (lfsr & 1)
                a[0][0] ^= UINT64_C(1) << ((1u << j) - 1);
            lfsr = (uint8_t)(lfsr << 1 ^ (lfsr >> 7 ? 0x71 : 0));
        }
    }
}

static struct b256 model_sponge(const uint8_t *p, size_t len, uint8_t padding)
{
    uint64_t a[5][5] = { { 0 } };
    struct b256 out;
    for (size_t at = 0;; at += 136) {
        uint8_t block[136] = { 0 };
        bool last = len - at < 136;
        memcpy(block, p + at, last ? len - at : 136);
        if (last) {
            block[len - at] ^= padding;
            block[135] ^= 0x80;
        }
        for (unsigned i = 0; i < 17; i++)
            a[i % 5][i / 5] ^= load_le64(block + (size_t)8 * i);
        model_permute(a);
        if (last)
            break;
    }
    for (unsigned i = 0; i < 4; i++)
        store_le64(out.b + (size_t)8 * i, a[i][0]);
    return out;
}

static struct b256 openssl_digest(const EVP_MD *md, const void *p, size_t len)
{
    struct b256 out;
    unsigned n = 0;
    assert_int_equal(EVP_Digest(p, len, out.b, &n, md, NULL), 1);
    assert_int_equal(n, 32);
    return out;
}

static void assert_hash(const struct b256 *got, const struct b256 *want, size_t len)
{
    if (!b256_eq(got, want)) {
        print_error("length %zu\n", len);
        assert_memory_equal(got->b, want->b, 32);
    }
}

static void keccak_model_is_right(void **state)
{
    (void)state;
    for (size_t len = 0; len <= 600; len++) {
        struct b256 got = model_sponge(sample, len, 0x06);
        struct b256 want = openssl_digest(EVP_sha3_256(), sample, len);
        assert_hash(&got, &want, len);
    }
}

static void keccak_matches_the_model(void **state)
{
    (void)state;
    for (size_t len = 0; len <= 600; len++) {
        struct b256 got = keccak256(sample, len), want = model_sponge(sample, len, 0x01);
        assert_hash(&got, &want, len);
        struct keccak k;
        keccak_init(&k);
        for (size_t at = 0, step = 1; at < len; at += step, step = (step * 5 + len) % 173 + 1) {
            size_t n = len - at < step ? len - at : step;
            keccak_update(&k, sample + at, n);
            keccak_update(&k, NULL, 0);
        }
        got = keccak_final(&k);
        assert_hash(&got, &want, len);
    }
}

static void keccak_known_answers(void **state)
{
    (void)state;
    static const struct {
        const char *text, *digest;
    } known[] = {
        { "", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470" },
        { "abc", "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45" },
        { "The quick brown fox jumps over the lazy dog",
          "4d741b6f1eb29cb2a9b9911c82f56fa8d73b04959d3d9d222895df6c0b28aa15" },
        /* an event topic and a selector everybody knows */
        { "Transfer(address,address,uint256)",
          "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef" },
    };
    for (size_t i = 0; i < GH_COUNT(known); i++) {
        char text[65];
        struct b256 h = keccak256(known[i].text, strlen(known[i].text));
        hex_encode(text, h.b, 32);
        assert_string_equal(text, known[i].digest);
    }
    struct b256 empty = KECCAK_EMPTY, h = keccak256(NULL, 0);
    assert_hash(&h, &empty, 0);
}

static void keccak_pair_is_the_hash_of_64_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i + 64 <= MAX_LEN; i += 64) {
        struct b256 l, r, want = keccak256(sample + i, 64);
        memcpy(l.b, sample + i, 32);
        memcpy(r.b, sample + i + 32, 32);
        struct b256 got = keccak256_pair(&l, &r);
        assert_hash(&got, &want, 64);
    }
}

static void blake2s_matches_openssl(void **state)
{
    (void)state;
    for (size_t len = 0; len <= 400; len++) {
        struct b256 want = openssl_digest(EVP_blake2s256(), sample, len);
        struct b256 got = blake2s(sample, len);
        assert_hash(&got, &want, len);
        struct blake2s s;
        blake2s_init(&s);
        for (size_t at = 0, step = 1; at < len; at += step, step = (step * 7 + len) % 131 + 1) {
            size_t n = len - at < step ? len - at : step;
            blake2s_update(&s, sample + at, n);
            blake2s_update(&s, NULL, 0);
        }
        got = blake2s_final(&s);
        assert_hash(&got, &want, len);
    }
}

static void sha256_matches_openssl(void **state)
{
    (void)state;
    for (size_t len = 0; len <= 400; len++) {
        struct b256 want = openssl_digest(EVP_sha256(), sample, len);
        struct b256 got = sha256(sample, len);
        assert_hash(&got, &want, len);
    }
}

#if defined(__x86_64__) && !defined(GH_TEST_PORTABLE)
static void sha256_instructions_agree_with_the_portable_code(void **state)
{
    (void)state;
    if (!sha256_ni_usable())
        skip();
    for (size_t blocks = 0; blocks <= 16; blocks++) {
        uint32_t a[8], b[8];
        memcpy(a, sample + blocks, sizeof(a));
        memcpy(b, a, sizeof(b));
        sha256_blocks_portable(a, sample, blocks);
        sha256_blocks_ni(b, sample, blocks);
        assert_memory_equal(a, b, sizeof(a));
    }
}
#endif

static void sha256_portable_known_answer(void **state)
{
    (void)state;
    uint32_t h[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };
    uint8_t block[64] = { 'a', 'b', 'c', 0x80 }; /* FIPS 180-4 example: "abc" */
    static const uint32_t want[8] = { 0xba7816bf, 0x8f01cfea, 0x414140de, 0x5dae2223,
                                      0xb00361a3, 0x96177a9c, 0xb410ff61, 0xf20015ad };
    block[63] = 24;
    sha256_blocks_portable(h, block, 1);
    assert_memory_equal(h, want, sizeof(want));
}

#define MESSAGES 70

static void lanes_agree(unsigned lanes)
{
    struct b256 left[MESSAGES], right[MESSAGES], out[MESSAGES + 1], guard;
    const struct b256 *lp[MESSAGES], *rp[MESSAGES];
    struct blake2s_leaf_in leaves[MESSAGES];
    uint64_t rng = lanes;
    memset(guard.b, 0xee, 32);
    for (size_t i = 0; i < MESSAGES; i++) {
        test_random_bytes(&rng, left[i].b, 32);
        test_random_bytes(&rng, right[i].b, 32);
        lp[i] = &left[(i * 11) % MESSAGES]; /* not in memory order */
        rp[i] = &right[i];
        leaves[i] = (struct blake2s_leaf_in){ lp[i], rp[i], test_random(&rng) >> (i % 64) };
    }
    assert_true(blake2s_set_lanes(lanes));
    assert_int_equal(blake2s_lanes(), lanes);
    for (size_t n = 0; n <= MESSAGES; n++) {
        for (int leaf = 0; leaf < 2; leaf++) {
            out[n] = guard;
            if (leaf)
                blake2s_leaves(out, leaves, n);
            else
                blake2s_nodes(out, lp, rp, n);
            for (size_t i = 0; i < n; i++) {
                uint8_t text[72];
                memcpy(text, lp[i]->b, 32);
                memcpy(text + 32, rp[i]->b, 32);
                store_le64(text + 64, leaves[i].next);
                struct b256 want = openssl_digest(EVP_blake2s256(), text, leaf ? 72 : 64);
                assert_hash(&out[i], &want, i);
            }
            assert_hash(&out[n], &guard, n);
        }
    }
}

/* Runs before any width is forced. */
static void the_widest_path_is_the_default(void **state)
{
    (void)state;
    unsigned lanes = blake2s_lanes();
#ifdef GH_TEST_PORTABLE
    assert_int_equal(lanes, 1);
#endif
    assert_true(lanes == 1 || lanes == 8 || lanes == 16);
    for (unsigned wider = 2 * lanes; wider <= 64; wider++)
        assert_false(blake2s_set_lanes(wider));
    assert_true(blake2s_set_lanes(lanes));
}

static void one_lane(void **state)
{
    (void)state;
    lanes_agree(1);
}

static void eight_lanes(void **state)
{
    (void)state;
    if (!blake2s_set_lanes(8))
        skip();
    lanes_agree(8);
}

static void sixteen_lanes(void **state)
{
    (void)state;
    if (!blake2s_set_lanes(16))
        skip();
    lanes_agree(16);
}

static void only_known_widths(void **state)
{
    (void)state;
    assert_true(blake2s_set_lanes(1));
    assert_false(blake2s_set_lanes(0));
    assert_false(blake2s_set_lanes(4));
    assert_false(blake2s_set_lanes(32));
    assert_int_equal(blake2s_lanes(), 1);
}

static void single_message_forms(void **state)
{
    (void)state;
    for (size_t i = 0; i < 100; i++) {
        struct b256 l, r;
        struct addr a;
        uint8_t text[72] = { 0 };
        uint64_t next = load_le64(sample + 3 * i);
        memcpy(l.b, sample + i, 32);
        memcpy(r.b, sample + 2 * i + 50, 32);
        memcpy(a.b, sample + 5 * i, 20);
        memcpy(text, l.b, 32);
        memcpy(text + 32, r.b, 32);
        store_le64(text + 64, next);
        struct b256 got = blake2s_pair(&l, &r), want = openssl_digest(EVP_blake2s256(), text, 64);
        assert_hash(&got, &want, 64);
        got = blake2s_leaf(&l, &r, next);
        want = openssl_digest(EVP_blake2s256(), text, 72);
        assert_hash(&got, &want, 72);
        memset(text, 0, 12);
        memcpy(text + 12, a.b, 20);
        got = blake2s_flat_key(&a, &r);
        want = openssl_digest(EVP_blake2s256(), text, 64);
        assert_hash(&got, &want, 64);
    }
}

int main(void)
{
    uint64_t rng = 7;
    test_random_bytes(&rng, sample, sizeof(sample));
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keccak_model_is_right),
        cmocka_unit_test(keccak_matches_the_model),
        cmocka_unit_test(keccak_known_answers),
        cmocka_unit_test(keccak_pair_is_the_hash_of_64_bytes),
        cmocka_unit_test(blake2s_matches_openssl),
        cmocka_unit_test(sha256_matches_openssl),
#if defined(__x86_64__) && !defined(GH_TEST_PORTABLE)
        cmocka_unit_test(sha256_instructions_agree_with_the_portable_code),
#endif
        cmocka_unit_test(sha256_portable_known_answer),
        cmocka_unit_test(the_widest_path_is_the_default),
        cmocka_unit_test(one_lane),
        cmocka_unit_test(eight_lanes),
        cmocka_unit_test(sixteen_lanes),
        cmocka_unit_test(only_known_widths),
        cmocka_unit_test(single_message_forms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
