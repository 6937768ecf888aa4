/* interop/interop_address.h
 *
 * Interoperable addresses (ERC-7930, version 1, chain type EIP-155; spec 40 §6.1). Pure.
 *
 *   0001 | 0000 | length of the reference | chain id, big-endian, no leading zero | length of the address | address
 *
 * Either part may be absent. The parser takes what the contracts take: leading zeros in the reference and bytes behind the end too. */
#ifndef GH_INTEROP_INTEROP_ADDRESS_H
#define GH_INTEROP_INTEROP_ADDRESS_H

#include "node/base/err.h"
#include "node/base/u256.h"

#define INTEROP_ADDRESS_MAX (6u + 32u + 20u)

struct interop_address {
    bool has_chain, has_addr; /* absent parts are zero */
    struct u256 chain;
    struct addr addr;
};
MUST_USE bool interop_address_parse(struct bytes in, struct interop_address *out, struct err *err);
/* Writes at most INTEROP_ADDRESS_MAX bytes; returns how many. */
size_t interop_address_format(uint8_t out[INTEROP_ADDRESS_MAX], const struct interop_address *a);
/* "0x36615c..c049 on chain 6565", "any address", "nobody" for empty input, or why it cannot be read; at most cap bytes with the NUL. */
void interop_address_text(struct bytes in, char *out, size_t cap);

#endif
