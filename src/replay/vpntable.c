/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay/vpntable.h"

#define VPN_SLOTS_MIN 256u /* what a page of the host holds */

static enum pgw_status
vpn_table_make(struct vpn_table *table, struct base_alloc *alloc, uint64_t slots)
{
    if (slots > SIZE_MAX / sizeof(struct vpn_slot))
        return PGW_NOMEM;
    struct vpn_slot *made = alloc->map(alloc, slots * sizeof *made);
    if (made == NULL)
        return PGW_NOMEM;
    *table = (struct vpn_table){.slots = made, .nslots = slots};
    return PGW_OK;
}

enum pgw_status
vpn_table_init(struct vpn_table *table, struct base_alloc *alloc)
{
    return vpn_table_make(table, alloc, VPN_SLOTS_MIN);
}

void
vpn_table_fini(struct vpn_table *table, struct base_alloc *alloc)
{
    alloc->unmap(alloc, table->slots, table->nslots * sizeof *table->slots);
}

enum pgw_status
vpn_table_copy(const struct vpn_table *table, struct base_alloc *alloc, struct vpn_table *copy)
{
    enum pgw_status status = vpn_table_make(copy, alloc, table->nslots);

    if (status != PGW_OK)
        return status;
    memcpy(copy->slots, table->slots, table->nslots * sizeof *table->slots);
    copy->count = table->count;
    return PGW_OK;
}

enum pgw_status
vpn_table_reserve(struct vpn_table *table, struct base_alloc *alloc, uint64_t n)
{
    uint64_t slots = table->nslots;
    struct vpn_table more;

    while (table->count + n > slots / 4 * 3)
        slots = (slots & (slots - 1)) == 0 ? slots / 2 * 3 : slots / 3 * 4;
    if (slots == table->nslots)
        return PGW_OK;
    enum pgw_status status = vpn_table_make(&more, alloc, slots);
    if (status != PGW_OK)
        return status;
    for (uint64_t i = 0; i < table->nslots; i++) {
        const struct vpn_slot *slot = &table->slots[i];
        if (slot->value != 0)
            (void)vpn_table_put(&more, vpn_slot_vpn(slot), slot->value);
    }
    vpn_table_fini(table, alloc);
    *table = more;
    return PGW_OK;
}

struct vpn_slot *
vpn_table_put(struct vpn_table *table, uint64_t vpn, uint32_t value)
{
    struct vpn_slot *slot = vpn_table_find(table, vpn);

    memcpy(slot->vpn, &vpn, sizeof vpn);
    slot->value = value;
    table->count++;
    return slot;
}

/* How many slots after `from` it is, round the end. */
static uint64_t
vpn_table_after(const struct vpn_table *table, uint64_t from, uint64_t slot)
{
    return slot >= from ? slot - from : slot + table->nslots - from;
}

/* What stands behind a slot that becomes empty moves into it, unless its home lies in between. */
void
vpn_table_remove(struct vpn_table *table, uint64_t vpn)
{
    uint64_t hole = (uint64_t)(vpn_table_find(table, vpn) - table->slots);

    for (uint64_t at = hole;;) {
        at = at + 1 < table->nslots ? at + 1 : 0;
        if (table->slots[at].value == 0)
            break;
        uint64_t home = vpn_table_home(table, vpn_slot_vpn(&table->slots[at]));
        if (vpn_table_after(table, home, at) < vpn_table_after(table, hole, at))
            continue;
        table->slots[hole] = table->slots[at];
        hole = at;
    }
    table->slots[hole].value = 0;
    table->count--;
}
