/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interpreter of `pagewright shell` and `pagewright script`: a machine, processes with names,
 * and lines that drive them.
 *
 * A line is a verb with arguments.  The verbs are one table (verb.c); what a verb needs of the
 * interpreter is here and in script_args.h.
 *
 * A line ends in one of five ways, and says why in message:
 *
 *     SCRIPT_OK       it was done
 *     SCRIPT_UNMET    an expectation does not hold; the script goes on, and its exit code is 1
 *     SCRIPT_REFUSED  the machine cannot do it (status says how, in the library's words)
 *     SCRIPT_MISTAKE  it is no line of the language
 *     SCRIPT_QUIT     there shall be no further line
 *
 * A script ends at the first line that is refused or mistaken; a shell goes on.
 */
#ifndef PAGEWRIGHT_SCRIPT_H
#define PAGEWRIGHT_SCRIPT_H

#include <pagewright/pagewright.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "script_lex.h"

enum script_result { SCRIPT_OK, SCRIPT_UNMET, SCRIPT_REFUSED, SCRIPT_MISTAKE, SCRIPT_QUIT };

/* A space of the machine, by the name that the script gave it. */
struct script_process {
    TAILQ_ENTRY(script_process) link;
    struct pgw_space *space;
    char name[32];
};

TAILQ_HEAD(script_processes, script_process);

/* What a script may take of the host, so that no input makes it run out of memory or time. */
struct script_limits {
    uint64_t ram;       /* bytes of simulated RAM, and of swap */
    uint64_t len;       /* bytes that one touch or fill goes through */
    uint64_t scan;      /* pages of a process that swap looks at */
    unsigned processes; /* at one time */
};

/* Where lines come from; on the stack of who reads them. */
struct script_source {
    struct script_source *outer; /* the one that it was named in */
    const char *name;            /* as messages call it; NULL: a terminal, messages name no place */
    unsigned line;
    dev_t dev; /* of the file; with ino, so that a file does not read itself for ever */
    ino_t ino;
};

struct script {
    /* Set by script_init(), and may be changed then. */
    FILE *out, *err;
    struct script_limits limits;
    bool echo;                   /* each line is written to out before it is done */
    bool no_files;               /* verbs that open files or run programs are refused */
    volatile sig_atomic_t *stop; /* set it to end a long line; NULL: nobody will */

    /* The interpreter's own. */
    struct pgw_system *system; /* NULL: none yet */
    struct script_processes processes;
    unsigned nprocesses;
    struct script_source *source;           /* the innermost */
    char message[1024];                     /* of the last line that was not OK */
    enum pgw_status status;                 /* with SCRIPT_REFUSED */
    unsigned expectations, unmet, mistakes; /* so far */
};

void script_init(struct script *script, FILE *out, FILE *err);
void script_fini(struct script *script);

/* Does one line, without telling anybody how it ended. */
enum script_result script_line(struct script *script, const char *line);
/* The same of a line that has been split.  words->n is above 0. */
enum script_result script_words(struct script *script, const struct script_word *word, size_t n);

/* Counts how a line ended and writes message to err, after the place of the line. */
void script_tell(struct script *script, enum script_result result);

/*
 * Does the lines of in, telling how each ended, up to its end, a quit, or, unless go_on, a line
 * that was refused or mistaken; returns how the last one ended.  name: see script_source.
 */
enum script_result script_stream(struct script *script, FILE *in, const char *name, bool go_on);

/* The same of the file at path; relative to the folder of the file that it is named in.  *opened:
 * false if it cannot be read; message says why. */
enum script_result script_file(struct script *script, const char *path, bool go_on, bool *opened);

/* path as seen from the folder of the innermost source, in buf.  False: it is too long. */
bool script_path(const struct script *script, const char *path, char *buf, size_t size);

/* The exit code for what happened so far. */
int script_exit_code(const struct script *script);

/* For verbs: sets message and returns SCRIPT_MISTAKE. */
enum script_result script_mistake(struct script *script, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Sets message to the library's words for status and returns SCRIPT_REFUSED; SCRIPT_OK for PGW_OK.
 */
enum script_result script_refused(struct script *script, enum pgw_status status);

/* Makes the default machine if there is none yet. */
enum script_result script_need_system(struct script *script);
/* Makes a machine in place of the one there is, which ends with all its processes. */
enum script_result script_machine(struct script *script, struct pgw_config *config);
/* The configuration to start from. */
void script_config(const struct script *script, struct pgw_config *config);

/* NULL: there is none of that name. */
struct script_process *script_process_find(const struct script *script, const char *name);
/* The one whose space has this number; NULL: there is none. */
struct script_process *script_process_of_id(const struct script *script, uint64_t id);
/* Checks that there may be a process of this name. */
enum script_result script_process_check(struct script *script, const char *name);
/* Gives space, which is taken over (NULL: a new one, made here), a name that was checked. */
enum script_result script_process_add(
    struct script *script, const char *name, struct pgw_space *space);
void script_process_end(struct script *script, struct script_process *process);

/* The mistake that a word is no verb, with the one that may have been meant. */
enum script_result script_no_verb(struct script *script, const char *name);

/* Has somebody asked to end this line?  Then message says so. */
bool script_stopped(struct script *script);

#endif
