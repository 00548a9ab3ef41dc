/* SPDX-License-Identifier: BSD-2-Clause */
#include "format_rig.h"

#include <string.h>

static uint64_t
rig_pfn(const struct format_rig *rig, const struct mem_page *page)
{
    return mem_page_pfn(&rig->env.mem, page);
}

void
format_rig_init(struct format_rig *rig, const struct mmu_format *format, enum mmu_ad ad)
{
    memset(rig, 0, sizeof(*rig));
    test_env_init(&rig->env, FORMAT_RIG_FRAMES);
    rig->format = format;
    rig->va = FORMAT_RIG_VA & (UINT64_MAX >> (64 - format->va_bits));
    assert_int_equal(
        mmu_radix_walker_create(format, ad, &rig->env.mem, &rig->env.alloc, NULL, &rig->walker),
        PGW_OK);
    for (unsigned level = 0; level < format->levels; level++) {
        rig->table[level] =
            mem_alloc(&rig->env.mem, mmu_format_table_order(format, level), MEM_ZERO);
        assert_non_null(rig->table[level]);
    }
    rig->page = mem_alloc(&rig->env.mem, 0, MEM_ZERO);
    assert_non_null(rig->page);
    rig->pfn = rig_pfn(rig, rig->page);
    rig->root = mmu_format_root(format, rig_pfn(rig, rig->table[0]), 0);
    unsigned last = format->levels - 1;
    for (unsigned level = 0; level < last; level++)
        format_rig_set(
            rig, level, mmu_pte_table(format, level, rig_pfn(rig, rig->table[level + 1])));
    format_rig_set(rig, last, mmu_pte_leaf(format, last, rig->pfn, PROT_MASK_ALL, true));
}

void
format_rig_fini(struct format_rig *rig)
{
    for (unsigned level = 0; level < rig->format->levels; level++)
        mem_free(&rig->env.mem, rig->table[level]);
    mem_free(&rig->env.mem, rig->page);
    rig->walker->ops->destroy(rig->walker);
    test_env_fini(&rig->env);
}

uint64_t
format_rig_get(const struct format_rig *rig, unsigned level)
{
    return mmu_pte_load(rig->format, mem_page_bytes(&rig->env.mem, rig->table[level]),
        mmu_format_index(rig->format, level, rig->va));
}

void
format_rig_set(struct format_rig *rig, unsigned level, uint64_t pte)
{
    mmu_pte_store(rig->format, mem_page_bytes(&rig->env.mem, rig->table[level]),
        mmu_format_index(rig->format, level, rig->va), pte);
}

enum mmu_fault
format_rig_walk(struct format_rig *rig, enum access access)
{
    return rig->walker->ops->walk(
        rig->walker, rig->root, 0, rig->va, access, 0, &rig->stats, &rig->walk, NULL);
}

enum mmu_fault
format_rig_try(
    struct format_rig *rig, unsigned level, uint64_t pte, enum access access, uint64_t *after)
{
    uint64_t was = format_rig_get(rig, level);
    format_rig_set(rig, level, pte);
    enum mmu_fault fault = format_rig_walk(rig, access);
    if (after != NULL)
        *after = format_rig_get(rig, level);
    format_rig_set(rig, level, was);
    return fault;
}

void
format_rig_expect_reserved(
    struct format_rig *rig, unsigned level, uint64_t pte, uint64_t reserved, uint64_t skip)
{
    for (unsigned bit = 0; bit < rig->format->pte_bytes * 8; bit++) {
        uint64_t one = 1ull << bit;
        if ((skip & one) != 0)
            continue;
        enum mmu_fault fault = format_rig_try(rig, level, pte ^ one, ACCESS_READ, NULL);
        if ((fault == MMU_MALFORMED) != ((reserved & one) != 0))
            fail_msg("%s level %u entry %#llx, bit %u: fault %d", rig->format->name, level,
                (unsigned long long)pte, bit, (int)fault);
    }
}
