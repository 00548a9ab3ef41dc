/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory manager of a system: the paged core (vm/) or the contiguous one (seg/), as far as the
 * rest of the machine has to do with the whole of it.  Spaces are reached through vm/space.h.
 */
#ifndef API_SIM_CORE_H
#define API_SIM_CORE_H

#include "base/result.h"
#include "vm/space.h"

struct pgw_system;
struct pgw_stats;

struct sim_core_ops {
    const char *name;
    /* Builds system->vm or system->seg, from what system has already.  PGW_NOMEM, PGW_INVAL. */
    enum pgw_status (*create)(struct pgw_system *system);
    void (*destroy)(struct pgw_system *system);
    enum pgw_status (*space_create)(struct pgw_system *system, struct space **space);
    /* The object for a file's pager, which goes with the last reference. */
    enum pgw_status (*object_create)(struct pgw_system *system, struct pager *pager,
        uint64_t npages, struct space_object **object);
    /* Memory that has no file, len bytes of zeros.  PGW_UNSUPPORTED, PGW_NOMEM, PGW_NOCOMMIT. */
    enum pgw_status (*memory_create)(
        struct pgw_system *system, uint64_t len, struct space_object **object);
    /* Writes to files what shared mappings have changed.  PGW_IO, PGW_NOSWAP: not all of it. */
    enum pgw_status (*writeback)(struct pgw_system *system);
    /* Between slices: works ahead of need. */
    void (*idle)(struct pgw_system *system);
    /* Why the last call on a space failed, in words (static storage); "": there is no more to say
     * than its status says. */
    const char *(*why)(const struct pgw_system *system);
    void (*stats)(struct pgw_system *system, struct pgw_stats *out);
    bool (*check)(struct pgw_system *system);
};

extern const struct sim_core_ops sim_paged;
extern const struct sim_core_ops sim_contiguous;

#endif
