/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One way or another to use memory, for a while:
 *
 *     uses half|loop|any|skewed|phases|late [PAGES [ROUNDS [PROCESSES]]]
 *
 * In a round as many pages are used as there are, or half of them, each by reading a few hundred
 * words.  half: the first half; loop: all, in turn; any: at random; skewed: few much, many hardly
 * ever; phases: quarters, for eight rounds each; late: half, but in the last eighth of the rounds
 * any.
 */
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

#define WORDS (GUEST_PAGE / sizeof(uint64_t))

struct use {
    const char *how;
    uint64_t pages, rounds, round;
    uint64_t rng;
};

static uint64_t
use_any(struct use *use)
{
    return guest_rand(&use->rng) % use->pages;
}

/* The page used as the n-th of a round. */
static uint64_t
use_page(struct use *use, uint64_t n)
{
    uint64_t part = use->pages / 4;

    if (strcmp(use->how, "half") == 0)
        return n % (use->pages / 2);
    if (strcmp(use->how, "any") == 0)
        return use_any(use);
    if (strcmp(use->how, "skewed") == 0)
        return use_any(use) * use_any(use) / use->pages * use_any(use) / use->pages;
    if (strcmp(use->how, "phases") == 0)
        return use->round / 8 % 4 * part + n % part;
    if (strcmp(use->how, "late") == 0)
        return use->round < use->rounds / 8 * 7 ? n % (use->pages / 2) : use_any(use);
    return n;
}

static uint64_t
use_all(struct use *use)
{
    uint64_t sum = 0;
    uint64_t *words = mmap(
        NULL, use->pages * GUEST_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    GUEST_CHECK(words != MAP_FAILED);
    for (uint64_t i = 0; i < use->pages; i++)
        words[i * WORDS + i % WORDS] = i + 1;
    for (use->round = 0; use->round < use->rounds; use->round++) {
        for (uint64_t n = 0; n < use->pages; n++) {
            uint64_t page = use_page(use, n);
            const volatile uint64_t *at = words + page * WORDS;
            uint64_t seen = 0;
            for (uint64_t w = 0; w < WORDS; w++)
                seen += at[w];
            GUEST_CHECK(seen == page + 1);
            sum = guest_sum(sum, seen);
        }
    }
    return sum;
}

int
main(int argc, char **argv)
{
    struct use use = {.how = argc > 1 ? argv[1] : "half",
        .pages = guest_arg(argc, argv, 2, 400),
        .rounds = guest_arg(argc, argv, 3, 100)};
    uint64_t processes = guest_arg(argc, argv, 4, 1);
    int status;

    for (uint64_t i = 1; i < processes; i++) {
        pid_t pid = fork();
        GUEST_CHECK(pid >= 0);
        if (pid == 0) {
            (void)use_all(&use);
            _exit(0);
        }
    }
    printf("%s: sum %016lx\n", use.how, use_all(&use));
    for (uint64_t i = 1; i < processes; i++)
        GUEST_CHECK(wait(&status) > 0 && status == 0);
    return 0;
}
