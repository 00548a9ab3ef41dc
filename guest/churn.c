/* SPDX-License-Identifier: BSD-2-Clause */
/* malloc, calloc, realloc, aligned_alloc and free of mixed sizes, small and above the threshold
 * where the C library takes a mapping of its own; every block is verified before it goes. */
#include <stdalign.h>
#include <string.h>

#include "guest.h"

#define BLOCKS 400

struct block {
    unsigned char *bytes;
    size_t len;
    uint64_t seed;
};

static void
fill(struct block *b, size_t from)
{
    for (size_t i = from; i < b->len; i++)
        b->bytes[i] = (unsigned char)(b->seed + i * 7);
}

static void
verify(const struct block *b, size_t len)
{
    for (size_t i = 0; i < len; i++)
        GUEST_CHECK(b->bytes[i] == (unsigned char)(b->seed + i * 7));
}

static size_t
random_len(uint64_t *state)
{
    uint64_t r = guest_rand(state);
    if (r % 100 == 0)
        return 130000 + r / 128 % 100000;
    if (r % 10 == 0)
        return 1000 + r / 128 % 9000;
    return 1 + r / 128 % 500;
}

static void
allocate(struct block *b, uint64_t *state)
{
    b->len = random_len(state);
    b->seed = guest_rand(state);
    switch (b->seed % 4) {
    case 0:
        b->bytes = calloc(1, b->len);
        GUEST_CHECK(b->bytes != NULL && b->bytes[0] == 0 && b->bytes[b->len - 1] == 0);
        break;
    case 1:
        b->bytes = aligned_alloc(256, (b->len + 255) & ~(size_t)255);
        GUEST_CHECK(((uintptr_t)b->bytes & 255) == 0);
        break;
    default:
        b->bytes = malloc(b->len);
    }
    GUEST_CHECK(b->bytes != NULL);
    fill(b, 0);
}

static void
resize(struct block *b, uint64_t *state)
{
    size_t len = random_len(state), old = b->len;
    unsigned char *bytes = realloc(b->bytes, len);
    GUEST_CHECK(bytes != NULL);
    b->bytes = bytes;
    b->len = len;
    verify(b, len < old ? len : old);
    fill(b, old < len ? old : len);
}

int
main(int argc, char **argv)
{
    static struct block blocks[BLOCKS];
    uint64_t rounds = guest_arg(argc, argv, 1, 6000), state = 11, total = 0;
    for (uint64_t i = 0; i < rounds; i++) {
        struct block *b = &blocks[guest_rand(&state) % BLOCKS];
        if (b->bytes == NULL) {
            allocate(b, &state);
        } else if (guest_rand(&state) % 2 == 0) {
            resize(b, &state);
        } else {
            verify(b, b->len);
            free(b->bytes);
            b->bytes = NULL;
        }
        total += b->len;
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        if (blocks[i].bytes != NULL) {
            verify(&blocks[i], blocks[i].len);
            free(blocks[i].bytes);
        }
    }
    printf("%lu rounds, %lu bytes passed through\n", rounds, total);
    return 0;
}
