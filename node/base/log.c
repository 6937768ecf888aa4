/* node/base/log.c
 *
 * A line is put together in a buffer of its own and leaves in one write under a lock, so lines of
 * different threads never mix. What cannot be written (a full disk, a closed pipe) is dropped: the
 * node does not stop for its log. */
#include "node/base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "node/base/buf.h"
#include "node/base/clock.h"
#include "node/base/hex.h"

#define LOG_LINE_MAX   (4u << 20)
#define LOG_STRING_MAX (64u << 10) /* longer texts are cut with "..." */

static const char *const level_names[] = { "error", "warn", "info", "debug", "trace" };
#define LEVEL_CNT                GH_COUNT(level_names)
#define COMPONENT_NAME(id, name) name,
static const char *const component_names[] = { LOG_COMPONENTS(COMPONENT_NAME) };
_Static_assert(GH_COUNT(component_names) == LOG_COMPONENT_CNT, "a name for every component");

static _Atomic int levels[LOG_COMPONENT_CNT] = {
#define INITIAL_LEVEL(id, name) LOG_INFO,
    LOG_COMPONENTS(INITIAL_LEVEL)
};
static atomic_bool as_json;
static pthread_mutex_t write_lock = PTHREAD_MUTEX_INITIALIZER;

void log_set_level(enum log_component c, enum log_level level)
{
    atomic_store_explicit(&levels[c], (int)level, memory_order_relaxed);
}

void log_configure(enum log_level all, bool json)
{
    for (int c = 0; c < LOG_COMPONENT_CNT; c++)
        log_set_level((enum log_component)c, all);
    atomic_store_explicit(&as_json, json, memory_order_relaxed);
}

bool log_is_on(enum log_component c, enum log_level level)
{
    return (int)level <= atomic_load_explicit(&levels[c], memory_order_relaxed);
}

static int index_of(const char *const *names, size_t n, const char *s, size_t len)
{
    for (size_t i = 0; i < n; i++) {
        if (strlen(names[i]) == len && memcmp(names[i], s, len) == 0)
            return (int)i;
    }
    return -1;
}

/* One item of a level list: "info" (when `general`) or "l1=trace" (when not), into next[]. */
static bool parse_item(int next[LOG_COMPONENT_CNT], const char *s, size_t len, bool general)
{
    const char *eq = memchr(s, '=', len);
    if (!eq) {
        int level = index_of(level_names, LEVEL_CNT, s, len);
        for (int c = 0; general && c < LOG_COMPONENT_CNT; c++)
            next[c] = level;
        return level >= 0;
    }
    size_t name_len = (size_t)(eq - s);
    int c = index_of(component_names, LOG_COMPONENT_CNT, s, name_len);
    int level = index_of(level_names, LEVEL_CNT, eq + 1, len - name_len - 1);
    if (c < 0 || level < 0)
        return false;
    if (!general)
        next[c] = level;
    return true;
}

bool log_parse_levels(const char *spec)
{
    int next[LOG_COMPONENT_CNT];
    for (int c = 0; c < LOG_COMPONENT_CNT; c++)
        next[c] = atomic_load_explicit(&levels[c], memory_order_relaxed);
    /* general items first, so that the order of the list does not matter */
    for (int general = 1; general >= 0; general--) {
        for (const char *s = spec;;) {
            size_t len = strcspn(s, ",");
            if (!parse_item(next, s, len, general != 0))
                return false;
            if (s[len] == '\0')
                break;
            s += len + 1;
        }
    }
    for (int c = 0; c < LOG_COMPONENT_CNT; c++)
        log_set_level((enum log_component)c, (enum log_level)next[c]);
    return true;
}

/* Length of the well-formed UTF-8 sequence at s (n bytes left), 0 if there is none. */
static size_t utf8_len(const uint8_t *s, size_t n)
{
    static const uint32_t least[5] = { 0, 0, 0x80, 0x800, 0x10000 };
    uint32_t cp;
    size_t len;
    if (s[0] < 0x80)
        return 1;
    if (s[0] >= 0xc2 && s[0] < 0xe0)
        len = 2, cp = s[0] & 0x1fu;
    else if (s[0] >= 0xe0 && s[0] < 0xf0)
        len = 3, cp = s[0] & 0x0fu;
    else if (s[0] >= 0xf0 && s[0] < 0xf5)
        len = 4, cp = s[0] & 0x07u;
    else
        return 0;
    if (len > n)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        cp = (cp << 6) | (s[i] & 0x3fu);
    }
    bool bad = cp < least[len] || (cp >= 0xd800 && cp < 0xe000) || cp > 0x10ffff;
    return bad ? 0 : len;
}

/* A JSON string; also the quoted form of text lines, so nothing in a value can forge a line. */
static void append_quoted(struct buf *b, const char *s)
{
    size_t full = strlen(s), n = full < LOG_STRING_MAX ? full : LOG_STRING_MAX;
    const uint8_t *p = (const uint8_t *)s;
    buf_append(b, "\"", 1);
    for (size_t i = 0; i < n;) {
        size_t len = utf8_len(p + i, full - i);
        if (len == 0)
            buf_append_str(b, "\\ufffd");
        else if (p[i] == '"' || p[i] == '\\')
            buf_printf(b, "\\%c", p[i]);
        else if (p[i] == '\n')
            buf_append_str(b, "\\n");
        else if (p[i] < 0x20 || p[i] == 0x7f)
            buf_printf(b, "\\u%04x", p[i]);
        else
            buf_append(b, p + i, len);
        i += len ? len : 1;
    }
    buf_append_str(b, n < full ? "...\"" : "\"");
}

static bool is_plain(const char *s)
{
    size_t n = 0;
    for (; s[n]; n++) {
        if (s[n] <= ' ' || s[n] >= 0x7f || s[n] == '"' || s[n] == '=' || s[n] == '\\' || n >= 256)
            return false;
    }
    return n > 0;
}

static void append_text(struct buf *b, const char *s, bool json)
{
    if (!json && is_plain(s))
        buf_append_str(b, s);
    else
        append_quoted(b, s);
}

static void append_hex(struct buf *b, const void *p, size_t len, bool json)
{
    const char *quote = json ? "\"" : "";
    if (!p) {
        buf_append_str(b, "null");
        return;
    }
    buf_append_str(b, quote);
    buf_append_hex(b, p, len);
    buf_append_str(b, quote);
}

static void append_value(struct buf *b, const struct log_field *f, bool json)
{
    char dec[79];
    switch (f->kind) {
    case LOG_F_U64:
        buf_printf(b, "%" PRIu64, f->v.u);
        break;
    case LOG_F_I64:
        buf_printf(b, "%" PRId64, f->v.i);
        break;
    case LOG_F_STR:
        append_text(b, f->v.s ? f->v.s : "(null)", json);
        break;
    case LOG_F_HASH:
        append_hex(b, f->v.h, 32, json);
        break;
    case LOG_F_ADDR:
        append_hex(b, f->v.a, 20, json);
        break;
    case LOG_F_U256:
        if (!f->v.w) {
            buf_append_str(b, "null");
            break;
        }
        (void)u256_format_dec(dec, f->v.w);
        /* a string in JSON: most readers keep only 53 bits of a number */
        buf_printf(b, json ? "\"%s\"" : "%s", dec);
        break;
    case LOG_F_BOOL:
        buf_append_str(b, f->v.u ? "true" : "false");
        break;
    }
}

static void build_json(struct buf *b, const char *time, enum log_level level, enum log_component c,
                       const char *msg, const struct log_field *f, size_t n)
{
    buf_printf(b, "{\"timestamp\":\"%s\",\"level\":\"%s\",\"target\":\"%s\",\"message\":", time,
               level_names[level], component_names[c]);
    append_quoted(b, msg);
    for (size_t i = 0; i < n; i++) {
        buf_append(b, ",", 1);
        append_quoted(b, f[i].key);
        buf_append(b, ":", 1);
        append_value(b, &f[i], true);
    }
    buf_append(b, "}\n", 2);
}

static void build_text(struct buf *b, const char *time, enum log_level level, enum log_component c,
                       const char *msg, const struct log_field *f, size_t n)
{
    buf_printf(b, "%s %-5s %s: ", time, level_names[level], component_names[c]);
    bool one_line = true;
    for (const char *s = msg; *s; s++)
        one_line = one_line && *s >= ' ' && *s < 0x7f;
    if (one_line)
        buf_append_str(b, msg);
    else
        append_quoted(b, msg);
    for (size_t i = 0; i < n; i++) {
        buf_printf(b, " %s=", f[i].key);
        append_value(b, &f[i], false);
    }
    buf_append(b, "\n", 1);
}

static void write_line(const uint8_t *p, size_t len)
{
    pthread_mutex_lock(&write_lock);
    while (len) {
        ssize_t n = write(STDERR_FILENO, p, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        p += n;
        len -= (size_t)n;
    }
    pthread_mutex_unlock(&write_lock);
}

void log_write(enum log_level level, enum log_component c, const char *msg,
               const struct log_field *f, size_t n)
{
    static const char too_long[] = "log line dropped: out of memory or too long\n";
    int saved_errno = errno;
    char time[28];
    struct buf b;
    buf_init(&b, LOG_LINE_MAX);
    clock_format_rfc3339(time, clock_wall_ms(clock_system()));
    if (atomic_load_explicit(&as_json, memory_order_relaxed))
        build_json(&b, time, level, c, msg, f, n);
    else
        build_text(&b, time, level, c, msg, f, n);
    if (b.failed)
        write_line((const uint8_t *)too_long, sizeof(too_long) - 1);
    else
        write_line(b.p, b.len);
    buf_clear(&b);
    errno = saved_errno;
}
