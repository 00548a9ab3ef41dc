/* SPDX-License-Identifier: BSD-2-Clause */
/* The files of /proc/PID about one process, but for its maps: proc(5), and fs/proc/array.c for the
 * order of fields. */
#include "os/proctext.h"

#include <stdlib.h>
#include <string.h>

#include "os/errno.h"
#include "os/oom.h"
#include "os/sched.h"

#define NS_PER_TICK 10000000u /* sysconf(_SC_CLK_TCK) is 100 */
#define OOM_ADJ_MAX 1000

/* The process's memory by kind, as Linux counts it; bytes, resident in pages. */
struct totals {
    uint64_t size, data, stack, executable, locked;
    uint64_t resident, resident_file, swapped, tables;
};

static void
totals_of(struct os_process *p, struct totals *out)
{
    struct os_mm *mm = p->mm;
    struct space_counts counts;
    struct space_region region;
    struct space_usage usage;

    *out = (struct totals){0};
    if (mm == NULL)
        return;
    mm->space->ops->counts(mm->space, &counts);
    out->resident = counts.resident;
    out->swapped = counts.swapped;
    out->tables = counts.tables;
    for (uint64_t va = 0; mm->space->ops->find(mm->space, va, &region); va = region.end) {
        uint64_t len = region.end - region.start;
        mm->space->ops->usage(mm->space, &region, &usage);
        out->size += len;
        out->locked += usage.locked * PAGE_SIZE;
        out->resident_file += usage.resident - usage.anon;
        out->executable += (region.prot & PROT_MASK_X) != 0 ? len : 0;
        if (region.growsdown || region.use == SPACE_USE_STACK)
            out->stack += len;
        else if ((region.prot & PROT_MASK_W) != 0 && !region.shared)
            out->data += len;
    }
    if (out->resident_file > out->resident)
        out->resident_file = out->resident;
}

static uint64_t
text_size(const struct os_mm *mm)
{
    return mm != NULL ? page_ceil(mm->places.code_end) - page_floor(mm->places.code) : 0;
}

/* The thread that the process began with; NULL: it has ended. */
static struct os_thread *
leader_of(const struct os_process *p)
{
    struct os_thread *t;

    TAILQ_FOREACH (t, &p->threads, link)
        if (t->tid == p->pid)
            return t;
    return NULL;
}

static const char *
state_of(const struct os_process *p)
{
    const struct os_thread *leader = leader_of(p);

    if (leader == NULL)
        return "Z (zombie)";
    if (p->stopped)
        return "T (stopped)";
    return leader->state == OS_STATE_RUNNABLE ? "R (running)" : "S (sleeping)";
}

static int
parent_of(const struct os_process *p)
{
    return p->parent != NULL ? p->parent->pid : 0;
}

static void
show_statm(struct os_proc_text *text, struct os_process *p)
{
    struct totals t;

    totals_of(p, &t);
    os_proc_put(text, "%llu %llu %llu %llu 0 %llu 0\n", (unsigned long long)t.size >> PAGE_SHIFT,
        (unsigned long long)t.resident, (unsigned long long)t.resident_file,
        (unsigned long long)text_size(p->mm) >> PAGE_SHIFT,
        (unsigned long long)(t.data + t.stack) >> PAGE_SHIFT);
}

/* Of its first thread. */
struct masks {
    uint64_t pending, blocked;
};

static struct masks
masks_of(const struct os_process *p)
{
    const struct os_thread *leader = leader_of(p);

    if (leader == NULL)
        return (struct masks){0, 0};
    return (struct masks){leader->signals.pending.set, leader->signals.blocked};
}

/* Signals with this disposition. */
static uint64_t
signals_with(const struct os_process *p, bool ignored)
{
    uint64_t set = 0;

    for (int sig = 1; sig <= OS_NSIG; sig++) {
        uint64_t handler = p->signals.action[sig].handler;
        if (ignored ? handler == OS_SIG_IGN : handler != OS_SIG_IGN && handler != OS_SIG_DFL)
            set |= OS_SIGBIT(sig);
    }
    return set;
}

static void
show_stat(struct os_proc_text *text, struct os_process *p)
{
    static const struct os_mm_places nowhere;
    const struct os_mm_places *at = p->mm != NULL ? &p->mm->places : &nowhere;
    struct space_counts counts = {0};
    struct masks own = masks_of(p);
    struct totals t;

    totals_of(p, &t);
    if (p->mm != NULL)
        p->mm->space->ops->counts(p->mm->space, &counts);
    os_proc_put(text, "%d (%s) %c %d %d %d 0 -1 0 %llu 0 %llu 0 %llu 0 %llu 0 20 0 %u 0 %llu",
        p->pid, p->name, state_of(p)[0], parent_of(p), p->pgid, p->sid,
        (unsigned long long)(p->minor + counts.minor),
        (unsigned long long)(p->major + counts.major),
        (unsigned long long)p->instructions / NS_PER_TICK,
        (unsigned long long)p->child_instructions / NS_PER_TICK, p->nthreads,
        (unsigned long long)p->started / NS_PER_TICK);
    os_proc_put(text, " %llu %llu %llu %llu %llu %llu 0 0 %llu %llu %llu %llu 0 0 0 %d 0 0 0 0 0 0",
        (unsigned long long)t.size, (unsigned long long)t.resident, ~0ull,
        (unsigned long long)at->code, (unsigned long long)at->code_end,
        (unsigned long long)at->stack, (unsigned long long)(own.pending | p->signals.pending.set),
        (unsigned long long)own.blocked, (unsigned long long)signals_with(p, true),
        (unsigned long long)signals_with(p, false), p->exit_signal);
    os_proc_put(text, " %llu %llu %llu %llu %llu %llu %llu %d\n", (unsigned long long)at->data,
        (unsigned long long)at->data_end,
        (unsigned long long)(p->mm != NULL ? p->mm->layout.heap : 0), (unsigned long long)at->args,
        (unsigned long long)at->args_end, (unsigned long long)at->args_end,
        (unsigned long long)at->env_end, p->wait_status);
}

static void
put_kb(struct os_proc_text *text, const char *name, uint64_t bytes)
{
    os_proc_put(text, "%s:\t%8llu kB\n", name, (unsigned long long)bytes >> 10);
}

static void
put_memory(struct os_proc_text *text, struct os_process *p)
{
    uint64_t code = text_size(p->mm);
    struct totals t;

    totals_of(p, &t);
    put_kb(text, "VmSize", t.size);
    put_kb(text, "VmLck", t.locked);
    put_kb(text, "VmHWM", (t.resident > p->peak_pages ? t.resident : p->peak_pages) * PAGE_SIZE);
    put_kb(text, "VmRSS", t.resident * PAGE_SIZE);
    put_kb(text, "RssAnon", (t.resident - t.resident_file) * PAGE_SIZE);
    put_kb(text, "RssFile", t.resident_file * PAGE_SIZE);
    put_kb(text, "VmData", t.data);
    put_kb(text, "VmStk", t.stack);
    put_kb(text, "VmExe", code);
    put_kb(text, "VmLib", t.executable > code ? t.executable - code : 0);
    put_kb(text, "VmPTE", t.tables * PAGE_SIZE);
    put_kb(text, "VmSwap", t.swapped * PAGE_SIZE);
}

static void
show_status(struct os_proc_text *text, struct os_process *p)
{
    const struct os *os = p->os;
    struct masks own = masks_of(p);

    os_proc_put(text, "Name:\t%s\nUmask:\t%04o\nState:\t%s\nTgid:\t%d\nNgid:\t0\nPid:\t%d\n",
        p->name, p->umask, state_of(p), p->pid, p->pid);
    os_proc_put(text, "PPid:\t%d\nTracerPid:\t0\n", parent_of(p));
    os_proc_put(text, "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\nFDSize:\t%u\n", os->uid[0],
        os->uid[1], os->uid[1], os->uid[1], os->gid[0], os->gid[1], os->gid[1], os->gid[1],
        OS_FILES_MAX);
    if (p->mm != NULL)
        put_memory(text, p);
    os_proc_put(text, "Threads:\t%u\nSigPnd:\t%016llx\nShdPnd:\t%016llx\nSigBlk:\t%016llx\n",
        p->nthreads, (unsigned long long)own.pending, (unsigned long long)p->signals.pending.set,
        (unsigned long long)own.blocked);
    os_proc_put(text, "SigIgn:\t%016llx\nSigCgt:\t%016llx\n",
        (unsigned long long)signals_with(p, true), (unsigned long long)signals_with(p, false));
}

/* Bytes of the process's own memory; what cannot be read ends it. */
static void
put_range(struct os_proc_text *text, struct os_process *p, uint64_t from, uint64_t to)
{
    char piece[512];

    while (p->mm != NULL && from < to) {
        size_t len = to - from < sizeof piece ? (size_t)(to - from) : sizeof piece;
        if (space_read(p->mm->space, from, piece, len, NULL) != SPACE_FAULT_OK)
            return;
        os_proc_bytes(text, piece, len);
        from += len;
    }
}

static void
show_cmdline(struct os_proc_text *text, struct os_process *p)
{
    if (p->mm != NULL)
        put_range(text, p, p->mm->places.args, p->mm->places.args_end);
}

static void
show_environ(struct os_proc_text *text, struct os_process *p)
{
    if (p->mm != NULL)
        put_range(text, p, p->mm->places.args_end, p->mm->places.env_end);
}

static void
show_comm(struct os_proc_text *text, struct os_process *p)
{
    os_proc_put(text, "%s\n", p->name);
}

static int64_t
write_comm(struct os_process *p, const char *value, size_t len)
{
    size_t n = strnlen(value, len < sizeof p->name - 1 ? len : sizeof p->name - 1);

    memcpy(p->name, value, n);
    p->name[n] = '\0';
    struct os_thread *leader = leader_of(p);
    if (leader != NULL)
        memcpy(leader->name, p->name, sizeof leader->name);
    return 0;
}

static void
show_oom_score(struct os_proc_text *text, struct os_process *p)
{
    os_proc_put(text, "%lld\n", (long long)os_memory_score(p));
}

static void
show_oom_score_adj(struct os_proc_text *text, struct os_process *p)
{
    os_proc_put(text, "%d\n", p->oom_adj);
}

/* Below 0 only with the privilege to ask for more than others get (proc(5)). */
static int64_t
write_oom_score_adj(struct os_process *p, const char *value, size_t len)
{
    char *end;
    long adj = strtol(value, &end, 10);

    (void)len;
    if (end == value || (*end != '\0' && strcmp(end, "\n") != 0))
        return -OS_EINVAL;
    if (adj < -OOM_ADJ_MAX || adj > OOM_ADJ_MAX)
        return -OS_EINVAL;
    if (adj < 0 && adj < p->oom_adj && p->os->uid[1] != 0)
        return -OS_EACCES;
    p->oom_adj = (int)adj;
    return 0;
}

const struct os_proc_file os_proc_process_files[] = {
    {"cmdline", show_cmdline, NULL},
    {"comm", show_comm, write_comm},
    {"environ", show_environ, NULL},
    {"maps", os_proc_maps, NULL},
    {"oom_score", show_oom_score, NULL},
    {"oom_score_adj", show_oom_score_adj, write_oom_score_adj},
    {"smaps", os_proc_smaps, NULL},
    {"smaps_rollup", os_proc_smaps_rollup, NULL},
    {"stat", show_stat, NULL},
    {"statm", show_statm, NULL},
    {"status", show_status, NULL},
    {NULL, NULL, NULL},
};
