/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay/translation.h"

#include "host/host_mem.h"
#include "mem/mem.h"
#include "replay/growing.h"

/*
 * What is modelled: the MMU of the sim machine, with its counters, in front of radix tables in a
 * RAM that holds nothing else.  A touch is translated; where no entry is found, that walk is
 * counted, the page is mapped (after the policy made room) and translated again, as a machine does
 * when the instruction is taken up anew.  A page that is evicted or gone is unmapped in every space
 * that had it, and shot down in TLBs and walk caches; where it is at a place no more, there.
 *
 * A write to what a fork has shared finds that it may not, and the copy in its place: that the old
 * entry is looked up is counted as for a read, then it goes, and the write is translated anew.
 *
 * The policy knows nothing of translation, so it goes through a batch first and leaves a list of
 * what it evicted and for which touch; the batch is translated after it, by that list.  Either is
 * a loop of its own that knows what comes, and has the host fetch it in time: tables, and what is
 * known of the pages that will go.
 *
 * What is not: entries have all rights, so there are no other faults for want of them; the hardware
 * sets accessed and dirty bits (unless the scheme leaves that to software: then the entry is made
 * with both); tables that were made stay, also those of processes that are gone; all pages are 4
 * KiB. Of a run of references that was recorded as one, the first is translated, and a write if it
 * has one: the others hit.
 *
 * All leaves lead to the same frame: what is in a page is nobody's business here.
 */

#define TRANSLATION_FRAMES ((uint64_t)1 << 18)
#define TRANSLATION_BASE ((uint64_t)1 << MEM_ORDER_MAX)
#define TRANSLATION_SPACES 65535u  /* tags of 16 bits, of which 0 is nobody's */
#define TRANSLATION_KNOWN 4096u    /* a power of two */
#define TRANSLATION_AHEAD 12u      /* touches */
#define TRANSLATION_AHEAD_PAGE 12u /* evictions */
#define TRANSLATION_AHEAD_LEAF 6u

/* A place where a page is mapped. */
struct translation_map {
    uint64_t vpn;
    uint32_t tag;  /* 0: nowhere */
    uint32_t next; /* another one of the page's among `more`, plus 1; or the next free record */
};

struct translation_space {
    uint32_t process;
    uint64_t root; /* frame */
};

/* Where a table of the last level is: they stay where they are, so this can be trusted. */
struct translation_known {
    uint64_t key; /* what it maps, and the space's tag, which is not 0 */
    unsigned char *leaves;
};

struct translation_eviction {
    const struct policy_touch *touch; /* for which it was */
    uint32_t page;
};

struct translation {
    struct base_alloc *alloc;
    struct translation_config config;
    struct base_alloc ram;
    struct mem mem;
    struct mmu *mmu;
    uint64_t data_pfn, table_frames;
    struct translation_space *spaces; /* by tag - 1 */
    uint64_t nspaces, spaces_room;
    uint32_t tag, process;         /* that is loaded; tag 0: none */
    uint64_t leaf;                 /* the entry of a page that is mapped */
    unsigned leaf_bits, pte_shift; /* of a table of the last level: 2^leaf_bits entries, each of
                                      2^pte_shift bytes */
    struct translation_map *first; /* by page: most have one place at the most */
    uint64_t first_room;
    struct translation_map *more;
    uint64_t nmore, more_room;
    uint32_t free; /* a map that is not used, plus 1 */
    struct translation_eviction *evicted;
    uint64_t nevicted, evicted_room;
    enum pgw_status status; /* of noting them */
    struct translation_known known[TRANSLATION_KNOWN];
};

/* ---- tables ---- */

static enum pgw_status
translation_table(struct translation *t, unsigned level, uint64_t *pfn)
{
    unsigned order = mmu_format_table_order(t->config.format, level);
    struct mem_page *page = mem_alloc(&t->mem, order, MEM_ZERO | MEM_PINNED);

    if (page == NULL)
        return PGW_NORAM;
    t->table_frames += (uint64_t)1 << order;
    *pfn = mem_page_pfn(&t->mem, page);
    return PGW_OK;
}

static unsigned char *
translation_bytes(struct translation *t, uint64_t pfn)
{
    return mem_page_bytes(&t->mem, mem_page_at(&t->mem, pfn));
}

/* The table of the last level for va, with the tables that lead to it made if make says so; NULL if
 * there is none, or (status) none can be made. */
static unsigned char *
translation_descend(
    struct translation *t, uint32_t tag, uint64_t va, bool make, enum pgw_status *status)
{
    const struct mmu_format *format = t->config.format;
    uint64_t pfn = t->spaces[tag - 1].root;

    *status = PGW_OK;
    for (unsigned level = 0; level + 1 < format->levels; level++) {
        unsigned char *table = translation_bytes(t, pfn);
        unsigned idx = mmu_format_index(format, level, va);
        uint64_t pte = mmu_pte_load(format, table, idx);
        if (mmu_pte_valid(format, level, pte)) {
            pfn = mmu_pte_table_pfn(format, pte);
            continue;
        }
        if (!make || (*status = translation_table(t, level + 1, &pfn)) != PGW_OK)
            return NULL;
        mmu_pte_store(format, table, idx, mmu_pte_table(format, level, pfn));
    }
    return translation_bytes(t, pfn);
}

/* Where the entry of va's page is, or would be; likewise. */
static inline unsigned char *
translation_entry(
    struct translation *t, uint32_t tag, uint64_t va, bool make, enum pgw_status *status)
{
    uint64_t region = va >> PAGE_SHIFT >> t->leaf_bits, key = region << 16 | tag;
    struct translation_known *known = &t->known[(region ^ tag << 4) % TRANSLATION_KNOWN];

    *status = PGW_OK;
    if (known->key != key) {
        unsigned char *leaves = translation_descend(t, tag, va, make, status);
        if (leaves == NULL)
            return NULL;
        *known = (struct translation_known){key, leaves};
    }
    uint64_t idx = va >> PAGE_SHIFT & (((uint64_t)1 << t->leaf_bits) - 1);
    return known->leaves + (idx << t->pte_shift);
}

static uint64_t
translation_leaf(const struct translation *t)
{
    const struct mmu_format *format = t->config.format;
    prot_t all = format->prot_given[PROT_MASK_R | PROT_MASK_W | PROT_MASK_X];
    uint64_t pte = mmu_pte_leaf(format, format->levels - 1, t->data_pfn, all, true);

    if (t->config.ad != MMU_AD_FAULT)
        return pte;
    return mmu_bits_put(mmu_bits_put(pte, format->accessed, true), format->dirty, true);
}

/* The tag of a process's space; 0: it has none yet. */
static uint32_t
translation_tag(const struct translation *t, uint32_t process)
{
    uint32_t tag = 0;

    while (tag < t->nspaces && t->spaces[tag].process != process)
        tag++;
    return tag < t->nspaces ? tag + 1 : 0;
}

/* ---- what is mapped where ---- */

/* Room for one more map, and for the page. */
static enum pgw_status
translation_reserve(struct translation *t, uint32_t page)
{
    enum pgw_status status = growing_reserve(
        t->alloc, (void **)&t->first, &t->first_room, (uint64_t)page + 1, sizeof *t->first);

    if (status == PGW_OK && t->free == 0)
        status = growing_reserve(
            t->alloc, (void **)&t->more, &t->more_room, t->nmore + 1, sizeof *t->more);
    return status;
}

static void
translation_note(struct translation *t, uint32_t page, uint64_t vpn)
{
    struct translation_map *first = &t->first[page];
    uint32_t map = t->free;

    if (first->tag == 0) {
        *first = (struct translation_map){.vpn = vpn, .tag = t->tag};
        return;
    }
    if (map != 0)
        t->free = t->more[map - 1].next;
    else
        map = (uint32_t)++t->nmore;
    t->more[map - 1] = (struct translation_map){.vpn = vpn, .tag = t->tag, .next = first->next};
    first->next = map;
}

/* Nothing is at vpn of the space any more. */
static void
translation_unmap(struct translation *t, const struct translation_map *map)
{
    const struct mmu_format *format = t->config.format;
    uint64_t va = map->vpn << PAGE_SHIFT;
    enum pgw_status status;
    unsigned char *entry = translation_entry(t, map->tag, va, false, &status);

    if (entry == NULL)
        return;
    mmu_pte_store(format, entry, 0, 0);
    t->mmu->ops->invalidate_range(t->mmu, map->tag, va, 1);
}

/* The page is not resident any more: it is mapped nowhere. */
static void
translation_gone(struct translation *t, uint32_t page)
{
    if (page >= t->first_room || t->first[page].tag == 0)
        return;
    translation_unmap(t, &t->first[page]);
    for (uint32_t map = t->first[page].next, next; map != 0; map = next) {
        next = t->more[map - 1].next;
        translation_unmap(t, &t->more[map - 1]);
        t->more[map - 1].next = t->free;
        t->free = map;
    }
    t->first[page] = (struct translation_map){0};
}

/* The page is not at vpn of the process any more. */
static void
translation_left(struct translation *t, uint32_t page, uint32_t process, uint64_t vpn)
{
    uint32_t tag = translation_tag(t, process), at;

    if (tag == 0 || page >= t->first_room)
        return;
    struct translation_map *first = &t->first[page], *before = first;
    if (first->tag == tag && first->vpn == vpn) {
        translation_unmap(t, first);
        at = first->next;
        *first = at != 0 ? t->more[at - 1] : (struct translation_map){0};
    } else {
        for (at = first->next; at != 0; at = before->next) {
            if (t->more[at - 1].tag == tag && t->more[at - 1].vpn == vpn)
                break;
            before = &t->more[at - 1];
        }
        if (at == 0)
            return;
        translation_unmap(t, &t->more[at - 1]);
        before->next = t->more[at - 1].next;
    }
    if (at != 0) {
        t->more[at - 1].next = t->free;
        t->free = at;
    }
}

/* ---- what comes ---- */

static bool
translation_is_loaded(const struct translation *t, uint32_t process)
{
    return t->tag != 0 && t->process == process;
}

static void
translation_fetch(struct translation *t, uint32_t tag, uint64_t vpn)
{
    enum pgw_status status;
    const unsigned char *entry = translation_entry(t, tag, vpn << PAGE_SHIFT, false, &status);

    if (entry != NULL)
        __builtin_prefetch(entry, 1);
}

static void
translation_fetch_page(const struct translation *t, uint32_t page)
{
    if (page < t->first_room)
        __builtin_prefetch(&t->first[page], 1);
}

static void
translation_ahead(struct translation *t, const struct replay_batch *batch, uint32_t i)
{
    if (i >= batch->n || !translation_is_loaded(t, batch->where[i].process))
        return;
    translation_fetch_page(t, batch->touch[i].page);
    translation_fetch(t, t->tag, batch->where[i].vpn);
}

static void
translation_ahead_evicted(struct translation *t, uint64_t i)
{
    if (i + TRANSLATION_AHEAD_PAGE < t->nevicted)
        translation_fetch_page(t, t->evicted[i + TRANSLATION_AHEAD_PAGE].page);
    if (i + TRANSLATION_AHEAD_LEAF >= t->nevicted)
        return;
    uint32_t page = t->evicted[i + TRANSLATION_AHEAD_LEAF].page;
    if (page < t->first_room && t->first[page].tag != 0)
        translation_fetch(t, t->first[page].tag, t->first[page].vpn);
}

/* ---- spaces ---- */

static enum pgw_status
translation_load(struct translation *t, uint32_t process)
{
    uint32_t tag = translation_tag(t, process);

    if (tag == 0) {
        enum pgw_status status = t->nspaces == TRANSLATION_SPACES
                                     ? PGW_RANGE
                                     : growing_reserve(t->alloc, (void **)&t->spaces,
                                           &t->spaces_room, t->nspaces + 1, sizeof *t->spaces);
        if (status == PGW_OK)
            status = translation_table(t, 0, &t->spaces[t->nspaces].root);
        if (status != PGW_OK)
            return status;
        t->spaces[t->nspaces].process = process;
        tag = (uint32_t)++t->nspaces;
    }
    t->tag = tag;
    t->process = process;
    t->mmu->ops->load(t->mmu, mmu_format_root(t->config.format, t->spaces[tag - 1].root, tag), tag);
    return PGW_OK;
}

/* ---- a touch ---- */

static enum access
translation_access(const struct policy_touch *touch)
{
    static const enum access kinds[POLICY_TOUCH_KINDS] = {
        [POLICY_TOUCH_READ] = ACCESS_READ,
        [POLICY_TOUCH_WRITE] = ACCESS_WRITE,
        [POLICY_TOUCH_FETCH] = ACCESS_EXEC,
    };
    return kinds[touch->first];
}

/* PGW_NOTFOUND: it is not mapped. */
static enum pgw_status
translation_try(struct translation *t, uint64_t va, enum access access)
{
    struct mmu_translation out;
    enum mmu_fault fault = t->mmu->ops->translate(t->mmu, va, access, &out);

    if (fault == MMU_OK)
        return PGW_OK;
    return fault == MMU_NOT_PRESENT ? PGW_NOTFOUND : PGW_RANGE;
}

/* The page is resident now: so it is mapped. */
static enum pgw_status
translation_map(struct translation *t, uint32_t page, uint64_t vpn)
{
    enum pgw_status status = translation_reserve(t, page);

    if (status != PGW_OK)
        return status;
    unsigned char *entry = translation_entry(t, t->tag, vpn << PAGE_SHIFT, true, &status);
    if (entry == NULL)
        return status;
    mmu_pte_store(t->config.format, entry, 0, t->leaf);
    translation_note(t, page, vpn);
    return PGW_OK;
}

/* The first of the evictions from i on that is not for this touch; the pages of the others go. */
static uint64_t
translation_make_room(struct translation *t, const struct policy_touch *touch, uint64_t i)
{
    for (; i < t->nevicted && t->evicted[i].touch == touch; i++) {
        translation_ahead_evicted(t, i);
        translation_gone(t, t->evicted[i].page);
    }
    return i;
}

/* *evicted: the first eviction that is to be seen to. */
static enum pgw_status
translation_touch(struct translation *t, const struct replay_where *where,
    const struct policy_touch *touch, uint64_t *evicted)
{
    uint64_t va = where->vpn << PAGE_SHIFT;
    enum access access = translation_access(touch);
    enum pgw_status status = PGW_OK;

    if (!translation_is_loaded(t, where->process))
        status = translation_load(t, where->process);
    if (status == PGW_OK)
        status = translation_try(t, va, where->was != 0 ? ACCESS_READ : access);
    if (status != PGW_OK && status != PGW_NOTFOUND)
        return status;
    *evicted = translation_make_room(t, touch, *evicted);
    if (where->was != 0) {
        translation_left(t, where->was - 1, where->process, where->vpn);
        status = PGW_NOTFOUND;
    }
    if (status == PGW_NOTFOUND) {
        status = translation_map(t, touch->page, where->vpn);
        if (status == PGW_OK)
            status = translation_try(t, va, access);
    }
    if (status == PGW_OK && touch->write != 0 && touch->first != POLICY_TOUCH_WRITE)
        status = translation_try(t, va, ACCESS_WRITE);
    return status == PGW_NOTFOUND ? PGW_RANGE : status;
}

void
translation_evicted(struct translation *t, const struct policy_touch *touch, uint32_t page)
{
    if (t->status == PGW_OK)
        t->status = growing_reserve(
            t->alloc, (void **)&t->evicted, &t->evicted_room, t->nevicted + 1, sizeof *t->evicted);
    if (t->status == PGW_OK)
        t->evicted[t->nevicted++] = (struct translation_eviction){.touch = touch, .page = page};
}

enum pgw_status
translation_run(struct translation *t, const struct replay_batch *batch)
{
    enum pgw_status status = t->status;
    uint64_t evicted = 0;

    for (uint32_t i = 0; i < batch->n && status == PGW_OK; i++) {
        const struct policy_touch *touch = &batch->touch[i];
        translation_ahead(t, batch, i + TRANSLATION_AHEAD);
        if (touch->count > 0)
            status = translation_touch(t, &batch->where[i], touch, &evicted);
        else if (replay_mark_is_left(touch))
            translation_left(t, touch->page, batch->where[i].process, batch->where[i].vpn);
        else
            translation_gone(t, touch->page);
    }
    t->nevicted = 0;
    return status;
}

/* ---- making one ---- */

enum pgw_status
translation_create(struct base_alloc *alloc, const struct translation_config *config,
    struct translation **translation)
{
    struct translation *made = alloc->map(alloc, sizeof *made);
    enum pgw_status status;

    if (made == NULL)
        return PGW_NOMEM;
    made->alloc = alloc;
    made->config = *config;
    host_ram_alloc_init(&made->ram);
    status =
        mem_init(&made->mem, alloc, &made->ram, TRANSLATION_FRAMES << PAGE_SHIFT, TRANSLATION_BASE);
    if (status != PGW_OK) {
        alloc->unmap(alloc, made, sizeof *made);
        return status;
    }
    struct mem_page *data = mem_alloc(&made->mem, 0, 0);
    made->data_pfn = mem_page_pfn(&made->mem, data);
    made->leaf = translation_leaf(made);
    made->leaf_bits = config->format->level[config->format->levels - 1].bits;
    made->pte_shift = config->format->pte_bytes == 8 ? 3 : 2;
    status = mmu_radix_create(
        config->format, config->ad, &config->tlb, config->seed, &made->mem, alloc, &made->mmu);
    if (status != PGW_OK)
        translation_destroy(made);
    else
        *translation = made;
    return status;
}

void
translation_destroy(struct translation *t)
{
    if (t == NULL)
        return;
    struct base_alloc *alloc = t->alloc;
    if (t->mmu != NULL)
        t->mmu->ops->destroy(t->mmu);
    mem_fini(&t->mem, &t->ram);
    growing_free(alloc, t->spaces, t->spaces_room, sizeof *t->spaces);
    growing_free(alloc, t->first, t->first_room, sizeof *t->first);
    growing_free(alloc, t->more, t->more_room, sizeof *t->more);
    growing_free(alloc, t->evicted, t->evicted_room, sizeof *t->evicted);
    alloc->unmap(alloc, t, sizeof *t);
}

const struct mmu_stats *
translation_stats(const struct translation *t)
{
    return &t->mmu->stats;
}

uint64_t
translation_table_bytes(const struct translation *t)
{
    return t->table_frames << PAGE_SHIFT;
}
