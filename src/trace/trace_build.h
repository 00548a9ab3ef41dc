/* SPDX-License-Identifier: BSD-2-Clause */
/* A block of our own format while it is being filled: see ownform.h for what it consists of. */
#ifndef TRACE_TRACE_BUILD_H
#define TRACE_TRACE_BUILD_H

#include <stdbool.h>

#include "base/result.h"
#include "trace/ownform.h"

/* A reference of a shape: the item's byte (without the size's code), and the size above it. */
typedef uint32_t trace_item;
#define TRACE_ITEM(flags, size) ((trace_item)(flags) | (trace_item)(size) << 8)

struct trace_shape {
    uint32_t process;
    uint64_t pc; /* of the first fixed reference; 0 if there is none */
    const trace_item *item;
    size_t n;
};

/* The shape of a run: of a kind, counted or of one reference. */
struct trace_run_shape {
    uint32_t process, number; /* number 0: not defined yet */
    uint32_t last;            /* where its last address is */
};
#define TRACE_RUN_SHAPES 8u

struct build_shape; /* private to trace_build.c */

struct trace_build {
    bool lzcnt; /* the processor has it */
    uint64_t at, refs;
    uint32_t nshapes, nexecutions, nevents;
    uint8_t *column[OWN_COLUMNS];
    size_t len[OWN_COLUMNS];
    struct build_shape *shape; /* by number less 1 */
    uint32_t *slot;            /* a hash table of numbers; 0: free */
    trace_item *items;         /* of all shapes, in order of their definition */
    uint64_t *last;            /* the last address of each variable reference of each shape */
    uint32_t *place;           /* scratch: where in these what is being added was last */
    size_t nitems, nlast;
    uint64_t nva, ncounts; /* numbers in the columns of addresses and of counts */
    uint64_t shape_pc, shape_va;
    struct trace_run_shape run[TRACE_RUN_SHAPES]; /* those that were used last */
};

MUST_CHECK enum pgw_status trace_build_init(struct trace_build *build);
void trace_build_fini(struct trace_build *build);
/* Empty, and begins at that time. */
void trace_build_reset(struct trace_build *build, uint64_t at);

/* No room for whatever may come next: it is to be written and reset. */
bool trace_build_full(const struct trace_build *build);

/* The number of a shape, which is defined if it is new; then its addresses begin at va, one for
 * each variable reference.  Shapes are numbered from 1. */
uint32_t trace_build_shape(
    struct trace_build *build, const struct trace_shape *shape, const uint64_t *va);
/* One execution of a shape, with the addresses of its variable references. */
void trace_build_execute(struct trace_build *build, uint32_t number, const uint64_t *va);
/*
 * Runs of references to a page, each a shape of its own.  Of no more than TRACE_RUNS at once.
 * Returns how many were done, at least one; it stops before one for whose shape there is no room.
 */
#define TRACE_RUNS 256u
size_t trace_build_runs(struct trace_build *build, const struct pgw_ref *run, size_t n);

/* An execution of code, by its caller's number, as far as it is known in a block. */
struct trace_execution {
    uint32_t generation; /* the block's; others are void */
    uint32_t last;       /* where its shape's last addresses are */
    uint16_t shape;      /* its number */
    uint16_t nva;
    uint32_t nitems;
};
/* Its shape is defined: fills in what belongs to it. */
void trace_build_execution(
    const struct trace_build *build, uint32_t number, struct trace_execution *execution);
/*
 * Executions of code, all at once for speed: of n numbers into table, and their addresses at *va,
 * which is advanced.  Returns how many were done: it stops before one that is not of this
 * generation, and when the block may be full.
 */
size_t trace_build_executions(struct trace_build *build, const struct trace_execution *table,
    uint32_t generation, const uint32_t *numbers, size_t n, const uint64_t **va);

void trace_build_event(struct trace_build *build, const struct pgw_event *event);

#endif
