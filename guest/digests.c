/* SPDX-License-Identifier: BSD-2-Clause */
/* SHA-256 (FIPS 180-4) of the standard's examples and of generated data; CRC-32 beside it. */
#include <string.h>

#include "guest.h"

struct sha {
    uint32_t state[8];
    unsigned char block[64];
    uint64_t len;
};

static uint32_t constants[64], initial[8];

static uint32_t
rotate(uint32_t x, int n)
{
    return x >> n | x << (32 - n);
}

/* Fractional bits of the roots of the first primes, as the standard defines them: the first 32
 * bits of the root r of p, found bit by bit with r^power <= p in 128-bit integers. */
static uint32_t
root_bits(uint32_t p, int power)
{
    uint64_t r = 0;
    for (int bit = 36; bit >= 0; bit--) {
        uint64_t try = r | (uint64_t)1 << bit;
        unsigned __int128 square = (unsigned __int128)try * try;
        int fits = power == 2 ? square <= (unsigned __int128)p << 64
                              : square * try <= (unsigned __int128)p << 96;
        if (fits)
            r = try;
    }
    return (uint32_t)r;
}

static void
make_constants(void)
{
    int n = 0;
    for (uint32_t p = 2; n < 64; p++) {
        int prime = 1;
        for (uint32_t d = 2; d * d <= p; d++)
            prime &= p % d != 0;
        if (!prime)
            continue;
        if (n < 8)
            initial[n] = root_bits(p, 2);
        constants[n++] = root_bits(p, 3);
    }
}

static void
expand(const unsigned char *block, uint32_t w[64])
{
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
               (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    for (int i = 16; i < 64; i++) {
        uint32_t a = w[i - 15], b = w[i - 2];
        w[i] = w[i - 16] + (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3) + w[i - 7] +
               (rotate(b, 17) ^ rotate(b, 19) ^ b >> 10);
    }
}

static void
compress(struct sha *sha)
{
    uint32_t w[64], s[8];
    expand(sha->block, w);
    memcpy(s, sha->state, sizeof s);
    for (int i = 0; i < 64; i++) {
        uint32_t t1 = s[7] + (rotate(s[4], 6) ^ rotate(s[4], 11) ^ rotate(s[4], 25)) +
                      ((s[4] & s[5]) ^ (~s[4] & s[6])) + constants[i] + w[i];
        uint32_t t2 = (rotate(s[0], 2) ^ rotate(s[0], 13) ^ rotate(s[0], 22)) +
                      ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
        memmove(s + 1, s, 7 * sizeof s[0]);
        s[4] += t1;
        s[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++)
        sha->state[i] += s[i];
}

static void
feed(struct sha *sha, const void *bytes, size_t len)
{
    const unsigned char *p = bytes;
    for (size_t i = 0; i < len; i++) {
        sha->block[sha->len++ % 64] = p[i];
        if (sha->len % 64 == 0)
            compress(sha);
    }
}

static void
finish(struct sha *sha, char *hex)
{
    uint64_t bits = sha->len * 8;
    unsigned char tail[8];
    feed(sha, "\x80", 1);
    while (sha->len % 64 != 56)
        feed(sha, "", 1);
    for (int i = 0; i < 8; i++)
        tail[i] = (unsigned char)(bits >> (56 - 8 * i));
    feed(sha, tail, 8);
    for (int i = 0; i < 8; i++)
        sprintf(hex + 8 * i, "%08x", sha->state[i]);
}

static void
digest(const void *bytes, size_t len, size_t times, char *hex)
{
    struct sha sha = {.len = 0};
    memcpy(sha.state, initial, sizeof initial);
    for (size_t i = 0; i < times; i++)
        feed(&sha, bytes, len);
    finish(&sha, hex);
}

static uint32_t
crc32(const unsigned char *p, size_t len)
{
    uint32_t crc = ~0u;
    for (size_t i = 0; i < len; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (0xedb88320u & -(crc & 1));
    }
    return ~crc;
}

int
main(int argc, char **argv)
{
    static unsigned char data[1 << 16];
    char hex[65];
    make_constants();
    digest("abc", 3, 1, hex);
    printf("%s\n", hex);
    GUEST_CHECK(strncmp(hex, "ba7816bf8f01cfea414140de5dae2223b00361a3", 40) == 0);
    digest("", 0, 1, hex);
    printf("%s\n", hex);
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)guest_value(8, i);
    digest(data, sizeof data, guest_arg(argc, argv, 1, 3), hex);
    printf("%s\ncrc %08x %08x\n", hex, crc32((const unsigned char *)"123456789", 9),
        crc32(data, sizeof data));
    return 0;
}
