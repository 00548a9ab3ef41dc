/* SPDX-License-Identifier: BSD-2-Clause */
/* What a process's program does, a step at a time: write, fill, read, touch; and evict. */
#include <ctype.h>
#include <string.h>

#include "script_args.h"

#define VERB_DUMP_MAX 65536u /* bytes that read shows */
#define VERB_DUMP_ROW 16u

/* Bytes from va to the end of its page, but at most len. */
static uint64_t
verb_page_rest(uint64_t va, uint64_t len)
{
    uint64_t rest = PGW_PAGE_SIZE - va % PGW_PAGE_SIZE;
    return rest < len ? rest : len;
}

/* Accesses len bytes from va, once for each page; sets them to byte unless that is negative. */
static enum script_result
verb_go_through(struct script *script, struct pgw_space *space, uint64_t va, uint64_t len,
    unsigned right, int byte)
{
    for (uint64_t n; len > 0; va += n, len -= n) {
        void *bytes;
        size_t rest;

        n = verb_page_rest(va, len);
        if (script_stopped(script))
            return SCRIPT_MISTAKE;
        enum script_result result =
            script_refused(script, pgw_resolve(space, va, right, &bytes, &rest));
        if (result != SCRIPT_OK)
            return result;
        if (byte >= 0)
            memset(bytes, byte, (size_t)n);
    }
    return SCRIPT_OK;
}

enum script_result
verb_write(struct args *args)
{
    struct script_process *process = args_process(args);
    uint64_t va = args_number(args, "the address"), number = 0;
    const char *text = NULL;

    if (args_more(args) && args->word->quoted)
        text = args_word(args, "a text");
    else if (args_is_number(args))
        number = args_number(args, "the value");
    else
        args_wrong(args, "what to write is missing, or is neither a number nor a text in quotes");
    if (!args_done(args))
        return SCRIPT_MISTAKE;
    return script_refused(
        args->script, text != NULL ? pgw_write(process->space, va, text, strlen(text) + 1)
                                   : pgw_write(process->space, va, &number, sizeof number));
}

enum script_result
verb_fill(struct args *args)
{
    struct script_process *process = args_process(args);
    uint64_t va = args_number(args, "the address"), len = args_length(args);
    uint64_t byte = args_number(args, "the byte");

    if (!args->bad && byte > UINT8_MAX)
        args_wrong(args, "a byte is at most 255");
    if (!args_done(args))
        return SCRIPT_MISTAKE;
    return verb_go_through(args->script, process->space, va, len, PGW_WRITE, (int)byte);
}

enum script_result
verb_touch(struct args *args)
{
    struct script_process *process = args_process(args);
    uint64_t va = args_number(args, "the address");
    uint64_t len = args_is_number(args) ? args_length(args) : 1;
    unsigned right = args_access(args, PGW_READ);

    if (!args_done(args))
        return SCRIPT_MISTAKE;
    return verb_go_through(args->script, process->space, va, len, right, -1);
}

enum script_result
verb_evict(struct args *args)
{
    struct script_process *process = args_process(args);
    uint64_t va = args_number(args, "the address");

    if (!args_done(args))
        return SCRIPT_MISTAKE;
    return script_refused(args->script, pgw_evict(process->space, va));
}

/* A text up to its NUL, or as much as fits; what cannot be shown is a dot. */
static enum script_result
verb_read_text(struct script *script, struct pgw_space *space, uint64_t va, char *text, size_t size)
{
    size_t i;

    for (i = 0; i + 1 < size; i++) {
        enum script_result result = script_refused(script, pgw_read(space, va + i, &text[i], 1));
        if (result != SCRIPT_OK)
            return result;
        if (text[i] == '\0')
            break;
        if (!isprint((unsigned char)text[i]) || (unsigned char)text[i] >= 0x80)
            text[i] = '.';
    }
    text[i] = '\0';
    return SCRIPT_OK;
}

enum script_result
verb_read_value(struct args *args, struct verb_value *value)
{
    struct script_process *process = args_process(args);
    uint64_t va = args_number(args, "the address"), number = 0;
    bool text = args_keyword(args, "text"), byte = !text && args_keyword(args, "byte");
    struct script *script = args->script;

    if (!text && !byte)
        (void)args_keyword(args, "word");
    if (!args_done(args))
        return SCRIPT_MISTAKE;
    value->kind = text ? VERB_TEXT : VERB_NUMBER;
    if (text)
        return verb_read_text(script, process->space, va, value->text, sizeof value->text);
    enum pgw_status status = pgw_read(process->space, va, &number, byte ? 1 : sizeof number);
    value->number = number;
    return script_refused(script, status);
}

static void
verb_dump_row(FILE *out, uint64_t va, const unsigned char *bytes, size_t n)
{
    fprintf(out, "0x%-9llx", (unsigned long long)va);
    for (size_t i = 0; i < VERB_DUMP_ROW; i++) {
        if (i < n)
            fprintf(out, " %02x", bytes[i]);
        else
            fputs("   ", out);
    }
    fputs("  ", out);
    for (size_t i = 0; i < n; i++)
        fputc(bytes[i] >= ' ' && bytes[i] < 0x7f ? bytes[i] : '.', out);
    fputc('\n', out);
}

static enum script_result
verb_dump(struct args *args, struct pgw_space *space, uint64_t va, uint64_t len)
{
    unsigned char bytes[VERB_DUMP_ROW];

    for (uint64_t n; len > 0; va += n, len -= n) {
        n = len < VERB_DUMP_ROW ? len : VERB_DUMP_ROW;
        enum script_result result =
            script_refused(args->script, pgw_read(space, va, bytes, (size_t)n));
        if (result != SCRIPT_OK)
            return result;
        verb_dump_row(args->script->out, va, bytes, (size_t)n);
    }
    return SCRIPT_OK;
}

/* The verb by itself shows bytes too, and numbers in both ways of writing them. */
enum script_result
verb_read(struct args *args)
{
    struct args ahead = *args;
    struct script_process *process = args_process(&ahead);
    uint64_t va = args_number(&ahead, "the address");
    struct verb_value value;

    if (args_is_number(&ahead)) {
        uint64_t len = args_number(&ahead, "the length");
        if (len > VERB_DUMP_MAX)
            args_wrong(&ahead, "at most %u bytes are shown", VERB_DUMP_MAX);
        return args_done(&ahead) ? verb_dump(&ahead, process->space, va, len) : SCRIPT_MISTAKE;
    }
    enum script_result result = verb_read_value(args, &value);
    if (result != SCRIPT_OK)
        return result;
    if (value.kind == VERB_TEXT)
        fprintf(args->script->out, "\"%s\"\n", value.text);
    else
        fprintf(args->script->out, "%llu (0x%llx)\n", (unsigned long long)value.number,
            (unsigned long long)value.number);
    return SCRIPT_OK;
}
