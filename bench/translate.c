/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a translation costs, by scheme and by how far it has to go.
 *
 *     translate [-n TRANSLATIONS] [-r ROUNDS] [SCHEME...]
 *
 * For each scheme (all, when none is named) a system and a space of its own; its pages are read
 * round and round through the modelled MMU, behind the hart's pointer cache:
 *
 *     hit    so many pages that the first-level TLB holds them
 *     l2     so many that the first level misses each time and the second holds them
 *     miss   so many that both miss each time: a full walk, and both are filled
 *     walk   no TLBs: the walk alone
 *
 * Contiguous schemes and the reference have one way only, which is called "hit".  Schemes take
 * turns, ROUNDS times over.  One line of JSON each, with the median; under valgrind's callgrind
 * nothing is timed, and each measurement is a dump of its own, whose trigger names it.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <pagewright/pagewright.h>

#include "api/sim.h"

#ifdef HAVE_CALLGRIND
#include <valgrind/callgrind.h>
#else
#define RUNNING_ON_VALGRIND 0
#define CALLGRIND_ZERO_STATS
#define CALLGRIND_DUMP_STATS_AT(name) (void)(name)
#endif

#define SCHEMES_MAX 32u
#define ROUNDS_MAX 99u

enum way { WAY_HIT, WAY_L2, WAY_MISS, WAY_WALK, WAYS };

static const struct {
    const char *name, *tlb;
    uint64_t pages; /* in turn */
} ways[WAYS] = {
    {"hit", "l1=64:4,l2=1536:12", 32},
    {"l2", "l1=64:4,l2=1536:12", 512},
    {"miss", "l1=64:4,l2=1536:12", 4096},
    {"walk", "none", 32},
};

struct machine {
    const char *mmu;
    struct pgw_system *system[WAYS]; /* NULL: the scheme has no such way */
    uint64_t base[WAYS];
    double ns[WAYS][ROUNDS_MAX];
};

static void
need(enum pgw_status status, const char *mmu, const char *why)
{
    if (status == PGW_OK)
        return;
    fprintf(stderr, "translate: %s: %s: %s\n", mmu, pgw_status_text(status), why);
    exit(1);
}

/* A system with a space whose pages have all been written to, and which is loaded. */
static void
start(struct machine *m, enum way way)
{
    struct pgw_config config;
    struct pgw_space *space = NULL;
    char error[200] = "";
    struct pgw_system **system = &m->system[way];

    pgw_config_init(&config);
    config.mmu = m->mmu;
    config.tlb = ways[way].tlb;
    config.swap = PGW_SWAP_NONE;
    config.error = error;
    config.error_len = sizeof error;
    need(pgw_system_create(&config, system), m->mmu, error);
    need(pgw_space_create(*system, &space), m->mmu, pgw_error_text(*system));
    need(pgw_map(space, ways[way].pages * PGW_PAGE_SIZE, PGW_READ | PGW_WRITE, 0, &m->base[way]),
        m->mmu, pgw_error_text(*system));
    for (uint64_t i = 0; i < ways[way].pages; i++)
        need(pgw_write(space, m->base[way] + i * PGW_PAGE_SIZE, &i, sizeof i), m->mmu,
            pgw_error_text(*system));
    pgw_switch(space);
}

/* n translations, a page each; each one's bytes are looked at, so that none can be left out. */
static __attribute__((noinline)) uint64_t
translate(struct mmu *mmu, uint64_t base, uint64_t pages, uint64_t n)
{
    struct mmu_translation out = {0};
    uint64_t sum = 0;

    for (uint64_t i = 0, page = 0; i < n; i++) {
        if (mmu->ops->translate(mmu, base + page * PGW_PAGE_SIZE, ACCESS_READ, &out) != MMU_OK)
            exit(2);
        sum += (uintptr_t)out.bytes;
        page = page + 1 < pages ? page + 1 : 0;
    }
    return sum;
}

/* Of this thread: what others do on the machine meanwhile is not counted. */
static uint64_t
now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Checks that the TLBs did what the way is named after. */
static void
check(const struct machine *m, enum way way, const struct mmu_stats *from, uint64_t n)
{
    const struct mmu *mmu = m->system[way]->mmu;
    const struct mmu_stats *to = &mmu->stats;

    if (mmu->data_sets == 0)
        return;
    uint64_t l1 = to->l1d_misses - from->l1d_misses, l2 = to->l2_misses - from->l2_misses;
    if (l1 == (way == WAY_HIT ? 0 : n) && l2 == (way == WAY_MISS ? n : 0))
        return;
    fprintf(stderr, "translate: %s, %s: %" PRIu64 " and %" PRIu64 " misses\n", m->mmu,
        ways[way].name, l1, l2);
    exit(1);
}

static void
measure(struct machine *m, enum way way, uint64_t n, unsigned round)
{
    struct mmu *mmu = m->system[way]->mmu;
    char name[64];

    (void)translate(mmu, m->base[way], ways[way].pages, ways[way].pages);
    struct mmu_stats before = mmu->stats;
    CALLGRIND_ZERO_STATS;
    uint64_t from = now_ns();
    (void)translate(mmu, m->base[way], ways[way].pages, n);
    m->ns[way][round] = (double)(now_ns() - from) / (double)n;
    (void)snprintf(name, sizeof name, "%s %s", m->mmu, ways[way].name);
    CALLGRIND_DUMP_STATS_AT(name);
    check(m, way, &before, n);
}

static int
compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void
print(struct machine *m, unsigned rounds)
{
    printf("{\"mmu\": \"%s\"", m->mmu);
    for (enum way way = 0; way < WAYS; way++) {
        if (m->system[way] == NULL)
            continue;
        qsort(m->ns[way], rounds, sizeof m->ns[way][0], compare);
        printf(", \"%s\": %.3f", ways[way].name, m->ns[way][rounds / 2]);
    }
    printf("}\n");
}

static void
prepare(struct machine *m, const char *mmu)
{
    m->mmu = mmu;
    start(m, WAY_HIT);
    if (m->system[WAY_HIT]->mmu->data_sets == 0)
        return;
    for (enum way way = WAY_L2; way < WAYS; way++)
        start(m, way);
}

static void
run(struct machine *machines, size_t count, uint64_t n, unsigned rounds)
{
    for (unsigned round = 0; round < rounds; round++) {
        for (size_t i = 0; i < count; i++) {
            for (enum way way = 0; way < WAYS; way++) {
                if (machines[i].system[way] != NULL)
                    measure(&machines[i], way, n, round);
            }
        }
    }
}

int
main(int argc, char **argv)
{
    static struct machine machines[SCHEMES_MAX];
    uint64_t n = 50000;
    unsigned rounds = 25;
    size_t count = 0;

    for (int option; (option = getopt(argc, argv, "n:r:")) != -1;) {
        if (option == 'n')
            n = strtoull(optarg, NULL, 0);
        else if (option == 'r' && atoi(optarg) > 0 && atoi(optarg) <= (int)ROUNDS_MAX)
            rounds = (unsigned)atoi(optarg);
        else
            return 2;
    }
    for (int i = optind; i < argc && count < SCHEMES_MAX; i++)
        prepare(&machines[count++], argv[i]);
    for (unsigned i = 0; optind == argc && pgw_mmu_name(i) != NULL && count < SCHEMES_MAX; i++)
        prepare(&machines[count++], pgw_mmu_name(i));
    run(machines, count, n, RUNNING_ON_VALGRIND ? 1 : rounds);
    for (size_t i = 0; i < count; i++) {
        print(&machines[i], RUNNING_ON_VALGRIND ? 1 : rounds);
        for (enum way way = 0; way < WAYS; way++)
            pgw_system_destroy(machines[i].system[way]);
    }
    return 0;
}
