#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs one guest program on every machine and compares what it prints.

    guestrun.py --list
    guestrun.py --pagewright BIN --qemu BIN --programs DIR [--quick] [--schemes] CASE

Without --schemes: one scheme, with much and little RAM, all policies, several TLBs.  With it:
every scheme that `pagewright mmus` lists.
"""

import argparse
import json
import sys

import guestcases
from machines import Tap, execute, on_pagewright, on_qemu

SWAP = ["--swap", "1G"]
MUCH = ["--ram", "250M"] + SWAP
FULL = "64,000 frames"
QUICK = ("base-bounds", "segments", "sv57", "armv8", "mips32", "hashed")


def machines(case, quick):
    """(title, options) of every machine that the case must run the same on."""
    small = ["--ram", case.small] + SWAP
    frames = {"256K": "64 frames"}.get(case.small, case.small)
    yield frames, small
    yield FULL, MUCH
    for harts in case.harts:
        yield f"{frames}, {harts} harts", small + ["--harts", str(harts)]
        yield f"{FULL}, {harts} harts, slices of 997", MUCH + ["--harts", str(harts), "--slice", "997"]
    if case.heavy:
        return
    yield f"{frames}, mmu ref", small + ["--mmu", "ref"]
    if quick:
        return
    for policy in ("fifo", "lru", "random"):
        yield f"{frames}, policy {policy}", small + ["--policy", policy]
    yield f"{frames}, no TLB", small + ["--tlb", "none"]
    yield f"{frames}, a TLB of two entries", small + ["--tlb", "l1=2:2,l2=2:2"]
    yield f"{frames}, slices of 997", small + ["--slice", "997"]
    yield f"{FULL}, mmu ref", ["--ram", "250M", "--mmu", "ref"]


def schemes(pagewright, quick):
    """Every scheme with its limits, as `pagewright mmus --json` tells them."""
    listed = json.loads(execute([pagewright, "mmus", "--json"]).out)["schemes"]
    return [scheme for scheme in listed if not quick or scheme["name"] in QUICK]


def scheme_machines(case, scheme):
    """(title, options): much RAM, and little where that only makes it page."""
    name = ["--mmu", scheme["name"]]
    yield f"{scheme['name']}, {FULL}", MUCH + name
    little = guestcases.little_ram(case, scheme)
    if little:
        yield f"{scheme['name']}, {little}", ["--ram", little] + SWAP + name
    if case.harts:
        yield f"{scheme['name']}, {FULL}, 3 harts", MUCH + name + ["--harts", "3"]


def check_same(tap, title, case, got, expected):
    difference = got.differs(expected)
    tap.check(difference == "", f"{title}: prints the same", difference)
    if case.stderr:
        text = got.err.decode(errors="replace")
        tap.check(all(word in text for word in case.stderr), f"{title}: says what happened",
                  f"expected the words {case.stderr} in:\n{text}")


def check_unsuited(tap, title, got, reason):
    """What the scheme cannot give is refused: an error number for the program, or an end with a
    message; never a crash of the machine, never silence."""
    said = got.status == 0 or got.out or got.err
    tap.check(not got.crashed and not got.late and said, f"{title}: {reason}",
              f"status {got.status}\n{got.err.decode(errors='replace')}")


def check_schemes(tap, options, case, run, expected):
    for scheme in schemes(options.pagewright, options.quick):
        reason = guestcases.unsuited(case, scheme)
        for title, machine in scheme_machines(case, scheme):
            got = run(machine)
            if reason:
                check_unsuited(tap, title, got, reason)
            else:
                check_same(tap, title, case, got, expected)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--pagewright")
    parser.add_argument("--qemu")
    parser.add_argument("--programs")
    parser.add_argument("--quick", action="store_true", help="fewer machines")
    parser.add_argument("--schemes", action="store_true", help="every translation scheme")
    parser.add_argument("case", nargs="?")
    options = parser.parse_args()
    if options.list:
        for case in guestcases.CASES:
            print(case.name, case.program)
        return 0

    tap = Tap()
    case = guestcases.case_named(options.case)
    program = f"{options.programs}/{case.program}"
    expected = on_qemu(options.qemu, program, case.args, case.stdin, case.env, case.stack,
                       case.dynamic)
    tap.check(expected.status == case.status, f"qemu-riscv64 ends with status {case.status}",
              f"status {expected.status}\n{expected.err.decode(errors='replace')}")

    def run(machine):
        return on_pagewright(options.pagewright, machine + case.options, program, case.args,
                             case.stdin, case.env)

    if options.schemes:
        check_schemes(tap, options, case, run, expected)
    else:
        for title, machine in machines(case, options.quick):
            check_same(tap, title, case, run(machine), expected)
    return tap.finish()


if __name__ == "__main__":
    sys.exit(main())
