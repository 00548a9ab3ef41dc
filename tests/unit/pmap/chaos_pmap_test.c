/* SPDX-License-Identifier: BSD-2-Clause */
/* The chaos pmap drops what it may, nothing that it may not, and loses no modified bit (P1-P3). */
#include "support/chaos_pmap.h"

#include "support/backends.h"
#include "support/test.h"
#include "support/test_env.h"

#define PAGES 32
#define WIRED 8 /* the first ones are wired */

struct told {
    uint64_t pages;
};

static void
count_range(void *ctx, uint32_t asid, uint64_t va, uint64_t npages, bool gone)
{
    (void)asid, (void)va;
    if (gone)
        ((struct told *)ctx)->pages += npages;
}

static void
ignore_space(void *ctx, uint32_t asid)
{
    (void)ctx, (void)asid;
}

static void
run(const struct backend *backend, bool expect_drops)
{
    const struct pmap_ops *ops = chaos_pmap_ops(backend->pmap);
    struct test_env env;
    struct told told = {0};
    struct pmap_shootdown shootdown = {&told, count_range, ignore_space};
    struct pmap_system *system;
    struct pmap *pmap;
    struct mem_page *page[PAGES];
    uint64_t missing = 0;
    assert_non_null(ops);
    assert_ptr_equal(chaos_pmap_inner_ops(ops), backend->pmap);
    test_env_init(&env, 256 + 2 * backend_root_frames(backend));
    assert_int_equal(ops->system_create(&env.mem, &env.alloc, &shootdown, &system), PGW_OK);
    chaos_pmap_tune(system, test_seed(), expect_drops ? 3 : 0);
    assert_int_equal(ops->create(system, &pmap), PGW_OK);
    for (uint64_t i = 0; i < PAGES; i++)
        page[i] = mem_alloc(&env.mem, 0, 0);
    for (uint64_t round = 0; round < test_rounds(100); round++) {
        for (uint64_t i = 0; i < PAGES; i++) {
            unsigned flags = i < WIRED ? PMAP_WIRED : 0;
            if (round > 0 && i < WIRED)
                continue;
            assert_int_equal(
                ops->enter(pmap, i << 21, &page[i], 1, 0, 3, ACCESS_WRITE, flags), PGW_OK);
        }
        for (uint64_t i = 0; i < PAGES; i++) {
            struct mem_page *found = NULL;
            if (ops->extract(pmap, i << 21, &found, NULL) == PGW_OK)
                assert_ptr_equal(found, page[i]);
            else
                missing++;
            assert_true(i >= WIRED || found == page[i]);
            assert_true(ops->page_is_modified(system, page[i]));
        }
        assert_true(ops->check(pmap));
    }
    assert_int_equal(chaos_pmap_dropped(system), told.pages);
    assert_int_equal(missing > 0, expect_drops);
    assert_int_equal(chaos_pmap_dropped(system) > 100, expect_drops);
    ops->destroy(pmap);
    ops->system_destroy(system);
    for (uint64_t i = 0; i < PAGES; i++)
        mem_free(&env.mem, page[i]);
    test_env_fini(&env);
}

static void
test_drops(void **state)
{
    run(*state, true);
}

static void
test_quiet(void **state)
{
    run(*state, false);
}

static int
run_backend(const struct backend *backend)
{
    void *state = (void *)(uintptr_t)backend;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_drops, state),
        cmocka_unit_test_prestate(test_quiet, state),
    };
    print_message("%s\n", backend->name);
    return cmocka_run_group_tests_name(backend->name, tests, NULL, NULL);
}

int
main(void)
{
    const struct backend *backend;
    int failed = run_backend(&backend_ref);
    for (size_t i = 0; (backend = backend_at(i)) != NULL; i++)
        failed += run_backend(backend);
    return failed;
}
