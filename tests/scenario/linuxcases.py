# SPDX-License-Identifier: BSD-2-Clause
"""Programs that ask what Linux does, and print the answers: the same source is compiled for
riscv64 and for the host, and every line must be the same on the host's kernel and on the machine.

One line makes a case: guest/PROGRAM.c is compiled both ways and run by linuxcompare.py.  The
program includes nothing of one processor only, and prints no times, addresses or process ids.

Where something may differ, the case says which lines, on what, and why:

    Linux("program", differs=[("qemu", r"^shared: ", "qemu maps 4 pages at once")])

names a place ("machine", "qemu" or one scheme of `pagewright mmus`) and a regular expression; a
line that it matches on both sides is not compared there.
"""


class Linux:
    def __init__(self, name, args=(), small="512K", program=None, **more):
        self.name = name
        self.program = program or name
        self.args = list(args)
        self.small = small                       # --ram of the machines that are short of it
        self.stdin = more.get("stdin", b"")
        self.options = more.get("options", [])   # Pagewright's, besides those of the machine
        self.differs = more.get("differs", [])   # (place, regular expression, reason)
        self.qemu = more.get("qemu", "")         # why qemu-riscv64 cannot be asked; "": it can
        self.withheld = set(more.get("withheld", []))  # as in guestcases.Case
        self.needs = set(more.get("needs", ["pages"]))
        self.harts = more.get("harts", [])       # as in guestcases.Case
        self.heavy = False
        self.processes = more.get("processes", 1)


CASES = [
    Linux("mappings", small="256K", withheld=["write"]),
    Linux("freshzero", processes=26),
    Linux("forktree", ["8", "64"], small="1M", processes=8),
    Linux("pipeline", processes=5),
    Linux("madvises", processes=2, qemu="it does not tell of holes"),
    Linux("locks", processes=2, qemu="it has no mlock2"),
    Linux("remaps", processes=2, qemu="it crashes in its own mremap"),
    Linux("reclocks", harts=[2, 4], processes=12),
    Linux("userfault"),
    Linux("filework", small="256K"),
    Linux("merging", processes=5, options=["--merge-rate", "20000"]),
    Linux("soak-locked", ["208", "4", "60", "2600"], small="1M", program="soak", processes=20,
          qemu="as below"),  # a file is cut whose pages are locked
    Linux("soak", ["5", "3", "200", "500"], small="1M", processes=20,
          qemu="it executes itself, which the host cannot under qemu-user without binfmt"),
    Linux("mmapfile", small="256K", withheld=["write"], processes=2),
    Linux("shmem", small="256K", withheld=["write"], processes=2),
    Linux("scripts", small="256K", processes=2, needs=[], qemu="it leaves execve to its host"),
    Linux("busyfiles", small="256K", processes=3, needs=[], qemu="it leaves execve to its host",
          differs=[("segments", r"^run: ", "a mapping that is only read is as good as private there")]),
    Linux("procfiles", small="256K", processes=2,
          qemu="what it has under /proc is its own process on the host"),
    Linux("errnos", small="1M", needs=["pages", "null"], processes=4,
          qemu="it checks some arguments itself, in another order"),
    Linux("halfway", small="256K", needs=["pages"], qemu="it looks at all of a buffer before a call"),
    Linux("edges", small="2M", qemu="what it has under /proc is its own process on the host"),
    Linux("escapes", processes=3, needs=[], qemu="it has descriptors of its own, and waits for vforks"),
    Linux("futexes", harts=[2, 4]),
    Linux("together", harts=[2, 4], qemu="qemu-user has no robust mutexes", processes=5),
    Linux("threadfork", harts=[2, 4], qemu="it runs itself anew, which qemu-user cannot", processes=2),
]


def case_named(name):
    for case in CASES:
        if case.name == name:
            return case
    raise SystemExit(f"no such case: {name}")
