/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Swap on a server that does not do what it should: every call comes to an end, no page is lost
 * that was put, none comes back as another, and what can be told is told (laws G1 and G2).
 */
#include "support/test.h"

#include <signal.h>
#include <string.h>
#include <sys/time.h>

#include "pager/pagers.h"
#include "support/nbd_server.h"
#include "support/test_env.h"

#define FRAMES 64u
#define IMPATIENT 100u /* milliseconds */
#define PATIENT 20000u
#define N 4u /* pages of an io */

struct fixture {
    struct test_env env;
    struct nbd_server server;
    struct pager *pager;
    struct mem_page *pages[N];
    uint64_t slots[N];
};

static const struct nbd_server_config right = {.size = 64 * PAGE_SIZE};

static enum pgw_status
try_open(struct fixture *f, const struct nbd_server_config *config, unsigned patience)
{
    memset(f, 0, sizeof *f);
    test_env_init(&f->env, FRAMES);
    nbd_server_start(&f->server, config);
    return pager_remote_create(&f->env.mem, &f->env.alloc, f->server.uri, patience, &f->pager);
}

static void
begin(struct fixture *f, const struct nbd_server_config *config, unsigned patience)
{
    assert_int_equal(try_open(f, config, patience), PGW_OK);
    for (unsigned i = 0; i < N; i++)
        f->pages[i] = mem_alloc(&f->env.mem, 0, 0);
}

static void
end(struct fixture *f)
{
    for (unsigned i = 0; i < N; i++)
        if (f->pages[i] != NULL)
            mem_free(&f->env.mem, f->pages[i]);
    if (f->pager != NULL) {
        assert_true(f->pager->ops->check(f->pager));
        f->pager->ops->destroy(f->pager);
    }
    nbd_server_stop(&f->server);
    test_env_fini(&f->env);
}

static void
note_done(struct pager_io *io)
{
    bool *done = io->ctx;

    assert_false(*done);
    *done = true;
}

static enum pgw_status
run_io(struct fixture *f, struct pager_io *io, bool put)
{
    const struct pager_ops *ops = f->pager->ops;
    bool done = false;

    io->n = N;
    io->done = note_done;
    io->ctx = &done;
    memcpy(io->pages, f->pages, sizeof f->pages);
    enum pgw_status status = (put ? ops->start_put : ops->start_get)(f->pager, io);
    if (status != PGW_OK)
        return status;
    while (!done)
        assert_true(ops->drive(f->pager, true) > 0);
    return io->status;
}

static enum pgw_status
put(struct fixture *f, uint64_t key)
{
    struct pager_io io = {.n = 0};
    uint64_t used = f->pager->stats.used;

    for (unsigned i = 0; i < N; i++)
        test_page_fill(mem_page_bytes(&f->env.mem, f->pages[i]), key + i);
    enum pgw_status status = run_io(f, &io, true);
    for (unsigned i = 0; i < N; i++)
        test_page_expect(mem_page_bytes(&f->env.mem, f->pages[i]), key + i);
    assert_int_equal(f->pager->stats.used, used + (status == PGW_OK ? N : 0));
    if (status == PGW_OK)
        memcpy(f->slots, io.slots, sizeof f->slots);
    return status;
}

static enum pgw_status
get(struct fixture *f, uint64_t key)
{
    struct pager_io io = {.n = 0};

    memcpy(io.slots, f->slots, sizeof f->slots);
    for (unsigned i = 0; i < N; i++)
        memset(mem_page_bytes(&f->env.mem, f->pages[i]), 0x5a, PAGE_SIZE);
    enum pgw_status status = run_io(f, &io, false);
    for (unsigned i = 0; i < N; i++) {
        assert_true(f->pager->ops->has(f->pager, f->slots[i]));
        if (status == PGW_OK)
            test_page_expect(mem_page_bytes(&f->env.mem, f->pages[i]), key + i);
    }
    return status;
}

/* --- what is exported --- */

static void
test_right(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, &right, PATIENT);
    assert_int_equal(f.pager->stats.slots, 64);
    for (uint64_t key = 1; key < (uint64_t)16 * N; key += N) {
        assert_int_equal(put(&f, key), PGW_OK);
        assert_int_equal(get(&f, key), PGW_OK);
    }
    assert_int_equal(put(&f, 1), PGW_NOSWAP);
    end(&f);
}

static void
expect_opened(const struct nbd_server_config *config, enum pgw_status status, uint64_t slots)
{
    struct fixture f;

    assert_int_equal(try_open(&f, config, IMPATIENT), status);
    if (status == PGW_OK)
        assert_int_equal(f.pager->stats.slots, slots);
    end(&f);
}

static void
test_exports(void **state)
{
    struct nbd_server_config config = {.size = 3 * PAGE_SIZE + 100};

    (void)state;
    expect_opened(&config, PGW_OK, 3);
    config.size = PAGE_SIZE - 1;
    expect_opened(&config, PGW_NOSWAP, 0);
    config.size = 0;
    expect_opened(&config, PGW_NOSWAP, 0);
    config = right;
    config.read_only = true;
    expect_opened(&config, PGW_ACCESS, 0);
    config = (struct nbd_server_config){
        .size = 16 * PAGE_SIZE, .block_least = 512, .block_most = 1u << 25};
    expect_opened(&config, PGW_OK, 16);
    config.block_least = 4096, config.block_most = 4096;
    expect_opened(&config, PGW_OK, 16);
    config.block_least = 16384, config.block_most = 1u << 20;
    expect_opened(&config, PGW_RANGE, 0);
    config.block_least = 1, config.block_most = 2048;
    expect_opened(&config, PGW_RANGE, 0);
}

static void
test_names(void **state)
{
    static const char *const wrong[] = {
        "", "foo", "http://localhost", "nbd+unix:///", "nbd+foo://x"};
    struct test_env env;
    struct pager *pager = NULL;

    (void)state;
    test_env_init(&env, FRAMES);
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        if (pager_remote_create(&env.mem, &env.alloc, wrong[i], IMPATIENT, &pager) != PGW_INVAL)
            fail_msg("\"%s\"", wrong[i]);
    assert_int_equal(pager_remote_create(&env.mem, &env.alloc,
                         "nbd+unix:///?socket=/nowhere/at/all", IMPATIENT, &pager),
        PGW_IO);
    assert_null(pager);
    test_env_fini(&env);
}

/* --- servers that go wrong --- */

/* A server that does not greet as it should is given up, now and when it is connected to again. */
static void
test_greetings(void **state)
{
    struct nbd_server_config config = right;
    struct fixture f;

    (void)state;
    for (config.wrong = NBD_GREETS_NOT; config.wrong < NBD_WAITS; config.wrong++) {
        config.skip = 0;
        expect_opened(&config, PGW_IO, 0);
        config.skip = 1;
        begin(&f, &config, IMPATIENT);
        assert_int_equal(put(&f, 100), PGW_OK);
        uint64_t gets = f.pager->stats.gets, errors = f.pager->stats.errors;
        config.skip = 0;
        nbd_server_restart(&f.server, &config); /* another one, that has no manners */
        assert_int_equal(get(&f, 100), PGW_IO);
        assert_int_equal(put(&f, 200), PGW_IO);
        assert_int_equal(f.pager->stats.gets, gets);
        assert_int_equal(f.pager->stats.errors, errors + 2);
        end(&f);
    }
}

struct trouble {
    enum nbd_wrong wrong;
    enum pgw_status put, get; /* the first time; what they come to */
};

/* A get is tried a second time: only what is wrong with the page itself cannot be mended so. */
static const struct trouble troubles[] = {
    {NBD_WAITS, PGW_OK, PGW_OK},
    {NBD_STALLS, PGW_IO, PGW_OK},
    {NBD_TRICKLES, PGW_IO, PGW_OK},
    {NBD_CLOSES, PGW_IO, PGW_OK},
    {NBD_HALVES, PGW_IO, PGW_OK},
    {NBD_FAILS, PGW_IO, PGW_IO},
    {NBD_STRANGER, PGW_IO, PGW_OK},
    {NBD_RUBBISH, PGW_IO, PGW_OK},
    {NBD_LIES, PGW_OK, PGW_CORRUPT},
};

/* One connection goes wrong with its request number `after`. */
static void
test_trouble_once(void **state)
{
    struct fixture f;

    (void)state;
    for (unsigned i = 0; i < sizeof troubles / sizeof troubles[0]; i++) {
        const struct trouble *trouble = &troubles[i];
        struct nbd_server_config config = right;
        unsigned patience = trouble->wrong == NBD_WAITS ? PATIENT : IMPATIENT;
        config.wrong = trouble->wrong;
        config.times = 1;
        for (config.after = 0; config.after < N; config.after++) {
            begin(&f, &config, patience);
            assert_int_equal(put(&f, 10), trouble->put);
            if (config.wrong == NBD_FAILS) {
                end(&f);
                continue; /* it goes on to fail */
            }
            if (trouble->put != PGW_OK)
                assert_int_equal(put(&f, 20), PGW_OK);
            end(&f);
        }
        for (config.after = N; config.after < 2 * N; config.after++) {
            begin(&f, &config, patience);
            assert_int_equal(put(&f, 30), PGW_OK);
            assert_int_equal(get(&f, 30), trouble->get);
            end(&f);
        }
    }
}

/* All connections go wrong: each call comes to its end, and no slot is lost or kept. */
static void
test_trouble_always(void **state)
{
    struct fixture f;

    (void)state;
    for (unsigned i = 1; i < sizeof troubles / sizeof troubles[0]; i++) {
        const struct trouble *trouble = &troubles[i];
        struct nbd_server_config config = right;
        config.wrong = trouble->wrong;
        config.after = N;
        begin(&f, &config, IMPATIENT);
        assert_int_equal(put(&f, 40), PGW_OK);
        enum pgw_status status = get(&f, 40);
        if (config.wrong == NBD_LIES)
            assert_int_equal(status, PGW_CORRUPT);
        else if (config.wrong == NBD_FAILS)
            assert_int_equal(status, PGW_IO);
        else /* a connection each for the two tries, which has N good answers */
            assert_true(status == PGW_OK || status == PGW_IO);
        end(&f);
    }
}

/* Writes that are not kept are found out by who reads them. */
static void
test_lost_writes(void **state)
{
    struct nbd_server_config config = right;
    struct fixture f;

    (void)state;
    config.wrong = NBD_LOSES;
    begin(&f, &config, PATIENT);
    assert_int_equal(put(&f, 50), PGW_OK);
    assert_int_equal(get(&f, 50), PGW_CORRUPT);
    end(&f);
}

/* Nobody need drive for the sake of an io to find that its server is silent. */
static void
test_nobody_waits(void **state)
{
    struct nbd_server_config config = right;
    struct pager_io io = {.n = N, .done = note_done};
    struct fixture f;
    bool done = false;

    (void)state;
    config.wrong = NBD_STALLS;
    config.times = 1;
    begin(&f, &config, IMPATIENT);
    io.ctx = &done;
    memcpy(io.pages, f.pages, sizeof f.pages);
    assert_int_equal(f.pager->ops->start_put(f.pager, &io), PGW_OK);
    while (!done)
        (void)f.pager->ops->drive(f.pager, false);
    assert_int_equal(io.status, PGW_IO);
    assert_int_equal(f.pager->stats.used, 0);
    assert_int_equal(put(&f, 60), PGW_OK);
    end(&f);
}

/* A server that has been stopped is not waited for when all is over. */
static void
test_end_without_answer(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, &right, PATIENT);
    assert_int_equal(put(&f, 70), PGW_OK);
    assert_int_equal(kill(f.server.pid, SIGSTOP), 0);
    end(&f);
}

/* Every allocation of a pager's fails in turn. */
static void
torture_body(void *ctx)
{
    struct fixture *f = ctx;

    f->pager = NULL;
    if (pager_remote_create(&f->env.mem, &f->env.alloc, f->server.uri, PATIENT, &f->pager) !=
        PGW_OK) {
        assert_null(f->pager);
        return;
    }
    for (unsigned i = 0; i < 3; i++) {
        enum pgw_status status = put(f, 90);
        assert_true(status == PGW_OK || status == PGW_NOMEM);
        if (status == PGW_OK)
            status = get(f, 90);
        assert_true(status == PGW_OK || status == PGW_NOMEM);
        assert_true(f->pager->ops->check(f->pager));
    }
    f->pager->ops->destroy(f->pager);
    f->pager = NULL;
}

static void
test_torture(void **state)
{
    static const enum base_inject_point points[] = {INJECT_MAP, INJECT_OBJ};
    struct fixture f;

    (void)state;
    begin(&f, &right, PATIENT);
    f.pager->ops->destroy(f.pager);
    for (unsigned i = 0; i < 4; i++)
        assert_true(
            test_each_failure(&f.env.inject, points[i % 2], i / 2 == 1, torture_body, &f) >= 3);
    end(&f);
}

static void
on_alarm(int number)
{
    (void)number;
}

/* Signals that the process takes meanwhile are no reason to give a server up. */
static void
test_signals(void **state)
{
    struct itimerval often = {.it_interval = {.tv_usec = 7000}, .it_value = {.tv_usec = 7000}};
    struct sigaction action = {.sa_handler = on_alarm}, before; /* without SA_RESTART */
    const struct itimerval never = {.it_value = {.tv_sec = 0}};
    struct nbd_server_config config = right;
    struct fixture f;

    (void)state;
    config.wrong = NBD_WAITS;
    begin(&f, &config, PATIENT);
    assert_int_equal(sigaction(SIGALRM, &action, &before), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
    enum pgw_status status = put(&f, 80);
    assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
    assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
    assert_int_equal(status, PGW_OK);
    end(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_right),
        cmocka_unit_test(test_exports),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_greetings),
        cmocka_unit_test(test_trouble_once),
        cmocka_unit_test(test_trouble_always),
        cmocka_unit_test(test_lost_writes),
        cmocka_unit_test(test_nobody_waits),
        cmocka_unit_test(test_end_without_answer),
        cmocka_unit_test(test_torture),
        cmocka_unit_test(test_signals),
    };

    return cmocka_run_group_tests_name("remote", tests, NULL, NULL);
}
