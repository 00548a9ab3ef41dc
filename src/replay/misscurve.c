/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay/misscurve.h"

#include "replay/growing.h"
#include "replay/lrucurve.h"

enum pgw_status
misscurve_add(
    struct misscurve *curve, struct base_alloc *alloc, const struct misscurve_point *point)
{
    struct misscurve_point *last = curve->n > 0 ? &curve->points[curve->n - 1] : NULL;

    if (last != NULL && last->misses == point->misses && last->writebacks == point->writebacks)
        return PGW_OK;
    if (last != NULL && last->frames == point->frames) {
        *last = *point;
        return PGW_OK;
    }
    enum pgw_status status = growing_reserve(
        alloc, (void **)&curve->points, &curve->room, curve->n + 1, sizeof *curve->points);
    if (status == PGW_OK)
        curve->points[curve->n++] = *point;
    return status;
}

enum pgw_status
misscurve_of_lru(struct misscurve *curve, struct base_alloc *alloc, const struct lrucurve *lru)
{
    struct lrucurve_distances is;
    struct misscurve_point point = {0};
    enum pgw_status status = PGW_OK;

    lrucurve_distances(lru, &is);
    curve->references = is.references;
    curve->writebacks = true;
    point.misses = is.references;
    for (uint64_t d = 1; d <= is.depth; d++)
        point.writebacks += is.backs[d];
    for (uint64_t d = 1; d <= is.depth && status == PGW_OK; d++) {
        point.frames = d;
        point.misses -= is.uses[d];
        point.writebacks -= is.backs[d];
        status = misscurve_add(curve, alloc, &point);
    }
    if (status == PGW_OK && is.depth == 0 && is.references > 0) {
        point.frames = 1;
        status = misscurve_add(curve, alloc, &point);
    }
    if (status != PGW_OK)
        misscurve_fini(curve, alloc);
    return status;
}

void
misscurve_fini(struct misscurve *curve, struct base_alloc *alloc)
{
    growing_free(alloc, curve->points, curve->room, sizeof *curve->points);
    *curve = (struct misscurve){0};
}

struct misscurve_point
misscurve_at(const struct misscurve *curve, uint64_t frames)
{
    uint64_t low = 0, high = curve->n;

    if (curve->n == 0)
        return (struct misscurve_point){0};
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        if (curve->points[middle].frames <= frames)
            low = middle;
        else
            high = middle;
    }
    return curve->points[low];
}

/* Misses of LRU only fall, and others may rise again: the last point that has too many decides. */
uint64_t
misscurve_least(const struct misscurve *curve, uint64_t misses)
{
    uint64_t i = curve->n;

    while (i > 0 && curve->points[i - 1].misses <= misses)
        i--;
    return i < curve->n ? curve->points[i].frames : 0;
}

double
misscurve_error(const struct misscurve *curve, const struct misscurve *other, uint64_t frames)
{
    double sum = 0;
    uint64_t i = 0, j = 0, next = 0;

    if (curve->n == 0 || other->n == 0 || frames == 0)
        return 0;
    /* Piece by piece in which both are constant. */
    for (uint64_t at = 1; at <= frames; at = next) {
        next = frames + 1;
        while (i + 1 < curve->n && curve->points[i + 1].frames <= at)
            i++;
        while (j + 1 < other->n && other->points[j + 1].frames <= at)
            j++;
        if (i + 1 < curve->n && curve->points[i + 1].frames < next)
            next = curve->points[i + 1].frames;
        if (j + 1 < other->n && other->points[j + 1].frames < next)
            next = other->points[j + 1].frames;
        double one = (double)curve->points[i].misses / (double)curve->references;
        double two = (double)other->points[j].misses / (double)other->references;
        sum += (double)(next - at) * (one > two ? one - two : two - one);
    }
    return sum / (double)frames;
}
