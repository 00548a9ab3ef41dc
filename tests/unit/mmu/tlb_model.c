/* SPDX-License-Identifier: BSD-2-Clause */
#include "tlb_model.h"

#include <stdlib.h>
#include <string.h>

#include "support/test.h"

/* --- making --- */

static void
model_array_init(struct model_array *array, const struct mmu_tlb_array *spec, uint64_t seed)
{
    array->ways = spec->ways;
    array->nsets = spec->entries / spec->ways;
    array->orders = spec->orders;
    array->entry = calloc(spec->entries, sizeof(*array->entry));
    array->node = calloc(spec->entries, sizeof(*array->node));
    assert_non_null(array->entry);
    assert_non_null(array->node);
    base_rng_init(&array->rng, seed);
}

/* The array with 4 KiB pages comes first. */
static void
model_list_init(
    struct model_list *list, const struct mmu_tlb_array *spec, bool pairs, uint64_t seed)
{
    list->pairs = pairs;
    for (int with = 1; with >= 0; with--)
        for (unsigned i = 0; i < MMU_TLB_ARRAYS; i++)
            if (spec[i].entries != 0 && (int)(spec[i].orders & 1) == with) {
                model_array_init(&list->array[list->n], &spec[i], seed + list->n);
                list->n++;
            }
}

void
model_init(struct model *model, const struct mmu_format *format, enum mmu_ad ad, unsigned asid_bits,
    const struct mmu_tlb_spec *spec, uint64_t seed)
{
    bool second = spec->l2[0].entries != 0;
    memset(model, 0, sizeof(*model));
    model->format = format;
    model->ad = ad;
    model->asid_bits = asid_bits;
    model->spec = *spec;
    model_list_init(&model->l1i, spec->l1i, spec->pairs && !second, seed);
    model_list_init(&model->l1d, spec->l1d, spec->pairs && !second, seed + MMU_TLB_ARRAYS);
    model_list_init(&model->l2, spec->l2, spec->pairs, seed + 2 * MMU_TLB_ARRAYS);
    for (unsigned level = 1; level < format->levels; level++) {
        model->pwc[level].places = spec->pwc[format->levels - 1 - level];
        assert_true(model->pwc[level].places <= MODEL_PWC_MAX);
    }
}

void
model_fini(struct model *model)
{
    struct model_list *lists[] = {&model->l1i, &model->l1d, &model->l2};
    for (int l = 0; l < 3; l++)
        for (unsigned i = 0; i < lists[l]->n; i++) {
            free(lists[l]->array[i].entry);
            free(lists[l]->array[i].node);
        }
}

/* --- walk caches --- */

static uint64_t
model_prefix(const struct model *model, unsigned level, uint64_t vpn)
{
    return vpn >> (model->format->level[level - 1].shift - PAGE_SHIFT);
}

/* The deepest level whose table is known; 0: none. */
static unsigned
model_pwc_find(struct model *model, uint64_t vpn)
{
    for (unsigned level = model->format->levels - 1; level > 0; level--)
        for (unsigned i = 0; i < model->pwc[level].n; i++) {
            struct model_table *table = &model->pwc[level].table[i];
            if (table->asid != model->asid || table->prefix != model_prefix(model, level, vpn))
                continue;
            table->used_at = ++model->clock;
            return level;
        }
    return 0;
}

static void
model_pwc_fill(struct model *model, unsigned level, uint64_t vpn)
{
    struct model_pwc *pwc = &model->pwc[level];
    unsigned at = 0;
    if (pwc->places == 0)
        return;
    for (unsigned i = 1; i < pwc->n; i++)
        if (pwc->table[i].used_at < pwc->table[at].used_at)
            at = i;
    if (pwc->n < pwc->places)
        at = pwc->n++;
    pwc->table[at] =
        (struct model_table){model->asid, model_prefix(model, level, vpn), ++model->clock};
}

/* --- walking --- */

struct model_way {
    unsigned how;
    unsigned level;
    bool wrote;
};

/* An entry that leads to a table was used. */
static enum mmu_fault
model_table_used(struct model *model, struct model_way *way, bool *accessed)
{
    if (model->format->level[way->level].table_accessed.mask == 0 || *accessed)
        return MMU_OK;
    if (way->how == MMU_WALK_PREFETCH)
        return MMU_AD;
    *accessed = true;
    way->wrote = true;
    return MMU_OK;
}

/* Goes down to a leaf. */
static enum mmu_fault
model_descend(struct model *model, struct model_way *way, uint64_t vpn, struct model_leaf **leaf)
{
    struct model_space *space = &model->space[model->asid - 1];
    unsigned giga_level = model->format->levels - 3;
    bool giga = vpn >= MODEL_GIGA;
    for (;; way->level++) {
        enum mmu_fault fault;
        model->stats.walk_refs[way->level]++;
        if (way->level < giga_level || (way->level == giga_level && !giga)) {
            fault = model_table_used(model, way, &space->path_accessed[way->level]);
        } else if (way->level == giga_level) {
            *leaf = &space->giga;
            return MMU_OK;
        } else if (way->level == giga_level + 1) {
            struct model_block *block = &space->block[vpn / 512];
            *leaf = &block->leaf;
            if (block->kind != MODEL_TABLE)
                return block->kind == MODEL_LEAF ? MMU_OK : MMU_NOT_PRESENT;
            fault = model_table_used(model, way, &block->table_accessed);
        } else {
            *leaf = &space->page[vpn];
            return MMU_OK;
        }
        if (fault != MMU_OK)
            return fault;
    }
}

/* What is asked at the leaf. */
static enum mmu_fault
model_leaf_used(struct model *model, struct model_way *way, struct model_leaf *leaf,
    enum access access, const struct model_found *found)
{
    if (!prot_allows(leaf->prot, access))
        return MMU_RIGHTS;
    if (found->pfn - model->ram_first >= model->ram_frames)
        return MMU_BUS;
    bool dirty = leaf->dirty || (access == ACCESS_WRITE);
    if (leaf->accessed && leaf->dirty == dirty)
        return MMU_OK;
    if (way->how == MMU_WALK_PREFETCH)
        return leaf->accessed ? MMU_OK : MMU_AD;
    if (model->ad == MMU_AD_FAULT) {
        model->stats.ad_faults++;
        return MMU_AD;
    }
    leaf->accessed = true;
    leaf->dirty = dirty;
    way->wrote = true;
    return MMU_OK;
}

static enum mmu_fault
model_walk(
    struct model *model, uint64_t vpn, enum access access, unsigned how, struct model_found *found)
{
    struct model_leaf *leaf = NULL;
    struct model_way way = {.how = how, .level = model_pwc_find(model, vpn)};
    unsigned first = way.level;
    model->stats.walks++;
    if (first != 0)
        model->stats.pwc_hits[first]++;
    enum mmu_fault fault = model_descend(model, &way, vpn, &leaf);
    if (fault == MMU_OK && !leaf->valid)
        fault = MMU_NOT_PRESENT;
    if (fault == MMU_OK) {
        unsigned levels = model->format->levels;
        found->order = way.level == levels - 1 ? 0 : way.level == levels - 2 ? 9 : 18;
        found->pfn = leaf->pfn + vpn % (1u << found->order);
        found->order = leaf->run ? 4 : found->order;
        fault = model_leaf_used(model, &way, leaf, access, found);
        found->prot = leaf->prot;
        found->dirty = leaf->dirty;
        found->global = leaf->global;
    }
    model->stats.ad_updates += way.wrote;
    for (unsigned level = first + 1; fault == MMU_OK && level <= way.level; level++)
        model_pwc_fill(model, level, vpn);
    return fault;
}

/* --- one TLB --- */

static uint64_t
model_span(const struct model_list *list, unsigned order)
{
    return (uint64_t)(list->pairs ? 2 : 1) << order;
}

static struct model_half *
model_half(const struct model_list *list, struct model_entry *entry, uint64_t vpn)
{
    return &entry->half[list->pairs ? vpn >> entry->order & 1 : 0];
}

static struct model_entry *
model_set(
    const struct model_list *list, const struct model_array *array, unsigned order, uint64_t vpn)
{
    return &array->entry[vpn / model_span(list, order) % array->nsets * array->ways];
}

/* The entry of this size for the page: the space's own, else a global one. */
static struct model_entry *
model_match(const struct model *model, const struct model_list *list,
    const struct model_array *array, unsigned order, uint64_t vpn)
{
    struct model_entry *set = model_set(list, array, order, vpn);
    for (int global = 0; global < 2; global++)
        for (unsigned way = 0; way < array->ways; way++) {
            struct model_entry *e = &set[way];
            if (e->valid && e->global == (global == 1) && (global || e->asid == model->asid) &&
                e->order == order &&
                e->vpn == vpn / model_span(list, order) * model_span(list, order))
                return e;
        }
    return NULL;
}

struct model_place {
    struct model_array *array;
    struct model_entry *entry;
    struct model_half *half;
};

static bool
model_find(struct model *model, struct model_list *list, uint64_t vpn, struct model_place *place)
{
    for (unsigned order = 0; order < 28; order++)
        for (unsigned i = 0; i < list->n; i++) {
            if ((list->array[i].orders >> order & 1) == 0)
                continue;
            place->array = &list->array[i];
            place->entry = model_match(model, list, place->array, order, vpn);
            if (place->entry == NULL)
                continue;
            place->half = model_half(list, place->entry, vpn);
            if (place->half->filled)
                return true;
        }
    return false;
}

/* Makes all nodes above the way point away from it. */
static void
model_plru_used(struct model_array *array, const struct model_entry *entry)
{
    size_t at = (size_t)(entry - array->entry);
    bool *node = &array->node[at / array->ways * array->ways];
    for (size_t i = at % array->ways + array->ways; i > 1; i /= 2)
        node[i / 2] = i % 2 == 0;
}

static void
model_use(struct model *model, struct model_array *array, struct model_entry *entry)
{
    entry->used_at = ++model->clock;
    if (model->spec.replace == MMU_REPLACE_PLRU)
        model_plru_used(array, entry);
}

static struct model_entry *
model_victim(const struct model *model, struct model_array *array, struct model_entry *set)
{
    unsigned victim = 0;
    for (unsigned way = 0; way < array->ways; way++)
        if (!set[way].valid)
            return &set[way];
    switch (model->spec.replace) {
    case MMU_REPLACE_LRU:
        for (unsigned way = 1; way < array->ways; way++)
            if (set[way].used_at < set[victim].used_at)
                victim = way;
        break;
    case MMU_REPLACE_FIFO:
        for (unsigned way = 1; way < array->ways; way++)
            if (set[way].filled_at < set[victim].filled_at)
                victim = way;
        break;
    case MMU_REPLACE_RANDOM:
        victim = (unsigned)base_rng_below(&array->rng, array->ways);
        break;
    case MMU_REPLACE_PLRU:
        for (victim = 1; victim < array->ways;)
            victim = 2 * victim + array->node[set - array->entry + victim];
        victim -= array->ways;
        break;
    }
    return &set[victim];
}

/* The array that gets the mapping, and the size of its pieces. */
static struct model_array *
model_array_for(struct model_list *list, unsigned mapping, unsigned *order)
{
    for (*order = mapping;; --*order)
        for (unsigned i = 0; i < list->n; i++)
            if ((list->array[i].orders >> *order & 1) != 0)
                return &list->array[i];
}

static void
model_put(struct model_half *half, unsigned order, uint64_t vpn, const struct model_found *found,
    bool prefetched)
{
    *half = (struct model_half){.filled = true,
        .prefetched = prefetched,
        .dirty = found->dirty,
        .prot = found->prot,
        .pfn = found->pfn - vpn % ((uint64_t)1 << order)};
}

static struct model_entry *
model_fill(struct model *model, struct model_list *list, uint64_t vpn,
    const struct model_found *found, bool prefetched)
{
    unsigned order;
    struct model_array *array = model_array_for(list, found->order, &order);
    struct model_entry *entry = NULL;
    if (list->pairs)
        entry = model_match(model, list, array, order, vpn);
    if (entry != NULL) {
        if (entry->global && !found->global) {
            entry->global = false;
            entry->asid = model->asid;
        }
    } else {
        entry = model_victim(model, array, model_set(list, array, order, vpn));
        *entry = (struct model_entry){.valid = true,
            .global = found->global,
            .asid = model->asid,
            .order = order,
            .vpn = vpn / model_span(list, order) * model_span(list, order),
            .filled_at = ++model->clock};
    }
    model_put(model_half(list, entry, vpn), order, vpn, found, prefetched);
    model_use(model, array, entry);
    return entry;
}

/* Brings what the list has up to date with a walk. */
static struct model_entry *
model_renew(
    struct model *model, struct model_list *list, uint64_t vpn, const struct model_found *found)
{
    struct model_place place;
    if (!model_find(model, list, vpn, &place))
        return NULL;
    if (found->order >= place.entry->order && (found->global || !place.entry->global)) {
        model_put(place.half, place.entry->order, vpn, found, place.half->prefetched);
        return place.entry;
    }
    while (model_find(model, list, vpn, &place))
        place.entry->valid = false;
    return model_fill(model, list, vpn, found, false);
}

/* --- the whole --- */

static bool
model_in_ram(const struct model *model, const struct model_place *place, uint64_t vpn)
{
    uint64_t pfn = place->half->pfn + vpn % ((uint64_t)1 << place->entry->order);
    return pfn - model->ram_first < model->ram_frames;
}

/* May the access go through; if only the dirty bit is missing, by a walk. */
static enum mmu_fault
model_ask(struct model *model, const struct model_place *place, uint64_t vpn, enum access access,
    bool *walked, struct model_found *found)
{
    *walked = false;
    if (!prot_allows(place->half->prot, access))
        return MMU_RIGHTS;
    if (!model_in_ram(model, place, vpn))
        return MMU_BUS;
    if (access != ACCESS_WRITE || place->half->dirty)
        return MMU_OK;
    *walked = true;
    return model_walk(model, vpn, access, 0, found);
}

static void
model_prefetch(struct model *model, uint64_t vpn, enum access access)
{
    struct model_found found;
    struct model_place place;
    if (!model->spec.prefetch || (vpn + 1) % 512 == 0 ||
        model_find(model, &model->l2, vpn + 1, &place))
        return;
    if (access == ACCESS_WRITE)
        access = ACCESS_READ;
    if (model_walk(model, vpn + 1, access, MMU_WALK_PREFETCH, &found) != MMU_OK)
        return;
    (void)model_fill(model, &model->l2, vpn + 1, &found, true);
    model->stats.prefetches++;
}

/* The page is in L2: what L1 gets. */
static enum mmu_fault
model_second(struct model *model, struct model_place *place, uint64_t vpn, enum access access,
    struct model_found *found)
{
    bool walked;
    model->stats.l2_hits++;
    enum mmu_fault fault = model_ask(model, place, vpn, access, &walked, found);
    if (fault != MMU_OK)
        return fault;
    model->stats.prefetch_hits += place->half->prefetched;
    place->half->prefetched = false;
    if (walked)
        (void)model_renew(model, &model->l2, vpn, found);
    assert_true(model_find(model, &model->l2, vpn, place));
    model_use(model, place->array, place->entry);
    *found = (struct model_found){.pfn = place->half->pfn + vpn % (1u << place->entry->order),
        .order = place->entry->order,
        .prot = place->half->prot,
        .dirty = place->half->dirty,
        .global = place->entry->global};
    return MMU_OK;
}

static enum mmu_fault
model_miss(struct model *model, struct model_list *l1, uint64_t vpn, enum access access)
{
    struct model_found found;
    struct model_place place;
    bool second = model->l2.n != 0;
    *(l1 == &model->l1i ? &model->stats.l1i_misses : &model->stats.l1d_misses) += 1;
    if (second && model_find(model, &model->l2, vpn, &place)) {
        enum mmu_fault fault = model_second(model, &place, vpn, access, &found);
        if (fault == MMU_OK)
            (void)model_fill(model, l1, vpn, &found, false);
        return fault;
    }
    model->stats.l2_misses += second;
    enum mmu_fault fault = model_walk(model, vpn, access, 0, &found);
    if (fault != MMU_OK)
        return fault;
    if (second)
        (void)model_fill(model, &model->l2, vpn, &found, false);
    (void)model_fill(model, l1, vpn, &found, false);
    model_prefetch(model, vpn, access);
    return MMU_OK;
}

static enum mmu_fault
model_hit(struct model *model, struct model_list *l1, struct model_place *place, uint64_t vpn,
    enum access access)
{
    struct model_found found;
    bool walked;
    enum mmu_fault fault = model_ask(model, place, vpn, access, &walked, &found);
    if (fault != MMU_OK)
        return fault;
    if (walked) {
        (void)model_renew(model, &model->l2, vpn, &found);
        (void)model_renew(model, l1, vpn, &found);
        assert_true(model_find(model, l1, vpn, place));
    }
    model_use(model, place->array, place->entry);
    return MMU_OK;
}

enum mmu_fault
model_translate(struct model *model, uint64_t vpn, enum access access, struct model_found *found,
    const struct model_entry **entry)
{
    struct model_list *l1 = access == ACCESS_EXEC ? &model->l1i : &model->l1d;
    struct model_place place;
    *entry = NULL;
    if (l1->n == 0)
        return model_walk(model, vpn, access, 0, found);
    enum mmu_fault fault = model_find(model, l1, vpn, &place)
                               ? model_hit(model, l1, &place, vpn, access)
                               : model_miss(model, l1, vpn, access);
    if (fault != MMU_OK)
        return fault;
    assert_true(model_find(model, l1, vpn, &place));
    *entry = place.entry;
    found->pfn = place.half->pfn + vpn % (1u << place.entry->order);
    found->prot = place.half->prot;
    found->dirty = place.half->dirty;
    return MMU_OK;
}

/* --- dropping --- */

/* Drops what overlaps the range: of the space (0: of all), and global ones if asked to. */
static uint64_t
model_drop(struct model *model, uint32_t asid, bool globals, uint64_t vpn, uint64_t npages)
{
    struct model_list *lists[] = {&model->l1d, &model->l1i, &model->l2};
    uint64_t dropped = 0;
    for (int l = 0; l < 3; l++)
        for (unsigned i = 0; i < lists[l]->n; i++)
            for (unsigned at = 0; at < lists[l]->array[i].nsets * lists[l]->array[i].ways; at++) {
                struct model_entry *e = &lists[l]->array[i].entry[at];
                if (!e->valid || e->vpn + model_span(lists[l], e->order) <= vpn ||
                    (e->vpn > vpn && e->vpn - vpn >= npages))
                    continue;
                if (e->global ? !globals : asid != 0 && e->asid != asid)
                    continue;
                e->valid = false;
                dropped++;
            }
    return dropped;
}

static uint64_t
model_pwc_drop(struct model *model, uint32_t asid, uint64_t vpn, uint64_t npages)
{
    uint64_t dropped = 0;
    for (unsigned level = 1; level < model->format->levels; level++) {
        struct model_pwc *pwc = &model->pwc[level];
        for (unsigned i = 0; i < pwc->n; i++) {
            const struct model_table *table = &pwc->table[i];
            unsigned order = model->format->level[level - 1].shift - PAGE_SHIFT;
            uint64_t first = table->prefix << order, end = (table->prefix + 1) << order;
            if ((asid != 0 && table->asid != asid) || end <= vpn ||
                (first > vpn && first - vpn >= npages))
                continue;
            pwc->table[i--] = pwc->table[--pwc->n];
            dropped++;
        }
    }
    return dropped;
}

void
model_drop_range(struct model *model, uint32_t asid, uint64_t vpn, uint64_t npages)
{
    model->stats.flushed += model_drop(model, asid, true, vpn, npages);
    model->stats.flushed += model_pwc_drop(model, asid, vpn, npages);
}

void
model_drop_space(struct model *model, uint32_t asid)
{
    model->stats.flushed += model_drop(model, asid, false, 0, UINT64_MAX);
    model->stats.flushed += model_pwc_drop(model, asid, 0, UINT64_MAX);
}

/* Must the TLBs be emptied for the space? */
static bool
model_no_tag(struct model *model, uint32_t asid)
{
    unsigned tags = model->spec.no_asid ? 0 : (1u << model->asid_bits) - 1, used = 0;
    if (tags == 0)
        return model->asid != 0;
    for (unsigned i = 1; i <= MODEL_SPACES; i++)
        used += model->tagged[i];
    bool none = !model->tagged[asid] && used == tags;
    if (none)
        memset(model->tagged, 0, sizeof(model->tagged));
    model->tagged[asid] = true;
    return none;
}

void
model_load(struct model *model, uint32_t asid)
{
    if (asid == model->asid)
        return;
    model->stats.switches++;
    model->stats.switch_registers++;
    if (model->l1d.n != 0 && model_no_tag(model, asid)) {
        model->stats.switch_flushes++;
        model->stats.switch_flushed += model_drop(model, 0, false, 0, UINT64_MAX);
        model->stats.switch_flushed += model_pwc_drop(model, 0, 0, UINT64_MAX);
    }
    model->asid = asid;
}

bool
model_view(const struct model *model, size_t i, struct mmu_tlb_view *view)
{
    const struct model_list *lists[] = {&model->l1i, &model->l1d, &model->l2};
    for (int l = 0; l < 3; l++)
        for (unsigned a = 0; a < lists[l]->n; a++) {
            const struct model_array *array = &lists[l]->array[a];
            size_t halves = lists[l]->pairs ? 2 : 1, places = array->nsets * array->ways * halves;
            if (i >= places) {
                i -= places;
                continue;
            }
            const struct model_entry *e = &array->entry[i / halves];
            const struct model_half *half = &e->half[i % halves];
            *view = (struct mmu_tlb_view){.valid = e->valid && half->filled};
            if (!view->valid)
                return true;
            view->npages = (uint64_t)1 << e->order;
            view->vpn = e->vpn + i % halves * view->npages;
            view->pfn = half->pfn;
            view->global = e->global;
            view->asid = e->global ? 0 : e->asid;
            view->prot = half->prot;
            view->dirty = half->dirty && prot_allows(half->prot, ACCESS_WRITE);
            return true;
        }
    return false;
}
