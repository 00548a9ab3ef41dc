/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a fork costs, against copying what is forked.
 *
 *     fork [-r ROUNDS] MIB...
 *
 * For each MIB, a space with that much memory, every page of it resident.  It is forked and the
 * child ended again; after another fork, the parent writes one byte of one page, then of all pages.
 * Against it, the same number of bytes is copied with memcpy, between pages that have been touched.
 * The least time of ROUNDS (5) counts, of everything.
 *
 * One line of JSON each, times in nanoseconds.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <pagewright/pagewright.h>

#define COPY_PIECE ((size_t)64 << 20) /* copied over and over; larger than any cache */

struct bench {
    struct pgw_system *system;
    struct pgw_space *space;
    uint64_t base, len;
    unsigned char *from, *to; /* COPY_PIECE bytes each */
};

struct times {
    double fork, first_write, all_writes, child_end, copy;
};

static void
need(enum pgw_status status, const char *what, const struct pgw_system *system)
{
    if (status == PGW_OK)
        return;
    fprintf(stderr, "fork: %s: %s: %s\n", what, pgw_status_text(status), pgw_error_text(system));
    exit(1);
}

static double
now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void
least(double *of, double since)
{
    double took = now() - since;

    if (*of == 0 || took < *of)
        *of = took;
}

static void
write_all(const struct bench *b, unsigned char byte)
{
    for (uint64_t at = 0; at < b->len; at += PGW_PAGE_SIZE)
        need(pgw_write(b->space, b->base + at, &byte, 1), "write", b->system);
}

static void
start(struct bench *b, uint64_t mib)
{
    struct pgw_config config;
    char error[200] = "";

    b->len = mib << 20;
    pgw_config_init(&config);
    config.ram =
        2 * b->len + b->len / 64 + (4 << 20); /* twice: the parent writes all after a fork */
    config.swap = PGW_SWAP_NONE;
    config.tlb = "none";
    config.error = error;
    config.error_len = sizeof error;
    if (pgw_system_create(&config, &b->system) != PGW_OK) {
        fprintf(stderr, "fork: %s\n", error);
        exit(1);
    }
    need(pgw_space_create(b->system, &b->space), "space", b->system);
    b->base = 0;
    need(pgw_map(b->space, b->len, PGW_READ | PGW_WRITE, 0, &b->base), "map", b->system);
    write_all(b, 1);
}

static struct pgw_space *
fork_space(const struct bench *b)
{
    struct pgw_space *child = NULL;

    need(pgw_fork(b->space, &child), "fork", b->system);
    return child;
}

static void
copy(const struct bench *b)
{
    for (uint64_t left = b->len; left > 0;) {
        size_t run = left < COPY_PIECE ? (size_t)left : COPY_PIECE;
        memcpy(b->to, b->from, run);
        left -= run;
    }
}

static void
round_of(const struct bench *b, struct times *times)
{
    unsigned char byte = 2;
    double since = now();
    struct pgw_space *child = fork_space(b);

    pgw_space_destroy(child);
    least(&times->fork, since);
    write_all(b, byte); /* mapped for writing again */
    child = fork_space(b);
    since = now();
    need(pgw_write(b->space, b->base, &byte, 1), "write", b->system);
    least(&times->first_write, since);
    since = now();
    write_all(b, ++byte);
    least(&times->all_writes, since);
    since = now();
    pgw_space_destroy(child);
    least(&times->child_end, since);
    since = now();
    copy(b);
    least(&times->copy, since);
}

static void
measure(struct bench *b, uint64_t mib, unsigned rounds)
{
    struct times times = {0};
    struct pgw_stats stats = {.size = sizeof stats};

    start(b, mib);
    for (unsigned i = 0; i < rounds; i++)
        round_of(b, &times);
    need(pgw_system_stats(b->system, &stats), "stats", b->system);
    printf("{\"mib\": %" PRIu64 ", \"tables\": %" PRIu64 ", \"fork\": %.0f, \"first_write\": %.0f, "
           "\"all_writes\": %.0f, \"child_end\": %.0f, \"copy\": %.0f}\n",
        mib, stats.tables, times.fork, times.first_write, times.all_writes, times.child_end,
        times.copy);
    fflush(stdout);
    pgw_space_destroy(b->space);
    pgw_system_destroy(b->system);
}

int
main(int argc, char **argv)
{
    struct bench b = {.from = malloc(COPY_PIECE), .to = malloc(COPY_PIECE)};
    unsigned rounds = 5;

    for (int option; (option = getopt(argc, argv, "r:")) != -1;) {
        if (option != 'r' || atoi(optarg) < 1)
            return 2;
        rounds = (unsigned)atoi(optarg);
    }
    if (optind == argc || b.from == NULL || b.to == NULL) {
        fprintf(stderr, "usage: fork [-r ROUNDS] MIB...\n");
        return 2;
    }
    memset(b.from, 1, COPY_PIECE);
    memset(b.to, 2, COPY_PIECE);
    for (int i = optind; i < argc; i++)
        measure(&b, strtoull(argv[i], NULL, 0), rounds);
    free(b.from);
    free(b.to);
    return 0;
}
