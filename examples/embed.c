/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Embeds Pagewright: a system of 256 KiB of RAM, two spaces, more memory than there is RAM.
 *
 *     cc embed.c $(pkg-config --cflags --libs libpagewright) -o embed
 */
#include <stdio.h>
#include <stdlib.h>

#include <pagewright/pagewright.h>

static void
must(const struct pgw_system *system, enum pgw_status status)
{
    if (status == PGW_OK)
        return;
    fprintf(stderr, "embed: %s: %s\n", pgw_status_text(status), pgw_error_text(system));
    exit(1);
}

int
main(void)
{
    struct pgw_config config;
    struct pgw_system *system = NULL;
    struct pgw_space *a, *b, *child;
    struct pgw_space_counts counts;
    uint64_t len = 512 << 10, va_a = 0, va_b = 0;
    char text[6] = "", error[128] = "";

    pgw_config_init(&config);
    config.ram = 256 << 10;
    config.error = error;
    config.error_len = sizeof error;
    if (pgw_system_create(&config, &system) != PGW_OK) { /* there is no system to ask then */
        fprintf(stderr, "embed: %s\n", error);
        return 1;
    }
    must(system, pgw_space_create(system, &a));
    must(system, pgw_space_create(system, &b));
    must(system, pgw_map(a, len, PGW_READ | PGW_WRITE, 0, &va_a));
    must(system, pgw_map(b, len, PGW_READ | PGW_WRITE, 0, &va_b));
    for (uint64_t at = 0; at < len; at += PGW_PAGE_SIZE) { /* together four times the RAM */
        must(system, pgw_write(a, va_a + at, "hello", 6));
        must(system, pgw_write(b, va_b + at, "world", 6));
    }
    must(system, pgw_fork(a, &child));
    must(system, pgw_write(child, va_a, "child", 6)); /* a copy: a does not see it */
    must(system, pgw_read(a, va_a, text, sizeof text));
    printf("a: %s\n", text);
    must(system, pgw_read(child, va_a, text, sizeof text));
    printf("child: %s\n", text);

    pgw_space_counts(a, &counts);
    printf("a: %llu minor and %llu major faults, %llu pages in RAM, %llu on swap\n",
        (unsigned long long)counts.minor, (unsigned long long)counts.major,
        (unsigned long long)counts.resident, (unsigned long long)counts.swapped);
    pgw_system_destroy(system);
    return 0;
}
