/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random operations on shared and private mappings of a file and of a memory object, reads and
 * writes of the file, truncation, write-back and eviction, over back ends in lock step with a naive
 * answer: an object is an array of bytes, a mapping shows it or has a page of its own.  At the end
 * the file has the model's bytes.
 */
#include "support/test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pmap/pmaps.h"
#include "policy/policies.h"
#include "support/chaos_pmap.h"
#include "support/vm_rig.h"

#define SPACES 4u
#define WINDOW 48u /* pages of a space that are looked at */
#define OBJECTS 2u
#define FILE_OBJECT 0u
#define OBJECT_PAGES 40u
#define FILE_KEY 5000u
#define BASE ((uint64_t)0x10000000)
#define RIGS 12u

struct object {
    uint64_t len;
    unsigned char bytes[OBJECT_PAGES * PAGE_SIZE];
};

/* A page of the window. */
struct slot {
    bool mapped, shared;
    unsigned object, idx;
    unsigned char *own; /* private, and written: its copy */
};

struct share {
    struct base_rng rng;
    unsigned nrigs;
    struct vm_rig_config configs[RIGS];
    struct vm_rig rigs[RIGS];
    struct space_object *objects[RIGS][OBJECTS];
    struct space *spaces[RIGS][SPACES]; /* NULL: no such space */
    struct object model[OBJECTS];
    struct slot slots[SPACES][WINDOW];
};

static unsigned
pick(struct share *m, unsigned n)
{
    return (unsigned)base_rng_below(&m->rng, n);
}

static uint64_t
va_of(unsigned page)
{
    return BASE + (uint64_t)page * PAGE_SIZE;
}

static void
slot_clear(struct slot *slot)
{
    free(slot->own);
    *slot = (struct slot){.mapped = false};
}

/* The bytes that a mapped page shows; NULL: its object does not reach so far. */
static unsigned char *
slot_bytes(struct share *m, const struct slot *slot)
{
    struct object *object = &m->model[slot->object];

    if (slot->own != NULL)
        return slot->own;
    return (uint64_t)slot->idx * PAGE_SIZE < object->len
               ? object->bytes + (size_t)slot->idx * PAGE_SIZE
               : NULL;
}

static void
op_map(struct share *m, unsigned s)
{
    unsigned page = pick(m, WINDOW), o = pick(m, OBJECTS), first = pick(m, OBJECT_PAGES);
    unsigned n = 1 + pick(m, 10);
    bool shared = pick(m, 3) > 0;
    uint64_t va;

    if (n > WINDOW - page)
        n = WINDOW - page;
    if (n > OBJECT_PAGES - first)
        n = OBJECT_PAGES - first;
    for (unsigned r = 0; r < m->nrigs; r++) {
        struct space_map_args args = {.va = va_of(page),
            .len = (uint64_t)n * PAGE_SIZE,
            .prot = PROT_MASK_R | PROT_MASK_W,
            .flags = SPACE_FIXED | (shared ? SPACE_SHARED : 0),
            .use = SPACE_USE_FILE,
            .object = m->objects[r][o],
            .offset = (uint64_t)first * PAGE_SIZE};
        assert_int_equal(m->spaces[r][s]->ops->map(m->spaces[r][s], &args, &va), PGW_OK);
    }
    for (unsigned i = 0; i < n; i++) {
        slot_clear(&m->slots[s][page + i]);
        m->slots[s][page + i] =
            (struct slot){.mapped = true, .shared = shared, .object = o, .idx = first + i};
    }
}

static void
op_unmap(struct share *m, unsigned s)
{
    unsigned page = pick(m, WINDOW), n = 1 + pick(m, 4);

    for (unsigned r = 0; r < m->nrigs; r++)
        assert_int_equal(
            m->spaces[r][s]->ops->unmap(m->spaces[r][s], va_of(page), (uint64_t)n * PAGE_SIZE),
            PGW_OK);
    for (unsigned i = page; i < page + n && i < WINDOW; i++)
        slot_clear(&m->slots[s][i]);
}

static void
op_fork(struct share *m, unsigned s)
{
    unsigned child = pick(m, SPACES);

    if (m->spaces[0][child] != NULL)
        return;
    for (unsigned r = 0; r < m->nrigs; r++)
        assert_int_equal(m->spaces[r][s]->ops->fork(m->spaces[r][s], &m->spaces[r][child]), PGW_OK);
    for (unsigned i = 0; i < WINDOW; i++) {
        struct slot *slot = &m->slots[child][i];
        *slot = m->slots[s][i];
        if (slot->own == NULL)
            continue;
        slot->own = malloc(PAGE_SIZE);
        assert_non_null(slot->own);
        memcpy(slot->own, m->slots[s][i].own, PAGE_SIZE);
    }
}

static void
space_end(struct share *m, unsigned s)
{
    for (unsigned i = 0; i < WINDOW; i++)
        slot_clear(&m->slots[s][i]);
    for (unsigned r = 0; r < m->nrigs; r++) {
        m->spaces[r][s]->ops->destroy(m->spaces[r][s]);
        m->spaces[r][s] = NULL;
    }
}

static void
op_end(struct share *m, unsigned s)
{
    for (unsigned i = 0; i < SPACES; i++)
        if (i != s && m->spaces[0][i] != NULL) {
            space_end(m, s);
            return;
        }
}

static void
op_load(struct share *m, unsigned s)
{
    unsigned page = pick(m, WINDOW), at = pick(m, PAGE_SIZE);
    const struct slot *slot = &m->slots[s][page];
    const unsigned char *bytes = slot->mapped ? slot_bytes(m, slot) : NULL;
    enum space_fault want = !slot->mapped   ? SPACE_FAULT_MAPERR
                            : bytes == NULL ? SPACE_FAULT_BUS
                                            : SPACE_FAULT_OK;

    if (bytes != NULL && slot->own == NULL &&
        (uint64_t)slot->idx * PAGE_SIZE + at >= m->model[slot->object].len)
        return; /* past the end in its page: nobody's */
    for (unsigned r = 0; r < m->nrigs; r++) {
        unsigned char byte = 0;
        assert_int_equal(vm_rig_load(&m->rigs[r], m->spaces[r][s], va_of(page) + at, &byte), want);
        if (bytes != NULL && byte != bytes[at])
            fail_msg("%s: %u, not %u", m->configs[r].name, byte, bytes[at]);
    }
}

static void
op_store(struct share *m, unsigned s)
{
    unsigned page = pick(m, WINDOW), at = pick(m, PAGE_SIZE);
    struct slot *slot = &m->slots[s][page];
    unsigned char *bytes = slot->mapped ? slot_bytes(m, slot) : NULL;
    unsigned char value = (unsigned char)(1 + pick(m, 255));
    enum space_fault want = !slot->mapped   ? SPACE_FAULT_MAPERR
                            : bytes == NULL ? SPACE_FAULT_BUS
                                            : SPACE_FAULT_OK;

    if (bytes != NULL &&
        ((uint64_t)slot->idx + (slot->own == NULL)) * PAGE_SIZE > m->model[slot->object].len)
        return; /* a page that the end lies in */
    for (unsigned r = 0; r < m->nrigs; r++)
        assert_int_equal(vm_rig_store(&m->rigs[r], m->spaces[r][s], va_of(page) + at, value), want);
    if (bytes == NULL)
        return;
    if (!slot->shared && slot->own == NULL) {
        slot->own = malloc(PAGE_SIZE);
        assert_non_null(slot->own);
        memcpy(slot->own, bytes, PAGE_SIZE);
        bytes = slot->own;
    }
    bytes[at] = value;
}

/* The file or memory becomes longer or shorter; the file on the host, too. */
static void
op_resize(struct share *m, unsigned s)
{
    unsigned o = pick(m, OBJECTS);
    uint64_t len = (uint64_t)(1 + pick(m, OBJECT_PAGES)) * PAGE_SIZE;
    struct object *object = &m->model[o];

    (void)s;
    if (o == FILE_OBJECT && pick(m, 2) == 0)
        len -= pick(m, PAGE_SIZE);
    for (unsigned r = 0; r < m->nrigs; r++) {
        if (o == FILE_OBJECT)
            assert_int_equal(ftruncate(m->rigs[r].file_fd, (off_t)len), 0);
        assert_int_equal(m->objects[r][o]->ops->resize(m->objects[r][o], len), PGW_OK);
    }
    if (len < object->len)
        memset(object->bytes + len, 0, sizeof object->bytes - len);
    object->len = len;
    for (unsigned i = 0; i < SPACES * WINDOW; i++) {
        struct slot *slot = &m->slots[i / WINDOW][i % WINDOW];
        if (slot->object != o || slot->own == NULL || (uint64_t)slot->idx * PAGE_SIZE < len)
            continue;
        free(slot->own); /* a copy of what is gone is gone, too */
        slot->own = NULL;
    }
}

/* read(2), as the personality does it. */
static void
op_read(struct share *m, unsigned s)
{
    static unsigned char buf[5 * PAGE_SIZE];
    const struct object *object = &m->model[FILE_OBJECT];
    uint64_t offset = base_rng_below(&m->rng, object->len);
    size_t len = 1 + pick(m, sizeof buf);

    (void)s;
    if (len > object->len - offset)
        len = (size_t)(object->len - offset);
    for (unsigned r = 0; r < m->nrigs; r++) {
        struct space_object *file = m->objects[r][FILE_OBJECT];
        size_t done;
        assert_int_equal(file->ops->read(file, offset, buf, len, &done), PGW_OK);
        ssize_t rest = pread(m->rigs[r].file_fd, buf + done, len - done, (off_t)(offset + done));
        assert_int_equal(rest, len - done);
        file->ops->overlay(file, offset + done, buf + done, len - done);
        if (memcmp(buf, object->bytes + offset, len) != 0)
            fail_msg(
                "%s: a read of %zu at %llu", m->configs[r].name, len, (unsigned long long)offset);
    }
}

static void
op_write(struct share *m, unsigned s)
{
    static unsigned char buf[3 * PAGE_SIZE];
    struct object *object = &m->model[FILE_OBJECT];
    uint64_t offset = base_rng_below(&m->rng, object->len);
    size_t len = 1 + pick(m, sizeof buf);

    (void)s;
    if (len > object->len - offset)
        len = (size_t)(object->len - offset);
    for (size_t i = 0; i < len; i++)
        buf[i] = (unsigned char)base_rng_next(&m->rng);
    memcpy(object->bytes + offset, buf, len);
    for (unsigned r = 0; r < m->nrigs; r++) {
        struct space_object *file = m->objects[r][FILE_OBJECT];
        assert_int_equal(pwrite(m->rigs[r].file_fd, buf, len, (off_t)offset), len);
        file->ops->write(file, offset, buf, len);
    }
}

static void
op_writeback(struct share *m, unsigned s)
{
    unsigned page = pick(m, WINDOW), how = pick(m, 3);

    for (unsigned r = 0; r < m->nrigs; r++) {
        struct space *space = m->spaces[r][s];
        enum pgw_status status = PGW_OK;
        if (how == 0)
            status = space->ops->sync(space, va_of(page), PAGE_SIZE * (WINDOW - page));
        else if (how == 1)
            status = vm_writeback(m->rigs[r].vm);
        else
            status = space->ops->evict(space, va_of(page));
        assert_true(status == PGW_OK || status == PGW_NOTFOUND || status == PGW_AGAIN);
        (void)vm_reclaim(m->rigs[r].vm, how == 2 ? page : 0);
    }
}

/* Pages of one mapping after the other: holes end an advice or a lock. */
static void
lock_window(struct share *m, unsigned s, unsigned page, unsigned n, enum space_lock how)
{
    for (unsigned i = page; i < page + n && i < WINDOW; i++)
        for (unsigned r = 0; r < m->nrigs && m->slots[s][i].mapped; r++)
            assert_int_equal(
                m->spaces[r][s]->ops->lock(m->spaces[r][s], va_of(i), PAGE_SIZE, how), PGW_OK);
}

/* Few pages stay, and not for long: locking changes nothing that can be seen. */
static void
op_lock(struct share *m, unsigned s)
{
    unsigned page = pick(m, WINDOW);

    for (unsigned i = 0; i < SPACES; i++)
        if (m->spaces[0][i] != NULL)
            lock_window(m, i, 0, WINDOW, SPACE_UNLOCK);
    if (pick(m, 3) > 0)
        lock_window(m, s, page, 5, pick(m, 2) ? SPACE_LOCK_NOW : SPACE_LOCK_ONFAULT);
}

/* A private page is as its object has it again, one of shared memory is a hole for all. */
static void
slot_renew(struct share *m, struct slot *slot, enum space_advice advice)
{
    if (advice == SPACE_ADVICE_DONTNEED) {
        free(slot->own);
        slot->own = NULL;
    } else if (advice == SPACE_ADVICE_REMOVE && slot_bytes(m, slot) != NULL) {
        memset(slot_bytes(m, slot), 0, PAGE_SIZE);
    }
}

static void
op_advise(struct share *m, unsigned s)
{
    static const enum space_advice kinds[] = {SPACE_ADVICE_COLD, SPACE_ADVICE_PAGEOUT,
        SPACE_ADVICE_PAGEOUT, SPACE_ADVICE_WILLNEED, SPACE_ADVICE_DONTNEED, SPACE_ADVICE_REMOVE};
    enum space_advice advice = kinds[pick(m, sizeof kinds / sizeof kinds[0])];
    unsigned page = pick(m, WINDOW), end = page + 1 + pick(m, 6);

    for (unsigned i = page; i < end && i < WINDOW; i++) {
        struct slot *slot = &m->slots[s][i];
        if (!slot->mapped ||
            (advice == SPACE_ADVICE_REMOVE && (!slot->shared || slot->object == FILE_OBJECT)))
            continue;
        lock_window(m, s, i, 1, SPACE_UNLOCK);
        for (unsigned r = 0; r < m->nrigs; r++)
            assert_int_equal(
                m->spaces[r][s]->ops->advise(m->spaces[r][s], va_of(i), PAGE_SIZE, advice), PGW_OK);
        slot_renew(m, slot, advice);
    }
}

/* Merging, compaction, a second mapping of what is shared: nothing is different after it. */
static void
op_services(struct share *m, unsigned s)
{
    unsigned page = pick(m, WINDOW), how = pick(m, 4);
    const struct slot *slot = &m->slots[s][page];

    for (unsigned r = 0; r < m->nrigs; r++) {
        struct space *space = m->spaces[r][s];
        uint64_t va = 0;
        if (how == 0)
            (void)vm_merge_run(m->rigs[r].vm, 200);
        else if (how == 1)
            (void)vm_compact(m->rigs[r].vm);
        else if (how == 2)
            assert_int_equal(vm_group_join(space, page % 2), PGW_OK);
        else if (slot->mapped && slot->shared) {
            assert_int_equal(
                space->ops->remap(space, va_of(page), 0, PAGE_SIZE, true, 0, &va), PGW_OK);
            assert_int_equal(space->ops->unmap(space, va, PAGE_SIZE), PGW_OK);
        }
    }
}

/* What is shared is mapped a second time, over something else. */
static void
op_again(struct share *m, unsigned s)
{
    unsigned page = pick(m, WINDOW), to = pick(m, WINDOW);
    const struct slot *slot = &m->slots[s][page];

    if (!slot->mapped || !slot->shared || page == to)
        return;
    for (unsigned r = 0; r < m->nrigs; r++) {
        struct space *space = m->spaces[r][s];
        uint64_t va = va_of(to);
        assert_int_equal(
            space->ops->remap(space, va_of(page), 0, PAGE_SIZE, true, SPACE_FIXED, &va), PGW_OK);
    }
    slot_clear(&m->slots[s][to]);
    m->slots[s][to] = *slot;
}

static void
share_step(struct share *m)
{
    static const struct {
        void (*op)(struct share *m, unsigned s);
        unsigned weight;
    } ops[] = {{op_map, 6}, {op_unmap, 2}, {op_fork, 2}, {op_end, 1}, {op_load, 30}, {op_store, 30},
        {op_resize, 1}, {op_read, 4}, {op_write, 3}, {op_writeback, 4}, {op_lock, 2},
        {op_advise, 4}, {op_services, 3}, {op_again, 2}};
    unsigned total = 0, s;
    size_t i;

    do
        s = pick(m, SPACES);
    while (m->spaces[0][s] == NULL);
    for (i = 0; i < sizeof ops / sizeof ops[0]; i++)
        total += ops[i].weight;
    unsigned at = pick(m, total);
    for (i = 0; at >= ops[i].weight; i++)
        at -= ops[i].weight;
    ops[i].op(m, s);
}

static void
share_add(struct share *m, const struct backend *backend, bool chaos)
{
    static const struct policy_ops *const policies[] = {&policy_clock, &policy_lru, &policy_fifo,
        &policy_random, &policy_arc, &policy_twoq, &policy_lirs, &policy_pff, &policy_lfu,
        &policy_mru, &policy_nru, &policy_wsclock, &policy_aging, &policy_slru, &policy_adaptive,
        &policy_s3fifo, &policy_car, &policy_mglru, &policy_clockpro, &policy_sieve,
        &policy_wtinylfu};
    const unsigned npolicies = sizeof policies / sizeof policies[0];
    unsigned r = m->nrigs++;

    m->configs[r] = (struct vm_rig_config){.name = backend->name,
        .pmap = chaos ? chaos_pmap_ops(backend->pmap) : backend->pmap,
        .flat = backend->create_mmu == NULL,
        .chaos = chaos,
        .delayed = r % 2 == 1,
        .policy = policies[r % npolicies],
        .frames = 56 + 8 * backend_root_frames(backend) + (r % 4 == 2 ? 12 : 0),
        .swap_slots = 2000,
        .pool = r % 4 == 2 ? 12 : 0,
        .merge = VM_MERGE_ALL,
        .tlb = "none",
        .ahead = r % 3 == 0 ? 15 : 0,
        .around = r % 2 == 0 ? 16 : 0,
        .backend = backend};
}

static void
share_init(struct share *m, uint64_t salt)
{
    memset(m, 0, sizeof *m);
    test_rng_init(&m->rng, salt);
    share_add(m, &backend_ref, false);
    share_add(m, &backend_ref, true);
    for (size_t i = 0; m->nrigs + 1 < RIGS && backend_at(salt + i) != NULL; i++)
        share_add(m, backend_at(salt + i), i % 2 == 1);
    for (unsigned i = 0; i < OBJECT_PAGES; i++)
        test_page_fill(m->model[FILE_OBJECT].bytes + (size_t)i * PAGE_SIZE, FILE_KEY + i);
    for (unsigned o = 0; o < OBJECTS; o++)
        m->model[o].len = OBJECT_PAGES * PAGE_SIZE;
    for (unsigned r = 0; r < m->nrigs; r++) {
        vm_rig_init(&m->rigs[r], &m->configs[r]);
        assert_int_equal(vm_rig_add_file(&m->rigs[r], OBJECT_PAGES, FILE_KEY), PGW_OK);
        m->objects[r][FILE_OBJECT] = m->rigs[r].file;
        assert_int_equal(
            vm_object_create_memory(m->rigs[r].vm, OBJECT_PAGES * PAGE_SIZE, &m->objects[r][1]),
            PGW_OK);
        assert_int_equal(vm_space_create(m->rigs[r].vm, &m->spaces[r][0]), PGW_OK);
        unsigned id;
        assert_int_equal(vm_group_create(m->rigs[r].vm, "small", 24, &id), PGW_OK);
    }
}

static void
share_check(struct share *m)
{
    for (unsigned r = 0; r < m->nrigs; r++)
        if (!vm_check(m->rigs[r].vm))
            fail_msg("invariants broken: %s", m->configs[r].name);
}

static void
share_fini(struct share *m)
{
    static unsigned char got[sizeof m->model[0].bytes];

    for (unsigned s = 0; s < SPACES; s++)
        if (m->spaces[0][s] != NULL)
            space_end(m, s);
    for (unsigned r = 0; r < m->nrigs; r++) {
        struct vm_stats stats;
        m->objects[r][1]->ops->release(m->objects[r][1]);
        assert_int_equal(vm_writeback(m->rigs[r].vm), PGW_OK);
        ssize_t n = pread(m->rigs[r].file_fd, got, sizeof got, 0);
        assert_int_equal(n, m->model[FILE_OBJECT].len);
        assert_memory_equal(got, m->model[FILE_OBJECT].bytes, (size_t)n);
        vm_stats(m->rigs[r].vm, &stats);
        assert_int_equal(stats.writeback_lost, 0);
        if (stats.written_back == 0 || stats.pages_out == 0 || stats.truncated == 0 ||
            stats.cache_hits == 0 || stats.cow == 0)
            fail_msg("too little happened: %s", m->configs[r].name);
        vm_rig_fini(&m->rigs[r]);
    }
}

static void
shared_in_lock_step(void **state)
{
    struct share *m = malloc(sizeof *m);
    uint64_t rounds = test_rounds(8000);

    (void)state;
    assert_non_null(m);
    for (uint64_t salt = 1; salt <= 3; salt++) {
        share_init(m, salt);
        for (uint64_t i = 0; i < rounds; i++) {
            share_step(m);
            if (i % 1000 == 999)
                share_check(m);
        }
        share_fini(m);
    }
    free(m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(shared_in_lock_step)};

    return cmocka_run_group_tests_name("model of sharing", tests, NULL, NULL);
}
