/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each page is compressed by itself, so that each can be had back by itself; what pages have in
 * common is in a dictionary (zdict.h).  Neither library is let near malloc: zstd has contexts and
 * digested dictionaries in the caller's memory for that (its interface for static linking, which
 * Debian's shared library exports too), lz4 states.
 *
 * On pages of 4 KiB zstd, searching as its level 4 does, gains 45% over lz4 on program text and
 * sources, for about three times the time of lz4 (which a page from a disk costs many times over).
 * Its tables are the smallest that do not cost a percent of that: they are overhead, and all of
 * them are looked through for each page.  A frame of zstd says its magic number and its length;
 * neither tells us anything, so both are left out.  A context keeps nothing from page to page that
 * matters, so the compressor and the decompressor have one piece of memory in turn.
 */
#define ZSTD_STATIC_LINKING_ONLY
#include "pager/zcodec.h"

#include <lz4.h>
#include <string.h>
#include <zstd.h>

#include "base/assert.h"

#define ZCODEC_LEVEL 4

/* --- parameters --- */

/* A dictionary of n bytes has about n strings to look up, those of a page that are hard to find
 * among them come on top. */
static ZSTD_compressionParameters
zcodec_params(size_t dict_len)
{
    ZSTD_compressionParameters params = ZSTD_getCParams(ZCODEC_LEVEL, PAGE_SIZE, 0);

    params.hashLog = dict_len > 8192 ? 14 : dict_len > 0 ? 12 : 11;
    params.chainLog = dict_len > 8192 ? 13 : 11;
    params.searchLog = 3;
    return params;
}

/* What a context needs that is to compress pages with such a dictionary: never tables larger
 * than those of a page, since the dictionary has its own. */
static size_t
zcodec_squeeze_bytes(size_t dict_len)
{
    ZSTD_compressionParameters params = zcodec_params(dict_len);

    if (params.hashLog > PAGE_SHIFT + 1)
        params.hashLog = PAGE_SHIFT + 1;
    if (params.chainLog > PAGE_SHIFT)
        params.chainLog = PAGE_SHIFT;
    return ZSTD_estimateCCtxSize_usingCParams(params);
}

static void
zcodec_set(ZSTD_CCtx *cctx, ZSTD_cParameter parameter, int value)
{
    size_t status = ZSTD_CCtx_setParameter(cctx, parameter, value);
    BASE_ASSERT(!ZSTD_isError(status));
}

/* Makes the working memory the compressor's or the decompressor's context, unless it is that. */
static void *
zcodec_become(struct zcodec *codec, enum zcodec_work now)
{
    ZSTD_compressionParameters params = zcodec_params(0);

    if (codec->now == now)
        return codec->work;
    codec->now = now;
    if (now == ZCODEC_EXPANDS) {
        ZSTD_DCtx *dctx = ZSTD_initStaticDCtx(codec->work, codec->work_len);
        BASE_ASSERT(dctx == codec->work);
        size_t status = ZSTD_DCtx_setParameter(dctx, ZSTD_d_format, ZSTD_f_zstd1_magicless);
        BASE_ASSERT(!ZSTD_isError(status));
        return dctx;
    }
    ZSTD_CCtx *cctx = ZSTD_initStaticCCtx(codec->work, codec->work_len);
    BASE_ASSERT(cctx == codec->work);
    zcodec_set(cctx, ZSTD_c_compressionLevel, ZCODEC_LEVEL);
    zcodec_set(cctx, ZSTD_c_hashLog, (int)params.hashLog);
    zcodec_set(cctx, ZSTD_c_chainLog, (int)params.chainLog);
    zcodec_set(cctx, ZSTD_c_searchLog, (int)params.searchLog);
    zcodec_set(cctx, ZSTD_c_contentSizeFlag, 0);
    zcodec_set(cctx, ZSTD_c_format, ZSTD_f_zstd1_magicless);
    return cctx;
}

static size_t
zcodec_most(size_t a, size_t b)
{
    return a > b ? a : b;
}

enum pgw_status
zcodec_init(struct zcodec *codec, struct base_alloc *alloc, enum zcodec_kind kind, size_t dict_len)
{
    *codec = (struct zcodec){.kind = kind, .alloc = alloc};
    if (kind == ZCODEC_ZSTD)
        codec->work_len = zcodec_most(ZSTD_estimateDCtxSize(),
            zcodec_most(zcodec_squeeze_bytes(0), zcodec_squeeze_bytes(dict_len)));
    else
        codec->work_len = sizeof(LZ4_stream_t);
    codec->work = alloc->map(alloc, codec->work_len);
    return codec->work != NULL ? PGW_OK : PGW_NOMEM;
}

void
zcodec_fini(struct zcodec *codec)
{
    codec->alloc->unmap(codec->alloc, codec->work, codec->work_len);
    codec->work = NULL;
}

/* --- dictionaries --- */

static size_t
zcodec_digest_bytes(const struct zcodec *codec, size_t len)
{
    return codec->kind == ZCODEC_LZ4
               ? sizeof(LZ4_stream_t)
               : ZSTD_estimateCDictSize_advanced(len, zcodec_params(len), ZSTD_dlm_byRef);
}

size_t
zcodec_dict_bytes(const struct zcodec *codec, const struct zcodec_dict *dict)
{
    return page_ceil(dict->len) +
           (dict->digest != NULL ? page_ceil(zcodec_digest_bytes(codec, dict->len)) : 0);
}

enum pgw_status
zcodec_dict_init(const struct zcodec *codec, struct zcodec_dict *dict, size_t len)
{
    struct base_alloc *alloc = codec->alloc;

    BASE_ASSERT(len > sizeof(uint32_t) && len <= ZCODEC_DICT_MAX);
    *dict = (struct zcodec_dict){.content = alloc->map(alloc, len), .len = len};
    if (dict->content != NULL)
        dict->digest = alloc->map(alloc, zcodec_digest_bytes(codec, len));
    if (dict->digest != NULL)
        return PGW_OK;
    if (dict->content != NULL)
        alloc->unmap(alloc, dict->content, len);
    *dict = (struct zcodec_dict){.content = NULL};
    return PGW_NOMEM;
}

/* Bytes that begin with zstd's magic number would be taken for a dictionary in its own format. */
static void
zcodec_make_plain(struct zcodec_dict *dict)
{
    uint32_t first;

    memcpy(&first, dict->content, sizeof first);
    if (first == ZSTD_MAGIC_DICTIONARY)
        dict->content[0] ^= 1;
}

void
zcodec_dict_digest(const struct zcodec *codec, struct zcodec_dict *dict)
{
    if (codec->kind == ZCODEC_LZ4) {
        LZ4_stream_t *stream = LZ4_initStream(dict->digest, sizeof *stream);
        BASE_ASSERT(stream == dict->digest);
        (void)LZ4_loadDict(stream, (const char *)dict->content, (int)dict->len);
        return;
    }
    zcodec_make_plain(dict);
    const ZSTD_CDict *cdict =
        ZSTD_initStaticCDict(dict->digest, zcodec_digest_bytes(codec, dict->len), dict->content,
            dict->len, ZSTD_dlm_byRef, ZSTD_dct_rawContent, zcodec_params(dict->len));
    BASE_ASSERT(cdict == dict->digest);
}

void
zcodec_dict_retire(const struct zcodec *codec, struct zcodec_dict *dict)
{
    if (dict->digest != NULL)
        codec->alloc->unmap(codec->alloc, dict->digest, zcodec_digest_bytes(codec, dict->len));
    dict->digest = NULL;
}

void
zcodec_dict_fini(const struct zcodec *codec, struct zcodec_dict *dict)
{
    zcodec_dict_retire(codec, dict);
    codec->alloc->unmap(codec->alloc, dict->content, dict->len);
    *dict = (struct zcodec_dict){.content = NULL};
}

/* --- pages --- */

/* A stream that has a dictionary is copied, which takes less than to make one. */
static size_t
zcodec_squeeze_lz4(const struct zcodec *codec, const struct zcodec_dict *dict, const void *page,
    void *out, size_t max)
{
    int len;

    if (dict != NULL) {
        memcpy(codec->work, dict->digest, sizeof(LZ4_stream_t));
        len = LZ4_compress_fast_continue(codec->work, page, out, PAGE_SIZE, (int)max, 1);
    } else {
        len = LZ4_compress_fast_extState(codec->work, page, out, PAGE_SIZE, (int)max, 1);
    }
    return len > 0 ? (size_t)len : 0;
}

size_t
zcodec_squeeze(
    struct zcodec *codec, const struct zcodec_dict *dict, const void *page, void *out, size_t max)
{
    codec->squeezed++;
    if (codec->kind == ZCODEC_LZ4)
        return zcodec_squeeze_lz4(codec, dict, page, out, max);
    ZSTD_CCtx *cctx = zcodec_become(codec, ZCODEC_SQUEEZES);
    size_t len = ZSTD_CCtx_reset(cctx, ZSTD_reset_session_only); /* the last one may have failed */
    BASE_ASSERT(!ZSTD_isError(len));
    len = ZSTD_CCtx_refCDict(cctx, dict != NULL ? dict->digest : NULL);
    BASE_ASSERT(!ZSTD_isError(len));
    len = ZSTD_compress2(cctx, out, max, page, PAGE_SIZE);
    return ZSTD_isError(len) ? 0 : len;
}

bool
zcodec_expand(
    struct zcodec *codec, const struct zcodec_dict *dict, const void *in, size_t len, void *page)
{
    const unsigned char *content = dict != NULL ? dict->content : NULL;
    size_t content_len = dict != NULL ? dict->len : 0;

    codec->expanded++;
    if (codec->kind == ZCODEC_LZ4)
        return LZ4_decompress_safe_usingDict(in, page, (int)len, PAGE_SIZE, (const char *)content,
                   (int)content_len) == (int)PAGE_SIZE;
    return ZSTD_decompress_usingDict(zcodec_become(codec, ZCODEC_EXPANDS), page, PAGE_SIZE, in, len,
               content, content_len) == PAGE_SIZE;
}
