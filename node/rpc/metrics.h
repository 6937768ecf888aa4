/* node/rpc/metrics.h
 *
 * Figures for Prometheus. One table (metrics.def) names every metric, its type and help; values are gathered when a scrape
 * asks, so no component pays for being measured. Samples are kept per metric and written grouped, as the text format wants.
 *
 * A `struct metrics` lives for one scrape and belongs to one thread. */
#ifndef GH_RPC_METRICS_H
#define GH_RPC_METRICS_H

#include "node/base/buf.h"

enum metric_id {
#define METRIC(id, name, type, help) METRIC_##id,
#include "node/rpc/metrics.def"
#undef METRIC
    METRIC_CNT
};

struct metrics {
    struct buf text[METRIC_CNT]; /* sample lines of each */
    bool failed;
};

void metrics_init(struct metrics *m);
void metrics_clear(struct metrics *m);
/* labels: `command="commit"` without braces, NULL for none; values in it are escaped by the caller (metrics_label). */
void metrics_put(struct metrics *m, enum metric_id id, const char *labels, double value);
void metrics_put_u64(struct metrics *m, enum metric_id id, const char *labels, uint64_t value);
/* key="value" with the value escaped; a second call on the same text adds a comma. cut is false. */
bool metrics_label(char *text, size_t cap, const char *key, const char *value);
/* A histogram from bounds (ascending, cnt of them) and cnt + 1 counts, not accumulated; the last one is beyond all bounds. */
void metrics_put_histogram(struct metrics *m, enum metric_id id, const char *labels,
                           const double *bounds, const uint64_t *counts, size_t cnt, double sum);
/* HELP, TYPE and samples of every metric that has one. */
void metrics_write(const struct metrics *m, struct buf *out);
const char *metrics_name(enum metric_id id);

#endif
