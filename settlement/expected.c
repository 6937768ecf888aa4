/* settlement/expected.c
 *
 * The batches we met on the layer before we sealed them: after a lost journal, all of them. */
#include <stdlib.h>
#include <string.h>

#include "settlement/internal.h"

struct expected_batch *expected_first(const struct expected_list *l)
{
    return l->cnt ? &l->items[l->head] : NULL;
}

struct expected_batch *expected_last(const struct expected_list *l)
{
    return l->cnt ? &l->items[l->head + l->cnt - 1] : NULL;
}

/* Index of the first entry with at least that number. */
static size_t lower_bound(const struct expected_list *l, uint64_t number)
{
    size_t lo = l->head, hi = l->head + l->cnt;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (l->items[mid].number < number)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

struct expected_batch *expected_find(const struct expected_list *l, uint64_t number)
{
    size_t i = lower_bound(l, number);
    return i < l->head + l->cnt && l->items[i].number == number ? &l->items[i] : NULL;
}

/* Room for one more behind the last. */
static bool reserve(struct expected_list *l)
{
    if (l->head + l->cnt < l->cap)
        return true;
    if (l->head > l->cap / 2) {
        memmove(&l->items[0], &l->items[l->head], l->cnt * sizeof(l->items[0]));
        l->head = 0;
        return true;
    }
    size_t cap = l->cap ? l->cap * 2 : 16;
    struct expected_batch *grown = realloc(l->items, cap * sizeof(*grown));
    if (!grown)
        return false;
    l->items = grown;
    l->cap = cap;
    return true;
}

bool expected_put(struct expected_list *l, const struct expected_batch *b)
{
    struct expected_batch *same = expected_find(l, b->number);
    if (same) {
        *same = *b;
        return true;
    }
    if (!reserve(l))
        return false;
    size_t i = lower_bound(l, b->number);
    memmove(&l->items[i + 1], &l->items[i], (l->head + l->cnt - i) * sizeof(*b));
    l->items[i] = *b;
    l->cnt++;
    return true;
}

void expected_pop_first(struct expected_list *l)
{
    CHECK(l->cnt > 0);
    l->head++;
    if (--l->cnt == 0)
        l->head = 0;
}

void expected_pop_last(struct expected_list *l)
{
    CHECK(l->cnt > 0);
    if (--l->cnt == 0)
        l->head = 0;
}
