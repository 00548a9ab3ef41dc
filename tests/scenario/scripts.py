#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The language of `pagewright shell` and `pagewright script`.

    scripts.py --pagewright BIN --source ROOT shipped|pages|mistakes|shell|update

shipped: every script in scripts/ succeeds, twice with the same output; and one on every scheme.
pages:   every script has a page in docs/scripts/ whose output is what the script prints.
mistakes: each is one line with its place, and exit code 125.
shell:   the shell through a pipe and at a terminal: goes on after mistakes, history, completion.
update:  no test: puts what the scripts print now into their pages.
"""

import argparse
import glob
import os
import pty
import re
import select
import signal
import subprocess
import sys
import tempfile
import time

from machines import Tap, execute

OURS, UNMET = 125, 1
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.M | re.S)


def names(source):
    return sorted(os.path.basename(p)[:-4] for p in glob.glob(source + "/scripts/*.pgw"))


def test_shipped(tap, pagewright, source):
    every = names(source)
    tap.check(len(every) >= 7, f"{len(every)} scripts are shipped")
    for name in every:
        path = f"{source}/scripts/{name}.pgw"
        result = execute([pagewright, "script", path])
        tap.check(result.status == 0 and result.err == b"" and result.out, name,
                  f"status {result.status}\n" + result.err.decode())
        again = execute([pagewright, "script", "--echo", path])
        out = b"".join(l for l in again.out.splitlines(True) if not l.startswith(b"> "))
        tap.check(out == result.out, name + ": the same again", out.decode())
        with open(path, encoding="utf-8") as file:
            tap.check("\nexpect " in file.read(), name + ": it expects something")


def test_schemes(tap, pagewright):
    """Two programs that store at one address, on every scheme that isolates them."""
    listed = execute([pagewright, "shell"], stdin=b"help machine\n").out.decode()
    schemes = re.findall(r"^  mmu=(\S+)", listed, re.M)
    tap.check(len(schemes) > 10, f"{len(schemes)} schemes are listed", listed)
    lines = """process a\nprocess b\nmap a 2p at 0x10000\nmap b 2p at 0x10000\nwrite a 0x10400 111
write b 0x10400 222\nexpect read a 0x10400 = 111\nexpect read b 0x10400 = 222\nevict a 0x10400
expect page a 0x10400 state = swapped\nexpect read a 0x10400 = 111\nfork a c\nwrite c 0x10400 333
expect read a 0x10400 = 111\nexpect read c 0x10400 = 333\nexpect stat major = 1\nswitch b\nwalk a 0x10400 write
pagetable\nmaps\nframes\nswap\ntlb\nstat all\nend a\ncheck\n"""
    for scheme in schemes:
        if scheme == "none":
            continue
        result = execute([pagewright, "script", "-"], stdin=f"machine ram=32M mmu={scheme}\n{lines}".encode())
        tap.check(result.status == 0 and result.err == b"", "two programs on " + scheme, result.err.decode())


def blocks_of(text, command):
    """The output blocks of a page, without the command that the first one begins with."""
    return [[l for l in block.splitlines() if l != command] for block in BLOCK.findall(text)]


def test_pages(tap, pagewright, source):
    """A page's blocks are, one after the other, parts of what `script --echo` prints; the first one
    begins with the command."""
    for name in names(source):
        page = f"{source}/docs/scripts/{name}.md"
        if not tap.check(os.path.exists(page), name + ": there is a page"):
            continue
        command = f"$ pagewright script --echo scripts/{name}.pgw"
        lines = echoed(pagewright, source, name)
        with open(page, encoding="utf-8") as file:
            text = file.read()
        tap.check("```console\n" + command + "\n" in text, f"{name}: the page says {command}")
        at = 0
        for number, wanted in enumerate(blocks_of(text, command), 1):
            while at + len(wanted) <= len(lines) and lines[at:at + len(wanted)] != wanted:
                at += 1
            if not tap.check(at + len(wanted) <= len(lines), f"{name}: block {number} is real",
                             "\n".join(wanted)):
                break
            at += len(wanted)
    extra = set(os.listdir(source + "/docs/scripts")) - {n + ".md" for n in names(source)} - {"README.md"}
    tap.check(not extra, "no page is without its script", extra)
    test_man(tap, pagewright, source)


def echoed(pagewright, source, name):
    """What `script --echo` prints, in lines."""
    result = execute([pagewright, "script", "--echo", f"scripts/{name}.pgw"], cwd=source)
    return (result.out + result.err).decode().splitlines()


def update_pages(pagewright, source):
    """Puts what scripts print now into their pages: each block keeps its lines of the script."""
    for name in names(source):
        page = f"{source}/docs/scripts/{name}.md"
        command = f"$ pagewright script --echo scripts/{name}.pgw"
        lines = echoed(pagewright, source, name)
        with open(page, encoding="utf-8") as file:
            text = file.read()
        at = 0

        def fresh(match):
            nonlocal at
            old = match.group(1).splitlines()
            start = lines.index(next(l for l in old if l.startswith("> ")), at)
            at = start
            for _ in [l for l in old if l.startswith("> ")]:
                at += 1
                while at < len(lines) and not lines[at].startswith("> "):
                    at += 1
            head = [command] if command in old else []
            return "```console\n" + "\n".join(head + lines[start:at]) + "\n```"

        with open(page, "w", encoding="utf-8") as file:
            file.write(BLOCK.sub(fresh, text))


def test_man(tap, pagewright, source):
    """The session in the man page's examples."""
    with open(source + "/man/pagewright-shell.1", encoding="utf-8") as file:
        session, test = re.findall(r"^\.Bd -literal\n(.*?)^\.Ed$", file.read(), re.M | re.S)[-2:]
    typed = re.findall(r"^pagewright> (.*)$", session, re.M)
    wanted = re.sub(r"^(pagewright> |\$ ).*\n", "", session, flags=re.M)
    result = execute([pagewright, "shell"], stdin="\n".join(typed).encode())
    tap.check(result.out.decode() == wanted and result.status == 0, "the man page's session",
              result.out.decode())
    script, told = re.match(r"\$ cat cow.pgw\n(.*?)\$ pagewright script cow.pgw; echo \$\?\n(.*)", test,
                            re.S).groups()
    with tempfile.TemporaryDirectory() as tmp:
        with open(tmp + "/cow.pgw", "w", encoding="utf-8") as file:
            file.write(script)
        result = execute([pagewright, "script", "cow.pgw"], cwd=tmp)
    tap.check(result.err.decode() + f"{result.status}\n" == told, "the man page's test", result.err)


# A script, and what its one line says after the place.  {n}: the line that is blamed.
MISTAKES = [
    ("wrte a 0 1", 1, 'there is no verb "wrte": did you mean "write"?'),
    ("xyzzy", 1, 'there is no verb "xyzzy": help lists them'),
    ('"process" a', 1, "a line begins with a verb"),
    ("process 7up", 1, '"7up" is no name for a process'),
    ("process " + "a" * 32, 1, "is no name for a process"),
    ("process a\nprocess a", 2, 'there is a process "a" already'),
    ("process", 1, "a name is missing; usage: process NAME"),
    ("process a b", 1, '"b" is more than it takes'),
    ("process alpha\nmap alhpa 1p", 2, 'did you mean "alpha"?'),
    ("map a 1p", 1, 'there is no process "a": make it with process NAME'),
    ("process a\nmap a", 2, "the length is missing; usage: map NAME LENGTH"),
    ("process a\nmap a 4Q", 2, 'and not "4Q"'),
    ("process a\nmap a 0x", 2, 'and not "0x"'),
    ("process a\nmap a -1", 2, 'and not "-1"'),
    ("process a\nmap a 18446744073709551616", 2, "is above 2^64-1"),
    ("process a\nmap a 0x10000000000000000", 2, "is above 2^64-1"),
    ("process a\nmap a 99999999999T", 2, "is above 2^64-1"),
    ("process a\nmap a 0", 2, "cannot map 0 bytes"),
    ("process a\nmap a 1p at 5", 2, "not the start of a page"),
    ("process a\nmap a 1p at 0xfffffffffffff000", 2, ""),
    ("process a\nmap a 0xffffffffffffffff", 2, ""),
    ("process a\nmap a 0xfffffffffffff000 at 0x1000", 2, ""),
    ("process a\nmap a 1p rights rwz", 2, "rights are letters of rwx"),
    ("process a\nmap a 1p rights \"\"", 2, "rights are letters of rwx"),
    ("process a\nmap a 1p at 0x1000\nmap a 1p at 0x1000", 3, ""),
    ("process a\nmap a 1p file nosuch", 2, "nosuch: No such file"),
    ("process a\nmap a 1p file /dev/null", 2, ""),
    ("process a\nmap a 1p file .", 2, ""),
    ("process a\nread a 0x1000", 2, "nothing is mapped at 0x1000"),
    ("process a\nmap a 1p at 0x1000 rights r\nwrite a 0x1000 1", 3, "do not allow it"),
    ("process a\nwrite a 0x1000 word", 2, "neither a number nor a text in quotes"),
    ("process a\nfill a 0 1p 256", 2, "a byte is at most 255"),
    ("process a\nfill a 0 2G 1", 2, "at most 1G"),
    ("process a\nread a 0 1G", 2, "at most 65536 bytes are shown"),
    ("process a\nresize a 0x1000 1p", 2, "nothing is mapped at 0x1000"),
    ("process a\npage a 0 colour", 2, '"colour" is nothing that a page has'),
    ('echo "no end', 1, "a quoted text has no end"),
    ('echo "a"b', 1, "put a blank after it"),
    ('echo a"b"', 1, "put a blank before it"),
    (r'echo "\q"', 1, "in a quoted text"),
    ("echo " + "a " * 70, 1, "too many words"),
    ("echo " + "a" * 5000, 1, "the line is too long"),
    ("echo a\0b", 1, "this is no text"),
    ("echo a\x01b", 1, "control character"),
    ("machine ram=1", 1, "too few"),
    ("machine ram=lots", 1, 'and not "lots"'),
    ("machine ram=5G", 1, "at most 4G of RAM"),
    ("machine mmu=sv99", 1, 'there is no mmu "sv99"'),
    ("machine policy=best", 1, 'there is no policy "best"'),
    ("machine tlb=l1=3", 1, "not valid"),
    ("machine swap=lots", 1, "is none of: none, a size"),
    ("machine swap=:4M", 1, "no file name before the colon"),
    ("machine swap=17", 1, "less than a page"),
    ("machine swap=/no/such/folder/swap:4M", 1, "cannot make the swap file"),
    ("machine cost=fun=1", 1, "cost is any of"),
    ("machine seed=x", 1, "seed is a number"),
    ("machine ram=1M seed=2 ram=2M", 1, "ram is there twice"),
    ("machine ram=64P", 1, "ram is a size"),
    ("machine 64K", 1, '"64K" is none of its options'),
    ("partitions", 1, "paged"),
    ("expect", 1, "a comparison is missing"),
    ("expect = 1", 1, "what is compared is missing"),
    ("expect stat major", 1, "a comparison is missing"),
    ("expect stat major =", 1, "a value is missing"),
    ("expect stat major = 1 2", 1, '"2" is more than it takes'),
    ("expect map a = 1", 1, '"map" has no value'),
    ("expect fails", 1, "how it fails is missing"),
    ("expect fails notfund map a 1p", 1, 'did you mean "notfound"?'),
    ("expect fails notfound", 1, "the line that fails is missing"),
    ("expect fails notfound quit", 1, "quit cannot be refused"),
    ("expect fails notfound read a 0", 1, 'there is no process "a"'),
    ("stat majr", 1, 'did you mean "major"?'),
    ("stat of", 1, "the name of a process is missing"),
    ("help wlak", 1, 'did you mean "walk"?'),
    ("source nosuch.pgw", 1, "nosuch.pgw: No such file"),
    ("source /", 1, "it is a directory"),
    ("run nosuch", 1, "nosuch"),
    ("run", 1, "the program is missing"),
]


def to_full_disk():
    os.dup2(os.open("/dev/full", os.O_WRONLY), 1)


def test_mistakes(tap, pagewright, tmp):
    path = tmp + "/bad.pgw"
    for text, number, wanted in MISTAKES:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text + "\necho not reached\n")
        result = execute([pagewright, "script", path], cwd=tmp)
        err = result.err.decode(errors="replace")
        good = (result.status == OURS and err.startswith(f"{path}:{number}: ") and wanted in err
                and err.count("\n") == 1 and len(err) > len(path) + 12 and b"reached" not in result.out)
        tap.check(good, ascii(text[:60]), f"status {result.status}; {err}")
    for words, wanted in (([], "no script"), (["/no/such"], "cannot read /no/such"), ([tmp], "directory"),
                          (["/dev/zero"], "this is no text"), (["/dev/urandom"], ":")):
        result = execute([pagewright, "script", *words])
        tap.check(result.status == OURS and wanted in result.err.decode(errors="replace")
                  and result.err.count(b"\n") == 1, f"script {' '.join(words)}", result.err)
    result = execute([pagewright, "script", "-"], stdin=b"help\n", limit=to_full_disk)
    tap.check(result.status == OURS and b"cannot write" in result.err, "output that cannot be written",
              result.err)
    expectations(tap, pagewright, tmp)
    nested(tap, pagewright, tmp)
    no_files(tap, pagewright, tmp)


def expectations(tap, pagewright, tmp):
    path = tmp + "/unmet.pgw"
    with open(path, "w", encoding="utf-8") as file:
        file.write("process a\nmap a 1p at 0x1000\nwrite a 0x1000 8\nexpect read a 0x1000 = 7\n"
                   "expect read a 0x1000 < 8\nexpect page a 0x1000 state = swapped\n"
                   "expect fails access write a 0x1000 1\nexpect fails access write a 0x5000 1\n"
                   "expect read a 0x1000 = stat major\n"
                   "expect stat access_ns > 0.5\nexpect read a 0x1000 >= 1\necho reached\n")
    result = execute([pagewright, "script", path])
    wanted = [f"{path}:4: expected read a 0x1000 = 7, but it is 8",
              f"{path}:5: expected read a 0x1000 < 8, but it is 8",
              f"{path}:6: expected page a 0x1000 state = swapped, but it is resident",
              f"{path}:7: expected write a 0x1000 1 to fail with access, but it was done",
              f"{path}:8: expected write a 0x5000 1 to fail with access, but it fails with notfound: "
              "nothing is mapped at 0x5000",
              f"{path}:9: expected read a 0x1000 = stat major, but it is 1 and 0",
              f"{path}: 6 of 8 expectations are not met"]
    tap.check(result.status == UNMET and result.err.decode().splitlines() == wanted
              and result.out == b"reached\n", "expectations that are not met", result.err.decode())


def nested(tap, pagewright, tmp):
    def write(name, text):
        with open(f"{tmp}/{name}", "w", encoding="utf-8") as file:
            file.write(text)
    write("one.pgw", "process a\nsource two.pgw\nexpect read a 0x1000 = 5\n")
    write("two.pgw", "map a 1p at 0x1000\nwrite a 0x1000 5\n")
    result = execute([pagewright, "script", tmp + "/one.pgw"])
    tap.check(result.status == 0, "a script that another one names, in its folder", result.err)
    write("one.pgw", "source two.pgw\n")
    write("two.pgw", "echo x\nsource one.pgw\n")
    result = execute([pagewright, "script", tmp + "/one.pgw"])
    tap.check(result.status == OURS and b"for ever" in result.err, "scripts that name each other", result.err)
    for i in range(12):
        write(f"deep{i}.pgw", f"source deep{i + 1}.pgw\n")
    result = execute([pagewright, "script", tmp + "/deep0.pgw"])
    tap.check(result.status == OURS and b"the most" in result.err, "twelve that name each other", result.err)
    write("early.pgw", "echo one\nquit\necho two\n")
    result = execute([pagewright, "script", tmp + "/early.pgw"])
    tap.check(result.status == 0 and result.out == b"one\n", "quit", result.err)


def no_files(tap, pagewright, tmp):
    for line in ("source x", "run x", "machine swap=x:1M", "process a\nmap a 1p file x"):
        result = execute([pagewright, "script", "--no-files", "-"], stdin=line.encode() + b"\n", cwd=tmp)
        tap.check(result.status == OURS and b"this script may not" in result.err
                  and not os.path.exists(tmp + "/x"), "--no-files: " + ascii(line), result.err)


class Terminal:
    """A shell at a terminal of its own."""

    def __init__(self, pagewright, home, **extra):
        env = {"PATH": os.environ["PATH"], "TERM": "xterm", "HOME": home, **extra}
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(pagewright, ["pagewright", "shell"], env)
        self.text = ""

    def wait_for(self, wanted, seconds=60):
        end = time.monotonic() + seconds
        while wanted not in self.text:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                return False
            try:
                data = os.read(self.fd, 4096)
            except OSError:
                return wanted in self.text
            self.text += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", data.decode(errors="replace"))
        return True

    def type(self, keys, wanted, prompt=True, seconds=60):
        """Types keys and waits for what they bring, and for the next prompt."""
        self.text = ""
        os.write(self.fd, keys.encode())
        good = self.wait_for(wanted, seconds)
        if good and prompt:
            self.text = self.text[self.text.index(wanted) + len(wanted):]
            good = self.wait_for("pagewright> ")
        return good

    def end(self):
        """The exit code; None if it does not end."""
        for _ in range(600):
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid != 0:
                os.close(self.fd)
                return os.waitstatus_to_exitcode(status)
            select.select([self.fd], [], [], 0.05)
            try:
                os.read(self.fd, 4096)
            except OSError:
                time.sleep(0.05)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        return None


def test_pipe(tap, pagewright, tmp):
    result = execute([pagewright, "shell"], stdin=b"echo one\nwrte\necho two\nquit\necho three\n", cwd=tmp)
    tap.check(result.status == OURS and result.out == b"one\ntwo\n"
              and result.err.startswith(b"standard input:2: "), "through a pipe it goes on", result.err)
    result = execute([pagewright, "shell"], stdin=b"expect stat major = 1")
    tap.check(result.status == UNMET, "an expectation is not met, no newline at the end", result.err)
    result = execute([pagewright, "shell"], stdin=b"\0\0\n" + b"x" * 10000 + b"\necho one\n")
    tap.check(result.status == OURS and result.out == b"one\n" and result.err.count(b"\n") == 2,
              "what is no text, and a long line", result.err)
    listed = execute([pagewright, "shell"], stdin=b"help\n").out.decode()
    verbs = re.findall(r"^(\w+) +[A-Z]", listed, re.M)
    tap.check(len(verbs) > 25, f"help lists {len(verbs)} verbs", listed)
    helped = execute([pagewright, "shell"], stdin="".join(f"help {v}\n" for v in verbs).encode())
    tap.check(helped.status == 0 and helped.out.count(b"Example: ") == len(verbs), "help for each", helped.err)


def test_terminal(tap, pagewright, tmp):
    shell = Terminal(pagewright, tmp)
    tap.check(shell.wait_for("pagewright> "), "the prompt", shell.text)
    tap.check(shell.type("proc\ta\r", "ess a"), "a verb is completed", shell.text)
    tap.check(shell.type("map a 1p at 0x1000\r", "0x1000"), "a line", shell.text)
    tap.check(shell.type("read a 0x1000\r", "0 (0x0)"), "an answer", shell.text)
    tap.check(shell.type("reed a 0x1000\r", 'did you mean "read"?'), "a mistake", shell.text)
    tap.check(shell.type("\x1b[A\x1b[A\r", "0 (0x0)"), "the history", shell.text)
    typed = shell.type("nonsense", "nonsense", prompt=False)
    # A signal that comes just before the line editor reads does not wake it: a person presses again.
    tap.check(typed and any(shell.type("\x03", "pagewright> ", prompt=False, seconds=5) for _ in range(12)),
              "an interrupt drops a line", shell.text)
    tap.check(shell.type("echo still here\r", "still here"), "and the shell goes on", shell.text)
    shell.type("quit\r", "quit", prompt=False)
    tap.check(shell.end() == 0, "quit")
    path = tmp + "/.local/state/pagewright/history"
    tap.check(os.path.exists(path) and "read a 0x1000" in open(path, encoding="utf-8").read()
              .replace("\\040", " "), "the history is kept in ~/.local/state")
    again = Terminal(pagewright, tmp)
    again.wait_for("pagewright> ")
    tap.check(again.type("\x1b[A", "quit", prompt=False), "and is there again", again.text)
    os.write(again.fd, b"\x15\x04")
    tap.check(again.end() == 0, "the end of input ends it")
    other = Terminal(pagewright, "/proc", XDG_STATE_HOME="/proc/nowhere")
    other.wait_for("pagewright> ")
    other.type("quit\r", "quit", prompt=False)
    tap.check(other.end() == 0 and "cannot" not in other.text, "a history that cannot be kept", other.text)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pagewright", required=True)
    parser.add_argument("--source", required=True)
    parser.add_argument("group", choices=["shipped", "pages", "mistakes", "shell", "update"])
    options = parser.parse_args()
    pagewright = os.path.abspath(options.pagewright)
    if options.group == "update":
        update_pages(pagewright, options.source)
        return 0
    tap = Tap()
    with tempfile.TemporaryDirectory() as tmp:
        if options.group == "shipped":
            test_shipped(tap, pagewright, options.source)
            test_schemes(tap, pagewright)
        elif options.group == "pages":
            test_pages(tap, pagewright, options.source)
        elif options.group == "mistakes":
            test_mistakes(tap, pagewright, tmp)
        else:
            test_pipe(tap, pagewright, tmp)
            test_terminal(tap, pagewright, tmp)
    return tap.finish()


if __name__ == "__main__":
    sys.exit(main())
