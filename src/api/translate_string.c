/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory
 * ------
 * To show one translation, a machine is made with nothing in it but what the translation needs:
 * some RAM for tables, the tables (or registers) that the question describes, and the MMU that a
 * system would have for that scheme, without TLBs.  The MMU is asked what it would do, and that is
 * rendered (explain.h).  So there is one implementation of translating, the machine's.
 *
 *     translate_tables.c     builds radix tables        pgw_translate.maps
 *     translate_hashed.c     fills an inverted table    pgw_translate.maps
 *     translate_segments.c   sets registers             pgw_translate.segments
 *
 * A pmap could not build these tables: it maps pages of RAM, and here the frames that are mapped
 * are mere numbers.
 */
#include "api/translate_string.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "api/explain.h"
#include "base/size.h"
#include "host/host_mem.h"

enum pgw_status
translate_fail(struct translate *translate, enum pgw_status status, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(translate->why, sizeof translate->why, format, args);
    va_end(args);
    return status;
}

const char *
translate_number(const struct translate *translate, uint64_t n, char out[24])
{
    return explain_number(translate->question.decimal, n, out);
}

/* The least that a caller of any version has. */
#define TRANSLATE_OLDEST (offsetof(struct pgw_translate, error_len) + sizeof(size_t))

static enum pgw_status
translate_read(struct translate *translate, const struct pgw_translate *question)
{
    struct pgw_translate *q = &translate->question;

    if (question->size < TRANSLATE_OLDEST)
        return translate_fail(translate, PGW_INVAL, "the question is of an unknown version");
    memcpy(q, question, question->size < sizeof *q ? question->size : sizeof *q);
    if (q->right == 0)
        q->right = PGW_READ;
    if (q->right != PGW_READ && q->right != PGW_WRITE && q->right != PGW_EXEC)
        return translate_fail(
            translate, PGW_INVAL, "an access is one of reading, writing and executing");
    enum pgw_status status = registry_mmu_parse(q->mmu != NULL ? q->mmu : "sv39", &translate->row,
        &translate->options, translate->why, sizeof translate->why);
    if (status != PGW_OK)
        return status;
    if (translate->row->kind == REGISTRY_FLAT)
        return translate_fail(translate, PGW_INVAL,
            "mmu %s keeps its mappings outside RAM: there is nothing to show",
            translate->row->name);
    if (q->nmaps > 0 && translate->row->kind == REGISTRY_CONTIGUOUS)
        return translate_fail(translate, PGW_INVAL,
            "mmu %s has no pages to map: give it a base and a limit", translate->row->name);
    if (q->nsegments > 0 && translate->row->kind != REGISTRY_CONTIGUOUS)
        return translate_fail(translate, PGW_INVAL,
            "mmu %s has no base and limit: map pages instead", translate->row->name);
    return PGW_OK;
}

static enum pgw_status
translate_build(struct translate *translate)
{
    static const struct mmu_tlb_spec no_tlb;
    enum pgw_status status;

    if (translate->row->kind == REGISTRY_CONTIGUOUS)
        status = translate_segments(translate);
    else if (translate->row->kind == REGISTRY_HASHED)
        status = translate_hashed(translate);
    else
        status = translate_tables(translate);
    if (status != PGW_OK)
        return status;
    status = registry_mmu_create(translate->row, &translate->options, &no_tlb, 1, &translate->mem,
        &translate->core, &translate->mmu);
    if (status != PGW_OK)
        return translate_fail(
            translate, status, "cannot make the mmu: %s", pgw_status_text(status));
    /* Contiguous schemes load the registers that root is the address of (mmu/mmus.h). */
    if (translate->row->kind == REGISTRY_CONTIGUOUS)
        translate->root = (uint64_t)(uintptr_t)&translate->registers;
    translate->mmu->ops->load(translate->mmu, translate->root, 0);
    return PGW_OK;
}

/* Whether the page is one that the question says is on disk. */
static bool
translate_on_disk(const struct translate *translate, struct explain_page *page)
{
    const struct pgw_translate *q = &translate->question;

    for (size_t i = 0; i < q->nmaps; i++) {
        const struct pgw_translate_map *map = &q->maps[i];
        uint64_t pages = map->bytes > PAGE_SIZE ? map->bytes >> PAGE_SHIFT : 1;
        if (!map->on_disk || (q->va >> PAGE_SHIFT) - map->page >= pages)
            continue;
        *page = (struct explain_page){
            .page = {.state = SPACE_PAGE_SWAPPED, .slot = map->frame}, .alone = true};
        return true;
    }
    return false;
}

static enum pgw_status
translate_show(struct translate *translate, bool *fault, char **text)
{
    const struct pgw_translate *q = &translate->question;
    struct mmu_trace trace = {0};
    struct explain_page page;
    struct explain explain = {.row = translate->row,
        .va = q->va,
        .access = (enum access)__builtin_ctz(q->right),
        .decimal = q->decimal,
        .trace = &trace,
        .root = translate->root,
        .registers = &translate->registers,
        .mmu = translate->mmu,
        .tables = q->tables ? &translate->mem : NULL,
        .slots = true};

    translate->mmu->ops->explain(translate->mmu, q->va, explain.access, &trace);
    /* The question says nothing of how much RAM there is; the address is what it comes to. */
    if (translate->row->kind == REGISTRY_CONTIGUOUS && trace.fault == MMU_BUS)
        trace.fault = MMU_OK;
    if (trace.fault == MMU_NOT_PRESENT && translate_on_disk(translate, &page))
        explain.page = &page;
    enum pgw_status status = q->json ? explain_json(&explain, text) : explain_text(&explain, text);
    if (status != PGW_OK)
        return translate_fail(translate, status, "%s", pgw_status_text(status));
    if (fault != NULL)
        *fault = trace.fault != MMU_OK;
    return PGW_OK;
}

static void
translate_fini(struct translate *translate)
{
    if (translate->mmu != NULL)
        translate->mmu->ops->destroy(translate->mmu);
    if (translate->mem.pages != NULL)
        mem_fini(&translate->mem, &translate->ram);
}

enum pgw_status
translate_string(
    const struct pgw_translate *question, struct base_inject *inject, bool *fault, char **text)
{
    struct translate translate = {.why = ""};

    host_alloc_init(&translate.core, inject);
    host_ram_alloc_init(&translate.ram);
    translate.ram.inject = inject;
    enum pgw_status status = translate_read(&translate, question);
    if (status == PGW_OK)
        status = translate_build(&translate);
    if (status == PGW_OK)
        status = translate_show(&translate, fault, text);
    translate_fini(&translate);
    if (status != PGW_OK && question->size >= TRANSLATE_OLDEST && question->error != NULL &&
        question->error_len > 0)
        (void)snprintf(question->error, question->error_len, "%s",
            translate.why[0] != '\0' ? translate.why : pgw_status_text(status));
    return status;
}

enum pgw_status
pgw_translate_string(const struct pgw_translate *question, bool *fault, char **text)
{
    return translate_string(question, NULL, fault, text);
}
