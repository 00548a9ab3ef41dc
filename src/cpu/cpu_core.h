/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hart's private state, and how decoded code looks.
 *
 * Theory.  A guest instruction is decoded once into an op: 16 bytes that name a handler and its
 * operands.  Ops lie in runs: straight pieces of at most CPU_RUN_MAX instructions that end at
 * an unconditional jump, a trap, the end of the page or the limit.  A conditional branch that is
 * not taken goes on inside its run.  Each handler ends by calling the next op's handler in tail
 * position, so that the program's control flow is the host's and each handler has an indirect jump
 * of its own to be predicted.  Everything a handler needs is in three argument registers: the
 * core, the op, and the count k.
 *
 * Some ops have payload slots after them (a constant, a jump's target): slots are ops in size, and
 * the handler steps over them.
 *
 * Fusion happens in place.  Where a pair of neighbours has a handler for both, only the first
 * op's fn is replaced; the second op stays as it is.  So a fused handler can stop half-way by
 * simply going on to the second op, and faults need no special care.
 *
 * Counting.  k holds (instructions left << 32) + data accesses made.  A handler does not touch it;
 * a jump subtracts its run's share up to and including itself, a constant of the op.  The sign of
 * k says that the slice is over.  What a run has done up to any op is in its side table, which
 * serves exits in mid-run.
 *
 * Invariants.
 *  - A direct link between ops (target) never leaves its virtual page, so that dropping a page's
 *    code severs nothing.  What leaves the page goes through the fetch cache.
 *  - The page that is being executed is the most recently used of its fetch set.
 *  - A data slot holds the page of its set that was translated last.
 *  - x[0] is zero: ops that would write it write to the sink.
 *
 * Rejected: a switch in a loop (one indirect jump for all, half the speed); one op per pair with
 * operands of both (mid-run exits need a second copy of everything); a JIT.
 */
#ifndef CPU_CPU_CORE_H
#define CPU_CPU_CORE_H

#include <stddef.h>
#include <sys/queue.h>

#include "base/size.h"
#include "cpu/hart.h"
#include "cpu/recorder.h"

struct cpu_core;
struct cpu_op;

/* A handler: does op (and those fused into it) and then what follows.  NULL: the run is left. */
typedef const struct cpu_op *cpu_fn(struct cpu_core *c, const struct cpu_op *op, uint64_t k);

struct cpu_op {
    union {
        cpu_fn *fn;
        const struct cpu_op *target; /* payload: where a jump goes, in this page */
        uint64_t value;              /* payload: a constant */
    };
    union {
        struct {
            uint8_t rd, rs1, rs2; /* registers: 0-31 x, 32-63 f, CPU_SINK */
            uint8_t slot;         /* index in the run */
            int32_t imm;
        };
        uint64_t delta; /* payload: what a jump takes off k */
    };
};
_Static_assert(sizeof(struct cpu_op) == 16, "an op is 16 bytes");

#define CPU_RUN_MAX 64u       /* instructions in a run */
#define CPU_RUN_SLOTS 200u    /* slots in a run, payloads included */
#define CPU_PAGE_ENTRIES 2048 /* one for each halfword of a page */
#define CPU_CHUNK_SIZE 4096u
#define CPU_CHUNKS_PER_MAP 64u
#define CPU_CODE_MAPS_MAX 256u /* of 256 KiB each: then all code is dropped */

/* What a run has done before the instruction of a slot. */
struct cpu_side {
    uint8_t pc;  /* halfwords from the run's start */
    uint8_t n;   /* instructions */
    uint8_t mem; /* data accesses */
};

struct cpu_run {
    uint64_t pc; /* of the first instruction */
    struct cpu_page *page;
    uint32_t slots;
    uint32_t bytes;      /* of guest code covered */
    uint32_t id;         /* of a hart that records: the recorder's number for it */
    struct cpu_op ops[]; /* slots of them, then slots times struct cpu_side */
};

LIST_HEAD(cpu_page_list, cpu_page);

/* Decoded code of one virtual page of one space. */
struct cpu_page {
    LIST_ENTRY(cpu_page) link; /* in a hash bucket, on the dead or on the free list */
    uint64_t vpn;
    const unsigned char *bytes; /* the page as it was when decoded from */
    struct cpu_chunk *chunks;   /* where its runs are; the first has room */
    uint32_t room;              /* bytes left in the first chunk */
    uint32_t asid;
    const struct cpu_op *entry[CPU_PAGE_ENTRIES]; /* run heads, or the core's "missing" op */
};

struct cpu_chunk {
    struct cpu_chunk *next;
};

/* One page of host pointers for data.  A tag is a page's address; CPU_NO_TAG: none. */
struct cpu_data_slot {
    uint64_t read_tag;
    uint64_t write_tag;
    uintptr_t addend; /* host address of byte va is addend + va */
    uint64_t pad;
};

struct cpu_fetch_slot {
    uint64_t vpn; /* CPU_NO_VPN: empty */
    struct cpu_page *page;
};

#define CPU_NO_TAG 1u
#define CPU_NO_VPN UINT64_MAX
#define CPU_PAGE_BUCKETS 1024u

/* More reasons to leave the handlers, which cpu_hart_run deals with itself. */
enum cpu_stop {
    CPU_STOP_EXIT,   /* core.exit is the hart's answer */
    CPU_STOP_RESUME, /* go on at regs.pc */
    CPU_STOP_FULL    /* the code arena is full: drop all, then go on at regs.pc */
};

struct cpu_core {
    struct cpu_hart hart;
    uint64_t sink; /* what is written to x0 */
    uint64_t data_mask;
    uint64_t fetch_mask;
    uint32_t frm;                   /* copy of the rounding mode in fcsr */
    uint32_t fflags;                /* accrued outside the host's own flags */
    bool single_data, single_fetch; /* one set only: two slots, one of them in use */
    bool running;

    enum cpu_stop stop;
    enum cpu_exit exit;
    uint64_t k;            /* the count, when no handler holds it */
    uint64_t extra_mem;    /* second halves of page-crossing accesses */
    uint64_t extra_fetch;  /* second halves of page-crossing instructions, faulting attempts */
    uint64_t retired_base; /* instructions retired when k was loaded, plus those k then had left */

    uint64_t
        loaded; /* what cpu_mem_read read: handlers in tail position have no locals to point to */

    bool reserved; /* by LR: reserved_va held reserved_value */
    uint64_t reserved_va;
    uint64_t reserved_value;

    /* While the hart runs these are the recorder's own pointers. */
    uint64_t *record_va;
    uint32_t *record_word;
    struct cpu_recorder *recorder; /* NULL: nothing is recorded */
    unsigned record_generation;

    struct mmu *mmu;
    struct base_alloc *alloc;
    uint32_t asid;

    struct cpu_op missing; /* what an empty entry points to: decodes at regs.pc */
    struct cpu_page_list buckets[CPU_PAGE_BUCKETS];
    struct cpu_page_list dead; /* dropped while running */
    struct cpu_page_list free; /* empty page records */
    struct cpu_chunk *free_chunks;
    void *maps[CPU_CODE_MAPS_MAX];
    unsigned nmaps;
    uint16_t decode_index[33]; /* first row of the decode table for each major opcode */

    /* A page-crossing instruction is decoded here each time that it differs from the last one. */
    uint32_t crossing_insn;
    uint64_t crossing_pc;
    struct cpu_run *crossing;

    size_t size; /* of this record */
    struct cpu_fetch_slot *fetch;
    struct cpu_data_slot data[]; /* (data_mask >> 5) + 1 of them */
};

#define CPU_SINK 72
_Static_assert(offsetof(struct cpu_core, hart.regs.x) == 8, "x registers start at 8");
_Static_assert(offsetof(struct cpu_core, hart.regs.f) == 8 + 32 * 8, "f registers follow x");
_Static_assert(offsetof(struct cpu_core, sink) == 8 + CPU_SINK * 8, "the sink is a register");

/* The register file as ops index it. */
static inline uint64_t *
cpu_reg(struct cpu_core *c, unsigned idx)
{
    return (uint64_t *)(void *)((char *)c + 8) + idx;
}

static inline const struct cpu_run *
cpu_run_of(const struct cpu_op *op)
{
    return (const struct cpu_run *)(const void *)((const char *)(op - op->slot) -
                                                  offsetof(struct cpu_run, ops));
}

static inline const struct cpu_side *
cpu_side_of(const struct cpu_op *op)
{
    const struct cpu_run *run = cpu_run_of(op);
    return (const struct cpu_side *)(const void *)(run->ops + run->slots) + op->slot;
}

/* The address of op's instruction. */
static inline uint64_t
cpu_op_pc(const struct cpu_op *op)
{
    return cpu_run_of(op)->pc + (uint64_t)2 * cpu_side_of(op)->pc;
}

/* What k takes off for n instructions that made mem accesses. */
static inline uint64_t
cpu_share(unsigned n, unsigned mem)
{
    return ((uint64_t)n << 32) - mem;
}

/* --- exits (hart.c) --- */

/* Leaves at op, which has had no effect, with the hart's answer. */
const struct cpu_op *cpu_leave_at(
    struct cpu_core *c, const struct cpu_op *op, uint64_t k, enum cpu_exit why);
/* Leaves before the instruction at pc; k is up to date. */
const struct cpu_op *cpu_leave_before(
    struct cpu_core *c, uint64_t pc, uint64_t k, enum cpu_stop stop, enum cpu_exit why);
/* The slice is over and target is next. */
const struct cpu_op *cpu_leave_slice(struct cpu_core *c, const struct cpu_op *target, uint64_t k);
/* Instructions retired before op. */
uint64_t cpu_retired_at(const struct cpu_core *c, const struct cpu_op *op, uint64_t k);

/* --- recording (recorder.c) --- */

/* Around what a run of the hart does: takes the recorder's pointers, and gives them back. */
void cpu_record_begin(struct cpu_core *c);
void cpu_record_end(struct cpu_core *c);
/* Makes room; returns how many of budget instructions it suffices for. */
uint64_t cpu_record_room(struct cpu_core *c, uint64_t budget);
/* The run of op is left with ndone of its instructions done. */
void cpu_record_left(struct cpu_core *c, const struct cpu_op *op, unsigned ndone);

/* --- code (codepage.c, dispatch.c) --- */

MUST_CHECK enum pgw_status cpu_code_init(struct cpu_core *c);
void cpu_code_fini(struct cpu_core *c);
/* The record for the page, made if absent; NULL when memory or arena is used up. */
struct cpu_page *cpu_page_get(struct cpu_core *c, uint64_t vpn, const unsigned char *bytes);
void cpu_page_drop(struct cpu_core *c, struct cpu_page *page);
void cpu_page_drop_range(struct cpu_core *c, uint32_t asid, uint64_t vpn, uint64_t npages);
void cpu_code_drop_asid(struct cpu_core *c, uint32_t asid);
void cpu_code_drop_all(struct cpu_core *c);
void cpu_code_bury(struct cpu_core *c);
/* len bytes (at most CPU_CHUNK_SIZE minus a pointer) that live as long as page; NULL: full. */
void *cpu_page_alloc(struct cpu_core *c, struct cpu_page *page, size_t len);

/* Brings the page of va into its fetch slot and returns it.  NULL: on a fault, with the hart's
 * fault fields set, core.exit and core.stop too; or when the arena is full (CPU_STOP_FULL). */
struct cpu_page *cpu_fetch_page(struct cpu_core *c, uint64_t va);
void cpu_fetch_clear(struct cpu_core *c);
void cpu_data_clear(struct cpu_core *c);

/* The head of the run at offset (bytes) of page, decoded if need be; NULL when the arena is full.
 */
const struct cpu_op *cpu_run_get(struct cpu_core *c, struct cpu_page *page, unsigned offset);
/* Decodes the page-crossing instruction at pc into core.crossing. */
void cpu_run_crossing(struct cpu_core *c, uint64_t pc, uint32_t insn);
/* Gives op its fused handler if its neighbours allow one. */
void cpu_fuse(struct cpu_op *ops, const uint16_t *kinds, unsigned slots, bool recording);

static inline struct cpu_fetch_slot *
cpu_fetch_slot(struct cpu_core *c, uint64_t vpn)
{
    return &c->fetch[vpn & c->fetch_mask];
}

static inline struct cpu_data_slot *
cpu_data_slot(struct cpu_core *c, uint64_t va)
{
    return (struct cpu_data_slot *)(void *)((char *)c->data + (va >> 7 & c->data_mask));
}

/*
 * Translates for a data access that misses its slot, fills the slot and returns the host address
 * of va; NULL on a fault, with the hart's fault fields set.
 */
unsigned char *cpu_data_translate(struct cpu_core *c, uint64_t va, enum access access);

#endif
