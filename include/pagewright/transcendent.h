/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A part of <pagewright/pagewright.h>: transcendent memory, for a program that embeds the library
 * and has pages of its own to keep.  The rules of the whole interface apply.
 *
 * A system whose swap begins with a compressed pool (pgw_config.swap is PGW_SWAP_STACK, and
 * swap_path "zpool...") keeps pages of others in it, too.  They are reached by copying them in and
 * out, and named by a pool, an object of 64 bits and an index in it.  An ephemeral pool may drop
 * any page at any time, the oldest first, when somebody needs the room: for what can be had
 * elsewhere.  A persistent one may not.  All of them share the compressed pool's RAM and its limit
 * with what is swapped.
 *
 * Laws:
 *  T1  A get gives the bytes of the last put under that name, or says that there are none; never
 *      other bytes.
 *  T2  A put that fails leaves no page under that name: an older one is gone.
 *  T3  A persistent pool gives back every page that was put and not flushed.
 *  T4  A get from an ephemeral pool takes the page out; one from a persistent pool leaves it there.
 *  T5  After a flush of a page or an object, or the end of a pool, there is nothing under its
 * names.
 */
#ifndef PAGEWRIGHT_TRANSCENDENT_H
#define PAGEWRIGHT_TRANSCENDENT_H

#include <stdbool.h>
#include <stdint.h>

#include <pagewright/status.h>

#ifdef __cplusplus
extern "C" {
#endif

struct pgw_system;
struct pgw_tmem_pool;

/* An empty pool; the caller destroys it, or it ends with the system.  PGW_UNSUPPORTED: the system's
 * swap has no compressed pool; PGW_NOSPACE: there are too many, 7 can always be made; PGW_NOMEM. */
PGW_API enum pgw_status pgw_tmem_create(
    struct pgw_system *system, bool persistent, struct pgw_tmem_pool **pool);
/* Ends it, with all that is in it.  NULL is allowed. */
PGW_API void pgw_tmem_destroy(struct pgw_tmem_pool *pool);

/* Copies PGW_PAGE_SIZE bytes in, over what was under that name.  PGW_NOSWAP: there is no room, or,
 * of an ephemeral pool, compressing it saves nothing; PGW_NOMEM. */
PGW_API enum pgw_status pgw_tmem_put(
    struct pgw_tmem_pool *pool, uint64_t object, uint64_t index, const void *page);
/* Copies PGW_PAGE_SIZE bytes out.  PGW_NOTFOUND; PGW_CORRUPT: a checksum did not match (of an
 * ephemeral pool that is PGW_NOTFOUND). */
PGW_API enum pgw_status pgw_tmem_get(
    struct pgw_tmem_pool *pool, uint64_t object, uint64_t index, void *page);

/* Drops a page, or all of an object; nothing being there is no error. */
PGW_API void pgw_tmem_flush_page(struct pgw_tmem_pool *pool, uint64_t object, uint64_t index);
PGW_API void pgw_tmem_flush_object(struct pgw_tmem_pool *pool, uint64_t object);

#ifdef __cplusplus
}
#endif

#endif
