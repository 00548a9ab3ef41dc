/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which step is to blame for a fault, and which bits of it.  The machine said that it faults, and
 * how; this looks at the entry it stopped at, through the format, for what it must have seen.
 */
#include "api/explain.h"

#include <stdio.h>
#include <string.h>

#include "mmu/hashed.h"

static const struct mmu_step *
explain_last(const struct explain *explain)
{
    const struct mmu_trace *trace = explain->trace;

    return trace->n > 0 ? &trace->step[trace->n - 1] : NULL;
}

/* "V(0) is clear": what keeps the property from holding. */
static void
explain_blame(const struct explain *explain, const struct mmu_step *step, struct mmu_bits bits,
    const char *so, struct explain_fault *fault)
{
    const struct mmu_format *format = explain->row->format;
    const struct explain_names *names = explain_names_of(format);
    char text[EXPLAIN_BITS_LEN];
    uint64_t wrong = (step->value ^ bits.value) & bits.mask;

    fault->level = (int)step->level;
    fault->bits = wrong;
    if (wrong == 0) {
        (void)snprintf(fault->why, sizeof fault->why, "%s: %s", names->level[step->level], so);
        return;
    }
    (void)snprintf(fault->why, sizeof fault->why, "%s: %s %s %s%s%s", names->level[step->level],
        explain_mask(
            explain_bits_of(names, format, step->level, step->table), wrong, text, sizeof text),
        (wrong & (wrong - 1)) == 0 ? "is" : "are", (step->value & wrong) != 0 ? "set" : "clear",
        so[0] != '\0' ? ", " : "", so);
}

static const char *
explain_not_allowed(enum access access)
{
    static const char *const texts[] = {"which does not allow reading",
        "which does not allow writing", "which does not allow executing"};

    return texts[access];
}

static void
explain_absent(const struct explain *explain, struct explain_fault *fault)
{
    const struct mmu_step *step = explain_last(explain);

    if (step != NULL && step->kind == MMU_STEP_ENTRY) {
        explain_blame(explain, step, explain->row->format->level[step->level].valid, "", fault);
        return;
    }
    if (step != NULL && step->kind == MMU_STEP_SEGMENT) {
        (void)snprintf(fault->why, sizeof fault->why,
            "segment register %llu says that the segment is not in RAM",
            (unsigned long long)step->idx);
        return;
    }
    (void)snprintf(fault->why, sizeof fault->why, "%s",
        step != NULL && step->kind == MMU_STEP_CHAIN  ? "no entry of the chain is this page's"
        : step != NULL && step->kind == MMU_STEP_HASH ? "the anchor leads to no entry"
                                                      : "there is no mapping");
}

/* The first step that stands in the way. */
static const struct mmu_step *
explain_refusal(const struct explain *explain)
{
    const struct mmu_trace *trace = explain->trace;

    for (unsigned i = 0; i < trace->n; i++) {
        const struct mmu_step *step = &trace->step[i];
        bool grants = step->kind == MMU_STEP_ENTRY || step->kind == MMU_STEP_CHAIN ||
                      step->kind == MMU_STEP_SEGMENT || step->kind == MMU_STEP_TLB;
        if (step->kind == MMU_STEP_CHAIN && step != explain_last(explain))
            continue; /* another page's */
        if (grants && !(step->user && prot_allows(step->prot, explain->access)))
            return step;
    }
    return explain_last(explain);
}

static void
explain_refused(const struct explain *explain, struct explain_fault *fault)
{
    const struct mmu_step *step = explain_refusal(explain);
    const struct mmu_format *format = explain->row->format;
    const char *so = explain_not_allowed(explain->access);
    char prot[EXPLAIN_PROT_LEN];

    if (step != NULL && step->kind == MMU_STEP_ENTRY) {
        const struct mmu_level *l = &format->level[step->level];
        struct mmu_bits user = step->table ? l->table_user : format->user;
        struct mmu_bits right =
            step->table ? l->table_right[explain->access] : format->right[explain->access];
        if (!mmu_bits_hold(step->value, user))
            explain_blame(explain, step, user, "which keeps users out", fault);
        else
            explain_blame(explain, step, right, so, fault);
        return;
    }
    (void)snprintf(fault->why, sizeof fault->why, "%s grants %s, %s",
        step == NULL                     ? "the mapping"
        : step->kind == MMU_STEP_SEGMENT ? "the segment register"
        : step->kind == MMU_STEP_TLB     ? "the TLB's entry"
                                         : "the entry",
        explain_prot(step != NULL ? step->prot : explain->trace->prot, prot), so);
}

/* Reserved bits of a leaf: those of a frame number that is not a multiple of the page's size, or
 * plain ones. */
static void
explain_reserved(const struct explain *explain, const struct mmu_step *step, uint64_t reserved,
    struct explain_fault *fault)
{
    const struct mmu_format *format = explain->row->format;
    uint64_t frame =
        format->level[format->levels - 1].leaf_pfn & ~format->level[step->level].leaf_pfn;
    char size[EXPLAIN_SIZE_LEN];

    fault->bits = step->value & reserved;
    explain_blame(explain, step, (struct mmu_bits){step->value & reserved, 0}, "", fault);
    size_t at = strlen(fault->why);
    if (!step->table && (fault->bits & frame) != 0)
        (void)snprintf(fault->why + at, sizeof fault->why - at,
            ": the frame of a %s page must be a multiple of its size",
            explain_size(format->level[step->level].shift, size));
    else
        (void)snprintf(fault->why + at, sizeof fault->why - at, ", and reserved: must be zero");
}

/* Bits that are set must not go with bits that are clear. */
static void
explain_combination(
    const struct explain *explain, const struct mmu_step *step, struct explain_fault *fault)
{
    const struct mmu_format *format = explain->row->format;
    const struct explain_names *names = explain_names_of(format);
    const struct explain_bit *bits = explain_bits_of(names, format, step->level, step->table);
    const struct mmu_bits bad = format->leaf_bad;
    char set[EXPLAIN_BITS_LEN], clear[EXPLAIN_BITS_LEN];

    fault->level = (int)step->level;
    fault->bits = bad.mask;
    (void)snprintf(fault->why, sizeof fault->why, "%s: %s without %s is reserved",
        names->level[step->level], explain_mask(bits, bad.value, set, sizeof set),
        explain_mask(bits, bad.mask & ~bad.value, clear, sizeof clear));
}

static void
explain_malformed(const struct explain *explain, struct explain_fault *fault)
{
    const struct mmu_step *step = explain_last(explain);
    const struct mmu_format *format = explain->row->format;

    if (step == NULL || step->kind != MMU_STEP_ENTRY) {
        (void)snprintf(fault->why, sizeof fault->why, "%s",
            step != NULL
                ? "the chain leads out of the table or in a circle, or reserved bits are set"
                : "the register describes no table");
        return;
    }
    const struct mmu_level *l = &format->level[step->level];
    uint64_t reserved = step->table ? l->table_reserved : l->leaf_reserved;
    if (step->table ? !l->table : !l->leaf)
        explain_blame(explain, step, (struct mmu_bits){0, 0},
            step->table ? "the last table's entry cannot lead to a further one"
                        : "an entry of this level cannot map memory",
            fault);
    else if ((step->value & reserved) != 0)
        explain_reserved(explain, step, reserved, fault);
    else if (!step->table && mmu_bits_hold(step->value, format->leaf_bad))
        explain_combination(explain, step, fault);
    else
        explain_blame(explain, step, (struct mmu_bits){0, 0},
            "one of a run, but the low frame-number bits are not the run's", fault);
}

static void
explain_software(const struct explain *explain, struct explain_fault *fault)
{
    const struct mmu_step *step = explain_last(explain);
    const struct mmu_format *format = explain->row->format;

    if (step == NULL || step->kind != MMU_STEP_ENTRY) {
        (void)snprintf(fault->why, sizeof fault->why, "the accessed or dirty bit must be set");
        return;
    }
    struct mmu_bits bits =
        mmu_bits_hold(step->value, format->accessed) ? format->dirty : format->accessed;
    explain_blame(explain, step, bits, "and it is for software to change that", fault);
}

static void
explain_not_ram(const struct explain *explain, struct explain_fault *fault)
{
    const struct mmu_step *step = explain_last(explain);
    const struct mmu_format *format = explain->row->format;
    char number[EXPLAIN_NUMBER_LEN];

    if (step == NULL || step->kind != MMU_STEP_ENTRY) {
        (void)snprintf(fault->why, sizeof fault->why, "%s",
            step != NULL && explain->row->kind == REGISTRY_CONTIGUOUS
                ? "there is no RAM at that physical address"
                : "the table or the page lies outside RAM");
        return;
    }
    uint64_t pfn = step->table ? mmu_pte_table_pfn(format, step->value)
                               : mmu_pte_leaf_pfn(format, step->level, step->value);
    fault->level = (int)step->level;
    (void)snprintf(fault->why, sizeof fault->why, "%s: %s, frame %s, is not in RAM",
        explain_names_of(format)->level[step->level], step->table ? "the next table" : "the page",
        explain_number(explain->decimal, pfn, number));
}

static void
explain_noncanonical(const struct explain *explain, struct explain_fault *fault)
{
    const struct mmu_format *format = explain->row->format;
    unsigned bits = format != NULL ? format->va_bits : HASHED_VA_BITS;

    if (explain->row->kind == REGISTRY_REFILL)
        (void)snprintf(fault->why, sizeof fault->why,
            "addresses from 0x%llx on are the kernel's (kseg0 to kseg3)", 1ull << bits);
    else if (format != NULL && format->sign_extended)
        (void)snprintf(
            fault->why, sizeof fault->why, "bits 63 to %u must all equal bit %u", bits, bits - 1);
    else
        (void)snprintf(fault->why, sizeof fault->why,
            "bits 63 to %u must be zero: %u bits are translated", bits, bits);
}

static void
explain_bounds(const struct explain *explain, struct explain_fault *fault)
{
    const struct mmu_step *step = explain_last(explain);
    const struct mmu_segment_registers *registers = explain->registers;
    char offset[EXPLAIN_NUMBER_LEN], limit[EXPLAIN_NUMBER_LEN];

    if (step == NULL || step->kind != MMU_STEP_SEGMENT || registers == NULL ||
        step->idx >= registers->n) {
        (void)snprintf(fault->why, sizeof fault->why, "no segment register is for this address");
        return;
    }
    const struct mmu_segment *segment = &registers->seg[step->idx];
    uint64_t within = segment->down ? segment->origin - explain->va : explain->va - segment->origin;
    bool before = segment->down ? explain->va >= segment->origin : explain->va < segment->origin;
    if (segment->limit == 0)
        (void)snprintf(fault->why, sizeof fault->why, "segment register %llu is not used",
            (unsigned long long)step->idx);
    else if (before)
        (void)snprintf(fault->why, sizeof fault->why, "the address is %s the segment's origin %s",
            segment->down ? "not below" : "below",
            explain_number(explain->decimal, segment->origin, offset));
    else
        (void)snprintf(fault->why, sizeof fault->why, "offset %s is %s the limit %s",
            explain_number(explain->decimal, within, offset), segment->down ? "above" : "not below",
            explain_number(explain->decimal, segment->limit, limit));
}

void
explain_fault(const struct explain *explain, struct explain_fault *fault)
{
    static const struct {
        const char *kind, *name;
        void (*look)(const struct explain *explain, struct explain_fault *fault);
    } kinds[MMU_FAULTS] = {
        [MMU_NOT_PRESENT] = {"not-present", "not present", explain_absent},
        [MMU_RIGHTS] = {"rights", "not allowed", explain_refused},
        [MMU_NONCANONICAL] = {"non-canonical", "not an address", explain_noncanonical},
        [MMU_MALFORMED] = {"malformed", "malformed", explain_malformed},
        [MMU_BUS] = {"bus", "no such RAM", explain_not_ram},
        [MMU_AD] = {"accessed-dirty", "left to software", explain_software},
        [MMU_BOUNDS] = {"bounds", "out of bounds", explain_bounds},
    };

    *fault = (struct explain_fault){.kind = "none", .name = "none", .level = -1};
    if (explain->trace->fault == MMU_OK)
        return;
    fault->kind = kinds[explain->trace->fault].kind;
    fault->name = kinds[explain->trace->fault].name;
    kinds[explain->trace->fault].look(explain, fault);
    explain_raises(explain, fault);
}
