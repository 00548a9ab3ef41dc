#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""pagewright mrc and pagewright wss, as a person uses them, against naive counts.

    measure.py --pagewright BIN --docs docs mrc|wss|mistakes
"""

import argparse
import csv
import io
import json
import os
import random
import signal
import subprocess
import sys
import tempfile

import schema
from machines import Tap, execute

OURS = 125
PAGE = 4096


def references(seed, n, pages):
    """[(page, writes)]: busy pages, a loop, and a third that writes."""
    rng = random.Random(seed)
    found = []
    for i in range(n):
        page = i // 3 % (pages // 2) if i % 3 == 0 else int(pages ** rng.random()) - 1
        found.append((page, rng.random() < 0.33))
    return found


def write_trace(path, refs, rng):
    with open(path, "w", encoding="ascii") as file:
        for page, write in refs:
            offset = rng.randrange(0, PAGE - 8, 8)
            file.write(f"{'s' if write else 'l'} {page * PAGE + offset:#x} 8\n")


def lru(refs, frames):
    """(misses, write-backs) of LRU in that many frames."""
    held, misses, writebacks = {}, 0, 0
    for page, write in refs:
        if page in held:
            write |= held.pop(page)
        else:
            misses += 1
            if len(held) == frames:
                writebacks += held.pop(next(iter(held)))
        held[page] = write
    return misses, writebacks


def table(result):
    """The rows of a CSV table, as dictionaries."""
    return list(csv.DictReader(io.StringIO(result.out.decode(), newline="")))


def at(rows, frames):
    """The last row that begins at frames or before."""
    return [row for row in rows if int(row["frames"]) <= frames][-1]


def check_schema(tap, title, result, path):
    with open(path, encoding="utf-8") as file:
        description = json.load(file)
    wrong = list(schema.errors(json.loads(result.out), description, title))
    tap.check(not wrong and result.status == 0, f"{title}: JSON as described", "\n".join(wrong))


# ---- mrc ----

def check_exact(tap, run, refs, trace):
    result = run("--csv " + trace)
    rows = table(result)
    tap.check(result.status == 0 and not result.err, "mrc --csv", result.err)
    wrong = []
    pages = len({page for page, _ in refs})
    for frames in list(range(1, 30)) + list(range(30, pages + 3, 37)):
        misses, writebacks = lru(refs, frames)
        row = at(rows, frames)
        if (int(row["misses"]), int(row["writebacks"])) != (misses, writebacks):
            wrong.append(f"{frames} frames: {row}, counted {misses} {writebacks}")
        if abs(float(row["ratio"]) - misses / len(refs)) > 1e-6:
            wrong.append(f"{frames} frames: ratio {row['ratio']}")
    tap.check(not wrong, "mrc: every size is as LRU counted one by one", "\n".join(wrong))
    tap.check(int(rows[-1]["misses"]) == pages, "mrc: all pages in RAM miss once")


def check_knees(tap, run, refs, trace):
    result = json.loads(run("--json --cost tlb=0,ram=100ns,fault=1us,disk=100us " + trace).out)
    for knee in result["curves"][0]["knees"]:
        least = knee["least"]
        most = int(knee["ratio"] * len(refs))
        if least is None:
            tap.check(result["pages"] > most, f"mrc: {knee['ratio']} is out of reach")
            continue
        good = lru(refs, least["frames"])[0] <= most < lru(refs, least["frames"] - 1)[0]
        tap.check(good, f"mrc: the least RAM for {knee['ratio']}", least)
        for name, frames in ("half", least["frames"] // 2), ("twice", least["frames"] * 2):
            misses, writebacks = lru(refs, frames)
            seconds = len(refs) * 100e-9 + misses * 101e-6 + writebacks * 100e-6
            size = knee[name]
            tap.check(size["misses"] == misses and abs(size["seconds"] - seconds) < 1e-6 * seconds,
                      f"mrc: {name} of it", f"{size}, expected {misses} {seconds}")


def check_samples(tap, run, trace):
    for words in ("--sample 0.5", "--sample-pages 200"):
        result = json.loads(run(f"--json --error {words} {trace}").out)
        exact, sampled = result["curves"]
        tap.check(exact["exact"] and not sampled["exact"], f"mrc {words}: two curves")
        tap.check(0 < sampled["error"] < 0.05, f"mrc {words}: errs little", sampled["error"])
        tap.check(sampled["sampled_pages"] < 600, f"mrc {words}: a sample", sampled["sampled_pages"])
    alone = json.loads(run(f"--json --sample 0.5 {trace}").out)
    tap.check(len(alone["curves"]) == 1 and alone["curves"][0]["error"] is None,
              "mrc --sample: the exact curve is not measured unasked")
    # Three busy pages, so that 3 frames would do; but a tenth of the pages does not tell 3 from 10.
    busy = "".join(f"{i % 3 if i % 100 else i}\n" for i in range(20000)).encode()
    knee = json.loads(execute([run.binary, "mrc", "--sample", "0.1", "--json", "-"], stdin=busy).out)["curves"][0]["knees"][0]
    text = execute([run.binary, "mrc", "--sample", "0.1", "-"], stdin=busy).out.decode()
    tap.check(knee["least"]["frames"] == 10 and knee["half"] is None and "10.0% miss: at most 40K (10 pages), " in text,
              "mrc --sample: the least RAM is told as far as sizes are told apart", f"{knee} {text}")
    tap.check(" of them: too few to go by)" in text, "mrc --sample: that the sample is small is told", text)
    tap.check(b"too few" not in run(f"--sample 0.5 {trace}").out, "mrc --sample: one that will do")
    one, same, other = (run(f"--sample 0.5 --seed {n} {trace}").out for n in (1, 1, 2))
    tap.check(one == same and b"seed 1\n" in one, "mrc: same seed, same output")
    tap.check(one != other, "mrc: another seed, another sample")


def check_policies(tap, run, trace):
    words = "--policy lru,opt,fifo,clock,random --sizes 9 "
    result = run("--csv " + words + trace)
    rows = table(result)
    exact = [row for row in rows if row["policy"] == "lru"]
    corners = next(i for i in range(1, len(exact)) if exact[i]["frames"] == "1")
    full, mini = exact[:corners], exact[corners:]
    wrong = [row for row in mini if at(full, int(row["frames"]))["misses"] != row["misses"]]
    tap.check(len(mini) > 5 and not wrong, "mrc --policy lru: as the exact curve", wrong[:3])
    opt = [row for row in rows if row["policy"] == "opt"]
    for name in ("lru", "fifo", "clock", "random"):
        found = mini if name == "lru" else [row for row in rows if row["policy"] == name]
        worse = [row for row in found
                 if int(at(opt, int(row["frames"]))["misses"]) > int(row["misses"])]
        tap.check(not worse, f"mrc: opt is not beaten by {name}", worse[:3])
    tap.check(result.out == run("--csv " + words + trace).out, "mrc --policy: same output again")


def check_text(tap, run, trace):
    text = run(trace).out.decode()
    for part in ("40,000 references", "lru, exact", "the least RAM so that", "10.0% miss: ",
                 "time: 100 ns an access, 86.0 us a miss"):
        tap.check(part in text, f"mrc: the text has \"{part}\"", text[:2000])
    tap.check(max(map(len, text.splitlines())) <= 100, "mrc: lines are not long")
    piped = execute([run.binary, "mrc", "-"], stdin=open(trace, "rb").read())
    tap.check(piped.out.decode() == text.replace(trace + ":", "standard input:"), "mrc: the same from a pipe")


def check_interrupt(tap, run, trace):
    """A trace that does not end, and Ctrl-C."""
    with open(trace, "rb") as file:
        lines = file.read()
    with tempfile.TemporaryFile() as out, \
         subprocess.Popen([run.binary, run.command, "--json", "-"], stdin=subprocess.PIPE,
                          stdout=out, stderr=subprocess.PIPE) as process:
        try:
            for i in range(200):
                process.stdin.write(lines)
                if i == 20:
                    process.send_signal(signal.SIGINT)
            process.stdin.close()
        except BrokenPipeError:
            pass
        err = process.stderr.read()
        process.stdin = None
        process.wait(timeout=60)
        out.seek(0)
        out = out.read()
    result = json.loads(out)
    tap.check(process.returncode == 130 and not err, f"{run.command}: an interrupt is told by the "
              "exit status", f"{process.returncode} {err}")
    tap.check(not result["complete"] and result["references"] > 0,
              f"{run.command}: what was read is measured", result["references"])


def check_empty_sample(tap, run, trace):
    for words in ("--sample 1e-9", "--policy lru --policy-sample 1e-9"):
        out = run(f"{words} {trace}").out
        tap.check(out.count(b"nothing is known: no page is in the sample") == 1, f"mrc {words}: nothing is made of nothing", out)
    result = run(f"--json --policy lru --policy-sample 1e-9 {trace}")
    tap.check(result.status == 0 and json.loads(result.out)["curves"][1]["error"] is None, "mrc: no error of it")


def check_mrc(tap, run, refs, trace, docs):
    check_exact(tap, run, refs, trace)
    check_knees(tap, run, refs, trace)
    check_samples(tap, run, trace)
    check_policies(tap, run, trace)
    check_empty_sample(tap, run, trace)
    check_text(tap, run, trace)
    check_interrupt(tap, run, trace)
    for words in ("", "--sample 0.3 --error --policy sieve,opt --sizes 4 "):
        check_schema(tap, "mrc " + words, run("--json " + words + trace), docs + "/mrc.schema.json")


# ---- wss ----

def working_sets(refs, window):
    """The size of the working set at each reference."""
    used, count, sizes = [], {}, []
    for page, _ in refs:
        used.append(page)
        count[page] = count.get(page, 0) + 1
        if len(used) > window:
            old = used[-1 - window]
            count[old] -= 1
            if count[old] == 0:
                del count[old]
        sizes.append(len(count))
    return sizes


def check_sets(tap, run, refs, trace):
    result = json.loads(run("--json --window 1,10,250,10K,10M " + trace).out)
    for found, window in zip(result["working_sets"], (1, 10, 250, 10000, 10000000)):
        sizes = working_sets(refs, window)
        slices = result["slice_references"]
        means = [sum(sizes[i:i + slices]) / len(sizes[i:i + slices])
                 for i in range(0, len(sizes), slices)]
        mean = sum(sizes) / len(sizes)
        ranked = sorted(sizes)
        good = found["window"] == window and len(means) == len(found["slices"])
        good = good and all(abs(a - b) < 1e-3 for a, b in zip(means, found["slices"]))
        good = good and abs(found["mean"] - mean) < 1e-3
        good = good and abs(found["intervals_mean"] - mean) < 1e-3
        for name, percent in ("p10", 10), ("p50", 50), ("p90", 90), ("max", 100):
            good = good and found[name] == ranked[(len(ranked) * percent + 99) // 100 - 1]
        tap.check(good and found["min"] == ranked[0], f"wss: window {window} as counted",
                  f"{found} expected mean {mean}")


def check_bins(tap, run, refs, trace):
    result = json.loads(run("--json " + trace).out)
    last, bins = {}, {}
    for i, (page, _) in enumerate(refs):
        if page in last:
            k = (i - last[page]).bit_length() - 1
            bins[k] = bins.get(k, 0) + 1
        last[page] = i
    found = {b["from"].bit_length() - 1: b["count"] for b in result["reuse_time"]}
    tap.check(found == bins, "wss: references between uses", f"{found}\n{bins}")
    tap.check(result["first_uses"] == len(last), "wss: first uses")
    for frames in (1, 2, 4, 64, 256):
        misses, writebacks = lru(refs, frames - 1 or 1)
        if frames == 1:
            continue
        deeper = sum(b["count"] for b in result["reuse_distance"] if b["from"] >= frames)
        backs = sum(b["count"] for b in result["writeback_distance"] if b["from"] >= frames)
        tap.check(deeper + len(last) == misses and backs == writebacks,
                  f"wss: distances of {frames} frames and more", f"{deeper} {backs}")


def check_heat(tap, run, refs, trace):
    heat = json.loads(run("--json --rows 10 " + trace).out)["heat"]
    rows = heat["rows"]
    total = sum(sum(row["references"]) for row in rows)
    tap.check(total == len(refs) and 2 <= len(rows) <= 10, "wss: all references are in the heat map",
              f"{total} in {len(rows)} rows")
    wrong = []
    for row in rows:
        first = int(row["address"], 16)
        for k, count in enumerate(row["references"]):
            piece = refs[k * heat["column_references"]:(k + 1) * heat["column_references"]]
            counted = sum(first <= page * PAGE < first + heat["row_bytes"] for page, _ in piece)
            if counted != count:
                wrong.append(f"{row['address']} column {k}: {count}, counted {counted}")
    tap.check(not wrong, "wss: the heat map as counted", "\n".join(wrong))


def check_wss(tap, run, refs, trace, docs):
    check_sets(tap, run, refs, trace)
    check_bins(tap, run, refs, trace)
    check_heat(tap, run, refs, trace)
    check_interrupt(tap, run, trace)
    check_schema(tap, "wss", run("--json " + trace), docs + "/wss.schema.json")
    text = run("--width 80 " + trace).out.decode()
    for part in ("40,000 references", "working set, in pages", "over time, window 10,000",
                 "references by address and time", "first uses of a page"):
        tap.check(part in text, f"wss: the text has \"{part}\"", text[:2000])
    tap.check(max(map(len, text.splitlines())) <= 90, "wss: lines are not long")
    tap.check(text.encode() == run("--width 80 " + trace).out, "wss: same output again")
    rows = table(run("--csv --window 10 " + trace))
    tap.check(rows[0] == {"window": "10", "reference": "0", "pages": rows[0]["pages"]} and
              len(rows) > 60, "wss --csv", rows[:3])


# ---- mistakes ----

# (command and arguments, what the one line must contain); TRACE: a good one
WRONG = [
    ("mrc", "no trace: write pagewright mrc"),
    ("wss", "no trace: write pagewright wss"),
    ("mrc TRACE TRACE", "one word too many"),
    ("wss TRACE TRACE", "one word too many"),
    ("mrc /nowhere/at/all", "/nowhere/at/all: "),
    ("wss /nowhere/at/all", "/nowhere/at/all: "),
    ("mrc EMPTY", "EMPTY: "),
    ("wss EMPTY", "EMPTY: "),
    ("mrc --sample 0 TRACE", "--sample: \"0\" is not a part of the pages"),
    ("mrc --sample 1.5 TRACE", "--sample: \"1.5\" is not a part of the pages"),
    ("mrc --sample nan TRACE", "--sample: \"nan\" is not a part of the pages"),
    ("mrc --sample x TRACE", "--sample: \"x\" is not a part of the pages"),
    ("mrc --sample-pages 0 TRACE", "--sample-pages: \"0\" is not a whole number above 0"),
    ("mrc --sample-pages 99999999999 TRACE", "at most 2^30 pages"),
    ("mrc --error TRACE", "--error needs a sample"),
    ("mrc --policy nosuch TRACE", "\"nosuch\""),
    ("mrc --policy lru,,fifo TRACE", "\"\""),
    ("mrc --policy opt:x=1 TRACE", "policy opt has no parameter \"x=1\""),
    ("mrc --policy-sample 2 TRACE", "--policy-sample: \"2\""),
    ("mrc --sizes 1 TRACE", "2 to 256 sizes"),
    ("mrc --sizes 257 TRACE", "2 to 256 sizes"),
    ("mrc --seed x TRACE", "--seed: \"x\""),
    ("mrc --cost disk=soon TRACE", "--cost: \"disk=soon\""),
    ("mrc --page-size 1000 TRACE", "--page-size: \"1000\""),
    ("mrc --page-size 256 TRACE", "--page-size: \"256\""),
    ("mrc --width 10 TRACE", "--width: "),
    ("mrc --csv --json TRACE", "--csv and --json"),
    ("wss --json --csv TRACE", "--csv and --json"),
    ("mrc /", "/: is a folder: name the file"),
    ("wss /", "/: is a folder: name the file"),
    ("wss --window 0 TRACE", "--window: \"0\""),
    ("wss --window 10,x TRACE", "--window: \"x\""),
    ("wss --window 10, TRACE", "--window: \"\""),
    ("wss --window 10KK TRACE", "--window: \"10KK\""),
    ("wss --window 99999999999999999999 TRACE", "--window: \"99999999999999999999\""),
    ("wss --window " + ",".join(["5"] * 17) + " TRACE", "at most 16 windows"),
    ("wss --rows 0 TRACE", "--rows: \"0\""),
    ("wss --rows 1001 TRACE", "1 to 1000 rows"),
]


def check_mistakes(tap, binary, trace, folder):
    empty = os.path.join(folder, "EMPTY")
    with open(empty, "wb"):
        pass
    for words, text in WRONG:
        arguments = [trace if w == "TRACE" else empty if w == "EMPTY" else w for w in words.split()]
        result = execute([binary] + arguments)
        said = result.err.decode()
        good = result.status == OURS and said.count("\n") == 1 and text in said and not result.out
        good = good and said.startswith(f"pagewright {words[:3]}: ")
        tap.check(good, "wrong: " + words[:60], f"{result.status} {said}")
    damaged = os.path.join(folder, "damaged")
    with open(damaged, "w", encoding="ascii") as file:
        file.write("1\n2\nthree\n2\n4\n")
    for command in ("mrc", "wss"):
        result = execute([binary, command, damaged])
        tap.check(result.status == 1 and result.err.count(b"\n") == 1 and b"at byte 4: " in result.err
                  and b": 4 references, NOT ALL OF IT: " in result.out, f"{command}: damage costs what is damaged",
                  f"{result.status} {result.err} {result.out[:200]}")
    with open(damaged, "w", encoding="ascii") as file:
        file.write("@ process 1\n L 00001000,0 *17 w3 f2\n")
    for command in ("mrc", "wss", "replay"):
        result = execute([binary, command, "--page-size", "512", damaged])
        tap.check(result.status == OURS and result.err.count(b"\n") == 1 and b"pages cannot be smaller" in result.err,
                  f"{command}: runs are of larger pages", f"{result.status} {result.err}")
    with open("/dev/full", "wb") as full:
        for command in ("mrc", "wss"):
            done = subprocess.run([binary, command, trace], stdout=full, stderr=subprocess.PIPE,
                                  check=False, timeout=120)
            tap.check(done.returncode == OURS and b"cannot write to standard output" in done.stderr,
                      f"{command}: a full disk", f"{done.returncode} {done.stderr}")


def check_reduced(tap, binary, trace, folder):
    """Of a trace that was reduced, nothing is told below the size that it is exact from; from there on, all is as of
    the whole one."""
    small, whole = os.path.join(folder, "small.pwt"), os.path.join(folder, "whole.pwt")
    least = 7
    execute([binary, "trace", "convert", "-o", whole, trace])
    execute([binary, "trace", "reduce", "--size", str(least), "-o", small, whole])

    def table(path):
        rows = execute([binary, "mrc", "--csv", path]).out.decode().split("\r\n")[1:-1]
        return [[int(cell) for cell in row.split(",")[:2]] for row in rows]

    def at(rows, frames):
        return [misses for size, misses in rows if size <= frames][-1]

    full, part = table(whole), table(small)
    tap.check(part[0][0] == least and all(at(full, n) == at(part, n) for n in range(least, full[-1][0] + 5)),
              "mrc of a reduced trace: CSV begins where it is exact, and is", (part[:3], full[:9]))
    data, all_of_it = (json.loads(execute([binary, "mrc", "--json", path]).out) for path in (small, whole))
    out = execute([binary, "wss", small]).out
    tap.check(b"the trace was reduced: all of this is but an approximation\n" in out, "wss says what it is of", out)
    curve = data["curves"][0]
    knees = [knee[name] for knee in curve["knees"] for name in ("least", "half", "twice") if knee[name]]
    tap.check(data["reduced"] == least and len(curve["points"]) == curve["corners"] == len(part)
              and min(place["frames"] for place in curve["points"] + knees) >= least
              and [max(knee["least"]["frames"], least) if knee["least"] else None for knee in all_of_it["curves"][0]["knees"]]
              == [knee["least"]["frames"] if knee["least"] else None for knee in curve["knees"]],
              "JSON, too", curve)
    text = execute([binary, "mrc", "--policy", "fifo", small]).out.decode()
    sizes = [int(line.split()[0].replace(",", "")) for line in text.splitlines() if line[:13].strip().replace(",", "").isdigit()]
    tap.check(sizes and min(sizes) >= least and "of less than 7 frames there is nothing to say" in text
              and "for the whole one an approximation" in text, "and text", text)


class Run:
    """One of the two commands."""

    def __init__(self, binary, command):
        self.binary, self.command = binary, command

    def __call__(self, words):
        return execute([self.binary, self.command] + words.split())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pagewright", required=True)
    parser.add_argument("--docs", required=True)
    parser.add_argument("group", choices=["mrc", "wss", "mistakes"])
    args = parser.parse_args()
    tap = Tap()
    refs = references(1, 40000, 1000)
    with tempfile.TemporaryDirectory() as folder:
        trace = os.path.join(folder, "trace")
        write_trace(trace, refs, random.Random(2))
        run = Run(args.pagewright, args.group)
        if args.group == "mistakes":
            check_mistakes(tap, args.pagewright, trace, folder)
            check_reduced(tap, args.pagewright, trace, folder)
        else:
            {"mrc": check_mrc, "wss": check_wss}[args.group](tap, run, refs, trace, args.docs)
    return tap.finish()


if __name__ == "__main__":
    sys.exit(main())
