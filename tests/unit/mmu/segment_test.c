/* SPDX-License-Identifier: BSD-2-Clause */
/* The segment unit: registers, faults and their order, loading, what it tells. */
#include "support/test.h"

#include <string.h>

#include "mmu/mmus.h"
#include "support/test_env.h"

#define FRAMES 64u
#define RW (PROT_MASK_R | PROT_MASK_W)
#define RAM (TEST_BASE_PFN << PAGE_SHIFT) /* where physical addresses start */

struct rig {
    struct test_env env;
    struct mmu *mmu;
    struct mmu_segment_registers regs;
};

static void
rig_init(struct rig *rig)
{
    memset(rig, 0, sizeof *rig);
    test_env_init(&rig->env, FRAMES);
    assert_int_equal(mmu_segment_create(&rig->env.mem, &rig->env.alloc, &rig->mmu), PGW_OK);
    rig->regs = (struct mmu_segment_registers){.asid = 5, .n = 1, .shift = 64};
}

static void
rig_fini(struct rig *rig)
{
    rig->mmu->ops->destroy(rig->mmu);
    test_env_fini(&rig->env);
}

static void
rig_load(struct rig *rig)
{
    rig->mmu->ops->load(rig->mmu, (uintptr_t)&rig->regs, rig->regs.asid);
}

/* Both translate and explain must say this. */
static void
expect_fault(struct rig *rig, uint64_t va, enum access access, enum mmu_fault fault)
{
    struct mmu_translation out;
    struct mmu_trace trace;

    assert_int_equal(rig->mmu->ops->translate(rig->mmu, va, access, &out), fault);
    rig->mmu->ops->explain(rig->mmu, va, access, &trace);
    assert_int_equal(trace.fault, fault);
}

static void
expect_frame(struct rig *rig, uint64_t va, enum access access, uint64_t pa)
{
    struct mmu_translation out;
    struct mmu_trace trace;

    assert_int_equal(rig->mmu->ops->translate(rig->mmu, va, access, &out), MMU_OK);
    struct mem_page *page = mem_page_at(&rig->env.mem, pa >> PAGE_SHIFT);
    assert_non_null(page);
    assert_ptr_equal(out.bytes, mem_page_bytes(&rig->env.mem, page));
    assert_false(out.forget);
    rig->mmu->ops->explain(rig->mmu, va, access, &trace);
    assert_int_equal(trace.fault, MMU_OK);
    assert_true(trace.pa == pa);
    assert_int_equal(trace.prot, out.prot);
    assert_int_equal(trace.n, 1);
}

/* A program loaded at one place that believes in another: 0x40000124 is 0x124 behind its base. */
static void
test_base_and_bounds(void **state)
{
    struct rig rig;

    (void)state;
    rig_init(&rig);
    expect_fault(&rig, 0x40000124, ACCESS_READ, MMU_BOUNDS); /* nothing is loaded yet */
    rig.regs.seg[0] = (struct mmu_segment){.origin = 0x40000000,
        .base = RAM + 0x5000,
        .limit = 0x3000,
        .prot = PROT_MASK_ALL,
        .present = true};
    rig_load(&rig);
    expect_frame(&rig, 0x40000124, ACCESS_READ, RAM + 0x5124);
    expect_frame(&rig, 0x40002fff, ACCESS_EXEC, RAM + 0x7fff);
    expect_fault(&rig, 0x40003000, ACCESS_READ, MMU_BOUNDS);
    expect_fault(&rig, 0x3fffffff, ACCESS_WRITE, MMU_BOUNDS);
    expect_fault(&rig, UINT64_MAX, ACCESS_READ, MMU_BOUNDS);
    expect_fault(&rig, 0, ACCESS_READ, MMU_BOUNDS);
    rig_fini(&rig);
}

/* The example of the documentation, where there is such RAM: 0x40000124 gives 0x20005124. */
static void
test_example(void **state)
{
    struct rig rig;
    struct mmu_trace trace;

    (void)state;
    rig_init(&rig);
    rig.regs.seg[0] = (struct mmu_segment){.origin = 0x40000000,
        .base = 0x20005000,
        .limit = 0x10000,
        .prot = PROT_MASK_ALL,
        .present = true};
    rig_load(&rig);
    rig.mmu->ops->explain(rig.mmu, 0x40000124, ACCESS_READ, &trace);
    assert_int_equal(trace.step[0].kind, MMU_STEP_SEGMENT);
    assert_int_equal(trace.step[0].idx, 0);
    assert_true(trace.step[0].pa == 0x20005000 && trace.step[0].value == 0x10000);
    assert_true(trace.pa == 0x20005124);
    expect_fault(&rig, 0x40000124, ACCESS_READ, MMU_BUS); /* here there is none */
    rig_fini(&rig);
}

static void
test_grows_down(void **state)
{
    struct rig rig;

    (void)state;
    rig_init(&rig);
    rig.regs.seg[0] = (struct mmu_segment){.origin = 0x80000000,
        .base = RAM + 0x8000,
        .limit = 0x2000,
        .prot = RW,
        .down = true,
        .present = true};
    rig_load(&rig);
    expect_fault(&rig, 0x80000000, ACCESS_READ, MMU_BOUNDS);
    expect_frame(&rig, 0x7fffffff, ACCESS_READ, RAM + 0x7fff);
    expect_frame(&rig, 0x7fffe000, ACCESS_WRITE, RAM + 0x6000);
    expect_fault(&rig, 0x7fffdfff, ACCESS_READ, MMU_BOUNDS);
    rig_fini(&rig);
}

/* The top bits pick the segment; bounds are looked at before presence, presence before rights. */
static void
test_segments(void **state)
{
    struct rig rig;

    (void)state;
    rig_init(&rig);
    rig.regs.n = 4;
    rig.regs.shift = 30;
    rig.regs.seg[0] = (struct mmu_segment){
        .base = RAM, .limit = 0x1000, .prot = PROT_MASK_R | PROT_MASK_X, .present = true};
    rig.regs.seg[2] = (struct mmu_segment){.origin = 0x80000000, .limit = 0x2000, .prot = RW};
    rig_load(&rig);
    expect_frame(&rig, 0x10, ACCESS_EXEC, RAM + 0x10);
    expect_fault(&rig, 0x10, ACCESS_WRITE, MMU_RIGHTS);
    expect_fault(&rig, 0x1000, ACCESS_WRITE, MMU_BOUNDS);
    expect_fault(&rig, 0x40000000, ACCESS_READ, MMU_BOUNDS); /* not used */
    expect_fault(&rig, 0x80000000, ACCESS_READ, MMU_NOT_PRESENT);
    expect_fault(&rig, 0x80000000, ACCESS_EXEC, MMU_NOT_PRESENT);
    expect_fault(&rig, 0x80002000, ACCESS_READ, MMU_BOUNDS);
    expect_fault(&rig, 0x100000000, ACCESS_READ, MMU_BOUNDS); /* number 4 of 0..3 */
    rig_fini(&rig);
}

static void
test_identity(void **state)
{
    struct rig rig;
    struct mmu_trace trace;

    (void)state;
    rig_init(&rig);
    rig.regs.identity = true;
    rig.regs.n = 0;
    rig_load(&rig);
    expect_frame(&rig, RAM + 0x1234, ACCESS_WRITE, RAM + 0x1234);
    expect_fault(&rig, RAM - 1, ACCESS_READ, MMU_BUS);
    expect_fault(&rig, RAM + FRAMES * PAGE_SIZE, ACCESS_READ, MMU_BUS);
    rig.mmu->ops->explain(rig.mmu, RAM, ACCESS_READ, &trace);
    assert_int_equal(trace.step[0].kind, MMU_STEP_IDENTITY);
    assert_int_equal(rig.mmu->stats.switch_registers, 0);
    rig_fini(&rig);
}

/* The registers are copied: what is changed afterwards counts when it is loaded again. */
static void
test_loads(void **state)
{
    struct rig rig;

    (void)state;
    rig_init(&rig);
    rig.regs.n = 4;
    rig.regs.shift = 30;
    rig.regs.seg[0] =
        (struct mmu_segment){.base = RAM, .limit = 0x1000, .prot = PROT_MASK_ALL, .present = true};
    rig_load(&rig);
    assert_int_equal(rig.mmu->stats.switches, 1);
    assert_int_equal(rig.mmu->stats.switch_registers, 8);
    rig.regs.seg[0].base = RAM + 0x9000;
    expect_frame(&rig, 0, ACCESS_READ, RAM);
    rig.regs.asid = 6; /* another space's */
    mmu_segment_reload(rig.mmu, &rig.regs);
    expect_frame(&rig, 0, ACCESS_READ, RAM);
    rig.regs.asid = 5;
    mmu_segment_reload(rig.mmu, &rig.regs);
    expect_frame(&rig, 0, ACCESS_READ, RAM + 0x9000);
    assert_int_equal(rig.mmu->stats.switches, 1);
    rig_fini(&rig);
}

static void
count_touch(void *ctx, uint32_t asid, uint64_t vpn, enum access access)
{
    uint64_t *count = ctx;

    assert_int_equal(asid, 5);
    assert_int_equal(vpn, 3);
    assert_int_equal(access, ACCESS_WRITE);
    ++*count;
}

static void
test_tells_of_use(void **state)
{
    struct rig rig;
    struct mmu_tlb_view view;
    struct mmu_translation out;
    uint64_t count = 0;

    (void)state;
    rig_init(&rig);
    rig.regs.seg[0] =
        (struct mmu_segment){.base = RAM, .limit = 0x4000, .prot = RW, .present = true};
    rig_load(&rig);
    rig.mmu->touched = count_touch;
    rig.mmu->touched_ctx = &count;
    for (int i = 0; i < 3; i++)
        assert_int_equal(rig.mmu->ops->translate(rig.mmu, 0x3008, ACCESS_WRITE, &out), MMU_OK);
    assert_int_equal(
        rig.mmu->ops->translate(rig.mmu, 0x3008, ACCESS_EXEC, &out), MMU_RIGHTS); /* is no use */
    assert_int_equal(count, 3);
    assert_int_equal(rig.mmu->data_sets, 0);
    assert_false(rig.mmu->ops->entry(rig.mmu, 0, &view));
    rig.mmu->ops->invalidate_range(rig.mmu, 5, 0, 4); /* there is nothing to forget */
    rig.mmu->ops->invalidate_space(rig.mmu, 5);
    assert_int_equal(rig.mmu->ops->translate(rig.mmu, 0x3008, ACCESS_WRITE, &out), MMU_OK);
    rig_fini(&rig);
}

static void
test_no_memory(void **state)
{
    struct test_env env;
    struct mmu *mmu;

    (void)state;
    test_env_init(&env, FRAMES);
    env.inject.fail_at[INJECT_MAP] = env.inject.tried[INJECT_MAP] + 1;
    assert_int_equal(mmu_segment_create(&env.mem, &env.alloc, &mmu), PGW_NOMEM);
    test_env_fini(&env);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base_and_bounds),
        cmocka_unit_test(test_example),
        cmocka_unit_test(test_grows_down),
        cmocka_unit_test(test_segments),
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_loads),
        cmocka_unit_test(test_tells_of_use),
        cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests_name("segment unit", tests, NULL, NULL);
}
