/* node/chain/tails.c */
#include "node/chain/tails.h"

#include <stdlib.h>

static bool is_worse(const struct tail *x, const struct tail *y)
{
    int c = u256_cmp(&x->tip, &y->tip);
    return c != 0 ? c < 0 : x->sequence > y->sequence;
}

static void set_at(struct tails *h, size_t i, struct tail *t)
{
    h->items[i] = t;
    t->place = i + 1;
}

/* Moves the one at i up or down until both neighbours are right. */
static void sift(struct tails *h, size_t i)
{
    struct tail *t = h->items[i];
    while (i > 0 && is_worse(t, h->items[(i - 1) / 2])) {
        set_at(h, i, h->items[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    for (size_t child; (child = 2 * i + 1) < h->cnt; i = child) {
        if (child + 1 < h->cnt && is_worse(h->items[child + 1], h->items[child]))
            child++;
        if (!is_worse(h->items[child], t))
            break;
        set_at(h, i, h->items[child]);
    }
    set_at(h, i, t);
}

bool tails_set(struct tails *h, struct tail *t, const struct u256 *tip, uint64_t sequence)
{
    if (t->place == 0) {
        if (h->cnt == h->cap) {
            size_t cap = h->cap ? h->cap * 2 : 1024;
            struct tail **grown = realloc(h->items, cap * sizeof(struct tail *));
            if (!grown)
                return false;
            h->items = grown;
            h->cap = cap;
        }
        set_at(h, h->cnt++, t);
    }
    t->tip = *tip;
    t->sequence = sequence;
    sift(h, t->place - 1);
    return true;
}

void tails_remove(struct tails *h, struct tail *t)
{
    if (t->place == 0)
        return;
    size_t i = t->place - 1;
    struct tail *last = h->items[--h->cnt];
    t->place = 0;
    if (last == t)
        return;
    set_at(h, i, last);
    sift(h, i);
}

struct tail *tails_worst(const struct tails *h, const struct tail *except)
{
    if (h->cnt == 0 || h->items[0] != except)
        return h->cnt == 0 ? NULL : h->items[0];
    if (h->cnt == 1)
        return NULL;
    return h->cnt > 2 && is_worse(h->items[2], h->items[1]) ? h->items[2] : h->items[1];
}

void tails_empty(struct tails *h)
{
    for (size_t i = 0; i < h->cnt; i++)
        h->items[i]->place = 0;
    free(h->items);
    *h = (struct tails){ .cnt = 0 };
}
