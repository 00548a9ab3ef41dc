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
#define OS_ELF_PHENT 56u /* bytes a program header */
#define OS_ELF_EHDR 64u  /* bytes of the file's header */

/* One part of the program that is loaded: addresses where it goes, the bias included. */
struct os_elf_segment {
    uint64_t va;
    uint64_t memsz;  /* bytes; above 0 */
    uint64_t offset; /* in the file; va and offset agree in their low 12 bits */
    uint64_t filesz; /* bytes from the file; the rest is zero */
    prot_t prot;
};

struct os_elf {
    bool pie; /* position independent: bias was added */
    uint64_t bias;
    uint64_t entry;
    uint64_t phdr; /* where the program finds its own program headers; 0: not loaded */
    unsigned phnum;
    uint64_t end; /* past the last segment, page aligned */
    unsigned nsegments;
    struct os_elf_segment segments[OS_ELF_SEGMENTS_MAX]; /* in rising order */
};

/* Where position independent programs are placed, in a space that ends at space_end: two thirds
 * up, as Linux does. */
uint64_t os_elf_bias(uint64_t space_end);

/*
 * Reads the headers of a file of file_size bytes, whose first head_len are at head.
 * PGW_NOEXEC, with *why (static storage) saying in one line what is wrong and what to do.
 */
MUST_CHECK enum pgw_status os_elf_parse(const unsigned char *head, size_t head_len,
    uint64_t file_size, uint64_t space_end, struct os_elf *out, const char **why);

#endif
