/* SPDX-License-Identifier: BSD-2-Clause */
/* What pages.c and pages_shared.c share: the tables of processes and of shared mappings. */
#ifndef REPLAY_PAGES_IMPL_H
#define REPLAY_PAGES_IMPL_H

#include "replay/growing.h"
#include "replay/pages.h"
#include "replay/vpntable.h"

/* What several processes may have mapped: its pages by offset, for as long as it has ranges. */
struct pages_object {
    struct vpn_table table;
    uint64_t ranges; /* of all spaces that map it */
};

/* [first, end) of a space is a shared mapping, of the object's pages from offset on. */
struct pages_range {
    uint64_t first, end, offset;
    struct pages_object *object;
};

struct pages_space {
    uint32_t process;
    struct vpn_table table;
    struct pages_range *ranges; /* in no order */
    uint64_t nranges, room;
};

struct pages_place {
    uint32_t vpn[2];
    uint32_t process;
};

struct pages_found {
    uint64_t vpn;
    uint32_t value;
};

struct replay_pages {
    struct base_alloc *alloc;
    unsigned page_shift;
    unsigned spread; /* pages that a reference lies in at the most, 2 at least */
    struct pages_space **spaces;
    uint64_t nspaces, spaces_room;
    struct pages_space *last; /* that was used last; NULL: none */
    struct pages_place *places;
    uint32_t
        *holders; /* tables that hold a page besides the first; NULL: nothing was ever forked */
    uint32_t count;
    uint64_t room, holders_room;
    struct pages_found *found; /* what pages_collect() found */
    uint64_t nfound, found_room;
    struct replay_totals totals;
    struct replay_where *where; /* of the next touch; NULL: not wanted */
};

/* A new page at the place, and its number.  PGW_NOMEM; PGW_RANGE: there are 2^30 - 1. */
MUST_CHECK enum pgw_status pages_new(
    struct replay_pages *pages, uint32_t process, uint64_t vpn, uint32_t *page);

/* Where the page is named by the space's vpn, at which it is not any more, it is named by who else
 * has it there, or else by the space's vpn that is to. */
void pages_rename(struct replay_pages *pages, uint32_t page, const struct pages_space *space,
    uint64_t vpn, uint64_t to);
/* Tells that the page that was in a slot of the space is not any more. */
void pages_left(
    const struct pages_space *space, struct pages_found slot, const struct replay_told *told);
/* The space has let go of the page that a slot's value said. */
void pages_release(struct replay_pages *pages, const struct pages_space *space,
    struct pages_found slot, const struct replay_told *told);
/* The space of a process, NULL: it has none yet. */
struct pages_space *pages_space_find(struct replay_pages *pages, uint32_t process);
/* The same, made if there is none. */
MUST_CHECK enum pgw_status pages_space(
    struct replay_pages *pages, uint32_t process, struct pages_space **space);
/* A space without a table, which is not yet among the spaces, where there is room for it. */
MUST_CHECK enum pgw_status pages_space_new(
    struct replay_pages *pages, uint32_t process, struct pages_space **space);
/* What is left of a space that is not among the spaces. */
void pages_space_free(struct replay_pages *pages, struct pages_space *space);

/* ---- pages_shared.c ---- */

/* Makes [first, end), where nothing is, a new shared mapping.  PGW_NOMEM. */
MUST_CHECK enum pgw_status pages_shared_map(
    struct replay_pages *pages, struct pages_space *space, uint64_t first, uint64_t end);
/* The page at vpn, made if it is the first touch.  PGW_NOTFOUND: not a shared mapping. */
MUST_CHECK enum pgw_status pages_shared_page(
    struct replay_pages *pages, struct pages_space *space, uint64_t vpn, uint32_t *page);
/* Room to split a range, which cut and move may have to do. */
MUST_CHECK enum pgw_status pages_shared_reserve(
    struct replay_pages *pages, struct pages_space *space);
/* Nothing in [first, end) is a shared mapping any more. */
void pages_shared_cut(struct replay_pages *pages, struct pages_space *space, uint64_t first,
    uint64_t end, const struct replay_told *told);
/* What is shared in [first, end) is so at to instead, where nothing is. */
void pages_shared_move(struct pages_space *space, uint64_t first, uint64_t end, uint64_t to);
MUST_CHECK enum pgw_status pages_shared_fork(
    struct replay_pages *pages, const struct pages_space *space, struct pages_space *child);

#endif
