/* node/net/rpc_reply.h
 *
 * Taking JSON-RPC 2.0 replies apart. Total: any bytes give answers or an error. */
#ifndef GH_NET_RPC_REPLY_H
#define GH_NET_RPC_REPLY_H

#include <jansson.h>

#include "node/base/buf.h"
#include "node/base/err.h"

struct rpc_answer {
    bool has_id; /* false: null or missing, as in errors about the whole POST */
    uint64_t id;
    bool is_error;
    const json_t *result;     /* when !is_error; borrowed from the document */
    int64_t code;             /* when is_error */
    const char *message;      /* "" when missing */
    const json_t *error_data; /* may be NULL */
};

/* The document (owned by the caller) and how many answers it holds; *is_array tells a batch from a single reply.
 * ERR_INVALID: not JSON, or neither object nor array. */
MUST_USE json_t *rpc_reply_parse(struct bytes body, bool *is_array, size_t *cnt, struct err *err);
/* i < cnt. ERR_INVALID: not a JSON-RPC reply object. */
MUST_USE bool rpc_reply_answer(const json_t *doc, bool is_array, size_t i, struct rpc_answer *out,
                               struct err *err);
/* The bytes a contract reverted with, as the various nodes put them: "0x..", "Reverted 0x..", {"data": "0x.."}.
 * false: none there. Appends to out. */
MUST_USE bool rpc_revert_data(const struct rpc_answer *a, struct buf *out);
/* The node (or a gateway before it) asks to slow down: codes and texts of the usual providers. */
bool rpc_is_rate_limit(const struct rpc_answer *a);
/* Case-insensitive "haystack contains needle". */
bool rpc_text_has(const char *haystack, const char *needle);

#endif
