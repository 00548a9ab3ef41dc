/* SPDX-License-Identifier: BSD-2-Clause */
/* The least that a program can do. */
#include <stdio.h>

int
main(void)
{
    puts("hello, world");
    return 0;
}
