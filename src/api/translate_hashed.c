/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An inverted table for pgw_translate_string().  Here the frames that are mapped must be RAM: the
 * table's entries are theirs, by number.  The table lies above them.
 */
#include "api/translate_string.h"
#include "base/size.h"
#include "mmu/hashed.h"

/* Frames that the machine may have: what a run of RAM has, less than which nobody's figures are. */
#define TRANSLATE_HASHED_FRAMES ((uint64_t)1 << 18)

struct translate_run {
    uint64_t nframes; /* of RAM, the run included */
    struct hashed_root root;
};

static enum pgw_status
translate_hashed_range(struct translate *translate, uint64_t *base, uint64_t *end)
{
    const struct pgw_translate *q = &translate->question;
    uint64_t low = UINT64_MAX, high = 0;
    char first[24], last[24];

    for (size_t i = 0; i < q->nmaps; i++) {
        if (q->maps[i].on_disk)
            continue;
        low = q->maps[i].frame < low ? q->maps[i].frame : low;
        high = q->maps[i].frame > high ? q->maps[i].frame : high;
    }
    if (low > high)
        low = high = 0;
    *base = low - low % TRANSLATE_HASHED_FRAMES;
    *end = high + 1;
    if (high - *base < TRANSLATE_HASHED_FRAMES && high >> 38 == 0)
        return PGW_OK;
    return translate_fail(translate, PGW_RANGE,
        "the inverted table has an entry for each frame of RAM: frames %s and %s are %s",
        translate_number(translate, low, first), translate_number(translate, high, last),
        high >> 38 == 0 ? "too far apart" : "too high");
}

/* How large the table is, and where it lies: above frame end. */
static struct translate_run
translate_hashed_place(uint64_t base, uint64_t end, uint64_t aliases)
{
    struct translate_run run = {.root = {.order = 0}};

    for (;; run.root.order++) {
        uint64_t pages = (uint64_t)1 << run.root.order;
        run.root.pfn = (end + pages - 1) & ~(pages - 1);
        run.nframes = run.root.pfn + pages - base;
        run.nframes = run.nframes < 8 ? 8 : run.nframes; /* mem_init */
        run.root.anchors_log2 = HASHED_ANCHORS_LOG2_MIN;
        while ((uint64_t)1 << run.root.anchors_log2 < run.nframes)
            run.root.anchors_log2++;
        if (hashed_root_entries(run.root.order, run.root.anchors_log2) >= run.nframes + aliases)
            return run;
    }
}

static enum pgw_status
translate_hashed_check(struct translate *translate, const struct pgw_translate_map *map)
{
    char page[24];

    if (map->kernel || map->entry)
        return translate_fail(translate, PGW_INVAL, "mmu hashed has no %s",
            map->kernel ? "pages for the kernel alone" : "entries that a page number leads to");
    if (map->bytes != 0 && map->bytes != PAGE_SIZE)
        return translate_fail(translate, PGW_INVAL,
            "mmu hashed has no pages of %llu bytes, only of 4 KiB", (unsigned long long)map->bytes);
    if (map->page >> (HASHED_VA_BITS - PAGE_SHIFT) != 0)
        return translate_fail(translate, PGW_RANGE,
            "page %s is outside the space: hashed translates addresses of %u bits",
            translate_number(translate, map->page, page), HASHED_VA_BITS);
    return PGW_OK;
}

static bool
translate_hashed_mapped(const struct translate *translate, size_t i)
{
    const struct pgw_translate *q = &translate->question;

    for (size_t j = 0; j < i; j++) {
        if (q->maps[j].page == q->maps[i].page)
            return true;
    }
    return false;
}

static void
translate_hashed_enter(struct translate *translate, const struct translate_run *run,
    const struct pgw_translate_map *map, uint64_t *alias)
{
    unsigned char *bytes =
        mem_page_bytes(&translate->mem, mem_page_at(&translate->mem, run->root.pfn));
    uint64_t va = map->page << PAGE_SHIFT, idx = map->frame - translate->mem.base_pfn;
    struct hashed_entry entry = {
        .tag_word = hashed_with_prot(hashed_match(va, run->root.tag), map->prot) |
                    (map->accessed ? HASHED_A : 0) | (map->dirty ? HASHED_D : 0)};
    unsigned char *anchor =
        bytes + hashed_anchor_offset(hashed_index(va, run->root.tag, run->root.anchors_log2));
    unsigned char *at = bytes + hashed_entry_offset(idx, run->root.anchors_log2);

    if ((hashed_entry_load(at).tag_word & HASHED_V) != 0) {
        /* the frame's own entry is another page's */
        entry.frame = (uint32_t)idx;
        idx = translate->mem.nframes + (*alias)++;
        at = bytes + hashed_entry_offset(idx, run->root.anchors_log2);
    }
    entry.link = hashed_anchor_load(anchor);
    hashed_entry_store(at, entry);
    hashed_anchor_store(anchor, (uint32_t)idx + 1);
}

enum pgw_status
translate_hashed(struct translate *translate)
{
    const struct pgw_translate *q = &translate->question;
    uint64_t base = 0, end = 0, alias = 0;
    char page[24];
    enum pgw_status status = PGW_OK;

    for (size_t i = 0; i < q->nmaps && status == PGW_OK; i++) {
        status = translate_hashed_check(translate, &q->maps[i]);
        if (status == PGW_OK && translate_hashed_mapped(translate, i))
            status = translate_fail(translate, PGW_INVAL, "page %s is mapped twice",
                translate_number(translate, q->maps[i].page, page));
    }
    if (status == PGW_OK)
        status = translate_hashed_range(translate, &base, &end);
    if (status != PGW_OK)
        return status;
    const struct translate_run run = translate_hashed_place(base, end, q->nmaps);
    status = mem_init(
        &translate->mem, &translate->core, &translate->ram, run.nframes << PAGE_SHIFT, base);
    if (status != PGW_OK)
        return translate_fail(
            translate, status, "cannot get RAM for the table: %s", pgw_status_text(status));
    for (size_t i = 0; i < q->nmaps; i++) {
        if (!q->maps[i].on_disk)
            translate_hashed_enter(translate, &run, &q->maps[i], &alias);
    }
    translate->root = hashed_root_value(&run.root);
    return PGW_OK;
}
