/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One line of a script as words.
 *
 *     words are separated by blanks (space, tab)
 *     # at the start of a word begins a comment, which ends with the line
 *     "..." is one word, with blanks and #; in it \" \\ \n \t stand for what they do in C
 *     numbers are decimal or 0x, perhaps followed by K, M, G, T (of 1024) or p (pages of 4 KiB)
 */
#ifndef PAGEWRIGHT_SCRIPT_LEX_H
#define PAGEWRIGHT_SCRIPT_LEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "number.h"

#define SCRIPT_LINE_MAX 4096u /* bytes of a line, with the NUL */
#define SCRIPT_WORDS_MAX 64u

struct script_word {
    const char *text;
    bool quoted; /* it is a text, never a number, a keyword or a verb */
};

struct script_words {
    size_t n;
    struct script_word word[SCRIPT_WORDS_MAX];
    char text[SCRIPT_LINE_MAX]; /* what the words point to */
};

/* Splits line.  NULL, or what is wrong with it and what to do: static storage. */
const char *script_lex(const char *line, struct script_words *words);

/* *n is untouched unless it is a number. */
enum number script_number(const char *text, uint64_t *n);

/* Is it a name for a process: a letter, then letters, digits, _ and -, 31 characters at most? */
bool script_name_valid(const char *text);

/*
 * Of several words, the one that is most like another one: at most two letters wrong, missing or
 * too many, or two neighbours exchanged, and fewer than half of them.
 */
struct script_nearest {
    const char *word;
    const char *best; /* NULL: none is like it */
    unsigned distance;
};
void script_nearest_init(struct script_nearest *nearest, const char *word);
void script_nearest_try(struct script_nearest *nearest, const char *candidate);

#endif
