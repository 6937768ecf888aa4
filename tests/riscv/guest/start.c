/* tests/riscv/guest/start.c
 *
 * What stands in for an operating system and a C library under the guest: a stack, three system calls by number (read 63, write 64,
 * exit 93), the four functions a compiler calls by itself, and the end of a broken invariant. */
#include "tests/riscv/guest/start.h"

#define STACK_LEN (1u << 20)
__attribute__((aligned(16))) uint8_t guest_stack[STACK_LEN];

/* No global pointer: the program is linked without relaxation. */
__asm__(".section .text.start\n"
        ".globl _start\n"
        "_start:\n"
        "    la   sp, guest_stack\n"
        "    li   t0, 1048576\n"
        "    add  sp, sp, t0\n"
        "    call guest_main\n"
        "    li   a7, 93\n"
        "    ecall\n"
        "1:  j    1b\n"
        ".text\n");

static long call3(long number, long a, long b, long c)
{
    register long a0 __asm__("a0") = a;
    register long a1 __asm__("a1") = b;
    register long a2 __asm__("a2") = c;
    register long a7 __asm__("a7") = number;
    __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a7) : "memory");
    return a0;
}

size_t guest_read_all(uint8_t *p, size_t cap)
{
    size_t len = 0;
    while (len < cap) {
        long n = call3(63, 0, (long)(p + len), (long)(cap - len));
        if (n <= 0)
            break;
        len += (size_t)n;
    }
    return len;
}

void guest_print(const char *s)
{
    size_t n = 0;
    while (s[n])
        n++;
    (void)call3(64, 1, (long)s, (long)n);
}

void guest_exit(int code)
{
    for (;;)
        (void)call3(93, code, 0, 0);
}

void gh_check_failed(const char *condition, const char *file, int line)
{
    (void)line;
    guest_print(file);
    guest_print(": invariant broken: ");
    guest_print(condition);
    guest_print("\n");
    guest_exit(70);
}

/* ---- memory: by words where both sides are aligned alike; never an unaligned access ---- */

typedef uint32_t __attribute__((may_alias)) word;

void *memcpy(void *restrict dst, const void *restrict src, size_t n)
{
    uint8_t *d = dst;
    const uint8_t *s = src;
    if ((((uintptr_t)d ^ (uintptr_t)s) & 3) == 0) {
        for (; n > 0 && ((uintptr_t)d & 3); n--)
            *d++ = *s++;
        for (; n >= 4; n -= 4, d += 4, s += 4)
            *(word *)(void *)d = *(const word *)(const void *)s;
    }
    while (n-- > 0)
        *d++ = *s++;
    return dst;
}

void *memmove(void *dst, const void *src, size_t n)
{
    uint8_t *d = dst;
    const uint8_t *s = src;
    if ((uintptr_t)d - (uintptr_t)s >= n)
        return memcpy(dst, src, n);
    while (n-- > 0)
        d[n] = s[n];
    return dst;
}

void *memset(void *dst, int c, size_t n)
{
    uint8_t *d = dst;
    for (; n > 0 && ((uintptr_t)d & 3); n--)
        *d++ = (uint8_t)c;
    word w = (uint8_t)c * 0x01010101u;
    for (; n >= 4; n -= 4, d += 4)
        *(word *)(void *)d = w;
    while (n-- > 0)
        *d++ = (uint8_t)c;
    return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const uint8_t *x = a, *y = b;
    for (size_t i = 0; i < n; i++)
        if (x[i] != y[i])
            return x[i] < y[i] ? -1 : 1;
    return 0;
}
