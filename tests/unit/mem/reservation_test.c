/* SPDX-License-Identifier: BSD-2-Clause */
/* Reservations of runs of frames: how they fill, empty, and are broken, and that what is unused of
 * them is free for everybody. */
#include "mem/mem.h"

#include <string.h>

#include "support/test.h"
#include "support/test_env.h"

#define N 512u /* frames of a run */

static void
start(struct test_env *env, uint64_t frames)
{
    test_env_init(env, frames);
    assert_int_equal(mem_reservation_init(&env->mem, 9), PGW_OK);
}

static void
finish(struct test_env *env)
{
    assert_true(mem_check(&env->mem));
    assert_int_equal(env->mem.nfree, env->mem.nframes);
    mem_reservation_fini(&env->mem);
    assert_true(mem_check(&env->mem));
    test_env_fini(env);
}

static bool
is_zero(const struct test_env *env, const struct mem_page *page)
{
    const unsigned char *bytes = mem_page_bytes(&env->mem, page);

    return bytes[0] == 0 && memcmp(bytes, bytes + 1, PAGE_SIZE - 1) == 0;
}

/* Each frame comes once, in its place, cleared; the last one makes it full.  Freed, all of it is
 * one free run again. */
static void
test_fill(void **state)
{
    struct test_env env;

    (void)state;
    start(&env, 1024);
    for (unsigned round = 0; round < 2; round++) {
        struct mem_page *first = mem_reservation_make(&env.mem, 7, MEM_ZERO);
        assert_non_null(first);
        struct mem_page *head = first - 7;
        assert_int_equal((head - env.mem.pages) % N, 0);
        assert_int_equal(env.mem.nfree, 1023);
        assert_int_equal(env.mem.reservations.nheld, N - 1);
        for (unsigned i = 0; i < N; i++) {
            unsigned place = i * 37 % N;
            assert_int_equal(head[place].reserved, place != 7);
            if (place != 7)
                assert_ptr_equal(
                    mem_reservation_take(&env.mem, &head[place], MEM_ZERO), &head[place]);
            assert_false(head[place].reserved);
            assert_true(is_zero(&env, &head[place]));
            memset(mem_page_bytes(&env.mem, &head[place]), 0x11, PAGE_SIZE);
        }
        assert_int_equal(env.mem.reservations.filled, round + 1);
        assert_int_equal(env.mem.reservations.nheld, 0);
        assert_true(mem_reservation_has(&env.mem, head));
        assert_true(mem_check(&env.mem));
        mem_free(&env.mem, &head[3]); /* goes, and comes again: it was filled once */
        assert_ptr_equal(mem_reservation_take(&env.mem, &head[3], 0), &head[3]);
        assert_int_equal(env.mem.reservations.filled, round + 1);
        for (unsigned i = 0; i < N; i++)
            mem_free(&env.mem, &head[i * 91 % N]);
        assert_false(mem_reservation_has(&env.mem, head));
        assert_int_equal(env.mem.runs[10], 1);
    }
    assert_int_equal(env.mem.reservations.broken, 0);
    finish(&env);
}

/* What is held for a run is in none that is free: the indexes are of the runs that there are. */
static void
test_indexes(void **state)
{
    struct test_env env;

    (void)state;
    start(&env, 1024);
    struct mem_page *first = mem_reservation_make(&env.mem, 0, 0), *half;
    assert_non_null(first);
    assert_non_null(half = mem_alloc(&env.mem, 8, 0));
    assert_int_equal(env.mem.nfree, 1024 - 1 - N / 2);
    /* One free run of 256 frames is half of what was asked for. */
    assert_int_equal(mem_fragmentation(env.mem.runs, 9), 1000 - (1000 + 500));
    assert_int_equal(mem_unusable(env.mem.runs, 9), 1000);
    assert_int_equal(mem_unusable(env.mem.runs, 8), 0);
    mem_free(&env.mem, half);
    mem_free(&env.mem, first);
    finish(&env);
}

/* A frame that is freed is reserved again, and so to be had in its place. */
static void
test_return(void **state)
{
    struct test_env env;

    (void)state;
    start(&env, 1024);
    struct mem_page *a = mem_reservation_make(&env.mem, 0, 0);
    struct mem_page *b = mem_reservation_take(&env.mem, a + 1, 0);
    assert_non_null(b);
    mem_free(&env.mem, a);
    assert_true(a->reserved);
    assert_int_equal(env.mem.nfree, 1023);
    assert_true(mem_check(&env.mem));
    assert_ptr_equal(mem_reservation_take(&env.mem, a, 0), a);
    mem_free(&env.mem, b);
    mem_free(&env.mem, a);
    finish(&env);
}

/* What others need is taken from the one that was touched least recently, and from none as long as
 * there is anything else. */
static void
test_break(void **state)
{
    struct test_env env;
    struct mem_page *single[N];

    (void)state;
    start(&env, 3 * N);
    struct mem_page *a = mem_reservation_make(&env.mem, 0, 0);
    struct mem_page *b = mem_reservation_make(&env.mem, 0, 0);
    assert_non_null(mem_reservation_take(&env.mem, a + 1, 0)); /* b is the older one now */
    for (unsigned i = 0; i < N; i++) {
        single[i] = mem_alloc(&env.mem, 0, 0);
        assert_non_null(single[i]);
    }
    assert_int_equal(env.mem.reservations.broken, 0);
    struct mem_page *table = mem_alloc(&env.mem, 2, MEM_PINNED);
    assert_non_null(table);
    assert_int_equal(env.mem.reservations.broken, 1);
    assert_true(table > b && table < b + N);
    assert_false(mem_reservation_has(&env.mem, b));
    assert_true(mem_reservation_has(&env.mem, a));
    assert_null(mem_reservation_make(&env.mem, 0, 0)); /* a run is not made by breaking one */
    assert_null(mem_alloc(&env.mem, 9, 0));
    assert_true(mem_reservation_has(&env.mem, a));
    assert_true(mem_check(&env.mem));
    mem_free(&env.mem, table);
    mem_free(&env.mem, a);
    mem_free(&env.mem, a + 1);
    mem_free(&env.mem, b);
    for (unsigned i = 0; i < N; i++)
        mem_free(&env.mem, single[i]);
    finish(&env);
}

/* A reservation in a block that is to be cleared ends; frames that only reserves may take are not
 * taken from one either; where no run fits there is none. */
static void
test_claim(void **state)
{
    struct test_env env;

    (void)state;
    start(&env, 1024);
    struct mem_page *a = mem_reservation_make(&env.mem, 0, 0);
    assert_int_equal(mem_claim(&env.mem, a, 9), N - 1);
    assert_false(mem_reservation_has(&env.mem, a));
    mem_claim_page(&env.mem, a);
    struct mem_page *run = mem_claim_take(&env.mem, a, 9);
    mem_free(&env.mem, run);
    struct mem_page *b = mem_reservation_make(&env.mem, 3, 0);
    env.mem.reserve = env.mem.nfree;
    assert_null(mem_reservation_take(&env.mem, b + 1, 0));
    assert_non_null(mem_reservation_take(&env.mem, b + 1, MEM_RESERVED));
    env.mem.reserve = 0;
    mem_free(&env.mem, b);
    mem_free(&env.mem, b + 1);
    finish(&env);
    test_env_init(&env, 300);
    assert_int_equal(mem_reservation_init(&env.mem, 9), PGW_OK);
    assert_null(mem_reservation_make(&env.mem, 0, 0));
    finish(&env);
}

/* A single frame can be had as long as one is free, whoever it is reserved for; no frame is had
 * twice. */
static void
test_random(void **state)
{
    enum { FRAMES = 2200, STEPS = 80000 };
    static struct mem_page *held[FRAMES];
    struct test_env env;
    uint64_t nheld = 0;
    struct base_rng rng;

    (void)state;
    test_rng_init(&rng, 1);
    start(&env, FRAMES);
    for (uint64_t step = 0; step < test_rounds(STEPS); step++) {
        unsigned what = (unsigned)base_rng_below(&rng, 16);
        bool filling = step / 10000 % 2 == 0;
        struct mem_page *page = NULL;
        if (what == 0) {
            page = mem_reservation_make(&env.mem, base_rng_below(&rng, N), 0);
        } else if (what < (filling ? 13u : 3u)) {
            struct mem_page *at = &env.mem.pages[base_rng_below(&rng, FRAMES)];
            page = at->reserved ? mem_reservation_take(&env.mem, at, 0)
                                : mem_alloc(&env.mem, 0, what % 2 == 0 ? MEM_PINNED : 0);
            assert_true((page != NULL) == (nheld < FRAMES));
        } else if (nheld > 0) {
            uint64_t i = base_rng_below(&rng, nheld);
            mem_free(&env.mem, held[i]);
            held[i] = held[--nheld];
        }
        if (page != NULL) {
            assert_int_equal(page->owner_kind, MEM_OWNER_NONE);
            assert_false(page->reserved);
            page->owner_kind = MEM_OWNER_CORE;
            held[nheld++] = page;
        }
        assert_int_equal(env.mem.nfree, FRAMES - nheld);
        if (step % 64 == 0)
            assert_true(mem_check(&env.mem));
    }
    assert_true(env.mem.reservations.broken > 0 && env.mem.reservations.made > 10);
    while (nheld > 0)
        mem_free(&env.mem, held[--nheld]);
    finish(&env);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fill),
        cmocka_unit_test(test_return),
        cmocka_unit_test(test_break),
        cmocka_unit_test(test_claim),
        cmocka_unit_test(test_indexes),
        cmocka_unit_test(test_random),
    };

    return cmocka_run_group_tests_name("reservation", tests, NULL, NULL);
}
