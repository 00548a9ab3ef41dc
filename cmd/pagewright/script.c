/* SPDX-License-Identifier: BSD-2-Clause */
#include "script.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "commands.h"
#include "script_args.h"

#define SCRIPT_SOURCES_MAX 8u /* files that are named in each other */

void
script_init(struct script *script, FILE *out, FILE *err)
{
    *script = (struct script){
        .out = out,
        .err = err,
        .limits = {.ram = (uint64_t)4 << 30,
            .len = (uint64_t)1 << 30,
            .scan = (uint64_t)1 << 20,
            .processes = 1000},
    };
    TAILQ_INIT(&script->processes);
}

static void
script_forget(struct script *script)
{
    struct script_process *process;

    while ((process = TAILQ_FIRST(&script->processes)) != NULL)
        script_process_end(script, process);
    pgw_system_destroy(script->system);
    script->system = NULL;
}

void
script_fini(struct script *script)
{
    script_forget(script);
}

enum script_result
script_mistake(struct script *script, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    vsnprintf(script->message, sizeof script->message, format, list);
    va_end(list);
    return SCRIPT_MISTAKE;
}

enum script_result
script_refused(struct script *script, enum pgw_status status)
{
    const char *text = pgw_error_text(script->system);

    if (status == PGW_OK)
        return SCRIPT_OK;
    (void)script_mistake(script, "%s", text[0] != '\0' ? text : pgw_status_text(status));
    script->status = status;
    return SCRIPT_REFUSED;
}

bool
script_stopped(struct script *script)
{
    if (script->stop == NULL || *script->stop == 0)
        return false;
    (void)script_mistake(script, "interrupted");
    return true;
}

/* ---------------------------------------------------------------------------------------- */
/* The machine and its processes                                                            */

static void
script_message(void *ctx, const char *text)
{
    struct script *script = ctx;

    fflush(script->out);
    fprintf(script->err, "pagewright: %s\n", text);
}

void
script_config(const struct script *script, struct pgw_config *config)
{
    pgw_config_init(config);
    if (config->ram > script->limits.ram)
        config->ram = script->limits.ram;
}

enum script_result
script_machine(struct script *script, struct pgw_config *config)
{
    struct pgw_system *made = NULL;
    char error[512] = "";

    config->message = script_message;
    config->message_ctx = script;
    config->error = error;
    config->error_len = sizeof error;
    enum pgw_status status = pgw_system_create(config, &made);
    if (status != PGW_OK) {
        (void)script_mistake(script, "%s", error[0] != '\0' ? error : pgw_status_text(status));
        script->status = status;
        return SCRIPT_REFUSED;
    }
    script_forget(script);
    script->system = made;
    return SCRIPT_OK;
}

enum script_result
script_need_system(struct script *script)
{
    struct pgw_config config;

    if (script->system != NULL)
        return SCRIPT_OK;
    script_config(script, &config);
    return script_machine(script, &config);
}

struct script_process *
script_process_find(const struct script *script, const char *name)
{
    struct script_process *process;

    TAILQ_FOREACH (process, &script->processes, link) {
        if (strcmp(process->name, name) == 0)
            return process;
    }
    return NULL;
}

struct script_process *
script_process_of_id(const struct script *script, uint64_t id)
{
    struct script_process *process;

    TAILQ_FOREACH (process, &script->processes, link) {
        if (pgw_space_id(process->space) == id)
            return process;
    }
    return NULL;
}

enum script_result
script_process_check(struct script *script, const char *name)
{
    if (!script_name_valid(name))
        return script_mistake(script,
            "\"%.64s\" is no name for a process: write a letter, then letters, digits, _ or -, at "
            "most 31",
            name);
    if (script_process_find(script, name) != NULL)
        return script_mistake(
            script, "there is a process \"%s\" already: take another name, or end it", name);
    if (script->nprocesses >= script->limits.processes)
        return script_mistake(
            script, "there are %u processes, which is the most: end one", script->nprocesses);
    return script_need_system(script);
}

enum script_result
script_process_add(struct script *script, const char *name, struct pgw_space *space)
{
    struct script_process *process = calloc(1, sizeof *process);
    enum pgw_status status = process != NULL ? PGW_OK : PGW_NOMEM;

    if (status == PGW_OK && space == NULL)
        status = pgw_space_create(script->system, &space);
    if (status != PGW_OK) {
        pgw_space_destroy(space);
        free(process);
        return script_refused(script, status);
    }
    process->space = space;
    memcpy(process->name, name, strnlen(name, sizeof process->name - 1));
    TAILQ_INSERT_TAIL(&script->processes, process, link);
    script->nprocesses++;
    return SCRIPT_OK;
}

void
script_process_end(struct script *script, struct script_process *process)
{
    TAILQ_REMOVE(&script->processes, process, link);
    script->nprocesses--;
    pgw_space_destroy(process->space);
    free(process);
}

/* ---------------------------------------------------------------------------------------- */
/* Lines                                                                                    */

enum script_result
script_no_verb(struct script *script, const char *name)
{
    struct script_nearest nearest;

    script_nearest_init(&nearest, name);
    for (size_t i = 0; verb_at(i) != NULL; i++)
        script_nearest_try(&nearest, verb_at(i)->name);
    if (nearest.best != NULL)
        return script_mistake(
            script, "there is no verb \"%.64s\": did you mean \"%s\"?", name, nearest.best);
    return script_mistake(script, "there is no verb \"%.64s\": help lists them", name);
}

enum script_result
script_words(struct script *script, const struct script_word *word, size_t n)
{
    const struct verb *verb = verb_find(word->text);
    struct args args = {.script = script, .verb = verb, .word = word + 1, .left = n - 1};
    struct verb_value value;
    char text[sizeof value.text];

    if (word->quoted)
        return script_mistake(script, "a line begins with a verb, not with a text in quotes");
    if (verb == NULL)
        return script_no_verb(script, word->text);
    if (verb->run != NULL)
        return verb->run(&args);
    enum script_result result = verb->value(&args, &value);
    if (result == SCRIPT_OK) {
        verb_value_print(text, sizeof text, &value);
        fprintf(script->out, "%s\n", text);
    }
    return result;
}

enum script_result
script_line(struct script *script, const char *line)
{
    struct script_words words;
    const char *wrong = script_lex(line, &words);

    if (wrong != NULL)
        return script_mistake(script, "%s", wrong);
    if (words.n == 0)
        return SCRIPT_OK;
    if (script->echo)
        fprintf(script->out, "> %s\n", line + strspn(line, " \t"));
    return script_words(script, words.word, words.n);
}

void
script_tell(struct script *script, enum script_result result)
{
    const struct script_source *source = script->source;

    if (result == SCRIPT_OK || result == SCRIPT_QUIT)
        return;
    if (result == SCRIPT_UNMET)
        script->unmet++;
    else
        script->mistakes++;
    fflush(script->out);
    if (source != NULL && source->name != NULL)
        fprintf(script->err, "%s:%u: ", source->name, source->line);
    fprintf(script->err, "%s\n", script->message);
}

/*
 * One line without its newline.  False: there is none.  *wrong: NULL, or what is wrong with it; the
 * rest of the line has then been skipped, unless it ends the script.
 */
static bool
script_get_line(FILE *in, char line[SCRIPT_LINE_MAX], bool skip, const char **wrong)
{
    size_t len = 0;
    int c = getc(in);

    *wrong = NULL;
    if (c == EOF)
        return false;
    while (c != '\n' && c != EOF && (*wrong == NULL || skip)) {
        if (c == '\0')
            *wrong = "there is a NUL in the line: this is no text";
        else if (len == SCRIPT_LINE_MAX - 1)
            *wrong = "the line is too long: write at most 4095 characters";
        else
            line[len++] = (char)c;
        c = getc(in);
    }
    line[len] = '\0';
    return true;
}

enum script_result
script_stream(struct script *script, FILE *in, const char *name, bool go_on)
{
    struct script_source source = {.outer = script->source, .name = name};
    enum script_result result = SCRIPT_OK;
    char line[SCRIPT_LINE_MAX];
    const char *wrong;
    struct stat st;

    if (fstat(fileno(in), &st) == 0 && S_ISREG(st.st_mode)) {
        source.dev = st.st_dev;
        source.ino = st.st_ino;
    }
    script->source = &source;
    while (script_get_line(in, line, go_on, &wrong)) {
        source.line++;
        result = wrong != NULL ? script_mistake(script, "%s", wrong) : script_line(script, line);
        script_tell(script, result);
        if (result == SCRIPT_QUIT)
            break;
        if (!go_on && (result == SCRIPT_REFUSED || result == SCRIPT_MISTAKE))
            break;
    }
    script->source = source.outer;
    return result;
}

bool
script_path(const struct script *script, const char *path, char *buf, size_t size)
{
    const char *from = script->source != NULL ? script->source->name : NULL;
    const char *slash = from != NULL && path[0] != '/' ? strrchr(from, '/') : NULL;
    int folder = slash != NULL ? (int)(slash - from + 1) : 0;
    int n = snprintf(buf, size, "%.*s%s", folder, folder > 0 ? from : "", path);

    return n >= 0 && (size_t)n < size;
}

/* Is the file being read already, or are too many? */
static bool
script_nested(struct script *script, FILE *in, const char *path)
{
    struct stat st = {0};
    unsigned depth = 0;

    if (fstat(fileno(in), &st) != 0 || S_ISDIR(st.st_mode)) {
        (void)script_mistake(script, "cannot read %s: it is a directory", path);
        return true;
    }
    for (const struct script_source *s = script->source; s != NULL; s = s->outer, depth++) {
        if (S_ISREG(st.st_mode) && s->ino == st.st_ino && s->dev == st.st_dev) {
            (void)script_mistake(script, "%s would read itself for ever: take the line out", path);
            return true;
        }
    }
    if (depth >= SCRIPT_SOURCES_MAX)
        (void)script_mistake(script, "%u files name each other, which is the most", depth);
    return depth >= SCRIPT_SOURCES_MAX;
}

enum script_result
script_file(struct script *script, const char *path, bool go_on, bool *opened)
{
    FILE *in = fopen(path, "re");

    *opened = false;
    if (in == NULL)
        return script_mistake(script, "cannot read %s: %s", path, strerror(errno));
    if (script_nested(script, in, path)) {
        fclose(in);
        return SCRIPT_MISTAKE;
    }
    *opened = true;
    enum script_result result = script_stream(script, in, path, go_on);
    fclose(in);
    return result;
}

int
script_exit_code(const struct script *script)
{
    if (script->mistakes > 0)
        return EXIT_OURS;
    return script->unmet > 0 ? 1 : 0;
}
