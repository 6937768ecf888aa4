/* tests/unit/crypto/test_ecdsa_fields.c
 *
 * The four fields of 256 full bits below the portable ECDSA code, against GMP. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <gmp.h>

#include "node/crypto/secp256k1_portable.c"
#include "tests/unit/crypto/random.h"

#define C(name) k1_##name
#include "tests/unit/crypto/fp_checks.inc"
#undef C
#undef T
#define T(name) k1n_##name
#define C(name) k1n_##name
#include "tests/unit/crypto/fp_checks.inc"

#undef C
#undef T
#undef N
#undef G
#undef E
#undef EL
#undef FP_LIMBS
#undef FP_FULL_WIDTH
#undef POINT_A_MINUS_3
#include "node/crypto/p256_portable.c"

#define C(name) r1_##name
#include "tests/unit/crypto/fp_checks.inc"
#undef C
#undef T
#define T(name) r1n_##name
#define C(name) r1n_##name
#include "tests/unit/crypto/fp_checks.inc"

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(k1_field_equals_gmp),
        cmocka_unit_test(k1_field_decoding_stops_at_the_modulus),
        cmocka_unit_test(k1n_field_equals_gmp),
        cmocka_unit_test(k1n_field_decoding_stops_at_the_modulus),
        cmocka_unit_test(r1_field_equals_gmp),
        cmocka_unit_test(r1_field_decoding_stops_at_the_modulus),
        cmocka_unit_test(r1n_field_equals_gmp),
        cmocka_unit_test(r1n_field_decoding_stops_at_the_modulus),
    };
    return cmocka_run_group_tests_name("crypto fields of ECDSA", tests, NULL, NULL);
}
