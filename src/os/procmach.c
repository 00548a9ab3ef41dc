/* SPDX-License-Identifier: BSD-2-Clause */
/* The files of /proc about the machine's memory.  Lines that Linux has and this machine has nothing
 * to say to are left out: programs look lines up by name. */
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
    put_kb(text, "Cached:", m.file);
    put_kb(text, "SwapTotal:", m.swap);
    put_kb(text, "SwapFree:", m.swap - m.swap_used);
    put_kb(text, "Zswap:", m.zswap);
    put_kb(text, "Zswapped:", m.zswapped);
    put_kb(text, "AnonPages:", m.anon);
    put_kb(text, "PageTables:", m.tables);
    put_kb(text, "CommitLimit:", m.commit_limit);
    put_kb(text, "Committed_AS:", m.committed);
}

static void
put_count(struct os_proc_text *text, const char *name, uint64_t count)
{
    os_proc_put(text, "%s %llu\n", name, (unsigned long long)count);
}

static void
show_vmstat(struct os_proc_text *text, struct os_process *whose)
{
    struct os_memory m;

    (void)whose;
    memory_of(text, &m);
    put_count(text, "nr_free_pages", m.free);
    put_count(text, "nr_anon_pages", m.anon);
    put_count(text, "nr_file_pages", m.file);
    put_count(text, "nr_page_table_pages", m.tables);
    put_count(text, "pgpgin", (m.swap_in + m.file_in) << (PAGE_SHIFT - 10));
    put_count(text, "pgpgout", m.swap_out << (PAGE_SHIFT - 10));
    put_count(text, "pswpin", m.swap_in);
    put_count(text, "pswpout", m.swap_out);
    put_count(text, "pgfault", m.faults);
    put_count(text, "pgmajfault", m.major);
    put_count(text, "oom_kill", text->os->stats.killed_for_memory);
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
    {"sys/vm/overcommit_memory", show_overcommit_memory, NULL},
    {"sys/vm/overcommit_ratio", show_overcommit_ratio, NULL},
    {NULL, NULL, NULL},
};
