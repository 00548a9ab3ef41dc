#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The machine's own /proc/swaps, meminfo, vmstat, buddyinfo, zoneinfo, and /sys/kernel/mm: their formats, and that
they say what the report says.

    procsys.py --pagewright BIN --programs DIR
"""

import argparse
import re
import sys

from machines import Tap, on_pagewright

HUGE = "/sys/kernel/mm/transparent_hugepage/enabled"
EXTFRAG = "/sys/kernel/debug/extfrag/"
KSM = "/sys/kernel/mm/ksm/"
FILES = ["/proc/swaps", "/proc/meminfo", "/proc/buddyinfo", "/proc/vmstat", "/proc/zoneinfo",
         "/proc/pagetypeinfo", EXTFRAG + "extfrag_index", EXTFRAG + "unusable_index", HUGE] + [
    KSM + name for name in ("run", "pages_to_scan", "sleep_millisecs", "pages_shared",
                            "pages_sharing", "full_scans", "none-such")]
# A name with blanks in octal, and four columns.
SWAP = re.compile(r"(\S+) +(file\t|partition)\t(\d+)\t{1,2}(\d+)\t{1,2}(-\d+)")


def shown(options, tap, arguments, kib, shares=False):
    """Each file's lines, and the report."""
    got = on_pagewright(options.pagewright, arguments, f"{options.programs}/showfiles",
                        (["-s"] if shares else []) + [str(kib), *FILES])
    what = " ".join(arguments)
    tap.check(got.status == 0 and got.out.endswith(b"all is there\n"), f"{what}: it runs",
              got.err.decode(errors="replace"))
    files, name = {}, None
    for line in got.out.decode().splitlines()[:-1]:
        if line.startswith("== "):
            name = line[3:]
            files[name] = []
        elif name is not None:
            files[name].append(line)
    return files, got.report


def meminfo(files):
    return {line.split(":")[0]: int(line.split()[1]) for line in files["/proc/meminfo"]}


def check_swaps(tap, what, files, report, names):
    lines = files["/proc/swaps"]
    tap.check(lines[0] == "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority", f"{what}: heading",
              lines)
    found = [SWAP.fullmatch(line) for line in lines[1:]]
    tap.check(all(found) and [m[1] for m in found] == names, f"{what}: a line for each device",
              lines)
    tap.check([int(m[5]) for m in found] == [-2 - i for i in range(len(found))],
              f"{what}: priorities fall", lines)
    if names == ["/dev/zram0"]:
        return
    sizes = [device["pages"] * 4 for device in report["swap_devices"]]
    tap.check([int(m[3]) for m in found] == sizes, f"{what}: sizes", lines)
    tap.check(all(int(m[4]) <= device["used_pages_peak"] * 4
                  for m, device in zip(found, report["swap_devices"])), f"{what}: use", lines)


def check_memory(tap, what, files, pool):
    found = meminfo(files)
    tap.check(found["SwapTotal"] >= found["SwapFree"] >= 0, f"{what}: swap", found)
    tap.check((found["Zswap"] > 0) == (found["Zswapped"] > 0) == pool, f"{what}: zswap", found)
    line = re.fullmatch(r"Node 0, zone   Normal ((?: *\d+ ){11})", files["/proc/buddyinfo"][0])
    tap.check(line is not None and len(files["/proc/buddyinfo"]) == 1, f"{what}: buddyinfo's format",
              files["/proc/buddyinfo"])
    free = sum(int(n) << i for i, n in enumerate(line[1].split())) * 4
    tap.check(abs(free - found["MemFree"]) <= 512, f"{what}: free runs are what is free",
              f"{free} and {found['MemFree']}")


def vmstat(files):
    return {line.split()[0]: int(line.split()[1]) for line in files["/proc/vmstat"]}


# Of vmstat, what is counted from the start: the report, made later, has as much or more of it.
COUNTS = {
    "pgfault": lambda r: r["faults"]["minor"] + r["faults"]["major"],
    "pgmajfault": lambda r: r["faults"]["major"],
    "pageoutrun": lambda r: r["paging"]["daemon_runs"],
    "allocstall_normal": lambda r: r["paging"]["direct_reclaims"],
    "pgmigrate_success": lambda r: r["services"]["compaction"]["migrated"],
    "compact_stall": lambda r: r["services"]["compaction"]["runs"],
    "compact_success": lambda r: r["services"]["compaction"]["made"],
    "compact_fail": lambda r: r["services"]["compaction"]["failed"],
    "thp_fault_alloc": lambda r: r["services"]["huge_pages"]["faults"],
    "thp_collapse_alloc": lambda r: r["services"]["huge_pages"]["collapsed"],
    "thp_split_pmd": lambda r: r["services"]["huge_pages"]["splits"],
    "workingset_refault_anon": lambda r: r["services"]["pressure"]["refaults"],
    "workingset_activate_anon": lambda r: r["services"]["pressure"]["active"],
    "zswpin": lambda r: r["services"]["pool"]["hits"],
    "zswpwb": lambda r: r["services"]["pool"]["written_back"],
    "pswpin": lambda r: sum(d["in"]["pages"] for d in r["swap_devices"]) or
    r["paging"]["swap_in"]["pages"],
    "pswpout": lambda r: sum(d["out"]["pages"] for d in r["swap_devices"]) or
    r["paging"]["swap_out"]["pages"],
}


def check_counts(tap, what, files, report, positive):
    """The counts of vmstat: none is more than the report has, and these are above 0."""
    found = vmstat(files)
    wrong = {name: (found.get(name), of(report)) for name, of in COUNTS.items()
             if not 0 <= found.get(name, -1) <= of(report)}
    tap.check(not wrong, f"{what}: vmstat counts what the report counts", wrong)
    tap.check(all(found[name] > 0 for name in positive), f"{what}: {', '.join(positive)}", found)
    tap.check(found["compact_stall"] == found["compact_success"] + found["compact_fail"],
              f"{what}: compact_*", found)


def check_parts(tap, what, files, report):
    """meminfo, vmstat and zoneinfo tell the same, and parts are of what they are parts of."""
    memory, pages = meminfo(files), vmstat(files)
    used = sum(memory[name] for name in ("MemFree", "Cached", "AnonPages", "PageTables", "Zswap"))
    tap.check(used <= memory["MemTotal"], f"{what}: all is of the RAM", memory)
    tap.check(memory["Shmem"] + memory["Mapped"] <= memory["Cached"] and memory["Mapped"] > 0 and
              memory["Mlocked"] <= memory["Unevictable"], f"{what}: parts", memory)
    for name, of in {"nr_anon_pages": "AnonPages", "nr_file_pages": "Cached", "nr_shmem": "Shmem",
                     "nr_mapped": "Mapped", "nr_mlock": "Mlocked", "nr_dirty": "Dirty"}.items():
        # A page or two may come between the reading of the two.
        tap.check(abs(pages[name] * 4 - memory[of]) <= 64, f"{what}: {name} is {of}",
                  f"{pages[name]} {memory[of]}")
    lines = files["/proc/zoneinfo"]
    zone = {line.split()[-2]: int(line.split()[-1]) for line in lines[1:] if "(" not in line}
    tap.check(lines[0] == "Node 0, zone   Normal" and lines[1].startswith("  pages free     "),
              f"{what}: zoneinfo's format", lines)
    tap.check(zone["managed"] == report["memory"]["frames"] and
              0 < zone["min"] < zone["low"] < zone["high"] < zone["managed"] and
              abs(zone["free"] * 4 - memory["MemFree"]) <= 512, f"{what}: zoneinfo", lines)
    tap.check(files["/proc/pagetypeinfo"] == ["error 2"], f"{what}: the host's page blocks are not "
              "shown", files["/proc/pagetypeinfo"])


def check_indexes(tap, what, files):
    """Both indexes of fragmentation are those of buddyinfo's free runs, nearly: a page may come."""
    runs = [int(n) for n in files["/proc/buddyinfo"][0].split()[4:]]
    free = sum(n << i for i, n in enumerate(runs))
    expected = {"extfrag_index": [], "unusable_index": []}
    for order in range(11):
        suitable = sum(n << i for i, n in enumerate(runs) if i >= order)
        expected["unusable_index"].append((free - suitable) / free)
        expected["extfrag_index"].append(
            -1 if suitable else 1 - (1 + free / (1 << order)) / sum(runs))
    for name, indexes in expected.items():
        line = re.fullmatch(r"Node 0, zone   Normal ((?: *-?[01]\.\d{3} ){11})",
                            files[EXTFRAG + name][0])
        found = [float(index) for index in line[1].split()] if line else []
        tap.check(len(found) == 11 and all(abs(a - b) < 0.05 for a, b in zip(found, indexes)),
                  f"{what}: {name}", f"{files[EXTFRAG + name]} {indexes}")


def check_services(tap, what, files, huge, merge, rate):
    tap.check(files[HUGE] == [huge], f"{what}: {huge}", files[HUGE])
    ksm = {name[len(KSM):]: lines for name, lines in files.items() if name.startswith(KSM)}
    tap.check(ksm.pop("none-such") == ["error 2"], f"{what}: no file of the host's", ksm)
    numbers = {name: int(lines[0]) for name, lines in ksm.items() if len(lines) == 1}
    tap.check(len(numbers) == len(ksm), f"{what}: a number each", ksm)
    tap.check(numbers["run"] == merge and numbers["sleep_millisecs"] == 1, f"{what}: run", numbers)
    tap.check(numbers["pages_to_scan"] == rate, f"{what}: the rate", numbers)
    return numbers


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pagewright")
    parser.add_argument("--programs")
    options = parser.parse_args()
    tap = Tap()

    files, report = shown(options, tap, ["--ram", "2M", "--swap", "1M,temp:64M", "--huge", "always",
                                         "--merge", "off"], 6000)
    check_swaps(tap, "two devices", files, report, ["temporary\\040file"] * 2)
    check_memory(tap, "two devices", files, False)
    check_services(tap, "two devices", files, "[always] madvise never", 0, 20)
    check_counts(tap, "two devices", files, report, ["pswpin", "pswpout", "pgmajfault",
                                                     "workingset_refault_anon"])
    found = vmstat(files)
    tap.check(all(found[name] == 0 for name in ("zswpin", "zswpout", "zswpwb")),
              "two devices: nothing went to a pool", found)
    check_parts(tap, "two devices", files, report)

    files, report = shown(options, tap, ["--ram", "32M", "--huge", "always", "--huge-alloc",
                                         "direct"], 8000, shares=True)
    check_counts(tap, "huge", files, report, ["thp_fault_alloc"])
    check_parts(tap, "huge", files, report)
    check_indexes(tap, "huge", files)
    found = meminfo(files)
    tap.check(found["Shmem"] == 64 and found["Mlocked"] == 16, "huge: shared and locked", found)
    tap.check(found["AnonHugePages"] >= 2048 and found["AnonHugePages"] <= found["AnonPages"] and
              vmstat(files)["nr_anon_transparent_hugepages"] * 2048 == found["AnonHugePages"],
              "huge: huge pages", found)

    files, report = shown(options, tap, ["--ram", "2M", "--swap", "zpool:40%,16M", "--merge-rate",
                                         "7"], 6000)
    check_swaps(tap, "a pool", files, report, ["temporary\\040file"])
    check_memory(tap, "a pool", files, True)
    check_services(tap, "a pool", files, "always [madvise] never", 1, 7)
    check_counts(tap, "a pool", files, report, ["zswpout", "zswpwb"])
    check_parts(tap, "a pool", files, report)

    files, report = shown(options, tap, ["--ram", "4M", "--swap", "zpool:70%", "--huge", "off",
                                         "--merge", "all", "--merge-rate", "20000"], 5000)
    check_swaps(tap, "a pool alone", files, report, ["/dev/zram0"])
    check_memory(tap, "a pool alone", files, True)
    numbers = check_services(tap, "a pool alone", files, "always madvise [never]", 1, 20000)
    tap.check(numbers["full_scans"] > 0, "a pool alone: the scanner has been round", numbers)

    files, _ = shown(options, tap, ["--ram", "8M", "--swap", "none"], 100)
    tap.check(len(files["/proc/swaps"]) == 1, "no swap: a heading only", files["/proc/swaps"])
    files, _ = shown(options, tap, ["--ram", "8M", "--mmu", "segments", "--swap", "zpool:25%"], 100)
    check_services(tap, "contiguous", files, "always madvise [never]", 0, 0)
    return tap.finish()


if __name__ == "__main__":
    sys.exit(main())
