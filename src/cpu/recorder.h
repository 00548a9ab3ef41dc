/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Recording what a hart executes.
 *
 * Theory.  A call for each access would cost more than the access.  So a hart that records runs a
 * second set of handlers, compiled from the same sources (CPU_RECORD), which differ in two stores:
 * a load or store puts its address on one list, and where a run of code is left (a jump that is
 * taken, a trap, a fault) one word goes on another: which run, and how many instructions of it were
 * done, which may be none.  Everything else about a run does not change, and is described once,
 * when it is decoded: so the number of addresses that belong to a word follows from it.
 *
 * Neither list is checked for room by the handlers: an instruction adds one address and two words
 * at the most, and so the room bounds how many instructions a stay in the handlers may take.
 *
 * What is recorded: each instruction that was executed, with its access, as often as it was.
 * One that faults is recorded when it is tried again and goes through, not before; ecall, ebreak
 * and what is illegal were fetched, and are recorded though they do not retire.  SC is a write
 * whether or not it succeeds, as it asks for its page in any case.  An access that crosses into a
 * second page is one, at its first byte.
 *
 * Invariant: at every word on the list, the addresses before it are those that its words speak of.
 */
#ifndef CPU_RECORDER_H
#define CPU_RECORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CPU_ACCESS_READ 1u
#define CPU_ACCESS_WRITE 2u

/* An instruction of a run. */
struct cpu_code_insn {
    uint8_t len;    /* bytes */
    uint8_t access; /* CPU_ACCESS_*: what it does with memory; 0: nothing */
    uint8_t size;   /* bytes of memory */
};

/* A run, as far as it has been decoded: a straight piece of code from pc on. */
struct cpu_code {
    uint64_t pc;
    const struct cpu_code_insn *insns;
    unsigned n; /* 1 to CPU_RECORD_INSNS */
};

/* Where harts record to.  It belongs to whoever records, and outlives its use by harts. */
struct cpu_recorder {
    uint32_t *words, *words_end; /* the next one goes here; the end of the room */
    uint64_t *vas, *vas_end;
    /* When it changes, all numbers of runs given before are void. */
    unsigned generation;
    /* Numbers a run of the space that the hart executes in: what is returned, plus i, is the word
     * for i of its instructions done, from 0 to all of them. */
    uint32_t (*code)(struct cpu_recorder *recorder, const struct cpu_code *code);
    /* There is little room: to be made before it returns, CPU_RECORD_ROOM words and addresses at
     * least.  Between two stays: no number of a run is in use but by what is on the list. */
    void (*full)(struct cpu_recorder *recorder);
};

#define CPU_RECORD_ROOM 8192u
#define CPU_RECORD_INSNS 64u

struct cpu_hart;

/* From now on the hart records; with NULL it stops.  Not while it runs. */
void cpu_hart_record(struct cpu_hart *hart, struct cpu_recorder *recorder);

#endif
