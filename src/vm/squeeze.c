/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Proactive reclaim: how much RAM does a program really need?  Memory is taken from it little by
 * little, as long as it loses less time to that than a target allows.  What it then has in RAM is
 * what it needs, whatever it has allocated (J. Weiner et al., "TMO: Transparent Memory Offloading
 * in Datacenters", ASPLOS 2022, whose controller, Senpai, this follows).
 *
 *      every period:   stalled less than the target?   take  resident / SQUEEZE_PART * (1 - it /
 * target) else                            take nothing for SQUEEZE_REST periods
 *
 * So the nearer the target, the smaller the step.  Which pages go is the policy's choice, as ever.
 * "Squeezed to so many pages" is an exponential mean of what was in RAM over the last periods (the
 * steps down from what was allocated fade from it); "at so much pressure" is of all periods.
 */
#include "vm/core.h"

#define SQUEEZE_PERIOD UINT64_C(1000000) /* nanoseconds, of the clock of pressure */
#define SQUEEZE_PART 16u
#define SQUEEZE_REST 8u
#define SQUEEZE_LEAVES 16u /* pages, however little it loses */

#define SQUEEZE_MEAN 16u /* periods that the mean looks back, about */
#define SQUEEZE_PARTS 256u

/* Closes a period: what is in RAM and what was lost go into the means. */
static void
squeeze_account(struct vm_system *system, uint64_t period, uint64_t stalled)
{
    struct vm_squeeze *squeeze = &system->squeeze;
    uint64_t now = system->stats.resident * SQUEEZE_PARTS;

    squeeze->mean = squeeze->mean == 0
                        ? now
                        : squeeze->mean - squeeze->mean / SQUEEZE_MEAN + now / SQUEEZE_MEAN;
    squeeze->time += period;
    squeeze->stalled += stalled;
    system->stats.squeezed_to = squeeze->mean / SQUEEZE_PARTS;
    system->stats.squeezed_at = squeeze->stalled * 1000000 / squeeze->time;
}

/* Pages to be taken now. */
static uint64_t
squeeze_step(const struct vm_system *system, uint64_t period, uint64_t stalled)
{
    uint64_t resident = system->stats.resident;
    uint64_t allowed = period * system->squeeze.percent / 100;
    uint64_t most = resident / SQUEEZE_PART + 1;

    if (resident <= SQUEEZE_LEAVES || allowed == 0)
        return 0;
    return most * (allowed - stalled) / allowed;
}

void
vm_squeeze_locked(struct vm_system *system)
{
    struct vm_squeeze *squeeze = &system->squeeze;
    struct vm_pressure pressure;

    if (squeeze->percent == 0 || vm_pressure_now(system) - squeeze->since < SQUEEZE_PERIOD)
        return;
    enum pgw_status status = vm_pressure_locked(system, 0, &pressure);
    BASE_ASSERT(status == PGW_OK); /* there is always a root */
    uint64_t period = pressure.settled - squeeze->since;
    uint64_t stalled = pressure.total[VM_PRESSURE_SOME] - squeeze->some;
    squeeze->since = pressure.settled;
    squeeze->some = pressure.total[VM_PRESSURE_SOME];
    squeeze_account(system, period, stalled);
    if (stalled * 100 >= squeeze->percent * period)
        squeeze->rests = SQUEEZE_REST;
    else if (squeeze->rests > 0)
        squeeze->rests--;
    else
        system->stats.squeezed += vm_reclaim_locked(system, squeeze_step(system, period, stalled));
}
