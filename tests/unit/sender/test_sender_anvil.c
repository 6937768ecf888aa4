/* The sender against a real anvil: its pool, its fees, its reorganisations. GH_ANVIL names the binary; without it nothing runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "node/base/log.h"
#include "node/net/eth_client.h"
#include "node/net/eth_decode.h"
#include "node/sender/signer.h"
#include "node/sender/tx_journal.h"
#include "node/sender/tx_manager.h"
#include "tests/unit/loop.h"

#define KEY0   "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
#define ADDR0  "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266"
#define TARGET "0x0000000000000000000000000000000000001234"
#define PORT   "18645"

struct fixture {
    pid_t anvil;
    struct event_base *base;
    struct eth_client *eth;
    struct signer *signer;
    sqlite3 *db;
    struct tx_journal *journal;
    struct tx_manager *m;
    unsigned mined_notes;
    char last_err[512];
};
static const char *anvil_path;

struct answer {
    struct event_base *base;
    json_t *result;
    bool done, failed;
};

static void on_answer(void *arg, const struct eth_reply *r)
{
    struct answer *a = arg;
    a->done = true;
    a->failed = r->err != NULL;
    if (r->err)
        print_message("%s\n", r->err->msg);
    else
        a->result = json_deep_copy(r->result);
    event_base_loopbreak(a->base);
}

/* Control calls of the test: whole JSON text of the parameters. */
static json_t *rpc(struct fixture *f, const char *method, const char *params)
{
    struct answer a = { .base = f->base };
    struct err e;
    json_t *p = json_loads(params, 0, NULL);
    assert_non_null(p);
    assert_non_null(eth_client_call(f->eth, method, p, NULL, on_answer, &a, &e));
    while (!a.done)
        event_base_loop(f->base, EVLOOP_ONCE);
    assert_false(a.failed);
    return a.result;
}

static void control(struct fixture *f, const char *method, const char *params)
{
    json_decref(rpc(f, method, params));
}

static void mine(struct fixture *f)
{
    control(f, "evm_mine", "[]");
    loop_run_ms(f->base, 80);
}

static void on_change(void *arg, uint64_t id, enum tx_state s, const struct err *err)
{
    struct fixture *f = arg;
    (void)id;
    f->mined_notes += s == TX_MINED;
    if (err)
        snprintf(f->last_err, sizeof(f->last_err), "%s", err->msg);
}

static void open_manager(struct fixture *f)
{
    struct err e;
    struct tx_manager_deps deps = { f->base, clock_system(), f->eth, f->signer, f->journal };
    struct tx_manager_config cfg = { .name = "test",
                                     .chain_id = 31337,
                                     .poll_ms = 20,
                                     .revert_retry_ms = 200,
                                     .required_confirmations = 2 };
    f->m = tx_manager_create(&deps, &cfg, on_change, f, &e);
    assert_non_null(f->m);
    assert_true(tx_manager_start(f->m, &e));
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct err e;
    f->anvil = fork();
    if (f->anvil == 0) {
        execl(anvil_path, "anvil", "--port", PORT, "--silent", "--no-mining", "--slots-in-an-epoch",
              "1", (char *)NULL);
        _exit(127);
    }
    f->base = event_base_new();
    const char *url = "http://127.0.0.1:" PORT;
    struct eth_client_deps deps = { f->base, clock_system() };
    struct eth_client_config cfg = { .urls = &url, .url_cnt = 1, .chain_id = 31337 };
    log_configure(LOG_ERROR, false);
    f->eth = eth_client_create(&deps, &cfg, &e);
    f->signer = signer_open(KEY0, &e);
    assert_int_equal(sqlite3_open(":memory:", &f->db), SQLITE_OK);
    f->journal = tx_journal_sqlite(f->db, &e);
    json_decref(rpc(f, "eth_chainId", "[]")); /* the client waits until anvil is up */
    open_manager(f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    tx_manager_destroy(f->m);
    tx_journal_destroy(f->journal);
    sqlite3_close(f->db);
    signer_destroy(f->signer);
    eth_client_destroy(f->eth);
    event_base_free(f->base);
    kill(f->anvil, SIGTERM);
    waitpid(f->anvil, NULL, 0);
    free(f);
    return 0;
}

static void submit(struct fixture *f, const char *key)
{
    struct tx_request r = { .key = key, .label = "test", .data = bytes_of(key, strlen(key)) };
    struct err e;
    uint64_t id;
    bool is_new;
    r.to.b[18] = 0x12;
    r.to.b[19] = 0x34;
    assert_true(tx_manager_submit(f->m, &r, &id, &is_new, &e));
}

static struct tx_info info_of(struct fixture *f, const char *key)
{
    struct tx_info i;
    assert_true(tx_manager_find(f->m, key, &i));
    return i;
}

static void until(struct fixture *f, const char *key, enum tx_state want)
{
    for (int i = 0; i < 150 && info_of(f, key).state != want; i++)
        loop_run_ms(f->base, 20);
    if (info_of(f, key).state != want)
        fail_msg("%s is %s (%s), not %s", key, tx_state_name(info_of(f, key).state),
                 info_of(f, key).error, tx_state_name(want));
}

static void confirm(struct fixture *f, const char *key)
{
    for (int i = 0; i < 12 && info_of(f, key).state != TX_CONFIRMED; i++)
        mine(f);
    until(f, key, TX_CONFIRMED);
}

static uint64_t nonce_of_account(struct fixture *f)
{
    json_t *r = rpc(f, "eth_getTransactionCount", "[\"" ADDR0 "\",\"latest\"]");
    uint64_t v = strtoull(json_string_value(r), NULL, 16);
    json_decref(r);
    return v;
}

static void several_in_flight(void **state)
{
    struct fixture *f = *state;
    char key[16];
    for (int i = 0; i < 5; i++) {
        snprintf(key, sizeof(key), "tx:%d", i);
        submit(f, key);
    }
    until(f, "tx:4", TX_ACCEPTED);
    confirm(f, "tx:4");
    assert_int_equal(nonce_of_account(f), 5);
}

static void stuck_transaction_is_replaced(void **state)
{
    struct fixture *f = *state;
    submit(f, "tx:1");
    until(f, "tx:1", TX_ACCEPTED);
    for (int i = 0; i < 5; i++) { /* above its maxFeePerGas */
        control(f, "anvil_setNextBlockBaseFeePerGas", "[\"0x174876e800\"]");
        mine(f);
    }
    assert_true(info_of(f, "tx:1").variants >= 2);
    confirm(f, "tx:1");
    assert_int_equal(nonce_of_account(f), 1);
}

static void block_lost_in_a_reorganisation(void **state)
{
    struct fixture *f = *state;
    json_t *snap = rpc(f, "evm_snapshot", "[]");
    char params[128];
    submit(f, "tx:1");
    until(f, "tx:1", TX_ACCEPTED);
    control(f, "evm_mine", "[]");
    until(f, "tx:1", TX_MINED);
    snprintf(params, sizeof(params), "[\"%s\"]", json_string_value(snap));
    control(f, "evm_revert", params);
    json_decref(snap);
    for (int i = 0; i < 6; i++) { /* another fork grows */
        control(f, "evm_mine", "[]");
        loop_run_ms(f->base, 60);
    }
    confirm(f, "tx:1");
    assert_int_equal(nonce_of_account(f), 1);
    assert_true(f->mined_notes >= 2);
}

static void dropped_from_the_pool(void **state)
{
    struct fixture *f = *state;
    char params[128];
    submit(f, "tx:1");
    until(f, "tx:1", TX_ACCEPTED);
    struct tx_info i = info_of(f, "tx:1");
    json_t *h = eth_encode_hash(&i.hash);
    snprintf(params, sizeof(params), "[\"%s\"]", json_string_value(h));
    json_decref(h);
    control(f, "anvil_dropTransaction", params);
    loop_run_ms(f->base, 600);
    confirm(f, "tx:1");
}

static void restart_with_a_transaction_in_the_pool(void **state)
{
    struct fixture *f = *state;
    submit(f, "tx:1");
    until(f, "tx:1", TX_ACCEPTED);
    tx_manager_destroy(f->m);
    control(f, "evm_mine", "[]");
    open_manager(f);
    until(f, "tx:1", TX_MINED);
    confirm(f, "tx:1");
    assert_int_equal(nonce_of_account(f), 1);
}

static void foreign_transaction(void **state)
{
    struct fixture *f = *state;
    tx_manager_pause(f->m);
    submit(f, "tx:1");
    /* somebody else takes nonce 0 with a price nobody outbids */
    control(f, "eth_sendTransaction",
            "[{\"from\":\"" ADDR0 "\",\"to\":\"" ADDR0 "\",\"nonce\":\"0x0\",\"gas\":\"0x5208\","
            "\"maxFeePerGas\":\"0x2e90edd000\",\"maxPriorityFeePerGas\":\"0x2e90edd000\"}]");
    tx_manager_resume(f->m);
    loop_run_ms(f->base, 300);
    for (int i = 0; i < 12 && info_of(f, "tx:1").state != TX_CONFIRMED; i++)
        mine(f);
    until(f, "tx:1", TX_CONFIRMED);
    assert_int_equal(nonce_of_account(f), 2);
    struct tx_manager_status st;
    tx_manager_get_status(f->m, &st);
    assert_true(st.foreign_seen);
}

static void revert_that_passes_with_time(void **state)
{
    struct fixture *f = *state;
    /* always reverts with TimeNotReached's selector */
    control(f, "anvil_setCode", "[\"" TARGET "\",\"0x630875398260e01b5f5260045ffd\"]");
    submit(f, "tx:1");
    loop_run_ms(f->base, 300);
    struct tx_info i = info_of(f, "tx:1");
    assert_int_equal(i.wait, TX_WAIT_REVERT);
    assert_non_null(strstr(i.error, "TimeNotReached"));
    control(f, "anvil_setCode", "[\"" TARGET "\",\"0x\"]");
    until(f, "tx:1", TX_ACCEPTED);
    confirm(f, "tx:1");
}

static void revert_on_chain_is_explained(void **state)
{
    struct fixture *f = *state;
    submit(f, "tx:1");
    until(f, "tx:1", TX_ACCEPTED);
    /* NotSettlementLayer(), only known after it was simulated */
    control(f, "anvil_setCode", "[\"" TARGET "\",\"0x63d0266e2660e01b5f5260045ffd\"]");
    mine(f);
    mine(f);
    until(f, "tx:1", TX_REVERTED);
    assert_non_null(strstr(f->last_err, "NotSettlementLayer"));
}

static void empty_purse_is_refilled(void **state)
{
    struct fixture *f = *state;
    control(f, "anvil_setBalance", "[\"" ADDR0 "\",\"0x1\"]");
    loop_run_ms(f->base, 100);
    submit(f, "tx:1");
    loop_run_ms(f->base, 300);
    assert_int_equal(info_of(f, "tx:1").wait, TX_WAIT_LOW_FUNDS);
    control(f, "anvil_setBalance", "[\"" ADDR0 "\",\"0x56bc75e2d63100000\"]");
    confirm(f, "tx:1");
}

static void cancelled_in_flight(void **state)
{
    struct fixture *f = *state;
    struct err e;
    submit(f, "tx:1");
    until(f, "tx:1", TX_ACCEPTED);
    assert_true(tx_manager_cancel(f->m, info_of(f, "tx:1").id, &e));
    /* the pool holds only one of the two after the next block's fee is out of reach for both */
    control(f, "anvil_setNextBlockBaseFeePerGas", "[\"0x174876e800\"]");
    for (int i = 0; i < 12 && info_of(f, "tx:1").state != TX_ABANDONED; i++)
        mine(f);
    until(f, "tx:1", TX_ABANDONED);
    assert_int_equal(nonce_of_account(f), 1);
}

int main(void)
{
    anvil_path = getenv("GH_ANVIL");
    if (!anvil_path) {
        printf("SKIP: the sender on a real pool (GH_ANVIL does not name an anvil)\n");
        return 77;
    }
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(several_in_flight),
        T(stuck_transaction_is_replaced),
        T(block_lost_in_a_reorganisation),
        T(dropped_from_the_pool),
        T(restart_with_a_transaction_in_the_pool),
        T(foreign_transaction),
        T(revert_that_passes_with_time),
        T(revert_on_chain_is_explained),
        T(empty_purse_is_refilled),
        T(cancelled_in_flight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
