/* SPDX-License-Identifier: BSD-2-Clause */
#include "machine_options.h"

#include <stdlib.h>
#include <inttypes.h>
#include <string.h>

#include "commands.h"
#include "machine_spec.h"
#include "number.h"

#define HARTS_MAX 16u

enum {
    KEY_RAM = 0x200,
    KEY_SWAP,
    KEY_POLICY,
    KEY_TLB,
    KEY_SEED,
    KEY_SLICE,
    KEY_STACK,
    KEY_COST,
    KEY_OVERCOMMIT,
    KEY_ASLR,
    KEY_SYSROOT,
    KEY_READAHEAD,
    KEY_AROUND,
    KEY_GROUP,
    KEY_PROACTIVE,
    KEY_MERGE,
    KEY_MERGE_RATE,
    KEY_HUGE,
    KEY_HUGE_ALLOC,
    KEY_HARTS
};

/* clang-format off */
static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "The machine:", 3},
    {"ram", KEY_RAM, "SIZE", 0, "physical memory, such as 512K, 64M, 2G or 100p, pages (default 64M)", 0},
    {"swap", KEY_SWAP, "none|SIZE|FILE:SIZE|STACK", 0,
        "where pages go that do not fit in RAM; FILE is made if absent, and what it contains is "
        "lost; STACK: zpool:25%,SIZE is a compressed pool in RAM before that, SIZE,file:FILE:SIZE,nbd:URI are devices one after the other (default: a temporary file of four times the RAM)", 0},
    {"policy", KEY_POLICY, "NAME", 0, "which page goes next, NAME or NAME:KEY=VALUE:... (default clock)", 0},
    {"tlb", KEY_TLB, "SPEC", 0,
        "none, a preset (listed by pagewright mmus --tlbs), or items such as "
        "l1=ENTRIES:WAYS,l2=ENTRIES:WAYS,pwc=N/N,replace=fifo,asid=off: see pagewright(1) "
        "(default l1=64:4,l2=1536:12:4k+2m)", 0},
    {"seed", KEY_SEED, "N", 0, "of all that is random (default 1)", 0},
    {"slice", KEY_SLICE, "N", 0, "instructions of a time slice (default 100000)", 0},
    {"harts", KEY_HARTS, "N", 0,
        "harts that run the program's threads and processes, each with TLBs of its own, 1 to 16 "
        "(default 1)", 0},
    {"stack", KEY_STACK, "SIZE", 0, "how far a stack may grow (default 1G)", 0},
    {"overcommit", KEY_OVERCOMMIT, "heuristic|always|never[:RATIO]", 0,
        "how much memory may be promised; never: swap and RATIO percent (50) of RAM, and what was "
        "promised is there (default heuristic)", 0},
    {"aslr", KEY_ASLR, "on|off", 0,
        "place programs, heaps, mappings and stacks at random, by seed (default off)", 0},
    {"sysroot", KEY_SYSROOT, "DIR", 0,
        "where the libraries of dynamically linked programs are: absolute paths are looked up "
        "below it first (default: /usr/riscv64-linux-gnu, for programs that need it)", 0},
    {"readahead", KEY_READAHEAD, "PAGES", 0,
        "most pages to read beyond one that must be read, 0 to 31 (default 15)", 0},
    {"group", KEY_GROUP, "NAME=SIZE[:PROGRAMS]", 0,
        "a group of processes that may have SIZE of RAM: those whose program's name matches the "
        "pattern PROGRAMS, else the first program, each with its children; may be repeated", 0},
    {"proactive", KEY_PROACTIVE, "PERCENT", 0,
        "take memory away little by little, as long as the program loses less than PERCENT of its "
        "time by it, and report how much it needed (default 0: do not)", 0},
    {"fault-around", KEY_AROUND, "PAGES", 0,
        "most pages of a file that one fault maps, of those in RAM, 1 to 64 (default 16)", 0},
    {"merge", KEY_MERGE, "off|madvise|all", 0,
        "which equal pages of processes are kept once (default madvise: where programs say "
        "MADV_MERGEABLE)", 0},
    {"merge-rate", KEY_MERGE_RATE, "N", 0,
        "pages looked at for that in a million instructions (default 20)", 0},
    {"huge", KEY_HUGE, "off|madvise|always", 0,
        "which memory gets huge pages: none, where the program asks for them with madvise(2) "
        "(default), all that is private and anonymous", 0},
    {"huge-alloc", KEY_HUGE_ALLOC, "auto|direct|reserve", 0,
        "how a huge page comes: direct, whole with the first fault; reserve, page by page in a run "
        "of frames that is reserved for it; auto (default), direct where the program asked for it", 0},
    {"cost", KEY_COST, "NAME=TIME,...", 0,
        "the cost model, each of " MACHINE_SPEC_COSTS " in ns, us, ms or s (default: 0.5ns, "
        "2.3ns, 100ns, 1us, 85us, 6.7ns, 3.8us, 33ns, 2us, 2us, 48us, 9.7us, 12us and 2.5us)", 0},
    {NULL, 0, NULL, 0, NULL, 0},
};
/* clang-format on */

uint64_t
machine_size(struct argp_state *state, const char *option, const char *text)
{
    uint64_t bytes = 0;
    enum pgw_status status = pgw_size_parse(text, &bytes);

    if (status == PGW_RANGE)
        argp_failure(state, EXIT_OURS, 0, "%s: %s is too large", option, text);
    if (status != PGW_OK)
        argp_failure(state, EXIT_OURS, 0,
            "%s: \"%s\" is not a size: write a number with K, M, G or T, such as 64M, or of pages, "
            "such as 100p",
            option, text);
    return bytes;
}

uint64_t
machine_number(struct argp_state *state, const char *option, const char *text)
{
    uint64_t n = 0;

    if (number_read(text, &n) != NUMBER)
        argp_failure(state, EXIT_OURS, 0, "%s: \"%s\" is not a whole number between 0 and 2^64-1",
            option, text);
    return n;
}

static bool
machine_on(struct argp_state *state, const char *option, const char *text)
{
    bool on = strcmp(text, "on") == 0;

    if (!on && strcmp(text, "off") != 0)
        argp_failure(state, EXIT_OURS, 0, "%s: \"%s\" is not valid: write on or off", option, text);
    return on;
}

static unsigned
machine_pages(struct argp_state *state, const char *option, const char *text, unsigned most)
{
    uint64_t n = machine_number(state, option, text);

    if (n > most)
        argp_failure(
            state, EXIT_OURS, 0, "%s: %s pages are too many: %u is the most", option, text, most);
    return (unsigned)n;
}

/* NAME=SIZE[:PROGRAMS] */
static void
machine_group(struct argp_state *state, struct machine_options *machine, const char *text)
{
    size_t n = machine->config.ngroups;

    if (n == MACHINE_GROUPS_MAX)
        argp_failure(state, EXIT_OURS, 0, "--group: 63 groups are the most");
    char *name = machine->group_names[n];
    char *size = strchr(text, '=') != NULL && strlen(text) < sizeof machine->group_names[n]
                     ? strchr(strcpy(name, text), '=')
                     : NULL;
    if (size == NULL)
        argp_failure(state, EXIT_OURS, 0,
            "--group: \"%s\" is not valid: write NAME=SIZE or NAME=SIZE:PROGRAMS, such as "
            "small=8M:sort*",
            text);
    *size++ = '\0';
    char *programs = strchr(size, ':');
    if (programs != NULL)
        *programs++ = '\0';
    machine->groups[n] = (struct pgw_group_config){
        .name = name, .limit = machine_size(state, "--group", size), .programs = programs};
    machine->config.groups = machine->groups;
    machine->config.ngroups = n + 1;
}

static void
machine_swap(struct argp_state *state, struct machine_options *machine, const char *text)
{
    char error[512] = "";

    if (!machine_spec_swap(text, &machine->config, machine->swap_path, sizeof machine->swap_path,
            error, sizeof error))
        argp_failure(state, EXIT_OURS, 0, "--swap: %s", error);
}

void
machine_cost(struct argp_state *state, struct pgw_cost *cost, const char *text)
{
    if (!machine_spec_cost(text, cost))
        argp_failure(state, EXIT_OURS, 0,
            "--cost: \"%s\" is not valid: write any of " MACHINE_SPEC_COSTS
            ", each once with a time, such as ram=80ns,disk=4ms",
            text);
}

static void
machine_overcommit(struct argp_state *state, struct pgw_config *config, const char *text)
{
    if (!machine_spec_overcommit(text, config))
        argp_failure(state, EXIT_OURS, 0,
            "--overcommit: \"%s\" is not valid: write heuristic, always, never, or never:RATIO "
            "with a "
            "percentage of RAM, such as never:80",
            text);
}

static void
machine_merge(struct argp_state *state, struct pgw_config *config, const char *text)
{
    if (!machine_spec_merge(text, config))
        argp_failure(
            state, EXIT_OURS, 0, "--merge: \"%s\" is not valid: write off, madvise or all", text);
}

static void
machine_harts(struct argp_state *state, struct machine_options *machine, const char *text)
{
    uint64_t n = machine_number(state, "--harts", text);

    if (n < 1 || n > HARTS_MAX)
        argp_failure(
            state, EXIT_OURS, 0, "--harts: a machine has 1 to %u harts, not %s", HARTS_MAX, text);
    machine->config.harts = (unsigned)n;
}

static error_t
machine_option(int key, char *arg, struct argp_state *state)
{
    struct machine_options *machine = state->input;

    switch (key) {
    case KEY_RAM:
        machine->config.ram = machine_size(state, "--ram", arg);
        return 0;
    case KEY_SWAP:
        machine_swap(state, machine, arg);
        return 0;
    case KEY_POLICY:
        machine->config.policy = arg;
        return 0;
    case KEY_TLB:
        machine->config.tlb = arg;
        return 0;
    case KEY_SEED:
        machine->config.seed = machine_number(state, "--seed", arg);
        return 0;
    case KEY_SLICE:
        machine->config.slice = machine_number(state, "--slice", arg);
        return 0;
    case KEY_HARTS:
        machine_harts(state, machine, arg);
        return 0;
    case KEY_STACK:
        machine->config.stack_max = machine_size(state, "--stack", arg);
        return 0;
    case KEY_OVERCOMMIT:
        machine_overcommit(state, &machine->config, arg);
        return 0;
    case KEY_ASLR:
        machine->config.aslr = machine_on(state, "--aslr", arg);
        return 0;
    case KEY_SYSROOT:
        machine->config.sysroot = arg;
        return 0;
    case KEY_READAHEAD:
        machine->config.readahead = machine_pages(state, "--readahead", arg, 31);
        return 0;
    case KEY_PROACTIVE:
        machine->config.proactive = (unsigned)machine_number(state, "--proactive", arg);
        if (machine->config.proactive > 100)
            argp_failure(
                state, EXIT_OURS, 0, "--proactive: %s%% is more than all of the time", arg);
        return 0;
    case KEY_GROUP:
        machine_group(state, machine, arg);
        return 0;
    case KEY_AROUND:
        machine->config.fault_around = machine_pages(state, "--fault-around", arg, 64);
        if (machine->config.fault_around == 0)
            argp_failure(
                state, EXIT_OURS, 0, "--fault-around: a fault maps 1 page at the least, its own");
        return 0;
    case KEY_MERGE:
        machine_merge(state, &machine->config, arg);
        return 0;
    case KEY_MERGE_RATE:
        machine->config.merge_rate = machine_number(state, "--merge-rate", arg);
        return 0;
    case KEY_HUGE:
        machine->config.huge = arg;
        return 0;
    case KEY_HUGE_ALLOC:
        machine->config.huge_alloc = arg;
        return 0;
    case KEY_COST:
        machine_cost(state, &machine->config.cost, arg);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp machine_argp = {.options = options, .parser = machine_option};

/* A name and what it is, in lines that argp's own margin (column 79) does not break again. */
static void
machine_help_item(FILE *help, const char *name, const char *text)
{
    const int margin = 78, indent = 15;
    int column = fprintf(help, "  %-12s", name);

    while (*text != '\0') {
        int len = (int)strcspn(text, " ");
        if (column + 1 + len > margin && column > indent)
            column = fprintf(help, "\n%*s", indent - 1, "") - 1;
        column += fprintf(help, " %.*s", len, text);
        text += len;
        text += *text == ' ';
    }
    (void)fputc('\n', help);
}

static void
machine_help_list(FILE *help, const char *title, const char *(*name)(unsigned i),
    const char *(*summary)(unsigned i))
{
    fprintf(help, "\n%s:\n", title);
    for (unsigned i = 0; name(i) != NULL; i++)
        machine_help_item(help, name(i), summary(i));
}

/* "bits=1..8 (1): ..." */
static void
machine_help_params(FILE *help, unsigned policy)
{
    struct pgw_policy_param param = {.size = sizeof param};
    char line[256];

    for (unsigned j = 0; pgw_policy_param(policy, j, &param); j++) {
        (void)snprintf(line, sizeof line, "%s=%" PRIu64 "..%" PRIu64 " (%" PRIu64 "): %s",
            param.name, param.least, param.most, param.usual, param.summary);
        machine_help_item(help, "", line);
    }
}

/* The lists come from the library, so that they are never out of date. */
char *
machine_help(int key, const char *text, void *input)
{
    char *out = NULL, line[256];
    size_t len = 0;

    (void)input;
    if (key != ARGP_KEY_HELP_EXTRA)
        return (char *)(uintptr_t)text;
    FILE *help = open_memstream(&out, &len);
    if (help == NULL)
        return NULL;
    fprintf(help, "Translation schemes (--mmu NAME, or NAME:OPTION,...):\n");
    for (unsigned i = 0; pgw_mmu_name(i) != NULL; i++) {
        machine_help_item(help, pgw_mmu_name(i), pgw_mmu_summary(i));
        if (pgw_mmu_options(i)[0] == '\0')
            continue;
        (void)snprintf(line, sizeof line, "options: %s", pgw_mmu_options(i));
        machine_help_item(help, "", line);
    }
    machine_help_list(help, "TLBs (--tlb)", pgw_tlb_preset_name, pgw_tlb_preset_summary);
    fprintf(help, "\nPolicies (--policy NAME, or NAME:KEY=VALUE:...):\n");
    for (unsigned i = 0; pgw_policy_name(i) != NULL; i++) {
        machine_help_item(help, pgw_policy_name(i), pgw_policy_summary(i));
        machine_help_params(help, i);
    }
    machine_help_list(help, "Swap (--swap)", pgw_pager_name, pgw_pager_summary);
    return fclose(help) == 0 ? out : NULL;
}
