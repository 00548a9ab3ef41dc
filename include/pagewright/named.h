/* SPDX-License-Identifier: BSD-2-Clause */
/* A part of <pagewright/pagewright.h>: what a system can be put together from, by name.  The rules
 * of the whole interface apply. */
#ifndef PAGEWRIGHT_NAMED_H
#define PAGEWRIGHT_NAMED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pagewright/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The i-th translation scheme, policy or kind of swap that can be asked for, and what it is in
 * one line; NULL when there are fewer.  Static storage. */
PGW_API const char *pgw_mmu_name(unsigned i);
PGW_API const char *pgw_mmu_summary(unsigned i);
/* The options that scheme i takes after its name and a colon, one line, such as
 * "fit=first|best|next|worst|buddy,compact=on|off"; "" when it takes none. */
PGW_API const char *pgw_mmu_options(unsigned i);
PGW_API const char *pgw_tlb_preset_name(unsigned i);
PGW_API const char *pgw_tlb_preset_summary(unsigned i);
PGW_API const char *pgw_policy_name(unsigned i);
PGW_API const char *pgw_policy_summary(unsigned i);
/* Parameter j of policy i, a whole number; false: it has fewer. */
struct pgw_policy_param {
    size_t size; /* set it to sizeof(struct pgw_policy_param) before the call */
    const char *name, *summary;
    uint64_t least, most, usual; /* usual: where nothing is said */
};
PGW_API bool pgw_policy_param(unsigned i, unsigned j, struct pgw_policy_param *param);
PGW_API const char *pgw_pager_name(unsigned i);
PGW_API const char *pgw_pager_summary(unsigned i);

/* What a translation scheme can and cannot do. */
struct pgw_mmu_limits {
    size_t size;           /* set it to sizeof(struct pgw_mmu_limits) before the call */
    bool contiguous;       /* no pages: memory is in segments, each one piece of RAM */
    unsigned address_bits; /* of a program's address */
    uint64_t user_end;     /* the program's part is [0, user_end); 0: as large as the RAM */
    uint64_t page_sizes;   /* bit n: there are pages of 2^n bytes */
    unsigned levels;       /* of page tables; 0: none */
    unsigned entry_bytes;  /* of a page-table entry; 0: none */
    unsigned tag_bits;     /* of an address-space tag in the TLB; 0: none, a switch empties it */
    unsigned rights;       /* those of PGW_READ, PGW_WRITE, PGW_EXEC that it can withhold one by one
                              from a page or segment */
    unsigned segments;     /* registers that a contiguous scheme has; 0: paged, or none */
    const char *source;    /* the manual that says so, or who else; static storage */
};

/* Of the i-th scheme.  PGW_NOTFOUND: there are fewer; PGW_INVAL: size is not set. */
PGW_API enum pgw_status pgw_mmu_limits(unsigned i, struct pgw_mmu_limits *limits);

#ifdef __cplusplus
}
#endif

#endif
