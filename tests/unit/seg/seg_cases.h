/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of the contiguous core say in one line. */
#ifndef UNIT_SEG_CASES_H
#define UNIT_SEG_CASES_H

#include "unit/seg/seg_rig.h"

#define SEG_RW (PROT_MASK_R | PROT_MASK_W)
#define SEG_RX (PROT_MASK_R | PROT_MASK_X)

struct space *seg_case_space(struct seg_rig *rig);
/* Zeros, npages at va (fixed). */
enum pgw_status seg_case_map(struct space *space, uint64_t va, uint64_t npages, prot_t prot);
/* Pages of the rig's file, from its page `first`. */
enum pgw_status seg_case_map_file(struct seg_rig *rig, struct space *space, uint64_t va,
    uint64_t npages, uint64_t first, prot_t prot);
/* Fills npages through the hardware with test_page_fill's pattern, key onwards. */
void seg_case_fill(
    struct seg_rig *rig, struct space *space, uint64_t va, uint64_t npages, uint64_t key);
void seg_case_expect(
    struct seg_rig *rig, struct space *space, uint64_t va, uint64_t npages, uint64_t key);
void seg_case_expect_zero(struct seg_rig *rig, struct space *space, uint64_t va, uint64_t npages);
/* The fault that an access ends in. */
enum space_fault seg_case_fault(
    struct seg_rig *rig, struct space *space, uint64_t va, enum access access);
/* The i-th partition is this one, in frames from the start of RAM. */
void seg_case_expect_partition(
    struct seg_rig *rig, uint64_t i, uint64_t frame, uint64_t npages, bool used);
struct seg_stats seg_case_stats(struct seg_rig *rig);

#endif
