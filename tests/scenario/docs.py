#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What README and the manual pages say is what the command does.

    docs.py --pagewright BIN --source ROOT options|interfaces|rows
    docs.py --pagewright BIN --source ROOT --programs DIR README.md|man/...

options: each page names all options that --help has, and none besides; each command has a page, each
         page is in SEE ALSO of pagewright(1).
rows:    pagewright(1) explains every row and column of the text report under the title of its group, and none besides.
interfaces: libpagewright(3) has every function of the headers, as it is declared there, and every status.
A page:  its commands are run, those that begin with "$ ", and print what the page shows.

"..." in what a page shows stands for any lines.  Where the programs of the machine or of the host take
part, numbers are compared by being numbers only, since compilers, environments and processors change
them; in all else every character counts.  A block without a command shows a part of what the one before
it, that shows nothing, prints.
"""

import argparse
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

from machines import TIMEOUT, Tap, execute

PAGES = {"run": "pagewright", "record": "pagewright-record", "compare": "pagewright-compare",
         "mmus": "pagewright-mmus", "replay": "pagewright-replay", "translate": "pagewright-translate",
         "trace": "pagewright-trace", "mrc": "pagewright-mrc", "wss": "pagewright-wss",
         "shell": "pagewright-shell", "script": "pagewright-shell"}
COMMON = {"help", "usage", "version"}
AS_RUN = {"record", "compare"}  # they take the options of run, and their pages say so
VARY = re.compile(r"sorts|lisp|overrun|app\.pwt|small\.pwt|r\.json")
OVERRUN = "#include <stdlib.h>\nint main(void) { volatile char *p = malloc(9); for (;;) *p++ = 1; }\n"


def options_of(text):
    """The options of a --help."""
    return set(re.findall(r"^ +(?:-\w, )?--([a-z-]+)", text, re.M))


def test_options(tap, pagewright, source):
    def help_of(words):
        return execute([pagewright, *words.split(), "--help"]).out.decode()

    def page_of(name):
        with open(f"{source}/man/{name}.1", encoding="utf-8") as file:
            return file.read()
    commands = re.findall(r"^  (\w+)  ", help_of("").split("Commands:")[1], re.M)
    tap.check(sorted(commands) == sorted(PAGES), "every command has a page", commands)
    run = options_of(help_of("run"))
    allowed = {}
    for command in commands:
        options = options_of(help_of(command))
        if command == "trace":
            for verb in re.findall(r"^  (\w+)  ", help_of("trace").split("Verbs")[1], re.M):
                options |= options_of(help_of("trace " + verb))
        allowed.setdefault(PAGES[command], set()).update(options)
        page = page_of(PAGES[command])
        named = set(re.findall(r"Fl Fl ([a-z-]+)", page))
        wanted = options - COMMON - (run if command in AS_RUN else set())
        tap.check(wanted <= named, f"{command}: its page has every option", sorted(wanted - named))
        tap.check(re.search(rf"Cm .*\b{command}\b", page_of("pagewright").split(".Sh DESCRIPTION")[0]),
                  f"{command}: SYNOPSIS of pagewright(1) has it")
    for name, options in allowed.items():
        page = page_of(name)
        told = {o for line in re.findall(r"^\.(?:It|Op) .*", page, re.M) for o in re.findall(r"Fl Fl ([a-z-]+)", line)}
        tap.check(told <= options | COMMON, f"{name}: it has no option that is not there",
                  sorted(told - options - COMMON))
        tap.check(".Sh EXIT STATUS" in page, f"{name}: it says what exit codes mean")
    also = page_of("pagewright").split(".Sh SEE ALSO")[1]
    for path in glob.glob(source + "/man/*.[135]"):
        name, section = os.path.basename(path).rsplit(".", 1)
        tap.check(name == "pagewright" or f".Xr {name} {section}" in also, f"pagewright(1) refers to {name}({section})")


def declared(source):
    """The functions of the public headers: name to (type, arguments)."""
    found = {}
    for path in glob.glob(source + "/include/pagewright/*.h"):
        with open(path, encoding="utf-8") as file:
            text = " ".join(re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S).split())
        for kind, name, arguments in re.findall(r"PGW_API ([^;{}()]*?)(pgw_\w+)\(([^;{}]*)\);", text):
            found[name] = (kind.strip(), re.sub(r"(?<=\() ", "", arguments.strip()))
    return found


def test_interfaces(tap, source):
    with open(source + "/man/libpagewright.3", encoding="utf-8") as file:
        page = file.read()
    told = {}
    for kind, name, arguments in re.findall(r"^\.Ft (.*)\n\.Fn (\w+) (.*)$", page, re.M):
        told[name] = (kind.strip('"'), ", ".join(re.findall(r'"([^"]*)"', arguments)) or arguments)
    wanted = declared(source)
    wanted["pgw_config_init"] = ("void", "struct pgw_config *config")  # inline, over this one:
    del wanted["pgw_config_init_sized"]
    tap.check(len(wanted) > 100, f"{len(wanted)} functions are declared")
    tap.check(wanted.keys() <= told.keys(), "all of them are in libpagewright(3)",
              sorted(wanted.keys() - told.keys()))
    tap.check(told.keys() <= wanted.keys(), "and no others", sorted(told.keys() - wanted.keys()))
    for name in sorted(wanted.keys() & told.keys()):
        tap.check(told[name] == wanted[name], f"{name}: as it is declared", f"{told[name]}\n{wanted[name]}")
    with open(source + "/include/pagewright/status.h", encoding="utf-8") as file:
        states = set(re.findall(r"^    (PGW_\w+)[ ,=]", file.read(), re.M)) - {"PGW_STATUS_COUNT"}
    tap.check(len(states) > 10 and all(f"Dv {state}" in page for state in states), "every status",
              [state for state in states if f"Dv {state}" not in page])


def rows_of_report(source):
    """The titles of rows and columns of the text report that its sources have, by group; "": they do not say
    of which."""
    texts = []
    for path in sorted(glob.glob(source + "/src/report/*.c")):
        with open(path, encoding="utf-8") as file:
            texts.append(file.read())
    text = "\n".join(texts)
    call = r"report_(?:line|line_if_any|pages|hits|bytes_each|part)\(\s*[&\w]+,\s*"
    found = {"": set(re.findall(call + r'"([^"]+)"', text))}
    found[""] |= {label for pair in re.findall(call + r'[^",]*\? "([^"]*)" : "([^"]*)"', text) for label in pair}
    found[""] |= {label for array in re.findall(r"char \*const \w+\[PGW_LEVELS_MAX\] = \{(.*?)\}", text, re.S)
                  for label in re.findall(r'"(.*?)"', array)}
    found[""] |= set(re.findall(r'%17\.1f%%[^;]*?",\s*"([^"]+)"', text))
    tables = dict(re.findall(r"static const struct service_row (\w+)\[\] = \{(.*?)\n\};", text, re.S))
    for title, rows in re.findall(r'\{"\w+", "([^"]+)", (\w+)\},', text):
        found[title] = set(re.findall(r'ROW\(\w+, \w+, "\w+", "([^"]*)"', tables.pop(rows)))
    assert not tables, tables.keys()
    found["Free runs"] = set(re.findall(r'\(struct runs_time\)\{"\w+", "(\w+)"', text))
    for title in ("Groups", "Swap devices", "Maps"):
        header = re.search(rf'report_buf_add\(buf,\s*"\\n{title} ?.*?\);', text, re.S)[0]
        found[title] = {label for label in re.findall(r'"([^"]*)"', header) if "%" not in label}
    return {title: {label.strip() for label in labels} - {""} for title, labels in found.items()}


def test_rows(tap, source):
    with open(source + "/man/pagewright.1", encoding="utf-8") as file:
        section = file.read().split(".Sh ROWS OF THE REPORT\n")[1].split("\n.Sh ")[0]
    told = {}
    for part in section.split("\n.Ss ")[1:]:
        for title in part.splitlines()[0].split(" , "):
            told[title] = {label for line in re.findall(r"^\.It (.*)", part, re.M) for label in line.split(" , ")}
    rows = rows_of_report(source)
    tap.check(len(rows) > 15 and len(rows[""]) > 60 and all(rows.values()), "rows are found in the sources",
              {title: len(labels) for title, labels in rows.items()})
    rest = set().union(*(labels for title, labels in told.items() if title not in rows))
    for title, labels in sorted(rows.items()):
        is_told = told.get(title, set()) if title else rest
        tap.check(labels <= is_told, f"{title or 'others'}: pagewright(1) explains every row", sorted(labels - is_told))
        tap.check(is_told <= labels, f"{title or 'others'}: and none that is not there", sorted(is_told - labels))


def blocks_of_page(path):
    """The literal blocks of a page, as lists of lines."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    if path.endswith(".md"):
        return [b.splitlines() for b in re.findall(r"^```(?:console)?\n(.*?)^```$", text, re.M | re.S)]
    found = re.findall(r"^\.Bd -literal[^\n]*\n(.*?)^\.Ed|^\.Dl (\$ [^\n]*\n)", text, re.M | re.S)
    plain = [re.sub(r"\\(.)", lambda m: {"e": "\\", "&": "", "-": "-"}[m[1]], a or b) for a, b in found]
    return [block.splitlines() for block in plain]


def steps_of(blocks):
    """(command, lines it prints, whether these are a part only)."""
    steps = []
    for block in blocks:
        if not block[0].startswith("$ "):
            if steps and not steps[-1][1]:
                steps.append((steps[-1][0], block, True))
            continue
        at = 0
        while at < len(block):
            command = block[at][2:]
            at += 1
            end = "EOF" if "<<EOF" in command else None
            while at < len(block) and (end or command.endswith("\\")):
                command += "\n" + block[at]
                at += 1
                if end and command.endswith("\n" + end):
                    end = None
            shown = []
            while at < len(block) and not block[at].startswith("$ "):
                shown.append(block[at])
                at += 1
            steps.append((command, shown, False))
    return steps


def shape(line):
    """A line without its figures and the room they take; None for one of a chart."""
    if re.fullmatch(r"[\s|0-9.KMG]*\|[# ]*", line):
        return None
    line = re.sub(r"-(?=\s|$)", "0", line)
    line = re.sub(r"(0x)?[0-9][0-9a-f,.]*([KMG]\b)?", "N", line)
    return re.sub(r"\s+", " ", re.sub(r"\bN [num]?s\b", "N s", line)).strip()


def same(shown, got, part):
    """"" if got is what is shown, else where it is not."""
    pattern, end = shown, len(got)
    starts = range(end + 1) if part else [0]
    furthest = 0
    for start in starts:
        at, loose = start, False
        for number, line in enumerate(pattern):
            if line == "...":
                loose = True
                continue
            while loose and at < end and got[at] != line:
                at += 1
            if at >= end or got[at] != line:
                furthest = max(furthest, number)
                break
            at, loose = at + 1, False
        else:
            if part or loose or at == end:
                return ""
            furthest = len(pattern)
    return f"line {furthest + 1}: shown is\n" + "\n".join(pattern[furthest:furthest + 3]) + "\nprinted is\n" + "\n".join(got)


def run_step(command, shown, tmp, env):
    """What a command prints, and shows: a shell's session is typed."""
    made = re.fullmatch(r"cat (\w+\.pgw)", command)
    if made and not os.path.exists(f"{tmp}/{made[1]}"):
        with open(f"{tmp}/{made[1]}", "w", encoding="utf-8") as file:
            file.write("\n".join(shown) + "\n")
    typed = None
    if shown and shown[0].startswith("pagewright> "):
        typed = "\n".join(l[12:] for l in shown if l.startswith("pagewright> ")) + "\n"
        shown = [l for l in shown if not l.startswith("pagewright> ")]
    done = subprocess.run(["bash", "-c", command], input=(typed or "").encode(), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, cwd=tmp, env=env, timeout=TIMEOUT, check=False)
    return done, shown


def missing_of(command):
    """A tool that a command needs and that is not there."""
    return next((t for t in ("valgrind", "jq") if t in command.split() and not shutil.which(t)), None)


def prepare(name, pagewright, programs, tmp):
    """What a page takes for granted, as a reader would have made it."""
    os.makedirs(tmp + "/build")
    os.symlink(os.path.abspath(programs), tmp + "/build/guest")
    os.symlink(pagewright, tmp + "/build/pagewright")
    os.symlink(os.path.abspath(programs) + "/sorts", tmp + "/sorts")
    if not name.endswith("trace.1"):  # that one makes it
        execute([pagewright, "record", "--report", "none", "-o", "app.pwt", "build/guest/hello"], cwd=tmp)
    execute(["riscv64-linux-gnu-gcc", "-static", "-x", "c", "-", "-o", "overrun"], stdin=OVERRUN.encode(), cwd=tmp)


def test_page(tap, source, name, tmp, env):
    steps = steps_of(blocks_of_page(f"{source}/{name}"))
    tap.check(steps, f"{name} shows {len(steps)} commands")
    for command, shown, part in steps:
        title = f"{name}: {command.splitlines()[0]}"
        if missing_of(command):
            tap.skip(title, f"there is no {missing_of(command)}")
            continue
        done, shown = run_step(command, shown, tmp, env)
        got = done.stdout.decode(errors="replace").splitlines()
        if not shown:
            if "pagewright" in command:
                tap.check(done.returncode == 0, title, done.stdout.decode(errors="replace"))
            continue
        if VARY.search(command):
            shown, got = ([s for s in map(shape, lines) if s is not None] for lines in (shown, got))
        why = same(shown, got, part)
        tap.check(not why, title + (", a part" if part else ""), why)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pagewright", required=True)
    parser.add_argument("--source", required=True)
    parser.add_argument("--programs", help="the folder of the machine's programs")
    parser.add_argument("page", help="options, interfaces, rows, or a page below ROOT")
    options = parser.parse_args()
    pagewright = os.path.abspath(options.pagewright)
    tap = Tap()
    if options.page == "options":
        test_options(tap, pagewright, options.source)
    elif options.page == "interfaces":
        test_interfaces(tap, options.source)
    elif options.page == "rows":
        test_rows(tap, options.source)
    else:
        env = dict(os.environ, PATH=os.path.dirname(pagewright) + ":" + os.environ["PATH"])
        with tempfile.TemporaryDirectory() as tmp:
            prepare(options.page, pagewright, options.programs, tmp)
            test_page(tap, options.source, options.page, tmp, env)
    return tap.finish()


if __name__ == "__main__":
    sys.exit(main())
