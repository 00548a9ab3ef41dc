/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Windows, and the registers that map what is in them.
 *
 *     SEG_SEGMENTS, bits = 2:   | code | heap | mappings | stack |      each a quarter of the space
 *                   bits = 3:   | code | heap | m | m | m | m | m | stack |
 *     SEG_BASE_BOUNDS:          | program                        |
 *     SEG_NONE:                 | program, up to the end of RAM  |
 */
#include <string.h>

#include "base/assert.h"
#include "seg/segcore.h"

enum { WINDOW_CODE, WINDOW_HEAP, WINDOW_MAPPINGS };

static unsigned
window_stack(const struct seg_system *system)
{
    return system->windows - 1;
}

static bool
window_is_many(const struct seg_system *system)
{
    return system->config.scheme == SEG_SEGMENTS;
}

unsigned
seg_window_at(const struct seg_system *system, uint64_t va)
{
    return window_is_many(system) ? (unsigned)(va >> system->shift) : 0;
}

bool
seg_window_range(const struct seg_system *system, unsigned window, uint64_t *start, uint64_t *end)
{
    if (window >= system->windows)
        return false;
    uint64_t size = window_is_many(system) ? UINT64_C(1) << system->shift : system->end;
    *start = window * size;
    *end = *start + size;
    return true;
}

bool
seg_window_is_down(const struct seg_system *system, unsigned window)
{
    return window_is_many(system) && window == window_stack(system);
}

const char *
seg_window_name(const struct seg_system *system, unsigned window)
{
    if (!window_is_many(system))
        return "program";
    if (window == window_stack(system))
        return "stack";
    return window == WINDOW_CODE ? "code" : window == WINDOW_HEAP ? "heap" : "mappings";
}

int
seg_window_for(const struct seg_system *system, enum space_use use, int after)
{
    if (!window_is_many(system))
        return after < 0 ? 0 : -1;
    if (use == SPACE_USE_HEAP || use == SPACE_USE_STACK)
        return after >= 0 ? -1 : use == SPACE_USE_HEAP ? WINDOW_HEAP : (int)window_stack(system);
    int next = after < 0 ? WINDOW_MAPPINGS : after + 1;
    return next < (int)window_stack(system) ? next : -1;
}

unsigned
seg_segment_window(const struct seg_segment *segment)
{
    return (unsigned)(segment - segment->space->segments);
}

struct seg_segment *
seg_segment_at(struct seg_space *space, uint64_t va)
{
    if (va >= space->system->end)
        return NULL;
    struct seg_segment *segment = &space->segments[seg_window_at(space->system, va)];
    if (segment->block == NULL || va < segment->lo || va >= seg_segment_end(segment))
        return NULL;
    return segment;
}

uint64_t
seg_segment_home(const struct seg_segment *segment)
{
    return segment->lo >> PAGE_SHIFT;
}

/* A single register has no rights; a segment's are all that any region in it has. */
prot_t
seg_segment_prot(const struct seg_segment *segment)
{
    const struct seg_space *space = segment->space;
    prot_t prot = PROT_MASK_NONE;

    if (!window_is_many(space->system))
        return PROT_MASK_ALL;
    struct seg_region *region = seg_region_at_or_above(segment->space, segment->lo);
    for (; region != NULL && region->start < seg_segment_end(segment);
         region = RB_NEXT(seg_region_tree, &space->regions, region))
        prot |= region->prot;
    return (prot & PROT_MASK_W) != 0 ? prot | PROT_MASK_R : prot;
}

static void
window_register(const struct seg_segment *segment, struct mmu_segment *out)
{
    const struct seg_block *block = segment->block;
    const struct seg_system *system = segment->space->system;

    if (block == NULL)
        return;
    out->limit = block->npages << PAGE_SHIFT;
    out->down = block->down;
    out->origin = block->down ? seg_segment_end(segment) : segment->lo;
    out->prot = seg_segment_prot(segment);
    out->present = block->state == SEG_RESIDENT;
    if (out->present)
        out->base = (system->mem->base_pfn + block->first + (block->down ? block->npages : 0))
                    << PAGE_SHIFT;
}

/* Without registers all that can be done to a program whose memory is elsewhere is to let it do
 * nothing: no register, so that its first access faults. */
static void
window_registers(const struct seg_space *space, struct mmu_segment_registers *out)
{
    const struct seg_system *system = space->system;

    memset(out, 0, sizeof *out);
    out->asid = space->registers.asid;
    out->shift = system->shift;
    if (system->config.scheme == SEG_NONE) {
        const struct seg_segment *segment = &space->segments[0];
        out->identity =
            segment->block == NULL || (segment->block->state == SEG_RESIDENT &&
                                          segment->block->first == seg_segment_home(segment));
        return;
    }
    out->n = system->windows;
    for (unsigned i = 0; i < system->windows; i++)
        window_register(&space->segments[i], &out->seg[i]);
}

static bool
window_register_is(const struct mmu_segment *a, const struct mmu_segment *b)
{
    return a->origin == b->origin && a->base == b->base && a->limit == b->limit &&
           a->prot == b->prot && a->down == b->down && a->present == b->present;
}

static bool
window_registers_are(const struct mmu_segment_registers *a, const struct mmu_segment_registers *b)
{
    if (a->asid != b->asid || a->n != b->n || a->shift != b->shift || a->identity != b->identity)
        return false;
    for (unsigned i = 0; i < MMU_SEGMENTS_MAX; i++)
        if (!window_register_is(&a->seg[i], &b->seg[i]))
            return false;
    return true;
}

bool
seg_registers_check(struct seg_space *space)
{
    struct mmu_segment_registers now;

    window_registers(space, &now);
    return window_registers_are(&now, &space->registers);
}

static void
window_range_stale(struct seg_space *space, uint64_t va, uint64_t npages)
{
    const struct seg_machine *machine = &space->system->config.machine;

    if (machine->range != NULL && npages > 0)
        machine->range(machine->ctx, space->registers.asid, va, npages);
}

/* Rights that went are a reason for pointers to be stale too. */
void
seg_registers_update(struct seg_space *space)
{
    const struct seg_machine *machine = &space->system->config.machine;
    struct mmu_segment_registers now;

    window_registers(space, &now);
    if (window_registers_are(&now, &space->registers))
        return;
    for (unsigned i = 0; i < space->system->windows; i++)
        if ((space->registers.seg[i].prot & ~now.seg[i].prot) != 0 &&
            space->segments[i].block != NULL)
            seg_block_stale(space->segments[i].block, 0, space->segments[i].block->npages);
    if (space->registers.identity && !now.identity) /* pointers to anywhere were let through */
        window_range_stale(space, 0, space->system->end >> PAGE_SHIFT);
    space->registers = now;
    if (machine->reload != NULL)
        machine->reload(machine->ctx, &space->registers);
}

void
seg_block_changed(struct seg_block *block)
{
    struct seg_segment *segment;

    LIST_FOREACH (segment, &block->users, user)
        seg_registers_update(segment->space);
}

void
seg_block_stale(struct seg_block *block, uint64_t idx, uint64_t npages)
{
    struct seg_segment *segment;

    LIST_FOREACH (segment, &block->users, user)
        window_range_stale(segment->space, segment->lo + (idx << PAGE_SHIFT), npages);
}
