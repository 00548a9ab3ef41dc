/* SPDX-License-Identifier: BSD-2-Clause */
/* Error numbers as the guest sees them (Linux's asm-generic/errno.h), and ours turned into them. */
#ifndef OS_ERRNO_H
#define OS_ERRNO_H

#include <stdint.h>

#include "base/result.h"

enum os_errno {
    OS_EPERM = 1,
    OS_ENOENT = 2,
    OS_ESRCH = 3,
    OS_EINTR = 4,
    OS_EIO = 5,
    OS_ENXIO = 6,
    OS_E2BIG = 7,
    OS_ENOEXEC = 8,
    OS_EBADF = 9,
    OS_ECHILD = 10,
    OS_EAGAIN = 11,
    OS_ENOMEM = 12,
    OS_EACCES = 13,
    OS_EFAULT = 14,
    OS_EEXIST = 17,
    OS_ENODEV = 19,
    OS_ENOTDIR = 20,
    OS_EISDIR = 21,
    OS_EINVAL = 22,
    OS_ENFILE = 23,
    OS_EMFILE = 24,
    OS_ENOTTY = 25,
    OS_ETXTBSY = 26,
    OS_ESPIPE = 29,
    OS_EPIPE = 32,
    OS_ERANGE = 34,
    OS_EDEADLK = 35,
    OS_ENAMETOOLONG = 36,
    OS_ENOLCK = 37,
    OS_ENOSYS = 38,
    OS_ELOOP = 40,
    OS_ENOTEMPTY = 39,
    OS_ENOTSOCK = 88,
    OS_EOPNOTSUPP = 95,
    OS_ETIMEDOUT = 110,
    OS_EBUSY = 16,
    OS_EFBIG = 27,
    OS_ENOSPC = 28,
    OS_EOVERFLOW = 75
};

/* The guest's error number for one of ours, negative as a system call returns it; 0 for PGW_OK. */
static inline int64_t
os_error(enum pgw_status status)
{
    static const unsigned char numbers[PGW_STATUS_COUNT] = {
        [PGW_OK] = 0,
        [PGW_NOMEM] = OS_ENOMEM,
        [PGW_NORAM] = OS_ENOMEM,
        [PGW_NOSWAP] = OS_ENOMEM,
        [PGW_IO] = OS_EIO,
        [PGW_CORRUPT] = OS_EIO,
        [PGW_INVAL] = OS_EINVAL,
        [PGW_RANGE] = OS_ENOMEM,
        [PGW_EXIST] = OS_EEXIST,
        [PGW_NOTFOUND] = OS_ENOENT,
        [PGW_ACCESS] = OS_EACCES,
        [PGW_NOSPACE] = OS_ENOMEM,
        [PGW_UNSUPPORTED] = OS_ENODEV,
        [PGW_AGAIN] = OS_EAGAIN,
        [PGW_NOEXEC] = OS_ENOEXEC,
        [PGW_NOCOMMIT] = OS_ENOMEM,
        [PGW_BUSY] = OS_ETXTBSY,
    };

    return -(int64_t)numbers[status];
}

#endif
