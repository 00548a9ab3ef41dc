/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each page is compressed by itself, so that each can be had back by itself.  Neither library is
 * let near malloc: zstd has contexts in the caller's memory for that (its interface for static
 * linking, which Debian's shared library exports too), lz4 a state.
 *
 * On pages of 4 KiB zstd at level 4 gains 45% over lz4 on program text and sources, for about
 * three times the time of lz4 (which a page from a disk costs many times over).  A frame of zstd
 * says its magic number and its length; neither tells us anything, so both are left out.
 */
#define ZSTD_STATIC_LINKING_ONLY
#include "pager/zcodec.h"

#include <lz4.h>
#include <string.h>
#include <zstd.h>

#include "base/assert.h"

#define ZCODEC_LEVEL 4

static void
zcodec_set(ZSTD_CCtx *cctx, ZSTD_cParameter parameter, int value)
{
    size_t status = ZSTD_CCtx_setParameter(cctx, parameter, value);
    BASE_ASSERT(!ZSTD_isError(status));
}

/* The contexts lie in the working memory and stay good from page to page. */
static void
zcodec_init_zstd(struct zcodec *codec)
{
    ZSTD_CCtx *cctx = ZSTD_initStaticCCtx(codec->work, codec->squeeze_len);
    ZSTD_DCtx *dctx = ZSTD_initStaticDCtx(
        (char *)codec->work + codec->squeeze_len, codec->work_len - codec->squeeze_len);

    BASE_ASSERT(cctx == codec->work && dctx != NULL);
    zcodec_set(cctx, ZSTD_c_compressionLevel, ZCODEC_LEVEL);
    zcodec_set(cctx, ZSTD_c_contentSizeFlag, 0);
    zcodec_set(cctx, ZSTD_c_format, ZSTD_f_zstd1_magicless);
    size_t status = ZSTD_DCtx_setParameter(dctx, ZSTD_d_format, ZSTD_f_zstd1_magicless);
    BASE_ASSERT(!ZSTD_isError(status));
}

enum pgw_status
zcodec_init(struct zcodec *codec, struct base_alloc *alloc, enum zcodec_kind kind)
{
    *codec = (struct zcodec){.kind = kind, .alloc = alloc};
    if (kind == ZCODEC_ZSTD) {
        ZSTD_compressionParameters params = ZSTD_getCParams(ZCODEC_LEVEL, PAGE_SIZE, 0);
        codec->squeeze_len = (ZSTD_estimateCCtxSize_usingCParams(params) + 63) & ~(size_t)63;
        codec->work_len = codec->squeeze_len + ZSTD_estimateDCtxSize();
    } else {
        codec->squeeze_len = codec->work_len = (size_t)LZ4_sizeofState();
    }
    codec->work = alloc->map(alloc, codec->work_len);
    if (codec->work == NULL)
        return PGW_NOMEM;
    if (kind == ZCODEC_ZSTD)
        zcodec_init_zstd(codec);
    return PGW_OK;
}

void
zcodec_fini(struct zcodec *codec)
{
    codec->alloc->unmap(codec->alloc, codec->work, codec->work_len);
    codec->work = NULL;
}

size_t
zcodec_squeeze(struct zcodec *codec, const void *page, void *out, size_t max)
{
    if (codec->kind == ZCODEC_LZ4) {
        int len = LZ4_compress_fast_extState(codec->work, page, out, PAGE_SIZE, (int)max, 1);
        return len > 0 ? (size_t)len : 0;
    }
    size_t len = ZSTD_compress2(codec->work, out, max, page, PAGE_SIZE);
    return ZSTD_isError(len) ? 0 : len;
}

bool
zcodec_expand(struct zcodec *codec, const void *in, size_t len, void *page)
{
    if (codec->kind == ZCODEC_LZ4)
        return LZ4_decompress_safe(in, page, (int)len, PAGE_SIZE) == (int)PAGE_SIZE;
    ZSTD_DCtx *dctx = (ZSTD_DCtx *)(void *)((char *)codec->work + codec->squeeze_len);
    return ZSTD_decompressDCtx(dctx, page, PAGE_SIZE, in, len) == PAGE_SIZE;
}
