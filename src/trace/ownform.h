/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Our own format, as writer and reader share it.  pagewright-trace(5) describes it byte by byte.
 *
 * What is recorded of real programs is mostly the same pieces of code over and over, with other
 * data.  So a trace is a sequence of executions of *shapes*.  A shape is a row of references,
 * described once a block: each either fixed (a fetch, that follows the fixed one before it), or
 * variable, whose address comes with each execution, as the difference to its own last one.  An
 * instruction's operands move little or steadily between two executions, which is what makes the
 * differences short and alike.  A reference that belongs to no code is an execution of a shape of
 * one variable reference, so there is one mechanism for both.
 *
 * A block holds all that is needed to read it: its shapes, and where their addresses begin.
 * Columns keep like things together, for zstd, and one that does not get smaller is stored as it
 * is, so that reading back noise costs nothing; lengths of numbers have a column of their own, so
 * that reading one is a load, a mask and an addition, without a branch.
 */
#ifndef TRACE_OWNFORM_H
#define TRACE_OWNFORM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <pagewright/trace.h>

#define OWN_MAGIC "\x89PWT\r\n\x1a\n"
#define OWN_MAGIC_LEN 8u
#define OWN_VERSION 1u
#define OWN_BEGINS_LEN 12u /* magic, version, and the size of a page: all files begin the same */
#define OWN_FLAG_PAGES 1u
#define OWN_HEADER_LEN 40u /* what comes before the command */
#define OWN_COMMAND_MAX 65536u
#define OWN_PAGE_SHIFT 12u
#define OWN_PAGE ((uint64_t)1 << OWN_PAGE_SHIFT)

#define OWN_BLOCK_MAGIC 0x42545750u /* "PWTB" */
#define OWN_INDEX_MAGIC 0x49545750u /* "PWTI" */
#define OWN_BLOCK_LEN 120u          /* a block's header */
#define OWN_INDEX_LEN 32u           /* what comes before the entries */
#define OWN_ENTRY_LEN 16u
#define OWN_TRAILER_LEN 24u /* the index's checksum, its offset, the last magic */
#define OWN_END_MAGIC "PWTEND\r\n"

/* Columns, in the order in which they lie in a block. */
enum own_column {
    OWN_SHAPES,
    OWN_LOWS, /* of the numbers of the shapes executed, the low bytes, and the high ones */
    OWN_HIGHS,
    OWN_VA_LENS,
    OWN_VA_BYTES,
    OWN_COUNT_LENS,
    OWN_COUNT_BYTES,
    OWN_EVENTS,
    OWN_COLUMNS
};

/* What a writer keeps to and a reader believes at the most. */
#define OWN_REFS_MAX (1u << 24)
#define OWN_RAW_MAX (64u << 20)
#define OWN_SHAPES_MAX 65535u
#define OWN_ITEMS_MAX 8192u /* references in a shape */
#define OWN_EVENTS_MAX (1u << 20)
#define OWN_TEXT_MAX 4096u
#define OWN_REDUCED_MAX ((uint64_t)1 << 52) /* pages: an address has no more */

/* The byte of a reference in a shape. */
#define OWN_ITEM_KIND 3u /* read, write, both, fetch */
#define OWN_ITEM_VARIABLE 4u
#define OWN_ITEM_PAGES 8u    /* addresses are multiples of a page, and differences count pages */
#define OWN_ITEM_COUNTED 16u /* a run: three counts come with each execution */
#define OWN_ITEM_SIZE_SHIFT 5u
#define OWN_ITEM_SIZE_OTHER 7u /* two more bytes have the size */

static inline uint8_t
own_kind_code(uint8_t kind)
{
    return kind == PGW_REF_FETCH ? 3 : (uint8_t)(kind - 1u);
}

static inline uint8_t
own_kind_of(uint8_t code)
{
    return (code & OWN_ITEM_KIND) == 3 ? PGW_REF_FETCH : (uint8_t)((code & OWN_ITEM_KIND) + 1u);
}

/* Signed numbers as unsigned ones, small ones staying small: 0, -1, 1, -2, ... */
static inline uint64_t
own_zigzag(uint64_t delta)
{
    return delta << 1 ^ (uint64_t)((int64_t)delta >> 63);
}

static inline uint64_t
own_unzigzag(uint64_t value)
{
    return value >> 1 ^ (~(value & 1) + 1);
}

static inline uint64_t
own_load64(const void *from)
{
    uint64_t value;
    memcpy(&value, from, 8);
    return value;
}

static inline uint32_t
own_load32(const void *from)
{
    uint32_t value;
    memcpy(&value, from, 4);
    return value;
}

static inline uint16_t
own_load16(const void *from)
{
    uint16_t value;
    memcpy(&value, from, 2);
    return value;
}

/* The file is little-endian, and so is every host that this runs on. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "a big-endian host must swap here");

#endif
