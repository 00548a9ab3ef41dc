/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The arguments of a line, taken one after the other.
 *
 * What is wrong with one is kept, and the calls after it return something harmless; so a verb takes
 * all its arguments, and looks once, with args_done(), whether they were good.
 */
#ifndef PAGEWRIGHT_SCRIPT_ARGS_H
#define PAGEWRIGHT_SCRIPT_ARGS_H

#include "script.h"
#include "verb.h"

struct args {
    struct script *script;
    const struct verb *verb;
    const struct script_word *word; /* the next one */
    size_t left;
    bool bad; /* message says why */
};

/* A mistake in the arguments; the verb's usage is added. */
void args_wrong(struct args *args, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* True if all arguments were good and none is left over; says what is wrong with one that is. */
bool args_done(struct args *args);

/* Is there one more, whatever it is? */
bool args_more(const struct args *args);

/* The next word, whatever it is; what: what it stands for, as in "an address".  "" if there is
 * none. */
const char *args_word(struct args *args, const char *what);

/* Takes the next word if it is this keyword. */
bool args_keyword(struct args *args, const char *keyword);

/* Is the next word a number?  It is not taken. */
bool args_is_number(const struct args *args);
uint64_t args_number(struct args *args, const char *what);

/* A number of bytes to go through, which is limited. */
uint64_t args_length(struct args *args);

/* A process by its name; NULL if there is none. */
struct script_process *args_process(struct args *args);

/* A mask of PGW_READ, PGW_WRITE and PGW_EXEC, from letters of rwx, or none. */
unsigned args_rights(struct args *args);

/* "read", "write" or "exec" as PGW_READ, PGW_WRITE or PGW_EXEC, taken if it is next; otherwise
 * missing. */
unsigned args_access(struct args *args, unsigned missing);

#endif
