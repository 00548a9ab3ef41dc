/* SPDX-License-Identifier: BSD-2-Clause */
/* pagewright replay: recorded references through replacement policies, at many sizes at once. */
#include "commands.h"

#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <pagewright/pagewright.h>

#include "longwork.h"
#include "number.h"
#include "replay_step.h"
#include "replay_table.h"

#define REPLAY_LIST_MAX 1024u

enum {
    KEY_POLICY = 0x100,
    KEY_RAM,
    KEY_SEED,
    KEY_PAGE,
    KEY_THREADS,
    KEY_JSON,
    KEY_CSV,
    KEY_STEP,
    KEY_QUIZ,
    KEY_MMU,
    KEY_TLB
};

/* Words of a list with commas. */
struct replay_list {
    char *words[REPLAY_LIST_MAX];
    unsigned n;
};

struct replay_command {
    const char *trace, *tlb; /* tlb NULL: not asked for */
    struct replay_list policies, sizes;
    struct pgw_replay_options options;
    bool (*write)(const struct replay_result *result, FILE *out);
    bool step, quiz;
    uint64_t pieces, lost; /* of a damaged trace */
};

/* clang-format off */
static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "The replay:", 1},
    {"policy", KEY_POLICY, "NAME[,NAME...]", 0,
        "policies, NAME or NAME:KEY=VALUE:..., as pagewright run --help lists them, or opt, which "
        "knows the future; may be given more than once (default clock)", 0},
    {"ram", KEY_RAM, "SIZE[,SIZE...]", 0,
        "how much RAM: bytes (4M), pages (100p) or a share of the footprint (10%); may be given more "
        "than once (default 10%,25%,50%)", 0},
    {"seed", KEY_SEED, "N", 0, "for policies that draw lots (default 1)", 0},
    {"page-size", KEY_PAGE, "SIZE", 0, "bytes of a page, a power of two (default 4K)", 0},
    {"mmu", KEY_MMU, "NAME", 0,
        "models TLBs and page table walks, too, of a scheme with radix tables, such as x86-64", 0},
    {"tlb", KEY_TLB, "SPEC", 0, "its TLBs, as for pagewright run (default l1=64:4,l2=1536:12:4k+2m)", 0},
    {"threads", KEY_THREADS, "N", 0, "how many (default: as many as processors)", 0},
    {NULL, 0, NULL, 0, "The table:", 2},
    {"json", KEY_JSON, NULL, 0, "as JSON", 0},
    {"step", KEY_STEP, NULL, 0,
        "of a small trace, the frames at each reference, as a textbook shows them", 0},
    {"quiz", KEY_QUIZ, NULL, 0, "asks what each reference does before it tells", 0},
    {"csv", KEY_CSV, NULL, 0, "as CSV: policy,frames,references,misses,...", 0},
    {NULL, 0, NULL, 0, NULL, 0},
};
/* clang-format on */

static void
replay_list_add(
    struct argp_state *state, struct replay_list *list, const char *option, const char *text)
{
    for (const char *at = text;; at++) {
        size_t len = strcspn(at, ",");
        if (len == 0)
            argp_failure(state, EXIT_OURS, 0, "--%s: \"%s\" has an empty item", option, text);
        if (list->n == REPLAY_LIST_MAX)
            argp_failure(state, EXIT_OURS, 0, "--%s: more than %u items", option, REPLAY_LIST_MAX);
        char *word = strndup(at, len);
        if (word == NULL)
            argp_failure(state, EXIT_OURS, 0, "%s", strerror(ENOMEM));
        list->words[list->n++] = word;
        at += len;
        if (*at == '\0')
            return;
    }
}

static uint64_t
replay_number(struct argp_state *state, const char *option, const char *text, uint64_t most)
{
    uint64_t n = 0;

    if (number_read(text, &n) != NUMBER || n > most)
        argp_failure(state, EXIT_OURS, 0, "--%s: \"%s\" is not a number from 0 to %" PRIu64, option,
            text, most);
    return n;
}

static uint64_t
replay_page_size(struct argp_state *state, const char *text)
{
    uint64_t bytes = 0;

    if (pgw_size_parse(text, &bytes) != PGW_OK || bytes < 512 || (bytes & (bytes - 1)) != 0)
        argp_failure(state, EXIT_OURS, 0,
            "--page-size: \"%s\" is not a power of two of 512 bytes or more", text);
    return bytes;
}

static void
replay_form(struct argp_state *state, struct replay_command *replay,
    bool (*write)(const struct replay_result *result, FILE *out))
{
    if (replay->write != replay_write_text && replay->write != write)
        argp_failure(state, EXIT_OURS, 0, "--csv and --json: one form at a time: leave one out");
    replay->write = write;
}

static error_t
replay_option(int key, char *arg, struct argp_state *state)
{
    struct replay_command *replay = state->input;

    switch (key) {
    case KEY_POLICY:
        replay_list_add(state, &replay->policies, "policy", arg);
        return 0;
    case KEY_RAM:
        replay_list_add(state, &replay->sizes, "ram", arg);
        return 0;
    case KEY_SEED:
        replay->options.seed = replay_number(state, "seed", arg, UINT64_MAX);
        return 0;
    case KEY_PAGE:
        replay->options.page_size = replay_page_size(state, arg);
        return 0;
    case KEY_THREADS:
        replay->options.threads = (unsigned)replay_number(state, "threads", arg, 64);
        return 0;
    case KEY_JSON:
        replay_form(state, replay, replay_write_json);
        return 0;
    case KEY_CSV:
        replay_form(state, replay, replay_write_csv);
        return 0;
    case KEY_MMU:
        replay->options.mmu = arg;
        return 0;
    case KEY_TLB:
        replay->options.tlb = replay->tlb = arg;
        return 0;
    case KEY_STEP:
        replay->step = true;
        return 0;
    case KEY_QUIZ:
        replay->quiz = true;
        return 0;
    case ARGP_KEY_ARG:
        if (replay->trace != NULL)
            argp_failure(state, EXIT_OURS, 0, "\"%s\" is one trace too many", arg);
        replay->trace = arg;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_failure(
            state, EXIT_OURS, 0, "no trace: write pagewright replay [options] TRACE, - for a pipe");
        return 0;
    case ARGP_KEY_SUCCESS:
        if (replay->quiz && strcmp(replay->trace, "-") == 0)
            argp_failure(state, EXIT_OURS, 0,
                "--quiz reads answers from the standard input: put the trace into a file");
        if (replay->tlb != NULL && replay->options.mmu == NULL)
            argp_failure(state, EXIT_OURS, 0,
                "--tlb is of the hardware that --mmu models: add --mmu NAME, such as x86-64");
        if ((replay->step || replay->quiz) && replay->write != replay_write_text)
            argp_failure(
                state, EXIT_OURS, 0, "--step and --quiz are text: leave out --json and --csv");
        if (replay->policies.n == 0)
            replay_list_add(state, &replay->policies, "policy", "clock");
        if (replay->sizes.n == 0)
            replay_list_add(state, &replay->sizes, "ram", "10%,25%,50%");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void
replay_parse(int argc, char **argv, struct replay_command *replay)
{
    const struct argp argp = {
        .options = options,
        .parser = replay_option,
        .args_doc = "TRACE",
        .doc =
            "Replays the references of a trace, as pagewright record and others write them, "
            "through "
            "replacement policies, and counts what each would have missed with how much RAM.\v"
            "TRACE is a file of a format that pagewright trace knows, or - for standard input.\n\n"
            "The exit status is 0 when all of the trace was replayed; 1 when a part of it is "
            "damaged and was left out; 125 when something is wrong with the options or the trace; "
            "128+N "
            "when signal N stopped it: the table has what was replayed until then.",
    };

    replay->write = replay_write_text;
    pgw_replay_options_init(&replay->options);
    argp_parse(&argp, argc, argv, 0, NULL, replay);
}

static bool
replay_going(void *ctx, const struct pgw_replay_progress *progress)
{
    static const char *const parts[] = {
        [PGW_REPLAY_READING] = "reading",
        [PGW_REPLAY_LOOKING_AHEAD] = "looking ahead",
        [PGW_REPLAY_REPLAYING] = "replaying",
    };
    const struct replay_steps *steps = ctx; /* NULL: not by steps */

    longwork_progress(parts[progress->part], progress->done, progress->all, progress->references);
    return longwork_signal() == 0 && (steps == NULL || replay_steps_wrong(steps) == NULL);
}

static void
replay_damaged(void *ctx, const struct pgw_trace_damage *damage)
{
    struct replay_command *replay = ctx;

    longwork_progress_clear();
    fprintf(stderr, "pagewright replay: %s: at byte %" PRIu64 ": %s", longwork_name(replay->trace),
        damage->offset, damage->what);
    if (damage->refs > 0)
        fprintf(stderr, ": %" PRIu64 " references are left out", damage->refs);
    fputc('\n', stderr);
    replay->pieces++;
    replay->lost += damage->refs;
}

/* Every policy at every size; true: all are understood. */
static bool
replay_wishes(const struct replay_command *command, struct pgw_replay *replay)
{
    char why[PGW_TRACE_WHY] = "";

    for (unsigned p = 0; p < command->policies.n; p++) {
        for (unsigned s = 0; s < command->sizes.n; s++) {
            if (pgw_replay_add(replay, command->policies.words[p], command->sizes.words[s], why) ==
                PGW_OK)
                continue;
            fprintf(stderr, "pagewright replay: %s\n", why);
            return false;
        }
    }
    return true;
}

/* Replays and prints; the exit code. */
static int
replay_trace(struct replay_command *command, struct pgw_replay *replay, struct pgw_trace *trace)
{
    struct pgw_trace_info info;
    char why[PGW_TRACE_WHY] = "";
    enum pgw_status status = pgw_replay_run(replay, trace, replay_going, NULL, why);

    longwork_progress_clear();
    if (status != PGW_OK && status != PGW_AGAIN) {
        fprintf(stderr, "pagewright replay: %s\n", why);
        return EXIT_OURS;
    }
    pgw_trace_get_info(trace, &info);
    const struct replay_result result = {.trace = command->trace,
        .replay = replay,
        .mmu = command->options.mmu,
        .tlb = command->options.tlb,
        .seed = command->options.seed,
        .page_size = command->options.page_size,
        .reduced = info.reduced,
        .complete = status == PGW_OK && command->pieces == 0};
    if (!command->write(&result, stdout)) {
        fprintf(stderr, "pagewright replay: cannot write the table to standard output\n");
        return EXIT_OURS;
    }
    if (status == PGW_AGAIN) {
        struct pgw_replay_row row = {.size = sizeof row};
        if (pgw_replay_get_row(replay, 0, &row) == PGW_AGAIN)
            fprintf(stderr, "pagewright replay: stopped before anything was replayed: opt, and "
                            "sizes in percent, need all of the trace first\n");
        return 128 + longwork_signal();
    }
    return command->pieces > 0 ? EXIT_DAMAGED : 0;
}

/* The same, for --step and --quiz. */
static int
replay_trace_by_steps(
    struct replay_command *command, struct pgw_replay *replay, struct pgw_trace *trace)
{
    struct replay_steps *steps = replay_steps_watch(
        replay, command->policies.n * command->sizes.n, command->options.page_size);
    char why[PGW_TRACE_WHY] = "";
    int code = EXIT_OURS;

    if (steps == NULL) {
        fprintf(stderr, "pagewright replay: %s\n", strerror(ENOMEM));
        return code;
    }
    enum pgw_status status = pgw_replay_run(replay, trace, replay_going, steps, why);
    longwork_progress_clear();
    const char *wrong = replay_steps_wrong(steps);
    if (wrong != NULL)
        fprintf(stderr, "pagewright replay: %s: %s\n", command->trace, wrong);
    else if (status == PGW_AGAIN)
        code = 128 + longwork_signal();
    else if (status != PGW_OK)
        fprintf(stderr, "pagewright replay: %s\n", why);
    else if (command->quiz ? !replay_steps_quiz(steps, stdin, stdout)
                           : !replay_steps_show(steps, stdout))
        fprintf(stderr, "pagewright replay: cannot write to standard output\n");
    else
        code = command->pieces > 0 ? EXIT_DAMAGED : 0;
    replay_steps_free(steps);
    return code;
}

static int
replay_run(struct replay_command *command, struct pgw_replay *replay)
{
    struct pgw_trace_options reading;
    struct pgw_trace *trace = NULL;
    char why[PGW_TRACE_WHY] = "";

    if (!replay_wishes(command, replay))
        return EXIT_OURS;
    pgw_trace_options_init(&reading);
    reading.damaged = replay_damaged;
    reading.ctx = command;
    if (pgw_trace_open(command->trace, &reading, &trace, why) != PGW_OK) {
        fprintf(stderr, "pagewright replay: %s\n", why);
        return EXIT_OURS;
    }
    longwork_catch();
    int code = command->step || command->quiz ? replay_trace_by_steps(command, replay, trace)
                                              : replay_trace(command, replay, trace);
    pgw_trace_close(trace);
    return code;
}

static void
replay_list_free(struct replay_list *list)
{
    for (unsigned i = 0; i < list->n; i++)
        free(list->words[i]);
}

int
command_replay(int argc, char **argv)
{
    struct replay_command *command = calloc(1, sizeof *command);
    struct pgw_replay *replay = NULL;
    char why[PGW_TRACE_WHY] = "";
    int code = EXIT_OURS;

    if (command == NULL) {
        fprintf(stderr, "pagewright replay: %s\n", strerror(ENOMEM));
        return code;
    }
    replay_parse(argc, argv, command);
    if (pgw_replay_create(&command->options, &replay, why) != PGW_OK)
        fprintf(stderr, "pagewright replay: %s\n", why);
    else
        code = replay_run(command, replay);
    pgw_replay_destroy(replay);
    replay_list_free(&command->policies);
    replay_list_free(&command->sizes);
    free(command);
    return code;
}
