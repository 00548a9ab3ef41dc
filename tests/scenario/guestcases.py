# SPDX-License-Identifier: BSD-2-Clause
"""The guest programs, and what each of them needs to run on little RAM.

Every case is run with the RAM named `small` (64 frames wherever the program can live in that),
with 64,000 frames, with every back end, policy and TLB, and under qemu-riscv64, and must print
the same each time.
"""


class Case:
    def __init__(self, name, args=(), small="256K", program=None, **more):
        self.name = name
        self.program = program or name
        self.args = list(args)
        self.small = small
        self.stdin = more.get("stdin", b"")
        self.env = more.get("env", {})
        self.status = more.get("status", 0)
        self.stack = more.get("stack")     # bytes, for qemu-riscv64, which fixes it in advance
        self.stderr = more.get("stderr")   # words that Pagewright must say on standard error
        self.options = more.get("options", [])  # Pagewright's, besides those of the machine
        self.heavy = more.get("heavy", False)  # only 64 frames and 64,000, nothing in between


SEGV, ILL, ABRT, BUS = 139, 132, 134, 135

CASES = [
    Case("hello"),
    Case("surroundings", ["17", "two words", "", "-x"], stdin=b"some\nlines\n" * 5000,
         env={"GIVEN_A": "first", "GIVEN_B": ""}, status=17),
    Case("sorts"),
    Case("matrix"),
    Case("hashes"),
    Case("churn"),
    Case("textfp"),
    Case("mappings"),
    Case("forktree", small="4M"),
    Case("forktree-narrow", ["8", "64"], program="forktree", small="512K"),
    Case("pipeline", small="384K"),
    Case("sigs"),
    Case("deep", stack=80 << 20, heavy=True),
    Case("sparse", small="4M", heavy=True),
    Case("overcommit", small="800K"),
    Case("freshzero", small="512K"),
    Case("chainexec"),
    Case("selfmod"),
    Case("nbody"),
    Case("digests"),
    Case("lisp"),
    Case("regexes"),
    Case("recursion"),
    Case("turns", small="512K"),
    Case("filework"),
    Case("nocall"),
    Case("hostile", small="512K"),
    Case("insn", program="insn/insn"),
    Case("crash-null", ["null"], program="crash", status=SEGV, stderr=["0x0", "write", "null"]),
    Case("crash-wild", ["wild"], program="crash", status=SEGV, stderr=["0x123456789a8", "read"]),
    Case("crash-kernel", ["kernel"], program="crash", status=SEGV,
         stderr=["0xffffffc000000000", "read"]),
    Case("crash-text", ["text"], program="crash", status=SEGV, stderr=["write", "r-x"]),
    Case("crash-jump", ["jump"], program="crash", status=SEGV, stderr=["0x10"]),
    Case("crash-data", ["data"], program="crash", status=SEGV, stderr=["rw-"]),
    Case("crash-stack", ["stack"], program="crash", status=SEGV, stderr=["stack"],
         options=["--stack", "8M"]),
    Case("crash-illegal", ["illegal"], program="crash", status=ILL, stderr=["illegal"]),
    Case("crash-bus", ["bus"], program="crash", status=BUS),
    Case("crash-abort", ["abort"], program="crash", status=ABRT),
    Case("crash-term", ["15"], program="crash", status=143),
    Case("crash-kill", ["9"], program="crash", status=137),
]


def case_named(name):
    for case in CASES:
        if case.name == name:
            return case
    raise SystemExit(f"no such case: {name}")
