/* SPDX-License-Identifier: BSD-2-Clause */
/* Fault injection, the torture loop over it, and what a failed assertion says. */
#include "base/inject.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/pool.h"
#include "host/host_mem.h"
#include "support/test.h"

static void
test_nth(void **state)
{
    struct base_inject inject = {.fail_at = {[INJECT_READ] = 3}};

    (void)state;
    assert_false(base_inject_fails(NULL, INJECT_READ));
    for (uint64_t n = 1; n <= 6; n++) {
        assert_int_equal(base_inject_fails(&inject, INJECT_READ), n == 3);
        assert_false(base_inject_fails(&inject, INJECT_WRITE));
    }
    assert_int_equal(inject.tried[INJECT_READ], 6);
    assert_int_equal(inject.tried[INJECT_WRITE], 6);

    inject = (struct base_inject){.fail_at = {[INJECT_READ] = 3}};
    inject.and_after[INJECT_READ] = true;
    for (uint64_t n = 1; n <= 6; n++)
        assert_int_equal(base_inject_fails(&inject, INJECT_READ), n >= 3);
}

struct torture {
    struct base_inject inject;
    struct base_alloc alloc;
    unsigned runs, whole;
};

/* Tries for five objects and gives back what it got. */
static void
torture_body(void *ctx)
{
    struct torture *torture = ctx;
    struct base_pool pool;
    void *obj[5];
    unsigned got = 0;

    base_pool_init(&pool, &torture->alloc, 16, "torture");
    while (got < 5 && (obj[got] = base_pool_get(&pool)) != NULL)
        got++;
    torture->runs++;
    torture->whole += got == 5;
    while (got > 0)
        base_pool_put(&pool, obj[--got]);
    base_pool_fini(&pool);
}

/* Each of the five gets fails once, and the run after them is whole. */
static void
test_torture(void **state)
{
    struct torture torture = {.runs = 0};

    (void)state;
    host_alloc_init(&torture.alloc, &torture.inject);
    assert_int_equal(
        test_each_failure(&torture.inject, INJECT_OBJ, false, torture_body, &torture), 5);
    assert_int_equal(torture.runs, 6);
    assert_int_equal(torture.whole, 1);
    assert_int_equal(
        test_each_failure(&torture.inject, INJECT_MAP, true, torture_body, &torture), 1);
    assert_int_equal(torture.runs, 8);
    assert_int_equal(torture.inject.fail_at[INJECT_OBJ], 0);
    assert_int_equal(torture.alloc.mapped, 0);
}

static bool
assert_touch(bool *touched)
{
    *touched = true;
    return true;
}

/* Standard error of a child that breaks an invariant, in out. */
static void
assert_message(char *out, size_t len)
{
    int ends[2];
    int status;
    size_t used = 0;
    ssize_t got;

    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[1]);
        BASE_ASSERT(len == 0);
        _exit(0);
    }
    close(ends[1]);
    while (used < len - 1 && (got = read(ends[0], out + used, len - 1 - used)) > 0)
        used += (size_t)got;
    out[used] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
}

static void
test_assertions(void **state)
{
    char said[256];
    bool touched = false;

    (void)state;
    assert_message(said, sizeof(said));
    assert_non_null(strstr(said, "broken invariant: len == 0 at "));
    assert_non_null(strstr(said, "inject_test.c:"));
    BASE_ASSERT(assert_touch(&touched));
    assert_true(touched);
    touched = false;
    BASE_DEBUG_ASSERT(assert_touch(&touched));
#ifdef BASE_DEBUG
    assert_true(touched);
#else
    assert_false(touched);
#endif
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nth),
        cmocka_unit_test(test_torture),
        cmocka_unit_test(test_assertions),
    };

    return cmocka_run_group_tests_name("inject", tests, NULL, NULL);
}
