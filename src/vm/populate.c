/* SPDX-License-Identifier: BSD-2-Clause */
/* Faulting ranges in before they are used, and asking what is in RAM. */
#include <string.h>

#include "vm/core.h"

struct mem_page *
vm_resident(const struct vm_region *region, uint64_t va)
{
    const struct vm_anon *anon = vm_amap_lookup(region, va);

    if (anon != NULL || region->object == NULL)
        return anon != NULL ? anon->page : NULL;
    return vm_object_page(region->object, (region->offset + (va - region->start)) >> PAGE_SHIFT);
}

/* Would the access find a mapping? */
static bool
populate_is_mapped(struct vm_space *space, uint64_t va, enum access access)
{
    prot_t prot;

    return space->system->pmap_ops->extract(space->pmap, va, NULL, &prot) == PGW_OK &&
           prot_allows(prot, access);
}

static enum pgw_status
populate_page(struct vm_space *space, uint64_t va, bool write)
{
    const struct vm_region *region = vm_region_at(space, va);
    enum access access = write ? ACCESS_WRITE : ACCESS_READ;

    if (region == NULL)
        return PGW_NOTFOUND;
    if (!write && (region->prot & (PROT_MASK_R | PROT_MASK_W)) == 0 &&
        (region->prot & PROT_MASK_X) != 0)
        access = ACCESS_EXEC;
    if (populate_is_mapped(space, va, access))
        return PGW_OK;
    switch (vm_fault_locked(space, va, access)) {
    case SPACE_FAULT_OK:
        return PGW_OK;
    case SPACE_FAULT_MAPERR:
        return PGW_NOTFOUND;
    case SPACE_FAULT_ACCERR:
        return PGW_ACCESS;
    case SPACE_FAULT_BUS:
        return PGW_RANGE;
    case SPACE_FAULT_IO:
        return PGW_IO;
    default:
        return PGW_NORAM;
    }
}

enum pgw_status
vm_populate(struct space *space, uint64_t va, uint64_t len, bool write)
{
    struct vm_space *vm_space = vm_space_of(space);
    uint64_t end;
    enum pgw_status status = vm_map_range(vm_space->system, va, len, &end);

    if (status != PGW_OK)
        return status;
    base_lock_take(&vm_space->system->lock);
    for (; va < end && status == PGW_OK; va += PAGE_SIZE)
        status = populate_page(vm_space, va, write);
    base_lock_drop(&vm_space->system->lock);
    return status;
}

enum pgw_status
vm_incore(struct space *space, uint64_t va, uint64_t npages, unsigned char *vec)
{
    struct vm_space *vm_space = vm_space_of(space);
    enum pgw_status status = PGW_OK;

    base_lock_take(&vm_space->system->lock);
    for (uint64_t i = 0; i < npages && status == PGW_OK; i++) {
        const struct vm_region *region = vm_region_at(vm_space, va + i * PAGE_SIZE);
        if (region == NULL)
            status = PGW_NOTFOUND;
        else
            vec[i] = vm_resident(region, va + i * PAGE_SIZE) != NULL;
    }
    base_lock_drop(&vm_space->system->lock);
    return status;
}
