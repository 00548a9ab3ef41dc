#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What merging saves, as the report tells it: processes that compute the same tables.

    merging.py --pagewright BIN --programs DIR
"""

import argparse
import sys

from machines import Tap, on_pagewright

PROCESSES, PAGES = 6, 80
RATE = ["--merge-rate", "20000"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pagewright", required=True)
    parser.add_argument("--programs", required=True)
    options = parser.parse_args()
    tap = Tap()

    def run(machine, rounds="0"):
        got = on_pagewright(options.pagewright, ["--ram", "4M", "--check", *machine],
                            f"{options.programs}/merging", [str(PROCESSES), str(PAGES), rounds])
        tap.check(got.status == 0, f"{' '.join(machine)}: runs", got.err.decode(errors="replace"))
        return got.out, got.report["services"]["merging"] if got.report else {}

    # Each table is in RAM once, and of its pages of zeros one is.
    most = (PROCESSES - 1) * PAGES + PAGES // 5 - 1
    plain, none = run(["--merge", "off", *RATE])
    tap.check(none.get("scans") == none.get("saved_peak_pages") == 0, "off: nothing happens", none)
    for how in ("madvise", "all"):
        out, did = run(["--merge", how, *RATE])
        tap.check(out == plain, f"{how}: the same output")
        tap.check(did.get("saved_peak_pages", 0) >= most, f"{how}: {most} pages are saved", did)
        tap.check(did.get("saved_pages") == did.get("shared_pages") == 0,
                  f"{how}: with the processes all of it is gone", did)
    _, idle = run(["--merge", "all", "--merge-rate", "0"])
    tap.check(idle.get("scanned") == 0, "a rate of 0: nothing is looked at", idle)
    _, written = run(["--merge", "all", *RATE], "6")
    tap.check(written.get("splits", 0) > PAGES, "who writes gets a page of its own", written)
    # On little RAM the merged pages are written to swap once, and the program faults less.
    little = ["--ram", "1M", "--swap", "64M"]
    alone, shared = (on_pagewright(options.pagewright, [*little, "--merge", how, *RATE],
                                   f"{options.programs}/merging", [str(PROCESSES), str(PAGES), "0"])
                     for how in ("off", "all"))
    tap.check(alone.out == shared.out == plain, "on 1M: the same output")
    tap.check(shared.report["paging"]["swap_out"]["pages"]
              < alone.report["paging"]["swap_out"]["pages"], "on 1M: it swaps less",
              [r.report["paging"]["swap_out"] for r in (alone, shared)])
    return tap.finish()


if __name__ == "__main__":
    sys.exit(main())
