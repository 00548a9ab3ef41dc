/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What two scans for equal pages save, and what a look at a page costs.
 *
 *     merge [PAGES]
 *
 * Four spaces, as of four processes of one program, have PAGES (20,000) pages each: seven of ten
 * are the same in all four, one of these is being written between the scans, and three of ten are
 * each space's own.  One line of JSON; times in nanoseconds.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <pagewright/pagewright.h>

#define SPACES 4u

static struct pgw_system *bench_system;

static void
need(enum pgw_status status, const char *what)
{
    if (status == PGW_OK)
        return;
    fprintf(
        stderr, "merge: %s: %s: %s\n", what, pgw_status_text(status), pgw_error_text(bench_system));
    exit(1);
}

static double
now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Equal in all spaces for seven pages of ten. */
static void
write_page(struct pgw_space *space, unsigned who, uint64_t base, uint64_t page, uint64_t round)
{
    uint64_t words[PGW_PAGE_SIZE / sizeof(uint64_t)];
    uint64_t key = page * 16 + (page % 10 < 7 ? 0 : who + 1) + (round << 40);

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        words[i] = (key + i) * 0x9e3779b97f4a7c15u;
    need(pgw_write(space, base + page * PGW_PAGE_SIZE, words, sizeof words), "write");
}

/* One full scan; returns what it took. */
static double
scan(uint64_t *merged)
{
    double since = now();

    need(pgw_merge(bench_system, UINT64_MAX, merged), "merge");
    return now() - since;
}

int
main(int argc, char **argv)
{
    uint64_t pages = argc > 1 ? strtoull(argv[1], NULL, 0) : 20000;
    struct pgw_space *spaces[SPACES];
    struct pgw_config config;
    uint64_t base[SPACES] = {0}, merged[2];
    char error[200] = "";

    pgw_config_init(&config);
    config.ram = (SPACES * pages * 9 / 8 + 256) * PGW_PAGE_SIZE;
    config.swap = PGW_SWAP_NONE;
    config.merge = PGW_MERGE_ALL;
    config.tlb = "none";
    config.error = error;
    config.error_len = sizeof error;
    if (pages < 10 || pgw_system_create(&config, &bench_system) != PGW_OK) {
        fprintf(stderr, "merge: %s\n", pages < 10 ? "usage: merge [PAGES]" : error);
        return 1;
    }
    for (unsigned who = 0; who < SPACES; who++) {
        need(pgw_space_create(bench_system, &spaces[who]), "space");
        need(pgw_map(spaces[who], pages * PGW_PAGE_SIZE, PGW_READ | PGW_WRITE, 0, &base[who]),
            "map");
        for (uint64_t page = 0; page < pages; page++)
            write_page(spaces[who], who, base[who], page, 0);
    }
    double first = scan(&merged[0]);
    for (unsigned who = 0; who < SPACES; who++)
        for (uint64_t page = 0; page < pages; page += 10)
            write_page(spaces[who], who, base[who], page, 1);
    double second = scan(&merged[1]);
    uint64_t tens = pages / 10, rest = pages % 10;
    uint64_t equal = (SPACES - 1) * (tens * 7 + (rest < 7 ? rest : 7));
    printf("{\"pages\": %" PRIu64 ", \"could_be_saved\": %" PRIu64 ", \"saved\": %" PRIu64
           ", \"first_scan_ns_per_page\": %.1f, \"second_scan_ns_per_page\": %.1f}\n",
        SPACES * pages, equal, merged[0] + merged[1], first / (double)(SPACES * pages),
        second / (double)(SPACES * pages));
    pgw_system_destroy(bench_system);
    return 0;
}
