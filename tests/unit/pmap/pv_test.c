/* SPDX-License-Identifier: BSD-2-Clause */
#include "pmap/pv.h"

#include "base/asid.h"
#include "support/test.h"
#include "support/test_env.h"
#include "vm/pmap.h"

#define N 6

static unsigned
count(struct mem_page *page)
{
    unsigned n = 0;
    for (struct mem_pv *pv = pv_first(page); pv != NULL; pv = pv->next)
        n++;
    return n;
}

/* Every subset of the records can be taken out in any rotation; the others stay. */
static void
test_records(void **state)
{
    struct test_env env;
    struct base_pool pool;
    struct pmap_system system = {0};
    struct pmap pmap[N] = {0};
    (void)state;
    for (unsigned i = 0; i < N; i++)
        pmap[i].system = &system;
    test_env_init(&env, 16);
    base_pool_init(&pool, &env.alloc, sizeof(struct mem_pv), "pv");
    struct mem_page *page = mem_alloc(&env.mem, 0, 0);
    assert_non_null(page);
    assert_null(pv_first(page));
    for (unsigned start = 0; start < N; start++) {
        for (unsigned i = 0; i < N; i++) {
            unsigned low = (i % 2 == 0 ? 0 : 9) | (i % 3 == 0 ? PV_WIRED : 0);
            assert_true(pv_insert(&pool, page, &pmap[i], (i + 1) * 0x200000ull, low));
            assert_int_equal(count(page), i + 1);
        }
        assert_int_equal(pool.live, N - 1); /* the first one costs nothing */
        for (unsigned k = 0; k < N; k++) {
            unsigned i = (start + k * 5) % N;
            uint64_t va = (i + 1) * 0x200000ull;
            unsigned order = i % 2 == 0 ? 0 : 9;
            struct mem_pv *pv = pv_find(page, &pmap[i], va, order);
            assert_non_null(pv);
            assert_true(pv_va(pv) == va && pv_order(pv) == order);
            assert_int_equal((pv->va & PV_WIRED) != 0, i % 3 == 0);
            assert_null(pv_find(page, &pmap[i], va, order ^ 9));
            assert_null(pv_find(page, &pmap[(i + 1) % N], va, order));
            pv_remove(&pool, page, &pmap[i], va, order);
            assert_null(pv_find(page, &pmap[i], va, order));
            assert_int_equal(count(page), N - 1 - k);
        }
        assert_null(pv_first(page));
        assert_int_equal(pool.live, 0);
    }
    mem_free(&env.mem, page);
    base_pool_fini(&pool);
    test_env_fini(&env);
}

/* What is counted as shared: mappings of an object's page beyond its first. */
static void
test_shared(void **state)
{
    struct test_env env;
    struct base_pool pool;
    struct pmap_system system = {0};
    struct pmap pmap[3] = {{.system = &system}, {.system = &system}, {.system = &system}};
    (void)state;
    test_env_init(&env, 16);
    base_pool_init(&pool, &env.alloc, sizeof(struct mem_pv), "pv");
    struct mem_page *text = mem_alloc(&env.mem, 0, 0);
    struct mem_page *data = mem_alloc(&env.mem, 0, 0);
    assert_true(text != NULL && data != NULL);
    text->owner_kind = MEM_OWNER_OBJECT;
    data->owner_kind = MEM_OWNER_ANON;
    for (unsigned i = 0; i < 3; i++) {
        assert_true(pv_insert(&pool, text, &pmap[i], 0x1000, 0));
        assert_true(pv_insert(&pool, data, &pmap[i], 0x2000, 0));
        assert_int_equal(system.file_mapped, 1); /* a page, however often mapped */
        assert_int_equal(system.file_shared, i);
    }
    pv_remove(&pool, text, &pmap[0], 0x1000, 0); /* the first, in the page */
    assert_int_equal(system.file_shared, 1);
    assert_true(pv_insert(&pool, text, &pmap[1], 0x9000, 0)); /* twice in one space */
    assert_int_equal(system.file_shared, 2);
    pv_remove(&pool, text, &pmap[1], 0x1000, 0);
    pv_remove(&pool, text, &pmap[2], 0x1000, 0);
    assert_int_equal(system.file_shared, 0);
    assert_int_equal(system.file_mapped, 1);
    pv_remove(&pool, text, &pmap[1], 0x9000, 0);
    assert_int_equal(system.file_mapped, 0);
    assert_int_equal(system.file_shared, 0);
    assert_int_equal(system.file_shared_peak, 2);
    for (unsigned i = 0; i < 3; i++)
        pv_remove(&pool, data, &pmap[i], 0x2000, 0);
    assert_int_equal(system.file_shared_peak, 2);
    text->owner_kind = data->owner_kind = MEM_OWNER_NONE;
    mem_free(&env.mem, text);
    mem_free(&env.mem, data);
    base_pool_fini(&pool);
    test_env_fini(&env);
}

/* Tags: round robin, never one that is taken, and told when one comes again. */
static void
test_asids(void **state)
{
    static struct asid_set set;
    bool reused = true;
    (void)state;
    for (uint32_t want = 1; want < ASID_COUNT; want++) {
        assert_int_equal(asid_get(&set, &reused), want);
        assert_false(reused);
        if (want % 3 == 0)
            asid_put(&set, want);
    }
    assert_int_equal(asid_get(&set, &reused), 3);
    assert_true(reused);
    for (uint32_t want = 6; want < ASID_COUNT; want += 3)
        assert_int_equal(asid_get(&set, &reused), want);
    assert_int_equal(asid_get(&set, &reused), 0); /* all taken */
    asid_put(&set, 777);
    assert_int_equal(asid_get(&set, &reused), 777);
    assert_true(reused);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_shared),
        cmocka_unit_test(test_asids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
