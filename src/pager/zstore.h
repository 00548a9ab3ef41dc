/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages kept compressed in frames of RAM: what the compressed pool and its tmem side share. */
#ifndef PAGER_ZSTORE_H
#define PAGER_ZSTORE_H

#include "pager/zdict.h"
#include "pager/zheap.h"

enum zitem_state {
    ZITEM_NONE,
    ZITEM_SAME,    /* one word, again and again */
    ZITEM_HELD,    /* in the heap */
    ZITEM_WRITING, /* in the heap, and on its way to the next pager */
    ZITEM_DEAD,    /* the same, but nobody wants it any more */
    ZITEM_AWAY     /* in the next pager's slot */
};

/* What an item is for. */
enum zitem_kind {
    ZITEM_SLOT,      /* a page of swap: it may move to the next pager */
    ZITEM_EPHEMERAL, /* it may vanish */
    ZITEM_PINNED,    /* neither */
    ZITEM_KINDS
};

/* A page of the store; its owner embeds it, zeroed at first, and does not move it. */
struct zitem {
    TAILQ_ENTRY(zitem) link; /* HELD: in its list, the oldest first */
    union {
        struct zheap_group *group; /* HELD, WRITING, DEAD */
        uint64_t word;             /* SAME */
        uint64_t slot;             /* AWAY */
    } u;
    uint64_t sum; /* of the page, seeded with its item: sums of equal pages differ */
    uint16_t obj;
    uint16_t len; /* bytes it was compressed to; PAGE_SIZE: it was not */
    uint8_t state;
    uint8_t kind;
    uint8_t place; /* its owner's */
    uint8_t dict;  /* HELD, WRITING, DEAD: the version that it was compressed with */
};

TAILQ_HEAD(zitem_list, zitem);

struct zstore {
    struct zheap heap;
    struct zcodec codec;
    struct zdict zdict;
    struct base_alloc *alloc;
    unsigned char *scratch;               /* two pages: what was squeezed, what was gathered */
    struct zitem_list lists[ZITEM_KINDS]; /* HELD, the oldest first */
    uint64_t same;                        /* items, now */
    uint64_t pages;                       /* SAME, HELD, WRITING and DEAD, now */
    uint64_t payload;                     /* bytes that HELD, WRITING and DEAD are compressed to */
};

/* limit: in frames.  PGW_NOMEM. */
MUST_CHECK enum pgw_status zstore_init(struct zstore *store, struct mem *mem,
    struct base_alloc *alloc, enum zcodec_kind codec, uint64_t limit);
/* All items are gone. */
void zstore_fini(struct zstore *store);

/* A page that is ready to be stored. */
struct zstore_page {
    const void *bytes;
    const void *data; /* compressed, or bytes; valid until the next page is prepared */
    size_t len;       /* 0: it is the same word throughout; PAGE_SIZE: it is hard to compress */
    uint64_t word;
    uint8_t dict; /* the version that it was compressed with */
};

/* Frees what no page needs any more, and may make a dictionary: not from a pager's drive(). */
void zstore_prepare(struct zstore *store, const void *bytes, struct zstore_page *page);

/* Keeps a page that was prepared, in an item that has none, and a kind.  flags: of mem_alloc.
 * PGW_NORAM, PGW_NOMEM as zheap_take. */
MUST_CHECK enum pgw_status zstore_keep(
    struct zstore *store, const struct zstore_page *page, struct zitem *item, unsigned flags);

/* The page of an item that is SAME, HELD or WRITING.  PGW_CORRUPT: it is not what it was. */
MUST_CHECK enum pgw_status zstore_read(struct zstore *store, const struct zitem *item, void *page);
/* Are these the bytes that were put into the item? */
bool zstore_is(const struct zitem *item, const void *page);

/* Lets go of what an item of any of these states keeps; it has none then.  Frames that come free
 * are given back by zheap_settle. */
void zstore_drop(struct zstore *store, struct zitem *item);

/* HELD to WRITING and back, the item being the oldest again. */
void zstore_write_begin(struct zstore *store, struct zitem *item);
void zstore_write_fail(struct zstore *store, struct zitem *item);

/* All memory that the store takes, of RAM and of the host's. */
uint64_t zstore_bytes(const struct zstore *store);

bool zstore_check(const struct zstore *store);

#endif
