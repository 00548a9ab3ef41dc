/* SPDX-License-Identifier: BSD-2-Clause */
/* What a system can be put together from, by name. */
#ifndef API_REGISTRY_H
#define API_REGISTRY_H

#include "host/host_file.h"
#include "mmu/format.h"
#include "vm/pager.h"
#include "vm/pmap.h"
#include "vm/policy.h"

/* A translation scheme: the operating system's side and the hardware's. */
struct registry_mmu {
    const char *name, *summary;
    const struct pmap_ops *pmap;
    const struct mmu_format *format; /* of the tables that the walker reads; NULL: no tables, the
                                        flat MMU asks the pmap itself */
};

/* A kind of swap, as --swap names it. */
struct registry_pager {
    const char *name, *summary;
};

/* The i-th of each kind; NULL when there are fewer. */
const struct registry_mmu *registry_mmu_at(unsigned i);
const struct policy_ops *registry_policy_at(unsigned i);
const struct registry_pager *registry_pager_at(unsigned i);

/* By name; NULL: there is none of that name. */
const struct registry_mmu *registry_mmu_named(const char *name);
const struct policy_ops *registry_policy_named(const char *name);

/* A swap pager over file, which it takes over (not on failure), and a file's.  PGW_NOMEM. */
MUST_CHECK enum pgw_status registry_swap_create(struct mem *mem, struct base_alloc *alloc,
    struct host_file file, uint64_t nslots, struct pager **pager);
MUST_CHECK enum pgw_status registry_file_create(
    struct mem *mem, struct base_alloc *alloc, struct host_file file, struct pager **pager);

#endif
