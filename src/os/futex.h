/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Futexes (futex(2), U. Drepper "Futexes Are Tricky"): threads that wait for a word of memory to
 * change, queued under a key of that word.
 *
 * Keys.  A private word is known by its space and address.  One that others can see is known by
 * what they share and the offset in it, which the space tells (space_ops.identity): so two
 * processes that have mapped the same memory at different addresses meet.
 *
 * That identity is a number which is never given again, as Linux takes a sequence number of the
 * inode (kernel/futex/core.c, get_inode_sequence_number): a waiter whose memory is unmapped under
 * it must not be found by those who use what is mapped there next.
 *
 * A waiter stays in its queue until it is woken, whatever else makes its call be tried again; that
 * it is no longer in the queue is how it knows.
 */
#ifndef OS_FUTEX_H
#define OS_FUTEX_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct os;
struct os_process;
struct os_thread;

struct os_futex_key {
    uint64_t id; /* as space_ops.identity tells */
    uint64_t offset;
};

/* A thread's place in a queue. */
struct os_futex_wait {
    TAILQ_ENTRY(os_thread) link; /* in state queued */
    struct os_futex_key key;
    uint32_t bitset;
    bool waiting; /* its call has begun to wait ... */
    bool queued;  /* ... and nobody has woken it yet */
};

#define OS_FUTEX_BUCKETS 256u
TAILQ_HEAD(os_futex_queue, os_thread);

/* Wakes up to n of the threads that wait for the word at va of p (shared: among those of other
 * processes, too); returns how many there were. */
unsigned os_futex_wake(struct os_process *p, uint64_t va, bool shared, unsigned n);

/* Gives up t's place, if it has one. */
void os_futex_forget(struct os *os, struct os_thread *t);

/* t is about to end or to lose its memory: marks the robust futexes that it holds, for those who
 * wait for them (get_robust_list(2), and robust-futexes in Linux's documentation); clears and wakes
 * its clear_tid word if anybody can see that. */
void os_futex_leave(struct os_thread *t);

#endif
