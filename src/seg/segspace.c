/* SPDX-License-Identifier: BSD-2-Clause */
/* The contiguous core's spaces: birth, death, and what can be asked of one. */
#include "base/assert.h"
#include "seg/segcore.h"

enum pgw_status
seg_space_create(struct seg_system *system, struct space **space)
{
    bool reused;
    struct seg_space *new = base_pool_get(&system->spaces);

    if (new == NULL)
        return seg_fail(system, PGW_NOMEM, "no memory for the record of a space");
    uint32_t asid = asid_get(&system->asids, &reused);
    if (asid == 0) {
        base_pool_put(&system->spaces, new);
        return seg_fail(system, PGW_NOMEM, "there are too many spaces");
    }
    new->space.ops = &seg_space_ops;
    new->space.id = ++system->space_ids;
    new->system = system;
    new->registers.asid = asid;
    new->space.asid = asid;
    RB_INIT(&new->regions);
    for (unsigned w = 0; w < MMU_SEGMENTS_MAX; w++)
        new->segments[w].space = new;
    TAILQ_INSERT_TAIL(&system->all_spaces, new, link);
    system->stats.spaces++;
    if (reused && system->config.machine.space != NULL)
        system->config.machine.space(system->config.machine.ctx, asid);
    seg_registers_update(new);
    *space = &new->space;
    return PGW_OK;
}

static void
space_destroy(struct space *space)
{
    struct seg_space *seg_space = seg_space_of(space);
    struct seg_system *system = seg_space->system;
    uint32_t asid = seg_space->registers.asid;

    seg_deactivate(space);
    seg_region_clear(seg_space, 0, system->end);
    for (unsigned w = 0; w < system->windows; w++)
        seg_extent_trim(seg_space, w);
    if (system->config.machine.space != NULL)
        system->config.machine.space(system->config.machine.ctx, asid);
    asid_put(&system->asids, asid);
    TAILQ_REMOVE(&system->all_spaces, seg_space, link);
    system->stats.spaces--;
    base_pool_put(&system->spaces, seg_space);
}

static enum pgw_status
space_limit_growth(struct space *space, uint64_t va, uint64_t len_max)
{
    struct seg_region *region = seg_region_at(seg_space_of(space), va);

    if (region == NULL || !region->growsdown)
        return seg_fail(seg_space_of(space)->system, PGW_NOTFOUND, "no stack that grows");
    region->len_max = len_max < region->len_limit ? page_floor(len_max) : region->len_limit;
    return PGW_OK;
}

static bool
space_find(struct space *space, uint64_t va, struct space_region *out)
{
    struct seg_region *region = seg_region_at_or_above(seg_space_of(space), va);

    if (region == NULL)
        return false;
    *out = (struct space_region){.start = region->start,
        .end = region->end,
        .prot = region->prot,
        .use = region->use,
        .growsdown = region->growsdown,
        .shared = seg_segment_at(seg_space_of(space), region->start)->block->shared,
        .committed = true,
        .offset = region->offset,
        .object = region->object != NULL ? &region->object->base : NULL};
    return true;
}

static void
space_identity(struct space *space, uint64_t va, uint64_t *id, uint64_t *offset)
{
    const struct seg_segment *segment = seg_segment_at(seg_space_of(space), va);
    bool shared = segment != NULL && segment->block != NULL && segment->block->shared;

    *id = shared ? space_identity_make(SPACE_IDENTITY_SHARED, segment->block->id)
                 : space_identity_own(space);
    *offset = shared ? va - segment->lo : va;
}

static void
space_sizes(struct space *space, struct space_sizes *sizes)
{
    *sizes = (struct space_sizes){.mapped = seg_space_of(space)->mapped};
}

static void
space_counts(struct space *space, struct space_counts *counts)
{
    const struct seg_space *seg_space = seg_space_of(space);

    *counts = (struct space_counts){.mapped = seg_space->mapped,
        .minor = seg_space->faults.minor,
        .major = seg_space->faults.major,
        .zero_fill = seg_space->faults.zero_fill};
    for (unsigned w = 0; w < seg_space->system->windows; w++) {
        const struct seg_block *block = seg_space->segments[w].block;
        if (block == NULL)
            continue;
        counts->resident += block->state == SEG_RESIDENT ? block->npages : 0;
        counts->swapped += block->state == SEG_SWAPPED ? block->npages : 0;
    }
}

static void
space_page(struct space *space, uint64_t va, struct space_page *out)
{
    struct seg_space *seg_space = seg_space_of(space);
    const struct seg_segment *segment = seg_segment_at(seg_space, va);

    *out = (struct space_page){.state = SPACE_PAGE_UNMAPPED, .slot = PAGER_SLOT_NONE};
    if (segment == NULL || seg_region_at(seg_space, va) == NULL)
        return;
    const struct seg_block *block = segment->block;
    uint64_t idx = (va - segment->lo) >> PAGE_SHIFT;
    out->sharers = block->nusers;
    if (block->state == SEG_RESIDENT) {
        out->state = SPACE_PAGE_RESIDENT;
        out->page = seg_block_page(seg_space->system, block, idx);
        out->dirty = block->object == NULL;
    } else if (block->state == SEG_SWAPPED) {
        out->slot = block->slots[idx]; /* zeros have none */
        out->state = out->slot != PAGER_SLOT_NONE ? SPACE_PAGE_SWAPPED : SPACE_PAGE_UNTOUCHED;
    } else {
        out->state = SPACE_PAGE_FILE;
    }
}

/* A segment is in RAM or out as a whole; pages of zeros are on no device.  What is not a file's own
 * bytes is newer than any device. */
static void
space_usage(struct space *space, const struct space_region *region, struct space_usage *usage)
{
    struct seg_space *seg_space = seg_space_of(space);
    const struct seg_segment *segment = seg_segment_at(seg_space, region->start);
    const struct seg_block *block = segment->block;
    uint64_t first = (region->start - segment->lo) >> PAGE_SHIFT;
    uint64_t n = (region->end - region->start) >> PAGE_SHIFT;

    *usage = (struct space_usage){0};
    for (uint64_t i = 0; block->state == SEG_SWAPPED && i < n; i++)
        usage->swapped += block->slots != NULL && block->slots[first + i] != PAGER_SLOT_NONE;
    if (block->state != SEG_RESIDENT)
        return;
    usage->resident = n;
    usage->shared = block->nusers > 1 ? n : 0;
    usage->dirty = block->object == NULL ? n : 0;
    usage->shared_dirty = block->object == NULL ? usage->shared : 0;
    usage->anon = block->object == NULL && !block->shared ? n : 0;
    usage->share = (n << PAGE_SHIFT) / block->nusers;
}

static enum pgw_status
space_evict(struct space *space, uint64_t va)
{
    struct seg_space *seg_space = seg_space_of(space);
    struct seg_system *system = seg_space->system;
    const struct seg_segment *segment = seg_segment_at(seg_space, va);

    system->why = "";
    if (segment == NULL || segment->block->state != SEG_RESIDENT)
        return seg_fail(system, PGW_NOTFOUND, "no segment in RAM there");
    return seg_block_out(system, segment->block);
}

/* --- layout --- */

#define LAYOUT_STACK_MIN ((uint64_t)128 << 10)
#define LAYOUT_STACK_MAX ((uint64_t)8 << 20)
#define LAYOUT_STACK_SHARE 8u /* of RAM, for a stack that has its full size from the start */

static uint64_t
layout_at_most(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* One window: image, trampoline, a guard, the whole stack, then heap and mappings.  All of it is
 * one piece of RAM, so what varies is where it begins, if the image can be moved. */
static enum pgw_status
layout_single(struct seg_system *system, const struct space_image *image, uint64_t stack_max,
    struct space_layout *layout)
{
    uint64_t most = page_floor((system->nframes << PAGE_SHIFT) / LAYOUT_STACK_SHARE);

    most = layout_at_most(most < LAYOUT_STACK_MIN ? LAYOUT_STACK_MIN : most, LAYOUT_STACK_MAX);
    layout->stack_max = layout_at_most(page_ceil(stack_max), most);
    uint64_t above = 2 * PAGE_SIZE + layout->stack_max;
    if (image->end > system->end || system->end - image->end < above)
        return seg_fail(system, PGW_NOSPACE,
            system->config.scheme == SEG_NONE ? "the program does not lie within RAM"
                                              : "the program does not lie within the addresses");
    layout->trampoline = image->end;
    layout->guard = image->end + PAGE_SIZE;
    layout->stack_top = layout->heap = image->end + above;
    return PGW_OK;
}

static enum pgw_status
layout_windows(struct seg_system *system, const struct space_image *image, uint64_t stack_max,
    struct space_layout *layout)
{
    uint64_t size = UINT64_C(1) << system->shift;
    uint64_t heap = size;

    if (image->end > system->end)
        return seg_fail(system, PGW_NOSPACE, "the program does not lie within the addresses");
    if (image->end > heap && image->start < 2 * size)
        heap = image->end;
    layout->heap = heap + space_random_shift(image->random, SPACE_RANDOM_HEAP, system->end);
    layout->trampoline = 2 * size;
    if (image->end > layout->trampoline && image->start <= layout->trampoline)
        layout->trampoline = image->end;
    layout->stack_top = system->end;
    layout->stack_max = layout_at_most(page_ceil(stack_max), size);
    return image->end <= system->end - size
               ? PGW_OK
               : seg_fail(system, PGW_NOSPACE, "the program reaches into the stack's segment");
}

/* A movable program begins low: what lies below costs nothing, but without translation what lies
 * above is all the RAM it can have. */
#define LAYOUT_IMAGE ((uint64_t)0x10000)

static enum pgw_status
space_layout(struct space *space, const struct space_image *image, uint64_t stack_max,
    struct space_layout *layout)
{
    struct seg_system *system = seg_space_of(space)->system;
    struct space_layout found = {.end = system->end};
    enum pgw_status status = PGW_OK;

    system->why = "";
    if (image != NULL) {
        struct space_image placed = *image;
        if (image->movable)
            found.bias = LAYOUT_IMAGE - image->start +
                         space_random_shift(image->random, SPACE_RANDOM_IMAGE, system->end);
        placed.start += found.bias;
        placed.end += found.bias;
        status = (system->config.scheme == SEG_SEGMENTS ? layout_windows : layout_single)(
            system, &placed, stack_max, &found);
    }
    if (status == PGW_OK)
        *layout = found;
    return status;
}

const struct space_ops seg_space_ops = {
    .name = "contiguous",
    .fork = seg_fork,
    .destroy = space_destroy,
    .map = seg_map,
    .unmap = seg_unmap,
    .protect = seg_protect,
    .remap = seg_remap,
    .limit_growth = space_limit_growth,
    .share = seg_share,
    .fault = seg_fault,
    .resolve = seg_resolve,
    .find = space_find,
    .identity = space_identity,
    .sizes = space_sizes,
    .counts = space_counts,
    .page = space_page,
    .evict = space_evict,
    .advise = seg_advise,
    .lock = space_cannot_lock,
    .populate = space_cannot_populate,
    .incore = space_cannot_incore,
    .sync = space_cannot_sync,
    .usage = space_usage,
    .layout = space_layout,
    .activate = seg_activate,
    .deactivate = seg_deactivate,
    .check = seg_space_check,
};
