/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Breaks RAM into pieces, keeps some of them where they are by mlock(2), then wants huge pages, and
 * goes on using them: do they come, and do they stay?
 *
 *   fragments BLOCKS PIN WANTED ROUNDS
 *
 * BLOCKS times 2 MiB of small pages are written and three of four of them given back; in every
 * PIN-th block a page is locked (0: in none); WANTED times 2 MiB are advised to be huge, written,
 * and then read ROUNDS times.  The last line is how much of that is mapped by huge pages.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guest.h"

#define HUGE ((size_t)2 << 20)
#define PAGES (HUGE / GUEST_PAGE)
#define KEEP 4 /* one page in so many is kept */

/* n times 2 MiB at such an address, advised. */
static unsigned char *
map_blocks(size_t n, int advice)
{
    unsigned char *at =
        mmap(NULL, (n + 1) * HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    GUEST_CHECK(at != MAP_FAILED);
    at = (unsigned char *)(((uintptr_t)at + HUGE - 1) & ~(uintptr_t)(HUGE - 1));
    GUEST_CHECK(madvise(at, n * HUGE, advice) == 0);
    return at;
}

static void
write_pages(unsigned char *start, size_t pages, uint64_t seed)
{
    for (size_t i = 0; i < pages; i++) {
        uint64_t value = guest_value(seed, i);
        memcpy(start + i * GUEST_PAGE + i % 500 * 8, &value, sizeof value);
    }
}

static void
expect_pages(const unsigned char *start, size_t pages, size_t step, uint64_t seed)
{
    for (size_t i = 0; i < pages; i += step) {
        uint64_t value;
        memcpy(&value, start + i * GUEST_PAGE + i % 500 * 8, sizeof value);
        GUEST_CHECK(value == guest_value(seed, i));
    }
}

static unsigned char *
break_up(size_t blocks, size_t pin)
{
    unsigned char *start = map_blocks(blocks, MADV_NOHUGEPAGE);

    write_pages(start, blocks * PAGES, 1);
    for (size_t i = 0; i < blocks * PAGES; i++)
        if (i % KEEP != 0)
            GUEST_CHECK(madvise(start + i * GUEST_PAGE, GUEST_PAGE, MADV_DONTNEED) == 0);
    for (size_t block = 0; pin > 0 && block < blocks; block += pin)
        GUEST_CHECK(mlock(start + (block * PAGES + PAGES / 2) * GUEST_PAGE, GUEST_PAGE) == 0);
    return start;
}

/* KiB mapped by huge pages. */
static unsigned long
huge_now(void)
{
    unsigned long sum = 0, kib;
    char line[512];
    FILE *smaps = fopen("/proc/self/smaps", "r");

    GUEST_CHECK(smaps != NULL);
    while (fgets(line, sizeof line, smaps) != NULL)
        if (sscanf(line, "AnonHugePages: %lu", &kib) == 1)
            sum += kib;
    fclose(smaps);
    return sum;
}

int
main(int argc, char **argv)
{
    GUEST_CHECK(argc == 5);
    size_t blocks = strtoul(argv[1], NULL, 10), pin = strtoul(argv[2], NULL, 10);
    size_t wanted = strtoul(argv[3], NULL, 10), rounds = strtoul(argv[4], NULL, 10);
    unsigned char *kept = break_up(blocks, pin);
    unsigned char *huge = map_blocks(wanted, MADV_HUGEPAGE);

    write_pages(huge, wanted * PAGES, 2);
    for (size_t round = 0; round < rounds; round++)
        expect_pages(huge, wanted * PAGES, 1, 2);
    expect_pages(huge, wanted * PAGES, 1, 2);
    unsigned long kib = huge_now();
    expect_pages(kept, blocks * PAGES, KEEP, 1);
    printf("all is there\n%lu\n", kib);
    return 0;
}
