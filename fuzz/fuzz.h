/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A fuzz target is one function over arbitrary bytes.  It is linked with libFuzzer
 * (-Dfuzzers=true, clang) or with fuzz_replay.c, which runs a corpus and mutations of it for a
 * while; it aborts on a wrong answer.
 */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
