/* tests/bench/evm/bench_attack.c
 *
 *   bench_attack [NAME...]
 *
 * Programs that look for what is cheap in gas and dear in time, each run until its gas is gone, under the Ethereum rules of
 * Osaka and those of ZKsync OS (there with native enough for anything, so that gas alone bounds the time). Prints the
 * time a unit of gas takes, and last the worst of them. With names: only attacks whose name has one of them in it. */
#include "node/base/hex.h"
#include "node/crypto/crypto.h"
#include "node/stf/ee.h"
#include "node/stf/journal.h"
#include "tests/unit/stf/stf_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define GAS       20000000u
#define TARGET    0xa77acu
#define HELPER    0x4e17e4u /* ends at once */
#define BIG       0xb16000u /* BIG_CNT contracts of the greatest size behind each other */
#define BIG_CNT   600u
#define INPUT_CAP 65536u
#define ARENA_MAX ((size_t)3 << 30)

struct attack {
    const char *name;
    const char *before; /* once */
    const char *body;   /* in a loop; leaves the stack as it was */
    const char *input;  /* calldata, copied to memory 0 before everything; NULL: none */
};

/* STATICCALL(all gas, address, 0, input size, far from the input, output size) POP */
#define CALL_PRECOMPILE(out, in, address) "61" out "61a00061" in "5f60" address "5afa50"
#define ONES                              "5f19"
#define ONE64                             "67ffffffffffffffff"
#define WORD_1                            "0000000000000000000000000000000000000000000000000000000000000001"
#define WORD_2                            "0000000000000000000000000000000000000000000000000000000000000002"
#define FF32                              "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"

static const struct attack attacks[] = {
    /* the loop itself and arithmetic with the worst operands found */
    { "empty loop", "", "", NULL },
    { "jumpdests", "", "5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b", NULL },
    { "div", "",
      "6003" ONES "0450"
      "6001196001190419"
      "50",
      NULL },
    { "div by two limbs", "", "6fffffffffffffffff0000000000000001" ONES "0450", NULL },
    { "div by three limbs", "", "77ffffffffffffffffffffffffffffffff0000000000000001" ONES "0450",
      NULL },
    { "sdiv", "",
      "6fffffffffffffffff0000000000000001"
      "6001" ONES "1c0550",
      NULL },
    { "mod", "", "6fffffffffffffffff0000000000000001" ONES "0650", NULL },
    { "addmod", "", "6fffffffffffffffff0000000000000001" ONES ONES "0850", NULL },
    { "mulmod", "", "77ffffffffffffffffffffffffffffffff0000000000000001" ONES ONES "0950", NULL },
    { "mulmod, a new modulus each time", "5f", "6001018019" ONES ONES "0950", NULL },
    { "exp", "", ONES ONES "0a50", NULL },
    { "signextend and byte", "",
      ONES "60020b"
           "50" ONES "60021a50",
      NULL },
    /* memory */
    { "memory growing by words", "6000", "602001808052", NULL },
    { "mstore of one word", "", "5f5f52", NULL },
    { "mload everywhere", "62010000515060ff", "6061018061ffff165150", NULL },
    { "mcopy overlapping", "6201000051506000", "61ffff600160005e", NULL },
    { "calldatacopy beyond its end", "", "62010000" ONE64 "5f37", NULL },
    { "codecopy", "",
      "616000"
      "5f"
      "5f39",
      NULL },
    { "returndatacopy",
      "6180006000600061800060006004"
      "5afa50",
      "6180005f5f3e", NULL },
    { "extcodecopy", "", "6160005f5f62b160003c", NULL },
    { "keccak of two words", "5f", "600101805f5260405f2050", NULL },
    { "keccak of much", "6201000051506000", "620100005f2050", NULL },
    { "log0 of much", "62010000515060ff", "620100005fa0", NULL },
    { "log4 of nothing", "", "5f5f5f5f5f5fa4", NULL },
    /* state */
    { "sstore of new slots", "5f", "600101808055", NULL },
    { "sstore of one slot", "5f",
      "60010180"
      "5f55",
      NULL },
    { "sload of new slots", "5f", "600101805450", NULL },
    { "sload of one slot", "", "5f5450", NULL },
    { "tstore of new slots", "5f", "60010180805d", NULL },
    { "tload of new slots", "5f", "600101805c50", NULL },
    { "balance of new accounts", "5f", "600101803150", NULL },
    { "extcodehash of one account", "", "62b160003f50", NULL },
    { "blockhash", "", "600143034050", NULL },
    /* frames */
    { "calls to nothing", "", "5f5f5f5f61ffff5afa50", NULL },
    { "calls to new accounts", "61ffff",
      "6001018060005f5f5f93"
      "5afa50",
      NULL },
    { "calls that end at once", "", "5f5f5f5f624e17e45afa50", NULL },
    { "calls with much input", "6201000051", "5f5f620100005f624e17e45afa50", NULL },
    { "calls of big code", "", "5f5f5f5f62b160005afa50", NULL },
    { "calls of ever new big code", "5f",
      "600101806102589006"
      "62b16000015f5f5f5f93"
      "5afa50",
      NULL },
    { "value transfers", "", "5f5f5f5f600161ffff5af150", NULL },
    { "calls of itself", "", "5f5f5f5f305afa50", NULL },
    { "calls of itself, with memory", "620800005150", "5f5f5f5f305afa50", NULL },
    { "calls of itself, with new memory a frame", "611000515f", "5f5f5f5f305afa50", NULL },
    { "creations of nothing", "", "5f5f5ff050", NULL },
    { "creations, initcode of jumpdests", "", "61c0005f5ff050", "5bx49152" },
    { "creations, initcode of pushes", "", "61c0005f5ff050", "7fx49152" },
    { "creations by CREATE2", "5f",
      "60010180"
      "6160005f5ff550",
      NULL },
    { "creations of big code", "646160005ff35f52", "6005601b5ff050", NULL },
    { "reverted creations", "645f5ffd00005f52", "6020601b5ff050", NULL },
    { "selfdestructs", "6230ff005f52", "6002601d5ff050", NULL },
    /* precompiles */
    { "ecrecover", "", CALL_PRECOMPILE("0020", "0080", "01"),
      "456e9aea5e197a1f1af7a3e85a3212fa4049a3ba34c2289b4c860fc0b0c64ef3"
      "000000000000000000000000000000000000000000000000000000000000001c"
      "9242685bf161793cc25603c231bc2f568eb630ea16aa137d2664ac8038825608"
      "4f8ae3bd7535248d0bd448298cc2e2071e56992d0774dc340c368ae950852ada" },
    { "sha256 of little", "", CALL_PRECOMPILE("0020", "0000", "02"), NULL },
    { "sha256 of much", "", CALL_PRECOMPILE("0020", "8000", "02"), NULL },
    { "ripemd160 of little", "", CALL_PRECOMPILE("0020", "0000", "03"), NULL },
    { "ripemd160 of much", "", CALL_PRECOMPILE("0020", "8000", "03"), NULL },
    { "identity of much", "", CALL_PRECOMPILE("8000", "8000", "04"), NULL },
    { "modexp, nothing", "", CALL_PRECOMPILE("0020", "0060", "05"), WORD_1 WORD_1 WORD_1 },
    { "modexp, 32 bytes each", "", CALL_PRECOMPILE("0020", "00c0", "05"),
      "0000000000000000000000000000000000000000000000000000000000000020"
      "0000000000000000000000000000000000000000000000000000000000000020"
      "0000000000000000000000000000000000000000000000000000000000000020" FF32 FF32
      "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe" },
    { "modexp, 1024 bytes, small exponent", "", CALL_PRECOMPILE("0400", "0861", "05"),
      "0000000000000000000000000000000000000000000000000000000000000400" WORD_1
      "0000000000000000000000000000000000000000000000000000000000000400"
      " ffx1024 03 ffx1024" },
    { "modexp, 1024 bytes, long exponent", "", CALL_PRECOMPILE("0400", "0880", "05"),
      "0000000000000000000000000000000000000000000000000000000000000400"
      "0000000000000000000000000000000000000000000000000000000000000020"
      "0000000000000000000000000000000000000000000000000000000000000400"
      " ffx2080" },
    { "modexp, even modulus", "", CALL_PRECOMPILE("0100", "0260", "05"),
      "0000000000000000000000000000000000000000000000000000000000000100"
      "0000000000000000000000000000000000000000000000000000000000000020"
      "0000000000000000000000000000000000000000000000000000000000000100"
      " ffx543 fe" },
    { "bn254 add", "", CALL_PRECOMPILE("0040", "0080", "06"), WORD_1 WORD_2 WORD_1 WORD_2 },
    { "bn254 mul", "", CALL_PRECOMPILE("0040", "0060", "07"), WORD_1 WORD_2 FF32 },
    { "bn254 pairing of nothing", "", CALL_PRECOMPILE("0020", "0000", "08"), NULL },
    { "bn254 pairing", "", CALL_PRECOMPILE("0020", "00c0", "08"),
      WORD_1 WORD_2 "198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2"
                    "1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed"
                    "090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b"
                    "12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa" },
    { "blake2f, 65,536 rounds", "", CALL_PRECOMPILE("0040", "00d5", "09"), "00010000" },
    { "blake2f, no round", "", CALL_PRECOMPILE("0040", "00d5", "09"), NULL },
    { "point evaluation of nonsense", "", CALL_PRECOMPILE("0040", "00c0", "0a"), NULL },
    { "p256 verification", "", "602061a00060a05f6101005afa50",
      "4cee90eb86eaa050036147a12d49004b6b9c72bd725d39d4785011fe190f0b4d"
      "a73bd4903f0ce3b639bbbf6e8e80d16931ff4bcf5993d58468e8fb19086e8cac"
      "36dbcd03009df8c59286b162af3bd7fcc0450c9aa81be5d10d312af6c66b1d60"
      "4aebd3099c618202fcfe16ae7770b0c49ab5eadf74b754204a3bb6060e44eff3"
      "7618b065f9832de4ca6ca971a7a1adc826d0f7c00181a5fb2ddf79ae00b4e10e" },
};

static uint64_t now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Hexadecimal parts with spaces between them; in "ffx1024" the byte comes so many times. */
static size_t put_hex(uint8_t *out, size_t at, const char *text)
{
    while (*text) {
        size_t n, len = strcspn(text, " x");
        CHECK(hex_decode(out + at, INPUT_CAP - at, &n, text, len));
        text += len;
        if (*text == 'x') {
            char *end;
            size_t times = strtoul(text + 1, &end, 10);
            CHECK(n == 1 && at + times <= INPUT_CAP);
            memset(out + at, out[at], times);
            n = times;
            text = end;
        }
        at += n;
        text += strspn(text, " ");
    }
    return at;
}

/* CALLDATACOPY of everything to 0, `before`, JUMPDEST, `body`, and back. */
static struct bytes assemble(struct world *w, const struct attack *a)
{
    static uint8_t code[INPUT_CAP];
    size_t n = put_hex(code, 0, "365f5f37");
    n = put_hex(code, n, a->before);
    size_t loop = n;
    n = put_hex(code, n, "5b");
    n = put_hex(code, n, a->body);
    n = put_hex(code, n,
                "610000"
                "56");
    code[n - 3] = (uint8_t)(loop >> 8);
    code[n - 2] = (uint8_t)loop;
    const uint8_t *copy = arena_copy(&w->arena, code, n);
    CHECK(copy);
    return bytes_of(copy, n);
}

static struct bytes input_of(struct world *w, const struct attack *a)
{
    static uint8_t input[INPUT_CAP];
    size_t n = a->input ? put_hex(input, 0, a->input) : 0;
    const uint8_t *copy = n ? arena_copy(&w->arena, input, n) : input;
    CHECK(copy);
    return bytes_of(copy, n);
}

static void add_big_contracts(struct world *w)
{
    static uint8_t code[24576];
    for (unsigned i = 0; i < BIG_CNT; i++) {
        struct addr a = addr_of_u32(BIG + i);
        memset(code, 0x5b, sizeof(code)); /* JUMPDESTs, behind an end */
        code[0] = 0x60;
        code[1] = (uint8_t)i;
        code[2] = 0x61;
        code[3] = (uint8_t)(i >> 8);
        code[4] = 0;
        code[5] = 0x00;
        world_set_account(w, &a, 1, &U256_ZERO, bytes_of(code, sizeof(code)));
    }
}

static double run(struct world *w, const struct stf_rules *rules, struct bytes input,
                  enum stf_halt *halt)
{
    struct stf_block_context ctx = world_context();
    struct stf_options options = { 0 };
    struct stf_fault fault;
    struct arena arena;
    arena_init_growing(&arena, (size_t)16 << 20, ARENA_MAX);
    struct stf_block *b =
        stf_block_begin(&arena, rules, &ctx, &w->oracle, crypto_host(), &options, &fault);
    CHECK(b);
    b->tx_id = 1; /* as inside a transaction: nothing is warm */
    struct ee_call_request req = {
        .kind = CALL_PLAIN,
        .code_addr = addr_of_u32(TARGET),
        .self = addr_of_u32(TARGET),
        .caller = addr_of_u32(0xca11e4),
        .input = input,
    };
    struct stf_res res = { .gas = GAS, .native = UINT64_MAX / 2 };
    uint64_t t = now_ns();
    struct frame_outcome o = frame_run_call(b, &res, &req);
    t = now_ns() - t;
    *halt = o.halt;
    arena_clear(&arena);
    return (double)t / (double)(GAS - res.gas);
}

static bool is_wanted(const char *name, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strstr(name, argv[i]))
            return true;
    }
    return argc < 2;
}

int main(int argc, char **argv)
{
    static struct world w;
    const struct stf_rules *const rules[2] = { stf_rules_ethereum_osaka(),
                                               stf_rules_zksync_os_v31() };
    double worst[2] = { 0, 0 };
    const char *worst_name[2] = { "", "" };
    struct u256 rich = u256_of_u64(UINT64_MAX);
    struct addr target = addr_of_u32(TARGET), helper = addr_of_u32(HELPER);
    world_init(&w);
    add_big_contracts(&w);
    world_set_account(&w, &helper, 1, &U256_ZERO, world_hex(&w, "00"));
    printf("%-44s %10s %10s  ns/gas\n", "", "Osaka", "ZKsync OS");
    for (size_t i = 0; i < GH_COUNT(attacks); i++) {
        const struct attack *a = &attacks[i];
        if (!is_wanted(a->name, argc, argv))
            continue;
        enum stf_halt halts[2];
        double ns[2];
        world_set_account(&w, &target, 1, &rich, assemble(&w, a));
        for (unsigned k = 0; k < 2; k++) {
            ns[k] = run(&w, rules[k], input_of(&w, a), &halts[k]);
            if (ns[k] > worst[k]) {
                worst[k] = ns[k];
                worst_name[k] = a->name;
            }
        }
        bool all_gas = halts[0] == HALT_OUT_OF_GAS && halts[1] == HALT_OUT_OF_GAS;
        printf("%-44s %10.2f %10.2f%s\n", a->name, ns[0], ns[1],
               all_gas ? "" : "  (does not end with its gas)");
        (void)fflush(stdout);
    }
    printf("worst: %.1f ns/gas (Osaka: %s), %.1f ns/gas (ZKsync OS: %s)\n", worst[0], worst_name[0],
           worst[1], worst_name[1]);
    world_clear(&w);
    return 0;
}
