/* SPDX-License-Identifier: BSD-2-Clause */
/* What the verbs of pagewright trace share: their options, traces in and out, progress, Ctrl-C. */
#ifndef PAGEWRIGHT_TRACE_FILE_H
#define PAGEWRIGHT_TRACE_FILE_H

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <pagewright/trace.h>

#define TRACE_INPUTS_MAX 64u

struct trace_options {
    const char *verb;
    const char *inputs[TRACE_INPUTS_MAX];
    unsigned ninputs;
    const char *output; /* NULL: none was named */
    struct pgw_trace_options read;
    struct pgw_trace_writer_options write;
    bool keep_going;
    uint64_t from, to; /* of the trace's time; to: the first that is left out */
    uint32_t process[64];
    unsigned nprocesses;  /* 0: all */
    double rate;          /* of pages; 0: not given */
    uint64_t every, keep; /* of time: the first `keep` of each `every`; 0: not given */
    uint64_t seed;
    uint64_t turn;  /* of a merge: references in turn; 0: by time */
    uint64_t pages; /* of a reduction */
};

/* A trace that is read. */
struct trace_input {
    struct pgw_trace *trace;
    const char *name;
    struct pgw_trace_batch batch;
    uint64_t lost, pieces; /* references that damage cost, as far as known, and how often */
    uint64_t nrefs;        /* read */
    bool first;            /* of several, the one whose progress is shown */
};

/* Opens a trace, or says why it cannot be.  The structure must stay where it is. */
bool trace_input_open(
    struct trace_input *input, const struct trace_options *options, const char *path);
/*
 * The next piece.  0: there is one, in input->batch (its refs may be none); -1: the trace is over;
 * else an exit code: what was wrong was said, or a signal stopped us.
 */
int trace_input_next(struct trace_input *input);
/* Nothing is missing in what was read of it. */
bool trace_input_whole(const struct trace_input *input);
/* Says what damage there was; code, or EXIT_DAMAGED instead of 0. */
int trace_input_close(struct trace_input *input, int code);

/* Makes the output that the options name, or says why not. */
struct pgw_trace_writer *trace_output_create(
    const struct trace_options *options, const char *command);
/* false, and said why: status is that of a call for the writer. */
bool trace_output_good(const struct trace_options *options, enum pgw_status status);
/* Ends the output; code, unless that fails.  EXIT_OURS: what there is of it is not wanted.  whole:
 * so were the inputs; else it will say that something is missing. */
int trace_output_close(
    struct pgw_trace_writer *writer, const struct trace_options *options, int code, bool whole);

/* The exit code that a signal asks for; 0: none came. */
int trace_stopped(void);

/* ---- the verbs ---- */

int trace_info(const struct trace_options *options);
int trace_cat(const struct trace_options *options);
int trace_convert(const struct trace_options *options); /* and cut */
int trace_sample(const struct trace_options *options);
int trace_merge(const struct trace_options *options);
int trace_reduce(const struct trace_options *options);

/* One reference as cat writes it. */
void trace_print_ref(FILE *out, const struct pgw_ref *ref, uint32_t *process);
void trace_print_event(FILE *out, const struct pgw_event *event, uint32_t *process);

#endif
