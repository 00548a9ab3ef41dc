/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tables of a space as they lie in RAM: every entry that is not zero, with its bytes in the
 * order of memory, to be compared with the figures of a manual.
 */
#include <stdio.h>
#include <string.h>

#include "api/explain.h"
#include "base/assert.h"
#include "mmu/hashed.h"

/* The lowest bit above bit 0 that has no part in being valid. */
static uint64_t
explain_slot_mark(const struct mmu_format *format, unsigned level)
{
    uint64_t mark = 2;

    while ((format->level[level].valid.mask & mark) != 0)
        mark <<= 1;
    return mark;
}

bool
explain_slot_entry(const struct mmu_format *format, unsigned level, uint64_t slot, uint64_t *pte)
{
    uint64_t field = format->level[level].leaf_pfn;
    unsigned shift = (unsigned)__builtin_ctzll(field);

    if (slot > field >> shift)
        return false;
    *pte = slot << shift | explain_slot_mark(format, level);
    return true;
}

bool
explain_entry_slot(const struct mmu_format *format, unsigned level, uint64_t pte, uint64_t *slot)
{
    uint64_t field = format->level[level].leaf_pfn;
    uint64_t mark = explain_slot_mark(format, level);

    if (field == 0 || mmu_pte_valid(format, level, pte) || (pte & ~field) != mark)
        return false;
    *slot = (pte & field) >> __builtin_ctzll(field);
    return true;
}

/* The frame of an entry of the inverted table: its own, or for an alias the one that it names. */
static uint64_t
explain_hashed_frame(const struct explain *explain, const struct mmu_step *step)
{
    const struct mem *mem = explain->tables != NULL ? explain->tables : explain->mmu->mem;
    const struct mem_page *page = mem_page_at(mem, step->pa >> PAGE_SHIFT);

    if (step->idx < mem->nframes || page == NULL)
        return mem->base_pfn + step->idx;
    return mem->base_pfn +
           hashed_entry_load(mem_page_bytes(mem, page) + (step->pa & (PAGE_SIZE - 1))).frame;
}

static void
explain_hashed_leads(
    const struct explain *explain, const struct mmu_step *step, char out[EXPLAIN_LEADS_LEN])
{
    char number[EXPLAIN_NUMBER_LEN], frame[EXPLAIN_NUMBER_LEN], prot[EXPLAIN_PROT_LEN];
    uint64_t page = (step->value & ((1ull << HASHED_TAG_SHIFT) - 1)) >> PAGE_SHIFT;

    (void)snprintf(out, EXPLAIN_LEADS_LEN, "page %s of space %u, frame %s, %s",
        explain_number(explain->decimal, page, number), (unsigned)(step->value >> HASHED_TAG_SHIFT),
        explain_number(explain->decimal, explain_hashed_frame(explain, step), frame),
        explain_prot(step->prot, prot));
}

void
explain_leads(
    const struct explain *explain, const struct mmu_step *step, char out[EXPLAIN_LEADS_LEN])
{
    const struct mmu_format *format = explain->row->format;
    char number[EXPLAIN_NUMBER_LEN], size[EXPLAIN_SIZE_LEN], prot[EXPLAIN_PROT_LEN];
    uint64_t slot;

    if (format == NULL) {
        explain_hashed_leads(explain, step, out);
        return;
    }
    if (!mmu_pte_valid(format, step->level, step->value)) {
        if (explain->slots && explain_entry_slot(format, step->level, step->value, &slot))
            (void)snprintf(
                out, EXPLAIN_LEADS_LEN, "not valid: on disk, slot %llu", (unsigned long long)slot);
        else
            (void)snprintf(out, EXPLAIN_LEADS_LEN, "not valid");
        return;
    }
    if (step->table) {
        (void)snprintf(out, EXPLAIN_LEADS_LEN, "table in frame 0x%llx%s%s%s",
            (unsigned long long)mmu_pte_table_pfn(format, step->value),
            step->prot != PROT_MASK_ALL ? ", lets through " : "",
            step->prot != PROT_MASK_ALL ? explain_prot(step->prot, prot) : "",
            step->user ? "" : ", not for users");
        return;
    }
    bool run = mmu_pte_is_run(format, step->level, step->value);
    (void)snprintf(out, EXPLAIN_LEADS_LEN, "%s page, frame %s, %s, %s",
        explain_size(format->level[step->level].shift + (run ? format->run_order : 0), size),
        explain_number(explain->decimal,
            run ? mmu_pte_run_pfn(format, step->value)
                : mmu_pte_leaf_pfn(format, step->level, step->value),
            number),
        explain_prot(step->prot, prot), step->user ? "user" : "kernel");
}

void
explain_set_bits(const struct explain_bit *bits, uint64_t value, char out[EXPLAIN_SET_LEN])
{
    size_t at = 0;

    (void)snprintf(out, EXPLAIN_SET_LEN, "none");
    for (; bits->name != NULL && at < EXPLAIN_SET_LEN; bits++) {
        uint64_t field = value << (63 - bits->high) >> (63 - bits->high + bits->low);
        const char *comma = at > 0 ? ", " : "";
        if (field == 0)
            continue;
        if (bits->low == bits->high)
            at += (size_t)snprintf(out + at, EXPLAIN_SET_LEN - at, "%s%s(%u) %s", comma, bits->name,
                bits->low, bits->meaning);
        else
            at += (size_t)snprintf(out + at, EXPLAIN_SET_LEN - at, "%s%s(%u-%u) = %llu %s", comma,
                bits->name, bits->high, bits->low, (unsigned long long)field, bits->meaning);
    }
}

/* The entry idx of a table, as a walk would have read it. */
static struct explain_entry
explain_entry_at(const struct mmu_format *format, const unsigned char *table, uint64_t pa,
    unsigned level, unsigned idx)
{
    uint64_t pte = mmu_pte_load(format, table, idx);
    bool leads = mmu_pte_valid(format, level, pte) && mmu_pte_is_table(format, level, pte);
    struct explain_entry entry = {.table = pa,
        .raw = table + (size_t)idx * format->pte_bytes,
        .bytes = format->pte_bytes,
        .step = {.kind = MMU_STEP_ENTRY,
            .level = level,
            .idx = idx,
            .pa = pa + (uint64_t)idx * format->pte_bytes,
            .value = pte,
            .table = leads}};

    entry.step.prot = leads ? mmu_pte_table_prot(format, level, pte) : mmu_pte_prot(format, pte);
    entry.step.user = mmu_bits_hold(pte, leads ? format->level[level].table_user : format->user);
    return entry;
}

static void
explain_each_table(const struct explain *explain, unsigned level, uint64_t pfn, uint64_t va,
    explain_entry_fn *fn, void *ctx)
{
    const struct mmu_format *format = explain->row->format;
    const struct mem_page *page = mem_page_at(explain->tables, pfn);
    const struct mmu_level *l = &format->level[level];

    if (page == NULL)
        return;
    const unsigned char *table = mem_page_bytes(explain->tables, page);
    for (unsigned below = 0; below < 2; below++) {
        for (unsigned idx = 0; idx < 1u << l->bits; idx++) {
            struct explain_entry entry =
                explain_entry_at(format, table, pfn << PAGE_SHIFT, level, idx);
            if (entry.step.value == 0)
                continue;
            entry.va = va | (uint64_t)idx << l->shift;
            if (format->sign_extended && (entry.va >> (format->va_bits - 1) & 1u) != 0)
                entry.va |= UINT64_MAX << (format->va_bits - 1);
            if (below == 0)
                fn(ctx, &entry);
            else if (entry.step.table && level + 1 < format->levels)
                explain_each_table(explain, level + 1, mmu_pte_table_pfn(format, entry.step.value),
                    entry.va, fn, ctx);
        }
    }
}

static void
explain_each_hashed(const struct explain *explain, explain_entry_fn *fn, void *ctx)
{
    const struct hashed_root root = hashed_root_of(explain->root);
    const struct mem_page *page = mem_page_at(explain->tables, root.pfn);
    uint64_t n = hashed_root_entries(root.order, root.anchors_log2);

    if (page == NULL)
        return;
    const unsigned char *run = mem_page_bytes(explain->tables, page);
    for (uint64_t i = 0; i < n; i++) {
        uint64_t at = hashed_entry_offset(i, root.anchors_log2);
        struct hashed_entry found = hashed_entry_load(run + at);
        if ((found.tag_word & HASHED_V) == 0 || found.tag_word >> HASHED_TAG_SHIFT != root.tag)
            continue;
        struct explain_entry entry = {.table = root.pfn << PAGE_SHIFT,
            .va = found.tag_word & ((1ull << HASHED_TAG_SHIFT) - PAGE_SIZE),
            .raw = run + at,
            .bytes = HASHED_ENTRY_SIZE,
            .step = {.kind = MMU_STEP_CHAIN,
                .idx = i,
                .pa = (root.pfn << PAGE_SHIFT) + at,
                .value = found.tag_word,
                .prot = hashed_prot(found.tag_word),
                .user = true}};
        fn(ctx, &entry);
    }
}

void
explain_each_entry(const struct explain *explain, explain_entry_fn *fn, void *ctx)
{
    if (explain->row->kind == REGISTRY_HASHED)
        explain_each_hashed(explain, fn, ctx);
    else if (explain->row->format != NULL)
        explain_each_table(
            explain, 0, mmu_format_root_pfn(explain->row->format, explain->root), 0, fn, ctx);
}

static void
explain_hashed_root(const struct explain *explain, char out[EXPLAIN_ROOT_LEN])
{
    const struct hashed_root root = hashed_root_of(explain->root);

    (void)snprintf(out, EXPLAIN_ROOT_LEN,
        "register = 0x%llx: space %u, table in frame 0x%llx, %llu anchors",
        (unsigned long long)explain->root, root.tag, (unsigned long long)root.pfn,
        1ull << (root.anchors_log2 & 31u));
}

void
explain_root_text(const struct explain *explain, char out[EXPLAIN_ROOT_LEN])
{
    const struct mmu_format *format = explain->row->format;
    char mode[32] = "", tag[32] = "";

    if (format == NULL) {
        explain_hashed_root(explain, out);
        return;
    }
    const struct explain_names *names = explain_names_of(format);
    if (names->family == EXPLAIN_RISCV)
        (void)snprintf(mode, sizeof mode, "MODE %llu, ",
            (unsigned long long)(explain->root >> (format->pte_bytes == 8 ? 60 : 31)));
    if (format->asid_bits > 0)
        (void)snprintf(tag, sizeof tag, "%s %llu, ", names->tag,
            (unsigned long long)(explain->root >> format->root_asid_shift &
                                 ((1ull << format->asid_bits) - 1)));
    (void)snprintf(out, EXPLAIN_ROOT_LEN, "%s = 0x%llx: %s%stable in frame 0x%llx", names->root,
        (unsigned long long)explain->root, mode, tag,
        (unsigned long long)mmu_format_root_pfn(format, explain->root));
}

struct explain_dump {
    const struct explain *explain;
    struct report_buf *buf;
    uint64_t table; /* whose entries are being shown; UINT64_MAX: none yet */
};

static void
explain_dump_head(struct explain_dump *dump, const struct explain_entry *entry)
{
    const struct mmu_format *format = dump->explain->row->format;

    dump->table = entry->table;
    report_buf_add(dump->buf, "\n%s, table at 0x%llx:\n%9s  %-12s  %-*s  %-18s  %-*s  %s\n",
        format != NULL ? explain_names_of(format)->level[entry->step.level] : "inverted table",
        (unsigned long long)entry->table, "entry", "at", (int)entry->bytes * 3 - 1, "bytes",
        "program address", (int)entry->bytes > 8 ? 18 : (int)entry->bytes * 2 + 2,
        entry->bytes > 8 ? "tag word" : "value", "leads to");
}

static void
explain_dump_entry(void *ctx, const struct explain_entry *entry)
{
    struct explain_dump *dump = ctx;
    char leads[EXPLAIN_LEADS_LEN];

    if (dump->table != entry->table)
        explain_dump_head(dump, entry);
    report_buf_add(dump->buf, "%9llu  0x%-10llx  ", (unsigned long long)entry->step.idx,
        (unsigned long long)entry->step.pa);
    for (unsigned i = 0; i < entry->bytes; i++)
        report_buf_add(dump->buf, "%02x ", entry->raw[i]);
    explain_leads(dump->explain, &entry->step, leads);
    report_buf_add(dump->buf, " 0x%-16llx  0x%0*llx  %s\n", (unsigned long long)entry->va,
        entry->bytes > 8 ? 16 : (int)entry->bytes * 2, (unsigned long long)entry->step.value,
        leads);
}

void
explain_registers_add(const struct explain *explain, struct report_buf *buf)
{
    const struct mmu_segment_registers *registers = explain->registers;
    char prot[EXPLAIN_PROT_LEN];

    if (registers->identity) {
        report_buf_add(buf, "no registers: a program's address is the RAM's\n");
        return;
    }
    report_buf_add(
        buf, "register  origin              base                limit               rights\n");
    for (unsigned i = 0; i < registers->n; i++) {
        const struct mmu_segment *segment = &registers->seg[i];
        if (segment->limit == 0) {
            report_buf_add(buf, "%8u  not used\n", i);
            continue;
        }
        report_buf_add(buf, "%8u  0x%-16llx  0x%-16llx  ", i, (unsigned long long)segment->origin,
            (unsigned long long)segment->base);
        if (segment->limit == UINT64_MAX - segment->origin)
            report_buf_add(buf, "%-18s", "none");
        else
            report_buf_add(buf, "0x%-16llx", (unsigned long long)segment->limit);
        report_buf_add(buf, "  %s%s%s\n", explain_prot(segment->prot, prot),
            segment->down ? ", grows down" : "", segment->present ? "" : ", not in RAM");
    }
}

void
explain_tables_add(const struct explain *explain, struct report_buf *buf)
{
    struct explain_dump dump = {.explain = explain, .buf = buf, .table = UINT64_MAX};

    explain_each_entry(explain, explain_dump_entry, &dump);
    if (dump.table == UINT64_MAX)
        report_buf_add(buf, "\nall entries are zero\n");
}

enum pgw_status
explain_tables_text(const struct explain *explain, char **text)
{
    struct report_buf buf = {0};
    char root[EXPLAIN_ROOT_LEN];

    if (explain->row->kind == REGISTRY_CONTIGUOUS) {
        explain_registers_add(explain, &buf);
    } else if (explain->row->kind == REGISTRY_FLAT) {
        report_buf_add(&buf, "%s keeps its mappings outside RAM: there are no tables to show\n",
            explain->row->name);
    } else {
        explain_root_text(explain, root);
        report_buf_add(&buf, "%s\n", root);
        explain_tables_add(explain, &buf);
    }
    return report_buf_take(&buf, text);
}
