/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/report_services.h"

#include <stddef.h>
#include <string.h>

#include "report/report_lines.h"

/* One figure of a group: its key in JSON, its label and note in text. */
struct service_row {
    const char *key, *label, *note; /* of PAGES, the note goes on behind a size: ", of files" */
    size_t offset;                  /* in struct pgw_stats */
    /* RATIO: a double; IDLE: no sign of activity; LIMIT: PAGES, told only where it is kept to. */
    enum { COUNT, PAGES, RATIO, IDLE, LIMIT } kind;
};

struct service {
    const char *key, *title;
    const struct service_row *rows; /* the last one has no key */
};

#define ROW(kind, field, key, label, note)                                                         \
    {                                                                                              \
        key, label, note, offsetof(struct pgw_stats, field), kind                                  \
    }

/* clang-format off */
static const struct service_row harts_rows[] = {
    ROW(IDLE, harts, "harts", "harts", ""),
    ROW(COUNT, threads, "threads", "further threads", "than the first of each process"),
    ROW(COUNT, shootdowns, "shootdowns", "shootdowns", "from all harts' TLBs"),
    ROW(COUNT, shootdown_interrupts, "interrupts", "interrupts", "of other harts, by these"),
    ROW(COUNT, shootdown_dropped, "dropped", "dropped there", "TLB entries"),
    {.key = NULL},
};

static const struct service_row commitment[] = {
    ROW(PAGES, committed, "promised_pages", "promised at the end", ""),
    ROW(PAGES, committed_peak, "promised_peak_pages", "promised at most", ""),
    ROW(LIMIT, commit_limit, "limit_pages", "limit", ", under --overcommit never"),
    ROW(COUNT, commit_refused, "refused", "refused", "calls"),
    ROW(COUNT, tables_dropped, "tables_dropped", "page tables given up", "all at once, for want of other frames"),
    {NULL, NULL, NULL, 0, 0},
};

static const struct service_row ahead_rows[] = {
    ROW(COUNT, ahead_read, "read", "read ahead of need", "pages"),
    ROW(COUNT, ahead_used, "used", "asked for later", "pages"),
    ROW(COUNT, ahead_wasted, "wasted", "gone unused", "pages"),
    ROW(RATIO, ahead_accuracy, "accuracy", "accuracy", "of those whose fate is known"),
    ROW(COUNT, around_mapped, "mapped_around", "mapped around", "pages of files, along with one that faulted"),
    {NULL, NULL, NULL, 0, COUNT},
};

static const struct service_row pressure_rows[] = {
    ROW(COUNT, refaults, "refaults", "pages that came back", "of those evicted"),
    ROW(COUNT, refaults_active, "active", "came back soon", "evicted too early: they would have fit in RAM"),
    ROW(COUNT, pressure_some_us, "some_us", "stalled: some", "microseconds in which a task waited for want of memory"),
    ROW(RATIO, pressure_some, "some_percent", "", "% of the run"),
    ROW(COUNT, pressure_full_us, "full_us", "stalled: full", "microseconds in which nobody else wanted to run either"),
    ROW(RATIO, pressure_full, "full_percent", "", "% of the run"),
    {NULL, NULL, NULL, 0, COUNT},
};

static const struct service_row proactive_rows[] = {
    ROW(IDLE, proactive, "target_percent", "to lose at the most", "% of the run (--proactive)"),
    ROW(RATIO, squeezed_cost, "lost_percent", "lost", "% of the run, waiting for pages that came back"),
    ROW(COUNT, squeezed, "taken", "taken ahead of need", "pages"),
    ROW(COUNT, squeezed_back, "came_back", "of these, came back", ""),
    ROW(PAGES, squeezed_to, "squeezed_to_pages", "squeezed to", " in RAM on average, lately"),
    {.key = NULL},
};

static const struct service_row merging[] = {
    ROW(PAGES, merge_sharing_peak, "saved_peak_pages", "saved at most", ""),
    ROW(PAGES, merge_sharing, "saved_pages", "saved at the end", ""),
    ROW(PAGES, merge_shared_peak, "shared_peak_pages", "in common at most", ""),
    ROW(PAGES, merge_shared, "shared_pages", "in common at the end", ""),
    ROW(COUNT, merge_merged, "merged", "merged", "pages given up for an equal one"),
    ROW(COUNT, merge_splits, "splits", "split", "copied again, mostly because one was written"),
    ROW(IDLE, merge_scans, "scans", "full scans", ""),
    ROW(COUNT, merge_scanned, "scanned", "looked at", "pages"),
    ROW(COUNT, merge_volatile, "volatile", "not calm", "of these: not yet twice the same"),
    ROW(COUNT, merge_full, "full", "refused", "by pages that 256 use already"),
    {NULL, NULL, NULL, 0, 0},
};

static const struct service_row files_rows[] = {
    ROW(COUNT, cache_hits, "cache_hits", "reads from RAM", "pages that read(2) found there"),
    ROW(COUNT, cache_misses, "cache_misses", "reads from files", "pages that it did not"),
    ROW(PAGES, file_cached_peak, "cached_peak", "cached by reads", " at most: first to go"),
    ROW(PAGES, file_cached, "cached", "  at the end", ""),
    ROW(PAGES, file_dirty_peak, "dirty_peak", "dirty", " at most, of files"),
    ROW(PAGES, file_dirty, "dirty", "  at the end", ""),
    ROW(PAGES, written_back, "written_back", "written back", ", by shared mappings"),
    ROW(COUNT, writeback_runs, "writeback_runs", "write-backs", "runs of neighbours"),
    ROW(COUNT, writeback_failures, "writeback_failures", "write-backs refused", "kept, dirty"),
    ROW(PAGES, writeback_lost, "writeback_lost", "never written", ", refused to the end"),
    ROW(PAGES, truncated, "truncated", "truncated", ", dropped with the end of a file"),
    {.key = NULL},
};

static const struct service_row shm_rows[] = {
    ROW(PAGES, shm_len_peak, "length_peak", "length at most", ", of all memory objects"),
    ROW(PAGES, shm_resident_peak, "resident_peak", "in RAM at most", ""),
    ROW(PAGES, shm_swapped_peak, "swapped_peak", "on swap at most", ""),
    ROW(PAGES, shm_len, "length", "length at the end", ""),
    ROW(PAGES, shm_resident, "resident", "in RAM at the end", ""),
    ROW(PAGES, shm_swapped, "swapped", "on swap at the end", ""),
    {.key = NULL},
};

static const struct service_row huge_rows[] = {
    ROW(COUNT, huge_faults, "faults", "faults that made one", ""),
    ROW(COUNT, huge_collapsed, "collapsed", "made of small pages", ""),
    ROW(COUNT, huge_failed, "failed", "wanted in vain", "no run of frames, or RAM too full"),
    ROW(COUNT, huge_splits, "splits", "mappings split", ""),
    ROW(COUNT, reserve_made, "reserved", "runs reserved", "for pages that come one by one"),
    ROW(COUNT, reserve_filled, "filled", "of these, filled", "mapped as one then"),
    ROW(COUNT, reserve_broken, "broken", "broken", "because nothing else was free"),
    ROW(PAGES, reserve_held_peak, "held_peak", "reserved and unused", " at most; they count as free"),
    ROW(PAGES, reserve_held, "held", "  at the end", ""),
    ROW(PAGES, huge_mapped_peak, "mapped_peak", "mapped at most", ""),
    ROW(RATIO, pages_per_entry_then, "pages_per_entry_then", "TLB reach then", "pages an entry on average, 1 without"),
    ROW(PAGES, huge_mapped, "mapped", "mapped now", ""),
    ROW(RATIO, pages_per_entry, "pages_per_entry", "TLB reach now", ""),
    {NULL, NULL, NULL, 0, COUNT},
};

static const struct service_row compaction_rows[] = {
    ROW(COUNT, compact_runs, "runs", "runs of frames wanted", ""),
    ROW(COUNT, compact_made, "made", "made", ""),
    ROW(COUNT, compact_failed, "failed", "in vain", ""),
    ROW(COUNT, compact_moved, "moved", "pages moved for them", ""),
    ROW(COUNT, compact_pinned, "pinned", "blocks passed over", "for a page that must stay"),
    ROW(COUNT, compact_huge, "huge", "  and left whole", "as they are huge pages"),
    ROW(COUNT, migrated, "migrated", "pages moved in all", "huge pages of small ones included"),
    ROW(RATIO, fragmentation_index_then, "fragmentation_index_then", "fragmentation index",
        "at worst, when a run was wanted: 1 in pieces, 0 full, -1 no matter"),
    ROW(RATIO, unusable_index_then, "unusable_index_then", "unusable index", "of free RAM, then"),
    ROW(RATIO, fragmentation_index, "fragmentation_index", "fragmentation at the end", ""),
    ROW(RATIO, unusable_index, "unusable_index", "unusable at the end", ""),
    {NULL, NULL, NULL, 0, COUNT},
};

static const struct service_row sharing_rows[] = {
    ROW(PAGES, file_shared_peak, "saved_peak_pages", "saved at most",
        ", by mapping pages of files more than once"),
    ROW(PAGES, file_shared, "saved_pages", "saved at the end", ""),
    {.key = NULL},
};

static const struct service_row pool_rows[] = {
    ROW(PAGES, pool_limit, "limit_pages", "limit", ""),
    ROW(PAGES, pool_frames_peak, "frames_peak", "RAM it took at most", ""),
    ROW(PAGES, pool_frames, "frames", "takes at the end", ""),
    ROW(PAGES, pool_pages_peak, "pages_peak", "pages in it at most", ""),
    ROW(PAGES, pool_pages, "pages", "in it at the end", ""),
    ROW(PAGES, pool_same_peak, "same_peak", "one word at most", ", again and again: kept as that"),
    ROW(PAGES, pool_same, "same", "one word at the end", ""),
    ROW(RATIO, pool_ratio, "ratio", "ratio", "to 1, of pages to all memory they took, records and tables too"),
    ROW(COUNT, pool_hits, "hits", "came back from it", "pages, without a device"),
    ROW(COUNT, pool_rejected, "rejected", "hard to compress", "pages, passed on"),
    ROW(COUNT, pool_overflowed, "overflowed", "no room", "for so many pages, passed on"),
    ROW(COUNT, pool_written_back, "written_back", "written back", "the oldest, to make room"),
    ROW(COUNT, pool_compacted, "compacted", "compacted", "pages moved within it to free a frame"),
    ROW(COUNT, pool_squeezed, "squeezed", "compressed", "pages, those that it was in vain for too"),
    ROW(COUNT, pool_expanded, "expanded", "made whole", "pages"),
    ROW(COUNT, pool_dictionaries, "dictionaries", "dictionaries", "made from its pages to compress others"),
    ROW(PAGES, device_pages_peak, "device_pages_peak", "on the device below", " at most"),
    ROW(PAGES, device_pages, "device_pages", "  at the end", ""),
    ROW(COUNT, tmem_puts, "clean_puts", "clean pages kept", "of files"),
    ROW(COUNT, tmem_hits, "clean_hits", "  of these, used", "instead of reading the file"),
    ROW(COUNT, tmem_dropped, "clean_dropped", "  of these, dropped", "for want of room"),
    ROW(PAGES, tmem_pages_peak, "clean_pages_peak", "  there at most", ""),
    ROW(PAGES, tmem_pages, "clean_pages", "  there at the end", ""),
    ROW(PAGES, tmem_persistent_peak, "persistent_pages_peak", "put there to stay", " at most, in persistent pools"),
    ROW(PAGES, tmem_persistent, "persistent_pages", "  there at the end", ""),
    {.key = NULL},
};

static const struct service_row zeros_rows[] = {
    ROW(COUNT, zeros_dropped, "dropped", "dropped", "dirty pages evicted that were all zeros: they cost no swap"),
    {.key = NULL},
};

static const struct service_row advice[] = {
    ROW(PAGES, locked_peak, "locked_peak_pages", "locked at most", ""),
    ROW(PAGES, locked, "locked_pages", "locked at the end", ""),
    ROW(PAGES, lazy_freed, "lazily_freed_pages", "freed lazily", ", and dropped since"),
    ROW(PAGES, advised_out, "paged_out_pages", "paged out", ", as the program said"),
    {.key = NULL},
};

static const struct service_row recording_rows[] = {
    ROW(COUNT, recorded, "references", "references", ""),
    ROW(COUNT, recorded_fetches, "fetches", "  of these, fetches", "of instructions"),
    ROW(COUNT, recorded_events, "events", "events", "that changed an address space"),
    ROW(COUNT, recorded_codes, "codes", "pieces of code", ""),
    ROW(COUNT, recorded_bytes, "bytes", "bytes", "of the trace"),
    ROW(RATIO, recorded_each, "bytes_each", "bytes a reference", ""),
    {.key = NULL},
};

static const struct service services[] = {
    {"pool", "Compressed pool", pool_rows},
    {"zeros", "Pages of zeros", zeros_rows},
    {"commitment", "Commitment", commitment},
    {"advice", "Locks and advice", advice},
    {"harts", "Threads and harts", harts_rows},
    {"readahead", "Read-ahead", ahead_rows},
    {"pressure", "Working set and pressure", pressure_rows},
    {"proactive", "Memory taken to see how much is needed", proactive_rows},
    {"merging", "Same-page merging", merging},
    {"sharing", "Sharing of programs and libraries", sharing_rows},
    {"files", "Files", files_rows},
    {"shm", "Shared memory", shm_rows},
    {"huge_pages", "Huge pages", huge_rows},
    {"compaction", "Compaction", compaction_rows},
    {"recording", "Recording", recording_rows},
    {NULL, NULL, NULL},
};
/* clang-format on */

static uint64_t
service_count(const struct pgw_stats *stats, const struct service_row *row)
{
    uint64_t n;

    memcpy(&n, (const char *)stats + row->offset, sizeof n);
    return n;
}

static double
service_ratio(const struct pgw_stats *stats, const struct service_row *row)
{
    double x;

    memcpy(&x, (const char *)stats + row->offset, sizeof x);
    return x;
}

static bool
service_is_idle(const struct pgw_stats *stats, const struct service *service)
{
    for (const struct service_row *row = service->rows; row->key != NULL; row++)
        /* Ratios are of other figures; scans in vain and settings are no activity. */
        if (row->kind != RATIO && row->kind != IDLE && row->kind != LIMIT &&
            service_count(stats, row) > 0)
            return false;
    return true;
}

static void
service_text(
    struct report_buf *buf, const struct report_input *input, const struct service_row *row)
{
    const struct pgw_stats *stats = &input->stats;

    switch (row->kind) {
    case LIMIT:
        if (!input->commit_limited || service_count(stats, row) == 0)
            break;
        /* fall through */
    case PAGES:
        report_pages(buf, row->label, service_count(stats, row), row->note);
        break;
    case COUNT:
    case IDLE:
        report_line(buf, row->label, service_count(stats, row), "%s", row->note);
        break;
    case RATIO:
        report_buf_add(
            buf, "  %-22s %15.3f  %s\n", row->label, service_ratio(stats, row), row->note);
        break;
    }
}

void
report_text_services(struct report_buf *buf, const struct report_input *input)
{
    for (const struct service *service = services; service->key != NULL; service++) {
        if (service_is_idle(&input->stats, service))
            continue;
        report_buf_add(buf, "\n%s\n", service->title);
        for (const struct service_row *row = service->rows; row->key != NULL; row++)
            service_text(buf, input, row);
    }
}

static json_t *
service_json(const struct pgw_stats *stats, const struct service *service)
{
    json_t *group = json_object();

    for (const struct service_row *row = service->rows; group != NULL && row->key != NULL; row++) {
        json_t *figure = row->kind == RATIO ? json_real(service_ratio(stats, row))
                                            : json_integer((json_int_t)service_count(stats, row));
        if (json_object_set_new(group, row->key, figure) != 0) {
            json_decref(group);
            return NULL;
        }
    }
    return group;
}

json_t *
report_json_services(const struct pgw_stats *stats)
{
    json_t *all = json_object();

    for (const struct service *service = services; all != NULL && service->key != NULL; service++) {
        if (json_object_set_new(all, service->key, service_json(stats, service)) != 0) {
            json_decref(all);
            return NULL;
        }
    }
    return all;
}
