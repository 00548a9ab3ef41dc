/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What changes a space, seen at the memory manager's interface.
 *
 *                 recording_space               activate
 *   (a new space) --------------> held back ------------> runs --> (destroyed)
 *                                                fork  -->
 *
 * Addresses and lengths of events are whole pages, as the calls below make them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/recording.h"
#include "base/size.h"

static struct recording_space *
space_of(struct space *space)
{
    return (struct recording_space *)(uintptr_t)space->ops;
}

/* Adds an event of the space's; before it runs, to those held back. */
static void
put(struct recording_space *rs, struct pgw_event event)
{
    struct recording_event put = {.event = event};
    void *early = rs->early;

    put.event.process = rs->number;
    if (rs->runs) {
        recording_put(rs->recorder, &put);
        return;
    }
    if (!recording_grow(&early, &rs->early_room, rs->nearly, sizeof put)) {
        recording_stop(rs->recorder, PGW_NOMEM);
        return;
    }
    rs->early = early;
    rs->early[rs->nearly++] = put;
}

static uint32_t
rights(prot_t prot, bool shared)
{
    return (uint32_t)prot | (shared ? PGW_EVENT_SHARED : 0);
}
_Static_assert(
    PGW_REF_READ == PROT_MASK_R && PGW_REF_WRITE == PROT_MASK_W && PGW_REF_FETCH == PROT_MASK_X,
    "rights in a trace are those of a space");

static void
put_map(struct recording_space *rs, uint64_t va, uint64_t len, prot_t prot, bool shared)
{
    put(rs,
        (struct pgw_event){
            .kind = PGW_EVENT_MAP, .va = va, .len = page_ceil(len), .prot = rights(prot, shared)});
}

static void
put_range(struct recording_space *rs, enum pgw_event_kind kind, uint64_t va, uint64_t len)
{
    if (len > 0)
        put(rs, (struct pgw_event){.kind = kind, .va = va, .len = page_ceil(len)});
}

/* --- the calls --- */

static enum pgw_status
record_map(struct space *space, const struct space_map_args *args, uint64_t *va)
{
    struct recording_space *rs = space_of(space);
    enum pgw_status status = rs->under->map(space, args, va);

    if (status == PGW_OK)
        put_map(rs, *va, args->len, args->prot, (args->flags & SPACE_SHARED) != 0);
    return status;
}

static enum pgw_status
record_unmap(struct space *space, uint64_t va, uint64_t len)
{
    struct recording_space *rs = space_of(space);
    enum pgw_status status = rs->under->unmap(space, va, len);

    if (status == PGW_OK)
        put_range(rs, PGW_EVENT_UNMAP, va, len);
    return status;
}

static enum pgw_status
record_protect(struct space *space, uint64_t va, uint64_t len, prot_t prot)
{
    struct recording_space *rs = space_of(space);
    enum pgw_status status = rs->under->protect(space, va, len, prot);

    if (status == PGW_OK)
        put(rs, (struct pgw_event){.kind = PGW_EVENT_PROTECT,
                    .va = va,
                    .len = page_ceil(len),
                    .prot = rights(prot, false)});
    return status;
}

/* What a remap that succeeded has changed; was: the region at old before it. */
static void
put_remap(struct recording_space *rs, const struct space_region *was, uint64_t old,
    uint64_t old_len, uint64_t new_len, unsigned flags, uint64_t va)
{
    uint64_t both = old_len < new_len ? old_len : new_len;
    bool moved = va != old;

    if (moved && (flags & SPACE_FIXED) != 0)
        put_range(rs, PGW_EVENT_UNMAP, va, new_len);
    put_range(rs, PGW_EVENT_UNMAP, old + both, old_len - both);
    if (moved && both > 0)
        put(rs, (struct pgw_event){.kind = PGW_EVENT_MOVE, .va = old, .len = both, .other = va});
    if (new_len > both)
        put_map(rs, va + both, new_len - both, was->prot, was->shared);
    if (moved && (flags & SPACE_KEEP) != 0)
        put_map(rs, old, both, was->prot, was->shared);
}

static enum pgw_status
record_remap(struct space *space, uint64_t old, uint64_t old_len, uint64_t new_len, bool may_move,
    unsigned flags, uint64_t *va)
{
    struct recording_space *rs = space_of(space);
    struct space_region was = {.prot = PROT_MASK_NONE};

    (void)rs->under->find(space, old, &was);
    enum pgw_status status = rs->under->remap(space, old, old_len, new_len, may_move, flags, va);
    if (status == PGW_OK)
        put_remap(rs, &was, old, page_ceil(old_len), page_ceil(new_len), flags, *va);
    return status;
}

/* Private memory of the range has lost its content; with shared, shared memory too. */
static void
put_discard(struct recording_space *rs, struct space *space, uint64_t va, uint64_t len, bool shared)
{
    struct space_region region;

    for (uint64_t end = va + len; va < end && rs->under->find(space, va, &region);
         va = region.end) {
        uint64_t from = region.start > va ? region.start : va;
        uint64_t to = region.end < end ? region.end : end;
        if (from < to && region.shared == shared)
            put_range(rs, PGW_EVENT_DISCARD, from, to - from);
    }
}

static enum pgw_status
record_advise(struct space *space, uint64_t va, uint64_t len, enum space_advice advice)
{
    struct recording_space *rs = space_of(space);
    enum pgw_status status = rs->under->advise(space, va, len, advice);

    /* NOTFOUND: there were holes, and the rest is done. */
    if (status != PGW_OK && status != PGW_NOTFOUND)
        return status;
    if (advice == SPACE_ADVICE_DONTNEED || advice == SPACE_ADVICE_DROP ||
        advice == SPACE_ADVICE_FREE)
        put_discard(rs, space, va, len, false);
    else if (advice == SPACE_ADVICE_REMOVE)
        put_discard(rs, space, va, len, true);
    return status;
}

/* --- stacks --- */

/* Where the stack begins that a fault at va may make larger; 0: there is none. */
static uint64_t
stack_above(const struct recording_space *rs, struct space *space, uint64_t va)
{
    struct space_region region;

    return rs->under->find(space, va, &region) && region.growsdown && region.start > va
               ? region.start
               : 0;
}

/* The stack began at `was`; whatever came of the fault at va, it may have grown. */
static void
put_growth(struct recording_space *rs, struct space *space, uint64_t va, uint64_t was)
{
    struct space_region region;

    if (was != 0 && rs->under->find(space, va, &region) && region.start < was)
        put_map(rs, region.start, was - region.start, region.prot, region.shared);
}

static enum space_fault
record_fault(struct space *space, uint64_t va, enum access access)
{
    struct recording_space *rs = space_of(space);
    uint64_t stack = stack_above(rs, space, va);
    enum space_fault fault = rs->under->fault(space, va, access);

    put_growth(rs, space, va, stack);
    return fault;
}

static enum space_fault
record_resolve(struct space *space, uint64_t va, enum access access, unsigned char **bytes)
{
    struct recording_space *rs = space_of(space);
    uint64_t stack = stack_above(rs, space, va);
    enum space_fault fault = rs->under->resolve(space, va, access, bytes);

    if (stack == 0)
        return fault;
    put_growth(rs, space, va, stack);
    /* Another call on the space came in between: bytes must be asked for again. */
    return fault == SPACE_FAULT_OK ? rs->under->resolve(space, va, access, bytes) : fault;
}

/* --- spaces come and go --- */

/* The space's process, at its first turn. */
static void
settle(struct recording_space *rs)
{
    struct recording *recorder = rs->recorder;
    struct recording_event exec = {.event.kind = PGW_EVENT_EXEC};

    if (rs->number == 0)
        rs->number = ++recorder->processes;
    rs->runs = true;
    if (recorder->pending == rs)
        recorder->pending = NULL;
    exec.event.process = rs->number;
    memcpy(exec.text, rs->program, sizeof exec.text);
    recording_put(recorder, &exec);
    for (size_t i = 0; i < rs->nearly; i++) {
        rs->early[i].event.process = rs->number;
        recording_put(recorder, &rs->early[i]);
    }
    free(rs->early);
    rs->early = NULL;
    rs->nearly = rs->early_room = 0;
}

static void
record_activate(struct space *space, struct pmap_context *context)
{
    struct recording_space *rs = space_of(space);

    if (!rs->runs)
        settle(rs);
    rs->recorder->process = rs->number;
    rs->under->activate(space, context);
}

static void
record_destroy(struct space *space)
{
    struct recording_space *rs = space_of(space);
    struct recording *recorder = rs->recorder;
    struct recording_space *next = recorder->pending;

    if (next == rs)
        recorder->pending = NULL;
    if (rs->number != 0 && next != NULL && next->from == space) {
        next->number = rs->number;
        next->from = NULL;
    } else if (rs->number != 0) {
        rs->runs = true;
        put(rs, (struct pgw_event){.kind = PGW_EVENT_EXIT});
    }
    const struct space_ops *under = rs->under;
    free(rs->early);
    free(rs);
    space->ops = under;
    under->destroy(space);
}

static struct recording_space *space_new(struct recording *recorder, const struct space_ops *under);

/* After a fork: what the child does not find as the parent has it, or not at all. */
static void
put_unlike(struct recording_space *child, struct space *parent)
{
    struct space_region region;

    for (uint64_t va = 0; child->under->find(parent, va, &region); va = region.end) {
        uint64_t len = region.end - region.start;
        if ((region.advice >> SPACE_ADVICE_DONTFORK & 1) != 0)
            put_range(child, PGW_EVENT_UNMAP, region.start, len);
        else if ((region.advice >> SPACE_ADVICE_WIPEONFORK & 1) != 0)
            put_range(child, PGW_EVENT_DISCARD, region.start, len);
    }
}

static enum pgw_status
record_fork(struct space *space, struct space **child)
{
    struct recording_space *rs = space_of(space);
    struct space *made;
    struct recording_space *made_rs = space_new(rs->recorder, rs->under);

    if (made_rs == NULL)
        return PGW_NOMEM;
    enum pgw_status status = rs->under->fork(space, &made);
    if (status != PGW_OK) {
        free(made_rs);
        return status;
    }
    made->ops = &made_rs->ops;
    made_rs->runs = true;
    made_rs->number = ++rs->recorder->processes;
    put(rs, (struct pgw_event){.kind = PGW_EVENT_FORK, .other = made_rs->number});
    put_unlike(made_rs, space);
    *child = made;
    return PGW_OK;
}

static struct recording_space *
space_new(struct recording *recorder, const struct space_ops *under)
{
    struct recording_space *rs = calloc(1, sizeof *rs);

    if (rs == NULL)
        return NULL;
    rs->recorder = recorder;
    rs->under = under;
    rs->ops = *under;
    rs->ops.fork = record_fork;
    rs->ops.destroy = record_destroy;
    rs->ops.map = record_map;
    rs->ops.unmap = record_unmap;
    rs->ops.protect = record_protect;
    rs->ops.remap = record_remap;
    rs->ops.advise = record_advise;
    rs->ops.fault = record_fault;
    rs->ops.resolve = record_resolve;
    rs->ops.activate = record_activate;
    return rs;
}

enum pgw_status
recording_space(struct recording *recorder, struct space *space)
{
    struct recording_space *rs = space_new(recorder, space->ops);

    if (rs == NULL) {
        space->ops->destroy(space);
        return PGW_NOMEM;
    }
    space->ops = &rs->ops;
    return PGW_OK;
}

void
recording_program(struct space *space, const struct space *from, const char *name)
{
    struct recording_space *rs = space_of(space);

    rs->from = from;
    (void)snprintf(rs->program, sizeof rs->program, "%s", name);
    rs->recorder->pending = rs;
}
