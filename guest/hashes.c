/* SPDX-License-Identifier: BSD-2-Clause */
/* Two hash tables, one open and one chained, driven in step by insertions and removals. */
#include <stdbool.h>

#include "guest.h"

struct link {
    struct link *next;
    uint64_t key, value;
};

struct tables {
    uint64_t *keys, *values; /* open addressing; key 0: empty */
    struct link **heads;
    size_t mask, count;
};

static size_t
slot_of(const struct tables *t, uint64_t key)
{
    size_t i = guest_value(9, key) & t->mask;
    while (t->keys[i] != 0 && t->keys[i] != key)
        i = (i + 1) & t->mask;
    return i;
}

static void
open_remove(struct tables *t, size_t hole)
{
    t->keys[hole] = 0;
    for (size_t i = (hole + 1) & t->mask; t->keys[i] != 0; i = (i + 1) & t->mask) {
        uint64_t key = t->keys[i], value = t->values[i];
        t->keys[i] = 0;
        size_t to = slot_of(t, key);
        t->keys[to] = key;
        t->values[to] = value;
    }
}

static struct link **
chain_find(const struct tables *t, uint64_t key)
{
    struct link **at = &t->heads[guest_value(10, key) & t->mask];
    while (*at != NULL && (*at)->key != key)
        at = &(*at)->next;
    return at;
}

/* Inserts the key in both, or removes it from both. */
static void
toggle(struct tables *t, uint64_t key, uint64_t value)
{
    size_t i = slot_of(t, key);
    struct link **at = chain_find(t, key);
    GUEST_CHECK((t->keys[i] == key) == (*at != NULL));
    if (*at != NULL) {
        struct link *gone = *at;
        GUEST_CHECK(gone->value == t->values[i]);
        *at = gone->next;
        free(gone);
        open_remove(t, i);
        t->count--;
        return;
    }
    *at = calloc(1, sizeof **at);
    GUEST_CHECK(*at != NULL);
    (*at)->key = t->keys[i] = key;
    (*at)->value = t->values[i] = value;
    t->count++;
}

int
main(int argc, char **argv)
{
    uint64_t rounds = guest_arg(argc, argv, 1, 60000), state = 5, sum = 0;
    struct tables t = {.mask = 16383};
    t.keys = calloc(t.mask + 1, sizeof *t.keys);
    t.values = calloc(t.mask + 1, sizeof *t.values);
    t.heads = calloc(t.mask + 1, sizeof *t.heads);
    GUEST_CHECK(t.keys != NULL && t.values != NULL && t.heads != NULL);
    for (uint64_t i = 0; i < rounds; i++)
        toggle(&t, guest_rand(&state) % 15000 + 1, i);
    for (uint64_t key = 1; key <= 15000; key++) {
        struct link *l = *chain_find(&t, key);
        if (l != NULL)
            sum = guest_sum(sum, l->key ^ l->value << 20);
    }
    printf("%lu toggles, %zu keys stay, sum %016lx\n", rounds, t.count, sum);
    return 0;
}
