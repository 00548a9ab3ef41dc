/* SPDX-License-Identifier: BSD-2-Clause */
/* pagewright: picks the subcommand. */
#include <argp.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pagewright/pagewright.h>

#include "commands.h"
#include "script_lex.h"

/* full is what messages and --help call the command. */
static const struct {
    const char *name, *full;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"run", "pagewright run", command_run},
    {"record", "pagewright record", command_record},
    {"compare", "pagewright compare", command_compare},
    {"mmus", "pagewright mmus", command_mmus},
    {"replay", "pagewright replay", command_replay},
    {"translate", "pagewright translate", command_translate},
    {"trace", "pagewright trace", command_trace},
    {"mrc", "pagewright mrc", command_mrc},
    {"wss", "pagewright wss", command_wss},
    {"shell", "pagewright shell", command_shell},
    {"script", "pagewright script", command_script},
};

struct chosen {
    int (*run)(int argc, char **argv);
    int argc;
    char **argv;
};

static void
main_choose(struct argp_state *state, const char *name, struct chosen *chosen)
{
    struct script_nearest nearest;

    script_nearest_init(&nearest, name);
    script_nearest_try(&nearest, "--help");
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        script_nearest_try(&nearest, commands[i].name);
        if (strcmp(name, commands[i].name) != 0)
            continue;
        chosen->run = commands[i].run;
        chosen->argc = state->argc - state->next + 1;
        chosen->argv = &state->argv[state->next - 1];
        chosen->argv[0] = (char *)(uintptr_t)commands[i].full;
        state->next = state->argc;
        return;
    }
    if (nearest.best != NULL)
        argp_failure(state, EXIT_OURS, 0, "there is no command \"%s\": did you mean \"%s\"?", name,
            nearest.best);
    argp_failure(state, EXIT_OURS, 0,
        "there is no command \"%s\": to run a program, write pagewright run PROGRAM; --help lists "
        "the others",
        name);
}

static error_t
main_option(int key, char *arg, struct argp_state *state)
{
    switch (key) {
    case ARGP_KEY_ARG:
        main_choose(state, arg, state->input);
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_failure(state, EXIT_OURS, 0,
            "no command: to run a program, write pagewright run PROGRAM; for more, --help");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void
main_version(FILE *out, struct argp_state *state)
{
    (void)state;
    fprintf(out, "pagewright %s\n", pgw_version());
}

/* A descriptor that we were started without would go to the next file opened, such as swap, and
 * messages and the program's output would be written there. */
static void
main_fill_descriptors(void)
{
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", O_RDWR) == -1)
            exit(EXIT_OURS);
    }
}

/* --help and --version end in the parser, which does not ask whether they could be written. */
static void
main_written(int status, void *unused)
{
    (void)unused;
    if (status != 0 || (fflush(stdout) == 0 && ferror(stdout) == 0))
        return;
    fprintf(stderr, "pagewright: cannot write to standard output\n");
    _exit(EXIT_OURS);
}

int
main(int argc, char **argv)
{
    const struct argp argp = {
        .parser = main_option,
        .args_doc = "COMMAND [ARGUMENT...]",
        .doc = "Virtual memory in user space: runs programs on as much RAM as you give them, and "
               "shows what their memory did.\v"
               "Commands:\n"
               "  run        run a riscv64 Linux program (pagewright run --help)\n"
               "  record     run one, and write all its references to memory to a file\n"
               "  compare    run one on every translation scheme, for one table\n"
               "  mmus       the translation schemes, and what each can do\n"
               "  replay     a trace's references through replacement policies\n"
               "  translate  one address through one of them, step by step\n"
               "  trace      look into traces, convert, cut, sample, merge, reduce them\n"
               "  mrc        how often a trace misses, by how much RAM there is\n"
               "  wss        which memory a trace uses, when and where\n"
               "  shell      build a machine and drive it step by step\n"
               "  script     do what a script says, step by step\n",
    };
    struct chosen chosen = {0};

    main_fill_descriptors();
    (void)on_exit(main_written, NULL);
    argp_err_exit_status = EXIT_OURS;
    argp_program_version_hook = main_version;
    argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &chosen);
    return chosen.run(chosen.argc, chosen.argv);
}
