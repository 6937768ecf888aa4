/* node/stf/precompiles_bls.c: the precompiled contracts of EIP-2537, on in Ethereum rule sets only. No
 * rule set prices them in native. */
#include "node/stf/precompiles.h"

#define G1_LEN     ((size_t)128)
#define G2_LEN     ((size_t)256)
#define SCALAR_LEN ((size_t)32)
#define PAIR_LEN   (G1_LEN + G2_LEN)

/* Of k multiples each costs as much of a single one, in thousandths; the last entry stands for all
 * larger k. */
/* clang-format off */
static const uint16_t discount_g1[128] = {
    1000, 949, 848, 797, 764, 750, 738, 728, 719, 712, 705, 698, 692, 687, 682, 677,
    673, 669, 665, 661, 658, 654, 651, 648, 645, 642, 640, 637, 635, 632, 630, 627,
    625, 623, 621, 619, 617, 615, 613, 611, 609, 608, 606, 604, 603, 601, 599, 598,
    596, 595, 593, 592, 591, 589, 588, 586, 585, 584, 582, 581, 580, 579, 577, 576,
    575, 574, 573, 572, 570, 569, 568, 567, 566, 565, 564, 563, 562, 561, 560, 559,
    558, 557, 556, 555, 554, 553, 552, 551, 550, 549, 548, 547, 547, 546, 545, 544,
    543, 542, 541, 540, 540, 539, 538, 537, 536, 536, 535, 534, 533, 532, 532, 531,
    530, 529, 528, 528, 527, 526, 525, 525, 524, 523, 522, 522, 521, 520, 520, 519,
};
static const uint16_t discount_g2[128] = {
    1000, 1000, 923, 884, 855, 832, 812, 796, 782, 770, 759, 749, 740, 732, 724, 717,
    711, 704, 699, 693, 688, 683, 679, 674, 670, 666, 663, 659, 655, 652, 649, 646,
    643, 640, 637, 634, 632, 629, 627, 624, 622, 620, 618, 615, 613, 611, 609, 607,
    606, 604, 602, 600, 598, 597, 595, 593, 592, 590, 589, 587, 586, 584, 583, 582,
    580, 579, 578, 576, 575, 574, 573, 571, 570, 569, 568, 567, 566, 565, 563, 562,
    561, 560, 559, 558, 557, 556, 555, 554, 553, 552, 552, 551, 550, 549, 548, 547,
    546, 545, 545, 544, 543, 542, 541, 541, 540, 539, 538, 537, 537, 536, 535, 535,
    534, 533, 532, 532, 531, 530, 530, 529, 528, 528, 527, 526, 526, 525, 524, 524,
};
/* clang-format on */

enum stf_halt pre_bls_g1_add(const struct pre_call *c)
{
    enum stf_halt halt = res_charge(c->res, 375, 0);
    if (halt != HALT_NONE)
        return halt;
    if (c->input.len != 2 * G1_LEN)
        return pre_refuse();
    if (!c->crypto->bls_g1_add)
        return HALT_MISSING;
    return c->crypto->bls_g1_add(c->buf->p, c->input.p) ? pre_output(c, G1_LEN) : pre_refuse();
}

enum stf_halt pre_bls_g2_add(const struct pre_call *c)
{
    enum stf_halt halt = res_charge(c->res, 600, 0);
    if (halt != HALT_NONE)
        return halt;
    if (c->input.len != 2 * G2_LEN)
        return pre_refuse();
    if (!c->crypto->bls_g2_add)
        return HALT_MISSING;
    return c->crypto->bls_g2_add(c->buf->p, c->input.p) ? pre_output(c, G2_LEN) : pre_refuse();
}

typedef int msm_fn(uint8_t *out, const uint8_t *in, size_t n, struct arena *scratch);

static enum stf_halt run_msm(const struct pre_call *c, size_t point_len, uint64_t one_gas,
                             const uint16_t discount[128], msm_fn *msm)
{
    size_t term_len = point_len + SCALAR_LEN, n = c->input.len / term_len;
    if (!n || c->input.len % term_len)
        return pre_refuse();
    uint64_t per_term = one_gas * discount[n < 128 ? n - 1 : 127];
    enum stf_halt halt = res_charge(c->res, pre_sat_mul(n, per_term) / 1000, 0);
    if (halt != HALT_NONE)
        return halt;
    if (!msm)
        return HALT_MISSING;
    int result = msm(c->buf->p, c->input.p, n, sys_arena(c->b));
    if (result == -2)
        return sys_fail(c->b, STF_E_OUT_OF_MEMORY);
    return result == 0 ? pre_output(c, point_len) : pre_refuse();
}

enum stf_halt pre_bls_g1_msm(const struct pre_call *c)
{
    return run_msm(c, G1_LEN, 12000, discount_g1, c->crypto->bls_g1_msm);
}

enum stf_halt pre_bls_g2_msm(const struct pre_call *c)
{
    return run_msm(c, G2_LEN, 22500, discount_g2, c->crypto->bls_g2_msm);
}

enum stf_halt pre_bls_pairing(const struct pre_call *c)
{
    size_t pairs = c->input.len / PAIR_LEN;
    enum stf_halt halt = res_charge(c->res, 37700 + 32600 * (uint64_t)pairs, 0);
    if (halt != HALT_NONE)
        return halt;
    if (!pairs || c->input.len % PAIR_LEN)
        return pre_refuse();
    if (!c->crypto->bls_pairing)
        return HALT_MISSING;
    int ok = c->crypto->bls_pairing(c->input.p, pairs);
    if (ok < 0)
        return pre_refuse();
    memset(c->buf->p, 0, 32);
    c->buf->p[31] = (uint8_t)ok;
    return pre_output(c, 32);
}

enum stf_halt pre_bls_map_g1(const struct pre_call *c)
{
    enum stf_halt halt = res_charge(c->res, 5500, 0);
    if (halt != HALT_NONE)
        return halt;
    if (c->input.len != G1_LEN / 2)
        return pre_refuse();
    if (!c->crypto->bls_map_g1)
        return HALT_MISSING;
    return c->crypto->bls_map_g1(c->buf->p, c->input.p) ? pre_output(c, G1_LEN) : pre_refuse();
}

enum stf_halt pre_bls_map_g2(const struct pre_call *c)
{
    enum stf_halt halt = res_charge(c->res, 23800, 0);
    if (halt != HALT_NONE)
        return halt;
    if (c->input.len != G2_LEN / 2)
        return pre_refuse();
    if (!c->crypto->bls_map_g2)
        return HALT_MISSING;
    return c->crypto->bls_map_g2(c->buf->p, c->input.p) ? pre_output(c, G2_LEN) : pre_refuse();
}
