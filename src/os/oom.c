/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory is promised without limit, so it can run out when it is used.  Then one process is ended,
 * chosen as Linux does (mm/oom_kill.c, oom_badness): by what it holds, in RAM, on swap and in page
 * tables, plus oom_score_adj thousandths of all memory.  So -1000 is never chosen, and 1000 always
 * is.  What most likely asks for more goes, and that frees the most with one death.  Of equals, the
 * youngest.  Processes that share memory (vfork) hold it together and are judged as one, by the
 * first of them; threads are one process anyway.
 *
 * When a group's limit is the reason, only its processes are asked, and its limit and swap are "all
 * memory".
 *
 * Who held what is told with it, so that the choice can be understood and the next run made
 * otherwise.  Scores in the table are those of /proc/PID/oom_score.
 */
#include "os/oom.h"

#include <stdio.h>

#include "base/size.h"
#include "os/machine.h"

#define OOM_TABLE 10u /* processes that the table shows at most */

/* What a choice is made from. */
struct oom {
    struct os *os;
    uint32_t group; /* only its processes; 0: all */
    uint64_t total; /* pages of memory that there are */
};

/* One process in the table. */
struct oom_row {
    struct os_process *p;
    struct space_counts counts;
    int64_t points; /* pages, adjusted; INT64_MIN: never */
};

static void
oom_judge(const struct oom *oom, struct os_process *p, struct oom_row *row)
{
    row->p = p;
    p->mm->space->ops->counts(p->mm->space, &row->counts);
    row->points = (int64_t)(row->counts.resident + row->counts.swapped + row->counts.tables) +
                  (int64_t)p->oom_adj * (int64_t)oom->total / 1000;
    if (p->oom_adj <= -1000)
        row->points = INT64_MIN;
}

/* Does an earlier process have the same memory? */
static bool
oom_is_repeated(const struct os_process *p)
{
    const struct os_process *other = p;

    while ((other = TAILQ_PREV(other, os_process_list, all)) != NULL)
        if (other->mm == p->mm)
            return true;
    return false;
}

static bool
oom_is_asked(const struct oom *oom, const struct os_process *p)
{
    return p->mm != NULL && !p->killed && (oom->group == 0 || p->mm->space->group == oom->group) &&
           !oom_is_repeated(p);
}

/* Puts a row in its place among the n that are there, largest first; returns how many are then. */
static size_t
oom_insert(struct oom_row *rows, size_t n, const struct oom_row *row)
{
    size_t i = n < OOM_TABLE ? n++ : OOM_TABLE - 1;

    if (n == OOM_TABLE && i == OOM_TABLE - 1 && rows[i].p != NULL && rows[i].points > row->points)
        return n;
    for (; i > 0 && rows[i - 1].points <= row->points; i--)
        rows[i] = rows[i - 1];
    rows[i] = *row;
    return n;
}

/* The largest, at most OOM_TABLE of them; *asked: how many there are in all. */
static size_t
oom_rank(const struct oom *oom, struct oom_row *rows, size_t *asked)
{
    struct os_process *p;
    size_t n = 0;

    *asked = 0;
    TAILQ_FOREACH (p, &oom->os->all, all) {
        struct oom_row row;
        if (!oom_is_asked(oom, p))
            continue;
        (*asked)++;
        oom_judge(oom, p, &row);
        n = oom_insert(rows, n, &row);
    }
    return n;
}

/* On the scale of /proc/PID/oom_score, 0 to 2000 (fs/proc/base.c). */
static int64_t
oom_score(const struct oom *oom, int64_t points)
{
    int64_t total = oom->total > 0 ? (int64_t)oom->total : 1;
    int64_t score = points == INT64_MIN ? 0 : (1000 + points * 1000 / total) * 2 / 3;

    return score > 0 ? score : 0;
}

static void
oom_tell_table(const struct oom *oom, const struct oom_row *rows, size_t n, size_t asked)
{
    os_say(oom->os, "out of memory: %7s %-15s %8s %8s %8s %6s %6s", "pid", "name", "in RAM",
        "on swap", "tables", "adj", "score");
    for (size_t i = 0; i < n; i++) {
        const struct oom_row *row = &rows[i];
        char ram[16], swap[16], tables[16];
        base_size_format(row->counts.resident * PAGE_SIZE, ram, sizeof ram);
        base_size_format(row->counts.swapped * PAGE_SIZE, swap, sizeof swap);
        base_size_format(row->counts.tables * PAGE_SIZE, tables, sizeof tables);
        os_say(oom->os, "out of memory: %7d %-15s %8s %8s %8s %6d %6lld%s", row->p->pid,
            row->p->name, ram, swap, tables, row->p->oom_adj,
            (long long)oom_score(oom, row->points), row->points == INT64_MIN ? " never" : "");
    }
    if (asked > n)
        os_say(oom->os, "out of memory: and %zu more, with smaller scores", asked - n);
}

/* largest: it was chosen for that. */
static void
oom_tell(struct os_process *victim, const char *why, bool largest)
{
    struct os *os = victim->os;
    struct space_counts counts;
    char ram[16];
    char swap[16];

    victim->mm->space->ops->counts(victim->mm->space, &counts);
    base_size_format(counts.resident * PAGE_SIZE, ram, sizeof ram);
    base_size_format(counts.swapped * PAGE_SIZE, swap, sizeof swap);
    os_say(os, "out of memory: %s; ended %s (pid %d), which held %s%s in RAM and %s on swap", why,
        victim->name, victim->pid, largest ? "the most: " : "", ram, swap);
    os->stats.killed_for_memory++;
    if (os->config.ended != NULL)
        os->config.ended(os->config.ctx, victim->mm->space->group);
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

/* Ends the one with the most points, and says so. */
static bool
oom_end(const struct oom *oom, struct os_process *p, const char *why)
{
    struct oom_row rows[OOM_TABLE] = {{.p = NULL}};
    size_t asked;
    size_t n = p->killed ? 0 : oom_rank(oom, rows, &asked);
    bool chosen = n > 0 && rows[0].points != INT64_MIN;
    struct os_process *victim = chosen ? rows[0].p : p;

    if (!victim->killed) {
        bool most = chosen && victim->oom_adj == 0;
        oom_tell(victim, why, most);
        if (asked > 1)
            oom_tell_table(oom, rows, n, asked);
    }
    if (victim->mm == p->mm) {
        mark(p);
        return false;
    }
    os_process_exit(victim, OS_SIGKILL);
    return true;
}

/* RAM and swap, in pages. */
static uint64_t
oom_total(const struct os *os, uint64_t limit)
{
    struct os_memory memory = {.ram = 0};

    if (os->config.memory != NULL)
        os->config.memory(os->config.ctx, &memory);
    return (limit < memory.ram ? limit : memory.ram) + memory.swap;
}

bool
os_memory_end(struct os_process *p, const char *why)
{
    struct oom oom = {.os = p->os, .total = oom_total(p->os, UINT64_MAX)};

    return oom_end(&oom, p, why);
}

/* The limit of p's group is reached. */
static bool
oom_limit(struct os_process *p)
{
    const struct os_config *config = &p->os->config;
    struct oom oom = {.os = p->os, .group = p->mm->space->group};
    uint64_t limit = UINT64_MAX;
    char name[32] = "", size[16], why[128];

    if (config->group != NULL)
        (void)config->group(config->ctx, oom.group, name, sizeof name, &limit);
    oom.total = oom_total(p->os, limit);
    base_size_format(limit < UINT64_MAX / PAGE_SIZE ? limit * PAGE_SIZE : 0, size, sizeof size);
    (void)snprintf(why, sizeof why,
        "group %s has its %s of RAM full, and none of it can go to swap", name, size);
    return oom_end(&oom, p, why);
}

int64_t
os_memory_score(struct os_process *p)
{
    const struct oom oom = {.os = p->os, .total = oom_total(p->os, UINT64_MAX)};
    struct oom_row row;

    if (p->mm == NULL)
        return 0;
    oom_judge(&oom, p, &row);
    return oom_score(&oom, row.points);
}

bool
os_memory_full(struct os_process *p, enum space_fault fault)
{
    if (fault == SPACE_FAULT_LIMIT)
        return oom_limit(p);
    return os_memory_end(p, reason(p->os, "RAM and swap are full"));
}

void
os_memory_thrash(struct os_process *p)
{
    if (!p->killed)
        oom_tell(p, reason(p->os, "RAM is too small for the program"), false);
    mark(p);
}
