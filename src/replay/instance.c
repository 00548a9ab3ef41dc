/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay/instance.h"

#include <string.h>

#include "host/host_mem.h"

#define INSTANCE_PAGES_FIRST 1024u

static void
instance_evicted(void *ctx, uint32_t page, bool dirty)
{
    struct replay_instance *instance = ctx;

    (void)dirty;
    translation_evicted(instance->translation, instance->frames.missed, page);
}

enum pgw_status
replay_instance_init(struct replay_instance *instance, const struct policy_ops *ops,
    const struct policy_env *env, const struct translation_config *translation)
{
    struct policy_frames *frames = &instance->frames;
    struct policy_env own = *env;
    enum pgw_status status = PGW_NOMEM;

    memset(instance, 0, sizeof *instance);
    host_ram_alloc_init(&instance->alloc);
    frames->capacity = (uint32_t)env->capacity;
    own.alloc = &instance->alloc;
    own.modified = policy_frames_modified;
    own.ctx = frames;
    own.frames = frames;
    frames->page_of = own.alloc->map(own.alloc, env->capacity * sizeof *frames->page_of);
    if (ops != NULL)
        frames->node = own.alloc->map(own.alloc, env->capacity * sizeof *frames->node);
    if (frames->page_of != NULL && ops == NULL)
        status = opt_init(&instance->opt, own.alloc, frames);
    else if (frames->page_of != NULL && frames->node != NULL)
        status = ops->create(&own, &instance->policy);
    if (status == PGW_OK)
        instance->ops = ops;
    if (status == PGW_OK && translation->format != NULL) {
        status = translation_create(own.alloc, translation, &instance->translation);
        frames->on_evict = instance_evicted;
        frames->ctx = instance;
    }
    if (status != PGW_OK)
        replay_instance_fini(instance);
    return status;
}

static void
instance_unmap(struct replay_instance *instance, void *array, uint64_t n, size_t item)
{
    if (array != NULL)
        instance->alloc.unmap(&instance->alloc, array, n * item);
}

void
replay_instance_fini(struct replay_instance *instance)
{
    struct policy_frames *frames = &instance->frames;

    translation_destroy(instance->translation);
    if (instance->policy != NULL)
        instance->ops->destroy(instance->policy);
    opt_fini(&instance->opt, &instance->alloc);
    instance_unmap(instance, frames->node, frames->capacity, sizeof *frames->node);
    instance_unmap(instance, frames->page_of, frames->capacity, sizeof *frames->page_of);
    instance_unmap(instance, frames->frame_of, instance->pages_room, sizeof *frames->frame_of);
    memset(instance, 0, sizeof *instance);
}

/* The page table grows as page numbers are given out. */
static enum pgw_status
instance_reserve(struct replay_instance *instance, uint64_t npages)
{
    uint64_t room = instance->pages_room > 0 ? instance->pages_room : INSTANCE_PAGES_FIRST;
    struct policy_frames *frames = &instance->frames;

    while (room < npages)
        room *= 2;
    if (room > instance->pages_room) {
        size_t had = instance->pages_room * sizeof *frames->frame_of;
        size_t len = room * sizeof *frames->frame_of;
        uint32_t *more = frames->frame_of != NULL
                             ? host_ram_grow(&instance->alloc, frames->frame_of, had, len)
                             : instance->alloc.map(&instance->alloc, len);
        if (more == NULL)
            return PGW_NOMEM;
        frames->frame_of = more;
        instance->pages_room = room;
    }
    instance->npages = npages;
    return PGW_OK;
}

/* A page that is gone gives its frame back, and the policy keeps no memory of it. */
static void
instance_gone(struct replay_instance *instance, uint32_t page)
{
    struct policy_frames *frames = &instance->frames;
    uint32_t entry = frames->frame_of[page];

    if ((entry & POLICY_RESIDENT) == 0)
        return;
    uint32_t frame = entry >> POLICY_FRAME_SHIFT;
    instance->ops->forget(instance->policy, &frames->node[frame]);
    frames->frame_of[page] = 0;
    frames->page_of[frame] = frames->free;
    frames->free = frame + 1;
}

/* The policy's part of a batch. */
static void
instance_run(struct replay_instance *instance, const struct replay_batch *batch)
{
    uint32_t from = 0;

    if (instance->ops == NULL) {
        opt_run(&instance->opt, &instance->frames, batch);
        return;
    }
    for (uint32_t i = 0; i < batch->nmarks; i++) {
        uint32_t mark = batch->mark[i];
        if (mark > from)
            instance->ops->replay(
                instance->policy, &instance->frames, batch->touch + from, mark - from);
        if (!replay_mark_is_left(&batch->touch[mark]))
            instance_gone(instance, batch->touch[mark].page);
        from = mark + 1;
    }
    if (batch->n > from)
        instance->ops->replay(
            instance->policy, &instance->frames, batch->touch + from, batch->n - from);
}

void
replay_instance_run(struct replay_instance *instance, const struct replay_batch *batch)
{
    if (instance->status == PGW_OK)
        instance->status = instance_reserve(instance, batch->npages);
    if (instance->status != PGW_OK)
        return;
    instance_run(instance, batch);
    if (instance->translation != NULL)
        instance->status = translation_run(instance->translation, batch);
}

bool
replay_instance_frame(const struct replay_instance *instance, uint32_t frame, uint32_t *page,
    bool *dirty, uint64_t *uses)
{
    const struct policy_frames *frames = &instance->frames;
    uint32_t held = frame < frames->fresh ? frames->page_of[frame] : UINT32_MAX;

    /* A frame that is free has the number of another in its place, which is no page of it. */
    if (held >= instance->pages_room ||
        (frames->frame_of[held] & ~POLICY_DIRTY) != policy_frames_entry(frame, false))
        return false;
    *page = held;
    *dirty = (frames->frame_of[held] & POLICY_DIRTY) != 0;
    *uses = 0;
    if (instance->ops != NULL && (instance->ops->wants & POLICY_SHOWS_USE) != 0)
        *uses = frames->node[frame].bits;
    return true;
}

uint64_t
replay_instance_bytes(const struct replay_instance *instance)
{
    const struct policy_frames *frames = &instance->frames;
    uint64_t spare = (instance->pages_room - instance->npages) * sizeof *frames->frame_of;

    return instance->alloc.mapped_peak - frames->untouched - spare;
}
