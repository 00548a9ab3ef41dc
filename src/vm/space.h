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

struct vm_object;

/* How a fault ended. */
enum space_fault {
    SPACE_FAULT_OK,     /* the access can be tried again */
    SPACE_FAULT_MAPERR, /* no region there */
    SPACE_FAULT_ACCERR, /* a region, but not with this right */
    SPACE_FAULT_BUS,    /* past the end of the mapped file */
    SPACE_FAULT_IO,     /* the page could not be read back (device error, wrong checksum) */
    SPACE_FAULT_NOMEM   /* RAM and swap are full */
};

/* What a region is for: shown in reports and messages. */
enum space_use { SPACE_USE_ANON, SPACE_USE_FILE, SPACE_USE_HEAP, SPACE_USE_STACK };

/* Flags of space_map. */
#define SPACE_FIXED 1u     /* exactly at va, replacing what is there */
#define SPACE_NOREPLACE 2u /* with FIXED: PGW_EXIST if anything is there */
#define SPACE_GROWSDOWN                                                                            \
    4u /* a stack: a fault below it extends it, down to len_max bytes, but                         \
          never nearer than SPACE_GUARD to the region beneath */
#define SPACE_GUARD ((uint64_t)1 << 20)

struct space_map_args {
    uint64_t va;  /* exact, or a hint (0: none) */
    uint64_t len; /* bytes, above 0; rounded up to pages */
    prot_t prot;
    unsigned flags;
    enum space_use use;
    struct vm_object *object; /* a file, private; NULL: zero fill.  The region takes a reference
                                 of its own. */
    uint64_t offset;          /* bytes into the object, page aligned */
    uint64_t len_max;         /* GROWSDOWN: how large it may become */
};

/* One region, as looked up. */
struct space_region {
    uint64_t start, end; /* [start, end) */
    prot_t prot;
    enum space_use use;
    bool growsdown;
    uint64_t offset;
    const struct vm_object *object;
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
    uint64_t id; /* unique in its system, never used again */
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
    /* PGW_NOTFOUND if part of the range is not mapped; nothing is changed then. */
    enum pgw_status (*protect)(struct space *space, uint64_t va, uint64_t len, prot_t prot);
    /*
     * Resizes the mapping at old (all within one region) from old_len to new_len bytes; if it
     * cannot grow in place and may_move, moves it (to *va if fixed).  *va: where it is now.
     * PGW_NOTFOUND, PGW_NOSPACE (cannot grow here), PGW_INVAL, PGW_NOMEM.
     */
    enum pgw_status (*remap)(struct space *space, uint64_t old, uint64_t old_len, uint64_t new_len,
        bool may_move, bool fixed, uint64_t *va);

    /*
     * Changes how large the growing stack that contains va may become: len_max bytes, but never
     * more than it was mapped with.  What it has already stays.  PGW_NOTFOUND: no such stack.
     */
    enum pgw_status (*limit_growth)(struct space *space, uint64_t va, uint64_t len_max);

    /* Resolves a fault at va. */
    enum space_fault (*fault)(struct space *space, uint64_t va, enum access access);
    /* The page behind va, faulted in for access, for the personality's own copying: valid until
     * the next call on any space of the system. */
    enum space_fault (*resolve)(
        struct space *space, uint64_t va, enum access access, unsigned char **bytes);

    /* The region that contains va, or the first one above it; false: none. */
    bool (*find)(struct space *space, uint64_t va, struct space_region *region);
    void (*counts)(struct space *space, struct space_counts *counts);

    void (*activate)(struct space *space, struct pmap_context *context);
    void (*deactivate)(struct space *space);

    bool (*check)(struct space *space);
};

/* Copies between the space and buf, faulting pages in.  *done (may be NULL): bytes copied before
 * the fault, len on OK. */
MUST_CHECK enum space_fault space_read(
    struct space *space, uint64_t va, void *buf, size_t len, size_t *done);
MUST_CHECK enum space_fault space_write(
    struct space *space, uint64_t va, const void *buf, size_t len, size_t *done);
/* Reads a string up to its NUL; SPACE_FAULT_NOMEM if it does not end within max bytes. */
MUST_CHECK enum space_fault space_read_string(
    struct space *space, uint64_t va, char *buf, size_t max);

#endif
