/* SPDX-License-Identifier: BSD-2-Clause */
/* An NBD server for tests, in a process of its own, that does what it is told to do wrong. */
#ifndef SUPPORT_NBD_SERVER_H
#define SUPPORT_NBD_SERVER_H

#include <stdbool.h>
#include <stdint.h>

/* What is wrong with it.  The first ones spoil the greeting, the others what comes after it. */
enum nbd_wrong {
    NBD_RIGHT,
    NBD_GREETS_NOT,     /* silent from the start */
    NBD_GREETS_SLOWLY,  /* a byte now and then, for much longer than anybody waits */
    NBD_GREETS_RUBBISH, /* something else listens there */
    NBD_GREETS_SHORT,   /* the end of the connection, half-way */
    NBD_WAITS,          /* a while before each answer, which is right */
    NBD_STALLS,         /* requests are read, and not answered */
    NBD_TRICKLES,       /* answers come a byte at a time */
    NBD_CLOSES,         /* the connection ends instead of an answer */
    NBD_HALVES,         /* the connection ends half-way through the answer */
    NBD_FAILS,          /* every request ends in an error */
    NBD_STRANGER,       /* answers to what nobody asked */
    NBD_RUBBISH,        /* what comes is no answer */
    NBD_LIES,           /* a byte of what is read is another one */
    NBD_LOSES           /* what is written is not kept */
};

struct nbd_server_config {
    uint64_t size; /* bytes that are exported, at most NBD_SERVER_MOST */
    bool read_only;
    uint32_t block_least, block_most; /* 0: it does not say */
    enum nbd_wrong wrong;
    unsigned after; /* requests of a connection that go well before it is wrong */
    unsigned times; /* connections that are wrong, the first ones; 0: all */
    unsigned skip;  /* connections before these, which go well */
};

#define NBD_SERVER_MOST (1u << 20)

struct nbd_server {
    int pid;
    char uri[96];
};

/* Fails the test if it cannot be started.  What was written lasts as long as the server does; a
 * test program has one at a time. */
void nbd_server_start(struct nbd_server *server, const struct nbd_server_config *config);
/* Another one in its place, which knows nothing of what was written. */
void nbd_server_restart(struct nbd_server *server, const struct nbd_server_config *config);
void nbd_server_stop(struct nbd_server *server);

#endif
