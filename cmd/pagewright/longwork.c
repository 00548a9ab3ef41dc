/* SPDX-License-Identifier: BSD-2-Clause */
#include "longwork.h"

#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t caught;

static void
longwork_note(int number)
{
    caught = number;
}

void
longwork_catch(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    struct sigaction action = {.sa_handler = longwork_note, .sa_flags = (int)SA_RESETHAND}, before;

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            (void)sigaction(numbers[i], &action, NULL);
    }
}

int
longwork_signal(void)
{
    return (int)caught;
}

const char *
longwork_name(const char *path)
{
    return strcmp(path, "-") == 0 ? "standard input" : path;
}

const char *
longwork_s(uint64_t n)
{
    return n == 1 ? "" : "s";
}

const char *
longwork_count(char cell[LONGWORK_CELL], uint64_t n)
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%" PRIu64, n);
    char *to = cell;

    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
    return cell;
}

/* Shown ten times a second at most. */
static bool
longwork_due(void)
{
    static uint64_t last;
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t tenths = (uint64_t)now.tv_sec * 10 + (uint64_t)now.tv_nsec / 100000000;
    if (tenths == last)
        return false;
    last = tenths;
    return true;
}

void
longwork_progress(const char *what, uint64_t done, uint64_t all, uint64_t references)
{
    char cell[LONGWORK_CELL];

    if (!isatty(2) || !longwork_due())
        return;
    fprintf(stderr, "\r\033[K%s", what);
    if (all > 0)
        fprintf(stderr, " %u%%", (unsigned)(100.0 * (double)done / (double)all));
    if (references > 0)
        fprintf(stderr, " (%s references)", longwork_count(cell, references));
}

void
longwork_progress_clear(void)
{
    if (isatty(2))
        fprintf(stderr, "\r\033[K");
}
