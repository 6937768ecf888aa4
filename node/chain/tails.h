/* node/chain/tails.h   (inside chain)
 *
 * The senders' last transactions, the one that pays least on top: a heap whose members know their places. Of equals the one
 * that came last is worse. */
#ifndef GH_CHAIN_TAILS_H
#define GH_CHAIN_TAILS_H

#include "node/base/u256.h"

struct tail { /* zeroed: in no heap */
    struct u256 tip;
    uint64_t sequence;
    size_t place; /* from 1; 0: not in */
};
struct tails {
    struct tail **items;
    size_t cnt, cap;
};
/* Puts it in, or moves it to where it belongs now. false: no memory, and it is not in. */
MUST_USE bool tails_set(struct tails *h, struct tail *t, const struct u256 *tip, uint64_t sequence);
void tails_remove(struct tails *h, struct tail *t);
/* The worst but `except`, which may be NULL; NULL where there is none. */
struct tail *tails_worst(const struct tails *h, const struct tail *except);
void tails_empty(struct tails *h); /* its members are free again */

#endif
