/* SPDX-License-Identifier: BSD-2-Clause */
#include "api/swapspec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pagewright/pagewright.h>

/* A part of the text. */
struct piece {
    const char *at;
    size_t len;
};

static bool
piece_is(struct piece piece, const char *word)
{
    return piece.len == strlen(word) && strncmp(piece.at, word, piece.len) == 0;
}

/* What follows the prefix; false: it does not start so. */
static bool
piece_after(struct piece piece, const char *prefix, struct piece *rest)
{
    size_t len = strlen(prefix);

    if (piece.len < len || strncmp(piece.at, prefix, len) != 0)
        return false;
    *rest = (struct piece){piece.at + len, piece.len - len};
    return true;
}

static bool
piece_size(struct piece piece, uint64_t *bytes)
{
    char text[32];

    if (piece.len == 0 || piece.len >= sizeof text)
        return false;
    memcpy(text, piece.at, piece.len);
    text[piece.len] = '\0';
    return pgw_size_parse(text, bytes) == PGW_OK && *bytes >= PGW_PAGE_SIZE;
}

static bool
piece_percent(struct piece piece, unsigned *percent)
{
    unsigned n = 0;
    size_t i = 0;

    for (; i < piece.len && piece.at[i] >= '0' && piece.at[i] <= '9' && n <= 100; i++)
        n = 10 * n + (unsigned)(piece.at[i] - '0');
    *percent = n;
    return i > 0 && i + 1 == piece.len && piece.at[i] == '%' && n >= 1 && n <= 90;
}

static enum pgw_status
swapspec_wrong(struct piece piece, const char *what, char *why, size_t len)
{
    (void)snprintf(why, len, "\"%.*s\" %s", piece.len < 200 ? (int)piece.len : 200, piece.at, what);
    return PGW_INVAL;
}

/* What an option of the pool sets, a bit each. */
enum swapspec_sets {
    SWAPSPEC_SETS_NOTHING = 0, /* it is none */
    SWAPSPEC_SETS_CODEC = 1,
    SWAPSPEC_SETS_CLEAN = 2,
    SWAPSPEC_SETS_LIMIT = 4
};

static enum swapspec_sets
swapspec_option(struct swapspec *spec, struct piece option)
{
    if (piece_is(option, "zstd") || piece_is(option, "lz4")) {
        spec->lz4 = piece_is(option, "lz4");
        return SWAPSPEC_SETS_CODEC;
    }
    if (piece_is(option, "clean")) {
        spec->clean = true;
        return SWAPSPEC_SETS_CLEAN;
    }
    if (piece_size(option, &spec->pool_bytes))
        spec->percent = 0;
    else if (!piece_percent(option, &spec->percent))
        return SWAPSPEC_SETS_NOTHING;
    return SWAPSPEC_SETS_LIMIT;
}

static enum pgw_status
swapspec_pool(struct swapspec *spec, struct piece options, char *why, size_t len)
{
    unsigned given = 0;

    spec->pool = true;
    spec->percent = SWAPSPEC_PERCENT;
    while (options.len > 0) {
        struct piece option = {options.at + 1, 0};
        while (option.len + 1 < options.len && option.at[option.len] != ':')
            option.len++;
        enum swapspec_sets sets = swapspec_option(spec, option);
        if ((given & sets) != 0)
            return swapspec_wrong(
                option, "sets what was set before it: give each of zpool's options once", why, len);
        given |= sets;
        if (sets == SWAPSPEC_SETS_NOTHING)
            return swapspec_wrong(option,
                "is no option of zpool: write a size such as 16M, a share of RAM from 1% to 90%, "
                "zstd, lz4 or clean",
                why, len);
        options.at += option.len + 1;
        options.len -= option.len + 1;
    }
    return PGW_OK;
}

static bool
swapspec_copy(struct swapspec_level *level, struct piece path)
{
    if (path.len == 0 || path.len >= sizeof level->path)
        return false;
    memcpy(level->path, path.at, path.len);
    level->path[path.len] = '\0';
    return true;
}

/* PATH:SIZE, the path being all before the last colon. */
static bool
swapspec_file(struct swapspec_level *level, struct piece rest)
{
    size_t len = rest.len;

    while (len > 0 && rest.at[len - 1] != ':')
        len--;
    level->kind = SWAPSPEC_FILE;
    return len > 1 && piece_size((struct piece){rest.at + len, rest.len - len}, &level->size) &&
           swapspec_copy(level, (struct piece){rest.at, len - 1});
}

static bool
swapspec_level(struct swapspec_level *level, struct piece piece)
{
    struct piece rest;

    level->kind = SWAPSPEC_TEMP;
    if (piece_is(piece, "temp") || piece_size(piece, &level->size))
        return true;
    if (piece_after(piece, "temp:", &rest))
        return piece_size(rest, &level->size);
    if (piece_after(piece, "file:", &rest))
        return swapspec_file(level, rest);
    level->kind = SWAPSPEC_NBD;
    return piece_after(piece, "nbd:", &rest) && swapspec_copy(level, rest);
}

/* Does this begin with a level, up to its comma?  A path may have commas, too. */
static bool
swapspec_begins(const char *text)
{
    struct piece piece = {text, strcspn(text, ",")}, rest;
    uint64_t size;

    return piece_is(piece, "temp") || piece_size(piece, &size) ||
           piece_after(piece, "temp:", &rest) || piece_after(piece, "file:", &rest) ||
           piece_after(piece, "nbd:", &rest) || piece_after(piece, "zpool", &rest);
}

/* The text up to the next level, or to its end. */
static struct piece
swapspec_piece(const char *text)
{
    size_t len = strcspn(text, ",");

    while (text[len] == ',' && !swapspec_begins(text + len + 1))
        len += 1 + strcspn(text + len + 1, ",");
    return (struct piece){text, len};
}

/* Two levels that are the same file or store would write over each other. */
static bool
swapspec_twice(const struct swapspec *spec, const struct swapspec_level *level)
{
    for (const struct swapspec_level *other = spec->levels; other < level; other++)
        if (level->kind != SWAPSPEC_TEMP && level->kind == other->kind &&
            strcmp(level->path, other->path) == 0)
            return true;
    return false;
}

static const char *
swapspec_level_wrong(struct piece piece)
{
    struct piece rest;

    if (piece_after(piece, "temp:", &rest))
        return "has no size from 4K on: write temp:64M";
    if (piece_after(piece, "file:", &rest))
        return "has no name, or no size from 4K on after it: write file:PATH:64M";
    if (piece.len == 0 || piece.at[piece.len - 1] == ',')
        return "ends where a level of swap should follow";
    return "is no level of swap: write zpool (once, and first), then one or more of temp:SIZE, "
           "file:PATH:SIZE, nbd:URI";
}

static enum pgw_status
swapspec_levels(const char *text, struct swapspec *spec, char *why, size_t len)
{
    for (;;) {
        struct piece piece = swapspec_piece(text);
        if (spec->nlevels == SWAPSPEC_LEVELS_MAX)
            return swapspec_wrong(
                piece, "is one level of swap too many: 8 may follow zpool", why, len);
        struct swapspec_level *level = &spec->levels[spec->nlevels];
        if (!swapspec_level(level, piece))
            return swapspec_wrong(piece, swapspec_level_wrong(piece), why, len);
        if (swapspec_twice(spec, level))
            return swapspec_wrong(
                piece, "is there twice: each level needs a place of its own", why, len);
        spec->nlevels++;
        if (text[piece.len] == '\0')
            return PGW_OK;
        text += piece.len + 1;
    }
}

enum pgw_status
swapspec_parse(const char *text, struct swapspec *spec, char *why, size_t len)
{
    struct piece first = {text, strcspn(text, ",")}, options;

    *spec = (struct swapspec){.pool = false};
    if (!piece_after(first, "zpool", &options) || (options.len > 0 && options.at[0] != ':'))
        return swapspec_levels(text, spec, why, len);
    enum pgw_status status = swapspec_pool(spec, options, why, len);
    if (status != PGW_OK || text[first.len] == '\0')
        return status;
    return swapspec_levels(text + first.len + 1, spec, why, len);
}
