/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the core's records come from.  The core never calls malloc: it may run inside a fault
 * handler of the very program whose malloc it would call.  It takes whole chunks from a
 * base_alloc (host/host_mem.h gives one over mmap) and cuts them up in pools.
 */
#ifndef BASE_ALLOC_H
#define BASE_ALLOC_H

#include <stddef.h>

#include "base/inject.h"

struct base_alloc {
    /* len bytes, page aligned and zero; NULL on failure.  len is rounded up to pages. */
    void *(*map)(struct base_alloc *alloc, size_t len);
    /* Gives back exactly what one map() returned. */
    void (*unmap)(struct base_alloc *alloc, void *chunk, size_t len);
    struct base_inject *inject; /* may be NULL; asked by map() at INJECT_MAP */
    size_t mapped;              /* bytes held now */
    size_t mapped_peak;         /* the most ever held */
};

#endif
