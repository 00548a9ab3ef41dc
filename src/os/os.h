/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Linux personality of the sim machine: processes, their scheduler, ELF images, signals and
 * system calls (riscv64 Linux ABI), over any `space` and one or more harts.
 */
#ifndef OS_OS_H
#define OS_OS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/result.h"
#include "cpu/hart.h"
#include "os/sysnames.h"
#include "vm/space.h"
#include "vm/vm.h"

struct os;

#define OS_HARTS_MAX 16u

/* What /proc shows of the machine's memory; pages, but for the counts since it was made. */
#define OS_SWAP_DEVICES_MAX 8u
#define OS_FREE_ORDERS 11u /* as /proc/buddyinfo has them */

struct os_swap_device {
    char name[64];
    bool file; /* not a device */
    uint64_t size, used;
};

struct os_memory {
    uint64_t ram, free;
    uint64_t file,
        anon;     /* of what is in RAM: pages of files, and of memory that is nobody else's */
    uint64_t shm; /* and of memory objects */
    uint64_t tables;
    uint64_t swap, swap_used;
    uint64_t committed, commit_limit; /* promised, and the most that never promises */
    unsigned overcommit;              /* as vm.overcommit_memory: 0 heuristic, 1 always, 2 never */
    unsigned overcommit_ratio;        /* percent */
    uint64_t faults, major, file_in;  /* counts */
    uint64_t swap_in, swap_out;       /* from and to devices: a pool alone is one */
    uint64_t zswap_in, zswap_out, zswap_written; /* from and to a pool in front of them; from it to
                                                    them */
    unsigned nswap_devices;
    struct os_swap_device swap_devices[OS_SWAP_DEVICES_MAX];
    uint64_t zswap, zswapped;           /* what a compressed pool takes; the pages in it */
    uint64_t free_runs[OS_FREE_ORDERS]; /* of 2^i frames; those that are larger are so many of the
                                           last ones */
    unsigned huge;                      /* huge pages: 0 never, 1 where advised, 2 always */
    unsigned merge;                     /* equal pages are merged: 0 or 1 */
    uint64_t merge_rate;                /* pages a millisecond */
    uint64_t merge_shared, merge_sharing, merge_scans; /* as ksm's */
    struct vm_stats core; /* the paged core's own; all 0 on other machines */
};

/* What the personality needs from the machine around it. */
struct os_config {
    unsigned nharts; /* 1 to OS_HARTS_MAX, each with an MMU of its own */
    struct cpu_hart *hart[OS_HARTS_MAX];
    struct mmu *mmu[OS_HARTS_MAX];
    bool one_space; /* the harts may not run programs of different spaces at the same time */
    struct base_alloc *alloc;
    uint64_t slice;      /* instructions a thread runs before the next one's turn */
    uint64_t seed;       /* for AT_RANDOM, getrandom and the like */
    uint64_t stack_max;  /* bytes a stack may grow to (RLIMIT_STACK) */
    uint64_t space_end;  /* user addresses are [0, space_end) */
    bool aslr;           /* programs, heaps, mappings and stacks are placed at random (by seed) */
    const char *sysroot; /* where a program's absolute paths are looked up first; NULL: where its
                            interpreter is found, see os/sysroot.h */
    const char *bound;   /* what ends there, for messages: "the address space", "RAM" */
    uint64_t window;     /* working-set window, instructions; 0: not measured */

    void *ctx; /* given to the calls below */
    /* A new, empty space. */
    enum pgw_status (*space_create)(void *ctx, struct space **space);
    /* The object for an open host file, shared by all who map the same file (a reference is the
     * caller's); fd is not kept.  write: it may write, and what is written to the mapping must
     * reach the file.  PGW_UNSUPPORTED: not a regular file. */
    enum pgw_status (*file_object)(void *ctx, int fd, bool write, struct space_object **object);
    /* Memory of len bytes that has no file.  PGW_UNSUPPORTED: this machine has none such. */
    enum pgw_status (*memory_object)(void *ctx, uint64_t len, struct space_object **object);
    /* The object by which reads and writes of a regular file go (a reference is the caller's);
     * NULL: none, the file itself is read and written.  make: make one if need be; fd may read.
     * *whole: the object shows all of the file, else it has what is newer only. */
    struct space_object *(*file_cached)(void *ctx, int fd, bool make, bool *whole);
    /* len bytes have just been written to the file at offset; 0: its length was changed. */
    void (*file_wrote)(void *ctx, int fd, uint64_t offset, const void *buf, size_t len);
    /* The file's content was changed otherwise. */
    void (*file_reread)(void *ctx, int fd);
    /* The file has lost a name. */
    void (*file_unnamed)(void *ctx, uint64_t dev, uint64_t ino);
    void (*memory)(void *ctx, struct os_memory *out);
    /* Called between slices: the page daemon works ahead of need. */
    void (*idle)(void *ctx);
    /* Why the space's last call found no room, in words that outlive the call; "": the memory
     * manager has nothing to add.  May be NULL. */
    const char *(*why)(void *ctx);
    /* A program with this file name was loaded into a new space, by one that runs in `from` (NULL:
     * it is the first).  May be NULL. */
    void (*program)(void *ctx, struct space *space, const struct space *from, const char *name);
    /* A process has ended and is about to let go of its space, as the last to use it.  May be
     * NULL. */
    void (*ended_space)(void *ctx, struct space *space, int pid, const char *name);
    /* A process of this group of spaces was ended for want of memory.  May be NULL. */
    void (*ended)(void *ctx, uint32_t group);
    /* The group's name and limit in pages; false: there is no such group.  May be NULL. */
    bool (*group)(void *ctx, uint32_t group, char *name, size_t len, uint64_t *limit);
    /* The pressure of memory, as the core tells it.  May be NULL: there is none to tell. */
    void (*pressure)(void *ctx, struct vm_pressure *pressure);
    /* One line for the person who runs the program (ends without newline). */
    void (*message)(void *ctx, const char *text);
};

#define OS_WORKSET_MAX 4096

/* One window of the working-set curve: distinct pages (process, page) used in it. */
struct os_workset {
    uint64_t start; /* instructions before the window began */
    uint64_t pages;
};

struct os_stats {
    uint64_t processes, threads, forks, execs, exits, killed_for_memory;
    uint64_t context_switches, signals, syscalls;
    uint64_t unknown_calls[OS_SYSCALL_MAX]; /* times each unimplemented call was made; the last
                                               one stands for itself and all above */
    /* When there are OS_WORKSET_MAX windows, neighbours are merged pairwise (the larger of the
     * two stays) and window doubles in length. */
    struct os_workset workset[OS_WORKSET_MAX];
    uint64_t worksets;
    uint64_t window; /* instructions a window, now */
};

/* PGW_NOMEM. */
MUST_CHECK enum pgw_status os_create(const struct os_config *config, struct os **os);
void os_destroy(struct os *os);

/*
 * Makes the first process: loads the program at the host's path (searched as given, no PATH)
 * with NULL-terminated argv and envp.  On PGW_NOEXEC, PGW_NOTFOUND, PGW_ACCESS, PGW_NORAM... *why
 * (static or os-owned storage) says in one line what is wrong and what to do.
 */
MUST_CHECK enum pgw_status os_start(
    struct os *os, const char *path, char *const *argv, char *const *envp, const char **why);

/* Runs until the first process has ended and no other is left. *wait_status: of the first
 * process, as wait(2) encodes it. */
MUST_CHECK enum pgw_status os_run(struct os *os, int *wait_status);

/* Sends a signal (a Linux number) to every process, as a terminal's interrupt key does.  Called
 * from the machine's idle() only. */
void os_interrupt(struct os *os, int signo);

/* The hart that runs now, or did last. */
unsigned os_hart_running(const struct os *os);
/* Has this hart loaded the space with this tag? */
bool os_hart_has_space(const struct os *os, unsigned hart, uint32_t asid);

/* Does any thread want to run, but the one whose turn it is?  group: only of processes whose spaces
 * are in that group; 0: of any. */
bool os_others_runnable(const struct os *os, uint32_t group);

const struct os_stats *os_stats(const struct os *os);

#endif
