/* SPDX-License-Identifier: BSD-2-Clause */
#include "mmu/tlb.h"

#define TLB_ASID(key) ((uint32_t)((key) >> 1) & 0xffffu)
#define TLB_GLOBAL(key) (((key) >> 17 & 1u) != 0)
#define TLB_VPN(key) ((key) >> 18)

enum pgw_status
tlb_init(struct tlb *tlb, struct base_alloc *alloc, uint32_t entries, uint32_t ways)
{
    *tlb = (struct tlb){.clock = 1};
    if (entries == 0)
        return PGW_OK;
    size_t each = sizeof(uint64_t) + sizeof(struct tlb_entry);
    tlb->chunk_len = (size_t)entries * each;
    tlb->chunk = alloc->map(alloc, tlb->chunk_len);
    if (tlb->chunk == NULL)
        return PGW_NOMEM;
    tlb->keys = tlb->chunk;
    tlb->entries = (struct tlb_entry *)(void *)(tlb->keys + entries);
    tlb->ways = ways;
    tlb->sets = entries / ways;
    return PGW_OK;
}

void
tlb_fini(struct tlb *tlb, struct base_alloc *alloc)
{
    if (tlb->chunk != NULL)
        alloc->unmap(alloc, tlb->chunk, tlb->chunk_len);
    *tlb = (struct tlb){0};
}

size_t
tlb_fill(struct tlb *tlb, uint64_t vpn, uint32_t asid, bool global, const struct tlb_entry *entry)
{
    size_t first = tlb_set(tlb, vpn);
    size_t victim = first;
    for (size_t i = first + 1; i < first + tlb->ways; i++)
        if (tlb->entries[i].stamp < tlb->entries[victim].stamp)
            victim = i;
    tlb->globals -= TLB_GLOBAL(tlb->keys[victim]);
    tlb->keys[victim] = global ? tlb_key_global(vpn) : tlb_key(vpn, asid);
    tlb->globals += global;
    tlb->entries[victim] = *entry;
    tlb_touch(tlb, victim);
    return victim;
}

void
tlb_drop(struct tlb *tlb, size_t i)
{
    tlb->globals -= TLB_GLOBAL(tlb->keys[i]);
    tlb->keys[i] = 0;
    tlb->entries[i].stamp = 0;
}

/* A range shorter than the number of sets: look at the sets that can hold it. */
static uint64_t
tlb_drop_pages(struct tlb *tlb, uint32_t asid, uint64_t vpn, uint64_t npages)
{
    uint64_t dropped = 0;
    for (uint64_t n = 0; n < npages; n++) {
        size_t i;
        /* a page may be there both as a space's and as global */
        while ((i = tlb_find(tlb, vpn + n, asid)) != TLB_NONE) {
            tlb_drop(tlb, i);
            dropped++;
        }
    }
    return dropped;
}

uint64_t
tlb_drop_range(struct tlb *tlb, uint32_t asid, uint64_t vpn, uint64_t npages)
{
    if (npages < tlb->sets)
        return tlb_drop_pages(tlb, asid, vpn, npages);
    uint64_t dropped = 0;
    uint64_t first = TLB_VPN(tlb_key(vpn, 0)); /* as keys hold it: without the topmost bits */
    for (size_t i = 0; i < (size_t)tlb->sets * tlb->ways; i++) {
        uint64_t key = tlb->keys[i];
        if (key == 0 || TLB_VPN(key) - first >= npages)
            continue;
        if (!TLB_GLOBAL(key) && TLB_ASID(key) != asid)
            continue;
        tlb_drop(tlb, i);
        dropped++;
    }
    return dropped;
}

uint64_t
tlb_drop_space(struct tlb *tlb, uint32_t asid)
{
    uint64_t dropped = 0;
    for (size_t i = 0; i < (size_t)tlb->sets * tlb->ways; i++) {
        uint64_t key = tlb->keys[i];
        if (key == 0 || TLB_GLOBAL(key) || TLB_ASID(key) != asid)
            continue;
        tlb_drop(tlb, i);
        dropped++;
    }
    return dropped;
}
