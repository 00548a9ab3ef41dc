/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/seg/seg_rig.h"

#include <string.h>

#include "host/host_mem.h"
#include "mmu/mmus.h"
#include "support/test_pagers.h"
#include "support/test.h"

#define RIG_TRIES 8u /* an access that faults more often gets nowhere */
#define RIG_VA_BITS 32u
#define RIG_PACE 1000000u /* instructions an access: no test but its own is thrashing */

/* --- the machine --- */

static void
rig_reload(void *ctx, const struct mmu_segment_registers *regs)
{
    struct seg_rig *rig = ctx;

    rig->reloads++;
    mmu_segment_reload(rig->mmu, regs);
}

static void
rig_range(void *ctx, uint32_t asid, uint64_t va, uint64_t npages)
{
    struct seg_rig *rig = ctx;

    rig->ranges++;
    for (unsigned i = 0; i < SEG_RIG_POINTERS; i++) {
        struct seg_rig_pointer *pointer = &rig->pointers[i];
        if (pointer->asid == asid && pointer->vpn - (va >> PAGE_SHIFT) < npages)
            pointer->asid = 0;
    }
}

static void
rig_space(void *ctx, uint32_t asid)
{
    rig_range(ctx, asid, 0, UINT64_MAX);
}

static uint64_t
rig_now(void *ctx)
{
    const struct seg_rig *rig = ctx;

    return rig->now;
}

/* --- set up --- */

static void
rig_undo(struct seg_rig *rig)
{
    if (rig->seg != NULL)
        seg_system_destroy(rig->seg);
    if (rig->swap != NULL)
        rig->swap->ops->destroy(rig->swap);
    if (rig->mmu != NULL)
        rig->mmu->ops->destroy(rig->mmu);
}

enum pgw_status
seg_rig_try_init(struct seg_rig *rig, const struct seg_rig_config *config)
{
    rig->config = config;
    rig->mapped_before = rig->env.alloc.mapped;
    rig->mmu = NULL;
    rig->swap = NULL;
    rig->seg = NULL;
    rig->file = NULL;
    rig->active = NULL;
    rig->clock = (struct base_clock){rig_now, rig};
    memset(rig->pointers, 0, sizeof rig->pointers);
    enum pgw_status status = mmu_segment_create(&rig->env.mem, &rig->env.alloc, &rig->mmu);
    if (status == PGW_OK)
        status = test_swap_create(&rig->env, config->swap_slots, config->delayed, &rig->swap);
    if (status == PGW_OK)
        status = test_pool_create(&rig->env, config->pool, true, &rig->swap);
    if (status == PGW_OK) {
        struct seg_config seg = {.mem = &rig->env.mem,
            .alloc = &rig->env.alloc,
            .swap = rig->swap,
            .clock = &rig->clock,
            .machine = {rig, rig_reload, rig_range, rig_space},
            .scheme = config->scheme,
            .fit = config->fit,
            .bits = config->bits,
            .va_bits = RIG_VA_BITS,
            .no_compaction = config->no_compaction};
        status = seg_system_create(&seg, &rig->seg);
    }
    if (status != PGW_OK)
        rig_undo(rig);
    return status;
}

void
seg_rig_close(struct seg_rig *rig)
{
    struct seg_stats stats;

    if (rig->file != NULL)
        rig->file->ops->release(rig->file);
    assert_true(seg_check(rig->seg));
    seg_stats(rig->seg, &stats);
    assert_int_equal(stats.segments, 0);
    assert_int_equal(stats.regions, 0);
    assert_int_equal(stats.pages, 0);
    assert_int_equal(stats.free, rig->config->frames);
    if (rig->swap != NULL)
        assert_int_equal(rig->swap->stats.used, 0);
    rig_undo(rig);
    test_env_expect_all_free(&rig->env);
    assert_int_equal(rig->env.alloc.mapped, rig->mapped_before);
}

void
seg_rig_env_init(struct seg_rig *rig, const struct seg_rig_config *config)
{
    memset(rig, 0, sizeof *rig);
    rig->pace = RIG_PACE;
    test_env_init(&rig->env, config->frames + config->pool);
    if (config->scheme != SEG_NONE)
        return;
    mem_fini(&rig->env.mem, &rig->env.ram); /* program address = RAM address: from 0 */
    assert_int_equal(mem_init(&rig->env.mem, &rig->env.alloc, &rig->env.ram,
                         (config->frames + config->pool) << PAGE_SHIFT, 0),
        PGW_OK);
}

void
seg_rig_init(struct seg_rig *rig, const struct seg_rig_config *config)
{
    seg_rig_env_init(rig, config);
    assert_int_equal(seg_rig_try_init(rig, config), PGW_OK);
}

void
seg_rig_fini(struct seg_rig *rig)
{
    seg_rig_close(rig);
    test_env_fini(&rig->env);
}

enum pgw_status
seg_rig_add_file(struct seg_rig *rig, uint64_t npages, uint64_t base)
{
    struct pager *pager;
    enum pgw_status status = test_file_create(&rig->env, npages, base, &pager, NULL);

    if (status != PGW_OK)
        return status;
    status = seg_object_create(rig->seg, pager, npages, &rig->file);
    if (status != PGW_OK)
        pager->ops->destroy(pager);
    return status;
}

/* --- accesses --- */

void
seg_rig_switch(struct seg_rig *rig, struct space *space)
{
    struct pmap_context context;

    if (rig->active == space)
        return;
    if (rig->active != NULL)
        rig->active->ops->deactivate(rig->active);
    rig->active = space;
    if (space == NULL)
        return;
    space->ops->activate(space, &context);
    rig->asid = context.asid;
    rig->mmu->ops->load(rig->mmu, context.root, context.asid);
}

void
seg_rig_destroy(struct seg_rig *rig, struct space *space)
{
    if (rig->active == space)
        seg_rig_switch(rig, NULL);
    space->ops->destroy(space);
}

/* Is a pointer kept from an earlier access still the right one?  A hart would use it unasked. */
static void
rig_check_pointer(struct seg_rig *rig, uint64_t va, const struct mmu_translation *now, bool ok)
{
    struct seg_rig_pointer *pointer = &rig->pointers[(va >> PAGE_SHIFT) % SEG_RIG_POINTERS];

    if (pointer->asid == rig->asid && pointer->vpn == va >> PAGE_SHIFT) {
        assert_true(ok);
        assert_ptr_equal(pointer->bytes, now->bytes);
        assert_int_equal(pointer->prot & ~now->prot, 0);
    }
    if (ok)
        *pointer = (struct seg_rig_pointer){rig->asid, va >> PAGE_SHIFT, now->prot, now->bytes};
}

enum space_fault
seg_rig_page(struct seg_rig *rig, struct space *space, uint64_t va, enum access access,
    unsigned char **bytes)
{
    struct mmu_translation translation;
    enum mmu_fault why;

    seg_rig_switch(rig, space);
    for (unsigned tries = 0; tries < RIG_TRIES; tries++) {
        why = rig->mmu->ops->translate(rig->mmu, va, access, &translation);
        if (why != MMU_RIGHTS)
            rig_check_pointer(rig, va, &translation, why == MMU_OK);
        if (why == MMU_OK) {
            rig->now += rig->pace;
            *bytes = translation.bytes;
            return SPACE_FAULT_OK;
        }
        enum space_fault fault = space->ops->fault(space, va, access);
        if (fault != SPACE_FAULT_OK)
            return fault;
    }
    fail_msg("the access to 0x%llx gets nowhere", (unsigned long long)va);
    return SPACE_FAULT_NOMEM;
}

enum space_fault
seg_rig_load(struct seg_rig *rig, struct space *space, uint64_t va, unsigned char *byte)
{
    unsigned char *bytes;
    enum space_fault fault = seg_rig_page(rig, space, va, ACCESS_READ, &bytes);

    if (fault == SPACE_FAULT_OK)
        *byte = bytes[va & ~PAGE_MASK];
    return fault;
}

enum space_fault
seg_rig_store(struct seg_rig *rig, struct space *space, uint64_t va, unsigned char byte)
{
    unsigned char *bytes;
    enum space_fault fault = seg_rig_page(rig, space, va, ACCESS_WRITE, &bytes);

    if (fault == SPACE_FAULT_OK)
        bytes[va & ~PAGE_MASK] = byte;
    return fault;
}
