/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a process is given and gives back: arguments, environment, standard input, output and
 * error, the auxiliary vector and the exit status (the first argument, if there is one).
 */
#include <elf.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "guest.h"

static void
print_variable(const char *name)
{
    const char *value = getenv(name);
    if (value == NULL)
        printf("%s is not set\n", name);
    else
        printf("%s = \"%s\"\n", name, value);
}

static void
print_input(void)
{
    static char buf[10000];
    uint64_t bytes = 0, lines = 0, sum = 0;
    size_t n;
    while ((n = fread(buf, 1, sizeof buf, stdin)) > 0) {
        for (size_t i = 0; i < n; i++) {
            lines += buf[i] == '\n';
            sum = guest_sum(sum, (unsigned char)buf[i]);
        }
        bytes += n;
    }
    printf("stdin: %lu bytes, %lu lines, sum %016lx\n", bytes, lines, sum);
}

int
main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        printf("argv[%d] = \"%s\"\n", i, argv[i]);
    GUEST_CHECK(argv[argc] == NULL);
    print_variable("GIVEN_A");
    print_variable("GIVEN_B");
    print_variable("NOT_GIVEN");
    printf("page size %lu, stack aligned %d\n", getauxval(AT_PAGESZ),
        ((uintptr_t)__builtin_frame_address(0) & 15) == 0);
    GUEST_CHECK(getauxval(AT_RANDOM) != 0);
    GUEST_CHECK(getauxval(AT_ENTRY) != 0);
    GUEST_CHECK(strcmp((const char *)getauxval(AT_EXECFN), argv[0]) == 0);
    print_input();
    fputs("a line on standard error\n", stderr);
    return (int)guest_arg(argc, argv, 1, 0);
}
