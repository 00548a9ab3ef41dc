/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The writer of our own format.
 *
 * Executions of code come as such, through writer.h.  Plain references are put together to pieces
 * of code here: a fetch that begins where the one before it ended continues the piece, and so does
 * the data that an instruction accesses.  So a trace of lackey's takes as little room as one
 * recorded by the sim machine.  References without fetches are pieces of their own, of one.
 *
 *      plain --> fold (if --pages) --> group --+
 *                                              +--> build (a block) --> out (a thread) --> file
 *      executed ---- code, or fold ------------+
 */
#include "trace/writer.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/size.h"
#include "trace/trace_fold.h"
#include "trace/trace_out.h"
#include "trace/trace_set.h"

#define WRITER_GROUP_MAX 64u /* references that are put together at the most */
#define WRITER_PART 256u /* references of an execution that are expanded at once, to be folded */

struct writer_code {
    uint32_t process, first;
    uint64_t pc;
    size_t ninsns;
    /* By the number of instructions done: how many references and accesses these make. */
    struct writer_prefix {
        uint16_t nitems, naccess;
    } * prefix;
    trace_item *item;
    bool one_page; /* all of the instructions */
    struct writer_access {
        uint16_t fetches; /* of the piece's instructions, up to the access */
        uint8_t kind, size;
    } * access;
};

/* Shapes of one variable reference are many where there is no code. */
#define WRITER_SINGLES 64u

struct writer_single {
    uint32_t generation, process, number;
    trace_item item;
};

struct pgw_trace_writer {
    struct trace_out *out;
    struct trace_build *build;
    enum pgw_status status; /* the first failure */
    uint32_t generation;    /* counts blocks */
    bool pages;
    struct trace_fold fold;
    struct pgw_ref run[TRACE_RUNS]; /* folded, to be put into a block together */
    struct trace_set processes;

    /* Plain references that are being put together. */
    uint32_t process;
    uint64_t pc, next_pc; /* the first instruction's address, the end of the last */
    size_t ngroup, nva;
    trace_item group[WRITER_GROUP_MAX];
    uint64_t va[WRITER_GROUP_MAX];

    struct writer_single single[WRITER_SINGLES];
    uint64_t given;

    /* By number of execution. */
    struct trace_execution *execution;
    struct writer_code **code; /* NULL: nobody's */
    size_t executions_room;
};

/* ---- blocks ---- */

static void
writer_note(struct pgw_trace_writer *writer, enum pgw_status status)
{
    if (writer->status == PGW_OK)
        writer->status = status;
}

/* Makes room in the block for whatever comes. */
static inline void
writer_room(struct pgw_trace_writer *writer)
{
    if (__builtin_expect(!trace_build_full(writer->build), 1))
        return;
    uint64_t at = writer->build->at + writer->build->refs;
    writer_note(writer, trace_out_next(writer->out, at, &writer->build));
    writer->generation++;
}

/* Writes a reference that is a shape of its own. */
static void
writer_alone(struct pgw_trace_writer *writer, uint32_t process, trace_item item, uint64_t va)
{
    struct trace_shape shape = {.process = process, .item = &item, .n = 1};
    struct writer_single *single =
        &writer->single[(item ^ item >> 7 ^ process << 3) % WRITER_SINGLES];

    writer_room(writer);
    if (single->generation != writer->generation || single->process != process ||
        single->item != item)
        *single = (struct writer_single){.generation = writer->generation,
            .process = process,
            .number = trace_build_shape(writer->build, &shape, &va),
            .item = item};
    trace_build_execute(writer->build, single->number, &va);
}

/* Writes the piece that was being put together. */
static void
writer_ungroup(struct pgw_trace_writer *writer)
{
    struct trace_shape shape = {
        .process = writer->process, .pc = writer->pc, .item = writer->group, .n = writer->ngroup};

    if (writer->ngroup == 0)
        return;
    writer_room(writer);
    uint32_t number = trace_build_shape(writer->build, &shape, writer->va);
    trace_build_execute(writer->build, number, writer->va);
    writer->ngroup = writer->nva = 0;
}

/* ---- plain references ---- */

static bool
writer_valid(const struct pgw_ref *ref)
{
    unsigned reads = (unsigned)ref->count - ref->writes - ref->fetches;

    if (ref->kind == 0 || (ref->kind > 3 && ref->kind != PGW_REF_FETCH) || ref->count == 0 ||
        ref->size > PAGE_SIZE)
        return false;
    if (ref->count == 1)
        return true;
    if ((unsigned)ref->writes + ref->fetches > ref->count)
        return false;
    switch (ref->kind) {
    case PGW_REF_READ:
        return reads > 0;
    case PGW_REF_FETCH:
        return ref->fetches > 0;
    default:
        return ref->writes > 0;
    }
}

/* Runs of references to a page. */
static void
writer_runs(struct pgw_trace_writer *writer, const struct pgw_ref *run, size_t n)
{
    writer_ungroup(writer);
    for (size_t done = 0; done < n;) {
        writer_room(writer);
        done += trace_build_runs(writer->build, run + done, n - done);
    }
}

/* May ref continue what is being put together? */
static bool
writer_continues(const struct pgw_trace_writer *writer, const struct pgw_ref *ref)
{
    if (writer->ngroup == 0 || writer->ngroup == WRITER_GROUP_MAX ||
        ref->process != writer->process)
        return false;
    return ref->kind != PGW_REF_FETCH || ref->va == writer->next_pc;
}

static void
writer_single(struct pgw_trace_writer *writer, const struct pgw_ref *ref)
{
    bool fetch = ref->kind == PGW_REF_FETCH;
    trace_item item =
        TRACE_ITEM(own_kind_code(ref->kind) | (fetch ? 0 : OWN_ITEM_VARIABLE), ref->size);

    if (!writer_continues(writer, ref)) {
        writer_ungroup(writer);
        if (!fetch) { /* of no code: nothing is put together with it */
            writer_alone(writer, ref->process, item, ref->va);
            return;
        }
        writer->process = ref->process;
        writer->pc = ref->va;
    }
    if (fetch)
        writer->next_pc = ref->va + ref->size;
    else
        writer->va[writer->nva++] = ref->va;
    writer->group[writer->ngroup++] = item;
}

static void
writer_ref(struct pgw_trace_writer *writer, const struct pgw_ref *ref)
{
    if (ref->count > 1 || (ref->size == 0 && ref->va == page_floor(ref->va)))
        writer_runs(writer, ref, 1);
    else
        writer_single(writer, ref);
}

/* Room for what is folded next. */
static inline void
writer_fold_room(struct pgw_trace_writer *writer)
{
    struct pgw_ref *run = writer->fold.run;

    if (__builtin_expect(run < writer->run + TRACE_RUNS - TRACE_FOLD_OUT, 1))
        return;
    writer_runs(writer, writer->run, (size_t)(run - writer->run));
    writer->run[0] = *run;
    writer->fold.run = writer->run;
}

static void
writer_fold(struct pgw_trace_writer *writer, const struct pgw_ref *ref)
{
    writer_fold_room(writer);
    trace_fold_add(&writer->fold, ref);
}

/* Everything that was taken is in the block. */
static void
writer_settle(struct pgw_trace_writer *writer)
{
    struct pgw_ref *run = writer->fold.run;

    writer_runs(writer, writer->run, (size_t)(run - writer->run) + (run->count > 0));
    writer->fold.run = writer->run;
    writer->run[0].count = 0;
}

enum pgw_status
pgw_trace_write(struct pgw_trace_writer *writer, const struct pgw_ref *refs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!writer_valid(&refs[i]))
            return PGW_INVAL;
        writer->given++;
        writer_note(writer, trace_set_add(&writer->processes, refs[i].process));
        if (writer->pages)
            writer_fold(writer, &refs[i]);
        else
            writer_ref(writer, &refs[i]);
    }
    return writer->status;
}

enum pgw_status
pgw_trace_write_event(struct pgw_trace_writer *writer, const struct pgw_event *event)
{
    if ((unsigned)event->kind >= PGW_EVENT_KINDS)
        return PGW_INVAL;
    writer_settle(writer);
    writer_note(writer, trace_set_add(&writer->processes, event->process));
    if (event->kind == PGW_EVENT_FORK) {
        writer->fold.forked = true;
        writer_note(writer, trace_set_add(&writer->processes, (uint32_t)event->other));
    }
    writer_room(writer);
    trace_build_event(writer->build, event);
    return writer->status;
}

/* ---- code ---- */

static bool
writer_code_valid(const struct trace_code *code)
{
    unsigned before = 0;

    if (code->n == 0 || code->n > TRACE_CODE_INSNS_MAX || code->naccess > TRACE_CODE_ACCESSES_MAX)
        return false;
    for (size_t i = 0; i < code->naccess; i++) {
        const struct trace_code_access *access = &code->access[i];
        if (access->insn < before || access->insn >= code->n || access->kind == 0 ||
            access->kind > 3)
            return false;
        before = access->insn;
    }
    return true;
}

static void
writer_code_fill(const struct trace_code *from, struct writer_code *code)
{
    size_t nitems = 0, naccess = 0;
    uint64_t end = from->pc;

    code->prefix[0] = (struct writer_prefix){0};
    for (size_t i = 0; i < from->n; i++) {
        code->item[nitems++] = TRACE_ITEM(own_kind_code(PGW_REF_FETCH), from->len[i]);
        for (; naccess < from->naccess && from->access[naccess].insn == i; naccess++) {
            const struct trace_code_access *access = &from->access[naccess];
            code->item[nitems++] =
                TRACE_ITEM(own_kind_code(access->kind) | OWN_ITEM_VARIABLE, access->size);
            code->access[naccess] = (struct writer_access){
                .fetches = (uint16_t)(i + 1), .kind = access->kind, .size = access->size};
        }
        end += from->len[i];
        code->prefix[i + 1] =
            (struct writer_prefix){.nitems = (uint16_t)nitems, .naccess = (uint16_t)naccess};
    }
    code->one_page = page_floor(end - 1) == page_floor(from->pc);
}

/* Its parts lie behind it. */
static struct writer_code *
writer_code_new(const struct trace_code *from, uint32_t first)
{
    size_t prefixes = (from->n + 1) * sizeof(struct writer_prefix);
    size_t items = (from->n + from->naccess) * sizeof(trace_item);
    struct writer_code *code =
        malloc(sizeof *code + prefixes + items + from->naccess * sizeof(struct writer_access));

    if (code == NULL)
        return NULL;
    *code = (struct writer_code){
        .process = from->process, .first = first, .pc = from->pc, .ninsns = from->n};
    code->prefix = (struct writer_prefix *)(code + 1);
    code->item = (trace_item *)((char *)code->prefix + prefixes);
    code->access = (struct writer_access *)((char *)code->item + items);
    writer_code_fill(from, code);
    return code;
}

/* Room for `need` numbers. */
static bool
writer_executions_grow(struct pgw_trace_writer *writer, size_t need)
{
    size_t room = writer->executions_room;

    if (need <= room)
        return true;
    while (room < need)
        room = room * 2 + 1024;
    void *execution = realloc(writer->execution, room * sizeof *writer->execution);
    if (execution != NULL)
        writer->execution = execution;
    struct writer_code **code = realloc(writer->code, room * sizeof(struct writer_code *));
    if (code != NULL)
        writer->code = code;
    if (execution == NULL || code == NULL)
        return false;
    for (size_t i = writer->executions_room; i < room; i++) {
        writer->execution[i] = (struct trace_execution){.generation = 0};
        writer->code[i] = NULL;
    }
    writer->executions_room = room;
    return true;
}

enum pgw_status
trace_writer_code(struct pgw_trace_writer *writer, const struct trace_code *from, uint32_t first)
{
    struct writer_code *code;

    if (!writer_code_valid(from) || first > TRACE_EXECUTIONS_MAX - from->n - 1)
        return PGW_INVAL;
    if (!writer_executions_grow(writer, first + from->n + 1))
        return PGW_NOMEM;
    for (size_t i = 0; i <= from->n; i++)
        if (writer->code[first + i] != NULL)
            return PGW_INVAL;
    if (trace_set_add(&writer->processes, from->process) != PGW_OK ||
        (code = writer_code_new(from, first)) == NULL)
        return PGW_NOMEM;
    for (size_t i = 0; i <= from->n; i++)
        writer->code[first + i] = code;
    return PGW_OK;
}

void
trace_writer_code_drop(struct pgw_trace_writer *writer, uint32_t first)
{
    BASE_ASSERT(first < writer->executions_room && writer->code[first] != NULL &&
                writer->code[first]->first == first);
    struct writer_code *code = writer->code[first];
    for (size_t i = 0; i <= code->ninsns; i++) {
        writer->code[first + i] = NULL;
        writer->execution[first + i].generation = 0;
    }
    free(code);
}

size_t
trace_writer_accesses(const struct pgw_trace_writer *writer, uint32_t number)
{
    const struct writer_code *code = writer->code[number];

    return code->prefix[number - code->first].naccess;
}

uint64_t
trace_writer_given(const struct pgw_trace_writer *writer)
{
    return writer->given;
}

/* The execution is one of no instructions; else its shape is defined in this block. */
static bool
writer_is_nothing(struct pgw_trace_writer *writer, uint32_t number, const uint64_t *va)
{
    BASE_ASSERT(number < writer->executions_room && writer->code[number] != NULL);
    const struct writer_code *code = writer->code[number];
    struct trace_execution *execution = &writer->execution[number];
    struct trace_shape shape = {.process = code->process,
        .pc = code->pc,
        .item = code->item,
        .n = code->prefix[number - code->first].nitems};

    if (shape.n == 0)
        return true;
    if (execution->generation != writer->generation) {
        trace_build_execution(
            writer->build, trace_build_shape(writer->build, &shape, va), execution);
        execution->generation = writer->generation;
    }
    return false;
}

/* The execution's references one by one, to be folded. */
static void
writer_code_fold_each(struct pgw_trace_writer *writer, uint32_t number, const uint64_t *va)
{
    const struct writer_code *code = writer->code[number];
    const struct writer_prefix *prefix = &code->prefix[number - code->first];
    uint64_t pc = code->pc;

    for (size_t i = 0; i < prefix->nitems; i++) {
        trace_item item = code->item[i];
        bool variable = (item & OWN_ITEM_VARIABLE) != 0;
        struct pgw_ref ref = {.va = variable ? *va : pc,
            .process = code->process,
            .size = (uint16_t)(item >> 8),
            .kind = own_kind_of((uint8_t)item),
            .count = 1};
        va += variable;
        pc += variable ? 0 : ref.size;
        writer_fold(writer, &ref);
    }
}

static inline void
writer_fold_same(
    struct pgw_trace_writer *writer, uint64_t page, uint32_t process, uint8_t kind, unsigned n)
{
    writer_fold_room(writer);
    trace_fold_same(&writer->fold, page, process, kind, n);
}

/* The same for code in one page: its fetches between two accesses are taken together. */
static void
writer_code_fold_page(struct pgw_trace_writer *writer, const struct writer_code *code,
    unsigned ninsns, size_t naccess, const uint64_t *va)
{
    uint64_t page = page_floor(code->pc);
    unsigned fetched = 0;

    for (size_t i = 0; i < naccess; i++) {
        const struct writer_access *access = &code->access[i];
        struct pgw_ref ref = {.va = va[i],
            .process = code->process,
            .size = access->size,
            .kind = access->kind,
            .count = 1};
        if (access->fetches > fetched)
            writer_fold_same(writer, page, code->process, PGW_REF_FETCH, access->fetches - fetched);
        fetched = access->fetches;
        if (__builtin_expect(va[i] % PAGE_SIZE + access->size <= PAGE_SIZE, 1))
            writer_fold_same(writer, page_floor(va[i]), code->process, access->kind, 1);
        else
            writer_fold(writer, &ref);
    }
    if (ninsns > fetched)
        writer_fold_same(writer, page, code->process, PGW_REF_FETCH, ninsns - fetched);
}

/* An execution is folded.  Returns how many accesses it makes. */
static size_t
writer_code_fold(struct pgw_trace_writer *writer, uint32_t number, const uint64_t *va)
{
    const struct writer_code *code = writer->code[number];
    unsigned ninsns = number - code->first;
    const struct writer_prefix *prefix = &code->prefix[ninsns];

    if (code->one_page)
        writer_code_fold_page(writer, code, ninsns, prefix->naccess, va);
    else
        writer_code_fold_each(writer, number, va);
    writer->given += prefix->nitems;
    return prefix->naccess;
}

static void
writer_execute(
    struct pgw_trace_writer *writer, const uint32_t *numbers, size_t n, const uint64_t *va)
{
    if (writer->ngroup > 0)
        writer_ungroup(writer);
    for (size_t i = 0; i < n;) {
        uint64_t refs = writer->build->refs;
        i += trace_build_executions(
            writer->build, writer->execution, writer->generation, numbers + i, n - i, &va);
        writer->given += writer->build->refs - refs;
        if (i == n)
            break;
        writer_room(writer);
        i += writer_is_nothing(writer, numbers[i], va);
    }
}

enum pgw_status
trace_writer_executed(
    struct pgw_trace_writer *writer, const uint32_t *numbers, size_t n, const uint64_t *va)
{
    if (!writer->pages)
        writer_execute(writer, numbers, n, va);
    for (size_t i = 0; writer->pages && i < n; i++)
        va += writer_code_fold(writer, numbers[i], va);
    return writer->status;
}

/* ---- beginning and end ---- */

void
pgw_trace_writer_options_init(struct pgw_trace_writer_options *options)
{
    *options = (struct pgw_trace_writer_options){.size = sizeof *options};
}

enum pgw_status
pgw_trace_writer_create(const char *path, const struct pgw_trace_writer_options *options,
    struct pgw_trace_writer **writerp, char *why)
{
    struct pgw_trace_writer_options usual;
    struct pgw_trace_writer *writer;
    enum pgw_status status;

    pgw_trace_writer_options_init(&usual);
    if (options != NULL && options->size != sizeof *options) {
        snprintf(why, PGW_TRACE_WHY, "options of a trace writer of another version");
        return PGW_INVAL;
    }
    writer = calloc(1, sizeof *writer);
    if (writer == NULL) {
        snprintf(why, PGW_TRACE_WHY, "%.200s: out of memory for writing a trace", path);
        return PGW_NOMEM;
    }
    options = options != NULL ? options : &usual;
    status = trace_out_create(path, options, &writer->out, why);
    if (status != PGW_OK) {
        free(writer);
        return status;
    }
    writer->pages = options->pages;
    writer->fold.run = writer->run;
    writer->generation = 1;
    writer->status = trace_out_next(writer->out, 0, &writer->build);
    *writerp = writer;
    return PGW_OK;
}

void
trace_writer_spoil(struct pgw_trace_writer *writer, enum pgw_status status)
{
    writer_note(writer, status);
}

enum pgw_status
trace_writer_end(struct pgw_trace_writer *writer, enum trace_end how)
{
    enum pgw_status status;

    writer_settle(writer);
    status = trace_out_close(writer->out, trace_set_count(&writer->processes), writer->status, how);
    for (size_t i = 0; i < writer->executions_room; i++)
        if (writer->code[i] != NULL && writer->code[i]->first + writer->code[i]->ninsns == i)
            free(writer->code[i]);
    free(writer->code);
    free(writer->execution);
    trace_set_fini(&writer->processes);
    free(writer);
    return status;
}

enum pgw_status
pgw_trace_writer_close(struct pgw_trace_writer *writer)
{
    return trace_writer_end(writer, TRACE_END_WHOLE);
}

enum pgw_status
pgw_trace_writer_close_missing(struct pgw_trace_writer *writer)
{
    return trace_writer_end(writer, TRACE_END_MISSING);
}

void
pgw_trace_writer_discard(struct pgw_trace_writer *writer)
{
    (void)trace_writer_end(writer, TRACE_END_NOT);
}
