/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bytes of whole tables, as the builder leaves them in RAM, against the manuals' figures: here
 * each figure is a line of literals, read without the format descriptions.
 *
 *   x86, pae, x86-64, la57   Intel SDM vol. 3A, tables 4-3 to 4-20
 *   sv32 to sv57             RISC-V privileged 20211203, figures of 4.1.11 and 4.3.1 to 4.6.1
 *   armv8                    Arm ARM DDI 0487, VMSAv8-64 descriptor formats, 4 KiB granule
 *   mips32                   MIPS32 PRA, EntryLo, shifted as src/mmu/format_mips.c says
 *   linear                   src/mmu/format_linear.c
 */
#include <string.h>

#include "support/backends.h"
#include "support/test.h"
#include "support/test_env.h"

struct figure {
    const char *name;
    unsigned bytes;    /* of an entry */
    unsigned frame;    /* bit 0 of the frame number is this bit */
    unsigned shift[5]; /* of the address, by level; 0 ends */
    uint64_t table[4]; /* bits of an entry that leads to a table, besides the frame, by level */
    uint64_t data;     /* a page that is read and written, and was written */
    uint64_t code;     /* a page that is read and executed, and was read */
    unsigned big;      /* the level that maps a large page; 0 also: there is none, see large */
    uint64_t large;    /* that page: read and written, and was written; 0: none */
    uint64_t root;     /* the root register besides frame and tag */
    unsigned root_frame, root_tag, tag_bits;
};

#define LONG 0x8000000000000067, 0x25
static const struct figure figures[] = {
    {"linear", 4, 12, {12}, {0}, 0xd7, 0x5b, 0, 0, 0, 12, 0, 0},
    {"x86", 4, 12, {22, 12}, {7}, 0x67, 0x25, 0, 0xe7, 0, 12, 0, 0},
    {"pae", 8, 12, {30, 21, 12}, {1, 7}, LONG, 1, 0x80000000000000e7, 0, 12, 0, 0},
    {"x86-64", 8, 12, {39, 30, 21, 12}, {7, 7, 7}, LONG, 2, 0x80000000000000e7, 0, 12, 0, 12},
    {"la57", 8, 12, {48, 39, 30, 21, 12}, {7, 7, 7, 7}, LONG, 3, 0x80000000000000e7, 0, 12, 0, 12},
    {"sv32", 4, 10, {22, 12}, {1}, 0xd7, 0x5b, 0, 0xd7, 0x80000000, 0, 22, 9},
    {"sv39", 8, 10, {30, 21, 12}, {1, 1}, 0xd7, 0x5b, 1, 0xd7, 8ull << 60, 0, 44, 16},
    {"sv48", 8, 10, {39, 30, 21, 12}, {1, 1, 1}, 0xd7, 0x5b, 2, 0xd7, 9ull << 60, 0, 44, 16},
    {"sv57", 8, 10, {48, 39, 30, 21, 12}, {1, 1, 1, 1}, 0xd7, 0x5b, 3, 0xd7, 10ull << 60, 0, 44,
        16},
    {"armv8", 8, 12, {39, 30, 21, 12}, {3, 3, 3}, 0x0068000000000f43, 0x0020000000000fc3, 2,
        0x0068000000000f41, 0, 12, 48, 16},
    {"mips32", 4, 12, {22, 12}, {1}, 0x79d, 0x689, 0, 0, 0, 12, 0, 8},
};
#define NFIGURES (sizeof figures / sizeof figures[0])

#define VA 0x40803000ull
#define LARGE_VA 0x41000000ull

static void
ignore_range(void *ctx, uint32_t asid, uint64_t va, uint64_t npages, bool gone)
{
    (void)ctx, (void)asid, (void)va, (void)npages, (void)gone;
}

static void
ignore_space(void *ctx, uint32_t asid)
{
    (void)ctx, (void)asid;
}

/* Entry idx of the table in frame pfn: little-endian, byte by byte. */
static uint64_t
entry(const struct test_env *env, const struct figure *f, uint64_t pfn, uint64_t idx)
{
    const unsigned char *at = mem_page_bytes(&env->mem, mem_page_at(&env->mem, pfn));
    uint64_t value = 0;
    for (unsigned i = f->bytes; i-- > 0;)
        value = value << 8 | at[idx * f->bytes + i];
    return value;
}

/* Where the entries for va of a table of this level are. */
static uint64_t
idx_of(const struct figure *f, unsigned level, uint64_t va)
{
    uint64_t above = level == 0 ? 0 : va >> f->shift[level - 1] << f->shift[level - 1];
    return (va - above) >> f->shift[level];
}

/* The frame of the table of this level for va; the entries on the way are as the figure says. */
static uint64_t
table_for(
    const struct test_env *env, const struct figure *f, uint64_t pfn, unsigned level, uint64_t va)
{
    for (unsigned l = 0; l < level; l++) {
        uint64_t value = entry(env, f, pfn, idx_of(f, l, va));
        uint64_t low = (1ull << f->frame) - 1;
        assert_true((value & low) == f->table[l]);
        pfn = value >> f->frame;
        assert_non_null(mem_page_at(&env->mem, pfn)); /* so no bit above the frame is set */
    }
    return pfn;
}

static void
expect_leaf(const struct test_env *env, const struct figure *f, uint64_t table, uint64_t idx,
    const struct mem_page *page, uint64_t bits)
{
    assert_true(entry(env, f, table, idx) == (mem_page_pfn(&env->mem, page) << f->frame | bits));
}

static void
enter(struct pmap *pmap, uint64_t va, struct mem_page *page, unsigned order, prot_t prot)
{
    enum access access = prot_allows(prot, ACCESS_WRITE) ? ACCESS_WRITE : ACCESS_READ;
    assert_int_equal(pmap->ops->enter(pmap, va, &page, 1, order, prot, access, 0), PGW_OK);
}

static void
expect_figure(const struct figure *f, const struct backend *backend)
{
    struct pmap_shootdown shootdown = {NULL, ignore_range, ignore_space};
    struct pmap_system *system;
    struct pmap *pmap;
    struct pmap_context context;
    struct test_env env;
    unsigned last = 0;
    test_env_init(&env, 8192);
    assert_int_equal(
        backend->pmap->system_create(&env.mem, &env.alloc, &shootdown, &system), PGW_OK);
    assert_int_equal(backend->pmap->create(system, &pmap), PGW_OK);
    struct mem_page *data = mem_alloc(&env.mem, 0, 0), *code = mem_alloc(&env.mem, 0, 0);
    unsigned order = f->shift[f->big] - PAGE_SHIFT;
    struct mem_page *large = f->large != 0 ? mem_alloc(&env.mem, order, 0) : NULL;
    enter(pmap, VA, data, 0, PROT_MASK_R | PROT_MASK_W);
    enter(pmap, VA + PAGE_SIZE, code, 0, PROT_MASK_R | PROT_MASK_X);
    if (large != NULL)
        enter(pmap, LARGE_VA, large, order, PROT_MASK_R | PROT_MASK_W);

    backend->pmap->activate(pmap, &context);
    uint64_t tag = context.asid & ((1ull << f->tag_bits) - 1);
    uint64_t root = (context.root ^ f->root ^ tag << f->root_tag) >> f->root_frame;
    assert_true(context.root == (f->root | tag << f->root_tag | root << f->root_frame));
    while (last < 4 && f->shift[last + 1] != 0)
        last++;
    uint64_t table = table_for(&env, f, root, last, VA), at = idx_of(f, last, VA);
    expect_leaf(&env, f, table, at, data, f->data);
    expect_leaf(&env, f, table, at + 1, code, f->code);
    for (uint64_t i = 0; last > 0 && i < PAGE_SIZE / f->bytes; i++)
        if (i != at && i != at + 1)
            assert_true(entry(&env, f, table, i) == 0);
    if (large != NULL) {
        table = table_for(&env, f, root, f->big, LARGE_VA);
        expect_leaf(&env, f, table, idx_of(f, f->big, LARGE_VA), large, f->large);
    }

    backend->pmap->destroy(pmap);
    backend->pmap->system_destroy(system);
    mem_free(&env.mem, data);
    mem_free(&env.mem, code);
    if (large != NULL)
        mem_free(&env.mem, large);
    test_env_fini(&env);
}

static void
test_figures(void **state)
{
    const struct backend *backend;
    size_t seen = 0;
    (void)state;
    for (size_t i = 0; (backend = backend_at(i)) != NULL; i++)
        for (size_t k = 0; k < NFIGURES; k++)
            if (strcmp(backend->name, figures[k].name) == 0) {
                print_message("%s\n", backend->name);
                expect_figure(&figures[k], backend);
                seen++;
            }
    assert_int_equal(seen, NFIGURES);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_figures)};
    return cmocka_run_group_tests_name("table_bytes", tests, NULL, NULL);
}
