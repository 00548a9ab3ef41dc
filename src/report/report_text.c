/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The report for people: groups of lines, each a label, a figure and what it means.  A group
 * that has nothing to say is left out.
 */
#include "report/report.h"

#include <stdio.h>

#include "base/size.h"
#include "report/report_buf.h"
#include "report/report_chart.h"
#include "report/report_lines.h"
#include "report/report_maps.h"
#include "report/report_parts.h"
#include "report/report_groups.h"
#include "report/report_runs.h"
#include "report/report_services.h"

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
    report_buf_add(buf, "mmu %s, policy %s, seed %llu\n", in->mmu,
        in->stats.contiguous ? "none" : in->policy, (unsigned long long)in->seed);
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
            "there was no room: give it more RAM or swap, or its group a larger limit");
    for (size_t i = 0; i < in->ncalls; i++)
        report_line(buf, i == 0 ? "not implemented" : "", in->calls[i].times,
            "times system call %s (%u)", in->calls[i].name, in->calls[i].number);
}

static void
report_text_faults(struct report_buf *buf, const struct pgw_stats *s)
{
    report_buf_add(buf, s->contiguous ? "\nSegment faults\n" : "\nPage faults\n");
    report_line(buf, "minor", s->minor, "resolved without a device");
    report_line(buf, "major", s->major, "%s",
        s->contiguous ? "waited for a device" : "waited for a page to be read");
    if (s->contiguous)
        return;
    report_line(buf, "of both: zero fill", s->zero_fill, "a fresh page of zeros");
    report_line(buf, "of both: copy on write", s->cow, "a shared page, copied when written to");
}

static void
report_text_evictions(struct report_buf *buf, const struct pgw_stats *s)
{
    char count[REPORT_COUNT_LEN];

    report_line(buf, "evicted", s->evicted, "pages, %s of them clean (nothing to write)",
        report_count(s->evicted_clean, count));
    report_line(buf, "page daemon runs", s->daemon_runs, "made room ahead of need");
    report_line(buf, "direct reclaims", s->direct_reclaims, "faults that had to make room first");
}

static void
report_text_paging(struct report_buf *buf, const struct pgw_stats *s)
{
    char note[96], count[REPORT_COUNT_LEN];

    report_buf_add(buf, s->contiguous ? "\nSwapping\n" : "\nPaging\n");
    (void)snprintf(note, sizeof note, " in %s reads", report_count(s->swap_reads, count));
    report_pages(buf, "in from swap", s->swap_in, note);
    (void)snprintf(note, sizeof note, " in %s writes", report_count(s->swap_writes, count));
    report_pages(buf, "out to swap", s->swap_out, note);
    (void)snprintf(note, sizeof note, " in %s reads", report_count(s->file_reads, count));
    report_pages(buf, "in from files", s->file_in, note);
    if (!s->contiguous)
        report_text_evictions(buf, s);
    if (s->put_failures > 0 || s->get_failures > 0)
        report_line(buf, "device failures", s->put_failures + s->get_failures,
            "pages: %llu not written, %llu not read", (unsigned long long)s->put_failures,
            (unsigned long long)s->get_failures);
}

/* A line each, if there are several; of one, all is said by then. */
static void
report_text_devices(struct report_buf *buf, const struct pgw_stats *s)
{
    char size[16], peak[16];

    if (s->nswap_devices < 2)
        return;
    report_buf_add(buf, "\nSwap devices\n  %-40s %7s %7s %10s %10s %9s\n", "", "size", "peak",
        "pages in", "pages out", "failures");
    for (unsigned i = 0; i < s->nswap_devices; i++) {
        const struct pgw_swap_device *d = &s->swap_devices[i];
        base_size_format(d->size * PAGE_SIZE, size, sizeof size);
        base_size_format(d->peak * PAGE_SIZE, peak, sizeof peak);
        report_buf_add(buf, "  %-40s %7s %7s %10llu %10llu %9llu\n", d->name, size, peak,
            (unsigned long long)d->pages_in, (unsigned long long)d->pages_out,
            (unsigned long long)d->failures);
    }
}

static void
report_text_memory(struct report_buf *buf, const struct pgw_stats *s)
{
    report_buf_add(buf, "\nMemory\n");
    report_pages(buf, "peak in RAM", s->resident_peak, "");
    report_pages(buf, "peak on swap", s->swap_peak, "");
    if (!s->contiguous)
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
    report_part(buf, "refill handler", time.refills, &time);
    report_part(buf, in->stats.contiguous ? "segment faults" : "page faults", time.faults, &time);
    report_part(buf, "waiting for devices", time.disk, &time);
    report_part(buf, "switches of spaces", time.switches, &time);
    report_part(buf, "moving and copying", time.moves, &time);
    report_part(buf, "compressing pages", time.compression, &time);
    report_part(buf, "interrupting harts", time.interrupts, &time);
    report_buf_add(buf,
        "  cost model: tlb %gns, l2 %gns, ram %gns, fault %gns, disk %gns, refill %gns,\n"
        "      switch %gns, register %gns, move %gns, ipi %gns\n",
        c->tlb_ns, c->l2_ns, c->ram_ns, c->fault_ns, c->disk_ns, c->refill_ns, c->switch_ns,
        c->register_ns, c->move_ns, c->ipi_ns);
    if (time.compression > 0)
        report_buf_add(buf, "      %s %gns, un%s %gns\n", in->stats.pool_lz4 ? "lz4" : "zstd",
            in->stats.pool_lz4 ? c->lz4_ns : c->zstd_ns, in->stats.pool_lz4 ? "lz4" : "zstd",
            in->stats.pool_lz4 ? c->unlz4_ns : c->unzstd_ns);
}

enum pgw_status
report_text(const struct report_input *input, char **text)
{
    struct report_buf buf = {0};

    report_text_head(&buf, input);
    report_text_program(&buf, input);
    report_text_faults(&buf, &input->stats);
    report_text_paging(&buf, &input->stats);
    if (input->stats.contiguous)
        report_text_segments(&buf, input);
    else
        report_text_translation(&buf, input);
    report_text_switches(&buf, input);
    report_text_memory(&buf, &input->stats);
    report_text_devices(&buf, &input->stats);
    report_text_services(&buf, input);
    report_text_runs(&buf, &input->stats);
    report_text_groups(&buf, input);
    report_text_maps(&buf, input);
    enum pgw_status status = report_text_workset(&buf, input);
    report_text_cost(&buf, input);
    if (status != PGW_OK)
        buf.failed = true;
    return report_buf_take(&buf, text);
}
