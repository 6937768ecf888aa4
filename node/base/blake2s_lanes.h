/* node/base/blake2s_lanes.h   (internal to node/base)
 *
 * The vector kernels behind blake2s_nodes and blake2s_leaves: exactly 8 or 16 messages a call.
 * Only present on x86-64 hosts, and only to be called when the CPU has the instructions. */
#ifndef GH_BASE_BLAKE2S_LANES_H
#define GH_BASE_BLAKE2S_LANES_H

#include "node/base/hash.h"

/* AVX2 */
void blake2s_nodes_x8(struct b256 *out, const struct b256 *const *left,
                      const struct b256 *const *right);
void blake2s_leaves_x8(struct b256 *out, const struct blake2s_leaf_in *in);
/* AVX-512F */
void blake2s_nodes_x16(struct b256 *out, const struct b256 *const *left,
                       const struct b256 *const *right);
void blake2s_leaves_x16(struct b256 *out, const struct blake2s_leaf_in *in);

#endif
