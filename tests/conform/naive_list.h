/* SPDX-License-Identifier: BSD-2-Clause */
/* A list of pages for naive policies: an array, in order, searched from the front. */
#ifndef NAIVE_LIST_H
#define NAIVE_LIST_H

#include <string.h>

#include "naive_policy.h"

struct naive_list {
    unsigned n;
    unsigned page[2 * NAIVE_PAGES];
};

/* Its place; list->n: it is not there. */
static inline unsigned
naive_list_find(const struct naive_list *list, unsigned page)
{
    unsigned i = 0;
    while (i < list->n && list->page[i] != page)
        i++;
    return i;
}

static inline bool
naive_list_has(const struct naive_list *list, unsigned page)
{
    return naive_list_find(list, page) < list->n;
}

static inline void
naive_list_insert(struct naive_list *list, unsigned at, unsigned page)
{
    memmove(&list->page[at + 1], &list->page[at], (list->n - at) * sizeof list->page[0]);
    list->page[at] = page;
    list->n++;
}

static inline void
naive_list_append(struct naive_list *list, unsigned page)
{
    naive_list_insert(list, list->n, page);
}

/* Nothing if it is not there. */
static inline void
naive_list_remove(struct naive_list *list, unsigned page)
{
    unsigned at = naive_list_find(list, page);
    if (at == list->n)
        return;
    list->n--;
    memmove(&list->page[at], &list->page[at + 1], (list->n - at) * sizeof list->page[0]);
}

/* Takes the first one off. */
static inline unsigned
naive_list_take(struct naive_list *list)
{
    unsigned page = list->page[0];
    naive_list_remove(list, page);
    return page;
}

#endif
