/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay/pass.h"

#include "host/host_mem.h"
#include "replay/growing.h"
#include "replay/spool.h"

/* An instance that was asked for, until its size is known. */
struct pass_wanted {
    const struct policy_ops *ops;
    struct pass_size size;
    uint64_t param[POLICY_PARAMS_MAX];
};

struct pass {
    struct base_alloc alloc;
    struct pass_config config;
    struct replay_pages *pages;
    struct pass_wanted *wanted;
    uint64_t nwanted, wanted_room;
    struct replay_instance *instances;
    uint32_t ninstances; /* made */
    struct crew *crew;
    struct spool *spool;          /* NULL: not needed */
    struct replay_batch spooling; /* where there is a spool: the batch that is being filled */
    bool started, opt;
    uint64_t at; /* touches and marks handed on */
    uint64_t gone, live_peak;
    struct pass_totals totals; /* of what was replayed */
    enum pgw_status status;    /* that ended it */
};

#define PASS_ROOM_BYTES                                                                            \
    (REPLAY_BATCH *                                                                                \
        (sizeof(struct policy_touch) + 2 * sizeof(uint32_t) + sizeof(struct replay_where)))

enum pgw_status
pass_create(const struct pass_config *config, struct pass **pass)
{
    struct base_alloc alloc;

    host_ram_alloc_init(&alloc);
    struct pass *made = alloc.map(&alloc, sizeof *made);
    if (made == NULL)
        return PGW_NOMEM;
    made->alloc = alloc;
    made->config = *config;
    enum pgw_status status = replay_pages_create(&made->alloc, config->page_size, &made->pages);
    if (status != PGW_OK)
        pass_destroy(made);
    else
        *pass = made;
    return status;
}

void
pass_destroy(struct pass *pass)
{
    if (pass == NULL)
        return;
    struct base_alloc alloc = pass->alloc;
    crew_destroy(pass->crew);
    for (uint32_t i = 0; i < pass->ninstances; i++)
        replay_instance_fini(&pass->instances[i]);
    if (pass->instances != NULL)
        alloc.unmap(&alloc, pass->instances, pass->nwanted * sizeof *pass->instances);
    if (pass->wanted != NULL)
        alloc.unmap(&alloc, pass->wanted, pass->wanted_room * sizeof *pass->wanted);
    if (pass->spooling.room != NULL)
        alloc.unmap(&alloc, pass->spooling.room, PASS_ROOM_BYTES);
    spool_destroy(pass->spool);
    replay_pages_destroy(pass->pages);
    alloc.unmap(&alloc, pass, sizeof *pass);
}

enum pgw_status
pass_add(
    struct pass *pass, const struct policy_ops *ops, const uint64_t *param, struct pass_size size)
{
    enum pgw_status status = growing_reserve(&pass->alloc, (void **)&pass->wanted,
        &pass->wanted_room, pass->nwanted + 1, sizeof *pass->wanted);

    if (status != PGW_OK)
        return status;
    struct pass_wanted *wanted = &pass->wanted[pass->nwanted++];
    wanted->ops = ops;
    wanted->size = size;
    for (unsigned i = 0; i < POLICY_PARAMS_MAX; i++)
        wanted->param[i] = param != NULL ? param[i] : 0;
    return PGW_OK;
}

void
pass_watch(struct pass *pass, const struct crew_watcher *watcher)
{
    pass->config.watcher = *watcher;
}

void
pass_place(const struct pass *pass, uint32_t page, uint32_t *process, uint64_t *va)
{
    replay_pages_place(pass->pages, page, process, va);
}

/* ---- starting ---- */

static uint64_t
pass_frames(const struct pass *pass, struct pass_size size)
{
    uint64_t frames = size.frames;

    if (frames == 0)
        frames = (uint64_t)((unsigned __int128)pass->live_peak * size.share / PASS_SHARE_ALL);
    frames = frames < PASS_FRAMES_MAX ? frames : PASS_FRAMES_MAX;
    return frames > 0 ? frames : 1;
}

static enum pgw_status
pass_make_instances(struct pass *pass)
{
    struct base_alloc *alloc = &pass->alloc;
    enum pgw_status status = PGW_OK;

    pass->instances = alloc->map(alloc, (pass->nwanted + 1) * sizeof *pass->instances);
    if (pass->instances == NULL)
        return PGW_NOMEM;
    for (uint32_t i = 0; i < pass->nwanted && status == PGW_OK; i++) {
        const struct pass_wanted *wanted = &pass->wanted[i];
        struct policy_env env = {
            .capacity = pass_frames(pass, wanted->size), .seed = pass->config.seed};
        for (unsigned p = 0; p < POLICY_PARAMS_MAX; p++)
            env.param[p] = wanted->param[p];
        status =
            replay_instance_init(&pass->instances[i], wanted->ops, &env, &pass->config.translation);
        pass->ninstances += status == PGW_OK;
    }
    if (status == PGW_OK)
        status = crew_create(alloc, pass->instances, pass->ninstances, pass->config.threads,
            &pass->config.watcher, &pass->crew);
    return status;
}

static enum pgw_status
pass_make_spool(struct pass *pass)
{
    struct replay_batch *batch = &pass->spooling;

    batch->room = pass->alloc.map(&pass->alloc, PASS_ROOM_BYTES);
    if (batch->room == NULL)
        return PGW_NOMEM;
    batch->touch = batch->room;
    batch->mark = (uint32_t *)(void *)(batch->room + REPLAY_BATCH);
    batch->where_room = (struct replay_where *)(void *)(batch->mark + (size_t)2 * REPLAY_BATCH);
    return spool_create(&pass->alloc, pass->config.spool_memory, &pass->spool);
}

static enum pgw_status
pass_start(struct pass *pass)
{
    bool wait = false;

    if (pass->started)
        return PGW_OK;
    pass->started = true;
    for (uint64_t i = 0; i < pass->nwanted; i++) {
        pass->opt = pass->opt || pass->wanted[i].ops == NULL;
        wait = wait || pass->wanted[i].size.frames == 0;
    }
    return wait || pass->opt ? pass_make_spool(pass) : pass_make_instances(pass);
}

/* ---- the trace ---- */

static struct replay_batch *
pass_batch(struct pass *pass)
{
    return pass->spool != NULL ? &pass->spooling : crew_batch(pass->crew);
}

static void
pass_note_totals(struct pass *pass, const struct replay_batch *batch)
{
    pass->totals.refs = batch->totals;
}

/* Hands the batch on. */
static enum pgw_status
pass_flush(struct pass *pass)
{
    struct replay_batch *batch = pass_batch(pass);
    enum pgw_status status = PGW_OK;

    if (batch->n == 0)
        return PGW_OK;
    if (pass->config.translation.format != NULL)
        batch->where = batch->where_room;
    batch->at = pass->at;
    batch->npages = replay_pages_count(pass->pages);
    replay_pages_totals(pass->pages, &batch->totals);
    pass->at += batch->n;
    if (pass->spool == NULL) {
        pass_note_totals(pass, batch);
        crew_submit(pass->crew);
        return PGW_OK;
    }
    status = spool_put(pass->spool, batch);
    batch->n = batch->nmarks = 0;
    return status;
}

enum pgw_status
pass_refs(struct pass *pass, const struct pgw_ref *refs, size_t n)
{
    enum pgw_status status = pass->status != PGW_OK ? pass->status : pass_start(pass);

    while (n > 0 && status == PGW_OK) {
        struct replay_batch *batch = pass_batch(pass);
        size_t fit = (REPLAY_BATCH - batch->n) / replay_pages_spread(pass->pages), done = 0,
               touches = 0;
        if (pass->config.translation.format != NULL)
            replay_pages_tell_where(pass->pages, batch->where_room + batch->n);
        status = replay_pages_touch(
            pass->pages, refs, n < fit ? n : fit, batch->room + batch->n, &done, &touches);
        batch->n += (uint32_t)touches;
        refs += done;
        n -= done;
        /* A batch that is nearly full would take less and less. */
        if (status == PGW_OK && batch->n > REPLAY_BATCH - REPLAY_BATCH / 16)
            status = pass_flush(pass);
    }
    return pass->status = status;
}

static void
pass_mark(struct pass *pass, struct policy_touch mark, struct replay_where where)
{
    struct replay_batch *batch = pass_batch(pass);

    if (batch->n == REPLAY_BATCH && pass->status == PGW_OK)
        pass->status = pass_flush(pass);
    if (pass->status != PGW_OK)
        return;
    batch = pass_batch(pass);
    batch->mark[batch->nmarks++] = batch->n;
    batch->where_room[batch->n] = where;
    batch->room[batch->n++] = mark;
}

static void
pass_gone(void *ctx, uint32_t page)
{
    struct pass *pass = ctx;

    pass_mark(pass, (struct policy_touch){.page = page}, (struct replay_where){.vpn = 0});
    pass->gone += pass->status == PGW_OK;
}

static void
pass_left(void *ctx, uint32_t page, uint32_t process, uint64_t vpn)
{
    pass_mark(ctx, (struct policy_touch){.page = page, .write = 1},
        (struct replay_where){.vpn = vpn, .process = process});
}

/* Pages come one by one and go by events, so there were never more than before one or at the end.
 */
static void
pass_note_peak(struct pass *pass)
{
    uint64_t live = replay_pages_count(pass->pages) - pass->gone;

    if (live > pass->live_peak)
        pass->live_peak = live;
}

enum pgw_status
pass_event(struct pass *pass, const struct pgw_event *event)
{
    if (pass->status == PGW_OK)
        pass->status = pass_start(pass);
    if (pass->status != PGW_OK)
        return pass->status;
    pass_note_peak(pass);
    const struct replay_told told = {.gone = pass_gone,
        .left = pass->config.translation.format != NULL ? pass_left : NULL,
        .ctx = pass};
    enum pgw_status status = replay_pages_event(pass->pages, event, &told);
    if (pass->status == PGW_OK)
        pass->status = status;
    if (pass->status == PGW_OK && pass_batch(pass)->n > REPLAY_BATCH - REPLAY_BATCH / 16)
        pass->status = pass_flush(pass);
    return pass->status;
}

/* ---- its end ---- */

static enum pgw_status
pass_look_ahead(
    struct pass *pass, bool (*going)(void *ctx, const struct pass_progress *progress), void *ctx)
{
    struct pass_progress progress = {.part = PASS_LOOKING_AHEAD, .all = pass->at};
    uint64_t n = spool_batches(pass->spool);
    enum pgw_status status = PGW_OK;

    /* What a trace that is not over would make of opt and of shares is not what was asked for. */
    if (going != NULL && !going(ctx, &progress))
        return PGW_AGAIN;
    for (uint64_t i = n; pass->opt && i-- > 0 && status == PGW_OK;) {
        if (going != NULL && !going(ctx, &progress))
            return PGW_AGAIN;
        status = spool_look_ahead(pass->spool, i);
        progress.done = (n - i) * REPLAY_BATCH;
    }
    return status;
}

static enum pgw_status
pass_replay_spool(
    struct pass *pass, bool (*going)(void *ctx, const struct pass_progress *progress), void *ctx)
{
    struct pass_progress progress = {.part = PASS_REPLAYING, .all = pass->at};
    enum pgw_status status = PGW_OK;

    for (uint64_t i = 0; i < spool_batches(pass->spool) && status == PGW_OK; i++) {
        struct replay_batch *batch = crew_batch(pass->crew);
        if (going != NULL && !going(ctx, &progress))
            return PGW_AGAIN;
        status = spool_get(pass->spool, i, batch);
        if (status != PGW_OK)
            break;
        pass_note_totals(pass, batch);
        progress.done = batch->at + batch->n;
        crew_submit(pass->crew);
    }
    return status;
}

static enum pgw_status
pass_second(
    struct pass *pass, bool (*going)(void *ctx, const struct pass_progress *progress), void *ctx)
{
    enum pgw_status status = pass_look_ahead(pass, going, ctx);

    if (status == PGW_OK)
        status = pass_make_instances(pass);
    return status == PGW_OK ? pass_replay_spool(pass, going, ctx) : status;
}

enum pgw_status
pass_finish(
    struct pass *pass, bool (*going)(void *ctx, const struct pass_progress *progress), void *ctx)
{
    enum pgw_status status = pass->status != PGW_OK ? pass->status : pass_start(pass);

    if (status == PGW_OK)
        status = pass_flush(pass);
    pass_note_peak(pass);
    if (status == PGW_OK && pass->spool != NULL)
        status = pass_second(pass, going, ctx);
    if (pass->crew != NULL)
        crew_drain(pass->crew);
    for (uint32_t i = 0; i < pass->ninstances && status == PGW_OK; i++)
        status = pass->instances[i].status;
    pass->totals.pages = replay_pages_count(pass->pages);
    pass->totals.gone = pass->gone;
    pass->totals.footprint = pass->live_peak;
    pass->totals.bytes = replay_pages_bytes(pass->pages);
    return pass->status = status;
}

uint32_t
pass_instances(const struct pass *pass)
{
    return pass->ninstances;
}

const struct replay_instance *
pass_instance(const struct pass *pass, uint32_t i)
{
    return &pass->instances[i];
}

void
pass_get_totals(const struct pass *pass, struct pass_totals *totals)
{
    *totals = pass->totals;
}
