/* SPDX-License-Identifier: BSD-2-Clause */
/* Curves for people: a picture of all, a table of each, and the sizes that matter. */
#include "mrc_out.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

const double mrc_ratios[MRC_KNEES] = {0.1, 0.01, 0.001};

#define PICTURE_ROWS 12u
#define MRC_FEW 100u /* pages of a sample below which chance rules it */
#define PICTURE_WIDTH_MAX 400u
#define MARKS "*ox+#@%&abcdefghijklmnpqrstuvwyz"

double
mrc_time(const struct mrc_table *table, const struct pgw_curve_point *point)
{
    const struct pgw_cost *cost = table->cost;

    return (double)table->info.references * (cost->tlb_ns + cost->ram_ns) +
           (double)point->misses * (cost->fault_ns + cost->disk_ns) +
           (double)point->writebacks * cost->disk_ns;
}

double
mrc_miss_ratio(const struct mrc_table *table, const struct pgw_curve_point *point)
{
    return (double)point->misses / (double)table->info.references;
}

/* Traces are reduced by pages of 4 KiB. */
static bool
mrc_other_pages(const struct mrc_table *table)
{
    return table->info.page_size != 4096;
}

uint64_t
mrc_from(const struct mrc_table *table)
{
    return table->info.reduced > 0 && !mrc_other_pages(table) ? table->info.reduced : 1;
}

uint64_t
mrc_first_point(const struct mrc_table *table, const struct pgw_curve *curve)
{
    struct pgw_curve_point point;
    struct pgw_curve_info is;
    uint64_t i = 0;

    pgw_curve_get_info(curve, &is);
    while (pgw_curve_get_point(curve, i, &point) == PGW_OK && point.frames < mrc_from(table))
        i++;
    /* A corner before that holds there, too. */
    return i > 0 && is.every_size && (i == is.points || point.frames > mrc_from(table)) ? i - 1 : i;
}

bool
mrc_get_point(const struct mrc_table *table, const struct pgw_curve *curve, uint64_t i,
    struct pgw_curve_point *point)
{
    if (pgw_curve_get_point(curve, i, point) != PGW_OK)
        return false;
    if (point->frames < mrc_from(table))
        point->frames = mrc_from(table);
    return true;
}

uint64_t
mrc_apart(const struct mrc_table *table, const struct pgw_curve *curve)
{
    uint64_t from = mrc_from(table), apart = table->info.footprint;
    struct pgw_curve_info is;

    pgw_curve_get_info(curve, &is);
    if (is.exact || !is.every_size || is.sample <= 0)
        return from;
    if (ceil(1 / is.sample) < (double)apart)
        apart = (uint64_t)ceil(1 / is.sample);
    return apart > from ? apart : from;
}

uint64_t
mrc_knee(const struct mrc_table *table, const struct pgw_curve *curve, double ratio)
{
    uint64_t least = pgw_curve_least(curve, ratio), i = mrc_first_point(table, curve);
    struct pgw_curve_point point;
    struct pgw_curve_info is;

    pgw_curve_get_info(curve, &is);
    if (least == 0 || least >= mrc_apart(table, curve))
        return least;
    if (is.every_size)
        return mrc_apart(table, curve);
    return mrc_get_point(table, curve, i, &point) ? point.frames : 0;
}

/* "lru, exact", "lru from 1.2% of the pages", "sieve at 24 sizes". */
static void
mrc_print_name(const struct mrc_table *table, const struct pgw_curve_info *is, FILE *out)
{
    char ratio[MEASURE_TEXT_LEN];

    fprintf(out, "%s", is->policy);
    if (!is->every_size)
        fprintf(out, ", at %" PRIu64 " sizes", is->points);
    if (is->exact)
        fprintf(out, ", exact");
    else
        fprintf(out, ", from %s of the pages", measure_ratio(is->sample, ratio));
    if (!is->exact && is->sampled < MRC_FEW)
        fprintf(out, " (%" PRIu64 " of them: too few to go by)", is->sampled);
    if (is->error >= 0 && !is->exact)
        fprintf(out, "; the miss ratio is %s off on average", measure_ratio(is->error, ratio));
    if (table->info.reduced > 0 && (mrc_other_pages(table) || strcmp(is->policy, "lru") != 0))
        fprintf(out, "; of the reduced trace: for the whole one an approximation");
    if (!is->writebacks)
        fprintf(out, "; times without write-backs");
    fputc('\n', out);
}

/* ---- the picture ---- */

static unsigned
mrc_columns(const struct mrc_table *table)
{
    unsigned columns = table->measure->width - 10;

    return columns < PICTURE_WIDTH_MAX ? columns : PICTURE_WIDTH_MAX;
}

/* The size at a column: from one frame to the footprint in equal proportions. */
static uint64_t
mrc_column_frames(const struct mrc_table *table, unsigned column, unsigned columns)
{
    double part = (double)column / (columns - 1);

    return (uint64_t)(pow((double)table->info.footprint, part) + 0.5);
}

static void
mrc_mark(const struct mrc_table *table, const struct pgw_curve_point *point, unsigned column,
    char mark, char picture[PICTURE_ROWS][PICTURE_WIDTH_MAX + 1])
{
    double height = mrc_miss_ratio(table, point) * PICTURE_ROWS;
    unsigned row = height >= 1 ? (unsigned)(ceil(height) - 1) : 0;

    row = row < PICTURE_ROWS ? row : PICTURE_ROWS - 1;
    if (picture[row][column] == ' ')
        picture[row][column] = mark;
}

/* A line, or the points of a curve that has no others. */
static void
mrc_draw(const struct mrc_table *table, const struct pgw_curve *curve, char mark, unsigned columns,
    char picture[PICTURE_ROWS][PICTURE_WIDTH_MAX + 1])
{
    double footprint = log((double)table->info.footprint);
    struct pgw_curve_point point;
    struct pgw_curve_info is;

    pgw_curve_get_info(curve, &is);
    for (unsigned column = 0; is.every_size && column < columns; column++) {
        uint64_t frames = mrc_column_frames(table, column, columns);
        if (frames < mrc_from(table) || is.points == 0)
            continue;
        pgw_curve_at(curve, frames, &point);
        mrc_mark(table, &point, column, mark, picture);
    }
    for (uint64_t i = mrc_first_point(table, curve);
         !is.every_size && mrc_get_point(table, curve, i, &point); i++) {
        double part = footprint > 0 ? log((double)point.frames) / footprint : 0;
        part = part < 1 ? part : 1;
        mrc_mark(table, &point, (unsigned)(part * (columns - 1) + 0.5), mark, picture);
    }
}

static void
mrc_print_scale(const struct mrc_table *table, unsigned columns, FILE *out)
{
    char text[MEASURE_TEXT_LEN];
    unsigned at = 0;

    fprintf(out, "   0%% +");
    for (unsigned column = 0; column < columns; column++)
        fputc('-', out);
    fprintf(out, "\n      ");
    for (unsigned column = 0; column + 8 <= columns; column += 12) {
        uint64_t frames = mrc_column_frames(table, column, columns);
        fprintf(out, "%*s", (int)(column - at), "");
        measure_bytes(frames * table->info.page_size, text);
        at = column + (unsigned)fprintf(out, "%s", text);
    }
    fprintf(out, "  of RAM\n\n");
}

static void
mrc_print_picture(const struct mrc_table *table, FILE *out)
{
    char picture[PICTURE_ROWS][PICTURE_WIDTH_MAX + 1];
    unsigned columns = mrc_columns(table);

    memset(picture, ' ', sizeof picture);
    for (unsigned i = 0; i < table->info.count; i++)
        mrc_draw(table, pgw_curves_get(table->curves, i), MARKS[i % (sizeof MARKS - 1)], columns,
            picture);
    fprintf(out, "\nmisses\n");
    for (unsigned row = PICTURE_ROWS; row-- > 0;) {
        unsigned len = columns;
        while (len > 0 && picture[row][len - 1] == ' ')
            len--;
        fprintf(out, "%s |%.*s\n",
            row == PICTURE_ROWS - 1       ? " 100%"
            : row == PICTURE_ROWS / 2 - 1 ? "  50%"
                                          : "     ",
            (int)len, picture[row]);
    }
    mrc_print_scale(table, columns, out);
}

/* ---- tables ---- */

static void
mrc_print_row(const struct mrc_table *table, uint64_t frames, const struct pgw_curve_point *point,
    bool writebacks, FILE *out)
{
    char a[MEASURE_TEXT_LEN], b[MEASURE_TEXT_LEN], c[MEASURE_TEXT_LEN], d[MEASURE_TEXT_LEN],
        e[MEASURE_TEXT_LEN], f[MEASURE_TEXT_LEN];

    fprintf(out, "%13s %7s %15s %9s %15s %9s\n", measure_count(frames, a),
        measure_bytes(frames * table->info.page_size, b), measure_count(point->misses, c),
        measure_ratio(mrc_miss_ratio(table, point), d),
        writebacks ? measure_count(point->writebacks, e) : "-",
        measure_time(mrc_time(table, point), f));
}

/* Each doubling, and the footprint. */
static void
mrc_print_doublings(
    const struct mrc_table *table, const struct pgw_curve *curve, bool writebacks, FILE *out)
{
    uint64_t from = mrc_from(table);
    uint64_t last = table->info.footprint > from ? table->info.footprint : from;
    struct pgw_curve_point point;

    for (uint64_t frames = from; frames < last; frames *= 2) {
        pgw_curve_at(curve, frames, &point);
        mrc_print_row(table, frames, &point, writebacks, out);
    }
    pgw_curve_at(curve, last, &point);
    mrc_print_row(table, last, &point, writebacks, out);
}

static void
mrc_print_points(
    const struct mrc_table *table, const struct pgw_curve *curve, bool writebacks, FILE *out)
{
    struct pgw_curve_point point;

    for (uint64_t i = mrc_first_point(table, curve); mrc_get_point(table, curve, i, &point); i++)
        mrc_print_row(table, point.frames, &point, writebacks, out);
}

/* ---- knees ---- */

/* "; half of it: 1.2 s more". */
static void
mrc_print_other(const struct mrc_table *table, const struct pgw_curve *curve, const char *name,
    uint64_t frames, double time, FILE *out)
{
    struct pgw_curve_point point;
    char text[MEASURE_TEXT_LEN];

    pgw_curve_at(curve, frames, &point);
    double other = mrc_time(table, &point);
    if (other == time)
        fprintf(out, "; %s: the same", name);
    else
        fprintf(out, "; %s: %s %s", name, measure_time(fabs(other - time), text),
            other > time ? "more" : "less");
}

/* Of a curve that has but some sizes, those beside this one. */
static void
mrc_print_beside(const struct mrc_table *table, const struct pgw_curve *curve, uint64_t frames,
    double time, FILE *out)
{
    struct pgw_curve_point point, before = {0};
    char name[2 * MEASURE_TEXT_LEN], size[MEASURE_TEXT_LEN];

    for (uint64_t i = mrc_first_point(table, curve); mrc_get_point(table, curve, i, &point); i++) {
        uint64_t beside = point.frames == frames ? before.frames : point.frames;
        if ((point.frames == frames && before.frames > 0) || before.frames == frames) {
            (void)snprintf(
                name, sizeof name, "%s", measure_bytes(beside * table->info.page_size, size));
            mrc_print_other(table, curve, name, beside, time, out);
        }
        before = point;
    }
}

static void
mrc_print_knee(const struct mrc_table *table, const struct pgw_curve *curve, bool every_size,
    double ratio, FILE *out)
{
    uint64_t frames = mrc_knee(table, curve, ratio), apart = mrc_apart(table, curve);
    char a[MEASURE_TEXT_LEN], b[MEASURE_TEXT_LEN], c[MEASURE_TEXT_LEN];
    struct pgw_curve_point point;

    fprintf(out, "  %4.1f%% miss: ", 100 * ratio);
    if (frames == 0) {
        double first = (double)table->info.pages / (double)table->info.references;
        fprintf(out, "no amount of RAM does (first uses alone are %s)\n", measure_ratio(first, a));
        return;
    }
    pgw_curve_at(curve, frames, &point);
    double time = mrc_time(table, &point);
    fprintf(out, "%s%s (%s page%s), %s",
        frames == apart && (apart > 1 || table->info.reduced > 0) ? "at most " : "",
        measure_bytes(frames * table->info.page_size, a), measure_count(frames, b),
        longwork_s(frames), measure_time(time, c));
    if (!every_size)
        mrc_print_beside(table, curve, frames, time, out);
    if (every_size && frames / 2 >= apart)
        mrc_print_other(table, curve, "half of it", frames / 2, time, out);
    if (every_size)
        mrc_print_other(table, curve, "twice", frames * 2, time, out);
    fputc('\n', out);
}

static void
mrc_print_curve(const struct mrc_table *table, unsigned i, FILE *out)
{
    const struct pgw_curve *curve = pgw_curves_get(table->curves, i);
    struct pgw_curve_info is;

    pgw_curve_get_info(curve, &is);
    fprintf(out, "%c ", MARKS[i % (sizeof MARKS - 1)]);
    mrc_print_name(table, &is, out);
    fprintf(out, "%13s %7s %15s %9s %15s %9s\n", "frames", "RAM", "misses", "ratio", "write-backs",
        "time");
    if (is.points == 0) {
        fprintf(out, "  nothing is known: no page is in the sample\n\n");
        return;
    }
    if (is.every_size)
        mrc_print_doublings(table, curve, is.writebacks, out);
    else
        mrc_print_points(table, curve, is.writebacks, out);
    fprintf(out, "  the least RAM so that\n");
    for (unsigned knee = 0; knee < MRC_KNEES; knee++)
        mrc_print_knee(table, curve, is.every_size, mrc_ratios[knee], out);
    fputc('\n', out);
}

bool
mrc_write_text(const struct mrc_table *table, FILE *out)
{
    const struct pgw_curves_info *info = &table->info;
    const struct measure_totals totals = {.references = info->references,
        .reads = info->reads,
        .writes = info->writes,
        .fetches = info->fetches,
        .pages = info->pages,
        .footprint = info->footprint,
        .page_size = info->page_size};
    char a[MEASURE_TEXT_LEN], b[MEASURE_TEXT_LEN], c[MEASURE_TEXT_LEN];

    measure_print_totals(out, table->measure->path, &totals, info->complete);
    if (table->sampled)
        fprintf(out, "seed %" PRIu64 "\n", table->seed);
    if (mrc_from(table) > 1)
        fprintf(out, "the trace was reduced: of less than %s frame%s there is nothing to say\n",
            measure_count(info->reduced, a), longwork_s(info->reduced));
    mrc_print_picture(table, out);
    for (unsigned i = 0; i < info->count; i++)
        mrc_print_curve(table, i, out);
    fprintf(out, "time: %s an access, %s a miss, %s a write-back (docs/cost-model.md)\n",
        measure_time(table->cost->tlb_ns + table->cost->ram_ns, a),
        measure_time(table->cost->fault_ns + table->cost->disk_ns, b),
        measure_time(table->cost->disk_ns, c));
    return !ferror(out);
}

bool
mrc_write_csv(const struct mrc_table *table, FILE *out)
{
    struct pgw_curve_point point;
    struct pgw_curve_info is;

    fprintf(out, "frames,misses,ratio,writebacks,policy,sample\r\n");
    for (unsigned i = 0; i < table->info.count; i++) {
        const struct pgw_curve *curve = pgw_curves_get(table->curves, i);
        pgw_curve_get_info(curve, &is);
        for (uint64_t at = mrc_first_point(table, curve); mrc_get_point(table, curve, at, &point);
             at++) {
            fprintf(out, "%" PRIu64 ",%" PRIu64 ",%.9f,", point.frames, point.misses,
                mrc_miss_ratio(table, &point));
            if (is.writebacks)
                fprintf(out, "%" PRIu64, point.writebacks);
            fprintf(out, ",%s,%.9g\r\n", is.policy, is.sample);
        }
    }
    return !ferror(out);
}
