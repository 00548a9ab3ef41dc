/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What huge pages do to a random walk: page table walks, RAM and faults without them and with them.
 *
 *     hugewalk [-m MIB] [-n ACCESSES] [-u MMU] [-t TLB] [-p PERCENT] [-r PERCENT] [-c ROUNDS] [-s]
 *
 * A mapping of MIB (1024) is written, one word a page, then ACCESSES (4 million) words at random
 * places are read, each checked.  With -p only that part of the pages, chosen at random, is ever
 * touched, which shows what huge pages waste; with -s pages are written in random order.  RAM is a
 * quarter larger, or -r PERCENT of the mapping, with swap.  With -c, between the writing and the
 * reading, so many times a piece at random of up to 4 MiB is unmapped, mapped and written anew.
 *
 * Three lines of JSON: no huge pages, direct allocation, reservations.  Figures are the model's:
 * they are the same on every machine, every time.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include <pagewright/pagewright.h>

struct bench {
    uint64_t mib, accesses;
    unsigned percent, ram, rounds;
    bool scattered;
    const char *mmu, *tlb; /* NULL: the default */
    struct pgw_system *system;
    struct pgw_space *space;
    uint64_t base;
};

static void
need(const struct bench *b, enum pgw_status status, const char *what)
{
    if (status == PGW_OK)
        return;
    fprintf(
        stderr, "hugewalk: %s: %s: %s\n", what, pgw_status_text(status), pgw_error_text(b->system));
    exit(1);
}

static uint64_t
mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u; /* splitmix64's (Steele, Lea, Flood 2014) */
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static void
start(struct bench *b, const char *huge, const char *alloc)
{
    struct pgw_config config;
    char error[200] = "";

    pgw_config_init(&config);
    config.ram = (b->mib << 20) / 100 * b->ram;
    config.swap = b->ram < 110 ? PGW_SWAP_TEMP : PGW_SWAP_NONE;
    config.swap_size = b->mib << 21;
    config.huge = huge;
    config.huge_alloc = alloc;
    if (b->mmu != NULL)
        config.mmu = b->mmu;
    if (b->tlb != NULL)
        config.tlb = b->tlb;
    config.error = error;
    config.error_len = sizeof error;
    if (pgw_system_create(&config, &b->system) != PGW_OK) {
        fprintf(stderr, "hugewalk: %s\n", error);
        exit(1);
    }
    need(b, pgw_space_create(b->system, &b->space), "space");
    b->base = (uint64_t)1 << 30;
    if (b->base + (b->mib << 20) > pgw_space_end(b->space))
        b->base = (uint64_t)64 << 20;
    need(b, pgw_map(b->space, b->mib << 20, PGW_READ | PGW_WRITE, PGW_FIXED, &b->base), "map");
}

static bool
is_used(const struct bench *b, uint64_t page)
{
    return mix(page + 12345) % 100 < b->percent;
}

/* Writes the pages of a piece that are used, in order or not. */
static void
fill(const struct bench *b, uint64_t first, uint64_t pages)
{
    uint64_t step = b->scattered ? 0x9e3779b1u : 1; /* odd: comes to every one of 2^n places */
    uint64_t places = 1;

    while (places < pages)
        places *= 2;
    for (uint64_t i = 0; i < places; i++) {
        uint64_t at = i * step % places, page = first + at;
        if (at < pages && is_used(b, page))
            need(b, pgw_write(b->space, b->base + page * PGW_PAGE_SIZE, &page, sizeof page),
                "write");
    }
}

static void
churn(const struct bench *b, uint64_t pages)
{
    for (unsigned i = 0; i < b->rounds; i++) {
        uint64_t n = 1 + mix(2 * i) % 1024, first = mix(2 * i + 1) % (pages - n);
        uint64_t va = b->base + first * PGW_PAGE_SIZE, len = n * PGW_PAGE_SIZE;
        need(b, pgw_unmap(b->space, va, len), "unmap");
        need(b, pgw_map(b->space, len, PGW_READ | PGW_WRITE, PGW_FIXED, &va), "map");
        fill(b, first, n);
    }
}

static void
walk(const struct bench *b, uint64_t pages)
{
    for (uint64_t i = 0, at = 0; i < b->accesses; at++) {
        uint64_t page = mix(at * 0x9e3779b97f4a7c15u) % pages, word;
        if (!is_used(b, page))
            continue;
        i++;
        need(b, pgw_read(b->space, b->base + page * PGW_PAGE_SIZE, &word, sizeof word), "read");
        if (word != page) {
            fprintf(stderr, "hugewalk: page %" PRIu64 " holds %" PRIu64 "\n", page, word);
            exit(1);
        }
    }
}

static void
measure(struct bench *b, const char *huge, const char *alloc)
{
    struct pgw_stats filled = {.size = sizeof filled}, walked = {.size = sizeof walked};
    uint64_t pages = (b->mib << 20) / PGW_PAGE_SIZE;

    start(b, huge, alloc);
    fill(b, 0, pages);
    churn(b, pages);
    need(b, pgw_system_stats(b->system, &filled), "stats");
    walk(b, pages);
    need(b, pgw_system_stats(b->system, &walked), "stats");
    printf("{\"huge\": \"%s\", \"alloc\": \"%s\", \"accesses\": %" PRIu64 ", \"walks\": %" PRIu64
           ", \"l2_misses\": %" PRIu64 ", \"faults\": %" PRIu64 ", \"resident\": %" PRIu64
           ", \"tables\": %" PRIu64 ", \"huge_faults\": %" PRIu64 ", \"reserved\": %" PRIu64
           ", \"filled\": %" PRIu64 ", \"broken\": %" PRIu64 ", \"swapped\": %" PRIu64
           ", \"faults_of_walk\": %" PRIu64 ", \"pages_per_entry\": %.1f}\n",
        huge, alloc, b->accesses, walked.walks - filled.walks, walked.l2_misses - filled.l2_misses,
        filled.minor + filled.major, walked.resident, walked.tables, walked.huge_faults,
        walked.reserve_made, walked.reserve_filled, walked.reserve_broken, walked.swap_out,
        walked.minor + walked.major - filled.minor - filled.major, walked.pages_per_entry);
    fflush(stdout);
    pgw_space_destroy(b->space);
    pgw_system_destroy(b->system);
}

int
main(int argc, char **argv)
{
    struct bench b = {.mib = 1024, .accesses = 4000000, .percent = 100, .ram = 125};

    for (int option; (option = getopt(argc, argv, "m:n:u:t:p:r:c:s")) != -1;) {
        if (option == 'm' && atoi(optarg) > 0)
            b.mib = strtoull(optarg, NULL, 0);
        else if (option == 'n')
            b.accesses = strtoull(optarg, NULL, 0);
        else if (option == 'u')
            b.mmu = optarg;
        else if (option == 't')
            b.tlb = optarg;
        else if (option == 'p' && atoi(optarg) > 0)
            b.percent = (unsigned)atoi(optarg);
        else if (option == 'r' && atoi(optarg) > 0)
            b.ram = (unsigned)atoi(optarg);
        else if (option == 'c')
            b.rounds = (unsigned)atoi(optarg);
        else if (option == 's')
            b.scattered = true;
        else
            return 2;
    }
    measure(&b, "off", "direct");
    measure(&b, "always", "direct");
    measure(&b, "always", "reserve");
    return 0;
}
