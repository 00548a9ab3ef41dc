/* SPDX-License-Identifier: BSD-2-Clause */
/* pagewright record: run, with every reference written to a trace. */
#include <pagewright/record.h>

#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "run_options.h"

enum { KEY_PAGES = 0x200, KEY_LEVEL };

#define COMMAND_MAX 4096

struct record_options {
    struct run_options run; /* first, so that prepare finds the rest */
    struct pgw_record_options record;
    const char *file; /* NULL: made from the program's name */
    char own_file[256];
    char command[COMMAND_MAX]; /* the program and its arguments, for the trace to tell */
};

/* clang-format off */
static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "The trace:", 1},
    {"output", 'o', "FILE", 0, "where it goes (default: the program's name, with .pwt)", 0},
    {"pages", KEY_PAGES, NULL, 0,
        "runs of references to one page as one record: smaller, and all that work by pages needs", 0},
    {"level", KEY_LEVEL, "N", 0, "how hard to compress, 1 to 19", 0},
    {NULL, 0, NULL, 0, NULL, 0},
};
/* clang-format on */

static void
record_level(struct argp_state *state, struct record_options *record, const char *text)
{
    uint64_t level = machine_number(state, "--level", text);

    if (level < 1 || level > 19)
        argp_failure(state, EXIT_OURS, 0, "--level: %s is not from 1 to 19", text);
    record->record.writer.level = (int)level;
}

static error_t
record_option(int key, char *arg, struct argp_state *state)
{
    struct record_options *record = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &record->run;
        return 0;
    case 'o':
        if (strcmp(arg, "-") == 0)
            argp_failure(state, EXIT_OURS, 0,
                "-o -: what the program writes goes there; name a file, or a FIFO");
        if (arg[0] == '\0')
            argp_failure(state, EXIT_OURS, 0, "-o: \"\" names no file");
        record->file = arg;
        return 0;
    case KEY_PAGES:
        record->record.writer.pages = true;
        return 0;
    case KEY_LEVEL:
        record_level(state, record, arg);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* The program and its arguments, as far as they fit. */
static void
record_command(struct record_options *record)
{
    size_t at = 0;

    for (char **arg = record->run.program; *arg != NULL && at < sizeof record->command; arg++) {
        int n = snprintf(
            record->command + at, sizeof record->command - at, "%s%s", at > 0 ? " " : "", *arg);
        at += n > 0 ? (size_t)n : 0;
    }
    record->record.writer.command = record->command;
}

static const char *
record_file(struct record_options *record)
{
    const char *slash = strrchr(record->run.program[0], '/');

    if (record->file != NULL)
        return record->file;
    (void)snprintf(record->own_file, sizeof record->own_file, "%.240s.pwt",
        slash != NULL ? slash + 1 : record->run.program[0]);
    return record->own_file;
}

static bool
record_prepare(struct pgw_system *system, const struct run_options *run)
{
    const struct record_options *record = (const struct record_options *)run;

    if (pgw_record_to(system, record->file, &record->record) == PGW_OK)
        return true;
    fprintf(stderr, "%s: %s\n", run->name, pgw_error_text(system));
    return false;
}

int
command_record(int argc, char **argv)
{
    const struct argp_child children[] = {{&run_argp, 0, NULL, 0}, {NULL, 0, NULL, 0}};
    const struct argp argp = {
        .options = options,
        .children = children,
        .parser = record_option,
        .doc = "Runs a riscv64 Linux program, as pagewright run does, and records each of its "
               "references to memory, and what changes its address spaces, for replay.",
    };
    struct record_options record = {.file = NULL};

    run_options_init(&record.run, "pagewright record");
    pgw_record_options_init(&record.record);
    record.run.prepare = record_prepare;
    argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &record);
    record_command(&record);
    record.file = record_file(&record);
    return run_machine(&record.run);
}
