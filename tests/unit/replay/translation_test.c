/* SPDX-License-Identifier: BSD-2-Clause */
/* Replay behind an MMU against a machine that is written down: two levels of TLBs, x86-64's tables,
 * LRU, three spaces, reads, writes and fetches, pages that go by an unmapping or move, and forks,
 * whose pages are common until somebody writes. */
#include <pagewright/replay.h>

#include <stdio.h>
#include <string.h>

#include "support/test.h"

#define LENGTH 40000u
#define PLACES 200u
#define STRIDE 301u /* so that tables of the last level are many, and all sets are met */
#define SPACES 3u
#define PAGES (SPACES * PLACES)
#define WAYS 4u

struct entry {
    unsigned page; /* plus 1; 0: free */
    bool dirty;
};

/* A set has its most recent entry first. */
struct sets {
    struct entry set[8][WAYS];
    unsigned nsets, ways;
};

/* A page here is a place of a space; what is in it, several may have. */
struct machine {
    struct sets l1i, l1d, l2;
    unsigned content[PAGES]; /* 0: none */
    unsigned ncontents, refs[LENGTH + 1];
    unsigned frames[PAGES], nframes, room; /* contents, most recent first */
    bool leaf[PAGES], dirty[PAGES];
    bool table[SPACES][3][PLACES * STRIDE / 512 + 1];
    struct pgw_replay_row counts;
};

static uint64_t
page_vpn(unsigned page)
{
    return (uint64_t)(page % PLACES) * STRIDE;
}

/* ---- TLBs ---- */

static struct entry *
sets_of(struct sets *sets, unsigned page)
{
    return sets->set[page_vpn(page) % sets->nsets];
}

static struct entry *
sets_find(struct sets *sets, unsigned page)
{
    struct entry *set = sets_of(sets, page);

    for (unsigned way = 0; way < sets->ways; way++) {
        if (set[way].page == page + 1)
            return &set[way];
    }
    return NULL;
}

static void
sets_drop(struct sets *sets, unsigned page)
{
    struct entry *entry = sets_find(sets, page), *set = sets_of(sets, page);

    if (entry == NULL)
        return;
    size_t after = (size_t)(set + sets->ways - 1 - entry);
    memmove(entry, entry + 1, after * sizeof *entry);
    set[sets->ways - 1] = (struct entry){0};
}

/* To the front, in place of the last one if it is new. */
static void
sets_use(struct sets *sets, unsigned page, bool dirty)
{
    struct entry *set = sets_of(sets, page);

    sets_drop(sets, page);
    memmove(set + 1, set, (sets->ways - 1) * sizeof *set);
    set[0] = (struct entry){.page = page + 1, .dirty = dirty};
}

/* ---- the machine ---- */

/* False: the page is not mapped. */
static bool
machine_walk(struct machine *m, unsigned page, bool write)
{
    m->counts.walks++;
    for (unsigned level = 0; level < 4; level++) {
        m->counts.walk_refs++;
        if (level < 3 && !m->table[page / PLACES][level][page_vpn(page) >> 9 * (3 - level)])
            return false;
    }
    m->dirty[page] |= write && m->leaf[page];
    return m->leaf[page];
}

static bool
machine_miss(struct machine *m, struct sets *l1, unsigned page, bool write)
{
    struct entry *second = sets_find(&m->l2, page);

    if (second != NULL) {
        m->counts.l2_hits++;
        if (write && !second->dirty)
            assert_true(machine_walk(m, page, true));
        sets_use(&m->l2, page, second->dirty || write);
        sets_use(l1, page, m->l2.set[page_vpn(page) % m->l2.nsets][0].dirty);
        return true;
    }
    m->counts.l2_misses++;
    if (!machine_walk(m, page, write))
        return false;
    sets_use(&m->l2, page, m->dirty[page]);
    sets_use(l1, page, m->dirty[page]);
    return true;
}

static bool
machine_try(struct machine *m, unsigned page, uint8_t kind)
{
    struct sets *l1 = kind == PGW_REF_FETCH ? &m->l1i : &m->l1d;
    struct entry *entry = sets_find(l1, page), *second;
    bool write = kind == PGW_REF_WRITE;

    if (entry == NULL) {
        *(kind == PGW_REF_FETCH ? &m->counts.l1i_misses : &m->counts.l1d_misses) += 1;
        return machine_miss(m, l1, page, write);
    }
    if (write && !entry->dirty) {
        assert_true(machine_walk(m, page, true));
        if ((second = sets_find(&m->l2, page)) != NULL)
            second->dirty = true;
    }
    sets_use(l1, page, entry->dirty || write);
    return true;
}

static void
machine_unmap(struct machine *m, unsigned page)
{
    m->leaf[page] = m->dirty[page] = false;
    sets_drop(&m->l1i, page);
    sets_drop(&m->l1d, page);
    sets_drop(&m->l2, page);
}

static void
machine_free_frame(struct machine *m, unsigned content)
{
    for (unsigned i = 0; i < m->nframes; i++) {
        if (m->frames[i] == content) {
            memmove(&m->frames[i], &m->frames[i + 1], (m->nframes - i - 1) * sizeof m->frames[0]);
            m->nframes--;
        }
    }
}

static void
machine_evict(struct machine *m, unsigned content)
{
    machine_free_frame(m, content);
    for (unsigned page = 0; page < PAGES; page++) {
        if (m->content[page] == content)
            machine_unmap(m, page);
    }
}

static void
machine_leave(struct machine *m, unsigned page)
{
    unsigned content = m->content[page];

    if (content != 0 && --m->refs[content] == 0)
        machine_free_frame(m, content);
    m->content[page] = 0;
    machine_unmap(m, page);
}

static void
machine_leave_all(struct machine *m, unsigned space)
{
    for (unsigned i = 0; i < PLACES; i++)
        machine_leave(m, space * PLACES + i);
}

static void
machine_fork(struct machine *m, unsigned parent, unsigned child)
{
    machine_leave_all(m, child);
    for (unsigned i = 0; i < PLACES; i++) {
        unsigned content = m->content[parent * PLACES + i];
        m->content[child * PLACES + i] = content;
        m->refs[content]++;
    }
}

static void
machine_move(struct machine *m, unsigned from, unsigned to)
{
    unsigned content = m->content[from];

    machine_leave(m, to);
    machine_unmap(m, from);
    m->content[from] = 0;
    m->content[to] = content;
}

/* The content is the most recent one, and in RAM. */
static void
machine_use(struct machine *m, unsigned content)
{
    unsigned at = 0;

    while (at < m->nframes && m->frames[at] != content)
        at++;
    if (at == m->nframes) {
        m->counts.misses++;
        if (m->nframes == m->room)
            machine_evict(m, m->frames[m->room - 1]);
        at = m->nframes++;
    }
    memmove(&m->frames[1], &m->frames[0], at * sizeof m->frames[0]);
    m->frames[0] = content;
}

/* A write to what others have, too, finds that it may not, and that a copy is there instead. */
static void
machine_touch(struct machine *m, unsigned page, uint8_t kind)
{
    bool copy = kind == PGW_REF_WRITE && m->content[page] != 0 && m->refs[m->content[page]] > 1;
    bool mapped = machine_try(m, page, copy ? PGW_REF_READ : kind);

    assert_true(!mapped || m->content[page] != 0);
    if (copy)
        machine_leave(m, page);
    if (m->content[page] == 0) {
        m->content[page] = ++m->ncontents;
        m->refs[m->ncontents] = 1;
    }
    machine_use(m, m->content[page]);
    if (mapped && !copy)
        return;
    for (unsigned level = 0; level < 3; level++)
        m->table[page / PLACES][level][page_vpn(page) >> 9 * (3 - level)] = true;
    m->leaf[page] = true;
    assert_true(machine_try(m, page, kind));
}

/* ---- replay ---- */

static struct pgw_replay *
replay_new(const char *tlb, const char *ram)
{
    struct pgw_replay_options options;
    struct pgw_replay *replay;
    char why[PGW_TRACE_WHY];

    pgw_replay_options_init(&options);
    options.mmu = "x86-64";
    options.tlb = tlb;
    assert_int_equal(pgw_replay_create(&options, &replay, why), PGW_OK);
    assert_int_equal(pgw_replay_add(replay, "lru", ram, why), PGW_OK);
    return replay;
}

static uint64_t
place_va(unsigned place)
{
    return page_vpn(place) << 12;
}

/* What happens to a space now and then. */
static void
play_event(struct pgw_replay *replay, struct machine *m, struct base_rng *rng, unsigned place)
{
    static const enum pgw_event_kind kinds[] = {PGW_EVENT_UNMAP, PGW_EVENT_UNMAP, PGW_EVENT_MOVE,
        PGW_EVENT_FORK, PGW_EVENT_FORK, PGW_EVENT_EXEC, PGW_EVENT_EXIT};
    unsigned space = (unsigned)base_rng_below(rng, SPACES), to = (place + PLACES / 2) % PLACES;
    struct pgw_event event = {.kind = kinds[base_rng_below(rng, sizeof kinds / sizeof kinds[0])],
        .process = 1 + space,
        .va = place_va(place),
        .len = 4096,
        .other = place_va(to)};

    if (event.kind == PGW_EVENT_UNMAP) {
        event.len = (uint64_t)(2 * STRIDE) << 12;
        machine_leave(m, space * PLACES + place);
        if (place + 1 < PLACES)
            machine_leave(m, space * PLACES + place + 1);
    } else if (event.kind == PGW_EVENT_MOVE) {
        machine_move(m, space * PLACES + place, space * PLACES + to);
    } else if (event.kind == PGW_EVENT_FORK) {
        event.other = 1 + (space + 1) % SPACES;
        machine_fork(m, space, (space + 1) % SPACES);
    } else if (event.kind == PGW_EVENT_EXEC || event.kind == PGW_EVENT_EXIT) {
        machine_leave_all(m, space);
    }
    assert_int_equal(pgw_replay_event(replay, &event), PGW_OK);
}

/* A page of some space. */
static void
play(struct pgw_replay *replay, struct machine *m, struct base_rng *rng)
{
    unsigned few = base_rng_below(rng, 3) == 0 ? PLACES : 30;
    unsigned space = base_rng_below(rng, 10) == 0 ? 1 + (unsigned)base_rng_below(rng, 2) : 0;
    unsigned place = (unsigned)base_rng_below(rng, few);

    if (base_rng_below(rng, 200) == 0)
        play_event(replay, m, rng, place);
    const struct pgw_ref ref = {.va = place_va(place),
        .process = 1 + space,
        .kind = (uint8_t)(1u << base_rng_below(rng, 3)),
        .count = 1};
    assert_int_equal(pgw_replay_refs(replay, &ref, 1), PGW_OK);
    machine_touch(m, space * PLACES + place, ref.kind);
}

static void
expect_equal(struct pgw_replay *replay, const struct pgw_replay_row *counts)
{
    struct pgw_replay_row row = {.size = sizeof row};

    assert_int_equal(pgw_replay_finish(replay, NULL, NULL), PGW_OK);
    assert_int_equal(pgw_replay_get_row(replay, 0, &row), PGW_OK);
    assert_int_equal(row.misses, counts->misses);
    assert_int_equal(row.l1i_misses, counts->l1i_misses);
    assert_int_equal(row.l1d_misses, counts->l1d_misses);
    assert_int_equal(row.l2_hits, counts->l2_hits);
    assert_int_equal(row.l2_misses, counts->l2_misses);
    assert_int_equal(row.walks, counts->walks);
    assert_int_equal(row.walk_refs, counts->walk_refs);
    assert_true(row.l2_hits > LENGTH / 100);
}

/* With as many frames as L2 has places, with fewer and with more: what is evicted is in the TLBs,
 * or not. */
static void
counts_are_those_of_a_machine_written_down(void **state)
{
    static const unsigned rooms[] = {6, 16, 90};
    static struct machine machine;
    (void)state;

    for (unsigned i = 0; i < sizeof rooms / sizeof rooms[0]; i++) {
        struct base_rng rng;
        char ram[16];
        machine = (struct machine){.l1i = {.nsets = 2, .ways = 2},
            .l1d = {.nsets = 1, .ways = 4},
            .l2 = {.nsets = 4, .ways = 4},
            .room = rooms[i]};
        (void)snprintf(ram, sizeof ram, "%up", rooms[i]);
        struct pgw_replay *replay = replay_new("l1i=4:2,l1d=4:4,l2=16:4", ram);
        test_rng_init(&rng, 50 + i);
        for (unsigned k = 0; k < LENGTH; k++)
            play(replay, &machine, &rng);
        expect_equal(replay, &machine.counts);
        pgw_replay_destroy(replay);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_those_of_a_machine_written_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
