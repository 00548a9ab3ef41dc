/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What curves and working sets cost a reference, in one thread.
 *
 *     curving [-n REFERENCES] [-p PAGES] [-r ROUNDS]
 *
 * The trace and the floor are those of zipf.h.  A piece at a time, the trace goes from references
 * to pages (replay/pages.c) and on to
 *
 *     pages      nobody
 *     curve      LRU's exact curve for all sizes
 *     sample     SHARDS at a rate of 0.01
 *     fixed      SHARDS with at most 8192 pages
 *     windows    working sets of 10^4, 10^5 and 10^6 references
 *
 * One line of JSON each: the median of nanoseconds a reference, what that is in floors, and bytes
 * of memory a page, where they are counted.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host/host_mem.h"
#include "replay/lrucurve.h"
#include "replay/pages.h"
#include "replay/shards.h"
#include "replay/workwindow.h"
#include "zipf.h"

#define PIECE 8192u
#define ROUNDS_MAX 15u
#define ROWS 5u

static struct {
    struct zipf zipf;
    unsigned rounds;
    struct base_alloc alloc;
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

/* ---- who is measured ---- */

static enum pgw_status
bench_nobody(const struct policy_touch *touch, size_t n, uint32_t pages)
{
    (void)touch;
    (void)n;
    (void)pages;
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
    {.name = "pages", .use = bench_nobody},
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
    size_t n = zipf_piece(&bench.zipf, i, refs, PIECE), done, ntouch;
    double start = zipf_now();
    if (replay_pages_touch(pages, refs, n, touch, &done, &ntouch) != PGW_OK ||
        row->use(touch, ntouch, replay_pages_count(pages)) != PGW_OK)
        bench_die("out of memory");
    return zipf_now() - start;
}

static void
bench_run(struct row *row, unsigned round)
{
    struct replay_pages *pages;

    if (replay_pages_create(&bench.alloc, 4096, &pages) != PGW_OK)
        bench_die("out of memory");
    bench_create(row);
    row->ns[round] = 0;
    for (uint64_t i = 0; i < bench.zipf.n; i += PIECE)
        row->ns[round] += bench_piece(row, pages, i);
    row->ns[round] /= (double)bench.zipf.n;
    if (row->use == bench_curve)
        row->bytes = (double)(replay_pages_bytes(pages) + lrucurve_bytes(bench.curve)) /
                     replay_pages_count(pages);
    bench_destroy();
    replay_pages_destroy(pages);
}

static double
bench_floor(void)
{
    static struct pgw_ref refs[PIECE];
    uint64_t different;
    double ns = zipf_floor(&bench.zipf, &bench.alloc, refs, PIECE, false, &different);

    if (ns < 0)
        bench_die("out of memory");
    return ns / (double)bench.zipf.n;
}

static void
bench_print(const char *name, double ns, double floor, double bytes)
{
    printf("{\"bench\":\"%s\",\"ns\":%.2f,\"floors\":%.2f,\"bytes_a_page\":%.1f}\n", name, ns,
        ns / floor, bytes);
}

int
main(int argc, char **argv)
{
    uint64_t n = 20000000, pages = 1000000;
    double floors[ROUNDS_MAX];

    bench.rounds = 5;
    for (int c; (c = getopt(argc, argv, "n:p:r:")) != -1;) {
        uint64_t value = c == '?' ? 0 : strtoull(optarg, NULL, 10);
        if (value == 0 || (c == 'r' && value > ROUNDS_MAX))
            bench_die("usage: curving [-n REFERENCES] [-p PAGES] [-r ROUNDS]");
        n = c == 'n' ? value : n;
        pages = c == 'p' ? value : pages;
        bench.rounds = c == 'r' ? (unsigned)value : bench.rounds;
    }
    host_ram_alloc_init(&bench.alloc);
    if (!zipf_make(&bench.zipf, n, pages))
        bench_die("out of memory");
    for (unsigned round = 0; round < bench.rounds; round++) {
        floors[round] = bench_floor();
        for (unsigned i = 0; i < ROWS; i++)
            bench_run(&rows[i], round);
    }
    double floor = zipf_median(floors, bench.rounds);
    bench_print("floor", floor, floor, 0);
    for (unsigned i = 0; i < ROWS; i++)
        bench_print(rows[i].name, zipf_median(rows[i].ns, bench.rounds), floor, rows[i].bytes);
    free(bench.zipf.page);
    return 0;
}
