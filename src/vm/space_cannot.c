/* SPDX-License-Identifier: BSD-2-Clause */
/* Services that a memory manager may leave out. */
#include "vm/space.h"

enum pgw_status
space_cannot_advise(struct space *space, uint64_t va, uint64_t len, enum space_advice advice)
{
    (void)space;
    (void)va;
    (void)len;
    (void)advice;
    return PGW_UNSUPPORTED;
}

enum pgw_status
space_cannot_lock(struct space *space, uint64_t va, uint64_t len, enum space_lock how)
{
    (void)space;
    (void)va;
    (void)len;
    (void)how;
    return PGW_UNSUPPORTED;
}

enum pgw_status
space_cannot_populate(struct space *space, uint64_t va, uint64_t len, bool write)
{
    (void)space;
    (void)va;
    (void)len;
    (void)write;
    return PGW_UNSUPPORTED;
}

enum pgw_status
space_cannot_incore(struct space *space, uint64_t va, uint64_t npages, unsigned char *vec)
{
    (void)space;
    (void)va;
    (void)npages;
    (void)vec;
    return PGW_UNSUPPORTED;
}

enum pgw_status
space_cannot_sync(struct space *space, uint64_t va, uint64_t len)
{
    (void)space;
    (void)va;
    (void)len;
    return PGW_UNSUPPORTED;
}
