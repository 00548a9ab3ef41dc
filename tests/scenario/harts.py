#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Shootdowns, counted: a program that takes rights away and gives them back, n times, while others
run on other harts.

    harts.py --pagewright BIN --programs DIR
"""

import argparse
import sys

from machines import Tap, on_pagewright

# Each round takes the right to write away from a page (a shootdown), and has it written again, which
# replaces what the TLBs have of it (another).
SHOOTDOWNS = 2


def figures(options, tap, harts, n, who, others):
    got = on_pagewright(options.pagewright, ["--ram", "8M", "--harts", str(harts)],
                        f"{options.programs}/shootdowns", [str(n), who, str(others)])
    tap.check(got.status == 0, f"{harts} harts, {others} {who}, {n} rounds: it runs",
              got.err.decode(errors="replace"))
    return got.report["services"]["harts"], got.report


def check_interrupts(options, tap, who, others, expected):
    """What 100 rounds more cost."""
    few, _ = figures(options, tap, 4, 100, who, others)
    many, report = figures(options, tap, 4, 200, who, others)
    shootdowns = many["shootdowns"] - few["shootdowns"]
    interrupts = many["interrupts"] - few["interrupts"]
    tap.check(shootdowns == 100 * SHOOTDOWNS, f"{others} {who}: {SHOOTDOWNS} shootdowns a round",
              f"{shootdowns} in 100")
    tap.check(interrupts == 100 * expected, f"{others} {who}: {expected} interrupts a round",
              f"{interrupts} in 100")
    cost = report["config"]["cost"]["ipi_ns"]
    accesses = report["program"]["fetches"] + report["program"]["loads_stores"]
    told = report["effective_access_time"]["ipi_ns"] * accesses
    tap.check(abs(told - cost * many["interrupts"]) <= 1e-6 * told,
              f"{others} {who}: they are paid for", f"{told} ns")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pagewright")
    parser.add_argument("--programs")
    options = parser.parse_args()
    tap = Tap()
    check_interrupts(options, tap, "threads", 0, 0)
    check_interrupts(options, tap, "threads", 1, SHOOTDOWNS)
    check_interrupts(options, tap, "threads", 3, 3 * SHOOTDOWNS)
    check_interrupts(options, tap, "processes", 3, 0)
    alone, _ = figures(options, tap, 1, 100, "threads", 0)
    tap.check(alone["harts"] == 1 and alone["interrupts"] == 0 and alone["shootdowns"] == 0,
              "with one hart there is nobody to tell", alone)
    once, _ = figures(options, tap, 4, 100, "threads", 3)
    again, _ = figures(options, tap, 4, 100, "threads", 3)
    tap.check(once == again, "the same again is the same", f"{once}\n{again}")
    return tap.finish()


if __name__ == "__main__":
    sys.exit(main())
