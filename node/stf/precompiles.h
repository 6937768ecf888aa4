/* node/stf/precompiles.h   (inside stf)
 *
 * What the files of the precompiles share: one call of one of them. */
#ifndef GH_STF_PRECOMPILES_H
#define GH_STF_PRECOMPILES_H

#include "node/stf/ee.h"

struct pre_call {
    struct stf_block *b;
    struct stf_res *res;
    const struct stf_crypto *crypto;
    struct bytes input;
    struct ee_buf *buf; /* at least 256 bytes */
    struct bytes *output;
};

static inline uint64_t pre_words(size_t len)
{
    return ((uint64_t)len + 31) / 32;
}

static inline uint64_t pre_sat_mul(uint64_t a, uint64_t b)
{
    uint64_t hi, lo = u64_mul_wide(a, b, &hi);
    return hi ? UINT64_MAX : lo;
}

/* A precompile that refuses its input burns the gas it was given, like any exceptional halt. */
static inline enum stf_halt pre_refuse(void)
{
    return HALT_OUT_OF_GAS;
}

/* The answer is the first len bytes of the buffer. */
static inline enum stf_halt pre_output(const struct pre_call *c, size_t len)
{
    *c->output = bytes_of(c->buf->p, len);
    return HALT_STOP;
}

/* ---- precompiles_bls.c: EIP-2537 ---- */
enum stf_halt pre_bls_g1_add(const struct pre_call *c);
enum stf_halt pre_bls_g1_msm(const struct pre_call *c);
enum stf_halt pre_bls_g2_add(const struct pre_call *c);
enum stf_halt pre_bls_g2_msm(const struct pre_call *c);
enum stf_halt pre_bls_pairing(const struct pre_call *c);
enum stf_halt pre_bls_map_g1(const struct pre_call *c);
enum stf_halt pre_bls_map_g2(const struct pre_call *c);

#endif
