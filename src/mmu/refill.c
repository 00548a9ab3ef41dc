/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A processor whose hardware knows no tables: MIPS32, with a TLB that software fills.  ("MIPS32
 * Architecture For Programmers, volume III: the privileged resource architecture", MD00090,
 * chapter 4.)
 *
 * A miss in the TLB is an exception.  The core's handler finds the entry in the core's own tables
 * (of any radix format; mmu_mips32 is the one that pmap/ builds) and puts it into the TLB.  So a
 * walk here is a run of that handler, and its reads are the handler's loads: they are done, and
 * counted, by a radix walker inside.
 *
 * What differs from a hardware walk, and how it comes out:
 *  - No bit is set by hardware.  The handler marks an entry as used when it loads it, and loads it
 *    with D, the TLB's leave to write, only if the page is known to be modified.  A store through
 *    an entry without D is the TLB modified exception: its handler marks the page as modified and
 *    loads the entry again.  The radix walker, told to set A and D, does just that, since the TLBs
 *    ask it again, for a write, before the first store.
 *  - User addresses are kuseg, the lower 2 GiB.  Whatever lies above is the kernel's (kseg0 and up)
 *    and an address error for a user's program: no exception of the TLB.
 *  - A switch of spaces writes two registers: EntryHi, for its ASID field of 8 bits, and Context,
 *    which leads the handler to the table.
 */
#include "mmu/walker.h"

#include "mmu/mmus.h"

#define REFILL_ASID_BITS 8u
#define REFILL_REGISTERS 2u

struct refill_walker {
    struct mmu_walker base;
    struct mmu_walker *handler; /* reads the tables */
    struct base_alloc *alloc;
};

static enum mmu_fault
refill_walk(struct mmu_walker *base, uint64_t root, uint32_t asid, uint64_t va, enum access access,
    unsigned how, struct mmu_stats *stats, struct mmu_walk *out, struct mmu_trace *trace)
{
    struct mmu_walker *handler = ((struct refill_walker *)base)->handler;
    if (trace != NULL)
        (void)mmu_trace_add(trace, MMU_STEP_REFILL);
    return handler->ops->walk(handler, root, asid, va, access, how, stats, out, trace);
}

static void
refill_destroy(struct mmu_walker *base)
{
    struct refill_walker *walker = (struct refill_walker *)base;
    walker->handler->ops->destroy(walker->handler);
    walker->alloc->unmap(walker->alloc, walker, sizeof(*walker));
}

static const struct mmu_walker_ops refill_ops = {
    .walk = refill_walk,
    .destroy = refill_destroy,
};

enum pgw_status
mmu_refill_walker_create(const struct mmu_format *format, struct mem *mem, struct base_alloc *alloc,
    struct mmu_walker **walker)
{
    struct refill_walker *made = alloc->map(alloc, sizeof(*made));
    if (made == NULL)
        return PGW_NOMEM;
    enum pgw_status status =
        mmu_radix_walker_create(format, MMU_AD_HARDWARE, mem, alloc, NULL, &made->handler);
    if (status != PGW_OK) {
        alloc->unmap(alloc, made, sizeof(*made));
        return status;
    }
    made->base = (struct mmu_walker){.ops = &refill_ops,
        .mem = mem,
        .name = format->name,
        .levels = made->handler->levels,
        .asid_bits = REFILL_ASID_BITS,
        .registers = REFILL_REGISTERS,
        .va_end_low = mmu_format_user_end(format),
        .va_start_high = 0,
        .orders = made->handler->orders};
    made->alloc = alloc;
    *walker = &made->base;
    return PGW_OK;
}
