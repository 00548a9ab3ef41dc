/* SPDX-License-Identifier: BSD-2-Clause */
/* The public interface to what is inside a system: pages, frames, TLB entries, partitions. */
#include <pagewright/pagewright.h>

#include <stdio.h>
#include <string.h>

#include "api/sim.h"
#include "base/size.h"
#include "mmu/hashed.h"

/* --- schemes --- */

const char *
pgw_mmu_options(unsigned i)
{
    const struct registry_mmu *mmu = registry_mmu_at(i);

    return mmu != NULL ? mmu->options : NULL;
}

const char *
pgw_tlb_preset_name(unsigned i)
{
    return mmu_tlb_preset_name(i);
}

const char *
pgw_tlb_preset_summary(unsigned i)
{
    return mmu_tlb_preset_summary(i);
}

/* The rights that a table's entries can withhold one by one. */
static unsigned
inspect_rights(const struct mmu_format *format)
{
    unsigned rights = 0;

    for (unsigned right = PGW_READ; right <= PGW_EXEC; right <<= 1) {
        for (unsigned asked = 1; asked <= PROT_MASK_ALL; asked++)
            rights |= format->prot_given[asked] & right ? 0 : right;
    }
    return rights;
}

static void
inspect_format(const struct mmu_format *format, struct pgw_mmu_limits *limits)
{
    limits->address_bits = format->va_bits;
    limits->user_end = mmu_format_user_end(format);
    for (unsigned level = 0; level < format->levels; level++) {
        if (format->level[level].leaf)
            limits->page_sizes |= 1ull << format->level[level].shift;
    }
    if (format->run_order > 0)
        limits->page_sizes |= (uint64_t)PAGE_SIZE << format->run_order;
    limits->levels = format->levels;
    limits->entry_bytes = format->pte_bytes;
    limits->tag_bits = format->asid_bits;
    limits->rights = inspect_rights(format);
    limits->source = format->source;
}

/* What schemes without a format say of themselves. */
static void
inspect_other(const struct registry_mmu *mmu, struct pgw_mmu_limits *limits)
{
    limits->source = mmu->source != NULL ? mmu->source : "";
    switch (mmu->kind) {
    case REGISTRY_HASHED:
        limits->address_bits = HASHED_VA_BITS;
        limits->user_end = HASHED_USER_END;
        limits->page_sizes = PAGE_SIZE;
        limits->levels = registry_mmu_levels(mmu);
        limits->entry_bytes = HASHED_ENTRY_SIZE;
        limits->tag_bits = HASHED_TAG_BITS;
        limits->rights = PROT_MASK_ALL;
        break;
    case REGISTRY_CONTIGUOUS:
        limits->contiguous = true;
        limits->address_bits = mmu->scheme == SEG_NONE ? 64 : 32;
        limits->user_end = mmu->scheme == SEG_NONE ? 0 : (uint64_t)1 << 32;
        limits->segments = mmu->scheme == SEG_NONE ? 0 : mmu->scheme == SEG_BASE_BOUNDS ? 1 : 4;
        limits->rights = mmu->scheme == SEG_SEGMENTS ? PROT_MASK_ALL : 0;
        break;
    default:
        limits->address_bits = 39;
        limits->user_end = (uint64_t)1 << 38;
        limits->page_sizes = PAGE_SIZE;
        limits->rights = PROT_MASK_ALL;
        break;
    }
}

enum pgw_status
pgw_mmu_limits(unsigned i, struct pgw_mmu_limits *limits)
{
    const struct registry_mmu *mmu = registry_mmu_at(i);
    struct pgw_mmu_limits all = {.size = limits->size};
    size_t size = limits->size;

    if (size < sizeof size)
        return PGW_INVAL;
    if (mmu == NULL)
        return PGW_NOTFOUND;
    if (mmu->format != NULL)
        inspect_format(mmu->format, &all);
    else
        inspect_other(mmu, &all);
    memset(limits, 0, size);
    memcpy(limits, &all, size < sizeof all ? size : sizeof all);
    return PGW_OK;
}

/* --- spaces --- */

uint64_t
pgw_space_id(const struct pgw_space *space)
{
    return space->space->id;
}

struct pgw_space *
pgw_space_of_id(const struct pgw_system *system, uint64_t id)
{
    struct pgw_space *space;

    LIST_FOREACH (space, &system->spaces, link) {
        if (space->space->id == id)
            return space;
    }
    return NULL;
}

/* The number of the space with this tag; 0: none of the public interface's. */
static uint64_t
inspect_space(const struct pgw_system *system, uint32_t asid)
{
    const struct pgw_space *space;

    LIST_FOREACH (space, &system->spaces, link) {
        if (space->space->asid == asid)
            return space->space->id;
    }
    return 0;
}

void
pgw_switch(struct pgw_space *space)
{
    sim_activate(space->system, space);
}

void
pgw_page_at(struct pgw_space *space, uint64_t va, struct pgw_page *page)
{
    static const enum pgw_page_state states[] = {
        [SPACE_PAGE_UNMAPPED] = PGW_PAGE_UNMAPPED,
        [SPACE_PAGE_UNTOUCHED] = PGW_PAGE_UNTOUCHED,
        [SPACE_PAGE_RESIDENT] = PGW_PAGE_RESIDENT,
        [SPACE_PAGE_SWAPPED] = PGW_PAGE_SWAPPED,
        [SPACE_PAGE_FILE] = PGW_PAGE_FILE,
    };
    struct space_page found;

    space->space->ops->page(space->space, va, &found);
    *page = (struct pgw_page){
        .state = states[found.state],
        .frame = found.page != NULL ? mem_page_pfn(&space->system->mem, found.page) : 0,
        .slot = found.slot,
        .sharers = found.sharers,
        .dirty = found.dirty,
    };
}

/* --- frames --- */

static const char *
inspect_use(const struct mem *mem, const struct mem_page *page)
{
    const struct mem_page *head = mem_run_head(mem, page);

    if (head->free)
        return "free";
    switch ((enum mem_owner)head->owner_kind) {
    case MEM_OWNER_ANON:
        return "anon";
    case MEM_OWNER_OBJECT:
        return "file";
    case MEM_OWNER_PMAP:
        return "table";
    case MEM_OWNER_CORE:
    case MEM_OWNER_NONE:
        break;
    }
    return "core";
}

static void
inspect_paged_frame(const struct pgw_system *system, struct mem_page *page, struct pgw_frame *frame)
{
    frame->use = inspect_use(&system->mem, page);
    frame->dirty = page->dirty || system->pmaps->ops->page_is_modified(system->pmaps, page);
    frame->referenced = page->referenced;
    frame->wired = page->wired > 0;
    if (page->pv.pmap == NULL)
        return;
    for (const struct mem_pv *pv = &page->pv; pv != NULL; pv = pv->next)
        frame->mappings++;
    frame->space = inspect_space(system, page->pv.pmap->asid);
    frame->va = page_floor(page->pv.va);
}

/* The partition that holds frame number pfn. */
static void
inspect_segment_frame(const struct pgw_system *system, uint64_t pfn, struct pgw_frame *frame)
{
    struct seg_partition part;

    frame->use = "free";
    for (uint64_t i = 0; seg_partition_at(system->seg, i, &part); i++) {
        if (pfn < part.pfn || pfn - part.pfn >= part.npages || !part.used)
            continue;
        frame->use = part.window;
        frame->mappings = part.shares;
        frame->space = inspect_space(system, part.asid);
        frame->va = part.va + ((pfn - part.pfn) << PAGE_SHIFT);
        return;
    }
}

enum pgw_status
pgw_frame_at(struct pgw_system *system, uint64_t i, struct pgw_frame *frame)
{
    if (i >= system->mem.nframes)
        return sim_fail(system, PGW_NOTFOUND, "there is no frame %llu: the RAM has %llu",
            (unsigned long long)i, (unsigned long long)system->mem.nframes);
    *frame = (struct pgw_frame){.number = system->mem.base_pfn + i};
    if (system->seg != NULL)
        inspect_segment_frame(system, frame->number, frame);
    else
        inspect_paged_frame(system, &system->mem.pages[i], frame);
    return PGW_OK;
}

enum pgw_status
pgw_tlb_at(struct pgw_system *system, uint64_t i, struct pgw_tlb_entry *entry)
{
    struct mmu_tlb_view view;

    if (system->mmu->ops->entry == NULL || !system->mmu->ops->entry(system->mmu, (size_t)i, &view))
        return sim_fail(
            system, PGW_NOTFOUND, "there is no place %llu in a TLB", (unsigned long long)i);
    *entry = (struct pgw_tlb_entry){
        .valid = view.valid,
        .page = view.vpn,
        .pages = view.npages,
        .frame = view.pfn,
        .space = view.valid && !view.global ? inspect_space(system, view.asid) : 0,
        .global = view.global,
        .prot = view.prot,
        .dirty = view.dirty,
    };
    memcpy(entry->array, view.array, sizeof entry->array);
    return PGW_OK;
}

/* --- contiguous schemes --- */

static enum pgw_status
inspect_contiguous(struct pgw_system *system)
{
    if (system->seg != NULL)
        return PGW_OK;
    return sim_fail(system, PGW_UNSUPPORTED,
        "the mmu %s is paged: only none, base-bounds and segments have partitions",
        system->settings.mmu->name);
}

enum pgw_status
pgw_partition_at(struct pgw_system *system, uint64_t i, struct pgw_partition *partition)
{
    struct seg_partition part;
    enum pgw_status status = inspect_contiguous(system);

    if (status != PGW_OK)
        return status;
    if (!seg_partition_at(system->seg, i, &part))
        return sim_fail(system, PGW_NOTFOUND, "there is no partition %llu", (unsigned long long)i);
    *partition = (struct pgw_partition){
        .frame = part.pfn,
        .frames = part.npages,
        .used = part.used,
        .name = part.used ? part.window : "hole",
        .space = part.used ? inspect_space(system, part.asid) : 0,
        .va = part.va,
        .sharers = part.shares,
    };
    return PGW_OK;
}

enum pgw_status
pgw_compact(struct pgw_system *system)
{
    if (system->seg != NULL)
        seg_compact(system->seg);
    else
        (void)vm_compact(system->vm);
    return PGW_OK;
}

enum pgw_status
pgw_fragmentation(struct pgw_system *system, unsigned order, double *index, double *unusable)
{
    if (system->seg != NULL)
        return sim_fail(
            system, PGW_UNSUPPORTED, "%s has partitions, not pages", system->settings.mmu_text);
    if (order > MEM_ORDER_MAX)
        return sim_fail(
            system, PGW_RANGE, "no run has 2^%u frames: 2^%u are the most", order, MEM_ORDER_MAX);
    *index = mem_fragmentation(system->mem.runs, order) / 1000.0;
    *unusable = mem_unusable(system->mem.runs, order) / 1000.0;
    return PGW_OK;
}

enum pgw_status
pgw_merge(struct pgw_system *system, uint64_t npages, uint64_t *merged)
{
    if (system->vm == NULL || system->settings.merge == PGW_MERGE_OFF)
        return sim_fail(system, PGW_UNSUPPORTED, "pages are not merged: %s",
            system->vm == NULL ? "the scheme has none" : "config.merge is PGW_MERGE_OFF");
    *merged = vm_merge_run(system->vm, npages);
    return PGW_OK;
}
