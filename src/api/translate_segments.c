/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registers for pgw_translate_string(), set by hand: bases, limits and origins are figures in
 * bytes, as a textbook has them, and no RAM need be there.
 *
 * Which bits of an address pick a segment register is a property of the machine (bits and space of
 * the scheme's options).  A question that gives every segment's origin describes a machine of its
 * own: then the windows are the largest ones in which each segment lies alone, and a segment's
 * number is its window's.
 */
#include <string.h>

#include "api/translate_string.h"

static struct mmu_segment
translate_segment(const struct pgw_translate_segment *given)
{
    struct mmu_segment segment = {.origin = given->origin,
        .base = given->base,
        .limit = given->limit,
        .prot = given->prot & PROT_MASK_ALL,
        .down = given->down,
        .present = true};

    /* No limit: to the end of all addresses; down, to address 0. */
    if (given->limit == PGW_UNGIVEN)
        segment.limit = given->down ? given->origin : UINT64_MAX - given->origin;
    return segment;
}

/* The window that the whole segment lies in; UINT64_MAX: it lies in several. */
static uint64_t
translate_window(const struct mmu_segment *segment, unsigned shift)
{
    uint64_t first = segment->down ? segment->origin - segment->limit : segment->origin;
    uint64_t last = segment->down ? segment->origin - 1 : segment->origin + segment->limit - 1;

    return first >> shift == last >> shift ? first >> shift : UINT64_MAX;
}

static bool
translate_windows_fit(const struct pgw_translate *q, unsigned shift)
{
    bool taken[MMU_SEGMENTS_MAX] = {false};

    for (size_t i = 0; i < q->nsegments; i++) {
        const struct mmu_segment segment = translate_segment(&q->segments[i]);
        uint64_t window = translate_window(&segment, shift);
        if (window >= MMU_SEGMENTS_MAX || taken[window])
            return false;
        taken[window] = true;
    }
    return true;
}

/* All origins are given. */
static enum pgw_status
translate_own_windows(struct translate *translate)
{
    const struct pgw_translate *q = &translate->question;
    struct mmu_segment_registers *registers = &translate->registers;
    unsigned shift = 63;

    while (shift > 0 && !translate_windows_fit(q, shift))
        shift--;
    if (shift == 0)
        return translate_fail(translate, PGW_INVAL,
            "the top bits of an address cannot tell these segments apart: give them origins in "
            "windows of one size, %u at most, that start at multiples of it",
            MMU_SEGMENTS_MAX);
    registers->shift = shift;
    for (size_t i = 0; i < q->nsegments; i++) {
        const struct mmu_segment segment = translate_segment(&q->segments[i]);
        uint64_t window = translate_window(&segment, shift) % MMU_SEGMENTS_MAX;
        registers->seg[window] = segment; /* they fit: below MMU_SEGMENTS_MAX */
        if (registers->n <= window)
            registers->n = (unsigned)window + 1;
    }
    return PGW_OK;
}

/* The i-th segment is in the i-th of the scheme's windows. */
static enum pgw_status
translate_scheme_windows(struct translate *translate)
{
    const struct pgw_translate *q = &translate->question;
    struct mmu_segment_registers *registers = &translate->registers;
    unsigned shift = translate->options.va_bits - translate->options.bits;

    registers->n = 1u << translate->options.bits;
    registers->shift = shift;
    if (q->nsegments > registers->n)
        return translate_fail(translate, PGW_INVAL,
            "%zu segments are too many: %u bits of the address pick one of %u", q->nsegments,
            translate->options.bits, registers->n);
    for (size_t i = 0; i < q->nsegments; i++) {
        struct pgw_translate_segment given = q->segments[i];
        if (given.origin == PGW_UNGIVEN)
            given.origin = (uint64_t)(i + (given.down ? 1 : 0)) << shift;
        if (given.limit == PGW_UNGIVEN)
            given.limit = (uint64_t)1 << shift;
        registers->seg[i] = translate_segment(&given);
        if (translate_window(&registers->seg[i], shift) != i)
            return translate_fail(translate, PGW_INVAL,
                "segment %zu does not lie in its window, 0x%llx to 0x%llx", i,
                (unsigned long long)i << shift, (unsigned long long)((i + 1) << shift) - 1);
    }
    return PGW_OK;
}

/* A segment of some bytes that does not go round the end of addresses. */
static enum pgw_status
translate_check_segment(struct translate *translate, size_t i)
{
    const struct pgw_translate_segment *given = &translate->question.segments[i];
    const struct mmu_segment segment = translate_segment(given);

    if (given->limit == 0)
        return translate_fail(translate, PGW_INVAL, "segment %zu: a limit of 0 leaves nothing", i);
    if (given->origin == PGW_UNGIVEN)
        return PGW_OK;
    if (segment.down ? segment.limit > segment.origin : segment.limit > UINT64_MAX - segment.origin)
        return translate_fail(translate, PGW_RANGE,
            "segment %zu: origin and limit go beyond the ends of 64-bit addresses", i);
    return PGW_OK;
}

static enum pgw_status
translate_windows(struct translate *translate)
{
    const struct pgw_translate *q = &translate->question;
    bool own = q->nsegments > 0;

    for (size_t i = 0; i < q->nsegments; i++)
        own = own && q->segments[i].origin != PGW_UNGIVEN;
    return own ? translate_own_windows(translate) : translate_scheme_windows(translate);
}

static enum pgw_status
translate_registers(struct translate *translate)
{
    const struct pgw_translate *q = &translate->question;
    struct mmu_segment_registers *registers = &translate->registers;

    if (translate->row->scheme == SEG_NONE) {
        registers->identity = true;
        return q->nsegments == 0 ? PGW_OK
                                 : translate_fail(translate, PGW_INVAL,
                                       "mmu none has no registers: it takes no base and no limit");
    }
    for (size_t i = 0; i < q->nsegments; i++) {
        enum pgw_status status = translate_check_segment(translate, i);
        if (status != PGW_OK)
            return status;
    }
    if (translate->row->scheme == SEG_SEGMENTS)
        return translate_windows(translate);
    if (q->nsegments != 1)
        return translate_fail(translate, PGW_INVAL,
            "mmu base-bounds has one base register: give it one base%s",
            q->nsegments > 1 ? " only" : "");
    struct pgw_translate_segment given = q->segments[0];
    if (given.origin == PGW_UNGIVEN)
        given.origin = 0;
    registers->n = 1;
    registers->shift = 64;
    registers->seg[0] = translate_segment(&given);
    return PGW_OK;
}

enum pgw_status
translate_segments(struct translate *translate)
{
    enum pgw_status status = translate_registers(translate);

    if (status != PGW_OK)
        return status;
    /* The unit wants RAM to be made; nothing lies in it. */
    status = mem_init(&translate->mem, &translate->core, &translate->ram, 8 * PAGE_SIZE, 0);
    if (status != PGW_OK)
        return translate_fail(
            translate, status, "cannot make the machine: %s", pgw_status_text(status));
    return PGW_OK;
}
