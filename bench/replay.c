/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What replay costs a reference, in one thread.
 *
 *     replay [-n REFERENCES] [-p PAGES] [-r ROUNDS] [POLICY...]
 *
 * The trace is zipf(1.0) over PAGES pages whose popularity has nothing to do with where they are.
 * It is handed over as an array of references, as a reader of traces does, a piece at a time; that
 * such an array is filled is not part of what is measured.  Each of these goes through all of it:
 *
 *     bits   a loop that knows each reference's page number and sets the page's bit: the barest
 *     floor  a loop that looks each reference's page up in a table of all pages and sets its bit
 *     pages  from references to pages, as replay does it
 *     decode reading it from a file of our own format; for misses, the file's bytes
 *     NAME   the policy, from references to counts, with a hundredth and a tenth of the pages
 *     eight  LRU at eight sizes in one pass
 *     mmu    LRU with a hundredth of the pages behind x86-64's tables and a two-level TLB
 *
 * They take turns, ROUNDS times over.  One line of JSON each, with the median of nanoseconds a
 * reference, what that is in floors, and for policies bytes of memory a page.
 */
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "api/registry.h"
#include "base/rng.h"
#include "host/host_mem.h"
#include "replay/pass.h"
#include "replay/vpntable.h"

#define PIECE 65536u
#define ROUNDS_MAX 15u
#define ROWS_MAX 64u
#define AHEAD 16u

struct row {
    const char *name;
    const struct policy_ops *ops; /* NULL: opt */
    uint64_t frames[8];
    unsigned nsizes;                /* 0: not a policy */
    const struct registry_mmu *mmu; /* NULL: no translation is modelled */
    double (*run)(struct row *row);
    double ns[ROUNDS_MAX];
    uint64_t misses, bytes;
};

static struct {
    uint32_t *page; /* the trace */
    uint64_t n, pages;
    unsigned rounds;
    struct pgw_ref *refs; /* a piece of it */
    struct base_alloc alloc;
    struct row rows[ROWS_MAX];
    unsigned nrows;
} bench;

static double
bench_now(void)
{
    struct timespec at;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at);
    return (double)at.tv_sec * 1e9 + (double)at.tv_nsec;
}

static void
bench_die(const char *what)
{
    fprintf(stderr, "replay: %s\n", what);
    exit(1);
}

/* ---- the trace ---- */

/* A permutation of the page numbers, so that popular pages are anywhere. */
static void
bench_permute(uint32_t *page, uint64_t n, struct base_rng *rng)
{
    for (uint64_t i = 0; i < n; i++)
        page[i] = (uint32_t)i;
    for (uint64_t i = n; i-- > 1;) {
        uint64_t j = base_rng_below(rng, i + 1);
        uint32_t kept = page[i];
        page[i] = page[j];
        page[j] = kept;
    }
}

/* Rank k with a chance in proportion to 1 / (k + 1): by bisection of the distribution. */
static void
bench_make_trace(void)
{
    struct base_rng rng;
    double *sum = malloc(bench.pages * sizeof *sum), total = 0;
    uint32_t *place = malloc(bench.pages * sizeof *place);

    bench.page = malloc(bench.n * sizeof *bench.page);
    bench.refs = calloc(PIECE, sizeof *bench.refs);
    if (sum == NULL || place == NULL || bench.page == NULL || bench.refs == NULL)
        bench_die("out of memory");
    base_rng_init(&rng, 1);
    bench_permute(place, bench.pages, &rng);
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
        bench.page[i] = place[low];
    }
    free(sum);
    free(place);
}

/* The piece of the trace from i on, as references; how many. */
static size_t
bench_piece(uint64_t i)
{
    size_t n = bench.n - i < PIECE ? (size_t)(bench.n - i) : PIECE;

    for (size_t k = 0; k < n; k++) {
        uint32_t page = bench.page[i + k];
        bool write = (i + k) % 4 == 0;
        bench.refs[k] = (struct pgw_ref){.va = 0x10000000 + ((uint64_t)page << 12) + 8,
            .process = 1,
            .size = 8,
            .kind = write ? PGW_REF_WRITE : PGW_REF_READ,
            .count = 1,
            .writes = write};
    }
    return n;
}

/* ---- what is measured ---- */

static double
bench_bits(struct row *row)
{
    unsigned char *bits = calloc(1, bench.pages / 8 + 1);
    double start = bench_now();

    if (bits == NULL)
        bench_die("out of memory");
    for (uint64_t i = 0; i < bench.n; i++)
        bits[bench.page[i] >> 3] |= (unsigned char)(1u << (bench.page[i] & 7));
    double ns = bench_now() - start;
    row->misses = 0;
    for (uint64_t i = 0; i < bench.pages; i++)
        row->misses += bits[i >> 3] >> (i & 7) & 1;
    free(bits);
    return ns;
}

static double
bench_floor(struct row *row)
{
    uint64_t npages = 0;
    unsigned char *bits = calloc(1, bench.pages / 8 + 1);
    struct vpn_table table;
    double ns = 0;

    if (bits == NULL || vpn_table_init(&table, &bench.alloc) != PGW_OK)
        bench_die("out of memory");
    for (uint64_t i = 0; i < bench.n; i += PIECE) {
        size_t n = bench_piece(i);
        double start = bench_now();
        for (size_t k = 0; k < n; k++) {
            if (k + AHEAD < n)
                vpn_table_prefetch(&table, bench.refs[k + AHEAD].va >> 12);
            uint64_t vpn = bench.refs[k].va >> 12;
            uint32_t value = vpn_table_find(&table, vpn)->value;
            if (value == 0) {
                if (vpn_table_reserve(&table, &bench.alloc, 1) != PGW_OK)
                    bench_die("out of memory");
                value = (uint32_t)++npages;
                (void)vpn_table_put(&table, vpn, value);
            }
            bits[(value - 1) >> 3] |= (unsigned char)(1u << ((value - 1) & 7));
        }
        ns += bench_now() - start;
    }
    row->misses = npages;
    vpn_table_fini(&table, &bench.alloc);
    free(bits);
    return ns;
}

/* Writes the trace to path, as our own format. */
static void
bench_write(const char *path)
{
    struct pgw_trace_writer *writer;
    char why[PGW_TRACE_WHY];

    if (pgw_trace_writer_create(path, NULL, &writer, why) != PGW_OK)
        bench_die(why);
    for (uint64_t i = 0; i < bench.n; i += PIECE) {
        if (pgw_trace_write(writer, bench.refs, bench_piece(i)) != PGW_OK)
            bench_die("the trace cannot be written");
    }
    if (pgw_trace_writer_close(writer) != PGW_OK)
        bench_die("the trace cannot be written");
}

static double
bench_decode(struct row *row)
{
    char path[] = "/var/tmp/bench-replay-XXXXXX", why[PGW_TRACE_WHY];
    struct pgw_trace *trace;
    struct pgw_trace_batch batch;
    struct pgw_trace_info info;
    uint64_t n = 0;
    int fd = mkstemp(path);

    if (fd < 0)
        bench_die("no temporary file");
    (void)close(fd);
    bench_write(path);
    double start = bench_now();
    if (pgw_trace_open(path, NULL, &trace, why) != PGW_OK)
        bench_die(why);
    do {
        if (pgw_trace_next(trace, &batch) != PGW_OK)
            bench_die(pgw_trace_error_text(trace));
        n += batch.nrefs;
    } while (!batch.end);
    double ns = bench_now() - start;
    pgw_trace_get_info(trace, &info);
    row->misses = info.bytes; /* of the file, for want of misses */
    pgw_trace_close(trace);
    (void)unlink(path);
    if (n != bench.n)
        bench_die("the trace is not what was written");
    return ns;
}

static double
bench_pages(struct row *row)
{
    struct policy_touch *touch = malloc(2 * PIECE * sizeof *touch);
    struct replay_pages *pages;
    double ns = 0;
    size_t done, ntouch;

    if (touch == NULL || replay_pages_create(&bench.alloc, 4096, &pages) != PGW_OK)
        bench_die("out of memory");
    for (uint64_t i = 0; i < bench.n; i += PIECE) {
        size_t n = bench_piece(i);
        double start = bench_now();
        if (replay_pages_touch(pages, bench.refs, n, touch, &done, &ntouch) != PGW_OK)
            bench_die("out of memory");
        ns += bench_now() - start;
    }
    row->misses = replay_pages_count(pages);
    row->bytes = replay_pages_bytes(pages);
    replay_pages_destroy(pages);
    free(touch);
    return ns;
}

static double
bench_policy(struct row *row)
{
    struct pass_config config = {
        .page_size = 4096, .seed = 1, .threads = 1, .spool_memory = (uint64_t)1 << 30};
    struct pass_totals totals;
    struct pass *pass;
    double ns = 0;

    if (row->mmu != NULL) {
        config.translation.format = row->mmu->format;
        if (mmu_tlb_spec_parse("l1=64:4,l2=1536:12:4k+2m", &config.translation.tlb) != PGW_OK)
            bench_die("no TLB");
    }
    if (pass_create(&config, &pass) != PGW_OK)
        bench_die("out of memory");
    for (unsigned i = 0; i < row->nsizes; i++) {
        if (pass_add(pass, row->ops, NULL, (struct pass_size){.frames = row->frames[i]}) != PGW_OK)
            bench_die("out of memory");
    }
    for (uint64_t i = 0; i < bench.n; i += PIECE) {
        size_t n = bench_piece(i);
        double start = bench_now();
        if (pass_refs(pass, bench.refs, n) != PGW_OK)
            bench_die("replay failed");
        ns += bench_now() - start;
    }
    double start = bench_now();
    if (pass_finish(pass, NULL, NULL) != PGW_OK)
        bench_die("replay failed");
    ns += bench_now() - start;
    pass_get_totals(pass, &totals);
    row->bytes = totals.bytes + replay_instance_bytes(pass_instance(pass, 0));
    row->misses = 0;
    for (unsigned kind = 0; kind < POLICY_TOUCH_KINDS; kind++)
        row->misses += pass_instance(pass, 0)->frames.misses[kind];
    pass_destroy(pass);
    return ns;
}

/* ---- rows ---- */

static struct row *
bench_row(const char *name, double (*run)(struct row *row))
{
    struct row *row = &bench.rows[bench.nrows++];

    if (bench.nrows == ROWS_MAX)
        bench_die("too many policies");
    row->name = name;
    row->run = run;
    return row;
}

static void
bench_policy_rows(const char *name)
{
    const struct policy_ops *ops = registry_policy_named(name);

    if (ops == NULL && strcmp(name, "opt") != 0)
        bench_die("no such policy");
    for (unsigned tenth = 0; tenth < 2; tenth++) {
        struct row *row = bench_row(name, bench_policy);
        row->ops = ops;
        row->frames[0] = bench.pages / (tenth ? 10 : 100);
        row->nsizes = 1;
    }
}

static int
bench_less(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void
bench_print(void)
{
    double floor = 1;

    for (unsigned i = 0; i < bench.nrows; i++) {
        struct row *row = &bench.rows[i];
        qsort(row->ns, bench.rounds, sizeof row->ns[0], bench_less);
        double ns = row->ns[bench.rounds / 2] / (double)bench.n;
        if (row->run == bench_floor)
            floor = ns;
    }
    for (unsigned i = 0; i < bench.nrows; i++) {
        const struct row *row = &bench.rows[i];
        double ns = row->ns[bench.rounds / 2] / (double)bench.n;
        printf("{\"row\": \"%s\", \"frames\": %" PRIu64
               ", \"sizes\": %u, \"ns\": %.2f, \"floors\": "
               "%.2f, \"misses\": %" PRIu64 ", \"page_bytes\": %.1f}\n",
            row->name, row->frames[0], row->nsizes, ns, ns / floor, row->misses,
            (double)row->bytes / (double)bench.rows[1].misses);
    }
}

static void
bench_options(int argc, char **argv)
{
    int option;

    bench.n = 20000000;
    bench.pages = 1000000;
    bench.rounds = 3;
    while ((option = getopt(argc, argv, "n:p:r:")) != -1) {
        uint64_t value = optarg != NULL ? strtoull(optarg, NULL, 10) : 0;
        if (option == 'n')
            bench.n = value;
        else if (option == 'p')
            bench.pages = value;
        else if (option == 'r')
            bench.rounds = (unsigned)value;
        else
            bench_die("options: -n REFERENCES -p PAGES -r ROUNDS");
    }
    if (bench.n == 0 || bench.pages < 100 || bench.pages > UINT32_MAX || bench.rounds == 0 ||
        bench.rounds > ROUNDS_MAX)
        bench_die("at least 1 reference, 100 pages, 1 to 15 rounds");
}

int
main(int argc, char **argv)
{
    bench_options(argc, argv);
    host_ram_alloc_init(&bench.alloc);
    bench_make_trace();
    (void)bench_row("bits", bench_bits);
    (void)bench_row("floor", bench_floor);
    (void)bench_row("pages", bench_pages);
    (void)bench_row("decode", bench_decode);
    for (int i = optind; i < argc; i++)
        bench_policy_rows(argv[i]);
    for (unsigned i = 0; optind == argc && registry_policy_at(i) != NULL; i++)
        bench_policy_rows(registry_policy_at(i)->name);
    if (optind == argc)
        bench_policy_rows("opt");
    struct row *eight = bench_row("eight", bench_policy);
    eight->ops = registry_policy_named("lru");
    for (eight->nsizes = 0; eight->nsizes < 8; eight->nsizes++)
        eight->frames[eight->nsizes] = (bench.pages / 100) << eight->nsizes >> 1;
    struct row *mmu = bench_row("mmu", bench_policy);
    mmu->ops = eight->ops;
    mmu->frames[0] = bench.pages / 100;
    mmu->nsizes = 1;
    mmu->mmu = registry_mmu_named("x86-64");
    for (unsigned round = 0; round < bench.rounds; round++)
        for (unsigned i = 0; i < bench.nrows; i++)
            bench.rows[i].ns[round] = bench.rows[i].run(&bench.rows[i]);
    bench_print();
    return 0;
}
