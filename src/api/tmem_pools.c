/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pools of transcendent memory that belong to who embeds the library.
 *
 * The compressed pool needs frames for what it is given.  A page that is swapped gives back a frame
 * of its own; one that comes from outside does not, so where RAM is full the core is asked to make
 * room for it, if the page may not be refused.
 */
#include <stdlib.h>
#include <string.h>

#include "api/sim.h"
#include "base/size.h"
#include "pager/pagers.h"

#define TMEM_FRAMES 16u /* that the core is asked to free at once */

struct pgw_tmem_pool {
    struct pgw_system *system;
    struct tmem *tmem;
    unsigned id;
    bool persistent;
    LIST_ENTRY(pgw_tmem_pool) link;
};

enum pgw_status
pgw_tmem_create(struct pgw_system *system, bool persistent, struct pgw_tmem_pool **pool)
{
    struct tmem *tmem = system->swap != NULL ? pager_zpool_tmem(system->swap) : NULL;

    if (tmem == NULL)
        return sim_fail(system, PGW_UNSUPPORTED,
            "cannot make a pool for pages: swap has no compressed pool, such as "
            "\"zpool:20%%,64M\"");
    struct pgw_tmem_pool *made =
        base_inject_fails(system->inject, INJECT_MAP) ? NULL : calloc(1, sizeof *made);
    enum pgw_status status =
        made != NULL ? tmem->ops->pool_create(tmem, persistent, &made->id) : PGW_NOMEM;
    if (status != PGW_OK) {
        free(made);
        return sim_fail(system, status, "cannot make a pool for pages: %s",
            status == PGW_NOSPACE ? "there are too many" : pgw_status_text(status));
    }
    made->system = system;
    made->tmem = tmem;
    made->persistent = persistent;
    LIST_INSERT_HEAD(&system->tmem_pools, made, link);
    *pool = made;
    return PGW_OK;
}

void
pgw_tmem_destroy(struct pgw_tmem_pool *pool)
{
    if (pool == NULL)
        return;
    pool->tmem->ops->pool_destroy(pool->tmem, pool->id);
    LIST_REMOVE(pool, link);
    free(pool);
}

void
tmem_pools_clear(struct pgw_system *system)
{
    while (!LIST_EMPTY(&system->tmem_pools))
        pgw_tmem_destroy(LIST_FIRST(&system->tmem_pools));
}

enum pgw_status
pgw_tmem_put(struct pgw_tmem_pool *pool, uint64_t object, uint64_t index, const void *page)
{
    struct pgw_system *system = pool->system;
    enum pgw_status status = pool->tmem->ops->put(pool->tmem, pool->id, object, index, page);

    if (status == PGW_NOSWAP && pool->persistent && system->vm != NULL &&
        vm_reclaim(system->vm, TMEM_FRAMES) > 0)
        status = pool->tmem->ops->put(pool->tmem, pool->id, object, index, page);
    if (status == PGW_OK)
        return PGW_OK;
    return sim_fail(system, status, "cannot keep page %llu of object %llu: %s",
        (unsigned long long)index, (unsigned long long)object,
        status == PGW_NOSWAP ? "the compressed pool has no room for it" : pgw_status_text(status));
}

enum pgw_status
pgw_tmem_get(struct pgw_tmem_pool *pool, uint64_t object, uint64_t index, void *page)
{
    unsigned char bytes[PAGE_SIZE]; /* of a damaged page, nothing is handed out */
    enum pgw_status status = pool->tmem->ops->get(pool->tmem, pool->id, object, index, bytes);

    if (status != PGW_OK)
        return sim_fail(pool->system, status, "cannot get page %llu of object %llu: %s",
            (unsigned long long)index, (unsigned long long)object, pgw_status_text(status));
    memcpy(page, bytes, sizeof bytes);
    return PGW_OK;
}

void
pgw_tmem_flush_page(struct pgw_tmem_pool *pool, uint64_t object, uint64_t index)
{
    pool->tmem->ops->flush_page(pool->tmem, pool->id, object, index);
}

void
pgw_tmem_flush_object(struct pgw_tmem_pool *pool, uint64_t object)
{
    pool->tmem->ops->flush_object(pool->tmem, pool->id, object);
}
