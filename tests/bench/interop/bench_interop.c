/* tests/bench/interop/bench_interop.c
 *
 * Message trees and proofs on one core: appends a second, proofs a second of recent and of old batches (built, then walked the way the
 * contract does it, as every proof that is served), memory. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "interop/message_proof.h"
#include "node/base/hash.h"

#define CHAINS        16u
#define APPENDS       1000000u
#define PROOFS        40000u
#define LOGS_OF_BATCH 1000u

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); /* one thread: of the core, whoever else runs */
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void per_second(const char *name, uint64_t count, uint64_t ns)
{
    printf("%-44s %10.0f a second  %8.2f us\n", name, (double)count * 1e9 / (double)ns,
           (double)ns / 1000 / (double)count);
}

static struct b256 batch_root(const struct log_tree *logs, const struct b256 *multichain)
{
    struct b256 local = log_tree_root(logs);
    return keccak256_pair(&local, multichain);
}

static struct message_root *grow(const struct b256 *root)
{
    struct err err = { .kind = ERR_NONE };
    struct message_root *m = message_root_create(11);
    uint64_t t;
    if (!m)
        abort();
    for (uint64_t c = 0; c < CHAINS; c++)
        if (!message_root_add_chain(m, 1, 100 + c, c + 1, &err))
            abort();
    t = now_ns();
    for (uint64_t i = 0; i < APPENDS; i++)
        if (!message_root_append(m, 2 + i / 4, 100 + i % CHAINS, 1 + i / CHAINS, root, &err))
            abort();
    per_second("mirror: appends of batches, 16 chains", APPENDS, now_ns() - t);
    printf("%-44s %10.1f MiB\n", "mirror: memory of 1 M batches",
           (double)message_root_memory(m) / 1048576);
    return m;
}

static void prove(const char *name, const struct message_root *m, const struct log_tree *logs,
                  const struct b256 *multichain, const struct b256 *root, uint64_t first_batch)
{
    static struct message_proof out;
    struct message_root_path path;
    struct err err = { .kind = ERR_NONE };
    uint64_t t = now_ns();
    for (uint64_t i = 0; i < PROOFS; i++) {
        uint64_t chain = 100 + i % CHAINS, batch = first_batch + i % 64;
        struct message_root_leaf leaf;
        struct message_claim claim = { .chain = chain,
                                       .batch = batch,
                                       .logs = logs,
                                       .index = (size_t)(i % LOGS_OF_BATCH),
                                       .multichain_root = *multichain,
                                       .batch_root = *root };
        if (!message_root_find(m, chain, batch, &leaf) ||
            !message_root_prove(m, chain, batch, leaf.block, &path))
            abort();
        struct b256 layer = message_root_at(m, leaf.block);
        if (!message_proof_messages(&out, &claim, &path, 11, leaf.block, &layer, &err))
            abort();
    }
    per_second(name, PROOFS, now_ns() - t);
}

int main(void)
{
    static struct b256 leaves[LOGS_OF_BATCH];
    static struct message_proof out;
    struct b256 multichain = batch_empty_multichain_root(100);
    struct err err = { .kind = ERR_NONE };
    for (uint64_t i = 0; i < LOGS_OF_BATCH; i++) {
        struct b256 n = b256_of_u64(i);
        leaves[i] = keccak256(&n, sizeof(n));
    }
    uint64_t t = now_ns();
    struct log_tree *logs = log_tree_create(leaves, LOGS_OF_BATCH);
    if (!logs)
        abort();
    per_second("tree of a batch with 1000 logs", 1, now_ns() - t);
    struct b256 root = batch_root(logs, &multichain);
    struct message_root *m = grow(&root);
    prove("proof for another chain, recent batch", m, logs, &multichain, &root,
          APPENDS / CHAINS - 64);
    prove("proof for another chain, first batches", m, logs, &multichain, &root, 1);
    t = now_ns();
    for (uint64_t i = 0; i < PROOFS; i++) {
        struct message_claim claim = { .chain = 100,
                                       .batch = 1,
                                       .logs = logs,
                                       .index = (size_t)(i % LOGS_OF_BATCH),
                                       .multichain_root = multichain,
                                       .batch_root = root };
        if (!message_proof_direct(&out, &claim, &err))
            abort();
    }
    per_second("direct proof", PROOFS, now_ns() - t);
    message_root_destroy(m);
    log_tree_destroy(logs);
    return 0;
}
