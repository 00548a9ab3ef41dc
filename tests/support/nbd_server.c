/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The newstyle protocol as far as libnbd needs it: options are refused but NBD_OPT_GO, answers are
 * simple ones.  One connection at a time.  Source: the protocol's own text,
 * github.com/NetworkBlockDevice/nbd, doc/proto.md.
 */
#include "support/test.h"

#include "support/nbd_server.h"

#include <endian.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAGIC UINT64_C(0x4e42444d41474943)
#define HAVE_OPT UINT64_C(0x49484156454f5054)
#define OPT_REPLY UINT64_C(0x3e889045565a9)
#define OPT_GO 7u
#define REP_ACK 1u
#define REP_INFO 3u
#define REP_UNSUPPORTED (UINT32_C(1) << 31 | 1u)
#define REQUEST UINT32_C(0x25609513)
#define ANSWER UINT32_C(0x67446698)
#define REQUEST_MOST (1u << 17) /* bytes of one */
#define CMD_READ 0u
#define CMD_WRITE 1u
#define CMD_DISC 2u

/* A connection. */
struct served {
    const struct nbd_server_config *config;
    unsigned char *store;
    enum nbd_wrong wrong; /* of this one */
    int fd;
};

/* --- bytes --- */

static bool
served_read(const struct served *served, void *buf, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t got = read(served->fd, (char *)buf + done, len - done);
        if (got <= 0)
            return false;
        done += (size_t)got;
    }
    return true;
}

static bool
served_write(const struct served *served, const void *buf, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t put = send(served->fd, (const char *)buf + done, len - done, MSG_NOSIGNAL);
        if (put <= 0)
            return false;
        done += (size_t)put;
    }
    return true;
}

/* Until the other side has had enough. */
static void
served_trickle(const struct served *served, const void *buf, size_t len)
{
    for (size_t i = 0; i < len && served_write(served, (const char *)buf + i, 1); i++)
        (void)usleep(50000);
}

static void
served_wait(const struct served *served)
{
    char byte;

    while (read(served->fd, &byte, 1) > 0)
        continue;
}

/* --- the greeting --- */

struct greeting {
    uint64_t magic, have_opt;
    uint16_t flags;
} __attribute__((packed));

struct option {
    uint64_t have_opt;
    uint32_t option, len;
} __attribute__((packed));

struct option_reply {
    uint64_t magic;
    uint32_t option, type, len;
} __attribute__((packed));

static bool
served_reply(
    const struct served *served, uint32_t option, uint32_t type, const void *data, uint32_t len)
{
    struct option_reply reply = {htobe64(OPT_REPLY), htobe32(option), htobe32(type), htobe32(len)};

    return served_write(served, &reply, sizeof reply) && served_write(served, data, len);
}

static bool
served_tell(const struct served *served)
{
    const struct nbd_server_config *config = served->config;
    struct {
        uint16_t type;
        uint64_t size;
        uint16_t flags;
    } __attribute__((packed)) export = {
        0, htobe64(config->size), htobe16((uint16_t)(1u | (config->read_only ? 2u : 0u)))};
    struct {
        uint16_t type;
        uint32_t least, preferred, most;
    } __attribute__((packed))
    block = {htobe16(3), htobe32(config->block_least), htobe32(4096), htobe32(config->block_most)};

    if (config->block_least > 4096)
        block.preferred = block.least;
    if (config->block_most < 4096)
        block.preferred = block.most;
    return served_reply(served, OPT_GO, REP_INFO, &export, sizeof export) &&
           (config->block_most == 0 ||
               served_reply(served, OPT_GO, REP_INFO, &block, sizeof block)) &&
           served_reply(served, OPT_GO, REP_ACK, NULL, 0);
}

static bool
served_greet(const struct served *served)
{
    struct greeting hello = {htobe64(MAGIC), htobe64(HAVE_OPT), htobe16(3)};
    unsigned char data[4096];
    struct option option;
    uint32_t flags;

    if (served->wrong == NBD_GREETS_RUBBISH)
        memset(&hello, '?', sizeof hello);
    if (served->wrong == NBD_GREETS_NOT)
        served_wait(served);
    if (served->wrong == NBD_GREETS_SLOWLY)
        served_trickle(served, &hello, sizeof hello);
    if (served->wrong == NBD_GREETS_SHORT)
        (void)served_write(served, &hello, sizeof hello / 2);
    if (served->wrong > NBD_RIGHT && served->wrong < NBD_WAITS &&
        served->wrong != NBD_GREETS_RUBBISH)
        return false;
    if (!served_write(served, &hello, sizeof hello) || !served_read(served, &flags, sizeof flags))
        return false;
    while (served_read(served, &option, sizeof option)) {
        uint32_t len = be32toh(option.len), what = be32toh(option.option);
        if (len > sizeof data || !served_read(served, data, len))
            return false;
        if (what == OPT_GO)
            return served_tell(served);
        if (!served_reply(served, what, REP_UNSUPPORTED, NULL, 0))
            return false;
    }
    return false;
}

/* --- requests --- */

struct request {
    uint32_t magic;
    uint16_t flags, type;
    uint64_t cookie, offset;
    uint32_t len;
} __attribute__((packed));

struct answer {
    uint32_t magic, error;
    uint64_t cookie;
} __attribute__((packed));

/* Does what is asked; the bytes that are read follow the answer. */
static bool
served_do(const struct served *served, const struct request *request, enum nbd_wrong wrong,
    unsigned char *message)
{
    uint16_t type = be16toh(request->type);
    uint64_t offset = be64toh(request->offset);
    size_t len = be32toh(request->len);

    if (be32toh(request->magic) != REQUEST || type > CMD_WRITE || len > REQUEST_MOST ||
        offset + len > served->config->size)
        return false;
    unsigned char *data = message + sizeof(struct answer);
    if (type == CMD_WRITE) {
        if (!served_read(served, data, len))
            return false;
        if (wrong != NBD_LOSES)
            memcpy(served->store + offset, data, len);
        return true;
    }
    memcpy(data, served->store + offset, len);
    data[len / 3] ^= wrong == NBD_LIES;
    return true;
}

/* True: the connection goes on. */
static bool
served_answer(const struct served *served, const struct request *request, enum nbd_wrong wrong,
    unsigned char *message)
{
    bool reads = be16toh(request->type) == CMD_READ && wrong != NBD_FAILS;
    size_t len = sizeof(struct answer) + (reads ? be32toh(request->len) : 0);
    struct answer answer = {htobe32(ANSWER), htobe32(wrong == NBD_FAILS ? 5 : 0), request->cookie};

    if (wrong == NBD_STRANGER)
        answer.cookie ^= htobe64(1u << 20);
    if (wrong == NBD_RUBBISH)
        answer.magic ^= 1;
    memcpy(message, &answer, sizeof answer);
    if (wrong == NBD_WAITS)
        (void)usleep(30000);
    switch (wrong) {
    case NBD_STALLS:
        return true;
    case NBD_CLOSES:
        return false;
    case NBD_HALVES:
        (void)served_write(served, message, len / 2);
        return false;
    case NBD_TRICKLES:
        served_trickle(served, message, len);
        return false;
    default:
        return served_write(served, message, len);
    }
}

static void
served_serve(const struct served *served)
{
    static unsigned char message[sizeof(struct answer) + REQUEST_MOST];
    struct request request;

    if (!served_greet(served))
        return;
    for (unsigned n = 0; served_read(served, &request, sizeof request); n++) {
        enum nbd_wrong wrong = n < served->config->after ? NBD_RIGHT : served->wrong;
        if (be16toh(request.type) == CMD_DISC || !served_do(served, &request, wrong, message) ||
            !served_answer(served, &request, wrong, message))
            return;
    }
}

/* --- the process --- */

static void
server_run(int fd, const struct nbd_server_config *config)
{
    static unsigned char store[NBD_SERVER_MOST];
    struct served served = {.config = config, .store = store};

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (unsigned n = 0; (served.fd = accept(fd, NULL, NULL)) >= 0; n++) {
        bool well = n < config->skip || (config->times > 0 && n >= config->skip + config->times);
        served.wrong = well ? NBD_RIGHT : config->wrong;
        served_serve(&served);
        (void)close(served.fd);
    }
    _exit(1);
}

static const char *
server_path(const struct nbd_server *server)
{
    return strchr(server->uri, '=') + 1;
}

/* Starts to listen where the URI says. */
static void
server_listen(struct nbd_server *server, const struct nbd_server_config *config)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)snprintf(at.sun_path, sizeof at.sun_path, "%s", server_path(server));
    (void)unlink(at.sun_path);
    assert_true(config->size <= NBD_SERVER_MOST && fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fd, 8), 0);
    server->pid = fork();
    assert_true(server->pid >= 0);
    if (server->pid == 0)
        server_run(fd, config);
    (void)close(fd);
}

static void
server_kill(const struct nbd_server *server)
{
    assert_int_equal(kill(server->pid, SIGKILL), 0);
    assert_int_equal(waitpid(server->pid, NULL, 0), server->pid);
}

void
nbd_server_start(struct nbd_server *server, const struct nbd_server_config *config)
{
    (void)snprintf(
        server->uri, sizeof server->uri, "nbd+unix:///?socket=/tmp/nbd-server-%d", (int)getpid());
    server_listen(server, config);
}

void
nbd_server_restart(struct nbd_server *server, const struct nbd_server_config *config)
{
    server_kill(server);
    server_listen(server, config);
}

void
nbd_server_stop(struct nbd_server *server)
{
    server_kill(server);
    (void)unlink(server_path(server));
}
