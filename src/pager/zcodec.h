/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages made small and whole again, by zstd or lz4, in working memory that is taken once. */
#ifndef PAGER_ZCODEC_H
#define PAGER_ZCODEC_H

#include <stdbool.h>

#include "base/alloc.h"
#include "base/result.h"
#include "base/size.h"

#define ZCODEC_DICT_MAX (32u << 10) /* bytes of a dictionary's content */

enum zcodec_kind { ZCODEC_ZSTD, ZCODEC_LZ4 };
enum zcodec_work { ZCODEC_RESTS, ZCODEC_SQUEEZES, ZCODEC_EXPANDS };

struct zcodec {
    enum zcodec_kind kind;
    struct base_alloc *alloc;
    void *work; /* zstd: of the compressor or the decompressor; lz4: of the compressor */
    size_t work_len;
    enum zcodec_work now;        /* whose it is */
    uint64_t squeezed, expanded; /* pages, ever; those that it was in vain for, too */
};

/* Bytes that pages are likely to share: a page that is made small with a dictionary can be made
 * whole with the same one only. */
struct zcodec_dict {
    unsigned char *content; /* len bytes; NULL: there is no dictionary */
    void *digest;           /* what the compressor looks strings up in; NULL: it cannot */
    size_t len;
};

/* In the caller's storage.  dict_len: of the dictionaries that are going to be used.  PGW_NOMEM. */
MUST_CHECK enum pgw_status zcodec_init(
    struct zcodec *codec, struct base_alloc *alloc, enum zcodec_kind kind, size_t dict_len);
void zcodec_fini(struct zcodec *codec);

/* Memory for a dictionary of len bytes, all zeros; the caller writes its content, the most useful
 * bytes last, and has it digested then.  PGW_NOMEM. */
MUST_CHECK enum pgw_status zcodec_dict_init(
    const struct zcodec *codec, struct zcodec_dict *dict, size_t len);
void zcodec_dict_digest(const struct zcodec *codec, struct zcodec_dict *dict);
/* Gives the digest back: pages are made whole by it only, from now on. */
void zcodec_dict_retire(const struct zcodec *codec, struct zcodec_dict *dict);
void zcodec_dict_fini(const struct zcodec *codec, struct zcodec_dict *dict);
/* What it takes, in bytes. */
size_t zcodec_dict_bytes(const struct zcodec *codec, const struct zcodec_dict *dict);

/* PAGE_SIZE bytes to out: how many it takes there, 0 when they are more than max.  dict may be
 * NULL. */
size_t zcodec_squeeze(
    struct zcodec *codec, const struct zcodec_dict *dict, const void *page, void *out, size_t max);

/* The page back, by the dictionary that it was made small with; false: these bytes are no page's.
 */
MUST_CHECK bool zcodec_expand(
    struct zcodec *codec, const struct zcodec_dict *dict, const void *in, size_t len, void *page);

#endif
