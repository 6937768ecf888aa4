/* tests/fuzz/evm/fuzz_evm.c
 *
 * Two contracts of arbitrary bytecode that may call and create each other, under either rule set,
 * in a bounded arena. Byte 0: bit 0 Ethereum rules, bit 1 little native, bit 2 the second contract
 * is a delegation designator, bit 3 no primitives; byte 1: length of the second contract; byte 2:
 * length of the calldata; bits 4 and 5 of byte 0 which Ethereum rules; then second contract, calldata, first contract.
 *
 * Checked: resources only shrink, a tx-fatal halt leaves no gas, a traced run ends exactly like an
 * untraced one and a translated run like one opcode by opcode, frames nest. */
#include "node/crypto/crypto.h"
#include "node/stf/ee.h"
#include "node/stf/journal.h"

#define GAS         200000u
#define NATIVE      ((uint64_t)1 << 33)
#define ARENA_LIMIT ((size_t)96 << 20)
#define FIRST       0xaau
#define SECOND      0xbbu

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
    struct b256 keys[2], values[2], blob_hashes[2];
    uint8_t records[2][ACCOUNT_RECORD_LEN];
    struct bytes blobs[2];
};

static bool read_slot(void *ctx, const struct b256 *flat_key, struct b256 *value, bool *exists)
{
    const struct world *w = ctx;
    *value = (struct b256){ { 0 } };
    *exists = false;
    for (unsigned i = 0; i < 2; i++) {
        if (b256_eq(flat_key, &w->keys[i])) {
            *value = w->values[i];
            *exists = true;
        }
    }
    return true;
}

static bool read_preimage(void *ctx, const struct b256 *hash, struct bytes *out)
{
    const struct world *w = ctx;
    for (unsigned i = 0; i < 2; i++) {
        if (b256_eq(hash, &w->values[i])) {
            *out = bytes_of(w->records[i], ACCOUNT_RECORD_LEN);
            return true;
        }
        if (b256_eq(hash, &w->blob_hashes[i])) {
            *out = w->blobs[i];
            return true;
        }
    }
    return false;
}

static void add_contract(struct world *w, unsigned i, uint32_t addr, struct bytes code,
                         uint64_t versioning, struct arena *arena)
{
    struct account_record rec = { .nonce = 1, .balance = { { 1000, 0, 0, 0 } } };
    struct addr a = addr_of_u32(addr);
    if (code.len) {
        uint8_t *blob = arena_alloc(arena, code_blob_len(code.len));
        CHECK(blob);
        code_blob_build(blob, code);
        w->blobs[i] = bytes_of(blob, code_blob_len(code.len));
        account_set_code(&rec, w->blobs[i], code.len);
        rec.versioning = versioning;
        w->blob_hashes[i] = rec.bytecode_hash;
    }
    account_encode(w->records[i], &rec);
    w->keys[i] = account_flat_key(&a);
    w->values[i] = account_value(&rec);
}

struct nesting {
    unsigned open;
};
static bool on_step(void *ctx, const struct stf_step *s)
{
    (void)ctx;
    CHECK(s->stack_len <= 1024 && s->memory.len % 32 == 0);
    return true;
}
static void on_enter(void *ctx, const struct ee_frame *f, enum call_kind kind)
{
    struct nesting *n = ctx;
    (void)kind;
    CHECK(f->depth == n->open);
    n->open++;
}
static void on_exit_frame(void *ctx, const struct ee_frame *f, const struct frame_outcome *o)
{
    struct nesting *n = ctx;
    (void)o;
    CHECK(n->open > 0);
    n->open--;
    CHECK(f->depth == n->open);
}

struct end {
    enum stf_halt halt;
    struct stf_res res;
    struct b256 output_hash, storage_hash;
};

/* Any order gives the same sum. */
static void add_slot(void *arg, const struct addr *a, const struct b256 *slot,
                     const struct b256 *value)
{
    struct b256 *sum = arg;
    struct {
        struct addr a;
        struct b256 slot, value;
    } one = { *a, *slot, *value };
    struct b256 h = keccak256((const uint8_t *)&one, sizeof(one));
    for (unsigned i = 0; i < 32; i++)
        sum->b[i] = (uint8_t)(sum->b[i] + h.b[i]);
}

static struct end run(const struct world *w, const uint8_t *data, struct bytes input,
                      const struct stf_tracer *tracer, bool translates)
{
    const struct stf_rules *const rule_sets[] = { stf_rules_ethereum_cancun(),
                                                  stf_rules_ethereum_prague(),
                                                  stf_rules_ethereum_osaka(),
                                                  stf_rules_ethereum_osaka() };
    static const struct stf_crypto none;
    struct world copy = *w;
    struct stf_oracle oracle = { .ctx = &copy,
                                 .read_slot = read_slot,
                                 .read_preimage = read_preimage };
    struct stf_block_context ctx = { .chain_id = 270,
                                     .number = 300,
                                     .timestamp = 1,
                                     .native_price = U256_ONE,
                                     .blob_fee = U256_ONE,
                                     .gas_limit = 100000000,
                                     .pubdata_limit = 110000,
                                     .execution_version = STF_EXECUTION_VERSION_V31 };
    struct stf_options options = { .tracer = tracer, .translates_at_once = translates };
    struct stf_fault fault;
    struct arena arena;
    arena_init_growing(&arena, (size_t)1 << 20, ARENA_LIMIT);
    struct stf_block *b = stf_block_begin(
        &arena, data[0] & 1 ? rule_sets[data[0] >> 4 & 3] : stf_rules_zksync_os_v31(), &ctx,
        &oracle, data[0] & 8 ? &none : crypto_host(), &options, &fault);
    CHECK(b);
    b->tx_id = 1;
    struct ee_call_request req = {
        .kind = CALL_PLAIN,
        .code_addr = addr_of_u32(FIRST),
        .self = addr_of_u32(FIRST),
        .caller = addr_of_u32(0xca11),
        .input = input,
    };
    uint64_t native = data[0] & 2 ? 600000 : NATIVE;
    struct end e = { .res = { .gas = GAS, .native = native } };
    struct frame_outcome o = frame_run_call(b, &e.res, &req);
    e.halt = o.halt;
    e.output_hash = keccak256(o.output.p, o.output.len);
    stf_block_visit_slots(b, add_slot, &e.storage_hash);
    CHECK(e.res.gas <= GAS && e.res.native <= native);
    if (halt_is_tx_fatal(e.halt))
        CHECK(e.res.gas == 0 && o.output.len == 0);
    else if (e.halt != HALT_STOP && e.halt != HALT_REVERT)
        CHECK(e.res.gas == 0 && o.output.len == 0);
    arena_clear(&arena);
    return e;
}

static bool is_same(const struct end *a, const struct end *b)
{
    return a->halt == b->halt && a->res.gas == b->res.gas && a->res.native == b->res.native &&
           b256_eq(&a->output_hash, &b->output_hash) && b256_eq(&a->storage_hash, &b->storage_hash);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t designator[23] = { 0xef, 0x01 };
    if (size < 3 || size > 8192 || (size_t)data[1] + data[2] + 3 > size)
        return 0;
    struct arena arena;
    struct world w;
    memset(&w, 0, sizeof(w));
    arena_init_growing(&arena, (size_t)1 << 16, (size_t)1 << 20);
    struct bytes second = bytes_of(data + 3, data[1]),
                 input = bytes_of(data + 3 + data[1], data[2]);
    struct bytes first =
        bytes_of(data + 3 + data[1] + data[2], size - 3 - (size_t)data[1] - data[2]);
    bool delegated = data[0] & 4;
    designator[22] = FIRST;
    add_contract(&w, 0, FIRST, first, ACCOUNT_VERSIONING_DEPLOYED, &arena);
    add_contract(&w, 1, SECOND, delegated ? bytes_of(designator, 23) : second,
                 delegated ? ACCOUNT_VERSIONING_DELEGATED : ACCOUNT_VERSIONING_DEPLOYED, &arena);

    struct end plain = run(&w, data, input, NULL, false);
    struct end translated = run(&w, data, input, NULL, true);
    struct nesting n = { 0 };
    const struct stf_tracer tracer = {
        .ctx = &n, .on_step = on_step, .on_enter = on_enter, .on_exit = on_exit_frame
    };
    struct end traced = run(&w, data, input, &tracer, false);
    CHECK(is_same(&plain, &traced) && is_same(&plain, &translated));
    CHECK(n.open == 0);
    arena_clear(&arena);
    return 0;
}
