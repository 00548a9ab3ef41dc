/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay/spool.h"

#include <string.h>

#include "base/size.h"
#include "host/host_file.h"
#include "replay/growing.h"
#include "replay/opt.h"

#define SPOOL_TOUCH_BYTES (REPLAY_BATCH * sizeof(struct policy_touch))
#define SPOOL_NEXT_BYTES (REPLAY_BATCH * sizeof(uint32_t))
#define SPOOL_WHERE_BYTES (REPLAY_BATCH * sizeof(struct replay_where))

/* A batch that is kept. */
struct spool_block {
    struct policy_touch *touch; /* NULL: it is in the file */
    uint32_t *next;             /* NULL: in the file, or not found yet */
    struct replay_where *where; /* NULL: in the file, or not kept */
    uint64_t offset;            /* in the file: of touch, then next, then where */
    uint64_t at;
    struct replay_totals totals;
    uint32_t n, nmarks, npages;
};

struct spool {
    struct base_alloc *alloc;
    uint64_t limit, held; /* bytes of blocks in memory */
    struct spool_block *blocks;
    uint64_t nblocks, room;
    struct host_file file; /* fd -1: none is needed yet */
    uint64_t file_len;
    uint64_t *last;           /* by page: see opt_next_uses() */
    uint32_t npages;          /* entries of last */
    bool where;               /* kept */
    bool ahead;               /* next uses are known */
    struct replay_batch look; /* whose rooms spool_look_ahead() uses */
};

enum pgw_status
spool_create(struct base_alloc *alloc, uint64_t limit, struct spool **spool)
{
    struct spool *made = alloc->map(alloc, sizeof *made);

    if (made == NULL)
        return PGW_NOMEM;
    made->alloc = alloc;
    made->limit = limit;
    made->file.fd = -1;
    *spool = made;
    return PGW_OK;
}

void
spool_destroy(struct spool *spool)
{
    if (spool == NULL)
        return;
    struct base_alloc *alloc = spool->alloc;
    for (uint64_t i = 0; i < spool->nblocks; i++) {
        if (spool->blocks[i].touch != NULL)
            alloc->unmap(alloc, spool->blocks[i].touch, SPOOL_TOUCH_BYTES);
        if (spool->blocks[i].where != NULL)
            alloc->unmap(alloc, spool->blocks[i].where, SPOOL_WHERE_BYTES);
        if (spool->blocks[i].next != NULL)
            alloc->unmap(alloc, spool->blocks[i].next, SPOOL_NEXT_BYTES);
    }
    if (spool->blocks != NULL)
        alloc->unmap(alloc, spool->blocks, spool->room * sizeof *spool->blocks);
    if (spool->last != NULL)
        alloc->unmap(alloc, spool->last, spool->npages * sizeof *spool->last);
    if (spool->look.room != NULL)
        alloc->unmap(alloc, spool->look.room, SPOOL_TOUCH_BYTES);
    if (spool->look.next_room != NULL)
        alloc->unmap(alloc, spool->look.next_room, SPOOL_NEXT_BYTES);
    if (spool->file.fd >= 0)
        host_file_close(&spool->file);
    alloc->unmap(alloc, spool, sizeof *spool);
}

/* A piece of memory within the limit, or NULL. */
static void *
spool_memory(struct spool *spool, uint64_t bytes)
{
    if (spool->held + bytes > spool->limit)
        return NULL;
    void *memory = spool->alloc->map(spool->alloc, bytes);
    if (memory != NULL)
        spool->held += bytes;
    return memory;
}

static enum pgw_status
spool_to_file(struct spool *spool, struct spool_block *block, const struct replay_batch *batch)
{
    enum pgw_status status = spool->file.fd >= 0 ? PGW_OK : host_file_temp(NULL, &spool->file);

    if (status == PGW_OK)
        status = host_file_write(&spool->file, batch->touch, SPOOL_TOUCH_BYTES, spool->file_len);
    if (status == PGW_OK && spool->where)
        status = host_file_write(&spool->file, batch->where, SPOOL_WHERE_BYTES,
            spool->file_len + SPOOL_TOUCH_BYTES + SPOOL_NEXT_BYTES);
    if (status != PGW_OK)
        return status;
    block->offset = spool->file_len;
    spool->file_len += SPOOL_TOUCH_BYTES + SPOOL_NEXT_BYTES + SPOOL_WHERE_BYTES;
    return PGW_OK;
}

enum pgw_status
spool_put(struct spool *spool, const struct replay_batch *batch)
{
    enum pgw_status status = growing_reserve(spool->alloc, (void **)&spool->blocks, &spool->room,
        spool->nblocks + 1, sizeof *spool->blocks);

    if (status != PGW_OK)
        return status;
    struct spool_block block = {.at = batch->at,
        .totals = batch->totals,
        .n = batch->n,
        .nmarks = batch->nmarks,
        .npages = batch->npages};
    spool->where = batch->where != NULL;
    block.touch = spool_memory(spool, SPOOL_TOUCH_BYTES);
    if (block.touch != NULL && spool->where) {
        block.where = spool_memory(spool, SPOOL_WHERE_BYTES);
        if (block.where == NULL) { /* both or none */
            spool->alloc->unmap(spool->alloc, block.touch, SPOOL_TOUCH_BYTES);
            block.touch = NULL;
        }
    }
    if (block.where != NULL)
        memcpy(block.where, batch->where, batch->n * sizeof *batch->where);
    if (block.touch != NULL)
        memcpy(block.touch, batch->touch, batch->n * sizeof *batch->touch);
    else
        status = spool_to_file(spool, &block, batch);
    if (status == PGW_OK)
        spool->blocks[spool->nblocks++] = block;
    return status;
}

uint64_t
spool_batches(const struct spool *spool)
{
    return spool->nblocks;
}

/* The touches of a block, in memory or read into the batch's own. */
static enum pgw_status
spool_touches(struct spool *spool, const struct spool_block *block, struct replay_batch *batch)
{
    batch->touch = block->touch != NULL ? block->touch : batch->room;
    batch->n = block->n;
    batch->at = block->at;
    batch->npages = block->npages;
    batch->totals = block->totals;
    if (block->touch != NULL)
        return PGW_OK;
    return host_file_read(&spool->file, batch->room, block->n * sizeof *batch->room, block->offset);
}

/* Where the touches of a block are, in memory or read into the batch's own. */
static enum pgw_status
spool_where(struct spool *spool, const struct spool_block *block, struct replay_batch *batch)
{
    batch->where = block->where;
    if (!spool->where || block->where != NULL)
        return PGW_OK;
    batch->where = batch->where_room;
    return host_file_read(&spool->file, batch->where_room, block->n * sizeof *batch->where_room,
        block->offset + SPOOL_TOUCH_BYTES + SPOOL_NEXT_BYTES);
}

enum pgw_status
spool_get(struct spool *spool, uint64_t i, struct replay_batch *batch)
{
    const struct spool_block *block = &spool->blocks[i];
    enum pgw_status status = spool_touches(spool, block, batch);

    batch->nmarks = 0;
    for (uint32_t at = 0; batch->nmarks < block->nmarks && status == PGW_OK; at++) {
        if (batch->touch[at].count == 0)
            batch->mark[batch->nmarks++] = at;
    }
    if (status == PGW_OK)
        status = spool_where(spool, block, batch);
    if (status != PGW_OK || !spool->ahead)
        return status;
    batch->next = block->next != NULL ? block->next : batch->next_room;
    if (block->next != NULL)
        return PGW_OK;
    return host_file_read(&spool->file, batch->next_room, block->n * sizeof *batch->next_room,
        block->offset + SPOOL_TOUCH_BYTES);
}

/* Memory for the walk from the end: by page and, for what is in the file, for a block. */
static enum pgw_status
spool_prepare(struct spool *spool)
{
    struct base_alloc *alloc = spool->alloc;
    uint32_t npages = spool->blocks[spool->nblocks - 1].npages;

    if (spool->ahead)
        return PGW_OK;
    spool->look.room = alloc->map(alloc, SPOOL_TOUCH_BYTES);
    spool->look.next_room = alloc->map(alloc, SPOOL_NEXT_BYTES);
    spool->last = alloc->map(alloc, npages * sizeof *spool->last);
    spool->npages = npages;
    if (spool->look.room == NULL || spool->look.next_room == NULL || spool->last == NULL)
        return PGW_NOMEM;
    spool->ahead = true;
    return PGW_OK;
}

enum pgw_status
spool_look_ahead(struct spool *spool, uint64_t i)
{
    struct spool_block *block = &spool->blocks[i];
    enum pgw_status status = spool_prepare(spool);

    if (status == PGW_OK)
        status = spool_touches(spool, block, &spool->look);
    if (status != PGW_OK)
        return status;
    if (block->touch != NULL) {
        block->next = spool->alloc->map(spool->alloc, SPOOL_NEXT_BYTES);
        if (block->next == NULL)
            return PGW_NOMEM;
    }
    uint32_t *next = block->next != NULL ? block->next : spool->look.next_room;
    if (block->at > OPT_TOUCHES_MAX || !opt_next_uses(&spool->look, spool->last, next))
        return PGW_RANGE;
    if (block->next != NULL)
        return PGW_OK;
    return host_file_write(
        &spool->file, next, block->n * sizeof *next, block->offset + SPOOL_TOUCH_BYTES);
}
