/* SPDX-License-Identifier: BSD-2-Clause */
#include "translate_spec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "number.h"

#define SPEC_MAX 160u /* no specification that is right is longer */

bool
translate_spec_bytes(const char *text, uint64_t *n)
{
    return number_read(text, n) == NUMBER || pgw_size_parse(text, n) == PGW_OK;
}

static bool
spec_wrong(char *why, size_t len, const char *text, const char *part, const char *what)
{
    (void)snprintf(why, len, "\"%.64s\": \"%.64s\" is %s", text, part, what);
    return false;
}

/* Cuts text at the last `mark`: what follows it, or NULL if there is none. */
static char *
spec_cut(char *text, char mark)
{
    char *at = strrchr(text, mark);

    if (at == NULL)
        return NULL;
    *at = '\0';
    return at + 1;
}

/* Letters of "rwx" and, for a map, "kad". */
static bool
spec_rights(const char *text, unsigned *prot, struct pgw_translate_map *map)
{
    *prot = 0;
    if (text[0] == '\0')
        return false;
    for (const char *at = text; *at != '\0'; at++) {
        switch (*at) {
        case 'r':
            *prot |= PGW_READ;
            continue;
        case 'w':
            *prot |= PGW_WRITE;
            continue;
        case 'x':
            *prot |= PGW_EXEC;
            continue;
        case 'k':
        case 'a':
        case 'd':
            if (map == NULL)
                return false;
            map->kernel |= *at == 'k';
            map->accessed |= *at == 'a';
            map->dirty |= *at == 'd';
            continue;
        default:
            return false;
        }
    }
    if (*prot == 0)
        *prot = PGW_READ | PGW_WRITE | PGW_EXEC;
    return true;
}

/* What stands right of the "=": a frame and rights, a slot, or an entry. */
static bool
spec_target(const char *whole, char *target, struct pgw_translate_map *map, char *why, size_t len)
{
    char *colon = strchr(target, ':');
    char *rest = colon != NULL ? colon + 1 : NULL;

    if (colon != NULL)
        *colon = '\0';
    map->prot = PGW_READ | PGW_WRITE | PGW_EXEC;
    map->on_disk = strcmp(target, "disk") == 0;
    map->entry = strcmp(target, "entry") == 0;
    if (map->on_disk || map->entry) {
        if (rest != NULL && number_read(rest, &map->frame) == NUMBER)
            return true;
        return spec_wrong(why, len, whole, rest != NULL ? rest : "",
            map->on_disk ? "not the number of a slot: write VPN=disk:SLOT"
                         : "not the value of an entry: write VPN=entry:VALUE");
    }
    if (number_read(target, &map->frame) != NUMBER)
        return spec_wrong(why, len, whole, target,
            "not the number of a frame: write VPN=PFN, such as 2=5 or 0x2=0x109");
    if (rest != NULL && !spec_rights(rest, &map->prot, map))
        return spec_wrong(why, len, whole, rest,
            "not made of r, w, x, k (kernel only), a (accessed) and d (dirty)");
    return true;
}

/* Takes "@SIZE" out of text, wherever it stands. */
static bool
spec_page_size(const char *whole, char *text, uint64_t *bytes, char *why, size_t len)
{
    char size[SPEC_MAX];
    char *at = strchr(text, '@');

    if (at == NULL)
        return true;
    size_t n = strcspn(at, ":");
    (void)snprintf(size, sizeof size, "%.*s", (int)n - 1, at + 1);
    memmove(at, at + n, strlen(at + n) + 1);
    if (pgw_size_parse(size, bytes) == PGW_OK && *bytes != 0)
        return true;
    return spec_wrong(why, len, whole, size, "not the size of a page: write @2m or @1g");
}

bool
translate_spec_map(const char *text, struct pgw_translate_map *map, char *why, size_t len)
{
    char copy[SPEC_MAX];

    *map = (struct pgw_translate_map){0};
    if (snprintf(copy, sizeof copy, "%s", text) >= (int)sizeof copy)
        return spec_wrong(why, len, text, "it", "too long");
    char *target = strchr(copy, '=');
    if (target == NULL)
        return spec_wrong(
            why, len, text, text, "not a mapping: write VPN=PFN, such as 2=5 or 0x2=0x109:rw");
    *target++ = '\0';
    if (number_read(copy, &map->page) != NUMBER)
        return spec_wrong(why, len, text, copy,
            "not the number of a page: write VPN=PFN, such as 2=5 or 0x2=0x109");
    return spec_page_size(text, target, &map->bytes, why, len) &&
           spec_target(text, target, map, why, len);
}

/* One of the parts of a segment behind its base: a limit, rights or a direction. */
static bool
spec_segment_part(const char *part, bool first, struct pgw_translate_segment *segment)
{
    if (strcmp(part, "down") == 0) {
        segment->down = true;
        return true;
    }
    if (first && translate_spec_bytes(part, &segment->limit))
        return segment->limit != PGW_UNGIVEN;
    return spec_rights(part, &segment->prot, NULL);
}

bool
translate_spec_segment(
    const char *text, struct pgw_translate_segment *segment, char *why, size_t len)
{
    char copy[SPEC_MAX], *rest = copy;

    *segment = (struct pgw_translate_segment){
        .origin = PGW_UNGIVEN, .limit = PGW_UNGIVEN, .prot = PGW_READ | PGW_WRITE | PGW_EXEC};
    if (snprintf(copy, sizeof copy, "%s", text) >= (int)sizeof copy)
        return spec_wrong(why, len, text, "it", "too long");
    const char *origin = spec_cut(copy, '@');
    if (origin != NULL &&
        (!translate_spec_bytes(origin, &segment->origin) || segment->origin == PGW_UNGIVEN))
        return spec_wrong(why, len, text, origin, "not an origin: write @ and an address");
    const char *base = strsep(&rest, ":");
    if (!translate_spec_bytes(base, &segment->base))
        return spec_wrong(
            why, len, text, base, "not a base: write BASE:LIMIT, such as 34K:3K or 0x8000:0x800");
    for (bool first = true; rest != NULL; first = false) {
        const char *part = strsep(&rest, ":");
        if (!spec_segment_part(part, first, segment))
            return spec_wrong(why, len, text, part,
                "none of a limit (right behind the base), rights of r, w and x, down");
    }
    return true;
}
