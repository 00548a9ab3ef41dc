/* SPDX-License-Identifier: BSD-2-Clause */
/* A test MMU: pages of one flat buffer from address 0 on, each with rights, absent, or moved. */
#ifndef FLAT_MMU_H
#define FLAT_MMU_H

#include "mmu/mmu.h"

struct flat_mmu {
    struct mmu mmu;
    unsigned char *bytes; /* npages of them */
    uint64_t npages;
    prot_t *prot;    /* by virtual page; 0: absent */
    uint32_t *frame; /* by virtual page: which page of bytes it shows */
    uint64_t calls;  /* translations asked for */
    bool forget;     /* what a translation says of older ones; told may set it */
    void (*told)(void *ctx, uint64_t va, enum access access, bool ok); /* each; may be NULL */
    void *told_ctx;
};

/* npages pages, all present with all rights, each its own frame.  False: no memory. */
bool flat_mmu_init(struct flat_mmu *flat, uint64_t npages, unsigned data_sets, unsigned fetch_sets);
void flat_mmu_fini(struct flat_mmu *flat);

#endif
