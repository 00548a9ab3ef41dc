/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of a comparison for programs; docs/compare.schema.json describes it. */
#include <inttypes.h>
#include <jansson.h>

#include "compare_table.h"

#define COMPARE_VERSION 1 /* raised when a field changes its meaning or goes away */

typedef json_int_t num; /* jansson's "I" */

/* Words that need not be UTF-8, as JSON strings must be. */
static json_t *
compare_json_word(const char *word)
{
    json_t *string = json_string(word);

    return string != NULL ? string : json_string("(not UTF-8)");
}

static json_t *
compare_json_words(char *const *words)
{
    json_t *list = json_array();

    for (size_t i = 0; list != NULL && words[i] != NULL; i++) {
        if (json_array_append_new(list, compare_json_word(words[i])) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *
compare_json_config(const struct pgw_config *c)
{
    return json_pack("{s:I, s:s, s:s, s:I, s:I}", "ram_bytes", (num)c->ram, "policy", c->policy,
        "tlb", c->tlb, "seed", (num)c->seed, "slice_instructions", (num)c->slice);
}

/* null when there is no TLB: nothing was counted. */
static json_t *
compare_json_translation(const struct pgw_stats *s)
{
    uint64_t refs = compare_walk_refs(s);

    if (!s->tlb_modelled)
        return json_null();
    return json_pack("{s:I, s:I, s:f, s:I, s:I, s:I, s:I}", "walks", (num)s->walks,
        "walk_references", (num)refs, "walk_references_per_1000_instructions",
        s->instructions > 0 ? 1000.0 * (double)refs / (double)s->instructions : 0.0,
        "l1_instruction_misses", (num)s->l1i_misses, "l1_data_misses", (num)s->l1d_misses,
        "l2_hits", (num)s->l2_hits, "l2_misses", (num)s->l2_misses);
}

/* null on paged schemes. */
static json_t *
compare_json_segments(const struct pgw_stats *s)
{
    if (!s->contiguous)
        return json_null();
    return json_pack("{s:f, s:I, s:I, s:I, s:I}", "fragmentation_peak", s->fragmentation_peak,
        "fit_failures", (num)s->fit_failures, "compactions", (num)s->compactions,
        "compaction_pages", (num)s->compaction_moved, "fork_pages_copied", (num)s->segment_copied);
}

static json_t *
compare_json_figures(const struct compare_row *row)
{
    const struct pgw_stats *s = &row->stats;

    if (!compare_counted(row))
        return json_null();
    json_t *switches = json_pack("{s:I, s:I, s:I, s:I}", "spaces", (num)s->space_switches,
        "registers", (num)s->switch_registers, "flushes", (num)s->switch_flushes, "flushed",
        (num)s->switch_flushed);
    return json_pack("{s:I, s:I, s:I, s:o, s:I, s:o, s:o, s:f}", "instructions",
        (num)s->instructions, "minor_faults", (num)s->minor, "major_faults", (num)s->major,
        "translation", compare_json_translation(s), "table_bytes_peak",
        (num)(s->tables_peak * PGW_PAGE_SIZE), "segments", compare_json_segments(s), "switches",
        switches, "access_ns", s->access_ns);
}

static json_t *
compare_json_output(const struct compare_output *output)
{
    char hash[24];

    (void)snprintf(hash, sizeof hash, "%016" PRIx64, output->hash);
    return json_pack("{s:I, s:s}", "bytes", (num)output->bytes, "xxh3_64", hash);
}

static json_t *
compare_json_row(const struct compare_row *row)
{
    static const char *const ends[] = {
        [COMPARE_EXITED] = "exit",
        [COMPARE_SIGNAL] = "signal",
        [COMPARE_MEMORY] = "memory",
        [COMPARE_UNFIT] = "unfit",
        [COMPARE_BROKEN] = "failed",
        [COMPARE_STOPPED] = "interrupted",
    };

    return json_pack("{s:s, s:s, s:i, s:o, s:o, s:o, s:o, s:o}", "mmu", row->mmu, "ended",
        ends[row->end], "code", row->code, "note",
        row->note[0] != '\0' ? compare_json_word(row->note) : json_null(), "same",
        compare_ended(row) ? json_boolean(row->same) : json_null(), "standard_output",
        compare_json_output(&row->out), "standard_error", compare_json_output(&row->err), "figures",
        compare_json_figures(row));
}

bool
compare_write_json(const struct compare_table *table, FILE *out)
{
    json_t *rows = json_array();

    for (size_t i = 0; rows != NULL && i < table->nrows; i++) {
        if (json_array_append_new(rows, compare_json_row(&table->rows[i])) != 0) {
            json_decref(rows);
            rows = NULL;
        }
    }
    json_t *root = json_pack("{s:i, s:s, s:o, s:o, s:o}", "version", COMPARE_VERSION, "generator",
        pgw_version(), "program", compare_json_words(table->program), "config",
        compare_json_config(table->config), "schemes", rows);
    bool put = root != NULL &&
               json_dumpf(root, out, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) == 0 &&
               fputc('\n', out) != EOF;
    json_decref(root);
    return put && fflush(out) == 0 && !ferror(out);
}
