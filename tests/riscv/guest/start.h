/* tests/riscv/guest/start.h: the little that is below the guest. */
#ifndef GH_TESTS_RISCV_START_H
#define GH_TESTS_RISCV_START_H

#include "node/base/bytes.h"

int guest_main(void);
/* Standard input up to cap bytes. */
size_t guest_read_all(uint8_t *p, size_t cap);
void guest_print(const char *s);
NORETURN void guest_exit(int code);

#endif
