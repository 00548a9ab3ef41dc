/* SPDX-License-Identifier: BSD-2-Clause */
#include "pager/zheap.h"

#include <string.h>

#include "base/assert.h"

/*
 * Theory
 * ------
 * After zsmalloc (Gupta, 2010).  Objects are of classes, one each `step` bytes.  A group is a few
 * frames that are cut into objects of one class, as if they were one run; they need not be one,
 * because an object may begin in one frame and end in the next and is reached through copies.  So
 * single frames do, however fragmented RAM is, and at class sizes that do not divide a frame
 * little is lost at a group's end.  How many frames a group has is each class's own: the fewest
 * that waste hardly more than the best number does.  A group takes its frames one after the other
 * as it fills, so that a class with few objects holds no empty ones.
 *
 *      frame 0          frame 1          frame 2
 *      [obj|obj|obj|ob--j|obj|obj|obj|ob--j|obj|obj|..]      .. lost
 *
 * A free object holds the number of the next free one, a used one its owner's tag, both in its
 * first bytes: classes are multiples of 16 bytes, so these never lie across two frames.
 *
 * Objects are taken from the fullest group that is not full, so that sparse ones run empty by
 * themselves.  What stays sparse is compacted: while the others have room in their frames for what
 * is in the emptiest group of a class, it is moved there.
 *
 * A step is how much an object wastes, twice over, and each class keeps one frame that is partly
 * filled.  So a small heap has wide steps and
 * few classes, a large one narrow steps and many.
 *
 * Frames that come free are idle at first: drive() of a pager ends an I/O without the lock that
 * guards RAM.  Where frames are set aside for the heap, they are idle whenever it does not use
 * them.
 *
 * Rejected: to use a free object of a larger class rather than take a frame, which wastes more in
 * objects than it saves in frames (measured: 1% worse on text); buddies of compressed pages in one
 * frame (zbud, z3fold), which hold two or three to a frame at the most; a log with a cleaner, which
 * is denser, but moves everything again and again.
 */

#define ZHEAP_TAG sizeof(void *)
#define ZHEAP_END UINT16_MAX /* of a free list */
#define ZHEAP_OBJECTS_MAX (ZHEAP_GROUP_FRAMES * PAGE_SIZE / 32)
#define ZHEAP_TOLERANCE 256u /* a 256th part of a group's bytes is "hardly more" */

/* The step by the limit in frames: where what is lost to rounding, in a full heap of objects of
 * 1.5 KiB, about equals what is lost in the classes' last frames. */
static unsigned
zheap_step(uint64_t limit)
{
    static const struct {
        uint64_t limit;
        unsigned step;
    } steps[] = {{8192, 32}, {2048, 48}, {1024, 64}, {512, 96}, {0, 128}};
    unsigned i = 0;

    while (limit < steps[i].limit)
        i++;
    return steps[i].step;
}

struct zheap_group {
    LIST_ENTRY(zheap_group) link;                /* in its class, by fullness */
    struct mem_page *frames[ZHEAP_GROUP_FRAMES]; /* NULL: not needed so far */
    uint16_t class;
    uint16_t used;
    uint16_t free;  /* the first object that was freed, ZHEAP_END: none */
    uint16_t fresh; /* objects from this one on were never used, and have no frames yet */
};

static size_t
zheap_lost(size_t size, size_t frames)
{
    return frames * PAGE_SIZE % size;
}

/* The fewest frames whose loss, in parts of the whole, is within the tolerance of the least. */
static unsigned
zheap_best_frames(size_t size)
{
    size_t all = 840 * PAGE_SIZE; /* losses are compared over so much: 1 to 8 divide it */
    size_t best = all;

    for (unsigned k = 1; k <= ZHEAP_GROUP_FRAMES; k++) {
        size_t lost = zheap_lost(size, k) * 840 / k;
        best = lost < best ? lost : best;
    }
    for (unsigned k = 1; k < ZHEAP_GROUP_FRAMES; k++)
        if (zheap_lost(size, k) * 840 / k <= best + all / ZHEAP_TOLERANCE)
            return k;
    return ZHEAP_GROUP_FRAMES;
}

static void
zheap_init_class(struct zheap_class *class, size_t size)
{
    unsigned frames = zheap_best_frames(size);

    class->size = (uint16_t)size;
    class->frames = (uint16_t)frames;
    class->capacity = (uint16_t)(frames * PAGE_SIZE / size);
    for (unsigned i = 0; i < ZHEAP_FULLNESS; i++)
        LIST_INIT(&class->partial[i]);
    LIST_INIT(&class->full);
}

void
zheap_init(struct zheap *heap, struct mem *mem, struct base_alloc *alloc, uint64_t limit,
    void (*on_move)(void *tag, struct zheap_at at))
{
    memset(heap, 0, sizeof *heap);
    heap->mem = mem;
    heap->limit = heap->share = limit;
    heap->on_move = on_move;
    heap->step = zheap_step(limit);
    for (size_t size = heap->step; size <= ZHEAP_SIZE_MAX; size += heap->step)
        zheap_init_class(&heap->classes[heap->nclasses++], size);
    zheap_init_class(&heap->classes[heap->nclasses++], PAGE_SIZE);
    base_pool_init(&heap->groups, alloc, sizeof(struct zheap_group), "zheap groups");
    TAILQ_INIT(&heap->idle_frames);
}

void
zheap_fini(struct zheap *heap)
{
    heap->keeps = false;
    zheap_settle(heap);
    BASE_ASSERT(heap->frames == 0 && heap->objects == 0);
    base_pool_fini(&heap->groups);
}

size_t
zheap_len_max(const struct zheap *heap)
{
    return heap->classes[heap->nclasses - 2].size - ZHEAP_TAG;
}

/* --- objects in a group --- */

static unsigned char *
zheap_byte(const struct zheap *heap, const struct zheap_group *group, size_t offset)
{
    return mem_page_bytes(heap->mem, group->frames[offset >> PAGE_SHIFT]) + offset % PAGE_SIZE;
}

static const struct zheap_class *
zheap_class_of(const struct zheap *heap, const struct zheap_group *group)
{
    return &heap->classes[group->class];
}

static bool
zheap_is_whole(const struct zheap_class *class)
{
    return class->size == PAGE_SIZE;
}

static unsigned char *
zheap_head(const struct zheap *heap, const struct zheap_group *group, unsigned slot)
{
    return zheap_byte(heap, group, (size_t)slot * zheap_class_of(heap, group)->size);
}

static uint16_t
zheap_next_free(const struct zheap *heap, const struct zheap_group *group, unsigned slot)
{
    uint16_t next;

    memcpy(&next, zheap_head(heap, group, slot), sizeof next);
    return next;
}

static void
zheap_push_free(const struct zheap *heap, struct zheap_group *group, unsigned slot)
{
    memcpy(zheap_head(heap, group, slot), &group->free, sizeof group->free);
    group->free = (uint16_t)slot;
}

/* Which of its class's lists the group belongs on; an empty one on none. */
static struct zheap_groups *
zheap_list(struct zheap_class *class, const struct zheap_group *group)
{
    if (group->used == class->capacity)
        return &class->full;
    return &class->partial[group->used * ZHEAP_FULLNESS / class->capacity];
}

/* --- groups --- */

static struct mem_page *
zheap_frame(struct zheap *heap, unsigned flags)
{
    struct base_node *node = TAILQ_FIRST(&heap->idle_frames);

    if (heap->frames >= heap->share)
        return NULL;
    struct mem_page *page = NULL;
    if (node != NULL)
        page = (struct mem_page *)(void *)node;
    else if (!heap->keeps)
        page = mem_alloc(heap->mem, 0, flags | MEM_PINNED);
    if (page == NULL)
        return NULL;
    if (node != NULL) {
        TAILQ_REMOVE(&heap->idle_frames, node, link);
        heap->idle--;
    }
    page->owner = heap;
    page->owner_kind = MEM_OWNER_CORE;
    page->wired = 1;
    heap->frames++;
    return page;
}

static void
zheap_idle(struct zheap *heap, struct mem_page *page)
{
    TAILQ_INSERT_TAIL(&heap->idle_frames, &page->node, link);
    heap->idle++;
    heap->frames--;
}

void
zheap_settle(struct zheap *heap)
{
    struct base_node *node;

    if (heap->keeps)
        return;
    while ((node = TAILQ_FIRST(&heap->idle_frames)) != NULL) {
        struct mem_page *page = (struct mem_page *)(void *)node;
        TAILQ_REMOVE(&heap->idle_frames, node, link);
        page->owner = NULL;
        page->owner_kind = MEM_OWNER_NONE;
        page->wired = 0;
        mem_free(heap->mem, page);
    }
    heap->idle = 0;
}

void
zheap_keep(struct zheap *heap, struct mem_page *page, uint64_t n)
{
    BASE_ASSERT(heap->frames == 0);
    heap->keeps = true;
    for (uint64_t i = 0; i < n; i++) {
        page[i].owner = heap;
        page[i].owner_kind = MEM_OWNER_CORE;
        page[i].wired = 1;
        TAILQ_INSERT_TAIL(&heap->idle_frames, &page[i].node, link);
    }
    heap->idle = n;
}

void
zheap_allow(struct zheap *heap, uint64_t frames)
{
    heap->share = heap->keeps || frames > heap->limit ? heap->limit : frames;
}

static void
zheap_destroy_group(struct zheap *heap, struct zheap_group *group)
{
    struct zheap_class *class = &heap->classes[group->class];

    for (unsigned i = 0; i < class->frames; i++)
        if (group->frames[i] != NULL)
            zheap_idle(heap, group->frames[i]);
    class->groups--;
    class->backed -= group->fresh;
    base_pool_put(&heap->groups, group);
}

/* A group without frames, on no list; NULL: no memory. */
static struct zheap_group *
zheap_create_group(struct zheap *heap, unsigned index)
{
    /* Page-out is how memory comes free, so it may eat the reserve. */
    struct zheap_group *group = base_pool_get_reserved(&heap->groups);

    if (group == NULL)
        return NULL;
    group->class = (uint16_t)index;
    group->free = ZHEAP_END;
    heap->classes[index].groups++;
    return group;
}

/* The fullest group, other than `except`, that has an object free in its frames; NULL.  Only one
 * group of a class can have room without that, so the search is short. */
static struct zheap_group *
zheap_fullest(const struct zheap_class *class, const struct zheap_group *except)
{
    struct zheap_group *group;

    for (unsigned i = ZHEAP_FULLNESS; i-- > 0;)
        LIST_FOREACH (group, &class->partial[i], link)
            if (group != except && group->free != ZHEAP_END)
                return group;
    return NULL;
}

/* Any group that is not full; NULL. */
static struct zheap_group *
zheap_emptiest(const struct zheap_class *class)
{
    for (unsigned i = 0; i < ZHEAP_FULLNESS; i++)
        if (!LIST_EMPTY(&class->partial[i]))
            return LIST_FIRST(&class->partial[i]);
    return NULL;
}

/* Gives the group's next object frames, so that it is free, and so are all that fit in these. */
static enum pgw_status
zheap_back(struct zheap *heap, struct zheap_group *group, unsigned flags)
{
    struct zheap_class *class = &heap->classes[group->class];
    size_t end = ((size_t)group->fresh + 1) * class->size;

    for (size_t i = (end - class->size) >> PAGE_SHIFT; i << PAGE_SHIFT < end; i++) {
        if (group->frames[i] == NULL)
            group->frames[i] = zheap_frame(heap, flags);
        if (group->frames[i] == NULL)
            return PGW_NORAM;
    }
    size_t room = page_ceil(end);
    for (; group->fresh < class->capacity && end <= room; end += class->size) {
        zheap_push_free(heap, group, group->fresh++);
        class->backed++;
    }
    return PGW_OK;
}

/* A group of the class with a free object. */
static enum pgw_status
zheap_find_group(struct zheap *heap, unsigned index, unsigned flags, struct zheap_group **out)
{
    struct zheap_class *class = &heap->classes[index];

    *out = zheap_fullest(class, NULL);
    if (*out != NULL)
        return PGW_OK;
    *out = zheap_emptiest(class);
    if (*out == NULL)
        *out = zheap_create_group(heap, index);
    if (*out == NULL)
        return PGW_NOMEM;
    enum pgw_status status = zheap_back(heap, *out, flags);
    if (status != PGW_OK && (*out)->used == 0)
        zheap_destroy_group(heap, *out);
    return status;
}
/* --- taking and freeing --- */

static struct zheap_at
zheap_take_from(struct zheap *heap, struct zheap_group *group, void *tag)
{
    struct zheap_class *class = &heap->classes[group->class];
    struct zheap_at at = {group, group->free};

    if (group->used > 0)
        LIST_REMOVE(group, link);
    group->free = zheap_next_free(heap, group, at.slot);
    group->used++;
    LIST_INSERT_HEAD(zheap_list(class, group), group, link);
    class->objects++;
    heap->objects++;
    heap->bytes += class->size;
    if (!zheap_is_whole(class))
        memcpy(zheap_head(heap, group, at.slot), &tag, sizeof tag);
    return at;
}

enum pgw_status
zheap_take(struct zheap *heap, size_t len, void *tag, unsigned flags, struct zheap_at *at)
{
    size_t size = len + ZHEAP_TAG;
    unsigned index = heap->nclasses - 1;

    BASE_ASSERT(len > 0 && (len <= zheap_len_max(heap) || len == PAGE_SIZE));
    if (len != PAGE_SIZE)
        index = (unsigned)((size + heap->step - 1) / heap->step - 1);
    struct zheap_group *group;
    enum pgw_status status = zheap_find_group(heap, index, flags, &group);
    if (status != PGW_OK)
        return status;
    *at = zheap_take_from(heap, group, tag);
    return PGW_OK;
}

void
zheap_free(struct zheap *heap, struct zheap_at at)
{
    struct zheap_group *group = at.group;
    struct zheap_class *class = &heap->classes[group->class];

    BASE_ASSERT(group->used > 0 && at.slot < class->capacity);
    LIST_REMOVE(group, link);
    zheap_push_free(heap, group, at.slot);
    group->used--;
    class->objects--;
    heap->objects--;
    heap->bytes -= class->size;
    if (group->used > 0) {
        LIST_INSERT_HEAD(zheap_list(class, group), group, link);
        return;
    }
    zheap_destroy_group(heap, group);
}

/* --- bytes --- */

/* How much of the object lies before its first frame's end, from the given byte on. */
static size_t
zheap_start(const struct zheap *heap, struct zheap_at at, size_t len, size_t *here)
{
    const struct zheap_class *class = zheap_class_of(heap, at.group);
    size_t offset = (size_t)at.slot * class->size + (zheap_is_whole(class) ? 0 : ZHEAP_TAG);
    size_t room = PAGE_SIZE - offset % PAGE_SIZE;

    *here = len < room ? len : room;
    return offset;
}

void
zheap_write(struct zheap *heap, struct zheap_at at, const void *bytes, size_t len)
{
    size_t here, offset = zheap_start(heap, at, len, &here);

    memcpy(zheap_byte(heap, at.group, offset), bytes, here);
    if (here < len)
        memcpy(zheap_byte(heap, at.group, offset + here), (const char *)bytes + here, len - here);
}

const void *
zheap_read(const struct zheap *heap, struct zheap_at at, void *buf, size_t len)
{
    size_t here, offset = zheap_start(heap, at, len, &here);

    if (here == len)
        return zheap_byte(heap, at.group, offset);
    memcpy(buf, zheap_byte(heap, at.group, offset), here);
    memcpy((char *)buf + here, zheap_byte(heap, at.group, offset + here), len - here);
    return buf;
}

/* --- compaction --- */

/* Marks the free objects of a group, a byte each; how many. */
static unsigned
zheap_mark_free(const struct zheap *heap, const struct zheap_group *group, bool *is_free)
{
    unsigned capacity = zheap_class_of(heap, group)->capacity;
    unsigned n = 0;

    memset(is_free, 0, capacity);
    for (unsigned slot = group->fresh; slot < capacity; slot++, n++)
        is_free[slot] = true;
    for (unsigned slot = group->free; slot != ZHEAP_END; n++) {
        if (slot >= capacity || is_free[slot])
            return UINT32_MAX;
        is_free[slot] = true;
        slot = zheap_next_free(heap, group, slot);
    }
    return n;
}

static void
zheap_move(struct zheap *heap, struct zheap_at from, struct zheap_group *to)
{
    size_t len = zheap_class_of(heap, to)->size - ZHEAP_TAG;
    unsigned char buf[ZHEAP_SIZE_MAX];
    void *tag;

    memcpy(&tag, zheap_head(heap, from.group, from.slot), sizeof tag);
    struct zheap_at at = zheap_take_from(heap, to, tag);
    zheap_write(heap, at, zheap_read(heap, from, buf, len), len);
    zheap_free(heap, from);
    heap->on_move(tag, at);
    heap->moved++;
}

/* Moves all of the group's objects to others of its class, which have room for them. */
static void
zheap_empty(struct zheap *heap, struct zheap_group *group)
{
    struct zheap_class *class = &heap->classes[group->class];
    bool is_free[ZHEAP_OBJECTS_MAX];
    unsigned capacity = class->capacity;
    unsigned left = group->used;

    (void)zheap_mark_free(heap, group, is_free);
    for (unsigned slot = 0; left > 0 && slot < capacity; slot++) {
        if (is_free[slot])
            continue;
        struct zheap_group *to = zheap_fullest(class, group);
        BASE_ASSERT(to != NULL);
        zheap_move(heap, (struct zheap_at){group, (uint16_t)slot}, to);
        left--;
    }
}

/* A group that is not full, if the others have room in their frames for what it holds; NULL. */
static struct zheap_group *
zheap_sparse(const struct zheap_class *class)
{
    struct zheap_group *group = zheap_emptiest(class);

    if (group == NULL)
        return NULL;
    uint64_t room = class->backed - class->objects - (group->fresh - group->used);
    return room >= group->used ? group : NULL;
}

uint64_t
zheap_compact(struct zheap *heap)
{
    uint64_t before = heap->frames;

    for (unsigned i = 0; i + 1 < heap->nclasses; i++) {
        struct zheap_group *group;
        while ((group = zheap_sparse(&heap->classes[i])) != NULL)
            zheap_empty(heap, group);
    }
    return before - heap->frames;
}

size_t
zheap_record_bytes(const struct zheap *heap)
{
    return (heap->groups.live + heap->groups.spare) * heap->groups.obj_size;
}

/* --- check --- */

static bool
zheap_check_list(const struct zheap *heap, unsigned index, const struct zheap_groups *list,
    struct zheap_class *sum, uint64_t *frames)
{
    struct zheap_class *class = (struct zheap_class *)(uintptr_t)&heap->classes[index];
    bool is_free[ZHEAP_OBJECTS_MAX];
    const struct zheap_group *group;

    LIST_FOREACH (group, list, link) {
        if (group->class != index || group->used == 0 || zheap_list(class, group) != list ||
            zheap_mark_free(heap, group, is_free) != (unsigned)class->capacity - group->used)
            return false;
        for (unsigned i = 0; i < class->frames; i++) {
            const struct mem_page *page = group->frames[i];
            if (page != NULL && (page->owner != heap || page->wired != 1))
                return false;
            *frames += page != NULL;
        }
        sum->groups++;
        sum->objects += group->used;
        sum->backed += group->fresh;
    }
    return true;
}

bool
zheap_check(const struct zheap *heap)
{
    uint64_t frames = 0, objects = 0, bytes = 0;

    for (unsigned i = 0; i < heap->nclasses; i++) {
        const struct zheap_class *class = &heap->classes[i];
        struct zheap_class sum = {.groups = 0};
        for (unsigned j = 0; j < ZHEAP_FULLNESS; j++)
            if (!zheap_check_list(heap, i, &class->partial[j], &sum, &frames))
                return false;
        if (!zheap_check_list(heap, i, &class->full, &sum, &frames) ||
            sum.groups != class->groups || sum.objects != class->objects ||
            sum.backed != class->backed)
            return false;
        objects += sum.objects;
        bytes += sum.objects * class->size;
    }
    return frames == heap->frames && objects == heap->objects && bytes == heap->bytes &&
           frames <= heap->limit;
}
