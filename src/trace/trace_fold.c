/* SPDX-License-Identifier: BSD-2-Clause */
#include "trace/trace_fold.h"

#include "base/size.h"

void
trace_fold_single(struct pgw_ref *ref)
{
    ref->count = 1;
    ref->writes = (ref->kind & PGW_REF_WRITE) != 0;
    ref->fetches = ref->kind == PGW_REF_FETCH;
}

/* piece is a run already: of one page, which is its address. */
static void
fold_piece(struct trace_fold *fold, const struct pgw_ref *piece)
{
    struct pgw_ref *run = fold->run;

    if (run->count > 0 && run->va == piece->va && run->process == piece->process &&
        (unsigned)run->count + piece->count <= UINT16_MAX &&
        !(fold->forked && run->writes == 0 && piece->writes > 0)) {
        run->count = (uint16_t)(run->count + piece->count);
        run->writes = (uint16_t)(run->writes + piece->writes);
        run->fetches = (uint16_t)(run->fetches + piece->fetches);
        return;
    }
    fold->run += run->count > 0;
    *fold->run = *piece;
}

void
trace_fold_add(struct trace_fold *fold, const struct pgw_ref *ref)
{
    struct pgw_ref piece = *ref;
    uint64_t last = ref->size > 0 ? ref->va + ref->size - 1 : ref->va;

    if (ref->count == 1)
        trace_fold_single(&piece);
    piece.size = 0;
    piece.va = page_floor(ref->va);
    fold_piece(fold, &piece);
    if (page_floor(last) == piece.va || last < ref->va) /* the latter: there is no next page */
        return;
    piece.va = page_floor(last);
    fold_piece(fold, &piece);
}
