/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loading does not read the program: its segments become private mappings of the file, and pages
 * come when they are used.  All of it happens in a space that nobody runs in yet, so that a
 * failure half-way leaves the caller's program untouched.
 *
 * A dynamically linked program names an interpreter, the dynamic linker.  That is loaded too, among
 * the mappings, and started in the program's place; the auxiliary vector tells it where both are,
 * and it maps the libraries by itself, with mmap(2).
 */
#include "os/exec.h"

#include <stdio.h>
#include <string.h>

#include "host/host_file.h"
#include "os/errno.h"
#include "os/machine.h"
#include "os/objname.h"
#include "os/sysroot.h"
#include "os/textbusy.h"

#define S_IFMT 0170000u
#define S_IFREG 0100000u
#define S_IFDIR 0040000u
#define X_OK 1

enum pgw_status
os_args_init(struct os *os, struct os_args *args)
{
    *args = (struct os_args){.bytes = os->config.alloc->map(os->config.alloc, OS_ARGS_MAX)};
    return args->bytes != NULL ? PGW_OK : PGW_NOMEM;
}

void
os_args_fini(struct os *os, struct os_args *args)
{
    if (args->bytes != NULL)
        os->config.alloc->unmap(os->config.alloc, args->bytes, OS_ARGS_MAX);
    args->bytes = NULL;
}

enum pgw_status
os_args_add(struct os_args *args, const char *text, size_t len)
{
    if (len >= OS_ARGS_MAX - args->len)
        return PGW_RANGE;
    memcpy(args->bytes + args->len, text, len);
    args->bytes[args->len + len] = '\0';
    args->len += len + 1;
    return PGW_OK;
}

static enum pgw_status
explain(const char **why, enum pgw_status status, const char *text)
{
    *why = text;
    return status;
}

/* A file that is to be loaded, as far as its headers. */
struct program {
    int fd; /* to be closed */
    struct os_elf elf;
};

enum pgw_status
os_program_open(
    const struct os *os, int dir, const char *path, int *fd, uint64_t *size, const char **why)
{
    struct host_io_stat st;
    int64_t ret = host_io_stat(dir, path, 0, &st);

    if (ret == -OS_EACCES)
        return explain(why, PGW_ACCESS, "permission denied on the way to it");
    if (ret < 0)
        return explain(why, PGW_NOTFOUND, "no such file");
    if ((st.mode & S_IFMT) == S_IFDIR)
        return explain(why, PGW_ACCESS, "is a directory");
    if ((st.mode & S_IFMT) != S_IFREG)
        return explain(why, PGW_ACCESS, "not a regular file");
    ret = host_io_open(dir, path, OS_O_RDONLY, 0);
    if (ret < 0)
        return explain(why, ret == -OS_EACCES ? PGW_ACCESS : PGW_IO, "cannot be read");
    enum pgw_status status = PGW_OK;
    /* Before its content: a shell takes a file that is no program for a script. */
    if (host_io_access(dir, path, X_OK, OS_AT_EACCESS) != 0)
        status = explain(why, PGW_ACCESS, "not executable: chmod +x it");
    else if (os_textbusy_is_written(os, (int)ret))
        status = explain(why, PGW_BUSY, "is open for writing");
    if (status != PGW_OK) {
        host_io_close((int)ret);
        return status;
    }
    *fd = (int)ret;
    *size = st.size;
    return PGW_OK;
}

/* Reads the start of the file, as much as the headers may take, and understands it. */
static enum pgw_status
read_head(struct os *os, int fd, uint64_t size, struct os_elf *elf, const char **why)
{
    int64_t ret = host_io_pread(fd, os->bounce, sizeof os->bounce, 0);

    if (ret < 0)
        return explain(why, PGW_IO, "cannot be read");
    return os_elf_parse(os->bounce, (size_t)ret, size, os->config.space_end, elf, why);
}

static enum pgw_status
open_program(struct os *os, int dir, const char *path, struct program *program, const char **why)
{
    uint64_t size;
    enum pgw_status status = os_program_open(os, dir, path, &program->fd, &size, why);

    if (status != PGW_OK)
        return status;
    status = read_head(os, program->fd, size, &program->elf, why);
    if (status != PGW_OK)
        host_io_close(program->fd);
    return status;
}

/* It is a script's interpreter that is wrong. */
static enum pgw_status
explain_script(struct os *os, enum pgw_status status, const char *path, const char **why)
{
    const char *text = *why;

    snprintf(os->why, sizeof os->why, "its interpreter %.200s: %s", path, text);
    return explain(why, status, os->why);
}

/* --- the interpreter --- */

/* Its path, as the program has it, into os->interp. */
static enum pgw_status
read_interp(struct os *os, const struct program *program, const char **why)
{
    const struct os_elf *elf = &program->elf;
    char *path = os->interp;
    int64_t ret = host_io_pread(program->fd, path, elf->interp_len, elf->interp_offset);

    if (ret < 0)
        return explain(why, PGW_IO, "cannot be read");
    if ((size_t)ret != elf->interp_len || memchr(path, '\0', elf->interp_len) == NULL)
        return explain(why, PGW_NOEXEC, "the name of its interpreter does not end");
    if (path[0] != '/')
        return explain(why, PGW_NOEXEC, "the name of its interpreter is not an absolute path");
    return PGW_OK;
}

static enum pgw_status
explain_interp(struct os *os, enum pgw_status status, const char *text, const char **why)
{
    snprintf(os->why, sizeof os->why, "its interpreter %.200s: %s", os->interp, text);
    return explain(why, status, os->why);
}

/* Opens the interpreter that the program names; *root: the sysroot that comes with it. */
static enum pgw_status
open_interp(struct os *os, const struct program *program, struct program *interp, const char **root,
    const char **why)
{
    const char *text = "";
    enum pgw_status status = read_interp(os, program, why);

    if (status != PGW_OK)
        return status;
    const char *path = os_sysroot_interpreter(os, os->interp, root);
    if (path == NULL)
        return explain_interp(os, PGW_NOEXEC,
            "no such file: say with --sysroot where riscv64 libraries are (Debian's "
            "libc6-riscv64-cross has them in " OS_SYSROOT_DEFAULT "), or link with -static",
            why);
    status = open_program(os, OS_AT_FDCWD, path, interp, &text);
    if (status != PGW_OK)
        return explain_interp(os, status == PGW_NOTFOUND ? PGW_NOEXEC : status, text, why);
    if (interp->elf.interp_len == 0)
        return PGW_OK;
    host_io_close(interp->fd);
    return explain_interp(os, PGW_NOEXEC, "needs an interpreter itself", why);
}

/* --- mapping --- */

/* The part of a segment that the file backs; its last page is zero past filesz. */
static enum pgw_status
map_file_part(struct space *space, const struct os_elf_segment *seg, struct space_object *object,
    unsigned flags)
{
    uint64_t start = page_floor(seg->va);
    uint64_t end = seg->va + seg->filesz;
    bool tail = seg->memsz > seg->filesz && (end & (PAGE_SIZE - 1)) != 0;
    struct space_map_args args = {
        .va = start,
        .len = page_ceil(end) - start,
        .prot = tail ? seg->prot | PROT_MASK_R | PROT_MASK_W : seg->prot,
        .flags = flags,
        .use = SPACE_USE_FILE,
        .object = object,
        .offset = page_floor(seg->offset),
    };
    uint64_t va;
    enum pgw_status status = space->ops->map(space, &args, &va);

    if (status != PGW_OK || !tail)
        return status;
    static const unsigned char zeros[PAGE_SIZE];
    enum space_fault fault = space_write(space, end, zeros, page_ceil(end) - end, NULL);
    if (fault != SPACE_FAULT_OK)
        return fault == SPACE_FAULT_NOMEM || fault == SPACE_FAULT_LIMIT ||
                       fault == SPACE_FAULT_THRASH
                   ? PGW_NORAM
                   : PGW_IO;
    if (args.prot != seg->prot)
        status = space->ops->protect(space, args.va, args.len, seg->prot);
    return status;
}

static enum pgw_status
map_segment(struct space *space, const struct os_elf_segment *seg, struct space_object *object,
    unsigned flags)
{
    uint64_t file_end = seg->filesz > 0 ? page_ceil(seg->va + seg->filesz) : page_floor(seg->va);
    uint64_t end = page_ceil(seg->va + seg->memsz);
    enum pgw_status status = PGW_OK;

    if (seg->filesz > 0)
        status = map_file_part(space, seg, object, flags);
    if (status != PGW_OK || file_end == end)
        return status;
    struct space_map_args args = {
        .va = file_end,
        .len = end - file_end,
        .prot = seg->prot,
        .flags = flags,
        .use = SPACE_USE_ANON,
    };
    uint64_t va;
    return space->ops->map(space, &args, &va);
}

/* Maps the image where it has been placed. */
static enum pgw_status
map_program(struct os *os, struct os_mm *mm, const struct program *program, unsigned flags)
{
    const struct os_elf *elf = &program->elf;
    struct space_object *object;
    enum pgw_status status = os->config.file_object(os->config.ctx, program->fd, false, &object);

    if (status != PGW_OK)
        return status;
    os_objname_note(os, object, program->fd);
    for (unsigned i = 0; i < elf->nsegments && status == PGW_OK; i++)
        status = map_segment(mm->space, &elf->segments[i], object, flags);
    object->ops->release(object);
    return status;
}

/* Code is from the first to the last executable byte, data what can be written. */
static void
note_places(struct os_mm *mm, const struct os_elf *elf)
{
    struct os_mm_places *at = &mm->places;

    for (unsigned i = 0; i < elf->nsegments; i++) {
        const struct os_elf_segment *seg = &elf->segments[i];
        bool code = (seg->prot & PROT_MASK_X) != 0;
        uint64_t *start = code ? &at->code : &at->data;
        uint64_t *end = code ? &at->code_end : &at->data_end;
        if (*end == 0)
            *start = seg->va;
        *end = seg->va + seg->filesz;
    }
}

/* Asks the space where things go, and places the program there. */
static enum pgw_status
place_program(struct os *os, struct os_mm *mm, struct os_elf *elf)
{
    uint64_t random[SPACE_RANDOMS];
    struct space_image image = {.start = elf->start, .end = elf->end, .movable = elf->pie};

    for (unsigned i = 0; os->config.aslr && i < SPACE_RANDOMS; i++)
        random[i] = base_rng_next(&os->rng);
    if (os->config.aslr)
        image.random = random;
    enum pgw_status status =
        mm->space->ops->layout(mm->space, &image, os->config.stack_max, &mm->layout);
    if (status != PGW_OK)
        return status;
    os_elf_place(elf, mm->layout.bias);
    note_places(mm, elf);
    mm->brk = mm->layout.heap;
    return PGW_OK;
}

/* Reserves room for all of the interpreter among the mappings, so that its segments keep their
 * distances, and maps it there; one that is not movable goes where it wants to be. */
static enum pgw_status
map_interp(struct os *os, struct os_mm *mm, struct program *interp)
{
    struct os_elf *elf = &interp->elf;
    struct space_map_args args = {
        .len = elf->end - elf->start,
        .prot = PROT_MASK_NONE,
        .flags = SPACE_NORESERVE,
        .use = SPACE_USE_FILE,
    };
    uint64_t va;

    if (!elf->pie)
        return map_program(os, mm, interp, SPACE_FIXED | SPACE_NOREPLACE);
    enum pgw_status status = mm->space->ops->map(mm->space, &args, &va);
    if (status != PGW_OK)
        return status;
    os_elf_place(elf, va - elf->start);
    return map_program(os, mm, interp, SPACE_FIXED);
}

/* Why a good program could not be placed. */
static enum pgw_status
explain_placing(enum pgw_status status, const char **why)
{
    switch (status) {
    case PGW_NORAM:
    case PGW_NOSWAP:
        return explain(why, PGW_NORAM, "RAM is too small to start it: give it more with --ram");
    case PGW_NOCOMMIT:
        return explain(why, PGW_NORAM,
            "its data is more than RAM and swap together may promise: give it more with --ram or "
            "--swap");
    case PGW_RANGE:
        return explain(why, status, "arguments and environment are too long for its stack");
    case PGW_NOSPACE:
    case PGW_EXIST:
        return explain(why, PGW_NOEXEC, "it does not fit in the address space of this scheme");
    default:
        return explain(why, status, pgw_status_text(status));
    }
}

/* Tells the machine which program the space is for. */
static void
name_program(struct os *os, const struct os_mm *mm, const char *path)
{
    const struct os_thread *caller = os->hart != NULL ? os->hart->loaded : NULL;
    const struct os_process *p = caller != NULL && os->started ? caller->process : NULL;
    const char *slash = strrchr(path, '/');

    if (os->config.program != NULL)
        os->config.program(os->config.ctx, mm->space,
            p != NULL && p->mm != NULL ? p->mm->space : NULL, slash != NULL ? slash + 1 : path);
}

/* interp: NULL if the program needs none. */
static enum pgw_status
build_image(struct os *os, struct program *program, struct program *interp, const char *root,
    const struct os_args *args, const char *path, struct os_image *image)
{
    enum pgw_status status = os_mm_create(os, &image->mm);

    if (status != PGW_OK)
        return status;
    int64_t len = host_io_fd_path(program->fd, image->mm->exe, OS_PATH_MAX - 1);
    image->mm->exe[len > 0 ? len : 0] = '\0';
    struct host_file_identity identity;
    if (host_file_identify(program->fd, &identity) == PGW_OK) {
        image->mm->exe_dev = identity.dev;
        image->mm->exe_ino = identity.ino;
    }
    name_program(os, image->mm, path);
    image->mm->sysroot = root;
    status = place_program(os, image->mm, &program->elf);
    if (status == PGW_OK)
        status = map_program(os, image->mm, program, SPACE_FIXED | SPACE_NOREPLACE);
    if (status == PGW_OK)
        status = os_stack_map(os, image, args, path);
    image->entry = program->elf.entry;
    image->base = 0;
    if (status == PGW_OK && interp != NULL) {
        status = map_interp(os, image->mm, interp);
        image->base = interp->elf.bias;
        image->entry = interp->elf.entry;
    }
    if (status == PGW_OK)
        status = os_stack_write(os, image, &program->elf, args, path);
    if (status != PGW_OK)
        os_mm_put(os, image->mm);
    return status;
}

enum pgw_status
os_image_load(struct os *os, int dir, const char *path, struct os_args *args,
    struct os_image *image, const char **why)
{
    const char *root = os->config.sysroot;
    struct program program, interp;
    const char *given = path;
    enum pgw_status status = os_script_resolve(os, &dir, &path, args, why);

    if (status == PGW_OK)
        status = open_program(os, dir, path, &program, why);
    if (status != PGW_OK && path != given)
        return explain_script(os, status, path, why);
    if (status != PGW_OK)
        return status;
    bool dynamic = program.elf.interp_len != 0;
    if (dynamic)
        status = open_interp(os, &program, &interp, &root, why);
    if (status == PGW_OK) {
        status = build_image(os, &program, dynamic ? &interp : NULL, root, args, given, image);
        if (status != PGW_OK)
            status = explain_placing(status, why);
        if (dynamic)
            host_io_close(interp.fd);
    }
    host_io_close(program.fd);
    return status;
}

void
os_image_enter(struct os_process *p, struct os_image *image, const char *path)
{
    const char *slash = strrchr(path, '/');

    /* The path may lie in the mm that goes now. */
    snprintf(p->name, sizeof p->name, "%s", slash != NULL ? slash + 1 : path);
    memcpy(p->thread->name, p->name, sizeof p->name);
    if (p->mm != NULL)
        os_thread_alone(p->thread);
    if (p->mm != NULL)
        os_process_set_mm(p, image->mm);
    else
        p->mm = image->mm;
    os_stack_limit(p);
    p->thread->regs = (struct cpu_regs){.pc = image->entry};
    p->thread->regs.x[2] = image->sp;
    os_signals_reset(&p->signals, false);
    p->thread->signals.altstack = (struct os_stack){.flags = OS_SS_DISABLE};
    os_files_close_on_exec(p->os, p->files);
    p->execed = true;
    p->os->stats.execs++;
}
