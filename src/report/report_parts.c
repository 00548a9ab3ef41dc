/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/report_parts.h"

#include <string.h>

#include "report/report_lines.h"

static void
report_hits(struct report_buf *buf, const char *label, uint64_t hits, uint64_t misses)
{
    char count[REPORT_COUNT_LEN];
    uint64_t all = hits + misses;
    double percent = all > 0 ? 100.0 * (double)hits / (double)all : 100.0;

    if (misses > 0 && percent > 99.999)
        percent = 99.999; /* rounding must not hide the misses */
    report_line(buf, label, hits, "hits (%.3f%%), %s misses", percent, report_count(misses, count));
}

static void
report_walks(struct report_buf *buf, const struct report_input *in)
{
    static const char *const radix[PGW_LEVELS_MAX] = {
        "  level 0 (root)", "  level 1", "  level 2", "  level 3", "  level 4"};
    static const char *const hashed[PGW_LEVELS_MAX] = {"  anchors", "  chains"};
    const char *const *labels = in->hashed ? hashed : radix;
    const struct pgw_stats *s = &in->stats;
    char refs[REPORT_COUNT_LEN];
    uint64_t total = 0;

    for (unsigned i = 0; i < PGW_LEVELS_MAX; i++)
        total += s->walk_refs[i];
    report_line(buf, s->refill ? "TLB refills" : "page table walks", s->walks,
        "%s%s memory references:", s->refill ? "by the core's own handler, " : "",
        report_count(total, refs));
    for (unsigned i = 0; i < in->levels && i < PGW_LEVELS_MAX && labels[i] != NULL; i++)
        report_line(buf, labels[i], s->walk_refs[i], "%s", "");
}

/* Walks that began below the root, because a walk cache knew the way. */
static void
report_walk_caches(struct report_buf *buf, const struct pgw_stats *s)
{
    uint64_t total = 0;

    for (unsigned i = 0; i < PGW_LEVELS_MAX; i++)
        total += s->pwc_hits[i];
    if (total == 0)
        return;
    report_line(buf, "from walk caches", total, "walks began below the root:");
    for (unsigned i = 1; i < PGW_LEVELS_MAX; i++) {
        if (s->pwc_hits[i] > 0)
            report_line(buf, "", s->pwc_hits[i], "at level %u", i);
    }
}

static void
report_line_if_any(struct report_buf *buf, const char *label, uint64_t n, const char *note)
{
    if (n > 0)
        report_line(buf, label, n, "%s", note);
}

void
report_text_translation(struct report_buf *buf, const struct report_input *in)
{
    const struct pgw_stats *s = &in->stats;
    char count[REPORT_COUNT_LEN];

    report_buf_add(buf, "\nTranslation\n");
    if (!s->tlb_modelled) {
        report_buf_add(buf, "  not counted: no TLB is modelled\n");
        return;
    }
    report_buf_add(
        buf, "  TLB %s%s\n", in->tlb, strchr(in->tlb, ':') != NULL ? " (entries:ways)" : "");
    report_hits(buf, "L1 instruction TLB", s->l1i_hits, s->l1i_misses);
    report_hits(buf, "L1 data TLB", s->l1d_hits, s->l1d_misses);
    if (s->l2_hits + s->l2_misses > 0)
        report_hits(buf, "L2 TLB", s->l2_hits, s->l2_misses);
    if (s->prefetches > 0)
        report_line(buf, "prefetched", s->prefetches, "next pages, %s of them used",
            report_count(s->prefetch_hits, count));
    report_walks(buf, in);
    report_walk_caches(buf, s);
    report_line_if_any(buf, "accessed and dirty", s->ad_faults,
        "faults: the core sets these bits, the hardware does not");
    report_line(buf, "dropped from TLBs", s->tlb_flushed, "entries, their mappings had changed");
}

static void
report_partitions(struct report_buf *buf, const struct pgw_stats *s)
{
    report_line(buf, "most segments", s->segments_peak, "%llu in RAM",
        (unsigned long long)s->segments_resident_peak);
    report_pages(buf, "peak in RAM", s->segment_pages_peak, "");
    report_pages(buf, "peak unused there", s->segment_unused_peak, " (part of no mapping)");
    if (s->segments > 0) {
        report_line(buf, "segments now", s->segments, "%llu of them in RAM",
            (unsigned long long)s->segments_resident);
        report_pages(buf, "in RAM now", s->segment_pages, "");
        report_pages(buf, "  of these, unused", s->segment_unused, " (part of no mapping)");
    }
    report_line(buf, "most holes", s->holes_peak, "in RAM, between segments");
    report_line(buf, "holes now", s->holes, "the largest has %llu pages",
        (unsigned long long)s->largest_hole);
    report_buf_add(buf, "  %-22s %17.1f%%  of the free RAM is outside its largest hole, now\n",
        "fragmentation", 100 * s->fragmentation);
    report_buf_add(buf, "  %-22s %17.1f%%  of the RAM was free outside its largest hole\n",
        "peak of that", 100 * s->fragmentation_peak);
    report_line(buf, "no hole large enough", s->fit_failures,
        "times, though there was room enough in pieces");
}

void
report_text_segments(struct report_buf *buf, const struct report_input *in)
{
    const struct pgw_stats *s = &in->stats;
    char count[REPORT_COUNT_LEN];

    report_buf_add(buf, "\nSegments\n");
    report_partitions(buf, s);
    report_line(buf, "compactions", s->compactions, "%s pages moved",
        report_count(s->compaction_moved, count));
    report_line(buf, "grown", s->grown_in_place + s->grown_by_moving,
        "times, %llu in place, %llu by moving %s pages", (unsigned long long)s->grown_in_place,
        (unsigned long long)s->grown_by_moving, report_count(s->growth_moved, count));
    report_line(buf, "swapped out", s->segments_out, "whole segments, %llu brought in again",
        (unsigned long long)s->segments_in);
    report_line(buf, "shared", s->segment_shares, "segments, instead of a copy");
    report_line(buf, "copied by fork", s->segment_copied, "pages");
}

void
report_text_switches(struct report_buf *buf, const struct report_input *in)
{
    const struct pgw_stats *s = &in->stats;
    struct report_time time;
    char count[REPORT_COUNT_LEN];

    if (s->space_switches == 0)
        return;
    double n = (double)s->space_switches;
    report_time(s, &in->cost, &time);
    report_buf_add(buf, "\nSwitches of spaces\n");
    report_line(buf, "switches", s->space_switches, "%.3f us each, by the cost model",
        time.switches / n / 1000);
    report_line(buf, "registers written", s->switch_registers, "%.1f a switch",
        (double)s->switch_registers / n);
    if (s->switch_flushes > 0)
        report_line(buf, "TLBs emptied", s->switch_flushes,
            "times, for want of tags: %s entries dropped", report_count(s->switch_flushed, count));
}
