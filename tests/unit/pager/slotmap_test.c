/* SPDX-License-Identifier: BSD-2-Clause */
/* The slot map: where slots go, what records cost, and what failing to get one does. */
#include "pager/slotmap.h"

#include <stdlib.h>
#include <string.h>

#include "host/host_mem.h"
#include "support/test.h"

#define RUN 16u

struct rig {
    struct base_inject inject;
    struct base_alloc alloc;
    struct slotmap map;
};

static void
rig_init(struct rig *rig, uint64_t nslots)
{
    memset(rig, 0, sizeof *rig);
    host_alloc_init(&rig->alloc, &rig->inject);
    assert_int_equal(slotmap_init(&rig->map, &rig->alloc, nslots), PGW_OK);
}

static void
rig_fini(struct rig *rig)
{
    assert_true(slotmap_check(&rig->map));
    slotmap_fini(&rig->map);
    assert_int_equal(rig->alloc.mapped, 0);
}

static unsigned
runs_in(const uint64_t *slots, unsigned n)
{
    unsigned runs = 1;
    for (unsigned i = 1; i < n; i++)
        runs += slots[i] != slots[i - 1] + 1;
    return runs;
}

/* A device that ends early, at any point, and has its size again later. */
static void
shrinks_and_grows(void **state)
{
    (void)state;
    for (uint64_t n = 0; n < 3 * SLOTMAP_CHUNK_SLOTS; n++) {
        struct rig rig;
        uint64_t slot, taken[3 * SLOTMAP_CHUNK_SLOTS];
        rig_init(&rig, 4 * SLOTMAP_CHUNK_SLOTS - 5);
        for (uint64_t i = 0; i < n; i++)
            assert_int_equal(slotmap_take(&rig.map, 1, &taken[i]), PGW_OK);
        slotmap_shrink(&rig.map);
        assert_true(slotmap_check(&rig.map));
        assert_int_equal(rig.map.nslots, n > 0 ? n : 1);
        uint64_t two[2];
        assert_int_equal(slotmap_take(&rig.map, 2, two), PGW_NOSWAP);
        if (n > 1) { /* what is freed can be taken again */
            slotmap_free(&rig.map, taken[n / 2]);
            assert_int_equal(slotmap_take(&rig.map, 1, &slot), PGW_OK);
            assert_int_equal(slot, taken[n / 2]);
        }
        slotmap_grow(&rig.map, 4 * SLOTMAP_CHUNK_SLOTS - 5);
        assert_true(slotmap_check(&rig.map));
        while (slotmap_take(&rig.map, 1, &slot) == PGW_OK)
            assert_true(slot >= n && slot < 4 * SLOTMAP_CHUNK_SLOTS - 5);
        assert_int_equal(rig.map.used, 4 * SLOTMAP_CHUNK_SLOTS - 5);
        for (slot = 0; slot < 4 * SLOTMAP_CHUNK_SLOTS - 5; slot++)
            slotmap_free(&rig.map, slot);
        rig_fini(&rig);
    }
}

/* Page-outs one after another, on a device that has room, are one sequential write. */
static void
takes_are_sequential(void **state)
{
    struct rig rig;
    uint64_t slots[RUN];
    uint64_t expected = 0;
    (void)state;
    rig_init(&rig, 100000);
    for (unsigned i = 0; i < 1000; i++) {
        assert_int_equal(slotmap_take(&rig.map, RUN, slots), PGW_OK);
        assert_int_equal(runs_in(slots, RUN), 1);
        assert_int_equal(slots[0], expected);
        expected += RUN;
    }
    rig_fini(&rig);
}

/* A device of any size costs next to nothing; used slots cost what the head of slotmap.c says. */
static void
records_grow_with_use(void **state)
{
    struct rig rig;
    uint64_t slots[RUN];
    (void)state;
    rig_init(&rig, (uint64_t)1 << 40);
    assert_true(rig.alloc.mapped <= 2 * 4096);
    const uint64_t points[] = {1000, 10000, 100000};
    for (unsigned p = 0; p < 3; p++) {
        while (rig.map.used < points[p])
            assert_int_equal(slotmap_take(&rig.map, RUN, slots), PGW_OK);
        print_message("%lu slots: %.2f bytes a slot\n", (unsigned long)rig.map.used,
            (double)rig.alloc.mapped / (double)rig.map.used);
        assert_true(rig.alloc.mapped <= 2 * 4096 + 10 * rig.map.used);
    }
    rig_fini(&rig);
}

/* Random frees and takes at a constant number of used slots: records do not creep over the device.
 */
static void
fragmentation_is_bounded(void **state)
{
    enum { HELD = 8192, OPS = 200000 };
    struct rig rig;
    struct base_rng rng;
    uint64_t *held = calloc(HELD, sizeof *held);
    (void)state;
    assert_non_null(held);
    test_rng_init(&rng, 1);
    rig_init(&rig, HELD * 16);
    for (unsigned i = 0; i < HELD; i += RUN)
        assert_int_equal(slotmap_take(&rig.map, RUN, held + i), PGW_OK);
    for (uint64_t i = test_rounds(OPS); i > 0; i--) {
        uint64_t at[RUN];
        uint64_t slots[RUN];
        for (unsigned j = 0; j < RUN; j++) { /* distinct: one from each sixteenth */
            at[j] = base_rng_below(&rng, HELD / RUN) * RUN + j;
            slotmap_free(&rig.map, held[at[j]]);
        }
        assert_int_equal(slotmap_take(&rig.map, RUN, slots), PGW_OK);
        for (unsigned j = 0; j < RUN; j++)
            held[at[j]] = slots[j];
    }
    assert_int_equal(rig.map.used, HELD);
    /* Half used at the least, but for the chunk being filled. */
    assert_true((rig.map.chunks - 1) * SLOTMAP_CHUNK_SLOTS <= 2 * (HELD + RUN));
    print_message("%u slots held: %lu records\n", (unsigned)HELD, (unsigned long)rig.map.chunks);
    for (unsigned i = 0; i < HELD; i++)
        slotmap_free(&rig.map, held[i]);
    assert_true(rig.map.chunks <= 1);
    free(held);
    rig_fini(&rig);
}

/* Sizes around those of a chunk: every slot can be had, once, and no other. */
static void
every_slot_once(void **state)
{
    const uint64_t sizes[] = {1, 2, 15, 16, 63, 64, 65, 127, 128, 129, 1000};
    (void)state;
    for (unsigned s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        struct rig rig;
        bool seen[1000] = {false};
        uint64_t slots[RUN];
        rig_init(&rig, sizes[s]);
        for (uint64_t left = sizes[s]; left > 0;) {
            unsigned n = left < RUN ? (unsigned)left : RUN;
            assert_int_equal(slotmap_take(&rig.map, n, slots), PGW_OK);
            for (unsigned i = 0; i < n; i++) {
                assert_true(slots[i] < sizes[s]);
                assert_false(seen[slots[i]]);
                seen[slots[i]] = true;
            }
            left -= n;
            assert_true(slotmap_check(&rig.map));
        }
        assert_int_equal(slotmap_take(&rig.map, 1, slots), PGW_NOSWAP);
        rig_fini(&rig);
    }
}

/* One run is taken where there is one, though shorter holes come first. */
static void
one_run_is_preferred(void **state)
{
    struct rig rig;
    uint64_t slots[SLOTMAP_CHUNK_SLOTS];
    (void)state;
    rig_init(&rig, SLOTMAP_CHUNK_SLOTS);
    assert_int_equal(slotmap_take(&rig.map, SLOTMAP_CHUNK_SLOTS, slots), PGW_OK);
    slotmap_free(&rig.map, 3);
    slotmap_free(&rig.map, 10);
    slotmap_free(&rig.map, 11);
    for (uint64_t slot = 30; slot < 34; slot++)
        slotmap_free(&rig.map, slot);
    assert_int_equal(slotmap_take(&rig.map, 4, slots), PGW_OK);
    assert_int_equal(slots[0], 30);
    assert_int_equal(runs_in(slots, 4), 1);
    /* No run of three is left: shorter ones do. */
    assert_int_equal(slotmap_take(&rig.map, 3, slots), PGW_OK);
    assert_int_equal(slots[0], 3);
    assert_int_equal(slots[1], 10);
    assert_int_equal(slots[2], 11);
    rig_fini(&rig);
}

static void
sums_belong_to_taken_slots(void **state)
{
    struct rig rig;
    uint64_t slots[2];
    uint64_t sum = 7;
    (void)state;
    rig_init(&rig, 100);
    assert_int_equal(slotmap_get_sum(&rig.map, 0, &sum), PGW_NOTFOUND);
    assert_int_equal(sum, 7);
    assert_int_equal(slotmap_take(&rig.map, 2, slots), PGW_OK);
    slotmap_set_sum(&rig.map, slots[0], 11);
    slotmap_set_sum(&rig.map, slots[1], UINT64_MAX);
    assert_int_equal(slotmap_get_sum(&rig.map, slots[0], &sum), PGW_OK);
    assert_int_equal(sum, 11);
    assert_int_equal(slotmap_get_sum(&rig.map, slots[1], &sum), PGW_OK);
    assert_int_equal(sum, UINT64_MAX);
    slotmap_free(&rig.map, slots[1]);
    assert_int_equal(slotmap_get_sum(&rig.map, slots[1], &sum), PGW_NOTFOUND);
    assert_int_equal(slotmap_get_sum(&rig.map, 100, &sum), PGW_NOTFOUND);
    rig_fini(&rig);
}

/* Without memory for new records, the free slots of those that exist still serve. */
static void
old_records_serve_when_memory_is_out(void **state)
{
    struct rig rig;
    uint64_t slots[SLOTMAP_CHUNK_SLOTS];
    uint64_t more[SLOTMAP_CHUNK_SLOTS];
    (void)state;
    rig_init(&rig, 100000);
    assert_int_equal(slotmap_take(&rig.map, 50, slots), PGW_OK);
    rig.inject.fail_at[INJECT_MAP] = 1;
    rig.inject.and_after[INJECT_MAP] = true;
    unsigned n = 0;
    while (slotmap_take(&rig.map, 10, more) == PGW_OK)
        n += 10;
    assert_true(n >= 10); /* 14 were free in the first record alone */
    uint64_t used = rig.map.used;
    assert_int_equal(slotmap_take(&rig.map, 10, more), PGW_NOMEM);
    assert_int_equal(rig.map.used, used); /* all or none */
    assert_true(slotmap_check(&rig.map));
    rig.inject.fail_at[INJECT_MAP] = 0;
    assert_int_equal(slotmap_take(&rig.map, 10, more), PGW_OK);
    rig_fini(&rig);
}

static void
free_twice(void *ctx)
{
    struct rig *rig = ctx;
    slotmap_free(&rig->map, 0);
    slotmap_free(&rig->map, 0);
}

static void
freeing_twice_stops(void **state)
{
    struct rig rig;
    uint64_t slot;
    (void)state;
    rig_init(&rig, 10);
    assert_int_equal(slotmap_take(&rig.map, 1, &slot), PGW_OK);
    assert_true(test_dies(free_twice, &rig));
    rig_fini(&rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shrinks_and_grows),
        cmocka_unit_test(takes_are_sequential),
        cmocka_unit_test(records_grow_with_use),
        cmocka_unit_test(fragmentation_is_bounded),
        cmocka_unit_test(every_slot_once),
        cmocka_unit_test(one_run_is_preferred),
        cmocka_unit_test(sums_belong_to_taken_slots),
        cmocka_unit_test(old_records_serve_when_memory_is_out),
        cmocka_unit_test(freeing_twice_stops),
    };
    return cmocka_run_group_tests_name("slotmap", tests, NULL, NULL);
}
