/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Code that changes: a function is written, fenced, run, overwritten and run again; other pages
 * are mapped where the code was; code moves to where data was; a child changes its copy and the
 * parent's stays; the C library's way, a system call, does what the fence does.
 */
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

/* addi a0, a0, imm; ret */
static void
assemble(unsigned char *at, int imm)
{
    uint32_t code[2] = {0x00050513u | (uint32_t)imm << 20, 0x00008067u};
    memcpy(at, code, sizeof code);
}

static void
fence(void)
{
    __asm__ volatile("fence.i" ::: "memory");
}

static long
call(unsigned char *at, long argument)
{
    long (*code)(long) = (long (*)(long))(uintptr_t)at;
    return code(argument);
}

static unsigned char *
map_code(unsigned char *at)
{
    void *p = mmap(at, 2 * GUEST_PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
        MAP_PRIVATE | MAP_ANONYMOUS | (at != NULL ? MAP_FIXED : 0), -1, 0);
    GUEST_CHECK(p != MAP_FAILED);
    return p;
}

static uint64_t
rewrite(unsigned char *p, int rounds)
{
    uint64_t sum = 0;
    for (int i = 0; i < rounds; i++) {
        assemble(p + i % 16 * 64, i & 1023);
        fence();
        sum = guest_sum(sum, (uint64_t)call(p + i % 16 * 64, i));
    }
    return sum;
}

/* Code that lies across the page boundary, its first instruction half on each side. */
static long
straddle(unsigned char *p)
{
    unsigned char *at = p + GUEST_PAGE - 2;
    assemble(at, 77);
    fence();
    long first = call(at, 1);
    assemble(at, 88);
    fence();
    return first * 1000 + call(at, 1);
}

/* Compilers and runtimes do not fence: they ask the kernel to (riscv_flush_icache). */
static long
asked(unsigned char *p)
{
    long sum = 0;
    for (int i = 0; i < 100; i++) {
        assemble(p, i);
        __builtin___clear_cache((char *)p, (char *)p + 8);
        sum += call(p, 0);
    }
    return sum;
}

static long
forked(unsigned char *p)
{
    int status;
    assemble(p, 5);
    fence();
    pid_t pid = fork();
    if (pid == 0) {
        assemble(p, 6);
        fence();
        _exit((int)call(p, 0));
    }
    GUEST_CHECK(waitpid(pid, &status, 0) == pid);
    return WEXITSTATUS(status) * 10 + call(p, 0);
}

int
main(void)
{
    unsigned char *p = map_code(NULL);
    printf("rewritten, sum %016lx\n", rewrite(p, 3000));
    printf("across a boundary %ld\n", straddle(p));
    printf("by a system call %ld\n", asked(p));
    assemble(p, 1);
    fence();
    long before = call(p, 0);
    munmap(p, 2 * GUEST_PAGE);
    p = map_code(p);
    assemble(p, 2);
    fence();
    printf("mapped anew %ld %ld\n", before, call(p, 0));
    GUEST_CHECK(mprotect(p, 2 * GUEST_PAGE, PROT_READ | PROT_EXEC) == 0);
    printf("read-only %ld\n", call(p, 40));
    GUEST_CHECK(mprotect(p, 2 * GUEST_PAGE, PROT_READ | PROT_WRITE | PROT_EXEC) == 0);
    printf("child and parent %ld\n", forked(p));
    unsigned char *q = map_code(NULL);
    assemble(p, 9);
    q = mremap(p, 2 * GUEST_PAGE, 2 * GUEST_PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, q);
    GUEST_CHECK(q != MAP_FAILED);
    fence();
    printf("moved %ld\n", call(q, 0));
    return 0;
}
