/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's part of a radix pmap: a direct map of all RAM, as far as its addresses reach, in the
 * root's entries from kernel_first on; global, not for users, in the largest leaves there are.
 *
 * It is built once a system.  What lies below the root is shared by all spaces; the root's entries
 * are kept as bytes outside RAM and copied into each new root, so that making a space costs no
 * walk. They never change after that: the kernel's part is of the RAM, whose size is fixed.
 *
 * A leaf may reach past the end of RAM; what lies there is nobody's.
 */
#include "pmap/pmap_radix.h"

#include <string.h>

/* Frees the tables that the entry leads to, if it does. */
static void
radix_kernel_free(struct radix_system *system, unsigned level, uint64_t pte)
{
    const struct mmu_format *format = system->format;
    if (!mmu_pte_valid(format, level, pte) || !mmu_pte_is_table(format, level, pte))
        return;
    struct mem_page *table = mem_page_at(system->base.mem, mmu_pte_table_pfn(format, pte));
    for (unsigned i = 0; i < 1u << format->level[level + 1].bits; i++)
        radix_kernel_free(system, level + 1, radix_load(system, table, i));
    radix_table_free(system, table);
}

static uint64_t
radix_kernel_leaf(const struct mmu_format *format, unsigned level, uint64_t pfn)
{
    prot_t prot = format->prot_given[PROT_MASK_R | PROT_MASK_W];
    uint64_t pte = mmu_pte_leaf(format, level, pfn, prot, false);
    pte = mmu_bits_put(pte, format->accessed, true);
    return mmu_bits_put(pte, format->dirty, true);
}

/* An entry of this level for the frames from the at-th of RAM on. */
static enum pgw_status
radix_kernel_entry(struct radix_system *system, unsigned level, uint64_t at, uint64_t *pte)
{
    const struct mmu_format *format = system->format;
    const struct mem *mem = system->base.mem;
    uint64_t pfn = mem->base_pfn + at;
    if (format->level[level].leaf && (pfn & ((1ull << mmu_format_order(format, level)) - 1)) == 0) {
        *pte = radix_kernel_leaf(format, level, pfn);
        return PGW_OK;
    }
    struct mem_page *table = radix_table_alloc(system, level + 1, system);
    if (table == NULL)
        return PGW_NORAM;
    *pte = mmu_pte_table(format, level, mem_page_pfn(mem, table));
    uint64_t run = 1ull << mmu_format_order(format, level + 1);
    for (unsigned i = 0; i < 1u << format->level[level + 1].bits && at < mem->nframes; i++) {
        uint64_t below;
        enum pgw_status status = radix_kernel_entry(system, level + 1, at, &below);
        if (status != PGW_OK) {
            radix_kernel_free(system, level, *pte);
            return status;
        }
        radix_store(system, table, i, below);
        at += run;
    }
    return PGW_OK;
}

/* Entries of the root that the direct map takes. */
static uint64_t
radix_kernel_entries(const struct radix_system *system)
{
    const struct mmu_format *format = system->format;
    unsigned order = mmu_format_order(format, 0);
    uint64_t wanted = (system->base.mem->nframes + (1ull << order) - 1) >> order;
    uint64_t room = (1ull << format->level[0].bits) - format->kernel_first;
    return wanted < room ? wanted : room;
}

void
radix_kernel_destroy(struct radix_system *system)
{
    struct base_alloc *alloc = system->base.alloc;
    if (system->kernel == NULL)
        return;
    uint64_t n = system->kernel_len / system->format->pte_bytes;
    for (unsigned i = 0; i < n; i++)
        radix_kernel_free(system, 0, mmu_pte_load(system->format, system->kernel, i));
    alloc->unmap(alloc, system->kernel, system->kernel_len);
}

enum pgw_status
radix_kernel_create(struct radix_system *system)
{
    const struct mmu_format *format = system->format;
    struct base_alloc *alloc = system->base.alloc;
    uint64_t n = radix_kernel_entries(system);
    if (n == 0)
        return PGW_OK;
    system->kernel_len = n * format->pte_bytes;
    system->kernel = alloc->map(alloc, system->kernel_len);
    if (system->kernel == NULL)
        return PGW_NOMEM;
    for (unsigned i = 0; i < n; i++) {
        uint64_t pte, at = (uint64_t)i << mmu_format_order(format, 0);
        enum pgw_status status = radix_kernel_entry(system, 0, at, &pte);
        if (status != PGW_OK) {
            radix_kernel_destroy(system);
            return status;
        }
        mmu_pte_store(format, system->kernel, i, pte);
    }
    return PGW_OK;
}

void
radix_kernel_enter(const struct radix_system *system, struct mem_page *root)
{
    const struct mmu_format *format = system->format;
    unsigned char *entries = mem_page_bytes(system->base.mem, root);
    if (system->kernel != NULL)
        memcpy(entries + (size_t)format->kernel_first * format->pte_bytes, system->kernel,
            system->kernel_len);
}
