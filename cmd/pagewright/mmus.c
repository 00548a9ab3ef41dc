/* SPDX-License-Identifier: BSD-2-Clause */
/* pagewright mmus: what every translation scheme can and cannot do. */
#include "commands.h"

#include <argp.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pagewright/pagewright.h>

#include "number.h"

#define MMUS_VERSION 1 /* of the JSON */

enum { KEY_JSON = 0x100, KEY_TLBS };

struct mmus_options {
    bool json, tlbs;
};

/* clang-format off */
static const struct argp_option options[] = {
    {"tlbs", KEY_TLBS, NULL, 0, "lists the TLBs that --tlb knows by name instead", 0},
    {"json", KEY_JSON, NULL, 0, "as JSON, schemes and TLBs", 0},
    {NULL, 0, NULL, 0, NULL, 0},
};
/* clang-format on */

static error_t
mmus_option(int key, char *arg, struct argp_state *state)
{
    struct mmus_options *mmus = state->input;

    switch (key) {
    case KEY_JSON:
        mmus->json = true;
        return 0;
    case KEY_TLBS:
        mmus->tlbs = true;
        return 0;
    case ARGP_KEY_ARG:
        argp_failure(
            state, EXIT_OURS, 0, "\"%s\" is one word too many: it takes options only", arg);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* "4K 2M 1G". */
static const char *
mmus_pages(uint64_t sizes, char *out, size_t len)
{
    size_t at = 0;
    char one[24];

    (void)snprintf(out, len, "-");
    for (unsigned bit = 0; bit < 64; bit++) {
        if ((sizes >> bit & 1) != 0 && at < len)
            at += (size_t)snprintf(out + at, len - at, "%s%s", at > 0 ? " " : "",
                number_size((uint64_t)1 << bit, one));
    }
    return out;
}

static const char *
mmus_number(unsigned n, char out[12])
{
    if (n == 0)
        return "-";
    (void)snprintf(out, 12, "%u", n);
    return out;
}

static void
mmus_row(const char *name, const struct pgw_mmu_limits *l)
{
    char space[24] = "the RAM's", pages[64], levels[12], entry[12], tag[12], registers[12];

    if (l->user_end != 0)
        (void)number_size(l->user_end, space);
    printf("%-12s %4u  %-9s  %-23s %6s %5s %4s  %c%c%c    %9s\n", name, l->address_bits, space,
        l->contiguous ? "-" : mmus_pages(l->page_sizes, pages, sizeof pages),
        mmus_number(l->levels, levels), mmus_number(l->entry_bytes, entry),
        mmus_number(l->tag_bits, tag), l->rights & PGW_READ ? 'r' : '-',
        l->rights & PGW_WRITE ? 'w' : '-', l->rights & PGW_EXEC ? 'x' : '-',
        mmus_number(l->segments, registers));
}

static void
mmus_text(void)
{
    struct pgw_mmu_limits limits = {.size = sizeof limits};

    printf("%-12s %4s  %-9s  %-23s %6s %5s %4s  %-6s %9s\n", "scheme", "bits", "user", "pages",
        "levels", "entry", "tag", "rights", "registers");
    for (unsigned i = 0; pgw_mmu_limits(i, &limits) == PGW_OK; i++)
        mmus_row(pgw_mmu_name(i), &limits);
    printf(
        "\nbits: of a program's address; user: bytes that it may use; entry: bytes of a table's "
        "entry; tag: bits of the\nTLB's address-space tag; rights: those that it can withhold one "
        "by one; registers: of segments.\n");
    for (unsigned i = 0; pgw_mmu_limits(i, &limits) == PGW_OK; i++) {
        printf("\n%s\n  %s\n", pgw_mmu_name(i), pgw_mmu_summary(i));
        if (pgw_mmu_options(i)[0] != '\0')
            printf("  options: %s\n", pgw_mmu_options(i));
        if (limits.source != NULL && limits.source[0] != '\0')
            printf("  source: %s\n", limits.source);
    }
}

static void
mmus_text_tlbs(void)
{
    for (unsigned i = 0; pgw_tlb_preset_name(i) != NULL; i++)
        printf("%-14s %s\n", pgw_tlb_preset_name(i), pgw_tlb_preset_summary(i));
}

/* Takes item over; a failure makes the list NULL, and with it all that it would be part of. */
static void
mmus_append(json_t **list, json_t *item)
{
    if (json_array_append_new(*list, item) == 0)
        return;
    json_decref(*list);
    *list = NULL;
}

/* The names of the bits of a mask. */
static json_t *
mmus_json_rights(unsigned rights)
{
    static const struct {
        unsigned bit;
        const char *name;
    } names[] = {{PGW_READ, "read"}, {PGW_WRITE, "write"}, {PGW_EXEC, "execute"}};
    json_t *list = json_array();

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if ((rights & names[i].bit) != 0)
            mmus_append(&list, json_string(names[i].name));
    }
    return list;
}

static json_t *
mmus_json_pages(const struct pgw_mmu_limits *limits)
{
    json_t *list = json_array();

    for (unsigned bit = 0; bit < 63 && !limits->contiguous; bit++) {
        if ((limits->page_sizes >> bit & 1) != 0)
            mmus_append(&list, json_integer((json_int_t)((uint64_t)1 << bit)));
    }
    return list;
}

static json_t *
mmus_json_schemes(void)
{
    struct pgw_mmu_limits l = {.size = sizeof l};
    json_t *list = json_array();

    for (unsigned i = 0; pgw_mmu_limits(i, &l) == PGW_OK; i++) {
        json_t *user = l.user_end != 0 ? json_integer((json_int_t)l.user_end) : json_null();
        json_t *one = json_pack("{s:s, s:s, s:s, s:b, s:i, s:o, s:o, s:i, s:i, s:i, s:o, s:i, s:s}",
            "name", pgw_mmu_name(i), "summary", pgw_mmu_summary(i), "options", pgw_mmu_options(i),
            "contiguous", (int)l.contiguous, "address_bits", (int)l.address_bits, "user_bytes",
            user, "page_bytes", mmus_json_pages(&l), "levels", (int)l.levels, "entry_bytes",
            (int)l.entry_bytes, "tag_bits", (int)l.tag_bits, "rights", mmus_json_rights(l.rights),
            "registers", (int)l.segments, "source", l.source != NULL ? l.source : "");
        mmus_append(&list, one);
    }
    return list;
}

static json_t *
mmus_json_tlbs(void)
{
    json_t *list = json_array();

    for (unsigned i = 0; pgw_tlb_preset_name(i) != NULL; i++)
        mmus_append(&list, json_pack("{s:s, s:s}", "name", pgw_tlb_preset_name(i), "summary",
                               pgw_tlb_preset_summary(i)));
    return list;
}

static int
mmus_json(void)
{
    json_t *root = json_pack("{s:i, s:s, s:o, s:o}", "version", MMUS_VERSION, "generator",
        pgw_version(), "schemes", mmus_json_schemes(), "tlbs", mmus_json_tlbs());
    bool put = root != NULL && json_dumpf(root, stdout, JSON_INDENT(2)) == 0;

    json_decref(root);
    (void)putchar('\n');
    return put ? 0 : EXIT_OURS;
}

int
command_mmus(int argc, char **argv)
{
    const struct argp argp = {
        .options = options,
        .parser = mmus_option,
        .doc =
            "Lists the translation schemes that --mmu takes, what each of them can and cannot do, "
            "and where that is from.",
    };
    struct mmus_options mmus = {0};
    int code = 0;

    argp_parse(&argp, argc, argv, 0, NULL, &mmus);
    if (mmus.json)
        code = mmus_json();
    else if (mmus.tlbs)
        mmus_text_tlbs();
    else
        mmus_text();
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "pagewright mmus: cannot write to standard output\n");
        return EXIT_OURS;
    }
    return code;
}
