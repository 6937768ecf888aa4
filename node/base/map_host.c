/* node/base/map_host.c: malloc and a secret seed for the map. */
#include <stdlib.h>
#include <sys/random.h>

#include "node/base/map.h"

static void *host_alloc(void *ctx, size_t n)
{
    (void)ctx;
    return malloc(n);
}

static void host_release(void *ctx, void *p, size_t n)
{
    (void)ctx;
    (void)n;
    free(p);
}

void map_init_host(struct map *m, size_t key_len, size_t val_len)
{
    uint64_t seed = 0;
    /* a request this small is neither cut nor interrupted once the kernel's pool is ready */
    CHECK(getrandom(&seed, sizeof(seed), 0) == (ssize_t)sizeof(seed));
    map_init(m, key_len, val_len, seed, host_alloc, host_release, NULL);
}
