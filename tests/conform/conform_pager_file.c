/* SPDX-License-Identifier: BSD-2-Clause */
/* Conformance of read-only files to vm/pager.h: what is read, and that nothing is written. */
#include "pager_rig.h"

#include <string.h>

static const struct backend backend_file = {.name = "file", .kind = BACKEND_FILE};
static const struct backend backend_file_delayed = {
    .name = "delayed file", .kind = BACKEND_FILE, .delayed = true};

/* A file of npages whole pages, keys 1, 2, ..., and tail bytes of one more. */
static void
file_fill(struct fixture *f, uint64_t npages, size_t tail)
{
    unsigned char page[PAGE_SIZE];
    for (uint64_t i = 0; i <= npages; i++) {
        test_page_fill(page, i + 1);
        size_t len = i < npages ? PAGE_SIZE : tail;
        assert_int_equal(host_file_write(&f->raw, page, len, i * PAGE_SIZE), PGW_OK);
    }
}

static void
file_reads_pages_and_zeros(void **state)
{
    struct fixture f;
    struct call call;
    unsigned char last[PAGE_SIZE] = {0};
    unsigned char whole[PAGE_SIZE];
    pager_rig_begin(&f, state, 0);
    file_fill(&f, 20, 1000);
    test_page_fill(whole, 21);
    memcpy(last, whole, 1000);

    const uint64_t slots[] = {3, 4, 5, 19, 20, 21, 22, 0, 0, 1u << 30, (uint64_t)1 << 51,
        UINT64_MAX, UINT64_MAX - 1, ((uint64_t)1 << 51) - 2, ((uint64_t)1 << 51) - 1, 1};
    pager_rig_call_init(&f, &call, 16);
    memcpy(call.io.slots, slots, sizeof slots);
    for (unsigned i = 0; i < 16; i++)
        memset(pager_rig_call_bytes(&f, &call, i), 0xa5, PAGE_SIZE);
    assert_int_equal(
        pager_rig_call_finish(&f, &call, f.pager->ops->start_get(f.pager, &call.io)), PGW_OK);
    for (unsigned i = 0; i < 16; i++) {
        assert_int_equal(f.pager->ops->has(f.pager, slots[i]), slots[i] <= 20);
        if (slots[i] < 20)
            test_page_expect(pager_rig_call_bytes(&f, &call, i), slots[i] + 1);
        else if (slots[i] == 20)
            assert_memory_equal(pager_rig_call_bytes(&f, &call, i), last, PAGE_SIZE);
        else
            test_page_expect_zero(pager_rig_call_bytes(&f, &call, i));
    }
    pager_rig_call_fini(&f, &call);
    pager_rig_end(&f);
}

static void
file_runs_are_one_read(void **state)
{
    struct fixture f;
    uint64_t slots[16];
    uint64_t keys[16];
    pager_rig_begin(&f, state, 0);
    file_fill(&f, 32, 0);
    for (unsigned i = 0; i < 16; i++) {
        slots[i] = 8 + i;
        keys[i] = slots[i] + 1;
    }
    assert_int_equal(pager_rig_get_pages(&f, slots, keys, 16), PGW_OK);
    assert_int_equal(f.pager->stats.get_ios, 1);
    slots[7] = keys[7] = 0; /* breaks the run in three */
    keys[7] = 1;
    assert_int_equal(pager_rig_get_pages(&f, slots, keys, 16), PGW_OK);
    assert_int_equal(f.pager->stats.get_ios, 4);
    assert_int_equal(f.pager->stats.gets, 32);
    pager_rig_end(&f);
}

static void
file_cannot_be_written(void **state)
{
    struct fixture f;
    uint64_t slots[2];
    pager_rig_begin(&f, state, 0);
    file_fill(&f, 2, 0);
    assert_int_equal(pager_rig_put_pages(&f, 40, 2, slots), PGW_UNSUPPORTED);
    f.pager->ops->forget(f.pager, 1);
    assert_int_equal(pager_rig_get_page(&f, 1, 2), PGW_OK);
    pager_rig_end(&f);
}

/* Puts pages with keys 60, 61, ... into the slots given. */
static enum pgw_status
file_put(struct fixture *f, const uint64_t *slots, unsigned n)
{
    struct call call;

    pager_rig_call_init(f, &call, n);
    memcpy(call.io.slots, slots, n * sizeof *slots);
    for (unsigned i = 0; i < n; i++)
        test_page_fill(pager_rig_call_bytes(f, &call, i), 60 + i);
    enum pgw_status status =
        pager_rig_call_finish(f, &call, f->pager->ops->start_put(f->pager, &call.io));
    pager_rig_call_fini(f, &call);
    return status;
}

/* Runs are one write each; of the page that the end lies in only what lies before it is written,
 * and nothing of those behind. */
static void
file_is_written_to_its_end(void **state)
{
    struct fixture f;
    struct host_file writer;
    unsigned char got[PAGE_SIZE], expected[PAGE_SIZE];
    uint64_t size;

    pager_rig_begin(&f, state, 0);
    if (((const struct backend *)*state)->delayed) { /* its pager is not the file's own */
        pager_rig_end(&f);
        return;
    }
    file_fill(&f, 6, 1000);
    assert_int_equal(host_file_adopt(f.raw.fd, &f.env.inject, &writer), PGW_OK);
    pager_file_write_by(f.pager, writer);
    assert_int_equal(
        file_put(&f, (const uint64_t[]){1, 2, 4, 5, 6, 7, (uint64_t)1 << 60}, 7), PGW_OK);
    assert_int_equal(f.pager->stats.put_ios, 3); /* 1-2, 4-5, the part of 6 */
    assert_int_equal(f.pager->stats.puts, 7);
    assert_int_equal(host_file_size(&f.raw, &size), PGW_OK);
    assert_int_equal(size, 6 * PAGE_SIZE + 1000);
    assert_int_equal(pager_rig_get_pages(&f, (const uint64_t[]){0, 1, 2, 3, 4, 5},
                         (const uint64_t[]){1, 60, 61, 4, 62, 63}, 6),
        PGW_OK);
    assert_int_equal(host_file_read(&f.raw, got, PAGE_SIZE, 6 * PAGE_SIZE), PGW_OK);
    test_page_fill(expected, 64);
    assert_memory_equal(got, expected, 1000);
    f.env.inject.fail_at[INJECT_WRITE] = f.env.inject.tried[INJECT_WRITE] + 1;
    assert_int_equal(file_put(&f, (const uint64_t[]){0, 3}, 2), PGW_IO);
    assert_int_equal(file_put(&f, (const uint64_t[]){0, 3}, 2), PGW_OK);
    assert_int_equal(
        pager_rig_get_pages(&f, (const uint64_t[]){0, 3}, (const uint64_t[]){60, 61}, 2), PGW_OK);
    pager_rig_end(&f);
}

static void
file_torture_body(void *ctx)
{
    struct fixture *f = ctx;
    if (pager_rig_open(f, 0) != PGW_OK)
        return;
    file_fill(f, 16, 0);
    for (uint64_t i = 0; i < 16; i++) {
        uint64_t slots[] = {i, 15 - i, (i + 8) % 16};
        uint64_t keys[] = {slots[0] + 1, slots[1] + 1, slots[2] + 1};
        enum pgw_status status = pager_rig_get_pages(f, slots, keys, 3);
        assert_true(status == PGW_OK || status == PGW_IO);
    }
    pager_rig_close(f);
}

static void
file_torture(void **state)
{
    struct fixture f;
    pager_rig_init(&f, state);
    for (unsigned after = 0; after < 2; after++) {
        assert_true(test_each_failure(&f.env.inject, INJECT_READ, after != 0, file_torture_body,
                        &f) >= 40 / (after != 0 ? 3 : 1));
        assert_int_equal(
            test_each_failure(&f.env.inject, INJECT_MAP, after != 0, file_torture_body, &f), 1);
    }
    test_env_fini(&f.env);
}

#define ON_FILES(test) ON(test, backend_file), ON(test, backend_file_delayed)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON_FILES(file_reads_pages_and_zeros),
        ON_FILES(file_runs_are_one_read),
        ON_FILES(file_cannot_be_written),
        ON_FILES(file_is_written_to_its_end),
        ON_FILES(file_torture),
    };
    return cmocka_run_group_tests_name("pager file", tests, NULL, NULL);
}
