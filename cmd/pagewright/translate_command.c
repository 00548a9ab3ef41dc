/* SPDX-License-Identifier: BSD-2-Clause */
/* pagewright translate: one address through one scheme, step by step. */
#include "commands.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pagewright/pagewright.h>

#include "translate_spec.h"

#define EXIT_FAULT 1 /* the translation ends in a fault */

enum {
    KEY_MMU = 0x100,
    KEY_MAP,
    KEY_ACCESS,
    KEY_BASE,
    KEY_LIMIT,
    KEY_ORIGIN,
    KEY_SEGMENT,
    KEY_TABLES,
    KEY_JSON
};

/* clang-format off */
static const struct argp_option options[] = {
    {"mmu", KEY_MMU, "NAME[:OPTION,...]", 0,
        "the scheme (default sv39; base-bounds with --base, segments with --segment)", 1},
    {"access", KEY_ACCESS, "read|write|exec", 0, "what for (default read)", 1},
    {NULL, 0, NULL, 0, "Schemes with pages:", 2},
    {"map", KEY_MAP, "VPN=PFN[:RIGHTS][@SIZE]", 0,
        "maps a page to a frame (counted in 4 KiB); RIGHTS of r, w, x, k: kernel only, a: accessed, "
        "d: dirty (default rwx); SIZE such as 2m.  VPN=disk:SLOT: the page is on swap.  "
        "VPN=entry:VALUE: the table's entry as it stands.  May be repeated", 0},
    {"tables", KEY_TABLES, NULL, 0, "also shows every entry of the tables, with its bytes", 0},
    {NULL, 0, NULL, 0, "Contiguous schemes (in bytes; 34K is a number, too):", 3},
    {"base", KEY_BASE, "ADDRESS", 0, "where the program is in RAM", 0},
    {"limit", KEY_LIMIT, "BYTES", 0, "how long it is (default: no limit)", 0},
    {"origin", KEY_ORIGIN, "ADDRESS", 0, "where it believes to be (default 0)", 0},
    {"segment", KEY_SEGMENT, "BASE:LIMIT[:RIGHTS][:down][@ORIGIN]", 0,
        "a segment register; may be repeated", 0},
    {NULL, 0, NULL, 0, "The answer:", 4},
    {"json", KEY_JSON, NULL, 0, "as JSON (docs/translate.schema.json)", 0},
    {NULL, 0, NULL, 0, NULL, 0},
};
/* clang-format on */

struct translate_options {
    struct pgw_translate question;
    struct pgw_translate_map *maps; /* room for as many as there are arguments */
    struct pgw_translate_segment *segments;
    struct pgw_translate_segment only; /* of --base, --limit and --origin */
    bool base, address;
};

static void
translate_map(struct argp_state *state, struct translate_options *translate, const char *text)
{
    struct pgw_translate_map *map = &translate->maps[translate->question.nmaps];
    char why[400];

    if (!translate_spec_map(text, map, why, sizeof why))
        argp_failure(state, EXIT_OURS, 0, "--map %s", why);
    translate->question.nmaps++;
}

static void
translate_segment(struct argp_state *state, struct translate_options *translate, const char *text)
{
    struct pgw_translate_segment *segment = &translate->segments[translate->question.nsegments];
    char why[400];

    if (!translate_spec_segment(text, segment, why, sizeof why))
        argp_failure(state, EXIT_OURS, 0, "--segment %s", why);
    translate->question.nsegments++;
}

static uint64_t
translate_bytes(struct argp_state *state, const char *option, const char *text)
{
    uint64_t n = 0;

    if (!translate_spec_bytes(text, &n))
        argp_failure(state, EXIT_OURS, 0,
            "%s: \"%s\" is not a number below 2^64: write one such as 8528, 0x2150 or 34K", option,
            text);
    return n;
}

static void
translate_access(struct argp_state *state, struct pgw_translate *question, const char *text)
{
    if (strcmp(text, "read") == 0)
        question->right = PGW_READ;
    else if (strcmp(text, "write") == 0)
        question->right = PGW_WRITE;
    else if (strcmp(text, "exec") == 0)
        question->right = PGW_EXEC;
    else
        argp_failure(state, EXIT_OURS, 0, "--access: \"%s\" is none of: read, write, exec", text);
}

static void
translate_address(struct argp_state *state, struct translate_options *translate, const char *text)
{
    if (translate->address)
        argp_failure(
            state, EXIT_OURS, 0, "\"%s\" is one word too many: it takes one address", text);
    translate->question.va = translate_bytes(state, "the address", text);
    translate->question.decimal = strncasecmp(text, "0x", 2) != 0;
    translate->address = true;
}

/* What only shows when all options have been read. */
static void
translate_end(struct argp_state *state, struct translate_options *translate)
{
    struct pgw_translate *question = &translate->question;
    const struct pgw_translate_segment *only = &translate->only;

    if (!translate->address)
        argp_failure(state, EXIT_OURS, 0,
            "no address to translate: write pagewright translate [options] ADDRESS");
    if (!translate->base && (only->limit != PGW_UNGIVEN || only->origin != PGW_UNGIVEN))
        argp_failure(state, EXIT_OURS, 0, "%s needs --base, the address in RAM",
            only->limit != PGW_UNGIVEN ? "--limit" : "--origin");
    if (translate->base && question->nsegments > 0)
        argp_failure(state, EXIT_OURS, 0, "write either --base or --segment, not both");
    if (question->mmu == NULL && (translate->base || question->nsegments > 0))
        question->mmu = translate->base ? "base-bounds" : "segments";
    if (translate->base)
        translate->segments[question->nsegments++] = *only;
}

static error_t
translate_option(int key, char *arg, struct argp_state *state)
{
    struct translate_options *translate = state->input;

    switch (key) {
    case KEY_MMU:
        translate->question.mmu = arg;
        return 0;
    case KEY_MAP:
        translate_map(state, translate, arg);
        return 0;
    case KEY_ACCESS:
        translate_access(state, &translate->question, arg);
        return 0;
    case KEY_BASE:
        translate->only.base = translate_bytes(state, "--base", arg);
        translate->base = true;
        return 0;
    case KEY_LIMIT:
        translate->only.limit = translate_bytes(state, "--limit", arg);
        return 0;
    case KEY_ORIGIN:
        translate->only.origin = translate_bytes(state, "--origin", arg);
        return 0;
    case KEY_SEGMENT:
        translate_segment(state, translate, arg);
        return 0;
    case KEY_TABLES:
        translate->question.tables = true;
        return 0;
    case KEY_JSON:
        translate->question.json = true;
        return 0;
    case ARGP_KEY_ARG:
        translate_address(state, translate, arg);
        return 0;
    case ARGP_KEY_END:
        translate_end(state, translate);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int
translate_answer(const struct pgw_translate *question)
{
    char *text = NULL;
    bool fault = false;

    if (pgw_translate_string(question, &fault, &text) != PGW_OK) {
        fprintf(stderr, "pagewright translate: %s\n", question->error);
        return EXIT_OURS;
    }
    bool written = fputs(text, stdout) >= 0 && (!question->json || putchar('\n') != EOF);
    free(text);
    if (fflush(stdout) != 0 || !written) {
        fprintf(stderr, "pagewright translate: cannot write the answer to standard output\n");
        return EXIT_OURS;
    }
    return fault ? EXIT_FAULT : 0;
}

int
command_translate(int argc, char **argv)
{
    const struct argp argp = {
        .options = options,
        .parser = translate_option,
        .args_doc = "ADDRESS",
        .doc = "Builds the page table or the registers that are described, and shows every step of "
               "one address's translation.\v"
               "Numbers are decimal or, with 0x, hexadecimal; the answer is in the base of the "
               "ADDRESS, with the other one beside it.  pagewright mmus lists the schemes.\n\n"
               "The exit status is 0 when there is a physical address, 1 when the translation ends "
               "in a fault, 125 when the question is wrong.",
    };
    char error[512] = "";
    size_t room = (size_t)argc + 1;
    struct translate_options translate = {
        .question = {.size = sizeof translate.question, .error = error, .error_len = sizeof error},
        .maps = calloc(room, sizeof *translate.maps),
        .segments = calloc(room, sizeof *translate.segments),
        .only = {.origin = PGW_UNGIVEN,
            .limit = PGW_UNGIVEN,
            .prot = PGW_READ | PGW_WRITE | PGW_EXEC},
    };
    int exit_code = EXIT_OURS;

    if (translate.maps == NULL || translate.segments == NULL) {
        fprintf(stderr, "pagewright translate: out of memory\n");
    } else {
        argp_parse(&argp, argc, argv, 0, NULL, &translate);
        translate.question.maps = translate.maps;
        translate.question.segments = translate.segments;
        exit_code = translate_answer(&translate.question);
    }
    free(translate.maps);
    free(translate.segments);
    return exit_code;
}
