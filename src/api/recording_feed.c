/* SPDX-License-Identifier: BSD-2-Clause */
/* The recorder's feeder: buffers become the trace writer's calls. */
#include <stdlib.h>

#include "api/recording.h"

static enum pgw_status
feed_describe(struct recording *recorder, const struct recording_code *code)
{
    uint8_t len[CPU_RECORD_INSNS];
    struct trace_code_access access[CPU_RECORD_INSNS];
    struct trace_code told = {
        .process = code->process, .pc = code->pc, .len = len, .n = code->n, .access = access};

    for (unsigned i = 0; i < code->n; i++) {
        const struct cpu_code_insn *insn = &code->insns[i];
        len[i] = insn->len;
        if (insn->access != 0)
            access[told.naccess++] =
                (struct trace_code_access){(uint16_t)i, insn->access, insn->size};
    }
    recorder->figures.codes++;
    return trace_writer_code(recorder->writer, &told, code->first);
}

static enum pgw_status
feed_codes(struct recording *recorder, const struct recording_buf *buf)
{
    enum pgw_status status = PGW_OK;

    for (size_t i = 0; status == PGW_OK && i < buf->ncodes; i++)
        status = feed_describe(recorder, buf->codes[i]);
    return status;
}

/* Code of a generation that is over; with tell, the writer knows it. */
static void
feed_forget(struct recording *recorder, struct recording_code *code, bool tell)
{
    for (struct recording_code *next; code != NULL; code = next) {
        next = code->next;
        if (tell)
            trace_writer_code_drop(recorder->writer, code->first);
        free(code);
    }
}

/* What was executed from one place in the buffer to another. */
static enum pgw_status
feed_executed(struct recording *recorder, const struct recording_buf *buf, uint32_t word,
    uint32_t words, uint32_t va)
{
    if (word == words)
        return PGW_OK;
    return trace_writer_executed(recorder->writer, buf->words + word, words - word, buf->vas + va);
}

static enum pgw_status
feed_all(struct recording *recorder, const struct recording_buf *buf)
{
    enum pgw_status status = PGW_OK;
    uint32_t word = 0, va = 0;

    for (size_t i = 0; status == PGW_OK && i < buf->nevents; i++) {
        struct recording_event *event = &buf->events[i];
        status = feed_executed(recorder, buf, word, event->words, va);
        word = event->words;
        va = event->vas;
        event->event.text = event->text[0] != '\0' ? event->text : NULL;
        if (status == PGW_OK)
            status = pgw_trace_write_event(recorder->writer, &event->event);
    }
    if (status == PGW_OK)
        status = feed_executed(recorder, buf, word, buf->nwords, va);
    recorder->figures.events += buf->nevents;
    recorder->figures.accesses += buf->nvas;
    return status;
}

static void
feed_buf(struct recording *recorder, struct recording_buf *buf)
{
    enum pgw_status status = recording_status(recorder);

    feed_forget(recorder, buf->stale, status == PGW_OK);
    if (status == PGW_OK)
        status = feed_codes(recorder, buf);
    if (status == PGW_OK)
        status = feed_all(recorder, buf);
    if (status != PGW_OK)
        recording_stop(recorder, status);
}

void
recording_feed(void *arg)
{
    struct recording *recorder = arg;

    for (;;) {
        host_monitor_enter(&recorder->monitor);
        while (recorder->full == NULL && !recorder->closing)
            host_monitor_wait(&recorder->monitor);
        struct recording_buf *buf = recorder->full;
        if (buf != NULL) {
            recorder->nfull--;
            if ((recorder->full = buf->next) == NULL)
                recorder->full_end = &recorder->full;
        }
        host_monitor_leave(&recorder->monitor);
        if (buf == NULL)
            break;
        feed_buf(recorder, buf);
        host_monitor_enter(&recorder->monitor);
        buf->next = recorder->free;
        recorder->free = buf;
        host_monitor_wake(&recorder->monitor);
        host_monitor_leave(&recorder->monitor);
    }
    recorder->figures.fetches = trace_writer_given(recorder->writer) - recorder->figures.accesses;
}
