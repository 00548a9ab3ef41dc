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

#include <pagewright/status.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PGW_PAGE_SIZE 4096u
#define PGW_LEVELS_MAX 5 /* the most levels that a page table has */

struct pgw_system;
struct pgw_space;

/* The library's version, such as "0.1.0"; static storage. */
PGW_API const char *pgw_version(void);

/*
 * Reads a size such as 512K, 64M, 2G, 1T or a plain number of bytes: units of 1024 in either
 * case, an optional trailing "iB" or "B", nothing else before or after.
 * PGW_INVAL: not a size; PGW_RANGE: more than 2^63-1.
 */
PGW_API enum pgw_status pgw_size_parse(const char *text, uint64_t *bytes);

/* ---------------------------------------------------------------------------------------- */
/* Making a system                                                                          */

enum pgw_swap {
    PGW_SWAP_TEMP, /* a nameless temporary file in $TMPDIR, gone with the system */
    PGW_SWAP_NONE, /* what does not fit in RAM does not fit */
    PGW_SWAP_FILE  /* swap_path: a regular file, made if absent and left behind, or a block
                      device.  What it contained is lost. */
};

/*
 * What the report's effective access time is computed from, in nanoseconds.  The defaults and
 * where they come from are in pagewright(1).
 */
struct pgw_cost {
    double tlb_ns;   /* an access that hits the first-level TLB, for the look-up alone */
    double l2_ns;    /* a look-up in the second-level TLB, on top */
    double ram_ns;   /* a memory reference: the access itself, and each reference of a walk */
    double fault_ns; /* entering, resolving and leaving a fault, device time excluded */
    double disk_ns;  /* one operation of the swap device (it moves up to 16 neighbouring pages),
                        or one page read from a file */
};

/* Fill it with pgw_config_init(), then change what you want. */
struct pgw_config {
    size_t size; /* of this structure, as the caller was compiled: set by pgw_config_init() */

    uint64_t ram;          /* bytes of simulated RAM, rounded down to pages (64 MiB) */
    enum pgw_swap swap;    /* (PGW_SWAP_TEMP) */
    const char *swap_path; /* for PGW_SWAP_FILE */
    uint64_t swap_size;    /* bytes, rounded down to pages; 0: four times the RAM (0) */
    const char *mmu;       /* a name that pgw_mmu_name() gives ("sv39") */
    const char *policy;    /* a name that pgw_policy_name() gives ("clock") */
    const char *tlb;       /* "l1=ENTRIES:WAYS,l2=ENTRIES:WAYS" or "none"; ENTRIES / WAYS is a
                              power of two.  L1 stands for an instruction and a data TLB of that
                              size each, L2 is shared ("l1=64:4,l2=1536:12") */
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
 *   PGW_NORAM        ram is less than PGW_RAM_MIN
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

/* The i-th translation scheme, policy or kind of swap that can be asked for, and what it is in
 * one line; NULL when there are fewer.  Static storage. */
PGW_API const char *pgw_mmu_name(unsigned i);
PGW_API const char *pgw_mmu_summary(unsigned i);
PGW_API const char *pgw_policy_name(unsigned i);
PGW_API const char *pgw_policy_summary(unsigned i);
PGW_API const char *pgw_pager_name(unsigned i);
PGW_API const char *pgw_pager_summary(unsigned i);

/* ---------------------------------------------------------------------------------------- */
/* Spaces                                                                                   */

/* Rights, a mask. */
#define PGW_READ 1u
#define PGW_WRITE 2u
#define PGW_EXEC 4u

/* Flags of pgw_map(). */
#define PGW_FIXED 1u     /* exactly at *va, in place of what is there */
#define PGW_NOREPLACE 2u /* with PGW_FIXED: PGW_EXIST if anything is there */

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
 * PGW_NOSPACE: no hole that large; PGW_EXIST; PGW_NOMEM.
 */
PGW_API enum pgw_status pgw_map(
    struct pgw_space *space, uint64_t len, unsigned prot, unsigned flags, uint64_t *va);

/*
 * The same, of a host file from offset (page aligned) on, private: writes stay in the space.
 * Past the end of the file there are zeros up to the page's end, and PGW_RANGE beyond.  fd is
 * open for reading and is not kept; spaces that map the same file share its clean pages.
 * As pgw_map, and PGW_IO, PGW_ACCESS: fd cannot be read, PGW_UNSUPPORTED: not a regular file.
 */
PGW_API enum pgw_status pgw_map_file(struct pgw_space *space, int fd, uint64_t offset, uint64_t len,
    unsigned prot, unsigned flags, uint64_t *va);

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

/* Sends the page at va out of RAM now.  PGW_NOTFOUND: not in RAM; PGW_NOSWAP: nowhere to put it;
 * PGW_IO: it could not be written, and stays. */
PGW_API enum pgw_status pgw_evict(struct pgw_space *space, uint64_t va);

/* A stretch of a space with one origin and the same rights. */
struct pgw_region {
    uint64_t start, end; /* [start, end) */
    unsigned prot;
    const char *use; /* "anon", "file", "heap" or "stack"; static storage */
    uint64_t offset; /* "file": bytes into the file */
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

/* ---------------------------------------------------------------------------------------- */
/* What happened                                                                            */

/* All counted since the system was made, unless "now" or "peak" is said. */
struct pgw_stats {
    size_t size; /* set it to sizeof(struct pgw_stats) before the call */

    /* The processor. */
    uint64_t instructions; /* retired */
    uint64_t fetches;      /* accesses to fetch instructions */
    uint64_t loads_stores; /* accesses to data, those of pgw_read and pgw_write included */

    /* Faults: minor were resolved without a device, major waited for one. */
    uint64_t minor, major;
    uint64_t zero_fill; /* of both: a fresh page of zeros */
    uint64_t cow;       /* of both: a page copied because it was shared */

    /* Paging, in pages. */
    uint64_t swap_in, swap_out;          /* from and to the swap device */
    uint64_t swap_reads, swap_writes;    /* in so many operations */
    uint64_t file_in;                    /* from files */
    uint64_t evicted, evicted_clean;     /* taken out of RAM; of these, without a write */
    uint64_t daemon_runs;                /* times the page daemon worked ahead of need */
    uint64_t direct_reclaims;            /* times a fault had to make room itself */
    uint64_t put_failures, get_failures; /* pages that a device refused */

    /* Translation.  Levels count from the root, 0. */
    bool tlb_modelled; /* false: the next group is not counted (tlb "none", mmu "ref") */
    uint64_t l1i_hits, l1i_misses, l1d_hits, l1d_misses;
    uint64_t l2_hits, l2_misses;
    uint64_t walks; /* page table walks, those that only set a bit included */
    uint64_t walk_refs[PGW_LEVELS_MAX];
    uint64_t ad_updates;  /* walks that wrote an accessed or dirty bit */
    uint64_t tlb_flushed; /* entries dropped because a mapping changed */

    /* Memory, in pages. */
    uint64_t ram, ram_free;           /* frames, all and now free */
    uint64_t resident, resident_peak; /* pageable pages in RAM, now and at most */
    uint64_t tables, tables_peak;     /* frames that page tables take */
    uint64_t swap_size, swap_used, swap_peak;
    uint64_t anons, objects, spaces, regions; /* records, now */

    /* Processes. */
    uint64_t processes, forks, execs, exits, context_switches, signals, syscalls;
    uint64_t unknown_syscalls; /* calls that are not implemented (the report names them) */
    uint64_t killed_for_memory;

    /* The core's own memory, in bytes of the host's: the frame table, then all that grows with
     * use (regions, pages, reverse mappings, slots); at most.  RAM itself is not counted. */
    uint64_t frame_table_bytes, record_bytes_peak;

    /* Effective access time: what an access to memory took on average, from the cost model, in
     * nanoseconds; 0 when there was none. */
    double access_ns;
};

PGW_API enum pgw_status pgw_system_stats(struct pgw_system *system, struct pgw_stats *stats);

/*
 * The whole report, for people and for programs (docs/report.schema.json), to a stream or into
 * a string that the caller frees with free().  PGW_IO: the stream could not be written;
 * PGW_NOMEM.
 */
PGW_API enum pgw_status pgw_report_text(struct pgw_system *system, FILE *out);
PGW_API enum pgw_status pgw_report_json(struct pgw_system *system, FILE *out);
PGW_API enum pgw_status pgw_report_text_string(struct pgw_system *system, char **text);
PGW_API enum pgw_status pgw_report_json_string(struct pgw_system *system, char **text);

/* True if every structure of the system agrees with every other.  Slow; for tests. */
PGW_API bool pgw_system_check(struct pgw_system *system);

#ifdef __cplusplus
}
#endif

#endif
