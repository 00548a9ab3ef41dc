/* SPDX-License-Identifier: BSD-2-Clause */
#include "host/host_mem.h"

#include <string.h>
#include <sys/mman.h>

#include "base/size.h"
#include "support/test.h"

#define HUGE ((size_t)2 << 20)

static void
test_counts(void **state)
{
    struct base_alloc alloc;

    (void)state;
    host_alloc_init(&alloc, NULL);
    char *a = alloc.map(&alloc, 1);
    char *b = alloc.map(&alloc, 3 * PAGE_SIZE);
    assert_non_null(a);
    assert_non_null(b);
    assert_int_equal((uintptr_t)a % PAGE_SIZE, 0);
    assert_int_equal(alloc.mapped, 4 * PAGE_SIZE);
    for (size_t i = 0; i < PAGE_SIZE; i++)
        assert_int_equal(a[i], 0);
    alloc.unmap(&alloc, b, 3 * PAGE_SIZE);
    alloc.unmap(&alloc, a, 1);
    assert_int_equal(alloc.mapped, 0);
    assert_int_equal(alloc.mapped_peak, 4 * PAGE_SIZE);
}

static void
test_refused(void **state)
{
    struct base_inject inject = {.fail_at = {[INJECT_MAP] = 2}};
    struct base_alloc alloc;

    (void)state;
    host_alloc_init(&alloc, &inject);
    void *a = alloc.map(&alloc, PAGE_SIZE);
    assert_non_null(a);
    assert_null(alloc.map(&alloc, PAGE_SIZE));
    assert_null(alloc.map(&alloc, 0));
    assert_null(alloc.map(&alloc, SIZE_MAX));
    assert_null(alloc.map(&alloc, SIZE_MAX / 2));
    assert_int_equal(alloc.mapped, PAGE_SIZE);
    alloc.unmap(&alloc, a, PAGE_SIZE);
}

/* RAM starts on a huge page, can be far larger than the host's, and exists where it is used. */
static void
test_ram(void **state)
{
    const size_t len = (size_t)64 << 30;
    struct base_alloc ram;
    unsigned char resident = 0;

    (void)state;
    host_ram_alloc_init(&ram);
    char *p = ram.map(&ram, len);
    assert_non_null(p);
    assert_int_equal((uintptr_t)p % HUGE, 0);
    p[0] = p[len - 1] = 1;
    assert_int_equal(mincore(p + len / 2, PAGE_SIZE, &resident), 0);
    assert_int_equal(resident & 1, 0);
    ram.unmap(&ram, p, len);
    assert_int_equal(ram.mapped, 0);
    assert_null(ram.map(&ram, 0));
    assert_null(ram.map(&ram, SIZE_MAX - HUGE));
    assert_null(ram.map(&ram, SIZE_MAX / 2));

    p = ram.map(&ram, 5 * PAGE_SIZE);
    assert_non_null(p);
    memset(p, 1, 5 * PAGE_SIZE);
    ram.unmap(&ram, p, 5 * PAGE_SIZE);
    assert_int_equal(ram.mapped, 0);
}

/* What was there is there, what is new is zero, and none of it is counted twice. */
static void
test_grows(void **state)
{
    const size_t lens[] = {PAGE_SIZE, 3 * PAGE_SIZE - 1, HUGE, 3 * HUGE + PAGE_SIZE};
    struct base_inject inject = {0};
    struct base_alloc ram;

    (void)state;
    host_ram_alloc_init(&ram);
    char *p = ram.map(&ram, lens[0]);
    assert_non_null(p);
    memset(p, 1, lens[0]);
    for (unsigned i = 1; i < 4; i++) {
        p = host_ram_grow(&ram, p, lens[i - 1], lens[i]);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % HUGE, 0);
        for (size_t at = 0; at < lens[i]; at++)
            assert_int_equal(p[at], at < lens[i - 1]);
        memset(p, 1, lens[i]);
    }
    assert_int_equal(ram.mapped, lens[3]);
    assert_int_equal(ram.mapped_peak, lens[3]);

    ram.inject = &inject;
    inject.fail_at[INJECT_MAP] = 1;
    assert_null(host_ram_grow(&ram, p, lens[3], 2 * lens[3]));
    assert_null(host_ram_grow(&ram, p, lens[3], SIZE_MAX / 2));
    assert_null(host_ram_grow(&ram, p, lens[3], PAGE_SIZE));
    assert_int_equal(p[lens[3] - 1], 1);
    ram.unmap(&ram, p, lens[3]);
    assert_int_equal(ram.mapped, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_ram),
        cmocka_unit_test(test_grows),
    };

    return cmocka_run_group_tests_name("host_mem", tests, NULL, NULL);
}
