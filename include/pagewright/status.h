/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PAGEWRIGHT_STATUS_H
#define PAGEWRIGHT_STATUS_H

/* What libpagewright exports; everything else in it is hidden. */
#if defined(__GNUC__)
#define PGW_API __attribute__((visibility("default")))
#else
#define PGW_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What a call came to.  Every function that can fail returns one of these and writes its
 * results through trailing pointers; on anything but PGW_OK the results are untouched and the
 * state is as it was before the call.
 */
enum pgw_status {
    PGW_OK = 0,
    PGW_NOMEM,       /* no host memory for the core's own records */
    PGW_NORAM,       /* no page frame, even after reclaim */
    PGW_NOSWAP,      /* the swap device is full or absent */
    PGW_IO,          /* a device failed */
    PGW_CORRUPT,     /* a checksum did not match */
    PGW_INVAL,       /* an argument is not valid */
    PGW_RANGE,       /* outside the address space, or arithmetic overflow */
    PGW_EXIST,       /* something is there already */
    PGW_NOTFOUND,    /* nothing is there */
    PGW_ACCESS,      /* the rights do not allow it */
    PGW_NOSPACE,     /* no hole of that size in the address space */
    PGW_UNSUPPORTED, /* the back end or this version cannot do it */
    PGW_AGAIN,       /* not finished yet; call again */
    PGW_NOEXEC,      /* not a program this machine can run */
    PGW_NOCOMMIT,    /* more memory would be promised than there is */
    PGW_BUSY,        /* somebody's use of it does not allow it now */
    PGW_STATUS_COUNT
};

/* A short phrase in English for status, never NULL; static storage. */
PGW_API const char *pgw_status_text(enum pgw_status status);

#ifdef __cplusplus
}
#endif

#endif
