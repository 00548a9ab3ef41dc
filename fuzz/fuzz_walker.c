/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The radix walker over tables that the input writes, in any format: it must come to what a reading
 * of the format by hand comes to (tests/unit/mmu/format_model.h), and change nothing in RAM but the
 * bits that the model sets.
 *
 *     byte 0: format   1: bits 0-1 access, 2-3 kind of walk, 4 who sets A and D   2-9: address
 *     then entries of 11 bytes, as many as there are:
 *     frame   level (bit 7: the entry's frame number becomes that of a frame of the RAM)   low
 * index bits if the address's is not to be used (bit 7 of them)   entry (8 bytes)
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "format_model.h"
#include "host/host_mem.h"

#define FRAMES 16u
#define BASE_PFN ((uint64_t)0x80000)
#define RECORD 11u

struct fuzz_walk {
    const struct mmu_format *format;
    uint64_t va;
    enum access access;
    unsigned how;
    enum mmu_ad ad;
};

struct fuzz_ram {
    struct base_alloc alloc, ram;
    struct mem mem;
    unsigned char before[FRAMES * PAGE_SIZE];
};

static void
need(bool holds)
{
    if (!holds)
        abort();
}

static unsigned char *
fuzz_bytes(const struct fuzz_ram *ram)
{
    return mem_page_bytes(&ram->mem, mem_page_at(&ram->mem, BASE_PFN));
}

static uint64_t
fuzz_word(const uint8_t *data)
{
    uint64_t word;
    memcpy(&word, data, sizeof(word));
    return word;
}

static void
fuzz_walk_read(const uint8_t *data, struct fuzz_walk *walk)
{
    static const unsigned hows[4] = {0, 0, MMU_WALK_PEEK, MMU_WALK_PREFETCH};
    size_t n = 0;
    while (mmu_formats[n] != NULL)
        n++;
    walk->format = mmu_formats[data[0] % n];
    walk->access = (enum access)((data[1] & 3) % 3);
    walk->how = hows[data[1] >> 2 & 3];
    walk->ad = (data[1] >> 4 & 1) != 0 ? MMU_AD_FAULT : MMU_AD_HARDWARE;
    walk->va = fuzz_word(data + 2) & (UINT64_MAX >> (64 - walk->format->va_bits));
}

static void
fuzz_entry(struct fuzz_ram *ram, const struct fuzz_walk *walk, const uint8_t *data)
{
    const struct mmu_format *format = walk->format;
    unsigned level = (data[1] & 0x7f) % format->levels;
    unsigned idx = mmu_format_index(format, level, walk->va);
    uint64_t pte = fuzz_word(data + 3);
    if ((data[2] & 0x80) != 0)
        idx = (data[2] & 0x7fu);
    if ((data[1] & 0x80) != 0) {
        uint64_t field = format->level[format->levels - 1].leaf_pfn;
        pte = (pte & ~field) | (BASE_PFN + (pte >> 16) % FRAMES) << format->pfn_shift;
    }
    size_t at =
        (data[0] % FRAMES * PAGE_SIZE + (size_t)idx * format->pte_bytes) % (FRAMES * PAGE_SIZE);
    mmu_pte_store(format, fuzz_bytes(ram) + at, 0, pte);
}

/* RAM is what it was, but for what the model says was written. */
static void
fuzz_check_ram(
    struct fuzz_ram *ram, const struct mmu_format *format, const struct format_model *model)
{
    for (unsigned i = 0; i < model->nwrites; i++) {
        uint64_t at = model->write[i].pa - (BASE_PFN << PAGE_SHIFT);
        need(at < FRAMES * PAGE_SIZE);
        memcpy(ram->before + at, &model->write[i].value, format->pte_bytes);
    }
    need(memcmp(ram->before, fuzz_bytes(ram), sizeof(ram->before)) == 0);
}

static void
fuzz_compare(struct fuzz_ram *ram, const struct fuzz_walk *walk)
{
    struct mmu_walker *walker;
    struct mmu_stats stats = {0};
    struct mmu_trace trace = {0};
    struct format_model model;
    struct mmu_walk out;
    need(mmu_radix_walker_create(walk->format, walk->ad, &ram->mem, &ram->alloc, NULL, &walker) ==
         PGW_OK);
    memcpy(ram->before, fuzz_bytes(ram), sizeof(ram->before));
    format_model_walk(walk->format->name, &ram->mem, BASE_PFN, walk->va, walk->access, walk->how,
        walk->ad, &model);
    enum mmu_fault fault = walker->ops->walk(walker, mmu_format_root(walk->format, BASE_PFN, 1), 1,
        walk->va, walk->access, walk->how, &stats, &out, &trace);
    need(fault == model.fault && trace.fault == fault && trace.n <= MMU_TRACE_MAX);
    if (fault == MMU_OK) {
        need(out.pfn == model.pfn && out.prot == model.prot && out.order == model.order);
        need(out.global == model.global && out.dirty == model.dirty);
        need(trace.pa == (out.pfn << PAGE_SHIFT | walk->va % PAGE_SIZE));
    }
    for (unsigned level = 0; level < MMU_LEVELS_MAX; level++)
        need(stats.walk_refs[level] == (walk->how == MMU_WALK_PEEK ? 0 : model.refs[level]));
    fuzz_check_ram(ram, walk->format, &model);
    walker->ops->destroy(walker);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_walk walk;
    if (size < 10)
        return 0;
    struct fuzz_ram *ram = calloc(1, sizeof(*ram));
    need(ram != NULL);
    host_alloc_init(&ram->alloc, NULL);
    host_ram_alloc_init(&ram->ram);
    need(mem_init(&ram->mem, &ram->alloc, &ram->ram, FRAMES << PAGE_SHIFT, BASE_PFN) == PGW_OK);
    fuzz_walk_read(data, &walk);
    for (size_t at = 10; at + RECORD <= size; at += RECORD)
        fuzz_entry(ram, &walk, data + at);
    fuzz_compare(ram, &walk);
    fuzz_compare(ram, &walk); /* again, with the bits set that the first one set */
    mem_fini(&ram->mem, &ram->ram);
    free(ram);
    return 0;
}
