/* SPDX-License-Identifier: BSD-2-Clause */
#include "tlb_model.h"

#include <stdlib.h>
#include <string.h>

#include "support/test.h"

static void
model_tlb_init(struct model_tlb *tlb, unsigned entries, unsigned ways)
{
    assert_true(ways <= MODEL_WAYS_MAX);
    tlb->ways = ways;
    tlb->nsets = ways == 0 ? 0 : entries / ways;
    tlb->set = calloc(tlb->nsets + 1, sizeof(*tlb->set));
    assert_non_null(tlb->set);
}

void
model_init(struct model *model, const struct mmu_tlb_spec *spec)
{
    memset(model, 0, sizeof(*model));
    model_tlb_init(&model->l1d, spec->l1_entries, spec->l1_ways);
    model_tlb_init(&model->l1i, spec->l1_entries, spec->l1_ways);
    model_tlb_init(&model->l2, spec->l2_entries, spec->l2_ways);
}

void
model_fini(struct model *model)
{
    free(model->l1d.set);
    free(model->l1i.set);
    free(model->l2.set);
}

static struct model_set *
model_set(struct model_tlb *tlb, uint64_t vpn)
{
    return &tlb->set[vpn % tlb->nsets];
}

static void
model_take(struct model_set *set, unsigned at)
{
    for (unsigned i = at + 1; i < set->n; i++)
        set->entry[i - 1] = set->entry[i];
    set->n--;
}

/* Puts the entry first; the last one falls out of a full set. */
static void
model_push(struct model_tlb *tlb, const struct model_entry *entry)
{
    struct model_set *set = model_set(tlb, entry->vpn);
    struct model_entry copy = *entry;
    if (set->n == tlb->ways)
        set->n--;
    for (unsigned i = set->n; i > 0; i--)
        set->entry[i] = set->entry[i - 1];
    set->entry[0] = copy;
    set->n++;
}

static struct model_entry *
model_peek(struct model *model, struct model_tlb *tlb, uint64_t vpn)
{
    if (tlb->nsets == 0)
        return NULL;
    struct model_set *set = model_set(tlb, vpn);
    for (unsigned i = 0; i < set->n; i++)
        if (set->entry[i].vpn == vpn &&
            (set->entry[i].asid == model->asid || set->entry[i].asid == MODEL_GLOBAL))
            return &set->entry[i];
    return NULL;
}

/* A look-up that counts as use. */
static struct model_entry *
model_use(struct model *model, struct model_tlb *tlb, uint64_t vpn)
{
    struct model_entry *found = model_peek(model, tlb, vpn);
    if (found == NULL)
        return NULL;
    struct model_set *set = model_set(tlb, vpn);
    struct model_entry entry = *found;
    model_take(set, (unsigned)(found - set->entry));
    model_push(tlb, &entry);
    return &set->entry[0];
}

static void
model_forget(struct model *model, struct model_tlb *tlb, uint64_t vpn)
{
    struct model_entry *found = model_peek(model, tlb, vpn);
    if (found != NULL)
        model_take(model_set(tlb, vpn), (unsigned)(found - model_set(tlb, vpn)->entry));
}

static enum mmu_fault
model_walk(struct model *model, uint64_t vpn, enum access access, struct model_entry *out)
{
    struct model_leaf *leaf = &model->leaf[model->asid - 1][vpn];
    model->stats.walks++;
    model->stats.walk_refs[0]++;
    model->stats.walk_refs[1]++;
    if (!model->table[model->asid - 1][vpn / 512])
        return MMU_NOT_PRESENT;
    model->stats.walk_refs[2]++;
    if (!leaf->valid)
        return MMU_NOT_PRESENT;
    if (!prot_allows(leaf->prot, access))
        return MMU_RIGHTS;
    bool dirty = leaf->dirty || access == ACCESS_WRITE;
    model->stats.ad_updates += !leaf->accessed || dirty != leaf->dirty;
    leaf->accessed = true;
    leaf->dirty = dirty;
    *out = (struct model_entry){
        leaf->global ? MODEL_GLOBAL : model->asid, vpn, leaf->pfn, leaf->prot, dirty};
    return MMU_OK;
}

/* After an L1 miss: the entry from L2 or from a walk, now first in l1. */
static enum mmu_fault
model_refill(struct model *model, struct model_tlb *l1, uint64_t vpn, enum access access)
{
    struct model_entry got;
    *(l1 == &model->l1i ? &model->stats.l1i_misses : &model->stats.l1d_misses) += 1;
    struct model_entry *second = model_use(model, &model->l2, vpn);
    if (second != NULL) {
        model->stats.l2_hits++;
        got = *second;
    } else {
        model->stats.l2_misses += model->l2.nsets != 0;
        enum mmu_fault fault = model_walk(model, vpn, access, &got);
        if (fault != MMU_OK)
            return fault;
        if (model->l2.nsets != 0)
            model_push(&model->l2, &got);
    }
    model_push(l1, &got);
    return MMU_OK;
}

/* A store through an entry that does not know its page to be dirty. */
static enum mmu_fault
model_dirty(struct model *model, uint64_t vpn)
{
    struct model_entry got;
    enum mmu_fault fault = model_walk(model, vpn, ACCESS_WRITE, &got);
    struct model_tlb *tlbs[2] = {&model->l1d, &model->l2};
    for (int i = 0; i < 2; i++) {
        struct model_entry *entry = model_peek(model, tlbs[i], vpn);
        if (fault != MMU_OK) {
            model_forget(model, tlbs[i], vpn);
        } else if (entry != NULL) {
            entry->pfn = got.pfn;
            entry->prot = got.prot;
            entry->dirty = got.dirty;
        }
    }
    return fault;
}

enum mmu_fault
model_translate(
    struct model *model, uint64_t vpn, enum access access, uint64_t *pfn, prot_t *usable)
{
    struct model_tlb *l1 = access == ACCESS_EXEC ? &model->l1i : &model->l1d;
    struct model_entry walked, *entry = &walked;
    enum mmu_fault fault = MMU_OK;
    if (l1->nsets == 0) {
        fault = model_walk(model, vpn, access, &walked);
    } else if (model_use(model, l1, vpn) == NULL) {
        fault = model_refill(model, l1, vpn, access);
    }
    if (fault != MMU_OK)
        return fault;
    if (l1->nsets != 0) {
        entry = model_peek(model, l1, vpn);
        if (!prot_allows(entry->prot, access))
            return MMU_RIGHTS;
        if (access == ACCESS_WRITE && !entry->dirty) {
            fault = model_dirty(model, vpn);
            if (fault != MMU_OK)
                return fault;
        }
    }
    *pfn = entry->pfn;
    *usable = entry->dirty ? entry->prot : entry->prot & ~PROT_MASK_W;
    return MMU_OK;
}

static void
model_drop(struct model *model, uint32_t asid, bool globals, uint64_t vpn, uint64_t npages)
{
    struct model_tlb *tlbs[3] = {&model->l1d, &model->l1i, &model->l2};
    for (int t = 0; t < 3; t++)
        for (unsigned s = 0; s < tlbs[t]->nsets; s++)
            for (unsigned i = 0; i < tlbs[t]->set[s].n; i++) {
                const struct model_entry *e = &tlbs[t]->set[s].entry[i];
                bool of_space = e->asid == asid || (globals && e->asid == MODEL_GLOBAL);
                if (!of_space || e->vpn < vpn || e->vpn - vpn >= npages)
                    continue;
                model_take(&tlbs[t]->set[s], i--);
                model->stats.flushed++;
            }
}

void
model_drop_range(struct model *model, uint32_t asid, uint64_t vpn, uint64_t npages)
{
    model_drop(model, asid, true, vpn, npages);
}

void
model_drop_space(struct model *model, uint32_t asid)
{
    model_drop(model, asid, false, 0, UINT64_MAX);
}
