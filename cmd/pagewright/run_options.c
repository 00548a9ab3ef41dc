/* SPDX-License-Identifier: BSD-2-Clause */
#include "run_options.h"

#include <string.h>

#include "commands.h"

enum { KEY_MMU = 0x100, KEY_REPORT, KEY_REPORT_FILE, KEY_WINDOW, KEY_MAPS, KEY_CHECK };

/* clang-format off */
static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "Translation:", 2},
    {"mmu", KEY_MMU, "NAME[:OPTION,...]", 0,
        "the scheme (default sv39); pagewright mmus says what each one can do", 0},
    {NULL, 0, NULL, 0, "The report:", 4},
    {"report", KEY_REPORT, "text|json|none", 0, "its form (default text)", 0},
    {"report-file", KEY_REPORT_FILE, "FILE", 0, "where it goes (default: standard error)", 0},
    {"window", KEY_WINDOW, "N", 0,
        "instructions of a working-set window, 0 for none (default 1000000)", 0},
    {"maps", KEY_MAPS, NULL, 0,
        "what each process had mapped when it ended: state, rights, size, pages in RAM and on swap, "
        "of the first 64", 0},
    {"check", KEY_CHECK, NULL, 0,
        "verify, when the program has ended, that the machine is sound and nothing of the program is "
        "left in it; status 125 if not", 0},
    {NULL, 0, NULL, 0, NULL, 0},
};
/* clang-format on */

static void
run_report(struct argp_state *state, struct run_options *run, const char *text)
{
    static const char *const names[] = {
        [RUN_REPORT_TEXT] = "text", [RUN_REPORT_JSON] = "json", [RUN_REPORT_NONE] = "none"};

    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(text, names[i]) == 0) {
            run->report = (enum run_report)i;
            return;
        }
    }
    argp_failure(state, EXIT_OURS, 0, "--report: \"%s\" is none of: text, json, none", text);
}

static error_t
run_option(int key, char *arg, struct argp_state *state)
{
    struct run_options *run = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &run->machine;
        return 0;
    case KEY_MMU:
        run->machine.config.mmu = arg;
        return 0;
    case KEY_REPORT:
        run_report(state, run, arg);
        return 0;
    case KEY_REPORT_FILE:
        run->report_file = arg;
        return 0;
    case KEY_MAPS:
        run->machine.config.maps = true;
        return 0;
    case KEY_CHECK:
        run->check = true;
        return 0;
    case KEY_WINDOW:
        run->machine.config.window = machine_number(state, "--window", arg);
        return 0;
    case ARGP_KEY_ARG:
        /* The first word that is no option is the program; all after it is the program's. */
        run->program = &state->argv[state->next - 1];
        state->next = state->argc;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_failure(state, EXIT_OURS, 0,
            "no program to run: write %s [options] PROGRAM [argument...]", state->name);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child run_children[] = {{&machine_argp, 0, NULL, 0}, {NULL, 0, NULL, 0}};

const struct argp run_argp = {
    .options = options,
    .children = run_children,
    .parser = run_option,
    .args_doc = "PROGRAM [ARG...]",
    .doc = "Runs a riscv64 Linux program on simulated RAM, and reports what its memory "
           "did.\v"
           "The exit status is the program's own; 128+N when signal N ended it; 125 when "
           "pagewright fails, 126 when the program cannot be run, 127 when it is not found.",
    .help_filter = machine_help,
};

void
run_options_init(struct run_options *run, const char *name)
{
    *run = (struct run_options){.name = name};
    pgw_config_init(&run->machine.config);
}
