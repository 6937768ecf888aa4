/* tests/riscv/rv32im.c
 *
 * rv32im PROGRAM < INPUT: a small strict machine for the guest. Base integer instructions and the M extension, nothing else: an
 * instruction outside of them (CSR, fence, atomics, compressed), an unaligned access, a fetch from where no code is, a write to
 * where no data is ends it with the reason and exit code 99. System calls: read 63, write 64, exit 93. Instructions executed
 * go to standard error. Source: The RISC-V Instruction Set Manual, Volume I, 20191213, chapters 2, 7 and 24. */
#include <elf.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SEGMENTS 8
#define MAX_TOP      (1u << 30)

struct segment {
    uint32_t first, end, flags;
};
static struct segment segments[MAX_SEGMENTS];
static unsigned segment_cnt;
static uint8_t *memory; /* from address 0 to the end of the last segment */
static uint32_t x[32], pc;
static uint64_t executed;

_Noreturn static void trap(const char *why, uint32_t what)
{
    fprintf(stderr, "rv32im: %s 0x%08x at pc 0x%08x after %" PRIu64 " instructions\n", why, what,
            pc, executed);
    fflush(stdout);
    _Exit(99);
}

static void check_access(uint32_t at, uint32_t len, uint32_t flags, const char *why)
{
    static unsigned last[8]; /* by flags: where the one before was found */
    for (unsigned i = 0; i <= segment_cnt; i++) {
        unsigned k = i == 0 ? last[flags & 7] : i - 1;
        const struct segment *s = &segments[k];
        if (at >= s->first && at < s->end && len <= s->end - at && (s->flags & flags) == flags) {
            last[flags & 7] = k;
            return;
        }
    }
    trap(why, at);
}

static void load_program(const char *path)
{
    static uint8_t file[8 << 20];
    FILE *f = fopen(path, "rb");
    size_t len = f ? fread(file, 1, sizeof(file), f) : 0;
    if (f)
        fclose(f);
    Elf32_Ehdr h;
    if (len < sizeof(h) || len == sizeof(file))
        trap("no program, length", (uint32_t)len);
    memcpy(&h, file, sizeof(h));
    if (memcmp(h.e_ident, ELFMAG, SELFMAG) != 0 || h.e_ident[EI_CLASS] != ELFCLASS32 ||
        h.e_machine != EM_RISCV || h.e_type != ET_EXEC || h.e_phentsize != sizeof(Elf32_Phdr))
        trap("not a 32-bit RISC-V program, machine", h.e_machine);
    uint32_t top = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (unsigned i = 0; i < h.e_phnum; i++) {
            Elf32_Phdr p;
            if (h.e_phoff + (uint64_t)(i + 1) * sizeof(p) > len)
                trap("program header outside of the file", i);
            memcpy(&p, file + h.e_phoff + i * sizeof(p), sizeof(p));
            if (p.p_type != PT_LOAD || p.p_memsz == 0)
                continue;
            if (p.p_filesz > p.p_memsz || (uint64_t)p.p_offset + p.p_filesz > len ||
                (uint64_t)p.p_vaddr + p.p_memsz > MAX_TOP || segment_cnt == MAX_SEGMENTS)
                trap("bad segment", i);
            if (pass == 0) {
                top = p.p_vaddr + p.p_memsz > top ? p.p_vaddr + p.p_memsz : top;
                continue;
            }
            if ((p.p_flags & (PF_W | PF_X)) == (PF_W | PF_X))
                trap("a segment is both code and data", i);
            memcpy(memory + p.p_vaddr, file + p.p_offset, p.p_filesz);
            segments[segment_cnt++] =
                (struct segment){ p.p_vaddr, p.p_vaddr + p.p_memsz, p.p_flags };
        }
        if (pass == 0 && !(memory = calloc(1, (size_t)top + 8)))
            trap("no memory of length", top);
    }
    pc = h.e_entry;
}

static int32_t sign(uint32_t v)
{
    int32_t r;
    memcpy(&r, &v, 4);
    return r;
}

static uint32_t asr(uint32_t v, uint32_t by)
{
    return by == 0 ? v : v >> by | (v >> 31 ? ~0u << (32 - by) : 0);
}

static uint32_t load(uint32_t at, unsigned funct3)
{
    uint32_t len = 1u << (funct3 & 3);
    if (funct3 == 3 || funct3 > 5)
        trap("no such load", funct3);
    if (at & (len - 1))
        trap("unaligned load", at);
    check_access(at, len, PF_R, "load outside of memory");
    const uint8_t *p = memory + at;
    switch (funct3) {
    case 0:
        return asr((uint32_t)p[0] << 24, 24);
    case 1:
        return asr((uint32_t)(p[0] | p[1] << 8) << 16, 16);
    case 4:
        return p[0];
    case 5:
        return (uint32_t)(p[0] | p[1] << 8);
    default:
        return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
    }
}

static void store(uint32_t at, unsigned funct3, uint32_t v)
{
    uint32_t len = 1u << (funct3 & 3);
    if (funct3 > 2)
        trap("no such store", funct3);
    if (at & (len - 1))
        trap("unaligned store", at);
    check_access(at, len, PF_W, "store outside of data");
    for (uint32_t i = 0; i < len; i++)
        memory[at + i] = (uint8_t)(v >> (8 * i));
}

static uint32_t multiply_divide(unsigned funct3, uint32_t a, uint32_t b)
{
    int64_t sa = sign(a), sb = sign(b);
    switch (funct3) {
    case 0:
        return a * b;
    case 1:
        return (uint32_t)((uint64_t)(sa * sb) >> 32);
    case 2:
        return (uint32_t)((uint64_t)(sa * (int64_t)b) >> 32);
    case 3:
        return (uint32_t)((uint64_t)a * b >> 32);
    case 4:
        return b == 0 ? ~0u : (uint32_t)(uint64_t)(sa / sb);
    case 5:
        return b == 0 ? ~0u : a / b;
    case 6:
        return b == 0 ? a : (uint32_t)(uint64_t)(sa % sb);
    default:
        return b == 0 ? a : a % b;
    }
}

static uint32_t compute(uint32_t in, bool immediate)
{
    unsigned funct3 = in >> 12 & 7, funct7 = in >> 25;
    uint32_t a = x[in >> 15 & 31];
    uint32_t b = immediate ? asr(in, 20) : x[in >> 20 & 31];
    bool shift = funct3 == 1 || funct3 == 5;
    if (!immediate && funct7 == 1)
        return multiply_divide(funct3, a, b);
    /* the alternative of add and of the right shift; of addi there is none */
    bool alternative = funct7 == 0x20 && (funct3 == 5 || (funct3 == 0 && !immediate));
    if (funct7 != 0 && !alternative && (!immediate || shift))
        trap("no such instruction", in);
    switch (funct3) {
    case 0:
        return alternative ? a - b : a + b;
    case 1:
        return a << (b & 31);
    case 2:
        return sign(a) < sign(b);
    case 3:
        return a < b;
    case 4:
        return a ^ b;
    case 5:
        return alternative ? asr(a, b & 31) : a >> (b & 31);
    case 6:
        return a | b;
    default:
        return a & b;
    }
}

static bool branch_taken(uint32_t in)
{
    uint32_t a = x[in >> 15 & 31], b = x[in >> 20 & 31];
    switch (in >> 12 & 7) {
    case 0:
        return a == b;
    case 1:
        return a != b;
    case 4:
        return sign(a) < sign(b);
    case 5:
        return sign(a) >= sign(b);
    case 6:
        return a < b;
    case 7:
        return a >= b;
    default:
        trap("no such branch", in);
    }
}

static void system_call(void)
{
    uint32_t at = x[11], len = x[12];
    switch (x[17]) {
    case 63:
        if (len > 0)
            check_access(at, len, PF_W, "read into no data");
        x[10] = (uint32_t)fread(memory + at, 1, len, stdin);
        return;
    case 64:
        if (len > 0)
            check_access(at, len, PF_R, "write of no memory");
        x[10] = (uint32_t)fwrite(memory + at, 1, len, stdout);
        return;
    case 93:
        fprintf(stderr, "%" PRIu64 " instructions\n", executed);
        fflush(stdout);
        _Exit((int)(x[10] & 255));
    default:
        trap("no such system call", x[17]);
    }
}

static void step(void)
{
    if (pc & 3)
        trap("unaligned jump", pc);
    check_access(pc, 4, PF_X, "no code");
    const uint8_t *p = memory + pc;
    uint32_t in = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
    uint32_t next = pc + 4, rs1 = x[in >> 15 & 31], value = 0;
    unsigned rd = in >> 7 & 31, funct3 = in >> 12 & 7;
    executed++;
    switch (in & 127) {
    case 0x37: /* lui */
        value = in & 0xfffff000u;
        break;
    case 0x17: /* auipc */
        value = pc + (in & 0xfffff000u);
        break;
    case 0x6f: /* jal */
        value = next;
        next = pc + ((asr(in, 11) & 0xfff00000u) | (in & 0xff000u) | (in >> 9 & 0x800u) |
                     (in >> 20 & 0x7feu));
        break;
    case 0x67: /* jalr */
        if (funct3 != 0)
            trap("no such instruction", in);
        value = next;
        next = (rs1 + asr(in, 20)) & ~1u;
        break;
    case 0x63: /* branches */
        rd = 0;
        if (branch_taken(in))
            next = pc + ((asr(in, 19) & 0xfffff000u) | (in << 4 & 0x800u) | (in >> 20 & 0x7e0u) |
                         (in >> 7 & 0x1eu));
        break;
    case 0x03:
        value = load(rs1 + asr(in, 20), funct3);
        break;
    case 0x23:
        store(rs1 + ((asr(in, 20) & ~31u) | rd), funct3, x[in >> 20 & 31]);
        rd = 0;
        break;
    case 0x13:
        value = compute(in, true);
        break;
    case 0x33:
        value = compute(in, false);
        break;
    case 0x73:
        if (in != 0x73)
            trap("no such instruction", in);
        system_call();
        rd = 0;
        break;
    default:
        trap("no such instruction", in);
    }
    if (rd != 0)
        x[rd] = value;
    pc = next;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: rv32im PROGRAM < INPUT\n");
        return 2;
    }
    load_program(argv[1]);
    for (;;)
        step();
}
