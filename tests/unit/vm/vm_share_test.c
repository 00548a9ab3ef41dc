/* SPDX-License-Identifier: BSD-2-Clause */
/* Sharing regions between spaces: everybody sees what anybody writes. */
#include "unit/vm/vm_cases.h"

#include <string.h>

#include "vm/pager.h"

#define THERE ((uint64_t)0x20000000)

static struct space *
new_space(struct vm_case *c)
{
    struct space *space;

    assert_int_equal(vm_space_create(c->rig.vm, &space), PGW_OK);
    return space;
}

/* Shares c->space's region at BASE into space at THERE. */
static void
share_there(struct vm_case *c, struct space *space)
{
    uint64_t va = THERE;

    assert_int_equal(space->ops->share(space, c->space, BASE, RW, &va), PGW_OK);
    assert_int_equal(va, THERE);
}

static void
test_both_see(void **state)
{
    struct vm_case c;
    (void)state;
    vm_case_init(&c, 64, 0);
    struct space *other = new_space(&c);
    vm_case_map(c.space, BASE, PAGES(4));
    vm_case_store(&c, c.space, BASE + 5, 0x11); /* before */
    share_there(&c, other);
    vm_case_load(&c, other, THERE + 5, 0x11);
    vm_case_store(&c, other, THERE + 5, 0x22);
    vm_case_load(&c, c.space, BASE + 5, 0x22);
    vm_case_load(&c, c.space, BASE + PAGES(2), 0); /* fresh zeros, made here ... */
    vm_case_store(&c, other, THERE + PAGES(2), 0x33);
    vm_case_load(&c, c.space, BASE + PAGES(2), 0x33); /* ... are the same there */
    other->ops->destroy(other);
    vm_case_load(&c, c.space, BASE + 5, 0x22);
    vm_case_fini(&c);
}

/* A page that is still shared copy-on-write with a third space is copied once, for both. */
static void
test_over_a_fork(void **state)
{
    struct vm_case c;
    (void)state;
    vm_case_init(&c, 64, 0);
    struct space *other = new_space(&c);
    vm_case_map(c.space, BASE, PAGES(2));
    vm_case_store(&c, c.space, BASE, 1);
    struct space *child = vm_case_fork(c.space);
    share_there(&c, other);
    vm_case_load(&c, c.space, BASE, 1);
    vm_case_load(&c, other, THERE, 1); /* both have the old page mapped */
    vm_case_store(&c, other, THERE, 2);
    vm_case_load(&c, c.space, BASE, 2);
    vm_case_load(&c, child, BASE, 1);
    assert_true(vm_check(c.rig.vm));
    /* A child born after it shares, too. */
    struct space *later = vm_case_fork(c.space);
    vm_case_store(&c, later, BASE, 3);
    vm_case_load(&c, other, THERE, 3);
    vm_case_load(&c, c.space, BASE, 3);
    later->ops->destroy(later);
    child->ops->destroy(child);
    other->ops->destroy(other);
    vm_case_fini(&c);
}

static void
test_of_a_file(void **state)
{
    struct vm_case c;
    unsigned char was;
    (void)state;
    vm_case_init(&c, 64, 0);
    assert_int_equal(vm_rig_add_file(&c.rig, 4, 7), PGW_OK);
    struct space *other = new_space(&c);
    vm_case_map_file(&c, BASE, PAGES(4), 0);
    share_there(&c, other);
    assert_int_equal(vm_rig_load(&c.rig, other, THERE + PAGES(1), &was), SPACE_FAULT_OK);
    vm_case_load(&c, c.space, BASE + PAGES(1), was); /* both have the file's page mapped */
    vm_case_store(&c, c.space, BASE + PAGES(1), (unsigned char)~was);
    vm_case_load(&c, other, THERE + PAGES(1), (unsigned char)~was);
    other->ops->destroy(other);
    vm_case_fini(&c);
}

/* Parts go and change their rights in one space; the other does not notice. */
static void
test_parts(void **state)
{
    struct vm_case c;
    (void)state;
    vm_case_init(&c, 64, 0);
    struct space *other = new_space(&c);
    vm_case_map(c.space, BASE, PAGES(6));
    share_there(&c, other);
    for (unsigned i = 0; i < 6; i++)
        vm_case_store(&c, c.space, BASE + PAGES(i), (unsigned char)(i + 1));
    assert_int_equal(other->ops->unmap(other, THERE + PAGES(2), PAGES(1)), PGW_OK);
    assert_int_equal(other->ops->protect(other, THERE + PAGES(4), PAGES(1), PROT_MASK_R), PGW_OK);
    assert_true(vm_check(c.rig.vm));
    vm_case_store(&c, c.space, BASE + PAGES(5), 0x55);
    vm_case_load(&c, other, THERE + PAGES(5), 0x55);
    vm_case_load(&c, c.space, BASE + PAGES(2), 3);
    assert_int_equal(vm_rig_store(&c.rig, other, THERE + PAGES(4), 1), SPACE_FAULT_ACCERR);
    vm_case_load(&c, other, THERE + PAGES(4), 5);
    c.space->ops->destroy(c.space);
    assert_true(vm_check(c.rig.vm));
    vm_case_load(&c, other, THERE + PAGES(3), 4);
    other->ops->destroy(other);
    c.space = new_space(&c);
    vm_case_fini(&c);
}

static void
test_evicted(void **state)
{
    struct vm_case c;
    struct space_page page;
    (void)state;
    vm_case_init(&c, 32, 64);
    struct space *other = new_space(&c);
    vm_case_map(c.space, BASE, PAGES(1));
    share_there(&c, other);
    vm_case_store(&c, c.space, BASE, 9);
    vm_case_load(&c, other, THERE, 9);
    other->ops->page(other, THERE, &page);
    assert_int_equal(page.state, SPACE_PAGE_RESIDENT);
    assert_int_equal(page.sharers, 2);
    assert_true(page.dirty);
    assert_int_equal(c.space->ops->evict(c.space, BASE + 1), PGW_OK);
    other->ops->page(other, THERE, &page);
    assert_int_equal(page.state, SPACE_PAGE_SWAPPED);
    assert_int_not_equal(page.slot, PAGER_SLOT_NONE);
    vm_case_store(&c, other, THERE, 10);
    vm_case_load(&c, c.space, BASE, 10);
    c.space->ops->page(c.space, BASE + PAGES(1), &page);
    assert_int_equal(page.state, SPACE_PAGE_UNMAPPED);
    other->ops->destroy(other);
    vm_case_fini(&c);
}

static void
test_refusals(void **state)
{
    struct vm_case c;
    uint64_t va = THERE;
    (void)state;
    vm_case_init(&c, 64, 0);
    struct space *other = new_space(&c);
    vm_case_map(c.space, BASE, PAGES(2));
    vm_case_map(other, THERE + PAGES(1), PAGES(1));
    assert_int_equal(other->ops->share(other, c.space, BASE, RW, &va), PGW_EXIST);
    assert_int_equal(other->ops->share(other, c.space, BASE + PAGES(1), RW, &va), PGW_NOTFOUND);
    va = THERE + 1;
    assert_int_equal(other->ops->share(other, c.space, BASE, RW, &va), PGW_INVAL);
    va = UINT64_C(1) << 60;
    assert_int_equal(other->ops->share(other, c.space, BASE, RW, &va), PGW_RANGE);
    va = 0;
    assert_int_equal(other->ops->share(other, c.space, BASE, 8, &va), PGW_INVAL);
    struct space_map_args stack = {.va = BASE + PAGES(64),
        .len = PAGES(2),
        .prot = RW,
        .flags = SPACE_FIXED | SPACE_GROWSDOWN,
        .len_max = PAGES(8)};
    assert_int_equal(vm_case_map_args(c.space, stack, &va), PGW_OK);
    va = 0;
    assert_int_equal(other->ops->share(other, c.space, BASE + PAGES(64), RW, &va), PGW_UNSUPPORTED);
    va = 0;
    assert_int_equal(other->ops->share(other, c.space, BASE, RW, &va), PGW_OK);
    assert_int_not_equal(va, 0);
    other->ops->destroy(other);
    vm_case_fini(&c);
}

#define MANY_SPACES 4u
#define MANY_PAGES 24u

/* Writes, reads, evictions and forks at random, in little RAM; one array knows what is right. */
static void
test_random(void **state)
{
    struct vm_case c;
    struct space *space[MANY_SPACES];
    unsigned char right[MANY_PAGES] = {0};
    struct base_rng rng;
    uint64_t seed = test_seed();
    (void)state;
    base_rng_init(&rng, seed);
    vm_case_init(&c, 40, 256);
    vm_case_map(c.space, BASE, PAGES(MANY_PAGES));
    space[0] = c.space;
    for (unsigned i = 1; i < MANY_SPACES; i++) {
        uint64_t va = BASE;
        space[i] = new_space(&c);
        assert_int_equal(space[i]->ops->share(space[i], c.space, BASE, RW, &va), PGW_OK);
    }
    for (unsigned n = 0; n < 4000; n++) {
        struct space *who = space[base_rng_below(&rng, MANY_SPACES)];
        unsigned i = (unsigned)base_rng_below(&rng, MANY_PAGES);
        switch (base_rng_below(&rng, 8)) {
        case 0:
            (void)!who->ops->evict(who, BASE + PAGES(i));
            break;
        case 1:
        case 2:
        case 3:
            right[i]++;
            vm_case_store(&c, who, BASE + PAGES(i), right[i]);
            break;
        case 4:
            if (n % 16 == 0) {
                struct space *child = vm_case_fork(who);
                vm_case_store(&c, child, BASE + PAGES(i), ++right[i]);
                child->ops->destroy(child);
            }
            break;
        default:
            vm_case_load(&c, who, BASE + PAGES(i), right[i]);
        }
        if (n % 64 == 0)
            assert_true(vm_check(c.rig.vm));
    }
    for (unsigned i = 1; i < MANY_SPACES; i++)
        space[i]->ops->destroy(space[i]);
    vm_case_fini(&c);
}

/* What is shared has a name that nothing else gets, wherever its records come to lie. */
static void
test_identity(void **state)
{
    struct vm_case c;
    uint64_t id, offset, before = 0, va;
    struct space_map_args args = {
        .va = BASE + PAGES(100), .len = PAGES(4), .prot = RW, .flags = SPACE_FIXED | SPACE_SHARED};

    (void)state;
    vm_case_init(&c, 64, 0);
    struct space *other = new_space(&c);
    vm_case_map(c.space, BASE, PAGES(4));
    share_there(&c, other);
    c.space->ops->identity(c.space, BASE + 5, &before, &offset);
    other->ops->identity(other, THERE + 5, &id, &va);
    assert_int_equal(id, before);
    assert_int_equal(va, offset);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(vm_case_map_args(c.space, args, &va), PGW_OK); /* in place of the last */
        c.space->ops->identity(c.space, va, &id, &offset);
        assert_int_not_equal(id, before);
        assert_int_not_equal(id, space_identity_own(c.space));
        before = id;
        assert_int_equal(c.space->ops->unmap(c.space, va, PAGES(4)), PGW_OK);
        c.space->ops->identity(c.space, va, &id, &offset);
        assert_int_equal(id, space_identity_own(c.space));
    }
    other->ops->destroy(other);
    vm_case_fini(&c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_both_see),
        cmocka_unit_test(test_over_a_fork),
        cmocka_unit_test(test_of_a_file),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_evicted),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
