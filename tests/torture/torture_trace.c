/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every allocation, thread, read, write and closing of writing, reading and reducing a trace fails
 * once. Each run succeeds, or says why not; nothing leaks; what could not be written whole does not
 * look whole, and what is in it is what was written.  argv: traces to be read, of all formats.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../unit/trace/trace_rig.h"
#include "support/failing.h"
#include "trace/writer.h"

#define PIECES 40u

static char path[64];
static char **inputs;
static int ninputs;

static const struct failing memory[] = {
    {.call = FAILING_MEMORY},
    {.call = FAILING_MEMORY, .and_after = true},
    {.call = FAILING_THREAD, .and_after = true},
};
static const struct failing writes[] = {
    {.call = FAILING_WRITE, .error = ENOSPC, .and_after = true},
    {.call = FAILING_WRITE, .error = EIO}, {.call = FAILING_WRITE}, /* half of it */
};
static const struct failing closings[] = {
    {.call = FAILING_CLOSE, .error = EIO}, {.call = FAILING_CLOSE, .error = ENOSPC}};
static const struct failing reads[] = {
    {.call = FAILING_READ, .error = EIO}, {.call = FAILING_READ, .error = EIO, .and_after = true},
    {.call = FAILING_READ}, /* half of it */
};

/* ---- writing ---- */

struct writing {
    const struct rig_trace *made;
    struct pgw_trace_writer_options options;
    uint64_t reduce; /* to so many pages; 0: not */
    bool code;       /* as pieces of code */
    struct rig_trace whole;
    uint8_t *bytes; /* of the file when nothing fails */
    size_t len;
    const struct failing *failing;
};

static enum pgw_status
write_refs(const struct rig_trace *made, struct pgw_trace_writer *writer,
    struct pgw_trace_reducer *reducer)
{
    enum pgw_status status = PGW_OK;
    uint64_t at = 0;

    for (size_t i = 0; i <= made->nevents && status == PGW_OK; i++) {
        bool last = i == made->nevents;
        uint64_t n = (last ? made->n : made->event[i].at) - at;
        status = reducer != NULL ? pgw_trace_reduce(reducer, made->ref + at, n)
                                 : pgw_trace_write(writer, made->ref + at, n);
        at += n;
        if (last || status != PGW_OK)
            break;
        struct pgw_event event = made->event[i].event;
        event.text = made->event[i].text[0] != '\0' ? made->event[i].text : NULL;
        status = reducer != NULL ? pgw_trace_reduce_event(reducer, &event)
                                 : pgw_trace_write_event(writer, &event);
    }
    return status;
}

static enum pgw_status
write_reduced(const struct writing *writing, struct pgw_trace_writer *writer)
{
    struct pgw_trace_reducer *reducer;
    enum pgw_status status = pgw_trace_reducer_create(writing->reduce, writer, &reducer);

    if (status != PGW_OK) { /* the writer knows nothing of it */
        trace_writer_spoil(writer, status);
        return status;
    }
    status = write_refs(writing->made, writer, reducer);
    enum pgw_status closed = pgw_trace_reducer_close(reducer);
    return status == PGW_OK ? closed : status;
}

/* Pieces of code that are described, executed, and sometimes dropped. */
static enum pgw_status
write_code(struct pgw_trace_writer *writer)
{
    static const uint8_t len[] = {4, 2, 4};
    static const struct trace_code_access access[] = {{0, PGW_REF_READ, 8}, {2, PGW_REF_WRITE, 4}};
    enum pgw_status status = PGW_OK;

    for (uint32_t i = 0; i < 3 * PIECES && status == PGW_OK; i++) {
        uint32_t first = i % PIECES * 400, number = first + 3;
        uint64_t va[] = {i * 4096, i * 8};
        struct trace_code code = {.process = i / PIECES,
            .pc = i * 64,
            .len = len,
            .n = 3,
            .access = access,
            .naccess = 2};
        if (i >= PIECES)
            trace_writer_code_drop(writer, first);
        status = trace_writer_code(writer, &code, first);
        for (unsigned k = 0; k < 5 && status == PGW_OK; k++)
            status = trace_writer_executed(writer, &number, 1, va);
    }
    return status;
}

static enum pgw_status
write_all(const struct writing *writing)
{
    struct pgw_trace_writer *writer;
    char why[PGW_TRACE_WHY] = "";
    enum pgw_status status = pgw_trace_writer_create(path, &writing->options, &writer, why);

    if (status != PGW_OK) {
        assert_non_null(strstr(why, path));
        return status;
    }
    if (writing->code)
        status = write_code(writer);
    else if (writing->reduce > 0)
        status = write_reduced(writing, writer);
    else
        status = write_refs(writing->made, writer, NULL);
    if (status != PGW_OK && writing->code) { /* nothing is lost that the writer had taken */
        pgw_trace_writer_discard(writer);
        return status;
    }
    enum pgw_status closed = pgw_trace_writer_close(writer);
    assert_true(status == PGW_OK || closed != PGW_OK);
    return closed;
}

/* What there is of the file, if anything, is the beginning of what was to be written, and does not
 * look like all. */
static void
expect_part(const struct writing *writing)
{
    struct rig_trace read = {0};
    struct pgw_trace *trace;
    struct pgw_trace_info info;
    char why[PGW_TRACE_WHY], part[80];

    (void)snprintf(part, sizeof part, "%s.part", path);
    assert_int_not_equal(access(part, F_OK), 0);
    if (pgw_trace_open(path, NULL, &trace, why) != PGW_OK)
        return;
    pgw_trace_get_info(trace, &info);
    assert_false(info.exact);
    assert_true(info.truncated);
    assert_int_equal(rig_read_on(&read, trace), PGW_OK);
    pgw_trace_close(trace);
    assert_true(read.n <= writing->whole.n && read.nevents <= writing->whole.nevents);
    assert_memory_equal(read.ref, writing->whole.ref, read.n * sizeof *read.ref);
    rig_free(&read);
}

static void
write_body(void *ctx)
{
    struct writing *writing = ctx;

    (void)unlink(path);
    enum pgw_status status = write_all(writing);
    failing_rest();
    if (writing->failing->call == FAILING_WRITE && writing->failing->error == 0)
        assert_int_equal(status, PGW_OK);
    if (status == PGW_OK) {
        size_t len;
        uint8_t *bytes = rig_load(path, &len);
        assert_int_equal(len, writing->len);
        assert_memory_equal(bytes, writing->bytes, len);
        free(bytes);
        return;
    }
    assert_true(failing_met());
    if (writing->failing->call >= FAILING_WRITE)
        assert_int_equal(status, writing->failing->error == ENOSPC ? PGW_NOSWAP : PGW_IO);
    else
        assert_int_equal(status, PGW_NOMEM);
    if (writing->failing->call == FAILING_CLOSE)
        assert_int_not_equal(access(path, F_OK), 0);
    expect_part(writing);
}

static void
torture_writing(struct writing *writing, const struct failing *failing, size_t n)
{
    pgw_trace_writer_options_init(&writing->options);
    writing->options.pages = writing->reduce > 0;
    assert_int_equal(write_all(writing), PGW_OK);
    assert_int_equal(rig_read(&writing->whole, path, NULL), PGW_OK);
    writing->bytes = rig_load(path, &writing->len);
    for (size_t i = 0; i < n; i++) {
        writing->failing = &failing[i];
        assert_true(failing_each(&failing[i], write_body, writing) > 0);
    }
    free(writing->bytes);
    rig_free(&writing->whole);
}

#define EACH(failing) (failing), sizeof(failing) / sizeof(failing)[0]

static void
write_references(void **state)
{
    struct rig_trace made = {0};
    struct base_rng rng;

    (void)state;
    test_rng_init(&rng, 1);
    rig_random(&made, &rng, 5000, true);
    torture_writing(&(struct writing){.made = &made}, EACH(memory));
    torture_writing(&(struct writing){.made = &made}, EACH(closings));
    rig_free(&made);
}

/* A small one: each run of references to a page is an allocation. */
static void
write_reduced_trace(void **state)
{
    struct rig_trace made = {0};
    struct base_rng rng;

    (void)state;
    test_rng_init(&rng, 4);
    rig_random(&made, &rng, 150, true);
    torture_writing(&(struct writing){.made = &made, .reduce = 20}, EACH(memory));
    rig_free(&made);
}

/* Several blocks, so that the thread has failed before all is given. */
static void
write_blocks(void **state)
{
    struct rig_trace made = {0};
    struct base_rng rng;

    (void)state;
    test_rng_init(&rng, 2);
    rig_random(&made, &rng, 2500000, false);
    torture_writing(&(struct writing){.made = &made}, EACH(writes));
    rig_free(&made);
}

static void
write_pieces_of_code(void **state)
{
    (void)state;
    torture_writing(&(struct writing){.code = true}, EACH(memory));
    torture_writing(&(struct writing){.code = true}, EACH(writes));
}

/* ---- reading ---- */

struct sum {
    uint64_t refs, events, hash, damages;
    bool exact, truncated;
};

struct reading {
    const char *name;
    bool keep_going;
    struct sum whole;
    const struct failing *failing;
};

static void
note_damage(void *ctx, const struct pgw_trace_damage *damage)
{
    struct sum *sum = ctx;

    (void)damage;
    sum->damages++;
}

static void
sum_batch(struct sum *sum, const struct pgw_trace_batch *batch)
{
    for (size_t i = 0; i < batch->nrefs; i++) {
        const struct pgw_ref *ref = &batch->refs[i];
        uint64_t rest = (uint64_t)ref->kind << 48 | (uint64_t)ref->size << 32 | ref->count;
        sum->hash = (sum->hash ^ ref->va) * 0x9e3779b97f4a7c15u;
        sum->hash = (sum->hash ^ rest ^ (uint64_t)ref->process << 56) * 0x9e3779b97f4a7c15u;
    }
    sum->refs += batch->nrefs;
    sum->events += batch->event != NULL;
}

static enum pgw_status
read_all(const struct reading *reading, struct sum *sum)
{
    struct pgw_trace_options options;
    struct pgw_trace_batch batch = {0};
    struct pgw_trace_info info;
    struct pgw_trace *trace;
    char why[PGW_TRACE_WHY] = "";

    *sum = (struct sum){0};
    pgw_trace_options_init(&options);
    options.damaged = reading->keep_going ? note_damage : NULL;
    options.ctx = sum;
    enum pgw_status status = pgw_trace_open(reading->name, &options, &trace, why);
    if (status != PGW_OK) {
        assert_true(why[0] != '\0' && strchr(why, '\n') == NULL);
        return status;
    }
    while (status == PGW_OK && !batch.end) {
        status = pgw_trace_next(trace, &batch);
        if (status == PGW_OK)
            sum_batch(sum, &batch);
    }
    if (status != PGW_OK)
        assert_true(pgw_trace_error_text(trace)[0] != '\0');
    pgw_trace_get_info(trace, &info);
    sum->exact = info.exact;
    sum->truncated = info.truncated;
    pgw_trace_close(trace);
    return status;
}

/* A trace that is good is never called damaged, shorter or without an index, because memory is
 * short or the disk does not answer. */
static void
read_body(void *ctx)
{
    struct reading *reading = ctx;
    struct sum sum;
    enum pgw_status status = read_all(reading, &sum);

    failing_rest();
    assert_int_equal(sum.damages, reading->whole.damages);
    if (status == PGW_OK) {
        assert_memory_equal(&sum, &reading->whole, sizeof sum);
        return;
    }
    assert_true(failing_met());
    assert_int_equal(status, reading->failing->call == FAILING_MEMORY ? PGW_NOMEM : PGW_IO);
    assert_true(sum.refs <= reading->whole.refs && sum.events <= reading->whole.events);
    assert_true(reading->failing->call == FAILING_MEMORY || reading->failing->error != 0);
}

static void
torture_reading(const char *name, bool keep_going)
{
    struct reading reading = {.name = name, .keep_going = keep_going};

    assert_int_equal(read_all(&reading, &reading.whole), PGW_OK);
    assert_true(reading.whole.refs > 0);
    for (size_t i = 0; i < 2; i++) {
        reading.failing = &memory[i];
        assert_true(failing_each(&memory[i], read_body, &reading) > 0);
    }
    for (size_t i = 0; i < sizeof reads / sizeof reads[0]; i++) {
        reading.failing = &reads[i];
        assert_true(failing_each(&reads[i], read_body, &reading) > 0);
    }
}

static void
read_every_format(void **state)
{
    (void)state;
    assert_true(ninputs > 0);
    for (int i = 0; i < ninputs; i++) {
        print_message("%s\n", inputs[i]);
        torture_reading(inputs[i], i % 2 == 0);
    }
}

static void
read_blocks(void **state)
{
    struct rig_trace made = {0};
    struct base_rng rng;

    (void)state;
    test_rng_init(&rng, 3);
    rig_random(&made, &rng, 2500000, true);
    rig_write(&made, path, NULL);
    rig_free(&made);
    torture_reading(path, false);
    torture_reading(path, true);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(write_references),
        cmocka_unit_test(write_reduced_trace),
        cmocka_unit_test(write_blocks),
        cmocka_unit_test(write_pieces_of_code),
        cmocka_unit_test(read_every_format),
        cmocka_unit_test(read_blocks),
    };

    inputs = argv + 1;
    ninputs = argc - 1;
    rig_path(path);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return failed;
}
