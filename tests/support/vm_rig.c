/* SPDX-License-Identifier: BSD-2-Clause */
#include "support/vm_rig.h"

#include <unistd.h>

#include "api/flat.h"
#include "mmu/mmus.h"
#include "pager/pagers.h"
#include "support/chaos_pmap.h"
#include "support/test_pagers.h"
#include "support/test.h"

static void
rig_range(void *ctx, uint32_t asid, uint64_t va, uint64_t npages, bool gone)
{
    struct vm_rig *rig = ctx;

    (void)gone;
    if (rig->mmu != NULL)
        rig->mmu->ops->invalidate_range(rig->mmu, asid, va, npages);
}

static void
rig_space(void *ctx, uint32_t asid)
{
    struct vm_rig *rig = ctx;

    if (rig->mmu != NULL)
        rig->mmu->ops->invalidate_space(rig->mmu, asid);
}

static const struct backend *
rig_backend(const struct vm_rig_config *config)
{
    const struct pmap_ops *inner = chaos_pmap_inner_ops(config->pmap);

    if (config->backend != NULL)
        return config->backend;
    return backend_of(inner != NULL ? inner : config->pmap);
}

static enum pgw_status
rig_make_mmu(struct vm_rig *rig)
{
    struct mmu_tlb_spec spec;

    if (rig->config->flat)
        return flat_create(&rig->env.mem, &rig->env.alloc, &rig->mmu);
    const struct backend *backend = rig_backend(rig->config);
    assert_non_null(backend);
    assert_int_equal(mmu_tlb_spec_parse(rig->config->tlb, &spec), PGW_OK);
    return backend->create_mmu(backend, &spec, &rig->env.mem, &rig->env.alloc, &rig->mmu);
}

static void
rig_undo(struct vm_rig *rig)
{
    if (rig->vm != NULL)
        vm_system_destroy(rig->vm);
    if (rig->swap != NULL)
        rig->swap->ops->destroy(rig->swap);
    if (rig->pmaps != NULL)
        rig->pmaps->ops->system_destroy(rig->pmaps);
    if (rig->mmu != NULL)
        rig->mmu->ops->destroy(rig->mmu);
}

void
vm_rig_serve(struct vm_rig_config *config, struct nbd_server *server)
{
    static const struct nbd_server_config small = {.size = 24 * PAGE_SIZE};

    config->uri = NULL;
#ifndef HAVE_LIBNBD
    config->remote = false;
#endif
    if (!config->remote)
        return;
    nbd_server_start(server, &small);
    config->uri = server->uri;
}

void
vm_rig_unserve(const struct vm_rig_config *config, struct nbd_server *server)
{
    if (config->remote)
        nbd_server_stop(server);
}

static uint64_t
rig_now(void *ctx)
{
    struct vm_rig *rig = ctx;

    return rig->now += 100000;
}

static enum pgw_status
rig_make_swap(struct vm_rig *rig)
{
    const struct vm_rig_config *config = rig->config;
    enum pgw_status status = test_chain_create(
        &rig->env, config->swap_slots, config->delayed, config->devices, &rig->swap);

    if (status == PGW_OK)
        status = test_remote_create(&rig->env, config->uri, &rig->swap);
    if (status == PGW_OK)
        status = test_pool_create(&rig->env, config->pool, false, &rig->swap);
    return status;
}

static enum pgw_status
rig_make_vm(struct vm_rig *rig)
{
    const struct vm_rig_config *config = rig->config;
    struct pmap_caps caps;

    config->pmap->caps(rig->pmaps, &caps);
    struct vm_config vm = {.mem = &rig->env.mem,
        .alloc = &rig->env.alloc,
        .pmap_system = rig->pmaps,
        .policy_ops = config->policy,
        .policy_param = config->policy_param,
        .swap = rig->swap,
        .tmem = config->pool > 0 ? pager_zpool_tmem(rig->swap) : NULL,
        .clock = config->proactive > 0 ? &rig->clock : NULL,
        .proactive = config->proactive,
        .merge = config->merge,
        .seed = 1,
        .space_end = caps.va_end,
        .ahead_max = config->ahead,
        .around_max = config->around,
        .overcommit = config->overcommit,
        .overcommit_ratio = config->overcommit_ratio,
        .huge = config->huge,
        .huge_alloc = config->huge_alloc,
        .huge_order = config->huge_order};
    enum pgw_status status = vm_system_create(&vm, &rig->vm);
    if (status == PGW_OK && config->group > 0)
        status = vm_group_create(rig->vm, "rig", config->group, &rig->group);
    return status;
}

enum pgw_status
vm_rig_try_init(struct vm_rig *rig, const struct vm_rig_config *config)
{
    struct pmap_shootdown shootdown = {.ctx = rig, .range = rig_range, .space = rig_space};

    rig->config = config;
    rig->mapped_before = rig->env.alloc.mapped;
    rig->pmaps = NULL;
    rig->mmu = NULL;
    rig->swap = NULL;
    rig->vm = NULL;
    rig->file = NULL;
    rig->file_fd = -1;
    rig->group = 0;
    rig->now = 0;
    rig->clock = (struct base_clock){.now_ns = rig_now, .ctx = rig};
    enum pgw_status status = rig_make_mmu(rig);
    if (status == PGW_OK)
        status =
            config->pmap->system_create(&rig->env.mem, &rig->env.alloc, &shootdown, &rig->pmaps);
    if (status == PGW_OK)
        status = rig_make_swap(rig);
    if (status == PGW_OK)
        status = rig_make_vm(rig);
    if (status != PGW_OK)
        rig_undo(rig);
    return status;
}

void
vm_rig_init(struct vm_rig *rig, const struct vm_rig_config *config)
{
    test_env_init(&rig->env, config->frames);
    assert_int_equal(vm_rig_try_init(rig, config), PGW_OK);
}

void
vm_rig_close(struct vm_rig *rig)
{
    if (rig->file != NULL)
        rig->file->ops->release(rig->file);
    if (rig->file_fd >= 0)
        (void)close(rig->file_fd);
    if (rig->swap != NULL)
        assert_int_equal(rig->swap->stats.used, 0);
    rig_undo(rig);
    test_env_expect_all_free(&rig->env);
    assert_int_equal(rig->env.alloc.mapped, rig->mapped_before);
}

void
vm_rig_fini(struct vm_rig *rig)
{
    vm_rig_close(rig);
    test_env_fini(&rig->env);
}

enum pgw_status
vm_rig_add_file(struct vm_rig *rig, uint64_t npages, uint64_t base)
{
    struct pager *pager;
    enum pgw_status status = test_file_create(&rig->env, npages, base, &pager, &rig->file_fd);

    if (status != PGW_OK)
        return status;
    status = vm_object_create(rig->vm, pager, npages, &rig->file);
    if (status != PGW_OK) {
        pager->ops->destroy(pager);
        (void)close(rig->file_fd);
        rig->file_fd = -1;
    }
    return status;
}

static void
rig_activate(struct vm_rig *rig, struct space *space)
{
    struct pmap_context context;

    /* Always loaded anew: an ended space's address may be a new one's. */
    space->ops->activate(space, &context);
    rig->mmu->ops->load(rig->mmu, context.root, context.asid);
    space->ops->deactivate(space);
}

static enum space_fault
rig_access(
    struct vm_rig *rig, struct space *space, uint64_t va, enum access access, unsigned char **at)
{
    struct mmu_translation translation;

    rig_activate(rig, space);
    while (rig->mmu->ops->translate(rig->mmu, va, access, &translation) != MMU_OK) {
        enum space_fault fault = space->ops->fault(space, va, access);
        if (fault != SPACE_FAULT_OK)
            return fault;
    }
    *at = translation.bytes + (va & ~PAGE_MASK);
    return SPACE_FAULT_OK;
}

enum space_fault
vm_rig_load(struct vm_rig *rig, struct space *space, uint64_t va, unsigned char *byte)
{
    unsigned char *at;
    enum space_fault fault = rig_access(rig, space, va, ACCESS_READ, &at);

    if (fault == SPACE_FAULT_OK)
        *byte = *at;
    return fault;
}

enum space_fault
vm_rig_store(struct vm_rig *rig, struct space *space, uint64_t va, unsigned char byte)
{
    unsigned char *at;
    enum space_fault fault = rig_access(rig, space, va, ACCESS_WRITE, &at);

    if (fault == SPACE_FAULT_OK)
        *at = byte;
    return fault;
}
