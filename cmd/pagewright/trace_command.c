/* SPDX-License-Identifier: BSD-2-Clause */
/* pagewright trace: the options of its verbs. */
#include "commands.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pagewright/pagewright.h>

#include "longwork.h"
#include "number.h"
#include "trace_file.h"

enum {
    KEY_FORMAT = 0x100,
    KEY_CSV_ID,
    KEY_CSV_SEPARATOR,
    KEY_CSV_HEADER,
    KEY_KEEP_GOING,
    KEY_PAGES,
    KEY_LEVEL,
    KEY_FROM,
    KEY_TO,
    KEY_PROCESS,
    KEY_RATE,
    KEY_EVERY,
    KEY_SEED,
    KEY_TURN,
};

/* Which verbs know an option. */
#define IN 1u /* all: how traces are read */
#define OUT 2u
#define CUT 4u
#define SAMPLE 8u
#define MERGE 16u
#define REDUCE 32u
#define NAMED 64u /* -o may be left out */

static const struct trace_verb {
    const char *name;
    int (*run)(const struct trace_options *options);
    unsigned knows;
    unsigned least; /* inputs */
    const char *args, *doc;
} verbs[] = {
    {"info", trace_info, IN, 1, "FILE", "Reads a trace, and says what there is in it."},
    {"cat", trace_cat, IN | OUT | CUT | NAMED, 1, "FILE",
        "Writes a trace as text, as valgrind's lackey does; pagewright trace reads it back."},
    {"convert", trace_convert, IN | OUT, 1, "-o OUT FILE",
        "Converts a trace of any known format to Pagewright's own."},
    {"cut", trace_convert, IN | OUT | CUT, 1, "-o OUT FILE",
        "Keeps a range of time, or single processes."},
    {"sample", trace_sample, IN | OUT | SAMPLE, 1, "-o OUT FILE",
        "Keeps all references of some pages, or of some of the time."},
    {"merge", trace_merge, IN | OUT | MERGE, 2, "-o OUT FILE FILE...",
        "Makes one trace of several, whose processes stay apart, as if they had run together: each "
        "as fast as makes them end together, or by turns."},
    {"reduce", trace_reduce, IN | OUT | REDUCE, 1, "--size PAGES -o OUT FILE",
        "Drops references without changing a miss or a write-back of LRU with PAGES or more "
        "frames. "
        "The result is exact for LRU of these sizes, and for nothing else."},
};
#define NVERBS (sizeof verbs / sizeof verbs[0])

/* clang-format off */
static const struct {
    unsigned verbs;
    struct argp_option option;
} known[] = {
    {IN, {NULL, 0, NULL, 0, "Traces that are read:", 1}},
    {IN, {"format", KEY_FORMAT, "NAME", 0, "pagewright, lackey, ids, text, oracle, csv, champsim or damon "
        "(default: recognised by content)", 1}},
    {IN, {"csv-id", KEY_CSV_ID, "N", 0, "CSV: the column of the object, from 1 (default 2)", 1}},
    {IN, {"csv-separator", KEY_CSV_SEPARATOR, "C", 0, "CSV: what is between columns (default: found out)", 1}},
    {IN, {"csv-header", KEY_CSV_HEADER, NULL, 0, "CSV: the first line names columns (default: found out)", 1}},
    {IN, {"keep-going", KEY_KEEP_GOING, NULL, 0, "read on after damage, and exit with 1", 1}},
    {OUT, {NULL, 0, NULL, 0, "The output:", 2}},
    {OUT, {"output", 'o', "FILE", 0, "where it goes; - is standard output", 2}},
    {OUT, {"pages", KEY_PAGES, NULL, 0, "fold runs of references to one page: nothing that work by pages needs is lost", 2}},
    {OUT, {"level", KEY_LEVEL, "N", 0, "zstd's level of compression, 1 to 19 (default: faster than 1)", 2}},
    {CUT, {NULL, 0, NULL, 0, "What is kept:", 3}},
    {CUT, {"from", KEY_FROM, "TIME", 0, "begin after so many references", 3}},
    {CUT, {"to", KEY_TO, "TIME", 0, "end before this one", 3}},
    {CUT, {"process", KEY_PROCESS, "N,...", 0, "only these processes", 3}},
    {SAMPLE, {NULL, 0, NULL, 0, "What is kept:", 3}},
    {SAMPLE, {"rate", KEY_RATE, "R", 0, "a share of the pages, above 0 and at most 1, chosen by hash", 3}},
    {SAMPLE, {"every", KEY_EVERY, "N:KEEP", 0, "of each N references the first KEEP", 3}},
    {SAMPLE, {"seed", KEY_SEED, "N", 0, "of the choice of pages (default 1)", 3}},
    {MERGE, {"turn", KEY_TURN, "N", 0, "N references of each trace in turn (default: by their lengths)", 3}},
    {REDUCE, {"size", 's', "PAGES", 0, "the least LRU memory that it is to be exact for", 3}},
};
/* clang-format on */
#define NKNOWN (sizeof known / sizeof known[0])

static const struct trace_verb *
trace_verb_of(const struct trace_options *options)
{
    size_t i = 0;

    while (strcmp(verbs[i].name, options->verb) != 0)
        i++;
    return &verbs[i];
}

/* ---- values ---- */

static uint64_t
trace_number(struct argp_state *state, const char *option, const char *text)
{
    uint64_t n = 0;

    if (number_read(text, &n) != NUMBER)
        argp_failure(state, EXIT_OURS, 0, "%s: \"%s\" is not a number", option, text);
    return n;
}

static void
trace_format(struct argp_state *state, struct trace_options *options, const char *name)
{
    static const char *const names[PGW_TRACE_FORMATS] = {[PGW_TRACE_AUTO] = "auto",
        [PGW_TRACE_OWN] = "pagewright",
        [PGW_TRACE_LACKEY] = "lackey",
        [PGW_TRACE_IDS] = "ids",
        [PGW_TRACE_TEXT] = "text",
        [PGW_TRACE_ORACLE] = "oracle",
        [PGW_TRACE_CSV] = "csv",
        [PGW_TRACE_CHAMPSIM] = "champsim",
        [PGW_TRACE_DAMON] = "damon"};

    for (unsigned i = 0; i < PGW_TRACE_FORMATS; i++) {
        if (strcmp(names[i], name) == 0) {
            options->read.format = (enum pgw_trace_format)i;
            return;
        }
    }
    argp_failure(state, EXIT_OURS, 0,
        "--format: \"%s\" is none of: pagewright, lackey, ids, text, oracle, csv, champsim, damon",
        name);
}

static void
trace_processes(struct argp_state *state, struct trace_options *options, const char *text)
{
    for (const char *rest = text;; rest++) {
        uint64_t n = 0;
        if (number_begin(rest, &n, &rest) != NUMBER || n > UINT32_MAX ||
            (*rest != ',' && *rest != '\0'))
            argp_failure(state, EXIT_OURS, 0, "--process: \"%s\" is not a list of numbers", text);
        if (options->nprocesses == sizeof options->process / sizeof options->process[0])
            argp_failure(state, EXIT_OURS, 0, "--process: more than %u", options->nprocesses);
        options->process[options->nprocesses++] = (uint32_t)n;
        if (*rest == '\0')
            return;
    }
}

static void
trace_rate(struct argp_state *state, struct trace_options *options, const char *text)
{
    char *end;

    options->rate = strtod(text, &end);
    if (*text == '\0' || *end != '\0' || !(options->rate > 0 && options->rate <= 1))
        argp_failure(state, EXIT_OURS, 0,
            "--rate: \"%s\" is not a share above 0 and at most 1, such as 0.01", text);
}

static void
trace_every(struct argp_state *state, struct trace_options *options, const char *text)
{
    const char *rest;

    if (number_begin(text, &options->every, &rest) != NUMBER || *rest != ':' ||
        number_read(rest + 1, &options->keep) != NUMBER || options->keep == 0 ||
        options->keep > options->every)
        argp_failure(state, EXIT_OURS, 0,
            "--every: \"%s\" is not N:KEEP, such as 1000000:10000 (KEEP of each N)", text);
}

static unsigned
trace_up_to(struct argp_state *state, const char *option, const char *text, unsigned most)
{
    uint64_t number = trace_number(state, option, text);

    if (number < 1 || number > most)
        argp_failure(state, EXIT_OURS, 0, "%s: %s is not 1 to %u", option, text, most);
    return (unsigned)number;
}

/* A number of pages, or a size as everywhere: 100, 100p, 4M. */
static uint64_t
trace_pages(struct argp_state *state, const char *text)
{
    uint64_t n = 0;

    if (number_read(text, &n) != NUMBER)
        n = pgw_size_parse(text, &n) == PGW_OK ? n / PGW_PAGE_SIZE : 0;
    if (n == 0 || n > (uint64_t)1 << 40)
        argp_failure(state, EXIT_OURS, 0,
            "--size: \"%s\" is not a number of pages, such as 100 or 4M", text);
    return n;
}

static void
trace_separator(struct argp_state *state, struct trace_options *options, const char *text)
{
    if (strcmp(text, "\\t") == 0)
        text = "\t";
    if (text[0] == '\0' || text[1] != '\0')
        argp_failure(state, EXIT_OURS, 0, "--csv-separator: \"%s\" is not one character", text);
    options->read.csv_separator = text[0];
}

/* ---- the parser ---- */

static void
trace_argument(struct argp_state *state, struct trace_options *options, const char *path)
{
    unsigned most = trace_verb_of(options)->least == 1 ? 1 : TRACE_INPUTS_MAX;

    if (options->ninputs == most)
        argp_failure(state, EXIT_OURS, 0, "%s: there may be %u trace%s at the most", path, most,
            most == 1 ? "" : "s");
    options->inputs[options->ninputs++] = path;
}

/* Is everything there that the verb needs? */
static void
trace_complete(struct argp_state *state, const struct trace_options *options)
{
    const struct trace_verb *verb = trace_verb_of(options);

    if (options->ninputs < verb->least)
        argp_failure(state, EXIT_OURS, 0, "%s to read: write pagewright trace %s %s",
            verb->least == 1 ? "no trace" : "too few traces", verb->name, verb->args);
    if ((verb->knows & OUT) != 0 && (verb->knows & NAMED) == 0 && options->output == NULL)
        argp_failure(state, EXIT_OURS, 0, "where to? Write -o FILE");
    if ((verb->knows & NAMED) == 0 && options->output != NULL &&
        strcmp(options->output, "-") == 0 && isatty(STDOUT_FILENO))
        argp_failure(state, EXIT_OURS, 0, "a trace is not for a terminal: write -o FILE");
    if ((verb->knows & SAMPLE) != 0 && options->rate <= 0 && options->every == 0)
        argp_failure(state, EXIT_OURS, 0, "which sample? Write --rate R, --every N:KEEP or both");
    if (options->to <= options->from)
        argp_failure(state, EXIT_OURS, 0, "--to is not after --from: nothing would be kept");
    if ((verb->knows & REDUCE) != 0 && options->pages == 0)
        argp_failure(state, EXIT_OURS, 0, "for which sizes? Write --size PAGES");
    for (unsigned i = 0; i < options->ninputs && options->output != NULL; i++) {
        if (strcmp(options->inputs[i], options->output) == 0 && strcmp(options->output, "-") != 0)
            argp_failure(
                state, EXIT_OURS, 0, "%s: cannot be both read and written", options->output);
    }
}

static error_t
trace_option(int key, char *arg, struct argp_state *state)
{
    struct trace_options *options = state->input;

    switch (key) {
    case KEY_FORMAT:
        trace_format(state, options, arg);
        return 0;
    case KEY_CSV_ID:
        options->read.csv_id = trace_up_to(state, "--csv-id", arg, 1000);
        return 0;
    case KEY_CSV_SEPARATOR:
        trace_separator(state, options, arg);
        return 0;
    case KEY_CSV_HEADER:
        options->read.csv_header = true;
        return 0;
    case KEY_KEEP_GOING:
        options->keep_going = true;
        return 0;
    case 'o':
        if (arg[0] == '\0')
            argp_failure(state, EXIT_OURS, 0, "-o: \"\" names no file");
        options->output = arg;
        return 0;
    case KEY_PAGES:
        options->write.pages = true;
        return 0;
    case KEY_LEVEL:
        options->write.level = (int)trace_up_to(state, "--level", arg, 19);
        return 0;
    case KEY_FROM:
        options->from = trace_number(state, "--from", arg);
        return 0;
    case KEY_TO:
        options->to = trace_number(state, "--to", arg);
        return 0;
    case KEY_PROCESS:
        trace_processes(state, options, arg);
        return 0;
    case KEY_RATE:
        trace_rate(state, options, arg);
        return 0;
    case KEY_EVERY:
        trace_every(state, options, arg);
        return 0;
    case KEY_SEED:
        options->seed = trace_number(state, "--seed", arg);
        return 0;
    case KEY_TURN:
        options->turn = trace_number(state, "--turn", arg);
        if (options->turn == 0)
            argp_failure(state, EXIT_OURS, 0, "--turn: a turn has 1 reference at the least");
        return 0;
    case 's':
        options->pages = trace_pages(state, arg);
        return 0;
    case ARGP_KEY_ARG:
        trace_argument(state, options, arg);
        return 0;
    case ARGP_KEY_END:
        trace_complete(state, options);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* ---- the verb ---- */

static int
trace_run(const struct trace_verb *verb, int argc, char **argv)
{
    struct argp_option option[NKNOWN + 1] = {0};
    struct trace_options options = {.verb = verb->name, .to = UINT64_MAX, .seed = 1};
    const struct argp argp = {
        .options = option, .parser = trace_option, .args_doc = verb->args, .doc = verb->doc};
    char name[64];
    size_t n = 0;

    for (size_t i = 0; i < NKNOWN; i++) {
        if ((known[i].verbs & verb->knows) != 0)
            option[n++] = known[i].option;
    }
    pgw_trace_options_init(&options.read);
    pgw_trace_writer_options_init(&options.write);
    snprintf(name, sizeof name, "pagewright trace %s", verb->name);
    argv[0] = name;
    argp_parse(&argp, argc, argv, 0, NULL, &options);
    longwork_catch();
    return verb->run(&options);
}

static error_t
trace_choose(int key, char *arg, struct argp_state *state)
{
    int *chosen = state->input;

    switch (key) {
    case ARGP_KEY_ARG:
        for (*chosen = 0; *chosen < (int)NVERBS; ++*chosen) {
            if (strcmp(verbs[*chosen].name, arg) == 0) {
                chosen[1] = state->next - 1;
                state->next = state->argc;
                return 0;
            }
        }
        argp_failure(state, EXIT_OURS, 0,
            "\"%s\" is none of: info, cat, convert, cut, sample, merge, reduce", arg);
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_failure(state, EXIT_OURS, 0,
            "what to do? info, cat, convert, cut, sample, merge or reduce; for more, --help");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int
command_trace(int argc, char **argv)
{
    const struct argp argp = {
        .parser = trace_choose,
        .args_doc = "VERB [OPTION...] FILE...",
        .doc =
            "Looks at traces of memory references, and makes others of them.\v"
            "Verbs (pagewright trace VERB --help says more):\n"
            "  info       what there is in a trace\n"
            "  cat        a trace as text\n"
            "  convert    a trace of another format as one of ours\n"
            "  cut        a range of time, or some processes\n"
            "  sample     some of the pages, or of the time\n"
            "  merge      several traces as one\n"
            "  reduce     without what LRU memories from a size up do not need\n\n"
            "FILE may be - for standard input, and compressed by gzip, zstd or xz; formats are "
            "recognised by content: Pagewright's own, lackey's, page numbers, \"l 0xADDR SIZE\", "
            "oracleGeneral, CSV, ChampSim's and DAMON's.",
    };
    int chosen[2];

    argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, chosen);
    return trace_run(&verbs[chosen[0]], argc - chosen[1], argv + chosen[1]);
}
