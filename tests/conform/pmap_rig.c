/* SPDX-License-Identifier: BSD-2-Clause */
#include "pmap_rig.h"

#include <string.h>

#define RIG_ROOTS 8u
#define RIG_TABLES 128u

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
    struct mmu_tlb_spec spec = {.l1i = {{8, 2, 1}}, .l1d = {{8, 2, 1}}, .l2 = {{32, 4, 1}}};
    struct pmap_shootdown shootdown = {rig, rig_range, rig_space};
    enum pgw_status status =
        rig->ops->system_create(&rig->env.mem, &rig->env.alloc, &shootdown, &rig->system);
    if (status != PGW_OK)
        return status;
    rig->ops->caps(rig->system, &rig->caps);
    rig->tables = rig->system->tables;
    rig->mmu = NULL;
    if (rig->backend->create_mmu == NULL)
        return PGW_OK;
    status =
        rig->backend->create_mmu(rig->backend, &spec, &rig->env.mem, &rig->env.alloc, &rig->mmu);
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
    assert_int_equal(rig->system->tables, rig->tables);
    rig->ops->system_destroy(rig->system);
}

void
rig_init(struct rig *rig, const struct backend *backend, uint64_t frames)
{
    memset(rig, 0, sizeof(*rig));
    test_env_init(&rig->env, frames + RIG_TABLES + RIG_ROOTS * backend_root_frames(backend));
    rig->backend = backend;
    rig->ops = backend->pmap;
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

/* One access through the MMU; fault: how it ended. */
static struct mem_page *
rig_translate(
    struct rig *rig, struct pmap *pmap, uint64_t va, enum access access, enum mmu_fault *fault)
{
    struct pmap_context context;
    struct mmu_translation out;
    pmap->ops->activate(pmap, &context);
    rig->mmu->ops->load(rig->mmu, context.root, context.asid);
    *fault = rig->mmu->ops->translate(rig->mmu, va, access, &out);
    pmap->ops->deactivate(pmap);
    if (*fault != MMU_OK)
        return NULL;
    ptrdiff_t at = out.bytes - mem_page_bytes(&rig->env.mem, rig->env.mem.pages);
    return rig->env.mem.pages + (at >> PAGE_SHIFT);
}

struct mem_page *
rig_access(struct rig *rig, struct pmap *pmap, uint64_t va, enum access access)
{
    struct mem_page *page = NULL;
    prot_t prot;
    enum mmu_fault fault;
    if (rig->mmu == NULL) {
        struct pmap_context context;
        pmap->ops->activate(pmap, &context);
        assert_ptr_equal(pmap_ref_of_root(context.root), pmap);
        if (pmap_ref_access(pmap, va, access, &page, &prot) != PGW_OK)
            page = NULL;
        pmap->ops->deactivate(pmap);
        return page;
    }
    page = rig_translate(rig, pmap, va, access, &fault);
    if (fault != MMU_AD)
        return page;
    assert_int_equal(rig->backend->ad, MMU_AD_FAULT);
    assert_int_equal(pmap->ops->extract(pmap, va, &page, &prot), PGW_OK);
    if (!prot_allows(prot, access)) /* on some processors the accessed bit comes before rights */
        return NULL;
    rig_enter(pmap, page_floor(va), page, 0, prot, access);
    page = rig_translate(rig, pmap, va, access, &fault);
    assert_int_equal(fault, MMU_OK);
    return page;
}

void
rig_use(struct rig *rig, struct pmap *pmap, uint64_t va, struct mem_page *page, prot_t prot,
    enum access access)
{
    struct mem_page *found = rig_access(rig, pmap, va, access);
    if (found == NULL && rig->backend->drops) {
        rig_enter(pmap, va, page, 0, prot, access);
        found = rig_access(rig, pmap, va, access);
    }
    assert_ptr_equal(found, page);
}

prot_t
rig_given(const struct rig *rig, prot_t prot)
{
    return prot == PROT_MASK_NONE ? prot : prot | rig->caps.always;
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
