/* SPDX-License-Identifier: BSD-2-Clause */
#include "trace/trace_build.h"

#include <stdlib.h>

#ifdef __x86_64__
#include <cpuid.h>
#endif

#include <xxhash.h>

#include "base/assert.h"
#include "base/size.h"

/* A block ends at about so many references: enough that its shapes weigh little, few enough that
 * damage costs little and a seek is quick. */
#define BUILD_REFS (1u << 20)
/* More than any one shape, execution or event needs of any column. */
#define BUILD_SLACK (128u << 10)
#define BUILD_ITEMS (1u << 19)
#define BUILD_SLOTS (1u << 17) /* twice the shapes at the most */
/* Executions of code that are done at once, and of how many addresses, or some more. */
#define BUILD_PART 1024u
#define BUILD_PLACES 2048u
#define BUILD_CPUID_LZCNT (1u << 5) /* of leaf 0x80000001, in ecx */

static const size_t build_room[OWN_COLUMNS] = {
    [OWN_SHAPES] = 2u << 20,
    [OWN_LOWS] = BUILD_REFS + 2 * BUILD_SLACK,
    [OWN_HIGHS] = BUILD_REFS + 2 * BUILD_SLACK,
    [OWN_VA_LENS] = BUILD_REFS,
    [OWN_VA_BYTES] = 8u << 20,
    [OWN_COUNT_LENS] = (size_t)2 * BUILD_REFS,
    [OWN_COUNT_BYTES] = 6u << 20,
    [OWN_EVENTS] = 1u << 20,
};

struct build_shape {
    uint64_t hash;
    uint32_t process, slot;
    uint32_t item, last; /* its first ones */
    uint16_t nitems, nvariable;
    uint64_t pc;
};

/* Counting zeros without this instruction takes some processors as long as all the rest. */
static bool
build_has_lzcnt(void)
{
#ifdef __x86_64__
    unsigned a, b, c, d;
    return __get_cpuid(0x80000001, &a, &b, &c, &d) != 0 && (c & BUILD_CPUID_LZCNT) != 0;
#else
    return false;
#endif
}

enum pgw_status
trace_build_init(struct trace_build *build)
{
    bool all = true;

    *build = (struct trace_build){.lzcnt = build_has_lzcnt()};
    for (unsigned i = 0; i < OWN_COLUMNS; i++)
        all = (build->column[i] = malloc(build_room[i])) != NULL && all;
    build->shape = malloc(OWN_SHAPES_MAX * sizeof *build->shape);
    build->slot = calloc(BUILD_SLOTS, sizeof *build->slot);
    build->items = malloc((BUILD_ITEMS + OWN_ITEMS_MAX) * sizeof *build->items);
    build->last = malloc((BUILD_ITEMS + OWN_ITEMS_MAX) * sizeof *build->last);
    build->place = malloc((BUILD_PLACES + OWN_ITEMS_MAX) * sizeof *build->place);
    if (all && build->shape != NULL && build->slot != NULL && build->items != NULL &&
        build->last != NULL && build->place != NULL)
        return PGW_OK;
    trace_build_fini(build);
    return PGW_NOMEM;
}

void
trace_build_fini(struct trace_build *build)
{
    for (unsigned i = 0; i < OWN_COLUMNS; i++)
        free(build->column[i]);
    free(build->shape);
    free(build->slot);
    free(build->items);
    free(build->last);
    free(build->place);
    *build = (struct trace_build){0};
}

void
trace_build_reset(struct trace_build *build, uint64_t at)
{
    build->at = at;
    build->refs = build->nva = build->ncounts = 0;
    for (uint32_t i = 0; i < build->nshapes; i++)
        build->slot[build->shape[i].slot] = 0;
    build->nshapes = build->nexecutions = build->nevents = 0;
    build->nitems = build->nlast = 0;
    build->shape_pc = build->shape_va = 0;
    memset(build->len, 0, sizeof build->len);
    memset(build->run, 0, sizeof build->run);
}

bool
trace_build_full(const struct trace_build *build)
{
    bool full = build->refs >= BUILD_REFS || build->nshapes == OWN_SHAPES_MAX ||
                build->nitems >= BUILD_ITEMS;

    for (unsigned i = 0; i < OWN_COLUMNS; i++)
        full = full || build->len[i] + BUILD_SLACK > build_room[i];
    return full;
}

static void
build_varint(struct trace_build *build, enum own_column column, uint64_t value)
{
    uint8_t *at = build->column[column] + build->len[column];

    for (; value >= 0x80; value >>= 7)
        *at++ = (uint8_t)(value | 0x80);
    *at++ = (uint8_t)value;
    build->len[column] = (size_t)(at - build->column[column]);
}

static void
build_byte(struct trace_build *build, enum own_column column, unsigned value)
{
    build->column[column][build->len[column]++] = (uint8_t)value;
}

/* Bytes of a number, without a branch. */
static inline __attribute__((always_inline)) unsigned
build_len(uint64_t value)
{
    unsigned zeros = (unsigned)__builtin_clzll(value | 1) + (value == 0);
    return (71 - zeros) / 8;
}

/* Appends the i-th number of a pair of columns: its length in half a byte, and so many bytes. */
static inline void
build_number(struct trace_build *build, enum own_column lens, uint64_t i, uint64_t value)
{
    unsigned bytes = build_len(value);
    uint8_t *len = build->column[lens] + i / 2;

    memcpy(build->column[lens + 1] + build->len[lens + 1], &value, 8);
    build->len[lens + 1] += bytes;
    *len = (uint8_t)(i % 2 == 0 ? bytes : *len | bytes << 4);
    build->len[lens] = i / 2 + 1;
}

static void
build_item(struct trace_build *build, trace_item item)
{
    static const uint8_t codes[33] = {
        [0] = 0, [1] = 1, [2] = 2, [4] = 3, [8] = 4, [16] = 5, [32] = 6};
    unsigned size = item >> 8, code = OWN_ITEM_SIZE_OTHER;

    if (size == 0 || (size <= 32 && codes[size] != 0))
        code = codes[size];
    build_byte(build, OWN_SHAPES, (item & 0xff) | code << OWN_ITEM_SIZE_SHIFT);
    if (code == OWN_ITEM_SIZE_OTHER) {
        build_byte(build, OWN_SHAPES, size & 0xff);
        build_byte(build, OWN_SHAPES, size >> 8);
    }
}

static void
build_define(struct trace_build *build, const struct trace_shape *shape, const uint64_t *va,
    struct build_shape *known)
{
    bool fixed = false;

    build_varint(build, OWN_SHAPES, shape->process);
    build_varint(build, OWN_SHAPES, shape->n);
    for (size_t i = 0; i < shape->n; i++) {
        build_item(build, shape->item[i]);
        build->items[build->nitems++] = shape->item[i];
        fixed = fixed || (shape->item[i] & OWN_ITEM_VARIABLE) == 0;
        if ((shape->item[i] & OWN_ITEM_VARIABLE) != 0)
            known->nvariable++;
    }
    if (fixed) {
        build_varint(build, OWN_SHAPES, own_zigzag(shape->pc - build->shape_pc));
        build->shape_pc = shape->pc;
    }
    for (size_t i = 0; i < known->nvariable; i++) {
        build_varint(build, OWN_SHAPES, own_zigzag(va[i] - build->shape_va));
        build->shape_va = build->last[build->nlast++] = va[i];
    }
}

static bool
build_same(const struct trace_build *build, const struct build_shape *known,
    const struct trace_shape *shape, uint64_t hash)
{
    return known->hash == hash && known->process == shape->process && known->pc == shape->pc &&
           known->nitems == shape->n &&
           memcmp(&build->items[known->item], shape->item, shape->n * sizeof *shape->item) == 0;
}

uint32_t
trace_build_shape(struct trace_build *build, const struct trace_shape *shape, const uint64_t *va)
{
    uint64_t seed = shape->pc * 0x9e3779b97f4a7c15u + shape->process;
    uint64_t hash = XXH3_64bits_withSeed(shape->item, shape->n * sizeof *shape->item, seed);
    size_t slot = hash % BUILD_SLOTS;

    BASE_ASSERT(shape->n > 0 && shape->n <= OWN_ITEMS_MAX && build->nshapes < OWN_SHAPES_MAX);
    for (; build->slot[slot] != 0; slot = (slot + 1) % BUILD_SLOTS) {
        if (build_same(build, &build->shape[build->slot[slot] - 1], shape, hash))
            return build->slot[slot];
    }
    struct build_shape *known = &build->shape[build->nshapes++];
    *known = (struct build_shape){.hash = hash,
        .process = shape->process,
        .slot = (uint32_t)slot,
        .pc = shape->pc,
        .item = (uint32_t)build->nitems,
        .last = (uint32_t)build->nlast,
        .nitems = (uint16_t)shape->n};
    build_define(build, shape, va, known);
    return build->slot[slot] = build->nshapes;
}

static void
build_execution(struct trace_build *build, uint32_t number)
{
    build->column[OWN_LOWS][build->len[OWN_LOWS]++] = (uint8_t)number;
    build->column[OWN_HIGHS][build->len[OWN_HIGHS]++] = (uint8_t)(number >> 8);
    build->nexecutions++;
}

void
trace_build_execute(struct trace_build *build, uint32_t number, const uint64_t *va)
{
    const struct build_shape *shape = &build->shape[number - 1];
    uint64_t *last = &build->last[shape->last];

    build_execution(build, number);
    build->refs += shape->nitems;
    for (size_t i = 0; i < shape->nvariable; i++) {
        build_number(build, OWN_VA_LENS, build->nva++, own_zigzag(va[i] - last[i]));
        last[i] = va[i];
    }
}

/* The shape of a run; false: it is not known, and there is no room. */
static bool
build_run_shape(struct trace_build *build, const struct pgw_ref *run, struct trace_run_shape *known)
{
    unsigned flags = own_kind_code(run->kind) | OWN_ITEM_VARIABLE | OWN_ITEM_PAGES;
    trace_item item = TRACE_ITEM(run->count > 1 ? flags | OWN_ITEM_COUNTED : flags, 0);
    struct trace_shape shape = {.process = run->process, .item = &item, .n = 1};
    uint64_t va = page_floor(run->va);

    if (trace_build_full(build))
        return false;
    known->number = trace_build_shape(build, &shape, &va);
    known->process = run->process;
    known->last = build->shape[known->number - 1].last;
    return true;
}

/* A pair of columns, while much is put there. */
struct build_numbers {
    uint8_t *bytes, *lens;
    uint64_t n;
    uint8_t two; /* the length that came last, in its upper half */
};

static struct build_numbers
build_numbers(const struct trace_build *build, enum own_column lens, uint64_t n)
{
    struct build_numbers numbers = {.bytes = build->column[lens + 1] + build->len[lens + 1],
        .lens = build->column[lens],
        .n = n};

    if (n % 2 != 0)
        numbers.two = (uint8_t)(numbers.lens[n / 2] << 4);
    return numbers;
}

/* As build_number(), without a branch. */
static inline __attribute__((always_inline)) void
build_put(struct build_numbers *to, uint64_t value)
{
    unsigned len = build_len(value);

    memcpy(to->bytes, &value, 8);
    to->bytes += len;
    to->two = (uint8_t)(to->two >> 4 | len << 4);
    to->lens[to->n / 2] = (uint8_t)(to->two >> (to->n % 2 == 0 ? 4 : 0));
    to->n++;
}

static uint64_t
build_numbers_end(
    struct trace_build *build, enum own_column lens, const struct build_numbers *numbers)
{
    build->len[lens + 1] = (size_t)(numbers->bytes - build->column[lens + 1]);
    build->len[lens] = (numbers->n + 1) / 2;
    return numbers->n;
}

static inline __attribute__((always_inline)) size_t
build_runs(struct trace_build *build, const struct pgw_ref *run, size_t n)
{
    struct build_numbers vas = build_numbers(build, OWN_VA_LENS, build->nva);
    struct build_numbers counts = build_numbers(build, OWN_COUNT_LENS, build->ncounts);
    uint8_t *lows = build->column[OWN_LOWS] + build->len[OWN_LOWS];
    uint8_t *highs = build->column[OWN_HIGHS] + build->len[OWN_HIGHS];
    size_t i;

    for (i = 0; i < n; i++, run++) {
        struct trace_run_shape *shape =
            &build->run[own_kind_code(run->kind) | (run->count > 1 ? 4u : 0)];
        if (__builtin_expect(shape->process != run->process || shape->number == 0, 0) &&
            !build_run_shape(build, run, shape))
            break;
        uint64_t va = page_floor(run->va), *last = &build->last[shape->last];
        uint64_t delta = (uint64_t)((int64_t)(va - *last) >> OWN_PAGE_SHIFT);
        *last = va;
        lows[i] = (uint8_t)shape->number;
        highs[i] = (uint8_t)(shape->number >> 8);
        build_put(&vas, own_zigzag(delta));
        if (run->count == 1)
            continue;
        build_put(&counts, run->count - 1u);
        build_put(&counts, run->writes);
        build_put(&counts, run->fetches);
    }
    build->nva = build_numbers_end(build, OWN_VA_LENS, &vas);
    build->ncounts = build_numbers_end(build, OWN_COUNT_LENS, &counts);
    build->len[OWN_LOWS] += i;
    build->len[OWN_HIGHS] += i;
    build->nexecutions += (uint32_t)i;
    build->refs += i;
    return i;
}

#ifdef __x86_64__
__attribute__((target("lzcnt"))) static size_t
build_runs_lzcnt(struct trace_build *build, const struct pgw_ref *run, size_t n)
{
    return build_runs(build, run, n);
}
#endif

size_t
trace_build_runs(struct trace_build *build, const struct pgw_ref *run, size_t n)
{
#ifdef __x86_64__
    if (build->lzcnt)
        return build_runs_lzcnt(build, run, n);
#endif
    return build_runs(build, run, n);
}

void
trace_build_execution(
    const struct trace_build *build, uint32_t number, struct trace_execution *execution)
{
    const struct build_shape *shape = &build->shape[number - 1];

    execution->shape = (uint16_t)number;
    execution->last = shape->last;
    execution->nitems = shape->nitems;
    execution->nva = shape->nvariable;
}

/*
 * Executions of code, part by part, each in two turns: the first takes executions to shapes and
 * lists whose operands follow, the second takes addresses to differences.  In one turn the number
 * of an execution's addresses would be a branch that nobody foresees, and what is slow of either
 * half would wait for the other.
 */

typedef uint32_t build_four __attribute__((vector_size(16)));

/* Where the last addresses of an execution's operands are: from first on.  Nearly always there are
 * no more than four, and then it takes no branch. */
static inline void
build_places(uint32_t *place, uint32_t first, unsigned n)
{
    build_four four = (build_four){first, first, first, first} + (build_four){0, 1, 2, 3};

    memcpy(place, &four, sizeof four);
    for (unsigned i = 4; __builtin_expect(i < n, 0); i++)
        place[i] = first + i;
}

/* The first turn: how many executions it did, and of how many addresses. */
static size_t
build_part(struct trace_build *build, const struct trace_execution *table, uint32_t generation,
    const uint32_t *numbers, size_t n, size_t *nplaces)
{
    uint8_t *lows = build->column[OWN_LOWS] + build->len[OWN_LOWS];
    uint8_t *highs = build->column[OWN_HIGHS] + build->len[OWN_HIGHS];
    uint32_t *place = build->place, *end = place + BUILD_PLACES;
    uint32_t refs = 0;
    size_t i;

    for (i = 0; i < n && place < end; i++) {
        const struct trace_execution *execution = &table[numbers[i]];
        if (__builtin_expect(execution->generation != generation, 0))
            break;
        lows[i] = (uint8_t)execution->shape;
        highs[i] = (uint8_t)(execution->shape >> 8);
        refs += execution->nitems;
        build_places(place, execution->last, execution->nva);
        place += execution->nva;
    }
    build->refs += refs;
    build->nexecutions += (uint32_t)i;
    build->len[OWN_LOWS] += i;
    build->len[OWN_HIGHS] += i;
    *nplaces = (size_t)(place - build->place);
    return i;
}

/* Puts a difference where there is room for eight bytes.  Returns its length. */
static inline __attribute__((always_inline)) unsigned
build_difference(uint8_t *bytes, uint64_t *last, uint64_t va)
{
    uint64_t value = own_zigzag(va - *last);

    *last = va;
    memcpy(bytes, &value, 8);
    return build_len(value);
}

/* The second turn: differences of n addresses go to bytes, and their lengths to len, two each.
 * Returns where bytes end. */
static inline __attribute__((always_inline)) uint8_t *
build_differences(const struct trace_build *build, const uint32_t *place, const uint64_t *va,
    size_t n, uint8_t *bytes, uint8_t *len)
{
    uint64_t *last = build->last;
    size_t i;

    for (i = 0; i + 1 < n; i += 2) {
        unsigned low = build_difference(bytes, &last[place[i]], va[i]);
        bytes += low;
        unsigned high = build_difference(bytes, &last[place[i + 1]], va[i + 1]);
        bytes += high;
        *len++ = (uint8_t)(low | high << 4);
    }
    if (i < n) {
        *len = (uint8_t)build_difference(bytes, &last[place[i]], va[i]);
        bytes += *len;
    }
    return bytes;
}

#ifdef __x86_64__
__attribute__((target("lzcnt"))) static uint8_t *
build_differences_lzcnt(const struct trace_build *build, const uint32_t *place, const uint64_t *va,
    size_t n, uint8_t *bytes, uint8_t *len)
{
    return build_differences(build, place, va, n, bytes, len);
}
#endif

static void
build_addresses(struct trace_build *build, const uint64_t *va, size_t n)
{
    uint8_t *bytes = build->column[OWN_VA_BYTES] + build->len[OWN_VA_BYTES];
    uint8_t *len = build->column[OWN_VA_LENS] + build->nva / 2;
    const uint32_t *place = build->place;

    if (n == 0)
        return;
    build->nva += n;
    if ((build->nva - n) % 2 != 0) {
        unsigned high = build_difference(bytes, &build->last[*place++], *va++);
        bytes += high;
        *len++ |= (uint8_t)(high << 4);
        n--;
    }
#ifdef __x86_64__
    if (build->lzcnt)
        bytes = build_differences_lzcnt(build, place, va, n, bytes, len);
    else
#endif
        bytes = build_differences(build, place, va, n, bytes, len);
    build->len[OWN_VA_BYTES] = (size_t)(bytes - build->column[OWN_VA_BYTES]);
    build->len[OWN_VA_LENS] = (build->nva + 1) / 2;
}

size_t
trace_build_executions(struct trace_build *build, const struct trace_execution *table,
    uint32_t generation, const uint32_t *numbers, size_t n, const uint64_t **va)
{
    size_t done = 0;

    while (done < n && !trace_build_full(build)) {
        size_t part = n - done < BUILD_PART ? n - done : BUILD_PART, nplaces;
        size_t did = build_part(build, table, generation, numbers + done, part, &nplaces);
        build_addresses(build, *va, nplaces);
        *va += nplaces;
        done += did;
        if (did == 0 || (did < part && nplaces < BUILD_PLACES))
            break;
    }
    return done;
}

void
trace_build_event(struct trace_build *build, const struct pgw_event *event)
{
    size_t len = event->text != NULL ? strnlen(event->text, OWN_TEXT_MAX - 1) + 1 : 0;
    uint8_t *text;

    build_execution(build, 0);
    build->nevents++;
    build_byte(build, OWN_EVENTS, (unsigned)event->kind);
    build_varint(build, OWN_EVENTS, event->process);
    build_varint(build, OWN_EVENTS, event->prot);
    build_varint(build, OWN_EVENTS, event->va);
    build_varint(build, OWN_EVENTS, event->len);
    build_varint(build, OWN_EVENTS, event->other);
    build_varint(build, OWN_EVENTS, len);
    if (len == 0)
        return;
    text = build->column[OWN_EVENTS] + build->len[OWN_EVENTS];
    memcpy(text, event->text, len - 1);
    text[len - 1] = '\0';
    build->len[OWN_EVENTS] += len;
}
