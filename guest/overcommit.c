/* SPDX-License-Identifier: BSD-2-Clause */
/* Random reads and writes over an array of so many KiB (16384), each read verified against what
 * was last written: for RAM a twentieth of that. */
#include "guest.h"

int
main(int argc, char **argv)
{
    uint64_t words = guest_arg(argc, argv, 1, 16384) << 7,
             touches = guest_arg(argc, argv, 2, 30000);
    uint64_t state = 99, sum = 0;
    uint64_t *data = malloc(words * sizeof *data);
    unsigned char *version = calloc(words, 1);
    GUEST_CHECK(data != NULL && version != NULL);
    for (uint64_t i = 0; i < words; i++)
        data[i] = i * 0x9e3779b97f4a7c15u;
    for (uint64_t n = 0; n < touches; n++) {
        uint64_t i = guest_rand(&state) % words;
        GUEST_CHECK(data[i] == (i + version[i]) * 0x9e3779b97f4a7c15u);
        if (n % 2 == 0)
            data[i] = (i + ++version[i]) * 0x9e3779b97f4a7c15u;
        sum = guest_sum(sum, data[i]);
    }
    for (uint64_t i = 0; i < words; i++)
        GUEST_CHECK(data[i] == (i + version[i]) * 0x9e3779b97f4a7c15u);
    printf("%lu KiB, %lu touches, sum %016lx\n", words >> 7, touches, sum);
    return 0;
}
