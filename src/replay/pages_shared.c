/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay/pages_impl.h"

/*
 * Shared mappings: a fork does not copy them, so a page that a process touches there for the first
 * time after the fork is the other's, too.  Their pages are therefore in a table of the mapping,
 * by offset.  The spaces' tables lead to them as to any other page, but do not hold them.
 */

enum pgw_status
pages_shared_map(
    struct replay_pages *pages, struct pages_space *space, uint64_t first, uint64_t end)
{
    struct base_alloc *alloc = pages->alloc;
    enum pgw_status status = growing_reserve(
        alloc, (void **)&space->ranges, &space->room, space->nranges + 1, sizeof *space->ranges);
    if (status != PGW_OK)
        return status;
    struct pages_object *object = alloc->map(alloc, sizeof *object);
    if (object == NULL)
        return PGW_NOMEM;
    status = vpn_table_init(&object->table, alloc);
    if (status != PGW_OK) {
        alloc->unmap(alloc, object, sizeof *object);
        return status;
    }
    object->ranges = 1;
    space->ranges[space->nranges++] =
        (struct pages_range){.first = first, .end = end, .object = object};
    return PGW_OK;
}

static const struct pages_range *
pages_shared_find(const struct pages_space *space, uint64_t vpn)
{
    for (uint64_t i = 0; i < space->nranges; i++) {
        if (vpn >= space->ranges[i].first && vpn < space->ranges[i].end)
            return &space->ranges[i];
    }
    return NULL;
}

enum pgw_status
pages_shared_page(
    struct replay_pages *pages, struct pages_space *space, uint64_t vpn, uint32_t *page)
{
    const struct pages_range *range = pages_shared_find(space, vpn);
    if (range == NULL)
        return PGW_NOTFOUND;
    struct vpn_table *table = &range->object->table;
    uint64_t offset = range->offset + (vpn - range->first);
    const struct vpn_slot *slot = vpn_table_find(table, offset);
    if (slot->value != 0) {
        *page = slot->value - 1;
        return PGW_OK;
    }
    enum pgw_status status = vpn_table_reserve(table, pages->alloc, 1);
    if (status == PGW_OK)
        status = pages_new(pages, space->process, vpn, page);
    if (status == PGW_OK)
        (void)vpn_table_put(table, offset, *page + 1);
    return status;
}

enum pgw_status
pages_shared_reserve(struct replay_pages *pages, struct pages_space *space)
{
    if (space->nranges == 0)
        return PGW_OK;
    return growing_reserve(pages->alloc, (void **)&space->ranges, &space->room, space->nranges + 2,
        sizeof *space->ranges);
}

static void
pages_object_put(
    struct replay_pages *pages, struct pages_object *object, const struct replay_told *told)
{
    const struct vpn_table *table = &object->table;

    if (--object->ranges > 0)
        return;
    for (uint64_t i = 0; i < table->nslots; i++) {
        if (table->slots[i].value != 0)
            told->gone(told->ctx, table->slots[i].value - 1);
    }
    vpn_table_fini(&object->table, pages->alloc);
    pages->alloc->unmap(pages->alloc, object, sizeof *object);
}

/* Makes at the boundary of two ranges, if it lies within one; there is room. */
static void
pages_shared_split(struct pages_space *space, uint64_t at)
{
    for (uint64_t i = 0; i < space->nranges; i++) {
        struct pages_range *range = &space->ranges[i];
        if (at <= range->first || at >= range->end)
            continue;
        struct pages_range *rest = &space->ranges[space->nranges++];
        *rest = *range;
        rest->first = range->end = at;
        rest->offset += at - range->first;
        rest->object->ranges++;
        return;
    }
}

void
pages_shared_cut(struct replay_pages *pages, struct pages_space *space, uint64_t first,
    uint64_t end, const struct replay_told *told)
{
    pages_shared_split(space, first);
    pages_shared_split(space, end);
    for (uint64_t i = 0; i < space->nranges;) {
        const struct pages_range *range = &space->ranges[i];
        if (range->first >= end || range->end <= first) {
            i++;
            continue;
        }
        pages_object_put(pages, range->object, told);
        space->ranges[i] = space->ranges[--space->nranges];
    }
}

void
pages_shared_move(struct pages_space *space, uint64_t first, uint64_t end, uint64_t to)
{
    pages_shared_split(space, first);
    pages_shared_split(space, end);
    for (uint64_t i = 0; i < space->nranges; i++) {
        struct pages_range *range = &space->ranges[i];
        if (range->first < first || range->end > end)
            continue;
        range->first = range->first - first + to;
        range->end = range->end - first + to;
    }
}

enum pgw_status
pages_shared_fork(
    struct replay_pages *pages, const struct pages_space *space, struct pages_space *child)
{
    enum pgw_status status;

    if (space->nranges == 0)
        return PGW_OK;
    status = growing_reserve(
        pages->alloc, (void **)&child->ranges, &child->room, space->nranges, sizeof *child->ranges);
    if (status != PGW_OK)
        return status;
    for (uint64_t i = 0; i < space->nranges; i++) {
        child->ranges[i] = space->ranges[i];
        child->ranges[i].object->ranges++;
    }
    child->nranges = space->nranges;
    return PGW_OK;
}
