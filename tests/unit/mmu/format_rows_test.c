/* SPDX-License-Identifier: BSD-2-Clause */
/* All formats: the rows are consistent, and the walker finds in random tables what a reading of
 * each format by hand finds (format_model.h). */
#include "mmu/format.h"

#include <string.h>

#include "format_model.h"
#include "mmu/walker.h"
#include "support/test.h"
#include "support/test_env.h"

#define FRAMES 2048u /* 8 MiB */
#define TABLES 3u    /* of each level */
#define PICKS 4u     /* indices in use in each table */

struct rows {
    struct test_env env;
    struct base_rng rng;
    const struct mmu_format *format;
    struct mmu_walker *walker[2]; /* by enum mmu_ad */
    struct mem_page *table[MMU_LEVELS_MAX][TABLES];
    unsigned pick[MMU_LEVELS_MAX][PICKS];
    struct mmu_stats stats;
};

static unsigned
rows_tables(unsigned level)
{
    return level == 0 ? 1 : TABLES;
}

static uint64_t
rows_random(struct rows *rows, uint64_t n)
{
    return base_rng_below(&rows->rng, n);
}

static void
rows_init(struct rows *rows, const struct mmu_format *format)
{
    memset(rows, 0, sizeof(*rows));
    test_env_init(&rows->env, FRAMES);
    test_rng_init(&rows->rng, format->levels * 64u + format->va_bits);
    rows->format = format;
    for (enum mmu_ad ad = MMU_AD_HARDWARE; ad <= MMU_AD_FAULT; ad++)
        assert_int_equal(mmu_radix_walker_create(
                             format, ad, &rows->env.mem, &rows->env.alloc, NULL, &rows->walker[ad]),
            PGW_OK);
    for (unsigned level = 0; level < format->levels; level++)
        for (unsigned i = 0; i < rows_tables(level); i++) {
            unsigned order = mmu_format_table_order(format, level);
            rows->table[level][i] = mem_alloc(&rows->env.mem, order, MEM_ZERO);
            assert_non_null(rows->table[level][i]);
        }
}

static void
rows_fini(struct rows *rows)
{
    for (unsigned level = 0; level < rows->format->levels; level++)
        for (unsigned i = 0; i < rows_tables(level); i++)
            mem_free(&rows->env.mem, rows->table[level][i]);
    for (enum mmu_ad ad = MMU_AD_HARDWARE; ad <= MMU_AD_FAULT; ad++)
        rows->walker[ad]->ops->destroy(rows->walker[ad]);
    test_env_fini(&rows->env);
}

/* A leaf of this level that is well formed, most often in RAM. */
static uint64_t
rows_leaf(struct rows *rows, unsigned level)
{
    const struct mmu_format *format = rows->format;
    unsigned order = mmu_format_order(format, level);
    uint64_t pfn = TEST_BASE_PFN + rows_random(rows, FRAMES + 8);
    pfn = pfn >> order << order;
    prot_t prot = format->prot_given[rows_random(rows, 8)];
    uint64_t pte = mmu_pte_leaf(format, level, pfn, prot, rows_random(rows, 8) != 0);
    pte = mmu_bits_put(pte, format->accessed, rows_random(rows, 2) != 0);
    if (prot_allows(prot, ACCESS_WRITE) || format->also_writable.mask == 0)
        pte = mmu_bits_put(pte, format->dirty, rows_random(rows, 2) != 0);
    bool run = format->run_order != 0 && level + 1 == format->levels && rows_random(rows, 3) == 0;
    return run ? mmu_pte_with_run(format, pte) : pte;
}

static uint64_t
rows_entry(struct rows *rows, unsigned level)
{
    const struct mmu_format *format = rows->format;
    uint64_t what = rows_random(rows, 16), pte;
    if (what == 0)
        return 0;
    if (what == 1)
        return base_rng_next(&rows->rng);
    bool table = format->level[level].table && (what < 11 || !format->level[level].leaf);
    if (table) {
        struct mem_page *below = rows->table[level + 1][rows_random(rows, TABLES)];
        pte = mmu_pte_table(format, level, mem_page_pfn(&rows->env.mem, below));
    } else {
        pte = rows_leaf(rows, level);
    }
    if (rows_random(rows, 3) == 0) /* some bits wrong */
        for (uint64_t n = rows_random(rows, 3); n > 0; n--)
            pte ^= 1ull << rows_random(rows, format->pte_bytes * 8);
    return pte;
}

/* Fresh entries at fresh places. */
static void
rows_fill(struct rows *rows)
{
    const struct mmu_format *format = rows->format;
    for (unsigned level = 0; level < format->levels; level++)
        for (unsigned i = 0; i < PICKS; i++)
            rows->pick[level][i] = (unsigned)rows_random(rows, 1u << format->level[level].bits);
    for (unsigned level = 0; level < format->levels; level++)
        for (unsigned t = 0; t < rows_tables(level); t++)
            for (unsigned i = 0; i < PICKS; i++)
                mmu_pte_store(format, mem_page_bytes(&rows->env.mem, rows->table[level][t]),
                    rows->pick[level][i], rows_entry(rows, level));
}

static uint64_t
rows_va(struct rows *rows)
{
    uint64_t va = rows_random(rows, PAGE_SIZE);
    for (unsigned level = 0; level < rows->format->levels; level++) {
        unsigned idx = rows->pick[level][rows_random(rows, PICKS)];
        va |= (uint64_t)idx << rows->format->level[level].shift;
    }
    return va;
}

/* What the model says must have been written has been. */
static bool
rows_written(const struct rows *rows, const struct format_model *model)
{
    for (unsigned i = 0; i < model->nwrites; i++) {
        const struct mem_page *page = mem_page_at(&rows->env.mem, model->write[i].pa >> PAGE_SHIFT);
        uint64_t now = mmu_pte_load(
            rows->format, mem_page_bytes(&rows->env.mem, page) + model->write[i].pa % PAGE_SIZE, 0);
        if (now != model->write[i].value)
            return false;
    }
    return true;
}

static bool
rows_counted(const struct rows *rows, const struct mmu_stats *before,
    const struct format_model *model, unsigned how)
{
    const struct mmu_stats *stats = &rows->stats;
    if ((how & MMU_WALK_PEEK) != 0)
        return memcmp(stats, before, sizeof(*stats)) == 0;
    bool ok = stats->walks == before->walks + 1 &&
              stats->ad_updates == before->ad_updates + (model->nwrites != 0) &&
              stats->ad_faults == before->ad_faults + (how == 0 && model->fault == MMU_AD);
    for (unsigned level = 0; level < MMU_LEVELS_MAX; level++)
        ok = ok && stats->walk_refs[level] == before->walk_refs[level] + model->refs[level];
    return ok;
}

static bool
rows_same(const struct mmu_walk *walk, const struct format_model *model)
{
    return walk->pfn == model->pfn && walk->prot == model->prot && walk->order == model->order &&
           walk->global == model->global && walk->dirty == model->dirty;
}

/* The tables' bytes, all RAM of them, as one number. */
static uint64_t
rows_sum(const struct rows *rows)
{
    uint64_t sum = 0;
    for (unsigned level = 0; level < rows->format->levels; level++)
        for (unsigned t = 0; t < rows_tables(level); t++)
            for (unsigned i = 0; i < PICKS; i++)
                sum = sum * 31 + mmu_pte_load(rows->format,
                                     mem_page_bytes(&rows->env.mem, rows->table[level][t]),
                                     rows->pick[level][i]);
    return sum;
}

static enum mmu_fault
rows_compare(struct rows *rows)
{
    static const unsigned hows[4] = {0, 0, MMU_WALK_PEEK, MMU_WALK_PREFETCH};
    const struct mmu_format *format = rows->format;
    uint64_t va = rows_va(rows), pfn = mem_page_pfn(&rows->env.mem, rows->table[0][0]);
    enum access access = (enum access)rows_random(rows, 3);
    enum mmu_ad ad = (enum mmu_ad)rows_random(rows, 2);
    unsigned how = hows[rows_random(rows, 4)];
    struct format_model model;
    struct mmu_walk walk;
    struct mmu_trace trace = {0};
    struct mmu_stats before = rows->stats;
    bool traced = rows_random(rows, 2) != 0;
    format_model_walk(format->name, &rows->env.mem, pfn, va, access, how, ad, &model);
    uint64_t sum = rows_sum(rows);
    enum mmu_fault fault =
        rows->walker[ad]->ops->walk(rows->walker[ad], mmu_format_root(format, pfn, 1), 1, va,
            access, how, &rows->stats, &walk, traced ? &trace : NULL);
    bool ok = fault == model.fault && rows_written(rows, &model) &&
              rows_counted(rows, &before, &model, how) &&
              (fault != MMU_OK || rows_same(&walk, &model)) &&
              (model.nwrites != 0 || rows_sum(rows) == sum);
    if (traced)
        ok = ok && trace.fault == fault &&
             (fault != MMU_OK || trace.pa == (walk.pfn << PAGE_SHIFT | va % PAGE_SIZE));
    if (!ok)
        fail_msg("%s: va %#llx access %d how %u ad %d: fault %d, want %d; pfn %#llx, want %#llx",
            format->name, (unsigned long long)va, (int)access, how, (int)ad, (int)fault,
            (int)model.fault, (unsigned long long)walk.pfn, (unsigned long long)model.pfn);
    return fault;
}

static void
test_random_tables(void **state)
{
    (void)state;
    for (size_t i = 0; mmu_formats[i] != NULL; i++) {
        struct rows rows;
        uint64_t met[MMU_FAULTS] = {0};
        rows_init(&rows, mmu_formats[i]);
        for (uint64_t round = test_rounds(600); round > 0; round--) {
            rows_fill(&rows);
            for (unsigned n = 0; n < 100; n++)
                met[rows_compare(&rows)]++;
        }
        /* the tables were worth walking */
        assert_true(met[MMU_OK] > 1000 && met[MMU_NOT_PRESENT] > 1000 && met[MMU_AD] > 1000);
        assert_true(met[MMU_RIGHTS] > 100 && met[MMU_BUS] > 100);
        rows_fini(&rows);
    }
}

/* Levels cut the whole address, each begins where the one above ends, and only the last maps
 * pages. */
static void
test_levels(void **state)
{
    (void)state;
    for (size_t i = 0; mmu_formats[i] != NULL; i++) {
        const struct mmu_format *format = mmu_formats[i];
        unsigned top = format->va_bits;
        assert_true(format->levels >= 1 && format->levels <= MMU_LEVELS_MAX);
        for (unsigned level = 0; level < format->levels; level++) {
            const struct mmu_level *l = &format->level[level];
            assert_int_equal(l->shift + l->bits, top);
            assert_int_equal(l->table, level + 1 < format->levels);
            top = l->shift;
        }
        assert_int_equal(top, PAGE_SHIFT);
        assert_true(format->level[format->levels - 1].leaf);
        uint64_t half = 1ull << (format->va_bits - 1);
        uint64_t end = format->sign_extended ? half : 2 * half;
        assert_true(mmu_format_user_end(format) <= end);
        assert_true(mmu_format_canonical(format, end - 1) && !mmu_format_canonical(format, end));
        assert_string_not_equal(format->source, "");
    }
}

/* A leaf says what it was made to say; prot_given is the smallest that contains what is asked. */
static void
test_leaves(void **state)
{
    (void)state;
    for (size_t i = 0; mmu_formats[i] != NULL; i++) {
        const struct mmu_format *format = mmu_formats[i];
        for (unsigned level = 0; level < format->levels; level++) {
            if (!format->level[level].leaf)
                continue;
            uint64_t pfn = (mmu_format_pfn_end(format) - 1) >>
                           mmu_format_order(format, level) << mmu_format_order(format, level);
            for (prot_t asked = 0; asked < 8; asked++) {
                prot_t prot = format->prot_given[asked];
                assert_int_equal(prot & asked, asked);
                assert_int_equal(format->prot_given[prot], prot);
                uint64_t pte = mmu_pte_leaf(format, level, pfn, prot, true);
                assert_true(mmu_pte_valid(format, level, pte) || (prot & asked) == 0);
                assert_int_equal(mmu_pte_prot(format, pte), prot);
                assert_int_equal(mmu_pte_leaf_pfn(format, level, pte), pfn);
                assert_int_equal(pte & format->level[level].leaf_reserved, 0);
                assert_false(mmu_bits_hold(pte, format->accessed));
                assert_false(mmu_bits_hold(pte, format->dirty));
                assert_true(prot == 0 || !mmu_pte_is_table(format, level, pte));
            }
        }
    }
}

/* No right to write is left behind by the dirty bit. */
static void
test_taking_rights(void **state)
{
    (void)state;
    for (size_t i = 0; mmu_formats[i] != NULL; i++) {
        const struct mmu_format *format = mmu_formats[i];
        unsigned last = format->levels - 1;
        uint64_t pte = mmu_pte_leaf(format, last, 1, PROT_MASK_ALL, true);
        pte = mmu_bits_put(mmu_bits_put(pte, format->accessed, true), format->dirty, true);
        assert_int_equal(mmu_pte_prot(format, pte), PROT_MASK_ALL);
        pte = mmu_pte_with_prot(format, pte, format->prot_given[PROT_MASK_R]);
        assert_int_equal(mmu_pte_prot(format, pte), format->prot_given[PROT_MASK_R]);
        assert_true(mmu_bits_hold(pte, format->accessed));
        pte = mmu_pte_with_prot(format, pte, PROT_MASK_ALL);
        assert_int_equal(mmu_pte_prot(format, pte), PROT_MASK_ALL);
    }
}

/* What a walker says of itself. */
static void
test_walkers(void **state)
{
    static const struct {
        const char *name;
        unsigned levels, asid_bits;
        uint64_t low, high;
        uint32_t orders;
        uint64_t user_end, pfn_end;
    } rows[] = {
        {"linear", 1, 0, 1ull << 32, 0, 1, 3ull << 30, 1ull << 20},
        {"x86", 2, 0, 1ull << 32, 0, 1 | 1 << 10, 3ull << 30, 1ull << 20},
        {"pae", 3, 0, 1ull << 32, 0, 1 | 1 << 9, 3ull << 30, 1ull << 24},
        {"x86-64", 4, 12, 1ull << 47, -(1ull << 47), 1 | 1 << 9 | 1 << 18, 1ull << 47, 1ull << 34},
        {"la57", 5, 12, 1ull << 56, -(1ull << 56), 1 | 1 << 9 | 1 << 18, 1ull << 56, 1ull << 34},
        {"sv32", 2, 9, 1ull << 32, 0, 1 | 1 << 10, 3ull << 30, 1ull << 22},
        {"sv39", 3, 16, 1ull << 38, -(1ull << 38), 1 | 1 << 4 | 1 << 9 | 1 << 18, 1ull << 38,
            1ull << 44},
        {"sv48", 4, 16, 1ull << 47, -(1ull << 47), 1 | 1 << 4 | 1 << 9 | 1 << 18 | 1 << 27,
            1ull << 47, 1ull << 44},
        {"sv57", 5, 16, 1ull << 56, -(1ull << 56), 1 | 1 << 4 | 1 << 9 | 1 << 18 | 1 << 27,
            1ull << 56, 1ull << 44},
        {"armv8", 4, 16, 1ull << 48, 0, 1 | 1 << 9 | 1 << 18, 1ull << 48, 1ull << 36},
        {"mips32", 2, 8, 1ull << 31, 0, 1, 1ull << 31, 1ull << 20},
    };
    (void)state;
    struct test_env env;
    test_env_init(&env, 64);
    size_t n = 0;
    for (; mmu_formats[n] != NULL; n++) {
        struct mmu_walker *walker;
        assert_int_equal(mmu_radix_walker_create(
                             mmu_formats[n], MMU_AD_HARDWARE, &env.mem, &env.alloc, NULL, &walker),
            PGW_OK);
        assert_string_equal(walker->name, rows[n].name);
        assert_int_equal(walker->levels, rows[n].levels);
        assert_int_equal(walker->asid_bits, rows[n].asid_bits);
        assert_int_equal(walker->registers, 1);
        assert_true(walker->va_end_low == rows[n].low);
        assert_true(walker->va_start_high == rows[n].high);
        assert_int_equal(walker->orders, rows[n].orders);
        assert_true(mmu_format_user_end(mmu_formats[n]) == rows[n].user_end);
        assert_true(mmu_format_pfn_end(mmu_formats[n]) == rows[n].pfn_end);
        walker->ops->destroy(walker);
    }
    assert_int_equal(n, sizeof(rows) / sizeof(rows[0]));
    test_env_fini(&env);
}

static void
create_body(void *ctx)
{
    struct test_env *env = ctx;
    struct mmu_walker *walker;
    enum pgw_status status =
        mmu_radix_walker_create(&mmu_sv39, MMU_AD_HARDWARE, &env->mem, &env->alloc, NULL, &walker);
    assert_true(status == PGW_OK || status == PGW_NOMEM);
    if (status == PGW_OK)
        walker->ops->destroy(walker);
}

static void
test_no_memory(void **state)
{
    (void)state;
    struct test_env env;
    test_env_init(&env, 64);
    assert_int_equal(test_each_failure(&env.inject, INJECT_MAP, false, create_body, &env), 1);
    test_env_fini(&env);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_leaves),
        cmocka_unit_test(test_taking_rights),
        cmocka_unit_test(test_walkers),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_random_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
