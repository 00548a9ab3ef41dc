/* SPDX-License-Identifier: BSD-2-Clause */
/* pagewright trace sample, merge and reduce: traces made of others. */
#include <math.h>
#include <stdlib.h>

#include "commands.h"
#include "longwork.h"
#include "trace_file.h"

#define MIX_PAGE_SHIFT 12u

/* ---- sample ---- */

/* Numbers that are spread evenly: the finalizer of splitmix64. */
static uint64_t
sample_hash(uint64_t value)
{
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u;
    value = (value ^ value >> 27) * 0x94d049bb133111ebu;
    return value ^ value >> 31;
}

/* A process that a fork made has its parent's pages at their places, so these are in the sample for
 * both or for none: it goes by the first of its line. */
struct sample_line {
    uint32_t process, first;
};

struct sample {
    const struct trace_options *options;
    struct pgw_trace_writer *writer;
    uint64_t time, kept;
    struct sample_line *line;
    size_t nlines, room;
};

static struct sample_line *
sample_line(const struct sample *sample, uint32_t process)
{
    for (size_t i = 0; i < sample->nlines; i++) {
        if (sample->line[i].process == process)
            return &sample->line[i];
    }
    return NULL;
}

static uint32_t
sample_first(const struct sample *sample, uint32_t process)
{
    const struct sample_line *line = sample_line(sample, process);

    return line != NULL ? line->first : process;
}

static enum pgw_status
sample_fork(struct sample *sample, uint32_t parent, uint32_t child)
{
    struct sample_line *line = sample_line(sample, child);
    uint32_t first = sample_first(sample, parent);

    if (line == NULL && sample->nlines == sample->room) {
        size_t room = sample->room * 2 + 64;
        struct sample_line *more = realloc(sample->line, room * sizeof *more);
        if (more == NULL)
            return PGW_NOMEM;
        sample->line = more;
        sample->room = room;
    }
    if (line == NULL)
        line = &sample->line[sample->nlines++];
    *line = (struct sample_line){.process = child, .first = first};
    return PGW_OK;
}

/* A page is in the sample, always, or never. */
static bool
sample_wants(const struct sample *sample, const struct pgw_ref *ref)
{
    const struct trace_options *options = sample->options;

    if (options->rate <= 0)
        return true;
    uint64_t space = sample_hash(options->seed) + sample_first(sample, ref->process);
    uint64_t hash = sample_hash((ref->va >> MIX_PAGE_SHIFT) + sample_hash(space));
    return ldexp((double)(hash >> 11), -53) < options->rate;
}

static enum pgw_status
sample_keep(struct sample *sample, const struct pgw_ref *ref)
{
    sample->kept++;
    return pgw_trace_write(sample->writer, ref, 1);
}

/* Of what lies in two pages, the part in each is kept with its page. */
static enum pgw_status
sample_ref(struct sample *sample, const struct pgw_ref *ref)
{
    struct pgw_ref head = *ref, tail = *ref;
    uint64_t first = ((uint64_t)1 << MIX_PAGE_SHIFT) - (ref->va & ((1u << MIX_PAGE_SHIFT) - 1));

    if (ref->size <= first)
        return sample_wants(sample, ref) ? sample_keep(sample, ref) : PGW_OK;
    head.size = (uint16_t)first;
    tail.va += first;
    tail.size = (uint16_t)(ref->size - first);
    bool wanted = sample_wants(sample, &head), wanted_tail = sample_wants(sample, &tail);
    if (!wanted && !wanted_tail)
        return PGW_OK;
    return sample_keep(sample, !wanted ? &tail : wanted_tail ? ref : &head);
}

static bool
sample_batch(struct sample *sample, const struct pgw_trace_batch *batch)
{
    const struct trace_options *options = sample->options;
    const struct pgw_event *event = batch->event;
    enum pgw_status status = PGW_OK;

    for (size_t i = 0; i < batch->nrefs && status == PGW_OK; i++) {
        uint64_t time = sample->time++;
        if (options->every == 0 || time % options->every < options->keep)
            status = sample_ref(sample, &batch->refs[i]);
    }
    if (event != NULL && event->kind == PGW_EVENT_FORK && status == PGW_OK)
        status = sample_fork(sample, event->process, (uint32_t)event->other);
    if (event != NULL && status == PGW_OK)
        status = pgw_trace_write_event(sample->writer, event);
    return trace_output_good(options, status);
}

/* A sample with nothing in it is a mistake, and was said. */
static bool
sample_nothing(const struct sample *sample, int code, const struct trace_input *input)
{
    if (sample->kept > 0 || code > 0)
        return false;
    longwork_progress_clear();
    fprintf(stderr, "pagewright trace sample: %s: nothing is left: %s\n", input->name,
        sample->time == 0 ? "it has no references"
                          : "none of its pages is in the sample; write a larger --rate, or another "
                            "--seed");
    return true;
}

int
trace_sample(const struct trace_options *options)
{
    struct trace_options write = *options;
    struct sample sample = {.options = options};
    struct pgw_trace_info info;
    struct trace_input input;
    int code;

    if (!trace_input_open(&input, options, options->inputs[0]))
        return EXIT_OURS;
    pgw_trace_get_info(input.trace, &info);
    write.write.pages = options->write.pages || info.pages;
    write.write.reduced = info.reduced; /* fewer pages lie between two uses, never more */
    if ((sample.writer = trace_output_create(&write, info.command)) == NULL)
        return trace_input_close(&input, EXIT_OURS);
    while ((code = trace_input_next(&input)) == 0) {
        if (!sample_batch(&sample, &input.batch)) {
            code = EXIT_OURS;
            break;
        }
    }
    free(sample.line);
    if (sample_nothing(&sample, code, &input))
        code = EXIT_OURS;
    bool whole = trace_input_whole(&input);
    code = trace_input_close(&input, code < 0 ? 0 : code);
    return trace_output_close(sample.writer, options, code, whole);
}

/* ---- merge ---- */

struct merge_input {
    struct trace_input input;
    size_t next;   /* in the batch */
    uint64_t time; /* references handed on */
    bool over;
};

/* Numbers that traces give to processes, and what they become: from 1, in the order in which they
 * come. */
struct merge_name {
    unsigned input;
    uint32_t from, to;
};

struct merge {
    const struct trace_options *options;
    struct merge_input in[TRACE_INPUTS_MAX];
    struct pgw_trace_writer *writer;
    struct merge_name *name;
    size_t nnames, names_room;
    int code; /* not 0: it is over */
};

static uint32_t
merge_process(struct merge *merge, unsigned input, uint32_t from)
{
    for (size_t i = merge->nnames; i-- > 0;) {
        if (merge->name[i].input == input && merge->name[i].from == from)
            return merge->name[i].to;
    }
    if (merge->nnames == merge->names_room) {
        size_t room = merge->names_room * 2 + 64;
        struct merge_name *more = realloc(merge->name, room * sizeof *more);
        if (more == NULL) {
            fprintf(stderr, "pagewright trace merge: out of memory\n");
            merge->code = EXIT_OURS;
            return 0;
        }
        merge->name = more;
        merge->names_room = room;
    }
    merge->name[merge->nnames] = (struct merge_name){input, from, (uint32_t)merge->nnames + 1};
    return merge->name[merge->nnames++].to;
}

static bool
merge_good(struct merge *merge, enum pgw_status status)
{
    if (merge->code == 0 && !trace_output_good(merge->options, status))
        merge->code = EXIT_OURS;
    return merge->code == 0;
}

/* Hands on the events that come now, and gets more; false: the input is over, or all is. */
static bool
merge_ready(struct merge *merge, unsigned i)
{
    struct merge_input *in = &merge->in[i];

    while (!in->over && in->next == in->input.batch.nrefs) {
        if (in->input.batch.event != NULL) {
            struct pgw_event event = *in->input.batch.event;
            event.process = merge_process(merge, i, event.process);
            if (event.kind == PGW_EVENT_FORK)
                event.other = merge_process(merge, i, (uint32_t)event.other);
            in->input.batch.event = NULL;
            if (!merge_good(merge, pgw_trace_write_event(merge->writer, &event)))
                return false;
        }
        int code = trace_input_next(&in->input);
        if (code > 0)
            merge->code = code;
        in->over = code != 0;
        in->next = 0;
    }
    return !in->over && merge->code == 0;
}

static bool
merge_one(struct merge *merge, unsigned i)
{
    struct merge_input *in = &merge->in[i];
    struct pgw_ref ref;

    if (!merge_ready(merge, i))
        return false;
    ref = in->input.batch.refs[in->next++];
    ref.process = merge_process(merge, i, ref.process);
    in->time++;
    return merge_good(merge, pgw_trace_write(merge->writer, &ref, 1));
}

/* In turns: so many references of each. */
static void
merge_turns(struct merge *merge)
{
    bool any = true;

    while (any && merge->code == 0) {
        any = false;
        for (unsigned i = 0; i < merge->options->ninputs; i++) {
            for (uint64_t n = 0; n < merge->options->turn && merge_one(merge, i); n++)
                any = true;
        }
    }
}

/* By time: all traces end together, each read as fast as its length asks for.  Their lengths must
 * be known. */
static void
merge_by_time(struct merge *merge, const uint64_t *len)
{
    for (;;) {
        unsigned best = TRACE_INPUTS_MAX;
        for (unsigned i = 0; i < merge->options->ninputs; i++) {
            if (!merge_ready(merge, i))
                continue;
            if (best == TRACE_INPUTS_MAX || (double)merge->in[i].time * (double)len[best] <
                                                (double)merge->in[best].time * (double)len[i])
                best = i;
        }
        if (best == TRACE_INPUTS_MAX || merge->code != 0 || !merge_one(merge, best))
            return;
    }
}

static bool
merge_lengths(const struct merge *merge, uint64_t *len)
{
    struct pgw_trace_info info;

    for (unsigned i = 0; i < merge->options->ninputs; i++) {
        pgw_trace_get_info(merge->in[i].input.trace, &info);
        len[i] = info.refs > 0 ? info.refs : 1;
        if (info.exact)
            continue;
        fprintf(stderr, "pagewright trace merge: %s: its length is not known: write --turn N%s\n",
            merge->in[i].input.name, info.truncated ? "" : ", or convert it first");
        return false;
    }
    return true;
}

/* What comes out is of runs if any of the traces is.  Others' pages come between those of a reduced
 * trace, where references that were dropped matter again. */
static bool
merge_kinds(const struct merge *merge, struct trace_options *write)
{
    struct pgw_trace_info info;

    for (unsigned i = 0; i < merge->options->ninputs; i++) {
        pgw_trace_get_info(merge->in[i].input.trace, &info);
        write->write.pages = write->write.pages || info.pages;
        if (info.reduced == 0)
            continue;
        fprintf(stderr,
            "pagewright trace merge: %s: it was reduced, and is exact by itself only: merge the "
            "whole traces, and reduce what comes out\n",
            merge->in[i].input.name);
        return false;
    }
    return true;
}

static int
merge_run(struct merge *merge)
{
    const struct trace_options *options = merge->options;
    struct trace_options write = *options;
    uint64_t len[TRACE_INPUTS_MAX];
    bool whole = true;

    if (!merge_kinds(merge, &write) || (options->turn == 0 && !merge_lengths(merge, len)))
        return EXIT_OURS;
    if ((merge->writer = trace_output_create(&write, "")) == NULL)
        return EXIT_OURS;
    if (options->turn > 0)
        merge_turns(merge);
    else
        merge_by_time(merge, len);
    for (unsigned i = 0; i < options->ninputs; i++)
        whole = whole && trace_input_whole(&merge->in[i].input);
    return trace_output_close(merge->writer, options, merge->code, whole);
}

int
trace_merge(const struct trace_options *options)
{
    struct merge *merge = calloc(1, sizeof *merge);
    unsigned opened = 0;
    int code = EXIT_OURS;

    if (merge == NULL) {
        fprintf(stderr, "pagewright trace merge: out of memory\n");
        return EXIT_OURS;
    }
    merge->options = options;
    while (opened < options->ninputs &&
           trace_input_open(&merge->in[opened].input, options, options->inputs[opened])) {
        merge->in[opened].input.first = opened == 0;
        opened++;
    }
    if (opened == options->ninputs)
        code = merge_run(merge);
    for (unsigned i = 0; i < opened; i++)
        code = trace_input_close(&merge->in[i].input, code);
    free(merge->name);
    free(merge);
    return code;
}

/* ---- reduce ---- */

static enum pgw_status
reduce_batch(struct pgw_trace_reducer *reducer, const struct pgw_trace_batch *batch)
{
    enum pgw_status status = pgw_trace_reduce(reducer, batch->refs, batch->nrefs);

    if (status == PGW_OK && batch->event != NULL)
        status = pgw_trace_reduce_event(reducer, batch->event);
    return status;
}

static int
reduce_run(
    const struct trace_options *options, struct trace_input *input, struct pgw_trace_writer *writer)
{
    struct pgw_trace_reducer *reducer;
    enum pgw_status status = pgw_trace_reducer_create(options->pages, writer, &reducer), last;
    int code = 0;

    if (!trace_output_good(options, status))
        return EXIT_OURS;
    while (status == PGW_OK && (code = trace_input_next(input)) == 0)
        status = reduce_batch(reducer, &input->batch);
    last = pgw_trace_reducer_close(reducer);
    if (!trace_output_good(options, status != PGW_OK ? status : last))
        return EXIT_OURS;
    return code < 0 ? 0 : code;
}

int
trace_reduce(const struct trace_options *options)
{
    struct trace_options write = *options;
    struct pgw_trace_writer *writer;
    struct pgw_trace_info info;
    struct trace_input input;
    int code;

    if (!trace_input_open(&input, options, options->inputs[0]))
        return EXIT_OURS;
    pgw_trace_get_info(input.trace, &info);
    write.write.pages = true;
    write.write.reduced = options->pages > info.reduced ? options->pages : info.reduced;
    if ((writer = trace_output_create(&write, info.command)) == NULL)
        return trace_input_close(&input, EXIT_OURS);
    code = reduce_run(options, &input, writer);
    bool whole = trace_input_whole(&input);
    code = trace_input_close(&input, code);
    return trace_output_close(writer, options, code, whole);
}
