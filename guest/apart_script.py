#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Prints the linker's default script with all that is written moved to 1 GiB.

    apart_script.py COMPILER
"""

import re
import subprocess
import sys


def main():
    told = subprocess.run([sys.argv[1], "-static", "-Wl,--verbose", "-o", "/dev/null", "-xc", "/dev/null"],
                          capture_output=True, text=True, check=False).stdout
    script = re.split(r"^={10,}$", told, flags=re.M)[1]
    script, moved = re.subn(r"\. = DATA_SEGMENT_ALIGN.*", ". = 0x40000000 + (. & 0xfff);", script)
    if moved != 1:
        sys.exit("apart_script.py: the linker's script is not as expected")
    print(re.sub(r"\. = DATA_SEGMENT_(RELRO_)?END.*", "", script))


if __name__ == "__main__":
    main()
