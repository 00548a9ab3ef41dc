/* SPDX-License-Identifier: BSD-2-Clause */
#include "script_lex.h"

#include <ctype.h>
#include <string.h>

#include <pagewright/pagewright.h>

#define SCRIPT_NAME_MAX 31u    /* characters of a process's name */
#define SCRIPT_NEAREST_MAX 31u /* longer words are not compared */

static bool
script_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* What stands for \c in a quoted text; NUL: nothing does. */
static char
script_escape(char c)
{
    switch (c) {
    case 'n':
        return '\n';
    case 't':
        return '\t';
    case '"':
    case '\\':
        return c;
    default:
        return '\0';
    }
}

/* Copies what is between quotes to *to; *from is after the opening one, and then the closing one.
 */
static const char *
script_lex_quoted(const char **from, char **to)
{
    for (;; (*from)++) {
        char c = **from;
        if (c == '"') {
            (*from)++;
            break;
        }
        if (c == '\0')
            return "a quoted text has no end: close it with \" on the same line";
        if (c == '\\') {
            c = script_escape(*++*from);
            if (c == '\0')
                return "there are only \\\" \\\\ \\n and \\t in a quoted text: write \\\\ for a "
                       "backslash";
        }
        *(*to)++ = c;
    }
    if (**from != '\0' && !script_blank(**from))
        return "a quoted text is a word of its own: put a blank after it";
    return NULL;
}

static const char *
script_lex_plain(const char **from, char **to)
{
    while (**from != '\0' && !script_blank(**from)) {
        unsigned char c = (unsigned char)**from;
        if (c == '"')
            return "a quoted text is a word of its own: put a blank before it";
        if (c < ' ' || c == 0x7f)
            return "there is a control character in the line: take it out";
        *(*to)++ = *(*from)++;
    }
    return NULL;
}

const char *
script_lex(const char *line, struct script_words *words)
{
    char *to = words->text;
    const char *wrong = NULL;

    words->n = 0;
    if (strlen(line) >= sizeof words->text)
        return "the line is too long: write at most 4095 characters";
    for (;;) {
        while (script_blank(*line))
            line++;
        if (*line == '\0' || *line == '#')
            return NULL;
        if (words->n == SCRIPT_WORDS_MAX)
            return "the line has too many words: write at most 64";
        struct script_word *word = &words->word[words->n++];
        word->text = to;
        word->quoted = *line == '"';
        if (word->quoted)
            line++;
        wrong = word->quoted ? script_lex_quoted(&line, &to) : script_lex_plain(&line, &to);
        if (wrong != NULL)
            return wrong;
        *to++ = '\0';
    }
}

/* What a suffix multiplies with; 0: it is none. */
static uint64_t
script_unit(const char *suffix)
{
    static const char units[] = "KMGT";

    if (suffix[0] == '\0')
        return 1;
    if (suffix[1] != '\0')
        return 0;
    if (suffix[0] == 'p')
        return PGW_PAGE_SIZE;
    const char *unit = strchr(units, toupper((unsigned char)suffix[0]));
    return unit != NULL ? (uint64_t)1 << (10 * (unit - units + 1)) : 0;
}

enum number
script_number(const char *text, uint64_t *n)
{
    const char *suffix = NULL;
    uint64_t value = 0;
    enum number is = number_begin(text, &value, &suffix);

    if (is == NUMBER_NONE)
        return NUMBER_NONE;
    uint64_t unit = script_unit(suffix);
    if (unit == 0)
        return NUMBER_NONE;
    if (is == NUMBER_LARGE || __builtin_mul_overflow(value, unit, &value))
        return NUMBER_LARGE;
    *n = value;
    return NUMBER;
}

bool
script_name_valid(const char *text)
{
    size_t len = strlen(text);

    if (len == 0 || len > SCRIPT_NAME_MAX || !isalpha((unsigned char)text[0]))
        return false;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c >= 0x80 || (!isalnum(c) && c != '_' && c != '-'))
            return false;
    }
    return true;
}

static unsigned
script_least(unsigned a, unsigned b, unsigned c)
{
    unsigned least = a < b ? a : b;
    return least < c ? least : c;
}

/* The distance of Damerau and Levenshtein between a and b (optimal string alignment). */
static unsigned
script_distance(const char *a, const char *b)
{
    unsigned row[3][SCRIPT_NEAREST_MAX + 1] = {{0}};
    size_t la = strlen(a), lb = strlen(b);

    for (unsigned j = 0; j <= lb; j++)
        row[0][j] = j;
    for (unsigned i = 1; i <= la; i++) {
        unsigned *now = row[i % 3], *last = row[(i + 2) % 3], *before = row[(i + 1) % 3];
        now[0] = i;
        for (unsigned j = 1; j <= lb; j++) {
            now[j] = script_least(
                last[j] + 1, now[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1] ? 1 : 0));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                before[j - 2] + 1 < now[j])
                now[j] = before[j - 2] + 1;
        }
    }
    return row[la % 3][lb];
}

void
script_nearest_init(struct script_nearest *nearest, const char *word)
{
    *nearest = (struct script_nearest){.word = word, .distance = 3};
}

void
script_nearest_try(struct script_nearest *nearest, const char *candidate)
{
    size_t len = strlen(nearest->word);

    if (len > SCRIPT_NEAREST_MAX || strlen(candidate) > SCRIPT_NEAREST_MAX)
        return;
    unsigned distance = script_distance(nearest->word, candidate);
    if (distance < nearest->distance && distance < (strlen(candidate) + 1) / 2) {
        nearest->distance = distance;
        nearest->best = candidate;
    }
}
