/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory is promised without limit, so it can run out when it is used.  Then the process that
 * holds the most, in RAM and on swap, is ended: that frees the most with one death, and it is
 * most likely the one that asks for more.  Of equals, the youngest.
 */
#include "os/oom.h"

#include "base/size.h"
#include "os/machine.h"

static uint64_t
held(const struct os_process *p, struct space_counts *counts)
{
    p->mm->space->ops->counts(p->mm->space, counts);
    return counts->resident + counts->swapped;
}

static struct os_process *
largest(struct os *os)
{
    struct os_process *p;
    struct os_process *victim = NULL;
    uint64_t most = 0;

    TAILQ_FOREACH (p, &os->all, all) {
        struct space_counts counts;

        if (p->mm == NULL || p->killed || held(p, &counts) < most)
            continue;
        most = held(p, &counts);
        victim = p;
    }
    return victim;
}

static void
tell(struct os_process *victim, const char *why)
{
    struct os *os = victim->os;
    struct space_counts counts;
    char ram[16];
    char swap[16];

    (void)held(victim, &counts);
    base_size_format(counts.resident * PAGE_SIZE, ram, sizeof ram);
    base_size_format(counts.swapped * PAGE_SIZE, swap, sizeof swap);
    os_say(os,
        "out of memory: %s; ended %s (pid %d), which held the most: %s in RAM and %s on swap", why,
        victim->name, victim->pid, ram, swap);
}

bool
os_memory_full(struct os_process *p)
{
    return os_memory_end(p, "RAM and swap are full");
}

bool
os_memory_end(struct os_process *p, const char *why)
{
    struct os *os = p->os;
    struct os_process *victim = p->killed ? p : largest(os);

    if (victim == NULL)
        victim = p;
    if (!victim->killed) {
        tell(victim, why);
        os->stats.killed_for_memory++;
    }
    if (victim->mm == p->mm) {
        /* Its memory is in use by the call that is under way. */
        p->killed = true;
        p->kill_status = OS_SIGKILL;
        return false;
    }
    os_process_exit(victim, OS_SIGKILL);
    return true;
}
