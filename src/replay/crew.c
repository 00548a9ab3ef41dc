/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay/crew.h"

struct crew_member {
    struct crew *crew;
    struct host_thread thread;
    unsigned index;
    uint64_t done; /* batches; under the monitor */
};

struct crew {
    struct base_alloc *alloc;
    struct replay_instance *instances;
    uint32_t ninstances;
    struct host_monitor monitor;
    uint64_t submitted; /* under the monitor, and stop */
    bool stop;
    unsigned nmembers; /* 0: the caller does it all */
    struct crew_member members[CREW_THREADS_MAX];
    struct replay_batch ring[CREW_RING];
    bool fresh; /* the batch to be filled was emptied */
    struct crew_watcher watcher;
};

static void
crew_run_some(struct crew *crew, const struct replay_batch *batch, unsigned first, unsigned step)
{
    for (uint32_t i = first; i < crew->ninstances; i += step)
        replay_instance_run(&crew->instances[i], batch);
}

/* The batch, a touch at a time. */
static void
crew_run_watched(struct crew *crew, const struct replay_batch *batch)
{
    uint32_t first = 0;

    for (uint32_t i = 0; i < batch->n; i++) {
        struct replay_batch one = *batch;
        one.touch = batch->touch + i;
        one.at = batch->at + i;
        one.n = 1;
        one.mark = &first;
        one.nmarks = one.touch->count == 0;
        one.next = batch->next != NULL ? batch->next + i : NULL;
        one.where = batch->where != NULL ? batch->where + i : NULL;
        crew_run_some(crew, &one, 0, 1);
        if (one.nmarks == 0 || !replay_mark_is_left(one.touch))
            crew->watcher.told(crew->watcher.ctx, one.touch);
    }
}

static void
crew_member_main(void *arg)
{
    struct crew_member *member = arg;
    struct crew *crew = member->crew;

    host_monitor_enter(&crew->monitor);
    for (;;) {
        while (member->done == crew->submitted && !crew->stop)
            host_monitor_wait(&crew->monitor);
        if (member->done == crew->submitted)
            break;
        host_monitor_leave(&crew->monitor);
        crew_run_some(crew, &crew->ring[member->done % CREW_RING], member->index, crew->nmembers);
        host_monitor_enter(&crew->monitor);
        member->done++;
        host_monitor_wake(&crew->monitor);
    }
    host_monitor_leave(&crew->monitor);
}

#define CREW_BATCH_BYTES                                                                           \
    (REPLAY_BATCH *                                                                                \
        (sizeof(struct policy_touch) + 2 * sizeof(uint32_t) + sizeof(struct replay_where)))

static enum pgw_status
crew_start(struct crew *crew, unsigned threads)
{
    for (unsigned i = 0; i < CREW_RING; i++) {
        struct replay_batch *batch = &crew->ring[i];
        batch->room = crew->alloc->map(crew->alloc, CREW_BATCH_BYTES);
        if (batch->room == NULL)
            return PGW_NOMEM;
        batch->mark = (uint32_t *)(void *)(batch->room + REPLAY_BATCH);
        batch->next_room = batch->mark + REPLAY_BATCH;
        batch->where_room = (struct replay_where *)(void *)(batch->next_room + REPLAY_BATCH);
    }
    /* A crew that is smaller than wished does the same. */
    for (unsigned i = 0; i < threads; i++)
        crew->members[i] = (struct crew_member){.crew = crew, .index = i};
    crew->nmembers = threads;
    for (unsigned i = 0; i < threads; i++) {
        if (host_thread_start(&crew->members[i].thread, crew_member_main, &crew->members[i]) !=
            PGW_OK) {
            crew->nmembers = i;
            return PGW_NOMEM;
        }
    }
    return PGW_OK;
}

enum pgw_status
crew_create(struct base_alloc *alloc, struct replay_instance *instances, uint32_t ninstances,
    unsigned threads, const struct crew_watcher *watcher, struct crew **crew)
{
    struct crew *made = alloc->map(alloc, sizeof *made);

    if (made == NULL)
        return PGW_NOMEM;
    made->alloc = alloc;
    made->instances = instances;
    made->ninstances = ninstances;
    host_monitor_init(&made->monitor);
    made->watcher = *watcher;
    if (watcher->told != NULL)
        threads = 1;
    if (threads == 0)
        threads = host_thread_cores();
    if (threads > CREW_THREADS_MAX)
        threads = CREW_THREADS_MAX;
    if (threads > 1 && threads > ninstances)
        threads = ninstances;
    else if (threads == 1)
        threads = 0;
    enum pgw_status status = crew_start(made, threads);
    if (status != PGW_OK)
        crew_destroy(made);
    else
        *crew = made;
    return status;
}

void
crew_destroy(struct crew *crew)
{
    if (crew == NULL)
        return;
    host_monitor_enter(&crew->monitor);
    crew->stop = true;
    host_monitor_wake(&crew->monitor);
    host_monitor_leave(&crew->monitor);
    for (unsigned i = 0; i < crew->nmembers; i++)
        host_thread_join(&crew->members[i].thread);
    host_monitor_fini(&crew->monitor);
    for (unsigned i = 0; i < CREW_RING; i++) {
        if (crew->ring[i].room != NULL)
            crew->alloc->unmap(crew->alloc, crew->ring[i].room, CREW_BATCH_BYTES);
    }
    crew->alloc->unmap(crew->alloc, crew, sizeof *crew);
}

/* Waits until all members have done `batches` batches. */
static void
crew_wait(struct crew *crew, uint64_t batches)
{
    host_monitor_enter(&crew->monitor);
    for (unsigned i = 0; i < crew->nmembers; i++) {
        while (crew->members[i].done < batches)
            host_monitor_wait(&crew->monitor);
    }
    host_monitor_leave(&crew->monitor);
}

struct replay_batch *
crew_batch(struct crew *crew)
{
    /* Without threads it is done at once, and the same memory stays in the host's cache. */
    struct replay_batch *batch = &crew->ring[crew->nmembers > 0 ? crew->submitted % CREW_RING : 0];

    if (!crew->fresh) {
        if (crew->submitted >= CREW_RING) /* else it was never used */
            crew_wait(crew, crew->submitted - CREW_RING + 1);
        batch->n = batch->nmarks = 0;
        batch->next = NULL;
        batch->where = NULL;
        batch->touch = batch->room;
        crew->fresh = true;
    }
    return batch;
}

void
crew_submit(struct crew *crew)
{
    const struct replay_batch *batch = crew_batch(crew);

    crew->fresh = false;
    if (crew->watcher.told != NULL)
        crew_run_watched(crew, batch);
    else if (crew->nmembers == 0)
        crew_run_some(crew, batch, 0, 1);
    host_monitor_enter(&crew->monitor);
    crew->submitted++;
    host_monitor_wake(&crew->monitor);
    host_monitor_leave(&crew->monitor);
}

void
crew_drain(struct crew *crew)
{
    crew_wait(crew, crew->submitted);
}
