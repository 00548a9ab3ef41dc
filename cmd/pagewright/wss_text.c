/* SPDX-License-Identifier: BSD-2-Clause */
/* Working sets for people. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "wss_out.h"

#define CHART_ROWS 8u
#define WIDTH_MAX 400u
#define HEAT_LABEL 24u /* columns before a row of the heat map */
#define SHADES " .:-=+*#%@"

static void
wss_print_windows(const struct wss_table *table, FILE *out)
{
    char text[7][MEASURE_TEXT_LEN];
    struct pgw_workset set;

    fprintf(out, "\nworking set, in pages\n%11s %9s %9s %9s %9s %9s %11s\n", "window", "min", "10%",
        "50%", "90%", "max", "mean");
    for (unsigned i = 0; pgw_worksets_get(table->worksets, i, &set) == PGW_OK; i++)
        fprintf(out, "%11s %9s %9s %9s %9s %9s %11.1f (%s)\n", measure_count(set.window, text[0]),
            measure_count(set.min, text[1]), measure_count(set.p10, text[2]),
            measure_count(set.p50, text[3]), measure_count(set.p90, text[4]),
            measure_count(set.max, text[5]), set.mean,
            measure_bytes((uint64_t)(set.mean * (double)table->info.page_size), text[6]));
}

/* As many columns as there is room for, or as there are slices. */
static unsigned
wss_columns(unsigned slices, unsigned room)
{
    return slices < room ? slices : room;
}

/* The first slice of a column; of the one after it: where the column ends. */
static unsigned
wss_slice(unsigned slices, unsigned columns, unsigned column)
{
    return column * slices / columns;
}

/* The largest of the slices of a column: peaks are what RAM is bought for. */
static double
wss_column(const struct pgw_workset *set, unsigned slices, unsigned columns, unsigned column)
{
    double most = 0;

    for (unsigned i = wss_slice(slices, columns, column);
         i < wss_slice(slices, columns, column + 1); i++)
        most = set->slice[i] > most ? set->slice[i] : most;
    return most;
}

static void
wss_print_axis(unsigned label, unsigned columns, uint64_t references, FILE *out)
{
    char text[MEASURE_TEXT_LEN];

    fprintf(out, "%*s+", (int)label, "");
    for (unsigned i = 0; i < columns; i++)
        fputc('-', out);
    fprintf(out, ">\n%*s 0 to %s references\n", (int)label, "", measure_count(references, text));
}

/* Of one window, over time. */
static void
wss_print_chart(const struct wss_table *table, const struct pgw_workset *set, FILE *out)
{
    unsigned slices = table->info.slices;
    unsigned columns = wss_columns(slices, table->measure->width - 10);
    char text[MEASURE_TEXT_LEN], size[MEASURE_TEXT_LEN];
    double most = 0;

    for (unsigned i = 0; i < columns; i++)
        most = fmax(most, wss_column(set, slices, columns, i));
    fprintf(out, "\nover time, window %s\n", measure_count(set->window, text));
    measure_bytes((uint64_t)(most * (double)table->info.page_size), size);
    for (unsigned row = CHART_ROWS; row > 0; row--) {
        char bars[WIDTH_MAX + 1];
        unsigned len = 0;
        for (unsigned i = 0; i < columns && i < WIDTH_MAX; i++) {
            bool filled = wss_column(set, slices, columns, i) > most * (row - 1) / CHART_ROWS;
            bars[i] = filled ? '#' : ' ';
            len = filled ? i + 1 : len;
        }
        fprintf(out, "%7s |%.*s\n", row == CHART_ROWS ? size : "", (int)len, bars);
    }
    wss_print_axis(8, columns, table->info.references, out);
}

/* ---- the heat map ---- */

/* References to a column, on average over its slices: not all columns have as many. */
static double
wss_heat(const struct pgw_heat *heat, unsigned of, unsigned columns, unsigned column)
{
    unsigned from = wss_slice(of, columns, column), to = wss_slice(of, columns, column + 1);
    double sum = 0;

    for (unsigned i = from; i < to; i++)
        sum += (double)heat->count[i];
    return sum / (to - from);
}

/* By the number's size: each shade is so many times the one before. */
static char
wss_shade(double count, double most)
{
    const unsigned shades = sizeof SHADES - 2; /* besides the blank */

    if (count <= 0)
        return ' ';
    double part = log1p(count) / log1p(most);
    unsigned shade = (unsigned)(part * (shades - 1) + 0.5);
    return SHADES[1 + (shade < shades ? shade : shades - 1)];
}

static void
wss_print_heat_row(
    const struct pgw_heat *heat, unsigned of, unsigned columns, double most, FILE *out)
{
    char cells[PGW_WORKSET_SLICES + 1];
    unsigned len = 0;

    for (unsigned i = 0; i < columns; i++) {
        cells[i] = wss_shade(wss_heat(heat, of, columns, i), most);
        len = cells[i] != ' ' ? i + 1 : len;
    }
    fprintf(out, "%5" PRIu32 " %#17" PRIx64 " |%.*s\n", heat->process, heat->va, (int)len, cells);
}

static void
wss_print_heat(const struct wss_table *table, FILE *out)
{
    unsigned of = table->info.columns;
    unsigned columns = wss_columns(of, table->measure->width - HEAT_LABEL - 2);
    struct pgw_heat heat, before = {0};
    char text[MEASURE_TEXT_LEN];
    double most = 0;

    for (unsigned i = 0; pgw_worksets_get_heat(table->worksets, i, &heat) == PGW_OK; i++) {
        for (unsigned k = 0; k < columns; k++)
            most = fmax(most, wss_heat(&heat, of, columns, k));
    }
    fprintf(out, "\nreferences by address and time: a row is %s, of \"%s\" each sign is more\n",
        measure_bytes(table->info.row_bytes, text), SHADES);
    fprintf(out, "%5s %17s\n", "proc.", "address");
    for (unsigned i = 0; pgw_worksets_get_heat(table->worksets, i, &heat) == PGW_OK; i++) {
        bool next = heat.process == before.process && heat.va - before.va == table->info.row_bytes;
        if (i > 0 && !next)
            fprintf(out, "%23s |\n", "...");
        wss_print_heat_row(&heat, of, columns, most, out);
        before = heat;
    }
    wss_print_axis(HEAT_LABEL, columns, table->info.references, out);
    if (table->info.left_out > 0)
        fprintf(out, "%s references of further processes are not shown\n",
            measure_count(table->info.left_out, text));
}

/* ---- distances ---- */

static void
wss_print_bins(const struct wss_table *table, const char *title, const char *unit,
    const uint64_t *bins, FILE *out)
{
    char a[MEASURE_TEXT_LEN], b[MEASURE_TEXT_LEN], c[MEASURE_TEXT_LEN];
    unsigned first = PGW_WORKSET_BINS, last = 0, room = table->measure->width - 54;
    uint64_t most = 0, all = 0;

    for (unsigned k = 0; k < PGW_WORKSET_BINS; k++) {
        first = bins[k] > 0 && k < first ? k : first;
        last = bins[k] > 0 ? k : last;
        most = bins[k] > most ? bins[k] : most;
        all += bins[k];
    }
    fprintf(out, "%s\n", title);
    if (all == 0)
        fprintf(out, "  there are none\n");
    for (unsigned k = first; k <= last && all > 0; k++) {
        unsigned bar = (unsigned)((double)bins[k] / (double)most * room + 0.5);
        fprintf(out, "%13s to %13s %-6s %13s%s", measure_count((uint64_t)1 << k, a),
            measure_count(((uint64_t)2 << k) - 1, b), k == first ? unit : "",
            measure_count(bins[k], c), bar > 0 ? " " : "");
        for (unsigned i = 0; i < bar; i++)
            fputc('#', out);
        fputc('\n', out);
    }
}

bool
wss_write_text(const struct wss_table *table, FILE *out)
{
    const struct pgw_worksets_info *info = &table->info;
    const struct measure_totals totals = {.references = info->references,
        .reads = info->reads,
        .writes = info->writes,
        .fetches = info->fetches,
        .pages = info->pages,
        .footprint = info->footprint,
        .page_size = info->page_size};
    char text[MEASURE_TEXT_LEN];
    struct pgw_workset set;

    measure_print_totals(out, table->measure->path, &totals, info->complete);
    if (info->reduced > 0)
        fprintf(out, "the trace was reduced: all of this is but an approximation\n");
    wss_print_windows(table, out);
    for (unsigned i = 0; pgw_worksets_get(table->worksets, i, &set) == PGW_OK; i++)
        wss_print_chart(table, &set, out);
    wss_print_heat(table, out);
    wss_print_bins(table, "\nreferences between two uses of a page", "refs", info->reuse_time, out);
    fprintf(out, "\n%s first uses of a page", measure_count(info->first_uses, text));
    wss_print_bins(table, ", and further ones by the frames that make them hits", "frames",
        info->reuse_distance, out);
    wss_print_bins(table, "\npages that were written, by the frames that save writing them back",
        "frames", info->writeback_distance, out);
    return !ferror(out);
}

bool
wss_write_csv(const struct wss_table *table, FILE *out)
{
    struct pgw_workset set;

    fprintf(out, "window,reference,pages\r\n");
    for (unsigned i = 0; pgw_worksets_get(table->worksets, i, &set) == PGW_OK; i++) {
        for (unsigned k = 0; k < table->info.slices; k++)
            fprintf(out, "%" PRIu64 ",%" PRIu64 ",%.3f\r\n", set.window, k * table->info.slice,
                set.slice[k]);
    }
    return !ferror(out);
}
