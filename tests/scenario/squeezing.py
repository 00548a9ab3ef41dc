#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Memory taken to see how much is needed: what it costs is what was allowed, and what is left is what
is needed, as the report tells it.

    squeezing.py --pagewright BIN --programs DIR [--quick]
"""

import argparse
import sys

from machines import Tap, on_pagewright

RISK = 2     # percent: what src/vm/squeeze.c may lose before it knows better
CODE = 100   # pages of the program itself, and those that are left to it whatever it uses


class Runs:
    def __init__(self, tap, options):
        self.tap, self.options = tap, options

    def run(self, percent, program, machine=()):
        """What the report says of it, and the whole report."""
        got = on_pagewright(self.options.pagewright,
                            ["--ram", "16M", "--swap", "64M", "--check", "--proactive", str(percent),
                             *machine], f"{self.options.programs}/uses", program)
        name = f"{' '.join(program)} at {percent} %"
        self.tap.check(got.status == 0, f"{name}: runs", got.err.decode(errors="replace")[-1500:])
        report = got.report or {"services": {}}
        return name, got.out, report["services"].get("proactive", {}), report

    def figures(self, name, did, report):
        self.tap.check(did["came_back"] <= did["taken"] <= report["paging"]["evicted"],
                       f"{name}: figures add up", did)
        self.tap.check(report["services"]["pressure"]["some_percent"] >= did["lost_percent"] - 0.001,
                       f"{name}: what it costs is pressure", did)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pagewright", required=True)
    parser.add_argument("--programs", required=True)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    tap = Tap()
    runs = Runs(tap, options)
    rounds = 60 if options.quick else 250

    for how in ("loop", "any", "skewed", "phases", "late"):
        program = [how, "400", str(rounds)]
        _, plain, none, _ = runs.run(0, program)
        tap.check(not none.get("taken") and not none.get("lost_percent"), f"{how}: 0 takes none", none)
        for percent in (1, 5, 20):
            # 1 % of a quarter of a second is 26 pages; the program's own, for its end, are 20.
            longer = [how, "400", str(3 * rounds)] if percent == 1 else program
            name, out, did, report = runs.run(percent, longer)
            most = max(percent, RISK) if how == "late" or options.quick else percent
            tap.check(out == plain or longer != program, f"{name}: the same output")
            tap.check(did["lost_percent"] <= most, f"{name}: no more is lost", did)
            tap.check(did["target_percent"] == percent, f"{name}: says so", did)
            runs.figures(name, did, report)
            tap.check(report["services"]["pressure"]["some_percent"] <= most,
                      f"{name}: nothing else is lost", report["services"]["pressure"])
    # The cold half goes, and the hot one stays.
    for percent, long in ((5, 2), (20, 1), (1, 6)):
        if options.quick and percent < 5:
            continue
        name, _, did, report = runs.run(percent, ["half", "400", str(200 * long)])
        tap.check(200 <= did["squeezed_to_pages"] <= 200 + CODE, f"{name}: half is enough", did)
        tap.check(did["lost_percent"] <= percent, f"{name}: and costs little", did)
        runs.figures(name, did, report)
    # Several processes, on several harts; a group that has too little loses what it loses by that.
    for machine in ([], ["--harts", "3"]):
        name, _, did, report = runs.run(5, ["half", "200", str(rounds), "3"], machine)
        tap.check(did["taken"] > 0 and did["lost_percent"] <= 5, f"{name}, {machine}: all give", did)
    name, _, did, report = runs.run(5, ["loop", "400", "20"], ["--group", "small=1M"])
    pressure = report["services"]["pressure"]["some_percent"]
    tap.check(pressure > 20, f"{name}, short of room: its limit makes it wait", pressure)
    tap.check(did.get("lost_percent", 0) <= 1, f"{name}, short of room: it is left alone", did)
    return tap.finish()


if __name__ == "__main__":
    sys.exit(main())
