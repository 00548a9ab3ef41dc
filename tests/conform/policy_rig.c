/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy_rig.h"

#include <stdlib.h>
#include <string.h>

/* ---- the traces ---- */

static void
trace_random(struct rig_trace *t, struct base_rng *rng, unsigned frames)
{
    t->name = "random";
    for (unsigned i = 0; i < t->n; i++)
        t->page[i] = (unsigned)base_rng_below(rng, 2 * frames + 2);
}

/* Loops: over one page more than there are frames, over one less, over half as many again. */
static void
trace_loop(struct rig_trace *t, struct base_rng *rng, unsigned frames)
{
    const unsigned length[] = {frames + 1, frames > 1 ? frames - 1 : 1, frames + frames / 2 + 1};
    t->name = "loop";
    (void)rng;
    for (unsigned i = 0; i < t->n; i++)
        t->page[i] = i % length[3 * i / t->n];
}

/* A few pages in steady use, with scans over many that are used once. */
static void
trace_scan(struct rig_trace *t, struct base_rng *rng, unsigned frames)
{
    unsigned hot = frames / 2 + 1, next = 0;
    t->name = "scan";
    for (unsigned i = 0; i < t->n; i++)
        t->page[i] = i / (4 * hot) % 2 == 0 ? (unsigned)base_rng_below(rng, hot)
                                            : hot + next++ % (RIG_PAGES - hot);
}

/* Page k with a chance in proportion to 1/(k+1). */
static void
trace_zipf(struct rig_trace *t, struct base_rng *rng, unsigned frames)
{
    double sum[RIG_PAGES], total = 0;
    unsigned pages = 4 * frames + 4;
    t->name = "zipf";
    for (unsigned k = 0; k < pages; k++)
        sum[k] = total += 1.0 / (k + 1);
    for (unsigned i = 0; i < t->n; i++) {
        double at = (double)base_rng_below(rng, 1u << 30) / (1u << 30) * total;
        unsigned from = 0, to = pages - 1; /* the first k with at < sum[k] */
        while (from < to) {
            unsigned k = (from + to) / 2;
            if (at < sum[k])
                to = k;
            else
                from = k + 1;
        }
        t->page[i] = from;
    }
}

/* Localities of up to twice the frames, each in use for a while; some pages many times running. */
static void
trace_phases(struct rig_trace *t, struct base_rng *rng, unsigned frames)
{
    unsigned base = 0, width = 1;
    t->name = "phases";
    for (unsigned i = 0; i < t->n; i++) {
        if (i % (8 * frames + 20) == 0) {
            width = 1 + (unsigned)base_rng_below(rng, 2 * frames);
            base = (unsigned)base_rng_below(rng, RIG_PAGES - width);
        }
        bool again = i > 0 && base_rng_below(rng, 4) == 0;
        t->page[i] = again ? t->page[i - 1] : base + (unsigned)base_rng_below(rng, width);
    }
}

/* What has just been used is used soon, now and then what was used long ago: a walk through an LRU
 * stack, to and fro. */
static void
trace_zigzag(struct rig_trace *t, struct base_rng *rng, unsigned frames)
{
    unsigned at = 0, width = frames + frames / 4 + 2;
    bool up = true;
    t->name = "zigzag";
    for (unsigned i = 0; i < t->n; i++) {
        if (base_rng_below(rng, 50) == 0)
            at = (unsigned)base_rng_below(rng, width);
        t->page[i] = at;
        up = at == 0 || (up && at + 1 < width);
        at = up ? at + 1 : at - 1;
    }
}

static void (*const makers[])(struct rig_trace *t, struct base_rng *rng, unsigned frames) = {
    trace_random, trace_loop, trace_scan, trace_zipf, trace_phases, trace_zigzag};

/* Printed once, not for each of some thousand traces. */
static uint64_t
rig_seed(void)
{
    static uint64_t seed;
    static bool known;

    if (!known)
        seed = test_seed();
    known = true;
    return seed;
}

bool
rig_trace_make(struct rig_trace *t, unsigned i, unsigned frames)
{
    struct base_rng rng;

    if (i >= sizeof makers / sizeof makers[0])
        return false;
    base_rng_init(&rng, rig_seed() ^ ((uint64_t)i << 32 | frames));
    t->n = RIG_LENGTH;
    makers[i](t, &rng, frames);
    for (unsigned r = 0; r < t->n; r++)
        t->write[r] = base_rng_below(&rng, 4) == 0;
    return true;
}

unsigned
rig_size_at(unsigned i)
{
    const unsigned more[] = {25, 32, 50, 64, 99, 128, 150, RIG_FRAMES_MAX};

    if (i < 20)
        return i + 1;
    return i - 20 < sizeof more / sizeof more[0] ? more[i - 20] : 0;
}

/* ---- the calls, one by one ---- */

static bool
rig_referenced(void *ctx, struct base_node *node)
{
    struct rig_page *page = (struct rig_page *)node;
    bool was = page->referenced;
    (void)ctx;
    page->referenced = false;
    return was;
}

static bool
rig_modified(void *ctx, struct base_node *node)
{
    (void)ctx;
    return ((struct rig_page *)node)->modified;
}

static enum pgw_status
rig_create(struct policy_env *env, const struct policy_twin *twin, struct policy **policy)
{
    env->seed = RIG_SEED;
    memcpy(env->param, twin->param, sizeof env->param);
    return twin->ops->create(env, policy);
}

void
rig_init(
    struct rig *r, struct test_env *env, const struct policy_twin *twin, unsigned frames, bool bits)
{
    rig_init_part(r, env, twin, frames, frames, bits);
}

void
rig_init_part(struct rig *r, struct test_env *env, const struct policy_twin *twin,
    uint64_t capacity, unsigned frames, bool bits)
{
    struct policy_env policy_env = {.referenced = bits ? rig_referenced : NULL,
        .modified = rig_modified,
        .alloc = &env->alloc,
        .capacity = capacity};

    memset(r, 0, sizeof *r);
    assert_int_equal(rig_create(&policy_env, twin, &r->policy), PGW_OK);
    assert_ptr_equal(r->policy->ops, twin->ops);
    assert_int_equal(r->policy->count, 0);
    assert_int_equal(r->policy->size, capacity);
    r->policy->size = frames;
    assert_null(twin->ops->victim(r->policy));
    r->env = env;
    r->frames = frames;
}

void
rig_fini(struct rig *r)
{
    assert_true(r->policy->ops->check(r->policy));
    r->policy->ops->destroy(r->policy);
}

/* The page is not resident any more, and the node the embedder's again, who may well use it. */
static void
rig_outside(struct rig *r, struct rig_page *page)
{
    page->resident = false;
    r->resident--;
    memset(&page->node, 0xee, sizeof page->node);
}

static unsigned
rig_evict_node(struct rig *r, struct base_node *node)
{
    struct rig_page *page = (struct rig_page *)node;
    unsigned number = (unsigned)(page - r->pages);

    assert_true(page >= r->pages && page < r->pages + RIG_PAGES);
    assert_true(page->resident);
    r->policy->ops->evicted(r->policy, node, number);
    r->writebacks += page->modified;
    rig_outside(r, page);
    return number;
}

unsigned
rig_evict(struct rig *r)
{
    return rig_evict_node(r, r->policy->ops->victim(r->policy));
}

void
rig_forget(struct rig *r, unsigned number)
{
    struct rig_page *page = &r->pages[number];

    r->policy->ops->forget(r->policy, &page->node);
    rig_outside(r, page);
}

void
rig_move(struct rig *r, unsigned number)
{
    const struct policy_ops *ops = r->policy->ops;
    struct rig_page *page = &r->pages[number];
    struct base_node other;

    memset(&other, 0xee, sizeof other);
    ops->moved(r->policy, &page->node, &other);
    memset(&page->node, 0xee, sizeof page->node);
    assert_int_equal(r->policy->count, r->resident);
    assert_true(ops->check(r->policy));
    ops->moved(r->policy, &other, &page->node);
    memset(&other, 0xee, sizeof other);
}

static unsigned
rig_miss(struct rig *r, unsigned number, bool write, bool told, unsigned *evicted)
{
    const struct policy_ops *ops = r->policy->ops;
    struct rig_page *page = &r->pages[number];
    struct base_node *node;
    unsigned n = 0;

    r->misses++;
    if (told)
        ops->missed(r->policy, number);
    if (r->resident == r->frames)
        evicted[n++] = rig_evict(r);
    /* The MMU's bits are clear: the reference that faulted is what admit() stands for. */
    page->referenced = false;
    page->modified = write;
    page->resident = true;
    r->resident++;
    ops->admit(r->policy, &page->node, number);
    while ((node = ops->surplus(r->policy)) != NULL)
        evicted[n++] = rig_evict_node(r, node);
    assert_true(page->resident);
    assert_int_equal(r->policy->count, r->resident);
    return n;
}

static unsigned
rig_reference(struct rig *r, unsigned number, bool write, bool told, unsigned *evicted)
{
    const struct policy_ops *ops = r->policy->ops;
    struct rig_page *page = &r->pages[number];

    if ((ops->wants & POLICY_WANTS_TIME) != 0)
        r->policy->now++;
    if (!page->resident)
        return rig_miss(r, number, write, told, evicted);
    page->modified |= write;
    if (r->policy->env.referenced == NULL)
        ops->accessed(r->policy, &page->node, write);
    page->referenced = true;
    return 0;
}

unsigned
rig_step(struct rig *r, unsigned number, bool write, unsigned *evicted)
{
    return rig_reference(r, number, write, true, evicted);
}

unsigned
rig_step_untold(struct rig *r, unsigned number, bool write, unsigned *evicted)
{
    return rig_reference(r, number, write, false, evicted);
}

uint64_t
rig_misses(struct test_env *env, const struct policy_twin *twin, const struct rig_trace *t,
    unsigned frames)
{
    unsigned evicted[RIG_PAGES + 1];
    struct rig r;

    rig_init(&r, env, twin, frames, false);
    for (unsigned i = 0; i < t->n; i++)
        (void)rig_step(&r, t->page[i], t->write[i], evicted);
    rig_fini(&r);
    return r.misses;
}

/* ---- ops->replay ---- */

static void
rig_on_evict(void *ctx, uint32_t page, bool dirty)
{
    struct rig_replayed *result = ctx;
    (void)dirty;
    assert_true(result->n < sizeof result->evicted / sizeof result->evicted[0]);
    result->evicted[result->n++] = page;
}

/* Runs of references to one page become one touch; returns how many. */
static unsigned
rig_fold(const struct rig_trace *t, struct policy_touch *touch)
{
    unsigned n = 0;

    for (unsigned i = 0; i < t->n; i++) {
        if (n > 0 && touch[n - 1].page == t->page[i]) {
            touch[n - 1].count++;
            touch[n - 1].write |= t->write[i];
            continue;
        }
        touch[n++] = (struct policy_touch){.page = t->page[i],
            .count = 1,
            .first = t->write[i] ? POLICY_TOUCH_WRITE : POLICY_TOUCH_READ,
            .write = t->write[i]};
    }
    return n;
}

void
rig_replay(struct test_env *env, const struct policy_twin *twin, const struct rig_trace *t,
    unsigned frames, struct rig_replayed *result)
{
    static struct policy_touch touch[RIG_LENGTH];
    struct base_node node[RIG_PAGES];
    uint32_t page_of[RIG_PAGES], frame_of[RIG_PAGES] = {0};
    struct policy_frames f = {.node = node,
        .page_of = page_of,
        .frame_of = frame_of,
        .capacity = frames,
        .on_evict = rig_on_evict,
        .ctx = result};
    struct policy_env policy_env = {.modified = policy_frames_modified,
        .ctx = &f,
        .alloc = &env->alloc,
        .frames = &f,
        .capacity = frames};
    struct policy *policy;
    struct base_rng rng;
    unsigned n = rig_fold(t, touch);

    base_rng_init(&rng, frames);
    result->n = 0;
    assert_int_equal(rig_create(&policy_env, twin, &policy), PGW_OK);
    for (unsigned i = 0; i < n;) {
        unsigned batch = 1 + (unsigned)base_rng_below(&rng, 500);
        batch = batch < n - i ? batch : n - i;
        twin->ops->replay(policy, &f, touch + i, batch);
        i += batch;
    }
    assert_true(twin->ops->check(policy));
    twin->ops->destroy(policy);
    result->misses = f.misses[POLICY_TOUCH_READ] + f.misses[POLICY_TOUCH_WRITE];
    result->evictions = f.evictions;
    result->writebacks = f.writebacks;
    assert_int_equal(f.misses[POLICY_TOUCH_FETCH], 0);
}

/* ---- OPT ---- */

/* next[i]: the index of the next reference to the same page, or n. */
static void
opt_next_uses(const struct rig_trace *t, unsigned *next)
{
    unsigned last[RIG_PAGES];

    for (unsigned p = 0; p < RIG_PAGES; p++)
        last[p] = t->n;
    for (unsigned i = t->n; i-- > 0;) {
        next[i] = last[t->page[i]];
        last[t->page[i]] = i;
    }
}

uint64_t
rig_opt_misses(const struct rig_trace *t, unsigned frames)
{
    static unsigned next[RIG_LENGTH];
    unsigned page[RIG_PAGES], use[RIG_PAGES], n = 0;
    uint64_t misses = 0;

    opt_next_uses(t, next);
    for (unsigned i = 0; i < t->n; i++) {
        unsigned at = 0;
        while (at < n && page[at] != t->page[i])
            at++;
        if (at == n) {
            misses++;
            if (n < frames) {
                n++;
            } else {
                at = 0;
                for (unsigned j = 1; j < n; j++)
                    if (use[j] > use[at])
                        at = j;
            }
            page[at] = t->page[i];
        }
        use[at] = next[i];
    }
    return misses;
}
