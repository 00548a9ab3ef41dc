/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decoding runs.  A run is put together in scratch space, because its length is known only at its
 * end, then copied to its page's memory, where its links are made.
 */
#include <string.h>

#include "cpu/ops.h"

cpu_fn *const cpu_handlers[CPU_KIND_COUNT] = {
#define X(name) [CPU_KIND_##name] = cpu_do_##name,
    CPU_KINDS(X)
#undef X
};

/* A payload that will be a direct link. */
struct run_link {
    uint16_t slot;
    uint64_t va;
};

/* A run while it is made. */
struct run_draft {
    struct cpu_core *c;
    struct cpu_page *page; /* NULL: a page-crossing instruction, all of whose jumps are far */
    uint64_t start, pc;
    unsigned n, mem, slots, links, words;
    struct cpu_op ops[CPU_RUN_SLOTS];
    struct cpu_side side[CPU_RUN_SLOTS];
    uint16_t kinds[CPU_RUN_SLOTS];
    struct run_link link[CPU_RUN_MAX + 2];
    /* Of a hart that records: */
    uint8_t word[CPU_RUN_MAX + 2]; /* slots where a word of what was done is kept */
    struct cpu_code_insn insns[CPU_RUN_MAX];
};

#define RUN_PAYLOAD CPU_KIND_COUNT

/* Adds one slot. */
static struct cpu_op *
draft_slot(struct run_draft *d, unsigned kind)
{
    unsigned slot = d->slots++;
    d->side[slot] = (struct cpu_side){
        .pc = (uint8_t)((d->pc - d->start) / 2), .n = (uint8_t)d->n, .mem = (uint8_t)d->mem};
    d->kinds[slot] = (uint16_t)kind;
    return &d->ops[slot];
}

static struct cpu_op *
draft_op(struct run_draft *d, unsigned kind, unsigned rd, unsigned rs1, unsigned rs2, int32_t imm)
{
    struct cpu_op *op = draft_slot(d, kind);
    op->fn = d->c->recorder != NULL ? cpu_rec_handlers[kind] : cpu_handlers[kind];
    op->rd = (uint8_t)rd;
    op->rs1 = (uint8_t)rs1;
    op->rs2 = (uint8_t)rs2;
    op->slot = (uint8_t)(d->slots - 1);
    op->imm = imm;
    return op;
}

static void
draft_payload(struct run_draft *d, uint64_t value, uint64_t delta)
{
    struct cpu_op *op = draft_slot(d, RUN_PAYLOAD);
    op->value = value;
    op->delta = delta;
}

static void
draft_link(struct run_draft *d, uint64_t va, uint64_t delta)
{
    d->link[d->links++] = (struct run_link){.slot = (uint16_t)d->slots, .va = va};
    draft_payload(d, 0, delta);
}

/*
 * The op drafted last leaves the run: when that is recorded, it has a word, which says how many
 * instructions are done then, in its imm; or, with its imm in use, in a payload behind its others.
 */
static void
draft_word(struct run_draft *d, unsigned ndone, bool payload)
{
    if (d->c->recorder == NULL)
        return;
    if (payload)
        draft_payload(d, ndone, 0);
    else
        d->ops[d->slots - 1].imm = (int32_t)ndone;
    d->word[d->words++] = (uint8_t)(d->slots - 1);
}

/* Puts the run's number into its words. */
static void
draft_number(struct run_draft *d, uint32_t id)
{
    for (unsigned i = 0; i < d->words; i++) {
        struct cpu_op *op = &d->ops[d->word[i]];
        if (d->kinds[d->word[i]] == RUN_PAYLOAD)
            op->value += id;
        else
            op->imm = (int32_t)((uint32_t)op->imm + id);
    }
}

static bool
draft_is_near(const struct run_draft *d, uint64_t va)
{
    return d->page != NULL && va >> PAGE_SHIFT == d->page->vpn;
}

/* Ends the run by going on to va; what has been drafted is counted. */
static void
draft_goto(struct run_draft *d, uint64_t va)
{
    uint64_t share = cpu_share(d->n, d->mem);
    if (draft_is_near(d, va)) {
        draft_op(d, CPU_KIND_jump_near, 0, 0, 0, 0);
        draft_word(d, d->n, false);
        draft_link(d, va, share);
    } else {
        draft_op(d, CPU_KIND_jump_far, 0, 0, 0, 0);
        draft_word(d, d->n, false);
        draft_payload(d, va, share);
    }
}

static unsigned
sink_or(unsigned rd)
{
    return rd == 0 ? CPU_SINK : rd;
}

static void
draft_branch(struct run_draft *d, const struct cpu_insn *in)
{
    unsigned kind = in->kind;
    if (in->rs2 == 0 && kind == CPU_KIND_beq)
        kind = CPU_KIND_beqz;
    else if (in->rs2 == 0 && kind == CPU_KIND_bne)
        kind = CPU_KIND_bnez;
    else if (in->rs2 == 0 && kind == CPU_KIND_blt)
        kind = CPU_KIND_bltz;
    else if (in->rs2 == 0 && kind == CPU_KIND_bge)
        kind = CPU_KIND_bgez;
    draft_op(d, kind, 0, in->rs1, in->rs2, in->imm);
    draft_word(d, d->n + 1, false);
    draft_link(d, d->pc + (uint64_t)(int64_t)in->imm, cpu_share(d->n + 1, d->mem));
}

static void
draft_jal(struct run_draft *d, const struct cpu_insn *in, unsigned len)
{
    uint64_t va = d->pc + (uint64_t)(int64_t)in->imm;
    uint64_t share = cpu_share(d->n + 1, d->mem);
    bool near = draft_is_near(d, va);
    if (in->rd == 0)
        draft_op(d, near ? CPU_KIND_jump_near : CPU_KIND_jump_far, 0, 0, 0, 0);
    else
        draft_op(
            d, near ? CPU_KIND_call_near : CPU_KIND_call_far, in->rd, 0, 0, in->imm - (int32_t)len);
    bool imm_free = near || in->rd == 0;
    if (imm_free)
        draft_word(d, d->n + 1, false);
    if (near)
        draft_link(d, va, share);
    else
        draft_payload(d, va, share);
    if (near && in->rd != 0)
        draft_payload(d, d->pc + len, 0);
    if (!imm_free)
        draft_word(d, d->n + 1, true);
}

static void
draft_jalr(struct run_draft *d, const struct cpu_insn *in, unsigned len)
{
    draft_op(d, in->rd == 0 ? CPU_KIND_ret : CPU_KIND_jalr, in->rd, in->rs1, 0, in->imm);
    draft_payload(d, d->pc + len, cpu_share(d->n + 1, d->mem));
    draft_word(d, d->n + 1, true);
}

/* Integer computation; instructions without effect (hints too) take no slot. */
static void
draft_int(struct run_draft *d, const struct cpu_insn *in)
{
    unsigned kind = in->kind, rs1 = in->rs1;
    if (in->rd == 0)
        return;
    if (kind == CPU_KIND_li64) {
        draft_op(d, kind, in->rd, 0, 0, 0);
        draft_payload(d, d->pc + (uint64_t)(int64_t)in->imm, 0);
        return;
    }
    if (kind == CPU_KIND_addi && rs1 == 0) {
        kind = CPU_KIND_li;
    } else if (kind == CPU_KIND_addi && in->imm == 0) {
        kind = CPU_KIND_mv;
    } else if (kind == CPU_KIND_add && rs1 == 0) {
        kind = CPU_KIND_mv;
        rs1 = in->rs2;
    } else if (kind == CPU_KIND_add && in->rs2 == 0) {
        kind = CPU_KIND_mv;
    }
    draft_op(d, kind, in->rd, rs1, in->rs2, in->imm);
}

/* Traps and fence.i: the end of a run, with nothing after it. */
static void
draft_end(struct run_draft *d, const struct cpu_insn *in, unsigned len)
{
    draft_op(d, in->kind, 0, 0, 0, in->imm);
    if (in->kind == CPU_KIND_fence_i)
        draft_payload(d, d->pc + len, cpu_share(d->n + 1, d->mem));
}

/* Adds one instruction of len bytes; false when it ends the run. */
static bool
draft_insn(struct run_draft *d, const struct cpu_insn *in, unsigned len)
{
    bool more = true;
    switch (in->kind) {
    case CPU_KIND_fence:
        break;
    case CPU_KIND_jal:
        draft_jal(d, in, len);
        more = false;
        break;
    case CPU_KIND_jalr:
        draft_jalr(d, in, len);
        more = false;
        break;
    case CPU_KIND_ecall:
    case CPU_KIND_ebreak:
    case CPU_KIND_illegal:
    case CPU_KIND_fence_i:
        draft_end(d, in, len);
        more = false;
        break;
    default:
        if (in->format == CPU_FMT_B)
            draft_branch(d, in);
        else if (in->format == CPU_FMT_R || in->format == CPU_FMT_I || in->format == CPU_FMT_SH ||
                 in->format == CPU_FMT_U)
            draft_int(d, in);
        else
            draft_op(d, in->kind, sink_or(in->rd), in->rs1, in->rs2, in->imm);
        break;
    }
    if (d->c->recorder != NULL)
        d->insns[d->n] = cpu_record_insn(in, len);
    d->n++;
    d->mem += cpu_format_is_mem((enum cpu_format)in->format);
    d->pc += len;
    return more;
}

static uint16_t
read_half(const unsigned char *bytes)
{
    return (uint16_t)(bytes[0] | bytes[1] << 8);
}

static struct cpu_insn
decode_half(const struct cpu_core *c, uint16_t half)
{
    uint32_t bits = cpu_expand(half);
    if (bits != 0)
        return cpu_decode(c->decode_index, bits);
    return (struct cpu_insn){.kind = CPU_KIND_illegal, .imm = half};
}

/* Drafts instructions of the page until something ends the run. */
static void
draft_page(struct run_draft *d)
{
    for (;;) {
        unsigned offset = (unsigned)(d->pc & (PAGE_SIZE - 1));
        if (d->pc >> PAGE_SHIFT != d->page->vpn || d->n >= CPU_RUN_MAX ||
            (d->n > 0 && d->page->entry[offset / 2] != &d->c->missing)) {
            draft_goto(d, d->pc);
            return;
        }
        const unsigned char *bytes = d->page->bytes + offset;
        uint16_t half = read_half(bytes);
        if ((half & 3) == 3 && offset + 4 > PAGE_SIZE) {
            draft_op(d, CPU_KIND_crossing, 0, 0, 0, 0);
            draft_word(d, d->n, false);
            draft_payload(d, d->pc, cpu_share(d->n, d->mem));
            return;
        }
        bool wide = (half & 3) == 3;
        struct cpu_insn in =
            wide ? cpu_decode(d->c->decode_index, half | (uint32_t)read_half(bytes + 2) << 16)
                 : decode_half(d->c, half);
        if (!draft_insn(d, &in, wide ? 4 : 2))
            return;
    }
}

/* Writes a draft to run, whose memory suffices. */
static void
draft_write(struct run_draft *d, struct cpu_run *run)
{
    run->id = 0;
    if (d->c->recorder != NULL && d->n > 0) {
        const struct cpu_code code = {.pc = d->start, .insns = d->insns, .n = d->n};
        run->id = d->c->recorder->code(d->c->recorder, &code);
        draft_number(d, run->id);
    }
    run->pc = d->start;
    run->page = d->page;
    run->slots = d->slots;
    run->bytes = (uint32_t)(d->pc - d->start);
    memcpy(run->ops, d->ops, d->slots * sizeof(d->ops[0]));
    memcpy(run->ops + d->slots, d->side, d->slots * sizeof(d->side[0]));
}

/* Points every link of a new run to code, or to an op that will find it.  False: full. */
static bool
run_make_links(const struct run_draft *d, struct cpu_run *run)
{
    struct cpu_page *page = d->page;
    for (unsigned i = 0; i < d->links; i++) {
        struct cpu_op *payload = &run->ops[d->link[i].slot];
        uint64_t va = d->link[i].va;
        unsigned offset = (unsigned)(va & (PAGE_SIZE - 1));
        bool near = draft_is_near(d, va);
        if (near && page->entry[offset / 2] != &d->c->missing) {
            payload->target = page->entry[offset / 2];
            continue;
        }
        struct cpu_op *stub = cpu_page_alloc(d->c, page, 2 * sizeof(*stub));
        if (stub == NULL)
            return false;
        stub[0] =
            (struct cpu_op){.fn = near ? cpu_do_link : cpu_do_jump_far, .imm = (int32_t)offset};
        stub[1].value = near ? (uintptr_t)payload : va;
        stub[1].delta = near ? (uintptr_t)page : 0;
        payload->target = stub;
    }
    return true;
}

const struct cpu_op *
cpu_run_get(struct cpu_core *c, struct cpu_page *page, unsigned offset)
{
    if (page->entry[offset / 2] != &c->missing)
        return page->entry[offset / 2];
    struct run_draft d;
    d.c = c;
    d.page = page;
    d.start = d.pc = (page->vpn << PAGE_SHIFT) + offset;
    d.n = d.mem = d.slots = d.links = d.words = 0;
    draft_page(&d);
    cpu_fuse(d.ops, d.kinds, d.slots, c->recorder != NULL);
    struct cpu_run *run = cpu_page_alloc(
        c, page, sizeof(*run) + d.slots * (sizeof(struct cpu_op) + sizeof(struct cpu_side)));
    if (run == NULL)
        return NULL;
    draft_write(&d, run);
    if (!run_make_links(&d, run))
        return NULL;
    page->entry[offset / 2] = run->ops;
    c->hart.stats.blocks++;
    return run->ops;
}

void
cpu_run_crossing(struct cpu_core *c, uint64_t pc, uint32_t insn)
{
    struct run_draft d;
    d.c = c;
    d.page = NULL;
    d.start = d.pc = pc;
    d.n = d.mem = d.slots = d.links = d.words = 0;
    struct cpu_insn in = cpu_decode(c->decode_index, insn);
    if (draft_insn(&d, &in, 4))
        draft_goto(&d, d.pc);
    draft_write(&d, c->crossing);
    /* A conditional branch is the only link there can be: its stub follows the run. */
    struct cpu_op *stub = (struct cpu_op *)(void *)((char *)c->crossing + CPU_CHUNK_SIZE) - 2;
    for (unsigned i = 0; i < d.links; i++) {
        stub[0] = (struct cpu_op){.fn = cpu_do_jump_far};
        stub[1] = (struct cpu_op){.value = d.link[i].va, .delta = 0};
        c->crossing->ops[d.link[i].slot].target = stub;
    }
    c->crossing_pc = pc;
    c->crossing_insn = insn;
    c->hart.stats.blocks++;
}
