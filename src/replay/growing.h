/* SPDX-License-Identifier: BSD-2-Clause */
/* Arrays that grow with the number of pages, over base_alloc. */
#ifndef REPLAY_GROWING_H
#define REPLAY_GROWING_H

#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "base/result.h"

/*
 * Makes *array, of *room elements of size bytes, long enough for n: new elements are zero.  It
 * doubles, which costs memory only where it is touched.  PGW_NOMEM: it is as it was.
 */
MUST_CHECK static inline enum pgw_status
growing_reserve(struct base_alloc *alloc, void **array, uint64_t *room, uint64_t n, size_t size)
{
    uint64_t more = *room != 0 ? *room : 1024;

    if (n <= *room)
        return PGW_OK;
    while (more < n)
        more *= 2;
    void *longer = alloc->map(alloc, more * size);
    if (longer == NULL)
        return PGW_NOMEM;
    if (*room != 0) {
        memcpy(longer, *array, *room * size);
        alloc->unmap(alloc, *array, *room * size);
    }
    *array = longer;
    *room = more;
    return PGW_OK;
}

static inline void
growing_free(struct base_alloc *alloc, void *array, uint64_t room, size_t size)
{
    if (room != 0)
        alloc->unmap(alloc, array, room * size);
}

#endif
