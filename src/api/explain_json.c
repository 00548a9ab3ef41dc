/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A translation for programs (docs/translate.schema.json).  Addresses, frame numbers and entries
 * are strings in hexadecimal: they have 64 bits, and a JSON number has 53.
 *
 * jansson's "o" takes over a reference and fails the whole when it is NULL, so a part that could
 * not be made shows at the end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pagewright/pagewright.h>

#include "api/explain.h"

static json_t *
explain_hex(uint64_t n)
{
    char text[EXPLAIN_NUMBER_LEN];

    return json_string(explain_number(false, n, text));
}

static json_t *
explain_value(uint64_t n, unsigned bytes)
{
    char text[EXPLAIN_NUMBER_LEN];

    (void)snprintf(text, sizeof text, "0x%0*llx", (int)bytes * 2, (unsigned long long)n);
    return json_string(text);
}

static json_t *
explain_rights(prot_t prot)
{
    char text[EXPLAIN_PROT_LEN];

    return json_string(explain_prot(prot, text));
}

static json_t *
explain_json_fields(const struct explain *explain)
{
    struct explain_field fields[EXPLAIN_FIELDS];
    unsigned n = explain_fields(explain, fields);
    json_t *array = json_array();

    for (unsigned i = 0; i < n; i++) {
        json_t *field = json_pack("{s:s, s:i, s:i, s:o}", "name", fields[i].name, "high",
            (int)fields[i].high, "low", (int)fields[i].low, "value",
            explain_hex(explain_field_value(&fields[i], explain->va)));
        if (json_array_append_new(array, field) != 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

static json_t *
explain_json_bits(const struct explain_bit *bits, uint64_t value)
{
    json_t *array = json_array();

    for (; bits->name != NULL; bits++) {
        uint64_t field = value << (63 - bits->high) >> (63 - bits->high + bits->low);
        if (field == 0)
            continue;
        json_t *bit =
            json_pack("{s:s, s:i, s:i, s:I, s:s}", "name", bits->name, "high", (int)bits->high,
                "low", (int)bits->low, "value", (json_int_t)field, "meaning", bits->meaning);
        if (json_array_append_new(array, bit) != 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

static json_t *
explain_json_entry(const struct explain *explain, const struct mmu_step *step)
{
    const struct mmu_format *format = explain->row->format;
    const struct explain_names *names = explain_names_of(format);
    const struct explain_bit *bits = explain_bits_of(names, format, step->level, step->table);
    bool valid = mmu_pte_valid(format, step->level, step->value);
    char leads[EXPLAIN_LEADS_LEN];

    explain_leads(explain, step, leads);
    return json_pack("{s:s, s:i, s:s, s:o, s:I, s:o, s:o, s:o, s:s, s:o, s:o, s:b}", "kind",
        "entry", "level", (int)step->level, "name", names->level[step->level], "table",
        explain_hex(step->pa - step->idx * format->pte_bytes), "index", (json_int_t)step->idx, "at",
        explain_hex(step->pa), "value", explain_value(step->value, format->pte_bytes), "bits",
        valid ? explain_json_bits(bits, step->value) : json_array(), "leads_to", leads, "frame",
        !valid        ? json_null()
        : step->table ? explain_hex(mmu_pte_table_pfn(format, step->value))
                      : explain_hex(mmu_pte_leaf_pfn(format, step->level, step->value)),
        "rights", explain_rights(valid ? step->prot : PROT_MASK_NONE), "user",
        (int)(valid && step->user));
}

static json_t *
explain_json_segment(const struct explain *explain, const struct mmu_step *step)
{
    const struct mmu_segment_registers *registers = explain->registers;

    if (registers == NULL || step->idx >= registers->n)
        return json_pack("{s:s, s:I}", "kind", "segment", "index", (json_int_t)step->idx);
    const struct mmu_segment *segment = &registers->seg[step->idx];
    return json_pack("{s:s, s:I, s:o, s:o, s:o, s:o, s:b, s:b}", "kind", "segment", "index",
        (json_int_t)step->idx, "origin", explain_hex(segment->origin), "base",
        explain_hex(segment->base), "limit",
        segment->limit == UINT64_MAX - segment->origin ? json_null() : explain_hex(segment->limit),
        "rights", explain_rights(segment->prot), "down", (int)segment->down, "present",
        (int)segment->present);
}

static json_t *
explain_json_tlb(const struct explain *explain, const struct mmu_step *step)
{
    struct mmu_tlb_view view = {0};

    if (explain->mmu == NULL || !explain->mmu->ops->entry(explain->mmu, (size_t)step->idx, &view))
        return json_pack("{s:s, s:I}", "kind", "tlb", "index", (json_int_t)step->idx);
    return json_pack("{s:s, s:I, s:s, s:o, s:o, s:o}", "kind", "tlb", "index",
        (json_int_t)step->idx, "array", view.array, "page", explain_hex(view.vpn), "frame",
        explain_hex(view.pfn), "rights", explain_rights(view.prot));
}

static json_t *
explain_json_step(const struct explain *explain, const struct mmu_step *step)
{
    char leads[EXPLAIN_LEADS_LEN];

    switch (step->kind) {
    case MMU_STEP_TLB:
        return explain_json_tlb(explain, step);
    case MMU_STEP_PWC:
        return json_pack("{s:s, s:i, s:o}", "kind", "walk-cache", "level", (int)step->level,
            "frame", explain_hex(step->value));
    case MMU_STEP_ENTRY:
        return explain_json_entry(explain, step);
    case MMU_STEP_RUN:
        return json_pack("{s:s, s:o}", "kind", "run", "frame", explain_hex(step->value));
    case MMU_STEP_HASH:
        return json_pack("{s:s, s:I, s:o, s:o}", "kind", "hash", "index", (json_int_t)step->idx,
            "at", explain_hex(step->pa), "value", explain_value(step->value, 4));
    case MMU_STEP_CHAIN:
        explain_leads(explain, step, leads);
        return json_pack("{s:s, s:I, s:o, s:o, s:o, s:s, s:o}", "kind", "chain", "index",
            (json_int_t)step->idx, "at", explain_hex(step->pa), "value",
            explain_value(step->value, 8), "bits",
            explain_json_bits(explain_hashed_bits, step->value), "leads_to", leads, "rights",
            explain_rights(step->prot));
    case MMU_STEP_REFILL:
        return json_pack("{s:s}", "kind", "refill");
    case MMU_STEP_SEGMENT:
        return explain_json_segment(explain, step);
    case MMU_STEP_IDENTITY:
        return json_pack("{s:s}", "kind", "identity");
    }
    return NULL;
}

static json_t *
explain_json_steps(const struct explain *explain)
{
    json_t *array = json_array();

    for (unsigned i = 0; i < explain->trace->n; i++) {
        if (json_array_append_new(array, explain_json_step(explain, &explain->trace->step[i])) !=
            0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

static json_t *
explain_json_fault(const struct explain *explain)
{
    struct explain_fault fault;

    explain_fault(explain, &fault);
    if (explain->trace->fault == MMU_OK)
        return json_null();
    return json_pack("{s:s, s:s, s:o, s:o, s:o}", "kind", fault.kind, "why", fault.why, "level",
        fault.level >= 0 ? json_integer(fault.level) : json_null(), "bits",
        fault.bits != 0 ? explain_hex(fault.bits) : json_null(), "raises",
        fault.raises[0] != '\0' ? json_string(fault.raises) : json_null());
}

static json_t *
explain_json_page(const struct explain *explain)
{
    static const char *const states[] = {[SPACE_PAGE_UNMAPPED] = "unmapped",
        [SPACE_PAGE_UNTOUCHED] = "untouched",
        [SPACE_PAGE_RESIDENT] = "resident",
        [SPACE_PAGE_SWAPPED] = "on-disk",
        [SPACE_PAGE_FILE] = "in-file"};
    char text[EXPLAIN_PAGE_LEN];

    if (explain->page == NULL)
        return json_null();
    const struct space_page *page = &explain->page->page;
    explain_page_text(explain, text);
    return json_pack("{s:s, s:o, s:o, s:s}", "state", states[page->state], "frame",
        page->state == SPACE_PAGE_RESIDENT
            ? explain_hex(mem_page_pfn(explain->mmu->mem, page->page))
            : json_null(),
        "slot", page->slot != UINT64_MAX ? json_integer((json_int_t)page->slot) : json_null(),
        "text", text);
}

struct explain_list {
    const struct explain *explain;
    json_t *array;
    bool failed;
};

static void
explain_json_table_entry(void *ctx, const struct explain_entry *entry)
{
    struct explain_list *list = ctx;
    char leads[EXPLAIN_LEADS_LEN], bytes[3 * 16 + 1] = "";

    for (unsigned i = 0; i < entry->bytes && i < 16; i++)
        (void)snprintf(
            bytes + (size_t)i * 3, 4, i + 1 < entry->bytes ? "%02x " : "%02x", entry->raw[i]);
    explain_leads(list->explain, &entry->step, leads);
    json_t *item = json_pack("{s:i, s:o, s:I, s:o, s:s, s:o, s:o, s:s}", "level",
        (int)entry->step.level, "table", explain_hex(entry->table), "index",
        (json_int_t)entry->step.idx, "at", explain_hex(entry->step.pa), "bytes", bytes, "value",
        explain_value(entry->step.value, entry->bytes > 8 ? 8 : entry->bytes), "address",
        explain_hex(entry->va), "leads_to", leads);
    list->failed = json_array_append_new(list->array, item) != 0 || list->failed;
}

/* Every entry of the tables; null when nobody asked. */
static json_t *
explain_json_tables(const struct explain *explain)
{
    struct explain_list list = {.explain = explain};

    if (explain->tables == NULL)
        return json_null();
    list.array = json_array();
    explain_each_entry(explain, explain_json_table_entry, &list);
    if (!list.failed)
        return list.array;
    json_decref(list.array);
    return NULL;
}

static json_t *
explain_json_root(const struct explain *explain)
{
    const struct mmu_format *format = explain->row->format;
    char text[EXPLAIN_ROOT_LEN];

    if (explain->row->kind == REGISTRY_CONTIGUOUS || explain->row->kind == REGISTRY_FLAT)
        return json_null();
    explain_root_text(explain, text);
    return json_pack("{s:s, s:o, s:s}", "register",
        format != NULL ? explain_names_of(format)->root : "register", "value",
        explain_hex(explain->root), "text", text);
}

enum pgw_status
explain_json(const struct explain *explain, char **text)
{
    const struct registry_mmu *row = explain->row;
    const struct mmu_trace *trace = explain->trace;
    const char *source = row->format != NULL ? row->format->source : row->source;
    bool done = trace->fault == MMU_OK;
    json_t *root = json_pack(
        "{s:i, s:s, s:s, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "version", 1,
        "generator", pgw_version(), "mmu", row->name, "source",
        source != NULL ? json_string(source) : json_null(), "access",
        explain_access(explain->access), "address", explain_hex(explain->va), "fields",
        explain_json_fields(explain), "root", explain_json_root(explain), "steps",
        explain_json_steps(explain), "rights", done ? explain_rights(trace->prot) : json_null(),
        "physical", done ? explain_hex(trace->pa) : json_null(), "mapping_bytes",
        done && row->kind != REGISTRY_CONTIGUOUS ? explain_hex((uint64_t)PAGE_SIZE << trace->order)
                                                 : json_null(),
        "fault", explain_json_fault(explain), "page", explain_json_page(explain), "tables",
        explain_json_tables(explain));

    char *dumped = root != NULL ? json_dumps(root, JSON_INDENT(2)) : NULL;
    json_decref(root);
    if (dumped == NULL)
        return PGW_NOMEM;
    *text = dumped;
    return PGW_OK;
}
