/* SPDX-License-Identifier: BSD-2-Clause */
/* A walk and the tables of a live system: they say what the system does and holds. */
#include <pagewright/pagewright.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "schema_check.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define PAGE ((uint64_t)PGW_PAGE_SIZE)
#define RW (PGW_READ | PGW_WRITE)

/* Schemes with pages; ref, whose mappings are not in RAM, is among them. */
static const char *const paged[] = {"linear", "x86", "pae", "x86-64", "la57", "sv32", "sv39",
    "sv48", "sv57", "armv8", "mips32", "hashed", "ref"};

static struct pgw_system *
make(const char *mmu, const char *tlb)
{
    struct pgw_config config;
    struct pgw_system *system = NULL;
    char error[256] = "";

    pgw_config_init(&config);
    config.ram = 16 << 20;
    config.swap_size = 16 << 20;
    config.mmu = mmu;
    config.tlb = tlb;
    config.error = error;
    config.error_len = sizeof error;
    if (pgw_system_create(&config, &system) != PGW_OK)
        fail_msg("%s: %s", mmu, error);
    return system;
}

static json_t *
walk(struct pgw_space *space, uint64_t va, unsigned right)
{
    char *text = NULL, *words = NULL, where[256] = "";

    assert_int_equal(pgw_walk_string(space, va, right, true, &text), PGW_OK);
    assert_int_equal(pgw_walk_string(space, va, right, false, &words), PGW_OK);
    json_t *answer = json_loads(text, 0, NULL);
    json_t *schema = json_load_file(getenv("TRANSLATE_SCHEMA"), 0, NULL);
    assert_non_null(answer);
    assert_non_null(schema);
    if (!schema_check(schema, answer, where, sizeof where))
        fail_msg("the walk breaks its schema: %s", where);
    json_decref(schema);
    free(text);
    free(words);
    return answer;
}

static void
expect(struct pgw_space *space, uint64_t va, unsigned right, const char *key, const char *inner,
    const char *value)
{
    json_t *answer = walk(space, va, right);
    const json_t *found = json_object_get(answer, key);
    const char *text = json_string_value(inner != NULL ? json_object_get(found, inner) : found);

    if (text == NULL || strstr(text, value) == NULL)
        fail_msg("%s %s: \"%s\", expected \"%s\"", key, inner, text, value);
    json_decref(answer);
}

static struct pgw_space *
fill(struct pgw_system *system, uint64_t *va, uint64_t pages)
{
    struct pgw_space *space = NULL;

    assert_int_equal(pgw_space_create(system, &space), PGW_OK);
    *va = 0;
    assert_int_equal(pgw_map(space, pages * PAGE, RW, 0, va), PGW_OK);
    for (uint64_t i = 0; i + 1 < pages; i++) /* the last one is never touched */
        assert_int_equal(pgw_write(space, *va + i * PAGE, &i, sizeof i), PGW_OK);
    return space;
}

/* A walk ends where the page is, whatever the scheme, with and without TLBs. */
static void
walks_find_frames(void **state)
{
    static const char *const tlbs[] = {"none", "l1=16:4,l2=64:4"};

    (void)state;
    for (size_t i = 0; i < COUNT(paged) * 2; i++) {
        struct pgw_system *system = make(paged[i / 2], tlbs[i % 2]);
        uint64_t va = 0;
        struct pgw_space *space = fill(system, &va, 4);
        for (uint64_t n = 0; n < 3; n++) {
            struct pgw_page page;
            char pa[32];
            pgw_page_at(space, va + n * PAGE, &page);
            (void)snprintf(
                pa, sizeof pa, "0x%llx", (unsigned long long)(page.frame * PAGE + 0x123));
            expect(space, va + n * PAGE + 0x123, PGW_READ, "physical", NULL, pa);
            expect(space, va + n * PAGE, PGW_WRITE, "page", "state", "resident");
        }
        assert_true(pgw_system_check(system));
        pgw_system_destroy(system);
    }
}

static void
faults_say_why(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(paged); i++) {
        struct pgw_system *system = make(paged[i], "none");
        uint64_t va = 0;
        struct pgw_space *space = fill(system, &va, 4);
        struct pgw_page page;
        char slot[48];

        expect(space, va + 3 * PAGE, PGW_READ, "page", "text",
            "untouched: the first access makes it, of zeros");
        expect(space, va + 3 * PAGE, PGW_EXEC, "page", "text",
            "untouched: but its region does not allow this: SIGSEGV");
        expect(space, va + 64 * PAGE, PGW_READ, "page", "text",
            "no region here: the access ends in SIGSEGV");
        assert_int_equal(pgw_evict(space, va + PAGE), PGW_OK);
        pgw_page_at(space, va + PAGE, &page);
        (void)snprintf(slot, sizeof slot, "on disk, slot %llu", (unsigned long long)page.slot);
        expect(space, va + PAGE, PGW_READ, "fault", "kind", "not-present");
        expect(space, va + PAGE, PGW_READ, "page", "text", slot);
        expect(space, va + PAGE, PGW_READ, "page", "state", "on-disk");
        /* looked at, not touched */
        pgw_page_at(space, va + PAGE, &page);
        assert_int_equal(page.state, PGW_PAGE_SWAPPED);
        pgw_page_at(space, va + 3 * PAGE, &page);
        assert_int_equal(page.state, PGW_PAGE_UNTOUCHED);
        pgw_system_destroy(system);
    }
}

/* A page that is shared after a fork, and a right that is gone. */
static void
shared_and_protected(void **state)
{
    struct pgw_system *system = make("sv39", "none");
    uint64_t va = 0;
    struct pgw_space *space = fill(system, &va, 3), *child = NULL;
    char *text = NULL;

    (void)state;
    assert_int_equal(pgw_fork(space, &child), PGW_OK);
    expect(space, va, PGW_WRITE, "page", "text", "shared");
    expect(child, va, PGW_READ, "page", "text", "a minor one");
    assert_int_equal(pgw_protect(space, va, PAGE, PGW_READ), PGW_OK);
    expect(space, va, PGW_WRITE, "page", "text", "does not allow this: SIGSEGV");
    assert_int_equal(pgw_walk_string(space, va, RW, false, &text), PGW_INVAL);
    assert_null(text);
    assert_true(strlen(pgw_error_text(system)) > 0);
    pgw_system_destroy(system);
}

/* The tables hold each page that is mapped, and name its frame. */
static void
tables_name_frames(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(paged); i++) {
        struct pgw_system *system = make(paged[i], "none");
        uint64_t va = 0;
        struct pgw_space *space = fill(system, &va, 4);
        char *text = NULL, address[32];

        assert_int_equal(pgw_pagetable_string(space, &text), PGW_OK);
        for (uint64_t n = 0; n < 3; n++) {
            (void)snprintf(
                address, sizeof address, " 0x%llx ", (unsigned long long)(va + n * PAGE));
            assert_int_equal(strstr(text, address) != NULL, strcmp(paged[i], "ref") != 0);
        }
        (void)snprintf(address, sizeof address, " 0x%llx ", (unsigned long long)(va + 3 * PAGE));
        assert_null(strstr(text, address));
        free(text);
        pgw_system_destroy(system);
    }
}

/* Registers instead of tables. */
static void
contiguous_schemes(void **state)
{
    static const char *const mmus[] = {"none", "base-bounds", "segments"};

    (void)state;
    for (size_t i = 0; i < COUNT(mmus); i++) {
        struct pgw_system *system = make(mmus[i], "none");
        uint64_t va = 0;
        struct pgw_space *space = fill(system, &va, 4);
        struct pgw_page page;
        char *text = NULL, pa[32];

        pgw_page_at(space, va + PAGE, &page);
        assert_int_equal(page.state, PGW_PAGE_RESIDENT);
        (void)snprintf(pa, sizeof pa, "0x%llx", (unsigned long long)(page.frame * PAGE + 8));
        expect(space, va + PAGE + 8, PGW_READ, "physical", NULL, pa);
        expect(space, (uint64_t)1 << 50, PGW_READ, "fault", "kind", i == 0 ? "bus" : "bounds");
        assert_int_equal(pgw_pagetable_string(space, &text), PGW_OK);
        assert_non_null(strstr(text, i == 0 ? "no registers" : "register  origin"));
        free(text);
        pgw_system_destroy(system);
    }
}

/* Looking changes no figure but that of switches. */
static void
looking_counts_nothing(void **state)
{
    struct pgw_system *system = make("sv39", "l1=16:4,l2=64:4");
    uint64_t va = 0;
    struct pgw_space *space = fill(system, &va, 40);
    struct pgw_stats before = {.size = sizeof before}, after = {.size = sizeof after};
    char *text = NULL;

    (void)state;
    assert_int_equal(pgw_system_stats(system, &before), PGW_OK);
    for (uint64_t n = 0; n < 40; n++)
        json_decref(walk(space, va + n * PAGE, PGW_WRITE));
    assert_int_equal(pgw_pagetable_string(space, &text), PGW_OK);
    free(text);
    assert_int_equal(pgw_system_stats(system, &after), PGW_OK);
    assert_memory_equal(&before, &after, sizeof before);
    pgw_system_destroy(system);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walks_find_frames),
        cmocka_unit_test(faults_say_why),
        cmocka_unit_test(shared_and_protected),
        cmocka_unit_test(tables_name_frames),
        cmocka_unit_test(contiguous_schemes),
        cmocka_unit_test(looking_counts_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
