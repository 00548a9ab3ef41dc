/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay/scaled.h"

#include <math.h>

#include "replay/crew.h"
#include "replay/growing.h"
#include "replay/shards.h"
#include "replay/spool.h"

#define SCALED_SIZES_MAX 256u

/* Touches of a sample, kept; its pages have numbers of their own, which are dense again. */
struct scaled_tape {
    struct base_alloc *alloc;
    struct spool *spool;
    struct replay_batch batch; /* that is being filled */
    uint32_t *number;          /* by page: in the sample, plus 1; 0: none yet */
    uint64_t number_room;
    uint32_t pages, gone, most; /* numbers given; of them gone; there at a time, at the most */
    uint64_t at;                /* touches and marks in the spool */
    uint64_t threshold, seed;
};

struct scaled {
    struct base_alloc *alloc;
    struct scaled_config config;
    struct scaled_tape tape;
    double rate;
    uint64_t touches, references; /* of all pages */
    uint32_t pages, gone, most;   /* of all pages */
};

#define SCALED_ROOM_BYTES (REPLAY_BATCH * (sizeof(struct policy_touch) + 2 * sizeof(uint32_t)))

/* ---- tapes ---- */

static enum pgw_status
scaled_tape_init(struct scaled_tape *tape, struct base_alloc *alloc, uint64_t threshold,
    const struct scaled_config *config)
{
    *tape = (struct scaled_tape){.alloc = alloc, .threshold = threshold, .seed = config->seed};
    tape->batch.room = alloc->map(alloc, SCALED_ROOM_BYTES);
    if (tape->batch.room == NULL)
        return PGW_NOMEM;
    tape->batch.touch = tape->batch.room;
    tape->batch.mark = (uint32_t *)(void *)(tape->batch.room + REPLAY_BATCH);
    tape->batch.next_room = tape->batch.mark + REPLAY_BATCH;
    return spool_create(alloc, config->memory, &tape->spool);
}

/* Also of one that is all zero. */
static void
scaled_tape_fini(struct scaled_tape *tape)
{
    if (tape->alloc == NULL)
        return;
    spool_destroy(tape->spool);
    growing_free(tape->alloc, tape->number, tape->number_room, sizeof *tape->number);
    if (tape->batch.room != NULL)
        tape->alloc->unmap(tape->alloc, tape->batch.room, SCALED_ROOM_BYTES);
    *tape = (struct scaled_tape){0};
}

static enum pgw_status
scaled_tape_flush(struct scaled_tape *tape)
{
    struct replay_batch *batch = &tape->batch;

    if (batch->n == 0)
        return PGW_OK;
    batch->at = tape->at;
    batch->npages = tape->pages;
    tape->at += batch->n;
    enum pgw_status status = spool_put(tape->spool, batch);
    batch->n = batch->nmarks = 0;
    return status;
}

/* Of a page that is in the sample; number has room for it.  count 0: a mark. */
static enum pgw_status
scaled_tape_put(struct scaled_tape *tape, struct policy_touch touch)
{
    struct replay_batch *batch = &tape->batch;
    uint32_t *number = &tape->number[touch.page];
    enum pgw_status status = PGW_OK;

    if (*number == 0)
        *number = ++tape->pages;
    touch.page = *number - 1;
    if (batch->n == REPLAY_BATCH)
        status = scaled_tape_flush(tape);
    if (touch.count == 0) {
        batch->mark[batch->nmarks++] = batch->n;
        tape->gone++;
    }
    batch->room[batch->n++] = touch;
    tape->most = tape->pages - tape->gone > tape->most ? tape->pages - tape->gone : tape->most;
    return status;
}

/* Touches and marks, of which those of the sample are kept. */
static enum pgw_status
scaled_tape_use(
    struct scaled_tape *tape, const struct policy_touch *touch, size_t n, uint32_t pages)
{
    enum pgw_status status = growing_reserve(
        tape->alloc, (void **)&tape->number, &tape->number_room, pages, sizeof *tape->number);

    for (size_t i = 0; i < n && status == PGW_OK; i++) {
        if (!shards_samples(tape->seed, tape->threshold, touch[i].page))
            continue;
        /* A page that goes and was never used is not known. */
        if (touch[i].count > 0 || tape->number[touch[i].page] != 0)
            status = scaled_tape_put(tape, touch[i]);
    }
    return status;
}

/* What a stricter sample keeps of a tape. */
static enum pgw_status
scaled_tape_copy(struct scaled_tape *from, struct scaled_tape *to)
{
    enum pgw_status status = PGW_OK;

    for (uint64_t i = 0; i < spool_batches(from->spool) && status == PGW_OK; i++) {
        status = spool_get(from->spool, i, &from->batch);
        if (status == PGW_OK)
            status = scaled_tape_use(to, from->batch.touch, from->batch.n, from->batch.npages);
    }
    return status == PGW_OK ? scaled_tape_flush(to) : status;
}

/* ---- a trace ---- */

enum pgw_status
scaled_create(struct base_alloc *alloc, const struct scaled_config *config, struct scaled **scaled)
{
    struct scaled *made = alloc->map(alloc, sizeof *made);

    if (made == NULL)
        return PGW_NOMEM;
    made->alloc = alloc;
    made->config = *config;
    made->config.sizes = config->sizes < 2                  ? 2
                         : config->sizes > SCALED_SIZES_MAX ? SCALED_SIZES_MAX
                                                            : config->sizes;
    made->rate = config->rate > 0 ? config->rate : 1;
    enum pgw_status status =
        scaled_tape_init(&made->tape, alloc, shards_threshold(made->rate), config);
    if (status != PGW_OK)
        scaled_destroy(made);
    else
        *scaled = made;
    return status;
}

void
scaled_destroy(struct scaled *scaled)
{
    if (scaled == NULL)
        return;
    scaled_tape_fini(&scaled->tape);
    scaled->alloc->unmap(scaled->alloc, scaled, sizeof *scaled);
}

enum pgw_status
scaled_use(struct scaled *scaled, const struct policy_touch *touch, size_t n, uint32_t pages)
{
    scaled->touches += n;
    for (size_t i = 0; i < n; i++)
        scaled->references += touch[i].count;
    scaled->pages = pages > scaled->pages ? pages : scaled->pages;
    uint32_t live = scaled->pages - scaled->gone;
    scaled->most = live > scaled->most ? live : scaled->most;
    return scaled_tape_use(&scaled->tape, touch, n, pages);
}

enum pgw_status
scaled_forget(struct scaled *scaled, uint32_t page)
{
    const struct policy_touch mark = {.page = page};

    if (page >= scaled->pages)
        return PGW_OK;
    scaled->gone++;
    return scaled_tape_use(&scaled->tape, &mark, 1, scaled->pages);
}

/* A trace of many pages needs no more than a sample of them. */
static enum pgw_status
scaled_thin(struct scaled *scaled)
{
    struct scaled_tape thin;

    scaled->rate = (double)SCALED_PAGES / scaled->pages;
    enum pgw_status status =
        scaled_tape_init(&thin, scaled->alloc, shards_threshold(scaled->rate), &scaled->config);
    if (status == PGW_OK)
        status = scaled_tape_copy(&scaled->tape, &thin);
    if (status != PGW_OK) {
        scaled_tape_fini(&thin);
        return status;
    }
    scaled_tape_fini(&scaled->tape);
    scaled->tape = thin;
    return PGW_OK;
}

enum pgw_status
scaled_finish(struct scaled *scaled, bool opt)
{
    enum pgw_status status = scaled_tape_flush(&scaled->tape);

    if (status == PGW_OK && scaled->config.rate <= 0 && scaled->pages > SCALED_PAGES)
        status = scaled_thin(scaled);
    for (uint64_t i = spool_batches(scaled->tape.spool); opt && i > 0 && status == PGW_OK; i--)
        status = spool_look_ahead(scaled->tape.spool, i - 1);
    return status;
}

/* ---- replays ---- */

/* The i-th size in frames of the sample: equal proportions, but each larger than the one before;
 * 0: there are no more. */
static uint64_t
scaled_size(const struct scaled *scaled, unsigned i, uint64_t before)
{
    uint64_t most = scaled->tape.most;
    double part = (double)i / (scaled->config.sizes - 1);
    uint64_t size = (uint64_t)(pow((double)most, part) + 0.5);

    size = size > before ? size : before + 1;
    return size <= most ? size : 0;
}

static enum pgw_status
scaled_make(struct scaled *scaled, const struct policy_ops *ops, const uint64_t *param,
    struct replay_instance *instances, uint32_t *n)
{
    const struct translation_config nothing = {0};
    enum pgw_status status = PGW_OK;
    uint64_t size = 0;

    *n = 0;
    for (unsigned i = 0; i < scaled->config.sizes && status == PGW_OK; i++) {
        struct policy_env env = {.seed = scaled->config.seed};
        size = scaled_size(scaled, i, size);
        if (size == 0)
            break;
        env.capacity = size;
        for (unsigned p = 0; p < POLICY_PARAMS_MAX; p++)
            env.param[p] = param != NULL ? param[p] : 0;
        status = replay_instance_init(&instances[i], ops, &env, &nothing);
        *n += status == PGW_OK;
    }
    return status;
}

static enum pgw_status
scaled_replay(struct scaled *scaled, struct replay_instance *instances, uint32_t n,
    bool (*going)(void *ctx), void *ctx)
{
    struct spool *spool = scaled->tape.spool;
    const struct crew_watcher nobody = {0};
    struct crew *crew;
    enum pgw_status status =
        crew_create(scaled->alloc, instances, n, scaled->config.threads, &nobody, &crew);

    if (status != PGW_OK)
        return status;
    for (uint64_t i = 0; i < spool_batches(spool) && status == PGW_OK; i++) {
        if (going != NULL && !going(ctx)) {
            status = PGW_AGAIN;
            break;
        }
        status = spool_get(spool, i, crew_batch(crew));
        if (status == PGW_OK)
            crew_submit(crew);
    }
    crew_drain(crew);
    crew_destroy(crew);
    for (uint32_t i = 0; i < n && status == PGW_OK; i++)
        status = instances[i].status;
    return status;
}

/* What the miniature says of the whole. */
static struct misscurve_point
scaled_point(const struct scaled *scaled, const struct policy_frames *frames)
{
    const struct scaled_tape *tape = &scaled->tape;
    double size = (double)frames->capacity * scaled->most / tape->most, misses = 0;

    for (unsigned kind = 0; kind < POLICY_TOUCH_KINDS; kind++)
        misses += (double)frames->misses[kind];
    misses = (misses - tape->pages) / scaled->rate + scaled->pages;
    misses = misses < (double)scaled->touches ? misses : (double)scaled->touches;
    return (struct misscurve_point){
        .frames = (uint64_t)(size + 0.5),
        .misses = (uint64_t)(misses + 0.5),
        .writebacks = (uint64_t)((double)frames->writebacks / scaled->rate + 0.5),
    };
}

enum pgw_status
scaled_curve(struct scaled *scaled, const struct policy_ops *ops, const uint64_t *param,
    bool (*going)(void *ctx), void *ctx, struct base_alloc *alloc, struct misscurve *curve)
{
    size_t bytes = SCALED_SIZES_MAX * sizeof(struct replay_instance);
    struct replay_instance *instances = alloc->map(alloc, bytes);
    uint32_t n = 0;

    if (instances == NULL)
        return PGW_NOMEM;
    enum pgw_status status = scaled_make(scaled, ops, param, instances, &n);
    if (status == PGW_OK)
        status = scaled_replay(scaled, instances, n, going, ctx);
    curve->references = scaled->references;
    curve->writebacks = true;
    for (uint32_t i = 0; i < n && status == PGW_OK; i++) {
        struct misscurve_point point = scaled_point(scaled, &instances[i].frames);
        status = misscurve_add(curve, alloc, &point);
    }
    for (uint32_t i = 0; i < n; i++)
        replay_instance_fini(&instances[i]);
    alloc->unmap(alloc, instances, bytes);
    if (status != PGW_OK)
        misscurve_fini(curve, alloc);
    return status;
}

void
scaled_figures(const struct scaled *scaled, double *rate, uint64_t *pages)
{
    *rate = scaled->rate;
    *pages = scaled->tape.pages;
}
