/* SPDX-License-Identifier: BSD-2-Clause */
/* The options of `pagewright run`. */
#ifndef PAGEWRIGHT_RUN_OPTIONS_H
#define PAGEWRIGHT_RUN_OPTIONS_H

#include <pagewright/pagewright.h>

enum run_report { RUN_REPORT_TEXT, RUN_REPORT_JSON, RUN_REPORT_NONE };

struct run_options {
    struct pgw_config config;
    enum run_report report;
    const char *report_file; /* NULL: standard error */
    char **program;          /* its path and arguments, NULL-terminated */
    char swap_path[4096];    /* what config.swap_path points to */
};

/* Fills options from the command line.  Says what is wrong and exits with EXIT_OURS if it is. */
void run_options_parse(int argc, char **argv, struct run_options *options);

#endif
