/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Torture of huge pages, collapse, compaction and migration: the first, the second, ... frame,
 * record, allocation, read or write fails, alone or with all that come after it.  What cannot be
 * had as a huge page comes as small ones; what fails has changed nothing; every byte is there.
 */
#include "support/test.h"

#include <string.h>

#include "pmap/pmaps.h"
#include "policy/policies.h"
#include "support/vm_rig.h"

#define BASE ((uint64_t)0x40000000)
#define RW (PROT_MASK_R | PROT_MASK_W)
#define HUGE 2u  /* huge pages that the scenario maps */
#define MARKS 8u /* bytes that it writes into each */

struct torture {
    struct vm_rig rig;
    const struct vm_rig_config *config;
    struct space *space, *child;
    unsigned char marks[HUGE * MARKS]; /* what is there now */
    unsigned failed;
};

static uint64_t
torture_size(const struct torture *t)
{
    return (uint64_t)PAGE_SIZE << t->config->huge_order;
}

static uint64_t
torture_va(const struct torture *t, unsigned i)
{
    return BASE + torture_size(t) / MARKS * i + 3;
}

/* Does it again while it fails, a few times; false: it does not work now. */
static bool
torture_store(struct torture *t, struct space *space, unsigned i, unsigned char byte)
{
    for (unsigned tries = 0; tries < 3; tries++) {
        if (vm_rig_store(&t->rig, space, torture_va(t, i), byte) == SPACE_FAULT_OK)
            return true;
        t->failed++;
    }
    return false;
}

static void
torture_look(struct torture *t)
{
    struct base_inject inject = t->rig.env.inject;

    memset(t->rig.env.inject.fail_at, 0, sizeof inject.fail_at); /* the check allocates */
    assert_true(vm_check(t->rig.vm));
    t->rig.env.inject = inject;
}

static void
torture_write_all(struct torture *t, unsigned char add)
{
    for (unsigned i = 0; i < HUGE * MARKS; i++)
        if (torture_store(t, t->space, i, (unsigned char)(i + add)))
            t->marks[i] = (unsigned char)(i + add);
    torture_look(t);
}

static void
torture_advise(struct torture *t, uint64_t va, uint64_t len, enum space_advice advice)
{
    t->failed += t->space->ops->advise(t->space, va, len, advice) != PGW_OK;
    torture_look(t);
}

/* Huge pages on fault, one in pieces and together again, one copied in part by a child, RAM broken
 * up and put together. */
static void
torture_scenario(struct torture *t)
{
    struct space_map_args args = {
        .va = BASE, .len = HUGE * torture_size(t), .prot = RW, .flags = SPACE_FIXED};
    uint64_t va;

    if (vm_space_create(t->rig.vm, &t->space) != PGW_OK)
        return;
    if (t->space->ops->map(t->space, &args, &va) != PGW_OK)
        return;
    torture_write_all(t, 1);
    (void)t->space->ops->evict(t->space, BASE + PAGE_SIZE);
    (void)t->space->ops->evict(t->space, torture_va(t, 1) & PAGE_MASK);
    (void)vm_reclaim(t->rig.vm, 5);
    torture_look(t);
    torture_advise(t, BASE, args.len, SPACE_ADVICE_COLLAPSE);
    if (t->space->ops->fork(t->space, &t->child) != PGW_OK)
        t->child = NULL;
    torture_write_all(t, 100);
    if (t->child != NULL)
        (void)torture_store(t, t->child, 2, 77);
    (void)vm_compact(t->rig.vm);
    torture_look(t);
    for (unsigned i = 0; i < 4; i++)
        vm_huge_run(t->rig.vm);
    torture_look(t);
}

static void
torture_body(void *ctx)
{
    struct torture *t = ctx;
    struct base_inject *inject = &t->rig.env.inject;

    t->space = t->child = NULL;
    t->failed = 0;
    memset(t->marks, 0, sizeof t->marks);
    if (vm_rig_try_init(&t->rig, t->config) != PGW_OK)
        return;
    torture_scenario(t);
    memset(inject->fail_at, 0, sizeof inject->fail_at);
    assert_true(vm_check(t->rig.vm));
    if (t->space != NULL && t->space->ops->find(t->space, BASE, &(struct space_region){0}))
        for (unsigned i = 0; i < HUGE * MARKS; i++) {
            unsigned char byte;
            assert_int_equal(
                vm_rig_load(&t->rig, t->space, torture_va(t, i), &byte), SPACE_FAULT_OK);
            assert_int_equal(byte, t->marks[i]);
        }
    if (t->child != NULL)
        t->child->ops->destroy(t->child);
    if (t->space != NULL)
        t->space->ops->destroy(t->space);
    vm_rig_close(&t->rig);
}

static const struct vm_rig_config configs[] = {
    {.name = "ref",
        .pmap = &pmap_ref,
        .flat = true,
        .policy = &policy_lru,
        .frames = 96,
        .swap_slots = 512,
        .huge = VM_HUGE_ALWAYS,
        .huge_order = 4,
        .tlb = "none"},
    {.name = "sv39",
        .pmap = &pmap_sv39,
        .policy = &policy_clock,
        .frames = 2200,
        .swap_slots = 2048,
        .huge = VM_HUGE_ALWAYS,
        .huge_order = 9,
        .tlb = "l1=8:2,l2=16:4:4k+2m"},
    {.name = "ref, reserving",
        .pmap = &pmap_ref,
        .flat = true,
        .policy = &policy_lru,
        .frames = 96,
        .swap_slots = 512,
        .huge = VM_HUGE_ALWAYS,
        .huge_alloc = VM_HUGE_RESERVE,
        .huge_order = 4,
        .tlb = "none"},
    {.name = "sv39, reserving",
        .pmap = &pmap_sv39,
        .policy = &policy_clock,
        .frames = 2200,
        .swap_slots = 2048,
        .huge = VM_HUGE_ALWAYS,
        .huge_alloc = VM_HUGE_RESERVE,
        .huge_order = 9,
        .tlb = "l1=8:2,l2=16:4:4k+2m"},
};

static void
torture_all(enum base_inject_point point)
{
    for (size_t i = 0; i < sizeof configs / sizeof configs[0]; i++)
        for (int after = 0; after < 2; after++) {
            struct torture t = {.config = &configs[i]};
            test_env_init(&t.rig.env, configs[i].frames);
            assert_true(test_each_failure(&t.rig.env.inject, point, after, torture_body, &t) > 0);
            test_env_fini(&t.rig.env);
        }
}

static void
test_map(void **state)
{
    (void)state;
    torture_all(INJECT_MAP);
}

static void
test_object(void **state)
{
    (void)state;
    torture_all(INJECT_OBJ);
}

static void
test_frame(void **state)
{
    (void)state;
    torture_all(INJECT_FRAME);
}

static void
test_read(void **state)
{
    (void)state;
    torture_all(INJECT_READ);
}

static void
test_write(void **state)
{
    (void)state;
    torture_all(INJECT_WRITE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_map),
        cmocka_unit_test(test_object),
        cmocka_unit_test(test_frame),
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_write),
    };

    return cmocka_run_group_tests_name("torture_huge", tests, NULL, NULL);
}
