/* tests/unit/stf/stf_chain.h
 *
 * A world with one funded key, a block being built over it, and transactions written by hand. */
#ifndef GH_TESTS_STF_CHAIN_H
#define GH_TESTS_STF_CHAIN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "node/crypto/crypto.h"
#include "tests/unit/stf/stf_world.h"

struct chain {
    struct world w;
    struct stf_block_context ctx;
    struct stf_options options;
    const struct stf_rules *rules;
    struct stf_block *b; /* NULL before chain_begin */
    struct crypto_key key;
    struct addr sender; /* funded with 10^18 */
    struct stf_tx_result result;
    unsigned tx_cnt; /* makes hashes different */
};

void chain_init(struct chain *c);
void chain_clear(struct chain *c);
void chain_begin(struct chain *c);                  /* drops a block that was not ended */
struct stf_block_output chain_end(struct chain *c); /* applied to the world */
void chain_put_code(struct chain *c, const struct addr *a, const char *hex);
void chain_fund(struct chain *c, const struct addr *a, uint64_t balance);
struct addr chain_receiver(void); /* of most transfers here; absent at first */
uint64_t chain_balance(const struct chain *c, const struct addr *a);
uint64_t chain_nonce(const struct chain *c, const struct addr *a);
/* 0x02, 100,000 gas at the base fee, unsigned, nonce of the sender in the world */
struct stf_tx chain_tx(struct chain *c, const struct addr *to);
void chain_sign(struct chain *c, struct stf_tx *tx);
/* Priority transaction with 100,000 gas per wei of fee paid: deposit = fee + value */
struct stf_tx chain_l1_tx(struct chain *c, uint8_t type, const struct addr *to, uint64_t value);
/* Signed: of a chain below 128 or from 256 to 65535, with a nonce below 128. */
struct tx_authorization chain_authorization(const struct crypto_key *key, uint64_t chain_id,
                                            const struct addr *target, uint64_t nonce);
struct stf_tx chain_system_tx(struct chain *c, uint32_t to, const char *data_hex);
/* Signs L2 transactions, runs, keeps the result. Begins a block when there is none. */
enum stf_verdict chain_run(struct chain *c, struct stf_tx *tx);
/* Runs, and expects it included with this success. */
void chain_expect(struct chain *c, struct stf_tx *tx, bool success);
/* In a fresh block: refused with this code. */
void chain_expect_error(struct chain *c, struct stf_tx *tx, enum stf_error e);
struct bytes chain_hex(struct chain *c, const char *hex);

#define SENDER_FUNDS 1000000000000000000u

/* calldata: target word, then data for it; returns success, length of return data, return data. Passes on value. */
#define CODE_FORWARD                                                                               \
    "366020900380602060003760006000826000346000355af16000523d6020523d600060403e3d6040016000f3"
#define CODE_REVERT "60aa60005260206000fd"
#define CODE_LOOP   "5b600056"
#define CODE_SSTORE "6020356000355500" /* calldata: slot, value */

#endif
