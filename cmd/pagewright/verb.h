/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The verbs of the language: one row and one function each.
 *
 * Some verbs have a value, which `expect` compares and which the verb, given by itself, prints.
 */
#ifndef PAGEWRIGHT_VERB_H
#define PAGEWRIGHT_VERB_H

#include "script.h"

struct args;

enum verb_kind { VERB_NUMBER, VERB_REAL, VERB_TEXT };

struct verb_value {
    enum verb_kind kind;
    uint64_t number;
    double real;
    char text[256];
};

struct verb {
    const char *name;
    const char *usage; /* its arguments */
    const char *help;  /* what it does, one sentence */
    const char *example;
    enum script_result (*run)(struct args *args); /* NULL: it prints its value */
    enum script_result (*value)(
        struct args *args, struct verb_value *value); /* NULL: it has none */
    bool bare; /* it steers the script itself, and cannot be what `expect fails` tries */
};

/* The i-th verb, in the order of help; NULL: there are fewer. */
const struct verb *verb_at(size_t i);
/* NULL: there is none of that name. */
const struct verb *verb_find(const char *name);

/* Writes a value as expect and the verbs themselves do. */
void verb_value_print(char *buf, size_t size, const struct verb_value *value);

/* Rights as "rwx", with - for those that are not there. */
const char *verb_rights(unsigned prot, char buf[4]);

/* The rows' functions. */
enum script_result verb_machine(struct args *args);
enum script_result verb_process(struct args *args);
enum script_result verb_end(struct args *args);
enum script_result verb_fork(struct args *args);
enum script_result verb_share(struct args *args);
enum script_result verb_switch(struct args *args);
enum script_result verb_map(struct args *args);
enum script_result verb_unmap(struct args *args);
enum script_result verb_protect(struct args *args);
enum script_result verb_resize(struct args *args);
enum script_result verb_write(struct args *args);
enum script_result verb_fill(struct args *args);
enum script_result verb_read(struct args *args);
enum script_result verb_read_value(struct args *args, struct verb_value *value);
enum script_result verb_touch(struct args *args);
enum script_result verb_evict(struct args *args);
enum script_result verb_compact(struct args *args);
enum script_result verb_maps(struct args *args);
enum script_result verb_page(struct args *args);
enum script_result verb_page_value(struct args *args, struct verb_value *value);
enum script_result verb_frames(struct args *args);
enum script_result verb_partitions(struct args *args);
enum script_result verb_swap(struct args *args);
enum script_result verb_tlb(struct args *args);
enum script_result verb_walk(struct args *args);
enum script_result verb_pagetable(struct args *args);
enum script_result verb_stat(struct args *args);
enum script_result verb_stat_value(struct args *args, struct verb_value *value);
enum script_result verb_check(struct args *args);
enum script_result verb_run(struct args *args);
enum script_result verb_run_value(struct args *args, struct verb_value *value);
enum script_result verb_expect(struct args *args);
enum script_result verb_source(struct args *args);
enum script_result verb_echo(struct args *args);
enum script_result verb_help(struct args *args);
enum script_result verb_quit(struct args *args);

#endif
