/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults, and the core's own accesses.
 *
 * An address faults because its segment is out of RAM (it is brought in, whole: demand
 * segmentation), because it is below a stack that may grow, or because it is wrong.
 *
 * Without translation nothing faults but an address beyond the end of RAM.  There a space whose
 * memory is not at home is given registers that let nothing through, so that its first access comes
 * here too.
 */
#include "seg/segcore.h"

#define FAULT_STACK_STEP ((uint64_t)64 << 10) /* a stack grows by so much if it may */

enum space_fault
seg_fault_of(const struct seg_system *system, enum pgw_status status)
{
    switch (status) {
    case PGW_OK:
        return SPACE_FAULT_OK;
    case PGW_IO:
    case PGW_CORRUPT:
        return SPACE_FAULT_IO;
    case PGW_NORAM:
        return system->thrashing ? SPACE_FAULT_THRASH : SPACE_FAULT_NOMEM;
    default:
        return SPACE_FAULT_NOMEM;
    }
}

static enum space_fault
fault_say(struct seg_system *system, enum space_fault fault, const char *why)
{
    system->why = why;
    return fault;
}

static void
fault_count(struct seg_space *space, bool major)
{
    struct seg_stats *stats = &space->system->stats;

    stats->faults++;
    stats->major += major;
    stats->minor += !major;
    space->faults.major += major;
    space->faults.minor += !major;
}

/* --- stacks --- */

static enum pgw_status
fault_extend(struct seg_space *space, struct seg_region *region, uint64_t start)
{
    struct seg_system *system = space->system;
    bool zero;
    enum pgw_status status = seg_extent_cover(space, start, region->start, &zero);

    if (status != PGW_OK) {
        seg_extent_trim(space, seg_window_at(system, region->start));
        return status;
    }
    const struct seg_segment *segment = seg_segment_at(space, start);
    if (!zero)
        seg_frames_zero(
            system, seg_extent_frame(segment, start), (region->start - start) >> PAGE_SHIFT);
    seg_region_resize(space, region, start, region->end);
    seg_registers_update(space);
    return PGW_OK;
}

/* The lowest address that the stack may have now. */
static uint64_t
fault_floor(struct seg_space *space, const struct seg_region *region)
{
    const struct seg_region *below = seg_region_below(space, region->start);
    uint64_t floor = region->end > region->len_max ? region->end - region->len_max : 0;
    uint64_t start, end;

    (void)seg_window_range(
        space->system, seg_window_at(space->system, region->start), &start, &end);
    if (floor < start)
        floor = start;
    if (below != NULL && below->end + SPACE_GUARD > floor)
        floor = below->end + SPACE_GUARD;
    return floor;
}

/* A stack above va grows down to it. */
static enum space_fault
fault_grow(struct seg_space *space, uint64_t va, enum access access)
{
    struct seg_system *system = space->system;
    struct seg_region *region = seg_region_at_or_above(space, va);

    if (region == NULL || !region->growsdown || va < fault_floor(space, region) ||
        seg_window_at(system, va) != seg_window_at(system, region->start))
        return fault_say(system, SPACE_FAULT_MAPERR,
            system->config.scheme == SEG_SEGMENTS ? "outside the bounds of its segment"
                                                  : "outside the bounds of the program");
    if (!prot_allows(region->prot, access))
        return fault_say(system, SPACE_FAULT_ACCERR, "a segment, but not with this right");
    uint64_t floor = fault_floor(space, region);
    uint64_t start = page_floor(va);
    uint64_t step =
        region->start - floor > FAULT_STACK_STEP ? region->start - FAULT_STACK_STEP : floor;
    enum pgw_status status = fault_extend(space, region, step < start ? step : start);
    if (status != PGW_OK && step < start)
        status = fault_extend(space, region, start);
    if (status != PGW_OK)
        return seg_fault_of(system, status);
    space->faults.zero_fill++;
    fault_count(space, false);
    return SPACE_FAULT_OK;
}

/* --- faults --- */

static enum space_fault
fault_bring(struct seg_space *space, struct seg_segment *segment)
{
    struct seg_system *system = space->system;
    struct seg_block *block = segment->block;
    bool device = block->state != SEG_RESIDENT;
    enum pgw_status status = system->config.scheme == SEG_NONE ? seg_room_home(system, segment)
                                                               : seg_block_in(system, block);

    if (status != PGW_OK)
        return seg_fault_of(system, status);
    seg_block_used(system, block);
    fault_count(space, device);
    return SPACE_FAULT_OK;
}

enum space_fault
seg_fault(struct space *space, uint64_t va, enum access access)
{
    struct seg_space *seg_space = seg_space_of(space);
    struct seg_system *system = seg_space->system;

    system->why = "";
    system->thrashing = false;
    if (va >= system->end)
        return fault_say(system, SPACE_FAULT_MAPERR,
            system->config.scheme == SEG_NONE
                ? "beyond the end of RAM, which is where addresses end without translation"
                : "beyond the end of addresses");
    if (system->config.scheme == SEG_NONE) {
        if (seg_space->segments[0].block != NULL)
            return fault_bring(seg_space, &seg_space->segments[0]);
        fault_count(seg_space, false);
        return SPACE_FAULT_OK;
    }
    struct seg_segment *segment = seg_segment_at(seg_space, va);
    if (segment == NULL)
        return fault_grow(seg_space, va, access);
    if (!prot_allows(seg_segment_prot(segment), access))
        return fault_say(system, SPACE_FAULT_ACCERR, "a segment, but not with this right");
    return fault_bring(seg_space, segment);
}

/* The core reads and writes what the hardware would let the program; without any hardware, what
 * belongs to the program.  A segment need not be at home for that. */
enum space_fault
seg_resolve(struct space *space, uint64_t va, enum access access, unsigned char **bytes)
{
    struct seg_space *seg_space = seg_space_of(space);
    struct seg_system *system = seg_space->system;
    struct seg_segment *segment = seg_segment_at(seg_space, va);
    enum space_fault fault = SPACE_FAULT_OK;

    system->why = "";
    system->thrashing = false;
    if (segment == NULL && system->config.scheme == SEG_NONE)
        return fault_say(system, SPACE_FAULT_MAPERR, "not the program's");
    if (segment == NULL) {
        fault = seg_fault(space, va, access);
        segment = seg_segment_at(seg_space, va);
    } else if (!prot_allows(seg_segment_prot(segment), access)) {
        return fault_say(system, SPACE_FAULT_ACCERR, "a segment, but not with this right");
    }
    if (fault != SPACE_FAULT_OK)
        return fault;
    if (segment->block->state != SEG_RESIDENT) {
        fault = seg_fault_of(system, seg_block_in(system, segment->block));
        if (fault != SPACE_FAULT_OK)
            return fault;
        fault_count(seg_space, true);
    }
    seg_block_used(system, segment->block);
    *bytes = mem_page_bytes(
        system->mem, seg_block_page(system, segment->block, (va - segment->lo) >> PAGE_SHIFT));
    return SPACE_FAULT_OK;
}

/* --- switches --- */

void
seg_activate(struct space *space, struct pmap_context *context)
{
    struct seg_space *seg_space = seg_space_of(space);
    struct seg_system *system = seg_space->system;

    system->running = seg_space;
    for (unsigned w = 0; w < system->windows; w++)
        if (seg_space->segments[w].block != NULL)
            seg_block_used(system, seg_space->segments[w].block);
    /* If that fails, its first access will fault and say why. */
    if (system->config.scheme == SEG_NONE && seg_space->segments[0].block != NULL)
        (void)!seg_room_home(system, &seg_space->segments[0]);
    context->root = (uintptr_t)&seg_space->registers;
    context->asid = seg_space->registers.asid;
}

void
seg_deactivate(struct space *space)
{
    struct seg_system *system = seg_space_of(space)->system;

    if (system->running == seg_space_of(space))
        system->running = NULL;
}
