#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Times the bare hart against QEMU's user mode on one program, in alternation.

Usage: ratio.py [--rounds N] RUNNER PROGRAM.  RUNNER is tests/unit/cpu/hart_runner: the hart over flat
memory, so that this is the interpreter's speed and nothing else's.  Prints the processor time
of each, the least of all rounds, and the ratios: without a TLB, and with the pointer cache that
exact TLB counts allow (16 sets).
"""
import argparse
import json
import os
import subprocess
import sys


def user_seconds(command):
    before = os.times().children_user
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return os.times().children_user - before


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--qemu", default="qemu-riscv64")
    parser.add_argument("runner")
    parser.add_argument("program")
    options = parser.parse_args()
    commands = {
        "qemu": [options.qemu, options.program],
        "hart": [options.runner, options.program],
        "hart_tlb": [options.runner, "-t", "16", options.program],
    }
    best = {name: float("inf") for name in commands}
    for _ in range(options.rounds):
        for name, command in commands.items():
            best[name] = min(best[name], user_seconds(command))
    result = {"seconds": best,
              "ratio": round(best["hart"] / best["qemu"], 2),
              "ratio_tlb": round(best["hart_tlb"] / best["qemu"], 2)}
    json.dump(result, sys.stdout, indent=2)
    print()


main()
