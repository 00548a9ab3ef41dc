/* SPDX-License-Identifier: BSD-2-Clause */
/* pagewright script: lines of the language from files. */
#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "script.h"

enum { KEY_NO_FILES = 0x100 };

struct script_options {
    bool echo, no_files;
    char **files;
    int nfiles;
};

/* clang-format off */
static const struct argp_option options[] = {
    {"echo", 'e', NULL, 0, "print each line before it is done", 0},
    {"no-files", KEY_NO_FILES, NULL, 0,
        "refuse lines that open files or run programs, for scripts of others", 0},
    {NULL, 0, NULL, 0, NULL, 0},
};
/* clang-format on */

static error_t
script_option(int key, char *arg, struct argp_state *state)
{
    struct script_options *chosen = state->input;

    (void)arg;
    switch (key) {
    case 'e':
        chosen->echo = true;
        return 0;
    case KEY_NO_FILES:
        chosen->no_files = true;
        return 0;
    case ARGP_KEY_ARGS:
        chosen->files = state->argv + state->next;
        chosen->nfiles = state->argc - state->next;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_failure(state, EXIT_OURS, 0,
            "no script: write pagewright script FILE, or - for standard input");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* What could not be printed is a failure of ours, whatever the script says. */
static int
script_flush(int code)
{
    if (fflush(stdout) == 0 && ferror(stdout) == 0)
        return code;
    fprintf(stderr, "pagewright script: cannot write to standard output: %s\n", strerror(errno));
    return EXIT_OURS;
}

/* One script, on a machine of its own. */
static int
script_run_file(const struct script_options *chosen, const char *path)
{
    struct script script;
    bool opened = true;

    script_init(&script, stdout, stderr);
    script.echo = chosen->echo;
    script.no_files = chosen->no_files;
    if (strcmp(path, "-") == 0)
        (void)script_stream(&script, stdin, path = "standard input", false);
    else
        (void)script_file(&script, path, false, &opened);
    int code = opened ? script_exit_code(&script) : EXIT_OURS;
    if (!opened)
        fprintf(stderr, "pagewright script: %s\n", script.message);
    if (code == 1)
        fprintf(stderr, "%s: %u of %u expectations are not met\n", path, script.unmet,
            script.expectations);
    script_fini(&script);
    return code;
}

int
command_script(int argc, char **argv)
{
    const struct argp argp = {
        .options = options,
        .parser = script_option,
        .args_doc = "FILE...",
        .doc = "Does what a script says, a line at a time, on a machine that it builds: see "
               "pagewright-shell(1), or help in pagewright shell.\v"
               "Each script gets a machine of its own.  FILE may be -, for standard input.  The "
               "exit status is 0, 1 when an expectation of a script is not met, and 125 when a "
               "line of it is wrong or cannot be done.",
    };
    struct script_options chosen = {.echo = false};
    int code = 0;

    argp_parse(&argp, argc, argv, 0, NULL, &chosen);
    for (int i = 0; i < chosen.nfiles; i++) {
        int one = script_run_file(&chosen, chosen.files[i]);
        code = one > code ? one : code;
    }
    return script_flush(code);
}
