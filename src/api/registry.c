/* SPDX-License-Identifier: BSD-2-Clause */
/* The only file that names back ends: to add one is to add a row. */
#include "api/registry.h"

#include <string.h>

#include "pager/pagers.h"
#include "pmap/pmaps.h"
#include "policy/policies.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const struct registry_mmu mmus[] = {
    {"sv39", "RISC-V Sv39: three levels of tables in RAM, 4 KiB, 2 MiB and 1 GiB pages, TLBs",
        &pmap_sv39, &mmu_sv39},
    {"ref", "reference: a hash table outside RAM, no tables, no TLBs", &pmap_ref, NULL},
};

static const struct policy_ops *const policies[] = {
    &policy_clock,
    &policy_fifo,
    &policy_lru,
    &policy_random,
};

static const struct registry_pager pagers[] = {
    {"none", "no swap: what does not fit in RAM does not fit"},
    {"SIZE", "a nameless temporary file of that size, gone at the end"},
    {"FILE:SIZE", "a regular file, made if absent and left behind, or a block device"},
};

const struct registry_mmu *
registry_mmu_at(unsigned i)
{
    return i < COUNT(mmus) ? &mmus[i] : NULL;
}

const struct policy_ops *
registry_policy_at(unsigned i)
{
    return i < COUNT(policies) ? policies[i] : NULL;
}

const struct registry_pager *
registry_pager_at(unsigned i)
{
    return i < COUNT(pagers) ? &pagers[i] : NULL;
}

const struct registry_mmu *
registry_mmu_named(const char *name)
{
    for (unsigned i = 0; i < COUNT(mmus); i++) {
        if (strcmp(mmus[i].name, name) == 0)
            return &mmus[i];
    }
    return NULL;
}

const struct policy_ops *
registry_policy_named(const char *name)
{
    for (unsigned i = 0; i < COUNT(policies); i++) {
        if (strcmp(policies[i]->name, name) == 0)
            return policies[i];
    }
    return NULL;
}

enum pgw_status
registry_swap_create(struct mem *mem, struct base_alloc *alloc, struct host_file file,
    uint64_t nslots, struct pager **pager)
{
    return pager_swap_create(mem, alloc, file, nslots, pager);
}

enum pgw_status
registry_file_create(
    struct mem *mem, struct base_alloc *alloc, struct host_file file, struct pager **pager)
{
    return pager_file_create(mem, alloc, file, pager);
}
