/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory from the host: a base_alloc over mmap. */
#ifndef HOST_MEM_H
#define HOST_MEM_H

#include "base/alloc.h"

/* For the core's records.  inject may be NULL. */
void host_alloc_init(struct base_alloc *alloc, struct base_inject *inject);

/* For simulated RAM: untouched pages cost nothing on the host, huge pages are asked for. */
void host_ram_alloc_init(struct base_alloc *alloc);

#endif
