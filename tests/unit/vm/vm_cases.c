/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/vm/vm_cases.h"

#include "pmap/pmaps.h"
#include "policy/policies.h"

void
vm_case_init_with(struct vm_case *c, const struct vm_rig_config *config)
{
    vm_rig_init(&c->rig, config);
    assert_int_equal(vm_space_create(c->rig.vm, &c->space), PGW_OK);
}

static struct vm_rig_config
case_config(uint64_t frames, uint64_t swap_slots)
{
    return (struct vm_rig_config){.name = "sv39",
        .pmap = &pmap_sv39,
        .policy = &policy_fifo,
        .frames = frames,
        .swap_slots = swap_slots,
        .overcommit = VM_OVERCOMMIT_ALWAYS, /* they fill memory to the brim */
        .tlb = "none"};
}

void
vm_case_init(struct vm_case *c, uint64_t frames, uint64_t swap_slots)
{
    struct vm_rig_config config = case_config(frames, swap_slots);

    vm_case_init_with(c, &config);
    c->rig.config = NULL; /* it was this function's */
}

void
vm_case_fini(struct vm_case *c)
{
    assert_true(vm_check(c->rig.vm));
    assert_true(c->space->ops->check(c->space));
    c->space->ops->destroy(c->space);
    assert_true(vm_check(c->rig.vm));
    vm_rig_fini(&c->rig);
}

enum pgw_status
vm_case_map_args(struct space *space, struct space_map_args args, uint64_t *va)
{
    return space->ops->map(space, &args, va);
}

void
vm_case_map(struct space *space, uint64_t va, uint64_t len)
{
    uint64_t at;

    assert_int_equal(
        vm_case_map_args(space,
            (struct space_map_args){.va = va, .len = len, .prot = RW, .flags = SPACE_FIXED}, &at),
        PGW_OK);
    assert_int_equal(at, va);
}

void
vm_case_map_file(struct vm_case *c, uint64_t va, uint64_t len, uint64_t first)
{
    uint64_t at;
    struct space_map_args args = {.va = va,
        .len = len,
        .prot = RW,
        .flags = SPACE_FIXED,
        .use = SPACE_USE_FILE,
        .object = c->rig.file,
        .offset = PAGES(first)};

    assert_int_equal(vm_case_map_args(c->space, args, &at), PGW_OK);
}

struct space *
vm_case_fork(struct space *space)
{
    struct space *child;

    assert_int_equal(space->ops->fork(space, &child), PGW_OK);
    return child;
}

void
vm_case_store(struct vm_case *c, struct space *space, uint64_t va, unsigned char byte)
{
    assert_int_equal(vm_rig_store(&c->rig, space, va, byte), SPACE_FAULT_OK);
}

void
vm_case_load(struct vm_case *c, struct space *space, uint64_t va, unsigned char expected)
{
    unsigned char byte;

    assert_int_equal(vm_rig_load(&c->rig, space, va, &byte), SPACE_FAULT_OK);
    assert_int_equal(byte, expected);
}

void
vm_case_fill(struct space *space, uint64_t va, uint64_t key)
{
    unsigned char bytes[PAGE_SIZE];

    test_page_fill(bytes, key);
    assert_int_equal(space_write(space, va, bytes, PAGE_SIZE, NULL), SPACE_FAULT_OK);
}

void
vm_case_expect(struct space *space, uint64_t va, uint64_t key)
{
    unsigned char bytes[PAGE_SIZE];

    assert_int_equal(space_read(space, va, bytes, PAGE_SIZE, NULL), SPACE_FAULT_OK);
    if (key != 0)
        test_page_expect(bytes, key);
    else
        test_page_expect_zero(bytes);
}

struct space_counts
vm_case_counts(struct space *space)
{
    struct space_counts counts;

    space->ops->counts(space, &counts);
    return counts;
}

struct vm_stats
vm_case_stats(struct vm_case *c)
{
    struct vm_stats stats;

    vm_stats(c->rig.vm, &stats);
    return stats;
}

uint64_t
vm_case_regions(struct vm_case *c)
{
    return vm_case_stats(c).regions;
}
