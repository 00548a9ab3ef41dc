/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A tree of processes that all write: each verifies the parent's data as it was at the fork,
 * writes its own over part of it, forks its children, and verifies that nobody else's writes
 * show.  Sums come back up the tree through exit statuses and pipes.
 */
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

#define WORDS_A_PAGE (GUEST_PAGE / sizeof(uint64_t))

struct tree {
    uint64_t *data;
    size_t pages;
    unsigned total; /* processes wanted */
};

/* Node id writes the pages p with p % 4 == level % 4; the rest are its ancestors'. */
static void
write_own(struct tree *t, unsigned id, unsigned level)
{
    for (size_t p = level % 4; p < t->pages; p += 4) {
        for (size_t w = 0; w < WORDS_A_PAGE; w += 16)
            t->data[p * WORDS_A_PAGE + w] = guest_value(id, p * WORDS_A_PAGE + w);
    }
}

/* The last on the path from the root to id (levels of three children) that wrote page p. */
static unsigned
writer_of(unsigned id, unsigned level, size_t p)
{
    while (level % 4 != p % 4) {
        if (level == 0)
            return 0;
        id = (id - 1) / 3;
        level--;
    }
    return id + 1000;
}

static uint64_t
verify_all(const struct tree *t, unsigned id, unsigned level)
{
    uint64_t sum = 0;
    for (size_t p = 0; p < t->pages; p++) {
        unsigned writer = writer_of(id, level, p);
        for (size_t w = 0; w < WORDS_A_PAGE; w += 16) {
            uint64_t is = t->data[p * WORDS_A_PAGE + w];
            GUEST_CHECK(is == (writer == 0 ? 0 : guest_value(writer, p * WORDS_A_PAGE + w)));
            sum = guest_sum(sum, is);
        }
    }
    return sum;
}

static uint64_t node(struct tree *t, unsigned id, unsigned level);

/* Starts the child, which reports its sum on the descriptor returned and exits. */
static int
start_child(struct tree *t, unsigned id, unsigned level)
{
    int fds[2];
    GUEST_CHECK(pipe(fds) == 0);
    pid_t pid = fork();
    GUEST_CHECK(pid >= 0);
    if (pid == 0) {
        close(fds[0]);
        uint64_t sum = node(t, id, level);
        GUEST_CHECK(write(fds[1], &sum, sizeof sum) == (ssize_t)sizeof sum);
        _exit((int)id);
    }
    close(fds[1]);
    return fds[0];
}

static uint64_t
node(struct tree *t, unsigned id, unsigned level)
{
    int fds[3];
    unsigned children = 0, statuses = 0, expected = 0;
    write_own(t, id + 1000, level);
    for (unsigned c = 3 * id + 1; c <= 3 * id + 3 && c < t->total; c++) {
        expected += c;
        fds[children++] = start_child(t, c, level + 1);
    }
    uint64_t sum = verify_all(t, id, level);
    for (unsigned c = 0; c < children; c++) {
        uint64_t below;
        GUEST_CHECK(read(fds[c], &below, sizeof below) == (ssize_t)sizeof below);
        sum = guest_sum(sum, below);
        close(fds[c]);
    }
    for (int status; wait(&status) > 0;) {
        GUEST_CHECK(WIFEXITED(status));
        statuses += (unsigned)WEXITSTATUS(status);
    }
    GUEST_CHECK(statuses == expected);
    GUEST_CHECK(verify_all(t, id, level) != 0);
    return sum;
}

int
main(int argc, char **argv)
{
    struct tree t = {
        .total = (unsigned)guest_arg(argc, argv, 1, 50), .pages = guest_arg(argc, argv, 2, 64)};
    t.data = calloc(t.pages, GUEST_PAGE);
    GUEST_CHECK(t.data != NULL);
    uint64_t sum = node(&t, 0, 0);
    printf("%u processes, %zu pages each, sum %016lx\n", t.total, t.pages, sum);
    return 0;
}
