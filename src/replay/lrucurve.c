/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay/lrucurve.h"

#include "replay/growing.h"
#include "replay/lrustack.h"

/* Uses whose distances are found at a time: they stay in the host's first caches. */
#define PIECE 1024u
/* How many uses ahead a page's depth is fetched. */
#define AHEAD 16u

struct lrucurve {
    struct base_alloc *alloc;
    struct lrustack *stack;
    uint32_t *deepest; /* by page: since it was last written; 0: it is clean */
    uint64_t deepest_room;
    uint32_t pages;
    uint64_t *uses, *backs; /* by distance */
    uint64_t uses_room, backs_room;
    uint64_t depth;      /* the largest distance so far */
    uint64_t references; /* with those of runs */
    uint32_t distance[PIECE];
};

enum pgw_status
lrucurve_create(struct base_alloc *alloc, struct lrucurve **curve)
{
    struct lrucurve *made = alloc->map(alloc, sizeof *made);

    if (made == NULL)
        return PGW_NOMEM;
    made->alloc = alloc;
    enum pgw_status status = lrustack_create(alloc, &made->stack);
    if (status != PGW_OK) {
        alloc->unmap(alloc, made, sizeof *made);
        return status;
    }
    *curve = made;
    return PGW_OK;
}

void
lrucurve_destroy(struct lrucurve *curve)
{
    if (curve == NULL)
        return;
    struct base_alloc *alloc = curve->alloc;
    lrustack_destroy(curve->stack);
    growing_free(alloc, curve->deepest, curve->deepest_room, sizeof *curve->deepest);
    growing_free(alloc, curve->uses, curve->uses_room, sizeof *curve->uses);
    growing_free(alloc, curve->backs, curve->backs_room, sizeof *curve->backs);
    alloc->unmap(alloc, curve, sizeof *curve);
}

/* Room for what n more uses can come to. */
static enum pgw_status
lrucurve_ready(struct lrucurve *curve, size_t n, uint32_t pages)
{
    uint64_t deepest = (uint64_t)lrustack_height(curve->stack) + n + 1;
    enum pgw_status status = growing_reserve(curve->alloc, (void **)&curve->deepest,
        &curve->deepest_room, pages, sizeof *curve->deepest);

    if (status == PGW_OK)
        status = growing_reserve(
            curve->alloc, (void **)&curve->uses, &curve->uses_room, deepest, sizeof *curve->uses);
    if (status == PGW_OK)
        status = growing_reserve(curve->alloc, (void **)&curve->backs, &curve->backs_room, deepest,
            sizeof *curve->backs);
    return status;
}

/* Without a branch: what is written, and when, is not to be foreseen.  backs[0] is not looked at.
 */
static inline void
lrucurve_count(struct lrucurve *curve, const struct policy_touch *touch, uint32_t distance)
{
    uint32_t deepest = curve->deepest[touch->page];
    uint32_t sunk = distance > deepest ? distance : deepest;

    sunk = deepest != 0 ? sunk : 0;
    curve->uses[distance]++;
    curve->backs[touch->write != 0 ? sunk : 0]++;
    curve->deepest[touch->page] = touch->write != 0 ? 1 : sunk;
    curve->depth = distance > curve->depth ? distance : curve->depth;
}

static enum pgw_status
lrucurve_use_piece(
    struct lrucurve *curve, const struct policy_touch *touch, size_t n, uint32_t pages)
{
    enum pgw_status status = lrucurve_ready(curve, n, pages);
    uint64_t more = 0;

    if (status == PGW_OK)
        status = lrustack_use(curve->stack, touch, n, pages, curve->distance);
    if (status != PGW_OK)
        return status;
    curve->pages = pages > curve->pages ? pages : curve->pages;
    for (size_t i = 0; i < n; i++) {
        if (i + AHEAD < n) {
            __builtin_prefetch(&curve->deepest[touch[i + AHEAD].page], 1);
            __builtin_prefetch(&curve->uses[curve->distance[i + AHEAD]], 1);
        }
        lrucurve_count(curve, &touch[i], curve->distance[i]);
        more += touch[i].count - 1u;
    }
    curve->uses[1] += more;
    if (more > 0 && curve->depth == 0)
        curve->depth = 1;
    curve->references += n + more;
    return PGW_OK;
}

enum pgw_status
lrucurve_use(struct lrucurve *curve, const struct policy_touch *touch, size_t n, uint32_t pages)
{
    enum pgw_status status = PGW_OK;

    for (size_t done = 0; done < n && status == PGW_OK; done += PIECE) {
        size_t piece = n - done < PIECE ? n - done : PIECE;
        status = lrucurve_use_piece(curve, touch + done, piece, pages);
    }
    return status;
}

/* What a page that is dirty sank to; it is clean then. */
static void
lrucurve_end(struct lrucurve *curve, uint32_t page)
{
    uint32_t deepest = curve->deepest[page], depth = lrustack_depth(curve->stack, page);
    uint32_t sunk = depth > deepest ? depth : deepest;

    curve->backs[sunk]++;
    curve->depth = sunk > curve->depth ? sunk : curve->depth;
    curve->deepest[page] = 0;
}

enum pgw_status
lrucurve_forget(struct lrucurve *curve, uint32_t page)
{
    if (page >= curve->pages)
        return PGW_OK;
    uint32_t deepest = curve->deepest[page];
    if (deepest != 0)
        lrucurve_end(curve, page);
    return lrustack_forget(curve->stack, page);
}

void
lrucurve_finish(struct lrucurve *curve)
{
    for (uint32_t page = 0; page < curve->pages; page++) {
        if (curve->deepest[page] != 0)
            lrucurve_end(curve, page);
    }
}

void
lrucurve_distances(const struct lrucurve *curve, struct lrucurve_distances *distances)
{
    *distances = (struct lrucurve_distances){
        .uses = curve->uses,
        .backs = curve->backs,
        .depth = curve->depth,
        .references = curve->references,
    };
}

uint64_t
lrucurve_bytes(const struct lrucurve *curve)
{
    return sizeof *curve + lrustack_bytes(curve->stack) + curve->pages * sizeof *curve->deepest +
           (curve->depth + 1) * (sizeof *curve->uses + sizeof *curve->backs);
}
