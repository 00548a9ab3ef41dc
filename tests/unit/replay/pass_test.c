/* SPDX-License-Identifier: BSD-2-Clause */
/* The public replay: published tables, one pass against many, threads, the future and the
 * footprint. */
#include <pagewright/replay.h>

#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "support/test.h"

#define LENGTH 6000u
#define PLACES 200u

struct rows {
    struct pgw_replay *replay;
    unsigned n;
};

static struct rows
rows_new(unsigned threads, uint64_t memory)
{
    struct pgw_replay_options options;
    struct rows rows = {0};
    char why[PGW_TRACE_WHY];

    pgw_replay_options_init(&options);
    options.threads = threads;
    options.memory = memory;
    assert_int_equal(pgw_replay_create(&options, &rows.replay, why), PGW_OK);
    return rows;
}

static void
rows_add(struct rows *rows, const char *policy, const char *ram)
{
    char why[PGW_TRACE_WHY];

    assert_int_equal(pgw_replay_add(rows->replay, policy, ram, why), PGW_OK);
    rows->n++;
}

static struct pgw_replay_row
rows_get(const struct rows *rows, unsigned i)
{
    struct pgw_replay_row row = {.size = sizeof row};

    assert_int_equal(pgw_replay_get_row(rows->replay, i, &row), PGW_OK);
    assert_int_equal(row.misses, row.read_misses + row.write_misses + row.fetch_misses);
    assert_int_equal(row.references, row.misses + row.hits);
    assert_true(row.writebacks <= row.evictions && row.evictions <= row.misses);
    return row;
}

/* ---- published tables ---- */

static void
expect_faults(const char *string, const char *policy, const char *ram, uint64_t misses)
{
    struct rows rows = rows_new(1, 0);

    rows_add(&rows, policy, ram);
    for (const char *at = string; *at != '\0'; at++) {
        const struct pgw_ref ref = {
            .va = (uint64_t)(*at - '0') << 12, .process = 1, .kind = PGW_REF_READ, .count = 1};
        assert_int_equal(pgw_replay_refs(rows.replay, &ref, 1), PGW_OK);
    }
    assert_int_equal(pgw_replay_finish(rows.replay, NULL, NULL), PGW_OK);
    assert_int_equal(rows_get(&rows, 0).references, strlen(string));
    if (rows_get(&rows, 0).misses != misses)
        fail_msg("%s with %s on %s: %lu, not %lu", policy, ram, string,
            (unsigned long)rows_get(&rows, 0).misses, (unsigned long)misses);
    pgw_replay_destroy(rows.replay);
}

static void
published_tables_hold(void **state)
{
    (void)state;
    /* Belady, Nelson, Shedler, CACM 12(6), 1969: more frames, more faults. */
    expect_faults("123412512345", "fifo", "3p", 9);
    expect_faults("123412512345", "fifo", "4p", 10);
    /* Silberschatz, Galvin, Gagne, Operating System Concepts, the chapter on virtual memory. */
    expect_faults("70120304230321201701", "fifo", "3p", 15);
    expect_faults("70120304230321201701", "opt", "3p", 9);
    expect_faults("70120304230321201701", "lru", "12K", 12);
    /* Tanenbaum, Bos, Modern Operating Systems: the same anomaly from another string. */
    expect_faults("012301401234", "fifo", "3p", 9);
    expect_faults("012301401234", "fifo", "4p", 10);
}

/* ---- a trace of everything ---- */

struct script {
    struct pgw_ref refs[LENGTH];
    struct pgw_event events[LENGTH]; /* before the reference; kind PGW_EVENT_KINDS: none */
};

static struct script *
script_make(uint64_t salt, bool events)
{
    static struct script script;
    struct base_rng rng;

    test_rng_init(&rng, salt);
    for (unsigned i = 0; i < LENGTH; i++) {
        uint64_t at = base_rng_below(&rng, 4) == 0
                          ? base_rng_below(&rng, PLACES)
                          : (i / 500 * 17 + base_rng_below(&rng, 30)) % PLACES;
        uint16_t count =
            (uint16_t)(base_rng_below(&rng, 10) == 0 ? 1 + base_rng_below(&rng, 9) : 1);
        script.refs[i] = (struct pgw_ref){.va = at << 12,
            .process = 1 + (uint32_t)base_rng_below(&rng, events ? 2 : 1),
            .kind = (uint8_t)(1u << base_rng_below(&rng, 3)),
            .count = count};
        script.events[i] = (struct pgw_event){.kind = PGW_EVENT_KINDS};
        if (events && base_rng_below(&rng, 100) == 0)
            script.events[i] = (struct pgw_event){
                .kind = (enum pgw_event_kind)base_rng_below(&rng, PGW_EVENT_KINDS),
                .process = 1,
                .va = at << 12,
                .len = base_rng_below(&rng, 20) << 12,
                .other = 2};
    }
    return &script;
}

static void
script_play(const struct script *script, struct rows *rows)
{
    for (unsigned i = 0; i < LENGTH; i++) {
        if (script->events[i].kind != PGW_EVENT_KINDS)
            assert_int_equal(pgw_replay_event(rows->replay, &script->events[i]), PGW_OK);
        assert_int_equal(pgw_replay_refs(rows->replay, &script->refs[i], 1), PGW_OK);
    }
    assert_int_equal(pgw_replay_finish(rows->replay, NULL, NULL), PGW_OK);
}

static const char *const some_policies[] = {"clock", "fifo", "lru", "random", "opt"};
static const char *const some_sizes[] = {"1p", "2p", "3p", "50p", "1M", "30%", "0.001%"};
#define POLICIES (sizeof some_policies / sizeof some_policies[0])
#define SIZES (sizeof some_sizes / sizeof some_sizes[0])

static void
expect_same_row(const struct pgw_replay_row *a, const struct pgw_replay_row *b)
{
    assert_string_equal(a->policy, b->policy);
    assert_string_equal(a->ram, b->ram);
    assert_int_equal(a->frames, b->frames);
    assert_int_equal(a->references, b->references);
    assert_int_equal(a->read_misses, b->read_misses);
    assert_int_equal(a->write_misses, b->write_misses);
    assert_int_equal(a->fetch_misses, b->fetch_misses);
    assert_int_equal(a->read_hits, b->read_hits);
    assert_int_equal(a->write_hits, b->write_hits);
    assert_int_equal(a->evictions, b->evictions);
    assert_int_equal(a->writebacks, b->writebacks);
}

/* All in one pass, on any number of threads, in memory or by a file, equal each alone. */
static void
one_pass_equals_many(void **state)
{
    static const struct {
        unsigned threads;
        uint64_t memory;
    } ways[] = {{1, 1 << 30}, {2, 1 << 30}, {3, 0}, {0, 0}};
    (void)state;

    for (unsigned events = 0; events < 2; events++) {
        struct script *script = script_make(10 + events, events == 1);
        struct pgw_replay_row alone[POLICIES][SIZES];
        for (unsigned p = 0; p < POLICIES; p++) {
            for (unsigned s = 0; s < SIZES; s++) {
                struct rows rows = rows_new(1, 1 << 30);
                rows_add(&rows, some_policies[p], some_sizes[s]);
                script_play(script, &rows);
                alone[p][s] = rows_get(&rows, 0);
                alone[p][s].policy = some_policies[p];
                alone[p][s].ram = some_sizes[s];
                pgw_replay_destroy(rows.replay);
            }
        }
        for (unsigned w = 0; w < sizeof ways / sizeof ways[0]; w++) {
            struct rows rows = rows_new(ways[w].threads, ways[w].memory);
            for (unsigned i = 0; i < POLICIES * SIZES; i++)
                rows_add(&rows, some_policies[i / SIZES], some_sizes[i % SIZES]);
            script_play(script, &rows);
            for (unsigned i = 0; i < POLICIES * SIZES; i++) {
                struct pgw_replay_row row = rows_get(&rows, i);
                expect_same_row(&alone[i / SIZES][i % SIZES], &row);
            }
            pgw_replay_destroy(rows.replay);
        }
    }
}

/* Evicts the page whose next use is furthest away, by looking. */
static uint64_t
naive_opt(const struct script *script, unsigned frames)
{
    unsigned page[PLACES], n = 0;
    uint64_t misses = 0;

    for (unsigned i = 0; i < LENGTH; i++) {
        unsigned number = (unsigned)(script->refs[i].va >> 12), at = 0, furthest = 0, victim = 0;
        while (at < n && page[at] != number)
            at++;
        if (at < n)
            continue;
        misses++;
        if (n < frames) {
            page[n++] = number;
            continue;
        }
        for (unsigned f = 0; f < n; f++) {
            unsigned next = i + 1;
            while (next < LENGTH && script->refs[next].va >> 12 != page[f])
                next++;
            if (next > furthest) {
                furthest = next;
                victim = f;
            }
        }
        page[victim] = number;
    }
    return misses;
}

static void
opt_equals_the_naive_one(void **state)
{
    struct script *script = script_make(20, false);
    static const unsigned sizes[] = {1, 2, 3, 4, 7, 20, 60, 150, 199, 200, 300};
    struct rows rows = rows_new(1, 1 << 30);
    (void)state;

    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char ram[16];
        (void)snprintf(ram, sizeof ram, "%up", sizes[i]);
        rows_add(&rows, "opt", ram);
    }
    script_play(script, &rows);
    for (unsigned i = 0; i < rows.n; i++)
        assert_int_equal(rows_get(&rows, i).misses, naive_opt(script, sizes[i]));
    pgw_replay_destroy(rows.replay);
}

/* Pages that are gone free their frames: with as many frames as there were pages at once, only
 * first touches miss. */
static void
gone_pages_free_their_frames(void **state)
{
    struct rows rows = rows_new(2, 1 << 30);
    struct pgw_replay_totals totals = {.size = sizeof totals};
    (void)state;

    for (unsigned p = 0; p < POLICIES; p++)
        rows_add(&rows, some_policies[p], "100%");
    for (unsigned lap = 0; lap < 50; lap++) {
        for (uint64_t i = 0; i < 1000; i++) {
            const struct pgw_ref ref = {
                .va = i % 100 << 12, .process = 1, .kind = PGW_REF_WRITE, .count = 1};
            assert_int_equal(pgw_replay_refs(rows.replay, &ref, 1), PGW_OK);
        }
        const struct pgw_event unmap = {
            .kind = PGW_EVENT_UNMAP, .process = 1, .va = 0, .len = 100 << 12};
        assert_int_equal(pgw_replay_event(rows.replay, &unmap), PGW_OK);
    }
    assert_int_equal(pgw_replay_finish(rows.replay, NULL, NULL), PGW_OK);
    pgw_replay_get_totals(rows.replay, &totals);
    assert_int_equal(totals.footprint, 100);
    assert_int_equal(totals.pages, 5000);
    assert_int_equal(totals.gone, 5000);
    for (unsigned p = 0; p < POLICIES; p++) {
        struct pgw_replay_row row = rows_get(&rows, p);
        assert_int_equal(row.frames, 100);
        assert_int_equal(row.misses, 5000);
        assert_int_equal(row.evictions, 0);
    }
    pgw_replay_destroy(rows.replay);
}

/* A child that only reads costs nothing; what it writes is its own; a shared mapping stays one. */
static void
forks_copy_on_write(void **state)
{
    const struct pgw_event shared = {.kind = PGW_EVENT_MAP,
        .process = 1,
        .prot = PGW_REF_READ | PGW_REF_WRITE | PGW_EVENT_SHARED,
        .va = 50 << 12,
        .len = 10 << 12};
    const struct pgw_event fork = {.kind = PGW_EVENT_FORK, .process = 1, .other = 2};
    struct rows rows = rows_new(1, 0);
    struct pgw_replay_totals totals = {.size = sizeof totals};
    (void)state;

    rows_add(&rows, "lru", "100p");
    assert_int_equal(pgw_replay_event(rows.replay, &shared), PGW_OK);
    for (unsigned process = 1; process <= 2; process++) {
        for (uint64_t i = 0; i < 60; i++) {
            const struct pgw_ref ref = {.va = i << 12,
                .process = process,
                .kind = i % 2 == 0 ? PGW_REF_WRITE : PGW_REF_READ,
                .count = 1};
            assert_int_equal(pgw_replay_refs(rows.replay, &ref, 1), PGW_OK);
        }
        if (process == 1)
            assert_int_equal(pgw_replay_event(rows.replay, &fork), PGW_OK);
    }
    assert_int_equal(pgw_replay_finish(rows.replay, NULL, NULL), PGW_OK);
    pgw_replay_get_totals(rows.replay, &totals);
    assert_int_equal(totals.pages, 60 + 25);
    assert_int_equal(rows_get(&rows, 0).misses, 60 + 25);
    pgw_replay_destroy(rows.replay);
}

#define NPAGES 200003u /* more than a batch has room for */
#define NREFS 300000u

/* Long enough for several batches: references by the hundred thousand, and an exit that takes more
 * pages than a batch has room for. */
static void
batches_follow_each_other(void **state)
{
    struct pgw_replay_row before = {0};
    (void)state;

    for (unsigned threads = 1; threads <= 2; threads++) {
        struct rows rows = rows_new(threads, 0);
        struct pgw_replay_totals totals = {.size = sizeof totals};
        rows_add(&rows, "lru", "1000p");
        rows_add(&rows, "fifo", "400000p");
        if (threads == 2)
            rows_add(&rows, "opt", "1000p");
        for (unsigned process = 1; process <= 3; process++) {
            static struct pgw_ref refs[NREFS];
            for (unsigned i = 0; i < NREFS; i++)
                refs[i] = (struct pgw_ref){.va = (uint64_t)(i * 7919u % NPAGES) << 12,
                    .process = process,
                    .kind = PGW_REF_WRITE,
                    .count = 1};
            assert_int_equal(pgw_replay_refs(rows.replay, refs, NREFS), PGW_OK);
            const struct pgw_event exit = {.kind = PGW_EVENT_EXIT, .process = process};
            assert_int_equal(pgw_replay_event(rows.replay, &exit), PGW_OK);
        }
        assert_int_equal(pgw_replay_finish(rows.replay, NULL, NULL), PGW_OK);
        pgw_replay_get_totals(rows.replay, &totals);
        assert_int_equal(totals.pages, 3 * NPAGES);
        assert_int_equal(totals.footprint, NPAGES);
        assert_int_equal(totals.references, 3 * NREFS);
        struct pgw_replay_row row = rows_get(&rows, 0), large = rows_get(&rows, 1);
        assert_int_equal(large.misses, 3 * NPAGES);
        assert_int_equal(large.evictions, 0);
        if (threads == 2)
            expect_same_row(&before, &row);
        before = row;
        before.policy = "lru";
        before.ram = "1000p";
        pgw_replay_destroy(rows.replay);
    }
}

/* Pages come until the end, so that all tables grow while batches wait for other threads: what each
 * policy at each size counts stays what it counts alone. */
static void
threads_change_nothing(void **state)
{
    static const char *const policies[] = {"lru", "fifo", "s3fifo"};
    static const char *const sizes[] = {"10p", "1000p", "50000p", "400000p"};
    static struct pgw_ref refs[2 * NREFS];
    struct pgw_replay_row alone[3][4];
    struct base_rng rng;
    (void)state;

    test_rng_init(&rng, 50);
    for (unsigned i = 0; i < 2 * NREFS; i++) {
        uint64_t at = base_rng_below(&rng, 4) == 0 ? i / 2 : base_rng_below(&rng, 1 + i / 2);
        refs[i] = (struct pgw_ref){.va = at << 12,
            .process = 1,
            .kind = base_rng_below(&rng, 3) == 0 ? PGW_REF_WRITE : PGW_REF_READ,
            .count = 1};
    }
    for (unsigned threads = 0; threads <= 3; threads++) {
        struct rows rows = rows_new(threads, 0);
        for (unsigned i = 0; i < 12; i++) {
            if (threads == 0) {
                struct rows one = rows_new(1, 0);
                rows_add(&one, policies[i / 4], sizes[i % 4]);
                assert_int_equal(pgw_replay_refs(one.replay, refs, 2 * NREFS), PGW_OK);
                assert_int_equal(pgw_replay_finish(one.replay, NULL, NULL), PGW_OK);
                alone[i / 4][i % 4] = rows_get(&one, 0);
                alone[i / 4][i % 4].policy = policies[i / 4];
                alone[i / 4][i % 4].ram = sizes[i % 4];
                pgw_replay_destroy(one.replay);
            }
            rows_add(&rows, policies[i / 4], sizes[i % 4]);
        }
        assert_int_equal(pgw_replay_refs(rows.replay, refs, 2 * NREFS), PGW_OK);
        assert_int_equal(pgw_replay_finish(rows.replay, NULL, NULL), PGW_OK);
        for (unsigned i = 0; i < 12; i++) {
            struct pgw_replay_row row = rows_get(&rows, i);
            expect_same_row(&alone[i / 4][i % 4], &row);
        }
        pgw_replay_destroy(rows.replay);
    }
}

/* ---- translation ---- */

#define NAIVE_TLB 4u
#define NAIVE_FRAMES 10u

/* Lists with the most recent first, searched from the front. */
struct naive_machine {
    uint64_t tlb[NAIVE_TLB], frames[NAIVE_FRAMES];
    unsigned ntlb, nframes;
    bool leaf[PLACES], table[4][PLACES * 512]; /* by level: the table for this part of va exists */
    uint64_t l1_misses, walks, walk_refs;
};

static bool
naive_use(uint64_t *list, unsigned *n, unsigned room, uint64_t item)
{
    unsigned at = 0;

    while (at < *n && list[at] != item)
        at++;
    bool found = at < *n;
    if (!found && *n < room)
        (*n)++;
    if (at == room)
        at--;
    memmove(list + 1, list, at * sizeof *list);
    list[0] = item;
    return found;
}

static void
naive_drop(uint64_t *list, unsigned *n, uint64_t item)
{
    for (unsigned i = 0; i < *n; i++) {
        if (list[i] == item) {
            memmove(list + i, list + i + 1, (*n - i - 1) * sizeof *list);
            (*n)--;
            return;
        }
    }
}

/* A try of an access to place: true if it is mapped. */
static bool
naive_try(struct naive_machine *m, unsigned place, uint64_t vpn)
{
    for (unsigned i = 0; i < m->ntlb; i++) {
        if (m->tlb[i] == vpn)
            return naive_use(m->tlb, &m->ntlb, NAIVE_TLB, vpn);
    }
    m->l1_misses++;
    m->walks++;
    for (unsigned level = 0; level < 4; level++) {
        m->walk_refs++;
        if (level < 3 && !m->table[level][vpn >> 9 * (3 - level)])
            return false;
    }
    if (!m->leaf[place])
        return false;
    (void)naive_use(m->tlb, &m->ntlb, NAIVE_TLB, vpn);
    return true;
}

static void
naive_read(struct naive_machine *m, unsigned place)
{
    uint64_t vpn = place * 300u, out = m->frames[NAIVE_FRAMES - 1];
    bool full = m->nframes == NAIVE_FRAMES;
    bool mapped = naive_try(m, place, vpn);
    bool hit = naive_use(m->frames, &m->nframes, NAIVE_FRAMES, vpn);

    assert_int_equal(mapped, hit);
    if (hit)
        return;
    if (full) {
        m->leaf[out / 300] = false;
        naive_drop(m->tlb, &m->ntlb, out);
    }
    for (unsigned level = 0; level < 3; level++)
        m->table[level][vpn >> 9 * (3 - level)] = true;
    m->leaf[place] = true;
    assert_true(naive_try(m, place, vpn));
}

/* One level of four entries and x86-64's tables, with LRU: what a machine counts that is written
 * down. */
static void
translation_equals_a_naive_one(void **state)
{
    static struct naive_machine naive;
    struct pgw_replay_options options;
    struct rows rows = {0};
    struct base_rng rng;
    char why[PGW_TRACE_WHY];
    (void)state;

    memset(&naive, 0, sizeof naive);
    pgw_replay_options_init(&options);
    options.mmu = "x86-64";
    options.tlb = "l1=4:4";
    assert_int_equal(pgw_replay_create(&options, &rows.replay, why), PGW_OK);
    rows_add(&rows, "lru", "10p");
    rows_add(&rows, "lru", "5%");
    test_rng_init(&rng, 30);
    for (unsigned i = 0; i < LENGTH; i++) {
        unsigned place = (unsigned)base_rng_below(&rng, base_rng_below(&rng, 3) == 0 ? PLACES : 8);
        const struct pgw_ref ref = {
            .va = (uint64_t)place * 300 << 12, .process = 9, .kind = PGW_REF_READ, .count = 1};
        naive_read(&naive, place);
        assert_int_equal(pgw_replay_refs(rows.replay, &ref, 1), PGW_OK);
    }
    assert_int_equal(pgw_replay_finish(rows.replay, NULL, NULL), PGW_OK);
    for (unsigned i = 0; i < 2; i++) { /* a tenth of 200 pages is the same, by way of the spool */
        struct pgw_replay_row row = rows_get(&rows, i);
        assert_int_equal(row.frames, 10);
        assert_int_equal(row.l1d_misses, naive.l1_misses);
        assert_int_equal(row.l1i_misses, 0);
        assert_int_equal(row.walks, naive.walks);
        assert_int_equal(row.walk_refs, naive.walk_refs);
        assert_true(row.table_bytes > 4 << 12);
    }
    pgw_replay_destroy(rows.replay);
}

/* Forks, shared mappings and what is unmapped: every policy gets by, and what it misses is the same
 * with and without the hardware in front. */
static void
translation_changes_no_misses(void **state)
{
    struct script *script = script_make(40, true);
    struct pgw_replay_options options;
    struct pgw_replay_row without[POLICIES];
    char why[PGW_TRACE_WHY];
    (void)state;

    for (unsigned mmu = 0; mmu < 3; mmu++) {
        static const char *const names[] = {NULL, "x86-64", "sv32:ad=fault"};
        struct rows rows = {0};
        pgw_replay_options_init(&options);
        options.mmu = names[mmu];
        options.memory = mmu == 1 ? 0 : 1 << 30;
        assert_int_equal(pgw_replay_create(&options, &rows.replay, why), PGW_OK);
        for (unsigned p = 0; p < POLICIES; p++)
            rows_add(&rows, some_policies[p], "25p");
        script_play(script, &rows);
        for (unsigned p = 0; p < POLICIES; p++) {
            struct pgw_replay_row row = rows_get(&rows, p);
            if (mmu == 0) {
                without[p] = row;
                without[p].policy = some_policies[p];
                without[p].ram = "25p";
                continue;
            }
            expect_same_row(&without[p], &row);
            assert_true(row.l1d_misses + row.l1i_misses >= 2 * row.misses);
            assert_int_equal(row.l1d_misses + row.l1i_misses, row.l2_hits + row.l2_misses);
        }
        pgw_replay_destroy(rows.replay);
    }
}

static bool
refuse(void *ctx, const struct pgw_replay_progress *progress)
{
    (void)ctx;
    (void)progress;
    return false;
}

static void
it_stops_when_told(void **state)
{
    static const struct {
        const char *policy, *ram;
        bool second; /* needs a second pass */
    } cases[] = {{"lru", "50%", true}, {"opt", "16p", true}, {"lru", "16p", false}};
    const struct pgw_ref ref = {.process = 1, .kind = PGW_REF_READ, .count = 1};
    (void)state;

    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct rows rows = rows_new(1, 0);
        struct pgw_replay_row row = {.size = sizeof row};
        rows_add(&rows, cases[i].policy, cases[i].ram);
        assert_int_equal(pgw_replay_refs(rows.replay, &ref, 1), PGW_OK);
        assert_int_equal(
            pgw_replay_finish(rows.replay, refuse, NULL), cases[i].second ? PGW_AGAIN : PGW_OK);
        assert_int_equal(
            pgw_replay_get_row(rows.replay, 0, &row), cases[i].second ? PGW_AGAIN : PGW_OK);
        assert_int_equal(row.frames, cases[i].second ? 0 : 16);
        assert_int_equal(row.references, cases[i].second ? 0 : 1);
        assert_int_equal(pgw_replay_refs(rows.replay, &ref, 1), PGW_INVAL);
        pgw_replay_destroy(rows.replay);
    }
}

static void
wrong_wishes_are_refused(void **state)
{
    static const struct {
        const char *policy, *ram, *says;
    } cases[] = {{"nosuch", "4M", "nosuch"}, {"lru", "", "not a size"}, {"lru", "4Q", "4Q"},
        {"lru", "0", "less than a page"}, {"lru", "4095", "less than a page"},
        {"lru", "0p", "less than a page"}, {"lru", "-1p", "-1p"}, {"lru", "10%%", "10%%"},
        {"lru", "0%", "not a share"}, {"lru", "%", "not a share"}, {"lru", "1p1", "1p1"},
        {"lru", "99999999999999999999p", "too much"}, {"lru", "8388607T", "too much"},
        {"opt:x=1", "4M", "opt"}};
    struct rows rows = rows_new(1, 0);
    (void)state;

    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char why[PGW_TRACE_WHY] = "";
        assert_int_not_equal(
            pgw_replay_add(rows.replay, cases[i].policy, cases[i].ram, why), PGW_OK);
        if (strstr(why, cases[i].says) == NULL)
            fail_msg("%s %s: \"%s\"", cases[i].policy, cases[i].ram, why);
    }
    pgw_replay_destroy(rows.replay);
}

/* ---- memory ---- */

/* A node and a page's number a frame; a word of the page table and an entry of what is remembered a
 * page: half of the pages in frames, and whatever a policy may remember of the rest. */
static void
a_page_takes_few_bytes(void **state)
{
    enum { PAGES = 60000, FRAMES = PAGES / 2, REFS = 8 * PAGES, SMALL = 20000 };
    static const char *const policy[] = {
        "lru", "2q", "s3fifo", "arc", "car", "mglru", "clockpro", "lirs"};
    struct rows rows = rows_new(1, 0);
    struct base_rng rng;
    (void)state;

    base_rng_init(&rng, 1);
    for (unsigned i = 0; i < sizeof policy / sizeof policy[0]; i++)
        rows_add(&rows, policy[i], "30000p");
    for (uint32_t i = 0; i < REFS; i++) {
        uint64_t page = i < PAGES ? i : base_rng_below(&rng, 1 + base_rng_below(&rng, PAGES));
        const struct pgw_ref ref = {
            .va = page << 12, .process = 1, .kind = PGW_REF_READ, .count = 1};
        assert_int_equal(pgw_replay_refs(rows.replay, &ref, 1), PGW_OK);
    }
    assert_int_equal(pgw_replay_finish(rows.replay, NULL, NULL), PGW_OK);
    for (unsigned i = 0; i < rows.n; i++) {
        uint64_t bytes = rows_get(&rows, i).bytes,
                 least = (uint64_t)FRAMES * 28 + (uint64_t)PAGES * 4;
        if (bytes < least || bytes > least + (uint64_t)PAGES * 12 + SMALL)
            fail_msg("%s takes %lu bytes", policy[i], (unsigned long)bytes);
    }
    pgw_replay_destroy(rows.replay);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_tables_hold),
        cmocka_unit_test(one_pass_equals_many),
        cmocka_unit_test(opt_equals_the_naive_one),
        cmocka_unit_test(gone_pages_free_their_frames),
        cmocka_unit_test(forks_copy_on_write),
        cmocka_unit_test(batches_follow_each_other),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(translation_equals_a_naive_one),
        cmocka_unit_test(translation_changes_no_misses),
        cmocka_unit_test(a_page_takes_few_bytes),
        cmocka_unit_test(it_stops_when_told),
        cmocka_unit_test(wrong_wishes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
