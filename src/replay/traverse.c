/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay/traverse.h"

/* References that become touches at a time: their touches stay in the host's second cache. */
#define PIECE 8192u
/* References between two questions whether to go on: a few milliseconds. */
#define ASK_EVERY ((uint64_t)256 * 1024)

/* What a traversal needs while it is going on. */
struct traverse_state {
    struct traverse *traverse;
    struct policy_touch *touch; /* room for 2 PIECE */
    enum pgw_status status;     /* of the sinks, while pages go */
};

static enum pgw_status
traverse_use(struct traverse *traverse, const struct policy_touch *touch, size_t n)
{
    uint32_t pages = replay_pages_count(traverse->pages);
    enum pgw_status status = PGW_OK;

    traverse->most =
        pages - traverse->gone > traverse->most ? pages - traverse->gone : traverse->most;
    for (unsigned i = 0; i < traverse->nsinks && status == PGW_OK; i++)
        status = traverse->sink[i].use(traverse->sink[i].ctx, touch, n, pages);
    return status;
}

static enum pgw_status
traverse_refs(struct traverse_state *state, const struct pgw_ref *refs, size_t n)
{
    enum pgw_status status = PGW_OK;
    size_t most = (size_t)2 * PIECE / replay_pages_spread(state->traverse->pages);

    for (size_t done = 0; done < n && status == PGW_OK;) {
        size_t piece = n - done < most ? n - done : most, ndone = 0, ntouch = 0;
        status = replay_pages_touch(
            state->traverse->pages, refs + done, piece, state->touch, &ndone, &ntouch);
        if (status == PGW_OK)
            status = traverse_use(state->traverse, state->touch, ntouch);
        done += ndone;
    }
    return status;
}

static void
traverse_gone(void *ctx, uint32_t page)
{
    struct traverse_state *state = ctx;
    struct traverse *traverse = state->traverse;

    traverse->gone++;
    for (unsigned i = 0; i < traverse->nsinks && state->status == PGW_OK; i++)
        state->status = traverse->sink[i].gone(traverse->sink[i].ctx, page);
}

static enum pgw_status
traverse_event(struct traverse_state *state, const struct pgw_event *event)
{
    const struct replay_told told = {.gone = traverse_gone, .ctx = state};
    enum pgw_status status = replay_pages_event(state->traverse->pages, event, &told);

    return status != PGW_OK ? status : state->status;
}

static bool
traverse_goes_on(const struct traverse *traverse, uint64_t references)
{
    struct pgw_trace_info info;

    if (traverse->progress == NULL)
        return true;
    pgw_trace_get_info(traverse->trace, &info);
    return traverse->progress(traverse->ctx, &info, references);
}

static enum pgw_status
traverse_all(struct traverse_state *state)
{
    struct traverse *traverse = state->traverse;
    struct pgw_trace_batch batch = {0};
    uint64_t references = 0, ask = ASK_EVERY;

    while (!batch.end) {
        enum pgw_status status = pgw_trace_next(traverse->trace, &batch);
        if (status == PGW_OK)
            status = traverse_refs(state, batch.refs, batch.nrefs);
        if (status == PGW_OK && batch.event != NULL)
            status = traverse_event(state, batch.event);
        if (status != PGW_OK)
            return status;
        references += batch.nrefs;
        if (references >= ask && !traverse_goes_on(traverse, references))
            return PGW_AGAIN;
        ask = references >= ask ? references + ASK_EVERY : ask;
    }
    return PGW_OK;
}

enum pgw_status
traverse_run(struct traverse *traverse, struct base_alloc *alloc)
{
    struct traverse_state state = {.traverse = traverse};
    size_t bytes = (size_t)2 * PIECE * sizeof *state.touch;

    state.touch = alloc->map(alloc, bytes);
    if (state.touch == NULL)
        return PGW_NOMEM;
    enum pgw_status status = traverse_all(&state);
    alloc->unmap(alloc, state.touch, bytes);
    return status;
}
