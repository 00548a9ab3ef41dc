/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes that talk through pipes: a producer, three stages that transform, and a consumer,
 * with blocks larger than a pipe holds; then a broken pipe, end of file, and dup2. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

#define STAGES 3
#define BLOCK 70001

static void
write_all(int fd, const unsigned char *p, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, p, len);
        GUEST_CHECK(n > 0);
        p += n;
        len -= (size_t)n;
    }
}

static void
produce(int out, size_t blocks)
{
    static unsigned char block[BLOCK];
    for (size_t b = 0; b < blocks; b++) {
        for (size_t i = 0; i < BLOCK; i++)
            block[i] = (unsigned char)guest_value(b, i / 8);
        write_all(out, block, BLOCK);
    }
}

static void
transform(int in, int out, unsigned char key)
{
    static unsigned char buf[5000];
    for (ssize_t n; (n = read(in, buf, sizeof buf)) != 0;) {
        GUEST_CHECK(n > 0);
        for (ssize_t i = 0; i < n; i++)
            buf[i] ^= key;
        write_all(out, buf, (size_t)n);
    }
}

/* Forks one part of the pipeline; it reads from in and the result can be read from what is
 * returned.  in < 0: it is the producer. */
static int
start(int in, unsigned char key, size_t blocks)
{
    int fds[2];
    GUEST_CHECK(pipe(fds) == 0);
    pid_t pid = fork();
    GUEST_CHECK(pid >= 0);
    if (pid == 0) {
        close(fds[0]);
        if (in < 0)
            produce(fds[1], blocks);
        else
            transform(in, fds[1], key);
        _exit(0);
    }
    close(fds[1]);
    if (in >= 0)
        close(in);
    return fds[0];
}

static void
consume(int in, size_t blocks, unsigned char key)
{
    static unsigned char buf[3001];
    size_t at = 0;
    uint64_t sum = 0;
    for (ssize_t n; (n = read(in, buf, sizeof buf)) != 0; at += (size_t)n) {
        GUEST_CHECK(n > 0);
        for (ssize_t i = 0; i < n; i++) {
            size_t off = (at + (size_t)i) % BLOCK, b = (at + (size_t)i) / BLOCK;
            GUEST_CHECK((buf[i] ^ key) == (unsigned char)guest_value(b, off / 8));
            sum = guest_sum(sum, buf[i]);
        }
    }
    GUEST_CHECK(at == blocks * BLOCK);
    printf("%zu bytes through %d stages, sum %016lx\n", at, STAGES, sum);
}

static void
edges(void)
{
    int fds[2];
    char c;
    GUEST_CHECK(pipe(fds) == 0);
    close(fds[0]);
    signal(SIGPIPE, SIG_IGN);
    printf("broken pipe: %d\n", write(fds[1], "x", 1) == -1 && errno == EPIPE);
    close(fds[1]);
    printf("closed descriptor: %d\n", write(fds[1], "x", 1) == -1 && errno == EBADF);
    GUEST_CHECK(pipe(fds) == 0 && dup2(fds[1], 20) == 20 && close(fds[1]) == 0);
    ssize_t put = write(20, "q", 1), got = read(fds[0], &c, 1);
    printf("through dup: %zd %zd %c\n", put, got, c);
    close(20);
    printf("end of file: %zd\n", read(fds[0], &c, 1));
    close(fds[0]);
}

int
main(int argc, char **argv)
{
    size_t blocks = guest_arg(argc, argv, 1, 5);
    unsigned char key = 0;
    int fd = start(-1, 0, blocks);
    for (unsigned char s = 1; s <= STAGES; s++) {
        fd = start(fd, (unsigned char)(s * 37), blocks);
        key ^= (unsigned char)(s * 37);
    }
    consume(fd, blocks, key);
    close(fd);
    for (int status; wait(&status) > 0;)
        GUEST_CHECK(status == 0);
    edges();
    return 0;
}
