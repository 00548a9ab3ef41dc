/* SPDX-License-Identifier: BSD-2-Clause */
#include "machine_options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"

enum { KEY_RAM = 0x200, KEY_SWAP, KEY_POLICY, KEY_TLB, KEY_SEED, KEY_SLICE, KEY_STACK, KEY_COST };

/* clang-format off */
static const struct argp_option options[] = {
    {"ram", KEY_RAM, "SIZE", 0, "physical memory, such as 512K, 64M, 2G (default 64M)", 0},
    {"swap", KEY_SWAP, "none|SIZE|FILE:SIZE", 0,
        "where pages go that do not fit in RAM; FILE is made if absent, and what it contains is "
        "lost (default: a temporary file of four times the RAM)", 0},
    {"policy", KEY_POLICY, "NAME", 0, "which page goes next (default clock)", 0},
    {"tlb", KEY_TLB, "SPEC", 0,
        "none, a preset (listed by pagewright mmus --tlbs), or items such as "
        "l1=ENTRIES:WAYS,l2=ENTRIES:WAYS,pwc=N/N,replace=fifo,asid=off: see pagewright(1) "
        "(default l1=64:4,l2=1536:12)", 0},
    {"seed", KEY_SEED, "N", 0, "of all that is random (default 1)", 0},
    {"slice", KEY_SLICE, "N", 0, "instructions of a time slice (default 100000)", 0},
    {"stack", KEY_STACK, "SIZE", 0, "how far a stack may grow (default 1G)", 0},
    {"cost", KEY_COST, "NAME=TIME,...", 0,
        "the cost model, each of tlb, l2, ram, fault, disk, refill, switch, register, move in ns, "
        "us or ms (default: 0.5ns, 2.3ns, 100ns, 1us, 85us, 6.7ns, 3.8us, 33ns and 2us)", 0},
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
            "%s: \"%s\" is not a size: write a number with K, M, G or T, such as 64M", option,
            text);
    return bytes;
}

uint64_t
machine_number(struct argp_state *state, const char *option, const char *text)
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
machine_swap(struct argp_state *state, struct machine_options *machine, const char *text)
{
    const char *colon = strrchr(text, ':');
    uint64_t bytes = 0;

    if (strcmp(text, "none") == 0) {
        machine->config.swap = PGW_SWAP_NONE;
        return;
    }
    if (colon == NULL && pgw_size_parse(text, &bytes) == PGW_INVAL)
        argp_failure(state, EXIT_OURS, 0,
            "--swap: \"%s\" is none of: none, a size such as 256M, FILE:SIZE", text);
    bytes = machine_size(state, "--swap", colon != NULL ? colon + 1 : text);
    if (bytes < PGW_PAGE_SIZE)
        argp_failure(state, EXIT_OURS, 0,
            "--swap: %s is less than a page of 4K; for no swap, write none", text);
    machine->config.swap_size = bytes;
    machine->config.swap = PGW_SWAP_TEMP;
    if (colon == NULL)
        return;
    size_t len = (size_t)(colon - text);
    if (len == 0 || len >= sizeof machine->swap_path)
        argp_failure(state, EXIT_OURS, 0, "--swap: the file name in \"%s\" is %s", text,
            len == 0 ? "missing" : "too long");
    memcpy(machine->swap_path, text, len);
    machine->swap_path[len] = '\0';
    machine->config.swap = PGW_SWAP_FILE;
    machine->config.swap_path = machine->swap_path;
}

/* "85us" in nanoseconds, up to a comma or the end; moves *text past it.  Negative: not a time. */
static double
machine_time(const char **text)
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
machine_cost(struct argp_state *state, struct pgw_cost *cost, const char *spec)
{
    const struct {
        const char *name;
        double *ns;
    } figures[] = {{"tlb=", &cost->tlb_ns}, {"l2=", &cost->l2_ns}, {"ram=", &cost->ram_ns},
        {"fault=", &cost->fault_ns}, {"disk=", &cost->disk_ns}, {"refill=", &cost->refill_ns},
        {"switch=", &cost->switch_ns}, {"register=", &cost->register_ns},
        {"move=", &cost->move_ns}};
    const size_t count = sizeof figures / sizeof figures[0];
    const char *text = spec;

    for (;;) {
        size_t i = 0;
        while (i < count && strncmp(text, figures[i].name, strlen(figures[i].name)) != 0)
            i++;
        double ns = -1;
        if (i < count) {
            text += strlen(figures[i].name);
            ns = machine_time(&text);
        }
        if (!(ns >= 0 && ns <= 1e18))
            argp_failure(state, EXIT_OURS, 0,
                "--cost: \"%s\" is not valid: write any of tlb, l2, ram, fault, disk, refill, "
                "switch, register, move, each with a time, such as ram=80ns,disk=4ms",
                spec);
        *figures[i].ns = ns;
        if (*text == '\0')
            return;
        text++;
    }
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
    case KEY_STACK:
        machine->config.stack_max = machine_size(state, "--stack", arg);
        return 0;
    case KEY_COST:
        machine_cost(state, &machine->config.cost, arg);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp machine_argp = {.options = options, .parser = machine_option};

/* The lists come from the library, so that they are never out of date. */
char *
machine_help(int key, const char *text, void *input)
{
    char *out = NULL;
    size_t len = 0;

    (void)input;
    if (key != ARGP_KEY_HELP_EXTRA)
        return (char *)(uintptr_t)text;
    FILE *help = open_memstream(&out, &len);
    if (help == NULL)
        return NULL;
    fprintf(help, "Translation schemes (--mmu NAME, or NAME:OPTION,...):\n");
    for (unsigned i = 0; pgw_mmu_name(i) != NULL; i++) {
        fprintf(help, "  %-12s %s\n", pgw_mmu_name(i), pgw_mmu_summary(i));
        if (pgw_mmu_options(i)[0] != '\0')
            fprintf(help, "  %-12s options: %s\n", "", pgw_mmu_options(i));
    }
    fprintf(help, "\nTLBs (--tlb):\n");
    for (unsigned i = 0; pgw_tlb_preset_name(i) != NULL; i++)
        fprintf(help, "  %-12s %s\n", pgw_tlb_preset_name(i), pgw_tlb_preset_summary(i));
    fprintf(help, "\nPolicies (--policy):\n");
    for (unsigned i = 0; pgw_policy_name(i) != NULL; i++)
        fprintf(help, "  %-12s %s\n", pgw_policy_name(i), pgw_policy_summary(i));
    fprintf(help, "\nSwap (--swap):\n");
    for (unsigned i = 0; pgw_pager_name(i) != NULL; i++)
        fprintf(help, "  %-12s %s\n", pgw_pager_name(i), pgw_pager_summary(i));
    return fclose(help) == 0 ? out : NULL;
}
