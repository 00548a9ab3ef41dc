/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Conformance of pagers to vm/pager.h, law by law, one suite over every back end.
 *
 * The model is a list: slots and the key of the page that was put there.  Pages are filled by key,
 * so that any byte that is lost, stale or from elsewhere is seen.
 */
#include "pager_rig.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define CONFORM_SLOTS 300u
#define CONFORM_JOBS 6u

#define CONFORM_HELD 2000u /* pages, at most: a compressed pool holds more than the device */

static const struct backend backend_swap = {.name = "swap", .kind = BACKEND_SWAP};
static const struct backend backend_swap_delayed = {
    .name = "delayed swap", .kind = BACKEND_SWAP, .delayed = true};
static const struct backend backend_remote = {.name = "remote", .kind = BACKEND_REMOTE};
static const struct backend backend_zpool = {
    .name = "zpool", .kind = BACKEND_ZPOOL, .pool = 120, .alone = true};
static const struct backend backend_zpool_swap = {
    .name = "zpool over swap", .kind = BACKEND_ZPOOL, .pool = 24};
static const struct backend backend_zpool_delayed = {.name = "lz4 zpool over delayed swap",
    .kind = BACKEND_ZPOOL,
    .pool = 40,
    .delayed = true,
    .lz4 = true};

static const struct backend backend_zpool_aside = {
    .name = "zpool of its own frames", .kind = BACKEND_ZPOOL, .pool = 24, .aside = true};
static const struct backend backend_zpool_learns = {.name = "zpool large enough for dictionaries",
    .kind = BACKEND_ZPOOL,
    .pool = 280,
    .prose = true};
static const struct backend backend_chain = {
    .name = "chain of swap", .kind = BACKEND_CHAIN, .chain = true};
static const struct backend backend_chain_delayed = {
    .name = "chain of delayed swap", .kind = BACKEND_CHAIN, .chain = true, .delayed = true};
static const struct backend backend_zpool_chain = {.name = "zpool over a chain of delayed swap",
    .kind = BACKEND_ZPOOL,
    .pool = 24,
    .chain = true,
    .delayed = true};

/* ---- G1: the same bytes, or an error ---- */

static void
g1_every_length_and_order(void **state)
{
    struct fixture f;
    pager_rig_begin(&f, state, CONFORM_SLOTS);
    for (unsigned n = 1; n <= PAGER_RUN_MAX; n++) {
        uint64_t slots[PAGER_RUN_MAX];
        uint64_t keys[PAGER_RUN_MAX];
        assert_int_equal(pager_rig_put_pages(&f, 1000 * n, n, slots), PGW_OK);
        for (unsigned i = 0; i < n; i++)
            keys[i] = 1000 * n + i;
        assert_int_equal(pager_rig_get_pages(&f, slots, keys, n), PGW_OK);
        for (unsigned i = 0; i < n; i++)
            assert_int_equal(pager_rig_get_page(&f, slots[i], keys[i]), PGW_OK);
        for (unsigned i = 0; i < n / 2; i++) { /* backwards: no two are a run */
            uint64_t slot = slots[i], key = keys[i];
            slots[i] = slots[n - 1 - i], keys[i] = keys[n - 1 - i];
            slots[n - 1 - i] = slot, keys[n - 1 - i] = key;
        }
        assert_int_equal(pager_rig_get_pages(&f, slots, keys, n), PGW_OK);
    }
    pager_rig_end(&f);
}

/* The same slot twice in one get is two copies of its page. */
static void
g1_one_slot_twice(void **state)
{
    struct fixture f;
    uint64_t slot;
    pager_rig_begin(&f, state, 4);
    assert_int_equal(pager_rig_put_pages(&f, 7, 1, &slot), PGW_OK);
    assert_int_equal(
        pager_rig_get_pages(&f, (uint64_t[]){slot, slot}, (uint64_t[]){7, 7}, 2), PGW_OK);
    pager_rig_end(&f);
}

static void
raw_flip(struct fixture *f, uint64_t offset, unsigned char bit)
{
    unsigned char byte;
    assert_int_equal(pread(f->raw.fd, &byte, 1, (off_t)offset), 1);
    byte ^= bit;
    assert_int_equal(pwrite(f->raw.fd, &byte, 1, (off_t)offset), 1);
}

static void
g1_flipped_bit_is_corrupt(void **state)
{
    struct fixture f;
    struct base_rng rng;
    uint64_t slots[8];
    pager_rig_begin(&f, state, 8);
    base_rng_init(&rng, f.seed);
    assert_int_equal(pager_rig_put_pages(&f, 50, 8, slots), PGW_OK);
    for (unsigned round = 0; round < 100; round++) {
        unsigned i = (unsigned)base_rng_below(&rng, 8);
        uint64_t at = slots[i] * PAGE_SIZE + base_rng_below(&rng, PAGE_SIZE);
        unsigned char bit = (unsigned char)(1u << base_rng_below(&rng, 8));
        raw_flip(&f, at, bit);
        for (unsigned j = 0; j < 8; j++)
            assert_int_equal(
                pager_rig_get_page(&f, slots[j], 50 + j), i == j ? PGW_CORRUPT : PGW_OK);
        uint64_t keys[] = {50, 51, 52, 53, 54, 55, 56, 57};
        assert_int_equal(pager_rig_get_pages(&f, slots, keys, 8), PGW_CORRUPT);
        raw_flip(&f, at, bit);
    }
    assert_true(f.pager->stats.errors >= 200);
    pager_rig_end(&f);
}

/* A whole, sound page, but another slot's: a misdirected read or write. */
static void
g1_swapped_slots_are_corrupt(void **state)
{
    struct fixture f;
    uint64_t slots[2];
    unsigned char page[PAGE_SIZE];
    pager_rig_begin(&f, state, 8);
    assert_int_equal(pager_rig_put_pages(&f, 50, 2, slots), PGW_OK);
    assert_int_equal(host_file_read(&f.raw, page, PAGE_SIZE, slots[0] * PAGE_SIZE), PGW_OK);
    assert_int_equal(host_file_write(&f.raw, page, PAGE_SIZE, slots[1] * PAGE_SIZE), PGW_OK);
    assert_int_equal(pager_rig_get_page(&f, slots[0], 50), PGW_OK);
    assert_int_equal(pager_rig_get_page(&f, slots[1], 51), PGW_CORRUPT);
    pager_rig_end(&f);
}

/* The write never reached the device, which still has what was in the slot before. */
static void
g1_lost_write_is_corrupt(void **state)
{
    struct fixture f;
    uint64_t slot;
    unsigned char old[PAGE_SIZE];
    pager_rig_begin(&f, state, 1);
    assert_int_equal(pager_rig_put_pages(&f, 50, 1, &slot), PGW_OK);
    assert_int_equal(host_file_read(&f.raw, old, PAGE_SIZE, slot * PAGE_SIZE), PGW_OK);
    f.pager->ops->forget(f.pager, slot);
    assert_int_equal(pager_rig_put_pages(&f, 60, 1, &slot), PGW_OK);
    assert_int_equal(pager_rig_get_page(&f, slot, 60), PGW_OK);
    assert_int_equal(host_file_write(&f.raw, old, PAGE_SIZE, slot * PAGE_SIZE), PGW_OK);
    assert_int_equal(pager_rig_get_page(&f, slot, 50), PGW_CORRUPT);
    pager_rig_end(&f);
}

static void
g1_truncated_device_is_corrupt(void **state)
{
    struct fixture f;
    uint64_t slots[4];
    pager_rig_begin(&f, state, 4);
    assert_int_equal(pager_rig_put_pages(&f, 50, 4, slots), PGW_OK);
    assert_int_equal(host_file_resize(&f.raw, 2 * PAGE_SIZE + 100), PGW_OK);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(
            pager_rig_get_page(&f, slots[i], 50 + i), slots[i] < 2 ? PGW_OK : PGW_CORRUPT);
    pager_rig_end(&f);
}

/* ---- G2: nothing is lost because the device is full or broken ---- */

static void
g2_full_device(void **state)
{
    struct fixture f;
    uint64_t slots[PAGER_RUN_MAX + 4];
    uint64_t spare[PAGER_RUN_MAX];
    pager_rig_begin(&f, state, PAGER_RUN_MAX + 4);
    assert_int_equal(f.pager->stats.slots, PAGER_RUN_MAX + 4);
    assert_int_equal(pager_rig_put_pages(&f, 100, 16, slots), PGW_OK);
    assert_int_equal(pager_rig_put_pages(&f, 900, 16, spare), PGW_NOSWAP);
    assert_int_equal(pager_rig_put_pages(&f, 900, 5, spare), PGW_NOSWAP);
    assert_int_equal(pager_rig_put_pages(&f, 116, 4, slots + 16), PGW_OK);
    assert_int_equal(pager_rig_put_pages(&f, 900, 1, spare), PGW_NOSWAP);
    assert_int_equal(f.pager->stats.used, 20);

    /* Three holes, no two together, are room for three. */
    f.pager->ops->forget(f.pager, slots[3]);
    f.pager->ops->forget(f.pager, slots[9]);
    f.pager->ops->forget(f.pager, slots[17]);
    assert_int_equal(pager_rig_put_pages(&f, 900, 4, spare), PGW_NOSWAP);
    assert_int_equal(pager_rig_put_pages(&f, 900, 3, spare), PGW_OK);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(pager_rig_get_page(&f, spare[i], 900 + i), PGW_OK);
    for (unsigned i = 0; i < 20; i++)
        if (i != 3 && i != 9 && i != 17)
            assert_int_equal(pager_rig_get_page(&f, slots[i], 100 + i), PGW_OK);
    pager_rig_end(&f);
}

/* The device has slots, but the disk under it is full. */
static void
g2_full_disk(void **state)
{
    struct fixture f;
    struct rlimit before;
    uint64_t slots[8];
    uint64_t more[8];
    pager_rig_begin(&f, state, 64);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit tight = {.rlim_cur = 8 * PAGE_SIZE, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    enum pgw_status fits = pager_rig_put_pages(&f, 10, 8, slots);
    enum pgw_status full = pager_rig_put_pages(&f, 20, 4, more);
    uint64_t used = f.pager->stats.used;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);

    assert_int_equal(fits, PGW_OK);
    assert_int_equal(full, PGW_NOSWAP);
    assert_int_equal(used, 8);
    assert_true(f.pager->ops->check(f.pager));
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(pager_rig_get_page(&f, slots[i], 10 + i), PGW_OK);
    assert_int_equal(pager_rig_put_pages(&f, 20, 4, more), PGW_OK);
    assert_int_equal(pager_rig_get_page(&f, more[3], 23), PGW_OK);
    pager_rig_end(&f);
}

static void
g2_failed_write_keeps_no_slot(void **state)
{
    struct fixture f;
    uint64_t slots[16];
    pager_rig_begin(&f, state, 16);
    f.env.inject.fail_at[INJECT_WRITE] = f.env.inject.tried[INJECT_WRITE] + 1;
    assert_int_equal(pager_rig_put_pages(&f, 10, 16, slots), PGW_IO);
    assert_int_equal(f.pager->stats.used, 0);
    assert_int_equal(f.pager->stats.errors, 1);
    assert_int_equal(f.pager->stats.puts, 0);
    for (uint64_t slot = 0; slot < 16; slot++)
        assert_false(f.pager->ops->has(f.pager, slot));
    assert_int_equal(pager_rig_put_pages(&f, 10, 16, slots), PGW_OK);
    assert_int_equal(f.pager->stats.used, 16);
    pager_rig_end(&f);
}

/* The server is gone: gets and puts say so, no slot is lost, and none is kept. */
static void
g2_server_gone(void **state)
{
    struct fixture f;
    uint64_t slots[4], more[4];

    pager_rig_begin(&f, state, 16);
    assert_int_equal(pager_rig_put_pages(&f, 10, 4, slots), PGW_OK);
    assert_int_equal(kill(f.server, SIGKILL), 0);
    (void)waitpid(f.server, NULL, 0);
    f.server = 0;
    assert_int_equal(pager_rig_get_page(&f, slots[0], 10), PGW_IO);
    assert_int_equal(pager_rig_put_pages(&f, 20, 4, more), PGW_IO);
    assert_int_equal(f.pager->stats.used, 4);
    for (unsigned i = 0; i < 4; i++)
        assert_true(f.pager->ops->has(f.pager, slots[i]));
    pager_rig_end(&f);
}

/* ---- G3: forget is final and frees the room ---- */

static void
g3_forget_frees_the_room(void **state)
{
    struct fixture f;
    uint64_t slots[16];
    pager_rig_begin(&f, state, 16);
    for (unsigned round = 0; round < 50; round++) {
        assert_int_equal(pager_rig_put_pages(&f, round, 16, slots), PGW_OK);
        assert_int_equal(f.pager->stats.used, 16);
        for (unsigned i = 0; i < 16; i++) {
            unsigned at = (i * 7 + round) % 16;
            f.pager->ops->forget(f.pager, slots[at]);
            assert_false(f.pager->ops->has(f.pager, slots[at]));
            assert_int_equal(pager_rig_get_page(&f, slots[at], 0), PGW_NOTFOUND);
            assert_true(f.pager->ops->check(f.pager));
        }
        assert_int_equal(f.pager->stats.used, 0);
    }
    assert_int_equal(f.pager->stats.used_peak, 16);
    assert_int_equal(f.pager->stats.puts, 50 * 16);
    pager_rig_end(&f);
}

static void
g3_nothing_where_nothing_was_put(void **state)
{
    struct fixture f;
    pager_rig_begin(&f, state, 100);
    const uint64_t slots[] = {0, 63, 64, 99, 100, UINT64_MAX - 1, PAGER_SLOT_NONE};
    for (unsigned i = 0; i < sizeof slots / sizeof slots[0]; i++) {
        assert_false(f.pager->ops->has(f.pager, slots[i]));
        assert_int_equal(pager_rig_get_page(&f, slots[i], 0), PGW_NOTFOUND);
    }
    pager_rig_end(&f);
}

/* ---- several devices ---- */

/* A device that fails is passed by for a while, and used again. */
static void
chain_passes_by(void **state)
{
    struct fixture f;
    uint64_t slots[4], keys[4];
    unsigned first = 0;

    pager_rig_begin(&f, state, 300);
    f.env.inject.fail_at[INJECT_WRITE] = f.env.inject.tried[INJECT_WRITE] + 1;
    assert_int_equal(pager_rig_put_pages(&f, 10, 4, slots), PGW_IO);
    assert_int_equal(f.pager->stats.used, 0);
    for (unsigned round = 0; round < 40; round++) {
        assert_int_equal(pager_rig_put_pages(&f, 10, 4, slots), PGW_OK);
        bool low = slots[0] < 100;
        assert_true(round < 20 ? !low : true);
        first += low;
        for (unsigned i = 0; i < 4; i++)
            keys[i] = 10 + i;
        assert_int_equal(pager_rig_get_pages(&f, slots, keys, 4), PGW_OK);
    }
    assert_true(first > 0 && first < 20);
    pager_rig_end(&f);
}

/* When all but a failed device is full, that one is used at once. */
static void
chain_uses_what_failed(void **state)
{
    struct fixture f;
    uint64_t slots[16];

    pager_rig_begin(&f, state, 12);
    f.env.inject.fail_at[INJECT_WRITE] = f.env.inject.tried[INJECT_WRITE] + 1;
    assert_int_equal(pager_rig_put_pages(&f, 10, 4, slots), PGW_IO);
    assert_int_equal(pager_rig_put_pages(&f, 20, 12, slots), PGW_OK); /* a put over all three */
    for (unsigned i = 0; i < 12; i++)
        assert_int_equal(pager_rig_get_page(&f, slots[i], 20 + i), PGW_OK);
    assert_int_equal(pager_rig_put_pages(&f, 40, 1, slots + 12), PGW_NOSWAP);
    pager_rig_end(&f);
}

/* The first device has slots, but the disk under it is full. */
static void
chain_full_disk(void **state)
{
    struct fixture f;
    struct rlimit before;
    uint64_t slots[30];

    pager_rig_begin(&f, state, 60);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit tight = {.rlim_cur = 8 * PAGE_SIZE, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    enum pgw_status status[6];
    unsigned n = 0;
    for (unsigned i = 0; i < 6; i++) { /* no file takes more than two of these */
        status[i] = pager_rig_put_pages(&f, 10 + 4 * n, 4, slots + 4 * n);
        n += status[i] == PGW_OK;
    }
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(status[0], PGW_OK);
    assert_int_equal(status[1], PGW_OK);
    assert_int_equal(status[2], PGW_NOSWAP);
    assert_int_equal(status[3], PGW_OK); /* on the second */
    assert_int_equal(pager_rig_put_pages(&f, 10 + 4 * n, 4, slots + 4 * n), PGW_OK);
    for (unsigned i = 0; i < 4 * (n + 1); i++)
        assert_int_equal(pager_rig_get_page(&f, slots[i], 10 + i), PGW_OK);
    pager_rig_end(&f);
}

/* ---- random interleavings against the model ---- */

struct script;

struct job {
    struct pager_io io;
    struct script *script;
    uint64_t keys[PAGER_RUN_MAX];
    bool get;
    bool active;
};

/* A page that was put. */
struct held {
    uint64_t slot, key;
    unsigned reading; /* gets in flight on it */
};

struct script {
    struct fixture *f;
    struct base_rng rng;
    uint64_t next_key;
    struct held model[CONFORM_HELD];
    unsigned used; /* of them */
    bool faults;   /* failures are being injected */
    bool emptying; /* the device fills to the brim, then empties, and again */
    struct job jobs[CONFORM_JOBS];
};

static struct held *
script_find(struct script *s, uint64_t slot)
{
    for (unsigned i = 0; i < s->used; i++)
        if (s->model[i].slot == slot)
            return &s->model[i];
    return NULL;
}

static void
job_put_done(struct script *s, struct job *job)
{
    for (unsigned i = 0; i < job->io.n; i++) {
        pager_rig_expect(s->f, mem_page_bytes(&s->f->env.mem, job->io.pages[i]), job->keys[i]);
        if (job->io.status != PGW_OK)
            continue;
        uint64_t slot = job->io.slots[i];
        bool numbers = s->f->backend->kind == BACKEND_ZPOOL || s->f->backend->chain;
        assert_true(numbers ? slot >> 48 == 0 : slot < s->f->nslots);
        assert_null(script_find(s, slot)); /* nobody else's */
        assert_true(s->used < CONFORM_HELD);
        s->model[s->used++] = (struct held){.slot = slot, .key = job->keys[i]};
    }
}

static void
job_get_done(struct script *s, struct job *job)
{
    for (unsigned i = 0; i < job->io.n; i++) {
        script_find(s, job->io.slots[i])->reading--;
        if (job->io.status == PGW_OK)
            pager_rig_expect(s->f, mem_page_bytes(&s->f->env.mem, job->io.pages[i]), job->keys[i]);
    }
}

static void
job_done(struct pager_io *io)
{
    struct job *job = io->ctx;
    assert_true(job->active);
    job->active = false;
    if (!job->script->faults)
        assert_int_equal(io->status, PGW_OK);
    else
        assert_true(io->status == PGW_OK || io->status == PGW_IO);
    if (job->get)
        job_get_done(job->script, job);
    else
        job_put_done(job->script, job);
}

static void
script_start_put(struct script *s, struct job *job)
{
    struct pager *pager = s->f->pager;
    job->get = false;
    job->io.n = 1 + (unsigned)base_rng_below(&s->rng, PAGER_RUN_MAX);
    for (unsigned i = 0; i < job->io.n; i++) {
        job->keys[i] = s->next_key++;
        pager_rig_fill(s->f, mem_page_bytes(&s->f->env.mem, job->io.pages[i]), job->keys[i]);
    }
    uint64_t room = pager->stats.slots - pager->stats.used;
    job->active = true;
    enum pgw_status status = pager->ops->start_put(pager, &job->io);
    if (status == PGW_OK)
        return;
    job->active = false;
    s->emptying = true;
    if (status == PGW_NOSWAP)
        assert_true(s->f->backend->kind == BACKEND_ZPOOL || room < job->io.n);
    else
        assert_true(s->faults && status == PGW_NOMEM);
}

/* A page that was put, at random; NULL if there is none. */
static struct held *
script_pick(struct script *s)
{
    return s->used > 0 ? &s->model[base_rng_below(&s->rng, s->used)] : NULL;
}

/* Gets some slots: one after another from a random one, or each at random. */
static void
script_start_get(struct script *s, struct job *job)
{
    struct pager *pager = s->f->pager;
    unsigned want = 1 + (unsigned)base_rng_below(&s->rng, PAGER_RUN_MAX);
    bool scattered = base_rng_below(&s->rng, 2) == 0;
    struct held *held = script_pick(s);

    job->get = true;
    job->io.n = 0;
    while (job->io.n < want && held != NULL) {
        job->keys[job->io.n] = held->key;
        job->io.slots[job->io.n++] = held->slot;
        held = scattered ? script_pick(s) : script_find(s, held->slot + 1);
    }
    if (job->io.n == 0)
        return;
    for (unsigned i = 0; i < job->io.n; i++)
        script_find(s, job->io.slots[i])->reading++;
    job->active = true;
    enum pgw_status status = pager->ops->start_get(pager, &job->io);
    if (status == PGW_OK)
        return;
    assert_true(s->faults && status == PGW_NOMEM);
    job->active = false;
    for (unsigned i = 0; i < job->io.n; i++)
        script_find(s, job->io.slots[i])->reading--;
}

static void
script_forget(struct script *s)
{
    struct pager *pager = s->f->pager;
    struct held *held = script_pick(s);
    if (held == NULL || held->reading != 0)
        return;
    uint64_t slot = held->slot;
    pager->ops->forget(pager, slot);
    *held = s->model[--s->used];
    assert_false(pager->ops->has(pager, slot));
}

static bool
script_in_flight(const struct script *s)
{
    for (unsigned i = 0; i < CONFORM_JOBS; i++)
        if (s->jobs[i].active)
            return true;
    return false;
}

static void
script_step(struct script *s)
{
    struct job *job = &s->jobs[base_rng_below(&s->rng, CONFORM_JOBS)];
    struct pager *pager = s->f->pager;
    uint64_t what = base_rng_below(&s->rng, 8);

    if (what < 3)
        script_forget(s);
    else if (job->active)
        pager->ops->drive(pager, what == 3);
    else if (what < 6)
        script_start_put(s, job);
    else
        script_start_get(s, job);
    for (unsigned i = 0; s->emptying && what < 3 && i < 12; i++)
        script_forget(s);
    if (s->used < s->f->nslots / 8)
        s->emptying = false;
}

static void
script_init(struct script *s, struct fixture *f, bool faults)
{
    memset(s, 0, sizeof *s);
    s->f = f;
    s->next_key = 1;
    s->faults = faults;
    base_rng_init(&s->rng, f->seed);
    uint64_t fail_at = f->env.inject.fail_at[INJECT_FRAME];
    f->env.inject.fail_at[INJECT_FRAME] = 0; /* the pager's frames may fail, not the test's */
    for (unsigned i = 0; i < CONFORM_JOBS; i++) {
        struct job *job = &s->jobs[i];
        job->script = s;
        job->io.done = job_done;
        job->io.ctx = job;
        for (unsigned j = 0; j < PAGER_RUN_MAX; j++) {
            job->io.pages[j] = mem_alloc(&f->env.mem, 0, 0);
            assert_non_null(job->io.pages[j]);
        }
    }
    f->env.inject.fail_at[INJECT_FRAME] = fail_at;
}

/* Everything in flight comes to its end, then every byte is looked at. */
static void
script_fini(struct script *s)
{
    struct pager *pager = s->f->pager;
    while (pager->ops->drive(pager, true) > 0)
        continue;
    assert_false(script_in_flight(s));
    assert_int_equal(pager->stats.used, s->used);
    for (unsigned i = 0; i < CONFORM_JOBS; i++)
        for (unsigned j = 0; j < PAGER_RUN_MAX; j++)
            mem_free(&s->f->env.mem, s->jobs[i].io.pages[j]);
    for (uint64_t slot = 0; slot < s->f->nslots && !s->f->backend->chain; slot++)
        assert_int_equal(pager->ops->has(pager, slot), script_find(s, slot) != NULL);
    for (unsigned i = 0; i < s->used; i++)
        assert_int_equal(pager_rig_get_page(s->f, s->model[i].slot, s->model[i].key), PGW_OK);
    assert_true(pager->ops->check(pager));
}

static void
random_interleavings(void **state)
{
    struct fixture f;
    struct script s;
    pager_rig_begin(&f, state, CONFORM_SLOTS);
    script_init(&s, &f, false);
    for (uint64_t i = test_rounds(20000); i > 0; i--) {
        script_step(&s);
        if (i % 64 == 0)
            assert_true(f.pager->ops->check(f.pager));
    }
    assert_true(f.pager->stats.gets > 1000 && f.pager->stats.puts > 1000);
    assert_true(f.pager->stats.used_peak > CONFORM_SLOTS * 9 / 10); /* the full device is met */
    struct pager_zpool_stats pool;
    if (pager_zpool_stats(f.pager, &pool) && f.backend->prose)
        assert_true(pool.dictionaries > 0);
    script_fini(&s);
    pager_rig_end(&f);
}

/* ---- torture: the n-th try of each kind fails, for every n ---- */

static void
torture_body(void *ctx)
{
    struct fixture *f = ctx;
    struct script s;
    if (pager_rig_open(f, CONFORM_SLOTS) != PGW_OK)
        return;
    script_init(&s, f, true);
    unsigned steps = f->backend->kind == BACKEND_ZPOOL ? 50 : 250; /* compressing takes its time */
    for (unsigned i = 0; i < steps; i++) {
        script_step(&s);
        assert_true(f->pager->ops->check(f->pager));
    }
    while (f->pager->ops->drive(f->pager, true) > 0)
        continue;
    struct base_inject met = f->env.inject;
    memset(&f->env.inject, 0, sizeof f->env.inject); /* the device is sound again */
    script_fini(&s);
    f->env.inject = met;
    pager_rig_close(f);
}

static void
torture_point(void **state, enum base_inject_point point, uint64_t least)
{
    struct fixture f;
    pager_rig_init(&f, state);
    assert_true(test_each_failure(&f.env.inject, point, false, torture_body, &f) >= least);
    assert_true(test_each_failure(&f.env.inject, point, true, torture_body, &f) >= least);
    test_env_fini(&f.env);
}

static void
torture_reads(void **state)
{
    torture_point(state, INJECT_READ, 5);
}

static void
torture_writes(void **state)
{
    torture_point(state, INJECT_WRITE, 5);
}

static void
torture_chunks(void **state)
{
    torture_point(state, INJECT_MAP, 2);
}

static void
torture_objects(void **state)
{
    torture_point(state, INJECT_OBJ, 3);
}

static void
torture_frames(void **state)
{
    torture_point(state, INJECT_FRAME, 20);
}

#define ON_SWAPS(test) ON(test, backend_swap), ON(test, backend_swap_delayed)

#define ON_CHAINS(test) ON(test, backend_chain), ON(test, backend_chain_delayed)

#define ON_ZPOOLS(test)                                                                            \
    ON(test, backend_zpool), ON(test, backend_zpool_swap), ON(test, backend_zpool_delayed)

static const struct CMUnitTest swaps[] = {
    ON_SWAPS(g1_every_length_and_order),
    ON_SWAPS(g1_one_slot_twice),
    ON_SWAPS(g1_flipped_bit_is_corrupt),
    ON_SWAPS(g1_swapped_slots_are_corrupt),
    ON_SWAPS(g1_lost_write_is_corrupt),
    ON_SWAPS(g1_truncated_device_is_corrupt),
    ON_SWAPS(g2_full_device),
    ON_SWAPS(g2_full_disk),
    ON_SWAPS(g2_failed_write_keeps_no_slot),
    ON_SWAPS(g3_forget_frees_the_room),
    ON_SWAPS(g3_nothing_where_nothing_was_put),
    ON_SWAPS(random_interleavings),
    ON_SWAPS(torture_reads),
    ON_SWAPS(torture_writes),
    ON_SWAPS(torture_chunks),
    ON_SWAPS(torture_objects),
};

static const struct CMUnitTest zpools[] = {
    ON_ZPOOLS(g1_every_length_and_order),
    ON_ZPOOLS(g1_one_slot_twice),
    ON_ZPOOLS(g3_forget_frees_the_room),
    ON_ZPOOLS(g3_nothing_where_nothing_was_put),
    ON_ZPOOLS(random_interleavings),
    ON(g1_every_length_and_order, backend_zpool_aside),
    ON(g3_forget_frees_the_room, backend_zpool_aside),
    ON(random_interleavings, backend_zpool_aside),
    ON(random_interleavings, backend_zpool_learns),
    ON(torture_writes, backend_zpool_aside),
    ON(torture_chunks, backend_zpool_aside),
    ON(torture_reads, backend_zpool_swap),
    ON(torture_reads, backend_zpool_delayed),
    ON(torture_writes, backend_zpool_swap),
    ON(torture_writes, backend_zpool_delayed),
    ON_ZPOOLS(torture_chunks),
    ON_ZPOOLS(torture_objects),
    ON_ZPOOLS(torture_frames),
};

static const struct CMUnitTest chains[] = {
    ON_CHAINS(g1_every_length_and_order),
    ON_CHAINS(g1_one_slot_twice),
    ON_CHAINS(g2_full_device),
    ON_CHAINS(g2_failed_write_keeps_no_slot),
    ON_CHAINS(g3_forget_frees_the_room),
    ON_CHAINS(g3_nothing_where_nothing_was_put),
    ON_CHAINS(chain_passes_by),
    ON_CHAINS(chain_uses_what_failed),
    ON_CHAINS(chain_full_disk),
    ON_CHAINS(random_interleavings),
    ON_CHAINS(torture_reads),
    ON_CHAINS(torture_writes),
    ON_CHAINS(torture_chunks),
    ON_CHAINS(torture_objects),
    ON(g1_every_length_and_order, backend_zpool_chain),
    ON(g3_forget_frees_the_room, backend_zpool_chain),
    ON(random_interleavings, backend_zpool_chain),
    ON(torture_reads, backend_zpool_chain),
    ON(torture_writes, backend_zpool_chain),
};

static const struct CMUnitTest remotes[] = {
    ON(g1_every_length_and_order, backend_remote),
    ON(g1_one_slot_twice, backend_remote),
    ON(g1_flipped_bit_is_corrupt, backend_remote),
    ON(g1_swapped_slots_are_corrupt, backend_remote),
    ON(g1_lost_write_is_corrupt, backend_remote),
    ON(g2_full_device, backend_remote),
    ON(g2_failed_write_keeps_no_slot, backend_remote),
    ON(g2_server_gone, backend_remote),
    ON(g3_forget_frees_the_room, backend_remote),
    ON(g3_nothing_where_nothing_was_put, backend_remote),
    ON(random_interleavings, backend_remote),
};

/* Without an argument over swap, with "zpool" over compressed pools, with "chain" over several
 * devices, with "remote" over NBD. */
int
main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "remote") == 0) {
        if (system("nbdkit --version >/dev/null 2>&1") != 0)
            return 77; /* there is no server to try it with: skipped */
        return cmocka_run_group_tests_name("pager remote", remotes, NULL, NULL);
    }
    if (argc > 1 && strcmp(argv[1], "zpool") == 0)
        return cmocka_run_group_tests_name("pager zpool", zpools, NULL, NULL);
    if (argc > 1 && strcmp(argv[1], "chain") == 0)
        return cmocka_run_group_tests_name("pager chain", chains, NULL, NULL);
    return cmocka_run_group_tests_name("pager", swaps, NULL, NULL);
}
