/* SPDX-License-Identifier: BSD-2-Clause */
/* What pagewright wss writes. */
#ifndef PAGEWRIGHT_WSS_OUT_H
#define PAGEWRIGHT_WSS_OUT_H

#include <pagewright/curve.h>

#include "measure.h"

struct wss_table {
    const struct measure *measure;
    const struct pgw_worksets *worksets;
    struct pgw_worksets_info info;
};

/* False: it could not be written, or there was no memory. */
bool wss_write_text(const struct wss_table *table, FILE *out);
bool wss_write_csv(const struct wss_table *table, FILE *out);
bool wss_write_json(const struct wss_table *table, FILE *out);

#endif
