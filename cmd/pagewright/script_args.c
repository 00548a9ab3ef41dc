/* SPDX-License-Identifier: BSD-2-Clause */
#include "script_args.h"

#include <stdarg.h>
#include <string.h>

void
args_wrong(struct args *args, const char *format, ...)
{
    char text[512];
    va_list list;

    if (args->bad)
        return;
    args->bad = true;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    (void)script_mistake(args->script, "%s: %s; usage: %s%s%s", args->verb->name, text,
        args->verb->name, args->verb->usage[0] != '\0' ? " " : "", args->verb->usage);
}

bool
args_done(struct args *args)
{
    if (!args->bad && args->left > 0)
        args_wrong(args, "\"%.64s\" is more than it takes", args->word->text);
    return !args->bad;
}

bool
args_more(const struct args *args)
{
    return !args->bad && args->left > 0;
}

const char *
args_word(struct args *args, const char *what)
{
    if (args->bad)
        return "";
    if (args->left == 0) {
        args_wrong(args, "%s is missing", what);
        return "";
    }
    args->left--;
    return args->word++->text;
}

bool
args_keyword(struct args *args, const char *keyword)
{
    if (!args_more(args) || args->word->quoted || strcmp(args->word->text, keyword) != 0)
        return false;
    args->left--;
    args->word++;
    return true;
}

bool
args_is_number(const struct args *args)
{
    uint64_t n;

    return args_more(args) && !args->word->quoted &&
           script_number(args->word->text, &n) != NUMBER_NONE;
}

uint64_t
args_number(struct args *args, const char *what)
{
    bool quoted = args_more(args) && args->word->quoted;
    const char *text = args_word(args, what);
    uint64_t n = 0;

    if (args->bad)
        return 0;
    enum number is = quoted ? NUMBER_NONE : script_number(text, &n);
    if (is == NUMBER_LARGE)
        args_wrong(args, "%s, \"%.64s\", is above 2^64-1", what, text);
    else if (is == NUMBER_NONE)
        args_wrong(args,
            "%s is a number, such as 12, 0x1f, 4K, 3M, 1G or 2p (pages), and not \"%.64s\"", what,
            text);
    return n;
}

uint64_t
args_length(struct args *args)
{
    uint64_t len = args_number(args, "the length");
    char most[24];

    if (!args->bad && len > args->script->limits.len)
        args_wrong(
            args, "one line goes through at most %s", number_size(args->script->limits.len, most));
    return args->bad ? 0 : len;
}

static void
args_no_process(struct args *args, const char *name)
{
    struct script_nearest nearest;
    struct script_process *process;

    script_nearest_init(&nearest, name);
    TAILQ_FOREACH (process, &args->script->processes, link)
        script_nearest_try(&nearest, process->name);
    args->bad = true;
    if (nearest.best != NULL)
        (void)script_mistake(args->script, "there is no process \"%.64s\": did you mean \"%s\"?",
            name, nearest.best);
    else
        (void)script_mistake(
            args->script, "there is no process \"%.64s\": make it with process NAME", name);
}

struct script_process *
args_process(struct args *args)
{
    const char *name = args_word(args, "the name of a process");

    if (args->bad)
        return NULL;
    struct script_process *process = script_process_find(args->script, name);
    if (process == NULL)
        args_no_process(args, name);
    return process;
}

unsigned
args_rights(struct args *args)
{
    static const char letters[] = "rwx";
    const char *text = args_word(args, "the rights, letters of rwx or none,");
    unsigned rights = 0;

    if (args->bad || strcmp(text, "none") == 0)
        return 0;
    for (const char *c = text; *c != '\0' || c == text; c++) {
        const char *is = *c != '\0' ? strchr(letters, *c) : NULL;
        if (is == NULL) {
            args_wrong(args, "rights are letters of rwx, or none, and not \"%.64s\"", text);
            return 0;
        }
        rights |= PGW_READ << (is - letters);
    }
    return rights;
}

unsigned
args_access(struct args *args, unsigned missing)
{
    if (args_keyword(args, "read"))
        return PGW_READ;
    if (args_keyword(args, "write"))
        return PGW_WRITE;
    return args_keyword(args, "exec") ? PGW_EXEC : missing;
}
