/* SPDX-License-Identifier: BSD-2-Clause */
/* Stacks of swap in words. */
#include "support/test.h"

#include <string.h>

#include "api/swapspec.h"

static struct swapspec
parsed(const char *text)
{
    struct swapspec spec;
    char why[256] = "";

    if (swapspec_parse(text, &spec, why, sizeof why) != PGW_OK)
        fail_msg("%s: %s", text, why);
    return spec;
}

static void
test_pools(void **state)
{
    (void)state;
    struct swapspec spec = parsed("zpool");
    assert_true(spec.pool && !spec.lz4 && !spec.clean);
    assert_int_equal(spec.percent, SWAPSPEC_PERCENT);
    assert_int_equal(spec.nlevels, 0);
    spec = parsed("zpool:25%:lz4:clean");
    assert_true(spec.pool && spec.lz4 && spec.clean);
    assert_int_equal(spec.percent, 25);
    spec = parsed("zpool:16M:zstd");
    assert_int_equal(spec.percent, 0);
    assert_int_equal(spec.pool_bytes, 16 << 20);
}

static void
test_devices(void **state)
{
    (void)state;
    struct swapspec spec = parsed("zpool:90%,file:/tmp/a:b:1G");
    assert_int_equal(spec.percent, 90);
    assert_int_equal(spec.levels[0].kind, SWAPSPEC_FILE);
    assert_string_equal(spec.levels[0].path, "/tmp/a:b");
    assert_int_equal(spec.levels[0].size, 1 << 30);
    spec = parsed("file:x:8K");
    assert_false(spec.pool);
    assert_string_equal(spec.levels[0].path, "x");
    spec = parsed("zpool,temp");
    assert_int_equal(spec.levels[0].kind, SWAPSPEC_TEMP);
    assert_int_equal(spec.levels[0].size, 0);
    assert_int_equal(parsed("temp:1M").levels[0].size, 1 << 20);
    assert_int_equal(parsed("zpool,64M").levels[0].size, 64 << 20);
    spec = parsed("zpool,nbd:nbd://host/name");
    assert_int_equal(spec.levels[0].kind, SWAPSPEC_NBD);
    assert_string_equal(spec.levels[0].path, "nbd://host/name");
}

static void
test_several(void **state)
{
    (void)state;
    struct swapspec spec = parsed("zpool:25%,file:a,b:1G,nbd:nbd://host/x,temp:4M,64M,temp");
    assert_true(spec.pool);
    assert_int_equal(spec.nlevels, 5);
    assert_string_equal(spec.levels[0].path, "a,b");
    assert_int_equal(spec.levels[0].size, 1 << 30);
    assert_int_equal(spec.levels[1].kind, SWAPSPEC_NBD);
    assert_string_equal(spec.levels[1].path, "nbd://host/x");
    assert_int_equal(spec.levels[2].size, 4 << 20);
    assert_int_equal(spec.levels[3].size, 64 << 20);
    assert_int_equal(spec.levels[4].size, 0);
    spec = parsed("file:a:1M,file:b:2M");
    assert_false(spec.pool);
    assert_int_equal(spec.nlevels, 2);
    assert_string_equal(spec.levels[1].path, "b");
    assert_int_equal(parsed("temp,temp,temp,temp,temp,temp,temp,temp").nlevels, 8);
}

static void
test_wrong(void **state)
{
    static const char *const texts[] = {"", "zpool:", "zpool:0%", "zpool:91%", "zpool:1000%",
        "zpool:5", "zpool:lz4:", "zpool:lz4:zstd", "zpool:8M:25%", "zpool:clean:clean,4M",
        "zpool:%", "zpools", "zpool,", "zpool,zpool", "zpool,temp:", "zpool,file:", "zpool,file:a",
        "zpool,file:a:", "zpool,file::1M", "zpool,nbd:", "zpool,1", "zpool:25%,temp:4M,",
        "temp:1M,zpool", "file:a:1M,file:a:2M", "nbd:nbd://h/x,nbd:nbd://h/x", "file:a:1M,foo",
        "64M,file:a", "temp,temp,temp,temp,temp,temp,temp,temp,temp"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct swapspec spec;
        char why[256] = "";
        if (swapspec_parse(texts[i], &spec, why, sizeof why) != PGW_INVAL)
            fail_msg("\"%s\" was taken", texts[i]);
        assert_true(strlen(why) > 20 && strchr(why, '\n') == NULL);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pools), cmocka_unit_test(test_devices),
        cmocka_unit_test(test_several), cmocka_unit_test(test_wrong)};

    return cmocka_run_group_tests_name("swapspec", tests, NULL, NULL);
}
