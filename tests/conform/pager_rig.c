/* SPDX-License-Identifier: BSD-2-Clause */
#include "pager_rig.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/delayed_pager.h"

/* ---- making and ending ---- */

/* Where a server finds the file. */
static const char *
rig_path(void)
{
    static char path[64];

    (void)snprintf(path, sizeof path, "/tmp/pager-rig-%d.image", (int)getpid());
    return path;
}

/* An NBD server of the file, at a socket of this process's. */
static enum pgw_status
rig_open_remote(struct fixture *f, struct host_file file, struct pager **pager)
{
#ifdef HAVE_LIBNBD
    char at[64], uri[96];

    assert_int_equal(host_file_resize(&file, f->nslots << PAGE_SHIFT), PGW_OK);
    const char *path = rig_path(); /* of this process, not of the server's */
    (void)snprintf(at, sizeof at, "/tmp/pager-rig-%d", (int)getpid());
    (void)snprintf(uri, sizeof uri, "nbd+unix:///?socket=%s", at);
    (void)unlink(at);
    f->server = fork();
    if (f->server == 0) {
        (void)execlp("nbdkit", "nbdkit", "--exit-with-parent", "-f", "-U", at, "file", path, NULL);
        _exit(127);
    }
    enum pgw_status status = PGW_IO;
    for (unsigned i = 0; i < 500 && status == PGW_IO; i++) {
        (void)usleep(10000); /* until it listens */
        status = pager_remote_create(&f->env.mem, &f->env.alloc, uri, PAGER_REMOTE_PATIENCE, pager);
    }
    (void)unlink(at);
    (void)unlink(rig_path());
    host_file_close(&file);
    return status;
#else
    (void)f, (void)file, (void)pager;
    return PGW_UNSUPPORTED;
#endif
}

/* nslots over three devices, the first of them on the host file. */
static enum pgw_status
rig_open_chain(struct fixture *f, struct host_file file, struct pager **pager)
{
    uint64_t sizes[] = {f->nslots / 3, f->nslots / 3, f->nslots - f->nslots / 3 * 2};
    enum pgw_status status = PGW_OK;
    struct pager *levels[3];
    unsigned n = 0;

    for (; n < 3; n++) {
        struct pager *level = NULL;
        if (n > 0)
            assert_int_equal(host_file_temp(&f->env.inject, &file), PGW_OK);
        status = pager_swap_create(&f->env.mem, &f->env.alloc, file, sizes[n], &level);
        if (status != PGW_OK) {
            host_file_close(&file);
            break;
        }
        levels[n] = f->backend->delayed ? delayed_pager_create(level, f->seed ^ n) : level;
    }
    if (status == PGW_OK)
        status = pager_chain_create(&f->env.mem, &f->env.alloc, levels, 3, pager);
    while (status != PGW_OK && n-- > 0)
        levels[n]->ops->destroy(levels[n]);
    return status;
}

/* The pager over the host file, in pager. */
static enum pgw_status
rig_open_device(struct fixture *f, struct host_file file, struct pager **pager)
{
    if (f->backend->kind == BACKEND_REMOTE)
        return rig_open_remote(f, file, pager);
    if (f->backend->chain)
        return rig_open_chain(f, file, pager);
    enum pgw_status status =
        f->backend->kind == BACKEND_FILE
            ? pager_file_create(&f->env.mem, &f->env.alloc, file, pager)
            : pager_swap_create(&f->env.mem, &f->env.alloc, file, f->nslots, pager);

    if (status != PGW_OK) {
        assert_null(*pager);
        host_file_close(&file); /* still ours */
        return status;
    }
    if (f->backend->delayed)
        *pager = delayed_pager_create(*pager, f->seed ^ 0x5eed);
    return PGW_OK;
}

static enum pgw_status
rig_open_pool(struct fixture *f, struct pager *device)
{
    const struct pager_zpool_config config = {
        .limit = f->backend->pool, .lz4 = f->backend->lz4, .aside = f->backend->aside};
    enum pgw_status status =
        pager_zpool_create(&f->env.mem, &f->env.alloc, &config, device, &f->pager);

    if (status != PGW_OK && device != NULL)
        device->ops->destroy(device); /* still ours */
    return status;
}

enum pgw_status
pager_rig_open(struct fixture *f, uint64_t nslots)
{
    enum pgw_status status = PGW_OK;
    struct pager *device = NULL;
    struct host_file file;

    f->pager = NULL;
    f->nslots = nslots;
    if (f->backend->kind == BACKEND_REMOTE)
        assert_int_equal(host_file_create(rig_path(), NULL, &file), PGW_OK);
    else
        assert_int_equal(host_file_temp(&f->env.inject, &file), PGW_OK);
    assert_int_equal(host_file_adopt(file.fd, NULL, &f->raw), PGW_OK);
    if (f->backend->alone)
        host_file_close(&file);
    else
        status = rig_open_device(f, file, &device);
    if (status == PGW_OK && f->backend->kind == BACKEND_ZPOOL)
        status = rig_open_pool(f, device);
    else
        f->pager = device;
    if (status != PGW_OK) {
        assert_null(f->pager);
        host_file_close(&f->raw);
    }
    return status;
}

/* ---- pages ---- */

/* Half words, half numbers: about a third of its bytes when compressed. */
static void
rig_fill_text(unsigned char *bytes, uint64_t key)
{
    static const char *const words[] = {"page ", "frame ", "slot ", "fault ", "the ", "of "};
    struct base_rng rng;
    size_t at = 0;

    base_rng_init(&rng, key);
    while (at < PAGE_SIZE) {
        char word[32];
        int n = snprintf(word, sizeof word, "%s%x ", words[base_rng_below(&rng, 6)],
            (unsigned)base_rng_below(&rng, 256));
        size_t len = (size_t)n < PAGE_SIZE - at ? (size_t)n : PAGE_SIZE - at;
        memcpy(bytes + at, word, len);
        at += len;
    }
    memcpy(bytes, &key, sizeof key);
}

/* Words of a language that all pages share and none has seen the half of: a dictionary pays. */
static void
rig_fill_prose(unsigned char *bytes, uint64_t key)
{
    enum { WORDS = 600, LEN = 12 };
    struct base_rng rng, letters;

    base_rng_init(&rng, key);
    for (size_t at = 0; at < PAGE_SIZE;) {
        base_rng_init(&letters, base_rng_below(&rng, WORDS));
        for (unsigned i = 0; i < LEN && at < PAGE_SIZE; i++)
            bytes[at++] = (unsigned char)('a' + base_rng_below(&letters, 26));
    }
    memcpy(bytes, &key, sizeof key);
}

void
pager_rig_fill(const struct fixture *f, unsigned char *bytes, uint64_t key)
{
    if (f->backend->kind != BACKEND_ZPOOL || key % 3 == 0) {
        test_page_fill(bytes, key);
    } else if (key % 3 == 1) {
        for (size_t i = 0; i < PAGE_SIZE; i += sizeof key)
            memcpy(bytes + i, &key, sizeof key);
    } else if (f->backend->prose) {
        rig_fill_prose(bytes, key);
    } else {
        rig_fill_text(bytes, key);
    }
}

void
pager_rig_expect(const struct fixture *f, const unsigned char *bytes, uint64_t key)
{
    unsigned char right[PAGE_SIZE];

    pager_rig_fill(f, right, key);
    if (memcmp(bytes, right, PAGE_SIZE) == 0)
        return;
    for (size_t i = 0; i < PAGE_SIZE; i++)
        if (bytes[i] != right[i])
            fail_msg("page of key %llu differs at byte %zu", (unsigned long long)key, i);
}

void
pager_rig_close(struct fixture *f)
{
    assert_true(f->pager->ops->check(f->pager));
    f->pager->ops->destroy(f->pager);
    if (f->server > 0) {
        (void)kill(f->server, SIGTERM);
        (void)waitpid(f->server, NULL, 0);
        f->server = 0;
    }
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
        pager_rig_fill(f, pager_rig_call_bytes(f, &call, i), key + i);
    enum pgw_status status =
        pager_rig_call_finish(f, &call, f->pager->ops->start_put(f->pager, &call.io));
    for (unsigned i = 0; i < n; i++) {
        pager_rig_expect(
            f, pager_rig_call_bytes(f, &call, i), key + i); /* G2, and no put changes a page */
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
        pager_rig_expect(f, pager_rig_call_bytes(f, &call, i), keys[i]);
    pager_rig_call_fini(f, &call);
    return status;
}

enum pgw_status
pager_rig_get_page(struct fixture *f, uint64_t slot, uint64_t key)
{
    return pager_rig_get_pages(f, &slot, &key, 1);
}
