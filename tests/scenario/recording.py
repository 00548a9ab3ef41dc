#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""pagewright record: programs print and end as without it, and what is recorded are the machine's
own counts.

    recording.py --pagewright BIN --programs DIR
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile

from machines import TIMEOUT, Tap

# Threads, processes that fork and execute others, signals, code that is written, little RAM.
PROGRAMS = [
    (["hello"], []),
    (["sorts"], ["--ram", "512K"]),
    (["forktree", "4", "16"], ["--ram", "1M", "--harts", "2"]),
    (["pthreads"], ["--harts", "4"]),
    (["chainexec"], []),
    (["sigs"], []),
    (["selfmod"], []),
    (["textfp"], ["--mmu", "x86-64"]),
    (["mappings"], ["--mmu", "segments"]),
]


def run(command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT,
                          check=False)
    return done.returncode, done.stdout, done.stderr.decode(errors="replace")


def check_program(options, tap, work, words, machine):
    name = " ".join(words)
    program = [os.path.join(options.programs, words[0]), *words[1:]]
    report, trace = os.path.join(work, "report.json"), os.path.join(work, "x.pwt")
    given = ["--swap", "64M", *machine]
    plain = run([options.pagewright, "run", "--report", "none", *given, "--", *program])
    got = run([options.pagewright, "record", "-o", trace, "--check", "--report", "json",
               "--report-file", report, *given, "--", *program])
    tap.check(got[:2] == plain[:2], f"{name}: output and status are those of run",
              f"{got[0]}, {plain[0]}\n{got[2]}")
    with open(report, encoding="utf-8") as file:
        told = json.load(file)
    figures, counts = told["services"]["recording"], told["program"]
    # ecall and ebreak are fetched and do not retire.
    extra = figures["fetches"] - counts["instructions"] - counts["syscalls"]
    tap.check(0 <= extra <= (8 if words[0] == "sigs" else 0),
              f"{name}: every instruction is recorded once", f"{extra} more")
    data = figures["references"] - figures["fetches"]
    tap.check(0 < data <= counts["loads_stores"], f"{name}: and its accesses",
              f"{data} of {counts['loads_stores']}")
    tap.check(figures["bytes"] == os.path.getsize(trace), f"{name}: in a file of so many bytes")
    if figures["references"] > 1000000:
        tap.check(figures["bytes_each"] <= 1, f"{name}: of at most one byte for each",
                  figures["bytes_each"])


def check_refused(options, tap, arguments, expected):
    status, out, err = run([options.pagewright, "record", *arguments])
    good = status == 125 and out == b"" and expected in err and len(err.strip().splitlines()) == 1
    tap.check(good, f"record {' '.join(arguments)}: refused in one line", f"{status}: {err}")


def check_place(options, tap, work, hello):
    """What is at the trace's place is replaced by a whole trace, or by nothing."""
    trace, folder = os.path.join(work, "place", "x.pwt"), os.path.join(work, "place")
    os.mkdir(folder)
    noise = os.path.join(work, "noise")
    with open(noise, "wb") as file:
        file.write(b"no program")
    os.chmod(noise, 0o755)
    for program, code in (("/nosuch/program", 127), (noise, 126)):
        status, _, err = run([options.pagewright, "record", "-o", trace, program])
        tap.check(status == code and len(err.splitlines()) == 1 and os.listdir(folder) == [],
                  f"{program}: no program, no trace", f"{status} {err} {os.listdir(folder)}")
        with open(trace, "wb") as file:
            file.write(b"precious")
        run([options.pagewright, "record", "-o", trace, program])
        with open(trace, "rb") as file:
            tap.check(file.read() == b"precious" and os.listdir(folder) == ["x.pwt"],
                      "and what is there stays")
        os.remove(trace)
    with open(trace, "wb") as file:
        file.write(b"old")
    os.chmod(trace, 0o640)
    os.symlink("x.pwt", os.path.join(folder, "link.pwt"))
    status, _, err = run([options.pagewright, "record", "--report", "none", "-o",
                          os.path.join(folder, "link.pwt"), hello])
    complete = run([options.pagewright, "trace", "info", trace])
    tap.check(status == 0 and b"complete     yes" in complete[1] and os.stat(trace).st_mode & 0o777 == 0o640
              and os.path.islink(os.path.join(folder, "link.pwt")),
              "a link leads to the file that is replaced, which keeps its mode", err)
    done = subprocess.run(f"'{options.pagewright}' record --report none -o /dev/fd/3 '{hello}' 3>&1 >/dev/null | cat > '{trace}'",
                          shell=True, timeout=TIMEOUT, check=False)
    complete = run([options.pagewright, "trace", "info", trace])
    tap.check(done.returncode == 0 and b"complete     yes" in complete[1], "to a pipe, by its name below /dev", complete)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pagewright")
    parser.add_argument("--programs")
    options = parser.parse_args()
    options.pagewright = os.path.abspath(options.pagewright)
    tap = Tap()
    hello = os.path.join(os.path.abspath(options.programs), "hello")
    with tempfile.TemporaryDirectory() as work:
        for words, machine in PROGRAMS:
            check_program(options, tap, work, words, machine)
        check_refused(options, tap, ["-o", "-", hello], "the program")
        check_refused(options, tap, ["-o", "/nonexistent/x.pwt", hello], "/nonexistent/x.pwt")
        check_refused(options, tap, ["-o", "", hello], "names no file")
        check_refused(options, tap, ["-o", work, hello], "it is a folder")
        check_refused(options, tap, ["--level", "77", hello], "--level")
        check_refused(options, tap, ["-o", "/dev/full", hello], "/dev/full")
        check_place(options, tap, work, hello)
        check_refused(options, tap, [], "no program")
        os.chdir(work)
        status, _, err = run([os.path.abspath(options.pagewright), "record", "--report", "none", hello])
        tap.check(status == 0 and os.path.exists("hello.pwt"),
                  "without -o the trace has the program's name", err)
    return tap.finish()


if __name__ == "__main__":
    sys.exit(main())
