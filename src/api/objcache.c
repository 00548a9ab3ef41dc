/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory
 * ------
 * A file is known by device, inode, length and time of last change, so that a file that was
 * rewritten is another one: who mapped it before keeps the object he has, who maps it now gets
 * what the file contains now.
 *
 * The cache is weak: it holds no reference.  An object destroys its pager when its last
 * reference goes, so the pager given to it is one of ours, in front of the real one, and its
 * destruction takes the entry out:
 *
 *      object ---> objcache_file.pager ---> inner (the file pager)
 *                        |
 *                   entry in the cache, until destroy
 */
#include "api/objcache.h"

#include "api/sim.h"
#include "base/size.h"

struct objcache_file {
    struct pager pager; /* first: the object knows it by this */
    struct pager *inner;
    struct space_object *object;
    struct objcache *cache;
    struct host_file_identity identity;
    LIST_ENTRY(objcache_file) link;
};

static struct objcache_file *
objcache_of(struct pager *pager)
{
    return (struct objcache_file *)pager;
}

static enum pgw_status
objcache_start_get(struct pager *pager, struct pager_io *io)
{
    struct pager *inner = objcache_of(pager)->inner;

    return inner->ops->start_get(inner, io);
}

static enum pgw_status
objcache_start_put(struct pager *pager, struct pager_io *io)
{
    struct pager *inner = objcache_of(pager)->inner;

    return inner->ops->start_put(inner, io);
}

static unsigned
objcache_drive(struct pager *pager, bool wait)
{
    struct pager *inner = objcache_of(pager)->inner;

    return inner->ops->drive(inner, wait);
}

static bool
objcache_has(struct pager *pager, uint64_t slot)
{
    struct pager *inner = objcache_of(pager)->inner;

    return inner->ops->has(inner, slot);
}

static void
objcache_forget(struct pager *pager, uint64_t slot)
{
    struct pager *inner = objcache_of(pager)->inner;

    inner->ops->forget(inner, slot);
}

static bool
objcache_check(struct pager *pager)
{
    struct pager *inner = objcache_of(pager)->inner;

    return inner->ops->check(inner);
}

static void
objcache_destroy(struct pager *pager)
{
    struct objcache_file *file = objcache_of(pager);
    struct base_alloc *alloc = file->cache->alloc;

    LIST_REMOVE(file, link);
    file->inner->ops->destroy(file->inner);
    alloc->unmap(alloc, file, sizeof *file);
}

static const struct pager_ops objcache_ops = {
    .name = "shared file",
    .start_get = objcache_start_get,
    .start_put = objcache_start_put,
    .drive = objcache_drive,
    .has = objcache_has,
    .forget = objcache_forget,
    .destroy = objcache_destroy,
    .check = objcache_check,
};

void
objcache_init(
    struct objcache *cache, struct pgw_system *system, struct mem *mem, struct base_alloc *alloc)
{
    LIST_INIT(&cache->files);
    cache->system = system;
    cache->mem = mem;
    cache->alloc = alloc;
}

static struct objcache_file *
objcache_find(struct objcache *cache, const struct host_file_identity *want)
{
    struct objcache_file *file;

    LIST_FOREACH (file, &cache->files, link) {
        const struct host_file_identity *id = &file->identity;
        if (id->dev == want->dev && id->ino == want->ino && id->len == want->len &&
            id->changed_s == want->changed_s && id->changed_ns == want->changed_ns)
            return file;
    }
    return NULL;
}

static enum pgw_status
objcache_open(struct objcache *cache, int fd, struct pager **pager)
{
    struct host_file host;
    enum pgw_status status = host_file_adopt(fd, cache->alloc->inject, &host);

    if (status != PGW_OK)
        return status;
    status = registry_file_create(cache->mem, cache->alloc, host, pager);
    if (status != PGW_OK)
        host_file_close(&host);
    return status;
}

static enum pgw_status
objcache_make(struct objcache *cache, int fd, const struct host_file_identity *identity,
    struct space_object **object)
{
    uint64_t npages = page_ceil(identity->len) >> PAGE_SHIFT;
    struct objcache_file *file = cache->alloc->map(cache->alloc, sizeof *file);

    if (file == NULL)
        return PGW_NOMEM;
    enum pgw_status status = objcache_open(cache, fd, &file->inner);
    if (status != PGW_OK) {
        cache->alloc->unmap(cache->alloc, file, sizeof *file);
        return status;
    }
    file->pager.ops = &objcache_ops;
    file->pager.mem = cache->mem;
    file->cache = cache;
    file->identity = *identity;
    LIST_INSERT_HEAD(&cache->files, file, link);
    status =
        cache->system->core_ops->object_create(cache->system, &file->pager, npages, &file->object);
    if (status == PGW_OK)
        *object = file->object;
    else
        objcache_destroy(&file->pager);
    return status;
}

enum pgw_status
objcache_get(struct objcache *cache, int fd, struct space_object **object)
{
    struct host_file_identity identity;

    enum pgw_status status = host_file_identify(fd, &identity);
    if (status != PGW_OK)
        return status;
    struct objcache_file *file = objcache_find(cache, &identity);
    if (file == NULL)
        return objcache_make(cache, fd, &identity, object);
    file->object->ops->hold(file->object);
    *object = file->object;
    return PGW_OK;
}
