/* SPDX-License-Identifier: BSD-2-Clause */
/* The C library's regular expressions over generated text, and a small matcher of our own that
 * must agree with them. */
#include <regex.h>
#include <stdbool.h>
#include <string.h>

#include "guest.h"

/* Literals, '.', '^', '$' and '*' after one of them. */
static bool match_here(const char *re, const char *text);

static bool
match_star(char c, const char *re, const char *text)
{
    do {
        if (match_here(re, text))
            return true;
    } while (*text != 0 && (*text++ == c || c == '.'));
    return false;
}

static bool
match_here(const char *re, const char *text)
{
    if (re[0] == 0)
        return true;
    if (re[1] == '*')
        return match_star(re[0], re + 2, text);
    if (re[0] == '$' && re[1] == 0)
        return *text == 0;
    if (*text != 0 && (re[0] == '.' || re[0] == *text))
        return match_here(re + 1, text + 1);
    return false;
}

static bool
match(const char *re, const char *text)
{
    if (re[0] == '^')
        return match_here(re + 1, text);
    do {
        if (match_here(re, text))
            return true;
    } while (*text++ != 0);
    return false;
}

static const char *const simple[] = {"ab*c", "^a.*b$", "c.c", "a*a*a*b", "cab", "^$", "bb*bb"};
static const char *const extended[] = {
    "(ab|ba)+c", "^[a-c]{3,9}$", "(a)(b*)(c?)(a|b)\\2$", "(abc|bca|cab){2}", "[^a]a[^a]"};

static void
make_text(uint64_t seed, char *line)
{
    size_t len = guest_value(seed, 0) % 24;
    for (size_t i = 0; i < len; i++)
        line[i] = (char)('a' + guest_value(seed, i + 1) % 3);
    line[len] = 0;
}

static void
agree(const char *pattern, int lines)
{
    regex_t re;
    char line[32];
    int hits = 0;
    GUEST_CHECK(regcomp(&re, pattern, REG_NOSUB) == 0);
    for (int i = 0; i < lines; i++) {
        make_text((uint64_t)i, line);
        bool hit = regexec(&re, line, 0, NULL, 0) == 0;
        GUEST_CHECK(hit == match(pattern, line));
        hits += hit;
    }
    printf("%-10s %d of %d\n", pattern, hits, lines);
    regfree(&re);
}

static void
groups(const char *pattern, int lines)
{
    regex_t re;
    regmatch_t m[5];
    char line[32];
    uint64_t sum = 0;
    GUEST_CHECK(regcomp(&re, pattern, REG_EXTENDED) == 0);
    for (int i = 0; i < lines; i++) {
        make_text((uint64_t)i, line);
        if (regexec(&re, line, 5, m, 0) == 0)
            sum = guest_sum(sum, (uint64_t)m[0].rm_so << 20 | (uint64_t)m[0].rm_eo);
    }
    printf("%-22s %016lx\n", pattern, sum);
    regfree(&re);
}

int
main(int argc, char **argv)
{
    int lines = (int)guest_arg(argc, argv, 1, 400);
    for (size_t i = 0; i < sizeof simple / sizeof simple[0]; i++)
        agree(simple[i], lines);
    for (size_t i = 0; i < sizeof extended / sizeof extended[0]; i++)
        groups(extended[i], lines);
    return 0;
}
