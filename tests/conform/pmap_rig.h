/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the pmap suites run a back end on: RAM, a processor that uses its translations (through
 * the MMU with a small TLB where the back end writes tables), and a record of the shootdowns.
 */
#ifndef CONFORM_PMAP_RIG_H
#define CONFORM_PMAP_RIG_H

#include "mmu/mmus.h"
#include "pmap/pmaps.h"
#include "support/backends.h"
#include "support/test.h"
#include "support/test_env.h"

#define RIG_EVENTS 4096

struct rig_event {
    uint32_t asid;
    bool space, gone; /* space: the whole tag */
    uint64_t va, npages;
};

struct rig {
    struct test_env env;
    const struct backend *backend;
    const struct pmap_ops *ops;
    struct pmap_system *system;
    struct pmap_caps caps;
    uint64_t tables; /* frames that the system takes without any pmap */
    struct mmu *mmu; /* NULL: accesses go through pmap_ref_access */
    struct rig_event events[RIG_EVENTS];
    size_t nevents; /* since rig_forget; the last ones win when there are too many */
};

/* RAM of frames, and some more for tables.  Fails the test if anything cannot be had. */
void rig_init(struct rig *rig, const struct backend *backend, uint64_t frames);
/* All pmaps and pages must be gone. */
void rig_fini(struct rig *rig);

/* The parts of them, for tests that let them fail. */
enum pgw_status rig_start(struct rig *rig);
void rig_stop(struct rig *rig);

struct pmap *rig_pmap(struct rig *rig);
struct mem_page *rig_page(struct rig *rig, unsigned order);
/* Enters one run; the test fails if it cannot be done. */
void rig_enter(struct pmap *pmap, uint64_t va, struct mem_page *page, unsigned order, prot_t prot,
    enum access access);

/* What a program of pmap would meet at va: the page, or NULL for a fault.  Where accessed and dirty
 * bits are left to software, they are set as the core does it, by entering the page again. */
struct mem_page *rig_access(struct rig *rig, struct pmap *pmap, uint64_t va, enum access access);

/* An access to a mapping of page with these rights, which must be allowed.  If it has vanished, and
 * the back end is one that may drop it, it is entered again first. */
void rig_use(struct rig *rig, struct pmap *pmap, uint64_t va, struct mem_page *page, prot_t prot,
    enum access access);

/* The rights of a mapping for which these were asked. */
prot_t rig_given(const struct rig *rig, prot_t prot);

/* Forgets the events so far. */
void rig_forget(struct rig *rig);
/* Was the page at va told since then, as gone or (gone false) in any way? */
bool rig_told(const struct rig *rig, const struct pmap *pmap, uint64_t va, bool gone);
bool rig_told_space(const struct rig *rig, uint32_t asid);

#endif
