/* SPDX-License-Identifier: BSD-2-Clause */
/* Policies, step by step: what the conformance suite's replays do not single out. */
#include "policy/policies.h"

#include <string.h>
#include <sys/resource.h>

#include "host/host_mem.h"
#include "support/test.h"

#define NODES 10u

struct rig {
    struct base_alloc alloc;
    struct policy *policy;
    struct base_node nodes[NODES];
    bool referenced[NODES], modified[NODES];
    bool always; /* every page is referenced, whenever one asks */
    unsigned asked;
};

static bool
rig_referenced(void *ctx, struct base_node *node)
{
    struct rig *rig = ctx;
    bool was = rig->referenced[node - rig->nodes];
    rig->referenced[node - rig->nodes] = false;
    rig->asked++;
    return was || rig->always;
}

static bool
rig_modified(void *ctx, struct base_node *node)
{
    struct rig *rig = ctx;
    return rig->modified[node - rig->nodes];
}

/* param: the first parameter; 0: its default. */
static void
rig_init_param(struct rig *rig, const struct policy_ops *ops, uint64_t param)
{
    memset(rig, 0, sizeof *rig);
    host_alloc_init(&rig->alloc, NULL);
    struct policy_env env = {.referenced = rig_referenced,
        .modified = rig_modified,
        .ctx = rig,
        .alloc = &rig->alloc,
        .capacity = NODES,
        .param = {param}};
    assert_int_equal(ops->create(&env, &rig->policy), PGW_OK);
}

static void
rig_init(struct rig *rig, const struct policy_ops *ops)
{
    rig_init_param(rig, ops, 0);
}

static void
rig_fini(struct rig *rig)
{
    assert_true(rig->policy->ops->check(rig->policy));
    rig->policy->ops->destroy(rig->policy);
    assert_int_equal(rig->alloc.mapped, 0);
}

static void
rig_admit(struct rig *rig, unsigned i)
{
    rig->policy->ops->admit(rig->policy, &rig->nodes[i], i);
}

/* A page comes in, and is gone again. */
static void
rig_tick(struct rig *rig)
{
    rig_admit(rig, NODES - 1);
    rig->policy->ops->forget(rig->policy, &rig->nodes[NODES - 1]);
}

static unsigned
rig_victim(struct rig *rig)
{
    struct base_node *node = rig->policy->ops->victim(rig->policy);
    assert_non_null(node);
    return (unsigned)(node - rig->nodes);
}

static unsigned
rig_evict(struct rig *rig)
{
    unsigned i = rig_victim(rig);
    rig->policy->ops->evicted(rig->policy, &rig->nodes[i], i);
    return i;
}

/* Under use by others without end, the search for a victim still ends. */
static void
victim_ends_if_all_is_always_referenced(void **state)
{
    struct rig rig;
    rig_init(&rig, *state);
    rig.always = true;
    for (unsigned i = 0; i < NODES; i++)
        rig_admit(&rig, i);
    for (unsigned i = 0; i < NODES; i++) {
        rig.asked = 0;
        rig_evict(&rig);
        assert_true(rig.asked <= 6 * NODES); /* each page a few times at the most */
    }
    rig_fini(&rig);
}

static void
clock_hand_goes_on_where_it_stopped(void **state)
{
    struct rig rig;
    (void)state;
    rig_init(&rig, &policy_clock);
    for (unsigned i = 0; i < 4; i++)
        rig_admit(&rig, i);
    assert_int_equal(rig_evict(&rig), 0); /* one lap clears all */
    rig_admit(&rig, 4);                   /* behind the hand, that is, after 3 */
    rig.referenced[1] = true;
    assert_int_equal(rig_victim(&rig), 2);
    assert_int_equal(rig_victim(&rig), 2); /* it stays admitted, the hand on it */
    rig.referenced[2] = true;              /* used before it could go */
    assert_int_equal(rig_evict(&rig), 3);
    assert_int_equal(rig_evict(&rig), 1); /* 4 came in used, its bit is cleared now */
    assert_int_equal(rig_evict(&rig), 2);
    assert_int_equal(rig_evict(&rig), 4);
    assert_null(rig.policy->ops->victim(rig.policy));
    rig_fini(&rig);
}

static void
clock_hand_survives_forget(void **state)
{
    struct rig rig;
    (void)state;
    for (unsigned gone = 0; gone < 4; gone++) {
        rig_init(&rig, &policy_clock);
        for (unsigned i = 0; i < 4; i++)
            rig_admit(&rig, i);
        rig.policy->ops->accessed(rig.policy, &rig.nodes[0], false);
        unsigned next = rig_victim(&rig); /* the hand stands on it */
        assert_int_equal(next, 0);
        rig.policy->ops->forget(rig.policy, &rig.nodes[gone]);
        assert_true(rig.policy->ops->check(rig.policy));
        assert_int_equal(rig_evict(&rig), gone == 0 ? 1 : 0);
        rig_fini(&rig);
    }
}

static void
lru_spares_a_victim_used_since_the_scan(void **state)
{
    struct rig rig;
    (void)state;
    rig_init(&rig, &policy_lru);
    assert_true((policy_lru.wants & POLICY_WANTS_SCAN) != 0);
    for (unsigned i = 0; i < 4; i++)
        rig_admit(&rig, i);
    rig.policy->ops->accessed(rig.policy, &rig.nodes[1], true);
    rig.referenced[0] = true;
    assert_int_equal(rig_evict(&rig), 2);
    assert_int_equal(rig_evict(&rig), 3);
    assert_int_equal(rig_evict(&rig), 1);
    assert_int_equal(rig_evict(&rig), 0);
    rig_fini(&rig);
}

/* The example of the authors' site, sievecache.com: A to G are in memory, A, B and G were used, and
 * H, A, D, I, B and J come. */
static void
sieve_does_what_its_authors_show(void **state)
{
    enum { A, B, C, D, E, F, G, H, I, J };
    struct rig rig;
    (void)state;
    rig_init(&rig, &policy_sieve);
    for (unsigned i = A; i <= G; i++)
        rig_admit(&rig, i);
    rig.policy->ops->accessed(rig.policy, &rig.nodes[A], false);
    rig.policy->ops->accessed(rig.policy, &rig.nodes[B], false);
    rig.policy->ops->accessed(rig.policy, &rig.nodes[G], false);
    assert_int_equal(rig_evict(&rig), C);
    rig_admit(&rig, H);
    rig.policy->ops->accessed(rig.policy, &rig.nodes[A], false);
    rig.referenced[D] = true; /* the MMU's way to say it */
    assert_int_equal(rig_evict(&rig), E);
    rig_admit(&rig, I);
    rig.policy->ops->accessed(rig.policy, &rig.nodes[B], false);
    assert_int_equal(rig_evict(&rig), F);
    rig_admit(&rig, J);
    assert_int_equal(rig_evict(&rig), H); /* the hand goes on over G */
    rig_fini(&rig);
}

/* A page that must be written stays as long as there is a clean one that was not used for as long.
 */
static bool
odd_is_modified(void *ctx, struct base_node *node)
{
    const struct rig *rig = ctx;
    return (node - rig->nodes) % 2 == 1;
}

static void
wsclock_takes_clean_pages_that_left_the_working_set(void **state)
{
    struct rig rig = {0};
    (void)state;
    host_alloc_init(&rig.alloc, NULL);
    struct policy_env env = {
        .modified = odd_is_modified, .ctx = &rig, .alloc = &rig.alloc, .capacity = NODES};
    env.param[0] = 5; /* tau */
    assert_int_equal(policy_wsclock.create(&env, &rig.policy), PGW_OK);
    for (unsigned i = 0; i < 6; i++, rig.policy->now++)
        rig_admit(&rig, i);
    assert_int_equal(rig_victim(&rig), 0); /* at 6: the only one that left, 6 ago */
    rig.policy->ops->accessed(rig.policy, &rig.nodes[0], false);
    assert_int_equal(rig_victim(&rig), 1); /* all are in the set: used the longest ago */
    rig.policy->now = 9;
    assert_int_equal(
        rig_evict(&rig), 2); /* 0 to 3 left, but 0, used at 6; 1 and 3 are to be written */
    assert_int_equal(rig_evict(&rig), 3); /* nothing clean left: the first that is to be written */
    rig_fini(&rig);
}

static void
pff_gives_back_what_was_unused_between_two_faults(void **state)
{
    struct rig rig = {0};
    struct base_node *node;
    (void)state;
    host_alloc_init(&rig.alloc, NULL);
    struct policy_env env = {.alloc = &rig.alloc, .capacity = NODES, .param = {10}};
    assert_int_equal(policy_pff.create(&env, &rig.policy), PGW_OK);
    for (unsigned i = 0; i < 4; i++) {
        rig.policy->now++;
        rig_admit(&rig, i); /* faults in a row: memory grows */
        assert_null(rig.policy->ops->surplus(rig.policy));
    }
    rig.policy->ops->accessed(rig.policy, &rig.nodes[1], false);
    rig.policy->now += 11;
    rig_admit(&rig, 4); /* since the fault before only 1 was used, and 3, which that brought in */
    for (unsigned gone = 0; (node = rig.policy->ops->surplus(rig.policy)) != NULL; gone += 2) {
        assert_ptr_equal(node, &rig.nodes[gone]);
        rig.policy->ops->evicted(rig.policy, node, gone);
    }
    assert_int_equal(rig.policy->count, 3);
    rig.policy->now += 10; /* not longer */
    rig_admit(&rig, 5);
    assert_null(rig.policy->ops->surplus(rig.policy));
    rig_fini(&rig);
}

static void
fifo_and_random_never_ask(void **state)
{
    struct rig rig;
    rig_init(&rig, *state);
    for (unsigned i = 0; i < NODES; i++)
        rig_admit(&rig, i);
    for (unsigned i = 0; i < NODES; i++)
        rig_evict(&rig);
    assert_int_equal(rig.asked, 0);
    rig_fini(&rig);
}

static void
absurd_capacities_are_refused(void **state)
{
    const struct policy_ops *ops = *state;
    struct base_alloc alloc;
    struct policy *policy = NULL;
    host_alloc_init(&alloc, NULL);
    const uint64_t capacities[] = {
        UINT64_MAX, UINT64_MAX / 8, UINT64_MAX / 8 + 2, UINT32_MAX / 4 + 1};
    for (unsigned i = 0; i < 4; i++) {
        struct policy_env env = {.alloc = &alloc, .capacity = capacities[i]};
        assert_int_equal(ops->create(&env, &policy), PGW_NOMEM);
    }
    assert_null(policy);
    assert_int_equal(alloc.mapped, 0);
}

/* RAM of 1 TiB, of which a group has ten pages: tables are made for all of it, and what is not used
 * of them costs address space only. */
static void
a_part_of_very_much_is_small(void **state)
{
    struct rig rig;
    struct policy_env env = {.alloc = &rig.alloc, .capacity = (uint64_t)1 << 28};
    struct rusage before, after;

    memset(&rig, 0, sizeof rig);
    host_alloc_init(&rig.alloc, NULL);
    assert_int_equal(getrusage(RUSAGE_SELF, &before), 0);
    assert_int_equal(((const struct policy_ops *)*state)->create(&env, &rig.policy), PGW_OK);
    rig.policy->size = NODES;
    for (unsigned i = 0; i < NODES; i++)
        rig_admit(&rig, i);
    for (unsigned i = 0; i < 1000 * NODES; i++) {
        rig_admit(&rig, rig_evict(&rig));
        rig.policy->ops->accessed(rig.policy, &rig.nodes[i % NODES], false);
    }
    assert_int_equal(getrusage(RUSAGE_SELF, &after), 0);
    assert_true(after.ru_minflt - before.ru_minflt < 1000);
    rig_fini(&rig);
}

/* Pages that came in while all of RAM was there for them are protected no longer than their part of
 * it allows when that is told: a new page has time to be used. */
static void
slru_keeps_its_shares_when_the_size_shrinks(void **state)
{
    struct rig rig;
    (void)state;
    rig_init_param(&rig, &policy_slru, 50);
    for (unsigned i = 0; i < 5; i++) {
        rig_admit(&rig, i);
        rig.policy->ops->accessed(rig.policy, &rig.nodes[i], false); /* half of NODES */
    }
    rig.policy->size = 5;
    for (unsigned i = 0; i < 3; i++) { /* two of five stay protected */
        assert_int_equal(rig_evict(&rig), i);
        rig_admit(&rig, 5 + i);
    }
    assert_int_equal(rig_evict(&rig), 5);
    rig_fini(&rig);
}

/* The counters of Tanenbaum's figure ("The aging algorithm simulates LRU in software"): six pages,
 * five ticks, and the pages that are used in each. */
static void
aging_is_as_in_the_book(void **state)
{
    const char *const used[] = {"101011", "110010", "110101", "100010", "011000"};
    const unsigned order[] = {3, 5, 4, 0, 2, 1}; /* 20, 28, 58, 78, 88, b0 */
    struct rig rig;
    (void)state;
    rig_init_param(&rig, &policy_aging, 1024); /* a tick with each page that comes in */
    for (unsigned i = 0; i < 6; i++)
        rig_admit(&rig, i);
    for (unsigned i = 0; i < 9; i++) /* what they came with is shifted out */
        rig_tick(&rig);
    for (unsigned tick = 0; tick < 5; tick++) {
        for (unsigned i = 0; i < 6; i++)
            if (used[tick][i] == '1')
                rig.policy->ops->accessed(rig.policy, &rig.nodes[i], false);
        rig_tick(&rig);
    }
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(rig_evict(&rig), order[i]);
    rig_fini(&rig);
}

/* Of unused pages a clean one goes first; used ones only when there are no others. */
static void
nru_takes_the_lowest_class(void **state)
{
    struct rig rig;
    (void)state;
    rig_init(&rig, &policy_nru);
    for (unsigned i = 0; i < 5; i++)
        rig_admit(&rig, i);
    rig.modified[0] = rig.modified[2] = true;
    assert_int_equal(rig_evict(&rig), 1); /* all used: now none is, and 1 is the first clean one */
    rig_admit(&rig, 5);
    rig.referenced[3] = true;
    rig.modified[4] = true; /* after the bits were cleared, so it is used, too */
    rig.referenced[4] = true;
    assert_int_equal(rig_evict(&rig), 0); /* unused, modified */
    assert_int_equal(rig_evict(&rig), 2);
    assert_int_equal(rig_evict(&rig), 5); /* used, as 3 and 4 are: the one that was so first */
    assert_int_equal(rig_evict(&rig), 3);
    assert_int_equal(rig_evict(&rig), 4);
    rig_fini(&rig);
}

/* What was used often, once, goes when others have been used since. */
static void
lfu_forgets(void **state)
{
    struct rig rig;
    unsigned rounds = 0;
    (void)state;
    rig_init(&rig, &policy_lfu);
    rig_admit(&rig, 0);
    rig_admit(&rig, 1);
    for (unsigned i = 0; i < 100; i++)
        rig.policy->ops->accessed(rig.policy, &rig.nodes[0], false);
    assert_int_equal(rig_victim(&rig), 1);
    for (; rig_victim(&rig) == 1; rounds++) {
        assert_true(rounds < 100);
        rig.policy->ops->accessed(rig.policy, &rig.nodes[1], false);
    }
    assert_true(rounds < 50); /* 0 was used twice as often */
    rig_fini(&rig);
}

#define ON(test, policy)                                                                           \
    {                                                                                              \
#test " (" #policy ")", test, NULL, NULL, (void *)(uintptr_t)&policy                       \
    }

#define OF_ALL(test)                                                                               \
    ON(test, policy_adaptive), ON(test, policy_aging), ON(test, policy_arc), ON(test, policy_car), \
        ON(test, policy_clock), ON(test, policy_clockpro), ON(test, policy_fifo),                  \
        ON(test, policy_lfu), ON(test, policy_lirs), ON(test, policy_lru), ON(test, policy_mglru), \
        ON(test, policy_mru), ON(test, policy_nru), ON(test, policy_pff), ON(test, policy_random), \
        ON(test, policy_s3fifo), ON(test, policy_sieve), ON(test, policy_slru),                    \
        ON(test, policy_twoq), ON(test, policy_wsclock), ON(test, policy_wtinylfu)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON(victim_ends_if_all_is_always_referenced, policy_clock),
        ON(victim_ends_if_all_is_always_referenced, policy_lru),
        ON(victim_ends_if_all_is_always_referenced, policy_adaptive),
        ON(victim_ends_if_all_is_always_referenced, policy_clockpro),
        ON(victim_ends_if_all_is_always_referenced, policy_lirs),
        ON(victim_ends_if_all_is_always_referenced, policy_mglru),
        ON(victim_ends_if_all_is_always_referenced, policy_pff),
        ON(victim_ends_if_all_is_always_referenced, policy_s3fifo),
        ON(victim_ends_if_all_is_always_referenced, policy_sieve),
        ON(victim_ends_if_all_is_always_referenced, policy_wsclock),
        ON(victim_ends_if_all_is_always_referenced, policy_wtinylfu),
        ON(victim_ends_if_all_is_always_referenced, policy_aging),
        ON(victim_ends_if_all_is_always_referenced, policy_arc),
        ON(victim_ends_if_all_is_always_referenced, policy_car),
        ON(victim_ends_if_all_is_always_referenced, policy_lfu),
        ON(victim_ends_if_all_is_always_referenced, policy_nru),
        ON(victim_ends_if_all_is_always_referenced, policy_slru),
        ON(victim_ends_if_all_is_always_referenced, policy_twoq),
        cmocka_unit_test(clock_hand_goes_on_where_it_stopped),
        cmocka_unit_test(clock_hand_survives_forget),
        cmocka_unit_test(lru_spares_a_victim_used_since_the_scan),
        cmocka_unit_test(sieve_does_what_its_authors_show),
        cmocka_unit_test(wsclock_takes_clean_pages_that_left_the_working_set),
        cmocka_unit_test(pff_gives_back_what_was_unused_between_two_faults),
        ON(fifo_and_random_never_ask, policy_fifo),
        ON(fifo_and_random_never_ask, policy_random),
        cmocka_unit_test(slru_keeps_its_shares_when_the_size_shrinks),
        OF_ALL(absurd_capacities_are_refused),
        OF_ALL(a_part_of_very_much_is_small),
        cmocka_unit_test(aging_is_as_in_the_book),
        cmocka_unit_test(nru_takes_the_lowest_class),
        cmocka_unit_test(lfu_forgets),
    };
    return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
