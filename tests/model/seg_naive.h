/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The obviously right answer to what a contiguous space holds: plain arrays of bytes, one a window,
 * with a flag a page for what is mapped.  A window of SEG_NAIVE_PAGES pages only is looked at.
 */
#ifndef MODEL_SEG_NAIVE_H
#define MODEL_SEG_NAIVE_H

#include "base/access.h"
#include "base/size.h"

#define SEG_NAIVE_PAGES 24u
#define SEG_NAIVE_WINDOWS 8u

/* The memory of a window; several spaces have the same one if it was shared. */
struct seg_naive_memory {
    unsigned refs;
    bool shared;
    unsigned char bytes[SEG_NAIVE_PAGES][PAGE_SIZE];
};

struct seg_naive_page {
    bool mapped;
    prot_t prot;
    int origin; /* regions with different origins were never one mapping: for remap */
};

struct seg_naive_window {
    struct seg_naive_memory *memory; /* NULL: nothing is mapped */
    bool loose; /* pure code that was cut: its bounds may be wider than what is mapped */
    struct seg_naive_page pages[SEG_NAIVE_PAGES];
};

struct seg_naive {
    struct seg_naive_window windows[SEG_NAIVE_WINDOWS];
};

struct seg_naive *seg_naive_create(void);
struct seg_naive *seg_naive_fork(const struct seg_naive *naive);
void seg_naive_destroy(struct seg_naive *naive);

/* Zeros; key: the key of the first page for test_page_fill, 0 for zeros; only the first nfile pages
 * are filled. */
void seg_naive_map(struct seg_naive *naive, unsigned w, unsigned page, unsigned n, prot_t prot,
    int origin, uint64_t key, unsigned nfile);
void seg_naive_unmap(struct seg_naive *naive, unsigned w, unsigned page, unsigned n);
/* Maps the other's window, which is empty here, as well: n pages with rights prot, the others with
 * no more than that. */
void seg_naive_share(struct seg_naive *naive, struct seg_naive *from, unsigned w, unsigned page,
    unsigned n, prot_t prot);
/* Moves n pages to where as many or more are, and zeros after them. */
void seg_naive_move(struct seg_naive *naive, unsigned w, unsigned page, unsigned n, unsigned to_w,
    unsigned to, unsigned new_n);

bool seg_naive_is_free(const struct seg_naive *naive, unsigned w, unsigned page, unsigned n);
bool seg_naive_is_mapped(const struct seg_naive *naive, unsigned w, unsigned page, unsigned n);
bool seg_naive_is_uniform(const struct seg_naive *naive, unsigned w, unsigned page, unsigned n);
/* What any page of the window allows. */
prot_t seg_naive_rights(const struct seg_naive *naive, unsigned w);

#endif
