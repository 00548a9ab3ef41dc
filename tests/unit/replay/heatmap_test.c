/* SPDX-License-Identifier: BSD-2-Clause */
/* The heat map against sums over all references. */
#include "replay/heatmap.h"

#include <stdlib.h>

#include "host/host_mem.h"
#include "support/test.h"

#define PAGES 20000u
#define REFERENCES 50000u

/* Three processes; a low piece, a high one and pages all over the place. */
static void
rig_place(void *ctx, uint32_t page, uint32_t *process, uint64_t *va)
{
    uint64_t *asked = ctx;

    (*asked)++;
    *process = 1 + page % 3;
    *va = (page % 5 == 0      ? page
              : page % 5 == 1 ? UINT64_C(0x7ffffff00000) + page
                              : (uint64_t)page * 7919)
          << 12;
}

struct rig {
    struct base_alloc alloc;
    struct heatmap *map;
    struct policy_touch touch[REFERENCES];
    uint64_t asked;
};

/* Of the row's addresses, the references of column k. */
static uint64_t
rig_count(const struct rig *rig, const struct heatmap_row *row, unsigned k, uint64_t slice)
{
    uint64_t now = 0, count = 0, unused = 0;

    for (unsigned i = 0; i < REFERENCES; i++) {
        uint32_t process;
        uint64_t va;
        rig_place(&unused, rig->touch[i].page, &process, &va);
        if (now / slice == k && process == row->process && va - row->va < row->len)
            count += rig->touch[i].count;
        now += rig->touch[i].count;
    }
    return count;
}

static uint64_t
rig_total(const struct rig *rig)
{
    struct heatmap_row row;
    uint64_t total = 0;

    for (unsigned i = 0; heatmap_row(rig->map, i, &row); i++) {
        for (unsigned k = 0; k < HEATMAP_COLUMNS; k++)
            total += row.count[k];
    }
    return total;
}

static void
rows_are_sums(void **state)
{
    struct rig *rig = calloc(1, sizeof *rig);
    struct heatmap_row row, before = {0};
    struct base_rng rng;
    uint64_t slice, references = 0;
    unsigned rows = 0;
    (void)state;

    assert_non_null(rig);
    test_rng_init(&rng, 3);
    host_alloc_init(&rig->alloc, NULL);
    assert_int_equal(heatmap_create(&rig->alloc, 4096, rig_place, &rig->asked, &rig->map), PGW_OK);
    for (unsigned i = 0; i < REFERENCES; i++) {
        rig->touch[i].page = (uint32_t)base_rng_below(&rng, 1 + i * (uint64_t)PAGES / REFERENCES);
        rig->touch[i].count = (uint16_t)(1 + base_rng_below(&rng, 3));
        references += rig->touch[i].count;
    }
    for (unsigned i = 0; i < REFERENCES; i += 1000)
        assert_int_equal(heatmap_use(rig->map, &rig->touch[i], 1000, PAGES), PGW_OK);
    assert_true(rig->asked <= PAGES);
    assert_int_equal(rig_total(rig), references);
    heatmap_coarsen(rig->map, 40);
    assert_int_equal(rig_total(rig), references);
    assert_int_equal(heatmap_left_out(rig->map), 0);
    unsigned columns = heatmap_columns(rig->map, &slice);
    assert_true(columns > HEATMAP_COLUMNS / 2 && columns <= HEATMAP_COLUMNS);
    for (; heatmap_row(rig->map, rows, &row); rows++) {
        if (rows > 0)
            assert_true(row.process > before.process ||
                        (row.process == before.process && row.va >= before.va + before.len));
        before = row;
        for (unsigned k = 0; k < columns; k += 31)
            assert_int_equal(row.count[k], rig_count(rig, &row, k, slice));
    }
    assert_in_range(rows, 6, 40);
    heatmap_destroy(rig->map);
    assert_int_equal(rig->alloc.mapped, 0);
    free(rig);
}

/* A process a page: they cannot be added up, and what has no row is counted. */
static void
crowd_place(void *ctx, uint32_t page, uint32_t *process, uint64_t *va)
{
    (void)ctx;
    *process = page;
    *va = 0;
}

static void
too_many_processes_are_left_out(void **state)
{
    struct base_alloc alloc;
    struct heatmap *map;
    (void)state;

    host_alloc_init(&alloc, NULL);
    assert_int_equal(heatmap_create(&alloc, 4096, crowd_place, NULL, &map), PGW_OK);
    for (uint32_t i = 0; i < HEATMAP_TILES + 100; i++) {
        struct policy_touch touch = {.page = i, .count = 2};
        assert_int_equal(heatmap_use(map, &touch, 1, i + 1), PGW_OK);
    }
    assert_int_equal(heatmap_left_out(map), 200);
    heatmap_destroy(map);
    assert_int_equal(alloc.mapped, 0);
}

/* More processes than rows: each has a row, which is no larger than its addresses want. */
static void
pair_place(void *ctx, uint32_t page, uint32_t *process, uint64_t *va)
{
    (void)ctx;
    *process = page / 2;
    *va = page % 2 == 0 ? 0x10000 : UINT64_C(0x3ffffff000);
}

static void
rows_are_no_larger_than_one_a_process_wants(void **state)
{
    struct base_alloc alloc;
    struct heatmap *map;
    struct heatmap_row row;
    (void)state;

    host_alloc_init(&alloc, NULL);
    assert_int_equal(heatmap_create(&alloc, 4096, pair_place, NULL, &map), PGW_OK);
    for (uint32_t i = 0; i < 100; i++) {
        struct policy_touch touch = {.page = i, .count = 1};
        assert_int_equal(heatmap_use(map, &touch, 1, 100), PGW_OK);
    }
    heatmap_coarsen(map, 32);
    assert_false(heatmap_row(map, 50, &row));
    for (unsigned i = 0; i < 50; i++) {
        assert_true(heatmap_row(map, i, &row));
        assert_int_equal(row.process, i);
        assert_int_equal(row.len, UINT64_C(1) << 38);
    }
    heatmap_destroy(map);
    assert_int_equal(alloc.mapped, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_sums),
        cmocka_unit_test(too_many_processes_are_left_out),
        cmocka_unit_test(rows_are_no_larger_than_one_a_process_wants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
