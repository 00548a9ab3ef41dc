#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What a person at a terminal relies on: signals reach the program, memory that runs out ends
one process and not the others, and a program writes where its caller says.

    behaviour.py --pagewright BIN --programs DIR
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from machines import TIMEOUT, Tap, execute

HOGS = b"hog: ended by signal 9\nworker: exit 0\nworker: exit 0\nworker: exit 0\n"


def check_memory(tap, pagewright, programs):
    for machine in (["--ram", "2M", "--swap", "4M"], ["--ram", "4M", "--swap", "none"],
                    ["--ram", "2M", "--swap", "4M", "--mmu", "ref"],
                    ["--ram", "2M", "--swap", "4M", "--policy", "random"]):
        got = execute([pagewright, "run", "--report", "none", *machine, programs + "/hogs"])
        text = got.err.decode(errors="replace")
        tap.check(got.status == 0 and got.out == HOGS,
                  f"{' '.join(machine)}: the hog is ended, the others finish",
                  f"status {got.status}\n{got.out.decode()}\n{text}")
        tap.check("memory" in text and "hogs" in text, f"{' '.join(machine)}: with a message", text)


def check_chosen(tap, pagewright, programs):
    """Who is ended for want of memory: the largest, or who offers itself; told with a table."""
    for offer, outcome in (("1000", b"large: exit 0\nsmall: ended by signal 9\n"),
                           ("none", b"large: ended by signal 9\nsmall: exit 0\n")):
        got = execute([pagewright, "run", "--report", "none", "--ram", "7M", "--swap", "none",
                       programs + "/chosen", offer])
        tap.check(got.status == 0 and got.out == outcome, f"oom_score_adj {offer}: the right one is ended",
                  f"status {got.status}\n{got.out.decode()}\n{got.err.decode(errors='replace')}")
        rows = [line for line in got.err.decode(errors="replace").splitlines() if " chosen " in line]
        tap.check(len(rows) >= 4, "who held what is told", got.err.decode(errors="replace"))


def group_of(got):
    """The only group of a JSON report, which comes after messages."""
    text = "\n" + got.err.decode(errors="replace")
    return json.loads(text[text.index("\n{"):])["groups"][0]


def check_groups(tap, pagewright, programs):
    """A group's limit binds its members, and only them."""
    got = execute([pagewright, "run", "--report", "json", "--ram", "16M", "--swap", "64M", "--group",
                   "all=1M", programs + "/hogs", "6"])
    group = group_of(got)
    tap.check(got.status == 0 and group["resident_pages_peak"] <= 256 and group["evicted"] > 1000 and
              group["killed_for_memory"] == 0, "a group of 1M pages within itself while 16M are there",
              f"status {got.status}\n{group}")
    got = execute([pagewright, "run", "--report", "json", "--ram", "64M", "--swap", "none", "--group",
                   "hogs=4M:hogs", programs + "/hogs"])
    text = got.err.decode(errors="replace")
    group = group_of(got)
    tap.check(got.status == 0 and got.out == HOGS and group["killed_for_memory"] == 1,
              "a group that is full ends the largest of its own", f"status {got.status}\n{group}\n{text}")
    tap.check("group hogs has its 4.0M of RAM full" in text, "and says why", text)
    got = execute([pagewright, "run", "--report", "json", "--ram", "64M", "--swap", "none", "--group",
                   "others=1M:nothing*", programs + "/hogs", "6"])
    text = got.err.decode(errors="replace")
    group = group_of(got)
    tap.check(got.status == 0 and group["resident_pages_peak"] == 0, "what does not match is not in it",
              f"status {got.status}\n{group}")


def check_tiny(tap, pagewright, programs):
    """RAM too small for the pages that one instruction needs, or for all the page tables: an end, not a hang."""
    for swap in ("none", "4K", "16K", "28K"):
        got = execute([pagewright, "run", "--report", "none", "--ram", "64K", "--swap", swap,
                       programs + "/sorts"])
        tap.check(got.status in (125, 137) and b"RAM" in got.err, f"64K of RAM, swap {swap}: ended",
                  f"status {got.status}\n{got.err.decode(errors='replace')}")
    got = execute([pagewright, "run", "--report", "none", "--ram", "2M", "--swap", "64M", "--slice", "50",
                   programs + "/forktree"])
    tap.check(got.status == 0, "50 processes in slices of 50 instructions get somewhere",
              f"status {got.status}\n{got.err.decode(errors='replace')}")


def check_thrashing(tap, pagewright, programs):
    """Segments that do not fit in RAM together: an end, not days of swapping."""
    for scheme in ("segments", "segments:bits=3,fit=best,compact=off"):
        got = execute([pagewright, "run", "--report", "none", "--mmu", scheme, "--ram", "4M", "--swap", "64M",
                       programs + "/lisp"])
        tap.check(got.status == 137 and b"RAM is too small for the segments that the program needs at once"
                  in got.err, f"{scheme}: a program whose segments do not fit together is ended",
                  f"status {got.status}\n{got.err.decode(errors='replace')}")
    for scheme in ("none", "base-bounds", "segments"):
        got = execute([pagewright, "run", "--report", "none", "--mmu", scheme, "--ram", "1M", "--swap", "none",
                       programs + "/hello"])
        tap.check(got.status == 0, f"{scheme}: 1M of RAM are enough for a small program",
                  f"status {got.status}\n{got.err.decode(errors='replace')}")


def check_broken_swap(tap, pagewright, programs):
    """A device that refuses every write: an end that says so, even of what was promised memory."""
    if shutil.which("nbdkit") is None:
        return
    with tempfile.TemporaryDirectory() as folder:
        at, ready = folder + "/nbd", folder + "/ready"
        with subprocess.Popen(["nbdkit", "--exit-with-parent", "-f", "-U", at, "-P", ready, "--filter=error",
                               "memory", "64M", "error=EIO", "error-pwrite-rate=100%"],
                              stderr=subprocess.DEVNULL) as server:
            while server.poll() is None and not os.path.exists(ready):
                time.sleep(0.01)
            for overcommit in ("heuristic", "never"):
                got = execute([pagewright, "run", "--report", "none", "--ram", "640K", "--overcommit", overcommit,
                               "--swap", f"nbd:nbd+unix:///?socket={at}", programs + "/churn"])
                tap.check(got.status == 137 and b"swap cannot be written" in got.err,
                          f"--overcommit {overcommit}: swap that cannot be written ends the program",
                          f"status {got.status}\n{got.err.decode(errors='replace')}")
            server.kill()


def interrupted(pagewright, programs, signo, times):
    """Sends signo to pagewright once the program has written its first line."""
    with subprocess.Popen([pagewright, "run", "--report", "none", programs + "/chatter"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.readline()
        for _ in range(times):
            process.send_signal(signo)
            time.sleep(0.2)
        try:
            out, err = process.communicate(timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
        return process.returncode, out, err


def check_signals(tap, pagewright, programs):
    for signo in (signal.SIGINT, signal.SIGTERM):
        code, out, err = interrupted(pagewright, programs, signo, 1)
        tap.check(code == 128 + signo, f"{signo.name} ends the program", f"{code} {out} {err}")
    code, out, err = interrupted(pagewright, programs, signal.SIGHUP, 1)
    tap.check(code == 3 and out == b"told to stop\n", "SIGHUP reaches its handler",
              f"{code} {out} {err}")


def check_streams(tap, pagewright, programs):
    with tempfile.TemporaryDirectory() as tmp:
        path = os.path.join(tmp, "out")
        with open(path, "wb") as file:
            code = subprocess.run([pagewright, "run", "--report", "none", programs + "/hello"],
                                  stdout=file, stderr=file, check=False).returncode
        with open(path, "rb") as file:
            tap.check(code == 0 and file.read() == b"hello, world\n", "output to a file")
        relative = execute([pagewright, "run", "--report", "none", "./here"], cwd=tmp)
        tap.check(relative.status == 127, "no such relative name", relative.err)
        os.symlink(programs + "/hello", os.path.join(tmp, "here"))
        relative = execute([pagewright, "run", "--report", "none", "./here"], cwd=tmp)
        tap.check(relative.out == b"hello, world\n", "a symbolic link, by a relative name",
                  relative.err)
    with open("/dev/full", "wb") as full:
        got = subprocess.run([pagewright, "run", "--report", "none", programs + "/hello"],
                             stdout=full, stderr=subprocess.PIPE, check=False)
    tap.check(got.returncode == 0, "a full device is the program's own business", got.stderr)
    closed = subprocess.run([pagewright, "run", "--report", "none", programs + "/hello"],
                            stdout=subprocess.PIPE, stdin=subprocess.DEVNULL,
                            preexec_fn=lambda: os.close(0), check=False)
    tap.check(closed.stdout == b"hello, world\n", "standard input closed", closed.stdout)
    dashes = execute([pagewright, "run", "--report", "none", "--", programs + "/surroundings",
                      "--ram", "x"])
    tap.check(b'argv[1] = "--ram"' in dashes.out, "the program's options are its own", dashes.err)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pagewright", required=True)
    parser.add_argument("--programs", required=True)
    options = parser.parse_args()
    options.pagewright = os.path.abspath(options.pagewright)
    tap = Tap()
    check_memory(tap, options.pagewright, options.programs)
    check_chosen(tap, options.pagewright, options.programs)
    check_groups(tap, options.pagewright, options.programs)
    check_tiny(tap, options.pagewright, options.programs)
    check_thrashing(tap, options.pagewright, options.programs)
    check_broken_swap(tap, options.pagewright, options.programs)
    check_signals(tap, options.pagewright, options.programs)
    check_streams(tap, options.pagewright, options.programs)
    return tap.finish()


if __name__ == "__main__":
    sys.exit(main())
