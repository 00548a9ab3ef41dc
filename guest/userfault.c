/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults that a program handles itself, by SIGSEGV: memory that is made when it is touched, a write
 * barrier as garbage collectors have it, a handler that faults in its turn, and a stack of its own
 * for it.  Where a fault was and of which kind is printed and must be right.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guest.h"

#define N 32

static unsigned char *base;
static volatile sig_atomic_t faults, nested, on_own_stack;
static volatile int last_page, last_code;
static sigjmp_buf out;
static unsigned char own_stack[65536];

/* A store that happens here, as far as the compiler is concerned. */
static void
put(size_t page, size_t off, int byte)
{
    *(volatile unsigned char *)(base + page * GUEST_PAGE + off) = (unsigned char)byte;
}

static void
note(const siginfo_t *info)
{
    unsigned char here;

    faults++;
    last_page = (int)(((unsigned char *)info->si_addr - base) / (long)GUEST_PAGE);
    last_code = info->si_code;
    on_own_stack = &here >= own_stack && &here < own_stack + sizeof own_stack;
}

static const char *
code(void)
{
    return last_code == SEGV_MAPERR ? "MAPERR" : last_code == SEGV_ACCERR ? "ACCERR" : "another";
}

static void
handle(void (*handler)(int, siginfo_t *, void *), int flags)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};

    GUEST_CHECK(sigaction(SIGSEGV, &action, NULL) == 0);
    faults = 0;
}

/* Makes the page that was touched. */
static void
make_page(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)context;
    note(info);
    unsigned char *page = base + (size_t)last_page * GUEST_PAGE;
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    if (mmap(page, GUEST_PAGE, PROT_READ | PROT_WRITE, flags, -1, 0) != page)
        _exit(3);
    memset(page, last_page + 1, GUEST_PAGE);
}

/* Gives the right to write, and notes that the page was. */
static unsigned char written[N];

static void
barrier(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)context;
    note(info);
    written[last_page] = 1;
    if (mprotect(base + (size_t)last_page * GUEST_PAGE, GUEST_PAGE, PROT_READ | PROT_WRITE) != 0)
        _exit(3);
}

/* The first fault's handler touches the next page, up to a depth. */
static void
nest(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)context;
    note(info);
    int page = last_page;
    if (mprotect(base + (size_t)page * GUEST_PAGE, GUEST_PAGE, PROT_READ | PROT_WRITE) != 0)
        _exit(3);
    if (page < 5) {
        nested++;
        put((size_t)(page + 1), 0, page);
    }
}

static void
leave(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)context;
    note(info);
    siglongjmp(out, 1);
}

static void
lazily(void)
{
    unsigned long sum = 0;

    handle(make_page, 0);
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < N; i++)
            sum += *(volatile unsigned char *)(base + (size_t)((i * 7) % N) * GUEST_PAGE + 100);
    printf("made when touched: %d faults, the last of page %d, %s, sum %lu\n", (int)faults,
        last_page, code(), sum);
}

static void
collector(void)
{
    handle(barrier, 0);
    for (int cycle = 0; cycle < 3; cycle++) {
        memset(written, 0, sizeof written);
        GUEST_CHECK(mprotect(base, N * GUEST_PAGE, PROT_READ) == 0);
        faults = 0;
        for (int i = 0; i < 200; i++)
            put((size_t)((i * (cycle + 3)) % (N / 2)), (size_t)i, i);
        printf("cycle %d: %d faults, %s, written:", cycle, (int)faults, code());
        for (int i = 0; i < N; i++)
            printf("%d", written[i]);
        printf("\n");
    }
}

static void
within(void)
{
    GUEST_CHECK(mprotect(base, N * GUEST_PAGE, PROT_NONE) == 0);
    handle(nest, SA_NODEFER);
    put(0, 0, 9);
    printf("nested: %d faults, %d within another, bytes", (int)faults, (int)nested);
    for (size_t i = 0; i < 6; i++)
        printf(" %d", base[i * GUEST_PAGE]);
    printf("\n");
}

static void
aside(void)
{
    stack_t stack = {.ss_sp = own_stack, .ss_size = sizeof own_stack};

    GUEST_CHECK(sigaltstack(&stack, NULL) == 0);
    GUEST_CHECK(mprotect(base, N * GUEST_PAGE, PROT_READ) == 0);
    handle(barrier, SA_ONSTACK);
    put(3, 0, 1);
    printf("on a stack of its own: %d\n", (int)on_own_stack);
    handle(barrier, 0);
    put(4, 0, 1);
    printf("on a stack of its own: %d\n", (int)on_own_stack);
}

/* What cannot be mended is left by a jump; a system call gives an error, and no signal. */
static void
for_good(void)
{
    GUEST_CHECK(munmap(base + 8 * GUEST_PAGE, GUEST_PAGE) == 0);
    GUEST_CHECK(mprotect(base + 9 * GUEST_PAGE, GUEST_PAGE, PROT_NONE) == 0);
    handle(leave, 0);
    for (size_t i = 7; i < 11; i++) {
        last_page = -1;
        if (sigsetjmp(out, 1) == 0)
            printf("page %zu: read %d\n", i, *(volatile unsigned char *)(base + i * GUEST_PAGE));
        else
            printf("page %zu: fault at %d, %s\n", i, last_page, code());
    }
    int fds[2];
    GUEST_CHECK(pipe(fds) == 0 && write(fds[1], "12345678", 8) == 8);
    faults = 0;
    ssize_t n = read(fds[0], base + 8 * GUEST_PAGE, 8);
    printf("read into a hole: %s, %d faults\n", n < 0 ? strerrorname_np(errno) : "ok", (int)faults);
    n = write(fds[1], base + 9 * GUEST_PAGE, 8);
    printf("write from no rights: %s, %d faults\n", n < 0 ? strerrorname_np(errno) : "ok",
        (int)faults);
}

int
main(void)
{
    base =
        mmap(NULL, N * GUEST_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    GUEST_CHECK(base != MAP_FAILED);
    lazily();
    GUEST_CHECK(munmap(base + N / 2 * GUEST_PAGE, N / 2 * GUEST_PAGE) == 0);
    handle(make_page, 0);
    (void)*(volatile unsigned char *)(base + (N - 1) * GUEST_PAGE);
    printf("in a hole: page %d, %s\n", last_page, code());
    GUEST_CHECK(mmap(base, N * GUEST_PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
                    0) == base);
    collector();
    within();
    aside();
    for_good();
    return 0;
}
