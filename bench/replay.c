/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What replay costs a reference, in one thread.
 *
 *     replay [-n REFERENCES] [-p PAGES] [-r ROUNDS] [-o ROW] [-w FILE] [POLICY...]
 *
 * The trace and the floor are those of zipf.h, over PAGES pages.  The trace is handed over as an
 * array of references, as a reader of traces does, a piece at a time; that such an array is filled
 * is not part of what is measured.  Each of these goes through all of it:
 *
 *     bits   a loop that knows each reference's page number and sets the page's bit: the barest
 *     floor  a loop that looks each reference's page up in a table of all pages and sets its bit
 *     ahead  the same, each look-up started some references ahead of its turn
 *     pages  from references to pages, as replay does it
 *     decode reading it from a file of our own format; for misses, the file's bytes
 *     policy from references to counts, with a hundredth, a tenth and a half of the pages
 *     eight  a policy at eight sizes in one pass, from a 200th of the pages, each twice the last:
 *            LRU, CLOCK, S3-FIFO and ARC, or the policies that are named
 *     alone  the same eight sizes, each in a pass of its own: the mean of them
 *     mmu    LRU with a hundredth of the pages behind x86-64's tables and a two-level TLB
 *
 * With -w the trace is written to FILE in our own format, and that is all.
 *
 * They take turns, ROUNDS times over; with -o only the rows of this kind, and the floor (with
 * eight, alone as well).  One line of JSON each, with the median of nanoseconds a reference, what
 * that is in floors, and for policies bytes of memory a page.  "eight" says as well how many times
 * "alone" that is.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/registry.h"
#include "host/host_mem.h"
#include "replay/pass.h"
#include "zipf.h"

#define PIECE 65536u
#define ROUNDS_MAX 15u
#define ROWS_MAX 160u
#define SIZES 8u

struct row {
    const char *kind, *name;
    const struct policy_ops *ops; /* NULL: opt */
    uint64_t frames[SIZES];
    unsigned nsizes;                /* 0: not a policy */
    const struct registry_mmu *mmu; /* NULL: no translation is modelled */
    double (*run)(struct row *row);
    double ns[ROUNDS_MAX];
    uint64_t misses, bytes;
};

static struct {
    struct zipf zipf;
    unsigned rounds;
    const char *only;     /* rows of this kind; NULL: all */
    const char *file;     /* the trace is to be written there; NULL: it is measured */
    struct pgw_ref *refs; /* a piece of the trace */
    struct base_alloc alloc;
    struct row rows[ROWS_MAX];
    unsigned nrows;
    uint64_t different; /* pages in the trace */
} bench;

static void
bench_die(const char *what)
{
    fprintf(stderr, "replay: %s\n", what);
    exit(1);
}

/* ---- what is measured ---- */

static double
bench_bits(struct row *row)
{
    unsigned char *bits = calloc(1, bench.zipf.pages / 8 + 1);
    double start = zipf_now();

    if (bits == NULL)
        bench_die("out of memory");
    for (uint64_t i = 0; i < bench.zipf.n; i++)
        bits[bench.zipf.page[i] >> 3] |= (unsigned char)(1u << (bench.zipf.page[i] & 7));
    double ns = zipf_now() - start;
    row->misses = 0;
    for (uint64_t i = 0; i < bench.zipf.pages; i++)
        row->misses += bits[i >> 3] >> (i & 7) & 1;
    free(bits);
    return ns;
}

static double
bench_floor(struct row *row)
{
    bool ahead = strcmp(row->kind, "ahead") == 0;
    double ns = zipf_floor(&bench.zipf, &bench.alloc, bench.refs, PIECE, ahead, &row->misses);

    if (ns < 0)
        bench_die("out of memory");
    bench.different = row->misses;
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
    for (uint64_t i = 0; i < bench.zipf.n; i += PIECE) {
        if (pgw_trace_write(writer, bench.refs, zipf_piece(&bench.zipf, i, bench.refs, PIECE)) !=
            PGW_OK)
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
    double start = zipf_now();
    if (pgw_trace_open(path, NULL, &trace, why) != PGW_OK)
        bench_die(why);
    do {
        if (pgw_trace_next(trace, &batch) != PGW_OK)
            bench_die(pgw_trace_error_text(trace));
        n += batch.nrefs;
    } while (!batch.end);
    double ns = zipf_now() - start;
    pgw_trace_get_info(trace, &info);
    row->misses = info.bytes; /* of the file, for want of misses */
    pgw_trace_close(trace);
    (void)unlink(path);
    if (n != bench.zipf.n)
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
    for (uint64_t i = 0; i < bench.zipf.n; i += PIECE) {
        size_t n = zipf_piece(&bench.zipf, i, bench.refs, PIECE);
        double start = zipf_now();
        if (replay_pages_touch(pages, bench.refs, n, touch, &done, &ntouch) != PGW_OK)
            bench_die("out of memory");
        ns += zipf_now() - start;
    }
    row->misses = replay_pages_count(pages);
    row->bytes = replay_pages_bytes(pages);
    replay_pages_destroy(pages);
    free(touch);
    return ns;
}

/* A pass with sizes of the row's frames, n of them from the first. */
static double
bench_pass(struct row *row, const uint64_t *frames, unsigned nsizes)
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
    for (unsigned i = 0; i < nsizes; i++) {
        if (pass_add(pass, row->ops, NULL, (struct pass_size){.frames = frames[i]}) != PGW_OK)
            bench_die("out of memory");
    }
    for (uint64_t i = 0; i < bench.zipf.n; i += PIECE) {
        size_t n = zipf_piece(&bench.zipf, i, bench.refs, PIECE);
        double start = zipf_now();
        if (pass_refs(pass, bench.refs, n) != PGW_OK)
            bench_die("replay failed");
        ns += zipf_now() - start;
    }
    double start = zipf_now();
    if (pass_finish(pass, NULL, NULL) != PGW_OK)
        bench_die("replay failed");
    ns += zipf_now() - start;
    pass_get_totals(pass, &totals);
    row->bytes = totals.bytes + replay_instance_bytes(pass_instance(pass, 0));
    row->misses = 0;
    for (unsigned kind = 0; kind < POLICY_TOUCH_KINDS; kind++)
        row->misses += pass_instance(pass, 0)->frames.misses[kind];
    pass_destroy(pass);
    return ns;
}

static double
bench_policy(struct row *row)
{
    return bench_pass(row, row->frames, row->nsizes);
}

static double
bench_alone(struct row *row)
{
    double sum = 0;

    for (unsigned i = 0; i < row->nsizes; i++)
        sum += bench_pass(row, &row->frames[i], 1);
    return sum / row->nsizes;
}

/* ---- rows ---- */

/* NULL: it is not wanted. */
static struct row *
bench_row(const char *kind, const char *name, double (*run)(struct row *row))
{
    const char *with = strcmp(kind, "alone") == 0 ? "eight" : kind;
    bool wanted = bench.only == NULL || strcmp(with, bench.only) == 0 || strcmp(kind, "floor") == 0;
    struct row *row = &bench.rows[bench.nrows];

    if (!wanted)
        return NULL;
    if (++bench.nrows == ROWS_MAX)
        bench_die("too many policies");
    *row = (struct row){.kind = kind, .name = name, .run = run};
    return row;
}

static const struct policy_ops *
bench_ops(const char *name)
{
    const struct policy_ops *ops = registry_policy_named(name);

    if (ops == NULL && strcmp(name, "opt") != 0)
        bench_die("no such policy");
    return ops;
}

static void
bench_policy_rows(const char *name)
{
    static const unsigned parts[] = {100, 10, 2};

    for (unsigned i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        struct row *row = bench_row("policy", name, bench_policy);
        if (row == NULL)
            return;
        row->ops = bench_ops(name);
        row->frames[0] = bench.zipf.pages / parts[i];
        row->nsizes = 1;
    }
}

/* The row of those alone is the next one. */
static void
bench_eight_rows(const char *name)
{
    for (unsigned alone = 0; alone < 2; alone++) {
        struct row *row =
            bench_row(alone ? "alone" : "eight", name, alone ? bench_alone : bench_policy);
        if (row == NULL)
            return;
        row->ops = bench_ops(name);
        for (row->nsizes = 0; row->nsizes < SIZES; row->nsizes++)
            row->frames[row->nsizes] = (bench.zipf.pages / 100) << row->nsizes >> 1;
    }
}

static void
bench_mmu_row(void)
{
    struct row *row = bench_row("mmu", "lru", bench_policy);

    if (row == NULL)
        return;
    row->ops = bench_ops("lru");
    row->frames[0] = bench.zipf.pages / 100;
    row->nsizes = 1;
    row->mmu = registry_mmu_named("x86-64");
}

static void
bench_print(void)
{
    double floor = 1;

    for (unsigned i = 0; i < bench.nrows; i++) {
        if (strcmp(bench.rows[i].kind, "floor") == 0)
            floor = zipf_median(bench.rows[i].ns, bench.rounds);
    }
    for (unsigned i = 0; i < bench.nrows; i++) {
        struct row *row = &bench.rows[i];
        double ns = zipf_median(row->ns, bench.rounds);
        printf("{\"row\": \"%s\", \"name\": \"%s\", \"frames\": %" PRIu64
               ", \"sizes\": %u, \"ns\": %.2f, \"floors\": %.2f, \"misses\": %" PRIu64
               ", \"page_bytes\": %.1f",
            row->kind, row->name, row->frames[0], row->nsizes, ns / (double)bench.zipf.n,
            ns / floor, row->misses, (double)row->bytes / (double)bench.different);
        if (strcmp(row->kind, "eight") == 0)
            printf(", \"alone\": %.2f", ns / zipf_median(row[1].ns, bench.rounds));
        printf("}\n");
    }
}

static void
bench_options(int argc, char **argv)
{
    uint64_t n = 20000000, pages = 1000000;
    int option;

    bench.rounds = 3;
    while ((option = getopt(argc, argv, "n:p:r:o:w:")) != -1) {
        uint64_t value = optarg != NULL ? strtoull(optarg, NULL, 10) : 0;
        if (option == 'n')
            n = value;
        else if (option == 'p')
            pages = value;
        else if (option == 'r')
            bench.rounds = (unsigned)value;
        else if (option == 'o')
            bench.only = optarg;
        else if (option == 'w')
            bench.file = optarg;
        else
            bench_die("options: -n REFERENCES -p PAGES -r ROUNDS -o ROW -w FILE");
    }
    if (n == 0 || pages < 200 || pages > UINT32_MAX || bench.rounds == 0 ||
        bench.rounds > ROUNDS_MAX)
        bench_die("at least 1 reference, 200 pages, 1 to 15 rounds");
    bench.refs = calloc(PIECE, sizeof *bench.refs);
    if (bench.refs == NULL || !zipf_make(&bench.zipf, n, pages))
        bench_die("out of memory");
}

static void
bench_rows(int argc, char **argv)
{
    static char *const eight[] = {"lru", "clock", "s3fifo", "arc"};

    (void)bench_row("bits", "", bench_bits);
    (void)bench_row("floor", "", bench_floor);
    (void)bench_row("ahead", "", bench_floor);
    (void)bench_row("pages", "", bench_pages);
    (void)bench_row("decode", "", bench_decode);
    for (int i = 0; i < argc; i++)
        bench_policy_rows(argv[i]);
    for (unsigned i = 0; argc == 0 && registry_policy_at(i) != NULL; i++)
        bench_policy_rows(registry_policy_at(i)->name);
    if (argc == 0)
        bench_policy_rows("opt");
    for (int i = 0; i < argc; i++)
        bench_eight_rows(argv[i]);
    for (unsigned i = 0; argc == 0 && i < sizeof eight / sizeof eight[0]; i++)
        bench_eight_rows(eight[i]);
    bench_mmu_row();
}

int
main(int argc, char **argv)
{
    host_ram_alloc_init(&bench.alloc);
    bench_options(argc, argv);
    if (bench.file != NULL) {
        bench_write(bench.file);
        return 0;
    }
    bench_rows(argc - optind, argv + optind);
    for (unsigned round = 0; round < bench.rounds; round++) {
        for (unsigned i = 0; i < bench.nrows; i++)
            bench.rows[i].ns[round] = bench.rows[i].run(&bench.rows[i]);
    }
    bench_print();
    return 0;
}
