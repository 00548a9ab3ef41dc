#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The command's own errors: each gets its exit code and one line that says what, where and what
# to do.  usage: cli.sh PAGEWRIGHT
set -u

pagewright=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT INT TERM
unset TMPDIR
bad=0 count=0

# try CODE TEXT ARGUMENT...: the exit code, and a part of the one line on standard error.
try() {
    code=$1 text=$2
    shift 2
    "$pagewright" "$@" >"$dir/out" 2>"$dir/err" </dev/null
    got=$?
    count=$((count + 1))
    if [ "$got" != "$code" ]; then
        echo "pagewright $*: exit $got, not $code"
        cat "$dir/err"
        bad=$((bad + 1))
    elif ! grep -qF -- "$text" "$dir/err"; then
        echo "pagewright $*: does not say \"$text\":"
        cat "$dir/err"
        bad=$((bad + 1))
    elif [ "$(wc -l <"$dir/err")" != 1 ] || [ -s "$dir/out" ]; then
        echo "pagewright $*: more than one line:"
        cat "$dir/out" "$dir/err"
        bad=$((bad + 1))
    fi
}

# says TEXT ARGUMENT...: exit 0, and a part of standard output.
says() {
    text=$1
    shift
    count=$((count + 1))
    if ! "$pagewright" "$@" >"$dir/out" 2>"$dir/err" || ! grep -qF -- "$text" "$dir/out" ||
        [ -s "$dir/err" ]; then
        echo "pagewright $*: does not print \"$text\""
        cat "$dir/out" "$dir/err"
        bad=$((bad + 1))
    fi
}

says 'pagewright 0.' --version
says 'run a riscv64 Linux program' --help
says '--report-file=FILE' run --help
says 'sv39' run --help
says 'Policies (--policy NAME, or NAME:KEY=VALUE:...):' run --help
says '--ram=SIZE' run --usage

try 125 'no command: to run a program'
try 125 'there is no command "walk": to run a program, write pagewright run PROGRAM; --help lists the others' walk
try 125 'there is no command "replai": did you mean "replay"?' replai
try 125 'there is no command "help": did you mean "--help"?' help
try 125 'no program to run' run
try 125 'no program to run' run --ram 4M
try 125 'no program to run' run --

try 125 '--ram: "" is not a size' run --ram '' x
try 125 '--ram: "4Q" is not a size' run --ram 4Q x
try 125 '--ram: "-4M" is not a size' run --ram=-4M x
try 125 '--ram: "4M " is not a size' run --ram '4M ' x
try 125 '--ram: 99999999999T is too large' run --ram 99999999999T x
try 125 '--ram: "64P" is not a size' run --ram 64P x
try 125 '61440 bytes of RAM are too few' run --ram 15p x
try 125 'are too few' run --ram 0 x
try 125 'at least 64K' run --ram 63K x
try 125 '--swap: "big" is none of: none, a size such as 256M, FILE:SIZE' run --swap big x
try 125 '--swap: "" is none of' run --swap '' x
try 125 'swap:lots" is none of: none, a size such as 256M, FILE:SIZE' run --swap "$dir/swap:lots" x
try 125 'swap:" is none of: none, a size such as 256M, FILE:SIZE' run --swap "$dir/swap:" x
try 125 '":1M" has no file name before the colon' run --swap :1M x
try 125 'is less than a page of 4K; for no swap, write none' run --swap 0 x
try 125 "cannot make the swap file $dir/no/swap: no such directory" run --swap "$dir/no/swap:1M" x
try 125 "cannot swap to $dir: it is neither" run --swap "$dir:1M" x
try 125 'cannot swap to /dev/null: it is neither' run --swap /dev/null:1M x
try 125 'there is no mmu "sv99": use one of none, base-bounds, segments, linear' run --mmu sv99 x
try 125 'there is no policy "none": use one of clock, ' run --policy none x
try 125 'policy clock has no parameter "bits=9": write any of, with a colon between, bits=1..8' run --policy clock:bits=9 x
try 125 'policy clock: "bits=3" sets what was set before it' run --policy clock:bits=2:bits=3 x
try 125 'mmu x86-64: "ad=fault" sets what was set before it' run --mmu x86-64:ad=hardware,ad=fault x
try 125 'mmu sv39: "svade" sets what was set before it' run --mmu sv39:ad=hardware,svade x
try 125 'mmu segments: "fit=best" sets what was' run --mmu segments:fit=first,bits=2,fit=best x
try 125 'and nothing is given twice' run --tlb l1=64:4,replace=fifo,replace=lru x
try 125 '"10%" sets what was set before it' run --swap zpool:16M:lz4:10% x
try 125 'policy fifo has no parameter "bits=2": it takes none' run --policy fifo:bits=2 x
try 125 'tlb "l1=3:2" is not valid' run --tlb l1=3:2 x
try 125 'tlb "l2=64:4" is not valid' run --tlb l2=64:4 x
try 125 '--report: "xml" is none of: text, json, none' run --report xml x
try 125 "cannot write the report to $dir/no/report: No such file or directory" \
    run --report-file "$dir/no/report" x
try 125 '--seed: "seven" is not a whole number' run --seed seven x
try 125 '--seed: "-1" is not a whole number' run --seed=-1 x
try 125 '--seed: "18446744073709551616" is not a whole' run --seed 18446744073709551616 x
try 125 'a slice of 0 instructions' run --slice 0 x
try 125 '--slice: "" is not a whole number' run --slice '' x
try 125 '--window: "1K" is not a whole number' run --window 1K x
try 125 '--stack: "deep" is not a size' run --stack deep x
for cost in '' ram ram= ram=x ram=-1 'ram= 1' ram=1h ram=1ns, ,ram=1 ram=1:tlb=2 cpu=1 ram=nan \
    disk=1e30s ram=1,ram=2; do
    try 125 "--cost: \"$cost\" is not valid" run --cost "$cost" x
done

try 127 "$dir/absent" run "$dir/absent"
try 126 "$dir" run "$dir"
echo 'echo no' >"$dir/script"
chmod +x "$dir/script"
try 126 "$dir/script" run -- "$dir/script" --ram 4M
printf '\177ELF' >"$dir/stub"
chmod +x "$dir/stub"
try 126 "$dir/stub" run --swap 4K --cost ram=1,disk=4ms,l2=1ns,tlb=0.25,fault=2us "$dir/stub"
try 126 "$pagewright" run "$pagewright"

# Started without descriptors, swap does not become one of them.
"$pagewright" run --swap "$dir/kept:1M" "$dir/absent" <&- >&- 2>&-
got=$?
count=$((count + 1))
if [ "$got" != 127 ] || [ -s "$dir/kept" ]; then
    echo "without descriptors: exit $got, not 127, or something was written to the swap file"
    bad=$((bad + 1))
fi

echo "$count command lines, $bad wrong"
[ "$bad" = 0 ]
