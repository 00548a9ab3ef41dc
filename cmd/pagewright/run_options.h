/* SPDX-License-Identifier: BSD-2-Clause */
/* The options of `pagewright run`. */
#ifndef PAGEWRIGHT_RUN_OPTIONS_H
#define PAGEWRIGHT_RUN_OPTIONS_H

#include <pagewright/pagewright.h>

#include "machine_options.h"

enum run_report { RUN_REPORT_TEXT, RUN_REPORT_JSON, RUN_REPORT_NONE };

struct run_options {
    struct machine_options machine;
    enum run_report report;
    const char *report_file; /* NULL: standard error */
    bool check;              /* the machine itself, at the end */
    char **program;          /* its path and arguments, NULL-terminated */
};

/* Fills options from the command line.  Says what is wrong and exits with EXIT_OURS if it is. */
void run_options_parse(int argc, char **argv, struct run_options *options);

#endif
