/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/shelves.h"

#include <string.h>

void
policy_shelves_init(struct policy_shelves *shelves)
{
    for (unsigned i = 0; i < SHELVES; i++)
        policy_queue_init(&shelves->shelf[i]);
    memset(shelves->filled, 0, sizeof shelves->filled);
    shelves->halvings = 0;
}

/* All of from to the end of to. */
static void
policy_shelves_join(struct policy_queue *to, struct policy_queue *from)
{
    TAILQ_CONCAT(&to->list, &from->list, link);
    to->n += from->n;
    from->n = 0;
}

void
policy_shelves_halve(struct policy_shelves *shelves)
{
    memset(shelves->filled, 0, sizeof shelves->filled);
    shelves->halvings++;
    for (unsigned i = 0; i < SHELVES; i++) {
        if (shelves->shelf[i].n == 0)
            continue;
        if (i > 0)
            policy_shelves_join(&shelves->shelf[i / 2], &shelves->shelf[i]);
        shelves->filled[i / 128] |= (uint64_t)1 << i / 2 % 64;
    }
}

uint64_t
policy_shelves_sum(const struct policy_shelves *shelves)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < SHELVES; i++)
        sum += i * shelves->shelf[i].n;
    return sum;
}

bool
policy_shelves_check(const struct policy_shelves *shelves, uint64_t n)
{
    const struct base_node *node;

    for (unsigned i = 0; i < SHELVES; i++) {
        const struct policy_queue *shelf = &shelves->shelf[i];
        bool filled = (shelves->filled[i / 64] >> i % 64 & 1) != 0;
        if (!policy_queue_check(shelf, 0, 0) || filled != (shelf->n > 0) || n < shelf->n)
            return false;
        n -= shelf->n;
        TAILQ_FOREACH (node, &shelf->list, link)
            if (policy_shelves_value(shelves, node) != i)
                return false;
    }
    return n == 0;
}
