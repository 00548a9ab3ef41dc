/* SPDX-License-Identifier: BSD-2-Clause */
/* The public replay of a recorded trace. */
#include <pagewright/replay.h>

#include <stdio.h>

#include "api/replaying.h"
#include "api/survey.h"

#define REPLAY_STEP 65536u /* references between two questions whether to go on */

/* What is to be said of a pass that failed. */
static enum pgw_status
replay_failed(const struct pgw_replay *replay, enum pgw_status status, char *why)
{
    const char *text = survey_failure(status);

    if (replaying_strange(replay, why))
        return status;
    if (status == PGW_RANGE)
        text = "the trace is too large for this: it has more than 2^30 pages, or for OPT 2^32 - 1 "
               "references between two uses of a page, or for --mmu more than 65,535 processes";
    else if (status == PGW_NORAM)
        text = "page tables take more than 1 GiB: the trace's pages lie too far apart for --mmu";
    (void)snprintf(why, PGW_TRACE_WHY, "%s", text);
    return status;
}

/* Whom to ask whether to go on. */
struct replay_asking {
    bool (*going)(void *ctx, const struct pgw_replay_progress *progress);
    void *ctx;
};

/* Feeds a batch of the trace, asking now and then. */
static enum pgw_status
replay_feed(struct pgw_replay *replay, const struct pgw_trace_batch *batch,
    const struct replay_asking *asking, const struct pgw_trace *trace)
{
    enum pgw_status status = PGW_OK;
    struct pgw_trace_info info;
    struct pgw_replay_progress progress = {.size = sizeof progress, .part = PGW_REPLAY_READING};

    pgw_trace_get_info(trace, &info);
    progress.done = info.read;
    progress.all = info.bytes;
    for (size_t at = 0; at < batch->nrefs && status == PGW_OK; at += REPLAY_STEP) {
        size_t n = batch->nrefs - at < REPLAY_STEP ? batch->nrefs - at : REPLAY_STEP;
        status = pgw_replay_refs(replay, batch->refs + at, n);
        progress.references = batch->at + at + n;
        if (status == PGW_OK && asking->going != NULL && !asking->going(asking->ctx, &progress))
            status = PGW_AGAIN;
    }
    if (status == PGW_OK && batch->event != NULL)
        status = pgw_replay_event(replay, batch->event);
    return status;
}

static bool
replay_no(void *ctx, const struct pgw_replay_progress *progress)
{
    (void)ctx;
    (void)progress;
    return false;
}

enum pgw_status
pgw_replay_run(struct pgw_replay *replay, struct pgw_trace *trace,
    bool (*going)(void *ctx, const struct pgw_replay_progress *progress), void *ctx, char *why)
{
    const struct replay_asking asking = {.going = going, .ctx = ctx};
    struct pgw_trace_batch batch = {0};
    enum pgw_status status = PGW_OK, ended;

    while (status == PGW_OK && !batch.end) {
        status = pgw_trace_next(trace, &batch);
        if (status != PGW_OK)
            (void)snprintf(why, PGW_TRACE_WHY, "%s", pgw_trace_error_text(trace));
        if (status != PGW_OK)
            break;
        status = replay_feed(replay, &batch, &asking, trace);
        if (status != PGW_OK && status != PGW_AGAIN)
            return replay_failed(replay, status, why);
    }
    /* A trace that cannot be read on, and one that is not to be: what there is, at once. */
    ended = pgw_replay_finish(replay, status == PGW_AGAIN ? replay_no : going, ctx);
    if (ended != PGW_OK && ended != PGW_AGAIN)
        return replay_failed(replay, ended, why);
    return status != PGW_OK ? status : ended;
}
