#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs one guest program on every machine and compares what it prints.

    guestrun.py --list
    guestrun.py --pagewright BIN --qemu BIN --programs DIR [--quick] CASE
"""

import argparse
import sys

import guestcases
from machines import Tap, on_pagewright, on_qemu

SWAP = ["--swap", "1G"]


def machines(case, quick):
    """(title, options) of every machine that the case must run the same on."""
    small = ["--ram", case.small] + SWAP
    frames = {"256K": "64 frames"}.get(case.small, case.small)
    yield frames, small
    yield "64,000 frames", ["--ram", "250M"] + SWAP
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
    yield "64,000 frames, mmu ref", ["--ram", "250M", "--mmu", "ref"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--pagewright")
    parser.add_argument("--qemu")
    parser.add_argument("--programs")
    parser.add_argument("--quick", action="store_true", help="fewer machines")
    parser.add_argument("case", nargs="?")
    options = parser.parse_args()
    if options.list:
        for case in guestcases.CASES:
            print(case.name, case.program)
        return 0

    tap = Tap()
    case = guestcases.case_named(options.case)
    program = f"{options.programs}/{case.program}"
    expected = on_qemu(options.qemu, program, case.args, case.stdin, case.env, case.stack)
    tap.check(expected.status == case.status, f"qemu-riscv64 ends with status {case.status}",
              f"status {expected.status}\n{expected.err.decode(errors='replace')}")
    for title, machine in machines(case, options.quick):
        got = on_pagewright(options.pagewright, machine + case.options, program, case.args,
                            case.stdin, case.env)
        difference = got.differs(expected)
        tap.check(difference == "", f"{title}: prints the same", difference)
        if case.stderr:
            text = got.err.decode(errors="replace")
            tap.check(all(word in text for word in case.stderr), f"{title}: says what happened",
                      f"expected the words {case.stderr} in:\n{text}")
    return tap.finish()


if __name__ == "__main__":
    sys.exit(main())
