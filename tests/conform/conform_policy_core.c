/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A policy in the core evicts the pages that it evicts in replay, in the same order, when it is fed
 * the same references.
 *
 * The core here makes room when it is needed, as replay does: a group with a limit whose daemon
 * rests.  Its MMU's bits are harvested after each reference, so that the policy learns of each use
 * when it happens; that is all the difference between the two.  A spy between core and policy
 * writes down who goes, and takes the core's kinds off the keys, which leaves a page's number.
 */
#include <stdio.h>
#include <string.h>

#include "pmap/pmaps.h"
#include "policy_rig.h"
#include "support/vm_rig.h"
#include "vm/core.h"

#define CORE_BASE ((uint64_t)0x10000000)
#define CORE_KEY UINT32_MAX /* of a key: the page's number in its file, or the anon's */

static struct policy_ops spy;
static const struct policy_ops *spied;
static struct rig_replayed core, replayed;
static bool spy_sees; /* the group's policy, not the root's */

static enum pgw_status
spy_create(const struct policy_env *env, struct policy **policy)
{
    enum pgw_status status = spied->create(env, policy);

    if (status == PGW_OK)
        (*policy)->ops = &spy;
    return status;
}

static void
spy_missed(struct policy *policy, uint64_t key)
{
    spied->missed(policy, key & CORE_KEY);
}

static void
spy_admit(struct policy *policy, struct base_node *node, uint64_t key)
{
    spied->admit(policy, node, key & CORE_KEY);
}

static void
spy_evicted(struct policy *policy, struct base_node *node, uint64_t key)
{
    spied->evicted(policy, node, key & CORE_KEY);
    assert_true(core.n < sizeof core.evicted / sizeof core.evicted[0]);
    if (spy_sees)
        core.evicted[core.n++] = (unsigned)(key & CORE_KEY);
}

struct core_case {
    struct vm_rig_config config;
    struct vm_rig rig;
    struct space *space;
    struct policy *policy;
};

static void
core_init(struct core_case *c, const struct policy_twin *twin, unsigned frames)
{
    unsigned id;

    spied = twin->ops;
    spy = *twin->ops;
    spy.create = spy_create;
    spy.missed = spy_missed;
    spy.admit = spy_admit;
    spy.evicted = spy_evicted;
    core.n = 0;
    c->config = (struct vm_rig_config){.name = "policy",
        .pmap = &pmap_ref,
        .flat = true,
        .policy = &spy,
        .policy_param = twin->param,
        .frames = 1024,
        .swap_slots = 4 * RIG_PAGES,
        .tlb = "none"};
    vm_rig_init(&c->rig, &c->config);
    assert_int_equal(vm_group_create(c->rig.vm, "small", frames, &id), PGW_OK);
    assert_int_equal(vm_space_create(c->rig.vm, &c->space), PGW_OK);
    assert_int_equal(vm_group_join(c->space, id), PGW_OK);
    c->rig.vm->groups[id]->rests = UINT64_MAX;
    c->policy = c->rig.vm->groups[id]->policy;
    spy_sees = true;
}

static void
core_fini(struct core_case *c)
{
    assert_true(vm_check(c->rig.vm));
    spy_sees = false;
    c->space->ops->destroy(c->space);
    vm_rig_fini(&c->rig);
}

static void
core_map(struct core_case *c, struct space_object *object)
{
    struct space_map_args args = {.va = CORE_BASE,
        .len = (uint64_t)RIG_PAGES * PAGE_SIZE,
        .prot = object != NULL ? PROT_MASK_R : PROT_MASK_R | PROT_MASK_W,
        .flags = SPACE_FIXED,
        .object = object};
    uint64_t va;

    assert_int_equal(c->space->ops->map(c->space, &args, &va), PGW_OK);
}

static void
core_reference(struct core_case *c, unsigned number, bool write)
{
    uint64_t va = CORE_BASE + (uint64_t)number * PAGE_SIZE;
    struct space_page info;
    unsigned char byte = 0;

    if ((spied->wants & POLICY_WANTS_TIME) != 0)
        c->policy->now++;
    assert_int_equal(write ? vm_rig_store(&c->rig, c->space, va, (unsigned char)(number | 1))
                           : vm_rig_load(&c->rig, c->space, va, &byte),
        SPACE_FAULT_OK);
    c->space->ops->page(c->space, va, &info);
    struct mem_page *page = (struct mem_page *)(uintptr_t)info.page;
    assert_non_null(page);
    if (vm_page_test_clear_referenced(c->rig.vm, page))
        spy.accessed(c->policy, &page->node, write);
}

static void
core_compare(const struct rig_trace *t, unsigned frames)
{
    for (unsigned i = 0; i < core.n || i < replayed.n; i++)
        if (i >= core.n || i >= replayed.n || core.evicted[i] != replayed.evicted[i])
            fail_msg("%s, %u frames, eviction %u: %d in the core, %d in replay", t->name, frames, i,
                i < core.n ? (int)core.evicted[i] : -1,
                i < replayed.n ? (int)replayed.evicted[i] : -1);
    assert_true(core.n > 0);
}

static const unsigned core_frames[] = {VM_GROUP_LEAST, VM_GROUP_LEAST + 1, 50, 128};
#define CORE_SIZES (sizeof core_frames / sizeof core_frames[0])

/* Pages of a file: a page's number is its place in it. */
static void
same_evictions_of_file_pages(void **state)
{
    const struct policy_twin *twin = *state;
    struct test_env env;
    struct rig_trace t;

    test_env_init(&env, 8);
    for (unsigned s = 0; s < CORE_SIZES; s++) {
        for (unsigned i = 0; rig_trace_make(&t, i, core_frames[s]); i++) {
            struct core_case c;
            memset(t.write, 0, sizeof t.write);
            core_init(&c, twin, core_frames[s]);
            assert_int_equal(vm_rig_add_file(&c.rig, RIG_PAGES, 1), PGW_OK);
            core_map(&c, c.rig.file);
            for (unsigned r = 0; r < t.n; r++)
                core_reference(&c, t.page[r], false);
            core_fini(&c);
            rig_replay(&env, twin, &t, core_frames[s], &replayed);
            core_compare(&t, core_frames[s]);
        }
    }
    test_env_fini(&env);
}

/* Numbers pages in the order of their first use, as anons are. */
static void
core_renumber(struct rig_trace *t)
{
    unsigned number[RIG_PAGES], next = 0;

    memset(number, 0xff, sizeof number);
    for (unsigned r = 0; r < t->n; r++) {
        if (number[t->page[r]] == UINT32_MAX)
            number[t->page[r]] = next++;
        t->page[r] = number[t->page[r]];
    }
}

/* Private memory, which is written, too, and goes to swap. */
static void
same_evictions_of_anons(void **state)
{
    const struct policy_twin *twin = *state;
    struct test_env env;
    struct rig_trace t;

    test_env_init(&env, 8);
    for (unsigned s = 0; s < CORE_SIZES; s++) {
        for (unsigned i = 0; rig_trace_make(&t, i, core_frames[s]); i++) {
            struct core_case c;
            core_renumber(&t);
            core_init(&c, twin, core_frames[s]);
            core_map(&c, NULL);
            for (unsigned r = 0; r < t.n; r++)
                core_reference(&c, t.page[r], t.write[r]);
            core_fini(&c);
            rig_replay(&env, twin, &t, core_frames[s], &replayed);
            core_compare(&t, core_frames[s]);
        }
    }
    test_env_fini(&env);
}

/* With a name as its argument: that policy's tests only. */
int
main(int argc, char **argv)
{
    enum { TESTS_MAX = 200 };
    static struct CMUnitTest tests[TESTS_MAX];
    const struct policy_twin *twin;
    size_t n = 0;

    for (unsigned i = 0; (twin = policy_twin_at(i)) != NULL && n + 2 <= TESTS_MAX; i++) {
        void *initial = (void *)(uintptr_t)twin;
        if (argc > 1 && strcmp(argv[1], twin->ops->name) != 0)
            continue;
        tests[n++] = (struct CMUnitTest){.name = twin->ops->name,
            .test_func = same_evictions_of_file_pages,
            .initial_state = initial};
        tests[n++] = (struct CMUnitTest){.name = twin->ops->name,
            .test_func = same_evictions_of_anons,
            .initial_state = initial};
    }
    return _cmocka_run_group_tests("policy in the core", tests, n, NULL, NULL);
}
