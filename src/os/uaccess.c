/* SPDX-License-Identifier: BSD-2-Clause */
#include "os/uaccess.h"

#include <string.h>

#include "base/size.h"
#include "os/errno.h"
#include "os/machine.h"
#include "os/oom.h"

/* What a failed copy comes to: true to try again, false for -EFAULT. */
static bool
copy_again(struct os_process *p, enum space_fault fault)
{
    if (fault == SPACE_FAULT_NOMEM || fault == SPACE_FAULT_LIMIT)
        return os_memory_full(p, fault);
    if (fault == SPACE_FAULT_THRASH)
        os_memory_thrash(p);
    if (fault == SPACE_FAULT_IO)
        p->os->config.message(p->os->config.ctx,
            "a page could not be read back (device error or wrong checksum): the system call that "
            "needed it fails with EFAULT");
    return false;
}

size_t
os_copy_in_some(struct os_process *p, uint64_t va, void *buf, size_t len)
{
    size_t at = 0;
    size_t done = 0;
    enum space_fault fault;

    while ((fault = space_read(p->mm->space, va + at, (char *)buf + at, len - at, &done)) !=
           SPACE_FAULT_OK) {
        at += done;
        if (!copy_again(p, fault))
            return at;
    }
    return len;
}

int64_t
os_copy_in(struct os_process *p, uint64_t va, void *buf, size_t len)
{
    return os_copy_in_some(p, va, buf, len) == len ? 0 : -OS_EFAULT;
}

int64_t
os_copy_out(struct os_process *p, uint64_t va, const void *buf, size_t len)
{
    size_t at = 0;
    size_t done = 0;
    enum space_fault fault;

    while ((fault = space_write(p->mm->space, va + at, (const char *)buf + at, len - at, &done)) !=
           SPACE_FAULT_OK) {
        at += done;
        if (!copy_again(p, fault))
            return -OS_EFAULT;
    }
    return 0;
}

size_t
os_copy_room(struct os_process *p, uint64_t va, size_t len)
{
    struct space *space = p->mm->space;

    if (len > UINT64_MAX - va)
        return 0;
    for (uint64_t at = page_floor(va); at < va + len; at += PAGE_SIZE) {
        unsigned char *bytes;
        enum space_fault fault;

        while ((fault = space->ops->resolve(space, at, ACCESS_WRITE, &bytes)) != SPACE_FAULT_OK)
            if (!copy_again(p, fault))
                return at > va ? (size_t)(at - va) : 0;
    }
    return len;
}

int64_t
os_copy_probe(struct os_process *p, uint64_t va, size_t len)
{
    return os_copy_room(p, va, len) == len ? 0 : -OS_EFAULT;
}

int64_t
os_copy_string(struct os_process *p, uint64_t va, char *buf, size_t max, size_t *len)
{
    /* Page by page, because the string may end just before an unmapped page. */
    for (size_t at = 0; at < max;) {
        size_t piece = PAGE_SIZE - ((va + at) & (PAGE_SIZE - 1));

        if (piece > max - at)
            piece = max - at;
        int64_t ret = os_copy_in(p, va + at, buf + at, piece);
        if (ret != 0)
            return ret;
        *len = at + strnlen(buf + at, piece);
        if (*len < at + piece)
            return 0;
        at += piece;
    }
    return -OS_ENAMETOOLONG;
}

int64_t
os_copy_path(struct os_process *p, uint64_t va, char *path)
{
    size_t len;

    path[0] = '\0';
    return os_copy_string(p, va, path, OS_PATH_MAX, &len);
}
