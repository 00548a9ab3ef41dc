/* SPDX-License-Identifier: BSD-2-Clause */
#include "os/futex.h"

#include "os/machine.h"
#include "os/sched.h"
#include "os/syscall.h"
#include "os/uaccess.h"

#define NSEC UINT64_C(1000000000)

enum futex_op {
    FUTEX_WAIT = 0,
    FUTEX_WAKE = 1,
    FUTEX_REQUEUE = 3,
    FUTEX_CMP_REQUEUE = 4,
    FUTEX_WAKE_OP = 5,
    FUTEX_WAIT_BITSET = 9,
    FUTEX_WAKE_BITSET = 10
};
#define FUTEX_CMD 0x7fu
#define FUTEX_PRIVATE 128u
#define FUTEX_CLOCK_REALTIME 256u
#define FUTEX_ANY UINT32_MAX

/* The word of a robust mutex. */
#define FUTEX_WAITERS 0x80000000u
#define FUTEX_OWNER_DIED 0x40000000u
#define FUTEX_TID_MASK 0x3fffffffu
#define ROBUST_MAX 2048 /* as Linux, against lists that never end */

static struct os_futex_key
futex_key(struct os_process *p, uint64_t va, bool shared)
{
    struct space *space = p->mm->space;
    struct os_futex_key key = {space_identity_own(space), va};

    if (shared)
        space->ops->identity(space, va, &key.id, &key.offset);
    return key;
}

static struct os_futex_queue *
futex_queue(struct os *os, const struct os_futex_key *key)
{
    uint64_t hash = (key->id << 40 ^ key->offset >> 2) * UINT64_C(0x9e3779b97f4a7c15);

    return &os->futexes[hash >> 56];
}

static bool
futex_same(const struct os_futex_key *a, const struct os_futex_key *b)
{
    return a->id == b->id && a->offset == b->offset;
}

static void
futex_enqueue(struct os *os, struct os_thread *t, const struct os_futex_key *key)
{
    t->futex.key = *key;
    t->futex.queued = true;
    TAILQ_INSERT_TAIL(futex_queue(os, key), t, futex.link);
}

static void
futex_dequeue(struct os *os, struct os_thread *t)
{
    TAILQ_REMOVE(futex_queue(os, &t->futex.key), t, futex.link);
    t->futex.queued = false;
}

void
os_futex_forget(struct os *os, struct os_thread *t)
{
    if (t->futex.queued)
        futex_dequeue(os, t);
    t->futex.waiting = false;
}

/*
 * Takes the first n waiters of from with a common bit in bitset and wakes them, and moves up to
 * nmove more to the queue of to (NULL: none); returns how many there were of both.
 */
static unsigned
futex_take(struct os *os, const struct os_futex_key *from, unsigned n, uint32_t bitset,
    const struct os_futex_key *to, unsigned nmove)
{
    struct os_thread *t;
    struct os_thread *next;
    unsigned woken = 0, moved = 0;

    for (t = TAILQ_FIRST(futex_queue(os, from)); t != NULL; t = next) {
        next = TAILQ_NEXT(t, futex.link);
        if (!futex_same(&t->futex.key, from) || (t->futex.bitset & bitset) == 0)
            continue;
        if (woken < n) {
            futex_dequeue(os, t);
            os_wake_thread(t);
            woken++;
        } else if (to != NULL && moved < nmove) {
            moved++;
            if (futex_same(from, to))
                continue;
            futex_dequeue(os, t);
            futex_enqueue(os, t, to);
        } else {
            break;
        }
    }
    return woken + moved;
}

unsigned
os_futex_wake(struct os_process *p, uint64_t va, bool shared, unsigned n)
{
    const struct os_futex_key key = futex_key(p, va, shared);

    return futex_take(p->os, &key, n, FUTEX_ANY, NULL, 0);
}

/* --- the call --- */

/* Can there be a futex?  A shared one must be memory that can be written, as Linux looks its page
 * up; of a private one the address is all that counts. */
static int64_t
futex_check(struct os_process *p, uint64_t va, bool shared)
{
    if ((va & 3) != 0)
        return -OS_EINVAL;
    if (va >= p->os->config.space_end)
        return -OS_EFAULT;
    return shared ? os_copy_probe(p, va, sizeof(uint32_t)) : 0;
}

/* Sets the deadline of a wait: relative for WAIT, on a clock for WAIT_BITSET. */
static int64_t
futex_deadline(struct os_process *p, const uint64_t *a, bool absolute)
{
    struct os_timespec ts;

    if (a[3] == 0)
        return 0;
    if (os_copy_in(p, a[3], &ts, sizeof ts) != 0)
        return -OS_EFAULT;
    if (ts.sec < 0 || ts.nsec < 0 || (uint64_t)ts.nsec >= NSEC)
        return -OS_EINVAL;
    uint64_t ns = (uint64_t)ts.sec > OS_NEVER / NSEC - 1
                      ? OS_NEVER
                      : (uint64_t)ts.sec * NSEC + (uint64_t)ts.nsec;
    if (absolute && ns != OS_NEVER) {
        uint64_t now = os_now(p->os) + ((a[1] & FUTEX_CLOCK_REALTIME) != 0 ? OS_EPOCH * NSEC : 0);
        ns = ns > now ? ns - now : 0;
    }
    os_deadline(p, ns);
    return 0;
}

/* Not woken yet: time is up, or (more) waiting.  With a timeout a handler ends the call. */
static int64_t
futex_sleep(struct os_process *p, bool timeout)
{
    if (os_deadline_passed(p))
        return -OS_ETIMEDOUT;
    return timeout ? os_block_nohand(p, NULL) : os_block(p, NULL);
}

static int64_t
futex_wait(struct os_process *p, const uint64_t *a, bool absolute, uint32_t bitset)
{
    struct os_thread *t = p->thread;
    uint32_t value;

    if (t->futex.waiting)
        return t->futex.queued ? futex_sleep(p, a[3] != 0) : 0;
    if (bitset == 0)
        return -OS_EINVAL;
    int64_t ret = futex_deadline(p, a, absolute);
    if (ret == 0)
        ret = futex_check(p, a[0], false);
    if (ret != 0)
        return ret;
    const struct os_futex_key key = futex_key(p, a[0], (a[1] & FUTEX_PRIVATE) == 0);
    if (os_copy_in(p, a[0], &value, sizeof value) != 0)
        return -OS_EFAULT;
    if (value != (uint32_t)a[2])
        return -OS_EAGAIN;
    t->futex.bitset = bitset;
    t->futex.waiting = true;
    futex_enqueue(p->os, t, &key);
    return futex_sleep(p, a[3] != 0);
}

static int64_t
futex_wake(struct os_process *p, const uint64_t *a, uint32_t bitset)
{
    bool shared = (a[1] & FUTEX_PRIVATE) == 0;
    int32_t n = (int32_t)a[2];

    if (bitset == 0)
        return -OS_EINVAL;
    int64_t ret = futex_check(p, a[0], shared);
    if (ret != 0)
        return ret;
    const struct os_futex_key key = futex_key(p, a[0], shared);
    /* As Linux: at least one. */
    return (int64_t)futex_take(p->os, &key, n > 0 ? (unsigned)n : 1, bitset, NULL, 0);
}

static int64_t
futex_requeue(struct os_process *p, const uint64_t *a, bool compare)
{
    bool shared = (a[1] & FUTEX_PRIVATE) == 0;
    uint32_t value;

    if ((int32_t)a[2] < 0 || (int32_t)a[3] < 0)
        return -OS_EINVAL;
    int64_t ret = futex_check(p, a[0], shared);
    if (ret == 0)
        ret = futex_check(p, a[4], shared);
    if (ret != 0)
        return ret;
    if (compare && os_copy_in(p, a[0], &value, sizeof value) != 0)
        return -OS_EFAULT;
    if (compare && value != (uint32_t)a[5])
        return -OS_EAGAIN;
    const struct os_futex_key from = futex_key(p, a[0], shared), to = futex_key(p, a[4], shared);
    return (int64_t)futex_take(p->os, &from, (uint32_t)a[2], FUTEX_ANY, &to, (uint32_t)a[3]);
}

/* The number in 12 bits of a FUTEX_WAKE_OP's last argument. */
static uint32_t
futex_op_arg(uint32_t op, unsigned shift)
{
    return (uint32_t)((int32_t)(op << (20 - shift)) >> 20);
}

static bool
futex_op_result(uint32_t op, uint32_t old, uint32_t *result)
{
    uint32_t arg = futex_op_arg(op, 12);

    if ((op >> 28 & 8) != 0)
        arg = (uint32_t)1 << (arg & 31);
    switch (op >> 28 & 7) {
    case 0:
        *result = arg;
        return true;
    case 1:
        *result = old + arg;
        return true;
    case 2:
        *result = old | arg;
        return true;
    case 3:
        *result = old & ~arg;
        return true;
    case 4:
        *result = old ^ arg;
        return true;
    default:
        return false;
    }
}

static bool
futex_op_holds(uint32_t op, uint32_t word, bool *holds)
{
    int32_t old = (int32_t)word, arg = (int32_t)futex_op_arg(op, 0);
    const bool results[] = {old == arg, old != arg, old<arg, old <= arg, old> arg, old >= arg};
    uint32_t how = op >> 24 & 15;

    *holds = how < 6 && results[how];
    return how < 6;
}

static int64_t
futex_wake_op(struct os_process *p, const uint64_t *a)
{
    bool shared = (a[1] & FUTEX_PRIVATE) == 0;
    uint32_t op = (uint32_t)a[5], old, result;
    bool holds;

    int64_t ret = futex_check(p, a[0], shared);
    if (ret == 0)
        ret = futex_check(p, a[4], shared);
    if (ret != 0)
        return ret;
    if (os_copy_in(p, a[4], &old, sizeof old) != 0)
        return -OS_EFAULT;
    if (!futex_op_result(op, old, &result) || !futex_op_holds(op, old, &holds))
        return -OS_ENOSYS;
    if (os_copy_out(p, a[4], &result, sizeof result) != 0)
        return -OS_EFAULT;
    unsigned n = os_futex_wake(p, a[0], shared, (uint32_t)a[2]);
    if (holds)
        n += os_futex_wake(p, a[4], shared, (uint32_t)a[3]);
    return (int64_t)n;
}

/* Priority inheritance is left out: the C library asks before it relies on that. */
int64_t
os_sys_futex(struct os_process *p, const uint64_t *a)
{
    uint32_t command = (uint32_t)a[1] & FUTEX_CMD;

    if (((uint32_t)a[1] & FUTEX_CLOCK_REALTIME) != 0 && command != FUTEX_WAIT_BITSET)
        return -OS_ENOSYS;
    switch (command) {
    case FUTEX_WAIT:
        return futex_wait(p, a, false, FUTEX_ANY);
    case FUTEX_WAIT_BITSET:
        return futex_wait(p, a, true, (uint32_t)a[5]);
    case FUTEX_WAKE:
        return futex_wake(p, a, FUTEX_ANY);
    case FUTEX_WAKE_BITSET:
        return futex_wake(p, a, (uint32_t)a[5]);
    case FUTEX_REQUEUE:
        return futex_requeue(p, a, false);
    case FUTEX_CMP_REQUEUE:
        return futex_requeue(p, a, true);
    case FUTEX_WAKE_OP:
        return futex_wake_op(p, a);
    default:
        return -OS_ENOSYS;
    }
}

/* --- death --- */

/* struct robust_list_head. */
struct robust_head {
    uint64_t first;
    int64_t offset; /* from an entry to its futex word */
    uint64_t pending;
};

/* A lock that t held, or (pending) was about to take or to give back. */
static void
robust_mark(struct os_thread *t, uint64_t va, bool pending)
{
    struct os_process *p = t->process;
    uint32_t word;

    if ((va & 3) != 0 || os_copy_in(p, va, &word, sizeof word) != 0)
        return;
    if (pending && (word & ~FUTEX_WAITERS) == 0) {
        (void)os_futex_wake(p, va, true, 1);
        return;
    }
    if ((word & FUTEX_TID_MASK) != (uint32_t)t->tid)
        return;
    bool waiters = (word & FUTEX_WAITERS) != 0;
    word = (word & FUTEX_WAITERS) | FUTEX_OWNER_DIED;
    if (os_copy_out(p, va, &word, sizeof word) == 0 && waiters)
        (void)os_futex_wake(p, va, true, 1);
}

static void
robust_leave(struct os_thread *t)
{
    struct os_process *p = t->process;
    struct robust_head head;
    uint64_t entry;

    if (t->robust_list == 0 || os_copy_in(p, t->robust_list, &head, sizeof head) != 0)
        return;
    entry = head.first;
    for (int i = 0; i < ROBUST_MAX && (entry & ~(uint64_t)1) != t->robust_list; i++) {
        uint64_t at = entry & ~(uint64_t)1; /* bit 0: a PI futex */
        uint64_t next;

        if (os_copy_in(p, at, &next, sizeof next) != 0)
            break;
        if (at != (head.pending & ~(uint64_t)1))
            robust_mark(t, at + (uint64_t)head.offset, false);
        entry = next;
    }
    if ((head.pending & ~(uint64_t)1) != 0)
        robust_mark(t, (head.pending & ~(uint64_t)1) + (uint64_t)head.offset, true);
}

void
os_futex_leave(struct os_thread *t)
{
    struct os_process *p = t->process;
    const int32_t zero = 0;

    robust_leave(t);
    if (t->clear_tid != 0 && (p->nthreads > 1 || p->mm->refs > 1) &&
        os_copy_out(p, t->clear_tid, &zero, sizeof zero) == 0)
        (void)os_futex_wake(p, t->clear_tid, true, 1);
    t->clear_tid = t->robust_list = 0;
}
