/* SPDX-License-Identifier: BSD-2-Clause */
/* The walker against tables made by hand, rule by rule of the RISC-V privileged specification
 * (20211203, sections 4.3.1, 4.3.2, 4.4.1). */
#include "mmu/walker.h"

#include <string.h>

#include "mmu/pwc.h"
#include "support/test.h"
#include "support/test_env.h"

#define V 0x01ull
#define R 0x02ull
#define W 0x04ull
#define X 0x08ull
#define U 0x10ull
#define G 0x20ull
#define A 0x40ull
#define D 0x80ull

#define VPN2 5ull
#define VPN1 17ull
#define VPN0 300ull
#define VA (VPN2 << 30 | VPN1 << 21 | VPN0 << 12 | 0x123)

/* RAM with a root table, a middle one, a last one, and a data page. */
struct tables {
    struct test_env env;
    struct mem_page *page[4];
    uint64_t *root, *middle, *last;
    uint64_t pfn[4];
    struct mmu_walker *walker;
    struct mmu_stats stats;
    struct mmu_walk walk;
};

static void
tables_init_with(struct tables *t, enum mmu_ad ad, struct pwc *pwc)
{
    memset(t, 0, sizeof(*t));
    test_env_init(&t->env, 1024);
    assert_int_equal(
        mmu_radix_walker_create(&mmu_sv39, ad, &t->env.mem, &t->env.alloc, pwc, &t->walker),
        PGW_OK);
    for (int i = 0; i < 4; i++) {
        t->page[i] = mem_alloc(&t->env.mem, 0, MEM_ZERO);
        assert_non_null(t->page[i]);
        t->pfn[i] = mem_page_pfn(&t->env.mem, t->page[i]);
    }
    t->root = (uint64_t *)(void *)mem_page_bytes(&t->env.mem, t->page[0]);
    t->middle = (uint64_t *)(void *)mem_page_bytes(&t->env.mem, t->page[1]);
    t->last = (uint64_t *)(void *)mem_page_bytes(&t->env.mem, t->page[2]);
    t->root[VPN2] = t->pfn[1] << 10 | V;
    t->middle[VPN1] = t->pfn[2] << 10 | V;
    t->last[VPN0] = t->pfn[3] << 10 | V | R | W | X | U;
}

static void
tables_init(struct tables *t)
{
    tables_init_with(t, MMU_AD_HARDWARE, NULL);
}

static void
tables_fini(struct tables *t)
{
    t->walker->ops->destroy(t->walker);
    for (int i = 0; i < 4; i++)
        mem_free(&t->env.mem, t->page[i]);
    test_env_fini(&t->env);
}

/* A walk for the space with tag 7, in a special way and with a trace. */
static enum mmu_fault
walk_how(struct tables *t, uint64_t va, enum access access, unsigned how, struct mmu_trace *trace)
{
    return t->walker->ops->walk(t->walker, mmu_format_root(&mmu_sv39, t->pfn[0], 7), 7, va, access,
        how, &t->stats, &t->walk, trace);
}

static enum mmu_fault
walk_at(struct tables *t, uint64_t va, enum access access)
{
    return walk_how(t, va, access, 0, NULL);
}

/* Access to a page with these low bits in its entry, at each level of leaf. */
static enum mmu_fault
walk_leaf(struct tables *t, unsigned level, uint64_t pte, enum access access)
{
    uint64_t *entry = level == 0 ? &t->root[VPN2] : level == 1 ? &t->middle[VPN1] : &t->last[VPN0];
    uint64_t was = *entry;
    *entry = pte;
    enum mmu_fault fault = walk_at(t, VA, access);
    if (fault != MMU_OK)
        assert_int_equal(*entry, pte); /* a fault changes nothing */
    *entry = was;
    return fault;
}

/* Rights: R, W, X for the access, U for user mode; W without R is reserved; none is a pointer. */
static void
test_rights(void **state)
{
    static const uint64_t need[3] = {R, W, X};
    (void)state;
    struct tables t;
    tables_init(&t);
    uint64_t base[3] = {TEST_BASE_PFN << 10, TEST_BASE_PFN << 10, t.pfn[3] << 10};
    for (unsigned level = 0; level < 3; level++)
        for (uint64_t bits = R; bits < G; bits += R) /* all of R W X U */
            for (enum access access = ACCESS_READ; access <= ACCESS_EXEC; access++) {
                uint64_t pte = base[level] | bits | V | A;
                bool leaf = (bits & (R | W | X)) != 0;
                if (!leaf && level < 2)
                    continue; /* a table; see test_pointers */
                enum mmu_fault want = MMU_OK;
                if (!leaf || ((bits & W) != 0 && (bits & R) == 0))
                    want = MMU_MALFORMED;
                else if ((bits & need[access]) == 0 || (bits & U) == 0)
                    want = MMU_RIGHTS;
                else if (level == 0) /* the 1 GiB page's part at VA is beyond RAM */
                    want = MMU_BUS;
                assert_int_equal(walk_leaf(&t, level, pte, access), want);
                if (want == MMU_OK)
                    assert_int_equal(t.walk.prot, bits >> 1 & 7);
            }
    tables_fini(&t);
}

/* V clear: not present, whatever the rest says. */
static void
test_not_present(void **state)
{
    (void)state;
    struct tables t;
    tables_init(&t);
    for (unsigned level = 0; level < 3; level++) {
        assert_int_equal(walk_leaf(&t, level, 0, ACCESS_READ), MMU_NOT_PRESENT);
        assert_int_equal(walk_leaf(&t, level, ~V, ACCESS_READ), MMU_NOT_PRESENT);
    }
    assert_int_equal(walk_at(&t, VA ^ 1ull << 12, ACCESS_READ), MMU_NOT_PRESENT);
    assert_int_equal(walk_at(&t, VA ^ 1ull << 21, ACCESS_READ), MMU_NOT_PRESENT);
    assert_int_equal(walk_at(&t, VA ^ 1ull << 30, ACCESS_READ), MMU_NOT_PRESENT);
    tables_fini(&t);
}

/* Bits 54-63 are reserved in every entry (63 has a meaning in some, see format_riscv_test); 8 and 9
 * are software's. */
static void
test_reserved(void **state)
{
    (void)state;
    struct tables t;
    tables_init(&t);
    uint64_t good[3] = {t.root[VPN2], t.middle[VPN1], t.last[VPN0]};
    for (unsigned level = 0; level < 3; level++) {
        for (unsigned bit = 54; bit < 64; bit++)
            assert_int_equal(
                walk_leaf(&t, level, good[level] | 1ull << bit, ACCESS_READ), MMU_MALFORMED);
        assert_int_equal(walk_leaf(&t, level, good[level] | 0x300, ACCESS_READ), MMU_OK);
    }
    uint64_t super = TEST_BASE_PFN << 10 | V | R | U;
    assert_int_equal(walk_leaf(&t, 1, super, ACCESS_READ), MMU_OK);
    assert_int_equal(walk_leaf(&t, 1, super | 1ull << 63, ACCESS_READ), MMU_MALFORMED);
    tables_fini(&t);
}

/* Entries that lead to a table: A, D and U reserved, G inherited, none at the last level. */
static void
test_pointers(void **state)
{
    (void)state;
    struct tables t;
    tables_init(&t);
    uint64_t good[2] = {t.root[VPN2], t.middle[VPN1]};
    assert_int_equal(walk_at(&t, VA, ACCESS_READ), MMU_OK);
    assert_false(t.walk.global);
    for (unsigned level = 0; level < 2; level++) {
        assert_int_equal(walk_leaf(&t, level, good[level] | A, ACCESS_READ), MMU_MALFORMED);
        assert_int_equal(walk_leaf(&t, level, good[level] | D, ACCESS_READ), MMU_MALFORMED);
        assert_int_equal(walk_leaf(&t, level, good[level] | U, ACCESS_READ), MMU_MALFORMED);
        assert_int_equal(walk_leaf(&t, level, good[level] | G, ACCESS_READ), MMU_OK);
        assert_true(t.walk.global);
    }
    assert_int_equal(walk_leaf(&t, 2, t.last[VPN0] | G, ACCESS_READ), MMU_OK);
    assert_true(t.walk.global);
    assert_int_equal(walk_leaf(&t, 2, t.pfn[3] << 10 | V, ACCESS_READ), MMU_MALFORMED);
    tables_fini(&t);
}

/* Superpages: low frame-number bits must be zero; the address continues within. */
static void
test_superpages(void **state)
{
    (void)state;
    struct tables t;
    tables_init(&t);
    uint64_t pte = TEST_BASE_PFN << 10 | V | R | W | U;
    for (unsigned bit = 0; bit < 18; bit++) {
        uint64_t off = 1ull << (10 + bit);
        assert_int_equal(walk_leaf(&t, 0, pte | off, ACCESS_READ), MMU_MALFORMED);
        if (bit < 9)
            assert_int_equal(walk_leaf(&t, 1, pte | off, ACCESS_READ), MMU_MALFORMED);
        else if (bit == 9) /* aligned for 2 MiB, in RAM of 4 MiB */
            assert_int_equal(walk_leaf(&t, 1, pte | off, ACCESS_READ), MMU_OK);
    }
    assert_int_equal(walk_leaf(&t, 1, pte, ACCESS_WRITE), MMU_OK);
    assert_int_equal(t.walk.pfn, TEST_BASE_PFN + VPN0);
    assert_int_equal(t.walk.order, 9);
    assert_true(t.walk.dirty);
    t.root[1] = pte; /* 1 GiB */
    for (uint64_t i = 0; i < 1024; i += 341) {
        assert_int_equal(walk_at(&t, (1ull << 30) + (i << 12) + 7, ACCESS_READ), MMU_OK);
        assert_int_equal(t.walk.pfn, TEST_BASE_PFN + i);
        assert_int_equal(t.walk.order, 18);
    }
    assert_int_equal(walk_at(&t, (1ull << 30) + (1024ull << 12), ACCESS_READ), MMU_BUS);
    tables_fini(&t);
}

/* Bits 39 to 63 must equal bit 38: whoever calls the walker sees to it, by the limits it gives. */
static void
test_canonical(void **state)
{
    (void)state;
    struct tables t;
    tables_init(&t);
    const struct mmu_walker *walker = t.walker;
    for (unsigned bit = 0; bit < 64; bit++) {
        for (int high = 0; high < 2; high++) {
            uint64_t va = (high ? UINT64_MAX << 38 : 0) ^ 1ull << bit;
            bool canonical = va < walker->va_end_low || va >= walker->va_start_high;
            assert_int_equal(canonical, bit < 38);
            assert_int_equal(mmu_format_canonical(&mmu_sv39, va), bit < 38);
        }
    }
    t.root[256 + VPN2] = t.root[VPN2]; /* the upper half translates like the lower one */
    assert_int_equal(walk_at(&t, VA | UINT64_MAX << 38, ACCESS_READ), MMU_OK);
    tables_fini(&t);
}

/* A is set by every access, D by writes; only when they were not set. */
static void
test_accessed_dirty(void **state)
{
    (void)state;
    struct tables t;
    tables_init(&t);
    uint64_t pte = t.last[VPN0];
    assert_int_equal(walk_at(&t, VA, ACCESS_EXEC), MMU_OK);
    assert_int_equal(t.last[VPN0], pte | A);
    assert_false(t.walk.dirty);
    assert_int_equal(walk_at(&t, VA, ACCESS_READ), MMU_OK);
    assert_int_equal(t.stats.ad_updates, 1);
    assert_int_equal(walk_at(&t, VA, ACCESS_WRITE), MMU_OK);
    assert_int_equal(t.last[VPN0], pte | A | D);
    assert_true(t.walk.dirty);
    assert_int_equal(walk_at(&t, VA, ACCESS_WRITE), MMU_OK);
    assert_int_equal(walk_at(&t, VA, ACCESS_READ), MMU_OK);
    assert_true(t.walk.dirty);
    assert_int_equal(t.stats.ad_updates, 2);
    t.last[VPN0] = pte;
    assert_int_equal(walk_at(&t, VA, ACCESS_WRITE), MMU_OK);
    assert_int_equal(t.last[VPN0], pte | A | D); /* both at once */
    assert_int_equal(t.stats.ad_updates, 3);
    assert_int_equal(t.root[VPN2] & (A | D), 0); /* never in tables */
    assert_int_equal(t.middle[VPN1] & (A | D), 0);
    tables_fini(&t);
}

/* Tables and pages outside RAM. */
static void
test_bus(void **state)
{
    (void)state;
    struct tables t;
    tables_init(&t);
    uint64_t out = (TEST_BASE_PFN + 1024) << 10, below = (TEST_BASE_PFN - 1) << 10;
    uint64_t leaf = V | R | U;
    assert_int_equal(walk_leaf(&t, 0, out | V, ACCESS_READ), MMU_BUS);
    assert_int_equal(walk_leaf(&t, 1, below | V, ACCESS_READ), MMU_BUS);
    assert_int_equal(walk_leaf(&t, 2, out | leaf, ACCESS_READ), MMU_BUS);
    assert_int_equal(walk_leaf(&t, 2, leaf, ACCESS_READ), MMU_BUS);
    assert_int_equal(walk_leaf(&t, 2, 0x003ffffffffffc00ull | leaf, ACCESS_READ), MMU_BUS);
    t.pfn[0] = TEST_BASE_PFN + 1024;
    assert_int_equal(walk_at(&t, VA, ACCESS_READ), MMU_BUS);
    tables_fini(&t);
}

/* One walk, and one reference for each entry that was read. */
static void
test_counts(void **state)
{
    (void)state;
    struct tables t;
    tables_init(&t);
    (void)walk_at(&t, VA, ACCESS_READ);
    (void)walk_at(&t, VA ^ 1ull << 12, ACCESS_READ); /* ends at the last level */
    (void)walk_at(&t, VA ^ 1ull << 21, ACCESS_READ); /* at the middle one */
    (void)walk_at(&t, VA ^ 1ull << 30, ACCESS_READ); /* at the root */
    (void)walk_leaf(&t, 1, TEST_BASE_PFN << 10 | V | R | U, ACCESS_READ);
    assert_int_equal(t.stats.walks, 5);
    assert_int_equal(t.stats.walk_refs[0], 5);
    assert_int_equal(t.stats.walk_refs[1], 4);
    assert_int_equal(t.stats.walk_refs[2], 2);
    assert_int_equal(t.stats.walk_refs[3] + t.stats.walk_refs[4], 0);
    tables_fini(&t);
}

/* Svade: a walk that would have to set a bit faults, and writes nothing. */
static void
test_ad_fault(void **state)
{
    (void)state;
    struct tables t;
    tables_init_with(&t, MMU_AD_FAULT, NULL);
    uint64_t pte = t.last[VPN0];
    assert_int_equal(walk_at(&t, VA, ACCESS_READ), MMU_AD);
    assert_int_equal(walk_at(&t, VA, ACCESS_WRITE), MMU_AD);
    assert_int_equal(t.last[VPN0], pte);
    t.last[VPN0] = pte | A;
    assert_int_equal(walk_at(&t, VA, ACCESS_READ), MMU_OK);
    assert_false(t.walk.dirty);
    assert_int_equal(walk_at(&t, VA, ACCESS_WRITE), MMU_AD);
    t.last[VPN0] = pte | D;
    assert_int_equal(walk_at(&t, VA, ACCESS_WRITE), MMU_AD);
    t.last[VPN0] = pte | A | D;
    assert_int_equal(walk_at(&t, VA, ACCESS_WRITE), MMU_OK);
    assert_true(t.walk.dirty);
    t.last[VPN0] = pte & ~W; /* rights are asked first */
    assert_int_equal(walk_at(&t, VA, ACCESS_WRITE), MMU_RIGHTS);
    assert_int_equal(t.stats.ad_faults, 4);
    assert_int_equal(t.stats.ad_updates, 0);
    tables_fini(&t);
}

/* A peek changes and counts nothing; where it would have faulted, it says so. */
static void
test_peek(void **state)
{
    (void)state;
    struct tables t;
    struct mmu_stats none = {0};
    for (enum mmu_ad ad = MMU_AD_HARDWARE; ad <= MMU_AD_FAULT; ad++) {
        tables_init_with(&t, ad, NULL);
        uint64_t pte = t.last[VPN0];
        enum mmu_fault want = ad == MMU_AD_FAULT ? MMU_AD : MMU_OK;
        assert_int_equal(walk_how(&t, VA, ACCESS_WRITE, MMU_WALK_PEEK, NULL), want);
        assert_int_equal(t.last[VPN0], pte);
        assert_int_equal(
            walk_how(&t, VA ^ 1ull << 12, ACCESS_READ, MMU_WALK_PEEK, NULL), MMU_NOT_PRESENT);
        t.last[VPN0] = 5ull << 10 | V | R | U | A; /* no such RAM */
        assert_int_equal(walk_how(&t, VA, ACCESS_READ, MMU_WALK_PEEK, NULL), MMU_OK);
        assert_int_equal(t.walk.pfn, 5);
        assert_memory_equal(&t.stats, &none, sizeof(none));
        tables_fini(&t);
    }
}

/* A prefetch takes what is accessed already, dirty or not, and sets nothing. */
static void
test_prefetch(void **state)
{
    (void)state;
    struct tables t;
    for (enum mmu_ad ad = MMU_AD_HARDWARE; ad <= MMU_AD_FAULT; ad++) {
        tables_init_with(&t, ad, NULL);
        uint64_t pte = t.last[VPN0];
        assert_int_equal(walk_how(&t, VA, ACCESS_READ, MMU_WALK_PREFETCH, NULL), MMU_AD);
        assert_int_equal(t.last[VPN0], pte);
        t.last[VPN0] = pte | A;
        assert_int_equal(walk_how(&t, VA, ACCESS_WRITE, MMU_WALK_PREFETCH, NULL), MMU_OK);
        assert_int_equal(t.last[VPN0], pte | A);
        assert_false(t.walk.dirty);
        assert_int_equal(t.stats.walks, 2);
        assert_int_equal(t.stats.walk_refs[2], 2);
        assert_int_equal(t.stats.ad_faults + t.stats.ad_updates, 0);
        tables_fini(&t);
    }
}

static void
expect_entry(
    const struct mmu_step *step, unsigned level, uint64_t idx, uint64_t table, uint64_t value)
{
    assert_int_equal(step->kind, MMU_STEP_ENTRY);
    assert_int_equal(step->level, level);
    assert_int_equal(step->idx, idx);
    assert_int_equal(step->pa, (table << 12) + idx * 8);
    assert_int_equal(step->value, value);
}

/* A trace holds each entry that was read, and where the byte is. */
static void
test_trace(void **state)
{
    (void)state;
    struct tables t;
    tables_init(&t);
    struct mmu_trace trace = {0};
    uint64_t pte = t.pfn[3] << 10 | V | R | X | U | A;
    t.last[VPN0] = pte;
    assert_int_equal(walk_how(&t, VA, ACCESS_READ, 0, &trace), MMU_OK);
    assert_int_equal(trace.n, 3);
    expect_entry(&trace.step[0], 0, VPN2, t.pfn[0], t.pfn[1] << 10 | V);
    expect_entry(&trace.step[1], 1, VPN1, t.pfn[1], t.pfn[2] << 10 | V);
    expect_entry(&trace.step[2], 2, VPN0, t.pfn[2], pte);
    assert_true(trace.step[0].table && trace.step[0].user && trace.step[0].prot == PROT_MASK_ALL);
    assert_false(trace.step[2].table);
    assert_true(trace.step[2].user);
    assert_int_equal(trace.step[2].prot, PROT_MASK_R | PROT_MASK_X);
    assert_int_equal(trace.fault, MMU_OK);
    assert_int_equal(trace.pa, t.pfn[3] << 12 | 0x123);
    assert_int_equal(trace.order, 0);
    assert_int_equal(trace.prot, PROT_MASK_R | PROT_MASK_X);
    tables_fini(&t);
}

/* It ends where the walk faults, and gives the address of a leaf that leads out of RAM. */
static void
test_trace_faults(void **state)
{
    (void)state;
    struct tables t;
    tables_init(&t);
    struct mmu_trace trace = {0};
    assert_int_equal(walk_how(&t, VA ^ 1ull << 21, ACCESS_READ, 0, &trace), MMU_NOT_PRESENT);
    assert_int_equal(trace.n, 2);
    assert_int_equal(trace.fault, MMU_NOT_PRESENT);
    expect_entry(&trace.step[1], 1, VPN1 ^ 1, t.pfn[1], 0);
    assert_false(trace.step[1].table || trace.step[1].user || trace.step[1].prot != 0);
    for (unsigned how = 0; how <= MMU_WALK_PEEK; how++) {
        enum mmu_fault want = how == 0 ? MMU_BUS : MMU_OK;
        trace = (struct mmu_trace){0};
        t.middle[VPN1] = 512ull << 10 | V | R | U; /* 2 MiB, at 2 MiB */
        assert_int_equal(walk_how(&t, VA, ACCESS_READ, how, &trace), want);
        assert_int_equal(trace.fault, want);
        assert_int_equal(trace.pa, (512 + VPN0) << 12 | 0x123);
        assert_int_equal(trace.order, 9);
        assert_int_equal(trace.prot, PROT_MASK_R);
    }
    trace = (struct mmu_trace){0};
    assert_int_equal(walk_how(&t, VA, ACCESS_WRITE, 0, &trace), MMU_RIGHTS);
    assert_int_equal(trace.prot, PROT_MASK_R);
    tables_fini(&t);
}

/* Steps beyond the room for them are dropped, and those before stay. */
static void
test_trace_full(void **state)
{
    (void)state;
    struct mmu_trace trace = {0};
    for (uint64_t i = 0; i < 3 * MMU_TRACE_MAX; i++) {
        struct mmu_step *step = mmu_trace_add(&trace, MMU_STEP_CHAIN);
        assert_int_equal(step->kind, MMU_STEP_CHAIN);
        assert_int_equal(step->idx, 0);
        step->idx = i + 1;
    }
    assert_in_range(trace.n, 32, MMU_TRACE_MAX);
    for (unsigned i = 0; i < trace.n; i++)
        assert_int_equal(trace.step[i].idx, i + 1);
}

static struct pwc *
caches(struct base_alloc *alloc)
{
    static const uint32_t entries[MMU_LEVELS_MAX] = {0, 4, 4};
    struct pwc *pwc;
    assert_int_equal(pwc_create(&mmu_sv39, entries, alloc, &pwc), PGW_OK);
    return pwc;
}

/* With walk caches a walk begins at the deepest table known, with what was let through above it. */
static void
test_walk_caches(void **state)
{
    (void)state;
    struct tables t;
    struct test_env env;
    test_env_init(&env, 64);
    struct pwc *pwc = caches(&env.alloc);
    tables_init_with(&t, MMU_AD_HARDWARE, pwc);
    t.middle[VPN1] |= G;
    assert_int_equal(walk_at(&t, VA, ACCESS_READ), MMU_OK);
    t.root[VPN2] = t.middle[VPN1] = 0; /* nobody looks there any more */
    struct mmu_trace trace = {0};
    assert_int_equal(walk_how(&t, VA, ACCESS_READ, 0, &trace), MMU_OK);
    assert_true(t.walk.global);
    assert_int_equal(trace.n, 2);
    assert_int_equal(trace.step[0].kind, MMU_STEP_PWC);
    assert_int_equal(trace.step[0].level, 2);
    assert_int_equal(trace.step[0].value, t.pfn[2]);
    expect_entry(&trace.step[1], 2, VPN0, t.pfn[2], t.last[VPN0]);
    /* another 2 MiB of the same 1 GiB: only the middle table is known */
    assert_int_equal(walk_at(&t, VA ^ 1ull << 21, ACCESS_READ), MMU_NOT_PRESENT);
    assert_int_equal(walk_at(&t, VA ^ 1ull << 30, ACCESS_READ), MMU_NOT_PRESENT);
    assert_int_equal(t.stats.pwc_hits[2], 1);
    assert_int_equal(t.stats.pwc_hits[1], 1);
    assert_int_equal(t.stats.pwc_hits[0], 0);
    assert_int_equal(t.stats.walk_refs[0], 2);
    assert_int_equal(t.stats.walk_refs[1], 2);
    assert_int_equal(t.stats.walk_refs[2], 2);
    tables_fini(&t);
    pwc_destroy(pwc);
    test_env_fini(&env);
}

/* Walks that fault or peek tell the caches nothing; superpages leave the tables above. */
static void
test_walk_caches_fill(void **state)
{
    (void)state;
    struct tables t;
    struct test_env env;
    struct pwc_entry entry;
    test_env_init(&env, 64);
    struct pwc *pwc = caches(&env.alloc);
    tables_init_with(&t, MMU_AD_HARDWARE, pwc);
    t.last[VPN0] &= ~X;
    assert_int_equal(walk_at(&t, VA, ACCESS_EXEC), MMU_RIGHTS);
    assert_int_equal(walk_at(&t, VA ^ 1ull << 12, ACCESS_READ), MMU_NOT_PRESENT);
    assert_int_equal(walk_how(&t, VA, ACCESS_READ, MMU_WALK_PEEK, NULL), MMU_OK);
    assert_int_equal(pwc_find(pwc, VA, 7, false, &entry), 0);
    t.middle[VPN1] = TEST_BASE_PFN << 10 | V | R | U;
    assert_int_equal(walk_at(&t, VA, ACCESS_READ), MMU_OK);
    assert_int_equal(pwc_find(pwc, VA, 7, false, &entry), 1);
    assert_int_equal(entry.pfn, t.pfn[1]);
    assert_int_equal(entry.prot, PROT_MASK_ALL);
    assert_true(entry.user && !entry.global);
    struct mmu_stats before = t.stats; /* a peek uses them and counts nothing */
    struct mmu_trace trace = {0};
    assert_int_equal(walk_how(&t, VA, ACCESS_READ, MMU_WALK_PEEK, &trace), MMU_OK);
    assert_int_equal(trace.step[0].kind, MMU_STEP_PWC);
    assert_memory_equal(&t.stats, &before, sizeof(before));
    tables_fini(&t);
    pwc_destroy(pwc);
    test_env_fini(&env);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rights),
        cmocka_unit_test(test_not_present),
        cmocka_unit_test(test_reserved),
        cmocka_unit_test(test_pointers),
        cmocka_unit_test(test_superpages),
        cmocka_unit_test(test_canonical),
        cmocka_unit_test(test_accessed_dirty),
        cmocka_unit_test(test_bus),
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_ad_fault),
        cmocka_unit_test(test_peek),
        cmocka_unit_test(test_prefetch),
        cmocka_unit_test(test_trace),
        cmocka_unit_test(test_trace_faults),
        cmocka_unit_test(test_trace_full),
        cmocka_unit_test(test_walk_caches),
        cmocka_unit_test(test_walk_caches_fill),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
