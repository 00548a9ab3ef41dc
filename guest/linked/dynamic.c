/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program however it is linked: its constructors have run, once and in order; libraries and the
 * auxiliary vector agree about where things are; data that relocations point to is right; and what
 * a process writes into a library's data is its own.
 */
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <math.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../guest.h"

static int order, first_at, second_at;

__attribute__((constructor(101))) static void
first(void)
{
    first_at = ++order;
}

__attribute__((constructor(102))) static void
second(void)
{
    second_at = ++order;
}

__attribute__((destructor)) static void
last(void)
{
    printf("destructor after %d constructors\n", order);
    fflush(stdout);
}

/* Pointers that somebody has to relocate. */
static const char *const names[] = {"read", "only", "after", "relocation"};
static int (*const compare_names)(const char *, const char *) = strcmp;

struct seen {
    int objects;
    uintptr_t base[16]; /* of each */
    size_t phdrs;
    const void *phdr; /* of the first one: the program's */
};

static int
see(struct dl_phdr_info *info, size_t size, void *ctx)
{
    struct seen *seen = ctx;

    (void)size;
    if (seen->objects == 0) {
        seen->phdr = info->dlpi_phdr;
        seen->phdrs = info->dlpi_phnum;
    }
    GUEST_CHECK(seen->objects < 16);
    seen->base[seen->objects++] = info->dlpi_addr;
    return 0;
}

static void
check_images(void)
{
    struct seen seen = {0};

    dl_iterate_phdr(see, &seen);
    GUEST_CHECK(seen.objects >= 1);
    GUEST_CHECK((uintptr_t)seen.phdr == getauxval(AT_PHDR));
    GUEST_CHECK(seen.phdrs == getauxval(AT_PHNUM));
    for (int i = 0; i < seen.objects; i++)
        for (int j = 0; j < i; j++)
            GUEST_CHECK(seen.base[i] == 0 || seen.base[i] != seen.base[j]);
    uintptr_t entry = getauxval(AT_ENTRY);
    uintptr_t base = getauxval(AT_BASE);
    GUEST_CHECK(entry != 0 && entry % 2 == 0);
    if (base != 0) {
        GUEST_CHECK(base % GUEST_PAGE == 0);
        GUEST_CHECK(memcmp((const void *)base, ELFMAG, SELFMAG) == 0);
    }
    printf("images: %s, phdrs %s\n", seen.objects > 1 ? "with libraries" : "alone",
        seen.phdrs > 3 ? "plausible" : "few");
}

/* Writable data of libraries is private: errno, the environment, stdio's buffers. */
static void
check_private(void)
{
    int status = 0;

    errno = 5;
    GUEST_CHECK(setenv("WHOSE", "parent", 1) == 0);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        GUEST_CHECK(errno == 5);
        errno = 7;
        GUEST_CHECK(setenv("WHOSE", "child", 1) == 0);
        GUEST_CHECK(strcmp(getenv("WHOSE"), "child") == 0);
        _exit(errno);
    }
    GUEST_CHECK(child > 0 && waitpid(child, &status, 0) == child);
    GUEST_CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    GUEST_CHECK(errno == 5 && strcmp(getenv("WHOSE"), "parent") == 0);
    printf("data is private\n");
}

static int
compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

static void
use_libraries(void)
{
    enum { N = 3000 };
    double *values = malloc(N * sizeof *values);
    uint64_t seed = 42, sum = 0;

    GUEST_CHECK(values != NULL);
    for (int i = 0; i < N; i++)
        values[i] = sin((double)(guest_rand(&seed) % 100000)) + sqrt((double)i);
    qsort(values, N, sizeof *values, compare);
    for (int i = 0; i < N; i++)
        sum = guest_sum(sum, (uint64_t)(int64_t)(values[i] * 1000));
    free(values);
    printf("sorted: %016llx\n", (unsigned long long)sum);
}

int
main(int argc, char **argv)
{
    (void)argc;
    printf("constructors: %d %d of %d\n", first_at, second_at, order);
    GUEST_CHECK(strcmp((const char *)getauxval(AT_EXECFN), argv[0]) == 0);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        printf("%s%s", names[i], i + 1 < sizeof names / sizeof names[0] ? " " : "\n");
    GUEST_CHECK(compare_names("a", "a") == 0);
    check_images();
    check_private();
    use_libraries();
    return 0;
}
