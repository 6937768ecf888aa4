/* The shell around the sender's machine: a JSON-RPC node with a pool, real signatures, a real SQLite journal, one loop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <event2/thread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/base/hash.h"
#include "node/base/hex.h"
#include "node/base/log.h"
#include "node/base/rlp.h"
#include "node/net/eth_client.h"
#include "node/sender/signer.h"
#include "node/sender/tx_journal.h"
#include "node/sender/tx_manager.h"
#include "node/store/store.h"
#include "tests/unit/loop.h"
#include "tests/unit/net/fake_node.h"

#define KEY      "0x4646464646464646464646464646464646464646464646464646464646464646"
#define POOL_MAX 32

struct pool_tx {
    uint64_t nonce, max_fee;
    struct b256 hash;
    uint64_t block;
};
struct chain {
    uint64_t head, latest, base_fee;
    struct pool_tx txs[POOL_MAX];
    size_t cnt;
    bool auto_mine, status_zero, no_fee_history;
    const char *revert; /* hex data of eth_call */
    unsigned sends, calls;
};
struct note {
    uint64_t id;
    enum tx_state state;
    char err[256];
};
struct fixture {
    struct event_base *base;
    struct chain chain;
    struct fake_node *node;
    struct eth_client *eth;
    struct signer *signer;
    sqlite3 *db;
    struct tx_journal *journal;
    struct tx_manager *m;
    struct note notes[256];
    size_t note_cnt;
    bool inside; /* a call of ours is running: no callback may */
};

static json_t *q(uint64_t v)
{
    char t[32];
    snprintf(t, sizeof(t), "0x%llx", (unsigned long long)v);
    return json_string(t);
}

static json_t *hash_json(const struct b256 *h)
{
    char t[67];
    hex_encode0x(t, h->b, 32);
    return json_string(t);
}

static json_t *block_hash(uint64_t n)
{
    struct b256 h = b256_of_u64(n);
    return hash_json(&h);
}

static void mine(struct chain *c)
{
    c->head++;
    for (bool again = true; again;) {
        again = false;
        for (size_t i = 0; i < c->cnt; i++)
            if (!c->txs[i].block && c->txs[i].nonce == c->latest &&
                c->txs[i].max_fee >= c->base_fee) {
                c->txs[i].block = c->head;
                c->latest++;
                again = true;
            }
    }
}

static json_t *send_raw(struct chain *c, const json_t *params, json_t **error)
{
    uint8_t raw[4096];
    size_t len = 0;
    const char *text = json_string_value(json_array_get(params, 0));
    assert_true(hex_decode(raw, sizeof(raw), &len, text, strlen(text)));
    assert_int_equal(raw[0], 2);
    struct rlp_reader outer = rlp_reader_of(bytes_of(raw + 1, len - 1));
    struct rlp_reader r = rlp_read_list(&outer);
    assert_int_equal(rlp_read_u64(&r), 31337);
    struct pool_tx t = { .nonce = rlp_read_u64(&r), .hash = keccak256(raw, len) };
    (void)rlp_read_u64(&r);
    t.max_fee = rlp_read_u64(&r);
    assert_true(r.ok);
    c->sends++;
    for (size_t i = 0; i < c->cnt; i++)
        if (b256_eq(&c->txs[i].hash, &t.hash)) {
            *error = fake_error(-32000, "already known", NULL);
            return NULL;
        }
    if (t.nonce < c->latest) {
        *error = fake_error(-32000, "nonce too low", NULL);
        return NULL;
    }
    assert_true(c->cnt < POOL_MAX);
    c->txs[c->cnt++] = t;
    if (c->auto_mine)
        mine(c);
    return hash_json(&t.hash);
}

static json_t *receipt(struct chain *c, const json_t *params)
{
    struct b256 h;
    const char *text = json_string_value(json_array_get(params, 0));
    assert_true(hex_decode_exact(h.b, 32, text, strlen(text)));
    for (size_t i = 0; i < c->cnt; i++)
        if (b256_eq(&c->txs[i].hash, &h) && c->txs[i].block)
            return json_pack("{s:o,s:o,s:o,s:s,s:s,s:s,s:s,s:s,s:[]}", "transactionHash",
                             hash_json(&h), "blockNumber", q(c->txs[i].block), "blockHash",
                             block_hash(c->txs[i].block), "transactionIndex", "0x0", "status",
                             c->status_zero ? "0x0" : "0x1", "gasUsed", "0x5208",
                             "effectiveGasPrice", "0x3b9aca00", "from",
                             "0x00000000000000000000000000000000000000aa", "logs");
    return NULL;
}

static json_t *call(void *arg, const char *method, const json_t *params, json_t **error)
{
    struct chain *c = arg;
    c->calls++;
    if (strcmp(method, "eth_chainId") == 0)
        return q(31337);
    if (strcmp(method, "eth_blockNumber") == 0)
        return q(c->head);
    if (strcmp(method, "eth_getBlockByNumber") == 0)
        return json_pack("{s:o,s:o,s:o,s:s,s:s,s:s,s:o,s:[]}", "number", q(c->head), "hash",
                         block_hash(c->head), "parentHash", block_hash(c->head - 1), "timestamp",
                         "0x1", "gasLimit", "0x1c9c380", "gasUsed", "0x0", "baseFeePerGas",
                         q(c->base_fee), "transactions");
    if (strcmp(method, "eth_feeHistory") == 0) {
        if (c->no_fee_history) {
            *error = fake_error(-32601, "the method does not exist", NULL);
            return NULL;
        }
        return json_pack("{s:o,s:[o,o],s:[[s]]}", "oldestBlock", q(c->head), "baseFeePerGas",
                         q(c->base_fee), q(c->base_fee), "reward", "0x5f5e100");
    }
    if (strcmp(method, "eth_gasPrice") == 0)
        return q(c->base_fee);
    if (strcmp(method, "eth_getBalance") == 0)
        return json_string("0x56bc75e2d63100000");
    if (strcmp(method, "eth_getTransactionCount") == 0)
        return q(c->latest);
    if (strcmp(method, "eth_sendRawTransaction") == 0)
        return send_raw(c, params, error);
    if (strcmp(method, "eth_getTransactionReceipt") == 0)
        return receipt(c, params);
    if (strcmp(method, "eth_estimateGas") == 0)
        return q(100000);
    if (strcmp(method, "eth_call") == 0) {
        if (c->revert) {
            *error = fake_error(3, "execution reverted", c->revert);
            return NULL;
        }
        return json_string("0x");
    }
    *error = fake_error(-32601, "the method does not exist", NULL);
    return NULL;
}

static void on_post(void *arg, const json_t *doc, struct fake_reply *out)
{
    out->body = fake_answers(doc, call, arg);
}

static void on_change(void *arg, uint64_t id, enum tx_state state, const struct err *err)
{
    struct fixture *f = arg;
    assert_false(f->inside);
    assert_true(f->note_cnt < 256);
    struct note *n = &f->notes[f->note_cnt++];
    *n = (struct note){ .id = id, .state = state };
    snprintf(n->err, sizeof(n->err), "%.250s", err ? err->msg : "");
}

static struct tx_manager *manager_over(struct fixture *f, struct tx_journal *j)
{
    struct err e;
    struct tx_manager_deps deps = { f->base, clock_system(), f->eth, f->signer, j };
    struct tx_manager_config cfg = {
        .name = "commit", .chain_id = 31337, .poll_ms = 20, .required_confirmations = 2
    };
    struct tx_manager *m = tx_manager_create(&deps, &cfg, on_change, f, &e);
    assert_non_null(m);
    assert_true(tx_manager_start(m, &e));
    return m;
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct err e;
    log_configure(LOG_ERROR, false);
    f->base = event_base_new();
    f->chain = (struct chain){ .head = 100, .latest = 3, .base_fee = 1000000000 };
    f->node = fake_node_start(f->base, on_post, &f->chain);
    const char *url = fake_node_url(f->node);
    struct eth_client_deps deps = { f->base, clock_system() };
    struct eth_client_config cfg = { .urls = &url, .url_cnt = 1, .chain_id = 31337 };
    f->eth = eth_client_create(&deps, &cfg, &e);
    f->signer = signer_open(KEY, &e);
    assert_true(f->eth && f->signer);
    assert_int_equal(sqlite3_open(":memory:", &f->db), SQLITE_OK);
    f->journal = tx_journal_sqlite(f->db, &e);
    assert_non_null(f->journal);
    f->m = manager_over(f, f->journal);
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
    fake_node_stop(f->node);
    event_base_free(f->base);
    free(f);
    return 0;
}

static uint64_t submit(struct fixture *f, const char *key, const char *data, bool *is_new)
{
    struct tx_request r = { .key = key, .label = "commit", .data = bytes_of(data, strlen(data)) };
    struct err e;
    uint64_t id = 0;
    r.to.b[19] = 0x42;
    f->inside = true;
    assert_true(tx_manager_submit(f->m, &r, &id, is_new, &e));
    f->inside = false;
    return id;
}

static enum tx_state state_of(struct fixture *f, const char *key)
{
    struct tx_info i;
    return tx_manager_find(f->m, key, &i) ? i.state : TX_STATE_CNT;
}

static void until(struct fixture *f, const char *key, enum tx_state want)
{
    for (int i = 0; i < 100 && state_of(f, key) != want; i++)
        loop_run_ms(f->base, 20);
    assert_int_equal(state_of(f, key), want);
}

static void a_request_goes_through_and_its_row_stays(void **state)
{
    struct fixture *f = *state;
    bool is_new;
    uint64_t id = submit(f, "commit:1", "abc", &is_new);
    assert_true(is_new);
    until(f, "commit:1", TX_ACCEPTED);
    assert_int_equal(f->chain.txs[0].nonce, 3);
    mine(&f->chain);
    until(f, "commit:1", TX_MINED);
    mine(&f->chain);
    until(f, "commit:1", TX_CONFIRMED);
    struct tx_info i;
    assert_true(tx_manager_get(f->m, id, &i));
    assert_string_equal(i.key, "commit:1");
    assert_int_equal(i.nonce, 3);
    assert_int_equal(i.block_number, 101);
    assert_int_equal(i.gas_limit, 125000);
    assert_int_equal(i.paid.w[0], UINT64_C(21000) * 1000000000);
    assert_memory_equal(i.hash.b, f->chain.txs[0].hash.b, 32);
    assert_int_equal(f->notes[f->note_cnt - 1].state, TX_CONFIRMED);
    struct tx_manager_status st;
    tx_manager_get_status(f->m, &st);
    assert_int_equal(st.confirmed, 1);
    assert_int_equal(st.queued + st.in_flight + st.unconfirmed, 0);
    assert_true(st.node_ok && st.started);
}

static void submitting_twice_sends_once(void **state)
{
    struct fixture *f = *state;
    bool is_new;
    uint64_t id = submit(f, "commit:1", "abc", &is_new);
    assert_int_equal(submit(f, "commit:1", "abc", &is_new), id);
    assert_false(is_new);
    struct tx_request other = { .key = "commit:1", .data = bytes_of("xyz", 3) };
    struct err e;
    uint64_t got;
    assert_false(tx_manager_submit(f->m, &other, &got, &is_new, &e));
    assert_int_equal(e.kind, ERR_INVALID);
    until(f, "commit:1", TX_ACCEPTED);
    mine(&f->chain);
    mine(&f->chain);
    until(f, "commit:1", TX_CONFIRMED);
    assert_int_equal(submit(f, "commit:1", "abc", &is_new), id); /* known from the journal, too */
    assert_false(is_new);
    loop_run_ms(f->base, 100);
    assert_int_equal(f->chain.sends, 1);
    other.key = "";
    assert_false(tx_manager_submit(f->m, &other, &got, &is_new, &e));
}

static void restart_adopts_what_is_in_the_pool(void **state)
{
    struct fixture *f = *state;
    bool is_new;
    uint64_t id = submit(f, "commit:1", "abc", &is_new);
    submit(f, "commit:2", "def", &is_new);
    until(f, "commit:2", TX_ACCEPTED);
    tx_manager_destroy(f->m);
    f->m = manager_over(f, f->journal);
    struct tx_info i;
    assert_true(tx_manager_find(f->m, "commit:1", &i));
    assert_int_equal(i.id, id);
    assert_int_equal(i.nonce, 3);
    mine(&f->chain);
    mine(&f->chain);
    until(f, "commit:1", TX_CONFIRMED);
    until(f, "commit:2", TX_CONFIRMED);
    assert_int_equal(f->chain.cnt, 2);
    assert_true(submit(f, "commit:3", "ghi", &is_new) > id + 1); /* ids are not used again */
    until(f, "commit:3", TX_ACCEPTED);
    assert_int_equal(f->chain.txs[2].nonce, 5);
}

static void a_failed_key_can_be_submitted_again(void **state)
{
    struct fixture *f = *state;
    bool is_new;
    f->chain.revert = "0xd0266e26";
    uint64_t id = submit(f, "commit:1", "abc", &is_new);
    until(f, "commit:1", TX_ABANDONED);
    assert_non_null(strstr(f->notes[f->note_cnt - 1].err, "NotSettlementLayer"));
    struct tx_info i;
    assert_true(tx_manager_get(f->m, id, &i));
    assert_non_null(strstr(i.error, "NotSettlementLayer"));
    f->chain.revert = NULL;
    assert_true(submit(f, "commit:1", "abc", &is_new) > id);
    assert_true(is_new);
    until(f, "commit:1", TX_ACCEPTED);
}

static void a_mined_revert_is_explained(void **state)
{
    struct fixture *f = *state;
    bool is_new;
    submit(f, "prove:1", "abc", &is_new);
    until(f, "prove:1", TX_ACCEPTED);
    f->chain.status_zero = true;
    f->chain.revert = "0x09bde339";
    mine(&f->chain);
    mine(&f->chain);
    until(f, "prove:1", TX_REVERTED);
    assert_non_null(strstr(f->notes[f->note_cnt - 1].err, "InvalidProof"));
}

static void a_stuck_transaction_is_replaced_over_the_wire(void **state)
{
    struct fixture *f = *state;
    bool is_new;
    submit(f, "commit:1", "abc", &is_new);
    until(f, "commit:1", TX_ACCEPTED);
    f->chain.base_fee = 10000000000; /* ten times */
    for (int i = 0; i < 4; i++) {
        mine(&f->chain);
        loop_run_ms(f->base, 60);
    }
    assert_true(f->chain.cnt >= 2);
    assert_int_equal(f->chain.txs[1].nonce, 3);
    until(f, "commit:1", TX_MINED);
    struct tx_info i;
    assert_true(tx_manager_find(f->m, "commit:1", &i));
    assert_memory_equal(i.hash.b, f->chain.txs[1].hash.b, 32);
    assert_int_equal(i.variants, 2);
}

static void works_without_fee_history(void **state)
{
    struct fixture *f = *state;
    bool is_new;
    f->chain.no_fee_history = true;
    loop_run_ms(f->base, 50);
    submit(f, "commit:1", "abc", &is_new);
    until(f, "commit:1", TX_ACCEPTED);
}

static void stop_means_silence_and_start_goes_on(void **state)
{
    struct fixture *f = *state;
    bool is_new;
    struct err e;
    submit(f, "commit:1", "abc", &is_new);
    until(f, "commit:1", TX_ACCEPTED);
    mine(&f->chain);
    loop_run_ms(f->base, 1); /* calls are on their way */
    tx_manager_stop(f->m);
    size_t notes = f->note_cnt;
    submit(f, "commit:2", "def", &is_new); /* taken, not carried out */
    loop_run_ms(f->base, 150);
    assert_int_equal(f->note_cnt, notes);
    assert_true(tx_manager_start(f->m, &e));
    mine(&f->chain);
    until(f, "commit:1", TX_CONFIRMED);
    until(f, "commit:2", TX_ACCEPTED);
}

static void cancel_pause_and_caps(void **state)
{
    struct fixture *f = *state;
    bool is_new;
    struct err e;
    tx_manager_pause(f->m);
    uint64_t id = submit(f, "commit:1", "abc", &is_new);
    loop_run_ms(f->base, 80);
    assert_int_equal(state_of(f, "commit:1"), TX_INTENT);
    struct tx_info list[4];
    assert_int_equal(tx_manager_list(f->m, list, 4), 1);
    assert_int_equal(list[0].wait, TX_WAIT_PAUSED);
    f->inside = true;
    assert_true(tx_manager_cancel(f->m, id, &e));
    f->inside = false;
    until(f, "commit:1", TX_ABANDONED);
    struct tx_fee_caps caps = tx_manager_caps(f->m);
    caps.max_fee = u256_of_u64(1);
    caps.max_tip = u256_of_u64(1);
    assert_true(tx_manager_set_caps(f->m, &caps, &e));
    tx_manager_resume(f->m);
    submit(f, "commit:2", "abc", &is_new);
    loop_run_ms(f->base, 100);
    struct tx_manager_status st;
    tx_manager_get_status(f->m, &st);
    assert_true(st.fee_capped);
    assert_int_equal(f->chain.sends, 0);
}

static void the_nodes_store_can_hold_the_journal(void **state)
{
    struct fixture *f = *state;
    char dir[] = "/tmp/gh_sender_XXXXXX", cmd[64];
    bool is_new;
    struct err e;
    assert_non_null(mkdtemp(dir));
    tx_manager_destroy(f->m);
    struct store_config cfg = { .dir = dir };
    struct store *store = store_open(f->base, &cfg, &e);
    assert_non_null(store);
    struct tx_journal *j = tx_journal_store(store, &e);
    assert_non_null(j);
    f->m = manager_over(f, j);
    submit(f, "commit:1", "abc", &is_new);
    until(f, "commit:1", TX_ACCEPTED);
    tx_manager_destroy(f->m); /* with writes under way or not */
    f->m = manager_over(f, j);
    struct tx_info info;
    assert_true(tx_manager_find(f->m, "commit:1", &info));
    assert_int_equal(info.variants, 1); /* what was under way has arrived before it was read */
    until(f, "commit:1", TX_ACCEPTED);
    assert_int_equal(f->chain.cnt, 1);
    mine(&f->chain);
    mine(&f->chain);
    until(f, "commit:1", TX_CONFIRMED);
    submit(f, "commit:2", "abc", &is_new);
    tx_manager_destroy(f->m);
    tx_journal_destroy(j);
    store_close(store);
    f->m = NULL;
    static const char *const files[] = { "chain.db", "journal.db", "index.db", "lock" };
    for (size_t i = 0; i < 4; i++) {
        static const char *const ends[] = { "", "-wal", "-shm" };
        for (size_t k = 0; k < 3; k++) {
            snprintf(cmd, sizeof(cmd), "%s/%s%s", dir, files[i], ends[k]);
            unlink(cmd);
        }
    }
    rmdir(dir);
}

int main(void)
{
    evthread_use_pthreads();
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_request_goes_through_and_its_row_stays),
        T(submitting_twice_sends_once),
        T(restart_adopts_what_is_in_the_pool),
        T(a_failed_key_can_be_submitted_again),
        T(a_mined_revert_is_explained),
        T(a_stuck_transaction_is_replaced_over_the_wire),
        T(works_without_fee_history),
        T(stop_means_silence_and_start_goes_on),
        T(cancel_pause_and_caps),
        T(the_nodes_store_can_hold_the_journal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
