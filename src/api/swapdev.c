/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A swap file named by the user is written over from its first byte on, so what is opened is
 * looked at first: only a regular file or a block device will do, and one that another system
 * pages to is refused (they would write over each other's pages) by an advisory lock that lasts
 * as long as the descriptor.
 */
#include "api/swapdev.h"

#include <stdio.h>
#include <string.h>

#include "api/swapspec.h"
#include "base/size.h"
#include "pager/pagers.h"

#define SWAPDEV_POOL_MOST 90u /* percent of RAM */
#define SWAPDEV_RAM_TIMES 4u  /* a swap size that was not given, in RAMs */

static enum pgw_status
swapdev_fail(struct pgw_system *system, enum pgw_status status, const char *path)
{
    const char *why = status == PGW_ACCESS     ? "permission denied, or a read-only file system"
                      : status == PGW_NOTFOUND ? "no such directory"
                      : status == PGW_NOSWAP   ? "no space left on the device"
                                               : pgw_status_text(status);

    return sim_fail(system, status, "cannot make the swap file %.200s: %s", path, why);
}

/* A fifo would hang the open, a terminal would be written to: ask before opening. */
static bool
swapdev_usable(const char *path)
{
    return host_file_kind_at(path) != HOST_FILE_OTHER;
}

static enum pgw_status
swapdev_open_file(
    struct pgw_system *system, const char *path, uint64_t bytes, struct host_file *file)
{
    uint64_t room;

    if (!swapdev_usable(path))
        return sim_fail(system, PGW_INVAL,
            "cannot swap to %.200s: it is neither a regular file nor a block device", path);
    enum pgw_status status = host_file_create(path, system->inject, file);
    if (status != PGW_OK)
        return swapdev_fail(system, status, path);
    if (host_file_claim(file) != PGW_OK)
        status =
            sim_fail(system, PGW_EXIST, "cannot swap to %.200s: another system swaps to it", path);
    else if (host_file_kind(file->fd) == HOST_FILE_BLOCK &&
             (host_file_size(file, &room) != PGW_OK || room < bytes))
        status = sim_fail(system, PGW_NOSWAP, "cannot swap to %.200s: the device is smaller", path);
    if (status != PGW_OK)
        host_file_close(file);
    return status;
}

static enum pgw_status
swapdev_open_temp(struct pgw_system *system, struct host_file *file)
{
    enum pgw_status status = host_file_temp(system->inject, file);

    if (status == PGW_OK)
        return PGW_OK;
    return sim_fail(system, status,
        "cannot make a temporary swap file in $TMPDIR, /var/tmp or /tmp: %s; name a file, or use "
        "none",
        pgw_status_text(status));
}

static enum pgw_status
swapdev_open_remote(struct pgw_system *system, const char *uri, struct pager **pager)
{
    enum pgw_status status = registry_remote_create(&system->mem, &system->core, uri, pager);
    const char *why = status == PGW_UNSUPPORTED ? "this build has no remote stores (libnbd)"
                      : status == PGW_ACCESS    ? "it is read-only"
                      : status == PGW_NOSWAP    ? "it has no room for a page"
                      : status == PGW_RANGE     ? "it cannot transfer blocks of 4K"
                      : status == PGW_IO        ? "it cannot be reached, or does not answer"
                      : status == PGW_INVAL ? "this is no URI of NBD: write nbd://HOST/EXPORT or "
                                              "nbd+unix:///EXPORT?socket=PATH"
                                            : pgw_status_text(status);

    if (status == PGW_OK)
        return PGW_OK;
    return sim_fail(system, status, "cannot swap to the remote store %.200s: %s", uri, why);
}

/* A device of the spec. */
static enum pgw_status
swapdev_open_level(
    struct pgw_system *system, const struct swapspec_level *level, struct pager **pager)
{
    struct host_file file;

    if (level->kind == SWAPSPEC_NBD)
        return swapdev_open_remote(system, level->path, pager);
    if (level->size < PAGE_SIZE || level->size > INT64_MAX ||
        level->size / SWAPDEV_RAM_TIMES > INT64_MAX)
        return sim_fail(system, PGW_INVAL, "a swap size of %llu bytes is not usable",
            (unsigned long long)level->size);
    enum pgw_status status = level->kind == SWAPSPEC_FILE
                                 ? swapdev_open_file(system, level->path, level->size, &file)
                                 : swapdev_open_temp(system, &file);
    if (status != PGW_OK)
        return status;
    status =
        registry_swap_create(&system->mem, &system->core, file, level->size >> PAGE_SHIFT, pager);
    if (status != PGW_OK) {
        host_file_close(&file);
        return sim_fail(system, status, "cannot make the swap device: %s", pgw_status_text(status));
    }
    return PGW_OK;
}

/* Notes a device for reports; its pager lives as long as the system's swap does. */
static void
swapdev_note(struct pgw_system *system, const struct swapspec_level *level, struct pager *pager)
{
    struct sim_swap_device *device = &system->swap_devices[system->nswap_devices++];
    size_t most = sizeof device->name - 1, len = strlen(level->path);

    device->pager = pager;
    device->file =
        level->kind == SWAPSPEC_TEMP ||
        (level->kind == SWAPSPEC_FILE && host_file_kind_at(level->path) != HOST_FILE_BLOCK);
    (void)snprintf(device->name, sizeof device->name, "%s",
        level->kind == SWAPSPEC_TEMP ? "temporary file"
        : len > most                 ? level->path + len - most
                                     : level->path);
}

/* The devices that the spec names, in a chain if there are several; *pager stays NULL for none. */
static enum pgw_status
swapdev_open_levels(struct pgw_system *system, const struct swapspec *spec, struct pager **pager)
{
    struct pager *levels[SWAPSPEC_LEVELS_MAX] = {NULL};
    enum pgw_status status = PGW_OK;
    unsigned n = 0;

    for (; n < spec->nlevels && status == PGW_OK; n += status == PGW_OK) {
        status = swapdev_open_level(system, &spec->levels[n], &levels[n]);
        if (status == PGW_OK)
            swapdev_note(system, &spec->levels[n], levels[n]);
    }
    if (status == PGW_OK && n > 1) {
        status = registry_chain_create(&system->mem, &system->core, levels, n, pager);
        if (status != PGW_OK)
            status = sim_fail(
                system, status, "cannot make the levels of swap: %s", pgw_status_text(status));
    } else if (status == PGW_OK) {
        *pager = levels[0];
    }
    if (status == PGW_OK)
        return PGW_OK;
    system->nswap_devices = 0;
    while (n-- > 0)
        levels[n]->ops->destroy(levels[n]);
    return status;
}

/* The compressed pool that the spec asks for, over *pager, which it replaces. */
static enum pgw_status
swapdev_open_pool(struct pgw_system *system, const struct swapspec *spec, struct pager **pager)
{
    uint64_t ram = system->mem.nframes;
    uint64_t frames =
        spec->percent > 0 ? ram * spec->percent / 100 : spec->pool_bytes >> PAGE_SHIFT;

    if (!spec->pool)
        return PGW_OK;
    bool contiguous = system->settings.mmu->kind == REGISTRY_CONTIGUOUS;
    if (contiguous && spec->clean)
        return sim_fail(system, PGW_UNSUPPORTED,
            "the mmu %s has no clean pages of files to keep: leave clean out of zpool's options",
            system->settings.mmu->name);
    if (frames > ram * SWAPDEV_POOL_MOST / 100)
        return sim_fail(system, PGW_INVAL, "a compressed pool may have %u%% of RAM at the most",
            SWAPDEV_POOL_MOST);
    enum pgw_status status = registry_pool_create(
        &system->mem, &system->core, frames, spec->lz4, contiguous, *pager, pager);
    if (status == PGW_INVAL)
        return sim_fail(system, status, "a compressed pool of %llu frames is too small: give it 4",
            (unsigned long long)frames);
    if (status != PGW_OK)
        return sim_fail(
            system, status, "cannot make the compressed pool: %s", pgw_status_text(status));
    if (spec->clean)
        system->tmem = pager_zpool_tmem(*pager);
    return PGW_OK;
}

/* What the configuration asks for, whichever way it says it. */
static enum pgw_status
swapdev_spec(struct pgw_system *system, const struct pgw_config *config, struct swapspec *spec)
{
    char why[SIM_ERROR_LEN - 8];

    *spec = (struct swapspec){.nlevels = config->swap != PGW_SWAP_NONE};
    if (config->swap == PGW_SWAP_FILE && strlen(config->swap_path) >= sizeof spec->levels[0].path)
        return sim_fail(system, PGW_INVAL, "the name of the swap file is too long");
    if (config->swap == PGW_SWAP_FILE) {
        spec->levels[0].kind = SWAPSPEC_FILE;
        (void)snprintf(spec->levels[0].path, sizeof spec->levels[0].path, "%s", config->swap_path);
    }
    if (config->swap == PGW_SWAP_STACK &&
        swapspec_parse(config->swap_path, spec, why, sizeof why) != PGW_OK)
        return sim_fail(system, PGW_INVAL, "swap: %s", why);
    for (unsigned i = 0; i < spec->nlevels; i++)
        if (spec->levels[i].size == 0)
            spec->levels[i].size =
                config->swap_size > 0 ? config->swap_size : SWAPDEV_RAM_TIMES * config->ram;
    return PGW_OK;
}

enum pgw_status
swapdev_open(struct pgw_system *system, const struct pgw_config *config)
{
    char *text = system->settings.swap_text;
    struct pager *pager = NULL;
    struct swapspec spec;

    (void)snprintf(text, sizeof system->settings.swap_text, "%s",
        config->swap == PGW_SWAP_NONE   ? "none"
        : config->swap == PGW_SWAP_TEMP ? "temporary file"
                                        : config->swap_path);
    enum pgw_status status = swapdev_spec(system, config, &spec);
    if (status == PGW_OK)
        status = swapdev_open_levels(system, &spec, &pager);
    if (status == PGW_OK)
        status = swapdev_open_pool(system, &spec, &pager);
    if (status == PGW_OK) {
        system->swap = pager;
        return PGW_OK;
    }
    if (pager != NULL)
        pager->ops->destroy(pager);
    system->nswap_devices = 0;
    return status;
}
