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

/* largest: it was chosen for that. */
static void
tell(struct os_process *victim, const char *why, bool largest)
{
    struct os *os = victim->os;
    struct space_counts counts;
    char ram[16];
    char swap[16];

    (void)held(victim, &counts);
    base_size_format(counts.resident * PAGE_SIZE, ram, sizeof ram);
    base_size_format(counts.swapped * PAGE_SIZE, swap, sizeof swap);
    os_say(os, "out of memory: %s; ended %s (pid %d), which held %s%s in RAM and %s on swap", why,
        victim->name, victim->pid, largest ? "the most: " : "", ram, swap);
    os->stats.killed_for_memory++;
}

/* What the memory manager has to say, which may be more than this. */
static const char *
reason(const struct os *os, const char *why)
{
    const char *more = os->config.why != NULL ? os->config.why(os->config.ctx) : "";

    return more[0] != '\0' ? more : why;
}

/* Its memory may be in use by the call that is under way, so it ends later. */
static void
mark(struct os_process *p)
{
    p->killed = true;
    p->kill_status = OS_SIGKILL;
}

bool
os_memory_full(struct os_process *p)
{
    return os_memory_end(p, reason(p->os, "RAM and swap are full"));
}

bool
os_memory_end(struct os_process *p, const char *why)
{
    struct os_process *victim = p->killed ? p : largest(p->os);

    if (victim == NULL)
        victim = p;
    if (!victim->killed)
        tell(victim, why, true);
    if (victim->mm == p->mm) {
        mark(p);
        return false;
    }
    os_process_exit(victim, OS_SIGKILL);
    return true;
}

void
os_memory_thrash(struct os_process *p)
{
    if (!p->killed)
        tell(p, reason(p->os, "RAM is too small for the program"), false);
    mark(p);
}
