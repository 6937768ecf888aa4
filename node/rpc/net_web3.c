/* node/rpc/net_web3.c
 *
 * net_ and web3_. */
#include <stdio.h>

#include "node/base/hash.h"
#include "node/rpc/encode.h"
#include "node/rpc/handlers.h"
#include "node/rpc/params.h"

/* Decimal, as most clients parse it. */
bool rpc_net_version(struct rpc_call *c)
{
    struct u256 id = u256_of_u64(c->r->d.cfg->genesis.chain_id);
    char text[79];
    u256_format_dec(text, &id);
    js_text(c->out, text);
    return true;
}

/* SDKs look for the prefix to learn which VM they talk to. */
bool rpc_web3_client_version(struct rpc_call *c)
{
    char text[96];
    snprintf(text, sizeof(text), "zksync-os/v%s-gatehouse", c->r->version);
    js_text(c->out, text);
    return true;
}

bool rpc_web3_sha3(struct rpc_call *c)
{
    struct bytes data;
    if (!param_bytes(c, 0, "data", &data))
        return false;
    struct b256 h = keccak256(data.p, data.len);
    js_hex(c->out, h.b, 32);
    return true;
}
