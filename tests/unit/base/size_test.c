/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/size.h"

#include <string.h>

#include "base/rng.h"
#include "support/test.h"

#define KIB (UINT64_C(1) << 10)
#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)
#define TIB (UINT64_C(1) << 40)

static void
test_good_sizes(void **state)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {
        {"0", 0},
        {"1", 1},
        {"4096", 4096},
        {"007", 7},
        {"17B", 17},
        {"17b", 17},
        {"512K", 512 * KIB},
        {"512k", 512 * KIB},
        {"64M", 64 * MIB},
        {"64m", 64 * MIB},
        {"2G", 2 * GIB},
        {"2g", 2 * GIB},
        {"1T", TIB},
        {"7t", 7 * TIB},
        {"64p", 64 * 4096},
        {"0p", 0},
        {"64MiB", 64 * MIB},
        {"64MB", 64 * MIB},
        {"64mib", 64 * MIB},
        {"64Mb", 64 * MIB},
        {"0T", 0},
        {"9223372036854775807", INT64_MAX},
        {"9007199254740991K", INT64_MAX - 1023},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        uint64_t bytes = 99;
        if (base_size_parse(good[i].text, PAGE_SIZE, &bytes) != PGW_OK || bytes != good[i].bytes)
            fail_msg("%s", good[i].text);
    }
}

static void
test_bad_sizes(void **state)
{
    static const struct {
        const char *text;
        enum pgw_status status;
    } bad[] = {
        {"", PGW_INVAL},
        {" ", PGW_INVAL},
        {" 1", PGW_INVAL},
        {"1 ", PGW_INVAL},
        {"1 K", PGW_INVAL},
        {"+1", PGW_INVAL},
        {"-1", PGW_INVAL},
        {"K", PGW_INVAL},
        {"iB", PGW_INVAL},
        {"B", PGW_INVAL},
        {"1.5G", PGW_INVAL},
        {"1,5G", PGW_INVAL},
        {"0x10", PGW_INVAL},
        {"1KK", PGW_INVAL},
        {"1Ki", PGW_INVAL},
        {"1i", PGW_INVAL},
        {"1iB", PGW_INVAL},
        {"1KBB", PGW_INVAL},
        {"1KiBs", PGW_INVAL},
        {"1Z", PGW_INVAL},
        {"1P", PGW_INVAL},
        {"1E", PGW_INVAL},
        {"1e", PGW_INVAL},
        {"1pB", PGW_INVAL},
        {"1piB", PGW_INVAL},
        {"1kp", PGW_INVAL},
        {"p", PGW_INVAL},
        {"4M/s", PGW_INVAL},
        {"1e6", PGW_INVAL},
        {"1\n", PGW_INVAL},
        {"\xc2\xb2", PGW_INVAL},
        {"9223372036854775808", PGW_RANGE},
        {"18446744073709551616", PGW_RANGE},
        {"99999999999999999999999999999999", PGW_RANGE},
        {"2251799813685248p", PGW_RANGE},
        {"8388608T", PGW_RANGE},
        {"9007199254740992K", PGW_RANGE},
        {"99999999999999999999999999999999x", PGW_INVAL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        uint64_t bytes = 99;
        if (base_size_parse(bad[i].text, PAGE_SIZE, &bytes) != bad[i].status)
            fail_msg("\"%s\" is taken for %llu", bad[i].text, (unsigned long long)bytes);
        assert_int_equal(bytes, 99);
    }
}

/* "p" is of the page that the caller has. */
static void
test_sizes_in_pages(void **state)
{
    uint64_t bytes = 99;

    (void)state;
    assert_int_equal(base_size_parse("100p", 512, &bytes), PGW_OK);
    assert_int_equal(bytes, 51200);
    assert_int_equal(base_size_parse("1k", 512, &bytes), PGW_OK);
    assert_int_equal(bytes, 1024);
    assert_int_equal(base_size_parse("9007199254740992p", 1024, &bytes), PGW_RANGE);
    assert_int_equal(bytes, 1024);
}

static void
test_formats(void **state)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } cases[] = {
        {0, "0"},
        {17, "17"},
        {1023, "1023"},
        {1024, "1.0K"},
        {1536, "1.5K"},
        {10 * KIB, "10K"},
        {512 * KIB, "512K"},
        {MIB - 1, "1.0M"},
        {4 * MIB, "4.0M"},
        {4 * MIB + 512 * KIB, "4.5M"},
        {10 * MIB - 1, "10M"},
        {64 * MIB, "64M"},
        {GIB - 1, "1.0G"},
        {2 * GIB, "2.0G"},
        {TIB, "1.0T"},
        {1000 * KIB, "1000K"},
        {UINT64_MAX, "16E"},
        {1024 * TIB, "1.0P"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char out[16];
        base_size_format(cases[i].bytes, out, sizeof(out));
        assert_string_equal(out, cases[i].text);
    }
}

/* Whatever the number, the text fits in 16 bytes, and a short buffer gets a cut, ended string. */
static void
test_format_fits(void **state)
{
    struct base_rng rng;

    (void)state;
    test_rng_init(&rng, 1);
    for (uint64_t i = 0; i < test_rounds(20000); i++) {
        uint64_t bytes = base_rng_next(&rng) >> base_rng_below(&rng, 64);
        char out[16];
        char cut[16];
        base_size_format(bytes, out, sizeof(out));
        assert_in_range(strlen(out), 1, 5);
        size_t len = 1 + base_rng_below(&rng, 6);
        memset(cut, '?', sizeof(cut));
        base_size_format(bytes, cut, len);
        assert_true(strlen(cut) < len);
        assert_memory_equal(cut, out, strlen(cut));
    }
}

static void
test_pages(void **state)
{
    (void)state;
    assert_int_equal(page_floor(0), 0);
    assert_int_equal(page_floor(4095), 0);
    assert_int_equal(page_floor(4096), 4096);
    assert_int_equal(page_ceil(0), 0);
    assert_int_equal(page_ceil(1), 4096);
    assert_int_equal(page_ceil(4096), 4096);
    assert_int_equal(page_ceil(UINT64_MAX), 0);
}

/* Every status has a text of its own, and numbers that are none have one too. */
static void
test_status_texts(void **state)
{
    (void)state;
    for (int i = 0; i < PGW_STATUS_COUNT; i++) {
        const char *text = pgw_status_text((enum pgw_status)i);
        assert_string_not_equal(text, "");
        assert_string_not_equal(text, pgw_status_text(PGW_STATUS_COUNT));
        for (int j = 0; j < i; j++)
            assert_string_not_equal(text, pgw_status_text((enum pgw_status)j));
    }
    assert_non_null(pgw_status_text((enum pgw_status) - 1));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_sizes),
        cmocka_unit_test(test_bad_sizes),
        cmocka_unit_test(test_sizes_in_pages),
        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_format_fits),
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_status_texts),
    };

    return cmocka_run_group_tests_name("size", tests, NULL, NULL);
}
