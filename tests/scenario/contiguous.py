#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The contiguous schemes under several programs at once, in little RAM: every fit gives the same
output, whole segments go to swap and come back, and only what may be compacted is.

    contiguous.py --pagewright BIN --programs DIR
"""

import argparse
import sys

from machines import Tap, on_pagewright

LITTLE = ["--ram", "2M", "--swap", "64M"]


def check_fits(tap, pagewright, programs):
    program = programs + "/turns"
    expected = on_pagewright(pagewright, ["--mmu", "ref"], program)
    for scheme in ("base-bounds", "segments"):
        for fit in ("first", "best", "next", "worst", "buddy"):
            got = on_pagewright(pagewright, [*LITTLE, "--mmu", f"{scheme}:fit={fit}"], program)
            title = f"{scheme}, {fit} fit"
            if not tap.check(got.differs(expected) == "" and got.report, f"{title}: prints the same",
                             got.differs(expected)):
                continue
            segments = got.report["segments"]
            tap.check(segments["swapped_out"] > 0 and segments["swapped_in"] > 0,
                      f"{title}: segments are brought in on demand", segments)
            tap.check(segments["grown_in_place"] + segments["grown_by_moving"] > 0 and
                      segments["fork_pages_copied"] > 0, f"{title}: grows, and forks by copying", segments)


def check_compaction(tap, pagewright, programs):
    for option, moves in (("on", True), ("off", False)):
        got = on_pagewright(pagewright, [*LITTLE, "--mmu", f"segments:compact={option}"], programs + "/turns")
        segments = got.report["segments"] if got.report else {}
        tap.check(got.status == 0 and (segments.get("compaction_pages", -1) > 0) == moves,
                  f"compaction {option}: pages are {'' if moves else 'not '}moved", segments)


def check_sharing(tap, pagewright, programs):
    got = on_pagewright(pagewright, ["--ram", "4M", "--mmu", "segments"], programs + "/apart")
    segments = got.report["segments"] if got.report else {}
    tap.check(got.status == 0 and segments.get("shared", 0) > 0, "code apart from data is shared", segments)


def check_stack(tap, pagewright, programs):
    """One register cannot guard a stack: who overruns it is found out and told, not left to run wild."""
    for scheme in ("none", "base-bounds"):
        got = on_pagewright(pagewright, ["--ram", "4M", "--mmu", scheme], programs + "/deep", ["2"])
        tap.check(got.status == 128 + 11 and b"the stack has grown into the memory below it" in got.err,
                  f"{scheme}: a stack of 2M in 4M of RAM is a clear message", (got.status, got.err[-300:]))
        got = on_pagewright(pagewright, ["--ram", "32M", "--mmu", scheme], programs + "/deep", ["2"])
        tap.check(got.status == 0, f"{scheme}: it fits into an eighth of 32M", (got.status, got.err[-300:]))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pagewright", required=True)
    parser.add_argument("--programs", required=True)
    options = parser.parse_args()
    tap = Tap()
    check_fits(tap, options.pagewright, options.programs)
    check_compaction(tap, options.pagewright, options.programs)
    check_sharing(tap, options.pagewright, options.programs)
    check_stack(tap, options.pagewright, options.programs)
    return tap.finish()


if __name__ == "__main__":
    sys.exit(main())
