/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hart from outside: making it, running it, telling it what changed.
 *
 * What is counted.  instructions: those that retired; an instruction that traps (ecall, ebreak,
 * illegal, faulting) does not.  fetches: one for each page that an instruction lies in, each time
 * that it is tried, whether or not it retires.  loads_stores: one for each page that a load, store
 * or atomic asks for, whether or not it is granted; a crossing access whose first page faults asks
 * for one only.
 */
#include "cpu/hart.h"

#include "cpu/handler.h"
#include "cpu/fp.h"

#define HART_DATA_SLOTS 1024u /* without a modelled TLB */
#define HART_FETCH_SLOTS 256u
/* A count's low half holds two accesses an instruction at the most. */
#define HART_BUDGET_MAX (UINT64_C(1) << 30)

static unsigned
hart_slots(unsigned sets, unsigned without)
{
    if (sets == 0)
        return without;
    return sets == 1 ? 2 : sets;
}

enum pgw_status
cpu_hart_create(struct mmu *mmu, struct base_alloc *alloc, struct cpu_hart **hart)
{
    unsigned data = hart_slots(mmu->data_sets, HART_DATA_SLOTS);
    unsigned fetch = hart_slots(mmu->fetch_sets, HART_FETCH_SLOTS);
    size_t size = sizeof(struct cpu_core) + data * sizeof(struct cpu_data_slot) +
                  fetch * sizeof(struct cpu_fetch_slot);
    struct cpu_core *c = alloc->map(alloc, size);
    if (c == NULL)
        return PGW_NOMEM;
    c->size = size;
    c->mmu = mmu;
    c->alloc = alloc;
    c->data_mask = (uint64_t)(data - 1) << 5;
    c->fetch_mask = fetch - 1;
    c->single_data = mmu->data_sets == 1;
    c->single_fetch = mmu->fetch_sets == 1;
    c->fetch = (struct cpu_fetch_slot *)(void *)(c->data + data);
    enum pgw_status status = cpu_code_init(c);
    cpu_data_clear(c);
    cpu_fetch_clear(c);
    if (status != PGW_OK) {
        cpu_hart_destroy(&c->hart);
        return status;
    }
    *hart = &c->hart;
    return PGW_OK;
}

void
cpu_hart_destroy(struct cpu_hart *hart)
{
    if (hart == NULL)
        return;
    struct cpu_core *c = (struct cpu_core *)hart;
    cpu_code_fini(c);
    c->alloc->unmap(c->alloc, c, c->size);
}

const struct cpu_op *
cpu_leave_before(struct cpu_core *c, uint64_t pc, uint64_t k, enum cpu_stop stop, enum cpu_exit why)
{
    c->hart.regs.pc = pc;
    c->k = k;
    c->stop = stop;
    c->exit = why;
    return NULL;
}

const struct cpu_op *
cpu_leave_at(struct cpu_core *c, const struct cpu_op *op, uint64_t k, enum cpu_exit why)
{
    const struct cpu_side *side = cpu_side_of(op);
    if (c->recorder != NULL) /* what faults has not been done */
        cpu_record_left(
            c, op, side->n + (why == CPU_EXIT_FAULT || why == CPU_EXIT_MISALIGNED ? 0u : 1u));
    c->extra_fetch++;
    return cpu_leave_before(
        c, cpu_op_pc(op), k - cpu_share(side->n, side->mem), CPU_STOP_EXIT, why);
}

const struct cpu_op *
cpu_leave_slice(struct cpu_core *c, const struct cpu_op *target, uint64_t k)
{
    uint64_t pc;
    /* A jump that takes nothing off the count is a link's stub, not a jump of the program. */
    if (target->fn == cpu_do_link)
        pc = (((const struct cpu_page *)(uintptr_t)target[1].delta)->vpn << PAGE_SHIFT) +
             (unsigned)target->imm;
    else if (target->fn == cpu_do_jump_far && target[1].delta == 0)
        pc = target[1].value;
    else
        pc = cpu_op_pc(target);
    return cpu_leave_before(c, pc, k, CPU_STOP_EXIT, CPU_EXIT_SLICE);
}

/* Instructions that k still allows; below zero after an overrun. */
static int64_t
hart_left(uint64_t k)
{
    return (int64_t)k >> 32;
}

uint64_t
cpu_retired_at(const struct cpu_core *c, const struct cpu_op *op, uint64_t k)
{
    return c->retired_base - (uint64_t)hart_left(k) + cpu_side_of(op)->n;
}

/* Adds what a stay in the handlers did to the statistics. */
static void
hart_account(struct cpu_core *c)
{
    struct cpu_stats *stats = &c->hart.stats;
    uint64_t retired = c->retired_base - (uint64_t)hart_left(c->k);
    stats->fetches += retired - stats->instructions + c->extra_fetch;
    stats->instructions = retired;
    stats->loads_stores += (uint32_t)c->k + c->extra_mem;
    c->extra_fetch = c->extra_mem = 0;
}

/* Where the handlers are entered: the op at regs.pc, NULL when the page faults or the arena is
 * full. */
static const struct cpu_op *
hart_enter(struct cpu_core *c)
{
    uint64_t pc = c->hart.regs.pc;
    struct cpu_fetch_slot *slot = cpu_fetch_slot(c, pc >> PAGE_SHIFT);
    struct cpu_page *page = slot->vpn == pc >> PAGE_SHIFT ? slot->page : cpu_fetch_page(c, pc);
    return page != NULL ? page->entry[(pc & (PAGE_SIZE - 1)) >> 1] : NULL;
}

/* One stay in the handlers, for at most budget instructions (and the rest of a run). */
static void
hart_stay(struct cpu_core *c, uint64_t budget)
{
    c->k = budget << 32;
    c->retired_base = c->hart.stats.instructions + budget;
    const struct cpu_op *op = hart_enter(c);
#if CPU_THREADED
    if (op != NULL)
        op->fn(c, op, c->k);
#else
    while (op != NULL)
        op = op->fn(c, op, c->k);
#endif
    hart_account(c);
}

/* Everything decoded goes, to make room. */
static void
hart_make_room(struct cpu_core *c)
{
    c->running = false;
    cpu_code_bury(c);
    cpu_code_drop_all(c);
    c->running = true;
}

/* After a stay: is there more to run?  A slice that is over has overrun what was left, unless the
 * stay was cut short. */
static bool
hart_goes_on(const struct cpu_core *c, uint64_t end)
{
    int64_t left = (int64_t)(end - c->hart.stats.instructions);
    if (c->stop != CPU_STOP_EXIT)
        return left > 0;
    return c->exit == CPU_EXIT_SLICE && left >= 0;
}

enum cpu_exit
cpu_hart_run(struct cpu_hart *hart, uint64_t budget)
{
    struct cpu_core *c = (struct cpu_core *)hart;
    uint64_t end = hart->stats.instructions + budget;
    struct cpu_fp_env host;
    if (hart->regs.pc & 1)
        hart->regs.pc &= ~(uint64_t)1;
    if (c->recorder != NULL)
        cpu_record_begin(c);
    c->running = true;
    cpu_fp_begin(c, &host);
    do {
        uint64_t left = end - hart->stats.instructions;
        if (c->recorder != NULL)
            left = cpu_record_room(c, left);
        hart_stay(c, left < HART_BUDGET_MAX ? left : HART_BUDGET_MAX);
        if (c->stop == CPU_STOP_FULL)
            hart_make_room(c);
    } while (hart_goes_on(c, end));
    cpu_fp_end(c, &host);
    c->running = false;
    cpu_code_bury(c);
    if (c->recorder != NULL)
        cpu_record_end(c);
    return c->stop == CPU_STOP_EXIT ? c->exit : CPU_EXIT_SLICE;
}

void
cpu_hart_switched(struct cpu_hart *hart, uint32_t asid)
{
    struct cpu_core *c = (struct cpu_core *)hart;
    c->asid = asid;
    c->reserved = false;
    cpu_hart_forget_pointers(hart);
}

void
cpu_hart_forget_pointers(struct cpu_hart *hart)
{
    struct cpu_core *c = (struct cpu_core *)hart;
    cpu_data_clear(c);
    cpu_fetch_clear(c);
}

/* Empties the slots of a range of the current space. */
static void
hart_forget_range(struct cpu_core *c, uint64_t va, uint64_t npages)
{
    if (npages > c->data_mask >> 5 || npages > c->fetch_mask) {
        cpu_hart_forget_pointers(&c->hart);
        return;
    }
    for (uint64_t page = page_floor(va); npages > 0; npages--, page += PAGE_SIZE) {
        struct cpu_data_slot *data = cpu_data_slot(c, page);
        if (data->read_tag == page || data->write_tag == page)
            data->read_tag = data->write_tag = CPU_NO_TAG;
        struct cpu_fetch_slot *fetch = cpu_fetch_slot(c, page >> PAGE_SHIFT);
        if (fetch->vpn == page >> PAGE_SHIFT)
            *fetch = (struct cpu_fetch_slot){.vpn = CPU_NO_VPN};
    }
}

void
cpu_hart_invalidate_range(
    struct cpu_hart *hart, uint32_t asid, uint64_t va, uint64_t npages, bool gone)
{
    struct cpu_core *c = (struct cpu_core *)hart;
    if (c->mmu->wide)
        cpu_hart_forget_pointers(hart);
    else if (asid == c->asid)
        hart_forget_range(c, va, npages);
    if (gone)
        cpu_page_drop_range(c, asid, va >> PAGE_SHIFT, npages);
}

void
cpu_hart_invalidate_space(struct cpu_hart *hart, uint32_t asid)
{
    struct cpu_core *c = (struct cpu_core *)hart;
    if (asid == c->asid)
        cpu_hart_forget_pointers(hart);
    cpu_code_drop_asid(c, asid);
}

void
cpu_hart_fence_i(struct cpu_hart *hart, uint32_t asid)
{
    cpu_code_drop_asid((struct cpu_core *)hart, asid);
}

void
cpu_hart_unreserve(struct cpu_hart *hart)
{
    ((struct cpu_core *)hart)->reserved = false;
}
