/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages made small and whole again, by zstd or lz4, in working memory that is taken once. */
#ifndef PAGER_ZCODEC_H
#define PAGER_ZCODEC_H

#include <stdbool.h>

#include "base/alloc.h"
#include "base/result.h"
#include "base/size.h"

enum zcodec_kind { ZCODEC_ZSTD, ZCODEC_LZ4 };

struct zcodec {
    enum zcodec_kind kind;
    struct base_alloc *alloc;
    void *work; /* of the compressor, then of the decompressor */
    size_t work_len, squeeze_len;
};

/* In the caller's storage.  PGW_NOMEM. */
MUST_CHECK enum pgw_status zcodec_init(
    struct zcodec *codec, struct base_alloc *alloc, enum zcodec_kind kind);
void zcodec_fini(struct zcodec *codec);

/* PAGE_SIZE bytes to out: how many it takes there, 0 when they are more than max. */
size_t zcodec_squeeze(struct zcodec *codec, const void *page, void *out, size_t max);

/* The page back; false: these bytes are no page's. */
MUST_CHECK bool zcodec_expand(struct zcodec *codec, const void *in, size_t len, void *page);

#endif
