/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of a comparison, for people and for spreadsheets. */
#include "compare_table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------------------------------- */
/* What a row says, in words                                                                */

void
compare_end_text(const struct compare_row *row, char *out, size_t len)
{
    switch (row->end) {
    case COMPARE_EXITED:
        (void)snprintf(out, len, "exit %d", row->code);
        break;
    case COMPARE_SIGNAL:
        (void)snprintf(out, len, "signal %d (%s)", row->code, strsignal(row->code));
        break;
    case COMPARE_MEMORY:
    case COMPARE_UNFIT:
        (void)snprintf(out, len, "does not fit");
        break;
    case COMPARE_BROKEN:
        (void)snprintf(out, len,
            row->code != 0 ? "pagewright failed: signal %d" : "pagewright failed", row->code);
        break;
    case COMPARE_STOPPED:
        (void)snprintf(out, len, "interrupted");
        break;
    }
    size_t at = strlen(out);
    if (compare_ended(row) && !row->same && at < len)
        at += (size_t)snprintf(out + at, len - at, ", NOT AS THE OTHERS");
    if (row->note[0] != '\0' && at < len)
        (void)snprintf(out + at, len - at, ": %s", row->note);
}

uint64_t
compare_walk_refs(const struct pgw_stats *stats)
{
    uint64_t total = 0;

    for (unsigned i = 0; i < PGW_LEVELS_MAX; i++)
        total += stats->walk_refs[i];
    return total;
}

static double
compare_per_1000(uint64_t n, const struct pgw_stats *stats)
{
    return stats->instructions > 0 ? 1000.0 * (double)n / (double)stats->instructions : 0;
}

/* ---------------------------------------------------------------------------------------- */
/* Text                                                                                     */

#define CELL 32

enum column {
    COLUMN_MMU,
    COLUMN_INSTRUCTIONS,
    COLUMN_MINOR,
    COLUMN_MAJOR,
    COLUMN_REFS,
    COLUMN_RATE,
    COLUMN_L1,
    COLUMN_L2,
    COLUMN_TABLES,
    COLUMN_HOLES,
    COLUMN_ACCESS,
    COLUMNS
};

/* Two lines of headings. */
static const char *const headings[2][COLUMNS] = {
    {"", "", "minor", "major", "walk", "a 1000", "L1 TLB", "L2 TLB", "table", "fragmen-", "ns an"},
    {"scheme", "instructions", "faults", "faults", "references", "instr.", "misses", "misses",
        "memory", "tation", "access"},
};

static void
table_count(char cell[CELL], uint64_t n)
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%" PRIu64, n);
    char *to = cell;

    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
}

/* "28K", "1.5M", "8.0T". */
static void
table_size(char cell[CELL], uint64_t bytes)
{
    static const char units[] = "MGTPE";
    double size = (double)bytes / (1 << 20);
    unsigned unit = 0;

    for (; size >= 1024; size /= 1024)
        unit++;
    if (bytes < (uint64_t)1 << 20)
        (void)snprintf(cell, CELL, "%" PRIu64 "K", bytes >> 10);
    else
        (void)snprintf(cell, CELL, "%.1f%c", size, units[unit]);
}

/* Figures of translation: what is not counted is a dash, which is not zero. */
static void
table_translation(char cells[COLUMNS][CELL], const struct pgw_stats *s)
{
    if (!s->tlb_modelled)
        return;
    table_count(cells[COLUMN_REFS], compare_walk_refs(s));
    (void)snprintf(cells[COLUMN_RATE], CELL, "%.3f", compare_per_1000(compare_walk_refs(s), s));
    table_count(cells[COLUMN_L1], s->l1i_misses + s->l1d_misses);
    if (s->l2_hits + s->l2_misses > 0)
        table_count(cells[COLUMN_L2], s->l2_misses);
}

static void
table_cells(char cells[COLUMNS][CELL], const struct compare_row *row)
{
    const struct pgw_stats *s = &row->stats;

    for (unsigned i = 1; i < COLUMNS; i++)
        (void)snprintf(cells[i], CELL, "-");
    if (!compare_counted(row))
        return;
    table_count(cells[COLUMN_INSTRUCTIONS], s->instructions);
    table_count(cells[COLUMN_MINOR], s->minor);
    table_count(cells[COLUMN_MAJOR], s->major);
    table_translation(cells, s);
    if (s->contiguous)
        (void)snprintf(cells[COLUMN_HOLES], CELL, "%.1f%%", 100 * s->fragmentation_peak);
    else if (s->tables_peak > 0)
        table_size(cells[COLUMN_TABLES], s->tables_peak * PGW_PAGE_SIZE);
    (void)snprintf(cells[COLUMN_ACCESS], CELL, "%.3f", s->access_ns);
}

/* How wide each column must be. */
static void
table_widths(const struct compare_table *table, int widths[COLUMNS])
{
    char cells[COLUMNS][CELL];

    for (unsigned c = 0; c < COLUMNS; c++) {
        for (unsigned line = 0; line < 2; line++) {
            int len = (int)strlen(headings[line][c]);
            widths[c] = len > widths[c] ? len : widths[c];
        }
    }
    for (size_t r = 0; r < table->nrows; r++) {
        int len = (int)strlen(table->rows[r].mmu);
        widths[COLUMN_MMU] = len > widths[COLUMN_MMU] ? len : widths[COLUMN_MMU];
        table_cells(cells, &table->rows[r]);
        for (unsigned c = 1; c < COLUMNS; c++) {
            len = (int)strlen(cells[c]);
            widths[c] = len > widths[c] ? len : widths[c];
        }
    }
}

static void
table_head(const struct compare_table *table, FILE *out)
{
    const struct pgw_config *config = table->config;
    char ram[CELL];

    table_size(ram, config->ram);
    for (size_t i = 0; table->program[i] != NULL; i++)
        fprintf(out, "%s%s", i > 0 ? " " : "", table->program[i]);
    fprintf(out, " on %zu schemes: %s of RAM, policy %s, TLB %s, seed %" PRIu64 "\n\n",
        table->nrows, ram, config->policy, config->tlb, config->seed);
}

bool
compare_write_text(const struct compare_table *table, FILE *out)
{
    int widths[COLUMNS] = {0};
    char cells[COLUMNS][CELL], end[COMPARE_NOTE_MAX + 64];

    table_widths(table, widths);
    table_head(table, out);
    for (unsigned line = 0; line < 2; line++) {
        fprintf(out, "%-*s", widths[COLUMN_MMU], headings[line][COLUMN_MMU]);
        for (unsigned c = 1; c < COLUMNS; c++)
            fprintf(out, "  %*s", widths[c], headings[line][c]);
        fprintf(out, line == 0 ? "\n" : "  ended\n");
    }
    for (size_t r = 0; r < table->nrows; r++) {
        table_cells(cells, &table->rows[r]);
        fprintf(out, "%-*s", widths[COLUMN_MMU], table->rows[r].mmu);
        for (unsigned c = 1; c < COLUMNS; c++)
            fprintf(out, "  %*s", widths[c], cells[c]);
        compare_end_text(&table->rows[r], end, sizeof end);
        fprintf(out, "  %s\n", end);
    }
    return fflush(out) == 0 && !ferror(out);
}

/* ---------------------------------------------------------------------------------------- */
/* CSV, RFC 4180; what is not counted is empty                                              */

static void
csv_text(FILE *out, const char *text)
{
    (void)fputc('"', out);
    for (; *text != '\0'; text++) {
        if (*text == '"')
            (void)fputc('"', out);
        (void)fputc(*text, out);
    }
    (void)fputc('"', out);
}

static void
csv_translation(const struct pgw_stats *s, FILE *out)
{
    uint64_t refs = compare_walk_refs(s);

    if (!s->tlb_modelled) {
        fprintf(out, ",,,,,,");
        return;
    }
    fprintf(out, ",%" PRIu64 ",%" PRIu64 ",%.6f,%" PRIu64 ",%" PRIu64 ",%" PRIu64, s->walks, refs,
        compare_per_1000(refs, s), s->l1i_misses, s->l1d_misses, s->l2_misses);
}

static void
csv_figures(const struct pgw_stats *s, FILE *out)
{
    fprintf(out, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64, s->instructions, s->minor, s->major);
    csv_translation(s, out);
    fprintf(out, ",%" PRIu64, s->tables_peak * PGW_PAGE_SIZE);
    if (s->contiguous)
        fprintf(out, ",%.6f,%" PRIu64 ",%" PRIu64, s->fragmentation_peak, s->fit_failures,
            s->compaction_moved);
    else
        fprintf(out, ",,,");
    fprintf(out, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%.6f", s->space_switches,
        s->switch_registers, s->switch_flushed, s->access_ns);
}

bool
compare_write_csv(const struct compare_table *table, FILE *out)
{
    char end[COMPARE_NOTE_MAX + 64];

    fprintf(out, "scheme,instructions,minor_faults,major_faults,walks,walk_references,"
                 "walk_references_per_1000_instructions,l1_instruction_misses,l1_data_misses,"
                 "l2_misses,table_bytes_peak,fragmentation_peak,fit_failures,compaction_pages,"
                 "space_switches,switch_registers,switch_flushed,access_ns,same,ended\r\n");
    for (size_t r = 0; r < table->nrows; r++) {
        const struct compare_row *row = &table->rows[r];
        csv_text(out, row->mmu);
        if (compare_counted(row))
            csv_figures(&row->stats, out);
        else
            fprintf(out, ",,,,,,,,,,,,,,,,,");
        fprintf(out, ",%s,", compare_ended(row) ? row->same ? "yes" : "no" : "");
        compare_end_text(row, end, sizeof end);
        csv_text(out, end);
        fprintf(out, "\r\n");
    }
    return fflush(out) == 0 && !ferror(out);
}
