/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program whose references to one piece of memory are known: what test_record.c expects to find
 * in a trace, in this order.  With the argument "again" it ends at once: it is run by itself; with
 * "work" it sorts more than little RAM holds, with "stack" it uses very much of that.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest_refs.h"

/* Instructions, not what a compiler makes of an unaligned access. */
static uint64_t
load(uint64_t va)
{
    uint64_t v;
    __asm__ volatile("ld %0, 0(%1)" : "=r"(v) : "r"(va) : "memory");
    return v;
}

static void
store(uint64_t va, uint64_t v)
{
    __asm__ volatile("sd %0, 0(%1)" : : "r"(v), "r"(va) : "memory");
}

static void
store_byte(uint64_t va)
{
    __asm__ volatile("sb zero, 0(%0)" : : "r"(va) : "memory");
}

static void
add(uint64_t va)
{
    __asm__ volatile("amoadd.d zero, %0, (%1)" : : "r"(UINT64_C(1)), "r"(va) : "memory");
}

static int
child(char **argv)
{
    char *again[] = {argv[0], (char *)(uintptr_t) "again", NULL};

    store(REFS_AT + 8, 5);
    execve(argv[0], again, again + 2);
    return 9;
}

/* Not qsort(), which asks how much RAM there is. */
static void
sort(uint64_t *all, size_t n)
{
    for (size_t gap = n / 2; gap > 0; gap /= 2) {
        for (size_t i = gap; i < n; i++) {
            uint64_t x = all[i];
            size_t at = i;
            for (; at >= gap && all[at - gap] > x; at -= gap)
                all[at] = all[at - gap];
            all[at] = x;
        }
    }
}

static int
work(void)
{
    const size_t n = 1 << 14;
    uint64_t *all = malloc(n * sizeof *all), x = 1;

    if (all == NULL)
        return 5;
    for (size_t i = 0; i < n; i++)
        all[i] = x = x * 6364136223846793005u + 1442695040888963407u;
    sort(all, n);
    for (size_t i = 1; i < n; i++)
        if (all[i - 1] > all[i])
            return 6;
    return 0;
}

/* Far down the stack, in one step and in many. */
static int
deep(unsigned depth)
{
    volatile char room[6000];

    room[0] = (char)depth;
    room[sizeof room - 1] = room[0];
    return depth > 0 ? deep(depth - 1) + room[0] - room[sizeof room - 1] : 0;
}

static int
stack(void)
{
    volatile char room[REFS_STACK];

    room[0] = 1;
    return deep(80) + room[0] - 1;
}

int
main(int argc, char **argv)
{
    const int anonymous = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    void *at = (void *)(uintptr_t)REFS_AT;
    uint64_t sum = 0;
    int ended;

    if (argc > 1 && strcmp(argv[1], "stack") == 0)
        return stack();
    if (argc > 1)
        return strcmp(argv[1], "work") == 0 ? work() : 0;
    if (mmap(at, REFS_LEN, PROT_READ | PROT_WRITE, anonymous, -1, 0) != at)
        return 1;
    for (uint64_t i = 0; i < REFS_WORDS; i++)
        store(REFS_AT + 8 * i, i);
    for (uint64_t i = 0; i < REFS_WORDS; i++)
        sum += load(REFS_AT + 8 * i);
    add(REFS_AT + 64);
    store(REFS_CROSSING, 1);
    store_byte(REFS_AT + 4096);
    if (sum != REFS_WORDS * (REFS_WORDS - 1) / 2)
        return 2;

    if (madvise((char *)at + 5 * 4096, 4096, MADV_DONTFORK) != 0 ||
        madvise((char *)at + 7 * 4096, 8192, MADV_WIPEONFORK) != 0)
        return 7;
    pid_t pid = fork();
    if (pid == 0)
        return child(argv);
    if (waitpid(pid, &ended, 0) != pid || ended != 0)
        return 3;
    store(REFS_AT + 16, 5);
    if (mprotect((char *)at + 4096, 4096, PROT_READ) != 0 ||
        madvise(at, 4096, MADV_DONTNEED) != 0 ||
        mremap((char *)at + 8192, 8192, 16384, MREMAP_MAYMOVE | MREMAP_FIXED,
            (void *)(uintptr_t)REFS_MOVED) == MAP_FAILED ||
        munmap((void *)(uintptr_t)REFS_MOVED, 16384) != 0)
        return 4;
    return 0;
}
