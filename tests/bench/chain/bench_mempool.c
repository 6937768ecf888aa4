/* tests/bench/chain/bench_mempool.c
 *
 * Microseconds per transaction that comes into a pool with room, and into a full one where it drops the worst. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "node/chain/mempool.h"

#define SENDERS 60000u /* one transaction each: what the pool holds by default */
#define MORE    2000u

static uint64_t read_now(void *ctx)
{
    (void)ctx;
    return 1;
}
static const struct clock frozen = { .wall_ms = read_now, .mono_ms = read_now };

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static bool put(struct mempool *pool, uint32_t who, uint64_t tip)
{
    static uint8_t envelope[110];
    struct stf_tx tx = { .type = TX_DYNAMIC_FEE,
                         .has_chain_id = true,
                         .from_is_set = true,
                         .chain_id = 1,
                         .gas_limit = 21000,
                         .r = U256_ONE,
                         .s = U256_ONE,
                         .max_fee = u256_of_u64(1000000),
                         .max_priority_fee = u256_of_u64(tip),
                         .envelope = bytes_of(envelope, sizeof(envelope)) };
    tx.from = addr_of_u32(who);
    memcpy(tx.hash.b, &who, sizeof(who));
    struct mempool_admission adm = { .chain_id = 1,
                                     .block_gas_limit = 30000000,
                                     .base_fee = u256_of_u64(7),
                                     .minimal_base_fee = U256_ONE,
                                     .account_balance = u256_of_u64(UINT64_MAX) };
    struct mempool_refusal why;
    bool ok = mempool_insert(pool, &tx, &adm, &why);
    if (!ok)
        fprintf(stderr, "refused: %s\n", why.message);
    return ok;
}

int main(void)
{
    struct mempool_config cfg;
    mempool_config_default(&cfg);
    struct mempool *pool = mempool_create(&cfg, &frozen);
    if (!pool)
        return 1;
    double start = now_us();
    for (uint32_t i = 0; i < SENDERS; i++)
        if (!put(pool, i + 1, 1 + i % 997))
            return 1;
    double full = now_us();
    for (uint32_t i = 0; i < MORE; i++)
        if (!put(pool, SENDERS + i + 1, 2000))
            return 1;
    double end = now_us();
    printf("with room                    %8.2f us\nfull, %u senders          %8.2f us\n",
           (full - start) / SENDERS, SENDERS, (end - full) / MORE);
    mempool_destroy(pool);
    return 0;
}
