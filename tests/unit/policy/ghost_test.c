/* SPDX-License-Identifier: BSD-2-Clause */
/* Ghosts against lists of keys that are searched from the front. */
#include "support/test.h"

#include <string.h>

#include "policy/ghost.h"
#include "support/test_env.h"

enum { GHOSTS = 24, KEYS = 60, ORDERS = 2 };

struct naive_order {
    unsigned n;
    uint64_t key[GHOSTS]; /* oldest first */
};

struct pair {
    struct ghost_table table;
    struct ghost_order order[ORDERS];
    struct naive_order naive[ORDERS];
};

/* Keys that are far apart, near to each other, and equal in their low or high halves; in replay,
 * page numbers. */
static uint64_t
key_of(const struct ghost_table *table, uint64_t number)
{
    if (table->frames != NULL)
        return number;
    return number % 3 == 0 ? number : number % 3 == 1 ? number << 40 : number * 0x100000001u;
}

static unsigned
naive_place(const struct naive_order *naive, uint64_t key)
{
    unsigned i = 0;
    while (i < naive->n && naive->key[i] != key)
        i++;
    return i;
}

static void
naive_drop(struct naive_order *naive, unsigned i)
{
    naive->n--;
    memmove(&naive->key[i], &naive->key[i + 1], (naive->n - i) * sizeof naive->key[0]);
}

static void
pair_add(struct pair *p, unsigned which, uint64_t key, unsigned limit)
{
    struct naive_order *naive = &p->naive[which];
    uint32_t i = ghost_add(&p->table, &p->order[which], key, limit);

    while (naive->n >= limit)
        naive_drop(naive, 0);
    naive->key[naive->n++] = key;
    assert_int_equal(p->order[which].newest, i);
}

/* A ghost goes, or to either end of its order. */
static void
pair_touch(struct pair *p, unsigned which, unsigned at, uint64_t what)
{
    struct naive_order *naive = &p->naive[which];
    uint64_t key = naive->key[at];
    uint32_t i = ghost_find(&p->table, key);

    naive_drop(naive, at);
    if (what == 0) {
        ghost_drop(&p->table, &p->order[which], i);
        return;
    }
    ghost_unlink(&p->table, &p->order[which], i);
    if (what == 1) {
        ghost_append(&p->table, &p->order[which], i);
        naive->key[naive->n++] = key;
    } else {
        ghost_prepend(&p->table, &p->order[which], i);
        memmove(&naive->key[1], &naive->key[0], naive->n++ * sizeof key);
        naive->key[0] = key;
    }
}

static void
pair_compare(const struct pair *p)
{
    for (unsigned which = 0; which < ORDERS; which++) {
        const struct ghost_order *order = &p->order[which];
        uint32_t i = order->oldest;
        assert_true(ghost_order_check(&p->table, order));
        assert_int_equal(order->count, p->naive[which].n);
        for (unsigned k = 0; k < p->naive[which].n; k++, i = p->table.entry[i].newer)
            assert_int_equal(ghost_key(&p->table, i), p->naive[which].key[k]);
    }
    for (unsigned number = 0; number < KEYS; number++) {
        uint64_t key = key_of(&p->table, number);
        bool known = false;
        for (unsigned which = 0; which < ORDERS; which++)
            known = known || naive_place(&p->naive[which], key) < p->naive[which].n;
        assert_int_equal(ghost_find(&p->table, key) != 0, known);
    }
}

static void
compare_with_lists(struct policy_frames *frames)
{
    struct test_env env;
    struct base_rng rng;
    struct pair p = {0};

    test_env_init(&env, 8);
    test_rng_init(&rng, 0);
    assert_int_equal(ghost_init(&p.table, &env.alloc, frames, GHOSTS), PGW_OK);
    for (uint64_t round = test_rounds(20000); round > 0; round--) {
        unsigned which = (unsigned)base_rng_below(&rng, ORDERS);
        struct naive_order *naive = &p.naive[which];
        uint64_t key = key_of(&p.table, base_rng_below(&rng, KEYS));
        if (base_rng_below(&rng, 2) == 0 && ghost_find(&p.table, key) == 0)
            pair_add(&p, which, key, 1 + (unsigned)base_rng_below(&rng, GHOSTS / ORDERS));
        else if (naive->n > 0)
            pair_touch(
                &p, which, (unsigned)base_rng_below(&rng, naive->n), base_rng_below(&rng, 3));
        if (round % 8 == 0)
            pair_compare(&p);
    }
    ghost_fini(&p.table);
    test_env_fini(&env);
}

static void
same_as_lists(void **state)
{
    (void)state;
    compare_with_lists(NULL);
}

static void
same_as_lists_in_replay(void **state)
{
    uint32_t frame_of[KEYS] = {0};
    struct policy_frames frames = {.frame_of = frame_of};
    (void)state;
    compare_with_lists(&frames);
}

/* A word of the page table that says where a page is resident is no ghost's. */
static void
resident_pages_have_no_ghosts(void **state)
{
    uint32_t frame_of[2] = {policy_frames_entry(5, true), policy_frames_entry(0, false)};
    struct policy_frames frames = {.frame_of = frame_of};
    struct test_env env;
    struct ghost_table table;
    struct ghost_order order = {0};
    (void)state;
    test_env_init(&env, 8);
    assert_int_equal(ghost_init(&table, &env.alloc, &frames, 4), PGW_OK);
    assert_int_equal(ghost_find(&table, 0), 0);
    assert_int_equal(ghost_find(&table, 1), 0);
    frame_of[0] = 0;
    uint32_t i = ghost_add(&table, &order, 0, 4);
    assert_int_equal(ghost_find(&table, 0), i);
    ghost_drop(&table, &order, i);
    assert_int_equal(frame_of[0], 0);
    ghost_fini(&table);
    test_env_fini(&env);
}

/* Tags, keys and nodes share a word in replay. */
static void
tags_leave_the_rest_alone(void **state)
{
    struct base_node node[3];
    uint32_t frame_of[1] = {0};
    struct policy_frames replay = {.frame_of = frame_of, .node = node}, *frames[] = {NULL, &replay};
    struct test_env env;
    struct ghost_table table;
    (void)state;
    test_env_init(&env, 8);
    for (unsigned k = 0; k < 2; k++) {
        assert_int_equal(ghost_init(&table, &env.alloc, frames[k], 2), PGW_OK);
        uint32_t i = ghost_new(&table);
        for (unsigned tag = 0; tag <= GHOST_TAG_MAX; tag++) {
            ghost_set_node(&table, i, &node[tag % 3]);
            ghost_set_tag(&table, i, tag);
            assert_ptr_equal(ghost_node(&table, i), &node[tag % 3]);
            ghost_enter(&table, i, 0);
            assert_int_equal(ghost_tag(&table, i), tag);
            assert_int_equal(ghost_key(&table, i), 0);
            ghost_leave(&table, i);
        }
        ghost_fini(&table);
    }
    test_env_fini(&env);
}

/* What a page of a trace costs is what fits into RAM of it. */
static void
an_entry_of_replay_is_12_bytes(void **state)
{
    struct policy_frames frames = {0};
    struct test_env env;
    struct ghost_table table;
    (void)state;
    test_env_init(&env, 8);
    size_t before = env.alloc.mapped;
    assert_int_equal(ghost_init(&table, &env.alloc, &frames, 99999), PGW_OK);
    assert_true(env.alloc.mapped - before <= 12 * 100000 + 4096);
    ghost_fini(&table);
    test_env_fini(&env);
}

/* All entries are used before none is left, and one given back is enough for one more. */
static void
room_is_what_was_asked_for(void **state)
{
    struct test_env env;
    struct ghost_table table;
    struct ghost_order order = {0};
    (void)state;
    test_env_init(&env, 8);
    for (unsigned capacity = 1; capacity <= 9; capacity++) {
        assert_int_equal(ghost_init(&table, &env.alloc, NULL, capacity), PGW_OK);
        order = (struct ghost_order){0};
        for (uint64_t key = 0; key < 5 * (uint64_t)capacity; key++)
            ghost_add(&table, &order, key, capacity);
        assert_int_equal(order.count, capacity);
        assert_int_equal(table.fresh, capacity);
        assert_int_equal(ghost_key(&table, order.oldest), 4 * capacity);
        assert_true(ghost_order_check(&table, &order));
        ghost_fini(&table);
    }
    assert_int_equal(ghost_init(&table, &env.alloc, NULL, (uint64_t)1 << 40), PGW_NOMEM);
    test_env_fini(&env);
}

static void
init_body(void *ctx)
{
    struct test_env *env = ctx;
    struct ghost_table table;

    if (ghost_init(&table, &env->alloc, NULL, 1000) == PGW_OK)
        ghost_fini(&table);
}

static void
a_failed_init_holds_nothing(void **state)
{
    struct test_env env;
    (void)state;
    test_env_init(&env, 8);
    size_t mapped = env.alloc.mapped;
    assert_true(test_each_failure(&env.inject, INJECT_MAP, false, init_body, &env) >= 3);
    assert_int_equal(env.alloc.mapped, mapped);
    test_env_fini(&env);
}

/* check() that cannot fail would be worth nothing. */
static void
broken_orders_are_found(void **state)
{
    struct test_env env;
    struct ghost_table table;
    struct ghost_order order = {0};
    (void)state;
    test_env_init(&env, 8);
    assert_int_equal(ghost_init(&table, &env.alloc, NULL, 5), PGW_OK);
    for (uint64_t key = 0; key < 5; key++)
        ghost_add(&table, &order, key, 5);
    assert_true(ghost_order_check(&table, &order));
    order.count--;
    assert_false(ghost_order_check(&table, &order));
    order.count += 2;
    assert_false(ghost_order_check(&table, &order));
    order.count--;
    table.entry[order.newest].newer = order.oldest; /* a circle */
    assert_false(ghost_order_check(&table, &order));
    table.entry[order.newest].newer = 0;
    table.entry[order.newest].older = order.oldest;
    assert_false(ghost_order_check(&table, &order));
    ghost_fini(&table);
    test_env_fini(&env);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_as_lists),
        cmocka_unit_test(same_as_lists_in_replay),
        cmocka_unit_test(resident_pages_have_no_ghosts),
        cmocka_unit_test(tags_leave_the_rest_alone),
        cmocka_unit_test(an_entry_of_replay_is_12_bytes),
        cmocka_unit_test(room_is_what_was_asked_for),
        cmocka_unit_test(a_failed_init_holds_nothing),
        cmocka_unit_test(broken_orders_are_found),
    };
    return cmocka_run_group_tests_name("ghost", tests, NULL, NULL);
}
