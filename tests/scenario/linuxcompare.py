#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Compares Linux with the machine, line by line: the host's own kernel is the reference.

    linuxcompare.py --list
    linuxcompare.py --pagewright BIN --qemu BIN --programs DIR [--quick] CASE

The program runs natively, under qemu-riscv64, and on machines with much and little RAM and of
several schemes.  linuxcases.py has the cases, and what may differ.
"""

import argparse
import re
import sys

import guestcases
import linuxcases
from guestrun import MUCH, SWAP, schemes
from machines import Tap, execute, on_pagewright, on_qemu

SCHEMES = ("x86-64", "armv8", "hashed", "sv57", "segments")


def compare(case, places, got, expected):
    """"" if they say the same, but for what may differ in one of these places."""
    if got.status != expected.status:
        return f"status {got.status}, on Linux {expected.status}\n{tail(got)}"
    allowed = [re.compile(line) for place, line, _ in case.differs if place in places]
    ours, theirs = (r.out.decode(errors="replace").splitlines() for r in (got, expected))
    wrong = []
    for i in range(max(len(ours), len(theirs))):
        a = ours[i] if i < len(ours) else "(end)"
        b = theirs[i] if i < len(theirs) else "(end)"
        if a == b or any(line.search(a) and line.search(b) for line in allowed):
            continue
        wrong.append(f"line {i + 1}:\n  got      {a}\n  on Linux {b}")
        if len(wrong) == 12:
            break
    return "\n".join(wrong + [tail(got)]) if wrong else ""


def tail(result):
    return result.err.decode(errors="replace")[-1000:]


def machines(case, pagewright, quick):
    """(title, options, places): places are the names under which a difference may be allowed."""
    yield f"sv39, {case.small}", ["--ram", case.small] + SWAP, ("machine", "sv39")
    yield "sv39, 250M", MUCH, ("machine", "sv39")
    for harts in case.harts:
        more = ["--harts", str(harts)]
        yield f"sv39, {case.small}, {harts} harts", ["--ram", case.small] + SWAP + more, ("machine",)
    if quick:
        return
    for scheme in schemes(pagewright, False):
        name = scheme["name"]
        if name not in SCHEMES or guestcases.unsuited(case, scheme):
            continue
        little = guestcases.little_ram(case, scheme)
        ram = ["--ram", little] + SWAP if little else MUCH
        yield f"{name}, {little or '250M'}", ram + ["--mmu", name], ("machine", name)


def check_allowances(tap, case, expected):
    """What is allowed to differ is a line that Linux prints: no rule outlives its reason."""
    lines = expected.out.decode(errors="replace").splitlines()
    for place, pattern, reason in case.differs:
        tap.check(any(re.search(pattern, line) for line in lines),
                  f"may differ on {place}: {pattern}: {reason}", "Linux prints no such line")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--pagewright")
    parser.add_argument("--qemu")
    parser.add_argument("--programs", help="directory of PROGRAM for riscv64 and PROGRAM.native")
    parser.add_argument("--quick", action="store_true", help="fewer machines")
    parser.add_argument("case", nargs="?")
    options = parser.parse_args()
    if options.list:
        for case in linuxcases.CASES:
            print(case.name, case.program)
        return 0

    tap = Tap()
    case = linuxcases.case_named(options.case)
    program = f"{options.programs}/{case.program}"
    expected = execute([f"{program}.native", *case.args], case.stdin)
    if not tap.check(expected.status == 0 and expected.out, "Linux runs the program",
                     f"status {expected.status}\n{expected.out.decode(errors='replace')[-500:]}"
                     f"{tail(expected)}"):
        return tap.finish()
    check_allowances(tap, case, expected)
    if case.qemu:
        tap.skip("qemu-riscv64", case.qemu)
    else:
        difference = compare(case, ("qemu",), on_qemu(options.qemu, program, case.args, case.stdin),
                             expected)
        tap.check(difference == "", "qemu-riscv64: as Linux", difference)
    for title, machine, places in machines(case, options.pagewright, options.quick):
        got = on_pagewright(options.pagewright, machine + case.options, program, case.args,
                            case.stdin)
        difference = compare(case, places, got, expected)
        tap.check(difference == "", f"{title}: as Linux", difference)
    return tap.finish()


if __name__ == "__main__":
    sys.exit(main())
