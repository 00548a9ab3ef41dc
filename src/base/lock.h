/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The system's locks, with ranks.  A thread takes locks in rising rank only; debug builds
 * check it, and that a lock is held where a function's name ends in _locked.
 */
#ifndef BASE_LOCK_H
#define BASE_LOCK_H

#include <pthread.h>
#include <stdbool.h>

enum base_lock_rank {
    LOCK_RANK_SYSTEM = 10, /* the one lock of a system: spaces, maps, pages, policy */
    LOCK_RANK_PAGER = 20,  /* a pager's own slot map */
    LOCK_RANK_HOST = 30    /* leaf locks around host calls */
};

struct base_lock {
    pthread_mutex_t mutex;
    enum base_lock_rank rank;
    pthread_t owner;
    bool held;
    struct base_lock *below; /* the lock this thread took before this one */
};

void base_lock_init(struct base_lock *lock, enum base_lock_rank rank);
void base_lock_fini(struct base_lock *lock);
void base_lock_take(struct base_lock *lock);
void base_lock_drop(struct base_lock *lock);
/* True if the calling thread holds it. */
bool base_lock_held(const struct base_lock *lock);

#endif
