/* settlement/verification_status.c
 *
 * What operators see of the gate before a commit. */
#include <inttypes.h>
#include <stdio.h>

#include "settlement/verification_internal.h"

size_t verification_count(const struct verification *v, enum answer_state state)
{
    size_t n = 0;
    for (size_t i = 0; i < v->cfg.url_cnt; i++)
        n += v->questions[i].state == state;
    return n;
}

void verification_waits_for(const struct verification *v, uint64_t batch, char *text, size_t cap)
{
    text[0] = 0;
    if (v->cfg.mode == VERIFICATION_NONE || batch <= v->passed)
        return;
    if (batch != v->number)
        snprintf(text, cap, "its verification, after that of batch %" PRIu64, v->passed + 1);
    else if (!v->witness)
        snprintf(text, cap, "its verification; %s",
                 v->trouble[0] ? v->trouble : "its witness is being made");
    else if (v->cfg.mode == VERIFICATION_LOCAL)
        snprintf(text, cap, "its verification");
    else {
        size_t n =
            (size_t)snprintf(text, cap, "%zu of %zu verifiers to confirm it, %zu did",
                             v->cfg.threshold, v->cfg.url_cnt, verification_count(v, ANSWER_EQUAL));
        for (size_t i = 0; i < v->cfg.url_cnt && n < cap; i++)
            if (v->questions[i].trouble[0])
                n += (size_t)snprintf(text + n, cap - n, "; %s: %s", v->questions[i].name,
                                      v->questions[i].trouble);
    }
}

void verification_stats_get(const struct verification *v, struct verification_stats *out)
{
    *out = v->stats;
}

bool verification_status_json(const struct verification *v, struct buf *out)
{
    static const char *const modes[] = { "none", "local", "remote" };
    char text[256];
    verification_waits_for(v, v->number ? v->number : v->passed + 1, text, sizeof(text));
    buf_printf(out,
               "{\"mode\":\"%s\",\"threshold\":%zu,\"verified_to\":%" PRIu64
               ",\"verified\":%" PRIu64 ",\"mismatches\":%" PRIu64 ",\"failures\":%" PRIu64
               ",\"last\":{\"batch\":%" PRIu64 ",\"witness_bytes\":%" PRIu64
               ",\"witness_ms\":%" PRIu64 ",\"ms\":%" PRIu64 "},\"waits_for\":",
               modes[v->cfg.mode], v->cfg.mode == VERIFICATION_REMOTE ? v->cfg.threshold : 1,
               v->passed, v->stats.verified, v->stats.mismatches, v->stats.failures,
               v->stats.last_batch, v->stats.last_witness_bytes, v->stats.last_witness_ms,
               v->stats.last_took_ms);
    buf_append_json_str(out, v->number ? text : "");
    buf_append_str(out, ",\"verifiers\":[");
    for (size_t i = 0; i < v->cfg.url_cnt; i++) {
        static const char *const states[] = { "not asked", "asked", "equal", "differs",
                                              "witness too large" };
        const struct question *q = &v->questions[i];
        buf_append_str(out, i ? ",{\"name\":" : "{\"name\":");
        buf_append_json_str(out, q->name);
        buf_printf(out, ",\"state\":\"%s\",\"trouble\":", states[q->state]);
        buf_append_json_str(out, q->trouble);
        buf_append_str(out, "}");
    }
    return buf_append_str(out, "]}");
}
