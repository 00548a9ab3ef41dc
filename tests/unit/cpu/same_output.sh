#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Usage: same_output.sh REFERENCE RUNNER PROGRAM: both print the same for PROGRAM, and something.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$1" "$3" > "$work/reference"
"$2" "$3" > "$work/ours"
test -s "$work/reference"
if ! diff "$work/reference" "$work/ours" > "$work/diff"; then
    echo "differs from $1:"
    head -n 20 "$work/diff"
    exit 1
fi
wc -l < "$work/ours"
