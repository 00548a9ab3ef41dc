/* SPDX-License-Identifier: BSD-2-Clause */
/* Entries of the inverted table: finding, taking and freeing them.  See pmap_hashed.c. */
#include "pmap/pmap_hashed.h"

#include "base/assert.h"

static unsigned char *
hashed_anchor(const struct hashed_system *system, uint64_t va, uint32_t asid)
{
    uint32_t idx = hashed_index(va, asid, system->anchors_log2);
    return hashed_bytes(system, hashed_anchor_offset(idx));
}

uint32_t
hashed_find(const struct hashed *hashed, uint64_t va)
{
    const struct hashed_system *system = hashed_system(hashed);
    uint64_t match = hashed_match(va, hashed->base.asid);
    uint32_t link = hashed_anchor_load(hashed_anchor(system, va, hashed->base.asid));
    while (link != 0) {
        struct hashed_entry entry = hashed_load(system, link - 1);
        if ((entry.tag_word & HASHED_MATCH) == match)
            return link - 1;
        link = entry.link;
    }
    return HASHED_NONE;
}

struct mem_page *
hashed_page(const struct hashed_system *system, uint32_t idx)
{
    uint32_t frame = idx < system->frames ? idx : hashed_load(system, idx).frame;
    return &system->base.mem->pages[frame];
}

void
hashed_harvest(const struct hashed_system *system, uint32_t idx)
{
    uint64_t tag_word = hashed_load(system, idx).tag_word;
    struct mem_page *page = hashed_page(system, idx);
    page->referenced |= (tag_word & HASHED_A) != 0;
    page->modified |= (tag_word & HASHED_D) != 0;
}

/* Its mapping vanishes (P1), from the processors too: the core does not know and will not ask. */
static void
hashed_vanish(struct hashed_system *system, uint32_t idx)
{
    const struct hashed *hashed = system->maps[idx].pmap;
    struct hashed_change change = {0};
    hashed_change_add(&change, hashed_va(hashed_load(system, idx).tag_word), true);
    hashed_drop(system, idx);
    hashed_shoot(hashed, &change);
}

/* An alias that is free, HASHED_NONE: there is none. */
static uint32_t
hashed_take_alias(struct hashed_system *system)
{
    struct hashed_alias *alias = TAILQ_FIRST(&system->spare);
    if (alias == NULL && system->fresh < system->naliases)
        return system->frames + system->fresh++;
    if (alias == NULL && !TAILQ_EMPTY(&system->ages)) {
        alias = TAILQ_FIRST(&system->ages);
        hashed_vanish(system, system->frames + (uint32_t)(alias - system->aliases));
        BASE_ASSERT(alias == TAILQ_FIRST(&system->spare));
    }
    if (alias == NULL)
        return HASHED_NONE;
    TAILQ_REMOVE(&system->spare, alias, link);
    return system->frames + (uint32_t)(alias - system->aliases);
}

uint32_t
hashed_take(struct hashed_system *system, const struct mem_page *page)
{
    uint32_t own = (uint32_t)(page - system->base.mem->pages);
    return system->maps[own].pmap == NULL ? own : hashed_take_alias(system);
}

void
hashed_link(
    struct hashed *hashed, uint32_t idx, uint64_t va, const struct mem_page *page, uint64_t bits)
{
    struct hashed_system *system = hashed_system(hashed);
    struct hashed_map *map = &system->maps[idx];
    unsigned char *anchor = hashed_anchor(system, va, hashed->base.asid);
    struct hashed_entry entry = {
        .tag_word = hashed_match(va, hashed->base.asid) | bits, .link = hashed_anchor_load(anchor)};
    if (idx >= system->frames) {
        entry.frame = (uint32_t)(page - system->base.mem->pages);
        if ((bits & HASHED_SOFT) == 0)
            TAILQ_INSERT_TAIL(&system->ages, &system->aliases[idx - system->frames], link);
    }
    hashed_store(system, idx, entry);
    hashed_anchor_store(anchor, idx + 1);
    map->pmap = hashed;
    TAILQ_INSERT_TAIL(&hashed->maps, map, link);
    hashed->base.resident++;
}

/* Takes the entry, which leads on to next, out of the chain that begins at anchor. */
static void
hashed_unlink(
    const struct hashed_system *system, unsigned char *anchor, uint32_t idx, uint32_t next)
{
    uint32_t link = hashed_anchor_load(anchor);
    if (link == idx + 1) {
        hashed_anchor_store(anchor, next);
        return;
    }
    for (;;) {
        BASE_ASSERT(link != 0);
        struct hashed_entry before = hashed_load(system, link - 1);
        if (before.link == idx + 1) {
            before.link = next;
            hashed_store(system, link - 1, before);
            return;
        }
        link = before.link;
    }
}

void
hashed_drop(struct hashed_system *system, uint32_t idx)
{
    struct hashed_map *map = &system->maps[idx];
    struct hashed *hashed = map->pmap;
    struct hashed_entry entry = hashed_load(system, idx);
    uint64_t va = hashed_va(entry.tag_word);
    hashed_harvest(system, idx);
    hashed_unlink(system, hashed_anchor(system, va, hashed->base.asid), idx, entry.link);
    pv_remove(&system->pvs, hashed_page(system, idx), &hashed->base, va, 0);
    TAILQ_REMOVE(&hashed->maps, map, link);
    map->pmap = NULL;
    hashed->base.resident--;
    hashed_store(system, idx, (struct hashed_entry){0});
    if (idx < system->frames)
        return;
    struct hashed_alias *alias = &system->aliases[idx - system->frames];
    if ((entry.tag_word & HASHED_SOFT) == 0)
        TAILQ_REMOVE(&system->ages, alias, link);
    TAILQ_INSERT_HEAD(&system->spare, alias, link);
}

void
hashed_wire(struct hashed_system *system, uint32_t idx, bool wired)
{
    struct hashed_entry entry = hashed_load(system, idx);
    if (wired == ((entry.tag_word & HASHED_SOFT) != 0))
        return;
    entry.tag_word ^= HASHED_SOFT;
    hashed_store(system, idx, entry);
    if (idx < system->frames)
        return;
    struct hashed_alias *alias = &system->aliases[idx - system->frames];
    if (wired)
        TAILQ_REMOVE(&system->ages, alias, link);
    else
        TAILQ_INSERT_TAIL(&system->ages, alias, link);
}
