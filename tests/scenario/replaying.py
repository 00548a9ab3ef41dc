#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""pagewright replay: published counts, its forms agree and follow the schema, the same output to
the byte whatever the threads, bad input gets one line, an interrupt leaves a table.

    replaying.py --pagewright BIN --docs DIR
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
import time

import schema
from machines import TIMEOUT, Tap, execute

HEADER = ("policy,frames,references,misses,hits,evictions,writebacks,read_misses,write_misses,"
          "fetch_misses,read_hits,write_hits,fetch_hits,ram,seed")
ANOMALY = "123412512345"
SILBERSCHATZ = "70120304230321201701"


def ids(string):
    return "".join(f"{c}\n" for c in string).encode()


class Checks:
    def __init__(self, options):
        self.pagewright, self.docs = options.pagewright, options.docs
        self.tap = Tap()

    def replay(self, *words, stdin=b""):
        return execute([self.pagewright, "replay", *words], stdin)

    def rows(self, *words, stdin=b""):
        return json.loads(self.replay("--json", *words, stdin=stdin).out)["rows"]


def check_one(checks):
    """One is no more than one; standard input has a name."""
    text = checks.replay("--ram", "1p", "-", stdin=b"5\n").out.decode()
    checks.tap.check(text.startswith("standard input: 1 reference (1 read, 0 write, 0 fetch)\n1 page of 4K;"),
                     "a trace of one reference", text)


def check_published(checks):
    check_one(checks)
    frames = [row["frames"] for row in checks.rows("--page-size", "8K", "--ram", "3p,24K,25000", "-", stdin=b"l 0x0 1\n")]
    checks.tap.check(frames == [3, 3, 3], "a size in pages is in pages of the replay", frames)
    for string, policy, frames, misses in (
            (ANOMALY, "fifo", 3, 9), (ANOMALY, "fifo", 4, 10), (SILBERSCHATZ, "fifo", 3, 15),
            (SILBERSCHATZ, "opt", 3, 9), (SILBERSCHATZ, "lru", 3, 12)):
        rows = checks.rows("--policy", policy, "--ram", f"{frames}p", "-", stdin=ids(string))
        checks.tap.check(rows[0]["misses"] == misses,
                         f"{string}: {policy} with {frames} frames misses {misses} times", rows)


def some_trace(n):
    """Loads and stores over a few hundred pages, a scan now and then."""
    draw = random.Random(7)
    lines = []
    for i in range(n):
        page = i % 400 if i // 500 % 4 == 3 else int(draw.paretovariate(1)) % 300
        lines.append(f"{draw.choice('lls')} 0x{0x10000 + page * 4096 + draw.randrange(4000):x} 4")
    return ("\n".join(lines) + "\n").encode()


def check_forms(checks, path):
    tap = checks.tap
    words = ("--policy", "clock,lru,random,opt", "--ram", "1p,16p,1M,25%", path)
    data = json.loads(checks.replay("--json", *words).out)
    with open(os.path.join(checks.docs, "replay.schema.json"), encoding="utf-8") as file:
        wrong = list(schema.errors(data, json.load(file), "replay"))
    tap.check(not wrong, "JSON follows its schema", "\n".join(wrong))
    text = checks.replay("--csv", *words).out.decode()
    table = list(csv.DictReader(io.StringIO(text, newline="")))
    tap.check(text.split("\r\n")[0] == HEADER and text.endswith("\r\n"), "CSV: the columns are those of the man page")
    same = len(table) == len(data["rows"]) == 16
    for line, row in zip(table, data["rows"]):
        for kind in ("read", "write", "fetch"):
            row[kind + "_misses"], row[kind + "_hits"] = row[kind]["misses"], row[kind]["hits"]
        same = same and all(str(row[name]) == line[name] for name in HEADER.split(",")[:14])
    tap.check(same, "CSV and JSON say the same")
    plain = checks.replay(*words).out.decode()
    tap.check(all(f"{row['misses']:,}" in plain for row in data["rows"]) and "seed 1" in plain,
              "text has the same misses, and the seed")
    for threads in ("1", "2", "5"):
        tap.check(checks.replay("--csv", "--threads", threads, *words).out.decode() == text,
                  f"{threads} threads: the same, to the byte")
    with open(path, "rb") as file:
        piped = checks.replay("--csv", *words[:-1], "-", stdin=file.read())
    tap.check(piped.out.decode() == text, "from a pipe: the same")
    alone = [checks.rows("--policy", row["policy"], "--ram", row["ram"], path)[0]["misses"]
             for row in data["rows"]]
    tap.check(alone == [row["misses"] for row in data["rows"]], "each alone: the same misses")
    opt = {row["ram"]: row["misses"] for row in data["rows"] if row["policy"] == "opt"}
    tap.check(all(row["misses"] >= opt[row["ram"]] for row in data["rows"]), "OPT is never beaten")
    two = [checks.rows("--policy", "random", "--ram", "16p", "--seed", seed, path)[0]["misses"]
           for seed in ("1", "2")]
    tap.check(two[0] != two[1] and data["rows"][9]["misses"] == two[0], "--seed changes what is drawn, and nothing else")
    large = json.loads(checks.replay("--json", "--page-size", "64K", *words).out)
    mmu = json.loads(checks.replay("--json", "--mmu", "sv39", *words).out)
    with open(os.path.join(checks.docs, "replay.schema.json"), encoding="utf-8") as file:
        wrong = list(schema.errors(mmu, json.load(file), "replay"))
    tap.check(not wrong and mmu["mmu"] == "sv39" and [row["misses"] for row in mmu["rows"]]
              == [row["misses"] for row in data["rows"]] and all(row["translation"]["walks"] >= row["misses"]
              for row in mmu["rows"]), "--mmu adds translation and changes no misses", "\n".join(wrong))
    tap.check("l1_data_misses" in checks.replay("--csv", "--mmu", "sv39", *words).out.decode().split("\r\n")[0]
              and "walk references" in checks.replay("--mmu", "sv39", *words).out.decode(), "--mmu in CSV and text")
    tap.check(large["pages"] < data["pages"] / 8 and large["references"] == data["references"],
              "larger pages are fewer")


def check_bad(checks, path):
    for words, status, says in (
            ((), 125, "no trace"), (("/nosuch",), 125, "/nosuch"), ((path, path), 125, "one trace too many"),
            (("--ram", "7Q", path), 125, "7Q"), (("--ram", "0", path), 125, "less than a page"),
            (("--ram", "0.0001%", path), 125, "three digits"),
            (("--ram", "4K,,8K", path), 125, "empty item"), (("--policy", "nosuch", path), 125, "nosuch"),
            (("--ram", "4P", path), 125, "\"4P\" is not a size"), (("--ram", "99999999999T", path), 125, "is too much"),
            (("--policy", "fifo,clock:bits=1:bits=1", path), 125, "clock: \"bits=1\" sets what was set before it"),
            (("--mmu", "sv39:ad=fault,ad=fault", path), 125, "\"ad=fault\" sets what was set before it"),
            (("--policy", "lru:x=1", path), 125, "lru"), (("--page-size", "5000", path), 125, "power of two"),
            (("--threads", "x", path), 125, "--threads"), (("--policy", "nosuch", path), 125, ", opt"),
            (("--policy", "opt:x=1", path), 125, "policy opt has no parameter \"x=1\""),
            (("--tlb", "skylake", path), 125, "--mmu"), (("--step", "--json", path), 125, "--json"),
            (("--csv", "--json", path), 125, "--csv and --json"), (("--json", "--csv", path), 125, "--csv and --json"),
            (("--mmu", "hashed", path), 125, "hashed"), (("--mmu", "x86-64", "--tlb", "l1=3:4", path), 125, "l1=3:4"),
            (("--mmu", "sv39", "--page-size", "8K", path), 125, "4096"),
            (("--mmu", "linear", "--ram", "3p", "-"), 125,
             "the trace refers to 0x3fff012340, and addresses of linear have 32 bits: model a scheme that has more"),
            (("--mmu", "linear", "--ram", "10%", "-"), 125, "0x3fff012340"), ((os.path.dirname(path),), 125, "is a folder: name the file")):
        result = checks.replay(*words, stdin=b"l 0x1000 4\nl 0x3fff012340 8\n")
        lines = result.err.decode().splitlines()
        checks.tap.check(result.status == status and lines and says in lines[0] and not result.out
                         and len([line for line in lines if "--help" not in line and "--usage" not in line]) == 1,
                         f"replay {' '.join(words[:-1])} {'...' if words else ''}: one line, exit {status}",
                         result.err.decode())


STEPS = """
lru, 3 frames: 12 faults, 8 hits
page       7  0  1  2  0  3  0  4  2  3  0  3  2  1  2  0  1  7  0  1
frame 0    7  7  7  2  2  2  2  4  4  4  0  0  0  1  1  1  1  1  1  1
frame 1       0  0  0  0  0  0  0  0  3  3  3  3  3  3  0  0  0  0  0
frame 2          1  1  1  3  3  3  2  2  2  2  2  2  2  2  2  7  7  7
           F  F  F  F  h  F  h  F  F  F  F  h  h  F  h  F  h  F  h  h
"""


def check_steps(checks, folder, path):
    """The table of Silberschatz's chapter; a quiz that is answered by what the table shows."""
    tap, small = checks.tap, os.path.join(folder, "small.txt")
    with open(small, "wb") as file:
        file.write(ids(SILBERSCHATZ))
    shown = checks.replay("--step", "--policy", "lru", "--ram", "3p", small).out.decode()
    tap.check(shown.endswith(STEPS), "--step shows LRU's frames as the textbook does", shown)
    shown = checks.replay("--step", "--policy", "clock,opt", "--ram", "3p,1p", small).out.decode()
    tap.check(" 7:1" in shown and shown.count("frame 0") == 4, "--step shows CLOCK's bits, and each row", shown)
    forked = checks.replay("--step", "--ram", "6p", "--policy", "lru", "-", stdin=b" S 00001000,4\n S 00002000,4\n@ fork 2\n"
                           b" S 00001000,4\n@ process 2\n L 00001000,4\n S 00002000,4\n").out.decode()
    tap.check("page      2/1w 1/2w 1/1w  2/1 2/2w\n" in forked, "--step: a page and its copy have two names", forked)
    answers = "m m m 7 h 1 h 2 3 0 4 h h 0 h 3 h 2 h h".split()
    quiz = checks.replay("--quiz", "--policy", "lru", "--ram", "3p", small, stdin=("\n".join(answers) + "\n").encode())
    tap.check(quiz.status == 0 and quiz.out.decode().endswith("20 of 20 right\n"), "--quiz: the table's answers are right",
              quiz.out.decode())
    half = checks.replay("--quiz", "--policy", "lru", "--ram", "3p", small, stdin=b"m\nh\n")
    tap.check(half.out.decode().endswith("1 of 2 right\n"), "--quiz ends with its answers", half.out.decode())
    for words, says in ((("--step", "--ram", "3p", path), "small traces"), (("--step", "--ram", "1M", small), "64 frames"),
                        (("--quiz", "-"), "file")):
        result = checks.replay(*words, stdin=ids(ANOMALY))
        tap.check(result.status == 125 and says in result.err.decode(), f"{' '.join(words[:-1])}: {says}", result.err)


def interrupted(checks, *words):
    """A pipe that does not end: the signal comes while it is being read."""
    process = subprocess.Popen([checks.pagewright, "replay", *words, "-"], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    chunk = ids("0123456789" * 20000)
    process.stdin.write(chunk)
    process.stdin.flush()
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    try:
        while process.poll() is None:
            process.stdin.write(chunk)
            process.stdin.flush()
    except BrokenPipeError:
        pass
    out, err = process.stdout.read(), process.stderr.read()
    process.stdin = None
    return process.wait(TIMEOUT), out, err


def check_interrupt(checks):
    status, out, err = interrupted(checks, "--csv", "--ram", "16p")
    rows = list(csv.DictReader(io.StringIO(out.decode(), newline="")))
    checks.tap.check(status == 128 + signal.SIGINT and len(rows) == 1 and int(rows[0]["references"]) > 0
                     and rows[0]["misses"] == "10" and rows[0]["frames"] == "16" and not err,
                     "an interrupt leaves the table of what was done", f"{status} {out} {err}")
    for words in (("--policy", "opt", "--ram", "16p"), ("--ram", "50%")):
        for form in ("--csv", "--json", "--mmu=sv39"):
            status, out, err = interrupted(checks, form, *words)
            none = (json.loads(out)["rows"] == [] and not json.loads(out)["complete"] if form == "--json" else
                    out.count(b"\n") == 1 if form == "--csv" else
                    b"NOT ALL OF IT" in out and b"misses" not in out)
            checks.tap.check(status == 128 + signal.SIGINT and none and err.count(b"\n") == 1
                             and b"stopped before anything was replayed" in err,
                             f"{' '.join(words)} {form}: nothing was replayed, and that is said", f"{status} {out} {err}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pagewright", required=True)
    parser.add_argument("--docs", required=True)
    checks = Checks(parser.parse_args())
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "trace.txt")
        with open(path, "wb") as file:
            file.write(some_trace(20000))
        check_published(checks)
        check_forms(checks, path)
        check_bad(checks, path)
        check_steps(checks, folder, path)
        check_interrupt(checks)
    return checks.tap.finish()


if __name__ == "__main__":
    sys.exit(main())
