/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From references to pages.  All policies, sizes and curves of one pass work on the same dense page
 * numbers, which are found once a reference, here.
 *
 * A page is a place of a space (process and virtual page number) for as long as its content lasts:
 * what is unmapped, discarded or left by exec or exit is gone, and what comes there next is another
 * page.  After a fork both processes have the same pages, and a page that one of them writes
 * becomes a page of its own for the writer, unless its mapping is shared.  So replay counts what a
 * machine with copy-on-write holds.
 */
#ifndef REPLAY_PAGES_H
#define REPLAY_PAGES_H

#include <pagewright/trace.h>

#include "base/alloc.h"
#include "base/result.h"
#include "vm/policy.h"

struct replay_pages;

/* Where a touch is; if what was there until now is a page that a fork shared, and this is a copy of
 * it, that page's number plus 1. */
struct replay_where {
    uint64_t vpn;
    uint32_t process;
    uint32_t was;
};

/* Who is to be told what an event does to pages, one by one. */
struct replay_told {
    void (*gone)(void *ctx, uint32_t page);
    /* The page is not at the place any more, and is not gone; NULL: nobody wants to know. */
    void (*left)(void *ctx, uint32_t page, uint32_t process, uint64_t vpn);
    void *ctx;
};

/* page_size in bytes: a power of two, 512 at least.  PGW_NOMEM, PGW_INVAL. */
MUST_CHECK enum pgw_status replay_pages_create(
    struct base_alloc *alloc, uint64_t page_size, struct replay_pages **pages);
void replay_pages_destroy(struct replay_pages *pages);

/*
 * Turns references into touches, in order: one that crosses into other pages is one for each, and a
 * run that comes to write to a page that a fork shared is two.  touch has room for
 * replay_pages_spread() touches a reference.  Consecutive references to one page are not folded (a
 * recorded run stays one touch).  PGW_NOMEM; PGW_RANGE: more than 2^30 - 2 pages; PGW_INVAL: a run
 * of references to a page of 4096 bytes, and pages are smaller.  Then some were done: *ndone says
 * how many references, *ntouch how many touches.
 */
MUST_CHECK enum pgw_status replay_pages_touch(struct replay_pages *pages,
    const struct pgw_ref *refs, size_t n, struct policy_touch *touch, size_t *ndone,
    size_t *ntouch);

/* Touches that a reference, of 4096 bytes at the most, comes to at the most: 2 where pages are no
 * smaller than that. */
size_t replay_pages_spread(const struct replay_pages *pages);

/* Where the touches of the next call are goes into where, one for each; NULL: nobody wants to know.
 */
void replay_pages_tell_where(struct replay_pages *pages, struct replay_where *where);

/* An event.  PGW_NOMEM. */
MUST_CHECK enum pgw_status replay_pages_event(
    struct replay_pages *pages, const struct pgw_event *event, const struct replay_told *told);

/* Page numbers given out so far: all are below it. */
uint32_t replay_pages_count(const struct replay_pages *pages);
/* A place that page has, or had last: for people. */
void replay_pages_place(
    const struct replay_pages *pages, uint32_t page, uint32_t *process, uint64_t *va);
/* Bytes held, all told. */
uint64_t replay_pages_bytes(const struct replay_pages *pages);

/* References so far by kind, over all touches. */
struct replay_totals {
    uint64_t references, reads, writes, fetches;
};
void replay_pages_totals(const struct replay_pages *pages, struct replay_totals *totals);

#endif
