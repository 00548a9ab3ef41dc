/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where things go in a paged space, as on Linux:
 *
 *     0   64K           2/3 end                                           end
 *     | . | program heap ->|  movable program heap ->  <- mappings  stack | . |
 *
 * A program is where it was linked to be, or, if it is movable, two thirds up; its heap follows it.
 * The stack is at the top, and mappings, the dynamic linker's among them, go downwards from below
 * it.  With random numbers each of the four moves by pages, within a 256th of the space: the
 * program and its heap up, the stack and the mappings down.  Without them addresses are the same
 * in every run, which is what somebody who studies them wants.
 */
#include "vm/core.h"

/* Above the stack: 14 free pages, the trampoline, and a page that stays free. */
#define LAYOUT_TRAMPOLINE 14u
#define LAYOUT_STACK 16u
/* A stack may take this part of a small space at most, so that heap and mappings find room. */
#define LAYOUT_STACK_SHARE 8u

uint64_t
vm_layout_top(const struct vm_system *system)
{
    return system->space_end - SPACE_GUARD;
}

static uint64_t
layout_stack_max(uint64_t end, uint64_t wanted)
{
    uint64_t most = page_floor(end / LAYOUT_STACK_SHARE);

    return page_ceil(wanted) < most ? page_ceil(wanted) : most;
}

enum pgw_status
vm_layout(struct space *space, const struct space_image *image, uint64_t stack_max,
    struct space_layout *layout)
{
    struct vm_space *vm_space = vm_space_of(space);
    const uint64_t *random = image != NULL ? image->random : NULL;
    uint64_t end = page_floor(vm_space->system->space_end);
    struct space_layout made = {.end = end, .stack_max = layout_stack_max(end, stack_max)};

    made.stack_top =
        end - LAYOUT_STACK * PAGE_SIZE - space_random_shift(random, SPACE_RANDOM_STACK, end);
    made.trampoline = made.stack_top + LAYOUT_TRAMPOLINE * PAGE_SIZE;
    if (image != NULL) {
        if (image->movable)
            made.bias = page_floor(end / 3 * 2) - image->start +
                        space_random_shift(random, SPACE_RANDOM_IMAGE, end);
        made.heap = image->end + made.bias + space_random_shift(random, SPACE_RANDOM_HEAP, end);
        if (made.heap >= made.stack_top)
            return PGW_NOSPACE;
    }
    *layout = made;
    /* The hole search keeps clear of the stack by itself, as far as it may grow. */
    vm_space->top = vm_layout_top(vm_space->system);
    if (random != NULL)
        vm_space->top = made.stack_top - made.stack_max - SPACE_GUARD -
                        space_random_shift(random, SPACE_RANDOM_MAPPINGS, end);
    return PGW_OK;
}
