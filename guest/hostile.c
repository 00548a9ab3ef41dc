/* SPDX-License-Identifier: BSD-2-Clause */
/* What would stop or exhaust a careless machine: processes that wait for each other's locks and
 * FIFOs, code flushed by the kernel, faults in fault handlers, frames that lie, limits. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

#define BIG ((size_t)200000)

static char directory[] = "/tmp/hostile-XXXXXX";

/* The child's exit status, or 128 and its signal. */
static int
outcome(pid_t pid)
{
    int status;

    GUEST_CHECK(waitpid(pid, &status, 0) == pid);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* The child asks for a lock that its parent gives back only later. */
static void
locks(bool record)
{
    const struct flock whole = {.l_type = F_WRLCK};
    int fd = open("lock", O_CREAT | O_RDWR | O_TRUNC, 0600);
    pid_t pid;

    GUEST_CHECK((record ? fcntl(fd, F_OFD_SETLK, &whole) : flock(fd, LOCK_EX)) == 0);
    pid = fork();
    if (pid == 0) {
        char seen = 0;
        int own = open("lock", O_RDWR);
        close(fd);
        GUEST_CHECK((record ? fcntl(own, F_OFD_SETLKW, &whole) : flock(own, LOCK_EX)) == 0);
        GUEST_CHECK(pread(own, &seen, 1, 0) == 1 && seen == 'x');
        _exit(3);
    }
    usleep(2000);
    GUEST_CHECK(write(fd, "x", 1) == 1);
    close(fd);
    printf("%s lock: %d\n", record ? "record" : "file", outcome(pid));
}

/* A writer that waits for its reader, and writes more than the FIFO holds. */
static void
fifo(void)
{
    static char bytes[BIG];
    size_t total = 0;
    ssize_t n;

    GUEST_CHECK(mkfifo("fifo", 0600) == 0);
    GUEST_CHECK(truncate("fifo", 0) < 0 && errno == EINVAL);
    pid_t pid = fork();
    if (pid == 0) {
        int out = open("fifo", O_WRONLY);
        memset(bytes, 'y', BIG);
        _exit(write(out, bytes, BIG) == (ssize_t)BIG ? 4 : 5);
    }
    int in = open("fifo", O_RDONLY);
    while ((n = read(in, bytes, 5000)) > 0)
        for (ssize_t i = 0; i < n; i++)
            total += bytes[i] == 'y';
    printf("fifo: %zu bytes, %d\n", total, outcome(pid));
}

/* sendfile to a FIFO that is full most of the time: all of the file arrives. */
static void
sent(void)
{
    static unsigned char bytes[5000];
    int fd = open("whole", O_CREAT | O_RDWR, 0600);
    size_t total = 0, wrong = 0;
    ssize_t n;

    for (size_t i = 0; i < BIG; i += sizeof bytes) {
        for (size_t k = 0; k < sizeof bytes; k++)
            bytes[k] = (unsigned char)((i + k) * 2654435761u >> 13);
        GUEST_CHECK(write(fd, bytes, sizeof bytes) == (ssize_t)sizeof bytes);
    }
    GUEST_CHECK(lseek(fd, 0, SEEK_SET) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        int out = open("fifo", O_WRONLY);
        while ((n = sendfile(out, fd, NULL, BIG)) > 0)
            ;
        _exit(n == 0 ? 4 : 5);
    }
    int in = open("fifo", O_RDONLY);
    while ((n = read(in, bytes, sizeof bytes)) > 0)
        for (ssize_t i = 0; i < n; i++)
            wrong += bytes[i] != (unsigned char)(total++ * 2654435761u >> 13);
    printf("sent: %zu bytes, %zu wrong, %d\n", total, wrong, outcome(pid));
    close(in);
    close(fd);
    GUEST_CHECK(unlink("whole") == 0);
}

/* Code that is rewritten, with nothing but the C library's own flush between. */
static void
flushed_code(void)
{
    uint32_t *code = mmap(
        NULL, GUEST_PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    GUEST_CHECK(code != MAP_FAILED);
    for (uint32_t i = 0; i < 5; i++) {
        code[0] = 0x00000513u | i << 20; /* li a0, i */
        code[1] = 0x00008067u;           /* ret */
        __builtin___clear_cache((char *)code, (char *)(code + 2));
        GUEST_CHECK(((uint32_t(*)(void))(uintptr_t)code)() == i);
    }
    printf("flushed code: as written\n");
}

static volatile uintptr_t nowhere = 8;

static void
fault_again(int sig)
{
    (void)sig;
    *(volatile int *)nowhere = 1;
}

/* A fault in its own handler ends the process, and so does a frame that nobody has made. */
static void
bad_frames(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        signal(SIGSEGV, fault_again);
        *(volatile int *)nowhere = 1;
    }
    printf("fault in the handler: %d\n", outcome(pid));
    pid = fork();
    if (pid == 0)
        __asm__ volatile("li sp, -256\n li a7, 139\n ecall");
    printf("frame in the kernel's half: %d\n", outcome(pid));
}

/* Signals that are queued and never taken, pipes that are never closed. */
static void
limits(void)
{
    sigset_t all;
    int ends[2];
    int n = 0;

    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    while (n < 1000000 && sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = n}) == 0)
        n++;
    printf("queued signals have a limit: %d\n", n < 1000000 && errno == EAGAIN);
    for (n = 0; n < 100000 && pipe(ends) == 0;)
        n++;
    printf("pipes have a limit: %d\n", n < 100000 && (errno == EMFILE || errno == ENFILE));
}

static void
odd_numbers(void)
{
    off_t negative = -1;
    int fd = open("lock", O_RDWR);

    printf("kill: %d", (int)syscall(SYS_kill, INT_MIN, 0) == -1 && errno == ESRCH);
    printf(" wait4: %d", (int)syscall(SYS_wait4, INT_MIN, 0, 0, 0) == -1);
    printf(" sendfile: %d\n", sendfile(fd, fd, &negative, 1) == -1 && errno == EINVAL);
    close(fd);
}

int
main(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    GUEST_CHECK(mkdtemp(directory) != NULL && chdir(directory) == 0);
    locks(false);
    locks(true);
    fifo();
    sent();
    flushed_code();
    bad_frames();
    odd_numbers();
    GUEST_CHECK(unlink("lock") == 0 && unlink("fifo") == 0 && rmdir(directory) == 0);
    limits();
    return 0;
}
