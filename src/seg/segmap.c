/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a process may do to its map: map, unmap, protect.
 *
 * Memory is there at once, zeroed or read from its file: these schemes have no page that could be
 * found missing later.  A mapping is made in this order, so that whatever fails leaves things as
 * they were: records, the segment's extent, the content, and only then the regions.  One thing is
 * not undone: where a file that replaces older mappings cannot be read, those are gone.
 *
 * Rights: the hardware has them for a whole segment, if at all.  protect() changes what the regions
 * say; a segment grants what any of its regions does.
 */
#include "seg/segcore.h"

enum pgw_status
seg_map_range(struct seg_system *system, uint64_t va, uint64_t len, uint64_t *end)
{
    uint64_t rounded = page_ceil(len);

    if (len == 0 || (va & ~PAGE_MASK) != 0)
        return seg_fail(system, PGW_INVAL, "not page aligned, or empty");
    if (rounded < len || va + rounded < va || va + rounded > system->end)
        return seg_fail(system, PGW_RANGE,
            system->config.scheme == SEG_NONE
                ? "beyond the end of RAM, which is where addresses end without translation"
                : "beyond the end of addresses");
    *end = va + rounded;
    return PGW_OK;
}

/* --- map --- */

/* A mapping on its way. */
struct seg_mapping {
    const struct space_map_args *args;
    struct seg_region *region; /* its record */
    uint64_t start, end;
};

/* The block that other spaces have this file mapping in. */
static struct seg_block *
map_find_pure(
    struct seg_system *system, const struct seg_object *object, uint64_t offset, uint64_t n)
{
    struct seg_block *block;

    TAILQ_FOREACH (block, &system->all_blocks, lru)
        if (block->object == object && block->offset == offset && block->npages == n)
            return block;
    return NULL;
}

/* A file mapping that cannot be written, alone in its segment. */
static bool
map_is_pure(const struct seg_space *space, const struct seg_mapping *mapping)
{
    const struct space_map_args *args = mapping->args;
    unsigned window = seg_window_at(space->system, mapping->start);

    return space->system->config.scheme == SEG_SEGMENTS && args->object != NULL &&
           (args->prot & PROT_MASK_W) == 0 && space->segments[window].block == NULL &&
           !seg_window_is_down(space->system, window);
}

static enum pgw_status
map_pure(struct seg_space *space, const struct seg_mapping *mapping)
{
    struct seg_system *system = space->system;
    struct seg_object *object = seg_object_of(mapping->args->object);
    uint64_t n = (mapping->end - mapping->start) >> PAGE_SHIFT;
    struct seg_block *block = map_find_pure(system, object, mapping->args->offset, n);
    enum pgw_status status = PGW_OK;

    if (block == NULL)
        status = seg_block_create_pure(system, n, object, mapping->args->offset, &block);
    if (status != PGW_OK)
        return status;
    unsigned window = seg_window_at(system, mapping->start);
    seg_block_attach(space, window, block, mapping->start);
    status = seg_block_in(system, block);
    if (status != PGW_OK)
        seg_block_detach(&space->segments[window]);
    return status;
}

/* The mapping's bytes, in a segment of the space's own. */
static enum pgw_status
map_fill(struct seg_space *space, const struct seg_mapping *mapping)
{
    const struct space_map_args *args = mapping->args;
    struct seg_segment *segment = &space->segments[seg_window_at(space->system, mapping->start)];
    uint64_t n = (mapping->end - mapping->start) >> PAGE_SHIFT;
    enum pgw_status status = PGW_OK;
    bool zero;

    status = seg_extent_cover(space, mapping->start, mapping->end, &zero);
    if (status != PGW_OK)
        return status;
    uint64_t first = seg_extent_frame(segment, mapping->start);
    if (args->object != NULL)
        status =
            seg_frames_read(space->system, seg_object_of(args->object), args->offset, first, n);
    else if (!zero)
        seg_frames_zero(space->system, first, n);
    if (!zero) {
        seg_block_stale(segment->block, (mapping->start - segment->lo) >> PAGE_SHIFT, n);
        if (status != PGW_OK)
            seg_region_clear(space, mapping->start, mapping->end);
    }
    return status;
}

static void
map_record(struct seg_space *space, const struct seg_mapping *mapping)
{
    const struct space_map_args *args = mapping->args;
    uint64_t len_max = page_ceil(args->len_max);
    bool grows = (args->flags & SPACE_GROWSDOWN) != 0 && args->object == NULL &&
                 space->system->config.scheme == SEG_SEGMENTS &&
                 len_max > mapping->end - mapping->start && len_max <= mapping->end;

    *mapping->region = (struct seg_region){.start = mapping->start,
        .end = mapping->end,
        .prot = args->prot,
        .use = args->use,
        .growsdown = grows,
        .len_max = len_max,
        .len_limit = len_max,
        .object = args->object != NULL ? seg_object_of(args->object) : NULL,
        .offset = args->object != NULL ? args->offset : 0};
    if (args->object != NULL)
        seg_object_hold(mapping->region->object);
    seg_region_insert(space, mapping->region);
    seg_region_join(space, mapping->start, mapping->end);
}

/* Makes the mapping where it is to be; what is mapped there is cut at its ends. */
static enum pgw_status
map_make(struct seg_space *space, const struct seg_mapping *mapping)
{
    unsigned window = seg_window_at(space->system, mapping->start);
    enum pgw_status status =
        map_is_pure(space, mapping) ? map_pure(space, mapping) : map_fill(space, mapping);

    if (status == PGW_OK) {
        seg_region_clear(space, mapping->start, mapping->end);
        map_record(space, mapping);
        seg_block_used(space->system, space->segments[window].block);
    } else {
        seg_extent_trim(space, window);
    }
    seg_registers_update(space);
    return status;
}

/* With one register a stack cannot grow later: it is as large as it may become from the start. */
static void
map_whole_stack(struct seg_space *space, struct seg_mapping *mapping)
{
    const struct space_map_args *args = mapping->args;
    uint64_t len_max = page_ceil(args->len_max);

    if ((args->flags & SPACE_GROWSDOWN) == 0 || args->use != SPACE_USE_STACK ||
        space->system->config.scheme == SEG_SEGMENTS)
        return;
    uint64_t start = len_max < mapping->end ? mapping->end - len_max : 0;
    const struct seg_region *below = seg_region_below(space, mapping->start);
    if (below != NULL && start < below->end)
        start = below->end;
    if (start < mapping->start)
        mapping->start = start;
}

static enum pgw_status
map_fixed(struct seg_space *space, struct seg_mapping *mapping)
{
    struct seg_system *system = space->system;
    const struct space_map_args *args = mapping->args;
    enum pgw_status status = seg_map_range(system, args->va, args->len, &mapping->end);

    if (status != PGW_OK)
        return status;
    mapping->start = args->va;
    if (seg_window_at(system, mapping->start) != seg_window_at(system, mapping->end - 1))
        return seg_fail(system, PGW_NOSPACE, "it would lie in two segments");
    if (!seg_region_is_empty(space, mapping->start, mapping->end)) {
        if ((args->flags & SPACE_NOREPLACE) != 0)
            return seg_fail(system, PGW_EXIST, "something is mapped there already");
        status = seg_region_clip_range(space, mapping->start, mapping->end);
    }
    if (status != PGW_OK)
        return status;
    map_whole_stack(space, mapping);
    status = map_make(space, mapping);
    if (status != PGW_OK)
        seg_region_join(space, mapping->start, mapping->end);
    return status;
}

/* A hint is taken if it costs nothing: free, and within a segment for such mappings. */
static bool
map_hint_fits(struct seg_space *space, const struct seg_mapping *mapping)
{
    uint64_t va = page_floor(mapping->args->va);
    uint64_t len = page_ceil(mapping->args->len);
    const struct seg_segment *segment = seg_segment_at(space, va);

    if (segment == NULL || seg_segment_end(segment) - va < len)
        return false;
    for (int w = -1; (w = seg_window_for(space->system, mapping->args->use, w)) >= 0;)
        if (&space->segments[w] == segment)
            return seg_extent_taken(segment, va, va + len) == 0;
    return false;
}

/* The first window with room, of addresses and of RAM. */
static enum pgw_status
map_anywhere(struct seg_space *space, struct seg_mapping *mapping)
{
    struct seg_system *system = space->system;
    uint64_t len = page_ceil(mapping->args->len);
    enum pgw_status status = PGW_NOSPACE;

    if (len < mapping->args->len || len > system->end)
        return seg_fail(system, PGW_RANGE, "larger than all addresses");
    if (map_hint_fits(space, mapping)) {
        mapping->start = page_floor(mapping->args->va);
        mapping->end = mapping->start + len;
        return map_make(space, mapping);
    }
    for (int w = -1; (w = seg_window_for(system, mapping->args->use, w)) >= 0;) {
        status = seg_extent_place(space, (unsigned)w, len, &mapping->start);
        mapping->end = mapping->start + len;
        if (status == PGW_OK)
            status = map_make(space, mapping);
        if (status != PGW_NOSPACE && status != PGW_NORAM)
            break;
    }
    return status;
}

enum pgw_status
seg_map(struct space *space, const struct space_map_args *args, uint64_t *va)
{
    struct seg_space *seg_space = seg_space_of(space);
    struct seg_system *system = seg_space->system;
    struct seg_mapping mapping = {.args = args};
    bool fixed = (args->flags & SPACE_FIXED) != 0;

    system->why = "";
    if (args->len == 0 || (args->offset & ~PAGE_MASK) != 0 || (args->prot & ~PROT_MASK_ALL) != 0)
        return seg_fail(system, PGW_INVAL, "not page aligned, or empty");
    if (args->offset + page_ceil(args->len) < args->offset)
        return seg_fail(system, PGW_RANGE, "beyond any file's end");
    /* A shared mapping that is only read is as good as a private one. */
    if ((args->flags & SPACE_SHARED) != 0 &&
        (args->object == NULL || (args->prot & PROT_MASK_W) != 0))
        return seg_fail(system, PGW_UNSUPPORTED, "segments are not shared by mapping");
    mapping.region = base_pool_get(&system->regions);
    if (mapping.region == NULL)
        return seg_fail(system, PGW_NOMEM, "no memory for the record of a region");
    enum pgw_status status =
        fixed ? map_fixed(seg_space, &mapping) : map_anywhere(seg_space, &mapping);
    if (status != PGW_OK) {
        base_pool_put(&system->regions, mapping.region);
        return status;
    }
    *va = fixed ? args->va : mapping.start;
    return PGW_OK;
}

/* --- unmap, protect --- */

enum pgw_status
seg_unmap(struct space *space, uint64_t va, uint64_t len)
{
    struct seg_space *seg_space = seg_space_of(space);
    struct seg_system *system = seg_space->system;
    uint64_t end;

    system->why = "";
    enum pgw_status status = seg_map_range(system, va, len, &end);
    if (status == PGW_OK)
        status = seg_region_clip_range(seg_space, va, end);
    if (status != PGW_OK)
        return status;
    seg_region_clear(seg_space, va, end);
    for (unsigned w = seg_window_at(system, va); w <= seg_window_at(system, end - 1); w++)
        seg_extent_trim(seg_space, w);
    seg_registers_update(seg_space);
    return PGW_OK;
}

/* True if there is no hole in the range. */
static bool
map_is_whole(struct seg_space *space, uint64_t va, uint64_t end)
{
    while (va < end) {
        const struct seg_region *region = seg_region_at(space, va);
        if (region == NULL)
            return false;
        va = region->end;
    }
    return true;
}

/* What is to be written is no longer pure code. */
static enum pgw_status
protect_own(struct seg_space *space, uint64_t va, uint64_t end, prot_t prot)
{
    enum pgw_status status = PGW_OK;

    if ((prot & PROT_MASK_W) == 0)
        return PGW_OK;
    for (unsigned w = seg_window_at(space->system, va);
         w <= seg_window_at(space->system, end - 1) && status == PGW_OK; w++)
        status = seg_block_own(space->system, &space->segments[w]);
    return status;
}

enum pgw_status
seg_protect(struct space *space, uint64_t va, uint64_t len, prot_t prot)
{
    struct seg_space *seg_space = seg_space_of(space);
    struct seg_system *system = seg_space->system;
    struct seg_region *region;
    uint64_t end;

    system->why = "";
    enum pgw_status status = seg_map_range(system, va, len, &end);
    if (status != PGW_OK)
        return status;
    if ((prot & ~PROT_MASK_ALL) != 0)
        return seg_fail(system, PGW_INVAL, "no such rights");
    if (!map_is_whole(seg_space, va, end))
        return seg_fail(system, PGW_NOTFOUND, "part of the range is not mapped");
    status = protect_own(seg_space, va, end, prot);
    if (status == PGW_OK)
        status = seg_region_clip_range(seg_space, va, end);
    if (status != PGW_OK)
        return status;
    for (region = seg_region_at(seg_space, va); region != NULL && region->start < end;
         region = RB_NEXT(seg_region_tree, &seg_space->regions, region))
        region->prot = prot;
    seg_region_join(seg_space, va, end);
    seg_registers_update(seg_space);
    return PGW_OK;
}
