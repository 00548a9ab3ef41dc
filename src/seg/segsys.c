/* SPDX-License-Identifier: BSD-2-Clause */
/* The contiguous core as a system: its RAM, files, statistics; and, of spaces, birth and death. */
#include "seg/seg.h"

#include "base/assert.h"
#include "base/peak.h"
#include "seg/segcore.h"

enum pgw_status
seg_fail(struct seg_system *system, enum pgw_status status, const char *why)
{
    system->why = why;
    return status;
}

const char *
seg_why(const struct seg_system *system)
{
    return system->why;
}

/* --- RAM --- */

/* Gives back what was taken: the runs that bear the system's mark. */
static void
system_give_back(struct seg_system *system)
{
    struct mem *mem = system->mem;

    for (uint64_t idx = 0; idx < mem->nframes;) {
        struct mem_page *page = &mem->pages[idx];
        idx += UINT64_C(1) << page->order;
        if (page->owner != system)
            continue;
        page->owner = NULL;
        mem_free(mem, page);
    }
}

static enum pgw_status
system_take_all(struct seg_system *system)
{
    struct mem *mem = system->mem;
    unsigned order = MEM_ORDER_MAX;

    for (;;) {
        struct mem_page *page = mem_alloc(mem, order, MEM_RESERVED);
        if (page != NULL) {
            page->owner = system;
            page->owner_kind = MEM_OWNER_CORE;
        } else if (order > 0) {
            order--;
        } else {
            break;
        }
    }
    if (mem->nfree == 0)
        return PGW_OK;
    system_give_back(system);
    return PGW_NOMEM;
}

/* --- the system --- */

/* Are the free frames the first ones?  A compressed pool may have the others. */
static bool
system_has_ram(const struct mem *mem)
{
    for (uint64_t idx = 0; idx < mem->nfree; idx += UINT64_C(1) << mem->pages[idx].order)
        if (!mem->pages[idx].free)
            return false;
    return mem->nfree > 0;
}

static bool
system_config_valid(const struct seg_config *config)
{
    if (!system_has_ram(config->mem))
        return false;
    if (config->scheme == SEG_NONE)
        return config->mem->base_pfn == 0;
    if (config->fit == NULL || config->va_bits < 32 || config->va_bits > 48)
        return false;
    return config->scheme == SEG_BASE_BOUNDS || (config->bits >= 2 && config->bits <= 4);
}

static void
system_init(struct seg_system *system, const struct seg_config *config)
{
    bool many = config->scheme == SEG_SEGMENTS;

    system->config = *config;
    system->mem = config->mem;
    system->nframes = config->mem->nfree;
    system->end =
        config->scheme == SEG_NONE ? system->nframes << PAGE_SHIFT : UINT64_C(1) << config->va_bits;
    system->windows = many ? 1u << config->bits : 1;
    system->shift = many ? config->va_bits - config->bits : 64;
    system->why = "";
    TAILQ_INIT(&system->all_blocks);
    TAILQ_INIT(&system->all_spaces);
    RB_INIT(&system->resident);
    base_pool_init(&system->regions, config->alloc, sizeof(struct seg_region), "seg regions");
    base_pool_init(&system->blocks, config->alloc, sizeof(struct seg_block), "seg blocks");
    base_pool_init(&system->spaces, config->alloc, sizeof(struct seg_space), "seg spaces");
    base_pool_init(&system->objects, config->alloc, sizeof(struct seg_object), "seg objects");
}

enum pgw_status
seg_system_create(const struct seg_config *config, struct seg_system **system)
{
    const struct seg_fit_ops *fit = config->scheme == SEG_NONE ? &seg_fit_first : config->fit;
    struct base_alloc *alloc = config->alloc;

    if (!system_config_valid(config))
        return PGW_INVAL;
    struct seg_system *new = alloc->map(alloc, sizeof *new);
    if (new == NULL)
        return PGW_NOMEM;
    system_init(new, config);
    enum pgw_status status = fit->create(alloc, new->nframes, &new->fit);
    if (status == PGW_OK) {
        status = system_take_all(new);
        if (status != PGW_OK)
            fit->destroy(new->fit);
    }
    if (status != PGW_OK) {
        alloc->unmap(alloc, new, sizeof *new);
        return status;
    }
    *system = new;
    return PGW_OK;
}

void
seg_system_destroy(struct seg_system *system)
{
    struct base_alloc *alloc = system->config.alloc;

    BASE_ASSERT(TAILQ_EMPTY(&system->all_spaces) && TAILQ_EMPTY(&system->all_blocks));
    BASE_ASSERT(system->nobjects == 0);
    base_pool_fini(&system->regions);
    base_pool_fini(&system->blocks);
    base_pool_fini(&system->spaces);
    base_pool_fini(&system->objects);
    system->fit->ops->destroy(system->fit);
    system_give_back(system);
    alloc->unmap(alloc, system, sizeof *system);
}

void
seg_compact(struct seg_system *system)
{
    (void)seg_room_compact(system, NULL, false, 0);
}

uint64_t
seg_space_end(const struct seg_system *system)
{
    return system->end;
}

/* --- files --- */

void
seg_object_hold(struct seg_object *object)
{
    object->refs++;
}

void
seg_object_release(struct seg_object *object)
{
    struct seg_system *system = object->system;

    BASE_ASSERT(object->refs > 0);
    if (--object->refs > 0)
        return;
    object->base.pager->ops->destroy(object->base.pager);
    system->nobjects--;
    base_pool_put(&system->objects, object);
}

static void
object_hold(struct space_object *object)
{
    seg_object_hold(seg_object_of(object));
}

static void
object_release(struct space_object *object)
{
    seg_object_release(seg_object_of(object));
}

static uint64_t
object_users(const struct space_object *object)
{
    return ((const struct seg_object *)(const void *)object)->refs;
}

static enum pgw_status
object_resize(struct space_object *object, uint64_t len)
{
    (void)object;
    (void)len;
    return PGW_UNSUPPORTED;
}

static uint64_t
object_length(const struct space_object *object)
{
    return object->npages << PAGE_SHIFT;
}

/* What was read into a segment stays what it was. */
static bool
object_forget(struct space_object *object)
{
    (void)object;
    return false;
}

static enum pgw_status
object_sync(struct space_object *object)
{
    (void)object;
    return PGW_OK;
}

/* Segments are filled from the file when they are made, and nothing is kept besides. */
static enum pgw_status
object_read(struct space_object *object, uint64_t offset, void *buf, size_t len, size_t *done)
{
    (void)object;
    (void)offset;
    (void)buf;
    (void)len;
    *done = 0;
    return PGW_OK;
}

static void
object_overlay(struct space_object *object, uint64_t offset, void *buf, size_t len)
{
    (void)object;
    (void)offset;
    (void)buf;
    (void)len;
}

static void
object_write(struct space_object *object, uint64_t offset, const void *buf, size_t len)
{
    (void)object;
    (void)offset;
    (void)buf;
    (void)len;
}

static const struct space_object_ops object_ops = {.hold = object_hold,
    .release = object_release,
    .users = object_users,
    .resize = object_resize,
    .length = object_length,
    .forget = object_forget,
    .sync = object_sync,
    .read = object_read,
    .overlay = object_overlay,
    .write = object_write};

enum pgw_status
seg_object_create(
    struct seg_system *system, struct pager *pager, uint64_t npages, struct space_object **object)
{
    struct seg_object *new = base_pool_get(&system->objects);

    if (new == NULL)
        return seg_fail(system, PGW_NOMEM, "no memory for the record of a file");
    new->base = (struct space_object){.ops = &object_ops, .pager = pager, .npages = npages};
    new->system = system;
    new->refs = 1;
    system->nobjects++;
    *object = &new->base;
    return PGW_OK;
}

/* --- statistics --- */

/* Pages of the block that are in a region of somebody. */
static uint64_t
stats_covered(const struct seg_block *block)
{
    uint64_t covered = 0, start = 0, end = 0, len = block->npages << PAGE_SHIFT;
    const struct seg_segment *segment;

    for (; start < len; start = end) {
        uint64_t next = len;
        end = start;
        LIST_FOREACH (segment, &block->users, user) {
            const struct seg_region *region =
                seg_region_at_or_above(segment->space, segment->lo + start);
            if (region == NULL)
                continue;
            if (region->start > segment->lo + start)
                next = region->start - segment->lo < next ? region->start - segment->lo : next;
            else if (region->end - segment->lo > end)
                end = region->end - segment->lo < len ? region->end - segment->lo : len;
        }
        covered += (end - start) >> PAGE_SHIFT;
        if (end == start)
            end = next;
    }
    return covered;
}

/* The same for the usual block, region by region. */
static uint64_t
stats_covered_alone(const struct seg_segment *segment)
{
    struct seg_region *region = seg_region_at_or_above(segment->space, segment->lo);
    uint64_t covered = 0;

    for (; region != NULL && region->start < seg_segment_end(segment);
         region = RB_NEXT(seg_region_tree, &segment->space->regions, region))
        covered += (region->end - region->start) >> PAGE_SHIFT;
    return covered;
}

static uint64_t
stats_unused(const struct seg_system *system)
{
    const struct seg_block *block;
    uint64_t unused = 0;

    TAILQ_FOREACH (block, &system->all_blocks, lru) {
        if (block->state == SEG_RESIDENT)
            unused +=
                block->npages - (block->nusers == 1 ? stats_covered_alone(LIST_FIRST(&block->users))
                                                    : stats_covered(block));
    }
    return unused;
}

void
seg_note_unused(struct seg_system *system)
{
    base_peak(&system->stats.unused_peak, stats_unused(system));
}

void
seg_stats(struct seg_system *system, struct seg_stats *stats)
{
    struct seg_fit_counts counts;

    system->fit->ops->counts(system->fit, &counts);
    *stats = system->stats;
    stats->free = counts.free;
    stats->holes = counts.holes;
    stats->largest_hole = counts.largest;
    stats->unused = stats_unused(system);
}

/* --- partitions --- */

static struct seg_block *
partition_block(struct seg_system *system, uint64_t at)
{
    struct seg_block key = {.first = at};

    return RB_NFIND(seg_block_tree, &system->resident, &key);
}

bool
seg_partition_at(struct seg_system *system, uint64_t i, struct seg_partition *partition)
{
    uint64_t first = 0;
    uint64_t n = 0;
    const struct seg_block *block = NULL;

    for (uint64_t at = 0, k = 0; k <= i; at = first + n, k++) {
        block = partition_block(system, at);
        bool hole = system->fit->ops->hole(system->fit, at, &first, &n);
        if (block == NULL && !hole)
            return false;
        if (block != NULL && (!hole || block->first < first)) {
            first = block->first;
            n = block->npages;
        } else {
            block = NULL;
        }
    }
    *partition = (struct seg_partition){.pfn = system->mem->base_pfn + first, .npages = n};
    if (block == NULL)
        return true;
    const struct seg_segment *segment = LIST_FIRST(&block->users);
    partition->used = true;
    partition->asid = segment->space->registers.asid;
    partition->va = segment->lo;
    partition->shares = block->nusers;
    partition->window = seg_window_name(system, seg_segment_window(segment));
    return true;
}
