/* SPDX-License-Identifier: BSD-2-Clause */
/* What the system calls about memory share. */
#ifndef OS_MEMCALL_H
#define OS_MEMCALL_H

#include "base/size.h"
#include "os/machine.h"
#include "os/process.h"

static inline bool
os_mem_aligned(uint64_t va)
{
    return (va & (PAGE_SIZE - 1)) == 0;
}

/* Does [va, va + len) lie in user space? */
static inline bool
os_mem_in_space(const struct os_process *p, uint64_t va, uint64_t len)
{
    uint64_t end = p->os->config.space_end;

    return va < end && len <= end - va;
}

/* May the process have len bytes more of addresses (RLIMIT_AS)? */
bool os_mem_has_room(const struct os_process *p, uint64_t len);

/* May it lock len bytes more (RLIMIT_MEMLOCK, from which root is exempt)? */
bool os_mem_may_lock(const struct os_process *p, uint64_t len);

/* Flags of map for what mlockall said of mappings to come. */
unsigned os_mem_lock_flags(const struct os_mm *mm);

/* Faults [va, va + len) in, each region for what it will be used for; stops at the first that
 * cannot be. */
MUST_CHECK enum pgw_status os_mem_populate(struct os_process *p, uint64_t va, uint64_t len);

/* A mapping was made at va: brings it in, if the program asked for that (now, or with mlockall).
 * Whatever goes wrong is told by the first access. */
void os_mem_mapped(struct os_process *p, uint64_t va, uint64_t len, bool populate);

#endif
