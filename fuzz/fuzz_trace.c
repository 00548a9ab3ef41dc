/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Traces of all formats: whatever the bytes are, they are refused or read, and what is read is what
 * references and events may be.  Of our own format also with its checksums put right, so that what
 * is behind them is reached.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xxhash.h>

#include <pagewright/trace.h>

#include "fuzz.h"
#include "trace/ownform.h"

#define BATCHES_MAX 64u /* a small trace may stand for very many references */

static void
need(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static void
check_ref(const struct pgw_ref *ref)
{
    need(ref->kind >= 1 && ref->kind <= 4, "an impossible kind");
    need(ref->size <= OWN_PAGE, "a reference of more than a page");
    need(ref->count >= 1, "a run of nothing");
    need((unsigned)ref->writes + ref->fetches <= ref->count, "more than there were");
    need(ref->count == 1 || ref->va % OWN_PAGE == 0, "a run that is of no page");
    need(ref->reserved == 0 && ref->reserved2 == 0, "what is reserved is not 0");
}

static void
note_damage(void *ctx, const struct pgw_trace_damage *damage)
{
    (void)ctx;
    need(damage->what != NULL && damage->what[0] != '\0', "damage without a name");
}

static void
read_all(struct pgw_trace *trace)
{
    struct pgw_trace_batch batch;
    uint64_t at = 0;

    for (unsigned n = 0; n < BATCHES_MAX; n++) {
        if (pgw_trace_next(trace, &batch) != PGW_OK) {
            need(pgw_trace_error_text(trace)[0] != '\0', "an error without a text");
            need(pgw_trace_next(trace, &batch) != PGW_OK, "an error that went away");
            return;
        }
        need(batch.at >= at, "time goes back");
        at = batch.at + batch.nrefs;
        for (size_t i = 0; i < batch.nrefs; i++)
            check_ref(&batch.refs[i]);
        need(batch.event == NULL || batch.event->kind < PGW_EVENT_KINDS, "an impossible event");
        need(batch.event == NULL || batch.event->text == NULL ||
                 strlen(batch.event->text) < OWN_TEXT_MAX,
            "a text too long");
        if (batch.end)
            return;
    }
    (void)pgw_trace_seek(trace, at / 2);
    (void)pgw_trace_next(trace, &batch);
}

static void
read_bytes(const uint8_t *data, size_t size, bool keep_going)
{
    struct pgw_trace_options options;
    struct pgw_trace *trace;
    char path[64], why[PGW_TRACE_WHY] = "";
    int fd = memfd_create("trace", 0);

    need(fd >= 0 && write(fd, data, size) == (ssize_t)size, "no memory file");
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    pgw_trace_options_init(&options);
    if (keep_going)
        options.damaged = note_damage;
    if (pgw_trace_open(path, &options, &trace, why) == PGW_OK) {
        read_all(trace);
        pgw_trace_close(trace);
    } else {
        need(why[0] != '\0' && strchr(why, '\n') == NULL, "refused without a line that says why");
    }
    close(fd);
}

static void
put64(uint8_t *to, uint64_t value)
{
    memcpy(to, &value, 8);
}

/* Puts the checksums of a trace of ours right, as far as its lengths make sense. */
static void
repair(uint8_t *data, size_t size)
{
    size_t at = OWN_HEADER_LEN;

    if (size < OWN_HEADER_LEN || memcmp(data, OWN_MAGIC, OWN_MAGIC_LEN) != 0)
        return;
    if (own_load32(data + 24) > size - at)
        memset(data + 24, 0, 4);
    uint32_t command = own_load32(data + 24);
    put64(data + 32, XXH64(data, 32, 0) ^ XXH64(data + at, command, 0));
    for (at += command; at + OWN_BLOCK_LEN <= size;) {
        uint64_t packed = 0;
        for (unsigned i = 0; i < OWN_COLUMNS; i++)
            packed += own_load32(data + at + 36 + 4 * (OWN_COLUMNS + i));
        if (packed > size - at - OWN_BLOCK_LEN)
            return;
        uint32_t packed32 = (uint32_t)packed, magic = OWN_BLOCK_MAGIC;
        memcpy(data + at, &magic, 4);
        memcpy(data + at + 4, &packed32, 4);
        put64(data + at + OWN_BLOCK_LEN - 16, XXH64(data + at + OWN_BLOCK_LEN, packed, 0));
        put64(data + at + OWN_BLOCK_LEN - 8, XXH64(data + at, OWN_BLOCK_LEN - 8, 0));
        at += OWN_BLOCK_LEN + packed;
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size + 1);

    need(copy != NULL, "no memory");
    memcpy(copy, data, size);
    read_bytes(data, size, false);
    read_bytes(data, size, true);
    repair(copy, size);
    read_bytes(copy, size, true);
    free(copy);
    return 0;
}
