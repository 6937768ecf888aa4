/* node/stf/journal_account.c
 *
 * Accounts as the system offers them: access and its two prices, balances, nonces, code, creation and
 * self-destruction (spec 10 §7.7, §8.1; spec 20 §2). */
#include "node/base/hash.h"
#include "node/stf/ee.h"
#include "node/stf/journal.h"

/* The 0x8003 slot, and the record behind it when there is one. */
static uint64_t native_first_access(const struct account_entry *e)
{
    if (b256_is_zero(&e->initial_value))
        return NATIVE_STORAGE_WARM + NATIVE_STORAGE_COLD_NEW;
    return NATIVE_STORAGE_WARM + NATIVE_STORAGE_COLD + NATIVE_PREIMAGE +
           sys_native_blake2s(ACCOUNT_RECORD_LEN);
}

static enum stf_halt charge_access(struct stf_block *b, struct stf_res *res,
                                   const struct account_entry *e, enum account_gas gas)
{
    enum stf_halt h = res_charge(res, gas == ACCOUNT_GAS_ACCESS ? 100 : 0, NATIVE_ACCOUNT);
    if (h != HALT_NONE || e->warm_tx == b->tx_id)
        return h;
    uint64_t cold = 0;
    if (gas != ACCOUNT_GAS_NONE && !journal_is_precompile(b, &e->addr))
        cold = gas == ACCOUNT_GAS_ACCESS ? 2500 : 2600;
    h = res_charge(res, cold, 0);
    return h != HALT_NONE ? h : res_charge(res, 0, native_first_access(e));
}

enum stf_halt journal_access(struct stf_block *b, struct stf_res *res, const struct addr *a,
                             enum account_gas gas, struct account_entry **out)
{
    struct account_entry *e = journal_account(b, a);
    if (e == NULL)
        return HALT_BLOCK;
    if (res != NULL) {
        enum stf_halt h = charge_access(b, res, e, gas);
        if (h != HALT_NONE)
            return h;
    }
    if (!journal_warm_account(b, e))
        return HALT_BLOCK;
    *out = e;
    return HALT_NONE;
}

/* One property write: an access and the write extra. */
static enum stf_halt access_for_write(struct stf_block *b, struct stf_res *res,
                                      const struct addr *a, enum account_gas gas,
                                      struct account_entry **out)
{
    enum stf_halt h = journal_access(b, res, a, gas, out);
    if (h != HALT_NONE || res == NULL)
        return h;
    return res_charge(res, 0, NATIVE_ACCOUNT_WRITE);
}

enum stf_halt sys_account(struct stf_block *b, struct stf_res *res, const struct addr *a,
                          bool charge_gas, const struct account_record **out)
{
    struct account_entry *e;
    if (res == NULL) {
        e = journal_account(b, a);
        if (e == NULL)
            return HALT_BLOCK;
    } else {
        enum stf_halt h =
            journal_access(b, res, a, charge_gas ? ACCOUNT_GAS_ACCESS : ACCOUNT_GAS_NONE, &e);
        if (h != HALT_NONE)
            return h;
    }
    *out = &e->current;
    return HALT_NONE;
}

uint64_t sys_native_code_read(const struct account_record *rec)
{
    if (b256_is_zero(&rec->bytecode_hash))
        return 0;
    return NATIVE_PREIMAGE +
           sys_native_blake2s(code_padded_len(rec->code_len) + rec->artifacts_len);
}

enum stf_halt sys_code(struct stf_block *b, const struct account_record *rec, struct bytes *code,
                       const uint8_t **bitmap)
{
    *code = bytes_of(NULL, 0);
    *bitmap = NULL;
    if (rec->code_len == 0)
        return HALT_NONE;
    struct bytes blob = journal_preimage(b, &rec->bytecode_hash);
    if (blob.p == NULL)
        return HALT_BLOCK;
    size_t padded = code_padded_len(rec->code_len);
    bool has_bitmap = rec->artifacts_len == code_artifacts_len(rec->code_len);
    if (blob.len != padded + rec->artifacts_len || (rec->artifacts_len != 0 && !has_bitmap))
        return sys_fail(b, STF_E_ORACLE);
    *code = bytes_of(blob.p, rec->code_len);
    if (has_bitmap)
        *bitmap = blob.p + padded;
    return HALT_NONE;
}

bool sys_is_warm(const struct stf_block *b, const struct addr *a)
{
    if (journal_is_precompile(b, a))
        return true;
    struct account_entry *const *e = map_find(&b->accounts, a->b);
    return e != NULL && (*e)->warm_tx == b->tx_id;
}

enum stf_halt sys_warm_account(struct stf_block *b, const struct addr *a)
{
    struct account_entry *e = journal_account(b, a);
    return e != NULL && journal_warm_account(b, e) ? HALT_NONE : HALT_BLOCK;
}

enum stf_halt sys_warm_slot(struct stf_block *b, const struct addr *a, const struct b256 *slot)
{
    struct slot_entry *s = journal_slot(b, a, slot);
    return s != NULL && journal_warm_slot(b, s) ? HALT_NONE : HALT_BLOCK;
}

bool sys_has_storage(const struct stf_block *b, const struct addr *a)
{
    struct account_entry *const *e = map_find(&b->accounts, a->b);
    for (const struct slot_entry *s = e == NULL ? NULL : (*e)->slots; s != NULL;
         s = s->next_of_account)
        if (s->loaded && !b256_is_zero(&s->current))
            return true;
    return b->oracle->has_storage != NULL && b->oracle->has_storage(b->oracle->ctx, a);
}

/* ---- balances ---- */

static enum stf_halt sub_balance(struct stf_block *b, struct stf_res *res, const struct addr *a,
                                 const struct u256 *amount, enum account_gas gas)
{
    struct account_entry *e;
    enum stf_halt h = access_for_write(b, res, a, gas, &e);
    if (h != HALT_NONE)
        return h;
    struct u256 left;
    if (!u256_sub_checked(&left, &e->current.balance, amount))
        return HALT_REVERT;
    return journal_set_balance(b, e, &left) ? HALT_NONE : HALT_BLOCK;
}

static enum stf_halt add_balance(struct stf_block *b, struct stf_res *res, const struct addr *a,
                                 const struct u256 *amount, enum account_gas gas)
{
    struct account_entry *e;
    enum stf_halt h = access_for_write(b, res, a, gas, &e);
    if (h != HALT_NONE)
        return h;
    struct u256 sum;
    if (!u256_add_checked(&sum, &e->current.balance, amount))
        return HALT_REVERT;
    return journal_set_balance(b, e, &sum) ? HALT_NONE : HALT_BLOCK;
}

enum stf_halt sys_sub_balance(struct stf_block *b, struct stf_res *res, const struct addr *a,
                              const struct u256 *amount)
{
    return sub_balance(b, res, a, amount, ACCOUNT_GAS_NONE);
}

enum stf_halt sys_add_balance(struct stf_block *b, struct stf_res *res, const struct addr *a,
                              const struct u256 *amount)
{
    return add_balance(b, res, a, amount, ACCOUNT_GAS_NONE);
}

/* Both sides pay even for a zero amount; the public form leaves out zero amounts before. */
static enum stf_halt transfer(struct stf_block *b, struct stf_res *res, const struct addr *from,
                              const struct addr *to, const struct u256 *amount,
                              enum account_gas gas)
{
    struct sys_mark m = sys_snapshot(b);
    enum stf_halt h = sub_balance(b, res, from, amount, gas);
    if (h != HALT_NONE)
        return h;
    h = add_balance(b, res, to, amount, gas);
    if (h == HALT_REVERT) /* overflow of the receiver: the debit goes too */
        sys_rollback(b, m);
    return h;
}

enum stf_halt sys_transfer(struct stf_block *b, struct stf_res *res, const struct addr *from,
                           const struct addr *to, const struct u256 *amount)
{
    if (u256_is_zero(amount))
        return HALT_NONE;
    return transfer(b, res, from, to, amount, ACCOUNT_GAS_NONE);
}

/* ---- nonce, creation, code ---- */

enum stf_halt sys_increment_nonce(struct stf_block *b, struct stf_res *res, const struct addr *a,
                                  uint64_t *old_nonce)
{
    struct account_entry *e;
    enum stf_halt h = access_for_write(b, res, a, ACCOUNT_GAS_NONE, &e);
    if (h != HALT_NONE)
        return h;
    *old_nonce = e->current.nonce;
    if (e->current.nonce == UINT64_MAX)
        return HALT_REVERT;
    return journal_set_nonce(b, e, e->current.nonce + 1) ? HALT_NONE : HALT_BLOCK;
}

enum stf_halt sys_mark_created(struct stf_block *b, struct stf_res *res, const struct addr *a)
{
    struct account_entry *e;
    enum stf_halt h = access_for_write(b, res, a, ACCOUNT_GAS_NONE, &e);
    if (h != HALT_NONE)
        return h;
    if (!journal_set_nonce(b, e, 1) ||
        (b->rules->marks_created_at_start && !journal_mark_created(b, e)))
        return HALT_BLOCK;
    return HALT_NONE;
}

bool sys_created_in_tx(const struct stf_block *b, const struct addr *a)
{
    struct account_entry *const *e = map_find(&b->accounts, a->b);
    return e != NULL && (*e)->created_tx == b->tx_id;
}

/* Blob of the code in the arena; charges preprocessing, hashing and recording. */
static enum stf_halt record_code(struct stf_block *b, struct stf_res *res, uint8_t environment,
                                 struct bytes code, struct account_record *rec)
{
    size_t len = code_blob_len(code.len);
    if (res != NULL) {
        enum stf_halt h = res_charge(res, 0,
                                     (uint64_t)NATIVE_PREPROCESS_PER_BYTE * code.len +
                                         sys_native_blake2s(len) + NATIVE_PREIMAGE);
        if (h != HALT_NONE)
            return h;
    }
    uint8_t *blob = arena_alloc(b->arena, len);
    if (blob == NULL)
        return journal_out_of_memory(b);
    code_blob_build(blob, code);
    rec->versioning = account_versioning_deployed(environment);
    rec->bytecode_hash = blake2s(blob, len);
    rec->code_len = (uint32_t)code.len;
    rec->artifacts_len = (uint32_t)code_artifacts_len(code.len);
    rec->observable_len = (uint32_t)code.len;
    return journal_add_code(b, &rec->bytecode_hash, bytes_of(blob, len)) ? HALT_NONE : HALT_BLOCK;
}

enum stf_halt sys_set_code(struct stf_block *b, struct stf_res *res, const struct addr *a,
                           uint8_t environment, struct bytes code)
{
    struct account_entry *e;
    enum stf_halt h = journal_access(b, res, a, ACCOUNT_GAS_NONE, &e);
    if (h == HALT_NONE && res != NULL)
        h = res_charge(res, 0, sys_native_keccak(code.len));
    if (h != HALT_NONE)
        return h;
    struct account_record rec = e->current;
    rec.observable_hash = keccak256(code.p, code.len);
    h = record_code(b, res, environment, code, &rec);
    if (h == HALT_NONE && res != NULL)
        h = res_charge(res, 0, NATIVE_ACCOUNT_WRITE);
    if (h != HALT_NONE)
        return h;
    if (!journal_set_record(b, e, &rec, false) || !journal_mark_created(b, e))
        return HALT_BLOCK;
    return HALT_NONE;
}

enum stf_halt journal_force_code(struct stf_block *b, struct stf_res *res, const struct addr *a,
                                 const struct b256 *bare_hash, uint32_t len,
                                 const struct b256 *observable_hash)
{
    struct account_entry *e;
    enum stf_halt h = journal_access(b, res, a, ACCOUNT_GAS_NONE, &e);
    if (h != HALT_NONE)
        return h;
    struct bytes code = bytes_of((const uint8_t *)"", 0);
    if (!b256_is_zero(bare_hash)) {
        h = res_charge(res, 0, NATIVE_PREIMAGE + sys_native_blake2s(len));
        if (h != HALT_NONE)
            return h;
        code = journal_preimage(b, bare_hash);
        if (code.p == NULL)
            return HALT_BLOCK;
    }
    if (code.len != len)
        return sys_fail(b, STF_E_ORACLE);
    struct account_record rec = e->current;
    rec.observable_hash = *observable_hash;
    h = record_code(b, res, ACCOUNT_ENVIRONMENT_EVM, code, &rec);
    if (h == HALT_NONE)
        h = res_charge(res, 0, NATIVE_ACCOUNT_WRITE);
    if (h != HALT_NONE)
        return h;
    if (!journal_set_record(b, e, &rec, true) || !journal_mark_created(b, e))
        return HALT_BLOCK;
    return HALT_NONE;
}

bool journal_set_delegation(struct stf_block *b, struct account_entry *e, const struct addr *target)
{
    struct account_record rec = e->current;
    struct b256 zero = { { 0 } };
    rec.artifacts_len = 0;
    if (addr_is_zero(target)) {
        rec.versioning = ACCOUNT_VERSIONING_NONE;
        rec.bytecode_hash = zero;
        rec.observable_hash = zero;
        rec.code_len = 0;
        rec.observable_len = 0;
        return journal_set_record(b, e, &rec, false);
    }
    uint8_t *blob = arena_zalloc(b->arena, 24);
    if (blob == NULL) {
        (void)journal_out_of_memory(b);
        return false;
    }
    blob[0] = 0xef;
    blob[1] = 0x01;
    memcpy(blob + 3, target->b, 20);
    rec.versioning = ACCOUNT_VERSIONING_DELEGATED;
    rec.bytecode_hash = blake2s(blob, 24);
    rec.observable_hash = keccak256(blob, 23);
    rec.code_len = 23;
    rec.observable_len = 23;
    return journal_add_code(b, &rec.bytecode_hash, bytes_of(blob, 24)) &&
           journal_set_record(b, e, &rec, false);
}

/* ---- self-destruction ---- */

/* The beneficiary was nothing before it got the amount. */
static bool was_empty(const struct account_entry *e, const struct u256 *amount)
{
    return e->current.nonce == 0 && e->current.code_len == 0 &&
           u256_eq(&e->current.balance, amount);
}

static enum stf_halt self_destruct(struct stf_block *b, struct stf_res *res,
                                   const struct addr *self, const struct addr *beneficiary,
                                   bool in_creation, struct u256 *moved)
{
    struct account_entry *e;
    enum stf_halt h = access_for_write(b, res, self, ACCOUNT_GAS_SELFDESTRUCT, &e);
    if (h != HALT_NONE)
        return h;
    struct u256 amount = e->current.balance, zero = U256_ZERO;
    *moved = amount;
    bool dies = e->created_tx == b->tx_id || in_creation;
    if (dies && !journal_mark_destroyed(b, e))
        return HALT_BLOCK;
    if (addr_eq(self, beneficiary)) {
        if (dies && !journal_set_balance(b, e, &zero))
            return HALT_BLOCK;
        return HALT_NONE;
    }
    h = transfer(b, res, self, beneficiary, &amount, ACCOUNT_GAS_SELFDESTRUCT);
    if (h != HALT_NONE || u256_is_zero(&amount))
        return h;
    struct account_entry *to = journal_account(b, beneficiary);
    if (to == NULL)
        return HALT_BLOCK;
    return was_empty(to, &amount) ? res_charge(res, 25000, 0) : HALT_NONE;
}

enum stf_halt sys_selfdestruct(struct stf_block *b, struct stf_res *res, const struct addr *self,
                               const struct addr *beneficiary, bool in_creation)
{
    struct u256 moved = U256_ZERO;
    enum stf_halt h = self_destruct(b, res, self, beneficiary, in_creation, &moved);
    const struct stf_tracer *t = b->options.tracer;
    if (h == HALT_NONE && t != NULL && t->on_destruct != NULL)
        t->on_destruct(t->ctx, self, beneficiary, &moved);
    return h;
}
