/* SPDX-License-Identifier: BSD-2-Clause */
/* System V shared memory segments (sys_shm.c). */
#ifndef OS_SHM_H
#define OS_SHM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "vm/space.h"

struct os;

#define OS_SHM_MAX 4096u /* Linux's SHMMNI */

struct os_shm {
    LIST_ENTRY(os_shm) link; /* os.shm */
    struct space_object *object;
    int32_t key, id;
    uint64_t size; /* bytes, as asked for */
    uint32_t mode;
    bool removed; /* it has no key any more, and goes with the last who has it */
    int32_t creator, last;
    int64_t attached_at, detached_at, changed; /* seconds of the calendar */
};

LIST_HEAD(os_shm_list, os_shm);

/* Ends removed segments that nobody has any more: somebody may have let go of one. */
void os_shm_reap(struct os *os);
/* Ends all of them; nobody has one. */
void os_shm_fini(struct os *os);

#endif
