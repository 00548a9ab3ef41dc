/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory from the host: a base_alloc over mmap. */
#ifndef HOST_MEM_H
#define HOST_MEM_H

#include "base/alloc.h"

/* For the core's records.  inject may be NULL. */
void host_alloc_init(struct base_alloc *alloc, struct base_inject *inject);

/* For simulated RAM: untouched pages cost nothing on the host, huge pages are asked for. */
void host_ram_alloc_init(struct base_alloc *alloc);

/*
 * Makes a chunk of such an allocator, of len bytes, longer: its pages are moved, not copied, so
 * that for no moment they are there twice; what is new is zero.  NULL: there is no memory, and it
 * is as it was.  mremap(2).
 */
void *host_ram_grow(struct base_alloc *alloc, void *chunk, size_t len, size_t longer);

#endif
