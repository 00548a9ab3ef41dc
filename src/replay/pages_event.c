/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay/pages_impl.h"

/*
 * What changes a space.  Every event first finds the slots that it is about, then changes them one
 * by one.
 */

static enum pgw_status
pages_found_add(struct replay_pages *pages, const struct vpn_slot *slot)
{
    enum pgw_status status = growing_reserve(pages->alloc, (void **)&pages->found,
        &pages->found_room, pages->nfound + 1, sizeof *pages->found);

    if (status == PGW_OK)
        pages->found[pages->nfound++] =
            (struct pages_found){.vpn = vpn_slot_vpn(slot), .value = slot->value};
    return status;
}

/* The slots of [first, end): each asked for, or all looked at, whatever is less. */
static enum pgw_status
pages_collect(
    struct replay_pages *pages, const struct pages_space *space, uint64_t first, uint64_t end)
{
    const struct vpn_table *table = &space->table;
    enum pgw_status status = PGW_OK;

    pages->nfound = 0;
    if (first >= end)
        return PGW_OK;
    if (end - first < table->nslots) {
        for (uint64_t vpn = first; vpn < end && status == PGW_OK; vpn++) {
            const struct vpn_slot *slot = vpn_table_find(table, vpn);
            if (slot->value != 0)
                status = pages_found_add(pages, slot);
        }
        return status;
    }
    for (uint64_t i = 0; i < table->nslots && status == PGW_OK; i++) {
        const struct vpn_slot *slot = &table->slots[i];
        if (slot->value != 0 && vpn_slot_vpn(slot) >= first && vpn_slot_vpn(slot) < end)
            status = pages_found_add(pages, slot);
    }
    return status;
}

/* Takes what was found out of the table; shared: pages of shared mappings, too. */
static void
pages_drop_found(struct replay_pages *pages, struct pages_space *space, bool shared,
    const struct replay_told *told)
{
    for (uint64_t i = 0; i < pages->nfound; i++) {
        const struct pages_found *found = &pages->found[i];
        if ((found->value & VPN_SHARED) != 0 && !shared)
            continue;
        vpn_table_remove(&space->table, found->vpn);
        pages_release(pages, space, *found, told);
    }
}

/* Nothing is in [first, end) any more. */
static enum pgw_status
pages_unmap(struct replay_pages *pages, struct pages_space *space, uint64_t first, uint64_t end,
    const struct replay_told *told)
{
    enum pgw_status status = pages_shared_reserve(pages, space);

    if (status == PGW_OK)
        status = pages_collect(pages, space, first, end);
    if (status != PGW_OK || first >= end)
        return status;
    pages_drop_found(pages, space, true, told);
    pages_shared_cut(pages, space, first, end, told);
    return PGW_OK;
}

static enum pgw_status
pages_discard(struct replay_pages *pages, struct pages_space *space, uint64_t first, uint64_t end,
    const struct replay_told *told)
{
    enum pgw_status status = pages_collect(pages, space, first, end);

    if (status == PGW_OK)
        pages_drop_found(pages, space, false, told);
    return status;
}

static enum pgw_status
pages_map(struct replay_pages *pages, struct pages_space *space, const struct pgw_event *event,
    uint64_t first, uint64_t end, const struct replay_told *told)
{
    enum pgw_status status = pages_unmap(pages, space, first, end, told);

    if (status == PGW_OK && (event->prot & PGW_EVENT_SHARED) != 0 && first < end)
        status = pages_shared_map(pages, space, first, end);
    return status;
}

/* What was in [first, end) is from to on, and the pages are what they were. */
static enum pgw_status
pages_move(struct replay_pages *pages, struct pages_space *space, uint64_t first, uint64_t end,
    uint64_t to, const struct replay_told *told)
{
    enum pgw_status status = pages_unmap(pages, space, to, to + (end - first), told);

    if (to + (end - first) < to) /* no such place */
        return pages_unmap(pages, space, first, end, told);
    if (status == PGW_OK)
        status = pages_shared_reserve(pages, space);
    if (status == PGW_OK)
        status = pages_collect(pages, space, first, end);
    if (status != PGW_OK)
        return status;
    for (uint64_t i = 0; i < pages->nfound; i++) {
        vpn_table_remove(&space->table, pages->found[i].vpn);
        pages_left(space, pages->found[i], told);
    }
    for (uint64_t i = 0; i < pages->nfound; i++) {
        const struct pages_found *found = &pages->found[i];
        uint64_t vpn = found->vpn - first + to;
        (void)vpn_table_put(&space->table, vpn, found->value);
        pages_rename(pages, (found->value & VPN_PAGE_MASK) - 1, space, found->vpn, vpn);
    }
    pages_shared_move(space, first, end, to);
    return PGW_OK;
}

/* The process's space is empty; last: it is none any more. */
static enum pgw_status
pages_leave(struct replay_pages *pages, uint32_t process, bool last, const struct replay_told *told)
{
    struct pages_space *space = pages_space_find(pages, process);

    if (space == NULL)
        return PGW_OK;
    enum pgw_status status = pages_unmap(pages, space, 0, UINT64_MAX, told);
    if (status != PGW_OK || !last)
        return status;
    for (uint64_t i = 0; i < pages->nspaces; i++) {
        if (pages->spaces[i] == space)
            pages->spaces[i] = pages->spaces[--pages->nspaces];
    }
    pages->last = NULL;
    pages_space_free(pages, space);
    return PGW_OK;
}

/* Both have what the parent had: what is not shared is looked at before it is written to. */
static void
pages_copy_on_write(
    struct replay_pages *pages, struct pages_space *parent, struct pages_space *child)
{
    for (uint64_t i = 0; i < parent->table.nslots; i++) {
        struct vpn_slot *slot = &parent->table.slots[i];
        if (slot->value == 0 || (slot->value & VPN_SHARED) != 0)
            continue;
        slot->value |= VPN_COPY;
        child->table.slots[i].value |= VPN_COPY;
        pages->holders[(slot->value & VPN_PAGE_MASK) - 1]++;
    }
}

static enum pgw_status
pages_fork(
    struct replay_pages *pages, uint32_t process, uint32_t other, const struct replay_told *told)
{
    struct pages_space *parent, *child;
    enum pgw_status status;

    if (process == other)
        return PGW_OK;
    status = pages_leave(pages, other, true, told);
    if (status == PGW_OK)
        status = pages_space(pages, process, &parent);
    if (status == PGW_OK)
        status = growing_reserve(pages->alloc, (void **)&pages->holders, &pages->holders_room,
            pages->room, sizeof *pages->holders);
    if (status == PGW_OK)
        status = pages_space_new(pages, other, &child);
    if (status != PGW_OK)
        return status;
    status = vpn_table_copy(&parent->table, pages->alloc, &child->table);
    if (status != PGW_OK) {
        pages->alloc->unmap(pages->alloc, child, sizeof *child);
        return status;
    }
    status = pages_shared_fork(pages, parent, child);
    if (status != PGW_OK) {
        pages_space_free(pages, child);
        return status;
    }
    pages_copy_on_write(pages, parent, child);
    pages->spaces[pages->nspaces++] = child;
    return PGW_OK;
}

/* The whole pages within the event's range. */
static void
pages_range_of(
    const struct replay_pages *pages, const struct pgw_event *event, uint64_t *first, uint64_t *end)
{
    uint64_t page = (uint64_t)1 << pages->page_shift;
    uint64_t stop = event->va + event->len < event->va ? UINT64_MAX : event->va + event->len;

    *first = (event->va >> pages->page_shift) + (event->va % page != 0);
    *end = stop >> pages->page_shift;
    if (*end < *first)
        *end = *first;
}

enum pgw_status
replay_pages_event(
    struct replay_pages *pages, const struct pgw_event *event, const struct replay_told *told)
{
    struct pages_space *space;
    uint64_t first, end;

    if (event->kind == PGW_EVENT_EXEC || event->kind == PGW_EVENT_EXIT)
        return pages_leave(pages, event->process, event->kind == PGW_EVENT_EXIT, told);
    if (event->kind == PGW_EVENT_FORK)
        return pages_fork(pages, event->process, (uint32_t)event->other, told);
    if (event->kind == PGW_EVENT_PROTECT)
        return PGW_OK;
    enum pgw_status status = pages_space(pages, event->process, &space);
    if (status != PGW_OK)
        return status;
    pages_range_of(pages, event, &first, &end);
    switch (event->kind) {
    case PGW_EVENT_MAP:
        return pages_map(pages, space, event, first, end, told);
    case PGW_EVENT_UNMAP:
        return pages_unmap(pages, space, first, end, told);
    case PGW_EVENT_DISCARD:
        return pages_discard(pages, space, first, end, told);
    case PGW_EVENT_MOVE:
        if ((event->other ^ event->va) & (((uint64_t)1 << pages->page_shift) - 1))
            return pages_unmap(pages, space, first, end, told);
        /* Down, as often as up. */
        return pages_move(pages, space, first, end,
            (event->other >> pages->page_shift) + (first - (event->va >> pages->page_shift)), told);
    default:
        return PGW_OK;
    }
}
