/* SPDX-License-Identifier: BSD-2-Clause */
/* Recursion of every shape (Ackermann, Hanoi, queens, mutual), setjmp and longjmp out of it. */
#include <setjmp.h>

#include "guest.h"

static jmp_buf out;
static uint64_t moves;

static unsigned
ackermann(unsigned m, unsigned n)
{
    if (m == 0)
        return n + 1;
    return n == 0 ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1));
}

static void
hanoi(int n, int from, int to, int by)
{
    if (n == 0)
        return;
    hanoi(n - 1, from, by, to);
    moves = guest_sum(moves, (uint64_t)(from * 100 + to * 10 + n));
    hanoi(n - 1, by, to, from);
}

static int
queens(int n, int row, unsigned columns, unsigned left, unsigned right)
{
    if (row == n)
        return 1;
    int found = 0;
    for (int c = 0; c < n; c++) {
        unsigned bit = 1u << c;
        if (((columns | left | right) & bit) == 0)
            found += queens(n, row + 1, columns | bit, (left | bit) << 1, (right | bit) >> 1);
    }
    return found;
}

static int odd(unsigned n);

static __attribute__((noinline)) int
even(unsigned n)
{
    return n == 0 ? 1 : odd(n - 1);
}

static __attribute__((noinline)) int
odd(unsigned n)
{
    return n == 0 ? 0 : even(n - 1);
}

static void
escape_at(int depth)
{
    volatile char room[100];
    room[0] = (char)depth;
    if (depth == 0)
        longjmp(out, 42);
    if (room[0] == (char)depth)
        escape_at(depth - 1);
}

static void
jumps(void)
{
    volatile int rounds = 0;
    double held = 1.5;
    int value = setjmp(out);
    rounds++;
    if (rounds < 200)
        escape_at(rounds * 10);
    printf("jumped %d times, value %d, %g\n", rounds, value, held);
}

int
main(int argc, char **argv)
{
    unsigned n = (unsigned)guest_arg(argc, argv, 1, 5);
    printf("ackermann %u %u %u\n", ackermann(1, n), ackermann(2, n), ackermann(3, n));
    hanoi(13, 1, 3, 2);
    printf("hanoi %016lx\n", moves);
    printf("queens %d %d\n", queens(6, 0, 0, 0, 0), queens(8, 0, 0, 0, 0));
    printf("even %d odd %d\n", even(100000), odd(99999));
    jumps();
    return 0;
}
