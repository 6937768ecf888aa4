/* settlement/prover/status.c
 *
 * What operators see of provers. */
#include <inttypes.h>
#include <stdio.h>

#include "settlement/prover/internal.h"

void prover_stats_get(const struct prover *p, struct prover_stats *out)
{
    uint64_t now = clock_wall_ms(p->deps.clock), oldest = 0;
    *out = p->stats;
    out->lease_timeouts = p->fri.timeouts + p->snark.timeouts;
    for (size_t i = 0; i < p->cnt; i++) {
        const struct prover_job *j = &p->jobs[i];
        if (j->snark_from)
            continue;
        if (!oldest)
            oldest = j->sealed_at_ms;
        if (!j->fri_at_ms) {
            out->fri_waiting++;
            out->fri_assigned += leases_is_busy(&p->fri, j->number);
        } else {
            out->snark_waiting++;
            out->snark_assigned += leases_is_busy(&p->snark, j->number);
        }
    }
    out->oldest_ms = oldest && now > oldest ? now - oldest : 0;
}

static void lease_text(const struct prover *p, const struct lease *l, const char *what, char *text,
                       size_t cap)
{
    uint64_t s = (clock_mono_ms(p->deps.clock) - l->since_ms) / 1000;
    if (l->expired)
        snprintf(text, cap, "%s; %s took it %" PRIu64 " s ago and is late", what, l->prover, s);
    else
        snprintf(text, cap, "%s; %s works on it since %" PRIu64 " s", what, l->prover, s);
}

void prover_waits_for(struct prover *p, uint64_t batch, char *text, size_t cap)
{
    const struct prover_job *j = prover_job_find(p, batch);
    char since[28], what[160];
    text[0] = 0;
    if (!j || j->snark_from)
        return;
    clock_format_rfc3339(since, j->fri_at_ms ? j->fri_at_ms : j->sealed_at_ms);
    if (j->fri_at_ms) {
        const struct lease *l = leases_find(&p->snark, batch);
        snprintf(what, sizeof(what), "a proof of its range, since %s", since);
        if (l)
            lease_text(p, l, what, text, cap);
        else
            snprintf(text, cap, "%s; no prover took it", what);
        return;
    }
    const struct lease *l = leases_find(&p->fri, batch);
    snprintf(what, sizeof(what), "a proof, since %s", since);
    if (l)
        lease_text(p, l, what, text, cap);
    else if (!j->witness && p->make_trouble[0])
        snprintf(text, cap, "%s; no witness yet: %.120s", what, p->make_trouble);
    else
        snprintf(text, cap, "%s; %s", what,
                 j->witness ? "no prover took it" : "its witness is being made");
}

bool prover_status_json(struct prover *p, struct buf *out)
{
    struct prover_stats s;
    char waits[256] = "";
    prover_stats_get(p, &s);
    for (size_t i = 0; i < p->cnt && !waits[0]; i++) {
        char text[200];
        prover_waits_for(p, p->jobs[i].number, text, sizeof(text));
        if (text[0])
            snprintf(waits, sizeof(waits), "batch %" PRIu64 " waits for %s", p->jobs[i].number,
                     text);
    }
    buf_printf(out,
               "{\"port\":%u,\"fri_waiting\":%" PRIu64 ",\"fri_assigned\":%" PRIu64
               ",\"snark_waiting\":%" PRIu64 ",\"snark_assigned\":%" PRIu64
               ",\"oldest_ms\":%" PRIu64 ",\"fri_accepted\":%" PRIu64 ",\"snark_accepted\":%" PRIu64
               ",\"refused\":%" PRIu64 ",\"unauthorized\":%" PRIu64 ",\"lease_timeouts\":%" PRIu64
               ",\"witness_bytes\":%" PRIu64 ",\"verification_key\":\"",
               (unsigned)prover_port(p), s.fri_waiting, s.fri_assigned, s.snark_waiting,
               s.snark_assigned, s.oldest_ms, s.fri_accepted, s.snark_accepted, s.refused,
               s.unauthorized, s.lease_timeouts, s.witness_bytes);
    buf_append_hex(out, p->cfg.vk.b, 32);
    buf_append_str(out, "\",\"chain_key\":");
    if (p->key_known) {
        buf_append_str(out, "\"");
        buf_append_hex(out, p->chain_key.b, 32);
        buf_append_str(out, "\"");
    } else {
        buf_append_str(out, "null");
    }
    buf_append_str(out, ",\"waits_for\":");
    buf_append_json_str(out, waits);
    return buf_append_str(out, "}");
}
