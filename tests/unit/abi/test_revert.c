/* Custom errors as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "contracts-abi/gen/errors.h"
#include "contracts-abi/gen/v31.h"
#include "contracts-abi/revert.h"
#include "node/base/hex.h"
#include "tests/unit/abi/json.h"

static void check_text(const char *hex, const char *want)
{
    uint8_t data[1024];
    size_t len = 0;
    char text[ABI_REVERT_TEXT_CAP];
    assert_true(hex_decode(data, sizeof data, &len, hex, strlen(hex)));
    assert_int_equal(abi_format_revert(text, sizeof text, bytes_of(data, len)), strlen(want));
    assert_string_equal(text, want);
}

#define W0 "00000000000000000000000000000000000000000000000000000000000000"

static void errors_are_printed_by_name_with_arguments(void **state)
{
    (void)state;
    check_text("0x00c6ead2", "CantExecuteUnprovenBatches()");
    check_text("0xbd4455ff" W0 "02" W0 "ff", "BatchNumberMismatch(2, 255)");
    check_text("0x14d2ed8a" W0 "03", "UnsupportedExecuteBatchEncoding(3)");
    check_text(
        "0x55ad3fd3"
        "b848533dfa500e75c22451bcf93830d30ba31319510771a280634ee7e2f6c6fe"
        "6df8ea1431662695fe1fdf976833e75d6f7e006d19d32f4075713faa56e1fec4",
        "BatchHashMismatch(0xb848533dfa500e75c22451bcf93830d30ba31319510771a280634ee7e2f6c6fe, "
        "0x6df8ea1431662695fe1fdf976833e75d6f7e006d19d32f4075713faa56e1fec4)");
    check_text("0x8e4a23d6000000000000000000000000f39fd6e51aad88f6f4ce6ab8827279cfffb92266",
               "Unauthorized(0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266)");
    check_text("0xafd53e2f" W0 "01" W0 "00" W0 "01", "BlobHashCommitmentError(1, false, true)");
    check_text("0x12ba286f"
               "deadbeef00000000000000000000000000000000000000000000000000000000",
               "InvalidSelector(0xdeadbeef)");
    check_text("0x3331e9c0" W0 "20" W0 "03"
               "aabbcc0000000000000000000000000000000000000000000000000000000000",
               "CallNotAllowed(0xaabbcc)");
    check_text("0x08753982" W0 "20" W0 "40", "TimeNotReached(32, 64)");
}

static void solidity_errors_are_printed(void **state)
{
    (void)state;
    check_text("0x08c379a0" W0 "20" W0 "01"
               "4600000000000000000000000000000000000000000000000000000000000000",
               "Error(\"F\")");
    check_text("0x08c379a0" W0 "20" W0 "04"
               "0a22ff7900000000000000000000000000000000000000000000000000000000",
               "Error(\"\\x0a\\x22\\xffy\")");
    check_text("0x4e487b71" W0 "11", "Panic(0x11: arithmetic overflow)");
    check_text("0x4e487b71" W0 "32", "Panic(0x32: array index out of bounds)");
    check_text("0x4e487b71" W0 "99", "Panic(0x99: unknown code)");
}

static void unknown_and_broken_data_is_shown_as_hex(void **state)
{
    (void)state;
    check_text("", "empty revert data");
    check_text("0xab", "revert data 0xab");
    check_text("0xdeadbeef", "unknown error 0xdeadbeef");
    check_text("0xbd4455ff" W0 "02",
               "BatchNumberMismatch with malformed arguments 0xbd4455ff" W0 "02");
    check_text("0x4e487b71", "unknown error 0x4e487b71");
    check_text("0x08c379a0" W0 "40", "unknown error 0x08c379a0" W0 "40");
}

static void text_is_cut_to_the_room_given(void **state)
{
    (void)state;
    const uint8_t data[68] = { 0xbd, 0x44, 0x55, 0xff };
    char whole[ABI_REVERT_TEXT_CAP];
    size_t len = abi_format_revert(whole, sizeof whole, bytes_of(data, sizeof data));
    assert_string_equal(whole, "BatchNumberMismatch(0, 0)");
    for (size_t cap = 4; cap <= len + 2; cap++) {
        char *text = malloc(cap);
        assert_non_null(text);
        size_t n = abi_format_revert(text, cap, bytes_of(data, sizeof data));
        assert_int_equal(strlen(text), n);
        if (cap > len) {
            assert_string_equal(text, whole);
        } else {
            assert_int_equal(n, cap - 1);
            assert_string_equal(text + n - 3, "...");
            assert_memory_equal(text, whole, n - 3);
        }
        free(text);
    }
}

static void long_bytes_are_shortened(void **state)
{
    (void)state;
    uint8_t data[4 + 64 + 4096] = { 0xf7, 0xa0, 0x1e, 0x4d }; /* DelegateCallFailed(bytes) */
    char text[ABI_REVERT_TEXT_CAP];
    data[4 + 31] = 0x20;
    data[4 + 62] = 0x10; /* 4096 bytes */
    (void)abi_format_revert(text, sizeof text, bytes_of(data, sizeof data));
    assert_int_equal(strncmp(text, "DelegateCallFailed(0x0000", 25), 0);
    assert_string_equal(text + strlen(text) - 4, "...)");
    assert_int_equal(strlen(text), strlen("DelegateCallFailed(0x...)") + 128);
}

static void names_are_found_by_selector(void **state)
{
    (void)state;
    char name[64];
    assert_string_equal(abi_error_name(name, sizeof name, ABI_V31_NOT_HISTORICAL_ROOT_ERROR),
                        "NotHistoricalRoot");
    assert_string_equal(abi_error_name(name, sizeof name, 0x55ad3fd3), "BatchHashMismatch");
    assert_null(abi_error_name(name, sizeof name, 0xdeadbeef));
}

/* All of them with zero arguments, which every word type accepts. */
static void every_error_has_a_text(void **state)
{
    (void)state;
    size_t cnt, errors = 0;
    const struct abi_signature *all = abi_v31_signatures(&cnt);
    for (size_t i = 0; i < cnt; i++) {
        if (all[i].kind != ABI_SIG_ERROR)
            continue;
        uint8_t data[4 + 32 * 8] = { 0 };
        char text[ABI_REVERT_TEXT_CAP];
        memcpy(data, all[i].hash.b, 4);
        (void)abi_format_revert(text, sizeof text, bytes_of(data, sizeof data));
        const char *paren = strchr(all[i].text, '(');
        assert_memory_equal(text, all[i].text, (size_t)(paren - all[i].text) + 1);
        assert_int_equal(text[strlen(text) - 1], ')');
        errors++;
    }
    assert_int_equal(errors, 486);
}

/* "Name(type,..) 0x55ad3fd3 ..": the observed reverts of the real contracts. */
static void observed_reverts_are_named(void **state)
{
    (void)state;
    json_t *f = json_open("vectors/settlement/reverts.json"), *list, *v;
    const char *group;
    unsigned cnt = 0;
    json_object_foreach(f, group, list)
    {
        size_t i;
        json_array_foreach(list, i, v)
        {
            const char *s = json_string_value(json_need(v, "revert"));
            const char *hex = s ? strstr(s, " 0x") : NULL;
            uint8_t sel[4];
            char name[64];
            if (!hex || strlen(hex) < 11 || !hex_decode_exact(sel, 4, hex + 3, 8))
                continue;
            if (s[0] == '?') { /* whole data of an error without a name of its own */
                check_text("0x4e487b71" W0 "32", "Panic(0x32: array index out of bounds)");
                assert_int_equal(load_be32(sel), 0x4e487b71);
                continue;
            }
            const char *got = abi_error_name(name, sizeof name, load_be32(sel));
            assert_non_null(got);
            assert_memory_equal(s, got, strlen(got));
            cnt++;
        }
    }
    (void)printf("observed reverts named: %u\n", cnt);
    assert_true(cnt >= 35);
    json_decref(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_are_printed_by_name_with_arguments),
        cmocka_unit_test(solidity_errors_are_printed),
        cmocka_unit_test(unknown_and_broken_data_is_shown_as_hex),
        cmocka_unit_test(text_is_cut_to_the_room_given),
        cmocka_unit_test(long_bytes_are_shortened),
        cmocka_unit_test(names_are_found_by_selector),
        cmocka_unit_test(every_error_has_a_text),
        cmocka_unit_test(observed_reverts_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
