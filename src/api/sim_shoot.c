/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shootdowns: translations that the core takes away are dropped by every hart that may hold them.
 *
 * What is counted is modelled on Linux for x86 (arch/x86/mm/tlb.c, "the TLB generation"): the hart
 * on which the core runs drops its own entries; each other hart that has the space loaded is
 * interrupted and does the same; a hart that has had the space loaded once, but not now, is left
 * alone, and drops what it still has when it loads the space again.  Here it drops that at once,
 * which nobody can tell from later (law P4) but whoever looks into its TLB.  (Linux for riscv,
 * where tags are in use, interrupts every hart that the space has ever run on.)
 *
 * A space's tag that is given up (its end) interrupts nobody: it is loaded nowhere.
 */
#include "api/sim.h"

/* The hart that the core runs on: the one that trapped into it last. */
static unsigned
shoot_from(const struct pgw_system *system)
{
    return system->os != NULL ? os_hart_running(system->os) : 0;
}

/* Counts what a shootdown comes to before it is made: interrupts of those who have the space. */
static void
shoot_count(struct pgw_system *system, uint32_t asid)
{
    unsigned from = shoot_from(system);

    system->shootdowns.calls += system->settings.harts > 1;
    for (unsigned i = 0; system->os != NULL && i < system->settings.harts; i++)
        system->shootdowns.interrupts += i != from && os_hart_has_space(system->os, i, asid);
}

/* Counts entries that a hart has dropped since it had dropped before. */
static void
shoot_dropped(struct pgw_system *system, unsigned hart, uint64_t before)
{
    if (hart != shoot_from(system))
        system->shootdowns.dropped += system->mmus[hart]->stats.flushed - before;
}

void
sim_shoot_range(void *ctx, uint32_t asid, uint64_t va, uint64_t npages, bool gone)
{
    struct pgw_system *system = ctx;

    shoot_count(system, asid);
    for (unsigned i = 0; i < system->settings.harts; i++) {
        struct mmu *mmu = system->mmus[i];

        if (mmu == NULL)
            continue; /* half-built, or half taken down */
        uint64_t before = mmu->stats.flushed;
        mmu->ops->invalidate_range(mmu, asid, va, npages);
        shoot_dropped(system, i, before);
        if (system->harts[i] != NULL)
            cpu_hart_invalidate_range(system->harts[i], asid, va, npages, gone);
    }
}

void
sim_shoot_space(void *ctx, uint32_t asid)
{
    struct pgw_system *system = ctx;

    shoot_count(system, asid);
    for (unsigned i = 0; i < system->settings.harts; i++) {
        struct mmu *mmu = system->mmus[i];

        if (mmu == NULL)
            continue;
        uint64_t before = mmu->stats.flushed;
        mmu->ops->invalidate_space(mmu, asid);
        shoot_dropped(system, i, before);
        if (system->harts[i] != NULL)
            cpu_hart_invalidate_space(system->harts[i], asid);
    }
}
