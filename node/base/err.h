/* node/base/err.h   (base_host)
 *
 * One error type, carried outwards with context, outermost first. `kind` decides what to do, `msg` is for people;
 * nobody parses msg. Functions return false (or NULL) and fill *err; callers wrap where they pass it on and log
 * where they handle it, once. */
#ifndef GH_BASE_ERR_H
#define GH_BASE_ERR_H

#include "node/base/defs.h"

enum err_kind {
    ERR_NONE = 0,
    ERR_TRANSIENT, /* timeout, 5xx, nonce race: the same call may work later */
    ERR_REJECTED,  /* the peer or the contract said no; `code` has its JSON-RPC code or selector */
    ERR_INVALID,   /* input breaks a rule: asking again cannot help */
    ERR_DIVERGED,  /* our record and the settlement layer disagree: stop submitting */
    ERR_LOCAL,     /* disk, memory, or our own bug */
};
#define ERR_MSG_CAP 512
struct err {
    enum err_kind kind;
    int64_t code;
    char msg[ERR_MSG_CAP]; /* NUL-terminated, possibly cut with "..." */
};

/* Fills *err (NULL allowed) and returns false, so `return err_set(err, ERR_INVALID, "...")`. */
bool err_set(struct err *err, enum err_kind kind, const char *fmt, ...) PRINTF_LIKE(3, 4);
bool err_set_code(struct err *err, enum err_kind kind, int64_t code, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
/* Puts "<context>: " in front of the message. Returns false. */
bool err_wrap(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);
const char *err_kind_name(enum err_kind kind);

#endif
