/* SPDX-License-Identifier: BSD-2-Clause */
#include "trace_file.h"

#include <inttypes.h>
#include <string.h>

#include "commands.h"
#include "longwork.h"

int
trace_stopped(void)
{
    return longwork_signal() != 0 ? 128 + longwork_signal() : 0;
}

static void
trace_progress(const struct trace_input *input)
{
    struct pgw_trace_info info;

    if (!input->first)
        return;
    pgw_trace_get_info(input->trace, &info);
    longwork_progress(input->name, info.read, info.bytes, input->nrefs);
}

/* ---- traces in ---- */

static void
trace_damaged(void *ctx, const struct pgw_trace_damage *damage)
{
    struct trace_input *input = ctx;

    input->lost += damage->refs;
    if (input->pieces++ >= 20)
        return;
    longwork_progress_clear();
    fprintf(stderr, "pagewright trace: %s: damaged at byte %" PRIu64 ": %s", input->name,
        damage->offset, damage->what);
    if (damage->refs > 0)
        fprintf(stderr, "; %" PRIu64 " references are lost", damage->refs);
    fprintf(stderr, "\n");
}

bool
trace_input_open(struct trace_input *input, const struct trace_options *options, const char *path)
{
    struct pgw_trace_options read = options->read;
    char why[PGW_TRACE_WHY];

    *input = (struct trace_input){
        .name = strcmp(path, "-") == 0 ? "standard input" : path, .first = true};
    if (options->keep_going) {
        read.damaged = trace_damaged;
        read.ctx = input;
    }
    enum pgw_status status = pgw_trace_open(path, &read, &input->trace, why);
    if (status == PGW_OK)
        return true;
    fprintf(stderr, "pagewright trace %s: %s%s\n", options->verb, why,
        status == PGW_CORRUPT && !options->keep_going ? " (--keep-going reads what can be read)"
                                                      : "");
    return false;
}

int
trace_input_next(struct trace_input *input)
{
    if (trace_stopped() != 0)
        return trace_stopped();
    if (input->batch.end)
        return -1;
    enum pgw_status status = pgw_trace_next(input->trace, &input->batch);
    input->nrefs += input->batch.nrefs;
    trace_progress(input);
    if (status == PGW_OK)
        return 0;
    longwork_progress_clear();
    fprintf(stderr, "pagewright trace: %s%s\n", pgw_trace_error_text(input->trace),
        status == PGW_CORRUPT ? " (--keep-going reads the rest)" : "");
    return EXIT_OURS;
}

/* All of it was read that is there, and its end is not: whoever reads on in what is made of it
 * cannot know. */
static bool
trace_input_cut_off(const struct trace_input *input)
{
    struct pgw_trace_info info;

    pgw_trace_get_info(input->trace, &info);
    return info.truncated && input->batch.end && input->pieces == 0;
}

bool
trace_input_whole(const struct trace_input *input)
{
    return input->pieces == 0 && !trace_input_cut_off(input);
}

int
trace_input_close(struct trace_input *input, int code)
{
    longwork_progress_clear();
    if (code == 0 && trace_input_cut_off(input)) {
        fprintf(stderr,
            "pagewright trace: %s: its end is missing, as of a recording that was killed, or it "
            "was made of a damaged trace: what is there was read\n",
            input->name);
        code = EXIT_DAMAGED;
    }
    if (input->pieces > 0) {
        fprintf(stderr, "pagewright trace: %s: damaged in %" PRIu64 " place%s", input->name,
            input->pieces, input->pieces == 1 ? "" : "s");
        if (input->lost > 0)
            fprintf(stderr, ", %" PRIu64 " references lost in all", input->lost);
        fprintf(stderr, "\n");
    }
    pgw_trace_close(input->trace);
    return code == 0 && input->pieces > 0 ? EXIT_DAMAGED : code;
}

/* ---- traces out ---- */

struct pgw_trace_writer *
trace_output_create(const struct trace_options *options, const char *command)
{
    struct pgw_trace_writer_options write = options->write;
    struct pgw_trace_writer *writer;
    char why[PGW_TRACE_WHY];

    write.command = command;
    if (pgw_trace_writer_create(options->output, &write, &writer, why) == PGW_OK)
        return writer;
    fprintf(stderr, "pagewright trace %s: %s\n", options->verb, why);
    return NULL;
}

static const char *
trace_output_name(const struct trace_options *options)
{
    return strcmp(options->output, "-") == 0 ? "standard output" : options->output;
}

bool
trace_output_good(const struct trace_options *options, enum pgw_status status)
{
    if (status == PGW_OK)
        return true;
    longwork_progress_clear();
    fprintf(stderr, "pagewright trace %s: %s: cannot be written: %s\n", options->verb,
        trace_output_name(options),
        status == PGW_NOSWAP ? "the disk is full" : pgw_status_text(status));
    return false;
}

int
trace_output_close(
    struct pgw_trace_writer *writer, const struct trace_options *options, int code, bool whole)
{
    if (code == EXIT_OURS) {
        pgw_trace_writer_discard(writer);
        return code;
    }
    if (!trace_output_good(options,
            whole ? pgw_trace_writer_close(writer) : pgw_trace_writer_close_missing(writer)))
        return EXIT_OURS;
    if (code != 0 && code == trace_stopped())
        fprintf(stderr, "pagewright trace %s: interrupted: %s has what was done until then\n",
            options->verb, trace_output_name(options));
    return code;
}
