/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PAGEWRIGHT_REPLAY_TABLE_H
#define PAGEWRIGHT_REPLAY_TABLE_H

#include <stdbool.h>
#include <stdio.h>

#include <pagewright/replay.h>

/* What a replay came to. */
struct replay_result {
    const char *trace; /* its name */
    const struct pgw_replay *replay;
    const char *mmu, *tlb; /* mmu NULL: no translation is modelled */
    uint64_t seed, page_size;
    uint64_t reduced; /* not 0: the trace is exact for LRU with so many pages or more only */
    bool complete;    /* false: it was stopped, or the trace is damaged */
};

/* False: it could not be written, or there was no memory. */
bool replay_write_text(const struct replay_result *result, FILE *out);
bool replay_write_csv(const struct replay_result *result, FILE *out);
bool replay_write_json(const struct replay_result *result, FILE *out);

#endif
