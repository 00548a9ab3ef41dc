/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stack of a new process.  Where it is, and where the trampoline is, a page, r-x, that signal
 * handlers return to, the space's layout says.
 *
 *      layout.stack_top
 *          strings: program's path, environment, arguments; 16 random bytes
 *          auxiliary vector, envp[], argv[], argc   <- sp, aligned to 16
 *          (grows down, to layout.stack_max)
 *
 * Where the hardware cannot stop a stack that grows too far (layout.guard), a page under it holds a
 * pattern, which is looked at after each slice and whenever the program is about to be ended.
 */
#include "os/exec.h"

#include <string.h>

#include "os/machine.h"
#include "os/sigframe.h"

#define STACK_FIRST (128u << 10) /* bytes mapped at first, beyond what the arguments take */
#define HWCAP_IMAFDC 0x112du     /* bits 'A'-'A' .. as in misa: A, C, D, F, I, M */
#define CLOCK_TICKS 100u

enum auxv_type {
    AT_NULL = 0,
    AT_PHDR = 3,
    AT_PHENT = 4,
    AT_PHNUM = 5,
    AT_PAGESZ = 6,
    AT_BASE = 7,
    AT_FLAGS = 8,
    AT_ENTRY = 9,
    AT_UID = 11,
    AT_EUID = 12,
    AT_GID = 13,
    AT_EGID = 14,
    AT_HWCAP = 16,
    AT_CLKTCK = 17,
    AT_SECURE = 23,
    AT_RANDOM = 25,
    AT_EXECFN = 31
};
#define AUXV_PAIRS 17u
#define RANDOM_LEN 16u /* bytes at AT_RANDOM */

/* Faults that can stop a loader, as results. */
static enum pgw_status
write_status(struct space *space, uint64_t va, const void *buf, size_t len)
{
    switch (space_write(space, va, buf, len, NULL)) {
    case SPACE_FAULT_OK:
        return PGW_OK;
    case SPACE_FAULT_NOMEM:
    case SPACE_FAULT_LIMIT:
    case SPACE_FAULT_THRASH:
        return PGW_NORAM;
    default:
        return PGW_IO;
    }
}

static enum pgw_status
map_trampoline(struct os_mm *mm)
{
    struct space *space = mm->space;
    struct space_map_args args = {
        .va = mm->layout.trampoline,
        .len = PAGE_SIZE,
        .prot = PROT_MASK_R | PROT_MASK_W,
        .flags = SPACE_FIXED | SPACE_NOREPLACE,
    };
    enum pgw_status status = space->ops->map(space, &args, &mm->layout.trampoline);

    if (status == PGW_OK)
        status = write_status(space, mm->layout.trampoline, os_trampoline_code, OS_TRAMPOLINE_LEN);
    if (status == PGW_OK)
        status =
            space->ops->protect(space, mm->layout.trampoline, PAGE_SIZE, PROT_MASK_R | PROT_MASK_X);
    return status;
}

/* Writes the addresses of n strings, one after the other from *string on, and a NULL. */
static uint64_t *
put_pointers(uint64_t *out, const char **text, uint64_t *string, unsigned n)
{
    while (n-- > 0) {
        size_t len = strlen(*text) + 1;

        *out++ = *string;
        *string += len;
        *text += len;
    }
    *out++ = 0;
    return out;
}

static uint64_t *
put_pair(uint64_t *out, enum auxv_type type, uint64_t value)
{
    *out++ = type;
    *out++ = value;
    return out;
}

static void
put_auxv(uint64_t *out, const struct os *os, const struct os_elf *elf, uint64_t base,
    uint64_t random, uint64_t execfn)
{
    out = put_pair(out, AT_HWCAP, HWCAP_IMAFDC);
    out = put_pair(out, AT_PAGESZ, PAGE_SIZE);
    out = put_pair(out, AT_CLKTCK, CLOCK_TICKS);
    out = put_pair(out, AT_PHDR, elf->phdr);
    out = put_pair(out, AT_PHENT, OS_ELF_PHENT);
    out = put_pair(out, AT_PHNUM, elf->phnum);
    out = put_pair(out, AT_BASE, base);
    out = put_pair(out, AT_FLAGS, 0);
    out = put_pair(out, AT_ENTRY, elf->entry);
    out = put_pair(out, AT_UID, os->uid[0]);
    out = put_pair(out, AT_EUID, os->uid[1]);
    out = put_pair(out, AT_GID, os->gid[0]);
    out = put_pair(out, AT_EGID, os->gid[1]);
    out = put_pair(out, AT_SECURE, 0);
    out = put_pair(out, AT_RANDOM, random);
    out = put_pair(out, AT_EXECFN, execfn);
    put_pair(out, AT_NULL, 0);
}

/* What argc, argv, envp and auxv take. */
static uint64_t
vector_words(const struct os_args *args)
{
    return 1 + args->argc + 1 + args->envc + 1 + (uint64_t)2 * AUXV_PAIRS;
}

/* Writes them at sp, by way of a buffer. */
static enum pgw_status
write_vectors(struct os *os, const struct os_image *image, const struct os_elf *elf,
    const struct os_args *args)
{
    struct base_alloc *alloc = os->config.alloc;
    struct os_mm_places *places = &image->mm->places;
    uint64_t words = vector_words(args);
    uint64_t *buf = alloc->map(alloc, words * sizeof *buf);
    uint64_t *out = buf;
    const char *text = args->bytes;
    uint64_t at = image->strings;

    if (buf == NULL)
        return PGW_NOMEM;
    *out++ = args->argc;
    places->stack = image->sp;
    places->args = at;
    out = put_pointers(out, &text, &at, args->argc);
    places->args_end = at;
    out = put_pointers(out, &text, &at, args->envc);
    places->env_end = at;
    put_auxv(out, os, elf, image->base, image->strings - RANDOM_LEN, at);
    enum pgw_status status = write_status(image->mm->space, image->sp, buf, words * sizeof *buf);
    alloc->unmap(alloc, buf, words * sizeof *buf);
    return status;
}

static enum pgw_status
map_stack(struct os_mm *mm, uint64_t used)
{
    uint64_t len = page_ceil(used + STACK_FIRST);

    if (used > mm->layout.stack_max / 2)
        return PGW_RANGE;
    if (len > mm->layout.stack_max)
        len = page_ceil(used);
    struct space_map_args args = {
        .va = mm->layout.stack_top - len,
        .len = len,
        .prot = PROT_MASK_R | PROT_MASK_W,
        .flags = SPACE_FIXED | SPACE_NOREPLACE | SPACE_GROWSDOWN,
        .use = SPACE_USE_STACK,
        .len_max = mm->layout.stack_max,
    };
    uint64_t va;
    return mm->space->ops->map(mm->space, &args, &va);
}

void
os_stack_limit(struct os_process *p)
{
    struct space *space = p->mm->space;

    /* A program may have unmapped its first stack; then there is nothing to limit. */
    (void)!space->ops->limit_growth(space, p->mm->layout.stack_top - 1, p->stack_limit);
}

static uint64_t
guard_word(unsigned i)
{
    return UINT64_C(0x67756172640a0000) ^ i;
}

static enum pgw_status
map_guard(struct os_mm *mm)
{
    struct space_map_args args = {
        .va = mm->layout.guard,
        .len = PAGE_SIZE,
        .prot = PROT_MASK_R | PROT_MASK_W,
        .flags = SPACE_FIXED | SPACE_NOREPLACE,
    };
    uint64_t words[PAGE_SIZE / 8], va;

    if (mm->layout.guard == 0)
        return PGW_OK;
    for (unsigned i = 0; i < PAGE_SIZE / 8; i++)
        words[i] = guard_word(i);
    enum pgw_status status = mm->space->ops->map(mm->space, &args, &va);
    return status == PGW_OK ? write_status(mm->space, va, words, sizeof words) : status;
}

bool
os_stack_overran(const struct os_mm *mm)
{
    uint64_t words[PAGE_SIZE / 8];
    bool same = true;

    if (mm->layout.guard == 0 ||
        space_read(mm->space, mm->layout.guard, words, sizeof words, NULL) != SPACE_FAULT_OK)
        return false; /* the program may have unmapped it */
    for (unsigned i = 0; i < PAGE_SIZE / 8; i++)
        same = same && words[i] == guard_word(i);
    return !same;
}

/* Addresses on the stack vary by less than a page, too (Linux: arch_align_stack). */
static uint64_t
top_shift(struct os *os)
{
    return os->config.aslr ? base_rng_next(&os->rng) % (PAGE_SIZE / 16) * 16 : 0;
}

enum pgw_status
os_stack_map(struct os *os, struct os_image *image, const struct os_args *args, const char *path)
{
    struct os_mm *mm = image->mm;
    uint64_t top = mm->layout.stack_top - top_shift(os);
    uint64_t words = vector_words(args);
    enum pgw_status status = map_trampoline(mm);

    image->strings = top - args->len - (strlen(path) + 1);
    image->sp = (image->strings - RANDOM_LEN - words * 8) & ~(uint64_t)15;
    if (status == PGW_OK)
        status = map_guard(mm);
    if (status == PGW_OK)
        status = map_stack(mm, mm->layout.stack_top - image->sp);
    return status;
}

enum pgw_status
os_stack_write(struct os *os, const struct os_image *image, const struct os_elf *elf,
    const struct os_args *args, const char *path)
{
    struct space *space = image->mm->space;
    uint64_t random[RANDOM_LEN / 8] = {base_rng_next(&os->rng), base_rng_next(&os->rng)};
    enum pgw_status status = write_status(space, image->strings - RANDOM_LEN, random, RANDOM_LEN);

    if (status == PGW_OK)
        status = write_status(space, image->strings, args->bytes, args->len);
    if (status == PGW_OK)
        status = write_status(space, image->strings + args->len, path, strlen(path) + 1);
    if (status == PGW_OK)
        status = write_vectors(os, image, elf, args);
    return status;
}
