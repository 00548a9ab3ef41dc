/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fills so many KiB of memory with something that compresses, then prints files, each after a line
 * with its name: what /proc and /sys say while there is much on swap.  An error is its number.
 *
 *   showfiles KIB FILE...
 *   showfiles -s KIB FILE...      with 64 KiB of shared memory and 16 KiB locked beside it
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>
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

static void
share_and_lock(void)
{
    char *shared =
        mmap(NULL, 16 * GUEST_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    char *locked =
        mmap(NULL, 4 * GUEST_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    GUEST_CHECK(shared != MAP_FAILED && locked != MAP_FAILED);
    memset(shared, 1, 16 * GUEST_PAGE);
    GUEST_CHECK(mlock(locked, 4 * GUEST_PAGE) == 0);
}

int
main(int argc, char **argv)
{
    bool shares = argc > 1 && strcmp(argv[1], "-s") == 0;

    argc -= shares;
    argv += shares;
    GUEST_CHECK(argc > 1);
    size_t len = strtoul(argv[1], NULL, 10) << 10;
    uint64_t seed = 1, *words = malloc(len + 1);

    GUEST_CHECK(words != NULL);
    for (size_t i = 0; i < len / sizeof *words; i++)
        words[i] = guest_rand(&seed) & 0xff;
    if (shares)
        share_and_lock();
    for (int i = 2; i < argc; i++)
        show(argv[i]);
    seed = 1;
    for (size_t i = 0; i < len / sizeof *words; i++)
        GUEST_CHECK(words[i] == (guest_rand(&seed) & 0xff));
    printf("all is there\n");
    return 0;
}
