/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The paged core's own structures.  Private to vm/.
 *
 *     space ---> regions (a red-black tree by address)
 *                  |      \
 *                  |       +--> amap --> anon --> page in RAM, or slot on swap, or both
 *                  |                                (neither: the page is all zeros)
 *                  +----------> object --> page in RAM, or in the file behind its pager
 *
 * An anon is one page of private memory.  Copy-on-write is anon.refs > 1.  The amap layer lies over
 * the object layer: what is in the amap hides the object's page.
 *
 * An object is a file, with pages of its own, or memory that has no file (memfd, shm, anonymous
 * memory that is shared): that one's pages are anons, in an amap of the object's, so that swap,
 * reclaim and copying know only one kind of memory.  Who maps such an object shared has the
 * object's amap as the region's; who maps it privately sees it under an amap of his own, as he
 * would see a file.  A shared region of a file has no amap: what is written there is written to the
 * object's page.
 *
 * Invariants (check.c verifies them):
 *  C1  A private region's amap is its own, or is shared copy-on-write with regions of other
 *      spaces that cover the pages in it too (needs_copy).  So nothing in it is out of its regions'
 *      reach, and a part that is unmapped can be freed at once.  Splitting a region splits its
 *      amap.  A shared region's amap belongs to all regions that share it, parts of regions
 *      included; what no region reaches any more goes with the last of them.  A memory object's
 *      amap belongs to it and to all regions that share it.
 *  C2  anon.refs is the number of amap slots that point at the anon, and one more while its page
 *      is in I/O.
 *  C3  A page of RAM in the policy is owned by exactly one anon or object, which points back.
 *  C4  A slot belongs to one anon.  If the page is in RAM too, its bytes equal the slot's unless
 *      the page is dirty or modified.
 *  C5  A mapping allows writing only if nobody else can see the page who must not see the change:
 *      the anon has one reference, in an amap that is not to be copied.  An object's page can be
 *      written through shared regions only, and is dirty while it can be.
 *  C6  What is promised (stats.committed) is the sum of what regions, amaps and objects say that
 *      they are charged; of a private region all pages, or none.
 *  C7  An object with dirty pages counts them, is in dirty_objects and holds a reference to itself:
 *      it goes only when they are in the file, or when it is known that they never will be.
 *  C8  A page of a file that only read(2) has seen is not in the policy but in cached; it is
 *      clean and not mapped.
 *  C9  A page is wired once for each place in a locked region where a fault or lock() has found it,
 *      and these are written down in the space (vm_space.wired).
 * C10 A frame in use of a reservation (mem/reservation.c) holds an anon's page.
 * C11 A page that is marked as part of a huge one is an anon's.
 * C12 What squeeze.c counts as away is the anons and the shadows that say so; no such anon has a
 *     page.
 *
 * Locking: everything here is guarded by vm_system.lock.  The lock is dropped only in io.c, by
 * vm_io_get, vm_io_put and vm_io_yield, while the pages of the I/O are busy; whoever called
 * anything that may wait looks again at what it knew.  Pagers know no locks: every call of one, and
 * every look at its figures, is made with vm_system.pager_lock, most of them with both.  drive() is
 * called with pager_lock alone, so it must not take memory from the system's alloc.
 */
#ifndef VM_CORE_H
#define VM_CORE_H

#include <sys/queue.h>
#include <sys/tree.h>

#include "base/assert.h"
#include "base/lock.h"
#include "base/peak.h"
#include "base/pool.h"
#include "base/radix.h"
#include "vm/squeeze.h"
#include "vm/vm.h"

struct vm_anon {
    uint32_t refs;
    uint32_t id;           /* for the policy's key: the n-th anon of its system */
    struct mem_page *page; /* NULL: not in RAM */
    uint64_t slot;         /* PAGER_SLOT_NONE: not on swap */
    uint32_t shadow;       /* when it was evicted, as reclaim counts; 0: it was not */
    uint16_t group;        /* whose limit it counts against */
    uint8_t merged;        /* the merge scanner's round that saw it as merged last; 0: it is not */
    bool squeezed : 1;     /* squeeze.c took the page, and it has not come back */
    bool shm : 1;          /* a memory object's */
};
_Static_assert(sizeof(struct vm_anon) == 32, "there is one for each page that is anybody's own");

struct vm_amap {
    uint32_t refs;    /* regions */
    uint64_t id;      /* the n-th of its system */
    uint64_t charged; /* pages promised for it, where its regions are shared */
    struct base_radix slots;
};

/* Spaces with a limit on what they have in RAM (group.c). */
struct vm_group {
    uint16_t id;
    struct policy *policy;       /* ranks its pages, but for those aside */
    struct base_node_list aside; /* pages passed over, then dirty pages while swap is full */
    uint64_t naside;
    uint64_t passed;            /* of those aside: of the calls of reclaim that are under way */
    uint64_t files;             /* pages of files, in RAM */
    uint64_t wired;             /* pages that are; none of them is aside but while it is passed */
    uint64_t locked;            /* pages that its spaces may lock, or have */
    uint64_t pass;              /* when its turn to give a page is */
    uint64_t evictions_to_scan; /* until referenced bits are harvested again */
    uint64_t rests;             /* turns that its daemon leaves out, having found nothing to free */
    uint64_t short_then, short_before; /* evictions for want of room, two epochs of squeeze.c ago */
    uint32_t clock;                    /* evictions, modulo 2^32, never 0 */
    struct vm_thrash {
        uint64_t freed; /* clean pages evicted since dirty ones began to be passed over */
        uint64_t since; /* nanoseconds, by the system's clock */
    } thrash;
    struct vm_pressure pressure;
    struct vm_group_stats stats;
};

struct vm_object {
    struct space_object base;
    struct vm_system *system;
    struct base_radix pages; /* a file's, by index in the object */
    struct vm_amap *amap;    /* a memory object's; NULL: a file */
    uint64_t len;            /* bytes; base.npages is that, rounded up */
    uint64_t ndirty;         /* of pages: newer than the file */
    struct base_radix
        shadows;    /* of pages that were evicted: when, as their group counts (refault.c) */
    uint16_t group; /* whose limit it counts against */
    uint64_t id;
    uint64_t refs;
    uint64_t charged;                  /* pages promised for it: a memory object's */
    TAILQ_ENTRY(vm_object) link;       /* vm_system.all_objects */
    TAILQ_ENTRY(vm_object) dirty_link; /* vm_system.dirty_objects, while ndirty > 0 */
};

/* A walk through a region in equal strides (ahead.c). */
struct vm_stream {
    uint64_t last;  /* the address it came to; 0: unused */
    int32_t stride; /* pages */
    bool sure;      /* two strides were equal, or the pages are neighbours */
    uint8_t window; /* pages read ahead last, or to be */
    uint8_t hits;   /* of these, asked for since */
    uint8_t length; /* equal strides in a row */
};

#define VM_STREAMS 4u
#define VM_AHEAD_MAX 31u  /* pages of a window: two ios */
#define VM_AROUND_MAX 64u /* pages mapped by one fault */

struct vm_region {
    RB_ENTRY(vm_region) link;
    uint64_t start, end;  /* [start, end), page aligned */
    struct vm_amap *amap; /* NULL: no private page yet */
    uint64_t anchor;      /* the address that is index 0 of the amap */
    struct vm_object *object;
    uint64_t offset;  /* bytes into the object at start */
    uint64_t len_max; /* growsdown: bytes */
    prot_t prot;
    enum space_use use;
    bool growsdown;
    bool needs_copy; /* the amap may be shared: copy it before it is changed */
    bool shared;     /* others see what is written here: the amap is never copied */
    bool locked;     /* its pages are wired as they come */
    bool on_fault;   /* if locked: nobody has asked for its pages before they are touched */
    bool noreserve;  /* not counted as promised */
    bool charged;    /* counted as promised, all of it */
    bool nowrite;    /* shared, of a file that may not be written: never to become writable */
    uint16_t advice; /* bits 1 << enum space_advice, those that stay */
    struct {
        uint64_t first, last; /* from where to where its subtree reaches, growth included */
        uint64_t gap;         /* the largest hole inside, bytes */
    } tree;
    unsigned stream_next; /* the one to be replaced next */
    struct vm_stream streams[VM_STREAMS];
};

RB_HEAD(vm_region_tree, vm_region);

struct vm_space {
    struct space space; /* first: a struct space * is a struct vm_space * */
    struct vm_system *system;
    struct pmap *pmap;
    struct vm_region_tree regions;
    struct vm_region *hint; /* the region found last */
    uint64_t nregions;
    uint64_t mapped;         /* bytes */
    struct base_radix wired; /* the pages that locked regions hold, by virtual page */
    uint64_t locked;         /* pages of locked regions */
    uint64_t roots;          /* frames that its page table takes while it is empty */
    uint64_t top;            /* mappings that nobody asked a place for go below it */
    struct {
        uint64_t minor, major, zero_fill, cow;
    } faults;
    TAILQ_ENTRY(vm_space) link; /* vm_system.spaces */
};

/* A table of the merge scanner (merge.c). */
struct vm_merge_table {
    uint64_t *keys; /* cap of them; 0: free.  In a map the values follow. */
    size_t cap, count;
    bool is_map;
};

struct vm_merge {
    enum vm_merge_mode mode;
    uint8_t round;         /* never 0 */
    uint64_t space_id, va; /* where it goes on */
    struct vm_merge_table seen, before, contents;
};

/* Pages that one instruction needs at once, at most: two of code, two that it loads from, two that
 * it stores to, and as many again for a thread beside it. */
#define VM_HELD_MOST 8u

struct vm_system {
    struct base_lock lock;
    struct base_lock pager_lock; /* around all pagers: they stack, and share files */
    unsigned ios;                /* under way, with `lock` dropped */
    struct mem *mem;
    struct base_alloc *alloc;
    struct pmap_system *pmap_system;
    const struct pmap_ops *pmap_ops;
    struct pmap_caps pmap_caps;
    const struct policy_ops *policy_ops;
    uint64_t policy_param[POLICY_PARAMS_MAX];
    struct vm_group *groups[VM_GROUPS_MAX]; /* by id; 0: the root, which has no limit */
    unsigned ngroups;
    uint64_t pass;          /* of the group that gave the last page */
    uint64_t nshadows;      /* in all objects */
    bool surplus_due;       /* a page has come since the policies were asked for their surplus */
    struct mem_page *fresh; /* the last that came for a fault, if the access that brought it in has
                               not shown as "referenced" yet; NULL: none */
    uint64_t seed;
    struct pager *swap;
    bool swap_refused; /* the last put was refused for want of room, and none has come since */
    bool swap_broken;  /* the last put was refused by the device, and not for want of room */
    struct vm_held {
        const struct space *space;                  /* the one that is stuck; NULL: none */
        const struct mem_page *pages[VM_HELD_MOST]; /* what its faults brought last */
        unsigned next;
    } held;
    struct tmem *tmem; /* where clean pages of files go; NULL: nowhere */
    unsigned tmem_pool;
    uint64_t space_end;
    uint64_t free_low, free_high;   /* watermarks of the page daemon, frames */
    unsigned ahead_max, around_max; /* pages: the largest windows; 0: none */
    uint64_t ahead_room;            /* frames to be kept free on top, while a window is open */
    uint64_t device_ns;             /* what one operation of a device is taken to cost */
    uint64_t device_time;           /* nanoseconds that devices have taken, by that */
    const struct base_clock *clock; /* may be NULL */
    bool (*others)(void *ctx, unsigned group); /* as in struct vm_config */
    void *others_ctx;
    struct {
        enum vm_huge_mode mode;
        enum vm_huge_alloc alloc;
        unsigned order;     /* 0: the scheme has no large leaves */
        unsigned run;       /* the same, or what stands for it there: what compaction makes */
        uint64_t space, va; /* how far the scanner is: a space's number, an address in it */
    } huge;
    struct {
        uint64_t cursor;       /* the block cleared last, by number */
        unsigned rests, shift; /* requests to turn down, and as a power of two after a failure */
        struct vm_compact_free free;
    } compact;
    struct vm_squeeze squeeze;
    struct vm_thrash thrash;
    uint64_t daemon_rests; /* turns that the daemon leaves out, having found nothing to free */
    struct {
        enum vm_overcommit mode;
        unsigned ratio; /* percent of RAM */
        uint64_t room;  /* frames that were free when the system began */
        uint64_t roots; /* of them, those that spaces take even if they are empty */
    } commit;
    uint32_t anon_ids;
    uint64_t object_ids, space_ids, amap_ids;
    struct base_pool anons, amaps, regions, objects, spaces, nodes;
    TAILQ_HEAD(, vm_space) all_spaces;
    struct vm_merge merge;
    TAILQ_HEAD(vm_object_list, vm_object) all_objects;
    struct vm_object_list dirty_objects;
    uint64_t ndirty_objects;
    uint64_t writeback_due;       /* nanoseconds, by clock */
    struct base_node_list cached; /* pages that only read(2) has seen, the oldest first */
    struct vm_stats stats;
};

/* The lowest address that is given out when nobody asks for a place: null pointers stay wild. */
#define VM_SPACE_START ((uint64_t)0x10000)

/* As many regions as Linux allows a process (vm.max_map_count). */
#define VM_REGIONS_MAX 65530u

/* --- region.c: the tree of regions --- */

RB_PROTOTYPE(vm_region_tree, vm_region, link, vm_region_compare)
int vm_region_compare(const struct vm_region *a, const struct vm_region *b);

/* The region that contains va, or the first above it; NULL. */
struct vm_region *vm_region_at_or_above(struct vm_space *space, uint64_t va);
/* The region that contains va; NULL. */
struct vm_region *vm_region_at(struct vm_space *space, uint64_t va);
/* A record for one more region of the space; NULL: no memory, or it has VM_REGIONS_MAX. */
struct vm_region *vm_region_new(struct vm_space *space);
/* Its start, end or len_max has been changed in place: lets the tree know. */
void vm_region_changed(struct vm_region *region);
/* Is what it knows of its subtree what its children know?  For check.c. */
bool vm_region_knows_gaps(const struct vm_region *region);
/* Puts a filled-in record (from vm_region_new) into the tree; its references come with it. */
void vm_region_insert(struct vm_space *space, struct vm_region *region);
/* Gives it another place; the order of regions may change, indices in its amap stay. */
void vm_region_move(struct vm_space *space, struct vm_region *region, uint64_t start, uint64_t end);
/* npages more of it are promised: with the region, or with the amap of one that is shared. */
MUST_CHECK enum pgw_status vm_region_promise_more(
    struct vm_space *space, struct vm_region *region, uint64_t npages);
/* The same as vm_region_move, to a larger place: what it is to have more is promised and locked as
 * the rest of it. PGW_NOCOMMIT, PGW_NORAM. */
MUST_CHECK enum pgw_status vm_region_grow(
    struct vm_space *space, struct vm_region *region, uint64_t start, uint64_t end);
/* Takes it out of the tree and frees it; drops its amap and object. */
void vm_region_destroy(struct vm_space *space, struct vm_region *region);
/* Makes va a boundary between two regions, if it lies inside one. */
MUST_CHECK enum pgw_status vm_region_clip(struct vm_space *space, uint64_t va);
/* Does upper begin where lower ends, as a continuation of it, apart from the private pages? */
bool vm_region_is_like(const struct vm_region *lower, const struct vm_region *upper);
/* Joins neighbours that are alike, from the region just below va to the one just above end. */
void vm_region_join(struct vm_space *space, uint64_t va, uint64_t end);
/* The highest hole of len bytes that ends at or below top; PGW_NOSPACE. */
MUST_CHECK enum pgw_status vm_region_hole(
    struct vm_space *space, uint64_t len, uint64_t top, uint64_t *va);
/* The lowest address that a growing stack may ever take. */
uint64_t vm_region_floor(const struct vm_region *region);

static inline uint64_t
vm_region_idx(const struct vm_region *region, uint64_t va)
{
    return (va - region->anchor) >> PAGE_SHIFT;
}

/* The region above it; NULL. */
static inline struct vm_region *
vm_region_next(const struct vm_region *region)
{
    return RB_NEXT(vm_region_tree, NULL, (struct vm_region *)(uintptr_t)region);
}

static inline uint64_t
vm_region_pages(const struct vm_region *region)
{
    return (region->end - region->start) >> PAGE_SHIFT;
}

/* --- commit.c: what is promised --- */

/* Is memory of this kind counted when it is made? */
bool vm_commit_counts(const struct vm_system *system, prot_t prot, bool shared, bool noreserve);
/* Promises npages more; PGW_NOCOMMIT. */
MUST_CHECK enum pgw_status vm_commit_charge(struct vm_system *system, uint64_t npages);
/* The same, in place of `less` pages that the caller gives back next and that are still counted. */
MUST_CHECK enum pgw_status vm_commit_replace(
    struct vm_system *system, uint64_t npages, uint64_t less);
void vm_commit_uncharge(struct vm_system *system, uint64_t npages);
/* The frames that may be promised to somebody, or locked by somebody, at the most. */
uint64_t vm_commit_frames(struct vm_system *system);
/* The most that may be promised. */
uint64_t vm_commit_limit(struct vm_system *system);
/* A new space has its root table: PGW_NOCOMMIT, if the frames for it are promised to others;
 * the caller then ends it. */
MUST_CHECK enum pgw_status vm_commit_space(struct vm_space *space);
void vm_commit_space_ends(struct vm_space *space);
/* Nothing else could be freed: gives up what can be rebuilt, all page tables.  How many frames. */
uint64_t vm_commit_last_resort(struct vm_system *system);
/* The same, if hardly any page can go and tables are why.  False: nothing was freed. */
bool vm_commit_uncrowd(struct vm_system *system);

/* --- wire.c: pages that stay --- */

enum pgw_status vm_lock(struct space *space, uint64_t va, uint64_t len, enum space_lock how);
/* npages more of the space are to be locked: may they be?  PGW_NORAM. */
MUST_CHECK enum pgw_status vm_lock_charge(struct vm_space *space, uint64_t npages);
void vm_lock_uncharge(struct vm_space *space, uint64_t npages);
/* The space is about to join another group, and takes along what it has locked. */
void vm_lock_follow(const struct vm_space *space, unsigned group);
/* A locked region is about to go. */
void vm_lock_end(struct vm_space *space, struct vm_region *region);
/* Wires what is in RAM of [from, to) of a locked region; PGW_NOMEM: of some of it. */
MUST_CHECK enum pgw_status vm_lock_range(
    struct vm_space *space, const struct vm_region *region, uint64_t from, uint64_t to);
/* The space lets go of the pages that it holds in the range. */
void vm_unlock_range(struct vm_space *space, uint64_t va, uint64_t end);
/* The page is about to be mapped at va in a locked region; it takes the place of another that was
 * there.  PGW_NOMEM. */
MUST_CHECK enum pgw_status vm_lock_page(struct vm_space *space, uint64_t va, struct mem_page *page);
/* The page goes, locked or not: its owner does not exist any more, or not that far. */
void vm_lock_forget(struct vm_system *system, struct mem_page *page);

/* --- advise.c, populate.c, usage.c --- */

enum pgw_status vm_advise(struct space *space, uint64_t va, uint64_t len, enum space_advice advice);
enum pgw_status vm_populate(struct space *space, uint64_t va, uint64_t len, bool write);
enum pgw_status vm_incore(struct space *space, uint64_t va, uint64_t npages, unsigned char *vec);
void vm_usage(struct space *space, const struct space_region *region, struct space_usage *usage);
/* The page of RAM behind va, whether it is mapped or not; NULL. */
struct mem_page *vm_resident(const struct vm_region *region, uint64_t va);

/* --- amap.c --- */

MUST_CHECK enum pgw_status vm_amap_create(struct vm_system *system, struct vm_amap **amap);
/* Drops one region's reference; the last one lets go of every anon. */
void vm_amap_release(struct vm_system *system, struct vm_amap *amap);
/* Gives the region an amap that it may change: makes or copies one as needed. */
MUST_CHECK enum pgw_status vm_amap_own(struct vm_system *system, struct vm_region *region);
/* Splits an owned amap in two at idx; *right is NULL if nothing is there. */
MUST_CHECK enum pgw_status vm_amap_split(
    struct vm_system *system, struct vm_amap *amap, uint64_t idx, struct vm_amap **right);

/* Moves upper's anons, which follow lower's and count from the same anchor, into lower's amap and
 * drops upper's.  False, with nothing changed: one is shared, too much to move, no memory. */
MUST_CHECK bool vm_amap_join(
    struct vm_system *system, struct vm_region *lower, struct vm_region *upper);

/* Lets go of all anons behind [from, to) of a region that is not shared; PGW_NOMEM. */
MUST_CHECK enum pgw_status vm_amap_drop(
    struct vm_system *system, struct vm_region *region, uint64_t from, uint64_t to);

/* The anon behind va in the region; NULL. */
struct vm_anon *vm_amap_lookup(const struct vm_region *region, uint64_t va);

/* --- anon.c --- */

/* An anon with one reference and neither page nor slot; NULL: no memory. */
struct vm_anon *vm_anon_create(struct vm_system *system);
/* One reference more. */
static inline void
vm_anon_hold(struct vm_system *system, struct vm_anon *anon)
{
    anon->refs++;
    system->stats.merge_sharing += anon->merged != 0;
}
void vm_anon_release(struct vm_system *system, struct vm_anon *anon);
/* Gives the anon a fresh page, which becomes pageable. */
void vm_anon_attach(struct vm_system *system, struct vm_anon *anon, struct mem_page *page);
/* Frees the swap slot, if there is one; the page must then be counted as dirty. */
void vm_anon_forget_slot(struct vm_system *system, struct vm_anon *anon);
void vm_anon_detach(struct vm_system *system, struct vm_anon *anon);
/* The anon is in use, in RAM and on swap: when swap is getting full, the copy there goes. */
void vm_anon_spare_slot(struct vm_system *system, struct vm_anon *anon);

/* --- object.c --- */

static inline struct vm_object *
vm_object_of(struct space_object *base)
{
    return (struct vm_object *)(void *)base;
}

/* The page at idx if it is in RAM (perhaps busy), else NULL. */
struct mem_page *vm_object_page(const struct vm_object *object, uint64_t idx);
MUST_CHECK enum pgw_status vm_object_attach(
    struct vm_object *object, uint64_t idx, struct mem_page *page);
/* The same, but the policy is not told: the page is busy, or will be of the cache. */
MUST_CHECK enum pgw_status vm_object_place(
    struct vm_object *object, uint64_t idx, struct mem_page *page);
void vm_object_hold_locked(struct vm_object *object);
void vm_object_release_locked(struct vm_object *object);
/* Memory of len bytes, all zeros; one reference is the caller's.  unpromised: it is not counted as
 * promised.  PGW_NOMEM, PGW_RANGE, PGW_NOCOMMIT. */
MUST_CHECK enum pgw_status vm_object_create_memory_locked(
    struct vm_system *system, uint64_t len, bool unpromised, struct vm_object **object);
/* The anon at idx of a memory object, made if there is none yet; NULL: no memory. */
struct vm_anon *vm_object_anon(struct vm_object *object, uint64_t idx);
/* Takes a page that is not busy out of a file's object and frees it, dirty or not. */
void vm_object_drop(struct vm_object *object, struct mem_page *page);

/* Is what is written in this region written to the object's own pages? */
static inline bool
vm_region_writes_object(const struct vm_region *region)
{
    return region->shared && region->object != NULL && region->amap == NULL;
}

/* Is the region's amap its memory object's? */
static inline bool
vm_region_shares_amap(const struct vm_region *region)
{
    return region->amap != NULL && region->object != NULL && region->object->amap == region->amap;
}

/* Of prot, what a mapping of the object's page may have in this region: writing only where it goes
 * to the object, and not before the page is known to be dirty. */
static inline prot_t
vm_object_prot(const struct vm_region *region, const struct mem_page *page, prot_t prot)
{
    bool may_write =
        vm_region_writes_object(region) && page->owner_kind == MEM_OWNER_OBJECT && page->dirty;

    return may_write ? prot : prot & ~PROT_MASK_W;
}

/* --- truncate.c --- */

/* Notes how long the object is; its pages are as they are. */
void vm_object_set_len(struct vm_object *object, uint64_t len);
/* The object is len bytes long from now on; the caller holds it.  Waits for pages in I/O. */
void vm_object_resize_locked(struct vm_object *object, uint64_t len);
/* Drops the clean pages of a file, whose content is not known any more. */
void vm_object_forget_clean_locked(struct vm_object *object);

/* --- writeback.c --- */

/* The file's page, which is not busy, is about to be written. */
void vm_object_dirty(struct vm_object *object, struct mem_page *page);
/* Writes the dirty pages [first, end) to the file; the caller holds the object.  Goes on after a
 * failure, and tells the first one. */
MUST_CHECK enum pgw_status vm_writeback_locked(
    struct vm_object *object, uint64_t first, uint64_t end);
/* Writes a dirty page, which is unmapped, out of the policy and busy, and its dirty neighbours;
 * then frees it.  False: it could not be written, and is in the policy again. */
MUST_CHECK bool vm_writeback_evict(struct vm_system *system, struct mem_page *page);
/* All dirty pages of all objects. */
enum pgw_status vm_writeback_all_locked(struct vm_system *system);
/* The same, if it is time. */
void vm_writeback_daemon_locked(struct vm_system *system);
/* At the very end: what could not be written is dropped, and counted. */
void vm_writeback_give_up(struct vm_system *system);
enum pgw_status vm_sync(struct space *space, uint64_t va, uint64_t len);

/* --- filecache.c --- */

/* Frees up to n pages that only read(2) has seen, the oldest first; how many were. */
uint64_t vm_cache_shrink(struct vm_system *system, uint64_t n);
/* The page is not in the cache any more; its owner frees it or admits it to the policy. */
void vm_cache_leave(struct vm_system *system, struct mem_page *page);
/* The page's content has moved from one frame to another. */
void vm_cache_moved(struct vm_system *system, struct mem_page *from, struct mem_page *to);
/* A file's page is about to be mapped: it is the policy's from now on. */
void vm_cache_promote(struct vm_system *system, struct mem_page *page);
enum pgw_status vm_cache_read(
    struct space_object *object, uint64_t offset, void *buf, size_t len, size_t *done);
void vm_cache_overlay(struct space_object *object, uint64_t offset, void *buf, size_t len);
void vm_cache_update(struct space_object *object, uint64_t offset, const void *buf, size_t len);

/* --- page.c: pages and the policy --- */

/* The page that embeds the node. */
static inline struct mem_page *
vm_page_of_node(struct base_node *node)
{
    return (struct mem_page *)(void *)((char *)node - offsetof(struct mem_page, node));
}

/* The policy's key of a page that an anon or object owns, or is to own. */
uint64_t vm_page_key(const struct mem_page *page);
uint64_t vm_page_key_of_anon(uint32_t id);
uint64_t vm_page_key_of_object(const struct vm_object *object, uint64_t idx);
/* Was the page referenced since this was last asked, or since it came in?  Clears.  The access that
 * brought it in is not counted, as admitting the page stands for that, until another page has come:
 * by then the program has gone on, and a bit that is set stands for more than one access. */
bool vm_page_test_clear_referenced(struct vm_system *system, struct mem_page *page);
/* --- group.c --- */

/* The root group; and the end of all. */
MUST_CHECK enum pgw_status vm_group_init(struct vm_system *system);
void vm_group_fini(struct vm_system *system);

/* Pages that are charged to it. */
static inline uint64_t
vm_group_pages(const struct vm_group *group)
{
    return group->policy->count + group->naside;
}

/* Whom a page with an owner is charged to. */
static inline struct vm_group *
vm_page_group(const struct vm_system *system, const struct mem_page *page)
{
    return system->groups[page->owner_kind == MEM_OWNER_ANON
                              ? ((const struct vm_anon *)page->owner)->group
                              : ((const struct vm_object *)page->owner)->group];
}

/* The policy that ranks a queued page; NULL: none does, it is aside. */
static inline struct policy *
vm_page_policy(const struct vm_system *system, const struct mem_page *page)
{
    return page->aside ? NULL : vm_page_group(system, page)->policy;
}

/* Charges a page that has its owner; ends that, as evicted or for other reasons. */
void vm_group_admit(struct vm_system *system, struct mem_page *page);
void vm_group_leave(struct vm_system *system, struct mem_page *page, bool evicted);
/* The page to, which has its owner now, takes the place of from. */
void vm_group_moved(struct vm_system *system, struct mem_page *from, struct mem_page *to);
/* Sets the time of the group's policy, if that wants to know it. */
void vm_group_tell_time(const struct vm_system *system, const struct vm_group *group);
/* The group's policy is told that the page with this key is about to come in. */
void vm_group_missed(const struct vm_system *system, struct vm_group *group, uint64_t key);
/* The page that the group's policy would have go next; NULL: it has none. */
struct mem_page *vm_group_victim(const struct vm_system *system, struct vm_group *group);
/* A page that the policy would have go though there is room; NULL: none. */
struct mem_page *vm_group_surplus(const struct vm_group *group);
/* Takes a page out of the policy, which has it; puts n such pages back. */
void vm_group_set_aside(struct vm_group *group, struct mem_page *page);
void vm_group_recall(struct vm_group *group, uint64_t n);
/* Puts one such page back, as the next to go. */
void vm_group_try(struct vm_system *system, const struct vm_group *group);
/* The same for a page that cannot go just now; all of them come back at the end of the call of
 * reclaim, so that no policy can name it over and over again. */
void vm_group_pass(struct vm_group *group, struct mem_page *page);
void vm_group_recall_passed(struct vm_group *group);
/* Who is to give the next page; NULL: nobody has any. */
struct vm_group *vm_group_turn(struct vm_system *system);
/* Pages that are to go before the group may have another one: many, if room for them has come. */
uint64_t vm_group_excess(const struct vm_system *system, const struct vm_group *group);
bool vm_group_has_room(const struct vm_system *system, const struct vm_group *group, uint64_t n);
/* An object of which nothing is in RAM is charged to whoever brings its next page. */
void vm_group_adopt(struct vm_object *object, unsigned id);
/* Makes room ahead of need in a group that is near its limit. */
void vm_group_daemon(struct vm_system *system, struct vm_group *group);

/* --- pressure.c --- */

/* Nanoseconds, the time that devices are taken to need included. */
uint64_t vm_pressure_now(const struct vm_system *system);
/* Around what a task of the group waits for, for want of memory; they nest. */
void vm_pressure_begin(struct vm_system *system, unsigned group);
void vm_pressure_end(struct vm_system *system, unsigned group);
MUST_CHECK enum pgw_status vm_pressure_locked(
    struct vm_system *system, unsigned id, struct vm_pressure *pressure);

/* --- refault.c --- */

/* The page, which still has its owner, is being evicted. */
void vm_refault_note(struct vm_system *system, const struct mem_page *page);
/* The page has come, to its owner and its policy: is it back soon?  shadow: its owner's. */
void vm_refault_check(struct vm_system *system, struct mem_page *page, uint32_t shadow);
/* What an object remembers of the page at idx, which it then forgets; 0: nothing. */
uint32_t vm_refault_take(struct vm_object *object, uint64_t idx);
void vm_refault_fini(struct vm_object *object);
/* How many of an object's pages are away that squeeze.c took. */
uint64_t vm_refault_squeezed(const struct vm_object *object);

/* Makes an owned page known to the policy. */
void vm_page_admit(struct vm_system *system, struct mem_page *page);
/* The policy has just been told that the page, which still has its owner, is gone. */
void vm_page_dequeued(struct vm_system *system, struct mem_page *page);
/* If the page is aside, it is the policy's again. */
void vm_page_recall(struct vm_system *system, struct mem_page *page);
/* The page, not busy, is the next to go unless it is used again. */
void vm_page_cold(struct vm_system *system, struct mem_page *page);
/* Unmaps, forgets and frees a page whose owner lets go of it.  Not busy: I/O holds the owner. */
void vm_page_free(struct vm_system *system, struct mem_page *page);

/* --- io.c --- */

/* Reads n slots into pages, which the caller has made busy and which are not afterwards; drops the
 * lock while it waits.  If any fails, none has been read. */
MUST_CHECK enum pgw_status vm_io_get(struct vm_system *system, struct pager *pager,
    const uint64_t *slots, struct mem_page *const *pages, unsigned n);
/* Writes n pages, which the caller has made busy, and sets slots; drops the lock while it waits. */
MUST_CHECK enum pgw_status vm_io_put(struct vm_system *system, struct pager *pager,
    struct mem_page *const *pages, unsigned n, uint64_t *slots);
/* Writes n pages, which the caller has made busy, to the slots given: for files. */
MUST_CHECK enum pgw_status vm_io_put_at(struct vm_system *system, struct pager *pager,
    struct mem_page *const *pages, unsigned n, const uint64_t *slots);
/* Somebody else's I/O owns what is wanted: lets it proceed.  pager: where, NULL: not known. */
void vm_io_yield(struct vm_system *system, struct pager *pager);
/* Frees a slot of swap. */
void vm_io_forget(struct vm_system *system, uint64_t slot);
/* Slots in use and in all; without swap, 0 and 0. */
void vm_io_swap_room(struct vm_system *system, uint64_t *used, uint64_t *slots);
/* Slots that are there whatever the pages hold, and frames that swap may come to take for its own.
 */
void vm_io_swap_sure(struct vm_system *system, uint64_t *slots, uint64_t *frames);

/* --- ahead.c: reading before it is asked for --- */

/* Reads the anon's page, new and attached, from its slot, and what the faults so far say will be
 * wanted with it.  May wait.  If it cannot be read, the anon is without a page again. */
MUST_CHECK enum pgw_status vm_ahead_anon(
    struct vm_space *space, struct vm_region *region, uint64_t va, struct vm_anon *anon);
/* The same for a page that was attached to the region's object. */
MUST_CHECK enum pgw_status vm_ahead_object(
    struct vm_space *space, struct vm_region *region, uint64_t va, struct mem_page *page);
/* The first fault on a page that was read ahead. */
void vm_ahead_hit(
    struct vm_system *system, struct vm_region *region, uint64_t va, struct mem_page *page);
/* Reads [va, end) in without mapping it, as far as RAM is not scarce.  May wait. */
void vm_ahead_range(struct vm_space *space, uint64_t va, uint64_t end);
/* Maps page at va, and with it the pages of the region's file around it that are in RAM and not
 * mapped; false: there are none, or they cannot be. */
bool vm_ahead_around(struct vm_space *space, const struct vm_region *region, uint64_t va,
    struct mem_page *page, prot_t prot, enum access access);

/* --- tmem.c: clean pages of files in transcendent memory --- */

/* From now on they go to tmem, which may be NULL.  PGW_NOMEM, PGW_NOSPACE. */
MUST_CHECK enum pgw_status vm_tmem_start(struct vm_system *system, struct tmem *tmem);
void vm_tmem_stop(struct vm_system *system);
/* A clean page of the object leaves RAM: it is kept there if there is room. */
void vm_tmem_keep(const struct vm_object *object, const struct mem_page *page);
/* Fills page with the object's at idx, which is not in RAM, and takes it out there; false: it has
 * to be read. */
MUST_CHECK bool vm_tmem_take(const struct vm_object *object, uint64_t idx, struct mem_page *page);
/* The file has changed at n pages from idx on, or they come into RAM by another way. */
void vm_tmem_flush(const struct vm_object *object, uint64_t idx, uint64_t n);
void vm_tmem_flush_object(const struct vm_object *object);

/* --- reclaim.c --- */

uint64_t vm_reclaim_locked(struct vm_system *system, uint64_t n);
/* The same, of a group (NULL: of all), beside the page keep (NULL: none), which stays: whoever
 * needs a frame needs that page, too, and policies that take the latest page first would take it.
 */
uint64_t vm_reclaim_beside_locked(
    struct vm_system *system, struct vm_group *only, uint64_t n, const struct mem_page *keep);
/* Takes note of a page that a fault of the space has mapped. */
void vm_held_note(struct vm_system *system, const struct space *space, const struct mem_page *page);
/* True if memory (group: what that may have) is full of what cannot go, and what can goes round and
 * round; starts afresh. */
bool vm_reclaim_thrashes(struct vm_system *system, struct vm_group *group);
/* The page daemon's turn, if free frames are below the low watermark. */
void vm_daemon_locked(struct vm_system *system);
MUST_CHECK enum pgw_status vm_evict_page_locked(struct vm_system *system, struct mem_page *page);
/* A page, clean or written, that is unmapped, out of the policy and not busy: its owner forgets
 * it, but for what tells later that it was here, and the frame is free. */
void vm_page_evicted(struct vm_system *system, struct mem_page *page);
/* Evicts what policies would have go though there is room, if a page has come since this was last
 * done; may wait.  Did any go? */
bool vm_reclaim_surplus_locked(struct vm_system *system);
/* The same for some of n pages, up to PAGER_RUN_MAX: those that can go, in one run; what has to be
 * written to a file stays. */
void vm_evict_run_locked(struct vm_system *system, struct mem_page *const *pages, unsigned n);

/* --- merge.c --- */

void vm_merge_init(struct vm_system *system, enum vm_merge_mode mode);
void vm_merge_fini(struct vm_system *system);
/* The anon is about to be written in place, or freed: it is merged no longer. */
void vm_merge_leave(struct vm_system *system, struct vm_anon *anon);
uint64_t vm_merge_run_locked(struct vm_system *system, uint64_t npages);
/* Gives each merged page in the range its own copy again.  May wait.  PGW_NORAM, PGW_IO: so far,
 * and no further. */
MUST_CHECK enum pgw_status vm_merge_unmerge_locked(
    struct vm_space *space, uint64_t va, uint64_t end);

/* --- fault.c, fork.c, map.c, check.c: the operations of a space --- */

enum space_fault vm_fault_locked(struct vm_space *space, uint64_t va, enum access access);
/* Gives the region at va a page of its own there, as a write would, whatever its rights. */
enum space_fault vm_fault_unshare_locked(struct vm_space *space, uint64_t va);
enum pgw_status vm_fork(struct space *space, struct space **child);
enum pgw_status vm_map(struct space *space, const struct space_map_args *args, uint64_t *va);
void vm_identity(struct space *space, uint64_t va, uint64_t *id, uint64_t *offset);
enum pgw_status vm_share(
    struct space *space, struct space *from, uint64_t from_va, prot_t prot, uint64_t *va);
enum pgw_status vm_unmap(struct space *space, uint64_t va, uint64_t len);
enum pgw_status vm_protect(struct space *space, uint64_t va, uint64_t len, prot_t prot);
enum pgw_status vm_remap(struct space *space, uint64_t old, uint64_t old_len, uint64_t new_len,
    bool may_move, unsigned flags, uint64_t *va);
enum pgw_status vm_unmap_locked(struct vm_space *space, uint64_t va, uint64_t len);
/* The page-aligned end of [va, va + len); PGW_INVAL, PGW_RANGE. */
MUST_CHECK enum pgw_status vm_map_range(
    const struct vm_system *system, uint64_t va, uint64_t len, uint64_t *end);
/* Destroys the regions in a range whose ends are boundaries. */
void vm_map_clear(struct vm_space *space, uint64_t va, uint64_t end);
bool vm_space_check(struct space *space);

/* --- layout.c --- */

/* The top of a space that no program has been placed in. */
uint64_t vm_layout_top(const struct vm_system *system);
enum pgw_status vm_layout(struct space *space, const struct space_image *image, uint64_t stack_max,
    struct space_layout *layout);

/* --- space.c --- */

MUST_CHECK enum pgw_status vm_space_create_locked(
    struct vm_system *system, struct vm_space **space);
void vm_space_destroy_locked(struct vm_space *space);

static inline struct vm_space *
vm_space_of(struct space *space)
{
    return (struct vm_space *)space;
}

#endif
