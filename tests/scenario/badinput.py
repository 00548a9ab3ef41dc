#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Bad input: each gives exactly one line on standard error and its exit code.

    badinput.py --pagewright BIN --good PROGRAM images|truncated|options|swap
"""

import argparse
import os
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile

from machines import Tap, execute

OURS, CANNOT_RUN, NOT_FOUND = 125, 126, 127
KERNEL_HALF = 0xFFFFFFC000000000
PT_LOAD = 1


class Image:
    """A good ELF image whose fields can be spoilt.  Offsets are those of ELF64."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.bytes = bytearray(file.read())
        self.phoff, = struct.unpack_from("<Q", self.bytes, 32)
        self.phnum, = struct.unpack_from("<H", self.bytes, 56)

    def put(self, offset, form, value):
        struct.pack_into("<" + form, self.bytes, offset, value)
        return self

    def loads(self):
        """Offsets of the program headers of loadable segments."""
        every = [self.phoff + 56 * i for i in range(self.phnum)]
        return [at for at in every if struct.unpack_from("<I", self.bytes, at)[0] == PT_LOAD]

    def load(self, index, field, value):
        where = {"offset": 8, "vaddr": 16, "filesz": 32, "memsz": 40}[field]
        return self.put(self.loads()[index] + where, "Q", value)

    def get(self, index, field):
        where = {"offset": 8, "vaddr": 16, "filesz": 32, "memsz": 40}[field]
        return struct.unpack_from("<Q", self.bytes, self.loads()[index] + where)[0]

    def drop_loads(self):
        for at in self.loads():
            self.put(at, "I", 0)
        return self


def spoilt(good):
    """(title, image bytes) of every bad image."""
    def new():
        return Image(good)

    first = new()
    page = first.get(0, "vaddr")
    yield "an empty file", b""
    yield "one byte", b"\x7f"
    yield "a text", b"#!/bin/sh\necho no\n"
    yield "zeros", bytes(5000)
    yield "wrong magic", new().put(3, "B", 0x47).bytes
    yield "32 bits", new().put(4, "B", 1).bytes
    yield "big-endian", new().put(5, "B", 2).bytes
    yield "unknown class", new().put(4, "B", 9).bytes
    yield "unknown version", new().put(6, "B", 7).bytes
    yield "an x86-64 program", new().put(18, "H", 62).bytes
    yield "an AArch64 program", new().put(18, "H", 183).bytes
    yield "a MIPS program", new().put(18, "H", 8).bytes
    yield "an object file", new().put(16, "H", 1).bytes
    yield "a core dump", new().put(16, "H", 4).bytes
    yield "an unknown type", new().put(16, "H", 77).bytes
    yield "no program headers", new().put(56, "H", 0).bytes
    yield "too many program headers", new().put(56, "H", 65535).bytes
    yield "program headers of another size", new().put(54, "H", 32).bytes
    yield "program headers outside", new().put(32, "Q", 1 << 40).bytes
    yield "program headers that wrap around", new().put(32, "Q", 2**64 - 56).bytes
    yield "nothing to load", new().drop_loads().bytes
    yield "a segment in the kernel's half", new().load(1, "vaddr", KERNEL_HALF).bytes
    yield "a segment that reaches the kernel's half", new().load(1, "memsz", 1 << 39).bytes
    yield "a segment's addresses wrap", new().load(1, "memsz", 2**64 - 0x1000).bytes
    yield "a segment above the top", new().load(1, "vaddr", 2**64 - 0x1000).bytes
    yield "segments that overlap", new().load(1, "vaddr", page + first.get(1, "vaddr") % 4096).bytes
    yield "a segment larger in the file", new().load(1, "filesz", first.get(1, "memsz") + 1).bytes
    yield "a segment outside the file", new().load(1, "offset", 1 << 33).bytes
    yield "a segment's offset wraps", new().load(1, "offset", 2**64 - 16).bytes
    yield "a segment off its page", new().load(1, "vaddr", first.get(1, "vaddr") + 8).bytes
    yield "an entry outside", new().put(24, "Q", 0x100).bytes
    yield "an entry in data", new().put(24, "Q", first.get(1, "vaddr") + 0x40).bytes
    yield "an entry in the kernel's half", new().put(24, "Q", KERNEL_HALF + 0x1000).bytes
    yield "an odd entry", new().put(24, "Q", page + 0x401).bytes


def one_line(tap, title, result, status):
    text = result.err.decode(errors="replace")
    good = (result.status == status and text.endswith("\n") and text.count("\n") == 1
            and text.startswith("pagewright") and len(text) > 20 and result.out == b"")
    tap.check(good, title, f"status {result.status}, expected {status}; standard error:\n{text}"
                           f"standard output: {result.out[:200]!r}")


def run_image(pagewright, data, tmp):
    path = os.path.join(tmp, "image")
    with open(path, "wb") as file:
        file.write(data)
    os.chmod(path, 0o755)
    return execute([pagewright, "run", path])


def test_images(tap, pagewright, good, tmp):
    for title, data in spoilt(good):
        one_line(tap, title, run_image(pagewright, data, tmp), CANNOT_RUN)
    one_line(tap, "this machine's own program", execute([pagewright, "run", "/bin/true"]),
             CANNOT_RUN)
    one_line(tap, "no such file", execute([pagewright, "run", tmp + "/none"]), NOT_FOUND)
    one_line(tap, "a file on the way to it",
             execute([pagewright, "run", good + "/below"]), NOT_FOUND)
    one_line(tap, "a directory", execute([pagewright, "run", tmp]), CANNOT_RUN)
    one_line(tap, "a device", execute([pagewright, "run", "/dev/null"]), CANNOT_RUN)
    shutil.copy(good, tmp + "/plain")
    os.chmod(tmp + "/plain", 0o644)
    one_line(tap, "not executable", execute([pagewright, "run", tmp + "/plain"]), CANNOT_RUN)


def test_truncated(tap, pagewright, good, tmp):
    """Every length within the headers and around each segment's end, then samples; whatever is
    cut must be refused, and what is only behind the last segment is not missed."""
    image = Image(good)
    headers = image.phoff + 56 * image.phnum
    ends = [image.get(i, "offset") + image.get(i, "filesz") for i in range(len(image.loads()))]
    lengths = set(range(0, headers + 2)) | set(range(headers, max(ends), max(ends) // 40))
    lengths |= {end + d for end in ends for d in (-4097, -1)}
    bad = []
    for length in sorted(n for n in lengths if n < max(ends)):
        result = run_image(pagewright, image.bytes[:length], tmp)
        text = result.err.decode(errors="replace")
        if result.status != CANNOT_RUN or text.count("\n") != 1 or result.out:
            bad.append(f"{length} bytes: status {result.status}: {text}")
    tap.check(not bad, f"{len(lengths)} lengths, cut short", "\n".join(bad))
    whole = run_image(pagewright, image.bytes[:max(ends)], tmp)
    tap.check(whole.status == 0 and whole.out == b"hello, world\n",
              "cut behind the last segment: still runs", whole.err)


def test_options(tap, pagewright, good, _tmp):
    def bad(*options):
        one_line(tap, " ".join(options) or "no program", execute([pagewright, "run", *options]),
                 OURS)

    for size in ("", "x", "12Q", "-1", "1.5M", "64 M", "0x", "99999999999999999999", "9E9",
                 "16777216T", "K"):
        bad("--ram", size, good)
    for size in ("0", "1", "4095", "4K", "32K"):
        bad("--ram", size, good)
    for swap in ("x", "1X", "0", "file:", ":4M", "/tmp/a:b"):
        bad("--swap", swap, good)
    for name in ("mmu", "policy", "tlb", "report"):
        bad("--" + name, "nosuch", good)
    for tlb in ("l1=64", "l1=64:3,l2=8:2", "l1=0:0,l2=0:0", "l1=64:4,l2=1536:12,", "l2=", ""):
        bad("--tlb", tlb, good)
    for number in ("--seed", "--slice"):
        bad(number, "many", good)
        bad(number, "-5", good)
        bad(number, "1K", good)
        bad(number, "18446744073709551616", good)
    bad("--slice", "0", good)
    services = {
        "--overcommit": ("", "no", "never:", "never:2147483648", "never:-1", "always:5"), "--merge": ("on",),
        "--merge-rate": ("-1", "x"), "--huge": ("", "on"), "--huge-alloc": ("", "both"),
        "--harts": ("0", "17"), "--proactive": ("101", "x"), "--readahead": ("32",), "--fault-around": ("0", "65"),
        "--group": ("", "g", "g=1", "=1M", "root=1M", "a-name-of-17-bytes=1M"), "--aslr": ("yes",),
        "--sysroot": ("", "/no/such"),
    }
    for option, values in services.items():
        for value in values:
            bad(option, value, good)
    for cost in ("", "ram", "ram=", "ram=1h", "ram=1,", "cpu=1", "ram=1e400"):
        bad("--cost", cost, good)
    bad("--report-file", "/no/such/directory/report", good)
    bad()
    octal = execute([pagewright, "run", "--report", "json", "--seed", "010", good])
    tap.check(b'"seed": 10,' in octal.err, "a leading 0 does not make a number octal", octal.err[:300])
    for words in (["--help"], ["run", "--help"], ["--version"]):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([pagewright, *words], stdout=full, stderr=subprocess.PIPE, check=False)
        tap.check(done.returncode == OURS and done.stderr.count(b"\n") == 1,
                  f"{' '.join(words)} cannot be written", f"{done.returncode} {done.stderr}")
    for words in (["nosuch"], ["run", "--nosuch", good]):
        result = execute([pagewright, *words])
        tap.check(result.status == OURS and b"nosuch" in result.err, "unknown: " + " ".join(words[:2]),
                  f"status {result.status}: {result.err!r}")


def limit_file_size(limit):
    def apply():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    return apply


def test_swap(tap, pagewright, good, tmp):
    """Swap that cannot be made, and swap that fails while a program needs it."""
    programs = os.path.dirname(good)
    overcommit = programs + "/overcommit"
    for title, swap in (("in no directory", "/no/such/dir/swap:8M"), ("a directory", tmp + ":8M"),
                        ("a character device", "/dev/full:8M")):
        one_line(tap, f"a swap file that is {title}",
                 execute([pagewright, "run", "--swap", swap, good]), OURS)
    named = tmp + "/swap"
    result = execute([pagewright, "run", "--report", "none", "--ram", "1M", "--swap",
                      named + ":32M", overcommit, "4096", "2000"])
    tap.check(result.status == 0 and os.path.exists(named), "a named swap file works and stays",
              result.err)
    always = ["--overcommit", "always"]
    refused = execute([pagewright, "run", "--report", "none", "--ram", "1M", "--swap", "none", overcommit])
    tap.check(refused.status == 1 and b"FAILED" in refused.out + refused.err,
              "no swap, and too much asked for at once: the program is told so", refused.err)
    memory_ends(tap, "no swap", pagewright,
                ["--ram", "1M", "--swap", "none", *always, overcommit], None)
    memory_ends(tap, "swap that is too small", pagewright,
                ["--ram", "1M", "--swap", "2M", *always, overcommit], None)
    memory_ends(tap, "a disk that is full half-way", pagewright,
                ["--ram", "1M", "--swap", tmp + "/short:64M", overcommit],
                limit_file_size(4 << 20))
    enough = execute([pagewright, "run", "--report", "none", "--ram", "16M", "--swap", "none",
                      overcommit, "8192", "2000"])
    tap.check(enough.status == 0, "no swap, and enough RAM", enough.err)
    full = execute([pagewright, "run", "--report", "none", "--ram", "2M", "--swap",
                    tmp + "/short2:64M", overcommit, "3072", "4000"], limit=limit_file_size(4 << 20))
    tap.check(full.status == 0 and b"sum" in full.out,
              "a disk that fills up, and RAM for the rest: no byte is lost", full.err)
    tap.check(execute([pagewright, "run", "--report-file", "/dev/full", good]).status == OURS,
              "a report that cannot be written")


def memory_ends(tap, title, pagewright, words, limit):
    result = execute([pagewright, "run", "--report", "none", *words], limit=limit)
    lines = result.err.decode(errors="replace").splitlines()
    good = (result.status == 137 and result.out == b"" and any("memory" in l for l in lines)
            and all(l.startswith("pagewright") for l in lines))
    tap.check(good, f"{title}: the program is ended with a message",
              f"status {result.status}, expected 137\n" + "\n".join(lines))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pagewright", required=True)
    parser.add_argument("--good", required=True)
    parser.add_argument("group", choices=["images", "truncated", "options", "swap"])
    options = parser.parse_args()
    options.pagewright = os.path.abspath(options.pagewright)
    tap = Tap()
    with tempfile.TemporaryDirectory() as tmp:
        {"images": test_images, "truncated": test_truncated, "options": test_options,
         "swap": test_swap}[options.group](tap, options.pagewright, options.good, tmp)
    return tap.finish()


if __name__ == "__main__":
    sys.exit(main())
