/* tests/riscv/verify_host.c: the guest's other half: the same witness, verified on this machine with the library-backed primitives. */
#include <stdio.h>
#include <stdlib.h>

#include "node/crypto/crypto.h"
#include "tests/riscv/report.h"

#define MAX_LEN ((size_t)64 << 20)

int main(void)
{
    struct arena keep, work;
    struct verify_result r;
    struct verify_fault fault;
    char text[REPORT_LEN];
    uint8_t *p = malloc(MAX_LEN);
    if (!p)
        return 2;
    size_t len = fread(p, 1, MAX_LEN, stdin);
    arena_init_growing(&keep, 1 << 20, (size_t)1 << 30);
    arena_init_growing(&work, 1 << 20, (size_t)1 << 30);
    enum verify_code e = verify_batch(&r, &fault, bytes_of(p, len), crypto_host(), &keep, &work);
    if (e == VERIFY_OK)
        report_format(text, &r);
    arena_clear(&keep);
    arena_clear(&work);
    free(p);
    if (e != VERIFY_OK)
        printf("rejected: %s\n", verify_code_text(e));
    else
        fputs(text, stdout);
    return e == VERIFY_OK ? 0 : 1;
}
