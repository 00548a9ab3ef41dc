/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a page fault costs, and whether that grows with the pages in RAM.
 *
 *     faults [-n FAULTS] [-s STRIDE] [-d DIRECTORY] RESIDENT...
 *
 * For each RESIDENT, a system with room for that many pages, and a sparse space with an eighth
 * more of them, every STRIDE-th (tenth) page of a mapping.  All are written once; then they are
 * read round and round in scrambled order, so that each touch is a fault, brings its page back
 * from the swap file and evicts another.  Measuring starts with the second round.  FAULTS (20
 * million) are shared out evenly.  The swap file should be in a file system in memory (/dev/shm),
 * so that no disk is measured.
 *
 * One line of JSON each.  Instructions are those of user space, where the host can count them.
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <pagewright/pagewright.h>

#define SLACK_FRAMES 16u /* upper tables, the core's own */

struct bench {
    struct pgw_system *system;
    struct pgw_space *space;
    uint64_t base, pages; /* of the mapping; pages in use */
    uint64_t stride;      /* bytes from one to the next */
    uint64_t step;        /* scrambles the order: no common divisor with pages */
};

/* What the clock, the counter and the system said at one moment. */
struct moment {
    uint64_t ns, instructions;
    struct pgw_stats stats;
};

static void
need(enum pgw_status status, const char *what, const struct pgw_system *system)
{
    if (status == PGW_OK)
        return;
    fprintf(stderr, "faults: %s: %s: %s\n", what, pgw_status_text(status), pgw_error_text(system));
    exit(1);
}

static int
open_counter(void)
{
    struct perf_event_attr attr = {
        .type = PERF_TYPE_HARDWARE,
        .size = sizeof attr,
        .config = PERF_COUNT_HW_INSTRUCTIONS,
        .exclude_kernel = 1,
        .exclude_hv = 1,
    };
    return (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
}

static void
look(const struct bench *b, int counter, struct moment *now)
{
    struct timespec t;

    now->stats.size = sizeof now->stats;
    need(pgw_system_stats(b->system, &now->stats), "stats", b->system);
    if (counter < 0 || read(counter, &now->instructions, sizeof now->instructions) !=
                           (ssize_t)sizeof now->instructions)
        now->instructions = 0;
    clock_gettime(CLOCK_MONOTONIC, &t);
    now->ns = (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t
address(const struct bench *b, uint64_t i)
{
    return b->base + i * b->step % b->pages * b->stride;
}

/* A step that visits every page before it comes back. */
static uint64_t
scramble(uint64_t pages)
{
    uint64_t step = (pages / 100 * 61 + 7) | 1;

    for (;; step += 2) {
        uint64_t a = pages, c = step;
        while (c != 0) {
            uint64_t rest = a % c;
            a = c;
            c = rest;
        }
        if (a == 1)
            return step;
    }
}

static void
start(struct bench *b, uint64_t resident, const char *swap)
{
    struct pgw_config config;
    char error[200] = "";

    pgw_config_init(&config);
    b->pages = resident + resident / 8;
    b->step = scramble(b->pages);
    uint64_t tables = b->pages * (b->stride / PGW_PAGE_SIZE) / 512;
    config.ram = (resident + tables + tables / 512 + SLACK_FRAMES) * PGW_PAGE_SIZE;
    config.overcommit = PGW_OVERCOMMIT_ALWAYS; /* much more is mapped than is used */
    config.swap = PGW_SWAP_FILE;
    config.swap_path = swap;
    config.swap_size = b->pages * 2 * PGW_PAGE_SIZE;
    config.tlb = "none";
    config.error = error;
    config.error_len = sizeof error;
    if (pgw_system_create(&config, &b->system) != PGW_OK) {
        fprintf(stderr, "faults: %s\n", error);
        exit(1);
    }
    need(pgw_space_create(b->system, &b->space), "space", b->system);
    b->base = 0;
    need(pgw_map(b->space, b->pages * b->stride, PGW_READ | PGW_WRITE, 0, &b->base), "map",
        b->system);
    for (uint64_t i = 0; i < b->pages; i++)
        need(pgw_write(b->space, address(b, i), &i, sizeof i), "write", b->system);
}

static uint64_t
faults_of(const struct moment *m)
{
    return m->stats.minor + m->stats.major;
}

/* Touches until so many faults have been taken; every word is checked. */
static void
touch(const struct bench *b, uint64_t faults, const struct moment *from)
{
    struct moment now = *from;

    for (uint64_t i = 0; faults_of(&now) - faults_of(from) < faults;) {
        for (unsigned n = 0; n < 1000; n++, i++) {
            uint64_t word = 0, at = i % b->pages;
            need(pgw_read(b->space, address(b, at), &word, sizeof word), "read", b->system);
            if (word != at) {
                fprintf(stderr, "faults: page %" PRIu64 " holds %" PRIu64 "\n", at, word);
                exit(1);
            }
        }
        look(b, -1, &now);
        if (i > 2 * b->pages && faults_of(&now) == faults_of(from)) {
            fprintf(stderr, "faults: everything fits in RAM: nothing to measure\n");
            exit(1);
        }
    }
}

static void
print(uint64_t resident, const struct moment *from, const struct moment *to)
{
    double faults = (double)(faults_of(to) - faults_of(from));
    double frame_table = (double)to->stats.frame_table_bytes;
    double core = frame_table + (double)to->stats.record_bytes_peak;

    printf("{\"resident\": %" PRIu64 ", \"resident_peak\": %" PRIu64 ", \"faults\": %.0f, "
           "\"major\": %" PRIu64 ", \"ns_per_fault\": %.1f, ",
        resident, to->stats.resident_peak, faults, to->stats.major - from->stats.major,
        (double)(to->ns - from->ns) / faults);
    if (to->instructions > from->instructions)
        printf("\"instructions_per_fault\": %.1f, ",
            (double)(to->instructions - from->instructions) / faults);
    printf("\"swap_in\": %" PRIu64 ", \"swap_out\": %" PRIu64 ", \"tables\": %" PRIu64
           ", \"frame_table_bytes_per_frame\": %.2f, \"core_bytes_per_resident_page\": %.2f}\n",
        to->stats.swap_in - from->stats.swap_in, to->stats.swap_out - from->stats.swap_out,
        to->stats.tables, frame_table / (double)to->stats.ram,
        core / (double)to->stats.resident_peak);
    fflush(stdout);
}

static void
measure(uint64_t resident, uint64_t stride, uint64_t faults, const char *swap)
{
    struct bench b = {.stride = stride * PGW_PAGE_SIZE};
    struct moment from, to;
    int counter = open_counter();

    start(&b, resident, swap);
    look(&b, -1, &from);
    touch(&b, b.pages, &from);
    look(&b, counter, &from);
    touch(&b, faults, &from);
    look(&b, counter, &to);
    print(resident, &from, &to);
    pgw_space_destroy(b.space);
    pgw_system_destroy(b.system);
    if (counter >= 0)
        close(counter);
    unlink(swap);
}

int
main(int argc, char **argv)
{
    uint64_t faults = 20000000, stride = 10;
    const char *directory = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    char swap[4096];

    for (int option; (option = getopt(argc, argv, "n:s:d:")) != -1;) {
        if (option == 'n')
            faults = strtoull(optarg, NULL, 0);
        else if (option == 's' && atoi(optarg) > 0)
            stride = (uint64_t)atoi(optarg);
        else if (option == 'd')
            directory = optarg;
        else
            return 2;
    }
    if (optind == argc) {
        fprintf(stderr, "usage: faults [-n FAULTS] [-s STRIDE] [-d DIRECTORY] RESIDENT...\n");
        return 2;
    }
    snprintf(swap, sizeof swap, "%s/faults-%d.swap", directory, (int)getpid());
    for (int i = optind; i < argc; i++)
        measure(strtoull(argv[i], NULL, 0), stride, faults / (uint64_t)(argc - optind), swap);
    return 0;
}
