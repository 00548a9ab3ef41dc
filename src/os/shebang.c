/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scripts: files that begin with "#!", an interpreter's path and perhaps one argument (execve(2),
 * "Interpreter scripts").  The interpreter runs in their place, with that argument, the script's
 * path and the script's own arguments.  It may be a script itself.
 */
#include <string.h>

#include "os/exec.h"
#include "os/machine.h"
#include "os/sysroot.h"

#define SCRIPT_LINE 256u /* bytes of the file that are looked at, as Linux does */
#define SCRIPT_DEPTH 5u  /* scripts that run scripts */

/* The first line, taken apart. */
struct script {
    char line[SCRIPT_LINE + 1];
    char *interp;
    char *argument; /* NULL: none */
};

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* False: it names no interpreter. */
static bool
script_parse(struct script *script)
{
    char *at = script->line + 2;

    at[strcspn(at, "\n")] = '\0';
    for (size_t len = strlen(at); len > 0 && is_blank(at[len - 1]); len--)
        at[len - 1] = '\0';
    at += strspn(at, " \t");
    script->interp = at;
    at += strcspn(at, " \t");
    if (*at != '\0') {
        *at++ = '\0';
        at += strspn(at, " \t");
    }
    script->argument = *at != '\0' ? at : NULL;
    return script->interp[0] != '\0';
}

/* Reads the start of the file; *is: it is a script. */
static enum pgw_status
script_read(const struct os *os, int dir, const char *path, struct script *script, bool *is,
    const char **why)
{
    uint64_t size;
    int fd;
    enum pgw_status status = os_program_open(os, dir, path, &fd, &size, why);

    if (status != PGW_OK)
        return status;
    int64_t n = host_io_pread(fd, script->line, SCRIPT_LINE, 0);
    host_io_close(fd);
    script->line[n > 0 ? n : 0] = '\0';
    *is = n > 2 && memcmp(script->line, "#!", 2) == 0;
    return PGW_OK;
}

/* Puts strings in the place of the first argument. */
static enum pgw_status
script_arguments(struct os_args *args, const char *const *strings, unsigned n)
{
    size_t old = args->argc > 0 ? strlen(args->bytes) + 1 : 0;
    size_t new = 0;

    for (unsigned i = 0; i < n; i++)
        new += strlen(strings[i]) + 1;
    if (new > OS_ARGS_MAX - (args->len - old))
        return PGW_RANGE;
    memmove(args->bytes + new, args->bytes + old, args->len - old);
    args->len += new - old;
    args->argc += n - (args->argc > 0);
    for (size_t at = 0; n-- > 0; at += strlen(*strings++) + 1)
        memcpy(args->bytes + at, *strings, strlen(*strings) + 1);
    return PGW_OK;
}

/* Makes args those of the script's interpreter, and copies the path of that into os->script. */
static enum pgw_status
script_enter(
    struct os *os, const char *path, struct script *script, struct os_args *args, const char **why)
{
    const char *strings[3] = {script->interp, script->argument, path};

    if (script->argument == NULL)
        strings[1] = path;
    if (script->interp[0] != '/') {
        *why = "a script whose interpreter is not named by an absolute path";
        return PGW_NOEXEC;
    }
    enum pgw_status status = script_arguments(args, strings, script->argument != NULL ? 3 : 2);
    const char *below = os_sysroot_find(os, OS_ROOTED_INTERP, os->config.sysroot, script->interp);
    if (below == NULL)
        below = script->interp;
    memcpy(os->script, below, strlen(below) + 1);
    return status;
}

enum pgw_status
os_script_resolve(
    struct os *os, int *dir, const char **path, struct os_args *args, const char **why)
{
    struct script script;
    bool is;

    for (unsigned depth = 0;; depth++) {
        enum pgw_status status = script_read(os, *dir, *path, &script, &is, why);
        if (status != PGW_OK || !is)
            return status;
        if (depth == SCRIPT_DEPTH || !script_parse(&script)) {
            *why = depth == SCRIPT_DEPTH
                       ? "a script whose interpreters are scripts, too many of them"
                       : "a script that names no interpreter after #!";
            return PGW_NOEXEC;
        }
        status = script_enter(os, *path, &script, args, why);
        if (status != PGW_OK)
            return status;
        *dir = OS_AT_FDCWD;
        *path = os->script;
    }
}
