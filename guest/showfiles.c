/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fills so many KiB of memory with something that compresses, then prints files, each after a line
 * with its name: what /proc and /sys say while there is much on swap.  An error is its number.
 *
 *   showfiles KIB FILE...
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "guest.h"

static void
show(const char *path)
{
    char text[4096];
    ssize_t n;
    int fd = open(path, O_RDONLY);

    printf("== %s\n", path);
    if (fd < 0) {
        printf("error %d\n", errno);
        return;
    }
    while ((n = read(fd, text, sizeof text)) > 0)
        fwrite(text, 1, (size_t)n, stdout);
    GUEST_CHECK(n == 0);
    close(fd);
}

int
main(int argc, char **argv)
{
    GUEST_CHECK(argc > 1);
    size_t len = strtoul(argv[1], NULL, 10) << 10;
    uint64_t seed = 1, *words = malloc(len + 1);

    GUEST_CHECK(words != NULL);
    for (size_t i = 0; i < len / sizeof *words; i++)
        words[i] = guest_rand(&seed) & 0xff;
    for (int i = 2; i < argc; i++)
        show(argv[i]);
    seed = 1;
    for (size_t i = 0; i < len / sizeof *words; i++)
        GUEST_CHECK(words[i] == (guest_rand(&seed) & 0xff));
    printf("all is there\n");
    return 0;
}
