/* SPDX-License-Identifier: BSD-2-Clause */
/* The options that say what machine a program runs on: those of every subcommand that runs one. */
#ifndef PAGEWRIGHT_MACHINE_OPTIONS_H
#define PAGEWRIGHT_MACHINE_OPTIONS_H

#include <argp.h>

#include <pagewright/pagewright.h>

#define MACHINE_GROUPS_MAX 63u

struct machine_options {
    struct pgw_config config;
    char swap_path[4096];                               /* what config.swap_path points to */
    struct pgw_group_config groups[MACHINE_GROUPS_MAX]; /* what config.groups points to ... */
    char group_names[MACHINE_GROUPS_MAX][256];          /* ... and its strings */
};

/*
 * All options of a machine but --mmu, as a child of a subcommand's own parser, which hands it the
 * struct machine_options (initialized) in ARGP_KEY_INIT.  Says what is wrong, and exits with
 * EXIT_OURS, if anything is.
 */
extern const struct argp machine_argp;

/* Reads what an option of this name was given, as these parsers do. */
uint64_t machine_size(struct argp_state *state, const char *option, const char *text);
uint64_t machine_number(struct argp_state *state, const char *option, const char *text);
void machine_cost(struct argp_state *state, struct pgw_cost *cost, const char *text); /* --cost */

/* What ends --help: the names that --mmu, --tlb, --policy and --swap take, from the library.  For
 * argp.help_filter. */
char *machine_help(int key, const char *text, void *input);

#endif
