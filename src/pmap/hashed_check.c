/* SPDX-License-Identifier: BSD-2-Clause */
/* The hashed pmap: do table, lists, counts and reverse records agree?  See pmap_hashed.c. */
#include "pmap/pmap_hashed.h"

/* Do the lists of aliases hold what they should? */
static bool
hashed_check_aliases(const struct hashed_system *system)
{
    uint32_t ages = 0, wired = 0, spare = 0;
    const struct hashed_alias *alias;
    TAILQ_FOREACH (alias, &system->ages, link) {
        uint32_t idx = system->frames + (uint32_t)(alias - system->aliases);
        if (system->maps[idx].pmap == NULL ||
            (hashed_load(system, idx).tag_word & HASHED_SOFT) != 0 || ++ages > system->naliases)
            return false;
    }
    TAILQ_FOREACH (alias, &system->spare, link) {
        uint32_t idx = system->frames + (uint32_t)(alias - system->aliases);
        if (system->maps[idx].pmap != NULL || ++spare > system->naliases)
            return false;
    }
    for (uint32_t i = 0; i < system->naliases; i++)
        wired += (hashed_load(system, system->frames + i).tag_word & HASHED_SOFT) != 0;
    return ages + wired + spare == system->fresh;
}

/* Is entry idx, which is in the pmap's list, its own, in its chain, and recorded at its page? */
static bool
hashed_check_entry(struct hashed *hashed, uint32_t idx)
{
    const struct hashed_system *system = hashed_system(hashed);
    struct hashed_entry entry = hashed_load(system, idx);
    uint64_t va = hashed_va(entry.tag_word);
    if (system->maps[idx].pmap != hashed || va >= HASHED_USER_END ||
        (entry.tag_word & HASHED_MATCH) != hashed_match(va, hashed->base.asid) ||
        (entry.tag_word & HASHED_ZERO) != 0 || hashed_prot(entry.tag_word) == PROT_MASK_NONE ||
        (idx < system->frames ? entry.frame != 0 : entry.frame >= system->frames) ||
        hashed_find(hashed, va) != idx)
        return false;
    const struct mem_pv *pv = pv_find(hashed_page(system, idx), &hashed->base, va, 0);
    return pv != NULL && ((pv->va & PV_WIRED) != 0) == ((entry.tag_word & HASHED_SOFT) != 0);
}

/* Entries of the table that bear the space's tag, and records of its mappings: with each listed
 * entry having both, there are no others when there are as many. */
static bool
hashed_check_counts(const struct hashed *hashed)
{
    const struct hashed_system *system = hashed_system(hashed);
    uint64_t entries = 0;
    for (uint32_t idx = 0; idx < system->frames + system->naliases; idx++) {
        uint64_t tag_word = hashed_load(system, idx).tag_word;
        if (((tag_word & HASHED_V) != 0) != (system->maps[idx].pmap != NULL))
            return false;
        entries += tag_word != 0 && tag_word >> HASHED_TAG_SHIFT == hashed->base.asid;
    }
    return entries == hashed->base.resident && pv_check(&hashed->base, entries);
}

bool
hashed_check(struct pmap *pmap)
{
    struct hashed *hashed = (struct hashed *)pmap;
    const struct hashed_system *system = hashed_system(hashed);
    const struct hashed_map *map;
    uint64_t listed = 0;
    TAILQ_FOREACH (map, &hashed->maps, link)
        if (++listed > pmap->resident || !hashed_check_entry(hashed, hashed_map_index(system, map)))
            return false;
    return listed == pmap->resident && pmap->tables == 0 &&
           system->base.tables == UINT64_C(1) << system->order && hashed_check_counts(hashed) &&
           hashed_check_aliases(system);
}
