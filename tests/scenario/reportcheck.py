#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The report: it follows its schema, its figures add up, and a seed gives the same one twice.

    reportcheck.py --pagewright BIN --programs DIR --schema FILE
"""

import argparse
import json
import os
import struct
import sys

import schema
from machines import Tap, execute, on_pagewright

RUNS = [
    ("hello", ["--ram", "256K"], []),
    ("sorts", ["--ram", "256K", "--swap", "64M"], []),
    ("sorts", ["--ram", "64M"], []),
    ("forktree", ["--ram", "4M", "--swap", "64M"], ["20", "64"]),
    ("overcommit", ["--ram", "800K", "--swap", "64M"], []),
    ("overcommit", ["--ram", "800K", "--swap", "64M", "--policy", "random"], ["8192"]),
    ("overcommit", ["--ram", "800K", "--swap", "64M", "--policy", "lru"], ["8192"]),
    ("overcommit", ["--ram", "800K", "--swap", "64M", "--tlb", "none"], ["8192"]),
    ("overcommit", ["--ram", "800K", "--swap", "64M", "--mmu", "ref"], ["8192"]),
    ("overcommit", ["--ram", "1M", "--swap", "64M", "--mmu", "la57", "--tlb", "skylake"], ["8192"]),
    ("overcommit", ["--ram", "1M", "--swap", "64M", "--mmu", "mips32", "--tlb", "mips-4kc"], ["8192"]),
    ("overcommit", ["--ram", "1M", "--swap", "64M", "--mmu", "hashed"], ["8192"]),
    ("overcommit", ["--ram", "1M", "--swap", "64M", "--mmu", "armv8:ad=fault"], ["8192"]),
    ("overcommit", ["--ram", "1M", "--swap", "64M", "--tlb", "l1=16:4,l2=64:4,prefetch=on"], ["8192"]),
    ("forktree", ["--ram", "4M", "--swap", "64M", "--mmu", "x86"], ["20", "64"]),
    ("forktree", ["--ram", "4M", "--swap", "64M", "--mmu", "sv48", "--tlb", "l1=64:4,l2=1536:12,asid=off"],
     ["20", "64"]),
    ("sorts", ["--ram", "16M", "--mmu", "base-bounds"], []),
    ("forktree", ["--ram", "16M", "--mmu", "segments"], ["8", "32"]),
    ("apart", ["--ram", "16M", "--mmu", "segments"], []),
    ("chainexec", ["--ram", "2M"], []),
    ("forktree", ["--ram", "2M", "--swap", "64M", "--maps"], ["8", "32"]),
    ("sorts", ["--ram", "16M", "--mmu", "segments", "--maps"], []),
    ("nocall", ["--ram", "2M"], []),
    ("hello", ["--ram", "2M", "--swap", "zpool:25%,64M"], []),  # a pool that nothing went to
    ("overcommit", ["--ram", "1M", "--swap", "zpool:25%,64M", "--group", "g=512K"], ["8192"]),
    ("overcommit", ["--ram", "1M", "--swap", "512K,temp:1M,64M"], ["8192"]),
    ("forktree", ["--ram", "4M", "--harts", "4", "--huge", "always", "--merge", "all"], ["20", "64"]),
]


def sums_of_maps(report):
    """(what, true or false) of what the processes had mapped."""
    for process in report["maps"]:
        who, end = f"maps of {process['pid']}", 0
        for region in process["regions"]:
            pages = (region["end"] - region["start"]) // 4096
            yield f"{who}: in order", end <= region["start"] < region["end"]
            yield f"{who}: pages in the region", \
                region["resident_pages"] + region["swapped_pages"] <= pages
            for part in ("shared", "dirty", "huge", "merged", "locked"):
                yield f"{who}: {part} are in RAM", region[part + "_pages"] <= region["resident_pages"]
            end = region["end"]
        yield f"{who}: a stack", any(r["use"] == "stack" for r in process["regions"])


def sums_of_devices(report):
    """(what, true or false) of the levels of swap."""
    devices, paging = report["swap_devices"], report["paging"]
    yield "peaks of devices", all(d["used_pages"] <= d["used_pages_peak"] <= d["pages"] for d in devices)
    if report["config"]["swap"].startswith("zpool") or not devices:
        return
    yield "sizes of devices", sum(d["pages"] for d in devices) * 4096 == report["config"]["swap_bytes"]
    for flow in ("in", "out"):
        yield f"{flow} of devices", \
            sum(d[flow]["pages"] for d in devices) == paging[f"swap_{flow}"]["pages"]
        yield f"{flow} of devices: operations", \
            sum(d[flow]["operations"] for d in devices) == paging[f"swap_{flow}"]["operations"]
    yield "the first is full before the second is used", \
        all(a["used_pages_peak"] == a["pages"] or b["used_pages_peak"] == 0
            for a, b in zip(devices, devices[1:]))


def sums(report):
    """(what, true or false) for each relation between figures that must hold."""
    program, faults, paging = report["program"], report["faults"], report["paging"]
    memory = report["memory"]
    resolved = faults["minor"] + faults["major"]
    yield "forks + 1 = processes", program["forks"] + 1 == program["processes"]
    yield "exits = processes", program["exits"] == program["processes"]
    yield "zero-fill + copies <= faults", faults["zero_fill"] + faults["copy_on_write"] <= resolved
    for flow in ("swap_in", "swap_out", "file_in"):
        yield f"{flow}: bytes", paging[flow]["bytes"] == paging[flow]["pages"] * 4096
        yield f"{flow}: operations", paging[flow]["operations"] <= paging[flow]["pages"]
        if not report["config"]["swap"].startswith("zpool"):  # a pool is no device
            yield f"{flow}: no pages without operations", \
                (paging[flow]["operations"] > 0) == (paging[flow]["pages"] > 0)
    yield "clean <= evicted", paging["evicted_clean"] <= paging["evicted"]
    yield "no failures", paging["put_failures"] == 0 and paging["get_failures"] == 0
    yield "major faults <= pages in", faults["major"] <= paging["swap_in"]["pages"] + \
        paging["file_in"]["pages"]
    yield "frames", memory["frames"] * 4096 == report["config"]["ram_bytes"]
    used = memory["frames_free"] + memory["resident_pages"] + memory["table_frames"]
    yield "free + resident + tables <= frames", used <= memory["frames"]
    yield "resident peak", memory["resident_pages"] <= memory["resident_pages_peak"] <= \
        memory["frames"]
    yield "nothing stays on swap", memory["swap_pages"] == 0
    yield "table peak", memory["table_frames"] <= memory["table_frames_peak"]
    yield "64 bytes a frame", memory["frame_table_bytes"] <= (memory["frames"] + 64) * 64
    yield "fetches", program["fetches"] >= program["instructions"] > 0
    yield from sums_of_switches(report)
    yield from sums_of_segments(report)
    yield from sums_of_translation(report)
    yield from sums_of_time(report)
    yield from sums_of_maps(report)
    yield from sums_of_devices(report)


def sums_of_translation(report):
    t = report["translation"]
    if report["config"]["mmu"] == "ref" or report["config"]["tlb"] == "none":
        yield "nothing is counted without a TLB", t is None
        return
    if t is None:
        yield "a TLB of a paged scheme is counted", report["segments"] is not None
        return
    data, code = t["l1d"]["hits"] + t["l1d"]["misses"], t["l1i"]["hits"] + t["l1i"]["misses"]
    faulted = report["faults"]["minor"] + report["faults"]["major"] + 100
    yield "every fetch is looked up", \
        0 <= code - report["program"]["fetches"] <= faulted
    yield "every data access is looked up", \
        0 <= data - report["program"]["loads_stores"] <= faulted
    misses = t["l1i"]["misses"] + t["l1d"]["misses"]
    if t["l2"]["hits"] > 0:
        yield "what misses L1 asks L2", t["l2"]["hits"] + t["l2"]["misses"] == misses
    yield "what misses L2 walks", t["walks"] >= t["l2"]["misses"]
    yield from sums_of_walks(report["config"], t)
    yield "prefetched and used", t["prefetch_hits"] <= t["prefetches"]
    yield "prefetch is on", (t["prefetches"] > 0) == ("prefetch=on" in report["config"]["tlb"])
    yield "software sets the bits", (t["ad_faults"] > 0) == ("ad=fault" in report["config"]["mmu"])
    yield "or hardware", (t["ad_updates"] == 0) == ("ad=fault" in report["config"]["mmu"])


def sums_of_walks(config, t):
    """Each walk begins at the root or where a walk cache says, and goes down from there."""
    refs, cached, walks = t["walk_references"], t["walk_cache_hits"], t["walks"]
    levels = {"sv39": 3, "x86": 2, "sv48": 4, "la57": 5, "armv8": 4, "mips32": 2, "hashed": 2}
    yield "levels", len(refs) == len(cached) == levels[config["mmu"].split(":")[0]]
    yield "who walks", t["walker"] == ("software" if config["mmu"] == "mips32" else "hardware")
    if config["mmu"] == "hashed":
        yield "a walk reads the anchor", refs[0] >= walks
        return
    yield "a walk cache saves the root", refs[0] + sum(cached) >= walks
    yield "a walk goes down", all(refs[i] <= refs[i - 1] + cached[i] for i in range(1, len(refs)))
    yield "walk caches are used", (sum(cached) > 0) == ("skylake" in config["tlb"])


def sums_of_switches(report):
    switches, cost = report["switches"], report["config"]["cost"]
    spaces, config = switches["spaces"], report["config"]
    yield "no more switches of spaces than turns", spaces <= report["program"]["context_switches"] + \
        report["program"]["execs"] + report["program"]["forks"] + 1
    yield "a switch empties the TLBs only for want of tags", switches["flushes"] <= spaces
    untagged = "asid=off" in config["tlb"] or config["mmu"] in ("x86", "none")
    if config["mmu"] in ("sv39", "sv48", "x86") and config["tlb"] != "none" and spaces > 2:
        yield "and then it does", (switches["flushes"] > 0) == untagged
    yield "what a switch costs", spaces == 0 or abs(
        switches["ns_each"] - cost["switch_ns"] - cost["register_ns"] * switches["registers"] / spaces) < 1e-3


def sums_of_segments(report):
    s, memory = report["segments"], report["memory"]
    if s is None:
        yield "paged schemes have tables", memory["table_frames_peak"] > 0 or report["config"]["mmu"] == "ref"
        return
    yield "contiguous schemes have none", memory["table_frames_peak"] == 0
    yield "nothing is left at the end", s["segments"] == s["pages"] == 0
    yield "and the RAM is one hole", s["holes"] == 1 and s["fragmentation"] == 0 and \
        s["largest_hole_pages"] == memory["frames_free"]
    yield "holes were at most the RAM", s["fragmentation"] <= 1 and 0 <= s["fragmentation_peak"] < 1
    yield "something was in RAM", 0 < s["pages_peak"] <= memory["frames"]
    forks = report["program"]["forks"]
    yield "fork copies or shares", forks == 0 or s["fork_pages_copied"] + s["shared"] > 0


def sums_of_time(report):
    time, window = report["effective_access_time"], report["working_set"]
    parts = sum(value for name, value in time.items() if name != "total_ns")
    yield "parts of the access time", abs(parts - time["total_ns"]) <= 1e-6 * parts + 1e-6
    order = [window[name + "_pages"] for name in ("min", "p50", "p90", "p99", "max")]
    yield "percentiles rise", order == sorted(order) and order[0] >= 0 and order[-1] > 0
    starts = [point[0] for point in window["series"]]
    yield "windows in order", starts == sorted(set(starts)) and len(starts) > 0


def check_run(tap, options, the_schema, program, machine, args):
    title = " ".join([program, *args, *machine])
    runs = [on_pagewright(options.pagewright, machine, f"{options.programs}/{program}", args)
            for _ in range(2)]
    first, second = runs
    if not tap.check(first.status == 0 and first.report is not None, f"{title}: reports",
                     first.err.decode(errors="replace")):
        return
    tap.check(not list(schema.errors(first.report, the_schema)), f"{title}: follows the schema",
              "\n".join(schema.errors(first.report, the_schema)))
    wrong = [what for what, holds in sums(first.report) if not holds]
    tap.check(not wrong, f"{title}: adds up",
              "\n".join(wrong) + "\n" + json.dumps({k: v for k, v in first.report.items()
                                                   if k != "working_set"}, indent=1))
    tap.check(first.report == second.report, f"{title}: the same twice")
    tap.check(len(first.report["maps"]) == (
        first.report["program"]["processes"] if "--maps" in machine else 0),
        f"{title}: maps of all processes if asked for")


def file_pages(path):
    """Pages of the program's file by whether they are written to: (only read, written)."""
    with open(path, "rb") as file:
        image = file.read()
    phoff, = struct.unpack_from("<Q", image, 32)
    phnum, = struct.unpack_from("<H", image, 56)
    pages = [0, 0]
    for i in range(phnum):
        kind, flags, _, va, _, filesz = struct.unpack_from("<IIQQQQ", image, phoff + 56 * i)
        if kind == 1:
            pages[flags >> 1 & 1] += (va % 4096 + filesz + 4095) // 4096
    return pages


def check_shared(tap, options):
    """A program that runs three times over has its code in RAM once, and is read in once."""
    program = f"{options.programs}/apart"
    code, data = file_pages(program)
    report = on_pagewright(options.pagewright, ["--ram", "16M", "--mmu", "segments"], program).report
    read = report["paging"]["file_in"]["pages"]
    tap.check(code <= read <= code + 3 * data + 3 < 2 * code, "apart: its code is read once",
              f"{read} pages, of {code} of code and {data} of data")
    tap.check(report["segments"]["fork_pages_copied"] < report["program"]["forks"] * code,
              "apart: fork does not copy its code", report["segments"])


def check_text(tap, pagewright, program):
    loud = execute([pagewright, "run", program])
    text = loud.err.decode(errors="replace")
    tap.check(loud.out == b"hello, world\n" and all(
        word in text.lower() for word in ("instructions", "minor", "major", "tlb", "swap")),
        "the text report is the default, on standard error", text)
    quiet = execute([pagewright, "run", "--report", "none", program])
    tap.check(quiet.out == b"hello, world\n" and quiet.err == b"", "no report when none is wanted",
              quiet.err)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pagewright", required=True)
    parser.add_argument("--programs", required=True)
    parser.add_argument("--schema", required=True)
    options = parser.parse_args()
    options.pagewright = os.path.abspath(options.pagewright)
    with open(options.schema, encoding="utf-8") as file:
        the_schema = json.load(file)
    tap = Tap()
    for program, machine, args in RUNS:
        check_run(tap, options, the_schema, program, machine, args)
    check_shared(tap, options)
    calls = on_pagewright(options.pagewright, [], f"{options.programs}/nocall").report
    numbers = [call["number"] for call in (calls or {"program": {"unknown_syscalls": []}})
               ["program"]["unknown_syscalls"]]
    tap.check(numbers == [500, 501, 502], "unknown system calls are named", numbers)
    check_text(tap, options.pagewright, os.path.join(options.programs, "hello"))
    return tap.finish()


if __name__ == "__main__":
    sys.exit(main())
