/* node/stf/witness.h
 *
 * The witness of one batch: everything a program without a node needs to execute the batch again (verify.h).
 * Freestanding. One batch has one encoding; decoding is total and bounded, and everything decoded borrows from the
 * input and the arena.
 *
 * What is in it is an input, never a result: no hash of a block, no diff, no root after the batch, no sender. Whoever
 * executes it works those out. What each part is bound by:
 *   state before   root, leaf count, number, block hashes and time give the state commitment before the batch
 *   leaves         fold with the siblings to the root before
 *   preimages      hash to values and code hashes that are read; each must be read
 *   transactions   their hashes go into the block hash (and those of the settlement layer into the priority hash)
 *   block context  block hash; the prices of pubdata and of native by what they do to gas and fees alone, as in the
 *                  protocol. The pubdata limit only decides when a producer seals and is no part of it, the blob fee is 1,
 *                  mix_hash is not used (spec 10 §2.1)
 *
 * Encoding, version 1. Integers are big-endian and of fixed width; nothing behind the end.
 *
 *   "GHWITNES"                   8    magic
 *   version                      4    1
 *   chain id                     8
 *   batch number                 8
 *   DA scheme                    1    enum da_scheme
 *   -- state before
 *   last block                   8
 *   its timestamp                8
 *   leaf count                   8    2 .. 2^48, guards included
 *   root                        32
 *   hash count h                 2    0 .. 256: the h newest block hashes, oldest first; the oldest one is not zero. The
 *   block hashes              32 h    others of the 256 are zero
 *   -- blocks, numbered from last block + 1
 *   block count                  4    1 .. 2^16
 *     timestamp                  8    not below the one before
 *     base fee                  32
 *     pubdata price             32
 *     native price              32
 *     coinbase                  20
 *     gas limit                  8
 *     execution version          4
 *     transaction count          4    0 .. 2^16 - 1
 *       length n                 4    1 .. TX_MAX_LEN
 *       envelope                 n    tx.h
 *   -- the part of the state tree that is read or written (spec 20 §3)
 *   leaf count l                 4    1 .. 2^24
 *     index                      8    rising, below the leaf count before
 *     key                       32
 *     value                     32
 *     next                       8
 *   sibling count s              4
 *   siblings                  32 s    what folding asks for (witness_fold): level by level from the leaves, left to
 *                                     right; never a node that can be computed, never the root of an empty subtree
 *   -- preimages
 *   preimage count p             4    0 .. 2^24
 *     length n                   4    0 .. 2^24
 *     bytes                      n    account records, code blobs, bare code of factory dependencies; rising by blake2s
 *
 * A key with a leaf: that leaf. A key without: the leaf before and the leaf behind it, whose link proves the gap. When
 * the batch appends leaves: also the rightmost leaf, whose siblings are those of the places behind it. */
#ifndef GH_STF_WITNESS_H
#define GH_STF_WITNESS_H

#include "node/base/arena.h"
#include "node/base/bytes.h"
#include "node/base/u256.h"

#define WITNESS_VERSION      1u
#define WITNESS_MAX_LEN      (1u << 28)
#define WITNESS_MAX_BLOCKS   (1u << 16)
#define WITNESS_MAX_TXS      0xffffu /* of a block */
#define WITNESS_MAX_LEAVES   (1u << 24)
#define WITNESS_MAX_TREE     ((uint64_t)1 << 48)
#define WITNESS_MAX_PREIMAGE (1u << 24)

struct witness_leaf {
    uint64_t index, next;
    struct b256 key, value;
};
struct witness_block {
    uint64_t timestamp, gas_limit;
    struct u256 base_fee, pubdata_price, native_price;
    struct addr coinbase;
    uint32_t execution_version, tx_cnt;
    const struct bytes *txs;
};
struct witness {
    uint64_t chain_id, batch_number;
    uint8_t da_scheme;
    /* state before */
    uint64_t last_block, last_timestamp, leaf_count;
    struct b256 root;
    const struct b256 *hashes;
    size_t hash_cnt;

    const struct witness_block *blocks;
    size_t block_cnt;
    const struct witness_leaf *leaves;
    size_t leaf_cnt;
    const struct b256 *siblings;
    size_t sibling_cnt;
    const struct bytes *preimages;
    size_t preimage_cnt;
};

#define WITNESS_RESULTS(X)                                                                         \
    X(WITNESS_OK, "no fault")                                                                      \
    X(WITNESS_TOO_LONG, "longer than a witness may be")                                            \
    X(WITNESS_MAGIC, "not a witness")                                                              \
    X(WITNESS_VERSION_UNKNOWN, "of another version")                                               \
    X(WITNESS_CUT, "ends too early")                                                               \
    X(WITNESS_TRAILING, "goes on behind its end")                                                  \
    X(WITNESS_RANGE, "a count or length is out of range")                                          \
    X(WITNESS_ORDER, "not in canonical order")                                                     \
    X(WITNESS_NO_MEMORY, "out of memory")
#define WITNESS_ENUM(id, text) id,
enum witness_result { WITNESS_RESULTS(WITNESS_ENUM) WITNESS_RESULT_CNT };

/* Lists in the arena, bytes borrowed from `in`. Checks form and bounds; of the order only what needs no hash. */
MUST_USE enum witness_result witness_decode(struct witness *out, struct bytes in,
                                            struct arena *arena);
/* Exact length of the encoding. */
size_t witness_encoded_len(const struct witness *w);
/* Writes witness_encoded_len(w) bytes. Everything within the bounds above. */
void witness_encode(uint8_t *out, const struct witness *w);

/* The 256 hashes a block behind this state sees, [255] the newest. */
void witness_ring(struct b256 out[256], const struct witness *w);
/* State commitment before the batch (spec 20 §4.1). */
struct b256 witness_state_commitment(const struct witness *w);

/* Root of a tree of which some leaves are known: n of them, rising by index, at least one, all below leaf_count <= 2^48.
 * Takes siblings from the list as it needs them. false: too few or too many siblings, or out of scratch memory
 * (*no_memory says which). Scratch is given back. */
MUST_USE bool witness_fold(struct b256 *root, const struct witness_leaf *leaves, size_t n,
                           uint64_t leaf_count, const struct b256 *siblings, size_t sibling_cnt,
                           struct arena *scratch, bool *no_memory);

#endif
