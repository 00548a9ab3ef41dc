/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One scheme's run.
 *
 *      compare_run                     the child
 *      pipe out  <--- 1 ---------------+ pgw_system_create, pgw_run: the program
 *      pipe err  <--- 2 ---------------+
 *      pipe row  <--- struct compare_row, once, at the end
 *
 * The parent hashes what comes down the first two until they are closed.  It never waits for
 * anything but the child, which has no terminal to read from, so that ending the child ends the
 * wait.
 */
#include "compare_run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xxhash.h>

/* What a signal handler knows: the two things that it cannot be handed. */
static volatile sig_atomic_t compare_signal;
static volatile sig_atomic_t compare_child;

static const int compare_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
#define COMPARE_SIGNALS (sizeof compare_signals / sizeof compare_signals[0])

static void
compare_handle(int signo)
{
    compare_signal = signo;
    if (compare_child > 0)
        (void)kill((pid_t)compare_child, SIGKILL);
}

void
compare_catch(void)
{
    struct sigaction old, action = {.sa_handler = compare_handle};

    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < COMPARE_SIGNALS; i++) {
        if (sigaction(compare_signals[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            (void)sigaction(compare_signals[i], &action, NULL);
    }
}

int
compare_interrupted(void)
{
    return (int)compare_signal;
}

static void
compare_message(void *ctx, const char *text)
{
    struct compare_row *row = ctx;

    if (row->note[0] == '\0')
        (void)snprintf(row->note, sizeof row->note, "%s", text);
}

static void
compare_unfit(struct compare_row *row, enum pgw_status status, const char *why)
{
    row->end = COMPARE_UNFIT;
    row->status = status;
    (void)snprintf(row->note, sizeof row->note, "%s", why);
}

/* The child's part: the program, from its start to its end. */
static void
compare_program(const struct pgw_config *given, char *const *program, struct compare_row *row)
{
    struct pgw_config config = *given;
    struct pgw_system *system = NULL;
    char error[COMPARE_NOTE_MAX] = "";
    int ended = 0;

    config.mmu = row->mmu;
    config.window = 0;
    config.message = compare_message;
    config.message_ctx = row;
    config.error = error;
    config.error_len = sizeof error;
    enum pgw_status status = pgw_system_create(&config, &system);
    if (status != PGW_OK) {
        compare_unfit(row, status, error);
        return;
    }
    status = pgw_run(system, program[0], program, environ, &ended);
    row->stats.size = sizeof row->stats;
    if (status == PGW_OK)
        status = pgw_system_stats(system, &row->stats);
    if (status != PGW_OK) {
        compare_unfit(row, status, pgw_error_text(system));
    } else if (WIFSIGNALED(ended)) {
        row->end = row->stats.killed_for_memory > 0 ? COMPARE_MEMORY : COMPARE_SIGNAL;
        row->code = WTERMSIG(ended);
    } else {
        row->end = COMPARE_EXITED;
        row->code = WEXITSTATUS(ended);
    }
    pgw_system_destroy(system);
}

/* Never returns. */
static void
compare_be_child(const struct pgw_config *config, char *const *program, int in,
    const int pipes[3][2], struct compare_row *row)
{
    /* An interrupt is the parent's to answer; without a parent there is nobody to run for. */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (size_t i = 0; i < COMPARE_SIGNALS; i++)
        (void)signal(compare_signals[i], SIG_IGN);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN);
    if (lseek(in, 0, SEEK_SET) == -1 || dup2(in, 0) == -1 || dup2(pipes[0][1], 1) == -1 ||
        dup2(pipes[1][1], 2) == -1)
        _exit(1);
    compare_program(config, program, row);
    ssize_t put = write(pipes[2][1], row, sizeof *row);
    _exit(put == (ssize_t)sizeof *row ? 0 : 1);
}

/* What one pipe brings, as it comes. */
struct compare_hashing {
    XXH3_state_t *state;
    struct compare_output *out;
};

/* False: there is no more. */
static bool
compare_take(int fd, struct compare_hashing *hashing)
{
    char bytes[65536];
    ssize_t n = read(fd, bytes, sizeof bytes);

    if (n == -1)
        return errno == EINTR;
    if (n == 0)
        return false;
    (void)XXH3_64bits_update(hashing->state, bytes, (size_t)n);
    hashing->out->bytes += (uint64_t)n;
    return true;
}

/* Until both outputs have been closed. */
static void
compare_hash(int out, int err, struct compare_hashing hashing[2])
{
    struct pollfd fds[2] = {{.fd = out, .events = POLLIN}, {.fd = err, .events = POLLIN}};

    while (fds[0].fd != -1 || fds[1].fd != -1) {
        if (poll(fds, 2, -1) == -1 && errno != EINTR)
            return;
        for (int i = 0; i < 2; i++) {
            if (fds[i].fd != -1 && fds[i].revents != 0 && !compare_take(fds[i].fd, &hashing[i]))
                fds[i].fd = -1;
            fds[i].revents = 0;
        }
    }
}

/* Fills row with what came of the child. */
static void
compare_collect(pid_t child, const int pipes[3][2], struct compare_row *row)
{
    struct compare_row came;
    struct compare_output out = {0}, err = {0};
    struct compare_hashing hashing[2] = {{XXH3_createState(), &out}, {XXH3_createState(), &err}};
    int ended = 0;

    for (int i = 0; i < 2 && hashing[i].state != NULL; i++)
        (void)XXH3_64bits_reset(hashing[i].state);
    if (hashing[0].state != NULL && hashing[1].state != NULL) {
        compare_hash(pipes[0][0], pipes[1][0], hashing);
        out.hash = XXH3_64bits_digest(hashing[0].state);
        err.hash = XXH3_64bits_digest(hashing[1].state);
    } else {
        (void)kill(child, SIGKILL);
    }
    (void)XXH3_freeState(hashing[0].state);
    (void)XXH3_freeState(hashing[1].state);
    ssize_t n = read(pipes[2][0], &came, sizeof came);
    while (waitpid(child, &ended, 0) == -1 && errno == EINTR)
        ;
    compare_child = 0;
    if (n == (ssize_t)sizeof came) {
        *row = came;
        row->out = out;
        row->err = err;
        return;
    }
    row->end = compare_interrupted() != 0 ? COMPARE_STOPPED : COMPARE_BROKEN;
    row->code = WIFSIGNALED(ended) ? WTERMSIG(ended) : 0;
}

static void
compare_close(int pipes[3][2], int side)
{
    for (int i = 0; i < 3; i++) {
        if (pipes[i][side] != -1)
            (void)close(pipes[i][side]);
        pipes[i][side] = -1;
    }
}

void
compare_run(const struct pgw_config *config, char *const *program, int in, struct compare_row *row)
{
    int pipes[3][2] = {{-1, -1}, {-1, -1}, {-1, -1}};

    row->end = COMPARE_STOPPED;
    if (compare_interrupted() != 0)
        return;
    for (int i = 0; i < 3; i++) {
        if (pipe2(pipes[i], O_CLOEXEC) != 0) {
            compare_unfit(row, PGW_IO, strerror(errno));
            compare_close(pipes, 0);
            compare_close(pipes, 1);
            return;
        }
    }
    (void)fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        compare_be_child(config, program, in, pipes, row);
    compare_close(pipes, 1);
    if (child == -1) {
        compare_unfit(row, PGW_NOMEM, strerror(errno));
    } else {
        compare_child = child;
        if (compare_interrupted() != 0) /* it came before there was a child to end */
            (void)kill(child, SIGKILL);
        compare_collect(child, pipes, row);
    }
    compare_close(pipes, 0);
}
