/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PAGEWRIGHT_COMPARE_TABLE_H
#define PAGEWRIGHT_COMPARE_TABLE_H

#include <stdio.h>

#include "compare_row.h"

/* All that is known at the end. */
struct compare_table {
    const struct pgw_config *config;
    char *const *program;
    const struct compare_row *rows;
    size_t nrows;
};

/* "exit 0", "signal 11 (Segmentation fault): ...", "does not fit: ..." into out. */
void compare_end_text(const struct compare_row *row, char *out, size_t len);

uint64_t compare_walk_refs(const struct pgw_stats *stats);

/* False: it could not be written, or there was no memory. */
bool compare_write_text(const struct compare_table *table, FILE *out);
bool compare_write_csv(const struct compare_table *table, FILE *out);
bool compare_write_json(const struct compare_table *table, FILE *out);

#endif
