/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reducing a trace without loss for LRU from a size up: SAD, "safely allowed drop", of S. Kaplan,
 * Y. Smaragdakis and P. Wilson, "Trace reduction for virtual memory simulations", SIGMETRICS 1999.
 *
 * Of three references to a page, at t1 < t2 < t3, the middle one may be dropped if fewer than k
 * other pages are referenced between t1 and t3: at k frames or more it is a hit, and so is the one
 * at t3, with and without it.  What else it could matter for is how many pages other references see
 * since their last use; but wherever k pages or more are seen, the page has another reference that
 * stays, for else its own window would have k others.  So all faults of LRU at k frames and more
 * stay, each at its place.  Here t1 is the last reference that is certain to stay, and t2 the one
 * after it, whose fate is open until t3, or until k others came.
 *
 * The references of the dropped one are added to those of the one at t3, so that their number, and
 * how many wrote, stay exact, and so does what LRU writes back.
 *
 * "Fewer than k others since t1" is: the k-th most recent other page was last used before t1.  So a
 * list of the k + 1 most recent pages suffices: without the page, its tail is the one asked for.
 *
 * An event settles everything, and starts anew after it: no drop spans one.  After a fork a write
 * may make another page of a place; from the first fork on, a place counts as another page once it
 * was written since the last event, which at worst keeps more than needed.
 */
#include <pagewright/trace.h>

#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "trace/trace_fold.h"
#include "trace/writer.h"

#include <sys/queue.h>

#define REDUCE_OUT 1024u

/* A reference that may still be followed by others before it is written. */
struct reduce_entry {
    TAILQ_ENTRY(reduce_entry) link; /* in order of time */
    struct pgw_ref ref;
    uint64_t time;
    bool open; /* it may yet be dropped */
};

/* One of the k + 1 most recent pages. */
struct reduce_page {
    TAILQ_ENTRY(reduce_page) link; /* the most recent first */
    struct reduce_page *chain;     /* of the hash table */
    uint64_t vpn;
    uint32_t process;
    bool written;              /* of a place that was written since the last event: see above */
    uint64_t certain, last;    /* when: t1, and the last reference */
    struct reduce_entry *open; /* t2, or NULL */
};

struct pgw_trace_reducer {
    struct pgw_trace_writer *writer;
    uint64_t k, now, npages;
    struct trace_fold fold;
    struct pgw_ref
        run[1 + TRACE_FOLD_OUT]; /* the one that may grow, and what comes of an addition */
    TAILQ_HEAD(, reduce_entry) entries;
    TAILQ_HEAD(reduce_pages_head, reduce_page) pages;
    struct reduce_page **bucket;
    size_t buckets; /* a power of two */
    struct pgw_ref out[REDUCE_OUT];
    size_t nout;
    enum pgw_status status; /* the first failure: nothing comes out any more */
};

/* ---- the table ---- */

static size_t
reduce_bucket(const struct pgw_trace_reducer *reducer, uint64_t vpn, uint32_t process, bool written)
{
    uint64_t key = (vpn ^ (uint64_t)process << 44 ^ (uint64_t)written << 63) * 0x9e3779b97f4a7c15u;

    return (key >> 20) & (reducer->buckets - 1);
}

static struct reduce_page *
reduce_find(const struct pgw_trace_reducer *reducer, uint64_t vpn, uint32_t process, bool written)
{
    struct reduce_page *page = reducer->bucket[reduce_bucket(reducer, vpn, process, written)];

    while (
        page != NULL && (page->vpn != vpn || page->process != process || page->written != written))
        page = page->chain;
    return page;
}

static void
reduce_hash(struct pgw_trace_reducer *reducer, struct reduce_page *page)
{
    struct reduce_page **head =
        &reducer->bucket[reduce_bucket(reducer, page->vpn, page->process, page->written)];

    page->chain = *head;
    *head = page;
}

static bool
reduce_grow(struct pgw_trace_reducer *reducer)
{
    size_t buckets = reducer->buckets * 2;
    struct reduce_page **bucket = calloc(buckets, sizeof(struct reduce_page *)), *page;

    if (bucket == NULL)
        return false;
    free(reducer->bucket);
    reducer->bucket = bucket;
    reducer->buckets = buckets;
    TAILQ_FOREACH (page, &reducer->pages, link)
        reduce_hash(reducer, page);
    return true;
}

static void
reduce_unhash(struct pgw_trace_reducer *reducer, struct reduce_page *page)
{
    struct reduce_page **at =
        &reducer->bucket[reduce_bucket(reducer, page->vpn, page->process, page->written)];

    while (*at != page)
        at = &(*at)->chain;
    *at = page->chain;
}

/* ---- what comes out ---- */

static enum pgw_status
reduce_write(struct pgw_trace_reducer *reducer)
{
    size_t n = reducer->nout;

    reducer->nout = 0;
    return pgw_trace_write(reducer->writer, reducer->out, n);
}

/* Hands on what is certain, up to the first that is not. */
static enum pgw_status
reduce_flush(struct pgw_trace_reducer *reducer)
{
    struct reduce_entry *entry;
    enum pgw_status status = PGW_OK;

    while ((entry = TAILQ_FIRST(&reducer->entries)) != NULL && !entry->open && status == PGW_OK) {
        TAILQ_REMOVE(&reducer->entries, entry, link);
        reducer->out[reducer->nout++] = entry->ref;
        free(entry);
        if (reducer->nout == REDUCE_OUT)
            status = reduce_write(reducer);
    }
    return status;
}

/* ---- pages ---- */

/* The page leaves the list: its open reference stays. */
static void
reduce_leave(struct pgw_trace_reducer *reducer, struct reduce_page *page)
{
    if (page->open != NULL)
        page->open->open = false;
    TAILQ_REMOVE(&reducer->pages, page, link);
    reduce_unhash(reducer, page);
    reducer->npages--;
    free(page);
}

/* Adds what was dropped to what came after it, which begins as that did. */
static void
reduce_merge(struct pgw_ref *ref, const struct pgw_ref *dropped)
{
    ref->kind = dropped->kind;
    ref->count = (uint16_t)(ref->count + dropped->count);
    ref->writes = (uint16_t)(ref->writes + dropped->writes);
    ref->fetches = (uint16_t)(ref->fetches + dropped->fetches);
}

/* A further reference to a page of the list, which is the newest entry. */
static void
reduce_again(
    struct pgw_trace_reducer *reducer, struct reduce_page *page, struct reduce_entry *entry)
{
    struct reduce_entry *middle = page->open;

    TAILQ_REMOVE(&reducer->pages, page, link);
    if (middle != NULL) {
        const struct reduce_page *tail = TAILQ_LAST(&reducer->pages, reduce_pages_head);
        uint64_t kth = reducer->npages - 1 == reducer->k ? tail->last : 0;
        if (kth < page->certain && (unsigned)middle->ref.count + entry->ref.count <= UINT16_MAX) {
            reduce_merge(&entry->ref, &middle->ref);
            TAILQ_REMOVE(&reducer->entries, middle, link);
            free(middle);
        } else {
            middle->open = false;
            page->certain = middle->time;
        }
    }
    page->open = entry;
    entry->open = true;
    page->last = entry->time;
    TAILQ_INSERT_HEAD(&reducer->pages, page, link);
}

static enum pgw_status
reduce_first(struct pgw_trace_reducer *reducer, struct reduce_entry *entry, bool written)
{
    struct reduce_page *page;

    if (reducer->npages == reducer->k + 1)
        reduce_leave(reducer, TAILQ_LAST(&reducer->pages, reduce_pages_head));
    if (reducer->npages > reducer->buckets && !reduce_grow(reducer))
        return PGW_NOMEM;
    page = calloc(1, sizeof *page);
    if (page == NULL)
        return PGW_NOMEM;
    page->vpn = entry->ref.va >> PAGE_SHIFT;
    page->process = entry->ref.process;
    page->written = written;
    page->certain = page->last = entry->time;
    TAILQ_INSERT_HEAD(&reducer->pages, page, link);
    reduce_hash(reducer, page);
    reducer->npages++;
    return PGW_OK;
}

/* A run of references to one page. */
static enum pgw_status
reduce_run(struct pgw_trace_reducer *reducer, const struct pgw_ref *run)
{
    uint64_t vpn = run->va >> PAGE_SHIFT;
    bool written = false;
    struct reduce_page *page;
    struct reduce_entry *entry = calloc(1, sizeof *entry);
    enum pgw_status status = PGW_OK;

    if (entry == NULL)
        return PGW_NOMEM;
    entry->ref = *run;
    entry->time = ++reducer->now;
    if (reducer->fold.forked)
        written = run->writes > 0 || reduce_find(reducer, vpn, run->process, true) != NULL;
    page = reduce_find(reducer, vpn, run->process, written);
    TAILQ_INSERT_TAIL(&reducer->entries, entry, link);
    if (page != NULL)
        reduce_again(reducer, page, entry);
    else
        status = reduce_first(reducer, entry, written);
    return status == PGW_OK ? reduce_flush(reducer) : status;
}

/* Everything that was taken is written; nothing is known of any page. */
static enum pgw_status
reduce_settle(struct pgw_trace_reducer *reducer)
{
    struct reduce_page *page;
    enum pgw_status status = reducer->status;

    if (status == PGW_OK && reducer->run[0].count > 0)
        status = reduce_run(reducer, &reducer->run[0]);
    reducer->run[0].count = 0;
    while ((page = TAILQ_FIRST(&reducer->pages)) != NULL)
        reduce_leave(reducer, page);
    if (status == PGW_OK)
        status = reduce_flush(reducer);
    return status == PGW_OK ? reduce_write(reducer) : status;
}

/* What was taken and cannot be handed on is missing in the file, which ends before it. */
static enum pgw_status
reduce_told(struct pgw_trace_reducer *reducer, enum pgw_status status)
{
    if (status != PGW_OK)
        trace_writer_spoil(reducer->writer, status);
    return reducer->status = status;
}

/* ---- the interface ---- */

enum pgw_status
pgw_trace_reducer_create(
    uint64_t pages, struct pgw_trace_writer *writer, struct pgw_trace_reducer **reducerp)
{
    struct pgw_trace_reducer *reducer;

    if (pages == 0 || pages == UINT64_MAX)
        return PGW_INVAL;
    reducer = calloc(1, sizeof *reducer);
    if (reducer == NULL)
        return PGW_NOMEM;
    reducer->k = pages;
    reducer->fold.run = reducer->run;
    reducer->writer = writer;
    reducer->buckets = 1024;
    reducer->bucket = calloc(reducer->buckets, sizeof(struct reduce_page *));
    TAILQ_INIT(&reducer->entries);
    TAILQ_INIT(&reducer->pages);
    if (reducer->bucket == NULL) {
        free(reducer);
        return PGW_NOMEM;
    }
    *reducerp = reducer;
    return PGW_OK;
}

/* Folds a reference; runs that cannot grow any more go on. */
static enum pgw_status
reduce_ref(struct pgw_trace_reducer *reducer, const struct pgw_ref *ref)
{
    enum pgw_status status = PGW_OK;

    trace_fold_add(&reducer->fold, ref);
    if (reducer->fold.run == reducer->run)
        return PGW_OK;
    for (struct pgw_ref *run = reducer->run; run < reducer->fold.run && status == PGW_OK; run++)
        status = reduce_run(reducer, run);
    reducer->run[0] = *reducer->fold.run;
    reducer->fold.run = reducer->run;
    return status;
}

enum pgw_status
pgw_trace_reduce(struct pgw_trace_reducer *reducer, const struct pgw_ref *refs, size_t n)
{
    enum pgw_status status = reducer->status;

    for (size_t i = 0; i < n && status == PGW_OK; i++)
        status = reduce_ref(reducer, &refs[i]);
    return reduce_told(reducer, status);
}

enum pgw_status
pgw_trace_reduce_event(struct pgw_trace_reducer *reducer, const struct pgw_event *event)
{
    enum pgw_status status = reduce_told(reducer, reduce_settle(reducer));

    reducer->fold.forked = reducer->fold.forked || event->kind == PGW_EVENT_FORK;
    return status == PGW_OK ? pgw_trace_write_event(reducer->writer, event) : status;
}

enum pgw_status
pgw_trace_reducer_close(struct pgw_trace_reducer *reducer)
{
    struct reduce_entry *entry;
    enum pgw_status status = reduce_told(reducer, reduce_settle(reducer));

    while ((entry = TAILQ_FIRST(&reducer->entries)) != NULL) { /* after a failure */
        TAILQ_REMOVE(&reducer->entries, entry, link);
        free(entry);
    }
    free(reducer->bucket);
    free(reducer);
    return status;
}
