/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs every stub that insn_gen.py made over edge values and random operands, and prints for each
 * its name, how often it ran, and a hash of all results and exception flags.  With a name as its
 * argument it prints every single result of that stub.  It needs no C library and makes two system
 * calls only, write and exit: any machine that runs RV64GC user code can run it, and all must
 * print the same.
 */
#include <stddef.h>
#include <stdint.h>

#define EDGES_MAX 64
#define RANDOMS 600
#define FRMS 5

/* What a stub works on; insn_gen.py knows the offsets. */
struct record {
    uint64_t operand[3];
    uint64_t result; /* 24 */
    uint64_t flags;  /* 32 */
    uint64_t spare[3];
    uint64_t memory[8]; /* 64 */
};

struct stub {
    void (*run)(struct record *record);
    const char *name;
    const char *kinds;
    uint64_t dynamic; /* runs once in each rounding mode of frm */
};

extern const struct stub insn_table[];

static const uint64_t edges_x[] = {0, 1, 2, 3, 31, 32, 63, 64, 0x7f, 0x80, 0xff, 0x7fff, 0x8000,
    0xffff, 0x7fffffff, 0x80000000, 0x80000001, 0xffffffff, 0x100000000, 0x20000000000001,
    0x7ffffffffffffbff, 0x7fffffffffffffff, 0x8000000000000000, 0x8000000000000001,
    0xffffffff80000000, 0xfffffffffffffff0, 0xffffffffffffffff, 0x123456789abcdef0};

#define S(bits) (0xffffffff00000000 | (bits))
static const uint64_t edges_s[] = {S(0x00000000), S(0x80000000), S(0x3f800000), S(0xbf800000),
    S(0x3f800001), S(0x3f7fffff), S(0x3f000000), S(0xbf000000), S(0x3fc00000), S(0x40200000),
    S(0xc0200000), S(0x00000001), S(0x80000001), S(0x007fffff), S(0x00800000), S(0x80800000),
    S(0x00800001), S(0x7f7fffff), S(0xff7fffff), S(0x7f800000), S(0xff800000), S(0x7fc00000),
    S(0xffc00001), S(0x7f800001), S(0xff812345), S(0x4effffff), S(0x4f000000), S(0xcf000000),
    S(0x4f800000), S(0x5f000000), S(0x5f7fffff), S(0x33800000), S(0x4b7fffff), S(0x0c800000),
    0x000000003f800000, 0xfffffffe3f800000, 0x7ff0000000000000};

static const uint64_t edges_d[] = {0x0000000000000000, 0x8000000000000000, 0x3ff0000000000000,
    0xbff0000000000000, 0x3ff0000000000001, 0x3fefffffffffffff, 0x3fe0000000000000,
    0xbfe0000000000000, 0x3ff8000000000000, 0x4004000000000000, 0xc004000000000000,
    0x0000000000000001, 0x8000000000000001, 0x000fffffffffffff, 0x0010000000000000,
    0x8010000000000000, 0x0010000000000001, 0x7fefffffffffffff, 0xffefffffffffffff,
    0x7ff0000000000000, 0xfff0000000000000, 0x7ff8000000000000, 0xfff8000000000001,
    0x7ff0000000000001, 0xfff4000000000000, 0x41dfffffffc00000, 0x41e0000000000000,
    0xc1e0000000200000, 0x41efffffffe00000, 0x41f0000000000000, 0x43dfffffffffffff,
    0x43e0000000000000, 0xc3e0000000000000, 0x43efffffffffffff, 0x43f0000000000000,
    0x47efffffe0000000, 0x47effffff0000000, 0x3810000000000000, 0x380fffffffffffff,
    0x3ca0000000000000, 0x1ff0000000000000, 0x36a0000000000000, 0x369fffffffffffff};

static long
call(long number, long a, long b, long c)
{
    register long a0 __asm__("a0") = a, a1 __asm__("a1") = b, a2 __asm__("a2") = c;
    register long a7 __asm__("a7") = number;
    __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a7) : "memory");
    return a0;
}

/* Output is gathered, so that it costs few calls. */
static char out_buf[4096];
static size_t out_len;

static void
out_flush(void)
{
    call(64, 1, (long)out_buf, (long)out_len);
    out_len = 0;
}

static void
out_char(char ch)
{
    if (out_len == sizeof out_buf)
        out_flush();
    out_buf[out_len++] = ch;
}

static void
out_text(const char *text)
{
    while (*text)
        out_char(*text++);
}

static void
out_hex(uint64_t v)
{
    out_char(' ');
    for (int shift = 60; shift >= 0; shift -= 4)
        out_char("0123456789abcdef"[v >> shift & 15]);
}

static uint64_t random_state;

static uint64_t
random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

/* A random operand of a kind; floating ones often have exponents near each other, and few bits. */
static uint64_t
random_operand(char kind)
{
    uint64_t bits = random_next(), how = random_next();
    if (kind == 'x')
        return how & 1 ? bits : bits >> (how >> 1 & 63);
    if (kind == 's') {
        if (how & 1)
            bits = (bits & 0x807fffff) | (uint64_t)(117 + (how >> 8) % 20) << 23;
        if (how & 2)
            bits &= 0xfff80000;
        return S(bits & 0xffffffff);
    }
    if (how & 1)
        bits = (bits & 0x800fffffffffffff) | (uint64_t)(1013 + (how >> 8) % 20) << 52;
    if (how & 2)
        bits &= 0xffffff0000000000;
    return bits;
}

static size_t
edges_of(char kind, const uint64_t **values)
{
    *values = kind == 'x' ? edges_x : kind == 's' ? edges_s : edges_d;
    return kind == 'x' ? sizeof edges_x / 8 : kind == 's' ? sizeof edges_s / 8 : sizeof edges_d / 8;
}

static struct record record;
static uint64_t hash, count;
static int verbose;

static void
run_one(const struct stub *stub)
{
    for (int i = 0; i < 8; i++)
        record.memory[i] = 0x8091a2b3c4d5e6f7 * (uint64_t)(i + 1) ^ (uint64_t)i << 31;
    record.result = 0;
    record.flags = 0;
    stub->run(&record);
    hash = (hash ^ record.result) * 0x100000001b3;
    hash = (hash ^ record.flags) * 0x100000001b3;
    hash ^= hash >> 29;
    count++;
    if (!verbose)
        return;
    for (int i = 0; stub->kinds[i]; i++)
        out_hex(record.operand[i]);
    out_text(" ->");
    out_hex(record.result);
    out_hex(record.flags);
    out_char('\n');
}

/* Every combination of edge values from operand i on. */
static void
run_edges(const struct stub *stub, int i)
{
    if (stub->kinds[i] == 0) {
        run_one(stub);
        return;
    }
    const uint64_t *values;
    size_t n = edges_of(stub->kinds[i], &values);
    /* Of three operands, the third takes every third value only. */
    for (size_t j = 0; j < n; j += i == 2 ? 3 : 1) {
        record.operand[i] = values[j];
        run_edges(stub, i + 1);
    }
}

static void
run_stub(const struct stub *stub)
{
    random_state = 0x9e3779b97f4a7c15;
    hash = 0xcbf29ce484222325;
    count = 0;
    for (unsigned frm = 0; frm < (stub->dynamic ? FRMS : 1); frm++) {
        __asm__ volatile("csrw frm, %0" : : "r"(frm));
        run_edges(stub, 0);
        for (int r = 0; r < RANDOMS && stub->kinds[0]; r++) {
            for (int i = 0; stub->kinds[i]; i++)
                record.operand[i] = random_operand(stub->kinds[i]);
            run_one(stub);
        }
        __asm__ volatile("csrw fcsr, zero");
    }
}

static int
same(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

/* sp at entry: argc, then argv. */
__attribute__((used)) void
insn_main(const long *stack)
{
    const char *wanted = stack[0] > 1 ? (const char *)stack[2] : NULL;
    for (const struct stub *stub = insn_table; stub->run != NULL; stub++) {
        verbose = wanted != NULL && same(stub->name, wanted);
        if (wanted != NULL && !verbose)
            continue;
        run_stub(stub);
        out_text(stub->name);
        out_hex(count);
        out_hex(hash);
        out_char('\n');
    }
    out_flush();
    call(93, 0, 0, 0);
}

__asm__(".globl _start\n_start:\n\t.option push\n\t.option norelax\n"
        "\tla gp, __global_pointer$\n\t.option pop\n\tmv a0, sp\n\tcall insn_main\n");
