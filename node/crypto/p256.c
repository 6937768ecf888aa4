/* node/crypto/p256.c
 *
 * P256VERIFY (EIP-7951) over OpenSSL's curve arithmetic. The ECDSA equation is written out, so that
 * every check of the EIP is visible and none is added by a signature parser. */
#include "node/crypto/crypto.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>
#include <pthread.h>

static EC_GROUP *group; /* owned by the process; read only once made */
static BIGNUM *field_modulus;
static pthread_once_t group_once = PTHREAD_ONCE_INIT;

static void group_init(void)
{
    group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    field_modulus = BN_new();
    CHECK(group && field_modulus && EC_GROUP_get_curve(group, field_modulus, NULL, NULL, NULL));
}

struct p256_input {
    BIGNUM *hash, *r, *s, *x, *y; /* owned by the BN_CTX frame */
};

static bool p256_parse(struct p256_input *v, const uint8_t in[160], BN_CTX *ctx)
{
    BIGNUM **fields[5] = { &v->hash, &v->r, &v->s, &v->x, &v->y };
    for (size_t i = 0; i < 5; i++) {
        *fields[i] = BN_CTX_get(ctx);
        CHECK(*fields[i] && BN_bin2bn(in + 32 * i, 32, *fields[i]));
    }
    const BIGNUM *n = EC_GROUP_get0_order(group);
    if (BN_is_zero(v->r) || BN_is_zero(v->s) || BN_cmp(v->r, n) >= 0 || BN_cmp(v->s, n) >= 0)
        return false;
    /* (0, 0), the encoding of infinity, is not on the curve: caught with the other points off it */
    return BN_cmp(v->x, field_modulus) < 0 && BN_cmp(v->y, field_modulus) < 0;
}

/* x of (hash / s) G + (r / s) Q, modulo n, is r */
static bool p256_equation_holds(const struct p256_input *v, const EC_POINT *q, BN_CTX *ctx)
{
    const BIGNUM *n = EC_GROUP_get0_order(group);
    BIGNUM *w = BN_CTX_get(ctx), *u1 = BN_CTX_get(ctx), *u2 = BN_CTX_get(ctx);
    EC_POINT *sum = EC_POINT_new(group);
    CHECK(w && u1 && u2 && sum);
    CHECK(BN_mod_inverse(w, v->s, n, ctx));
    CHECK(BN_mod_mul(u1, v->hash, w, n, ctx) && BN_mod_mul(u2, v->r, w, n, ctx));
    CHECK(EC_POINT_mul(group, sum, u1, q, u2, ctx));
    bool ok = false;
    if (!EC_POINT_is_at_infinity(group, sum)) {
        CHECK(EC_POINT_get_affine_coordinates(group, sum, w, NULL, ctx) && BN_nnmod(u1, w, n, ctx));
        ok = BN_cmp(u1, v->r) == 0;
    }
    EC_POINT_free(sum);
    return ok;
}

bool p256_verify(const uint8_t in[160])
{
    CHECK(pthread_once(&group_once, group_init) == 0);
    BN_CTX *ctx = BN_CTX_new();
    CHECK(ctx != NULL);
    BN_CTX_start(ctx);
    ERR_set_mark(); /* a point off the curve must not leave an error behind for this thread's TLS */
    struct p256_input v;
    bool ok = false;
    if (p256_parse(&v, in, ctx)) {
        EC_POINT *q = EC_POINT_new(group);
        CHECK(q != NULL);
        ok = EC_POINT_set_affine_coordinates(group, q, v.x, v.y, ctx) == 1 &&
             p256_equation_holds(&v, q, ctx);
        EC_POINT_free(q);
    }
    ERR_pop_to_mark();
    BN_CTX_end(ctx);
    BN_CTX_free(ctx);
    return ok;
}
