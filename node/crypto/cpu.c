/* node/crypto/cpu.c
 *
 * What the processor can do, where it matters here. */
#include "node/crypto/mont_adx.h"

bool crypto_has_adx;

#ifdef __x86_64__

#include <cpuid.h>

/* Before main, so that no thread sees it change. */
__attribute__((constructor)) static void find_adx(void)
{
    const unsigned bmi2 = 1u << 8, adx = 1u << 19; /* leaf 7, EBX */
    unsigned eax, ebx, ecx, edx;
    crypto_has_adx = __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && (ebx & bmi2) && (ebx & adx);
}

#endif
