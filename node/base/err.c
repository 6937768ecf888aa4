/* node/base/err.c */
#include "node/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Formats into msg; a text that does not fit ends in "...". */
static PRINTF_LIKE(2, 0) void format_cut(char msg[ERR_MSG_CAP], const char *fmt, va_list ap)
{
    int n = vsnprintf(msg, ERR_MSG_CAP, fmt, ap);
    if (n < 0)
        msg[0] = '\0';
    else if (n >= ERR_MSG_CAP)
        memcpy(msg + ERR_MSG_CAP - 4, "...", 4);
}

static PRINTF_LIKE(4, 0) bool set_v(struct err *err, enum err_kind kind, int64_t code,
                                    const char *fmt, va_list ap)
{
    if (!err)
        return false;
    char msg[ERR_MSG_CAP]; /* the arguments may point into err->msg */
    format_cut(msg, fmt, ap);
    err->kind = kind;
    err->code = code;
    memcpy(err->msg, msg, strlen(msg) + 1);
    return false;
}

bool err_set(struct err *err, enum err_kind kind, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    bool r = set_v(err, kind, 0, fmt, ap);
    va_end(ap);
    return r;
}

bool err_set_code(struct err *err, enum err_kind kind, int64_t code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    bool r = set_v(err, kind, code, fmt, ap);
    va_end(ap);
    return r;
}

bool err_wrap(struct err *err, const char *fmt, ...)
{
    if (!err)
        return false;
    char context[ERR_MSG_CAP], msg[ERR_MSG_CAP];
    va_list ap;
    va_start(ap, fmt);
    format_cut(context, fmt, ap);
    va_end(ap);
    int n = snprintf(msg, sizeof(msg), "%s: %s", context, err->msg);
    if (n >= ERR_MSG_CAP)
        memcpy(msg + ERR_MSG_CAP - 4, "...", 4);
    memcpy(err->msg, msg, strlen(msg) + 1);
    return false;
}

const char *err_kind_name(enum err_kind kind)
{
    switch (kind) {
    case ERR_NONE:
        return "none";
    case ERR_TRANSIENT:
        return "transient";
    case ERR_REJECTED:
        return "rejected";
    case ERR_INVALID:
        return "invalid";
    case ERR_DIVERGED:
        return "diverged";
    case ERR_LOCAL:
        return "local";
    }
    return "unknown";
}
