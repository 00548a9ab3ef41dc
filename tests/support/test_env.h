/* SPDX-License-Identifier: BSD-2-Clause */
/* Host memory, fault injection and RAM for a test, and pages whose content can be told apart. */
#ifndef SUPPORT_TEST_ENV_H
#define SUPPORT_TEST_ENV_H

#include <stdbool.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/inject.h"
#include "mem/mem.h"

#define TEST_BASE_PFN ((uint64_t)0x80000) /* where RISC-V machines have their RAM: 2 GiB */

struct test_env {
    struct base_inject inject; /* asked by alloc, and by mem for frames */
    struct base_alloc alloc;
    struct base_alloc ram;
    struct mem mem;
};

/* RAM of this many frames; the test fails if it cannot be had. */
void test_env_init(struct test_env *env, uint64_t frames);

/* Fails the test if a frame is still taken or a byte of alloc still mapped. */
void test_env_fini(struct test_env *env);

/* Fails the test unless all frames are free and mem is consistent. */
void test_env_expect_all_free(const struct test_env *env);

/* Fills PAGE_SIZE bytes with a pattern that only this key has. */
void test_page_fill(unsigned char *bytes, uint64_t key);

/* True if the bytes are test_page_fill's for key. */
bool test_page_is(const unsigned char *bytes, uint64_t key);
bool test_page_is_zero(const unsigned char *bytes);

/* The same, but fails the test and names the first byte that differs. */
void test_page_expect(const unsigned char *bytes, uint64_t key);
void test_page_expect_zero(const unsigned char *bytes);

#endif
