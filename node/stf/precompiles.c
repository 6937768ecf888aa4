/* node/stf/precompiles.c: precompiled contracts: gas (spec 10 §8.2), native (§7.7), and the way
 * into stf_crypto. */
#include "node/stf/precompiles.h"

enum precompile_id precompile_find(const struct stf_rules *rules, const struct addr *a)
{
    for (size_t i = 0; i < 16; i++) {
        if (a->b[i])
            return PRE_NONE;
    }
    uint32_t low = load_be32(a->b + 16);
    for (size_t i = 0; i < rules->precompile_cnt; i++) {
        if (rules->precompiles[i].addr == low)
            return rules->precompiles[i].id;
    }
    return PRE_NONE;
}

/* out = input cut or zero-extended to len */
static void input_padded(uint8_t *out, size_t len, struct bytes input)
{
    size_t have = input.len < len ? input.len : len;
    if (have)
        memcpy(out, input.p, have);
    memset(out + have, 0, len - have);
}

static enum stf_halt run_ecrecover(const struct pre_call *c)
{
    uint8_t in[128];
    enum stf_halt halt = res_charge(c->res, 3000, 522000);
    if (halt != HALT_NONE)
        return halt;
    if (!c->crypto->ecrecover)
        return HALT_MISSING;
    input_padded(in, sizeof(in), c->input);
    struct u256 v = u256_of_be32(in + 32);
    if (!u256_fits_u64(&v) || (v.w[0] != 27 && v.w[0] != 28))
        return HALT_STOP;
    struct b256 hash;
    struct addr signer;
    memcpy(hash.b, in, 32);
    if (!c->crypto->ecrecover(&signer, &hash, in + 64, (unsigned)v.w[0] - 27))
        return HALT_STOP;
    struct b256 word = addr_pad32(&signer);
    memcpy(c->buf->p, word.b, 32);
    return pre_output(c, 32);
}

static enum stf_halt run_sha256(const struct pre_call *c)
{
    enum stf_halt halt =
        res_charge(c->res, 60 + 12 * pre_words(c->input.len), sys_native_sha256(c->input.len));
    if (halt != HALT_NONE)
        return halt;
    if (!c->crypto->sha256)
        return HALT_MISSING;
    struct b256 hash;
    c->crypto->sha256(&hash, c->input.p, c->input.len);
    memcpy(c->buf->p, hash.b, 32);
    return pre_output(c, 32);
}

static enum stf_halt run_ripemd160(const struct pre_call *c)
{
    enum stf_halt halt =
        res_charge(c->res, 600 + 120 * pre_words(c->input.len), sys_native_sha256(c->input.len));
    if (halt != HALT_NONE)
        return halt;
    if (!c->crypto->ripemd160)
        return HALT_MISSING;
    memset(c->buf->p, 0, 12);
    c->crypto->ripemd160(c->buf->p + 12, c->input.p, c->input.len);
    return pre_output(c, 32);
}

static enum stf_halt run_identity(const struct pre_call *c)
{
    size_t len = c->input.len;
    enum stf_halt halt = res_charge(c->res, 15 + 3 * pre_words(len), 20 + 10 * (uint64_t)len);
    if (halt == HALT_NONE)
        halt = ee_buf_reserve(c->b, c->buf, len);
    if (halt != HALT_NONE)
        return halt;
    if (len)
        memcpy(c->buf->p, c->input.p, len);
    return pre_output(c, len);
}

/* ---- modexp ---- */

#define NATIVE_PER_MODEXP_GAS 300u

struct modexp_in {
    size_t base_len, exp_len, mod_len;
    uint64_t native;
};

/* Bytes [offset, offset + len) of the input, zeros behind its end. */
static void input_slice(uint8_t *out, struct bytes input, uint64_t offset, size_t len)
{
    struct bytes rest = bytes_of(NULL, 0);
    if (offset < input.len)
        rest = bytes_of(input.p + offset, input.len - (size_t)offset);
    input_padded(out, len, rest);
}

/* Bits of the exponent that cost iterations: of its first 32 bytes, plus so many for each further
 * byte. */
static uint64_t modexp_iterations(const struct rules_modexp *rules, struct bytes input,
                                  uint64_t base_len, uint64_t exp_len)
{
    uint8_t head[32];
    size_t head_len = exp_len < 32 ? (size_t)exp_len : 32;
    memset(head, 0, sizeof(head));
    input_slice(head + (32 - head_len), input, 96 + base_len, head_len); /* base_len < 2^32 */
    struct u256 exp_head = u256_of_be32(head);
    unsigned bits = u256_bit_len(&exp_head);
    uint64_t iterations = bits ? bits - 1 : 0;
    if (exp_len > 32) {
        uint64_t more = pre_sat_mul(rules->exp_byte_iterations, exp_len - 32);
        iterations = more > UINT64_MAX - iterations ? UINT64_MAX : iterations + more;
    }
    return iterations ? iterations : 1;
}

/* Gas for the longer of base and modulus; UINT64_MAX when no transaction could pay. */
static uint64_t modexp_gas_of(const struct rules_modexp *rules, uint64_t longest,
                              uint64_t iterations)
{
    uint64_t limbs = (longest + 7) / 8;
    uint64_t complexity = longest <= rules->short_len
                              ? rules->short_complexity
                              : pre_sat_mul(rules->limb_factor, limbs * limbs);
    uint64_t gas = pre_sat_mul(complexity, iterations);
    gas = gas == UINT64_MAX ? gas : gas / rules->divisor;
    return gas < rules->min_gas ? rules->min_gas : gas;
}

/* UINT64_MAX when no transaction could pay, or a length is above the bound. */
static uint64_t modexp_gas(const struct rules_modexp *rules, struct bytes input,
                           struct modexp_in *m)
{
    uint8_t head[96];
    input_padded(head, sizeof(head), input);
    struct u256 base = u256_of_be32(head), exp = u256_of_be32(head + 32);
    struct u256 mod = u256_of_be32(head + 64);
    uint64_t base_len = u256_sat_u64(&base), exp_len = u256_sat_u64(&exp);
    uint64_t mod_len = u256_sat_u64(&mod);
    uint64_t longest = base_len > mod_len ? base_len : mod_len;
    if (longest > UINT32_MAX || longest > rules->max_len || exp_len > rules->max_len)
        return UINT64_MAX;
    /* longest = 0 costs the minimum whatever the exponent: there is nothing to compute */
    if (longest && exp_len > UINT32_MAX)
        return UINT64_MAX;
    uint64_t iterations = modexp_iterations(rules, input, base_len, exp_len);
    /* ZKOS: native is by the modulus in whole words of 256 bits, which is how it is computed with */
    uint64_t whole = (mod_len + 31) / 32 * 32;
    m->native = pre_sat_mul(NATIVE_PER_MODEXP_GAS,
                            modexp_gas_of(rules, base_len > whole ? base_len : whole, iterations));
    m->base_len = (size_t)base_len;
    m->exp_len = longest ? (size_t)exp_len : 0;
    m->mod_len = (size_t)mod_len;
    return modexp_gas_of(rules, longest, iterations);
}

static enum stf_halt run_modexp(const struct pre_call *c)
{
    struct modexp_in m = { 0, 0, 0, 0 };
    const struct rules_modexp *rules = &sys_rules(c->b)->modexp;
    /* ZKOS: who cannot pay the least of both has run out of gas, also when it is native that is short */
    if (c->res->native < NATIVE_PER_MODEXP_GAS * rules->min_gas)
        return HALT_OUT_OF_GAS;
    uint64_t gas = modexp_gas(rules, c->input, &m);
    if (gas == UINT64_MAX)
        return HALT_OUT_OF_GAS;
    enum stf_halt halt = res_charge(c->res, gas, m.native);
    if (halt != HALT_NONE)
        return halt;
    if (!m.mod_len)
        return HALT_STOP;
    if (!c->crypto->modexp)
        return HALT_MISSING;
    halt = ee_buf_reserve(c->b, c->buf, m.mod_len);
    if (halt != HALT_NONE)
        return halt;
    /* The modulus lies behind the exponent: where the input does not reach it, it is zero, and so
     * is the result. Lengths that name far more than was given are thus never laid out. */
    if (96 + (uint64_t)m.base_len + m.exp_len >= c->input.len) {
        memset(c->buf->p, 0, m.mod_len);
        return pre_output(c, m.mod_len);
    }
    struct arena *arena = sys_arena(c->b);
    struct arena_mark mark = arena_save(arena);
    uint8_t *p = arena_alloc(arena, m.base_len + m.exp_len + m.mod_len);
    bool ok = p != NULL;
    if (ok) {
        input_slice(p, c->input, 96, m.base_len + m.exp_len + m.mod_len);
        ok = c->crypto->modexp(c->buf->p, p, m.base_len, p + m.base_len, m.exp_len,
                               p + m.base_len + m.exp_len, m.mod_len, arena);
    }
    arena_restore(arena, mark);
    return ok ? pre_output(c, m.mod_len) : sys_fail(c->b, STF_E_OUT_OF_MEMORY);
}

/* ---- curves ---- */

static enum stf_halt run_bn_add(const struct pre_call *c)
{
    uint8_t in[128];
    enum stf_halt halt = res_charge(c->res, 150, 52600);
    if (halt != HALT_NONE)
        return halt;
    if (!c->crypto->bn254_add)
        return HALT_MISSING;
    input_padded(in, sizeof(in), c->input);
    return c->crypto->bn254_add(c->buf->p, in) ? pre_output(c, 64) : pre_refuse();
}

static enum stf_halt run_bn_mul(const struct pre_call *c)
{
    uint8_t in[96];
    enum stf_halt halt = res_charge(c->res, 6000, 764000);
    if (halt != HALT_NONE)
        return halt;
    if (!c->crypto->bn254_mul)
        return HALT_MISSING;
    input_padded(in, sizeof(in), c->input);
    return c->crypto->bn254_mul(c->buf->p, in) ? pre_output(c, 64) : pre_refuse();
}

static enum stf_halt run_bn_pairing(const struct pre_call *c)
{
    uint64_t pairs = c->input.len / 192;
    enum stf_halt halt =
        res_charge(c->res, 45000 + 34000 * pairs, 15000000 + pre_sat_mul(15000000, pairs));
    if (halt != HALT_NONE)
        return halt;
    if (c->input.len % 192)
        return pre_refuse();
    if (!c->crypto->bn254_pairing)
        return HALT_MISSING;
    int ok = c->crypto->bn254_pairing(c->input.p, (size_t)pairs);
    if (ok < 0)
        return pre_refuse();
    memset(c->buf->p, 0, 32);
    c->buf->p[31] = (uint8_t)ok;
    return pre_output(c, 32);
}

static enum stf_halt run_blake2f(const struct pre_call *c)
{
    if (c->input.len != 213 || c->input.p[212] > 1)
        return pre_refuse();
    enum stf_halt halt = res_charge(c->res, load_be32(c->input.p), 0);
    if (halt != HALT_NONE)
        return halt;
    if (!c->crypto->blake2f)
        return HALT_MISSING;
    c->crypto->blake2f(c->buf->p, c->input.p);
    return pre_output(c, 64);
}

static enum stf_halt run_point_evaluation(const struct pre_call *c)
{
    enum stf_halt halt = res_charge(c->res, 50000, 63104000);
    if (halt != HALT_NONE)
        return halt;
    if (c->input.len != 192)
        return pre_refuse();
    if (!c->crypto->point_evaluation)
        return HALT_MISSING;
    return c->crypto->point_evaluation(c->buf->p, c->input.p) ? pre_output(c, 64) : pre_refuse();
}

static enum stf_halt run_p256(const struct pre_call *c)
{
    enum stf_halt halt = res_charge(c->res, sys_rules(c->b)->p256_gas, 784000);
    if (halt != HALT_NONE)
        return halt;
    if (c->input.len != 160)
        return HALT_STOP; /* EIP-7951: nothing, and success */
    if (!c->crypto->p256_verify)
        return HALT_MISSING;
    if (!c->crypto->p256_verify(c->input.p))
        return HALT_STOP;
    memset(c->buf->p, 0, 32);
    c->buf->p[31] = 1;
    return pre_output(c, 32);
}

enum stf_halt precompile_run(struct stf_block *b, struct stf_res *res, enum precompile_id id,
                             struct bytes input, struct ee_buf *buf, struct bytes *output)
{
    struct pre_call c = {
        .b = b,
        .res = res,
        .crypto = sys_crypto(b),
        .input = input,
        .buf = buf,
        .output = output,
    };
    *output = bytes_of(NULL, 0);
    enum stf_halt halt = ee_buf_reserve(b, buf, 256); /* enough for all fixed outputs */
    if (halt != HALT_NONE)
        return halt;
    switch (id) {
    case PRE_ECRECOVER:
        return run_ecrecover(&c);
    case PRE_SHA256:
        return run_sha256(&c);
    case PRE_RIPEMD160:
        return run_ripemd160(&c);
    case PRE_IDENTITY:
        return run_identity(&c);
    case PRE_MODEXP:
        return run_modexp(&c);
    case PRE_BN_ADD:
        return run_bn_add(&c);
    case PRE_BN_MUL:
        return run_bn_mul(&c);
    case PRE_BN_PAIRING:
        return run_bn_pairing(&c);
    case PRE_BLAKE2F:
        return run_blake2f(&c);
    case PRE_POINT_EVALUATION:
        return run_point_evaluation(&c);
    case PRE_P256:
        return run_p256(&c);
    case PRE_BLS_G1_ADD:
        return pre_bls_g1_add(&c);
    case PRE_BLS_G1_MSM:
        return pre_bls_g1_msm(&c);
    case PRE_BLS_G2_ADD:
        return pre_bls_g2_add(&c);
    case PRE_BLS_G2_MSM:
        return pre_bls_g2_msm(&c);
    case PRE_BLS_PAIRING:
        return pre_bls_pairing(&c);
    case PRE_BLS_MAP_G1:
        return pre_bls_map_g1(&c);
    case PRE_BLS_MAP_G2:
        return pre_bls_map_g2(&c);
    case PRE_NONE:
        break;
    }
    return HALT_STOP;
}
