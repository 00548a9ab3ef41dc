/* SPDX-License-Identifier: BSD-2-Clause */
/* The working-set meter against counts known by construction, and the ABI's offsets that
 * programs look at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "host/host_mem.h"
#include "os/abi.h"
#include "os/os.h"
#include "os/workset.h"

static struct os_stats stats;

static void
test_distinct(void **state)
{
    struct base_alloc alloc;
    struct os_workset_meter meter;

    (void)state;
    memset(&stats, 0, sizeof stats);
    host_alloc_init(&alloc, NULL);
    os_workset_init(&meter, &alloc, 1000);
    /* Two spaces use the same 20,000 page numbers, each three times. */
    for (int round = 0; round < 3; round++)
        for (uint64_t vpn = 0; vpn < 20000; vpn++)
            for (uint64_t space = 1; space <= 2; space++)
                os_workset_touch(&meter, space, vpn * 513);
    assert_int_equal(meter.pages, 40000);
    os_workset_end(&meter, &stats, 1000);
    os_workset_touch(&meter, 1, 513);
    os_workset_touch(&meter, 1, 513);
    os_workset_end(&meter, &stats, 2000);
    os_workset_end(&meter, &stats, 3000);
    assert_int_equal(stats.worksets, 3);
    assert_int_equal(stats.workset[0].pages, 40000);
    assert_int_equal(stats.workset[1].pages, 1);
    assert_int_equal(stats.workset[1].start, 1000);
    assert_int_equal(stats.workset[2].pages, 0);
    os_workset_fini(&meter);
    assert_int_equal(alloc.mapped, 0);
}

static void
test_merging(void **state)
{
    struct base_alloc alloc;
    struct os_workset_meter meter;

    (void)state;
    memset(&stats, 0, sizeof stats);
    host_alloc_init(&alloc, NULL);
    os_workset_init(&meter, &alloc, 10);
    for (uint64_t i = 0; i < OS_WORKSET_MAX + 1; i++) {
        for (uint64_t vpn = 0; vpn < i % 2 + 1; vpn++)
            os_workset_touch(&meter, 1, vpn);
        os_workset_end(&meter, &stats, (i + 1) * 10);
    }
    assert_int_equal(stats.worksets, OS_WORKSET_MAX / 2 + 1);
    assert_int_equal(meter.window, 20);
    assert_int_equal(stats.window, 20);
    assert_int_equal(stats.workset[3].start, 60);
    assert_int_equal(stats.workset[3].pages, 2);
    assert_int_equal(stats.workset[OS_WORKSET_MAX / 2].pages, 1);
    os_workset_fini(&meter);
}

/* Without memory the count is a lower bound, and nothing breaks. */
static void
test_no_memory(void **state)
{
    struct base_alloc alloc;
    struct base_inject inject = {.fail_at = {[INJECT_MAP] = 2}, .and_after = {[INJECT_MAP] = true}};
    struct os_workset_meter meter;

    (void)state;
    host_alloc_init(&alloc, &inject);
    os_workset_init(&meter, &alloc, 10);
    for (uint64_t vpn = 0; vpn < 100000; vpn++)
        os_workset_touch(&meter, 1, vpn);
    assert_in_range(meter.pages, 3000, 4095);
    os_workset_touch(&meter, 1, 5);
    os_workset_fini(&meter);
    assert_int_equal(alloc.mapped, 0);
}

/* arch/riscv/include/uapi/asm/{ucontext,sigcontext,ptrace}.h. */
static void
test_sigframe(void **state)
{
    (void)state;
    assert_int_equal(offsetof(struct os_siginfo, code), 8);
    assert_int_equal(offsetof(struct os_siginfo, addr), 16);
    assert_int_equal(offsetof(struct os_siginfo, sender.status), 24);
    assert_int_equal(offsetof(struct os_sigframe, uc), 128);
    assert_int_equal(offsetof(struct os_ucontext, stack), 16);
    assert_int_equal(offsetof(struct os_ucontext, sigmask), 40);
    assert_int_equal(offsetof(struct os_ucontext, mcontext), 176);
    assert_int_equal(offsetof(struct os_sigcontext, x), 8);
    assert_int_equal(offsetof(struct os_sigcontext, f), 256);
    assert_int_equal(offsetof(struct os_sigcontext, fcsr), 512);
    assert_int_equal(sizeof(struct os_sigframe), 1088);
    assert_int_equal(offsetof(struct os_stat_abi, size), 48);
    assert_int_equal(offsetof(struct os_stat_abi, mtime), 88);
}

static void
test_names(void **state)
{
    (void)state;
    assert_string_equal(os_syscall_name(64), "write");
    assert_string_equal(os_syscall_name(222), "mmap");
    assert_string_equal(os_syscall_name(435), "clone3");
    assert_string_equal(os_syscall_name(257), "unknown");
    assert_string_equal(os_syscall_name(100000), "unknown");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_distinct),
        cmocka_unit_test(test_merging),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_sigframe),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
