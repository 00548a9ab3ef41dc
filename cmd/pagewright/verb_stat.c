/* SPDX-License-Identifier: BSD-2-Clause */
/* stat: the counts of the machine and of a process, by the names that the public header has. */
#include <string.h>

#include "script_args.h"

enum verb_stat_kind { STAT_COUNT, STAT_REAL, STAT_YES };

struct verb_stat_row {
    const char *name, *help;
    size_t offset; /* in struct pgw_stats or struct pgw_space_counts */
    enum verb_stat_kind kind;
};

/* clang-format off */
#define STAT(field, text) {#field, text, offsetof(struct pgw_stats, field), STAT_COUNT}
#define STAT_LEVEL(field, level, text) \
    {#field #level, text, offsetof(struct pgw_stats, field) + (level) * sizeof(uint64_t), STAT_COUNT}
#define STAT_OF(field, text) {#field, text, offsetof(struct pgw_space_counts, field), STAT_COUNT}

static const struct verb_stat_row system_rows[] = {
    STAT(instructions, "instructions"),
    STAT(fetches, "accesses to fetch instructions"),
    STAT(loads_stores, "accesses to data"),
    STAT(minor, "faults resolved without a device"),
    STAT(major, "faults that waited for a device"),
    STAT(zero_fill, "of both: a fresh page of zeros"),
    STAT(cow, "of both: a shared page, copied when written to"),
    STAT(swap_in, "pages from swap"),
    STAT(swap_out, "pages to swap"),
    STAT(swap_reads, "operations that read from swap"),
    STAT(swap_writes, "operations that wrote to swap"),
    STAT(file_in, "pages from files"),
    STAT(file_reads, "operations that read from files"),
    STAT(ahead_read, "pages read ahead of need"),
    STAT(ahead_used, "of these, asked for later"),
    STAT(ahead_wasted, "of these, gone unused"),
    STAT(around_mapped, "pages of files mapped along with one that faulted"),
    STAT(evicted, "pages taken out of RAM"),
    STAT(evicted_clean, "of these, without a write"),
    STAT(daemon_runs, "times the page daemon made room ahead of need"),
    STAT(direct_reclaims, "times a fault had to make room first"),
    STAT(put_failures, "pages that a device did not take"),
    STAT(get_failures, "pages that a device did not give back"),
    STAT(l1i_hits, "hits of the first-level instruction TLB"),
    STAT(l1i_misses, "misses of it"),
    STAT(l1d_hits, "hits of the first-level data TLB"),
    STAT(l1d_misses, "misses of it"),
    STAT(l2_hits, "hits of the second-level TLB"),
    STAT(l2_misses, "misses of it"),
    STAT(walks, "page table walks"),
    STAT_LEVEL(walk_refs, 0, "their references to memory, root table (hashed: anchors)"),
    STAT_LEVEL(walk_refs, 1, "the same, next level (hashed: chains)"),
    STAT_LEVEL(walk_refs, 2, "the same, next level"),
    STAT_LEVEL(walk_refs, 3, "the same, next level"),
    STAT_LEVEL(walk_refs, 4, "the same, next level"),
    STAT_LEVEL(pwc_hits, 0, "walks that a walk cache let begin at the root table"),
    STAT_LEVEL(pwc_hits, 1, "the same, next level"),
    STAT_LEVEL(pwc_hits, 2, "the same, next level"),
    STAT_LEVEL(pwc_hits, 3, "the same, next level"),
    STAT_LEVEL(pwc_hits, 4, "the same, next level"),
    STAT(ad_updates, "walks that wrote an accessed or dirty bit"),
    STAT(ad_faults, "faults to set an accessed or dirty bit in software"),
    STAT(prefetches, "translations fetched ahead of need"),
    STAT(prefetch_hits, "of these, used"),
    STAT(tlb_flushed, "TLB entries dropped because a mapping changed"),
    STAT(space_switches, "switches of spaces"),
    STAT(switch_registers, "registers that they wrote"),
    STAT(switch_flushes, "of these, switches that emptied the TLBs"),
    STAT(switch_flushed, "entries that this dropped"),
    STAT(ram, "frames of RAM"),
    STAT(ram_free, "frames that are free"),
    STAT(resident, "pageable pages in RAM"),
    STAT(resident_peak, "the most there were"),
    STAT(tables, "frames that page tables take"),
    STAT(tables_peak, "the most they took"),
    STAT(swap_size, "slots of swap"),
    STAT(swap_used, "slots that are used"),
    STAT(swap_peak, "the most that were used"),
    STAT(anons, "records of private pages"),
    STAT(objects, "records of files"),
    STAT(spaces, "address spaces"),
    STAT(regions, "regions"),
    STAT(segments, "segments"),
    STAT(segments_peak, "the most there were"),
    STAT(segments_resident, "of these, in RAM"),
    STAT(segments_resident_peak, "the most there were"),
    STAT(segment_pages, "pages of partitions"),
    STAT(segment_pages_peak, "the most there were"),
    STAT(segment_unused, "of these, between regions: internal waste"),
    STAT(segment_unused_peak, "the most there were, between slices of a program"),
    STAT(holes, "holes in RAM"),
    STAT(holes_peak, "the most there were"),
    STAT(largest_hole, "pages of the largest one"),
    STAT(fit_failures, "times there was room enough, but in pieces"),
    STAT(compactions, "compactions"),
    STAT(compaction_moved, "pages that they moved"),
    STAT(grown_in_place, "segments that grew where they were"),
    STAT(grown_by_moving, "segments that moved to grow"),
    STAT(growth_moved, "pages that growth by moving copied"),
    STAT(segments_in, "segments from swap"),
    STAT(segments_out, "segments to swap"),
    STAT(segment_shares, "segments shared instead of copied"),
    STAT(segment_copied, "pages copied by fork"),
    STAT(huge_faults, "faults that made a huge page"),
    STAT(huge_failed, "times that a huge page was wanted in vain"),
    STAT(huge_collapsed, "huge pages made of small ones"),
    STAT(huge_splits, "mappings of huge pages that were split"),
    STAT(reserve_made, "runs of frames that were reserved for a huge page"),
    STAT(reserve_filled, "of these, filled with its pages"),
    STAT(reserve_broken, "of these, broken because nothing else was free"),
    STAT(reserve_held, "frames that are reserved and not in use"),
    STAT(reserve_held_peak, "the most there were"),
    STAT(huge_mapped, "pages mapped by entries larger than a page"),
    STAT(huge_mapped_peak, "the most they were"),
    STAT(mapped_pages, "pages that are mapped"),
    {"pages_per_entry", "pages that an entry maps, on average",
        offsetof(struct pgw_stats, pages_per_entry), STAT_REAL},
    STAT(compact_runs, "times that a run of frames was to be made by compaction (paged schemes)"),
    STAT(compact_made, "of these, made"),
    STAT(compact_failed, "of these, not"),
    STAT(compact_moved, "pages that this moved"),
    STAT(compact_pinned, "blocks passed over for a page that must stay"),
    STAT(compact_huge, "blocks passed over as they are huge pages"),
    STAT(migrated, "pages moved for compaction or a huge page"),
    {"fragmentation_index", "for huge pages: 0 no memory, 1 it is in pieces, -1 there is a run",
        offsetof(struct pgw_stats, fragmentation_index), STAT_REAL},
    {"unusable_index", "free RAM in runs too small for a huge page, 0 to 1",
        offsetof(struct pgw_stats, unusable_index), STAT_REAL},
    STAT(processes, "processes of programs that were run"),
    STAT(forks, "forks of these"),
    STAT(execs, "programs that they loaded"),
    STAT(exits, "ends of these"),
    STAT(context_switches, "context switches between these"),
    STAT(signals, "signals to these"),
    STAT(syscalls, "system calls of these"),
    STAT(unknown_syscalls, "of these, not implemented"),
    STAT(killed_for_memory, "processes ended for want of memory"),
    STAT(frame_table_bytes, "bytes of the core's frame table"),
    STAT(record_bytes_peak, "bytes of the core's records, at most"),
    {"fragmentation", "free RAM that is not in its largest piece, 0 to 1",
        offsetof(struct pgw_stats, fragmentation), STAT_REAL},
    {"fragmentation_peak", "RAM that was free outside its largest free piece, at most, 0 to 1",
        offsetof(struct pgw_stats, fragmentation_peak), STAT_REAL},
    {"access_ns", "effective access time, nanoseconds", offsetof(struct pgw_stats, access_ns),
        STAT_REAL},
    {"tlb_modelled", "TLBs are counted", offsetof(struct pgw_stats, tlb_modelled), STAT_YES},
    {"refill", "walks are done in software", offsetof(struct pgw_stats, refill), STAT_YES},
    {"contiguous", "the scheme has no pages", offsetof(struct pgw_stats, contiguous), STAT_YES},
    {NULL, NULL, 0, STAT_COUNT},
};

static const struct verb_stat_row space_rows[] = {
    STAT_OF(mapped, "bytes that are mapped"),
    STAT_OF(resident, "pages in RAM"),
    STAT_OF(swapped, "pages that are on swap only"),
    STAT_OF(tables, "frames that its page tables take"),
    STAT_OF(minor, "faults resolved without a device"),
    STAT_OF(major, "faults that waited for a device"),
    STAT_OF(zero_fill, "of both: a fresh page of zeros"),
    STAT_OF(cow, "of both: a shared page, copied when written to"),
    {NULL, NULL, 0, STAT_COUNT},
};
/* clang-format on */

/* What is counted: rows, and the structure that their offsets are in. */
struct verb_stat_source {
    const struct verb_stat_row *rows;
    union {
        struct pgw_stats stats;
        struct pgw_space_counts counts;
    } of;
};

/* Takes "of NAME", if it is there, and counts. */
static enum script_result
verb_stat_open(struct args *args, struct verb_stat_source *source)
{
    struct script *script = args->script;

    if (args_keyword(args, "of")) {
        struct script_process *process = args_process(args);
        source->rows = space_rows;
        if (process == NULL)
            return SCRIPT_MISTAKE;
        pgw_space_counts(process->space, &source->of.counts);
        return SCRIPT_OK;
    }
    source->rows = system_rows;
    source->of.stats = (struct pgw_stats){.size = sizeof source->of.stats};
    enum script_result result = script_need_system(script);
    if (result != SCRIPT_OK)
        return result;
    return script_refused(script, pgw_system_stats(script->system, &source->of.stats));
}

static const struct verb_stat_row *
verb_stat_find(struct args *args, const struct verb_stat_row *rows, const char *name)
{
    struct script_nearest nearest;

    script_nearest_init(&nearest, name);
    for (const struct verb_stat_row *row = rows; row->name != NULL; row++) {
        if (strcmp(row->name, name) == 0)
            return row;
        script_nearest_try(&nearest, row->name);
    }
    args->bad = true;
    if (nearest.best != NULL)
        (void)script_mistake(args->script,
            "nothing counted is named \"%.64s\": did you mean \"%s\"?", name, nearest.best);
    else
        (void)script_mistake(
            args->script, "nothing counted is named \"%.64s\": stat all lists the names", name);
    return NULL;
}

static void
verb_stat_get(const struct verb_stat_source *source, const struct verb_stat_row *row,
    struct verb_value *value)
{
    const char *at = (const char *)&source->of + row->offset;

    value->kind = row->kind == STAT_REAL ? VERB_REAL : VERB_NUMBER;
    if (row->kind == STAT_REAL)
        memcpy(&value->real, at, sizeof value->real);
    else if (row->kind == STAT_COUNT)
        memcpy(&value->number, at, sizeof value->number);
    else
        value->number = *(const bool *)at ? 1 : 0;
}

enum script_result
verb_stat_value(struct args *args, struct verb_value *value)
{
    struct verb_stat_source source;
    enum script_result result = verb_stat_open(args, &source);

    if (result != SCRIPT_OK)
        return result;
    const char *name = args_word(args, "the name of a count");
    if (!args_done(args))
        return SCRIPT_MISTAKE;
    const struct verb_stat_row *row = verb_stat_find(args, source.rows, name);
    if (row == NULL)
        return SCRIPT_MISTAKE;
    verb_stat_get(&source, row, value);
    return SCRIPT_OK;
}

static void
verb_stat_print(FILE *out, const struct verb_stat_source *source, const struct verb_stat_row *row)
{
    struct verb_value value;
    char text[sizeof value.text];

    verb_stat_get(source, row, &value);
    verb_value_print(text, sizeof text, &value);
    fprintf(out, "%-18s %12s  %s\n", row->name, text, row->help);
}

static bool
verb_stat_zero(const struct verb_stat_source *source, const struct verb_stat_row *row)
{
    struct verb_value value;

    verb_stat_get(source, row, &value);
    return value.kind == VERB_REAL ? !(value.real > 0 || value.real < 0) : value.number == 0;
}

static enum script_result
verb_stat_every(struct args *args, const struct verb_stat_source *source, bool zeros)
{
    if (!args_done(args))
        return SCRIPT_MISTAKE;
    for (const struct verb_stat_row *row = source->rows; row->name != NULL; row++) {
        if (zeros || !verb_stat_zero(source, row))
            verb_stat_print(args->script->out, source, row);
    }
    return SCRIPT_OK;
}

enum script_result
verb_stat(struct args *args)
{
    struct verb_stat_source source;
    enum script_result result = verb_stat_open(args, &source);

    if (result != SCRIPT_OK)
        return result;
    if (args_keyword(args, "all"))
        return verb_stat_every(args, &source, true);
    if (!args_more(args))
        return verb_stat_every(args, &source, false);
    while (args_more(args)) {
        const struct verb_stat_row *row =
            verb_stat_find(args, source.rows, args_word(args, "the name of a count"));
        if (row != NULL)
            verb_stat_print(args->script->out, &source, row);
    }
    return args_done(args) ? SCRIPT_OK : SCRIPT_MISTAKE;
}
