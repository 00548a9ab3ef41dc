/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory
 * ------
 * A translation is done once, by the machine (mmu_ops.explain), which leaves a struct mmu_trace: a
 * list of what was looked at and how it ended.  All the rest is reading that list aloud:
 *
 *     explain.c         figures and fields: what text and JSON have in common
 *     explain_fault.c   which step is to blame for a fault, and which bits of it
 *     explain_names.c   what the manuals call levels, fields and bits
 *     explain_text.c    for people
 *     explain_json.c    for programs (docs/translate.schema.json)
 *     explain_tables.c  the entries of a space's tables, as they are in RAM
 */
#include "api/explain.h"

#include <stdio.h>
#include <string.h>

#include "mmu/hashed.h"

const char *
explain_prot(prot_t prot, char out[EXPLAIN_PROT_LEN])
{
    out[0] = prot_allows(prot, ACCESS_READ) ? 'r' : '-';
    out[1] = prot_allows(prot, ACCESS_WRITE) ? 'w' : '-';
    out[2] = prot_allows(prot, ACCESS_EXEC) ? 'x' : '-';
    out[3] = '\0';
    return out;
}

const char *
explain_size(unsigned shift, char out[EXPLAIN_SIZE_LEN])
{
    static const char units[] = {'K', 'M', 'G', 'T', 'P'};

    if (shift < 10)
        (void)snprintf(out, EXPLAIN_SIZE_LEN, "%u B", 1u << shift);
    else
        (void)snprintf(
            out, EXPLAIN_SIZE_LEN, "%u %ciB", 1u << (shift % 10), units[(shift / 10 - 1) % 5]);
    return out;
}

const char *
explain_number(bool decimal, uint64_t n, char out[EXPLAIN_NUMBER_LEN])
{
    (void)snprintf(out, EXPLAIN_NUMBER_LEN, decimal ? "%llu" : "0x%llx", (unsigned long long)n);
    return out;
}

const char *
explain_both(bool decimal, uint64_t n, char out[EXPLAIN_BOTH_LEN])
{
    char first[EXPLAIN_NUMBER_LEN], second[EXPLAIN_NUMBER_LEN];

    (void)snprintf(out, EXPLAIN_BOTH_LEN, "%s = %s", explain_number(decimal, n, first),
        explain_number(!decimal, n, second));
    return out;
}

const char *
explain_access(enum access access)
{
    static const char *const names[] = {"read", "write", "execute"};

    return names[access];
}

static size_t
explain_append(char *out, size_t len, size_t at, const char *text)
{
    int n = at < len ? snprintf(out + at, len - at, "%s%s", at > 0 ? ", " : "", text) : 0;

    return at + (n > 0 ? (size_t)n : 0);
}

/* Bits of mask that no name covers, run by run. */
static void
explain_nameless(uint64_t mask, char *out, size_t len, size_t at)
{
    char text[24];

    for (unsigned low = 0; low < 64; low++) {
        unsigned high = low;
        if ((mask >> low & 1u) == 0)
            continue;
        while (high < 63 && (mask >> (high + 1) & 1u) != 0)
            high++;
        if (high == low)
            (void)snprintf(text, sizeof text, "bit %u", low);
        else
            (void)snprintf(text, sizeof text, "bits %u-%u", high, low);
        at = explain_append(out, len, at, text);
        low = high;
    }
}

static uint64_t
explain_bit_mask(const struct explain_bit *bit)
{
    return (UINT64_MAX >> (63 - (bit->high - bit->low))) << bit->low;
}

const char *
explain_mask(const struct explain_bit *bits, uint64_t mask, char *out, size_t len)
{
    char text[32];
    size_t at = 0;

    out[0] = '\0';
    for (; bits->name != NULL; bits++) {
        uint64_t field = explain_bit_mask(bits);
        if ((mask & field) == 0)
            continue;
        if (bits->low == bits->high)
            (void)snprintf(text, sizeof text, "%s(%u)", bits->name, bits->low);
        else
            (void)snprintf(text, sizeof text, "%s(%u-%u)", bits->name, bits->high, bits->low);
        at = explain_append(out, len, at, text);
        mask &= ~field;
    }
    explain_nameless(mask, out, len, at);
    return out;
}

uint64_t
explain_field_value(const struct explain_field *field, uint64_t va)
{
    return va << (63 - field->high) >> (63 - field->high + field->low);
}

/* The level at which the walk ended in a leaf that is above the last one; else the last one. */
static unsigned
explain_leaf_level(const struct explain *explain)
{
    const struct mmu_trace *trace = explain->trace;
    unsigned last = explain->row->format->levels - 1;

    for (unsigned i = 0; i < trace->n; i++) {
        const struct mmu_step *step = &trace->step[i];
        if (step->kind == MMU_STEP_ENTRY && !step->table && step->level < last &&
            mmu_pte_valid(explain->row->format, step->level, step->value))
            return step->level;
    }
    return last;
}

static unsigned
explain_radix_fields(const struct explain *explain, struct explain_field fields[EXPLAIN_FIELDS])
{
    const struct mmu_format *format = explain->row->format;
    const struct explain_names *names = explain_names_of(format);
    unsigned n = 0, last = explain_leaf_level(explain);

    if (format->va_bits < 64)
        fields[n++] = (struct explain_field){
            63, format->va_bits, format->sign_extended ? "sign" : "must be zero"};
    for (unsigned level = 0; level <= last; level++) {
        const struct mmu_level *l = &format->level[level];
        fields[n++] = (struct explain_field){l->shift + l->bits - 1, l->shift, names->index[level]};
    }
    fields[n++] = (struct explain_field){format->level[last].shift - 1, 0, "offset"};
    return n;
}

static unsigned
explain_segment_fields(const struct explain *explain, struct explain_field fields[EXPLAIN_FIELDS])
{
    const struct mmu_segment_registers *registers = explain->registers;
    unsigned n = 0, top = registers->shift;

    if (registers->identity || registers->shift >= 64)
        return 0;
    while ((1u << (top - registers->shift)) < registers->n)
        top++;
    if (top < 64)
        fields[n++] = (struct explain_field){63, top, "must be zero"};
    if (top > registers->shift)
        fields[n++] = (struct explain_field){top - 1, registers->shift, "segment"};
    fields[n++] = (struct explain_field){registers->shift - 1, 0, "in the window"};
    return n;
}

unsigned
explain_fields(const struct explain *explain, struct explain_field fields[EXPLAIN_FIELDS])
{
    switch (explain->row->kind) {
    case REGISTRY_RADIX:
    case REGISTRY_REFILL:
        return explain_radix_fields(explain, fields);
    case REGISTRY_HASHED:
        fields[0] = (struct explain_field){63, HASHED_VA_BITS, "must be zero"};
        fields[1] = (struct explain_field){HASHED_VA_BITS - 1, PAGE_SHIFT, "page number"};
        fields[2] = (struct explain_field){PAGE_SHIFT - 1, 0, "offset"};
        return 3;
    case REGISTRY_CONTIGUOUS:
        return explain_segment_fields(explain, fields);
    case REGISTRY_FLAT:
        fields[0] = (struct explain_field){63, PAGE_SHIFT, "page number"};
        fields[1] = (struct explain_field){PAGE_SHIFT - 1, 0, "offset"};
        return 2;
    }
    return 0;
}

uint64_t
explain_after(const struct explain *explain, const struct mmu_step *step)
{
    const struct mmu_format *format = explain->row->format;
    uint64_t after = step->value;

    if (step->table) /* set as the walk passes, whatever comes of it */
        return mmu_bits_put(after, format->level[step->level].table_accessed, true);
    if (explain->trace->fault != MMU_OK)
        return after;
    after = mmu_bits_put(after, format->accessed, true);
    return explain->access == ACCESS_WRITE ? mmu_bits_put(after, format->dirty, true) : after;
}

/* What an access to a resident page that is not mapped, or not for this, will meet. */
static const char *
explain_resident(const struct explain *explain)
{
    const struct explain_page *known = explain->page;

    if (explain->trace->fault == MMU_OK)
        return "";
    if (!prot_allows(known->prot, explain->access))
        return "; its region does not allow this: SIGSEGV";
    return "; the fault is a minor one, with no device in it";
}

void
explain_page_text(const struct explain *explain, char out[EXPLAIN_PAGE_LEN])
{
    const struct explain_page *known = explain->page;
    const struct space_page *page = &known->page;
    unsigned long long slot = page->slot;
    char number[EXPLAIN_BOTH_LEN], copy[64] = "";

    switch (page->state) {
    case SPACE_PAGE_UNMAPPED:
        (void)snprintf(out, EXPLAIN_PAGE_LEN, "no region here: the access ends in SIGSEGV");
        return;
    case SPACE_PAGE_UNTOUCHED:
        (void)snprintf(out, EXPLAIN_PAGE_LEN, "untouched: %s",
            prot_allows(known->prot, explain->access)
                ? "the first access makes it, of zeros"
                : "but its region does not allow this: SIGSEGV");
        return;
    case SPACE_PAGE_SWAPPED:
        (void)snprintf(out, EXPLAIN_PAGE_LEN, "on disk, slot %llu%s", slot,
            known->alone ? "" : ": the access waits for the device (a major fault)");
        return;
    case SPACE_PAGE_FILE:
        (void)snprintf(out, EXPLAIN_PAGE_LEN,
            "in its file, not in RAM: the access waits for the device (a major fault)");
        return;
    case SPACE_PAGE_RESIDENT:
        if (page->slot != UINT64_MAX)
            (void)snprintf(copy, sizeof copy, ", with a copy on disk, slot %llu", slot);
        (void)snprintf(out, EXPLAIN_PAGE_LEN, "resident in frame %s%s%s%s%s",
            explain_both(explain->decimal, mem_page_pfn(explain->mmu->mem, page->page), number),
            page->dirty ? ", dirty" : "", page->sharers > 1 ? ", shared" : "", copy,
            explain_resident(explain));
        return;
    }
}
