#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes the assembly half of the instruction-coverage program.

For each instruction of RV64GC (and each rounding mode, immediate or offset worth a case of its
own) one stub: it takes its operands from the record that a0 points to, executes the instruction
once, and puts the result and the exception flags back.  A table names the stubs, so that insn.c can
run each with every combination of operands.
"""
import sys

X = ["a1", "a2", "a3", "a4", "a5", "a6", "a7", "t0", "t1", "t2", "t3", "t4", "t5", "t6"]
CX = ["a1", "a2", "a3", "a4", "a5"]
F = ["ft%d" % i for i in range(12)] + ["fa%d" % i for i in range(8)]
CF = ["fa%d" % i for i in range(6)]
RM = ["rne", "rtz", "rdn", "rup", "rmm"]

out = []
table = []
turn = 0


def pick(names, n):
    """n different registers, others each time."""
    global turn
    turn += 1
    return [names[(turn * 5 + i * 3) % len(names)] for i in range(n)]


def stub(name, operands, body, frm=False):
    """operands: a letter each (x integer, s single, d double, m none but memory)."""
    label = "stub_%d" % len(table)
    out.append("%s:" % label)
    out.extend("\t" + line for line in body)
    out.append("\tret")
    table.append((label, name, operands, frm))


def load_x(regs):
    return ["ld %s, %d(a0)" % (r, 8 * i) for i, r in enumerate(regs)]


def load_f(regs):
    return ["fld %s, %d(a0)" % (r, 8 * i) for i, r in enumerate(regs)]


def integer():
    for op in ("add sub sll slt sltu xor srl sra or and addw subw sllw srlw sraw mul mulh mulhsu "
               "mulhu div divu rem remu mulw divw divuw remw remuw").split():
        d, a, b = pick(X, 3)
        stub(op, "xx", load_x([a, b]) + ["%s %s, %s, %s" % (op, d, a, b), "sd %s, 24(a0)" % d])
        stub(op + ".same", "xx", load_x([a, b]) + ["%s %s, %s, %s" % (op, a, a, b),
                                                   "sd %s, 24(a0)" % a])
        stub(op + ".zero", "xx", load_x([a, b]) + [
            "%s zero, %s, %s" % (op, a, b), "%s %s, zero, %s" % (op, d, b),
            "%s %s, %s, zero" % (op, b, a), "xor %s, %s, %s" % (d, d, b), "sd %s, 24(a0)" % d])
    for op in "addi slti sltiu xori ori andi addiw".split():
        for imm in (0, 1, -1, 5, 2047, -2048, 0x555):
            d, a = pick(X, 2)
            stub("%s.%d" % (op, imm), "x",
                 load_x([a]) + ["%s %s, %s, %d" % (op, d, a, imm), "sd %s, 24(a0)" % d])
    for op, top in (("slli", 63), ("srli", 63), ("srai", 63), ("slliw", 31), ("srliw", 31),
                    ("sraiw", 31)):
        for imm in (0, 1, 7, 31, 32, 63):
            if imm <= top:
                d, a = pick(X, 2)
                stub("%s.%d" % (op, imm), "x",
                     load_x([a]) + ["%s %s, %s, %d" % (op, d, a, imm), "sd %s, 24(a0)" % d])
    for op in ("lui", "auipc"):
        for imm in (0, 1, 0x7ffff, 0x80000, 0xfffff):
            d, = pick(X, 1)
            stub("%s.%d" % (op, imm), "", ["%s %s, %d" % (op, d, imm), "sd %s, 24(a0)" % d])


def fused():
    """Neighbours that an interpreter may execute as one."""
    pairs = [
        "slli {d}, {a}, 32; srli {d}, {d}, 32", "slli {d}, {a}, 48; srai {d}, {d}, 48",
        "slli {d}, {a}, 3; add {d}, {d}, {b}", "add {d}, {a}, {b}; add {a}, {d}, {d}",
        "lui {d}, 0x12345; addi {d}, {d}, -77", "lui {d}, 0x80000; addiw {d}, {d}, 5",
        "addi {a}, {a}, 1; slt {d}, {a}, {b}", "mv {d}, {a}; mv {a}, {b}; sub {d}, {d}, {a}",
        "mv {d}, {b}; addi {d}, {d}, 9", "andi {d}, {a}, 255; xor {d}, {d}, {b}",
        "xor {d}, {a}, {b}; andi {d}, {d}, 1", "addw {d}, {a}, {b}; slli {d}, {d}, 2",
        "slli {d}, {a}, 16; srli {d}, {d}, 16; xor {d}, {d}, {b}",
        "mul {d}, {a}, {b}; addw {d}, {d}, {a}", "add {d}, {a}, {b}; sub {d}, {d}, {a}",
    ]
    for i, pair in enumerate(pairs):
        d, a, b = pick(X, 3)
        stub("pair.%d" % i, "xx", load_x([a, b]) +
             [p.strip().format(d=d, a=a, b=b) for p in pair.split(";")] + ["sd %s, 24(a0)" % d])


def branches():
    for op in "beq bne blt bge bltu bgeu".split():
        a, b = pick(X, 2)
        for name, x, y in ((op, a, b), (op + ".zero", a, "zero"), (op + ".rzero", "zero", b)):
            stub(name, "xx", load_x([a, b]) + [
                "li t6, 1" if "t6" not in (a, b) else "li t5, 1", "%s %s, %s, 1f" % (op, x, y),
                "li a0, 0" if False else "sd zero, 24(a0)", "ret",
                "1: li t0, 1", "sd t0, 24(a0)"])
    stub("jal", "", ["jal t0, 1f", "sd zero, 24(a0)", "1: sd t0, 24(a0)"])
    stub("jalr", "", ["la t1, 1f", "addi t1, t1, -5", "jalr t0, 6(t1)", "sd zero, 24(a0)", "1: sd t0, 24(a0)"])
    stub("jalr.same", "", ["la t0, 1f", "jalr t0, 0(t0)", "sd zero, 24(a0)", "1: sd t0, 24(a0)"])
    stub("loop", "", ["li t0, 200", "li t1, 0", "1: add t1, t1, t0", "addi t0, t0, -1",
                      "bnez t0, 1b", "sd t1, 24(a0)"])


def memory():
    """64 bytes at 64(a0) are memory with known contents."""
    for op in "lb lh lw ld lbu lhu lwu".split():
        for offset in (64, 65, 67, 71, 72):
            d, = pick(X, 1)
            stub("%s.%d" % (op, offset), "", ["%s %s, %d(a0)" % (op, d, offset),
                                             "sd %s, 24(a0)" % d])
    for op in "sb sh sw sd".split():
        for offset in (64, 65, 67, 71, 72):
            a, = pick(X, 1)
            stub("%s.%d" % (op, offset), "x", load_x([a]) + [
                "%s %s, %d(a0)" % (op, a, offset), "ld t0, 64(a0)", "ld t1, 72(a0)",
                "slli t1, t1, 1", "xor t0, t0, t1", "sd t0, 24(a0)"])
    for op, back in (("flw", "fsd"), ("fld", "fsd")):
        for offset in (64, 66, 72):
            d, = pick(F, 1)
            stub("%s.%d" % (op, offset), "", ["%s %s, %d(a0)" % (op, d, offset),
                                             "%s %s, 24(a0)" % (back, d)])
    for op, kind in (("fsw", "s"), ("fsd", "d")):
        for offset in (64, 67, 72):
            a, = pick(F, 1)
            stub("%s.%d" % (op, offset), kind, load_f([a]) + [
                "%s %s, %d(a0)" % (op, a, offset), "ld t0, 64(a0)", "ld t1, 72(a0)",
                "slli t1, t1, 1", "xor t0, t0, t1", "sd t0, 24(a0)"])
    stub("fence", "x", load_x(["t0"]) + ["fence", "fence rw, w", "fence.i", "sd t0, 24(a0)"])


def atomics():
    """The operand is in memory at 64(a0) (operand 0), the other in a register (operand 1)."""
    for width in ("w", "d"):
        for op in "amoswap amoadd amoxor amoand amoor amomin amomax amominu amomaxu".split():
            for order in ("", ".aqrl"):
                stub("%s.%s%s" % (op, width, order), "xx", [
                    "ld t0, 0(a0)", "sd t0, 64(a0)", "ld a1, 8(a0)", "addi a2, a0, 64",
                    "%s.%s%s a3, a1, (a2)" % (op, width, order), "ld t1, 64(a0)",
                    "slli t1, t1, 1", "xor a3, a3, t1", "sd a3, 24(a0)"])
        stub("lr_sc.%s" % width, "xx", [
            "ld t0, 0(a0)", "sd t0, 64(a0)", "ld a1, 8(a0)", "addi a2, a0, 64",
            "lr.%s a3, (a2)" % width, "sc.%s a4, a1, (a2)" % width, "ld t1, 64(a0)",
            "slli t1, t1, 1", "xor a3, a3, t1", "add a3, a3, a4", "sd a3, 24(a0)"])
        stub("sc_twice.%s" % width, "xx", [
            "ld t0, 0(a0)", "sd t0, 64(a0)", "ld a1, 8(a0)", "addi a2, a0, 64",
            "lr.%s.aq a3, (a2)" % width, "sc.%s.rl a4, a1, (a2)" % width,
            "sc.%s a5, zero, (a2)" % width, "seqz a4, a4", "snez a5, a5", "ld t1, 64(a0)",
            "slli a4, a4, 1", "or a4, a4, a5", "add a4, a4, t1", "sd a4, 24(a0)"])


def fp_stub(name, kinds, regs, insn, store, rm):
    body = load_f(regs) if kinds[0] != "x" else load_x(regs)
    body += ["fsflags zero", insn, store, "frflags t0", "sd t0, 32(a0)"]
    stub(name, kinds, body, frm=rm)


def modes(name, kinds, regs, insn, store):
    """insn in each static rounding mode and in the dynamic one."""
    for rm in RM:
        fp_stub("%s.%s" % (name, rm), kinds, regs, "%s, %s" % (insn, rm), store, False)
    fp_stub("%s.dyn" % name, kinds, regs, "%s, dyn" % insn, store, True)


def floating():
    for k in ("s", "d"):
        for op in ("fadd", "fsub", "fmul", "fdiv"):
            d, a, b = pick(F, 3)
            modes("%s.%s" % (op, k), k + k, [a, b], "%s.%s %s, %s, %s" % (op, k, d, a, b),
                  "fsd %s, 24(a0)" % d)
        d, a = pick(F, 2)
        modes("fsqrt.%s" % k, k, [a], "fsqrt.%s %s, %s" % (k, d, a), "fsd %s, 24(a0)" % d)
        for op in ("fmadd", "fmsub", "fnmsub", "fnmadd"):
            d, a, b, e = pick(F, 4)
            modes("%s.%s" % (op, k), k * 3, [a, b, e],
                  "%s.%s %s, %s, %s, %s" % (op, k, d, a, b, e), "fsd %s, 24(a0)" % d)
        for op in ("fsgnj", "fsgnjn", "fsgnjx", "fmin", "fmax"):
            d, a, b = pick(F, 3)
            fp_stub("%s.%s" % (op, k), k + k, [a, b], "%s.%s %s, %s, %s" % (op, k, d, a, b),
                    "fsd %s, 24(a0)" % d, False)
        for op in ("feq", "flt", "fle"):
            (d,), (a, b) = pick(X, 1), pick(F, 2)
            fp_stub("%s.%s" % (op, k), k + k, [a, b], "%s.%s %s, %s, %s" % (op, k, d, a, b),
                    "sd %s, 24(a0)" % d, False)
        a, = pick(F, 1)
        fp_stub("fclass.%s" % k, k, [a], "fclass.%s a1, %s" % (k, a), "sd a1, 24(a0)", False)
        for to in ("w", "wu", "l", "lu"):
            (d,), (a,) = pick(X, 1), pick(F, 1)
            modes("fcvt.%s.%s" % (to, k), k, [a], "fcvt.%s.%s %s, %s" % (to, k, d, a),
                  "sd %s, 24(a0)" % d)
        for frm in ("w", "wu", "l", "lu"):
            (a,), (d,) = pick(X, 1), pick(F, 1)
            insn = "fcvt.%s.%s %s, %s" % (k, frm, d, a)
            if k == "d" and frm in ("w", "wu"):
                fp_stub("fcvt.d.%s" % frm, "x", [a], insn, "fsd %s, 24(a0)" % d, False)
            else:
                modes("fcvt.%s.%s" % (k, frm), "x", [a], insn, "fsd %s, 24(a0)" % d)
    modes("fcvt.s.d", "d", ["fa1"], "fcvt.s.d fa2, fa1", "fsd fa2, 24(a0)")
    fp_stub("fcvt.d.s", "s", ["fa1"], "fcvt.d.s fa2, fa1", "fsd fa2, 24(a0)", False)
    fp_stub("fmv.x.w", "s", ["ft3"], "fmv.x.w a1, ft3", "sd a1, 24(a0)", False)
    fp_stub("fmv.x.d", "d", ["ft3"], "fmv.x.d a1, ft3", "sd a1, 24(a0)", False)
    fp_stub("fmv.w.x", "x", ["a1"], "fmv.w.x ft4, a1", "fsd ft4, 24(a0)", False)
    fp_stub("fmv.d.x", "x", ["a1"], "fmv.d.x ft4, a1", "fsd ft4, 24(a0)", False)


def csrs():
    for csr in ("fflags", "frm", "fcsr"):
        for op in ("csrrw", "csrrs", "csrrc"):
            stub("%s.%s" % (op, csr), "xx", load_x(["a1", "a2"]) + [
                "csrw fcsr, a1", "%s a3, %s, a2" % (op, csr), "csrr a4, fcsr", "slli a4, a4, 8",
                "or a3, a3, a4", "csrw fcsr, zero", "sd a3, 24(a0)"])
        for op in ("csrrwi", "csrrsi", "csrrci"):
            for imm in (0, 1, 21, 31):
                stub("%s.%s.%d" % (op, csr, imm), "x", load_x(["a1"]) + [
                    "csrw fcsr, a1", "%s a3, %s, %d" % (op, csr, imm), "csrr a4, fcsr",
                    "slli a4, a4, 8", "or a3, a3, a4", "csrw fcsr, zero", "sd a3, 24(a0)"])
    for csr in ("cycle", "time", "instret"):
        stub(csr, "", ["rd%s a1" % csr, "rd%s a2" % csr, "sltu a1, a2, a1", "sd a1, 24(a0)"])


def compressed():
    for op in ("c.sub", "c.xor", "c.or", "c.and", "c.subw", "c.addw"):
        a, b = pick(CX, 2)
        stub(op, "xx", load_x([a, b]) + ["%s %s, %s" % (op, a, b), "sd %s, 24(a0)" % a])
    for op in ("c.add", "c.mv"):
        a, b = pick(X, 2)
        stub(op, "xx", load_x([a, b]) + ["%s %s, %s" % (op, a, b), "sd %s, 24(a0)" % a])
    for op, imms in (("c.addi", (-32, -1, 1, 31)), ("c.addiw", (-32, -1, 0, 1, 31)),
                     ("c.li", (-32, -1, 0, 1, 31)), ("c.lui", (1, 31, 0xfffe0, 0xfffff)),
                     ("c.slli", (1, 31, 32, 63))):
        for imm in imms:
            a, = pick(X, 1)
            stub("%s.%d" % (op, imm), "x", load_x([a]) + ["%s %s, %d" % (op, a, imm),
                                                        "sd %s, 24(a0)" % a])
    for op, imms in (("c.srli", (1, 31, 32, 63)), ("c.srai", (1, 31, 32, 63)),
                     ("c.andi", (-32, -1, 0, 1, 31))):
        for imm in imms:
            a, = pick(CX, 1)
            stub("%s.%d" % (op, imm), "x", load_x([a]) + ["%s %s, %d" % (op, a, imm),
                                                        "sd %s, 24(a0)" % a])
    for imm in (4, 16, 1020):
        stub("c.addi4spn.%d" % imm, "", ["c.addi4spn a1, sp, %d" % imm, "sub a1, a1, sp",
                                       "sd a1, 24(a0)"])
    for imm in (-512, 16, 496):
        stub("c.addi16sp.%d" % imm, "", ["mv t0, sp", "c.addi16sp sp, %d" % imm,
                                       "sub a1, sp, t0", "mv sp, t0", "sd a1, 24(a0)"])
    for op, d, offsets in (("c.lw", "a1", (64, 68, 124)), ("c.ld", "a2", (64, 72, 120)),
                           ("c.fld", "fa3", (64, 72, 120))):
        for offset in offsets:
            store = "fsd" if d[0] == "f" else "sd"
            stub("%s.%d" % (op, offset), "", ["%s %s, %d(a0)" % (op, d, offset),
                                             "%s %s, 24(a0)" % (store, d)])
    for op, a, kind in (("c.sw", "a1", "x"), ("c.sd", "a2", "x"), ("c.fsd", "fa3", "d")):
        load = load_f if a[0] == "f" else load_x
        stub(op, kind, load([a]) + ["%s %s, 64(a0)" % (op, a), "ld t0, 64(a0)", "sd t0, 24(a0)"])
    for load, store, reg, kind in (("c.lwsp", "c.swsp", "t3", "x"), ("c.ldsp", "c.sdsp", "t4", "x"),
                                   ("c.fldsp", "c.fsdsp", "ft5", "d")):
        fetch = load_f if reg[0] == "f" else load_x
        for offset in (0, 8, 248):
            stub("%s.%d" % (load, offset), kind, fetch([reg]) + [
                "mv t0, sp", "addi sp, sp, -256", "sd zero, %d(sp)" % offset,
                "%s %s, %d(sp)" % (store, reg, offset), "%s %s, %d(sp)" % (load, reg, offset),
                "mv sp, t0", "%s %s, 24(a0)" % ("fsd" if reg[0] == "f" else "sd", reg)])
    for op in ("c.beqz", "c.bnez"):
        a, = pick(CX, 1)
        stub(op, "x", load_x([a]) + ["%s %s, 1f" % (op, a), "sd zero, 24(a0)", "ret",
                                    "1: li t0, 1", "sd t0, 24(a0)"])
    stub("c.j", "", ["li t0, 7", "c.j 1f", "li t0, 8", "1: sd t0, 24(a0)"])
    stub("c.jalr", "", ["mv t2, ra", "la t1, 1f", "c.jalr t1", "sd zero, 24(a0)",
                        "1: sd ra, 24(a0)", "mv ra, t2"])
    stub("c.jr", "", ["la t1, 1f", "li t0, 3", "c.jr t1", "li t0, 4", "1: sd t0, 24(a0)"])
    stub("c.nop", "x", load_x(["t0"]) + ["c.nop", "sd t0, 24(a0)"])
    hints = ["0x0005", "0x4005", "0x6085 & 0xf07f", "0x8006", "0x9006", "0x0006"]
    stub("hints", "x", load_x(["t0"]) + [".half %s" % h for h in hints] + [
        "addi zero, t0, 5", "lui zero, 3", "auipc zero, 3", "slt zero, t0, t0", "sd t0, 24(a0)"])


def main():
    for part in (integer, fused, branches, memory, atomics, floating, csrs, compressed):
        part()
    with open(sys.argv[1], "w", encoding="ascii") as f:
        f.write("# Made by insn_gen.py.\n\t.text\n\t.option norelax\n")
        f.write("\n".join(out) + "\n")
        f.write("\t.section .rodata\n\t.balign 8\n\t.globl insn_table\ninsn_table:\n")
        for i, (label, _, operands, frm) in enumerate(table):
            f.write("\t.dword %s, name_%d, kinds_%d, %d\n" % (label, i, i, frm))
        f.write("\t.dword 0, 0, 0, 0\n")
        for i, (_, name, operands, _) in enumerate(table):
            f.write('name_%d:\t.asciz "%s"\nkinds_%d:\t.asciz "%s"\n' % (i, name, i, operands))


main()
