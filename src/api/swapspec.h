/* SPDX-License-Identifier: BSD-2-Clause */
/* A stack of swap in words: zpool:25%,file:PATH:1G,nbd:URI. */
#ifndef API_SWAPSPEC_H
#define API_SWAPSPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/result.h"

#define SWAPSPEC_PATH_MAX 1024u

#define SWAPSPEC_LEVELS_MAX 8u

enum swapspec_kind { SWAPSPEC_TEMP, SWAPSPEC_FILE, SWAPSPEC_NBD };

struct swapspec_level {
    enum swapspec_kind kind;
    uint64_t size;                /* in bytes; 0: not given */
    char path[SWAPSPEC_PATH_MAX]; /* FILE; NBD: the URI */
};

struct swapspec {
    bool pool;        /* there is a compressed pool in front */
    unsigned percent; /* of RAM that it may take; 0: pool_bytes */
    uint64_t pool_bytes;
    bool lz4;         /* instead of zstd */
    bool clean;       /* clean pages of files go to it, too */
    unsigned nlevels; /* devices, the first one used first */
    struct swapspec_level levels[SWAPSPEC_LEVELS_MAX];
};

#define SWAPSPEC_PERCENT 20u /* of a pool whose size is not given; as zswap's max_pool_percent */

/*
 *   stack   = [ pool "," ] device { "," device } | pool
 *   pool    = "zpool" { ":" ( SIZE | N "%" | "zstd" | "lz4" | "clean" ) }
 *   device  = "temp" [ ":" SIZE ] | SIZE | "file:" PATH ":" SIZE | "nbd:" URI
 *
 * A comma that no device follows is part of a path.  PGW_INVAL: it is none; why is written to why,
 * one line.
 */
MUST_CHECK enum pgw_status swapspec_parse(
    const char *text, struct swapspec *spec, char *why, size_t len);

#endif
