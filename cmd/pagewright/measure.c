/* SPDX-License-Identifier: BSD-2-Clause */
#include "measure.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <pagewright/pagewright.h>

#include "commands.h"
#include "number.h"

#define WIDTH_USUAL 80u
#define WIDTH_LEAST 60u
#define WIDTH_MOST 400u

/* ---- options ---- */

enum { KEY_CSV = 0x200, KEY_JSON, KEY_PAGE_SIZE, KEY_WIDTH };

/* clang-format off */
static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "Output:", 2},
    {"csv", KEY_CSV, NULL, 0, "a table for spreadsheets", 0},
    {"json", KEY_JSON, NULL, 0, "everything, for programs", 0},
    {"width", KEY_WIDTH, "N", 0, "columns of text (default: the terminal's, or 80)", 0},
    {"page-size", KEY_PAGE_SIZE, "SIZE", 0, "bytes of a page, a power of two (default 4K)", 0},
    {NULL, 0, NULL, 0, NULL, 0},
};
/* clang-format on */

uint64_t
measure_number(struct argp_state *state, const char *option, const char *text)
{
    uint64_t n = 0;

    if (number_read(text, &n) != NUMBER || n == 0)
        argp_failure(state, EXIT_OURS, 0, "%s: \"%s\" is not a whole number above 0", option, text);
    return n;
}

double
measure_part(struct argp_state *state, const char *option, const char *text)
{
    char *end = NULL;
    double part = strtod(text, &end);

    if (end == text || *end != '\0' || !(part > 0 && part <= 1))
        argp_failure(state, EXIT_OURS, 0,
            "%s: \"%s\" is not a part of the pages: write a number above 0 and up to 1, such as "
            "0.01",
            option, text);
    return part;
}

void
measure_trace(struct argp_state *state, struct measure *measure, const char *path)
{
    if (measure->path != NULL)
        argp_failure(
            state, EXIT_OURS, 0, "\"%s\" is one word too many: one trace is measured", path);
    measure->path = path;
}

/* What one writes for people depends on where they look; files are the same everywhere. */
static unsigned
measure_terminal_width(void)
{
    struct winsize size;

    if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0)
        return WIDTH_USUAL;
    if (size.ws_col < WIDTH_LEAST)
        return WIDTH_LEAST;
    return size.ws_col > WIDTH_MOST ? WIDTH_MOST : size.ws_col;
}

static uint64_t
measure_page_size(struct argp_state *state, const char *text)
{
    uint64_t bytes = 0;

    if (pgw_size_parse(text, &bytes) != PGW_OK || bytes < 512 || (bytes & (bytes - 1)) != 0)
        argp_failure(state, EXIT_OURS, 0,
            "--page-size: \"%s\" is not the size of a page: write a power of two from 512 on, "
            "such as 64K",
            text);
    return bytes;
}

static unsigned
measure_width(struct argp_state *state, const char *text)
{
    uint64_t n = measure_number(state, "--width", text);

    if (n < WIDTH_LEAST || n > WIDTH_MOST)
        argp_failure(state, EXIT_OURS, 0, "--width: a width is %u to %u columns, not %s",
            WIDTH_LEAST, WIDTH_MOST, text);
    return (unsigned)n;
}

static void
measure_form(struct argp_state *state, struct measure *measure, enum measure_form form)
{
    if (measure->form != MEASURE_TEXT && measure->form != form)
        argp_failure(state, EXIT_OURS, 0, "--csv and --json: one form at a time: leave one out");
    measure->form = form;
}

static error_t
measure_option(int key, char *arg, struct argp_state *state)
{
    struct measure *measure = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        measure->page_size = 4096;
        measure->width = measure_terminal_width();
        return 0;
    case KEY_CSV:
        measure_form(state, measure, MEASURE_CSV);
        return 0;
    case KEY_JSON:
        measure_form(state, measure, MEASURE_JSON);
        return 0;
    case KEY_WIDTH:
        measure->width = measure_width(state, arg);
        return 0;
    case KEY_PAGE_SIZE:
        measure->page_size = measure_page_size(state, arg);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp measure_argp = {.options = options, .parser = measure_option};

/* ---- progress and the end ---- */

bool
measure_progress(void *ctx, const struct pgw_trace_info *info, uint64_t references)
{
    (void)ctx;
    longwork_progress("reading", info->read, info->bytes, references);
    return longwork_signal() == 0;
}

static void
measure_damaged(void *ctx, const struct pgw_trace_damage *damage)
{
    struct measure_damage *all = ctx;

    longwork_progress_clear();
    fprintf(stderr, "%s: %s: at byte %" PRIu64 ": %s", all->command, longwork_name(all->path),
        damage->offset, damage->what);
    if (damage->refs > 0)
        fprintf(stderr, ": %" PRIu64 " references are left out", damage->refs);
    fputc('\n', stderr);
    all->pieces++;
}

void
measure_tell_damage(struct pgw_trace_options *reading, struct measure_damage *damage)
{
    pgw_trace_options_init(reading);
    reading->damaged = measure_damaged;
    reading->ctx = damage;
}

int
measure_done(const struct measure_damage *damage, bool written, bool complete)
{
    if (!written) {
        fprintf(stderr, "%s: cannot write to standard output\n", damage->command);
        return EXIT_OURS;
    }
    if (!complete && longwork_signal() != 0)
        return 128 + longwork_signal();
    return damage->pieces > 0 ? EXIT_DAMAGED : 0;
}

/* ---- text ---- */

const char *
measure_bytes(uint64_t bytes, char out[MEASURE_TEXT_LEN])
{
    static const char units[] = "KMGTPE";
    double n = (double)bytes;
    int unit = -1;

    for (; n >= 1024 && unit < 5; n /= 1024)
        unit++;
    if (unit < 0)
        (void)snprintf(out, MEASURE_TEXT_LEN, "%" PRIu64, bytes);
    else
        (void)snprintf(out, MEASURE_TEXT_LEN, "%.*f%c", n < 10 ? 1 : 0, n, units[unit]);
    return out;
}

const char *
measure_time(double ns, char out[MEASURE_TEXT_LEN])
{
    static const char *const units[] = {"ns", "us", "ms", "s"};
    unsigned unit = 0;

    for (; fabs(ns) >= 1000 && unit < 3; ns /= 1000)
        unit++;
    (void)snprintf(out, MEASURE_TEXT_LEN, "%.*f %s",
        fabs(ns) >= 100  ? 0
        : fabs(ns) >= 10 ? 1
                         : 2,
        ns, units[unit]);
    return out;
}

const char *
measure_ratio(double ratio, char out[MEASURE_TEXT_LEN])
{
    double percent = 100 * ratio;
    int digits = percent >= 10 ? 1 : percent >= 1 ? 2 : 3;

    for (double least = 0.1; percent > 0 && percent < least && digits < 8; least /= 10)
        digits++;
    (void)snprintf(out, MEASURE_TEXT_LEN, "%.*f%%", digits, percent);
    return out;
}

void
measure_print_totals(
    FILE *out, const char *path, const struct measure_totals *totals, bool complete)
{
    char a[MEASURE_TEXT_LEN], b[MEASURE_TEXT_LEN], c[MEASURE_TEXT_LEN], d[MEASURE_TEXT_LEN];

    fprintf(out, "%s: %s reference%s%s: %s reads, %s writes, %s fetches\n", longwork_name(path),
        measure_count(totals->references, a), longwork_s(totals->references),
        complete                 ? ""
        : longwork_signal() != 0 ? " until it was interrupted"
                                 : ", NOT ALL OF IT",
        measure_count(totals->reads, b), measure_count(totals->writes, c),
        measure_count(totals->fetches, d));
    fprintf(out, "%s page%s of %" PRIu64 " bytes", measure_count(totals->pages, a),
        longwork_s(totals->pages), totals->page_size);
    fprintf(out, ", at most %s (%s) at a time\n", measure_count(totals->footprint, b),
        measure_bytes(totals->footprint * totals->page_size, c));
}
