/* SPDX-License-Identifier: BSD-2-Clause */
#include <pagewright/status.h>

#include <stddef.h>

const char *
pgw_status_text(enum pgw_status status)
{
    static const char *const text[PGW_STATUS_COUNT] = {
        [PGW_OK] = "success",
        [PGW_NOMEM] = "out of host memory",
        [PGW_NORAM] = "out of page frames",
        [PGW_NOSWAP] = "swap is full or absent",
        [PGW_IO] = "input/output error",
        [PGW_CORRUPT] = "checksum mismatch",
        [PGW_INVAL] = "invalid argument",
        [PGW_RANGE] = "out of range",
        [PGW_EXIST] = "already exists",
        [PGW_NOTFOUND] = "not found",
        [PGW_ACCESS] = "access denied",
        [PGW_NOSPACE] = "no room in the address space",
        [PGW_UNSUPPORTED] = "not supported",
        [PGW_AGAIN] = "not finished yet",
        [PGW_NOEXEC] = "not an executable for this machine",
        [PGW_BUSY] = "in use",
        [PGW_NOCOMMIT] = "more memory than can be promised",
    };
    unsigned idx = (unsigned)status;

    return idx < PGW_STATUS_COUNT && text[idx] != NULL ? text[idx] : "unknown status";
}
