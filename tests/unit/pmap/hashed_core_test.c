/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The paged core over an inverted table with next to no aliases: 176 frames leave room for 16 in
 * the table's one frame.  Spaces that share everything chase each other's mappings out all the
 * time; every one comes back by a fault, with the same bytes.
 */
#include "policy/policies.h"
#include "pmap/pmaps.h"
#include "support/test.h"
#include "support/vm_rig.h"

#define FRAMES 176u
#define SPACES 5u
#define PAGES 40u /* private, and so many again of a file, under two names */
#define ANON UINT64_C(0x100000)
#define FILE_A UINT64_C(0x200000)
#define FILE_B UINT64_C(0x7fff00000000)
#define FILE_KEY 1000u

static const struct vm_rig_config config = {.name = "hashed",
    .pmap = &pmap_hashed,
    .policy = &policy_lru,
    .frames = FRAMES,
    .swap_slots = 512,
    .tlb = "l1=64:4,l2=512:8"};

struct core {
    struct vm_rig rig;
    struct space *space[SPACES];
    unsigned char anon[SPACES][PAGES]; /* the first byte of each private page */
};

static void
map_at(struct space *space, uint64_t va, struct space_object *object)
{
    struct space_map_args args = {.va = va,
        .len = PAGES << PAGE_SHIFT,
        .prot = PROT_MASK_R | PROT_MASK_W,
        .flags = SPACE_FIXED,
        .use = object != NULL ? SPACE_USE_FILE : SPACE_USE_ANON,
        .object = object};
    uint64_t got;
    assert_int_equal(space->ops->map(space, &args, &got), PGW_OK);
    assert_int_equal(got, va);
}

static unsigned char
load(struct core *core, unsigned s, uint64_t va)
{
    unsigned char byte = 0;
    assert_int_equal(vm_rig_load(&core->rig, core->space[s], va, &byte), SPACE_FAULT_OK);
    return byte;
}

static void
store(struct core *core, unsigned s, uint64_t page, unsigned char byte)
{
    assert_int_equal(vm_rig_store(&core->rig, core->space[s], ANON + (page << PAGE_SHIFT), byte),
        SPACE_FAULT_OK);
    core->anon[s][page] = byte;
}

/* A space with memory and the file under two names, and copies of it that share every page. */
static void
core_init(struct core *core)
{
    vm_rig_init(&core->rig, &config);
    assert_int_equal(vm_rig_add_file(&core->rig, PAGES, FILE_KEY), PGW_OK);
    assert_int_equal(vm_space_create(core->rig.vm, &core->space[0]), PGW_OK);
    map_at(core->space[0], ANON, NULL);
    map_at(core->space[0], FILE_A, core->rig.file);
    map_at(core->space[0], FILE_B, core->rig.file);
    for (unsigned i = 0; i < PAGES; i++)
        store(core, 0, i, (unsigned char)(i + 1));
    for (unsigned s = 1; s < SPACES; s++) {
        assert_int_equal(core->space[0]->ops->fork(core->space[0], &core->space[s]), PGW_OK);
        for (unsigned i = 0; i < PAGES; i++)
            core->anon[s][i] = core->anon[0][i];
    }
}

static void
core_fini(struct core *core)
{
    for (unsigned s = 0; s < SPACES; s++)
        core->space[s]->ops->destroy(core->space[s]);
    vm_rig_fini(&core->rig);
}

/* A whole page of the file, byte for byte, under one of its names. */
static void
expect_file(struct core *core, unsigned s, uint64_t at, uint64_t page)
{
    unsigned char bytes[PAGE_SIZE];
    for (uint64_t i = 0; i < PAGE_SIZE; i++)
        bytes[i] = load(core, s, at + (page << PAGE_SHIFT) + i);
    test_page_expect(bytes, FILE_KEY + page);
}

static void
test_bytes_come_back(void **state)
{
    static struct core core;
    struct base_rng rng;
    struct vm_stats before, after;
    (void)state;
    core_init(&core);
    test_rng_init(&rng, 1);
    vm_stats(core.rig.vm, &before);
    uint64_t rounds = test_rounds(20000);
    for (uint64_t i = 0; i < rounds; i++) {
        unsigned s = (unsigned)base_rng_below(&rng, SPACES);
        uint64_t page = base_rng_below(&rng, PAGES);
        unsigned what = (unsigned)base_rng_below(&rng, 300);
        if (what == 0) /* pages are slowly made a space's own */
            store(&core, s, page, (unsigned char)i);
        else if (what == 1)
            expect_file(&core, s, i % 2 == 0 ? FILE_A : FILE_B, page);
        else if (what < 150)
            assert_int_equal(load(&core, s, ANON + (page << PAGE_SHIFT)), core.anon[s][page]);
        else
            (void)load(&core, s, (what % 2 == 0 ? FILE_A : FILE_B) + (page << PAGE_SHIFT));
        if (i % 500 == 0)
            assert_true(vm_check(core.rig.vm));
    }
    vm_stats(core.rig.vm, &after);
    /* RAM is enough for all: whatever faults more than once for a name had vanished. */
    uint64_t names = SPACES * 3 * PAGES, stores = after.cow - before.cow;
    assert_true(after.faults - before.faults > names + stores + rounds / 10);
    core_fini(&core);
}

/* An instruction that copies from one name of a page to another needs both at once.  Every space
 * does so with every page, in turn: nobody is kept from going on. */
static void
test_two_names_in_one_instruction(void **state)
{
    static struct core core;
    (void)state;
    core_init(&core);
    const struct mmu_ops *ops = core.rig.mmu->ops;
    for (unsigned round = 0; round < 3 * SPACES * PAGES; round++) {
        unsigned s = round % SPACES, page = round / SPACES % PAGES, faults = 0;
        uint64_t va[2] = {FILE_A + (page << PAGE_SHIFT), FILE_B + (page << PAGE_SHIFT)};
        (void)load(&core, s, va[round % 2]); /* loads the registers, too */
        unsigned done = 0;
        while (done < 2) {
            struct mmu_translation out;
            if (ops->translate(core.rig.mmu, va[done], ACCESS_READ, &out) == MMU_OK) {
                done++;
                continue;
            }
            assert_int_equal(
                core.space[s]->ops->fault(core.space[s], va[done], ACCESS_READ), SPACE_FAULT_OK);
            assert_true(++faults <= 2);
            done = 0; /* the instruction begins anew */
        }
    }
    assert_true(vm_check(core.rig.vm));
    core_fini(&core);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_come_back),
        cmocka_unit_test(test_two_names_in_one_instruction),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
