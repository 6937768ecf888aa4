/* tests/vectors/execution/transaction_tests.c
 *
 * The public TransactionTests: raw bytes through decoder and validation. Valid ones must give the recorded hash, sender and intrinsic
 * gas; the others must be refused somewhere before they touch the state. Argument: a folder. Last line: "N passed, M failed". */
#include "tests/vectors/execution/vector_json.h"

#include <ftw.h>

#include "node/crypto/crypto.h"
#include "node/stf/bootloader.h"

static unsigned passed, failed;

/* The sender has everything and the nonce fits: what is refused now is refused for itself. */
static bool is_valid(struct world *w, struct stf_tx *tx)
{
    struct stf_block_context c = world_context();
    c.chain_id = 1;
    c.base_fee = U256_ZERO;
    c.gas_limit = UINT64_MAX;
    struct stf_options options = { .verify_signatures = true };
    struct stf_fault fault;
    struct stf_tx_result result;
    struct u256 rich = U256_MAX;
    tx->from_is_set = false;
    struct stf_tx probe = *tx;
    if (!crypto_tx_recover_sender(&probe))
        return false;
    tx->from = probe.from;
    tx->value = U256_ZERO; /* nobody owns 2^256 - 1 and a fee; the suite does not ask who pays */
    world_set_account(w, &tx->from, tx->nonce, &rich, bytes_of(NULL, 0));
    struct stf_block *b = stf_block_begin(&w->arena, stf_rules_ethereum_cancun(), &c, &w->oracle,
                                          crypto_host(), &options, &fault);
    return b != NULL && stf_tx_run(b, tx, &result) == STF_INCLUDED;
}

static bool check(struct world *w, const json_t *test, const json_t *want)
{
    struct stf_tx tx;
    bool valid = false;
    const char *hex = vector_text(test, "txbytes");
    struct bytes raw = world_hex(w, hex);
    if (tx_decode(&tx, raw, &w->arena) == STF_OK && tx.type <= TX_SET_CODE)
        valid = is_valid(w, &tx);
    if (json_object_get(want, "exception") != NULL)
        return !valid;
    struct b256 hash = vector_b256(want, "hash");
    struct addr sender = vector_addr(want, "sender");
    return valid && b256_eq(&tx.hash, &hash) && addr_eq(&tx.from, &sender) &&
           tx_intrinsic_gas(&tx) == vector_u64(want, "intrinsicGas");
}

static void run_case(const char *name, const json_t *test)
{
    const json_t *want = json_object_get(vector_get(test, "result"), "Cancun");
    if (want == NULL)
        return;
    struct world w;
    world_init(&w);
    if (check(&w, test, want)) {
        passed++;
    } else {
        failed++;
        printf("FAILED %s\n", name);
    }
    world_clear(&w);
}

static int on_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)ftw;
    size_t n = strlen(path);
    if (type != FTW_F || n < 5 || strcmp(path + n - 5, ".json") != 0)
        return 0;
    json_error_t err;
    json_t *j = json_load_file(path, 0, &err), *test;
    const char *name;
    if (j == NULL) {
        printf("FAILED %s: %s\n", path, err.text);
        failed++;
        return 0;
    }
    json_object_foreach(j, name, test) run_case(name, test);
    json_decref(j);
    return 0;
}

int main(int argc, char **argv)
{
    /* one thread; NOLINTNEXTLINE(concurrency-mt-unsafe) */
    if (argc != 2 || nftw(argv[1], on_file, 16, FTW_PHYS) != 0)
        return 2;
    printf("%u passed, %u failed\n", passed, failed);
    return failed == 0 ? 0 : 1;
}
