/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/pool.h"

#include <stdlib.h>
#include <string.h>

#include "base/poison.h"
#include "host/host_mem.h"
#include "support/test.h"

struct pool_env {
    struct base_inject inject;
    struct base_alloc alloc;
    struct base_pool pool;
};

static void
pool_env_init(struct pool_env *env, size_t obj_size)
{
    memset(env, 0, sizeof(*env));
    host_alloc_init(&env->alloc, &env->inject);
    base_pool_init(&env->pool, &env->alloc, obj_size, "test");
}

static void
pool_env_fini(struct pool_env *env)
{
    base_pool_fini(&env->pool);
    assert_int_equal(env->alloc.mapped, 0);
}

/* Objects of every size: zero, aligned, apart from each other, and all there again after put. */
static void
test_objects(void **state)
{
    static const size_t sizes[] = {1, 8, 12, 24, 64, 520, 4096, 5000, 100000};
    enum { COUNT = 300 };
    unsigned char *obj[COUNT];
    struct pool_env env;

    (void)state;
    for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
        pool_env_init(&env, sizes[s]);
        assert_int_equal(env.alloc.mapped, 0);
        for (int round = 0; round < 2; round++) {
            for (int i = 0; i < COUNT; i++) {
                obj[i] = base_pool_get(&env.pool);
                assert_non_null(obj[i]);
                assert_int_equal((uintptr_t)obj[i] % 8, 0);
                for (size_t k = 0; k < env.pool.obj_size; k++)
                    assert_int_equal(obj[i][k], 0);
                memset(obj[i], i, env.pool.obj_size);
            }
            for (int i = 0; i < COUNT; i++) {
                assert_int_equal(obj[i][0], i & 255);
                assert_int_equal(obj[i][env.pool.obj_size - 1], i & 255);
                base_pool_put(&env.pool, obj[i]);
            }
            assert_int_equal(env.pool.live, 0);
        }
        pool_env_fini(&env);
    }
}

static void
test_line_aligned(void **state)
{
    struct pool_env env;

    (void)state;
    pool_env_init(&env, 128);
    void *obj = base_pool_get(&env.pool);
    assert_int_equal((uintptr_t)obj % 64, 0);
    base_pool_put(&env.pool, obj);
    pool_env_fini(&env);
}

/* A pool that is small stays small; a large one wastes at most an eighth and a bit. */
static void
test_footprint(void **state)
{
    struct pool_env env;

    (void)state;
    pool_env_init(&env, 48);
    assert_non_null(base_pool_get(&env.pool));
    assert_int_equal(env.alloc.mapped, 4096);
    for (int i = 1; i < 200000; i++)
        assert_non_null(base_pool_get(&env.pool));
    assert_true(env.alloc.mapped < 200000u * 48 * 9 / 8 + 65536);
    base_pool_discard(&env.pool);
    assert_int_equal(env.alloc.mapped, 0);
}

static void
test_failures(void **state)
{
    struct pool_env env;

    (void)state;
    pool_env_init(&env, 32);
    env.inject.fail_at[INJECT_MAP] = 1;
    assert_null(base_pool_get(&env.pool));
    void *obj = base_pool_get(&env.pool);
    assert_non_null(obj);
    env.inject.fail_at[INJECT_OBJ] = env.inject.tried[INJECT_OBJ] + 2;
    void *second = base_pool_get(&env.pool);
    assert_non_null(second);
    assert_null(base_pool_get(&env.pool));
    base_pool_put(&env.pool, obj);
    base_pool_put(&env.pool, second);
    pool_env_fini(&env);
}

/* With all memory gone, ordinary gets stop at the reserve and reserved gets have all of it. */
static void
test_reserve(void **state)
{
    enum { RESERVE = 700 };
    struct pool_env env;
    void *obj[RESERVE];
    size_t got = 0;

    (void)state;
    pool_env_init(&env, 64);
    assert_int_equal(base_pool_reserve(&env.pool, RESERVE), PGW_OK);
    env.inject.fail_at[INJECT_MAP] = 1;
    env.inject.and_after[INJECT_MAP] = true;
    env.inject.tried[INJECT_MAP] = 0;
    while (base_pool_get(&env.pool) != NULL)
        got++;
    assert_true(got < RESERVE / 2);
    assert_int_equal(env.pool.spare, RESERVE);

    env.inject.fail_at[INJECT_OBJ] = 1;
    env.inject.and_after[INJECT_OBJ] = true;
    for (int i = 0; i < RESERVE; i++) {
        obj[i] = base_pool_get_reserved(&env.pool);
        assert_non_null(obj[i]);
    }
    assert_null(base_pool_get_reserved(&env.pool));
    memset(&env.inject, 0, sizeof(env.inject));
    env.inject.fail_at[INJECT_MAP] = 1;
    env.inject.and_after[INJECT_MAP] = true;

    /* What comes back fills the reserve before it serves ordinary gets. */
    for (int i = 0; i < RESERVE; i++) {
        assert_null(base_pool_get(&env.pool));
        base_pool_put(&env.pool, obj[i]);
    }
    base_pool_discard(&env.pool);
    assert_int_equal(env.alloc.mapped, 0);
}

static void
test_reserve_fails_whole(void **state)
{
    struct pool_env env;

    (void)state;
    pool_env_init(&env, 64);
    assert_int_equal(base_pool_reserve(&env.pool, 5), PGW_OK);
    env.inject.fail_at[INJECT_MAP] = env.inject.tried[INJECT_MAP] + 3;
    assert_int_equal(base_pool_reserve(&env.pool, 100000), PGW_NOMEM);
    assert_int_equal(env.pool.reserve, 5);
    pool_env_fini(&env);
}

/* Random gets and puts: no object is handed out twice, live and spare always add up. */
static void
test_random(void **state)
{
    enum { SLOTS = 512 };
    uint64_t *slot[SLOTS] = {NULL};
    struct pool_env env;
    struct base_rng rng;
    size_t live = 0;

    (void)state;
    test_rng_init(&rng, 3);
    pool_env_init(&env, 40);
    for (uint64_t i = 0; i < test_rounds(100000); i++) {
        size_t at = base_rng_below(&rng, SLOTS);
        if (slot[at] == NULL) {
            slot[at] = base_pool_get(&env.pool);
            assert_int_equal(slot[at][0], 0);
            slot[at][0] = slot[at][4] = at + 1;
            live++;
        } else {
            assert_int_equal(slot[at][0], at + 1);
            assert_int_equal(slot[at][4], at + 1);
            base_pool_put(&env.pool, slot[at]);
            slot[at] = NULL;
            live--;
        }
        assert_int_equal(env.pool.live, live);
    }
    for (size_t at = 0; at < SLOTS; at++) {
        if (slot[at] != NULL)
            base_pool_put(&env.pool, slot[at]);
    }
    pool_env_fini(&env);
}

static void
pool_fini_with_live(void *ctx)
{
    struct pool_env *env = ctx;

    base_pool_fini(&env->pool);
}

static void
test_fini_finds_leaks(void **state)
{
    struct pool_env env;

    (void)state;
    pool_env_init(&env, 16);
    void *obj = base_pool_get(&env.pool);
    assert_non_null(obj);
    assert_true(test_dies(pool_fini_with_live, &env));
    base_pool_put(&env.pool, obj);
    assert_false(test_dies(pool_fini_with_live, &env));
    pool_env_fini(&env);
}

static void
pool_put_twice(void *ctx)
{
    struct pool_env *env = ctx;
    void *obj = base_pool_get(&env->pool);

    base_pool_put(&env->pool, obj);
    base_pool_put(&env->pool, obj);
}

static void
pool_use_after_put(void *ctx)
{
    struct pool_env *env = ctx;
    volatile char *obj = base_pool_get(&env->pool);

    base_pool_put(&env->pool, (void *)(uintptr_t)obj);
    obj[20] = 1;
}

/* AddressSanitizer knows what is on the free list; without it nothing is noticed. */
static void
test_misuse_is_found(void **state)
{
    struct pool_env env;

    (void)state;
    pool_env_init(&env, 40);
    void *obj = base_pool_get(&env.pool);
    assert_int_equal(test_dies(pool_put_twice, &env), BASE_ASAN);
    assert_int_equal(test_dies(pool_use_after_put, &env), BASE_ASAN);
    base_pool_put(&env.pool, obj);
    pool_env_fini(&env);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_objects),
        cmocka_unit_test(test_line_aligned),
        cmocka_unit_test(test_footprint),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_reserve),
        cmocka_unit_test(test_reserve_fails_whole),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_fini_finds_leaks),
        cmocka_unit_test(test_misuse_is_found),
    };

    return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
