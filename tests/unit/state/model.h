/* tests/unit/state/model.h
 *
 * The state as the specification tells it, slow and obvious: a list of leaves, the sequential insertion rule
 * (spec 20 §3.2), and a root computed from all leaves. Also a source of random blocks. */
#ifndef GH_TESTS_UNIT_STATE_MODEL_H
#define GH_TESTS_UNIT_STATE_MODEL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "node/state/proof.h"
#include "node/state/state.h"

struct model_leaf {
    struct b256 key, value;
    uint64_t next;
};
struct model {
    struct model_leaf *leaves; /* owned */
    size_t count, cap;
};
void model_init(struct model *m);
void model_clear(struct model *m);
void model_copy(struct model *out, const struct model *m);
const struct model_leaf *model_find(const struct model *m, const struct b256 *key);
void model_apply(struct model *m, const struct stf_diff *d, size_t n);
struct b256 model_root(const struct model *m);

/* ---- random blocks ---- */

uint64_t random_u64(uint64_t *seed); /* SplitMix64 */
struct b256 random_word(uint64_t *seed);

#define BLOCK_DIFFS_MAX 4096u
struct block { /* big: static or malloc'ed */
    struct stf_diff diffs[BLOCK_DIFFS_MAX];
    size_t diff_cnt;
    struct stf_preimage preimages[BLOCK_DIFFS_MAX];
    uint8_t records[BLOCK_DIFFS_MAX][ACCOUNT_RECORD_LEN];
    size_t preimage_cnt;
};
/* A record nobody else makes (nonce and balance from the seed), and the diff that sets it. */
void block_add_account(struct block *b, const struct addr *a, const struct account_record *rec,
                       const struct b256 *old_value, bool is_new);
void block_add_slot(struct block *b, const struct b256 *key, const struct b256 *value,
                    const struct b256 *old_value, bool is_new);
/* inserts new keys (some sharing their first 8 bytes with others), updates old ones, accounts among both. */
void block_random(struct block *b, const struct model *m, uint64_t *seed, size_t inserts,
                  size_t updates, size_t accounts);

void assert_fine(bool ok, const struct err *err);
void assert_word(const struct b256 *got, const struct b256 *want, const char *what);

#endif
