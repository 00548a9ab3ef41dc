/* SPDX-License-Identifier: BSD-2-Clause */
/* One mapping of so many GiB (250), one page touched in each: a space costs what is touched. */
#include <sys/mman.h>

#include "guest.h"

int
main(int argc, char **argv)
{
    uint64_t gib = guest_arg(argc, argv, 1, 250), sum = 0;
    unsigned char *p = mmap(NULL, gib << 30, PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    GUEST_CHECK(p != MAP_FAILED);
    for (uint64_t round = 0; round < 3; round++) {
        for (uint64_t g = 0; g < gib; g++) {
            uint64_t off = guest_value(1, g) % (1 << 18) * GUEST_PAGE;
            uint64_t *word = (uint64_t *)(p + (g << 30) + off);
            GUEST_CHECK(*word == (round == 0 ? 0 : guest_value(round - 1, g)));
            *word = guest_value(round, g);
            sum = guest_sum(sum, *word);
        }
    }
    printf("a page in each of %lu GiB, three times, sum %016lx\n", gib, sum);
    GUEST_CHECK(munmap(p, gib << 30) == 0);
    return 0;
}
