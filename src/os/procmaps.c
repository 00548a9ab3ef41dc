/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/PID/maps, smaps and smaps_rollup: proc(5), and fs/proc/task_mmu.c for what lines look like.
 */
#include "os/proctext.h"

#include <stdio.h>

#include "os/objname.h"

#define NAME_COLUMN 73 /* where names begin, on a machine with addresses of 64 bits */

/* What a region is called, "" if it is nothing but memory. */
static const char *
region_name(
    const struct os_mm *mm, const struct space_region *region, const struct os_objname *object)
{
    const struct space_layout *layout = &mm->layout;

    if (object != NULL)
        return object->path;
    if (region->use == SPACE_USE_HEAP)
        return "[heap]";
    if (region->start <= layout->stack_top - 1 && layout->stack_top - 1 < region->end &&
        region->use == SPACE_USE_STACK)
        return "[stack]";
    /* Linux has that name for it on machines without a vDSO. */
    if (region->start == layout->trampoline)
        return "[sigpage]";
    return region->shared && region->use == SPACE_USE_ANON ? "/dev/zero (deleted)" : "";
}

/* The device number as the kernel prints it: 12 bits of major, 20 of minor, of stat(2)'s mix. */
static unsigned
dev_major(uint64_t dev)
{
    return (unsigned)((dev >> 8 & 0xfff) | (dev >> 32 & ~(uint64_t)0xfff));
}

static unsigned
dev_minor(uint64_t dev)
{
    return (unsigned)((dev & 0xff) | (dev >> 12 & ~(uint64_t)0xff));
}

static void
put_line(struct os_proc_text *text, const char *line, int len, const char *name)
{
    int pad = name[0] != '\0' && len < NAME_COLUMN ? NAME_COLUMN - len : 0;

    os_proc_put(text, "%s%*s%s\n", line, pad, "", name);
}

static void
put_header(struct os_proc_text *text, const struct os_mm *mm, const struct space_region *region)
{
    const struct os_objname *object =
        region->object != NULL ? os_objname_of(text->os, region->object) : NULL;
    const char *name = region_name(mm, region, object);
    char line[128];
    int len = snprintf(line, sizeof line, "%08llx-%08llx %c%c%c%c %08llx %02x:%02x %llu ",
        (unsigned long long)region->start, (unsigned long long)region->end,
        (region->prot & PROT_MASK_R) != 0 ? 'r' : '-',
        (region->prot & PROT_MASK_W) != 0 ? 'w' : '-',
        (region->prot & PROT_MASK_X) != 0 ? 'x' : '-', region->shared ? 's' : 'p',
        (unsigned long long)(region->object != NULL ? region->offset : 0),
        object != NULL ? dev_major(object->dev) : 0, object != NULL ? dev_minor(object->dev) : 0,
        (unsigned long long)(object != NULL ? object->ino : 0));

    put_line(text, line, len, name);
}

/* Calls visit for each region of the process in turn. */
static void
each_region(struct os_proc_text *text, struct os_process *whose, void *sum,
    void (*visit)(
        struct os_proc_text *text, struct os_mm *mm, const struct space_region *region, void *sum))
{
    struct os_mm *mm = whose->mm;
    struct space_region region;

    for (uint64_t va = 0; mm != NULL && mm->space->ops->find(mm->space, va, &region);
         va = region.end)
        visit(text, mm, &region, sum);
}

static void
visit_maps(
    struct os_proc_text *text, struct os_mm *mm, const struct space_region *region, void *sum)
{
    (void)sum;
    put_header(text, mm, region);
}

void
os_proc_maps(struct os_proc_text *text, struct os_process *whose)
{
    each_region(text, whose, NULL, visit_maps);
}

/* --- smaps --- */

/* In bytes. */
struct smaps {
    uint64_t first, last; /* addresses */
    uint64_t size, rss, pss, shared, dirty, shared_dirty, anonymous, huge, merged, swap, locked;
};

static void
smaps_add(struct smaps *sum, struct os_mm *mm, const struct space_region *region)
{
    struct space_usage usage = {0};

    mm->space->ops->usage(mm->space, region, &usage);
    if (sum->size == 0)
        sum->first = region->start;
    sum->last = region->end;
    sum->size += region->end - region->start;
    sum->rss += usage.resident * PAGE_SIZE;
    sum->shared += usage.shared * PAGE_SIZE;
    sum->dirty += usage.dirty * PAGE_SIZE;
    sum->shared_dirty += usage.shared_dirty * PAGE_SIZE;
    sum->pss += usage.share;
    sum->anonymous += usage.anon * PAGE_SIZE;
    sum->huge += usage.huge * PAGE_SIZE;
    sum->merged += usage.merged * PAGE_SIZE;
    sum->swap += usage.swapped * PAGE_SIZE;
    sum->locked += usage.locked * PAGE_SIZE;
}

static void
put_kb(struct os_proc_text *text, const char *name, uint64_t bytes)
{
    os_proc_put(text, "%-16s%8llu kB\n", name, (unsigned long long)bytes >> 10);
}

static void
put_smaps(struct os_proc_text *text, const struct smaps *s)
{
    uint64_t private_dirty = s->dirty - s->shared_dirty;

    put_kb(text, "Rss:", s->rss);
    put_kb(text, "Pss:", s->pss);
    put_kb(text, "Shared_Clean:", s->shared - s->shared_dirty);
    put_kb(text, "Shared_Dirty:", s->shared_dirty);
    put_kb(text, "Private_Clean:", s->rss - s->shared - private_dirty);
    put_kb(text, "Private_Dirty:", private_dirty);
    put_kb(text, "Anonymous:", s->anonymous);
    put_kb(text, "KSM:", s->merged);
    put_kb(text, "AnonHugePages:", s->huge);
    put_kb(text, "Swap:", s->swap);
    put_kb(text, "Locked:", s->locked);
}

/* In the order of the kernel's bits, show_smap_vma_flags() in fs/proc/task_mmu.c. */
static void
put_flags(struct os_proc_text *text, const struct space_region *region)
{
    const struct {
        bool set;
        char name[4];
    } flags[] = {
        {(region->prot & PROT_MASK_R) != 0, "rd"},
        {(region->prot & PROT_MASK_W) != 0, "wr"},
        {(region->prot & PROT_MASK_X) != 0, "ex"},
        {region->shared && !region->nowrite, "sh"},
        {true, "mr"},
        {!region->nowrite, "mw"},
        {true, "me"},
        {region->shared, "ms"},
        {region->growsdown, "gd"},
        {region->locked, "lo"},
        {(region->advice >> SPACE_ADVICE_SEQUENTIAL & 1) != 0, "sr"},
        {(region->advice >> SPACE_ADVICE_RANDOM & 1) != 0, "rr"},
        {(region->advice >> SPACE_ADVICE_DONTFORK & 1) != 0, "dc"},
        {region->on_fault, "lf"},
        {(region->advice >> SPACE_ADVICE_WIPEONFORK & 1) != 0, "wf"},
        {(region->advice >> SPACE_ADVICE_HUGE & 1) != 0, "hg"},
        {(region->advice >> SPACE_ADVICE_NOHUGE & 1) != 0, "nh"},
        {(region->advice >> SPACE_ADVICE_MERGE & 1) != 0, "mg"},
    };

    os_proc_put(text, "VmFlags:");
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        if (flags[i].set)
            os_proc_put(text, " %s", flags[i].name);
    os_proc_put(text, " \n");
}

static void
visit_smaps(
    struct os_proc_text *text, struct os_mm *mm, const struct space_region *region, void *sum)
{
    struct smaps one = {0};

    (void)sum;
    smaps_add(&one, mm, region);
    put_header(text, mm, region);
    put_kb(text, "Size:", one.size);
    put_kb(text, "KernelPageSize:", PAGE_SIZE);
    put_kb(text, "MMUPageSize:", PAGE_SIZE);
    put_smaps(text, &one);
    put_flags(text, region);
}

void
os_proc_smaps(struct os_proc_text *text, struct os_process *whose)
{
    each_region(text, whose, NULL, visit_smaps);
}

static void
visit_rollup(
    struct os_proc_text *text, struct os_mm *mm, const struct space_region *region, void *sum)
{
    (void)text;
    smaps_add(sum, mm, region);
}

void
os_proc_smaps_rollup(struct os_proc_text *text, struct os_process *whose)
{
    struct smaps sum = {0};
    char line[128];

    each_region(text, whose, &sum, visit_rollup);
    int len = snprintf(line, sizeof line, "%08llx-%08llx ---p 00000000 00:00 0 ",
        (unsigned long long)sum.first, (unsigned long long)sum.last);
    put_line(text, line, len, "[rollup]");
    put_smaps(text, &sum);
}
