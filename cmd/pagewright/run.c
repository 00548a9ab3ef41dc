/* SPDX-License-Identifier: BSD-2-Clause */
/* pagewright run: a program on a machine of our own. */
#include "commands.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run_options.h"

/* Whom a signal handler tells; the one thing that it cannot be handed. */
static struct pgw_system *volatile run_system;

/*
 * The first interrupt is the program's, as a terminal would send it to both of us: it ends (or
 * handles it), and the report is still written.  The second one is ours.
 */
static void
run_interrupt(int signo)
{
    pgw_interrupt(run_system, signo);
}

static void
run_catch(struct pgw_system *system)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    struct sigaction old, action = {.sa_handler = run_interrupt, .sa_flags = (int)SA_RESETHAND};

    run_system = system;
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        /* Who started us with a signal ignored (nohup) wants it ignored. */
        if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            (void)sigaction(signals[i], &action, NULL);
    }
    /* A closed pipe and a file size limit are errors of the program's writes, which it hears of
     * itself. */
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN);
}

static void
run_message(void *ctx, const char *text)
{
    (void)ctx;
    fprintf(stderr, "pagewright: %s\n", text);
}

/* Opened before the program runs: a long run must not end with nowhere to report to. */
static FILE *
run_open_report(const struct run_options *options)
{
    if (options->report == RUN_REPORT_NONE || options->report_file == NULL)
        return stderr;
    FILE *out = fopen(options->report_file, "we");
    if (out == NULL)
        fprintf(stderr, "%s: cannot write the report to %s: %s\n", options->name,
            options->report_file, strerror(errno));
    return out;
}

static int
run_exit_code(enum pgw_status status)
{
    if (status == PGW_NOTFOUND)
        return EXIT_NOT_FOUND;
    return status == PGW_NOEXEC || status == PGW_ACCESS ? EXIT_CANNOT_RUN : EXIT_OURS;
}

static int
run_write_report(
    struct pgw_system *system, const struct run_options *options, FILE *out, int exit_code)
{
    enum pgw_status status = PGW_OK;

    if (options->report == RUN_REPORT_TEXT)
        status = pgw_report_text(system, out);
    else if (options->report == RUN_REPORT_JSON)
        status = pgw_report_json(system, out);
    if (out != stderr && fclose(out) != 0)
        status = PGW_IO;
    if (status == PGW_OK)
        return exit_code;
    fprintf(stderr, "%s: cannot write the report to %s: %s\n", options->name,
        options->report_file != NULL ? options->report_file : "standard error",
        pgw_status_text(status));
    return exit_code != 0 ? exit_code : EXIT_OURS;
}

/* True if the machine is sound, and nothing of the program is left in it. */
static bool
run_check(struct pgw_system *system, const char *name)
{
    struct pgw_stats stats = {.size = sizeof stats};

    if (!pgw_system_check(system)) {
        fprintf(stderr,
            "%s: the machine's structures do not agree with each other: this is a bug of ours\n",
            name);
        return false;
    }
    if (pgw_system_stats(system, &stats) == PGW_OK &&
        stats.spaces + stats.regions + stats.anons == 0)
        return true;
    fprintf(stderr,
        "%s: the program has ended, but %llu spaces, %llu regions and %llu pages of its memory are "
        "left: this is a bug of ours\n",
        name, (unsigned long long)stats.spaces, (unsigned long long)stats.regions,
        (unsigned long long)stats.anons);
    return false;
}

static int
run_program(struct pgw_system *system, const struct run_options *options, FILE *out)
{
    int ended = 0;

    run_catch(system);
    enum pgw_status status =
        pgw_run(system, options->program[0], options->program, environ, &ended);
    if (status != PGW_OK) {
        fprintf(stderr, "%s: %s\n", options->name, pgw_error_text(system));
        return run_exit_code(status);
    }
    if (options->check && !run_check(system, options->name))
        return EXIT_OURS;
    int exit_code = WIFSIGNALED(ended) ? 128 + WTERMSIG(ended) : WEXITSTATUS(ended);
    return run_write_report(system, options, out, exit_code);
}

int
run_machine(struct run_options *options)
{
    struct pgw_system *system = NULL;
    char error[512] = "";

    options->machine.config.message = run_message;
    options->machine.config.error = error;
    options->machine.config.error_len = sizeof error;
    FILE *out = run_open_report(options);
    if (out == NULL)
        return EXIT_OURS;
    if (pgw_system_create(&options->machine.config, &system) != PGW_OK) {
        fprintf(stderr, "%s: %s\n", options->name, error);
        return EXIT_OURS;
    }
    int exit_code = EXIT_OURS;
    if (options->prepare == NULL || options->prepare(system, options))
        exit_code = run_program(system, options, out);
    /* From here on a signal ends us, and nobody is left to be told. */
    for (int signo = 1; signo <= SIGTERM; signo++) {
        if (signo == SIGINT || signo == SIGTERM || signo == SIGHUP || signo == SIGQUIT)
            (void)signal(signo, SIG_DFL);
    }
    pgw_system_destroy(system);
    return exit_code;
}

int
command_run(int argc, char **argv)
{
    struct run_options options;

    run_options_init(&options, "pagewright run");
    argp_parse(&run_argp, argc, argv, ARGP_IN_ORDER, NULL, &options);
    return run_machine(&options);
}
