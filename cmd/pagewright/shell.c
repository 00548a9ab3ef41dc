/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pagewright shell: lines of the language from a person.
 *
 * At a terminal, libedit reads them: with editing, a history that outlives the shell, and
 * completion of verbs and processes.  Otherwise lines are read as they come, so that a shell can be
 * driven through a pipe.  A mistake ends neither.
 */
#include <argp.h>
#include <errno.h>
#include <histedit.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"
#include "script_args.h"

#define SHELL_HISTORY 1000 /* lines that are kept */
#define SHELL_PATH 4096

struct shell {
    struct script script;
    EditLine *edit;
    History *history;
    HistEvent event;
    char history_path[SHELL_PATH]; /* "" : nowhere */
};

/* Set when the person interrupts a line; the one thing that a signal handler cannot be handed. */
static volatile sig_atomic_t shell_stop;

static void
shell_interrupt(int signo)
{
    (void)signo;
    shell_stop = 1;
}

static char *
shell_prompt(EditLine *edit)
{
    (void)edit;
    return (char *)(uintptr_t) "pagewright> ";
}

/* ---------------------------------------------------------------------------------------- */
/* Completion                                                                               */

/* Of all words that begin as what was typed, what they have in common; n: how many there are. */
struct shell_matches {
    const char *typed;
    size_t len;
    char common[64];
    unsigned n;
};

static void
shell_match(struct shell_matches *matches, const char *word)
{
    size_t same = 0;

    if (strncmp(word, matches->typed, matches->len) != 0 || strlen(word) >= sizeof matches->common)
        return;
    if (matches->n++ == 0) {
        memcpy(matches->common, word, strlen(word) + 1);
        return;
    }
    while (matches->common[same] != '\0' && matches->common[same] == word[same])
        same++;
    matches->common[same] = '\0';
}

/* Is a verb what comes next in the line, of which these are the words before? */
static bool
shell_verb_next(const char *line, size_t len)
{
    return len == 0 || (len == 5 && memcmp(line, "help ", len) == 0) ||
           (len == 7 && memcmp(line, "expect ", len) == 0);
}

/* Some words are verbs, others are processes' names. */
static void
shell_match_all(const struct script *script, bool verb, struct shell_matches *matches)
{
    const struct script_process *process;

    for (size_t i = 0; verb && verb_at(i) != NULL; i++)
        shell_match(matches, verb_at(i)->name);
    TAILQ_FOREACH (process, &script->processes, link) {
        if (!verb)
            shell_match(matches, process->name);
    }
}

static unsigned char
shell_complete(EditLine *edit, int key)
{
    const LineInfo *line = el_line(edit);
    struct shell_matches matches = {.n = 0};
    struct shell *shell = NULL;
    char typed[64];

    (void)key;
    el_get(edit, EL_CLIENTDATA, &shell);
    const char *start = line->cursor;
    while (start > line->buffer && start[-1] != ' ')
        start--;
    size_t len = (size_t)(line->cursor - start);
    if (len >= sizeof typed)
        return CC_ERROR;
    memcpy(typed, start, len);
    typed[len] = '\0';
    matches.typed = typed;
    matches.len = len;
    shell_match_all(
        &shell->script, shell_verb_next(line->buffer, (size_t)(start - line->buffer)), &matches);
    if (matches.n == 0 || (matches.n > 1 && strlen(matches.common) == len))
        return CC_ERROR;
    if (el_insertstr(edit, matches.common + len) == -1)
        return CC_ERROR;
    if (matches.n == 1 && el_insertstr(edit, " ") == -1)
        return CC_ERROR;
    return CC_REFRESH;
}

/* ---------------------------------------------------------------------------------------- */
/* History                                                                                  */

/* Makes every folder on the way to path; that one cannot be made shows when path is opened. */
static void
shell_make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, 0700);
        *slash = '/';
    }
}

/* Where the history is kept (XDG Base Directory Specification: state); "": nowhere. */
static void
shell_history_path(char *path, size_t size)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    int n = -1;

    /* The specification: a path that is not absolute is to be ignored. */
    if (state != NULL && state[0] == '/')
        n = snprintf(path, size, "%s/pagewright/history", state);
    else if (home != NULL && home[0] == '/')
        n = snprintf(path, size, "%s/.local/state/pagewright/history", home);
    if (n < 0 || (size_t)n >= size)
        path[0] = '\0';
}

static bool
shell_open(struct shell *shell)
{
    shell->history = history_init();
    shell->edit = el_init("pagewright", stdin, stdout, stderr);
    if (shell->history == NULL || shell->edit == NULL)
        return false;
    (void)history(shell->history, &shell->event, H_SETSIZE, SHELL_HISTORY);
    (void)history(shell->history, &shell->event, H_SETUNIQUE, 1);
    shell_history_path(shell->history_path, sizeof shell->history_path);
    if (shell->history_path[0] != '\0')
        (void)history(shell->history, &shell->event, H_LOAD, shell->history_path);
    el_set(shell->edit, EL_CLIENTDATA, shell);
    el_set(shell->edit, EL_PROMPT, shell_prompt);
    el_set(shell->edit, EL_EDITOR, "emacs");
    el_set(shell->edit, EL_SIGNAL, 1);
    el_set(shell->edit, EL_HIST, history, shell->history);
    /* Wide, for el_set() would make copies of the strings that nobody frees. */
    el_wset(shell->edit, EL_ADDFN, L"pagewright-complete", L"complete a verb or a name",
        shell_complete);
    el_set(shell->edit, EL_BIND, "^I", "pagewright-complete", NULL);
    (void)el_source(shell->edit, NULL);
    return true;
}

static void
shell_close(struct shell *shell)
{
    if (shell->history != NULL && shell->history_path[0] != '\0') {
        shell_make_folders(shell->history_path);
        (void)history(shell->history, &shell->event, H_SAVE, shell->history_path);
    }
    if (shell->edit != NULL)
        el_end(shell->edit);
    if (shell->history != NULL)
        history_end(shell->history);
}

/* ---------------------------------------------------------------------------------------- */

/* Lines from the terminal up to its end or quit. */
static void
shell_talk(struct shell *shell)
{
    enum script_result result = SCRIPT_OK;

    while (result != SCRIPT_QUIT) {
        int n = 0;
        shell_stop = 0;
        const char *line = el_gets(shell->edit, &n);
        if (line == NULL && (errno == EINTR || shell_stop != 0)) {
            fputc('\n', stdout);
            el_reset(shell->edit);
            continue;
        }
        if (line == NULL || n <= 0)
            break;
        char *text = strndup(line, strcspn(line, "\n"));
        if (text == NULL)
            break;
        if (text[strspn(text, " \t")] != '\0')
            (void)history(shell->history, &shell->event, H_ENTER, text);
        result = script_line(&shell->script, text);
        script_tell(&shell->script, result);
        fflush(stdout);
        free(text);
    }
}

static int
shell_at_terminal(struct shell *shell)
{
    const struct sigaction action = {.sa_handler = shell_interrupt};

    if (!shell_open(shell)) {
        shell_close(shell);
        fprintf(stderr, "pagewright shell: no memory for the line editor\n");
        return EXIT_OURS;
    }
    sigaction(SIGINT, &action, NULL);
    shell->script.stop = &shell_stop;
    printf("Pagewright %s.  help lists the verbs, help VERB explains one, quit ends.\n",
        pgw_version());
    shell_talk(shell);
    shell_close(shell);
    /* What went wrong was told to the person who did it. */
    return 0;
}

static int
shell_from_pipe(struct shell *shell)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    (void)script_stream(&shell->script, stdin, "standard input", true);
    int code = script_exit_code(&shell->script);
    if (fflush(stdout) == 0 && ferror(stdout) == 0)
        return code;
    fprintf(stderr, "pagewright shell: cannot write to standard output: %s\n", strerror(errno));
    return EXIT_OURS;
}

int
command_shell(int argc, char **argv)
{
    const struct argp argp = {
        .doc = "Builds machines and drives them step by step, line by line: see "
               "pagewright-shell(1), or type help.\v"
               "At a terminal the exit status is 0.  Otherwise lines are read from standard "
               "input, and it is 0, 1 when an expectation was not met, and 125 when a line was "
               "wrong or could not be done.",
    };
    struct shell *shell = calloc(1, sizeof *shell);

    argp_parse(&argp, argc, argv, 0, NULL, NULL);
    if (shell == NULL) {
        fprintf(stderr, "pagewright shell: no memory\n");
        return EXIT_OURS;
    }
    script_init(&shell->script, stdout, stderr);
    bool terminal = isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1;
    int code = terminal ? shell_at_terminal(shell) : shell_from_pipe(shell);
    script_fini(&shell->script);
    free(shell);
    return code;
}
