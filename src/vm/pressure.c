/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pressure: the time that tasks lose because memory is short, by the definitions of Linux's
 * pressure stall information (Documentation/accounting/psi.rst, kernel/sched/psi.c).
 *
 *      some   at least one task is stalled
 *      full   at least one is, and no other one wants to run: nobody gets anywhere
 *
 * A task is stalled while it waits for a page from swap, for a page of a file that it had a short
 * while ago (refault.c: not for one that is read for the first time), or for its own reclaim.
 *
 * The clock of pressure is the machine's clock, which stands still while a device works, plus what
 * devices are taken to need for what they were asked (device_ns an operation).  So a run of one
 * second of instructions that waits for 10,000 operations of 100 us has lasted two seconds, one of
 * them stalled.  Writing that nobody waits for (the page daemon) lets time pass, and stalls nobody.
 *
 *      begin --> stalled + 1 ... the device works, the clock goes on ... end --> stalled - 1
 *
 * Time is put where it belongs whenever the number of stalled tasks changes or somebody looks.
 *
 * Averages are recomputed every two seconds: over 10, 60 and 300 seconds, exponentially, in fixed
 * point of 11 bits, with the kernel's own constants, so that the figures are the kernel's, too.
 * Time in which nobody asked is made up for at the next look, as the kernel does for idle machines.
 *
 * The root's figures are the whole machine's; each group has its own.
 */
#include "vm/core.h"

#define PRESSURE_PERIOD UINT64_C(2000000000) /* nanoseconds between two updates of averages */
#define PRESSURE_SHIFT VM_PRESSURE_SHIFT
#define PRESSURE_ONE (UINT64_C(1) << PRESSURE_SHIFT)

/* 1/exp(2s/10s), 1/exp(2s/60s), 1/exp(2s/300s), in fixed point: include/linux/psi_types.h. */
static const uint64_t pressure_exp[VM_PRESSURE_WINDOWS] = {1677, 1981, 2034};

uint64_t
vm_pressure_now(const struct vm_system *system)
{
    uint64_t now = system->clock != NULL ? base_clock_now(system->clock) : 0;

    return now + system->device_time;
}

/* --- averages --- */

/* The average when `active` was measured over one more period (calc_load). */
static uint64_t
pressure_decay(uint64_t average, uint64_t exp, uint64_t active)
{
    uint64_t sum = average * exp + active * (PRESSURE_ONE - exp);

    if (active >= average)
        sum += PRESSURE_ONE - 1;
    return sum >> PRESSURE_SHIFT;
}

/* exp to the n-th power (fixed_power_int). */
static uint64_t
pressure_power(uint64_t exp, uint64_t n)
{
    uint64_t result = PRESSURE_ONE;

    for (; n > 0; n >>= 1) {
        if ((n & 1) != 0)
            result = (result * exp + PRESSURE_ONE / 2) >> PRESSURE_SHIFT;
        exp = (exp * exp + PRESSURE_ONE / 2) >> PRESSURE_SHIFT;
    }
    return result;
}

/* sample of period nanoseconds were stalled, after `missed` periods without a look. */
static void
pressure_average(uint64_t *averages, uint64_t missed, uint64_t sample, uint64_t period)
{
    uint64_t percent = sample * 100 / period * PRESSURE_ONE;

    for (unsigned i = 0; i < VM_PRESSURE_WINDOWS; i++) {
        if (missed > 0)
            averages[i] = pressure_decay(averages[i], pressure_power(pressure_exp[i], missed), 0);
        averages[i] = pressure_decay(averages[i], pressure_exp[i], percent);
    }
}

/* Recomputes the averages, if it is time (update_averages). */
static void
pressure_update(struct vm_pressure *pressure, uint64_t now)
{
    uint64_t missed = 0;

    if (now - pressure->updated < PRESSURE_PERIOD)
        return;
    if (now - pressure->updated >= 2 * PRESSURE_PERIOD)
        missed = (now - pressure->updated) / PRESSURE_PERIOD - 1;
    uint64_t period = now - pressure->updated - missed * PRESSURE_PERIOD;
    for (unsigned i = 0; i < VM_PRESSURE_KINDS; i++) {
        uint64_t sample = pressure->total[i] - pressure->counted[i];
        if (sample > period)
            sample = period; /* the rest is counted next time */
        pressure->counted[i] += sample;
        pressure_average(pressure->average[i], missed, sample, period);
    }
    pressure->updated = now;
}

/* --- stalls --- */

/* Puts the time since the last look where it belongs. */
static void
pressure_settle(struct vm_system *system, struct vm_group *group, uint64_t now)
{
    struct vm_pressure *pressure = &group->pressure;
    uint64_t passed = now - pressure->settled;

    pressure->settled = now;
    if (pressure->stalled > 0) {
        pressure->total[VM_PRESSURE_SOME] += passed;
        if (system->others == NULL || !system->others(system->others_ctx, group->id))
            pressure->total[VM_PRESSURE_FULL] += passed;
    }
    pressure_update(pressure, now);
}

static void
pressure_change(struct vm_system *system, unsigned id, int by)
{
    uint64_t now = vm_pressure_now(system);

    for (;; id = 0) {
        struct vm_group *group = system->groups[id];
        pressure_settle(system, group, now);
        group->pressure.stalled += (unsigned)by;
        if (id == 0)
            break;
    }
}

void
vm_pressure_begin(struct vm_system *system, unsigned group)
{
    pressure_change(system, group, 1);
}

void
vm_pressure_end(struct vm_system *system, unsigned group)
{
    pressure_change(system, group, -1);
}

enum pgw_status
vm_pressure_locked(struct vm_system *system, unsigned id, struct vm_pressure *pressure)
{
    if (id >= system->ngroups)
        return PGW_NOTFOUND;
    pressure_settle(system, system->groups[id], vm_pressure_now(system));
    *pressure = system->groups[id]->pressure;
    return PGW_OK;
}

enum pgw_status
vm_pressure(struct vm_system *system, unsigned id, struct vm_pressure *pressure)
{
    base_lock_take(&system->lock);
    enum pgw_status status = vm_pressure_locked(system, id, pressure);
    base_lock_drop(&system->lock);
    return status;
}
