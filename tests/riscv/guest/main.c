/* tests/riscv/guest/main.c
 *
 * The stateless verifier as a program without an operating system: a witness on standard input, what it comes to on standard
 * output. Exit code 0 verified, 1 not. */
#include "node/crypto/portable.h"
#include "tests/riscv/guest/start.h"
#include "tests/riscv/report.h"

#define WITNESS_LEN (8u << 20)
#define KEEP_LEN    (32u << 20)
#define WORK_LEN    (128u << 20)

static uint8_t input[WITNESS_LEN + 1];
__attribute__((aligned(16))) static uint8_t keep_mem[KEEP_LEN], work_mem[WORK_LEN];

int guest_main(void)
{
    struct arena keep, work;
    struct verify_result r;
    struct verify_fault fault;
    char text[REPORT_LEN];
    size_t len = guest_read_all(input, sizeof(input));
    if (len > WITNESS_LEN) {
        guest_print("the witness does not fit\n");
        return 1;
    }
    arena_init(&keep, keep_mem, KEEP_LEN);
    arena_init(&work, work_mem, WORK_LEN);
    if (verify_batch(&r, &fault, bytes_of(input, len), crypto_portable(), &keep, &work) !=
        VERIFY_OK) {
        guest_print("rejected: ");
        guest_print(verify_code_text(fault.code));
        guest_print("\n");
        return 1;
    }
    report_format(text, &r);
    guest_print(text);
    return 0;
}
