/* SPDX-License-Identifier: BSD-2-Clause */
#include "format_model.h"

#include <stdlib.h>
#include <string.h>

enum model_kind { MODEL_INVALID, MODEL_BAD, MODEL_TABLE, MODEL_LEAF };

struct model_entry {
    enum model_kind kind;
    uint64_t pfn;
    unsigned order;
    bool r, w, x, u, g;
    bool a, d;
    bool a_first;            /* A left to software is asked for before rights */
    uint64_t with_a, with_d; /* the entry with A, with D set */
};

static bool
bit(uint64_t pte, unsigned n)
{
    return (pte >> n & 1) != 0;
}

/* Bits high to low, moved down. */
static uint64_t
field(uint64_t pte, unsigned high, unsigned low)
{
    return pte << (63 - high) >> (63 - high) >> low;
}

/* x86: P 0, R/W 1, U/S 2, A 5, D 6, PS 7, G 8, XD 63; m is MAXPHYADDR. */
static void
model_x86(
    unsigned shift, uint64_t pte, unsigned m, bool xd, bool may_be_large, struct model_entry *e)
{
    e->r = true;
    e->w = bit(pte, 1);
    e->u = bit(pte, 2);
    e->x = !(xd && bit(pte, 63));
    e->a = bit(pte, 5);
    e->with_a = pte | 1 << 5;
    e->pfn = field(pte, m - 1, 12);
    e->kind = MODEL_TABLE;
    if (shift != 12 && !(may_be_large && bit(pte, 7)))
        return;
    e->kind = MODEL_LEAF;
    e->order = shift - 12;
    e->d = bit(pte, 6);
    e->g = bit(pte, 8);
    e->with_d = pte | 1 << 6;
    if (shift == 12)
        return;
    e->pfn = field(pte, m - 1, shift) << e->order;
    if (field(pte, shift - 1, 13) != 0)
        e->kind = MODEL_BAD;
}

static void
model_x86_32(unsigned shift, uint64_t pte, struct model_entry *e)
{
    if (bit(pte, 0))
        model_x86(shift, pte, 32, false, shift == 22, e);
}

static void
model_pae(unsigned shift, uint64_t pte, struct model_entry *e)
{
    if (!bit(pte, 0))
        return;
    if (shift == 30) {
        bool bad = field(pte, 2, 1) != 0 || field(pte, 8, 5) != 0 || field(pte, 63, 36) != 0;
        *e = (struct model_entry){.kind = bad ? MODEL_BAD : MODEL_TABLE,
            .pfn = field(pte, 35, 12),
            .r = true,
            .w = true,
            .x = true,
            .u = true,
            .a = true};
        return;
    }
    model_x86(shift, pte, 36, true, shift == 21, e);
    if (field(pte, 62, 36) != 0)
        e->kind = MODEL_BAD;
}

static void
model_long(unsigned shift, uint64_t pte, struct model_entry *e)
{
    if (!bit(pte, 0))
        return;
    model_x86(shift, pte, 46, true, shift == 21 || shift == 30, e);
    if (field(pte, 51, 46) != 0 || (shift > 30 && bit(pte, 7)))
        e->kind = MODEL_BAD;
}

/* RISC-V: V 0, R 1, W 2, X 3, U 4, G 5, A 6, D 7, PPN from 10. */
static void
model_sv(unsigned shift, uint64_t pte, bool wide, struct model_entry *e)
{
    if (!bit(pte, 0))
        return;
    e->r = bit(pte, 1);
    e->w = bit(pte, 2);
    e->x = bit(pte, 3);
    e->u = bit(pte, 4);
    e->g = bit(pte, 5);
    e->a = bit(pte, 6);
    e->d = bit(pte, 7);
    e->with_a = pte | 0x40;
    e->with_d = pte | 0x80;
    e->order = shift - 12;
    e->pfn = field(pte, wide ? 53 : 31, 10);
    e->kind = e->r || e->w || e->x ? MODEL_LEAF : MODEL_TABLE;
    bool n = wide && bit(pte, 63);
    bool bad = wide && field(pte, 62, 54) != 0;
    if (e->kind == MODEL_TABLE) {
        bad |= shift == 12 || e->u || e->a || e->d || n;
        e->r = e->w = e->x = e->u = e->a = true; /* tables take nothing away */
    } else {
        bad |= e->w && !e->r;
        bad |= (e->pfn & ((1ull << e->order) - 1)) != 0;
        bad |= n && (shift != 12 || (e->pfn & 15) != 8);
        if (n) {
            e->order = 4;
            e->pfn -= 8;
        }
    }
    if (bad)
        e->kind = MODEL_BAD;
}

static void
model_sv_wide(unsigned shift, uint64_t pte, struct model_entry *e)
{
    model_sv(shift, pte, true, e);
}

static void
model_sv32(unsigned shift, uint64_t pte, struct model_entry *e)
{
    model_sv(shift, pte, false, e);
}

/* armv8: type 1:0, AP[1] 6, AP[2] 7, AF 10, nG 11, DBM 51, UXN 54; tables: UXNTable 60, APTable
 * 62:61. */
static void
model_armv8(unsigned shift, uint64_t pte, struct model_entry *e)
{
    unsigned type = (unsigned)field(pte, 1, 0);
    bool block_level = shift == 21 || shift == 30;
    if (type == 3 && shift != 12) {
        *e = (struct model_entry){.kind = MODEL_TABLE,
            .pfn = field(pte, 47, 12),
            .r = true,
            .w = !bit(pte, 62),
            .x = !bit(pte, 60),
            .u = !bit(pte, 61),
            .a = true};
        return;
    }
    if (!(type == 3 && shift == 12) && !(type == 1 && block_level))
        return;
    *e = (struct model_entry){.kind = MODEL_LEAF,
        .pfn = field(pte, 47, shift) << (shift - 12),
        .order = shift - 12,
        .r = true,
        .w = bit(pte, 51) || !bit(pte, 7),
        .x = !bit(pte, 54),
        .u = bit(pte, 6),
        .g = !bit(pte, 11),
        .a = bit(pte, 10),
        .d = !bit(pte, 7),
        .a_first = true,
        .with_a = pte | 1 << 10,
        .with_d = pte & ~(1ull << 7)};
}

/* linear: V 0, R 1, W 2, X 3, U 4, G 5, A 6, D 7, frame from 12. */
static void
model_linear(unsigned shift, uint64_t pte, struct model_entry *e)
{
    (void)shift;
    if (bit(pte, 0))
        *e = (struct model_entry){.kind = MODEL_LEAF,
            .pfn = field(pte, 31, 12),
            .r = bit(pte, 1),
            .w = bit(pte, 2),
            .x = bit(pte, 3),
            .u = bit(pte, 4),
            .g = bit(pte, 5),
            .a = bit(pte, 6),
            .d = bit(pte, 7),
            .with_a = pte | 0x40,
            .with_d = pte | 0x80};
}

/* mips32: P 0, W 2, A 3, M 4, G 6, V 7, D 8, PFN from 12; A goes with V, M with D. */
static void
model_mips32(unsigned shift, uint64_t pte, struct model_entry *e)
{
    if (bit(pte, 0))
        *e = (struct model_entry){.kind = shift == 12 ? MODEL_LEAF : MODEL_TABLE,
            .pfn = field(pte, 31, 12),
            .r = true,
            .w = bit(pte, 2) || bit(pte, 8) || shift != 12,
            .x = true,
            .u = true,
            .g = bit(pte, 6) && shift == 12,
            .a = (bit(pte, 3) && bit(pte, 7)) || shift != 12,
            .d = bit(pte, 4) && bit(pte, 8),
            .with_a = pte | 0x88,
            .with_d = pte | 0x110};
}

struct model_row {
    const char *name;
    void (*decode)(unsigned shift, uint64_t pte, struct model_entry *e);
    unsigned pte_bytes;
    unsigned cut[MMU_LEVELS_MAX + 1]; /* a level's index is the bits cut[i] - 1 to cut[i + 1] */
};

static const struct model_row model_rows[] = {
    {"linear", model_linear, 4, {32, 12}},
    {"x86", model_x86_32, 4, {32, 22, 12}},
    {"pae", model_pae, 8, {32, 30, 21, 12}},
    {"x86-64", model_long, 8, {48, 39, 30, 21, 12}},
    {"la57", model_long, 8, {57, 48, 39, 30, 21, 12}},
    {"sv32", model_sv32, 4, {32, 22, 12}},
    {"sv39", model_sv_wide, 8, {39, 30, 21, 12}},
    {"sv48", model_sv_wide, 8, {48, 39, 30, 21, 12}},
    {"sv57", model_sv_wide, 8, {57, 48, 39, 30, 21, 12}},
    {"armv8", model_armv8, 8, {48, 39, 30, 21, 12}},
    {"mips32", model_mips32, 4, {31, 22, 12}},
};

static const struct model_row *
model_row(const char *name)
{
    for (size_t i = 0; i < sizeof(model_rows) / sizeof(model_rows[0]); i++)
        if (strcmp(model_rows[i].name, name) == 0)
            return &model_rows[i];
    abort();
}

/* A walk may come through one entry twice, in tables that lead to themselves. */
static void
model_write(struct format_model *model, uint64_t pa, uint64_t value)
{
    unsigned i = 0;
    while (i < model->nwrites && model->write[i].pa != pa)
        i++;
    model->write[i].pa = pa;
    model->write[i].value = value;
    model->nwrites += i == model->nwrites;
}

static uint64_t
model_read(const struct format_model *model, const struct mem *mem, uint64_t pa, unsigned len)
{
    uint64_t pte = 0;
    memcpy(&pte, mem_page_bytes(mem, mem_page_at(mem, pa / 4096)) + pa % 4096, len);
    for (unsigned i = 0; i < model->nwrites; i++)
        if (model->write[i].pa == pa)
            pte = model->write[i].value;
    return pte;
}

/* A leaf that is well formed, the rights of all levels being in *e. */
static void
model_leaf(const struct model_entry *e, const struct mem *mem, uint64_t pa, uint64_t pte,
    uint64_t va, enum access access, unsigned how, enum mmu_ad ad, struct format_model *model)
{
    bool allowed = access == ACCESS_READ ? e->r : access == ACCESS_WRITE ? e->w : e->x;
    bool set_a = !e->a, set_d = access == ACCESS_WRITE && !e->d;
    model->pfn = e->pfn | (va >> 12 & ((1ull << e->order) - 1));
    model->prot = (prot_t)(e->r | e->w << 1 | e->x << 2);
    model->order = e->order;
    model->global = e->g;
    model->dirty = e->d;
    bool a_first = e->a_first && ad == MMU_AD_FAULT && set_a;
    if ((!allowed || !e->u) && !a_first)
        model->fault = MMU_RIGHTS;
    else if (how != MMU_WALK_PEEK && mem_page_at(mem, model->pfn) == NULL)
        model->fault = MMU_BUS;
    else if (how == MMU_WALK_PREFETCH)
        model->fault = set_a ? MMU_AD : MMU_OK;
    else if (ad == MMU_AD_FAULT && (set_a || set_d))
        model->fault = MMU_AD;
    if (model->fault != MMU_OK || how != 0 || (!set_a && !set_d))
        return;
    /* with_a and with_d differ from pte in their own bits only */
    uint64_t now = pte ^ (set_a ? e->with_a ^ pte : 0) ^ (set_d ? e->with_d ^ pte : 0);
    model->dirty |= set_d;
    model_write(model, pa, now);
}

void
format_model_walk(const char *name, const struct mem *mem, uint64_t root, uint64_t va,
    enum access access, unsigned how, enum mmu_ad ad, struct format_model *model)
{
    const struct model_row *row = model_row(name);
    struct model_entry sum = {.r = true, .w = true, .x = true, .u = true, .pfn = root};
    memset(model, 0, sizeof(*model));
    for (unsigned level = 0;; level++) {
        uint64_t idx = field(va, row->cut[level] - 1, row->cut[level + 1]);
        uint64_t pa = sum.pfn * 4096 + idx * row->pte_bytes;
        model->fault = MMU_BUS;
        if (mem_page_at(mem, pa / 4096) == NULL)
            return;
        uint64_t pte = model_read(model, mem, pa, row->pte_bytes);
        model->refs[level]++;
        struct model_entry e = {.kind = MODEL_INVALID};
        row->decode(row->cut[level + 1], pte, &e);
        model->fault = e.kind == MODEL_BAD ? MMU_MALFORMED : MMU_NOT_PRESENT;
        if (e.kind == MODEL_INVALID || e.kind == MODEL_BAD)
            return;
        e.r &= sum.r;
        e.w &= sum.w;
        e.x &= sum.x;
        e.u &= sum.u;
        e.g |= sum.g;
        model->fault = MMU_OK;
        sum = e;
        if (e.kind == MODEL_LEAF) {
            model_leaf(&e, mem, pa, pte, va, access, how, ad, model);
            return;
        }
        if (!e.a && how == MMU_WALK_PREFETCH)
            model->fault = MMU_AD;
        else if (!e.a && how == 0)
            model_write(model, pa, e.with_a);
        if (model->fault != MMU_OK)
            return;
    }
}
