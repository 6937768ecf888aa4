/* settlement/prover/leases.c */
#include "settlement/prover/leases.h"

#include <stdio.h>
#include <string.h>

void leases_init(struct leases *l, uint64_t timeout_ms)
{
    memset(l, 0, sizeof(*l));
    l->timeout_ms = timeout_ms;
}

void leases_expire(struct leases *l, uint64_t now_ms)
{
    for (size_t i = 0; i < l->cnt; i++) {
        struct lease *e = &l->items[i];
        if (e->expired || now_ms - e->since_ms < l->timeout_ms)
            continue;
        e->expired = true;
        l->timeouts++;
    }
}

const struct lease *leases_find(const struct leases *l, uint64_t batch)
{
    for (size_t i = 0; i < l->cnt && l->items[i].from <= batch; i++)
        if (batch <= l->items[i].to)
            return &l->items[i];
    return NULL;
}

bool leases_is_busy(const struct leases *l, uint64_t batch)
{
    const struct lease *e = leases_find(l, batch);
    return e && !e->expired;
}

static void remove_at(struct leases *l, size_t i)
{
    l->cnt--;
    memmove(&l->items[i], &l->items[i + 1], (l->cnt - i) * sizeof(l->items[0]));
}

static bool overlaps(const struct lease *e, uint64_t from, uint64_t to)
{
    return e->from <= to && from <= e->to;
}

bool leases_take(struct leases *l, uint64_t from, uint64_t to, const char *prover, uint64_t now_ms)
{
    for (size_t i = 0; i < l->cnt; i++)
        if (overlaps(&l->items[i], from, to) && !l->items[i].expired)
            return false;
    leases_drop(l, from, to);
    if (l->cnt == LEASES_MAX)
        return false;
    size_t i = 0;
    while (i < l->cnt && l->items[i].from < from)
        i++;
    memmove(&l->items[i + 1], &l->items[i], (l->cnt - i) * sizeof(l->items[0]));
    l->items[i] = (struct lease){ .from = from, .to = to, .since_ms = now_ms };
    snprintf(l->items[i].prover, sizeof(l->items[i].prover), "%s", prover);
    l->cnt++;
    l->taken++;
    return true;
}

void leases_drop(struct leases *l, uint64_t from, uint64_t to)
{
    for (size_t i = l->cnt; i-- > 0;)
        if (overlaps(&l->items[i], from, to))
            remove_at(l, i);
}
