/* node/state/preimages.h
 *
 * hash -> bytes. Kept for ever (code, genesis), or as long as somebody holds a reference (account records: the newest
 * value of an account and every retained older one holds one). Data never moves while it is held. */
#ifndef GH_STATE_PREIMAGES_H
#define GH_STATE_PREIMAGES_H

#include "node/state/key_index.h"

struct preimage {
    struct b256 hash; /* first: the key */
    uint8_t *data;    /* owned; NULL: a free place */
    uint32_t len, refs;
    bool keep;
};
struct preimages {
    struct preimage *items; /* owned */
    uint64_t count, cap;    /* places, free ones included */
    uint64_t *free_ids;     /* owned */
    uint64_t free_cnt, free_cap;
    struct key_index index;
    uint64_t bytes; /* of data */
};

void preimages_init(struct preimages *p);
void preimages_clear(struct preimages *p);
/* Adds it, or only `keep` when it is there. */
void preimages_add(struct preimages *p, const struct b256 *hash, struct bytes data, bool keep);
const struct preimage *preimages_find(const struct preimages *p, const struct b256 *hash);
/* The hash is known. */
void preimages_ref(struct preimages *p, const struct b256 *hash);
/* With `collect`, gone when this was the last reference and it is not kept. */
void preimages_unref(struct preimages *p, const struct b256 *hash, bool collect);
/* Removes everything neither kept nor referenced. */
void preimages_collect(struct preimages *p);

#endif
