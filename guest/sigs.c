/* SPDX-License-Identifier: BSD-2-Clause */
/* Signals: handlers with their siginfo, masks, alternate stacks, faults with address and code,
 * an overflowing stack that is survived, jumps out of handlers, and kill between processes. */
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "guest.h"

static sigjmp_buf escape;
static volatile uintptr_t fault_address;
static volatile int fault_signal, fault_code, handled, order;

static void
on_fault(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    GUEST_CHECK(uc->uc_mcontext.__gregs[REG_PC] != 0);
    fault_signal = sig;
    fault_code = info->si_code;
    fault_address = (uintptr_t)info->si_addr;
    siglongjmp(escape, 1);
}

static void
on_user(int sig)
{
    handled += sig == SIGUSR1 ? 1 : 100;
    order = order * 10 + (sig == SIGUSR1 ? 1 : 2);
}

static void
install(int sig, void (*handler)(int, siginfo_t *, void *), int flags)
{
    struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};
    sigemptyset(&sa.sa_mask);
    GUEST_CHECK(sigaction(sig, &sa, NULL) == 0);
}

static void
touch(volatile unsigned char *at, bool write, const char *what)
{
    fault_signal = fault_code = 0;
    if (sigsetjmp(escape, 1) == 0) {
        if (write)
            *at = 1;
        else
            (void)*at;
    }
    printf("%s: signal %d code %d address right %d\n", what, fault_signal, fault_code,
        fault_address == (uintptr_t)at || ((uintptr_t)at >> 47 != 0 && guest_lenient()));
}

static void
test_faults(void)
{
    unsigned char *p = mmap(NULL, 3 * GUEST_PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    GUEST_CHECK(p != MAP_FAILED && munmap(p + GUEST_PAGE, GUEST_PAGE) == 0);
    install(SIGSEGV, on_fault, 0);
    install(SIGBUS, on_fault, 0);
    touch(NULL, false, "read of null");
    touch((unsigned char *)16, true, "write near null");
    touch(p + GUEST_PAGE + 7, false, "read of a hole");
    touch(p + 9, true, "write to read-only memory");
    touch((unsigned char *)test_faults, true, "write to the program's text");
    touch((unsigned char *)0xffffffc000001000u, false, "read of the kernel's half");
    touch((unsigned char *)0x7000000000000000u, true, "write where no address is");
    munmap(p, 3 * GUEST_PAGE);
}

static void
test_execute(void)
{
    static uint32_t data[4];
    void (*code)(void) = (void (*)(void))(uintptr_t)data;
    fault_signal = 0;
    if (sigsetjmp(escape, 1) == 0)
        code();
    printf("execution of data: signal %d code %d address right %d\n", fault_signal, fault_code,
        fault_address == (uintptr_t)data);
    install(SIGILL, on_fault, 0);
    fault_signal = 0;
    if (sigsetjmp(escape, 1) == 0)
        __asm__ volatile(".word 0x30200073"); /* mret: not for user mode */
    printf("privileged instruction: signal %d code %d\n", fault_signal, fault_code);
    install(SIGTRAP, on_fault, 0);
    fault_signal = 0;
    if (sigsetjmp(escape, 1) == 0)
        __asm__ volatile("ebreak");
    printf("breakpoint: signal %d code %d\n", fault_signal, fault_code);
}

static int
deeper(volatile char *above)
{
    volatile char room[4000];
    room[0] = above[0];
    room[3999] = (char)(room[0] + 1);
    return room[3999] == 1 ? deeper(room) + room[3999] : 0;
}

static void
test_overflow(void)
{
    static char stack[64 * 1024];
    stack_t alt = {.ss_sp = stack, .ss_size = sizeof stack};
    GUEST_CHECK(sigaltstack(&alt, NULL) == 0);
    install(SIGSEGV, on_fault, SA_ONSTACK);
    char zero = 0;
    fault_signal = 0;
    if (sigsetjmp(escape, 1) == 0)
        printf("%d\n", deeper(&zero));
    printf("stack overflow survived: signal %d\n", fault_signal);
    stack_t off = {.ss_flags = SS_DISABLE};
    GUEST_CHECK(sigaltstack(&off, NULL) == 0);
}

static void
test_masks(void)
{
    sigset_t both, old, pending;
    signal(SIGUSR1, on_user);
    signal(SIGUSR2, on_user);
    sigemptyset(&both);
    sigaddset(&both, SIGUSR1);
    sigaddset(&both, SIGUSR2);
    GUEST_CHECK(sigprocmask(SIG_BLOCK, &both, &old) == 0);
    raise(SIGUSR2);
    raise(SIGUSR1);
    raise(SIGUSR1);
    sigpending(&pending);
    printf("blocked: handled %d, pending %d %d\n", handled, sigismember(&pending, SIGUSR1),
        sigismember(&pending, SIGUSR2));
    GUEST_CHECK(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
    printf("let through: handled %d\n", handled);
    signal(SIGUSR1, SIG_IGN);
    raise(SIGUSR1);
    printf("ignored: handled %d\n", handled);
    signal(SIGUSR1, on_user);
}

static void
test_kill(void)
{
    int fds[2], status;
    char c = 0;
    GUEST_CHECK(pipe(fds) == 0);
    pid_t pid = fork();
    GUEST_CHECK(pid >= 0);
    if (pid == 0) {
        handled = 0;
        GUEST_CHECK(write(fds[1], "r", 1) == 1);
        while (handled == 0)
            ;
        kill(getppid(), SIGUSR2);
        for (;;)
            pause();
    }
    int before = handled;
    GUEST_CHECK(read(fds[0], &c, 1) == 1);
    GUEST_CHECK(kill(pid, SIGUSR1) == 0);
    while (handled == before)
        sched_yield();
    GUEST_CHECK(kill(pid, SIGTERM) == 0 && waitpid(pid, &status, 0) == pid);
    printf("child: signalled %d with %d\n", WIFSIGNALED(status), WTERMSIG(status));
    printf("kill of nobody: %d\n", kill(pid, 0) == -1 && errno == ESRCH);
}

int
main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    struct rlimit small = {1 << 20, 1 << 20};
    setrlimit(RLIMIT_STACK, &small);
    test_faults();
    test_execute();
    test_overflow();
    test_masks();
    test_kill();
    return 0;
}
