/* tests/bench/evm/bench_evm.c
 *
 *   bench_evm [--zksync-os] FILE.json...
 *
 * Interpreter speed on programs in state-test form: one contract, its inputs as calldata,
 * unlimited gas, no state behind it. Prints, per input, gas of a call, the median time of a call
 * over at least 0.2 s, and Mgas/s; last the geometric mean over the largest input of each file.
 * The call goes through the frame driver, so analysis of the code is done once, as in a block. */
#include "node/base/hex.h"
#include "node/base/map.h"
#include "node/crypto/crypto.h"
#include "node/stf/ee.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MIN_RUN_NS   200000000ull
#define SAMPLE_CAP   100000u
#define CONTRACT_TAG 0xbe
#define GAS          ((uint64_t)1 << 62)

struct world {
    struct b256 flat_key, value, blob_hash;
    uint8_t record[ACCOUNT_RECORD_LEN];
    struct bytes blob;
};

static bool read_slot(void *ctx, const struct b256 *flat_key, struct b256 *value, bool *exists)
{
    const struct world *w = ctx;
    *exists = b256_eq(flat_key, &w->flat_key);
    *value = *exists ? w->value : (struct b256){ { 0 } };
    return true;
}

static bool read_preimage(void *ctx, const struct b256 *hash, struct bytes *out)
{
    const struct world *w = ctx;
    if (b256_eq(hash, &w->value))
        *out = bytes_of(w->record, ACCOUNT_RECORD_LEN);
    else if (b256_eq(hash, &w->blob_hash))
        *out = w->blob;
    else
        return false;
    return true;
}

static uint64_t now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static struct bytes parse_hex(const char *s)
{
    size_t len = strlen(s), n;
    uint8_t *p = malloc(len / 2 + 1);
    CHECK(p && hex_decode(p, len / 2 + 1, &n, s, len));
    return bytes_of(p, n);
}

static void world_init(struct world *w, const struct addr *a, struct bytes code)
{
    struct account_record rec = { .nonce = 1 };
    uint8_t *blob = malloc(code_blob_len(code.len));
    CHECK(blob);
    code_blob_build(blob, code);
    w->blob = bytes_of(blob, code_blob_len(code.len));
    account_set_code(&rec, w->blob, code.len);
    account_encode(w->record, &rec);
    w->flat_key = account_flat_key(a);
    w->value = account_value(&rec);
    w->blob_hash = rec.bytecode_hash;
}

struct score {
    uint64_t gas, ns;
    enum stf_halt halt;
};

static struct score measure(struct stf_block *b, const struct addr *to, struct bytes input)
{
    static uint64_t samples[SAMPLE_CAP];
    struct ee_call_request req = {
        .kind = CALL_PLAIN, .code_addr = *to, .self = *to, .input = input, .value = U256_ZERO
    };
    struct score s = { 0, 0, HALT_NONE };
    size_t n = 0;
    uint64_t start = now_ns();
    do {
        struct sys_mark mark = sys_snapshot(b);
        struct stf_res res = { .gas = GAS, .native = UINT64_MAX };
        uint64_t t = now_ns();
        struct frame_outcome o = frame_run_call(b, &res, &req);
        samples[n++] = now_ns() - t;
        sys_rollback(b, mark);
        s.gas = GAS - res.gas;
        s.halt = o.halt;
    } while (n < SAMPLE_CAP && (now_ns() - start < MIN_RUN_NS || n < 3));
    qsort(samples, n, sizeof(*samples), compare_u64);
    s.ns = samples[n / 2];
    return s;
}

static double run_program(const char *name, const json_t *test, const struct stf_rules *rules)
{
    struct addr to;
    const json_t *tx = json_object_get(test, "transaction");
    const char *to_text = json_string_value(json_object_get(tx, "to"));
    CHECK(to_text && hex_decode_exact(to.b, 20, to_text, strlen(to_text)));
    const json_t *account = json_object_get(json_object_get(test, "pre"), to_text);
    struct world w;
    world_init(&w, &to, parse_hex(json_string_value(json_object_get(account, "code"))));
    struct stf_oracle oracle = { .ctx = &w,
                                 .read_slot = read_slot,
                                 .read_preimage = read_preimage };
    struct stf_block_context ctx = { .chain_id = 1,
                                     .number = 1,
                                     .timestamp = 1,
                                     .native_price = U256_ONE,
                                     .blob_fee = U256_ONE,
                                     .gas_limit = 1000000000,
                                     .pubdata_limit = 1000000000,
                                     .execution_version = STF_EXECUTION_VERSION_V31 };
    struct stf_options options = { 0 };
    struct stf_fault fault;
    struct arena arena;
    double best = 0;
    uint64_t most = 0;
    const json_t *data = json_object_get(tx, "data");
    for (size_t i = 0; i < json_array_size(data); i++) {
        arena_init_growing(&arena, (size_t)16 << 20, (size_t)4 << 30);
        struct stf_block *b =
            stf_block_begin(&arena, rules, &ctx, &oracle, crypto_host(), &options, &fault);
        CHECK(b);
        struct bytes input = parse_hex(json_string_value(json_array_get(data, i)));
        struct score s = measure(b, &to, input);
        double rate = (double)s.gas * 1000.0 / (double)s.ns;
        printf("%-28s input %zu: %12llu gas %10.1f us %8.1f Mgas/s%s\n", name, i,
               (unsigned long long)s.gas, (double)s.ns / 1000.0, rate,
               s.halt == HALT_STOP ? "" : " (does not end with success)");
        if (s.gas > most) {
            most = s.gas;
            best = rate;
        }
        arena_clear(&arena);
    }
    return best;
}

int main(int argc, char **argv)
{
    const struct stf_rules *rules = stf_rules_ethereum_cancun();
    double log_sum = 0;
    int n = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--zksync-os") == 0) {
            rules = stf_rules_zksync_os_v31();
            continue;
        }
        json_error_t e;
        json_t *root = json_load_file(argv[i], 0, &e);
        if (!root) {
            (void)fprintf(stderr, "bench_evm: %s: %s\n", argv[i], e.text);
            return 1;
        }
        const char *name;
        json_t *test;
        json_object_foreach(root, name, test)
        {
            log_sum += log(run_program(name, test, rules));
            n++;
        }
        json_decref(root);
    }
    if (!n) {
        (void)fprintf(stderr, "usage: bench_evm [--zksync-os] FILE.json...\n");
        return 2;
    }
    printf("geometric mean %.1f Mgas/s\n", exp(log_sum / n));
    return 0;
}
