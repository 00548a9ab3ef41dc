/* SPDX-License-Identifier: BSD-2-Clause */
/* What the unit tests of the paged core share: a rig with one space, and the calls on it. */
#ifndef UNIT_VM_CASES_H
#define UNIT_VM_CASES_H

#include "support/test.h"

#include "support/vm_rig.h"

#define RW (PROT_MASK_R | PROT_MASK_W)
#define BASE ((uint64_t)0x10000000)
#define PAGES(n) ((uint64_t)(n)*PAGE_SIZE)

struct vm_case {
    struct vm_rig rig;
    struct space *space;
};

/* Deterministic, sv39, the policy FIFO, no TLB; swap of swap_slots, 0: none. */
void vm_case_init(struct vm_case *c, uint64_t frames, uint64_t swap_slots);
/* The same, with another configuration, which outlives the case. */
void vm_case_init_with(struct vm_case *c, const struct vm_rig_config *config);
/* Checks the system, ends the space and the rig; nothing may be left. */
void vm_case_fini(struct vm_case *c);

/* Calls on a space, with the arguments that matter. */
enum pgw_status vm_case_map_args(struct space *space, struct space_map_args args, uint64_t *va);
/* Fixed, anonymous, read and write; fails the test if it does not work. */
void vm_case_map(struct space *space, uint64_t va, uint64_t len);
/* Fixed, private, of the rig's file from its page `first` on. */
void vm_case_map_file(struct vm_case *c, uint64_t va, uint64_t len, uint64_t first);
struct space *vm_case_fork(struct space *space);

/* A byte as the processor would store or load it; the fault must be OK, the byte as expected. */
void vm_case_store(struct vm_case *c, struct space *space, uint64_t va, unsigned char byte);
void vm_case_load(struct vm_case *c, struct space *space, uint64_t va, unsigned char expected);

/* A page's pattern through the core's own copying. */
void vm_case_fill(struct space *space, uint64_t va, uint64_t key);
void vm_case_expect(struct space *space, uint64_t va, uint64_t key);

struct space_counts vm_case_counts(struct space *space);
struct vm_stats vm_case_stats(struct vm_case *c);
/* The number of regions of all spaces, now. */
uint64_t vm_case_regions(struct vm_case *c);

#endif
