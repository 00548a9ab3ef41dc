/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay/shards.h"

#include "replay/growing.h"
#include "replay/lrustack.h"

/* Touches of the sample that are worked on at a time; a sample of fixed size is too large by the
 * new pages among them, for a moment. */
#define PIECE 256u

/*
 * Distances are counted in buckets: each value up to 1023 has its own, and above, each doubling has
 * 512, so that a size is known to a fifth of a percent, in constant memory.
 */
#define BUCKET_BITS 9u
#define BUCKETS ((64u - BUCKET_BITS + 1) << BUCKET_BITS)

struct shards_member {
    uint64_t hash;
    uint32_t page;
};

struct shards {
    struct base_alloc *alloc;
    struct lrustack *stack;
    struct shards_config config;
    uint64_t threshold;
    double weight; /* of a use: 1 / rate */

    struct shards_member *member; /* fixed size: a heap, the highest hash first; some are gone */
    uint64_t nmembers, member_room;
    uint64_t live; /* of them; fixed rate: of all */
    uint32_t most;

    uint64_t touches, sampled, references;
    uint32_t pages;         /* page numbers are below it */
    uint32_t seen, gone;    /* distinct pages, sampled or not; those of them that are gone */
    uint32_t height;        /* of the stack of all pages, which is not there: holes included */
    double bucket[BUCKETS]; /* weight of uses by distance */

    struct policy_touch touch[PIECE];
    uint32_t height_then[PIECE]; /* before each of them */
    uint32_t distance[PIECE];
};

enum pgw_status
shards_create(struct base_alloc *alloc, const struct shards_config *config, struct shards **shards)
{
    struct shards *made = alloc->map(alloc, sizeof *made);

    if (made == NULL)
        return PGW_NOMEM;
    made->alloc = alloc;
    made->config = *config;
    made->threshold = shards_threshold(config->rate);
    made->weight = 1 / config->rate;
    enum pgw_status status = lrustack_create(alloc, &made->stack);
    if (status != PGW_OK) {
        alloc->unmap(alloc, made, sizeof *made);
        return status;
    }
    *shards = made;
    return PGW_OK;
}

void
shards_destroy(struct shards *shards)
{
    if (shards == NULL)
        return;
    lrustack_destroy(shards->stack);
    growing_free(shards->alloc, shards->member, shards->member_room, sizeof *shards->member);
    shards->alloc->unmap(shards->alloc, shards, sizeof *shards);
}

/* ---- buckets ---- */

static unsigned
shards_bucket(uint64_t distance)
{
    if (distance >> (BUCKET_BITS + 1) == 0)
        return (unsigned)distance;
    unsigned shift = 63u - (unsigned)__builtin_clzll(distance) - BUCKET_BITS;
    return (shift << BUCKET_BITS) + (unsigned)(distance >> shift);
}

/* The largest distance in it. */
static uint64_t
shards_bucket_end(unsigned bucket)
{
    if (bucket >> (BUCKET_BITS + 1) == 0)
        return bucket;
    unsigned shift = (bucket >> BUCKET_BITS) - 1;
    uint64_t top = (bucket & ((1u << BUCKET_BITS) - 1)) | 1u << BUCKET_BITS;
    return ((top + 1) << shift) - 1;
}

/* ---- the members of a sample of fixed size ---- */

static void
shards_down(struct shards *shards, uint64_t i, struct shards_member member)
{
    for (;;) {
        uint64_t child = 2 * i + 1;
        if (child + 1 < shards->nmembers &&
            shards->member[child + 1].hash > shards->member[child].hash)
            child++;
        if (child >= shards->nmembers || shards->member[child].hash <= member.hash)
            break;
        shards->member[i] = shards->member[child];
        i = child;
    }
    shards->member[i] = member;
}

static void
shards_put(struct shards *shards, struct shards_member member)
{
    uint64_t i = shards->nmembers++;

    for (; i > 0 && shards->member[(i - 1) / 2].hash < member.hash; i = (i - 1) / 2)
        shards->member[i] = shards->member[(i - 1) / 2];
    shards->member[i] = member;
}

static struct shards_member
shards_pop(struct shards *shards)
{
    struct shards_member top = shards->member[0];
    struct shards_member last = shards->member[--shards->nmembers];

    if (shards->nmembers > 0)
        shards_down(shards, 0, last);
    return top;
}

/* Members that are gone are only taken out when they are as many as the others. */
static void
shards_purge(struct shards *shards)
{
    uint64_t n = 0;

    for (uint64_t i = 0; i < shards->nmembers; i++) {
        if (lrustack_depth(shards->stack, shards->member[i].page) != LRUSTACK_FIRST)
            shards->member[n++] = shards->member[i];
    }
    shards->nmembers = n;
    for (uint64_t i = n / 2; i > 0; i--)
        shards_down(shards, i - 1, shards->member[i - 1]);
}

/* Pages of the highest hash go until no more than allowed are left, and all others like them. */
static void
shards_tighten(struct shards *shards)
{
    while (shards->nmembers > 0 &&
           (shards->live > shards->config.pages || shards->member[0].hash >= shards->threshold)) {
        struct shards_member member = shards_pop(shards);
        bool there = lrustack_depth(shards->stack, member.page) != LRUSTACK_FIRST;
        lrustack_drop(shards->stack, member.page);
        shards->live -= there;
        shards->threshold = member.hash < shards->threshold ? member.hash : shards->threshold;
    }
    shards->weight = 0x1p64 / (double)shards->threshold;
}

static enum pgw_status
shards_join(struct shards *shards, uint32_t page)
{
    if (shards->config.pages == 0)
        return PGW_OK;
    if (shards->nmembers >= 2 * shards->config.pages + PIECE)
        shards_purge(shards);
    enum pgw_status status = growing_reserve(shards->alloc, (void **)&shards->member,
        &shards->member_room, shards->nmembers + 1, sizeof *shards->member);
    if (status == PGW_OK)
        shards_put(shards,
            (struct shards_member){.hash = shards_hash(shards->config.seed, page), .page = page});
    return status;
}

/* ---- uses ---- */

/* A use at a distance in the sample's stack, which was this high when the stack of all was as high
 * as that. */
static void
shards_count_one(struct shards *shards, uint32_t distance, uint32_t height, uint32_t height_of_all)
{
    double scale = height > 0 ? (double)height_of_all / height : 1;
    double scaled = (distance - 1) * (scale > 1 ? scale : 1) + 1.5;

    shards->bucket[shards_bucket((uint64_t)scaled)] += shards->weight;
}

/* The first n touches of the sample that wait. */
static enum pgw_status
shards_count(struct shards *shards, size_t n)
{
    uint32_t height = lrustack_height(shards->stack);
    enum pgw_status status =
        lrustack_use(shards->stack, shards->touch, n, shards->pages, shards->distance);
    uint32_t highest = lrustack_height(shards->stack);

    for (size_t i = 0; i < n && status == PGW_OK; i++) {
        uint32_t distance = shards->distance[i];
        if (distance == LRUSTACK_FIRST) {
            shards->live++;
            height += height < highest;
            status = shards_join(shards, shards->touch[i].page);
        } else {
            shards_count_one(shards, distance, height, shards->height_then[i]);
        }
    }
    shards->sampled += n;
    shards->most = shards->live > shards->most ? (uint32_t)shards->live : shards->most;
    if (status == PGW_OK && shards->config.pages != 0 && shards->live > shards->config.pages)
        shards_tighten(shards);
    return status;
}

enum pgw_status
shards_use(struct shards *shards, const struct policy_touch *touch, size_t n, uint32_t pages)
{
    enum pgw_status status = PGW_OK;
    size_t waiting = 0;

    shards->pages = pages > shards->pages ? pages : shards->pages;
    for (size_t i = 0; i < n && status == PGW_OK; i++) {
        /* Written always and kept if it is of the sample: no branch that cannot be foreseen. */
        shards->touch[waiting] = touch[i];
        shards->height_then[waiting] = shards->height;
        waiting += shards_samples(shards->config.seed, shards->threshold, touch[i].page);
        shards->references += touch[i].count;
        shards->seen = touch[i].page >= shards->seen ? touch[i].page + 1 : shards->seen;
        uint32_t live = shards->seen - shards->gone;
        shards->height = live > shards->height ? live : shards->height;
        if (waiting == PIECE || (waiting > 0 && i + 1 == n)) {
            status = shards_count(shards, waiting);
            waiting = 0;
        }
    }
    shards->touches += n;
    return status;
}

enum pgw_status
shards_forget(struct shards *shards, uint32_t page)
{
    shards->gone++;
    if (lrustack_depth(shards->stack, page) == LRUSTACK_FIRST)
        return PGW_OK;
    enum pgw_status status = lrustack_forget(shards->stack, page);
    shards->live -= status == PGW_OK;
    return status;
}

/* ---- the curve ---- */

/* What the sample says of misses; they are no more than all touches, and differences of sums that
 * ought to be nothing may be a little less. */
static uint64_t
shards_misses(const struct shards *shards, double weight)
{
    double most = (double)shards->touches;

    weight = weight < most ? weight : most;
    return weight > 0 ? (uint64_t)(weight + 0.5) : 0;
}

enum pgw_status
shards_curve(const struct shards *shards, struct base_alloc *alloc, struct misscurve *curve)
{
    enum pgw_status status = PGW_OK;
    struct misscurve_point point;
    double misses = shards->seen;

    /* With the adjustment, hits are all that is not first or deeper. */
    curve->references = shards->references;
    for (unsigned i = 1; i < BUCKETS; i++)
        misses += shards->bucket[i];
    for (unsigned i = 1; i < BUCKETS && shards->sampled > 0 && status == PGW_OK; i++) {
        if (shards->bucket[i] <= 0 && i > 1)
            continue;
        misses -= shards->bucket[i];
        point = (struct misscurve_point){
            .frames = shards_bucket_end(i), .misses = shards_misses(shards, misses)};
        status = misscurve_add(curve, alloc, &point);
    }
    if (status != PGW_OK)
        misscurve_fini(curve, alloc);
    return status;
}

void
shards_figures(const struct shards *shards, struct shards_figures *figures)
{
    *figures = (struct shards_figures){
        .rate = 1 / shards->weight,
        .sampled = shards->sampled,
        .touches = shards->touches,
        .most = shards->most,
    };
}
