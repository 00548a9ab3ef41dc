/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The modelled hardware in front of a replayed policy: TLBs, walk caches and a walker (mmu/) over
 * tables of their own, in which exactly those pages are mapped that are resident and were touched
 * in that space since they came in.
 */
#ifndef REPLAY_TRANSLATION_H
#define REPLAY_TRANSLATION_H

#include "mmu/mmus.h"
#include "replay/batch.h"

struct translation;

struct translation_config {
    const struct mmu_format *format; /* NULL: none is modelled */
    enum mmu_ad ad;
    struct mmu_tlb_spec tlb;
    uint64_t seed;
};

/* PGW_NOMEM. */
MUST_CHECK enum pgw_status translation_create(struct base_alloc *alloc,
    const struct translation_config *config, struct translation **translation);
void translation_destroy(struct translation *translation);

/*
 * A touch, in two parts: before the policy hears of it, and after, when the page is resident.  For
 * pages that went in between, translation_gone() is called in between.  PGW_RANGE: the scheme has
 * no such address; PGW_NORAM: more than 1 GiB of tables; PGW_NOMEM.
 */
MUST_CHECK enum pgw_status translation_before(struct translation *translation,
    const struct replay_where *where, const struct policy_touch *touch);
MUST_CHECK enum pgw_status translation_after(struct translation *translation,
    const struct replay_where *where, const struct policy_touch *touch);

/* The touch comes soon: has the host fetch what it will need. */
void translation_ahead(struct translation *translation, const struct replay_where *where,
    const struct policy_touch *touch);

/* The page is not resident any more: it is mapped nowhere. */
void translation_gone(struct translation *translation, uint32_t page);

const struct mmu_stats *translation_stats(const struct translation *translation);
/* RAM that its tables take. */
uint64_t translation_table_bytes(const struct translation *translation);

#endif
