# SPDX-License-Identifier: BSD-2-Clause
"""How scenario tests run programs, and how they report: the Test Anything Protocol."""

import json
import os
import subprocess
import tempfile

TIMEOUT = 180  # seconds for one run: a hang must end, a slow machine must not fail


class Tap:
    """Prints one line a check; a failure's details follow as comments."""

    def __init__(self):
        self.count = 0
        self.failed = 0

    def check(self, good, title, details=""):
        self.count += 1
        if not good:
            self.failed += 1
        print(f"{'ok' if good else 'not ok'} {self.count} - {title}", flush=True)
        if not good:
            for line in str(details).splitlines()[:40]:
                print(f"#   {line}", flush=True)
        return good

    def skip(self, title, why):
        self.count += 1
        print(f"ok {self.count} - {title} # SKIP {why}", flush=True)

    def finish(self):
        print(f"1..{self.count}", flush=True)
        return 1 if self.failed else 0


class Result:
    """What came of one run.  status is as a shell tells it: 128 + n for signal n."""

    def __init__(self, status, out, err, report=None):
        self.status, self.out, self.err, self.report = status, out, err, report
        self.crashed = False  # a signal ended the command itself, not what it runs
        self.late = False     # it did not end by itself

    def differs(self, other):
        """"" when output and status are the same, else what is not."""
        text = ""
        if self.status != other.status:
            text += f"status {self.status}, expected {other.status}\n"
        if self.out != other.out:
            ours, theirs = self.out.splitlines(), other.out.splitlines()
            text += f"{len(ours)} lines of output, expected {len(theirs)}\n"
            for a, b in zip(ours + [b"(end)"], theirs + [b"(end)"]):
                if a != b:
                    text += f"first difference:\n  got      {a!r}\n  expected {b!r}\n"
                    break
        if text:
            text += self.err.decode(errors="replace")[-1500:]
        return text


def execute(command, stdin=b"", env=None, limit=None, cwd=None):
    """Runs command; env is added to the environment; limit is called in the child."""
    full = {k: v for k, v in os.environ.items() if not k.startswith("GUEST_")}
    full.update(env or {})
    try:
        done = subprocess.run(command, input=stdin, capture_output=True, env=full, cwd=cwd,
                              timeout=TIMEOUT, preexec_fn=limit, check=False)
    except subprocess.TimeoutExpired as late:
        result = Result(-1, late.stdout or b"", b"timed out\n" + (late.stderr or b""))
        result.late = True
        return result
    status = done.returncode if done.returncode >= 0 else 128 - done.returncode
    result = Result(status, done.stdout, done.stderr)
    result.crashed = done.returncode < 0
    return result


SYSROOT = "/usr/riscv64-linux-gnu"  # the default that Pagewright has, too


def on_qemu(qemu, program, args=(), stdin=b"", env=None, stack=None, dynamic=False):
    options = ["-s", str(stack)] if stack else []
    added = {"GUEST_LENIENT": "1", "GUEST_VIA": qemu}
    if dynamic:
        added["QEMU_LD_PREFIX"] = SYSROOT
    added.update(env or {})
    return execute([qemu, *options, program, *args], stdin, added)


def on_pagewright(pagewright, options, program, args=(), stdin=b"", env=None, limit=None):
    """Runs with a JSON report, which is parsed into .report (None when there was none)."""
    with tempfile.TemporaryDirectory() as tmp:
        path = os.path.join(tmp, "report.json")
        command = [pagewright, "run", *options, "--report", "json", "--report-file", path, "--",
                   program, *args]
        result = execute(command, stdin, env, limit)
        try:
            with open(path, encoding="utf-8") as file:
                result.report = json.load(file)
        except (OSError, ValueError):
            result.report = None
    return result
