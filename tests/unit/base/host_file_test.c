/* SPDX-License-Identifier: BSD-2-Clause */
#include "host/host_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/size.h"
#include "support/test.h"
#include "support/test_env.h"

static void
file_temp(struct host_file *file, struct base_inject *inject)
{
    enum pgw_status status = host_file_temp(inject, file);

    assert_int_equal(status, PGW_OK);
}

static void
test_temp_is_nameless(void **state)
{
    struct host_file file;
    struct stat st;
    uint64_t bytes = 99;

    (void)state;
    file_temp(&file, NULL);
    assert_int_equal(fstat(file.fd, &st), 0);
    assert_int_equal(st.st_nlink, 0);
    assert_int_equal(st.st_mode & 077, 0);
    assert_true(fcntl(file.fd, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(host_file_size(&file, &bytes), PGW_OK);
    assert_int_equal(bytes, 0);
    host_file_close(&file);
    assert_int_equal(file.fd, -1);
    host_file_close(&file);
}

/* $TMPDIR is where it goes, and a useless one is passed over. */
static void
test_temp_dir(void **state)
{
    const char *before = getenv("TMPDIR");
    char *saved = before == NULL ? NULL : strdup(before);
    struct host_file file;

    (void)state;
    setenv("TMPDIR", "/nowhere/at/all", 1);
    file_temp(&file, NULL);
    host_file_close(&file);
    if (saved != NULL)
        setenv("TMPDIR", saved, 1);
    else
        unsetenv("TMPDIR");
    free(saved);
}

static void
test_create(void **state)
{
    char dir[] = "/tmp/pgw-test-XXXXXX";
    char path[64];
    struct host_file file = {.fd = -1};

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/swap", dir);
    assert_int_equal(host_file_create(path, NULL, &file), PGW_OK);
    assert_int_equal(host_file_write(&file, "abc", 3, 0), PGW_OK);
    host_file_close(&file);

    char back[3];
    assert_int_equal(host_file_create(path, NULL, &file), PGW_OK);
    assert_int_equal(host_file_read(&file, back, 3, 0), PGW_OK);
    assert_memory_equal(back, "abc", 3);
    host_file_close(&file);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir), 0);

    assert_int_equal(host_file_create(path, NULL, &file), PGW_NOTFOUND);
    assert_int_equal(host_file_create("/dev/null/x", NULL, &file), PGW_NOTFOUND);
    assert_int_equal(host_file_create("/", NULL, &file), PGW_IO);
    assert_int_equal(file.fd, -1);
}

/* The duplicate works after the original is closed, and does not move its position. */
static void
test_adopt(void **state)
{
    struct host_file file;
    struct host_file copy;
    char back[4];
    uint64_t bytes;

    (void)state;
    file_temp(&file, NULL);
    assert_int_equal(host_file_write(&file, "wxyz", 4, 0), PGW_OK);
    assert_int_equal(lseek(file.fd, 2, SEEK_SET), 2);
    assert_int_equal(host_file_adopt(file.fd, NULL, &copy), PGW_OK);
    assert_int_not_equal(copy.fd, file.fd);
    assert_int_equal(host_file_size(&copy, &bytes), PGW_OK);
    assert_int_equal(bytes, 4);
    assert_int_equal(host_file_read(&copy, back, 4, 0), PGW_OK);
    assert_int_equal(lseek(file.fd, 0, SEEK_CUR), 2);
    host_file_close(&file);
    assert_int_equal(host_file_read(&copy, back, 4, 0), PGW_OK);
    assert_memory_equal(back, "wxyz", 4);
    host_file_close(&copy);
    assert_int_equal(host_file_adopt(-1, NULL, &copy), PGW_IO);
}

/* What lies past the end reads as zeros, wherever in the buffers the end falls. */
static void
test_past_the_end(void **state)
{
    unsigned char a[PAGE_SIZE];
    unsigned char b[PAGE_SIZE];
    unsigned char c[PAGE_SIZE];
    unsigned char expected[PAGE_SIZE];
    void *bufs[] = {a, b, c};
    struct host_file file;

    (void)state;
    for (uint64_t size = 0; size <= 3 * PAGE_SIZE; size += 1024) {
        file_temp(&file, NULL);
        test_page_fill(expected, 5);
        for (uint64_t at = 0; at < size; at += 1024)
            assert_int_equal(host_file_write(&file, expected + at % PAGE_SIZE, 1024, at), PGW_OK);
        memset(a, 0xee, sizeof(a));
        memset(b, 0xee, sizeof(b));
        memset(c, 0xee, sizeof(c));
        assert_int_equal(host_file_read_pages(&file, bufs, 3, 0), PGW_OK);
        for (uint64_t i = 0; i < 3; i++) {
            uint64_t start = i * PAGE_SIZE;
            size_t here = size <= start ? 0 : size - start > PAGE_SIZE ? PAGE_SIZE : size - start;
            assert_memory_equal(bufs[i], expected, here);
            for (size_t k = here; k < PAGE_SIZE; k++)
                assert_int_equal(((unsigned char *)bufs[i])[k], 0);
        }
        memset(a, 0xee, sizeof(a));
        assert_int_equal(host_file_read(&file, a, PAGE_SIZE, size + 100), PGW_OK);
        test_page_expect_zero(a);
        host_file_close(&file);
    }
}

static void
test_runs(void **state)
{
    static unsigned char page[16][PAGE_SIZE];
    void *bufs[16];
    struct host_file file;

    (void)state;
    file_temp(&file, NULL);
    for (unsigned i = 0; i < 16; i++) {
        bufs[15 - i] = page[i];
        test_page_fill(page[i], i);
    }
    assert_int_equal(host_file_write_pages(&file, bufs, 16, 3 * PAGE_SIZE), PGW_OK);
    memset(page, 0, sizeof(page));
    assert_int_equal(host_file_read_pages(&file, bufs, 16, 3 * PAGE_SIZE), PGW_OK);
    for (unsigned i = 0; i < 16; i++)
        test_page_expect(page[i], i);
    assert_int_equal(host_file_read(&file, page[0], PAGE_SIZE, 4 * PAGE_SIZE), PGW_OK);
    test_page_expect(page[0], 14);
    host_file_punch(&file, 4 * PAGE_SIZE, PAGE_SIZE);
    assert_int_equal(host_file_read(&file, page[0], PAGE_SIZE, 5 * PAGE_SIZE), PGW_OK);
    test_page_expect(page[0], 13);
    assert_int_equal(host_file_read_pages(&file, bufs, 0, 0), PGW_OK);
    assert_int_equal(host_file_write(&file, "", 0, 0), PGW_OK);
    host_file_close(&file);
}

static void
test_injected(void **state)
{
    struct base_inject inject = {.fail_at = {[INJECT_READ] = 2, [INJECT_WRITE] = 2}};
    struct host_file file;
    char back = 0;

    (void)state;
    file_temp(&file, &inject);
    assert_int_equal(host_file_write(&file, "a", 1, 0), PGW_OK);
    assert_int_equal(host_file_write(&file, "b", 1, 0), PGW_IO);
    assert_int_equal(host_file_read(&file, &back, 1, 0), PGW_OK);
    assert_int_equal(back, 'a');
    assert_int_equal(host_file_read(&file, &back, 1, 0), PGW_IO);
    assert_int_equal(host_file_read(&file, &back, 1, 0), PGW_OK);
    assert_int_equal(host_file_write(&file, "b", 1, 0), PGW_OK);
    host_file_close(&file);
}

static void
test_device_full(void **state)
{
    struct host_file file;
    unsigned char page[PAGE_SIZE] = {1};
    void *bufs[] = {page, page};

    (void)state;
    assert_int_equal(host_file_create("/dev/full", NULL, &file), PGW_OK);
    assert_int_equal(host_file_write(&file, page, sizeof(page), 0), PGW_NOSWAP);
    assert_int_equal(host_file_write_pages(&file, bufs, 2, 0), PGW_NOSWAP);
    host_file_close(&file);
}

/* A limit on the size of files is a full disk too, and no signal ends the process. */
static void
test_size_limit(void **state)
{
    struct rlimit before;
    struct rlimit small;
    struct host_file file;
    unsigned char page[PAGE_SIZE] = {1};

    (void)state;
    file_temp(&file, NULL);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 2 * PAGE_SIZE;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    enum pgw_status fits = host_file_write(&file, page, PAGE_SIZE, PAGE_SIZE);
    enum pgw_status past = host_file_write(&file, page, PAGE_SIZE, 2 * PAGE_SIZE);
    enum pgw_status across = host_file_write(&file, page, PAGE_SIZE, PAGE_SIZE + 1);
    enum pgw_status longer = host_file_resize(&file, 3 * PAGE_SIZE);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(fits, PGW_OK);
    assert_int_equal(past, PGW_NOSWAP);
    assert_int_equal(across, PGW_NOSWAP);
    assert_int_equal(longer, PGW_NOSWAP);
    host_file_close(&file);
}

static void
test_resize(void **state)
{
    struct host_file file;
    uint64_t bytes;
    char c = 1;

    (void)state;
    file_temp(&file, NULL);
    assert_int_equal(host_file_resize(&file, UINT64_C(1) << 40), PGW_OK);
    assert_int_equal(host_file_size(&file, &bytes), PGW_OK);
    assert_int_equal(bytes, UINT64_C(1) << 40);
    assert_int_equal(host_file_read(&file, &c, 1, (UINT64_C(1) << 40) - 1), PGW_OK);
    assert_int_equal(c, 0);
    assert_int_equal(host_file_resize(&file, 10), PGW_OK);
    assert_int_equal(host_file_size(&file, &bytes), PGW_OK);
    assert_int_equal(bytes, 10);
    assert_int_equal(host_file_resize(&file, UINT64_MAX), PGW_RANGE);
    host_file_close(&file);
}

static void
test_broken_device(void **state)
{
    struct host_file file;
    uint64_t bytes = 99;
    char c = 0;

    (void)state;
    file_temp(&file, NULL);
    close(file.fd);
    assert_int_equal(host_file_read(&file, &c, 1, 0), PGW_IO);
    assert_int_equal(host_file_write(&file, &c, 1, 0), PGW_IO);
    assert_int_equal(host_file_size(&file, &bytes), PGW_IO);
    assert_int_equal(host_file_resize(&file, 0), PGW_IO);
    assert_int_equal(bytes, 99);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_temp_is_nameless),
        cmocka_unit_test(test_temp_dir),
        cmocka_unit_test(test_create),
        cmocka_unit_test(test_adopt),
        cmocka_unit_test(test_past_the_end),
        cmocka_unit_test(test_runs),
        cmocka_unit_test(test_injected),
        cmocka_unit_test(test_device_full),
        cmocka_unit_test(test_size_limit),
        cmocka_unit_test(test_resize),
        cmocka_unit_test(test_broken_device),
    };

    return cmocka_run_group_tests_name("host_file", tests, NULL, NULL);
}
