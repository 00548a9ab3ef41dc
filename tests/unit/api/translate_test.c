/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A translation by itself: the figures of textbooks and manuals, every format with numbers worked
 * out by hand from the manual's bit positions (they are literals here, and know nothing of the
 * format rows), every fault, every wrong question.  Each answer is also checked against its schema.
 */
#include "api/translate_string.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "schema_check.h"
#include "support/test.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define RWX (PGW_READ | PGW_WRITE | PGW_EXEC)

static json_t *schema;

static void
check_schema(const json_t *answer)
{
    char where[256] = "";

    if (!schema_check(schema, answer, where, sizeof where))
        fail_msg("the answer breaks its schema: %s", where);
}

/* The answer as JSON, checked; and as text, which must be there and end with a newline. */
static json_t *
ask(struct pgw_translate question)
{
    char error[400] = "", *text = NULL, *words = NULL;
    bool fault = false, same = false;

    question.size = sizeof question;
    question.error = error;
    question.error_len = sizeof error;
    question.json = true;
    if (pgw_translate_string(&question, &fault, &text) != PGW_OK)
        fail_msg("%s: %s", question.mmu, error);
    question.json = false;
    assert_int_equal(pgw_translate_string(&question, &same, &words), PGW_OK);
    assert_int_equal(fault, same);
    assert_int_equal(words[strlen(words) - 1], '\n');
    json_t *answer = json_loads(text, 0, NULL);
    assert_non_null(answer);
    check_schema(answer);
    assert_int_equal(json_is_null(json_object_get(answer, "fault")), !fault);
    free(text);
    free(words);
    return answer;
}

static const char *
string_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL ? text : "";
}

static const char *
fault_of(const json_t *answer, const char *key)
{
    return string_of(json_object_get(answer, "fault"), key);
}

/* The physical address; fails the test when there is none. */
static uint64_t
physical_of(const json_t *answer)
{
    const char *text = string_of(answer, "physical");

    if (text[0] == '\0')
        fail_msg("a fault: %s: %s", fault_of(answer, "kind"), fault_of(answer, "why"));
    return strtoull(text, NULL, 16);
}

/* The i-th step of that kind. */
static const json_t *
step_of(const json_t *answer, const char *kind, size_t i)
{
    const json_t *steps = json_object_get(answer, "steps");
    size_t at;
    json_t *step;

    json_array_foreach(steps, at, step)
    {
        if (strcmp(string_of(step, "kind"), kind) == 0 && i-- == 0)
            return step;
    }
    fail_msg("there is no such step: %s", kind);
    return NULL;
}

static uint64_t
hex_of(const json_t *object, const char *key)
{
    return strtoull(string_of(object, key), NULL, 16);
}

static uint64_t
ask_physical(struct pgw_translate question)
{
    json_t *answer = ask(question);
    uint64_t pa = physical_of(answer);

    json_decref(answer);
    return pa;
}

/* ---- The examples. ---- */

static void
page_2_in_frame_5(void **state)
{
    const struct pgw_translate_map map = {.page = 2, .frame = 5, .prot = RWX};

    (void)state;
    assert_int_equal(
        ask_physical((struct pgw_translate){.mmu = "linear", .maps = &map, .nmaps = 1, .va = 9192}),
        21480);
}

static void
page_2_in_frame_0x109(void **state)
{
    const struct pgw_translate_map map = {.page = 2, .frame = 0x109, .prot = RWX};

    (void)state;
    assert_int_equal(ask_physical((struct pgw_translate){
                         .mmu = "linear", .maps = &map, .nmaps = 1, .va = 0x2150}),
        0x109150);
    assert_int_equal(
        ask_physical((struct pgw_translate){.maps = &map, .nmaps = 1, .va = 0x2150}), 0x109150);
}

static void
relocation(void **state)
{
    const struct pgw_translate_segment
        moved = {.origin = 0x40000000, .base = 0x20005000, .limit = PGW_UNGIVEN, .prot = RWX},
        hundred = {.origin = PGW_UNGIVEN, .base = 100, .limit = PGW_UNGIVEN, .prot = RWX};

    (void)state;
    assert_int_equal(
        ask_physical((struct pgw_translate){
            .mmu = "base-bounds", .segments = &moved, .nsegments = 1, .va = 0x40000124}),
        0x20005124);
    assert_int_equal(ask_physical((struct pgw_translate){
                         .mmu = "base-bounds", .segments = &hundred, .nsegments = 1, .va = 10}),
        110);
    assert_int_equal(ask_physical((struct pgw_translate){.mmu = "none", .va = 4711}), 4711);
}

static void
page_13_on_disk(void **state)
{
    static const char *const mmus[] = {"linear", "x86", "pae", "x86-64", "la57", "sv32", "sv39",
        "sv48", "sv57", "armv8", "mips32", "hashed"};
    const struct pgw_translate_map maps[] = {
        {.page = 12, .frame = 3, .prot = RWX}, {.page = 13, .frame = 7, .on_disk = true}};

    (void)state;
    for (size_t i = 0; i < COUNT(mmus); i++) {
        json_t *answer = ask((struct pgw_translate){
            .mmu = mmus[i], .maps = maps, .nmaps = 2, .va = 13 * 4096 + 52, .tables = true});
        const json_t *page = json_object_get(answer, "page");
        assert_string_equal(string_of(page, "text"), "on disk, slot 7");
        assert_int_equal(json_integer_value(json_object_get(page, "slot")), 7);
        assert_string_equal(fault_of(answer, "kind"), "not-present");
        json_decref(answer);
        /* the page beside it has nothing to do with the disk */
        answer =
            ask((struct pgw_translate){.mmu = mmus[i], .maps = maps, .nmaps = 2, .va = 14 * 4096});
        assert_true(json_is_null(json_object_get(answer, "page")));
        json_decref(answer);
    }
}

/* Arpaci-Dusseau, Operating Systems: Three Easy Pieces, chapter 16: 14-bit addresses, 2 top bits.
 */
static void
three_segments(void **state)
{
    const struct pgw_translate_segment segments[] = {
        {.origin = 0, .base = 32 << 10, .limit = 2 << 10, .prot = PGW_READ | PGW_EXEC},
        {.origin = 4 << 10, .base = 34 << 10, .limit = 3 << 10, .prot = PGW_READ | PGW_WRITE},
        {.origin = 16 << 10,
            .base = 28 << 10,
            .limit = 2 << 10,
            .prot = PGW_READ | PGW_WRITE,
            .down = true},
    };
    struct pgw_translate question = {.mmu = "segments", .segments = segments, .nsegments = 3};

    (void)state;
    question.va = 100;
    assert_int_equal(ask_physical(question), 32868);
    question.va = 4200;
    assert_int_equal(ask_physical(question), 34920);
    question.va = 15 << 10;
    assert_int_equal(ask_physical(question), 27 << 10);
    question.va = (16 << 10) - 1;
    assert_int_equal(ask_physical(question), (28 << 10) - 1);
    static const struct {
        uint64_t va;
        unsigned right;
        const char *kind, *why;
    } faults[] = {
        {2048, PGW_READ, "bounds", "offset 0x800 is not below the limit 0x800"},
        {7 << 10, PGW_READ, "bounds", "offset 0xc00 is not below the limit 0xc00"},
        {(14 << 10) - 1, PGW_READ, "bounds", "offset 0x801 is above the limit 0x800"},
        {8 << 10, PGW_READ, "bounds", "no segment register is for this address"},
        {1 << 20, PGW_READ, "bounds", "no segment register is for this address"},
        {100, PGW_WRITE, "rights", "the segment register grants r-x, which does not allow writing"},
    };
    for (size_t i = 0; i < COUNT(faults); i++) {
        question.va = faults[i].va;
        question.right = faults[i].right;
        json_t *answer = ask(question);
        assert_string_equal(fault_of(answer, "kind"), faults[i].kind);
        assert_string_equal(fault_of(answer, "why"), faults[i].why);
        json_decref(answer);
    }
}

/* The scheme's own windows: 2 bits of 32 pick one of four, of 1 GiB each. */
static void
scheme_windows(void **state)
{
    const struct pgw_translate_segment segments[] = {
        {.origin = PGW_UNGIVEN, .base = 0x1000, .limit = 0x100, .prot = RWX},
        {.origin = PGW_UNGIVEN, .base = 0x9000, .limit = PGW_UNGIVEN, .prot = RWX},
        {.origin = PGW_UNGIVEN, .base = 0x5000, .limit = 0x100, .prot = RWX, .down = true},
    };
    struct pgw_translate question = {.mmu = "segments", .segments = segments, .nsegments = 3};

    (void)state;
    question.va = 0xff;
    assert_int_equal(ask_physical(question), 0x10ff);
    question.va = 0x40000004;
    assert_int_equal(ask_physical(question), 0x9004);
    question.va = 0xbfffffff;
    assert_int_equal(ask_physical(question), 0x4fff);
}

static void
bounds(void **state)
{
    const struct pgw_translate_segment one = {
        .origin = 0x1000, .base = 0x8000, .limit = 0x10, .prot = PGW_READ};
    static const struct {
        uint64_t va;
        unsigned right;
        const char *kind, *why;
    } faults[] = {
        {0x1010, PGW_READ, "bounds", "offset 0x10 is not below the limit 0x10"},
        {0xfff, PGW_READ, "bounds", "the address is below the segment's origin 0x1000"},
        {0x1000, PGW_EXEC, "rights",
            "the segment register grants r--, which does not allow executing"},
    };

    (void)state;
    struct pgw_translate question = {.mmu = "base-bounds", .segments = &one, .nsegments = 1};
    question.va = 0x100f;
    assert_int_equal(ask_physical(question), 0x800f);
    for (size_t i = 0; i < COUNT(faults); i++) {
        question.va = faults[i].va;
        question.right = faults[i].right;
        json_t *answer = ask(question);
        assert_string_equal(fault_of(answer, "kind"), faults[i].kind);
        assert_string_equal(fault_of(answer, "why"), faults[i].why);
        json_decref(answer);
    }
}

/* ---- Each format, by hand. ---- */

/*
 * Page va >> 12 is mapped to frame 0xabcde, readable and writable, not executable, by users.  The
 * tables are in frames 0x80000, 0x80001, ..., in that order; idx, entries and root are what the
 * manuals' figures make of that.
 */
static const struct by_hand {
    const char *mmu;
    uint64_t va, pa;
    uint64_t root;
    unsigned levels, bytes;
    uint64_t idx[5];
    uint64_t first, leaf; /* the root's entry, and the last one */
} by_hand[] = {
    {"linear", 0xb2345abc, 0xabcdeabc, 0x80000000, 1, 4, {0xb2345}, 0xabcde017, 0xabcde017},
    {"sv32", 0x72345abc, 0xabcdeabc, 0x80080000, 2, 4, {0x1c8, 0x345}, 0x20000401, 0x2af37817},
    {"x86", 0x72345abc, 0xabcdeabc, 0x80000000, 2, 4, {0x1c8, 0x345}, 0x80001007, 0xabcde007},
    {"pae", 0x72345abc, 0xabcdeabc, 0x80000000, 3, 8, {1, 0x191, 0x145}, 0x80001001,
        0x80000000abcde007},
    {"sv39", 0x1234567abc, 0xabcdeabc, 0x8000000000080000, 3, 8, {0x48, 0x1a2, 0x167}, 0x20000401,
        0x2af37817},
    {"sv48", 0x6543210fedcb, 0xabcdedcb, 0x9000000000080000, 4, 8, {0xca, 0x10c, 0x108, 0xfe},
        0x20000401, 0x2af37817},
    {"sv57", 0xabcd9876543210, 0xabcde210, 0xa000000000080000, 5, 8,
        {0xab, 0x19b, 0x61, 0x1b2, 0x143}, 0x20000401, 0x2af37817},
    {"x86-64", 0x6543210fedcb, 0xabcdedcb, 0x80000000, 4, 8, {0xca, 0x10c, 0x108, 0xfe}, 0x80001007,
        0x80000000abcde007},
    {"la57", 0xabcd9876543210, 0xabcde210, 0x80000000, 5, 8, {0xab, 0x19b, 0x61, 0x1b2, 0x143},
        0x80001007, 0x80000000abcde007},
    {"armv8", 0x9543210fedcb, 0xabcdedcb, 0x80000000, 4, 8, {0x12a, 0x10c, 0x108, 0xfe}, 0x80001003,
        0x00680000abcdebc3},
    {"mips32", 0x72345abc, 0xabcdeabc, 0x80000000, 2, 4, {0x1c8, 0x345}, 0x80001001, 0xabcde605},
};

static void
check_by_hand(const struct by_hand *hand, const json_t *answer)
{
    const json_t *tables = json_object_get(answer, "tables");

    assert_int_equal(physical_of(answer), hand->pa);
    assert_int_equal(hex_of(json_object_get(answer, "root"), "value"), hand->root);
    assert_int_equal(json_array_size(tables), hand->levels);
    for (unsigned level = 0; level < hand->levels; level++) {
        const json_t *step = step_of(answer, "entry", level);
        uint64_t table = 0x80000000 + level * 0x1000;
        assert_int_equal(json_integer_value(json_object_get(step, "level")), level);
        assert_int_equal(json_integer_value(json_object_get(step, "index")), hand->idx[level]);
        assert_int_equal(hex_of(step, "table"), table);
        assert_int_equal(hex_of(step, "at"), table + hand->idx[level] * hand->bytes);
        /* and the table itself has that entry there */
        const json_t *entry = json_array_get(tables, level);
        assert_int_equal(hex_of(entry, "at"), hex_of(step, "at"));
        assert_string_equal(string_of(entry, "value"), string_of(step, "value"));
    }
    assert_int_equal(hex_of(step_of(answer, "entry", 0), "value"), hand->first);
    assert_int_equal(hex_of(step_of(answer, "entry", hand->levels - 1), "value"), hand->leaf);
}

static void
formats_by_hand(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(by_hand); i++) {
        const struct by_hand *hand = &by_hand[i];
        const struct pgw_translate_map map = {
            .page = hand->va >> 12, .frame = 0xabcde, .prot = PGW_READ | PGW_WRITE};
        json_t *answer = ask((struct pgw_translate){
            .mmu = hand->mmu, .maps = &map, .nmaps = 1, .va = hand->va, .tables = true});
        check_by_hand(hand, answer);
        json_decref(answer);
    }
}

/* The bytes of a table, as a manual's figure would have them in memory. */
static void
bytes_in_memory(void **state)
{
    const struct pgw_translate_map map = {.page = 2, .frame = 0x109, .prot = RWX};

    (void)state;
    json_t *answer =
        ask((struct pgw_translate){.maps = &map, .nmaps = 1, .va = 0x2150, .tables = true});
    assert_string_equal(string_of(json_array_get(json_object_get(answer, "tables"), 2), "bytes"),
        "1f 24 04 00 00 00 00 00");
    json_decref(answer);
}

static void
mips_entrylo(void **state)
{
    const struct pgw_translate_map map = {.page = 0x72345, .frame = 0xabcde, .prot = RWX};
    struct pgw_translate question = {
        .size = sizeof question, .mmu = "mips32", .maps = &map, .nmaps = 1, .va = 0x72345abc};
    char *text = NULL;

    (void)state;
    assert_int_equal(pgw_translate_string(&question, NULL, &text), PGW_OK);
    /* PFN in 25-6, C = 3 in 5-3, D (2) clear, V (1), G (0) clear; an odd page */
    assert_non_null(strstr(text, "EntryLo1 = 0x02af379a: PFN 0xabcde, C 3, D 0, V 1, G 0"));
    free(text);
    question.right = PGW_WRITE;
    assert_int_equal(pgw_translate_string(&question, NULL, &text), PGW_OK);
    assert_non_null(strstr(text, "EntryLo1 = 0x02af379e: PFN 0xabcde, C 3, D 1, V 1, G 0"));
    free(text);
}

static void
large_pages(void **state)
{
    static const struct {
        const char *mmu;
        uint64_t page, frame, bytes, va, pa;
    } larges[] = {
        {"sv39", 0x200, 0x600, 2 << 20, 0x2abcde, 0x6abcde},
        {"sv39", 0x40000, 0x80000, 1 << 30, 0x7654321f, 0xb654321f},
        {"sv39", 0x20, 0x40, 64 << 10, 0x2bcde, 0x4bcde},
        {"sv32", 0x400, 0x800, 4 << 20, 0x712345, 0xb12345},
        {"sv48", 0x200, 0x600, 2 << 20, 0x2abcde, 0x6abcde},
        {"sv48", 0x8000000, 0x8000000, (uint64_t)1 << 39, 0x8123456789, 0x8123456789},
        {"sv57", 0x40000, 0x80000, 1 << 30, 0x7654321f, 0xb654321f},
        {"x86", 0x400, 0x800, 4 << 20, 0x712345, 0xb12345},
        {"pae", 0x200, 0x600, 2 << 20, 0x2abcde, 0x6abcde},
        {"x86-64", 0x200, 0x600, 2 << 20, 0x2abcde, 0x6abcde},
        {"x86-64", 0x40000, 0x80000, 1 << 30, 0x7654321f, 0xb654321f},
        {"la57", 0x40000, 0x80000, 1 << 30, 0x7654321f, 0xb654321f},
        {"armv8", 0x200, 0x600, 2 << 20, 0x2abcde, 0x6abcde},
        {"armv8", 0x40000, 0x80000, 1 << 30, 0x7654321f, 0xb654321f},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(larges); i++) {
        const struct pgw_translate_map map = {.page = larges[i].page,
            .frame = larges[i].frame,
            .bytes = larges[i].bytes,
            .prot = RWX};
        json_t *answer = ask((struct pgw_translate){
            .mmu = larges[i].mmu, .maps = &map, .nmaps = 1, .va = larges[i].va});
        assert_int_equal(physical_of(answer), larges[i].pa);
        assert_int_equal(hex_of(answer, "mapping_bytes"), larges[i].bytes);
        json_decref(answer);
    }
}

/* ---- Faults. ---- */

static const struct expected {
    const char *mmu;
    uint64_t va;
    unsigned right;
    struct pgw_translate_map map;
    const char *kind, *why, *raises;
} expected[] = {
    {"sv39", 0x3000, PGW_READ, {.page = 2, .frame = 5, .prot = RWX}, "not-present",
        "level 0: V(0) is clear", "load page fault (cause 13)"},
    {"sv39", 0x200000, PGW_WRITE, {.page = 2, .frame = 5, .prot = RWX}, "not-present",
        "level 1: V(0) is clear", "store/AMO page fault (cause 15)"},
    {"sv39", 0x40000000, PGW_EXEC, {.page = 2, .frame = 5, .prot = RWX}, "not-present",
        "level 2: V(0) is clear", "instruction page fault (cause 12)"},
    {"sv39", 0x2000, PGW_WRITE, {.page = 2, .frame = 5, .prot = PGW_READ}, "rights",
        "level 0: W(2) is clear, which does not allow writing", "store/AMO page fault (cause 15)"},
    {"sv39", 0x2000, PGW_EXEC, {.page = 2, .frame = 5, .prot = PGW_READ}, "rights",
        "level 0: X(3) is clear, which does not allow executing",
        "instruction page fault (cause 12)"},
    {"sv39", 0x2000, PGW_READ, {.page = 2, .frame = 5, .prot = PGW_EXEC}, "rights",
        "level 0: R(1) is clear, which does not allow reading", "load page fault (cause 13)"},
    {"sv39", 0x2000, PGW_READ, {.page = 2, .frame = 5, .prot = RWX, .kernel = true}, "rights",
        "level 0: U(4) is clear, which keeps users out", "load page fault (cause 13)"},
    {"sv39", 0x4000000000, PGW_READ, {.page = 2, .frame = 5, .prot = RWX}, "non-canonical",
        "bits 63 to 39 must all equal bit 38", "load page fault (cause 13)"},
    {"sv39", 0x2000, PGW_READ, {.page = 2, .frame = 0x5, .entry = true}, "malformed",
        "level 0: W(2) without R(1) is reserved", "load page fault (cause 13)"},
    {"sv39", 0x2000, PGW_READ, {.page = 2, .frame = 0x1000000000001413, .entry = true}, "malformed",
        "level 0: bit 60 is set, and reserved: must be zero", "load page fault (cause 13)"},
    {"sv39", 0x2000, PGW_READ, {.page = 2, .frame = 0x401, .entry = true}, "malformed",
        "level 0: the last table's entry cannot lead to a further one",
        "load page fault (cause 13)"},
    {"sv39", 0x200000, PGW_READ, {.page = 0x200, .frame = 0x81, .bytes = 2 << 20, .entry = true},
        "malformed", "level 1: D(7) is set, and reserved: must be zero",
        "load page fault (cause 13)"},
    {"sv39", 0x200000, PGW_READ, {.page = 0x200, .frame = 0x401, .bytes = 2 << 20, .prot = RWX},
        "malformed",
        "level 1: bit 10 is set: the frame of a 2 MiB page must be a multiple of its size",
        "load page fault (cause 13)"},
    {"sv39", 0x2000, PGW_READ, {.page = 2, .frame = 0x8000000000001413, .entry = true}, "malformed",
        "level 0: one of a run, but the low frame-number bits are not the run's",
        "load page fault (cause 13)"},
    {"sv39", 0x200000, PGW_READ,
        {.page = 0x200, .frame = 0x2800001, .bytes = 2 << 20, .entry = true}, "bus",
        "level 1: the next table, frame 0xa000, is not in RAM", "load access fault (cause 5)"},
    {"sv39:ad=fault", 0x2000, PGW_READ, {.page = 2, .frame = 5, .prot = RWX}, "accessed-dirty",
        "level 0: A(6) is clear, and it is for software to change that",
        "load page fault (cause 13)"},
    {"sv39:ad=fault", 0x2000, PGW_WRITE, {.page = 2, .frame = 5, .prot = RWX, .accessed = true},
        "accessed-dirty", "level 0: D(7) is clear, and it is for software to change that",
        "store/AMO page fault (cause 15)"},
    {"sv32", 0x100000000, PGW_READ, {.page = 2, .frame = 5, .prot = RWX}, "non-canonical",
        "bits 63 to 32 must be zero: 32 bits are translated", "load page fault (cause 13)"},
    {"x86", 0x400000, PGW_WRITE, {.page = 2, .frame = 5, .prot = RWX}, "not-present",
        "PDE: P(0) is clear", "page fault, #PF, error code 0x6: not present, write, user"},
    {"x86", 0x2000, PGW_WRITE, {.page = 2, .frame = 5, .prot = PGW_READ}, "rights",
        "PTE: R/W(1) is clear, which does not allow writing",
        "page fault, #PF, error code 0x7: present, write, user"},
    {"x86", 0x400000, PGW_READ, {.page = 0x400, .frame = 0x402, .bytes = 4 << 20, .prot = RWX},
        "malformed", "PDE: bit 13 is set: the frame of a 4 MiB page must be a multiple of its size",
        "page fault, #PF, error code 0xd: present, user, reserved"},
    {"pae", 0x2000, PGW_EXEC, {.page = 2, .frame = 5, .prot = PGW_READ}, "rights",
        "PTE: XD(63) is set, which does not allow executing",
        "page fault, #PF, error code 0x15: present, user, fetch"},
    {"pae", 0x2000, PGW_READ, {.page = 2, .frame = 0x4000000000005007, .entry = true}, "malformed",
        "PTE: bit 62 is set, and reserved: must be zero",
        "page fault, #PF, error code 0xd: present, user, reserved"},
    {"x86-64", 0x800000000000, PGW_READ, {.page = 2, .frame = 5, .prot = RWX}, "non-canonical",
        "bits 63 to 48 must all equal bit 47", "general protection exception, #GP(0)"},
    {"x86-64", 0x2000, PGW_READ, {.page = 2, .frame = 5, .prot = RWX, .kernel = true}, "rights",
        "PTE: U/S(2) is clear, which keeps users out",
        "page fault, #PF, error code 0x5: present, user"},
    {"armv8", 0x2000, PGW_READ, {.page = 3, .frame = 5, .prot = RWX}, "not-present",
        "level 3: valid(0), type(1) are clear",
        "data abort: translation fault, level 3 (FSC 0x07)"},
    {"armv8", 0x2000, PGW_WRITE, {.page = 2, .frame = 5, .prot = PGW_READ}, "rights",
        "level 3: DBM(51) is clear, which does not allow writing",
        "data abort: permission fault, level 3 (FSC 0x0f)"},
    {"armv8", 0x2000, PGW_EXEC, {.page = 2, .frame = 5, .prot = PGW_READ}, "rights",
        "level 3: UXN(54) is set, which does not allow executing",
        "instruction abort: permission fault, level 3 (FSC 0x0f)"},
    {"armv8", 0x2000, PGW_READ, {.page = 2, .frame = 5, .prot = RWX, .kernel = true}, "rights",
        "level 3: AP[1](6) is clear, which keeps users out",
        "data abort: permission fault, level 3 (FSC 0x0f)"},
    {"armv8:ad=fault", 0x2000, PGW_READ, {.page = 2, .frame = 5, .prot = RWX}, "accessed-dirty",
        "level 3: AF(10) is clear, and it is for software to change that",
        "data abort: access flag fault, level 3 (FSC 0x0b)"},
    {"armv8", 0xffff000000002000, PGW_READ, {.page = 2, .frame = 5, .prot = RWX}, "non-canonical",
        "bits 63 to 48 must be zero: 48 bits are translated",
        "data abort: translation fault, level 0 (FSC 0x04)"},
    {"mips32", 0x80002000, PGW_WRITE, {.page = 2, .frame = 5, .prot = RWX}, "non-canonical",
        "addresses from 0x80000000 on are the kernel's (kseg0 to kseg3)",
        "address error, AdES (code 5)"},
    {"mips32", 0x2000, PGW_WRITE, {.page = 2, .frame = 5, .prot = PGW_READ}, "rights",
        "page: W(2) is clear, which does not allow writing", "TLB modified, Mod (code 1)"},
    {"mips32", 0x3000, PGW_READ, {.page = 2, .frame = 5, .prot = RWX}, "not-present",
        "page: P(0) is clear", "TLB refill, TLBL (code 2), which finds nothing to load"},
    {"linear", 0x2000, PGW_READ, {.page = 2, .frame = 5, .prot = PGW_WRITE}, "rights",
        "level 0: R(1) is clear, which does not allow reading", ""},
    {"hashed", 0x3000, PGW_READ, {.page = 2, .frame = 5, .prot = RWX}, "not-present",
        "the anchor leads to no entry", ""},
    {"hashed", 0x2000, PGW_WRITE, {.page = 2, .frame = 5, .prot = PGW_READ}, "rights",
        "the entry grants r--, which does not allow writing", ""},
    {"hashed", 0x1000000002000, PGW_READ, {.page = 2, .frame = 5, .prot = RWX}, "non-canonical",
        "bits 63 to 48 must be zero: 48 bits are translated", ""},
};

static void
faults(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(expected); i++) {
        const struct expected *e = &expected[i];
        json_t *answer = ask((struct pgw_translate){
            .mmu = e->mmu, .maps = &e->map, .nmaps = 1, .va = e->va, .right = e->right});
        if (strcmp(fault_of(answer, "kind"), e->kind) != 0 ||
            strcmp(fault_of(answer, "why"), e->why) != 0 ||
            strcmp(fault_of(answer, "raises"), e->raises) != 0)
            fail_msg("%s, 0x%llx: \"%s\", \"%s\", \"%s\"\nexpected \"%s\", \"%s\", \"%s\"", e->mmu,
                (unsigned long long)e->va, fault_of(answer, "kind"), fault_of(answer, "why"),
                fault_of(answer, "raises"), e->kind, e->why, e->raises);
        json_decref(answer);
    }
}

/* Pages of a chain are told apart; one frame may have two pages. */
static void
hashed_chains(void **state)
{
    /* 64 pages with the same low bits, in the few anchors of a small RAM */
    struct pgw_translate_map maps[64];

    (void)state;
    for (uint64_t i = 0; i < COUNT(maps); i++)
        maps[i] = (struct pgw_translate_map){.page = i << 20, .frame = 3 + i / 2, .prot = RWX};
    for (uint64_t i = 0; i < COUNT(maps); i++)
        assert_int_equal(
            ask_physical((struct pgw_translate){
                .mmu = "hashed", .maps = maps, .nmaps = COUNT(maps), .va = i << 32 | 0x123}),
            (3 + i / 2) << 12 | 0x123);
}

/* ---- Any maps: what comes out is what was put in. ---- */

#define RANDOM_MAPS 24u

static void
random_maps(void **state)
{
    uint64_t seed = test_seed();
    struct base_rng rng;

    (void)state;
    base_rng_init(&rng, seed);
    for (size_t i = 0; i < COUNT(by_hand); i++) {
        struct pgw_translate_map maps[RANDOM_MAPS];
        uint64_t bits = i < 4 || i == COUNT(by_hand) - 1 ? 19 : 26;
        uint64_t start = base_rng_next(&rng) & ((UINT64_C(1) << bits) - 1);
        for (uint64_t n = 0; n < RANDOM_MAPS; n++)
            maps[n] =
                (struct pgw_translate_map){.page = (start + n * n * 977) % (UINT64_C(1) << bits),
                    .frame = base_rng_next(&rng) & 0xfffff,
                    .prot = (unsigned)base_rng_next(&rng) % 7 + 1};
        for (uint64_t n = 0; n < RANDOM_MAPS; n++) {
            unsigned right = maps[n].prot & -maps[n].prot;
            uint64_t offset = base_rng_next(&rng) & 0xfff;
            assert_int_equal(ask_physical((struct pgw_translate){.mmu = by_hand[i].mmu,
                                 .maps = maps,
                                 .nmaps = RANDOM_MAPS,
                                 .va = maps[n].page << 12 | offset,
                                 .right = right}),
                maps[n].frame << 12 | offset);
        }
    }
}

/* ---- Wrong questions. ---- */

static void
wrong_maps(void **state)
{
    static const struct {
        const char *mmu;
        struct pgw_translate_map map;
        enum pgw_status status;
        const char *error;
    } wrong[] = {
        {"sv39", {.page = 1, .frame = 2, .bytes = 8192}, PGW_INVAL,
            "mmu sv39 has no pages of 8192 bytes, only of 4 KiB, 64 KiB, 2 MiB, 1 GiB"},
        {"linear", {.page = 0x200, .frame = 0x200, .bytes = 2 << 20}, PGW_INVAL,
            "mmu linear has no pages of 2097152 bytes, only of 4 KiB"},
        {"sv39", {.page = 1, .frame = 0x200, .bytes = 2 << 20}, PGW_INVAL,
            "page 0x1 cannot begin a page of 2 MiB: it must be a multiple of 512"},
        {"sv39", {.page = 0x4000000, .frame = 1}, PGW_RANGE,
            "page 0x4000000 is outside the space: sv39 translates addresses of 39 bits"},
        {"x86", {.page = 1, .frame = 0x100000}, PGW_RANGE,
            "frame 0x100000 is too high: entries of x86 have 20 bits for it"},
        {"x86", {.page = 1, .frame = 0x100000, .on_disk = true}, PGW_RANGE,
            "slot 0x100000 does not fit into an entry of x86"},
        {"x86", {.page = 1, .frame = 0x100000000, .entry = true}, PGW_RANGE,
            "entry 0x100000000 has more than 32 bits"},
        {"hashed", {.page = 1, .frame = 1, .kernel = true}, PGW_INVAL,
            "mmu hashed has no pages for the kernel alone"},
        {"hashed", {.page = 1, .frame = 1, .bytes = 2 << 20}, PGW_INVAL,
            "mmu hashed has no pages of 2097152 bytes, only of 4 KiB"},
        {"hashed", {.page = (uint64_t)1 << 36, .frame = 1}, PGW_RANGE,
            "page 0x1000000000 is outside the space: hashed translates addresses of 48 bits"},
        {"none", {.page = 1, .frame = 1}, PGW_INVAL,
            "mmu none has no pages to map: give it a base and a limit"},
        {"ref", {.page = 1, .frame = 1}, PGW_INVAL,
            "mmu ref keeps its mappings outside RAM: there is nothing to show"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        char error[400] = "", *text = NULL;
        struct pgw_translate question = {.size = sizeof question,
            .mmu = wrong[i].mmu,
            .maps = &wrong[i].map,
            .nmaps = 1,
            .error = error,
            .error_len = sizeof error};
        assert_int_equal(pgw_translate_string(&question, NULL, &text), wrong[i].status);
        assert_string_equal(error, wrong[i].error);
        assert_null(text);
    }
}

static void
wrong_pairs(void **state)
{
    static const struct pgw_translate_map pairs[][2] = {
        {{.page = 2, .frame = 5, .prot = 1}, {.page = 2, .frame = 6, .prot = 1}},
        {{.page = 0x200, .frame = 0x200, .bytes = 2 << 20, .prot = 1},
            {.page = 0x201, .frame = 6, .prot = 1}},
        {{.page = 0x201, .frame = 6, .prot = 1},
            {.page = 0x200, .frame = 0x200, .bytes = 2 << 20, .prot = 1}},
    };
    static const char *const errors[] = {"page 0x2 is mapped twice",
        "page 0x201 lies in a larger one that is mapped", "page 0x200 is mapped twice"};

    (void)state;
    for (size_t i = 0; i < COUNT(pairs); i++) {
        char error[400] = "", *text = NULL;
        struct pgw_translate question = {.size = sizeof question,
            .maps = pairs[i],
            .nmaps = 2,
            .error = error,
            .error_len = sizeof error};
        assert_int_equal(pgw_translate_string(&question, NULL, &text), PGW_INVAL);
        assert_string_equal(error, errors[i]);
    }
}

static void
wrong_questions(void **state)
{
    const struct pgw_translate_segment segment = {.base = 1, .limit = 0};
    static const char *const mmus[] = {"nosuch", "sv39:nosuch", "sv39", "base-bounds"};
    char *text = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(mmus); i++) {
        char error[400] = "";
        struct pgw_translate question = {.size = sizeof question,
            .mmu = mmus[i],
            .segments = &segment,
            .nsegments = 1,
            .error = error,
            .error_len = sizeof error};
        assert_int_equal(pgw_translate_string(&question, NULL, &text), PGW_INVAL);
        assert_true(error[0] != '\0' && strchr(error, '\n') == NULL);
    }
    struct pgw_translate question = {.size = 1};
    assert_int_equal(pgw_translate_string(&question, NULL, &text), PGW_INVAL);
    question = (struct pgw_translate){.size = sizeof question, .right = RWX};
    assert_int_equal(pgw_translate_string(&question, NULL, &text), PGW_INVAL);
    assert_null(text);
}

/* Tables keep clear of the frames that are mapped. */
static void
tables_keep_clear(void **state)
{
    const struct pgw_translate_map maps[] = {
        {.page = 1, .frame = 0x80000, .prot = RWX}, {.page = 2, .frame = 0xc0001, .prot = RWX}};

    (void)state;
    json_t *answer = ask((struct pgw_translate){
        .mmu = "x86", .maps = maps, .nmaps = 2, .va = 0x1004, .tables = true});
    assert_int_equal(physical_of(answer), 0x80000004);
    assert_int_equal(hex_of(json_object_get(answer, "root"), "value"), 0);
    json_decref(answer);
}

/* Every allocation of the machine fails once: PGW_NOMEM, and nothing is left behind. */
static void
no_memory(void **state)
{
    static const char *const mmus[] = {"sv39", "linear", "mips32", "hashed", "none"};
    const struct pgw_translate_map map = {.page = 2, .frame = 5, .prot = RWX};

    (void)state;
    for (size_t i = 0; i < COUNT(mmus); i++) {
        for (uint64_t at = 1;; at++) {
            struct base_inject inject = {.fail_at = {[INJECT_MAP] = at}};
            struct pgw_translate question = {.size = sizeof question,
                .mmu = mmus[i],
                .maps = &map,
                .nmaps = strcmp(mmus[i], "none") != 0};
            char *text = NULL;
            enum pgw_status status = translate_string(&question, &inject, NULL, &text);
            if (inject.tried[INJECT_MAP] < at) {
                assert_int_equal(status, PGW_OK);
                free(text);
                assert_true(at > 2);
                break;
            }
            assert_int_equal(status, PGW_NOMEM);
            assert_null(text);
        }
    }
}

static int
load_schema(void **state)
{
    (void)state;
    schema = json_load_file(getenv("TRANSLATE_SCHEMA"), 0, NULL);
    return schema != NULL ? 0 : -1;
}

static int
drop_schema(void **state)
{
    (void)state;
    json_decref(schema);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(page_2_in_frame_5),
        cmocka_unit_test(page_2_in_frame_0x109),
        cmocka_unit_test(relocation),
        cmocka_unit_test(page_13_on_disk),
        cmocka_unit_test(three_segments),
        cmocka_unit_test(scheme_windows),
        cmocka_unit_test(bounds),
        cmocka_unit_test(formats_by_hand),
        cmocka_unit_test(bytes_in_memory),
        cmocka_unit_test(mips_entrylo),
        cmocka_unit_test(large_pages),
        cmocka_unit_test(faults),
        cmocka_unit_test(hashed_chains),
        cmocka_unit_test(random_maps),
        cmocka_unit_test(wrong_maps),
        cmocka_unit_test(wrong_pairs),
        cmocka_unit_test(wrong_questions),
        cmocka_unit_test(tables_keep_clear),
        cmocka_unit_test(no_memory),
    };

    return cmocka_run_group_tests(tests, load_schema, drop_schema);
}
