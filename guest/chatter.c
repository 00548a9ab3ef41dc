/* SPDX-License-Identifier: BSD-2-Clause */
/* Says that it is ready and works until a signal stops it; SIGHUP it answers. */
#include <signal.h>
#include <unistd.h>

#include "guest.h"

static volatile sig_atomic_t told;

static void
on_hangup(int sig)
{
    told = sig;
}

int
main(void)
{
    volatile uint64_t work = 0;
    signal(SIGHUP, on_hangup);
    GUEST_CHECK(write(1, "ready\n", 6) == 6);
    while (told == 0)
        work++;
    GUEST_CHECK(write(1, "told to stop\n", 13) == 13);
    return 3;
}
