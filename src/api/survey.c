/* SPDX-License-Identifier: BSD-2-Clause */
#include "api/survey.h"

#include <stdarg.h>
#include <stdio.h>

#include "host/host_mem.h"

enum pgw_status
survey_fail(char *why, enum pgw_status status, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(why, PGW_TRACE_WHY, format, args);
    va_end(args);
    return status;
}

const char *
survey_failure(enum pgw_status status)
{
    switch (status) {
    case PGW_RANGE:
        return "the trace is too large for this: it has more than 2^30 pages, or for opt 2^32 - 1 "
               "references between two uses of a page";
    case PGW_INVAL:
        return "the trace has runs of references to pages of 4096 bytes: pages cannot be smaller";
    case PGW_NOSWAP:
        return "what is kept of the trace for a second pass does not fit on the disk: set TMPDIR "
               "to a folder that has room";
    case PGW_IO:
        return "a temporary file for a second pass over the trace cannot be made or read: set "
               "TMPDIR to another folder";
    default:
        return pgw_status_text(status);
    }
}

void *
survey_alloc(size_t len, char *why)
{
    struct base_alloc alloc;

    host_alloc_init(&alloc, NULL);
    void *memory = alloc.map(&alloc, len);
    if (memory == NULL)
        (void)survey_fail(why, PGW_NOMEM, "no memory");
    return memory;
}

void
survey_free(void *memory, size_t len)
{
    struct base_alloc alloc;

    host_alloc_init(&alloc, NULL);
    alloc.unmap(&alloc, memory, len);
}

enum pgw_status
survey_init(struct survey *survey, const char *path, const struct pgw_trace_options *options,
    uint64_t page_size, char *why)
{
    struct traverse *traverse = &survey->traverse;
    struct pgw_trace_info info;

    host_alloc_init(&survey->alloc, NULL);
    enum pgw_status status = replay_pages_create(&survey->alloc, page_size, &traverse->pages);
    if (status == PGW_INVAL)
        return survey_fail(why, status,
            "a page of %llu bytes: it must be a power of two, 512 at least",
            (unsigned long long)page_size);
    if (status != PGW_OK)
        return survey_fail(why, status, "no memory");
    status = pgw_trace_open(path, options, &traverse->trace, why);
    if (status != PGW_OK)
        return status;
    pgw_trace_get_info(traverse->trace, &info);
    survey->reduced = info.reduced;
    return PGW_OK;
}

enum pgw_status
survey_run(struct survey *survey, char *why)
{
    struct traverse *traverse = &survey->traverse;
    struct replay_totals totals;
    enum pgw_status status = traverse_run(traverse, &survey->alloc);

    if (status == PGW_NOMEM)
        return survey_fail(why, status, "no memory for a trace of so many pages (%u so far)",
            replay_pages_count(traverse->pages));
    if (status != PGW_OK && status != PGW_AGAIN) {
        const char *text = pgw_trace_error_text(traverse->trace);
        return survey_fail(why, status, "%s", text[0] != '\0' ? text : survey_failure(status));
    }
    replay_pages_totals(traverse->pages, &totals);
    if (totals.references == 0)
        return survey_fail(why, PGW_INVAL,
            status == PGW_AGAIN ? "interrupted before the first reference"
                                : "the trace has no references: nothing to measure");
    survey->complete = status == PGW_OK;
    return PGW_OK;
}

void
survey_fini(struct survey *survey)
{
    if (survey->traverse.trace != NULL)
        pgw_trace_close(survey->traverse.trace);
    if (survey->traverse.pages != NULL)
        replay_pages_destroy(survey->traverse.pages);
}

void
survey_totals(const struct survey *survey, struct survey_totals *totals)
{
    replay_pages_totals(survey->traverse.pages, &totals->refs);
    totals->pages = replay_pages_count(survey->traverse.pages);
    totals->footprint = survey->traverse.most;
}
