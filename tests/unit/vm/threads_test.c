/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Several threads on one system: each has a space of its own and a part of one that all share, and
 * faults, writes, reads back, evicts, forks, merges, advises and locks, over a swap device that
 * completes later and in any order.  The lock is dropped in every I/O, so all of it interleaves.
 * Made for a build with -Db_sanitize=thread; without, it still finds lost bytes.
 *
 * A thread touches memory with the system's lock held: it stands for a processor whose accesses the
 * core can shut out.
 */
#include "unit/vm/vm_cases.h"

#include <pthread.h>
#include <time.h>

#include "pmap/pmaps.h"
#include "policy/policies.h"
#include "support/delayed_pager.h"
#include "vm/core.h"

#define THREADS 4u
#define OWN 40u   /* pages of each thread's space */
#define SLICE 10u /* pages of the shared space that are one thread's */
#define FILE_PAGES 12u
#define FILE_KEY 7000u
#define FILE_AT (2 * BASE)
#define DATA_PAGES                                                                                 \
    4u /* of the file behind those, each thread's to write through a shared mapping */
#define DATA_AT (3 * BASE)

struct worker {
    struct vm_system *vm;
    struct space *own, *common;
    unsigned id;
    struct base_rng rng;
    uint64_t own_keys[OWN], common_keys[SLICE], data_keys[DATA_PAGES];
    struct space_object *file;
    uint64_t rounds;
    const char *wrong; /* what went wrong first, NULL: nothing */
    pthread_t thread;
};

/* --- a device that takes its time, so that others run while pages are busy --- */

static const struct pager_ops *device;
static struct pager_ops slow_device;

static unsigned
slow_drive(struct pager *pager, bool wait)
{
    struct timespec moment = {.tv_nsec = 20000};

    (void)nanosleep(&moment, NULL);
    return device->drive(pager, wait);
}

static void
make_slow(struct pager *pager)
{
    device = pager->ops;
    slow_device = *device;
    slow_device.drive = slow_drive;
    pager->ops = &slow_device;
}

static bool
translate(struct space *space, uint64_t va, enum access access, struct mem_page **page)
{
    struct vm_space *vm_space = vm_space_of(space);
    prot_t prot;

    return vm_space->system->pmap_ops->extract(vm_space->pmap, va, page, &prot) == PGW_OK &&
           prot_allows(prot, access);
}

/* One page as a processor sees it: written with key's pattern, or compared with it (0: zeros). */
static void
touch(struct worker *worker, struct space *space, uint64_t va, enum access access, uint64_t key)
{
    struct vm_system *vm = worker->vm;
    struct mem_page *page;
    enum space_fault fault = SPACE_FAULT_OK;

    base_lock_take(&vm->lock);
    while (fault == SPACE_FAULT_OK && !translate(space, va, access, &page))
        fault = vm_fault_locked(vm_space_of(space), va, access);
    if (fault != SPACE_FAULT_OK) {
        worker->wrong = fault == SPACE_FAULT_NOMEM ? "a fault found no memory" : "a fault failed";
    } else if (access == ACCESS_WRITE) {
        page->dirty = 1;
        test_page_fill(mem_page_bytes(vm->mem, page), key);
    } else {
        const unsigned char *bytes = mem_page_bytes(vm->mem, page);
        if (key != 0 ? !test_page_is(bytes, key) : !test_page_is_zero(bytes))
            worker->wrong = "a page has other bytes";
    }
    base_lock_drop(&vm->lock);
}

static uint64_t
key_of(struct worker *worker)
{
    return 1 + worker->id + THREADS * base_rng_below(&worker->rng, 1000000);
}

static uint64_t
common_va(const struct worker *worker, uint64_t i)
{
    return BASE + PAGES(worker->id * SLICE + i);
}

static void
step_own(struct worker *worker)
{
    uint64_t i = base_rng_below(&worker->rng, OWN);

    touch(worker, worker->own, BASE + PAGES(i), ACCESS_READ, worker->own_keys[i]);
    if (base_rng_below(&worker->rng, 2) == 0)
        return;
    worker->own_keys[i] = key_of(worker);
    touch(worker, worker->own, BASE + PAGES(i), ACCESS_WRITE, worker->own_keys[i]);
}

static void
step_common(struct worker *worker)
{
    uint64_t i = base_rng_below(&worker->rng, SLICE);

    touch(worker, worker->common, common_va(worker, i), ACCESS_READ, worker->common_keys[i]);
    worker->common_keys[i] = key_of(worker);
    touch(worker, worker->common, common_va(worker, i), ACCESS_WRITE, worker->common_keys[i]);
}

static void
step_file(struct worker *worker)
{
    uint64_t i = base_rng_below(&worker->rng, FILE_PAGES);

    touch(worker, worker->own, FILE_AT + PAGES(i), ACCESS_READ, FILE_KEY + i);
}

/* The child has what the parent had, and neither sees what the other writes then. */
static void
step_fork(struct worker *worker)
{
    bool shared = base_rng_below(&worker->rng, 2) == 0;
    struct space *parent = shared ? worker->common : worker->own;
    uint64_t i = base_rng_below(&worker->rng, SLICE);
    uint64_t va = shared ? common_va(worker, i) : BASE + PAGES(i);
    uint64_t key = shared ? worker->common_keys[i] : worker->own_keys[i];
    struct space *child;

    if (parent->ops->fork(parent, &child) != PGW_OK) {
        worker->wrong = "a fork failed";
        return;
    }
    touch(worker, child, va, ACCESS_WRITE, key_of(worker));
    touch(worker, parent, va, ACCESS_READ, key);
    for (i = 0; i < OWN && !shared; i += 3)
        if (BASE + PAGES(i) != va)
            touch(worker, child, BASE + PAGES(i), ACCESS_READ, worker->own_keys[i]);
    child->ops->destroy(child);
}

/* Evicts one of npages; that it is not there, busy, or its write fails is as good. */
static void
evict_one(struct worker *worker, struct space *space, uint64_t va, uint64_t npages)
{
    enum pgw_status status =
        (space)->ops->evict(space, va + PAGES(base_rng_below(&worker->rng, npages)));

    if (status != PGW_OK && status != PGW_NOTFOUND && status != PGW_AGAIN && status != PGW_NOSWAP &&
        status != PGW_IO)
        worker->wrong = "an eviction failed";
}

/* Its pages of the file, seen by all; written back now and then, and read past the mapping. */
static void
step_data(struct worker *worker)
{
    unsigned char bytes[PAGE_SIZE];
    uint64_t i = base_rng_below(&worker->rng, DATA_PAGES);
    uint64_t at = worker->id * DATA_PAGES + i, va = DATA_AT + PAGES(at);
    size_t done;

    touch(worker, worker->common, va, ACCESS_READ, worker->data_keys[i]);
    worker->data_keys[i] = key_of(worker);
    touch(worker, worker->common, va, ACCESS_WRITE, worker->data_keys[i]);
    if (base_rng_below(&worker->rng, 3) == 0)
        (void)worker->common->ops->sync(worker->common, va, PAGE_SIZE); /* a write may fail */
    if (worker->file->ops->read(worker->file, PAGES(FILE_PAGES + at), bytes, PAGE_SIZE, &done) !=
            PGW_OK ||
        (done == PAGE_SIZE && !test_page_is(bytes, worker->data_keys[i])))
        worker->wrong = "the file has other bytes than its mapping";
    evict_one(worker, worker->common, DATA_AT, THREADS * DATA_PAGES);
}

/* Many pages of equal content, which merging makes one. */
static void
step_equal(struct worker *worker)
{
    for (unsigned n = 0; n < 8; n++) {
        uint64_t i = base_rng_below(&worker->rng, OWN);
        worker->own_keys[i] = 1 + base_rng_below(&worker->rng, 3);
        touch(worker, worker->own, BASE + PAGES(i), ACCESS_WRITE, worker->own_keys[i]);
    }
}

/* What changes nothing that a program sees, done to everybody at once. */
static void
step_services(struct worker *worker)
{
    static const enum space_advice hints[] = {
        SPACE_ADVICE_PAGEOUT, SPACE_ADVICE_WILLNEED, SPACE_ADVICE_COLD, SPACE_ADVICE_NOMERGE};
    enum space_advice hint = hints[base_rng_below(&worker->rng, 4)];

    (void)vm_merge_run(worker->vm, 60);
    if (base_rng_below(&worker->rng, 4) == 0)
        (void)vm_compact(worker->vm);
    (void)worker->own->ops->advise(worker->own, BASE, PAGES(OWN), hint);
    (void)vm_merge_run(worker->vm, 60);
}

/* A locked page stays where it is, and one that is given back is as new. */
static void
step_lock(struct worker *worker)
{
    uint64_t i = base_rng_below(&worker->rng, OWN), va = BASE + PAGES(i);
    struct space *own = worker->own;

    if (own->ops->lock(own, va, PAGE_SIZE, SPACE_LOCK_ONFAULT) == PGW_OK)
        touch(worker, own, va, ACCESS_READ, worker->own_keys[i]);
    (void)vm_reclaim(worker->vm, 4);
    if (own->ops->lock(own, va, PAGE_SIZE, SPACE_UNLOCK) != PGW_OK ||
        own->ops->advise(own, va, PAGE_SIZE, SPACE_ADVICE_DONTNEED) != PGW_OK)
        worker->wrong = "a page could not be unlocked and given back";
    worker->own_keys[i] = 0;
}

static void
step_evict(struct worker *worker)
{
    evict_one(worker, worker->own, BASE, OWN);
    evict_one(worker, worker->common, BASE, SLICE * THREADS);
    evict_one(worker, worker->own, FILE_AT, FILE_PAGES);
    if (base_rng_below(&worker->rng, 4) == 0)
        (void)vm_reclaim(worker->vm, 20);
}

/* One write that comes soon will fail; its pages are put in smaller runs then. */
static void
step_fail(struct worker *worker)
{
    base_lock_take(&worker->vm->lock);
    struct base_inject *inject = worker->vm->alloc->inject;
    inject->fail_at[INJECT_WRITE] =
        inject->tried[INJECT_WRITE] + 1 + base_rng_below(&worker->rng, 3);
    base_lock_drop(&worker->vm->lock);
}

/* Maps a few pages, writes them and takes them away, perhaps while they are being written out. */
static void
step_map(struct worker *worker)
{
    struct space_map_args args = {.len = PAGES(6), .prot = RW};
    uint64_t va;

    if (worker->common->ops->map(worker->common, &args, &va) != PGW_OK) {
        worker->wrong = "a map failed";
        return;
    }
    for (uint64_t i = 0; i < 6; i++)
        touch(worker, worker->common, va + PAGES(i), ACCESS_WRITE, key_of(worker));
    if (worker->common->ops->unmap(worker->common, va, args.len) != PGW_OK)
        worker->wrong = "an unmap failed";
}

static void *
work(void *ctx)
{
    static void (*const steps[])(struct worker * worker) = {step_own, step_own, step_common,
        step_file, step_evict, step_evict, step_fork, step_map, step_fail, step_data, step_data,
        step_equal, step_services, step_lock};
    struct worker *worker = ctx;

    for (uint64_t i = 0; i < worker->rounds && worker->wrong == NULL; i++)
        steps[base_rng_below(&worker->rng, sizeof steps / sizeof steps[0])](worker);
    return NULL;
}

static void
worker_init(struct worker *worker, struct vm_case *c, unsigned id, uint64_t rounds)
{
    struct space_map_args file = {.va = FILE_AT,
        .len = PAGES(FILE_PAGES),
        .prot = RW,
        .flags = SPACE_FIXED,
        .object = c->rig.file};
    uint64_t va;

    *worker = (struct worker){
        .vm = c->rig.vm, .common = c->space, .file = c->rig.file, .id = id, .rounds = rounds};
    for (unsigned i = 0; i < DATA_PAGES; i++)
        worker->data_keys[i] = FILE_KEY + FILE_PAGES + id * DATA_PAGES + i;
    test_rng_init(&worker->rng, id);
    assert_int_equal(vm_space_create(c->rig.vm, &worker->own), PGW_OK);
    vm_case_map(worker->own, BASE, PAGES(OWN));
    assert_int_equal(vm_case_map_args(worker->own, file, &va), PGW_OK);
}

static void
worker_fini(struct worker *worker)
{
    if (worker->wrong != NULL)
        fail_msg("thread %u: %s", worker->id, worker->wrong);
    for (uint64_t i = 0; i < OWN; i++)
        touch(worker, worker->own, BASE + PAGES(i), ACCESS_READ, worker->own_keys[i]);
    for (uint64_t i = 0; i < SLICE; i++)
        touch(worker, worker->common, common_va(worker, i), ACCESS_READ, worker->common_keys[i]);
    for (uint64_t i = 0; i < DATA_PAGES; i++)
        touch(worker, worker->common, DATA_AT + PAGES(worker->id * DATA_PAGES + i), ACCESS_READ,
            worker->data_keys[i]);
    assert_null(worker->wrong);
    worker->own->ops->destroy(worker->own);
}

static void
run(bool delayed, uint64_t frames)
{
    struct vm_rig_config config = {.name = "threads",
        .pmap = &pmap_ref,
        .flat = true,
        .delayed = delayed,
        .policy = &policy_clock,
        .frames = frames,
        .swap_slots = 2048,
        .ahead = 15,
        .around = 16,
        .merge = VM_MERGE_ALL,
        .tlb = "none"};
    struct space_map_args data = {.va = DATA_AT,
        .len = PAGES(THREADS * DATA_PAGES),
        .prot = RW,
        .flags = SPACE_FIXED | SPACE_SHARED,
        .offset = PAGES(FILE_PAGES)};
    uint64_t va;
    struct worker workers[THREADS];
    struct vm_case c;

    vm_case_init_with(&c, &config);
    assert_int_equal(vm_rig_add_file(&c.rig, FILE_PAGES + THREADS * DATA_PAGES, FILE_KEY), PGW_OK);
    if (delayed) {
        make_slow(c.rig.swap);
        c.rig.file->pager = delayed_pager_create(c.rig.file->pager, test_seed());
        c.rig.file->pager->ops = c.rig.swap->ops;
    }
    vm_case_map(c.space, BASE, PAGES(SLICE * THREADS));
    data.object = c.rig.file;
    assert_int_equal(vm_case_map_args(c.space, data, &va), PGW_OK);
    for (unsigned i = 0; i < THREADS; i++)
        worker_init(&workers[i], &c, i, test_rounds(1000));
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
    assert_true(vm_check(c.rig.vm));
    assert_true(vm_case_stats(&c).pages_in > 0 && vm_case_stats(&c).cow > 0);
    for (unsigned i = 0; i < THREADS; i++)
        worker_fini(&workers[i]);
    vm_case_fini(&c);
}

static void
test_slow_device(void **state)
{
    (void)state;
    run(true, 72);
}

static void
test_slow_device_few_frames(void **state)
{
    (void)state;
    run(true, 20);
}

static void
test_fast_device(void **state)
{
    (void)state;
    run(false, 48);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_slow_device),
        cmocka_unit_test(test_slow_device_few_frames), cmocka_unit_test(test_fast_device)};

    return cmocka_run_group_tests_name("vm threads", tests, NULL, NULL);
}
