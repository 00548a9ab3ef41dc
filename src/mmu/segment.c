/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The segment unit: relocation and limit registers, or none at all.
 *
 *     va --> which register --> within the limit? --> present? --> right? --> base + offset
 *              | none of them      | no                 | no        | no
 *              v                   v                    v           v
 *            BOUNDS              BOUNDS             NOT_PRESENT   RIGHTS
 *
 * The order is that of machines with segment descriptors: a wrong address is wrong whether or not
 * its segment is in memory.  Nothing is cached, for registers need no cache; so there is nothing to
 * invalidate, and the registers as they were loaded hold until others are.
 */
#include "mmu/segment.h"

#include "mmu/mmus.h"

static const struct mmu_ops segment_ops;

struct segment_unit {
    struct mmu mmu;
    struct base_alloc *alloc;
    struct mmu_segment_registers
        registers; /* as loaded; at first none, so that nothing is let through */
};

/* The register that va picks; NULL: there is no such one, or it is not used. */
static const struct mmu_segment *
segment_pick(const struct mmu_segment_registers *registers, uint64_t va)
{
    uint64_t idx = registers->shift < 64 ? va >> registers->shift : 0;

    return idx < registers->n && registers->seg[idx].limit != 0 ? &registers->seg[idx] : NULL;
}

/* False: beyond the limit. */
static bool
segment_relocate(const struct mmu_segment *segment, uint64_t va, uint64_t *pa)
{
    uint64_t offset = segment->down ? segment->origin - va : va - segment->origin;

    if (segment->down ? offset == 0 || offset > segment->limit : offset >= segment->limit)
        return false;
    *pa = segment->down ? segment->base - offset : segment->base + offset;
    return true;
}

static enum mmu_fault
segment_look_up(const struct mmu_segment_registers *registers, uint64_t va, enum access access,
    uint64_t *pa, prot_t *prot)
{
    if (registers->identity) {
        *pa = va;
        *prot = PROT_MASK_ALL;
        return MMU_OK;
    }
    const struct mmu_segment *segment = segment_pick(registers, va);
    if (segment == NULL || !segment_relocate(segment, va, pa))
        return MMU_BOUNDS;
    if (!segment->present)
        return MMU_NOT_PRESENT;
    if (!prot_allows(segment->prot, access))
        return MMU_RIGHTS;
    *prot = segment->prot;
    return MMU_OK;
}

static enum mmu_fault
segment_translate(struct mmu *mmu, uint64_t va, enum access access, struct mmu_translation *out)
{
    const struct segment_unit *unit = (const struct segment_unit *)mmu;
    uint64_t pa;
    prot_t prot;
    enum mmu_fault fault = segment_look_up(&unit->registers, va, access, &pa, &prot);

    if (fault != MMU_OK)
        return fault;
    const struct mem_page *page = mem_page_at(mmu->mem, pa >> PAGE_SHIFT);
    if (page == NULL)
        return MMU_BUS;
    if (mmu->touched != NULL)
        mmu->touched(mmu->touched_ctx, unit->registers.asid, va >> PAGE_SHIFT, access);
    out->bytes = mem_page_bytes(mmu->mem, page);
    out->prot = prot;
    out->forget = false;
    return MMU_OK;
}

static void
segment_load(struct mmu *mmu, uint64_t root, uint32_t asid)
{
    struct segment_unit *unit = (struct segment_unit *)mmu;

    unit->registers = *(const struct mmu_segment_registers *)(uintptr_t)root;
    unit->registers.asid = asid;
    mmu->stats.switches++;
    if (!unit->registers.identity)
        mmu->stats.switch_registers += (uint64_t)2 * unit->registers.n; /* base and limit */
}

void
mmu_segment_reload(struct mmu *mmu, const struct mmu_segment_registers *regs)
{
    struct segment_unit *unit = (struct segment_unit *)mmu;

    if (mmu->ops == &segment_ops && unit->registers.asid == regs->asid)
        unit->registers = *regs;
}

static void
segment_explain(struct mmu *mmu, uint64_t va, enum access access, struct mmu_trace *trace)
{
    const struct segment_unit *unit = (const struct segment_unit *)mmu;
    const struct mmu_segment_registers *registers = &unit->registers;
    const struct mmu_segment *segment = registers->identity ? NULL : segment_pick(registers, va);

    *trace = (struct mmu_trace){0};
    if (registers->identity)
        (void)mmu_trace_add(trace, MMU_STEP_IDENTITY);
    if (segment != NULL) {
        struct mmu_step *step = mmu_trace_add(trace, MMU_STEP_SEGMENT);
        step->idx = (uint64_t)(segment - registers->seg);
        step->pa = segment->base;
        step->value = segment->limit;
        step->prot = segment->prot;
        step->user = true;
    }
    trace->fault = segment_look_up(registers, va, access, &trace->pa, &trace->prot);
    if (trace->fault == MMU_OK && mem_page_at(mmu->mem, trace->pa >> PAGE_SHIFT) == NULL)
        trace->fault = MMU_BUS;
}

static bool
segment_entry(const struct mmu *mmu, size_t i, struct mmu_tlb_view *view)
{
    (void)mmu;
    (void)i;
    (void)view;
    return false;
}

static void
segment_invalidate_range(struct mmu *mmu, uint32_t asid, uint64_t va, uint64_t npages)
{
    (void)mmu;
    (void)asid;
    (void)va;
    (void)npages;
}

static void
segment_invalidate_space(struct mmu *mmu, uint32_t asid)
{
    (void)mmu;
    (void)asid;
}

static void
segment_destroy(struct mmu *mmu)
{
    struct segment_unit *unit = (struct segment_unit *)mmu;

    unit->alloc->unmap(unit->alloc, unit, sizeof *unit);
}

static const struct mmu_ops segment_ops = {
    .name = "segments",
    .translate = segment_translate,
    .load = segment_load,
    .explain = segment_explain,
    .entry = segment_entry,
    .invalidate_range = segment_invalidate_range,
    .invalidate_space = segment_invalidate_space,
    .destroy = segment_destroy,
};

enum pgw_status
mmu_segment_create(struct mem *mem, struct base_alloc *alloc, struct mmu **mmu)
{
    struct segment_unit *unit = alloc->map(alloc, sizeof *unit);

    if (unit == NULL)
        return PGW_NOMEM;
    unit->mmu.ops = &segment_ops;
    unit->mmu.mem = mem;
    unit->alloc = alloc;
    *mmu = &unit->mmu;
    return PGW_OK;
}
