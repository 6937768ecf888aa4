/* tests/bench/stf/bench_stf.c
 *
 *   bench_stf FILE
 *
 * What a transaction costs inside a block, senders known, state in memory: FILE has the runtime code of an ERC-20 token in
 * hexadecimal, its balances in the mapping at storage slot 2 (tests/e2e/contracts/Token.sol). Prints the time of a
 * transfer of coins and of one of tokens, first between accounts that the block has not seen, then between those it has,
 * and the time the end of the block adds to each. Medians over blocks. */
#include "node/crypto/crypto.h"
#include "node/stf/rules.h"
#include "tests/unit/stf/stf_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ACCOUNTS     1000u
#define BLOCKS       25u
#define MIDDLE       12u
#define BALANCE_SLOT 2u
#define TOKEN        0x70cc70ccu

static uint64_t now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static struct addr account(unsigned i)
{
    struct b256 v = b256_of_u64(i), h = keccak256(v.b, 32);
    return b256_low_addr(&h);
}

static struct b256 balance_slot(const struct addr *a)
{
    uint8_t in[64] = { 0 };
    memcpy(in + 12, a->b, 20);
    in[63] = BALANCE_SLOT;
    return keccak256(in, sizeof(in));
}

static void fill_world(struct world *w, struct bytes token_code)
{
    struct addr token = addr_of_u32(TOKEN);
    struct u256 coins = u256_of_u64(UINT64_MAX);
    struct b256 tokens = b256_of_u64(1000000000);
    world_init(w);
    world_set_account(w, &token, 1, &U256_ZERO, token_code);
    for (unsigned i = 0; i < ACCOUNTS; i++) {
        struct addr a = account(i);
        struct b256 slot = balance_slot(&a);
        world_set_account(w, &a, 0, &coins, bytes_of(NULL, 0));
        world_set_slot(w, &token, &slot, &tokens);
    }
}

static struct stf_tx transfer(unsigned i, uint64_t nonce, bool of_tokens, uint8_t data[68])
{
    struct addr to = account((i + 1) % ACCOUNTS);
    struct stf_tx tx = {
        .type = TX_DYNAMIC_FEE,
        .has_chain_id = true,
        .from_is_set = true,
        .from = account(i),
        .to = of_tokens ? addr_of_u32(TOKEN) : to,
        .chain_id = world_context().chain_id,
        .nonce = nonce,
        .gas_limit = 200000,
        .max_fee = u256_of_u64(1000),
        .value = of_tokens ? U256_ZERO : U256_ONE,
    };
    if (of_tokens) {
        static const uint8_t selector[4] = { 0xa9, 0x05, 0x9c, 0xbb };
        memset(data, 0, 68);
        memcpy(data, selector, 4);
        memcpy(data + 16, to.b, 20);
        data[67] = 1;
        tx.data = bytes_of(data, 68);
    }
    return tx;
}

static int compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void print_median(const char *what, uint64_t samples[BLOCKS])
{
    qsort(samples, BLOCKS, sizeof(*samples), compare_u64);
    double median_ns = (double)samples[MIDDLE];
    printf("%-44s %7.2f us\n", what, median_ns / ACCOUNTS / 1000.0);
}

/* One block: everybody pays his neighbour, twice. */
static void run_block(const struct world *w, bool of_tokens, uint64_t out[3])
{
    static uint8_t data[ACCOUNTS][68];
    static struct stf_tx txs[ACCOUNTS];
    struct stf_block_context ctx = world_context();
    struct stf_options options = { 0 };
    struct stf_block_output output;
    struct stf_fault fault;
    struct arena arena;
    ctx.gas_limit = ctx.pubdata_limit = 1000000000000;
    arena_init_growing(&arena, (size_t)64 << 20, (size_t)1 << 30);
    struct stf_block *b = stf_block_begin(&arena, stf_rules_zksync_os_v31(), &ctx, &w->oracle,
                                          crypto_host(), &options, &fault);
    CHECK(b);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < ACCOUNTS; i++)
            txs[i] = transfer(i, round, of_tokens, data[i]);
        uint64_t t = now_ns();
        for (unsigned i = 0; i < ACCOUNTS; i++) {
            struct stf_tx_result r;
            enum stf_verdict v = stf_tx_run(b, &txs[i], &r);
            if (v != STF_INCLUDED || !r.success || r.event_cnt != of_tokens) {
                (void)fprintf(stderr, "bench_stf: transfer %u failed\n", i);
                abort();
            }
        }
        out[round] = now_ns() - t;
    }
    uint64_t t = now_ns();
    CHECK(stf_block_end(b, &output, &fault));
    out[2] = (now_ns() - t) / 2; /* two rounds */
    arena_clear(&arena);
}

static struct bytes read_code(struct world *w, const char *path)
{
    static char text[2 * 24576 + 3];
    FILE *f = fopen(path, "r");
    size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;
    if (f)
        (void)fclose(f);
    text[strcspn(text, "\r\n")] = '\0';
    CHECK(n > 0);
    return world_hex(w, text);
}

int main(int argc, char **argv)
{
    static struct world text, w;
    static uint64_t samples[2][3][BLOCKS];
    if (argc != 2) {
        (void)fprintf(stderr, "usage: bench_stf FILE\n");
        return 2;
    }
    world_init(&text);
    fill_world(&w, read_code(&text, argv[1]));
    for (unsigned n = 0; n < BLOCKS; n++) {
        for (unsigned kind = 0; kind < 2; kind++) {
            uint64_t out[3];
            run_block(&w, kind == 1, out);
            for (unsigned i = 0; i < 3; i++)
                samples[kind][i][n] = out[i];
        }
    }
    print_median("coin transfer, new accounts", samples[0][0]);
    print_median("coin transfer", samples[0][1]);
    print_median("end of the block, a coin transfer", samples[0][2]);
    print_median("ERC-20 transfer, new accounts", samples[1][0]);
    print_median("ERC-20 transfer", samples[1][1]);
    print_median("end of the block, an ERC-20 transfer", samples[1][2]);
    world_clear(&w);
    world_clear(&text);
    return 0;
}
