/* SPDX-License-Identifier: BSD-2-Clause */
/* The recorder's life, and the machine's side of it: buffers and pieces of code. */
#include "api/recording.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

bool
recording_grow(void **array, size_t *room, size_t n, size_t size)
{
    if (n < *room)
        return true;
    size_t more = *room > 0 ? *room * 2 : 64;
    while (more <= n)
        more *= 2;
    void *bigger = reallocarray(*array, more, size);
    if (bigger == NULL)
        return false;
    memset((char *)bigger + *room * size, 0, (more - *room) * size);
    *array = bigger;
    *room = more;
    return true;
}

void
recording_stop(struct recording *recorder, enum pgw_status status)
{
    host_monitor_enter(&recorder->monitor);
    if (recorder->status == PGW_OK)
        recorder->status = status;
    host_monitor_leave(&recorder->monitor);
}

enum pgw_status
recording_status(struct recording *recorder)
{
    host_monitor_enter(&recorder->monitor);
    enum pgw_status status = recorder->status;
    host_monitor_leave(&recorder->monitor);
    return status;
}

/* --- buffers --- */

static void
recording_take(struct recording *recorder, struct recording_buf *buf)
{
    buf->stale = NULL;
    buf->ncodes = buf->nevents = 0;
    recorder->buf = buf;
    recorder->cpu.words = buf->words;
    recorder->cpu.words_end = buf->words + RECORDING_WORDS;
    recorder->cpu.vas = buf->vas;
    recorder->cpu.vas_end = buf->vas + RECORDING_VAS;
}

/* Gives the buffer to the feeder. */
static void
recording_give(struct recording *recorder)
{
    struct recording_buf *buf = recorder->buf;

    buf->nwords = (uint32_t)(recorder->cpu.words - buf->words);
    buf->nvas = (uint32_t)(recorder->cpu.vas - buf->vas);
    buf->next = NULL;
    host_monitor_enter(&recorder->monitor);
    *recorder->full_end = buf;
    recorder->full_end = &buf->next;
    /* Some at once: waking a thread takes as long as a good part of a buffer. */
    if (++recorder->nfull >= RECORDING_BUFFERS / 2)
        host_monitor_wake(&recorder->monitor);
    host_monitor_leave(&recorder->monitor);
}

static struct recording_buf *
recording_await(struct recording *recorder)
{
    host_monitor_enter(&recorder->monitor);
    while (recorder->free == NULL)
        host_monitor_wait(&recorder->monitor);
    struct recording_buf *buf = recorder->free;
    recorder->free = buf->next;
    host_monitor_leave(&recorder->monitor);
    return buf;
}

/* Forgets all code. */
static void
recording_renew(struct recording *recorder)
{
    memset(recorder->bucket, 0, sizeof recorder->bucket);
    recorder->numbers = 0;
    recorder->cpu.generation++;
    recorder->buf->stale = recorder->all;
    recorder->all = NULL;
}

static void
recording_full(struct cpu_recorder *cpu)
{
    struct recording *recorder = (struct recording *)cpu;

    recording_give(recorder);
    recording_take(recorder, recording_await(recorder));
    if (recorder->numbers >= RECORDING_NUMBERS)
        recording_renew(recorder);
}

void
recording_put(struct recording *recorder, const struct recording_event *event)
{
    struct recording_buf *buf = recorder->buf;
    void *events = buf->events;

    if (!recording_grow(&events, &buf->events_room, buf->nevents, sizeof *event)) {
        recording_stop(recorder, PGW_NOMEM);
        return;
    }
    buf->events = events;
    struct recording_event *put = &buf->events[buf->nevents++];
    *put = *event;
    put->words = (uint32_t)(recorder->cpu.words - buf->words);
    put->vas = (uint32_t)(recorder->cpu.vas - buf->vas);
}

/* --- pieces of code --- */

static uint64_t
code_hash(uint32_t process, const struct cpu_code *code)
{
    uint64_t hash = (code->pc ^ (uint64_t)process << 48) * 0x9e3779b97f4a7c15u;

    for (unsigned i = 0; i < code->n; i++) {
        const struct cpu_code_insn *insn = &code->insns[i];
        uint64_t bits = insn->len | (uint64_t)insn->access << 8 | (uint64_t)insn->size << 16;
        hash = ((hash << 23 | hash >> 41) ^ bits) * 0x9e3779b97f4a7c15u;
    }
    return hash;
}

static bool
code_is(const struct recording_code *known, uint64_t hash, uint32_t process,
    const struct cpu_code *code)
{
    return known->hash == hash && known->process == process && known->pc == code->pc &&
           known->n == code->n &&
           memcmp(known->insns, code->insns, code->n * sizeof code->insns[0]) == 0;
}

/* A new one, in the table and on the buffer's list; NULL: no memory. */
static struct recording_code *
code_new(struct recording *recorder, uint64_t hash, const struct cpu_code *code)
{
    struct recording_buf *buf = recorder->buf;
    struct recording_code *made = malloc(sizeof *made + code->n * sizeof code->insns[0]);
    void *codes = buf->codes;

    if (made == NULL ||
        !recording_grow(&codes, &buf->codes_room, buf->ncodes, sizeof(struct recording_code *))) {
        free(made);
        return NULL;
    }
    buf->codes = codes;
    *made = (struct recording_code){.hash = hash,
        .pc = code->pc,
        .process = recorder->process,
        .first = recorder->numbers,
        .n = (uint8_t)code->n};
    memcpy(made->insns, code->insns, code->n * sizeof code->insns[0]);
    recorder->numbers += code->n + 1;
    made->same_bucket = recorder->bucket[hash % RECORDING_BUCKETS];
    recorder->bucket[hash % RECORDING_BUCKETS] = made;
    made->next = recorder->all;
    recorder->all = made;
    buf->codes[buf->ncodes++] = made;
    return made;
}

static uint32_t
recording_code(struct cpu_recorder *cpu, const struct cpu_code *code)
{
    struct recording *recorder = (struct recording *)cpu;
    uint64_t hash = code_hash(recorder->process, code);
    struct recording_code *known = recorder->bucket[hash % RECORDING_BUCKETS];

    while (known != NULL && !code_is(known, hash, recorder->process, code))
        known = known->same_bucket;
    if (known == NULL)
        known = code_new(recorder, hash, code);
    if (known != NULL)
        return known->first;
    /* Nothing is fed any more, this buffer included, so the number is nobody's. */
    recording_stop(recorder, PGW_NOMEM);
    return 0;
}

/* --- beginning and end --- */

enum pgw_status
recording_create(struct pgw_trace_writer *writer, struct recording **recorder)
{
    struct recording *made = calloc(1, sizeof *made);

    if (made == NULL)
        return PGW_NOMEM;
    made->cpu.code = recording_code;
    made->cpu.full = recording_full;
    made->writer = writer;
    made->full_end = &made->full;
    for (unsigned i = 1; i < RECORDING_BUFFERS; i++) {
        made->bufs[i].next = made->free;
        made->free = &made->bufs[i];
    }
    host_monitor_init(&made->monitor);
    recording_take(made, &made->bufs[0]);
    enum pgw_status status = host_thread_start(&made->thread, recording_feed, made);
    if (status != PGW_OK) {
        host_monitor_fini(&made->monitor);
        free(made);
        return status;
    }
    *recorder = made;
    return PGW_OK;
}

enum pgw_status
recording_close(struct recording *recorder, enum trace_end how, struct recording_figures *figures)
{
    recording_give(recorder);
    host_monitor_enter(&recorder->monitor);
    recorder->closing = true;
    host_monitor_wake(&recorder->monitor);
    host_monitor_leave(&recorder->monitor);
    host_thread_join(&recorder->thread);

    if (recorder->status != PGW_OK)
        trace_writer_spoil(recorder->writer, recorder->status);
    enum pgw_status status = trace_writer_end(recorder->writer, how);
    *figures = recorder->figures;
    for (struct recording_code *code = recorder->all, *next; code != NULL; code = next) {
        next = code->next;
        free(code);
    }
    for (unsigned i = 0; i < RECORDING_BUFFERS; i++) {
        free(recorder->bufs[i].codes);
        free(recorder->bufs[i].events);
    }
    host_monitor_fini(&recorder->monitor);
    free(recorder);
    return status;
}
