/* SPDX-License-Identifier: BSD-2-Clause */
#include "pmap_rig.h"

#include <string.h>

static void
rig_event(struct rig *rig, const struct rig_event *event)
{
    rig->events[rig->nevents++ % RIG_EVENTS] = *event;
}

static void
rig_range(void *ctx, uint32_t asid, uint64_t va, uint64_t npages, bool gone)
{
    struct rig *rig = ctx;
    assert_int_not_equal(npages, 0);
    rig_event(rig, &(struct rig_event){asid, false, gone, va, npages});
    if (rig->mmu != NULL)
        rig->mmu->ops->invalidate_range(rig->mmu, asid, va, npages);
}

static void
rig_space(void *ctx, uint32_t asid)
{
    struct rig *rig = ctx;
    rig_event(rig, &(struct rig_event){asid, true, true, 0, 0});
    if (rig->mmu != NULL)
        rig->mmu->ops->invalidate_space(rig->mmu, asid);
}

enum pgw_status
rig_start(struct rig *rig)
{
    struct mmu_tlb_spec spec = {.l1_entries = 8, .l1_ways = 2, .l2_entries = 32, .l2_ways = 4};
    struct pmap_shootdown shootdown = {rig, rig_range, rig_space};
    enum pgw_status status =
        rig->ops->system_create(&rig->env.mem, &rig->env.alloc, &shootdown, &rig->system);
    if (status != PGW_OK)
        return status;
    rig->ops->caps(rig->system, &rig->caps);
    rig->mmu = NULL;
    if (!rig->caps.tables_use_frames)
        return PGW_OK;
    status = mmu_paged_create(&mmu_sv39, &rig->env.mem, &rig->env.alloc, &spec, &rig->mmu);
    if (status != PGW_OK)
        rig->ops->system_destroy(rig->system);
    return status;
}

void
rig_stop(struct rig *rig)
{
    if (rig->mmu != NULL)
        rig->mmu->ops->destroy(rig->mmu);
    rig->mmu = NULL;
    assert_int_equal(rig->system->tables, 0);
    rig->ops->system_destroy(rig->system);
}

void
rig_init(struct rig *rig, const struct pmap_ops *ops, uint64_t frames)
{
    memset(rig, 0, sizeof(*rig));
    test_env_init(&rig->env, frames);
    rig->ops = ops;
    assert_int_equal(rig_start(rig), PGW_OK);
}

void
rig_fini(struct rig *rig)
{
    rig_stop(rig);
    test_env_fini(&rig->env);
}

struct pmap *
rig_pmap(struct rig *rig)
{
    struct pmap *pmap = NULL;
    assert_int_equal(rig->ops->create(rig->system, &pmap), PGW_OK);
    assert_int_equal(pmap->resident, 0);
    return pmap;
}

struct mem_page *
rig_page(struct rig *rig, unsigned order)
{
    struct mem_page *page = mem_alloc(&rig->env.mem, order, 0);
    assert_non_null(page);
    return page;
}

void
rig_enter(struct pmap *pmap, uint64_t va, struct mem_page *page, unsigned order, prot_t prot,
    enum access access)
{
    enum pgw_status status = pmap->ops->enter(pmap, va, &page, 1, order, prot, access, 0);
    assert_int_equal(status, PGW_OK);
}

struct mem_page *
rig_access(struct rig *rig, struct pmap *pmap, uint64_t va, enum access access)
{
    struct pmap_context context;
    struct mmu_translation out;
    struct mem_page *page = NULL;
    prot_t usable;
    pmap->ops->activate(pmap, &context);
    if (rig->mmu == NULL) {
        assert_ptr_equal(pmap_ref_of_root(context.root), pmap);
        if (pmap_ref_access(pmap, va, access, &page, &usable) != PGW_OK)
            page = NULL;
    } else {
        rig->mmu->ops->load(rig->mmu, context.root, context.asid);
        if (rig->mmu->ops->translate(rig->mmu, va, access, &out) == MMU_OK) {
            ptrdiff_t at = out.bytes - mem_page_bytes(&rig->env.mem, rig->env.mem.pages);
            page = rig->env.mem.pages + (at >> PAGE_SHIFT);
        }
    }
    pmap->ops->deactivate(pmap);
    return page;
}

void
rig_forget(struct rig *rig)
{
    rig->nevents = 0;
}

static size_t
rig_kept(const struct rig *rig)
{
    return rig->nevents < RIG_EVENTS ? rig->nevents : RIG_EVENTS;
}

bool
rig_told(const struct rig *rig, const struct pmap *pmap, uint64_t va, bool gone)
{
    for (size_t i = 0; i < rig_kept(rig); i++) {
        const struct rig_event *e = &rig->events[i];
        if (e->asid != pmap->asid || (gone && !e->gone))
            continue;
        if (e->space || (va >= e->va && (va - e->va) >> PAGE_SHIFT < e->npages))
            return true;
    }
    return false;
}

bool
rig_told_space(const struct rig *rig, uint32_t asid)
{
    for (size_t i = 0; i < rig_kept(rig); i++)
        if (rig->events[i].space && rig->events[i].asid == asid)
            return true;
    return false;
}
