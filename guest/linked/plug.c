/* SPDX-License-Identifier: BSD-2-Clause */
/* A shared library: plugins.c is linked with one and opens another at run time. */
#include "plug.h"

#include <stdio.h>
#include <string.h>

static int constructed;
static __thread int per_thread = PLUG_NUMBER * 100;
static __thread char per_thread_text[64];
int PLUG_NAME(shared_by_name) = PLUG_NUMBER;
static const char *const table[] = {"zero", "one", "two", "three"};

__attribute__((constructor)) static void
construct(void)
{
    constructed++;
}

__attribute__((destructor)) static void
destruct(void)
{
    printf("plug %d goes after %d\n", PLUG_NUMBER, constructed);
    fflush(stdout);
}

int
PLUG_NAME(constructed)(void)
{
    return constructed;
}

int
PLUG_NAME(count)(void)
{
    return ++per_thread;
}

const char *
PLUG_NAME(describe)(void)
{
    snprintf(per_thread_text, sizeof per_thread_text, "plug %s at %d", table[PLUG_NUMBER % 4],
        per_thread);
    return per_thread_text;
}

/* Calls back into whoever calls, through a pointer that it is given. */
int
PLUG_NAME(twice)(int (*function)(int), int value)
{
    return function(function(value));
}
