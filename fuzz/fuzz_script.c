/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scripts, on machines that are kept small.  Whatever they say, the machine must be whole
 * afterwards, and what went wrong must be one line of text.  Files and programs of the host are out
 * of reach.
 *
 * Input: the text of a script; or, when its first byte is 0x80 or more, bytes that each choose a
 * word of the language, for scripts that mean something more often.
 */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../cmd/pagewright/script.h"

#define LINES_MAX 300

static void
need(bool holds, const char *what, const char *more)
{
    if (holds)
        return;
    fprintf(stderr, "fuzz_script: %s: %s\n", what, more);
    abort();
}

/* A line that is not done says why, in one line. */
static void
check_message(const struct script *script, const char *line)
{
    need(script->message[0] != '\0', "a line fails without a message", line);
    need(strchr(script->message, '\n') == NULL || strstr(line, "\\n") != NULL,
        "a message of several lines", script->message);
}

static bool
one_line(struct script *script, char *line)
{
    script->message[0] = '\0';
    enum script_result result = script_line(script, line);
    if (result == SCRIPT_REFUSED)
        need(script->status != PGW_OK && script->status < PGW_STATUS_COUNT,
            "a refused line without a status", line);
    if (result == SCRIPT_UNMET || result == SCRIPT_REFUSED || result == SCRIPT_MISTAKE)
        check_message(script, line);
    need(script->system == NULL || pgw_error_text(script->system) != NULL, "no error text", line);
    return result != SCRIPT_QUIT;
}

/* 0 ends a line, and so do a few others, so that lines are as short as real ones. */
static const char *const words[] = {"\n", "\n", "\n", "machine ram=64K", "machine ram=128K",
    "mmu=sv39", "mmu=sv32", "mmu=x86", "mmu=x86-64", "mmu=armv8", "mmu=mips32", "mmu=hashed",
    "mmu=linear", "mmu=none", "mmu=base-bounds", "mmu=base-bounds:compact=off",
    "mmu=base-bounds:fit=buddy", "mmu=segments", "mmu=segments:fit=worst", "mmu=ref", "policy=fifo",
    "policy=random", "swap=none", "swap=64K", "tlb=none", "tlb=l1=4:4", "process", "end", "map",
    "unmap", "protect", "resize", "write", "fill", "read", "touch", "fork", "share", "switch",
    "evict", "compact", "maps", "page", "frames", "partitions", "swap", "tlb", "walk", "pagetable",
    "stat", "stat of", "check", "expect", "expect fails", "a", "a", "a", "b", "b", "c", "at",
    "rights", "rw", "rwx", "r", "none", "text", "byte", "exec", "write", "move", "0", "0", "0x1000",
    "0x10000", "0x10000", "0x11ffc", "0x3ff000", "0x40000000", "0xfffffffffffff000", "1p", "2p",
    "4p", "9p", "40p", "1G", "7", "\"text\"", "=", "!=", "<", "notfound", "nospace", "noram",
    "range", "state", "frame", "slot", "major", "holes", "process a\n", "process b\n", "fork a b\n",
    "map a 4p at 0x10000\n", "map b 6p at 0\n", "map a 20p at 0\n", "fill a 0x10000 4p 1\n",
    "fill b 0 6p 2\n", "evict a 0x10000\n", "share a 0x10000 b\n", "end a\n"};

/* A script of the words that the bytes choose; the caller's, to free(). */
static char *
text_of_words(const uint8_t *data, size_t size)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    need(out != NULL, "no memory", "");
    for (size_t i = 0; i < size; i++)
        fprintf(out, "%s ", words[data[i] % (sizeof words / sizeof words[0])]);
    need(fclose(out) == 0, "no memory", "");
    return text;
}

static char *
text_of(const uint8_t *data, size_t size)
{
    if (size > 0 && data[0] >= 0x80)
        return text_of_words(data + 1, size - 1);
    char *text = malloc(size + 1);
    need(text != NULL, "no memory", "");
    memcpy(text, data, size);
    text[size] = '\0';
    return text;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script script;
    char *text = text_of(data, size), *rest = text;
    FILE *out = fopen("/dev/null", "w");

    need(out != NULL, "cannot open", "/dev/null");
    script_init(&script, out, out);
    script.no_files = true;
    script.limits = (struct script_limits){
        .ram = (uint64_t)1 << 20, .len = (uint64_t)1 << 20, .scan = 2000, .processes = 16};
    for (unsigned i = 0; rest != NULL && i < LINES_MAX; i++) {
        char *line = strsep(&rest, "\n");
        if (!one_line(&script, line))
            break;
    }
    need(script.system == NULL || pgw_system_check(script.system), "the system's own check", "");
    script_fini(&script);
    fclose(out);
    free(text);
    return 0;
}
