/* SPDX-License-Identifier: BSD-2-Clause */
#include "pager/pagers.h"

#include <string.h>

#include "pager/pager_runs.h"

/*
 * A file as the store behind an object: slot = page index, so there is nothing to allocate and
 * nothing to remember.  What private mappings change never comes back here: it belongs to
 * anons, and goes to swap.  What shared ones change does, once somebody has brought a descriptor
 * that may write (pager_file_write_by); before that a put is refused.
 *
 * A put never makes the file longer: of the page that its end lies in only the bytes before the end
 * are written, and of those behind it nothing.  If somebody has cut the file meanwhile, that
 * is where those bytes have gone.
 *
 * G1 rests on the file alone: there is no checksum, because whoever may write the file may
 * change what a later get returns, as with any mapping of a file.  G2: a put that fails may
 * have written a part, which the next one writes again.  G3 holds emptily.
 *
 * The length is asked of the host each time it matters, since files grow and shrink.
 */

struct file {
    struct pager pager;
    struct base_alloc *alloc;
    struct host_file host;
    bool writable;
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

/* Writes n neighbours from the i-th on, as far as the file reaches. */
static enum pgw_status
file_write_run(struct file *file, struct pager_io *io, unsigned i, unsigned n, uint64_t size)
{
    uint64_t start = io->slots[i] << PAGE_SHIFT;
    uint64_t bytes = start < size ? size - start : 0;
    unsigned whole = bytes >> PAGE_SHIFT < n ? (unsigned)(bytes >> PAGE_SHIFT) : n;
    size_t rest = whole < n ? (size_t)(bytes & (PAGE_SIZE - 1)) : 0;
    enum pgw_status status = PGW_OK;

    if (whole > 0)
        status = pager_runs_write(&file->pager, &file->host, io, i, whole);
    if (status != PGW_OK || rest == 0)
        return status;
    file->pager.stats.put_ios++;
    return host_file_write(&file->host, mem_page_bytes(file->pager.mem, io->pages[i + whole]), rest,
        start + ((uint64_t)whole << PAGE_SHIFT));
}

static enum pgw_status
file_write_runs(struct file *file, struct pager_io *io)
{
    uint64_t size;
    enum pgw_status status = host_file_size(&file->host, &size);

    for (unsigned i = 0; status == PGW_OK && i < io->n;) {
        unsigned n = pager_runs_length(io, i);
        if (io->slots[i] < PAGER_RUNS_SLOT_END) /* no file is longer */
            status = file_write_run(file, io, i, n, size);
        i += n;
    }
    return status;
}

static enum pgw_status
file_start_put(struct pager *pager, struct pager_io *io)
{
    if (!file_of(pager)->writable)
        return PGW_UNSUPPORTED;
    if (io->n == 0 || io->n > PAGER_RUN_MAX)
        return PGW_INVAL;
    pager_runs_finish_put(pager, io, file_write_runs(file_of(pager), io));
    return PGW_OK;
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
    return file_of(pager)->host.fd >= 0 &&
           (file_of(pager)->writable || (stats->puts == 0 && stats->put_ios == 0));
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

void
pager_file_write_by(struct pager *pager, struct host_file file)
{
    struct file *self = file_of(pager);

    host_file_close(&self->host);
    self->host = file;
    self->writable = true;
}

int
pager_file_fd(const struct pager *pager)
{
    return ((const struct file *)pager)->host.fd;
}
