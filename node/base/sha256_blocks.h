/* node/base/sha256_blocks.h   (internal to node/base)
 *
 * The compression function of SHA-256 over whole blocks of 64 bytes, portable and with the SHA
 * instructions of x86-64 (hosts only; to be called when sha256_ni_usable() says so). */
#ifndef GH_BASE_SHA256_BLOCKS_H
#define GH_BASE_SHA256_BLOCKS_H

#include "node/base/defs.h"

extern const uint32_t sha256_constants[64];
void sha256_blocks_portable(uint32_t h[8], const uint8_t *p, size_t blocks);
bool sha256_ni_usable(void);
void sha256_blocks_ni(uint32_t h[8], const uint8_t *p, size_t blocks);

#endif
