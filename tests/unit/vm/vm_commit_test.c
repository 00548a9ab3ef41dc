/* SPDX-License-Identifier: BSD-2-Clause */
/* What is promised: what counts, what is refused, and that what was promised is there. */
#include "unit/vm/vm_cases.h"

#include <string.h>

#include "pmap/pmaps.h"
#include "policy/policies.h"

static void
commit_init(struct vm_case *c, enum vm_overcommit mode, uint64_t frames, uint64_t slots)
{
    static struct vm_rig_config config;

    config = (struct vm_rig_config){.name = "commit",
        .pmap = &pmap_sv39,
        .policy = &policy_clock,
        .frames = frames,
        .swap_slots = slots,
        .overcommit = mode,
        .overcommit_ratio = 50,
        .tlb = "none"};
    vm_case_init_with(c, &config);
}

static uint64_t
committed(struct vm_case *c)
{
    return vm_case_stats(c).committed;
}

static enum pgw_status
map_at(struct space *space, uint64_t va, uint64_t npages, prot_t prot, unsigned flags)
{
    return vm_case_map_args(space,
        (struct space_map_args){
            .va = va, .len = PAGES(npages), .prot = prot, .flags = SPACE_FIXED | flags},
        &va);
}

/* Who pays: what can be written, whole; and it stays so. */
static void
test_counts(void **state)
{
    struct vm_case c;

    (void)state;
    commit_init(&c, VM_OVERCOMMIT_HEURISTIC, 256, 1024);
    uint64_t none = committed(&c);
    assert_int_equal(map_at(c.space, BASE, 10, PROT_MASK_NONE, 0), PGW_OK);
    assert_int_equal(map_at(c.space, BASE + PAGES(20), 10, PROT_MASK_R, 0), PGW_OK);
    assert_int_equal(map_at(c.space, BASE + PAGES(40), 10, RW, SPACE_NORESERVE), PGW_OK);
    assert_int_equal(committed(&c), none);
    assert_int_equal(map_at(c.space, BASE + PAGES(60), 10, RW, 0), PGW_OK);
    assert_int_equal(committed(&c), none + 10);
    assert_int_equal(c.space->ops->protect(c.space, BASE + PAGES(2), PAGES(3), RW), PGW_OK);
    assert_int_equal(committed(&c), none + 13);
    assert_int_equal(
        c.space->ops->protect(c.space, BASE + PAGES(2), PAGES(3), PROT_MASK_NONE), PGW_OK);
    assert_int_equal(committed(&c), none + 13);
    assert_int_equal(c.space->ops->protect(c.space, BASE, PAGES(10), RW), PGW_OK);
    assert_int_equal(committed(&c), none + 20);
    assert_true(vm_check(c.rig.vm));
    /* Mapping over it does not count it twice; unmapping a part gives that part back. */
    assert_int_equal(map_at(c.space, BASE, 10, RW, 0), PGW_OK);
    assert_int_equal(committed(&c), none + 20);
    assert_int_equal(c.space->ops->unmap(c.space, BASE + PAGES(4), PAGES(2)), PGW_OK);
    assert_int_equal(committed(&c), none + 18);
    struct space *child = vm_case_fork(c.space);
    assert_int_equal(committed(&c), none + 36);
    child->ops->destroy(child);
    assert_int_equal(committed(&c), none + 18);
    assert_int_equal(vm_case_stats(&c).committed_peak, none + 36);
    vm_case_fini(&c);
}

static void
test_shared_counts_once(void **state)
{
    struct vm_case c;
    struct space *other, *third;
    uint64_t va = BASE;

    (void)state;
    commit_init(&c, VM_OVERCOMMIT_NEVER, 256, 1024);
    vm_case_map(c.space, BASE, PAGES(10));
    assert_int_equal(vm_space_create(c.rig.vm, &other), PGW_OK);
    assert_int_equal(other->ops->share(other, c.space, BASE, RW, &va), PGW_OK);
    third = vm_case_fork(other);
    assert_int_equal(committed(&c), 10);
    assert_int_equal(c.space->ops->unmap(c.space, BASE, PAGES(10)), PGW_OK);
    assert_int_equal(committed(&c), 10);
    other->ops->destroy(other);
    assert_true(vm_check(c.rig.vm));
    third->ops->destroy(third);
    assert_int_equal(committed(&c), 0);
    vm_case_fini(&c);
}

static void
test_heuristic_and_always(void **state)
{
    struct vm_case c;

    (void)state;
    commit_init(&c, VM_OVERCOMMIT_HEURISTIC, 256, 1024);
    assert_int_equal(map_at(c.space, BASE, 256 + 1024, RW, 0), PGW_OK);
    assert_int_equal(
        map_at(c.space, BASE + PAGES(2000), 1024, RW, 0), PGW_OK); /* the sum is free */
    assert_int_equal(map_at(c.space, BASE + PAGES(9000), 1281, RW, 0), PGW_NOCOMMIT);
    assert_int_equal(map_at(c.space, BASE + PAGES(9000), 9999, PROT_MASK_NONE, 0), PGW_OK);
    assert_int_equal(
        c.space->ops->protect(c.space, BASE + PAGES(9000), PAGES(9999), RW), PGW_NOCOMMIT);
    assert_int_equal(vm_case_stats(&c).commit_refused, 2);
    vm_case_fini(&c);
    commit_init(&c, VM_OVERCOMMIT_ALWAYS, 256, 1024);
    assert_int_equal(map_at(c.space, BASE, 999999, RW, 0), PGW_OK);
    vm_case_fini(&c);
}

/* The limit is swap and half of RAM; whatever is refused leaves everything as it was. */
/* What shared memory is to have more is promised as well, in place or elsewhere. */
static void
test_shared_grows(void **state)
{
    struct vm_case c;
    struct space *other;
    uint64_t va = 0;

    (void)state;
    commit_init(&c, VM_OVERCOMMIT_NEVER, 256, 64);
    uint64_t none = committed(&c);
    assert_int_equal(map_at(c.space, BASE, 10, RW, 0), PGW_OK);
    assert_int_equal(vm_space_create(c.rig.vm, &other), PGW_OK);
    assert_int_equal(other->ops->share(other, c.space, BASE, RW, &va), PGW_OK);
    assert_int_equal(committed(&c), none + 10);
    assert_int_equal(
        c.space->ops->remap(c.space, BASE, PAGES(10), PAGES(15), false, 0, &va), PGW_OK);
    assert_int_equal(committed(&c), none + 15);
    assert_int_equal(
        c.space->ops->remap(c.space, BASE, PAGES(15), PAGES(10000), false, 0, &va), PGW_NOCOMMIT);
    va = 3 * BASE;
    assert_int_equal(
        c.space->ops->remap(c.space, BASE, PAGES(15), PAGES(20), true, SPACE_FIXED, &va), PGW_OK);
    assert_int_equal(committed(&c), none + 20);
    assert_true(vm_check(c.rig.vm));
    assert_int_equal(c.space->ops->unmap(c.space, 3 * BASE, PAGES(20)), PGW_OK);
    assert_int_equal(committed(&c), none + 20); /* the other still has it */
    other->ops->destroy(other);
    assert_int_equal(committed(&c), none);
    vm_case_fini(&c);
}

static void
test_never(void **state)
{
    struct vm_case c;
    uint64_t limit = 1024 + 512;

    (void)state;
    commit_init(&c, VM_OVERCOMMIT_NEVER, 1024, 1024);
    assert_int_equal(vm_case_stats(&c).commit_limit, limit);
    assert_int_equal(map_at(c.space, BASE, limit - 6, RW, SPACE_NORESERVE), PGW_OK);
    uint64_t regions = vm_case_regions(&c);
    assert_int_equal(map_at(c.space, BASE + PAGES(4000), 7, RW, 0), PGW_NOCOMMIT);
    assert_int_equal(map_at(c.space, BASE + PAGES(4000), 7, PROT_MASK_R, 0), PGW_OK);
    assert_int_equal(
        c.space->ops->protect(c.space, BASE + PAGES(4000), PAGES(7), RW), PGW_NOCOMMIT);
    assert_int_equal(vm_case_regions(&c), regions + 1);
    /* In place of what is there. */
    assert_int_equal(map_at(c.space, BASE + PAGES(100), 50, RW, 0), PGW_OK);
    struct space *child = NULL;
    assert_int_equal(c.space->ops->fork(c.space, &child), PGW_NOCOMMIT);
    assert_int_equal(committed(&c), limit - 6);
    /* A stack counts as it grows, and not beyond the limit. */
    struct space_map_args stack = {.va = BASE + PAGES(8000),
        .len = PAGES(2),
        .prot = RW,
        .flags = SPACE_FIXED | SPACE_GROWSDOWN,
        .len_max = PAGES(100)};
    uint64_t va;
    assert_int_equal(vm_case_map_args(c.space, stack, &va), PGW_OK);
    vm_case_store(&c, c.space, BASE + PAGES(7996), 1);
    assert_int_equal(committed(&c), limit);
    assert_int_equal(vm_rig_store(&c.rig, c.space, BASE + PAGES(7995), 1), SPACE_FAULT_MAPERR);
    /* Growth and moving count, too. */
    assert_int_equal(
        c.space->ops->remap(c.space, BASE, PAGES(100), PAGES(101), true, false, &va), PGW_NOCOMMIT);
    assert_int_equal(c.space->ops->unmap(c.space, BASE, PAGES(1)), PGW_OK);
    assert_int_equal(
        c.space->ops->remap(c.space, BASE + PAGES(1), PAGES(99), PAGES(100), true, false, &va),
        PGW_OK);
    assert_int_equal(committed(&c), limit);
    vm_case_fini(&c);
}

static void
room_init_with(struct vm_case *c, uint64_t frames, uint64_t slots, unsigned ratio)
{
    static struct vm_rig_config config;

    config = (struct vm_rig_config){.name = "room",
        .pmap = &pmap_sv39,
        .policy = &policy_clock,
        .frames = frames,
        .swap_slots = slots,
        .overcommit = VM_OVERCOMMIT_NEVER,
        .overcommit_ratio = ratio,
        .tlb = "none"};
    vm_case_init_with(c, &config);
}

static void
room_init(struct vm_case *c, uint64_t frames, uint64_t slots)
{
    room_init_with(c, frames, slots, 100);
}

/* RAM that the machine needs itself is not promised, whatever the ratio; a space costs its root. */
static void
test_never_leaves_room(void **state)
{
    struct vm_case c;
    struct space *other;

    (void)state;
    room_init(&c, 256, 0);
    uint64_t limit = vm_case_stats(&c).commit_limit;
    assert_in_range(limit, 128, 256 - 256 / 8 - 24);
    vm_case_map(c.space, BASE, PAGES(limit));
    assert_int_equal(vm_space_create(c.rig.vm, &other), PGW_NOCOMMIT);
    assert_int_equal(c.space->ops->unmap(c.space, BASE, PAGES(1)), PGW_OK);
    assert_int_equal(vm_space_create(c.rig.vm, &other), PGW_OK);
    assert_int_equal(vm_case_stats(&c).commit_limit, limit - 1);
    other->ops->destroy(other);
    vm_case_fini(&c);
    /* Linux allows a ratio above 100; here there is no more to promise. */
    room_init_with(&c, 256, 0, UINT32_MAX);
    assert_int_equal(vm_case_stats(&c).commit_limit, limit);
    vm_case_fini(&c);
}

/* However much swap there is, roots are not made of frames that every space needs. */
static void
test_never_has_frames_for_all_spaces(void **state)
{
    struct vm_case c;
    struct space *spaces[64] = {NULL};
    size_t n = 1;

    (void)state;
    room_init(&c, 64, 4096);
    spaces[0] = c.space;
    vm_case_map(c.space, BASE, PAGES(8));
    while (c.space->ops->fork(c.space, &spaces[n]) == PGW_OK)
        assert_true(++n < 64);
    assert_in_range(n, 8, 40);
    for (size_t i = 0; i < 8 * n; i++)
        for (unsigned page = 0; page < 8; page++)
            vm_case_store(&c, spaces[i % n], BASE + PAGES(page), (unsigned char)i);
    for (size_t i = 1; i < n; i++)
        spaces[i]->ops->destroy(spaces[i]);
    vm_case_fini(&c);
}

/* What is locked needs its frame as long as it is, whoever comes then. */
static void
test_never_keeps_frames_of_locks(void **state)
{
    struct vm_case c;
    struct space *other;
    uint64_t n = 0;

    (void)state;
    room_init(&c, 128, 4096);
    vm_case_map(c.space, BASE, PAGES(128));
    while (c.space->ops->lock(c.space, BASE + PAGES(n), PAGE_SIZE, SPACE_LOCK_NOW) == PGW_OK)
        n++;
    assert_in_range(n, 32, 127);
    assert_int_equal(vm_space_create(c.rig.vm, &other), PGW_NOCOMMIT);
    assert_int_equal(c.space->ops->lock(c.space, BASE, PAGE_SIZE, SPACE_UNLOCK), PGW_OK);
    assert_int_equal(vm_space_create(c.rig.vm, &other), PGW_OK);
    assert_int_equal(c.space->ops->lock(c.space, BASE, PAGE_SIZE, SPACE_LOCK_NOW), PGW_NORAM);
    other->ops->destroy(other);
    vm_case_fini(&c);
}

/* Locked pages and their tables leave the pages that one instruction needs. */
static void
test_never_leaves_room_for_an_instruction(void **state)
{
    enum { TABLES = 60, NEEDED = 6, TIMES = 50 };
    struct vm_case c;

    (void)state;
    room_init(&c, 64, 4096);
    for (uint64_t i = 0; i < TABLES; i++) { /* two pages, and a table */
        uint64_t va = BASE + (i << 21);
        vm_case_map(c.space, va, PAGES(2));
        if (c.space->ops->lock(c.space, va, PAGE_SIZE, SPACE_LOCK_NOW) == PGW_OK)
            vm_case_store(&c, c.space, va, (unsigned char)(i + 1));
        vm_case_store(&c, c.space, va + PAGE_SIZE, (unsigned char)(i + 2));
    }
    for (uint64_t i = 0; i < TABLES; i++)
        vm_case_load(&c, c.space, BASE + (i << 21) + PAGE_SIZE, (unsigned char)(i + 2));
    uint64_t faults = vm_case_stats(&c).faults;
    for (unsigned n = 0; n < NEEDED * TIMES; n++)
        vm_case_load(&c, c.space, BASE + ((uint64_t)(n % NEEDED) << 21) + PAGE_SIZE,
            (unsigned char)(n % NEEDED + 2));
    assert_in_range(vm_case_stats(&c).faults - faults, 0, 4 * NEEDED);
    vm_case_fini(&c);
}

#define KEEP_SPACES 3u
#define KEEP_SLOTS 12u

/* A stretch of promised pages, far from the others, so that each page needs tables of its own. */
struct stretch {
    uint64_t npages;
    unsigned char right[64];
};

struct keep {
    struct vm_case c;
    struct space *spaces[KEEP_SPACES];
    struct stretch at[KEEP_SPACES][KEEP_SLOTS];
};

static uint64_t
keep_va(unsigned slot, uint64_t page)
{
    return ((uint64_t)slot + 1) << 32 | (page << 21); /* one page a table */
}

static void
keep_map(struct keep *keep, unsigned s, unsigned slot, uint64_t npages)
{
    struct stretch *stretch = &keep->at[s][slot];

    if (keep->spaces[s] == NULL)
        return;
    for (uint64_t i = 0; i < stretch->npages; i++)
        assert_int_equal(
            keep->spaces[s]->ops->unmap(keep->spaces[s], keep_va(slot, i), PAGE_SIZE), PGW_OK);
    *stretch = (struct stretch){0};
    while (stretch->npages < npages &&
           map_at(keep->spaces[s], keep_va(slot, stretch->npages), 1, RW, 0) == PGW_OK)
        stretch->npages++;
}

static void
keep_touch(struct keep *keep, struct base_rng *rng, unsigned s, unsigned slot)
{
    struct stretch *stretch = &keep->at[s][slot];

    if (keep->spaces[s] == NULL)
        return;
    for (uint64_t i = 0; i < stretch->npages; i++) {
        unsigned char *right = &stretch->right[i];
        vm_case_load(&keep->c, keep->spaces[s], keep_va(slot, i), *right);
        *right = (unsigned char)base_rng_next(rng);
        vm_case_store(&keep->c, keep->spaces[s], keep_va(slot, i), *right);
        vm_case_load(&keep->c, keep->spaces[s], BASE + PAGES(i % 8), 0); /* a file's page */
    }
}

static void
keep_fork(struct keep *keep, unsigned from, unsigned to)
{
    if (from == to || keep->spaces[from] == NULL)
        return;
    if (keep->spaces[to] != NULL)
        keep->spaces[to]->ops->destroy(keep->spaces[to]);
    keep->spaces[to] = NULL;
    if (keep->spaces[from]->ops->fork(keep->spaces[from], &keep->spaces[to]) != PGW_OK)
        keep->spaces[to] = NULL; /* no memory for it: nobody suffers */
    else
        memcpy(keep->at[to], keep->at[from], sizeof keep->at[to]);
}

/* Random spaces that take all they are given, in all the ways they can, never find it missing. */
static uint64_t
keep_promises(const struct pmap_ops *pmap, uint64_t frames, uint64_t slots)
{
    struct vm_rig_config config = {.name = pmap->name,
        .pmap = pmap,
        .policy = &policy_clock,
        .frames = frames,
        .swap_slots = slots,
        .overcommit = VM_OVERCOMMIT_NEVER,
        .overcommit_ratio = 100,
        .tlb = "none"};
    struct keep keep = {0};
    struct base_rng rng;
    uint64_t refused = 0;

    test_rng_init(&rng, frames + slots);
    vm_case_init_with(&keep.c, &config);
    assert_int_equal(vm_rig_add_file(&keep.c.rig, 8, 0), PGW_OK);
    vm_case_map_file(&keep.c, BASE, PAGES(8), 0);
    for (unsigned i = 0; i < 8; i++) /* a private page of zeros each: files' patterns differ */
        vm_case_store(&keep.c, keep.c.space, BASE + PAGES(i), 0);
    keep.spaces[0] = keep.c.space;
    for (uint64_t n = test_rounds(150); n > 0; n--) {
        unsigned s = (unsigned)base_rng_below(&rng, KEEP_SPACES);
        unsigned slot = (unsigned)base_rng_below(&rng, KEEP_SLOTS);
        switch (base_rng_below(&rng, 8)) {
        case 0:
            keep_fork(&keep, s, 1 + (unsigned)base_rng_below(&rng, KEEP_SPACES - 1));
            break;
        case 1:
        case 2:
            keep_map(&keep, s, slot, base_rng_below(&rng, 64));
            break;
        default:
            keep_touch(&keep, &rng, s, slot);
        }
        refused = vm_case_stats(&keep.c).commit_refused;
        if (n % 16 == 0)
            assert_true(vm_check(keep.c.rig.vm));
    }
    assert_true(refused > 0);
    for (unsigned s = 1; s < KEEP_SPACES; s++)
        if (keep.spaces[s] != NULL)
            keep.spaces[s]->ops->destroy(keep.spaces[s]);
    uint64_t dropped = vm_case_stats(&keep.c).tables_dropped;
    vm_case_fini(&keep.c);
    return dropped;
}

static void
test_promises_are_kept(void **state)
{
    (void)state;
    uint64_t dropped = keep_promises(&pmap_sv39, 128, 0);
    dropped += keep_promises(&pmap_sv39, 128, 64);
    dropped += keep_promises(&pmap_sv39, 96, 300);
    dropped += keep_promises(&pmap_sv57, 128, 100);
    dropped += keep_promises(&pmap_x86_64, 200, 0);
    assert_true(dropped > 0); /* it was as tight as that */
}

/* Tens of thousands of mappings of a page each are found holes for, in time that does not grow with
 * their number; then there is an end. */
static void
test_many_regions(void **state)
{
    struct vm_case c;
    uint64_t va = 0, n = 0;
    enum pgw_status status;
    struct base_rng rng;

    (void)state;
    test_rng_init(&rng, 7);
    commit_init(&c, VM_OVERCOMMIT_ALWAYS, 256, 0);
    while ((status = vm_case_map_args(c.space,
                (struct space_map_args){
                    .len = PAGE_SIZE, .prot = n % 2 == 0 ? PROT_MASK_R : PROT_MASK_NONE},
                &va)) == PGW_OK)
        n++;
    assert_int_equal(status, PGW_NOMEM);
    assert_int_equal(n, 65530);
    /* The lowest one is at va.  A hole somewhere in the middle is found, if it is large enough. */
    for (unsigned i = 0; i < 1000; i++) {
        uint64_t hole = va + PAGES(2 + 4 * base_rng_below(&rng, 16000)), at = 0;
        assert_int_equal(c.space->ops->unmap(c.space, hole, PAGE_SIZE), PGW_OK);
        assert_int_equal(vm_case_map_args(c.space,
                             (struct space_map_args){.len = PAGES(2), .prot = PROT_MASK_R}, &at),
            PGW_OK);
        assert_true(at < va);
        assert_int_equal(c.space->ops->unmap(c.space, at, PAGES(2)), PGW_OK);
        assert_int_equal(
            vm_case_map_args(c.space, (struct space_map_args){.len = PAGES(1), .prot = RW}, &at),
            PGW_OK);
        assert_int_equal(at, hole);
    }
    /* Cutting one in two would make one too many. */
    assert_int_equal(c.space->ops->unmap(c.space, va, PAGES(4)), PGW_OK);
    assert_int_equal(map_at(c.space, va, 3, RW, 0), PGW_OK);
    vm_case_fini(&c);
}

/* The hole that is found is the one that a plain look at all regions finds. */
static void
test_holes_are_the_highest(void **state)
{
    struct vm_case c;
    struct base_rng rng;
    bool used[64] = {false};

    (void)state;
    test_rng_init(&rng, 8);
    commit_init(&c, VM_OVERCOMMIT_ALWAYS, 256, 0);
    uint64_t top, va = 0;
    assert_int_equal(
        vm_case_map_args(c.space, (struct space_map_args){.len = PAGES(64), .prot = RW}, &va),
        PGW_OK);
    top = va + PAGES(64);
    assert_int_equal(c.space->ops->unmap(c.space, va, PAGES(64)), PGW_OK);
    for (unsigned n = 0; n < test_rounds(3000); n++) {
        unsigned len = 1 + (unsigned)base_rng_below(&rng, 5), at = 64;
        if (base_rng_below(&rng, 2) == 0) {
            at = (unsigned)base_rng_below(&rng, 64 - len);
            assert_int_equal(
                c.space->ops->unmap(c.space, top - PAGES(64 - at), PAGES(len)), PGW_OK);
            for (unsigned i = 0; i < len; i++)
                used[at + i] = false;
            continue;
        }
        for (unsigned from = 64 - len + 1; from-- > 0 && at == 64;) {
            bool free = true;
            for (unsigned i = 0; i < len; i++)
                free = free && !used[from + i];
            at = free ? from : at;
        }
        if (at == 64)
            continue;
        prot_t prot = base_rng_below(&rng, 2) == 0 ? RW : PROT_MASK_R;
        va = 0;
        assert_int_equal(vm_case_map_args(c.space,
                             (struct space_map_args){.len = PAGES(len), .prot = prot}, &va),
            PGW_OK);
        assert_int_equal(va, top - PAGES(64 - at));
        for (unsigned i = 0; i < len; i++)
            used[at + i] = true;
        if (n % 64 == 0)
            assert_true(vm_check(c.rig.vm));
    }
    vm_case_fini(&c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_shared_counts_once),
        cmocka_unit_test(test_heuristic_and_always),
        cmocka_unit_test(test_shared_grows),
        cmocka_unit_test(test_never),
        cmocka_unit_test(test_never_leaves_room),
        cmocka_unit_test(test_never_leaves_room_for_an_instruction),
        cmocka_unit_test(test_never_has_frames_for_all_spaces),
        cmocka_unit_test(test_never_keeps_frames_of_locks),
        cmocka_unit_test(test_promises_are_kept),
        cmocka_unit_test(test_many_regions),
        cmocka_unit_test(test_holes_are_the_highest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
