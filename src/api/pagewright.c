/* SPDX-License-Identifier: BSD-2-Clause */
/* The public interface to spaces: checks what comes from outside, and says what went wrong. */
#include <pagewright/pagewright.h>

#include <stdlib.h>
#include <string.h>

#include "api/sim.h"
#include "base/size.h"
#include "pager/pagers.h"

/* A resolved fault lets the access through, unless something else took the page in between,
 * which on one processor nothing does.  Reaching this many tries is a fault of the system. */
#define PAGEWRIGHT_TRIES 64

static const char *
pagewright_use(enum space_use use)
{
    switch (use) {
    case SPACE_USE_FILE:
        return "file";
    case SPACE_USE_HEAP:
        return "heap";
    case SPACE_USE_STACK:
        return "stack";
    case SPACE_USE_SHM:
        return "shm";
    case SPACE_USE_ANON:
        break;
    }
    return "anon";
}

const char *
pgw_version(void)
{
    return PAGEWRIGHT_VERSION;
}

enum pgw_status
pgw_size_parse(const char *text, uint64_t *bytes)
{
    return base_size_parse(text, PAGE_SIZE, bytes);
}

const char *
pgw_error_text(const struct pgw_system *system)
{
    return system != NULL ? system->error : "";
}

const char *
pgw_mmu_name(unsigned i)
{
    const struct registry_mmu *mmu = registry_mmu_at(i);

    return mmu != NULL ? mmu->name : NULL;
}

const char *
pgw_mmu_summary(unsigned i)
{
    const struct registry_mmu *mmu = registry_mmu_at(i);

    return mmu != NULL ? mmu->summary : NULL;
}

const char *
pgw_policy_name(unsigned i)
{
    const struct policy_ops *policy = registry_policy_at(i);

    return policy != NULL ? policy->name : NULL;
}

const char *
pgw_policy_summary(unsigned i)
{
    const struct policy_ops *policy = registry_policy_at(i);

    return policy != NULL ? policy->summary : NULL;
}

bool
pgw_policy_param(unsigned i, unsigned j, struct pgw_policy_param *param)
{
    const struct policy_ops *policy = registry_policy_at(i);
    const struct policy_param *row = policy != NULL ? policy->params : NULL;

    if (row == NULL || param->size < sizeof *param)
        return false;
    for (; j > 0 && row->name != NULL; j--)
        row++;
    if (row->name == NULL)
        return false;
    param->name = row->name;
    param->summary = row->summary;
    param->least = row->least;
    param->most = row->most;
    param->usual = row->usual;
    return true;
}

const char *
pgw_pager_name(unsigned i)
{
    const struct registry_pager *pager = registry_pager_at(i);

    return pager != NULL ? pager->name : NULL;
}

const char *
pgw_pager_summary(unsigned i)
{
    const struct registry_pager *pager = registry_pager_at(i);

    return pager != NULL ? pager->summary : NULL;
}

/* The common end of calls that fail with no more to say than what was tried. */
static enum pgw_status
pagewright_done(struct pgw_system *system, enum pgw_status status, const char *what)
{
    if (status == PGW_OK)
        return PGW_OK;
    return sim_fail(system, status, "cannot %s: %s", what, pgw_status_text(status));
}

enum pgw_status
sim_space_done(struct pgw_system *system, enum pgw_status status, const char *what)
{
    const char *why = system->core_ops->why(system);

    if (status == PGW_OK)
        return PGW_OK;
    return sim_fail(system, status, "cannot %s: %s%s%s", what, pgw_status_text(status),
        why[0] != '\0' ? ": " : "", why);
}

static struct pgw_space *
pagewright_new(struct pgw_system *system)
{
    struct pgw_space *space =
        base_inject_fails(system->inject, INJECT_MAP) ? NULL : calloc(1, sizeof *space);

    if (space != NULL)
        space->system = system;
    return space;
}

enum pgw_status
pgw_space_create(struct pgw_system *system, struct pgw_space **space)
{
    struct pgw_space *made = pagewright_new(system);
    enum pgw_status status =
        made != NULL ? system->core_ops->space_create(system, &made->space) : PGW_NOMEM;

    if (status != PGW_OK) {
        free(made);
        return pagewright_done(system, status, "make a space");
    }
    LIST_INSERT_HEAD(&system->spaces, made, link);
    *space = made;
    return PGW_OK;
}

enum pgw_status
pgw_fork(struct pgw_space *space, struct pgw_space **child)
{
    struct pgw_space *made = pagewright_new(space->system);

    if (made == NULL)
        return pagewright_done(space->system, PGW_NOMEM, "fork the space");
    enum pgw_status status = space->space->ops->fork(space->space, &made->space);
    if (status != PGW_OK) {
        free(made);
        return sim_space_done(space->system, status, "fork the space");
    }
    LIST_INSERT_HEAD(&space->system->spaces, made, link);
    *child = made;
    return PGW_OK;
}

void
pgw_space_destroy(struct pgw_space *space)
{
    if (space == NULL)
        return;
    if (space->system->active == space)
        sim_activate(space->system, NULL);
    LIST_REMOVE(space, link);
    space->space->ops->destroy(space->space);
    free(space);
}

uint64_t
pgw_space_end(const struct pgw_space *space)
{
    return space->system->va_end;
}

static bool
pagewright_prot_valid(unsigned prot)
{
    return (prot & ~(PGW_READ | PGW_WRITE | PGW_EXEC)) == 0;
}

static enum pgw_status
pagewright_check_map(
    struct pgw_system *system, uint64_t va, uint64_t len, unsigned prot, unsigned flags)
{
    if (len == 0)
        return sim_fail(system, PGW_INVAL, "cannot map 0 bytes");
    if (va != page_floor(va))
        return sim_fail(system, PGW_INVAL, "cannot map at 0x%llx: not the start of a page",
            (unsigned long long)va);
    if (!pagewright_prot_valid(prot))
        return sim_fail(system, PGW_INVAL, "there are no rights 0x%x", prot);
    if ((flags & ~(PGW_FIXED | PGW_NOREPLACE | PGW_SHARED)) != 0)
        return sim_fail(system, PGW_INVAL, "there are no flags 0x%x", flags);
    return PGW_OK;
}

static unsigned
pagewright_flags(unsigned flags)
{
    return (flags & PGW_FIXED ? SPACE_FIXED : 0) | (flags & PGW_NOREPLACE ? SPACE_NOREPLACE : 0) |
           (flags & PGW_SHARED ? SPACE_SHARED : 0);
}

enum pgw_status
pgw_map(struct pgw_space *space, uint64_t len, unsigned prot, unsigned flags, uint64_t *va)
{
    const struct space_map_args args = {
        .va = *va, .len = len, .prot = prot, .flags = pagewright_flags(flags)};
    enum pgw_status status = pagewright_check_map(space->system, *va, len, prot, flags);

    if (status != PGW_OK)
        return status;
    status = space->space->ops->map(space->space, &args, va);
    return sim_space_done(space->system, status, "map memory");
}

enum pgw_status
pgw_map_file(struct pgw_space *space, int fd, uint64_t offset, uint64_t len, unsigned prot,
    unsigned flags, uint64_t *va)
{
    struct space_map_args args = {.va = *va,
        .len = len,
        .prot = prot,
        .offset = offset,
        .flags = pagewright_flags(flags),
        .use = SPACE_USE_FILE};
    enum pgw_status status = pagewright_check_map(space->system, *va, len, prot, flags);

    if (status != PGW_OK)
        return status;
    if (offset != page_floor(offset))
        return sim_fail(space->system, PGW_INVAL, "cannot map a file from %llu: not a page's start",
            (unsigned long long)offset);
    status = objcache_get(&space->system->files, fd, (flags & PGW_SHARED) != 0, &args.object);
    if (status != PGW_OK)
        return pagewright_done(space->system, status, "map the file");
    status = space->space->ops->map(space->space, &args, va);
    args.object->ops->release(args.object);
    return sim_space_done(space->system, status, "map the file");
}

enum pgw_status
sim_check_range(struct pgw_space *space, uint64_t va, uint64_t len)
{
    uint64_t end = space->system->va_end;

    if (len == 0 || va != page_floor(va))
        return sim_fail(space->system, PGW_INVAL,
            "the range 0x%llx, %llu bytes long, is empty or does not start at a page",
            (unsigned long long)va, (unsigned long long)len);
    if (va >= end || len > end - va)
        return sim_fail(space->system, PGW_RANGE,
            "the range 0x%llx, %llu bytes long, is outside the space, which ends at 0x%llx",
            (unsigned long long)va, (unsigned long long)len, (unsigned long long)end);
    return PGW_OK;
}

/* Is there no hole in the range? */
static bool
pagewright_is_whole(struct pgw_space *space, uint64_t va, uint64_t end)
{
    struct space_region region;

    for (; va < end; va = region.end)
        if (!space->space->ops->find(space->space, va, &region) || region.start > va)
            return false;
    return true;
}

enum pgw_status
pgw_sync(struct pgw_space *space, uint64_t va, uint64_t len)
{
    enum pgw_status status = sim_check_range(space, va, len);

    if (status != PGW_OK)
        return status;
    status = space->space->ops->sync(space->space, va, page_ceil(len));
    if (status == PGW_UNSUPPORTED) /* no mapping writes to its file, so nothing is to be written */
        status = pagewright_is_whole(space, va, va + page_ceil(len)) ? PGW_OK : PGW_NOTFOUND;
    return sim_space_done(space->system, status, "write to the file");
}

enum pgw_status
pgw_unmap(struct pgw_space *space, uint64_t va, uint64_t len)
{
    enum pgw_status status = sim_check_range(space, va, len);

    if (status != PGW_OK)
        return status;
    status = space->space->ops->unmap(space->space, va, page_ceil(len));
    return sim_space_done(space->system, status, "unmap");
}

enum pgw_status
pgw_protect(struct pgw_space *space, uint64_t va, uint64_t len, unsigned prot)
{
    enum pgw_status status = sim_check_range(space, va, len);

    if (status != PGW_OK)
        return status;
    if (!pagewright_prot_valid(prot))
        return sim_fail(space->system, PGW_INVAL, "there are no rights 0x%x", prot);
    status = space->space->ops->protect(space->space, va, page_ceil(len), prot);
    return sim_space_done(space->system, status, "change rights");
}

enum pgw_status
pgw_remap(struct pgw_space *space, uint64_t old_len, uint64_t new_len, bool may_move, uint64_t *va)
{
    enum pgw_status status = sim_check_range(space, *va, old_len);

    if (status != PGW_OK)
        return status;
    if (new_len == 0)
        return sim_fail(space->system, PGW_INVAL, "cannot resize a mapping to 0 bytes");
    if (new_len > space->system->va_end)
        return sim_fail(space->system, PGW_RANGE, "cannot resize a mapping beyond the space");
    status = space->space->ops->remap(
        space->space, *va, page_ceil(old_len), page_ceil(new_len), may_move, false, va);
    return sim_space_done(space->system, status, "resize the mapping");
}

enum pgw_status
pgw_share(
    struct pgw_space *space, struct pgw_space *from, uint64_t from_va, unsigned prot, uint64_t *va)
{
    struct pgw_system *system = space->system;

    if (from->system != system)
        return sim_fail(system, PGW_INVAL, "the two spaces are of different systems");
    if (!pagewright_prot_valid(prot))
        return sim_fail(system, PGW_INVAL, "there are no rights 0x%x", prot);
    enum pgw_status status = space->space->ops->share(space->space, from->space, from_va, prot, va);
    if (status == PGW_NOTFOUND)
        return sim_fail(system, status, "no region starts at 0x%llx", (unsigned long long)from_va);
    return sim_space_done(system, status, "share the region");
}

static enum pgw_status
pagewright_fault(struct pgw_space *space, uint64_t va, enum space_fault fault)
{
    struct pgw_system *system = space->system;
    unsigned long long at = va;

    switch (fault) {
    case SPACE_FAULT_OK:
        return PGW_OK;
    case SPACE_FAULT_MAPERR:
        return sim_fail(system, PGW_NOTFOUND, "nothing is mapped at 0x%llx", at);
    case SPACE_FAULT_ACCERR:
        return sim_fail(system, PGW_ACCESS, "the rights at 0x%llx do not allow it", at);
    case SPACE_FAULT_BUS:
        return sim_fail(
            system, PGW_RANGE, "0x%llx lies past the end of the file or memory mapped there", at);
    case SPACE_FAULT_IO:
        return sim_fail(system, PGW_IO, "the page at 0x%llx could not be read back", at);
    case SPACE_FAULT_NOMEM:
    case SPACE_FAULT_LIMIT:
    case SPACE_FAULT_THRASH:
        break;
    }
    const char *why = system->core_ops->why(system);
    return sim_fail(system, PGW_NORAM, "no frame for the page at 0x%llx: %s", at,
        why[0] != '\0' ? why : "RAM and swap are full");
}

enum pgw_status
sim_access(struct pgw_space *space, uint64_t va, enum access access, unsigned char **page)
{
    struct pgw_system *system = space->system;
    struct mmu_translation translation;

    sim_activate(system, space);
    for (unsigned i = 0; i < PAGEWRIGHT_TRIES; i++) {
        system->accesses++;
        if (system->mmu->ops->translate(system->mmu, va, access, &translation) == MMU_OK) {
            *page = translation.bytes;
            return PGW_OK;
        }
        enum space_fault fault = space->space->ops->fault(space->space, va, access);
        if (fault != SPACE_FAULT_OK)
            return pagewright_fault(space, va, fault);
    }
    return sim_fail(system, PGW_NORAM,
        "the page at 0x%llx does not stay in RAM long enough to be used: give the system more RAM",
        (unsigned long long)va);
}

/* Calls move for the part of buf that lies in each page. */
static enum pgw_status
pagewright_copy(
    struct pgw_space *space, uint64_t va, unsigned char *buf, size_t len, enum access access)
{
    if (va + len < va)
        return sim_fail(space->system, PGW_RANGE, "0x%llx and %zu bytes more wrap around",
            (unsigned long long)va, len);
    while (len > 0) {
        size_t at = (size_t)(va - page_floor(va));
        size_t n = PAGE_SIZE - at < len ? PAGE_SIZE - at : len;
        unsigned char *page;
        enum pgw_status status = sim_access(space, va, access, &page);
        if (status != PGW_OK)
            return status;
        if (access == ACCESS_WRITE)
            memcpy(page + at, buf, n);
        else
            memcpy(buf, page + at, n);
        va += n;
        buf += n;
        len -= n;
    }
    return PGW_OK;
}

enum pgw_status
pgw_read(struct pgw_space *space, uint64_t va, void *buf, size_t len)
{
    return pagewright_copy(space, va, buf, len, ACCESS_READ);
}

enum pgw_status
pgw_write(struct pgw_space *space, uint64_t va, const void *buf, size_t len)
{
    return pagewright_copy(space, va, (unsigned char *)(uintptr_t)buf, len, ACCESS_WRITE);
}

enum pgw_status
pgw_resolve(struct pgw_space *space, uint64_t va, unsigned right, void **bytes, size_t *len)
{
    size_t at = (size_t)(va - page_floor(va));
    unsigned char *page;
    enum access access;

    if (right == PGW_READ)
        access = ACCESS_READ;
    else if (right == PGW_WRITE)
        access = ACCESS_WRITE;
    else if (right == PGW_EXEC)
        access = ACCESS_EXEC;
    else
        return sim_fail(space->system, PGW_INVAL, "0x%x is not one right", right);
    enum pgw_status status = sim_access(space, va, access, &page);
    if (status != PGW_OK)
        return status;
    *bytes = page + at;
    *len = PAGE_SIZE - at;
    return PGW_OK;
}

enum pgw_status
pgw_evict(struct pgw_space *space, uint64_t va)
{
    enum pgw_status status = space->space->ops->evict(space->space, va);

    if (status == PGW_AGAIN)
        return sim_fail(space->system, status,
            "cannot evict the page at 0x%llx: it is locked in RAM", (unsigned long long)va);
    return sim_space_done(space->system, status, "evict the page");
}

enum pgw_status
pgw_region_at(struct pgw_space *space, uint64_t va, struct pgw_region *region)
{
    struct space_region found;

    if (!space->space->ops->find(space->space, va, &found))
        return sim_fail(
            space->system, PGW_NOTFOUND, "no region at or above 0x%llx", (unsigned long long)va);
    *region = (struct pgw_region){
        .start = found.start,
        .end = found.end,
        .prot = found.prot,
        .use = pagewright_use(found.use),
        .offset = found.offset,
        .state = found.shared      ? "shared"
                 : found.committed ? "committed"
                                   : "reserved",
        .locked = found.locked,
    };
    return PGW_OK;
}

void
pgw_space_counts(struct pgw_space *space, struct pgw_space_counts *counts)
{
    struct space_counts c;

    space->space->ops->counts(space->space, &c);
    *counts = (struct pgw_space_counts){
        .mapped = c.mapped,
        .resident = c.resident,
        .swapped = c.swapped,
        .tables = c.tables,
        .minor = c.minor,
        .major = c.major,
        .zero_fill = c.zero_fill,
        .cow = c.cow,
    };
}

bool
pgw_system_check(struct pgw_system *system)
{
    struct pgw_space *space;

    LIST_FOREACH (space, &system->spaces, link) {
        if (!space->space->ops->check(space->space))
            return false;
    }
    struct tmem *tmem = system->swap != NULL ? pager_zpool_tmem(system->swap) : NULL;
    return (tmem == NULL || tmem->ops->check(tmem)) && mem_check(&system->mem) &&
           system->core_ops->check(system);
}
