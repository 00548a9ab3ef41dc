/* SPDX-License-Identifier: BSD-2-Clause */
/* Small objects in frames of RAM: size classes, groups of single frames, compaction. */
#ifndef PAGER_ZHEAP_H
#define PAGER_ZHEAP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/pool.h"
#include "mem/mem.h"

#define ZHEAP_GROUP_FRAMES 8u  /* most frames of a group */
#define ZHEAP_CLASSES_MAX 104u /* a step of 32 bytes up to ZHEAP_SIZE_MAX, and whole frames */
#define ZHEAP_SIZE_MAX 3276u   /* five to four frames: more does not pay */
#define ZHEAP_FULLNESS 4u      /* lists of groups that are neither full nor empty */

struct zheap_group;
LIST_HEAD(zheap_groups, zheap_group);

/* Where an object is; it may be moved by any call that takes one, its owner being told. */
struct zheap_at {
    struct zheap_group *group;
    uint16_t slot;
};

struct zheap_class {
    uint16_t size;     /* bytes of an object, its tag included */
    uint16_t frames;   /* of a group */
    uint16_t capacity; /* objects of a group */
    uint64_t groups, objects;
    uint64_t backed;                             /* objects that the groups' frames have room for */
    struct zheap_groups partial[ZHEAP_FULLNESS]; /* the emptiest first */
    struct zheap_groups full;
};

struct zheap {
    struct mem *mem;
    uint64_t limit;  /* frames that may be held at most */
    uint64_t share;  /* of these, now: zheap_allow */
    uint64_t frames; /* held by groups, now */
    uint64_t idle;   /* no group's any more, and not yet given back */
    uint64_t moved;  /* objects, by compaction, ever */
    uint64_t bytes;  /* of all objects, by their classes' sizes */
    uint64_t objects;
    unsigned step;
    unsigned nclasses; /* the last one is that of whole frames */
    struct zheap_class classes[ZHEAP_CLASSES_MAX];
    struct base_pool groups;
    struct base_node_list idle_frames;
    bool keeps; /* idle frames are never given back: they were set aside for it */
    /* An object with this tag is elsewhere now. */
    void (*on_move)(void *tag, struct zheap_at at);
};

void zheap_init(struct zheap *heap, struct mem *mem, struct base_alloc *alloc, uint64_t limit,
    void (*on_move)(void *tag, struct zheap_at at));
/* The n single frames from page on are the heap's from now on, and it takes no others. */
void zheap_keep(struct zheap *heap, struct mem_page *page, uint64_t n);
/* So many of its limit may be held from now on.  It may have more: then it takes none, and what
 * comes free goes back.  Frames that were set aside for it stay its own. */
void zheap_allow(struct zheap *heap, uint64_t frames);
/* All objects are gone (asserted). */
void zheap_fini(struct zheap *heap);

/* The longest object that shares frames with others; PAGE_SIZE bytes have a frame alone, and
 * what lies between the two is not for this heap. */
size_t zheap_len_max(const struct zheap *heap);

/*
 * Room for len bytes.  flags: of mem_alloc.  The tag is told to on_move; what fills a whole frame
 * never moves.  PGW_NORAM: at the limit, or no frame; PGW_NOMEM: no record.
 */
MUST_CHECK enum pgw_status zheap_take(
    struct zheap *heap, size_t len, void *tag, unsigned flags, struct zheap_at *at);
/* Frames that come free are idle until zheap_settle. */
void zheap_free(struct zheap *heap, struct zheap_at at);
/* Gives idle frames back to the RAM.  Not from a pager's drive(): the RAM is not its to touch. */
void zheap_settle(struct zheap *heap);

void zheap_write(struct zheap *heap, struct zheap_at at, const void *bytes, size_t len);
/* The object's bytes: where they lie, or gathered in buf, which has room for len. */
const void *zheap_read(const struct zheap *heap, struct zheap_at at, void *buf, size_t len);

/* Empties the sparsest groups of every class into the others; how many frames came free. */
uint64_t zheap_compact(struct zheap *heap);

/* Bytes of the host's memory that its records take. */
size_t zheap_record_bytes(const struct zheap *heap);

/* True if lists, counts and the free lists in the frames agree. */
bool zheap_check(const struct zheap *heap);

#endif
