/* SPDX-License-Identifier: BSD-2-Clause */
/* Swap: how many host calls it makes, what it refuses, and what it gives back to the disk. */
#include "pager/pagers.h"

#include <string.h>
#include <sys/stat.h>

#include "support/test.h"
#include "support/test_env.h"

struct rig {
    struct test_env env;
    struct host_file raw; /* a second descriptor of the swap file */
    struct pager *pager;
    struct pager_io io;
    unsigned done;
};

static void
rig_done(struct pager_io *io)
{
    struct rig *rig = io->ctx;
    rig->done++;
}

static void
rig_init(struct rig *rig, uint64_t nslots)
{
    struct host_file file;
    memset(rig, 0, sizeof *rig);
    test_env_init(&rig->env, 32);
    assert_int_equal(host_file_temp(&rig->env.inject, &file), PGW_OK);
    assert_int_equal(host_file_adopt(file.fd, NULL, &rig->raw), PGW_OK);
    assert_int_equal(
        pager_swap_create(&rig->env.mem, &rig->env.alloc, file, nslots, &rig->pager), PGW_OK);
    rig->io.done = rig_done;
    rig->io.ctx = rig;
    for (unsigned i = 0; i < PAGER_RUN_MAX; i++)
        rig->io.pages[i] = mem_alloc(&rig->env.mem, 0, MEM_ZERO);
}

static void
rig_fini(struct rig *rig)
{
    assert_true(rig->pager->ops->check(rig->pager));
    rig->pager->ops->destroy(rig->pager);
    host_file_close(&rig->raw);
    for (unsigned i = 0; i < PAGER_RUN_MAX; i++)
        mem_free(&rig->env.mem, rig->io.pages[i]);
    test_env_fini(&rig->env);
}

/* It completes inside start, so that nothing is left for drive(). */
static enum pgw_status
rig_put(struct rig *rig, unsigned n)
{
    unsigned before = rig->done;
    rig->io.n = n;
    enum pgw_status status = rig->pager->ops->start_put(rig->pager, &rig->io);
    assert_int_equal(rig->done, before + (status == PGW_OK));
    assert_int_equal(rig->pager->ops->drive(rig->pager, true), 0);
    return status == PGW_OK ? rig->io.status : status;
}

static void
a_run_is_one_host_call(void **state)
{
    struct rig rig;
    (void)state;
    rig_init(&rig, 1000);
    assert_int_equal(rig_put(&rig, 16), PGW_OK);
    assert_int_equal(rig.env.inject.tried[INJECT_WRITE], 1);
    assert_int_equal(rig.pager->stats.put_ios, 1);
    assert_int_equal(rig.pager->stats.puts, 16);
    assert_int_equal(rig.pager->ops->start_get(rig.pager, &rig.io), PGW_OK);
    assert_int_equal(rig.io.status, PGW_OK);
    assert_int_equal(rig.env.inject.tried[INJECT_READ], 1);
    assert_int_equal(rig.pager->stats.get_ios, 1);
    assert_int_equal(rig.pager->stats.gets, 16);
    rig_fini(&rig);
}

/* When the third of four writes fails, the slots of all four are free again. */
static void
failure_half_way_frees_every_slot(void **state)
{
    struct rig rig;
    (void)state;
    rig_init(&rig, 16);
    assert_int_equal(rig_put(&rig, 16), PGW_OK);
    for (uint64_t slot = 1; slot < 9; slot += 2)
        rig.pager->ops->forget(rig.pager, slot);
    rig.env.inject.fail_at[INJECT_WRITE] = rig.env.inject.tried[INJECT_WRITE] + 3;
    assert_int_equal(rig_put(&rig, 4), PGW_IO);
    assert_int_equal(rig.pager->stats.used, 12);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(rig.io.slots[i], PAGER_SLOT_NONE);
    assert_int_equal(rig_put(&rig, 4), PGW_OK);
    assert_int_equal(rig.pager->stats.used, 16);
    rig_fini(&rig);
}

static void
sizes_are_checked(void **state)
{
    struct rig rig;
    struct host_file file;
    struct pager *pager = NULL;
    (void)state;
    rig_init(&rig, 10);
    assert_int_equal(rig_put(&rig, 0), PGW_INVAL);
    assert_int_equal(rig_put(&rig, PAGER_RUN_MAX + 1), PGW_INVAL);
    rig.io.n = 0;
    assert_int_equal(rig.pager->ops->start_get(rig.pager, &rig.io), PGW_INVAL);

    assert_int_equal(host_file_temp(NULL, &file), PGW_OK);
    const uint64_t wrong[] = {0, (uint64_t)1 << 52, UINT64_MAX};
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(
            pager_swap_create(&rig.env.mem, &rig.env.alloc, file, wrong[i], &pager), PGW_INVAL);
    assert_null(pager);
    assert_true(file.fd >= 0); /* still the caller's */
    host_file_close(&file);
    rig_fini(&rig);
}

static int64_t
rig_disk_bytes(struct rig *rig)
{
    struct stat st;
    assert_int_equal(fstat(rig->raw.fd, &st), 0);
    return st.st_blocks * 512;
}

/* What a program swapped out does not stay on the disk after it; the file does not grow for good.
 */
static void
room_goes_back_to_the_disk(void **state)
{
    struct rig rig;
    uint64_t slots[1024];
    uint64_t bytes;
    (void)state;
    rig_init(&rig, 100000);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 1024; i += 16) {
            for (unsigned j = 0; j < 16; j++)
                test_page_fill(mem_page_bytes(&rig.env.mem, rig.io.pages[j]), i + j);
            assert_int_equal(rig_put(&rig, 16), PGW_OK);
            memcpy(slots + i, rig.io.slots, 16 * sizeof slots[0]);
        }
        for (unsigned i = 0; i < 1024; i++)
            rig.pager->ops->forget(rig.pager, slots[i]);
    }
    assert_int_equal(host_file_size(&rig.raw, &bytes), PGW_OK);
    assert_true(bytes <= 1200 * PAGE_SIZE);
    assert_true(rig_disk_bytes(&rig) <= 200 * (int64_t)PAGE_SIZE);
    rig_fini(&rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_is_one_host_call),
        cmocka_unit_test(failure_half_way_frees_every_slot),
        cmocka_unit_test(sizes_are_checked),
        cmocka_unit_test(room_goes_back_to_the_disk),
    };
    return cmocka_run_group_tests_name("swap", tests, NULL, NULL);
}
