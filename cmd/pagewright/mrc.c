/* SPDX-License-Identifier: BSD-2-Clause */
/* pagewright mrc: how many references miss, by how much RAM there is. */
#include "commands.h"

#include <argp.h>
#include <stdlib.h>
#include <string.h>

#include "machine_options.h"
#include "mrc_out.h"
#include "number.h"

enum {
    KEY_SAMPLE = 0x100,
    KEY_SAMPLE_PAGES,
    KEY_ERROR,
    KEY_POLICY,
    KEY_POLICY_SAMPLE,
    KEY_SIZES,
    KEY_SEED,
    KEY_COST
};

struct mrc_options {
    struct measure measure;
    struct pgw_curves_options curves;
    struct pgw_cost cost;
    bool error;
};

/* clang-format off */
static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "Curves:", 1},
    {"sample", KEY_SAMPLE, "R", 0,
        "LRU's curve from this part of the pages, such as 0.01, instead of all", 0},
    {"sample-pages", KEY_SAMPLE_PAGES, "N", 0,
        "LRU's curve from a sample that never has more than N pages", 0},
    {"error", KEY_ERROR, NULL, 0,
        "measure the exact curve, too, and how much the sampled one differs", 0},
    {"policy", KEY_POLICY, "NAME[,NAME...]", 0,
        "curves of other policies, and of opt, besides", 0},
    {"policy-sample", KEY_POLICY_SAMPLE, "R", 0,
        "run policies on this part of the pages, in so much less RAM (default: on all pages up to "
        "65,536, on about so many of more)", 0},
    {"sizes", KEY_SIZES, "N", 0, "how many sizes policies are run at (default 24)", 0},
    {"seed", KEY_SEED, "N", 0, "of samples, and of policies that throw dice (default 1)", 0},
    {"cost", KEY_COST, "NAME=TIME,...", 0,
        "the cost model, as pagewright run has it: tlb, ram, fault and disk matter", 0},
    {NULL, 0, NULL, 0, NULL, 0},
};
/* clang-format on */

static uint64_t
mrc_seed(struct argp_state *state, const char *text)
{
    uint64_t seed = 0;

    if (number_read(text, &seed) != NUMBER)
        argp_failure(state, EXIT_OURS, 0, "--seed: \"%s\" is not a whole number below 2^64", text);
    return seed;
}

static unsigned
mrc_sizes(struct argp_state *state, const char *text)
{
    uint64_t n = measure_number(state, "--sizes", text);

    if (n < 2 || n > 256)
        argp_failure(
            state, EXIT_OURS, 0, "--sizes: policies are run at 2 to 256 sizes, not %s", text);
    return (unsigned)n;
}

static void
mrc_check(struct argp_state *state, struct mrc_options *mrc)
{
    bool sampled = mrc->curves.sample > 0 || mrc->curves.sample_pages != 0;

    if (mrc->error && !sampled)
        argp_failure(state, EXIT_OURS, 0,
            "--error needs a sample to compare with the exact curve: add --sample R");
    mrc->curves.exact = !sampled || mrc->error;
    mrc->curves.page_size = mrc->measure.page_size;
}

static error_t
mrc_option(int key, char *arg, struct argp_state *state)
{
    struct mrc_options *mrc = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &mrc->measure;
        return 0;
    case KEY_SAMPLE:
        mrc->curves.sample = measure_part(state, "--sample", arg);
        return 0;
    case KEY_SAMPLE_PAGES:
        mrc->curves.sample_pages = measure_number(state, "--sample-pages", arg);
        return 0;
    case KEY_ERROR:
        mrc->error = true;
        return 0;
    case KEY_POLICY:
        mrc->curves.policies = arg;
        return 0;
    case KEY_POLICY_SAMPLE:
        mrc->curves.policy_sample = measure_part(state, "--policy-sample", arg);
        return 0;
    case KEY_SIZES:
        mrc->curves.sizes = mrc_sizes(state, arg);
        return 0;
    case KEY_SEED:
        mrc->curves.seed = mrc_seed(state, arg);
        return 0;
    case KEY_COST:
        machine_cost(state, &mrc->cost, arg);
        return 0;
    case ARGP_KEY_ARG:
        measure_trace(state, &mrc->measure, arg);
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_failure(
            state, EXIT_OURS, 0, "no trace: write pagewright mrc [options] TRACE, - for a pipe");
        return 0;
    case ARGP_KEY_SUCCESS:
        mrc_check(state, mrc);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void
mrc_parse(int argc, char **argv, struct mrc_options *mrc)
{
    const struct argp_child children[] = {{&measure_argp, 0, NULL, 0}, {NULL, 0, NULL, 0}};
    const struct argp argp = {
        .options = options,
        .children = children,
        .parser = mrc_option,
        .args_doc = "TRACE",
        .doc =
            "Says how many references of a trace miss in how much RAM: LRU's exact curve for all "
            "sizes in one pass, from a sample of the pages if that will do, other policies' by "
            "simulation in miniature; and names the sizes that matter.\v"
            "TRACE is a file of a format that pagewright trace knows, or - for standard input.\n\n"
            "The exit status is 0; 1 when a part of the trace is damaged, and was left out; 125 "
            "when something is wrong with the options or the trace; "
            "128+N when signal N interrupted it: what was measured until then is printed.",
    };
    struct pgw_config config;

    memset(mrc, 0, sizeof *mrc);
    pgw_config_init(&config);
    mrc->cost = config.cost;
    pgw_curves_options_init(&mrc->curves);
    argp_parse(&argp, argc, argv, 0, NULL, mrc);
}

static int
mrc_write(const struct mrc_options *mrc, const struct pgw_curves *curves,
    const struct measure_damage *damage)
{
    static bool (*const write[])(const struct mrc_table *table, FILE *out) = {
        [MEASURE_TEXT] = mrc_write_text,
        [MEASURE_CSV] = mrc_write_csv,
        [MEASURE_JSON] = mrc_write_json,
    };
    struct mrc_table table = {.measure = &mrc->measure,
        .cost = &mrc->cost,
        .curves = curves,
        .seed = mrc->curves.seed,
        .sampled = mrc->curves.sample > 0 || mrc->curves.sample_pages != 0 ||
                   mrc->curves.policies != NULL};

    pgw_curves_get_info(curves, &table.info);
    table.info.complete = table.info.complete && damage->pieces == 0;
    bool written = write[mrc->measure.form](&table, stdout) && fflush(stdout) == 0;
    return measure_done(damage, written && !ferror(stdout), table.info.complete);
}

int
command_mrc(int argc, char **argv)
{
    struct mrc_options mrc;
    struct measure_damage damage = {.command = "pagewright mrc"};
    struct pgw_trace_options reading;
    struct pgw_curves *curves = NULL;
    char why[PGW_TRACE_WHY];

    mrc_parse(argc, argv, &mrc);
    mrc.curves.progress = measure_progress;
    measure_tell_damage(&reading, &damage);
    damage.path = mrc.measure.path;
    longwork_catch();
    enum pgw_status status =
        pgw_curves_measure(mrc.measure.path, &reading, &mrc.curves, &curves, why);
    longwork_progress_clear();
    if (status != PGW_OK) {
        fprintf(stderr, "pagewright mrc: %s\n", why);
        return EXIT_OURS;
    }
    int code = mrc_write(&mrc, curves, &damage);
    pgw_curves_destroy(curves);
    return code;
}
