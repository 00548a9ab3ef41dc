/* SPDX-License-Identifier: BSD-2-Clause */
/* qsort of N numbers and of pointers to records, and a heap sort; all must agree. */
#include <string.h>

#include "guest.h"

struct record {
    uint64_t key;
    char name[24];
};

static int
compare_numbers(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static int
compare_records(const void *a, const void *b)
{
    const struct record *x = *(struct record *const *)a, *y = *(struct record *const *)b;
    return strcmp(x->name, y->name);
}

static void
sift_down(uint64_t *heap, size_t top, size_t n)
{
    for (size_t child = 2 * top + 1; child < n; child = 2 * top + 1) {
        if (child + 1 < n && heap[child] < heap[child + 1])
            child++;
        if (heap[top] >= heap[child])
            return;
        uint64_t keep = heap[top];
        heap[top] = heap[child];
        heap[child] = keep;
        top = child;
    }
}

static void
heap_sort(uint64_t *a, size_t n)
{
    for (size_t i = n / 2; i-- > 0;)
        sift_down(a, i, n);
    for (size_t end = n - 1; end > 0; end--) {
        uint64_t keep = a[0];
        a[0] = a[end];
        a[end] = keep;
        sift_down(a, 0, end);
    }
}

static void
sort_numbers(size_t n)
{
    uint64_t *a = malloc(n * sizeof *a), *b = malloc(n * sizeof *b);
    GUEST_CHECK(a != NULL && b != NULL);
    for (size_t i = 0; i < n; i++)
        a[i] = b[i] = guest_value(1, i);
    qsort(a, n, sizeof *a, compare_numbers);
    heap_sort(b, n);
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        GUEST_CHECK(a[i] == b[i] && (i == 0 || a[i - 1] <= a[i]));
        sum = guest_sum(sum, a[i]);
    }
    printf("%zu numbers, sum %016lx\n", n, sum);
    free(a);
    free(b);
}

static void
sort_records(size_t n)
{
    struct record **a = malloc(n * sizeof(struct record *));
    GUEST_CHECK(a != NULL);
    for (size_t i = 0; i < n; i++) {
        a[i] = malloc(sizeof *a[i]);
        GUEST_CHECK(a[i] != NULL);
        a[i]->key = i;
        snprintf(a[i]->name, sizeof a[i]->name, "%lx", guest_value(2, i));
    }
    qsort(a, n, sizeof(struct record *), compare_records);
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum = guest_sum(sum, a[i]->key);
    printf("%zu records, first %s, last %s, sum %016lx\n", n, a[0]->name, a[n - 1]->name, sum);
    for (size_t i = 0; i < n; i++)
        free(a[i]);
    free(a);
}

int
main(int argc, char **argv)
{
    size_t n = guest_arg(argc, argv, 1, 20000);
    sort_numbers(n);
    sort_records(n / 8);
    return 0;
}
