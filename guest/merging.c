/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes with the same tables, which each of them computes for itself, and asks the kernel to
 * keep once.  Then they write here and there, read everything, take the advice back, and write
 * again: nobody may see what another wrote.  MADV_MERGEABLE may be refused; the rest is the same.
 *
 *     merging [PROCESSES [PAGES [ROUNDS]]]
 */
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

#define WORDS (GUEST_PAGE / 8)

struct table {
    uint64_t *words;
    size_t pages;
    uint64_t seed; /* 0: all zeros */
};

/* Page i of table `seed`, as everybody computes it; every fifth is of zeros. */
static uint64_t
should(uint64_t seed, size_t page, size_t word)
{
    return page % 5 == 4 ? 0 : guest_value(seed + page, word);
}

static void
compute(struct table *t)
{
    for (size_t i = 0; i < t->pages * WORDS; i++)
        t->words[i] = should(t->seed, i / WORDS, i % WORDS);
}

/* Every word is what it should be, but the one in each page that process `who` wrote in `round`. */
static uint64_t
verify(const struct table *t, uint64_t who, uint64_t round)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < t->pages * WORDS; i++) {
        size_t page = i / WORDS, word = i % WORDS;
        bool mine = round > 0 && word == who && page % 3 == round % 3;
        GUEST_CHECK(t->words[i] == (mine ? who * 1000 + round : should(t->seed, page, word)));
        sum = guest_sum(sum, t->words[i]);
    }
    return sum;
}

/* One word in every third page; before, those of the round before are put right. */
static void
scribble(const struct table *t, uint64_t who, uint64_t round)
{
    for (size_t page = 0; page < t->pages; page++) {
        if (round > 1 && page % 3 == (round - 1) % 3)
            t->words[page * WORDS + who] = should(t->seed, page, who);
        if (page % 3 == round % 3)
            t->words[page * WORDS + who] = who * 1000 + round;
    }
}

static uint64_t
work(uint64_t who, size_t pages, uint64_t rounds)
{
    struct table t = {.pages = pages, .seed = 42};
    uint64_t sum = 0;

    t.words =
        mmap(NULL, pages * GUEST_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    GUEST_CHECK(t.words != MAP_FAILED);
    compute(&t);
    (void)madvise(t.words, pages * GUEST_PAGE, MADV_MERGEABLE);
    for (unsigned i = 0; i < 3; i++) /* time for the scanner */
        sum = guest_sum(sum, verify(&t, who, 0));
    for (uint64_t round = 1; round <= rounds; round++) {
        scribble(&t, who, round);
        sum = guest_sum(sum, verify(&t, who, round));
        if (round == rounds / 2)
            (void)madvise(t.words, pages * GUEST_PAGE, MADV_UNMERGEABLE);
        sum = guest_sum(sum, verify(&t, who, round));
    }
    return sum;
}

int
main(int argc, char **argv)
{
    uint64_t processes = guest_arg(argc, argv, 1, 4), pages = guest_arg(argc, argv, 2, 60);
    uint64_t rounds = guest_arg(argc, argv, 3, 4), sums[64];
    int fds[2];

    GUEST_CHECK(processes <= 64 && pipe(fds) == 0);
    for (uint64_t who = 0; who < processes; who++) {
        pid_t pid = fork();
        GUEST_CHECK(pid >= 0);
        if (pid != 0)
            continue;
        uint64_t told[2] = {who, work(who, pages, rounds)};
        GUEST_CHECK(write(fds[1], told, sizeof told) == (ssize_t)sizeof told);
        _exit(0);
    }
    for (uint64_t i = 0; i < processes; i++) {
        uint64_t told[2];
        GUEST_CHECK(read(fds[0], told, sizeof told) == (ssize_t)sizeof told);
        sums[told[0]] = told[1];
    }
    for (int status; wait(&status) > 0;)
        GUEST_CHECK(status == 0);
    for (uint64_t i = 0; i < processes; i++)
        printf("process %d: %016lx\n", (int)i, (unsigned long)sums[i]);
    return 0;
}
