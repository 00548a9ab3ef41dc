/* SPDX-License-Identifier: BSD-2-Clause */
#include "pager_rig.h"

#include <string.h>

#include "support/delayed_pager.h"

/* ---- making and ending ---- */

enum pgw_status
pager_rig_open(struct fixture *f, uint64_t nslots)
{
    struct host_file file;

    f->pager = NULL;
    f->nslots = nslots;
    assert_int_equal(host_file_temp(&f->env.inject, &file), PGW_OK);
    assert_int_equal(host_file_adopt(file.fd, NULL, &f->raw), PGW_OK);
    enum pgw_status status =
        f->backend->writable
            ? pager_swap_create(&f->env.mem, &f->env.alloc, file, nslots, &f->pager)
            : pager_file_create(&f->env.mem, &f->env.alloc, file, &f->pager);
    if (status != PGW_OK) {
        assert_null(f->pager);
        host_file_close(&file); /* still ours */
        host_file_close(&f->raw);
        return status;
    }
    if (f->backend->delayed)
        f->pager = delayed_pager_create(f->pager, f->seed ^ 0x5eed);
    return PGW_OK;
}

void
pager_rig_close(struct fixture *f)
{
    assert_true(f->pager->ops->check(f->pager));
    f->pager->ops->destroy(f->pager);
    host_file_close(&f->raw);
}

void
pager_rig_init(struct fixture *f, void **state)
{
    memset(f, 0, sizeof *f);
    f->backend = *state;
    f->seed = test_seed();
    test_env_init(&f->env, CONFORM_FRAMES);
}

void
pager_rig_begin(struct fixture *f, void **state, uint64_t nslots)
{
    pager_rig_init(f, state);
    assert_int_equal(pager_rig_open(f, nslots), PGW_OK);
}

void
pager_rig_end(struct fixture *f)
{
    pager_rig_close(f);
    test_env_fini(&f->env);
}

/* ---- one io at a time ---- */

static void
pager_rig_call_done(struct pager_io *io)
{
    struct call *call = io->ctx;
    assert_false(call->done); /* exactly once */
    call->done = true;
}

void
pager_rig_call_init(struct fixture *f, struct call *call, unsigned n)
{
    memset(call, 0, sizeof *call);
    call->io.n = n;
    call->io.done = pager_rig_call_done;
    call->io.ctx = call;
    for (unsigned i = 0; i < n; i++) {
        call->io.pages[i] = mem_alloc(&f->env.mem, 0, 0);
        assert_non_null(call->io.pages[i]);
    }
}

void
pager_rig_call_fini(struct fixture *f, struct call *call)
{
    for (unsigned i = 0; i < call->io.n; i++)
        mem_free(&f->env.mem, call->io.pages[i]);
}

unsigned char *
pager_rig_call_bytes(struct fixture *f, const struct call *call, unsigned i)
{
    return mem_page_bytes(&f->env.mem, call->io.pages[i]);
}

enum pgw_status
pager_rig_call_finish(struct fixture *f, struct call *call, enum pgw_status started)
{
    if (started != PGW_OK) {
        assert_false(call->done);
        return started;
    }
    while (!call->done)
        assert_true(f->pager->ops->drive(f->pager, true) > 0);
    assert_int_equal(f->pager->ops->drive(f->pager, true), 0);
    return call->io.status;
}

enum pgw_status
pager_rig_put_pages(struct fixture *f, uint64_t key, unsigned n, uint64_t *slots)
{
    struct call call;
    pager_rig_call_init(f, &call, n);
    for (unsigned i = 0; i < n; i++)
        test_page_fill(pager_rig_call_bytes(f, &call, i), key + i);
    enum pgw_status status =
        pager_rig_call_finish(f, &call, f->pager->ops->start_put(f->pager, &call.io));
    for (unsigned i = 0; i < n; i++) {
        test_page_expect(
            pager_rig_call_bytes(f, &call, i), key + i); /* G2, and no put changes a page */
        slots[i] = call.io.slots[i];
        if (status == PGW_OK)
            assert_true(f->pager->ops->has(f->pager, slots[i]));
    }
    pager_rig_call_fini(f, &call);
    return status;
}

enum pgw_status
pager_rig_get_pages(struct fixture *f, const uint64_t *slots, const uint64_t *keys, unsigned n)
{
    struct call call;
    pager_rig_call_init(f, &call, n);
    for (unsigned i = 0; i < n; i++) {
        memset(pager_rig_call_bytes(f, &call, i), 0xa5, PAGE_SIZE);
        call.io.slots[i] = slots[i];
    }
    enum pgw_status status =
        pager_rig_call_finish(f, &call, f->pager->ops->start_get(f->pager, &call.io));
    for (unsigned i = 0; i < n && status == PGW_OK; i++)
        test_page_expect(pager_rig_call_bytes(f, &call, i), keys[i]);
    pager_rig_call_fini(f, &call);
    return status;
}

enum pgw_status
pager_rig_get_page(struct fixture *f, uint64_t slot, uint64_t key)
{
    return pager_rig_get_pages(f, &slot, &key, 1);
}
