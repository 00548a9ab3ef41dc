/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files of /proc and /sys about the machine's services for memory, in the formats of Linux: swaps
 * (mm/swapfile.c), buddyinfo and the indexes of fragmentation (mm/vmstat.c), transparent huge pages
 * (mm/huge_memory.c) and same-page merging (mm/ksm.c; Documentation/admin-guide/mm/ksm.rst).
 */
#include <string.h>

#include "mem/mem.h"
#include "os/proctext.h"

#define SWAPS_COLUMN 40 /* where the type of a swap area begins */
#define NAME_MAX_SHOWN (4 * sizeof((struct os_swap_device *)0)->name + 1)

static void
memory_of(struct os_proc_text *text, struct os_memory *memory)
{
    *memory = (struct os_memory){.ram = 0};
    text->os->config.memory(text->os->config.ctx, memory);
}

/* As seq_path() writes a path: what would end the field is in octal.  Its length. */
static int
swap_name(const char *name, char *shown)
{
    static const char digits[] = "01234567";
    char *to = shown;

    for (; *name != '\0'; name++) {
        unsigned char byte = (unsigned char)*name;
        if (strchr(" \t\n\\", *name) == NULL) {
            *to++ = *name;
            continue;
        }
        *to++ = '\\';
        *to++ = digits[byte >> 6];
        *to++ = digits[byte >> 3 & 7];
        *to++ = digits[byte & 7];
    }
    *to = '\0';
    return (int)(to - shown);
}

static void
show_swaps(struct os_proc_text *text, struct os_process *whose)
{
    char name[NAME_MAX_SHOWN];
    struct os_memory m;

    (void)whose;
    memory_of(text, &m);
    os_proc_put(text, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
    for (unsigned i = 0; i < m.nswap_devices; i++) {
        const struct os_swap_device *device = &m.swap_devices[i];
        unsigned long long size = device->size << (PAGE_SHIFT - 10);
        unsigned long long used = device->used << (PAGE_SHIFT - 10);
        int len = swap_name(device->name, name);
        os_proc_put(text, "%s%*s%s\t%llu\t%s%llu\t%s%d\n", name,
            len < SWAPS_COLUMN ? SWAPS_COLUMN - len : 1, " ", device->file ? "file\t" : "partition",
            size, size < 10000000 ? "\t" : "", used, used < 10000000 ? "\t" : "", -2 - (int)i);
    }
}

static void
show_buddyinfo(struct os_proc_text *text, struct os_process *whose)
{
    struct os_memory m;

    (void)whose;
    memory_of(text, &m);
    os_proc_put(text, "Node %d, zone %8s ", 0, "Normal");
    for (unsigned order = 0; order < OS_FREE_ORDERS; order++)
        os_proc_put(text, "%6llu ", (unsigned long long)m.free_runs[order]);
    os_proc_put(text, "\n");
}

/* An index of each order, from the free runs of that. */
static void
put_indexes(
    struct os_proc_text *text, int (*index)(const uint64_t *runs, unsigned order), const char *form)
{
    uint64_t runs[MEM_ORDER_MAX + 1] = {0};
    struct os_memory m;

    memory_of(text, &m);
    memcpy(runs, m.free_runs, sizeof m.free_runs);
    os_proc_put(text, "Node %d, zone %8s ", 0, "Normal");
    for (unsigned order = 0; order < OS_FREE_ORDERS; order++)
        os_proc_put(text, form, index(runs, order) / 1000.0);
    os_proc_put(text, "\n");
}

static void
show_fragmentation(struct os_proc_text *text, struct os_process *whose)
{
    (void)whose;
    put_indexes(text, mem_fragmentation, "%6.3f ");
}

static void
show_unusable(struct os_proc_text *text, struct os_process *whose)
{
    (void)whose;
    put_indexes(text, mem_unusable, "%5.3f ");
}

static void
show_huge_enabled(struct os_proc_text *text, struct os_process *whose)
{
    static const char *const lines[] = {
        "always madvise [never]\n", "always [madvise] never\n", "[always] madvise never\n"};
    struct os_memory m;

    (void)whose;
    memory_of(text, &m);
    os_proc_put(text, "%s", lines[m.huge]);
}

/* --- ksm --- */

static void
put_number(struct os_proc_text *text, uint64_t n)
{
    os_proc_put(text, "%llu\n", (unsigned long long)n);
}

#define KSM(name, field)                                                                           \
    static void show_ksm_##name(struct os_proc_text *text, struct os_process *whose)               \
    {                                                                                              \
        struct os_memory m;                                                                        \
                                                                                                   \
        (void)whose;                                                                               \
        memory_of(text, &m);                                                                       \
        put_number(text, m.field);                                                                 \
    }

KSM(run, merge)
KSM(pages_to_scan, merge_rate)
KSM(pages_shared, merge_shared)
KSM(pages_sharing, merge_sharing)
KSM(full_scans, merge_scans)

/* A million instructions are a millisecond of the machine's. */
static void
show_ksm_sleep(struct os_proc_text *text, struct os_process *whose)
{
    (void)whose;
    put_number(text, 1);
}

const struct os_proc_file os_proc_service_files[] = {
    {"swaps", show_swaps, NULL},
    {"buddyinfo", show_buddyinfo, NULL},
    {NULL, NULL, NULL},
};

const struct os_proc_file os_proc_sys_files[] = {
    {"transparent_hugepage/enabled", show_huge_enabled, NULL},
    {"ksm/run", show_ksm_run, NULL},
    {"ksm/pages_to_scan", show_ksm_pages_to_scan, NULL},
    {"ksm/sleep_millisecs", show_ksm_sleep, NULL},
    {"ksm/pages_shared", show_ksm_pages_shared, NULL},
    {"ksm/pages_sharing", show_ksm_pages_sharing, NULL},
    {"ksm/full_scans", show_ksm_full_scans, NULL},
    {NULL, NULL, NULL},
};

const struct os_proc_file os_proc_debug_files[] = {
    {"extfrag_index", show_fragmentation, NULL},
    {"unusable_index", show_unusable, NULL},
    {NULL, NULL, NULL},
};
