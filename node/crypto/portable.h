/* node/crypto/portable.h   (crypto_free)
 *
 * Primitives in portable C. Freestanding: no allocation, no globals, no operating system. Nothing
 * here handles secrets, so nothing here takes constant time. */
#ifndef GH_CRYPTO_PORTABLE_H
#define GH_CRYPTO_PORTABLE_H

#include "node/base/bytes.h"

/* RIPEMD-160 (Dobbertin, Bosselaers, Preneel 1996) */
void ripemd160(uint8_t out[20], const void *data, size_t len);

/* EIP-152: rounds (4, big-endian) || h (64) || m (128) || t (16) || f (1), the rest
 * little-endian. The caller has checked that f is 0 or 1; time is linear in rounds. */
void blake2f(uint8_t out[64], const uint8_t in[213]);

#endif
