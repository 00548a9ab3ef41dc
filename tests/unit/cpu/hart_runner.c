/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs a static program that needs no C library and makes two system calls only, write and
 * exit, on a hart over flat memory.  Usage: hart_runner [-t DATA_SETS] [-r] PROGRAM
 * With -r the hart records, and what it records is thrown away: what that costs the hart itself.
 */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cpu/hart.h"
#include "cpu/recorder.h"
#include "flat_mmu.h"
#include "host/host_mem.h"

#define RUNNER_PAGES 16384u /* 64 MiB */
#define RUNNER_STACK (RUNNER_PAGES * PAGE_SIZE - 4096)
#define SYS_WRITE 64
#define SYS_EXIT 93
#define SYS_EXIT_GROUP 94

/* Copies the segments of an ELF image; false when it is not one that fits. */
static bool
runner_load(struct flat_mmu *flat, FILE *file, uint64_t *entry)
{
    Elf64_Ehdr eh;
    if (fread(&eh, sizeof eh, 1, file) != 1 || memcmp(eh.e_ident, ELFMAG, SELFMAG) != 0 ||
        eh.e_machine != EM_RISCV)
        return false;
    *entry = eh.e_entry;
    for (unsigned i = 0; i < eh.e_phnum; i++) {
        Elf64_Phdr ph;
        if (fseek(file, (long)(eh.e_phoff + i * sizeof ph), SEEK_SET) != 0 ||
            fread(&ph, sizeof ph, 1, file) != 1)
            return false;
        if (ph.p_type != PT_LOAD)
            continue;
        if (ph.p_vaddr + ph.p_memsz > RUNNER_STACK || ph.p_filesz > ph.p_memsz)
            return false;
        if (fseek(file, (long)ph.p_offset, SEEK_SET) != 0 ||
            (ph.p_filesz > 0 && fread(flat->bytes + ph.p_vaddr, ph.p_filesz, 1, file) != 1))
            return false;
    }
    return true;
}

/* The call at the hart's pc; true when it was exit. */
static bool
runner_syscall(struct flat_mmu *flat, struct cpu_hart *hart)
{
    uint64_t *x = hart->regs.x;
    hart->regs.pc += 4;
    if (x[17] == SYS_EXIT || x[17] == SYS_EXIT_GROUP)
        return true;
    if (x[17] == SYS_WRITE && x[11] + x[12] <= RUNNER_PAGES * PAGE_SIZE)
        x[10] = (uint64_t)write((int)x[10], flat->bytes + x[11], x[12]);
    else
        x[10] = (uint64_t)-38;
    return false;
}

static int
runner_run(struct flat_mmu *flat, struct cpu_hart *hart)
{
    for (;;) {
        enum cpu_exit why = cpu_hart_run(hart, UINT64_C(1) << 40);
        if (why == CPU_EXIT_ECALL && runner_syscall(flat, hart))
            return (int)(hart->regs.x[10] & 255);
        if (why != CPU_EXIT_ECALL && why != CPU_EXIT_SLICE) {
            fprintf(stderr, "exit %d at pc %#llx, va %#llx, insn %#x\n", (int)why,
                (unsigned long long)hart->regs.pc, (unsigned long long)hart->fault_va, hart->insn);
            return 99;
        }
    }
}

#define RUNNER_ROOM 32768u

struct runner_recorder {
    struct cpu_recorder recorder;
    uint32_t runs;
    uint64_t recorded; /* addresses */
    uint32_t words[RUNNER_ROOM];
    uint64_t vas[RUNNER_ROOM];
};

static uint32_t
runner_code(struct cpu_recorder *recorder, const struct cpu_code *code)
{
    return ((struct runner_recorder *)recorder)->runs += code->n + 1;
}

static void
runner_full(struct cpu_recorder *recorder)
{
    struct runner_recorder *r = (struct runner_recorder *)recorder;
    r->recorded += (uint64_t)(recorder->vas - r->vas);
    recorder->words = r->words;
    recorder->words_end = r->words + RUNNER_ROOM;
    recorder->vas = r->vas;
    recorder->vas_end = r->vas + RUNNER_ROOM;
}

static struct runner_recorder *
runner_record(struct cpu_hart *hart)
{
    struct runner_recorder *r = calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    r->recorder.code = runner_code;
    r->recorder.full = runner_full;
    r->recorder.vas = r->vas;
    runner_full(&r->recorder);
    cpu_hart_record(hart, &r->recorder);
    return r;
}

static double
runner_now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int
main(int argc, char **argv)
{
    unsigned sets = 0;
    const char *path = NULL;
    struct runner_recorder *recorder = NULL;
    bool record = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-t") == 0 && i + 1 < argc)
            sets = (unsigned)strtoul(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "-r") == 0)
            record = true;
        else
            path = argv[i];
    }
    struct flat_mmu flat;
    struct base_alloc alloc;
    struct cpu_hart *hart;
    FILE *file = path != NULL ? fopen(path, "rb") : NULL;
    if (file == NULL || !flat_mmu_init(&flat, RUNNER_PAGES, sets, sets))
        return 98;
    host_alloc_init(&alloc, NULL);
    uint64_t entry;
    if (!runner_load(&flat, file, &entry) || cpu_hart_create(&flat.mmu, &alloc, &hart) != PGW_OK)
        return 98;
    fclose(file);
    hart->regs.pc = entry;
    hart->regs.x[2] = RUNNER_STACK;
    if (record && (recorder = runner_record(hart)) == NULL)
        return 98;
    double start = runner_now();
    int status = runner_run(&flat, hart);
    double took = runner_now() - start;
    if (getenv("HART_STATS") != NULL)
        fprintf(stderr,
            "%llu instructions, %llu fetches, %llu loads and stores, %.3f s, %.1f MIPS, %llu "
            "translations\n",
            (unsigned long long)hart->stats.instructions, (unsigned long long)hart->stats.fetches,
            (unsigned long long)hart->stats.loads_stores, took,
            (double)hart->stats.instructions / took / 1e6, (unsigned long long)flat.calls);
    if (recorder != NULL) {
        runner_full(&recorder->recorder);
        if (recorder->recorded > hart->stats.loads_stores)
            return 97;
    }
    free(recorder);
    cpu_hart_destroy(hart);
    flat_mmu_fini(&flat);
    return status;
}
