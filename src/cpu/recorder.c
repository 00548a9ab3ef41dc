/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of recording that are not in the handlers. */
#include "cpu/recorder.h"

#include "cpu/ops.h"

/* What a run may overrun its budget by. */
#define RECORD_SLACK ((uint64_t)2 * CPU_RUN_MAX)

/* Bytes, with what is done to them above. */
#define READ(size) ((size) | CPU_ACCESS_READ << 4)
#define WRITE(size) ((size) | CPU_ACCESS_WRITE << 4)
#define BOTH(size) ((size) | (CPU_ACCESS_READ | CPU_ACCESS_WRITE) << 4)

/* clang-format off */
static const uint8_t record_access[CPU_KIND_COUNT] = {
    [CPU_KIND_lb] = READ(1), [CPU_KIND_lbu] = READ(1), [CPU_KIND_lh] = READ(2),
    [CPU_KIND_lhu] = READ(2), [CPU_KIND_lw] = READ(4), [CPU_KIND_lwu] = READ(4),
    [CPU_KIND_ld] = READ(8), [CPU_KIND_flw] = READ(4), [CPU_KIND_fld] = READ(8),
    [CPU_KIND_sb] = WRITE(1), [CPU_KIND_sh] = WRITE(2), [CPU_KIND_sw] = WRITE(4),
    [CPU_KIND_sd] = WRITE(8), [CPU_KIND_fsw] = WRITE(4), [CPU_KIND_fsd] = WRITE(8),
    [CPU_KIND_lr_w] = READ(4), [CPU_KIND_lr_d] = READ(8),
    [CPU_KIND_sc_w] = WRITE(4), [CPU_KIND_sc_d] = WRITE(8),
    [CPU_KIND_amoswap_w] = BOTH(4), [CPU_KIND_amoswap_d] = BOTH(8),
    [CPU_KIND_amoadd_w] = BOTH(4), [CPU_KIND_amoadd_d] = BOTH(8),
    [CPU_KIND_amoxor_w] = BOTH(4), [CPU_KIND_amoxor_d] = BOTH(8),
    [CPU_KIND_amoand_w] = BOTH(4), [CPU_KIND_amoand_d] = BOTH(8),
    [CPU_KIND_amoor_w] = BOTH(4), [CPU_KIND_amoor_d] = BOTH(8),
    [CPU_KIND_amomin_w] = BOTH(4), [CPU_KIND_amomin_d] = BOTH(8),
    [CPU_KIND_amomax_w] = BOTH(4), [CPU_KIND_amomax_d] = BOTH(8),
    [CPU_KIND_amominu_w] = BOTH(4), [CPU_KIND_amominu_d] = BOTH(8),
    [CPU_KIND_amomaxu_w] = BOTH(4), [CPU_KIND_amomaxu_d] = BOTH(8),
};
/* clang-format on */

cpu_fn *const cpu_rec_handlers[CPU_KIND_COUNT] = {
#define X(name) [CPU_KIND_##name] = cpu_do_##name,
    CPU_KINDS_INT(X) CPU_KINDS_SYSTEM(X) CPU_KINDS_FP(X) CPU_KINDS_FPX(X) CPU_KINDS_FCVT(X) X(jal)
        X(link) X(missing)
#undef X
#define X(name) [CPU_KIND_##name] = cpu_rec_##name,
            CPU_KINDS_RECORDED(X)
#undef X
};

struct cpu_code_insn
cpu_record_insn(const struct cpu_insn *insn, unsigned len)
{
    uint8_t access = record_access[insn->kind];
    return (struct cpu_code_insn){.len = (uint8_t)len, .access = access >> 4, .size = access & 15};
}

void
cpu_hart_record(struct cpu_hart *hart, struct cpu_recorder *recorder)
{
    struct cpu_core *c = (struct cpu_core *)hart;
    if (c->recorder == recorder)
        return;
    /* Code that is decoded has the handlers of the other set. */
    cpu_code_drop_all(c);
    c->crossing_pc = 1; /* no instruction's */
    c->recorder = recorder;
    c->record_generation = recorder != NULL ? recorder->generation : 0;
}

void
cpu_record_begin(struct cpu_core *c)
{
    c->record_word = c->recorder->words;
    c->record_va = c->recorder->vas;
}

void
cpu_record_end(struct cpu_core *c)
{
    c->recorder->words = c->record_word;
    c->recorder->vas = c->record_va;
}

/* How many instructions there is room for: two words each, if it crosses into a second page. */
static uint64_t
record_room(const struct cpu_recorder *recorder)
{
    uint64_t words = (uint64_t)(recorder->words_end - recorder->words) / 2;
    uint64_t vas = (uint64_t)(recorder->vas_end - recorder->vas);
    uint64_t room = words < vas ? words : vas;
    return room > RECORD_SLACK ? room - RECORD_SLACK : 0;
}

uint64_t
cpu_record_room(struct cpu_core *c, uint64_t budget)
{
    struct cpu_recorder *recorder = c->recorder;
    cpu_record_end(c);
    uint64_t room = record_room(recorder);
    if (room < CPU_RECORD_ROOM / 4) {
        recorder->full(recorder);
        room = record_room(recorder);
    }
    cpu_record_begin(c);
    if (c->record_generation != recorder->generation) {
        bool running = c->running;
        c->running = false;
        cpu_code_bury(c);
        cpu_code_drop_all(c);
        c->crossing_pc = 1;
        c->running = running;
        c->record_generation = recorder->generation;
    }
    return budget < room ? budget : room;
}

void
cpu_record_left(struct cpu_core *c, const struct cpu_op *op, unsigned ndone)
{
    *c->record_word++ = cpu_run_of(op)->id + ndone;
}
