/* SPDX-License-Identifier: BSD-2-Clause */
/* The geometry of TLBs, as text and as numbers. */
#include "mmu/mmus.h"

#include <string.h>

#define TLB_SPEC_MOST (1u << 20) /* entries; more than any machine has by far */

static bool
tlb_spec_level_valid(uint32_t entries, uint32_t ways)
{
    if (entries == 0)
        return ways == 0;
    if (entries > TLB_SPEC_MOST || ways == 0 || entries % ways != 0)
        return false;
    uint32_t sets = entries / ways;
    return (sets & (sets - 1)) == 0;
}

bool
mmu_tlb_spec_valid(const struct mmu_tlb_spec *spec)
{
    return tlb_spec_level_valid(spec->l1_entries, spec->l1_ways) &&
           tlb_spec_level_valid(spec->l2_entries, spec->l2_ways) &&
           (spec->l1_entries != 0 || spec->l2_entries == 0);
}

/* Reads a decimal number of at most seven digits, not starting with 0; moves *text past it. */
static bool
tlb_spec_number(const char **text, uint32_t *number)
{
    uint32_t value = 0;
    unsigned digits = 0;
    if (**text == '0')
        return false;
    for (; **text >= '0' && **text <= '9' && digits < 8; digits++, (*text)++)
        value = value * 10 + (uint32_t)(**text - '0');
    *number = value;
    return digits >= 1 && digits <= 7;
}

/* Reads "ENTRIES:WAYS". */
static bool
tlb_spec_geometry(const char **text, uint32_t *entries, uint32_t *ways)
{
    if (!tlb_spec_number(text, entries) || **text != ':')
        return false;
    (*text)++;
    return tlb_spec_number(text, ways);
}

/* Reads one "l1=..." or "l2=..."; each may be given once. */
static bool
tlb_spec_item(const char **text, struct mmu_tlb_spec *spec)
{
    bool first = strncmp(*text, "l1=", 3) == 0;
    if (!first && strncmp(*text, "l2=", 3) != 0)
        return false;
    uint32_t *entries = first ? &spec->l1_entries : &spec->l2_entries;
    if (*entries != 0)
        return false;
    *text += 3;
    return tlb_spec_geometry(text, entries, first ? &spec->l1_ways : &spec->l2_ways);
}

enum pgw_status
mmu_tlb_spec_parse(const char *text, struct mmu_tlb_spec *spec)
{
    struct mmu_tlb_spec read = {0};
    if (strcmp(text, "none") != 0) {
        do {
            if (!tlb_spec_item(&text, &read))
                return PGW_INVAL;
        } while (*text++ == ',');
        if (text[-1] != '\0')
            return PGW_INVAL;
    }
    if (!mmu_tlb_spec_valid(&read))
        return PGW_INVAL;
    *spec = read;
    return PGW_OK;
}
