/* tests/vectors/execution/execution_vectors.c
 *
 * The recorded formulas of the execution chapter: headers and the rolling hash, transaction hashes, service transactions,
 * L2->L1 logs, prices of L1 messages. */
#include "tests/vectors/execution/vector_json.h"

#include "node/base/hash.h"
#include "node/stf/batch.h"
#include "node/stf/bootloader.h"

static struct stf_header header_1(uint64_t gas_used, struct b256 root)
{
    struct stf_header h;
    memset(&h, 0, sizeof h);
    h.parent_hash = world_b256("ef97917ce9bd9fa7d12ad6a8d81ea26c80ac1d727acc37cbb9799ae199788dc5");
    h.transactions_root = root;
    h.coinbase = world_addr("36615cf349d7f6344891b1e7ca7c72883f5dc049");
    h.number = 1;
    h.gas_limit = 100000000;
    h.gas_used = gas_used;
    h.timestamp = 0x6553f100;
    h.base_fee = u256_of_u64(1000);
    h.mix_hash = b256_of_u64(1);
    return h;
}

static void check_header(const struct stf_header *h, const json_t *want, struct world *w)
{
    uint8_t enc[700];
    size_t n = stf_header_encode(enc, h);
    assert_bytes(bytes_of(enc, n), vector_bytes(w, want, "rlp"));
    assert_b256(stf_header_hash(h), vector_b256(want, "hash"));
}

static void test_headers(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    json_t *j = vectors_load("vectors/execution/block_header.json");
    struct stf_header genesis;
    memset(&genesis, 0, sizeof genesis);
    genesis.gas_limit = 5000;
    genesis.base_fee = u256_of_u64(1000000000);
    check_header(&genesis, json_need(j, "genesis"), &w);

    const json_t *rolling = json_need(j, "rollingHash"), *two = json_need(rolling, "two");
    struct b256 acc = KECCAK_EMPTY;
    assert_b256(acc, vector_b256(rolling, "empty"));
    struct stf_header empty = header_1(0, acc);
    check_header(&empty, json_need(j, "block1_empty"), &w);
    const json_t *hashes = json_need(two, "txHashes");
    for (size_t i = 0; i < json_array_size(hashes); i++) {
        struct b256 h = world_b256(json_string_value(json_array_get(hashes, i)));
        acc = keccak256_pair(&acc, &h);
    }
    assert_b256(acc, vector_b256(two, "root"));
    struct stf_header full = header_1(0x4c4b40, acc);
    check_header(&full, json_need(j, "block1"), &w);
    json_decref(j);
    world_clear(&w);
}

static void test_l1_transactions(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    json_t *j = vectors_load("vectors/execution/l1_tx_hash.json");
    const json_t *vectors = json_need(j, "vectors");
    assert_int_equal(json_array_size(vectors), 3);
    for (size_t i = 0; i < 3; i++) {
        const json_t *v = json_array_get(vectors, i), *f = json_need(v, "tx");
        struct bytes tuple = vector_bytes(&w, v, "abiTuple");
        uint8_t *env = arena_alloc(&w.arena, 1 + tuple.len);
        env[0] = (uint8_t)vector_u64(f, "txType");
        memcpy(env + 1, tuple.p, tuple.len);
        struct stf_tx tx;
        assert_int_equal(tx_decode(&tx, bytes_of(env, 1 + tuple.len), &w.arena), STF_OK);
        assert_b256(tx.hash, vector_b256(v, "hash"));
        assert_int_equal(tx.gas_limit, vector_u64(f, "gasLimit"));
        assert_int_equal(tx.gas_per_pubdata, 800);
        assert_int_equal(tx.value.w[0], vector_u64(f, "value"));
        assert_memory_equal(tx.from.b, vector_addr(f, "from").b, 20);
        assert_bytes(tx.data, vector_bytes(&w, f, "data"));
    }
    json_decref(j);
    world_clear(&w);
}

static void test_service_transactions(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    json_t *j = vectors_load("vectors/execution/service_tx.json");
    const json_t *vectors = json_need(j, "vectors");
    assert_int_equal(json_array_size(vectors), 3);
    for (size_t i = 0; i < 3; i++) {
        const json_t *v = json_array_get(vectors, i);
        struct addr to = vector_addr(v, "to");
        struct bytes data = vector_bytes(&w, v, "data");
        struct u256 salt = world_number(vector_text(v, "salt"));
        struct bytes enc = tx_encode_system(&to, data, salt.w[0], &w.arena);
        assert_bytes(enc, vector_bytes(&w, v, "encoded"));
        struct stf_tx tx;
        assert_int_equal(tx_decode(&tx, enc, &w.arena), STF_OK);
        assert_b256(tx.hash, vector_b256(v, "hash"));
        assert_int_equal(tx.salt, salt.w[0]);
        assert_memory_equal(tx.to.b, to.b, 20);
        assert_bytes(tx.data, data);
    }
    json_decref(j);
    world_clear(&w);
}

/* The logs and messages as a block publishes them. */
static void check_pubdata_section(struct world *w, const struct stf_l2_log logs[4],
                                  struct bytes want)
{
    struct stf_block_context c = world_context();
    struct stf_options options = { 0 };
    struct stf_fault fault;
    struct stf_block_output out;
    struct stf_block *b = stf_block_begin(&w->arena, stf_rules_zksync_os_v31(), &c, &w->oracle,
                                          NULL, &options, &fault);
    assert_non_null(b);
    for (size_t i = 0; i < 4; i++) {
        struct stf_l2_log *log = journal_vec_push(b, &b->l2_logs, sizeof *log);
        assert_non_null(log);
        *log = logs[i];
    }
    assert_true(stf_block_end(b, &out, &fault));
    size_t head = 1 + 32 + 8 + 4; /* and no diffs */
    assert_bytes(bytes_of(out.pubdata.p + head, out.pubdata.len - head), want);
}

static void test_l2_to_l1_logs(void **state)
{
    (void)state;
    static const uint16_t numbers[4] = { 0, 0, 3, 4 };
    struct world w;
    world_init(&w);
    json_t *j = vectors_load("vectors/execution/l2_to_l1_logs.json");
    const json_t *logs = json_need(j, "logs");
    struct b256 leaves[4], scratch[4];
    struct stf_l2_log all[4];
    assert_int_equal(json_array_size(logs), 4);
    for (size_t i = 0; i < 4; i++) {
        const json_t *v = json_array_get(logs, i);
        struct bytes want = vector_bytes(&w, v, "bytes");
        struct stf_l2_log log = { .tx_number = numbers[i], .is_message = i >= 2 };
        memcpy(log.key.b, want.p + 24, 32);
        memcpy(log.value.b, want.p + 56, 32);
        if (log.is_message) {
            struct bytes message = vector_bytes(&w, v, "message");
            assert_b256(keccak256(message.p, message.len), vector_b256(v, "messageHash"));
            assert_b256(log.value, vector_b256(v, "messageHash"));
            log.message = message;
        }
        all[i] = log;
        uint8_t enc[88];
        stf_l2_log_encode(enc, &log);
        assert_bytes(bytes_of(enc, 88), want);
        leaves[i] = batch_l2_log_leaf(&log);
        assert_b256(leaves[i], vector_b256(v, "hash"));
    }
    assert_b256(batch_logs_root(leaves, 4, scratch), vector_b256(j, "treeRootOfAllFour"));
    check_pubdata_section(&w, all, vector_bytes(&w, j, "pubdataSection"));
    json_decref(j);
    world_clear(&w);
}

/* L1 asks for at least the gas that pays our own intrinsic constants (spec 10 §1.3). */
static void test_misc_formulas(void **state)
{
    (void)state;
    json_t *j = vectors_load("vectors/execution/misc_formulas.json");
    const json_t *rows = json_need(j, "l1TxMinGasLimit_v31");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *v = json_array_get(rows, i);
        uint64_t calldata = vector_u64(v, "calldataLen"), fee = vector_u64(v, "maxFeePerGas");
        uint64_t hashing = sys_native_keccak((size_t)vector_u64(v, "encodedLen")) - 2500;
        uint64_t native = 2875420 + hashing + calldata, gas = 21000 + 16 * calldata;
        uint64_t for_native = fee == 0 ? native / 10000 : native * 10 / fee;
        uint64_t with_pubdata = for_native + 351 * vector_u64(v, "gasPerPubdata");
        assert_int_equal(gas > with_pubdata ? gas : with_pubdata, vector_u64(v, "minGas"));
    }
    json_decref(j);
}

/* A transaction of the vector's shape: calldata with nz nonzero bytes. */
static struct stf_tx model_tx(struct world *w, const json_t *in)
{
    struct stf_tx tx;
    memset(&tx, 0, sizeof tx);
    tx.type = TX_DYNAMIC_FEE;
    tx.gas_limit = vector_u64(in, "gas_limit");
    tx.max_fee = vector_u256(in, "gas_price");
    tx.max_priority_fee = tx.max_fee;
    size_t len = (size_t)vector_u64(in, "calldata_len");
    uint8_t *data = arena_zalloc(&w->arena, len + 1);
    memset(data, 1, (size_t)vector_u64(in, "nz"));
    tx.data = bytes_of(data, len);
    return tx;
}

/* The body as the vector models it: so much gas and native, and changes that weigh so many bytes. */
static void model_body(struct tx_run *r, const json_t *in)
{
    uint64_t bytes = vector_u64(in, "pubdata_exec");
    struct stf_res unlimited = { 0, UINT64_MAX };
    r->success = true;
    r->res.gas -= vector_u64(in, "ergs_gas_used_exec");
    r->res.native -= vector_u64(in, "native_exec");
    sys_refund_add(r->b, (int64_t)vector_u64(in, "refund"));
    struct addr a = addr_of_u32(0x99999);
    if (bytes >= 92) {
        assert_int_equal(sys_send_message(r->b, &unlimited, &a,
                                          bytes_of((const uint8_t *)"12345", (size_t)bytes - 92)),
                         HALT_NONE);
    } else { /* key, format, metadata, and the rest of them in the balance */
        struct u256 balance = U256_ONE;
        balance = u256_shl(&balance, (unsigned)(8 * (bytes - 34)) - 1);
        assert_int_equal(sys_add_balance(r->b, NULL, &a, &balance), HALT_NONE);
    }
    assert_int_equal(pubdata_of_tx(r->b), bytes);
}

static void test_native_accounting(void **state)
{
    (void)state;
    json_t *j = vectors_load("vectors/execution/native_accounting.json");
    const json_t *cases = json_need(j, "cases");
    assert_int_equal(json_array_size(cases), 3);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *in = json_need(json_array_get(cases, i), "in");
        const json_t *out = json_need(json_array_get(cases, i), "out");
        struct world w;
        world_init(&w);
        struct stf_block_context c = world_context();
        c.base_fee = vector_u256(in, "gas_price");
        c.native_price = vector_u256(in, "native_price");
        c.pubdata_price = vector_u256(in, "pubdata_price");
        struct stf_options options = { 0 };
        struct stf_fault fault;
        struct stf_tx tx = model_tx(&w, in);
        struct stf_tx_result result;
        memset(&result, 0, sizeof result);
        struct tx_run r = { .tx = &tx, .out = &result };
        r.b = stf_block_begin(&w.arena, stf_rules_zksync_os_v31(), &c, &w.oracle, NULL, &options,
                              &fault);
        assert_non_null(r.b);
        journal_tx_begin(r.b);
        assert_int_equal(bootloader_l2_resources(&r), STF_OK);
        assert_int_equal(r.native_per_gas, vector_u64(out, "nativePerGas"));
        assert_int_equal(r.native_per_pubdata, vector_u64(out, "nativePerPubdata"));
        assert_int_equal(r.full_native, vector_u64(out, "nativePrepaid"));
        assert_int_equal(r.intrinsic_gas, vector_u64(out, "intrinsicGas"));
        assert_int_equal(r.intrinsic_native, vector_u64(out, "intrinsicNative"));
        struct sys_mark before = sys_snapshot(r.b);
        model_body(&r, in);
        assert_int_equal(tx_charge_pubdata(&r, before), vector_u64(in, "pubdata_exec"));
        tx_settle_gas(&r);
        assert_int_equal(r.success, json_is_true(json_need(out, "success")));
        assert_int_equal(result.native_used, vector_u64(out, "nativeUsed"));
        assert_int_equal(result.gas_refunded, vector_u64(out, "evmRefund"));
        assert_int_equal(result.gas_used, vector_u64(out, "gasUsed"));
        world_clear(&w);
    }
    json_decref(j);
}

int main(void)
{
    if (!recorded_present("execution vectors"))
        return 77;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_l1_transactions),
        cmocka_unit_test(test_service_transactions),
        cmocka_unit_test(test_l2_to_l1_logs),
        cmocka_unit_test(test_misc_formulas),
        cmocka_unit_test(test_native_accounting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
