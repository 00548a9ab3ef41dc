/* SPDX-License-Identifier: BSD-2-Clause */
/* The hashed pmap's own structures; what it does is told in pmap_hashed.c. */
#ifndef PMAP_HASHED_H
#define PMAP_HASHED_H

#include <sys/queue.h>

#include "base/asid.h"
#include "mmu/hashed.h"
#include "pmap/pv.h"
#include "vm/pmap.h"

#define HASHED_NONE UINT32_MAX /* no entry */

/* What the operating system notes of an entry, by its number. */
struct hashed_map {
    TAILQ_ENTRY(hashed_map) link; /* of its pmap's list */
    struct hashed *pmap;          /* NULL: the entry is free */
};

TAILQ_HEAD(hashed_map_list, hashed_map);

/* The same, of a further entry: it is among the ages or the spare ones, or is wired. */
struct hashed_alias {
    TAILQ_ENTRY(hashed_alias) link;
};

TAILQ_HEAD(hashed_alias_list, hashed_alias);

struct hashed_system {
    struct pmap_system base;
    struct mem_page *run; /* of frames that hold the table */
    unsigned order, anchors_log2;
    uint32_t frames; /* of RAM: entries from here on are aliases */
    uint32_t naliases;
    uint32_t fresh;          /* aliases from here on were never used */
    struct hashed_map *maps; /* of every entry */
    struct hashed_alias *aliases;
    struct hashed_alias_list ages;  /* aliases in use that may go, the oldest first */
    struct hashed_alias_list spare; /* aliases that are free again */
    struct base_pool pvs, pmaps;
    struct asid_set asids;
};

struct hashed {
    struct pmap base;
    struct hashed_map_list maps;
};

/* A range of addresses whose translations changed; start == end: nothing. */
struct hashed_change {
    uint64_t start, end;
    bool gone; /* see struct pmap_shootdown */
};

static inline struct hashed_system *
hashed_system(const struct hashed *hashed)
{
    return (struct hashed_system *)hashed->base.system;
}

static inline unsigned char *
hashed_bytes(const struct hashed_system *system, uint64_t offset)
{
    return mem_page_bytes(system->base.mem, system->run) + offset;
}

static inline struct hashed_entry
hashed_load(const struct hashed_system *system, uint32_t idx)
{
    uint64_t offset = hashed_entry_offset(idx, system->anchors_log2);
    return hashed_entry_load(hashed_bytes(system, offset));
}

static inline void
hashed_store(const struct hashed_system *system, uint32_t idx, struct hashed_entry entry)
{
    uint64_t offset = hashed_entry_offset(idx, system->anchors_log2);
    hashed_entry_store(hashed_bytes(system, offset), entry);
}

static inline uint32_t
hashed_map_index(const struct hashed_system *system, const struct hashed_map *map)
{
    return (uint32_t)(map - system->maps);
}

/* hashed_chain.c: entries and the chains they are in. */

/* The entry that maps va, HASHED_NONE: there is none. */
uint32_t hashed_find(const struct hashed *hashed, uint64_t va);
/* The page that entry idx, of an address, maps. */
struct mem_page *hashed_page(const struct hashed_system *system, uint32_t idx);
/* Moves A and D of an entry about to lose them to its page (P3). */
void hashed_harvest(const struct hashed_system *system, uint32_t idx);
/*
 * A free entry for page: its own, or an alias, for which an older one may have to go; HASHED_NONE:
 * all aliases are wired.  It is the caller's until hashed_link, which must follow.
 */
uint32_t hashed_take(struct hashed_system *system, const struct mem_page *page);
/* Puts entry idx, from hashed_take, first in its chain: page at va, with these bits besides. */
void hashed_link(
    struct hashed *hashed, uint32_t idx, uint64_t va, const struct mem_page *page, uint64_t bits);
/* Takes the mapping away: harvest, chain, record, counts.  Nobody is told. */
void hashed_drop(struct hashed_system *system, uint32_t idx);
/* Wires the mapping, or no longer does. */
void hashed_wire(struct hashed_system *system, uint32_t idx, bool wired);

/* hashed_sweep.c: ranges, pages, and telling the processors. */

void hashed_change_add(struct hashed_change *change, uint64_t va, bool gone);
void hashed_shoot(const struct hashed *hashed, const struct hashed_change *change);

/* The slots of the contract that are there. */
void hashed_protect(struct pmap *pmap, uint64_t va, uint64_t npages, prot_t prot);
void hashed_remove(struct pmap *pmap, uint64_t va, uint64_t npages);
void hashed_page_protect(struct pmap_system *system, struct mem_page *page, prot_t prot);
bool hashed_page_test_clear_referenced(struct pmap_system *system, struct mem_page *page);
bool hashed_page_is_modified(struct pmap_system *system, struct mem_page *page);
void hashed_page_clear_modified(struct pmap_system *system, struct mem_page *page);
bool hashed_check(struct pmap *pmap); /* hashed_check.c */

#endif
