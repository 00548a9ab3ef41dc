/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Isolation: children fill their memory with a secret and end, some of them while others still
 * run; then this process, and new children, look through memory they have never touched.  All
 * of it must be zero.
 */
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

static unsigned char *
take(size_t pages)
{
    void *p =
        mmap(NULL, pages * GUEST_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    GUEST_CHECK(p != MAP_FAILED);
    return p;
}

static void
must_be_zero(const unsigned char *p, size_t pages)
{
    const uint64_t *words = (const uint64_t *)p;
    for (size_t i = 0; i < pages * GUEST_PAGE / 8; i++)
        GUEST_CHECK(words[i] == 0);
}

static void
wait_all(void)
{
    for (int status; wait(&status) > 0;)
        GUEST_CHECK(status == 0);
}

static void
start_child(size_t pages, int dirty)
{
    pid_t pid = fork();
    GUEST_CHECK(pid >= 0);
    if (pid != 0)
        return;
    unsigned char *p = take(pages);
    must_be_zero(p, pages);
    if (dirty)
        memset(p, 0xa5, pages * GUEST_PAGE);
    _exit(0);
}

int
main(int argc, char **argv)
{
    size_t pages = guest_arg(argc, argv, 1, 100);
    for (int round = 0; round < 5; round++) {
        for (int c = 0; c < 4; c++)
            start_child(pages, 1);
        if (round % 2 == 0)
            wait_all();
        start_child(pages, 0);
        unsigned char *p = take(2 * pages);
        must_be_zero(p, 2 * pages);
        memset(p, 0x5a, 2 * pages * GUEST_PAGE);
        munmap(p, 2 * pages * GUEST_PAGE);
        wait_all();
    }
    unsigned char *heap = sbrk((intptr_t)(pages * GUEST_PAGE));
    for (size_t i = 0; i < pages * GUEST_PAGE; i++)
        GUEST_CHECK(heap[i] == 0);
    printf("%zu pages and all the others: fresh memory is zero\n", pages);
    return 0;
}
