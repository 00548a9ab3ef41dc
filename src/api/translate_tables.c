/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Radix tables for pgw_translate_string(): the tables are in the RAM of the question's own machine,
 * which starts at a frame number that keeps clear of the frames that are mapped.
 */
#include "api/explain.h"
#include "api/translate_string.h"
#include "base/size.h"

/* RAM starts on one of these (mem_init); the first tried is where the sim machine's does. */
#define TRANSLATE_STEP ((uint64_t)1 << MEM_ORDER_MAX)
#define TRANSLATE_FIRST ((uint64_t)0x80000)

static uint64_t
translate_map_pages(const struct pgw_translate_map *map)
{
    return map->bytes > PAGE_SIZE ? map->bytes >> PAGE_SHIFT : 1;
}

static bool
translate_clear_of_maps(const struct translate *translate, uint64_t base, uint64_t need)
{
    const struct pgw_translate *q = &translate->question;

    for (size_t i = 0; i < q->nmaps; i++) {
        const struct pgw_translate_map *map = &q->maps[i];
        if (map->on_disk || map->entry)
            continue;
        if (map->frame < base + need && base < map->frame + translate_map_pages(map))
            return false;
    }
    return true;
}

/* The highest frame number that a table can have. */
static uint64_t
translate_table_limit(const struct mmu_format *format)
{
    uint64_t root = format->root_pfn_mask >> format->root_pfn_shift;
    uint64_t table = format->levels > 1 ? format->table_pfn >> format->pfn_shift : root;

    return root < table ? root : table;
}

static enum pgw_status
translate_room(struct translate *translate, uint64_t need, uint64_t limit)
{
    uint64_t tries = translate->question.nmaps + 4;

    for (uint64_t i = 0; i < tries; i++) {
        /* from the usual place upwards, then from 0 */
        uint64_t base = (TRANSLATE_FIRST + i * TRANSLATE_STEP) % (limit + 1);
        base -= base % TRANSLATE_STEP;
        if (base + need - 1 > limit || !translate_clear_of_maps(translate, base, need))
            continue;
        enum pgw_status status =
            mem_init(&translate->mem, &translate->core, &translate->ram, need << PAGE_SHIFT, base);
        if (status != PGW_OK)
            return translate_fail(
                translate, status, "cannot get RAM for the tables: %s", pgw_status_text(status));
        return PGW_OK;
    }
    return translate_fail(translate, PGW_INVAL,
        "the frames that are mapped leave no room for the tables: map fewer or other ones");
}

/* The level whose leaves have this size; levels when there is none.  *run: it is that of a run. */
static unsigned
translate_level(const struct mmu_format *format, uint64_t bytes, bool *run)
{
    unsigned level = 0;

    *run = format->run_order > 0 && bytes == (uint64_t)PAGE_SIZE << format->run_order;
    if (*run)
        return format->levels - 1;
    while (level < format->levels &&
           !(format->level[level].leaf && bytes == (uint64_t)1 << format->level[level].shift))
        level++;
    return level;
}

/* "4 KiB, 2 MiB": what there is instead. */
static enum pgw_status
translate_no_pages(struct translate *translate, uint64_t bytes)
{
    const struct mmu_format *format = translate->row->format;
    char sizes[128] = "", size[EXPLAIN_SIZE_LEN];
    size_t at = 0;

    for (unsigned level = format->levels; level-- > 0 && at < sizeof sizes;) {
        unsigned shift = format->level[level].shift;
        if (format->level[level].leaf)
            at += (size_t)snprintf(sizes + at, sizeof sizes - at, "%s%s", at > 0 ? ", " : "",
                explain_size(shift, size));
        if (level == format->levels - 1 && format->run_order > 0 && at < sizeof sizes)
            at += (size_t)snprintf(sizes + at, sizeof sizes - at, ", %s",
                explain_size(shift + format->run_order, size));
    }
    return translate_fail(translate, PGW_INVAL, "mmu %s has no pages of %llu bytes, only of %s",
        translate->row->name, (unsigned long long)bytes, sizes);
}

static enum pgw_status
translate_check_place(
    struct translate *translate, const struct pgw_translate_map *map, uint64_t bytes)
{
    const struct mmu_format *format = translate->row->format;
    uint64_t pages = bytes >> PAGE_SHIFT;
    char page[24], size[EXPLAIN_SIZE_LEN];

    if (map->page > UINT64_MAX >> PAGE_SHIFT ||
        !mmu_format_canonical(format, map->page << PAGE_SHIFT))
        return translate_fail(translate, PGW_RANGE,
            "page %s is outside the space: %s translates addresses of %u bits",
            translate_number(translate, map->page, page), translate->row->name, format->va_bits);
    if (map->page % pages != 0)
        return translate_fail(translate, PGW_INVAL,
            "page %s cannot begin a page of %s: it must be a multiple of %llu",
            translate_number(translate, map->page, page),
            explain_size((unsigned)__builtin_ctzll(bytes), size), (unsigned long long)pages);
    return PGW_OK;
}

/* The leaf that map asks for; flags and frame as they are, right or wrong for the hardware. */
static enum pgw_status
translate_leaf(struct translate *translate, const struct pgw_translate_map *map, unsigned level,
    bool run, uint64_t *pte)
{
    const struct mmu_format *format = translate->row->format;
    uint64_t most = format->level[format->levels - 1].leaf_pfn >> format->pfn_shift;
    char frame[24];

    if (map->entry) {
        *pte = map->frame;
        if (format->pte_bytes == 8 || *pte >> 32 == 0)
            return PGW_OK;
        return translate_fail(
            translate, PGW_RANGE, "entry 0x%llx has more than 32 bits", (unsigned long long)*pte);
    }
    if (map->on_disk) {
        if (explain_slot_entry(format, level, map->frame, pte))
            return PGW_OK;
        return translate_fail(translate, PGW_RANGE, "slot %s does not fit into an entry of %s",
            translate_number(translate, map->frame, frame), translate->row->name);
    }
    if (map->frame > most)
        return translate_fail(translate, PGW_RANGE,
            "frame %s is too high: entries of %s have %d bits for it",
            translate_number(translate, map->frame, frame), translate->row->name,
            64 - __builtin_clzll(most));
    *pte =
        mmu_pte_leaf(format, level, map->frame, format->prot_given[map->prot & 7u], !map->kernel);
    /* a frame that is not aligned to the page may fall on bits that mean something else */
    if (!run && mmu_pte_leaf_pfn(format, level, *pte) != map->frame &&
        (*pte & format->level[level].leaf_reserved) == 0)
        return translate_fail(translate, PGW_INVAL,
            "frame %s is not one that so large a page of %s can begin at",
            translate_number(translate, map->frame, frame), translate->row->name);
    if (map->accessed)
        *pte = mmu_bits_put(*pte, format->accessed, true);
    if (map->dirty)
        *pte = mmu_bits_put(*pte, format->dirty, true);
    if (run)
        *pte = mmu_bits_put(*pte, format->run, true) | format->run_low << format->pfn_shift;
    return PGW_OK;
}

/* The table of this level below table pfn's entry for va; a fresh one if there is none. */
static enum pgw_status
translate_next(struct translate *translate, unsigned level, uint64_t va, struct mem_page **table)
{
    const struct mmu_format *format = translate->row->format;
    unsigned char *bytes = mem_page_bytes(&translate->mem, *table);
    unsigned idx = mmu_format_index(format, level, va);
    uint64_t pte = mmu_pte_load(format, bytes, idx);
    char page[24];

    if (pte == 0) {
        struct mem_page *made =
            mem_alloc(&translate->mem, mmu_format_table_order(format, level + 1), MEM_ZERO);
        if (made == NULL)
            return translate_fail(translate, PGW_NOMEM, "no frame for a table");
        mmu_pte_store(
            format, bytes, idx, mmu_pte_table(format, level, mem_page_pfn(&translate->mem, made)));
        *table = made;
        return PGW_OK;
    }
    if (!mmu_pte_valid(format, level, pte) || !mmu_pte_is_table(format, level, pte))
        return translate_fail(translate, PGW_INVAL, "page %s lies in a larger one that is mapped",
            translate_number(translate, va >> PAGE_SHIFT, page));
    *table = mem_page_at(&translate->mem, mmu_pte_table_pfn(format, pte));
    return PGW_OK;
}

static enum pgw_status
translate_store(struct translate *translate, const struct pgw_translate_map *map,
    const struct mem_page *table, unsigned level, bool run, uint64_t pte)
{
    const struct mmu_format *format = translate->row->format;
    unsigned char *bytes = mem_page_bytes(&translate->mem, table);
    unsigned idx = mmu_format_index(format, level, map->page << PAGE_SHIFT);
    unsigned n = run ? 1u << format->run_order : 1;
    char page[24];

    for (unsigned i = 0; i < n; i++) {
        if (mmu_pte_load(format, bytes, idx + i) != 0)
            return translate_fail(translate, PGW_INVAL, "page %s is mapped twice",
                translate_number(translate, map->page + i, page));
        mmu_pte_store(format, bytes, idx + i, pte);
    }
    return PGW_OK;
}

static enum pgw_status
translate_enter(
    struct translate *translate, const struct pgw_translate_map *map, struct mem_page *table)
{
    const struct mmu_format *format = translate->row->format;
    uint64_t bytes = map->bytes != 0 ? map->bytes : PAGE_SIZE, pte = 0;
    bool run;
    unsigned target = translate_level(format, bytes, &run);

    if (target == format->levels)
        return translate_no_pages(translate, bytes);
    enum pgw_status status = translate_check_place(translate, map, bytes);
    if (status == PGW_OK)
        status = translate_leaf(translate, map, target, run, &pte);
    for (unsigned level = 0; status == PGW_OK && level < target; level++)
        status = translate_next(translate, level, map->page << PAGE_SHIFT, &table);
    return status == PGW_OK ? translate_store(translate, map, table, target, run, pte) : status;
}

enum pgw_status
translate_tables(struct translate *translate)
{
    const struct mmu_format *format = translate->row->format;
    const struct pgw_translate *q = &translate->question;
    unsigned order = mmu_format_table_order(format, 0);
    uint64_t tables = ((uint64_t)1 << order) + q->nmaps * (format->levels - 1), need = 8;

    /* A power of two, so that the tables lie one after the other from its beginning. */
    while (need < tables)
        need *= 2;
    enum pgw_status status = translate_room(translate, need, translate_table_limit(format));

    if (status != PGW_OK)
        return status;
    struct mem_page *root = mem_alloc(&translate->mem, order, MEM_ZERO);
    if (root == NULL)
        return translate_fail(translate, PGW_NOMEM, "no frame for the root table");
    translate->root = mmu_format_root(format, mem_page_pfn(&translate->mem, root), 0);
    for (size_t i = 0; i < q->nmaps && status == PGW_OK; i++)
        status = translate_enter(translate, &q->maps[i], root);
    return status;
}
