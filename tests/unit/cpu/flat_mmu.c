/* SPDX-License-Identifier: BSD-2-Clause */
#include "flat_mmu.h"

#include <stdlib.h>

static enum mmu_fault
flat_lookup(
    const struct flat_mmu *flat, uint64_t va, enum access access, struct mmu_translation *out)
{
    uint64_t vpn = va >> PAGE_SHIFT;
    if (vpn >= flat->npages || flat->prot[vpn] == 0)
        return MMU_NOT_PRESENT;
    if (!prot_allows(flat->prot[vpn], access))
        return MMU_RIGHTS;
    out->bytes = flat->bytes + ((size_t)flat->frame[vpn] << PAGE_SHIFT);
    out->prot = flat->prot[vpn];
    return MMU_OK;
}

static enum mmu_fault
flat_translate(struct mmu *mmu, uint64_t va, enum access access, struct mmu_translation *out)
{
    struct flat_mmu *flat = (struct flat_mmu *)mmu;
    flat->calls++;
    enum mmu_fault fault = flat_lookup(flat, va, access, out);
    if (flat->told != NULL)
        flat->told(flat->told_ctx, va, access, fault == MMU_OK);
    out->forget = flat->forget;
    return fault;
}

static const struct mmu_ops flat_ops = {.name = "flat", .translate = flat_translate};

bool
flat_mmu_init(struct flat_mmu *flat, uint64_t npages, unsigned data_sets, unsigned fetch_sets)
{
    *flat = (struct flat_mmu){.npages = npages};
    flat->mmu = (struct mmu){.ops = &flat_ops, .data_sets = data_sets, .fetch_sets = fetch_sets};
    flat->bytes = calloc(npages, PAGE_SIZE);
    flat->prot = calloc(npages, sizeof(flat->prot[0]));
    flat->frame = calloc(npages, sizeof(flat->frame[0]));
    if (flat->bytes == NULL || flat->prot == NULL || flat->frame == NULL) {
        flat_mmu_fini(flat);
        return false;
    }
    for (uint64_t i = 0; i < npages; i++) {
        flat->prot[i] = PROT_MASK_ALL;
        flat->frame[i] = (uint32_t)i;
    }
    return true;
}

void
flat_mmu_fini(struct flat_mmu *flat)
{
    free(flat->bytes);
    free(flat->prot);
    free(flat->frame);
}
