/* SPDX-License-Identifier: BSD-2-Clause */
/* A system call that nobody knows is ENOSYS, and the program goes on. */
#include <errno.h>
#include <unistd.h>

#include "guest.h"

int
main(void)
{
    for (long nr = 500; nr < 503; nr++)
        printf("call %ld: %d\n", nr, syscall(nr, 1, 2, 3) == -1 && errno == ENOSYS);
    return 0;
}
