/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What curves and working sets cost a reference, in one thread.
 *
 *     curving [-n REFERENCES] [-p PAGES] [-r ROUNDS]
 *
 * The trace is zipf(1.0) over PAGES pages; pages are numbered in the order of
 * their first use.  It goes, a piece at a time, from references to pages
 * (replay/pages.c) and on to
 *
 *     floor      a loop that sets the page's bit and knows nothing of LRU
 *     curve      LRU's exact curve for all sizes
 *     sample     SHARDS at a rate of 0.01
 *     fixed      SHARDS with at most 8192 pages
 *     windows    working sets of 10^4, 10^5 and 10^6 references
 *
 * One line of JSON each: the median of nanoseconds a reference, what that is in
 * floors, and bytes of memory a page, where they are counted.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/rng.h"
#include "host/host_mem.h"
#include "replay/lrucurve.h"
#include "replay/pages.h"
#include "replay/shards.h"
#include "replay/workwindow.h"

#define PIECE 8192u
#define ROUNDS_MAX 15u
#define ROWS 5u

static struct {
    uint32_t *page; /* the trace */
    uint64_t n, pages;
    unsigned rounds;
    struct base_alloc alloc;
    unsigned char *bits;
    struct lrucurve *curve;
    struct shards *shards;
    struct workwindow *windows;
} bench;

static void
bench_die(const char *what)
{
    fprintf(stderr, "curving: %s\n", what);
    exit(1);
}

static double
bench_now(void)
{
    struct timespec at;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at);
    return (double)at.tv_sec * 1e9 + (double)at.tv_nsec;
}

/* Rank k with a chance in proportion to 1 / (k + 1), by bisection of the
 * distribution; a page's place has nothing to do with its rank. */
static void
bench_make_trace(void)
{
    struct base_rng rng;
    double *sum = malloc(bench.pages * sizeof *sum), total = 0;

    bench.page = malloc(bench.n * sizeof *bench.page);
    bench.bits = calloc(1, bench.pages / 8 + 1);
    if (sum == NULL || bench.page == NULL || bench.bits == NULL)
        bench_die("out of memory");
    base_rng_init(&rng, 1);
    for (uint64_t k = 0; k < bench.pages; k++)
        sum[k] = total += 1.0 / (double)(k + 1);
    for (uint64_t i = 0; i < bench.n; i++) {
        double at = ldexp((double)(base_rng_next(&rng) >> 11), -53) * total;
        uint64_t low = 0, high = bench.pages - 1;
        while (low < high) {
            uint64_t middle = (low + high) / 2;
            if (sum[middle] <= at)
                low = middle + 1;
            else
                high = middle;
        }
        bench.page[i] = (uint32_t)(low * 2654435761u % bench.pages);
    }
    free(sum);
}

/* ---- who is measured ---- */

static enum pgw_status
bench_bits(const struct policy_touch *touch, size_t n, uint32_t pages)
{
    (void)pages;
    for (size_t i = 0; i < n; i++)
        bench.bits[touch[i].page >> 3] |= (unsigned char)(1u << (touch[i].page & 7));
    return PGW_OK;
}

static enum pgw_status
bench_curve(const struct policy_touch *touch, size_t n, uint32_t pages)
{
    return lrucurve_use(bench.curve, touch, n, pages);
}

static enum pgw_status
bench_shards(const struct policy_touch *touch, size_t n, uint32_t pages)
{
    return shards_use(bench.shards, touch, n, pages);
}

static enum pgw_status
bench_windows(const struct policy_touch *touch, size_t n, uint32_t pages)
{
    return workwindow_use(bench.windows, touch, n, pages);
}

static struct row {
    const char *name;
    enum pgw_status (*use)(const struct policy_touch *touch, size_t n, uint32_t pages);
    double rate;
    uint64_t fixed;
    double ns[ROUNDS_MAX];
    double bytes; /* a page, with those for finding pages; 0: not counted */
} rows[ROWS] = {
    {.name = "floor", .use = bench_bits},
    {.name = "curve", .use = bench_curve},
    {.name = "sample", .use = bench_shards, .rate = 0.01},
    {.name = "fixed", .use = bench_shards, .rate = 1, .fixed = 8192},
    {.name = "windows", .use = bench_windows},
};

static void
bench_create(const struct row *row)
{
    const struct shards_config config = {
        .rate = row->rate > 0 ? row->rate : 1, .pages = row->fixed, .seed = 1};
    const uint64_t taus[] = {10000, 100000, 1000000};

    if (lrucurve_create(&bench.alloc, &bench.curve) != PGW_OK ||
        shards_create(&bench.alloc, &config, &bench.shards) != PGW_OK ||
        workwindow_create(&bench.alloc, taus, 3, &bench.windows) != PGW_OK)
        bench_die("out of memory");
}

static void
bench_destroy(void)
{
    lrucurve_destroy(bench.curve);
    shards_destroy(bench.shards);
    workwindow_destroy(bench.windows);
}

/* A piece of the trace from i on, through all of it; its nanoseconds. */
static double
bench_piece(const struct row *row, struct replay_pages *pages, uint64_t i)
{
    static struct pgw_ref refs[PIECE];
    static struct policy_touch touch[2 * PIECE];
    size_t n = bench.n - i < PIECE ? (size_t)(bench.n - i) : PIECE, done, ntouch;

    for (size_t k = 0; k < n; k++) {
        bool write = (i + k) % 4 == 0;
        refs[k] = (struct pgw_ref){.va = 0x10000000 + ((uint64_t)bench.page[i + k] << 12) + 8,
            .process = 1,
            .size = 8,
            .kind = write ? PGW_REF_WRITE : PGW_REF_READ,
            .count = 1,
            .writes = write};
    }
    double start = bench_now();
    if (replay_pages_touch(pages, refs, n, touch, &done, &ntouch) != PGW_OK ||
        row->use(touch, ntouch, replay_pages_count(pages)) != PGW_OK)
        bench_die("out of memory");
    return bench_now() - start;
}

static void
bench_run(struct row *row, unsigned round)
{
    struct replay_pages *pages;

    if (replay_pages_create(&bench.alloc, 4096, &pages) != PGW_OK)
        bench_die("out of memory");
    bench_create(row);
    row->ns[round] = 0;
    for (uint64_t i = 0; i < bench.n; i += PIECE)
        row->ns[round] += bench_piece(row, pages, i);
    row->ns[round] /= (double)bench.n;
    if (row->use == bench_curve)
        row->bytes = (double)(replay_pages_bytes(pages) + lrucurve_bytes(bench.curve)) /
                     replay_pages_count(pages);
    bench_destroy();
    replay_pages_destroy(pages);
}

static int
bench_order(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double
bench_median(struct row *row)
{
    qsort(row->ns, bench.rounds, sizeof row->ns[0], bench_order);
    return row->ns[bench.rounds / 2];
}

int
main(int argc, char **argv)
{
    bench.n = 20000000;
    bench.pages = 1000000;
    bench.rounds = 5;
    for (int c; (c = getopt(argc, argv, "n:p:r:")) != -1;) {
        uint64_t value = c == '?' ? 0 : strtoull(optarg, NULL, 10);
        if (value == 0 || (c == 'r' && value > ROUNDS_MAX))
            bench_die("usage: curving [-n REFERENCES] [-p PAGES] [-r ROUNDS]");
        bench.n = c == 'n' ? value : bench.n;
        bench.pages = c == 'p' ? value : bench.pages;
        bench.rounds = c == 'r' ? (unsigned)value : bench.rounds;
    }
    host_alloc_init(&bench.alloc, NULL);
    bench_make_trace();
    for (unsigned round = 0; round < bench.rounds; round++) {
        for (unsigned i = 0; i < ROWS; i++)
            bench_run(&rows[i], round);
    }
    double floor = bench_median(&rows[0]);
    for (unsigned i = 0; i < ROWS; i++) {
        double ns = bench_median(&rows[i]);
        printf("{\"bench\":\"%s\",\"ns\":%.2f,\"floors\":%.2f,\"bytes_a_page\":%."
               "1f}\n",
            rows[i].name, ns, ns / floor, rows[i].bytes);
    }
    free(bench.page);
    free(bench.bits);
    return 0;
}
