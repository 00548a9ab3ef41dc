/* SPDX-License-Identifier: BSD-2-Clause */
/* Transcendent memory of the public interface: its laws, in full RAM too, and failing allocations.
 */
#include "api/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/size.h"
#include "system_stats.h"

#define RW (PGW_READ | PGW_WRITE)
#define TRIES 10000u

static struct pgw_system *
system_of(const char *mmu, const char *swap, struct base_inject *inject)
{
    struct pgw_config config;
    struct pgw_system *system = NULL;
    char error[256] = "";

    pgw_config_init(&config);
    config.ram = 2 << 20;
    config.mmu = mmu;
    config.swap = PGW_SWAP_STACK;
    config.swap_path = swap;
    config.error = error;
    config.error_len = sizeof error;
    if (sim_create(&config, inject, &system) != PGW_OK && inject == NULL)
        fail_msg("%s", error);
    return system;
}

/* A page that compresses to a half, different for every key. */
static void
fill(unsigned char *page, uint64_t key)
{
    uint64_t random = key * 0x9e3779b97f4a7c15u + 1;

    for (unsigned i = 0; i < PAGE_SIZE; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        page[i] = (unsigned char)(random & 0xf);
    }
}

static enum pgw_status
put(struct pgw_tmem_pool *pool, uint64_t object, uint64_t index, uint64_t key)
{
    unsigned char page[PAGE_SIZE];

    fill(page, key);
    return pgw_tmem_put(pool, object, index, page);
}

static enum pgw_status
get(struct pgw_tmem_pool *pool, uint64_t object, uint64_t index, uint64_t key)
{
    unsigned char page[PAGE_SIZE], want[PAGE_SIZE];

    memset(page, 0x5a, sizeof page);
    fill(want, key);
    enum pgw_status status = pgw_tmem_get(pool, object, index, page);
    if (status != PGW_OK)
        memset(want, 0x5a, sizeof want); /* untouched */
    assert_memory_equal(page, want, sizeof page);
    return status;
}

static void
laws_by_hand(const char *mmu)
{
    struct pgw_system *system = system_of(mmu, "zpool:20%,16M", NULL);
    struct pgw_tmem_pool *kept, *cache;

    assert_int_equal(pgw_tmem_create(system, true, &kept), PGW_OK);
    assert_int_equal(pgw_tmem_create(system, false, &cache), PGW_OK);
    assert_int_equal(get(kept, 1, 2, 0), PGW_NOTFOUND);
    assert_int_equal(put(kept, UINT64_MAX, UINT64_MAX, 3), PGW_OK);
    assert_int_equal(put(kept, 1, 2, 4), PGW_OK);
    assert_int_equal(put(kept, 1, 2, 5), PGW_OK); /* over the older one */
    assert_int_equal(put(kept, 1, 3, 6), PGW_OK);
    assert_int_equal(put(cache, 1, 2, 7), PGW_OK);
    assert_int_equal(stats_of(system).tmem_persistent, 3);
    assert_int_equal(stats_of(system).tmem_pages, 1);
    for (unsigned again = 0; again < 2; again++) {
        assert_int_equal(get(kept, 1, 2, 5), PGW_OK);
        assert_int_equal(get(cache, 1, 2, 7), again == 0 ? PGW_OK : PGW_NOTFOUND);
    }
    pgw_tmem_flush_page(kept, 1, 2);
    pgw_tmem_flush_page(kept, 1, 2);
    assert_int_equal(get(kept, 1, 2, 0), PGW_NOTFOUND);
    assert_int_equal(get(kept, 1, 3, 6), PGW_OK);
    pgw_tmem_flush_object(kept, 1);
    assert_int_equal(get(kept, 1, 3, 0), PGW_NOTFOUND);
    assert_int_equal(get(kept, UINT64_MAX, UINT64_MAX, 3), PGW_OK);
    assert_true(pgw_system_check(system));
    pgw_tmem_destroy(kept);
    pgw_tmem_destroy(NULL);
    struct pgw_stats stats = stats_of(system);
    assert_int_equal(stats.tmem_persistent, 0);
    assert_int_equal(stats.tmem_persistent_peak, 3);
    assert_int_equal(stats.tmem_puts, 1);
    assert_int_equal(stats.tmem_hits, 1);
    pgw_system_destroy(system); /* with the other one */
}

static void
laws_on_every_scheme(void **state)
{
    struct pgw_mmu_limits limits = {.size = sizeof limits};

    (void)state;
    for (unsigned m = 0; pgw_mmu_limits(m, &limits) == PGW_OK; m++)
        laws_by_hand(pgw_mmu_name(m));
}

static void
pools_are_few_and_need_a_pool(void **state)
{
    struct pgw_system *system = system_of("sv39", "16M", NULL);
    struct pgw_tmem_pool *pool = NULL, *last = NULL;
    unsigned n = 0;

    (void)state;
    assert_int_equal(pgw_tmem_create(system, true, &pool), PGW_UNSUPPORTED);
    assert_non_null(strstr(pgw_error_text(system), "no compressed pool"));
    assert_null(pool);
    pgw_system_destroy(system);
    system = system_of("sv39", "zpool:20%:clean,16M", NULL);
    while (pgw_tmem_create(system, true, &pool) == PGW_OK) {
        last = pool;
        n++;
    }
    assert_int_equal(n, 7); /* one is the core's */
    assert_non_null(strstr(pgw_error_text(system), "too many"));
    pgw_tmem_destroy(last);
    assert_int_equal(pgw_tmem_create(system, false, &pool), PGW_OK);
    pgw_system_destroy(system);
}

/* T3 and T2 where there is no room: what was taken is there, what was refused is not, and whatever
 * is in RAM and on swap besides stays what it was. */
static void
no_room(void **state)
{
    struct pgw_system *system = system_of("sv39", "zpool:10%,16M", NULL);
    struct pgw_tmem_pool *kept, *cache;
    struct pgw_space *space;
    uint64_t va = 0, n = 0, value;

    (void)state;
    assert_int_equal(pgw_space_create(system, &space), PGW_OK);
    assert_int_equal(pgw_map(space, 4 << 20, RW, 0, &va), PGW_OK);
    for (value = 0; value < 1024; value++)
        assert_int_equal(pgw_write(space, va + value * PAGE_SIZE, &value, sizeof value), PGW_OK);
    assert_int_equal(pgw_tmem_create(system, true, &kept), PGW_OK);
    assert_int_equal(pgw_tmem_create(system, false, &cache), PGW_OK);
    for (uint64_t i = 0; i < 20; i++)
        assert_int_equal(put(cache, 0, i, i), PGW_OK);
    while (put(kept, 0, n, n) == PGW_OK)
        n++;
    assert_true(n > 40 && n < 200);
    assert_non_null(strstr(pgw_error_text(system), "no room"));
    assert_int_equal(stats_of(system).tmem_pages, 0); /* they went first */
    assert_int_equal(put(kept, 0, 3, 999), PGW_OK);   /* an older one made room */
    for (uint64_t i = 0; i < n; i++)
        assert_int_equal(get(kept, 0, i, i == 3 ? 999 : i), PGW_OK);
    assert_int_equal(get(kept, 0, n, 0), PGW_NOTFOUND);
    for (uint64_t i = 0; i < 1024; i++) {
        assert_int_equal(pgw_read(space, va + i * PAGE_SIZE, &value, sizeof value), PGW_OK);
        assert_int_equal(value, i);
    }
    assert_true(pgw_system_check(system));
    pgw_system_destroy(system);
}

/* False: something failed.  What was put is there all the same, or is not there at all. */
static bool
work(struct base_inject *inject)
{
    struct pgw_system *system = system_of("sv39", "zpool:20%,16M", inject);
    struct pgw_tmem_pool *pools[2] = {NULL, NULL};
    bool there[2][12] = {{false}}, ok = system != NULL;

    for (unsigned p = 0; p < 2 && ok; p++)
        ok = pgw_tmem_create(system, p == 1, &pools[p]) == PGW_OK;
    for (unsigned i = 0; i < 24 && ok; i++) {
        there[i % 2][i / 2] = put(pools[i % 2], i / 5, i, i) == PGW_OK;
        ok = there[i % 2][i / 2];
        if (!ok)
            assert_int_equal(get(pools[i % 2], i / 5, i, i), PGW_NOTFOUND); /* T2 */
    }
    for (unsigned i = 1; i < 24 && pools[1] != NULL; i += 2) {
        enum pgw_status status = get(pools[1], i / 5, i, i);
        assert_int_equal(status, there[1][i / 2] ? PGW_OK : PGW_NOTFOUND); /* T3 */
    }
    if (system != NULL) {
        struct base_inject saved = *inject;
        *inject = (struct base_inject){0};
        assert_true(pgw_system_check(system));
        *inject = saved;
    }
    pgw_system_destroy(system);
    return ok;
}

static void
each_allocation_fails(void **state)
{
    (void)state;
    for (int point = 0; point < INJECT_POINTS; point++) {
        for (unsigned both = 0; both < 2; both++) {
            unsigned n = 1;
            for (; n < TRIES; n++) {
                struct base_inject inject = {0};
                inject.fail_at[point] = n;
                inject.and_after[point] = both == 1;
                bool ok = work(&inject);
                if (inject.tried[point] >= n)
                    continue;
                assert_true(ok);
                break;
            }
            assert_true(n < TRIES);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(laws_on_every_scheme),
        cmocka_unit_test(pools_are_few_and_need_a_pool),
        cmocka_unit_test(no_room),
        cmocka_unit_test(each_allocation_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
