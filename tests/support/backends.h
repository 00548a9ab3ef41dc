/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every paged back end, as the suites go through them: the operating system's side (a pmap) and how
 * the hardware that goes with it is made.
 */
#ifndef SUPPORT_BACKENDS_H
#define SUPPORT_BACKENDS_H

#include "mmu/mmus.h"
#include "vm/pmap.h"

struct backend {
    const char *name;
    const struct pmap_ops *pmap;
    const struct mmu_format *format; /* of its radix tables; NULL: it has none */
    enum mmu_ad ad;
    bool drops; /* enter() may take any other mapping away, if it is not wired (P1) */
    /* An MMU for it with these TLBs.  NULL: there is none, accesses go through pmap_ref_access. */
    enum pgw_status (*create_mmu)(const struct backend *backend, const struct mmu_tlb_spec *tlb,
        struct mem *mem, struct base_alloc *alloc, struct mmu **mmu);
};

/* The oracle. */
extern const struct backend backend_ref;

/* All others, by number; NULL: there are fewer. */
const struct backend *backend_at(size_t i);
/* The first one over these ops, ref included; NULL: none. */
const struct backend *backend_of(const struct pmap_ops *pmap);
/* Frames that a space without mappings takes. */
uint64_t backend_root_frames(const struct backend *backend);

#endif
