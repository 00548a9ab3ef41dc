/* SPDX-License-Identifier: BSD-2-Clause */
/* The recorder's feeder: buffers become the trace writer's calls. */
#include <stdlib.h>

#include "api/recording.h"

/* Has the writer describe the code, and notes it as its process's. */
static enum pgw_status
feed_describe(struct recording *recorder, struct recording_code *code)
{
    uint8_t len[CPU_RECORD_INSNS];
    struct trace_code_access access[CPU_RECORD_INSNS];
    struct trace_code told = {
        .process = code->process, .pc = code->pc, .len = len, .n = code->n, .access = access};
    void *owners = recorder->owner;

    if (!recording_grow(&owners, &recorder->owners_room, code->process, sizeof recorder->owner[0]))
        return PGW_NOMEM;
    recorder->owner = owners;
    for (unsigned i = 0; i < code->n; i++) {
        const struct cpu_code_insn *insn = &code->insns[i];
        len[i] = insn->len;
        if (insn->access != 0)
            access[told.naccess++] =
                (struct trace_code_access){(uint16_t)i, insn->access, insn->size};
    }
    enum pgw_status status = trace_writer_code(recorder->writer, &told, &code->writer_id);
    if (status != PGW_OK)
        return status;
    code->described = true;
    code->same_owner = recorder->owner[code->process];
    recorder->owner[code->process] = code;
    recorder->figures.codes++;
    return PGW_OK;
}

/* Takes the buffer's new codes over. */
static enum pgw_status
feed_codes(struct recording *recorder, const struct recording_buf *buf)
{
    for (size_t i = 0; i < buf->ncodes; i++) {
        struct recording_code *code = buf->codes[i];
        void *codes = recorder->codes;

        if (!recording_grow(&codes, &recorder->codes_room, code->id, sizeof code)) {
            for (; i < buf->ncodes; i++)
                free(buf->codes[i]);
            return PGW_NOMEM;
        }
        recorder->codes = codes;
        recorder->codes[code->id] = code;
    }
    return PGW_OK;
}

/* The process will not execute its code again. */
static void
feed_drop_owned(struct recording *recorder, uint32_t process)
{
    if (process >= recorder->owners_room)
        return;
    for (struct recording_code *code = recorder->owner[process]; code != NULL;
         code = code->same_owner) {
        trace_writer_code_drop(recorder->writer, code->writer_id);
        code->described = false;
    }
    recorder->owner[process] = NULL;
}

/* Forgets all code; with tell, to the writer as well. */
static void
feed_forget(struct recording *recorder, bool tell)
{
    for (size_t i = 0; i < recorder->owners_room; i++) {
        if (tell)
            feed_drop_owned(recorder, (uint32_t)i);
        recorder->owner[i] = NULL;
    }
    for (size_t i = 0; i < recorder->codes_room; i++) {
        free(recorder->codes[i]);
        recorder->codes[i] = NULL;
    }
}

static enum pgw_status
feed_event(struct recording *recorder, struct recording_event *event)
{
    event->event.text = event->text[0] != '\0' ? event->text : NULL;
    enum pgw_status status = pgw_trace_write_event(recorder->writer, &event->event);
    if (event->event.kind == PGW_EVENT_EXIT || event->event.kind == PGW_EVENT_EXEC)
        feed_drop_owned(recorder, event->event.process);
    recorder->figures.events++;
    return status;
}

static enum pgw_status
feed_words(struct recording *recorder, const struct recording_buf *buf)
{
    const uint64_t *va = buf->vas;
    enum pgw_status status = PGW_OK;

    for (uint32_t i = 0; status == PGW_OK && i < buf->nwords; i++) {
        uint32_t word = buf->words[i];
        if ((word & CPU_WORD_OTHER) != 0) {
            status = feed_event(recorder, &buf->events[word & ~CPU_WORD_OTHER]);
            continue;
        }
        unsigned n = word & ((1u << CPU_WORD_BITS) - 1);
        if (n == 0)
            continue;
        struct recording_code *code = recorder->codes[word >> CPU_WORD_BITS];
        unsigned nva = code->accesses[n];
        if (__builtin_expect(!code->described, 0))
            status = feed_describe(recorder, code);
        if (status == PGW_OK)
            status = trace_writer_executed(recorder->writer, code->writer_id, n, va, nva);
        recorder->figures.fetches += n;
        recorder->figures.accesses += nva;
        va += nva;
    }
    return status;
}

static void
feed_buf(struct recording *recorder, struct recording_buf *buf)
{
    if (buf->fresh)
        feed_forget(recorder, true);
    enum pgw_status status = feed_codes(recorder, buf);
    if (status == PGW_OK && recording_status(recorder) == PGW_OK)
        status = feed_words(recorder, buf);
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
        if (buf != NULL && (recorder->full = buf->next) == NULL)
            recorder->full_end = &recorder->full;
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
    feed_forget(recorder, false);
    free(recorder->codes);
    free(recorder->owner);
}
