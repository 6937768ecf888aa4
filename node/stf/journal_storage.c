/* node/stf/journal_storage.c
 *
 * Contract storage: gas of EIP-2929, EIP-2200 and EIP-3529, native of spec 10 §7.7. */
#include "node/stf/journal.h"

/* Every access: the warm part; on the first one in the transaction the cold part too. */
static enum stf_halt access_slot(struct stf_block *b, struct stf_res *res, const struct addr *self,
                                 const struct b256 *slot, struct slot_entry **out, bool *was_warm)
{
    struct slot_entry *s = journal_slot(b, self, slot);
    if (s == NULL)
        return HALT_BLOCK;
    enum stf_halt h = res_charge(res, 100, NATIVE_STORAGE_WARM);
    if (h != HALT_NONE)
        return h;
    *was_warm = s->warm_tx == b->tx_id;
    if (!*was_warm) {
        h = res_charge(res, 2000, s->has_leaf ? NATIVE_STORAGE_COLD : NATIVE_STORAGE_COLD_NEW);
        if (h != HALT_NONE)
            return h;
        if (!journal_warm_slot(b, s))
            return HALT_BLOCK;
    }
    *out = s;
    return HALT_NONE;
}

enum stf_halt sys_sload(struct stf_block *b, struct stf_res *res, const struct addr *self,
                        const struct b256 *slot, struct b256 *out)
{
    struct slot_entry *s;
    bool was_warm;
    enum stf_halt h = access_slot(b, res, self, slot, &s, &was_warm);
    if (h == HALT_NONE)
        *out = s->current;
    return h;
}

/* EIP-2200 with the values of EIP-2929: the part beyond the access. */
static uint64_t write_gas(const struct b256 *original, const struct b256 *current,
                          const struct b256 *value)
{
    if (b256_eq(current, value) || !b256_eq(original, current))
        return 100;
    return b256_is_zero(original) ? 20000 : 2900;
}

/* EIP-3529 */
static int64_t write_refund(const struct b256 *original, const struct b256 *current,
                            const struct b256 *value)
{
    if (b256_eq(current, value))
        return 0;
    if (b256_eq(original, current))
        return !b256_is_zero(original) && b256_is_zero(value) ? 4800 : 0;
    int64_t refund = 0;
    if (!b256_is_zero(original)) {
        if (b256_is_zero(current))
            refund -= 4800;
        if (b256_is_zero(value))
            refund += 4800;
    }
    if (b256_eq(original, value))
        refund += b256_is_zero(original) ? 19900 : 2800;
    return refund;
}

enum stf_halt sys_sstore(struct stf_block *b, struct stf_res *res, const struct addr *self,
                         const struct b256 *slot, const struct b256 *value)
{
    if (res->gas <= 2300) {
        res->gas = 0;
        return HALT_OUT_OF_GAS;
    }
    struct slot_entry *s;
    bool was_warm;
    enum stf_halt h = access_slot(b, res, self, slot, &s, &was_warm);
    if (h != HALT_NONE)
        return h;
    const struct b256 *original = s->write_tx == b->tx_id ? &s->tx_start : &s->current;
    uint64_t gas = write_gas(original, &s->current, value) - (was_warm ? 100 : 0);
    h = res_charge(res, gas, s->has_leaf ? NATIVE_STORAGE_WRITE : NATIVE_STORAGE_WRITE_NEW);
    if (h != HALT_NONE)
        return h;
    sys_refund_add(b, write_refund(original, &s->current, value));
    if (b256_eq(&s->current, value))
        return HALT_NONE;
    return journal_set_slot(b, s, value) ? HALT_NONE : HALT_BLOCK;
}
