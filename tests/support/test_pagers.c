/* SPDX-License-Identifier: BSD-2-Clause */
#include "support/test.h"

#include "support/test_pagers.h"

#include "host/host_file.h"
#include "pager/pagers.h"
#include "support/delayed_pager.h"

enum pgw_status
test_swap_create(struct test_env *env, uint64_t slots, bool delayed, struct pager **pager)
{
    struct host_file file;

    if (slots == 0)
        return PGW_OK;
    enum pgw_status status = host_file_temp(&env->inject, &file);
    if (status != PGW_OK)
        return status;
    status = pager_swap_create(&env->mem, &env->alloc, file, slots, pager);
    if (status != PGW_OK)
        host_file_close(&file);
    else if (delayed)
        *pager = delayed_pager_create(*pager, test_seed());
    return status;
}

/* The first of few slots, so that the others are used. */
enum pgw_status
test_chain_create(
    struct test_env *env, uint64_t slots, bool delayed, unsigned n, struct pager **pager)
{
    struct pager *levels[PAGER_CHAIN_MAX];
    enum pgw_status status = PGW_OK;
    unsigned made = 0;

    if (n < 2 || slots == 0)
        return test_swap_create(env, slots, delayed, pager);
    assert_true(n <= PAGER_CHAIN_MAX && slots >= 8 * n);
    for (; made < n && status == PGW_OK; made += status == PGW_OK)
        status = test_swap_create(
            env, made + 1 < n ? 8 : slots - 8 * (n - 1), delayed && made % 2 == 0, &levels[made]);
    if (status == PGW_OK)
        status = pager_chain_create(&env->mem, &env->alloc, levels, n, pager);
    while (status != PGW_OK && made-- > 0)
        levels[made]->ops->destroy(levels[made]);
    return status;
}

#ifdef HAVE_LIBNBD
enum pgw_status
test_remote_create(struct test_env *env, const char *uri, struct pager **pager)
{
    struct pager *levels[2] = {NULL, *pager};

    if (uri == NULL)
        return PGW_OK;
    enum pgw_status status =
        pager_remote_create(&env->mem, &env->alloc, uri, PAGER_REMOTE_PATIENCE, &levels[0]);
    if (status != PGW_OK)
        return status;
    status = pager_chain_create(&env->mem, &env->alloc, levels, 2, pager);
    if (status != PGW_OK)
        levels[0]->ops->destroy(levels[0]);
    return status;
}
#else
enum pgw_status
test_remote_create(struct test_env *env, const char *uri, struct pager **pager)
{
    (void)env;
    (void)pager;
    return uri == NULL ? PGW_OK : PGW_UNSUPPORTED;
}
#endif

enum pgw_status
test_pool_create(struct test_env *env, uint64_t frames, bool aside, struct pager **pager)
{
    const struct pager_zpool_config config = {.limit = frames, .lz4 = true, .aside = aside};

    if (frames == 0)
        return PGW_OK;
    return pager_zpool_create(&env->mem, &env->alloc, &config, *pager, pager);
}

enum pgw_status
test_file_create(
    struct test_env *env, uint64_t npages, uint64_t base, struct pager **pager, int *fd)
{
    unsigned char bytes[PAGE_SIZE];
    struct host_file file;

    assert_int_equal(host_file_temp(NULL, &file), PGW_OK);
    for (uint64_t i = 0; i < npages; i++) {
        test_page_fill(bytes, base + i);
        assert_int_equal(host_file_write(&file, bytes, sizeof bytes, i << PAGE_SHIFT), PGW_OK);
    }
    file.inject = &env->inject;
    enum pgw_status status = pager_file_create(&env->mem, &env->alloc, file, pager);
    if (status != PGW_OK) {
        host_file_close(&file);
        return status;
    }
    struct host_file again, look;
    assert_int_equal(host_file_adopt(file.fd, &env->inject, &again), PGW_OK);
    if (fd != NULL) {
        assert_int_equal(host_file_adopt(file.fd, NULL, &look), PGW_OK);
        *fd = look.fd;
    }
    pager_file_write_by(*pager, again);
    return status;
}
