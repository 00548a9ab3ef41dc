/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every check comes before the first use of what it checks, and sums are compared in the form
 * "a > limit - b" with b <= limit known, so that no crafted header can wrap one.
 */
#include "os/elf.h"

#include <string.h>

#include "base/size.h"

#define EM_386 3u
#define EM_X86_64 62u
#define EM_AARCH64 183u
#define EM_RISCV 243u
#define ET_REL 1u
#define ET_EXEC 2u
#define ET_DYN 3u
#define ET_CORE 4u
#define PT_LOAD 1u
#define PT_INTERP 3u
#define PT_PHDR 6u
#define PF_X 1u
#define PF_W 2u
#define PF_R 4u
#define EF_RISCV_FLOAT_QUAD 6u
#define EF_RISCV_RVE 8u

struct elf_header {
    unsigned type, machine, phentsize, phnum;
    uint32_t flags;
    uint64_t entry, phoff;
};

struct elf_phdr {
    uint32_t type, flags;
    uint64_t offset, vaddr, filesz, memsz;
};

static uint64_t
little(const unsigned char *p, unsigned bytes)
{
    uint64_t v = 0;

    while (bytes-- > 0)
        v = v << 8 | p[bytes];
    return v;
}

static enum pgw_status
refuse(const char **why, const char *text)
{
    *why = text;
    return PGW_NOEXEC;
}

/* The first 16 bytes: is it a file that the rest of the header can be read from? */
static enum pgw_status
check_ident(const unsigned char *head, size_t head_len, uint64_t file_size, const char **why)
{
    if (file_size == 0)
        return refuse(why, "the file is empty");
    if (head_len < 4 || memcmp(head, "\177ELF", 4) != 0)
        return refuse(why, "not an ELF program");
    if (head_len < OS_ELF_EHDR)
        return refuse(why, "the ELF header is cut short");
    if (head[5] == 2)
        return refuse(why, "a big-endian program: this version runs riscv64 programs");
    if (head[4] == 1)
        return refuse(why, "a 32-bit program: this version runs riscv64 programs");
    if (head[4] != 2 || head[5] != 1 || head[6] != 1)
        return refuse(why, "the ELF header is damaged (class, byte order or version)");
    return PGW_OK;
}

static void
read_header(const unsigned char *head, struct elf_header *h)
{
    h->type = (unsigned)little(head + 16, 2);
    h->machine = (unsigned)little(head + 18, 2);
    h->entry = little(head + 24, 8);
    h->phoff = little(head + 32, 8);
    h->flags = (uint32_t)little(head + 48, 4);
    h->phentsize = (unsigned)little(head + 54, 2);
    h->phnum = (unsigned)little(head + 56, 2);
}

/* Is it a program for this machine at all? */
static enum pgw_status
check_kind(const struct elf_header *h, const char **why)
{
    if (h->machine == EM_X86_64 || h->machine == EM_AARCH64 || h->machine == EM_386)
        return refuse(why, "host programs are not run yet: this version runs riscv64 programs");
    if (h->machine != EM_RISCV)
        return refuse(why, "a program for another machine: this version runs riscv64 programs");
    if ((h->flags & EF_RISCV_RVE) != 0 || (h->flags & EF_RISCV_FLOAT_QUAD) == EF_RISCV_FLOAT_QUAD)
        return refuse(why, "built for a RISC-V variant that is not RV64GC (RV64E or quad floats)");
    if (h->type == ET_REL)
        return refuse(why, "an object file: link it first");
    if (h->type == ET_CORE)
        return refuse(why, "a core dump, not a program");
    if (h->type != ET_EXEC && h->type != ET_DYN)
        return refuse(why, "the ELF header is damaged (unknown type)");
    return PGW_OK;
}

/* Do the program headers lie in the file, and in the part of it that was read? */
static enum pgw_status
check_headers(const struct elf_header *h, size_t head_len, uint64_t file_size, const char **why)
{
    uint64_t len = (uint64_t)h->phnum * OS_ELF_PHENT;

    if (h->phnum == 0)
        return refuse(why, "no program headers: nothing to load");
    if (h->phentsize != OS_ELF_PHENT)
        return refuse(why, "the ELF header is damaged (size of a program header)");
    if (h->phnum > OS_ELF_HEADERS_MAX)
        return refuse(why, "too many program headers (more than 64)");
    if (h->phoff > file_size || len > file_size - h->phoff)
        return refuse(why, "the program headers lie outside the file: is it cut short?");
    if (h->phoff > head_len || len > head_len - h->phoff)
        return refuse(why, "the program headers lie too far from the start of the file");
    return PGW_OK;
}

static struct elf_phdr
read_phdr(const unsigned char *at)
{
    return (struct elf_phdr){
        .type = (uint32_t)little(at, 4),
        .flags = (uint32_t)little(at + 4, 4),
        .offset = little(at + 8, 8),
        .vaddr = little(at + 16, 8),
        .filesz = little(at + 32, 8),
        .memsz = little(at + 40, 8),
    };
}

/* One PT_LOAD: can it be mapped from this file into [0, space_end)? */
static enum pgw_status
check_segment(const struct elf_phdr *ph, uint64_t file_size, uint64_t space_end, const char **why)
{
    if (ph->filesz > ph->memsz)
        return refuse(why, "a segment takes more bytes from the file than it has in memory");
    if (ph->offset > file_size || ph->filesz > file_size - ph->offset)
        return refuse(why, "a segment lies outside the file: is it cut short?");
    if (ph->vaddr > UINT64_MAX - ph->memsz)
        return refuse(why, "a segment's addresses overflow");
    if (ph->vaddr >= space_end || ph->memsz > space_end - ph->vaddr)
        return refuse(
            why, "a segment lies beyond the end of the address space (with mmu none: of RAM)");
    if (((ph->vaddr ^ ph->offset) & (PAGE_SIZE - 1)) != 0)
        return refuse(why, "a segment is misaligned: its address and its place in the file differ "
                           "modulo the page size");
    return PGW_OK;
}

static prot_t
segment_prot(uint32_t flags)
{
    return ((flags & PF_R) != 0 ? PROT_MASK_R : 0) | ((flags & PF_W) != 0 ? PROT_MASK_W : 0) |
           ((flags & PF_X) != 0 ? PROT_MASK_X : 0);
}

/* Puts a segment in its place by address; no two may touch the same page. */
static enum pgw_status
add_segment(struct os_elf *out, const struct elf_phdr *ph, const char **why)
{
    struct os_elf_segment seg = {
        .va = ph->vaddr,
        .memsz = ph->memsz,
        .offset = ph->offset,
        .filesz = ph->filesz,
        .prot = segment_prot(ph->flags),
    };
    unsigned i = out->nsegments;

    if (i == OS_ELF_SEGMENTS_MAX)
        return refuse(why, "too many segments (more than 16)");
    for (; i > 0 && out->segments[i - 1].va > seg.va; i--)
        out->segments[i] = out->segments[i - 1];
    out->segments[i] = seg;
    out->nsegments++;
    return PGW_OK;
}

static enum pgw_status
check_overlap(const struct os_elf *out, const char **why)
{
    for (unsigned i = 1; i < out->nsegments; i++) {
        const struct os_elf_segment *a = &out->segments[i - 1];
        const struct os_elf_segment *b = &out->segments[i];

        if (a->va + a->memsz > b->va)
            return refuse(why, "two segments overlap");
        if (page_ceil(a->va + a->memsz) > page_floor(b->va))
            return refuse(why, "two segments share a page");
    }
    return PGW_OK;
}

/* PT_INTERP: the path itself is read by the loader. */
static enum pgw_status
note_interp(struct os_elf *out, const struct elf_phdr *ph, uint64_t file_size, const char **why)
{
    if (out->interp_len != 0)
        return refuse(why, "the ELF header is damaged (it names two interpreters)");
    if (ph->offset > file_size || ph->filesz > file_size - ph->offset)
        return refuse(why, "the interpreter's name lies outside the file: is it cut short?");
    if (ph->filesz < 2 || ph->filesz > OS_ELF_INTERP_MAX)
        return refuse(why, "the ELF header is damaged (length of the interpreter's name)");
    out->interp_offset = ph->offset;
    out->interp_len = (size_t)ph->filesz;
    return PGW_OK;
}

static enum pgw_status
collect_segments(const unsigned char *head, const struct elf_header *h, uint64_t file_size,
    uint64_t space_end, struct os_elf *out, const char **why)
{
    enum pgw_status status = PGW_OK;

    for (unsigned i = 0; i < h->phnum && status == PGW_OK; i++) {
        struct elf_phdr ph = read_phdr(head + h->phoff + (size_t)i * OS_ELF_PHENT);

        if (ph.type == PT_INTERP)
            status = note_interp(out, &ph, file_size, why);
        if (ph.type != PT_LOAD || ph.memsz == 0)
            continue;
        status = check_segment(&ph, file_size, space_end, why);
        if (status == PGW_OK)
            status = add_segment(out, &ph, why);
    }
    if (status == PGW_OK && out->nsegments == 0)
        return refuse(why, "no loadable segment");
    return status == PGW_OK ? check_overlap(out, why) : status;
}

/* The entry must be code, and the program's view of its own headers is looked up. */
static enum pgw_status
place_entry(const struct elf_header *h, struct os_elf *out, const char **why)
{
    bool executable = false;

    out->entry = h->entry;
    for (unsigned i = 0; i < out->nsegments; i++) {
        const struct os_elf_segment *seg = &out->segments[i];

        if (out->entry - seg->va < seg->memsz && (seg->prot & PROT_MASK_X) != 0)
            executable = true;
        if (h->phoff >= seg->offset && h->phoff - seg->offset < seg->filesz)
            out->phdr = seg->va + (h->phoff - seg->offset);
    }
    if (!executable)
        return refuse(why, "the entry point is outside any executable segment");
    if ((out->entry & 1) != 0)
        return refuse(why, "the entry point is an odd address");
    return PGW_OK;
}

enum pgw_status
os_elf_parse(const unsigned char *head, size_t head_len, uint64_t file_size, uint64_t space_end,
    struct os_elf *out, const char **why)
{
    struct elf_header h;
    enum pgw_status status = check_ident(head, head_len, file_size, why);

    if (status != PGW_OK)
        return status;
    read_header(head, &h);
    status = check_kind(&h, why);
    if (status == PGW_OK)
        status = check_headers(&h, head_len, file_size, why);
    if (status != PGW_OK)
        return status;

    struct os_elf elf = {.pie = h.type == ET_DYN, .phnum = h.phnum};

    status = collect_segments(head, &h, file_size, space_end, &elf, why);
    if (status == PGW_OK)
        status = place_entry(&h, &elf, why);
    if (status != PGW_OK)
        return status;
    const struct os_elf_segment *last = &elf.segments[elf.nsegments - 1];
    elf.start = page_floor(elf.segments[0].va);
    elf.end = page_ceil(last->va + last->memsz);
    *out = elf;
    return PGW_OK;
}

void
os_elf_place(struct os_elf *elf, uint64_t bias)
{
    elf->bias += bias;
    elf->entry += bias;
    elf->start += bias;
    elf->end += bias;
    if (elf->phdr != 0)
        elf->phdr += bias;
    for (unsigned i = 0; i < elf->nsegments; i++)
        elf->segments[i].va += bias;
}
