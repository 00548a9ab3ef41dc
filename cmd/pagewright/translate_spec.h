/* SPDX-License-Identifier: BSD-2-Clause */
/* How mappings, segments and addresses are written on the command line of `pagewright translate`.
 */
#ifndef PAGEWRIGHT_TRANSLATE_SPEC_H
#define PAGEWRIGHT_TRANSLATE_SPEC_H

#include <stdbool.h>
#include <stddef.h>

#include <pagewright/pagewright.h>

/* A number, or a size such as 34K. */
bool translate_spec_bytes(const char *text, uint64_t *n);

/* Each says in why (len bytes) what is wrong, and returns false, if anything is. */

/* VPN=PFN[:RIGHTS][@SIZE], VPN=disk:SLOT[@SIZE], VPN=entry:VALUE[@SIZE] */
bool translate_spec_map(const char *text, struct pgw_translate_map *map, char *why, size_t len);
/* BASE[:LIMIT][:RIGHTS][:down][@ORIGIN] */
bool translate_spec_segment(
    const char *text, struct pgw_translate_segment *segment, char *why, size_t len);

#endif
