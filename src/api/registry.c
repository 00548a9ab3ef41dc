/* SPDX-License-Identifier: BSD-2-Clause */
/* The only file that names back ends: to add one is to add a row. */
#include "api/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/flat.h"

#include "pager/pagers.h"
#include "pmap/pmaps.h"
#include "policy/policies.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

#define RADIX(row, cname, text)                                                                    \
    {                                                                                              \
        .name = (row), .summary = (text), .kind = REGISTRY_RADIX, .pmap = &pmap_##cname,           \
        .format = &mmu_##cname, .options = "ad=hardware|fault"                                     \
    }
#define CONTIGUOUS(row, number, text, takes, from)                                                 \
    {                                                                                              \
        .name = (row), .summary = (text), .kind = REGISTRY_CONTIGUOUS, .scheme = (number),         \
        .options = (takes), .source = (from)                                                       \
    }

/* clang-format off */
static const struct registry_mmu mmus[] = {
    CONTIGUOUS("none", SEG_NONE,
        "no translation: a program's address is the RAM's, and nothing is protected", "compact=on|off",
        "the PDP-8 and most microcontrollers"),
    CONTIGUOUS("base-bounds", SEG_BASE_BOUNDS,
        "one relocation register and a limit; a process is one piece of RAM",
        "fit=first|best|next|worst|buddy, compact=on|off, space=32..48",
        "CDC 6600 (Thornton, Design of a Computer, 1970): RA and FL registers"),
    CONTIGUOUS("segments", SEG_SEGMENTS,
        "base and bounds for each of code, heap, mappings and stack, picked by the top bits",
        "fit=first|best|next|worst|buddy, compact=on|off, bits=2..4, space=32..48",
        "DEC PDP-11/45 KT11-C, VAX/VMS P0 and P1; Arpaci-Dusseau, Three Easy Pieces, ch. 16"),
    RADIX("linear", linear, "one table of 2^20 entries, 32-bit space, 4 KiB pages"),
    RADIX("x86", x86, "IA-32: two levels, 4 KiB and 4 MiB pages, no execute right of its own"),
    RADIX("pae", pae, "IA-32 PAE: three levels, 4 KiB and 2 MiB pages, NX"),
    RADIX("x86-64", x86_64, "x86-64: four levels, 4 KiB, 2 MiB and 1 GiB pages"),
    RADIX("la57", la57, "x86-64 LA57: five levels"),
    RADIX("sv32", sv32, "RISC-V Sv32: two levels, 32-bit space, 4 KiB and 4 MiB pages"),
    RADIX("sv39", sv39, "RISC-V Sv39: three levels, 4 KiB, 64 KiB, 2 MiB and 1 GiB pages"),
    RADIX("sv48", sv48, "RISC-V Sv48: four levels"),
    RADIX("sv57", sv57, "RISC-V Sv57: five levels"),
    RADIX("armv8", armv8, "Armv8-A, 4 KiB granule: four levels, 2 MiB and 1 GiB blocks"),
    {.name = "mips32", .summary = "MIPS32: a TLB that the core refills itself; no table known to hardware",
        .kind = REGISTRY_REFILL, .pmap = &pmap_mips32, .format = &mmu_mips32, .options = ""},
    {.name = "hashed", .summary = "one inverted table for the whole system, an entry a frame, chained by hash",
        .kind = REGISTRY_HASHED, .pmap = &pmap_hashed, .options = "",
        .source = "Chang and Mergen, 801 Storage, ACM TOCS 6(1), 1988"},
    {.name = "ref", .summary = "reference: a hash table outside RAM, no tables, no TLBs",
        .kind = REGISTRY_FLAT, .pmap = &pmap_ref, .options = ""},
};

static const struct seg_fit_ops *const fits[] = {
    &seg_fit_first, &seg_fit_best, &seg_fit_next, &seg_fit_worst, &seg_fit_buddy,
};
/* clang-format on */

static const struct policy_ops *const policies[] = {
    &policy_clock,
    &policy_adaptive,
    &policy_aging,
    &policy_arc,
    &policy_car,
    &policy_clockpro,
    &policy_fifo,
    &policy_lfu,
    &policy_lirs,
    &policy_lru,
    &policy_mglru,
    &policy_mru,
    &policy_nru,
    &policy_pff,
    &policy_random,
    &policy_s3fifo,
    &policy_sieve,
    &policy_slru,
    &policy_twoq,
    &policy_wsclock,
    &policy_wtinylfu,
};

static const struct registry_pager pagers[] = {
    {"none", "no swap: what does not fit in RAM does not fit"},
    {"SIZE", "a nameless temporary file of that size, gone at the end"},
    {"FILE:SIZE", "a regular file, made if absent and left behind, or a block device"},
    {"LEVEL,LEVEL...",
        "up to 8 devices, each of temp:SIZE, file:FILE:SIZE, nbd:URI, each used when "
        "those before it are full or fail"},
    {"zpool", "compressed pages in RAM, alone, or before such levels: zpool:25%,LEVEL...; options: "
              "a size or share of RAM (20%), zstd or lz4, clean (keeps clean pages of files, too)"},
    {"nbd:URI", "a remote store, such as nbd:nbd://host/export; alone, or after zpool"},
    {"temp:SIZE", "among levels: as SIZE"},
    {"file:FILE:SIZE", "among levels: as FILE:SIZE"},
};

const struct registry_mmu *
registry_mmu_at(unsigned i)
{
    return i < COUNT(mmus) ? &mmus[i] : NULL;
}

const struct policy_ops *
registry_policy_at(unsigned i)
{
    return i < COUNT(policies) ? policies[i] : NULL;
}

const struct registry_pager *
registry_pager_at(unsigned i)
{
    return i < COUNT(pagers) ? &pagers[i] : NULL;
}

const struct registry_mmu *
registry_mmu_named(const char *name)
{
    for (unsigned i = 0; i < COUNT(mmus); i++) {
        if (strcmp(mmus[i].name, name) == 0)
            return &mmus[i];
    }
    return NULL;
}

/* "KEY=" at the start of text, len bytes long: the value, and its length; NULL: not this key. */
static const char *
registry_value(const char *text, size_t len, const char *key, size_t *value_len)
{
    size_t n = strlen(key);

    if (len < n || strncmp(text, key, n) != 0)
        return NULL;
    *value_len = len - n;
    return text + n;
}

/* Which of two words it is; -1: neither. */
static int
registry_choice(const char *value, size_t len, const char *first, const char *second)
{
    if (len == strlen(first) && strncmp(value, first, len) == 0)
        return 0;
    return len == strlen(second) && strncmp(value, second, len) == 0 ? 1 : -1;
}

static bool
registry_number(const char *value, size_t len, unsigned least, unsigned most, unsigned *number)
{
    char *end = NULL;

    if (len == 0 || len > 2 || value[0] < '0' || value[0] > '9')
        return false;
    unsigned long n = strtoul(value, &end, 10);
    if (end != value + len || n < least || n > most)
        return false;
    *number = (unsigned)n;
    return true;
}

static bool
registry_fit(const char *value, size_t len, const struct seg_fit_ops **fit)
{
    for (unsigned i = 0; i < COUNT(fits); i++) {
        if (strlen(fits[i]->name) == len && strncmp(fits[i]->name, value, len) == 0) {
            *fit = fits[i];
            return true;
        }
    }
    return false;
}

/* What an option sets, a bit each. */
enum registry_sets {
    REGISTRY_SETS_NOTHING = 0, /* it is none */
    REGISTRY_SETS_AD = 1,
    REGISTRY_SETS_COMPACTION = 2,
    REGISTRY_SETS_FIT = 4,
    REGISTRY_SETS_SPACE = 8,
    REGISTRY_SETS_BITS = 16
};

static enum registry_sets
registry_radix_option(
    const struct registry_mmu *row, const char *text, size_t len, struct registry_options *options)
{
    size_t n;
    const char *value = registry_value(text, len, "ad=", &n);
    int choice = value != NULL ? registry_choice(value, n, "hardware", "fault") : -1;

    if (len == strlen("svade") && strncmp(text, "svade", len) == 0 &&
        strncmp(row->name, "sv", 2) == 0)
        choice = 1;
    options->ad = choice == 1 ? MMU_AD_FAULT : MMU_AD_HARDWARE;
    return choice >= 0 ? REGISTRY_SETS_AD : REGISTRY_SETS_NOTHING;
}

/* One option of the row; the row's own list says which keys it takes. */
static enum registry_sets
registry_option(
    const struct registry_mmu *row, const char *text, size_t len, struct registry_options *options)
{
    enum registry_sets sets = REGISTRY_SETS_NOTHING;
    const char *value;
    bool good = false;
    size_t n;

    if (row->kind == REGISTRY_RADIX)
        return registry_radix_option(row, text, len, options);
    if (row->kind != REGISTRY_CONTIGUOUS)
        return sets;
    if ((value = registry_value(text, len, "compact=", &n)) != NULL) {
        int choice = registry_choice(value, n, "on", "off");
        options->no_compaction = choice == 1;
        sets = REGISTRY_SETS_COMPACTION;
        good = choice >= 0;
    } else if (row->scheme == SEG_NONE) {
        return sets;
    } else if ((value = registry_value(text, len, "fit=", &n)) != NULL) {
        sets = REGISTRY_SETS_FIT;
        good = registry_fit(value, n, &options->fit);
    } else if ((value = registry_value(text, len, "space=", &n)) != NULL) {
        sets = REGISTRY_SETS_SPACE;
        good = registry_number(value, n, 32, 48, &options->va_bits);
    } else if ((value = registry_value(text, len, "bits=", &n)) != NULL) {
        sets = REGISTRY_SETS_BITS;
        good = row->scheme == SEG_SEGMENTS && registry_number(value, n, 2, 4, &options->bits);
    }
    return good ? sets : REGISTRY_SETS_NOTHING;
}

/* Which of two values is meant nobody knows. */
static enum pgw_status
registry_twice(const char *of, const char *name, const char *text, size_t n, char *why, size_t len)
{
    (void)snprintf(why, len, "%s %s: \"%.*s\" sets what was set before it: give each at most once",
        of, name, n < 64 ? (int)n : 64, text);
    return PGW_INVAL;
}

/* "sv39, ref": what a wrong name could have been, one more of them. */
static void
registry_add_name(char *out, size_t len, const char *name)
{
    size_t at = strlen(out);

    (void)snprintf(out + at, len - at, "%s%s", at > 0 ? ", " : "", name);
}

enum pgw_status
registry_mmu_parse(const char *text, const struct registry_mmu **mmu,
    struct registry_options *options, char *why, size_t len)
{
    char names[256] = "", name[32];
    size_t name_len = strcspn(text, ":");
    unsigned given = 0;

    *options = (struct registry_options){
        .ad = MMU_AD_HARDWARE, .fit = &seg_fit_first, .bits = 2, .va_bits = 32};
    (void)snprintf(name, sizeof name, "%.*s", name_len < 31 ? (int)name_len : 31, text);
    *mmu = registry_mmu_named(name);
    if (*mmu == NULL) {
        for (unsigned i = 0; i < COUNT(mmus); i++)
            registry_add_name(names, sizeof names, mmus[i].name);
        (void)snprintf(why, len, "there is no mmu \"%.64s\": use one of %s", name, names);
        return PGW_INVAL;
    }
    for (const char *at = text + name_len; *at != '\0';) {
        size_t n = strcspn(++at, ",");
        enum registry_sets sets = registry_option(*mmu, at, n, options);
        if (sets == REGISTRY_SETS_NOTHING) {
            (void)snprintf(why, len, "mmu %s has no option \"%.*s\": %s%s", name,
                n < 64 ? (int)n : 64, at,
                (*mmu)->options[0] != '\0' ? "write any of " : "it takes none", (*mmu)->options);
            return PGW_INVAL;
        }
        if ((given & sets) != 0)
            return registry_twice("mmu", name, at, n, why, len);
        given |= sets;
        at += n;
    }
    return PGW_OK;
}

bool
registry_mmu_is_identity(const struct registry_mmu *row)
{
    return row->kind == REGISTRY_CONTIGUOUS && row->scheme == SEG_NONE;
}

unsigned
registry_mmu_levels(const struct registry_mmu *row)
{
    if (row->kind == REGISTRY_HASHED)
        return 2; /* the anchor, and the chain */
    return row->format != NULL ? row->format->levels : 0;
}

static enum pgw_status
registry_walker_create(const struct registry_mmu *row, struct mem *mem, struct base_alloc *alloc,
    struct mmu_walker **walker)
{
    return row->kind == REGISTRY_HASHED ? mmu_hashed_walker_create(mem, alloc, walker)
                                        : mmu_refill_walker_create(row->format, mem, alloc, walker);
}

enum pgw_status
registry_mmu_create(const struct registry_mmu *row, const struct registry_options *options,
    const struct mmu_tlb_spec *tlb, uint64_t seed, struct mem *mem, struct base_alloc *alloc,
    struct mmu **mmu)
{
    if (row->kind == REGISTRY_FLAT)
        return flat_create(mem, alloc, mmu);
    if (row->kind == REGISTRY_CONTIGUOUS)
        return mmu_segment_create(mem, alloc, mmu);
    if (row->kind == REGISTRY_RADIX)
        return mmu_radix_create(row->format, options->ad, tlb, seed, mem, alloc, mmu);
    struct mmu_paged_config config = {.tlb = *tlb, .seed = seed};
    enum pgw_status status = registry_walker_create(row, mem, alloc, &config.walker);
    if (status != PGW_OK)
        return status;
    status = mmu_paged_create(&config, mem, alloc, mmu);
    if (status != PGW_OK)
        config.walker->ops->destroy(config.walker);
    return status;
}

const struct policy_ops *
registry_policy_named(const char *name)
{
    for (unsigned i = 0; i < COUNT(policies); i++) {
        if (strcmp(policies[i]->name, name) == 0)
            return policies[i];
    }
    return NULL;
}

/* "bits=1..8, x=1..9": what may follow a policy's name. */
static void
registry_policy_params(const struct policy_ops *policy, char *out, size_t len)
{
    const struct policy_param *param = policy->params;
    char one[96];

    for (; param != NULL && param->name != NULL; param++) {
        (void)snprintf(one, sizeof one, "%s=%llu..%llu", param->name,
            (unsigned long long)param->least, (unsigned long long)param->most);
        registry_add_name(out, len, one);
    }
}

/* One KEY=VALUE, n bytes of text: which parameter it is, as a bit; 0: it is none. */
static unsigned
registry_policy_param(const struct policy_ops *policy, const char *text, size_t n, uint64_t *param)
{
    for (unsigned i = 0; policy->params != NULL && policy->params[i].name != NULL; i++) {
        const struct policy_param *row = &policy->params[i];
        size_t key = strlen(row->name), value = 0;
        uint64_t number = 0;
        if (n < key + 2 || strncmp(text, row->name, key) != 0 || text[key] != '=')
            continue;
        for (value = key + 1; value < n; value++) {
            if (text[value] < '0' || text[value] > '9' || number > row->most)
                return 0;
            number = number * 10 + (uint64_t)(text[value] - '0');
        }
        param[i] = number;
        return number >= row->least && number <= row->most ? 1u << i : 0;
    }
    return 0;
}

enum pgw_status
registry_policy_parse(
    const char *text, const struct policy_ops **policy, uint64_t *param, char *why, size_t len)
{
    char names[384] = "", name[32];
    size_t name_len = strcspn(text, ":");
    unsigned given = 0;

    memset(param, 0, POLICY_PARAMS_MAX * sizeof *param);
    (void)snprintf(name, sizeof name, "%.*s", name_len < 31 ? (int)name_len : 31, text);
    *policy = registry_policy_named(name);
    if (*policy == NULL) {
        for (unsigned i = 0; i < COUNT(policies); i++)
            registry_add_name(names, sizeof names, policies[i]->name);
        (void)snprintf(why, len, "there is no policy \"%s\": use one of %s", name, names);
        return PGW_INVAL;
    }
    for (const char *at = text + name_len; *at != '\0';) {
        size_t n = strcspn(++at, ":");
        unsigned which = registry_policy_param(*policy, at, n, param);
        if (which == 0) {
            registry_policy_params(*policy, names, sizeof names);
            (void)snprintf(why, len, "policy %s has no parameter \"%.*s\": %s%s", name,
                n < 64 ? (int)n : 64, at,
                names[0] != '\0' ? "write any of, with a colon between, " : "it takes none", names);
            return PGW_INVAL;
        }
        if ((given & which) != 0)
            return registry_twice("policy", name, at, n, why, len);
        given |= which;
        at += n;
    }
    return PGW_OK;
}

enum pgw_status
registry_policy_or_opt_parse(
    const char *text, const struct policy_ops **policy, uint64_t *param, char *why, size_t len)
{
    enum pgw_status status;

    *policy = NULL;
    if (strcmp(text, "opt") == 0)
        return PGW_OK;
    if (strncmp(text, "opt:", 4) == 0) {
        (void)snprintf(why, len, "policy opt has no parameter \"%.64s\": it takes none", text + 4);
        return PGW_INVAL;
    }
    status = registry_policy_parse(text, policy, param, why, len);
    if (*policy == NULL)
        (void)strncat(why, ", opt", len - 1 - strlen(why));
    return status;
}

enum pgw_status
registry_tlb_parse(const char *text, struct mmu_tlb_spec *spec, char *why, size_t len)
{
    if (text != NULL && mmu_tlb_spec_parse(text, spec) == PGW_OK)
        return PGW_OK;
    (void)snprintf(why, len,
        "tlb \"%.64s\" is not valid: write none, a preset, or l1=ENTRIES:WAYS,l2=ENTRIES:WAYS "
        "with ENTRIES / WAYS a power of two, such as l1=64:4,l2=1536:12; l1i and l1d come "
        "together, prefetch needs an l2, and nothing is given twice",
        text != NULL ? text : "(null)");
    return PGW_INVAL;
}

enum pgw_status
registry_swap_create(struct mem *mem, struct base_alloc *alloc, struct host_file file,
    uint64_t nslots, struct pager **pager)
{
    return pager_swap_create(mem, alloc, file, nslots, pager);
}

enum pgw_status
registry_remote_create(
    struct mem *mem, struct base_alloc *alloc, const char *uri, struct pager **pager)
{
#ifdef HAVE_LIBNBD
    return pager_remote_create(mem, alloc, uri, PAGER_REMOTE_PATIENCE, pager);
#else
    (void)mem, (void)alloc, (void)uri, (void)pager;
    return PGW_UNSUPPORTED;
#endif
}

enum pgw_status
registry_chain_create(struct mem *mem, struct base_alloc *alloc, struct pager *const *levels,
    unsigned n, struct pager **pager)
{
    return pager_chain_create(mem, alloc, levels, n, pager);
}

enum pgw_status
registry_pool_create(struct mem *mem, struct base_alloc *alloc, uint64_t frames, bool lz4,
    bool aside, struct pager *next, struct pager **pager)
{
    const struct pager_zpool_config config = {.limit = frames, .lz4 = lz4, .aside = aside};

    return pager_zpool_create(mem, alloc, &config, next, pager);
}

enum pgw_status
registry_file_create(
    struct mem *mem, struct base_alloc *alloc, struct host_file file, struct pager **pager)
{
    return pager_file_create(mem, alloc, file, pager);
}

void
registry_file_write_by(struct pager *pager, struct host_file file)
{
    pager_file_write_by(pager, file);
}

int
registry_file_fd(const struct pager *pager)
{
    return pager_file_fd(pager);
}
