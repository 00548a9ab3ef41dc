/* SPDX-License-Identifier: BSD-2-Clause */
/* What memcalls.c works on: its window and what is known of it, its output, and accesses that may
 * fail. */
#ifndef GUEST_MEMCALLS_H
#define GUEST_MEMCALLS_H

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif

#define WINDOW ((unsigned char *)0x60000000)
#define UNITS 40u /* of the window */
#define HEAP 8u   /* units that the heap may have; they are numbered behind the window's */
#define LOW 512u
#define FILE_UNITS 12u
#define SHM_UNITS 4u

enum kind { FREE, ANON, MEMORY, DISK, SEGMENT };

struct unit {
    unsigned id; /* of the mapping; 0: none */
    enum kind kind;
    bool shared;
};

/* What a step works on. */
struct range {
    unsigned first, n;
    unsigned char *at;
    size_t len;
};

static uint64_t seed, state;
static size_t unit = GUEST_PAGE; /* in bytes */
static bool locking;
static struct unit units[UNITS + HEAP];
static unsigned next_id = 1;
static unsigned char *heap;
static int files[3]; /* memory, a file on a disk, the same for reading only */
static int scratch, segment;
static pid_t child;
static bool is_child;
static int to_child[2], from_child[2];

/* --- printing --- */

static char text[1 << 16];
static size_t text_len;

static void
flush(void)
{
    for (size_t done = 0; done < text_len;) {
        ssize_t n = write(1, text + done, text_len - done);
        if (n <= 0)
            _exit(1);
        done += (size_t)n;
    }
    text_len = 0;
}

__attribute__((format(printf, 1, 2))) static void
say(const char *format, ...)
{
    va_list args;

    if (text_len > sizeof text - 1024)
        flush();
    va_start(args, format);
    text_len += (size_t)vsnprintf(text + text_len, sizeof text - text_len, format, args);
    va_end(args);
}

static long
result(long ret)
{
    if (ret == -1)
        say(": %s", strerrorname_np(errno));
    else
        say(": %ld", ret);
    return ret;
}

/* Where a mapping came to be: a page of the window. */
static bool
placed(const void *at)
{
    if (at == MAP_FAILED)
        return result(-1) != -1;
    return result((long)(((const unsigned char *)at - WINDOW) / (long)GUEST_PAGE)) != -1;
}

/* --- chance --- */

static unsigned
below(unsigned n)
{
    return (unsigned)(guest_rand(&state) % n);
}

#define ANY_OF(array) ((array)[below(sizeof(array) / sizeof((array)[0]))])

static unsigned char *
place(unsigned u)
{
    return u < UNITS ? WINDOW + u * unit : heap + (u - UNITS) * unit;
}

static struct range
range_of(unsigned first, unsigned n)
{
    return (struct range){first, n, place(first), n * unit};
}

/* Where there is something, more often than not. */
static struct range
pick(bool with_heap)
{
    unsigned end = with_heap ? UNITS + HEAP : UNITS, first = below(end), n = 1 + below(8);

    for (int i = 0; i < 3 && units[first].kind == FREE; i++)
        first = below(end);
    end = first < UNITS ? UNITS : end;
    return range_of(first, first + n > end ? end - first : n);
}

static void
say_range(const char *what, const struct range *r)
{
    say("%s %s%u+%u", what, r->first < UNITS ? "" : "heap+", r->first % UNITS, r->n);
}

/* Lengths and ends of files: see above. */
static off_t
file_end(void)
{
    size_t pages = below((FILE_UNITS + 3) * (unsigned)(unit / GUEST_PAGE));

    return (off_t)(pages * GUEST_PAGE + (below(2) != 0 ? LOW + below(GUEST_PAGE - LOW) : 0));
}

/* --- what is known of the window --- */

/* The range is no longer part of what is beside it. */
static void
split(const struct range *r)
{
    unsigned old = 0, id = 0, end = r->first + r->n;

    for (unsigned u = r->first; u < UNITS + HEAP; u++) {
        if (u >= end && (old == 0 || units[u].id != old))
            break;
        if (u == end || units[u].id != old) {
            old = units[u].id;
            id = next_id++;
        }
        if (old != 0)
            units[u].id = id;
    }
}

static void
set(const struct range *r, enum kind kind, bool shared)
{
    split(r);
    for (unsigned u = r->first; u < r->first + r->n; u++)
        units[u] = (struct unit){kind == FREE ? 0 : next_id, kind, shared};
    next_id++;
}

static bool
is_mapped(const unsigned char *at)
{
    unsigned char there;

    return mincore((void *)at, GUEST_PAGE, &there) == 0;
}

/* After calls of which the program does not know how far they came. */
static void
learn(void)
{
    for (unsigned u = 0; u < UNITS; u++) {
        if (is_mapped(place(u)) == (units[u].kind != FREE))
            continue;
        struct range r = range_of(u, 1);
        set(&r, units[u].kind != FREE ? FREE : ANON, false);
    }
}

/* May every byte of these pages be stored to? */
static bool
is_free_of_files(const struct range *r)
{
    for (unsigned u = r->first; u < r->first + r->n; u++)
        if (units[u].shared && (units[u].kind == MEMORY || units[u].kind == DISK))
            return false;
    return true;
}

static bool
has_disk(const struct range *r)
{
    for (unsigned u = r->first; u < r->first + r->n; u++)
        if (units[u].kind == DISK)
            return true;
    return false;
}

/* Units from u on that are one mapping. */
static unsigned
run_at(unsigned u)
{
    unsigned n = 0;

    while (units[u].id != 0 && u + n < UNITS && units[u + n].id == units[u].id)
        n++;
    return n;
}

/* --- loads and stores --- */

static sigjmp_buf escape;
static volatile int caught_signal, caught_code;
static void *volatile caught_address;

static void
caught(int signal, siginfo_t *info, void *context)
{
    (void)context;
    caught_signal = signal;
    caught_code = info->si_code;
    caught_address = info->si_addr;
    siglongjmp(escape, 1);
}

/* A letter for what the handler saw after an access to at. */
static char
what_came(const void *at)
{
    if (caught_address != at)
        return '!';
    if (caught_signal == SIGSEGV)
        return caught_code == SEGV_MAPERR ? 'm' : caught_code == SEGV_ACCERR ? 'a' : '?';
    return caught_code == BUS_ADRERR ? 'b' : '?';
}

/* '.' if it went well. */
static char
store(volatile unsigned char *at, unsigned char value)
{
    if (sigsetjmp(escape, 0) != 0)
        return what_came((const void *)at);
    *at = value;
    return '.';
}

static char
load(volatile unsigned char *at, unsigned char *value)
{
    if (sigsetjmp(escape, 0) != 0)
        return what_came((const void *)at);
    *value = *at;
    return '.';
}

#endif
