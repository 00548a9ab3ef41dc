# SPDX-License-Identifier: BSD-2-Clause
# Thin, over meson.  run and test are all that a fresh machine needs: they install what is missing.
PREFIX ?= /usr/local
DESTDIR ?=

.PHONY: all build run test bench lint fmt install deps clean

all: build

build: ## build/pagewright
	tools/deps build
	tools/build build

run: ## SQLite on 4 MiB of RAM, compared with qemu
	tools/deps run
	tools/build build
	guest/run-demo

test: ## all suites, on the release build and under the sanitizers
	tools/deps test
	tools/run-tests $(TEST_ARGS)

bench: ## speed, as ratios; writes JSON
	tools/deps bench
	tools/build build
	bench/run

lint: ## includes, sizes, format, cppcheck, clang-tidy
	tools/deps lint
	tools/lint

fmt: ## formats all sources
	find src cmd include tests fuzz bench guest -name 'build*' -prune -o -name '*.[ch]' -print0 | xargs -0 clang-format -i

install: ## to PREFIX, below DESTDIR
	tools/deps build
	tools/build build --prefix=$(PREFIX)
	DESTDIR=$(DESTDIR) meson install -C build --no-rebuild

deps: ## everything that building, testing and linting need
	tools/deps bench lint

clean:
	rm -rf build build-asan build-tsan
