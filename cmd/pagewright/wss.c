/* SPDX-License-Identifier: BSD-2-Clause */
/* pagewright wss: how much memory a program uses, when and where. */
#include "commands.h"

#include <argp.h>
#include <stdlib.h>
#include <string.h>

#include <pagewright/pagewright.h>

#include "wss_out.h"

enum { KEY_WINDOW = 0x100, KEY_ROWS };

struct wss_options {
    struct measure measure;
    struct pgw_worksets_options worksets;
    bool windows; /* were given */
};

/* clang-format off */
static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "Working sets:", 1},
    {"window", KEY_WINDOW, "N[,N...]", 0,
        "references that a page stays in the working set for, up to 16 different ones; K, M and G "
        "are powers of 1000 (default 10K,100K,1M)", 0},
    {"rows", KEY_ROWS, "N", 0, "of the heat map, at the most (default 32)", 0},
    {NULL, 0, NULL, 0, NULL, 0},
};
/* clang-format on */

/* "250", "10K"; 0: it is not one. */
static uint64_t
wss_references(const char *text, size_t len)
{
    static const char units[] = "KMG";
    uint64_t n = 0;
    size_t at = 0;

    for (; at < len && text[at] >= '0' && text[at] <= '9'; at++) {
        if (n > UINT64_MAX / 16)
            return 0;
        n = n * 10 + (uint64_t)(text[at] - '0');
    }
    const char *unit = at > 0 && at + 1 == len ? strchr(units, text[at] & ~0x20) : NULL;
    if (at == 0 || (at < len && (unit == NULL || *unit == '\0')))
        return 0;
    for (; unit != NULL && unit >= units; unit--) {
        if (n > UINT64_MAX / 1000)
            return 0;
        n *= 1000;
    }
    return n <= (uint64_t)1 << 62 ? n : 0;
}

static void
wss_windows(struct argp_state *state, struct wss_options *wss, const char *text)
{
    if (!wss->windows)
        wss->worksets.windows = 0;
    wss->windows = true;
    for (const char *at = text;; at++) {
        size_t len = strcspn(at, ",");
        uint64_t n = wss_references(at, len);
        if (n == 0)
            argp_failure(state, EXIT_OURS, 0,
                "--window: \"%.*s\" is not a number of references: write 1 or more, such as 250 "
                "or 10K",
                (int)len, at);
        if (wss->worksets.windows == PGW_WORKSETS_MAX)
            argp_failure(state, EXIT_OURS, 0, "--window: at most %u windows", PGW_WORKSETS_MAX);
        wss->worksets.window[wss->worksets.windows++] = n;
        at += len;
        if (*at == '\0')
            return;
    }
}

static unsigned
wss_rows(struct argp_state *state, const char *text)
{
    uint64_t n = measure_number(state, "--rows", text);

    if (n > 1000)
        argp_failure(state, EXIT_OURS, 0, "--rows: a heat map has 1 to 1000 rows, not %s", text);
    return (unsigned)n;
}

static error_t
wss_option(int key, char *arg, struct argp_state *state)
{
    struct wss_options *wss = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &wss->measure;
        return 0;
    case KEY_WINDOW:
        wss_windows(state, wss, arg);
        return 0;
    case KEY_ROWS:
        wss->worksets.rows = wss_rows(state, arg);
        return 0;
    case ARGP_KEY_ARG:
        measure_trace(state, &wss->measure, arg);
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_failure(
            state, EXIT_OURS, 0, "no trace: write pagewright wss [options] TRACE, - for a pipe");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void
wss_parse(int argc, char **argv, struct wss_options *wss)
{
    const struct argp_child children[] = {{&measure_argp, 0, NULL, 0}, {NULL, 0, NULL, 0}};
    const struct argp argp = {
        .options = options,
        .children = children,
        .parser = wss_option,
        .args_doc = "TRACE",
        .doc =
            "Says how many pages of a trace are in use, over time (Denning's working set), which "
            "addresses these are, and how long pages rest between uses.\v"
            "TRACE is a file of a format that pagewright trace knows, or - for standard input.\n\n"
            "The exit status is 0; 1 when a part of the trace is damaged, and was left out; 125 "
            "when something is wrong with the options or the trace; "
            "128+N when signal N interrupted it: what was measured until then is printed.",
    };

    memset(wss, 0, sizeof *wss);
    pgw_worksets_options_init(&wss->worksets);
    argp_parse(&argp, argc, argv, 0, NULL, wss);
    wss->worksets.page_size = wss->measure.page_size;
}

static int
wss_write(const struct wss_options *wss, const struct pgw_worksets *worksets,
    const struct measure_damage *damage)
{
    static bool (*const write[])(const struct wss_table *table, FILE *out) = {
        [MEASURE_TEXT] = wss_write_text,
        [MEASURE_CSV] = wss_write_csv,
        [MEASURE_JSON] = wss_write_json,
    };
    struct wss_table table = {.measure = &wss->measure, .worksets = worksets};

    pgw_worksets_get_info(worksets, &table.info);
    table.info.complete = table.info.complete && damage->pieces == 0;
    bool written = write[wss->measure.form](&table, stdout) && fflush(stdout) == 0;
    return measure_done(damage, written && !ferror(stdout), table.info.complete);
}

int
command_wss(int argc, char **argv)
{
    struct wss_options wss;
    struct measure_damage damage = {.command = "pagewright wss"};
    struct pgw_trace_options reading;
    struct pgw_worksets *worksets = NULL;
    char why[PGW_TRACE_WHY];

    wss_parse(argc, argv, &wss);
    wss.worksets.progress = measure_progress;
    measure_tell_damage(&reading, &damage);
    damage.path = wss.measure.path;
    longwork_catch();
    enum pgw_status status =
        pgw_worksets_measure(wss.measure.path, &reading, &wss.worksets, &worksets, why);
    longwork_progress_clear();
    if (status != PGW_OK) {
        fprintf(stderr, "pagewright wss: %s\n", why);
        return EXIT_OURS;
    }
    int code = wss_write(&wss, worksets, &damage);
    pgw_worksets_destroy(worksets);
    return code;
}
