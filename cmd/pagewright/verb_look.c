/* SPDX-License-Identifier: BSD-2-Clause */
/* What is where: maps, page, frames, partitions. */
#include "verb_look.h"

#include <string.h>

#include "script_args.h"

const char *
verb_look_owner(const struct script *script, uint64_t id)
{
    const struct script_process *process = script_process_of_id(script, id);

    return process != NULL ? process->name : "-";
}

void
verb_look_range(char *buf, size_t size, uint64_t first, uint64_t n)
{
    if (n == 1)
        snprintf(buf, size, "%llu", (unsigned long long)first);
    else
        snprintf(
            buf, size, "%llu-%llu", (unsigned long long)first, (unsigned long long)(first + n - 1));
}

/* Adds two strings to the one in text, as far as they fit. */
static void
verb_look_append(char *text, size_t size, const char *before, const char *more)
{
    size_t len = strlen(text);

    snprintf(text + len, size - len, "%s%s", before, more);
}

/* Its pages: those in RAM, and what is to be said of them. */
static void
verb_maps_usage(struct script *script, const struct script_process *process, uint64_t va)
{
    struct pgw_region_usage usage = {0};

    if (pgw_region_usage(process->space, va, &usage) != PGW_OK)
        return;
    const struct {
        const char *name;
        uint64_t pages;
    } all[] = {{"in RAM", usage.resident}, {"swapped", usage.swapped}, {"shared", usage.shared},
        {"dirty", usage.dirty}, {"huge", usage.huge}, {"merged", usage.merged},
        {"locked", usage.locked}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (all[i].pages > 0)
            fprintf(script->out, ", %llu %s", (unsigned long long)all[i].pages, all[i].name);
}

static void
verb_maps_one(struct script *script, const struct script_process *process)
{
    struct pgw_region region;
    char rights[4], size[24];
    uint64_t va = 0;

    while (pgw_region_at(process->space, va, &region) == PGW_OK && !script_stopped(script)) {
        fprintf(script->out, "%-8s 0x%llx-0x%llx %s %6s  %s", process->name,
            (unsigned long long)region.start, (unsigned long long)region.end,
            verb_rights(region.prot, rights), number_size(region.end - region.start, size),
            region.use);
        if (strcmp(region.use, "file") == 0)
            fprintf(script->out, " from %llu", (unsigned long long)region.offset);
        fprintf(script->out, ", %s", region.state);
        verb_maps_usage(script, process, region.start);
        fputc('\n', script->out);
        if (region.end <= va)
            break;
        va = region.end;
    }
}

enum script_result
verb_maps(struct args *args)
{
    struct script_process *process = args_more(args) ? args_process(args) : NULL;

    if (!args_done(args))
        return SCRIPT_MISTAKE;
    if (process != NULL) {
        verb_maps_one(args->script, process);
        return SCRIPT_OK;
    }
    TAILQ_FOREACH (process, &args->script->processes, link)
        verb_maps_one(args->script, process);
    return SCRIPT_OK;
}

/* ---------------------------------------------------------------------------------------- */

/* By enum pgw_page_state. */
static const struct {
    const char *name, *text;
} page_states[] = {
    [PGW_PAGE_UNMAPPED] = {"unmapped", "nothing is mapped there"},
    [PGW_PAGE_UNTOUCHED] = {"untouched", "no page yet: the first access makes it"},
    [PGW_PAGE_RESIDENT] = {"resident", "in frame"},
    [PGW_PAGE_SWAPPED] = {"swapped", "on disk"},
    [PGW_PAGE_FILE] = {"file", "in its file only"},
};

static void
verb_page_print(struct script *script, const struct pgw_page *page)
{
    FILE *out = script->out;

    fputs(page_states[page->state].text, out);
    if (page->state == PGW_PAGE_RESIDENT)
        fprintf(out, " %llu", (unsigned long long)page->frame);
    if (page->slot != PGW_NO_SLOT)
        fprintf(out, ", slot %llu", (unsigned long long)page->slot);
    if (page->dirty)
        fputs(", dirty", out);
    if (page->sharers > 1)
        fprintf(out, ", shared by %llu", (unsigned long long)page->sharers);
    fputc('\n', out);
}

static void
verb_page_number(struct verb_value *value, bool is, uint64_t number)
{
    value->kind = is ? VERB_NUMBER : VERB_TEXT;
    value->number = number;
    snprintf(value->text, sizeof value->text, "none");
}

static void
verb_page_field(
    struct args *args, const char *field, const struct pgw_page *page, struct verb_value *value)
{
    bool resident = page->state == PGW_PAGE_RESIDENT;

    value->kind = VERB_TEXT;
    if (strcmp(field, "state") == 0)
        snprintf(value->text, sizeof value->text, "%s", page_states[page->state].name);
    else if (strcmp(field, "dirty") == 0)
        snprintf(value->text, sizeof value->text, "%s", page->dirty ? "yes" : "no");
    else if (strcmp(field, "frame") == 0)
        verb_page_number(value, resident, page->frame);
    else if (strcmp(field, "slot") == 0)
        verb_page_number(value, page->slot != PGW_NO_SLOT, page->slot);
    else if (strcmp(field, "sharers") == 0)
        verb_page_number(value, true, page->sharers);
    else
        args_wrong(args, "\"%.64s\" is nothing that a page has", field);
}

enum script_result
verb_page_value(struct args *args, struct verb_value *value)
{
    struct script_process *process = args_process(args);
    uint64_t va = args_number(args, "the address");
    const char *field = args_word(args, "state, frame, slot, sharers or dirty");
    struct pgw_page page;

    if (!args_done(args))
        return SCRIPT_MISTAKE;
    pgw_page_at(process->space, va, &page);
    verb_page_field(args, field, &page, value);
    return args->bad ? SCRIPT_MISTAKE : SCRIPT_OK;
}

enum script_result
verb_page(struct args *args)
{
    struct args whole = *args;
    struct script_process *process = args_process(&whole);
    uint64_t va = args_number(&whole, "the address");
    struct verb_value value;
    char text[sizeof value.text];
    struct pgw_page page;

    if (whole.bad || args_more(&whole)) {
        enum script_result result = verb_page_value(args, &value);
        if (result != SCRIPT_OK)
            return result;
        verb_value_print(text, sizeof text, &value);
        fprintf(args->script->out, "%s\n", text);
        return SCRIPT_OK;
    }
    pgw_page_at(process->space, va, &page);
    verb_page_print(args->script, &page);
    return SCRIPT_OK;
}

/* ---------------------------------------------------------------------------------------- */

/* Frames that follow each other and hold pages that do, of the same processes. */
struct verb_frames_run {
    struct pgw_frame first;
    char owners[160];
    uint64_t more; /* who refer to them besides, at other addresses */
    uint64_t n;
};

/* Can next, a run of one frame, continue the run? */
static bool
verb_frames_same(const struct verb_frames_run *run, const struct verb_frames_run *next)
{
    const struct pgw_frame *first = &run->first, *frame = &next->first;

    if (run->n == 0 || frame->number != first->number + run->n ||
        strcmp(frame->use, first->use) != 0 || frame->dirty != first->dirty ||
        frame->wired != first->wired || next->more != run->more ||
        strcmp(next->owners, run->owners) != 0)
        return false;
    return frame->space == 0 || frame->va == first->va + run->n * PGW_PAGE_SIZE;
}

/*
 * Completes a run of one frame: the processes that have it at its address, the first one first, and
 * how many others refer to it; and dirty, which the page knows better.
 */
static void
verb_frames_complete(const struct script *script, struct verb_frames_run *run)
{
    const struct script_process *first, *process;
    struct pgw_frame *frame = &run->first;
    struct pgw_page page = {.sharers = 0};
    uint64_t found = 1;

    if (frame->space == 0)
        return;
    verb_look_append(run->owners, sizeof run->owners, "", verb_look_owner(script, frame->space));
    if ((first = script_process_of_id(script, frame->space)) == NULL)
        return;
    pgw_page_at(first->space, frame->va, &page);
    frame->dirty |= page.dirty;
    const uint64_t sharers = page.sharers;
    TAILQ_FOREACH (process, &script->processes, link) {
        if (found >= sharers || process == first)
            continue;
        pgw_page_at(process->space, frame->va, &page);
        if (page.state == PGW_PAGE_RESIDENT && page.frame == frame->number) {
            verb_look_append(run->owners, sizeof run->owners, ",", process->name);
            found++;
        }
    }
    run->more = frame->mappings > found ? frame->mappings - found : 0;
}

static void
verb_frames_print(FILE *out, const struct verb_frames_run *run)
{
    const struct pgw_frame *f = &run->first;
    char range[48];

    if (run->n == 0)
        return;
    verb_look_range(range, sizeof range, f->number, run->n);
    fprintf(out, "%-15s %s", range, f->use);
    if (f->space != 0) {
        fprintf(out, "  %s 0x%llx", run->owners, (unsigned long long)f->va);
        if (run->n > 1)
            fprintf(out, "-0x%llx", (unsigned long long)(f->va + run->n * PGW_PAGE_SIZE));
        if (run->more > 0)
            fprintf(out, " and %llu more", (unsigned long long)run->more);
        fprintf(out, "%s%s", f->dirty ? ", dirty" : "", f->wired ? ", wired" : "");
    }
    fputc('\n', out);
}

enum script_result
verb_frames(struct args *args)
{
    struct script *script = args->script;
    struct verb_frames_run run = {.n = 0}, next;

    if (!args_done(args))
        return SCRIPT_MISTAKE;
    enum script_result result = script_need_system(script);
    if (result != SCRIPT_OK)
        return result;
    for (uint64_t i = 0;; i++) {
        next = (struct verb_frames_run){.n = 1};
        if (pgw_frame_at(script->system, i, &next.first) != PGW_OK)
            break;
        verb_frames_complete(script, &next);
        if (verb_frames_same(&run, &next)) {
            run.n++;
            continue;
        }
        verb_frames_print(script->out, &run);
        run = next;
        if (script_stopped(script))
            return SCRIPT_MISTAKE;
    }
    verb_frames_print(script->out, &run);
    return SCRIPT_OK;
}

/* ---------------------------------------------------------------------------------------- */

/* The processes that have the partition, with commas. */
static void
verb_partition_owners(
    struct script *script, const struct pgw_partition *p, char *owners, size_t size)
{
    const struct script_process *process;

    owners[0] = '\0';
    TAILQ_FOREACH (process, &script->processes, link) {
        struct pgw_page page;
        pgw_page_at(process->space, p->va, &page);
        if (page.state == PGW_PAGE_RESIDENT && page.frame == p->frame)
            verb_look_append(owners, size, owners[0] != '\0' ? "," : "", process->name);
    }
    if (owners[0] == '\0')
        verb_look_append(owners, size, "", verb_look_owner(script, p->space));
}

static void
verb_partition_print(struct script *script, const struct pgw_partition *p)
{
    char range[48], size[24], owners[160];

    verb_look_range(range, sizeof range, p->frame, p->frames);
    fprintf(script->out, "%-15s %6s  ", range, number_size(p->frames * PGW_PAGE_SIZE, size));
    if (!p->used) {
        fputs("hole\n", script->out);
        return;
    }
    verb_partition_owners(script, p, owners, sizeof owners);
    fprintf(script->out, "%s  %s 0x%llx\n", p->name, owners, (unsigned long long)p->va);
}

enum script_result
verb_partitions(struct args *args)
{
    struct script *script = args->script;
    struct pgw_partition partition;
    enum pgw_status status = PGW_OK;

    if (!args_done(args))
        return SCRIPT_MISTAKE;
    enum script_result result = script_need_system(script);
    if (result != SCRIPT_OK)
        return result;
    for (uint64_t i = 0; status == PGW_OK && !script_stopped(script); i++) {
        status = pgw_partition_at(script->system, i, &partition);
        if (status == PGW_OK)
            verb_partition_print(script, &partition);
    }
    return status == PGW_NOTFOUND ? SCRIPT_OK : script_refused(script, status);
}
