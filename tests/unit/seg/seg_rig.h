/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A whole contiguous core for tests: RAM, swap, a file, the segment unit, and accesses of single
 * bytes made the way a hart makes them.  Like a hart, the rig keeps pointers to pages and drops
 * them only when the machine is told to; using a stale one fails the test.
 */
#ifndef UNIT_SEG_RIG_H
#define UNIT_SEG_RIG_H

#include "mmu/mmu.h"
#include "seg/seg.h"
#include "support/test_env.h"

#define SEG_RIG_POINTERS 512u

struct seg_rig_config {
    const char *name;
    enum seg_scheme scheme;
    const struct seg_fit_ops *fit;
    unsigned bits;
    uint64_t frames;
    uint64_t swap_slots; /* 0: no swap */
    bool delayed;        /* the swap device completes later and out of order */
    bool no_compaction;
    uint64_t pool; /* frames beyond the others, of a compressed pool over swap; 0: none */
};

struct seg_rig_pointer {
    uint32_t asid; /* 0: none */
    uint64_t vpn;
    prot_t prot;
    unsigned char *bytes;
};

struct seg_rig {
    const struct seg_rig_config *config;
    struct test_env env;
    struct mmu *mmu;
    struct pager *swap;
    struct seg_system *seg;
    struct space_object *file; /* set by seg_rig_add_file */
    struct space *active;
    uint32_t asid; /* of the active space */
    struct seg_rig_pointer pointers[SEG_RIG_POINTERS];
    uint64_t reloads, ranges;
    struct base_clock clock;
    uint64_t now, pace; /* the clock: it goes on by pace with each access */
    size_t mapped_before;
};

/* In an env that the caller has set up: PGW_OK, or what failed, with everything undone. */
enum pgw_status seg_rig_try_init(struct seg_rig *rig, const struct seg_rig_config *config);
void seg_rig_close(struct seg_rig *rig);
/* RAM as the scheme needs it; fails the test if there is none. */
void seg_rig_env_init(struct seg_rig *rig, const struct seg_rig_config *config);
/* Both. */
void seg_rig_init(struct seg_rig *rig, const struct seg_rig_config *config);
/* All spaces are gone; fails the test if anything is left. */
void seg_rig_fini(struct seg_rig *rig);

/* An object over a temporary file of npages pages, page i filled by test_page_fill(base + i). */
enum pgw_status seg_rig_add_file(struct seg_rig *rig, uint64_t npages, uint64_t base);

/* Makes the space the one that runs; NULL: none. */
void seg_rig_switch(struct seg_rig *rig, struct space *space);
/* Ends it. */
void seg_rig_destroy(struct seg_rig *rig, struct space *space);

/* One byte, as a hart would load or store it: translate, fault, try again. */
enum space_fault seg_rig_load(
    struct seg_rig *rig, struct space *space, uint64_t va, unsigned char *byte);
enum space_fault seg_rig_store(
    struct seg_rig *rig, struct space *space, uint64_t va, unsigned char byte);
/* The page that an access would reach. */
enum space_fault seg_rig_page(struct seg_rig *rig, struct space *space, uint64_t va,
    enum access access, unsigned char **bytes);

#endif
