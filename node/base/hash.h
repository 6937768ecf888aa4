/* node/base/hash.h
 *
 * The hashes of the protocol. Freestanding; all functions are total.
 * keccak256: original Keccak padding (0x01), not NIST SHA3. blake2s: RFC 7693, unkeyed, 32 bytes. */
#ifndef GH_BASE_HASH_H
#define GH_BASE_HASH_H

#include "node/base/bytes.h"

#define KECCAK_EMPTY                                                                               \
    ((struct b256){ { 0xc5, 0xd2, 0x46, 0x01, 0x86, 0xf7, 0x23, 0x3c, 0x92, 0x7e, 0x7d,            \
                      0xb2, 0xdc, 0xc7, 0x03, 0xc0, 0xe5, 0x00, 0xb6, 0x53, 0xca, 0x82,            \
                      0x27, 0x3b, 0x7b, 0xfa, 0xd8, 0x04, 0x5d, 0x85, 0xa4, 0x70 } })

struct b256 keccak256(const void *data, size_t len);
/* keccak256(left || right) */
struct b256 keccak256_pair(const struct b256 *left, const struct b256 *right);

struct keccak { /* incremental; value type */
    uint64_t state[25];
    uint8_t buf[136];
    size_t fill;
};
void keccak_init(struct keccak *k);
void keccak_update(struct keccak *k, const void *data, size_t len);
struct b256 keccak_final(struct keccak *k);

struct b256 blake2s(const void *data, size_t len);
struct blake2s { /* incremental; value type */
    uint32_t h[8];
    uint64_t total;
    uint8_t buf[64];
    size_t fill;
};
void blake2s_init(struct blake2s *s);
void blake2s_update(struct blake2s *s, const void *data, size_t len);
struct b256 blake2s_final(struct blake2s *s);

/* blake2s(left || right): a node of the state tree, one compression */
struct b256 blake2s_pair(const struct b256 *left, const struct b256 *right);
/* blake2s(key || value || next as 8 little-endian bytes): a leaf of the state tree (spec 20 §3.1) */
struct b256 blake2s_leaf(const struct b256 *key, const struct b256 *value, uint64_t next);

/* Many independent messages at once. n may be 0. The host library picks the widest path the CPU
 * has (16 lanes AVX-512, 8 lanes AVX2) at first use; blake2s_set_lanes forces one (1, 8 or 16;
 * false when the CPU lacks it). Results never depend on the path.
 * nodes: out[i] = blake2s(in[2i] || in[2i+1]). out may alias neither input.
 * gather form: out[i] = blake2s(*left[i] || *right[i]). */
void blake2s_nodes(struct b256 *out, const struct b256 *const *left,
                   const struct b256 *const *right, size_t n);
struct blake2s_leaf_in {
    const struct b256 *key, *value;
    uint64_t next;
};
void blake2s_leaves(struct b256 *out, const struct blake2s_leaf_in *in, size_t n);
/* out[i] = blake2s(12 zero bytes || addr || slot): flat keys (spec 20 §1), one compression each */
struct b256 blake2s_flat_key(const struct addr *a, const struct b256 *slot);
MUST_USE bool blake2s_set_lanes(unsigned lanes);
unsigned blake2s_lanes(void);

struct b256 sha256(const void *data, size_t len);

#endif
