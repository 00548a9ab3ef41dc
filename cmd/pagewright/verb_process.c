/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes and what is mapped in them: process, end, fork, share, switch, map, unmap, protect,
 * resize. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "script_args.h"

enum script_result
verb_process(struct args *args)
{
    const char *name = args_word(args, "a name");

    if (!args_done(args))
        return SCRIPT_MISTAKE;
    enum script_result result = script_process_check(args->script, name);
    return result == SCRIPT_OK ? script_process_add(args->script, name, NULL) : result;
}

enum script_result
verb_end(struct args *args)
{
    struct script_process *process = args_process(args);

    if (!args_done(args))
        return SCRIPT_MISTAKE;
    script_process_end(args->script, process);
    return SCRIPT_OK;
}

enum script_result
verb_fork(struct args *args)
{
    struct script *script = args->script;
    struct script_process *process = args_process(args);
    const char *name = args_word(args, "the child's name");
    struct pgw_space *child = NULL;

    if (!args_done(args))
        return SCRIPT_MISTAKE;
    enum script_result result = script_process_check(script, name);
    if (result == SCRIPT_OK)
        result = script_refused(script, pgw_fork(process->space, &child));
    return result == SCRIPT_OK ? script_process_add(script, name, child) : result;
}

enum script_result
verb_switch(struct args *args)
{
    struct script_process *process = args_process(args);

    if (!args_done(args))
        return SCRIPT_MISTAKE;
    pgw_switch(process->space);
    return SCRIPT_OK;
}

/* Where something came to be, when the script did not say where. */
static void
verb_map_tell(struct args *args, const struct script_process *process, uint64_t va)
{
    fprintf(args->script->out, "%s: at 0x%llx\n", process->name, (unsigned long long)va);
}

enum script_result
verb_share(struct args *args)
{
    struct script_process *from = args_process(args);
    uint64_t from_va = args_number(args, "the address of what is shared"), va = 0;
    struct script_process *to = args_process(args);
    struct pgw_region region = {0};

    if (args_keyword(args, "at"))
        va = args_number(args, "the address");
    const uint64_t at = va;
    bool given = args_keyword(args, "rights");
    unsigned rights = given ? args_rights(args) : 0;
    if (!args_done(args))
        return SCRIPT_MISTAKE;
    /* With the rights that it has there, unless others are asked for; share itself tells what is
     * wrong with the address. */
    if (!given && pgw_region_at(from->space, from_va, &region) == PGW_OK)
        rights = region.prot;
    enum script_result result =
        script_refused(args->script, pgw_share(to->space, from->space, from_va, rights, &va));
    if (result == SCRIPT_OK && va != at)
        verb_map_tell(args, to, va);
    return result;
}

/* What map's words after the length say. */
struct verb_map_words {
    bool at, file;
    uint64_t va, offset;
    unsigned rights;
    const char *path;
};

static void
verb_map_words(struct args *args, struct verb_map_words *words)
{
    *words = (struct verb_map_words){.rights = PGW_READ | PGW_WRITE};
    if ((words->at = args_keyword(args, "at")))
        words->va = args_number(args, "the address");
    if (args_keyword(args, "rights"))
        words->rights = args_rights(args);
    if ((words->file = args_keyword(args, "file"))) {
        words->path = args_word(args, "the file's name");
        if (args_keyword(args, "offset"))
            words->offset = args_number(args, "the offset");
    }
}

/* Opens a file for mapping without being held up by a pipe that nobody writes to. */
static enum script_result
verb_map_open(struct script *script, const char *name, int *fd)
{
    char path[4096];

    if (script->no_files)
        return script_mistake(script, "this script may not open files");
    if (!script_path(script, name, path, sizeof path))
        return script_mistake(script, "the file's path is too long");
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (*fd < 0)
        return script_mistake(script, "cannot open %s: %s", path, strerror(errno));
    return SCRIPT_OK;
}

static enum script_result
verb_map_file(struct script *script, struct pgw_space *space, uint64_t len,
    const struct verb_map_words *words, unsigned flags, uint64_t *va)
{
    int fd = -1;
    enum script_result result = verb_map_open(script, words->path, &fd);

    if (result != SCRIPT_OK)
        return result;
    result = script_refused(
        script, pgw_map_file(space, fd, words->offset, len, words->rights, flags, va));
    close(fd);
    return result;
}

enum script_result
verb_map(struct args *args)
{
    struct script_process *process = args_process(args);
    uint64_t len = args_number(args, "the length");
    struct verb_map_words words;

    verb_map_words(args, &words);
    if (!args_done(args))
        return SCRIPT_MISTAKE;
    unsigned flags = words.at ? PGW_FIXED | PGW_NOREPLACE : 0;
    uint64_t va = words.va;
    enum script_result result =
        words.file
            ? verb_map_file(args->script, process->space, len, &words, flags, &va)
            : script_refused(args->script, pgw_map(process->space, len, words.rights, flags, &va));
    if (result == SCRIPT_OK && !words.at)
        verb_map_tell(args, process, va);
    return result;
}

enum script_result
verb_unmap(struct args *args)
{
    struct script_process *process = args_process(args);
    uint64_t va = args_number(args, "the address"), len = args_number(args, "the length");

    if (!args_done(args))
        return SCRIPT_MISTAKE;
    return script_refused(args->script, pgw_unmap(process->space, va, len));
}

enum script_result
verb_protect(struct args *args)
{
    struct script_process *process = args_process(args);
    uint64_t va = args_number(args, "the address"), len = args_number(args, "the length");
    unsigned rights = args_rights(args);

    if (!args_done(args))
        return SCRIPT_MISTAKE;
    return script_refused(args->script, pgw_protect(process->space, va, len, rights));
}

enum script_result
verb_resize(struct args *args)
{
    struct script_process *process = args_process(args);
    uint64_t start = args_number(args, "the address"), len = args_number(args, "the length");
    bool may_move = args_keyword(args, "move");
    struct pgw_region region;
    uint64_t va = start;

    if (!args_done(args))
        return SCRIPT_MISTAKE;
    enum pgw_status status = pgw_region_at(process->space, start, &region);
    if (status == PGW_OK && region.start > start)
        status = PGW_NOTFOUND;
    if (status == PGW_NOTFOUND) {
        args->script->status = status;
        (void)script_mistake(
            args->script, "nothing is mapped at 0x%llx", (unsigned long long)start);
        return SCRIPT_REFUSED;
    }
    status = pgw_remap(process->space, region.end - start, len, may_move, &va);
    enum script_result result = script_refused(args->script, status);
    if (result == SCRIPT_OK && va != start)
        verb_map_tell(args, process, va);
    return result;
}
