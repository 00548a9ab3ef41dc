#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Random calls about memory, on Linux and on the machine: they must print the same.

    memcalls.py --pagewright BIN --programs DIR [--seed N] [--runs N | --minutes M]

Each run has a seed, from which everything follows: what guest/memcalls.c does and the machine that
it does it on (scheme, RAM, services, harts).  The host's own kernel is the reference.

A run that differs is shrunk to the fewest steps that still differ; both logs and the commands that
repeat it are printed.
"""

import argparse
import random
import shlex
import sys
import time

from machines import Tap, execute

PATIENCE = 120  # seconds for shrinking one run
POLICIES = ("clock", "lru", "fifo", "random", "arc", "s3fifo")
SCHEMES = ("sv39", "sv39", "sv48", "sv57", "x86-64", "la57", "armv8", "hashed", "mips32", "pae",
           "sv32", "x86", "ref")
# Those that are switched by an option, with what may follow it.
SERVICES = {
    "--merge": ("off", "madvise", "all", "all"),
    "--merge-rate": ("20", "2000", "20000"),
    "--huge": ("off", "madvise", "always", "always"),
    "--huge-alloc": ("auto", "direct", "reserve"),
    "--readahead": ("0", "3", "15", "31"),
    "--fault-around": ("1", "16"),
    "--aslr": ("on", "off"),
    "--harts": ("1", "2", "4"),
    "--slice": ("997", "20000", "100000"),
    "--policy": POLICIES,
}
# (UNIT and FEATURES of the program, its steps, RAM)
KINDS = (
    (["1", "l"], 200, "8M"),    # whatever is locked fits
    (["1", ""], 200, "512K"),   # RAM for a part of the window
    (["1", ""], 400, "512K"),
    (["100", ""], 60, "6M"),    # a window of 16 MiB
    (["512", ""], 40, "40M"),    # one of 80 MiB: units are huge pages
)


class Run:
    """What one seed stands for."""

    def __init__(self, seed, options):
        chance = random.Random(seed)
        arguments, self.steps, ram = chance.choice(KINDS)
        self.seed = seed
        swap = chance.choice(("1G", "zpool:25%,1G"))
        machine = ["--ram", ram, "--swap", swap, "--overcommit", "always",
                   "--mmu", chance.choice(SCHEMES)]
        for name, values in SERVICES.items():
            machine += [name, chance.choice(values)]
        program = f"{options.programs}/memcalls"
        self.arguments = [str(seed), str(self.steps), *arguments]
        self.native = [f"{program}.native"]
        self.machine = [options.pagewright, "run", *machine, "--check", "--report", "none", "--",
                        program]

    def logs(self, chosen=None):
        """What Linux and the machine print, of all steps or those chosen."""
        more = [] if chosen is None else [",".join(map(str, chosen)) or "-"]
        return [execute([*command, *self.arguments, *more]) for command in (self.native, self.machine)]

    def commands(self, chosen):
        more = self.arguments + [",".join(map(str, chosen))]
        return [shlex.join(command + more) for command in (self.native, self.machine)]


def same(linux, machine):
    return linux.status == machine.status and linux.out == machine.out


def first_difference(linux, machine):
    """The number of the first step that differs, if a line says one."""
    for a, b in zip(linux.out.splitlines(), machine.out.splitlines()):
        if a != b:
            number = a.split()[0] if a else b""
            return int(number) if number.isdigit() else None
    return None


def shrink(run, linux, machine):
    """The fewest steps that differ, found by leaving out ever smaller parts (Zeller's ddmin)."""
    end = time.monotonic() + PATIENCE
    steps = list(range(run.steps))
    last = first_difference(linux, machine)

    def differs(chosen):
        return time.monotonic() < end and not same(*run.logs(chosen))

    if last is not None and differs(steps[:last + 1]):
        steps = steps[:last + 1]
    parts = 2
    while len(steps) > 1:
        size = max(1, len(steps) // parts)
        for start in range(0, len(steps), size):
            rest = steps[:start] + steps[start + size:]
            if rest and differs(rest):
                steps, parts = rest, max(parts - 1, 2)
                break
        else:
            if size == 1:
                break
            parts = min(parts * 2, len(steps))
    return steps


def side_by_side(linux, machine):
    """Both logs: a line once where they agree, else one after the other."""
    ours, theirs = (r.out.decode(errors="replace").splitlines() for r in (machine, linux))
    lines = []
    for i in range(max(len(ours), len(theirs))):
        a = theirs[i] if i < len(theirs) else "(end)"
        b = ours[i] if i < len(ours) else "(end)"
        lines += [f"        {a}"] if a == b else [f"Linux   {a}", f"machine {b}"]
    if linux.status != machine.status:
        lines.append(f"status {machine.status}, on Linux {linux.status}")
    return lines + machine.err.decode(errors="replace").splitlines()[-5:]


def explain(run, linux, machine):
    steps = shrink(run, linux, machine)
    log = side_by_side(*run.logs(steps))
    return "\n".join(run.commands(steps) + log[-30:])


def seeds(options):
    """Seeds to run: so many, or as long as there is time."""
    end = time.monotonic() + 60 * options.minutes
    number = options.seed
    while time.monotonic() < end if options.minutes else number < options.seed + options.runs:
        yield number
        number += 1


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pagewright", required=True)
    parser.add_argument("--programs", required=True,
                        help="directory of memcalls for riscv64 and memcalls.native")
    parser.add_argument("--seed", type=int, default=1, help="of the first run")
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--minutes", type=float, default=0, help="run as long instead")
    options = parser.parse_args()

    tap = Tap()
    for seed in seeds(options):
        run = Run(seed, options)
        linux, machine = run.logs()
        good = same(linux, machine)
        tap.check(good and linux.status == 0, f"seed {seed}: as Linux",
                  "" if good else explain(run, linux, machine))
    return tap.finish()


if __name__ == "__main__":
    sys.exit(main())
