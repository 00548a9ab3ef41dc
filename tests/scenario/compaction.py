#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Huge pages in RAM that is in pieces, some of which stay: how many come, that they stay, and that
the report says what it took.

    compaction.py --pagewright BIN --programs DIR
"""

import argparse
import sys

from machines import Tap, on_pagewright

HUGE = 512  # pages


def run(options, tap, machine, arguments):
    what = " ".join(str(a) for a in machine + arguments)
    got = on_pagewright(options.pagewright, machine, f"{options.programs}/fragments",
                        [str(a) for a in arguments])
    lines = got.out.decode(errors="replace").split("\n")
    if not tap.check(got.status == 0 and lines[0] == "all is there", f"{what}: no byte is lost",
                     got.out.decode(errors="replace") + got.err.decode(errors="replace")):
        sys.exit(tap.finish())
    return what, int(lines[1]) // 2048, got.report


def check_figures(tap, what, report):
    """What holds of every run."""
    huge, made = report["services"]["huge_pages"], report["services"]["compaction"]
    tap.check(made["runs"] == made["made"] + made["failed"], f"{what}: runs add up", made)
    tap.check(made["moved"] <= made["made"] * HUGE + made["failed"] * HUGE, f"{what}: moves", made)
    tap.check(made["moved"] <= made["migrated"], f"{what}: moves are of all moves", made)
    tap.check(huge["filled"] <= huge["reserved"] and huge["broken"] <= huge["reserved"],
              f"{what}: reservations", huge)
    cost = report["config"]["cost"]["move_ns"]
    accesses = report["program"]["fetches"] + report["program"]["loads_stores"]
    told = report["effective_access_time"]["move_ns"] * accesses
    tap.check(abs(told - cost * made["migrated"]) <= 1e-6 * told and made["migrated"] > 0,
              f"{what}: moves are paid for", f"{told} ns for {made['migrated']}")
    return huge, made


def check_table(tap, what, report):
    """Compaction helped, at the order of huge pages."""
    rows = report["free_runs"]
    tap.check([row["order"] for row in rows] == list(range(11)), f"{what}: a row an order", rows)
    row = rows[9]
    tap.check(row["after"]["runs"] == row["before"]["runs"] + 1, f"{what}: a run more", row)
    tap.check(row["before"]["fragmentation_index"] > 0.5 > -1 == row["after"]["fragmentation_index"],
              f"{what}: no run could be had for pieces, and then it could", row)
    tap.check(row["after"]["unusable_index"] < row["before"]["unusable_index"], f"{what}: unusable",
              row)
    free = {at: sum(r[at]["runs"] << r["order"] for r in rows) for at in ("before", "after", "end")}
    # Moving a page unmaps it, which may leave a page table empty.
    tap.check(0 <= free["after"] - free["before"] < 16, f"{what}: what is free is as much", free)
    tap.check(abs(free["end"] - report["memory"]["frames_free"]) < 1024, f"{what}: the end", free)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pagewright")
    parser.add_argument("--programs")
    options = parser.parse_args()
    tap = Tap()

    what, now, report = run(options, tap, ["--ram", "128M"], [60, 0, 30, 2])
    huge, made = check_figures(tap, what, report)
    check_table(tap, what, report)
    tap.check(now == 30 == huge["faults"], f"{what}: all are had", f"{now} {huge}")
    tap.check(huge["splits"] == 0, f"{what}: none is split", huge)

    # A page that stays in every second block: half of them can be had, and are, and remain.
    what, now, report = run(options, tap, ["--ram", "128M"], [60, 2, 40, 8])
    huge, made = check_figures(tap, what, report)
    tap.check(26 <= now <= 34, f"{what}: what can be had is had", f"{now} {huge}")
    tap.check(huge["splits"] == 0 and huge["faults"] + huge["collapsed"] == now,
              f"{what}: none makes way for another", huge)
    tap.check(made["made"] <= now and made["failed"] <= 40, f"{what}: it is known when there is "
              "no more to win", made)
    tap.check(made["huge"] > 0 and made["pinned"] > 0, f"{what}: why", made)

    # One in every block.
    what, now, report = run(options, tap, ["--ram", "128M"], [60, 1, 30, 8])
    huge, made = report["services"]["huge_pages"], report["services"]["compaction"]
    tap.check(now <= 4 and huge["splits"] == 0 and made["moved"] <= 4 * HUGE,
              f"{what}: nothing is moved in vain", f"{now} {huge} {made}")

    # By reservation, where all memory is to have them, with half the RAM that it takes.
    what, _, report = run(options, tap, ["--ram", "48M", "--swap", "256M", "--huge", "always"],
                          [30, 2, 10, 3])
    huge, made = check_figures(tap, what, report)
    tap.check(report["paging"]["swap_out"]["pages"] > 0, f"{what}: pages go", report["paging"])
    return tap.finish()


if __name__ == "__main__":
    sys.exit(main())
