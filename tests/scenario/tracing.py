#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""pagewright trace, as a person uses it; and our own format, read by what its man page says.

    tracing.py --pagewright BIN
"""
import argparse
import json
import lzma
import os
import random
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import zlib

import tracereader
from machines import Tap, execute

OURS, DAMAGED = 125, 1


def some_text(rng, n):
    """A trace of two processes in the form that cat writes, with all events."""
    lines, process = [], 1
    while len(lines) < n:
        pc, data = 0x10000 + 4 * rng.randrange(1000), rng.randrange(1 << 40)
        for _ in range(rng.randrange(1, 30)):
            for i in range(12):
                lines.append(f"I  {pc + 4 * i:08x},4")
                if i % 4 == 1:
                    lines.append(f" {'LSM'[i % 3]} {data:08x},{1 << i % 4}")
                    data += 8
        choice = rng.randrange(12)
        if choice == 0:
            process = 3 - process
            lines.append(f"@ process {process}")
        elif choice < 9:
            lines.append(("@ map 0x10000 0x4000 rws", "@ unmap 0x10000 0x1000", "@ protect 0x10000 0x1000 -",
                          "@ move 0x10000 0x1000 0x90000", "@ discard 0x10000 0x2000", "@ fork 7",
                          "@ exec /bin/some program", "@ exit")[choice - 1])
        elif choice == 9:
            lines.append(f" L {rng.randrange(1 << 50) << 12:08x},0 *{rng.randrange(9, 60000)} w3 f2")
    return "\n".join(lines) + "\n"


def by_the_page(path):
    """The text that cat should write, from the reader that follows the man page."""
    lines, now = [], 1
    for item in tracereader.read(path):
        if len(item) == 5:
            process, kind, va, size, run = item
        else:
            process = item[0][1]
        if process != now:
            lines.append(f"@ process {process}")
            now = process
        if len(item) == 5:
            counts = f" *{run[0]} w{run[1]} f{run[2]}" if run else ""
            lines.append(f"{'I ' if kind == 3 else ' ' + 'LSM'[kind]} {va:08x},{size}{counts}")
            continue
        kind, _, prot, va, size, other, _ = item[0]
        name = tracereader.KINDS[kind]
        rest = f" 0x{va:x} 0x{size:x}"
        if name in ("map", "protect"):
            rest += " " + ("".join(c for i, c in enumerate("rwxs") if prot >> i & 1) or "-")
        rest = {"fork": f" {other}", "exec": f" {item[1]}", "exit": "", "move": rest + f" 0x{other:x}"}.get(name, rest)
        lines.append(f"@ {name}{rest}")
    return "\n".join(lines) + "\n"


class Checks:
    def __init__(self, args, folder):
        self.args, self.folder, self.tap = args, folder, Tap()

    def path(self, name):
        return os.path.join(self.folder, name)

    def run(self, *args, stdin=b""):
        return execute([self.args.pagewright, "trace", *args], stdin=stdin, cwd=self.folder)

    def good(self, title, *args, stdin=b"", status=0):
        result = self.run(*args, stdin=stdin)
        self.tap.check(result.status == status and not result.err, title,
                       f"{args}: {result.status} {result.err.decode()}")
        return result.out

    def counts(self, name):
        """What info says: {row: text}."""
        out = self.run("info", name).out.decode()
        return dict(line.split(None, 1) for line in out.splitlines() if " " in line)

    def refs(self, name):
        return int(self.counts(name)["references"].split(":")[0])


def check_format(checks, text):
    checks.good("text becomes our own format", "convert", "-o", "a.pwt", "-", stdin=text.encode())
    out = checks.good("and text again", "cat", "a.pwt").decode()
    checks.tap.check(out == text, "the same text")
    if shutil.which("zstd") is None:
        checks.tap.skip("a reader by the man page", "there is no zstd program")
        return
    checks.tap.check(by_the_page(checks.path("a.pwt")) == out, "a reader by the man page says the same")
    checks.good("runs of pages", "convert", "--pages", "-o", "p.pwt", "a.pwt")
    checks.tap.check(by_the_page(checks.path("p.pwt")) == checks.run("cat", "p.pwt").out.decode(),
                     "a reader by the man page says the same of runs")


def little_memory():
    resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))


def check_little_memory(checks):
    """A good file whose xz asks for a window of 4 GiB is not damaged where there is less."""
    packed = bytearray(lzma.compress(b"1\n2\n3\n" * 1000))
    end = 12 + (packed[12] + 1) * 4
    packed[16] = 40
    packed[end - 4:end] = struct.pack("<I", zlib.crc32(packed[12:end - 4]))
    with open(checks.path("large.xz"), "wb") as file:
        file.write(packed)
    if execute([checks.args.pagewright, "--version"], limit=little_memory).status != 0:
        checks.tap.skip("little memory", "the program itself needs more")
        return
    result = execute([checks.args.pagewright, "trace", "info", checks.path("large.xz")], limit=little_memory)
    checks.tap.check(result.status == OURS and result.err.endswith(b"large.xz: out of memory\n"),
                     "want of memory is no damage", result.err)


def check_compressed(checks, text):
    check_little_memory(checks)
    for tool in ("gzip", "zstd", "xz"):
        if shutil.which(tool) is None:
            checks.tap.skip(tool, "there is no such program")
            continue
        packed = subprocess.run([tool, "-c"], input=text.encode(), stdout=subprocess.PIPE, check=True).stdout
        checks.good(f"{tool} from a pipe", "convert", "-o", "c.pwt", "-", stdin=packed)
        checks.tap.check(open(checks.path("c.pwt"), "rb").read() == open(checks.path("a.pwt"), "rb").read(),
                         f"{tool}: the same trace")


def check_damo(checks):
    """DAMO's json_compressed files are the same as its json; zlib has no end that could be missed."""
    regions = [{"start": f"{(i << 20):,}", "end": f"{(i << 20) + 40960:,}", "nr_accesses": {"samples": i % 3}, "age": {}}
               for i in range(100)]
    text = json.dumps([{"target_id": 0, "snapshots": [{"start_time": 0, "end_time": i, "regions": regions}
                                                      for i in range(20)]}], indent=4).encode()
    plain = checks.good("DAMO's json", "cat", "-", stdin=text)
    checks.tap.check(plain.count(b"\n") == 20 * 66 * 10, "has its pages", plain[:99])
    for level in (1, 3, 6, 9):
        packed = zlib.compress(text, level)
        checks.tap.check(checks.good(f"and json_compressed, level {level}", "cat", "-", stdin=packed) == plain, "the same")
    for spoilt in (packed[:-4], packed[:len(packed) // 2], packed[:-1] + bytes([packed[-1] ^ 1])):
        result = checks.run("info", "-", stdin=spoilt)
        checks.tap.check(result.status == OURS and b"damaged, or ends too early" in result.err
                         and result.err.count(b"\n") == 1, "spoilt", result.err)
        result = execute([checks.args.pagewright, "mrc", "-"], stdin=spoilt)
        checks.tap.check(result.status == DAMAGED and result.err.count(b"\n") == 1, "spoilt, and told once", result.err)


def check_verbs(checks):
    whole = checks.refs("a.pwt")
    lines = checks.run("cat", "a.pwt").out.decode().splitlines()
    refs = [line for line in lines if line[0] != "@"]
    out = checks.good("cut by time", "cut", "--from", "1000", "--to", "1500", "-o", "-", "a.pwt")
    cut = execute([checks.args.pagewright, "trace", "cat", "-"], stdin=out).out.decode().splitlines()
    checks.tap.check([line for line in cut if line[0] != "@"] == refs[1000:1500], "it has that part")
    checks.good("one process", "cut", "--process", "1", "-o", "one.pwt", "a.pwt")
    checks.good("the other", "cut", "--process", "2", "-o", "two.pwt", "a.pwt")
    checks.tap.check(checks.refs("one.pwt") + checks.refs("two.pwt") == whole, "both together are all")
    for args in ([], ["--turn", "7"]):
        checks.good(f"merged {args}", "merge", *args, "-o", "m.pwt", "one.pwt", "two.pwt", "two.pwt")
        counts = checks.counts("m.pwt")
        checks.tap.check(checks.refs("m.pwt") == whole + checks.refs("two.pwt"), "all references", counts)
    checks.good("a sample of time", "sample", "--every", "100:10", "-o", "t.pwt", "a.pwt")
    checks.good("reduced", "reduce", "--size", "5", "-o", "r.pwt", "a.pwt")
    for size in ("5p", "20K", "0x5"):
        checks.good(f"reduced for {size}", "reduce", "--size", size, "-o", "again.pwt", "a.pwt")
        checks.tap.check(checks.run("cat", "again.pwt").out == checks.run("cat", "r.pwt").out, "is the same")
    checks.good("a sample of that", "sample", "--rate", "0.5", "-o", "rs.pwt", "r.pwt")
    counts = checks.counts("rs.pwt")
    checks.tap.check("5 pages or more" in counts.get("reduced", ""), "which says the same", counts)
    result = checks.run("merge", "--turn", "1", "-o", "m.pwt", "one.pwt", "r.pwt")
    checks.tap.check(result.status == OURS and b"r.pwt: it was reduced" in result.err, "it is not merged", result.err)
    checks.good("runs", "convert", "--pages", "-o", "p.pwt", "one.pwt")
    checks.good("merged with others", "merge", "--turn", "1", "-o", "m.pwt", "two.pwt", "p.pwt")
    checks.tap.check(checks.counts("m.pwt")["content"] == "runs of references to pages", "are runs")
    checks.good("packed harder", "convert", "--level", "19", "-o", "l.pwt", "text")
    checks.tap.check(os.path.getsize(checks.path("l.pwt")) < os.path.getsize(checks.path("a.pwt"))
                     and checks.run("cat", "l.pwt").out == checks.run("cat", "a.pwt").out, "is less, and the same")
    counts = checks.counts("r.pwt")
    checks.tap.check("5 pages or more" in counts.get("reduced", ""), "it says for what it is exact", counts)
    result = execute([checks.args.pagewright, "replay", "--ram", "9p", checks.path("r.pwt")])
    checks.tap.check(b"the trace was reduced: it is exact for LRU with 5 pages or more" in result.out,
                     "and replay does", result.out)


def check_sample(checks):
    """Of each page all references or none: of what lies in two pages the part in each, and of a child what is its
    parent's."""
    lines = []
    for page in range(16, 400):
        lines += [f" L {page << 12 | 0x10:08x},8", f" S {page << 12 | 0xffe:08x},8", f" L {page << 12 | 0x20:08x},8"]
    lines += ["@ fork 2", "@ process 2"] + lines[1::3] + ["@ fork 3", "@ process 3"] + lines[::3]
    with open(checks.path("across"), "w", encoding="ascii") as file:
        file.write("\n".join(lines) + "\n")
    for wanted in (["1"], ["1", "2"]):
        options = [word for process in wanted for word in ("--process", process)]
        checks.good(f"a cut of {wanted}", "cut", *options, "-o", "c.pwt", "across")
        forks = [line for line in checks.run("cat", "c.pwt").out.decode().splitlines() if line.startswith("@ fork")]
        checks.tap.check(forks == [f"@ fork {child}" for child in wanted[1:]], "has no children but those", forks)
    checks.good("a sample of what crosses pages", "sample", "--rate", "0.3", "-o", "s.pwt", "across")
    kept, process, uses = {1: {}, 2: {}, 3: {}}, 1, 0
    for line in checks.run("cat", "s.pwt").out.decode().splitlines():
        words = line.split()
        if words[0] == "@":
            process = int(words[2]) if words[1] == "process" else process
            continue
        va, size = int(words[1].split(",")[0], 16), int(words[1].split(",")[1])
        for page in {va >> 12, va + size - 1 >> 12}:
            kept[process][page] = kept[process].get(page, 0) + 1
            uses += 1
    whole = {page: 4 for page in kept[1]} | {page: 3 for page in (16, 400) if page in kept[1]}
    whole |= {400: 1} if 400 in kept[1] else {}
    checks.tap.check(60 < len(kept[1]) < 180 and kept[1] == whole, "has all uses of some pages", kept[1])
    checks.tap.check(set(kept[2]) == set(kept[1]) and set(kept[3]) == set(kept[1]) - {400},
                     "and of the same pages of children", f"{kept[2].keys() ^ kept[1].keys()}")


def memory_of(command):
    """What it prints, and its memory in bytes at the most."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        out = process.stdout.read().decode()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return out, usage.ru_maxrss * 1024


def check_absurd(checks):
    """A file that says that it is nearly all index is not read into memory for that."""
    data = open(checks.path("a.pwt"), "rb").read()
    with open(checks.path("absurd.pwt"), "wb") as file:
        file.write(data[:-56])
        file.truncate(300 << 20)
        file.seek(0, os.SEEK_END)
        file.write(bytes(8) + (60).to_bytes(8, "little") + b"PWTEND\r\n")
    out, memory = memory_of([checks.args.pagewright, "trace", "info", checks.path("absurd.pwt")])
    checks.tap.check(memory < 220 << 20 and "damaged at byte" in out, "an index that cannot be is not read", f"{memory} {out}")


def check_damage(checks):
    data = bytearray(open(checks.path("a.pwt"), "rb").read())
    data[len(data) // 2] ^= 1
    with open(checks.path("bad.pwt"), "wb") as file:
        file.write(data)
    result = checks.run("info", "bad.pwt")
    checks.tap.check(result.status == OURS and b"damaged at byte " in result.err and result.err.count(b"\n") == 1
                     and b"complete     no: " in result.out, "damage is told, with its place", result.err)
    result = checks.run("info", "--keep-going", "bad.pwt")
    checks.tap.check(result.status == DAMAGED and b"references lost in all" in result.err, "the rest is read",
                     result.err)
    result = checks.run("info", "--format", "ids", "-", stdin=b"1\n2\n3\nfour\n5\n")
    checks.tap.check(result.status == OURS and b"references   3:" in result.out and b"complete     no: " in result.out,
                     "what comes before damage is counted", result.out)
    result = checks.run("info", "--keep-going", "-", stdin=b"1\n2\n3\nfour\n5\n")
    checks.tap.check(result.status == DAMAGED and b"references   4:" in result.out
                     and b"complete     no: it is damaged in 1 place\n" in result.out, "and what comes behind", result.out)
    with open(checks.path("short.pwt"), "wb") as file:
        file.write(open(checks.path("a.pwt"), "rb").read()[:-5])
    checks.tap.check(checks.counts("short.pwt")["complete"].startswith("no: its end is missing"), "a missing end is told")


def check_salvaged(checks):
    """What is made of a damaged trace knows that something is missing, and so do all that read it."""
    checks.good("a trace of two blocks", "convert", "-o", "two.pwt", "-", stdin=b"7\n9\n" * 700000)
    data = bytearray(open(checks.path("two.pwt"), "rb").read())
    data[40 + 120 + 5] ^= 1
    with open(checks.path("bad.pwt"), "wb") as file:
        file.write(data)
    with open(checks.path("half.txt"), "wb") as file:
        file.write(b"I  00010000,4\n" * 500 + b"nonsense\n" + b"I  00010000,4\n" * 500)
    for name in ("bad.pwt", "half.txt"):
        for args in (["convert"], ["sample", "--rate", "1"], ["reduce", "--size", "4"], ["merge", "--turn", "5", "a.pwt"]):
            result = checks.run(*args, "--keep-going", "-o", "s.pwt", name)
            told = checks.run("info", "s.pwt")
            checks.tap.check(result.status == DAMAGED and b"damaged at byte " in result.err and b"damaged in 1 place" in result.err
                             and (name != "bad.pwt" or b"references lost in all" in result.err)
                             and told.status == DAMAGED and b"complete     no: " in told.out,
                             f"{args[0]} of a damaged trace ({name}) is not complete, and says so", f"{result.err} {told.out}")
        result = execute([checks.args.pagewright, "replay", "--ram", "9p", checks.path("s.pwt")])
        checks.tap.check(result.status == DAMAGED and b"NOT ALL OF IT" in result.out, "nor is a replay of it", result.out)
    checks.good("two blocks and an event", "convert", "-o", "two.pwt", "-",
                stdin=b"@ map 0x1000 0x2000 rw\n" + b" L 00007000,1\n S 00009000,1\n" * 700000)
    last = checks.run("cut", "--from", "1200001", "--to", "1200003", "-o", "-", "two.pwt").out
    data = bytearray(open(checks.path("two.pwt"), "rb").read())
    data[40 + 120 + 5] ^= 1
    with open(checks.path("bad.pwt"), "wb") as file:
        file.write(data)
    result = checks.run("cut", "--keep-going", "--from", "1200001", "--to", "1200003", "-o", "cut.pwt", "bad.pwt")
    kept, want = checks.run("cat", "cut.pwt").out, checks.run("cat", "-", stdin=last).out
    checks.tap.check(result.status == DAMAGED and kept and want.endswith(kept), "what is lost counts in a cut's time",
                     f"{result.err} {kept} {want}")
    result = checks.run("merge", "-o", "y.pwt", "a.pwt", "s.pwt")
    checks.tap.check(result.status == OURS and b"write --turn N\n" in result.err, "its length is not known", result.err)
    checks.good("what is whole stays whole", "convert", "--keep-going", "-o", "s.pwt", "a.pwt")
    checks.tap.check(checks.counts("s.pwt")["complete"] == "yes", "and says so")


def check_header(checks):
    """A damaged header costs no reference."""
    whole = checks.run("cat", "a.pwt").out
    data = bytearray(open(checks.path("a.pwt"), "rb").read())
    for at in (1, 8, 10, 12, 17, 24, 26, 33):
        data[at] ^= 16
        with open(checks.path("head.pwt"), "wb") as file:
            file.write(data)
        data[at] ^= 16
        result = checks.run("cat", "head.pwt")
        checks.tap.check(result.status == OURS and b"its header is damaged (--keep-going" in result.err
                         and result.err.count(b"\n") == 1, f"byte {at} of the header is wrong", result.err)
        result = checks.run("cat", "--keep-going", "head.pwt")
        checks.tap.check(result.status == DAMAGED and result.out == whole and b"damaged at byte 0: the header" in result.err,
                         "and all of the trace is read", result.err)
        result = execute([checks.args.pagewright, "mrc", checks.path("head.pwt")])
        checks.tap.check(result.status == DAMAGED and b"at byte 0: the header" in result.err, "and measured", result.err)


def check_cut_short(checks):
    """What a compressed file has before its end is missing is read, however small it is."""
    text = b"".join(b" L %08x,8\n" % (i * i * 7919) for i in range(300))
    for tool in ("gzip", "xz"):
        if shutil.which(tool) is None:
            checks.tap.skip(tool, "there is no such program")
            continue
        packed = subprocess.run([tool, "-c"], input=text, stdout=subprocess.PIPE, check=True).stdout
        short = packed[:len(packed) * 3 // 4]
        result = checks.run("cat", "-", stdin=short)
        kept = result.out
        checks.tap.check(result.status == OURS and result.err.count(b"\n") == 1 and b"ends too early" in result.err
                         and text.startswith(kept) and len(kept) > len(text) // 3, f"{tool}, cut short", f"{result.err} {len(kept)}")
        result = checks.run("cat", "--keep-going", "-", stdin=short)
        checks.tap.check(result.status == DAMAGED and result.out == kept and b"ends too early" in result.err,
                         "the same with --keep-going", result.err)
        result = checks.run("info", "-", stdin=packed[:7])
        checks.tap.check(result.status == OURS and b"ends too early" in result.err and result.err.count(b"\n") == 1,
                         "and nothing of nothing", result.err)


def nobody():
    if os.getuid() == 0:
        os.setgid(65534)
        os.setuid(65534)


def check_unreadable(checks):
    """No trace at all: one line says what, where, and what to do."""
    os.mkdir(checks.path("folder"))
    with open(checks.path("empty"), "wb"):
        pass
    with open(checks.path("secret"), "wb") as file:
        file.write(b"1\n2\n")
    os.chmod(checks.path("secret"), 0)
    os.chmod(checks.folder, 0o755)
    for command in (["trace", "info"], ["trace", "convert", "-o", "y"], ["replay", "--ram", "4p"], ["mrc"], ["wss"]):
        for name, words in (("folder", "folder: is a folder: name the file in it"), ("empty", "empty: is empty: it is no trace; "),
                            ("secret", "secret: may not be read: its permissions")):
            result = execute([checks.args.pagewright, *command, name], cwd=checks.folder, limit=nobody)
            checks.tap.check(result.status == OURS and words in result.err.decode() and result.err.count(b"\n") == 1
                             and not result.out, f"{' '.join(command)} {name}: {words}", f"{result.status} {result.err}")
    os.chmod(checks.folder, 0o700)


def check_bad(checks):
    for args, words in [
            (["info"], "no trace to read"), (["info", "nowhere"], "nowhere: there is no such file"),
            (["fly"], "\"fly\" is none of"), (["convert", "a.pwt"], "where to? Write -o FILE"),
            (["convert", "-o", "a.pwt", "a.pwt"], "cannot be both read and written"),
            (["cut", "--from", "x", "-o", "y", "a.pwt"], "--from: \"x\" is not a number"),
            (["cut", "--process", "1,,2", "-o", "y", "a.pwt"], "--process: \"1,,2\" is not a list"),
            (["cut", "--from", "9", "--to", "9", "-o", "y", "a.pwt"], "--to is not after --from"),
            (["info", "--csv-id", "4294967298", "text"], "--csv-id: 4294967298 is not 1 to 1000"),
            (["sample", "-o", "y", "a.pwt"], "which sample?"),
            (["sample", "--rate", "2", "-o", "y", "a.pwt"], "--rate: \"2\" is not a share"),
            (["sample", "--every", "5:6", "-o", "y", "a.pwt"], "--every: \"5:6\" is not N:KEEP"),
            (["sample", "--rate", "0.0000001", "-o", "y", "a.pwt"], "nothing is left: none of its pages is in the sample"),
            (["sample", "--every", "9:1", "--format", "lackey", "-o", "y", "events"], "nothing is left: it has no references"),
            (["reduce", "--size", "5P", "-o", "y", "a.pwt"], "--size: \"5P\" is not"),
            (["reduce", "-o", "y", "a.pwt"], "for which sizes?"), (["reduce", "--size", "0", "-o", "y", "a.pwt"], "--size"),
            (["merge", "-o", "y", "a.pwt"], "too few traces"),
            (["merge", "-o", "y", "a.pwt", "text"], "its length is not known"),
            (["info", "--format", "elf", "a.pwt"], "--format: \"elf\" is none of"),
            (["info", "--format", "ids", "text"], "line 1: expected a page number"),
            (["info", "--csv-separator", "ab", "text"], "is not one character"),
            (["convert", "-o", "no/where", "a.pwt"], "no/where: cannot be written"),
            (["convert", "-o", "/dev/full", "a.pwt"], "the disk is full"),
            (["convert", "--level", "99", "-o", "y", "a.pwt"], "--level: 99 is not 1 to 19"),
            (["cut", "--from", "5", "--to", "5", "-o", "y", "a.pwt"], "--to is not after --from"),
            (["cut", "--from", "99999999", "-o", "y", "a.pwt"], "before --from 99999999"),
            (["cut", "--process", "77", "-o", "y", "a.pwt"], "no process that --process names refers to memory"),
            (["cat", "--from", "99999999", "text"], "before --from 99999999"),
            (["cut", "--to", "0", "-o", "y", "a.pwt"], "--to is not after --from"),
            (["cut", "--to", "5", "--format", "lackey", "-o", "y", "events"], "it has no references"),
            (["merge", "--turn", "0", "-o", "y", "a.pwt", "a.pwt"], "--turn: a turn has 1 reference"),
            (["convert", "-o", "", "a.pwt"], "-o: \"\" names no file"),
            (["info", "."], ".: is a folder"), (["info", "noise"], "no trace of a known format")]:
        result = checks.run(*args)
        checks.tap.check(result.status == OURS and words in result.err.decode() and result.err.count(b"\n") == 1,
                         f"{' '.join(args)}: {words}", f"{result.status} {result.err.decode()}")
    checks.tap.check(not os.path.exists(checks.path("y")), "and none of them leaves an output")


def check_failed(checks):
    """What fails leaves no output, and what was there before as it was."""
    with open(checks.path("half"), "wb") as file:
        file.write(b"I  00010000,4\n" * 50000 + b"nonsense\n")
    lonely = os.path.join(checks.folder, "lonely")
    os.mkdir(lonely)
    for args in (["convert"], ["cut", "--from", "10"], ["sample", "--rate", "0.5"], ["reduce", "--size", "4"],
                 ["merge", "--turn", "5", "a.pwt"]):
        for there in (None, b"precious"):
            if there:
                with open(os.path.join(lonely, "out"), "wb") as file:
                    file.write(there)
            result = checks.run(*args, "-o", "lonely/out", "half")
            left = os.listdir(lonely)
            good = left == (["out"] if there else [])
            if there:
                with open(os.path.join(lonely, "out"), "rb") as file:
                    good = good and file.read() == there
                os.remove(os.path.join(lonely, "out"))
            checks.tap.check(good and result.status == OURS, f"{args[0]}: a damaged trace leaves {there or 'nothing'}",
                             f"{left} {result.status} {result.err.decode()}")
    result = checks.run("convert", "-o", "-", "half")
    again = checks.run("info", "-", stdin=result.out)
    checks.tap.check(result.status == OURS and b"complete     yes" not in again.out, "nor one that looks whole in a pipe",
                     again.out)
    result = checks.run("cat", "-o", "lonely/text", "nosuch")
    checks.tap.check(result.status == OURS and os.listdir(lonely) == [], "cat makes no file of no trace", result.err)


def check_cut_off(checks):
    """A file that was cut off is read, and every command says that its end is missing."""
    whole = open(checks.path("a.pwt"), "rb").read()
    with open(checks.path("off.pwt"), "wb") as file:
        file.write(whole[:len(whole) - 500])
    for args in (["info"], ["cat"], ["convert", "-o", "o.pwt"], ["reduce", "--size", "4", "-o", "o.pwt"],
                 ["merge", "--turn", "5", "-o", "o.pwt", "a.pwt"]):
        result = checks.run(*args, "off.pwt")
        checks.tap.check(result.status == DAMAGED and b"its end is missing" in result.err and result.err.count(b"\n") == 1,
                         f"{args[0]} of a trace that was cut off", f"{result.status} {result.err.decode()}")


def check_killed(checks):
    """Nothing can be done about SIGKILL; but what there is by then lies beside its place, and says that it is not
    all."""
    place, part = checks.path("k.pwt"), checks.path("k.pwt.part")
    process = subprocess.Popen([checks.args.pagewright, "trace", "convert", "-o", place, "-"], stdin=subprocess.PIPE)
    rng = random.Random(9)
    for _ in range(500):
        process.stdin.write(b"".join(b" L %08x,8\n" % rng.randrange(1 << 40) for _ in range(10000)))
        process.stdin.flush()
        if os.path.exists(part) and os.path.getsize(part) > 10000 and checks.refs(part) > 0:
            break
    process.kill()
    process.stdin.close()
    process.wait(60)
    checks.tap.check(not os.path.exists(place) and checks.refs(part) > 0, "who is killed leaves a part beside its place")
    for args in (["trace", "info"], ["replay", "--ram", "9p"], ["mrc"], ["wss"]):
        result = execute([checks.args.pagewright, *args, part])
        checks.tap.check(result.status == DAMAGED and b"its end is missing" in result.err and result.out
                         and result.err.count(b"\n") == 1, f"{args[0]} says so", f"{result.status} {result.err.decode()}")


def check_interrupt(checks):
    """Ctrl-C in a pipe that does not end: what came until then is a whole trace."""
    process = subprocess.Popen([checks.args.pagewright, "trace", "convert", "-o", checks.path("i.pwt"), "-"],
                               stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    line = b"I  00010000,4\n L 00020000,8\n"
    process.stdin.write(line * 100000)
    process.stdin.flush()
    process.send_signal(signal.SIGINT)
    try:
        process.stdin.write(line * 300000)
        process.stdin.flush()
    except BrokenPipeError:
        pass
    err = process.stderr.read()
    process.stdin = None
    status = process.wait(60)
    counts = checks.counts("i.pwt")
    checks.tap.check(status == 128 + signal.SIGINT and b"interrupted" in err and counts["complete"] == "yes"
                     and checks.refs("i.pwt") > 0, "an interrupt leaves a whole trace", f"{status} {err} {counts}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pagewright", required=True)
    args = parser.parse_args()
    args.pagewright = os.path.abspath(args.pagewright)
    rng = random.Random(5)
    with tempfile.TemporaryDirectory() as folder:
        checks = Checks(args, folder)
        text = some_text(rng, 20000)
        with open(checks.path("text"), "w", encoding="ascii") as file:
            file.write(text)
        with open(checks.path("events"), "w", encoding="ascii") as file:
            file.write("@ map 0x1000 0x2000 rw\n@ exit\n")
        with open(checks.path("noise"), "wb") as file:
            file.write(bytes([255] * 100))
        check_format(checks, text)
        check_compressed(checks, text)
        check_damo(checks)
        check_verbs(checks)
        check_sample(checks)
        check_absurd(checks)
        check_damage(checks)
        check_salvaged(checks)
        check_header(checks)
        check_cut_short(checks)
        check_unreadable(checks)
        check_bad(checks)
        check_failed(checks)
        check_cut_off(checks)
        check_killed(checks)
        check_interrupt(checks)
    return checks.tap.finish()


if __name__ == "__main__":
    sys.exit(main())
