/* SPDX-License-Identifier: BSD-2-Clause */
/* The public replay: names and sizes read, a trace fed to a pass (replay/pass.h), rows told. */
#include "api/replaying.h"

#include <pagewright/replay.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/registry.h"
#include "base/size.h"
#include "replay/pass.h"

#define REPLAY_FRAMES_MAX PASS_FRAMES_MAX
#define REPLAY_MEMORY ((uint64_t)1 << 30)
#define REPLAY_TLB "l1=64:4,l2=1536:12:4k+2m" /* as the sim machine's default */

/* A row as it was asked for. */
struct replay_wish {
    char *policy, *ram;
};

struct pgw_replay {
    struct pgw_replay_options options;
    struct pass *pass;
    struct replay_wish *wishes;
    unsigned nwishes;
    bool finished;
    const struct mmu_format *format; /* NULL: no hardware is modelled */
    bool strange_found;
    uint64_t strange; /* an address that the scheme has not */
    void (*told)(void *ctx, const struct pgw_replay_step *step);
    void *told_ctx;
};

void
pgw_replay_options_init(struct pgw_replay_options *options)
{
    *options = (struct pgw_replay_options){.size = sizeof *options,
        .page_size = PAGE_SIZE,
        .seed = 1,
        .tlb = REPLAY_TLB,
        .memory = REPLAY_MEMORY};
}

/* The hardware in front, if any is asked for. */
static enum pgw_status
replay_translation(
    const struct pgw_replay_options *options, struct translation_config *translation, char *why)
{
    const struct registry_mmu *row;
    struct registry_options mmu = {0};

    if (options->mmu == NULL)
        return PGW_OK;
    enum pgw_status status = registry_mmu_parse(options->mmu, &row, &mmu, why, PGW_TRACE_WHY);
    if (status != PGW_OK)
        return status;
    if (row->kind != REGISTRY_RADIX) {
        (void)snprintf(why, PGW_TRACE_WHY,
            "replay models schemes whose radix tables hardware walks, such as x86-64; \"%.32s\" is "
            "another kind",
            options->mmu);
        return PGW_UNSUPPORTED;
    }
    if (options->page_size != PAGE_SIZE) {
        (void)snprintf(why, PGW_TRACE_WHY, "translation is modelled for pages of 4096 bytes only");
        return PGW_INVAL;
    }
    status = registry_tlb_parse(options->tlb, &translation->tlb, why, PGW_TRACE_WHY);
    if (status != PGW_OK)
        return status;
    translation->format = row->format;
    translation->ad = mmu.ad;
    translation->seed = options->seed;
    return PGW_OK;
}

enum pgw_status
pgw_replay_create(const struct pgw_replay_options *options, struct pgw_replay **replay, char *why)
{
    struct pgw_replay *made = calloc(1, sizeof *made);
    enum pgw_status status = PGW_NOMEM;

    if (made != NULL) {
        pgw_replay_options_init(&made->options);
        if (options != NULL)
            memcpy(&made->options, options,
                options->size < sizeof *options ? options->size : sizeof *options);
        struct pass_config config = {.page_size = made->options.page_size,
            .seed = made->options.seed,
            .threads = made->options.threads,
            .spool_memory = made->options.memory};
        status = replay_translation(&made->options, &config.translation, why);
        if (status != PGW_OK) {
            free(made);
            return status;
        }
        made->format = config.translation.format;
        status = pass_create(&config, &made->pass);
    }
    if (status != PGW_OK) {
        (void)snprintf(why, PGW_TRACE_WHY, "%s",
            status == PGW_INVAL ? "the size of a page must be a power of two, 512 at least"
                                : pgw_status_text(status));
        free(made);
        return status;
    }
    *replay = made;
    return PGW_OK;
}

void
pgw_replay_destroy(struct pgw_replay *replay)
{
    if (replay == NULL)
        return;
    pass_destroy(replay->pass);
    for (unsigned i = 0; i < replay->nwishes; i++) {
        free(replay->wishes[i].policy);
        free(replay->wishes[i].ram);
    }
    free(replay->wishes);
    free(replay);
}

/* ---- what is asked for ---- */

/* "12.5%": thousandths of a percent; false: it is not a share. */
static bool
replay_share(const char *text, uint64_t *share)
{
    uint64_t whole = 0, part = 0, unit = 1000;
    const char *at = text;

    for (; *at >= '0' && *at <= '9' && whole < 1000000; at++)
        whole = whole * 10 + (uint64_t)(*at - '0');
    if (at == text)
        return false;
    if (*at == '.') {
        for (at++; *at >= '0' && *at <= '9' && unit > 1; at++) {
            unit /= 10;
            part += (uint64_t)(*at - '0') * unit;
        }
    }
    *share = whole * 1000 + part;
    return strcmp(at, "%") == 0;
}

static enum pgw_status
replay_size(const struct pgw_replay *replay, const char *text, struct pass_size *size, char *why)
{
    uint64_t page = replay->options.page_size, bytes;

    *size = (struct pass_size){0};
    if (strchr(text, '%') != NULL) {
        if (!replay_share(text, &size->share) || size->share == 0) {
            (void)snprintf(why, PGW_TRACE_WHY,
                "\"%.32s\" is not a share of the footprint: write 0.001%% or more, with three "
                "digits "
                "after the point at the most, such as 10%% or 0.125%%",
                text);
            return PGW_INVAL;
        }
        return PGW_OK;
    }
    enum pgw_status status = base_size_parse(text, page, &bytes);
    if (status == PGW_INVAL) {
        (void)snprintf(why, PGW_TRACE_WHY,
            "\"%.32s\" is not a size: write bytes (65536, 4M), pages (100p) or a share of the "
            "footprint (10%%)",
            text);
        return PGW_INVAL;
    }
    size->frames = status == PGW_OK ? bytes / page : UINT64_MAX;
    if (size->frames >= 1 && size->frames <= REPLAY_FRAMES_MAX)
        return PGW_OK;
    (void)snprintf(why, PGW_TRACE_WHY,
        "\"%.32s\" is %s: 1 to %llu pages of %llu bytes can be replayed", text,
        size->frames == 0 ? "less than a page" : "too much", (unsigned long long)REPLAY_FRAMES_MAX,
        (unsigned long long)page);
    return PGW_RANGE;
}

enum pgw_status
pgw_replay_add(struct pgw_replay *replay, const char *policy, const char *ram, char *why)
{
    uint64_t param[POLICY_PARAMS_MAX] = {0};
    const struct policy_ops *ops;
    struct pass_size size;
    enum pgw_status status = registry_policy_or_opt_parse(policy, &ops, param, why, PGW_TRACE_WHY);

    if (status == PGW_OK)
        status = replay_size(replay, ram, &size, why);
    if (status != PGW_OK)
        return status;
    struct replay_wish *wishes =
        realloc(replay->wishes, (replay->nwishes + 1) * sizeof *replay->wishes);
    if (wishes != NULL)
        replay->wishes = wishes;
    struct replay_wish wish = {.policy = strdup(policy), .ram = strdup(ram)};
    status = wishes == NULL || wish.policy == NULL || wish.ram == NULL
                 ? PGW_NOMEM
                 : pass_add(replay->pass, ops, param, size);
    if (status != PGW_OK) {
        (void)snprintf(why, PGW_TRACE_WHY, "%s", pgw_status_text(status));
        free(wish.policy);
        free(wish.ram);
        return status;
    }
    replay->wishes[replay->nwishes++] = wish;
    return PGW_OK;
}

/* ---- replaying ---- */

/* Is one of the addresses none of the scheme's? */
static bool
replay_find_strange(struct pgw_replay *replay, const struct pgw_ref *refs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t last = refs[i].va + (refs[i].size > 0 ? refs[i].size - 1u : 0);
        if (mmu_format_canonical(replay->format, refs[i].va) &&
            mmu_format_canonical(replay->format, last))
            continue;
        replay->strange_found = true;
        replay->strange = refs[i].va;
        return true;
    }
    return false;
}

bool
replaying_strange(const struct pgw_replay *replay, char *why)
{
    if (replay->strange_found)
        (void)snprintf(why, PGW_TRACE_WHY,
            "the trace refers to 0x%llx, and addresses of %.32s have %u bits: model a scheme that "
            "has more, such as x86-64 or la57, or none",
            (unsigned long long)replay->strange, replay->options.mmu, replay->format->va_bits);
    return replay->strange_found;
}

enum pgw_status
pgw_replay_refs(struct pgw_replay *replay, const struct pgw_ref *refs, size_t n)
{
    if (replay->finished)
        return PGW_INVAL;
    if (replay->format != NULL && replay_find_strange(replay, refs, n))
        return PGW_RANGE;
    return pass_refs(replay->pass, refs, n);
}

enum pgw_status
pgw_replay_event(struct pgw_replay *replay, const struct pgw_event *event)
{
    return replay->finished ? PGW_INVAL : pass_event(replay->pass, event);
}

/* Whom to ask whether to go on. */
struct replay_asking {
    bool (*going)(void *ctx, const struct pgw_replay_progress *progress);
    void *ctx;
    const struct pgw_replay *replay;
};

static bool
replay_going(void *ctx, const struct pass_progress *part)
{
    const struct replay_asking *asking = ctx;
    struct pass_totals totals;
    struct pgw_replay_progress progress = {.size = sizeof progress,
        .part = part->part == PASS_REPLAYING ? PGW_REPLAY_REPLAYING : PGW_REPLAY_LOOKING_AHEAD,
        .done = part->done,
        .all = part->all};

    if (asking->going == NULL)
        return true;
    pass_get_totals(asking->replay->pass, &totals);
    progress.references = totals.refs.references;
    return asking->going(asking->ctx, &progress);
}

enum pgw_status
pgw_replay_finish(struct pgw_replay *replay,
    bool (*going)(void *ctx, const struct pgw_replay_progress *progress), void *ctx)
{
    struct replay_asking asking = {.going = going, .ctx = ctx, .replay = replay};

    if (replay->finished)
        return PGW_INVAL;
    replay->finished = true;
    return pass_finish(replay->pass, replay_going, &asking);
}

/* ---- watching ---- */

static void
replay_told(void *ctx, const struct policy_touch *touch)
{
    static const unsigned kinds[POLICY_TOUCH_KINDS] = {
        [POLICY_TOUCH_READ] = PGW_REF_READ,
        [POLICY_TOUCH_WRITE] = PGW_REF_WRITE,
        [POLICY_TOUCH_FETCH] = PGW_REF_FETCH,
    };
    const struct pgw_replay *replay = ctx;
    struct pgw_replay_step step = {.size = sizeof step,
        .kind = kinds[touch->first],
        .count = touch->count,
        .writes = touch->write != 0};

    pass_place(replay->pass, touch->page, &step.process, &step.va);
    replay->told(replay->told_ctx, &step);
}

void
pgw_replay_watch(struct pgw_replay *replay,
    void (*told)(void *ctx, const struct pgw_replay_step *step), void *ctx)
{
    const struct crew_watcher watcher = {.told = told != NULL ? replay_told : NULL, .ctx = replay};

    replay->told = told;
    replay->told_ctx = ctx;
    pass_watch(replay->pass, &watcher);
}

enum pgw_status
pgw_replay_get_frame(
    const struct pgw_replay *replay, unsigned row, uint64_t frame, struct pgw_replay_frame *what)
{
    struct pgw_replay_frame all = {.size = what->size};
    uint32_t page;

    if (row >= pass_instances(replay->pass))
        return PGW_NOTFOUND;
    const struct replay_instance *instance = pass_instance(replay->pass, row);
    if (frame >= instance->frames.capacity)
        return PGW_NOTFOUND;
    all.used = replay_instance_frame(instance, (uint32_t)frame, &page, &all.dirty, &all.uses);
    all.counts = instance->ops != NULL && (instance->ops->wants & POLICY_SHOWS_USE) != 0;
    if (all.used)
        pass_place(replay->pass, page, &all.process, &all.va);
    memcpy(what, &all, all.size < sizeof all ? all.size : sizeof all);
    return PGW_OK;
}

/* ---- what came out ---- */

static void
replay_row_translation(struct pgw_replay_row *row, const struct translation *translation)
{
    const struct mmu_stats *stats = translation_stats(translation);

    row->l1i_misses = stats->l1i_misses;
    row->l1d_misses = stats->l1d_misses;
    row->l2_hits = stats->l2_hits;
    row->l2_misses = stats->l2_misses;
    row->walks = stats->walks;
    for (unsigned level = 0; level < MMU_LEVELS_MAX; level++)
        row->walk_refs += stats->walk_refs[level];
    row->table_bytes = translation_table_bytes(translation);
}

enum pgw_status
pgw_replay_get_row(const struct pgw_replay *replay, unsigned i, struct pgw_replay_row *row)
{
    struct pass_totals totals;
    size_t size = row->size;

    if (i >= replay->nwishes)
        return PGW_NOTFOUND;
    if ((!replay->finished && replay->told == NULL) || size < sizeof row->size)
        return PGW_INVAL;
    if (i >= pass_instances(replay->pass))
        return PGW_AGAIN;
    struct pgw_replay_row all = {
        .size = size, .policy = replay->wishes[i].policy, .ram = replay->wishes[i].ram};
    const struct replay_instance *instance = pass_instance(replay->pass, i);
    const uint64_t *misses = instance->frames.misses;
    pass_get_totals(replay->pass, &totals);
    all.frames = instance->frames.capacity;
    all.references = totals.refs.references;
    all.read_misses = misses[POLICY_TOUCH_READ];
    all.write_misses = misses[POLICY_TOUCH_WRITE];
    all.fetch_misses = misses[POLICY_TOUCH_FETCH];
    all.misses = all.read_misses + all.write_misses + all.fetch_misses;
    all.hits = all.references - all.misses;
    all.read_hits = totals.refs.reads - all.read_misses;
    all.write_hits = totals.refs.writes - all.write_misses;
    all.fetch_hits = totals.refs.fetches - all.fetch_misses;
    all.evictions = instance->frames.evictions;
    all.writebacks = instance->frames.writebacks;
    all.bytes = replay_instance_bytes(instance);
    if (instance->translation != NULL)
        replay_row_translation(&all, instance->translation);
    memcpy(row, &all, size < sizeof all ? size : sizeof all);
    return PGW_OK;
}

void
pgw_replay_get_totals(const struct pgw_replay *replay, struct pgw_replay_totals *totals)
{
    struct pass_totals found;
    size_t size = totals->size;

    pass_get_totals(replay->pass, &found);
    struct pgw_replay_totals all = {.size = size,
        .references = found.refs.references,
        .reads = found.refs.reads,
        .writes = found.refs.writes,
        .fetches = found.refs.fetches,
        .pages = found.pages,
        .gone = found.gone,
        .footprint = found.footprint,
        .bytes = found.bytes};
    memcpy(totals, &all, size < sizeof all ? size : sizeof all);
}
