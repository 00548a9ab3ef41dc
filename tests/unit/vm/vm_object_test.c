/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared files and memory objects: who sees what, what reaches the file and when, what is cut off.
 */
#include "unit/vm/vm_cases.h"

#include <string.h>
#include <unistd.h>

static const struct space_map_args shared_args = {
    .va = BASE, .prot = RW, .flags = SPACE_FIXED | SPACE_SHARED, .use = SPACE_USE_FILE};

static void
map_shared(struct vm_case *c, struct space *space, uint64_t va, uint64_t npages, uint64_t first)
{
    struct space_map_args args = shared_args;
    uint64_t at;

    args.va = va;
    args.len = PAGES(npages);
    args.object = c->rig.file;
    args.offset = PAGES(first);
    assert_int_equal(vm_case_map_args(space, args, &at), PGW_OK);
}

/* A case with a file of npages pages, keys 100, 101, ... */
static void
begin(struct vm_case *c, uint64_t frames, uint64_t swap, uint64_t npages)
{
    vm_case_init(c, frames, swap);
    assert_int_equal(vm_rig_add_file(&c->rig, npages, 100), PGW_OK);
}

static void
expect_in_file(struct vm_case *c, uint64_t idx, uint64_t key)
{
    unsigned char bytes[PAGE_SIZE];

    assert_int_equal(pread(c->rig.file_fd, bytes, sizeof bytes, (off_t)PAGES(idx)), PAGE_SIZE);
    test_page_expect(bytes, key);
}

static void
fail_next_write(struct vm_case *c)
{
    struct base_inject *inject = &c->rig.env.inject;

    inject->fail_at[INJECT_WRITE] = inject->tried[INJECT_WRITE] + 1;
}

static void
writes_are_seen_and_written_once(void **state)
{
    struct vm_case c;
    struct space *other;

    (void)state;
    begin(&c, 64, 0, 8);
    assert_int_equal(vm_space_create(c.rig.vm, &other), PGW_OK);
    map_shared(&c, c.space, BASE, 8, 0);
    map_shared(&c, other, 3 * BASE, 4, 2);
    for (unsigned i = 0; i < 8; i++)
        vm_case_expect(c.space, BASE + PAGES(i), 100 + i);
    vm_case_expect(other, 3 * BASE + PAGES(1), 103);
    assert_int_equal(vm_case_stats(&c).file_dirty, 0);
    vm_case_fill(c.space, BASE + PAGES(3), 7);
    vm_case_expect(other, 3 * BASE + PAGES(1), 7);
    vm_case_fill(other, 3 * BASE + PAGES(2), 8);
    vm_case_expect(c.space, BASE + PAGES(4), 8);
    assert_int_equal(vm_case_stats(&c).file_dirty, 2);
    assert_true(vm_check(c.rig.vm));
    expect_in_file(&c, 3, 103);

    assert_int_equal(c.space->ops->sync(c.space, BASE, PAGES(8)), PGW_OK);
    expect_in_file(&c, 3, 7);
    expect_in_file(&c, 4, 8);
    struct vm_stats stats = vm_case_stats(&c);
    assert_int_equal(stats.written_back, 2);
    assert_int_equal(stats.writeback_runs, 1);
    assert_int_equal(stats.file_dirty, 0);
    assert_true(vm_check(c.rig.vm));
    assert_int_equal(c.space->ops->sync(c.space, BASE, PAGES(8)), PGW_OK);
    assert_int_equal(vm_case_stats(&c).written_back, 2); /* nothing is new */

    vm_case_fill(other, 3 * BASE + PAGES(1), 9); /* dirty again */
    assert_int_equal(vm_case_stats(&c).file_dirty, 1);
    assert_int_equal(c.space->ops->sync(c.space, BASE + PAGES(4), PAGES(4)), PGW_OK);
    expect_in_file(&c, 3, 7); /* not in the range */
    assert_int_equal(c.space->ops->sync(c.space, BASE + PAGES(4), PAGES(5)), PGW_NOTFOUND);
    other->ops->destroy(other);
    vm_case_fini(&c);
}

static void
what_is_dirty_outlives_its_mappings(void **state)
{
    struct vm_case c;
    unsigned char bytes[PAGE_SIZE];

    (void)state;
    begin(&c, 64, 0, 4);
    map_shared(&c, c.space, BASE, 4, 0);
    vm_case_fill(c.space, BASE + PAGES(1), 7);
    assert_int_equal(c.space->ops->unmap(c.space, BASE, PAGES(4)), PGW_OK);
    c.rig.file->ops->release(c.rig.file);
    c.rig.file = NULL;
    assert_int_equal(vm_case_stats(&c).objects, 1); /* it holds itself */
    expect_in_file(&c, 1, 101);
    assert_true(vm_check(c.rig.vm));
    assert_int_equal(vm_writeback(c.rig.vm), PGW_OK);
    expect_in_file(&c, 1, 7);
    assert_int_equal(vm_case_stats(&c).objects, 0);
    assert_int_equal(pread(c.rig.file_fd, bytes, 1, (off_t)PAGES(4)), 0);
    vm_case_fini(&c);
}

static void
eviction_writes_runs_of_neighbours(void **state)
{
    struct vm_case c;

    (void)state;
    begin(&c, 32, 0, 64);
    map_shared(&c, c.space, BASE, 64, 0);
    for (unsigned round = 0; round < 3; round++)
        for (unsigned i = 0; i < 64; i++)
            vm_case_fill(c.space, BASE + PAGES(i), 1000 * round + i);
    for (unsigned i = 0; i < 64; i++)
        vm_case_expect(c.space, BASE + PAGES(i), 2000 + i);
    struct vm_stats stats = vm_case_stats(&c);
    assert_true(stats.written_back >= 64 + 64 + 30);
    assert_true(stats.writeback_runs * 4 <= stats.written_back);
    assert_int_equal(stats.writeback_failures, 0);
    assert_int_equal(vm_writeback(c.rig.vm), PGW_OK);
    for (unsigned i = 0; i < 64; i++)
        expect_in_file(&c, i, 2000 + i);
    vm_case_fini(&c);
}

static void
a_failed_write_leaves_the_page_dirty(void **state)
{
    struct vm_case c;

    (void)state;
    begin(&c, 64, 0, 4);
    map_shared(&c, c.space, BASE, 4, 0);
    vm_case_fill(c.space, BASE, 7);
    vm_case_fill(c.space, BASE + PAGES(2), 9);
    fail_next_write(&c);
    assert_int_equal(c.space->ops->sync(c.space, BASE, PAGES(4)), PGW_IO);
    struct vm_stats stats = vm_case_stats(&c);
    assert_int_equal(stats.writeback_failures, 1);
    assert_int_equal(stats.file_dirty, 1); /* it went on with the other */
    assert_true(vm_check(c.rig.vm));
    fail_next_write(&c);
    assert_int_equal(c.space->ops->evict(c.space, BASE), PGW_IO);
    vm_case_expect(c.space, BASE, 7);
    c.rig.env.inject.fail_at[INJECT_WRITE] = 0;
    assert_int_equal(c.space->ops->evict(c.space, BASE), PGW_OK);
    expect_in_file(&c, 0, 7);
    vm_case_expect(c.space, BASE, 7);
    assert_int_equal(vm_case_stats(&c).writeback_lost, 0);
    vm_case_fini(&c);
}

static void
a_shorter_file_takes_its_pages_along(void **state)
{
    struct vm_case c;
    unsigned char byte;

    (void)state;
    begin(&c, 64, 64, 8);
    map_shared(&c, c.space, BASE, 8, 0);
    vm_case_map_file(&c, 2 * BASE, PAGES(4), 4);
    vm_case_fill(c.space, BASE + PAGES(2), 7);
    vm_case_fill(c.space, BASE + PAGES(6), 8);
    vm_case_fill(c.space, 2 * BASE + PAGES(1), 9); /* a private copy of page 5 */
    vm_case_expect(c.space, 2 * BASE + PAGES(2), 8);
    struct space *child = vm_case_fork(c.space);
    assert_int_equal(c.rig.file->ops->resize(c.rig.file, PAGES(2) + 100), PGW_OK);
    assert_true(vm_check(c.rig.vm));
    assert_int_equal(vm_rig_load(&c.rig, c.space, BASE + PAGES(3), &byte), SPACE_FAULT_BUS);
    assert_int_equal(vm_rig_store(&c.rig, c.space, BASE + PAGES(6), 1), SPACE_FAULT_BUS);
    assert_int_equal(vm_rig_load(&c.rig, child, 2 * BASE + PAGES(1), &byte), SPACE_FAULT_BUS);
    unsigned char page[PAGE_SIZE], expected[PAGE_SIZE];
    test_page_fill(expected, 7);
    memset(expected + 100, 0, PAGE_SIZE - 100);
    assert_int_equal(space_read(child, BASE + PAGES(2), page, PAGE_SIZE, NULL), SPACE_FAULT_OK);
    assert_memory_equal(page, expected, PAGE_SIZE);
    assert_int_equal(vm_case_stats(&c).file_dirty, 1);
    assert_int_equal(c.rig.file->ops->resize(c.rig.file, PAGES(8)), PGW_OK); /* longer again */
    vm_case_expect(c.space, BASE + PAGES(5), 105); /* as the host still has it */
    child->ops->destroy(child);
    vm_case_fini(&c);
}

static void
nothing_is_written_past_the_end(void **state)
{
    struct vm_case c;
    unsigned char bytes[PAGE_SIZE], expected[PAGE_SIZE];

    (void)state;
    begin(&c, 64, 0, 4);
    assert_int_equal(ftruncate(c.rig.file_fd, (off_t)PAGES(2) + 10), 0);
    assert_int_equal(c.rig.file->ops->resize(c.rig.file, PAGES(2) + 10), PGW_OK);
    map_shared(&c, c.space, BASE, 3, 0);
    vm_case_fill(c.space, BASE + PAGES(1), 5);
    vm_case_fill(c.space, BASE + PAGES(2), 6);
    assert_int_equal(vm_writeback(c.rig.vm), PGW_OK);
    assert_int_equal(vm_case_stats(&c).written_back, 2);
    assert_int_equal(lseek(c.rig.file_fd, 0, SEEK_END), PAGES(2) + 10);
    assert_int_equal(pread(c.rig.file_fd, bytes, PAGE_SIZE, (off_t)PAGES(2)), 10);
    test_page_fill(expected, 6);
    assert_memory_equal(bytes, expected, 10);
    assert_int_equal(c.rig.file->ops->resize(c.rig.file, PAGES(3)), PGW_OK);
    assert_int_equal(space_read(c.space, BASE + PAGES(2), bytes, PAGE_SIZE, NULL), SPACE_FAULT_OK);
    memset(expected + 10, 0, PAGE_SIZE - 10);
    assert_memory_equal(bytes, expected, PAGE_SIZE);
    vm_case_fini(&c);
}

static void
some_mappings_never_become_writable(void **state)
{
    struct vm_case c;
    struct space_map_args args = shared_args;
    uint64_t at;

    (void)state;
    begin(&c, 64, 0, 4);
    args.len = PAGES(2);
    args.object = c.rig.file;
    args.flags |= SPACE_NOWRITE;
    assert_int_equal(vm_case_map_args(c.space, args, &at), PGW_ACCESS);
    args.prot = PROT_MASK_R;
    assert_int_equal(vm_case_map_args(c.space, args, &at), PGW_OK);
    assert_int_equal(c.space->ops->protect(c.space, BASE, PAGES(1), RW), PGW_ACCESS);
    assert_int_equal(c.space->ops->protect(c.space, BASE, PAGES(1), PROT_MASK_NONE), PGW_OK);
    assert_int_equal(c.space->ops->protect(c.space, BASE, PAGES(1), PROT_MASK_R), PGW_OK);
    assert_int_equal(vm_case_regions(&c), 1); /* cut, and one again */
    args.flags &= ~SPACE_NOWRITE;
    assert_int_equal(vm_case_map_args(c.space, args, &at), PGW_OK);
    vm_case_expect(c.space, BASE, 100);
    assert_int_equal(c.space->ops->protect(c.space, BASE, PAGES(1), RW), PGW_OK);
    vm_case_fill(c.space, BASE, 3);
    assert_int_equal(vm_writeback(c.rig.vm), PGW_OK);
    expect_in_file(&c, 0, 3);
    vm_case_fini(&c);
}

static void
memory_is_shared_swapped_and_cut(void **state)
{
    struct vm_case c;
    struct space_object *memory;
    struct space_map_args args = shared_args;
    uint64_t at;
    unsigned char byte;

    (void)state;
    vm_case_init(&c, 32, 200);
    assert_int_equal(vm_object_create_memory(c.rig.vm, PAGES(60), &memory), PGW_OK);
    args.len = PAGES(60);
    args.object = memory;
    assert_int_equal(vm_case_map_args(c.space, args, &at), PGW_OK);
    args.va = 3 * BASE;
    args.flags = SPACE_FIXED; /* private */
    assert_int_equal(vm_case_map_args(c.space, args, &at), PGW_OK);
    assert_int_equal(memory->ops->users(memory), 3);
    struct space *child = vm_case_fork(c.space);
    for (unsigned i = 0; i < 60; i++)
        vm_case_fill(i % 2 ? child : c.space, BASE + PAGES(i), i + 1);
    for (unsigned i = 0; i < 60; i++) {
        vm_case_expect(i % 2 ? c.space : child, BASE + PAGES(i), i + 1);
        vm_case_expect(c.space, 3 * BASE + PAGES(i), i + 1);
    }
    struct vm_stats stats = vm_case_stats(&c);
    assert_true(stats.shm_swapped > 20);
    assert_int_equal(stats.shm_len, 60);
    assert_true(vm_check(c.rig.vm));
    vm_case_fill(c.space, 3 * BASE + PAGES(5), 500); /* its own */
    vm_case_expect(c.space, BASE + PAGES(5), 6);
    vm_case_fill(child, BASE + PAGES(6), 600); /* everybody's */
    vm_case_expect(c.space, 3 * BASE + PAGES(6), 600);
    vm_case_expect(child, 3 * BASE + PAGES(5), 6);
    assert_int_equal(memory->ops->resize(memory, PAGES(6)), PGW_OK);
    assert_true(vm_check(c.rig.vm));
    assert_int_equal(vm_rig_load(&c.rig, child, BASE + PAGES(6), &byte), SPACE_FAULT_BUS);
    assert_int_equal(vm_rig_load(&c.rig, c.space, 3 * BASE + PAGES(7), &byte), SPACE_FAULT_BUS);
    vm_case_expect(c.space, 3 * BASE + PAGES(5), 500);
    assert_int_equal(memory->ops->resize(memory, PAGES(8)), PGW_OK);
    vm_case_expect(child, BASE + PAGES(7), 0);
    child->ops->destroy(child);
    memory->ops->release(memory);
    vm_case_fini(&c);
}

static void
anonymous_memory_is_shared_over_fork(void **state)
{
    struct vm_case c;
    struct space_map_args args = {
        .va = BASE, .len = PAGES(4), .prot = RW, .flags = SPACE_FIXED | SPACE_SHARED};
    uint64_t at;
    unsigned char byte;

    (void)state;
    vm_case_init(&c, 64, 64);
    assert_int_equal(vm_case_map_args(c.space, args, &at), PGW_OK);
    vm_case_fill(c.space, BASE, 1);
    struct space *child = vm_case_fork(c.space);
    vm_case_fill(child, BASE, 2);
    vm_case_fill(child, BASE + PAGES(3), 3);
    vm_case_expect(c.space, BASE, 2);
    vm_case_expect(c.space, BASE + PAGES(3), 3);
    assert_int_equal(c.space->ops->unmap(c.space, BASE + PAGES(1), PAGES(1)), PGW_OK);
    at = 0;
    assert_int_equal(
        c.space->ops->remap(c.space, BASE + PAGES(2), PAGES(2), PAGES(3), true, false, &at),
        PGW_OK);
    vm_case_fill(child, BASE + PAGES(2), 4);
    vm_case_expect(c.space, at, 4);
    assert_int_equal(vm_rig_load(&c.rig, c.space, at + PAGES(2), &byte), SPACE_FAULT_BUS);
    assert_true(vm_check(c.rig.vm));
    child->ops->destroy(child);
    vm_case_fini(&c);
}

static void
reads_go_by_the_cache(void **state)
{
    struct vm_case c;
    unsigned char bytes[PAGES(4)];
    size_t done;

    (void)state;
    begin(&c, 32, 32, 64);
    struct space_object *file = c.rig.file;
    assert_int_equal(file->ops->read(file, PAGES(2) + 5, bytes, PAGES(3), &done), PGW_OK);
    assert_int_equal(done, PAGES(3));
    unsigned char expected[PAGES(4)];
    for (unsigned i = 0; i < 4; i++)
        test_page_fill(expected + PAGES(i), 102 + i);
    assert_memory_equal(bytes, expected + 5, PAGES(3));
    struct vm_stats stats = vm_case_stats(&c);
    assert_int_equal(stats.cache_misses, 4);
    assert_int_equal(stats.cache_hits, 0);
    assert_int_equal(stats.file_cached, 4);
    assert_int_equal(stats.resident, 0);
    assert_true(vm_check(c.rig.vm));
    assert_int_equal(file->ops->read(file, PAGES(3), bytes, 10, &done), PGW_OK);
    assert_int_equal(vm_case_stats(&c).cache_hits, 1);
    map_shared(&c, c.space, BASE, 64, 0);
    vm_case_fill(c.space, BASE + PAGES(3), 7); /* the same page, not from the file again */
    assert_int_equal(vm_case_stats(&c).major, 0);
    assert_int_equal(file->ops->read(file, PAGES(3), bytes, PAGE_SIZE, &done), PGW_OK);
    test_page_expect(bytes, 7);
    memset(expected, 0x5a, 100);
    file->ops->write(file, PAGES(3) - 50, expected, 100);
    vm_case_load(&c, c.space, BASE + PAGES(3) + 49, 0x5a);
    vm_case_load(&c, c.space, BASE + PAGES(3) - 1, 0x5a);
    memset(bytes, 0, sizeof bytes);
    file->ops->overlay(file, PAGES(2), bytes, PAGES(3));
    test_page_expect_zero(bytes); /* page 2 is clean: what the caller has is right */
    assert_int_equal(bytes[PAGES(1) + 49], 0x5a);
    test_page_expect_zero(bytes + PAGES(2));
    assert_true(vm_check(c.rig.vm));
    vm_case_fini(&c);
}

static void
the_cache_takes_only_what_nobody_wants(void **state)
{
    struct vm_case c;
    unsigned char bytes[PAGES(1)];
    size_t done;

    (void)state;
    begin(&c, 64, 64, 100);
    struct space_object *file = c.rig.file;
    for (unsigned i = 0; i < 100; i++) { /* more than there is room for: it goes round */
        assert_int_equal(file->ops->read(file, PAGES(i), bytes, PAGE_SIZE, &done), PGW_OK);
        assert_int_equal(done, PAGE_SIZE);
        test_page_expect(bytes, 100 + i);
    }
    assert_int_equal(vm_case_stats(&c).cache_misses, 100);
    uint64_t cached = vm_case_stats(&c).file_cached;
    assert_true(cached > 20 && cached < 64);
    vm_case_map(c.space, BASE, PAGES(40));
    for (unsigned i = 0; i < 40; i++)
        vm_case_fill(c.space, BASE + PAGES(i), i + 1);
    struct vm_stats stats = vm_case_stats(&c);
    assert_int_equal(stats.pages_out, 0); /* the cache went first */
    assert_true(stats.file_cached < cached);
    for (unsigned i = 40; i < 60; i++)
        vm_case_map(c.space, BASE + PAGES(i), PAGES(1));
    for (unsigned i = 40; i < 60; i++)
        vm_case_fill(c.space, BASE + PAGES(i), i + 1);
    assert_int_equal(file->ops->read(file, PAGES(50), bytes, PAGE_SIZE, &done), PGW_OK);
    assert_int_equal(done, 0); /* no room: the caller reads for himself */
    assert_true(vm_check(c.rig.vm));
    assert_true(file->ops->forget(file));
    assert_int_equal(vm_case_stats(&c).file_cached, 0);
    vm_case_fini(&c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_are_seen_and_written_once),
        cmocka_unit_test(what_is_dirty_outlives_its_mappings),
        cmocka_unit_test(eviction_writes_runs_of_neighbours),
        cmocka_unit_test(a_failed_write_leaves_the_page_dirty),
        cmocka_unit_test(a_shorter_file_takes_its_pages_along),
        cmocka_unit_test(nothing_is_written_past_the_end),
        cmocka_unit_test(some_mappings_never_become_writable),
        cmocka_unit_test(memory_is_shared_swapped_and_cut),
        cmocka_unit_test(anonymous_memory_is_shared_over_fork),
        cmocka_unit_test(reads_go_by_the_cache),
        cmocka_unit_test(the_cache_takes_only_what_nobody_wants),
    };
    return cmocka_run_group_tests_name("vm object", tests, NULL, NULL);
}
