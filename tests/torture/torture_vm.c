/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Torture of the paged core: a scenario that uses everything is run again and again, with the
 * first, the second, ... allocation, frame, read or write failing.
 *
 * One failure: the operation that met it says so and has changed nothing; done again, it works, and
 * at the end every byte is what it should be.  A failure that stays (a dead device, no memory): the
 * scenario stops there, and what had been written can still be read once the failure is over.
 */
#include "support/test.h"

#include <string.h>

#include "pmap/pmaps.h"
#include "policy/policies.h"
#include "support/vm_rig.h"

#define PAGES 48u
#define FILE_PAGES 8u
#define FILE_KEY 500u
#define BASE ((uint64_t)0x10000000)
#define FILE_BASE ((uint64_t)0x20000000)
#define MOVED_BASE ((uint64_t)0x30000000)

static const struct vm_rig_config torture_configs[] = {
    {.name = "sv39",
        .pmap = &pmap_sv39,
        .policy = &policy_clock,
        .frames = 40,
        .swap_slots = 512,
        .tlb = "l1=8:2",
        .ahead = 15,
        .around = 16},
    {.name = "ref",
        .pmap = &pmap_ref,
        .flat = true,
        .policy = &policy_lru,
        .frames = 32,
        .swap_slots = 512,
        .tlb = "none"},
    {.name = "three devices",
        .pmap = &pmap_ref,
        .flat = true,
        .policy = &policy_clock,
        .frames = 32,
        .swap_slots = 512,
        .devices = 3,
        .tlb = "none"},
    {.name = "compressed pool",
        .pmap = &pmap_ref,
        .flat = true,
        .policy = &policy_fifo,
        .frames = 44,
        .pool = 12,
        .swap_slots = 512,
        .devices = 2,
        .tlb = "none"},
    {.name = "remote store",
        .pmap = &pmap_ref,
        .flat = true,
        .policy = &policy_lru,
        .frames = 32,
        .swap_slots = 512,
        .remote = true,
        .tlb = "none",
        .ahead = 7},
    {.name = "proactive",
        .pmap = &pmap_ref,
        .flat = true,
        .policy = &policy_clock,
        .frames = 128,
        .swap_slots = 512,
        .proactive = 50,
        .tlb = "none"},
};

/* One run of the scenario. */
struct torture {
    struct vm_rig rig;
    const struct vm_rig_config *config;
    bool retry;        /* a step that fails is done again */
    unsigned failed;   /* steps that failed */
    uint64_t squeezed; /* pages, in the last run */
    struct space *parent, *child;
    /* What pages of the two hold now: keys for a pattern, 0: zeros. */
    uint64_t parent_keys[PAGES], child_keys[PAGES];
    uint64_t file_keys[FILE_PAGES];
    uint64_t moved; /* pages of the parent from PAGES / 2 on are at MOVED_BASE */
};

static uint64_t
parent_va(const struct torture *torture, unsigned i)
{
    if (torture->moved != 0 && i >= PAGES / 2)
        return MOVED_BASE + (uint64_t)(i - PAGES / 2) * PAGE_SIZE;
    return BASE + (uint64_t)i * PAGE_SIZE;
}

/* True if the step must be done again. */
static bool
again(struct torture *torture, bool ok, unsigned *tries)
{
    if (ok)
        return false;
    torture->failed++;
    struct base_inject inject = torture->rig.env.inject;
    memset(torture->rig.env.inject.fail_at, 0, sizeof inject.fail_at); /* the check allocates */
    assert_true(vm_check(torture->rig.vm));
    torture->rig.env.inject = inject;
    return torture->retry && ++*tries < 3;
}

static bool
do_status(struct torture *torture, enum pgw_status (*step)(struct torture *torture))
{
    unsigned tries = 0;
    enum pgw_status status;

    do
        status = step(torture);
    while (again(torture, status == PGW_OK, &tries));
    return status == PGW_OK;
}

/* A page through the core's copying, then one byte of it through the MMU. */
static bool
do_write(struct torture *torture, struct space *space, uint64_t va, uint64_t key)
{
    unsigned char bytes[PAGE_SIZE];
    unsigned tries = 0;
    enum space_fault fault;

    test_page_fill(bytes, key);
    do {
        size_t done;
        fault = space_write(space, va, bytes, PAGE_SIZE, &done);
        if (fault == SPACE_FAULT_OK)
            fault = vm_rig_store(&torture->rig, space, va + 17, bytes[17]);
    } while (again(torture, fault == SPACE_FAULT_OK, &tries));
    return fault == SPACE_FAULT_OK;
}

static bool
do_read(struct torture *torture, struct space *space, uint64_t va, uint64_t key)
{
    unsigned char bytes[PAGE_SIZE];
    unsigned tries = 0;
    enum space_fault fault;

    do
        fault = space_read(space, va, bytes, PAGE_SIZE, NULL);
    while (again(torture, fault == SPACE_FAULT_OK, &tries));
    if (fault == SPACE_FAULT_OK && key != 0)
        test_page_expect(bytes, key);
    else if (fault == SPACE_FAULT_OK)
        test_page_expect_zero(bytes);
    return fault == SPACE_FAULT_OK;
}

static enum pgw_status
step_file(struct torture *torture)
{
    return vm_rig_add_file(&torture->rig, FILE_PAGES, FILE_KEY);
}

static enum pgw_status
step_space(struct torture *torture)
{
    return vm_space_create(torture->rig.vm, &torture->parent);
}

static enum pgw_status
step_map(struct torture *torture)
{
    struct space_map_args args = {.va = BASE,
        .len = PAGES * PAGE_SIZE,
        .prot = PROT_MASK_R | PROT_MASK_W,
        .flags = SPACE_FIXED};
    uint64_t va;

    return torture->parent->ops->map(torture->parent, &args, &va);
}

static enum pgw_status
step_map_file(struct torture *torture)
{
    struct space_map_args args = {.va = FILE_BASE,
        .len = FILE_PAGES * PAGE_SIZE,
        .prot = PROT_MASK_R | PROT_MASK_W,
        .flags = SPACE_FIXED,
        .use = SPACE_USE_FILE,
        .object = torture->rig.file};
    uint64_t va;

    return torture->parent->ops->map(torture->parent, &args, &va);
}

static enum pgw_status
step_fork(struct torture *torture)
{
    return torture->parent->ops->fork(torture->parent, &torture->child);
}

static enum pgw_status
step_protect(struct torture *torture)
{
    return torture->parent->ops->protect(
        torture->parent, BASE + 5 * PAGE_SIZE, 7 * PAGE_SIZE, PROT_MASK_R);
}

static enum pgw_status
step_move(struct torture *torture)
{
    uint64_t va = MOVED_BASE;
    enum pgw_status status =
        torture->parent->ops->remap(torture->parent, BASE + PAGES / 2 * PAGE_SIZE,
            PAGES / 2 * PAGE_SIZE, PAGES / 2 * PAGE_SIZE, true, true, &va);

    if (status == PGW_OK)
        torture->moved = 1;
    return status;
}

static enum pgw_status
step_unmap(struct torture *torture)
{
    return torture->child->ops->unmap(torture->child, BASE + 9 * PAGE_SIZE, 3 * PAGE_SIZE);
}

static bool
write_parent(struct torture *torture, unsigned from, unsigned step, uint64_t key)
{
    for (unsigned i = from; i < PAGES; i += step) {
        if (i >= 5 && i < 12 && torture->child != NULL)
            continue; /* read-only by then */
        if (!do_write(torture, torture->parent, parent_va(torture, i), key + i))
            return false;
        torture->parent_keys[i] = key + i;
    }
    return true;
}

static bool
write_child(struct torture *torture, unsigned from, unsigned step, uint64_t key)
{
    for (unsigned i = from; i < PAGES; i += step) {
        if (!do_write(torture, torture->child, BASE + (uint64_t)i * PAGE_SIZE, key + i))
            return false;
        torture->child_keys[i] = key + i;
    }
    return true;
}

static bool
read_everything(struct torture *torture, bool child_cut)
{
    for (unsigned i = 0; torture->parent != NULL && i < PAGES; i++)
        if (!do_read(torture, torture->parent, parent_va(torture, i), torture->parent_keys[i]))
            return false;
    for (unsigned i = 0; torture->child != NULL && i < PAGES; i++)
        if (!(child_cut && i >= 9 && i < 12) &&
            !do_read(
                torture, torture->child, BASE + (uint64_t)i * PAGE_SIZE, torture->child_keys[i]))
            return false;
    return true;
}

static bool
use_file(struct torture *torture)
{
    for (unsigned i = 0; i < FILE_PAGES; i++)
        if (!do_read(torture, torture->parent, FILE_BASE + (uint64_t)i * PAGE_SIZE, FILE_KEY + i))
            return false;
    for (unsigned i = 0; i < FILE_PAGES; i += 3)
        if (!do_write(torture, torture->parent, FILE_BASE + (uint64_t)i * PAGE_SIZE, 900 + i))
            return false;
    for (unsigned i = 0; i < FILE_PAGES; i++)
        if (!do_read(torture, torture->parent, FILE_BASE + (uint64_t)i * PAGE_SIZE,
                (i % 3 == 0 ? 900 : FILE_KEY) + i))
            return false;
    return true;
}

/* The program is idle for most of the time: by then its pages are old. */
static void
squeeze(struct torture *torture)
{
    uint64_t since = torture->rig.now;

    while (torture->rig.now < 10 * since)
        vm_daemon(torture->rig.vm);
}

/* The whole of it; false: a step failed for good. *mapped, *cut: how far it came. */
static bool
scenario(struct torture *torture, bool *mapped, bool *cut)
{
    *mapped = do_status(torture, step_file) && do_status(torture, step_space) &&
              do_status(torture, step_map);
    if (!*mapped || !do_status(torture, step_map_file) || !write_parent(torture, 0, 1, 100) ||
        !use_file(torture))
        return false;
    squeeze(torture);
    if (!do_status(torture, step_fork))
        return false;
    memcpy(torture->child_keys, torture->parent_keys, sizeof torture->child_keys);
    if (!do_status(torture, step_protect) || !write_child(torture, 0, 3, 200) ||
        !write_parent(torture, 1, 2, 300) || !do_status(torture, step_move) ||
        !do_status(torture, step_unmap))
        return false;
    *cut = true;
    (void)vm_reclaim(torture->rig.vm, 20);
    return write_parent(torture, 0, 5, 400) && read_everything(torture, true);
}

static void
torture_body(void *ctx)
{
    struct torture *torture = ctx;
    struct base_inject *inject = &torture->rig.env.inject;
    bool mapped = false, cut = false;
    struct vm_stats stats;

    torture->failed = 0;
    torture->moved = 0;
    torture->parent = torture->child = NULL;
    memset(torture->parent_keys, 0, sizeof torture->parent_keys);
    memset(torture->child_keys, 0, sizeof torture->child_keys);
    if (vm_rig_try_init(&torture->rig, torture->config) != PGW_OK) {
        test_env_expect_all_free(&torture->rig.env);
        return;
    }
    bool whole = scenario(torture, &mapped, &cut);
    assert_true(whole || torture->failed > 0);
    assert_true(whole || !torture->retry);
    memset(inject->fail_at, 0, sizeof inject->fail_at); /* it is over; the bytes are all there */
    assert_true(vm_check(torture->rig.vm));
    if (mapped)
        assert_true(read_everything(torture, cut));
    vm_stats(torture->rig.vm, &stats);
    torture->squeezed = stats.squeezed;
    if (torture->child != NULL)
        torture->child->ops->destroy(torture->child);
    if (torture->parent != NULL)
        torture->parent->ops->destroy(torture->parent);
    vm_rig_close(&torture->rig);
}

/* after: every later try fails too. */
static void
torture_each(const struct vm_rig_config *config, enum base_inject_point point, bool after)
{
    struct vm_rig_config served = *config;
    struct torture torture = {.config = &served, .retry = !after};
    struct nbd_server server;

    vm_rig_serve(&served, &server);
    test_env_init(&torture.rig.env, config->frames);
    assert_true(
        test_each_failure(&torture.rig.env.inject, point, after, torture_body, &torture) > 0);
    assert_true(config->proactive == 0 || torture.squeezed > 0);
    test_env_fini(&torture.rig.env);
    vm_rig_unserve(&served, &server);
}

static void
torture_all(enum base_inject_point point)
{
    for (size_t i = 0; i < sizeof torture_configs / sizeof torture_configs[0]; i++) {
        torture_each(&torture_configs[i], point, false);
        torture_each(&torture_configs[i], point, true);
    }
}

/* What a pmap asks for, each try failing alone, over every one that writes tables: those of deeper
 * trees and roots of more than a frame need RAM of their own, for two spaces and a third root
 * between them. */
static void
torture_backends(enum base_inject_point point)
{
    const struct backend *backend;

    for (size_t i = 0; (backend = backend_at(i)) != NULL; i++) {
        uint64_t root = backend_root_frames(backend);
        struct vm_rig_config config = {.name = backend->name,
            .pmap = backend->pmap,
            .policy = &policy_clock,
            .frames = 64 + (root > 1 ? 3 * root : 0),
            .swap_slots = 512,
            .tlb = "l1=8:2",
            .backend = backend};
        print_message("%s\n", backend->name);
        torture_each(&config, point, false);
    }
}

static void
test_allocations(void **state)
{
    (void)state;
    torture_all(INJECT_MAP);
}

static void
test_records(void **state)
{
    (void)state;
    torture_all(INJECT_OBJ);
    torture_backends(INJECT_OBJ);
}

static void
test_frames(void **state)
{
    (void)state;
    torture_all(INJECT_FRAME);
    torture_backends(INJECT_FRAME);
}

static void
test_reads(void **state)
{
    (void)state;
    torture_all(INJECT_READ);
}

static void
test_writes(void **state)
{
    (void)state;
    torture_all(INJECT_WRITE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_allocations),
        cmocka_unit_test(test_records), cmocka_unit_test(test_frames), cmocka_unit_test(test_reads),
        cmocka_unit_test(test_writes)};

    return cmocka_run_group_tests_name("torture vm", tests, NULL, NULL);
}
