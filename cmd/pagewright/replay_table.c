/* SPDX-License-Identifier: BSD-2-Clause */
/* What a replay came to, for people, for spreadsheets and for programs (docs/replay.schema.json).
 */
#include "replay_table.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include <pagewright/pagewright.h>

#include "longwork.h"
#include "number.h"

#define REPLAY_VERSION 1 /* raised when a field changes its meaning or goes away */

/* ---- text ---- */

static void
replay_text_head(const struct replay_result *result, FILE *out)
{
    struct pgw_replay_totals totals = {.size = sizeof totals};
    char a[LONGWORK_CELL], b[LONGWORK_CELL], c[LONGWORK_CELL], d[LONGWORK_CELL], size[24];

    pgw_replay_get_totals(result->replay, &totals);
    fprintf(out, "%s: %s reference%s (%s read, %s write, %s fetch)%s\n",
        longwork_name(result->trace), longwork_count(a, totals.references),
        longwork_s(totals.references), longwork_count(b, totals.reads),
        longwork_count(c, totals.writes), longwork_count(d, totals.fetches),
        result->complete ? "" : ", NOT ALL OF IT");
    fprintf(out, "%s page%s of %s", longwork_count(a, totals.pages), longwork_s(totals.pages),
        number_size(result->page_size, size));
    if (totals.gone > 0)
        fprintf(out, ", %s of them gone in the end", longwork_count(b, totals.gone));
    fprintf(out, "; at once %s at the most, the footprint; seed %" PRIu64 "\n",
        longwork_count(c, totals.footprint), result->seed);
    if (result->reduced > 0)
        fprintf(out,
            "the trace was reduced: it is exact for LRU with %" PRIu64
            " page%s or more, and else an approximation\n",
            result->reduced, longwork_s(result->reduced));
    fputc('\n', out);
}

static size_t
replay_text_width(const struct replay_result *result)
{
    struct pgw_replay_row row = {.size = sizeof row};
    size_t width = strlen("policy");

    for (unsigned i = 0; pgw_replay_get_row(result->replay, i, &row) == PGW_OK; i++)
        width = strlen(row.policy) > width ? strlen(row.policy) : width;
    return width;
}

/* What translation took, a second table. */
static void
replay_text_translation(const struct replay_result *result, int width, FILE *out)
{
    struct pgw_replay_row row = {.size = sizeof row};
    char cell[5][LONGWORK_CELL], size[24];

    fprintf(out, "\ntranslation by %s, TLB %s\n\n%-*s %8s %15s %15s %15s %15s %15s %8s %8s\n",
        result->mmu, result->tlb, width, "policy", "RAM", "L1I misses", "L1D misses", "L2 misses",
        "walks", "walk references", "a walk", "tables");
    for (unsigned i = 0; pgw_replay_get_row(result->replay, i, &row) == PGW_OK; i++)
        fprintf(out, "%-*s %8s %15s %15s %15s %15s %15s %8.3f %8s\n", width, row.policy, row.ram,
            longwork_count(cell[0], row.l1i_misses), longwork_count(cell[1], row.l1d_misses),
            longwork_count(cell[2], row.l2_misses), longwork_count(cell[3], row.walks),
            longwork_count(cell[4], row.walk_refs),
            row.walks > 0 ? (double)row.walk_refs / (double)row.walks : 0.0,
            number_size(row.table_bytes, size));
}

bool
replay_write_text(const struct replay_result *result, FILE *out)
{
    struct pgw_replay_row row = {.size = sizeof row};
    int width = (int)replay_text_width(result);
    char cell[7][LONGWORK_CELL];

    replay_text_head(result, out);
    if (pgw_replay_get_row(result->replay, 0, &row) != PGW_OK)
        return fflush(out) == 0 && !ferror(out);
    fprintf(out, "%-*s %8s %11s %15s %8s %13s %13s %13s %13s %13s\n", width, "policy", "RAM",
        "frames", "misses", "of refs", "read", "write", "fetch", "evictions", "write-backs");
    for (unsigned i = 0; pgw_replay_get_row(result->replay, i, &row) == PGW_OK; i++) {
        double ratio =
            row.references > 0 ? 100.0 * (double)row.misses / (double)row.references : 0.0;
        fprintf(out, "%-*s %8s %11s %15s %7.3f%% %13s %13s %13s %13s %13s\n", width, row.policy,
            row.ram, longwork_count(cell[0], row.frames), longwork_count(cell[1], row.misses),
            ratio, longwork_count(cell[2], row.read_misses),
            longwork_count(cell[3], row.write_misses), longwork_count(cell[4], row.fetch_misses),
            longwork_count(cell[5], row.evictions), longwork_count(cell[6], row.writebacks));
    }
    if (result->mmu != NULL)
        replay_text_translation(result, width, out);
    return fflush(out) == 0 && !ferror(out);
}

/* ---- CSV ---- */

static void
replay_csv_row(const struct replay_result *result, const struct pgw_replay_row *row, FILE *out)
{
    const uint64_t counts[] = {row->frames, row->references, row->misses, row->hits, row->evictions,
        row->writebacks, row->read_misses, row->write_misses, row->fetch_misses, row->read_hits,
        row->write_hits, row->fetch_hits};
    const uint64_t translation[] = {row->l1i_misses, row->l1d_misses, row->l2_hits, row->l2_misses,
        row->walks, row->walk_refs, row->table_bytes};

    /* Names of policies and sizes have no quotes in them. */
    fprintf(out, "%s", row->policy);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        fprintf(out, ",%" PRIu64, counts[i]);
    fprintf(out, ",%s,%" PRIu64, row->ram, result->seed);
    for (size_t i = 0; result->mmu != NULL && i < sizeof translation / sizeof translation[0]; i++)
        fprintf(out, ",%" PRIu64, translation[i]);
    fprintf(out, "\r\n");
}

bool
replay_write_csv(const struct replay_result *result, FILE *out)
{
    struct pgw_replay_row row = {.size = sizeof row};

    fprintf(out,
        "policy,frames,references,misses,hits,evictions,writebacks,read_misses,"
        "write_misses,fetch_misses,read_hits,write_hits,fetch_hits,ram,seed%s\r\n",
        result->mmu == NULL ? ""
                            : ",l1_instruction_misses,l1_data_misses,l2_hits,l2_misses,walks,"
                              "walk_references,table_bytes");
    for (unsigned i = 0; pgw_replay_get_row(result->replay, i, &row) == PGW_OK; i++)
        replay_csv_row(result, &row, out);
    return fflush(out) == 0 && !ferror(out);
}

/* ---- JSON ---- */

typedef json_int_t num; /* jansson's "I" */

/* Words that need not be UTF-8, as JSON strings must be. */
static json_t *
replay_json_word(const char *word)
{
    json_t *string = json_string(word);

    return string != NULL ? string : json_string("(not UTF-8)");
}

/* null: it is not modelled. */
static json_t *
replay_json_translation(const struct replay_result *result, const struct pgw_replay_row *row)
{
    if (result->mmu == NULL)
        return json_null();
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "l1_instruction_misses",
        (num)row->l1i_misses, "l1_data_misses", (num)row->l1d_misses, "l2_hits", (num)row->l2_hits,
        "l2_misses", (num)row->l2_misses, "walks", (num)row->walks, "walk_references",
        (num)row->walk_refs, "table_bytes", (num)row->table_bytes);
}

static json_t *
replay_json_row(const struct replay_result *result, const struct pgw_replay_row *row)
{
    return json_pack(
        "{s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:{s:I, s:I}, s:{s:I, s:I}, s:{s:I, s:I}, s:o}",
        "policy", replay_json_word(row->policy), "ram", replay_json_word(row->ram), "frames",
        (num)row->frames, "references", (num)row->references, "misses", (num)row->misses, "hits",
        (num)row->hits, "evictions", (num)row->evictions, "writebacks", (num)row->writebacks,
        "read", "misses", (num)row->read_misses, "hits", (num)row->read_hits, "write", "misses",
        (num)row->write_misses, "hits", (num)row->write_hits, "fetch", "misses",
        (num)row->fetch_misses, "hits", (num)row->fetch_hits, "translation",
        replay_json_translation(result, row));
}

static json_t *
replay_json_rows(const struct replay_result *result)
{
    struct pgw_replay_row row = {.size = sizeof row};
    json_t *list = json_array();

    for (unsigned i = 0; pgw_replay_get_row(result->replay, i, &row) == PGW_OK; i++) {
        if (json_array_append_new(list, replay_json_row(result, &row)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

bool
replay_write_json(const struct replay_result *result, FILE *out)
{
    struct pgw_replay_totals totals = {.size = sizeof totals};

    pgw_replay_get_totals(result->replay, &totals);
    json_t *root = json_pack(
        "{s:i, s:s, s:o, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s?, s:s?, s:o}",
        "version", REPLAY_VERSION, "generator", pgw_version(), "trace",
        replay_json_word(result->trace), "complete", (int)result->complete, "seed",
        (num)result->seed, "page_bytes", (num)result->page_size, "references",
        (num)totals.references, "reads", (num)totals.reads, "writes", (num)totals.writes, "fetches",
        (num)totals.fetches, "pages", (num)totals.pages, "pages_gone", (num)totals.gone,
        "footprint_pages", (num)totals.footprint, "mmu", result->mmu, "tlb",
        result->mmu != NULL ? result->tlb : NULL, "rows", replay_json_rows(result));
    bool put =
        root != NULL && json_dumpf(root, out, JSON_INDENT(1)) == 0 && fputc('\n', out) == '\n';

    json_decref(root);
    return put && fflush(out) == 0;
}
