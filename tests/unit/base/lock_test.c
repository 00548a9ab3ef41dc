/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/lock.h"

#include <string.h>

#include "support/test.h"

struct lock_env {
    struct base_lock system;
    struct base_lock pager;
    struct base_lock host;
    struct base_lock other; /* a second system's */
    uint64_t counter;
};

static void
lock_env_init(struct lock_env *env)
{
    memset(env, 0, sizeof(*env));
    base_lock_init(&env->system, LOCK_RANK_SYSTEM);
    base_lock_init(&env->pager, LOCK_RANK_PAGER);
    base_lock_init(&env->host, LOCK_RANK_HOST);
    base_lock_init(&env->other, LOCK_RANK_SYSTEM);
}

static void
lock_env_fini(struct lock_env *env)
{
    base_lock_fini(&env->system);
    base_lock_fini(&env->pager);
    base_lock_fini(&env->host);
    base_lock_fini(&env->other);
}

static void
test_order(void **state)
{
    struct lock_env env;

    (void)state;
    lock_env_init(&env);
    assert_false(base_lock_held(&env.system));
    base_lock_take(&env.system);
    base_lock_take(&env.pager);
    base_lock_take(&env.host);
    assert_true(base_lock_held(&env.system));
    base_lock_drop(&env.pager); /* any order will do */
    assert_false(base_lock_held(&env.pager));
    base_lock_drop(&env.host);
    base_lock_take(&env.pager);
    base_lock_drop(&env.pager);
    base_lock_drop(&env.system);
    base_lock_take(&env.other);
    base_lock_drop(&env.other);
    lock_env_fini(&env);
}

enum { LOCK_THREADS = 4, LOCK_ROUNDS = 20000 };

static void *
lock_count(void *ctx)
{
    struct lock_env *env = ctx;

    for (int i = 0; i < LOCK_ROUNDS; i++) {
        base_lock_take(&env->system);
        env->counter++;
        base_lock_drop(&env->system);
        if (base_lock_held(&env->system))
            return env;
    }
    return NULL;
}

/* Nobody else's lock looks like mine, and no addition is lost. */
static void
test_threads(void **state)
{
    pthread_t thread[LOCK_THREADS];
    struct lock_env env;

    (void)state;
    lock_env_init(&env);
    for (int i = 0; i < LOCK_THREADS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, lock_count, &env), 0);
    for (int i = 0; i < LOCK_THREADS; i++) {
        void *wrong;
        assert_int_equal(pthread_join(thread[i], &wrong), 0);
        assert_null(wrong);
    }
    assert_int_equal(env.counter, LOCK_THREADS * LOCK_ROUNDS);
    lock_env_fini(&env);
}

static void
lock_drop_not_held(void *ctx)
{
    struct lock_env *env = ctx;

    base_lock_drop(&env->system);
}

static void
lock_fini_held(void *ctx)
{
    struct lock_env *env = ctx;

    base_lock_take(&env->host);
    base_lock_fini(&env->host);
}

static void
test_misuse_dies(void **state)
{
    struct lock_env env;

    (void)state;
    lock_env_init(&env);
    assert_true(test_dies(lock_drop_not_held, &env));
    assert_true(test_dies(lock_fini_held, &env));
    lock_env_fini(&env);
}

static void
lock_falling_ranks(void *ctx)
{
    struct lock_env *env = ctx;

    base_lock_take(&env->pager);
    base_lock_take(&env->system);
    base_lock_drop(&env->system);
    base_lock_drop(&env->pager);
}

static void
lock_equal_ranks(void *ctx)
{
    struct lock_env *env = ctx;

    base_lock_take(&env->system);
    base_lock_take(&env->other);
    base_lock_drop(&env->other);
    base_lock_drop(&env->system);
}

static void
lock_rank_after_odd_drops(void *ctx)
{
    struct lock_env *env = ctx;

    base_lock_take(&env->system);
    base_lock_take(&env->host);
    base_lock_drop(&env->system);
    base_lock_take(&env->pager);
    base_lock_drop(&env->pager);
    base_lock_drop(&env->host);
}

/* Ranks are checked where BASE_DEBUG is defined, and there only. */
static void
test_ranks(void **state)
{
#ifdef BASE_DEBUG
    const bool checked = true;
#else
    const bool checked = false;
#endif
    struct lock_env env;

    (void)state;
    lock_env_init(&env);
    assert_int_equal(test_dies(lock_falling_ranks, &env), checked);
    assert_int_equal(test_dies(lock_equal_ranks, &env), checked);
    assert_int_equal(test_dies(lock_rank_after_odd_drops, &env), checked);
    lock_env_fini(&env);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_misuse_dies),
        cmocka_unit_test(test_ranks),
    };

    return cmocka_run_group_tests_name("lock", tests, NULL, NULL);
}
