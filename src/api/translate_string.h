/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A translation by itself: what pgw_translate_string() puts together and takes down again.
 */
#ifndef API_TRANSLATE_STRING_H
#define API_TRANSLATE_STRING_H

#include <pagewright/pagewright.h>

#include "api/registry.h"
#include "base/inject.h"
#include "mem/mem.h"

#define TRANSLATE_WHY_LEN 320

struct translate {
    struct pgw_translate question; /* in full, whatever version the caller was compiled against */
    const struct registry_mmu *row;
    struct registry_options options;
    struct base_alloc core, ram;
    struct mem mem; /* holds the tables; frames that are mapped need not be in it */
    uint64_t root;
    struct mmu_segment_registers registers;
    struct mmu *mmu;
    char why[TRANSLATE_WHY_LEN];
};

/* pgw_translate_string with fault injection for tests; inject may be NULL. */
MUST_CHECK enum pgw_status translate_string(
    const struct pgw_translate *question, struct base_inject *inject, bool *fault, char **text);

/* Says what is wrong and returns status. */
enum pgw_status translate_fail(struct translate *translate, enum pgw_status status,
    const char *format, ...) __attribute__((format(printf, 3, 4)));
/* A figure in an error, in the base that the question was asked in. */
const char *translate_number(const struct translate *translate, uint64_t n, char out[24]);

/* Makes mem, and in it what maps says; sets root.  PGW_INVAL, PGW_RANGE, PGW_NOMEM. */
MUST_CHECK enum pgw_status translate_tables(struct translate *translate);
MUST_CHECK enum pgw_status translate_hashed(struct translate *translate);
/* Makes mem, and sets registers as segments says.  PGW_INVAL, PGW_RANGE, PGW_NOMEM. */
MUST_CHECK enum pgw_status translate_segments(struct translate *translate);

#endif
