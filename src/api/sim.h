/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sim machine: RAM, a translation scheme, the paged core and swap; and, while a program
 * runs, harts and the Linux personality.
 */
#ifndef API_SIM_H
#define API_SIM_H

#include <signal.h>
#include <stdarg.h>
#include <sys/queue.h>

#include <pagewright/pagewright.h>

#include "api/sim_core.h"
#include "api/groups.h"
#include "api/maps.h"
#include "api/objcache.h"
#include "api/recording.h"
#include "api/registry.h"
#include "base/inject.h"
#include "cpu/hart.h"
#include "mem/mem.h"
#include "mmu/mmus.h"
#include "os/os.h"
#include "seg/seg.h"
#include "vm/vm.h"

#define SIM_ERROR_LEN 512
/* The size of struct pgw_config in the first version of the interface. */
#define SIM_CONFIG_OLDEST (offsetof(struct pgw_config, error_len) + sizeof(size_t))

/* What of a struct pgw_config is needed after the system has been made. */
struct sim_settings {
    const struct registry_mmu *mmu;
    struct registry_options options; /* of the mmu */
    const struct policy_ops *policy;
    uint64_t policy_param[POLICY_PARAMS_MAX];
    struct mmu_tlb_spec tlb;
    char mmu_text[64], policy_text[96], tlb_text[128];
    char swap_text[256]; /* for reports */
    uint64_t seed, slice, window, stack_max;
    enum pgw_overcommit overcommit;
    unsigned overcommit_ratio;
    bool aslr;
    char sysroot[1024]; /* "": none was given */
    enum pgw_merge merge;
    uint64_t merge_rate; /* pages a million instructions */
    unsigned harts;
    enum vm_huge_mode huge;
    enum vm_huge_alloc huge_alloc;
    struct pgw_cost cost;
    unsigned readahead, fault_around; /* pages */
    unsigned proactive;               /* percent */
    bool maps;
    void (*message)(void *ctx, const char *text);
    void *message_ctx;
};

/* Figures of personalities that have gone. */
struct sim_past {
    struct os_stats os; /* sums; the working set is the last one's */
};

/* What taking translations away from several harts came to. */
struct sim_shootdowns {
    uint64_t calls;      /* shootdowns, where there are several harts */
    uint64_t interrupts; /* of other harts, which had the space loaded */
    uint64_t dropped;    /* TLB entries that went on other harts than the one that asked */
};

struct pgw_space {
    struct pgw_system *system;
    struct space *space;
    LIST_ENTRY(pgw_space) link;
};

/* A device of swap; its pager is part of the system's. */
struct sim_swap_device {
    const struct pager *pager;
    char name[sizeof((struct pgw_swap_device *)0)->name];
    bool file; /* a regular file */
};

struct pgw_system {
    struct sim_settings settings;
    struct base_inject *inject; /* NULL but in tests */
    struct base_alloc core;     /* frame table and records: what the report calls the core's own */
    struct base_alloc machine;  /* harts, MMUs and personality: not the core's */
    struct base_alloc ram;

    struct mem mem;
    const struct sim_core_ops *core_ops;
    struct pmap_system *pmaps;      /* NULL: contiguous */
    struct mmu *mmu;                /* the first hart's, which the public interface uses too */
    struct mmu *mmus[OS_HARTS_MAX]; /* settings.harts of them */
    struct pager *swap;             /* NULL: none */
    struct sim_swap_device swap_devices[PGW_SWAP_DEVICES_MAX]; /* of it, without the pool */
    unsigned nswap_devices;
    struct tmem *tmem;                                   /* for clean pages of files; NULL: none */
    LIST_HEAD(sim_tmem_pools, pgw_tmem_pool) tmem_pools; /* of the public interface */
    struct vm_system *vm;                                /* one of these two */
    struct seg_system *seg;
    struct base_clock clock; /* instructions and accesses, a nanosecond each */
    uint64_t merged_at;      /* by the clock: the scanner has been paid for until then */
    struct objcache files;
    struct cpu_hart *harts[OS_HARTS_MAX]; /* NULL before the first run */
    struct os *os;                        /* while a program runs */
    struct sim_shootdowns shootdowns;

    LIST_HEAD(sim_spaces, pgw_space) spaces; /* of the public interface */
    struct pgw_space *active;                /* whose translations the MMU has loaded */
    uint64_t accesses;                       /* made by pgw_read and the like */
    uint64_t va_end;                         /* user addresses are [0, va_end) */

    struct pgw_group groups[VM_GROUPS_MAX]; /* by the core's number; 0 is the root, which is not
                                               shown */
    unsigned ngroups;                       /* besides the root */

    struct recording *recorder; /* of the next run, or of this one; NULL: it is not recorded */
    char record_path[1024];
    bool record_failed;                /* and the run is being ended for it */
    struct recording_figures recorded; /* all runs together */

    struct maps maps;
    struct sim_past past;
    volatile sig_atomic_t interrupt; /* a signal number not yet answered; 0: none */
    char error[SIM_ERROR_LEN];
};

/* pgw_system_create with fault injection for tests; inject (may be NULL) outlives the system. */
MUST_CHECK enum pgw_status sim_create(
    const struct pgw_config *config, struct base_inject *inject, struct pgw_system **system);

/* Says what went wrong, in one line, and returns status. */
enum pgw_status sim_fail(struct pgw_system *system, enum pgw_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with what the memory manager has to say about the last call on a space; PGW_OK stays so.
 * what: the attempt, as in "cannot map memory". */
enum pgw_status sim_space_done(struct pgw_system *system, enum pgw_status status, const char *what);

/* Does the range start at a page, is it not empty, and inside the space?  PGW_INVAL, PGW_RANGE. */
MUST_CHECK enum pgw_status sim_check_range(struct pgw_space *space, uint64_t va, uint64_t len);

/* The processors forget npages from va of the space with this tag (gone: they are elsewhere now),
 * or all of it; see struct pmap_shootdown. */
void sim_shoot_range(void *ctx, uint32_t asid, uint64_t va, uint64_t npages, bool gone);
void sim_shoot_space(void *ctx, uint32_t asid);

/* Makes the harts, if there are none yet.  PGW_NOMEM. */
MUST_CHECK enum pgw_status sim_need_harts(struct pgw_system *system);

/* Of free runs by order, as struct mem has them. */
void sim_stats_runs(const uint64_t *runs, struct pgw_free_runs *out);
/* The figures of all harts together. */
void sim_sum_mmus(const struct pgw_system *system, struct mmu_stats *sum);
void sim_sum_harts(const struct pgw_system *system, struct cpu_stats *sum);

/* Loads space into the MMU; NULL: none. */
void sim_activate(struct pgw_system *system, struct pgw_space *space);

/* Ends the pools of <pagewright/transcendent.h> that are left. */
void tmem_pools_clear(struct pgw_system *system);

/* The page of space behind va, reached through the MMU as its program would. */
MUST_CHECK enum pgw_status sim_access(
    struct pgw_space *space, uint64_t va, enum access access, unsigned char **page);

#endif
