/* node/crypto/modexp.c
 *
 * EIP-198 over GMP. GMP aborts the process when malloc fails, so operands are bounded here. */
#include "node/crypto/crypto.h"

#include <gmp.h>

static void number_of_bytes(mpz_t out, const uint8_t *p, size_t len)
{
    mpz_init(out);
    if (len)
        mpz_import(out, len, 1, 1, 1, 0, p);
}

bool modexp(uint8_t *out, const uint8_t *base, size_t base_len, const uint8_t *exp, size_t exp_len,
            const uint8_t *mod, size_t mod_len, struct arena *scratch)
{
    (void)scratch; /* GMP brings its own memory */
    if (base_len > CRYPTO_MODEXP_MAX_LEN || exp_len > CRYPTO_MODEXP_MAX_LEN ||
        mod_len > CRYPTO_MODEXP_MAX_LEN || base_len + exp_len + mod_len > CRYPTO_MODEXP_MAX_LEN)
        return false;
    if (mod_len == 0)
        return true;
    memset(out, 0, mod_len);
    mpz_t b, e, m;
    number_of_bytes(m, mod, mod_len);
    if (mpz_sgn(m) == 0) {
        mpz_clear(m);
        return true;
    }
    number_of_bytes(b, base, base_len);
    number_of_bytes(e, exp, exp_len);
    mpz_powm(b, b, e, m); /* x^0 = 1 mod m, also for x = 0 */
    size_t len = (mpz_sizeinbase(b, 2) + 7) / 8;
    if (mpz_sgn(b) != 0)
        mpz_export(out + mod_len - len, NULL, 1, 1, 1, 0, b);
    mpz_clear(b);
    mpz_clear(e);
    mpz_clear(m);
    return true;
}
