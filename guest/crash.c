/* SPDX-License-Identifier: BSD-2-Clause */
/* Ends by the signal that its argument asks for, after a line of output. */
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guest.h"

static void
jump(uintptr_t to)
{
    void (*code)(void) = (void (*)(void))to;
    code();
}

/* Not inlined and not a tail call, so that the stack really grows. */
static __attribute__((noinline)) int
overflow(volatile char *above)
{
    volatile char room[1000];
    room[0] = (char)(above[0] + 1);
    return room[0] == 1 || above[0] != 0 ? overflow(room) + room[0] : 0;
}

static void
misuse_file(void)
{
    char name[] = "/tmp/crash-XXXXXX";
    int fd = mkstemp(name);
    GUEST_CHECK(fd >= 0 && unlink(name) == 0 && write(fd, "x", 1) == 1);
    volatile char *p = mmap(NULL, 3 * GUEST_PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
    GUEST_CHECK(p[0] == 'x');
    (void)p[2 * GUEST_PAGE];
}

/* Named memory that may only be read. */
static void
misuse_shared(void)
{
    int fd = memfd_create("crash", 0);
    GUEST_CHECK(fd >= 0 && ftruncate(fd, (off_t)GUEST_PAGE) == 0);
    volatile char *p = mmap(NULL, GUEST_PAGE, PROT_READ, MAP_SHARED, fd, 0);
    GUEST_CHECK(p[0] == 0);
    p[0] = 1;
}

static __attribute__((noipa)) void
go(const char *how)
{
    static int data[4];
    volatile char zero = 0;
    if (strcmp(how, "null") == 0)
        *(volatile int *)(uintptr_t)zero = 1;
    else if (strcmp(how, "wild") == 0)
        (void)*(volatile int *)0x123456789a8;
    else if (strcmp(how, "kernel") == 0)
        (void)*(volatile int *)0xffffffc000000000u;
    else if (strcmp(how, "text") == 0)
        *(volatile int *)(uintptr_t)go = 1;
    else if (strcmp(how, "jump") == 0)
        jump(0x10);
    else if (strcmp(how, "data") == 0)
        jump((uintptr_t)data);
    else if (strcmp(how, "illegal") == 0)
        __asm__ volatile("unimp");
    else if (strcmp(how, "stack") == 0)
        (void)overflow(&zero);
    else if (strcmp(how, "bus") == 0)
        misuse_file();
    else if (strcmp(how, "shared") == 0)
        misuse_shared();
    else if (strcmp(how, "abort") == 0)
        abort();
    else
        raise((int)strtol(how, NULL, 10));
}

int
main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "null";
    printf("about to end by: %s\n", how);
    fflush(stdout);
    go(how);
    puts("still here");
    return 0;
}
