/* SPDX-License-Identifier: BSD-2-Clause */
#include "trace/trace_set.h"

#include <stdbool.h>
#include <stdlib.h>

/* Where the number is, or would be. */
static size_t
set_slot(const uint64_t *slot, size_t slots, uint64_t key)
{
    size_t i = (key * 0x9e3779b97f4a7c15u >> 32) % slots;

    while (slot[i] != 0 && slot[i] != key)
        i = (i + 1) % slots;
    return i;
}

static bool
set_grow(struct trace_set *set)
{
    size_t slots = set->slots * 2 + 64;
    uint64_t *slot = calloc(slots, sizeof *slot);

    if (slot == NULL)
        return false;
    for (size_t i = 0; i < set->slots; i++) {
        if (set->slot[i] != 0)
            slot[set_slot(slot, slots, set->slot[i])] = set->slot[i];
    }
    free(set->slot);
    set->slot = slot;
    set->slots = slots;
    return true;
}

enum pgw_status
trace_set_add(struct trace_set *set, uint32_t number)
{
    uint64_t key = (uint64_t)number + 1;
    size_t i;

    if (key == set->recent)
        return PGW_OK;
    if (set->count * 2 >= set->slots && !set_grow(set))
        return PGW_NOMEM;
    i = set_slot(set->slot, set->slots, key);
    set->count += set->slot[i] == 0;
    set->slot[i] = key;
    set->recent = key;
    return PGW_OK;
}

size_t
trace_set_count(const struct trace_set *set)
{
    return set->count;
}

void
trace_set_fini(struct trace_set *set)
{
    free(set->slot);
    *set = (struct trace_set){0};
}
