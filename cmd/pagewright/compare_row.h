/* SPDX-License-Identifier: BSD-2-Clause */
/* One program on one scheme: how that went, and what it took. */
#ifndef PAGEWRIGHT_COMPARE_ROW_H
#define PAGEWRIGHT_COMPARE_ROW_H

#include <stdbool.h>

#include <pagewright/pagewright.h>

#define COMPARE_NAME_MAX 128u /* bytes of a scheme's name with its options, and the NUL */
#define COMPARE_NOTE_MAX 512u

enum compare_end {
    COMPARE_EXITED, /* code: its exit status */
    COMPARE_SIGNAL, /* code: the signal that ended it */
    COMPARE_MEMORY, /* the same, because RAM and swap were full */
    COMPARE_UNFIT,  /* it could not even be started; status and note say why */
    COMPARE_BROKEN, /* the machine itself failed; code: the signal that ended it, or 0 */
    COMPARE_STOPPED /* by an interrupt, or never begun for one */
};

/* What a program wrote to one descriptor. */
struct compare_output {
    uint64_t bytes, hash; /* XXH3, 64 bits */
};

struct compare_row {
    char mmu[COMPARE_NAME_MAX];
    enum compare_end end;
    int code;
    enum pgw_status status;
    char note[COMPARE_NOTE_MAX]; /* the first thing that the machine said of it, or why it is unfit
                                  */
    struct pgw_stats stats;      /* unless UNFIT, BROKEN or STOPPED */
    struct compare_output out, err;
    bool same; /* output and end are those that most schemes gave; set by compare_agree() */
};

/* Did it run to an end of its own? */
static inline bool
compare_ended(const struct compare_row *row)
{
    return row->end == COMPARE_EXITED || row->end == COMPARE_SIGNAL;
}

/* Are there figures? */
static inline bool
compare_counted(const struct compare_row *row)
{
    return compare_ended(row) || row->end == COMPARE_MEMORY;
}

#endif
