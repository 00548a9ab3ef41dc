/* SPDX-License-Identifier: BSD-2-Clause */
/* The radix tree against a sorted array that is searched from its beginning. */
#include "base/radix.h"

#include <stdlib.h>
#include <string.h>

#include "host/host_mem.h"
#include "support/test.h"

enum { MODEL_MAX = 2000 };

struct model_entry {
    uint64_t idx;
    void *value;
};

struct radix_env {
    struct base_inject inject;
    struct base_alloc alloc;
    struct base_pool nodes;
    struct base_radix tree;
    struct model_entry model[MODEL_MAX]; /* in rising order of idx */
    size_t count;
    uintptr_t serial;
};

static void
radix_env_init(struct radix_env *env)
{
    memset(env, 0, sizeof(*env));
    host_alloc_init(&env->alloc, &env->inject);
    base_pool_init(&env->nodes, &env->alloc, base_radix_node_size(), "radix");
    base_radix_init(&env->tree, &env->nodes);
}

static void
radix_env_fini(struct radix_env *env)
{
    base_radix_fini(&env->tree);
    assert_int_equal(env->tree.height, 0);
    base_pool_fini(&env->nodes);
    assert_int_equal(env->alloc.mapped, 0);
}

/* Where idx is in the model, or would be. */
static size_t
model_place(const struct radix_env *env, uint64_t idx)
{
    size_t at = 0;

    while (at < env->count && env->model[at].idx < idx)
        at++;
    return at;
}

static void *
model_get(const struct radix_env *env, uint64_t idx)
{
    size_t at = model_place(env, idx);

    return at < env->count && env->model[at].idx == idx ? env->model[at].value : NULL;
}

static void
model_set(struct radix_env *env, uint64_t idx, void *value)
{
    size_t at = model_place(env, idx);

    if (at == env->count || env->model[at].idx != idx) {
        assert_true(env->count < MODEL_MAX);
        memmove(&env->model[at + 1], &env->model[at], (env->count - at) * sizeof(env->model[0]));
        env->count++;
    }
    env->model[at] = (struct model_entry){idx, value};
}

static void
model_remove(struct radix_env *env, uint64_t idx)
{
    size_t at = model_place(env, idx);

    env->count--;
    memmove(&env->model[at], &env->model[at + 1], (env->count - at) * sizeof(env->model[0]));
}

static void
radix_compare(const struct radix_env *env)
{
    uint64_t idx = 0;

    assert_int_equal(env->tree.count, env->count);
    for (size_t at = 0; at < env->count; at++) {
        void *value = base_radix_next(&env->tree, &idx);
        assert_ptr_equal(value, env->model[at].value);
        assert_int_equal(idx, env->model[at].idx);
        assert_ptr_equal(base_radix_get(&env->tree, idx), value);
        if (idx++ == UINT64_MAX)
            return;
    }
    uint64_t unchanged = idx;
    assert_null(base_radix_next(&env->tree, &idx));
    assert_int_equal(idx, unchanged);
}

/* Indices of all sizes, near each other and far apart, and near powers of two. */
static uint64_t
radix_random_idx(struct radix_env *env, struct base_rng *rng)
{
    switch (base_rng_below(rng, 5)) {
    case 0:
        return base_rng_below(rng, 200);
    case 1:
        return base_rng_next(rng) >> base_rng_below(rng, 64);
    case 2:
        return (UINT64_C(1) << base_rng_below(rng, 64)) - base_rng_below(rng, 3);
    case 3:
        return UINT64_MAX - base_rng_below(rng, 100);
    default:
        if (env->count == 0)
            return 0;
        return env->model[base_rng_below(rng, env->count)].idx + base_rng_below(rng, 2);
    }
}

static void
radix_step(struct radix_env *env, struct base_rng *rng, bool grow)
{
    uint64_t idx = radix_random_idx(env, rng);
    void *had = model_get(env, idx);

    assert_ptr_equal(base_radix_get(&env->tree, idx), had);
    if (grow ? base_rng_below(rng, 3) > 0 && env->count < MODEL_MAX : had == NULL) {
        void *value = (void *)(++env->serial * 16);
        assert_int_equal(base_radix_set(&env->tree, idx, value), PGW_OK);
        model_set(env, idx, value);
        if (!grow) {
            assert_ptr_equal(base_radix_remove(&env->tree, idx), value);
            model_remove(env, idx);
        }
    } else {
        assert_ptr_equal(base_radix_remove(&env->tree, idx), had);
        if (had != NULL)
            model_remove(env, idx);
    }
    uint64_t from = radix_random_idx(env, rng);
    size_t at = model_place(env, from);
    void *next = base_radix_next(&env->tree, &from);
    assert_ptr_equal(next, at < env->count ? env->model[at].value : NULL);
    if (next != NULL)
        assert_int_equal(from, env->model[at].idx);
}

static void
test_random(void **state)
{
    struct radix_env *env = malloc(sizeof(*env));
    struct base_rng rng;

    (void)state;
    assert_non_null(env);
    test_rng_init(&rng, 1);
    radix_env_init(env);
    for (uint64_t i = 0; i < test_rounds(60000); i++) {
        radix_step(env, &rng, i / 5000 % 2 == 0);
        if (i % 1000 == 0)
            radix_compare(env);
    }
    radix_compare(env);
    while (env->count > 0) {
        uint64_t idx = env->model[base_rng_below(&rng, env->count)].idx;
        assert_non_null(base_radix_remove(&env->tree, idx));
        model_remove(env, idx);
    }
    assert_int_equal(env->nodes.live, 0);
    assert_int_equal(env->tree.height, 0);
    radix_env_fini(env);
    free(env);
}

/* The tree is as high as its largest index needs, going up and coming down. */
static void
test_height(void **state)
{
    struct radix_env *env = calloc(1, sizeof(*env));
    int v;

    (void)state;
    assert_non_null(env);
    radix_env_init(env);
    assert_int_equal(base_radix_set(&env->tree, 63, &v), PGW_OK);
    assert_int_equal(env->nodes.live, 1);
    assert_int_equal(base_radix_set(&env->tree, 64, &v), PGW_OK);
    assert_int_equal(env->tree.height, 2);
    assert_int_equal(env->nodes.live, 3);
    assert_int_equal(base_radix_set(&env->tree, UINT64_MAX, &v), PGW_OK);
    assert_int_equal(env->tree.height, 11);
    assert_ptr_equal(base_radix_remove(&env->tree, UINT64_MAX), &v);
    assert_int_equal(env->tree.height, 2);
    assert_int_equal(env->nodes.live, 3);
    assert_ptr_equal(base_radix_remove(&env->tree, 64), &v);
    assert_int_equal(env->tree.height, 1);
    assert_int_equal(env->nodes.live, 1);
    assert_null(base_radix_remove(&env->tree, 64));
    assert_ptr_equal(base_radix_remove(&env->tree, 63), &v);
    assert_int_equal(env->nodes.live, 0);
    radix_env_fini(env);
    free(env);
}

/* However many nodes there are before memory ends: PGW_NOMEM, and not a thing has changed. */
static void
test_no_memory(void **state)
{
    static const uint64_t first[] = {0, 5000, UINT64_C(1) << 40};
    static const uint64_t second[] = {7, 64, 1 << 20, UINT64_C(3) << 40, UINT64_MAX};
    struct radix_env *env = calloc(1, sizeof(*env));
    int v;

    (void)state;
    assert_non_null(env);
    for (size_t k = 0; k < 15; k++) {
        radix_env_init(env);
        assert_int_equal(base_radix_set(&env->tree, first[k % 3], &v), PGW_OK);
        size_t live = env->nodes.live;
        unsigned height = env->tree.height;
        unsigned failures = 0;
        do {
            env->inject.fail_at[INJECT_OBJ] = ++failures;
            env->inject.tried[INJECT_OBJ] = 0;
            enum pgw_status status = base_radix_set(&env->tree, second[k / 3], &v);
            if (status == PGW_OK)
                break;
            assert_int_equal(status, PGW_NOMEM);
            assert_int_equal(env->nodes.live, live);
            assert_int_equal(env->tree.height, height);
            assert_int_equal(env->tree.count, 1);
            assert_ptr_equal(base_radix_get(&env->tree, first[k % 3]), &v);
            assert_null(base_radix_get(&env->tree, second[k / 3]));
        } while (failures < 100);
        assert_int_equal(env->nodes.live - live, failures - 1);
        assert_ptr_equal(base_radix_get(&env->tree, second[k / 3]), &v);
        assert_ptr_equal(base_radix_get(&env->tree, first[k % 3]), &v);
        radix_env_fini(env);
    }
    free(env);
}

/* A copy holds the same and is a tree of its own; without memory there is none, and nothing leaks.
 */
static void
test_copy(void **state)
{
    struct radix_env *env = malloc(sizeof(*env));
    struct base_rng rng;
    struct base_radix copy;
    (void)state;
    assert_non_null(env);
    radix_env_init(env);
    test_rng_init(&rng, 7);
    base_radix_init(&copy, &env->nodes);
    assert_int_equal(base_radix_copy(&env->tree, &copy), PGW_OK); /* of nothing */
    assert_int_equal(copy.count, 0);
    for (unsigned i = 0; i < 300; i++)
        radix_step(env, &rng, true);
    size_t live = env->nodes.live, failures = 0;
    do {
        env->inject.tried[INJECT_OBJ] = 0;
        env->inject.fail_at[INJECT_OBJ] = ++failures;
        if (base_radix_copy(&env->tree, &copy) == PGW_OK)
            break;
        assert_int_equal(env->nodes.live, live);
        assert_null(copy.root);
    } while (failures < 10000);
    assert_int_equal(env->nodes.live, 2 * live);
    assert_int_equal(failures, live + 1);
    base_radix_fini(&env->tree); /* the copy does without it */
    env->tree = copy;
    radix_compare(env);
    radix_env_fini(env);
    free(env);
}

/* A dense object costs one node a 64 pages and a sixty-fourth of that above. */
static void
test_footprint(void **state)
{
    struct radix_env *env = calloc(1, sizeof(*env));
    int v;

    (void)state;
    assert_non_null(env);
    radix_env_init(env);
    for (uint64_t idx = 0; idx < 4096; idx++)
        assert_int_equal(base_radix_set(&env->tree, idx, &v), PGW_OK);
    assert_int_equal(env->nodes.live, 65);
    radix_env_fini(env);
    free(env);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_height),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_copy),
        cmocka_unit_test(test_footprint),
    };

    return cmocka_run_group_tests_name("radix", tests, NULL, NULL);
}
