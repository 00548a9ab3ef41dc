/* SPDX-License-Identifier: BSD-2-Clause */
/* A translation for people: a label in the left column, what there is to say at the right. */
#include <stdio.h>
#include <string.h>

#include "api/explain.h"
#include "mmu/hashed.h"

struct explain_out {
    const struct explain *explain;
    struct report_buf *buf;
};

static void
explain_text_head(struct explain_out *out)
{
    const struct explain *explain = out->explain;
    const struct registry_mmu *row = explain->row;
    const char *source = row->format != NULL ? row->format->source : row->source;
    char both[EXPLAIN_BOTH_LEN];

    report_buf_add(out->buf, "scheme     %s", row->name);
    if (source != NULL && source[0] != '\0')
        report_buf_add(out->buf, " (%s)", source);
    report_buf_add(out->buf, "\naccess     %s, user mode\naddress    %s\n",
        explain_access(explain->access), explain_both(explain->decimal, explain->va, both));
}

/* The field's bits, in groups that a reader can count; those above the scheme's address only if
 * they are not all the same. */
static void
explain_binary(const struct explain_field *field, uint64_t value, char out[96])
{
    unsigned width = field->high - field->low + 1;
    uint64_t ones = UINT64_MAX >> (64 - width);
    size_t at = 0;

    if (field->high == 63 && (value == 0 || value == ones)) {
        (void)snprintf(out, 96, "all %u", value == 0 ? 0u : 1u);
        return;
    }
    for (unsigned bit = width; bit-- > 0;) {
        out[at++] = (value >> bit & 1u) != 0 ? '1' : '0';
        if (bit % 4 == 0 && bit > 0)
            out[at++] = ' ';
    }
    out[at] = '\0';
}

static void
explain_text_fields(struct explain_out *out)
{
    struct explain_field fields[EXPLAIN_FIELDS];
    unsigned n = explain_fields(out->explain, fields);
    char bits[16], binary[96], both[EXPLAIN_BOTH_LEN];
    int width = 0;

    for (unsigned i = 0; i < n; i++) {
        explain_binary(&fields[i], explain_field_value(&fields[i], out->explain->va), binary);
        if ((int)strlen(binary) > width)
            width = (int)strlen(binary);
    }
    for (unsigned i = 0; i < n; i++) {
        uint64_t value = explain_field_value(&fields[i], out->explain->va);
        (void)snprintf(bits, sizeof bits, "%u-%u", fields[i].high, fields[i].low);
        explain_binary(&fields[i], value, binary);
        report_buf_add(out->buf, "  %-7s  %-13s %-*s   %s\n", bits, fields[i].name, width, binary,
            explain_both(out->explain->decimal, value, both));
    }
}

static void
explain_text_root(struct explain_out *out)
{
    const struct explain *explain = out->explain;
    char root[EXPLAIN_ROOT_LEN];

    if (explain->row->kind == REGISTRY_FLAT)
        report_buf_add(out->buf, "look-up    in a hash table outside RAM\n");
    if (explain->row->kind == REGISTRY_CONTIGUOUS || explain->row->kind == REGISTRY_FLAT)
        return;
    explain_root_text(explain, root);
    report_buf_add(out->buf, "root       %s\n", root);
}

/* A list whose items end with commas, in lines that begin below its first. */
static void
explain_text_list(struct explain_out *out, const char *list)
{
    size_t at = 0;

    report_buf_add(out->buf, "           ");
    while (*list != '\0') {
        size_t n = strcspn(list, ",") + 1;
        n = n > strlen(list) ? strlen(list) : n;
        if (at > 0 && at + n > 80) {
            report_buf_add(out->buf, "\n           ");
            at = 0;
            list += strspn(list, " ");
            continue;
        }
        report_buf_add(out->buf, "%.*s", (int)n, list);
        list += n;
        at += n;
    }
    report_buf_add(out->buf, "\n");
}

/* EntryLo0 or EntryLo1, as the handler loads it. */
static void
explain_text_entrylo(struct explain_out *out, uint64_t entry)
{
    uint64_t lo = entry >> 6; /* mmu/format_mips.c */

    report_buf_add(out->buf,
        "           EntryLo%u = 0x%08llx: PFN 0x%llx, C %llu, D %llu, V %llu, G %llu\n",
        (unsigned)(out->explain->va >> PAGE_SHIFT & 1u), (unsigned long long)lo,
        (unsigned long long)(lo >> 6), (unsigned long long)(lo >> 3 & 7),
        (unsigned long long)(lo >> 2 & 1), (unsigned long long)(lo >> 1 & 1),
        (unsigned long long)(lo & 1));
}

/* What this access changes in the entry. */
static void
explain_text_updates(struct explain_out *out, const struct mmu_step *step)
{
    const struct mmu_format *format = out->explain->row->format;
    const struct explain_bit *bits =
        explain_bits_of(explain_names_of(format), format, step->level, step->table);
    uint64_t after = explain_after(out->explain, step);
    uint64_t set = after & ~step->value, cleared = step->value & ~after;
    char names[EXPLAIN_BITS_LEN], more[EXPLAIN_BITS_LEN];

    if (after == step->value)
        return;
    report_buf_add(out->buf, "           this access%s%s%s%s%s\n", set != 0 ? " sets " : "",
        explain_mask(bits, set, names, sizeof names), set != 0 && cleared != 0 ? " and" : "",
        cleared != 0 ? " clears " : "", explain_mask(bits, cleared, more, sizeof more));
}

static void
explain_text_entry(struct explain_out *out, const struct mmu_step *step)
{
    const struct explain *explain = out->explain;
    const struct mmu_format *format = explain->row->format;
    const struct explain_names *names = explain_names_of(format);
    char set[EXPLAIN_SET_LEN], leads[EXPLAIN_LEADS_LEN], number[EXPLAIN_NUMBER_LEN];

    report_buf_add(out->buf, "%-10s entry %s of the table at 0x%llx, at 0x%llx: 0x%0*llx\n",
        names->level[step->level], explain_number(explain->decimal, step->idx, number),
        (unsigned long long)(step->pa - step->idx * format->pte_bytes),
        (unsigned long long)step->pa, (int)format->pte_bytes * 2, (unsigned long long)step->value);
    explain_leads(explain, step, leads);
    report_buf_add(out->buf, "           %s\n", leads);
    if (!mmu_pte_valid(format, step->level, step->value))
        return;
    explain_set_bits(explain_bits_of(names, format, step->level, step->table), step->value, set);
    explain_text_list(out, set);
    explain_text_updates(out, step);
    if (names->family == EXPLAIN_MIPS && !step->table)
        explain_text_entrylo(out, explain_after(explain, step));
}

static void
explain_text_tlb(struct explain_out *out, const struct mmu_step *step)
{
    const struct mmu *mmu = out->explain->mmu;
    struct mmu_tlb_view view = {0};
    char page[EXPLAIN_NUMBER_LEN], frame[EXPLAIN_NUMBER_LEN], prot[EXPLAIN_PROT_LEN];

    if (mmu == NULL || !mmu->ops->entry(mmu, (size_t)step->idx, &view))
        return;
    report_buf_add(out->buf, "TLB        %s holds page %s: frame %s, %s%s; no table is read\n",
        view.array, explain_number(out->explain->decimal, view.vpn, page),
        explain_number(out->explain->decimal, view.pfn, frame), explain_prot(view.prot, prot),
        view.global ? ", global" : "");
}

static void
explain_text_hash(struct explain_out *out, const struct mmu_step *step)
{
    bool decimal = out->explain->decimal;
    char anchor[EXPLAIN_NUMBER_LEN], entry[EXPLAIN_NUMBER_LEN];

    report_buf_add(out->buf, "hash       anchor %s, at 0x%llx: 0x%08llx\n",
        explain_number(decimal, step->idx, anchor), (unsigned long long)step->pa,
        (unsigned long long)step->value);
    if (step->value == 0)
        report_buf_add(out->buf, "           no chain\n");
    else
        report_buf_add(out->buf, "           the chain starts at entry %s\n",
            explain_number(decimal, step->value - 1, entry));
}

static void
explain_text_chain(struct explain_out *out, const struct mmu_step *step)
{
    const struct explain *explain = out->explain;
    const struct hashed_root root = hashed_root_of(explain->root);
    char entry[EXPLAIN_NUMBER_LEN], leads[EXPLAIN_LEADS_LEN], set[EXPLAIN_SET_LEN];
    bool mine = (step->value & HASHED_MATCH) == hashed_match(explain->va, root.tag);

    explain_leads(explain, step, leads);
    explain_set_bits(explain_hashed_bits, step->value, set);
    report_buf_add(out->buf, "chain      entry %s, at 0x%llx: tag word 0x%016llx\n",
        explain_number(explain->decimal, step->idx, entry), (unsigned long long)step->pa,
        (unsigned long long)step->value);
    report_buf_add(out->buf, "           %s: %s\n", leads, mine ? "found" : "another page's");
    if (!mine)
        return;
    explain_text_list(out, set);
    uint64_t sets = HASHED_A | (explain->access == ACCESS_WRITE ? HASHED_D : 0);
    if (explain->trace->fault == MMU_OK && (sets & ~step->value) != 0)
        report_buf_add(out->buf, "           this access sets %s\n",
            explain_mask(explain_hashed_bits, sets & ~step->value, set, sizeof set));
}

static void
explain_text_segment(struct explain_out *out, const struct mmu_step *step)
{
    const struct explain *explain = out->explain;
    bool decimal = explain->decimal;
    char a[EXPLAIN_NUMBER_LEN], b[EXPLAIN_NUMBER_LEN], c[EXPLAIN_NUMBER_LEN],
        prot[EXPLAIN_PROT_LEN];

    if (explain->registers == NULL || step->idx >= explain->registers->n)
        return;
    const struct mmu_segment *segment = &explain->registers->seg[step->idx];
    bool unlimited = segment->limit == UINT64_MAX - segment->origin;
    report_buf_add(out->buf, "register   %llu: ", (unsigned long long)step->idx);
    if (segment->limit == 0) {
        report_buf_add(out->buf, "not used\n");
        return;
    }
    report_buf_add(out->buf, "origin %s, base %s, %s%s, %s%s%s\n",
        explain_number(decimal, segment->origin, a), explain_number(decimal, segment->base, b),
        unlimited ? "no limit" : "limit ",
        unlimited ? "" : explain_number(decimal, segment->limit, c),
        explain_prot(segment->prot, prot), segment->down ? ", grows down" : "",
        segment->present ? "" : ", not in RAM");
    if (explain->trace->fault != MMU_OK && explain->trace->fault != MMU_BUS)
        return;
    uint64_t first = segment->down ? segment->origin : explain->va;
    uint64_t second = segment->down ? explain->va : segment->origin;
    report_buf_add(out->buf, "offset     %s - %s = %s", explain_number(decimal, first, a),
        explain_number(decimal, second, b), explain_number(decimal, first - second, c));
    if (!unlimited)
        report_buf_add(out->buf, ", %s the limit %s", segment->down ? "not above" : "below",
            explain_number(decimal, segment->limit, a));
    report_buf_add(out->buf, "\n");
}

static void
explain_text_step(struct explain_out *out, const struct mmu_step *step)
{
    char number[EXPLAIN_NUMBER_LEN];

    switch (step->kind) {
    case MMU_STEP_TLB:
        explain_text_tlb(out, step);
        return;
    case MMU_STEP_PWC:
        report_buf_add(out->buf, "walk cache the walk begins at %s: its table is in frame 0x%llx\n",
            explain_names_of(out->explain->row->format)->level[step->level],
            (unsigned long long)step->value);
        return;
    case MMU_STEP_ENTRY:
        explain_text_entry(out, step);
        return;
    case MMU_STEP_RUN:
        report_buf_add(out->buf, "run        one of 16 equal entries: this page is in frame %s\n",
            explain_number(out->explain->decimal, step->value, number));
        return;
    case MMU_STEP_HASH:
        explain_text_hash(out, step);
        return;
    case MMU_STEP_CHAIN:
        explain_text_chain(out, step);
        return;
    case MMU_STEP_REFILL:
        report_buf_add(out->buf, "exception  TLB refill: the core's handler reads its own table\n");
        return;
    case MMU_STEP_SEGMENT:
        explain_text_segment(out, step);
        return;
    case MMU_STEP_IDENTITY:
        report_buf_add(out->buf, "identity   a program's address is the RAM's\n");
        return;
    }
}

/* How the physical address comes from the last step. */
static void
explain_text_sum(struct explain_out *out)
{
    const struct explain *explain = out->explain;
    const struct mmu_trace *trace = explain->trace;
    const struct mmu_step *last = trace->n > 0 ? &trace->step[trace->n - 1] : NULL;
    uint64_t size = PAGE_SIZE;
    char a[EXPLAIN_NUMBER_LEN], b[EXPLAIN_NUMBER_LEN], c[EXPLAIN_NUMBER_LEN];

    if (last != NULL && last->kind == MMU_STEP_IDENTITY)
        return;
    if (last != NULL && explain->row->kind == REGISTRY_CONTIGUOUS) {
        const struct mmu_segment *segment = &explain->registers->seg[last->idx];
        report_buf_add(out->buf, "   (base %s %s offset %s)",
            explain_number(explain->decimal, segment->base, a), segment->down ? "-" : "+",
            explain_number(explain->decimal,
                segment->down ? segment->origin - explain->va : explain->va - segment->origin, b));
        return;
    }
    if (last != NULL && last->kind == MMU_STEP_ENTRY)
        size <<= trace->order;
    uint64_t offset = explain->va & (size - 1);
    report_buf_add(out->buf, "   (frame %s * %s + offset %s)",
        explain_number(explain->decimal, (trace->pa - offset) >> PAGE_SHIFT, a),
        explain_number(explain->decimal, PAGE_SIZE, b),
        explain_number(explain->decimal, offset, c));
}

static void
explain_text_end(struct explain_out *out)
{
    const struct explain *explain = out->explain;
    struct explain_fault fault;
    char both[EXPLAIN_BOTH_LEN], page[EXPLAIN_PAGE_LEN], prot[EXPLAIN_PROT_LEN];

    explain_fault(explain, &fault);
    if (explain->trace->fault == MMU_OK) {
        report_buf_add(out->buf, "rights     %s\nphysical   %s",
            explain_prot(explain->trace->prot, prot),
            explain_both(explain->decimal, explain->trace->pa, both));
        explain_text_sum(out);
        report_buf_add(out->buf, "\n");
    } else {
        report_buf_add(out->buf, "fault      %s: %s\n", fault.name, fault.why);
        if (fault.raises[0] != '\0')
            report_buf_add(out->buf, "raises     %s\n", fault.raises);
    }
    if (explain->page == NULL)
        return;
    explain_page_text(explain, page);
    report_buf_add(out->buf, "page       %s\n", page);
}

enum pgw_status
explain_text(const struct explain *explain, char **text)
{
    struct report_buf buf = {0};
    struct explain_out out = {.explain = explain, .buf = &buf};

    explain_text_head(&out);
    explain_text_fields(&out);
    explain_text_root(&out);
    for (unsigned i = 0; i < explain->trace->n; i++)
        explain_text_step(&out, &explain->trace->step[i]);
    explain_text_end(&out);
    if (explain->tables != NULL && explain->row->kind == REGISTRY_CONTIGUOUS) {
        report_buf_add(&buf, "\n");
        explain_registers_add(explain, &buf);
    } else if (explain->tables != NULL) {
        explain_tables_add(explain, &buf);
    }
    return report_buf_take(&buf, text);
}
