/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ELF loader's reading of headers.  Whatever it accepts must satisfy what the loader relies
 * on; what it refuses must come with a reason, and must leave the result untouched.  Cutting an
 * accepted file short of its segments must make it refused.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "os/elf.h"

#define SPACE_END ((uint64_t)1 << 38)

static void
need(bool holds)
{
    if (!holds)
        abort();
}

static bool
covers(const struct os_elf_segment *seg, uint64_t va)
{
    return va >= seg->va && va - seg->va < seg->memsz;
}

static void
check_accepted(const struct os_elf *elf, uint64_t file_size)
{
    uint64_t below = 0;
    bool entry = false;

    need(elf->nsegments > 0 && elf->nsegments <= OS_ELF_SEGMENTS_MAX);
    for (unsigned i = 0; i < elf->nsegments; i++) {
        const struct os_elf_segment *seg = &elf->segments[i];
        need(seg->memsz > 0 && seg->filesz <= seg->memsz);
        need(seg->va < SPACE_END && seg->memsz <= SPACE_END - seg->va);
        need(seg->offset <= file_size && seg->filesz <= file_size - seg->offset);
        need(((seg->va ^ seg->offset) & (PAGE_SIZE - 1)) == 0);
        need(page_floor(seg->va) >= below);
        need((seg->prot & ~PROT_MASK_ALL) == 0);
        below = page_ceil(seg->va + seg->memsz);
        entry |= covers(seg, elf->entry) && prot_allows(seg->prot, ACCESS_EXEC);
    }
    need(entry && (elf->entry & 1) == 0);
    need(elf->end == below && elf->end <= SPACE_END);
    need(elf->start == page_floor(elf->segments[0].va) && elf->bias == 0);
    need(elf->interp_len == 0 ||
         (elf->interp_len <= OS_ELF_INTERP_MAX && elf->interp_offset <= file_size &&
             elf->interp_len <= file_size - elf->interp_offset));
}

/* Moving an image moves everything in it by the same distance. */
static void
check_placed(const struct os_elf *elf)
{
    struct os_elf placed = *elf;
    uint64_t bias = page_floor(SPACE_END - elf->end);

    os_elf_place(&placed, bias);
    need(placed.bias == bias && placed.entry - elf->entry == bias);
    need(placed.start - elf->start == bias && placed.end <= SPACE_END);
    need(elf->phdr == 0 ? placed.phdr == 0 : placed.phdr - elf->phdr == bias);
    for (unsigned i = 0; i < elf->nsegments; i++)
        need(placed.segments[i].va - elf->segments[i].va == bias &&
             placed.segments[i].offset == elf->segments[i].offset);
}

/* The most that any segment, or the interpreter's name, needs of the file. */
static uint64_t
needed(const struct os_elf *elf)
{
    uint64_t end = elf->interp_len > 0 ? elf->interp_offset + elf->interp_len : 0;

    for (unsigned i = 0; i < elf->nsegments; i++) {
        const struct os_elf_segment *seg = &elf->segments[i];
        if (seg->filesz > 0 && seg->offset + seg->filesz > end)
            end = seg->offset + seg->filesz;
    }
    return end;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct os_elf elf, before;
    const char *why = NULL;
    uint64_t file_size = size;

    /* The last bytes say how much larger the file is than the part that was read. */
    if (size > 8 && (data[size - 1] & 1) != 0)
        file_size += (uint64_t)data[size - 2] << 12;
    uint8_t *head = malloc(size + 1); /* of exact size, so that a sanitizer sees an overrun */
    need(head != NULL);
    head = realloc(head, size > 0 ? size : 1);
    if (size > 0)
        memcpy(head, data, size);
    memset(&elf, 0x5a, sizeof elf);
    memcpy(&before, &elf, sizeof elf);
    enum pgw_status status = os_elf_parse(head, size, file_size, SPACE_END, &elf, &why);
    if (status == PGW_OK) {
        uint64_t least = needed(&elf);
        check_accepted(&elf, file_size);
        check_placed(&elf);
        need(least == 0 || os_elf_parse(head, size < least - 1 ? size : least - 1, least - 1,
                               SPACE_END, &elf, &why) == PGW_NOEXEC);
    } else {
        need(status == PGW_NOEXEC && why != NULL && strlen(why) > 8 && strchr(why, '\n') == NULL);
        need(memcmp(&before, &elf, sizeof elf) == 0);
    }
    free(head);
    return 0;
}
