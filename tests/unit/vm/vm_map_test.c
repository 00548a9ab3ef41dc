/* SPDX-License-Identifier: BSD-2-Clause */
/* The operations on a space's map: where things go, and every error. */
#include "unit/vm/vm_cases.h"

#define FRAMES 128u
#define SLOTS 64u
#define END ((uint64_t)1 << 38) /* sv39: half of it is the kernel's */
#define HUGE_LEN (~(uint64_t)0)
#define STACK_TOP ((uint64_t)0x30000000)

static enum pgw_status
map_at(struct space *space, uint64_t va, uint64_t len, unsigned flags)
{
    return vm_case_map_args(
        space, (struct space_map_args){.va = va, .len = len, .prot = RW, .flags = flags}, &va);
}

static void
test_map_errors(void **state)
{
    struct vm_case c;
    uint64_t va = 1;

    (void)state;
    vm_case_init(&c, FRAMES, SLOTS);
    assert_int_equal(map_at(c.space, BASE, 0, SPACE_FIXED), PGW_INVAL);
    assert_int_equal(map_at(c.space, BASE + 1, PAGE_SIZE, SPACE_FIXED), PGW_INVAL);
    assert_int_equal(map_at(c.space, END, PAGE_SIZE, SPACE_FIXED), PGW_RANGE);
    assert_int_equal(map_at(c.space, END - PAGE_SIZE, PAGES(2), SPACE_FIXED), PGW_RANGE);
    assert_int_equal(map_at(c.space, HUGE_LEN << PAGE_SHIFT, PAGES(2), SPACE_FIXED), PGW_RANGE);
    assert_int_equal(map_at(c.space, 0, HUGE_LEN, 0), PGW_RANGE);
    assert_int_equal(map_at(c.space, 0, HUGE_LEN << PAGE_SHIFT, 0), PGW_RANGE);
    assert_int_equal(map_at(c.space, BASE, HUGE_LEN, SPACE_FIXED), PGW_RANGE);
    assert_int_equal(map_at(c.space, 0, END, 0), PGW_NOSPACE);
    struct space_map_args odd = {.len = PAGE_SIZE, .prot = RW, .offset = 5};
    assert_int_equal(vm_case_map_args(c.space, odd, &va), PGW_INVAL);
    struct space_map_args rights = {.len = PAGE_SIZE, .prot = 8 | RW};
    assert_int_equal(vm_case_map_args(c.space, rights, &va), PGW_INVAL);
    assert_int_equal(va, 1);
    assert_int_equal(vm_case_regions(&c), 0);
    vm_case_map(c.space, BASE, PAGE_SIZE);
    assert_int_equal(map_at(c.space, BASE, PAGE_SIZE, SPACE_FIXED | SPACE_NOREPLACE), PGW_EXIST);
    assert_int_equal(
        map_at(c.space, BASE - PAGE_SIZE, PAGES(3), SPACE_FIXED | SPACE_NOREPLACE), PGW_EXIST);
    assert_int_equal(vm_case_counts(c.space).mapped, PAGE_SIZE);
    vm_case_fini(&c);
}

static void
test_offset_overflow(void **state)
{
    struct vm_case c;
    uint64_t last = ~(uint64_t)0 << PAGE_SHIFT;
    uint64_t va;

    (void)state;
    vm_case_init(&c, FRAMES, SLOTS);
    assert_int_equal(vm_rig_add_file(&c.rig, 4, 100), PGW_OK);
    struct space_map_args args = {
        .len = PAGES(2), .prot = RW, .object = c.rig.file, .offset = last};
    assert_int_equal(vm_case_map_args(c.space, args, &va), PGW_RANGE);
    /* One page short of the end is a mapping like others, beyond its file; it cannot grow. */
    args.offset = last - PAGES(1);
    assert_int_equal(vm_case_map_args(c.space, args, &va), PGW_RANGE);
    args.len = PAGE_SIZE;
    assert_int_equal(vm_case_map_args(c.space, args, &va), PGW_OK);
    unsigned char byte;
    assert_int_equal(vm_rig_load(&c.rig, c.space, va, &byte), SPACE_FAULT_BUS);
    uint64_t to = va;
    assert_int_equal(
        c.space->ops->remap(c.space, va, PAGE_SIZE, PAGES(3), true, false, &to), PGW_RANGE);
    vm_case_fini(&c);
}

static void
test_unmap(void **state)
{
    struct vm_case c;

    (void)state;
    vm_case_init(&c, FRAMES, SLOTS);
    struct space *space = c.space;
    assert_int_equal(space->ops->unmap(space, BASE, 0), PGW_INVAL);
    assert_int_equal(space->ops->unmap(space, BASE + 8, PAGE_SIZE), PGW_INVAL);
    assert_int_equal(space->ops->unmap(space, BASE, HUGE_LEN), PGW_RANGE);
    assert_int_equal(space->ops->unmap(space, END, PAGE_SIZE), PGW_RANGE);
    assert_int_equal(space->ops->unmap(space, BASE, PAGES(50)), PGW_OK); /* nothing there */
    vm_case_map(space, BASE, PAGES(8));
    for (unsigned i = 0; i < 8; i++)
        vm_case_fill(space, BASE + PAGES(i), i + 1);
    assert_int_equal(space->ops->unmap(space, BASE + PAGES(3), PAGE_SIZE + 1), PGW_OK);
    assert_int_equal(vm_case_counts(space).mapped, PAGES(6));
    assert_int_equal(vm_case_counts(space).resident, 6);
    unsigned char byte;
    assert_int_equal(vm_rig_load(&c.rig, space, BASE + PAGES(3), &byte), SPACE_FAULT_MAPERR);
    assert_int_equal(vm_rig_load(&c.rig, space, BASE + PAGES(4), &byte), SPACE_FAULT_MAPERR);
    vm_case_expect(space, BASE + PAGES(2), 3);
    vm_case_expect(space, BASE + PAGES(5), 6);
    /* The hole is filled again: zeros, and one region. */
    vm_case_map(space, BASE + PAGES(3), PAGES(2));
    vm_case_expect(space, BASE + PAGES(3), 0);
    assert_int_equal(vm_case_regions(&c), 1);
    for (unsigned i = 0; i < 8; i++)
        vm_case_expect(space, BASE + PAGES(i), i == 3 || i == 4 ? 0 : i + 1);
    vm_case_fini(&c);
}

static void
test_holes_and_hints(void **state)
{
    struct vm_case c;
    uint64_t a, b, va;

    (void)state;
    vm_case_init(&c, FRAMES, SLOTS);
    struct space_map_args args = {.len = PAGES(4), .prot = RW};
    assert_int_equal(vm_case_map_args(c.space, args, &a), PGW_OK);
    assert_int_equal(a, END - SPACE_GUARD - PAGES(4));
    args.prot = PROT_MASK_R;
    assert_int_equal(vm_case_map_args(c.space, args, &b), PGW_OK);
    assert_int_equal(b, a - PAGES(4)); /* right below */
    args.va = BASE + 123;
    assert_int_equal(vm_case_map_args(c.space, args, &va), PGW_OK);
    assert_int_equal(va, BASE);
    args.va = BASE; /* taken: as without a hint */
    assert_int_equal(vm_case_map_args(c.space, args, &va), PGW_OK);
    assert_int_equal(va, b - PAGES(4));
    assert_int_equal(c.space->ops->unmap(c.space, b, PAGES(4)), PGW_OK);
    args.va = 0;
    args.len = PAGES(5); /* too large for the hole of four */
    assert_int_equal(vm_case_map_args(c.space, args, &va), PGW_OK);
    assert_true(va < b - PAGES(4));
    args.len = PAGES(4);
    assert_int_equal(vm_case_map_args(c.space, args, &va), PGW_OK);
    assert_int_equal(va, b);
    vm_case_fini(&c);
}

static void
test_find(void **state)
{
    struct vm_case c;
    struct space_region region;

    (void)state;
    vm_case_init(&c, FRAMES, SLOTS);
    assert_false(c.space->ops->find(c.space, 0, &region));
    vm_case_map(c.space, BASE, PAGES(2));
    assert_true(c.space->ops->find(c.space, 0, &region));
    assert_int_equal(region.start, BASE);
    assert_true(c.space->ops->find(c.space, BASE + PAGES(2) - 1, &region));
    assert_int_equal(region.end, BASE + PAGES(2));
    assert_int_equal(region.prot, RW);
    assert_null(region.object);
    assert_false(c.space->ops->find(c.space, BASE + PAGES(2), &region));
    assert_false(c.space->ops->find(c.space, HUGE_LEN, &region));
    vm_case_fini(&c);
}

static void
test_protect(void **state)
{
    struct vm_case c;
    unsigned char byte;

    (void)state;
    vm_case_init(&c, FRAMES, SLOTS);
    struct space *space = c.space;
    vm_case_map(space, BASE, PAGES(6));
    vm_case_map(space, BASE + PAGES(8), PAGES(2));
    for (unsigned i = 0; i < 6; i++)
        vm_case_fill(space, BASE + PAGES(i), i + 1);
    assert_int_equal(space->ops->protect(space, BASE, 0, RW), PGW_INVAL);
    assert_int_equal(space->ops->protect(space, BASE, PAGE_SIZE, 9), PGW_INVAL);
    assert_int_equal(space->ops->protect(space, BASE, HUGE_LEN, RW), PGW_RANGE);
    assert_int_equal(space->ops->protect(space, BASE, PAGES(10), PROT_MASK_R), PGW_NOTFOUND);
    vm_case_store(&c, space, BASE, 5); /* nothing was changed */
    vm_case_fill(space, BASE, 1);
    assert_int_equal(space->ops->protect(space, BASE + PAGES(2), PAGES(2), PROT_MASK_R), PGW_OK);
    assert_int_equal(vm_rig_store(&c.rig, space, BASE + PAGES(2), 1), SPACE_FAULT_ACCERR);
    vm_case_expect(space, BASE + PAGES(2), 3);
    assert_int_equal(space_write(space, BASE + PAGES(3), "x", 1, NULL), SPACE_FAULT_ACCERR);
    assert_int_equal(space->ops->protect(space, BASE + PAGES(2), PAGES(1), PROT_MASK_NONE), PGW_OK);
    assert_int_equal(vm_rig_load(&c.rig, space, BASE + PAGES(2), &byte), SPACE_FAULT_ACCERR);
    assert_int_equal(space->ops->protect(space, BASE + PAGES(2), PAGES(1), PROT_MASK_X), PGW_OK);
    assert_int_equal(space->ops->fault(space, BASE + PAGES(2), ACCESS_EXEC), SPACE_FAULT_OK);
    assert_int_equal(space->ops->fault(space, BASE + PAGES(2), ACCESS_WRITE), SPACE_FAULT_ACCERR);
    assert_int_equal(space->ops->protect(space, BASE + PAGES(2), PAGES(2), PROT_MASK_W), PGW_OK);
    for (unsigned i = 0; i < 6; i++) { /* what can be written can be read */
        vm_case_expect(space, BASE + PAGES(i), i + 1);
        vm_case_store(&c, space, BASE + PAGES(i), 9);
    }
    vm_case_fini(&c);
}

/* Neighbours that are alike again are one region again, with every byte in its place. */
static void
test_protect_merges(void **state)
{
    struct vm_case c;
    uint64_t to = 0;

    (void)state;
    vm_case_init(&c, FRAMES, SLOTS);
    struct space *space = c.space;
    vm_case_map(space, BASE, PAGES(90));
    for (unsigned i = 0; i < 90; i += 2)
        vm_case_fill(space, BASE + PAGES(i), i + 1);
    for (unsigned i = 1; i < 88; i += 3)
        assert_int_equal(
            space->ops->protect(space, BASE + PAGES(i), PAGE_SIZE, PROT_MASK_R), PGW_OK);
    assert_int_equal(vm_case_regions(&c), 59);
    assert_true(vm_check(c.rig.vm));
    for (unsigned i = 1; i < 88; i += 3)
        assert_int_equal(space->ops->protect(space, BASE + PAGES(i), PAGE_SIZE, RW), PGW_OK);
    assert_int_equal(vm_case_regions(&c), 1);
    assert_true(vm_check(c.rig.vm));
    assert_int_equal(
        space->ops->remap(space, BASE, PAGES(90), PAGES(120), true, false, &to), PGW_OK);
    for (unsigned i = 0; i < 90; i++)
        vm_case_expect(space, to + PAGES(i), i % 2 == 0 ? i + 1 : 0);
    vm_case_fini(&c);
}

/* A range of several regions, made alike in one call. */
static void
test_protect_merges_range(void **state)
{
    struct vm_case c;

    (void)state;
    vm_case_init(&c, FRAMES, SLOTS);
    struct space *space = c.space;
    vm_case_map(space, BASE, PAGES(64));
    for (unsigned i = 0; i < 64; i++)
        vm_case_fill(space, BASE + PAGES(i), i + 1);
    struct space *child = vm_case_fork(space);
    for (unsigned i = 0; i < 64; i += 2)
        assert_int_equal(
            space->ops->protect(space, BASE + PAGES(i), PAGE_SIZE, PROT_MASK_R), PGW_OK);
    assert_int_equal(space->ops->protect(space, BASE + PAGES(3), PAGES(50), RW), PGW_OK);
    assert_int_equal(space->ops->protect(space, BASE, PAGES(64), RW), PGW_OK);
    assert_int_equal(vm_case_regions(&c), 2); /* and the child's */
    for (unsigned i = 0; i < 64; i++) {
        vm_case_expect(space, BASE + PAGES(i), i + 1);
        vm_case_fill(space, BASE + PAGES(i), 100);
        vm_case_expect(child, BASE + PAGES(i), i + 1);
    }
    child->ops->destroy(child);
    vm_case_fini(&c);
}

/* Growing a heap keeps one region; so does a reservation that is opened piece by piece. */
static void
test_growth_keeps_one_region(void **state)
{
    struct vm_case c;
    uint64_t va;

    (void)state;
    vm_case_init(&c, FRAMES, SLOTS);
    for (unsigned i = 0; i < 20; i++) {
        vm_case_map(c.space, BASE + PAGES(i), PAGE_SIZE);
        vm_case_fill(c.space, BASE + PAGES(i), i + 1);
    }
    assert_int_equal(vm_case_regions(&c), 1);
    struct space_map_args args = {
        .va = 4 * BASE, .len = (uint64_t)200 << 30, .prot = PROT_MASK_NONE, .flags = SPACE_FIXED};
    assert_int_equal(vm_case_map_args(c.space, args, &va), PGW_OK);
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(c.space->ops->protect(c.space, va + PAGES(i), PAGE_SIZE, RW), PGW_OK);
        vm_case_fill(c.space, va + PAGES(i), i + 1);
    }
    assert_int_equal(vm_case_regions(&c), 3);
    for (unsigned i = 0; i < 20; i++)
        vm_case_expect(c.space, va + PAGES(i), i + 1);
    vm_case_fini(&c);
}

static enum pgw_status
remap(struct space *space, uint64_t old, uint64_t old_len, uint64_t new_len, bool may_move,
    uint64_t *va)
{
    return space->ops->remap(space, old, old_len, new_len, may_move, false, va);
}

static void
test_remap_errors(void **state)
{
    struct vm_case c;
    uint64_t va = 77;

    (void)state;
    vm_case_init(&c, FRAMES, SLOTS);
    vm_case_map(c.space, BASE, PAGES(4));
    vm_case_map(c.space, BASE + PAGES(6), PAGES(1));
    assert_int_equal(remap(c.space, BASE + 1, PAGES(1), PAGES(2), true, &va), PGW_INVAL);
    assert_int_equal(remap(c.space, BASE, 0, PAGES(2), true, &va), PGW_INVAL);
    assert_int_equal(remap(c.space, BASE, PAGES(1), 0, true, &va), PGW_INVAL);
    assert_int_equal(remap(c.space, BASE, HUGE_LEN, PAGES(1), true, &va), PGW_RANGE);
    assert_int_equal(remap(c.space, BASE, PAGES(1), HUGE_LEN, true, &va), PGW_RANGE);
    assert_int_equal(remap(c.space, BASE, PAGES(5), PAGES(6), true, &va), PGW_NOTFOUND);
    assert_int_equal(remap(c.space, BASE - PAGES(1), PAGES(1), PAGES(1), true, &va), PGW_NOTFOUND);
    assert_int_equal(remap(c.space, BASE, PAGES(4), PAGES(7), false, &va), PGW_NOSPACE);
    assert_int_equal(remap(c.space, BASE, PAGES(2), PAGES(3), false, &va), PGW_NOSPACE);
    assert_int_equal(remap(c.space, BASE, PAGES(4), END, true, &va), PGW_NOSPACE);
    assert_int_equal(va, 77);
    assert_int_equal(vm_case_regions(&c), 2);
    vm_case_fini(&c);
}

/* A fixed target that is refused leaves the mapping as long as it was. */
static void
test_remap_fixed_errors(void **state)
{
    struct vm_case c;
    uint64_t bad[] = {BASE, BASE + PAGES(3), BASE + 1, END, END - PAGE_SIZE};

    (void)state;
    vm_case_init(&c, FRAMES, SLOTS);
    vm_case_map(c.space, BASE, PAGES(4));
    for (unsigned i = 0; i < 4; i++)
        vm_case_fill(c.space, BASE + PAGES(i), i + 1);
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint64_t va = bad[i];
        assert_int_equal(c.space->ops->remap(c.space, BASE, PAGES(4), PAGES(2), true, true, &va),
            i < 3 ? PGW_INVAL : PGW_RANGE);
        assert_int_equal(vm_case_counts(c.space).mapped, PAGES(4));
        for (unsigned k = 0; k < 4; k++)
            vm_case_expect(c.space, BASE + PAGES(k), k + 1);
    }
    vm_case_fini(&c);
}

/* A stack that is joined with what lies above it still counts its pages from as far down as it may
 * grow. */
static void
test_stack_grows_after_join(void **state)
{
    struct space_map_args args = {.va = BASE + PAGES(8),
        .len = PAGES(2),
        .len_max = PAGES(100),
        .prot = RW,
        .flags = SPACE_FIXED | SPACE_GROWSDOWN,
        .use = SPACE_USE_ANON};
    struct vm_case c;
    uint64_t va;

    (void)state;
    vm_case_init(&c, FRAMES, SLOTS);
    vm_case_map(c.space, BASE, PAGES(20));
    for (unsigned i = 0; i < 20; i++)
        vm_case_fill(c.space, BASE + PAGES(i), 1 + i);
    assert_int_equal(c.space->ops->unmap(c.space, BASE, PAGES(10)), PGW_OK);
    assert_int_equal(vm_case_map_args(c.space, args, &va), PGW_OK);
    vm_case_fill(c.space, BASE - PAGES(5), 77);
    vm_case_fill(c.space, BASE + PAGES(9), 78);
    assert_true(vm_check(c.rig.vm));
    assert_int_equal(c.space->ops->protect(c.space, BASE, PAGES(12), PROT_MASK_R), PGW_OK);
    vm_case_expect(c.space, BASE - PAGES(5), 77);
    vm_case_expect(c.space, BASE + PAGES(9), 78);
    for (unsigned i = 10; i < 20; i++)
        vm_case_expect(c.space, BASE + PAGES(i), 1 + i);
    vm_case_fini(&c);
}

/* Shared memory that is to be mapped once more over itself would be gone first. */
static void
test_remap_again_over_itself(void **state)
{
    struct space_map_args args = {.va = BASE,
        .len = PAGES(4),
        .prot = RW,
        .flags = SPACE_FIXED | SPACE_SHARED,
        .use = SPACE_USE_ANON};
    struct vm_case c;
    uint64_t va;

    (void)state;
    vm_case_init(&c, FRAMES, SLOTS);
    assert_int_equal(vm_case_map_args(c.space, args, &va), PGW_OK);
    vm_case_fill(c.space, BASE, 1);
    vm_case_fill(c.space, BASE + PAGES(1), 2);
    for (unsigned i = 0; i < 2; i++) { /* its first page, and one in the middle */
        va = BASE + PAGES(i);
        assert_int_equal(
            c.space->ops->remap(c.space, va, 0, PAGES(3), true, SPACE_FIXED, &va), PGW_INVAL);
        assert_int_equal(vm_case_counts(c.space).mapped, PAGES(4));
        vm_case_expect(c.space, BASE + PAGES(i), 1 + i);
    }
    va = BASE; /* before it is another matter */
    vm_case_fill(c.space, BASE + PAGES(2), 3);
    assert_int_equal(
        c.space->ops->remap(c.space, BASE + PAGES(2), 0, PAGES(2), true, SPACE_FIXED, &va), PGW_OK);
    vm_case_expect(c.space, BASE, 3);
    vm_case_fill(c.space, BASE, 1);
    vm_case_expect(c.space, BASE + PAGES(2), 1);
    vm_case_fill(c.space, BASE + PAGES(1), 2);
    va = BASE + PAGES(1); /* and behind it */
    assert_int_equal(
        c.space->ops->remap(c.space, BASE, 0, PAGES(3), true, SPACE_FIXED, &va), PGW_OK);
    vm_case_expect(c.space, BASE + PAGES(1), 1);
    vm_case_expect(c.space, BASE + PAGES(2), 2);
    vm_case_fini(&c);
}

static void
test_remap_in_place(void **state)
{
    struct vm_case c;
    uint64_t va = 0;

    (void)state;
    vm_case_init(&c, FRAMES, SLOTS);
    vm_case_map(c.space, BASE, PAGES(2));
    vm_case_fill(c.space, BASE, 1);
    assert_int_equal(remap(c.space, BASE, PAGES(2), PAGES(2), false, &va), PGW_OK);
    assert_int_equal(va, BASE);
    assert_int_equal(remap(c.space, BASE, PAGES(2), PAGES(5) - 100, false, &va), PGW_OK);
    assert_int_equal(va, BASE);
    assert_int_equal(vm_case_counts(c.space).mapped, PAGES(5));
    vm_case_fill(c.space, BASE + PAGES(4), 2);
    assert_int_equal(remap(c.space, BASE, PAGES(5), PAGES(1), false, &va), PGW_OK);
    assert_int_equal(vm_case_counts(c.space).mapped, PAGES(1));
    assert_int_equal(vm_case_counts(c.space).resident, 1);
    vm_case_expect(c.space, BASE, 1);
    assert_int_equal(remap(c.space, BASE, PAGES(1), PAGES(5), false, &va), PGW_OK);
    vm_case_expect(c.space, BASE + PAGES(4), 0); /* what was cut off does not come back */
    vm_case_fini(&c);
}

/* Up, and down below the old anchor, with a page on swap; then cut and grown again. */
static void
test_remap_moves(void **state)
{
    struct vm_case c;
    uint64_t va = BASE / 2;

    (void)state;
    vm_case_init(&c, FRAMES, SLOTS);
    vm_case_map(c.space, BASE, PAGES(4));
    vm_case_map(c.space, va + PAGES(1), PAGES(1)); /* replaced by the move */
    for (unsigned i = 0; i < 4; i++)
        vm_case_fill(c.space, BASE + PAGES(i), i + 1);
    assert_int_equal((c.space)->ops->evict(c.space, BASE + PAGES(2)), PGW_OK);
    assert_int_equal(
        c.space->ops->remap(c.space, BASE + PAGES(1), PAGES(3), PAGES(5), true, true, &va), PGW_OK);
    assert_int_equal(va, BASE / 2);
    unsigned char byte;
    assert_int_equal(vm_rig_load(&c.rig, c.space, BASE + PAGES(1), &byte), SPACE_FAULT_MAPERR);
    vm_case_expect(c.space, BASE, 1);
    for (unsigned i = 1; i < 6; i++)
        vm_case_expect(c.space, va + PAGES(i - 1), i < 4 ? i + 1 : 0);
    assert_true(vm_check(c.rig.vm));
    /* Shrunk and moved in one call, upwards. */
    uint64_t up = 3 * BASE;
    assert_int_equal(c.space->ops->remap(c.space, va, PAGES(5), PAGES(2), true, true, &up), PGW_OK);
    vm_case_expect(c.space, up, 2);
    vm_case_expect(c.space, up + PAGES(1), 3);
    assert_int_equal(vm_case_counts(c.space).mapped, PAGES(3));
    /* Blocked above: moves by itself. */
    vm_case_map(c.space, up + PAGES(2), PAGES(1));
    uint64_t to = 0;
    assert_int_equal(remap(c.space, up, PAGES(1), PAGES(40), true, &to), PGW_OK);
    vm_case_expect(c.space, to, 2);
    vm_case_expect(c.space, up + PAGES(1), 3);
    vm_case_fini(&c);
}

static uint64_t
map_stack(struct space *space, uint64_t len, uint64_t len_max)
{
    struct space_map_args args = {.va = STACK_TOP - len,
        .len = len,
        .prot = RW,
        .flags = SPACE_FIXED | SPACE_GROWSDOWN,
        .use = SPACE_USE_STACK,
        .len_max = len_max};
    uint64_t va;

    assert_int_equal(vm_case_map_args(space, args, &va), PGW_OK);
    return va;
}

static void
test_stack_limit(void **state)
{
    struct vm_case c;
    unsigned char byte;

    (void)state;
    vm_case_init(&c, FRAMES, SLOTS);
    map_stack(c.space, PAGES(2), PAGES(20));
    vm_case_store(&c, c.space, STACK_TOP - PAGES(3), 1); /* one below */
    assert_int_equal(vm_case_counts(c.space).mapped, PAGES(3));
    vm_case_store(&c, c.space, STACK_TOP - PAGES(20), 2); /* the last that it may have */
    assert_int_equal(vm_case_counts(c.space).mapped, PAGES(20));
    assert_int_equal(
        vm_rig_load(&c.rig, c.space, STACK_TOP - PAGES(21), &byte), SPACE_FAULT_MAPERR);
    vm_case_load(&c, c.space, STACK_TOP - PAGES(3), 1);
    vm_case_load(&c, c.space, STACK_TOP - PAGES(10), 0);
    vm_case_fini(&c);
}

static void
test_stack_guard(void **state)
{
    struct vm_case c;
    uint64_t below = STACK_TOP - SPACE_GUARD - PAGES(12);
    unsigned char byte;
    uint64_t va;

    (void)state;
    vm_case_init(&c, FRAMES, SLOTS);
    map_stack(c.space, PAGES(2), (uint64_t)64 << 20);
    vm_case_map(c.space, below, PAGES(2)); /* leaves room for ten pages and the gap */
    vm_case_store(&c, c.space, STACK_TOP - PAGES(10), 1);
    assert_int_equal(
        vm_rig_load(&c.rig, c.space, STACK_TOP - PAGES(11), &byte), SPACE_FAULT_MAPERR);
    assert_int_equal(c.space->ops->unmap(c.space, below, PAGES(2)), PGW_OK);
    vm_case_store(&c, c.space, STACK_TOP - PAGES(11), 1);
    /* A place that is not asked for is never within its reach. */
    struct space_map_args args = {.len = END - SPACE_GUARD - STACK_TOP, .prot = RW};
    assert_int_equal(vm_case_map_args(c.space, args, &va), PGW_OK);
    assert_int_equal(va, STACK_TOP);
    args.len = PAGE_SIZE;
    assert_int_equal(vm_case_map_args(c.space, args, &va), PGW_OK);
    assert_int_equal(va, STACK_TOP - ((uint64_t)64 << 20) - SPACE_GUARD - PAGE_SIZE);
    vm_case_fini(&c);
}

/* Cut in two by mprotect, a stack goes on growing at its lower end. */
static void
test_stack_split(void **state)
{
    struct vm_case c;

    (void)state;
    vm_case_init(&c, FRAMES, SLOTS);
    map_stack(c.space, PAGES(4), PAGES(30));
    for (unsigned i = 1; i <= 4; i++)
        vm_case_fill(c.space, STACK_TOP - PAGES(i), i);
    assert_int_equal(
        c.space->ops->protect(c.space, STACK_TOP - PAGES(2), PAGES(2), PROT_MASK_R), PGW_OK);
    vm_case_fill(c.space, STACK_TOP - PAGES(30), 30);
    assert_int_equal(vm_rig_store(&c.rig, c.space, STACK_TOP - PAGES(31), 1), SPACE_FAULT_MAPERR);
    assert_int_equal(c.space->ops->protect(c.space, STACK_TOP - PAGES(2), PAGES(2), RW), PGW_OK);
    assert_int_equal(vm_case_regions(&c), 1);
    assert_int_equal(vm_rig_store(&c.rig, c.space, STACK_TOP - PAGES(31), 1), SPACE_FAULT_MAPERR);
    struct space *child = vm_case_fork(c.space);
    for (unsigned i = 1; i <= 4; i++)
        vm_case_expect(child, STACK_TOP - PAGES(i), i);
    child->ops->destroy(child);
    vm_case_fini(&c);
}

/* Addresses that only the low bits make look good. */
static void
test_wild_addresses(void **state)
{
    struct vm_case c;
    unsigned char byte;
    size_t done = 5;

    (void)state;
    vm_case_init(&c, FRAMES, SLOTS);
    vm_case_map(c.space, BASE, PAGE_SIZE);
    vm_case_fill(c.space, BASE, 1);
    uint64_t wild[] = {BASE + END, BASE + 2 * END, BASE | (uint64_t)1 << 63, ~(uint64_t)0, 0};
    for (unsigned i = 0; i < sizeof wild / sizeof wild[0]; i++) {
        assert_int_equal(space_read(c.space, wild[i], &byte, 1, &done), SPACE_FAULT_MAPERR);
        assert_int_equal(done, 0);
        assert_int_equal(c.space->ops->fault(c.space, wild[i], ACCESS_READ), SPACE_FAULT_MAPERR);
        assert_int_equal((c.space)->ops->evict(c.space, wild[i]), PGW_NOTFOUND);
    }
    char text[PAGE_SIZE];
    assert_int_equal(space_read(c.space, BASE + PAGE_SIZE - 3, text, 5, &done), SPACE_FAULT_MAPERR);
    assert_int_equal(done, 3);
    vm_case_fini(&c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_map_errors),
        cmocka_unit_test(test_offset_overflow), cmocka_unit_test(test_unmap),
        cmocka_unit_test(test_holes_and_hints), cmocka_unit_test(test_find),
        cmocka_unit_test(test_protect), cmocka_unit_test(test_protect_merges),
        cmocka_unit_test(test_protect_merges_range), cmocka_unit_test(test_growth_keeps_one_region),
        cmocka_unit_test(test_remap_errors), cmocka_unit_test(test_remap_fixed_errors),
        cmocka_unit_test(test_stack_grows_after_join),
        cmocka_unit_test(test_remap_again_over_itself), cmocka_unit_test(test_remap_in_place),
        cmocka_unit_test(test_remap_moves), cmocka_unit_test(test_stack_limit),
        cmocka_unit_test(test_stack_guard), cmocka_unit_test(test_stack_split),
        cmocka_unit_test(test_wild_addresses)};

    return cmocka_run_group_tests_name("vm map", tests, NULL, NULL);
}
