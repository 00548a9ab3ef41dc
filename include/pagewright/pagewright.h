/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libpagewright: a virtual memory system in user space.
 *
 * A system is some simulated RAM, a translation scheme, a replacement policy and a swap device.
 * It is used in two ways, which may be mixed:
 *
 *   - as a memory subsystem: make spaces, map memory in them, read and write it, fork them;
 *   - as a machine: pgw_run() runs a riscv64 Linux program on it.
 *
 *      struct pgw_config config;
 *      struct pgw_system *system;
 *      int wait_status;
 *
 *      pgw_config_init(&config);
 *      config.ram = 4 << 20;
 *      if (pgw_system_create(&config, &system) == PGW_OK) {
 *          if (pgw_run(system, "./hello", argv, environ, &wait_status) == PGW_OK)
 *              pgw_report_text(system, stderr);
 *          pgw_system_destroy(system);
 *      }
 *
 * Rules for the whole interface
 *
 *   Sizes, lengths and addresses are in bytes; addresses are those of the space unless a name
 *   says otherwise.  A page is PGW_PAGE_SIZE bytes.
 *
 *   A function that can fail returns enum pgw_status.  On anything but PGW_OK its outputs are
 *   untouched and the system is as it was before, except where a function says otherwise.
 *   pgw_error_text() then has one line that says more than the status can.
 *
 *   Handles are opaque.  What a create function returns belongs to the caller, who destroys it.
 *   Strings and structures that are passed in are only read during the call.
 *
 *   There is no state outside a system: several systems can live in one process, each used by a
 *   thread of its own.  Calls on one system, or on spaces of one system, must not overlap in
 *   time.  The one exception is pgw_interrupt().
 *
 *   Nothing here prints, exits, or changes signal handlers; what a program that is being run
 *   does to its files and descriptors, it does to the calling process's.
 */
#ifndef PAGEWRIGHT_PAGEWRIGHT_H
#define PAGEWRIGHT_PAGEWRIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <pagewright/grouping.h>
#include <pagewright/memory.h>
#include <pagewright/named.h>
#include <pagewright/stats.h>
#include <pagewright/status.h>
#include <pagewright/transcendent.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PGW_PAGE_SIZE 4096u

struct pgw_system;
struct pgw_space;

/* The library's version, such as "0.1.0"; static storage. */
PGW_API const char *pgw_version(void);

/*
 * Reads a size such as 512K, 64M, 2G, 1T, 100p or a plain number of bytes: units of 1024 in either
 * case with an optional trailing "iB" or "B", or "p", pages of PGW_PAGE_SIZE; nothing else before
 * or after.
 * PGW_INVAL: not a size; PGW_RANGE: more than 2^63-1.
 */
PGW_API enum pgw_status pgw_size_parse(const char *text, uint64_t *bytes);

/* ---------------------------------------------------------------------------------------- */
/* Making a system                                                                          */

enum pgw_swap {
    PGW_SWAP_TEMP, /* a nameless temporary file in $TMPDIR, gone with the system */
    PGW_SWAP_NONE, /* what does not fit in RAM does not fit */
    PGW_SWAP_FILE, /* swap_path: a regular file, made if absent and left behind, or a block
                      device.  What it contained is lost. */
    PGW_SWAP_STACK /* swap_path: levels in words, a compressed pool in RAM and up to 8 devices that
                      it overflows to, such as "zpool:25%,file:/var/tmp/swap:1G,nbd:URI"; see
                      --swap in pagewright(1).  swap_size: of a device whose size is not given */
};

/* How much memory may be promised: Linux's vm.overcommit_memory 0, 1 and 2.  Counted are private
 * mappings that may be written, and shared memory; without effect on contiguous schemes, where
 * what is mapped has a place at once. */
enum pgw_overcommit {
    PGW_OVERCOMMIT_HEURISTIC, /* a call for more than RAM and swap together is refused */
    PGW_OVERCOMMIT_ALWAYS,
    PGW_OVERCOMMIT_NEVER /* no more than swap and overcommit_ratio percent of RAM in all: what was
                            promised is always there */
};

/* Which equal pages of private memory become one, until somebody writes to it.  Without effect on
 * contiguous schemes.  A write to a merged page takes longer, which lets a program find out what
 * others' pages hold: so it is for those who ask for it. */
enum pgw_merge {
    PGW_MERGE_OFF,
    PGW_MERGE_ADVISED, /* where the program said MADV_MERGEABLE */
    PGW_MERGE_ALL      /* everywhere */
};

/*
 * What the report's effective access time is computed from, in nanoseconds.  The defaults and
 * where they come from are in pagewright(1).
 */
struct pgw_cost {
    double tlb_ns;      /* an access that hits the first-level TLB, for the look-up alone */
    double l2_ns;       /* a look-up in the second-level TLB, on top */
    double ram_ns;      /* a memory reference: the access itself, and each reference of a walk */
    double fault_ns;    /* entering, resolving and leaving a fault, device time excluded */
    double disk_ns;     /* one operation of the swap device (it moves up to 16 neighbouring pages),
                           or one page read from a file */
    double refill_ns;   /* an exception and its handler, where walks are the core's own work
                           (software-managed TLB); what it reads from tables is ram_ns, on top */
    double switch_ns;   /* going from one space to another: scheduler, processor state */
    double register_ns; /* on top of that, each register of the scheme that is written */
    double move_ns;     /* copying one page within RAM, for compaction and for fork without
                           copy-on-write */
    double ipi_ns;      /* a shootdown's interrupt of another hart: sending it, its handler there,
                           and waiting for its answer */
    double zstd_ns,
        unzstd_ns;           /* compressing a page for the compressed pool, and making one whole */
    double lz4_ns, unlz4_ns; /* the same, in a pool with lz4 */
};

/* Fill it with pgw_config_init(), then change what you want. */
struct pgw_config {
    size_t size; /* of this structure, as the caller was compiled: set by pgw_config_init() */

    uint64_t ram;          /* bytes of simulated RAM, rounded down to pages (64 MiB) */
    enum pgw_swap swap;    /* (PGW_SWAP_TEMP) */
    const char *swap_path; /* for PGW_SWAP_FILE and PGW_SWAP_STACK */
    uint64_t swap_size;    /* bytes, rounded down to pages; 0: four times the RAM (0) */
    const char *mmu;       /* a name that pgw_mmu_name() gives, perhaps with options: NAME or
                              NAME:OPTION,...; pgw_mmu_options() lists them ("sv39") */
    const char *policy;    /* a name that pgw_policy_name() gives, perhaps with parameters: NAME or
                              NAME:KEY=VALUE:...; pgw_policy_param() lists them ("clock").  Without
                              effect on contiguous schemes */
    const char *tlb;       /* "none", a preset that pgw_tlb_preset_name() gives, or items such as
                              "l1=64:4,l2=1536:12": see pagewright(1).  Without effect on schemes
                              that have no pages ("l1=64:4,l2=1536:12:4k+2m") */
    uint64_t seed; /* of everything that is random: same arguments, same seed, same run (1) */

    /* For pgw_run(). */
    uint64_t slice;     /* instructions a process runs before the next one's turn (100,000) */
    uint64_t window;    /* instructions a working-set window; 0: not measured (1,000,000) */
    uint64_t stack_max; /* bytes that a process's stack may grow to (1 GiB) */

    struct pgw_cost cost;

    /*
     * One line for the person who runs a program (a process was ended, and why), without a
     * newline.  NULL: such lines are dropped.
     */
    void (*message)(void *ctx, const char *text);
    void *message_ctx;

    /* Where pgw_system_create() writes what went wrong, one line, cut to error_len bytes with
     * the NUL.  NULL: nowhere. */
    char *error;
    size_t error_len;

    enum pgw_overcommit overcommit; /* (PGW_OVERCOMMIT_HEURISTIC) */
    unsigned overcommit_ratio;      /* percent; RAM that cannot be promised is left out (50) */
    /* For pgw_run(). */
    bool aslr; /* programs, heaps, mappings and stacks are placed at random, by seed (false) */
    /* A directory below which a program's absolute paths are looked up first, for reading: where
     * the libraries of dynamically linked programs are.  NULL: /usr/riscv64-linux-gnu for programs
     * whose interpreter is there and not on the host, and nowhere for others (NULL) */
    const char *sysroot;
    /* Paged schemes: the most pages that are read beyond one that must be, where the faults before
     * show a pattern; 0: none, 31 is the most (15: with the one asked for, one operation). */
    unsigned readahead;
    /* The most pages of a file, of those in RAM already, that one fault maps; 1: itself, 64 is the
     * most (16). */
    unsigned fault_around;

    /* Percent of the time that may be lost to memory being taken ahead of need, what has been idle
     * the longest first, to see how much is really needed; 0: none is taken (0).  A target below 2
     * may be passed, up to that, until it is known that memory that was idle is wanted after
     * all. */
    unsigned proactive;

    const struct pgw_group_config *groups; /* made in this order (none) */
    size_t ngroups;

    enum pgw_merge merge; /* (PGW_MERGE_ADVISED) */
    uint64_t merge_rate;  /* for pgw_run(): pages looked at in a million instructions (20) */
    unsigned harts;       /* that pgw_run() has, each with TLBs of its own: 1 to 16 (1) */
    /* Which private anonymous memory gets huge pages (the largest up to 4 MiB that the scheme has)
     * unasked: "off", "madvise" (what the program advised), "always".  And how: "direct", whole
     * with the first fault, while RAM is plenty; "reserve", page by page in frames that it reserves
     * and that others get before any page goes; "auto", direct where advised, else reserve. */
    const char *huge, *huge_alloc; /* ("madvise", "auto") */
    bool maps; /* the report has what each process that pgw_run() ran had mapped when it ended, of
                  the first 64 (false) */
};

/* Sets every field to its default (in brackets above).  size: sizeof(struct pgw_config). */
PGW_API void pgw_config_init_sized(struct pgw_config *config, size_t size);

static inline void
pgw_config_init(struct pgw_config *config)
{
    pgw_config_init_sized(config, sizeof *config);
}

/*
 * Makes a system.
 *   PGW_INVAL        an unknown name, a malformed tlb, or a configuration of another version
 *   PGW_NORAM        ram is less than PGW_RAM_MIN, or too little for the scheme's tables
 *   PGW_RANGE        ram is more than the scheme's entries can name
 *   PGW_NOMEM        the host has no memory for it
 *   PGW_NOTFOUND, PGW_ACCESS, PGW_IO, PGW_NOSWAP  the swap file cannot be made
 */
PGW_API enum pgw_status pgw_system_create(
    const struct pgw_config *config, struct pgw_system **system);

#define PGW_RAM_MIN ((uint64_t)64 << 10)

/* Ends it, with all its spaces.  NULL is allowed. */
PGW_API void pgw_system_destroy(struct pgw_system *system);

/*
 * One line on the last call on this system, or on a space of it, that did not return PGW_OK;
 * "" when there was none, or when system is NULL.  Valid until the next call on the system.
 */
PGW_API const char *pgw_error_text(const struct pgw_system *system);

/* ---------------------------------------------------------------------------------------- */
/* Spaces                                                                                   */

/* Rights, a mask. */
#define PGW_READ 1u
#define PGW_WRITE 2u
#define PGW_EXEC 4u

/* Flags of pgw_map(). */
#define PGW_FIXED 1u     /* exactly at *va, in place of what is there */
#define PGW_NOREPLACE 2u /* with PGW_FIXED: PGW_EXIST if anything is there */
#define PGW_SHARED 4u    /* what is written is seen by forks, and by all who map the file so */

/* An empty address space.  PGW_NOMEM; PGW_NORAM: no frame for its page table. */
PGW_API enum pgw_status pgw_space_create(struct pgw_system *system, struct pgw_space **space);

/* Ends it and frees what it held.  NULL is allowed. */
PGW_API void pgw_space_destroy(struct pgw_space *space);

/*
 * A copy of space, made by copy-on-write: both see the same bytes, and neither sees what the
 * other writes from now on.  PGW_NOMEM, PGW_NORAM.
 */
PGW_API enum pgw_status pgw_fork(struct pgw_space *space, struct pgw_space **child);

/* The end of what a program may address: user addresses are below it. */
PGW_API uint64_t pgw_space_end(const struct pgw_space *space);

/*
 * Maps len bytes (rounded up to pages) of zeros with rights prot.  *va: on entry where (exactly
 * with PGW_FIXED, else near there, 0 for anywhere); on PGW_OK, where it is.  Takes no RAM until
 * it is used.
 * PGW_INVAL: len 0, *va not page aligned, unknown flags or rights; PGW_RANGE: outside the space;
 * PGW_NOSPACE: no hole that large; PGW_EXIST; PGW_NOMEM.  On contiguous schemes it takes its RAM at
 * once: PGW_NORAM; PGW_UNSUPPORTED: PGW_SHARED.
 */
PGW_API enum pgw_status pgw_map(
    struct pgw_space *space, uint64_t len, unsigned prot, unsigned flags, uint64_t *va);

/*
 * The same, of a host file from offset (page aligned) on, private: writes stay in the space; or,
 * with PGW_SHARED, for which fd is open for reading and writing, go to the file: when pgw_sync()
 * says so, when their page leaves RAM, and at the latest when pgw_run() returns or the system ends.
 * Past the end of the file there are zeros up to the page's end, and PGW_RANGE beyond.  fd is
 * open for reading and is not kept; spaces that map the same file share its pages.
 * As pgw_map, and PGW_IO, PGW_ACCESS: fd cannot be read, or written; PGW_UNSUPPORTED: not a regular
 * file, or shared memory on a contiguous scheme.
 */
PGW_API enum pgw_status pgw_map_file(struct pgw_space *space, int fd, uint64_t offset, uint64_t len,
    unsigned prot, unsigned flags, uint64_t *va);

/* Writes what was changed in shared file mappings of [va, va + len) to their files.  PGW_NOTFOUND:
 * part of it is not mapped, and the rest is done; PGW_IO, PGW_NOSWAP: not all could be written, and
 * what could not stays; PGW_INVAL, PGW_RANGE. */
PGW_API enum pgw_status pgw_sync(struct pgw_space *space, uint64_t va, uint64_t len);

/* Takes away what is mapped in [va, va + len); nothing being there is no error.  PGW_INVAL: not
 * page aligned, or len 0; PGW_RANGE; PGW_NOMEM. */
PGW_API enum pgw_status pgw_unmap(struct pgw_space *space, uint64_t va, uint64_t len);

/* Changes rights.  PGW_NOTFOUND: part of the range is not mapped, and nothing was changed;
 * PGW_INVAL, PGW_RANGE, PGW_NOMEM. */
PGW_API enum pgw_status pgw_protect(
    struct pgw_space *space, uint64_t va, uint64_t len, unsigned prot);

/*
 * Resizes the mapping [*va, *va + old_len), all of it in one region, to new_len bytes; with
 * may_move it may go elsewhere, and *va says where it is.
 * PGW_NOTFOUND, PGW_NOSPACE, PGW_INVAL, PGW_RANGE, PGW_NOMEM.
 */
PGW_API enum pgw_status pgw_remap(
    struct pgw_space *space, uint64_t old_len, uint64_t new_len, bool may_move, uint64_t *va);

/*
 * Maps the region of from that starts at from_va, as a whole, into space too, with rights prot:
 * both see what either writes.  *va: on entry where (0: anywhere), on PGW_OK where it is.
 * PGW_NOTFOUND: no region starts there; PGW_UNSUPPORTED: this scheme cannot share it; else as
 * pgw_map().  A contiguous scheme shares the whole segment that holds the region.
 */
PGW_API enum pgw_status pgw_share(
    struct pgw_space *space, struct pgw_space *from, uint64_t from_va, unsigned prot, uint64_t *va);

/* Loads the space's registers, as a scheduler does before its program runs.  The calls below do it
 * when they have to. */
PGW_API void pgw_switch(struct pgw_space *space);

/*
 * Reads and writes as the space's program would: through the modelled MMU, page by page, taking
 * the faults that this takes.  What was copied before a failure stays copied.
 *   PGW_NOTFOUND  nothing is mapped there
 *   PGW_ACCESS    the rights do not allow it
 *   PGW_RANGE     beyond the end of a mapped file, or va + len wraps around
 *   PGW_IO        the page could not be read back from its device
 *   PGW_NORAM     RAM and swap are full
 */
PGW_API enum pgw_status pgw_read(struct pgw_space *space, uint64_t va, void *buf, size_t len);
PGW_API enum pgw_status pgw_write(
    struct pgw_space *space, uint64_t va, const void *buf, size_t len);

/*
 * The bytes behind va up to the end of its page, after an access of that right (one of PGW_READ,
 * PGW_WRITE, PGW_EXEC): for an emulator that loads and stores by itself.  *bytes is valid, for
 * that kind of access, until the next call on any space of the system.  Fails as pgw_read does.
 */
PGW_API enum pgw_status pgw_resolve(
    struct pgw_space *space, uint64_t va, unsigned right, void **bytes, size_t *len);

/* Sends the page at va (on a contiguous scheme, its segment) out of RAM now.  PGW_NOTFOUND: not in
 * RAM; PGW_NOSWAP: nowhere to put it; PGW_IO: it could not be written, and stays; PGW_AGAIN: it is
 * locked. */
PGW_API enum pgw_status pgw_evict(struct pgw_space *space, uint64_t va);

/* Reserving and committing, advice, locks: <pagewright/memory.h>, which this file includes. */

/* A stretch of a space with one origin and the same rights. */
struct pgw_region {
    uint64_t start, end; /* [start, end) */
    unsigned prot;
    const char *use;   /* "anon", "file", "heap", "stack" or "shm"; static storage */
    uint64_t offset;   /* "file": bytes into the file */
    const char *state; /* "reserved", "committed" or "shared"; static storage */
    bool locked;
};

/* The region that contains va, or the first one above it.  PGW_NOTFOUND: there is none. */
PGW_API enum pgw_status pgw_region_at(
    struct pgw_space *space, uint64_t va, struct pgw_region *region);

struct pgw_space_counts {
    uint64_t mapped;         /* bytes of all regions */
    uint64_t resident;       /* pages in RAM */
    uint64_t swapped;        /* pages that are on swap only */
    uint64_t tables;         /* frames that its page tables take */
    uint64_t minor;          /* faults that were resolved without a device */
    uint64_t major;          /* faults that waited for one */
    uint64_t zero_fill, cow; /* of these: pages made fresh; pages copied on write */
};

PGW_API void pgw_space_counts(struct pgw_space *space, struct pgw_space_counts *counts);

/* ---------------------------------------------------------------------------------------- */
/* Looking inside.  None of these changes anything but what pgw_walk_string() says.          */

/* A number that no other space of the system has or had. */
PGW_API uint64_t pgw_space_id(const struct pgw_space *space);
/* The space with that number; NULL: there is none (any more), or it is a running program's. */
PGW_API struct pgw_space *pgw_space_of_id(const struct pgw_system *system, uint64_t id);

enum pgw_page_state {
    PGW_PAGE_UNMAPPED,  /* no region */
    PGW_PAGE_UNTOUCHED, /* no page yet: the first access makes it, of zeros */
    PGW_PAGE_RESIDENT,  /* in RAM */
    PGW_PAGE_SWAPPED,   /* on swap only: "on disk" */
    PGW_PAGE_FILE       /* in its file only */
};

#define PGW_NO_SLOT UINT64_MAX

struct pgw_page {
    enum pgw_page_state state;
    uint64_t frame;   /* RESIDENT: the number of its frame */
    uint64_t slot;    /* its slot on swap, which it may keep while it is resident; PGW_NO_SLOT */
    uint64_t sharers; /* who refers to it: above 1, a write copies it or is seen by others */
    bool dirty;       /* RESIDENT: newer than its copy on swap or in the file */
};

PGW_API void pgw_page_at(struct pgw_space *space, uint64_t va, struct pgw_page *page);

/* A frame of RAM. */
struct pgw_frame {
    uint64_t number; /* of the frame: physical address divided by PGW_PAGE_SIZE */
    const char *use; /* "free", "anon", "file", "table", "core" or, on contiguous schemes, the name
                        of the segment; static storage */
    uint64_t mappings; /* how many spaces map it; the first one is: */
    uint64_t space;    /* pgw_space_id(); 0: none, or none of the public interface's */
    uint64_t va;
    bool dirty, referenced, wired;
};

/* The i-th frame, from 0.  PGW_NOTFOUND: there are fewer. */
PGW_API enum pgw_status pgw_frame_at(
    struct pgw_system *system, uint64_t i, struct pgw_frame *frame);

/* A place in a TLB or walk cache. */
struct pgw_tlb_entry {
    char array[16]; /* such as "L1D" or "L2 2M"; places of one array follow each other */
    bool valid;
    uint64_t page;  /* number of the program's page; of a walk cache, of the first one it serves */
    uint64_t pages; /* how many it covers */
    uint64_t frame;
    uint64_t space; /* pgw_space_id(); 0: global, or none of the public interface's */
    bool global;
    unsigned prot;
    bool dirty; /* writes go through without a walk */
};

/* The i-th place.  PGW_NOTFOUND: there are fewer. */
PGW_API enum pgw_status pgw_tlb_at(
    struct pgw_system *system, uint64_t i, struct pgw_tlb_entry *entry);

/* A piece of a contiguous scheme's RAM: a partition or a hole. */
struct pgw_partition {
    uint64_t frame, frames; /* the first one's number, and how many */
    bool used;              /* false: a hole */
    const char *name;       /* of the segment: "program", "code", "heap", "mappings", "stack" */
    uint64_t space;         /* as above, of one that has it */
    uint64_t va;            /* of its first byte there */
    uint64_t sharers;
};

/* The i-th by address.  PGW_NOTFOUND: there are fewer; PGW_UNSUPPORTED: the scheme is paged. */
PGW_API enum pgw_status pgw_partition_at(
    struct pgw_system *system, uint64_t i, struct pgw_partition *partition);

/* Moves what is in RAM together, so that free RAM is in one piece (contiguous schemes) or in as
 * many runs of the size of a huge page as can be made (paged ones). */
PGW_API enum pgw_status pgw_compact(struct pgw_system *system);

/* Why a run of 2^order frames could not be had now, and the share of free frames in smaller runs:
 * as fragmentation_index and unusable_index in struct pgw_stats.  PGW_UNSUPPORTED: the scheme is
 * contiguous; PGW_RANGE: no run is that large. */
PGW_API enum pgw_status pgw_fragmentation(
    struct pgw_system *system, unsigned order, double *index, double *unusable);

/*
 * Looks for equal pages, at npages of them or to the end of the scan that is under way, and merges
 * those that config.merge allows and that were the same in the scan before.  *merged: pages saved
 * by this call.  pgw_run() does this as it goes, at config.merge_rate.  PGW_UNSUPPORTED: the scheme
 * is contiguous, or config.merge is PGW_MERGE_OFF.
 */
PGW_API enum pgw_status pgw_merge(struct pgw_system *system, uint64_t npages, uint64_t *merged);

/*
 * Every step of the translation of va for an access of that right (one of PGW_READ, PGW_WRITE,
 * PGW_EXEC), as it would go now, in words and figures or as JSON (docs/translate.schema.json); and
 * what the memory manager knows of the page ("on disk, slot 7").  Loads the space's registers
 * first, as pgw_switch() does.  The string is the caller's, to free().  PGW_INVAL, PGW_NOMEM.
 */
PGW_API enum pgw_status pgw_walk_string(
    struct pgw_space *space, uint64_t va, unsigned right, bool json, char **text);

/* The space's translation tables or registers as they are, one line for each entry that is in use,
 * with its bytes' value.  The string is the caller's, to free().  PGW_NOMEM. */
PGW_API enum pgw_status pgw_pagetable_string(struct pgw_space *space, char **text);

/* ---------------------------------------------------------------------------------------- */
/* A translation by itself, without a system: for learning, and for checking by hand.        */

/* One mapping of the table that is asked about. */
struct pgw_translate_map {
    uint64_t page;  /* number of the program's page (address divided by the page size) */
    uint64_t frame; /* number of the frame, or of the slot, or the value of the entry */
    uint64_t
        bytes;    /* of the page; 0: 4096.  Page and frame are counted in 4096 bytes all the same */
    bool on_disk; /* the page is on swap, in slot `frame` */
    bool kernel;  /* not for user mode */
    unsigned prot; /* PGW_READ | ... */
    bool accessed; /* it has been accessed, or written to, before */
    bool dirty;
    bool entry; /* the entry's value is `frame` as it stands, for trying out what hardware makes of
                   it */
};

#define PGW_UNGIVEN UINT64_MAX

/*
 * One register of a contiguous scheme, in bytes: an address a in [origin, origin + limit) goes to
 * a - origin + base; with down, one in [origin - limit, origin) to a - origin + base.  With several
 * ("segments"), the top bits of an address pick one, as the scheme's options say: the i-th is for
 * the i-th window.  If all origins are given, the windows are instead the largest ones that each
 * hold one segment.
 */
struct pgw_translate_segment {
    uint64_t origin; /* PGW_UNGIVEN: the window's start; with down, its end */
    uint64_t base;
    uint64_t limit; /* PGW_UNGIVEN: there is none */
    unsigned prot;
    bool down;
};

struct pgw_translate {
    size_t size;                          /* set it to sizeof(struct pgw_translate) */
    const char *mmu;                      /* as in pgw_config; NULL: "sv39" */
    const struct pgw_translate_map *maps; /* paged schemes */
    size_t nmaps;
    const struct pgw_translate_segment *segments; /* contiguous schemes; base-bounds has one */
    size_t nsegments;
    uint64_t va;
    unsigned right; /* one of PGW_READ, PGW_WRITE, PGW_EXEC; 0: PGW_READ */
    bool json;
    bool tables; /* also every entry of the tables, with its bytes' value */
    /* Where what is wrong is written, one line; NULL: nowhere. */
    char *error;
    size_t error_len;
    bool decimal; /* figures are in decimal first, in hexadecimal beside it */
};

/*
 * Builds the tables (or registers) that are described and translates, step by step, as text or
 * JSON. *fault: NULL, or whether it ended in a fault.  The string is the caller's, to free().
 * PGW_INVAL: unknown scheme, a mapping that it cannot have; PGW_RANGE: an address, page or frame
 * that its entries have no bits for; PGW_NOMEM.
 */
PGW_API enum pgw_status pgw_translate_string(
    const struct pgw_translate *question, bool *fault, char **text);

/* ---------------------------------------------------------------------------------------- */
/* Running a program                                                                        */

/*
 * Runs the riscv64 Linux program at path (used as given, not searched for in PATH) with
 * NULL-terminated argv and envp, until it and every process it made have ended.  Its descriptors
 * 0, 1, 2 and its files are the calling process's.  *wait_status: how it ended, as wait(2)
 * encodes it (WIFEXITED and so on apply).  May be called again when it has returned: figures add
 * up, the working set is the last run's.
 *   PGW_NOTFOUND  no such file
 *   PGW_ACCESS    it may not be read or executed
 *   PGW_NOEXEC    not a program that this machine runs; pgw_error_text() says why
 *   PGW_NORAM     the RAM is too small to start it; pgw_error_text() says so
 *   PGW_NOMEM, PGW_IO
 */
PGW_API enum pgw_status pgw_run(struct pgw_system *system, const char *path, char *const *argv,
    char *const *envp, int *wait_status);

/*
 * Sends a signal (a Linux signal number, as for kill(2)) to every process of the program that
 * pgw_run() is running, as a terminal does on an interrupt key.  It may be called from a signal
 * handler and from any thread.  With nothing running it has no effect.
 */
PGW_API void pgw_interrupt(struct pgw_system *system, int signo);

/* What happened, in figures and as a report: <pagewright/stats.h>, which this file includes. */

/* True if every structure of the system agrees with every other.  Slow; for tests. */
PGW_API bool pgw_system_check(struct pgw_system *system);

#ifdef __cplusplus
}
#endif

#endif
