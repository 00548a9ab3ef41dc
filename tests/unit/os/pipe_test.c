/* SPDX-License-Identifier: BSD-2-Clause */
/* The rings of pipe(7), without the processes around them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "host/host_mem.h"
#include "os/abi.h"
#include "os/pipe.h"

struct rig {
    struct base_alloc alloc;
    struct base_pool pool;
    struct os_pipe *pipe;
    struct base_inject inject;
};

static struct rig the_rig;

static int
setup(void **state)
{
    memset(&the_rig, 0, sizeof the_rig);
    host_alloc_init(&the_rig.alloc, &the_rig.inject);
    base_pool_init(&the_rig.pool, &the_rig.alloc, sizeof(struct os_pipe), "pipes");
    *state = &the_rig;
    return os_pipe_create(&the_rig.pool, &the_rig.alloc, &the_rig.pipe) == PGW_OK ? 0 : -1;
}

static int
teardown(void **state)
{
    struct rig *rig = *state;

    while (rig->pipe != NULL && rig->pipe->readers > 0 && rig->pipe->writers > 0)
        os_pipe_drop(&rig->pool, &rig->alloc, rig->pipe, false);
    os_pipe_drop(&rig->pool, &rig->alloc, rig->pipe, true);
    base_pool_fini(&rig->pool);
    return rig->alloc.mapped == 0 ? 0 : -1;
}

/* Bytes come out in the order they went in, around the end of the ring, many times. */
static void
test_order(void **state)
{
    struct rig *rig = *state;
    unsigned char in[7001];
    unsigned char out[7001];
    unsigned next_in = 0;
    unsigned next_out = 0;

    for (int round = 0; round < 200; round++) {
        size_t len = (size_t)(round * 37) % sizeof in + 1;

        for (size_t i = 0; i < len; i++)
            in[i] = (unsigned char)(next_in++ * 31 >> 3);
        assert_int_equal(os_pipe_put(rig->pipe, in, len), len);
        assert_int_equal(os_pipe_take(rig->pipe, out, sizeof out), len);
        for (size_t i = 0; i < len; i++)
            assert_int_equal(out[i], (unsigned char)(next_out++ * 31 >> 3));
    }
}

static void
test_room(void **state)
{
    struct rig *rig = *state;
    static unsigned char block[OS_PIPE_SIZE];

    assert_int_equal(os_pipe_room(rig->pipe, 100), 100);
    assert_int_equal(os_pipe_put(rig->pipe, block, OS_PIPE_SIZE - 100), OS_PIPE_SIZE - 100);
    assert_int_equal(os_pipe_room(rig->pipe, 100), 100);
    assert_int_equal(os_pipe_room(rig->pipe, 101), 0);                  /* never torn */
    assert_int_equal(os_pipe_room(rig->pipe, OS_PIPE_ATOMIC), 0);       /* never torn */
    assert_int_equal(os_pipe_room(rig->pipe, OS_PIPE_ATOMIC + 1), 100); /* may be */
    assert_int_equal(os_pipe_put(rig->pipe, block, 200), 100);
    assert_int_equal(os_pipe_room(rig->pipe, 1), 0);
}

static void
test_events(void **state)
{
    struct rig *rig = *state;
    static unsigned char block[OS_PIPE_SIZE];
    const int16_t in = OS_POLLIN | OS_POLLRDNORM;
    const int16_t out = OS_POLLOUT | OS_POLLWRNORM;

    assert_int_equal(os_pipe_events(rig->pipe, false), 0);
    assert_int_equal(os_pipe_events(rig->pipe, true), out);
    assert_int_equal(os_pipe_put(rig->pipe, block, OS_PIPE_SIZE), OS_PIPE_SIZE);
    assert_int_equal(os_pipe_events(rig->pipe, false), in);
    assert_int_equal(os_pipe_events(rig->pipe, true), 0);
    os_pipe_drop(&rig->pool, &rig->alloc, rig->pipe, false);
    assert_int_equal(os_pipe_events(rig->pipe, true), OS_POLLERR);
}

static void
test_hangup(void **state)
{
    struct rig *rig = *state;

    rig->pipe->readers++;
    os_pipe_drop(&rig->pool, &rig->alloc, rig->pipe, true);
    assert_int_equal(os_pipe_events(rig->pipe, false), OS_POLLHUP);
    rig->pipe->writers++; /* for teardown */
    os_pipe_drop(&rig->pool, &rig->alloc, rig->pipe, false);
}

static void
test_no_memory(void **state)
{
    struct rig *rig = *state;
    struct os_pipe *pipe = NULL;

    rig->inject.fail_at[INJECT_MAP] = rig->inject.tried[INJECT_MAP] + 1;
    assert_int_equal(os_pipe_create(&rig->pool, &rig->alloc, &pipe), PGW_NOMEM);
    rig->inject.fail_at[INJECT_OBJ] = rig->inject.tried[INJECT_OBJ] + 1;
    assert_int_equal(os_pipe_create(&rig->pool, &rig->alloc, &pipe), PGW_NOMEM);
    assert_null(pipe);
    assert_int_equal(rig->pool.live, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_room, setup, teardown),
        cmocka_unit_test_setup_teardown(test_events, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hangup, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_memory, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
