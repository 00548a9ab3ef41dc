/* SPDX-License-Identifier: BSD-2-Clause */
/* ppoll and pselect6: over pipes of our own and descriptors of the host's at once. */
#include <string.h>

#include "os/machine.h"
#include "os/pipe.h"
#include "os/sched.h"
#include "os/syscall.h"
#include "os/uaccess.h"

#define NSEC INT64_C(1000000000)
#define FD_WORDS (OS_FILES_MAX / 64)
#define READ_EVENTS (OS_POLLIN | OS_POLLRDNORM | OS_POLLHUP | OS_POLLERR)
#define WRITE_EVENTS (OS_POLLOUT | OS_POLLWRNORM | OS_POLLERR)

/* What holds now of the wanted events (errors always), and says so if fd is to be waited for. */
static int16_t
events_now(struct os_process *p, int32_t fd, int16_t wanted)
{
    const struct os_file *file = os_fd_file(p, (uint64_t)(uint32_t)fd);
    int16_t mask = (int16_t)(wanted | OS_POLLERR | OS_POLLHUP);

    if (file == NULL)
        return OS_POLLNVAL;
    if (file->kind == OS_FILE_MEMORY)
        return (OS_POLLIN | OS_POLLRDNORM | OS_POLLOUT | OS_POLLWRNORM) & mask;
    if (file->kind != OS_FILE_HOST)
        return os_pipe_events(file->pipe, file->kind == OS_FILE_PIPE_WRITE) & mask;
    struct host_io_poll poll = {file->host_fd, wanted, 0};
    if (host_io_poll(&poll, 1, 0) <= 0) {
        os_wait_host(p, file->host_fd, wanted);
        return 0;
    }
    return poll.revents & mask;
}

/* The timeout at va (0: none) becomes the call's deadline. */
static int64_t
set_timeout(struct os_process *p, uint64_t va)
{
    struct os_timespec ts;

    if (va == 0 || p->thread->timed_out_set)
        return 0;
    if (os_copy_in(p, va, &ts, sizeof ts) != 0)
        return -OS_EFAULT;
    if (ts.sec < 0 || ts.nsec < 0 || ts.nsec >= NSEC)
        return -OS_EINVAL;
    os_deadline(p, ts.sec > INT64_MAX / NSEC - 1 ? OS_NEVER : (uint64_t)(ts.sec * NSEC + ts.nsec));
    return 0;
}

/* The signal mask that holds while the call waits, as rt_sigsuspend's. */
static int64_t
swap_mask(struct os_process *p, uint64_t va)
{
    uint64_t mask;

    if (va == 0 || p->thread->signals.suspended)
        return 0;
    if (os_copy_in(p, va, &mask, sizeof mask) != 0)
        return -OS_EFAULT;
    p->thread->signals.suspended = true;
    p->thread->signals.suspended_mask = p->thread->signals.blocked;
    p->thread->signals.blocked = mask & ~(OS_SIGBIT(OS_SIGKILL) | OS_SIGBIT(OS_SIGSTOP));
    return 0;
}

/* The call is over: the old mask again.  A signal that ends the call goes to its handler first,
 * which puts the old mask back itself. */
static int64_t
end_call(struct os_process *p, int64_t ret)
{
    if (p->thread->signals.suspended && ret != OS_BLOCKED && ret != OS_NOHAND) {
        p->thread->signals.blocked = p->thread->signals.suspended_mask;
        p->thread->signals.suspended = false;
    }
    return ret;
}

/* Nothing holds: time is up, or wait. */
static int64_t
wait_or_end(struct os_process *p)
{
    if (os_deadline_passed(p))
        return 0;
    return os_block_nohand(p, &p->os->poll_channel);
}

static int64_t
poll_fds(struct os_process *p, uint64_t va, uint64_t n)
{
    int64_t ready = 0;

    for (uint64_t i = 0; i < n; i++) {
        struct os_pollfd pfd;
        uint64_t at = va + i * sizeof pfd;

        if (os_copy_in(p, at, &pfd, sizeof pfd) != 0)
            return -OS_EFAULT;
        pfd.revents = pfd.fd < 0 ? 0 : events_now(p, pfd.fd, pfd.events);
        ready += pfd.revents != 0;
        if (os_copy_out(p, at, &pfd, sizeof pfd) != 0)
            return -OS_EFAULT;
    }
    return ready;
}

int64_t
os_sys_ppoll(struct os_process *p, const uint64_t *a)
{
    int64_t ret;

    if (a[1] > OS_FILES_MAX)
        return -OS_EINVAL;
    ret = set_timeout(p, a[2]);
    if (ret == 0)
        ret = swap_mask(p, a[3]);
    if (ret == 0)
        ret = poll_fds(p, a[0], a[1]);
    if (ret == 0)
        ret = wait_or_end(p);
    return end_call(p, ret);
}

/* The three sets of a select: asked for, and found. */
struct fd_sets {
    uint64_t in[3][FD_WORDS];
    uint64_t out[3][FD_WORDS];
};

static int64_t
sets_read(struct os_process *p, const uint64_t *a, struct fd_sets *sets)
{
    size_t len = (size_t)(a[0] + 63) / 64 * 8;

    memset(sets, 0, sizeof *sets);
    for (int i = 0; i < 3; i++)
        if (a[1 + i] != 0 && os_copy_in(p, a[1 + i], sets->in[i], len) != 0)
            return -OS_EFAULT;
    return 0;
}

static int64_t
sets_write(struct os_process *p, const uint64_t *a, const struct fd_sets *sets)
{
    size_t len = (size_t)(a[0] + 63) / 64 * 8;

    for (int i = 0; i < 3; i++)
        if (a[1 + i] != 0 && os_copy_out(p, a[1 + i], sets->out[i], len) != 0)
            return -OS_EFAULT;
    return 0;
}

/* One descriptor of a select: how many of its bits are set; -EBADF. */
static int64_t
select_one(struct os_process *p, unsigned fd, struct fd_sets *sets)
{
    uint64_t bit = (uint64_t)1 << fd % 64;
    bool in = (sets->in[0][fd / 64] & bit) != 0;
    bool out = (sets->in[1][fd / 64] & bit) != 0;

    if (!in && !out)
        return 0;
    int events =
        events_now(p, (int32_t)fd, (int16_t)((in ? OS_POLLIN : 0) | (out ? OS_POLLOUT : 0)));
    if ((events & OS_POLLNVAL) != 0)
        return -OS_EBADF;
    in = in && (events & READ_EVENTS) != 0;
    out = out && (events & WRITE_EVENTS) != 0;
    sets->out[0][fd / 64] |= in ? bit : 0;
    sets->out[1][fd / 64] |= out ? bit : 0;
    return in + out;
}

static int64_t
select_fds(struct os_process *p, const uint64_t *a)
{
    struct fd_sets sets;
    int64_t ready = 0;
    int64_t ret = sets_read(p, a, &sets);

    for (unsigned fd = 0; ret == 0 && fd < a[0]; fd++) {
        int64_t n = select_one(p, fd, &sets);

        if (n < 0)
            ret = n;
        ready += n;
    }
    if (ret == 0 && (ready > 0 || os_deadline_passed(p)))
        ret = sets_write(p, a, &sets);
    return ret < 0 ? ret : ready;
}

int64_t
os_sys_pselect6(struct os_process *p, const uint64_t *a)
{
    uint64_t mask_arg[2] = {0, 0};
    int64_t ret;

    if (a[0] > OS_FILES_MAX)
        return -OS_EINVAL;
    ret = set_timeout(p, a[4]);
    if (ret == 0 && a[5] != 0)
        ret = os_copy_in(p, a[5], mask_arg, sizeof mask_arg);
    if (ret == 0)
        ret = swap_mask(p, mask_arg[0]);
    if (ret == 0)
        ret = select_fds(p, a);
    if (ret == 0)
        ret = wait_or_end(p);
    return end_call(p, ret);
}
