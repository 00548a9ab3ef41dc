/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The report for people: groups of lines, each a label, a figure and what it means.  A group
 * that has nothing to say is left out.
 */
#include "report/report.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/size.h"
#include "report/report_buf.h"
#include "report/report_chart.h"

/* "  label    1,234,567  note" */
static void report_line(struct report_buf *buf, const char *label, uint64_t n, const char *note,
    ...) __attribute__((format(printf, 4, 5)));

static void
report_line(struct report_buf *buf, const char *label, uint64_t n, const char *note, ...)
{
    char count[REPORT_COUNT_LEN], text[256];
    va_list args;

    va_start(args, note);
    (void)vsnprintf(text, sizeof text, note, args);
    va_end(args);
    report_buf_add(buf, "  %-22s %18s%s%s\n", label, report_count(n, count),
        text[0] != '\0' ? "  " : "", text);
}

/* A figure in pages, with its size as a person would write it. */
static void
report_pages(struct report_buf *buf, const char *label, uint64_t pages, const char *note)
{
    char size[16];

    base_size_format(pages * PAGE_SIZE, size, sizeof size);
    if (pages > 0)
        report_line(buf, label, pages, "pages, %s%s", size, note);
    else
        report_line(buf, label, 0, "pages");
}

static void
report_text_head(struct report_buf *buf, const struct report_input *in)
{
    char ram[16], swap[16];

    base_size_format(in->stats.ram * PAGE_SIZE, ram, sizeof ram);
    base_size_format(in->stats.swap_size * PAGE_SIZE, swap, sizeof swap);
    report_buf_add(buf, "Pagewright report: %s of RAM, ", ram);
    if (in->stats.swap_size > 0)
        report_buf_add(buf, "%s of swap (%s), ", swap, in->swap);
    else
        report_buf_add(buf, "no swap, ");
    report_buf_add(
        buf, "mmu %s, policy %s, seed %llu\n", in->mmu, in->policy, (unsigned long long)in->seed);
}

static void
report_text_program(struct report_buf *buf, const struct report_input *in)
{
    const struct pgw_stats *s = &in->stats;
    char fetches[REPORT_COUNT_LEN], data[REPORT_COUNT_LEN];

    report_buf_add(buf, "\nProgram\n");
    report_line(buf, "instructions", s->instructions, "%s", "");
    report_line(buf, "memory accesses", s->fetches + s->loads_stores,
        "%s instruction fetches, %s loads and stores", report_count(s->fetches, fetches),
        report_count(s->loads_stores, data));
    if (s->processes == 0)
        return;
    report_line(buf, "processes", s->processes, "forks %llu, execs %llu",
        (unsigned long long)s->forks, (unsigned long long)s->execs);
    report_line(buf, "context switches", s->context_switches, "%s", "");
    report_line(buf, "signals", s->signals, "%s", "");
    report_line(buf, "system calls", s->syscalls, "%s", "");
    if (s->killed_for_memory > 0)
        report_line(buf, "ended for memory", s->killed_for_memory,
            "RAM and swap were full: give it more of either");
    for (size_t i = 0; i < in->ncalls; i++)
        report_line(buf, i == 0 ? "not implemented" : "", in->calls[i].times,
            "times system call %s (%u)", in->calls[i].name, in->calls[i].number);
}

static void
report_text_faults(struct report_buf *buf, const struct pgw_stats *s)
{
    report_buf_add(buf, "\nPage faults\n");
    report_line(buf, "minor", s->minor, "resolved without a device");
    report_line(buf, "major", s->major, "waited for a page to be read");
    report_line(buf, "of both: zero fill", s->zero_fill, "a fresh page of zeros");
    report_line(buf, "of both: copy on write", s->cow, "a shared page, copied when written to");
}

static void
report_text_paging(struct report_buf *buf, const struct pgw_stats *s)
{
    char note[96], count[REPORT_COUNT_LEN];

    report_buf_add(buf, "\nPaging\n");
    (void)snprintf(note, sizeof note, " in %s reads", report_count(s->swap_reads, count));
    report_pages(buf, "in from swap", s->swap_in, note);
    (void)snprintf(note, sizeof note, " in %s writes", report_count(s->swap_writes, count));
    report_pages(buf, "out to swap", s->swap_out, note);
    report_pages(buf, "in from files", s->file_in, "");
    report_line(buf, "evicted", s->evicted, "pages, %s of them clean (nothing to write)",
        report_count(s->evicted_clean, count));
    report_line(buf, "page daemon runs", s->daemon_runs, "made room ahead of need");
    report_line(buf, "direct reclaims", s->direct_reclaims, "faults that had to make room first");
    if (s->put_failures > 0 || s->get_failures > 0)
        report_line(buf, "device failures", s->put_failures + s->get_failures,
            "pages: %llu not written, %llu not read", (unsigned long long)s->put_failures,
            (unsigned long long)s->get_failures);
}

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
report_text_translation(struct report_buf *buf, const struct report_input *in)
{
    const struct pgw_stats *s = &in->stats;
    char refs[REPORT_COUNT_LEN];
    uint64_t total = 0;

    report_buf_add(buf, "\nTranslation\n");
    if (!s->tlb_modelled) {
        report_buf_add(buf, "  not counted: no TLB is modelled\n");
        return;
    }
    report_buf_add(buf, "  TLB %s (entries:ways)\n", in->tlb);
    report_hits(buf, "L1 instruction TLB", s->l1i_hits, s->l1i_misses);
    report_hits(buf, "L1 data TLB", s->l1d_hits, s->l1d_misses);
    if (s->l2_hits + s->l2_misses > 0)
        report_hits(buf, "L2 TLB", s->l2_hits, s->l2_misses);
    for (unsigned i = 0; i < PGW_LEVELS_MAX; i++)
        total += s->walk_refs[i];
    report_line(
        buf, "page table walks", s->walks, "%s memory references:", report_count(total, refs));
    for (unsigned i = 0; i < in->levels && i < PGW_LEVELS_MAX; i++)
        report_line(buf,
            i == 0   ? "  level 0 (root)"
            : i == 1 ? "  level 1"
            : i == 2 ? "  level 2"
            : i == 3 ? "  level 3"
                     : "  level 4",
            s->walk_refs[i], "%s", "");
    report_line(buf, "dropped from TLBs", s->tlb_flushed, "entries, their mappings had changed");
}

static void
report_bytes_each(
    struct report_buf *buf, const char *label, uint64_t bytes, uint64_t n, const char *of_what)
{
    if (n > 0)
        report_line(buf, label, bytes, "bytes, %.1f %s", (double)bytes / (double)n, of_what);
    else
        report_line(buf, label, bytes, "bytes");
}

static void
report_text_memory(struct report_buf *buf, const struct pgw_stats *s)
{
    report_buf_add(buf, "\nMemory\n");
    report_pages(buf, "peak in RAM", s->resident_peak, "");
    report_pages(buf, "peak on swap", s->swap_peak, "");
    report_pages(buf, "peak of page tables", s->tables_peak, " (they take RAM too)");
    report_bytes_each(buf, "frame table", s->frame_table_bytes, s->ram, "a frame of RAM");
    report_bytes_each(buf, "peak of records", s->record_bytes_peak, s->resident_peak + s->swap_peak,
        "a page in RAM or on swap");
}

/* One window is no distribution, and no curve. */
static void
report_text_spread(
    struct report_buf *buf, const struct report_input *in, const struct report_spread *spread)
{
    if (in->nwindows == 1) {
        report_pages(buf, "the only window", spread->max, "");
        return;
    }
    report_pages(buf, "least", spread->min, "");
    report_pages(buf, "half the windows", spread->p50, " or less");
    report_pages(buf, "90% of the windows", spread->p90, " or less");
    report_pages(buf, "99% of the windows", spread->p99, " or less");
    report_pages(buf, "most", spread->max, "");
    report_buf_add(buf, "\n");
    report_chart(in, spread->max, buf);
}

static enum pgw_status
report_text_workset(struct report_buf *buf, const struct report_input *in)
{
    struct report_spread spread;
    char count[REPORT_COUNT_LEN];
    enum pgw_status status = report_spread(in, &spread);

    if (status == PGW_NOTFOUND)
        return PGW_OK;
    if (status != PGW_OK)
        return status;
    report_buf_add(buf, "\nWorking set: pages used in each window of %s instructions\n",
        report_count(in->window, count));
    report_text_spread(buf, in, &spread);
    return PGW_OK;
}

static void
report_part(struct report_buf *buf, const char *label, double ns, const struct report_time *time)
{
    if (ns > 0)
        report_buf_add(buf, "  %-22s %15.3f ns  %5.1f%%\n", label, ns / time->accesses,
            100.0 * ns / time->total);
}

static void
report_text_cost(struct report_buf *buf, const struct report_input *in)
{
    const struct pgw_cost *c = &in->cost;
    struct report_time time;

    report_time(&in->stats, c, &time);
    if (time.accesses <= 0)
        return;
    report_buf_add(buf, "\nEffective access time: %.3f ns an access\n", time.total / time.accesses);
    report_part(buf, "memory itself", time.ram, &time);
    report_part(buf, "TLB look-up", time.tlb, &time);
    report_part(buf, "second-level TLB", time.l2, &time);
    report_part(buf, "page table walks", time.walks, &time);
    report_part(buf, "page faults", time.faults, &time);
    report_part(buf, "waiting for devices", time.disk, &time);
    report_buf_add(buf, "  cost model: tlb %gns, l2 %gns, ram %gns, fault %gns, disk %gns\n",
        c->tlb_ns, c->l2_ns, c->ram_ns, c->fault_ns, c->disk_ns);
}

enum pgw_status
report_text(const struct report_input *input, char **text)
{
    struct report_buf buf = {0};

    report_text_head(&buf, input);
    report_text_program(&buf, input);
    report_text_faults(&buf, &input->stats);
    report_text_paging(&buf, &input->stats);
    report_text_translation(&buf, input);
    report_text_memory(&buf, &input->stats);
    enum pgw_status status = report_text_workset(&buf, input);
    report_text_cost(&buf, input);
    if (status != PGW_OK)
        buf.failed = true;
    return report_buf_take(&buf, text);
}
