#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""pagewright compare and pagewright mmus: their forms agree and follow their schemas, the figures
are those of pagewright run, bad input gets one line, an interrupt leaves a table.

    compare.py --pagewright BIN --programs DIR --docs DIR
"""

import argparse
import csv
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

import schema
from machines import TIMEOUT, Tap, execute, on_pagewright

HEADER = ("scheme,instructions,minor_faults,major_faults,walks,walk_references,"
          "walk_references_per_1000_instructions,l1_instruction_misses,l1_data_misses,l2_misses,"
          "table_bytes_peak,fragmentation_peak,fit_failures,compaction_pages,space_switches,"
          "switch_registers,switch_flushed,access_ns,same,ended")


class Checks:
    def __init__(self, options):
        self.pagewright, self.programs, self.docs = options.pagewright, options.programs, options.docs
        self.tap = Tap()
        self.listed = self.schemes()

    def compare(self, *words, stdin=b""):
        return execute([self.pagewright, "compare", *words], stdin)

    def program(self, name):
        return os.path.join(self.programs, name)

    def schema(self, name):
        with open(os.path.join(self.docs, name), encoding="utf-8") as file:
            return json.load(file)

    def follows(self, title, data, name):
        wrong = list(schema.errors(data, self.schema(name), title))
        self.tap.check(not wrong, f"{title}: follows its schema", "\n".join(wrong))

    def schemes(self):
        listed = json.loads(execute([self.pagewright, "mmus", "--json"]).out)
        self.follows("mmus", listed, "mmus.schema.json")
        return listed

    def table(self, *words):
        return json.loads(self.compare("--report", "json", *words).out)


def check_mmus(checks):
    tap, names = checks.tap, [scheme["name"] for scheme in checks.listed["schemes"]]
    text = execute([checks.pagewright, "mmus"]).out.decode()
    tap.check(all(f"\n{name}\n" in text for name in names), "mmus names every scheme", text)
    tlbs = execute([checks.pagewright, "mmus", "--tlbs"]).out.decode().splitlines()
    tap.check([line.split()[0] for line in tlbs] == [tlb["name"] for tlb in checks.listed["tlbs"]],
              "mmus --tlbs lists the same", tlbs)
    for tlb in checks.listed["tlbs"]:
        got = execute([checks.pagewright, "run", "--report", "none", "--tlb", tlb["name"],
                       checks.program("hello")])
        tap.check(got.status == 0 and got.out == b"hello, world\n", f"--tlb {tlb['name']} runs", got.err)
    for scheme in checks.listed["schemes"]:
        sizes, rights = scheme["page_bytes"], set(scheme["rights"])
        end = scheme["user_bytes"] or 0
        good = scheme["summary"] != "" and rights <= {"read", "write", "execute"} and \
            scheme["contiguous"] == (sizes == []) and (sizes == [] or sizes[0] == 4096) and \
            sizes == sorted(sizes) and end <= 1 << scheme["address_bits"] and \
            (scheme["levels"] == 0) == (scheme["entry_bytes"] == 0)
        tap.check(good, f"mmus: the limits of {scheme['name']} are possible", scheme)


def check_forms(checks):
    """One run in all three forms, of all schemes."""
    tap, words = checks.tap, ["--ram", "8M", checks.program("forktree"), "6", "32"]
    names = [scheme["name"] for scheme in checks.listed["schemes"]]
    table = checks.table(*words)
    checks.follows("compare", table, "compare.schema.json")
    tap.check([row["mmu"] for row in table["schemes"]] == names, "every scheme has a row", table)
    got = checks.compare("--report", "csv", *words)
    lines = list(csv.DictReader(io.StringIO(got.out.decode(), newline="")))
    tap.check(got.out.decode().split("\r\n")[0] == HEADER, "the CSV's heading", got.out[:500])
    for row, line in zip(table["schemes"], lines):
        figures = row["figures"]
        same = {True: "yes", False: "no", None: ""}[row["same"]]
        good = line["scheme"] == row["mmu"] and line["same"] == same and None not in line and \
            None not in line.values() and \
            line["instructions"] == ("" if figures is None else str(figures["instructions"]))
        tap.check(good, f"{row['mmu']}: CSV and JSON say the same", f"{line}\n{row}")
    text = checks.compare(*words).out.decode()
    tap.check(all(line.split()[0] == name for line, name in zip(text.splitlines()[4:], names)),
              "the text has the same rows", text)
    tap.check("processes" not in text, "the program's own output is not shown", text)


def check_agreement(checks):
    """Every scheme that forks prints the same, and what differs is told."""
    tap = checks.tap
    for row in checks.table("--ram", "250M", checks.program("forktree"), "6", "32")["schemes"]:
        paged = next(not scheme["contiguous"] for scheme in checks.listed["schemes"]
                     if scheme["name"] == row["mmu"])
        if paged:
            tap.check(row["ended"] == "exit" and row["same"] is True, f"{row['mmu']}: the same", row)
    wild = checks.compare("--mmu", "sv39,sv39:ad=fault,x86", checks.program("crash"), "data")
    tap.check(wild.status == 1 and b"NOT AS THE OTHERS" in wild.out,
              "a scheme that cannot withhold execution is found out", wild.out.decode())
    for how, code in (("15", 15), ("null", 11)):
        table = checks.table("--mmu", "sv39,sv48", checks.program("crash"), how)
        tap.check([(row["ended"], row["code"]) for row in table["schemes"]] == [("signal", code)] * 2,
                  f"a signal is a row: {code}", table)
    table = checks.table("--mmu", "sv48,sv39", "--ram", "1M", "--swap", "none", "--overcommit",
                         "always", "--", checks.program("overcommit"))
    tap.check([row["ended"] for row in table["schemes"]] == ["memory"] * 2, "so is too little memory",
              table)
    table = checks.table("--mmu", "linear,sv39", "--ram", "1M", checks.program("hello"))
    tap.check([row["ended"] for row in table["schemes"]] == ["unfit", "exit"] and
              table["schemes"][0]["figures"] is None, "so is a scheme that does not fit", table)


def check_figures(checks):
    """The same figures as pagewright run gives."""
    program, machine = checks.program("sorts"), ["--ram", "1M", "--seed", "3"]
    table = checks.table("--mmu", "sv39,mips32,hashed", *machine, program)
    for row in table["schemes"]:
        report = on_pagewright(checks.pagewright, machine + ["--mmu", row["mmu"]], program).report
        figures, t = row["figures"], report["translation"]
        good = figures["instructions"] == report["program"]["instructions"] and \
            figures["minor_faults"] == report["faults"]["minor"] and \
            figures["major_faults"] == report["faults"]["major"] and \
            figures["translation"]["walk_references"] == sum(t["walk_references"]) and \
            figures["translation"]["l2_misses"] == t["l2"]["misses"] and \
            figures["table_bytes_peak"] == report["memory"]["table_frames_peak"] * 4096 and \
            abs(figures["access_ns"] - report["effective_access_time"]["total_ns"]) < 1e-6
        checks.tap.check(good, f"{row['mmu']}: as run says", f"{row}\n{report['faults']}\n{t}")


def check_holes(checks):
    """Fragmentation is the most that there was: at the end all RAM is free, and one hole."""
    machine, program = ["--ram", "16M"], checks.program("sorts")
    words = ["--mmu", "segments,base-bounds,ref", *machine, program]
    segments, bounds, ref = checks.table(*words)["schemes"]
    report = on_pagewright(checks.pagewright, machine + ["--mmu", "segments"], program).report["segments"]
    peak = segments["figures"]["segments"]["fragmentation_peak"]
    checks.tap.check(peak == report["fragmentation_peak"] > 0 == report["fragmentation"],
                     "segments leave holes while the program runs, which run reports, too", report)
    lines = checks.compare(*words).out.decode().splitlines()[4:]
    for line, row in zip(lines, (segments, bounds)):
        shown = f"{100 * row['figures']['segments']['fragmentation_peak']:.1f}%"
        checks.tap.check(shown in line.split(), f"{row['mmu']}: the table shows it", line)
    checks.tap.check(ref["figures"]["table_bytes_peak"] == 0 and lines[2].split()[-5] == "-",
                     "ref takes no RAM for tables: a dash", lines[2])


def check_help(checks):
    """No line is broken in the middle of a list, and every command is named."""
    for command in ("run", "record", "compare"):
        lines = execute([checks.pagewright, command, "--help"]).out.decode().splitlines()
        title = "Translation schemes (--mmu NAME, or NAME:OPTION,...):"
        lists = lines[lines.index(title) + 1:]
        checks.tap.check(title not in lists, f"{command} --help has its lists once")
        loose = [line for line in lists if line and line[0] != " " and line[-1] != ":"]
        checks.tap.check(not loose and max(map(len, lists)) < 80, f"the lists of {command} --help", loose)
        names = [scheme["name"] for scheme in checks.listed["schemes"]]
        checks.tap.check([line.split()[0] for line in lists if line[2:3].strip()][:len(names)] == names,
                         f"{command} --help lists every scheme", lists)
    for command in ("run", "record", "compare", "mmus", "replay", "translate", "trace", "trace cut", "mrc", "wss", "shell",
                    "script"):
        lines = execute([checks.pagewright, *command.split(), "--help"]).out.decode().splitlines()
        at = [i for i, line in enumerate(lines) if line.split()[:1] in (["-?,"], ["--usage"], ["-V,"])]
        checks.tap.check(len(at) == 3 and at[2] - at[0] == 2, f"{command} --help: the options that all have come together", at)
        empty = [line for line, after in zip(lines, lines[1:]) if line[:1] == " " and line[-1] == ":" and not after.strip()]
        checks.tap.check(not empty, f"{command} --help: no heading is without options", empty)
    words = {line.split()[0] for line in execute([checks.pagewright, "--help"]).out.decode().splitlines()
             if line.startswith("  ")}
    checks.tap.check({"run", "compare", "mmus", "translate", "shell", "script"} <= words,
                     "--help names every command", words)
    head = checks.compare("--mmu", "ref", "--ram", "2G", checks.program("hello")).out.decode()
    checks.tap.check("2.0G of RAM" in head, "sizes have the unit that fits", head)


def check_input(checks):
    """A file is read by every run, from where it stands; a pipe by none."""
    tap = checks.tap
    words = ["--mmu", "sv39,sv48,ref", "--report", "json", checks.program("surroundings")]
    with tempfile.TemporaryFile() as file:
        file.write(b"skipped\nread by all\n")
        file.flush()
        os.lseek(file.fileno(), 8, os.SEEK_SET)
        done = subprocess.run([checks.pagewright, "compare", *words], stdin=file, capture_output=True,
                              timeout=TIMEOUT, check=False)
    with_file = json.loads(done.stdout)["schemes"]
    tap.check(len({row["standard_output"]["xxh3_64"] for row in with_file}) == 1,
              "all runs read the same file", with_file)
    nothing = json.loads(checks.compare(*words, stdin=b"read by none\n").out)["schemes"]
    tap.check(nothing[0]["standard_output"] != with_file[0]["standard_output"],
              "what is no file is not read", nothing)


def check_bad_input(checks):
    hello = checks.program("hello")
    for code, words in (
            (125, []), (125, ["--mmu", "sv39"]), (125, ["--mmu", "nosuch", hello]),
            (125, ["--mmu", "", hello]), (125, ["--mmu", "sv39,", hello]),
            (125, ["--mmu", "sv39:x=1", hello]), (125, ["--mmu", "sv39,ref:x", hello]),
            (125, ["--mmu", "x" * 500, hello]), (125, ["--mmu", ",".join(["ref"] * 65), hello]),
            (125, ["--report", "xml", hello]), (125, ["--ram", "4Q", hello]),
            (125, ["--ram", "4K", hello]), (125, ["--tlb", "nosuch", hello]),
            (125, ["--policy", "nosuch", hello]), (125, ["--swap", "/no/such/dir/f:1M", hello]),
            (125, ["--cost", "cpu=1", hello]), (126, ["/dev/null"]), (126, [checks.programs]),
            (126, [checks.pagewright]), (127, ["/no/such/program"])):
        got = checks.compare(*words)
        text = got.err.decode(errors="replace")
        checks.tap.check(got.status == code and got.out == b"" and text.count("\n") == 1
                         and text.startswith("pagewright compare: "),
                         "bad: " + " ".join(words)[:60], f"status {got.status}, expected {code}\n{text}")
    full = subprocess.run([checks.pagewright, "compare", "--mmu", "ref", hello], check=False,
                          stdout=open("/dev/full", "wb"), stderr=subprocess.PIPE)
    checks.tap.check(full.returncode == 125 and full.stderr.count(b"\n") == 1,
                     "a table that cannot be written", full.stderr)
    for words in (["--nosuch"], ["more"]):
        got = execute([checks.pagewright, "mmus", *words])
        checks.tap.check(got.status == 125 and b"pagewright mmus" in got.err and got.out == b"",
                         f"bad: mmus {words[0]}", got.err)


def check_interrupt(checks):
    """A program that never ends; the first scheme cannot start it, and is there all the same."""
    with subprocess.Popen([checks.pagewright, "compare", "--report", "json", "--ram", "1M", "--mmu",
                           "linear,sv39,sv48", checks.program("chatter")],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        try:
            out, err = process.communicate(timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
        rows = json.loads(out or b'{"schemes": []}')["schemes"]
        checks.tap.check(process.returncode == 130 and [row["ended"] for row in rows] ==
                         ["unfit", "interrupted", "interrupted"], "an interrupt leaves what there is",
                         f"status {process.returncode}\n{out.decode()}\n{err.decode()}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pagewright", required=True)
    parser.add_argument("--programs", required=True)
    parser.add_argument("--docs", required=True)
    options = parser.parse_args()
    options.pagewright = os.path.abspath(options.pagewright)
    checks = Checks(options)
    for check in (check_mmus, check_forms, check_agreement, check_figures, check_holes,
                  check_help, check_input, check_bad_input, check_interrupt):
        check(checks)
    return checks.tap.finish()


if __name__ == "__main__":
    sys.exit(main())
