/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What only a compressed pool has: pages that move on to the next pager behind their owner's back,
 * room that is made, and tmem over the same store (laws T1 to T5 of vm/tmem.h).
 */
#include "pager_rig.h"

#include <string.h>

#define POOL_SLOTS 4000u

static const struct backend zpool_alone = {
    .name = "zpool", .kind = BACKEND_ZPOOL, .pool = 40, .alone = true};
static const struct backend zpool_swap = {
    .name = "zpool over swap", .kind = BACKEND_ZPOOL, .pool = 40};
static const struct backend zpool_delayed = {
    .name = "zpool over delayed swap", .kind = BACKEND_ZPOOL, .pool = 40, .delayed = true};

static struct pager_zpool_stats
pool_stats(struct fixture *f)
{
    struct pager_zpool_stats stats;

    assert_true(pager_zpool_stats(f->pager, &stats));
    assert_true(f->pager->ops->check(f->pager));
    assert_true(stats.frames <= stats.limit);
    assert_true(stats.bytes <= stats.bytes_peak && stats.pages <= stats.pages_peak);
    const struct pager *next = pager_zpool_next(f->pager);
    if (next != NULL && !f->backend->delayed) /* every page that is there is accounted for */
        assert_int_equal(next->stats.puts, stats.rejected + stats.overflowed + stats.written_back);
    return stats;
}

/* Puts runs of n pages from key on until `until` says stop or count pages are there. */
static unsigned
put_many(struct fixture *f, uint64_t key, unsigned count, uint64_t *slots, unsigned n)
{
    unsigned at = 0;

    while (at < count && pager_rig_put_pages(f, key + at, n, slots + at) == PGW_OK)
        at += n;
    return at;
}

/* ---- room ---- */

/* With no next pager the pool is full at last, holds what it has, and takes more when it may. */
static void
full_pool_refuses(void **state)
{
    static uint64_t slots[4096];
    struct fixture f;
    uint64_t slot;

    pager_rig_begin(&f, state, POOL_SLOTS);
    unsigned n = 0;
    while (n < 4096 && pager_rig_put_pages(&f, 3 * n + 2, 1, &slots[n]) == PGW_OK)
        n++;
    assert_true(n > 60 && n < 4096);
    assert_true(pool_stats(&f).frames >= 38);
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(pager_rig_get_page(&f, slots[i], 3 * i + 2), PGW_OK);
    for (unsigned i = 0; i < n; i += 2) /* scattered holes: compaction makes frames of them */
        f.pager->ops->forget(f.pager, slots[i]);
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(pager_rig_put_pages(&f, 3 * i, 1, &slot), PGW_OK); /* hard: a frame each */
        assert_int_equal(pager_rig_get_page(&f, slot, 3 * i), PGW_OK);
    }
    assert_true(pool_stats(&f).compacted > 0);
    for (unsigned i = 1; i < n; i += 2)
        assert_int_equal(pager_rig_get_page(&f, slots[i], 3 * i + 2), PGW_OK);
    pager_rig_end(&f);
}

/* Frames are the system's: with the last one forgotten they are free again. */
static void
frames_come_back(void **state)
{
    static uint64_t slots[400];
    struct fixture f;

    pager_rig_begin(&f, state, POOL_SLOTS);
    uint64_t before = f.env.mem.nfree;
    for (unsigned round = 0; round < 3; round++) {
        unsigned n = put_many(&f, 1000 * round, 64, slots, 16);
        assert_int_equal(n, 64);
        for (unsigned i = 0; i < n; i++)
            f.pager->ops->forget(f.pager, slots[i]);
        while (f.pager->ops->drive(f.pager, true) > 0)
            continue;
        assert_int_equal(f.pager->stats.used, 0);
        (void)pager_rig_get_page(&f, 0, 0); /* a call that may give frames back */
        assert_int_equal(f.env.mem.nfree, before);
        assert_int_equal(pool_stats(&f).pages, 0);
    }
    pager_rig_end(&f);
}

/* The oldest go to the next pager, and every page is found wherever it is. */
static void
oldest_are_written_back(void **state)
{
    static uint64_t slots[1600];
    struct fixture f;

    pager_rig_begin(&f, state, POOL_SLOTS);
    unsigned n = put_many(&f, 0, 1600, slots, 16);
    assert_int_equal(n, 1600);
    struct pager_zpool_stats stats = pool_stats(&f);
    assert_true(stats.written_back > 50 && stats.rejected >= 1600 / 3);
    assert_int_equal(f.pager->stats.used, 1600);
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(pager_rig_get_page(&f, slots[i], i), PGW_OK);
    stats = pool_stats(&f);
    assert_true(stats.hits > 0 && stats.hits < 1600);
    for (unsigned i = 0; i < n; i += 16)
        assert_int_equal(pager_rig_get_pages(&f, slots + i,
                             (uint64_t[]){i, i + 1, i + 2, i + 3, i + 4, i + 5, i + 6, i + 7, i + 8,
                                 i + 9, i + 10, i + 11, i + 12, i + 13, i + 14, i + 15},
                             16),
            PGW_OK);
    for (unsigned i = 0; i < n; i++)
        f.pager->ops->forget(f.pager, slots[i]);
    while (f.pager->ops->drive(f.pager, true) > 0)
        continue;
    assert_int_equal(pager_zpool_next(f.pager)->stats.used, 0);
    pager_rig_end(&f);
}

/* Pages that take more room than those before them: the ratio is that of when most was taken. */
static void
ratio_is_of_the_fullest(void **state)
{
    static uint64_t slots[100];
    struct fixture f;

    pager_rig_begin(&f, state, POOL_SLOTS);
    for (unsigned i = 0; i < 60; i++)
        assert_int_equal(pager_rig_put_pages(&f, 3 * i + 2, 1, &slots[i]), PGW_OK);
    struct pager_zpool_stats text = pool_stats(&f);
    assert_int_equal(text.stored_peak, 60 * PAGE_SIZE);
    for (unsigned i = 0; i < 60; i++)
        f.pager->ops->forget(f.pager, slots[i]);
    for (unsigned i = 0; i < 36; i++)
        assert_int_equal(pager_rig_put_pages(&f, 3 * i, 1, &slots[i]), PGW_OK);
    struct pager_zpool_stats hard = pool_stats(&f);
    assert_true(hard.bytes_peak > text.bytes_peak);
    assert_int_equal(hard.stored_peak, 36 * PAGE_SIZE);
    pager_rig_end(&f);
}

/* Pages are forgotten while they are on their way to the next pager. */
static void
forgotten_while_written(void **state)
{
    static uint64_t slots[960];
    struct fixture f;

    pager_rig_begin(&f, state, POOL_SLOTS);
    unsigned n = put_many(&f, 1, 960, slots, 16);
    assert_int_equal(n, 960);
    for (unsigned i = 0; i < n; i++) {
        f.pager->ops->forget(f.pager, slots[i]);
        assert_false(f.pager->ops->has(f.pager, slots[i]));
        assert_true(f.pager->ops->check(f.pager));
    }
    while (f.pager->ops->drive(f.pager, true) > 0)
        continue;
    assert_int_equal(f.pager->stats.used, 0);
    assert_int_equal(pager_zpool_next(f.pager)->stats.used, 0);
    pager_rig_end(&f);
}

/* ---- G1, G2 ---- */

/* A bit of the RAM flips under the pool: every get of every page says so or gives the page. */
static void
flipped_bit_is_corrupt(void **state)
{
    static uint64_t slots[60];
    struct fixture f;
    struct base_rng rng;
    unsigned corrupt = 0;

    pager_rig_begin(&f, state, POOL_SLOTS);
    base_rng_init(&rng, f.seed);
    assert_int_equal(put_many(&f, 0, 60, slots, 1), 60);
    for (unsigned round = 0; round < 200;) {
        uint64_t i = base_rng_below(&rng, f.env.mem.nframes);
        struct mem_page *page = &f.env.mem.pages[i];
        if (page->owner_kind != MEM_OWNER_CORE)
            continue;
        round++;
        unsigned char *byte = mem_page_bytes(&f.env.mem, page) + base_rng_below(&rng, PAGE_SIZE);
        unsigned char bit = (unsigned char)(1u << base_rng_below(&rng, 8));
        unsigned bad = 0;
        uint64_t tag = (uint64_t)(byte - mem_page_bytes(&f.env.mem, page)) % 128;
        if (tag < 8)
            continue; /* it may be an object's tag, which is no page's byte */
        *byte ^= bit;
        for (unsigned j = 0; j < 60; j++) {
            enum pgw_status status = pager_rig_get_page(&f, slots[j], j);
            assert_true(status == PGW_OK || status == PGW_CORRUPT);
            bad += status != PGW_OK;
        }
        *byte ^= bit;
        assert_true(bad <= 1);
        corrupt += bad;
    }
    assert_true(corrupt > 20);
    pager_rig_end(&f);
}

/* The next pager fails: what it was offered stays, and a put either worked or left nothing. */
static void
broken_next_loses_nothing(void **state)
{
    static uint64_t slots[1600];
    static bool there[1600];
    struct fixture f;
    unsigned puts = 0;

    pager_rig_begin(&f, state, POOL_SLOTS);
    memset(there, 0, sizeof there);
    for (unsigned i = 0; i < 1600; i += 16) {
        f.env.inject.and_after[INJECT_WRITE] = true;
        f.env.inject.fail_at[INJECT_WRITE] =
            i % 128 < 64 ? 0 : f.env.inject.tried[INJECT_WRITE] + 1;
        enum pgw_status status = pager_rig_put_pages(&f, i, 16, slots + i);
        assert_true(status == PGW_OK || status == PGW_IO);
        for (unsigned j = 0; j < 16; j++)
            there[i + j] = status == PGW_OK;
        puts += status == PGW_OK ? 16 : 0;
        assert_int_equal(f.pager->stats.used, puts);
        assert_true(f.pager->ops->check(f.pager));
    }
    f.env.inject.fail_at[INJECT_WRITE] = 0;
    assert_true(puts > 400 && puts < 1600);
    for (unsigned i = 0; i < 1600; i++)
        if (there[i])
            assert_int_equal(pager_rig_get_page(&f, slots[i], i), PGW_OK);
    pager_rig_end(&f);
}

/* ---- tmem ---- */

struct names {
    struct fixture *f;
    struct tmem *tmem;
    unsigned pools[2]; /* ephemeral, persistent */
    struct mem_page *page;
};

static void
names_begin(struct names *names, struct fixture *f, void **state)
{
    pager_rig_begin(f, state, POOL_SLOTS);
    names->f = f;
    names->tmem = pager_zpool_tmem(f->pager);
    assert_non_null(names->tmem);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(
            names->tmem->ops->pool_create(names->tmem, i == 1, &names->pools[i]), PGW_OK);
    names->page = mem_alloc(&f->env.mem, 0, 0);
}

static void
names_end(struct names *names)
{
    mem_free(&names->f->env.mem, names->page);
    for (unsigned i = 0; i < 2; i++)
        names->tmem->ops->pool_destroy(names->tmem, names->pools[i]);
    assert_int_equal(names->tmem->stats.ephemeral + names->tmem->stats.persistent, 0);
    pager_rig_end(names->f);
}

static enum pgw_status
names_put(struct names *names, unsigned pool, uint64_t object, uint64_t index, uint64_t key)
{
    unsigned char *bytes = mem_page_bytes(&names->f->env.mem, names->page);

    pager_rig_fill(names->f, bytes, key);
    return names->tmem->ops->put(names->tmem, names->pools[pool], object, index, bytes);
}

static enum pgw_status
names_get(struct names *names, unsigned pool, uint64_t object, uint64_t index, uint64_t key)
{
    unsigned char *bytes = mem_page_bytes(&names->f->env.mem, names->page);

    memset(bytes, 0x5a, PAGE_SIZE);
    enum pgw_status status =
        names->tmem->ops->get(names->tmem, names->pools[pool], object, index, bytes);
    if (status == PGW_OK)
        pager_rig_expect(names->f, bytes, key);
    return status;
}

/* T1, T4, T5, by hand. */
static void
t_put_get_flush(void **state)
{
    struct fixture f;
    struct names n;

    names_begin(&n, &f, state);
    assert_int_equal(names_get(&n, 0, 7, 9, 0), PGW_NOTFOUND);
    for (unsigned pool = 0; pool < 2; pool++) {
        assert_int_equal(names_put(&n, pool, 7, 9, 1), PGW_OK);
        assert_int_equal(names_put(&n, pool, 7, UINT64_C(1) << 40, 2), PGW_OK);
        assert_int_equal(names_put(&n, pool, 8, 9, 4), PGW_OK);
        assert_int_equal(names_put(&n, pool, 7, 9, 5), PGW_OK); /* the last one counts */
    }
    assert_int_equal(names_get(&n, 0, 7, 9, 5), PGW_OK);
    assert_int_equal(names_get(&n, 0, 7, 9, 5), PGW_NOTFOUND); /* T4: it was taken out */
    assert_int_equal(names_get(&n, 1, 7, 9, 5), PGW_OK);
    assert_int_equal(names_get(&n, 1, 7, 9, 5), PGW_OK); /* T4: it was not */
    n.tmem->ops->flush_page(n.tmem, n.pools[1], 7, 9);
    assert_int_equal(names_get(&n, 1, 7, 9, 5), PGW_NOTFOUND);
    assert_int_equal(names_get(&n, 1, 7, UINT64_C(1) << 40, 2), PGW_OK);
    n.tmem->ops->flush_object(n.tmem, n.pools[1], 7);
    assert_int_equal(names_get(&n, 1, 7, UINT64_C(1) << 40, 2), PGW_NOTFOUND);
    assert_int_equal(names_get(&n, 1, 8, 9, 4), PGW_OK);
    assert_int_equal(names_get(&n, 0, 8, 9, 4), PGW_OK); /* pools know nothing of each other */
    n.tmem->ops->pool_destroy(n.tmem, n.pools[1]);
    assert_int_equal(n.tmem->ops->pool_create(n.tmem, true, &n.pools[1]), PGW_OK);
    assert_int_equal(names_get(&n, 1, 8, 9, 4), PGW_NOTFOUND);
    assert_true(n.tmem->ops->check(n.tmem));
    names_end(&n);
}

/* T2: what cannot be kept takes the older copy with it. */
static void
t_failed_put_flushes(void **state)
{
    struct fixture f;
    struct names n;

    names_begin(&n, &f, state);
    for (unsigned pool = 0; pool < 2; pool++) {
        assert_int_equal(names_put(&n, pool, 1, 1, 2), PGW_OK);
        f.env.inject.fail_at[INJECT_OBJ] = f.env.inject.tried[INJECT_OBJ] + 1;
        assert_int_equal(names_put(&n, pool, 1, 1, 5), PGW_NOMEM);
        f.env.inject.fail_at[INJECT_OBJ] = 0;
        assert_int_equal(names_get(&n, pool, 1, 1, 2), PGW_NOTFOUND);
    }
    assert_int_equal(names_put(&n, 0, 1, 1, 2), PGW_OK);
    assert_int_equal(names_put(&n, 0, 1, 1, 3), PGW_NOSWAP); /* hard, and not worth a frame */
    assert_int_equal(names_get(&n, 0, 1, 1, 2), PGW_NOTFOUND);
    names_end(&n);
}

/* T3: ephemeral pages go first, persistent and swapped ones stay. */
static void
t_ephemeral_goes_first(void **state)
{
    static uint64_t slots[60];
    struct fixture f;
    struct names n;

    names_begin(&n, &f, state);
    for (uint64_t i = 0; i < 20; i++)
        assert_int_equal(names_put(&n, 1, 3, i, 3 * i + 2), PGW_OK);
    for (uint64_t i = 0; i < 400; i++)
        assert_int_equal(names_put(&n, 0, 4, i, 3 * i + 2), PGW_OK);
    assert_true(n.tmem->stats.dropped > 0); /* for younger ones */
    assert_true(n.tmem->stats.ephemeral > 20);
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(pager_rig_put_pages(&f, 3 * i, 1, &slots[i]), PGW_OK);
    assert_int_equal(names_get(&n, 0, 4, 0, 2), PGW_NOTFOUND);
    for (uint64_t i = 0; i < 20; i++)
        assert_int_equal(names_get(&n, 1, 3, i, 3 * i + 2), PGW_OK);
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(pager_rig_get_page(&f, slots[i], 3 * i), PGW_OK);
    uint64_t found = 0;
    for (uint64_t i = 0; i < 400; i++)
        found += names_get(&n, 0, 4, i, 3 * i + 2) == PGW_OK;
    assert_int_equal(n.tmem->stats.ephemeral, 0);
    assert_true(found > 0);
    names_end(&n);
}

#define T_OBJECTS 4u
#define T_PAGES 40u

/* Random calls against a table of what should be there. */
static void
t_random(void **state)
{
    static uint64_t model[2][T_OBJECTS][T_PAGES];
    struct fixture f;
    struct names n;
    struct base_rng rng;

    memset(model, 0, sizeof model);
    names_begin(&n, &f, state);
    base_rng_init(&rng, f.seed);
    for (uint64_t round = test_rounds(6000); round > 0; round--) {
        unsigned pool = (unsigned)base_rng_below(&rng, 2);
        uint64_t object = base_rng_below(&rng, T_OBJECTS), index = base_rng_below(&rng, T_PAGES);
        uint64_t *key = &model[pool][object][index];
        uint64_t what = base_rng_below(&rng, 100);
        if (what < 45) {
            uint64_t new = 3 * round + 1 + base_rng_below(&rng, 2);
            *key = names_put(&n, pool, object, index, new) == PGW_OK ? new : 0;
        } else if (what < 90) {
            enum pgw_status status = names_get(&n, pool, object, index, *key);
            assert_true(status == PGW_OK ? *key != 0 : status == PGW_NOTFOUND);
            assert_true(status == PGW_OK || pool == 0 || *key == 0); /* T3 */
            if (pool == 0)
                *key = 0;
        } else if (what < 98) {
            n.tmem->ops->flush_page(n.tmem, n.pools[pool], object, index);
            *key = 0;
        } else {
            n.tmem->ops->flush_object(n.tmem, n.pools[pool], object);
            memset(model[pool][object], 0, sizeof model[pool][object]);
        }
        if (round % 64 == 0)
            assert_true(f.pager->ops->check(f.pager));
    }
    assert_true(n.tmem->stats.hits > 500 && n.tmem->stats.flushed > 100);
    names_end(&n);
}

/* ---- all of it together ---- */

#define MIX_HELD 500u

struct mix {
    struct fixture f;
    struct base_rng rng;
    struct tmem *tmem;
    unsigned pools[2];
    uint64_t slots[MIX_HELD], keys[MIX_HELD], used;
    uint64_t names[2][T_PAGES]; /* keys */
    uint64_t next_key;
    struct mem_page *page;
};

/* Writes fail now and then, and frames do. */
static void
mix_weather(struct mix *mix)
{
    struct base_inject *inject = &mix->f.env.inject;
    static const enum base_inject_point points[] = {INJECT_WRITE, INJECT_OBJ, INJECT_FRAME};

    for (unsigned i = 0; i < 3; i++)
        inject->fail_at[points[i]] = 0;
    enum base_inject_point point = points[base_rng_below(&mix->rng, 3)];
    if (base_rng_below(&mix->rng, 3) != 0)
        return;
    inject->fail_at[point] = inject->tried[point] + 1 + base_rng_below(&mix->rng, 4);
    inject->and_after[point] = base_rng_below(&mix->rng, 2) == 0;
}

static void
mix_fair(struct mix *mix)
{
    memset(mix->f.env.inject.fail_at, 0, sizeof mix->f.env.inject.fail_at);
}

static void
mix_put(struct mix *mix)
{
    unsigned n = 1 + (unsigned)base_rng_below(&mix->rng, PAGER_RUN_MAX);
    struct fixture *f = &mix->f;
    uint64_t slots[PAGER_RUN_MAX];
    struct call call;

    if (mix->used + n > MIX_HELD)
        return;
    pager_rig_call_init(f, &call, n);
    for (unsigned i = 0; i < n; i++)
        pager_rig_fill(f, pager_rig_call_bytes(f, &call, i), mix->next_key + i);
    mix_weather(mix);
    enum pgw_status status =
        pager_rig_call_finish(f, &call, f->pager->ops->start_put(f->pager, &call.io));
    mix_fair(mix);
    memcpy(slots, call.io.slots, sizeof slots);
    pager_rig_call_fini(f, &call);
    for (unsigned i = 0; status == PGW_OK && i < n; i++) {
        mix->slots[mix->used] = slots[i];
        mix->keys[mix->used++] = mix->next_key + i;
    }
    mix->next_key += n;
}

static void
mix_name(struct mix *mix)
{
    unsigned pool = (unsigned)base_rng_below(&mix->rng, 2);
    uint64_t index = base_rng_below(&mix->rng, T_PAGES), *key = &mix->names[pool][index];
    unsigned char *bytes = mem_page_bytes(&mix->f.env.mem, mix->page);
    const struct tmem_ops *ops = mix->tmem->ops;

    if (base_rng_below(&mix->rng, 2) == 0) {
        pager_rig_fill(&mix->f, bytes, mix->next_key);
        mix_weather(mix);
        enum pgw_status status = ops->put(mix->tmem, mix->pools[pool], 1, index, bytes);
        mix_fair(mix);
        *key = status == PGW_OK ? mix->next_key : 0;
        mix->next_key++;
    } else {
        enum pgw_status status = ops->get(mix->tmem, mix->pools[pool], 1, index, bytes);
        assert_true(status == PGW_OK ? *key != 0 : status == PGW_NOTFOUND);
        assert_true(status == PGW_OK || pool == 0 || *key == 0);
        if (status == PGW_OK)
            pager_rig_expect(&mix->f, bytes, *key);
        *key = pool == 0 ? 0 : *key;
    }
}

static void
mix_step(struct mix *mix)
{
    struct pager *pager = mix->f.pager;
    uint64_t what = base_rng_below(&mix->rng, 12);

    if (what < 3) {
        mix_put(mix);
    } else if (what < 6) {
        mix_name(mix);
    } else if (mix->used > 0) {
        uint64_t i = base_rng_below(&mix->rng, mix->used);
        assert_int_equal(pager_rig_get_page(&mix->f, mix->slots[i], mix->keys[i]), PGW_OK);
        for (unsigned n = what > 9 ? 8 : 0; n > 0 && mix->used > 0; n--) {
            i = base_rng_below(&mix->rng, mix->used);
            pager->ops->forget(pager, mix->slots[i]);
            mix->slots[i] = mix->slots[--mix->used];
            mix->keys[i] = mix->keys[mix->used];
        }
    }
    (void)pool_stats(&mix->f); /* which checks, too */
    assert_int_equal(pager->stats.used, mix->used);
}

/* Pools of all small sizes, in front of a device that is too small and fails, with tmem. */
static void
everything_at_every_limit(void **state)
{
    struct backend backend = *(const struct backend *)*state;
    void *own = &backend;
    struct mix mix;

    for (backend.pool = 4; backend.pool <= 48; backend.pool += backend.pool < 20 ? 1 : 7) {
        memset(&mix, 0, sizeof mix);
        mix.next_key = 1;
        pager_rig_begin(&mix.f, &own, 60);
        base_rng_init(&mix.rng, mix.f.seed + backend.pool);
        mix.tmem = pager_zpool_tmem(mix.f.pager);
        for (unsigned i = 0; i < 2; i++)
            assert_int_equal(mix.tmem->ops->pool_create(mix.tmem, i == 1, &mix.pools[i]), PGW_OK);
        mix.page = mem_alloc(&mix.f.env.mem, 0, 0);
        for (uint64_t i = test_rounds(300); i > 0; i--)
            mix_step(&mix);
        for (unsigned i = 0; i < 2; i++)
            mix.tmem->ops->pool_destroy(mix.tmem, mix.pools[i]);
        for (; mix.used > 0; mix.used--)
            mix.f.pager->ops->forget(mix.f.pager, mix.slots[mix.used - 1]);
        while (mix.f.pager->ops->drive(mix.f.pager, true) > 0)
            continue;
        assert_int_equal(pool_stats(&mix.f).pages, 0);
        mem_free(&mix.f.env.mem, mix.page);
        pager_rig_end(&mix.f);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON(full_pool_refuses, zpool_alone),
        ON(ratio_is_of_the_fullest, zpool_alone),
        ON(frames_come_back, zpool_alone),
        ON(frames_come_back, zpool_swap),
        ON(frames_come_back, zpool_delayed),
        ON(oldest_are_written_back, zpool_swap),
        ON(oldest_are_written_back, zpool_delayed),
        ON(forgotten_while_written, zpool_swap),
        ON(forgotten_while_written, zpool_delayed),
        ON(flipped_bit_is_corrupt, zpool_alone),
        ON(broken_next_loses_nothing, zpool_swap),
        ON(broken_next_loses_nothing, zpool_delayed),
        ON(t_put_get_flush, zpool_alone),
        ON(t_failed_put_flushes, zpool_alone),
        ON(t_ephemeral_goes_first, zpool_alone),
        ON(t_random, zpool_alone),
        ON(t_random, zpool_swap),
        ON(everything_at_every_limit, zpool_alone),
        ON(everything_at_every_limit, zpool_swap),
        ON(everything_at_every_limit, zpool_delayed),
    };
    return cmocka_run_group_tests_name("zpool", tests, NULL, NULL);
}
