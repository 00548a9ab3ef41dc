/* SPDX-License-Identifier: BSD-2-Clause */
/* pagewright trace info, cat, convert and cut: one trace from its beginning to its end. */
#include "trace_file.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "commands.h"
#include "longwork.h"

/* ---- info ---- */

/* What only reading all of it tells. */
struct trace_counts {
    uint64_t refs, reads, writes, fetches, events[PGW_EVENT_KINDS], runs;
    uint32_t process[1024];
    unsigned nprocesses;
    bool more_processes;
};

static void
info_process(struct trace_counts *counts, uint32_t process)
{
    for (unsigned i = counts->nprocesses; i-- > 0;) {
        if (counts->process[i] == process)
            return;
    }
    if (counts->nprocesses < sizeof counts->process / sizeof counts->process[0])
        counts->process[counts->nprocesses++] = process;
    else
        counts->more_processes = true;
}

static void
info_count(struct trace_counts *counts, const struct pgw_trace_batch *batch)
{
    uint32_t recent = 0;

    for (size_t i = 0; i < batch->nrefs; i++) {
        const struct pgw_ref *ref = &batch->refs[i];
        if (i == 0 || ref->process != recent)
            info_process(counts, recent = ref->process);
        counts->refs += ref->count;
        counts->writes += ref->writes;
        counts->fetches += ref->fetches;
        counts->reads += (uint64_t)ref->count - ref->writes - ref->fetches;
    }
    counts->runs += batch->nrefs;
    if (batch->event != NULL) {
        counts->events[batch->event->kind]++;
        info_process(counts, batch->event->process);
        if (batch->event->kind == PGW_EVENT_FORK)
            info_process(counts, (uint32_t)batch->event->other);
    }
}

static const char *const info_events[PGW_EVENT_KINDS] = {
    "map", "unmap", "protect", "move", "discard", "fork", "exec", "exit"};

static void
info_header(const struct pgw_trace_info *info, const char *name)
{
    printf("trace        %s\n", name);
    printf("format       %s", info->format_name);
    if (strcmp(info->compression, "none") != 0)
        printf(", compressed by %s", info->compression);
    printf("\n");
    if (info->command[0] != '\0')
        printf("command      %s\n", info->command);
    printf("content      %s\n", info->pages ? "runs of references to pages" : "single references");
    if (info->reduced > 0)
        printf("reduced      exact for LRU with %" PRIu64 " page%s or more, and for nothing else\n",
            info->reduced, longwork_s(info->reduced));
    if (info->bytes > 0)
        printf("file         %" PRIu64 " bytes\n", info->bytes);
}

static void
info_complete(const struct pgw_trace_info *info, const struct trace_input *input, int code)
{
    if (code == EXIT_OURS)
        printf("complete     no: it cannot be read any further\n");
    else if (input->lost > 0)
        printf("complete     no: %" PRIu64 " references are lost to damage\n", input->lost);
    else if (input->pieces > 0)
        printf("complete     no: it is damaged in %" PRIu64 " place%s\n", input->pieces,
            input->pieces == 1 ? "" : "s");
    else if (info->truncated)
        printf("complete     no: its end is missing, or it was made of a damaged trace; what is "
               "there was read\n");
    else if (code > 0)
        printf("complete     not known: the rest was not read\n");
    else
        printf("complete     yes\n");
}

static void
info_print(const struct trace_counts *counts, const struct pgw_trace_info *info)
{
    uint64_t events = 0;

    printf("references   %" PRIu64 ": %" PRIu64 " reads, %" PRIu64 " writes, %" PRIu64 " fetches\n",
        counts->refs, counts->reads, counts->writes, counts->fetches);
    if (counts->runs != counts->refs)
        printf("runs         %" PRIu64 "\n", counts->runs);
    for (unsigned i = 0; i < PGW_EVENT_KINDS; i++)
        events += counts->events[i];
    printf("events       %" PRIu64, events);
    for (unsigned i = 0; i < PGW_EVENT_KINDS; i++) {
        if (counts->events[i] > 0)
            printf(", %s %" PRIu64, info_events[i], counts->events[i]);
    }
    printf("\nprocesses    %s%u\n", counts->more_processes ? "more than " : "", counts->nprocesses);
    if (info->bytes > 0 && counts->refs > 0)
        printf("size         %.3f bytes a reference\n", (double)info->bytes / (double)counts->refs);
}

int
trace_info(const struct trace_options *options)
{
    struct trace_counts counts = {0};
    struct pgw_trace_info info;
    struct trace_input input;
    int code;

    if (!trace_input_open(&input, options, options->inputs[0]))
        return EXIT_OURS;
    pgw_trace_get_info(input.trace, &info);
    info_header(&info, input.name);
    while ((code = trace_input_next(&input)) == 0)
        info_count(&counts, &input.batch);
    longwork_progress_clear();
    pgw_trace_get_info(input.trace, &info);
    if (code > 0 && code == trace_stopped())
        printf("interrupted  this is what was read until then\n");
    info_print(&counts, &info);
    info_complete(&info, &input, code);
    return trace_input_close(&input, code < 0 ? 0 : code);
}

/* ---- what is wanted of it ---- */

static bool
cut_wants(const struct trace_options *options, uint32_t process)
{
    for (unsigned i = 0; i < options->nprocesses; i++) {
        if (options->process[i] == process)
            return true;
    }
    return options->nprocesses == 0;
}

/* A child that is not wanted never is: of it there would be no end. */
static bool
cut_wants_event(const struct trace_options *options, const struct pgw_event *event)
{
    return cut_wants(options, event->process) &&
           (event->kind != PGW_EVENT_FORK || cut_wants(options, (uint32_t)event->other));
}

/* Calls for what of a batch the options want.  Time counts references, of a trace of runs its runs.
 */
struct cut {
    uint64_t time, kept;
    bool (*ref)(void *ctx, const struct pgw_ref *ref);
    bool (*event)(void *ctx, const struct pgw_event *event);
    void *ctx;
};

/* false: it is over, or a call said so. */
static bool
cut_batch(struct cut *cut, const struct trace_options *options, const struct pgw_trace_batch *batch)
{
    for (size_t i = 0; i < batch->nrefs; i++) {
        const struct pgw_ref *ref = &batch->refs[i];
        if (cut->time >= options->to)
            return false;
        if (cut->time >= options->from && cut_wants(options, ref->process)) {
            if (!cut->ref(cut->ctx, ref))
                return false;
            cut->kept++;
        }
        cut->time++;
    }
    if (batch->event != NULL && cut->time <= options->to && cut_wants_event(options, batch->event))
        return cut->event(cut->ctx, batch->event);
    return true;
}

/* A trace that has an index is not read up to where the cut begins, unless what happened to spaces
 * until then matters.  If it cannot be gone to, it is read. */
static int
cut_all(struct cut *cut, const struct trace_options *options, struct trace_input *input)
{
    struct pgw_trace_info info;
    int code;

    pgw_trace_get_info(input->trace, &info);
    if (options->from > 0 && info.exact && info.events == 0)
        (void)pgw_trace_seek(input->trace, options->from);
    while ((code = trace_input_next(input)) == 0) {
        cut->time = input->batch.at; /* it goes on while what is damaged is passed over */
        if (!cut_batch(cut, options, &input->batch))
            return -1;
    }
    return code;
}

/* A range was asked for, and there is nothing in it: that is a mistake, and was said. */
static bool
cut_nothing(const struct cut *cut, const struct trace_options *options, int code,
    const struct trace_input *input)
{
    bool asked = options->from > 0 || options->to != UINT64_MAX || options->nprocesses > 0;

    if (!asked || cut->kept > 0 || code > 0)
        return false;
    longwork_progress_clear();
    fprintf(stderr, "pagewright trace %s: %s: ", options->verb, input->name);
    if (cut->time == 0)
        fprintf(stderr, "nothing is left: it has no references\n");
    else if (cut->time <= options->from && cut->time < options->to)
        fprintf(stderr,
            "nothing is left: it ends at time %" PRIu64 ", before --from %" PRIu64
            "; pagewright trace info says how long it is\n",
            cut->time, options->from);
    else
        fprintf(stderr, "nothing is left: no process that --process names refers to memory\n");
    return true;
}

/* ---- cat ---- */

void
trace_print_ref(FILE *out, const struct pgw_ref *ref, uint32_t *process)
{
    static const char letters[] = "?LSM";

    if (ref->process != *process)
        fprintf(out, "@ process %" PRIu32 "\n", ref->process);
    *process = ref->process;
    if (ref->kind == PGW_REF_FETCH)
        fprintf(out, "I  %08" PRIx64 ",%u", ref->va, ref->size);
    else
        fprintf(out, " %c %08" PRIx64 ",%u", letters[ref->kind & 3], ref->va, ref->size);
    if (ref->count > 1)
        fprintf(out, " *%u w%u f%u", ref->count, ref->writes, ref->fetches);
    putc('\n', out);
}

static void
cat_rights(FILE *out, uint32_t prot)
{
    static const char letters[] = "rwxs";

    putc(' ', out);
    if ((prot & 15) == 0)
        putc('-', out);
    for (unsigned i = 0; i < 4; i++) {
        if ((prot & 1u << i) != 0)
            putc(letters[i], out);
    }
}

void
trace_print_event(FILE *out, const struct pgw_event *event, uint32_t *process)
{
    if (event->process != *process)
        fprintf(out, "@ process %" PRIu32 "\n", event->process);
    *process = event->process;
    fprintf(out, "@ %s", info_events[event->kind]);
    switch (event->kind) {
    case PGW_EVENT_FORK:
        fprintf(out, " %" PRIu64, event->other);
        break;
    case PGW_EVENT_EXEC:
        fprintf(out, " %s", event->text != NULL ? event->text : "");
        break;
    case PGW_EVENT_EXIT:
        break;
    default:
        fprintf(out, " 0x%" PRIx64 " 0x%" PRIx64, event->va, event->len);
        if (event->kind == PGW_EVENT_MOVE)
            fprintf(out, " 0x%" PRIx64, event->other);
        if (event->kind == PGW_EVENT_MAP || event->kind == PGW_EVENT_PROTECT)
            cat_rights(out, event->prot);
        break;
    }
    putc('\n', out);
}

struct cat {
    FILE *out;
    uint32_t process;
};

static bool
cat_ref(void *ctx, const struct pgw_ref *ref)
{
    struct cat *cat = ctx;

    trace_print_ref(cat->out, ref, &cat->process);
    return !ferror(cat->out);
}

static bool
cat_event(void *ctx, const struct pgw_event *event)
{
    struct cat *cat = ctx;

    trace_print_event(cat->out, event, &cat->process);
    return !ferror(cat->out);
}

/* false: not all of it could be written. */
static bool
cat_close(struct cat *cat)
{
    bool written = !ferror(cat->out) && fflush(cat->out) == 0;

    if (cat->out != stdout)
        written = fclose(cat->out) == 0 && written;
    return written;
}

int
trace_cat(const struct trace_options *options)
{
    const char *path = options->output != NULL ? options->output : "-";
    struct cat cat = {.out = stdout, .process = 1};
    struct cut cut = {.ref = cat_ref, .event = cat_event, .ctx = &cat};
    struct trace_input input;
    int code;

    if (!trace_input_open(&input, options, options->inputs[0]))
        return EXIT_OURS;
    if (strcmp(path, "-") != 0 && (cat.out = fopen(path, "we")) == NULL) {
        fprintf(stderr, "pagewright trace cat: %s: cannot be written: %s\n", path, strerror(errno));
        return trace_input_close(&input, EXIT_OURS);
    }
    code = cut_all(&cut, options, &input);
    if (cut_nothing(&cut, options, code, &input))
        code = EXIT_OURS;
    code = trace_input_close(&input, code < 0 ? 0 : code);
    if (!cat_close(&cat) && trace_stopped() == 0) {
        fprintf(stderr, "pagewright trace cat: %s: cannot be written\n",
            strcmp(path, "-") == 0 ? "standard output" : path);
        return EXIT_OURS;
    }
    return code;
}

/* ---- convert, cut ---- */

struct convert {
    const struct trace_options *options;
    struct pgw_trace_writer *writer;
    int code;
};

static bool
convert_good(struct convert *convert, enum pgw_status status)
{
    if (trace_output_good(convert->options, status))
        return true;
    convert->code = EXIT_OURS;
    return false;
}

static bool
convert_ref(void *ctx, const struct pgw_ref *ref)
{
    struct convert *convert = ctx;

    return convert_good(convert, pgw_trace_write(convert->writer, ref, 1));
}

static bool
convert_event(void *ctx, const struct pgw_event *event)
{
    struct convert *convert = ctx;

    return convert_good(convert, pgw_trace_write_event(convert->writer, event));
}

int
trace_convert(const struct trace_options *options)
{
    struct convert convert = {.options = options};
    struct cut cut = {.ref = convert_ref, .event = convert_event, .ctx = &convert};
    struct trace_options write = *options;
    struct pgw_trace_info info;
    struct trace_input input;
    int code;

    if (!trace_input_open(&input, options, options->inputs[0]))
        return EXIT_OURS;
    pgw_trace_get_info(input.trace, &info);
    write.write.pages = options->write.pages || info.pages;
    write.write.reduced = info.reduced;
    convert.writer = trace_output_create(&write, info.command);
    if (convert.writer == NULL)
        return trace_input_close(&input, EXIT_OURS);
    code = cut_all(&cut, options, &input);
    if (convert.code != 0 || cut_nothing(&cut, options, code, &input))
        code = EXIT_OURS;
    bool whole = trace_input_whole(&input);
    code = trace_input_close(&input, code < 0 ? 0 : code);
    return trace_output_close(convert.writer, options, code, whole);
}
