/* SPDX-License-Identifier: BSD-2-Clause */
/* The language of scripts: words, numbers, names, and what a line comes to. */
#include "../../../cmd/pagewright/script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../../../cmd/pagewright/machine_spec.h"
#include "../../../cmd/pagewright/verb.h"

static void
expect_words(const char *line, size_t n, const char *const *text)
{
    struct script_words words;

    assert_null(script_lex(line, &words));
    assert_int_equal(words.n, n);
    for (size_t i = 0; i < n; i++)
        assert_string_equal(words.word[i].text, text[i]);
}

static void
test_words(void **state)
{
    struct script_words words;

    (void)state;
    expect_words("", 0, NULL);
    expect_words(" \t\r", 0, NULL);
    expect_words("# all of it", 0, NULL);
    expect_words("map a 4p", 3, (const char *[]){"map", "a", "4p"});
    expect_words("  map\ta  # rest", 2, (const char *[]){"map", "a"});
    expect_words("a#b c", 2, (const char *[]){"a#b", "c"});
    expect_words("echo \"a  # b\" c", 3, (const char *[]){"echo", "a  # b", "c"});
    expect_words("\"\" \"\"", 2, (const char *[]){"", ""});
    expect_words("\"\\\"\\\\\\n\\t\"", 1, (const char *[]){"\"\\\n\t"});
    assert_null(script_lex("read \"read\"", &words));
    assert_false(words.word[0].quoted);
    assert_true(words.word[1].quoted);
}

static void
test_bad_lines(void **state)
{
    static const char *const lines[] = {
        "\"", "a \"b", "\"a\\\"", "\"\\", "\"\\x\"", "\"a\"b", "a\"b\"", "a\x01", "\x7f"};
    char text[SCRIPT_LINE_MAX + 1];
    struct script_words words;

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        assert_non_null(script_lex(lines[i], &words));
    memset(text, 'x', sizeof text);
    text[SCRIPT_LINE_MAX - 1] = '\0';
    assert_null(script_lex(text, &words));
    text[SCRIPT_LINE_MAX - 1] = 'x';
    text[SCRIPT_LINE_MAX] = '\0';
    assert_non_null(script_lex(text, &words));
    for (size_t i = 0; i < 2 * SCRIPT_WORDS_MAX + 1; i++)
        text[i] = i % 2 == 0 ? 'x' : ' ';
    text[2 * SCRIPT_WORDS_MAX] = '\0';
    assert_null(script_lex(text, &words));
    assert_int_equal(words.n, SCRIPT_WORDS_MAX);
    text[2 * SCRIPT_WORDS_MAX] = 'x';
    text[2 * SCRIPT_WORDS_MAX + 1] = '\0';
    assert_non_null(script_lex(text, &words));
}

static void
test_numbers(void **state)
{
    static const struct {
        const char *text;
        enum number is;
        uint64_t n;
    } cases[] = {
        {"0", NUMBER, 0},
        {"007", NUMBER, 7},
        {"1024", NUMBER, 1024},
        {"0x1f", NUMBER, 31},
        {"0XfF", NUMBER, 255},
        {"4K", NUMBER, 4096},
        {"4k", NUMBER, 4096},
        {"3M", NUMBER, 3 << 20},
        {"1G", NUMBER, 1 << 30},
        {"2T", NUMBER, (uint64_t)2 << 40},
        {"2p", NUMBER, 8192},
        {"0x10p", NUMBER, 65536},
        {"18446744073709551615", NUMBER, UINT64_MAX},
        {"0xffffffffffffffff", NUMBER, UINT64_MAX},
        {"18446744073709551616", NUMBER_LARGE, 0},
        {"0x10000000000000000", NUMBER_LARGE, 0},
        {"99999999999999999999999", NUMBER_LARGE, 0},
        {"16777216T", NUMBER_LARGE, 0},
        {"0x8000000000000000p", NUMBER_LARGE, 0},
        {"", NUMBER_NONE, 0},
        {"x", NUMBER_NONE, 0},
        {"0x", NUMBER_NONE, 0},
        {"K", NUMBER_NONE, 0},
        {"-1", NUMBER_NONE, 0},
        {"+1", NUMBER_NONE, 0},
        {"1.5", NUMBER_NONE, 0},
        {"4KB", NUMBER_NONE, 0},
        {"4Q", NUMBER_NONE, 0},
        {"4P", NUMBER_NONE, 0},
        {"1 ", NUMBER_NONE, 0},
        {"1f", NUMBER_NONE, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t n = 77;
        assert_int_equal(script_number(cases[i].text, &n), cases[i].is);
        assert_int_equal(n, cases[i].is == NUMBER ? cases[i].n : 77);
    }
}

static void
test_names(void **state)
{
    (void)state;
    assert_true(script_name_valid("a"));
    assert_true(script_name_valid("Web-server_2"));
    assert_true(script_name_valid("abcdefghijklmnopqrstuvwxyz12345"));
    assert_false(script_name_valid("abcdefghijklmnopqrstuvwxyz123456"));
    assert_false(script_name_valid(""));
    assert_false(script_name_valid("2a"));
    assert_false(script_name_valid("-a"));
    assert_false(script_name_valid("a.b"));
    assert_false(script_name_valid("a b"));
    assert_false(script_name_valid("\xc3\xa4"));
}

static const char *
nearest(const char *word)
{
    struct script_nearest best;

    script_nearest_init(&best, word);
    for (size_t i = 0; verb_at(i) != NULL; i++)
        script_nearest_try(&best, verb_at(i)->name);
    return best.best != NULL ? best.best : "";
}

static void
test_nearest(void **state)
{
    (void)state;
    assert_string_equal(nearest("wrte"), "write");
    assert_string_equal(nearest("wirte"), "write");
    assert_string_equal(nearest("writeee"), "write");
    assert_string_equal(nearest("pgaetable"), "pagetable");
    assert_string_equal(nearest("mpa"), "map");
    assert_string_equal(nearest("page"), "page");
    assert_string_equal(nearest("xyzzy"), "");
    assert_string_equal(nearest(""), "");
    assert_string_equal(nearest("writewritewritewritewritewritewritewrite"), "");
}

static void
test_verbs(void **state)
{
    (void)state;
    for (size_t i = 0; verb_at(i) != NULL; i++) {
        const struct verb *verb = verb_at(i);
        struct script_words words;
        assert_ptr_equal(verb_find(verb->name), verb);
        assert_true(verb->run != NULL || verb->value != NULL);
        assert_int_equal(verb->help[strlen(verb->help) - 1], '.');
        assert_null(script_lex(verb->example, &words));
        assert_string_equal(words.word[0].text, verb->name);
    }
    assert_null(verb_find("nosuch"));
}

static void
test_sizes(void **state)
{
    char buf[24];

    (void)state;
    assert_string_equal(number_size(0, buf), "0");
    assert_string_equal(number_size(1023, buf), "1023");
    assert_string_equal(number_size(4096, buf), "4K");
    assert_string_equal(number_size(5 << 20, buf), "5M");
    assert_string_equal(number_size(UINT64_MAX, buf), "18446744073709551615");
    assert_string_equal(number_size((uint64_t)1 << 63, buf), "8E");
}

static void
test_spec(void **state)
{
    struct pgw_config config;
    char path[8], error[200];

    (void)state;
    pgw_config_init(&config);
    assert_true(machine_spec_swap("none", &config, path, sizeof path, error, sizeof error));
    assert_int_equal(config.swap, PGW_SWAP_NONE);
    assert_true(machine_spec_swap("64K", &config, path, sizeof path, error, sizeof error));
    assert_int_equal(config.swap, PGW_SWAP_TEMP);
    assert_int_equal(config.swap_size, 65536);
    assert_true(machine_spec_swap("a:b:1M", &config, path, sizeof path, error, sizeof error));
    assert_int_equal(config.swap, PGW_SWAP_FILE);
    assert_string_equal(config.swap_path, "a:b");
    const char *stacks[] = {"zpool", "zpool:25%,file:x:1G", "temp:4M", "file:a:1M", "nbd:unix:/x"};
    for (size_t i = 0; i < sizeof stacks / sizeof stacks[0]; i++) {
        char text[64];
        assert_true(machine_spec_swap(stacks[i], &config, text, sizeof text, error, sizeof error));
        assert_int_equal(config.swap, PGW_SWAP_STACK);
        assert_string_equal(config.swap_path, stacks[i]);
    }
    assert_true(machine_spec_swap("./temp:1M", &config, (char[64]){0}, 64, error, sizeof error));
    assert_int_equal(config.swap, PGW_SWAP_FILE);
    assert_false(machine_spec_swap("longname:1M", &config, path, sizeof path, error, sizeof error));
    assert_false(machine_spec_swap("4095", &config, path, sizeof path, error, sizeof error));
    assert_false(machine_spec_swap("", &config, path, sizeof path, error, sizeof error));
    assert_true(machine_spec_cost("ram=80ns,disk=4ms,tlb=1", &config.cost));
    assert_true(config.cost.ram_ns > 79.9 && config.cost.ram_ns < 80.1);
    assert_true(config.cost.disk_ns > 3.99e6 && config.cost.disk_ns < 4.01e6);
    assert_false(machine_spec_cost("", &config.cost));
    assert_false(machine_spec_cost("ram", &config.cost));
    assert_false(machine_spec_cost("ram=", &config.cost));
    assert_false(machine_spec_cost("ram=1,", &config.cost));
    assert_false(machine_spec_cost("ram=1h", &config.cost));
    assert_false(machine_spec_cost("ram=-1", &config.cost));
}

/* How lines end, one after the other, in one script. */
static void
test_lines(void **state)
{
    static const struct {
        const char *line;
        enum script_result result;
        enum pgw_status status;
    } lines[] = {
        {"", SCRIPT_OK, PGW_OK},
        {"stat", SCRIPT_OK, PGW_OK},
        {"machine ram=128K", SCRIPT_OK, PGW_OK},
        {"process a", SCRIPT_OK, PGW_OK},
        {"read a 0x1000", SCRIPT_REFUSED, PGW_NOTFOUND},
        {"map a 2p at 0x1000", SCRIPT_OK, PGW_OK},
        {"map a 2p at 0x1000", SCRIPT_REFUSED, PGW_EXIST},
        {"map a 2p at 0x1001", SCRIPT_REFUSED, PGW_INVAL},
        {"write a 0x1ffc 0x1122334455667788", SCRIPT_OK, PGW_OK},
        {"expect read a 0x1ffc = 0x1122334455667788", SCRIPT_OK, PGW_OK},
        {"expect read a 0x1ffc byte = 0x88", SCRIPT_OK, PGW_OK},
        {"expect read a 0x2000 byte = 0x44", SCRIPT_OK, PGW_OK},
        {"expect read a 0x1ffc != 0x1122334455667788", SCRIPT_UNMET, PGW_OK},
        {"expect read a 0x1ffc = \"text\"", SCRIPT_UNMET, PGW_OK},
        {"expect read a 0x1ffc < \"text\"", SCRIPT_UNMET, PGW_OK},
        {"expect read a 0x1ffc != \"text\"", SCRIPT_OK, PGW_OK},
        {"expect page a 0x1000 slot = none", SCRIPT_OK, PGW_OK},
        {"expect page a 0x1000 dirty = yes", SCRIPT_OK, PGW_OK},
        {"evict a 0x1000", SCRIPT_OK, PGW_OK},
        {"evict a 0x1000", SCRIPT_REFUSED, PGW_NOTFOUND},
        {"expect page a 0x1000 state = swapped", SCRIPT_OK, PGW_OK},
        {"expect page a 0x1000 slot != none", SCRIPT_OK, PGW_OK},
        {"expect read a 0x1ffc = read a 0x1ffc", SCRIPT_OK, PGW_OK},
        {"expect stat major = 1", SCRIPT_OK, PGW_OK},
        {"expect stat access_ns > 0.001", SCRIPT_OK, PGW_OK},
        {"expect stat access_ns < 0.001", SCRIPT_UNMET, PGW_OK},
        {"write a 0x1000 \"text\"", SCRIPT_OK, PGW_OK},
        {"expect read a 0x1000 text = \"text\"", SCRIPT_OK, PGW_OK},
        {"expect read a 0x1000 text = text", SCRIPT_OK, PGW_OK},
        {"expect read a 0x1000 text < text", SCRIPT_UNMET, PGW_OK},
        {"fork a b", SCRIPT_OK, PGW_OK},
        {"write b 0x1000 \"other\"", SCRIPT_OK, PGW_OK},
        {"expect read a 0x1000 text = \"text\"", SCRIPT_OK, PGW_OK},
        {"share a 0x1000 b at 0x9000 rights r", SCRIPT_OK, PGW_OK},
        {"write a 0x1000 5", SCRIPT_OK, PGW_OK},
        {"expect read b 0x9000 = 5", SCRIPT_OK, PGW_OK},
        {"expect fails access write b 0x9000 5", SCRIPT_OK, PGW_OK},
        {"expect fails notfound write b 0x9000 5", SCRIPT_UNMET, PGW_OK},
        {"expect fails access read b 0x9000", SCRIPT_UNMET, PGW_OK},
        {"protect a 0x1000 2p none", SCRIPT_OK, PGW_OK},
        {"read a 0x1000", SCRIPT_REFUSED, PGW_ACCESS},
        {"resize b 0x9000 1p", SCRIPT_OK, PGW_OK},
        {"unmap b 0x9000 1p", SCRIPT_OK, PGW_OK},
        {"end b", SCRIPT_OK, PGW_OK},
        {"maps b", SCRIPT_MISTAKE, PGW_OK},
        {"machine ram=1", SCRIPT_REFUSED, PGW_NORAM},
        {"maps a", SCRIPT_OK, PGW_OK},
        {"machine", SCRIPT_OK, PGW_OK},
        {"maps a", SCRIPT_MISTAKE, PGW_OK},
        {"check", SCRIPT_OK, PGW_OK},
        {"quit", SCRIPT_QUIT, PGW_OK},
    };
    struct script script;
    FILE *out = fopen("/dev/null", "w");

    (void)state;
    assert_non_null(out);
    script_init(&script, out, out);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        enum script_result result = script_line(&script, lines[i].line);
        if (result != lines[i].result)
            fail_msg("%s: %d: %s", lines[i].line, (int)result, script.message);
        if (result == SCRIPT_REFUSED)
            assert_int_equal(script.status, lines[i].status);
    }
    script_fini(&script);
    fclose(out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_bad_lines),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_nearest),
        cmocka_unit_test(test_verbs),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_spec),
        cmocka_unit_test(test_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
