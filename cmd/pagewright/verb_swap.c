/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * swap: which page of which process is in which slot.  The library tells of each page where it is;
 * so all pages of all processes are asked, and what they say is sorted by slot.
 */
#include <stdlib.h>
#include <string.h>

#include "script_args.h"
#include "verb_look.h"

struct verb_slot {
    uint64_t slot, va;
    const struct script_process *process;
    unsigned order; /* of the process, so that one slot's are sorted as the processes are */
    bool resident;
};

struct verb_slots {
    struct verb_slot *slot;
    size_t n, room;
    bool cut; /* not all pages were looked at */
};

static bool
verb_slots_add(struct verb_slots *slots, const struct verb_slot *slot)
{
    if (slots->n == slots->room) {
        size_t room = slots->room > 0 ? 2 * slots->room : 64;
        struct verb_slot *more = reallocarray(slots->slot, room, sizeof *more);
        if (more == NULL)
            return false;
        slots->slot = more;
        slots->room = room;
    }
    slots->slot[slots->n++] = *slot;
    return true;
}

/* Takes down the slots of a region's pages; *left: how many pages may still be looked at. */
static bool
verb_slots_region(struct script *script, struct verb_slots *slots, struct verb_slot *at,
    uint64_t end, uint64_t *left)
{
    struct pgw_page page;

    for (; at->va<end && * left> 0; at->va += PGW_PAGE_SIZE, (*left)--) {
        if (script_stopped(script))
            return false;
        pgw_page_at(at->process->space, at->va, &page);
        at->slot = page.slot;
        at->resident = page.state == PGW_PAGE_RESIDENT;
        if (page.slot != PGW_NO_SLOT && !verb_slots_add(slots, at))
            return false;
    }
    slots->cut |= at->va < end;
    return true;
}

static bool
verb_slots_process(struct script *script, struct verb_slots *slots,
    const struct script_process *process, unsigned order)
{
    struct verb_slot at = {.process = process, .order = order};
    uint64_t left = script->limits.scan;
    struct pgw_region region;

    while (!slots->cut && pgw_region_at(process->space, at.va, &region) == PGW_OK) {
        if (at.va < region.start)
            at.va = region.start;
        if (region.end <= at.va)
            break;
        if (!verb_slots_region(script, slots, &at, region.end, &left))
            return false;
    }
    return true;
}

static int
verb_slots_order(const void *a, const void *b)
{
    const struct verb_slot *x = a, *y = b;

    if (x->slot != y->slot)
        return x->slot < y->slot ? -1 : 1;
    return x->order != y->order ? (x->order < y->order ? -1 : 1)
                                : (x->va > y->va) - (x->va < y->va);
}

/* How many entries from i on are of one slot: processes that share it. */
static size_t
verb_slots_group(const struct verb_slots *slots, size_t i)
{
    size_t n = 1;

    while (i + n < slots->n && slots->slot[i + n].slot == slots->slot[i].slot)
        n++;
    return n;
}

/* Is the group of n entries at next, ahead slots after the one at first, the same processes' pages,
 * as many further? */
static bool
verb_slots_follow(
    const struct verb_slot *first, const struct verb_slot *next, size_t n, uint64_t ahead)
{
    for (size_t i = 0; i < n; i++) {
        if (next[i].slot != first[i].slot + ahead || next[i].process != first[i].process ||
            next[i].va != first[i].va + ahead * PGW_PAGE_SIZE ||
            next[i].resident != first[i].resident)
            return false;
    }
    return true;
}

/* How many groups like the one at i, of n entries, follow each other there, itself included. */
static uint64_t
verb_slots_run(const struct verb_slots *slots, size_t i, size_t n)
{
    uint64_t run = 1;

    for (size_t next = i + n; next < slots->n; next += n, run++) {
        if (verb_slots_group(slots, next) != n ||
            !verb_slots_follow(&slots->slot[i], &slots->slot[next], n, run))
            break;
    }
    return run;
}

/* The processes of a group of n entries, each with its address unless the next one has the same. */
static void
verb_slots_owners(FILE *out, const struct verb_slot *slot, size_t n, uint64_t run)
{
    for (size_t i = 0; i < n; i++) {
        fputs(slot[i].process->name, out);
        if (i + 1 < n && slot[i + 1].va == slot[i].va) {
            fputc(',', out);
            continue;
        }
        fprintf(out, " 0x%llx", (unsigned long long)slot[i].va);
        if (run > 1)
            fprintf(out, "-0x%llx", (unsigned long long)(slot[i].va + run * PGW_PAGE_SIZE));
        fputs(i + 1 < n ? ", " : "", out);
    }
}

static void
verb_slots_print(struct script *script, const struct verb_slots *slots)
{
    char range[48];

    for (size_t i = 0; i < slots->n;) {
        const struct verb_slot *slot = &slots->slot[i];
        size_t n = verb_slots_group(slots, i);
        uint64_t run = verb_slots_run(slots, i, n);
        verb_look_range(range, sizeof range, slot->slot, run);
        fprintf(script->out, "slot %-10s ", range);
        verb_slots_owners(script->out, slot, n, run);
        fprintf(script->out, "%s\n", slot->resident ? ", also in RAM" : "");
        i += n * run;
    }
    if (slots->cut)
        fputs("(there are more pages than are looked at)\n", script->out);
}

static bool
verb_slots_fill(struct script *script, struct verb_slots *slots)
{
    const struct script_process *process;
    unsigned order = 0;

    TAILQ_FOREACH (process, &script->processes, link) {
        if (!verb_slots_process(script, slots, process, order++))
            return false;
    }
    return true;
}

enum script_result
verb_swap(struct args *args)
{
    struct script *script = args->script;
    struct pgw_stats stats = {.size = sizeof stats};
    struct verb_slots slots = {.n = 0};

    if (!args_done(args))
        return SCRIPT_MISTAKE;
    enum script_result result = script_need_system(script);
    if (result == SCRIPT_OK)
        result = script_refused(script, pgw_system_stats(script->system, &stats));
    if (result != SCRIPT_OK)
        return result;
    if (!verb_slots_fill(script, &slots)) {
        free(slots.slot);
        return script_stopped(script) ? SCRIPT_MISTAKE : script_refused(script, PGW_NOMEM);
    }
    if (slots.n > 1)
        qsort(slots.slot, slots.n, sizeof *slots.slot, verb_slots_order);
    fprintf(script->out, "%llu of %llu slots are used\n", (unsigned long long)stats.swap_used,
        (unsigned long long)stats.swap_size);
    verb_slots_print(script, &slots);
    free(slots.slot);
    return SCRIPT_OK;
}
