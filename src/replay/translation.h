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

/* The policy put the page out to make room for the touch, which is one of the next batch. */
void translation_evicted(
    struct translation *translation, const struct policy_touch *touch, uint32_t page);
/*
 * A batch that the policy has been through: what it put out has been told, in its order. PGW_RANGE:
 * the scheme has no such address; PGW_NORAM: more than 1 GiB of tables; PGW_NOMEM.
 */
MUST_CHECK enum pgw_status translation_run(
    struct translation *translation, const struct replay_batch *batch);

const struct mmu_stats *translation_stats(const struct translation *translation);
/* RAM that its tables take. */
uint64_t translation_table_bytes(const struct translation *translation);

#endif
