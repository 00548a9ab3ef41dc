/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shared files and memory objects while every allocation, frame, read and write fails in turn: what
 * was written by a mapping is not lost.  It is in RAM until it is in the file, whatever fails
 * in between, and the core's invariants hold at every step.  Clean pages may be in a compressed
 * pool meanwhile, and all of it may be a small group's, on a remote store.
 */
#include "support/test.h"

#include <string.h>
#include <unistd.h>

#include "pmap/pmaps.h"
#include "policy/policies.h"
#include "support/vm_rig.h"

#define FILE_PAGES 40u
#define MEMORY_PAGES 24u
#define FILE_KEY 300u
#define BASE ((uint64_t)0x10000000)
#define MEMORY ((uint64_t)0x20000000)
#define RW (PROT_MASK_R | PROT_MASK_W)

static const struct vm_rig_config configs[] = {
    {.name = "sv39",
        .pmap = &pmap_sv39,
        .policy = &policy_clock,
        .frames = 32,
        .swap_slots = 256,
        .tlb = "none",
        .ahead = 7,
        .around = 8},
    {.name = "clean pages in a pool",
        .pmap = &pmap_ref,
        .flat = true,
        .policy = &policy_lru,
        .frames = 40,
        .pool = 12,
        .swap_slots = 256,
        .devices = 2,
        .tlb = "none"},
    {.name = "small group, pool, remote store",
        .pmap = &pmap_ref,
        .flat = true,
        .policy = &policy_fifo,
        .frames = 56,
        .pool = 12,
        .swap_slots = 256,
        .remote = true,
        .group = 20,
        .tlb = "none",
        .ahead = 7,
        .around = 8},
};

struct run {
    struct vm_rig rig;
    struct space *space, *child;
    unsigned char file[FILE_PAGES], memory[MEMORY_PAGES]; /* the first byte of each page */
    uint64_t file_len;                                    /* pages */
    bool memory_there;
    const struct vm_rig_config *config;
    struct vm_stats done;           /* by the last run, in which nothing failed */
    struct vm_group_stats in_group; /* the same; its group's, if there is one */
};

static void
store(
    struct run *run, struct space *space, uint64_t va, unsigned char *expected, unsigned char byte)
{
    if (space != NULL && vm_rig_store(&run->rig, space, va, byte) == SPACE_FAULT_OK)
        *expected = byte;
}

static void
map_all(struct run *run)
{
    struct space_map_args args = {.va = BASE,
        .len = FILE_PAGES * PAGE_SIZE,
        .prot = RW,
        .flags = SPACE_FIXED | SPACE_SHARED,
        .use = SPACE_USE_FILE,
        .object = run->rig.file};
    uint64_t va;

    while (run->space->ops->map(run->space, &args, &va) != PGW_OK)
        if (run->rig.env.inject.and_after[INJECT_MAP] || run->rig.env.inject.and_after[INJECT_OBJ])
            return;
    args.va = MEMORY;
    args.len = MEMORY_PAGES * PAGE_SIZE;
    args.object = NULL;
    run->memory_there = run->space->ops->map(run->space, &args, &va) == PGW_OK;
    if (run->space->ops->fork(run->space, &run->child) != PGW_OK)
        run->child = NULL;
}

/* The check takes memory, too, which is not to fail. */
static void
check(struct run *run)
{
    struct base_inject *inject = &run->rig.env.inject, before = *inject;

    memset(inject->fail_at, 0, sizeof inject->fail_at);
    bool ok = vm_check(run->rig.vm);
    *inject = before;
    assert_true(ok);
}

/* Pages that a pool takes: of two bytes, one behind the other. */
static void
write_plain(struct run *run)
{
    unsigned char bytes[PAGE_SIZE];

    for (unsigned i = 0; i < FILE_PAGES; i++) {
        memset(bytes, (int)i + 51, sizeof bytes);
        memset(bytes + 100, 7, sizeof bytes - 100);
        if (space_write(run->space, BASE + i * PAGE_SIZE, bytes, PAGE_SIZE, NULL) == SPACE_FAULT_OK)
            run->file[i] = bytes[0];
    }
}

/* Clean pages come and go, and every one that comes is right. */
static void
read_all(struct run *run)
{
    unsigned char byte;

    for (unsigned i = 0; i < run->file_len; i++)
        if (vm_rig_load(&run->rig, run->space, BASE + i * PAGE_SIZE, &byte) == SPACE_FAULT_OK)
            assert_int_equal(byte, run->file[i]);
}

static void
work(struct run *run)
{
    struct space_object *file = run->rig.file;
    unsigned char buf[3 * PAGE_SIZE];
    size_t done;

    for (unsigned i = 0; i < FILE_PAGES; i++)
        store(run, i % 3 == 0 ? run->child : run->space, BASE + i * PAGE_SIZE, &run->file[i],
            (unsigned char)(i + 1));
    for (unsigned i = 0; run->memory_there && i < MEMORY_PAGES; i++)
        store(run, i % 3 == 0 ? run->child : run->space, MEMORY + i * PAGE_SIZE, &run->memory[i],
            (unsigned char)(i + 101));
    (void)!run->space->ops->sync(run->space, BASE, FILE_PAGES / 2 * PAGE_SIZE);
    (void)!file->ops->read(file, 5 * PAGE_SIZE, buf, sizeof buf, &done);
    if (done > 0)
        assert_int_equal(buf[0], run->file[5]);
    for (unsigned i = 0; i < FILE_PAGES; i += 7)
        (void)!run->space->ops->evict(run->space, BASE + i * PAGE_SIZE);
    check(run);
    for (unsigned i = 1; i < FILE_PAGES; i += 2)
        store(run, run->space, BASE + i * PAGE_SIZE, &run->file[i], (unsigned char)(i + 50));
    write_plain(run);
    if (file->ops->resize(file, (FILE_PAGES - 4) * PAGE_SIZE) == PGW_OK)
        run->file_len = FILE_PAGES - 4;
    (void)!vm_writeback(run->rig.vm);
    read_all(run);
    read_all(run);
    check(run);
}

/* Nothing fails any more: everything that was written is found. */
static void
look(struct run *run)
{
    unsigned char byte;

    for (unsigned i = 0; i < MEMORY_PAGES && run->memory_there; i++) {
        assert_int_equal(
            vm_rig_load(&run->rig, run->space, MEMORY + i * PAGE_SIZE, &byte), SPACE_FAULT_OK);
        assert_int_equal(byte, run->memory[i]);
    }
    if (run->child != NULL)
        run->child->ops->destroy(run->child);
    run->space->ops->destroy(run->space);
    assert_int_equal(vm_writeback(run->rig.vm), PGW_OK);
    check(run);
    for (unsigned i = 0; i < run->file_len; i++) {
        assert_int_equal(pread(run->rig.file_fd, &byte, 1, (off_t)i * PAGE_SIZE), 1);
        assert_int_equal(byte, run->file[i]);
    }
}

static void
body(void *ctx)
{
    struct run *run = ctx;
    struct base_inject *inject = &run->rig.env.inject;
    unsigned char page[PAGE_SIZE];

    run->child = NULL;
    run->memory_there = false;
    run->file_len = FILE_PAGES;
    memset(run->memory, 0, sizeof run->memory);
    for (unsigned i = 0; i < FILE_PAGES; i++) {
        test_page_fill(page, FILE_KEY + i);
        run->file[i] = page[0];
    }
    if (vm_rig_try_init(&run->rig, run->config) != PGW_OK)
        return;
    if (vm_rig_add_file(&run->rig, FILE_PAGES, FILE_KEY) == PGW_OK &&
        vm_space_create(run->rig.vm, &run->space) == PGW_OK) {
        assert_int_equal(vm_group_join(run->space, run->rig.group), PGW_OK);
        map_all(run);
        work(run);
        memset(inject->fail_at, 0, sizeof inject->fail_at);
        look(run);
    }
    vm_stats(run->rig.vm, &run->done);
    assert_int_equal(vm_group_stats(run->rig.vm, run->rig.group, &run->in_group), PGW_OK);
    vm_rig_close(&run->rig);
}

static void
torture_each(struct run *run, enum base_inject_point point, bool after)
{
    const struct vm_rig_config *config = run->config;

    test_env_init(&run->rig.env, config->frames);
    assert_true(test_each_failure(&run->rig.env.inject, point, after, body, run) > 2);
    test_env_fini(&run->rig.env);
    assert_true(run->done.pages_out > 0);
    assert_true(config->pool == 0 || run->done.tmem_pages_in > 0);
    assert_true(config->group == 0 ||
                (run->in_group.reclaims > 0 && run->in_group.resident_peak == config->group));
}

static void
torture(void **state)
{
    static const enum base_inject_point points[] = {
        INJECT_MAP, INJECT_OBJ, INJECT_FRAME, INJECT_READ, INJECT_WRITE};
    const size_t npoints = sizeof points / sizeof points[0];

    (void)state;
    for (size_t i = 0; i < sizeof configs / sizeof configs[0]; i++) {
        struct vm_rig_config config = configs[i];
        struct run run = {.config = &config};
        struct nbd_server server;
        print_message("%s\n", config.name);
        vm_rig_serve(&config, &server);
        for (size_t j = 0; j < 2 * npoints; j++)
            torture_each(&run, points[j / 2], j % 2 != 0);
        vm_rig_unserve(&config, &server);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(torture)};

    return cmocka_run_group_tests_name("torture of files", tests, NULL, NULL);
}
