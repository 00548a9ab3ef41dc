/* SPDX-License-Identifier: BSD-2-Clause */
/* Rendering traces that a machine seldom leaves, and the names of bits. */
#include "api/explain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/size.h"

/* Every bit that a format gives a meaning has a name, wherever it stands. */
static void
all_bits_have_names(void **state)
{
    (void)state;
    for (size_t i = 0; mmu_formats[i] != NULL; i++) {
        const struct mmu_format *format = mmu_formats[i];
        const struct explain_names *names = explain_names_of(format);
        for (unsigned level = 0; level < format->levels; level++) {
            const struct mmu_level *l = &format->level[level];
            uint64_t leaf = format->right[0].mask | format->right[1].mask | format->right[2].mask |
                            format->user.mask | format->global.mask | format->accessed.mask |
                            format->dirty.mask | format->leaf_bad.mask | format->run.mask |
                            format->also_writable.mask | l->leaf_type.mask | l->valid.mask;
            uint64_t table = l->table_type.mask | l->table_user.mask | l->table_right[0].mask |
                             l->table_right[1].mask | l->table_right[2].mask | l->valid.mask |
                             l->table_accessed.mask | l->table_global.mask;
            char text[400];
            if (level < format->levels - 1)
                leaf &= ~format->run.mask;
            explain_mask(explain_bits_of(names, format, level, false), leaf, text, sizeof text);
            if (l->leaf && strstr(text, "bit") != NULL)
                fail_msg("%s, level %u: %s", format->name, level, text);
            explain_mask(explain_bits_of(names, format, level, true), table, text, sizeof text);
            if (l->table && strstr(text, "bit") != NULL)
                fail_msg("%s, level %u, table: %s", format->name, level, text);
        }
        assert_non_null(names->level[format->levels - 1]);
        assert_non_null(names->index[format->levels - 1]);
    }
}

static void
masks(void **state)
{
    static const struct explain_bit bits[] = {
        {0, 0, "V", "valid"}, {4, 6, "C", "memory"}, {63, 63, "N", "last"}, {0}};
    char text[EXPLAIN_BITS_LEN], little[8];

    (void)state;
    assert_string_equal(explain_mask(bits, 0, text, sizeof text), "");
    assert_string_equal(explain_mask(bits, 1, text, sizeof text), "V(0)");
    assert_string_equal(explain_mask(bits, 0x8000000000000f21, text, sizeof text),
        "V(0), C(6-4), N(63), bits 11-8");
    assert_string_equal(explain_mask(bits, 0x4000000000000002, text, sizeof text), "bit 1, bit 62");
    assert_string_equal(explain_mask(bits, 0x8000000000000001, little, sizeof little), "V(0), N");
    assert_string_equal(explain_mask(bits + 3, UINT64_MAX, text, sizeof text), "bits 63-0");
}

static void
figures(void **state)
{
    char size[EXPLAIN_SIZE_LEN], both[EXPLAIN_BOTH_LEN], prot[EXPLAIN_PROT_LEN];
    const struct explain_field all = {63, 0, "all"}, low = {11, 0, "low"}, top = {63, 63, "top"};

    (void)state;
    assert_string_equal(explain_size(12, size), "4 KiB");
    assert_string_equal(explain_size(21, size), "2 MiB");
    assert_string_equal(explain_size(30, size), "1 GiB");
    assert_string_equal(explain_size(48, size), "256 TiB");
    assert_string_equal(
        explain_both(true, UINT64_MAX, both), "18446744073709551615 = 0xffffffffffffffff");
    assert_string_equal(explain_both(false, 16, both), "0x10 = 16");
    assert_string_equal(explain_prot(PROT_MASK_R | PROT_MASK_X, prot), "r-x");
    assert_int_equal(explain_field_value(&all, 0xfedcba9876543210), 0xfedcba9876543210);
    assert_int_equal(explain_field_value(&low, 0xfedcba9876543210), 0x210);
    assert_int_equal(explain_field_value(&top, 0xfedcba9876543210), 1);
}

/* An entry on disk is not valid, holds the slot, and is not taken for anything else. */
static void
slots(void **state)
{
    (void)state;
    for (size_t i = 0; mmu_formats[i] != NULL; i++) {
        const struct mmu_format *format = mmu_formats[i];
        unsigned last = format->levels - 1;
        uint64_t pte = 0, slot = 0;
        static const uint64_t tried[] = {0, 1, 7, 0xfffff};
        for (size_t n = 0; n < 4; n++) {
            assert_true(explain_slot_entry(format, last, tried[n], &pte));
            assert_false(mmu_pte_valid(format, last, pte));
            assert_true(explain_entry_slot(format, last, pte, &slot));
            assert_int_equal(slot, tried[n]);
        }
        assert_false(explain_slot_entry(format, last, UINT64_MAX, &pte));
        assert_false(explain_entry_slot(format, last, 0, &slot));
        assert_false(explain_entry_slot(
            format, last, mmu_pte_leaf(format, last, 5, PROT_MASK_ALL, true), &slot));
    }
}

static void
expect(const struct explain *explain, const char *line)
{
    char *text = NULL, *json = NULL;

    assert_int_equal(explain_text(explain, &text), PGW_OK);
    if (strstr(text, line) == NULL)
        fail_msg("no \"%s\" in\n%s", line, text);
    assert_int_equal(explain_json(explain, &json), PGW_OK);
    free(text);
    free(json);
}

static void
seldom_traces(void **state)
{
    const struct registry_mmu *sv39 = registry_mmu_named("sv39"),
                              *hashed = registry_mmu_named("hashed"),
                              *bounds = registry_mmu_named("base-bounds");
    const struct mmu_segment_registers registers = {
        .n = 1, .shift = 64, .seg = {{.base = 0x4000, .limit = 0x1000, .prot = PROT_MASK_ALL}}};
    struct mmu_trace trace = {0};
    struct explain explain = {.row = sv39, .va = 0x2150, .trace = &trace, .registers = &registers};

    (void)state;
    struct mmu_step *step = mmu_trace_add(&trace, MMU_STEP_PWC);
    step->level = 2;
    step->value = 0x80002;
    expect(&explain, "walk cache the walk begins at level 0: its table is in frame 0x80002");

    trace = (struct mmu_trace){.fault = MMU_BUS};
    expect(&explain, "no such RAM: the table or the page lies outside RAM");
    trace.fault = MMU_NOT_PRESENT;
    expect(&explain, "not present: there is no mapping");

    explain.row = hashed;
    trace.fault = MMU_MALFORMED;
    expect(&explain, "malformed: the register describes no table");
    (void)mmu_trace_add(&trace, MMU_STEP_HASH);
    expect(&explain, "malformed: the chain leads out of the table or in a circle");

    explain.row = bounds;
    trace = (struct mmu_trace){.fault = MMU_NOT_PRESENT};
    (void)mmu_trace_add(&trace, MMU_STEP_SEGMENT);
    expect(&explain, "register   0: origin 0x0, base 0x4000, limit 0x1000, rwx, not in RAM");
    expect(&explain, "not present: segment register 0 says that the segment is not in RAM");
    trace.fault = MMU_BUS;
    expect(&explain, "no such RAM: there is no RAM at that physical address");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_bits_have_names),
        cmocka_unit_test(masks),
        cmocka_unit_test(figures),
        cmocka_unit_test(slots),
        cmocka_unit_test(seldom_traces),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
