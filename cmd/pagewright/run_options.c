/* SPDX-License-Identifier: BSD-2-Clause */
#include "run_options.h"

#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"

enum {
    KEY_RAM = 0x100,
    KEY_SWAP,
    KEY_MMU,
    KEY_POLICY,
    KEY_TLB,
    KEY_REPORT,
    KEY_REPORT_FILE,
    KEY_SEED,
    KEY_SLICE,
    KEY_STACK,
    KEY_WINDOW,
    KEY_COST
};

/* clang-format off */
static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "The machine:", 1},
    {"ram", KEY_RAM, "SIZE", 0, "physical memory, such as 512K, 64M, 2G (default 64M)", 0},
    {"swap", KEY_SWAP, "none|SIZE|FILE:SIZE", 0,
        "where pages go that do not fit in RAM; FILE is made if absent, and what it contains is "
        "lost (default: a temporary file of four times the RAM)", 0},
    {"mmu", KEY_MMU, "NAME", 0, "translation scheme (default sv39)", 0},
    {"policy", KEY_POLICY, "NAME", 0, "which page goes next (default clock)", 0},
    {"tlb", KEY_TLB, "SPEC", 0,
        "none, or l1=ENTRIES:WAYS,l2=ENTRIES:WAYS (default l1=64:4,l2=1536:12)", 0},
    {"seed", KEY_SEED, "N", 0, "of all that is random (default 1)", 0},
    {"slice", KEY_SLICE, "N", 0, "instructions of a time slice (default 100000)", 0},
    {"stack", KEY_STACK, "SIZE", 0, "how far a stack may grow (default 1G)", 0},
    {NULL, 0, NULL, 0, "The report:", 2},
    {"report", KEY_REPORT, "text|json|none", 0, "its form (default text)", 0},
    {"report-file", KEY_REPORT_FILE, "FILE", 0, "where it goes (default: standard error)", 0},
    {"window", KEY_WINDOW, "N", 0,
        "instructions of a working-set window, 0 for none (default 1000000)", 0},
    {"cost", KEY_COST, "NAME=TIME,...", 0,
        "the cost model, each of tlb, l2, ram, fault, disk in ns, us or ms "
        "(default tlb=0.5ns,l2=2.3ns,ram=100ns,fault=1us,disk=85us)", 0},
    {NULL, 0, NULL, 0, NULL, 0},
};
/* clang-format on */

static uint64_t
run_size(struct argp_state *state, const char *option, const char *text)
{
    uint64_t bytes = 0;
    enum pgw_status status = pgw_size_parse(text, &bytes);

    if (status == PGW_RANGE)
        argp_failure(state, EXIT_OURS, 0, "%s: %s is too large", option, text);
    if (status != PGW_OK)
        argp_failure(state, EXIT_OURS, 0,
            "%s: \"%s\" is not a size: write a number with K, M, G or T, such as 64M", option,
            text);
    return bytes;
}

static uint64_t
run_number(struct argp_state *state, const char *option, const char *text)
{
    char *end = NULL;

    errno = 0;
    unsigned long long n = strtoull(text, &end, 0);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0)
        argp_failure(state, EXIT_OURS, 0, "%s: \"%s\" is not a whole number between 0 and 2^64-1",
            option, text);
    return n;
}

static void
run_swap(struct argp_state *state, struct run_options *run, const char *text)
{
    const char *colon = strrchr(text, ':');
    uint64_t bytes = 0;

    if (strcmp(text, "none") == 0) {
        run->config.swap = PGW_SWAP_NONE;
        return;
    }
    if (colon == NULL && pgw_size_parse(text, &bytes) == PGW_INVAL)
        argp_failure(state, EXIT_OURS, 0,
            "--swap: \"%s\" is none of: none, a size such as 256M, FILE:SIZE", text);
    bytes = run_size(state, "--swap", colon != NULL ? colon + 1 : text);
    if (bytes < PGW_PAGE_SIZE)
        argp_failure(state, EXIT_OURS, 0,
            "--swap: %s is less than a page of 4K; for no swap, "
            "write none",
            text);
    run->config.swap_size = bytes;
    run->config.swap = PGW_SWAP_TEMP;
    if (colon == NULL)
        return;
    size_t len = (size_t)(colon - text);
    if (len == 0 || len >= sizeof run->swap_path)
        argp_failure(state, EXIT_OURS, 0, "--swap: the file name in \"%s\" is %s", text,
            len == 0 ? "missing" : "too long");
    memcpy(run->swap_path, text, len);
    run->swap_path[len] = '\0';
    run->config.swap = PGW_SWAP_FILE;
    run->config.swap_path = run->swap_path;
}

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

/* "85us" in nanoseconds, up to a comma or the end; moves *text past it.  Negative: not a time. */
static double
run_time(const char **text)
{
    static const struct {
        const char *name;
        double ns;
    } units[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"", 1}};
    char *end = NULL;

    if (**text < '0' || **text > '9')
        return -1;
    double n = strtod(*text, &end);
    size_t len = strcspn(end, ",");
    *text = end + len;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strlen(units[i].name) == len && strncmp(end, units[i].name, len) == 0)
            return n * units[i].ns;
    }
    return -1;
}

static void
run_cost(struct argp_state *state, struct pgw_cost *cost, const char *spec)
{
    const struct {
        const char *name;
        double *ns;
    } figures[] = {{"tlb=", &cost->tlb_ns}, {"l2=", &cost->l2_ns}, {"ram=", &cost->ram_ns},
        {"fault=", &cost->fault_ns}, {"disk=", &cost->disk_ns}};
    const char *text = spec;

    for (;;) {
        size_t i = 0;
        while (i < 5 && strncmp(text, figures[i].name, strlen(figures[i].name)) != 0)
            i++;
        double ns = -1;
        if (i < 5) {
            text += strlen(figures[i].name);
            ns = run_time(&text);
        }
        if (!(ns >= 0 && ns <= 1e18))
            argp_failure(state, EXIT_OURS, 0,
                "--cost: \"%s\" is not valid: write any of tlb, l2, ram, fault, disk, each with "
                "a time, such as ram=80ns,disk=4ms",
                spec);
        *figures[i].ns = ns;
        if (*text == '\0')
            return;
        text++;
    }
}

static error_t
run_option(int key, char *arg, struct argp_state *state)
{
    struct run_options *run = state->input;

    switch (key) {
    case KEY_RAM:
        run->config.ram = run_size(state, "--ram", arg);
        return 0;
    case KEY_SWAP:
        run_swap(state, run, arg);
        return 0;
    case KEY_MMU:
        run->config.mmu = arg;
        return 0;
    case KEY_POLICY:
        run->config.policy = arg;
        return 0;
    case KEY_TLB:
        run->config.tlb = arg;
        return 0;
    case KEY_REPORT:
        run_report(state, run, arg);
        return 0;
    case KEY_REPORT_FILE:
        run->report_file = arg;
        return 0;
    case KEY_SEED:
        run->config.seed = run_number(state, "--seed", arg);
        return 0;
    case KEY_SLICE:
        run->config.slice = run_number(state, "--slice", arg);
        return 0;
    case KEY_STACK:
        run->config.stack_max = run_size(state, "--stack", arg);
        return 0;
    case KEY_WINDOW:
        run->config.window = run_number(state, "--window", arg);
        return 0;
    case KEY_COST:
        run_cost(state, &run->config.cost, arg);
        return 0;
    case ARGP_KEY_ARG:
        /* The first word that is no option is the program; all after it is the program's. */
        run->program = &state->argv[state->next - 1];
        state->next = state->argc;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_failure(state, EXIT_OURS, 0,
            "no program to run: write pagewright run [options] PROGRAM [argument...]");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* The lists at the end of --help come from the library, so that they are never out of date. */
static char *
run_help(int key, const char *text, void *input)
{
    char *out = NULL;
    size_t len = 0;

    (void)input;
    if (key != ARGP_KEY_HELP_EXTRA)
        return (char *)(uintptr_t)text;
    FILE *help = open_memstream(&out, &len);
    if (help == NULL)
        return NULL;
    fprintf(help, "Translation schemes (--mmu):\n");
    for (unsigned i = 0; pgw_mmu_name(i) != NULL; i++)
        fprintf(help, "  %-10s %s\n", pgw_mmu_name(i), pgw_mmu_summary(i));
    fprintf(help, "\nPolicies (--policy):\n");
    for (unsigned i = 0; pgw_policy_name(i) != NULL; i++)
        fprintf(help, "  %-10s %s\n", pgw_policy_name(i), pgw_policy_summary(i));
    fprintf(help, "\nSwap (--swap):\n");
    for (unsigned i = 0; pgw_pager_name(i) != NULL; i++)
        fprintf(help, "  %-10s %s\n", pgw_pager_name(i), pgw_pager_summary(i));
    return fclose(help) == 0 ? out : NULL;
}

void
run_options_parse(int argc, char **argv, struct run_options *run)
{
    const struct argp argp = {
        .options = options,
        .parser = run_option,
        .args_doc = "PROGRAM [ARG...]",
        .doc = "Runs a riscv64 Linux program on simulated RAM, and reports what its memory "
               "did.\v"
               "The exit status is the program's own; 128+N when signal N ended it; 125 when "
               "pagewright fails, 126 when the program cannot be run, 127 when it is not found.",
        .help_filter = run_help,
    };

    *run = (struct run_options){0};
    pgw_config_init(&run->config);
    argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, run);
}
