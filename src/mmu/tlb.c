/* SPDX-License-Identifier: BSD-2-Clause */
#include "mmu/tlb.h"

#include <string.h>

#define TLB_GLOBAL ((uint64_t)1 << 17)
#define TLB_SMALL ((uint64_t)1 << 18) /* a page of 4 KiB */
#define TLB_ASID(key) ((uint32_t)((key) >> 1) & 0xffffu)
#define TLB_KEY_VPN_BITS 45u

/* --- keys --- */

/* 4 KiB pages that an entry of this order covers, as a power of two. */
static unsigned
tlb_span(const struct tlb *tlb, unsigned order)
{
    return order + tlb->pair;
}

static uint64_t
tlb_key_of(const struct tlb *tlb, unsigned order, uint64_t vpn, uint64_t space)
{
    unsigned span = tlb_span(tlb, order);
    return vpn >> span << (span + 19) | (uint64_t)1 << (order + 18) | space | 1;
}

static unsigned
tlb_key_order(uint64_t key)
{
    return (unsigned)__builtin_ctzll(key >> 18);
}

/* Global, or of more than 4 KiB. */
static bool
tlb_key_odd(uint64_t key)
{
    return (key & (TLB_GLOBAL | TLB_SMALL)) != TLB_SMALL;
}

/* The entry's first page, as far as keys hold it. */
static uint64_t
tlb_key_vpn(uint64_t key)
{
    return key >> 19 & ~(((uint64_t)1 << tlb_key_order(key)) - 1);
}

/* The key of a valid entry with this order, in the set from first on. */
static size_t
tlb_search_space(const struct tlb *tlb, size_t first, unsigned order, uint64_t vpn, uint32_t asid)
{
    size_t at = tlb_search(tlb, first, tlb_key_of(tlb, order, vpn, (uint64_t)asid << 1));
    if (__builtin_expect(at == TLB_NONE && tlb->globals != 0, 0))
        at = tlb_search(tlb, first, tlb_key_of(tlb, order, vpn, TLB_GLOBAL));
    return at;
}

static size_t
tlb_set_of(const struct tlb *tlb, unsigned order, uint64_t vpn)
{
    return tlb_set(tlb, vpn >> tlb_span(tlb, order));
}

static uint32_t *
tlb_mru(const struct tlb *tlb, unsigned order, uint64_t vpn)
{
    return &tlb->mru[(uint32_t)(vpn >> tlb_span(tlb, order)) & (tlb->sets - 1)];
}

/* The key's half that page vpn belongs to. */
static struct tlb_entry *
tlb_half(const struct tlb *tlb, size_t at, unsigned order, uint64_t vpn)
{
    return &tlb->entries[at << tlb->pair | (vpn >> order & tlb->pair)];
}

/* --- making --- */

static void
tlb_set_orders(struct tlb *tlb, uint32_t orders)
{
    for (unsigned order = 0; order <= TLB_ORDER_MAX; order++)
        if ((orders >> order & 1) != 0)
            tlb->order[tlb->nsizes++] = (uint8_t)order;
}

static enum pgw_status
tlb_init(struct tlb *tlb, const struct mmu_tlb_array *spec, const struct tlb_config *config)
{
    unsigned pair = config->pairs;
    uint32_t sets = spec->entries / spec->ways;
    bool tracked = config->first && (pair != 0 || spec->orders != 1);
    *tlb = (struct tlb){.clock = 1, .pair = pair, .replace = config->replace};
    size_t each = 2 * sizeof(uint64_t) + (sizeof(struct tlb_entry) << pair);
    size_t len = spec->entries * each + (tracked ? sets * sizeof(uint32_t) : 0);
    tlb->chunk = config->alloc->map(config->alloc, len);
    if (tlb->chunk == NULL)
        return PGW_NOMEM;
    tlb->chunk_len = len;
    tlb->entries = tlb->chunk;
    tlb->keys = (uint64_t *)(void *)(tlb->entries + ((size_t)spec->entries << pair));
    tlb->stamps = tlb->keys + spec->entries;
    tlb->ways = spec->ways;
    tlb->sets = sets;
    tlb_set_orders(tlb, spec->orders);
    base_rng_init(&tlb->rng, config->seed);
    if (!tracked)
        return PGW_OK;
    tlb->mru = (uint32_t *)(void *)(tlb->stamps + spec->entries);
    for (uint32_t set = 0; set < sets; set++)
        tlb->mru[set] = set * spec->ways;
    return PGW_OK;
}

/* The index of the order; nsizes: the array does not hold it. */
static unsigned
tlb_size_of(const struct tlb *tlb, unsigned order)
{
    unsigned size = 0;
    while (tlb->order[size] != order && ++size < tlb->nsizes)
        ;
    return size;
}

/* The arrays of spec, the one for 4 KiB pages first, then as they stand. */
static unsigned
tlb_list_order(const struct mmu_tlb_array *spec, unsigned order[MMU_TLB_ARRAYS])
{
    unsigned n = 0;
    for (unsigned i = 0; i < MMU_TLB_ARRAYS && spec[i].entries != 0; i++)
        if ((spec[i].orders & 1) != 0)
            order[n++] = i;
    for (unsigned i = 0; i < MMU_TLB_ARRAYS && spec[i].entries != 0; i++)
        if ((spec[i].orders & 1) == 0)
            order[n++] = i;
    return n;
}

/* In which order sizes are looked up.  An entry that is filled later must not hide one through
 * which the hart has got a page: larger ones never do, when small ones are found first. */
static void
tlb_list_looks(struct tlb_list *list)
{
    for (unsigned order = 0; order <= TLB_ORDER_MAX; order++)
        for (unsigned i = 0; i < list->n; i++) {
            unsigned size = tlb_size_of(&list->array[i], order);
            if (size == list->array[i].nsizes)
                continue;
            list->look[list->nlooks].array = (uint8_t)i;
            list->look[list->nlooks].size = (uint8_t)size;
            list->nlooks++;
        }
}

enum pgw_status
tlb_list_init(
    struct tlb_list *list, const struct mmu_tlb_array *spec, const struct tlb_config *config)
{
    unsigned order[MMU_TLB_ARRAYS];
    struct tlb_config each = *config;
    *list = (struct tlb_list){.n = tlb_list_order(spec, order)};
    for (unsigned i = 0; i < list->n; i++, each.seed++) {
        if (tlb_init(&list->array[i], &spec[order[i]], &each) != PGW_OK)
            return PGW_NOMEM;
        list->orders |= spec[order[i]].orders;
    }
    for (unsigned i = 0; i < list->n; i++)
        list->array[i].slots = tlb_list_slots(list) - 1;
    for (unsigned i = 0; i < list->n; i++)
        list->array[i].odd = &list->odd;
    tlb_list_looks(list);
    return PGW_OK;
}

void
tlb_list_fini(struct tlb_list *list, struct base_alloc *alloc)
{
    for (unsigned i = 0; i < list->n; i++)
        if (list->array[i].chunk != NULL)
            alloc->unmap(alloc, list->array[i].chunk, list->array[i].chunk_len);
    *list = (struct tlb_list){0};
}

unsigned
tlb_list_slots(const struct tlb_list *list)
{
    return list->n == 0 ? 0 : list->array[0].sets << list->array[0].pair;
}

bool
tlb_list_wide(const struct tlb_list *list)
{
    return list->n != 0 && (list->orders != 1 || list->array[0].pair != 0);
}

/* --- looking up --- */

static bool
tlb_find(struct tlb *tlb, unsigned size, uint64_t vpn, uint32_t asid, struct tlb_place *place)
{
    if (tlb->live[size] == 0)
        return false;
    unsigned order = tlb->order[size];
    size_t at = tlb_search_space(tlb, tlb_set_of(tlb, order, vpn), order, vpn, asid);
    if (at == TLB_NONE)
        return false;
    struct tlb_entry *entry = tlb_half(tlb, at, order, vpn);
    *place = (struct tlb_place){tlb, at, order, entry};
    return (entry->flags & TLB_FILLED) != 0;
}

bool
tlb_list_find(struct tlb_list *list, uint64_t vpn, uint32_t asid, struct tlb_place *place)
{
    for (unsigned i = 0; i < list->nlooks; i++)
        if (tlb_find(&list->array[list->look[i].array], list->look[i].size, vpn, asid, place))
            return true;
    return false;
}

/* --- order of use --- */

static void
tlb_stamp(struct tlb *tlb, size_t at)
{
    tlb->stamps[at] = tlb->clock++;
}

/* Could a page that the hart got through this key still be in a slot, once the slot of page vpn has
 * been filled anew? */
static bool
tlb_given_out(const struct tlb *tlb, size_t at, uint64_t vpn)
{
    uint64_t key = tlb->keys[at];
    if (key == 0 || tlb->slots == 0)
        return false;
    return tlb_span(tlb, tlb_key_order(key)) != 0 || ((tlb_key_vpn(key) ^ vpn) & tlb->slots) != 0;
}

/* In LRU and PLRU, only the most recent entry of a set has pages in slots. */
static bool
tlb_only_mru(const struct tlb *tlb)
{
    return tlb->replace == MMU_REPLACE_LRU || tlb->replace == MMU_REPLACE_PLRU;
}

bool
tlb_use(const struct tlb_place *place, uint64_t vpn)
{
    struct tlb *tlb = place->tlb;
    if (tlb->replace != MMU_REPLACE_FIFO)
        tlb_stamp(tlb, place->at);
    if (tlb->mru == NULL || !tlb_only_mru(tlb))
        return false;
    uint32_t *mru = tlb_mru(tlb, place->order, vpn);
    bool forget = *mru != place->at && tlb_given_out(tlb, *mru, vpn);
    *mru = (uint32_t)place->at;
    return forget;
}

static uint64_t
tlb_latest(const struct tlb *tlb, size_t first, size_t n)
{
    uint64_t latest = 0;
    for (size_t at = first; at < first + n; at++)
        if (tlb->stamps[at] > latest)
            latest = tlb->stamps[at];
    return latest;
}

/* Down the tree, away from what was used last. */
static size_t
tlb_victim_plru(const struct tlb *tlb, size_t first)
{
    for (size_t n = tlb->ways / 2; n > 0; n /= 2)
        if (tlb_latest(tlb, first, n) > tlb_latest(tlb, first + n, n))
            first += n;
    return first;
}

/* With LRU and FIFO; a free way has stamp 0. */
static size_t
tlb_victim_oldest(const struct tlb *tlb, size_t first)
{
    const uint64_t *stamp = &tlb->stamps[first];
    uint64_t oldest = stamp[0];
    size_t victim = 0;
    for (size_t way = 1; way < tlb->ways; way++) {
        victim = stamp[way] < oldest ? way : victim;
        oldest = stamp[way] < oldest ? stamp[way] : oldest;
    }
    return first + victim;
}

static size_t
tlb_victim(struct tlb *tlb, size_t first)
{
    if (tlb->replace == MMU_REPLACE_LRU || tlb->replace == MMU_REPLACE_FIFO)
        return tlb_victim_oldest(tlb, first);
    size_t at = tlb_search(tlb, first, 0);
    if (at != TLB_NONE)
        return at;
    return tlb->replace == MMU_REPLACE_PLRU ? tlb_victim_plru(tlb, first)
                                            : first + base_rng_below(&tlb->rng, tlb->ways);
}

/* --- filling and dropping --- */

static void
tlb_clear(struct tlb *tlb, size_t at)
{
    uint64_t key = tlb->keys[at];
    if (key == 0)
        return;
    tlb->live[tlb_size_of(tlb, tlb_key_order(key))]--;
    tlb->globals -= (key & TLB_GLOBAL) != 0;
    *tlb->odd -= tlb_key_odd(key);
    tlb->keys[at] = 0;
    for (size_t half = 0; half <= tlb->pair; half++)
        tlb->entries[at << tlb->pair | half].flags = 0;
    tlb->stamps[at] = 0;
}

/* Another key for the place. */
static void
tlb_set_key(struct tlb *tlb, size_t at, unsigned size, uint64_t key)
{
    uint64_t was = tlb->keys[at];
    if (was != 0) {
        tlb->live[tlb_size_of(tlb, tlb_key_order(was))]--;
        tlb->globals -= (was & TLB_GLOBAL) != 0;
        *tlb->odd -= tlb_key_odd(was);
    }
    tlb->keys[at] = key;
    tlb->live[size]++;
    tlb->globals += (key & TLB_GLOBAL) != 0;
    *tlb->odd += tlb_key_odd(key);
}

void
tlb_list_drop_page(struct tlb_list *list, uint64_t vpn, uint32_t asid)
{
    struct tlb_place place;
    while (tlb_list_find(list, vpn, asid, &place))
        tlb_clear(place.tlb, place.at);
}

/* What the hart must forget when the page comes into the set: asked before anything changes. */
static bool
tlb_displaces(const struct tlb *tlb, size_t at, bool fresh, unsigned order, uint64_t vpn)
{
    if (tlb->mru == NULL)
        return false;
    if (!tlb_only_mru(tlb))
        return fresh && tlb_given_out(tlb, at, vpn);
    uint32_t *mru = tlb_mru(tlb, order, vpn);
    bool forget = (fresh || *mru != at) && tlb_given_out(tlb, *mru, vpn);
    *mru = (uint32_t)at;
    return forget;
}

static void
tlb_write(struct tlb_entry *entry, unsigned order, const struct tlb_fill *fill)
{
    const struct mmu_walk *walk = fill->walk;
    entry->bytes = order == 0 ? fill->bytes : NULL;
    entry->pfn = walk->pfn - (fill->vpn & (((uint64_t)1 << order) - 1));
    entry->window = fill->window;
    entry->prot = (uint8_t)walk->prot;
    entry->usable = (uint8_t)(walk->dirty ? walk->prot : walk->prot & ~PROT_MASK_W);
    entry->flags = (uint8_t)(fill->flags | TLB_FILLED);
}

/* A key for the page: a pair's that is there already, which becomes the space's own if it was
 * global and this half is not; or a new one in place of the victim. */
static size_t
tlb_take(struct tlb *tlb, unsigned size, const struct tlb_fill *fill, bool *fresh, bool *forget)
{
    unsigned order = tlb->order[size];
    bool global = fill->walk->global;
    size_t first = tlb_set_of(tlb, order, fill->vpn), at = TLB_NONE;
    uint64_t own = tlb_key_of(tlb, order, fill->vpn, (uint64_t)fill->asid << 1);
    if (tlb->pair != 0)
        at = tlb_search_space(tlb, first, order, fill->vpn, fill->asid);
    *fresh = at == TLB_NONE;
    if (*fresh)
        at = tlb_victim(tlb, first);
    *forget = tlb_displaces(tlb, at, *fresh, order, fill->vpn);
    if (!*fresh) {
        if (!global)
            tlb_set_key(tlb, at, size, own);
        return at;
    }
    tlb_set_key(tlb, at, size, global ? tlb_key_of(tlb, order, fill->vpn, TLB_GLOBAL) : own);
    for (size_t half = 0; half <= tlb->pair; half++)
        tlb->entries[at << tlb->pair | half].flags = 0;
    return at;
}

/* The array for mappings of this size, and the order of the pieces that it holds them in. */
static struct tlb *
tlb_list_array(struct tlb_list *list, unsigned mapping, unsigned *order)
{
    unsigned most = mapping < TLB_ORDER_MAX ? mapping : TLB_ORDER_MAX;
    uint32_t fit = list->orders & (((uint32_t)2 << most) - 1);
    *order = 31u - (unsigned)__builtin_clz(fit);
    struct tlb *tlb = list->array;
    while (tlb_size_of(tlb, *order) == tlb->nsizes)
        tlb++;
    return tlb;
}

size_t
tlb_put(struct tlb *tlb, uint64_t vpn, uint64_t key, const struct tlb_entry *entry)
{
    size_t at = tlb_victim(tlb, tlb_set(tlb, vpn));
    if (tlb_key_odd(tlb->keys[at])) /* of nothing, or of what is counted elsewhere */
        tlb_set_key(tlb, at, 0, key);
    else
        tlb->keys[at] = key;
    tlb->entries[at] = *entry;
    tlb_stamp(tlb, at);
    return at;
}

bool
tlb_list_fill(struct tlb_list *list, const struct tlb_fill *fill, struct tlb_place *place)
{
    unsigned order;
    struct tlb *tlb = tlb_list_array(list, fill->walk->order, &order);
    unsigned size = tlb_size_of(tlb, order);
    bool forget;
    bool fresh;
    size_t at = tlb_take(tlb, size, fill, &fresh, &forget);
    *place = (struct tlb_place){tlb, at, order, tlb_half(tlb, at, order, fill->vpn)};
    tlb_write(place->entry, order, fill);
    if (fresh || tlb->replace != MMU_REPLACE_FIFO)
        tlb_stamp(tlb, at);
    return forget;
}

void
tlb_read(const struct tlb_place *place, uint64_t vpn, struct mmu_walk *walk)
{
    const struct tlb_entry *entry = place->entry;
    *walk = (struct mmu_walk){.pfn = entry->pfn + (vpn & (((uint64_t)1 << place->order) - 1)),
        .prot = entry->prot,
        .order = (uint8_t)place->order,
        .dirty = entry->usable == entry->prot,
        .global = (place->tlb->keys[place->at] & TLB_GLOBAL) != 0};
}

bool
tlb_renew(const struct tlb_place *place, const struct tlb_fill *fill)
{
    bool global = (place->tlb->keys[place->at] & TLB_GLOBAL) != 0;
    if (fill->walk->order < place->order || (global && !fill->walk->global))
        return false;
    tlb_write(place->entry, place->order, fill);
    return true;
}

/* --- dropping many --- */

/* Does the entry cover a page of [vpn, end)? */
static bool
tlb_covers(const struct tlb *tlb, uint64_t key, uint64_t vpn, uint64_t end)
{
    uint64_t first = tlb_key_vpn(key);
    return first < end && first + ((uint64_t)1 << tlb_span(tlb, tlb_key_order(key))) > vpn;
}

/* Which entries go. */
struct tlb_drop {
    uint64_t vpn, end; /* those that cover a page of this range */
    uint32_t asid;     /* of this space */
    bool globals;      /* and global ones */
    bool all;          /* of any space */
};

static bool
tlb_drop_is(const struct tlb *tlb, uint64_t key, const struct tlb_drop *drop)
{
    bool global = (key & TLB_GLOBAL) != 0;
    if (key == 0 || (global ? !drop->globals : !drop->all && TLB_ASID(key) != drop->asid))
        return false;
    return tlb_covers(tlb, key, drop->vpn, drop->end);
}

static uint64_t
tlb_drop_keys(struct tlb *tlb, size_t first, size_t n, const struct tlb_drop *drop)
{
    uint64_t dropped = 0;
    for (size_t at = first; at < first + n; at++)
        if (tlb_drop_is(tlb, tlb->keys[at], drop)) {
            tlb_clear(tlb, at);
            dropped++;
        }
    return dropped;
}

/* Looks at the sets that can hold the range, or at all of them if those are not fewer. */
static uint64_t
tlb_drop_range(struct tlb *tlb, const struct tlb_drop *drop)
{
    uint64_t dropped = 0;
    if (drop->end - drop->vpn >= tlb->sets)
        return tlb_drop_keys(tlb, 0, (size_t)tlb->sets * tlb->ways, drop);
    for (unsigned size = 0; size < tlb->nsizes; size++) {
        if (tlb->live[size] == 0)
            continue;
        unsigned span = tlb_span(tlb, tlb->order[size]);
        for (uint64_t page = drop->vpn >> span; page <= (drop->end - 1) >> span; page++)
            dropped += tlb_drop_keys(tlb, tlb_set(tlb, page), tlb->ways, drop);
    }
    return dropped;
}

static uint64_t
tlb_list_drop(struct tlb_list *list, const struct tlb_drop *drop)
{
    uint64_t dropped = 0;
    for (unsigned i = 0; i < list->n; i++)
        dropped += tlb_drop_range(&list->array[i], drop);
    return dropped;
}

#define TLB_EVERY_VPN ((uint64_t)1 << TLB_KEY_VPN_BITS)

/* One page, of a list that has only 4 KiB pages of the spaces' own: it is known where to look. */
static uint64_t
tlb_list_drop_plain(struct tlb_list *list, uint32_t asid, uint64_t vpn)
{
    struct tlb *tlb = list->array;
    if (list->n == 0 || tlb->live[0] == 0)
        return 0;
    size_t at = tlb_search(tlb, tlb_set(tlb, vpn), vpn << 19 | tlb_key_low(asid));
    if (at == TLB_NONE)
        return 0;
    tlb_clear(tlb, at);
    return 1;
}

uint64_t
tlb_list_drop_range(struct tlb_list *list, uint32_t asid, uint64_t vpn, uint64_t npages)
{
    if (npages == 1 && list->odd == 0 && list->array[0].pair == 0)
        return tlb_list_drop_plain(list, asid, vpn);
    struct tlb_drop drop = {.vpn = vpn & (TLB_EVERY_VPN - 1), .asid = asid, .globals = true};
    if (npages == 0)
        return 0;
    uint64_t room = TLB_EVERY_VPN - drop.vpn;
    drop.end = drop.vpn + (npages < room ? npages : room);
    return tlb_list_drop(list, &drop);
}

uint64_t
tlb_list_drop_space(struct tlb_list *list, uint32_t asid)
{
    return tlb_list_drop(list, &(struct tlb_drop){.end = TLB_EVERY_VPN, .asid = asid});
}

uint64_t
tlb_list_drop_all(struct tlb_list *list)
{
    return tlb_list_drop(list, &(struct tlb_drop){.end = TLB_EVERY_VPN, .all = true});
}

/* --- for people --- */

static size_t
tlb_places(const struct tlb *tlb)
{
    return (size_t)tlb->sets * tlb->ways << tlb->pair;
}

size_t
tlb_list_places(const struct tlb_list *list)
{
    size_t n = 0;
    for (unsigned i = 0; i < list->n; i++)
        n += tlb_places(&list->array[i]);
    return n;
}

size_t
tlb_list_index(const struct tlb_list *list, const struct tlb_place *place)
{
    size_t before = 0;
    for (unsigned i = 0; &list->array[i] != place->tlb; i++)
        before += tlb_places(&list->array[i]);
    return before + (size_t)(place->entry - place->tlb->entries);
}

/* Appends as much of text as there is room for. */
static void
tlb_name_add(char name[16], const char *text)
{
    size_t n = strlen(name);
    for (; *text != '\0' && n < 15; n++)
        name[n] = *text++;
    name[n] = '\0';
}

/* The size of 2^order pages, in its largest unit. */
static void
tlb_name_size(char name[16], unsigned order)
{
    static const char *const units[] = {"K", "M", "G", "T"};
    unsigned shift = order + PAGE_SHIFT, unit = shift / 10 - 1;
    unsigned size = 1u << shift % 10;
    char digits[4] = "", *at = &digits[3];
    for (; size != 0; size /= 10)
        *--at = (char)('0' + size % 10);
    tlb_name_add(name, at);
    tlb_name_add(name, units[unit]);
}

/* "L2", or with sizes if it does not hold just 4 KiB pages: "L2 4K+2M". */
static void
tlb_name(char name[16], const char *list, const struct tlb *tlb)
{
    tlb_name_add(name, list);
    if (tlb->nsizes == 1 && tlb->order[0] == 0)
        return;
    for (unsigned size = 0; size < tlb->nsizes; size++) {
        tlb_name_add(name, size == 0 ? " " : "+");
        tlb_name_size(name, tlb->order[size]);
    }
}

static void
tlb_view(const struct tlb *tlb, size_t i, struct mmu_tlb_view *view)
{
    const struct tlb_entry *entry = &tlb->entries[i];
    uint64_t key = tlb->keys[i >> tlb->pair];
    view->valid = key != 0 && (entry->flags & TLB_FILLED) != 0;
    if (!view->valid)
        return;
    unsigned order = tlb_key_order(key);
    /* a page number has 45 bits here; the topmost one goes on upwards in canonical addresses */
    uint64_t vpn = (uint64_t)((int64_t)(tlb_key_vpn(key) << (64 - TLB_KEY_VPN_BITS)) >>
                              (64 - TLB_KEY_VPN_BITS)) &
                   (UINT64_MAX >> PAGE_SHIFT);
    view->vpn = vpn | (uint64_t)(i & tlb->pair) << order;
    view->npages = (uint64_t)1 << order;
    view->pfn = entry->pfn;
    view->global = (key & TLB_GLOBAL) != 0;
    view->asid = view->global ? 0 : TLB_ASID(key);
    view->prot = entry->prot;
    view->dirty = prot_allows(entry->usable, ACCESS_WRITE);
}

void
tlb_list_view(const struct tlb_list *list, const char *name, size_t i, struct mmu_tlb_view *view)
{
    const struct tlb *tlb = list->array;
    for (; i >= tlb_places(tlb); tlb++)
        i -= tlb_places(tlb);
    *view = (struct mmu_tlb_view){0};
    tlb_name(view->array, name, tlb);
    tlb_view(tlb, i, view);
}
