/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Advice, of which a segment can take one kind: what is not needed becomes as it was when it was
 * new.  It has its place in RAM all the same, so nothing is saved by it.
 */
#include "seg/segcore.h"

/* Fills a part of a stack with zeros: a hole in a region that grows would stop its growth. */
static enum pgw_status
advise_zero(struct space *space, uint64_t from, uint64_t to)
{
    static const unsigned char zeros[PAGE_SIZE];

    for (; from < to; from += PAGE_SIZE)
        if (space_write(space, from, zeros, PAGE_SIZE, NULL) != SPACE_FAULT_OK)
            return PGW_NORAM;
    return PGW_OK;
}

/* Gives [from, to) of a region the content it had when it was new. */
static enum pgw_status
advise_renew(struct space *space, const struct seg_region *region, uint64_t from, uint64_t to)
{
    struct space_map_args args = {
        .va = from,
        .len = to - from,
        .prot = region->prot,
        .flags = SPACE_FIXED,
        .use = region->use,
        .object = region->object != NULL ? &region->object->base : NULL,
        .offset = region->object != NULL ? region->offset + (from - region->start) : 0,
    };
    uint64_t va;

    return region->growsdown ? advise_zero(space, from, to) : seg_map(space, &args, &va);
}

enum pgw_status
seg_advise(struct space *space, uint64_t va, uint64_t len, enum space_advice advice)
{
    struct seg_space *seg_space = seg_space_of(space);
    bool hole = false;
    uint64_t end;
    enum pgw_status status = seg_map_range(seg_space->system, va, len, &end);

    if (status == PGW_OK && advice != SPACE_ADVICE_DONTNEED && advice != SPACE_ADVICE_DROP)
        return seg_fail(seg_space->system, PGW_UNSUPPORTED, "a segment takes no such advice");
    while (status == PGW_OK && va < end) {
        const struct seg_region *region = seg_region_at_or_above(seg_space, va);
        hole = hole || region == NULL || region->start > va;
        if (region == NULL || region->start >= end)
            break;
        uint64_t from = region->start > va ? region->start : va;
        uint64_t to = region->end < end ? region->end : end;
        if (!seg_segment_at(seg_space, from)->block->shared) /* others have it still */
            status = advise_renew(space, region, from, to);
        va = to;
    }
    return status == PGW_OK && hole ? PGW_NOTFOUND : status;
}
