/* tests/unit/chain/wallet.h
 *
 * Keys and signed transactions for tests of the chain: what a client would send, encoded and signed here and decoded by the code
 * under test. A failure ends the test. */
#ifndef GH_TESTS_CHAIN_WALLET_H
#define GH_TESTS_CHAIN_WALLET_H

#include "node/crypto/crypto.h"
#include "node/stf/tx.h"

struct wallet {
    struct crypto_key key;
    struct addr addr;
};
struct wallet_tx { /* zeroed: a dynamic-fee transfer */
    uint8_t type;  /* TX_LEGACY, TX_ACCESS_LIST, TX_DYNAMIC_FEE (0 needs is_legacy) */
    bool is_legacy, unprotected, is_create;
    uint64_t chain_id, nonce, gas_limit, max_fee, max_priority_fee;
    struct u256 value;
    struct addr to;
    struct bytes data;
    size_t access_keys; /* TX_ACCESS_LIST and TX_DYNAMIC_FEE: one address with so many keys */
};

/* The key is the number, 1 and up. */
struct wallet wallet_of(uint64_t number);
struct wallet wallet_of_hex(const char *hex);
/* Encoded and signed, in the arena. */
struct bytes wallet_sign(const struct wallet *w, const struct wallet_tx *t, struct arena *arena);
/* Signed, decoded, sender set. */
struct stf_tx *wallet_make(const struct wallet *w, const struct wallet_tx *t, struct arena *arena);

#endif
