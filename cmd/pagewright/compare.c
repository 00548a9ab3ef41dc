/* SPDX-License-Identifier: BSD-2-Clause */
/* pagewright compare: one program on every translation scheme, and one table. */
#include "commands.h"

#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compare_run.h"
#include "compare_table.h"
#include "machine_options.h"

#define COMPARE_ROWS_MAX 64u

/* The exit code when the schemes do not agree. */
#define EXIT_DIFFER 1

enum { KEY_MMU = 0x100, KEY_REPORT };

struct compare_options {
    struct machine_options machine;
    char **program; /* its path and arguments, NULL-terminated */
    bool (*write)(const struct compare_table *table, FILE *out);
    struct compare_row rows[COMPARE_ROWS_MAX];
    size_t nrows;
};

/* clang-format off */
static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "The comparison:", 1},
    {"mmu", KEY_MMU, "NAME[:OPTION,...],...", 0,
        "the schemes, in this order; may be given more than once (default: all that "
        "pagewright mmus lists)", 0},
    {"report", KEY_REPORT, "text|json|csv", 0, "the table's form (default text)", 0},
    {NULL, 0, NULL, 0, NULL, 0},
};
/* clang-format on */

static bool
compare_is_mmu(const char *text, size_t len)
{
    for (unsigned i = 0; pgw_mmu_name(i) != NULL; i++) {
        if (strlen(pgw_mmu_name(i)) == len && strncmp(pgw_mmu_name(i), text, len) == 0)
            return true;
    }
    return false;
}

static void
compare_add(struct argp_state *state, struct compare_options *compare, const char *text, size_t len)
{
    if (len >= COMPARE_NAME_MAX)
        argp_failure(state, EXIT_OURS, 0, "--mmu: \"%.32s...\" is too long", text);
    if (compare->nrows == COMPARE_ROWS_MAX)
        argp_failure(state, EXIT_OURS, 0, "--mmu: more than %u schemes", COMPARE_ROWS_MAX);
    struct compare_row *row = &compare->rows[compare->nrows++];
    memcpy(row->mmu, text, len);
    row->mmu[len] = '\0';
}

static void
compare_add_all(struct argp_state *state, struct compare_options *compare)
{
    for (unsigned i = 0; pgw_mmu_name(i) != NULL; i++)
        compare_add(state, compare, pgw_mmu_name(i), strlen(pgw_mmu_name(i)));
}

/*
 * "A,B:x=1,y=2,C": a comma ends a scheme when the name of another one follows; else what follows
 * is the scheme's next option.
 */
static void
compare_mmus(struct argp_state *state, struct compare_options *compare, const char *text)
{
    const char *start = text;

    for (const char *at = text;; at++) {
        size_t len = strcspn(at, ",");
        const char *next = at + len;
        bool options_follow = memchr(start, ':', (size_t)(next - start)) != NULL && *next == ',' &&
                              !compare_is_mmu(next + 1, strcspn(next + 1, ":,"));
        if (!options_follow) {
            compare_add(state, compare, start, (size_t)(next - start));
            start = next + 1;
        }
        if (*next == '\0')
            return;
        at = next;
    }
}

static void
compare_report(struct argp_state *state, struct compare_options *compare, const char *text)
{
    if (strcmp(text, "text") == 0)
        compare->write = compare_write_text;
    else if (strcmp(text, "json") == 0)
        compare->write = compare_write_json;
    else if (strcmp(text, "csv") == 0)
        compare->write = compare_write_csv;
    else
        argp_failure(state, EXIT_OURS, 0, "--report: \"%s\" is none of: text, json, csv", text);
}

static error_t
compare_option(int key, char *arg, struct argp_state *state)
{
    struct compare_options *compare = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &compare->machine;
        return 0;
    case KEY_MMU:
        compare_mmus(state, compare, arg);
        return 0;
    case KEY_REPORT:
        compare_report(state, compare, arg);
        return 0;
    case ARGP_KEY_ARG:
        compare->program = &state->argv[state->next - 1];
        state->next = state->argc;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_failure(state, EXIT_OURS, 0,
            "no program to run: write pagewright compare [options] PROGRAM [argument...]");
        return 0;
    case ARGP_KEY_SUCCESS:
        if (compare->nrows == 0)
            compare_add_all(state, compare);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void
compare_parse(int argc, char **argv, struct compare_options *compare)
{
    const struct argp_child children[] = {{&machine_argp, 0, NULL, 0}, {NULL, 0, NULL, 0}};
    const struct argp argp = {
        .options = options,
        .children = children,
        .parser = compare_option,
        .args_doc = "PROGRAM [ARG...]",
        .doc =
            "Runs a riscv64 Linux program on every translation scheme, one after the other, and "
            "prints one table of what each of them took.\v"
            "What the program writes is not shown, but must be the same on all schemes; what it "
            "reads from standard input is a copy of the file that this is, or nothing.\n\n"
            "The exit status is 0 when the program did the same on every scheme that it fits; 1 "
            "when it did not; 125 when pagewright fails, 126 when the program cannot be run, 127 "
            "when it is not found; 128+N when signal N interrupted the comparison, of which the "
            "part that was done is printed.",
        .help_filter = machine_help,
    };

    *compare = (struct compare_options){.write = compare_write_text};
    pgw_config_init(&compare->machine.config);
    argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, compare);
}

/* Whatever is wrong with the options would be so in each run: it is found out before the first. */
static bool
compare_try(struct compare_options *compare)
{
    struct pgw_config config = compare->machine.config;
    char error[COMPARE_NOTE_MAX] = "";

    config.error = error;
    config.error_len = sizeof error;
    for (size_t i = 0; i < compare->nrows; i++) {
        struct pgw_system *system = NULL;
        config.mmu = compare->rows[i].mmu;
        enum pgw_status status = pgw_system_create(&config, &system);
        pgw_system_destroy(system);
        if (status == PGW_OK || (status == PGW_NORAM && config.ram >= PGW_RAM_MIN))
            continue;
        fprintf(stderr, "pagewright compare: %s\n", error);
        return false;
    }
    return true;
}

static bool
compare_copy(FILE *copy)
{
    char bytes[65536];
    ssize_t n = 0;

    while ((n = read(0, bytes, sizeof bytes)) > 0) {
        if (fwrite(bytes, 1, (size_t)n, copy) != (size_t)n)
            return false;
    }
    return n == 0 && fflush(copy) == 0;
}

/* Standard input for all runs: a copy of what is left of the file that it is; else nothing.  NULL:
 * it cannot be made. */
static FILE *
compare_input(void)
{
    struct stat is;

    if (fstat(0, &is) != 0 || !S_ISREG(is.st_mode))
        return fopen("/dev/null", "re");
    FILE *copy = tmpfile();
    if (copy == NULL || compare_copy(copy))
        return copy;
    (void)fclose(copy);
    return NULL;
}

static bool
compare_alike(const struct compare_row *a, const struct compare_row *b)
{
    return a->end == b->end && a->code == b->code && a->out.bytes == b->out.bytes &&
           a->out.hash == b->out.hash && a->err.bytes == b->err.bytes && a->err.hash == b->err.hash;
}

/* How many runs did as the row's did. */
static size_t
compare_support(const struct compare_options *compare, const struct compare_row *row)
{
    size_t support = 0;

    for (size_t i = 0; i < compare->nrows; i++)
        support += compare_ended(&compare->rows[i]) && compare_alike(&compare->rows[i], row);
    return support;
}

/* Is a's way of ending to be believed rather than b's?  What more schemes did, and of two that as
 * many did, a success. */
static bool
compare_is_better(
    const struct compare_options *compare, const struct compare_row *a, const struct compare_row *b)
{
    size_t for_a = compare_support(compare, a), for_b = compare_support(compare, b);
    bool success_a = a->end == COMPARE_EXITED && a->code == 0;
    bool success_b = b->end == COMPARE_EXITED && b->code == 0;

    return for_a > for_b || (for_a == for_b && success_a && !success_b);
}

/* What most schemes did is right.  True: all did so. */
static bool
compare_agree(struct compare_options *compare)
{
    const struct compare_row *right = NULL;
    bool agree = true;

    for (size_t i = 0; i < compare->nrows; i++) {
        const struct compare_row *row = &compare->rows[i];
        if (compare_ended(row) && (right == NULL || compare_is_better(compare, row, right)))
            right = row;
    }
    for (size_t i = 0; i < compare->nrows; i++) {
        struct compare_row *row = &compare->rows[i];
        row->same = compare_ended(row) && compare_alike(row, right);
        agree = agree && (row->same || !compare_ended(row)) && row->end != COMPARE_BROKEN;
    }
    return agree;
}

/* On a terminal, which scheme it is at. */
static void
compare_progress(const char *mmu)
{
    if (isatty(2))
        fprintf(stderr, "\r\033[K%s%s", mmu != NULL ? "running on " : "", mmu != NULL ? mmu : "");
}

/* 0, or why no scheme can run the program: the exit code, of which the first row's note says more.
 * A file that is missing or may not be run is so for all, and is asked for once. */
static int
compare_all(struct compare_options *compare, int in)
{
    size_t unfit = 0;

    for (size_t i = 0; i < compare->nrows; i++) {
        struct compare_row *row = &compare->rows[i];
        compare_progress(row->mmu);
        compare_run(&compare->machine.config, compare->program, in, row);
        bool refused = row->end == COMPARE_UNFIT;
        if (refused && (row->status == PGW_NOTFOUND || row->status == PGW_ACCESS)) {
            compare_progress(NULL);
            return row->status == PGW_NOTFOUND ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
        }
        unfit += refused;
    }
    compare_progress(NULL);
    if (unfit < compare->nrows)
        return 0;
    return compare->rows[0].status == PGW_NOEXEC ? EXIT_CANNOT_RUN : EXIT_OURS;
}

static int
compare_finish(struct compare_options *compare)
{
    const struct compare_table table = {.config = &compare->machine.config,
        .program = compare->program,
        .rows = compare->rows,
        .nrows = compare->nrows};
    bool agree = compare_agree(compare);

    if (!compare->write(&table, stdout)) {
        fprintf(stderr, "pagewright compare: cannot write the table to standard output\n");
        return EXIT_OURS;
    }
    if (compare_interrupted() != 0)
        return 128 + compare_interrupted();
    return agree ? 0 : EXIT_DIFFER;
}

static int
compare_program_on_all(struct compare_options *compare)
{
    FILE *in = compare_input();

    if (in == NULL) {
        fprintf(stderr, "pagewright compare: cannot copy standard input: %s\n", strerror(errno));
        return EXIT_OURS;
    }
    compare_catch();
    int code = compare_all(compare, fileno(in));
    if (code != 0)
        fprintf(stderr, "pagewright compare: %s\n", compare->rows[0].note);
    else
        code = compare_finish(compare);
    (void)fclose(in);
    return code;
}

int
command_compare(int argc, char **argv)
{
    struct compare_options *compare = calloc(1, sizeof *compare);
    int code = EXIT_OURS;

    if (compare == NULL) {
        fprintf(stderr, "pagewright compare: %s\n", strerror(ENOMEM));
        return code;
    }
    compare_parse(argc, argv, compare);
    if (compare_try(compare))
        code = compare_program_on_all(compare);
    free(compare);
    return code;
}
