/* node/config_value.c
 *
 * Texts to values: numbers with units, durations, sizes, amounts, secrets. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/base/file.h"
#include "node/base/hex.h"
#include "node/config_internal.h"

#define MAX_KEY_FILE 4096

static void *place(struct config *c, const struct config_key *k)
{
    return (uint8_t *)c + k->offset;
}

static bool parse_u64(uint64_t *out, const char *s, size_t len)
{
    struct u256 v;
    bool ok = len > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X')
                  ? hex_parse_quantity(&v, s, len, true)
                  : u256_parse_dec(&v, s, len);
    if (!ok || !u256_fits_u64(&v))
        return false;
    *out = v.w[0];
    return true;
}

struct unit {
    const char *name;
    uint64_t factor;
};
static const struct unit durations[] = { { "ms", 1 },      { "s", 1000 },     { "m", 60000 },
                                         { "h", 3600000 }, { "d", 86400000 }, { NULL, 0 } };
static const struct unit sizes[] = { { "", 1 },
                                     { "B", 1 },
                                     { "KB", 1000 },
                                     { "MB", 1000000 },
                                     { "GB", 1000000000 },
                                     { "KiB", 1024 },
                                     { "MiB", 1048576 },
                                     { "GiB", 1073741824 },
                                     { NULL, 0 } };

static bool parse_with_unit(uint64_t *out, const char *s, const struct unit *units)
{
    size_t digits = strspn(s, "0123456789");
    const char *unit = s + digits + strspn(s + digits, " ");
    uint64_t n = 0;
    if (digits == 0 || !parse_u64(&n, s, digits))
        return false;
    for (; units->name; units++)
        if (strcmp(units->name, unit) == 0)
            return !__builtin_mul_overflow(n, units->factor, out);
    return false;
}

bool config_parse_duration(uint64_t *ms, const char *s)
{
    return parse_with_unit(ms, s, durations);
}

/* "2 gwei", "0x1f", "1000", "0.5 ether" */
bool config_parse_wei(struct u256 *out, const char *s)
{
    size_t num = strcspn(s, " ");
    const char *unit = s + num + strspn(s + num, " ");
    unsigned decimals = strcmp(unit, "gwei") == 0 ? 9 : strcmp(unit, "ether") == 0 ? 18 : 0;
    if (decimals == 0 && *unit && strcmp(unit, "wei") != 0)
        return false;
    if (num > 2 && s[0] == '0' && s[1] == 'x')
        return decimals == 0 && hex_parse_quantity(out, s, num, true);
    const char *dot = memchr(s, '.', num);
    size_t whole = dot ? (size_t)(dot - s) : num, frac = dot ? num - whole - 1 : 0;
    char digits[160];
    if (whole == 0 || (dot && frac == 0) || frac > decimals || whole + decimals >= sizeof(digits))
        return false;
    memcpy(digits, s, whole);
    if (frac)
        memcpy(digits + whole, dot + 1, frac);
    memset(digits + whole + frac, '0', decimals - frac);
    return u256_parse_dec(out, digits, whole + decimals);
}

static bool set_text(char *out, const char *value, struct err *err)
{
    size_t len = strlen(value);
    if (len >= CONFIG_TEXT_CAP)
        return err_set(err, ERR_INVALID, "is longer than %d characters", CONFIG_TEXT_CAP - 1);
    memcpy(out, value, len + 1);
    return true;
}

static size_t *url_cnt(struct config *c, const struct config_key *k)
{
    return (size_t *)(void *)((uint8_t *)c + k->flag_offset);
}

void config_urls_clear(struct config *c, const struct config_key *k)
{
    *url_cnt(c, k) = 0;
}

static bool add_urls(struct config *c, const struct config_key *k, const char *value,
                     struct err *err)
{
    char(*urls)[CONFIG_TEXT_CAP] = place(c, k);
    size_t *cnt = url_cnt(c, k);
    while (*value) {
        size_t len = strcspn(value, ", ");
        if (len > 0) {
            if (*cnt == CONFIG_MAX_URLS || len >= CONFIG_TEXT_CAP)
                return err_set(err, ERR_INVALID, "takes at most %d URLs of %d characters",
                               CONFIG_MAX_URLS, CONFIG_TEXT_CAP - 1);
            if (strncmp(value, "http://", 7) != 0 && strncmp(value, "https://", 8) != 0)
                return err_set(err, ERR_INVALID, "is not an http:// or https:// URL");
            char *out = urls[(*cnt)++];
            memcpy(out, value, len);
            out[len] = 0;
        }
        value += len + strspn(value + len, ", ");
    }
    return true;
}

/* inline hex; "file:PATH" names a file with it. The text is never repeated in an error. */
static bool set_secret(struct config_secret *out, const char *value, struct err *err)
{
    uint8_t *data = NULL;
    size_t len = strlen(value);
    const char *text = value;
    if (strncmp(value, "file:", 5) == 0) {
        if (!file_read(&data, &len, value + 5, MAX_KEY_FILE, err))
            return false;
        text = (const char *)data;
        while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r' || text[len - 1] == ' '))
            len--;
    }
    out->set = hex_decode_exact(out->key, 32, text, len);
    if (data) {
        explicit_bzero(data, len);
        free(data);
    }
    return out->set || err_set(err, ERR_INVALID, "is not a private key of 32 bytes in hexadecimal");
}

static bool set_number(struct config *c, const struct config_key *k, const char *value,
                       struct err *err)
{
    uint64_t n = 0;
    bool ok = k->type == CFG_DURATION ? parse_with_unit(&n, value, durations)
              : k->type == CFG_SIZE   ? parse_with_unit(&n, value, sizes)
                                      : parse_u64(&n, value, strlen(value));
    if (!ok)
        return err_set(err, ERR_INVALID,
                       k->type == CFG_DURATION ? "is not a duration such as 250ms, 5s, 10m"
                       : k->type == CFG_SIZE   ? "is not a size such as 15MB"
                                               : "is not a whole number");
    if (n < k->min || n > k->max)
        return err_set(err, ERR_INVALID, "must be from %" PRIu64 " to %" PRIu64, k->min, k->max);
    *(uint64_t *)place(c, k) = n;
    return true;
}

static bool set_double(struct config *c, const struct config_key *k, const char *value,
                       struct err *err)
{
    char *end = NULL;
    errno = 0;
    double d = strtod(value, &end);
    if (errno || end == value || *end || !isfinite(d) || d < (double)k->min || d > (double)k->max)
        return err_set(err, ERR_INVALID, "must be a number from %" PRIu64 " to %" PRIu64, k->min,
                       k->max);
    *(double *)place(c, k) = d;
    return true;
}

static bool set_enum(struct config *c, const struct config_key *k, const char *value,
                     struct err *err)
{
    char all[128] = "";
    for (int i = 0; k->names[i]; i++) {
        if (strcasecmp(k->names[i], value) == 0) {
            *(int *)place(c, k) = i;
            return true;
        }
        size_t len = strlen(all);
        snprintf(all + len, sizeof(all) - len, "%s%s", i ? ", " : "", k->names[i]);
    }
    return err_set(err, ERR_INVALID, "must be one of %s", all);
}

bool config_value_set(struct config *c, const struct config_key *k, const char *value,
                      struct err *err)
{
    switch (k->type) {
    case CFG_TEXT:
        if (k->min && !*value)
            return err_set(err, ERR_INVALID, "must not be empty");
        return set_text(place(c, k), value, err);
    case CFG_URLS:
        return add_urls(c, k, value, err);
    case CFG_U64:
    case CFG_DURATION:
    case CFG_SIZE:
        return set_number(c, k, value, err);
    case CFG_F64:
        return set_double(c, k, value, err);
    case CFG_BOOL:
        if (strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
            return err_set(err, ERR_INVALID, "must be true or false");
        *(bool *)place(c, k) = value[0] == 't';
        return true;
    case CFG_ADDR:
        if (!hex_decode_exact(place(c, k), 20, value, strlen(value)))
            return err_set(err, ERR_INVALID, "is not an address of 20 bytes in hexadecimal");
        return true;
    case CFG_WEI:
    case CFG_OPT_WEI:
        if (!config_parse_wei(place(c, k), value))
            return err_set(err, ERR_INVALID, "is not an amount such as 1000, 0x3e8, 2 gwei");
        if (k->type == CFG_OPT_WEI)
            *((bool *)(void *)((uint8_t *)c + k->flag_offset)) = true;
        return true;
    case CFG_SECRET:
        return set_secret(place(c, k), value, err);
    case CFG_ENUM:
        return set_enum(c, k, value, err);
    }
    return false;
}

/* ---- printing ---- */

static const void *cplace(const struct config *c, const struct config_key *k)
{
    return (const uint8_t *)c + k->offset;
}

static void print_duration(struct buf *out, uint64_t ms)
{
    if (ms % 1000 == 0)
        buf_printf(out, "%" PRIu64 "s", ms / 1000);
    else
        buf_printf(out, "%" PRIu64 "ms", ms);
}

static void print_wei(struct buf *out, const struct u256 *v)
{
    char text[79];
    u256_format_dec(text, v);
    buf_printf(out, "\"%s\"", text);
}

/* A double-quoted YAML scalar that reads back as the same bytes. */
static void print_text(struct buf *out, const char *s)
{
    buf_append_str(out, "\"");
    for (; *s; s++) {
        unsigned char ch = (unsigned char)*s;
        if (ch == '"' || ch == '\\')
            buf_printf(out, "\\%c", ch);
        else if (ch < 0x20 || ch == 0x7f)
            buf_printf(out, "\\x%02X", (unsigned)ch);
        else
            buf_append(out, s, 1);
    }
    buf_append_str(out, "\"");
}

/* a URL may carry an API key: only scheme and host are shown */
static void print_urls(struct buf *out, const char *first, size_t cnt)
{
    for (size_t i = 0; i < cnt; i++) {
        const char *url = first + i * CONFIG_TEXT_CAP;
        size_t scheme = strcspn(url, "/") + 2, host = strcspn(url + scheme, "/?");
        const char *at = memchr(url + scheme, '@', host);
        buf_printf(out, "%s%.*s%s%.*s%s", i ? "," : "\"", (int)scheme, url, at ? "***@" : "",
                   at ? (int)(host - (size_t)(at + 1 - (url + scheme))) : (int)host,
                   at ? at + 1 : url + scheme, url[scheme + host] ? "/***" : "");
    }
    buf_append_str(out, cnt ? "\"" : "\"\"");
}

void config_value_print(struct buf *out, const struct config *c, const struct config_key *k)
{
    switch (k->type) {
    case CFG_TEXT:
        print_text(out, cplace(c, k));
        return;
    case CFG_URLS:
        print_urls(out, cplace(c, k),
                   *(const size_t *)(const void *)((const uint8_t *)c + k->flag_offset));
        return;
    case CFG_U64:
    case CFG_SIZE:
        buf_printf(out, "%" PRIu64, *(const uint64_t *)cplace(c, k));
        return;
    case CFG_DURATION:
        print_duration(out, *(const uint64_t *)cplace(c, k));
        return;
    case CFG_F64:
        buf_printf(out, "%.12g", *(const double *)cplace(c, k));
        return;
    case CFG_BOOL:
        buf_append_str(out, *(const bool *)cplace(c, k) ? "true" : "false");
        return;
    case CFG_ADDR:
        buf_append_str(out, "\"");
        buf_append_hex(out, cplace(c, k), 20);
        buf_append_str(out, "\"");
        return;
    case CFG_WEI:
        print_wei(out, cplace(c, k));
        return;
    case CFG_OPT_WEI:
        if (*((const bool *)(const void *)((const uint8_t *)c + k->flag_offset)))
            print_wei(out, cplace(c, k));
        else
            buf_append_str(out, "~");
        return;
    case CFG_SECRET:
        buf_append_str(out, ((const struct config_secret *)cplace(c, k))->set ? "\"***\"" : "~");
        return;
    case CFG_ENUM:
        buf_append_str(out, k->names[*(const int *)cplace(c, k)]);
        return;
    }
}
