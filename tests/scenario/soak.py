#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The soak: random processes with a tenth of the RAM that they would like, all services on.

    soak.py --pagewright BIN --programs DIR [--seed N] [--runs N | --minutes M | --hours H]

Each run has a seed, from which everything follows: the machine (scheme, policy, swap, merging, huge
pages, groups, read-ahead, time slices, ...) and what the processes of guest/soak.c do.  They verify every
byte they own; at the end the machine verifies itself (--check) and nothing may be left over: no
frame, no page table, no page on swap, no promise.

A failure names its seed and the command line that repeats it.  Some swap to an NBD server in memory
(nbdkit; without it they have a file), which then has to run at the socket that the line names.
"""

import argparse
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from machines import Tap, execute, on_pagewright

GOOD = b"soak: all bytes are as they should be\n"
ALL = "saxlth"  # features of guest/soak.c
POLICIES = ("clock", "lru", "fifo", "random")
SCHEMES = ("sv39", "sv39", "sv39", "sv48", "sv57", "x86-64", "la57", "armv8", "hashed", "mips32",
           "linear", "pae", "sv32", "x86", "ref")
CONTIGUOUS = ("segments", "base-bounds")
# Those that are switched by an option, with what may follow it.
SERVICES = {
    "--merge": ("off", "madvise", "all", "all"),
    "--merge-rate": ("20", "200", "5000"),
    "--huge": ("off", "madvise", "always", "always"),
    "--huge-alloc": ("auto", "direct", "reserve", "reserve"),
    "--readahead": ("0", "3", "15", "31"),
    "--fault-around": ("1", "16"),
    "--aslr": ("on", "off"),
    "--harts": ("1", "2", "4"),
    "--overcommit": ("heuristic", "heuristic", "always", "never"),
}


def known_options(pagewright):
    """Of `pagewright run`, as its help tells them."""
    return execute([pagewright, "run", "--help"]).out.decode()


class Remote:
    """A store that others can reach, started when the first run wants it."""

    def __init__(self):
        self.folder, self.server = None, None

    def device(self):
        """What to swap to there; None: there is no such server here."""
        if self.server is None and shutil.which("nbdkit"):
            self.folder = tempfile.mkdtemp(prefix="soak-")
            at = os.path.join(self.folder, "nbd")
            self.server = subprocess.Popen(["nbdkit", "--exit-with-parent", "-f", "-U", at, "memory", "1G"])
            for _ in range(500):
                if os.path.exists(at):
                    break
                time.sleep(0.01)
        return self.server and f"nbd:nbd+unix:///?socket={self.folder}/nbd"

    def stop(self):
        if self.server is not None:
            self.server.terminate()
            self.server.wait()
            shutil.rmtree(self.folder)


def swap_of(chance, text, remote):
    device = "1G"
    if chance.random() < 0.2 and "nbd:" in text:
        device = remote.device() or device
    if "zpool:" in text and chance.random() < 0.7:
        share = chance.choice(("10%", "25%", "40%"))
        return f"zpool:{share},{device}"
    return device


def paged(chance, text, remote):
    """(options, arguments): workers who use ten times the RAM together, more or less.  They may take
    PAGES each, and have a third of that at a time.  The last of these has RAM for huge pages.
    """
    workers, pages = chance.choice(((4, 2600), (3, 3400), (8, 1300), (4, 26000)))
    scheme = chance.choice(SCHEMES)
    ram = workers * pages * 4 // 36  # KiB
    if scheme == "linear":
        ram += 4096 * (workers + 1)  # each process has a table of 4 MiB; their children if there is room
    options = ["--ram", f"{ram}K", "--swap", swap_of(chance, text, remote), "--mmu", scheme,
               "--policy", chance.choice(POLICIES), "--slice", chance.choice(("997", "20000", "100000"))]
    for name, values in SERVICES.items():
        value = chance.choice(values)
        if name + "=" in text:
            options += [name, value]
    if chance.random() < 0.3 and "--group=" in text:
        options += ["--group", f"all={ram * chance.choice((70, 85)) // 100}K"]
    return options, [str(workers), "250", str(pages), ALL]


def contiguous(chance):
    """Whole segments: each process fits, and few of them at once."""
    scheme = chance.choice(CONTIGUOUS)
    fit = chance.choice(("first", "best", "next", "worst", "buddy"))
    options = ["--ram", "8M", "--swap", "1G", "--mmu", f"{scheme}:fit={fit}",
               "--slice", chance.choice(("20000", "100000"))]
    return options, ["4", "200", "300", "sa"]


def leaks(report, before):
    """What the report says is left, in words; "" if nothing is.  before: that of a program which
    does nothing, for the tables that a machine has always."""
    memory, services = report["memory"], report["services"]
    tables = before["memory"]["table_frames"]
    used = memory["frames"] - memory["frames_free"] - memory["resident_pages"] - tables
    # An empty pool of compressed pages keeps some frames in hand.
    in_pool = services.get("pool", {}).get("frames", 0)
    left = {
        "frames": used - in_pool if report["segments"] is None else 0,
        "pages on swap": memory["swap_pages"],
        "page tables": memory["table_frames"] - tables,
        "pages promised": services.get("commitment", {}).get("promised_pages", 0),
        "pages merged": services.get("merging", {}).get("saved_pages", 0),
        "processes ended for want of memory": report["program"]["killed_for_memory"],
    }
    return ", ".join(f"{n} {what}" for what, n in left.items() if n != 0)


def one(tap, options, text, remote, seed):
    """One run; what it came to, for the summary."""
    chance = random.Random(seed)
    machine, args = contiguous(chance) if chance.random() < 0.1 else paged(chance, text, remote)
    machine += ["--seed", str(seed), "--check", "--window", "0"]
    program = f"{options.programs}/soak"
    got = on_pagewright(options.pagewright, machine, program, [str(seed), *args])
    command = " ".join(["pagewright run", *machine, "--", program, str(seed), *args])
    wrong = ""
    if got.status != 0 or got.out != GOOD:
        wrong = (f"status {got.status}\n{got.out.decode(errors='replace')[-2000:]}"
                 f"{got.err.decode(errors='replace')[-2000:]}")
    elif got.report is None:
        wrong = "no report"
    else:
        before = on_pagewright(options.pagewright, machine, f"{options.programs}/hello")
        if before.report is None or before.status != 0:
            wrong = f"hello: status {before.status}\n{before.err.decode(errors='replace')}"
        elif leaks(got.report, before.report):
            wrong = f"left over: {leaks(got.report, before.report)}"
    tap.check(not wrong, f"seed {seed}: {' '.join(machine[:6])}", f"{wrong}\nseed {seed}: {command}")
    return got.report


def share(report):
    """Of what was in use at most, pages of files left out, how much the RAM could hold."""
    memory = report["memory"]
    return memory["frames"] / (memory["frames"] + memory["swap_pages_peak"])


def told(reports):
    """What all runs did together: a soak that did not swap or merge would prove little."""
    sums = {"instructions": 0, "processes": 0, "swapped out": 0, "merged": 0, "faults": 0, "huge": 0}
    for r in reports:
        sums["instructions"] += r["program"]["instructions"]
        sums["processes"] += r["program"]["processes"]
        sums["swapped out"] += r["paging"]["swap_out"]["pages"]
        sums["merged"] += r["services"]["merging"]["merged"]
        sums["huge"] += sum(r["services"]["huge_pages"][way] for way in ("faults", "filled", "collapsed"))
        sums["faults"] += r["faults"]["minor"] + r["faults"]["major"]
    shares = [share(r) for r in reports if r["segments"] is None]
    sums["RAM, % of memory in use"] = round(100 * statistics.median(shares)) if shares else 0
    return sums


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pagewright", required=True)
    parser.add_argument("--programs", required=True)
    parser.add_argument("--seed", type=int, default=int(os.environ.get("PGW_SEED", "1")))
    parser.add_argument("--runs", type=int, default=0, help="so many; 0: as the time allows")
    parser.add_argument("--minutes", type=float, default=3)
    parser.add_argument("--hours", type=float, default=0)
    options = parser.parse_args()

    tap = Tap()
    text = re.sub(r"\s+", " ", known_options(options.pagewright))
    end = time.monotonic() + (options.hours * 3600 or options.minutes * 60)
    reports, seed, remote = [], options.seed, Remote()
    while seed - options.seed < options.runs if options.runs else time.monotonic() < end:
        report = one(tap, options, text, remote, seed)
        if report:
            reports.append(report)
        seed += 1
    remote.stop()
    sums = told(reports)
    tap.check(all(sums.values()), f"{len(reports)} runs: {sums}", "nothing of a kind happened")
    return tap.finish()


if __name__ == "__main__":
    sys.exit(main())
