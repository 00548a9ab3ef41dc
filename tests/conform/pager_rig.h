/* SPDX-License-Identifier: BSD-2-Clause */
/* What the pager suites share: a pager over a temporary file, and one io at a time. */
#ifndef CONFORM_PAGER_RIG_H
#define CONFORM_PAGER_RIG_H

#include "support/test.h"

#include "pager/pagers.h"
#include "support/test_env.h"

#define CONFORM_FRAMES 512u

enum backend_kind { BACKEND_FILE, BACKEND_SWAP, BACKEND_ZPOOL, BACKEND_REMOTE, BACKEND_CHAIN };

struct backend {
    const char *name;
    enum backend_kind kind;
    bool delayed;  /* the device completes later and out of order */
    uint64_t pool; /* ZPOOL: frames */
    bool alone;    /* ZPOOL: there is no device under it */
    bool chain;    /* three devices share the slots */
    bool lz4;
    bool prose; /* ZPOOL: its text is such that dictionaries pay */
    bool aside; /* ZPOOL: in the last frames of RAM, from the start */
};

struct fixture {
    struct test_env env;
    const struct backend *backend;
    uint64_t nslots;
    uint64_t seed;
    struct host_file raw; /* the same file as the pager's, out of its sight */
    struct pager *pager;
    int server; /* REMOTE: its process */
};

struct call {
    struct pager_io io;
    bool done;
};

/* A page for this key: one in three is hard to compress, one one word throughout, one text. */
void pager_rig_fill(const struct fixture *f, unsigned char *bytes, uint64_t key);
void pager_rig_expect(const struct fixture *f, const unsigned char *bytes, uint64_t key);

/* A pager of nslots on a new file; the pager may fail to be made: then nothing is left of it. */
enum pgw_status pager_rig_open(struct fixture *f, uint64_t nslots);
void pager_rig_close(struct fixture *f);

/* *state: the struct backend.  begin: init and open; end: close and an account of all memory. */
void pager_rig_init(struct fixture *f, void **state);
void pager_rig_begin(struct fixture *f, void **state, uint64_t nslots);
void pager_rig_end(struct fixture *f);

/* An io over n frames of its own. */
void pager_rig_call_init(struct fixture *f, struct call *call, unsigned n);
void pager_rig_call_fini(struct fixture *f, struct call *call);
unsigned char *pager_rig_call_bytes(struct fixture *f, const struct call *call, unsigned i);
/* Waits for the io that was started with this result, and says how it ended. */
enum pgw_status pager_rig_call_finish(
    struct fixture *f, struct call *call, enum pgw_status started);

/* Puts n pages with keys key, key+1, ...; the pages themselves must not change. */
enum pgw_status pager_rig_put_pages(struct fixture *f, uint64_t key, unsigned n, uint64_t *slots);
/* Gets n slots; if that succeeds, they must hold the pages with these keys. */
enum pgw_status pager_rig_get_pages(
    struct fixture *f, const uint64_t *slots, const uint64_t *keys, unsigned n);
enum pgw_status pager_rig_get_page(struct fixture *f, uint64_t slot, uint64_t key);

/* A test over a backend. */
#define ON(test, backend)                                                                          \
    {                                                                                              \
#test " (" #backend ")", test, NULL, NULL, (void *)(uintptr_t)&backend                     \
    }

#endif
