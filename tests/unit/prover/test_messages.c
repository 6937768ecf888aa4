/* Bodies of the prover API and base64, against texts of RFC 4648 and of the peer's serializer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "settlement/prover/base64.h"
#include "settlement/prover/messages.h"

static const struct {
    const char *plain, *text;
} rfc[] = { { "", "" },
            { "f", "Zg==" },
            { "fo", "Zm8=" },
            { "foo", "Zm9v" },
            { "foob", "Zm9vYg==" },
            { "fooba", "Zm9vYmE=" },
            { "foobar", "Zm9vYmFy" } };

static void base64_is_that_of_the_rfc(void **state)
{
    (void)state;
    for (size_t i = 0; i < GH_COUNT(rfc); i++) {
        struct buf a, b;
        buf_init(&a, 100);
        buf_init(&b, 100);
        assert_true(base64_encode(&a, bytes_of(rfc[i].plain, strlen(rfc[i].plain))));
        assert_int_equal(a.len, strlen(rfc[i].text));
        assert_true(a.len == 0 || memcmp(a.p, rfc[i].text, a.len) == 0);
        assert_true(base64_decode(&b, rfc[i].text, strlen(rfc[i].text)));
        assert_true(bytes_eq(bytes_of(b.p, b.len), bytes_of(rfc[i].plain, strlen(rfc[i].plain))));
        buf_clear(&a);
        buf_clear(&b);
    }
}

static void what_is_not_base64_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = { "Z",        "Zg",   "Zg=",  "====", "Z===", "Zh==", "Zm9=",
                                         "Zg==Zg==", "Zm 9", "Zm9_", "Zm-v", "=Zg=", "Zg=a" };
    for (size_t i = 0; i < GH_COUNT(wrong); i++) {
        struct buf b;
        buf_init(&b, 100);
        assert_false(base64_decode(&b, wrong[i], strlen(wrong[i])));
        buf_clear(&b);
    }
}

#define VK "0x23156cf220288cd1e436dccfc09aa4883ea8288da61aa69e2c7251b0c0c44ccd"

static int read_status(const char *body, bool is_snark, struct prover_submission *out)
{
    char reason[160];
    int status = 200;
    bool ok = prover_read_submission(out, is_snark, bytes_of(body, strlen(body)), &status, reason);
    assert_true(ok == (status == 200));
    return status;
}

static void the_peers_bodies_are_read(void **state)
{
    (void)state;
    struct prover_submission s;
    assert_int_equal(
        read_status("{\"batch_number\":7,\"vk_hash\":\"" VK "\",\"proof\":\"AQID\"}", false, &s),
        200);
    assert_int_equal(s.from, 7);
    assert_int_equal(s.to, 7);
    assert_int_equal(s.vk.b[0], 0x23);
    assert_int_equal(s.proof.len, 3);
    buf_clear(&s.proof);
    assert_int_equal(read_status("{\"from_batch_number\":3,\"to_batch_number\":5,\"vk_hash\":\"" VK
                                 "\",\"proof\":\"AQID\"}",
                                 true, &s),
                     200);
    assert_int_equal(s.from, 3);
    assert_int_equal(s.to, 5);
    buf_clear(&s.proof);
}

static void other_bodies_are_refused_with_a_status(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        int status;
    } cases[] = {
        { "", 400 },
        { "{", 400 },
        { "7", 422 },
        { "{}", 422 },
        { "{\"batch_number\":0,\"vk_hash\":\"" VK "\",\"proof\":\"AQID\"}", 422 },
        { "{\"batch_number\":1.5,\"vk_hash\":\"" VK "\",\"proof\":\"AQID\"}", 422 },
        { "{\"batch_number\":99999999999999999999,\"vk_hash\":\"" VK "\",\"proof\":\"AQID\"}",
          400 },
        { "{\"batch_number\":1,\"batch_number\":2,\"vk_hash\":\"" VK "\",\"proof\":\"AQID\"}",
          400 },
        { "{\"batch_number\":1,\"vk_hash\":1,\"proof\":\"AQID\"}", 422 },
        { "{\"batch_number\":1,\"vk_hash\":\"0x12\",\"proof\":\"AQID\"}", 400 },
        { "{\"batch_number\":1,\"vk_hash\":\"" VK "\"}", 422 },
        { "{\"batch_number\":1,\"vk_hash\":\"" VK "\",\"proof\":\"AQI\"}", 400 },
        { "{\"batch_number\":1,\"vk_hash\":\"" VK "\",\"proof\":\"\"}", 400 },
    };
    for (size_t i = 0; i < GH_COUNT(cases); i++) {
        struct prover_submission s;
        assert_int_equal(read_status(cases[i].body, false, &s), cases[i].status);
        buf_clear(&s.proof);
    }
    struct prover_submission s;
    assert_int_equal(read_status("{\"from_batch_number\":5,\"to_batch_number\":4,\"vk_hash\":\"" VK
                                 "\",\"proof\":\"AQID\"}",
                                 true, &s),
                     400);
    buf_clear(&s.proof);
}

static void keys_filter_jobs_as_the_peer_does(void **state)
{
    (void)state;
    struct b256 vk;
    assert_true(prover_read_key(&vk, VK, strlen(VK)));
    assert_true(prover_keys_allow("", &vk));
    assert_true(prover_keys_allow(" ,, ", &vk));
    assert_true(prover_keys_allow("0xdead, " VK, &vk));
    assert_false(prover_keys_allow("0xdead", &vk));
    vk.b[31] ^= 1;
    assert_false(prover_keys_allow(VK, &vk));
}

static void input_is_whole_words_with_the_length_first(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 100);
    assert_true(prover_write_input(&out, bytes_of("hello", 5)));
    /* 05000000 68656c6c 6f000000, by python3 */
    assert_int_equal(out.len, 16);
    assert_memory_equal(out.p, "BQAAAGhlbGxvAAAA", 16);
    buf_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base64_is_that_of_the_rfc),
        cmocka_unit_test(what_is_not_base64_is_refused),
        cmocka_unit_test(the_peers_bodies_are_read),
        cmocka_unit_test(other_bodies_are_refused_with_a_status),
        cmocka_unit_test(keys_filter_jobs_as_the_peer_does),
        cmocka_unit_test(input_is_whole_words_with_the_length_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
