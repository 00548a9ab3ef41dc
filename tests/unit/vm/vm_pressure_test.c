/* SPDX-License-Identifier: BSD-2-Clause */
/* Pressure: what counts as a stall, for how long, and the kernel's own averages. */
#include "unit/vm/vm_cases.h"

#include <string.h>

#include "os/psi.h"
#include "pmap/pmaps.h"
#include "policy/policies.h"
#include "vm/core.h"

#define SECOND UINT64_C(1000000000)
#define DEVICE_NS 100000u
#define MANY 1000u /* slots: of the case whose policy must tell what is in use */

/* A system whose clock the test sets, and whose devices cost DEVICE_NS an operation. */
struct pressure_case {
    struct vm_case c;
    struct vm_system *system;
    struct base_clock clock;
    uint64_t now;
    bool others;
};

static uint64_t
case_now(void *ctx)
{
    return ((struct pressure_case *)ctx)->now;
}

static bool
case_others(void *ctx, unsigned group)
{
    (void)group;
    return ((struct pressure_case *)ctx)->others;
}

static void
pressure_init(struct pressure_case *p, uint64_t frames, uint64_t slots)
{
    static struct vm_rig_config config;

    *p = (struct pressure_case){.now = 0};
    config = (struct vm_rig_config){.name = "pressure",
        .pmap = &pmap_sv39,
        .policy = slots >= MANY ? &policy_clock : &policy_fifo,
        .frames = frames,
        .swap_slots = slots,
        .tlb = "none"};
    vm_case_init_with(&p->c, &config);
    p->system = vm_space_of(p->c.space)->system;
    p->clock = (struct base_clock){.now_ns = case_now, .ctx = p};
    p->system->clock = &p->clock;
    p->system->others = case_others;
    p->system->others_ctx = p;
    p->system->device_ns = DEVICE_NS;
}

static struct vm_pressure
pressure_of(struct pressure_case *p, unsigned id)
{
    struct vm_pressure pressure;

    assert_int_equal(vm_pressure(p->system, id, &pressure), PGW_OK);
    return pressure;
}

static void
expect_text(struct pressure_case *p, const char *text)
{
    struct vm_pressure pressure = pressure_of(p, 0);
    char got[OS_PSI_TEXT];

    os_psi_format(&pressure, got, sizeof got);
    assert_string_equal(got, text);
}

static void
pass(struct pressure_case *p, uint64_t ns, bool stalled)
{
    base_lock_take(&p->system->lock);
    if (stalled)
        vm_pressure_begin(p->system, 0);
    p->now += ns;
    if (stalled)
        vm_pressure_end(p->system, 0);
    base_lock_drop(&p->system->lock);
}

/* 2 s of stall in a period of 2 s: 100 (1 - exp(-2/10)) = 18.1 %, 3.3 % and 0.7 %, in the kernel's
 * fixed point 37100, 6700 and 1400 of 2048; then a period of nothing: times exp(-2/10). */
static void
test_averages(void **state)
{
    struct pressure_case p;

    (void)state;
    pressure_init(&p, 64, 64);
    expect_text(&p, "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
                    "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n");
    pass(&p, 2 * SECOND, true);
    expect_text(&p, "some avg10=18.11 avg60=3.27 avg300=0.68 total=2000000\n"
                    "full avg10=18.11 avg60=3.27 avg300=0.68 total=2000000\n");
    struct vm_pressure pressure = pressure_of(&p, 0);
    assert_int_equal(pressure.average[VM_PRESSURE_SOME][0], 37100);
    assert_int_equal(pressure.average[VM_PRESSURE_SOME][1], 6700);
    assert_int_equal(pressure.average[VM_PRESSURE_SOME][2], 1400);
    pass(&p, 2 * SECOND, false);
    pressure = pressure_of(&p, 0);
    assert_int_equal(pressure.average[VM_PRESSURE_SOME][0], 37100 * 1677 / 2048);
    assert_int_equal(pressure.average[VM_PRESSURE_SOME][2], 1400 * 2034 / 2048);
    /* Half an hour of nothing, which nobody looked at. */
    pass(&p, 1800 * SECOND, false);
    expect_text(&p, "some avg10=0.00 avg60=0.00 avg300=0.00 total=2000000\n"
                    "full avg10=0.00 avg60=0.00 avg300=0.00 total=2000000\n");
    vm_case_fini(&p.c);
}

/* A steady half of the time comes to 50 %, and stays there. */
static void
test_steady(void **state)
{
    struct pressure_case p;

    (void)state;
    pressure_init(&p, 64, 64);
    for (unsigned i = 0; i < 4000; i++) {
        pass(&p, SECOND / 2, true);
        pass(&p, SECOND / 2, false);
    }
    struct vm_pressure pressure = pressure_of(&p, 0);
    for (unsigned w = 0; w < VM_PRESSURE_WINDOWS; w++)
        assert_in_range(pressure.average[VM_PRESSURE_SOME][w], 49 << 11, 51 << 11);
    assert_int_equal(pressure.total[VM_PRESSURE_SOME], 2000 * SECOND);
    vm_case_fini(&p.c);
}

/* Full is only what nobody else could use. */
static void
test_full(void **state)
{
    struct pressure_case p;

    (void)state;
    pressure_init(&p, 64, 64);
    p.others = true;
    pass(&p, 3 * SECOND, true);
    p.others = false;
    pass(&p, SECOND, true);
    struct vm_pressure pressure = pressure_of(&p, 0);
    assert_int_equal(pressure.total[VM_PRESSURE_SOME], 4 * SECOND);
    assert_int_equal(pressure.total[VM_PRESSURE_FULL], SECOND);
    vm_case_fini(&p.c);
}

/* Waits for swap are stalls, first reads of a file are not, and a second one soon after is. */
static void
test_waits(void **state)
{
    struct pressure_case p;

    (void)state;
    pressure_init(&p, 256, 256);
    assert_int_equal(vm_rig_add_file(&p.c.rig, 20, 1), PGW_OK);
    vm_case_map(p.c.space, BASE, PAGES(20));
    vm_case_map_file(&p.c, BASE + PAGES(100), PAGES(20), 0);
    for (uint64_t i = 0; i < 20; i++) {
        vm_case_fill(p.c.space, BASE + PAGES(i), i + 1);
        vm_case_expect(p.c.space, BASE + PAGES(100 + i), i + 1);
    }
    assert_int_equal(pressure_of(&p, 0).total[VM_PRESSURE_SOME], 0);
    assert_int_equal(pressure_of(&p, 0).settled, 20 * DEVICE_NS);
    /* The page daemon's writes let time pass and stall nobody. */
    assert_int_equal(vm_reclaim(p.c.rig.vm, 40), 40);
    uint64_t writes = p.c.rig.swap->stats.put_ios;
    assert_int_equal(pressure_of(&p, 0).settled, (20 + writes) * DEVICE_NS);
    assert_int_equal(pressure_of(&p, 0).total[VM_PRESSURE_SOME], 0);
    vm_case_expect(p.c.space, BASE, 1);
    assert_int_equal(pressure_of(&p, 0).total[VM_PRESSURE_SOME], DEVICE_NS);
    /* With 40 pages in RAM, one that went less than 40 evictions ago is wanted still. */
    vm_case_map(p.c.space, BASE + PAGES(200), PAGES(40));
    for (uint64_t i = 0; i < 40; i++)
        vm_case_fill(p.c.space, BASE + PAGES(200 + i), i + 1);
    assert_int_equal(pressure_of(&p, 0).total[VM_PRESSURE_SOME], DEVICE_NS);
    vm_case_expect(p.c.space, BASE + PAGES(119), 20);
    assert_int_equal(pressure_of(&p, 0).total[VM_PRESSURE_SOME], 2 * DEVICE_NS);
    vm_case_fini(&p.c);
}

/* A group's stalls are its own, and everybody's. */
static void
test_groups(void **state)
{
    struct pressure_case p;
    unsigned id;

    (void)state;
    pressure_init(&p, 256, 256);
    assert_int_equal(vm_group_create(p.system, "small", 20, &id), PGW_OK);
    assert_int_equal(vm_group_join(p.c.space, id), PGW_OK);
    struct space *outside;
    assert_int_equal(vm_space_create(p.c.rig.vm, &outside), PGW_OK);
    vm_case_map(outside, BASE, PAGES(40));
    vm_case_map(p.c.space, BASE, PAGES(40));
    for (uint64_t i = 0; i < 40; i++)
        vm_case_fill(outside, BASE + PAGES(i), i + 1);
    assert_int_equal(vm_reclaim(p.c.rig.vm, 40), 40);
    vm_case_expect(outside, BASE, 1);
    assert_int_equal(pressure_of(&p, id).total[VM_PRESSURE_SOME], 0);
    uint64_t before = pressure_of(&p, 0).total[VM_PRESSURE_SOME];
    assert_int_equal(before, DEVICE_NS);
    for (uint64_t i = 0; i < 40; i++)
        vm_case_fill(p.c.space, BASE + PAGES(i), i + 1);
    uint64_t group = pressure_of(&p, id).total[VM_PRESSURE_SOME];
    assert_in_range(group, DEVICE_NS, 40 * DEVICE_NS); /* its writes at its limit */
    assert_int_equal(pressure_of(&p, 0).total[VM_PRESSURE_SOME], before + group);
    struct vm_pressure none;
    assert_int_equal(vm_pressure(p.system, 2, &none), PGW_NOTFOUND);
    outside->ops->destroy(outside);
    vm_case_fini(&p.c);
}

/* What is used stays, what is not goes, and the time lost stays near the target. */
static void
test_squeeze(void **state)
{
    struct pressure_case p;

    (void)state;
    pressure_init(&p, 1024, MANY);
    p.system->squeeze.percent = 5;
    vm_case_map(p.c.space, BASE, PAGES(600));
    for (uint64_t i = 0; i < 600; i++)
        vm_case_fill(p.c.space, BASE + PAGES(i), i + 1);
    for (unsigned round = 0; round < 500; round++) {
        p.now += SECOND / 500;
        for (uint64_t i = 0; i < 60; i++)
            vm_case_expect(p.c.space, BASE + PAGES(i), i + 1);
        vm_daemon(p.c.rig.vm);
    }
    struct vm_stats stats = vm_case_stats(&p.c);
    assert_in_range(stats.squeezed, 540, 1000);
    assert_in_range(stats.resident, 30, 90);
    assert_in_range(stats.squeezed_to, 30, 90);
    assert_in_range(stats.squeezed_at, 1, 100000); /* millionths */
    assert_int_equal(stats.stall_some * 1000 / stats.pressure_time / 100, 0);
    for (uint64_t i = 0; i < 600; i++)
        vm_case_expect(p.c.space, BASE + PAGES(i), i + 1);
    vm_case_fini(&p.c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_averages),
        cmocka_unit_test(test_steady),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_waits),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_squeeze),
    };

    return cmocka_run_group_tests_name("pressure", tests, NULL, NULL);
}
