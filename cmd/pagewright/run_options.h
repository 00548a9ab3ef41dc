/* SPDX-License-Identifier: BSD-2-Clause */
/* Running a program as `pagewright run` does, and its options. */
#ifndef PAGEWRIGHT_RUN_OPTIONS_H
#define PAGEWRIGHT_RUN_OPTIONS_H

#include <argp.h>

#include <pagewright/pagewright.h>

#include "machine_options.h"

enum run_report { RUN_REPORT_TEXT, RUN_REPORT_JSON, RUN_REPORT_NONE };

struct run_options {
    const char *name; /* of the command, for messages */
    struct machine_options machine;
    enum run_report report;
    const char *report_file; /* NULL: standard error */
    bool check;              /* the machine itself, at the end */
    char **program;          /* its path and arguments, NULL-terminated */
    /* What else is to be done with the machine before it runs; false: it was said why not.  NULL:
     * nothing. */
    bool (*prepare)(struct pgw_system *system, const struct run_options *options);
};

/* Sets options to their defaults. */
void run_options_init(struct run_options *options, const char *name);

/* The options of run, for commands that have more; its input is a struct run_options. */
extern const struct argp run_argp;

/* Runs the program on the machine, and reports; returns the exit code. */
int run_machine(struct run_options *options);

#endif
