/* tests/riscv/report.h
 *
 * What guest and host print of a verified batch: the same bytes, or they do not agree. */
#ifndef GH_TESTS_RISCV_REPORT_H
#define GH_TESTS_RISCV_REPORT_H

#include "node/stf/verify.h"

#define REPORT_LEN 512u

static inline char *report_line(char *p, const char *name, const struct b256 *h)
{
    static const char digits[] = "0123456789abcdef";
    while (*name)
        *p++ = *name++;
    for (int i = 0; i < 32; i++) {
        *p++ = digits[h->b[i] >> 4];
        *p++ = digits[h->b[i] & 15];
    }
    *p++ = '\n';
    return p;
}

static inline void report_format(char out[REPORT_LEN], const struct verify_result *r)
{
    char *p = report_line(out, "state before 0x", &r->state_before);
    p = report_line(p, "state after  0x", &r->state_after);
    p = report_line(p, "output hash  0x", &r->output_hash);
    p = report_line(p, "public input 0x", &r->public_input);
    *p = 0;
}

#endif
