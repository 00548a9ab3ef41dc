/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A position independent program without an interpreter and without a libc: it relocates itself,
 * as the startup code of a static PIE does, checks that the auxiliary vector is true to where it
 * is, and says so.
 */
#include <elf.h>
#include <stddef.h>
#include <stdint.h>

extern const Elf64_Dyn _DYNAMIC[] __attribute__((visibility("hidden")));
extern const char __ehdr_start[] __attribute__((visibility("hidden")));

static const char *const lines[] = {"relocated\n", "aux vector agrees\n", "zeros are zero\n"};
static char zeros[10000];

__asm__(".globl _start\n"
        "_start:\n"
        "    .option push\n    .option norelax\n"
        "    lla gp, __global_pointer$\n"
        "    .option pop\n"
        "    mv a0, sp\n"
        "    andi sp, sp, -16\n"
        "    call begin\n");

static long
call(long number, long a, long b, long c)
{
    register long a0 __asm__("a0") = a;
    register long a1 __asm__("a1") = b;
    register long a2 __asm__("a2") = c;
    register long a7 __asm__("a7") = number;

    __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a7) : "memory");
    return a0;
}

static void
say(const char *text)
{
    long len = 0;

    while (text[len] != '\0')
        len++;
    (void)call(64, 1, (long)text, len);
}

static void
relocate(uintptr_t bias)
{
    const Elf64_Rela *rela = NULL;
    size_t len = 0;

    for (const Elf64_Dyn *dyn = _DYNAMIC; dyn->d_tag != DT_NULL; dyn++) {
        if (dyn->d_tag == DT_RELA)
            rela = (const Elf64_Rela *)(bias + dyn->d_un.d_ptr);
        if (dyn->d_tag == DT_RELASZ)
            len = dyn->d_un.d_val / sizeof *rela;
    }
    for (size_t i = 0; i < len; i++)
        if (ELF64_R_TYPE(rela[i].r_info) == R_RISCV_RELATIVE)
            *(uintptr_t *)(bias + rela[i].r_offset) = bias + (uintptr_t)rela[i].r_addend;
}

static uint64_t
aux(const uint64_t *sp, uint64_t type)
{
    const uint64_t *at = sp + 1 + sp[0] + 1;

    while (*at++ != 0)
        ;
    for (; at[0] != AT_NULL; at += 2)
        if (at[0] == type)
            return at[1];
    return 0;
}

__attribute__((noreturn, used)) void begin(const uint64_t *sp);

void
begin(const uint64_t *sp)
{
    uintptr_t bias = (uintptr_t)__ehdr_start; /* it is linked to 0 */
    const Elf64_Ehdr *header = (const Elf64_Ehdr *)bias;
    size_t dirty = 0;

    relocate(bias);
    say(lines[0]);
    if (aux(sp, AT_PHDR) == bias + header->e_phoff && aux(sp, AT_ENTRY) == bias + header->e_entry &&
        aux(sp, AT_PHNUM) == header->e_phnum && aux(sp, AT_BASE) == 0)
        say(lines[1]);
    for (size_t i = 0; i < sizeof zeros; i++)
        dirty += zeros[i] != 0;
    if (dirty == 0)
        say(lines[2]);
    (void)call(93, 7, 0, 0);
    for (;;)
        ;
}
