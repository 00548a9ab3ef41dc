/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each lock knows which lock its thread took before it, so the locks of a thread form a chain
 * whose ranks fall towards its end; the head of the chain is the highest rank held.  The head is
 * a thread's own variable: it is the one piece of state that cannot live in a system, since a
 * thread may hold locks of two.
 */
#include "base/lock.h"

#include "base/assert.h"

#ifdef BASE_DEBUG
static _Thread_local struct base_lock *lock_top;

static void
lock_chain_push(struct base_lock *lock)
{
    lock->below = lock_top;
    lock_top = lock;
}

/* Locks may be dropped in any order. */
static void
lock_chain_remove(struct base_lock *lock)
{
    struct base_lock **at = &lock_top;

    while (*at != lock) {
        BASE_ASSERT(*at != NULL);
        at = &(*at)->below;
    }
    *at = lock->below;
}

static void
lock_check_rank(const struct base_lock *lock)
{
    BASE_ASSERT(lock_top == NULL || lock->rank > lock_top->rank);
}
#else
static void
lock_chain_push(struct base_lock *lock)
{
    lock->below = NULL;
}

static void
lock_chain_remove(const struct base_lock *lock)
{
    (void)lock;
}

static void
lock_check_rank(const struct base_lock *lock)
{
    (void)lock;
}
#endif

void
base_lock_init(struct base_lock *lock, enum base_lock_rank rank)
{
    int error = pthread_mutex_init(&lock->mutex, NULL);

    BASE_ASSERT(error == 0);
    lock->rank = rank;
    lock->owner = pthread_self();
    lock->held = false;
    lock->below = NULL;
}

void
base_lock_fini(struct base_lock *lock)
{
    BASE_ASSERT(!lock->held);
    int error = pthread_mutex_destroy(&lock->mutex);
    BASE_ASSERT(error == 0);
}

void
base_lock_take(struct base_lock *lock)
{
    lock_check_rank(lock);
    BASE_DEBUG_ASSERT(!base_lock_held(lock));
    int error = pthread_mutex_lock(&lock->mutex);
    BASE_ASSERT(error == 0);
    lock_chain_push(lock);
    __atomic_store_n(&lock->owner, pthread_self(), __ATOMIC_RELAXED);
    /* Whoever sees held sees this owner too: base_lock_held looks without the mutex. */
    __atomic_store_n(&lock->held, true, __ATOMIC_RELEASE);
}

void
base_lock_drop(struct base_lock *lock)
{
    BASE_ASSERT(base_lock_held(lock));
    lock_chain_remove(lock);
    __atomic_store_n(&lock->held, false, __ATOMIC_RELAXED);
    int error = pthread_mutex_unlock(&lock->mutex);
    BASE_ASSERT(error == 0);
}

bool
base_lock_held(const struct base_lock *lock)
{
    return __atomic_load_n(&lock->held, __ATOMIC_ACQUIRE) &&
           pthread_equal(__atomic_load_n(&lock->owner, __ATOMIC_RELAXED), pthread_self());
}
