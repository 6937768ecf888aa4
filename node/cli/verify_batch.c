/* node/cli/verify_batch.c */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/base/clock.h"
#include "node/base/file.h"
#include "node/base/hex.h"
#include "node/cli/cli.h"
#include "node/crypto/crypto.h"
#include "node/stf/verify.h"

#define KEEP_LIMIT ((size_t)4 << 30)
#define WORK_LIMIT ((size_t)4 << 30)

static const char usage[] = "usage: gatehouse verify-batch [--json] WITNESS\n"
                            "\n"
                            "Executes a batch from its witness alone, without node, network or "
                            "configuration, and prints what it comes to: compare "
                            "that\nwith what the settlement layer has. Exit code 1 when the "
                            "witness is not one of any batch.\n"
                            "\n"
                            "  --json  one JSON object\n";

static void print_hash(bool json, const char *name, const char *key, const struct b256 *h)
{
    char hex[67];
    hex_encode0x(hex, h->b, 32);
    if (json)
        printf("\"%s\":\"%s\",", key, hex);
    else
        printf("%-13s %s\n", name, hex);
}

static void print_result(bool json, const struct verify_result *r, size_t len, uint64_t ms)
{
    const struct batch *b = &r->batch;
    if (json)
        printf("{\"verified\":true,\"chain_id\":%" PRIu64 ",\"batch\":%" PRIu64
               ",\"first_block\":%" PRIu64 ",\"last_block\":%" PRIu64 ",",
               b->chain_id, b->stored.number, b->first_block, b->last_block);
    else
        printf("chain %" PRIu64 ", batch %" PRIu64 ", blocks %" PRIu64 " to %" PRIu64 "\n",
               b->chain_id, b->stored.number, b->first_block, b->last_block);
    print_hash(json, "state before", "state_before", &r->state_before);
    print_hash(json, "state after", "state_after", &r->state_after);
    print_hash(json, "output hash", "output_hash", &r->output_hash);
    print_hash(json, "public input", "public_input", &r->public_input);
    print_hash(json, "stored batch", "stored_batch_hash", &r->stored_hash);
    printf(json ? "\"txs\":%" PRIu64 ",\"leaves_opened\":%" PRIu64 ",\"leaves_appended\":%" PRIu64
                  ",\"preimages\":%" PRIu64 ",\"witness_bytes\":%zu,\"ms\":%" PRIu64 "}\n"
                : "%" PRIu64 " transactions, %" PRIu64 " leaves opened, %" PRIu64
                  " appended, %" PRIu64 " preimages, %zu bytes, %" PRIu64 " ms\n",
           r->tx_cnt, r->leaf_cnt, r->appended_cnt, r->preimage_cnt, len, ms);
}

static void print_fault(bool json, const struct verify_fault *f)
{
    static const char *const forms[] = {
#define TEXT(id, text) text,
        WITNESS_RESULTS(TEXT)
#undef TEXT
    };
    const char *detail = f->code == VERIFY_WITNESS ? forms[f->witness]
                         : f->stf.code != STF_OK   ? stf_error_name(f->stf.code)
                                                   : "";
    if (json)
        printf("{\"verified\":false,\"reason\":\"%s\",\"detail\":\"%s\",\"block\":%" PRIu64
               ",\"tx\":%u}\n",
               verify_code_text(f->code), detail, f->block, f->tx);
    else
        fprintf(stderr, "gatehouse verify-batch: %s%s%s (block %" PRIu64 ", transaction %u)\n",
                verify_code_text(f->code), *detail ? ": " : "", detail, f->block, f->tx);
}

int cli_verify_batch(int argc, char **argv)
{
    const char *path;
    bool json;
    int code = cli_one_value(&path, &json, "verify-batch", usage, argc, argv);
    if (code >= 0)
        return code;
    struct err err = { .kind = ERR_NONE };
    uint8_t *data = NULL;
    size_t len = 0;
    if (!file_read(&data, &len, path, WITNESS_MAX_LEN, &err)) {
        fprintf(stderr, "gatehouse verify-batch: %s\n", err.msg);
        return 1;
    }
    struct arena keep, work;
    struct verify_result r;
    struct verify_fault fault;
    arena_init_growing(&keep, 1u << 20, KEEP_LIMIT);
    arena_init_growing(&work, 1u << 20, WORK_LIMIT);
    uint64_t start = clock_mono_ms(clock_system());
    enum verify_code e = verify_batch(&r, &fault, bytes_of(data, len), crypto_host(), &keep, &work);
    uint64_t ms = clock_mono_ms(clock_system()) - start;
    arena_clear(&keep);
    arena_clear(&work);
    free(data);
    if (e == VERIFY_OK)
        print_result(json, &r, len, ms);
    else
        print_fault(json, &fault);
    return e == VERIFY_OK ? 0 : 1;
}
