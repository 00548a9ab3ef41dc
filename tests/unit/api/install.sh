#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Installs into a directory of its own, and builds and runs the example against what is there:
# headers, pkg-config file, shared and static library.  usage: install.sh BUILD-DIR EXAMPLE.C CC...
set -eu

build=$1 example=$2
shift 2
cc=$* # a compiler may come with its launcher
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT INT TERM

meson install -C "$build" --no-rebuild --quiet --destdir "$root"
pc=$(find "$root" -name libpagewright.pc)
[ -n "$pc" ] || { echo "no pkg-config file was installed"; exit 1; }
lib=$(dirname "$(find "$root" -name libpagewright.so)")
PKG_CONFIG_PATH=$(dirname "$pc"):${PKG_CONFIG_PATH:-}
PKG_CONFIG_SYSROOT_DIR=$root
export PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR

flags=$(pkg-config --cflags --libs libpagewright)
$cc -std=c11 -Wall -Wextra -Wpedantic -Werror "$example" $flags -o "$root/embed"
LD_LIBRARY_PATH=$lib "$root/embed" >"$root/shared.out"
grep '^a: hello$' "$root/shared.out"
grep '^child: child$' "$root/shared.out"

# Without the sysroot: the private libraries are the host's own.
flags=$(pkg-config --cflags libpagewright)
private=$(PKG_CONFIG_SYSROOT_DIR='' pkg-config --libs --static libpagewright |
    tr ' ' '\n' | grep -v -e pagewright -e '^-L' | tr '\n' ' ')
$cc -std=c11 $flags "$example" "$lib/libpagewright.a" $private -o "$root/embed-static"
"$root/embed-static" >"$root/static.out"
cmp "$root/shared.out" "$root/static.out"

# Each header stands alone, in C and in C++.
source=$(dirname "$example")/..
for header in "$source"/include/pagewright/*.h; do
    header=$(basename "$header")
    echo "#include <pagewright/$header>" >"$root/alone.c"
    $cc -std=c11 -Wall -Wextra -Wpedantic -Werror $flags -fsyntax-only "$root/alone.c"
    if command -v c++ >/dev/null; then
        c++ -x c++ -Wall -Wextra -Werror $flags -fsyntax-only "$root/alone.c"
    fi
done

# Nothing leaves the shared library but the public interface.
others=$(nm -D --defined-only "$lib/libpagewright.so" | awk '{print $3}' | grep -v '^pgw_' || true)
[ -z "$others" ] || { echo "exported, but not public: $others"; exit 1; }

# The command and its manual pages are there.
"$(find "$root" -path '*/bin/pagewright')" --version
for page in "$source"/man/*.[1-8]; do
    page=$(basename "$page")
    [ -n "$(find "$root" -name "$page*")" ] || { echo "$page was not installed"; exit 1; }
done
