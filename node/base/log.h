/* node/base/log.h   (base_host)
 *
 * Structured log lines on stderr: constant message, values as fields; text or JSON from the same call.
 *   log_info(LOG_SETTLEMENT, "batch committed", LOG_U64("batch", n), LOG_HASH("tx", &h));
 * Levels by what the reader must do: error = someone must act; warn = unusual, the node copes; info = one line per
 * batch or lifecycle step; debug; trace = RPC bodies. Thread-safe: a line is one write. Secrets are never fields. */
#ifndef GH_BASE_LOG_H
#define GH_BASE_LOG_H

#include "node/base/bytes.h"
#include "node/base/u256.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG, LOG_TRACE };
#define LOG_COMPONENTS(X)                                                                          \
    X(LOG_NODE, "node")                                                                            \
    X(LOG_STORE, "store")                                                                          \
    X(LOG_NET, "net")                                                                              \
    X(LOG_SENDER, "sender")                                                                        \
    X(LOG_L1, "l1")                                                                                \
    X(LOG_SETTLEMENT, "settlement")                                                                \
    X(LOG_INTEROP, "interop")                                                                      \
    X(LOG_STATE, "state")                                                                          \
    X(LOG_CHAIN, "chain")                                                                          \
    X(LOG_MEMPOOL, "mempool")                                                                      \
    X(LOG_RPC, "rpc")
#define LOG_COMPONENT_ENUM(id, name) id,
enum log_component { LOG_COMPONENTS(LOG_COMPONENT_ENUM) LOG_COMPONENT_CNT };

enum log_field_kind {
    LOG_F_U64,
    LOG_F_I64,
    LOG_F_STR,
    LOG_F_HASH,
    LOG_F_ADDR,
    LOG_F_U256,
    LOG_F_BOOL
};
struct log_field {
    const char *key;
    enum log_field_kind kind;
    union {
        uint64_t u;
        int64_t i;
        const char *s;
        const struct b256 *h;
        const struct addr *a;
        const struct u256 *w;
    } v;
};
#define LOG_U64(k, x)  ((struct log_field){ (k), LOG_F_U64, { .u = (uint64_t)(x) } })
#define LOG_I64(k, x)  ((struct log_field){ (k), LOG_F_I64, { .i = (int64_t)(x) } })
#define LOG_STR(k, x)  ((struct log_field){ (k), LOG_F_STR, { .s = (x) } })
#define LOG_HASH(k, x) ((struct log_field){ (k), LOG_F_HASH, { .h = (x) } })
#define LOG_ADDR(k, x) ((struct log_field){ (k), LOG_F_ADDR, { .a = (x) } })
#define LOG_WEI(k, x)  ((struct log_field){ (k), LOG_F_U256, { .w = (x) } })
#define LOG_BOOL(k, x) ((struct log_field){ (k), LOG_F_BOOL, { .u = (x) ? 1 : 0 } })

void log_configure(enum log_level all, bool json);
void log_set_level(enum log_component c, enum log_level level);
/* "info" or "settlement=debug,l1=trace" on top of the general level; false names nothing changed */
MUST_USE bool log_parse_levels(const char *spec);
bool log_is_on(enum log_component c, enum log_level level);
void log_write(enum log_level level, enum log_component c, const char *msg,
               const struct log_field *f, size_t n);

#define LOG_AT(level, c, ...) LOG_AT_(level, c, __VA_ARGS__, { 0 })
#define LOG_AT_(level, c, msg, ...)                                                                \
    do {                                                                                           \
        if (log_is_on((c), (level))) {                                                             \
            const struct log_field lf_[] = { __VA_ARGS__ };                                        \
            log_write((level), (c), (msg), lf_, GH_COUNT(lf_) - 1);                                \
        }                                                                                          \
    } while (0)
#define log_error(c, ...) LOG_AT(LOG_ERROR, c, __VA_ARGS__)
#define log_warn(c, ...)  LOG_AT(LOG_WARN, c, __VA_ARGS__)
#define log_info(c, ...)  LOG_AT(LOG_INFO, c, __VA_ARGS__)
#define log_debug(c, ...) LOG_AT(LOG_DEBUG, c, __VA_ARGS__)
#define log_trace(c, ...) LOG_AT(LOG_TRACE, c, __VA_ARGS__)

#endif
