/* SPDX-License-Identifier: BSD-2-Clause */
/* How verbs that look write things down. */
#ifndef PAGEWRIGHT_VERB_LOOK_H
#define PAGEWRIGHT_VERB_LOOK_H

#include "script.h"

/* The name of the process with this pgw_space_id(); "-" if there is none. */
const char *verb_look_owner(const struct script *script, uint64_t id);

/* n numbers from first, such as 7 or 7-9. */
void verb_look_range(char *buf, size_t size, uint64_t first, uint64_t n);

#endif
