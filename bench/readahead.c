/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What read-ahead brings to sequential and strided swap-in.
 *
 *     readahead [-n PAGES] [-r RAM_PAGES] [-d DIRECTORY]
 *
 * A space of PAGES (65536) is written in a system with RAM for RAM_PAGES (8192), then read once in
 * the order of the pattern, with the swap file's pages dropped from the host's cache before, once
 * without read-ahead and once with the default.  DIRECTORY (/var/tmp) should be on a disk: in a
 * file system in memory nothing can be dropped, and only operations and modelled time say anything.
 *
 * One line of JSON each: operations that read from the device, time on the host's clock, and time
 * as the cost model has it (an operation of the device and a fault cost what pgw_config says).
 * Then the ratios of without to with.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <pagewright/pagewright.h>

struct bench {
    struct pgw_system *system;
    struct pgw_space *space;
    uint64_t base, pages;
    uint64_t ram; /* pages */
    const char *swap;
    struct pgw_cost cost;
};

struct figures {
    double wall_ns, model_ns;
    uint64_t reads, faults, major;
};

static void
need(enum pgw_status status, const char *what, const struct pgw_system *system)
{
    if (status == PGW_OK)
        return;
    fprintf(
        stderr, "readahead: %s: %s: %s\n", what, pgw_status_text(status), pgw_error_text(system));
    exit(1);
}

static double
wall(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* The host forgets what it has of the swap file. */
static void
drop_cache(const struct bench *b)
{
    int fd = open(b->swap, O_RDONLY);

    if (fd < 0 || fdatasync(fd) != 0 || posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) != 0) {
        perror("readahead: dropping the swap file's cache");
        exit(1);
    }
    close(fd);
}

static void
start(struct bench *b, unsigned readahead)
{
    struct pgw_config config;
    char error[200] = "";

    pgw_config_init(&config);
    config.ram = b->ram * PGW_PAGE_SIZE;
    config.swap = PGW_SWAP_FILE;
    config.swap_path = b->swap;
    config.swap_size = 4 * b->pages * PGW_PAGE_SIZE;
    config.tlb = "none";
    config.readahead = readahead;
    config.error = error;
    config.error_len = sizeof error;
    b->cost = config.cost;
    if (pgw_system_create(&config, &b->system) != PGW_OK) {
        fprintf(stderr, "readahead: %s\n", error);
        exit(1);
    }
    need(pgw_space_create(b->system, &b->space), "space", b->system);
    b->base = 0;
    need(pgw_map(b->space, b->pages * PGW_PAGE_SIZE, PGW_READ | PGW_WRITE, 0, &b->base), "map",
        b->system);
    for (uint64_t i = 0; i < b->pages; i++)
        need(pgw_write(b->space, b->base + i * PGW_PAGE_SIZE, &i, sizeof i), "write", b->system);
}

static struct pgw_stats
stats_of(const struct bench *b)
{
    struct pgw_stats stats = {.size = sizeof stats};

    need(pgw_system_stats(b->system, &stats), "stats", b->system);
    return stats;
}

/* One pass over all pages, every stride-th first, then those after them, and so on. */
static struct figures
measure(struct bench *b, unsigned readahead, uint64_t stride)
{
    struct figures f;

    start(b, readahead);
    drop_cache(b);
    struct pgw_stats from = stats_of(b);
    f.wall_ns = wall();
    for (uint64_t first = 0; first < stride; first++)
        for (uint64_t i = first; i < b->pages; i += stride) {
            uint64_t word = 0;
            need(pgw_read(b->space, b->base + i * PGW_PAGE_SIZE, &word, sizeof word), "read",
                b->system);
            if (word != i) {
                fprintf(stderr, "readahead: page %" PRIu64 " holds %" PRIu64 "\n", i, word);
                exit(1);
            }
        }
    f.wall_ns = wall() - f.wall_ns;
    struct pgw_stats to = stats_of(b);
    f.reads = to.swap_reads - from.swap_reads;
    f.major = to.major - from.major;
    f.faults = f.major + to.minor - from.minor;
    f.model_ns = (double)f.reads * b->cost.disk_ns + (double)f.faults * b->cost.fault_ns;
    printf("{\"stride\": %" PRIu64 ", \"readahead\": %u, \"pages\": %" PRIu64
           ", \"device_reads\": %" PRIu64 ", \"major\": %" PRIu64 ", \"accuracy\": %.3f, "
           "\"wall_ns_per_page\": %.0f, \"model_ns_per_page\": %.0f}\n",
        stride, readahead, b->pages, f.reads, f.major, to.ahead_accuracy,
        f.wall_ns / (double)b->pages, f.model_ns / (double)b->pages);
    pgw_space_destroy(b->space);
    pgw_system_destroy(b->system);
    unlink(b->swap);
    return f;
}

int
main(int argc, char **argv)
{
    static const uint64_t strides[] = {1, 8};
    struct bench b = {.pages = 65536, .ram = 8192};
    const char *directory = "/var/tmp";
    char swap[4096];

    for (int option; (option = getopt(argc, argv, "n:r:d:")) != -1;) {
        if (option == 'n')
            b.pages = strtoull(optarg, NULL, 0);
        else if (option == 'r')
            b.ram = strtoull(optarg, NULL, 0);
        else if (option == 'd')
            directory = optarg;
        else
            return 2;
    }
    snprintf(swap, sizeof swap, "%s/readahead-%d.swap", directory, (int)getpid());
    b.swap = swap;
    for (size_t i = 0; i < sizeof strides / sizeof strides[0]; i++) {
        struct figures none = measure(&b, 0, strides[i]);
        struct figures with = measure(&b, 15, strides[i]);
        printf("{\"stride\": %" PRIu64 ", \"speedup_device_reads\": %.2f, \"speedup_model\": %.2f, "
               "\"speedup_wall\": %.2f}\n",
            strides[i], (double)none.reads / (double)with.reads, none.model_ns / with.model_ns,
            none.wall_ns / with.wall_ns);
    }
    return 0;
}
