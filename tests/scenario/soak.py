#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The soak: random processes with a tenth of the RAM that they would like, all services on.

    soak.py --pagewright BIN --programs DIR [--seed N] [--runs N | --minutes M | --hours H]

Each run has a seed, from which everything follows: the machine (scheme, policy, devices, pool, merging,
huge pages, groups, read-ahead, time slices, ...) and what the processes of guest/soak.c do.  They verify
every byte they own; at the end the machine verifies itself (--check) and nothing may be left over: no
frame, no page table, no page on swap, no promise.

The tenth: at one time there were, on swap and in the pool alone, ten times as many pages as the
machine has frames.  What was in RAM then and the pages of files come on top and are not counted.
RAM is a guess at first; where that was too much, the run is done again, a few times: with what its swap
had at most by eleven, or, if its tables need the RAM, with twice the operations.

A failure names its seed and the command line that repeats it.  "@" stands there for a folder in
which soak, soak.1, soak.2, ... are guest/soak, and where nbdkit (if there is one) listens at "nbd".
"""

import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

import machines
from machines import Tap, execute, on_pagewright

machines.TIMEOUT = 900  # beside other work, at the lowest priority, too

GOOD = b"soak: all bytes are as they should be\n"
ALL = "saxlth"  # features of guest/soak.c
WORKERS = 16    # at most
TENTH = 0.1
RAM_LEAST = 64  # pages
TRIES = 5       # to find the RAM that is a tenth
ENOUGH = 5      # runs that had a service, for it to have done something
CONTIGUOUS = ("segments", "base-bounds", "none")
# Workers, operations of each, pages that each may take, and RAM in pages, about a tenth of what they
# have at one time.  The last has RAM for huge pages.
SIZES = ((4, 250, 2600, 288), (3, 250, 3400, 283), (8, 250, 1300, 288), (4, 250, 60000, 3700))
LINEAR = (1, 250, 300000, 4800)  # each process has a table of 1024 frames that stay in RAM
LINEAR_MOST = 450000             # pages: more mappings than that do not fit in a space
# Those that are switched by an option, with what may follow it.
SERVICES = {
    "--merge": ("off", "madvise", "all", "all"),
    "--merge-rate": ("20", "200", "5000"),
    "--huge": ("off", "madvise", "always", "always"),
    "--huge-alloc": ("auto", "direct", "reserve", "reserve"),
    "--readahead": ("0", "3", "15", "31"),
    "--fault-around": ("1", "16", "64"),
    "--aslr": ("on", "off"),
    "--harts": ("1", "2", "4"),
    "--proactive": ("0", "0", "2", "20"),
    "--overcommit": ("heuristic", "heuristic", "always", "never"),
    "--tlb": ("skylake", "r4000", "none", "l1=8:2,asid=off"),
}


class Choices:
    """What `pagewright run` knows, as its help tells it."""

    def __init__(self, pagewright):
        text = execute([pagewright, "run", "--help"]).out.decode()
        self.schemes = self.listed(text, "Translation schemes")
        self.policies = self.listed(text, "Policies")
        self.paged = [name for name in self.schemes if name not in CONTIGUOUS]

    @staticmethod
    def listed(text, title):
        """The names of a list, with what is said of each."""
        part = re.split(r"\n\n", text.split(f"\n{title} ")[1])[0]
        items = re.split(r"\n  (?=\S)", part)[1:]
        return {item.split()[0]: re.sub(r"\s+", " ", item) for item in items}

    def scheme(self, chance):
        name = chance.choice(self.paged)
        if "ad=" in self.schemes[name] and chance.random() < 0.2:
            name += ":ad=fault"
        return name

    def policy(self, chance):
        return "clock" if chance.random() < 0.2 else chance.choice(list(self.policies))


class Folder:
    """Where programs have their names and a remote store listens: "@" in arguments."""

    def __init__(self, program):
        self.path = tempfile.mkdtemp(prefix="soak-")
        self.server = None
        for name in ["soak"] + [f"soak.{i}" for i in range(1, WORKERS + 1)]:
            os.symlink(os.path.realpath(program), os.path.join(self.path, name))

    def has_store(self):
        """Started when the first run wants it; False: there is no such server here."""
        at = os.path.join(self.path, "nbd")
        if self.server is None and shutil.which("nbdkit"):
            self.server = subprocess.Popen(["nbdkit", "--exit-with-parent", "-f", "-U", at, "memory", "1G"])
            for _ in range(500):
                if os.path.exists(at):
                    break
                time.sleep(0.01)
        return self.server is not None

    def of(self, args):
        return [arg.replace("@", self.path) for arg in args]

    def remove(self):
        if self.server is not None:
            self.server.terminate()
            self.server.wait()
        shutil.rmtree(self.path)


def devices(chance, folder, expected):
    """One that has room for everything, often after others that have not."""
    levels = []
    while chance.random() < 0.4 and len(levels) < 4:
        levels.append(f"temp:{max(expected // chance.choice((4, 8, 20)), 16)}p")
    levels.append("1G")
    if chance.random() < 0.3 and folder.has_store():
        levels[chance.randrange(len(levels))] = "nbd:nbd+unix:///?socket=@/nbd"
    if not any(level == "1G" or level.startswith("nbd") for level in levels[-1:]):
        levels.append("1G")
    if chance.random() < 0.1:
        levels.insert(0, f"file:@/swap:{expected // 8}p")
    return levels


def swap_of(chance, folder, expected):
    levels = devices(chance, folder, expected)
    if chance.random() < 0.6:
        share = chance.choice(("10%", "25%", "40%"))
        levels.insert(0, f"zpool:{share}{chance.choice(('', ':lz4'))}{chance.choice(('', ':clean'))}")
    return levels


def groups_of(chance, workers):
    """(what follows --group, with a share of RAM in percent for its size; whether workers are
    programs of their own): none, one for all, or small ones of which some workers are."""
    kind = chance.random()
    if kind < 0.4:
        return [], False
    if kind < 0.6:
        return [("all", chance.choice((70, 85)), "")], False
    some = chance.sample(range(1, workers + 1), chance.randrange(1, min(workers, 4) + 1))
    return [(f"g{i}", chance.choice((8, 15, 30, 60)), f":soak.{i}") for i in some], True


class Plan:
    """One machine and its program.  options: all but RAM, in pages, and what depends on it."""

    def __init__(self, ram, options, args, groups=()):
        self.ram, self.options, self.args, self.groups = ram, options, args, groups

    def value(self, option):
        """What follows it; "" if it is not there."""
        at = self.options.index(option) if option in self.options else -1
        return self.options[at + 1] if at >= 0 else ""

    def machine(self, seed):
        sized = ["--ram", f"{self.ram}p"]
        for name, percent, programs in self.groups:
            sized += ["--group", f"{name}={max(self.ram * percent // 100, 16)}p{programs}"]
        return [*sized, *self.options, "--seed", str(seed), "--check", "--window", "0"]

    def may_have_huge_pages(self):
        linear = self.value("--mmu").startswith("linear")  # it has small ones only
        return self.value("--huge") in ("always", "madvise") and self.ram > 2000 and not linear

    def tighten(self, swapped):
        """RAM was more than a tenth of what was swapped, in pages."""
        if self.value("--mmu").startswith("linear"):
            self.args[1] = str(2 * int(self.args[1]))
            self.args[2] = str(min(int(self.args[2]) * 5 // 4, LINEAR_MOST))
        else:
            self.ram = max(swapped // 11, RAM_LEAST)


def paged(chance, known, folder):
    scheme = known.scheme(chance)
    size = LINEAR if scheme.startswith("linear") else chance.choice(SIZES)
    workers, operations, pages, ram = size
    levels = swap_of(chance, folder, 10 * ram)
    options = ["--mmu", scheme, "--policy", known.policy(chance), "--slice",
               chance.choice(("997", "20000", "100000"))]
    for name, values in SERVICES.items():
        options += [name, chance.choice(values)]
    # Tables of one size for each process and a pool are too much of the RAM for promises.
    if size == LINEAR and "never" in options:
        levels = [level for level in levels if not level.startswith("zpool")]
    options = ["--swap", ",".join(levels), *options]
    groups, named = groups_of(chance, workers)
    args = [str(workers), str(operations), str(pages), ALL + ("n" if named else "")]
    return Plan(ram, options, args, groups)


def contiguous(chance):
    """Whole segments: each process fits, and few of them at once."""
    scheme = chance.choice(CONTIGUOUS)
    fit = chance.choice(("first", "best", "next", "worst", "buddy"))
    options = ["--swap", "1G", "--mmu", scheme if scheme == "none" else f"{scheme}:fit={fit}",
               "--slice", chance.choice(("50000", "100000"))]
    return Plan(800, options, ["16", "100", "300", "sa"])


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


def attempt(options, plan, folder, seed):
    """One run: what was wrong, or "", and its report."""
    machine = folder.of(plan.machine(seed))
    got = on_pagewright(options.pagewright, machine, f"{folder.path}/soak", [str(seed), *plan.args])
    if got.status != 0 or got.out != GOOD:
        return (f"status {got.status}\n{got.out.decode(errors='replace')[-2000:]}"
                f"{got.err.decode(errors='replace')[-2000:]}"), None
    if got.report is None:
        return "no report", None
    before = on_pagewright(options.pagewright, machine, f"{options.programs}/hello")
    if before.report is None or before.status != 0:
        return f"hello: status {before.status}\n{before.err.decode(errors='replace')}", None
    left = leaks(got.report, before.report)
    return left and f"left over: {left}", got.report


def share(reports):
    """RAM in parts of what was on swap at one time."""
    return sum(report["memory"]["frames"] for report in reports) / \
        max(sum(report["memory"]["swap_pages_peak"] for report in reports), 1)


def one(tap, options, known, folder, seed):
    """The run of a seed: its plan and its report, or None."""
    chance = random.Random(seed)
    plan = contiguous(chance) if chance.random() < 0.1 else paged(chance, known, folder)
    for left in reversed(range(TRIES)):
        wrong, report = attempt(options, plan, folder, seed)
        if wrong or share([report]) <= TENTH or left == 0:
            break
        plan.tighten(report["memory"]["swap_pages_peak"])
    machine = " ".join(plan.machine(seed))
    tenth = 100 * share([report]) if report else 0
    if not wrong and tenth > 100 * TENTH:
        wrong = "more RAM than that"
    tap.check(not wrong, f"seed {seed}: RAM is {tenth:.1f}% of what is on swap: {machine}",
              f"{wrong}\npagewright run {machine} -- @/soak {seed} {' '.join(plan.args)}")
    return plan, report


def did(plan, report):
    """What a run did, by service: None for those that it did not have."""
    services, paged_run, swap = report["services"], report["segments"] is None, plan.value("--swap")
    huge, pool, groups = services["huge_pages"], services["pool"], report["groups"]
    devices = report["swap_devices"]
    return {
        "instructions": report["program"]["instructions"],
        "processes": report["program"]["processes"],
        "faults": report["faults"]["minor"] + report["faults"]["major"],
        "pages swapped out": report["paging"]["swap_out"]["pages"],
        "merged": services["merging"]["merged"] if paged_run else None,
        "huge": sum(huge[way] for way in ("faults", "filled", "collapsed"))
                if plan.may_have_huge_pages() else None,
        "read ahead": services["readahead"]["used"] if paged_run else None,
        "squeezed": services["proactive"]["taken"] if plan.value("--proactive") not in ("", "0") else None,
        "in the pool": pool["pages_peak"] if pool["limit_pages"] else None,
        "clean in the pool": pool["clean_hits"] if ":clean" in swap else None,
        "on the second device and later": sum(d["used_pages_peak"] for d in devices[1:])
                                          if len(devices) > 1 else None,
        "on a remote store": sum(d["out"]["pages"] for d in devices if d["name"].startswith("nbd"))
                             if "nbd:" in swap else None,
        "taken from groups": sum(g["evicted"] for g in groups) if groups else None,
    }


def told(runs):
    """What all runs did together, by service: (sum, runs that had it).  A soak that did not swap or
    merge would prove little."""
    every = [did(plan, report) for plan, report in runs]
    return {name: (sum(run[name] or 0 for run in every), sum(run[name] is not None for run in every))
            for name in (every[0] if every else ())}


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
    known, folder = Choices(options.pagewright), Folder(f"{options.programs}/soak")
    end = time.monotonic() + (options.hours * 3600 or options.minutes * 60)
    runs, seed = [], options.seed
    while seed - options.seed < options.runs if options.runs else time.monotonic() < end:
        plan, report = one(tap, options, known, folder, seed)
        if report:
            runs.append((plan, report))
        seed += 1
    folder.remove()
    sums = told(runs)
    for name, (done, had) in sums.items():
        print(f"# {name}: {done} in {had} runs")
    idle = [name for name, (done, had) in sums.items() if had >= ENOUGH and not done]
    tap.check(runs and not idle, f"{len(runs)} runs, all services at work", f"idle: {idle}")
    tenth = share([report for _, report in runs])
    tap.check(tenth <= TENTH, f"RAM was {100 * tenth:.1f}% of what was on swap, in all runs together")
    return tap.finish()


if __name__ == "__main__":
    sys.exit(main())
