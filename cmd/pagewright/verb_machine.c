/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine as a whole: machine, compact, check, run. */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "machine_spec.h"
#include "script_args.h"

/* What machine's options set. */
struct verb_machine_options {
    struct pgw_config config;
    unsigned given; /* a bit each */
    char swap_path[1024];
};

static void
verb_machine_ram(struct args *args, struct verb_machine_options *o, const char *text)
{
    if (script_number(text, &o->config.ram) != NUMBER)
        args_wrong(args, "ram is a size, such as 64K or 16p (pages), and not \"%.64s\"", text);
}

static void
verb_machine_mmu(struct args *args, struct verb_machine_options *o, const char *text)
{
    (void)args;
    o->config.mmu = text;
}

static void
verb_machine_policy(struct args *args, struct verb_machine_options *o, const char *text)
{
    (void)args;
    o->config.policy = text;
}

static void
verb_machine_tlb(struct args *args, struct verb_machine_options *o, const char *text)
{
    (void)args;
    o->config.tlb = text;
}

static void
verb_machine_swap(struct args *args, struct verb_machine_options *o, const char *text)
{
    char error[512] = "";

    if (!machine_spec_swap(
            text, &o->config, o->swap_path, sizeof o->swap_path, error, sizeof error))
        args_wrong(args, "swap: %s", error);
    else if (args->script->no_files &&
             (o->config.swap == PGW_SWAP_FILE ||
                 (o->config.swap == PGW_SWAP_STACK &&
                     (strstr(text, "file:") != NULL || strstr(text, "nbd:") != NULL))))
        args_wrong(args, "swap: this script may not name files");
}

static void
verb_machine_seed(struct args *args, struct verb_machine_options *o, const char *text)
{
    if (script_number(text, &o->config.seed) != NUMBER)
        args_wrong(args, "seed is a number, and not \"%.64s\"", text);
}

static void
verb_machine_cost(struct args *args, struct verb_machine_options *o, const char *text)
{
    if (!machine_spec_cost(text, &o->config.cost))
        args_wrong(args,
            "cost is any of " MACHINE_SPEC_COSTS
            ", each once with a time, such as ram=80ns,disk=4ms, and "
            "not \"%.64s\"",
            text);
}

static void
verb_machine_huge(struct args *args, struct verb_machine_options *o, const char *text)
{
    (void)args;
    o->config.huge = text;
}

static void
verb_machine_huge_alloc(struct args *args, struct verb_machine_options *o, const char *text)
{
    (void)args;
    o->config.huge_alloc = text;
}

static const struct {
    const char *name;
    void (*set)(struct args *args, struct verb_machine_options *options, const char *text);
} machine_options[] = {
    {"ram=", verb_machine_ram},
    {"mmu=", verb_machine_mmu},
    {"policy=", verb_machine_policy},
    {"swap=", verb_machine_swap},
    {"tlb=", verb_machine_tlb},
    {"seed=", verb_machine_seed},
    {"cost=", verb_machine_cost},
    {"huge=", verb_machine_huge},
    {"huge-alloc=", verb_machine_huge_alloc},
};

static void
verb_machine_option(struct args *args, struct verb_machine_options *options, const char *text)
{
    for (size_t i = 0; i < sizeof machine_options / sizeof machine_options[0]; i++) {
        size_t len = strlen(machine_options[i].name);
        if (strncmp(text, machine_options[i].name, len) == 0) {
            if ((options->given & 1u << i) != 0)
                args_wrong(args, "%.*s is there twice", (int)len - 1, text);
            options->given |= 1u << i;
            machine_options[i].set(args, options, text + len);
            return;
        }
    }
    args_wrong(args, "\"%.64s\" is none of its options", text);
}

enum script_result
verb_machine(struct args *args)
{
    struct verb_machine_options options = {.given = 0};
    struct script *script = args->script;
    const uint64_t most = script->limits.ram;
    char size[24];

    script_config(script, &options.config);
    while (args_more(args))
        verb_machine_option(args, &options, args_word(args, "an option"));
    if (!args->bad && (options.config.ram > most || options.config.swap_size > most))
        args_wrong(args, "a script's machine has at most %s of RAM and as much of swap",
            number_size(most, size));
    if (!args_done(args))
        return SCRIPT_MISTAKE;
    return script_machine(script, &options.config);
}

enum script_result
verb_compact(struct args *args)
{
    if (!args_done(args))
        return SCRIPT_MISTAKE;
    enum script_result result = script_need_system(args->script);
    if (result != SCRIPT_OK)
        return result;
    return script_refused(args->script, pgw_compact(args->script->system));
}

enum script_result
verb_check(struct args *args)
{
    struct script *script = args->script;

    if (!args_done(args))
        return SCRIPT_MISTAKE;
    if (script->system == NULL || pgw_system_check(script->system))
        return SCRIPT_OK;
    script->status = PGW_CORRUPT;
    (void)script_mistake(
        script, "the machine's structures do not agree with each other: this is a bug of ours");
    return SCRIPT_REFUSED;
}

/* The machine whose program a signal handler interrupts; the one thing that it cannot be handed. */
static struct pgw_system *volatile verb_run_system;

static void
verb_run_interrupt(int signo)
{
    pgw_interrupt(verb_run_system, signo);
}

/* Runs a program with the terminal's keys its own; a closed pipe and a file size limit are errors
 * of its writes. */
static enum pgw_status
verb_run_program(struct script *script, char **argv, int *wait_status)
{
    const struct sigaction to_program = {.sa_handler = verb_run_interrupt};
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction interrupt, pipe, size;

    fflush(script->out);
    verb_run_system = script->system;
    sigaction(SIGINT, &to_program, &interrupt);
    sigaction(SIGPIPE, &ignore, &pipe);
    sigaction(SIGXFSZ, &ignore, &size);
    enum pgw_status status = pgw_run(script->system, argv[0], argv, environ, wait_status);
    sigaction(SIGXFSZ, &size, NULL);
    sigaction(SIGPIPE, &pipe, NULL);
    sigaction(SIGINT, &interrupt, NULL);
    return status;
}

enum script_result
verb_run_value(struct args *args, struct verb_value *value)
{
    struct script *script = args->script;
    char path[4096], *argv[SCRIPT_WORDS_MAX + 1] = {NULL};
    size_t argc = 0;
    int ended = 0;

    const char *program = args_word(args, "the program");
    if (args->bad)
        return SCRIPT_MISTAKE;
    if (script->no_files)
        return script_mistake(script, "this script may not run programs");
    if (!script_path(script, program, path, sizeof path))
        return script_mistake(script, "the program's path is too long");
    argv[argc++] = path;
    while (args_more(args))
        argv[argc++] = (char *)(uintptr_t)args_word(args, "an argument");
    enum script_result result = script_need_system(script);
    if (result == SCRIPT_OK)
        result = script_refused(script, verb_run_program(script, argv, &ended));
    value->kind = VERB_NUMBER;
    value->number = (uint64_t)(WIFSIGNALED(ended) ? 128 + WTERMSIG(ended) : WEXITSTATUS(ended));
    return result;
}

enum script_result
verb_run(struct args *args)
{
    struct verb_value value;
    const char *program = args_more(args) ? args->word->text : "";
    enum script_result result = verb_run_value(args, &value);

    if (result == SCRIPT_OK)
        fprintf(
            args->script->out, "%s: exit status %llu\n", program, (unsigned long long)value.number);
    return result;
}
