/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/seg/seg_cases.h"

#include "support/test.h"

struct space *
seg_case_space(struct seg_rig *rig)
{
    struct space *space;

    assert_int_equal(seg_space_create(rig->seg, &space), PGW_OK);
    return space;
}

enum pgw_status
seg_case_map(struct space *space, uint64_t va, uint64_t npages, prot_t prot)
{
    struct space_map_args args = {
        .va = va, .len = npages << PAGE_SHIFT, .prot = prot, .flags = SPACE_FIXED};
    uint64_t at = 0;
    enum pgw_status status = space->ops->map(space, &args, &at);

    assert_true(status != PGW_OK || at == va);
    return status;
}

enum pgw_status
seg_case_map_file(struct seg_rig *rig, struct space *space, uint64_t va, uint64_t npages,
    uint64_t first, prot_t prot)
{
    struct space_map_args args = {.va = va,
        .len = npages << PAGE_SHIFT,
        .prot = prot,
        .flags = SPACE_FIXED,
        .use = SPACE_USE_FILE,
        .object = rig->file,
        .offset = first << PAGE_SHIFT};
    uint64_t at;

    return space->ops->map(space, &args, &at);
}

static unsigned char *
case_page(struct seg_rig *rig, struct space *space, uint64_t va, enum access access)
{
    unsigned char *bytes = NULL;

    assert_int_equal(seg_rig_page(rig, space, va, access, &bytes), SPACE_FAULT_OK);
    return bytes;
}

void
seg_case_fill(struct seg_rig *rig, struct space *space, uint64_t va, uint64_t npages, uint64_t key)
{
    for (uint64_t i = 0; i < npages; i++)
        test_page_fill(case_page(rig, space, va + (i << PAGE_SHIFT), ACCESS_WRITE), key + i);
}

void
seg_case_expect(
    struct seg_rig *rig, struct space *space, uint64_t va, uint64_t npages, uint64_t key)
{
    for (uint64_t i = 0; i < npages; i++)
        test_page_expect(case_page(rig, space, va + (i << PAGE_SHIFT), ACCESS_READ), key + i);
}

void
seg_case_expect_zero(struct seg_rig *rig, struct space *space, uint64_t va, uint64_t npages)
{
    for (uint64_t i = 0; i < npages; i++)
        test_page_expect_zero(case_page(rig, space, va + (i << PAGE_SHIFT), ACCESS_READ));
}

enum space_fault
seg_case_fault(struct seg_rig *rig, struct space *space, uint64_t va, enum access access)
{
    unsigned char *bytes;

    return seg_rig_page(rig, space, va, access, &bytes);
}

void
seg_case_expect_partition(
    struct seg_rig *rig, uint64_t i, uint64_t frame, uint64_t npages, bool used)
{
    struct seg_partition partition;

    assert_true(seg_partition_at(rig->seg, i, &partition));
    assert_int_equal(partition.pfn, rig->env.mem.base_pfn + frame);
    assert_int_equal(partition.npages, npages);
    assert_int_equal(partition.used, used);
}

struct seg_stats
seg_case_stats(struct seg_rig *rig)
{
    struct seg_stats stats;

    assert_true(seg_check(rig->seg));
    seg_stats(rig->seg, &stats);
    return stats;
}
