/* SPDX-License-Identifier: BSD-2-Clause */
/* How addresses are translated: walk, pagetable, tlb. */
#include <stdlib.h>
#include <string.h>

#include "script_args.h"
#include "verb_look.h"

/* Prints a string of the library's and frees it. */
static void
verb_walk_print(struct script *script, char *text)
{
    size_t len = strlen(text);

    fputs(text, script->out);
    if (len > 0 && text[len - 1] != '\n')
        fputc('\n', script->out);
    free(text);
}

enum script_result
verb_walk(struct args *args)
{
    struct script_process *process = args_process(args);
    uint64_t va = args_number(args, "the address");
    unsigned right = args_access(args, PGW_READ);
    char *text = NULL;

    if (!args_done(args))
        return SCRIPT_MISTAKE;
    enum script_result result =
        script_refused(args->script, pgw_walk_string(process->space, va, right, false, &text));
    if (result == SCRIPT_OK)
        verb_walk_print(args->script, text);
    return result;
}

static enum script_result
verb_pagetable_one(struct script *script, const struct script_process *process, bool named)
{
    char *text = NULL;
    enum script_result result = script_refused(script, pgw_pagetable_string(process->space, &text));

    if (result != SCRIPT_OK)
        return result;
    if (named)
        fprintf(script->out, "%s:\n", process->name);
    verb_walk_print(script, text);
    return SCRIPT_OK;
}

enum script_result
verb_pagetable(struct args *args)
{
    struct script_process *process = args_more(args) ? args_process(args) : NULL;
    enum script_result result = SCRIPT_OK;

    if (!args_done(args))
        return SCRIPT_MISTAKE;
    if (process != NULL)
        return verb_pagetable_one(args->script, process, false);
    TAILQ_FOREACH (process, &args->script->processes, link) {
        if (result == SCRIPT_OK)
            result = verb_pagetable_one(args->script, process, true);
    }
    return result;
}

static void
verb_tlb_print(struct script *script, const struct pgw_tlb_entry *e)
{
    unsigned long long va = e->page * PGW_PAGE_SIZE, end = va + e->pages * PGW_PAGE_SIZE;
    char rights[4], range[48];

    if (e->pages == 1)
        snprintf(range, sizeof range, "0x%llx", va);
    else
        snprintf(range, sizeof range, "0x%llx-0x%llx", va, end);
    fprintf(script->out, "%-8s %s %s  frame %llu  %s%s\n", e->array,
        e->global ? "global" : verb_look_owner(script, e->space), range,
        (unsigned long long)e->frame, verb_rights(e->prot, rights), e->dirty ? ", dirty" : "");
}

/* The places of one array, from i on; those that are used are shown.  Returns the first one of the
 * next array. */
static uint64_t
verb_tlb_array(struct script *script, uint64_t i, const char *array)
{
    struct pgw_tlb_entry entry;
    uint64_t first = i, used = 0;

    while (pgw_tlb_at(script->system, i, &entry) == PGW_OK && strcmp(entry.array, array) == 0) {
        if (entry.valid) {
            verb_tlb_print(script, &entry);
            used++;
        }
        i++;
    }
    fprintf(script->out, "%-8s %llu of %llu places are used\n", array, (unsigned long long)used,
        (unsigned long long)(i - first));
    return i;
}

enum script_result
verb_tlb(struct args *args)
{
    struct script *script = args->script;
    struct pgw_tlb_entry entry;
    uint64_t i = 0;

    if (!args_done(args))
        return SCRIPT_MISTAKE;
    enum script_result result = script_need_system(script);
    if (result != SCRIPT_OK)
        return result;
    while (pgw_tlb_at(script->system, i, &entry) == PGW_OK) {
        if (script_stopped(script))
            return SCRIPT_MISTAKE;
        i = verb_tlb_array(script, i, entry.array);
    }
    if (i == 0)
        fputs("this machine has no TLB\n", script->out);
    return SCRIPT_OK;
}
