/* SPDX-License-Identifier: BSD-2-Clause */
/* Parts of a machine's configuration that are written in words, on command lines and in scripts. */
#ifndef PAGEWRIGHT_MACHINE_SPEC_H
#define PAGEWRIGHT_MACHINE_SPEC_H

#include <pagewright/pagewright.h>
#include <stdbool.h>

/*
 * Reads "none", a size, FILE:SIZE or a stack (zpool, file:, temp, nbd:; the library reads the rest)
 * into config's swap, swap_path and swap_size; FILE is copied to
 * path, size bytes, which config then points to.  False: it is none of these, and why is written to
 * error, one line that begins with the text in quotes.
 */
bool machine_spec_swap(const char *text, struct pgw_config *config, char *path, size_t size,
    char *error, size_t error_len);

/* Reads "heuristic", "always", "never" or "never:RATIO" into config.  False: it is none of these.
 */
bool machine_spec_overcommit(const char *text, struct pgw_config *config);

/* Reads "off", "madvise" or "all" into config.  False: it is none of these. */
bool machine_spec_merge(const char *text, struct pgw_config *config);

/* Reads a list such as "ram=80ns,disk=4ms", of any of MACHINE_SPEC_COSTS, each at most once, with
 * ns, us, ms or s (ns when there is none).  False: it is not one; cost may be changed in part. */
#define MACHINE_SPEC_COSTS                                                                         \
    "tlb, l2, ram, fault, disk, refill, switch, register, move, ipi, zstd, unzstd, lz4, unlz4"
bool machine_spec_cost(const char *text, struct pgw_cost *cost);

#endif
