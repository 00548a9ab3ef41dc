/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A swap file named by the user is written over from its first byte on, so what is opened is
 * looked at first: only a regular file or a block device will do, and one that another system
 * pages to is refused (they would write over each other's pages) by an advisory lock that lasts
 * as long as the descriptor.
 */
#include "api/swapdev.h"

#include <stdio.h>

#include "base/size.h"

#define SWAPDEV_RAM_TIMES 4u /* a swap size that was not given, in RAMs */

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

enum pgw_status
swapdev_open(struct pgw_system *system, const struct pgw_config *config)
{
    uint64_t bytes = config->swap_size > 0 ? config->swap_size : SWAPDEV_RAM_TIMES * config->ram;
    bool named = config->swap == PGW_SWAP_FILE;
    char *text = system->settings.swap_text;
    struct host_file file;

    (void)snprintf(text, sizeof system->settings.swap_text, "%s",
        config->swap == PGW_SWAP_NONE ? "none"
        : named                       ? config->swap_path
                                      : "temporary file");
    if (config->swap == PGW_SWAP_NONE)
        return PGW_OK;
    if (bytes < PAGE_SIZE || bytes > INT64_MAX || bytes / SWAPDEV_RAM_TIMES > INT64_MAX)
        return sim_fail(system, PGW_INVAL, "a swap size of %llu bytes is not usable",
            (unsigned long long)bytes);
    enum pgw_status status = named ? swapdev_open_file(system, config->swap_path, bytes, &file)
                                   : swapdev_open_temp(system, &file);
    if (status != PGW_OK)
        return status;
    status =
        registry_swap_create(&system->mem, &system->core, file, bytes >> PAGE_SHIFT, &system->swap);
    if (status != PGW_OK) {
        host_file_close(&file);
        return sim_fail(system, status, "cannot make the swap device: %s", pgw_status_text(status));
    }
    return PGW_OK;
}
