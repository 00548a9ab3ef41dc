/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory
 * ------
 * Several devices, one after the other: what does not fit on the first goes to the second, as swap
 * areas of falling priority are used by Linux.
 *
 *     slot = level's number << CHAIN_SHIFT | level's own slot
 *
 * An io of the caller's is a job here, with a part for each level that has something to do with it,
 * and is done when the last part is.  A put takes as many pages to each level as there is room for;
 * if one part of it fails, the others are forgotten again (law G2: all or none).
 *
 * A level whose put has failed is passed by for a while: its room counts only if there is no other.
 * So a device that is broken costs one put in so many, and one that was out of order for a moment
 * is used again.  The pages that are there stay there; a get that fails is the caller's to repeat.
 *
 * Rejected: to put a page that one device failed on to the next one at once.  done() of one device
 * would start another, without the caller knowing that its page waits for two; it is dirty still,
 * and whoever frees memory comes back for it anyway.
 */
#include "base/assert.h"
#include "base/pool.h"
#include "pager/pager_runs.h"
#include "pager/pagers.h"

#define CHAIN_SHIFT 43u
#define CHAIN_PASSED_BY 32u /* puts that a level is passed by for, after a failure */

_Static_assert(PAGER_CHAIN_MAX <= 1u << (47 - CHAIN_SHIFT), "slots stay below 2^47");

struct chain_level {
    struct pager *pager;
    unsigned in_flight; /* parts */
    unsigned pass_by;   /* so many puts */
};

struct chain_part {
    struct pager_io io;
    struct chain_job *job;
    struct chain_level *level;
    unsigned char index[PAGER_RUN_MAX]; /* of each page in the caller's io */
};

struct chain_job {
    struct chain *chain;
    struct pager_io *outer;
    bool put;
    unsigned pending;       /* parts that are not done, and one while they are being started */
    enum pgw_status status; /* of the first part that failed */
    struct chain_part parts[PAGER_CHAIN_MAX]; /* by level */
};

struct chain {
    struct pager pager;
    struct base_alloc *alloc;
    struct chain_level levels[PAGER_CHAIN_MAX];
    unsigned nlevels;
    unsigned completed; /* jobs, since drive() began */
    struct base_pool jobs;
};

static struct chain *
chain_of(struct pager *pager)
{
    return (struct chain *)pager;
}

static uint64_t
chain_room(const struct chain_level *level)
{
    const struct pager_stats *stats = &level->pager->stats;

    return stats->slots > stats->used ? stats->slots - stats->used : 0;
}

static void
chain_count(struct chain *chain)
{
    struct pager_stats *sum = &chain->pager.stats;

    sum->slots = sum->hoped = sum->ram = sum->used = sum->get_ios = sum->put_ios = 0;
    for (unsigned i = 0; i < chain->nlevels; i++) {
        const struct pager_stats *stats = &chain->levels[i].pager->stats;
        sum->slots += stats->slots;
        sum->hoped += stats->hoped;
        sum->ram += stats->ram;
        sum->used += stats->used;
        sum->get_ios += stats->get_ios;
        sum->put_ios += stats->put_ios;
    }
    if (sum->used > sum->used_peak)
        sum->used_peak = sum->used;
}

/* --- slots --- */

/* The level that a slot is on, and what it is there; NULL: on none. */
static struct chain_level *
chain_level_of(struct chain *chain, uint64_t slot, uint64_t *own)
{
    uint64_t i = slot >> CHAIN_SHIFT;

    *own = slot & (((uint64_t)1 << CHAIN_SHIFT) - 1);
    return i < chain->nlevels ? &chain->levels[i] : NULL;
}

static uint64_t
chain_slot(const struct chain *chain, const struct chain_level *level, uint64_t own)
{
    BASE_ASSERT(own >> CHAIN_SHIFT == 0);
    return (uint64_t)(level - chain->levels) << CHAIN_SHIFT | own;
}

static bool
chain_has(struct pager *pager, uint64_t slot)
{
    const struct chain_level *level = chain_level_of(chain_of(pager), slot, &slot);

    return level != NULL && level->pager->ops->has(level->pager, slot);
}

static void
chain_forget(struct pager *pager, uint64_t slot)
{
    const struct chain_level *level = chain_level_of(chain_of(pager), slot, &slot);

    level->pager->ops->forget(level->pager, slot);
    chain_count(chain_of(pager));
}

/* --- jobs --- */

/* Forgets what other parts have put. */
static void
chain_undo(struct chain *chain, struct pager_io *io)
{
    for (unsigned i = 0; i < io->n; i++) {
        if (io->slots[i] != PAGER_SLOT_NONE)
            chain_forget(&chain->pager, io->slots[i]);
        io->slots[i] = PAGER_SLOT_NONE;
    }
}

/* One part less is pending; the last one ends the caller's io. */
static void
chain_settle(struct chain_job *job)
{
    struct chain *chain = job->chain;
    struct pager_io *io = job->outer;
    enum pgw_status status = job->status;
    bool put = job->put;

    if (--job->pending > 0)
        return;
    base_pool_put(&chain->jobs, job);
    if (put && status != PGW_OK)
        chain_undo(chain, io);
    chain->completed++;
    if (put)
        pager_runs_finish_put(&chain->pager, io, status);
    else
        pager_runs_finish_get(&chain->pager, io, status);
}

static void
chain_fail(struct chain_job *job, struct chain_level *level, enum pgw_status status)
{
    if (job->status == PGW_OK)
        job->status = status;
    if (job->put)
        level->pass_by = CHAIN_PASSED_BY;
}

static void
chain_part_done(struct pager_io *io)
{
    struct chain_part *part = io->ctx;
    struct chain_job *job = part->job;

    part->level->in_flight--;
    chain_count(job->chain);
    if (io->status != PGW_OK)
        chain_fail(job, part->level, io->status);
    else if (job->put)
        for (unsigned j = 0; j < io->n; j++)
            job->outer->slots[part->index[j]] = chain_slot(job->chain, part->level, io->slots[j]);
    chain_settle(job);
}

static struct chain_job *
chain_job_create(struct chain *chain, struct pager_io *outer, bool put)
{
    /* Page-out is how memory comes free, so it may eat the reserve. */
    struct chain_job *job = base_pool_get_reserved(&chain->jobs);

    if (job == NULL)
        return NULL;
    job->chain = chain;
    job->outer = outer;
    job->put = put;
    job->pending = 1;
    return job;
}

static void
chain_add(struct chain_job *job, struct chain_level *level, unsigned i, uint64_t slot)
{
    struct chain_part *part = &job->parts[level - job->chain->levels];

    part->level = level;
    part->index[part->io.n] = (unsigned char)i;
    part->io.pages[part->io.n] = job->outer->pages[i];
    part->io.slots[part->io.n++] = slot;
}

static enum pgw_status
chain_start_part(struct chain_job *job, struct chain_part *part)
{
    struct pager *pager = part->level->pager;

    part->job = job;
    part->io.done = chain_part_done;
    part->io.ctx = part;
    part->level->in_flight++;
    job->pending++;
    enum pgw_status status =
        (job->put ? pager->ops->start_put : pager->ops->start_get)(pager, &part->io);
    if (status == PGW_OK)
        return PGW_OK;
    part->level->in_flight--;
    job->pending--;
    return status;
}

/* Starts all parts.  When nothing has begun, what the first says is the answer; later ones can
 * only fail the io. */
static enum pgw_status
chain_start(struct chain_job *job)
{
    struct chain *chain = job->chain;
    bool begun = false;

    for (unsigned i = 0; i < chain->nlevels && job->status == PGW_OK; i++) {
        struct chain_part *part = &job->parts[i];
        if (part->io.n == 0)
            continue;
        enum pgw_status status = chain_start_part(job, part);
        if (status != PGW_OK && !begun) {
            base_pool_put(&chain->jobs, job);
            return status;
        }
        begun = true;
        if (status != PGW_OK)
            chain_fail(job, part->level, status == PGW_NOMEM ? PGW_IO : status);
    }
    chain_settle(job);
    chain_count(chain);
    return PGW_OK;
}

/* --- put and get --- */

/* Gives each level what it has room for: those in order first, then those that have failed. */
static unsigned
chain_deal(struct chain *chain, struct chain_job *job, bool failed)
{
    unsigned n = 0;

    for (unsigned i = 0; i < chain->nlevels; i++)
        n += job->parts[i].io.n;
    for (unsigned i = 0; i < chain->nlevels; i++) {
        struct chain_level *level = &chain->levels[i];
        if ((level->pass_by > 0) != failed)
            continue;
        for (uint64_t room = chain_room(level); room > 0 && n < job->outer->n; room--)
            chain_add(job, level, n++, PAGER_SLOT_NONE);
    }
    return n;
}

/* When no level says that it has room: one that could not write to a full disk may have some again,
 * and finds out when it is asked. */
static enum pgw_status
chain_insist(struct chain *chain, struct pager_io *io)
{
    enum pgw_status status = PGW_NOSWAP;

    for (unsigned i = 0; i < chain->nlevels && status == PGW_NOSWAP; i++) {
        struct chain_job *job = chain_job_create(chain, io, true);
        if (job == NULL)
            return PGW_NOMEM;
        for (unsigned j = 0; j < io->n; j++)
            chain_add(job, &chain->levels[i], j, PAGER_SLOT_NONE);
        status = chain_start(job);
    }
    return status;
}

static enum pgw_status
chain_start_put(struct pager *pager, struct pager_io *io)
{
    struct chain *chain = chain_of(pager);

    if (io->n == 0 || io->n > PAGER_RUN_MAX)
        return PGW_INVAL;
    struct chain_job *job = chain_job_create(chain, io, true);
    if (job == NULL)
        return PGW_NOMEM;
    for (unsigned i = 0; i < io->n; i++)
        io->slots[i] = PAGER_SLOT_NONE;
    bool fits = chain_deal(chain, job, false) == io->n || chain_deal(chain, job, true) == io->n;
    for (unsigned i = 0; i < chain->nlevels; i++)
        chain->levels[i].pass_by -= chain->levels[i].pass_by > 0;
    if (fits)
        return chain_start(job);
    base_pool_put(&chain->jobs, job);
    return chain_insist(chain, io);
}

static enum pgw_status
chain_start_get(struct pager *pager, struct pager_io *io)
{
    struct chain *chain = chain_of(pager);

    if (io->n == 0 || io->n > PAGER_RUN_MAX)
        return PGW_INVAL;
    for (unsigned i = 0; i < io->n; i++)
        if (!chain_has(pager, io->slots[i]))
            return PGW_NOTFOUND;
    struct chain_job *job = chain_job_create(chain, io, false);
    if (job == NULL)
        return PGW_NOMEM;
    for (unsigned i = 0; i < io->n; i++) {
        uint64_t slot;
        struct chain_level *level = chain_level_of(chain, io->slots[i], &slot);
        chain_add(job, level, i, slot);
    }
    return chain_start(job);
}

/* Waits for the first level that has something in flight, if nothing else is done meanwhile. */
static unsigned
chain_drive(struct pager *pager, bool wait)
{
    struct chain *chain = chain_of(pager);

    chain->completed = 0;
    for (unsigned i = 0; i < chain->nlevels; i++)
        (void)chain->levels[i].pager->ops->drive(chain->levels[i].pager, false);
    for (unsigned i = 0; wait && i < chain->nlevels; i++) {
        struct chain_level *level = &chain->levels[i];
        while (chain->completed == 0 && level->in_flight > 0)
            if (level->pager->ops->drive(level->pager, true) == 0)
                break;
    }
    return chain->completed;
}

/* --- making and ending --- */

static void
chain_unmake(struct chain *chain)
{
    base_pool_fini(&chain->jobs);
    chain->alloc->unmap(chain->alloc, chain, sizeof *chain);
}

static void
chain_destroy(struct pager *pager)
{
    struct chain *chain = chain_of(pager);

    for (unsigned i = 0; i < chain->nlevels; i++)
        chain->levels[i].pager->ops->destroy(chain->levels[i].pager);
    chain_unmake(chain);
}

static bool
chain_check(struct pager *pager)
{
    struct chain *chain = chain_of(pager);
    const struct pager_stats *stats = &pager->stats;
    uint64_t used = 0;
    unsigned parts = 0;

    for (unsigned i = 0; i < chain->nlevels; i++) {
        struct pager *level = chain->levels[i].pager;
        used += level->stats.used;
        parts += chain->levels[i].in_flight;
        if (!level->ops->check(level))
            return false;
    }
    return used == stats->used && used <= stats->used_peak && chain->jobs.live <= parts;
}

static const struct pager_ops chain_ops = {
    .name = "chain",
    .start_get = chain_start_get,
    .start_put = chain_start_put,
    .drive = chain_drive,
    .has = chain_has,
    .forget = chain_forget,
    .destroy = chain_destroy,
    .check = chain_check,
};

enum pgw_status
pager_chain_create(struct mem *mem, struct base_alloc *alloc, struct pager *const *levels,
    unsigned n, struct pager **pager)
{
    if (n == 0 || n > PAGER_CHAIN_MAX)
        return PGW_INVAL;
    struct chain *chain = alloc->map(alloc, sizeof *chain);
    if (chain == NULL)
        return PGW_NOMEM;
    chain->pager.ops = &chain_ops;
    chain->pager.mem = mem;
    chain->alloc = alloc;
    base_pool_init(&chain->jobs, alloc, sizeof(struct chain_job), "chain jobs");
    enum pgw_status status = base_pool_reserve(&chain->jobs, 1);
    if (status != PGW_OK) {
        chain_unmake(chain);
        return status;
    }
    for (unsigned i = 0; i < n; i++)
        chain->levels[i].pager = levels[i];
    chain->nlevels = n;
    chain_count(chain);
    *pager = &chain->pager;
    return PGW_OK;
}
