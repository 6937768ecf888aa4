/* The generator's reader: names, and errors that say where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "contracts-abi/abigen/model.h"

static struct arena arena;

static void check_snake(const char *in, const char *want)
{
    struct model m = { .arena = &arena, .version = "t" };
    assert_string_equal(name_snake(&m, in, strlen(in)), want);
}

static void names_become_snake_case(void **state)
{
    (void)state;
    check_snake("getZKChain", "get_zk_chain");
    check_snake("L2CanonicalTransaction", "l2_canonical_transaction");
    check_snake("CommitBatchInfoZKsyncOS", "commit_batch_info_zksync_os");
    check_snake("isZKsyncOS", "is_zksync_os");
    check_snake("getDAValidatorPair", "get_da_validator_pair");
    check_snake("validatorTimelockPostV29", "validator_timelock_post_v29");
    check_snake("L1_BYTECODES_SUPPLIER", "l1_bytecodes_supplier");
    check_snake("getAllZKChainChainIDs", "get_all_zk_chain_chain_ids");
    check_snake("proveL1ToL2TransactionStatus", "prove_l1_to_l2_transaction_status");
    check_snake("_l2Transaction", "l2_transaction");
    check_snake("operatorDAInput", "operator_da_input");
    check_snake("A", "a");
}

static bool parse(const char *text, struct model *m, struct err *err)
{
    *m = (struct model){ .arena = &arena, .version = "t" };
    return model_parse(m, "dir/x.abi", text, err);
}

static void check_fails(const char *text, const char *want)
{
    struct model m;
    struct err err;
    assert_false(parse(text, &m, &err));
    if (!strstr(err.msg, want))
        fail_msg("\"%s\" instead of \"%s\"", err.msg, want);
}

static void faults_name_file_and_line(void **state)
{
    (void)state;
    check_fails("# fine\nfunktion f()", "dir/x.abi:2: expected struct");
    check_fails("function f(uint7 a)", "x.abi:1: unknown type \"uint7\"");
    check_fails("function f(uint a)", "unknown type \"uint\"");
    check_fails("function f(uint264 a)", "unknown type");
    check_fails("function f(bytes33 a)", "unknown type");
    check_fails("function f(bytes0 a)", "unknown type");
    check_fails("function f(Unknown a)", "unknown type \"Unknown\"");
    check_fails("function f(, uint8 a)", "unknown type \"\"");
    check_fails("function f(uint8 a", "expected , or )");
    check_fails("function f(uint8 a) returns uint8", "bad returns");
    check_fails("function f(uint8 a) view", "unexpected word");
    check_fails("function f(uint8 a);", "text behind the declaration");
    check_fails("function f(uint8 a, bool a)", "field name used twice");
    check_fails("function f()\nfunction f(uint8 a)",
                "x.abi:2: f is already in dir/x.abi:1 (use `as`)");
    check_fails("struct S()", "a struct without fields");
    check_fails("struct S(uint8 indexed a)", "indexed outside an event");
    check_fails("event E(uint8 indexed a, uint8 indexed b, uint8 indexed c, uint8 indexed d)",
                "more than three indexed");
    check_fails("function f(uint8[0] a)", "bad array length");
    check_fails("function f(uint8[2][] a)", "a list of fixed arrays");
    check_fails("function f(uint8[][][] a)", "lists nested too deep");
    check_fails("function f(() a)", "empty tuple");
    check_fails("struct S(uint8 a)\ntuple S(uint8 a)", "already in");
    check_fails("hash X text", "expected NAME");
}

static void signatures_are_canonical(void **state)
{
    (void)state;
    struct model m;
    struct err err;
    assert_true(parse("struct P(uint8 a, (bool, bytes4[2]) b)\r\n\n"
                      "function f(P[] x, string s, int24 [ 3 ] y)  returns ( address )  as g\n"
                      "hash ROLE \"X Y\"",
                      &m, &err));
    const struct decl *f = NULL, *role = NULL;
    for (const struct decl *d = m.sources->decls; d; d = d->next) {
        f = d->kind == DECL_FUNCTION ? d : f;
        role = d->kind == DECL_HASH ? d : role;
    }
    CHECK(f != NULL);
    assert_string_equal(f->name, "f");
    assert_string_equal(f->c_name, "g");
    assert_string_equal(name_canonical_args(&m, &f->args),
                        "((uint8,(bool,bytes4[2]))[],string,int24[3])");
    assert_string_equal(f->returns.first->c_name, "value");
    assert_true(f->args.first->type->dynamic);
    assert_false(f->args.first->type->item->dynamic);
    assert_int_equal(f->args.first->type->item->head_len, 32 * 4);
    CHECK(role != NULL);
    assert_string_equal(role->name, "X Y");
    assert_string_equal(m.sources->stem, "x");
}

static int setup(void **state)
{
    (void)state;
    arena_init_growing(&arena, 1 << 16, 1 << 24);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_clear(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_become_snake_case),
        cmocka_unit_test(faults_name_file_and_line),
        cmocka_unit_test(signatures_are_canonical),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
