/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * expect: what turns a script into a test.
 *
 *     expect VERB ARGUMENT... = VALUE          a verb that has a value, compared with a number, a
 *                                              text or a word, or with another verb's value
 *     expect fails STATUS VERB ARGUMENT...     a line that must be refused, and how
 */
#include <stdlib.h>
#include <string.h>

#include "script_args.h"

/* By enum pgw_status. */
static const char *const status_names[] = {
    [PGW_OK] = NULL,
    [PGW_NOMEM] = "nomem",
    [PGW_NORAM] = "noram",
    [PGW_NOSWAP] = "noswap",
    [PGW_IO] = "io",
    [PGW_CORRUPT] = "corrupt",
    [PGW_INVAL] = "inval",
    [PGW_RANGE] = "range",
    [PGW_EXIST] = "exist",
    [PGW_NOTFOUND] = "notfound",
    [PGW_ACCESS] = "access",
    [PGW_NOSPACE] = "nospace",
    [PGW_UNSUPPORTED] = "unsupported",
    [PGW_AGAIN] = "again",
    [PGW_NOEXEC] = "noexec",
    [PGW_NOCOMMIT] = "nocommit",
    [PGW_BUSY] = "busy",
};

/* By the bits of verb_compare()'s answers that make them true. */
enum verb_order { VERB_LESS = 1, VERB_EQUAL = 2, VERB_MORE = 4, VERB_APART = 8 };

static const struct {
    const char *name;
    unsigned holds; /* a mask of enum verb_order */
} operators[] = {
    {"=", VERB_EQUAL},
    {"!=", VERB_LESS | VERB_MORE | VERB_APART},
    {"<", VERB_LESS},
    {"<=", VERB_LESS | VERB_EQUAL},
    {">", VERB_MORE},
    {">=", VERB_MORE | VERB_EQUAL},
};

/* What holds for the operator; 0: the word is none. */
static unsigned
verb_operator(const struct script_word *word)
{
    for (size_t i = 0; i < sizeof operators / sizeof operators[0] && !word->quoted; i++) {
        if (strcmp(word->text, operators[i].name) == 0)
            return operators[i].holds;
    }
    return 0;
}

static double
verb_real(const struct verb_value *value)
{
    return value->kind == VERB_REAL ? value->real : (double)value->number;
}

/* Values of different kinds are apart: neither equal nor one more than the other.  Texts are equal
 * or apart. */
static enum verb_order
verb_compare(const struct verb_value *a, const struct verb_value *b)
{
    if (a->kind == VERB_TEXT || b->kind == VERB_TEXT)
        return a->kind == b->kind && strcmp(a->text, b->text) == 0 ? VERB_EQUAL : VERB_APART;
    if (a->kind == VERB_NUMBER && b->kind == VERB_NUMBER) {
        if (a->number == b->number)
            return VERB_EQUAL;
        return a->number < b->number ? VERB_LESS : VERB_MORE;
    }
    if (verb_real(a) < verb_real(b))
        return VERB_LESS;
    return verb_real(a) > verb_real(b) ? VERB_MORE : VERB_EQUAL;
}

/* Is it a decimal fraction, and nothing else? */
static bool
verb_fraction(const char *text, double *real)
{
    char *end = NULL;

    if (text[0] < '0' || text[0] > '9' || strspn(text, "0123456789.") != strlen(text))
        return false;
    *real = strtod(text, &end);
    return *end == '\0';
}

static enum script_result
verb_expect_query(
    struct args *args, const struct script_word *word, size_t n, struct verb_value *value)
{
    const struct verb *verb = word->quoted ? NULL : verb_find(word->text);
    struct args query = {.script = args->script, .verb = verb, .word = word + 1, .left = n - 1};

    if (verb == NULL || verb->value == NULL) {
        args_wrong(args,
            "\"%.64s\" has no value that could be compared (read, page, stat and run do)",
            word->text);
        return SCRIPT_MISTAKE;
    }
    return verb->value(&query, value);
}

/* The right side: a verb's value, or a number or text as it stands. */
static enum script_result
verb_expect_right(
    struct args *args, const struct script_word *word, size_t n, struct verb_value *value)
{
    const struct verb *verb = word->quoted ? NULL : verb_find(word->text);

    if (verb != NULL && verb->value != NULL)
        return verb_expect_query(args, word, n, value);
    if (n > 1) {
        args_wrong(args, "\"%.64s\" is more than it takes", word[1].text);
        return SCRIPT_MISTAKE;
    }
    value->kind = VERB_TEXT;
    snprintf(value->text, sizeof value->text, "%s", word->text);
    if (word->quoted)
        return SCRIPT_OK;
    if (script_number(word->text, &value->number) == NUMBER)
        value->kind = VERB_NUMBER;
    else if (verb_fraction(word->text, &value->real))
        value->kind = VERB_REAL;
    return SCRIPT_OK;
}

/* The words as they were, as far as they fit. */
static void
verb_expect_words(char *buf, size_t size, const struct script_word *word, size_t n)
{
    size_t len = 0;

    buf[0] = '\0';
    for (size_t i = 0; i < n && len < size; i++) {
        const char *quote = word[i].quoted ? "\"" : "";
        int more = snprintf(
            buf + len, size - len, "%s%s%s%s", i > 0 ? " " : "", quote, word[i].text, quote);
        len += more > 0 ? (size_t)more : 0;
    }
}

static enum script_result
verb_expect_unmet(struct args *args, const struct script_word *word, size_t n, size_t at,
    const struct verb_value *left, const struct verb_value *right)
{
    char words[512], is[sizeof left->text], other[sizeof right->text];
    bool both = n - at > 2; /* the right side was more than a word */

    verb_expect_words(words, sizeof words, word, n);
    verb_value_print(is, sizeof is, left);
    verb_value_print(other, sizeof other, right);
    (void)script_mistake(args->script, "expected %s, but it is %s%s%s", words, is,
        both ? " and " : "", both ? other : "");
    return SCRIPT_UNMET;
}

static enum script_result
verb_expect_value(struct args *args)
{
    const struct script_word *word = args->word;
    size_t n = args->left, at = 0;
    struct verb_value left, right;

    while (at < n && verb_operator(&word[at]) == 0)
        at++;
    if (at == 0 || at + 1 >= n) {
        args_wrong(args, "%s",
            at == 0 && n > 0 ? "what is compared is missing"
            : at >= n        ? "a comparison is missing"
                             : "a value is missing");
        return SCRIPT_MISTAKE;
    }
    enum script_result result = verb_expect_query(args, word, at, &left);
    if (result == SCRIPT_OK)
        result = verb_expect_right(args, word + at + 1, n - at - 1, &right);
    if (result != SCRIPT_OK)
        return result;
    if ((verb_operator(&word[at]) & verb_compare(&left, &right)) != 0)
        return SCRIPT_OK;
    return verb_expect_unmet(args, word, n, at, &left, &right);
}

static enum script_result
verb_expect_status(struct args *args, enum pgw_status *status)
{
    const char *name = args_word(args, "how it fails");
    struct script_nearest nearest;

    if (args->bad)
        return SCRIPT_MISTAKE;
    script_nearest_init(&nearest, name);
    for (unsigned i = 1; i < sizeof status_names / sizeof status_names[0]; i++) {
        if (strcmp(name, status_names[i]) == 0) {
            *status = (enum pgw_status)i;
            return SCRIPT_OK;
        }
        script_nearest_try(&nearest, status_names[i]);
    }
    return script_mistake(args->script, "\"%.64s\" is no way to fail: %s%s%s", name,
        nearest.best != NULL ? "did you mean \"" : "help expect lists them",
        nearest.best != NULL ? nearest.best : "", nearest.best != NULL ? "\"?" : "");
}

static enum script_result
verb_expect_fails(struct args *args)
{
    struct script *script = args->script;
    enum pgw_status status = PGW_OK;
    char words[512], why[512];

    enum script_result result = verb_expect_status(args, &status);
    if (result == SCRIPT_OK && args->left == 0)
        args_wrong(args, "the line that fails is missing");
    if (result != SCRIPT_OK || args->bad)
        return SCRIPT_MISTAKE;
    const struct verb *verb = args->word->quoted ? NULL : verb_find(args->word->text);
    if (verb != NULL && verb->bare)
        return script_mistake(
            script, "%s cannot be refused: only the machine's verbs can", verb->name);
    result = script_words(script, args->word, args->left);
    if (result == SCRIPT_MISTAKE || (result == SCRIPT_REFUSED && script->status == status))
        return result == SCRIPT_MISTAKE ? SCRIPT_MISTAKE : SCRIPT_OK;
    verb_expect_words(words, sizeof words, args->word, args->left);
    if (result == SCRIPT_OK)
        snprintf(why, sizeof why, "it was done");
    else
        snprintf(why, sizeof why, "it fails with %s: %.400s", status_names[script->status],
            script->message);
    (void)script_mistake(
        script, "expected %s to fail with %s, but %s", words, status_names[status], why);
    return SCRIPT_UNMET;
}

enum script_result
verb_expect(struct args *args)
{
    args->script->expectations++;
    if (args_keyword(args, "fails"))
        return verb_expect_fails(args);
    return verb_expect_value(args);
}
