/* SPDX-License-Identifier: BSD-2-Clause */
/* Kinds of memory access, and rights: the words every layer shares. */
#ifndef BASE_ACCESS_H
#define BASE_ACCESS_H

#include <stdbool.h>

enum access { ACCESS_READ = 0, ACCESS_WRITE = 1, ACCESS_EXEC = 2 };

/* Rights, a mask.  The bits are 1 << enum access. */
typedef unsigned prot_t;
#define PROT_MASK_NONE 0u
#define PROT_MASK_R 1u
#define PROT_MASK_W 2u
#define PROT_MASK_X 4u
#define PROT_MASK_ALL 7u

static inline bool
prot_allows(prot_t prot, enum access access)
{
    return (prot >> access & 1u) != 0;
}

#endif
