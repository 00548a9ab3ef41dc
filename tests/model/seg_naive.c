/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/seg_naive.h"

#include <stdlib.h>
#include <string.h>

#include "support/test_env.h"

struct seg_naive *
seg_naive_create(void)
{
    return calloc(1, sizeof(struct seg_naive));
}

static void
memory_put(struct seg_naive_window *window)
{
    if (window->memory != NULL && --window->memory->refs == 0)
        free(window->memory);
    window->memory = NULL;
    window->loose = false;
}

static struct seg_naive_memory *
memory_get(struct seg_naive_window *window)
{
    if (window->memory == NULL) {
        window->memory = calloc(1, sizeof *window->memory);
        window->memory->refs = 1;
    }
    return window->memory;
}

struct seg_naive *
seg_naive_fork(const struct seg_naive *naive)
{
    struct seg_naive *copy = seg_naive_create();

    *copy = *naive;
    for (unsigned w = 0; w < SEG_NAIVE_WINDOWS; w++) {
        struct seg_naive_window *window = &copy->windows[w];
        if (window->memory == NULL)
            continue;
        if (window->memory->shared) {
            window->memory->refs++;
            continue;
        }
        window->memory = malloc(sizeof *window->memory);
        *window->memory = *naive->windows[w].memory;
        window->memory->refs = 1;
    }
    return copy;
}

void
seg_naive_destroy(struct seg_naive *naive)
{
    for (unsigned w = 0; w < SEG_NAIVE_WINDOWS; w++)
        memory_put(&naive->windows[w]);
    free(naive);
}

void
seg_naive_map(struct seg_naive *naive, unsigned w, unsigned page, unsigned n, prot_t prot,
    int origin, uint64_t key, unsigned nfile)
{
    struct seg_naive_window *window = &naive->windows[w];
    struct seg_naive_memory *memory = memory_get(window);

    for (unsigned i = page; i < page + n; i++) {
        window->pages[i] = (struct seg_naive_page){true, prot, origin};
        if (key != 0 && i - page < nfile)
            test_page_fill(memory->bytes[i], key + (i - page));
        else
            memset(memory->bytes[i], 0, PAGE_SIZE);
    }
}

void
seg_naive_unmap(struct seg_naive *naive, unsigned w, unsigned page, unsigned n)
{
    struct seg_naive_window *window = &naive->windows[w];

    memset(&window->pages[page], 0, n * sizeof window->pages[0]);
    if (seg_naive_is_free(naive, w, 0, SEG_NAIVE_PAGES))
        memory_put(window);
}

void
seg_naive_share(struct seg_naive *naive, struct seg_naive *from, unsigned w, unsigned page,
    unsigned n, prot_t prot)
{
    struct seg_naive_window *window = &naive->windows[w];

    *window = from->windows[w];
    window->loose = from->windows[w].loose = false;
    window->memory->refs++;
    window->memory->shared = true;
    for (unsigned i = 0; i < SEG_NAIVE_PAGES; i++)
        if (window->pages[i].mapped)
            window->pages[i].prot = i >= page && i < page + n ? prot : window->pages[i].prot & prot;
}

void
seg_naive_move(struct seg_naive *naive, unsigned w, unsigned page, unsigned n, unsigned to_w,
    unsigned to, unsigned new_n)
{
    static unsigned char kept[SEG_NAIVE_PAGES][PAGE_SIZE];
    struct seg_naive_page first = naive->windows[w].pages[page];
    unsigned keep = n < new_n ? n : new_n;

    memcpy(kept, naive->windows[w].memory->bytes[page], keep * PAGE_SIZE);
    seg_naive_map(naive, to_w, to, new_n, first.prot, first.origin, 0, 0);
    memcpy(naive->windows[to_w].memory->bytes[to], kept, keep * PAGE_SIZE);
    seg_naive_unmap(naive, w, page, n);
}

bool
seg_naive_is_free(const struct seg_naive *naive, unsigned w, unsigned page, unsigned n)
{
    for (unsigned i = page; i < page + n; i++)
        if (naive->windows[w].pages[i].mapped)
            return false;
    return true;
}

bool
seg_naive_is_mapped(const struct seg_naive *naive, unsigned w, unsigned page, unsigned n)
{
    for (unsigned i = page; i < page + n; i++)
        if (!naive->windows[w].pages[i].mapped)
            return false;
    return true;
}

bool
seg_naive_is_uniform(const struct seg_naive *naive, unsigned w, unsigned page, unsigned n)
{
    const struct seg_naive_page *pages = naive->windows[w].pages;

    for (unsigned i = page; i < page + n; i++)
        if (!pages[i].mapped || pages[i].prot != pages[page].prot ||
            pages[i].origin != pages[page].origin)
            return false;
    return true;
}

prot_t
seg_naive_rights(const struct seg_naive *naive, unsigned w)
{
    prot_t prot = PROT_MASK_NONE;

    for (unsigned i = 0; i < SEG_NAIVE_PAGES; i++)
        if (naive->windows[w].pages[i].mapped)
            prot |= naive->windows[w].pages[i].prot;
    return (prot & PROT_MASK_W) != 0 ? prot | PROT_MASK_R : prot;
}
