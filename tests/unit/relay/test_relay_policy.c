/* The rules of a route and the meaning of reverts, on recorded bundles (vectors/interop) and on messages put together from the words of the
 * protocol. What the contracts revert with is theirs: selectors are typed here from the published table. */
#include <string.h>

#include "interop/relay/relay_internal.h"
#include "node/base/hex.h"
#include "tests/unit/base/testing.h"

static struct addr addr_n(uint32_t n)
{
    return addr_of_u32(n);
}

static struct abi_v31_interop_call calls[4];
static struct bundle bundle_of(size_t n, uint64_t value)
{
    struct bundle b = { .raw = { NULL, 0 } };
    for (size_t i = 0; i < n; i++)
        calls[i] = (struct abi_v31_interop_call){ .from = addr_n(0xa0),
                                                  .to = addr_n(0xb0 + (uint32_t)i),
                                                  .value = u256_of_u64(value) };
    b.v.calls.items = calls;
    b.v.calls.cnt = n;
    return b;
}

static void refuses(const struct relay_route *r, const struct bundle *b, const char *why)
{
    char reason[256] = "";
    assert_false(relay_route_takes(r, b, reason, sizeof(reason)));
    if (!strstr(reason, why))
        fail_msg("\"%s\" does not say \"%s\"", reason, why);
}

static void takes(const struct relay_route *r, const struct bundle *b)
{
    char reason[256] = "";
    if (!relay_route_takes(r, b, reason, sizeof(reason)))
        fail_msg("refused: %s", reason);
}

static void test_route_rules(void **state)
{
    (void)state;
    static struct relay_route r;
    struct bundle b = bundle_of(3, 10);
    r = (struct relay_route){ .bundles = true };
    takes(&r, &b);
    r.max_calls = 3;
    takes(&r, &b);
    r.max_calls = 2;
    refuses(&r, &b, "3 calls, the route takes 2");
    r = (struct relay_route){ .bundles = true,
                              .has_max_value = true,
                              .max_value = u256_of_u64(30) };
    takes(&r, &b); /* exactly the limit */
    r.max_value = u256_of_u64(29);
    refuses(&r, &b, "more value");
    r = (struct relay_route){ .withdrawals = true };
    refuses(&r, &b, "no bundles");
}

static void test_value_that_wraps_is_refused(void **state)
{
    (void)state;
    static struct relay_route r;
    struct bundle b = bundle_of(2, 0);
    r = (struct relay_route){ .bundles = true };
    for (size_t i = 0; i < 2; i++)
        memset(&calls[i].value, 0xff, sizeof(calls[i].value));
    refuses(&r, &b, "more value");
}

static void test_lists(void **state)
{
    (void)state;
    static struct relay_route r;
    struct bundle b = bundle_of(2, 0);
    r = (struct relay_route){ .bundles = true };
    r.deny_recipients.items[r.deny_recipients.cnt++] = addr_n(0xb1); /* the second call's */
    refuses(&r, &b, "recipient 0x00000000000000000000000000000000000000b1 is on the route's deny");
    r = (struct relay_route){ .bundles = true };
    r.allow_recipients.items[r.allow_recipients.cnt++] = addr_n(0xb0);
    refuses(&r, &b, "is not on the route's allow list");
    r.allow_recipients.items[r.allow_recipients.cnt++] = addr_n(0xb1);
    takes(&r, &b);
    r.deny_senders.items[r.deny_senders.cnt++] = addr_n(0xa0);
    refuses(&r, &b, "sender 0x00000000000000000000000000000000000000a0");
    r.allow_senders.items[r.allow_senders.cnt++] = addr_n(0xa0);
    refuses(&r, &b, "deny list"); /* deny wins */
}

/* ---- withdrawals: bytes as spec 40 §7.2 lays them out ---- */

static void withdrawal(const char *from, const char *hex, bool wanted, const struct relay_route *r,
                       const char *why)
{
    uint8_t raw[512];
    size_t n = 0;
    struct addr sender = addr_n(strcmp(from, "base") == 0 ? 0x800a : 0x10003);
    char reason[256] = "";
    assert_true(hex_decode(raw, sizeof(raw), &n, hex, strlen(hex)));
    bool got = relay_route_takes_withdrawal(r, &sender, bytes_of(raw, n), reason, sizeof(reason));
    if (got != wanted || (why && !strstr(reason, why)))
        fail_msg("%s %s: %d \"%s\"", from, hex, got, reason);
}

#define WORD0 "00000000000000000000000000000000000000000000000000000000000000"
static const char base_plain[] = "6c0960f9"
                                 "00000000000000000000000000000000000000c1" WORD0 "05";
static const char base_message[] = "6c0960f9"
                                   "00000000000000000000000000000000000000c1" WORD0 "05"
                                   "00000000000000000000000000000000000000d1"
                                   "abcd";
static const char asset[] = "9c884fd1" WORD0 "0c" WORD0 "07" WORD0 "d1" WORD0 "c1" WORD0 "e1" WORD0
                            "05" WORD0 "a0" WORD0 "00";

static void test_withdrawals(void **state)
{
    (void)state;
    static struct relay_route r;
    r = (struct relay_route){ .withdrawals = true };
    withdrawal("base", base_plain, true, &r, NULL);
    withdrawal("base", base_message, true, &r, NULL);
    withdrawal("asset", asset, true, &r, NULL);
    withdrawal("asset", base_plain, false, &r, "not a withdrawal");
    withdrawal("base", asset, false, &r, "not a withdrawal");
    withdrawal("base", "6c0960f9", false, &r, "not a withdrawal");
    withdrawal("asset", "9c884fd1", false, &r, "not a withdrawal");
    withdrawal("base", "", false, &r, "not a withdrawal");
    r.deny_recipients.items[r.deny_recipients.cnt++] = addr_n(0xc1);
    withdrawal("base", base_plain, false, &r,
               "receiver 0x00000000000000000000000000000000000000c1");
    withdrawal("asset", asset, false, &r, "receiver 0x00000000000000000000000000000000000000c1");
    r = (struct relay_route){ .withdrawals = true };
    r.allow_senders.items[r.allow_senders.cnt++] = addr_n(0xd1);
    withdrawal("base", base_message, true, &r, NULL);
    withdrawal("asset", asset, true, &r, NULL);
    withdrawal("base", base_plain, false, &r, "names none"); /* nobody can tell who sent it */
    r = (struct relay_route){ .bundles = true };
    withdrawal("base", base_plain, false, &r, "no withdrawals");
}

static void means(const char *hex, enum relay_revert wanted)
{
    uint8_t raw[64];
    size_t n = 0;
    const char *remedy = NULL;
    assert_true(hex_decode(raw, sizeof(raw), &n, hex, strlen(hex)));
    assert_int_equal(relay_classify(bytes_of(raw, n), &remedy), wanted);
    assert_non_null(remedy);
}

/* Selectors from spec 40 §8.4. */
static void test_reverts(void **state)
{
    (void)state;
    means("5bba5111", RELAY_REVERT_DONE);
    means("e845be4c", RELAY_REVERT_NOT_OURS);
    means("32c2e156", RELAY_REVERT_NEVER);
    means("f36a88e5",
          RELAY_REVERT_LATER); /* the destination left the Gateway: perhaps it comes back */
    means("08c379a0", RELAY_REVERT_LATER);
    means("", RELAY_REVERT_LATER);
    means("5bba51", RELAY_REVERT_LATER);
}

/* A message as the InteropCenter of `says` makes it, found on chain 12. */
static void judged(uint64_t says, uint64_t to, bool wanted, const char *why)
{
    static struct relay r;
    struct buf raw;
    r = (struct relay){ .cfg.route_cnt = 1 };
    r.cfg.routes[0] = (struct relay_route){ .src = 12, .dst = 13, .bundles = true };
    struct bundle b = bundle_of(1, 5);
    b.v.version.b[0] = 1;
    b.v.source_chain_id = u256_of_u64(says);
    b.v.destination_chain_id = u256_of_u64(to);
    calls[0].version.b[0] = 1;
    buf_init(&raw, 1u << 16);
    buf_append(&raw, "\x01", 1);
    assert_true(abi_v31_encode_interop_bundle(&raw, &b.v));
    struct relay_row row = { .kind = RELAY_BUNDLE, .src = 12, .message = bytes_of(raw.p, raw.len) };
    memset(row.id.b, 0xab, 32);
    struct b256 before = row.id;
    assert_int_equal(relay_judge(&r, &row), wanted);
    if (why && !strstr(row.note, why))
        fail_msg("\"%s\" does not say \"%s\"", row.note, why);
    if (says != 12) /* the id of the other chain's bundle is not taken */
        assert_memory_equal(row.id.b, before.b, 32);
    buf_clear(&raw);
}

static void test_a_bundle_belongs_to_the_chain_it_was_found_on(void **state)
{
    (void)state;
    judged(12, 13, true, NULL);
    judged(14, 13, false, "from another chain");
    judged(13, 13, false, "from another chain");
    judged(12, 14, false, "no route leads to chain 14");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_route_rules),
        cmocka_unit_test(test_value_that_wraps_is_refused),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_withdrawals),
        cmocka_unit_test(test_reverts),
        cmocka_unit_test(test_a_bundle_belongs_to_the_chain_it_was_found_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
