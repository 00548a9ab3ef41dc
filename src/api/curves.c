/* SPDX-License-Identifier: BSD-2-Clause */
/* Miss-ratio curves of a trace: who measures what, and the figures. */
#include <pagewright/curve.h>

#include <math.h>
#include <string.h>

#include "api/registry.h"
#include "api/survey.h"
#include "replay/lrucurve.h"
#include "replay/misscurve.h"
#include "replay/scaled.h"
#include "replay/shards.h"

#define CURVES_POLICIES_MAX 32u
#define CURVES_MAX (CURVES_POLICIES_MAX + 2)
#define CURVES_NAME_MAX 128u
/* Bytes of touches that are kept in memory, for policies; more go to a temporary file. */
#define CURVES_MEMORY ((uint64_t)512 << 20)

struct pgw_curve {
    char policy[CURVES_NAME_MAX];
    struct misscurve curve;
    bool exact, every_size;
    double sample, error;
    uint64_t sampled;
};

/* A policy that is asked for; ops NULL: OPT. */
struct curves_policy {
    char name[CURVES_NAME_MAX];
    const struct policy_ops *ops;
    uint64_t param[POLICY_PARAMS_MAX];
};

struct pgw_curves {
    struct survey survey;
    struct pgw_curves_options options;
    struct lrucurve *lru; /* NULL: not asked for, as of the next two */
    struct shards *shards;
    struct scaled *scaled;
    struct curves_policy policy[CURVES_POLICIES_MAX];
    unsigned npolicies;
    struct pgw_curve curve[CURVES_MAX];
    unsigned ncurves;
    const struct pgw_curve *reference; /* the exact one, or NULL */
};

void
pgw_curves_options_init(struct pgw_curves_options *options)
{
    *options = (struct pgw_curves_options){
        .size = sizeof *options,
        .page_size = PGW_CURVE_PAGE,
        .exact = true,
        .sizes = 24,
        .seed = 1,
    };
}

/* ---- options ---- */

static enum pgw_status
curves_policy(struct pgw_curves *curves, const char *text, size_t len, char *why)
{
    struct curves_policy *policy = &curves->policy[curves->npolicies];

    if (curves->npolicies == CURVES_POLICIES_MAX)
        return survey_fail(why, PGW_INVAL, "more than %u policies", CURVES_POLICIES_MAX);
    if (len >= CURVES_NAME_MAX)
        return survey_fail(why, PGW_INVAL, "policy \"%.32s...\" is too long", text);
    memcpy(policy->name, text, len);
    policy->name[len] = '\0';
    curves->npolicies++;
    return registry_policy_or_opt_parse(
        policy->name, &policy->ops, policy->param, why, PGW_TRACE_WHY);
}

static enum pgw_status
curves_policies(struct pgw_curves *curves, char *why)
{
    const char *text = curves->options.policies;
    enum pgw_status status = PGW_OK;

    while (text != NULL && status == PGW_OK) {
        size_t len = strcspn(text, ",");
        status = curves_policy(curves, text, len, why);
        text = text[len] == ',' ? text + len + 1 : NULL;
    }
    return status;
}

static bool
curves_is_part(double part)
{
    return part >= 0 && part <= 1; /* so it is a number, too */
}

static enum pgw_status
curves_options(struct pgw_curves *curves, const struct pgw_curves_options *options, char *why)
{
    struct pgw_curves_options *own = &curves->options;

    pgw_curves_options_init(own);
    if (options != NULL)
        memcpy(own, options, options->size < sizeof *own ? options->size : sizeof *own);
    if (!curves_is_part(own->sample) || !curves_is_part(own->policy_sample))
        return survey_fail(
            why, PGW_INVAL, "a sample is a part of the pages, more than 0 and at most 1");
    if (own->sample_pages > UINT32_MAX / 4)
        return survey_fail(why, PGW_INVAL, "a sample of fixed size has at most 2^30 pages");
    if (own->policies != NULL && (own->sizes < 2 || own->sizes > 256))
        return survey_fail(
            why, PGW_INVAL, "policies are run at 2 to 256 sizes, not %u", own->sizes);
    if (!own->exact && own->sample <= 0 && own->sample_pages == 0 && own->policies == NULL)
        return survey_fail(why, PGW_INVAL, "no curve is asked for");
    return curves_policies(curves, why);
}

/* ---- who is told ---- */

static enum pgw_status
curves_lru_use(void *ctx, const struct policy_touch *touch, size_t n, uint32_t pages)
{
    return lrucurve_use(ctx, touch, n, pages);
}

static enum pgw_status
curves_lru_gone(void *ctx, uint32_t page)
{
    return lrucurve_forget(ctx, page);
}

static enum pgw_status
curves_shards_use(void *ctx, const struct policy_touch *touch, size_t n, uint32_t pages)
{
    return shards_use(ctx, touch, n, pages);
}

static enum pgw_status
curves_shards_gone(void *ctx, uint32_t page)
{
    return shards_forget(ctx, page);
}

static enum pgw_status
curves_scaled_use(void *ctx, const struct policy_touch *touch, size_t n, uint32_t pages)
{
    return scaled_use(ctx, touch, n, pages);
}

static enum pgw_status
curves_scaled_gone(void *ctx, uint32_t page)
{
    return scaled_forget(ctx, page);
}

static enum pgw_status
curves_create_shards(struct pgw_curves *curves)
{
    const struct pgw_curves_options *options = &curves->options;
    const struct shards_config config = {
        .rate = options->sample > 0 ? options->sample : 1,
        .pages = options->sample_pages,
        .seed = options->seed,
    };

    return shards_create(&curves->survey.alloc, &config, &curves->shards);
}

static enum pgw_status
curves_create_scaled(struct pgw_curves *curves)
{
    const struct scaled_config config = {
        .rate = curves->options.policy_sample,
        .sizes = curves->options.sizes,
        .seed = curves->options.seed,
        .memory = CURVES_MEMORY,
    };

    return scaled_create(&curves->survey.alloc, &config, &curves->scaled);
}

static enum pgw_status
curves_create(struct pgw_curves *curves)
{
    const struct pgw_curves_options *options = &curves->options;
    struct traverse *traverse = &curves->survey.traverse;
    enum pgw_status status = PGW_OK;

    if (options->exact) {
        status = lrucurve_create(&curves->survey.alloc, &curves->lru);
        traverse->sink[traverse->nsinks++] = (struct traverse_sink){
            .ctx = curves->lru, .use = curves_lru_use, .gone = curves_lru_gone};
    }
    if (status == PGW_OK && (options->sample > 0 || options->sample_pages != 0)) {
        status = curves_create_shards(curves);
        traverse->sink[traverse->nsinks++] = (struct traverse_sink){
            .ctx = curves->shards, .use = curves_shards_use, .gone = curves_shards_gone};
    }
    if (status == PGW_OK && curves->npolicies > 0) {
        status = curves_create_scaled(curves);
        traverse->sink[traverse->nsinks++] = (struct traverse_sink){
            .ctx = curves->scaled, .use = curves_scaled_use, .gone = curves_scaled_gone};
    }
    return status;
}

/* ---- what came of it ---- */

static enum pgw_status
curves_finish_lru(struct pgw_curves *curves)
{
    struct pgw_curve *curve = &curves->curve[curves->ncurves++];

    *curve = (struct pgw_curve){
        .policy = "lru", .exact = true, .every_size = true, .sample = 1, .error = 0};
    curve->sampled = replay_pages_count(curves->survey.traverse.pages);
    curves->reference = curve;
    lrucurve_finish(curves->lru);
    enum pgw_status status = misscurve_of_lru(&curve->curve, &curves->survey.alloc, curves->lru);
    lrucurve_destroy(curves->lru);
    curves->lru = NULL;
    return status;
}

static enum pgw_status
curves_finish_shards(struct pgw_curves *curves)
{
    struct pgw_curve *curve = &curves->curve[curves->ncurves++];
    struct shards_figures figures;

    shards_figures(curves->shards, &figures);
    *curve = (struct pgw_curve){.policy = "lru",
        .every_size = true,
        .sample = figures.rate,
        .sampled = figures.most,
        .error = -1};
    enum pgw_status status = shards_curve(curves->shards, &curves->survey.alloc, &curve->curve);
    if (status == PGW_OK && curves->reference != NULL && curve->curve.n > 0)
        curve->error =
            misscurve_error(&curve->curve, &curves->reference->curve, curves->survey.traverse.most);
    return status;
}

/* The mean absolute difference from the exact curve at the points; -1: there are none. */
static double
curves_point_error(const struct misscurve *curve, const struct misscurve *exact)
{
    double sum = 0;

    if (curve->n == 0)
        return -1;
    for (uint64_t i = 0; i < curve->n; i++) {
        struct misscurve_point point = misscurve_at(exact, curve->points[i].frames);
        sum += fabs((double)curve->points[i].misses - (double)point.misses);
    }
    return sum / (double)curve->n / (double)curve->references;
}

static bool
curves_going(void *ctx)
{
    const struct pgw_curves *curves = ctx;
    struct pgw_trace_info info;

    if (curves->options.progress == NULL)
        return true;
    pgw_trace_get_info(curves->survey.traverse.trace, &info);
    return curves->options.progress(curves->options.ctx, &info, info.refs);
}

/* An interruption leaves out the policies that are not done. */
static enum pgw_status
curves_finish_policy(struct pgw_curves *curves, const struct curves_policy *policy)
{
    struct pgw_curve *curve = &curves->curve[curves->ncurves];

    *curve = (struct pgw_curve){.error = -1};
    memcpy(curve->policy, policy->name, sizeof curve->policy);
    enum pgw_status status = scaled_curve(curves->scaled, policy->ops, policy->param, curves_going,
        curves, &curves->survey.alloc, &curve->curve);
    if (status != PGW_OK)
        return status;
    curves->ncurves++;
    scaled_figures(curves->scaled, &curve->sample, &curve->sampled);
    curve->exact = curve->sample >= 1;
    if (curves->reference != NULL && strcmp(curve->policy, "lru") == 0)
        curve->error = curves_point_error(&curve->curve, &curves->reference->curve);
    return PGW_OK;
}

static enum pgw_status
curves_finish_policies(struct pgw_curves *curves)
{
    bool opt = false;

    for (unsigned i = 0; i < curves->npolicies; i++)
        opt |= curves->policy[i].ops == NULL;
    enum pgw_status status = scaled_finish(curves->scaled, opt);
    for (unsigned i = 0; i < curves->npolicies && status == PGW_OK; i++)
        status = curves_finish_policy(curves, &curves->policy[i]);
    if (status == PGW_AGAIN)
        curves->survey.complete = false;
    return status == PGW_AGAIN ? PGW_OK : status;
}

static enum pgw_status
curves_finish(struct pgw_curves *curves)
{
    enum pgw_status status = PGW_OK;

    if (curves->lru != NULL)
        status = curves_finish_lru(curves);
    if (status == PGW_OK && curves->shards != NULL)
        status = curves_finish_shards(curves);
    if (status == PGW_OK && curves->scaled != NULL)
        status = curves_finish_policies(curves);
    return status;
}

static enum pgw_status
curves_run(struct pgw_curves *curves, char *why)
{
    enum pgw_status status = curves_create(curves);

    if (status != PGW_OK)
        return survey_fail(why, status, "no memory");
    curves->survey.traverse.progress = curves->options.progress;
    curves->survey.traverse.ctx = curves->options.ctx;
    status = survey_run(&curves->survey, why);
    if (status != PGW_OK)
        return status;
    status = curves_finish(curves);
    return status == PGW_OK ? status : survey_fail(why, status, "%s", survey_failure(status));
}

enum pgw_status
pgw_curves_measure(const char *path, const struct pgw_trace_options *trace_options,
    const struct pgw_curves_options *options, struct pgw_curves **curves, char *why)
{
    struct pgw_curves *made = survey_alloc(sizeof *made, why);

    if (made == NULL)
        return PGW_NOMEM;
    enum pgw_status status = curves_options(made, options, why);
    if (status == PGW_OK)
        status = survey_init(&made->survey, path, trace_options, made->options.page_size, why);
    if (status == PGW_OK)
        status = curves_run(made, why);
    if (status != PGW_OK) {
        pgw_curves_destroy(made);
        return status;
    }
    *curves = made;
    return PGW_OK;
}

void
pgw_curves_destroy(struct pgw_curves *curves)
{
    if (curves == NULL)
        return;
    lrucurve_destroy(curves->lru);
    shards_destroy(curves->shards);
    scaled_destroy(curves->scaled);
    for (unsigned i = 0; i < curves->ncurves; i++)
        misscurve_fini(&curves->curve[i].curve, &curves->survey.alloc);
    survey_fini(&curves->survey);
    survey_free(curves, sizeof *curves);
}

/* ---- figures ---- */

void
pgw_curves_get_info(const struct pgw_curves *curves, struct pgw_curves_info *info)
{
    struct survey_totals totals;

    survey_totals(&curves->survey, &totals);
    *info = (struct pgw_curves_info){
        .references = totals.refs.references,
        .reads = totals.refs.reads,
        .writes = totals.refs.writes,
        .fetches = totals.refs.fetches,
        .pages = totals.pages,
        .footprint = totals.footprint,
        .page_size = curves->options.page_size,
        .complete = curves->survey.complete,
        .reduced = curves->survey.reduced,
        .count = curves->ncurves,
    };
}

const struct pgw_curve *
pgw_curves_get(const struct pgw_curves *curves, unsigned i)
{
    return i < curves->ncurves ? &curves->curve[i] : NULL;
}

void
pgw_curve_get_info(const struct pgw_curve *curve, struct pgw_curve_info *info)
{
    *info = (struct pgw_curve_info){
        .policy = curve->policy,
        .exact = curve->exact,
        .every_size = curve->every_size,
        .writebacks = curve->curve.writebacks,
        .sample = curve->sample,
        .sampled = curve->sampled,
        .points = curve->curve.n,
        .error = curve->error,
    };
}

static void
curves_point(const struct misscurve_point *from, struct pgw_curve_point *to)
{
    *to = (struct pgw_curve_point){
        .frames = from->frames, .misses = from->misses, .writebacks = from->writebacks};
}

enum pgw_status
pgw_curve_get_point(const struct pgw_curve *curve, uint64_t i, struct pgw_curve_point *point)
{
    if (i >= curve->curve.n)
        return PGW_NOTFOUND;
    curves_point(&curve->curve.points[i], point);
    return PGW_OK;
}

void
pgw_curve_at(const struct pgw_curve *curve, uint64_t frames, struct pgw_curve_point *point)
{
    struct misscurve_point at = misscurve_at(&curve->curve, frames);

    curves_point(&at, point);
}

uint64_t
pgw_curve_least(const struct pgw_curve *curve, double ratio)
{
    double references = (double)curve->curve.references;
    uint64_t most = ratio >= 1 ? curve->curve.references : 0;

    /* A product may be rounded to below the whole number that the ratio is of. */
    if (ratio > 0 && ratio < 1)
        most = (uint64_t)(ratio * references);
    if ((double)(most + 1) / references <= ratio)
        most++;
    return misscurve_least(&curve->curve, most);
}
