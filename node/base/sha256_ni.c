/* node/base/sha256_ni.c: SHA-256 blocks with the x86 SHA instructions (Intel SDM, SHA256RNDS2). */
#include <cpuid.h>
#include <immintrin.h>
#include <stdatomic.h>

#include "node/base/sha256_blocks.h"

bool sha256_ni_usable(void)
{
    static _Atomic int
        known; /* 0 = not asked yet, 1 = no, 2 = yes; cpuid is slow under a hypervisor */
    int k = atomic_load_explicit(&known, memory_order_relaxed);
    if (k == 0) {
        unsigned a = 0, b = 0, c = 0, d = 0;
        bool sha = __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & (1u << 29));
        k = sha && __builtin_cpu_supports("sse4.1") && __builtin_cpu_supports("ssse3") ? 2 : 1;
        atomic_store_explicit(&known, k, memory_order_relaxed);
    }
    return k == 2;
}

#define TARGET __attribute__((target("sha,sse4.1,ssse3")))

TARGET static inline __m128i load128(const void *p)
{
    return _mm_loadu_si128((const __m128i_u *)p);
}

/* The instructions keep the state as (A B E F) and (C D G H). */
TARGET void sha256_blocks_ni(uint32_t h[8], const uint8_t *p, size_t blocks)
{
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    __m128i t = _mm_shuffle_epi32(load128(h), 0xb1);      /* C D A B */
    __m128i s1 = _mm_shuffle_epi32(load128(h + 4), 0x1b); /* E F G H */
    __m128i s0 = _mm_alignr_epi8(t, s1, 8);               /* A B E F */
    s1 = _mm_blend_epi16(s1, t, 0xf0);                    /* C D G H */
    for (; blocks; blocks--, p += 64) {
        const __m128i saved0 = s0, saved1 = s1;
        __m128i w[4];
#pragma GCC unroll 16
        for (unsigned g = 0; g < 16; g++) {
            if (g < 4) {
                w[g] = _mm_shuffle_epi8(load128(p + (size_t)16 * g), swap);
            } else {
                __m128i m = _mm_sha256msg1_epu32(w[g % 4], w[(g + 1) % 4]);
                m = _mm_add_epi32(m, _mm_alignr_epi8(w[(g + 3) % 4], w[(g + 2) % 4], 4));
                w[g % 4] = _mm_sha256msg2_epu32(m, w[(g + 3) % 4]);
            }
            __m128i k = _mm_add_epi32(w[g % 4], load128(sha256_constants + (size_t)4 * g));
            s1 = _mm_sha256rnds2_epu32(s1, s0, k);
            s0 = _mm_sha256rnds2_epu32(s0, s1, _mm_shuffle_epi32(k, 0x0e));
        }
        s0 = _mm_add_epi32(s0, saved0);
        s1 = _mm_add_epi32(s1, saved1);
    }
    t = _mm_shuffle_epi32(s0, 0x1b);                                           /* F E B A */
    s1 = _mm_shuffle_epi32(s1, 0xb1);                                          /* D C H G */
    _mm_storeu_si128((__m128i_u *)(void *)h, _mm_blend_epi16(t, s1, 0xf0));    /* D C B A */
    _mm_storeu_si128((__m128i_u *)(void *)(h + 4), _mm_alignr_epi8(s1, t, 8)); /* H G F E */
}
