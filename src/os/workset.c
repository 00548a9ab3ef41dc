/* SPDX-License-Identifier: BSD-2-Clause */
#include "os/workset.h"

#include "os/os.h"

#define SLOTS_FIRST ((size_t)4096)

void
os_workset_init(struct os_workset_meter *meter, struct base_alloc *alloc, uint64_t window)
{
    *meter = (struct os_workset_meter){.alloc = alloc, .window = window, .stamp = 1};
}

static void
slots_free(struct os_workset_meter *meter)
{
    if (meter->slots != NULL)
        meter->alloc->unmap(meter->alloc, meter->slots, meter->nslots * sizeof *meter->slots);
    meter->slots = NULL;
    meter->nslots = 0;
}

void
os_workset_fini(struct os_workset_meter *meter)
{
    slots_free(meter);
}

/* The slot that holds the page in this window, or the one where it goes. */
static struct os_workset_slot *
slot_find(const struct os_workset_meter *meter, uint32_t space, uint64_t vpn)
{
    uint64_t hash = (vpn ^ (uint64_t)space << 40) * UINT64_C(0x9e3779b97f4a7c15);
    size_t mask = meter->nslots - 1;
    size_t i = (size_t)(hash >> 32) & mask;

    for (;; i = (i + 1) & mask) {
        struct os_workset_slot *slot = &meter->slots[i];

        if (slot->stamp != meter->stamp || (slot->vpn == vpn && slot->space == space))
            return slot;
    }
}

/* Makes room for twice as many pages (or the first ones); false: no memory. */
static bool
slots_grow(struct os_workset_meter *meter)
{
    struct os_workset_meter bigger = *meter;

    bigger.nslots = meter->nslots == 0 ? SLOTS_FIRST : meter->nslots * 2;
    bigger.slots = meter->alloc->map(meter->alloc, bigger.nslots * sizeof *bigger.slots);
    if (bigger.slots == NULL)
        return false;
    for (size_t i = 0; i < meter->nslots; i++) {
        const struct os_workset_slot *slot = &meter->slots[i];

        if (slot->stamp == meter->stamp)
            *slot_find(&bigger, slot->space, slot->vpn) = *slot;
    }
    slots_free(meter);
    *meter = bigger;
    return true;
}

void
os_workset_touch(struct os_workset_meter *meter, uint64_t space, uint64_t vpn)
{
    /* One slot always stays free, so that looking ends. */
    if (meter->pages * 4 >= meter->nslots * 3 && !slots_grow(meter) &&
        meter->pages + 1 >= meter->nslots)
        return;

    struct os_workset_slot *slot = slot_find(meter, (uint32_t)space, vpn);

    if (slot->stamp == meter->stamp)
        return;
    *slot = (struct os_workset_slot){vpn, (uint32_t)space, meter->stamp};
    meter->pages++;
}

/* Halves the curve: of each pair of windows the larger stays. */
static void
curve_halve(struct os_stats *stats)
{
    uint64_t n = stats->worksets / 2;

    for (uint64_t i = 0; i < n; i++) {
        const struct os_workset *a = &stats->workset[2 * i];
        const struct os_workset *b = &stats->workset[2 * i + 1];

        stats->workset[i].start = a->start;
        stats->workset[i].pages = a->pages > b->pages ? a->pages : b->pages;
    }
    stats->worksets = n;
}

void
os_workset_end(struct os_workset_meter *meter, struct os_stats *stats, uint64_t now)
{
    if (stats->worksets == OS_WORKSET_MAX) {
        curve_halve(stats);
        meter->window *= 2;
        stats->window = meter->window;
    }
    stats->workset[stats->worksets++] =
        (struct os_workset){.start = meter->start, .pages = meter->pages};
    meter->start = now;
    meter->pages = 0;
    if (++meter->stamp == 0) {
        /* Stamps of long ago would look new. */
        slots_free(meter);
        meter->stamp = 1;
    }
}
