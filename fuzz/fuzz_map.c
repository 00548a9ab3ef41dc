/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Map operations through the public API, against a naive model: for each space a table of pages
 * with rights and a few words each.  The system has very little RAM, so that nearly everything
 * goes through swap.  Input: bytes that choose operations and their arguments.
 */
#include "fuzz.h"

#include <pagewright/pagewright.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPACES 4
#define PAGES 96                      /* the window of each space that operations fall into */
#define WORDS 3                       /* words of a page that are written: first, middle, last */
#define WINDOW ((uint64_t)0x7ff00000) /* across a boundary of 2 MiB and of 1 GiB tables */
#define OPS_MAX 400

struct model_page {
    bool mapped;
    unsigned prot;
    uint64_t words[WORDS];
};

struct model {
    const uint8_t *data;
    size_t left;
    struct pgw_system *system;
    struct pgw_space *spaces[SPACES];
    struct model_page pages[SPACES][PAGES];
    uint64_t stamp;
};

static void
need(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "fuzz_map: %s\n", what);
    abort();
}

static unsigned
take(struct model *m, unsigned below)
{
    if (m->left == 0)
        return 0;
    m->left--;
    return *m->data++ % below;
}

static uint64_t
address(unsigned page, unsigned word)
{
    static const uint64_t offsets[WORDS] = {0, 2040, 4088};
    return WINDOW + (uint64_t)page * PGW_PAGE_SIZE + offsets[word];
}

/* A run of pages in the window. */
static unsigned
take_run(struct model *m, unsigned *n)
{
    unsigned first = take(m, PAGES);
    *n = 1 + take(m, PAGES - first > 24 ? 24 : PAGES - first);
    return first;
}

/* Out of memory is an answer too; then nothing may have changed, so the model does not. */
static bool
gave_up(enum pgw_status status)
{
    return status == PGW_NORAM || status == PGW_NOMEM || status == PGW_NOSWAP;
}

static void
op_map(struct model *m, unsigned s)
{
    unsigned n, first = take_run(m, &n), prot = take(m, 8), flags = PGW_FIXED;
    uint64_t va = address(first, 0);
    bool taken = false;

    for (unsigned i = 0; i < n; i++)
        taken |= m->pages[s][first + i].mapped;
    if (take(m, 2) == 0)
        flags |= PGW_NOREPLACE;
    enum pgw_status status = pgw_map(m->spaces[s], (uint64_t)n * PGW_PAGE_SIZE, prot, flags, &va);
    if (gave_up(status))
        return;
    need(status == ((flags & PGW_NOREPLACE) != 0 && taken ? PGW_EXIST : PGW_OK), "map's answer");
    for (unsigned i = 0; i < n && status == PGW_OK; i++)
        m->pages[s][first + i] = (struct model_page){.mapped = true, .prot = prot};
}

static void
op_unmap(struct model *m, unsigned s)
{
    unsigned n, first = take_run(m, &n);
    enum pgw_status status =
        pgw_unmap(m->spaces[s], address(first, 0), (uint64_t)n * PGW_PAGE_SIZE);

    if (gave_up(status))
        return;
    need(status == PGW_OK, "unmap's answer");
    for (unsigned i = 0; i < n; i++)
        m->pages[s][first + i] = (struct model_page){.mapped = false};
}

static void
op_protect(struct model *m, unsigned s)
{
    unsigned n, first = take_run(m, &n), prot = take(m, 8);
    bool whole = true;

    for (unsigned i = 0; i < n; i++)
        whole &= m->pages[s][first + i].mapped;
    enum pgw_status status =
        pgw_protect(m->spaces[s], address(first, 0), (uint64_t)n * PGW_PAGE_SIZE, prot);
    if (gave_up(status))
        return;
    need(status == (whole ? PGW_OK : PGW_NOTFOUND), "protect's answer");
    for (unsigned i = 0; i < n && whole; i++)
        m->pages[s][first + i].prot = prot;
}

static enum pgw_status
expected(const struct model_page *page, unsigned right)
{
    if (!page->mapped)
        return PGW_NOTFOUND;
    return (page->prot & right) != 0 ? PGW_OK : PGW_ACCESS;
}

/* RISC-V has no page that can be written and not read: such rights read as well (privileged
 * specification, table of PTE encodings). */
static unsigned
rights_for_read(const struct model_page *page)
{
    return (page->prot & (PGW_READ | PGW_WRITE)) != 0 ? PGW_READ : 0;
}

static void
op_write(struct model *m, unsigned s)
{
    unsigned page = take(m, PAGES), word = take(m, WORDS);
    struct model_page *is = &m->pages[s][page];
    uint64_t value = ++m->stamp * 0x9e3779b97f4a7c15u;
    enum pgw_status status = pgw_write(m->spaces[s], address(page, word), &value, sizeof value);

    if (gave_up(status))
        return;
    need(status == expected(is, PGW_WRITE), "write's answer");
    if (status == PGW_OK)
        is->words[word] = value;
}

static void
check_word(struct model *m, unsigned s, unsigned page, unsigned word)
{
    const struct model_page *is = &m->pages[s][page];
    uint64_t value = 0;
    enum pgw_status status = pgw_read(m->spaces[s], address(page, word), &value, sizeof value);

    if (gave_up(status))
        return;
    if (is->mapped && (is->prot & PGW_READ) == 0 && rights_for_read(is) != 0)
        need(status == PGW_OK || status == PGW_ACCESS, "read's answer for write-only rights");
    else
        need(status == expected(is, PGW_READ), "read's answer");
    need(status != PGW_OK || value == is->words[word], "the word that was written");
}

static void
op_fork(struct model *m, unsigned s)
{
    unsigned to = take(m, SPACES);

    if (m->spaces[to] != NULL)
        return;
    enum pgw_status status = pgw_fork(m->spaces[s], &m->spaces[to]);
    if (gave_up(status))
        return;
    need(status == PGW_OK, "fork's answer");
    memcpy(m->pages[to], m->pages[s], sizeof m->pages[to]);
}

static void
op_destroy(struct model *m, unsigned s)
{
    pgw_space_destroy(m->spaces[s]);
    m->spaces[s] = NULL;
}

static void
op_evict(struct model *m, unsigned s)
{
    unsigned page = take(m, PAGES);
    enum pgw_status status = pgw_evict(m->spaces[s], address(page, 0));

    need(m->pages[s][page].mapped || status == PGW_NOTFOUND, "evict's answer");
}

/* Shrinks a run in place; the model knows where nothing moves. */
static void
op_shrink(struct model *m, unsigned s)
{
    unsigned n, first = take_run(m, &n), keep = 1 + take(m, n);
    uint64_t va = address(first, 0);
    struct pgw_region region;

    if (pgw_region_at(m->spaces[s], va, &region) != PGW_OK || region.start > va ||
        region.end < va + (uint64_t)n * PGW_PAGE_SIZE)
        return;
    enum pgw_status status = pgw_remap(
        m->spaces[s], (uint64_t)n * PGW_PAGE_SIZE, (uint64_t)keep * PGW_PAGE_SIZE, false, &va);
    if (gave_up(status))
        return;
    need(status == PGW_OK && va == address(first, 0), "remap's answer");
    for (unsigned i = keep; i < n; i++)
        m->pages[s][first + i] = (struct model_page){.mapped = false};
}

static void
check_everything(struct model *m)
{
    need(pgw_system_check(m->system), "the system's own check");
    for (unsigned s = 0; s < SPACES; s++) {
        for (unsigned i = 0; i < PAGES * WORDS && m->spaces[s] != NULL; i++)
            check_word(m, s, i / WORDS, i % WORDS);
    }
}

static void
step(struct model *m)
{
    static void (*const ops[])(struct model * m, unsigned s) = {op_map, op_map, op_unmap,
        op_protect, op_write, op_write, op_write, op_write, op_fork, op_destroy, op_evict,
        op_shrink};
    unsigned s = take(m, SPACES), op = take(m, 2 + sizeof ops / sizeof ops[0]);

    if (m->spaces[s] == NULL) {
        if (pgw_space_create(m->system, &m->spaces[s]) == PGW_OK)
            memset(m->pages[s], 0, sizeof m->pages[s]);
    } else if (op < sizeof ops / sizeof ops[0]) {
        ops[op](m, s);
    } else {
        check_word(m, s, take(m, PAGES), take(m, WORDS));
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const policies[] = {"clock", "fifo", "lru", "random"};
    struct model *m = calloc(1, sizeof *m);
    struct pgw_config config;

    need(m != NULL, "memory for the model");
    m->data = data;
    m->left = size;
    pgw_config_init(&config);
    config.ram = (uint64_t)(96 + take(m, 64)) << 10;
    config.policy = policies[take(m, 4)];
    config.mmu = take(m, 2) == 0 ? "sv39" : "ref";
    config.swap_size = (uint64_t)(take(m, 4) == 0 ? 64 : 2048) << 10;
    if (pgw_system_create(&config, &m->system) == PGW_OK) {
        for (unsigned i = 0; i < OPS_MAX && m->left > 0; i++)
            step(m);
        check_everything(m);
        pgw_system_destroy(m->system);
    }
    free(m);
    return 0;
}
