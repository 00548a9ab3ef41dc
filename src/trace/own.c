/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The reader of our own format: finds blocks, goes on after damaged ones, and seeks.
 *
 * A block says where in time it lies, so whatever is lost between two good ones is known by its
 * number of references.  Nothing but a block's own header says where the next one begins: after a
 * damaged header the file is searched for the next good one, which works in a pipe, too.
 */
#include "trace/reader.h"

#include <stdio.h>
#include <stdlib.h>

#include <xxhash.h>

#include "trace/own_block.h"

struct own_entry {
    uint64_t offset, at;
};

struct own {
    struct own_block block;
    bool reading; /* there may be more in block */
    bool over;    /* the index was met, or the end */
    struct own_entry *entry;
    size_t nentries;
    char *command;
    /* What was lost since the last good block. */
    uint64_t lost_at;
    const char *lost; /* NULL: nothing */
};

/* What each header begins with: magic, version, and the size of a page. */
static const uint8_t own_begins[OWN_BEGINS_LEN] = {
    0x89, 'P', 'W', 'T', '\r', '\n', 0x1a, '\n', OWN_VERSION, 0, OWN_PAGE_SHIFT, 0};

/* One damaged byte does not make it another format. */
static bool
own_recognise(const uint8_t *bytes, size_t n, bool text)
{
    size_t wrong = 0;

    (void)text;
    if (n >= OWN_MAGIC_LEN && memcmp(bytes, OWN_MAGIC, OWN_MAGIC_LEN) == 0)
        return true;
    for (size_t i = 0; i < OWN_BEGINS_LEN && n >= OWN_BEGINS_LEN; i++)
        wrong += bytes[i] != own_begins[i];
    return n >= OWN_BEGINS_LEN && wrong <= 1;
}

/* ---- opening ---- */

static bool
own_header_good(const uint8_t *header, const uint8_t *command, size_t len)
{
    return (XXH64(header, OWN_HEADER_LEN - 8, 0) ^ XXH64(command, len, 0)) ==
           own_load64(header + 32);
}

/* Where the first good block begins in a file whose header cannot say; 0: not soon.  *bytes is the
 * file's beginning. */
static size_t
own_first_block(struct trace_source *source, const uint8_t **bytes)
{
    size_t n = trace_source_look(source, OWN_HEADER_LEN + OWN_COMMAND_MAX + OWN_BLOCK_LEN, bytes);
    struct own_header header;

    for (size_t at = OWN_HEADER_LEN; at + OWN_BLOCK_LEN <= n; at++) {
        if (own_load32(*bytes + at) == OWN_BLOCK_MAGIC && own_header_read(*bytes + at, &header))
            return at;
    }
    return 0;
}

/*
 * Puts right what is known: how a header begins, and the command's length, by where the first block
 * is.  Then one more bit may be wrong.  true: the checksum says that all of it is right.
 */
static bool
own_header_mend(uint8_t *header, const uint8_t *command, uint32_t len)
{
    memcpy(header, own_begins, OWN_BEGINS_LEN);
    memcpy(header + 24, &len, 4);
    memset(header + 28, 0, 4);
    if (own_header_good(header, command, len))
        return true;
    for (unsigned bit = OWN_BEGINS_LEN * 8; bit < OWN_HEADER_LEN * 8; bit++) {
        header[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (own_header_good(header, command, len))
            return true;
        header[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    return false;
}

/* Believes a header. */
static enum pgw_status
own_header_take(struct pgw_trace *trace, struct own *own, const uint8_t *header,
    const char *command, size_t len)
{
    own->command = strndup(command, len);
    if (own->command == NULL)
        return trace_fail(trace, PGW_NOMEM, "out of memory");
    trace->info.pages = (own_load32(header + 12) & OWN_FLAG_PAGES) != 0;
    trace->info.reduced = own_load64(header + 16);
    trace->info.command = own->command;
    return PGW_OK;
}

/* A header that is damaged, or another version's.  The blocks stand for themselves: what is lost is
 * only what it said of them, and of that as much as makes no sense. */
static enum pgw_status
own_header_damaged(struct pgw_trace *trace, struct own *own)
{
    uint8_t header[OWN_HEADER_LEN];
    const uint8_t *bytes;
    bool ours;
    size_t first = own_first_block(&trace->source, &bytes), len = own_load32(bytes + 24);
    unsigned version = own_load16(bytes + 8);

    memcpy(header, bytes, OWN_HEADER_LEN);
    len = first > 0 && len == first - OWN_HEADER_LEN ? len : 0;
    first = first > 0 ? first : OWN_HEADER_LEN;
    ours = own_header_mend(header, bytes + OWN_HEADER_LEN, (uint32_t)(first - OWN_HEADER_LEN));
    if (!ours && version != OWN_VERSION && memcmp(bytes, OWN_MAGIC, OWN_MAGIC_LEN) == 0)
        return trace_fail(trace, PGW_UNSUPPORTED, "is of version %u, and this reads version %u",
            version, OWN_VERSION);
    if (trace->options.damaged == NULL)
        return trace_fail(trace, PGW_CORRUPT, "its header is damaged");
    enum pgw_status status = own_header_take(trace, own, header,
        (const char *)bytes + OWN_HEADER_LEN, ours ? first - OWN_HEADER_LEN : len);
    if (!ours) {
        trace->info.pages = own_load32(header + 12) == OWN_FLAG_PAGES;
        if (!trace->info.pages || trace->info.reduced > OWN_REDUCED_MAX)
            trace->info.reduced = 0;
    }
    trace_source_take(&trace->source, first);
    return status != PGW_OK
               ? status
               : trace_lost(trace, 0, 0,
                     ours ? "the header is damaged, and was mended"
                          : "the header is damaged: what it says of the trace may be wrong");
}

static enum pgw_status
own_header(struct pgw_trace *trace, struct own *own)
{
    const uint8_t *bytes;
    size_t n = trace_source_look(&trace->source, OWN_HEADER_LEN, &bytes);

    if (n < OWN_HEADER_LEN)
        return trace_fail(trace, PGW_CORRUPT, "ends in its header: nothing can be read");
    uint32_t len = own_load32(bytes + 24);
    if (len > OWN_COMMAND_MAX || memcmp(bytes, own_begins, OWN_BEGINS_LEN) != 0)
        return own_header_damaged(trace, own);
    n = trace_source_look(&trace->source, OWN_HEADER_LEN + len, &bytes);
    if (n < OWN_HEADER_LEN + len && own_first_block(&trace->source, &bytes) == 0)
        return trace_fail(trace, PGW_CORRUPT, "ends in its header: nothing can be read");
    if (n < OWN_HEADER_LEN + len || !own_header_good(bytes, bytes + OWN_HEADER_LEN, len))
        return own_header_damaged(trace, own);
    enum pgw_status status =
        own_header_take(trace, own, bytes, (const char *)bytes + OWN_HEADER_LEN, len);
    trace_source_take(&trace->source, OWN_HEADER_LEN + len);
    return status;
}

/* Can an index at this offset be of n blocks?  They are before it.  Nothing is read into memory on
 * the word of a number that cannot be right. */
static bool
own_index_fits(uint64_t offset, uint64_t n)
{
    return n <= offset / OWN_BLOCK_LEN;
}

/* Believes an index of len bytes, which ends with its trailer; trace->info.exact: it is good. */
static enum pgw_status
own_index(struct pgw_trace *trace, struct own *own, const uint8_t *index, size_t len)
{
    size_t body = len - OWN_TRAILER_LEN, n = own_load32(index + 4);
    uint64_t before = OWN_HEADER_LEN, time = 0;

    if (own_load32(index) != OWN_INDEX_MAGIC || n * OWN_ENTRY_LEN + OWN_INDEX_LEN != body ||
        XXH64(index, body, 0) != own_load64(index + body))
        return PGW_OK;
    own->entry = malloc((n + 1) * sizeof *own->entry);
    if (own->entry == NULL)
        return trace_fail(trace, PGW_NOMEM, "out of memory for its index");
    for (size_t i = 0; i < n; i++) {
        const uint8_t *entry = index + OWN_INDEX_LEN + i * OWN_ENTRY_LEN;
        own->entry[i] = (struct own_entry){own_load64(entry), own_load64(entry + 8)};
        if (own->entry[i].offset < before || own->entry[i].at < time)
            return PGW_OK;
        before = own->entry[i].offset + 1;
        time = own->entry[i].at;
    }
    own->nentries = n;
    trace->info.refs = own_load64(index + 8);
    trace->info.events = own_load64(index + 16);
    trace->info.processes = own_load64(index + 24);
    trace->info.exact = true;
    return PGW_OK;
}

/* Reads the index of a file that can be gone through, if it has one. */
static enum pgw_status
own_find_index(struct pgw_trace *trace, struct own *own)
{
    struct trace_source *source = &trace->source;
    const uint8_t *bytes;
    uint64_t size = source->stream.size, offset;

    if (size < OWN_HEADER_LEN + OWN_INDEX_LEN + OWN_TRAILER_LEN ||
        trace_source_seek(source, size - OWN_TRAILER_LEN) != PGW_OK ||
        trace_source_look(source, OWN_TRAILER_LEN, &bytes) < OWN_TRAILER_LEN ||
        memcmp(bytes + 16, OWN_END_MAGIC, OWN_MAGIC_LEN) != 0)
        return PGW_OK;
    offset = own_load64(bytes + 8);
    if (offset < OWN_HEADER_LEN || offset > size - OWN_TRAILER_LEN - OWN_INDEX_LEN ||
        !own_index_fits(
            offset, (size - offset - OWN_TRAILER_LEN - OWN_INDEX_LEN) / OWN_ENTRY_LEN) ||
        trace_source_seek(source, offset) != PGW_OK ||
        trace_source_look(source, size - offset, &bytes) < size - offset)
        return PGW_OK;
    return own_index(trace, own, bytes, size - offset);
}

static enum pgw_status
own_open(struct pgw_trace *trace)
{
    struct own *own = trace->own = calloc(1, sizeof *own);
    enum pgw_status status;
    uint64_t first;

    if (own == NULL || own_block_init(&own->block) != PGW_OK)
        return trace_fail(trace, PGW_NOMEM, "out of memory");
    status = own_header(trace, own);
    if (status != PGW_OK || !trace_source_can_seek(&trace->source))
        return status;
    first = trace->source.offset;
    status = own_find_index(trace, own);
    trace->info.truncated = !trace->info.exact;
    if (status != PGW_OK || trace->source.status != PGW_OK)
        return status != PGW_OK ? status : trace->source.status;
    if (trace_source_seek(&trace->source, first) != PGW_OK)
        return trace_fail(trace, PGW_IO, "cannot be read");
    return PGW_OK;
}

/* ---- blocks ---- */

static void
own_note_lost(struct own *own, uint64_t offset, const char *what)
{
    if (own->lost == NULL) {
        own->lost = what;
        own->lost_at = offset;
    }
}

/* Moves to the next place that a block, or the index, may begin at. */
static void
own_search(struct trace_source *source)
{
    const uint8_t *bytes;
    size_t n, i;

    trace_source_take(source, 1);
    while ((n = trace_source_look(source, 4096, &bytes)) >= 4) {
        for (i = 0; i + 4 <= n; i++) {
            if (own_load32(bytes + i) == OWN_BLOCK_MAGIC ||
                own_load32(bytes + i) == OWN_INDEX_MAGIC)
                break;
        }
        trace_source_take(source, i);
        if (i + 4 <= n)
            return;
    }
    trace_source_take(source, n);
}

/* The trace ends here: with its index, or, cut off, before that, with `left` bytes of a block. */
static enum pgw_status
own_ended(struct pgw_trace *trace, struct own *own, bool cut, size_t left)
{
    uint64_t refs =
        trace->info.exact && trace->info.refs > trace->at ? trace->info.refs - trace->at : 0;

    own->over = true;
    if (cut)
        own_note_lost(own, trace->source.offset,
            left > 0 ? "the file ends in the middle of a block, its end is missing"
                     : "the file ends without an index: its end is missing, or it was made of a "
                       "damaged trace");
    trace->info.truncated |= cut;
    if (trace->source.status != PGW_OK)
        return trace_fail(trace, trace->source.status, "%s", trace->why);
    if (own->lost == NULL)
        return PGW_OK;
    /* A file that was cut off, and nothing else, is read up to its last whole block. */
    if (cut && own->lost_at == trace->source.offset && trace->options.damaged == NULL)
        return PGW_OK;
    enum pgw_status status = trace_lost(trace, own->lost_at, refs, own->lost);
    own->lost = NULL;
    return status;
}

/* Is what begins here, with an index's first word, one?  PGW_AGAIN: no; else the trace is over. */
static enum pgw_status
own_try_index(struct pgw_trace *trace, struct own *own)
{
    const uint8_t *bytes;
    size_t n = trace_source_look(&trace->source, OWN_INDEX_LEN, &bytes), len;

    if (n >= 8) {
        size_t blocks = own_load32(bytes + 4);
        bool fits = own_index_fits(trace->source.offset, blocks);
        len = OWN_INDEX_LEN + blocks * OWN_ENTRY_LEN;
        n = fits ? trace_source_look(&trace->source, len + 8, &bytes) : n;
        if (fits && n >= len + 8 && XXH64(bytes, len, 0) == own_load64(bytes + len))
            return own_ended(trace, own, false, 0);
        if (!fits || n >= len + 8 || own->lost != NULL) {
            own_note_lost(own, trace->source.offset, "the index is damaged");
            own_search(&trace->source);
            return PGW_AGAIN;
        }
    }
    trace->info.truncated = true; /* in its index: nothing of the trace is lost */
    return own_ended(trace, own, false, 0);
}

/* A good block begins at trace->at, or later if something was lost. */
static enum pgw_status
own_begin(struct pgw_trace *trace, struct own *own)
{
    uint64_t at = own->block.header.at, refs = at - trace->at;
    enum pgw_status status = PGW_OK;

    own->reading = true;
    if (refs > 0)
        own_note_lost(own, trace->source.offset, "blocks are missing before it");
    if (own->lost != NULL)
        status = trace_lost(trace, own->lost_at, refs, own->lost);
    own->lost = NULL;
    trace->at = at;
    return status;
}

/* Tries the block that begins here.  PGW_AGAIN: it is lost, or is none; look further. */
static enum pgw_status
own_try(struct pgw_trace *trace, struct own *own)
{
    struct trace_source *source = &trace->source;
    uint64_t offset = source->offset;
    struct own_header header;
    const uint8_t *bytes;
    const char *what = "a block out of its turn";
    size_t n = trace_source_look(source, OWN_BLOCK_LEN, &bytes);

    if (n >= 4 && own_load32(bytes) == OWN_INDEX_MAGIC)
        return own_try_index(trace, own);
    if (n < OWN_BLOCK_LEN)
        return own_ended(trace, own, true, n);
    if (!own_header_read(bytes, &header)) {
        own_note_lost(own, offset, "no block begins here, or its header is damaged");
        own_search(source);
        return PGW_AGAIN;
    }
    n = trace_source_look(source, OWN_BLOCK_LEN + header.packed, &bytes);
    if (n < OWN_BLOCK_LEN + header.packed)
        return own_ended(trace, own, true, n);
    enum pgw_status status =
        header.at < trace->at ? PGW_CORRUPT
                              : own_block_open(&own->block, &header, bytes + OWN_BLOCK_LEN, &what);
    if (status == PGW_NOMEM)
        return trace_fail(trace, status, "out of memory for a block");
    trace_source_take(source, OWN_BLOCK_LEN + header.packed);
    if (status == PGW_OK)
        return own_begin(trace, own);
    own_note_lost(own, offset, what);
    return PGW_AGAIN;
}

static enum pgw_status
own_next(struct pgw_trace *trace, struct pgw_trace_batch *batch)
{
    struct own *own = trace->own;
    enum pgw_status status = PGW_OK;

    for (;;) {
        if (own->reading) {
            batch->nrefs = own_block_next(&own->block, trace->refs, TRACE_BATCH, &batch->event);
            if (batch->nrefs > 0 || batch->event != NULL)
                return PGW_OK;
            own->reading = false;
        }
        if (own->over) {
            batch->end = true;
            return PGW_OK;
        }
        do
            status = own_try(trace, own);
        while (status == PGW_AGAIN);
        if (status != PGW_OK)
            return status;
    }
}

static enum pgw_status
own_seek(struct pgw_trace *trace, uint64_t at)
{
    struct own *own = trace->own;
    size_t low = 0, high = own->nentries;
    enum pgw_status status;

    if (!trace->info.exact || own->nentries == 0)
        return PGW_UNSUPPORTED;
    while (high - low > 1) {
        size_t mid = low + (high - low) / 2;
        if (own->entry[mid].at <= at)
            low = mid;
        else
            high = mid;
    }
    status = trace_source_seek(&trace->source, own->entry[low].offset);
    if (status != PGW_OK)
        return status;
    trace->at = own->entry[low].at;
    own->reading = own->over = false;
    own->lost = NULL;
    return PGW_OK;
}

static void
own_close(struct pgw_trace *trace)
{
    struct own *own = trace->own;

    if (own == NULL)
        return;
    own_block_fini(&own->block);
    free(own->entry);
    free(own->command);
    free(own);
}

const struct trace_format_ops trace_own = {
    .format = PGW_TRACE_OWN,
    .name = "pagewright",
    .recognise = own_recognise,
    .open = own_open,
    .next = own_next,
    .seek = own_seek,
    .close = own_close,
};
