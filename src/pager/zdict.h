/* SPDX-License-Identifier: BSD-2-Clause */
/* What the pages of a compressed pool have in common: dictionaries, made from them as they come. */
#ifndef PAGER_ZDICT_H
#define PAGER_ZDICT_H

#include "pager/zcodec.h"

#define ZDICT_VERSIONS 5u      /* that there can be, the one without a dictionary among them */
#define ZDICT_SAMPLES_MAX 320u /* pages that one is made from and tried on */

struct zdict_version {
    struct zcodec_dict dict; /* of version 0 there is none, ever */
    uint64_t pages;          /* compressed with it, now */
};

struct zdict {
    struct zdict_version versions[ZDICT_VERSIONS];
    uint64_t limit;    /* of the pool, in bytes */
    uint64_t left;     /* pages until the next one is tried */
    uint64_t interval; /* the same, after it */
    uint64_t made;     /* dictionaries, ever */
    size_t len;        /* of each; 0: the pool is too small for any */
    uint8_t now;       /* version */
};

/* Pages that the pool holds; good until the next is asked for.  NULL: there is none, after all. */
struct zdict_samples {
    const void *(*page)(void *ctx, unsigned i);
    void *ctx;
    unsigned n;
};

/* limit: of the pool, in frames. */
void zdict_init(struct zdict *zdict, uint64_t limit);
/* No page is left that needs one. */
void zdict_fini(struct zdict *zdict, const struct zcodec *codec);

/* How many samples are wanted before the next page is compressed: 0 nearly always. */
unsigned zdict_wants(struct zdict *zdict);
/* Makes a dictionary from samples, and uses it from now on if it pays.  That it cannot be had, for
 * want of memory or because all versions are in use, is no error. */
void zdict_try(struct zdict *zdict, struct zcodec *codec, const struct zdict_samples *samples);
/* Gives back what no page needs any more.  Not from a pager's drive(). */
void zdict_settle(struct zdict *zdict, const struct zcodec *codec);

/* The dictionary of a version; NULL: pages are compressed alone. */
const struct zcodec_dict *zdict_get(const struct zdict *zdict, uint8_t version);

/* Bytes of all of them. */
size_t zdict_bytes(const struct zdict *zdict, const struct zcodec *codec);
/* True if the versions' pages are `pages` in all, and what is in use is there. */
bool zdict_check(const struct zdict *zdict, uint64_t pages);

#endif
