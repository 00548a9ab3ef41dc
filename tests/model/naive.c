/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/naive.h"

#include <stdlib.h>
#include <string.h>

#include "support/test.h"
#include "support/test_env.h"

struct naive *
naive_create(void)
{
    struct naive *naive = calloc(1, sizeof *naive);

    assert_non_null(naive);
    return naive;
}

struct naive *
naive_fork(const struct naive *naive)
{
    struct naive *child = naive_create();

    *child = *naive;
    for (unsigned i = 0; i < NAIVE_PAGES; i++) {
        struct naive_page *page = &child->pages[i];
        page->mapped = page->mapped && !page->unforked;
        if (page->wipe)
            memset(page->bytes, 0, PAGE_SIZE);
    }
    return child;
}

void
naive_destroy(struct naive *naive)
{
    free(naive);
}

void
naive_map(struct naive *naive, unsigned page, unsigned n, prot_t prot, int origin, uint64_t fill)
{
    for (unsigned i = 0; i < n; i++) {
        struct naive_page *at = &naive->pages[page + i];
        at->mapped = true;
        at->prot = prot;
        at->origin = origin;
        at->fill = fill != 0 ? fill + i : 0;
        at->wipe = at->unforked = false;
    }
    naive_renew(naive, page, n);
}

void
naive_renew(struct naive *naive, unsigned page, unsigned n)
{
    for (unsigned i = page; i < page + n; i++) {
        if (naive->pages[i].fill != 0)
            test_page_fill(naive->pages[i].bytes, naive->pages[i].fill);
        else
            memset(naive->pages[i].bytes, 0, PAGE_SIZE);
    }
}

void
naive_unmap(struct naive *naive, unsigned page, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        naive->pages[page + i].mapped = false;
}

bool
naive_is_mapped(const struct naive *naive, unsigned page, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (page + i >= NAIVE_PAGES || !naive->pages[page + i].mapped)
            return false;
    return true;
}

bool
naive_is_free(const struct naive *naive, unsigned page, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (page + i >= NAIVE_PAGES || naive->pages[page + i].mapped)
            return false;
    return true;
}

bool
naive_is_uniform(const struct naive *naive, unsigned page, unsigned n)
{
    if (!naive_is_mapped(naive, page, n))
        return false;
    for (unsigned i = 1; i < n; i++)
        if (naive->pages[page + i].origin != naive->pages[page].origin ||
            naive->pages[page + i].prot != naive->pages[page].prot)
            return false;
    return true;
}

bool
naive_protect(struct naive *naive, unsigned page, unsigned n, prot_t prot)
{
    if (!naive_is_mapped(naive, page, n))
        return false;
    for (unsigned i = 0; i < n; i++)
        naive->pages[page + i].prot = prot;
    return true;
}

void
naive_move(struct naive *naive, unsigned from, unsigned n, unsigned to, unsigned new_n)
{
    int origin = naive->pages[from].origin;
    prot_t prot = naive->pages[from].prot;
    bool wipe = naive->pages[from].wipe, unforked = naive->pages[from].unforked;

    naive_map(naive, to, new_n, prot, origin, 0);
    for (unsigned i = to; i < to + new_n; i++) {
        naive->pages[i].wipe = wipe;
        naive->pages[i].unforked = unforked;
    }
    for (unsigned i = 0; i < n && i < new_n; i++)
        naive->pages[to + i] = naive->pages[from + i];
    naive_unmap(naive, from, n);
}

enum space_fault
naive_access(const struct naive *naive, uint64_t offset, enum access access)
{
    const struct naive_page *page = &naive->pages[offset >> PAGE_SHIFT];
    prot_t prot = page->prot;

    if (!page->mapped)
        return SPACE_FAULT_MAPERR;
    if ((prot & PROT_MASK_W) != 0)
        prot |= PROT_MASK_R;
    return prot_allows(prot, access) ? SPACE_FAULT_OK : SPACE_FAULT_ACCERR;
}
