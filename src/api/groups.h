/* SPDX-License-Identifier: BSD-2-Clause */
/* Groups of processes, between the public interface, the personality and the core. */
#ifndef API_GROUPS_H
#define API_GROUPS_H

#include <pagewright/pagewright.h>

#include "base/result.h"
#include "vm/vm.h"

struct pgw_group {
    struct pgw_system *system;
    unsigned id;       /* the core's */
    bool first;        /* the first program of a run joins */
    char programs[64]; /* those whose file name matches this join; "": none */
    uint64_t killed;   /* processes ended because its limit, or RAM, was full */
};

/* The groups that the configuration asks for. */
MUST_CHECK enum pgw_status groups_make(struct pgw_system *system, const struct pgw_config *config);

/* For the personality; ctx is the system.  A program named so was loaded into a new space, by one
 * that runs in `from` (NULL: it is the first). */
void groups_program(void *ctx, struct space *space, const struct space *from, const char *name);
/* A process of the group was ended for want of memory. */
void groups_ended(void *ctx, uint32_t id);
/* Name and limit, in pages (UINT64_MAX: none); false: there is no such group. */
bool groups_describe(void *ctx, uint32_t id, char *name, size_t len, uint64_t *limit);

#endif
