/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Translations that change under threads which use them: one thread takes pages away, or the right
 * to write them, or maps others in their place, while others read and write there and catch what is
 * refused.  After a change has returned, nobody may see the page as it was before.  A TLB that is
 * not told is found out.
 *
 *      tlbstorm [rounds [threads]]
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

#include "guest.h"

#define PAGES 16
#define THREADS_MAX 16
#define STACK ((size_t)64 << 10)

/* What a page may be, as far as everybody has been told.  The generation is even while it is so,
 * and odd while it is being changed. */
struct page {
    atomic_ulong generation;
    atomic_int state; /* enum */
    atomic_ulong value;
};
enum { WRITABLE, READONLY, GONE };

static struct page pages[PAGES];
static char *base;
static atomic_int stop;
static __thread sigjmp_buf back;
static __thread volatile sig_atomic_t expecting;
static atomic_ulong refused, wrong, seen;

static void
on_fault(int sig)
{
    (void)sig;
    if (!expecting)
        _Exit(9);
    siglongjmp(back, 1);
}

static volatile uint64_t *
cell(unsigned i, unsigned thread)
{
    return (volatile uint64_t *)(void *)(base + i * GUEST_PAGE + 8 * thread);
}

/* Reads or writes a cell; false: it was refused. */
static bool
try_access(volatile uint64_t *at, bool write, uint64_t *value)
{
    if (sigsetjmp(back, 1) != 0) {
        expecting = 0;
        return false;
    }
    expecting = 1;
    if (write)
        *at = *value;
    else
        *value = *at;
    expecting = 0;
    return true;
}

/* One access, judged if the page was in one state from before it until after it. */
static void
look(unsigned i, unsigned thread, bool write)
{
    struct page *page = &pages[i];
    unsigned long before = atomic_load(&page->generation);
    int state = atomic_load(&page->state);
    uint64_t expected = atomic_load(&page->value), value = 7;
    bool done = try_access(write ? cell(i, 100 + thread) : cell(i, 0), write, &value);
    if (!done)
        atomic_fetch_add(&refused, 1);
    if (before % 2 != 0 || atomic_load(&page->generation) != before)
        return;
    bool may = state == WRITABLE || (state == READONLY && !write);
    atomic_fetch_add(&seen, 1);
    if (done != may || (done && !write && value != expected))
        atomic_fetch_add(&wrong, 1);
}

static void *
run_user(void *arg)
{
    unsigned thread = (unsigned)(uintptr_t)arg;
    uint64_t seed = thread;
    while (!atomic_load(&stop)) {
        uint64_t r = guest_rand(&seed);
        look((unsigned)(r % PAGES), thread, r >> 32 & 1);
    }
    return NULL;
}

static void
map_anew(char *at, uint64_t value)
{
    char *got = mmap(
        at, GUEST_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    GUEST_CHECK(got == at);
    *(volatile uint64_t *)(void *)at = value;
}

/* Brings a page into another state; what it holds is new where the page is. */
static void
change(unsigned i, int how, uint64_t value)
{
    struct page *page = &pages[i];
    char *at = base + i * GUEST_PAGE;
    bool gone = atomic_load(&page->state) == GONE;
    atomic_fetch_add(&page->generation, 1);
    if (how == GONE) {
        GUEST_CHECK(munmap(at, GUEST_PAGE) == 0);
    } else if (gone || value % 3 == 0) {
        map_anew(at, value);
        atomic_store(&page->value, value);
    } else if (value % 3 == 1) {
        GUEST_CHECK(mprotect(at, GUEST_PAGE, PROT_READ | PROT_WRITE) == 0);
        GUEST_CHECK(madvise(at, GUEST_PAGE, MADV_DONTNEED) == 0);
        atomic_store(&page->value, 0);
    }
    if (how != GONE)
        GUEST_CHECK(
            mprotect(at, GUEST_PAGE, how == READONLY ? PROT_READ : PROT_READ | PROT_WRITE) == 0);
    atomic_store(&page->state, how);
    atomic_fetch_add(&page->generation, 1);
}

int
main(int argc, char **argv)
{
    uint64_t rounds = guest_arg(argc, argv, 1, 3000), n = guest_arg(argc, argv, 2, 4);
    struct sigaction action = {.sa_handler = on_fault};
    pthread_t threads[THREADS_MAX];
    pthread_attr_t attr;
    uint64_t seed = 5, changes[3] = {0, 0, 0};
    GUEST_CHECK(n <= THREADS_MAX);
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    /* With room around it, so that nobody else's memory comes to lie where a page is gone. */
    base =
        mmap(NULL, PAGES * GUEST_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    GUEST_CHECK(base != MAP_FAILED);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK);
    for (uintptr_t i = 0; i < n; i++)
        GUEST_CHECK(pthread_create(&threads[i], &attr, run_user, (void *)i) == 0);
    for (uint64_t i = 0; i < rounds; i++) {
        uint64_t r = guest_rand(&seed);
        int how = (int)(r >> 40) % 3;
        changes[how]++;
        change((unsigned)(r % PAGES), how, r >> 8);
        if (i % 8 == 0)
            sched_yield();
    }
    /* Until there was something to see, which may never be on a machine without protection. */
    for (int i = 0; i < 300 && (atomic_load(&seen) == 0 || atomic_load(&refused) == 0); i++)
        sched_yield();
    atomic_store(&stop, 1);
    for (uint64_t i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    printf("changes: %llu made writable, %llu read-only, %llu taken away\n",
        (unsigned long long)changes[0], (unsigned long long)changes[1],
        (unsigned long long)changes[2]);
    printf("accesses that saw a page as it no longer was: %lu\n", atomic_load(&wrong));
    return 0;
}
