/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory
 * ------
 * Most of what a text is made of has been seen when 4 KiB of it are over, but each page is
 * compressed alone and begins with nothing.  So it is given something: 64 to 256 short pieces of
 * other pages, which strings of a page are found in as if they came before it.
 *
 * Which pieces?  Those whose strings are in most pages (Liao, Petri, Moffat and Wirth, "Effective
 * construction of relative Lempel-Ziv dictionaries", 2016; zstd's own trainer goes by it too, but
 * allocates).  In pages that the pool holds, strings of six bytes are counted by their hash.
 * Then each page gives the piece that sums up most, each string in it being worth its count once,
 * and nothing in pieces that are chosen later.
 *
 * How large?  A dictionary has tables of five times its size while pages are compressed with it,
 * and is overhead like any other, so a small pool has 8 KiB, a large one 32 KiB, and one of less
 * than a megabyte none.  Entropy tables, as a dictionary in zstd's own format has, would gain 0.4%.
 *
 *     pages put:  320      1280        5120 ...        4 * limit     4 * limit
 *                  +--------+-----------+------ ... ------+-------------+----
 *                 try      try         try               try           try
 *
 * A dictionary is tried on samples that it was not made from.  It is used, for new pages, only if
 * a pool full of such pages saves twice what it costs; so one that is still good stays, one that
 * helps nobody (machine code, numbers) never begins.  Pages keep their version, which stays until
 * the last of them is gone.  If all versions are in use there is none to try with, and what there
 * is goes on.
 *
 * Rejected: several neighbouring pages compressed as one.  Four gain as much (20% on C sources) and
 * need no tables, but pages come back one at a time: each then costs up to four, and a piece stays
 * as long as one of its pages does.
 */
#include "pager/zdict.h"

#include <string.h>

#include "base/assert.h"

#define ZDICT_LEAST_FRAMES 256u   /* pools of fewer have none */
#define ZDICT_LARGE_FRAMES 16384u /* pools of more have large ones */
#define ZDICT_SMALL (8u << 10)
#define ZDICT_PIECE 128u /* bytes of a piece */
#define ZDICT_STRING 6u  /* bytes of a string */
#define ZDICT_HASH_BITS 16u
#define ZDICT_PAYS 2u   /* times its cost */
#define ZDICT_JUDGE 5u  /* each fifth sample is one to try it on */
#define ZDICT_SPREAD 4u /* pages put for each sample, and the growth of the interval */

struct zdict_counts {
    uint16_t worth[1u << ZDICT_HASH_BITS]; /* of a string: in how many places it is, up to all */
    uint8_t here[1u << ZDICT_HASH_BITS];   /* how often it is in the piece that is looked at */
};

void
zdict_init(struct zdict *zdict, uint64_t limit)
{
    *zdict = (struct zdict){.limit = limit << PAGE_SHIFT};
    if (limit >= ZDICT_LEAST_FRAMES)
        zdict->len = limit < ZDICT_LARGE_FRAMES ? ZDICT_SMALL : ZCODEC_DICT_MAX;
    unsigned pieces = (unsigned)(zdict->len / ZDICT_PIECE);
    zdict->left = zdict->interval = (uint64_t)ZDICT_SPREAD * (pieces + pieces / (ZDICT_JUDGE - 1));
}

void
zdict_fini(struct zdict *zdict, const struct zcodec *codec)
{
    zdict->now = 0;
    zdict_settle(zdict, codec);
    BASE_ASSERT(zdict_bytes(zdict, codec) == 0);
}

void
zdict_settle(struct zdict *zdict, const struct zcodec *codec)
{
    for (unsigned i = 1; i < ZDICT_VERSIONS; i++) {
        struct zdict_version *version = &zdict->versions[i];
        if (i != zdict->now && version->pages == 0 && version->dict.content != NULL)
            zcodec_dict_fini(codec, &version->dict);
    }
}

const struct zcodec_dict *
zdict_get(const struct zdict *zdict, uint8_t version)
{
    return version != 0 ? &zdict->versions[version].dict : NULL;
}

/* A version that is not in use; NULL. */
static struct zdict_version *
zdict_unused(struct zdict *zdict)
{
    for (unsigned i = 1; i < ZDICT_VERSIONS; i++)
        if (zdict->versions[i].dict.content == NULL)
            return &zdict->versions[i];
    return NULL;
}

unsigned
zdict_wants(struct zdict *zdict)
{
    unsigned pieces = (unsigned)(zdict->len / ZDICT_PIECE);
    uint64_t most = ZDICT_SPREAD * (zdict->limit >> PAGE_SHIFT);

    if (zdict->len == 0 || --zdict->left > 0)
        return 0;
    zdict->interval *= ZDICT_SPREAD;
    zdict->left = zdict->interval = zdict->interval < most ? zdict->interval : most;
    return zdict_unused(zdict) != NULL ? pieces + pieces / (ZDICT_JUDGE - 1) : 0;
}

/* --- making one --- */

static bool
zdict_is_judge(unsigned sample)
{
    return sample % ZDICT_JUDGE == ZDICT_JUDGE - 1;
}

static unsigned
zdict_hash(const unsigned char *string)
{
    uint64_t bytes = 0;

    memcpy(&bytes, string, ZDICT_STRING);
    return (unsigned)(bytes * UINT64_C(0xCF1BBCDCB7A56463) >> (64 - ZDICT_HASH_BITS));
}

/* A string is worth nothing to the page that it is in: a page counts once, however often. */
static void
zdict_count(struct zdict_counts *counts, const unsigned char *page)
{
    for (size_t i = 0; i + ZDICT_STRING <= PAGE_SIZE; i++) {
        unsigned hash = zdict_hash(page + i);
        counts->worth[hash] = (uint16_t)(counts->worth[hash] + (counts->here[hash] == 0));
        counts->here[hash] = 1;
    }
    for (size_t i = 0; i + ZDICT_STRING <= PAGE_SIZE; i++)
        counts->here[zdict_hash(page + i)] = 0;
}

/* The piece of the page that is worth most: one window of strings is moved over it. */
static const unsigned char *
zdict_best(struct zdict_counts *counts, const unsigned char *page)
{
    const size_t strings = ZDICT_PIECE - ZDICT_STRING + 1;
    size_t end = PAGE_SIZE - ZDICT_STRING + 1, best = 0;
    uint64_t sum = 0, most = 0;

    for (size_t i = 0; i < end; i++) {
        unsigned hash = zdict_hash(page + i);
        if (counts->here[hash]++ == 0)
            sum += counts->worth[hash];
        if (i + 1 < strings)
            continue;
        size_t first = i + 1 - strings;
        best = sum > most ? first : best;
        most = sum > most ? sum : most;
        hash = zdict_hash(page + first);
        if (--counts->here[hash] == 0)
            sum -= counts->worth[hash];
    }
    for (size_t i = end + 1 - strings; i < end; i++)
        counts->here[zdict_hash(page + i)] = 0;
    return page + best;
}

/* Copies a piece, whose strings are worth nothing from now on. */
static void
zdict_choose(struct zdict_counts *counts, const unsigned char *piece, unsigned char *to)
{
    memcpy(to, piece, ZDICT_PIECE);
    for (size_t i = 0; i + ZDICT_STRING <= ZDICT_PIECE; i++)
        counts->worth[zdict_hash(piece + i)] = 0;
}

static void
zdict_write(
    struct zcodec_dict *dict, struct zdict_counts *counts, const struct zdict_samples *samples)
{
    const unsigned char *page;
    size_t left = dict->len;

    for (unsigned i = 0; i < samples->n; i++)
        if (!zdict_is_judge(i) && (page = samples->page(samples->ctx, i)) != NULL)
            zdict_count(counts, page);
    for (unsigned i = 0; i < samples->n && left > 0; i++) {
        if (zdict_is_judge(i) || (page = samples->page(samples->ctx, i)) == NULL)
            continue;
        left -= ZDICT_PIECE;
        zdict_choose(counts, zdict_best(counts, page), dict->content + left);
    }
}

/* --- trying it --- */

static uint64_t
zdict_squeezed(struct zcodec *codec, const struct zcodec_dict *dict, const void *page)
{
    unsigned char out[PAGE_SIZE];
    size_t len = zcodec_squeeze(codec, dict, page, out, sizeof out - 1);

    return len > 0 ? len : PAGE_SIZE;
}

/* Is it worth to be used instead of what is now? */
static bool
zdict_pays(const struct zdict *zdict, struct zcodec *codec, const struct zcodec_dict *dict,
    const struct zdict_samples *samples)
{
    const struct zcodec_dict *now = zdict_get(zdict, zdict->now);
    size_t cost = now != NULL ? page_ceil(dict->len) : zcodec_dict_bytes(codec, dict);
    uint64_t with = 0, without = 0;
    const void *page;

    for (unsigned i = 0; i < samples->n; i++) {
        if (!zdict_is_judge(i) || (page = samples->page(samples->ctx, i)) == NULL)
            continue;
        with += zdict_squeezed(codec, dict, page);
        without += zdict_squeezed(codec, now, page);
    }
    return with < without && zdict->limit / without * (without - with) > ZDICT_PAYS * cost;
}

static void
zdict_use(struct zdict *zdict, const struct zcodec *codec, struct zdict_version *version)
{
    zcodec_dict_retire(codec, &zdict->versions[zdict->now].dict);
    zdict->now = (uint8_t)(version - zdict->versions);
    zdict->made++;
}

void
zdict_try(struct zdict *zdict, struct zcodec *codec, const struct zdict_samples *samples)
{
    struct zdict_version *version = zdict_unused(zdict);
    struct base_alloc *alloc = codec->alloc;

    if (version == NULL)
        return;
    struct zdict_counts *counts = alloc->map(alloc, sizeof *counts);
    if (counts == NULL)
        return;
    if (zcodec_dict_init(codec, &version->dict, zdict->len) == PGW_OK) {
        zdict_write(&version->dict, counts, samples);
        zcodec_dict_digest(codec, &version->dict);
        if (zdict_pays(zdict, codec, &version->dict, samples))
            zdict_use(zdict, codec, version);
        else
            zcodec_dict_fini(codec, &version->dict);
    }
    alloc->unmap(alloc, counts, sizeof *counts);
}

/* --- figures --- */

size_t
zdict_bytes(const struct zdict *zdict, const struct zcodec *codec)
{
    size_t bytes = 0;

    for (unsigned i = 1; i < ZDICT_VERSIONS; i++)
        bytes += zcodec_dict_bytes(codec, &zdict->versions[i].dict);
    return bytes;
}

bool
zdict_check(const struct zdict *zdict, uint64_t pages)
{
    const struct zdict_version *versions = zdict->versions;
    uint64_t sum = versions[0].pages;

    for (unsigned i = 1; i < ZDICT_VERSIONS; i++) {
        if (versions[i].dict.content == NULL && versions[i].pages > 0)
            return false;
        if ((versions[i].dict.digest != NULL) != (zdict->now == i))
            return false;
        sum += versions[i].pages;
    }
    return versions[0].dict.content == NULL && sum == pages;
}
