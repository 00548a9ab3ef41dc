/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is promised is there: processes take as much as they are given, in every way there is, fill
 * it, check it, and give it back.  Asking may be refused; nothing else may happen.  For a machine
 * with --overcommit never: prints the same whatever its RAM is.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

#define PIECES 24
#define ROUNDS 60

struct piece {
    unsigned char *at;
    size_t pages;
    uint64_t seed;
};

static struct piece pieces[PIECES];
static size_t refused;

static void
drop(struct piece *piece)
{
    if (piece->at != NULL)
        GUEST_CHECK(munmap(piece->at, piece->pages * GUEST_PAGE) == 0);
    piece->at = NULL;
}

/* Every page's first and last word say whose it is. */
static void
fill(struct piece *piece)
{
    for (size_t i = 0; i < piece->pages; i++) {
        uint64_t *words = (uint64_t *)(void *)(piece->at + i * GUEST_PAGE);
        words[0] = guest_value(piece->seed, i);
        words[511] = ~words[0];
    }
}

static void
check(const struct piece *piece)
{
    for (size_t i = 0; piece->at != NULL && i < piece->pages; i++) {
        const uint64_t *words = (const uint64_t *)(void *)(piece->at + i * GUEST_PAGE);
        GUEST_CHECK(words[0] == guest_value(piece->seed, i) && words[511] == ~words[0]);
    }
}

/* Asks for memory in one of three ways: none of it may be missing later. */
static void
take(struct piece *piece, uint64_t *state)
{
    size_t pages = 1 + guest_rand(state) % 400;
    int way = (int)(guest_rand(state) % 3);
    int prot = way == 0 ? PROT_READ | PROT_WRITE : PROT_NONE;
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | (way == 2 ? MAP_NORESERVE : 0);
    unsigned char *p = mmap(NULL, pages * GUEST_PAGE, prot, flags, -1, 0);

    if (p == MAP_FAILED) {
        GUEST_CHECK(errno == ENOMEM);
        refused++;
        return;
    }
    if (way != 0 && mprotect(p, pages * GUEST_PAGE, PROT_READ | PROT_WRITE) != 0) {
        GUEST_CHECK(errno == ENOMEM);
        refused++;
        GUEST_CHECK(munmap(p, pages * GUEST_PAGE) == 0);
        return;
    }
    *piece = (struct piece){p, pages, guest_rand(state)};
}

static void
grow(struct piece *piece)
{
    size_t pages = piece->pages + 50;
    unsigned char *p =
        mremap(piece->at, piece->pages * GUEST_PAGE, pages * GUEST_PAGE, MREMAP_MAYMOVE);

    if (p == MAP_FAILED) {
        GUEST_CHECK(errno == ENOMEM);
        refused++;
        return;
    }
    piece->at = p;
    piece->pages = pages;
    fill(piece);
}

static void
live(uint64_t seed, int depth)
{
    uint64_t state = seed;
    pid_t child = 0;
    int status;

    for (int round = 0; round < ROUNDS; round++) {
        struct piece *piece = &pieces[guest_rand(&state) % PIECES];
        check(piece);
        if (piece->at == NULL) {
            take(piece, &state);
            if (piece->at != NULL)
                fill(piece);
        } else if (guest_rand(&state) % 3 == 0) {
            drop(piece);
        } else if (guest_rand(&state) % 3 == 0) {
            grow(piece);
        } else {
            piece->seed++;
            fill(piece);
        }
        if (depth > 0 && round % 20 == 10) {
            fflush(stdout);
            child = fork();
            if (child == 0) {
                live(seed * 31 + (uint64_t)round, depth - 1);
                _exit(0);
            }
            if (child < 0)
                GUEST_CHECK(errno == ENOMEM || errno == EAGAIN);
            refused += child < 0;
        }
    }
    for (int i = 0; i < PIECES; i++)
        check(&pieces[i]);
    for (int i = 0; i < PIECES; i++)
        drop(&pieces[i]);
    while (wait(&status) > 0)
        GUEST_CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int
main(int argc, char **argv)
{
    live(guest_arg(argc, argv, 1, 1), 2);
    printf("what was given was there\n");
    if (argc > 2) /* where it must be so */
        GUEST_CHECK(refused > 0);
    return 0;
}
