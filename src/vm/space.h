/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The space interface: an address space as a process and its personality know it, whichever
 * memory manager is behind it (the paged core in vm/, the contiguous one in seg/).
 *
 * Addresses and lengths are in bytes and, for the mapping calls, page aligned.
 */
#ifndef VM_SPACE_H
#define VM_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/access.h"
#include "base/result.h"
#include "mem/mem.h"
#include "vm/pmap.h"

struct pager;

/*
 * What can be mapped besides zeros: a file.  Each memory manager makes its own kind, which starts
 * with this; who maps one only passes it on.
 */
struct space_object {
    const struct space_object_ops *ops;
    struct pager *pager; /* the file's bytes, at slot = page index */
    uint64_t npages;     /* its length, rounded up */
};

/*
 * A file's object is also the cache of the file: what read(2) is given and what is mapped are the
 * same bytes.  Who changes the file by other ways than a mapping says so (write, resize, forget).
 */

struct space_object_ops {
    void (*hold)(struct space_object *object);
    /* Drops a reference; the pager is destroyed with the last one. */
    void (*release)(struct space_object *object);
    /* References to it: the caller's, and one for each region that maps it. */
    uint64_t (*users)(const struct space_object *object);

    /* It is len bytes long from now on.  What lies past that is gone from every mapping, and the
     * rest of the last page is zeros.  PGW_RANGE; PGW_UNSUPPORTED: this manager's do not change. */
    enum pgw_status (*resize)(struct space_object *object, uint64_t len);
    uint64_t (*length)(const struct space_object *object);
    /* The file was changed by others: what is not newer here must be read again.  False: this
     * manager's objects cannot; who has this one keeps it as it was, and others need another. */
    bool (*forget)(struct space_object *object);
    /* Writes to the file what is newer here.  PGW_IO, PGW_NOSWAP: some of it stays, dirty. */
    enum pgw_status (*sync)(struct space_object *object);

    /* Copies from a file through its cache.  Stops early (*done) at a page that is not there and
     * for which there is no memory to spare, or at the file's end: the caller reads the rest from
     * the file and calls overlay.  PGW_IO, PGW_NOMEM. */
    enum pgw_status (*read)(
        struct space_object *object, uint64_t offset, void *buf, size_t len, size_t *done);
    /* buf is what the file has at offset: puts what is newer here over it. */
    void (*overlay)(struct space_object *object, uint64_t offset, void *buf, size_t len);
    /* buf has just been written to the file at offset. */
    void (*write)(struct space_object *object, uint64_t offset, const void *buf, size_t len);
};

/* How a fault ended. */
enum space_fault {
    SPACE_FAULT_OK,     /* the access can be tried again */
    SPACE_FAULT_MAPERR, /* no region there */
    SPACE_FAULT_ACCERR, /* a region, but not with this right */
    SPACE_FAULT_BUS,    /* past the end of the mapped file or memory object */
    SPACE_FAULT_IO,     /* the page could not be read back (device error, wrong checksum) */
    SPACE_FAULT_NOMEM,  /* RAM and swap are full */
    SPACE_FAULT_LIMIT,  /* what the space's group may have in RAM is full, and none of it can go */
    SPACE_FAULT_THRASH  /* RAM is too small for what this space needs at once: if others gave up
                           theirs, that would not help */
};

/* What a region is for: shown in reports and messages. */
enum space_use {
    SPACE_USE_ANON,
    SPACE_USE_FILE,
    SPACE_USE_HEAP,
    SPACE_USE_STACK,
    SPACE_USE_SHM /* memory that has a name or a descriptor, and no file */
};

/* Flags of space_map. */
#define SPACE_FIXED 1u     /* exactly at va, replacing what is there */
#define SPACE_NOREPLACE 2u /* with FIXED: PGW_EXIST if anything is there */
#define SPACE_GROWSDOWN                                                                            \
    4u /* a stack: a fault below it extends it, down to len_max bytes, but                         \
          never nearer than SPACE_GUARD to the region beneath */
#define SPACE_GUARD ((uint64_t)1 << 20)
#define SPACE_SHARED                                                                               \
    8u /* others see what is written here: whoever maps the object shared, and                     \
          after a fork the child */
#define SPACE_NORESERVE 16u /* not counted as promised, unless nothing may be overcommitted */
#define SPACE_NOWRITE 64u   /* with SHARED: may never become writable, PGW_ACCESS */
#define SPACE_KEEP                                                                                 \
    128u                 /* of remap: the old place stays mapped; what was private there is as new \
                          */
#define SPACE_LOCKED 32u /* as after lock(SPACE_LOCK_NOW), but without the pages: populate them */
#define SPACE_ONFAULT 256u /* with LOCKED: as after lock(SPACE_LOCK_ONFAULT) */

struct space_map_args {
    uint64_t va;  /* exact, or a hint (0: none) */
    uint64_t len; /* bytes, above 0; rounded up to pages */
    prot_t prot;
    unsigned flags;
    enum space_use use;
    struct space_object *object; /* NULL: zero fill.  The region takes a reference of its own. */
    uint64_t offset;             /* bytes into the object, page aligned */
    uint64_t len_max;            /* GROWSDOWN: how large it may become */
};

/* One region, as looked up. */
struct space_region {
    uint64_t start, end; /* [start, end) */
    prot_t prot;
    enum space_use use;
    bool growsdown;
    bool shared;
    bool nowrite; /* by SPACE_NOWRITE */
    bool locked;
    bool on_fault;   /* if locked: by SPACE_LOCK_ONFAULT */
    bool committed;  /* what it holds, or will, is promised or can be had elsewhere; not so of
                        addresses that are only reserved */
    unsigned advice; /* what was advised and stays so: bits 1 << enum space_advice */
    uint64_t offset;
    struct space_object *object;
};

/* What a program says about how it will use a range (madvise(2) has the words).  Those up to
 * SPACE_ADVICE_STAYS are kept with the region; the rest are done at once. */
enum space_advice {
    SPACE_ADVICE_RANDOM,     /* no read-ahead */
    SPACE_ADVICE_SEQUENTIAL, /* read far ahead; what lies behind may go soon */
    SPACE_ADVICE_HUGE,
    SPACE_ADVICE_NOHUGE,
    SPACE_ADVICE_MERGE,
    SPACE_ADVICE_DONTFORK,   /* a child does not have it */
    SPACE_ADVICE_WIPEONFORK, /* a child finds zeros */
    SPACE_ADVICE_STAYS = SPACE_ADVICE_WIPEONFORK,
    SPACE_ADVICE_NORMAL,     /* neither RANDOM nor SEQUENTIAL any more */
    SPACE_ADVICE_NOMERGE,    /* and what was merged is made single again */
    SPACE_ADVICE_DOFORK,     /* ends DONTFORK */
    SPACE_ADVICE_KEEPONFORK, /* ends WIPEONFORK */
    SPACE_ADVICE_WILLNEED,   /* reads it in */
    SPACE_ADVICE_DONTNEED,   /* private memory is as new, shared memory is unmapped */
    SPACE_ADVICE_FREE,       /* its content may be lost, until it is written again */
    SPACE_ADVICE_COLD,       /* next to go */
    SPACE_ADVICE_PAGEOUT,    /* goes now */
    SPACE_ADVICE_COLLAPSE,   /* into huge pages, now */
    SPACE_ADVICE_REMOVE,     /* shared memory: its content too, as a hole in the object */
    SPACE_ADVICE_DROP        /* DONTNEED, of what is locked as well; it stays locked */
};

enum space_lock {
    SPACE_LOCK_NOW,     /* its pages stay in RAM; the caller populates it */
    SPACE_LOCK_ONFAULT, /* those that are in RAM stay, and others as they come */
    SPACE_UNLOCK
};

/* What one region holds now, in pages. */
struct space_usage {
    uint64_t resident;     /* in RAM */
    uint64_t swapped;      /* on swap only */
    uint64_t shared;       /* resident, and seen by others too */
    uint64_t dirty;        /* resident, and newer than what is on its device, if anything is */
    uint64_t shared_dirty; /* both of these */
    uint64_t anon;         /* resident, and private: neither a file's nor shared memory's */
    uint64_t share;        /* bytes: of each resident page its size divided by how many see it */
    uint64_t huge;         /* resident, and mapped by entries larger than a page */
    uint64_t merged;       /* resident, and merged with equal pages */
    uint64_t locked;
};

/* The extent of a program's image, before it is placed. */
struct space_image {
    uint64_t start, end; /* of all its segments, page aligned */
    bool movable;        /* position independent: the layout says where it goes */
    /* Random numbers that make the places of things vary (address-space randomisation), one for
     * each of enum space_random; NULL: they do not. */
    const uint64_t *random;
};

enum space_random {
    SPACE_RANDOM_IMAGE, /* where a movable image goes */
    SPACE_RANDOM_HEAP,
    SPACE_RANDOM_MAPPINGS, /* below which mappings are placed */
    SPACE_RANDOM_STACK,
    SPACE_RANDOMS
};

/* How far one of them moves something, in bytes, page aligned: anywhere within a 256th of the
 * space's size, which is what Linux does for the four on riscv64 with Sv39 (18 bits of page number
 * each, of 26: ARCH_MMAP_RND_BITS_MIN, STACK_RND_MASK, arch_randomize_brk's 1 GiB). */
static inline uint64_t
space_random_shift(const uint64_t *random, enum space_random which, uint64_t space_end)
{
    return random != NULL ? page_floor(random[which] % ((space_end >> 8) + 1)) : 0;
}

/* Where the parts of a process go in this space, decided by its memory manager. */
struct space_layout {
    uint64_t end;        /* user addresses are [0, end) */
    uint64_t bias;       /* to be added to a movable image's addresses; else 0 */
    uint64_t heap;       /* where brk starts, page aligned */
    uint64_t stack_top;  /* the address above the stack */
    uint64_t stack_max;  /* bytes that the stack may grow to, page aligned */
    uint64_t trampoline; /* a page for the code that signal handlers return to */
    uint64_t guard;      /* a page under the stack that the hardware lets the program write to, and
                            that should be watched instead; 0: none is needed */
};

/* What a page of a space is backed by now. */
enum space_page_state {
    SPACE_PAGE_UNMAPPED,  /* no region */
    SPACE_PAGE_UNTOUCHED, /* no page yet: the first access makes it, of zeros */
    SPACE_PAGE_RESIDENT,  /* in RAM */
    SPACE_PAGE_SWAPPED,   /* on swap only */
    SPACE_PAGE_FILE       /* in its file only */
};

struct space_page {
    enum space_page_state state;
    struct mem_page *page; /* RESIDENT */
    uint64_t slot;         /* its copy on swap, which may also exist while it is resident;
                              UINT64_MAX: none */
    uint64_t sharers;      /* references to it: above 1, a write copies it or others see it */
    bool dirty;            /* RESIDENT: its copy on swap, if any, is out of date */
};

struct space_sizes {
    uint64_t mapped; /* bytes of all regions */
    uint64_t locked; /* bytes of those that are locked */
};

struct space_counts {
    uint64_t mapped;   /* bytes of all regions */
    uint64_t resident; /* pages in RAM: its anonymous ones and the object pages it has mapped */
    uint64_t swapped;  /* anonymous pages that are only on swap */
    uint64_t tables;   /* frames of its page tables */
    uint64_t minor, major, zero_fill, cow; /* faults, by kind; major: it waited for a device */
};

struct space {
    const struct space_ops *ops;
    uint64_t id;    /* unique in its system, never used again */
    uint32_t asid;  /* the tag of its translations */
    uint32_t group; /* whose limit its pages count against; 0: the root's, which has none */
    bool stuck;     /* its processor's: no instruction gets through, since the pages that one needs
                       at once chase each other out; what its faults bring is to stay */
};

struct space_ops {
    const char *name;

    /* A copy: private memory is copied on write.  PGW_NOMEM, PGW_NORAM. */
    enum pgw_status (*fork)(struct space *space, struct space **child);
    void (*destroy)(struct space *space);

    /* Makes a region; *va is where.  PGW_INVAL, PGW_RANGE, PGW_NOSPACE, PGW_EXIST, PGW_NOMEM. */
    enum pgw_status (*map)(struct space *space, const struct space_map_args *args, uint64_t *va);
    /* Takes away whatever is mapped in the range (nothing being there is no error). */
    enum pgw_status (*unmap)(struct space *space, uint64_t va, uint64_t len);
    /* PGW_NOTFOUND if part of the range is not mapped, PGW_ACCESS if part of it may never have
     * these rights; nothing is changed then. */
    enum pgw_status (*protect)(struct space *space, uint64_t va, uint64_t len, prot_t prot);
    /*
     * Resizes the mapping at old (one mapping, though it may be several regions that continue
     * each other) from old_len to new_len bytes; if it cannot grow in place and may_move, moves
     * it.  flags: SPACE_FIXED, to *va in place of what is there; SPACE_KEEP, which always moves
     * and does not resize.  old_len 0, of shared memory: maps it again.  *va: where it is now.
     * PGW_NOTFOUND, PGW_NOSPACE (cannot grow here), PGW_INVAL, PGW_NOMEM, PGW_NOCOMMIT, PGW_NORAM
     * (no more can be locked).
     */
    enum pgw_status (*remap)(struct space *space, uint64_t old, uint64_t old_len, uint64_t new_len,
        bool may_move, unsigned flags, uint64_t *va);

    /*
     * Changes how large the growing stack that contains va may become: len_max bytes, but never
     * more than it was mapped with.  What it has already stays.  PGW_NOTFOUND: no such stack.
     */
    enum pgw_status (*limit_growth)(struct space *space, uint64_t va, uint64_t len_max);

    /*
     * Maps the region of from that starts at from_va, all of it, into space as well, at *va (0:
     * anywhere): both see what either writes, with rights prot.  PGW_NOTFOUND: no region starts
     * there; PGW_UNSUPPORTED: this memory manager cannot share (that).  Else as map.
     */
    enum pgw_status (*share)(
        struct space *space, struct space *from, uint64_t from_va, prot_t prot, uint64_t *va);

    /* Resolves a fault at va. */
    enum space_fault (*fault)(struct space *space, uint64_t va, enum access access);
    /* The page behind va, faulted in for access, for the personality's own copying: valid until
     * the next call on any space of the system. */
    enum space_fault (*resolve)(
        struct space *space, uint64_t va, enum access access, unsigned char **bytes);

    /* The region that contains va, or the first one above it; false: none. */
    bool (*find)(struct space *space, uint64_t va, struct space_region *region);
    /*
     * What the byte at va is, whoever looks at it: the same *id and *offset in every space that has
     * the same memory, shared, there.  Memory of this space alone (or none) is
     * space_identity_own() and va.  When the memory is gone, nothing else ever gets its *id.
     */
    void (*identity)(struct space *space, uint64_t va, uint64_t *id, uint64_t *offset);
    void (*sizes)(struct space *space, struct space_sizes *sizes); /* quick */
    void (*counts)(struct space *space, struct space_counts *counts);
    /* What is behind va now; touches nothing. */
    void (*page)(struct space *space, uint64_t va, struct space_page *page);
    /* Sends what is behind va (a page, or the segment that holds it) out of RAM.  PGW_NOTFOUND: not
     * in RAM; PGW_AGAIN: busy or wired; PGW_NOSWAP: nowhere to put it; PGW_IO: it stays. */
    enum pgw_status (*evict)(struct space *space, uint64_t va);

    /*
     * What the program says about [va, va + len), both page aligned.  Holes are passed over and
     * reported at the end: PGW_NOTFOUND, as madvise(2) does with ENOMEM.  PGW_INVAL: not for this
     * kind of memory; PGW_UNSUPPORTED: this memory manager does nothing with it; PGW_AGAIN,
     * PGW_NOMEM, PGW_NORAM, PGW_IO.
     */
    enum pgw_status (*advise)(
        struct space *space, uint64_t va, uint64_t len, enum space_advice advice);
    /* Keeps pages in RAM, or no longer.  PGW_NOTFOUND: part of the range is not mapped (what lies
     * before has been done), PGW_NOMEM, PGW_UNSUPPORTED. */
    enum pgw_status (*lock)(struct space *space, uint64_t va, uint64_t len, enum space_lock how);
    /* Faults the range in, for writing where write.  PGW_NOTFOUND: a hole; PGW_ACCESS, PGW_RANGE
     * (past the end of the file), PGW_NORAM, PGW_IO: so far, and no further. */
    enum pgw_status (*populate)(struct space *space, uint64_t va, uint64_t len, bool write);
    /* vec[i]: is the i-th page from va in RAM?  PGW_NOTFOUND: part of the range is not mapped. */
    enum pgw_status (*incore)(
        struct space *space, uint64_t va, uint64_t npages, unsigned char *vec);
    /* Writes what was changed in shared file mappings of the range back to their files.
     * PGW_NOTFOUND: part of it is not mapped (the rest is done); PGW_IO. */
    enum pgw_status (*sync)(struct space *space, uint64_t va, uint64_t len);
    /* What the region that find() gave holds. */
    void (*usage)(
        struct space *space, const struct space_region *region, struct space_usage *usage);

    /* Where to place a program with this image (NULL: none, heap and trampoline are then 0) in this
     * space, which is empty; stack_max: bytes that its stack would like to be able to take.
     * PGW_NOSPACE: the space has no room for the image. */
    enum pgw_status (*layout)(struct space *space, const struct space_image *image,
        uint64_t stack_max, struct space_layout *layout);

    /* The space is what runs now: to be loaded into a hart, or again at its turn there.  With the
     * first deactivate() nobody runs it, until the next activate(). */
    void (*activate)(struct space *space, struct pmap_context *context);
    void (*deactivate)(struct space *space);

    bool (*check)(struct space *space);
};

/* For a memory manager that does nothing about these: PGW_UNSUPPORTED. */
enum pgw_status space_cannot_advise(
    struct space *space, uint64_t va, uint64_t len, enum space_advice advice);
enum pgw_status space_cannot_lock(
    struct space *space, uint64_t va, uint64_t len, enum space_lock how);
enum pgw_status space_cannot_populate(struct space *space, uint64_t va, uint64_t len, bool write);
enum pgw_status space_cannot_incore(
    struct space *space, uint64_t va, uint64_t npages, unsigned char *vec);
enum pgw_status space_cannot_sync(struct space *space, uint64_t va, uint64_t len);

/* Copies between the space and buf, faulting pages in.  *done (may be NULL): bytes copied before
 * the fault, len on OK. */
MUST_CHECK enum space_fault space_read(
    struct space *space, uint64_t va, void *buf, size_t len, size_t *done);
MUST_CHECK enum space_fault space_write(
    struct space *space, uint64_t va, const void *buf, size_t len, size_t *done);
/* Reads a string up to its NUL; SPACE_FAULT_NOMEM if it does not end within max bytes. */
MUST_CHECK enum space_fault space_read_string(
    struct space *space, uint64_t va, char *buf, size_t max);

/* What space_ops.identity tells: a number that is given once, of this kind. */
enum space_identity { SPACE_IDENTITY_OWN, SPACE_IDENTITY_SHARED, SPACE_IDENTITY_OBJECT };

static inline uint64_t
space_identity_make(enum space_identity kind, uint64_t number)
{
    return number << 2 | (unsigned)kind;
}

static inline uint64_t
space_identity_own(const struct space *space)
{
    return space_identity_make(SPACE_IDENTITY_OWN, space->id);
}

#endif
