/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The trace that replay and curves are measured with, and the floor that they are measured against.
 *
 * The trace is zipf(1.0) over so many pages, whose popularity has nothing to do with where they
 * are.  The floor is the plain loop over decoded references that looks each one's page up in a
 * table of all pages, at most half full and never grown, and sets the page's bit.  It may also
 * start each look-up some references ahead of its turn, as replay does; that makes it quicker by a
 * third to a half, and is a row of its own.
 */
#ifndef BENCH_ZIPF_H
#define BENCH_ZIPF_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <pagewright/trace.h>

#include "base/rng.h"
#include "replay/vpntable.h"

#define ZIPF_AHEAD 16u

struct zipf {
    uint32_t *page; /* the trace */
    uint64_t n, pages;
};

/* Of this process's processor time, in nanoseconds. */
static inline double
zipf_now(void)
{
    struct timespec at;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at);
    return (double)at.tv_sec * 1e9 + (double)at.tv_nsec;
}

/* A permutation of the page numbers, so that popular pages are anywhere. */
static inline void
zipf_permute(uint32_t *page, uint64_t n, struct base_rng *rng)
{
    for (uint64_t i = 0; i < n; i++)
        page[i] = (uint32_t)i;
    for (uint64_t i = n; i-- > 1;) {
        uint64_t j = base_rng_below(rng, i + 1);
        uint32_t kept = page[i];
        page[i] = page[j];
        page[j] = kept;
    }
}

/* The first of n sums that is larger than at. */
static inline uint64_t
zipf_rank(const double *sum, uint64_t n, double at)
{
    uint64_t low = 0, high = n - 1;

    while (low < high) {
        uint64_t middle = (low + high) / 2;
        if (sum[middle] <= at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Rank k with a chance in proportion to 1 / (k + 1).  False: there is no memory. */
static inline bool
zipf_make(struct zipf *zipf, uint64_t n, uint64_t pages)
{
    double *sum = malloc(pages * sizeof *sum), total = 0;
    uint32_t *place = malloc(pages * sizeof *place);
    struct base_rng rng;

    *zipf = (struct zipf){.page = malloc(n * sizeof *zipf->page), .n = n, .pages = pages};
    if (sum != NULL && place != NULL && zipf->page != NULL) {
        base_rng_init(&rng, 1);
        zipf_permute(place, pages, &rng);
        for (uint64_t k = 0; k < pages; k++)
            sum[k] = total += 1.0 / (double)(k + 1);
        for (uint64_t i = 0; i < n; i++) {
            double at = ldexp((double)(base_rng_next(&rng) >> 11), -53) * total;
            zipf->page[i] = place[zipf_rank(sum, pages, at)];
        }
    }
    bool made = sum != NULL && place != NULL && zipf->page != NULL;
    free(sum);
    free(place);
    return made;
}

/* The piece of the trace from i on, of most references at the most; how many it has. */
static inline size_t
zipf_piece(const struct zipf *zipf, uint64_t i, struct pgw_ref *refs, size_t most)
{
    size_t n = zipf->n - i < most ? (size_t)(zipf->n - i) : most;

    for (size_t k = 0; k < n; k++) {
        bool write = (i + k) % 4 == 0;
        refs[k] = (struct pgw_ref){.va = 0x10000000 + ((uint64_t)zipf->page[i + k] << 12) + 8,
            .process = 1,
            .size = 8,
            .kind = write ? PGW_REF_WRITE : PGW_REF_READ,
            .count = 1,
            .writes = write};
    }
    return n;
}

/* A piece of the floor.  bits has one for each page; false: there is no memory. */
static inline bool
zipf_floor_piece(struct vpn_table *table, struct base_alloc *alloc, const struct pgw_ref *refs,
    size_t n, bool ahead, unsigned char *bits)
{
    for (size_t k = 0; k < n; k++) {
        if (ahead && k + ZIPF_AHEAD < n)
            vpn_table_prefetch(table, refs[k + ZIPF_AHEAD].va >> 12);
        uint64_t vpn = refs[k].va >> 12;
        uint32_t value = vpn_table_find(table, vpn)->value;
        if (value == 0) {
            if (vpn_table_reserve(table, alloc, 1) != PGW_OK)
                return false;
            value = (uint32_t)table->count + 1;
            (void)vpn_table_put(table, vpn, value);
        }
        bits[(value - 1) >> 3] |= (unsigned char)(1u << ((value - 1) & 7));
    }
    return true;
}

/* The floor over the whole trace, in pieces for which refs has room: nanoseconds, and how many
 * different pages there were; negative: there is no memory. */
static inline double
zipf_floor(const struct zipf *zipf, struct base_alloc *alloc, struct pgw_ref *refs, size_t most,
    bool ahead, uint64_t *different)
{
    unsigned char *bits = calloc(1, zipf->pages / 8 + 1);
    struct vpn_table table;
    double ns = 0;

    if (bits == NULL || vpn_table_init(&table, alloc) != PGW_OK) {
        free(bits);
        return -1;
    }
    if (vpn_table_reserve(&table, alloc, zipf->pages / 2 * 3) != PGW_OK)
        ns = -1;
    for (uint64_t i = 0; i < zipf->n && ns >= 0; i += most) {
        size_t n = zipf_piece(zipf, i, refs, most);
        double start = zipf_now();
        bool done = zipf_floor_piece(&table, alloc, refs, n, ahead, bits);
        ns = done ? ns + zipf_now() - start : -1;
    }
    *different = table.count;
    vpn_table_fini(&table, alloc);
    free(bits);
    return ns;
}

static inline int
zipf_order(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Of so many rounds. */
static inline double
zipf_median(double *ns, unsigned rounds)
{
    qsort(ns, rounds, sizeof *ns, zipf_order);
    return ns[rounds / 2];
}

#endif
