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
    *table = (struct vpn_table){.slots = made, .mask = slots - 1};
    table->shift = 64 - ((unsigned)__builtin_ctzll(slots) - 3);
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
    alloc->unmap(alloc, table->slots, (table->mask + 1) * sizeof *table->slots);
}

enum pgw_status
vpn_table_copy(const struct vpn_table *table, struct base_alloc *alloc, struct vpn_table *copy)
{
    enum pgw_status status = vpn_table_make(copy, alloc, table->mask + 1);

    if (status != PGW_OK)
        return status;
    memcpy(copy->slots, table->slots, (table->mask + 1) * sizeof *table->slots);
    copy->count = table->count;
    return PGW_OK;
}

enum pgw_status
vpn_table_reserve(struct vpn_table *table, struct base_alloc *alloc, uint64_t n)
{
    uint64_t slots = table->mask + 1;
    struct vpn_table more;

    while (table->count + n > slots / 4 * 3)
        slots *= 2;
    if (slots == table->mask + 1)
        return PGW_OK;
    enum pgw_status status = vpn_table_make(&more, alloc, slots);
    if (status != PGW_OK)
        return status;
    for (uint64_t i = 0; i <= table->mask; i++) {
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

/* What stands behind a slot that becomes empty moves into it, unless its home lies in between. */
void
vpn_table_remove(struct vpn_table *table, uint64_t vpn)
{
    uint64_t hole = (uint64_t)(vpn_table_find(table, vpn) - table->slots);

    for (uint64_t at = (hole + 1) & table->mask; table->slots[at].value != 0;
         at = (at + 1) & table->mask) {
        uint64_t home = vpn_table_home(table, vpn_slot_vpn(&table->slots[at]));
        if (((at - home) & table->mask) < ((at - hole) & table->mask))
            continue;
        table->slots[hole] = table->slots[at];
        hole = at;
    }
    table->slots[hole].value = 0;
    table->count--;
}
