/* SPDX-License-Identifier: BSD-2-Clause */
/* Reclaim and swap: what goes, what stays, where it is kept, and what it may cost. */
#include "unit/vm/vm_cases.h"

#include <unistd.h>

#include "pmap/pmaps.h"
#include "policy/policies.h"

#define FRAMES 64u

/* --- a FIFO that counts how often it is asked --- */

static uint64_t asked;
static struct policy_ops counted;

static struct base_node *
counted_victim(struct policy *policy)
{
    asked++;
    return policy_fifo.victim(policy);
}

static enum pgw_status
counted_create(const struct policy_env *env, struct policy **policy)
{
    enum pgw_status status = policy_fifo.create(env, policy);

    if (status == PGW_OK)
        (*policy)->ops = &counted;
    return status;
}

/* Pages that cannot go are looked at about once, not once for each of the others nor once for each
 * fault that nothing can help. */
static void
test_hopeless_reclaim_is_linear(void **state)
{
    struct vm_rig_config config = {.name = "no swap",
        .pmap = &pmap_sv39,
        .policy = &counted,
        .frames = 1024,
        .tlb = "none",
        .overcommit = VM_OVERCOMMIT_ALWAYS};
    struct vm_case c;
    unsigned char byte = 0;
    uint64_t n = 0;

    (void)state;
    counted = policy_fifo;
    counted.create = counted_create;
    counted.victim = counted_victim;
    vm_case_init_with(&c, &config);
    vm_case_map(c.space, BASE, PAGES(2048));
    asked = 0;
    while (vm_rig_store(&c.rig, c.space, BASE + PAGES(n), 1) == SPACE_FAULT_OK)
        n++;
    assert_in_range(n, 900, 1024);
    assert_in_range(asked, n, 8 * 1024);
    asked = 0;
    assert_int_equal(vm_rig_store(&c.rig, c.space, BASE + PAGES(n), 1), SPACE_FAULT_NOMEM);
    assert_in_range(asked, 0, 8);
    for (uint64_t i = 0; i < n; i++)
        vm_case_load(&c, c.space, BASE + PAGES(i), 1);
    /* Room for one, and the store works. */
    assert_int_equal(c.space->ops->unmap(c.space, BASE, PAGES(8)), PGW_OK);
    vm_case_store(&c, c.space, BASE + PAGES(n), 1);
    assert_int_equal(vm_rig_load(&c.rig, c.space, BASE, &byte), SPACE_FAULT_MAPERR);
    vm_case_fini(&c);
}

/* The four pages that one instruction may need stay in the least RAM, however low it is. */
static void
test_few_frames(void **state)
{
    struct vm_rig_config config = {.name = "ref",
        .pmap = &pmap_ref,
        .flat = true,
        .policy = &policy_fifo,
        .frames = 8,
        .swap_slots = 64,
        .tlb = "none"};
    struct vm_case c;

    (void)state;
    vm_case_init_with(&c, &config);
    vm_case_map(c.space, BASE, PAGES(4));
    for (unsigned i = 0; i < 4; i++)
        vm_case_store(&c, c.space, BASE + PAGES(i), (unsigned char)i);
    uint64_t faults = vm_case_stats(&c).faults;
    for (unsigned round = 0; round < 10; round++)
        for (unsigned i = 0; i < 4; i++)
            vm_case_load(&c, c.space, BASE + PAGES(i), (unsigned char)i);
    assert_int_equal(vm_case_stats(&c).faults, faults);
    vm_case_fini(&c);
}

/* What page i is filled with: not zeros, which cost no swap. */
static uint64_t
filling(uint64_t i)
{
    return i + 1;
}

/* Fills pages from `from` up to the first that cannot be had; returns that. */
static uint64_t
fill_up(struct vm_case *c, uint64_t from, uint64_t end)
{
    uint64_t i = from, value = filling(i);

    while (i < end &&
           space_write(c->space, BASE + PAGES(i), &value, sizeof value, NULL) == SPACE_FAULT_OK)
        value = filling(++i);
    return i;
}

static void
expect_filled(struct vm_case *c, uint64_t from, uint64_t end)
{
    for (uint64_t i = from; i < end; i++) {
        uint64_t value;
        assert_int_equal(
            space_read(c->space, BASE + PAGES(i), &value, sizeof value, NULL), SPACE_FAULT_OK);
        assert_int_equal(value, filling(i));
    }
}

static void
test_full_swap(void **state)
{
    struct vm_case c;

    (void)state;
    vm_case_init(&c, FRAMES, 40);
    vm_case_map(c.space, BASE, PAGES(400));
    uint64_t n = fill_up(&c, 0, 400);
    assert_in_range(n, 80, FRAMES + 40);
    assert_true(vm_check(c.rig.vm));
    assert_int_equal(c.rig.swap->stats.used, 40);
    struct space_counts counts = vm_case_counts(c.space);
    assert_int_equal(counts.resident + counts.swapped, n);
    /* Two thirds of what is there goes: its room comes back at once, in RAM and on swap. */
    assert_int_equal(c.space->ops->unmap(c.space, BASE, PAGES(60)), PGW_OK);
    assert_true(c.rig.swap->stats.used < 40);
    expect_filled(&c, 60, n);
    assert_int_equal(fill_up(&c, n, n + 50), n + 50);
    expect_filled(&c, 60, n + 50);
    assert_int_equal(c.space->ops->unmap(c.space, BASE, PAGES(400)), PGW_OK);
    assert_int_equal(c.rig.swap->stats.used, 0);
    vm_case_fini(&c);
}

/* No swap at all: clean pages can go, dirty ones cannot, and nothing is lost. */
static void
test_no_swap(void **state)
{
    struct vm_case c;

    (void)state;
    vm_case_init(&c, FRAMES, 0);
    assert_int_equal(vm_rig_add_file(&c.rig, 100, 1000), PGW_OK);
    vm_case_map(c.space, BASE, PAGES(400));
    vm_case_map_file(&c, 2 * BASE, PAGES(100), 0);
    for (unsigned i = 0; i < 100; i++)
        vm_case_expect(c.space, 2 * BASE + PAGES(i), 1000 + i);
    uint64_t n = fill_up(&c, 0, 400);
    assert_in_range(n, 40, FRAMES);
    expect_filled(&c, 0, n);
    assert_int_equal(c.space->ops->evict(c.space, BASE), PGW_NOSWAP);
    assert_int_equal(vm_case_stats(&c).pages_out, 0);
    expect_filled(&c, 0, n);
    vm_case_fini(&c);
}

/* The slot that a page came from stays good until the page is written. */
static void
test_slots(void **state)
{
    struct vm_case c;
    const struct pager_stats *swap;

    (void)state;
    vm_case_init(&c, FRAMES, 64);
    swap = &c.rig.swap->stats;
    vm_case_map(c.space, BASE, PAGES(4));
    assert_int_equal(c.space->ops->evict(c.space, BASE), PGW_NOTFOUND);
    vm_case_fill(c.space, BASE, 1);
    assert_int_equal(c.space->ops->evict(c.space, BASE + 77), PGW_OK);
    assert_int_equal(c.space->ops->evict(c.space, BASE), PGW_NOTFOUND); /* it is on swap */
    assert_int_equal(swap->puts, 1);
    assert_int_equal(vm_case_counts(c.space).swapped, 1);
    vm_case_expect(c.space, BASE, 1);
    assert_int_equal(swap->used, 1);
    assert_int_equal(c.space->ops->evict(c.space, BASE), PGW_OK); /* clean: dropped */
    assert_int_equal(swap->puts, 1);
    assert_int_equal(vm_case_stats(&c).evicted_clean, 1);
    vm_case_expect(c.space, BASE, 1);
    assert_int_equal(swap->gets, 2);
    vm_case_fill(c.space, BASE, 2); /* dirty: written again, elsewhere or not, but in one slot */
    assert_int_equal(c.space->ops->evict(c.space, BASE), PGW_OK);
    assert_int_equal(swap->puts, 2);
    assert_int_equal(swap->used, 1);
    vm_case_expect(c.space, BASE, 2);
    /* The processor writes through a mapping that a load had made: the bit alone says so. */
    unsigned char byte;
    assert_int_equal(c.space->ops->evict(c.space, BASE), PGW_OK);
    assert_int_equal(vm_rig_load(&c.rig, c.space, BASE + 1, &byte), SPACE_FAULT_OK);
    uint64_t faults = vm_case_stats(&c).faults;
    vm_case_store(&c, c.space, BASE + 1, (unsigned char)(byte + 1));
    assert_int_equal(vm_case_stats(&c).faults, faults);
    assert_int_equal(c.space->ops->evict(c.space, BASE), PGW_OK);
    assert_int_equal(swap->puts, 3);
    vm_case_load(&c, c.space, BASE + 1, (unsigned char)(byte + 1));
    vm_case_fini(&c);
}

/* Pages that were touched but never written cost no slot, and are zeros again. */
static void
test_untouched_zeros(void **state)
{
    struct vm_case c;

    (void)state;
    vm_case_init(&c, FRAMES, 64);
    vm_case_map(c.space, BASE, PAGES(4));
    for (unsigned i = 0; i < 4; i++)
        vm_case_load(&c, c.space, BASE + PAGES(i), 0);
    assert_int_equal(vm_reclaim(c.rig.vm, 4), 4);
    assert_int_equal(c.rig.swap->stats.puts, 0);
    assert_int_equal(vm_case_counts(c.space).resident, 0);
    assert_int_equal(vm_case_counts(c.space).swapped, 0);
    for (unsigned i = 0; i < 4; i++)
        vm_case_expect(c.space, BASE + PAGES(i), 0);
    assert_int_equal(vm_case_stats(&c).major, 0);
    assert_int_equal(vm_case_stats(&c).zero_fill, 8);
    vm_case_fini(&c);
}

/* A slot belongs to the anon, and is shared with it over a fork. */
static void
test_slot_shared_by_fork(void **state)
{
    struct vm_case c;

    (void)state;
    vm_case_init(&c, FRAMES, 64);
    vm_case_map(c.space, BASE, PAGES(2));
    vm_case_fill(c.space, BASE, 1);
    struct space *child = vm_case_fork(c.space);
    assert_int_equal((child)->ops->evict(child, BASE), PGW_OK);
    assert_int_equal(c.rig.swap->stats.used, 1);
    vm_case_expect(c.space, BASE, 1);
    vm_case_expect(child, BASE, 1);
    assert_int_equal(c.rig.swap->stats.gets, 1); /* once for both */
    assert_int_equal((child)->ops->evict(child, BASE), PGW_OK);
    vm_case_fill(child, BASE, 2);
    assert_int_equal(c.rig.swap->stats.used, 1); /* the parent's */
    child->ops->destroy(child);
    vm_case_expect(c.space, BASE, 1);
    vm_case_fini(&c);
}

static void
fail_from_now(struct vm_case *c, enum base_inject_point point, bool on)
{
    struct base_inject *inject = &c->rig.env.inject;

    inject->fail_at[point] = on ? inject->tried[point] + 1 : 0;
    inject->and_after[point] = on;
}

static void
test_broken_writes(void **state)
{
    struct vm_case c;

    (void)state;
    vm_case_init(&c, FRAMES, 256);
    vm_case_map(c.space, BASE, PAGES(200));
    fail_from_now(&c, INJECT_WRITE, true);
    uint64_t n = fill_up(&c, 0, 200);
    assert_in_range(n, 40, FRAMES);
    assert_int_equal(c.space->ops->evict(c.space, BASE), PGW_IO);
    assert_int_equal(vm_reclaim(c.rig.vm, 10), 0);
    assert_true(vm_case_stats(&c).put_failures > 0);
    assert_int_equal(c.rig.swap->stats.used, 0);
    assert_true(vm_check(c.rig.vm));
    expect_filled(&c, 0, n);
    fail_from_now(&c, INJECT_WRITE, false);
    assert_int_equal(fill_up(&c, n, 200), 200);
    expect_filled(&c, 0, 200);
    vm_case_fini(&c);
}

static void
test_broken_reads(void **state)
{
    struct vm_case c;
    unsigned char byte;

    (void)state;
    vm_case_init(&c, FRAMES, 256);
    vm_case_map(c.space, BASE, PAGES(2));
    vm_case_fill(c.space, BASE, 7);
    assert_int_equal(c.space->ops->evict(c.space, BASE), PGW_OK);
    fail_from_now(&c, INJECT_READ, true);
    assert_int_equal(vm_rig_load(&c.rig, c.space, BASE, &byte), SPACE_FAULT_IO);
    assert_int_equal(space_read(c.space, BASE, &byte, 1, NULL), SPACE_FAULT_IO);
    assert_int_equal(vm_case_stats(&c).get_failures, 2);
    assert_true(vm_check(c.rig.vm));
    vm_case_store(&c, c.space, BASE + PAGES(1), 1); /* others are not concerned */
    fail_from_now(&c, INJECT_READ, false);
    vm_case_expect(c.space, BASE, 7);
    vm_case_fini(&c);
}

/* Turns a bit of the first page in the file that is test_page_fill's for key. */
static void
damage_page(int fd, uint64_t key)
{
    unsigned char bytes[PAGE_SIZE];
    off_t at = 0;

    do
        assert_int_equal(pread(fd, bytes, PAGE_SIZE, at), PAGE_SIZE);
    while (!test_page_is(bytes, key) && (at += (off_t)PAGE_SIZE) > 0);
    bytes[1234] ^= 0x10;
    assert_int_equal(pwrite(fd, bytes + 1234, 1, at + 1234), 1);
}

/* Other bytes than were put are an error, never data. */
static void
test_corrupted_swap(void **state)
{
    struct vm_case c;
    unsigned char byte = 0xee;

    (void)state;
    int fd = dup(STDERR_FILENO); /* the lowest free number: the swap file's is the next to be had */
    assert_int_equal(close(fd), 0);
    vm_case_init(&c, FRAMES, 256);
    vm_case_map(c.space, BASE, PAGES(2));
    vm_case_fill(c.space, BASE, 7);
    vm_case_fill(c.space, BASE + PAGES(1), 8);
    assert_int_equal(c.space->ops->evict(c.space, BASE), PGW_OK);
    assert_int_equal(c.space->ops->evict(c.space, BASE + PAGES(1)), PGW_OK);
    damage_page(fd, 8);
    assert_int_equal(space_read(c.space, BASE + PAGES(1), &byte, 1, NULL), SPACE_FAULT_IO);
    assert_int_equal(byte, 0xee);
    assert_int_equal(vm_rig_load(&c.rig, c.space, BASE + PAGES(1), &byte), SPACE_FAULT_IO);
    vm_case_expect(c.space, BASE, 7);
    vm_case_fini(&c);
}

/* The daemon starts below the low watermark and goes on to the high one. */
static void
test_daemon(void **state)
{
    struct vm_case c;

    (void)state;
    vm_case_init(&c, 1024, 4096);
    vm_case_map(c.space, BASE, PAGES(4000));
    vm_daemon(c.rig.vm);
    assert_int_equal(vm_case_stats(&c).daemon_runs, 0);
    uint64_t i = 0;
    while (vm_case_stats(&c).daemon_runs == 0) {
        vm_case_store(&c, c.space, BASE + PAGES(i), (unsigned char)(i | 1));
        i++;
    }
    struct vm_stats stats = vm_case_stats(&c);
    assert_in_range(i, 900, 1024);
    assert_true(stats.evicted > 1);
    assert_int_equal(stats.direct_reclaims, 0);
    assert_int_equal(stats.pages_out, stats.evicted);
    uint64_t before = c.rig.env.mem.nfree;
    vm_daemon(c.rig.vm); /* enough is free */
    assert_int_equal(vm_case_stats(&c).daemon_runs, 1);
    assert_int_equal(c.rig.env.mem.nfree, before);
    for (; i < 4000; i++)
        vm_case_store(&c, c.space, BASE + PAGES(i), (unsigned char)(i | 1));
    stats = vm_case_stats(&c);
    assert_int_equal(stats.direct_reclaims, 0); /* it was always ahead */
    assert_int_equal(stats.resident_peak >= stats.resident, 1);
    for (i = 0; i < 4000; i++)
        vm_case_load(&c, c.space, BASE + PAGES(i), (unsigned char)(i | 1));
    vm_case_fini(&c);
}

/* Pages that were written and are all zeros again take no slot, and come back as zeros. */
static void
test_zeros_cost_no_swap(void **state)
{
    struct vm_case c;

    (void)state;
    vm_case_init(&c, FRAMES, 40);
    vm_case_map(c.space, BASE, PAGES(20));
    for (uint64_t i = 0; i < 20; i++)
        vm_case_store(&c, c.space, BASE + PAGES(i), (unsigned char)(i % 2));
    for (uint64_t i = 0; i < 20; i++)
        assert_int_equal(c.space->ops->evict(c.space, BASE + PAGES(i)), PGW_OK);
    assert_int_equal(vm_case_stats(&c).zeros_dropped, 10);
    assert_int_equal(c.rig.swap->stats.used, 10);
    assert_true(vm_check(c.rig.vm));
    for (uint64_t i = 0; i < 20; i++)
        vm_case_load(&c, c.space, BASE + PAGES(i), (unsigned char)(i % 2));
    assert_int_equal(vm_case_stats(&c).pages_in, 10);
    /* The slot of a page that is written over with zeros goes, too. */
    vm_case_store(&c, c.space, BASE + PAGES(1), 0);
    assert_int_equal(c.space->ops->evict(c.space, BASE + PAGES(1)), PGW_OK);
    assert_int_equal(c.rig.swap->stats.used, 9);
    vm_case_load(&c, c.space, BASE + PAGES(1), 0);
    vm_case_fini(&c);
}

/* --- what the records cost --- */

static void
test_sparse_records(void **state)
{
    struct vm_case c;
    uint64_t va, len = (uint64_t)200 << 30;

    (void)state;
    vm_case_init(&c, 1024, 64);
    struct space_map_args args = {.len = len, .prot = RW};
    size_t before = c.rig.env.alloc.mapped;
    assert_int_equal(vm_case_map_args(c.space, args, &va), PGW_OK);
    for (uint64_t at = 0; at < len; at += (uint64_t)1 << 30)
        vm_case_store(&c, c.space, va + at, 1);
    /* 200 pages; the page tables are frames of the RAM. */
    assert_in_range(c.rig.env.alloc.mapped - before, 1, 200 * 4096);
    assert_int_equal(c.space->ops->protect(c.space, va, len, PROT_MASK_NONE), PGW_OK);
    assert_int_equal(c.space->ops->protect(c.space, va, len, RW), PGW_OK);
    struct space *child = vm_case_fork(c.space);
    for (uint64_t at = 0; at < len; at += (uint64_t)50 << 30)
        vm_case_load(&c, child, va + at, 1);
    child->ops->destroy(child);
    assert_true(vm_check(c.rig.vm));
    vm_case_fini(&c);
}

static void
test_dense_records(void **state)
{
    struct vm_case c;
    uint64_t npages = ((uint64_t)64 << 20) >> PAGE_SHIFT;

    (void)state;
    vm_case_init(&c, npages + npages / 32, npages);
    vm_case_map(c.space, BASE, PAGES(npages));
    for (uint64_t i = 0; i < npages; i++)
        vm_case_store(&c, c.space, BASE + PAGES(i), 1);
    assert_int_equal(vm_case_stats(&c).resident, npages);
    assert_in_range(c.rig.env.alloc.mapped, npages * 64, npages * 128);
    vm_case_fini(&c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_hopeless_reclaim_is_linear),
        cmocka_unit_test(test_few_frames), cmocka_unit_test(test_full_swap),
        cmocka_unit_test(test_no_swap), cmocka_unit_test(test_slots),
        cmocka_unit_test(test_untouched_zeros), cmocka_unit_test(test_slot_shared_by_fork),
        cmocka_unit_test(test_broken_writes), cmocka_unit_test(test_broken_reads),
        cmocka_unit_test(test_corrupted_swap), cmocka_unit_test(test_daemon),
        cmocka_unit_test(test_zeros_cost_no_swap), cmocka_unit_test(test_sparse_records),
        cmocka_unit_test(test_dense_records)};

    return cmocka_run_group_tests_name("vm reclaim", tests, NULL, NULL);
}
