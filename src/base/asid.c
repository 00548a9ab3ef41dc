/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/asid.h"

#include "base/assert.h"

uint32_t
asid_get(struct asid_set *set, bool *reused)
{
    if (set->live == ASID_COUNT - 1)
        return 0;
    do {
        set->next = (set->next + 1) % ASID_COUNT;
        if (set->next == 0) {
            set->wrapped = true;
            set->next = 1;
        }
    } while ((set->taken[set->next / 64] >> set->next % 64 & 1) != 0);
    set->taken[set->next / 64] |= 1ull << set->next % 64;
    set->live++;
    *reused = set->wrapped;
    return set->next;
}

void
asid_put(struct asid_set *set, uint32_t asid)
{
    uint64_t bit = 1ull << asid % 64;
    BASE_ASSERT((set->taken[asid / 64] & bit) != 0);
    set->taken[asid / 64] &= ~bit;
    set->live--;
}
