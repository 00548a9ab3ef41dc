/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The frame is Linux's struct rt_sigframe of riscv64 (arch/riscv/kernel/signal.c): siginfo, then
 * ucontext.  Programs look into it, and change it, so it has exactly that layout (os/abi.h).
 * There is no vdso here; a page of every space holds the two instructions of the way back.
 */
#include "os/sigframe.h"

#include <stddef.h>
#include <string.h>

#include "os/machine.h"
#include "os/uaccess.h"

#define REG_RA 1
#define REG_SP 2
#define REG_A0 10
#define FCSR_BITS 0xffu

_Static_assert(offsetof(struct os_sigframe, uc) == 128, "ucontext follows siginfo");
_Static_assert(offsetof(struct os_ucontext, sigmask) == 40, "uc_sigmask");
_Static_assert(offsetof(struct os_ucontext, mcontext) == 176, "uc_mcontext");
_Static_assert(offsetof(struct os_sigcontext, f) == 256, "sc_fpregs");
_Static_assert(offsetof(struct os_sigcontext, fcsr) == 512, "fcsr of the double state");

const unsigned char os_trampoline_code[OS_TRAMPOLINE_LEN] = {
    0x93, 0x08, 0xb0, 0x08, /* li a7, 139 */
    0x73, 0x00, 0x00, 0x00, /* ecall */
};

bool
os_on_altstack(const struct os_thread *t, uint64_t sp)
{
    const struct os_stack *alt = &t->signals.altstack;

    return (alt->flags & OS_SS_DISABLE) == 0 && sp > alt->sp && sp - alt->sp <= alt->size;
}

/* Where the frame goes; 0: it would overflow the alternative stack that we are on. */
static uint64_t
frame_place(const struct os_thread *t, const struct os_sigaction *action, uint64_t sp)
{
    const struct os_stack *alt = &t->signals.altstack;
    bool on_alt = os_on_altstack(t, sp);

    if (on_alt && !os_on_altstack(t, sp - sizeof(struct os_sigframe)))
        return 0;
    if ((action->flags & OS_SA_ONSTACK) != 0 && (alt->flags & OS_SS_DISABLE) == 0 && !on_alt)
        sp = alt->sp + alt->size;
    return (sp - sizeof(struct os_sigframe)) & ~(uint64_t)15;
}

static void
save_context(struct os_sigcontext *to, const struct cpu_regs *regs)
{
    to->pc = regs->pc;
    memcpy(to->x, &regs->x[1], sizeof to->x);
    memcpy(to->f, regs->f, sizeof to->f);
    to->fcsr = regs->fcsr;
}

static void
load_context(struct cpu_regs *regs, const struct os_sigcontext *from)
{
    regs->pc = from->pc & ~(uint64_t)1;
    memcpy(&regs->x[1], from->x, sizeof from->x);
    memcpy(regs->f, from->f, sizeof from->f);
    regs->fcsr = from->fcsr & FCSR_BITS;
}

bool
os_sigframe_push(struct os_thread *t, const struct os_siginfo *info,
    const struct os_sigaction *action, uint64_t mask)
{
    struct cpu_regs *regs = os_thread_regs(t);
    uint64_t sp = regs->x[REG_SP];
    uint64_t place = frame_place(t, action, sp);
    struct os_sigframe frame = {
        .info = *info, .uc = {.stack = t->signals.altstack, .sigmask = mask}};

    if (place == 0)
        return false;
    if ((frame.uc.stack.flags & OS_SS_DISABLE) == 0)
        frame.uc.stack.flags = os_on_altstack(t, sp) ? OS_SS_ONSTACK : 0;
    save_context(&frame.uc.mcontext, regs);
    if (os_copy_out(t->process, place, &frame, sizeof frame) != 0)
        return false;
    regs->pc = action->handler;
    regs->x[REG_RA] = t->process->mm->layout.trampoline;
    regs->x[REG_SP] = place;
    regs->x[REG_A0] = (uint64_t)info->signo;
    regs->x[REG_A0 + 1] = place;
    regs->x[REG_A0 + 2] = place + offsetof(struct os_sigframe, uc);
    return true;
}

bool
os_sigframe_pop(struct os_thread *t)
{
    struct cpu_regs *regs = os_thread_regs(t);
    struct os_sigframe frame;

    if (os_copy_in(t->process, regs->x[REG_SP], &frame, sizeof frame) != 0)
        return false;
    t->signals.blocked = frame.uc.sigmask & ~(OS_SIGBIT(OS_SIGKILL) | OS_SIGBIT(OS_SIGSTOP));
    load_context(regs, &frame.uc.mcontext);
    return true;
}
