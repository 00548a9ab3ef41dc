/* SPDX-License-Identifier: BSD-2-Clause */
/* The geometry of TLBs, as text and as numbers. */
#include "mmu/mmus.h"

#include <string.h>

#include "mmu/tlb.h"
#include "mmu/tlb_presets.h"

#define TLB_SPEC_MOST (1u << 20)     /* entries; more than any machine has by far */
#define TLB_SPEC_PWC_MOST (1u << 12) /* places of a walk cache */
#define TLB_SPEC_ORDERS (((uint32_t)2 << TLB_ORDER_MAX) - 1)

/* --- numbers --- */

static bool
tlb_spec_is_power(uint32_t n)
{
    return n != 0 && (n & (n - 1)) == 0;
}

static bool
tlb_spec_array_valid(const struct mmu_tlb_array *array, enum mmu_replace replace)
{
    if (array->entries > TLB_SPEC_MOST || array->ways == 0 || array->entries % array->ways != 0)
        return false;
    if (array->orders == 0 || (array->orders & ~TLB_SPEC_ORDERS) != 0 ||
        (unsigned)__builtin_popcount(array->orders) > TLB_SIZES)
        return false;
    return tlb_spec_is_power(array->entries / array->ways) &&
           (replace != MMU_REPLACE_PLRU || tlb_spec_is_power(array->ways));
}

/* A list: no size twice, 4 KiB in it unless it is empty, and nothing after its end. */
static bool
tlb_spec_list_valid(const struct mmu_tlb_array *list, enum mmu_replace replace)
{
    uint32_t orders = 0;
    bool ended = false;
    for (unsigned i = 0; i < MMU_TLB_ARRAYS; i++) {
        const struct mmu_tlb_array *array = &list[i];
        if (array->entries == 0) {
            ended = true;
            if (array->ways != 0 || array->orders != 0)
                return false;
            continue;
        }
        if (ended || !tlb_spec_array_valid(array, replace) || (orders & array->orders) != 0)
            return false;
        orders |= array->orders;
    }
    return orders == 0 || (orders & 1) != 0;
}

static bool
tlb_spec_pwc_valid(const struct mmu_tlb_spec *spec, bool *any)
{
    *any = false;
    for (unsigned i = 0; i < MMU_LEVELS_MAX; i++) {
        if (spec->pwc[i] > TLB_SPEC_PWC_MOST)
            return false;
        *any |= spec->pwc[i] != 0;
    }
    return spec->pwc[MMU_LEVELS_MAX - 1] == 0; /* the root's level: a register knows that table */
}

bool
mmu_tlb_spec_valid(const struct mmu_tlb_spec *spec)
{
    bool pwc;
    if (spec->replace > MMU_REPLACE_RANDOM || !tlb_spec_pwc_valid(spec, &pwc) ||
        !tlb_spec_list_valid(spec->l1i, spec->replace) ||
        !tlb_spec_list_valid(spec->l1d, spec->replace) ||
        !tlb_spec_list_valid(spec->l2, spec->replace))
        return false;
    bool l1 = spec->l1d[0].entries != 0, l2 = spec->l2[0].entries != 0;
    if ((spec->l1i[0].entries != 0) != l1 || (spec->prefetch && !l2))
        return false;
    return l1 ||
           (!l2 && !pwc && spec->replace == MMU_REPLACE_LRU && !spec->no_asid && !spec->pairs);
}

/* --- text --- */

/* What a text is read into. */
struct tlb_spec_reader {
    const char *at;
    struct mmu_tlb_spec spec;
    unsigned given; /* bit n: item n of tlb_spec_items has been read */
};

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

/* Moves past c; false: something else is there. */
static bool
tlb_spec_skip(const char **text, char c)
{
    if (**text != c)
        return false;
    (*text)++;
    return true;
}

/* Reads one of the words, n of them; *which is its number.  The word must end there. */
static bool
tlb_spec_word(const char **text, const char *const words[], unsigned n, unsigned *which)
{
    size_t len = strcspn(*text, ",+/:=");
    for (*which = 0; *which < n; ++*which)
        if (strlen(words[*which]) == len && strncmp(*text, words[*which], len) == 0) {
            *text += len;
            return true;
        }
    return false;
}

/* Reads "4k+2m". */
static bool
tlb_spec_sizes(const char **text, uint32_t *orders)
{
    static const char *const names[] = {"4k", "16k", "64k", "2m", "4m", "1g", "512g"};
    static const uint8_t order[] = {0, 2, 4, 9, 10, 18, 27};
    do {
        unsigned i;
        if (!tlb_spec_word(text, names, 7, &i) || (*orders >> order[i] & 1) != 0)
            return false;
        *orders |= (uint32_t)1 << order[i];
    } while (tlb_spec_skip(text, '+'));
    return true;
}

/* Reads "ENTRIES:WAYS[:SIZES]". */
static bool
tlb_spec_array(const char **text, struct mmu_tlb_array *array)
{
    *array = (struct mmu_tlb_array){0};
    if (!tlb_spec_number(text, &array->entries) || !tlb_spec_skip(text, ':') ||
        !tlb_spec_number(text, &array->ways))
        return false;
    if (tlb_spec_skip(text, ':'))
        return tlb_spec_sizes(text, &array->orders);
    array->orders = 1;
    return true;
}

/* Puts the array at the end of the list, which begins anew with the text's first array for it. */
static bool
tlb_spec_append(struct mmu_tlb_array *list, bool anew, const struct mmu_tlb_array *array)
{
    unsigned n = 0;
    if (anew)
        memset(list, 0, MMU_TLB_ARRAYS * sizeof(*list));
    while (n < MMU_TLB_ARRAYS && list[n].entries != 0)
        n++;
    if (n == MMU_TLB_ARRAYS)
        return false;
    list[n] = *array;
    return true;
}

/* Reads "N[/N...]"; 0 leaves a level out. */
static bool
tlb_spec_pwc(const char **text, uint32_t pwc[MMU_LEVELS_MAX])
{
    unsigned n = 0;
    memset(pwc, 0, MMU_LEVELS_MAX * sizeof(*pwc));
    do {
        if (n == MMU_LEVELS_MAX - 1)
            return false;
        if (!tlb_spec_skip(text, '0') && !tlb_spec_number(text, &pwc[n]))
            return false;
        n++;
    } while (tlb_spec_skip(text, '/'));
    return true;
}

static bool
tlb_spec_on(const char **text, bool *on)
{
    static const char *const words[] = {"off", "on"};
    unsigned i;
    bool read = tlb_spec_word(text, words, 2, &i);
    *on = i == 1;
    return read;
}

enum tlb_spec_item {
    TLB_L1,
    TLB_L1I,
    TLB_L1D,
    TLB_L2,
    TLB_PWC,
    TLB_REPLACE,
    TLB_ASID,
    TLB_PREFETCH,
    TLB_PAIRS,
    TLB_ITEMS
};

static bool
tlb_spec_list(struct tlb_spec_reader *reader, enum tlb_spec_item item)
{
    struct mmu_tlb_spec *spec = &reader->spec;
    struct mmu_tlb_array array;
    unsigned both = 1u << TLB_L1, given = reader->given;
    if (!tlb_spec_array(&reader->at, &array))
        return false;
    if (item == TLB_L2)
        return tlb_spec_append(spec->l2, (given & 1u << TLB_L2) == 0, &array);
    if (item != TLB_L1D &&
        !tlb_spec_append(spec->l1i, (given & (both | 1u << TLB_L1I)) == 0, &array))
        return false;
    return item == TLB_L1I ||
           tlb_spec_append(spec->l1d, (given & (both | 1u << TLB_L1D)) == 0, &array);
}

/* What follows the "=" of an item that may be given once. */
static bool
tlb_spec_value(struct tlb_spec_reader *reader, enum tlb_spec_item item)
{
    static const char *const replace[] = {"lru", "fifo", "plru", "random"};
    struct mmu_tlb_spec *spec = &reader->spec;
    bool read, on;
    unsigned i;
    switch (item) {
    case TLB_PWC:
        return tlb_spec_pwc(&reader->at, spec->pwc);
    case TLB_REPLACE:
        read = tlb_spec_word(&reader->at, replace, 4, &i);
        spec->replace = (enum mmu_replace)i;
        return read;
    case TLB_ASID:
        read = tlb_spec_on(&reader->at, &on);
        spec->no_asid = !on;
        return read;
    default:
        return tlb_spec_on(&reader->at, item == TLB_PREFETCH ? &spec->prefetch : &spec->pairs);
    }
}

static bool
tlb_spec_item(struct tlb_spec_reader *reader)
{
    static const char *const names[TLB_ITEMS] = {
        "l1", "l1i", "l1d", "l2", "pwc", "replace", "asid", "prefetch", "pairs"};
    unsigned item;
    if (!tlb_spec_word(&reader->at, names, TLB_ITEMS, &item) || !tlb_spec_skip(&reader->at, '='))
        return false;
    bool list = item <= TLB_L2;
    if (!list && (reader->given & 1u << item) != 0)
        return false;
    bool read = list ? tlb_spec_list(reader, (enum tlb_spec_item)item)
                     : tlb_spec_value(reader, (enum tlb_spec_item)item);
    reader->given |= 1u << item;
    return read;
}

/* Items to the end of the text. */
static bool
tlb_spec_items(struct tlb_spec_reader *reader)
{
    do {
        if (!tlb_spec_item(reader))
            return false;
    } while (tlb_spec_skip(&reader->at, ','));
    return *reader->at == '\0';
}

/* The preset whose name stands at the beginning; NULL: none does. */
static const struct tlb_preset *
tlb_spec_preset(const char *text)
{
    size_t len = strcspn(text, ",");
    for (const struct tlb_preset *preset = tlb_presets; preset->name != NULL; preset++)
        if (strlen(preset->name) == len && strncmp(text, preset->name, len) == 0)
            return preset;
    return NULL;
}

/* A preset and what changes it, or items alone. */
static bool
tlb_spec_read(struct tlb_spec_reader *reader)
{
    const struct tlb_preset *preset = tlb_spec_preset(reader->at);
    if (preset == NULL)
        return tlb_spec_items(reader);
    const char *rest = reader->at + strlen(preset->name);
    reader->at = preset->text;
    if (!tlb_spec_items(reader))
        return false;
    reader->at = rest;
    reader->given = 0;
    return *rest == '\0' || (tlb_spec_skip(&reader->at, ',') && tlb_spec_items(reader));
}

enum pgw_status
mmu_tlb_spec_parse(const char *text, struct mmu_tlb_spec *spec)
{
    struct tlb_spec_reader reader = {.at = text};
    bool none = strcmp(text, "none") == 0;
    if (!none && !tlb_spec_read(&reader))
        return PGW_INVAL;
    if (!mmu_tlb_spec_valid(&reader.spec) || none != (reader.spec.l1d[0].entries == 0))
        return PGW_INVAL;
    *spec = reader.spec;
    return PGW_OK;
}

static const struct tlb_preset *
tlb_spec_nth(unsigned i)
{
    const struct tlb_preset *preset = tlb_presets;
    while (i > 0 && preset->name != NULL) {
        preset++;
        i--;
    }
    return preset;
}

const char *
mmu_tlb_preset_name(unsigned i)
{
    return tlb_spec_nth(i)->name;
}

const char *
mmu_tlb_preset_summary(unsigned i)
{
    return tlb_spec_nth(i)->summary;
}
