/* SPDX-License-Identifier: BSD-2-Clause */
/* Recursion until the stack is so many MiB deep (64), verified on the way back; with a second
 * number, a page is mapped so many MiB below its top. */
#include <sys/mman.h>

#include "guest.h"

#define FRAME_WORDS 250

static uint64_t
descend(uint64_t depth, uint64_t to, uintptr_t top)
{
    volatile uint64_t frame[FRAME_WORDS];
    frame[0] = guest_value(7, depth);
    frame[FRAME_WORDS - 1] = ~frame[0];
    uint64_t sum = 0;
    if (top - (uintptr_t)frame < to)
        sum = descend(depth + 1, to, top);
    GUEST_CHECK(frame[0] == guest_value(7, depth) && frame[FRAME_WORDS - 1] == ~frame[0]);
    return guest_sum(sum, frame[0]);
}

int
main(int argc, char **argv)
{
    uint64_t mib = guest_arg(argc, argv, 1, 64);
    uint64_t below = guest_arg(argc, argv, 2, 0);
    uintptr_t top = (uintptr_t)__builtin_frame_address(0);
    void *at = (void *)((top - (below << 20)) & ~(uintptr_t)(GUEST_PAGE - 1));
    if (below > 0)
        GUEST_CHECK(
            mmap(at, GUEST_PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at);
    uint64_t sum = descend(0, mib << 20, top);
    printf("a stack of %lu MiB, sum %016lx\n", mib, sum);
    return 0;
}
