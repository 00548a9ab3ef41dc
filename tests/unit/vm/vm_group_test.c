/* SPDX-License-Identifier: BSD-2-Clause */
/* Groups: what is charged to whom, limits, and who gives when RAM is short. */
#include "unit/vm/vm_cases.h"

#include "pmap/pmaps.h"
#include "policy/policies.h"
#include "vm/core.h"

#define LIMIT 32u

struct group_case {
    struct vm_case c;
    struct space *inside; /* a space of a group with the limit */
    unsigned id;
};

static void
group_set_up(struct group_case *g)
{
    assert_int_equal(vm_group_create(g->c.rig.vm, "small", LIMIT, &g->id), PGW_OK);
    assert_int_equal(vm_space_create(g->c.rig.vm, &g->inside), PGW_OK);
    assert_int_equal(vm_group_join(g->inside, g->id), PGW_OK);
}

static void
group_init(struct group_case *g, uint64_t frames, uint64_t swap)
{
    vm_case_init(&g->c, frames, swap);
    group_set_up(g);
}

static void
group_init_with(struct group_case *g, const struct vm_rig_config *config)
{
    vm_case_init_with(&g->c, config);
    group_set_up(g);
}

static void
group_fini(struct group_case *g)
{
    assert_true(vm_check(g->c.rig.vm));
    g->inside->ops->destroy(g->inside);
    vm_case_fini(&g->c);
}

static struct vm_group_stats
group_stats(const struct group_case *g, unsigned id)
{
    struct vm_group_stats stats;

    assert_int_equal(vm_group_stats(g->c.rig.vm, id, &stats), PGW_OK);
    return stats;
}

static void
fill(struct space *space, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        vm_case_fill(space, BASE + PAGES(i), i + 1);
}

static void
expect(struct space *space, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        vm_case_expect(space, BASE + PAGES(i), i + 1);
}

static void
test_create(void **state)
{
    struct group_case g;
    unsigned id = 0;

    (void)state;
    group_init(&g, 256, 0);
    assert_int_equal(g.id, 1);
    assert_int_equal(vm_group_create(g.c.rig.vm, "small", LIMIT, &id), PGW_EXIST);
    assert_int_equal(vm_group_create(g.c.rig.vm, "root", LIMIT, &id), PGW_EXIST);
    assert_int_equal(vm_group_create(g.c.rig.vm, "", LIMIT, &id), PGW_INVAL);
    assert_int_equal(vm_group_create(g.c.rig.vm, "sixteen letters!", LIMIT, &id), PGW_INVAL);
    assert_int_equal(vm_group_create(g.c.rig.vm, "tiny", VM_GROUP_LEAST - 1, &id), PGW_INVAL);
    assert_int_equal(vm_group_join(g.inside, 2), PGW_NOTFOUND);
    for (unsigned i = 2; i < VM_GROUPS_MAX; i++) {
        char name[VM_GROUP_NAME];
        snprintf(name, sizeof name, "g%u", i);
        assert_int_equal(vm_group_create(g.c.rig.vm, name, LIMIT, &id), PGW_OK);
        assert_int_equal(id, i);
    }
    assert_int_equal(vm_group_create(g.c.rig.vm, "more", LIMIT, &id), PGW_NOSPACE);
    group_fini(&g);
}

/* The group's pages go to swap while RAM is free, and others' stay. */
static void
test_limit(void **state)
{
    struct group_case g;

    (void)state;
    group_init(&g, 512, 512);
    vm_case_map(g.c.space, BASE, PAGES(100));
    vm_case_map(g.inside, BASE, PAGES(100));
    fill(g.c.space, 100);
    fill(g.inside, 100);
    assert_int_equal(group_stats(&g, g.id).resident_peak, LIMIT);
    assert_in_range(group_stats(&g, g.id).resident, 1, LIMIT);
    assert_in_range(group_stats(&g, g.id).evicted, 100 - LIMIT, 100);
    assert_int_equal(vm_case_counts(g.c.space).resident, 100);
    assert_int_equal(group_stats(&g, 0).evicted, 0);
    assert_int_equal(group_stats(&g, 0).spaces, 1);
    expect(g.inside, 100);
    expect(g.c.space, 100);
    assert_int_equal(vm_case_stats(&g.c).pages_out,
        group_stats(&g, g.id).evicted - vm_case_stats(&g.c).evicted_clean);
    assert_int_equal(group_stats(&g, g.id).limit_hits, 0);
    group_fini(&g);
}

/* Nothing of the group can go: only the group is refused, and what it has is still there. */
static void
test_full(void **state)
{
    struct group_case g;
    unsigned char byte;

    (void)state;
    group_init(&g, 512, 0);
    vm_case_map(g.c.space, BASE, PAGES(100));
    vm_case_map(g.inside, BASE, PAGES(100));
    fill(g.inside, LIMIT);
    assert_int_equal(vm_rig_store(&g.c.rig, g.inside, BASE + PAGES(LIMIT), 1), SPACE_FAULT_LIMIT);
    assert_int_equal(vm_rig_load(&g.c.rig, g.inside, BASE + PAGES(50), &byte), SPACE_FAULT_LIMIT);
    assert_int_equal(group_stats(&g, g.id).limit_hits, 2);
    fill(g.c.space, 100);
    expect(g.inside, LIMIT);
    assert_int_equal(g.inside->ops->unmap(g.inside, BASE, PAGES(4)), PGW_OK);
    vm_case_store(&g.c, g.inside, BASE + PAGES(50), 1);
    group_fini(&g);
}

/* A limit is passed over where the page was promised and nothing of the group can go. */
static void
test_promised(void **state)
{
    struct vm_rig_config config = {.name = "promised",
        .pmap = &pmap_sv39,
        .policy = &policy_clock,
        .frames = 512,
        .overcommit = VM_OVERCOMMIT_NEVER,
        .overcommit_ratio = 100,
        .tlb = "none"};
    struct group_case g;

    (void)state;
    group_init_with(&g, &config);
    vm_case_map(g.inside, BASE, PAGES(100));
    fill(g.inside, 100);
    expect(g.inside, 100);
    assert_int_equal(group_stats(&g, g.id).resident_peak, 100);
    assert_true(vm_check(g.c.rig.vm));
    group_fini(&g);
}

#define TEXT 8u /* pages of a file that are used all the time */

/* How many pages go when all of the text is asked for the last time of a few: what it takes to find
 * out what can go is in the first. */
static uint64_t
misses(struct group_case *g, struct space *space, uint64_t va)
{
    uint64_t before = 0;

    for (unsigned round = 0; round < 4; round++) {
        before = vm_case_stats(&g->c).evicted;
        for (unsigned i = 0; i < TEXT; i++)
            vm_case_expect(space, va + PAGES(i), i + 1);
    }
    return vm_case_stats(&g->c).evicted - before;
}

/* Fills n promised pages of a group, of which swap takes `slots`, and then wants what an
 * instruction needs beside them, in pages of a file that can go: they do not chase each other. */
static void
text_stays(const struct vm_rig_config *config, uint64_t n, uint64_t locked)
{
    uint64_t text = BASE + PAGES(1000);
    struct group_case g;

    group_init_with(&g, config);
    assert_int_equal(vm_rig_add_file(&g.c.rig, TEXT, 1), PGW_OK);
    struct space_map_args args = {.va = text,
        .len = PAGES(TEXT),
        .prot = PROT_MASK_R,
        .flags = SPACE_FIXED,
        .use = SPACE_USE_FILE,
        .object = g.c.rig.file};
    assert_int_equal(vm_case_map_args(g.inside, args, &text), PGW_OK);
    vm_case_map(g.inside, BASE, PAGES(n));
    if (locked > 0)
        assert_int_equal(
            g.inside->ops->lock(g.inside, BASE, PAGES(locked), SPACE_LOCK_NOW), PGW_OK);
    for (uint64_t i = 0; i < n; i++) {
        fill(g.inside, i + 1);
        assert_int_equal(misses(&g, g.inside, text), 0);
    }
    expect(g.inside, n);
    assert_true(vm_check(g.c.rig.vm));
    /* What it was given beyond its limit goes back when it can. */
    assert_int_equal(g.inside->ops->unmap(g.inside, BASE + PAGES(20), PAGES(n - 20)), PGW_OK);
    assert_int_equal(misses(&g, g.inside, text), 0);
    expect(g.inside, 20);
    assert_in_range(group_stats(&g, g.id).resident, 1, LIMIT);
    group_fini(&g);
}

static struct vm_rig_config
never(uint64_t swap_slots, uint64_t pool)
{
    return (struct vm_rig_config){.name = "never",
        .pmap = &pmap_sv39,
        .policy = &policy_clock,
        .frames = 512,
        .swap_slots = swap_slots,
        .pool = pool,
        .overcommit = VM_OVERCOMMIT_NEVER,
        .overcommit_ratio = 100,
        .tlb = "none"};
}

static void
test_text_without_swap(void **state)
{
    struct vm_rig_config config = never(0, 0);

    (void)state;
    text_stays(&config, 100, 0);
}

static void
test_text_over_swap(void **state)
{
    struct vm_rig_config config = never(40, 0);

    (void)state;
    text_stays(&config, 140, 0);
}

static void
test_text_over_pool(void **state)
{
    struct vm_rig_config config = never(20, 8);

    (void)state;
    text_stays(&config, 140, 0);
}

static void
test_text_beside_locks(void **state)
{
    struct vm_rig_config config = never(40, 0);

    (void)state;
    text_stays(&config, 140, LIMIT - VM_GROUP_LEAST);
}

/* A group that was given far more than its limit gives it back as soon as it can, in one fault. */
static void
test_room_comes(void **state)
{
    struct vm_rig_config config = never(400, 0);
    struct group_case g;

    (void)state;
    config.frames = 1024;
    group_init_with(&g, &config);
    vm_case_map(g.c.space, BASE, PAGES(400));
    vm_case_map(g.inside, BASE, PAGES(401));
    fill(g.c.space, 400);
    assert_int_equal(vm_reclaim(g.c.rig.vm, 400), 400); /* swap is full of others' */
    fill(g.inside, 400);
    assert_int_equal(group_stats(&g, g.id).resident, 400);
    assert_int_equal(g.c.space->ops->unmap(g.c.space, BASE, PAGES(400)), PGW_OK);
    vm_case_fill(g.inside, BASE + PAGES(400), 401);
    assert_in_range(group_stats(&g, g.id).resident, 1, LIMIT);
    expect(g.inside, 401);
    group_fini(&g);
}

static enum pgw_status
lock(struct space *space, uint64_t from, uint64_t n)
{
    return space->ops->lock(space, BASE + PAGES(from), PAGES(n), SPACE_LOCK_NOW);
}

/* What may be locked is a part of the limit, and of all spaces of the group together. */
static void
test_locked(void **state)
{
    struct group_case g;
    uint64_t most = LIMIT - VM_GROUP_LEAST;

    (void)state;
    group_init(&g, 512, 512);
    vm_case_map(g.inside, BASE, PAGES(100));
    vm_case_map(g.c.space, BASE, PAGES(100));
    assert_int_equal(lock(g.inside, 0, most + 1), PGW_NORAM);
    assert_int_equal(lock(g.inside, 0, most - 2), PGW_OK);
    struct space *child = vm_case_fork(g.inside);
    assert_int_equal(lock(child, 0, 3), PGW_NORAM);
    assert_int_equal(lock(child, 0, 2), PGW_OK);
    assert_int_equal(lock(g.c.space, 0, 100), PGW_OK);
    fill(g.inside, 100);
    expect(g.inside, 100);
    /* Who leaves takes its locks along. */
    assert_int_equal(vm_group_join(child, 0), PGW_OK);
    assert_true(vm_check(g.c.rig.vm));
    assert_int_equal(lock(child, 0, 20), PGW_OK);
    assert_int_equal(lock(g.inside, 0, most), PGW_OK);
    assert_int_equal(lock(g.inside, 0, most + 1), PGW_NORAM);
    child->ops->destroy(child);
    group_fini(&g);
}

/* A child belongs to its parent's group; what they share is charged once, and stays charged to the
 * group when the child leaves it. */
static void
test_fork(void **state)
{
    struct group_case g;

    (void)state;
    group_init(&g, 512, 512);
    vm_case_map(g.inside, BASE, PAGES(40));
    fill(g.inside, 10);
    struct space *child = vm_case_fork(g.inside);
    assert_int_equal(child->group, g.id);
    assert_int_equal(group_stats(&g, g.id).spaces, 2);
    expect(child, 10);
    assert_int_equal(group_stats(&g, g.id).resident, 10);
    assert_int_equal(vm_group_join(child, 0), PGW_OK);
    for (unsigned i = 0; i < 5; i++)
        vm_case_fill(child, BASE + PAGES(i), 77);
    assert_int_equal(group_stats(&g, g.id).resident, 10);
    assert_int_equal(group_stats(&g, 0).resident, 5);
    assert_true(vm_check(g.c.rig.vm));
    child->ops->destroy(child);
    expect(g.inside, 10);
    group_fini(&g);
}

/* A file's pages are charged to who brought the first one in. */
static void
test_file(void **state)
{
    struct group_case g;
    uint64_t at;

    (void)state;
    group_init(&g, 512, 512);
    assert_int_equal(vm_rig_add_file(&g.c.rig, 60, 1), PGW_OK);
    struct space_map_args args = {.va = BASE,
        .len = PAGES(60),
        .prot = RW,
        .flags = SPACE_FIXED,
        .use = SPACE_USE_FILE,
        .object = g.c.rig.file};
    assert_int_equal(vm_case_map_args(g.inside, args, &at), PGW_OK);
    vm_case_map_file(&g.c, BASE, PAGES(60), 0);
    vm_case_expect(g.inside, BASE, 1);
    expect(g.c.space, 60);
    assert_int_equal(group_stats(&g, 0).resident, 0);
    assert_in_range(group_stats(&g, g.id).resident, 1, LIMIT);
    assert_true(vm_check(g.c.rig.vm));
    group_fini(&g);
}

/* When RAM is short, groups give in proportion to what they have. */
static void
test_turns(void **state)
{
    struct group_case g;
    unsigned large;
    struct space *other;

    (void)state;
    group_init(&g, 512, 1024);
    assert_int_equal(vm_group_create(g.c.rig.vm, "large", 400, &large), PGW_OK);
    assert_int_equal(vm_space_create(g.c.rig.vm, &other), PGW_OK);
    assert_int_equal(vm_group_join(other, large), PGW_OK);
    vm_case_map(g.inside, BASE, PAGES(30));
    vm_case_map(other, BASE, PAGES(300));
    vm_case_map(g.c.space, BASE, PAGES(100));
    fill(g.inside, 30);
    fill(other, 300);
    fill(g.c.space, 100);
    assert_int_equal(vm_reclaim(g.c.rig.vm, 43), 43);
    assert_in_range(group_stats(&g, g.id).evicted, 2, 5);
    assert_in_range(group_stats(&g, large).evicted, 28, 32);
    assert_in_range(group_stats(&g, 0).evicted, 8, 12);
    expect(g.inside, 30);
    expect(other, 300);
    expect(g.c.space, 100);
    assert_true(vm_check(g.c.rig.vm));
    other->ops->destroy(other);
    group_fini(&g);
}

/* With swap full, dirty pages are looked at once, and are back when there is room. */
static void
test_aside(void **state)
{
    struct vm_case c;
    uint64_t n = 0;

    (void)state;
    vm_case_init(&c, 256, 32);
    const struct vm_system *system = vm_space_of(c.space)->system;
    const struct vm_group *root = system->groups[0];
    vm_case_map(c.space, BASE, PAGES(400));
    while (vm_rig_store(&c.rig, c.space, BASE + PAGES(n), (unsigned char)n) == SPACE_FAULT_OK)
        n++;
    assert_in_range(root->naside, 200, 256);
    assert_int_equal(root->policy->count + root->naside, vm_case_stats(&c).resident);
    assert_true(vm_check(c.rig.vm));
    /* Some of what is on swap and some of what is aside goes. */
    assert_int_equal(c.space->ops->unmap(c.space, BASE, PAGES(50)), PGW_OK);
    assert_true(vm_check(c.rig.vm));
    assert_int_equal(vm_reclaim(c.rig.vm, 20), 20);
    for (uint64_t i = 50; i < n; i++)
        vm_case_load(&c, c.space, BASE + PAGES(i), (unsigned char)i);
    assert_true(vm_check(c.rig.vm));
    vm_case_fini(&c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_promised),
        cmocka_unit_test(test_text_without_swap),
        cmocka_unit_test(test_text_over_swap),
        cmocka_unit_test(test_text_over_pool),
        cmocka_unit_test(test_text_beside_locks),
        cmocka_unit_test(test_room_comes),
        cmocka_unit_test(test_locked),
        cmocka_unit_test(test_fork),
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_turns),
        cmocka_unit_test(test_aside),
    };

    return cmocka_run_group_tests_name("group", tests, NULL, NULL);
}
