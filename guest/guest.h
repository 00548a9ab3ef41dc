/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the guest programs share: a seeded generator, a running checksum and a check that ends
 * the program.  A guest program prints the same on every machine: no times, no addresses, no
 * process ids, and nothing whose order depends on the scheduler.
 */
#ifndef GUEST_GUEST_H
#define GUEST_GUEST_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GUEST_PAGE ((size_t)4096)

/* Ends the program with status 1 and the place when cond is false; in every build. */
#define GUEST_CHECK(cond)                                                                          \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            printf("FAILED %s:%d: %s\n", __FILE_NAME__, __LINE__, #cond);                          \
            fflush(stdout);                                                                        \
            _Exit(1);                                                                              \
        }                                                                                          \
    } while (0)

/* splitmix64 (Steele, Lea, Flood 2014). */
static inline uint64_t
guest_rand(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* What cell idx of the array named seed holds: recomputed to verify, never stored twice. */
static inline uint64_t
guest_value(uint64_t seed, uint64_t idx)
{
    uint64_t state = seed * 0x100000001b3u + idx;
    return guest_rand(&state);
}

/* Folds value into sum; the order of the calls counts. */
static inline uint64_t
guest_sum(uint64_t sum, uint64_t value)
{
    sum = (sum ^ value) * 0x9fb21c651e98df25u;
    return sum ^ (sum >> 29);
}

/* FNV-1a over bytes. */
static inline uint64_t
guest_sum_bytes(const void *bytes, size_t len)
{
    const unsigned char *p = bytes;
    uint64_t sum = 0xcbf29ce484222325u;
    for (size_t i = 0; i < len; i++)
        sum = (sum ^ p[i]) * 0x100000001b3u;
    return sum;
}

/* What a call answered: its result, or the name of its error. */
static inline void
guest_say(const char *what, long ret)
{
    if (ret == -1)
        printf("%s: %s\n", what, strerrorname_np(errno));
    else
        printf("%s: %ld\n", what, ret);
}

/* The n-th argument as a number, or what it is when not given. */
static inline uint64_t
guest_arg(int argc, char **argv, int n, uint64_t otherwise)
{
    return argc > n ? strtoull(argv[n], NULL, 0) : otherwise;
}

/* True where GUEST_LENIENT says that this machine is an emulator with known differences from
 * Linux, which the program then does not insist on. */
static inline int
guest_lenient(void)
{
    return getenv("GUEST_LENIENT") != NULL;
}

#endif
