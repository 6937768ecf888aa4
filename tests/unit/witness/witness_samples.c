/* tests/unit/witness/witness_samples.c
 *
 * witness_samples FOLDER: one transfer, a few contracts over some blocks, and fifty transfers in one block, as witnesses. */
#include <inttypes.h>
#include <stdio.h>

#include "tests/unit/witness/witness_world.h"

static void save(const char *dir, const char *name, struct buf *b)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(b->p, 1, b->len, f) != b->len || fclose(f) != 0) {
        perror(path);
        exit(1);
    }
    printf("%s: %zu bytes\n", path, b->len);
    buf_reset(b);
}

int main(int argc, char **argv)
{
    static struct chain_world w;
    struct buf out;
    if (argc != 2) {
        fprintf(stderr, "usage: witness_samples FOLDER\n");
        return 2;
    }
    buf_init(&out, WITNESS_MAX_LEN);
    struct wallet a = wallet_of(1);
    world_create(&w, false);
    world_open_ok(&w);
    world_transfer(&w, &a, 0, 12345);
    uint64_t first = run_all(&w, &a.addr, 1);
    batch_witness_ok(&w, 1, 1, first, DA_BLOBS_AND_PUBDATA_KECCAK, &out);
    save(argv[1], "transfer", &out);
    for (uint64_t i = 0; i < 50; i++)
        world_transfer(&w, &a, 1 + i, i);
    uint64_t last = run_all(&w, &a.addr, 51);
    batch_witness_ok(&w, 2, first + 1, last, DA_EMPTY_NO_DA, &out);
    save(argv[1], "transfers", &out);
    world_remove(&w);
    world_create(&w, false);
    world_open_ok(&w);
    last = busy_chain(&w);
    batch_witness_ok(&w, 1, 1, last, DA_BLOBS_AND_PUBDATA_KECCAK, &out);
    save(argv[1], "contracts", &out);
    world_remove(&w);
    buf_clear(&out);
    return 0;
}
