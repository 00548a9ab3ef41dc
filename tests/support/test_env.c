/* SPDX-License-Identifier: BSD-2-Clause */
#include "support/test_env.h"

#include <inttypes.h>
#include <string.h>

#include "host/host_mem.h"
#include "support/test.h"

#define TEST_WORDS (PAGE_SIZE / sizeof(uint64_t))

void
test_env_init(struct test_env *env, uint64_t frames)
{
    memset(env, 0, sizeof(*env));
    host_alloc_init(&env->alloc, &env->inject);
    host_ram_alloc_init(&env->ram);
    enum pgw_status status =
        mem_init(&env->mem, &env->alloc, &env->ram, frames << PAGE_SHIFT, TEST_BASE_PFN);
    assert_int_equal(status, PGW_OK);
}

void
test_env_expect_all_free(const struct test_env *env)
{
    assert_true(mem_check(&env->mem));
    assert_int_equal(env->mem.nfree, env->mem.nframes);
}

void
test_env_fini(struct test_env *env)
{
    test_env_expect_all_free(env);
    mem_fini(&env->mem, &env->ram);
    assert_int_equal(env->alloc.mapped, 0);
    assert_int_equal(env->ram.mapped, 0);
}

/* Every word depends on the key and on its place, so that pages shifted or mixed are found. */
static uint64_t
test_word(uint64_t key, uint64_t i)
{
    uint64_t z = key * TEST_WORDS + i + 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    return z ^ z >> 27;
}

void
test_page_fill(unsigned char *bytes, uint64_t key)
{
    for (uint64_t i = 0; i < TEST_WORDS; i++) {
        uint64_t word = test_word(key, i);
        memcpy(bytes + i * sizeof(word), &word, sizeof(word));
    }
}

/* The first word that is not as expected; TEST_WORDS: none. */
static uint64_t
test_page_differs(const unsigned char *bytes, bool zero, uint64_t key)
{
    for (uint64_t i = 0; i < TEST_WORDS; i++) {
        uint64_t word;
        memcpy(&word, bytes + i * sizeof(word), sizeof(word));
        if (word != (zero ? 0 : test_word(key, i)))
            return i;
    }
    return TEST_WORDS;
}

bool
test_page_is(const unsigned char *bytes, uint64_t key)
{
    return test_page_differs(bytes, false, key) == TEST_WORDS;
}

bool
test_page_is_zero(const unsigned char *bytes)
{
    return test_page_differs(bytes, true, 0) == TEST_WORDS;
}

void
test_page_expect(const unsigned char *bytes, uint64_t key)
{
    uint64_t at = test_page_differs(bytes, false, key);

    if (at != TEST_WORDS)
        fail_msg("page of key %" PRIu64 " differs at byte %" PRIu64, key, at * 8);
}

void
test_page_expect_zero(const unsigned char *bytes)
{
    uint64_t at = test_page_differs(bytes, true, 0);

    if (at != TEST_WORDS)
        fail_msg("page is not zero at byte %" PRIu64, at * 8);
}
