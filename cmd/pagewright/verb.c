/* SPDX-License-Identifier: BSD-2-Clause */
#include "verb.h"

#include <inttypes.h>
#include <string.h>

#include "script_args.h"

/* clang-format off */
static const struct verb verbs[] = {
    {"machine", "[ram=SIZE] [mmu=NAME] [policy=NAME] [swap=none|SIZE|FILE:SIZE] [tlb=SPEC] [seed=N] [cost=NAME=TIME,...] [huge=off|madvise|always] [huge-alloc=auto|direct|reserve]",
        "Begins a machine; one that there was ends, with all its processes.",
        "machine ram=64K mmu=sv39 policy=fifo swap=256K", verb_machine, NULL, false},
    {"process", "NAME", "Makes a process, whose address space is empty.", "process a",
        verb_process, NULL, false},
    {"end", "NAME", "Ends a process; its memory is free then.", "end a", verb_end, NULL, false},
    {"map", "NAME LENGTH [at ADDRESS] [rights RIGHTS] [file PATH [offset N]]",
        "Maps zeros or a file, with rights rw unless others are given, and says where if no address is given.",
        "map a 4p at 0x10000 rights rw", verb_map, NULL, false},
    {"unmap", "NAME ADDRESS LENGTH", "Takes away what is mapped there.", "unmap a 0x10000 1p",
        verb_unmap, NULL, false},
    {"protect", "NAME ADDRESS LENGTH RIGHTS", "Changes rights; RIGHTS are letters of rwx, or none.",
        "protect a 0x10000 4p r", verb_protect, NULL, false},
    {"resize", "NAME ADDRESS LENGTH [move]",
        "Makes what is mapped from ADDRESS on that long; with move it may go elsewhere.",
        "resize a 0x10000 8p", verb_resize, NULL, false},
    {"write", "NAME ADDRESS VALUE|\"TEXT\"",
        "Stores a number, in 8 bytes, the lowest first, or a text and a NUL.", "write a 1024 7",
        verb_write, NULL, false},
    {"fill", "NAME ADDRESS LENGTH BYTE", "Sets all bytes of a range.", "fill a 0x10000 4p 0xff",
        verb_fill, NULL, false},
    {"read", "NAME ADDRESS [word|byte|text|LENGTH]",
        "Loads a number of 8 bytes or of one, a text up to its NUL, or shows LENGTH bytes.",
        "read a 1024", verb_read, verb_read_value, false},
    {"touch", "NAME ADDRESS [LENGTH] [read|write|exec]",
        "Accesses every page of a range once, to read unless another access is given.",
        "touch a 0x10000 4p write", verb_touch, NULL, false},
    {"fork", "NAME CHILD", "Makes a process that is a copy: by copy-on-write, or of its segments, which are copied.", "fork a b",
        verb_fork, NULL, false},
    {"share", "NAME ADDRESS NAME [at ADDRESS] [rights RIGHTS]",
        "Maps what starts at ADDRESS in one process into another one too: both see what either writes.",
        "share a 0x10000 b at 0x50000", verb_share, NULL, false},
    {"switch", "NAME", "Loads a process's registers, as a scheduler does; other verbs do it when they have to.",
        "switch a", verb_switch, NULL, false},
    {"evict", "NAME ADDRESS", "Sends a page, or on a contiguous scheme a segment, out of RAM.",
        "evict a 0x10000", verb_evict, NULL, false},
    {"compact", "", "Moves partitions, or pages, together, so that what is free is in one piece, or in large runs.",
        "compact", verb_compact, NULL, false},
    {"maps", "[NAME]", "Shows what is mapped: addresses (the last one is not part of it), rights, size, origin, state "
        "(reserved, committed, shared), and how many of its pages are in RAM, swapped, shared, dirty, "
        "huge, merged, locked.",
        "maps a", verb_maps, NULL, false},
    {"page", "NAME ADDRESS [state|frame|slot|sharers|dirty]",
        "Shows where a page is, or one thing about it; states are unmapped, untouched, resident, swapped and file.",
        "page a 0x10000 state", verb_page, verb_page_value, false},
    {"frames", "", "Shows what every frame of RAM is used for; neighbours of one kind share a line.",
        "frames", verb_frames, NULL, false},
    {"partitions", "", "Shows partitions and holes by address (contiguous schemes).", "partitions",
        verb_partitions, NULL, false},
    {"swap", "", "Shows which page is in which slot of swap.", "swap", verb_swap, NULL, false},
    {"tlb", "", "Shows the places of the TLBs and walk caches that are used.", "tlb", verb_tlb, NULL, false},
    {"walk", "NAME ADDRESS [read|write|exec]",
        "Shows every step of a translation as it would go now.", "walk a 0x10123 write",
        verb_walk, NULL, false},
    {"pagetable", "[NAME]", "Shows the entries of page tables, or the registers of contiguous schemes.",
        "pagetable a", verb_pagetable, NULL, false},
    {"stat", "[of NAME] [all|COUNT...]",
        "Shows what was counted, by the machine or for a process; with no COUNT all that is not 0.",
        "stat major swap_out", verb_stat, verb_stat_value, false},
    {"check", "", "Checks that all structures of the machine agree with each other.", "check",
        verb_check, NULL, false},
    {"run", "PROGRAM [ARGUMENT...]", "Runs a riscv64 Linux program on the machine; its value is the exit status.",
        "run ./hello", verb_run, verb_run_value, false},
    {"expect", "VERB ARGUMENT... OPERATOR VALUE|VERB ARGUMENT..., or expect fails STATUS VERB ARGUMENT...",
        "Tests that a value is as it should be, or that a line is refused.",
        "expect fails access write a 1024 7", verb_expect, NULL, true},
    {"source", "FILE", "Does the lines of another file, relative to this one's folder.",
        "source setup.pgw", verb_source, NULL, true},
    {"echo", "[TEXT...]", "Prints its words.", "echo \"now a page is taken\"", verb_echo, NULL, true},
    {"help", "[VERB]", "Explains a verb, or lists them.", "help map", verb_help, NULL, true},
    {"quit", "", "Ends the script or the shell.", "quit", verb_quit, NULL, true},
};
/* clang-format on */

#define VERBS (sizeof verbs / sizeof verbs[0])

const struct verb *
verb_at(size_t i)
{
    return i < VERBS ? &verbs[i] : NULL;
}

const struct verb *
verb_find(const char *name)
{
    for (size_t i = 0; i < VERBS; i++) {
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    }
    return NULL;
}

void
verb_value_print(char *buf, size_t size, const struct verb_value *value)
{
    switch (value->kind) {
    case VERB_NUMBER:
        snprintf(buf, size, "%llu", (unsigned long long)value->number);
        return;
    case VERB_REAL:
        snprintf(buf, size, "%.3f", value->real);
        return;
    case VERB_TEXT:
        break;
    }
    snprintf(buf, size, "%s", value->text);
}

const char *
verb_rights(unsigned prot, char buf[4])
{
    snprintf(buf, 4, "%c%c%c", (prot & PGW_READ) != 0 ? 'r' : '-',
        (prot & PGW_WRITE) != 0 ? 'w' : '-', (prot & PGW_EXEC) != 0 ? 'x' : '-');
    return buf;
}

enum script_result
verb_echo(struct args *args)
{
    FILE *out = args->script->out;

    for (bool first = true; args_more(args); first = false)
        fprintf(out, "%s%s", first ? "" : " ", args_word(args, "a word"));
    fputc('\n', out);
    return SCRIPT_OK;
}

enum script_result
verb_quit(struct args *args)
{
    return args_done(args) ? SCRIPT_QUIT : SCRIPT_MISTAKE;
}

enum script_result
verb_source(struct args *args)
{
    struct script *script = args->script;
    const char *name = args_word(args, "the file's name");
    char path[4096];
    bool opened;

    if (!args_done(args))
        return SCRIPT_MISTAKE;
    if (script->no_files)
        return script_mistake(script, "this script may not open files");
    if (!script_path(script, name, path, sizeof path))
        return script_mistake(script, "the file's path is too long");
    enum script_result result = script_file(script, path, false, &opened);
    if (opened && (result == SCRIPT_REFUSED || result == SCRIPT_MISTAKE))
        return script_mistake(script, "%s was not read to its end", path);
    /* What it expected in vain has been told. */
    return result == SCRIPT_UNMET ? SCRIPT_OK : result;
}

/* ---------------------------------------------------------------------------------------- */

/* A list of the library's, which is never out of date. */
static void
verb_help_names(
    FILE *out, const char *option, const char *(*name)(unsigned), const char *(*summary)(unsigned))
{
    struct pgw_policy_param param = {.size = sizeof param};
    int width = 17 - (int)strlen(option); /* so that all lists of a verb are in line */

    fputc('\n', out);
    for (unsigned i = 0; name(i) != NULL; i++) {
        fprintf(out, "  %s%-*s %s\n", option, width, name(i), summary(i));
        if (name == pgw_mmu_name && pgw_mmu_options(i)[0] != '\0')
            fprintf(out, "  %-17s options, after a colon: %s\n", "", pgw_mmu_options(i));
        for (unsigned j = 0; name == pgw_policy_name && pgw_policy_param(i, j, &param); j++)
            fprintf(out, "  %-17s after a colon: %s=%" PRIu64 "..%" PRIu64 " (%" PRIu64 "): %s\n",
                "", param.name, param.least, param.most, param.usual, param.summary);
    }
}

static void
verb_help_one(FILE *out, const struct verb *verb)
{
    fprintf(out, "%s%s%s\n%s\nExample: %s\n", verb->name, verb->usage[0] != '\0' ? " " : "",
        verb->usage, verb->help, verb->example);
    if (verb->run == verb_machine) {
        verb_help_names(out, "mmu=", pgw_mmu_name, pgw_mmu_summary);
        verb_help_names(out, "policy=", pgw_policy_name, pgw_policy_summary);
        verb_help_names(out, "tlb=", pgw_tlb_preset_name, pgw_tlb_preset_summary);
    }
    if (verb->run == verb_expect)
        fputs("OPERATOR is one of: = != < <= > >=\nSTATUS is one of: nomem noram noswap io corrupt "
              "inval range exist notfound access "
              "nospace unsupported again noexec\n",
            out);
}

enum script_result
verb_help(struct args *args)
{
    FILE *out = args->script->out;

    if (!args_more(args)) {
        for (size_t i = 0; i < VERBS; i++)
            fprintf(out, "%-11s %s\n", verbs[i].name, verbs[i].help);
        fputs("\nNumbers: 12, 0x1f, 4K, 3M, 1G, 2p (pages of 4K).  Texts: \"in quotes\".  "
              "# begins a comment.\nFor more: help VERB\n",
            out);
        return SCRIPT_OK;
    }
    const char *name = args_word(args, "a verb");
    if (!args_done(args))
        return SCRIPT_MISTAKE;
    const struct verb *verb = verb_find(name);
    if (verb == NULL)
        return script_no_verb(args->script, name);
    verb_help_one(out, verb);
    return SCRIPT_OK;
}
