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
        self.withheld = set(more.get("withheld", []))  # rights that must be there to be withheld
        self.processes = more.get("processes", 1)  # at once
        self.dynamic = more.get("dynamic", False)  # linked with libraries of the cross compiler's
        self.needs = set(more.get("needs", []))  # of NEEDS, below
        self.harts = more.get("harts", [])  # it has threads: on machines with so many harts, too


# What a program may need that a scheme need not have, and whether it has it.
NEEDS = {
    "pages": ("its memory is mapped and protected page by page",
              lambda scheme: not scheme["contiguous"]),
    "stack": ("a stack in the same piece of RAM as all else cannot grow to where that is",
              lambda scheme: not scheme["contiguous"] or scheme["registers"] > 1),
    "apart": ("its code and its data are 1 GiB apart, and would be one piece of RAM",
              lambda scheme: not scheme["contiguous"] or scheme["registers"] > 1),
    "wide": ("it maps 250 GiB",
             lambda scheme: (scheme["user_bytes"] or 0) > 250 << 30),
    "null": ("address 0 is memory like any other",
             lambda scheme: not scheme["contiguous"] or scheme["registers"] > 0),
}


def unsuited(case, scheme):
    """Why the case cannot do the same on the scheme; "" if it must."""
    missing = case.withheld - set(scheme["rights"])
    if missing:
        return f"the scheme cannot withhold the right to {' and '.join(sorted(missing))}"
    for need in sorted(case.needs):
        reason, has = NEEDS[need]
        if not has(scheme):
            return reason
    return ""


def little_ram(case, scheme):
    """So little RAM that the case pages; None: it is as well tested with much."""
    if case.heavy or scheme["contiguous"]:
        return None
    if scheme["levels"] != 1:
        return case.small
    table = scheme["entry_bytes"] << (scheme["address_bits"] - 12)  # each process has a whole one
    kib = int(case.small[:-1]) * (1024 if case.small.endswith("M") else 1)
    return f"{kib + (case.processes + 2) * (table >> 10)}K"


SEGV, ILL, ABRT, BUS = 139, 132, 134, 135

CASES = [
    Case("hello"),
    Case("surroundings", ["17", "two words", "", "-x"], stdin=b"some\nlines\n" * 5000,
         env={"GIVEN_A": "first", "GIVEN_B": ""}, status=17),
    Case("sorts"),
    Case("matrix"),
    Case("pthreads", small="512K", harts=[2, 4, 16]),
    Case("crowdwork", small="512K", harts=[2, 4], processes=2),
    Case("tlbstorm", small="512K", harts=[2, 4], withheld=["write"], needs=["pages"]),
    Case("hashes"),
    Case("churn"),
    Case("textfp"),
    Case("hugepages", small="4M", needs=["pages"], heavy=True),
    Case("hugepages-always", program="hugepages", small="24M", needs=["pages"], heavy=True,
         options=["--huge", "always"]),
    Case("hugepages-reserve", program="hugepages", small="24M", needs=["pages"], heavy=True,
         options=["--huge", "always", "--huge-alloc", "reserve"]),
    Case("mappings", withheld=["write"], needs=["pages"]),
    Case("forktree", small="4M", processes=50),
    Case("forktree-narrow", ["8", "64"], program="forktree", small="512K", processes=8),
    Case("pipeline", small="384K", processes=5),
    Case("sigs", processes=2, withheld=["write", "execute"], needs=["pages"]),
    Case("deep", stack=80 << 20, heavy=True, needs=["stack"]),
    Case("scans", small="1M", heavy=True),
    Case("sparse", small="4M", heavy=True, needs=["wide"]),
    Case("commits", small="1M", processes=12, options=["--overcommit", "never:100"],
         needs=["pages"]),
    Case("overcommit", small="800K"),
    Case("freshzero", small="512K", processes=26),
    Case("chainexec", processes=2),
    Case("selfmod", processes=2),
    Case("nbody"),
    Case("digests"),
    Case("lisp"),
    Case("regexes"),
    Case("recursion"),
    Case("turns", small="512K", processes=12),
    Case("apart", small="512K", processes=3, needs=["apart"]),
    Case("filework"),
    Case("mmapfile", withheld=["write"], needs=["pages"], processes=2),
    Case("shmem", withheld=["write"], needs=["pages"], processes=2),
    Case("nocall"),
    Case("merging", small="512K", processes=5, options=["--merge-rate", "20000"]),
    Case("merging-all", small="512K", processes=5, program="merging",
         options=["--merge", "all", "--merge-rate", "20000"]),
    Case("hostile", small="512K", processes=6, needs=["null"]),
    Case("insn", program="insn/insn"),
    Case("dynamic", program="linked/dynamic", processes=2, dynamic=True),
    Case("dynamic-nopie", program="linked/dynamic-nopie", processes=2, dynamic=True),
    Case("staticpie", program="linked/staticpie", status=7),
    Case("plugins", program="linked/plugins", processes=2, dynamic=True),
    Case("tls", program="linked/tls", dynamic=True),
    Case("crowd", ["6"], program="linked/crowd", processes=7, small="512K", dynamic=True),
    Case("aslr-dynamic", program="linked/dynamic", processes=2, dynamic=True,
         options=["--aslr", "on", "--seed", "9"]),
    Case("aslr-forktree", ["8", "64"], program="forktree", small="512K", processes=8,
         options=["--aslr", "on"]),
    Case("crash-null", ["null"], program="crash", status=SEGV, stderr=["0x0", "write", "null"],
         needs=["null"]),
    Case("crash-wild", ["wild"], program="crash", status=SEGV, stderr=["0x123456789a8", "read"]),
    Case("crash-kernel", ["kernel"], program="crash", status=SEGV,
         stderr=["0xffffffc000000000", "read"]),
    Case("crash-text", ["text"], program="crash", status=SEGV, stderr=["write", "r-x"],
         withheld=["write"], needs=["pages"]),
    Case("crash-shared", ["shared"], program="crash", status=SEGV,
         stderr=["in the shared memory", "r--"], withheld=["write"], needs=["pages"]),
    Case("crash-jump", ["jump"], program="crash", status=SEGV, stderr=["0x10"], needs=["null"]),
    Case("crash-data", ["data"], program="crash", status=SEGV, stderr=["rw-"],
         withheld=["execute"], needs=["pages"]),
    Case("crash-stack", ["stack"], program="crash", status=SEGV, stderr=["stack"], needs=["stack"],
         options=["--stack", "8M"]),
    Case("crash-illegal", ["illegal"], program="crash", status=ILL, stderr=["illegal"]),
    Case("crash-bus", ["bus"], program="crash", status=BUS, needs=["pages"]),
    Case("crash-abort", ["abort"], program="crash", status=ABRT),
    Case("crash-term", ["15"], program="crash", status=143),
    Case("crash-kill", ["9"], program="crash", status=137),
]


def case_named(name):
    for case in CASES:
        if case.name == name:
            return case
    raise SystemExit(f"no such case: {name}")
