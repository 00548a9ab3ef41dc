/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The model suite: random operations on up to MODEL_SPACES spaces, done to the naive VM and to
 * every back end in lock step.  Every answer must be the same, every byte that is read must be the
 * model's, and the core's invariants must hold on the way and at the end.  The RAM is a fraction of
 * what the spaces hold, so pages go to swap and come back all the time.
 */
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

#include "model/naive.h"
#include "pmap/pmaps.h"
#include "policy/policies.h"
#include "support/chaos_pmap.h"
#include "support/vm_rig.h"

#define MODEL_SPACES 5u
#define FILE_PAGES 24u
#define FILE_KEY 1000000u
#define FRAMES 64u
#define SLOTS 4096u
#define LOCKED_MOST 8u /* they are taken from everybody */
#define HUGE_ORDER                                                                                 \
    4u /* 64 KiB, for back ends that have it: 2 MiB do not fit into so little RAM                  \
        */

#define RIGS_MOST 48u

/* The variety that the back ends take turns with. */
static const struct variety {
    const struct policy_ops *policy;
    bool delayed;
    const char *tlb;
    unsigned ahead, around;
    uint64_t pool; /* frames of a compressed pool */
    unsigned devices;
} varieties[] = {
    {&policy_clock, false, "none", 0, 16, 0, 1},
    {&policy_lru, false, "l1=16:4,l2=64:4", 15, 0, 16, 1},
    {&policy_fifo, true, "l1=8:2", 31, 64, 24, 2},
    {&policy_random, false, "l1=64:4,l2=512:8", 2, 8, 0, 3},
    {&policy_arc, true, "none", 4, 1, 0, 2},
};
#define VARIETIES (sizeof varieties / sizeof varieties[0])

struct model {
    struct base_rng rng;
    struct vm_rig_config configs[RIGS_MOST];
    unsigned nrigs;
    struct vm_rig rigs[RIGS_MOST];
    uint64_t bases[RIGS_MOST];         /* of the window; across a table boundary */
    struct naive *naive[MODEL_SPACES]; /* NULL: no such space */
    struct space *spaces[RIGS_MOST][MODEL_SPACES];
    int origins;
    unsigned huge, compacted, reserved; /* rigs in which that happened */
    unsigned locked;                    /* pages, at the most */
};

/*
 * RAM for a back end: FRAMES that pages and tables compete for, and what it must have beyond that
 * for MODEL_SPACES spaces: the tables that a deeper tree has in each (the window lies across a
 * boundary of all levels), and roots of more than a frame, with one more for what is between them.
 */
static uint64_t
model_frames(const struct backend *backend)
{
    uint64_t root = backend_root_frames(backend);
    uint64_t deeper = 0;

    if (backend->format != NULL && backend->format->levels > 3)
        deeper = 2ull * (backend->format->levels - 3);
    return FRAMES + (deeper + (root > 1 ? root : 0)) * (MODEL_SPACES + 1);
}

static void
model_add(struct model *model, const struct backend *backend, uint64_t salt, bool chaos)
{
    unsigned r = model->nrigs++;
    const struct variety *variety = &varieties[(r + salt) % VARIETIES];
    const struct pmap_ops *pmap = chaos ? chaos_pmap_ops(backend->pmap) : backend->pmap;

    assert_true(r < RIGS_MOST);
    assert_non_null(pmap);
    model->configs[r] = (struct vm_rig_config){.name = backend->name,
        .pmap = pmap,
        .flat = backend->create_mmu == NULL,
        .chaos = chaos,
        .delayed = variety->delayed,
        .policy = variety->policy,
        .frames = model_frames(backend) + variety->pool,
        .pool = variety->pool,
        .swap_slots = SLOTS,
        .devices = variety->devices,
        .merge = VM_MERGE_ALL,
        .tlb = variety->tlb,
        .ahead = variety->ahead,
        .around = variety->around,
        .huge = (enum vm_huge_mode)((r + salt) % 3),
        .huge_alloc = (enum vm_huge_alloc)((r + salt) / 3 % 3),
        .huge_order = HUGE_ORDER,
        .backend = backend};
}

/* Every back end, with and without chaos; with another variety each time. */
static void
model_configure(struct model *model, uint64_t salt)
{
    const struct backend *backend;

    model->nrigs = 0;
    model_add(model, &backend_ref, salt, false);
    model_add(model, &backend_ref, salt, true);
    for (size_t i = 0; (backend = backend_at(i)) != NULL; i++) {
        model_add(model, backend, salt, false);
        model_add(model, backend, salt, true);
    }
}

static unsigned
pick(struct model *model, unsigned n)
{
    return (unsigned)base_rng_below(&model->rng, n);
}

static uint64_t
va_of(const struct model *model, unsigned r, unsigned page)
{
    return model->bases[r] + (uint64_t)page * PAGE_SIZE;
}

/* Some pages of the window: [*page, *page + *n). */
static void
pick_range(struct model *model, unsigned *page, unsigned *n)
{
    *page = pick(model, NAIVE_PAGES);
    *n = 1 + pick(model, pick(model, 4) == 0 ? NAIVE_PAGES : 12);
    if (*page + *n > NAIVE_PAGES)
        *n = NAIVE_PAGES - *page;
}

static prot_t
pick_prot(struct model *model)
{
    static const prot_t prots[] = {PROT_MASK_R | PROT_MASK_W, PROT_MASK_R | PROT_MASK_W,
        PROT_MASK_R | PROT_MASK_W, PROT_MASK_R, PROT_MASK_R | PROT_MASK_X, PROT_MASK_ALL,
        PROT_MASK_NONE, PROT_MASK_W};

    return prots[pick(model, 8)];
}

static void
op_map(struct model *model, unsigned s)
{
    unsigned page, n;
    prot_t prot = pick_prot(model);
    bool file = pick(model, 3) == 0;
    bool noreplace = pick(model, 3) == 0;

    pick_range(model, &page, &n);
    unsigned first = file ? pick(model, FILE_PAGES) : 0;
    if (file && first + n > FILE_PAGES)
        n = FILE_PAGES - first;
    bool clash = noreplace && !naive_is_free(model->naive[s], page, n);
    for (unsigned r = 0; r < model->nrigs; r++) {
        struct space_map_args args = {.va = va_of(model, r, page),
            .len = (uint64_t)n * PAGE_SIZE,
            .prot = prot,
            .flags = SPACE_FIXED | (noreplace ? SPACE_NOREPLACE : 0),
            .use = file ? SPACE_USE_FILE : SPACE_USE_ANON,
            .object = file ? model->rigs[r].file : NULL,
            .offset = (uint64_t)first * PAGE_SIZE};
        uint64_t va = 0;
        enum pgw_status status = model->spaces[r][s]->ops->map(model->spaces[r][s], &args, &va);
        assert_int_equal(status, clash ? PGW_EXIST : PGW_OK);
        if (!clash)
            assert_true(va == va_of(model, r, page));
    }
    if (!clash)
        naive_map(model->naive[s], page, n, prot, ++model->origins, file ? FILE_KEY + first : 0);
}

static void
op_unmap(struct model *model, unsigned s)
{
    unsigned page, n;

    pick_range(model, &page, &n);
    for (unsigned r = 0; r < model->nrigs; r++)
        assert_int_equal(model->spaces[r][s]->ops->unmap(
                             model->spaces[r][s], va_of(model, r, page), (uint64_t)n * PAGE_SIZE),
            PGW_OK);
    naive_unmap(model->naive[s], page, n);
}

static void
op_protect(struct model *model, unsigned s)
{
    unsigned page, n;
    prot_t prot = pick_prot(model);

    pick_range(model, &page, &n);
    bool ok = naive_protect(model->naive[s], page, n, prot);
    for (unsigned r = 0; r < model->nrigs; r++)
        assert_int_equal(model->spaces[r][s]->ops->protect(model->spaces[r][s],
                             va_of(model, r, page), (uint64_t)n * PAGE_SIZE, prot),
            ok ? PGW_OK : PGW_NOTFOUND);
}

/* Locks or unlocks a stretch in all rigs; false: in some there was too little RAM for that. */
static bool
lock_all(struct model *model, unsigned s, unsigned page, unsigned n, enum space_lock how)
{
    bool hole = !naive_is_mapped(model->naive[s], page, n), done = true;

    for (unsigned r = 0; r < model->nrigs; r++) {
        struct space *space = model->spaces[r][s];
        enum pgw_status status =
            space->ops->lock(space, va_of(model, r, page), (uint64_t)n * PAGE_SIZE, how);
        if (how != SPACE_UNLOCK && status == PGW_NORAM)
            done = false;
        else
            assert_int_equal(status, hole ? PGW_NOTFOUND : PGW_OK);
    }
    return done;
}

/* Each mapped page by itself: holes stop an unlock. */
static void
unlock_pages(struct model *model, unsigned s, unsigned page, unsigned n)
{
    for (unsigned i = page; i < page + n; i++)
        if (model->naive[s]->pages[i].mapped)
            (void)lock_all(model, s, i, 1, SPACE_UNLOCK);
}

/* Locking changes nothing that can be seen. */
static void
op_lock(struct model *model, unsigned s)
{
    static const enum space_lock ways[] = {SPACE_LOCK_NOW, SPACE_LOCK_ONFAULT, SPACE_UNLOCK};
    enum space_lock how = ways[pick(model, 3)];
    unsigned page, n;

    pick_range(model, &page, &n);
    if (how == SPACE_UNLOCK || model->locked + n > LOCKED_MOST) {
        for (unsigned i = 0; i < MODEL_SPACES; i++)
            if (model->naive[i] != NULL)
                unlock_pages(model, i, 0, NAIVE_PAGES);
        model->locked = 0;
    } else {
        model->locked += n;
        if (!lock_all(model, s, page, n, how))
            unlock_pages(model, s, page, n);
    }
}

static void
advise_all(struct model *model, unsigned s, unsigned page, unsigned n, enum space_advice advice)
{
    for (unsigned r = 0; r < model->nrigs; r++) {
        struct space *space = model->spaces[r][s];
        enum pgw_status status =
            space->ops->advise(space, va_of(model, r, page), (uint64_t)n * PAGE_SIZE, advice);
        assert_int_equal(status, PGW_OK);
    }
}

/* Advice page by page, where anything is mapped. */
static void
op_advise(struct model *model, unsigned s)
{
    static const enum space_advice kinds[] = {SPACE_ADVICE_RANDOM, SPACE_ADVICE_SEQUENTIAL,
        SPACE_ADVICE_NORMAL, SPACE_ADVICE_COLD, SPACE_ADVICE_PAGEOUT, SPACE_ADVICE_WILLNEED,
        SPACE_ADVICE_DONTFORK, SPACE_ADVICE_DOFORK, SPACE_ADVICE_WIPEONFORK,
        SPACE_ADVICE_KEEPONFORK, SPACE_ADVICE_DONTNEED, SPACE_ADVICE_DROP};
    enum space_advice advice = kinds[pick(model, sizeof kinds / sizeof kinds[0])];
    unsigned page, n;

    pick_range(model, &page, &n);
    if (advice != SPACE_ADVICE_DROP) /* the others are refused */
        unlock_pages(model, s, page, n);
    for (unsigned i = page; i < page + n; i++) {
        struct naive_page *at = &model->naive[s]->pages[i];
        unsigned run = 1;
        if (!at->mapped || (advice == SPACE_ADVICE_WIPEONFORK && at->fill != 0))
            continue;
        while (advice != SPACE_ADVICE_WIPEONFORK && i + run < page + n && at[run].mapped)
            run++;
        advise_all(model, s, i, run, advice);
        for (unsigned j = 0; j < run; j++) {
            at[j].unforked = advice == SPACE_ADVICE_DONTFORK ||
                             (at[j].unforked && advice != SPACE_ADVICE_DOFORK);
            at[j].wipe = advice == SPACE_ADVICE_WIPEONFORK ||
                         (at[j].wipe && advice != SPACE_ADVICE_KEEPONFORK);
        }
        if (advice == SPACE_ADVICE_DONTNEED || advice == SPACE_ADVICE_DROP)
            naive_renew(model->naive[s], i, run);
        i += run - 1;
    }
}

/* A page that was given up and written once more has the byte, and else what it had, or zeros. */
static void
expect_given_up(struct model *model, unsigned s, unsigned page, unsigned at, unsigned char byte)
{
    unsigned char got[PAGE_SIZE], old[PAGE_SIZE], zeros[PAGE_SIZE] = {0};

    memcpy(old, model->naive[s]->pages[page].bytes, PAGE_SIZE);
    old[at] = zeros[at] = byte;
    for (unsigned r = 0; r < model->nrigs; r++) {
        assert_int_equal(
            space_read(model->spaces[r][s], va_of(model, r, page), got, PAGE_SIZE, NULL),
            SPACE_FAULT_OK);
        if (memcmp(got, old, PAGE_SIZE) != 0 && memcmp(got, zeros, PAGE_SIZE) != 0)
            fail_msg("%s: neither kept nor dropped", model->configs[r].name);
    }
}

/* Memory may be dropped until it is written again, and not after that. */
static void
op_give_up(struct model *model, unsigned s)
{
    unsigned page = pick(model, NAIVE_PAGES), at = pick(model, PAGE_SIZE), what = pick(model, 5);
    const struct naive_page *naive = &model->naive[s]->pages[page];
    unsigned char byte = (unsigned char)(1 + pick(model, 255)), bytes[PAGE_SIZE];

    if (!naive->mapped || naive->fill != 0 || (naive->prot & PROT_MASK_W) == 0)
        return;
    unlock_pages(model, s, page, 1);
    advise_all(model, s, page, 1, SPACE_ADVICE_FREE);
    for (unsigned r = 0; r < model->nrigs; r++) {
        struct vm_system *vm = model->rigs[r].vm;
        uint64_t va = va_of(model, r, page);
        if (what == 1)
            (void)vm_reclaim(vm, 8);
        if (what == 2)
            vm_huge_run(vm);
        if (what == 3)
            (void)vm_compact(vm);
        assert_int_equal(
            vm_rig_store(&model->rigs[r], model->spaces[r][s], va + at, byte), SPACE_FAULT_OK);
        if (what != 4)
            (void)vm_reclaim(vm, 8);
    }
    expect_given_up(model, s, page, at, byte);
    test_page_fill(bytes, 10 + pick(model, 1000));
    for (unsigned r = 0; r < model->nrigs; r++)
        assert_int_equal(
            space_write(model->spaces[r][s], va_of(model, r, page), bytes, PAGE_SIZE, NULL),
            SPACE_FAULT_OK);
    memcpy(model->naive[s]->pages[page].bytes, bytes, PAGE_SIZE);
}

/* What populate must say: the first page that cannot be accessed. */
static enum pgw_status
populate_want(const struct naive *naive, unsigned page, unsigned n, bool write)
{
    for (unsigned i = page; i < page + n; i++) {
        enum access access = write ? ACCESS_WRITE : ACCESS_READ;
        if (!naive->pages[i].mapped)
            return PGW_NOTFOUND;
        if (!write && naive->pages[i].prot == PROT_MASK_X)
            access = ACCESS_EXEC;
        if (naive_access(naive, (uint64_t)i * PAGE_SIZE, access) != SPACE_FAULT_OK)
            return PGW_ACCESS;
    }
    return PGW_OK;
}

static void
op_populate(struct model *model, unsigned s)
{
    bool write = pick(model, 2) == 0;
    unsigned page, n;

    pick_range(model, &page, &n);
    enum pgw_status want = populate_want(model->naive[s], page, n, write);
    for (unsigned r = 0; r < model->nrigs; r++) {
        struct space *space = model->spaces[r][s];
        assert_int_equal(
            space->ops->populate(space, va_of(model, r, page), (uint64_t)n * PAGE_SIZE, write),
            want);
    }
}

/* Moves a uniform stretch to a free place of the window; or its pages, and it stays as new. */
static void
op_remap(struct model *model, unsigned s)
{
    unsigned page, n, to, new_n;
    struct naive *naive = model->naive[s];

    pick_range(model, &page, &n);
    pick_range(model, &to, &new_n);
    if (n > 8 || !naive_is_uniform(naive, page, n) || !naive_is_free(naive, to, new_n))
        return;
    struct space_region region;
    assert_true(
        model->spaces[0][s]->ops->find(model->spaces[0][s], va_of(model, 0, page), &region));
    if (region.object != NULL)
        return; /* growing a file's mapping would show more of the file */
    bool keep = pick(model, 3) == 0;
    if (keep)
        new_n = n;
    if (to + new_n > NAIVE_PAGES || !naive_is_free(naive, to, new_n))
        return;
    if (new_n > n) /* or there could be too little RAM for it */
        unlock_pages(model, s, page, n);
    (void)model->spaces[0][s]->ops->find(model->spaces[0][s], va_of(model, 0, page), &region);
    /* One mapping, unless parts of it were advised, locked or promised differently. */
    bool one = region.end >= va_of(model, 0, page + n);
    enum pgw_status want = PGW_OK;
    for (unsigned r = 0; r < model->nrigs; r++) {
        uint64_t va = va_of(model, r, to);
        struct space *space = model->spaces[r][s];
        enum pgw_status status =
            space->ops->remap(space, va_of(model, r, page), (uint64_t)n * PAGE_SIZE,
                (uint64_t)new_n * PAGE_SIZE, true, SPACE_FIXED | (keep ? SPACE_KEEP : 0), &va);
        if (r == 0 && !one && status == PGW_NOTFOUND)
            want = status;
        assert_int_equal(status, want);
        assert_true(va == va_of(model, r, to));
    }
    if (want != PGW_OK)
        return;
    naive_move(naive, page, n, to, new_n);
    if (keep) {
        for (unsigned i = page; i < page + n; i++)
            naive->pages[i].mapped = true;
        naive_renew(naive, page, n);
    }
}

/* Which group a space belongs to, and what its limit is, changes nothing that can be seen. */
static void
op_join(struct model *model, unsigned s)
{
    unsigned group = pick(model, 3);

    for (unsigned r = 0; r < model->nrigs; r++)
        assert_int_equal(vm_group_join(model->spaces[r][s], group), PGW_OK);
}

static void
op_fork(struct model *model, unsigned s)
{
    unsigned child = pick(model, MODEL_SPACES);

    if (model->naive[child] != NULL)
        return;
    model->naive[child] = naive_fork(model->naive[s]);
    for (unsigned r = 0; r < model->nrigs; r++) {
        struct space *space = model->spaces[r][s];
        assert_int_equal(space->ops->fork(space, &model->spaces[r][child]), PGW_OK);
    }
}

static void
op_destroy(struct model *model, unsigned s)
{
    unsigned alive = 0;

    for (unsigned i = 0; i < MODEL_SPACES; i++)
        alive += model->naive[i] != NULL;
    if (alive == 1)
        return;
    naive_destroy(model->naive[s]);
    model->naive[s] = NULL;
    for (unsigned r = 0; r < model->nrigs; r++)
        model->spaces[r][s]->ops->destroy(model->spaces[r][s]);
}

static void
op_store(struct model *model, unsigned s)
{
    uint64_t offset = base_rng_below(&model->rng, (uint64_t)NAIVE_PAGES * PAGE_SIZE);
    unsigned char byte = (unsigned char)(1 + pick(model, 255));
    enum space_fault want = naive_access(model->naive[s], offset, ACCESS_WRITE);

    for (unsigned r = 0; r < model->nrigs; r++)
        assert_int_equal(
            vm_rig_store(&model->rigs[r], model->spaces[r][s], model->bases[r] + offset, byte),
            want);
    if (want == SPACE_FAULT_OK)
        model->naive[s]->pages[offset >> PAGE_SHIFT].bytes[offset & ~PAGE_MASK] = byte;
}

static void
op_load(struct model *model, unsigned s)
{
    uint64_t offset = base_rng_below(&model->rng, (uint64_t)NAIVE_PAGES * PAGE_SIZE);
    enum space_fault want = naive_access(model->naive[s], offset, ACCESS_READ);
    const struct naive_page *page = &model->naive[s]->pages[offset >> PAGE_SHIFT];

    for (unsigned r = 0; r < model->nrigs; r++) {
        unsigned char byte = 0;
        assert_int_equal(
            vm_rig_load(&model->rigs[r], model->spaces[r][s], model->bases[r] + offset, &byte),
            want);
        if (want == SPACE_FAULT_OK)
            assert_int_equal(byte, page->bytes[offset & ~PAGE_MASK]);
    }
}

/* The core's own copying, across pages, up to the first fault. */
static void
op_copy_out(struct model *model, unsigned s)
{
    unsigned char buf[3 * PAGE_SIZE], got[3 * PAGE_SIZE];
    uint64_t offset = base_rng_below(&model->rng, (NAIVE_PAGES - 3) * PAGE_SIZE);
    size_t len = 1 + (size_t)base_rng_below(&model->rng, sizeof buf);
    size_t want = 0;

    while (
        want < len && naive_access(model->naive[s], offset + want, ACCESS_READ) == SPACE_FAULT_OK) {
        uint64_t at = offset + want;
        buf[want++] = model->naive[s]->pages[at >> PAGE_SHIFT].bytes[at & ~PAGE_MASK];
    }
    for (unsigned r = 0; r < model->nrigs; r++) {
        size_t done;
        enum space_fault fault =
            space_read(model->spaces[r][s], model->bases[r] + offset, got, len, &done);
        assert_int_equal(fault == SPACE_FAULT_OK, want == len);
        assert_int_equal(done, want);
        assert_memory_equal(got, buf, want);
    }
}

static void
op_copy_in(struct model *model, unsigned s)
{
    unsigned char buf[2 * PAGE_SIZE];
    uint64_t offset = base_rng_below(&model->rng, (NAIVE_PAGES - 2) * PAGE_SIZE);
    size_t len = 1 + (size_t)base_rng_below(&model->rng, sizeof buf);
    size_t want = 0;

    for (size_t i = 0; i < len; i++)
        buf[i] = (unsigned char)base_rng_next(&model->rng);
    for (;
         want < len && naive_access(model->naive[s], offset + want, ACCESS_WRITE) == SPACE_FAULT_OK;
         want++) {
        uint64_t at = offset + want;
        model->naive[s]->pages[at >> PAGE_SHIFT].bytes[at & ~PAGE_MASK] = buf[want];
    }
    for (unsigned r = 0; r < model->nrigs; r++) {
        size_t done;
        enum space_fault fault =
            space_write(model->spaces[r][s], model->bases[r] + offset, buf, len, &done);
        assert_int_equal(fault == SPACE_FAULT_OK, want == len);
        assert_int_equal(done, want);
    }
}

/* Eviction by force changes nothing that can be seen. */
static void
op_evict(struct model *model, unsigned s)
{
    unsigned page = pick(model, NAIVE_PAGES);
    uint64_t n = base_rng_below(&model->rng, FRAMES / 4);

    for (unsigned r = 0; r < model->nrigs; r++) {
        enum pgw_status status =
            model->spaces[r][s]->ops->evict(model->spaces[r][s], va_of(model, r, page));
        assert_true(status == PGW_OK || status == PGW_NOTFOUND || status == PGW_AGAIN);
        if (n % 4 == 0)
            (void)vm_reclaim(model->rigs[r].vm, n);
    }
}

/* Small pages are made huge, some of which lie anywhere, and what is free is put together. */
static void
op_huge(struct model *model, unsigned s)
{
    static const enum space_advice advice[] = {
        SPACE_ADVICE_HUGE, SPACE_ADVICE_NOHUGE, SPACE_ADVICE_COLLAPSE};
    unsigned page, n, which = pick(model, 6);

    pick_range(model, &page, &n);
    for (unsigned r = 0; r < model->nrigs; r++) {
        struct space *space = model->spaces[r][s];
        (void)vm_reclaim(model->rigs[r].vm, which == 3 ? FRAMES / 2 : FRAMES - 16);
        if (which < 3) /* what comes of it depends on the scheme */
            (void)space->ops->advise(
                space, va_of(model, r, page), (uint64_t)n * PAGE_SIZE, advice[which]);
        else if (which == 3)
            (void)vm_compact(model->rigs[r].vm);
        else
            vm_huge_run(model->rigs[r].vm);
    }
}

/* A page becomes what some others are already. */
static void
op_equal(struct model *model, unsigned s)
{
    unsigned char bytes[PAGE_SIZE];
    unsigned page = pick(model, NAIVE_PAGES);
    uint64_t offset = (uint64_t)page * PAGE_SIZE;

    if (naive_access(model->naive[s], offset, ACCESS_WRITE) != SPACE_FAULT_OK)
        return;
    test_page_fill(bytes, 1 + pick(model, 3));
    for (unsigned r = 0; r < model->nrigs; r++)
        assert_int_equal(
            space_write(model->spaces[r][s], model->bases[r] + offset, bytes, PAGE_SIZE, NULL),
            SPACE_FAULT_OK);
    memcpy(model->naive[s]->pages[page].bytes, bytes, PAGE_SIZE);
}

/* Merging, and undoing it, change nothing that can be seen. */
static void
op_merge(struct model *model, unsigned s)
{
    unsigned page, n;
    uint64_t steps = base_rng_below(&model->rng, 1000);

    pick_range(model, &page, &n);
    for (unsigned r = 0; r < model->nrigs; r++) {
        (void)vm_merge_run(model->rigs[r].vm, steps);
        if (steps % 8 == 0)
            assert_int_equal(vm_merge_unmerge(model->spaces[r][s], va_of(model, r, page),
                                 va_of(model, r, page + n)),
                PGW_OK);
    }
}

static void
check_everything(struct model *model)
{
    for (unsigned r = 0; r < model->nrigs; r++)
        if (!vm_check(model->rigs[r].vm))
            fail_msg("invariants broken: %s", model->configs[r].name);
    for (unsigned s = 0; s < MODEL_SPACES; s++)
        for (uint64_t at = 0; model->naive[s] != NULL && at < NAIVE_PAGES * PAGE_SIZE;
             at += PAGE_SIZE / 2) {
            unsigned char byte;
            for (unsigned r = 0; r < model->nrigs; r++) {
                enum space_fault want = naive_access(model->naive[s], at, ACCESS_READ);
                assert_int_equal(
                    vm_rig_load(&model->rigs[r], model->spaces[r][s], model->bases[r] + at, &byte),
                    want);
                if (want == SPACE_FAULT_OK)
                    assert_int_equal(
                        byte, model->naive[s]->pages[at >> PAGE_SHIFT].bytes[at & ~PAGE_MASK]);
            }
        }
}

typedef void (*model_op)(struct model *model, unsigned s);

static void
model_step(struct model *model)
{
    static const struct {
        model_op op;
        unsigned weight;
    } ops[] = {{op_map, 8}, {op_unmap, 2}, {op_protect, 4}, {op_remap, 3}, {op_fork, 3},
        {op_join, 1}, {op_destroy, 1}, {op_store, 40}, {op_load, 30}, {op_copy_out, 6},
        {op_copy_in, 6}, {op_evict, 6}, {op_huge, 4}, {op_equal, 8}, {op_merge, 4}, {op_lock, 4},
        {op_advise, 5}, {op_give_up, 4}, {op_populate, 2}};
    unsigned total = 0;
    unsigned s;

    do
        s = pick(model, MODEL_SPACES);
    while (model->naive[s] == NULL);
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++)
        total += ops[i].weight;
    unsigned at = pick(model, total);
    size_t i = 0;
    for (; at >= ops[i].weight; i++)
        at -= ops[i].weight;
    ops[i].op(model, s);
}

static void
model_init(struct model *model, uint64_t salt)
{
    memset(model, 0, sizeof *model);
    test_rng_init(&model->rng, salt);
    model_configure(model, salt);
    model->naive[0] = naive_create();
    for (unsigned r = 0; r < model->nrigs; r++) {
        struct pmap_caps caps;
        vm_rig_init(&model->rigs[r], &model->configs[r]);
        model->rigs[r].pmaps->ops->caps(model->rigs[r].pmaps, &caps);
        model->bases[r] = caps.va_end / 2 - 77 * PAGE_SIZE;
        assert_int_equal(vm_rig_add_file(&model->rigs[r], FILE_PAGES, FILE_KEY), PGW_OK);
        assert_int_equal(vm_space_create(model->rigs[r].vm, &model->spaces[r][0]), PGW_OK);
        unsigned id;
        assert_int_equal(vm_group_create(model->rigs[r].vm, "small", FRAMES / 4, &id), PGW_OK);
        assert_int_equal(vm_group_create(model->rigs[r].vm, "half", FRAMES / 2, &id), PGW_OK);
    }
}

static void
model_fini(struct model *model)
{
    for (unsigned s = 0; s < MODEL_SPACES; s++) {
        if (model->naive[s] == NULL)
            continue;
        naive_destroy(model->naive[s]);
        for (unsigned r = 0; r < model->nrigs; r++)
            model->spaces[r][s]->ops->destroy(model->spaces[r][s]);
    }
    for (unsigned r = 0; r < model->nrigs; r++) {
        struct vm_stats stats;
        vm_stats(model->rigs[r].vm, &stats);
        if (stats.pages_in == 0 || stats.pages_out == 0 || stats.cow == 0 ||
            stats.merge_merged == 0 || stats.merge_splits == 0)
            fail_msg("too little happened: %s", model->configs[r].name);
        model->huge += stats.huge_faults > 0;
        model->compacted += stats.compact_moved > 0;
        model->reserved += stats.reserve_made > 0 && stats.reserve_broken > 0;
        assert_true(!model->configs[r].chaos || chaos_pmap_dropped(model->rigs[r].pmaps) > 0);
        vm_rig_fini(&model->rigs[r]);
    }
    if (model->huge == 0 || model->compacted == 0 || model->reserved == 0)
        fail_msg("no rig had a huge page, or reserved one, or none was compacted");
}

static void
test_lock_step(void **state)
{
    struct model *model = malloc(sizeof *model);
    uint64_t rounds = test_rounds(12000);

    (void)state;
    assert_non_null(model);
    for (uint64_t salt = 1; salt <= 4; salt++) {
        model_init(model, salt);
        for (uint64_t i = 0; i < rounds; i++) {
            model_step(model);
            if (i % 2000 == 1999)
                check_everything(model);
        }
        check_everything(model);
        model_fini(model);
    }
    free(model);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lock_step)};

    return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
