/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/rng.h"

#include <string.h>

#include "support/test.h"

/* The state 1, 2, 3, 4 gives these first numbers: by hand from the definition of xoshiro256**. */
static void
test_known_numbers(void **state)
{
    static const uint64_t expected[] = {11520, 0, 1509978240, UINT64_C(1215971899390074240)};
    struct base_rng rng = {.s = {1, 2, 3, 4}};

    (void)state;
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
        assert_int_equal(base_rng_next(&rng), expected[i]);
}

/* splitmix64 from 0 starts with this number: the one that its authors' test vectors give. */
static void
test_seed_zero(void **state)
{
    struct base_rng rng;

    (void)state;
    base_rng_init(&rng, 0);
    assert_int_equal(rng.s[0], UINT64_C(0xe220a8397b1dcdaf));
    assert_int_equal(rng.s[1], UINT64_C(0x6e789e6aa1b965f4));
}

static void
test_same_seed_same_numbers(void **state)
{
    struct base_rng a;
    struct base_rng b;
    struct base_rng c;
    unsigned equal = 0;

    (void)state;
    base_rng_init(&a, 7);
    base_rng_init(&b, 7);
    base_rng_init(&c, 8);
    for (int i = 0; i < 1000; i++) {
        uint64_t n = base_rng_next(&a);
        assert_int_equal(n, base_rng_next(&b));
        equal += n == base_rng_next(&c);
    }
    assert_int_equal(equal, 0);
}

/* In range always, every value met, and none of ten far more often than the others. */
static void
test_below(void **state)
{
    static const uint64_t bounds[] = {1, 2, 3, 10, 1000, (UINT64_C(1) << 63) + 1, UINT64_MAX};
    unsigned met[10] = {0};
    struct base_rng rng;

    (void)state;
    test_rng_init(&rng, 1);
    for (size_t b = 0; b < sizeof(bounds) / sizeof(bounds[0]); b++) {
        for (int i = 0; i < 1000; i++)
            assert_true(base_rng_below(&rng, bounds[b]) < bounds[b]);
    }
    for (int i = 0; i < 100000; i++)
        met[base_rng_below(&rng, 10)]++;
    for (int i = 0; i < 10; i++) /* 10 standard deviations each way */
        assert_in_range(met[i], 9050, 10950);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_numbers),
        cmocka_unit_test(test_seed_zero),
        cmocka_unit_test(test_same_seed_same_numbers),
        cmocka_unit_test(test_below),
    };

    return cmocka_run_group_tests_name("rng", tests, NULL, NULL);
}
