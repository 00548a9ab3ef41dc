/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A whole paged core for tests, with the processor reduced to its MMU: RAM, pmap, policy, swap, vm
 * system, and accesses of single bytes made the way a hart makes them.
 */
#ifndef SUPPORT_VM_RIG_H
#define SUPPORT_VM_RIG_H

#include <stdio.h>

#include "host/host_file.h"
#include "mmu/mmu.h"
#include "support/backends.h"
#include "support/nbd_server.h"
#include "support/test_env.h"
#include "vm/vm.h"

struct vm_rig_config {
    const char *name;
    const struct pmap_ops *pmap;
    bool flat;    /* the pmap is ref, or chaos over it: the flat MMU; else the walker */
    bool chaos;   /* the pmap drops mappings */
    bool delayed; /* the swap device completes later and out of order */
    const struct policy_ops *policy;
    const uint64_t *policy_param; /* as in struct vm_config */
    uint64_t frames;
    uint64_t swap_slots; /* 0: no swap */
    unsigned devices;    /* that these are on, in a chain; 0: one */
    uint64_t pool;       /* frames of a compressed pool over it, which keeps clean pages of
                            files, too; 0: none */
    bool remote;         /* there is a remote store before the one device: see vm_rig_serve */
    const char *uri;     /* its address, by vm_rig_serve; NULL: it is left out */
    uint64_t group; /* pages in RAM for spaces that join rig->group; 0: there is no such group */
    unsigned
        proactive; /* as in struct vm_config; 0.1 ms pass whenever somebody looks at the clock */
    enum vm_merge_mode merge;
    const char *tlb; /* "none" or a spec */
    enum vm_overcommit overcommit;
    unsigned overcommit_ratio;
    unsigned ahead, around; /* pages, as in struct vm_config */
    enum vm_huge_mode huge;
    enum vm_huge_alloc huge_alloc;
    unsigned huge_order;           /* 0: the scheme's */
    const struct backend *backend; /* whose MMU it is; NULL: the first one over pmap */
};

struct vm_rig {
    const struct vm_rig_config *config;
    struct test_env env;
    struct pmap_system *pmaps;
    struct mmu *mmu;
    struct pager *swap;
    struct vm_system *vm;
    unsigned group; /* of the config's limit; 0: there is none */
    struct base_clock clock;
    uint64_t now;              /* nanoseconds, of clock */
    struct space_object *file; /* set by vm_rig_add_file */
    int file_fd;               /* the same file on the host, with it; -1: none */
    size_t mapped_before;      /* bytes of env.alloc that were not the rig's */
};

/* Starts the remote store, of few pages, that config asks for, and puts its address there; in a
 * build without libnbd there is none, and the config does without.  It serves any number of rigs,
 * one after the other. */
void vm_rig_serve(struct vm_rig_config *config, struct nbd_server *server);
void vm_rig_unserve(const struct vm_rig_config *config, struct nbd_server *server);

/* In an env that the caller has set up: PGW_OK, or what failed, with everything undone. */
enum pgw_status vm_rig_try_init(struct vm_rig *rig, const struct vm_rig_config *config);
/* The same, but fails the test. */
void vm_rig_init(struct vm_rig *rig, const struct vm_rig_config *config);
/* All spaces are gone; fails the test if anything is left. */
void vm_rig_fini(struct vm_rig *rig);
/* The same for vm_rig_try_init, which leaves env to the caller. */
void vm_rig_close(struct vm_rig *rig);

/* An object over a temporary file of npages pages, page i filled by test_page_fill(base + i). */
enum pgw_status vm_rig_add_file(struct vm_rig *rig, uint64_t npages, uint64_t base);

/* One byte, as a hart would load or store it: translate, fault, try again. */
enum space_fault vm_rig_load(
    struct vm_rig *rig, struct space *space, uint64_t va, unsigned char *byte);
enum space_fault vm_rig_store(
    struct vm_rig *rig, struct space *space, uint64_t va, unsigned char byte);

#endif
