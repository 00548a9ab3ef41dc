/* SPDX-License-Identifier: BSD-2-Clause */
/* Our own format: what is written is read. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "trace/writer.h"
#include "trace_rig.h"

static void
test_round_trip(void **state)
{
    struct base_rng rng;
    char path[64];

    (void)state;
    test_rng_init(&rng, 1);
    rig_path(path);
    for (uint64_t i = 0; i < test_rounds(60); i++) {
        struct rig_trace made = {0}, read = {0};
        rig_random(&made, &rng, i == 0 ? 0 : (size_t)base_rng_below(&rng, 30000), i % 3 != 0);
        rig_write(&made, path, NULL);
        assert_int_equal(rig_read(&read, path, NULL), PGW_OK);
        rig_assert_same(&made, 0, &read);
        rig_free(&made);
        rig_free(&read);
    }
    unlink(path);
}

/* The header says what it should, and the index counts what there is. */
static void
test_info(void **state)
{
    struct pgw_trace_writer_options options;
    struct rig_trace made = {0};
    struct pgw_trace *trace;
    struct pgw_trace_info info;
    struct base_rng rng;
    char path[64], why[PGW_TRACE_WHY];

    (void)state;
    test_rng_init(&rng, 2);
    rig_path(path);
    rig_random(&made, &rng, 5000, true);
    pgw_trace_writer_options_init(&options);
    options.command = "cc -O2 hello.c";
    options.reduced = 77;
    rig_write(&made, path, &options);
    assert_int_equal(pgw_trace_open(path, NULL, &trace, why), PGW_OK);
    pgw_trace_get_info(trace, &info);
    assert_int_equal(info.format, PGW_TRACE_OWN);
    assert_string_equal(info.compression, "none");
    assert_string_equal(info.command, "cc -O2 hello.c");
    assert_true(info.exact && !info.truncated && !info.pages);
    assert_int_equal(info.refs, made.n);
    assert_int_equal(info.events, made.nevents);
    assert_int_equal(info.reduced, 77);
    assert_in_range(info.processes, 3, 6);
    pgw_trace_close(trace);
    rig_free(&made);
    unlink(path);
}

/* What a naive reader makes of a fold: the runs of the full trace. */
static void
fold_naive(const struct rig_trace *full, struct rig_trace *folded)
{
    size_t event = 0;
    bool forked = false;

    for (size_t i = 0; i < full->n; i++) {
        bool fresh = folded->n == 0;
        for (; event < full->nevents && full->event[event].at <= i; event++) {
            rig_add_event(folded, &full->event[event].event);
            strcpy(folded->event[event].text, full->event[event].text);
            forked = forked || full->event[event].event.kind == PGW_EVENT_FORK;
            fresh = true;
        }
        const struct pgw_ref *ref = &full->ref[i];
        uint64_t last = (ref->size > 0 ? ref->va + ref->size - 1 : ref->va) & ~(uint64_t)4095;
        for (uint64_t va = ref->va & ~(uint64_t)4095;; va = last) {
            struct pgw_ref *run = fresh ? NULL : &folded->ref[folded->n - 1];
            if (run != NULL && run->va == va && run->process == ref->process &&
                (unsigned)run->count + ref->count <= UINT16_MAX &&
                !(forked && run->writes == 0 && ref->writes > 0)) {
                run->count = (uint16_t)(run->count + ref->count);
                run->writes = (uint16_t)(run->writes + ref->writes);
                run->fetches = (uint16_t)(run->fetches + ref->fetches);
            } else {
                struct pgw_ref piece = *ref;
                piece.va = va;
                piece.size = 0;
                rig_add(folded, &piece);
            }
            fresh = false;
            if (va == last)
                break;
        }
    }
    for (; event < full->nevents; event++) {
        rig_add_event(folded, &full->event[event].event);
        strcpy(folded->event[event].text, full->event[event].text);
    }
}

/* A run has as many references as its count can say, also where fetches come many at once. */
static void
test_long_runs(void **state)
{
    static const uint8_t len[30] = {[0 ... 29] = 4};
    const struct trace_code code = {.process = 1, .pc = 0x10000, .len = len, .n = 30};
    static uint32_t number[5000];
    struct pgw_trace_writer_options options;
    struct pgw_trace_writer *writer;
    struct rig_trace read = {0};
    char path[64], why[PGW_TRACE_WHY];

    (void)state;
    rig_path(path);
    pgw_trace_writer_options_init(&options);
    options.pages = true;
    assert_int_equal(pgw_trace_writer_create(path, &options, &writer, why), PGW_OK);
    assert_int_equal(trace_writer_code(writer, &code, 0), PGW_OK);
    for (size_t i = 0; i < 5000; i++)
        number[i] = 30;
    assert_int_equal(trace_writer_executed(writer, number, 5000, NULL), PGW_OK);
    assert_int_equal(pgw_trace_writer_close(writer), PGW_OK);
    assert_int_equal(rig_read(&read, path, NULL), PGW_OK);
    assert_int_equal(read.n, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(read.ref[i].count, i < 2 ? UINT16_MAX : 5000 * 30 - 2 * UINT16_MAX);
        assert_int_equal(read.ref[i].fetches, read.ref[i].count);
        assert_int_equal(read.ref[i].va, 0x10000);
    }
    rig_free(&read);
    unlink(path);
}

/* What ends where addresses do is in one page. */
static void
test_last_page(void **state)
{
    const struct pgw_ref last = rig_ref(1, PGW_REF_WRITE, UINT64_MAX - 2, 8);
    struct pgw_trace_writer_options options;
    struct rig_trace made = {0}, read = {0};
    char path[64];

    (void)state;
    rig_path(path);
    pgw_trace_writer_options_init(&options);
    options.pages = true;
    rig_add(&made, &last);
    rig_write(&made, path, &options);
    assert_int_equal(rig_read(&read, path, NULL), PGW_OK);
    assert_int_equal(read.n, 1);
    assert_int_equal(read.ref[0].va, UINT64_MAX - 4095);
    rig_free(&made);
    rig_free(&read);
    unlink(path);
}

static void
test_pages(void **state)
{
    struct pgw_trace_writer_options options;
    struct base_rng rng;
    char path[64];

    (void)state;
    test_rng_init(&rng, 3);
    rig_path(path);
    pgw_trace_writer_options_init(&options);
    options.pages = true;
    for (uint64_t i = 0; i < test_rounds(20); i++) {
        struct rig_trace made = {0}, want = {0}, read = {0};
        rig_random(&made, &rng, (size_t)base_rng_below(&rng, 20000), true);
        fold_naive(&made, &want);
        rig_write(&made, path, &options);
        assert_int_equal(rig_read(&read, path, NULL), PGW_OK);
        rig_assert_same(&want, 0, &read);
        rig_free(&made);
        rig_free(&want);
        rig_free(&read);
    }
    unlink(path);
}

/* ---- code ---- */

struct piece {
    struct trace_code code;
    uint8_t len[TRACE_CODE_INSNS_MAX];
    struct trace_code_access access[64];
    uint32_t first; /* number of its executions */
    bool live;
};

/* Executions that are told to the writer together. */
struct batch {
    uint32_t number[40];
    uint64_t va[40 * 64];
    size_t n, nva;
};

static void
piece_random(struct piece *piece, struct base_rng *rng)
{
    size_t n = 1 + base_rng_below(rng, base_rng_below(rng, 10) == 0 ? 500 : 20), naccess = 0;

    for (size_t i = 0; i < n; i++) {
        piece->len[i] = base_rng_below(rng, 2) == 0 ? 2 : 4;
        for (uint64_t k = base_rng_below(rng, 3); k > 0 && naccess < 64; k--)
            piece->access[naccess++] = (struct trace_code_access){.insn = (uint16_t)i,
                .kind = (uint8_t)(1 + base_rng_below(rng, 3)),
                .size = (uint8_t)(1u << base_rng_below(rng, 5))};
    }
    piece->code = (struct trace_code){.process = (uint32_t)base_rng_below(rng, 3),
        .pc = base_rng_below(rng, 100000) * 2,
        .len = piece->len,
        .n = n,
        .access = piece->access,
        .naccess = naccess};
}

static void
batch_write(struct batch *batch, struct pgw_trace_writer *writer)
{
    assert_int_equal(trace_writer_executed(writer, batch->number, batch->n, batch->va), PGW_OK);
    batch->n = batch->nva = 0;
}

static void
piece_execute(struct piece *piece, struct base_rng *rng, struct pgw_trace_writer *writer,
    struct batch *batch, struct rig_trace *want)
{
    size_t done =
        base_rng_below(rng, 3) == 0 ? base_rng_below(rng, piece->code.n + 1) : piece->code.n;
    uint64_t *va = batch->va + batch->nva, pc = piece->code.pc;
    size_t nva = 0;

    for (size_t i = 0; i < done; i++) {
        struct pgw_ref ref = rig_ref(piece->code.process, PGW_REF_FETCH, pc, piece->len[i]);
        rig_add(want, &ref);
        pc += piece->len[i];
        for (; nva < piece->code.naccess && piece->access[nva].insn == i; nva++) {
            va[nva] = base_rng_next(rng) >> (base_rng_below(rng, 2) * 50 + 10);
            ref = rig_ref(
                piece->code.process, piece->access[nva].kind, va[nva], piece->access[nva].size);
            rig_add(want, &ref);
        }
    }
    uint32_t number = piece->first + (uint32_t)done;
    assert_int_equal(trace_writer_accesses(writer, number), nva);
    batch->number[batch->n++] = number;
    batch->nva += nva;
    if (batch->n == 40 || base_rng_below(rng, 30) == 0)
        batch_write(batch, writer);
}

static void
write_code(struct base_rng *rng, const char *path, const struct pgw_trace_writer_options *options,
    size_t steps, struct rig_trace *want)
{
    enum { PIECES = 40 };
    struct piece *piece = calloc(PIECES, sizeof *piece);
    struct batch *batch = calloc(1, sizeof *batch);
    struct pgw_trace_writer *writer;
    char why[PGW_TRACE_WHY];

    assert_int_equal(pgw_trace_writer_create(path, options, &writer, why), PGW_OK);
    for (size_t i = 0; i < steps; i++) {
        struct piece *at = &piece[base_rng_below(rng, PIECES)];
        struct pgw_ref ref = rig_ref(1, PGW_REF_READ, base_rng_next(rng) >> 20, 8);
        struct pgw_event event = {.kind = PGW_EVENT_EXIT, .process = 9};
        if (at->live && base_rng_below(rng, 200) == 0) {
            batch_write(batch, writer);
            trace_writer_code_drop(writer, at->first);
            at->live = false;
        }
        if (!at->live) {
            piece_random(at, rng);
            at->first = (uint32_t)(at - piece) * 600;
            assert_int_equal(trace_writer_code(writer, &at->code, at->first), PGW_OK);
            at->live = true;
        }
        piece_execute(at, rng, writer, batch, want);
        if (base_rng_below(rng, 50) == 0) {
            batch_write(batch, writer);
            rig_add(want, &ref);
            assert_int_equal(pgw_trace_write(writer, &ref, 1), PGW_OK);
        }
        if (base_rng_below(rng, 300) == 0) {
            batch_write(batch, writer);
            rig_add_event(want, &event);
            assert_int_equal(pgw_trace_write_event(writer, &event), PGW_OK);
        }
    }
    batch_write(batch, writer);
    uint64_t given = 0;
    for (size_t i = 0; i < want->n; i++)
        given += want->ref[i].count;
    assert_int_equal(trace_writer_given(writer), given);
    assert_int_equal(pgw_trace_writer_close(writer), PGW_OK);
    free(piece);
    free(batch);
}

static void
test_code(void **state)
{
    struct pgw_trace_writer_options options;
    struct base_rng rng, again;
    char path[64];

    (void)state;
    test_rng_init(&rng, 4);
    rig_path(path);
    pgw_trace_writer_options_init(&options);
    options.pages = true;
    for (uint64_t i = 0; i < test_rounds(20); i++) {
        struct rig_trace want = {0}, want_again = {0}, read = {0}, folded = {0};
        again = rng;
        write_code(&rng, path, NULL, 2000, &want);
        assert_int_equal(rig_read(&read, path, NULL), PGW_OK);
        rig_assert_same(&want, 0, &read);
        rig_free(&read);
        write_code(&again, path, &options, 2000, &want_again);
        fold_naive(&want_again, &folded);
        assert_int_equal(rig_read(&read, path, NULL), PGW_OK);
        rig_assert_same(&folded, 0, &read);
        rig_free(&want);
        rig_free(&want_again);
        rig_free(&read);
        rig_free(&folded);
    }
    unlink(path);
}

static void
test_code_refused(void **state)
{
    static const uint8_t len[] = {4, 4};
    struct trace_code_access access[] = {{1, PGW_REF_READ, 8}, {0, PGW_REF_READ, 8}};
    struct trace_code code = {.len = len, .n = 2, .access = access, .naccess = 2};
    struct pgw_trace_writer *writer;
    char why[PGW_TRACE_WHY], path[64];

    (void)state;
    rig_path(path);
    assert_int_equal(pgw_trace_writer_create(path, NULL, &writer, why), PGW_OK);
    assert_int_equal(trace_writer_code(writer, &code, 7), PGW_INVAL);
    access[1].insn = 2;
    assert_int_equal(trace_writer_code(writer, &code, 7), PGW_INVAL);
    access[1].insn = 1;
    assert_int_equal(trace_writer_code(writer, &code, 7), PGW_OK);
    assert_int_equal(trace_writer_code(writer, &code, 9), PGW_INVAL); /* numbers in use */
    assert_int_equal(trace_writer_code(writer, &code, UINT32_MAX), PGW_INVAL);
    access[1].kind = PGW_REF_FETCH;
    assert_int_equal(trace_writer_code(writer, &code, 100), PGW_INVAL);
    code.n = 0;
    assert_int_equal(trace_writer_code(writer, &code, 100), PGW_INVAL);
    assert_int_equal(pgw_trace_writer_close(writer), PGW_OK);
    unlink(path);
}

/* The same input makes the same file. */
static void
test_repeatable(void **state)
{
    struct rig_trace made = {0};
    struct base_rng rng;
    char path[64];
    size_t len, again;

    (void)state;
    test_rng_init(&rng, 10);
    rig_path(path);
    rig_random(&made, &rng, 30000, true);
    rig_write(&made, path, NULL);
    uint8_t *first = rig_load(path, &len);
    rig_write(&made, path, NULL);
    uint8_t *second = rig_load(path, &again);
    assert_int_equal(len, again);
    assert_memory_equal(first, second, len);
    free(first);
    free(second);
    rig_free(&made);
    unlink(path);
}

static void
test_refused(void **state)
{
    static const struct pgw_ref wrong[] = {
        {.va = 1, .size = 1, .kind = 0, .count = 1},
        {.va = 1, .size = 1, .kind = PGW_REF_FETCH | PGW_REF_READ, .count = 1},
        {.va = 1, .size = 1, .kind = PGW_REF_READ, .count = 0},
        {.va = 1, .size = 4097, .kind = PGW_REF_READ, .count = 1},
        {.kind = PGW_REF_READ, .count = 3, .writes = 2, .fetches = 1},
        {.kind = PGW_REF_WRITE, .count = 3},
        {.kind = PGW_REF_FETCH, .count = 3, .writes = 1},
    };
    struct pgw_trace_writer *writer;
    struct pgw_trace *trace;
    struct pgw_event event = {.kind = PGW_EVENT_KINDS};
    char path[64], why[PGW_TRACE_WHY];

    (void)state;
    rig_path(path);
    assert_int_equal(pgw_trace_writer_create("/nowhere/at/all", NULL, &writer, why), PGW_NOTFOUND);
    assert_non_null(strstr(why, "/nowhere/at/all"));
    assert_int_equal(pgw_trace_open("/nowhere/at/all", NULL, &trace, why), PGW_NOTFOUND);
    assert_non_null(strstr(why, "/nowhere/at/all"));
    assert_int_equal(pgw_trace_open("/", NULL, &trace, why), PGW_INVAL);
    assert_non_null(strstr(why, "/: is a folder"));
    assert_int_equal(pgw_trace_open(path, NULL, &trace, why), PGW_INVAL);
    assert_non_null(strstr(why, "is empty"));
    assert_int_equal(pgw_trace_writer_create(path, NULL, &writer, why), PGW_OK);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(pgw_trace_write(writer, &wrong[i], 1), PGW_INVAL);
    assert_int_equal(pgw_trace_write_event(writer, &event), PGW_INVAL);
    assert_int_equal(pgw_trace_writer_close(writer), PGW_OK);
    struct rig_trace read = {0};
    assert_int_equal(rig_read(&read, path, NULL), PGW_OK);
    assert_int_equal(read.n + read.nevents, 0);
    rig_free(&read);
    unlink(path);
}

/* A full disk is an ordinary result. */
static void
test_full(void **state)
{
    struct rig_trace made = {0};
    struct pgw_trace_writer *writer;
    struct base_rng rng;
    char why[PGW_TRACE_WHY];

    (void)state;
    test_rng_init(&rng, 11);
    rig_random(&made, &rng, 1000, false);
    assert_int_equal(pgw_trace_writer_create("/dev/full", NULL, &writer, why), PGW_NOSWAP);
    assert_non_null(strstr(why, "the disk is full"));
    rig_free(&made);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_info),
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_long_runs),
        cmocka_unit_test(test_last_page),
        cmocka_unit_test(test_code),
        cmocka_unit_test(test_code_refused),
        cmocka_unit_test(test_repeatable),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
