/* SPDX-License-Identifier: BSD-2-Clause */
#include "pager/pagers.h"

#include <string.h>

#include "pager/pager_runs.h"

/*
 * A file, read-only, as the store behind an object: slot = page index, so there is nothing to
 * allocate and nothing to remember.  What private mappings change never comes back here: it
 * belongs to anons, and goes to swap.
 *
 * G1 rests on the file alone: there is no checksum, because whoever may write the file may
 * change what a later get returns, as with any mapping of a file.  G2 and G3 hold emptily.
 *
 * The length is asked of the host each time it matters, since files grow and shrink.
 */

struct file {
    struct pager pager;
    struct base_alloc *alloc;
    struct host_file host;
};

static struct file *
file_of(struct pager *pager)
{
    return (struct file *)pager;
}

/* The file's length in pages, a last partial one included; 0 if the host does not say. */
static uint64_t
file_pages(struct file *file)
{
    uint64_t bytes;
    if (host_file_size(&file->host, &bytes) != PGW_OK)
        return 0;
    return (bytes >> PAGE_SHIFT) + ((bytes & (PAGE_SIZE - 1)) != 0);
}

static enum pgw_status
file_read_runs(struct file *file, struct pager_io *io)
{
    for (unsigned i = 0; i < io->n;) {
        /* The host cannot express these offsets; no file is that long. */
        if (io->slots[i] >= PAGER_RUNS_SLOT_END) {
            memset(mem_page_bytes(file->pager.mem, io->pages[i]), 0, PAGE_SIZE);
            i++;
            continue;
        }
        unsigned n = pager_runs_length(io, i);
        if (n > PAGER_RUNS_SLOT_END - io->slots[i])
            n = (unsigned)(PAGER_RUNS_SLOT_END - io->slots[i]);
        enum pgw_status status = pager_runs_read(&file->pager, &file->host, io, i, n);
        if (status != PGW_OK)
            return status;
        i += n;
    }
    return PGW_OK;
}

static enum pgw_status
file_start_get(struct pager *pager, struct pager_io *io)
{
    if (io->n == 0 || io->n > PAGER_RUN_MAX)
        return PGW_INVAL;
    pager_runs_finish_get(pager, io, file_read_runs(file_of(pager), io));
    return PGW_OK;
}

static enum pgw_status
file_start_put(struct pager *pager, struct pager_io *io)
{
    (void)pager;
    (void)io;
    return PGW_UNSUPPORTED;
}

static unsigned
file_drive(struct pager *pager, bool wait)
{
    (void)pager;
    (void)wait;
    return 0;
}

static bool
file_has(struct pager *pager, uint64_t slot)
{
    return slot < file_pages(file_of(pager));
}

/* The file is not ours to shorten. */
static void
file_forget(struct pager *pager, uint64_t slot)
{
    (void)pager;
    (void)slot;
}

static void
file_destroy(struct pager *pager)
{
    struct file *file = file_of(pager);
    struct base_alloc *alloc = file->alloc;
    host_file_close(&file->host);
    alloc->unmap(alloc, file, sizeof *file);
}

static bool
file_check(struct pager *pager)
{
    const struct pager_stats *stats = &pager->stats;
    return file_of(pager)->host.fd >= 0 && stats->puts == 0 && stats->put_ios == 0;
}

static const struct pager_ops file_ops = {
    .name = "file",
    .start_get = file_start_get,
    .start_put = file_start_put,
    .drive = file_drive,
    .has = file_has,
    .forget = file_forget,
    .destroy = file_destroy,
    .check = file_check,
};

enum pgw_status
pager_file_create(
    struct mem *mem, struct base_alloc *alloc, struct host_file file, struct pager **pager)
{
    struct file *self = alloc->map(alloc, sizeof *self);
    if (self == NULL)
        return PGW_NOMEM;
    self->pager.ops = &file_ops;
    self->pager.mem = mem;
    self->alloc = alloc;
    self->host = file;
    /* For reports, as it was when it was opened. */
    self->pager.stats.slots = file_pages(self);
    self->pager.stats.used = self->pager.stats.slots;
    self->pager.stats.used_peak = self->pager.stats.slots;
    *pager = &self->pager;
    return PGW_OK;
}
