/* SPDX-License-Identifier: BSD-2-Clause */
/* A system over the contiguous core. */
#include "api/sim_core.h"

#include "api/sim.h"

/* A process was stopped, its memory moved: its registers are loaded anew if they are in the unit.
 */
static void
sim_contiguous_reload(void *ctx, const struct mmu_segment_registers *regs)
{
    const struct pgw_system *system = ctx;

    for (unsigned i = 0; i < system->settings.harts; i++)
        mmu_segment_reload(system->mmus[i], regs);
}

static void
sim_contiguous_range(void *ctx, uint32_t asid, uint64_t va, uint64_t npages)
{
    struct pgw_system *system = ctx;

    sim_shoot_range(system, asid, va, npages, true);
}

static enum pgw_status
sim_contiguous_create(struct pgw_system *system)
{
    const struct sim_settings *s = &system->settings;
    const struct seg_config config = {
        .mem = &system->mem,
        .alloc = &system->core,
        .swap = system->swap,
        .clock = &system->clock,
        .machine = {.ctx = system,
            .reload = sim_contiguous_reload,
            .range = sim_contiguous_range,
            .space = sim_shoot_space},
        .scheme = s->mmu->scheme,
        .fit = s->options.fit,
        .bits = s->options.bits,
        .va_bits = s->options.va_bits,
        .no_compaction = s->options.no_compaction,
    };
    enum pgw_status status = seg_system_create(&config, &system->seg);

    if (status == PGW_OK)
        system->va_end = seg_space_end(system->seg);
    return status;
}

static void
sim_contiguous_destroy(struct pgw_system *system)
{
    if (system->seg != NULL)
        seg_system_destroy(system->seg);
}

static enum pgw_status
sim_contiguous_space_create(struct pgw_system *system, struct space **space)
{
    return seg_space_create(system->seg, space);
}

static enum pgw_status
sim_contiguous_object_create(
    struct pgw_system *system, struct pager *pager, uint64_t npages, struct space_object **object)
{
    return seg_object_create(system->seg, pager, npages, object);
}

static enum pgw_status
sim_contiguous_memory_create(struct pgw_system *system, uint64_t len, struct space_object **object)
{
    (void)system;
    (void)len;
    (void)object;
    return PGW_UNSUPPORTED;
}

static enum pgw_status
sim_contiguous_writeback(struct pgw_system *system)
{
    (void)system;
    return PGW_OK;
}

/* Segments go out when the room is needed, never before. */
static void
sim_contiguous_idle(struct pgw_system *system)
{
    seg_note_unused(system->seg);
}

static const char *
sim_contiguous_why(const struct pgw_system *system)
{
    return seg_why(system->seg);
}

static void
sim_contiguous_stats(struct pgw_system *system, struct pgw_stats *out)
{
    struct seg_stats seg;

    seg_stats(system->seg, &seg);
    out->minor = seg.minor;
    out->major = seg.major;
    out->swap_in = seg.pages_in;
    out->swap_out = seg.pages_out;
    out->file_in = seg.file_pages_in;
    out->file_reads = seg.file_pages_in;
    out->resident = seg.pages;
    out->resident_peak = seg.pages_peak;
    out->spaces = seg.spaces;
    out->regions = seg.regions;
    out->ram_free = seg.free;
    out->contiguous = true;
    out->segments = seg.segments;
    out->segments_resident = seg.resident;
    out->segment_pages = seg.pages;
    out->segment_pages_peak = seg.pages_peak;
    out->segment_unused = seg.unused;
    out->segments_peak = seg.segments_peak;
    out->segments_resident_peak = seg.resident_peak;
    out->segment_unused_peak = seg.unused_peak;
    out->holes_peak = seg.holes_peak;
    out->holes = seg.holes;
    out->largest_hole = seg.largest_hole;
    out->fit_failures = seg.failures;
    out->compactions = seg.compactions;
    out->compaction_moved = seg.moved;
    out->grown_in_place = seg.grown_in_place;
    out->grown_by_moving = seg.grown_by_moving;
    out->growth_moved = seg.grown_moved;
    out->segments_in = seg.segments_in;
    out->segments_out = seg.segments_out;
    out->segment_shares = seg.shares;
    out->segment_copied = seg.copied;
    out->fragmentation_peak = (double)seg.scattered_peak / (double)system->mem.nframes;
    if (seg.free > 0)
        out->fragmentation = 1 - (double)seg.largest_hole / (double)seg.free;
}

static bool
sim_contiguous_check(struct pgw_system *system)
{
    return seg_check(system->seg);
}

const struct sim_core_ops sim_contiguous = {
    .name = "contiguous",
    .create = sim_contiguous_create,
    .destroy = sim_contiguous_destroy,
    .space_create = sim_contiguous_space_create,
    .object_create = sim_contiguous_object_create,
    .memory_create = sim_contiguous_memory_create,
    .writeback = sim_contiguous_writeback,
    .idle = sim_contiguous_idle,
    .why = sim_contiguous_why,
    .stats = sim_contiguous_stats,
    .check = sim_contiguous_check,
};
