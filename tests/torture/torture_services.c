/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Torture of what a space's memory can be asked for: advice, locks, population, sharing, merging,
 * mappings moved and made a second time, promises kept, a group at its limit, a remote store,
 * frames put together.  Every allocation, frame, read and write fails in turn; what failed is done
 * again and works, and in the end every byte is there and no lock, no promise and no frame is left.
 */
#include "support/test.h"

#include <string.h>

#include "pmap/pmaps.h"
#include "policy/policies.h"
#include "support/vm_rig.h"

#define PAGES(n) ((uint64_t)(n)*PAGE_SIZE)
#define RW (PROT_MASK_R | PROT_MASK_W)
#define N 32u /* private pages */
#define M 6u  /* shared ones */
#define BASE ((uint64_t)0x10000000)
#define SHARED ((uint64_t)0x20000000)
#define MOVED ((uint64_t)0x30000000)
#define AGAIN ((uint64_t)0x40000000)
#define CUT 24u /* pages from here on move to MOVED */

static const struct vm_rig_config configs[] = {
    {.name = "sv39",
        .pmap = &pmap_sv39,
        .policy = &policy_clock,
        .frames = 48,
        .swap_slots = 512,
        .merge = VM_MERGE_ALL,
        .tlb = "none",
        .ahead = 15,
        .around = 16},
    {.name = "never, slow",
        .pmap = &pmap_ref,
        .flat = true,
        .delayed = true,
        .policy = &policy_lru,
        .frames = 44,
        .swap_slots = 512,
        .merge = VM_MERGE_ALL,
        .overcommit = VM_OVERCOMMIT_NEVER,
        .overcommit_ratio = 100,
        .tlb = "none"},
    {.name = "compressed pool",
        .pmap = &pmap_ref,
        .flat = true,
        .policy = &policy_fifo,
        .frames = 52,
        .pool = 12,
        .swap_slots = 512,
        .merge = VM_MERGE_ALL,
        .tlb = "none",
        .ahead = 3},
    {.name = "small group, remote store",
        .pmap = &pmap_sv39,
        .policy = &policy_clock,
        .frames = 72,
        .swap_slots = 512,
        .remote = true,
        .group = 24,
        .merge = VM_MERGE_ALL,
        .tlb = "none",
        .ahead = 7},
    {.name = "small group, never, compressed pool before a remote store",
        .pmap = &pmap_ref,
        .flat = true,
        .policy = &policy_lru,
        .frames = 72,
        .pool = 12,
        .swap_slots = 512,
        .remote = true,
        .group = 24,
        .merge = VM_MERGE_ALL,
        .overcommit = VM_OVERCOMMIT_NEVER,
        .overcommit_ratio = 100,
        .tlb = "none"},
    {.name = "huge pages",
        .pmap = &pmap_ref,
        .flat = true,
        .policy = &policy_clock,
        .frames = 112,
        .swap_slots = 512,
        .merge = VM_MERGE_ALL,
        .huge = VM_HUGE_ALWAYS,
        .huge_order = 4,
        .tlb = "none"},
};

struct torture {
    struct vm_rig rig;
    const struct vm_rig_config *config;
    unsigned failed;
    struct space *parent, *child;
    uint64_t keys[2][N], shared[M]; /* of test_page_fill; 0: zeros */
    bool moved;
    struct vm_stats done;           /* by the last run, in which nothing failed */
    struct vm_group_stats in_group; /* the same; its group's, if there is one */
};

struct step {
    const char *name;
    enum pgw_status (*run)(struct torture *t);
};

static enum pgw_status
advise(struct torture *t, unsigned from, unsigned n, enum space_advice advice)
{
    return t->parent->ops->advise(t->parent, BASE + PAGES(from), PAGES(n), advice);
}

static enum pgw_status
write_page(struct space *space, uint64_t va, uint64_t key)
{
    unsigned char bytes[PAGE_SIZE];

    test_page_fill(bytes, key);
    return space_write(space, va, bytes, PAGE_SIZE, NULL) == SPACE_FAULT_OK ? PGW_OK : PGW_NORAM;
}

static enum pgw_status
write_private(struct torture *t, unsigned who, unsigned from, unsigned by, uint64_t key)
{
    struct space *space = who == 0 ? t->parent : t->child;
    enum pgw_status status = PGW_OK;

    for (unsigned i = from; i < CUT && status == PGW_OK; i += by) {
        status = write_page(space, BASE + PAGES(i), key + i % 3);
        if (status == PGW_OK)
            t->keys[who][i] = key + i % 3;
    }
    return status;
}

static enum pgw_status
step_begin(struct torture *t)
{
    struct space_map_args args = {.va = BASE, .len = PAGES(N), .prot = RW, .flags = SPACE_FIXED};
    uint64_t va;
    enum pgw_status status = PGW_OK;

    if (t->parent == NULL)
        status = vm_space_create(t->rig.vm, &t->parent);
    if (status == PGW_OK)
        status = vm_group_join(t->parent, t->rig.group);
    return status == PGW_OK ? t->parent->ops->map(t->parent, &args, &va) : status;
}

static enum pgw_status
step_map_shared(struct torture *t)
{
    struct space_map_args args = {
        .va = SHARED, .len = PAGES(M), .prot = RW, .flags = SPACE_FIXED | SPACE_SHARED};
    uint64_t va;

    return t->parent->ops->map(t->parent, &args, &va);
}

static enum pgw_status
step_fill(struct torture *t)
{
    enum pgw_status status = write_private(t, 0, 0, 1, 1);

    for (unsigned i = CUT; i < N && status == PGW_OK; i++) {
        status = write_page(t->parent, BASE + PAGES(i), 50 + i);
        t->keys[0][i] = status == PGW_OK ? 50 + i : t->keys[0][i];
    }
    for (unsigned i = 0; i < M && status == PGW_OK; i++) {
        status = write_page(t->parent, SHARED + PAGES(i), 80 + i);
        t->shared[i] = status == PGW_OK ? 80 + i : t->shared[i];
    }
    return status;
}

static enum pgw_status
step_merge(struct torture *t)
{
    for (unsigned i = 0; i < 4; i++)
        (void)vm_merge_run(t->rig.vm, 200);
    return PGW_OK;
}

static enum pgw_status
step_compact(struct torture *t)
{
    (void)vm_compact(t->rig.vm);
    vm_huge_run(t->rig.vm);
    return PGW_OK;
}

static enum pgw_status
step_lock(struct torture *t)
{
    return t->parent->ops->lock(t->parent, BASE, PAGES(3), SPACE_LOCK_NOW);
}

static enum pgw_status
step_sequential(struct torture *t)
{
    return advise(t, 6, 10, SPACE_ADVICE_SEQUENTIAL);
}

static enum pgw_status
step_out_and_in(struct torture *t)
{
    enum pgw_status status = advise(t, 4, N - 4, SPACE_ADVICE_PAGEOUT);

    return status == PGW_OK ? advise(t, 4, N - 4, SPACE_ADVICE_WILLNEED) : status;
}

static enum pgw_status
step_populate(struct torture *t)
{
    return t->parent->ops->populate(t->parent, BASE, PAGES(N), false);
}

static enum pgw_status
step_fork(struct torture *t)
{
    enum pgw_status status = t->parent->ops->fork(t->parent, &t->child);

    if (status == PGW_OK)
        memcpy(t->keys[1], t->keys[0], sizeof t->keys[0]);
    return status;
}

static enum pgw_status
step_both_write(struct torture *t)
{
    enum pgw_status status = write_private(t, 0, 1, 3, 7);

    if (status == PGW_OK)
        status = write_private(t, 1, 0, 4, 1);
    return status;
}

static enum pgw_status
step_map_again(struct torture *t)
{
    uint64_t va = AGAIN;

    return t->child->ops->remap(t->child, SHARED, 0, PAGES(M), true, SPACE_FIXED, &va);
}

static enum pgw_status
step_write_again(struct torture *t)
{
    enum pgw_status status = write_page(t->child, AGAIN + PAGES(2), 90);

    if (status == PGW_OK)
        t->shared[2] = 90;
    return status;
}

static enum pgw_status
step_remove(struct torture *t)
{
    enum pgw_status status =
        t->child->ops->advise(t->child, AGAIN + PAGES(4), PAGE_SIZE, SPACE_ADVICE_REMOVE);

    if (status == PGW_OK)
        t->shared[4] = 0;
    return status;
}

static enum pgw_status
step_dontneed(struct torture *t)
{
    enum pgw_status status = advise(t, 18, 4, SPACE_ADVICE_DONTNEED);

    for (unsigned i = 18; i < 22 && status == PGW_OK; i++)
        t->keys[0][i] = 0;
    return status;
}

static enum pgw_status
step_give_up(struct torture *t)
{
    enum pgw_status status = advise(t, 12, 3, SPACE_ADVICE_FREE);

    (void)vm_reclaim(t->rig.vm, 4);
    for (unsigned i = 12; i < 15 && status == PGW_OK; i++) {
        status = write_page(t->parent, BASE + PAGES(i), 30 + i);
        t->keys[0][i] = 30 + i; /* if that failed it is done again */
    }
    return status;
}

static enum pgw_status
step_move(struct torture *t)
{
    uint64_t va = MOVED;
    enum pgw_status status = t->parent->ops->remap(t->parent, BASE + PAGES(CUT), PAGES(N - CUT),
        PAGES(N - CUT), true, SPACE_FIXED | SPACE_KEEP, &va);

    t->moved = t->moved || status == PGW_OK;
    return status;
}

static enum pgw_status
step_lock_child(struct torture *t)
{
    return t->child->ops->lock(t->child, BASE + PAGES(2), PAGES(2), SPACE_LOCK_ONFAULT);
}

static enum pgw_status
step_unmerge(struct torture *t)
{
    return t->child->ops->advise(t->child, BASE, PAGES(CUT), SPACE_ADVICE_NOMERGE);
}

static enum pgw_status
step_protect(struct torture *t)
{
    enum pgw_status status =
        t->parent->ops->protect(t->parent, BASE + PAGES(1), PAGES(5), PROT_MASK_R);

    return status == PGW_OK ? t->parent->ops->protect(t->parent, BASE + PAGES(1), PAGES(5), RW)
                            : status;
}

static const struct step steps[] = {{"begin", step_begin}, {"shared", step_map_shared},
    {"fill", step_fill}, {"merge", step_merge}, {"compact", step_compact}, {"lock", step_lock},
    {"sequential", step_sequential}, {"out and in", step_out_and_in}, {"populate", step_populate},
    {"fork", step_fork}, {"write", step_both_write}, {"merge", step_merge},
    {"compact", step_compact}, {"again", step_map_again}, {"write again", step_write_again},
    {"remove", step_remove}, {"dontneed", step_dontneed}, {"give up", step_give_up},
    {"move", step_move}, {"lock child", step_lock_child}, {"merge", step_merge},
    {"unmerge", step_unmerge}, {"protect", step_protect}, {"out and in", step_out_and_in}};

/* Without failures from here on, what is known can be read. */
static void
verify(struct torture *t)
{
    unsigned char bytes[PAGE_SIZE];

    for (unsigned i = 0; i < 2 * N + 2 * M; i++) {
        unsigned who = i < 2 * N ? i / N : (i - 2 * N) / M;
        unsigned at = i < 2 * N ? i % N : (i - 2 * N) % M;
        uint64_t key = i < 2 * N ? t->keys[who][at] : t->shared[at];
        struct space *space = who == 0 ? t->parent : t->child;
        uint64_t va = (i < 2 * N ? BASE : SHARED) + PAGES(at);
        if (i < N && at >= CUT && t->moved)
            va = MOVED + PAGES(at - CUT);
        if (space == NULL)
            continue;
        assert_int_equal(space_read(space, va, bytes, PAGE_SIZE, NULL), SPACE_FAULT_OK);
        if (key != 0)
            test_page_expect(bytes, key);
        else
            test_page_expect_zero(bytes);
    }
}

static void
finish(struct torture *t)
{
    struct vm_stats stats;

    vm_stats(t->rig.vm, &t->done);
    assert_int_equal(vm_group_stats(t->rig.vm, t->rig.group, &t->in_group), PGW_OK);
    if (t->child != NULL)
        t->child->ops->destroy(t->child);
    if (t->parent != NULL)
        t->parent->ops->destroy(t->parent);
    assert_true(vm_check(t->rig.vm));
    vm_stats(t->rig.vm, &stats);
    assert_int_equal(stats.committed, 0);
    assert_int_equal(stats.locked, 0);
    assert_int_equal(stats.merge_shared, 0);
    vm_rig_close(&t->rig);
}

static void
body(void *ctx)
{
    struct torture *t = ctx;
    struct base_inject *inject = &t->rig.env.inject;

    t->parent = t->child = NULL;
    t->moved = false;
    memset(t->keys, 0, sizeof t->keys);
    memset(t->shared, 0, sizeof t->shared);
    if (vm_rig_try_init(&t->rig, t->config) != PGW_OK) {
        test_env_expect_all_free(&t->rig.env);
        return;
    }
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        enum pgw_status status = steps[i].run(t);
        struct base_inject kept = *inject;
        memset(inject->fail_at, 0, sizeof inject->fail_at); /* the check allocates */
        if (!vm_check(t->rig.vm))
            fail_msg("%s: invariants broken after %s", t->config->name, steps[i].name);
        if (status != PGW_OK && steps[i].run(t) != PGW_OK)
            fail_msg("%s: %s fails again, %d", t->config->name, steps[i].name, (int)status);
        *inject = kept;
    }
    memset(inject->fail_at, 0, sizeof inject->fail_at);
    if (t->parent != NULL)
        verify(t);
    finish(t);
}

/* What the config is for did happen. */
static void
expect_done(const struct torture *t)
{
    const struct vm_rig_config *config = t->config;

    assert_true(t->done.merge_merged > 0);
    assert_true(t->done.pages_out > 0);
    assert_true(config->huge == VM_HUGE_OFF || t->done.migrated > 0);
    assert_true(config->group == 0 ||
                (t->in_group.reclaims > 0 && t->in_group.resident_peak == config->group));
}

static void
torture_all(enum base_inject_point point)
{
    for (size_t i = 0; i < sizeof configs / sizeof configs[0]; i++) {
        struct vm_rig_config config = configs[i];
        struct torture t = {.config = &config};
        struct nbd_server server;
        print_message("%s\n", config.name);
        vm_rig_serve(&config, &server);
        test_env_init(&t.rig.env, config.frames);
        assert_true(test_each_failure(&t.rig.env.inject, point, false, body, &t) > 0);
        expect_done(&t);
        test_env_fini(&t.rig.env);
        vm_rig_unserve(&config, &server);
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
}

static void
test_frames(void **state)
{
    (void)state;
    torture_all(INJECT_FRAME);
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

    return cmocka_run_group_tests_name("torture of services", tests, NULL, NULL);
}
