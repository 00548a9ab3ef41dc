/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ELF images (System V ABI, "Object Files"; RISC-V ELF psABI): what a program's first bytes say
 * about where its parts go.  A pure function of bytes: nothing is read, nothing is mapped.
 */
#ifndef OS_ELF_H
#define OS_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/access.h"
#include "base/result.h"

#define OS_ELF_SEGMENTS_MAX 16u
#define OS_ELF_HEADERS_MAX 64u
#define OS_ELF_PHENT 56u        /* bytes a program header */
#define OS_ELF_EHDR 64u         /* bytes of the file's header */
#define OS_ELF_INTERP_MAX 4096u /* bytes of the interpreter's path, with its NUL */

/* One part of the program that is loaded: addresses where it goes, the bias included. */
struct os_elf_segment {
    uint64_t va;
    uint64_t memsz;  /* bytes; above 0 */
    uint64_t offset; /* in the file; va and offset agree in their low 12 bits */
    uint64_t filesz; /* bytes from the file; the rest is zero */
    prot_t prot;
};

struct os_elf {
    bool pie;      /* position independent: os_elf_place() says where it goes */
    uint64_t bias; /* what was added to its addresses */
    uint64_t entry;
    uint64_t phdr; /* where the program finds its own program headers; 0: not loaded */
    unsigned phnum;
    uint64_t start, end; /* of all segments, page aligned */
    /* Where in the file the path of its interpreter is (the dynamic linker), with its NUL; length
     * 0: it needs none. */
    uint64_t interp_offset;
    size_t interp_len;
    unsigned nsegments;
    struct os_elf_segment segments[OS_ELF_SEGMENTS_MAX]; /* in rising order */
};

/*
 * Reads the headers of a file of file_size bytes, whose first head_len are at head.  Addresses
 * are as in the file.
 * PGW_NOEXEC, with *why (static storage) saying in one line what is wrong and what to do.
 */
MUST_CHECK enum pgw_status os_elf_parse(const unsigned char *head, size_t head_len,
    uint64_t file_size, uint64_t space_end, struct os_elf *out, const char **why);

/* Adds bias, a multiple of the page size, to every address of a position independent image.  The
 * caller has seen to it that end + bias is still in the space. */
void os_elf_place(struct os_elf *elf, uint64_t bias);

#endif
