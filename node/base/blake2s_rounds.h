/* node/base/blake2s_rounds.h   (internal to node/base)
 *
 * The BLAKE2s round schedule (RFC 7693 §2.7, §3.2) as macros, so that the one-lane and the many-lane
 * code read the same table. A user defines B2S_ADD, B2S_XOR and B2S_ROR16/12/8/7 over its own word
 * type and has locals `v` (16 words) and `m` (16 message words); every index is a constant. */
#ifndef GH_BASE_BLAKE2S_ROUNDS_H
#define GH_BASE_BLAKE2S_ROUNDS_H

#define B2S_IV0 0x6a09e667u
#define B2S_IV1 0xbb67ae85u
#define B2S_IV2 0x3c6ef372u
#define B2S_IV3 0xa54ff53au
#define B2S_IV4 0x510e527fu
#define B2S_IV5 0x9b05688cu
#define B2S_IV6 0x1f83d9abu
#define B2S_IV7 0x5be0cd19u
/* IV0 with the parameter block of an unkeyed 32-byte digest */
#define B2S_H0 (B2S_IV0 ^ 0x01010020u)

#define B2S_G(a, b, c, d, x, y)                                                                    \
    do {                                                                                           \
        v[a] = B2S_ADD(B2S_ADD(v[a], v[b]), m[x]);                                                 \
        v[d] = B2S_ROR16(B2S_XOR(v[d], v[a]));                                                     \
        v[c] = B2S_ADD(v[c], v[d]);                                                                \
        v[b] = B2S_ROR12(B2S_XOR(v[b], v[c]));                                                     \
        v[a] = B2S_ADD(B2S_ADD(v[a], v[b]), m[y]);                                                 \
        v[d] = B2S_ROR8(B2S_XOR(v[d], v[a]));                                                      \
        v[c] = B2S_ADD(v[c], v[d]);                                                                \
        v[b] = B2S_ROR7(B2S_XOR(v[b], v[c]));                                                      \
    } while (0)

#define B2S_ROUND(s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, s12, s13, s14, s15)            \
    do {                                                                                           \
        B2S_G(0, 4, 8, 12, s0, s1);                                                                \
        B2S_G(1, 5, 9, 13, s2, s3);                                                                \
        B2S_G(2, 6, 10, 14, s4, s5);                                                               \
        B2S_G(3, 7, 11, 15, s6, s7);                                                               \
        B2S_G(0, 5, 10, 15, s8, s9);                                                               \
        B2S_G(1, 6, 11, 12, s10, s11);                                                             \
        B2S_G(2, 7, 8, 13, s12, s13);                                                              \
        B2S_G(3, 4, 9, 14, s14, s15);                                                              \
    } while (0)

#define B2S_ALL_ROUNDS()                                                                           \
    do {                                                                                           \
        B2S_ROUND(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);                           \
        B2S_ROUND(14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3);                           \
        B2S_ROUND(11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4);                           \
        B2S_ROUND(7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8);                           \
        B2S_ROUND(9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13);                           \
        B2S_ROUND(2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9);                           \
        B2S_ROUND(12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11);                           \
        B2S_ROUND(13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10);                           \
        B2S_ROUND(6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5);                           \
        B2S_ROUND(10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0);                           \
    } while (0)

#endif
