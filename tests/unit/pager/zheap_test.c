/* SPDX-License-Identifier: BSD-2-Clause */
/* Size classes, groups of frames and compaction, against a naive table of objects. */
#include "support/test.h"

#include <string.h>

#include "base/rng.h"
#include "pager/zheap.h"
#include "support/test_env.h"

#define OBJECTS 600u

/* An object; its address is its tag. */
struct object {
    struct zheap_at at;
    size_t len; /* 0: there is none */
    unsigned char fill;
};

static struct object objects[OBJECTS];

static void
on_move(void *tag, struct zheap_at at)
{
    struct object *object = tag;

    assert_true(object->len > 0);
    object->at = at;
}

struct rig {
    struct test_env env;
    struct zheap heap;
};

static void
rig_init(struct rig *rig, uint64_t frames, uint64_t limit)
{
    memset(objects, 0, sizeof objects);
    test_env_init(&rig->env, frames);
    zheap_init(&rig->heap, &rig->env.mem, &rig->env.alloc, limit, on_move);
}

static void
rig_fini(struct rig *rig)
{
    zheap_settle(&rig->heap);
    assert_true(zheap_check(&rig->heap));
    assert_int_equal(rig->heap.frames, 0);
    zheap_fini(&rig->heap);
    test_env_fini(&rig->env);
}

static enum pgw_status
put(struct rig *rig, struct object *object, size_t len, unsigned char fill)
{
    unsigned char bytes[PAGE_SIZE];
    enum pgw_status status = zheap_take(&rig->heap, len, object, 0, &object->at);

    if (status != PGW_OK)
        return status;
    for (size_t i = 0; i < len; i++)
        bytes[i] = (unsigned char)(fill + i / 7);
    zheap_write(&rig->heap, object->at, bytes, len);
    object->len = len;
    object->fill = fill;
    return PGW_OK;
}

static void
expect(struct rig *rig, const struct object *object)
{
    unsigned char buf[PAGE_SIZE];
    const unsigned char *bytes = zheap_read(&rig->heap, object->at, buf, object->len);

    for (size_t i = 0; i < object->len; i++)
        if (bytes[i] != (unsigned char)(object->fill + i / 7))
            fail_msg("byte %zu of %zu differs", i, object->len);
}

static void
drop(struct rig *rig, struct object *object)
{
    zheap_free(&rig->heap, object->at);
    object->len = 0;
}

static void
drop_all(struct rig *rig)
{
    for (unsigned i = 0; i < OBJECTS; i++) {
        if (objects[i].len == 0)
            continue;
        expect(rig, &objects[i]);
        drop(rig, &objects[i]);
    }
}

/* Every length, in heaps of every step: what is lost in full groups is little. */
static void
test_every_length(void **state)
{
    static const uint64_t limits[] = {64, 600, 4000};

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct rig rig;
        rig_init(&rig, 4096, limits[i]);
        for (size_t len = 1; len <= zheap_len_max(&rig.heap); len++) {
            assert_int_equal(put(&rig, &objects[0], len, (unsigned char)len), PGW_OK);
            drop_all(&rig);
        }
        assert_int_equal(put(&rig, &objects[0], PAGE_SIZE, 3), PGW_OK);
        assert_true(zheap_check(&rig.heap));
        drop_all(&rig);
        for (unsigned c = 0; c < rig.heap.nclasses; c++) {
            const struct zheap_class *class = &rig.heap.classes[c];
            size_t all = (size_t) class->frames * PAGE_SIZE;
            assert_true(class->capacity > 0 && class->frames <= ZHEAP_GROUP_FRAMES);
            assert_in_range((size_t) class->size * class->capacity, all * 7 / 8, all);
        }
        rig_fini(&rig);
    }
}

/* A class takes its frames one by one. */
static void
test_frames_as_needed(void **state)
{
    struct rig rig;
    uint64_t need = 0;

    (void)state;
    rig_init(&rig, 256, 128);
    for (unsigned i = 0; i < 40; i++) {
        assert_int_equal(put(&rig, &objects[i], 1300, (unsigned char)i), PGW_OK);
        need += 1300 + sizeof(void *);
        assert_true(rig.heap.frames <= need / PAGE_SIZE * 12 / 10 + 2);
        assert_true(zheap_check(&rig.heap));
    }
    drop_all(&rig);
    rig_fini(&rig);
}

/* At the limit, and with no frame to be had, nothing is taken and nothing lost. */
static void
test_limit(void **state)
{
    struct rig rig;
    unsigned n = 0;

    (void)state;
    rig_init(&rig, 64, 8);
    while (put(&rig, &objects[n], 2000, (unsigned char)n) == PGW_OK)
        n++;
    assert_in_range(n, 12, 16);
    assert_int_equal(put(&rig, &objects[n], 100, 1), PGW_NORAM);
    assert_true(zheap_check(&rig.heap));
    drop(&rig, &objects[0]);
    assert_int_equal(put(&rig, &objects[0], 2000, 9), PGW_OK);
    drop_all(&rig);
    zheap_settle(&rig.heap);
    rig.env.inject.fail_at[INJECT_FRAME] = rig.env.inject.tried[INJECT_FRAME] + 1;
    assert_int_equal(put(&rig, &objects[0], 2000, 9), PGW_NORAM);
    assert_int_equal(put(&rig, &objects[0], 2000, 9), PGW_OK);
    drop_all(&rig);
    rig_fini(&rig);
}

/* Two thirds of the objects go, here and there: compaction gives two thirds of the frames back. */
static void
test_compaction(void **state)
{
    struct rig rig;

    (void)state;
    rig_init(&rig, 512, 400);
    for (unsigned i = 0; i < 450; i++)
        assert_int_equal(put(&rig, &objects[i], 900 + i % 3 * 300, (unsigned char)i), PGW_OK);
    for (unsigned i = 0; i < 450; i++)
        if (i / 3 % 3 != 0)
            drop(&rig, &objects[i]);
    uint64_t before = rig.heap.frames;
    uint64_t freed = zheap_compact(&rig.heap);
    assert_true(zheap_check(&rig.heap));
    assert_int_equal(rig.heap.frames, before - freed);
    assert_true(rig.heap.frames <= rig.heap.bytes / PAGE_SIZE * 11 / 10 + 6);
    drop_all(&rig);
    rig_fini(&rig);
}

static void
test_random(void **state)
{
    struct rig rig;
    struct base_rng rng;

    (void)state;
    base_rng_init(&rng, test_seed());
    rig_init(&rig, 512, 200);
    for (uint64_t round = test_rounds(20000); round > 0; round--) {
        struct object *object = &objects[base_rng_below(&rng, OBJECTS)];
        uint64_t what = base_rng_below(&rng, 1000);
        if (what == 0)
            (void)zheap_compact(&rig.heap);
        else if (what < 20)
            zheap_settle(&rig.heap);
        else if (object->len > 0 && what < 500)
            expect(&rig, object);
        else if (object->len > 0)
            drop(&rig, object);
        else
            (void)put(&rig, object, 1 + base_rng_below(&rng, zheap_len_max(&rig.heap)),
                (unsigned char)round);
        if (round % 128 == 0)
            assert_true(zheap_check(&rig.heap));
    }
    drop_all(&rig);
    rig_fini(&rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_length),
        cmocka_unit_test(test_frames_as_needed), cmocka_unit_test(test_limit),
        cmocka_unit_test(test_compaction), cmocka_unit_test(test_random)};

    return cmocka_run_group_tests_name("zheap", tests, NULL, NULL);
}
