/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Replay: no program, only its references, through the replacement policies of the paged core; any
 * number of policies and sizes in one pass over a trace.
 *
 *      struct pgw_replay *replay;
 *      struct pgw_replay_row row;
 *      char why[PGW_TRACE_WHY];
 *
 *      if (pgw_replay_create(NULL, &replay, why) == PGW_OK) {
 *          pgw_replay_add(replay, "clock", "4M", why);
 *          pgw_replay_add(replay, "opt", "10%", why);
 *          pgw_replay_run(replay, trace, NULL, NULL, why);
 *          for (unsigned i = 0; pgw_replay_get_row(replay, i, &row) == PGW_OK; i++)
 *              ...row.policy, row.frames, row.misses...
 *          pgw_replay_destroy(replay);
 *      }
 *
 * What is replayed is pure demand paging.  A page is a place of a process for as long as its
 * content lasts: what is unmapped, discarded or left by exec or exit is gone and frees its frame;
 * after a fork pages are common until one side writes, in shared mappings for good.
 *
 * Same trace, same seed: same counts, however many threads there are.  Nothing here prints; a
 * replay belongs to one thread at a time.
 */
#ifndef PAGEWRIGHT_REPLAY_H
#define PAGEWRIGHT_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pagewright/status.h>
#include <pagewright/trace.h>

#ifdef __cplusplus
extern "C" {
#endif

struct pgw_replay;

struct pgw_replay_options {
    size_t size;        /* of this structure: set by pgw_replay_options_init() */
    uint64_t page_size; /* bytes, a power of two, 512 at least; usually 4096 */
    uint64_t seed;      /* for policies that draw lots; usually 1 */
    unsigned threads;   /* 0: as many as there are processors; 1: none but the caller's */
    const char *mmu; /* a scheme with radix tables ("x86-64") whose hardware is modelled, too, for
                        pages of 4096 bytes; NULL: none */
    const char *tlb; /* its TLBs, as pgw_config.tlb has them; usually its default */
    uint64_t memory; /* bytes that may hold what a second pass needs before it goes to a
                        temporary file; usually 1 GiB */
};
PGW_API void pgw_replay_options_init(struct pgw_replay_options *options);

/* options may be NULL; why has room for PGW_TRACE_WHY bytes and is set on failure.  PGW_NOMEM,
 * PGW_INVAL, PGW_UNSUPPORTED: the scheme has no radix tables that hardware walks. */
PGW_API enum pgw_status pgw_replay_create(
    const struct pgw_replay_options *options, struct pgw_replay **replay, char *why);
PGW_API void pgw_replay_destroy(struct pgw_replay *replay);

/*
 * Adds a row: a policy, as --policy names it, or "opt" (Belady's, which knows the future), and its
 * RAM: bytes ("4M", "65536"), pages ("100p") or a share of the trace's footprint ("10%", "0.5%").
 * OPT and shares take a second pass over all of the trace.  Before the first reference.  PGW_INVAL,
 * PGW_RANGE, PGW_NOMEM.
 */
PGW_API enum pgw_status pgw_replay_add(
    struct pgw_replay *replay, const char *policy, const char *ram, char *why);

/* ---- replaying a trace ---- */

enum pgw_replay_part { PGW_REPLAY_READING, PGW_REPLAY_LOOKING_AHEAD, PGW_REPLAY_REPLAYING };

/* How far it is: done of all; all 0: not known. */
struct pgw_replay_progress {
    size_t size;
    enum pgw_replay_part part;
    uint64_t done, all;  /* reading: bytes of the file; else units of work */
    uint64_t references; /* replayed so far */
};

/*
 * Replays a trace from where it is to its end.  going, which may be NULL, is asked some hundred
 * times a second whether to go on.  PGW_AGAIN: it said no: rows have what was replayed until then,
 * and there are none if a second pass had not begun.  PGW_CORRUPT, PGW_IO of the trace; PGW_NOMEM;
 * PGW_RANGE: more than 2^30 pages, or an address that the scheme cannot translate; PGW_NORAM: page
 * tables of more than 1 GiB; PGW_INVAL: runs of references to pages of 4096 bytes, where pages are
 * smaller; PGW_NOSWAP: the disk has no room for the second pass.
 */
PGW_API enum pgw_status pgw_replay_run(struct pgw_replay *replay, struct pgw_trace *trace,
    bool (*going)(void *ctx, const struct pgw_replay_progress *progress), void *ctx, char *why);

/* The same from one's own references: any number of these, then finish, which fail as above.
 * PGW_INVAL also: it is finished. */
PGW_API enum pgw_status pgw_replay_refs(
    struct pgw_replay *replay, const struct pgw_ref *refs, size_t n);
PGW_API enum pgw_status pgw_replay_event(struct pgw_replay *replay, const struct pgw_event *event);
PGW_API enum pgw_status pgw_replay_finish(struct pgw_replay *replay,
    bool (*going)(void *ctx, const struct pgw_replay_progress *progress), void *ctx);

/* ---- watching ---- */

/* A reference (or a run of them) to one page, or, count 0, that a page is gone. */
struct pgw_replay_step {
    size_t size;
    uint32_t process;
    uint64_t va;   /* the page's first byte */
    unsigned kind; /* PGW_REF_*, of the first */
    uint32_t count;
    bool writes; /* one of them at least */
};

/* told is called for each step when all rows are past it, in the caller's thread; it may ask for
 * rows and frames.  Before the first reference.  Slow: for small traces. */
PGW_API void pgw_replay_watch(struct pgw_replay *replay,
    void (*told)(void *ctx, const struct pgw_replay_step *step), void *ctx);

/* What is in a frame of a row, as told() is called or at the end. */
struct pgw_replay_frame {
    size_t size; /* set it before the call */
    bool used;   /* false: it is free, and the rest says nothing */
    uint32_t process;
    uint64_t va;
    bool dirty;
    bool counts;   /* the policy keeps count of uses in a way that can be shown, such as CLOCK */
    uint64_t uses; /* that count */
};

/* frame: 0 to row.frames - 1.  PGW_NOTFOUND: there is no such row or frame. */
PGW_API enum pgw_status pgw_replay_get_frame(
    const struct pgw_replay *replay, unsigned row, uint64_t frame, struct pgw_replay_frame *what);

/* ---- what came out ---- */

/* Of one policy at one size.  Counts are of references; one that crosses into a second page is two.
 * A run of references to one page misses once at the most. */
struct pgw_replay_row {
    size_t size;        /* set it to sizeof(struct pgw_replay_row) before the call */
    const char *policy; /* as it was added */
    const char *ram;    /* as it was added */
    uint64_t frames;
    uint64_t references, misses, hits;
    uint64_t read_misses, write_misses, fetch_misses; /* by what the missing reference was */
    uint64_t read_hits, write_hits, fetch_hits;
    uint64_t evictions;
    uint64_t writebacks; /* evictions of pages that had been written to since they came in */
    uint64_t bytes;      /* of the host's memory that this row took */
    /* Where translation is modelled, else 0.  As in struct pgw_stats: each of these is for a
     * reference, or for the second try after a fault. */
    uint64_t l1i_misses, l1d_misses, l2_hits, l2_misses;
    uint64_t walks, walk_refs; /* and the memory references of these, all levels together */
    uint64_t table_bytes;      /* RAM that page tables take; it is not taken from the frames */
};

/* The i-th that was added.  While a step is told, references and hits are not yet those of the
 * step. PGW_NOTFOUND: there are fewer; PGW_INVAL: neither finished nor watched; PGW_AGAIN: it was
 * stopped before a second pass had begun, and there are none. */
PGW_API enum pgw_status pgw_replay_get_row(
    const struct pgw_replay *replay, unsigned i, struct pgw_replay_row *row);

struct pgw_replay_totals {
    size_t size;                                 /* set it before the call */
    uint64_t references, reads, writes, fetches; /* replayed */
    uint64_t pages;                              /* that there ever were */
    uint64_t gone;                               /* of these, gone by events */
    uint64_t footprint;                          /* pages that were there at once, at the most */
    uint64_t bytes;                              /* of the host's memory for telling pages apart */
};
PGW_API void pgw_replay_get_totals(
    const struct pgw_replay *replay, struct pgw_replay_totals *totals);

#ifdef __cplusplus
}
#endif

#endif
