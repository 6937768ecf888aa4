/* node/crypto/kzg_setup.c
 *
 * Puts kzg_setup.bin into the program's read-only data. The build has compared its sha256. */
#include "node/crypto/kzg_setup.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the file holds little-endian limbs");
_Static_assert(sizeof(struct kzg_setup) == KZG_SETUP_LEN, "the file has this form");

extern const struct kzg_setup gh_kzg_setup;

__asm__(".pushsection .rodata\n"
        ".balign 64\n"
        ".hidden gh_kzg_setup\n"
        ".globl gh_kzg_setup\n"
        ".type gh_kzg_setup, %object\n"
        "gh_kzg_setup:\n"
        ".incbin \"" KZG_SETUP_FILE "\"\n"
        ".size gh_kzg_setup, . - gh_kzg_setup\n"
        ".popsection\n");

const struct kzg_setup *kzg_setup_get(void)
{
    return &gh_kzg_setup;
}
