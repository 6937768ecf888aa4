#include "interop/message_proof.h"

#include <inttypes.h>

#include "node/base/hash.h"

#define VERSION 1u

/* ---- checking ---- */

const char *proof_fault_name(enum proof_fault f)
{
    static const char *const names[] = {
        [PROOF_OK] = "",
        [PROOF_EMPTY] = "MerklePathEmpty",
        [PROOF_VERSION] = "UnsupportedProofMetadataVersion",
        [PROOF_FINAL_LEN] = "InvalidProofLengthForFinalNode",
        [PROOF_INDEX] = "MerkleIndexOutOfBounds",
        [PROOF_PATH_LEN] = "MerklePathOutOfBounds",
        [PROOF_NO_LOG] = "HashedLogIsDefault",
        [PROOF_DEPTH] = "DepthMoreThanOneForRecursiveMerkleProof",
        [PROOF_SHORT] = "words are missing",
    };
    return names[f];
}

struct reader {
    const struct b256 *words;
    size_t cnt, at;
};

static bool take(struct reader *r, size_t n, const struct b256 **out)
{
    if (n > r->cnt - r->at)
        return false;
    *out = r->words + r->at;
    r->at += n;
    return true;
}

static bool bit(const struct b256 *number, size_t i)
{
    return (number->b[31 - i / 8] >> (i % 8)) & 1;
}

/* Root of a path of at most 255 words; the mask has no bits beyond it. */
static enum proof_fault fold(struct b256 *out, const struct b256 *leaf, const struct b256 *mask,
                             const struct b256 *path, size_t len)
{
    struct b256 h = *leaf;
    if (len >= 256)
        return PROOF_PATH_LEN;
    for (size_t i = len; i < 256; i++)
        if (bit(mask, i))
            return PROOF_INDEX;
    for (size_t i = 0; i < len; i++)
        h = bit(mask, i) ? keccak256_pair(&path[i], &h) : keccak256_pair(&h, &path[i]);
    *out = h;
    return PROOF_OK;
}

struct shape {
    size_t log_len, batch_len;
    bool final;
};

/* The head of one level. Older proofs are a bare path: told apart by 28 bytes that are not all zero. */
static enum proof_fault read_shape(struct reader *r, struct shape *out)
{
    if (r->at == r->cnt)
        return PROOF_EMPTY;
    const uint8_t *w = r->words[r->at].b;
    uint8_t rest = 0;
    for (size_t i = 4; i < 32; i++)
        rest |= w[i];
    if (rest) {
        *out = (struct shape){ r->cnt - r->at, 0, true };
        return PROOF_OK;
    }
    if (w[0] != VERSION)
        return PROOF_VERSION;
    r->at++;
    *out = (struct shape){ w[1], w[2], w[3] != 0 };
    return out->final && out->batch_len ? PROOF_FINAL_LEN : PROOF_OK;
}

enum proof_fault message_proof_walk(struct proof_end *end, const struct b256 *chain,
                                    const struct b256 *batch, const struct b256 *index,
                                    const struct b256 *leaf, const struct b256 *words, size_t cnt)
{
    static const uint8_t no_log[88] = { 0 };
    struct b256 mask = *index, h = *leaf, none = keccak256(no_log, sizeof(no_log));
    struct reader r = { words, cnt, 0 };
    *end = (struct proof_end){ .chain = *chain, .number = *batch };
    for (unsigned level = 0;; level++) {
        const struct b256 *path, *word;
        struct shape s;
        enum proof_fault f;
        if (r.at == r.cnt)
            return PROOF_EMPTY;
        if (b256_eq(&h, &none))
            return PROOF_NO_LOG;
        if ((f = read_shape(&r, &s)) != PROOF_OK)
            return f;
        if (!take(&r, s.log_len, &path))
            return PROOF_SHORT;
        if ((f = fold(&end->root, &h, &mask, path, s.log_len)) != PROOF_OK)
            return f;
        if (level == 0)
            end->batch_root = end->root;
        if (s.final)
            return PROOF_OK;
        if (!take(&r, 1, &word))
            return PROOF_SHORT;
        struct b256 chain_root, batch_leaf = message_root_batch_leaf_word(&end->root, &end->number);
        if (!take(&r, s.batch_len, &path))
            return PROOF_SHORT;
        if ((f = fold(&chain_root, &batch_leaf, word, path, s.batch_len)) != PROOF_OK)
            return f;
        if (!take(&r, 2, &word))
            return PROOF_SHORT;
        if (level == 1)
            return PROOF_DEPTH;
        h = message_root_chain_leaf_word(&chain_root, &end->chain);
        end->nested = true;
        end->chain = word[1];
        memset(&end->number, 0, sizeof(end->number));
        memset(&mask, 0, sizeof(mask));
        memcpy(end->number.b + 16, word[0].b, 16);
        memcpy(mask.b + 16, word[0].b + 16, 16);
    }
}

/* ---- building ---- */

static void put(struct message_proof *p, const struct b256 *words, size_t n)
{
    CHECK(n <= GH_COUNT(p->words) - p->cnt);
    memcpy(p->words + p->cnt, words, n * sizeof(*words));
    p->cnt += n;
}

static void put_shape(struct message_proof *p, size_t log_len, size_t batch_len, bool final)
{
    struct b256 w = { { VERSION, (uint8_t)log_len, (uint8_t)batch_len, final } };
    put(p, &w, 1);
}

static void put_number(struct message_proof *p, uint64_t n)
{
    struct b256 w = b256_of_u64(n);
    put(p, &w, 1);
}

/* The part that all layouts share. */
static bool begin(struct message_proof *p, const struct message_claim *c, size_t batch_len,
                  bool final, struct err *err)
{
    size_t n = log_tree_count(c->logs);
    struct b256 path[BATCH_LOG_TREE_DEPTH];
    if (c->index >= n)
        return err_set(err, ERR_INVALID, "log %zu of %zu does not exist", c->index, n);
    p->batch = c->batch;
    p->index = c->index;
    p->cnt = 0;
    log_tree_path(c->logs, c->index, path);
    put_shape(p, MESSAGE_PROOF_LOG_LEN, batch_len, final);
    put(p, path, BATCH_LOG_TREE_DEPTH);
    put(p, &c->multichain_root, 1);
    return true;
}

/* Walked from the leaf, not taken from the builder: what is given out has been verified the way the contract does. */
static bool check(struct message_proof *p, const struct message_claim *c, uint64_t chain,
                  uint64_t number, const struct b256 *root, const char *whose, struct err *err)
{
    struct proof_end end;
    struct b256 own = b256_of_u64(c->chain), batch = b256_of_u64(c->batch),
                index = b256_of_u64(c->index), want_chain = b256_of_u64(chain),
                want_number = b256_of_u64(number);
    enum proof_fault f = message_proof_walk(&end, &own, &batch, &index,
                                            log_tree_leaf(c->logs, c->index), p->words, p->cnt);
    if (f != PROOF_OK)
        return err_set(err, ERR_LOCAL, "the proof of log %zu of batch %" PRIu64 ": %s", c->index,
                       c->batch, proof_fault_name(f));
    if (!b256_eq(&end.batch_root, &c->batch_root))
        return err_set(err, ERR_DIVERGED,
                       "the logs of batch %" PRIu64 " do not give its root on the settlement layer",
                       c->batch);
    if (!b256_eq(&end.chain, &want_chain) || !b256_eq(&end.number, &want_number) ||
        !b256_eq(&end.root, root))
        return err_set(err, ERR_DIVERGED,
                       "the proof of batch %" PRIu64 " does not lead to %s %" PRIu64, c->batch,
                       whose, number);
    p->batch_root = end.batch_root;
    p->root = end.root;
    return true;
}

bool message_proof_direct(struct message_proof *out, const struct message_claim *claim,
                          struct err *err)
{
    return begin(out, claim, 0, true, err) && check(out, claim, claim->chain, claim->batch,
                                                    &claim->batch_root, "the root of batch", err);
}

static bool through_layer(struct message_proof *p, const struct message_claim *c,
                          const struct message_root_path *path, uint64_t layer, uint64_t number,
                          const struct b256 *logs_root, struct err *err)
{
    if (!begin(p, c, path->batch_len, false, err))
        return false;
    struct b256 packed =
        b256_of_u64(path->index | (logs_root ? UINT64_C(1) << path->chain_len : 0));
    store_be64(packed.b + 8, number);
    put_number(p, path->position);
    put(p, path->batch, path->batch_len);
    put(p, &packed, 1);
    put_number(p, layer);
    put_shape(p, path->chain_len + (logs_root ? 1u : 0u), 0, true);
    put(p, path->chain, path->chain_len);
    if (logs_root)
        put(p, logs_root, 1);
    return true;
}

bool message_proof_messages(struct message_proof *out, const struct message_claim *claim,
                            const struct message_root_path *path, uint64_t layer, uint64_t block,
                            const struct b256 *layer_root, struct err *err)
{
    return through_layer(out, claim, path, layer, block, NULL, err) &&
           check(out, claim, layer, block, layer_root, "the message root of block", err);
}

bool message_proof_l1(struct message_proof *out, const struct message_claim *claim,
                      const struct message_root_path *path, uint64_t layer, uint64_t layer_batch,
                      const struct b256 *layer_logs_root, const struct b256 *layer_batch_root,
                      struct err *err)
{
    return through_layer(out, claim, path, layer, layer_batch, layer_logs_root, err) &&
           check(out, claim, layer, layer_batch, layer_batch_root,
                 "the root on L1 of the settlement layer's batch", err);
}
