/* SPDX-License-Identifier: BSD-2-Clause */
/* The loader's view of ELF headers: good ones, and one bad one of each kind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "os/elf.h"

#define SPACE_END ((uint64_t)1 << 38)
#define FILE_SIZE 0x3000u

/* A small good program: code at 0x10000, data with bss at 0x12010. */
struct image {
    unsigned char bytes[FILE_SIZE];
};

static void
put(unsigned char *at, uint64_t value, unsigned bytes)
{
    for (; bytes-- > 0; value >>= 8)
        *at++ = (unsigned char)value;
}

#define PH(i) (64u + 56u * (i))

static void
put_segment(struct image *im, unsigned i, uint32_t flags, uint64_t offset, uint64_t va,
    uint64_t filesz, uint64_t memsz)
{
    unsigned char *ph = im->bytes + PH(i);

    put(ph, 1, 4);
    put(ph + 4, flags, 4);
    put(ph + 8, offset, 8);
    put(ph + 16, va, 8);
    put(ph + 24, va, 8);
    put(ph + 32, filesz, 8);
    put(ph + 40, memsz, 8);
    put(ph + 48, 4096, 8);
}

static void
good(struct image *im)
{
    memset(im, 0, sizeof *im);
    memcpy(im->bytes, "\177ELF\2\1\1", 7);
    put(im->bytes + 16, 2, 2);
    put(im->bytes + 18, 243, 2);
    put(im->bytes + 20, 1, 4);
    put(im->bytes + 24, 0x10200, 8);
    put(im->bytes + 32, 64, 8);
    put(im->bytes + 48, 5, 4);
    put(im->bytes + 52, 64, 2);
    put(im->bytes + 54, 56, 2);
    put(im->bytes + 56, 2, 2);
    put_segment(im, 0, 5, 0, 0x10000, 0x1800, 0x1800);
    put_segment(im, 1, 6, 0x2010, 0x12010, 0x100, 0x5000);
}

static enum pgw_status
parse(const struct image *im, struct os_elf *out, const char **why)
{
    *why = "";
    return os_elf_parse(im->bytes, sizeof im->bytes, sizeof im->bytes, SPACE_END, out, why);
}

static void
refused(const struct image *im, const char *word)
{
    struct os_elf out;
    const char *why;

    assert_int_equal(parse(im, &out, &why), PGW_NOEXEC);
    if (strstr(why, word) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", why, word);
    assert_null(strchr(why, '\n'));
}

static void
test_good(void **state)
{
    struct image im;
    struct os_elf out;
    const char *why;

    (void)state;
    good(&im);
    assert_int_equal(parse(&im, &out, &why), PGW_OK);
    assert_int_equal(out.nsegments, 2);
    assert_int_equal(out.entry, 0x10200);
    assert_int_equal(out.phdr, 0x10040);
    assert_int_equal(out.end, 0x18000);
    assert_int_equal(out.segments[0].prot, PROT_MASK_R | PROT_MASK_X);
    assert_int_equal(out.segments[1].prot, PROT_MASK_R | PROT_MASK_W);
    assert_false(out.pie);
}

static void
test_pie_is_placed(void **state)
{
    struct image im;
    struct os_elf out;
    const char *why;

    (void)state;
    good(&im);
    put(im.bytes + 16, 3, 2);
    assert_int_equal(parse(&im, &out, &why), PGW_OK);
    assert_true(out.pie);
    assert_int_equal(out.bias, 0);
    assert_int_equal(out.start, 0x10000);
    os_elf_place(&out, 0x2aaaa00000);
    assert_int_equal(out.bias, 0x2aaaa00000);
    assert_int_equal(out.entry, 0x2aaaa10200);
    assert_int_equal(out.phdr, 0x2aaaa10040);
    assert_int_equal(out.start, 0x2aaaa10000);
    assert_int_equal(out.end, 0x2aaaa18000);
    assert_int_equal(out.segments[0].va, 0x2aaaa10000);
    assert_int_equal(out.segments[1].va, 0x2aaaa12010);
    assert_int_equal(out.segments[1].offset, 0x2010);
}

static void
put_interp(struct image *im, unsigned i, uint64_t offset, uint64_t len)
{
    memset(im->bytes + PH(i), 0, 56);
    put(im->bytes + PH(i), 3, 4);
    put(im->bytes + PH(i) + 8, offset, 8);
    put(im->bytes + PH(i) + 32, len, 8);
    put(im->bytes + PH(i) + 40, len, 8);
    put(im->bytes + 56, i + 1, 2);
}

static void
test_interpreter_is_named(void **state)
{
    struct image im;
    struct os_elf out;
    const char *why;

    (void)state;
    good(&im);
    assert_int_equal(parse(&im, &out, &why), PGW_OK);
    assert_int_equal(out.interp_len, 0);
    put_interp(&im, 2, 0x180, 33);
    assert_int_equal(parse(&im, &out, &why), PGW_OK);
    assert_int_equal(out.interp_offset, 0x180);
    assert_int_equal(out.interp_len, 33);
    assert_int_equal(out.nsegments, 2);
    put_interp(&im, 2, FILE_SIZE - 10, 10);
    assert_int_equal(parse(&im, &out, &why), PGW_OK);
    put_interp(&im, 3, 0x180, 33);
    refused(&im, "two interpreters");
}

/* A place or length that no path can have. */
static void
test_bad_interpreters(void **state)
{
    static const struct {
        uint64_t offset, len;
        const char *word;
    } bad[] = {
        {0x180, 0, "length"},
        {0x180, 1, "length"},
        {0x180, 4097, "length"},
        {0x180, UINT64_MAX, "cut short"},
        {FILE_SIZE - 9, 10, "cut short"},
        {FILE_SIZE + 1, 10, "cut short"},
        {UINT64_MAX - 4, 10, "cut short"},
    };
    struct image im;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        good(&im);
        put_interp(&im, 2, bad[i].offset, bad[i].len);
        refused(&im, bad[i].word);
    }
}

static void
test_segments_are_sorted(void **state)
{
    struct image im;
    struct os_elf out;
    const char *why;

    (void)state;
    good(&im);
    put_segment(&im, 0, 6, 0x2010, 0x12010, 0x100, 0x5000);
    put_segment(&im, 1, 5, 0, 0x10000, 0x1800, 0x1800);
    assert_int_equal(parse(&im, &out, &why), PGW_OK);
    assert_int_equal(out.segments[0].va, 0x10000);
}

/* A change of a few bytes, and a word of the reason it must give. */
struct damage {
    unsigned at, bytes;
    uint64_t value;
    const char *word;
};

static const struct damage damages[] = {
    {1, 1, 'X', "not an ELF"},
    {4, 1, 1, "32-bit"},
    {4, 1, 7, "damaged"},
    {5, 1, 2, "big-endian"},
    {6, 1, 9, "damaged"},
    {18, 2, 62, "host programs are not run yet: this version runs riscv64 programs"},
    {18, 2, 8, "another machine"},
    {48, 4, 8, "RV64E"},
    {48, 4, 6, "quad"},
    {16, 2, 1, "object file"},
    {16, 2, 4, "core dump"},
    {16, 2, 77, "type"},
    {24, 8, 0, "entry"},
    {24, 8, 0x10201, "odd"},
    {24, 8, 0x12010, "entry"},
    {24, 8, UINT64_MAX - 1, "entry"},
    {32, 8, FILE_SIZE - 8, "cut short"},
    {32, 8, UINT64_MAX - 4, "cut short"},
    {54, 2, 32, "program header"},
    {56, 2, 0, "no program headers"},
    {56, 2, 65, "too many"},
    {56, 2, 65535, "too many"},
    {PH(0), 4, 3, "interpreter"},
    {PH(1) + 8, 8, FILE_SIZE + 0x10, "outside the file"},
    {PH(1) + 8, 8, UINT64_MAX - 0xfef, "outside the file"},
    {PH(1) + 8, 8, 0x2020, "misaligned"},
    {PH(1) + 16, 8, UINT64_MAX - 0xfef, "overflow"},
    {PH(1) + 16, 8, SPACE_END + 0x10, "beyond the end"},
    {PH(1) + 16, 8, SPACE_END - 0xff0, "beyond the end"},
    {PH(1) + 16, 8, 0xffffffc000000010, "beyond the end"},
    {PH(1) + 16, 8, 0xf010, "overlap"},
    {PH(1) + 16, 8, 0x11010, "overlap"},
    {PH(0) + 40, 8, 0x2008, "share a page"},
    {PH(1) + 32, 8, 0x5001, "more bytes"},
    {PH(1) + 40, 8, 0xff, "more bytes"},
    {PH(1) + 40, 8, UINT64_MAX, "overflow"},
    {PH(0) + 4, 4, 4, "executable"},
};

static void
test_damage(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        struct image im;

        good(&im);
        put(im.bytes + damages[i].at, damages[i].value, damages[i].bytes);
        refused(&im, damages[i].word);
    }
}

static void
test_nothing_to_load(void **state)
{
    struct image im;

    (void)state;
    good(&im);
    put(im.bytes + PH(0), 4, 4);
    put(im.bytes + PH(1), 4, 4);
    refused(&im, "no loadable segment");
}

/* A file that ends before its headers or segments do is refused, wherever it ends. */
static void
test_truncated(void **state)
{
    struct image im;
    struct os_elf out;
    const char *why;

    (void)state;
    good(&im);
    for (size_t len = 0; len < 0x2110; len++) {
        why = NULL;
        assert_int_equal(os_elf_parse(im.bytes, len, len, SPACE_END, &out, &why), PGW_NOEXEC);
        assert_non_null(why);
    }
    assert_int_equal(os_elf_parse(im.bytes, 0x2110, 0x2110, SPACE_END, &out, &why), PGW_OK);
}

/* What was read may be less than the file, as long as it holds the headers. */
static void
test_head_only(void **state)
{
    struct image im;
    struct os_elf out;
    const char *why;

    (void)state;
    good(&im);
    assert_int_equal(os_elf_parse(im.bytes, PH(2), FILE_SIZE, SPACE_END, &out, &why), PGW_OK);
    assert_int_equal(
        os_elf_parse(im.bytes, PH(2) - 1, FILE_SIZE, SPACE_END, &out, &why), PGW_NOEXEC);
    assert_non_null(strstr(why, "too far"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_pie_is_placed),
        cmocka_unit_test(test_interpreter_is_named),
        cmocka_unit_test(test_bad_interpreters),
        cmocka_unit_test(test_segments_are_sorted),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_nothing_to_load),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_head_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
