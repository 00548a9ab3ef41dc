/* SPDX-License-Identifier: BSD-2-Clause */
#include "trace_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void
rig_free(struct rig_trace *trace)
{
    free(trace->ref);
    free(trace->event);
    *trace = (struct rig_trace){0};
}

void
rig_add(struct rig_trace *trace, const struct pgw_ref *ref)
{
    if (trace->n == trace->room) {
        trace->room = trace->room * 2 + 1024;
        trace->ref = realloc(trace->ref, trace->room * sizeof *trace->ref);
        assert_non_null(trace->ref);
    }
    trace->ref[trace->n++] = *ref;
}

void
rig_add_event(struct rig_trace *trace, const struct pgw_event *event)
{
    if (trace->nevents == trace->events_room) {
        trace->events_room = trace->events_room * 2 + 64;
        trace->event = realloc(trace->event, trace->events_room * sizeof *trace->event);
        assert_non_null(trace->event);
    }
    struct rig_event *to = &trace->event[trace->nevents++];
    *to = (struct rig_event){.event = *event, .at = trace->n};
    if (event->text != NULL)
        strncpy(to->text, event->text, sizeof to->text - 1);
    to->event.text = NULL;
}

struct pgw_ref
rig_ref(uint32_t process, uint8_t kind, uint64_t va, unsigned size)
{
    return (struct pgw_ref){.va = va,
        .process = process,
        .size = (uint16_t)size,
        .kind = kind,
        .count = 1,
        .writes = (kind & PGW_REF_WRITE) != 0,
        .fetches = kind == PGW_REF_FETCH};
}

/* A loop of a few instructions, some of which go through arrays. */
static void
rig_loop(struct rig_trace *trace, struct base_rng *rng, uint32_t process)
{
    uint64_t pc = 0x10000 + 2 * base_rng_below(rng, 500), body = 1 + base_rng_below(rng, 80);
    uint64_t base = base_rng_next(rng) >> base_rng_below(rng, 64), stride = base_rng_below(rng, 70);

    for (uint64_t round = base_rng_below(rng, 12); round > 0; round--) {
        uint64_t at = pc;
        for (uint64_t i = 0; i < body; i++) {
            unsigned len = (at + i) % 3 == 0 ? 2 : 4;
            struct pgw_ref ref = rig_ref(process, PGW_REF_FETCH, at, len);
            rig_add(trace, &ref);
            at += len;
            for (uint64_t data = i % 3 == 2 ? 1 + i % 2 : 0; data > 0; data--) {
                ref = rig_ref(process, (uint8_t)(1 + (i + data) % 3), base + round * stride * data,
                    1u << i % 6);
                rig_add(trace, &ref);
            }
        }
    }
}

static void
rig_odd(struct rig_trace *trace, struct base_rng *rng, uint32_t process)
{
    static const uint8_t kinds[] = {1, 2, 3, 4};

    for (uint64_t n = base_rng_below(rng, 20); n > 0; n--) {
        uint8_t kind = kinds[base_rng_below(rng, 4)];
        uint64_t va = base_rng_next(rng) >> base_rng_below(rng, 64);
        struct pgw_ref ref = rig_ref(process, kind, va, (unsigned)base_rng_below(rng, 4097));
        if (base_rng_below(rng, 3) == 0) {
            ref.va &= ~(uint64_t)4095;
            ref.size = 0;
            ref.count = (uint16_t)(1 + base_rng_below(rng, UINT16_MAX));
            ref.writes = (uint16_t)base_rng_below(rng, ref.count);
            ref.fetches = (uint16_t)base_rng_below(rng, (uint64_t)ref.count - ref.writes);
            if ((kind & PGW_REF_WRITE) != 0 && ref.writes == 0)
                ref.writes = 1;
            if (kind == PGW_REF_FETCH && ref.fetches == 0)
                ref.fetches = 1;
            if (ref.count == 1)
                ref = rig_ref(process, kind, ref.va, 0);
        }
        rig_add(trace, &ref);
    }
}

static void
rig_event(struct rig_trace *trace, struct base_rng *rng, uint32_t process)
{
    enum pgw_event_kind kind = (enum pgw_event_kind)base_rng_below(rng, PGW_EVENT_KINDS);
    struct pgw_event event = {.kind = kind, .process = process};

    if (kind != PGW_EVENT_FORK && kind != PGW_EVENT_EXEC && kind != PGW_EVENT_EXIT) {
        event.va = base_rng_next(rng) >> 30 << 12;
        event.len = (1 + base_rng_below(rng, 1000)) << 12;
    }
    if (kind == PGW_EVENT_MAP || kind == PGW_EVENT_PROTECT)
        event.prot = (uint32_t)base_rng_below(rng, kind == PGW_EVENT_MAP ? 16 : 8);
    if (kind == PGW_EVENT_MOVE)
        event.other = base_rng_next(rng) >> 20 << 12;
    if (kind == PGW_EVENT_FORK)
        event.other = base_rng_below(rng, 6);
    if (kind == PGW_EVENT_EXEC && base_rng_below(rng, 4) > 0)
        event.text = "/usr/bin/some program";
    rig_add_event(trace, &event);
}

void
rig_random(struct rig_trace *trace, struct base_rng *rng, size_t n, bool events)
{
    while (trace->n < n) {
        uint32_t process = (uint32_t)(1 + base_rng_below(rng, 3));
        if (base_rng_below(rng, 4) > 0)
            rig_loop(trace, rng, process);
        else
            rig_odd(trace, rng, process);
        if (events && base_rng_below(rng, 20) == 0)
            rig_event(trace, rng, process);
    }
}

void
rig_path(char *path)
{
    strcpy(path, "/tmp/pgw-trace-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
}

void
rig_write(
    const struct rig_trace *trace, const char *path, const struct pgw_trace_writer_options *options)
{
    struct pgw_trace_writer *writer;
    char why[PGW_TRACE_WHY];
    uint64_t at = 0;

    assert_int_equal(pgw_trace_writer_create(path, options, &writer, why), PGW_OK);
    for (size_t i = 0; i <= trace->nevents; i++) {
        uint64_t end = i < trace->nevents ? trace->event[i].at : trace->n;
        assert_int_equal(pgw_trace_write(writer, trace->ref + at, end - at), PGW_OK);
        at = end;
        if (i == trace->nevents)
            break;
        struct pgw_event event = trace->event[i].event;
        event.text = trace->event[i].text[0] != '\0' ? trace->event[i].text : NULL;
        assert_int_equal(pgw_trace_write_event(writer, &event), PGW_OK);
    }
    assert_int_equal(pgw_trace_writer_close(writer), PGW_OK);
}

enum pgw_status
rig_read_on(struct rig_trace *trace, struct pgw_trace *from)
{
    struct pgw_trace_batch batch;
    enum pgw_status status;

    do {
        status = pgw_trace_next(from, &batch);
        if (status != PGW_OK)
            return status;
        for (size_t i = 0; i < batch.nrefs; i++)
            rig_add(trace, &batch.refs[i]);
        if (batch.event != NULL)
            rig_add_event(trace, batch.event);
    } while (!batch.end);
    return PGW_OK;
}

enum pgw_status
rig_read(struct rig_trace *trace, const char *path, const struct pgw_trace_options *options)
{
    struct pgw_trace *from;
    char why[PGW_TRACE_WHY] = "";
    enum pgw_status status = pgw_trace_open(path, options, &from, why);

    if (status != PGW_OK) {
        assert_int_not_equal(why[0], '\0');
        return status;
    }
    status = rig_read_on(trace, from);
    if (status != PGW_OK)
        assert_int_not_equal(pgw_trace_error_text(from)[0], '\0');
    pgw_trace_close(from);
    return status;
}

void
rig_assert_same(const struct rig_trace *a, uint64_t from, const struct rig_trace *b)
{
    size_t skipped = 0;

    assert_int_equal(a->n - from, b->n);
    for (size_t i = 0; i < b->n; i++) {
        if (memcmp(&a->ref[from + i], &b->ref[i], sizeof b->ref[i]) != 0)
            fail_msg("reference %zu is %llx size %u kind %u, not %llx size %u kind %u", i,
                (unsigned long long)b->ref[i].va, b->ref[i].size, b->ref[i].kind,
                (unsigned long long)a->ref[from + i].va, a->ref[from + i].size,
                a->ref[from + i].kind);
    }
    while (skipped < a->nevents && a->nevents - skipped > b->nevents)
        skipped++;
    assert_int_equal(a->nevents - skipped, b->nevents);
    assert_true(skipped == 0 || a->event[skipped - 1].at <= from);
    for (size_t i = 0; i < b->nevents; i++) {
        const struct rig_event *x = &a->event[skipped + i], *y = &b->event[i];
        assert_int_equal(x->at - from, y->at);
        assert_memory_equal(&x->event, &y->event, sizeof x->event);
        assert_string_equal(x->text, y->text);
    }
}

uint8_t *
rig_load(const char *path, size_t *len)
{
    FILE *file = fopen(path, "rb");

    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    *len = (size_t)ftell(file);
    rewind(file);
    uint8_t *bytes = malloc(*len + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *len, file), *len);
    fclose(file);
    return bytes;
}

void
rig_save(const char *path, const void *bytes, size_t len)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}
