/* node/rpc/metrics.c */
#include "node/rpc/metrics.h"

#include <stdio.h>
#include <string.h>

#define MAX_METRIC_TEXT (4u << 20)

static const struct {
    const char *name, *type, *help;
} table[] = {
#define METRIC(id, name, type, help) { name, type, help },
#include "node/rpc/metrics.def"
#undef METRIC
};

void metrics_init(struct metrics *m)
{
    m->failed = false;
    for (size_t i = 0; i < METRIC_CNT; i++)
        buf_init(&m->text[i], MAX_METRIC_TEXT);
}

void metrics_clear(struct metrics *m)
{
    for (size_t i = 0; i < METRIC_CNT; i++)
        buf_clear(&m->text[i]);
}

const char *metrics_name(enum metric_id id)
{
    return table[id].name;
}

static void sample(struct metrics *m, enum metric_id id, const char *suffix, const char *labels,
                   const char *more, const char *value)
{
    bool braces = (labels && *labels) || (more && *more);
    const char *comma = labels && *labels && more && *more ? "," : "";
    if (!buf_printf(&m->text[id], "%s%s%s%s%s%s%s %s\n", table[id].name, suffix, braces ? "{" : "",
                    labels ? labels : "", comma, more ? more : "", braces ? "}" : "", value))
        m->failed = true;
}

void metrics_put(struct metrics *m, enum metric_id id, const char *labels, double value)
{
    char text[40];
    snprintf(text, sizeof(text), "%.17g", value);
    sample(m, id, "", labels, NULL, text);
}

void metrics_put_u64(struct metrics *m, enum metric_id id, const char *labels, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
    sample(m, id, "", labels, NULL, text);
}

bool metrics_label(char *text, size_t cap, const char *key, const char *value)
{
    size_t at = strlen(text);
    int n = snprintf(text + at, cap - at, "%s%s=\"", at ? "," : "", key);
    if (n < 0 || (size_t)n >= cap - at)
        return text[at] = 0, false;
    size_t p = at + (size_t)n;
    for (; *value; value++) {
        const char *esc = *value == '\n'   ? "\\n"
                          : *value == '"'  ? "\\\""
                          : *value == '\\' ? "\\\\"
                                           : NULL;
        size_t len = esc ? 2 : 1;
        if (p + len + 2 > cap)
            return text[at] = 0, false;
        memcpy(text + p, esc ? esc : value, len);
        p += len;
    }
    text[p] = '"';
    text[p + 1] = 0;
    return true;
}

void metrics_put_histogram(struct metrics *m, enum metric_id id, const char *labels,
                           const double *bounds, const uint64_t *counts, size_t cnt, double sum)
{
    uint64_t total = 0;
    char le[40], value[40];
    for (size_t i = 0; i <= cnt; i++) {
        total += counts[i];
        if (i < cnt)
            snprintf(le, sizeof(le), "le=\"%g\"", bounds[i]);
        else
            snprintf(le, sizeof(le), "le=\"+Inf\"");
        snprintf(value, sizeof(value), "%llu", (unsigned long long)total);
        sample(m, id, "_bucket", labels, le, value);
    }
    snprintf(value, sizeof(value), "%.17g", sum);
    sample(m, id, "_sum", labels, NULL, value);
    snprintf(value, sizeof(value), "%llu", (unsigned long long)total);
    sample(m, id, "_count", labels, NULL, value);
}

void metrics_write(const struct metrics *m, struct buf *out)
{
    for (size_t i = 0; i < METRIC_CNT; i++) {
        if (m->text[i].len == 0)
            continue;
        buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", table[i].name, table[i].help, table[i].name,
                   table[i].type);
        buf_append(out, m->text[i].p, m->text[i].len);
    }
}
