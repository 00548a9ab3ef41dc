/* SPDX-License-Identifier: BSD-2-Clause */
/* What guest_refs.c works on. */
#ifndef GUEST_REFS_H
#define GUEST_REFS_H

#define REFS_AT 0x20000000ul
#define REFS_LEN 65536ul
#define REFS_WORDS 2000ul
#define REFS_CROSSING (REFS_AT + 3 * 4096 - 3)
#define REFS_STACK 1000000ul
#define REFS_MOVED 0x28000000ul

#endif
