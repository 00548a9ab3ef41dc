/* SPDX-License-Identifier: BSD-2-Clause */
#include "machine_spec.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "number.h"

static bool
machine_spec_wrong(char *error, size_t len, const char *text, const char *why)
{
    snprintf(error, len, "\"%.200s\" %s", text, why);
    return false;
}

/* Does the text begin with a size and a comma? */
static bool
machine_spec_is_sizes(const char *text)
{
    char first[32];
    size_t len = strcspn(text, ",");
    uint64_t bytes;

    if (text[len] == '\0' || len >= sizeof first)
        return false;
    memcpy(first, text, len);
    first[len] = '\0';
    return pgw_size_parse(first, &bytes) == PGW_OK;
}

/* Does the text name a level of a stack, as the library reads it? */
static bool
machine_spec_is_stack(const char *text)
{
    static const char *const words[] = {"zpool", "temp"}, *const prefixes[] = {"file:", "nbd:"};

    for (size_t i = 0; i < 2; i++) {
        size_t len = strlen(words[i]);
        if (strncmp(text, prefixes[i], strlen(prefixes[i])) == 0 ||
            (strncmp(text, words[i], len) == 0 && strchr(":,", text[len]) != NULL))
            return true;
    }
    return machine_spec_is_sizes(text);
}

bool
machine_spec_swap(const char *text, struct pgw_config *config, char *path, size_t size, char *error,
    size_t error_len)
{
    const char *colon = strrchr(text, ':');
    const char *number = colon != NULL ? colon + 1 : text;
    uint64_t bytes = 0;

    if (strcmp(text, "none") == 0) {
        config->swap = PGW_SWAP_NONE;
        return true;
    }
    if (machine_spec_is_stack(text)) {
        if (strlen(text) >= size)
            return machine_spec_wrong(error, error_len, text, "is too long");
        memcpy(path, text, strlen(text) + 1);
        config->swap = PGW_SWAP_STACK;
        config->swap_path = path;
        return true;
    }
    enum pgw_status status = pgw_size_parse(number, &bytes);
    if (status == PGW_RANGE)
        return machine_spec_wrong(error, error_len, number, "is too large");
    if (status != PGW_OK)
        return machine_spec_wrong(error, error_len, text,
            "is none of: none, a size such as 256M, FILE:SIZE, zpool, zpool:25%,temp:256M");
    if (bytes < PGW_PAGE_SIZE)
        return machine_spec_wrong(
            error, error_len, text, "is less than a page of 4K; for no swap, write none");
    config->swap = PGW_SWAP_TEMP;
    config->swap_size = bytes;
    if (colon == NULL)
        return true;
    size_t len = (size_t)(colon - text);
    if (len == 0 || len >= size)
        return machine_spec_wrong(error, error_len, text,
            len == 0 ? "has no file name before the colon" : "has too long a file name");
    memcpy(path, text, len);
    path[len] = '\0';
    config->swap = PGW_SWAP_FILE;
    config->swap_path = path;
    return true;
}

/* "85us" in nanoseconds, up to a comma or the end; moves *text past it.  Negative: not a time. */
static double
machine_spec_time(const char **text)
{
    static const struct {
        const char *name;
        double ns;
    } units[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"", 1}};
    char *end = NULL;

    if (**text < '0' || **text > '9')
        return -1;
    double n = strtod(*text, &end);
    size_t len = strcspn(end, ",");
    *text = end + len;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strlen(units[i].name) == len && strncmp(end, units[i].name, len) == 0)
            return n * units[i].ns;
    }
    return -1;
}

bool
machine_spec_cost(const char *text, struct pgw_cost *cost)
{
    const struct {
        const char *name;
        double *ns;
    } figures[] = {{"tlb=", &cost->tlb_ns}, {"l2=", &cost->l2_ns}, {"ram=", &cost->ram_ns},
        {"fault=", &cost->fault_ns}, {"disk=", &cost->disk_ns}, {"refill=", &cost->refill_ns},
        {"switch=", &cost->switch_ns}, {"register=", &cost->register_ns}, {"move=", &cost->move_ns},
        {"ipi=", &cost->ipi_ns}, {"zstd=", &cost->zstd_ns}, {"unzstd=", &cost->unzstd_ns},
        {"lz4=", &cost->lz4_ns}, {"unlz4=", &cost->unlz4_ns}};
    const size_t n = sizeof figures / sizeof figures[0];
    unsigned given = 0;

    for (;; text++) {
        size_t i = 0;
        while (i < n && strncmp(text, figures[i].name, strlen(figures[i].name)) != 0)
            i++;
        if (i == n || (given & 1u << i) != 0)
            return false;
        given |= 1u << i;
        text += strlen(figures[i].name);
        double ns = machine_spec_time(&text);
        if (!(ns >= 0 && ns <= 1e18))
            return false;
        *figures[i].ns = ns;
        if (*text == '\0')
            return true;
    }
}

bool
machine_spec_overcommit(const char *text, struct pgw_config *config)
{
    static const char *const names[] = {[PGW_OVERCOMMIT_HEURISTIC] = "heuristic",
        [PGW_OVERCOMMIT_ALWAYS] = "always",
        [PGW_OVERCOMMIT_NEVER] = "never"};
    uint64_t ratio;

    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(text, names[i]) == 0) {
            config->overcommit = (enum pgw_overcommit)i;
            return true;
        }
    }
    if (strncmp(text, "never:", 6) != 0 || number_read(text + 6, &ratio) != NUMBER ||
        ratio > INT_MAX) /* as vm.overcommit_ratio, which may exceed 100 */
        return false;
    config->overcommit = PGW_OVERCOMMIT_NEVER;
    config->overcommit_ratio = (unsigned)ratio;
    return true;
}

bool
machine_spec_merge(const char *text, struct pgw_config *config)
{
    static const char *const names[] = {
        [PGW_MERGE_OFF] = "off", [PGW_MERGE_ADVISED] = "madvise", [PGW_MERGE_ALL] = "all"};

    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(text, names[i]) == 0) {
            config->merge = (enum pgw_merge)i;
            return true;
        }
    }
    return false;
}
