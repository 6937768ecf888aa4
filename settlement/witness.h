/* settlement/witness.h
 *
 * The witness of a sealed batch as the verification gate and the prover API share it, and what a stateless verification of it came to. Who makes
 * and who verifies is wired from above; both happen off the loop. Loop only. */
#ifndef GH_SETTLEMENT_WITNESS_H
#define GH_SETTLEMENT_WITNESS_H

#include "node/base/buf.h"
#include "node/base/err.h"

struct
    settlement_witness { /* made by whoever makes witnesses, freed by its free function with the last reference */
    unsigned refs;
    uint64_t batch, blocks, made_in_ms;
    struct b256 stored_hash; /* of the batch it was made for */
    struct buf data;
    void (*free)(struct settlement_witness *w);
};
static inline struct settlement_witness *settlement_witness_ref(struct settlement_witness *w)
{
    w->refs++;
    return w;
}
static inline void settlement_witness_unref(struct settlement_witness *w)
{
    if (w && --w->refs == 0)
        w->free(w);
}

struct settlement_verdict { /* of a stateless verification: what the witness comes to */
    bool verified;
    struct b256 public_input, stored_hash;
    uint64_t took_ms;
    char reason[160]; /* !verified */
};

/* w is borrowed for the call: take a reference to keep it. NULL with err: ERR_INVALID the state before the batch is not kept any more,
 * ERR_TRANSIENT not yet. */
typedef void settlement_witness_fn(void *arg, struct settlement_witness *w, const struct err *err);
typedef void settlement_verdict_fn(void *arg, const struct settlement_verdict *v);

struct settlement_witness_ops {
    void *ctx;
    /* done runs once from the loop, later; it may run after settlement_stop, never after the maker was stopped. false: out of memory */
    bool (*make)(void *ctx, uint64_t batch, const struct b256 *stored_hash,
                 settlement_witness_fn *done, void *arg);
    bool (*verify)(void *ctx, struct settlement_witness *w, settlement_verdict_fn *done, void *arg);
};

#endif
