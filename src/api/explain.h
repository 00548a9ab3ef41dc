/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rendering: what a translation went through (struct mmu_trace), as words and figures or as JSON.
 * Nothing here translates: a step that is not in the trace is not in the text.
 */
#ifndef API_EXPLAIN_H
#define API_EXPLAIN_H

#include <jansson.h>

#include "api/registry.h"
#include "mem/mem.h"
#include "report/report_buf.h"
#include "vm/space.h"

/* What the memory manager knows of the page that was asked about. */
struct explain_page {
    struct space_page page;
    bool region; /* there is one, with rights: */
    prot_t prot;
    bool alone; /* nothing is known but that it is on disk, in page.slot */
};

/* A translation to be shown.  Everything is the caller's and only read. */
struct explain {
    const struct registry_mmu *row;
    uint64_t va;
    enum access access;
    bool decimal; /* figures are in decimal first, not in hexadecimal */
    const struct mmu_trace *trace;
    uint64_t root;                                 /* of the space, as loaded; not for CONTIGUOUS */
    const struct mmu_segment_registers *registers; /* CONTIGUOUS */
    const struct mmu *mmu;                         /* names the TLB arrays; NULL: there are none */
    const struct explain_page *page;               /* NULL: nothing is known */
    const struct mem
        *tables; /* not NULL: also all entries of the space's tables, which lie there */
    bool slots;  /* entries that are not valid may be explain_slot_entry()'s */
};

/*
 * An entry that is not valid and says that its page is on disk, in slot: the slot is where a frame
 * number would be, and one bit that hardware ignores in such an entry tells it from an empty one.
 * false: the slot's number has no room.
 */
bool explain_slot_entry(
    const struct mmu_format *format, unsigned level, uint64_t slot, uint64_t *pte);
bool explain_entry_slot(
    const struct mmu_format *format, unsigned level, uint64_t pte, uint64_t *slot);

/* The string is the caller's, to free().  PGW_NOMEM. */
MUST_CHECK enum pgw_status explain_text(const struct explain *explain, char **text);
MUST_CHECK enum pgw_status explain_json(const struct explain *explain, char **text);

/* Only the tables, as explain_text shows them; of explain it needs row, root (or registers),
 * tables and decimal.  PGW_NOMEM. */
MUST_CHECK enum pgw_status explain_tables_text(const struct explain *explain, char **text);

/* ---- Between the files of this module. ---- */

/* Bits low to high of an entry. */
struct explain_bit {
    unsigned char low, high;
    const char *name, *meaning;
};

enum explain_family { EXPLAIN_PLAIN, EXPLAIN_RISCV, EXPLAIN_X86, EXPLAIN_ARM, EXPLAIN_MIPS };

/* What the manual of a format calls things.  Lists of bits end with a NULL name. */
struct explain_names {
    const char *format; /* NULL in the one that fits all */
    enum explain_family family;
    const char *root;                  /* the root register */
    const char *tag;                   /* its field for the space's tag */
    const char *level[MMU_LEVELS_MAX]; /* a table of this level */
    const char *index[MMU_LEVELS_MAX]; /* the address's field that picks its entry */
    const struct explain_bit *leaf;    /* bits of a leaf of the last level */
    const struct explain_bit *large;   /* of a leaf of another one */
    const struct explain_bit *table;   /* of an entry that leads to a table */
};

const struct explain_names *explain_names_of(const struct mmu_format *format);
extern const struct explain_bit explain_hashed_bits[];

/* Which list fits an entry of this level. */
const struct explain_bit *explain_bits_of(
    const struct explain_names *names, const struct mmu_format *format, unsigned level, bool table);

/* "V(0), R(1)": the names of all bits of mask; returns out. */
#define EXPLAIN_BITS_LEN 160
const char *explain_mask(const struct explain_bit *bits, uint64_t mask, char *out, size_t len);

/* "rwx", with "-" for what is missing. */
#define EXPLAIN_PROT_LEN 4
const char *explain_prot(prot_t prot, char out[EXPLAIN_PROT_LEN]);
/* "4 KiB" for 2^shift bytes. */
#define EXPLAIN_SIZE_LEN 16
const char *explain_size(unsigned shift, char out[EXPLAIN_SIZE_LEN]);
/* "0x2150" or "8528", as is preferred. */
#define EXPLAIN_NUMBER_LEN 24
const char *explain_number(bool decimal, uint64_t n, char out[EXPLAIN_NUMBER_LEN]);
/* Both: "0x2150 = 8528" or the other way round; a number below 10 only once. */
#define EXPLAIN_BOTH_LEN 56
const char *explain_both(bool decimal, uint64_t n, char out[EXPLAIN_BOTH_LEN]);
/* "read", "write", "execute". */
const char *explain_access(enum access access);

/* A field of the address. */
struct explain_field {
    unsigned high, low;
    const char *name;
};
#define EXPLAIN_FIELDS (MMU_LEVELS_MAX + 2)
/* Cuts the address as the walk did; returns how many fields there are. */
unsigned explain_fields(const struct explain *explain, struct explain_field fields[EXPLAIN_FIELDS]);
uint64_t explain_field_value(const struct explain_field *field, uint64_t va);

/* Why a translation ended in a fault. */
struct explain_fault {
    const char *kind; /* one word, for programs */
    const char *name; /* for people */
    int level;        /* of the entry at fault; -1: none is */
    uint64_t bits;    /* of that entry, that are */
    char why[256];
    char raises[128]; /* what the processor raises; "": depends on the machine */
};
void explain_fault(const struct explain *explain, struct explain_fault *fault);
void explain_raises(const struct explain *explain, struct explain_fault *fault);

/* What the entry becomes by the access: with the accessed and dirty bits that hardware or the
 * handler sets in it. */
uint64_t explain_after(const struct explain *explain, const struct mmu_step *step);

/* What the memory manager knows, in one line; out holds EXPLAIN_PAGE_LEN bytes. */
#define EXPLAIN_PAGE_LEN 200
void explain_page_text(const struct explain *explain, char out[EXPLAIN_PAGE_LEN]);

/* What an entry that was read is for, in words: "table in frame 0x80001". */
#define EXPLAIN_LEADS_LEN 128
void explain_leads(
    const struct explain *explain, const struct mmu_step *step, char out[EXPLAIN_LEADS_LEN]);
/* "V(0) valid, R(1) readable": the bits that are set, those of the frame number apart. */
#define EXPLAIN_SET_LEN 400
void explain_set_bits(const struct explain_bit *bits, uint64_t value, char out[EXPLAIN_SET_LEN]);

/* An entry in use of the space's tables. */
struct explain_entry {
    struct mmu_step step; /* as a walk would have read it */
    uint64_t table;       /* physical address of its table */
    uint64_t va;          /* the first address that it is for */
    const unsigned char *raw;
    unsigned bytes; /* of the entry, at raw */
};
typedef void explain_entry_fn(void *ctx, const struct explain_entry *entry);
void explain_each_entry(const struct explain *explain, explain_entry_fn *fn, void *ctx);

/* "satp = 0x8000000000080000: MODE 8, ASID 0, table in frame 0x80000". */
#define EXPLAIN_ROOT_LEN 160
void explain_root_text(const struct explain *explain, char out[EXPLAIN_ROOT_LEN]);
void explain_tables_add(const struct explain *explain, struct report_buf *buf);
void explain_registers_add(const struct explain *explain, struct report_buf *buf);

#endif
