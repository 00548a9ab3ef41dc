#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What was promised is there: random processes under --overcommit never, on random small machines.

    promises.py --pagewright BIN --programs DIR [--seed N] [--runs N]

Each run has a seed, from which everything follows: the machine (scheme, policy, RAM, swap, groups with
limits, harts, merging, huge pages, ...) and what guest/promises.c asks for.  It may be refused what it
asks for, as often as the machine likes; a wrong byte, or a process that is ended, is a failure.  At
the end the machine verifies itself (--check), and no promise may be left.

A failure names its seed and the command line that repeats it.
"""

import argparse
import os
import random
import sys
import time

from machines import Tap, on_pagewright

GOOD = b"promises: all were kept\n"
SCHEMES = ("sv39", "sv39", "sv39", "sv48", "sv57", "x86-64", "la57", "armv8", "hashed", "mips32", "pae",
           "sv32", "x86", "ref")
POLICIES = ("clock", "clock", "lru", "fifo", "random", "lirs", "arc", "mglru", "sieve", "pff", "wsclock",
            "adaptive", "clockpro", "nru", "aging", "mru", "lfu", "2q", "slru", "s3fifo", "car", "wtinylfu")
CHOICES = {
    "--mmu": SCHEMES,
    "--policy": POLICIES,
    "--slice": ("997", "20000", "100000"),
    "--merge": ("off", "madvise", "all"),
    "--merge-rate": ("20", "200", "5000"),
    "--huge": ("off", "madvise", "always"),
    "--huge-alloc": ("auto", "direct", "reserve"),
    "--readahead": ("0", "3", "31"),
    "--fault-around": ("1", "16", "64"),
    "--aslr": ("on", "off"),
    "--harts": ("1", "1", "2", "4"),
    "--overcommit": ("never", "never", "never:100", "never:80", "never:20", "never:150"),
}
LEAST = 600  # pages of RAM and swap that the program and its processes start with


def machine(seed):
    chance = random.Random(seed)
    options = []
    for name, values in CHOICES.items():
        options += [name, chance.choice(values)]
    frames = chance.choice((96, 110, 128, 160, 256, 400, 1500, 4000))
    sure, swap = chance.choice((
        (0, "none"), (0, "none"), (256, "1M"), (frames // 2, f"{frames * 2}K"), (2 * frames, f"{frames * 8}K"),
        (16384, "64M"), (4096, "zpool:25%,16M"), (512, "zpool:10%,2M"), (768, "1M,2M"), (0, "zpool:30%")))
    while frames * 6 // 10 + sure < LEAST:
        frames *= 2
    if chance.random() < 0.75:
        limit = chance.choice((16, 20, 32, 50, frames * 15 // 100, frames * 30 // 100, frames * 85 // 100))
        options += ["--group", f"all={max(limit, 16) * 4}K"]
    if chance.random() < 0.15:
        options += ["--proactive", "20"]
    return ["--ram", f"{frames * 4}K", "--swap", swap, *options, "--seed", str(seed), "--check", "--window", "0"]


def wrong_with(got):
    """What a run did that it must not do, in words; "" if nothing."""
    said = got.out.decode(errors="replace")[-2000:] + got.err.decode(errors="replace")[-2000:]
    if got.status != 0 or got.out != GOOD:
        return f"status {got.status}\n{said}"
    if got.report is None:
        return f"no report\n{said}"
    ended = got.report["program"]["killed_for_memory"]
    left = got.report["services"]["commitment"]["promised_pages"]
    return f"{ended} ended for want of memory\n{said}" if ended else f"{left} pages promised still" if left else ""


def words(tap, options):
    """A refusal of what nobody can ask for first is told as one."""
    machine = ["--ram", "1M", "--swap", "none", "--overcommit"]
    program = f"{options.programs}/deep"
    got = on_pagewright(options.pagewright, [*machine, "never:100"], program)
    tap.check(got.status == 128 + 11 and b"more stack may have been refused: of " in got.err
              and b"its limit is" not in got.err, "a stack that was not promised", got.err.decode(errors="replace"))
    got = on_pagewright(options.pagewright, [*machine, "always", "--stack", "256K"], program)
    tap.check(got.status == 128 + 11 and b"refused" not in got.err and b"its limit is 256K" in got.err,
              "a stack at its limit", got.err.decode(errors="replace"))
    for mode in ("always", "never:100"):
        machine = ["--ram", "16M", "--swap", "none", "--stack", "1G", "--overcommit", mode]
        got = on_pagewright(options.pagewright, machine, program, ["8", "4"])
        tap.check(got.status == 128 + 11 and b"refused" not in got.err and b"its limit" not in got.err
                  and b"too near below it" in got.err, f"{mode}: a stack above something",
                  got.err.decode(errors="replace"))


def newest_first(tap, options):
    """A policy that takes what came last does not take from an instruction what it needs at once."""
    for policy, name in (("mru", "sparse"), ("mru", "scans"), ("lfu", "sparse"), ("lfu", "matrix")):
        machine = ["--ram", "1152K", "--group", "g=68K", "--swap", "1G", "--readahead", "31", "--policy", policy]
        got = on_pagewright(options.pagewright, [*machine, "--check"], f"{options.programs}/{name}")
        tap.check(got.status == 0 and got.report["program"]["killed_for_memory"] == 0,
                  f"{name} with {policy} in a group of 17 pages", got.err.decode(errors="replace"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pagewright", required=True)
    parser.add_argument("--programs", required=True)
    parser.add_argument("--seed", type=int, default=int(os.environ.get("PGW_SEED", "1")))
    parser.add_argument("--runs", type=int, default=60)
    options = parser.parse_args()

    tap, program = Tap(), f"{options.programs}/promises"
    sums = {"refused": 0, "swapped out": 0, "reclaims of groups": 0, "merged": 0}
    for seed in range(options.seed, options.seed + options.runs):
        chosen, began = machine(seed), time.monotonic()
        args = [str(seed), str(1 + seed % 3), str(60 + seed % 120)]
        got = on_pagewright(options.pagewright, chosen, program, args)
        wrong = wrong_with(got)
        command = " ".join(["pagewright run", *chosen, "--", program, *args])
        tap.check(not wrong, f"seed {seed}: {' '.join(chosen[:6])} ({time.monotonic() - began:.1f} s)", f"{wrong}\n{command}")
        if got.report:
            services = got.report["services"]
            sums["refused"] += services["commitment"]["refused"]
            sums["swapped out"] += got.report["paging"]["swap_out"]["pages"]
            sums["reclaims of groups"] += sum(g["reclaims"] for g in got.report.get("groups") or [])
            sums["merged"] += services["merging"]["merged"]
    words(tap, options)
    newest_first(tap, options)
    tap.check(all(sums.values()), f"{options.runs} runs: {sums}", "nothing of a kind happened")
    return tap.finish()


if __name__ == "__main__":
    sys.exit(main())
