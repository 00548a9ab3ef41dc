/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes of frames: zeroed, moved, read and written.  A run of frames goes page by page, for nobody
 * but mem_page_bytes knows where a frame's bytes are.  Devices are waited for: nothing else could
 * go on with half a segment.
 */
#include <string.h>

#include "base/assert.h"
#include "seg/segcore.h"

static unsigned char *
frame_bytes(const struct seg_system *system, uint64_t frame)
{
    return mem_page_bytes(system->mem, &system->mem->pages[frame]);
}

void
seg_frames_zero(struct seg_system *system, uint64_t first, uint64_t npages)
{
    for (uint64_t i = 0; i < npages; i++)
        memset(frame_bytes(system, first + i), 0, PAGE_SIZE);
}

void
seg_frames_move(struct seg_system *system, uint64_t from, uint64_t to, uint64_t npages)
{
    if (from == to)
        return;
    for (uint64_t i = 0; i < npages; i++) {
        uint64_t idx = to < from ? i : npages - 1 - i;
        memcpy(frame_bytes(system, to + idx), frame_bytes(system, from + idx), PAGE_SIZE);
    }
}

static void
frames_done(struct pager_io *io)
{
    *(bool *)io->ctx = true;
}

/* Starts an io that has its pages and waits for its end. */
static enum pgw_status
frames_transfer(struct pager *pager, struct pager_io *io, bool put)
{
    bool done = false;

    io->done = frames_done;
    io->ctx = &done;
    enum pgw_status status = (put ? pager->ops->start_put : pager->ops->start_get)(pager, io);
    if (status != PGW_OK)
        return status;
    while (!done)
        (void)pager->ops->drive(pager, true);
    return io->status;
}

static void
frames_fill(struct seg_system *system, struct pager_io *io, uint64_t first, uint64_t n)
{
    io->n = n < PAGER_RUN_MAX ? (unsigned)n : PAGER_RUN_MAX;
    for (unsigned i = 0; i < io->n; i++)
        io->pages[i] = &system->mem->pages[first + i];
}

enum pgw_status
seg_frames_read(struct seg_system *system, struct seg_object *object, uint64_t offset,
    uint64_t first, uint64_t npages)
{
    uint64_t idx = offset >> PAGE_SHIFT;
    uint64_t left = idx < object->base.npages ? object->base.npages - idx : 0;
    uint64_t n = npages < left ? npages : left;

    for (uint64_t at = 0; at < n;) {
        struct pager_io io = {0};
        frames_fill(system, &io, first + at, n - at);
        for (unsigned i = 0; i < io.n; i++)
            io.slots[i] = idx + at + i;
        enum pgw_status status = frames_transfer(object->base.pager, &io, false);
        if (status != PGW_OK)
            return seg_fail(system, status, "a file could not be read");
        system->stats.file_pages_in += io.n;
        at += io.n;
    }
    seg_frames_zero(system, first + n, npages - n);
    return PGW_OK;
}

/* --- swap --- */

/* A page of zeros takes no slot: a stack that is there in full is made of them mostly. */

static bool
frame_is_zero(const struct seg_system *system, uint64_t frame)
{
    const unsigned char *bytes = frame_bytes(system, frame);

    return bytes[0] == 0 && memcmp(bytes, bytes + 1, PAGE_SIZE - 1) == 0;
}

/* As many of the pages, none of which is zeros, as the pager takes at once; *n: how many. */
static enum pgw_status
frames_put_run(
    struct seg_system *system, uint64_t first, uint64_t npages, uint64_t *slots, uint64_t *n)
{
    struct pager_io io = {0};
    enum pgw_status status;
    uint64_t run = 1;

    while (run < npages && run < PAGER_RUN_MAX && !frame_is_zero(system, first + run))
        run++;
    frames_fill(system, &io, first, run);
    while ((status = frames_transfer(system->config.swap, &io, true)) == PGW_NOSWAP && io.n > 1)
        io.n /= 2; /* it has room for fewer, perhaps */
    if (status != PGW_OK)
        return status;
    memcpy(slots, io.slots, io.n * sizeof io.slots[0]);
    *n = io.n;
    return PGW_OK;
}

enum pgw_status
seg_frames_put(struct seg_system *system, uint64_t first, uint64_t npages, uint64_t *slots)
{
    if (system->config.swap == NULL)
        return seg_fail(system, PGW_NOSWAP, "there is no swap");
    for (uint64_t at = 0, n = 1; at < npages; at += n, n = 1) {
        slots[at] = PAGER_SLOT_NONE;
        if (frame_is_zero(system, first + at))
            continue;
        enum pgw_status status = frames_put_run(system, first + at, npages - at, slots + at, &n);
        if (status == PGW_OK)
            continue;
        seg_slots_forget(system, slots, at);
        return seg_fail(system, status,
            status == PGW_NOSWAP ? "swap is full" : "a segment could not be written to swap");
    }
    return PGW_OK;
}

enum pgw_status
seg_frames_get(struct seg_system *system, uint64_t first, uint64_t npages, const uint64_t *slots)
{
    for (uint64_t at = 0, n = 1; at < npages; at += n) {
        struct pager_io io = {0};
        for (n = 0; n < PAGER_RUN_MAX && at + n < npages && slots[at + n] != PAGER_SLOT_NONE; n++)
            io.slots[n] = slots[at + n];
        if (n == 0) {
            seg_frames_zero(system, first + at, 1);
            n = 1;
            continue;
        }
        frames_fill(system, &io, first + at, n);
        enum pgw_status status = frames_transfer(system->config.swap, &io, false);
        if (status != PGW_OK)
            return seg_fail(system, status, "a segment could not be read back from swap");
    }
    return PGW_OK;
}

void
seg_slots_forget(struct seg_system *system, const uint64_t *slots, uint64_t npages)
{
    for (uint64_t i = 0; i < npages; i++)
        if (slots[i] != PAGER_SLOT_NONE)
            system->config.swap->ops->forget(system->config.swap, slots[i]);
}
