#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""pagewright translate, as a person uses it.

    translate.py --pagewright BIN --schema docs/translate.schema.json --man man/pagewright-translate.1
"""

import argparse
import json
import re
import sys

import schema
from machines import Tap, execute

OURS, FAULT = 125, 1

# (arguments, what the line "physical" says)
ANSWERS = [
    ("--mmu linear --map 2=5 9192", "21480 = 0x53e8"),
    ("--mmu linear --map 0x2=0x109 0x2150", "0x109150 = 1085776"),
    ("--map 0x2=0x109 0x2150", "0x109150 = 1085776"),
    ("--mmu base-bounds --base 0x20005000 --origin 0x40000000 0x40000124", "0x20005124 = 536891684"),
    ("--base 0x20005000 --origin 0x40000000 --limit 64K 0x40000124", "0x20005124 = 536891684"),
    ("--base 100 10", "110 = 0x6e"),
    ("--mmu none 10", "10 = 0xa"),
    ("--mmu hashed --map 2=5 9192", "21480 = 0x53e8"),
    ("--mmu mips32 --map 2=5 9192", "21480 = 0x53e8"),
    ("--mmu x86 --map 2=5:r --map 1=4:rw 8191", "20479 = 0x4fff"),
    ("--mmu x86-64 --map 0x200=0x400@2m 0x212345", "0x412345 = 4268869"),
    ("--map 0x200=0x400@2m:rw 0x212345", "0x412345 = 4268869"),
    ("--map 0x200=0x400:rw@2M 0x212345", "0x412345 = 4268869"),
    ("--map 0x40000=0x80000@1g 0x7654321f", "0xb654321f = 3058971167"),
    ("--map 32=64@64k 0x2bcde", "0x4bcde = 310494"),
    ("--segment 32K:2K:rx@0 --segment 34K:3K:rw@4K --segment 28K:2K:rw:down@16K 4200", "34920 = 0x8868"),
    ("--segment 32K:2K:rx@0 --segment 34K:3K:rw@4K --segment 28K:2K:rw:down@16K 15K", "27648 = 0x6c00"),
    ("--segment 0x1000:0x100 --segment 0x9000 0x40000004", "0x9004 = 36868"),
    ("--mmu segments:bits=3 --segment 0x1000:0x100 --segment 0x9000 0x20000004", "0x9004 = 36868"),
    ("--access write --map 2=5:w 9192", "21480 = 0x53e8"),
    ("--access exec --map 2=5:x 9192", "21480 = 0x53e8"),
    ("--mmu sv39:ad=fault --map 2=5:rwad --access write 9192", "21480 = 0x53e8"),
    ("--map 2=entry:0x1417 0x2004", "0x5004 = 20484"),
]

# (arguments, what the line "fault" says, what the line "page" says)
FAULTS = [
    ("--mmu linear --map 13=disk:7 53300", "not present: level 0: V(0) is clear", "on disk, slot 7"),
    ("--map 13=disk:7 53300", "not present: level 0: V(0) is clear", "on disk, slot 7"),
    ("--map 2=5:r --access write 9192", "not allowed: level 0: W(2) is clear, which does not allow writing", None),
    ("--map 2=5:k 9192", "not allowed: level 0: U(4) is clear, which keeps users out", None),
    ("--mmu x86-64 0x800000000000", "not an address: bits 63 to 48 must all equal bit 47", None),
    ("--base 100 --limit 10 10", "out of bounds: offset 10 is not below the limit 10", None),
    ("--mmu sv39:ad=fault --map 2=5 9192", "left to software: level 0: A(6) is clear, and it is for software to change that", None),
    ("--mmu segments 0x1000", "out of bounds: no segment register is for this address", None),
]

# (arguments, what the one line must contain)
WRONG = [
    ("", "no address to translate"),
    ("10 20", "\"20\" is one word too many"),
    ("ten", "\"ten\" is not a number"),
    ("0x", "\"0x\" is not a number"),
    ("10x", "\"10x\" is not a number"),
    ("0x10g", "\"0x10g\" is not a number"),
    ("18446744073709551616", "is not a number below 2^64"),
    ("--mmu nosuch 1", "there is no mmu \"nosuch\""),
    ("--mmu sv39:nosuch 1", "no option \"nosuch\""),
    ("--mmu sv39: 1", "no option"),
    ("--mmu ref 1", "outside RAM"),
    ("--access look 1", "--access: \"look\" is none of: read, write, exec"),
    ("--map 2 1", "not a mapping"),
    ("--map =5 1", "not the number of a page"),
    ("--map x=5 1", "\"x\" is not the number of a page"),
    ("--map 2= 1", "not the number of a frame"),
    ("--map 2=y 1", "\"y\" is not the number of a frame"),
    ("--map -2=5 1", "not the number of a page"),
    ("--map 2=5: 1", "not made of r, w, x, k"),
    ("--map 2=5:rq 1", "\"rq\" is not made of r, w, x, k"),
    ("--map 2=5@ 1", "not the size of a page"),
    ("--map 2=5@big 1", "\"big\" is not the size of a page"),
    ("--map 2=5@0 1", "not the size of a page"),
    ("--map 2=5@3k 1", "no pages of 3072 bytes"),
    ("--map 2=5@8k 1", "no pages of 8192 bytes"),
    ("--map 1=512@2m 1", "page 1 cannot begin a page of 2 MiB"),
    ("--map 0x1=512@2m 0x1", "page 0x1 cannot begin a page of 2 MiB"),
    ("--map 2=disk 1", "not the number of a slot"),
    ("--map 2=disk: 1", "not the number of a slot"),
    ("--map 2=disk:x 1", "\"x\" is not the number of a slot"),
    ("--map 2=entry:x 1", "\"x\" is not the value of an entry"),
    ("--map 2=5 --map 2=6 1", "page 2 is mapped twice"),
    ("--map 67108864=5 1", "page 67108864 is outside the space"),
    ("--map 99999999999999999999=5 1", "not the number of a page"),
    ("--mmu x86 --map 2=0x100000 1", "is too high"),
    ("--mmu x86 --map 2=entry:0x100000000 1", "more than 32 bits"),
    ("--mmu hashed --map 2=5:k 1", "no pages for the kernel alone"),
    ("--mmu hashed --map 2=5 --map 3=0x100000000 1", "too far apart"),
    ("--mmu none --map 2=5 1", "no pages to map"),
    ("--mmu none --base 5 1", "no registers"),
    ("--mmu base-bounds 1", "give it one base"),
    ("--mmu base-bounds --segment 1:2 --segment 3:4 1", "give it one base only"),
    ("--mmu sv39 --base 5 1", "has no base and limit"),
    ("--limit 5 1", "--limit needs --base"),
    ("--origin 5 1", "--origin needs --base"),
    ("--base x 1", "--base: \"x\" is not a number"),
    ("--base 1 --limit x 1", "--limit: \"x\" is not a number"),
    ("--base 1 --limit 0 1", "a limit of 0"),
    ("--base 1 --origin x 1", "--origin: \"x\" is not a number"),
    ("--base 1 --origin 16 --limit 0xfffffffffffffff8 1", "beyond the ends"),
    ("--base 1 --segment 1:2 1", "either --base or --segment"),
    ("--segment x 1", "\"x\" is not a base"),
    ("--segment 1:2:3 1", "\"3\" is none of"),
    ("--segment 1:q 1", "\"q\" is none of"),
    ("--segment 1:2:up 1", "\"up\" is none of"),
    ("--segment 1:2@x 1", "\"x\" is not an origin"),
    ("--segment 1:2:down@1 1", "beyond the ends"),
    ("--segment 1:2@0 --segment 1:2@1 1", "cannot tell these segments apart"),
    ("--segment 1:2 --segment 1:2 --segment 1:2 --segment 1:2 --segment 1:2 1", "too many"),
    ("--segment 1:2 --segment 1:2@5 1", "does not lie in its window"),
    ("--map " + "2" * 200 + "=5 1", "too long"),
    ("--segment " + "2" * 200 + " 1", "too long"),
]


def line_of(text, label):
    """What the line with this label says."""
    for line in text.decode().splitlines():
        if line.startswith(label.ljust(11)):
            return line[11:]
    return None


def check_answers(tap, run):
    for words, physical in ANSWERS:
        result = run(words)
        said = line_of(result.out, "physical") or ""
        tap.check(result.status == 0 and said.split("   ")[0] == physical and not result.err, words,
                  f"{result.status} {said}\n{result.err.decode()}")
    for words, fault, page in FAULTS:
        result = run(words)
        good = result.status == FAULT and line_of(result.out, "fault") == fault
        good = good and line_of(result.out, "page") == page and not result.err
        tap.check(good, words, f"{result.status} {result.out.decode()}\n{result.err.decode()}")


def check_wrong(tap, run):
    for words, text in WRONG:
        result = run(words)
        said = result.err.decode()
        good = result.status == OURS and said.count("\n") == 1 and text in said and not result.out
        good = good and said.startswith("pagewright translate: ")
        tap.check(good, "wrong: " + words[:60], f"{result.status} {said}")


def check_json(tap, run, path):
    with open(path, encoding="utf-8") as file:
        description = json.load(file)
    for words, *_ in ANSWERS + FAULTS:
        result = run("--json --tables " + words)
        wrong = list(schema.errors(json.loads(result.out), description, "translation"))
        tap.check(not wrong, "json: " + words, "\n".join(wrong))


def examples(path):
    """The commands of a manual page's displays, and what it says they print."""
    with open(path, encoding="utf-8") as file:
        page = file.read()
    for block in re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed$", page, re.M | re.S):
        text = block.replace("\\e", "\\").replace("\\&", "").replace("\\-", "-")
        command, _, printed = text.partition("\n")
        if command.startswith("$ pagewright translate "):
            yield command[len("$ pagewright translate "):], printed


def check_man(tap, run, path):
    found = list(examples(path))
    tap.check(len(found) >= 6, "the manual page has examples", len(found))
    for words, printed in found:
        result = run(words)
        tap.check(result.out.decode() == printed, "manual page: " + words,
                  f"prints:\n{result.out.decode()}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pagewright", required=True)
    parser.add_argument("--schema", required=True)
    parser.add_argument("--man", required=True)
    args = parser.parse_args()
    tap = Tap()

    def run(words):
        return execute([args.pagewright, "translate"] + words.split())

    check_answers(tap, run)
    check_wrong(tap, run)
    check_json(tap, run, args.schema)
    check_man(tap, run, args.man)
    return tap.finish()


if __name__ == "__main__":
    sys.exit(main())
