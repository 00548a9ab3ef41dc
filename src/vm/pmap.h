/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CONTRACT: pmap, the machine-dependent side of mappings.
 *
 * The MMU is a cache of what the core knows.  A pmap holds the translations of one space, and
 * the core can rebuild any of them by a fault.
 *
 * Laws (the conformance suite cites them):
 *  P1  A mapping that is not wired may vanish at any time; the core rebuilds it by a fault.
 *  P2  "referenced" is advisory.  "modified" is exact.
 *  P3  Both belong to the page, not to a mapping, and outlive its mappings
 *      (mem_page.referenced and .modified; the pmap harvests into them).
 *  P4  Removals and protections may be delayed until update(); after update() no CPU can use
 *      the old translation.
 *  P5  enter() over a mapping replaces it.
 *
 * All calls are made with the system's lock held.  A pmap calls nothing in the core.
 */
#ifndef VM_PMAP_H
#define VM_PMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/access.h"
#include "base/alloc.h"
#include "base/result.h"
#include "mem/mem.h"

struct pmap_system;

/*
 * How a pmap tells the processors that translations changed.  The machine provides it; the
 * ranges are virtual pages of the space whose tag is asid.
 */
struct pmap_shootdown {
    void *ctx;
    /* npages from va changed.  gone: they are unmapped or lead elsewhere now; otherwise only
     * rights were taken or a referenced/modified bit cleared, and the frames are the same. */
    void (*range)(void *ctx, uint32_t asid, uint64_t va, uint64_t npages, bool gone);
    /* The tag is about to be used for another space, or its space is going away. */
    void (*space)(void *ctx, uint32_t asid);
};

/* What a back end can do, asked and not assumed. */
struct pmap_caps {
    uint64_t va_end;        /* user addresses are [0, va_end) */
    unsigned orders;        /* bit n set: enter() can use leaves of 2^n pages */
    prot_t always;          /* rights that every mapping has, whatever was asked for (a format
                               without a bit for them) */
    bool referenced;        /* hardware or walker keeps a referenced bit */
    bool tables_use_frames; /* page tables take frames of the RAM */
};

/* What activate() gives the machine to load into its MMU registers. */
struct pmap_context {
    uint64_t root; /* scheme-specific: for sv39 the value of satp */
    uint32_t asid;
};

/* Every back end's struct pmap starts with this. */
struct pmap {
    const struct pmap_ops *ops;
    struct pmap_system *system;
    uint64_t resident; /* pages mapped */
    uint64_t tables;   /* frames that this pmap's tables take */
    uint32_t asid;
};

/* Every back end's struct pmap_system starts with this. */
struct pmap_system {
    const struct pmap_ops *ops;
    struct mem *mem;
    struct base_alloc *alloc;
    struct pmap_shootdown shootdown;
    uint64_t tables;      /* table frames of all its pmaps, now */
    uint64_t tables_peak; /* the most ever */
    /* Mappings of pages that objects own, beyond each page's first: what private copies would cost
     * more.  Now, and the most ever.  pv.h keeps them, so a page's owner changes only while nothing
     * maps it. */
    uint64_t file_shared, file_shared_peak;
    uint64_t file_mapped; /* pages that objects own and that are mapped at all, now */
    uint64_t superpages;  /* mappings above order 0 in all its pmaps, now */
    uint64_t super_pages; /* the pages that these map */
    uint64_t splits;      /* mappings above order 0 that were replaced by smaller ones, ever */
};

/* Flags of enter(). */
#define PMAP_WIRED 1u /* must not vanish */

struct pmap_ops {
    const char *name;

    /* One a system: shared pools, tags, the kernel's upper half.  PGW_NOMEM, PGW_NORAM; PGW_INVAL:
     * the scheme has no room for the numbers of all frames of this RAM. */
    enum pgw_status (*system_create)(struct mem *mem, struct base_alloc *alloc,
        const struct pmap_shootdown *shootdown, struct pmap_system **system);
    void (*system_destroy)(struct pmap_system *system); /* all pmaps are destroyed before */

    /* An empty pmap.  PGW_NOMEM: no records; PGW_NORAM: no frame for the root table. */
    enum pgw_status (*create)(struct pmap_system *system, struct pmap **pmap);
    /* Removes every mapping (harvesting, P3) and frees the pmap.  It is not active. */
    void (*destroy)(struct pmap *pmap);

    /*
     * Maps n runs of 2^order pages each, pages[i] heading the i-th, at va onwards (aligned to
     * the run) with rights prot.  access is why: at least that access will not fault (a write
     * sets modified at once).  On failure nothing of the call is mapped that was not before,
     * what it would have replaced may be gone (P1).  PGW_NORAM: no frame for a table;
     * PGW_NOMEM: no record.
     */
    enum pgw_status (*enter)(struct pmap *pmap, uint64_t va, struct mem_page *const *pages,
        size_t n, unsigned order, prot_t prot, enum access access, unsigned flags);

    /* Drops all mappings in [va, va + npages pages); tables that become empty are freed. */
    void (*remove)(struct pmap *pmap, uint64_t va, uint64_t npages);
    /* Takes away rights that are not in prot; never adds any.  prot NONE is remove. */
    void (*protect)(struct pmap *pmap, uint64_t va, uint64_t npages, prot_t prot);
    /* The frame and rights that va maps to; PGW_NOTFOUND. Any of the outputs may be NULL. */
    enum pgw_status (*extract)(
        struct pmap *pmap, uint64_t va, struct mem_page **page, prot_t *prot);
    /* The order of the mapping that va is part of; 0 too when there is none, and where a back end
     * keeps what was entered as a run page by page. */
    unsigned (*order)(struct pmap *pmap, uint64_t va);
    /* Makes delayed removals and protections of this pmap take effect everywhere (P4). */
    void (*update)(struct pmap *pmap);

    /* The pmap's space starts or stops running on a processor. */
    void (*activate)(struct pmap *pmap, struct pmap_context *context);
    void (*deactivate)(struct pmap *pmap);

    /* Lowers the rights of every mapping of page to prot (NONE removes them all).  Takes effect
     * at once, with no update().  Of a mapping of several pages only this one's part is lowered,
     * if there is room for the smaller ones; else the rest vanishes with it (P1). */
    void (*page_protect)(struct pmap_system *system, struct mem_page *page, prot_t prot);
    /* Was the page referenced since the last call?  Clears it, in all mappings. */
    bool (*page_test_clear_referenced)(struct pmap_system *system, struct mem_page *page);
    bool (*page_is_modified)(struct pmap_system *system, struct mem_page *page);
    /* Clears it, in all mappings; a later write sets it again. */
    void (*page_clear_modified)(struct pmap_system *system, struct mem_page *page);

    void (*caps)(struct pmap_system *system, struct pmap_caps *caps);
    /* True if tables, counts and reverse mappings agree. */
    bool (*check)(struct pmap *pmap);
};

#endif
