/* SPDX-License-Identifier: BSD-2-Clause */
/* The files of /proc about the machine's memory.  Lines that Linux has and this machine has nothing
 * to say to are left out: programs look lines up by name. */
#include <stddef.h>
#include <string.h>

#include "os/proctext.h"
#include "os/psi.h"

static void
memory_of(struct os_proc_text *text, struct os_memory *memory)
{
    text->os->config.memory(text->os->config.ctx, memory);
}

static void
put_kb(struct os_proc_text *text, const char *name, uint64_t pages)
{
    os_proc_put(text, "%-16s%8llu kB\n", name, (unsigned long long)pages << (PAGE_SHIFT - 10));
}

static void
show_meminfo(struct os_proc_text *text, struct os_process *whose)
{
    struct os_memory m;

    (void)whose;
    memory_of(text, &m);
    put_kb(text, "MemTotal:", m.ram);
    put_kb(text, "MemFree:", m.free);
    put_kb(text, "MemAvailable:", m.free + m.file);
    put_kb(text, "Buffers:", 0);
    put_kb(text, "Cached:", m.file + m.shm);
    put_kb(text, "Unevictable:", m.core.wired);
    put_kb(text, "Mlocked:", m.core.wired);
    put_kb(text, "SwapTotal:", m.swap);
    put_kb(text, "SwapFree:", m.swap - m.swap_used);
    put_kb(text, "Zswap:", m.zswap);
    put_kb(text, "Zswapped:", m.zswapped);
    put_kb(text, "Dirty:", m.core.file_dirty);
    put_kb(text, "Writeback:", 0); /* nobody runs while there is any */
    put_kb(text, "AnonPages:", m.anon);
    put_kb(text, "Mapped:", m.core.file_mapped);
    put_kb(text, "Shmem:", m.shm);
    put_kb(text, "PageTables:", m.tables);
    put_kb(text, "CommitLimit:", m.commit_limit);
    put_kb(text, "Committed_AS:", m.committed);
    put_kb(text, "AnonHugePages:", m.core.huge_mapped);
}

static void
put_count(struct os_proc_text *text, const char *name, uint64_t count)
{
    os_proc_put(text, "%s %llu\n", name, (unsigned long long)count);
}

/* Counts of the core's under Linux's names (mm/vmstat.c), in its order. */
static const struct core_count {
    const char *name;
    size_t offset;
} core_counts[] = {
    {"pglazyfreed", offsetof(struct vm_stats, lazy_freed)},
    {"pageoutrun", offsetof(struct vm_stats, daemon_runs)},
    {"allocstall_normal", offsetof(struct vm_stats, direct_reclaims)},
    {"pgmigrate_success", offsetof(struct vm_stats, migrated)},
    {"compact_stall", offsetof(struct vm_stats, compact_runs)},
    {"compact_fail", offsetof(struct vm_stats, compact_failed)},
    {"compact_success", offsetof(struct vm_stats, compact_made)},
    {"thp_fault_alloc", offsetof(struct vm_stats, huge_faults)},
    {"thp_collapse_alloc", offsetof(struct vm_stats, huge_collapsed)},
    {"thp_collapse_alloc_failed", offsetof(struct vm_stats, collapse_failed)},
    {"thp_split_pmd", offsetof(struct vm_stats, huge_splits)},
};

static void
put_core_counts(struct os_proc_text *text, const struct vm_stats *core)
{
    for (size_t i = 0; i < sizeof core_counts / sizeof core_counts[0]; i++) {
        uint64_t count;
        memcpy(&count, (const char *)core + core_counts[i].offset, sizeof count);
        put_count(text, core_counts[i].name, count);
    }
}

/* What there is now; and pages that came back. */
static void
put_vmstat_pages(struct os_proc_text *text, const struct os_memory *m)
{
    const struct vm_stats *core = &m->core;

    put_count(text, "nr_free_pages", m->free);
    put_count(text, "nr_mlock", core->wired);
    put_count(text, "workingset_refault_anon", core->refaults - core->refaults_file);
    put_count(text, "workingset_refault_file", core->refaults_file);
    put_count(text, "workingset_activate_anon", core->activated - core->activated_file);
    put_count(text, "workingset_activate_file", core->activated_file);
    put_count(text, "nr_anon_pages", m->anon);
    put_count(text, "nr_mapped", core->file_mapped);
    put_count(text, "nr_file_pages", m->file + m->shm);
    put_count(text, "nr_dirty", core->file_dirty);
    put_count(text, "nr_writeback", 0);
    put_count(text, "nr_shmem", m->shm);
    put_count(text, "nr_anon_transparent_hugepages", core->huge_entries);
    put_count(text, "nr_page_table_pages", m->tables);
}

static void
show_vmstat(struct os_proc_text *text, struct os_process *whose)
{
    struct os_memory m;

    (void)whose;
    memory_of(text, &m);
    put_vmstat_pages(text, &m);
    put_count(text, "pgpgin", (m.swap_in + m.file_in) << (PAGE_SHIFT - 10));
    put_count(text, "pgpgout", (m.swap_out + m.core.written_back) << (PAGE_SHIFT - 10));
    put_count(text, "pswpin", m.swap_in);
    put_count(text, "pswpout", m.swap_out);
    put_count(text, "pgfault", m.faults);
    put_count(text, "pgmajfault", m.major);
    put_core_counts(text, &m.core);
    put_count(text, "thp_fault_fallback", m.core.huge_failed - m.core.collapse_failed);
    put_count(text, "oom_kill", text->os->stats.killed_for_memory);
    put_count(text, "zswpin", m.zswap_in);
    put_count(text, "zswpout", m.zswap_out);
    put_count(text, "zswpwb", m.zswap_written);
}

static void
put_zone(struct os_proc_text *text, const char *name, uint64_t pages)
{
    os_proc_put(text, "        %-8s %llu\n", name, (unsigned long long)pages);
}

/* All of RAM is one zone of one node.  There are no lists of pages by processor. */
static void
show_zoneinfo(struct os_proc_text *text, struct os_process *whose)
{
    struct os_memory m;

    (void)whose;
    memory_of(text, &m);
    os_proc_put(text, "Node %d, zone %8s\n", 0, "Normal");
    os_proc_put(text, "  pages free     %llu\n", (unsigned long long)m.free);
    put_zone(text, "boost", 0);
    put_zone(text, "min", m.core.free_min);
    put_zone(text, "low", m.core.free_low);
    put_zone(text, "high", m.core.free_high);
    put_zone(text, "spanned", m.ram);
    put_zone(text, "present", m.ram);
    put_zone(text, "managed", m.ram);
    put_zone(text, "cma", 0);
    os_proc_put(text, "        protection: (0)\n");
    os_proc_put(text, "      %-12s %llu\n", "nr_free_pages", (unsigned long long)m.free);
    os_proc_put(text, "      %-12s %llu\n", "nr_mlock", (unsigned long long)m.core.wired);
}

static void
show_overcommit_memory(struct os_proc_text *text, struct os_process *whose)
{
    struct os_memory m;

    (void)whose;
    memory_of(text, &m);
    os_proc_put(text, "%u\n", m.overcommit);
}

static void
show_overcommit_ratio(struct os_proc_text *text, struct os_process *whose)
{
    struct os_memory m;

    (void)whose;
    memory_of(text, &m);
    os_proc_put(text, "%u\n", m.overcommit_ratio);
}

static void
show_pressure(struct os_proc_text *text, struct os_process *whose)
{
    const struct os_config *config = &text->os->config;
    struct vm_pressure pressure = {.stalled = 0};
    char lines[OS_PSI_TEXT];

    (void)whose;
    if (config->pressure != NULL)
        config->pressure(config->ctx, &pressure);
    os_psi_format(&pressure, lines, sizeof lines);
    os_proc_put(text, "%s", lines);
}

const struct os_proc_file os_proc_machine_files[] = {
    {"pressure/memory", show_pressure, NULL},
    {"meminfo", show_meminfo, NULL},
    {"vmstat", show_vmstat, NULL},
    {"zoneinfo", show_zoneinfo, NULL},
    {"sys/vm/overcommit_memory", show_overcommit_memory, NULL},
    {"sys/vm/overcommit_ratio", show_overcommit_ratio, NULL},
    {NULL, NULL, NULL},
};
