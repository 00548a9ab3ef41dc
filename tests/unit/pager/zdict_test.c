/* SPDX-License-Identifier: BSD-2-Clause */
/* Dictionaries of the compressed pool: they are made when they pay, and go with their pages. */
#include "support/test.h"

#include <string.h>

#include "pager/zstore.h"
#include "support/test_env.h"

#define PAGES 6000u
#define WORDS 600u
#define WORD 12u

struct rig {
    struct test_env env;
    struct zstore store;
    struct zitem items[PAGES];
};

static struct rig rig;
static uint64_t seed;

/* A text that is a function of its language and of its number: words of a language, in an order
 * of their own. */
static void
text(unsigned char *page, unsigned language, unsigned number)
{
    static unsigned char words[WORDS][WORD];
    struct base_rng rng;

    base_rng_init(&rng, language);
    for (unsigned i = 0; i < sizeof words; i++)
        ((unsigned char *)words)[i] = (unsigned char)('a' + base_rng_below(&rng, 26));
    base_rng_init(&rng, seed + number);
    for (unsigned at = 0; at < PAGE_SIZE;) {
        unsigned char *word = words[base_rng_below(&rng, WORDS)];
        size_t len = 5 + base_rng_below(&rng, WORD - 4);
        len = len < PAGE_SIZE - at ? len : PAGE_SIZE - at;
        memcpy(page + at, word, len);
        at += (unsigned)len;
    }
}

/* Numbers in arrays: each page compresses, and has nothing in common with another. */
static void
numbers(unsigned char *page, unsigned number)
{
    struct base_rng rng;

    base_rng_init(&rng, seed ^ ((uint64_t)number << 32));
    for (unsigned i = 0; i < PAGE_SIZE; i += 8) {
        uint64_t n = base_rng_next(&rng) & UINT64_C(0xffffffff);
        memcpy(page + i, &n, sizeof n);
    }
}

static void
rig_init(uint64_t limit, enum zcodec_kind kind)
{
    memset(&rig, 0, sizeof rig);
    test_env_init(&rig.env, limit + 16);
    assert_int_equal(zstore_init(&rig.store, &rig.env.mem, &rig.env.alloc, kind, limit), PGW_OK);
}

static void
rig_drop(unsigned from, unsigned end)
{
    for (unsigned i = from; i < end; i++)
        zstore_drop(&rig.store, &rig.items[i]);
    zheap_settle(&rig.store.heap);
    assert_true(zstore_check(&rig.store));
}

static void
rig_fini(void)
{
    rig_drop(0, PAGES);
    zstore_fini(&rig.store);
    test_env_fini(&rig.env);
}

static void
put(unsigned i, const unsigned char *page)
{
    struct zstore_page ready;

    zstore_prepare(&rig.store, page, &ready);
    rig.items[i].kind = (uint8_t)(i % ZITEM_KINDS);
    assert_int_equal(zstore_keep(&rig.store, &ready, &rig.items[i], 0), PGW_OK);
}

static void
put_text(unsigned from, unsigned end, unsigned language)
{
    unsigned char page[PAGE_SIZE];

    for (unsigned i = from; i < end; i++) {
        text(page, language, i);
        put(i, page);
    }
    assert_true(zstore_check(&rig.store));
}

static void
expect_text(unsigned from, unsigned end, unsigned language)
{
    unsigned char page[PAGE_SIZE], back[PAGE_SIZE];

    for (unsigned i = from; i < end; i++) {
        text(page, language, i);
        assert_int_equal(zstore_read(&rig.store, &rig.items[i], back), PGW_OK);
        assert_memory_equal(page, back, PAGE_SIZE);
    }
}

static uint64_t
payload(unsigned from, unsigned end)
{
    uint64_t sum = 0;

    for (unsigned i = from; i < end; i++)
        sum += rig.items[i].len;
    return sum;
}

static void
pages_of_a_kind_get_smaller(uint64_t limit, enum zcodec_kind kind)
{
    rig_init(limit, kind);
    put_text(0, 3000, 1);
    assert_true(rig.store.zdict.made > 0);
    uint64_t before = payload(0, 100), after = payload(2900, 3000);
    if (after >= before * 9 / 10)
        fail_msg("100 pages took %lu bytes, and now take %lu", before, after);
    expect_text(0, 3000, 1);
    rig_fini();
}

static void
test_smaller_by_zstd(void **state)
{
    (void)state;
    pages_of_a_kind_get_smaller(4000, ZCODEC_ZSTD);
}

static void
test_smaller_by_lz4(void **state)
{
    (void)state;
    pages_of_a_kind_get_smaller(4000, ZCODEC_LZ4);
}

static void
test_large_pool(void **state)
{
    (void)state;
    pages_of_a_kind_get_smaller(20000, ZCODEC_ZSTD);
    pages_of_a_kind_get_smaller(20000, ZCODEC_LZ4);
}

/* A new language gets a dictionary of its own; the old one's goes with its pages. */
static void
test_versions(void **state)
{
    (void)state;
    rig_init(4000, ZCODEC_ZSTD);
    put_text(0, 400, 1);
    uint64_t made = rig.store.zdict.made;
    assert_int_equal(made, 1);
    put_text(400, 2000, 2);
    assert_int_equal(rig.store.zdict.made, 2);
    size_t both = zdict_bytes(&rig.store.zdict, &rig.store.codec);
    expect_text(0, 400, 1);
    expect_text(400, 2000, 2);
    rig_drop(0, 1700); /* the last of them when the second was there */
    put_text(2000, 2001, 2);
    assert_true(zdict_bytes(&rig.store.zdict, &rig.store.codec) < both);
    expect_text(1700, 2001, 2);
    rig_fini();
}

/* Languages come and go, faster than versions do: no more than there may be, and no byte wrong. */
static void
test_many_versions(void **state)
{
    unsigned languages = 12, each = PAGES / 12;

    (void)state;
    rig_init(1024, ZCODEC_ZSTD);
    for (unsigned i = 0; i < languages; i++) {
        /* An interval that grows no further, so that each language is tried. */
        rig.store.zdict.interval = rig.store.zdict.left = 350;
        put_text(i * each, (i + 1) * each, i);
        if (i >= 2)
            rig_drop((i - 2) * each + 20, (i - 1) * each); /* all but a few */
        expect_text(i * each, (i + 1) * each, i);
    }
    for (unsigned i = 0; i + 2 < languages; i++)
        expect_text(i * each, i * each + 20, i);
    assert_int_equal(rig.store.zdict.made, ZDICT_VERSIONS - 1);
    rig_fini();
}

static void
test_none_that_does_not_pay(void **state)
{
    unsigned char page[PAGE_SIZE];

    (void)state;
    rig_init(4000, ZCODEC_ZSTD);
    for (unsigned i = 0; i < 1500; i++) {
        numbers(page, i);
        put(i, page);
    }
    assert_int_equal(rig.store.zdict.made, 0);
    assert_int_equal(zdict_bytes(&rig.store.zdict, &rig.store.codec), 0);
    rig_fini();
    rig_init(255, ZCODEC_ZSTD); /* and none in a pool that is too small to be worth it */
    put_text(0, 340, 1);
    assert_int_equal(rig.store.zdict.made, 0);
    rig_fini();
}

/* A page that is damaged is told, with a dictionary as without. */
static void
test_damage(void **state)
{
    unsigned char page[PAGE_SIZE];

    (void)state;
    rig_init(4000, ZCODEC_ZSTD);
    put_text(0, 1000, 1);
    unsigned char *content = rig.store.zdict.versions[rig.store.zdict.now].dict.content;
    memset(content, 0, rig.store.zdict.len);
    unsigned corrupt = 0;
    for (unsigned i = 900; i < 1000; i++)
        corrupt += zstore_read(&rig.store, &rig.items[i], page) == PGW_CORRUPT;
    assert_int_equal(corrupt, 100);
    rig_fini();
}

static void
put_and_look(void *ctx)
{
    (void)ctx;
    put_text(0, 400, 1);
    expect_text(0, 400, 1);
    rig_drop(0, 400);
    memset(rig.items, 0, sizeof rig.items);
    rig.store.zdict.now = 0;
    zdict_settle(&rig.store.zdict, &rig.store.codec);
    zdict_init(&rig.store.zdict, 4000);
}

/* Whatever memory is refused while one is made: pages are kept, and come back. */
static void
test_no_memory_for_it(void **state)
{
    (void)state;
    rig_init(4000, ZCODEC_ZSTD);
    put_and_look(NULL); /* so that the records are there */
    assert_int_equal(test_each_failure(&rig.env.inject, INJECT_MAP, false, put_and_look, NULL), 3);
    rig_fini();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_smaller_by_zstd),
        cmocka_unit_test(test_smaller_by_lz4),
        cmocka_unit_test(test_large_pool),
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_many_versions),
        cmocka_unit_test(test_none_that_does_not_pay),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_no_memory_for_it),
    };

    seed = test_seed();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
