/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory
 * ------
 * A file is known by device and inode: all who map it or read it go by one object, which is the
 * cache of its pages.  An object destroys its pager when its last reference goes, so the
 * pager given to it is one of ours, in front of the real one, and its destruction takes the entry
 * out:
 *
 *      object ---> objcache_file.pager ---> inner (the file pager)
 *                        |
 *                   entry in the cache, until destroy
 *
 * The files used last are kept: the cache holds a reference to them, so that their pages
 * stay when nobody has them open.  OBJCACHE_KEPT of them, because each costs a descriptor, and
 * none that has lost its name.
 *
 * Length and time of last change say whether the file is still as we left it.  What we write
 * ourselves is noted (objcache_wrote, and each write-back); if the host then says something else,
 * others have changed the file, and clean pages are dropped.  Two changes of one length within one
 * tick of the host's clock (some milliseconds) look alike: who changes a file under a running
 * machine should not count on less.
 *
 * Files that have no blocks (of /proc and /sys above all) do not keep what their length promises.
 * They can be mapped, as far as the host allows, but they are read past the cache.
 */
#include "api/objcache.h"

#include "api/sim.h"
#include "base/size.h"

struct objcache_file {
    struct pager pager; /* first: the object knows it by this */
    struct pager *inner;
    struct space_object *object;
    struct objcache *cache;
    struct host_file_identity identity; /* as we left it */
    bool writable;                      /* inner may write */
    bool kept;                          /* one reference is the cache's */
    bool known; /* in the cache's list: it is what the file's name leads to */
    TAILQ_ENTRY(objcache_file) link;
};

#define OBJCACHE_KEPT 32u

static struct objcache_file *
objcache_of(struct pager *pager)
{
    return (struct objcache_file *)pager;
}

static enum pgw_status
objcache_start_get(struct pager *pager, struct pager_io *io)
{
    struct pager *inner = objcache_of(pager)->inner;
    enum pgw_status status = inner->ops->start_get(inner, io);

    pager->stats = inner->stats;
    return status;
}

static bool
objcache_is_same(const struct host_file_identity *a, const struct host_file_identity *b)
{
    return a->len == b->len && a->changed_s == b->changed_s && a->changed_ns == b->changed_ns;
}

/* Notes how the file is now, after a change of ours; if it was not as we had left it before that,
 * nothing is noted, and the others' change will be found. */
static enum pgw_status
objcache_start_put(struct pager *pager, struct pager_io *io)
{
    struct objcache_file *file = objcache_of(pager);
    struct pager *inner = file->inner;
    struct host_file_identity now;
    int fd = registry_file_fd(inner);

    bool ours = host_file_identify(fd, &now) == PGW_OK && objcache_is_same(&now, &file->identity);
    enum pgw_status status = inner->ops->start_put(inner, io);
    pager->stats = inner->stats;
    if (ours && host_file_identify(fd, &now) == PGW_OK)
        file->identity = now;
    return status;
}

static unsigned
objcache_drive(struct pager *pager, bool wait)
{
    struct pager *inner = objcache_of(pager)->inner;

    unsigned finished = inner->ops->drive(inner, wait);
    pager->stats = inner->stats;
    return finished;
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

    if (file->known)
        TAILQ_REMOVE(&file->cache->files, file, link);
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
    TAILQ_INIT(&cache->files);
    cache->system = system;
    cache->mem = mem;
    cache->alloc = alloc;
}

static struct objcache_file *
objcache_find(struct objcache *cache, uint64_t dev, uint64_t ino)
{
    struct objcache_file *file;

    TAILQ_FOREACH (file, &cache->files, link)
        if (file->identity.ino == ino && file->identity.dev == dev)
            return file;
    return NULL;
}

/* The cache's own reference goes, and with it perhaps the file. */
static void
objcache_let_go(struct objcache_file *file)
{
    if (!file->kept)
        return;
    file->kept = false;
    file->cache->kept--;
    file->object->ops->release(file->object);
}

/* The file was used: it is kept, and if that is one too many, the one used longest ago is not. */
static void
objcache_use(struct objcache *cache, struct objcache_file *file)
{
    struct objcache_file *last;

    if (TAILQ_FIRST(&cache->files) != file) {
        TAILQ_REMOVE(&cache->files, file, link);
        TAILQ_INSERT_HEAD(&cache->files, file, link);
    }
    if (file->kept || cache->system->vm == NULL) /* the contiguous core keeps no pages of files */
        return;
    file->kept = true;
    cache->kept++;
    file->object->ops->hold(file->object);
    TAILQ_FOREACH_REVERSE(last, &cache->files, objcache_list, link)
    {
        if (cache->kept <= OBJCACHE_KEPT)
            break;
        if (last->kept) {
            objcache_let_go(last);
            break; /* it may be gone, and with it its link */
        }
    }
}

/* Others have changed the file, which now is as identity says.  False: its object cannot follow,
 * and is nobody's but theirs who have it. */
static bool
objcache_changed(struct objcache_file *file, const struct host_file_identity *identity)
{
    const struct space_object_ops *ops = file->object->ops;

    if (ops->forget(file->object) && ops->resize(file->object, identity->len) == PGW_OK) {
        file->identity = *identity;
        return true;
    }
    file->known = false;
    TAILQ_REMOVE(&file->cache->files, file, link);
    objcache_let_go(file);
    return false;
}

/* The entry of the file behind fd, brought up to date; NULL: there is none. */
static struct objcache_file *
objcache_look(struct objcache *cache, const struct host_file_identity *identity)
{
    struct objcache_file *file = objcache_find(cache, identity->dev, identity->ino);

    if (file == NULL || objcache_is_same(&file->identity, identity))
        return file;
    return objcache_changed(file, identity) ? file : NULL;
}

static enum pgw_status
objcache_open(struct objcache *cache, int fd, struct pager **pager)
{
    struct host_file host;
    enum pgw_status status = host_file_reopen(fd, false, cache->alloc->inject, &host);

    if (status != PGW_OK)
        return status;
    status = registry_file_create(cache->mem, cache->alloc, host, pager);
    if (status != PGW_OK)
        host_file_close(&host);
    return status;
}

static enum pgw_status
objcache_make(struct objcache *cache, int fd, const struct host_file_identity *identity,
    struct objcache_file **made)
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
    status =
        cache->system->core_ops->object_create(cache->system, &file->pager, npages, &file->object);
    if (status != PGW_OK) {
        objcache_destroy(&file->pager);
        return status;
    }
    file->known = true;
    TAILQ_INSERT_HEAD(&cache->files, file, link);
    (void)file->object->ops->resize(
        file->object, identity->len); /* to the byte, where it matters */
    *made = file;
    return PGW_OK;
}

/* The inner pager gets a descriptor that may write, if it has none yet. */
static enum pgw_status
objcache_make_writable(struct objcache_file *file, int fd)
{
    struct host_file host;

    if (file->writable)
        return PGW_OK;
    enum pgw_status status = host_file_reopen(fd, true, file->cache->alloc->inject, &host);
    if (status != PGW_OK)
        return status;
    registry_file_write_by(file->inner, host);
    file->writable = true;
    return PGW_OK;
}

enum pgw_status
objcache_get(struct objcache *cache, int fd, bool write, struct space_object **object)
{
    struct host_file_identity identity;

    enum pgw_status status = host_file_identify(fd, &identity);
    if (status != PGW_OK)
        return status;
    struct objcache_file *file = objcache_look(cache, &identity);
    bool made = file == NULL;
    if (made)
        status = objcache_make(cache, fd, &identity, &file);
    else
        file->object->ops->hold(file->object);
    if (status != PGW_OK)
        return status;
    if (write)
        status = objcache_make_writable(file, fd);
    if (status != PGW_OK) {
        file->object->ops->release(file->object);
        return status;
    }
    *object = file->object;
    objcache_use(cache, file);
    return PGW_OK;
}

struct space_object *
objcache_cached(struct objcache *cache, int fd, bool make, bool *whole)
{
    struct host_file_identity identity;

    *whole = false;
    if (host_file_identify(fd, &identity) != PGW_OK)
        return NULL;
    struct objcache_file *file = objcache_look(cache, &identity);
    bool found = file != NULL;
    bool wanted = make && identity.blocks > 0;
    if (!found && (!wanted || objcache_make(cache, fd, &identity, &file) != PGW_OK))
        return NULL;
    if (found)
        file->object->ops->hold(file->object);
    *whole = identity.blocks > 0;
    objcache_use(cache, file);
    return file->object;
}

void
objcache_wrote(struct objcache *cache, int fd, uint64_t offset, const void *buf, size_t len)
{
    struct host_file_identity now;

    if (host_file_identify(fd, &now) != PGW_OK)
        return;
    struct objcache_file *file = objcache_find(cache, now.dev, now.ino);
    if (file == NULL)
        return;
    const struct space_object_ops *ops = file->object->ops;
    if (now.len != file->identity.len && ops->resize(file->object, now.len) != PGW_OK)
        return; /* as if others had written */
    if (len > 0)
        ops->write(file->object, offset, buf, len);
    file->identity = now;
}

void
objcache_reread(struct objcache *cache, int fd)
{
    struct host_file_identity now;

    if (host_file_identify(fd, &now) != PGW_OK)
        return;
    struct objcache_file *file = objcache_find(cache, now.dev, now.ino);
    if (file != NULL)
        (void)objcache_changed(file, &now);
}

void
objcache_unnamed(struct objcache *cache, uint64_t dev, uint64_t ino)
{
    struct objcache_file *file = objcache_find(cache, dev, ino);

    if (file != NULL)
        objcache_let_go(file);
}

void
objcache_clear(struct objcache *cache)
{
    struct objcache_file *file, *next;

    for (file = TAILQ_FIRST(&cache->files); file != NULL; file = next) {
        next = TAILQ_NEXT(file, link);
        objcache_let_go(file);
    }
}
