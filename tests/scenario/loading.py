#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""How programs are loaded: where they are, what is random about that, where their libraries are
looked for, and what sharing them saves.

    loading.py --pagewright BIN --programs DIR GROUP      GROUP: aslr, sysroot or sharing
"""

import argparse
import os
import shutil
import struct
import sys
import tempfile

from machines import SYSROOT, Tap, execute, on_pagewright

PLACES = ("program", "heap", "mapping", "stack", "interpreter")
SEEDS = range(1, 13)


def addresses(options, program, machine):
    got = on_pagewright(options.pagewright, machine, f"{options.programs}/linked/{program}")
    if got.status != 0:
        return {"failed": got.err.decode(errors="replace")}
    return {line.split()[0]: int(line.split()[1], 16) for line in got.out.decode().splitlines()}


def aslr_scheme(options, tap, scheme, end, distinct):
    """In a space that ends at end: all is reproducible, and varies within a 256th."""
    machine = ["--mmu", scheme]
    still = [addresses(options, "addresses", machine + ["--seed", str(s)]) for s in (1, 2)]
    if not tap.check(still[0] == still[1] and set(PLACES) <= set(still[0]),
                     f"{scheme}: off, addresses do not depend on the seed", still):
        return
    tap.check(still[0]["program"] // 4096 - end // 3 * 2 // 4096 < 16,
              f"{scheme}: off, a PIE is at two thirds", still[0])
    varied = [addresses(options, "addresses", machine + ["--aslr", "on", "--seed", str(s)])
              for s in SEEDS]
    again = addresses(options, "addresses", machine + ["--aslr", "on", "--seed", "7"])
    tap.check(again == varied[6], f"{scheme}: on, the same seed gives the same", again)
    for place in PLACES:
        seen = [one.get(place, 0) for one in varied]
        tap.check(len(set(seen)) >= distinct, f"{scheme}: the {place} varies", seen)
        spread = max(seen) - min(seen)
        # Stack and mappings, or program and heap, may move together.
        tap.check(spread <= 2 * (end >> 8) + (1 << 20), f"{scheme}: the {place}, within bounds", seen)
        tap.check(all(0 < at < end for at in seen), f"{scheme}: the {place} is in the space", seen)
    fixed = [addresses(options, "addresses-static", machine + ["--aslr", "on", "--seed", str(s)])
             for s in (1, 2)]
    tap.check(fixed[0]["program"] == fixed[1]["program"], f"{scheme}: what is linked to stay stays")
    tap.check(all(fixed[0][place] != fixed[1][place] for place in ("heap", "mapping", "stack")),
              f"{scheme}: its heap, mappings and stack vary", fixed)


def group_aslr(options, tap):
    aslr_scheme(options, tap, "sv39", 1 << 38, 10)
    aslr_scheme(options, tap, "sv32", 1 << 32, 9)
    aslr_scheme(options, tap, "x86-64", 1 << 47, 10)
    for scheme in ("base-bounds", "segments", "none"):
        a, b = (addresses(options, "addresses", ["--mmu", scheme, "--ram", "64M", "--aslr", "on",
                                                 "--seed", str(s)]) for s in (1, 2))
        tap.check("failed" not in a and a["program"] != b["program"],
                  f"{scheme}: where a program begins varies", (a, b))
    got = execute([options.pagewright, "run", "--aslr", "maybe", "true"])
    tap.check(got.status != 0 and b"on or off" in got.err, "a wrong word is refused", got.err)


def run(options, machine, program, *args):
    return on_pagewright(options.pagewright, machine, program, args)


def says(tap, got, status, words, title):
    text = got.err.decode(errors="replace")
    tap.check(got.status == status and all(word in text for word in words), title,
              f"status {got.status}\n{text}")


def interpreter_of(path):
    """(offset, length) of the interpreter's name in a program."""
    with open(path, "rb") as file:
        data = file.read()
    phoff, = struct.unpack_from("<Q", data, 32)
    count, = struct.unpack_from("<H", data, 56)
    for i in range(count):
        kind, _, offset, _, _, size = struct.unpack_from("<IIQQQQ", data, phoff + 56 * i)
        if kind == 3:
            return data, offset, size
    raise SystemExit(f"{path} has no interpreter")


def spoil(tmp, program, name):
    """A copy of the program that names another interpreter, of the same length at most."""
    data, offset, size = interpreter_of(program)
    path = os.path.join(tmp, "spoilt")
    with open(path, "wb") as file:
        file.write(data[:offset] + name.ljust(size, b"\0")[:size] + data[offset + size:])
    os.chmod(path, 0o755)
    return path


def group_sysroot(options, tap):
    program = f"{options.programs}/linked/dynamic"
    expected = run(options, [], program)
    tap.check(expected.status == 0, "without the option, the default is found", expected.err)
    with tempfile.TemporaryDirectory() as tmp:
        lib = os.path.join(tmp, "lib")
        os.mkdir(lib)
        says(tap, run(options, ["--sysroot", tmp], program), 126, ["interpreter", "--sysroot"],
             "a sysroot without the interpreter is said to be so")
        linker = "ld-linux-riscv64-lp64d.so.1"
        shutil.copy(f"{SYSROOT}/lib/{linker}", lib)
        says(tap, run(options, ["--sysroot", tmp], program), 127, ["libm.so.6"],
             "without its libraries the linker says which is missing")
        for name in ("libm.so.6", "libc.so.6"):
            shutil.copy(f"{SYSROOT}/lib/{name}", lib)
        got = run(options, ["--sysroot", tmp], program)
        tap.check(got.out == expected.out and got.status == 0, "another sysroot does as well", got.err)
        os.chdir(tmp)
        got = run(options, ["--sysroot", "."], program)
        tap.check(got.status == 0, "also by a relative name", got.err)
        with open(os.path.join(lib, "note"), "w", encoding="utf-8") as file:
            file.write("from the sysroot")
        os.chmod(os.path.join(lib, "note"), 0o755)
        says(tap, run(options, ["--sysroot", tmp], spoil(tmp, program, b"/lib/nobody.so")), 126,
             ["/lib/nobody.so", "no such file"], "an interpreter that is nowhere is named")
        says(tap, run(options, ["--sysroot", tmp], spoil(tmp, program, b"lib/relative")), 126,
             ["absolute"], "one that is relative is refused")
        says(tap, run(options, ["--sysroot", tmp], spoil(tmp, program, b"/lib/note")), 126,
             ["/lib/note", "not an ELF"], "one that is no program is refused")
        says(tap, run(options, ["--sysroot", tmp], spoil(tmp, program, b"\xff" * 4096)), 126,
             ["does not end"], "a name without an end is refused")
        os.remove(os.path.join(lib, linker))
        shutil.copy(program, os.path.join(lib, linker))
        says(tap, run(options, ["--sysroot", tmp], program), 126, ["needs an interpreter itself"],
             "an interpreter that needs one is refused")
        os.chdir("/")
        says(tap, run(options, ["--sysroot", tmp + "/none"], program), 125,
             ["sysroot", "not a directory"], "a sysroot that is not there is refused")
        says(tap, run(options, ["--sysroot", program], program), 125,
             ["sysroot", "not a directory"], "a sysroot that is a file is refused")


def group_sharing(options, tap):
    program = f"{options.programs}/linked/crowd"
    saved = {}
    for members in ("1", "2", "8"):
        got = run(options, ["--ram", "64M"], program, members)
        if not tap.check(got.status == 0 and got.report, f"{members} processes run", got.err):
            return
        sharing = got.report["services"]["sharing"]
        saved[members] = sharing["saved_peak_pages"]
        tap.check(sharing["saved_pages"] == 0, f"{members}: at the end nothing is shared", sharing)
        # Files are read once, however many processes map them.
        pages = got.report["paging"]["file_in"]["pages"]
        tap.check(pages < 800, f"{members}: file pages were read once", pages)
    tap.check(saved["1"] < saved["2"] < saved["8"], "more processes save more", saved)
    each = (saved["8"] - saved["2"]) / 6
    tap.check(each >= 60, "another process of the same program saves at least 60 pages", saved)
    small = run(options, ["--ram", "1M", "--swap", "64M"], program, "8")
    tap.check(small.status == 0, "8 of them run in 1 MiB", small.err)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pagewright", required=True)
    parser.add_argument("--programs", required=True)
    parser.add_argument("group", choices=("aslr", "sysroot", "sharing"))
    options = parser.parse_args()
    options.pagewright = os.path.abspath(options.pagewright)
    options.programs = os.path.abspath(options.programs)
    tap = Tap()
    {"aslr": group_aslr, "sysroot": group_sysroot, "sharing": group_sharing}[options.group](options, tap)
    return tap.finish()


if __name__ == "__main__":
    sys.exit(main())
