/* SPDX-License-Identifier: BSD-2-Clause */
/* Recording, as the public interface has it: a file is made, the next run is recorded to it. */
#include "api/recording_run.h"

#include <stdio.h>
#include <string.h>

#include "api/recording.h"
#include "api/sim.h"
#include "host/host_file.h"

void
pgw_record_options_init(struct pgw_record_options *options)
{
    *options = (struct pgw_record_options){.size = sizeof *options};
    pgw_trace_writer_options_init(&options->writer);
}

enum pgw_status
pgw_record_to(struct pgw_system *system, const char *path, const struct pgw_record_options *options)
{
    struct pgw_trace_writer *writer;
    char why[PGW_TRACE_WHY] = "";

    if (options->size != sizeof *options)
        return sim_fail(system, PGW_INVAL, "pgw_record_to: options of an unknown size");
    if (system->recorder != NULL)
        return sim_fail(system, PGW_INVAL,
            "cannot record to %.200s: the next run is recorded to %.200s already", path,
            system->record_path);
    if (strlen(path) >= sizeof system->record_path)
        return sim_fail(system, PGW_RANGE, "cannot record to %.60s...: the path is too long", path);
    enum pgw_status status = pgw_trace_writer_create(path, &options->writer, &writer, why);
    if (status != PGW_OK)
        return sim_fail(system, status, "%s", why);
    status = recording_create(writer, &system->recorder);
    if (status != PGW_OK) {
        pgw_trace_writer_discard(writer);
        return sim_fail(
            system, status, "cannot record to %.200s: %s", path, pgw_status_text(status));
    }
    memcpy(system->record_path, path, strlen(path) + 1);
    return PGW_OK;
}

void
recording_run_begin(struct pgw_system *system)
{
    for (unsigned i = 0; system->recorder != NULL && i < system->settings.harts; i++)
        cpu_hart_record(system->harts[i], &system->recorder->cpu);
}

bool
recording_run_failed(struct pgw_system *system)
{
    if (system->recorder == NULL || system->record_failed ||
        recording_status(system->recorder) == PGW_OK)
        return false;
    system->record_failed = true;
    return true;
}

/* There is a recorder; after this, none. */
static enum pgw_status
recording_run_close(
    struct pgw_system *system, enum trace_end how, struct recording_figures *figures)
{
    for (unsigned i = 0; i < system->settings.harts; i++)
        if (system->harts[i] != NULL)
            cpu_hart_record(system->harts[i], NULL);
    enum pgw_status status = recording_close(system->recorder, how, figures);
    system->recorder = NULL;
    system->record_failed = false;
    return status;
}

void
recording_run_cancel(struct pgw_system *system)
{
    struct recording_figures figures;

    if (system->recorder != NULL)
        (void)recording_run_close(system, TRACE_END_NOT, &figures);
}

enum pgw_status
recording_run_end(struct pgw_system *system)
{
    struct recording_figures figures;

    if (system->recorder == NULL)
        return PGW_OK;
    enum pgw_status status = recording_run_close(system, TRACE_END_PARTLY, &figures);
    figures.bytes = host_file_len_at(system->record_path);
    system->recorded.fetches += figures.fetches;
    system->recorded.accesses += figures.accesses;
    system->recorded.events += figures.events;
    system->recorded.codes += figures.codes;
    system->recorded.bytes += figures.bytes;
    if (status == PGW_OK)
        return PGW_OK;
    return sim_fail(system, status,
        "cannot write the trace %.200s: %s: the run was ended; what the file has by then can be "
        "read",
        system->record_path, status == PGW_NOSWAP ? "the disk is full" : pgw_status_text(status));
}
