/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A naive VM: the obviously right answer to what a space holds.  A space is an array of pages, each
 * with rights and all its bytes; fork copies them.  A window of NAIVE_PAGES pages only.
 */
#ifndef MODEL_NAIVE_H
#define MODEL_NAIVE_H

#include "base/access.h"
#include "base/size.h"
#include "vm/space.h"

#define NAIVE_PAGES 160u

struct naive_page {
    bool mapped;
    prot_t prot;
    int origin;          /* regions with different origins were never one mapping: for remap */
    uint64_t fill;       /* of test_page_fill, what it was as new; 0: zeros */
    bool wipe, unforked; /* a child has zeros, or nothing */
    unsigned char bytes[PAGE_SIZE];
};

struct naive {
    struct naive_page pages[NAIVE_PAGES];
};

struct naive *naive_create(void);
struct naive *naive_fork(const struct naive *naive);
void naive_destroy(struct naive *naive);

/* fill: the key of the first page for test_page_fill, 0 for zeros. */
void naive_map(
    struct naive *naive, unsigned page, unsigned n, prot_t prot, int origin, uint64_t fill);
void naive_unmap(struct naive *naive, unsigned page, unsigned n);
/* False, and nothing changed, if part of it is not mapped. */
bool naive_protect(struct naive *naive, unsigned page, unsigned n, prot_t prot);
/* What was written there is lost: the pages are as new. */
void naive_renew(struct naive *naive, unsigned page, unsigned n);
/* Moves n pages to a free place and zero-fills up to new_n. */
void naive_move(struct naive *naive, unsigned from, unsigned n, unsigned to, unsigned new_n);

bool naive_is_mapped(const struct naive *naive, unsigned page, unsigned n);
bool naive_is_free(const struct naive *naive, unsigned page, unsigned n);
/* All of one mapping with one set of rights. */
bool naive_is_uniform(const struct naive *naive, unsigned page, unsigned n);

/* How an access must end. */
enum space_fault naive_access(const struct naive *naive, uint64_t offset, enum access access);

#endif
