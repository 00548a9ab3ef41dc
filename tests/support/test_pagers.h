/* SPDX-License-Identifier: BSD-2-Clause */
/* The pagers that whole cores are tested over: swap and a file, both on temporary host files. */
#ifndef SUPPORT_TEST_PAGERS_H
#define SUPPORT_TEST_PAGERS_H

#include "support/test_env.h"
#include "vm/pager.h"

/* Swap of that many slots; delayed: it completes later and out of order.  With 0 slots there is
 * none, and *pager is left alone.  On failure nothing is left. */
MUST_CHECK enum pgw_status test_swap_create(
    struct test_env *env, uint64_t slots, bool delayed, struct pager **pager);

/* The same over n devices in a chain, all but the last of them small; with n of 0 or 1 there is
 * one device and no chain. */
MUST_CHECK enum pgw_status test_chain_create(
    struct test_env *env, uint64_t slots, bool delayed, unsigned n, struct pager **pager);

/* A remote store at uri, with *pager behind it in a chain, which replaces it; *pager is one device.
 * With a uri of NULL, nothing is done.  On failure *pager is as it was. */
MUST_CHECK enum pgw_status test_remote_create(
    struct test_env *env, const char *uri, struct pager **pager);

/* A compressed pool of that many frames over *pager, which it replaces; aside: the last frames of
 * RAM, from the start.  With 0 frames, nothing is done.  On failure *pager is as it was. */
MUST_CHECK enum pgw_status test_pool_create(
    struct test_env *env, uint64_t frames, bool aside, struct pager **pager);

/* A file of npages pages, page i filled by test_page_fill(base + i).  On failure nothing is left;
 * the test fails if the host cannot make the file.  It may be written; *fd (may be NULL): the same
 * file for the test to look at, which closes it. */
MUST_CHECK enum pgw_status test_file_create(
    struct test_env *env, uint64_t npages, uint64_t base, struct pager **pager, int *fd);

#endif
