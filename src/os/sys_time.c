/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls about time.  Every clock is made of the machine's: a nanosecond an instruction,
 * and sleep passes at once when nobody has anything to do.  CLOCK_REALTIME starts at OS_EPOCH.
 * So a program sees the same times in every run.
 */
#include "os/machine.h"
#include "os/rusage.h"
#include "os/sched.h"
#include "os/syscall.h"
#include "os/uaccess.h"

#define NSEC UINT64_C(1000000000)
#define USEC UINT64_C(1000000)
#define TICK (NSEC / 100)
#define TIMER_ABSTIME 1u
#define RUSAGE_CHILDREN (-1)
#define RUSAGE_THREAD 1

enum clock_id {
    CLOCK_REALTIME = 0,
    CLOCK_PROCESS_CPUTIME = 2,
    CLOCK_THREAD_CPUTIME = 3,
    CLOCK_REALTIME_COARSE = 5,
    CLOCK_LAST = 7,
    CLOCK_TAI = 11
};

static bool
clock_valid(uint64_t id)
{
    return id <= CLOCK_LAST || id == CLOCK_TAI;
}

static bool
clock_is_cpu(uint64_t id)
{
    return id == CLOCK_PROCESS_CPUTIME || id == CLOCK_THREAD_CPUTIME;
}

static bool
clock_is_calendar(uint64_t id)
{
    return id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE || id == CLOCK_TAI;
}

/* Nanoseconds on a clock. */
static uint64_t
clock_now(const struct os_process *p, uint64_t id)
{
    if (clock_is_cpu(id))
        return id == CLOCK_THREAD_CPUTIME ? p->thread->instructions : p->instructions;
    return os_now(p->os) + (clock_is_calendar(id) ? OS_EPOCH * NSEC : 0);
}

static struct os_timespec
timespec_of(uint64_t ns)
{
    return (struct os_timespec){(int64_t)(ns / NSEC), (int64_t)(ns % NSEC)};
}

static struct os_timeval
timeval_of(uint64_t ns)
{
    return (struct os_timeval){(int64_t)(ns / NSEC), (int64_t)(ns % NSEC / 1000)};
}

int64_t
os_sys_clock_gettime(struct os_process *p, const uint64_t *a)
{
    struct os_timespec ts;

    if (!clock_valid((uint32_t)a[0]))
        return -OS_EINVAL;
    ts = timespec_of(clock_now(p, (uint32_t)a[0]));
    return os_copy_out(p, a[1], &ts, sizeof ts);
}

int64_t
os_sys_clock_getres(struct os_process *p, const uint64_t *a)
{
    const struct os_timespec ts = {0, 1};

    if (!clock_valid((uint32_t)a[0]))
        return -OS_EINVAL;
    return a[1] != 0 ? os_copy_out(p, a[1], &ts, sizeof ts) : 0;
}

int64_t
os_sys_gettimeofday(struct os_process *p, const uint64_t *a)
{
    const struct os_timeval tv = timeval_of(clock_now(p, CLOCK_REALTIME));
    const int32_t zone[2] = {0, 0};

    if (a[0] != 0 && os_copy_out(p, a[0], &tv, sizeof tv) != 0)
        return -OS_EFAULT;
    return a[1] != 0 ? os_copy_out(p, a[1], zone, sizeof zone) : 0;
}

/* Sleeps until the deadline; what is left goes to rem when a signal comes first. */
static int64_t
sleep_on(struct os_process *p, uint64_t rem)
{
    if (os_deadline_passed(p))
        return 0;
    int64_t ret = os_block_nohand(p, NULL);
    if (ret == OS_NOHAND && rem != 0) {
        struct os_timespec left = timespec_of(p->thread->deadline - os_now(p->os));
        if (os_copy_out(p, rem, &left, sizeof left) != 0)
            return -OS_EFAULT;
    }
    return ret;
}

/* Reads a time that must be a proper one; *ns saturates. */
static int64_t
read_time(struct os_process *p, uint64_t va, uint64_t *ns)
{
    struct os_timespec ts;

    if (os_copy_in(p, va, &ts, sizeof ts) != 0)
        return -OS_EFAULT;
    if (ts.sec < 0 || ts.nsec < 0 || (uint64_t)ts.nsec >= NSEC)
        return -OS_EINVAL;
    *ns = (uint64_t)ts.sec > OS_NEVER / NSEC - 1 ? OS_NEVER
                                                 : (uint64_t)ts.sec * NSEC + (uint64_t)ts.nsec;
    return 0;
}

int64_t
os_sys_nanosleep(struct os_process *p, const uint64_t *a)
{
    uint64_t ns;
    int64_t ret = read_time(p, a[0], &ns);

    if (ret != 0)
        return ret;
    os_deadline(p, ns);
    return sleep_on(p, a[1]);
}

int64_t
os_sys_clock_nanosleep(struct os_process *p, const uint64_t *a)
{
    uint64_t ns;
    bool absolute = (a[1] & TIMER_ABSTIME) != 0;
    int64_t ret = read_time(p, a[2], &ns);

    if (ret != 0)
        return ret;
    if (!clock_valid((uint32_t)a[0]) || clock_is_cpu((uint32_t)a[0]))
        return -OS_EINVAL;
    if (absolute && ns != OS_NEVER) {
        uint64_t now = clock_now(p, (uint32_t)a[0]);
        ns = ns > now ? ns - now : 0;
    }
    os_deadline(p, ns);
    return sleep_on(p, absolute ? 0 : a[3]);
}

int64_t
os_sys_times(struct os_process *p, const uint64_t *a)
{
    const int64_t tms[4] = {
        (int64_t)(p->instructions / TICK), 0, (int64_t)(p->child_instructions / TICK), 0};

    if (a[0] != 0 && os_copy_out(p, a[0], tms, sizeof tms) != 0)
        return -OS_EFAULT;
    return (int64_t)(os_now(p->os) / TICK);
}

void
os_rusage_of(const struct os_process *p, struct os_rusage *usage)
{
    struct space_counts counts = {0};

    if (p->mm != NULL)
        p->mm->space->ops->counts(p->mm->space, &counts);
    uint64_t pages = counts.resident > p->peak_pages ? counts.resident : p->peak_pages;
    *usage = (struct os_rusage){
        .utime = timeval_of(p->instructions),
        .maxrss = (int64_t)(pages * (PAGE_SIZE / 1024)),
        .minflt = (int64_t)(p->minor + counts.minor),
        .majflt = (int64_t)(p->major + counts.major),
    };
}

int64_t
os_sys_getrusage(struct os_process *p, const uint64_t *a)
{
    struct os_rusage usage = {.utime = timeval_of(p->child_instructions)};

    if ((int32_t)a[0] != RUSAGE_CHILDREN)
        os_rusage_of(p, &usage);
    if ((int32_t)a[0] == RUSAGE_THREAD)
        usage.utime = timeval_of(p->thread->instructions);
    return os_copy_out(p, a[1], &usage, sizeof usage);
}

/* The clock that an interval timer runs on. */
static uint64_t
timer_now(const struct os_process *p, uint64_t which)
{
    return which == 0 ? os_now(p->os) : p->instructions;
}

static struct os_itimerval
timer_value(const struct os_process *p, uint64_t which)
{
    const struct os_itimer *timer = &p->timer[which];
    uint64_t now = timer_now(p, which);
    uint64_t left = timer->next == OS_NEVER ? 0 : timer->next > now ? timer->next - now : 1000;

    /* A timer that is on never shows zero. */
    if (left > 0 && left < 1000)
        left = 1000;
    return (struct os_itimerval){timeval_of(timer->interval), timeval_of(left)};
}

int64_t
os_sys_getitimer(struct os_process *p, const uint64_t *a)
{
    if (a[0] > 2)
        return -OS_EINVAL;
    struct os_itimerval value = timer_value(p, a[0]);
    return os_copy_out(p, a[1], &value, sizeof value);
}

static bool
timeval_ns(const struct os_timeval *tv, uint64_t *ns)
{
    if (tv->sec < 0 || tv->usec < 0 || (uint64_t)tv->usec >= USEC)
        return false;
    uint64_t sec = (uint64_t)tv->sec < UINT64_C(1) << 32 ? (uint64_t)tv->sec : UINT64_C(1) << 32;
    *ns = sec * NSEC + (uint64_t)tv->usec * 1000;
    return true;
}

int64_t
os_sys_setitimer(struct os_process *p, const uint64_t *a)
{
    struct os_itimerval set = {{0, 0}, {0, 0}};
    uint64_t value;
    uint64_t interval;

    if (a[0] > 2)
        return -OS_EINVAL;
    if (a[1] != 0 && os_copy_in(p, a[1], &set, sizeof set) != 0)
        return -OS_EFAULT;
    if (!timeval_ns(&set.value, &value) || !timeval_ns(&set.interval, &interval))
        return -OS_EINVAL;
    struct os_itimerval old = timer_value(p, a[0]);
    p->timer[a[0]] = (struct os_itimer){
        .next = value != 0 ? timer_now(p, a[0]) + value : OS_NEVER, .interval = interval};
    os_timers_changed(p->os);
    return a[2] != 0 ? os_copy_out(p, a[2], &old, sizeof old) : 0;
}
