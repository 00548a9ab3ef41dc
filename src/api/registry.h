/* SPDX-License-Identifier: BSD-2-Clause */
/* What a system can be put together from, by name. */
#ifndef API_REGISTRY_H
#define API_REGISTRY_H

#include "host/host_file.h"
#include "mmu/mmus.h"
#include "seg/seg.h"
#include "vm/pager.h"
#include "vm/pmap.h"
#include "vm/policy.h"

enum registry_kind {
    REGISTRY_RADIX,     /* hardware walks tables of `format` */
    REGISTRY_HASHED,    /* hardware walks the inverted table */
    REGISTRY_REFILL,    /* the core's handler walks tables of `format` */
    REGISTRY_FLAT,      /* no hardware of its own: the pmap is asked */
    REGISTRY_CONTIGUOUS /* no pages: `scheme` */
};

/* A translation scheme: the operating system's side and the hardware's. */
struct registry_mmu {
    const char *name, *summary;
    enum registry_kind kind;
    const struct pmap_ops *pmap;     /* NULL: CONTIGUOUS */
    const struct mmu_format *format; /* RADIX and REFILL */
    enum seg_scheme scheme;          /* CONTIGUOUS */
    const char *options;             /* that it takes after its name, for people; "": none */
    const char *source;              /* of what has no format */
};

/* What was asked for after a scheme's name. */
struct registry_options {
    enum mmu_ad ad;
    const struct seg_fit_ops *fit;
    unsigned bits, va_bits;
    bool no_compaction;
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

/* Is a program's address the RAM's? */
bool registry_mmu_is_identity(const struct registry_mmu *row);

/* Levels of tables that its walks count; 0: none. */
unsigned registry_mmu_levels(const struct registry_mmu *row);

/* Reads NAME or NAME:OPTION,...; PGW_INVAL, with what is wrong in why (len bytes). */
MUST_CHECK enum pgw_status registry_mmu_parse(const char *text, const struct registry_mmu **mmu,
    struct registry_options *options, char *why, size_t len);

/* The hardware's side of it.  PGW_NOMEM, PGW_INVAL. */
MUST_CHECK enum pgw_status registry_mmu_create(const struct registry_mmu *row,
    const struct registry_options *options, const struct mmu_tlb_spec *tlb, uint64_t seed,
    struct mem *mem, struct base_alloc *alloc, struct mmu **mmu);
const struct policy_ops *registry_policy_named(const char *name);

/* Reads NAME or NAME:KEY=VALUE:...; param has POLICY_PARAMS_MAX places, for struct policy_env.
 * PGW_INVAL, with what is wrong in why (len bytes). */
MUST_CHECK enum pgw_status registry_policy_parse(
    const char *text, const struct policy_ops **policy, uint64_t *param, char *why, size_t len);

/* The same, or "opt", which is of replays alone: *policy is NULL. */
MUST_CHECK enum pgw_status registry_policy_or_opt_parse(
    const char *text, const struct policy_ops **policy, uint64_t *param, char *why, size_t len);

/* Reads a specification of TLBs, or NULL, which is none.  PGW_INVAL, with what is wrong in why (len
 * bytes). */
MUST_CHECK enum pgw_status registry_tlb_parse(
    const char *text, struct mmu_tlb_spec *spec, char *why, size_t len);

/* A swap pager over file, which it takes over (not on failure), and a file's.  PGW_NOMEM. */
MUST_CHECK enum pgw_status registry_swap_create(struct mem *mem, struct base_alloc *alloc,
    struct host_file file, uint64_t nslots, struct pager **pager);
/* Swap on a remote store; PGW_UNSUPPORTED: this build has none. */
MUST_CHECK enum pgw_status registry_remote_create(
    struct mem *mem, struct base_alloc *alloc, const char *uri, struct pager **pager);
/* Up to PGW_SWAP_DEVICES_MAX pagers, one after the other, which it takes over (not on failure). */
MUST_CHECK enum pgw_status registry_chain_create(struct mem *mem, struct base_alloc *alloc,
    struct pager *const *levels, unsigned n, struct pager **pager);
/* A compressed pool over next (NULL: none), which it takes over (not on failure); aside: in the
 * last frames of RAM, from the start. */
MUST_CHECK enum pgw_status registry_pool_create(struct mem *mem, struct base_alloc *alloc,
    uint64_t frames, bool lz4, bool aside, struct pager *next, struct pager **pager);
MUST_CHECK enum pgw_status registry_file_create(
    struct mem *mem, struct base_alloc *alloc, struct host_file file, struct pager **pager);
/* Gives such a file's pager a descriptor that may write. */
void registry_file_write_by(struct pager *pager, struct host_file file);
int registry_file_fd(const struct pager *pager);

#endif
