/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading a block of our own format.
 *
 * Opening it checks everything that reading relies on: that each execution names a shape, that the
 * columns have exactly the numbers that the executions take, that no number is longer than its
 * column.  After that an execution is a copy of its shape's references, with the addresses of the
 * variable ones moved on: no check and hardly a branch a reference.
 */
#include "trace/own_block.h"

#include <stdlib.h>

#include <xxhash.h>
#include <zstd.h>

#include "trace/trace_fold.h"

/* Numbers are read eight bytes at a time. */
#define BLOCK_SPARE 16u

struct own_shape {
    uint32_t model, variable; /* its first ones */
    uint16_t nitems, nvariable;
    uint8_t counted; /* all of it: it is one run */
    uint8_t kind;    /* of a counted one */
};

/* Where a variable reference was last.  The shape's references themselves are never written: a
 * store that is loaded again as part of something wider costs more than all the rest. */
struct own_variable {
    uint64_t va;
    uint32_t item;
    uint32_t shift; /* its differences are multiples of 1 << shift */
};

static const uint64_t block_mask[16] = {0, 0xff, 0xffff, 0xffffff, 0xffffffff, 0xffffffffff,
    0xffffffffffff, 0xffffffffffffff, UINT64_MAX};

enum pgw_status
own_block_init(struct own_block *block)
{
    *block = (struct own_block){.zstd = ZSTD_createDCtx()};
    return block->zstd != NULL ? PGW_OK : PGW_NOMEM;
}

void
own_block_fini(struct own_block *block)
{
    ZSTD_freeDCtx(block->zstd);
    free(block->raw);
    free(block->shape);
    free(block->model);
    free(block->variable);
    free(block->event);
}

/* ---- opening ---- */

static size_t
block_raw(const struct own_header *header)
{
    size_t raw = 0;

    for (unsigned i = 0; i < OWN_COLUMNS; i++)
        raw += header->len[i];
    return raw;
}

bool
own_header_read(const uint8_t *bytes, struct own_header *header)
{
    uint64_t packed = 0;

    if (own_load32(bytes) != OWN_BLOCK_MAGIC ||
        XXH64(bytes, OWN_BLOCK_LEN - 8, 0) != own_load64(bytes + OWN_BLOCK_LEN - 8))
        return false;
    header->packed = own_load32(bytes + 4);
    header->at = own_load64(bytes + 8);
    header->refs = own_load64(bytes + 16);
    header->nevents = own_load32(bytes + 24);
    header->nexecutions = own_load32(bytes + 28);
    header->nshapes = own_load32(bytes + 32);
    for (unsigned i = 0; i < OWN_COLUMNS; i++) {
        header->len[i] = own_load32(bytes + 36 + (size_t)4 * i);
        header->packed_len[i] = own_load32(bytes + 36 + (size_t)4 * (OWN_COLUMNS + i));
        packed += header->packed_len[i];
    }
    header->hash = own_load64(bytes + OWN_BLOCK_LEN - 16);
    return header->refs <= OWN_REFS_MAX && header->nevents <= OWN_EVENTS_MAX &&
           header->nshapes <= OWN_SHAPES_MAX && block_raw(header) <= OWN_RAW_MAX &&
           header->packed <= OWN_RAW_MAX && header->packed == packed &&
           header->at + header->refs >= header->at;
}

static bool
block_grow(void **memory, size_t *room, size_t n, size_t size)
{
    if (n <= *room && *memory != NULL)
        return true;
    free(*memory);
    *room = 0;
    if ((*memory = malloc((n + 1) * size)) == NULL)
        return false;
    *room = n;
    return true;
}

static const uint8_t *
block_column(const struct own_block *block, enum own_column column)
{
    const uint8_t *at = block->raw;

    for (unsigned i = 0; i < (unsigned)column; i++)
        at += block->header.len[i];
    return at;
}

/* Numbers of seven bits a byte, the lowest first. */
static bool
block_varint(const uint8_t **at, const uint8_t *end, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; *at < end && shift < 64; shift += 7) {
        uint8_t byte = *(*at)++;
        *value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

struct block_shapes {
    const uint8_t *at, *end;
    size_t nitems, nvariable;
    uint64_t pc, va;
};

static bool
block_item(struct own_block *block, struct block_shapes *from, struct own_shape *shape,
    uint32_t process, bool *fixed)
{
    static const uint8_t sizes[OWN_ITEM_SIZE_OTHER] = {0, 1, 2, 4, 8, 16, 32};
    struct pgw_ref *ref = &block->model[from->nitems];

    if (from->end - from->at < 3 && (from->end == from->at || *from->at >> 5 == 7))
        return false;
    uint8_t code = *from->at++;
    *ref = (struct pgw_ref){.process = process, .kind = own_kind_of(code)};
    trace_fold_single(ref);
    if (code >> OWN_ITEM_SIZE_SHIFT == OWN_ITEM_SIZE_OTHER) {
        ref->size = own_load16(from->at);
        from->at += 2;
    } else {
        ref->size = sizes[code >> OWN_ITEM_SIZE_SHIFT];
    }
    if ((code & OWN_ITEM_VARIABLE) != 0)
        block->variable[from->nvariable++] = (struct own_variable){
            .item = shape->nitems, .shift = (code & OWN_ITEM_PAGES) != 0 ? OWN_PAGE_SHIFT : 0};
    else
        *fixed = true;
    if ((code & OWN_ITEM_COUNTED) != 0) {
        shape->counted = 1;
        shape->kind = ref->kind;
    }
    from->nitems++;
    shape->nitems++;
    bool pages = (code & OWN_ITEM_PAGES) != 0, counted = (code & OWN_ITEM_COUNTED) != 0;
    return ref->size <= OWN_PAGE && (!counted || pages) && (!pages || ref->size == 0);
}

static bool
block_addresses(
    struct own_block *block, struct block_shapes *from, const struct own_shape *shape, bool fixed)
{
    struct pgw_ref *model = &block->model[shape->model];
    struct own_variable *variable = &block->variable[shape->variable];
    uint64_t value, pc;

    if (fixed) {
        if (!block_varint(&from->at, from->end, &value))
            return false;
        from->pc += own_unzigzag(value);
    }
    pc = from->pc;
    for (unsigned i = 0, v = 0; i < shape->nitems; i++) {
        if (v < shape->nvariable && variable[v].item == i) {
            if (!block_varint(&from->at, from->end, &value))
                return false;
            variable[v].va = from->va += own_unzigzag(value);
            if (variable[v].shift != 0 && from->va % OWN_PAGE != 0)
                return false;
            v++;
        } else {
            model[i].va = pc;
            pc += model[i].size;
        }
    }
    return true;
}

static bool
block_shape(struct own_block *block, struct block_shapes *from, struct own_shape *shape)
{
    uint64_t process, n;
    bool fixed = false;

    if (!block_varint(&from->at, from->end, &process) || process > UINT32_MAX ||
        !block_varint(&from->at, from->end, &n) || n == 0 || n > OWN_ITEMS_MAX)
        return false;
    *shape =
        (struct own_shape){.model = (uint32_t)from->nitems, .variable = (uint32_t)from->nvariable};
    while (shape->nitems < n) {
        if (!block_item(block, from, shape, (uint32_t)process, &fixed))
            return false;
    }
    shape->nvariable = (uint16_t)(from->nvariable - shape->variable);
    if (shape->counted && (shape->nitems != 1 || shape->nvariable != 1))
        return false;
    return block_addresses(block, from, shape, fixed);
}

static bool
block_shapes(struct own_block *block)
{
    struct block_shapes from = {
        .at = block_column(block, OWN_SHAPES), .end = block_column(block, OWN_SHAPES + 1)};

    for (uint32_t i = 0; i < block->header.nshapes; i++) {
        if (!block_shape(block, &from, &block->shape[i]))
            return false;
    }
    return from.at == from.end;
}

static bool
block_event(struct pgw_event *event, const uint8_t **at, const uint8_t *end)
{
    uint64_t kind, process, prot, len;

    *event = (struct pgw_event){0};
    if (!block_varint(at, end, &kind) || kind >= PGW_EVENT_KINDS ||
        !block_varint(at, end, &process) || process > UINT32_MAX || !block_varint(at, end, &prot) ||
        prot > UINT32_MAX || !block_varint(at, end, &event->va) ||
        !block_varint(at, end, &event->len) || !block_varint(at, end, &event->other) ||
        !block_varint(at, end, &len) || len > (size_t)(end - *at))
        return false;
    event->kind = (enum pgw_event_kind)kind;
    event->process = (uint32_t)process;
    event->prot = (uint32_t)prot;
    if (len > 0) {
        if (len > OWN_TEXT_MAX || (*at)[len - 1] != '\0')
            return false;
        event->text = (const char *)*at;
        *at += len;
    }
    return true;
}

static bool
block_events(struct own_block *block)
{
    const uint8_t *at = block_column(block, OWN_EVENTS);
    const uint8_t *end = at + block->header.len[OWN_EVENTS];

    for (uint32_t i = 0; i < block->header.nevents; i++) {
        if (!block_event(&block->event[i], &at, end))
            return false;
    }
    return at == end;
}

/* The next number of a pair of columns; all of them were found to be there. */
static inline uint64_t
block_number(const uint8_t *lens, uint64_t i, const uint8_t **bytes)
{
    unsigned len = (unsigned)lens[i >> 1] >> (4 * (i & 1)) & 15u;
    uint64_t value = own_load64(*bytes) & block_mask[len];

    *bytes += len;
    return value;
}

/* Are there n numbers in the columns of lengths and of bytes, none of them impossible? */
static bool
block_numbers(const struct own_block *block, enum own_column lens, uint64_t n)
{
    const uint8_t *len = block_column(block, lens);
    uint64_t bytes = 0;
    unsigned wrong = 0;

    if ((n + 1) / 2 != block->header.len[lens])
        return false;
    for (uint32_t i = 0; i < block->header.len[lens]; i++) {
        unsigned low = len[i] & 15u, high = len[i] >> 4;
        bytes += low + high;
        wrong |= (low > 8) | (high > 8);
    }
    if (n % 2 == 1 && len[n / 2] >> 4 != 0)
        return false;
    return wrong == 0 && bytes == block->header.len[lens + 1];
}

/* Is the count of a run, and what it is said to be made of, possible? */
static bool
block_run_valid(const struct own_shape *shape, uint64_t more, uint64_t writes, uint64_t fetches)
{
    uint64_t count = more + 1;

    if (count > UINT16_MAX || writes > count || fetches > count - writes)
        return false;
    if (shape->kind == PGW_REF_FETCH)
        return fetches > 0;
    return shape->kind == PGW_REF_READ ? writes + fetches < count : writes > 0;
}

static bool
block_runs(const struct own_block *block)
{
    const uint8_t *lens = block->count_lens, *bytes = block->count_bytes;
    uint64_t i = 0;

    for (size_t k = 0; k < block->header.nexecutions; k++) {
        unsigned number = block->low[k] | (unsigned)block->high[k] << 8;
        if (number == 0 || !block->shape[number - 1].counted)
            continue;
        uint64_t more = block_number(lens, i++, &bytes);
        uint64_t writes = block_number(lens, i++, &bytes);
        uint64_t fetches = block_number(lens, i++, &bytes);
        if (!block_run_valid(&block->shape[number - 1], more, writes, fetches))
            return false;
    }
    return true;
}

/* Do the executions take exactly what there is of everything? */
static bool
block_executions(const struct own_block *block)
{
    const struct own_header *header = &block->header;
    uint64_t refs = 0, va = 0, runs = 0, events = 0;

    for (size_t i = 0; i < header->nexecutions; i++) {
        unsigned number = block->low[i] | (unsigned)block->high[i] << 8;
        if (number > header->nshapes)
            return false;
        if (number == 0) {
            events++;
            continue;
        }
        const struct own_shape *shape = &block->shape[number - 1];
        refs += shape->nitems;
        va += shape->nvariable;
        runs += shape->counted;
    }
    return refs == header->refs && events == header->nevents &&
           block_numbers(block, OWN_VA_LENS, va) &&
           block_numbers(block, OWN_COUNT_LENS, 3 * runs) && block_runs(block);
}

static enum pgw_status
block_unpack(struct own_block *block, const uint8_t *packed, const char **what)
{
    size_t raw = block_raw(&block->header);
    uint8_t *to;

    if (XXH64(packed, block->header.packed, 0) != block->header.hash) {
        *what = "wrong checksum";
        return PGW_CORRUPT;
    }
    *what = "not what its header says";
    if (!block_grow((void **)&block->raw, &block->raw_room, raw + BLOCK_SPARE, 1))
        return PGW_NOMEM;
    to = block->raw;
    for (unsigned i = 0; i < OWN_COLUMNS; i++) {
        size_t len = block->header.len[i], packed_len = block->header.packed_len[i], got = len;
        if (packed_len == len)
            memcpy(to, packed, len);
        else
            got = ZSTD_decompressDCtx(block->zstd, to, len, packed, packed_len);
        if (ZSTD_isError(got) || got != len)
            return PGW_CORRUPT;
        to += len;
        packed += packed_len;
    }
    memset(block->raw + raw, 0, BLOCK_SPARE);
    return PGW_OK;
}

static bool
block_room(struct own_block *block)
{
    /* A reference of a shape takes a byte at least. */
    size_t items = block->header.len[OWN_SHAPES], room = block->items_room;

    return block_grow((void **)&block->shape, &block->shapes_room, block->header.nshapes,
               sizeof *block->shape) &&
           block_grow((void **)&block->model, &room, items, sizeof *block->model) &&
           block_grow(
               (void **)&block->variable, &block->items_room, items, sizeof *block->variable) &&
           block_grow((void **)&block->event, &block->events_room, block->header.nevents,
               sizeof *block->event);
}

enum pgw_status
own_block_open(struct own_block *block, const struct own_header *header, const uint8_t *packed,
    const char **what)
{
    enum pgw_status status;

    block->header = *header;
    block->low = block->lows_end = NULL;
    status = block_unpack(block, packed, what);
    if (status != PGW_OK)
        return status;
    *what = "impossible content";
    if (header->len[OWN_LOWS] != header->nexecutions ||
        header->len[OWN_HIGHS] != header->nexecutions ||
        header->nshapes > header->len[OWN_SHAPES] || header->nevents > header->len[OWN_EVENTS])
        return PGW_CORRUPT;
    if (!block_room(block))
        return PGW_NOMEM;
    if (!block_shapes(block) || !block_events(block))
        return PGW_CORRUPT;
    block->low = block_column(block, OWN_LOWS);
    block->lows_end = block->low + header->nexecutions;
    block->high = block_column(block, OWN_HIGHS);
    block->va_lens = block_column(block, OWN_VA_LENS);
    block->va_bytes = block_column(block, OWN_VA_BYTES);
    block->count_lens = block_column(block, OWN_COUNT_LENS);
    block->count_bytes = block_column(block, OWN_COUNT_BYTES);
    block->va = block->count = block->next_event = 0;
    if (block_executions(block))
        return PGW_OK;
    block->lows_end = block->low;
    return PGW_CORRUPT;
}

/* ---- reading ---- */

static void
block_run(struct own_block *block, struct pgw_ref *ref)
{
    const uint8_t *lens = block->count_lens;

    ref->count = (uint16_t)(block_number(lens, block->count++, &block->count_bytes) + 1);
    ref->writes = (uint16_t)block_number(lens, block->count++, &block->count_bytes);
    ref->fetches = (uint16_t)block_number(lens, block->count++, &block->count_bytes);
}

size_t
own_block_next(
    struct own_block *block, struct pgw_ref *refs, size_t most, const struct pgw_event **event)
{
    const uint8_t *low = block->low, *high = block->high, *bytes = block->va_bytes;
    struct pgw_ref *out = refs, *end = refs + most;
    uint64_t va = block->va;

    *event = NULL;
    while (low < block->lows_end && out < end) {
        unsigned number = *low++ | (unsigned)*high++ << 8;
        if (__builtin_expect(number == 0, 0)) {
            *event = &block->event[block->next_event++];
            break;
        }
        const struct own_shape *shape = &block->shape[number - 1];
        const struct pgw_ref *model = &block->model[shape->model];
        struct own_variable *variable = &block->variable[shape->variable];
        unsigned i = 0;
        do
            out[i] = model[i];
        while (++i < shape->nitems);
        for (i = 0; i < shape->nvariable; i++) {
            uint64_t value = block_number(block->va_lens, va++, &bytes);
            variable[i].va += own_unzigzag(value) << variable[i].shift;
            out[variable[i].item].va = variable[i].va;
        }
        if (__builtin_expect(shape->counted, 0))
            block_run(block, out);
        out += shape->nitems;
    }
    block->low = low;
    block->high = high;
    block->va_bytes = bytes;
    block->va = va;
    return (size_t)(out - refs);
}
