/* SPDX-License-Identifier: BSD-2-Clause */
#include "os/faultmsg.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "os/machine.h"

/* Distances beyond this do not help anybody. */
#define NEAR ((uint64_t)16 << 20)
#define REGION_TEXT 96
#define OVERCOMMIT_NEVER 2u /* as struct os_memory tells it */

static const char *const access_words[] = {
    [ACCESS_READ] = "read from",
    [ACCESS_WRITE] = "write to",
    [ACCESS_EXEC] = "jump to",
};

static void
region_text(const struct space_region *region, char *out, size_t len)
{
    static const char *const uses[] = {
        [SPACE_USE_ANON] = "mapping",
        [SPACE_USE_FILE] = "file mapping",
        [SPACE_USE_HEAP] = "heap",
        [SPACE_USE_STACK] = "stack",
        [SPACE_USE_SHM] = "shared memory",
    };

    snprintf(out, len, "the %s 0x%" PRIx64 "-0x%" PRIx64 " %c%c%c", uses[region->use],
        region->start, region->end, (region->prot & PROT_MASK_R) != 0 ? 'r' : '-',
        (region->prot & PROT_MASK_W) != 0 ? 'w' : '-',
        (region->prot & PROT_MASK_X) != 0 ? 'x' : '-');
}

/* The last region that ends at or below va. */
static bool
region_below(struct space *space, uint64_t va, struct space_region *below)
{
    struct space_region region;
    bool found = false;

    for (uint64_t at = 0; space->ops->find(space, at, &region) && region.end <= va;
         at = region.end) {
        *below = region;
        found = true;
    }
    return found;
}

void
os_fault_place(struct space *space, uint64_t va, char *out, size_t len)
{
    struct space_region above;
    struct space_region below;
    char text[REGION_TEXT];
    bool has_above = space->ops->find(space, va, &above);
    bool has_below = region_below(space, va, &below);
    int n = 0;

    if (has_above && above.start <= va) {
        region_text(&above, text, sizeof text);
        snprintf(out, len, "in %s", text);
        return;
    }
    if (va < PAGE_SIZE) {
        snprintf(out, len, "nothing is mapped there (a null pointer?)");
        return;
    }
    out[0] = '\0';
    if (has_below) {
        region_text(&below, text, sizeof text);
        if (va == below.end)
            n = snprintf(out, len, "right past the end of %s", text);
        else if (va - below.end < NEAR)
            n = snprintf(out, len, "%" PRIu64 " bytes past the end of %s", va - below.end, text);
        else
            n = snprintf(out, len, "nothing is mapped there; below is %s", text);
    }
    if (has_above && n >= 0 && (size_t)n < len) {
        region_text(&above, text, sizeof text);
        if (above.start - va < NEAR)
            snprintf(out + n, len - (size_t)n, "%s%" PRIu64 " bytes below %s", n > 0 ? ", " : "",
                above.start - va, text);
        else
            snprintf(out + n, len - (size_t)n, "%s %s", n > 0 ? "; above is" : "below", text);
    }
}

static void
say(struct os_process *p, const char *what, const char *place)
{
    struct os *os = p->os;
    const struct cpu_regs *regs = os_process_regs(p);

    os_say(os, "%s (pid %d): %s%s%s", p->name, p->pid, what, place[0] != '\0' ? ": " : "", place);
    os_say(os,
        "    pc 0x%" PRIx64 "  ra 0x%" PRIx64 "  sp 0x%" PRIx64 "  after %" PRIu64 " instructions",
        regs->pc, regs->x[1], regs->x[2], p->instructions);
}

/* What may be promised, if that is what a program may have run into: false where all may be. */
static bool
say_promises(struct os *os, const char *what)
{
    struct os_memory memory = {.overcommit = 0};
    char limit[16], promised[16];

    if (os->config.memory != NULL)
        os->config.memory(os->config.ctx, &memory);
    if (memory.overcommit != OVERCOMMIT_NEVER)
        return false;
    base_size_format(memory.commit_limit * PAGE_SIZE, limit, sizeof limit);
    base_size_format(memory.committed * PAGE_SIZE, promised, sizeof promised);
    os_say(os, "    %s may have been refused: of %s that --overcommit never may promise, %s are",
        what, limit, promised);
    return true;
}

/* True if a mapping is so near below the stack's next page, and told, that it could not grow. */
static bool
say_stack_neighbour(struct os_process *p, uint64_t va)
{
    struct space *space = p->mm->space;
    struct space_region below;
    uint64_t page = page_floor(va), from = page > SPACE_GUARD ? page - SPACE_GUARD : 0;

    if (!space->ops->find(space, from, &below) || below.start >= page || below.growsdown ||
        below.prot == PROT_MASK_NONE)
        return false;
    os_say(p->os, "    the stack cannot grow: what is mapped at 0x%" PRIx64 " is too near below it",
        below.start);
    return true;
}

/* A stack that could not grow is worth a line of its own. */
static void
say_stack_limit(struct os_process *p, uint64_t va)
{
    struct os *os = p->os;
    struct space *space = p->mm->space;
    struct space_region region;
    char limit[16];

    if (!space->ops->find(space, va, &region) || !region.growsdown || region.start <= va ||
        region.start - va > SPACE_GUARD || say_stack_neighbour(p, va))
        return;
    if (region.end - page_floor(va) <= p->stack_limit && say_promises(os, "more stack"))
        return;
    base_size_format(p->stack_limit, limit, sizeof limit);
    os_say(os, "    the stack has grown to %" PRIu64 " bytes; its limit is %s",
        region.end - region.start, limit);
}

/* Past the end of what?  Memory that has no file may not have been given the length it was to have.
 */
static const char *
bus_words(struct space *space, uint64_t va, bool *memory)
{
    struct space_region region;

    *memory = space->ops->find(space, va, &region) && region.use == SPACE_USE_SHM;
    return *memory ? ", past the end of the memory that is mapped there"
                   : ", past the end of the mapped file";
}

void
os_fault_signal(struct os_process *p, uint64_t va, enum access access, enum space_fault fault)
{
    bool bus = fault == SPACE_FAULT_BUS || fault == SPACE_FAULT_IO;
    struct os_siginfo info = {.signo = bus ? OS_SIGBUS : OS_SIGSEGV, .addr = va};
    char what[128];
    char place[320];
    bool memory = false;

    if (fault == SPACE_FAULT_BUS)
        info.code = OS_BUS_ADRERR;
    else if (fault == SPACE_FAULT_IO)
        info.code = OS_BUS_OBJERR;
    else
        info.code = fault == SPACE_FAULT_ACCERR ? OS_SEGV_ACCERR : OS_SEGV_MAPERR;
    if (!os_signal_caught(p->thread, info.signo)) {
        if (va >= p->mm->layout.end)
            snprintf(place, sizeof place, "beyond the end of %s, 0x%" PRIx64, p->os->config.bound,
                p->mm->layout.end);
        else
            os_fault_place(p->mm->space, va, place, sizeof place);
        snprintf(what, sizeof what, "%s: %s 0x%" PRIx64 "%s",
            bus ? "bus error" : "segmentation fault", access_words[access], va,
            fault == SPACE_FAULT_BUS  ? bus_words(p->mm->space, va, &memory)
            : fault == SPACE_FAULT_IO ? ": the page could not be read back"
                                      : "");
        say(p, what, place);
        if (memory)
            (void)say_promises(p->os, "to make it longer");
        if (!bus)
            say_stack_limit(p, va);
    }
    os_signal_force(p->thread, &info);
}

void
os_overrun_signal(struct os_process *p)
{
    struct os_siginfo info = {
        .signo = OS_SIGSEGV, .code = OS_SEGV_MAPERR, .addr = p->mm->layout.guard};
    char limit[16];

    base_size_format(p->mm->layout.stack_max, limit, sizeof limit);
    say(p, "the stack has grown into the memory below it, which this mmu cannot prevent", "");
    os_say(p->os,
        "    its limit is %s: give it more RAM, of which a stack gets an eighth, up to 8M", limit);
    p->signals.action[OS_SIGSEGV] = (struct os_sigaction){.handler = OS_SIG_DFL};
    os_signal_force(p->thread, &info);
}

void
os_trap_signal(struct os_process *p, enum cpu_exit why)
{
    const struct cpu_hart *hart = p->os->hart->cpu;
    struct os_siginfo info = {.addr = hart->regs.pc};
    char what[128] = "breakpoint (ebreak)";
    char place[320] = "";

    if (why == CPU_EXIT_EBREAK) {
        info.signo = OS_SIGTRAP;
        info.code = OS_TRAP_BRKPT;
    } else if (why == CPU_EXIT_ILLEGAL) {
        info.signo = OS_SIGILL;
        info.code = OS_ILL_ILLOPC;
        snprintf(what, sizeof what, "illegal instruction 0x%0*" PRIx32,
            (hart->insn & 3) == 3 ? 8 : 4, hart->insn);
    } else {
        info.signo = OS_SIGBUS;
        info.code = OS_BUS_ADRALN;
        info.addr = hart->fault_va;
        snprintf(what, sizeof what,
            "bus error: atomic access to 0x%" PRIx64 ", which is misaligned", hart->fault_va);
    }
    if (!os_signal_caught(p->thread, info.signo)) {
        os_fault_place(p->mm->space, info.addr, place, sizeof place);
        say(p, what, place);
    }
    os_signal_force(p->thread, &info);
}
