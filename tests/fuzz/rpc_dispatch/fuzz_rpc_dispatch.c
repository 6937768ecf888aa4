/* tests/fuzz/rpc_dispatch/fuzz_rpc_dispatch.c
 *
 * Any bytes as a request body, on an RPC without a chain: the scanner, the envelope, ids, batches, and the methods that need
 * no chain. The answer is nothing (notifications) or one JSON document that jansson takes, within its limit; and the
 * scanner agrees with jansson about what is JSON. The memory budget is whole again afterwards. */
#include <jansson.h>
#include <stdlib.h>

#include "node/rpc/json_scan.h"
#include "node/rpc/rpc_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct config cfg;

static struct rpc *the_rpc(void)
{
    static struct rpc *r;
    struct err err;
    if (r)
        return r;
    config_defaults(&cfg);
    cfg.genesis.chain_id = 270;
    cfg.rpc.max_response_size = 4096;
    cfg.rpc.max_batch_size = 20;
    struct rpc_deps d = { .clock = clock_system(), .cfg = &cfg, .version = "0.0.0" };
    r = rpc_create(&d, &err);
    CHECK(r != NULL);
    return r;
}

/* Where the two may differ: jansson limits its own depth, refuses integers beyond 64 bits, floats beyond a double, NUL
 * characters and lone surrogates; the scanner leaves those to it. A NUL byte ends the text for jansson. */
static void check_agreement(const uint8_t *data, size_t len)
{
    if (memchr(data, 0, len) ||
        json_check(bytes_of(data, len), JSON_MAX_DEPTH, NULL) != JSON_MALFORMED)
        return;
    json_t *v = json_loadb((const char *)data, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    CHECK(v == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct rpc *r = the_rpc();
    struct buf out;
    buf_init(&out, 1u << 20);
    rpc_dispatch(r, bytes_of(data, len), &out);
    CHECK(!out.failed);
    if (out.len) {
        size_t tree;
        CHECK(json_check(bytes_of(out.p, out.len), JSON_MAX_DEPTH, &tree) == JSON_OK);
        CHECK(out.p[0] == '{' || out.p[0] == '[');
    }
    CHECK(atomic_load(&r->memory) == 0);
    buf_clear(&out);
    check_agreement(data, len);
    return 0;
}
